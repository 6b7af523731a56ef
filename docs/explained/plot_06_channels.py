r"""
Channels and filters are volumes
================================

A colour image has three *channels*: it is a volume of :math:`C \times H \times W` numbers. The kernels of a layer are
volumes too, :math:`C` deep. Each slides over rows and columns only, sums over all channels, and makes *one* flat map.
:math:`M` kernels make :math:`M` maps: the channels of the output.

.. math::
    \text{output}[m, r, c] = \text{bias}[m]
        + \sum_{l=1}^{C} \sum_{i} \sum_{j} \text{weight}[m, l, i, j] \cdot \text{input}[l, r + i, c + j]
"""

# sphinx_gallery_thumbnail_number = 1
# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np
import skimage

import cconv

# %%
# The shapes
# ----------
# Four kernels of 3 × 3 × 3 over an image of three channels and 7 × 7 pixels.

image = np.random.default_rng(0).random((3, 7, 7))
weight = np.random.default_rng(1).standard_normal((4, 3, 3, 3))
output = cconv.conv2d(image, weight)
print("input ", image.shape, "channels, rows, columns")
print("weight", weight.shape, "kernels, channels, rows, columns")
print("output", output.shape, "kernels have become channels")

# sphinx_gallery_start_ignore
fig, ax = pic.boards(3.2)
pic.volume(ax, (0, 0), image.shape, pic.INPUT)
for number in range(4):
    pic.volume(
        ax,
        (-2.7 + 5.2 * (number // 2), 12 + 5.5 * (number % 2)),
        weight.shape[1:],
        pic.KERNEL,
    )
pic.volume(ax, (1, 25.5), output.shape, pic.OUTPUT)
pic.note(ax, (3, 10.3), "∗")
pic.note(ax, (3, 23.8), "=")
for place, words in (
    (4.2, "input 3 × 7 × 7"),
    (17.1, "4 kernels 3 × 3 × 3"),
    (29, "output 4 × 5 × 5"),
):
    pic.note(ax, (8, place), words)
# sphinx_gallery_end_ignore

# %%
# A layer is a sum over channels of what `cconv.correlate` does to one:

by_hand = sum(
    cconv.correlate(image[channel], weight[2, channel], "valid") for channel in range(3)
)
assert np.allclose(output[2], by_hand)
print("parameters:", weight.size, "weights and", len(weight), "biases")

# %%
# On a photograph
# ---------------
# Four kernels that look at colour and shape: brightness; red against blue; edges between left and right; spots.

photograph = skimage.data.astronaut()[:300, 90:390].astype(np.float32) / 255
planes = np.ascontiguousarray(photograph.transpose(2, 0, 1))
flat = np.full((9, 9), 1 / 81, np.float32)
edge = cconv.filters.gaussian_derivative(1.5, order=(0, 1), size=9, dtype=np.float32)
spot = -cconv.filters.laplacian_of_gaussian(1.5, size=9, ndim=2, dtype=np.float32)
kernels = np.stack(
    [
        np.stack([0.299 * flat, 0.587 * flat, 0.114 * flat]),
        np.stack([flat, 0 * flat, -flat]),
        np.stack([edge, edge, edge]),
        np.stack([spot, spot, spot]),
    ]
)
maps = cconv.conv2d(planes, kernels, padding="same", padding_mode="reflect")
print(planes.shape, "and", kernels.shape, "make", maps.shape)

# sphinx_gallery_start_ignore
fig, axes = pic.figure(4.2, 2, 4)
pic.show(axes[0, 0], photograph, "photograph")
for ax, plane, name in zip(axes[0, 1:], planes, ("red", "green", "blue"), strict=True):
    pic.show(ax, plane, f"channel: {name}")
pic.show(axes[1, 0], maps[0], "map: brightness")
for ax, result, name in zip(
    axes[1, 1:], maps[1:], ("red − blue", "edges", "spots"), strict=True
):
    pic.show(ax, result, f"map: {name}", signed=True)
# sphinx_gallery_end_ignore

# %%
# Groups
# ------
# With ``groups=g`` channels and kernels are dealt out into :math:`g` separate layers; each kernel is then only
# :math:`C / g` deep, and there are :math:`g` times fewer weights.

wide = np.random.default_rng(2).random((8, 7, 7))
rows = []
for groups in (1, 2, 4, 8):
    grouped = np.ones((8, 8 // groups, 3, 3))
    maps = cconv.conv2d(wide, grouped, groups=groups)
    rows.append((groups, grouped.shape, grouped.size, maps.shape))
    assert grouped.size * groups == 8 * 8 * 9
# sphinx_gallery_start_ignore
pic.Table(("groups", "shape of weight", "weights", "shape of output"), rows)
# sphinx_gallery_end_ignore
