r"""
Where the gradient goes: the max-pool mask
==========================================

A max-pool passes on one sample of each window. The others do not change the output, however they move a little: their
gradient is zero. So the gradient of each output goes to the sample that won, and to no other. Which one that was, the
forward pass has to remember.

.. math::
    \frac{\partial y}{\partial x[i]} = \begin{cases} 1 & x[i] \text{ is the maximum of the window} \\
    0 & \text{otherwise} \end{cases}
"""

# sphinx_gallery_thumbnail_number = 1
# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np
import skimage

import cconv

image = np.array(
    [
        [1.0, 3.0, 2.0, 0.0],
        [5.0, 7.0, 1.0, 1.0],
        [0.0, 2.0, 8.0, 6.0],
        [4.0, 2.0, 6.0, 4.0],
    ]
)
gradient = np.array([[0.1, 0.2], [0.3, 0.4]])

# %%
# Forward and back
# ----------------
# ``return_indices=True`` says where each maximum stands, counted row by row over the image.
# `cconv.max_pool2d_input_grad` sends the gradients there.

largest, indices = cconv.max_pool2d(image[np.newaxis], 2, return_indices=True)
grad_image = cconv.max_pool2d_input_grad(gradient[np.newaxis], indices, (1, 4, 4))[0]
mask = np.zeros(16)
mask[indices.ravel()] = 1
mask = mask.reshape(4, 4)
print("indices:", indices[0].tolist())
assert np.array_equal(image.ravel()[indices[0]], largest[0])
assert np.array_equal(grad_image != 0, mask == 1)
assert np.isclose(grad_image.sum(), gradient.sum())

# sphinx_gallery_start_ignore
fig, ax = pic.boards(5.0)
pic.cells(ax, image, strength=0.08 + 0.4 * mask)
pic.cells(ax, mask, at=(0, 6), colour=pic.KERNEL, strength=0.5 * mask)
pic.cells(ax, largest[0], at=(1, 12), colour=pic.OUTPUT, strength=0.3)
pic.cells(ax, gradient, at=(7, 12), colour=pic.OUTPUT, strength=0.3)
pic.cells(ax, mask, at=(6, 6), colour=pic.KERNEL, strength=0.5 * mask)
pic.cells(ax, grad_image, at=(6, 0), strength=0.08 + 0.4 * mask)
for top in (0, 6):
    for row, column in np.ndindex(2, 2):
        pic.frame(ax, (top + 2 * row, 2 * column), (2, 2), colour=pic.GREY, width=1.5)
        pic.frame(
            ax, (top + 2 * row, 6 + 2 * column), (2, 2), colour=pic.GREY, width=1.5
        )
for start, end in (
    ((2, 4.3), (2, 5.7)),
    ((2, 10.3), (2, 11.7)),
    ((8, 11.7), (8, 10.3)),
    ((8, 5.7), (8, 4.3)),
):
    pic.arrow(ax, start, end)
for at, words in (
    ((-0.5, 2), "image"),
    ((-0.5, 8), "who won"),
    ((0.5, 13), "largest"),
    ((5.5, 2), "its gradient"),
    ((5.5, 8), "the same mask"),
    ((6.5, 13), "gradient"),
):
    pic.note(ax, at, words)
pic.note(ax, (4.75, 13), "forward: to the right\nback: to the left", colour=pic.GREY)
# sphinx_gallery_end_ignore

# %%
# Ties, and windows that overlap
# ------------------------------
# Of equal samples the first wins, in row-major order. Where windows overlap a sample may win several times; its
# gradients are added.

flat, where = cconv.max_pool2d(np.full((1, 2, 2), 2.0), 2, return_indices=True)
print("a window of equal samples: index", int(where[0, 0, 0]))
assert where[0, 0, 0] == 0

peak = np.zeros((1, 5, 5))
peak[0, 2, 2] = 9
largest, indices = cconv.max_pool2d(peak, 3, stride=1, return_indices=True)
wins = cconv.max_pool2d_input_grad(np.ones_like(largest), indices, peak.shape)[0]
won = int(wins[2, 2])
print(f"a peak in the middle of 5 x 5 wins {won} of {largest.size} windows of 3 x 3")
assert wins[2, 2] == 9 and wins.sum() == 9

# %%
# Against the mean
# ----------------
# An average pool gives every sample of the window the same share.

shares = cconv.avg_pool2d_input_grad(gradient[np.newaxis], (1, 4, 4), 2)[0]
assert np.allclose(shares, np.kron(gradient, np.full((2, 2), 1 / 4)))

# sphinx_gallery_start_ignore
fig, ax = pic.boards(2.3)
pic.cells(ax, gradient, at=(1, 0), colour=pic.OUTPUT, strength=0.3)
pic.arrow(ax, (2, 2.4), (2, 3.6))
pic.cells(ax, grad_image, at=(0, 4), strength=0.05 + grad_image)
pic.cells(ax, shares, at=(0, 10), text="{:.3f}", strength=0.05 + shares)
for at, words in (
    ((0.5, 1), "gradient"),
    ((-0.5, 6), "through the maximum"),
    ((-0.5, 12), "through the mean"),
):
    pic.note(ax, at, words)
# sphinx_gallery_end_ignore

# %%
# On a photograph
# ---------------
# One pixel in 64 wins its window of 8 × 8, and learns. Putting the winners back in their places is what
# `cconv.max_unpool2d` does.

photograph = skimage.data.camera()[60:220, 150:310].astype(np.float32) / 255
largest, indices = cconv.max_pool2d(photograph[np.newaxis], 8, return_indices=True)
back = cconv.max_unpool2d(largest, indices, 8)[0]
assert np.array_equal(back[back > 0], photograph[back > 0])
assert np.count_nonzero(back) <= photograph.size // 64

# sphinx_gallery_start_ignore
fig, axes = pic.figure(2.6, 1, 3)
pic.show(axes[0], photograph, "160 × 160")
pic.show(axes[1], largest[0], "largest of 8 × 8", interpolation="nearest")
rows, columns = np.divmod(indices.ravel(), photograph.shape[1])
axes[2].plot(columns, rows, "o", color=pic.KERNEL, markersize=1.5)
pic.show(axes[2], photograph * 0.4 + 0.6, "who won")
# sphinx_gallery_end_ignore
