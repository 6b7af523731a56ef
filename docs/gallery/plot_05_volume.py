r"""
A volume, smoothed slice by slice and as a whole
================================================

A scan is a stack of slices. Each slice can be smoothed by itself, with a kernel of two axes; or the volume as a whole,
with one of three, so that neighbouring slices help as well. The volume here is L. Shepp and B. Logan's model of a head,
ten ellipsoids, in noise.
"""

# sphinx_gallery_thumbnail_number = 1
# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np

import cconv

# The ellipsoids: brightness, half axes, centre, angle about the vertical axis in degrees.
ELLIPSOIDS = [
    (2.00, 0.690, 0.920, 0.900, 0.00, 0.000, 0.000, 0),
    (-0.98, 0.662, 0.874, 0.880, 0.00, 0.000, 0.000, 0),
    (-0.20, 0.410, 0.160, 0.210, -0.22, 0.000, -0.250, 108),
    (-0.20, 0.310, 0.110, 0.220, 0.22, 0.000, -0.250, 72),
    (0.20, 0.210, 0.250, 0.500, 0.00, 0.350, -0.250, 0),
    (0.20, 0.046, 0.046, 0.046, 0.00, 0.100, -0.250, 0),
    (0.10, 0.046, 0.023, 0.020, -0.08, -0.650, -0.250, 0),
    (0.10, 0.046, 0.023, 0.020, 0.06, -0.650, -0.250, 90),
    (0.20, 0.056, 0.040, 0.100, 0.06, -0.105, 0.625, 90),
    (-0.20, 0.056, 0.056, 0.100, 0.00, 0.100, 0.625, 0),
]


def head(slices=64, size=128):
    """The model as (slices, rows, columns)."""
    z, y, x = np.meshgrid(
        np.linspace(-1, 1, slices),
        np.linspace(1, -1, size),
        np.linspace(-1, 1, size),
        indexing="ij",
    )
    volume = np.zeros(x.shape, np.float32)
    for brightness, a, b, c, x0, y0, z0, angle in ELLIPSOIDS:
        turn = np.deg2rad(angle)
        u = (x - x0) * np.cos(turn) + (y - y0) * np.sin(turn)
        v = -(x - x0) * np.sin(turn) + (y - y0) * np.cos(turn)
        volume[(u / a) ** 2 + (v / b) ** 2 + ((z - z0) / c) ** 2 <= 1] += brightness
    return volume


clean = head()
noisy = clean + 0.35 * np.random.default_rng(0).standard_normal(clean.shape, np.float32)
print("volume:", clean.shape, "slices, rows, columns")

# %%
# Two ways
# --------
# ``axes=(1, 2)`` filters every slice by itself, in one call. The picture shows slices from the neck to the
# crown, in grey from 0.85 to 1.35.

plane = cconv.filters.gaussian(1.2, ndim=2, dtype=np.float32)
space = cconv.filters.gaussian(1.2, ndim=3, dtype=np.float32)
by_slice = cconv.convolve(noisy, plane, "same", boundary="reflect", axes=(1, 2))
whole = cconv.convolve(noisy, space, "same", boundary="reflect")
assert np.allclose(
    by_slice[20],
    cconv.convolve(noisy[20], plane, "same", boundary="reflect"),
    atol=1e-6,
)

# sphinx_gallery_start_ignore
slices = (16, 22, 28, 40, 51)
fig, axes = pic.figure(5.9, 4, len(slices))
rows = (
    ("model", clean),
    ("with noise", noisy),
    ("by slice", by_slice),
    ("as a whole", whole),
)
for line, (name, volume) in zip(axes, rows, strict=True):
    for ax, number in zip(line, slices, strict=True):
        pic.show(ax, volume[number], vmin=0.85, vmax=1.35)
    line[0].set_ylabel(name)
for ax, number in zip(axes[0], slices, strict=True):
    ax.set_title(f"slice {number}")
# sphinx_gallery_end_ignore

# %%
# How much noise is left
# ----------------------
# Where the model is even, the noise falls by the root of the sum of the squared weights: that is what can be predicted
# without any image.

even = np.s_[42:46, 48:80, 50:78]
assert np.ptp(clean[even]) < 1e-6
noise = {}
for name, volume, kernel in (
    ("by slice", by_slice, plane),
    ("as a whole", whole, space),
):
    left = np.std((volume - clean)[even])
    predicted = 0.35 * np.sqrt(np.sum(kernel.astype(float) ** 2))
    noise[name] = left, predicted
    assert abs(left / predicted - 1) < 0.1

# sphinx_gallery_start_ignore
rows = [(name, *(f"{value:.3f}" for value in pair)) for name, pair in noise.items()]
pic.Table(("smoothed", "noise left", "predicted"), rows)
# sphinx_gallery_end_ignore
