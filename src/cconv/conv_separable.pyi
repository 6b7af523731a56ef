from collections.abc import Collection
from typing import Literal, NamedTuple

from ._typing import AnyArray, Array, Boundaries, DataFormat, FusedActivation, Int, Ints, Number, Padding, Shape

__all__ = [
    "SeparableGradients", "SeparableWeightGradients",
    "separable_conv1d", "separable_conv1d_backward", "separable_conv1d_input_grad", "separable_conv1d_weight_grad",
    "separable_conv2d", "separable_conv2d_backward", "separable_conv2d_input_grad", "separable_conv2d_weight_grad",
    "separable_conv3d", "separable_conv3d_backward", "separable_conv3d_input_grad", "separable_conv3d_weight_grad",
]

class SeparableGradients(NamedTuple):
    input: Array | None
    depthwise_weight: Array | None
    pointwise_weight: Array | None
    bias: Array | None

class SeparableWeightGradients(NamedTuple):
    depthwise_weight: Array
    pointwise_weight: Array

def conv_output_shape(
    input_shape: Shape, kernel_size: Ints, *, stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1,
) -> Array: ...

def separable_conv1d(
    input: AnyArray, depthwise_weight: AnyArray, pointwise_weight: AnyArray, bias: AnyArray | None = None, *,
    stride: Ints = 1, padding: Padding = 0, padding_mode: Boundaries = "constant", cval: Number = 0,
    dilation: Ints = 1, flip_kernel: bool = False, activation: FusedActivation | None = None,
    data_format: DataFormat = "channels_first", out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def separable_conv2d(
    input: AnyArray, depthwise_weight: AnyArray, pointwise_weight: AnyArray, bias: AnyArray | None = None, *,
    stride: Ints = 1, padding: Padding = 0, padding_mode: Boundaries = "constant", cval: Number = 0,
    dilation: Ints = 1, flip_kernel: bool = False, activation: FusedActivation | None = None,
    data_format: DataFormat = "channels_first", out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def separable_conv3d(
    input: AnyArray, depthwise_weight: AnyArray, pointwise_weight: AnyArray, bias: AnyArray | None = None, *,
    stride: Ints = 1, padding: Padding = 0, padding_mode: Boundaries = "constant", cval: Number = 0,
    dilation: Ints = 1, flip_kernel: bool = False, activation: FusedActivation | None = None,
    data_format: DataFormat = "channels_first", out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def separable_conv1d_backward(
    grad_output: AnyArray, input: AnyArray, depthwise_weight: AnyArray, pointwise_weight: AnyArray, *,
    stride: Ints = 1, padding: Padding = 0, padding_mode: Boundaries = "constant", cval: Number = 0,
    dilation: Ints = 1, flip_kernel: bool = False, data_format: DataFormat = "channels_first",
    needs: Collection[Literal["input", "depthwise_weight", "pointwise_weight", "bias"]] = (
        "input", "depthwise_weight", "pointwise_weight", "bias",
    ),
    num_threads: Int | None = None,
) -> SeparableGradients: ...

def separable_conv2d_backward(
    grad_output: AnyArray, input: AnyArray, depthwise_weight: AnyArray, pointwise_weight: AnyArray, *,
    stride: Ints = 1, padding: Padding = 0, padding_mode: Boundaries = "constant", cval: Number = 0,
    dilation: Ints = 1, flip_kernel: bool = False, data_format: DataFormat = "channels_first",
    needs: Collection[Literal["input", "depthwise_weight", "pointwise_weight", "bias"]] = (
        "input", "depthwise_weight", "pointwise_weight", "bias",
    ),
    num_threads: Int | None = None,
) -> SeparableGradients: ...

def separable_conv3d_backward(
    grad_output: AnyArray, input: AnyArray, depthwise_weight: AnyArray, pointwise_weight: AnyArray, *,
    stride: Ints = 1, padding: Padding = 0, padding_mode: Boundaries = "constant", cval: Number = 0,
    dilation: Ints = 1, flip_kernel: bool = False, data_format: DataFormat = "channels_first",
    needs: Collection[Literal["input", "depthwise_weight", "pointwise_weight", "bias"]] = (
        "input", "depthwise_weight", "pointwise_weight", "bias",
    ),
    num_threads: Int | None = None,
) -> SeparableGradients: ...

def separable_conv1d_input_grad(
    grad_output: AnyArray, depthwise_weight: AnyArray, pointwise_weight: AnyArray, input_shape: Shape, *,
    stride: Ints = 1, padding: Padding = 0, padding_mode: Boundaries = "constant", cval: Number = 0,
    dilation: Ints = 1, flip_kernel: bool = False, data_format: DataFormat = "channels_first",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def separable_conv2d_input_grad(
    grad_output: AnyArray, depthwise_weight: AnyArray, pointwise_weight: AnyArray, input_shape: Shape, *,
    stride: Ints = 1, padding: Padding = 0, padding_mode: Boundaries = "constant", cval: Number = 0,
    dilation: Ints = 1, flip_kernel: bool = False, data_format: DataFormat = "channels_first",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def separable_conv3d_input_grad(
    grad_output: AnyArray, depthwise_weight: AnyArray, pointwise_weight: AnyArray, input_shape: Shape, *,
    stride: Ints = 1, padding: Padding = 0, padding_mode: Boundaries = "constant", cval: Number = 0,
    dilation: Ints = 1, flip_kernel: bool = False, data_format: DataFormat = "channels_first",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def separable_conv1d_weight_grad(
    input: AnyArray, grad_output: AnyArray, depthwise_weight: AnyArray, pointwise_weight: AnyArray, *,
    stride: Ints = 1, padding: Padding = 0, padding_mode: Boundaries = "constant", cval: Number = 0,
    dilation: Ints = 1, flip_kernel: bool = False, data_format: DataFormat = "channels_first",
    num_threads: Int | None = None,
) -> SeparableWeightGradients: ...

def separable_conv2d_weight_grad(
    input: AnyArray, grad_output: AnyArray, depthwise_weight: AnyArray, pointwise_weight: AnyArray, *,
    stride: Ints = 1, padding: Padding = 0, padding_mode: Boundaries = "constant", cval: Number = 0,
    dilation: Ints = 1, flip_kernel: bool = False, data_format: DataFormat = "channels_first",
    num_threads: Int | None = None,
) -> SeparableWeightGradients: ...

def separable_conv3d_weight_grad(
    input: AnyArray, grad_output: AnyArray, depthwise_weight: AnyArray, pointwise_weight: AnyArray, *,
    stride: Ints = 1, padding: Padding = 0, padding_mode: Boundaries = "constant", cval: Number = 0,
    dilation: Ints = 1, flip_kernel: bool = False, data_format: DataFormat = "channels_first",
    num_threads: Int | None = None,
) -> SeparableWeightGradients: ...
