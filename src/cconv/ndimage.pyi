from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import DTypeLike

from ._typing import AnyArray, Array, Int, Ints, Number

__all__ = [
    "convolve", "convolve1d", "correlate", "correlate1d", "gaussian_filter", "gaussian_filter1d",
    "gaussian_gradient_magnitude", "gaussian_laplace", "generic_gradient_magnitude", "generic_laplace", "laplace",
    "maximum_filter", "maximum_filter1d", "minimum_filter", "minimum_filter1d", "prewitt", "sobel", "uniform_filter",
    "uniform_filter1d",
]

def convolve(
    input: AnyArray, weights: AnyArray, output: Array | DTypeLike | None = None,
    mode: str | Sequence[str] = "reflect", cval: Number = 0.0, origin: Ints = 0, *, axes: Ints | None = None,
) -> Array: ...

def convolve1d(
    input: AnyArray, weights: AnyArray, axis: Int = -1, output: Array | DTypeLike | None = None,
    mode: str = "reflect", cval: Number = 0.0, origin: Int = 0,
) -> Array: ...

def correlate(
    input: AnyArray, weights: AnyArray, output: Array | DTypeLike | None = None,
    mode: str | Sequence[str] = "reflect", cval: Number = 0.0, origin: Ints = 0, *, axes: Ints | None = None,
) -> Array: ...

def correlate1d(
    input: AnyArray, weights: AnyArray, axis: Int = -1, output: Array | DTypeLike | None = None,
    mode: str = "reflect", cval: Number = 0.0, origin: Int = 0,
) -> Array: ...

def gaussian_filter(
    input: AnyArray, sigma: float | Sequence[float], order: Ints = 0, output: Array | DTypeLike | None = None,
    mode: str | Sequence[str] = "reflect", cval: Number = 0.0, truncate: float = 4.0, *, radius: Ints | None = None,
    axes: Ints | None = None,
) -> Array: ...

def gaussian_filter1d(
    input: AnyArray, sigma: float, axis: Int = -1, order: Int = 0, output: Array | DTypeLike | None = None,
    mode: str = "reflect", cval: Number = 0.0, truncate: float = 4.0, *, radius: Int | None = None,
) -> Array: ...

def gaussian_gradient_magnitude(
    input: AnyArray, sigma: float | Sequence[float], output: Array | DTypeLike | None = None,
    mode: str | Sequence[str] = "reflect", cval: Number = 0.0, *, axes: Ints | None = None, **kwargs: Any
) -> Array: ...

def gaussian_laplace(
    input: AnyArray, sigma: float | Sequence[float], output: Array | DTypeLike | None = None,
    mode: str | Sequence[str] = "reflect", cval: Number = 0.0, *, axes: Ints | None = None, **kwargs: Any
) -> Array: ...

def generic_gradient_magnitude(
    input: AnyArray, derivative: Callable[..., Any], output: Array | DTypeLike | None = None,
    mode: str | Sequence[str] = "reflect", cval: Number = 0.0, extra_arguments: Sequence[Any] = (),
    extra_keywords: dict[str, Any] | None = None, *, axes: Ints | None = None,
) -> Array: ...

def generic_laplace(
    input: AnyArray, derivative2: Callable[..., Any], output: Array | DTypeLike | None = None,
    mode: str | Sequence[str] = "reflect", cval: Number = 0.0, extra_arguments: Sequence[Any] = (),
    extra_keywords: dict[str, Any] | None = None, *, axes: Ints | None = None,
) -> Array: ...

def laplace(
    input: AnyArray, output: Array | DTypeLike | None = None, mode: str | Sequence[str] = "reflect",
    cval: Number = 0.0, *, axes: Ints | None = None,
) -> Array: ...

def maximum_filter(
    input: AnyArray, size: Ints | None = None, footprint: AnyArray | None = None,
    output: Array | DTypeLike | None = None, mode: str | Sequence[str] = "reflect", cval: Number = 0.0,
    origin: Ints = 0, *, axes: Ints | None = None,
) -> Array: ...

def maximum_filter1d(
    input: AnyArray, size: Int, axis: Int = -1, output: Array | DTypeLike | None = None, mode: str = "reflect",
    cval: Number = 0.0, origin: Int = 0,
) -> Array: ...

def minimum_filter(
    input: AnyArray, size: Ints | None = None, footprint: AnyArray | None = None,
    output: Array | DTypeLike | None = None, mode: str | Sequence[str] = "reflect", cval: Number = 0.0,
    origin: Ints = 0, *, axes: Ints | None = None,
) -> Array: ...

def minimum_filter1d(
    input: AnyArray, size: Int, axis: Int = -1, output: Array | DTypeLike | None = None, mode: str = "reflect",
    cval: Number = 0.0, origin: Int = 0,
) -> Array: ...

def prewitt(
    input: AnyArray, axis: Int = -1, output: Array | DTypeLike | None = None, mode: str = "reflect",
    cval: Number = 0.0,
) -> Array: ...

def sobel(
    input: AnyArray, axis: Int = -1, output: Array | DTypeLike | None = None, mode: str = "reflect",
    cval: Number = 0.0,
) -> Array: ...

def uniform_filter(
    input: AnyArray, size: Ints = 3, output: Array | DTypeLike | None = None, mode: str | Sequence[str] = "reflect",
    cval: Number = 0.0, origin: Ints = 0, *, axes: Ints | None = None,
) -> Array: ...

def uniform_filter1d(
    input: AnyArray, size: Int, axis: Int = -1, output: Array | DTypeLike | None = None, mode: str = "reflect",
    cval: Number = 0.0, origin: Int = 0,
) -> Array: ...
