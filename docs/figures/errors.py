"""Measured errors beside their documented bounds, for random numbers, against sums of a wider type."""

import matplotlib.pyplot as plt
import numpy as np

import cconv

TYPES = {np.float32: ("float32", "#2a9d8f", np.float64), np.float64: ("float64", "#e76f51", np.longdouble)}


def windows_sum(x, w, wide):
    """sum over j of x[i + j] * w[j] in the type `wide`."""
    windows = np.lib.stride_tricks.sliding_window_view(x.astype(wide), len(w))
    return windows @ w.astype(wide)


def filters():
    """Direct sums, passes per axis and FFT, over the number of taps."""
    rng = np.random.default_rng(0)
    taps = np.unique(np.geomspace(3, 1000, 12).astype(int) | 1)
    _, (direct, transformed) = plt.subplots(1, 2, figsize=(8.5, 3.8), layout="constrained")
    for dtype, (name, colour, wide) in TYPES.items():
        eps, ratios, ratios_fft = np.finfo(dtype).eps, [], []
        for count in taps:
            x, w = (rng.standard_normal(size).astype(dtype) for size in (3000, int(count)))
            exact, scale = windows_sum(x, w, wide), windows_sum(abs(x), abs(w), wide)
            error = abs(cconv.correlate(x, w, "valid", method="direct") - exact)
            ratios.append(float((error / scale).max() / eps))
            error = abs(cconv.correlate(x, w, "valid", method="fft") - exact)
            ratios_fft.append(float(error.max() / abs(x).max() / abs(w).sum() / eps))
        direct.loglog(taps, ratios, "o-", color=colour, label=f"{name}, worst of 3,000 outputs")
        transformed.loglog(taps, ratios_fft, "o-", color=colour, label=f"{name}, worst of 3,000 outputs")
    direct.loglog(taps, 4 + 2 * np.sqrt(taps), "k--", label="bound: 4 + 2 sqrt(taps)")
    direct.set(xlabel="taps", ylabel="error / (eps sum |w||x|)", title='method="direct": at every output')
    transformed.axhline(8, color="k", linestyle="--", label="bound: 8")
    transformed.set(xlabel="taps", ylabel="error / (eps max|x| sum|w|)", title='method="fft": of the block')
    for axis in (direct, transformed):
        axis.set_ylim(top=1000)
        axis.legend(fontsize=8)


def layers():
    """Winograd and direct layers over the number of channels."""
    rng = np.random.default_rng(0)
    channels = (8, 16, 32, 64, 128, 256)
    _, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    for dtype, (name, colour, wide) in TYPES.items():
        eps, found = np.finfo(dtype).eps, {"winograd": [], "direct": []}
        for count in channels:
            x = rng.standard_normal((count, 12, 12)).astype(dtype)
            w = rng.standard_normal((8, count, 3, 3)).astype(dtype)
            columns = np.lib.stride_tricks.sliding_window_view(x.astype(wide), (3, 3), axis=(1, 2))
            columns = columns.transpose(1, 2, 0, 3, 4).reshape(100, -1)
            flat = w.astype(wide).reshape(8, -1)
            exact = (flat @ columns.T).reshape(8, 10, 10)
            scale = np.pad((abs(flat) @ abs(columns.T)).reshape(8, 10, 10), [(0, 0), (4, 4), (4, 4)])
            scale = np.lib.stride_tricks.sliding_window_view(scale, (9, 9), axis=(1, 2)).max(axis=(3, 4))
            for method, ratios in found.items():
                error = abs(cconv.conv2d(x, w, method=method) - exact)
                ratios.append(float((error / scale).max() / eps))
        for method, ratios in found.items():
            axis.loglog(channels, ratios, "o-" if method == "winograd" else "s:", color=colour,
                        label=f"{name}, {method}")
    axis.axhline(40, color="k", linestyle="--", label="bound of winograd: 40")
    axis.set(xlabel="input channels", ylabel="error / (eps max sum |w||x|)", title="3x3 layer, worst of 800 outputs",
             ylim=(None, 1000))
    axis.legend(fontsize=8)


def cliff():
    """A loud half beside a quiet half: what relative to the block's largest sample means, and what "auto" does."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(100_000).astype(np.float32)
    x[50_000:] *= np.float32(1e-6)
    w = rng.standard_normal(2001).astype(np.float32)
    exact = cconv.convolve(x.astype(float), w.astype(float), "same", method="direct")
    scale = cconv.convolve(abs(x).astype(float), abs(w).astype(float), "same", method="direct")
    _, axis = plt.subplots(figsize=(8, 3.6), layout="constrained")
    for method, colour in (("fft", "#e76f51"), ("auto", "#264653"), ("direct", "#2a9d8f")):
        error = abs(cconv.convolve(x, w, "same", method=method) - exact) / scale / np.finfo(np.float32).eps
        # the worst of every 200 outputs
        axis.semilogy(np.arange(0, len(x), 200), error.reshape(-1, 200).max(axis=1), color=colour,
                      label=f'method="{method}"', linewidth=1)
    axis.axhline(4096, color="k", linestyle="--", label='bound of "auto": 4096')
    axis.set(xlabel="sample (from 50,000 on a millionth as loud)", ylabel="error / (eps sum |w||x|)")
    axis.legend(fontsize=8, loc="upper left")
