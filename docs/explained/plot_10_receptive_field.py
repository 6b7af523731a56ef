r"""
The receptive field grows through layers
========================================

One output of a layer of 3 × 3 sees nine pixels. One output of a second such layer sees nine of those outputs, and
through them 5 × 5 pixels; a third makes it 7 × 7. With kernels :math:`k`, dilations :math:`d` and strides :math:`s`,
after layers 1, 2 and so on:

.. math:: \text{size} = 1 + \sum_{l} (k_l - 1) \, d_l \prod_{m < l} s_m
"""

# sphinx_gallery_thumbnail_number = 1
# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np

import cconv

for layers in range(1, 5):
    size, _, _ = cconv.receptive_field([(3,)] * layers)
    print(f"after layer {layers} of 3 x 3: {size} x {size}")
    assert size == 2 * layers + 1

# %%
# What one output sees
# --------------------
# Follow one output back to the image: the gradient of a layer is not zero exactly where the layer has looked.

weight = np.ones((1, 1, 3, 3))
sizes = (9, 7, 5, 3)
seen = [None, None, None, np.zeros((3, 3))]
seen[3][1, 1] = 1
for layer in (2, 1, 0):
    below = (1, sizes[layer], sizes[layer])
    seen[layer] = cconv.conv2d_input_grad(seen[layer + 1][np.newaxis], weight, below)[0]
assert [int((one > 0).sum()) for one in seen] == [49, 25, 9, 1]

# sphinx_gallery_start_ignore
fig, ax = pic.boards(3.0)
left = 0
for layer, one in enumerate(seen):
    size = sizes[layer]
    reach = int((one > 0).any(0).sum())
    colour = (pic.INPUT, pic.GREY, pic.GREY, pic.OUTPUT)[layer]
    top = (9 - size) / 2
    pic.cells(
        ax,
        one,
        at=(top, left),
        colour=colour,
        text="",
        strength=np.where(one > 0, 0.5, 0.05),
    )
    pic.frame(
        ax,
        (top + (size - reach) / 2, left + (size - reach) / 2),
        (reach, reach),
        colour=colour,
        width=2,
    )
    name = "image" if layer == 0 else f"layer {layer}"
    pic.note(ax, (top + size + 0.8, left + size / 2), f"{name}: {reach} × {reach}")
    if layer < 3:
        pic.arrow(ax, (4.5, left + size + 0.4), (4.5, left + size + 1.6))
    left += size + 2
# sphinx_gallery_end_ignore

# %%
# The middle counts more
# ----------------------
# How many paths lead from a pixel to the output? One from the corner, many from the middle: the map below is of the
# kernels of ones, and tends to a Gaussian. The receptive field says what *can* matter; most of what does is near the
# middle (W. Luo et al., *Understanding the effective receptive field*, 2016).

paths = [np.ones((1, 1))]
for _ in range(8):
    paths.append(cconv.convolve(paths[-1], np.ones((3, 3))))
assert np.array_equal(paths[3], seen[0][1:-1, 1:-1])

share = paths[8][4:13, 4:13].sum() / paths[8].sum()
print(f"8 layers: the middle 9 x 9 of 17 x 17 pixels holds {share:.0%} of all paths")
assert share > 0.9

# sphinx_gallery_start_ignore
fig, axes = pic.figure(2.1, 1, 4)
for ax, layers in zip(axes, (1, 2, 4, 8), strict=True):
    pic.show(
        ax,
        np.pad(paths[layers], 9 - layers),
        f"layer {layers}: {2 * layers + 1} × {2 * layers + 1}",
        cmap=pic.shades(pic.INPUT),
        vmax=paths[layers].max(),
    )
    pic.frame(
        ax,
        (8.5 - layers, 8.5 - layers),
        (2 * layers + 1, 2 * layers + 1),
        colour=pic.GREY,
        width=1,
    )
# sphinx_gallery_end_ignore

# %%
# Strides multiply
# ----------------
# After a stride of 2 every step of a later layer is two pixels. The first layers of a ResNet:

STACK = [
    ("7 × 7, stride 2", (7, 2, 1, 3)),
    ("pool 3 × 3, stride 2", (3, 2, 1, 1)),
    *[("3 × 3", (3, 1, 1, 1))] * 4,
    ("3 × 3, stride 2", (3, 2, 1, 1)),
    ("3 × 3", (3, 1, 1, 1)),
]
layers = [layer for _, layer in STACK]  # kernel, stride, dilation, padding
rows, size, step = [], 1, 1
for count, (name, (kernel, stride, dilation, _)) in enumerate(STACK, 1):
    size += (kernel - 1) * dilation * step
    step *= stride
    assert cconv.receptive_field(layers[:count])[:2] == (size, step)
    rows.append((count, name, f"{size} × {size}", step))
# sphinx_gallery_start_ignore
pic.Table(("layer", "", "sees, pixels", "step, pixels"), rows)
# sphinx_gallery_end_ignore
