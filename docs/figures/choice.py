"""What "auto" takes: the kernels of layers by their size, and where an FFT is faster than the direct sum."""

import time

import matplotlib.pyplot as plt
import numpy as np

import cconv

CHANNELS = (1, 2, 4, 8, 16, 24, 32, 48, 64, 128, 256, 512)
SIZES = (7, 14, 28, 56, 112, 224)
COLOURS = {"rows": "#264653", "channels": "#2a9d8f", "pixels": "#8ab17d", "winograd": "#e9c46a", "depthwise": "#f4a261",
           "planes": "#e76f51", "line": "#9d4edd"}


def chosen(channels, size, kernel, last, depthwise, stride):
    """The name of the micro-kernel that a layer of so many channels in and out would run."""
    shape = (1, size, size, channels) if last else (1, channels, size, size)
    weight = np.empty((channels, 1 if depthwise else channels, kernel, kernel), np.float32)
    return cconv.explain(cconv.conv2d, np.empty(shape, np.float32), weight, padding=kernel // 2, stride=stride,
                         groups=channels if depthwise else 1, num_threads=2,
                         data_format="channels_last" if last else "channels_first").kernel


def layers():
    """A map of micro-kernels per kind of layer."""
    kinds = {
        "3x3": {"kernel": 3}, "3x3, channels last": {"kernel": 3, "last": True},
        "3x3, stride 2": {"kernel": 3, "stride": 2},
        "1x1": {"kernel": 1}, "5x5": {"kernel": 5}, "depthwise 3x3": {"kernel": 3, "depthwise": True},
    }
    figure, axes = plt.subplots(2, 3, figsize=(11, 6.2), layout="constrained", sharex=True, sharey=True)
    seen = set()
    for axis, (title, kind) in zip(axes.flat, kinds.items(), strict=True):
        options = {"last": False, "depthwise": False, "stride": 1, **kind}
        for x, channels in enumerate(CHANNELS):
            for y, size in enumerate(SIZES):
                name = chosen(channels, size, **options)
                seen.add(name)
                axis.add_patch(plt.Rectangle((x, y), 1, 1, facecolor=COLOURS[name], edgecolor="white"))
        axis.set(xlim=(0, len(CHANNELS)), ylim=(0, len(SIZES)), title=title)
        axis.set_xticks(np.arange(len(CHANNELS)) + 0.5, CHANNELS)
        axis.set_yticks(np.arange(len(SIZES)) + 0.5, SIZES)
    for axis in axes[-1]:
        axis.set_xlabel("channels in and out")
    for axis in axes[:, 0]:
        axis.set_ylabel("rows and columns")
    figure.legend([plt.Rectangle((0, 0), 1, 1, facecolor=COLOURS[name]) for name in COLOURS if name in seen],
                  [name for name in COLOURS if name in seen], loc="outside lower center", ncols=7)


def fastest(function):
    """Seconds of the fastest of some calls."""
    best = np.inf
    for _ in range(5):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


def fft():
    """Measured and predicted seconds of both methods over the number of taps, on one thread."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(100_000, np.float32)
    taps = np.unique(np.geomspace(15, 3000, 14).astype(int) | 1)
    _, axis = plt.subplots(figsize=(7, 4), layout="constrained")
    kernels = [rng.standard_normal(int(count), np.float32) for count in taps]
    with cconv.num_threads(1):
        for method, colour in (("direct", "#2a9d8f"), ("fft", "#e76f51")):
            predicted = [next((c.seconds for c in cconv.explain(cconv.convolve, x, k, "same").candidates
                               if c.name == method), None) for k in kernels]
            measured = [fastest(lambda k=k, m=method: cconv.convolve(x, k, "same", method=m)) for k in kernels]
            axis.loglog(taps, measured, "o", color=colour, label=f"{method}, measured")
            known = [(count, seconds) for count, seconds in zip(taps, predicted, strict=True) if seconds]
            axis.loglog(*zip(*known, strict=True), color=colour, label=f"{method}, predicted")
        switch = next((count for count, k in zip(taps, kernels, strict=True)
                       if cconv.explain(cconv.convolve, x, k, "same").method == "fft"), None)
    if switch is not None:
        axis.axvline(switch, color="0.5", linestyle=":", label='"auto" takes the FFT')
    axis.set(xlabel="taps", ylabel="seconds",
             title="100,000 float32 samples, one thread, the machine that built this page")
    axis.legend()
