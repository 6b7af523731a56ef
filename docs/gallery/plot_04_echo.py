r"""
Echo and reverberation
======================

A room is a linear filter: what is heard is the sound convolved with the room's answer to a single click. The answer of
a canyon is a few clicks; that of a hall thousands that die away.

A kernel of 12,000 taps is a case for the FFT. Here it is asked for: by itself `cconv.convolve` promises an error small
against every single sample of the result, and next to silence a transform cannot keep that promise. Nobody hears it.
"""

# sphinx_gallery_thumbnail_number = 1
# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np

import cconv

RATE = 8000
rng = np.random.default_rng(0)


def clap(seconds=0.5):
    """A burst of noise that dies away at once."""
    time = np.arange(int(seconds * RATE)) / RATE
    return rng.standard_normal(time.size) * np.exp(-60 * time)


def pluck(frequency, seconds=0.5):
    """K. Karplus and A. Strong's string: noise goes round a delay line, smoothed a little each time."""
    length = round(RATE / frequency)
    turn = rng.uniform(-1, 1, length)
    turns = [turn - turn.mean()]
    for _ in range(int(seconds * RATE / length)):
        turn = 0.996 * cconv.convolve(turns[-1], [0.5, 0.5], "same", boundary="wrap")
        turns.append(turn)
    return np.concatenate(turns)[: int(seconds * RATE)]


dry = np.concatenate([clap(), pluck(220.0), pluck(277.18), pluck(329.63)])
dry = dry / np.abs(dry).max()

# %%
# Two rooms
# ---------
# The canyon answers with four clicks, the hall with 12,000 samples of noise that dies away. Under the picture,
# the sound by itself and in both rooms, to listen to.

canyon = np.zeros(int(0.9 * RATE))
for delay, strength in ((0.0, 1.0), (0.3, 0.5), (0.6, 0.25), (0.85, 0.12)):
    canyon[int(delay * RATE)] = strength
after = np.arange(int(1.5 * RATE)) / RATE
hall = 0.08 * rng.standard_normal(after.size) * np.exp(-4.6 * after)
hall[0] = 1

rooms = {"canyon": canyon, "hall": hall}
wet = {
    name: cconv.convolve(dry, answer, method="fft") for name, answer in rooms.items()
}
for name, answer in rooms.items():
    assert wet[name].size == dry.size + answer.size - 1
    direct = cconv.convolve(dry, answer, method="direct")
    error = np.abs(wet[name] - direct).max() / np.abs(direct).max()
    products = wet[name].size * answer.size
    print(f"{name}: {answer.size:,} taps, {products:,} products;")
    print(f"    the FFT is off by {error:.0e} of the loudest sample")
    assert error < 1e-13

# sphinx_gallery_start_ignore
fig, axes = pic.figure(4.8, 3, 2, sharex="col", width_ratios=(1, 2))
axes[0, 0].set_axis_off()
axes[0, 1].plot(np.arange(dry.size) / RATE, dry, color=pic.INPUT, linewidth=0.4)
axes[0, 1].set(title="the sound")
for row, (name, answer) in zip(axes[1:], rooms.items(), strict=True):
    row[0].vlines(
        np.flatnonzero(answer) / RATE,
        0,
        answer[answer != 0],
        color=pic.KERNEL,
        linewidth=0.8,
    )
    row[0].set(title=f"{name}: its answer", xlim=(-0.05, 1.5))
    row[1].plot(
        np.arange(wet[name].size) / RATE, wet[name], color=pic.OUTPUT, linewidth=0.4
    )
    row[1].set(title=f"in the {name}", xlim=(0, 3.5))
for ax in axes[-1]:
    ax.set_xlabel("seconds")

pic.Sounds(
    [
        pic.Sound("the sound", dry, RATE),
        *(pic.Sound(f"in the {name}", wet[name], RATE) for name in wet),
    ]
)
# sphinx_gallery_end_ignore
