"""
What stands outside the image
=============================

A window at the edge needs samples that are not there. cconv has five ways to invent them, of any width and one per axis
if you like, with the names of `numpy.pad`.
"""

# sphinx_gallery_thumbnail_number = 3
# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np
import skimage

import cconv

MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


def extended(image, width, mode):
    """`image` with its surroundings: a layer whose kernel is a single 1."""
    single = np.ones((1, 1) + (1,) * image.ndim, image.dtype)
    layer = cconv.conv1d if image.ndim == 1 else cconv.conv2d
    return layer(image[np.newaxis], single, padding=width, padding_mode=mode)[0]


# %%
# A row of numbers
# ----------------
# Four samples, extended by five on each side. "reflect" turns at the last sample, "symmetric" after it: one repeats the
# edge, the other does not.

row = np.array([1.0, 2.0, 3.0, 4.0])
rows = {mode: extended(row, 5, mode) for mode in MODES}
for mode, around in rows.items():
    assert np.array_equal(around, np.pad(row, 5, mode=mode))

# sphinx_gallery_start_ignore
fig, ax = pic.boards(2.9)
for line, (mode, around) in enumerate(rows.items()):
    at = (1.25 * line, 0)
    pic.cells(ax, [around], at=at, strength=[[0.07] * 5 + [0.45] * 4 + [0.07] * 5])
    pic.note(ax, (at[0] + 0.5, -0.4), f'"{mode}"', ha="right")
# sphinx_gallery_end_ignore

# %%
# What it does to a filter
# ------------------------
# The mean of three neighbours. Only the first and the last result depend on what stands outside.

mean = np.full(3, 1 / 3)
means = {}
for mode in MODES:
    means[mode] = cconv.convolve(row, mean, "same", boundary=mode)
    around = np.pad(row, 1, mode=mode)
    assert np.allclose(means[mode], (around[:-2] + around[1:-1] + around[2:]) / 3)

# sphinx_gallery_start_ignore
fig, ax = pic.boards(2.9)
pic.note(ax, (-0.5, 2), "samples")
pic.note(ax, (-0.5, 8), "mean of three")
for line, (mode, smooth) in enumerate(means.items()):
    at = 1.25 * line
    around = np.pad(row, 1, mode=mode)
    pic.cells(ax, [around], at=(at, -1), strength=[[0.07, *[0.45] * 4, 0.07]])
    pic.arrow(ax, (at + 0.5, 5.2), (at + 0.5, 5.8))
    pic.cells(
        ax,
        [smooth],
        at=(at, 6),
        colour=pic.OUTPUT,
        text="{:.2f}",
        strength=[[0.5, 0.12, 0.12, 0.5]],
    )
    pic.note(ax, (at + 0.5, -1.4), f'"{mode}"', ha="right")
# sphinx_gallery_end_ignore

# %%
# A photograph
# ------------
# The same five on a photograph, extended by two thirds of its size; the frame is the photograph itself.

coffee = skimage.data.coffee()[20:380, 130:490].astype(np.float32)[::2, ::2] / 255
planes = np.ascontiguousarray(coffee.transpose(2, 0, 1))
width = 120
framed = {}
for mode in MODES:
    around = np.stack([extended(plane, width, mode) for plane in planes], axis=-1)
    every = ((width, width), (width, width), (0, 0))
    assert np.array_equal(around, np.pad(coffee, every, mode=mode))
    framed[mode] = around

# sphinx_gallery_start_ignore
fig, axes = pic.figure(4.9, 2, 3)
pic.show(axes[0, 0], coffee, "photograph")
axes[0, 0].set(xlim=(-width, 180 + width), ylim=(180 + width, -width))
for ax, (mode, around) in zip(axes.flat[1:], framed.items(), strict=True):
    pic.show(ax, around, f'"{mode}"')
    pic.frame(ax, (width - 0.5, width - 0.5), coffee.shape, colour="white", width=1.5)
# sphinx_gallery_end_ignore

# %%
# Blurred to the edge
# -------------------
# A wide Gaussian near the border. Zeros make it dark, "wrap" lets the other side in; the other three differ little.

smooth = cconv.filters.gaussian(18.0, ndim=2, dtype=np.float32)
blurred = {
    mode: cconv.convolve(coffee, smooth, "same", boundary=mode, axes=(0, 1))
    for mode in MODES
}

white = np.ones((180, 180), np.float32)
corner = cconv.convolve(white, smooth, "same")[0, 0]
print(f"Of a white image, zeros outside leave {corner:.2f} in the corner:")
print("about a quarter of the weight is inside.")
assert 0.25 < corner < 0.3

# sphinx_gallery_start_ignore
fig, axes = pic.figure(4.9, 2, 3)
pic.show(axes[0, 0], coffee, "photograph")
for ax, (mode, result) in zip(axes.flat[1:], blurred.items(), strict=True):
    pic.show(ax, result, f'"{mode}"')
# sphinx_gallery_end_ignore
