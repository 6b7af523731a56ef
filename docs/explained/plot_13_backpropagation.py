r"""
Backpropagation is a convolution too
====================================

A layer that computes :math:`y` from an image :math:`x` and a kernel :math:`w` learns from :math:`g`, how the loss
changes with each output. It needs to pass on how the loss changes with each pixel. A pixel is in up to :math:`k^2`
outputs, in each under another weight:

.. math::
    y[r] = \sum_{j} x[r + j] \, w[j]
    \qquad\Longrightarrow\qquad
    \frac{\partial L}{\partial x[r]} = \sum_{j} g[r - j] \, w[j]

The index runs the other way: the gradient with respect to the image is the *full* convolution of :math:`g` with
:math:`w`. Or, in steps: pad :math:`g` by :math:`k - 1` zeros, turn the kernel by 180°, and slide it.
"""

# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np

import cconv

x = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [2.0, 1.0, 1.0]])
w = np.array([[1.0, 2.0], [3.0, 4.0]])
g = np.array([[1.0, -1.0], [2.0, 1.0]])

# %%
# Forward
# -------
# 3 × 3 pixels, a kernel of 2 × 2, 2 × 2 outputs. The gradient :math:`g` comes from the layers above.

y = cconv.conv2d(x[np.newaxis], w[np.newaxis, np.newaxis])[0]

# sphinx_gallery_start_ignore
fig, ax = pic.boards(2.0)
pic.cells(ax, x)
pic.cells(ax, w, at=(0.5, 4.6), colour=pic.KERNEL)
pic.cells(ax, y, at=(0.5, 8.2), colour=pic.OUTPUT)
pic.cells(ax, g, at=(0.5, 12), colour=pic.OUTPUT, strength=0.45)
for place, sign in ((3.8, "∗"), (7.4, "=")):
    pic.note(ax, (1.5, place), sign)
for place, words in (
    (1.5, "image x"),
    (5.6, "kernel w"),
    (9.2, "output y"),
    (13, "gradient g"),
):
    pic.note(ax, (-0.5, place), words)
# sphinx_gallery_end_ignore

# %%
# Backward, step by step
# ----------------------
# The turned kernel slides over the padded :math:`g`: nine places, one for every pixel.

turned = w[::-1, ::-1]
padded = np.pad(g, 1)
by_hand = np.empty((3, 3))
for row, column in np.ndindex(3, 3):
    window = padded[row : row + 2, column : column + 2]
    by_hand[row, column] = np.sum(window * turned)

# sphinx_gallery_start_ignore
fig, axes = pic.boards(5.0, 3, 3)
for (row, column), ax in np.ndenumerate(axes):
    window = padded[row : row + 2, column : column + 2]
    pic.cells(
        ax,
        padded,
        colour=pic.OUTPUT,
        text="{:.0f}",
        strength=np.pad(np.full((2, 2), 0.45), 1),
    )
    pic.frame(ax, (row, column), (2, 2))
    pic.cells(ax, turned, at=(1, 4.8), colour=pic.KERNEL)
    terms = [f"{a:g}·{b:g}" for a, b in zip(window.flat, turned.flat, strict=True) if a]
    ax.set_title(f"{' + '.join(terms)} = {by_hand[row, column]:g}".replace("-", "−"))
# sphinx_gallery_end_ignore

# %%
# The same by `cconv.conv2d_input_grad`, and by `cconv.convolve`:

grad_x = cconv.conv2d_input_grad(g[np.newaxis], w[np.newaxis, np.newaxis], (1, 3, 3))[0]
assert np.array_equal(grad_x, by_hand)
assert np.array_equal(grad_x, cconv.convolve(g, w, "full"))
grad_x

# %%
# The kernel's gradient
# ---------------------
# Weight :math:`w[j]` meets pixel :math:`x[r + j]` in output :math:`r`. Its gradient is the sum of the products: the
# image correlated with :math:`g`.

grad_w = cconv.conv2d_weight_grad(x[np.newaxis], g[np.newaxis], (1, 1, 2, 2))[0, 0]
assert np.array_equal(grad_w, cconv.correlate(x, g, "valid"))

# sphinx_gallery_start_ignore
fig, ax = pic.boards(2.0)
pic.cells(ax, x)
pic.cells(ax, g, at=(0.5, 4.6), colour=pic.OUTPUT, strength=0.45)
pic.cells(ax, grad_w, at=(0.5, 8.2), colour=pic.KERNEL, strength=0.4)
for place, sign in ((3.8, "∗"), (7.4, "=")):
    pic.note(ax, (1.5, place), sign)
for place, words in ((1.5, "image x"), (5.6, "gradient g"), (9.2, "gradient of w")):
    pic.note(ax, (-0.5, place), words)
first = [f"{a:g}·{b:g}" for a, b in zip(x[:2, :2].flat, g.flat, strict=True)]
sum_of_products = (" + ".join(first) + f" = {grad_w[0, 0]:g}").replace("-", "−")
pic.note(ax, (1.5, 10.9), f"the first:\n{sum_of_products}", ha="left")
# sphinx_gallery_end_ignore

# %%
# Is it the gradient?
# -------------------
# Move each pixel a little, and see how much the loss :math:`L = \sum g \cdot y` changes. It is linear in each pixel, so
# the difference is exact up to rounding.


def loss(image):
    return np.sum(g * cconv.conv2d(image[np.newaxis], w[np.newaxis, np.newaxis])[0])


measured = np.empty((3, 3))
for place in np.ndindex(3, 3):
    more = x.copy()
    more[place] += 1e-3
    measured[place] = (loss(more) - loss(x)) / 1e-3
print("largest difference:", f"{np.abs(measured - grad_x).max():.0e}")
assert np.allclose(measured, grad_x, atol=1e-9)

# %%
# All gradients of a layer, with channels, stride, padding, dilation and groups, come from one call:

images = np.random.default_rng(0).random((8, 3, 32, 32))
weight = np.random.default_rng(1).standard_normal((16, 3, 5, 5))
output = cconv.conv2d(images, weight, stride=2, padding=2)
gradients = cconv.conv2d_backward(
    np.ones_like(output), images, weight, stride=2, padding=2
)
print("input ", gradients.input.shape)
print("weight", gradients.weight.shape)
print("bias  ", gradients.bias.shape)
