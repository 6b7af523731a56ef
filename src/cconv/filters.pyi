from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike

from ._typing import Array, Int, Ints

__all__ = [
    "binomial", "box", "describe", "emboss", "gabor", "gaussian", "gaussian_derivative", "identity", "laplacian",
    "laplacian_of_gaussian", "line", "motion_blur", "named", "names", "prewitt", "ridge", "roberts", "scharr",
    "sharpen", "sobel", "unsharp",
]

def binomial(size: Ints = 3, *, ndim: Int | None = None, dtype: DTypeLike = np.float64) -> Array: ...

def box(size: Ints = 3, *, ndim: Int | None = None, dtype: DTypeLike = np.float64) -> Array: ...

def describe(name: str) -> str: ...

def emboss(*, dtype: DTypeLike = np.float64) -> Array: ...

def gabor(
    wavelength: float | None = None, angle: float = 0.0, *, sigma: float | None = None, aspect: float = 0.5,
    phase: float = 0.0, size: Ints | None = None, normalize: bool = True, dtype: DTypeLike = np.float64,
) -> Array: ...

def gaussian(
    sigma: float | Sequence[float] | None = None, *, size: Ints | None = None, truncate: float = 4.0,
    ndim: Int | None = None, dtype: DTypeLike = np.float64,
) -> Array: ...

def gaussian_derivative(
    sigma: float | Sequence[float] | None = None, *, order: Sequence[Int] = (0, 1), size: Ints | None = None,
    truncate: float = 4.0, dtype: DTypeLike = np.float64,
) -> Array: ...

def identity(size: Ints = 3, *, ndim: Int | None = None, dtype: DTypeLike = np.float64) -> Array: ...

def laplacian(neighbours: Literal[2, 4, 6, 8, 26] = 4, *, dtype: DTypeLike = np.float64) -> Array: ...

def laplacian_of_gaussian(
    sigma: float | Sequence[float] | None = None, *, size: Ints | None = None, truncate: float = 4.0,
    ndim: Int | None = None, dtype: DTypeLike = np.float64,
) -> Array: ...

def line(
    direction: Literal["horizontal", "vertical", "falling", "rising"] = "horizontal", *,
    dtype: DTypeLike = np.float64,
) -> Array: ...

def motion_blur(length: float = 9.0, angle: float = 0.0, *, dtype: DTypeLike = np.float64) -> Array: ...

def named(
    name: str, *, size: Ints | None = None, sigma: float | None = None, dtype: DTypeLike = np.float64,
) -> Array: ...

def names() -> tuple[str, ...]: ...

def prewitt(axis: Int = -1, *, ndim: Int = 2, dtype: DTypeLike = np.float64) -> Array: ...

def ridge(neighbours: Literal[2, 4, 6, 8, 26] = 8, *, dtype: DTypeLike = np.float64) -> Array: ...

def roberts(direction: Literal["falling", "rising"] = "falling", *, dtype: DTypeLike = np.float64) -> Array: ...

def scharr(axis: Int = -1, *, ndim: Int = 2, dtype: DTypeLike = np.float64) -> Array: ...

def sharpen(
    amount: float = 1.0, *, neighbours: Literal[2, 4, 6, 8, 26] = 4, dtype: DTypeLike = np.float64,
) -> Array: ...

def sobel(axis: Int = -1, *, size: Int = 3, ndim: Int = 2, dtype: DTypeLike = np.float64) -> Array: ...

def unsharp(
    sigma: float | Sequence[float] | None = None, amount: float = 1.0, *, size: Ints | None = None,
    truncate: float = 4.0, ndim: Int | None = None, dtype: DTypeLike = np.float64,
) -> Array: ...
