"""A call of every kind of operation, each large enough for several threads: what threads, forks and interrupts are
tested on."""

import numpy as np

import cconv
from cconv import activations, ndimage, signal


def calls():
    """name: function of num_threads, None for the default. Each takes some milliseconds, and takes 20 times SERIAL_WORK
    at least, so that threads are used if they may be."""
    rng = np.random.default_rng(5)

    def array(*shape, dtype=np.float32):
        return rng.standard_normal(shape, np.float32).astype(dtype)

    def of(function, *arrays, **keywords):
        return lambda n=None: function(*arrays, **keywords, num_threads=n)

    def limited(function, *arrays, **keywords):
        """Of what has no num_threads."""

        def call(n=None):
            if n is None:
                return function(*arrays, **keywords)
            with cconv.num_threads(n):
                return function(*arrays, **keywords)

        return call

    maps, weight = array(2, 32, 48, 48), array(32, 32, 3, 3)
    image, line = array(600, 700), array(400_000)
    pooled, places = cconv.max_pool2d(maps, 2, return_indices=True)
    plan = cconv.plan_conv2d(array(32, 32, 5, 5))
    columns = cconv.unfold(maps, 3)
    return {
        "conv1d": of(cconv.conv1d, array(2, 16, 5000), array(16, 16, 5)),
        "conv2d": of(cconv.conv2d, maps, array(32, 32, 5, 5)),
        "conv2d of float64": of(cconv.conv2d, maps.astype(float), array(32, 32, 5, 5, dtype=float)),
        "conv2d of int32": of(cconv.conv2d, maps.astype("i4"), array(32, 32, 3, 3).astype("i4")),
        "conv2d by Winograd": of(cconv.conv2d, maps, weight, padding=1, method="winograd"),
        "conv2d by FFT": of(cconv.conv2d, maps[:, :4], array(4, 4, 15, 15), method="fft"),
        "conv2d channels last": of(cconv.conv2d, array(2, 48, 48, 32), weight, data_format="channels_last"),
        "conv3d": of(cconv.conv3d, array(1, 4, 20, 20, 60), array(8, 4, 3, 3, 3)),
        "plan": limited(plan, maps),
        "depthwise": of(cconv.depthwise_conv2d, array(2, 64, 80, 80), array(64, 1, 3, 3)),
        "separable": of(cconv.separable_conv2d, maps, array(32, 1, 3, 3), array(64, 32, 1, 1)),
        "input gradient": of(cconv.conv2d_input_grad, maps, weight, (2, 32, 48, 48), padding=1),
        "weight gradient": of(cconv.conv2d_weight_grad, maps, maps, (32, 32, 3, 3), padding=1),
        "backward": of(cconv.conv2d_backward, array(2, 32, 24, 24), maps, weight, stride=2, padding=1),
        "transposed": of(cconv.conv_transpose2d, maps, array(32, 16, 4, 4), stride=2, padding=1),
        "line": of(cconv.convolve, line, array(31), method="direct"),
        "image": of(cconv.correlate, image, array(5, 5), "same", boundary="reflect"),
        "separable image": of(cconv.convolve, image, np.outer(array(9), array(9)), "same"),
        "missing samples": of(cconv.convolve, np.where(image > 2, np.float32(np.nan), image), np.abs(array(3, 3)),
                              "same", nan="omit"),
        "FFT of a line": of(cconv.convolve, line, array(5001), method="fft"),
        "FFT of an image": of(cconv.convolve, image, array(61, 61), "same", method="fft"),
        "whole FFT of a line": limited(signal.fftconvolve, line, line),
        "whole FFT of an image": limited(signal.fftconvolve, image, image),
        "whole FFT in slabs": limited(signal.fftconvolve, array(1200, 1200), array(900, 900)),
        "max_pool": of(cconv.max_pool2d, maps, 3, stride=1),
        "max_pool with indices": of(cconv.max_pool2d, maps, 2, return_indices=True),
        "avg_pool": of(cconv.avg_pool2d, maps, 5, stride=1),
        "lp_pool": of(cconv.lp_pool2d, maps, 3, 3, stride=1),
        "adaptive pool": of(cconv.adaptive_avg_pool2d, array(2, 64, 90, 90), 7),
        "max_pool gradient": of(cconv.max_pool2d_input_grad, pooled, places, maps.shape),
        "avg_pool gradient": of(cconv.avg_pool2d_input_grad, maps, (2, 32, 50, 50), 3, stride=1),
        "unpool": of(cconv.max_unpool2d, pooled, places, 2),
        "relu": of(activations.relu, maps),
        "tanh": of(activations.tanh, maps),
        "tanh gradient": of(activations.tanh_grad, maps, maps),
        "softmax": of(activations.softmax, array(200, 2000)),
        "ndimage.gaussian_filter": limited(ndimage.gaussian_filter, image, 2.0),
        "ndimage.correlate": limited(ndimage.correlate, image, array(5, 5)),
        "ndimage.uniform_filter": limited(ndimage.uniform_filter, image, 9),
        "ndimage.maximum_filter": limited(ndimage.maximum_filter, image, 9),
        "ndimage.minimum_filter": limited(ndimage.minimum_filter, image, footprint=np.eye(5, dtype=bool)),
        "unfold": of(cconv.unfold, maps, 3),
        "fold": of(cconv.fold, columns, (48, 48), (3, 3)),
    }


def as_tuple(result):
    return result if isinstance(result, tuple) else (result,)


def same(a, b):
    """The same bits, of arrays or of tuples of arrays."""
    return all(np.array_equal(x, y, equal_nan=True) for x, y in zip(as_tuple(a), as_tuple(b), strict=True))


def endless_calls():
    """name: function of num_threads. Each call takes far more than five seconds but little memory: its arrays are one
    small one over and over. Where there is no batch to make so long, large arrays are taken again and again."""
    rng = np.random.default_rng(6)
    many = 200_000

    def array(*shape, dtype=np.float32):
        return rng.standard_normal(shape, np.float32).astype(dtype)

    def over_and_over(a):
        """(many, *a.shape), each the same memory, and writeable."""
        return np.lib.stride_tricks.as_strided(a, (many, *a.shape), (0, *a.strides))

    def of(function, *arrays, result, **keywords):
        out = over_and_over(np.empty(result, np.float32))
        return lambda n: function(*arrays, out=out, num_threads=n, **keywords)

    def limited(function, *arrays, **keywords):
        def call(n):
            with cconv.num_threads(n):
                return function(*arrays, **keywords)

        return call

    one = array(32, 48, 48)
    maps, weight = over_and_over(one), array(32, 32, 3, 3)
    places = over_and_over(rng.integers(0, 4, (32, 24, 24)))
    halves = over_and_over(array(32, 24, 24))
    images = over_and_over(array(64, 64))
    filtered = over_and_over(np.empty((64, 64), np.float32))
    plan = cconv.plan_conv2d(array(32, 32, 5, 5))
    planned = over_and_over(np.empty((32, 44, 44), np.float32))
    line = array(20_000_000)
    row, columns = (np.broadcast_to(a, (1 << 35, *a.shape)) for a in (one[0, 0, 0], one[0, 0]))
    same_row, same_columns = (np.lib.stride_tricks.as_strided(a, (1 << 35, *a.shape), (0, *a.strides))
                              for a in (np.empty((), np.float32), np.empty(48, np.float32)))
    return {
        "conv2d": of(cconv.conv2d, maps, array(32, 32, 5, 5), result=(32, 44, 44)),
        "conv2d by Winograd": of(cconv.conv2d, maps, weight, padding=1, method="winograd", result=(32, 48, 48)),
        "conv2d by FFT": of(cconv.conv2d, maps, array(32, 32, 15, 15), method="fft", result=(32, 34, 34)),
        "plan": limited(lambda: plan(maps, out=planned)),
        "depthwise": of(cconv.depthwise_conv2d, maps, array(32, 1, 3, 3), result=(32, 46, 46)),
        "input gradient": of(cconv.conv2d_input_grad, maps, weight, maps.shape, padding=1, result=(32, 48, 48)),
        "weight gradient": lambda n: cconv.conv2d_weight_grad(maps, maps, (32, 32, 3, 3), padding=1, num_threads=n),
        "transposed": of(cconv.conv_transpose2d, maps, array(32, 16, 4, 4), stride=2, padding=1, result=(16, 96, 96)),
        "image": of(cconv.correlate, images, array(5, 5), "same", axes=(1, 2), method="direct", result=(64, 64)),
        "line, as many taps as half of it": lambda n: [cconv.convolve(
            line[:400_000], line[:200_000], method="direct", num_threads=n) for _ in range(20)],
        "FFT of a line": lambda n: [cconv.convolve(line, line[:5001], method="fft", num_threads=n) for _ in range(50)],
        "FFT of images": of(cconv.correlate, images, array(31, 31), "same", axes=(1, 2), method="fft",
                            result=(64, 64)),
        "whole FFT of a line": limited(lambda: [signal.fftconvolve(line, line) for _ in range(5)]),
        "whole FFT of an image": limited(lambda: [signal.fftconvolve(*[line[:9_000_000].reshape(3000, 3000)] * 2)
                                                  for _ in range(10)]),
        "max_pool": of(cconv.max_pool2d, maps, 3, stride=1, result=(32, 46, 46)),
        "avg_pool": of(cconv.avg_pool2d, maps, 3, stride=1, result=(32, 46, 46)),
        "max_pool gradient": of(cconv.max_pool2d_input_grad, halves, places, maps.shape, result=(32, 48, 48)),
        "avg_pool gradient": of(cconv.avg_pool2d_input_grad, maps, (many, 32, 50, 50), 3, stride=1,
                                result=(32, 50, 50)),
        "tanh": of(activations.tanh, maps, result=(32, 48, 48)),
        "softmax": of(activations.softmax, images, result=(64, 64)),
        "softmax of a row": lambda n: activations.softmax(row, out=same_row, num_threads=n),
        "softmax of columns": lambda n: activations.softmax(columns, axis=0, out=same_columns, num_threads=n),
        "running mean of a line": limited(ndimage.uniform_filter1d, row, 5, output=same_row),
        "running mean of columns": limited(ndimage.uniform_filter1d, columns, 5, axis=0, output=same_columns),
        "max_unpool of a line": lambda n: cconv.max_unpool1d(
            row[None, None], np.broadcast_to(7, (1, 1, 1 << 35)), 2,
            out=np.lib.stride_tricks.as_strided(np.empty((), np.float32), (1, 1, 1 << 36), (0, 0, 0)), num_threads=n),
        "ndimage.gaussian_filter": limited(ndimage.gaussian_filter, images, 2.0, axes=(1, 2), output=filtered),
        "ndimage.correlate": limited(ndimage.correlate, images, array(1, 5, 5), output=filtered),
        "ndimage.maximum_filter": limited(ndimage.maximum_filter, images, 9, axes=(1, 2), output=filtered),
        "copy to an out that overlaps": lambda n: [cconv.correlate(line, array(3), "same", out=line, num_threads=n)
                                                   for _ in range(200)],
        "unfold": lambda n: [cconv.unfold(line[:4_000_000].reshape(1, 1, 2000, 2000), 5, num_threads=n)
                             for _ in range(100)],
        "fold": lambda n: [cconv.fold(line[:18_000_000].reshape(1, 9, -1), (2000, 1002), 3, padding=(1, 0),
                                      num_threads=n) for _ in range(200)],
    }
