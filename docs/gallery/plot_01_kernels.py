"""
Twelve kernels and what they do
===============================

One photograph, twelve kernels of `cconv.filters`, one call each. Kernels whose weights sum to 1 keep the brightness of
even surfaces; those whose weights sum to 0 answer to change only, and are shown with vermilion for positive and blue
for negative.
"""

# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np
import skimage

import cconv
from cconv import filters

photograph = skimage.data.camera()[50:210, 150:310].astype(np.float64) / 255

# %%
# The kernels
# -----------
# Vermilion is a positive weight, blue a negative one; the tint is the square root of its size, so that small ones show.

KERNELS = {
    "identity": filters.identity(3, ndim=2),
    "ridge": filters.ridge(),
    "sharpen": filters.sharpen(),
    "box": filters.box(7, ndim=2),
    "Gaussian": filters.gaussian(2.0, ndim=2),
    "unsharp": filters.unsharp(2.0, 1.5, ndim=2),
    "emboss": filters.emboss(),
    "Sobel": filters.sobel(axis=-1),
    "Prewitt": filters.prewitt(axis=-2),
    "Laplacian": filters.laplacian(),
    "Laplacian of Gaussian": filters.laplacian_of_gaussian(2.0, ndim=2),
    "Gabor": filters.gabor(6.0, angle=45.0),
}

# sphinx_gallery_start_ignore
fig, axes = pic.figure(5.6, 3, 4)
for ax, (name, kernel) in zip(axes.flat, KERNELS.items(), strict=True):
    rows, columns = kernel.shape
    strength = np.sqrt(np.abs(kernel) / np.abs(kernel).max())
    pic.show(
        ax,
        np.sign(kernel) * strength,
        f"{name}\n{rows} × {columns}, sum {abs(kernel.sum()):.0f}",
        signed=True,
    )
    if rows <= 7:
        ax.hlines(
            np.arange(rows) - 0.5, -0.5, columns - 0.5, color="white", linewidth=1
        )
        ax.vlines(
            np.arange(columns) - 0.5, -0.5, rows - 0.5, color="white", linewidth=1
        )
    if rows == 3:
        for (row, column), value in np.ndenumerate(kernel):
            ink = "white" if strength[row, column] > 0.7 else pic.INK
            ax.text(
                column,
                row,
                f"{value:g}".replace("-", "−"),
                ha="center",
                va="center",
                color=ink,
            )
    pic.frame(ax, (-0.5, -0.5), kernel.shape, colour=pic.tint(pic.GREY, 0.5), width=0.8)
# sphinx_gallery_end_ignore

# %%
# What they do
# ------------

results = {
    name: cconv.correlate(photograph, kernel, "same", boundary="reflect")
    for name, kernel in KERNELS.items()
}

# sphinx_gallery_start_ignore
fig, axes = pic.figure(6.1, 3, 4)
for ax, (name, result) in zip(axes.flat, results.items(), strict=True):
    if abs(KERNELS[name].sum()) < 0.5:
        top = np.quantile(np.abs(result), 0.995)
        pic.show(ax, result, name, signed=True, vmin=-top, vmax=top)
    else:
        pic.show(ax, result, name)
# sphinx_gallery_end_ignore

# %%
# Edges of any direction
# ----------------------
# A derivative sees edges across its axis only. The length of the gradient, from the two of them, sees all.

down, across = (
    cconv.correlate(photograph, filters.sobel(axis), "same", boundary="reflect")
    for axis in (-2, -1)
)
length = np.hypot(down, across)

# sphinx_gallery_start_ignore
fig, axes = pic.figure(2.6, 1, 3)
pic.show(axes[0], across, "Sobel, across", signed=True)
pic.show(axes[1], down, "Sobel, down", signed=True)
pic.show(
    axes[2],
    length,
    "length of the gradient",
    cmap="gray_r",
    vmax=np.quantile(length, 0.995),
)
# sphinx_gallery_end_ignore

# %%
# Brightness and signs, checked: a kernel that sums to 1 leaves a white image white, one that sums to 0 leaves nothing.

white = np.ones((64, 64))
for kernel in KERNELS.values():
    after = cconv.correlate(white, kernel, "same", boundary="reflect")
    assert np.allclose(after, round(kernel.sum()), atol=1e-9)
