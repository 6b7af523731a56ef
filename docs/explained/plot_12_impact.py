r"""
Where each pixel counts
=======================

How many outputs does a pixel enter? In the middle of the image as many as the kernel has taps, at the edge often
fewer: a filter that does not pad sees the corners once. This *impact map* is the gradient of the sum of all outputs
with respect to the image, for a kernel of ones:

.. math:: \text{impact}[r, c] = \frac{\partial}{\partial\, \text{image}[r, c]} \sum_{\text{outputs}} \text{output}
"""

# sphinx_gallery_thumbnail_number = 1
# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np

import cconv


def impact(size, kernel, **layer):
    """How many outputs of the layer every pixel enters."""
    shape, weight = (1, size, size), np.ones((1, 1, kernel, kernel))
    output = cconv.conv2d(np.zeros(shape), weight, **layer)
    return cconv.conv2d_input_grad(np.ones_like(output), weight, shape, **layer)[0]


# %%
# Full, same, valid
# -----------------
# A kernel of 3 × 3 over 6 × 6 pixels. Only "full" treats all pixels alike.

counts = {mode: impact(6, 3, padding=mode) for mode in ("full", "same", "valid")}
assert np.all(counts["full"] == 9)
assert counts["valid"][0, 0] == 1

# sphinx_gallery_start_ignore
fig, axes = pic.boards(2.7, 1, 3)
for ax, (mode, count) in zip(axes, counts.items(), strict=True):
    pic.cells(ax, count, strength=count / 12)
    outputs = cconv.conv_output_shape(6, 3, padding=mode)[0]
    ax.set_title(f'"{mode}": {outputs} × {outputs} outputs')
# sphinx_gallery_end_ignore

# %%
# With a stride
# -------------
# A stride of 2 leaves a chequered pattern: with a kernel of 3, pixels enter one, two or four outputs, and the last row
# and column may enter none. Where the stride divides the kernel all pixels away from the edge count alike. A transposed
# convolution hands its input out by this map: that is where chequered patterns in generated images come from.

counts = {kernel: impact(8, kernel, stride=2) for kernel in (3, 4, 2)}
assert np.all(counts[3][-1] == 0)
assert np.all(counts[2] == 1)

# sphinx_gallery_start_ignore
fig, axes = pic.boards(2.8, 1, 3)
for ax, (kernel, count) in zip(axes, counts.items(), strict=True):
    pic.cells(ax, count, strength=count / 6)
    ax.set_title(f"kernel {kernel}, stride 2")
# sphinx_gallery_end_ignore

# %%
# Through layers
# --------------
# Five layers of 3 × 3 over 32 × 32 pixels. Without padding the edge fades: the corner has one path to an output, the
# middle 59,049. With "same" it fades much less.

weight = np.ones((1, 1, 3, 3))
faded = {}
for mode in ("same", "valid"):
    sizes = [32]
    for _ in range(5):
        sizes.append(cconv.conv_output_shape(sizes[-1], 3, padding=mode)[0])
    paths = np.ones((1, sizes[-1], sizes[-1]))
    for size in reversed(sizes[:-1]):
        paths = cconv.conv2d_input_grad(paths, weight, (1, size, size), padding=mode)
    faded[mode] = paths[0]
    corner, middle = paths[0, 0, 0], paths[0, 16, 16]
    print(f'"{mode}": paths from the corner {corner:,.0f}, the middle {middle:,.0f}')
assert corner == 1 and middle == 9**5 == 59049

# sphinx_gallery_start_ignore
fig, axes = pic.figure(2.6, 1, 2, width_ratios=(1, 1))
for ax, (mode, paths) in zip(axes, faded.items(), strict=True):
    pic.show(ax, paths / 9**5, f'"{mode}"', cmap=pic.shades(pic.INPUT), vmax=1)
bar = fig.colorbar(axes[1].images[0], ax=axes, label="paths, of the middle's")
bar.outline.set_visible(False)
for ax in axes:
    pic.frame(ax, (-0.5, -0.5), (32, 32), colour=pic.GREY, width=1)
# sphinx_gallery_end_ignore
