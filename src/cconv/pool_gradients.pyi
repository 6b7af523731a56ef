from ._typing import AnyArray, Array, DataFormat, Int, Ints, PoolPadding, Shape

__all__ = [
    "adaptive_avg_pool1d_input_grad",
    "adaptive_avg_pool2d_input_grad",
    "adaptive_avg_pool3d_input_grad",
    "avg_pool1d_input_grad",
    "avg_pool2d_input_grad",
    "avg_pool3d_input_grad",
    "lp_pool1d_input_grad",
    "lp_pool2d_input_grad",
    "lp_pool3d_input_grad",
    "max_pool1d_input_grad",
    "max_pool2d_input_grad",
    "max_pool3d_input_grad",
    "max_unpool1d",
    "max_unpool1d_input_grad",
    "max_unpool2d",
    "max_unpool2d_input_grad",
    "max_unpool3d",
    "max_unpool3d_input_grad",
]

def adaptive_avg_pool1d_input_grad(
    grad_output: AnyArray, input_shape: Shape, *, data_format: DataFormat = "channels_first",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def adaptive_avg_pool2d_input_grad(
    grad_output: AnyArray, input_shape: Shape, *, data_format: DataFormat = "channels_first",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def adaptive_avg_pool3d_input_grad(
    grad_output: AnyArray, input_shape: Shape, *, data_format: DataFormat = "channels_first",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def avg_pool1d_input_grad(
    grad_output: AnyArray, input_shape: Shape, kernel_size: Ints, *, stride: Ints | None = None,
    padding: PoolPadding = 0, dilation: Ints = 1, ceil_mode: bool = False, count_include_pad: bool = True,
    divisor_override: Int | None = None, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def avg_pool2d_input_grad(
    grad_output: AnyArray, input_shape: Shape, kernel_size: Ints, *, stride: Ints | None = None,
    padding: PoolPadding = 0, dilation: Ints = 1, ceil_mode: bool = False, count_include_pad: bool = True,
    divisor_override: Int | None = None, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def avg_pool3d_input_grad(
    grad_output: AnyArray, input_shape: Shape, kernel_size: Ints, *, stride: Ints | None = None,
    padding: PoolPadding = 0, dilation: Ints = 1, ceil_mode: bool = False, count_include_pad: bool = True,
    divisor_override: Int | None = None, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def lp_pool1d_input_grad(
    grad_output: AnyArray, input: AnyArray, norm_type: float, kernel_size: Ints, *, stride: Ints | None = None,
    ceil_mode: bool = False, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def lp_pool2d_input_grad(
    grad_output: AnyArray, input: AnyArray, norm_type: float, kernel_size: Ints, *, stride: Ints | None = None,
    ceil_mode: bool = False, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def lp_pool3d_input_grad(
    grad_output: AnyArray, input: AnyArray, norm_type: float, kernel_size: Ints, *, stride: Ints | None = None,
    ceil_mode: bool = False, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def max_pool1d_input_grad(
    grad_output: AnyArray, indices: AnyArray, input_shape: Shape, *, data_format: DataFormat = "channels_first",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def max_pool2d_input_grad(
    grad_output: AnyArray, indices: AnyArray, input_shape: Shape, *, data_format: DataFormat = "channels_first",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def max_pool3d_input_grad(
    grad_output: AnyArray, indices: AnyArray, input_shape: Shape, *, data_format: DataFormat = "channels_first",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def max_unpool1d(
    input: AnyArray, indices: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: Ints = 0,
    output_size: Shape | None = None, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def max_unpool2d(
    input: AnyArray, indices: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: Ints = 0,
    output_size: Shape | None = None, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def max_unpool3d(
    input: AnyArray, indices: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: Ints = 0,
    output_size: Shape | None = None, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def max_unpool1d_input_grad(
    grad_output: AnyArray, indices: AnyArray, *, data_format: DataFormat = "channels_first",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def max_unpool2d_input_grad(
    grad_output: AnyArray, indices: AnyArray, *, data_format: DataFormat = "channels_first",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def max_unpool3d_input_grad(
    grad_output: AnyArray, indices: AnyArray, *, data_format: DataFormat = "channels_first",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...
