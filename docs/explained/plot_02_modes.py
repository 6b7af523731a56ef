r"""
Full, same, valid
=================

How far may the window hang over the edge? With an image of :math:`n` pixels and a kernel of :math:`k` along an axis:

* **full**: as long as one pixel is inside, :math:`n + k - 1` places;
* **same**: as long as the window's centre is inside, :math:`n` places;
* **valid**: never, :math:`n - k + 1` places.

Where the window hangs over, it sees what stands outside the image: zeros, unless told otherwise.
"""

# sphinx_gallery_thumbnail_number = 1
# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np

import cconv

image = np.ones((5, 5))
kernel = np.ones((3, 3))
results = {
    mode: cconv.convolve(image, kernel, mode) for mode in ("full", "same", "valid")
}
for mode, result in results.items():
    print(f"{mode:5}: {result.shape[0]} x {result.shape[1]}")

# %%
# Side by side
# ------------
# The image is drawn in blue with the zeros that the window reaches around it; the first and the last place of the
# window in vermilion. Below, how many pixels of the image each output has seen: image and kernel are all ones, so the
# output is that count. "valid" is the middle of "same", and "same" the middle of "full".

assert np.array_equal(results["full"][1:-1, 1:-1], results["same"])
assert np.array_equal(results["same"][1:-1, 1:-1], results["valid"])

# sphinx_gallery_start_ignore
fig, ax = pic.boards(5.3)
for left, (mode, result) in zip((0, 11, 20), results.items(), strict=True):
    size = result.shape[0]
    margin = (size - 3) // 2
    padded = np.pad(image, margin)
    pic.cells(ax, padded, at=(2 - margin, left), text="{:.0f}", strength=padded * 0.3)
    pic.frame(ax, (2 - margin, left), (3, 3))
    pic.frame(ax, (1 - margin + size, left - 1 + size), (3, 3), style=(0, (2, 1)))
    pic.note(ax, (-1, left + margin + 2.5), f'"{mode}"')
    pic.arrow(ax, (9.3, left + margin + 2.5), (10.7, left + margin + 2.5))
    counts = result / result.max() * 0.5
    pic.cells(
        ax, result, at=(11, left + 1), colour=pic.OUTPUT, text="{:.0f}", strength=counts
    )
    pic.note(ax, (11.8 + size, left + margin + 2.5), f"{size} × {size}")
# sphinx_gallery_end_ignore

# %%
# The same by padding
# -------------------
# A layer has no modes but an amount of *padding*; the names of the modes are amounts too.

layer_input, weight = image[np.newaxis], kernel[np.newaxis, np.newaxis]
for mode, amount in (("full", 2), ("same", 1), ("valid", 0)):
    by_name = cconv.conv2d(layer_input, weight, padding=mode)
    by_amount = cconv.conv2d(layer_input, weight, padding=amount)
    assert np.array_equal(by_name, by_amount)
    assert np.array_equal(by_name[0], results[mode])
    _, rows, columns = by_amount.shape
    print(f"padding={mode!r} is padding={amount}: output {rows} x {columns}")

# %%
# Even kernels
# ------------
# A kernel of 2 or 4 taps has no centre. In "same", `cconv.convolve` starts the response to a single 1 at
# ``full[(k - 1) // 2 :]``, as NumPy and `scipy.signal` do. `cconv.conv2d` pads the odd sample at the end, as other
# libraries for networks do; ``padding="same_lower"`` pads it at the start.

single = np.zeros(7)
single[3] = 1
taps = np.array([1.0, 2.0, 3.0, 4.0])
full = cconv.convolve(single, taps)
same = cconv.convolve(single, taps, "same")
assert np.array_equal(same, full[1:8])

# sphinx_gallery_start_ignore
fig, ax = pic.boards(2.2)
pic.cells(ax, [single], at=(0, 1), strength=0.3 * single[np.newaxis], text="{:.0f}")
pic.cells(
    ax,
    [full],
    at=(1.3, 0),
    colour=pic.OUTPUT,
    text="{:.0f}",
    strength=full[np.newaxis] / 12,
)
pic.cells(
    ax,
    [same],
    at=(2.6, 1),
    colour=pic.OUTPUT,
    text="{:.0f}",
    strength=same[np.newaxis] / 12,
)
for row, words in ((0.5, "input"), (1.8, '"full"'), (3.1, '"same"')):
    pic.note(ax, (row, -0.3), words, ha="right")
# sphinx_gallery_end_ignore
