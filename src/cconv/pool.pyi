from typing import Literal, overload

from numpy.typing import DTypeLike

from ._typing import AnyArray, Array, DataFormat, Int, Ints, Nan, PoolPadding

__all__ = [
    "avg_pool1d", "avg_pool2d", "avg_pool3d", "lp_pool1d", "lp_pool2d", "lp_pool3d", "max_pool1d", "max_pool2d",
    "max_pool3d", "min_pool1d", "min_pool2d", "min_pool3d",
]

def avg_pool1d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: Int | None = None,
    nan: Nan = "propagate", mask: AnyArray | None = None, data_format: DataFormat = "channels_first",
    out_dtype: DTypeLike | None = None, out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def avg_pool2d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: Int | None = None,
    nan: Nan = "propagate", mask: AnyArray | None = None, data_format: DataFormat = "channels_first",
    out_dtype: DTypeLike | None = None, out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def avg_pool3d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, count_include_pad: bool = True, divisor_override: Int | None = None,
    nan: Nan = "propagate", mask: AnyArray | None = None, data_format: DataFormat = "channels_first",
    out_dtype: DTypeLike | None = None, out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def lp_pool1d(
    input: AnyArray, norm_type: float, kernel_size: Ints, *, stride: Ints | None = None, ceil_mode: bool = False,
    nan: Nan = "propagate", mask: AnyArray | None = None, data_format: DataFormat = "channels_first",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def lp_pool2d(
    input: AnyArray, norm_type: float, kernel_size: Ints, *, stride: Ints | None = None, ceil_mode: bool = False,
    nan: Nan = "propagate", mask: AnyArray | None = None, data_format: DataFormat = "channels_first",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def lp_pool3d(
    input: AnyArray, norm_type: float, kernel_size: Ints, *, stride: Ints | None = None, ceil_mode: bool = False,
    nan: Nan = "propagate", mask: AnyArray | None = None, data_format: DataFormat = "channels_first",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

@overload
def max_pool1d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: Literal[False] = False, nan: Nan = "propagate",
    mask: AnyArray | None = None, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...
@overload
def max_pool1d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: Literal[True], nan: Nan = "propagate", mask: AnyArray | None = None,
    data_format: DataFormat = "channels_first", out: tuple[Array, Array] | None = None,
    num_threads: Int | None = None,
) -> tuple[Array, Array]: ...
@overload
def max_pool1d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool, nan: Nan = "propagate", mask: AnyArray | None = None,
    data_format: DataFormat = "channels_first", out: Array | tuple[Array, Array] | None = None,
    num_threads: Int | None = None,
) -> Array | tuple[Array, Array]: ...

@overload
def max_pool2d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: Literal[False] = False, nan: Nan = "propagate",
    mask: AnyArray | None = None, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...
@overload
def max_pool2d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: Literal[True], nan: Nan = "propagate", mask: AnyArray | None = None,
    data_format: DataFormat = "channels_first", out: tuple[Array, Array] | None = None,
    num_threads: Int | None = None,
) -> tuple[Array, Array]: ...
@overload
def max_pool2d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool, nan: Nan = "propagate", mask: AnyArray | None = None,
    data_format: DataFormat = "channels_first", out: Array | tuple[Array, Array] | None = None,
    num_threads: Int | None = None,
) -> Array | tuple[Array, Array]: ...

@overload
def max_pool3d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: Literal[False] = False, nan: Nan = "propagate",
    mask: AnyArray | None = None, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...
@overload
def max_pool3d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: Literal[True], nan: Nan = "propagate", mask: AnyArray | None = None,
    data_format: DataFormat = "channels_first", out: tuple[Array, Array] | None = None,
    num_threads: Int | None = None,
) -> tuple[Array, Array]: ...
@overload
def max_pool3d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool, nan: Nan = "propagate", mask: AnyArray | None = None,
    data_format: DataFormat = "channels_first", out: Array | tuple[Array, Array] | None = None,
    num_threads: Int | None = None,
) -> Array | tuple[Array, Array]: ...

@overload
def min_pool1d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: Literal[False] = False, nan: Nan = "propagate",
    mask: AnyArray | None = None, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...
@overload
def min_pool1d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: Literal[True], nan: Nan = "propagate", mask: AnyArray | None = None,
    data_format: DataFormat = "channels_first", out: tuple[Array, Array] | None = None,
    num_threads: Int | None = None,
) -> tuple[Array, Array]: ...
@overload
def min_pool1d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool, nan: Nan = "propagate", mask: AnyArray | None = None,
    data_format: DataFormat = "channels_first", out: Array | tuple[Array, Array] | None = None,
    num_threads: Int | None = None,
) -> Array | tuple[Array, Array]: ...

@overload
def min_pool2d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: Literal[False] = False, nan: Nan = "propagate",
    mask: AnyArray | None = None, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...
@overload
def min_pool2d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: Literal[True], nan: Nan = "propagate", mask: AnyArray | None = None,
    data_format: DataFormat = "channels_first", out: tuple[Array, Array] | None = None,
    num_threads: Int | None = None,
) -> tuple[Array, Array]: ...
@overload
def min_pool2d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool, nan: Nan = "propagate", mask: AnyArray | None = None,
    data_format: DataFormat = "channels_first", out: Array | tuple[Array, Array] | None = None,
    num_threads: Int | None = None,
) -> Array | tuple[Array, Array]: ...

@overload
def min_pool3d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: Literal[False] = False, nan: Nan = "propagate",
    mask: AnyArray | None = None, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...
@overload
def min_pool3d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: Literal[True], nan: Nan = "propagate", mask: AnyArray | None = None,
    data_format: DataFormat = "channels_first", out: tuple[Array, Array] | None = None,
    num_threads: Int | None = None,
) -> tuple[Array, Array]: ...
@overload
def min_pool3d(
    input: AnyArray, kernel_size: Ints, *, stride: Ints | None = None, padding: PoolPadding = 0, dilation: Ints = 1,
    ceil_mode: bool = False, return_indices: bool, nan: Nan = "propagate", mask: AnyArray | None = None,
    data_format: DataFormat = "channels_first", out: Array | tuple[Array, Array] | None = None,
    num_threads: Int | None = None,
) -> Array | tuple[Array, Array]: ...
