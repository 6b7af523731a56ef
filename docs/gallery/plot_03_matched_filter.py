r"""
A matched filter: hearing a chirp under the noise
=================================================

A bat, or a radar, sends a chirp and listens for its echo. Under noise the echo cannot be seen. Correlating with the
chirp itself adds up all of its energy at one moment; no linear filter finds it better in white noise.

.. math:: \text{score}[t] = \sum_j \text{heard}[t + j] \cdot \text{chirp}[j]
"""

# sphinx_gallery_thumbnail_number = 1
# sphinx_gallery_start_ignore
import _pictures as pic

# sphinx_gallery_end_ignore
import numpy as np

import cconv

RATE = 8000
rng = np.random.default_rng(1)
time = np.arange(int(0.25 * RATE)) / RATE
chirp = np.sin(
    2 * np.pi * (300 * time + 0.5 * (2500 - 300) / 0.25 * time**2)
) * np.hanning(time.size)

true = [3000, 9400, 12500]
strengths = [0.6, 0.35, 0.25]
heard = rng.standard_normal(2 * RATE + chirp.size)
for start, strength in zip(true, strengths, strict=True):
    heard[start : start + chirp.size] += strength * chirp

# %%
# Found
# -----
# The score, divided by what noise alone would give it: 5 is five standard deviations. Under the picture,
# the chirp and what is heard, both to listen to.

score = cconv.correlate(heard, chirp, "valid") / np.sqrt(np.sum(chirp**2))

left, found = score.copy(), []
for _ in true:
    best = int(left.argmax())
    found.append(best)
    left[max(best - 200, 0) : best + 200] = 0
for start, best in zip(true, sorted(found), strict=True):
    print(
        f"sent at {start / RATE:.4f} s, found at {best / RATE:.4f} s, "
        f"{score[best]:.1f} standard deviations"
    )
    assert abs(start - best) <= 2
assert left.max() < min(score[found])

# sphinx_gallery_start_ignore
fig, axes = pic.figure(4.6, 3)
axes[0].plot(time, chirp, color=pic.KERNEL, linewidth=0.8)
axes[0].set(title="the chirp, 0.25 s", xlim=(0, 0.25), ylim=(-1.2, 1.2))
seconds = np.arange(heard.size) / RATE
axes[1].plot(seconds, heard, color=pic.INPUT, linewidth=0.3)
for start in true:
    axes[1].plot(
        [start / RATE, start / RATE + 0.25],
        [4.6, 4.6],
        color=pic.KERNEL,
        linewidth=3,
        solid_capstyle="butt",
    )
axes[1].set(
    title="what is heard; the bars say where the chirps are",
    xlim=(0, 2),
    ylim=(-4.5, 5.2),
)
axes[2].plot(seconds[: score.size], score, color=pic.OUTPUT, linewidth=0.6)
axes[2].set(title="correlated with the chirp", xlabel="seconds", xlim=(0, 2))
for best in found:
    axes[2].plot(best / RATE, score[best], "o", color=pic.OUTPUT, markersize=5)

pic.Sounds(
    [pic.Sound("the chirp", chirp, RATE), pic.Sound("what is heard", heard / 4, RATE)]
)
# sphinx_gallery_end_ignore
