r"""
Max and average pooling
=======================

A pool has no weights. Its window keeps the largest of what it sees, or the mean, and by default moves on by its own
width, so that windows do not overlap. The output is smaller, and changes little when the input moves by a pixel.
"""

# sphinx_gallery_thumbnail_number = 1
import _pictures as pic
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

tints = np.array([[0.1, 0.25], [0.35, 0.5]])
fig, ax = pic.boards(2.5)
pic.cells(ax, image, strength=np.kron(tints, np.ones((2, 2))))
for row, column in np.ndindex(2, 2):
    pic.frame(ax, (2 * row, 2 * column), (2, 2), width=2)
for left, result, words in ((6.5, largest, "largest"), (11, mean, "mean")):
    pic.cells(ax, result, at=(1, left), colour=pic.OUTPUT, strength=tints)
    pic.note(ax, (0.4, left + 1), words)
pic.note(ax, (-0.6, 2), "image")
pic.arrow(ax, (2, 4.4), (2, 6.1))
for row, column in np.ndindex(2, 2):
    window = image[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
    print(
        f"{window.ravel()}  largest {largest[row, column]:g}, mean {mean[row, column]:g}"
    )
    assert largest[row, column] == window.max() and mean[row, column] == window.mean()

# %%
# On a photograph
# ---------------
# The larger the window, the more the two differ: the largest sample keeps bright detail and widens it, the mean
# blurs.

photograph = skimage.data.coins()[40:290, 60:310].astype(np.float32) / 255
fig, axes = pic.figure(4.7, 2, 3)
for column, size in enumerate((2, 5, 10)):
    for row, (pool, name) in enumerate(
        ((cconv.max_pool2d, "largest"), (cconv.avg_pool2d, "mean"))
    ):
        small = pool(photograph[np.newaxis], size)[0]
        assert small.shape == (250 // size,) * 2
        pic.show(
            axes[row, column],
            small,
            f"{name} of {size} × {size}",
            interpolation="nearest",
        )

# %%
# Moving by a pixel
# -----------------
# How much does the result change when the photograph moves by one pixel? Relative to how much the photograph itself
# changes:

moved = np.roll(photograph, 1, axis=1)
rows = []
for size in (2, 5, 10):
    changes = []
    for pool in (cconv.max_pool2d, cconv.avg_pool2d):
        before, after = (
            pool(photograph[np.newaxis], size),
            pool(moved[np.newaxis], size),
        )
        changes.append(
            np.abs(after - before).mean() / np.abs(moved - photograph).mean()
        )
    rows.append((f"{size} × {size}", *(f"{change:.2f}" for change in changes)))
    assert changes[1] < changes[0] < 1.1
pic.Table(("window", "largest", "mean"), rows)

# %%
# Padding
# -------
# What stands outside never wins a maximum: it is lower than every sample. A mean counts it as zeros, unless told
# otherwise.

negative = -np.ones((1, 4, 4))
print("max:", cconv.max_pool2d(negative, 3, stride=2, padding=1)[0].tolist())
print("mean:", cconv.avg_pool2d(negative, 3, stride=2, padding=1)[0].round(2).tolist())
print(
    "mean, count_include_pad=False:",
    cconv.avg_pool2d(negative, 3, stride=2, padding=1, count_include_pad=False)[
        0
    ].tolist(),
)
assert np.all(cconv.max_pool2d(negative, 3, stride=2, padding=1) == -1)
