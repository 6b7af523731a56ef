r"""
Causal filters on a signal
==========================

A filter of a signal in time may look at what has been and what is to come. One that runs while the signal arrives
cannot look ahead: it is *causal*. The only difference is where the padding goes: all :math:`d (k - 1)` samples of it in
front.
"""

# sphinx_gallery_thumbnail_number = 2
# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np
from matplotlib import cbook

import cconv

# %%
# Where the padding goes
# ----------------------
# The mean of three samples of a step. Centred, the mean rises before the step has come.

step = np.array([0.0, 0.0, 0.0, 0.0, 3.0, 3.0, 3.0, 3.0])[np.newaxis]
mean = np.full((1, 1, 3), 1 / 3)
centred = cconv.conv1d(step, mean, padding="same", padding_mode="edge")
causal = cconv.conv1d(step, mean, padding="causal", padding_mode="edge")
assert np.array_equal(centred[0, :-1], causal[0, 1:])

# sphinx_gallery_start_ignore
fig, ax = pic.boards(3.1)
for top, padding, result in ((0, (1, 1), centred), (3.4, (2, 0), causal)):
    around = np.pad(step[0], padding, mode="edge")
    inside = np.pad(np.full(8, 0.35), padding, constant_values=0.07)
    left = 2 - padding[0]
    pic.cells(ax, [around], at=(top, left), strength=inside[np.newaxis])
    pic.cells(
        ax, result, at=(top + 1.5, 2), colour=pic.OUTPUT, strength=0.05 + result / 6
    )
    pic.frame(ax, (top, left + 4), (1, 3))
    pic.arrow(ax, (top + 1.08, 6.5), (top + 1.45, 6.5), colour=pic.KERNEL)
    pic.note(ax, (top + 0.5, -0.4), "input", ha="right")
    pic.note(ax, (top + 2, -0.4), '"same"' if padding[1] else '"causal"', ha="right")
# sphinx_gallery_end_ignore

# %%
# On a signal
# -----------
# A share price, and its mean of 41 days (one that comes with matplotlib). The centred mean follows the price; the
# causal one, which could have been computed at the time, comes 20 days late.

prices = cbook.get_sample_data("goog.npz")["price_data"]
price = prices["adj_close"][np.newaxis, 300:800].astype(np.float32)
days = prices["date"][300:800]
window = np.full((1, 1, 41), 1 / 41, np.float32)
centred = cconv.conv1d(price, window, padding="same", padding_mode="edge")[0]
causal = cconv.conv1d(price, window, padding="causal", padding_mode="edge")[0]
assert np.allclose(causal[40:], centred[20:-20], rtol=1e-5)

# sphinx_gallery_start_ignore
fig, ax = pic.figure(3.2)
ax.plot(days, price[0], color=pic.GREY, linewidth=0.8, label="price")
ax.plot(days, centred, color=pic.INPUT, label="mean, centred")
ax.plot(days, causal, color=pic.KERNEL, label="mean, causal")
ax.set(ylabel="dollars", xlim=(days[0], days[-1]))
pic.legend_above(ax)
# sphinx_gallery_end_ignore

# %%
# Dilation reaches far back
# -------------------------
# Causal layers of two taps, their dilation doubled from layer to layer, see twice as far back with each: this is how
# networks for sound are built. Sixteen samples take four layers of two weights.

dilations = (1, 2, 4, 8)
size, _, start = cconv.receptive_field([(2, 1, d, ((d, 0),)) for d in dilations])
print(f"the last output sees {size[0]} samples; the earliest is {-start[0]} before it")
assert (size[0], start[0]) == (16, -15)

last = np.zeros((1, 16))
last[0, -1] = 1
reached = [last]
two = np.ones((1, 1, 2))
for dilation in reversed(dilations):
    below = cconv.conv1d_input_grad(
        reached[0], two, (1, 16), dilation=dilation, padding="causal"
    )
    reached.insert(0, below)
assert np.array_equal(reached[0], np.ones((1, 16)))

# sphinx_gallery_start_ignore
fig, ax = pic.boards(3.4)
colours = (pic.INPUT, *[pic.GREY] * 3, pic.OUTPUT)
for level, (seen, colour) in enumerate(zip(reached, colours, strict=True)):
    y = -1.6 * level
    for place in range(16):
        used = seen[0, place] > 0
        face = colour if used else "white"
        ax.plot(
            place,
            y,
            "o",
            markersize=11,
            color=face,
            markeredgecolor=colour if used else pic.tint(pic.GREY, 0.5),
        )
        if level and used:
            for source in (place, place - dilations[level - 1]):
                ax.plot(
                    [source, place],
                    [y + 1.6, y],
                    color=pic.KERNEL,
                    linewidth=1.2,
                    zorder=0,
                )
    pic.note(
        ax,
        (y, -0.9),
        f"dilation {dilations[level - 1]}" if level else "input",
        ha="right",
    )
# sphinx_gallery_end_ignore
