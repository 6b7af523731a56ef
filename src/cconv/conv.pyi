from typing import Literal

from numpy.typing import DTypeLike

from ._typing import AnyArray, Array, Boundaries, DataFormat, FusedActivation, Int, Ints, Method, Number, Padding

__all__ = ["conv1d", "conv2d", "conv3d"]

def conv1d(
    input: AnyArray, weight: AnyArray, bias: AnyArray | None = None, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, activation: FusedActivation | None = None, data_format: DataFormat = "channels_first",
    method: Method = "auto", out_dtype: DTypeLike | None = None, casting: Literal["saturate"] | None = None,
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def conv2d(
    input: AnyArray, weight: AnyArray, bias: AnyArray | None = None, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, activation: FusedActivation | None = None, data_format: DataFormat = "channels_first",
    method: Method = "auto", out_dtype: DTypeLike | None = None, casting: Literal["saturate"] | None = None,
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def conv3d(
    input: AnyArray, weight: AnyArray, bias: AnyArray | None = None, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, activation: FusedActivation | None = None, data_format: DataFormat = "channels_first",
    method: Method = "auto", out_dtype: DTypeLike | None = None, casting: Literal["saturate"] | None = None,
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...
