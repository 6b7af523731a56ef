r"""
Stride and dilation
===================

Two ways to see more with the same kernel. A **stride** :math:`s` moves the window by :math:`s` pixels instead of one
and gives a smaller output. A **dilation** :math:`d` spreads the taps of the kernel :math:`d` pixels apart, so that the
window spans :math:`d (k - 1) + 1` pixels with :math:`k` weights.
"""

# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
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

outputs = {}
for stride in (1, 2):
    outputs[stride] = cconv.conv2d(image, middle, stride=stride)[0]
    assert np.array_equal(outputs[stride], image[0, 1:-1:stride, 1:-1:stride])

# sphinx_gallery_start_ignore
fig, ax = pic.boards(2.9)
for left, (stride, output) in zip((0, 14), outputs.items(), strict=True):
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
# sphinx_gallery_end_ignore

# %%
# Dilation
# --------
# The nine taps of a 3 × 3 kernel with dilations 1, 2 and 3: they span 3, 5 and 7 pixels. Which pixels they touch is
# what the gradient of an output with respect to the image says: it holds the weight at each pixel that counts.

weight = np.ones((1, 1, 3, 3))
touched = {}
for dilation in (1, 2, 3):
    rows, columns = cconv.conv_output_shape((7, 7), 3, dilation=dilation)
    one = np.zeros((1, rows, columns))
    one[0, rows // 2, columns // 2] = 1
    grad = cconv.conv2d_input_grad(one, weight, image.shape, dilation=dilation)
    touched[dilation] = grad[0]
    assert touched[dilation].sum() == 9

# sphinx_gallery_start_ignore
fig, ax = pic.boards(2.7)
for left, (dilation, taps) in zip((0, 8.5, 17), touched.items(), strict=True):
    span = dilation * 2 + 1
    pic.cells(ax, image[0], at=(0, left), text="")
    for row, column in np.argwhere(taps):
        pic.cells(
            ax, [[1]], at=(row, left + column), colour=pic.KERNEL, text="", strength=0.6
        )
    pic.frame(ax, ((7 - span) / 2, left + (7 - span) / 2), (span, span))
    pic.note(ax, (-0.7, left + 3.5), f"dilation {dilation}: span {span}")
# sphinx_gallery_end_ignore

# %%
# On a photograph
# ---------------
# A stride of 2 keeps a quarter of the pixels of the blurred photograph, a stride of 4 a sixteenth; blurring first
# keeps fine patterns from turning into coarse ones.

photograph = skimage.data.camera()[np.newaxis].astype(np.float32) / 255
same = {"padding": "same", "padding_mode": "reflect"}
small = {}
for stride in (1, 2, 4):
    smooth = cconv.filters.gaussian(0.5 * stride, ndim=2, dtype=np.float32)
    smooth = smooth[np.newaxis, np.newaxis]
    small[stride] = cconv.conv2d(photograph, smooth, stride=stride, **same)[0]
    assert small[stride].shape == (512 // stride, 512 // stride)

# sphinx_gallery_start_ignore
fig, axes = pic.figure(4.1, 1, 3, width_ratios=(4, 2, 1))
for ax, result in zip(axes, small.values(), strict=True):
    rows, columns = result.shape
    pic.show(ax, result, f"{rows} × {columns}")
    ax.set_anchor("S")
# sphinx_gallery_end_ignore

# %%
# Dilated, a difference of two neighbours becomes a difference of pixels further apart: it finds coarser edges at the
# cost of the same three weights.

difference = np.array([[-1, 0, 1]], np.float32)[np.newaxis, np.newaxis]
edges = {}
for dilation in (1, 4, 12):
    edges[dilation] = cconv.conv2d(
        photograph,
        difference,
        dilation=dilation,
        padding=((0, 0), (dilation, dilation)),
        padding_mode="reflect",
    )[0]
    assert edges[dilation].shape == (512, 512)

# sphinx_gallery_start_ignore
fig, axes = pic.figure(2.5, 1, 3)
for ax, (dilation, result) in zip(axes, edges.items(), strict=True):
    pic.show(ax, result, f"dilation {dilation}", signed=True)
# sphinx_gallery_end_ignore
