"""Functions of cconv.ndimage as calls, beside scipy.ndimage's of the same name with the same arguments."""

import importlib
from functools import partial
from math import prod

import numpy as np

from call import Call

IMAGES = {"512": (512, 512), "1080p": (1080, 1920), "4K": (2160, 3840)}
VOLUMES = {"64^3": (64,) * 3, "128^3": (128,) * 3, "256^3": (256,) * 3}
LINES = {"1e4": (10_000,), "1e6": (1_000_000,), "1e7": (10_000_000,)}


def ndimage_call(size, shape, dtype, name, arguments, tolerance=0.0):
    def inputs(rng):
        return (rng.random(shape, dtype),)

    def prepared(module, x):
        return partial(getattr(importlib.import_module(module), name), x, *arguments)

    shown = ["x".join(map(str, a.shape)) if isinstance(a, np.ndarray) else str(a) for a in arguments if a is not None]
    title = " ".join([name, size, *shown]) + (" f64" if dtype == "float64" else "")
    both = {"cconv": partial(prepared, "cconv.ndimage"), "scipy": partial(prepared, "scipy.ndimage")}
    return Call(title, inputs, both, tolerance * np.finfo(dtype).eps, bytes=2 * np.dtype(dtype).itemsize * prod(shape),
                dtype=dtype)


def _calls(*jobs, tolerance=0.0):
    """A call per size, type and (function, arguments) of the (sizes, functions) in `jobs`."""
    return tuple(ndimage_call(size, shape, dtype, name, arguments, tolerance)
                 for sizes, functions in jobs for size, shape in sizes.items() for dtype in ("float32", "float64")
                 for name, *arguments in functions)


def _weights(*shape):
    return np.random.default_rng(0).random(shape)


_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
# float64 sums under a window are rounded once per tap, SciPy's twice; all other answers have SciPy's bits
DIRECT = _calls(
    (IMAGES, [(name, _weights(k, k)) for name in ("correlate", "convolve") for k in (3, 7, 15)]),
    (VOLUMES, [("correlate", _weights(k, k, k)) for k in (3, 5)]), tolerance=8.0)
SEPARABLE = _calls(
    (LINES, [("correlate1d", _weights(5)), ("correlate1d", _weights(101)), ("gaussian_filter1d", 3.0)]),
    (IMAGES, [("gaussian_filter", 1.0), ("gaussian_filter", 3.0), ("sobel",), ("convolve1d", _weights(9), 0)]),
    (VOLUMES, [("gaussian_filter", 1.5), ("prewitt",)]))
BOXES = _calls((LINES, [("uniform_filter1d", 5), ("uniform_filter1d", 101)]),
               (IMAGES, [("uniform_filter", 3), ("uniform_filter", 15)]), (VOLUMES, [("uniform_filter", 5)]))
EXTREMA = _calls(
    (LINES, [("maximum_filter1d", 5), ("maximum_filter1d", 101)]),
    (IMAGES, [(name, k) for name in ("minimum_filter", "maximum_filter") for k in (3, 7, 31)]),
    (VOLUMES, [("maximum_filter", 3)]))
OTHER = _calls(
    ({size: IMAGES[size] for size in ("512", "1080p")},
     [("laplace",), ("gaussian_laplace", 2.0), ("gaussian_gradient_magnitude", 2.0), ("maximum_filter", None, _CROSS)]))
SMALL = _calls(
    ({"8x8": (8, 8)},
     [("correlate", _weights(3, 3)), ("convolve", _weights(3, 3)), ("correlate1d", [1.0, 2.0, 1.0]),
      ("convolve1d", [1.0, 2.0, 1.0]), ("gaussian_filter", 1.0), ("gaussian_filter1d", 1.0), ("uniform_filter", 3),
      ("uniform_filter1d", 3), ("sobel",), ("prewitt",), ("laplace",), ("gaussian_laplace", 1.0),
      ("gaussian_gradient_magnitude", 1.0), ("minimum_filter", 3), ("maximum_filter", 3), ("minimum_filter1d", 3),
      ("maximum_filter1d", 3), ("maximum_filter", None, np.array([[0, 1], [1, 1]]))]), tolerance=8.0)
