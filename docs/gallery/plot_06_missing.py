r"""
Missing data
============

Dead pixels, clouds over a satellite's picture, a scratch: samples that are not there are NaN, and one NaN under a
window makes the whole sum NaN. With ``nan="omit"`` they are left out, and the weight that they would have had is
shared by those present:

.. math:: \text{output} = \sum_{\text{present}} w \, x \cdot \frac{\sum w}{\sum_{\text{present}} w}
"""

# sphinx_gallery_thumbnail_number = 1
# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np
import skimage

import cconv

photograph = skimage.data.chelsea()[20:260, 100:340].astype(np.float64) / 255
rng = np.random.default_rng(0)
missing = rng.random(photograph.shape[:2]) < 0.7
scratch = skimage.draw.polygon2mask(
    missing.shape, [(60, 0), (66, 0), (190, 239), (182, 239)]
)
missing |= scratch
holed = photograph.copy()
holed[missing] = np.nan
print(f"{100 * missing.mean():.0f} % of the pixels are missing")

# %%
# Propagated, or left out
# -----------------------

blur = cconv.filters.gaussian(1.5, ndim=2)
scratched = np.where(scratch[:, :, np.newaxis], np.nan, photograph)
propagated = cconv.convolve(scratched, blur, "same", boundary="reflect", axes=(0, 1))
zeros = cconv.convolve(
    np.nan_to_num(holed), blur, "same", boundary="reflect", axes=(0, 1)
)
omitted = cconv.convolve(
    holed, blur, "same", boundary="reflect", axes=(0, 1), nan="omit"
)
filled = np.where(np.isnan(holed), omitted, holed)
print(
    f"the scratch alone: {100 * scratch.mean():.1f} % of the pixels are missing, "
    f"{100 * np.isnan(propagated).mean():.1f} % after a plain blur"
)
assert not np.isnan(omitted).any()

# sphinx_gallery_start_ignore
fig, axes = pic.figure(4.9, 2, 3)
white = np.where(np.isnan(holed), 1.0, holed)
pictures = (
    ("photograph", photograph),
    (f"{100 * missing.mean():.0f} % missing", white),
    ("the scratch alone, plain blur", np.where(np.isnan(propagated), 1.0, propagated)),
    ("zeros in the gaps: dark", zeros),
    ('nan="omit"', omitted),
    ("only the gaps filled", filled),
)
for ax, (name, image) in zip(axes.flat, pictures, strict=True):
    pic.show(ax, image, name)
# sphinx_gallery_end_ignore

# %%
# How far off?
# ------------

for name, image in (
    ("zeros in the gaps", zeros),
    ("left out", omitted),
    ("gaps filled", filled),
):
    error = np.sqrt(np.mean((image - photograph) ** 2))
    print(f"{name:18}: {error:.3f} from the photograph (root mean square)")
assert np.mean((filled - photograph) ** 2) < np.mean((zeros - photograph) ** 2) / 20

# %%
# The same with a mask, for integers say, which have no NaN; and by hand, to see what is computed:

by_mask = cconv.convolve(
    photograph,
    blur,
    "same",
    boundary="reflect",
    axes=(0, 1),
    mask=missing[:, :, np.newaxis],
)
present = ~missing
weight = cconv.convolve(present.astype(float), blur, "same", boundary="reflect")
assert np.allclose(by_mask, omitted)
assert np.allclose(zeros / weight[:, :, np.newaxis], omitted)
