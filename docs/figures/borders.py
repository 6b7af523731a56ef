"""Each border mode on a row of four samples, wider than the row, and on the corner of a photograph."""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

import cconv

MODES = ("constant", "edge", "symmetric", "reflect", "wrap")
WIDTH = 6
row, letters = np.arange(1, 5), "·abcd"
one = np.ones((1, 1, 1), int)
colours = plt.get_cmap("Set2")(np.arange(4))
photo = data.astronaut()[20:200, 150:330].mean(axis=2)

figure, axes = plt.subplots(len(MODES), 2, figsize=(9, 7.5), layout="constrained", width_ratios=(3.2, 1))
for (line, picture), mode in zip(axes, MODES, strict=True):
    # a layer with the kernel 1 returns its padded input
    padded = cconv.conv1d(row[None], one, padding=WIDTH, padding_mode=mode)[0]
    for place, value in enumerate(padded):
        inside = WIDTH <= place < WIDTH + 4
        colour = colours[value - 1] if value else "white"
        line.add_patch(plt.Rectangle((place, 0), 1, 1, facecolor=colour, alpha=1 if inside else 0.45, edgecolor="0.6"))
        line.text(place + 0.5, 0.5, letters[value] if value else "0", ha="center", va="center",
                  weight="bold" if inside else "normal")
    line.add_patch(plt.Rectangle((WIDTH, 0), 4, 1, fill=False, linewidth=2.5))
    line.set(xlim=(-0.1, 2 * WIDTH + 4.1), ylim=(-0.1, 1.1), aspect="equal")
    line.set_title(f'"{mode}"', loc="left", family="monospace")
    line.set_axis_off()

    wide = cconv.conv2d(photo[None], np.ones((1, 1, 1, 1)), padding=120, padding_mode=mode)[0]
    picture.imshow(wide, cmap="gray", vmin=0, vmax=255)
    picture.add_patch(plt.Rectangle((120, 120), 180, 180, fill=False, edgecolor="orange", linewidth=1.5))
    picture.set_axis_off()
