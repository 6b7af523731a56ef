"""Python threads that all call cconv at once: ``python bench/python_threads.py``.

The same calls are made by one Python thread that may use every CPU, by as many Python threads as there are CPUs with
``num_threads=1``, and by as many that ask for nothing (in a ThreadPoolExecutor; under joblib's and dask's threads too
where these are installed). The last should be no slower than the better of the first two: the columns say its time over
theirs. Rounds rotate, and the fastest of each counts.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

import cconv
from cconv import ndimage

ROUNDS = 15
# Of one round, on one thread.
SECONDS = 0.15


def cases():
    rng = np.random.default_rng(0)

    def array(*shape):
        return rng.random(shape, np.float32)

    maps, weight, pointwise = array(1, 64, 56, 56), array(64, 64, 3, 3), array(64, 64, 1, 1)
    small, few = array(1, 16, 14, 14), array(32, 16, 3, 3)
    image, kernel, long, line = array(1000, 1000), array(5, 5), array(61, 61), array(300_000)
    taps, large = array(3001), array(8, 64, 112, 112)
    return {
        "layer 64->64 56x56, Winograd": lambda n: cconv.conv2d(maps, weight, padding=1, num_threads=n),
        "layer 64->64 56x56, 1x1": lambda n: cconv.conv2d(maps, pointwise, num_threads=n),
        "layer 16->32 14x14": lambda n: cconv.conv2d(small, few, padding=1, num_threads=n),
        "layer 64->64 8x112x112": lambda n: cconv.conv2d(large, weight, padding=1, num_threads=n),
        "weight gradient": lambda n: cconv.conv2d_weight_grad(maps, maps, weight.shape, padding=1, num_threads=n),
        "pool 8x64x112x112": lambda n: cconv.max_pool2d(large, 3, stride=2, num_threads=n),
        "tanh of 800k": lambda n: cconv.activations.tanh(maps, num_threads=n),
        "image 1000x1000, 5x5": lambda n: cconv.correlate(image, kernel, "same", num_threads=n),
        "image 1000x1000, 61x61 (FFT)": lambda n: cconv.correlate(image, long, "same", num_threads=n),
        "line 300k, 3001 taps (FFT)": lambda n: cconv.convolve(line, taps, num_threads=n),
        "ndimage.gaussian_filter": lambda n: gaussian(image, n),
    }


def gaussian(image, n):
    if n is None:
        return ndimage.gaussian_filter(image, 2.0)
    with cconv.num_threads(n):
        return ndimage.gaussian_filter(image, 2.0)


def runners(cpus):
    """name: function of (call, count) that makes `count` calls on `cpus` Python threads."""
    pool = ThreadPoolExecutor(cpus)

    def executor(call, count):
        # not one submission per call: what the executor costs is not the question
        list(pool.map(lambda _: [call() for _ in range(count // cpus)], range(cpus)))

    found = {"executor": executor}
    try:
        import joblib

        parallel = joblib.Parallel(cpus, "threading")
        found["joblib"] = lambda call, count: parallel(
            joblib.delayed(lambda: [call() for _ in range(count // (4 * cpus))])() for _ in range(4 * cpus))
    except ImportError:
        pass
    try:
        import dask

        def with_dask(call, count):
            work = dask.delayed(lambda: [call() for _ in range(count // (4 * cpus))])
            dask.compute(*[work() for _ in range(4 * cpus)], scheduler="threads", num_workers=cpus)

        found["dask"] = with_dask
    except ImportError:
        pass
    return found


def ways_to(call, count, cpus, parallel):
    """name: function that makes `count` calls."""
    ways = {"a": lambda: [call(None) for _ in range(count)],
            "b": lambda: parallel["executor"](lambda: call(1), count)}
    for name, run in parallel.items():
        ways[name] = partial(run, lambda: call(None), count)
    return ways


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    cpus = cconv.get_num_threads()
    parallel = runners(cpus)
    print(f"{cpus} CPUs; ms per call of one Python thread on all CPUs (a), of {cpus} with num_threads=1 (b); "
          "then of those that ask for nothing, over the better")
    print(f"{'':34}{'a':>9}{'b':>9}" + "".join(f"{name:>10}" for name in parallel))
    for name, call in cases().items():
        if wanted not in name:
            continue
        call(1)
        start = time.perf_counter()
        call(1)
        once = time.perf_counter() - start
        count = max(4 * cpus, int(SECONDS / once) // (4 * cpus) * 4 * cpus)
        ways = ways_to(call, count, cpus, parallel)
        best = dict.fromkeys(ways, np.inf)
        for turn in range(ROUNDS):
            names = list(ways)
            first = turn % len(names)
            for way in names[first:] + names[:first]:
                start = time.perf_counter()
                ways[way]()
                best[way] = min(best[way], (time.perf_counter() - start) / count)
        single = min(best["a"], best["b"])
        print(f"{name:34}{best['a'] * 1e3:9.3f}{best['b'] * 1e3:9.3f}"
              + "".join(f"{best[way] / single:10.2f}" for way in parallel), flush=True)


if __name__ == "__main__":
    main()
