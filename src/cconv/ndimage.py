"""scipy.ndimage's convolutions and filters, sooner: ``from cconv import ndimage``.

Design:
  a. Drop-in: names, order and defaults of the arguments, types and gist of the errors, and every bit of the values are
     those of SciPy 1.17, its oddities included. What SciPy computes in float64 is computed in float64 here, for float32
     too: a float32 sum could not be rounded to the same result.
  b. But for the last bit of float64 sums under a window: they are the core's, one rounding per tap where SciPy has two,
     in the same order. That is 1.3 to 1.9 times as fast where a cycle holds two FMAs, and SciPy itself rounds so where
     its compiler contracts (aarch64). Integers, which truncation would show it in, keep SciPy's operations.
  c. SciPy itself is not needed.
"""

from ._ndimage_docs import documented
from ._ndimage_extrema import maximum_filter, maximum_filter1d, minimum_filter, minimum_filter1d
from ._ndimage_linear import (
    convolve,
    convolve1d,
    correlate,
    correlate1d,
    gaussian_filter,
    gaussian_filter1d,
    gaussian_gradient_magnitude,
    gaussian_laplace,
    generic_gradient_magnitude,
    generic_laplace,
    laplace,
    prewitt,
    sobel,
    uniform_filter,
    uniform_filter1d,
)

__all__ = [
    "convolve",
    "convolve1d",
    "correlate",
    "correlate1d",
    "gaussian_filter",
    "gaussian_filter1d",
    "gaussian_gradient_magnitude",
    "gaussian_laplace",
    "generic_gradient_magnitude",
    "generic_laplace",
    "laplace",
    "maximum_filter",
    "maximum_filter1d",
    "minimum_filter",
    "minimum_filter1d",
    "prewitt",
    "sobel",
    "uniform_filter",
    "uniform_filter1d",
]

for _name in __all__:
    documented(globals()[_name])
