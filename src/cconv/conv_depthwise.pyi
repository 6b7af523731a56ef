from collections.abc import Collection
from typing import Literal

from numpy.typing import DTypeLike

from ._gradients import Gradients
from ._typing import (
    AnyArray,
    Array,
    Boundaries,
    DataFormat,
    FusedActivation,
    GradientMethod,
    Int,
    Ints,
    Method,
    Number,
    Padding,
    Shape,
)

__all__ = [
    "depthwise_conv1d", "depthwise_conv1d_backward", "depthwise_conv1d_input_grad", "depthwise_conv1d_weight_grad",
    "depthwise_conv2d", "depthwise_conv2d_backward", "depthwise_conv2d_input_grad", "depthwise_conv2d_weight_grad",
    "depthwise_conv3d", "depthwise_conv3d_backward", "depthwise_conv3d_input_grad", "depthwise_conv3d_weight_grad",
]

def depthwise_conv1d(
    input: AnyArray, weight: AnyArray, bias: AnyArray | None = None, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, flip_kernel: bool = False,
    activation: FusedActivation | None = None, data_format: DataFormat = "channels_first", method: Method = "auto",
    out_dtype: DTypeLike | None = None, casting: Literal["saturate"] | None = None, out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def depthwise_conv2d(
    input: AnyArray, weight: AnyArray, bias: AnyArray | None = None, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, flip_kernel: bool = False,
    activation: FusedActivation | None = None, data_format: DataFormat = "channels_first", method: Method = "auto",
    out_dtype: DTypeLike | None = None, casting: Literal["saturate"] | None = None, out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def depthwise_conv3d(
    input: AnyArray, weight: AnyArray, bias: AnyArray | None = None, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, flip_kernel: bool = False,
    activation: FusedActivation | None = None, data_format: DataFormat = "channels_first", method: Method = "auto",
    out_dtype: DTypeLike | None = None, casting: Literal["saturate"] | None = None, out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def depthwise_conv1d_backward(
    grad_output: AnyArray, input: AnyArray, weight: AnyArray, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, flip_kernel: bool = False,
    data_format: DataFormat = "channels_first", method: GradientMethod = "auto",
    needs: Collection[Literal["input", "weight", "bias"]] = ("input", "weight", "bias"),
    num_threads: Int | None = None,
) -> Gradients: ...

def depthwise_conv2d_backward(
    grad_output: AnyArray, input: AnyArray, weight: AnyArray, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, flip_kernel: bool = False,
    data_format: DataFormat = "channels_first", method: GradientMethod = "auto",
    needs: Collection[Literal["input", "weight", "bias"]] = ("input", "weight", "bias"),
    num_threads: Int | None = None,
) -> Gradients: ...

def depthwise_conv3d_backward(
    grad_output: AnyArray, input: AnyArray, weight: AnyArray, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, flip_kernel: bool = False,
    data_format: DataFormat = "channels_first", method: GradientMethod = "auto",
    needs: Collection[Literal["input", "weight", "bias"]] = ("input", "weight", "bias"),
    num_threads: Int | None = None,
) -> Gradients: ...

def depthwise_conv1d_input_grad(
    grad_output: AnyArray, weight: AnyArray, input_shape: Shape, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, flip_kernel: bool = False,
    data_format: DataFormat = "channels_first", method: GradientMethod = "auto", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def depthwise_conv2d_input_grad(
    grad_output: AnyArray, weight: AnyArray, input_shape: Shape, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, flip_kernel: bool = False,
    data_format: DataFormat = "channels_first", method: GradientMethod = "auto", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def depthwise_conv3d_input_grad(
    grad_output: AnyArray, weight: AnyArray, input_shape: Shape, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, flip_kernel: bool = False,
    data_format: DataFormat = "channels_first", method: GradientMethod = "auto", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def depthwise_conv1d_weight_grad(
    input: AnyArray, grad_output: AnyArray, weight_shape: Shape, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, flip_kernel: bool = False,
    data_format: DataFormat = "channels_first", method: GradientMethod = "auto", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def depthwise_conv2d_weight_grad(
    input: AnyArray, grad_output: AnyArray, weight_shape: Shape, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, flip_kernel: bool = False,
    data_format: DataFormat = "channels_first", method: GradientMethod = "auto", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def depthwise_conv3d_weight_grad(
    input: AnyArray, grad_output: AnyArray, weight_shape: Shape, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, flip_kernel: bool = False,
    data_format: DataFormat = "channels_first", method: GradientMethod = "auto", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...
