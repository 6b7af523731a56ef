"""Functions of cconv.ndimage and cconv.signal as calls, beside SciPy's of the same name with the same arguments."""

import importlib
from functools import partial
from math import prod

import numpy as np

from call import Call

IMAGES = {"512": (512, 512), "1080p": (1080, 1920), "4K": (2160, 3840)}
VOLUMES = {"64^3": (64,) * 3, "128^3": (128,) * 3, "256^3": (256,) * 3}
LINES = {"1e4": (10_000,), "1e6": (1_000_000,), "1e7": (10_000_000,)}


def facade_call(size, shape, dtype, name, arguments, tolerance=0.0, facade="ndimage"):
    """A call of a function with an array of this shape and the arguments, which may be functions of the module."""
    def inputs(rng):
        x = rng.random(shape)
        return ((x + 1j * x[::-1] if np.dtype(dtype).kind == "c" else x).astype(dtype),)

    def prepared(module, x):
        module = importlib.import_module(module)
        return partial(getattr(module, name), x, *[a(module) if callable(a) else a for a in arguments])

    shown = ["x".join(map(str, a.shape)) if isinstance(a, np.ndarray) else a.__name__[1:] if callable(a) else str(a)
             for a in arguments if a is not None]
    suffix = {"float32": "", "float64": " f64", "complex128": " c128"}[dtype]
    both = {"cconv": partial(prepared, f"cconv.{facade}"), "scipy": partial(prepared, f"scipy.{facade}")}
    return Call(" ".join([name, size, *shown]) + suffix, inputs, both, tolerance * np.finfo(dtype).eps,
                bytes=2 * np.dtype(dtype).itemsize * prod(shape), dtype=dtype)


def _calls(*jobs, tolerance=0.0, types=("float32", "float64"), facade="ndimage"):
    """A call per size, type and (function, arguments) of the (sizes, functions) in `jobs`."""
    return tuple(facade_call(size, shape, dtype, name, arguments, tolerance, facade)
                 for sizes, functions in jobs for size, shape in sizes.items() for dtype in types
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


def _second_difference(module):
    """A derivative for generic_laplace, of the library's own."""
    def derivative(input, axis, output, mode, cval):
        return module.correlate1d(input, [1.0, -2.0, 1.0], axis, output, mode, cval)
    return derivative


def _sobel(module):
    return module.sobel


def _output(module):
    return np.empty((8, 8))


SMALL_SIZE = {"8x8": (8, 8)}
_SMALL_LINES = [("correlate1d", [1.0, 2.0, 1.0]), ("convolve1d", [1.0, 2.0, 1.0]), ("gaussian_filter1d", 1.0),
                ("uniform_filter1d", 3)]
_SMALL_SUMS = [("correlate", _weights(3, 3)), ("convolve", _weights(3, 3)), *_SMALL_LINES, ("gaussian_filter", 1.0),
               ("uniform_filter", 3), ("sobel",), ("prewitt",), ("laplace",)]
SMALL = _calls(
    (SMALL_SIZE,
     [*_SMALL_SUMS, ("gaussian_laplace", 1.0), ("gaussian_gradient_magnitude", 1.0), ("minimum_filter", 3),
      ("maximum_filter", 3), ("minimum_filter1d", 3), ("maximum_filter1d", 3),
      ("maximum_filter", None, np.array([[0, 1], [1, 1]])), ("generic_laplace", _second_difference),
      ("generic_gradient_magnitude", _sobel), ("uniform_filter", [3, 5]), ("gaussian_filter", [1.0, 2.0])]),
    tolerance=8.0)
SMALL += _calls((SMALL_SIZE, _SMALL_SUMS), tolerance=8.0, types=("complex128",))
# into an array: float32 is rounded from float64 there
SMALL += _calls(
    (SMALL_SIZE, [*[(name, argument, -1, _output) for name, argument in _SMALL_LINES[:2]],
                  ("uniform_filter1d", 3, -1, _output), ("correlate", _weights(3, 3), _output), ("laplace", _output),
                  ("maximum_filter", 3, None, _output)]), tolerance=8.0, types=("float64",))
_SMALL_SIZES = SMALL_SIZE | {"32x32": (32, 32)}
SMALL_SIGNAL = tuple(call for dtype, taps in (("float32", "float32"), ("float64", "float64"), ("complex128", "float64"))
                     for call in _calls(
    ({"8": (8,)}, [(name, _weights(3).astype(taps), *mode) for mode in ((), ("same",))
                   for name in ("convolve", "correlate", "fftconvolve", "oaconvolve")]),
    (SMALL_SIZE, [(name, _weights(3, 3).astype(taps), *mode) for mode in ((), ("same",))
                  for name in ("convolve", "correlate", "fftconvolve", "oaconvolve", "convolve2d", "correlate2d")]),
    (_SMALL_SIZES, [("sepfir2d", weights, weights) for weights in (_weights(n).astype(taps) for n in (3, 9))]),
    tolerance=16.0, types=(dtype,), facade="signal"))
