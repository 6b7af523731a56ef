r"""
Depthwise separable layers: 39 weights instead of 108
=====================================================

A standard layer mixes space and channels at once: :math:`M` kernels, each :math:`C \times k \times k`. A *depthwise
separable* layer does one after the other:

1. **depthwise**: every channel is filtered by a :math:`k \times k` kernel of its own;
2. **pointwise**: :math:`M` kernels of :math:`C \times 1 \times 1` mix the channels at every pixel.

.. math:: C \cdot M \cdot k^2 \quad\text{weights become}\quad C \cdot k^2 + C \cdot M
"""

# sphinx_gallery_thumbnail_number = 1
# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np

import cconv

C, M, k = 3, 4, 3
rng = np.random.default_rng(0)
image = rng.random((C, 7, 7))
standard = rng.standard_normal((M, C, k, k))
depthwise = rng.standard_normal((C, 1, k, k))
pointwise = rng.standard_normal((M, C, 1, 1))
print("standard: ", standard.size)
both = depthwise.size + pointwise.size
print("separable:", depthwise.size, "+", pointwise.size, "=", both)
assert (standard.size, both) == (108, 39)

# %%
# The shapes
# ----------
# Three channels in, four out, 3 × 3. Above the standard layer, below the two steps.

mixed = cconv.conv2d(image, standard)
between = cconv.depthwise_conv2d(image, depthwise)
output = cconv.conv2d(between, pointwise)
print("standard: ", image.shape, "->", mixed.shape)
print("separable:", image.shape, "->", between.shape, "->", output.shape)

# sphinx_gallery_start_ignore
fig, ax = pic.boards(5.4)
pic.volume(ax, (0, 0), (3, 7, 7), pic.INPUT)
for number in range(M):
    pic.volume(
        ax, (-2.7 + 5.2 * (number // 2), 12 + 5.5 * (number % 2)), (3, 3, 3), pic.KERNEL
    )
pic.volume(ax, (1, 37), (4, 5, 5), pic.OUTPUT)
pic.note(ax, (3, 10.3), "∗")
pic.note(ax, (3, 35), "=")
pic.note(ax, (7, 16.7), "4 · 3 · 3 · 3 = 108")

down = 14
pic.volume(ax, (down, 0), (3, 7, 7), pic.INPUT)
for number in range(C):
    pic.volume(ax, (down - 1.4 + 3.7 * number, 12), (1, 3, 3), pic.KERNEL)
pic.volume(ax, (down + 1, 19), (3, 5, 5), pic.GREY)
for number in range(M):
    pic.volume(ax, (down - 0.5 + 2.5 * number, 29.5), (3, 1, 1), pic.KERNEL)
pic.volume(ax, (down + 1, 37), (4, 5, 5), pic.OUTPUT)
for place, sign in ((10.3, "∗"), (17, "="), (27.5, "∗"), (34, "=")):
    pic.note(ax, (down + 3, place), sign)
pic.note(ax, (down + 10.6, 13.7), "3 · 3 · 3 = 27")
pic.note(ax, (down + 10.6, 30.7), "4 · 3 = 12")
# sphinx_gallery_end_ignore

# %%
# One call
# --------
# `cconv.separable_conv2d` runs both steps.

one = cconv.separable_conv2d(image, depthwise, pointwise)
assert np.allclose(one, output)
print("output:", one.shape)

# %%
# It is a standard layer whose weights are products, and so can express less:

product = pointwise * depthwise[:, 0]
assert np.allclose(one, cconv.conv2d(image, product))
print("weights of the same standard layer:", product.shape, "=", product.size)

# %%
# What it saves
# -------------
# The ratio is :math:`1 / M + 1 / k^2`: with many channels a layer of 3 × 3 keeps a ninth of its weights, and of its
# multiplications.

counts = [4, 16, 64, 256, 1024]
rows = []
for channels in counts:
    full = channels * channels * 9
    split = channels * 9 + channels * channels
    assert np.isclose(split / full, 1 / channels + 1 / 9)
    rows.append((channels, f"{full:,}", f"{split:,}", f"{split / full:.3f}"))
# sphinx_gallery_start_ignore
pic.Table(("channels in and out", "standard", "separable", "ratio"), rows)
# sphinx_gallery_end_ignore
