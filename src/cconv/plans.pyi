from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike

from ._explain import Explanation
from ._typing import (
    AnyArray,
    Array,
    Boundaries,
    DataFormat,
    FusedActivation,
    Int,
    Ints,
    Method,
    Number,
    Padding,
    Shape,
)

__all__ = ["Conv", "plan_conv1d", "plan_conv2d", "plan_conv3d"]

class Conv:
    rank: int
    input_shape: tuple[int, ...] | None
    dtype: np.dtype[Any] | None
    num_threads: int | None
    def __init__(
        self, rank: Literal[1, 2, 3], weight: AnyArray, bias: AnyArray | None, options: dict[str, Any],
        input_shape: Shape | None, dtype: DTypeLike | None, num_threads: Int | None,
    ) -> None: ...
    @property
    def weight(self) -> Array: ...
    @property
    def bias(self) -> Array | None: ...
    @property
    def options(self) -> dict[str, Any]: ...
    def __call__(self, input: AnyArray, out: Array | None = None) -> Array: ...
    def explain(self, input_shape: Shape | None = None, dtype: DTypeLike | None = None) -> Explanation: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

def plan_conv1d(
    weight: AnyArray, bias: AnyArray | None = None, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, activation: FusedActivation | None = None, data_format: DataFormat = "channels_first",
    method: Method = "auto", out_dtype: DTypeLike | None = None, casting: Literal["saturate"] | None = None,
    input_shape: Shape | None = None, dtype: DTypeLike | None = None, num_threads: Int | None = None,
) -> Conv: ...

def plan_conv2d(
    weight: AnyArray, bias: AnyArray | None = None, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, activation: FusedActivation | None = None, data_format: DataFormat = "channels_first",
    method: Method = "auto", out_dtype: DTypeLike | None = None, casting: Literal["saturate"] | None = None,
    input_shape: Shape | None = None, dtype: DTypeLike | None = None, num_threads: Int | None = None,
) -> Conv: ...

def plan_conv3d(
    weight: AnyArray, bias: AnyArray | None = None, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, activation: FusedActivation | None = None, data_format: DataFormat = "channels_first",
    method: Method = "auto", out_dtype: DTypeLike | None = None, casting: Literal["saturate"] | None = None,
    input_shape: Shape | None = None, dtype: DTypeLike | None = None, num_threads: Int | None = None,
) -> Conv: ...
