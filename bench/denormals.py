"""What subnormal inputs and weights cost: ``python bench/denormals.py``. One thread, CPU time of the process."""

import time

import numpy as np

import cconv
from cconv import activations, ndimage

ROUNDS = 7
SECONDS = 0.02
# Below the smallest normal number of each type.
SUBNORMAL = {np.float32: 1e-40, np.float64: 1e-310}


def calls(inputs, weights, dtype):
    """name: call, with samples and weights of about these magnitudes."""
    rng = np.random.default_rng(0)

    def array(scale, *shape):
        return ((rng.random(shape) + 0.5) * scale).astype(dtype)

    def of(function, *arrays, **keywords):
        return lambda: function(*arrays, num_threads=1, **keywords)

    def limited(function, *arrays, **keywords):
        def call():
            with cconv.num_threads(1):
                function(*arrays, **keywords)

        return call

    maps, image = array(inputs, 1, 64, 56, 56), array(inputs, 700, 700)
    pooled, places = cconv.max_pool2d(maps, 2, return_indices=True)
    small, pixels = array(inputs, 1, 3, 112, 112), array(inputs, 1, 14, 14, 256)
    k3, k5, k1 = array(weights, 64, 64, 3, 3), array(weights, 64, 64, 5, 5), array(weights, 64, 256, 1, 1)
    taps = array(weights, 5, 5)
    lines = np.outer(array(1, 9), array(weights, 9))
    return {
        "conv2d 5x5": of(cconv.conv2d, maps, k5, method="direct"),
        "conv2d 3x3, Winograd": of(cconv.conv2d, maps, k3, padding=1, method="winograd"),
        "conv2d 1x1, channels last": of(cconv.conv2d, pixels, k1, data_format="channels_last"),
        "conv2d 7x7, strided": of(cconv.conv2d, small, array(weights, 64, 3, 7, 7), stride=2),
        "depthwise": of(cconv.depthwise_conv2d, maps, array(weights, 64, 1, 3, 3), padding=1),
        "transposed": of(cconv.conv_transpose2d, maps, array(weights, 64, 32, 4, 4), stride=2),
        "weight gradient": of(cconv.conv2d_weight_grad, maps, maps, k5.shape, padding=2),
        "image 5x5": of(cconv.correlate, image, taps, "same", method="direct"),
        "image 9x9, separable": of(cconv.correlate, image, lines, "same"),
        "line, 31 taps": of(cconv.convolve, array(inputs, 200_000), array(weights, 31), method="direct"),
        "image 61x61, FFT": of(cconv.correlate, image, array(weights, 61, 61), "same", method="fft"),
        "avg_pool": of(cconv.avg_pool2d, maps, 5, stride=1),
        "max_pool": of(cconv.max_pool2d, maps, 3, stride=1),
        "lp_pool": of(cconv.lp_pool2d, maps, 3, 3, stride=1),
        "avg_pool gradient": of(cconv.avg_pool2d_input_grad, maps, (1, 64, 60, 60), 5, stride=1),
        "max_pool gradient": of(cconv.max_pool2d_input_grad, pooled, places, maps.shape),
        "relu": of(activations.relu, maps),
        "tanh": of(activations.tanh, maps),
        "sigmoid": of(activations.sigmoid, maps),
        "softmax": of(activations.softmax, image),
        "ndimage.gaussian_filter": limited(ndimage.gaussian_filter, image, 2.0),
        "ndimage.correlate": limited(ndimage.correlate, image, taps),
        "ndimage.uniform_filter": limited(ndimage.uniform_filter, image, 9),
        "ndimage.maximum_filter": limited(ndimage.maximum_filter, image, 9),
    }


def fastest(call):
    """CPU seconds per call."""
    call()
    best = np.inf
    for _ in range(ROUNDS):
        start, count = time.process_time(), 0
        while time.process_time() - start < SECONDS:
            call()
            count += 1
        best = min(best, (time.process_time() - start) / count)
    return best


def main():
    for dtype, tiny in SUBNORMAL.items():
        print(f"{np.dtype(dtype)}, {cconv.simd_level()}: ms; times as long with subnormal inputs, with such weights")
        plain, inputs, weights = calls(1, 1, dtype), calls(tiny, 1, dtype), calls(1, tiny, dtype)
        for name, call in plain.items():
            once = fastest(call)
            print(f"{name:28}{once * 1e3:8.2f}{fastest(inputs[name]) / once:8.2f}{fastest(weights[name]) / once:8.2f}",
                  flush=True)


if __name__ == "__main__":
    main()
