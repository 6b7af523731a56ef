from typing import Literal, overload

from ._typing import AnyArray, Array, FilterMethod, Ints, Mode, Number

__all__ = [
    "choose_conv_method", "convolve", "convolve2d", "correlate", "correlate2d", "correlation_lags", "fftconvolve",
    "oaconvolve", "sepfir2d",
]

@overload
def choose_conv_method(
    in1: AnyArray, in2: AnyArray, mode: Mode = "full", measure: Literal[False] = False,
) -> Literal["direct", "fft"]: ...
@overload
def choose_conv_method(
    in1: AnyArray, in2: AnyArray, mode: Mode = "full", *, measure: Literal[True],
) -> tuple[Literal["direct", "fft"], dict[str, float]]: ...
@overload
def choose_conv_method(
    in1: AnyArray, in2: AnyArray, mode: Mode = "full", *, measure: bool,
) -> Literal["direct", "fft"] | tuple[Literal["direct", "fft"], dict[str, float]]: ...

def convolve(in1: AnyArray, in2: AnyArray, mode: Mode = "full", method: FilterMethod = "auto") -> Array: ...

def convolve2d(
    in1: AnyArray, in2: AnyArray, mode: Mode = "full", boundary: Literal["fill", "wrap", "symm"] = "fill",
    fillvalue: Number = 0,
) -> Array: ...

def correlate(in1: AnyArray, in2: AnyArray, mode: Mode = "full", method: FilterMethod = "auto") -> Array: ...

def correlate2d(
    in1: AnyArray, in2: AnyArray, mode: Mode = "full", boundary: Literal["fill", "wrap", "symm"] = "fill",
    fillvalue: Number = 0,
) -> Array: ...

def correlation_lags(in1_len: int, in2_len: int, mode: Mode = "full") -> Array: ...

def fftconvolve(in1: AnyArray, in2: AnyArray, mode: Mode = "full", axes: Ints | None = None) -> Array: ...

def oaconvolve(in1: AnyArray, in2: AnyArray, mode: Mode = "full", axes: Ints | None = None) -> Array: ...

def sepfir2d(input: AnyArray, hrow: AnyArray, hcol: AnyArray, /) -> Array: ...
