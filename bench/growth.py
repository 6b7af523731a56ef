"""How time grows with size, and where one algorithm overtakes another.

    python bench/growth.py [--quick] [--threads N] [--plot DIR]

For each algorithm, time is fitted as a power of one size: the exponent is the slope of log(time) over log(size),
with its standard error. The crossovers are where two methods, both forced, take equally long; beside them where
cconv.explain predicts that, and where "auto" changes over.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

import cconv
import plot

ROUNDS = 4
TOLERANCE = 0.12        # of an exponent, beyond its standard error


class Growth(NamedTuple):
    """Calls of growing size, and the exponents that are right for their times."""

    name: str
    size: str
    sizes: tuple
    call: Callable                      # size -> a call without arguments
    lowest: float
    highest: float
    expected: str


class Crossing(NamedTuple):
    """Two methods over a growing size."""

    name: str
    size: str
    sizes: tuple
    methods: tuple
    call: Callable                      # (size, method) -> (function, arguments, options)


def normal(*shape, dtype=np.float32):
    return np.random.default_rng(0).standard_normal(shape, dtype=dtype)


def convolution(rank, n, k, method, dtype=np.float32):
    x, w = (normal(*(extent,) * rank, dtype=dtype) for extent in (n, k))
    return cconv.convolve, (x, w, "same"), {"method": method}


def layer(batch, c, k, size, method):
    return cconv.conv2d, (normal(batch, c, size, size), normal(k, c, 3, 3)), {"padding": 1, "method": method}


def bound(call):
    function, arguments, options = call
    return lambda: function(*arguments, **options)


def powers(low, high, count):
    """About `count` sizes in equal ratios."""
    return tuple(np.unique(np.geomspace(low, high, count).round().astype(int)).tolist())


def growths(count):
    def filtering(name, size, sizes, method, expected, low, high, **fixed):
        def call(value):
            extents = {size: value} | fixed
            return bound(convolution(1, extents["samples"], extents["taps"], method))
        return Growth(name, size, sizes, call, low, high, expected)

    def layering(method, size, sizes, expected="1", low=1):
        def call(value):
            extents = {"batch": 1, "in": 64, "out": 64} | {size: value}
            return bound(layer(extents["batch"], extents["in"], extents["out"], 28, method))
        what = size if size == "batch" else f"channels {size}"
        return Growth(f"layer 3x3, {method}", what, sizes, call, low, 1, expected)

    def pooling(name, sizes):
        x = normal(1, 1, 1024, 1024)
        function = getattr(cconv, name)
        return Growth(name, "window k x k", sizes,
                      lambda k: lambda: function(x, k, stride=1, padding=k // 2), 0, 0, "0")

    batches, channels = powers(2, 16, min(count, 4)), powers(32, 512, count)
    odd = tuple(sorted({k | 1 for k in powers(7, 63, count)}))
    return (
        filtering("1-D direct", "samples", powers(2e4, 2e6, count), "direct", "1", 1, 1, taps=101),
        filtering("1-D direct", "taps", powers(101, 3001, count), "direct", "1", 1, 1, samples=100_000),
        filtering("1-D FFT", "samples", powers(1e6, 1e7, count), "fft", "1", 1, 1, taps=1001),
        filtering("1-D FFT", "taps", powers(301, 30_001, count), "fft", "log: 0 to 0.2", 0, 0.2, samples=1_000_000),
        layering("direct", "batch", batches), layering("direct", "in", channels), layering("direct", "out", channels),
        layering("winograd", "batch", batches), layering("winograd", "in", channels),
        layering("winograd", "out", channels, "to 1, input transformed once", 0.6),
        pooling("max_pool2d", odd), pooling("avg_pool2d", odd),
    )


def crossings(count):
    def filtering(rank, n, low, high, dtype=np.float32):
        sizes = tuple(sorted({k | 1 for k in powers(low, high, count)}))
        extent = f"{n:.0e}".replace("e+0", "e") if rank == 1 else "x".join([str(n)] * rank)
        return Crossing(f"{extent} {np.dtype(dtype).name}", "taps per axis", sizes, ("direct", "fft"),
                        lambda k, method: convolution(rank, n, k, method, dtype))

    return (
        filtering(1, 100_000, 201, 8001), filtering(1, 1_000_000, 201, 4001),
        filtering(1, 1_000_000, 101, 4001, np.float64),
        filtering(2, 512, 9, 63), filtering(2, 1024, 9, 63), filtering(2, 1024, 9, 63, np.float64),
        filtering(3, 64, 5, 17), filtering(3, 96, 5, 15), filtering(3, 64, 5, 15, np.float64),
        *(Crossing(f"layer 3x3, {size}x{size}", "channels", powers(4, 128, count + 1), ("direct", "winograd"),
                   lambda c, method, size=size: layer(1, c, c, size, method)) for size in (14, 28, 56)),
    )


def fastest(calls, seconds, rounds=ROUNDS):
    """The fastest time of each call; all of them in turns, `seconds` per turn."""
    best = [np.inf] * len(calls)
    for call in calls:
        call()
    for _ in range(rounds):
        for index, call in enumerate(calls):
            start = time.perf_counter()
            end = start + seconds
            while start < end:
                call()
                now = time.perf_counter()
                best[index] = min(best[index], now - start)
                start = now
    return np.array(best)


def fit(sizes, times):
    """(slope, its standard error, intercept, R^2) of log(time) over log(size)."""
    x, y = np.log(sizes), np.log(times)
    slope, intercept = np.polyfit(x, y, 1)
    left, spread = y - slope * x - intercept, ((x - x.mean()) ** 2).sum()
    total = ((y - y.mean()) ** 2).sum()
    return slope, np.sqrt((left**2).sum() / (len(x) - 2) / spread), intercept, 1 - (left**2).sum() / total


def crossing(sizes, first, second):
    """Where two lines of times meet (the last time that `second` becomes the faster), by logarithms; "-" if nowhere."""
    faster = np.asarray(first) > np.asarray(second)
    if faster.all():
        return f"< {sizes[0]}"
    if not faster[-1]:
        return f"> {sizes[-1]}"
    last = int(np.flatnonzero(~faster)[-1])
    x, gap = np.log(sizes[last:last + 2]), np.log(np.divide(first, second))[last:last + 2]
    return f"{np.exp(x[0] - gap[0] * (x[1] - x[0]) / (gap[1] - gap[0])):.0f}"


def predictions(case):
    """({method: times that explain predicts, where it has a model}, the first size that auto gives to the second)."""
    found = {method: [] for method in case.methods}
    switch = f"> {case.sizes[-1]}"
    for size in reversed(case.sizes):
        function, arguments, options = case.call(size, "auto")
        explanation = cconv.explain(function, *arguments, **options)
        for candidate in explanation.candidates:
            if candidate.name in found and candidate.seconds is not None:
                found[candidate.name].insert(0, candidate.seconds)
        if explanation.method == case.methods[1]:
            switch = f"<= {size}"
    return {method: times for method, times in found.items() if len(times) == len(case.sizes)}, switch


def print_growth(found):
    print("\n| algorithm | size | from | to | exponent | standard error | R^2 | expected | |")
    print("|---|---|---|---|---|---|---|---|---|")
    for case, times in found:
        slope, error, _, r2 = fit(case.sizes, times)
        room = TOLERANCE + 2 * error
        good = case.lowest - room <= slope <= case.highest + room
        # a flat line has no variance to explain
        shown = f"{r2:.3f}" if abs(slope) > 0.3 else ""
        print(f"| {case.name} | {case.size} | {case.sizes[0]} | {case.sizes[-1]} | {slope:.2f} | {error:.2f} | {shown} "
              f"| {case.expected} | {'' if good else 'NOT AS EXPECTED'} |")


def print_crossings(found):
    print("\n| direct against | over | measured | predicted | auto changes at |\n|---|---|---|---|---|")
    for case, times, predicted, switch in found:
        guess = crossing(case.sizes, *predicted.values()) if len(predicted) == 2 else "no model"
        print(f"| {case.methods[1]}, {case.name} | {case.size} | {crossing(case.sizes, *times)} | {guess} | {switch} |")


def draw_growth(plt, found):
    figure, axes = plt.subplots(-(-len(found) // 4), 4, figsize=(14, 2.9 * -(-len(found) // 4)), squeeze=False)
    for axis, (case, times) in zip(axes.flat, found, strict=False):
        slope, error, intercept, _ = fit(case.sizes, times)
        axis.plot(case.sizes, 1e3 * times, "o", color="#c1121f", markersize=4.5)
        axis.plot(case.sizes, 1e3 * np.exp(intercept) * np.array(case.sizes, float) ** slope, color="#3a86ff")
        axis.set(xscale="log", yscale="log", xlabel=case.size, ylabel="ms")
        # an almost flat line should look flat
        middle = np.sqrt(times.min() * times.max()) * 1e3
        axis.set_ylim(min(axis.get_ylim()[0], middle / 3), max(axis.get_ylim()[1], middle * 3))
        axis.set_title(f"{case.name}\nexponent {slope:.2f} ± {error:.2f}, expected {case.expected}", fontsize=9)
        _plain_ticks(axis, case.sizes)
    for axis in axes.flat[len(found):]:
        axis.axis("off")
    figure.suptitle("Time against size, with the fitted power")
    figure.tight_layout()
    return figure


def draw_crossings(plt, found):
    figure, axes = plt.subplots(-(-len(found) // 3), 3, figsize=(13, 3 * -(-len(found) // 3)), squeeze=False)
    for axis, (case, times, predicted, _) in zip(axes.flat, found, strict=False):
        for colour, method, seconds in zip(("#c1121f", "#3a86ff"), case.methods, times, strict=True):
            axis.plot(case.sizes, 1e3 * seconds, "o-", color=colour, markersize=4, label=method)
            if method in predicted:
                axis.plot(case.sizes, 1e3 * np.array(predicted[method]), "--", color=colour, linewidth=1,
                          label=f"{method}, predicted on one thread")
        axis.set(xscale="log", yscale="log", xlabel=case.size, ylabel="ms")
        axis.set_title(f"{case.name}: equal at {crossing(case.sizes, *times)}", fontsize=9.5)
        _plain_ticks(axis, case.sizes)
    for axis in axes.flat[len(found):]:
        axis.axis("off")
    handles = {label: handle for axis in axes.flat
               for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="upper center", ncols=5, bbox_to_anchor=(0.5, 0.98))
    figure.suptitle("Where one method overtakes the other", y=1)
    figure.tight_layout(rect=(0, 0, 1, 0.965))
    return figure


def _plain_ticks(axis, sizes):
    axis.set_xticks([sizes[0], sizes[len(sizes) // 2], sizes[-1]])
    axis.minorticks_off()
    axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}" if value < 1e5 else f"{value:.0e}".replace("e+0", "e"))
    low, high = axis.get_ylim()
    steps = [step * 10.0**power for power in range(-4, 5) for step in (1, 2, 5)]
    marks = [mark for mark in steps if low <= mark <= high]
    axis.set_yticks(marks if len(marks) < 7 else marks[::3])
    axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axis.grid(alpha=0.2)


def arguments():
    parser = argparse.ArgumentParser(description="Fits time against size, and finds where methods cross.")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter turns")
    parser.add_argument("--threads", type=int, metavar="N", help="default: cconv's")
    parser.add_argument("--plot", metavar="DIR", help="write DIR/growth.png and DIR/crossovers.png (needs matplotlib)")
    return parser.parse_args()


def main():
    options = arguments()
    if options.threads:
        cconv.set_num_threads(options.threads)
    plt = plot.pyplot() if options.plot else None       # before the work, which would be lost without it
    count, seconds = (5, 0.01) if options.quick else (8, 0.05)
    print(f"{cconv.simd_level()}, {cconv.get_num_threads()} threads, load average {os.getloadavg()[0]:.1f}")
    grown = [(case, fastest([case.call(size) for size in case.sizes], seconds)) for case in growths(count)]
    print_growth(grown)
    crossed = []
    for case in crossings(count):
        calls = [bound(case.call(size, method)) for method in case.methods for size in case.sizes]
        crossed.append((case, np.split(fastest(calls, seconds), 2), *predictions(case)))
    print_crossings(crossed)
    if plt:
        folder = Path(options.plot)
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in (("growth", draw_growth(plt, grown)), ("crossovers", draw_crossings(plt, crossed))):
            figure.savefig(folder / f"{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
