from typing import Literal

from numpy.typing import DTypeLike

from ._typing import AnyArray, Array, Boundaries, FilterMethod, Int, Ints, Mode, Nan, Number

__all__ = ["convolve", "correlate"]

def convolve(
    input: AnyArray, kernel: AnyArray, mode: Mode = "full", *, boundary: Boundaries = "constant", cval: Number = 0,
    axes: Ints | None = None, origin: Ints = 0, nan: Nan = "propagate", mask: AnyArray | None = None,
    preserve_nan: bool = False, method: FilterMethod = "auto", out: Array | None = None,
    out_dtype: DTypeLike | None = None, casting: Literal["saturate"] | None = None, num_threads: Int | None = None,
) -> Array: ...

def correlate(
    input: AnyArray, kernel: AnyArray, mode: Mode = "full", *, boundary: Boundaries = "constant", cval: Number = 0,
    axes: Ints | None = None, origin: Ints = 0, nan: Nan = "propagate", mask: AnyArray | None = None,
    preserve_nan: bool = False, method: FilterMethod = "auto", out: Array | None = None,
    out_dtype: DTypeLike | None = None, casting: Literal["saturate"] | None = None, num_threads: Int | None = None,
) -> Array: ...
