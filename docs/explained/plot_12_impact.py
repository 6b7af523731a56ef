r"""
Where each pixel counts
=======================

How many outputs does a pixel enter? In the middle of the image as many as the kernel has taps, at the edge often
fewer: a filter that does not pad sees the corners once. This *impact map* is the gradient of the sum of all outputs
with respect to the image, for a kernel of ones:

.. math:: \text{impact}[r, c] = \frac{\partial}{\partial\, \text{image}[r, c]} \sum_{\text{outputs}} \text{output}
"""

# sphinx_gallery_thumbnail_number = 1
import _pictures as pic
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

fig, axes = pic.boards(2.7, 1, 3)
for ax, mode in zip(axes, ("full", "same", "valid"), strict=True):
    count = impact(6, 3, padding=mode)
    pic.cells(ax, count, strength=count / 12)
    outputs = cconv.conv_output_shape(6, 3, padding=mode)[0]
    ax.set_title(f'"{mode}": {outputs} × {outputs} outputs')
assert np.all(impact(6, 3, padding="full") == 9)
assert impact(6, 3, padding="valid")[0, 0] == 1

# %%
# With a stride
# -------------
# A stride of 2 leaves a chequered pattern: with a kernel of 3, pixels enter one, two or four outputs, and the last row
# and column may enter none. Where the stride divides the kernel all pixels away from the edge count alike. A transposed
# convolution hands its input out by this map: that is where chequered patterns in generated images come from.

cases = ((3, 2), (4, 2), (2, 2))
fig, axes = pic.boards(2.8, 1, 3)
for ax, (kernel, stride) in zip(axes, cases, strict=True):
    count = impact(8, kernel, stride=stride)
    pic.cells(ax, count, strength=count / 6)
    ax.set_title(f"kernel {kernel}, stride {stride}")
assert np.all(impact(8, 3, stride=2)[-1] == 0)
assert np.all(impact(8, 2, stride=2) == 1)

# %%
# Through layers
# --------------
# Five layers of 3 × 3 over 32 × 32 pixels. Without padding the edge fades: the corner has one path to an output, the
# middle 59,049. With "same" it fades much less.

fig, axes = pic.figure(2.6, 1, 2, width_ratios=(1, 1))
weight = np.ones((1, 1, 3, 3))
for ax, mode in zip(axes, ("same", "valid"), strict=True):
    sizes = [32]
    for _ in range(5):
        sizes.append(cconv.conv_output_shape(sizes[-1], 3, padding=mode)[0])
    paths = np.ones((1, sizes[-1], sizes[-1]))
    for size in reversed(sizes[:-1]):
        paths = cconv.conv2d_input_grad(paths, weight, (1, size, size), padding=mode)
    paths = paths[0]
    print(
        f'"{mode}": paths from the corner {paths[0, 0]:,.0f}, from the middle {paths[16, 16]:,.0f}'
    )
    pic.show(
        ax, paths / 9**5, f'"{mode}"', cmap=pic.shades(pic.INPUT), vmax=1
    )
    pic.frame(ax, (-0.5, -0.5), (32, 32), colour=pic.GREY, width=1)
bar = fig.colorbar(axes[1].images[0], ax=axes, label="paths, of the middle's")
bar.outline.set_visible(False)
assert paths[0, 0] == 1 and paths[16, 16] == 9**5 == 59049
