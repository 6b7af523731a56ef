r"""
Stride and dilation
===================

Two ways to see more with the same kernel. A **stride** :math:`s` moves the window by :math:`s` pixels instead of one
and gives a smaller output. A **dilation** :math:`d` spreads the taps of the kernel :math:`d` pixels apart, so that the
window spans :math:`d (k - 1) + 1` pixels with :math:`k` weights.
"""

# sphinx_gallery_thumbnail_number = 2
import _pictures as pic
import numpy as np
import skimage

import cconv

image = np.arange(1.0, 50.0).reshape(1, 7, 7)
middle = np.zeros((1, 1, 3, 3))
middle[0, 0, 1, 1] = 1

# %%
# Stride
# ------
# The kernel here has a single 1 in its middle, so the output is the pixels that the windows are centred on. With a
# stride of 2 the window has three places along 7 pixels instead of five.

fig, ax = pic.boards(2.9)
for left, stride in ((0, 1), (14, 2)):
    output = cconv.conv2d(image, middle, stride=stride)[0]
    assert np.array_equal(output, image[0, 1:-1:stride, 1:-1:stride])
    pic.cells(
        ax,
        image[0],
        at=(0, left),
        strength=np.where(np.isin(image[0], output), 0.45, 0.1),
    )
    pic.frame(ax, (0, left), (3, 3))
    pic.frame(ax, (0, left + stride), (3, 3), style=(0, (2, 1)))
    pic.arrow(ax, (-0.5, left + 1.5), (-0.5, left + 1.5 + stride), colour=pic.KERNEL)
    pic.cells(ax, output, at=(1, left + 7.6), colour=pic.OUTPUT, strength=0.3)
    pic.note(ax, (-1.3, left + 3.5), f"stride {stride}")
    pic.note(ax, (0.4, left + 7.6 + len(output) / 2), f"{len(output)} × {len(output)}")

# %%
# Dilation
# --------
# The nine taps of a 3 × 3 kernel with dilations 1, 2 and 3: they span 3, 5 and 7 pixels. Which pixels they touch is
# what the gradient of an output with respect to the image says: it holds the weight at each pixel that counts.

weight = np.ones((1, 1, 3, 3))

fig, ax = pic.boards(2.7)
for left, dilation in ((0, 1), (8.5, 2), (17, 3)):
    span = dilation * 2 + 1
    output_shape = (1, *cconv.conv_output_shape((7, 7), 3, dilation=dilation))
    one = np.zeros(output_shape)
    one[0, output_shape[1] // 2, output_shape[2] // 2] = 1
    touched = cconv.conv2d_input_grad(one, weight, image.shape, dilation=dilation)[0]
    assert touched.sum() == 9
    pic.cells(ax, image[0], at=(0, left), text="")
    for row, column in np.argwhere(touched):
        pic.cells(
            ax, [[1]], at=(row, left + column), colour=pic.KERNEL, text="", strength=0.6
        )
    pic.frame(ax, ((7 - span) / 2, left + (7 - span) / 2), (span, span))
    pic.note(ax, (-0.7, left + 3.5), f"dilation {dilation}: span {span}")

# %%
# On a photograph
# ---------------
# A stride of 2 keeps a quarter of the pixels of the blurred photograph, a stride of 4 a sixteenth; blurring first
# keeps fine patterns from turning into coarse ones.

photograph = skimage.data.camera()[np.newaxis].astype(np.float32) / 255

fig, axes = pic.figure(4.1, 1, 3, width_ratios=(4, 2, 1))
for ax, stride in zip(axes, (1, 2, 4), strict=True):
    smooth = cconv.filters.gaussian(0.5 * stride, ndim=2, dtype=np.float32)[
        np.newaxis, np.newaxis
    ]
    small = cconv.conv2d(
        photograph, smooth, stride=stride, padding="same", padding_mode="reflect"
    )[0]
    rows, columns = small.shape
    assert rows == 512 // stride
    pic.show(ax, small, f"{rows} × {columns}")
    ax.set_anchor("S")

# %%
# Dilated, a difference of two neighbours becomes a difference of pixels further apart: it finds coarser edges at the
# cost of the same three weights.

difference = np.array([[-1, 0, 1]], np.float32)[np.newaxis, np.newaxis]
fig, axes = pic.figure(2.5, 1, 3)
for ax, dilation in zip(axes, (1, 4, 12), strict=True):
    padding = ((0, 0), (dilation, dilation))
    edges = cconv.conv2d(
        photograph,
        difference,
        dilation=dilation,
        padding=padding,
        padding_mode="reflect",
    )[0]
    assert edges.shape == (512, 512)
    pic.show(ax, edges, f"dilation {dilation}", signed=True)
