"""What the first page shows: one photograph through filters and through a layer."""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

import cconv

photo = data.astronaut()[:400, 40:440] / np.float32(255)
grey = photo.mean(axis=2)


def filtered(image, kernel):
    """The image's rows and columns through a kernel; colours stay apart."""
    return cconv.correlate(image, kernel, "same", boundary="symmetric", axes=(0, 1))


blurred = filtered(photo, cconv.filters.gaussian(5.0, dtype=np.float32))
sharp = filtered(photo, cconv.filters.unsharp(2.0, amount=2.0, dtype=np.float32))
edges = np.hypot(filtered(grey, cconv.filters.sobel(axis=0)), filtered(grey, cconv.filters.sobel(axis=1)))
pictures = {"a photograph": photo, "Gaussian blur": blurred, "unsharp mask": sharp.clip(0, 1), "Sobel edges": edges}

figure, axes = plt.subplots(1, 4, figsize=(11, 3), layout="constrained")
for axis, (title, picture) in zip(axes, pictures.items(), strict=True):
    axis.imshow(picture, cmap="magma")
    axis.set_title(title)
    axis.set_axis_off()
