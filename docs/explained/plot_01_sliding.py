r"""
Sliding a kernel over an image
==============================

A filter looks at an image through a small window. It multiplies what it sees by the numbers of a *kernel*, adds the
products up, writes the sum down, and moves the window on by one pixel. That is all:

.. math:: \text{output}[r, c] = \sum_{i} \sum_{j} \text{image}[r + i, c + j] \cdot \text{kernel}[i, j]

Here the kernel is a *box*: nine times one ninth. The sum is then the mean of the nine pixels in the window.
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
        [9, 0, 9, 0, 9],
        [0, 9, 0, 9, 0],
        [9, 9, 9, 0, 0],
        [0, 9, 9, 9, 9],
        [9, 0, 0, 9, 0],
    ]
)
box = np.full((3, 3), 1 / 9)
blurred = cconv.correlate(image, box, "valid")
blurred

# %%
# One step
# --------
# The window at its first place. Each pixel in it is multiplied by the weight at the same place of the kernel; the sum
# of the nine products is the first pixel of the output.

products = image[:3, :3] * box
print(products)
print("sum:", products.sum())
assert np.isclose(products.sum(), blurred[0, 0])

# sphinx_gallery_start_ignore
fig, ax = pic.boards(2.9)
first = image[:3, :3]
pic.cells(ax, image)
pic.frame(ax, (0, 0), (3, 3))
pic.note(ax, (2.5, 5.75), "×")
pic.cells(ax, np.ones((3, 3)), at=(1, 6.5), colour=pic.KERNEL, text="1/9")
pic.note(ax, (2.5, 10.25), "=")
pic.cells(ax, np.full((3, 3), np.nan), at=(1, 11))
pic.cells(ax, blurred[:1, :1], at=(1, 11), colour=pic.OUTPUT, strength=0.4)
for place, words in (
    (2.5, "image, 5 × 5"),
    (8, "kernel, 3 × 3"),
    (12.5, "output, 3 × 3"),
):
    pic.note(ax, (-0.5, place), words)
pic.note(
    ax,
    (5.7, 7),
    "("
    + " + ".join(map(str, first.flat))
    + f") / 9 = {first.sum()} / 9 = {blurred[0, 0]:g}",
)
# sphinx_gallery_end_ignore

# %%
# Nine steps
# ----------
# A window of 3 × 3 has nine places in an image of 5 × 5. From left to right, then the next row; below the pictures the
# same sums are written out.

for row, column in np.ndindex(blurred.shape):
    window = image[row : row + 3, column : column + 3]
    terms = " + ".join(map(str, window.flat))
    total = window.sum()
    print(f"output[{row}, {column}] = ({terms}) / 9 = {total} / 9 = {total / 9:g}")
    assert np.isclose(total / 9, blurred[row, column])

# sphinx_gallery_start_ignore
fig, axes = pic.boards(4.8, 3, 3)
for step, ax in enumerate(axes.flat):
    row, column = divmod(step, 3)
    pic.cells(ax, image)
    pic.frame(ax, (row, column), (3, 3))
    written = np.where(np.arange(9).reshape(3, 3) <= step, blurred, np.nan)
    newest = np.where(np.arange(9).reshape(3, 3) == step, 0.5, 0.15)
    pic.cells(ax, written, at=(1, 5.6), colour=pic.OUTPUT, strength=newest)
# sphinx_gallery_end_ignore

# %%
# On a photograph
# ---------------
# The same kernel on 512 × 512 pixels, and wider ones. A box of 15 × 15 takes the mean of 225 pixels at every place.

photograph = skimage.data.camera().astype(np.float32) / 255
smooth = {}
for size in (3, 7, 15):
    wide = cconv.filters.box(size, ndim=2, dtype=np.float32)
    smooth[size] = cconv.correlate(photograph, wide, "same", boundary="reflect")

# sphinx_gallery_start_ignore
fig, axes = pic.figure(2.1, 1, 4)
part = np.s_[70:230, 150:310]
pic.show(axes[0], photograph[part], "image")
for ax, (size, result) in zip(axes[1:], smooth.items(), strict=True):
    pic.show(ax, result[part], f"box, {size} × {size}")
# sphinx_gallery_end_ignore
