"""Each way in, once, against NumPy: run with an installed wheel, from a directory without the sources."""

import numpy as np

import cconv

rng = np.random.default_rng(0)

signal, kernel = rng.standard_normal(1000), rng.standard_normal(31)
np.testing.assert_allclose(cconv.convolve(signal, kernel), np.convolve(signal, kernel), atol=1e-12)
np.testing.assert_allclose(cconv.correlate(signal, kernel, "valid"), np.correlate(signal, kernel), atol=1e-12)

image, weight = rng.standard_normal((2, 8, 20, 30)), rng.standard_normal((16, 8, 3, 3))
windows = np.lib.stride_tricks.sliding_window_view(image, (3, 3), axis=(2, 3))
expected = np.einsum("nchwij,ocij->nohw", windows, weight, optimize=True)
np.testing.assert_allclose(cconv.conv2d(image, weight), expected, atol=1e-11)
np.testing.assert_allclose(cconv.conv2d(image.astype("f4"), weight.astype("f4")), expected, atol=1e-3)

tiles = image.reshape(2, 8, 10, 2, 15, 2)
np.testing.assert_array_equal(cconv.max_pool2d(image, 2), tiles.max(axis=(3, 5)))
np.testing.assert_allclose(cconv.avg_pool2d(image, 2), tiles.mean(axis=(3, 5)), atol=1e-14)

print(f"cconv {cconv.__version__} at {cconv.simd_level()} from {cconv.__file__}: right")
