from collections.abc import Collection
from typing import Literal

from ._gradients import Gradients
from ._typing import AnyArray, Array, DataFormat, Int, Ints, Padding, Shape

def conv_transpose1d(
    input: AnyArray, weight: AnyArray, bias: AnyArray | None = None, *, stride: Ints = 1, padding: Padding = 0,
    output_padding: Ints = 0, output_size: Ints | None = None, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def conv_transpose2d(
    input: AnyArray, weight: AnyArray, bias: AnyArray | None = None, *, stride: Ints = 1, padding: Padding = 0,
    output_padding: Ints = 0, output_size: Ints | None = None, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def conv_transpose3d(
    input: AnyArray, weight: AnyArray, bias: AnyArray | None = None, *, stride: Ints = 1, padding: Padding = 0,
    output_padding: Ints = 0, output_size: Ints | None = None, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def conv_transpose1d_backward(
    grad_output: AnyArray, input: AnyArray, weight: AnyArray, *, stride: Ints = 1, padding: Padding = 0,
    output_padding: Ints = 0, output_size: Ints | None = None, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first",
    needs: Collection[Literal["input", "weight", "bias"]] = ("input", "weight", "bias"),
    num_threads: Int | None = None,
) -> Gradients: ...

def conv_transpose2d_backward(
    grad_output: AnyArray, input: AnyArray, weight: AnyArray, *, stride: Ints = 1, padding: Padding = 0,
    output_padding: Ints = 0, output_size: Ints | None = None, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first",
    needs: Collection[Literal["input", "weight", "bias"]] = ("input", "weight", "bias"),
    num_threads: Int | None = None,
) -> Gradients: ...

def conv_transpose3d_backward(
    grad_output: AnyArray, input: AnyArray, weight: AnyArray, *, stride: Ints = 1, padding: Padding = 0,
    output_padding: Ints = 0, output_size: Ints | None = None, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first",
    needs: Collection[Literal["input", "weight", "bias"]] = ("input", "weight", "bias"),
    num_threads: Int | None = None,
) -> Gradients: ...

def conv_transpose1d_input_grad(
    grad_output: AnyArray, weight: AnyArray, input_shape: Shape, *, stride: Ints = 1, padding: Padding = 0,
    output_padding: Ints = 0, output_size: Ints | None = None, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def conv_transpose2d_input_grad(
    grad_output: AnyArray, weight: AnyArray, input_shape: Shape, *, stride: Ints = 1, padding: Padding = 0,
    output_padding: Ints = 0, output_size: Ints | None = None, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def conv_transpose3d_input_grad(
    grad_output: AnyArray, weight: AnyArray, input_shape: Shape, *, stride: Ints = 1, padding: Padding = 0,
    output_padding: Ints = 0, output_size: Ints | None = None, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def conv_transpose1d_weight_grad(
    input: AnyArray, grad_output: AnyArray, weight_shape: Shape, *, stride: Ints = 1, padding: Padding = 0,
    output_padding: Ints = 0, output_size: Ints | None = None, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def conv_transpose2d_weight_grad(
    input: AnyArray, grad_output: AnyArray, weight_shape: Shape, *, stride: Ints = 1, padding: Padding = 0,
    output_padding: Ints = 0, output_size: Ints | None = None, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def conv_transpose3d_weight_grad(
    input: AnyArray, grad_output: AnyArray, weight_shape: Shape, *, stride: Ints = 1, padding: Padding = 0,
    output_padding: Ints = 0, output_size: Ints | None = None, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...
