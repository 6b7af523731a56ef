r"""
Taking the noise out of a sound
===============================

A melody of four tones in noise. Where in the spectrum the tones are is known, so that a band-pass filter can leave the
rest out: the *windowed sinc*, a kernel of 801 taps.
"""

# sphinx_gallery_thumbnail_number = 1
# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np

import cconv

RATE = 8000
rng = np.random.default_rng(0)


def tone(frequency, seconds=0.4):
    """A struck string: three harmonics that die away."""
    time = np.arange(int(seconds * RATE)) / RATE
    waves = sum(np.sin(2 * np.pi * frequency * n * time) / n**2 for n in (1, 2, 3))
    return waves * np.exp(-6 * time) * (1 - np.exp(-200 * time))


clean = 0.5 * np.concatenate(
    [tone(frequency) for frequency in (440.0, 554.37, 659.26, 880.0)]
)
noisy = clean + 0.25 * rng.standard_normal(clean.size)

# %%
# The filter
# ----------
# The difference of two low-pass kernels, :math:`\sin(2 \pi f t) / (\pi t)` cut to 801 samples by a Hamming window:
# everything from 400 to 1000 Hz passes.

place = (np.arange(801) - 400) / RATE
band = (
    (2000 * np.sinc(2000 * place) - 800 * np.sinc(800 * place)) / RATE * np.hamming(801)
)
cleaned = cconv.convolve(noisy, band, "same")

# %%
# What is left
# ------------
# The distance from the melody, in decibels below it, before and after; under the picture, both to listen to.


def decibels(signal):
    return 10 * np.log10(np.mean(clean**2) / np.mean((signal - clean) ** 2))


print(f"before: {decibels(noisy):.1f} dB, after: {decibels(cleaned):.1f} dB")
assert decibels(cleaned) > decibels(noisy) + 5

# sphinx_gallery_start_ignore
time = np.arange(clean.size) / RATE
fig, axes = pic.figure(4.6, 3, sharex=True, sharey=True)
axes[-1].set(xlabel="seconds")
names = (("melody", pic.GREY), ("with noise", pic.INPUT), ("filtered", pic.OUTPUT))
for ax, signal, (name, colour) in zip(
    axes, (clean, noisy, cleaned), names, strict=True
):
    ax.plot(time, signal, color=colour, linewidth=0.4)
    ax.set(title=name, ylim=(-1, 1), xlim=(0, time[-1]))

pic.Sounds([pic.Sound("with noise", noisy, RATE), pic.Sound("filtered", cleaned, RATE)])
# sphinx_gallery_end_ignore

# %%
# The spectrum
# ------------
# The power at each frequency, smoothed by a Gaussian with a standard deviation of four samples.

smooth = cconv.filters.gaussian(4.0, ndim=1)
spectra = {
    name: cconv.convolve(
        np.abs(np.fft.rfft(signal)) ** 2, smooth, "same", boundary="reflect"
    )
    for name, signal in (("with noise", noisy), ("filtered", cleaned))
}
frequency = np.fft.rfftfreq(clean.size, 1 / RATE)

# sphinx_gallery_start_ignore
fig, ax = pic.figure(2.6)
for name, colour in names[1:]:
    decibel = 10 * np.log10(spectra[name])
    ax.plot(frequency, decibel, color=colour, linewidth=1, label=name)
ax.set(xlabel="hertz", ylabel="decibels", xlim=(0, 2000), ylim=(-30, 60))
pic.legend_above(ax)
# sphinx_gallery_end_ignore
