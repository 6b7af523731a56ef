from collections.abc import Collection
from typing import Literal

from ._gradients import Gradients
from ._typing import AnyArray, Array, Boundaries, DataFormat, GradientMethod, Int, Ints, Number, Padding, Shape

def conv1d_backward(
    grad_output: AnyArray, input: AnyArray, weight: AnyArray, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first", method: GradientMethod = "auto",
    needs: Collection[Literal["input", "weight", "bias"]] = ("input", "weight", "bias"),
    num_threads: Int | None = None,
) -> Gradients: ...

def conv2d_backward(
    grad_output: AnyArray, input: AnyArray, weight: AnyArray, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first", method: GradientMethod = "auto",
    needs: Collection[Literal["input", "weight", "bias"]] = ("input", "weight", "bias"),
    num_threads: Int | None = None,
) -> Gradients: ...

def conv3d_backward(
    grad_output: AnyArray, input: AnyArray, weight: AnyArray, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first", method: GradientMethod = "auto",
    needs: Collection[Literal["input", "weight", "bias"]] = ("input", "weight", "bias"),
    num_threads: Int | None = None,
) -> Gradients: ...

def conv1d_input_grad(
    grad_output: AnyArray, weight: AnyArray, input_shape: Shape, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first", method: GradientMethod = "auto",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def conv2d_input_grad(
    grad_output: AnyArray, weight: AnyArray, input_shape: Shape, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first", method: GradientMethod = "auto",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def conv3d_input_grad(
    grad_output: AnyArray, weight: AnyArray, input_shape: Shape, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first", method: GradientMethod = "auto",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def conv1d_weight_grad(
    input: AnyArray, grad_output: AnyArray, weight_shape: Shape, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first", method: GradientMethod = "auto",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def conv2d_weight_grad(
    input: AnyArray, grad_output: AnyArray, weight_shape: Shape, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first", method: GradientMethod = "auto",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def conv3d_weight_grad(
    input: AnyArray, grad_output: AnyArray, weight_shape: Shape, *, stride: Ints = 1, padding: Padding = 0,
    padding_mode: Boundaries = "constant", cval: Number = 0, dilation: Ints = 1, groups: Int = 1,
    flip_kernel: bool = False, data_format: DataFormat = "channels_first", method: GradientMethod = "auto",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...
