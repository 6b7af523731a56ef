r"""
Convolution against cross-correlation
=====================================

Two operations that differ in one thing: convolution turns the kernel by 180° before it slides.

.. math::
    \text{correlate:} \quad & \textstyle\sum_j \text{input}[i + j] \cdot \text{kernel}[j] \\
    \text{convolve:} \quad & \textstyle\sum_j \text{input}[i - j] \cdot \text{kernel}[j]

Signal processing means the second by "convolution". Neural networks, and OpenCV's ``filter2D``, compute the first and
call it convolution all the same: what is learned does not care which way round it is stored.
"""

# sphinx_gallery_thumbnail_number = 1
# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np
import skimage

import cconv

# %%
# The answer to a single 1
# ------------------------
# Convolved with a single 1, a kernel appears as it is. Correlated, it appears turned.

single = np.zeros((5, 5))
single[2, 2] = 1
kernel = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
convolved = cconv.convolve(single, kernel, "same")
correlated = cconv.correlate(single, kernel, "same")
assert np.array_equal(convolved[1:4, 1:4], kernel)
assert np.array_equal(correlated[1:4, 1:4], kernel[::-1, ::-1])

# sphinx_gallery_start_ignore
fig, ax = pic.boards(2.2)
pic.cells(ax, single, at=(0, 0), strength=0.05 + 0.4 * single)
pic.cells(ax, kernel, at=(1, 6.2), colour=pic.KERNEL, strength=kernel / 20)
pic.cells(ax, convolved, at=(0, 10.4), colour=pic.OUTPUT, strength=convolved / 18)
pic.cells(ax, correlated, at=(0, 16.4), colour=pic.OUTPUT, strength=correlated / 18)
for place, words in (
    (2.5, "image"),
    (7.7, "kernel"),
    (12.9, "convolved"),
    (18.9, "correlated"),
):
    pic.note(ax, (-0.6, place), words)
# sphinx_gallery_end_ignore

# %%
# Each is the other with a turned kernel; on a kernel that is its own turn (a box, a Gaussian) they agree:

photograph = skimage.data.camera()[:200, 150:350].astype(np.float64) / 255
assert np.allclose(
    cconv.convolve(photograph, kernel), cconv.correlate(photograph, kernel[::-1, ::-1])
)
gaussian = cconv.filters.gaussian(2.0, ndim=2)
assert np.allclose(
    cconv.convolve(photograph, gaussian), cconv.correlate(photograph, gaussian)
)

weight = kernel[np.newaxis, np.newaxis]
layer = cconv.conv2d(photograph[np.newaxis], weight)[0]
turned = cconv.conv2d(photograph[np.newaxis], weight, flip_kernel=True)[0]
assert np.allclose(layer, cconv.correlate(photograph, kernel, "valid"))
assert np.allclose(turned, cconv.convolve(photograph, kernel, "valid"))
print("conv2d is a correlation; with flip_kernel=True it is a convolution")

# %%
# Where it shows
# --------------
# Correlation asks at every place: how much does what is here look like the kernel? To find a word on a page, the
# kernel is the word itself, less its mean. It stands there three times, the third time crooked.

page = 1 - skimage.data.page()[:140].astype(np.float32) / 255
wide = cconv.filters.gaussian(8.0, ndim=2, dtype=np.float32)
page -= cconv.convolve(page, wide, "same", boundary="reflect")
place, size = (65, 132), (14, 56)
word = page[place[0] : place[0] + size[0], place[1] : place[1] + size[1]]
word = word - word.mean()


def likeness(score):
    """1 where the window is the word: the score over the lengths of both."""
    lengths = cconv.correlate(page**2, np.ones_like(word), "valid") * np.sum(word**2)
    return score / np.sqrt(lengths)


def summits(score, count):
    """The highest places, none within a word of another."""
    score, places = score.copy(), []
    for _ in range(count):
        row, column = np.unravel_index(score.argmax(), score.shape)
        places.append((int(row), int(column)))
        score[max(row - 10, 0) : row + 10, max(column - 50, 0) : column + 50] = -1
    return places


correlated = likeness(cconv.correlate(page, word, "valid"))
convolved = likeness(cconv.convolve(page, word, "valid"))
found = summits(correlated, 3)
for row, column in found:
    print(f"row {row:3}, column {column:3}: likeness {correlated[row, column]:.2f}")
assert found[0] == place and correlated[found[2]] > convolved.max()

# sphinx_gallery_start_ignore
fig, axes = pic.figure(4.6, 2, height_ratios=(2, 1.1), sharex=True)
pic.show(axes[0], page, cmap="gray_r", vmin=-0.2, vmax=0.5)
for row, column in found:
    pic.frame(axes[0], (row - 2, column - 2), (size[0] + 4, size[1] + 4), width=2)
axes[1].plot(correlated.max(0), color=pic.OUTPUT, label="correlated")
axes[1].plot(convolved.max(0), color=pic.GREY, label="convolved", linewidth=1)
for row, column in found:
    axes[1].plot(column, correlated[row, column], "o", color=pic.OUTPUT, markersize=5)
axes[1].set(
    xlim=(0, 383),
    ylim=(0, 1.1),
    xlabel="column where the window begins",
    ylabel="largest likeness",
)
pic.legend(axes[1], ncols=2, loc="upper right")
# sphinx_gallery_end_ignore

# %%
# Convolution looks for the word standing on its head, finds none, and says so: nothing on this page is as much like
# that as the crooked word is like the straight one.

print(f"convolved, the largest likeness is {convolved.max():.2f}")
