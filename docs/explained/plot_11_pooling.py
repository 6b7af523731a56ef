r"""
Max and average pooling
=======================

A pool has no weights. Its window keeps the largest of what it sees, or the mean, and by default moves on by its own
width, so that windows do not overlap. The output is smaller, and changes little when the input moves by a pixel.
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
largest = cconv.max_pool2d(image[np.newaxis], 2)[0]
mean = cconv.avg_pool2d(image[np.newaxis], 2)[0]

# %%
# By numbers
# ----------
# Windows of 2 × 2, each with a tint of its own.

for row, column in np.ndindex(2, 2):
    window = image[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
    print(window.ravel(), "largest", largest[row, column], "mean", mean[row, column])
    assert largest[row, column] == window.max() and mean[row, column] == window.mean()

# sphinx_gallery_start_ignore
fig, ax = pic.boards(2.5)
tints = np.array([[0.1, 0.25], [0.35, 0.5]])
pic.cells(ax, image, strength=np.kron(tints, np.ones((2, 2))))
for row, column in np.ndindex(2, 2):
    pic.frame(ax, (2 * row, 2 * column), (2, 2), width=2)
for left, result, words in ((6.5, largest, "largest"), (11, mean, "mean")):
    pic.cells(ax, result, at=(1, left), colour=pic.OUTPUT, strength=tints)
    pic.note(ax, (0.4, left + 1), words)
pic.note(ax, (-0.6, 2), "image")
pic.arrow(ax, (2, 4.4), (2, 6.1))
# sphinx_gallery_end_ignore

# %%
# On a photograph
# ---------------
# The larger the window, the more the two differ: the largest sample keeps bright detail and widens it, the mean
# blurs.

photograph = skimage.data.coins()[40:290, 60:310].astype(np.float32) / 255
sizes = (2, 5, 10)
maxima = [cconv.max_pool2d(photograph[np.newaxis], size)[0] for size in sizes]
means = [cconv.avg_pool2d(photograph[np.newaxis], size)[0] for size in sizes]
for size, one, other in zip(sizes, maxima, means, strict=True):
    assert one.shape == other.shape == (250 // size, 250 // size)

# sphinx_gallery_start_ignore
fig, axes = pic.figure(4.7, 2, 3)
for line, images, name in zip(axes, (maxima, means), ("largest", "mean"), strict=True):
    for ax, small, size in zip(line, images, sizes, strict=True):
        title = f"{name} of {size} × {size}"
        pic.show(ax, small, title, interpolation="nearest")
# sphinx_gallery_end_ignore

# %%
# Moving by a pixel
# -----------------
# How much does the result change when the photograph moves by one pixel? Relative to how much the photograph itself
# changes:

moved = np.roll(photograph, 1, axis=1)
change = np.abs(moved - photograph).mean()
rows = []
for size in sizes:
    changes = []
    for pool in (cconv.max_pool2d, cconv.avg_pool2d):
        before = pool(photograph[np.newaxis], size)
        after = pool(moved[np.newaxis], size)
        changes.append(np.abs(after - before).mean() / change)
    rows.append((f"{size} × {size}", *(f"{part:.2f}" for part in changes)))
    assert changes[1] < changes[0] < 1.1
# sphinx_gallery_start_ignore
pic.Table(("window", "largest", "mean"), rows)
# sphinx_gallery_end_ignore

# %%
# Padding
# -------
# What stands outside never wins a maximum: it is lower than every sample. A mean counts it as zeros, unless told
# otherwise.

negative = -np.ones((1, 4, 4))
padded = {"stride": 2, "padding": 1}
largest = cconv.max_pool2d(negative, 3, **padded)[0]
mean = cconv.avg_pool2d(negative, 3, **padded)[0]
inside = cconv.avg_pool2d(negative, 3, **padded, count_include_pad=False)[0]
print("max:", largest.tolist())
print("mean:", mean.round(2).tolist())
print("mean, count_include_pad=False:", inside.tolist())
assert np.all(largest == -1) and np.allclose(inside, -1)
