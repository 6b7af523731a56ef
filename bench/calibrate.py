"""Measures what ``method="auto"`` predicts with, and prints the block of constants for ``src/cconv/_choice.py``.

    python bench/calibrate.py

Direct sums and FFT tiles are timed on one thread over a grid of sizes; the constants are fitted to that, and
printed with what they predict for every size of the grid. It takes a minute, and counts CPU time.
"""

import datetime
import os
import platform
import subprocess
import sys
import time
from statistics import median

import numpy as np

import cconv
import machine
from cconv import _choice, _core
from cconv._fft import FFTConvolution
from cconv._shapes import filter_spec

# (extents of the input, of the kernel), by number of axes
DIRECT = {
    1: [(200_000, 301), (200_000, 1001), (100_000, 3001)],
    2: [((400, 400), (31, 31)), ((300, 300), (61, 61)), ((1000, 1000), (21, 21))],
    3: [((48, 48, 48), (11, 11, 11)), ((40, 40, 40), (15, 15, 15))],
}
FFT = {
    1: [(20_000, 301), (100_000, 1001), (1_000_000, 101), (1_000_000, 1001), (1_000_000, 10_001), (100_000, 10_001)],
    2: [((300, 300), (31, 31)), ((1000, 1000), (31, 31)), ((1000, 1000), (101, 101)), ((2000, 2000), (63, 63))],
    3: [((64, 64, 64), (11, 11, 11)), ((100, 100, 100), (21, 21, 21)), ((128, 128, 128), (9, 9, 9))],
}
# Where the search for the mixture of the two terms starts: the log2 of a usual length.
LOG = 14
# What other processes take does not count. All that is timed runs on the calling thread.
CLOCK = time.thread_time
REALS = {"f32": np.float32, "f64": np.float64}


def fastest(call, seconds=0.3, least=3):
    """Seconds of the fastest of many calls."""
    call()
    best, end, count = np.inf, CLOCK() + seconds, 0
    while count < least or CLOCK() < end:
        start = CLOCK()
        call()
        best = min(best, CLOCK() - start)
        count += 1
    return best


def problem(size, kernel, dtype, mode):
    """(input, kernel, their spec)."""
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(extent).astype(dtype) for extent in (size, kernel))
    defaults = {"mode": mode, "boundary": "constant", "cval": 0, "origin": 0, "method": "direct"}
    names = filter_spec.__code__.co_varnames[5 : filter_spec.__code__.co_argcount]
    options = [defaults.get(name) for name in names]
    return x, w, filter_spec(True, x.shape, x.dtype, w.shape, w.dtype, *options)


def direct_rate(real, rank):
    """Products per second."""
    rates = []
    for size, kernel in DIRECT[rank]:
        x, w, spec = problem(size, kernel, REALS[real], "full")
        seconds = fastest(lambda x=x, w=w: cconv.convolve(x, w, method="direct", num_threads=1))
        rates.append(np.prod(spec.output_size, dtype=float) * w.size / seconds)
    return median(rates)


def guarded(size, kernel, dtype, mode="valid"):
    """(seconds of FFT tiles with the checks of "auto", what they are made of), by default without borders."""
    x, w, spec = problem(size, kernel, dtype, mode)
    operator = FFTConvolution(spec, guarded=True)
    return fastest(lambda: operator.run(x, w, None, None, 1)), _choice.fft_terms(spec, *operator.tiling[:3])


def fft_fit():
    """(seconds per real and log2 of transforms, per real of products, both by (real, rank); seconds per call)."""
    # a problem with little work is a call with one kernel, and what has to be done at its borders
    call, inside = (guarded(2000, 301, np.float32, mode)[0] for mode in ("full", "valid"))
    transform, product, lines = {}, {}, []
    for real, dtype in REALS.items():
        for rank, sizes in FFT.items():
            runs = [guarded(size, kernel, dtype) for size, kernel in sizes]
            fixed = [
                inside + size * _choice.BLOCK_SECONDS + taps * _choice.TAP_SECONDS for _, (_, _, size, _, taps) in runs
            ]
            # relative errors count; the two terms are nearly proportional, so noise must not take the first for nothing
            terms = np.array([terms[:2] for _, terms in runs]) / [[seconds] for seconds, _ in runs]
            wanted = np.array([(seconds - other) / seconds for (seconds, _), other in zip(runs, fixed, strict=True)])
            fits = []
            for share in np.linspace(0.25, 1, 16):
                mixed = terms @ [share, (1 - share) * LOG]
                scale = median(wanted / mixed)
                fits.append((np.abs(mixed * scale - wanted).max(), share * scale, (1 - share) * LOG * scale))
            _, transform[real, rank], product[real, rank] = min(fits)
            for size, (seconds, (work, points, *_)), other in zip(sizes, runs, fixed, strict=True):
                got = (work * transform[real, rank] + points * product[real, rank] + other) * 1e3
                lines.append(f"# {real} {size!s:40} {seconds * 1e3:8.2f} ms, predicted {got:8.2f}")
    print("\n".join(lines), file=sys.stderr)
    return transform, product, call


def fft_time():
    """Seconds of one problem, to compare levels with."""
    return guarded(1_000_000, 1001, np.float32)[0]


def of_levels(measure):
    """What an expression of this module's comes to at every SIMD level of this machine, over the best one's."""
    rates = {}
    for level in _core.LEVELS:
        code = f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r}); import calibrate; "
        code += f"print(calibrate.{measure})"
        environment = dict(os.environ, CCONV_SIMD=level)
        done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
        rates[level] = float(done.stdout)
    return {level: rate / rates[_core.LEVELS[-1]] for level, rate in rates.items()}


def as_source(name, values):
    lines = [f"{name} = {{"]
    lines += [f"    {key!r}: {value:.2g},".replace("'", '"').replace("e+", "e") for key, value in values.items()]
    return "\n".join([*lines, "}"])


def main():
    direct = {(real, rank): direct_rate(real, rank) for real in REALS for rank in DIRECT}
    transform, product, call = fft_fit()
    today = datetime.date.today().isoformat()
    print(f"# {today}, {machine.cpu_name() or platform.machine()}, {_core.simd_level()}, one thread\n")
    print("# products per second of the direct sum, by arithmetic and number of axes with more than one tap")
    print(as_source("DIRECT_RATE", direct))
    print("# the same, relative to the best level")
    print(as_source("LEVEL_RATE", of_levels("direct_rate('f32', 1)")))
    print("# seconds per real and log2(points) of a transform forth and back, by arithmetic and number of axes")
    print(as_source("TRANSFORM_SECONDS", transform))
    print("# seconds per real to gather, check, multiply and store")
    print(as_source("PRODUCT_SECONDS", product))
    print("# the time of both, relative to the best level")
    print(as_source("FFT_LEVEL", of_levels("fft_time()")))
    print("# seconds per call, per kernel, per tap")
    print(f"CALL_SECONDS = {call:.2g}\nKERNEL_SECONDS = {call / 3:.2g}\nTAP_SECONDS = {_choice.TAP_SECONDS:.2g}")


if __name__ == "__main__":
    main()
