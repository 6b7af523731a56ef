"""cconv.ndimage beside scipy.ndimage, call by call: the same arguments, the same answers, how much sooner.

    python bench/scipy_ndimage.py [--threads N] [--group direct|separable|box|extrema|other|tiny] [--rounds N]

Both are timed in turns, the best of the rounds counts. An answer that differs in one bit is an error.
"""

import argparse
import math
import time
from typing import NamedTuple

import numpy as np
from scipy import ndimage as theirs

import cconv
from cconv import ndimage as ours

SHAPES = {
    "512": (512, 512), "1080p": (1080, 1920), "4K": (2160, 3840), "64^3": (64,) * 3, "128^3": (128,) * 3,
    "256^3": (256,) * 3, "1e4": (10_000,), "1e6": (1_000_000,), "1e7": (10_000_000,),
}  # fmt: skip


class Group(NamedTuple):
    """Calls with one target for the geometric mean of the ratios, by rank of the input."""

    mean: float
    calls: dict                 # rank -> ((name, positional arguments after the input), ...)
    shapes: tuple = tuple(SHAPES)


def _weights(*shape):
    return np.random.default_rng(0).random(shape)


GROUPS = {
    "direct": Group(20, {
        2: [(name, (_weights(k, k),)) for name in ("correlate", "convolve") for k in (3, 7, 15)],
        3: [("correlate", (_weights(k, k, k),)) for k in (3, 5)],
    }),
    "separable": Group(5, {
        1: [("correlate1d", (_weights(k),)) for k in (5, 101)] + [("gaussian_filter1d", (3.0,))],
        2: [("gaussian_filter", (sigma,)) for sigma in (1.0, 3.0)] + [("sobel", ()), ("convolve1d", (_weights(9), 0))],
        3: [("gaussian_filter", (1.5,)), ("prewitt", ())],
    }),
    "box": Group(5, {
        1: [("uniform_filter1d", (k,)) for k in (5, 101)],
        2: [("uniform_filter", (k,)) for k in (3, 15)], 3: [("uniform_filter", (5,))],
    }),
    "extrema": Group(5, {
        1: [("maximum_filter1d", (k,)) for k in (5, 101)],
        2: [(name, (k,)) for name in ("minimum_filter", "maximum_filter") for k in (3, 7, 31)],
        3: [("maximum_filter", (3,))],
    }),
    "other": Group(1, {
        2: [("laplace", ()), ("gaussian_laplace", (2.0,)), ("gaussian_gradient_magnitude", (2.0,)),
            ("maximum_filter", (None, np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])))],
    }, ("512", "1080p")),
    "tiny": Group(1, {
        2: [("correlate", (_weights(3, 3),)), ("convolve", (_weights(3, 3),)), ("correlate1d", ([1.0, 2.0, 1.0],)),
            ("convolve1d", ([1.0, 2.0, 1.0],)), ("gaussian_filter", (1.0,)), ("gaussian_filter1d", (1.0,)),
            ("uniform_filter", (3,)), ("uniform_filter1d", (3,)), ("sobel", ()), ("prewitt", ()), ("laplace", ()),
            ("gaussian_laplace", (1.0,)), ("gaussian_gradient_magnitude", (1.0,)), ("minimum_filter", (3,)),
            ("maximum_filter", (3,)), ("minimum_filter1d", (3,)), ("maximum_filter1d", (3,)),
            ("maximum_filter", (None, np.array([[0, 1], [1, 1]])))],
    }, ("8x8",)),
}  # fmt: skip
SHAPES["8x8"] = (8, 8)


def timed(function, arguments, repeats):
    start = time.perf_counter()
    for _ in range(repeats):
        function(*arguments)
    return (time.perf_counter() - start) / repeats


def ratio(name, arguments, rounds):
    """(seconds of SciPy, of cconv) after the answers were found equal."""
    functions = [getattr(module, name) for module in (theirs, ours)]
    answers = [function(*arguments) for function in functions]
    if not np.array_equal(*answers) or answers[0].dtype != answers[1].dtype:
        raise SystemExit(f"{name}: the answers differ")
    best = [math.inf, math.inf]
    repeats = 200 if arguments[0].size < 1000 else 1
    for _ in range(rounds):
        for side, function in enumerate(functions):
            best[side] = min(best[side], timed(function, arguments, repeats))
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--group", choices=GROUPS)
    parser.add_argument("--shape", choices=SHAPES)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    cconv.set_num_threads(options.threads)
    for title, group in GROUPS.items():
        if options.group not in (None, title):
            continue
        ratios = []
        for shape in group.shapes:
            if options.shape not in (None, shape):
                continue
            for dtype in (np.float32, np.float64):
                x = np.random.default_rng(1).random(SHAPES[shape], dtype)
                for name, arguments in group.calls.get(x.ndim, ()):
                    scipy_time, time_taken = ratio(name, (x, *arguments), options.rounds)
                    ratios.append(scipy_time / time_taken)
                    shown = " ".join([str(np.shape(a)) if np.ndim(a) else str(a) for a in arguments])
                    print(f"{title:10} {shape:6} {dtype.__name__:8} {name:28} {shown:10} {scipy_time * 1e6:12.1f} us "
                          f"{time_taken * 1e6:12.1f} us {ratios[-1]:7.1f} x", flush=True)
        if ratios:
            mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
            print(f"{title}: geometric mean {mean:.1f} x (target {group.mean}), lowest {min(ratios):.2f} x\n")


if __name__ == "__main__":
    main()
