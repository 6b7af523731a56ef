"""How soon Ctrl-C stops a call of every kind: ``python bench/interrupts.py [TEXT...]``, those with a TEXT in the name.

A timer signals every few milliseconds, and its handler notes when Python let it run: the longest gap between two of
them is the longest that an interrupt can have to wait, wherever in the call it comes. Arrays are large and awkward on
purpose: one long line, one large image, one cube. Gaps are in CPU time of the process, by its number of threads, so
that what else the machine does is left out; in brackets is the clock's time of the same gap.
"""

import itertools
import signal
import sys
import time

import numpy as np

import cconv
from cconv import activations, ndimage
from cconv import signal as cconv_signal

# Seconds of CPU time between two signals, and the longest gap that is wanted.
PERIOD = 0.004
AIM = 0.1


def ones(*shape, dtype=np.float32):
    return np.ones(shape, dtype)


def noise(*shape, dtype=np.float32):
    rng = np.random.default_rng(0)
    if np.dtype(dtype).kind == "c":
        return (rng.random(shape, np.float32) + 1j * rng.random(shape, np.float32)).astype(dtype)
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0, 100, shape, dtype)
    return rng.random(shape, np.float32).astype(dtype, copy=False)


def filter_of(x, kernel, **keywords):
    return lambda n: cconv.convolve(x, kernel, "same", num_threads=n, **keywords)


def of(function, *arrays, **keywords):
    return lambda n: function(*arrays, num_threads=n, **keywords)


def layer(name, *arrays, **keywords):
    return of(getattr(cconv, name), *arrays, **keywords)


def limited(function, *arguments, **keywords):
    """For functions without num_threads."""

    def call(n):
        with cconv.num_threads(n or 1 << 10):
            return function(*arguments, **keywords)

    return call


def cases():
    """name: what makes (function of the number of threads)."""
    line, image, cube = (lambda: noise(100_000_000)), (lambda: noise(20_000, 20_000)), (lambda: noise(512, 512, 512))
    maps = lambda c=64, n=512, dtype=np.float32: noise(4, c, n, n, dtype=dtype)  # noqa: E731
    small = lambda o, i, *k, dtype=np.float32: noise(o, i, *k, dtype=dtype)  # noqa: E731
    indices = lambda x: cconv.max_pool2d(x, 2, return_indices=True)  # noqa: E731
    return {
        "line, 31 taps": lambda: filter_of(line(), noise(31), method="direct"),
        "line, float64, 501 taps": lambda: filter_of(noise(20_000_000, dtype=float), noise(501), method="direct"),
        "line, int64, 31 taps": lambda: filter_of(noise(50_000_000, dtype=np.int64), noise(31, dtype=np.int64)),
        "line, complex, 31 taps": lambda: filter_of(noise(50_000_000, dtype=np.complex64), noise(31)),
        "line, reversed view": lambda: filter_of(line()[::-1], noise(31), method="direct"),
        "line, taps as many as samples / 2": lambda: filter_of(noise(400_000), noise(200_000), method="direct"),
        "line of 100 samples and 1e7 lines": lambda: filter_of(noise(1_000_000, 100), noise(31), axes=1),
        "image, 3x3": lambda: filter_of(image(), noise(3, 3), method="direct"),
        "image, 31x31": lambda: filter_of(noise(8000, 8000), noise(31, 31), method="direct"),
        "image, separable": lambda: filter_of(image(), np.outer(noise(9), noise(9)), boundary="reflect"),
        "image, uint8 to uint8": lambda: filter_of(noise(20_000, 20_000, dtype=np.uint8), ones(3, 3, dtype=np.uint8)),
        "image, saturated": lambda: filter_of(noise(20_000, 20_000, dtype=np.uint8), noise(3, 3), out_dtype=np.uint8,
                                              casting="saturate"),
        "image, missing samples": lambda: filter_of(noise(10_000, 10_000), noise(5, 5), nan="omit"),
        "image, out overlaps": lambda: (lambda x: filter_of(x, noise(3, 3), out=x))(image()),
        "cube, 3x3x3": lambda: filter_of(cube(), noise(3, 3, 3), method="direct"),
        "cube as a layer": lambda: layer("conv3d", cube()[None, None], small(1, 1, 5, 5, 5), padding=2),
        "FFT, line": lambda: filter_of(line(), noise(10_001), method="fft"),
        "FFT, line, auto": lambda: filter_of(line(), noise(10_001)),
        "FFT, line, NaN": lambda: (lambda x: (x.__setitem__(slice(None, None, 50_000), np.nan),
                                              filter_of(x, noise(10_001)))[1])(noise(20_000_000)),
        "FFT, image": lambda: filter_of(image(), noise(101, 101), method="fft"),
        "FFT, image, auto": lambda: filter_of(image(), noise(101, 101)),
        "FFT, cube": lambda: filter_of(cube(), noise(21, 21, 21), method="fft"),
        "FFT, kernel of half the line": lambda: filter_of(noise(10_000_000), noise(5_000_000), method="fft"),
        "FFT, kernel of half the image": lambda: filter_of(noise(4000, 4000), noise(2000, 2000), method="fft"),
        "FFT, layer": lambda: layer("conv2d", maps(16), small(16, 16, 31, 31), method="fft"),
        "signal.fftconvolve, line": lambda: limited(cconv_signal.fftconvolve, noise(20_000_000), noise(20_000_000)),
        "signal.fftconvolve, prime line of float64": lambda: limited(
            cconv_signal.fftconvolve, noise(10_000_019, dtype=float), noise(10_000_019, dtype=float)),
        "signal.fftconvolve, images": lambda: limited(cconv_signal.fftconvolve, noise(5000, 5000), noise(5000, 5000)),
        "signal.fftconvolve, cubes": lambda: limited(
            cconv_signal.fftconvolve, noise(256, 256, 256), noise(256, 256, 256)),
        "signal.convolve2d": lambda: limited(cconv_signal.convolve2d, noise(5000, 5000), noise(21, 21)),
        "signal.oaconvolve": lambda: limited(cconv_signal.oaconvolve, line(), noise(10_001)),
        "conv2d": lambda: layer("conv2d", maps(), small(64, 64, 5, 5)),
        "conv2d, Winograd": lambda: layer("conv2d", maps(), small(64, 64, 3, 3), padding=1, method="winograd"),
        "conv2d, Winograd, NaN": lambda: (lambda x: (x.__setitem__((slice(None), 0, 0, 0), np.nan), layer(
            "conv2d", x, small(64, 64, 3, 3), padding=1))[1])(maps()),
        "conv2d, strided": lambda: layer("conv2d", maps(3, 2048), small(64, 3, 7, 7), stride=2),
        "conv2d, 1x1": lambda: layer("conv2d", maps(), small(256, 64, 1, 1)),
        "conv2d, channels last, float64": lambda: layer(
            "conv2d", noise(4, 512, 512, 32, dtype=float), small(64, 32, 3, 3, dtype=float),
            data_format="channels_last"),
        "conv2d, many channels": lambda: layer("conv2d", noise(8, 4096, 14, 14), small(4096, 4096, 3, 3)),
        "conv2d, int32": lambda: layer("conv2d", maps(32, dtype=np.int32), small(32, 32, 3, 3, dtype=np.int32)),
        "conv2d, one image and one channel": lambda: layer("conv2d", image()[None, None], small(1, 1, 5, 5)),
        "conv1d, long": lambda: layer("conv1d", noise(1, 4, 20_000_000), small(4, 4, 31)),
        "conv2d_input_grad": lambda: layer("conv2d_input_grad", maps(), small(64, 64, 3, 3), (4, 64, 512, 512),
                                           padding=1),
        "conv2d_input_grad, strided": lambda: layer(
            "conv2d_input_grad", maps(), small(64, 32, 3, 3), (4, 32, 1024, 1024), stride=2, padding=1),
        "conv2d_input_grad, reflected": lambda: layer(
            "conv2d_input_grad", maps(32), small(32, 32, 3, 3), (4, 32, 512, 512), padding=1, padding_mode="reflect"),
        "conv2d_weight_grad": lambda: layer("conv2d_weight_grad", maps(), maps(), (64, 64, 3, 3), padding=1),
        "conv2d_weight_grad, 5x5 strided": lambda: layer(
            "conv2d_weight_grad", maps(32, 1024), maps(32), (32, 32, 5, 5), stride=2, padding=2),
        "conv2d_weight_grad, one image": lambda: layer(
            "conv2d_weight_grad", image()[None, None], image()[None, None], (1, 1, 3, 3), padding=1),
        "conv2d_weight_grad, depthwise": lambda: layer(
            "conv2d_weight_grad", maps(), maps(), (64, 1, 3, 3), padding=1, groups=64),
        "conv1d_weight_grad, one line": lambda: layer(
            "conv1d_weight_grad", line()[None, None], line()[None, None], (1, 1, 1)),
        "conv2d_backward": lambda: layer("conv2d_backward", maps(), maps(), small(64, 64, 3, 3), padding=1),
        "conv_transpose2d": lambda: layer("conv_transpose2d", maps(), small(64, 32, 4, 4), stride=2, padding=1),
        "depthwise_conv2d": lambda: layer("depthwise_conv2d", maps(128), small(128, 1, 7, 7)),
        "separable_conv2d": lambda: layer("separable_conv2d", maps(), small(64, 1, 3, 3), small(128, 64, 1, 1)),
        "plan_conv2d": lambda: (lambda x, plan: lambda n: plan(x))(maps(), cconv.plan_conv2d(small(64, 64, 5, 5))),
        "max_pool2d": lambda: layer("max_pool2d", maps(64, 1024), 3, stride=2),
        "max_pool2d, large windows": lambda: layer("max_pool2d", image()[None, None], 101, stride=1),
        "max_pool2d, indices": lambda: layer("max_pool2d", maps(64, 1024), 3, stride=2, return_indices=True),
        "max_pool2d, one image": lambda: layer("max_pool2d", image()[None, None], 3, stride=1),
        "max_pool2d, channels last": lambda: layer("max_pool2d", noise(4, 1024, 1024, 64), 3, stride=1,
                                                   data_format="channels_last"),
        "max_pool1d, one line": lambda: layer("max_pool1d", line()[None, None], 5, stride=1),
        "avg_pool2d": lambda: layer("avg_pool2d", maps(64, 1024), 5, stride=1),
        "lp_pool2d": lambda: layer("lp_pool2d", maps(64), 3, 3, stride=1),
        "avg_pool3d, cube": lambda: layer("avg_pool3d", cube()[None, None], 3, stride=1),
        "global_avg_pool": lambda: layer("global_avg_pool", image()[None, None]),
        "adaptive_avg_pool2d": lambda: layer("adaptive_avg_pool2d", maps(64, 1024), 7),
        "adaptive_max_pool2d, one image": lambda: layer("adaptive_max_pool2d", image()[None, None], 1),
        "max_pool2d_input_grad": lambda: (lambda x: (lambda found: layer(
            "max_pool2d_input_grad", *found, x.shape))(indices(x)))(maps(64, 1024)),
        "max_unpool2d, one image": lambda: (lambda found: layer(
            "max_unpool2d", *found, 2))(indices(image()[None, None])),
        "avg_pool2d_input_grad": lambda: layer(
            "avg_pool2d_input_grad", maps(64, 1022), (4, 64, 1024, 1024), 3, stride=1),
        "avg_pool2d_input_grad, one image": lambda: layer(
            "avg_pool2d_input_grad", image()[None, None], (1, 1, 20_002, 20_002), 3, stride=1),
        "relu": lambda: of(activations.relu, image()),
        "tanh": lambda: of(activations.tanh, image()),
        "tanh_grad": lambda: of(activations.tanh_grad, image(), image()),
        "softmax, one row": lambda: of(activations.softmax, line()),
        "softmax, strided row": lambda: of(activations.softmax, noise(50_000_000, 2), axis=0),
        "ndimage.gaussian_filter": lambda: limited(ndimage.gaussian_filter, image(), 3.0),
        "ndimage.gaussian_filter, cube": lambda: limited(ndimage.gaussian_filter, cube(), 2.0),
        "ndimage.correlate": lambda: limited(ndimage.correlate, noise(8000, 8000), noise(7, 7)),
        "ndimage.correlate1d, line": lambda: limited(ndimage.correlate1d, line(), noise(31)),
        "ndimage.uniform_filter": lambda: limited(ndimage.uniform_filter, image(), 9),
        "ndimage.uniform_filter1d, line": lambda: limited(ndimage.uniform_filter1d, line(), 9),
        "ndimage.uniform_filter1d, down": lambda: limited(ndimage.uniform_filter1d, noise(50_000_000, 2), 9, 0),
        "ndimage.maximum_filter": lambda: limited(ndimage.maximum_filter, image(), 9),
        "ndimage.maximum_filter1d, line": lambda: limited(ndimage.maximum_filter1d, line(), 9),
        "ndimage.minimum_filter, footprint": lambda: limited(
            ndimage.minimum_filter, noise(8000, 8000), footprint=np.eye(7, dtype=bool)),
        "ndimage.laplace": lambda: limited(ndimage.laplace, image()),
        "ndimage.gaussian_gradient_magnitude": lambda: limited(ndimage.gaussian_gradient_magnitude, image(), 2.0),
        "unfold": lambda: layer("unfold", maps(16), 3),
        "unfold, one image": lambda: layer("unfold", noise(1, 1, 8000, 8000), 3),
        "fold": lambda: layer("fold", ones(4, 16 * 9, 510 * 510), (512, 512), (3, 3)),
        "fold, one image": lambda: layer("fold", ones(1, 9, 7998 * 7998), (8000, 8000), (3, 3)),
    }


def longest_gap(call, threads):
    """(seconds of the call, its longest gap in CPU time and by the clock, when in the call that began)."""
    times = []

    def note(*_):
        times.append((time.process_time(), time.perf_counter()))

    before = signal.signal(signal.SIGPROF, note)
    note()
    try:
        signal.setitimer(signal.ITIMER_PROF, PERIOD, PERIOD)
        call(threads)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    note()
    gaps = [(b[0] - a[0], b[1] - a[1], a[1] - times[0][1]) for a, b in itertools.pairwise(times)]
    return times[-1][1] - times[0][1], *max(gaps)


def main():
    wanted = sys.argv[1:] or [""]
    every = cconv.get_num_threads()
    print(f"{'':45}{'s':>7}{'gap ms':>8}{'at s':>14}    on one thread, then on {every}")
    for name, make in cases().items():
        if not any(text in name for text in wanted):
            continue
        call = make()
        row = f"{name:45}"
        for threads in (1, every):
            seconds, gap, by_clock, at = longest_gap(call, threads)
            late = "!" if gap / threads > AIM else " "
            row += f"{seconds:7.2f}{gap / threads * 1e3:7.0f}{late}{f'({by_clock * 1e3:.0f})':>7}{at:7.2f}"
        print(row, flush=True)
        del call


if __name__ == "__main__":
    main()
