from collections.abc import Sequence
from typing import Literal, overload

from ._typing import AnyArray, Array, DataFormat, Int, Nan

__all__ = [
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d",
    "adaptive_max_pool3d", "global_avg_pool", "global_max_pool",
]

def adaptive_avg_pool1d(
    input: AnyArray, output_size: Int | Sequence[Int | None] | None, *, nan: Nan = "propagate",
    mask: AnyArray | None = None, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def adaptive_avg_pool2d(
    input: AnyArray, output_size: Int | Sequence[Int | None] | None, *, nan: Nan = "propagate",
    mask: AnyArray | None = None, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def adaptive_avg_pool3d(
    input: AnyArray, output_size: Int | Sequence[Int | None] | None, *, nan: Nan = "propagate",
    mask: AnyArray | None = None, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

@overload
def adaptive_max_pool1d(
    input: AnyArray, output_size: Int | Sequence[Int | None] | None, *, return_indices: Literal[False] = False,
    nan: Nan = "propagate", mask: AnyArray | None = None, data_format: DataFormat = "channels_first",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...
@overload
def adaptive_max_pool1d(
    input: AnyArray, output_size: Int | Sequence[Int | None] | None, *, return_indices: Literal[True],
    nan: Nan = "propagate", mask: AnyArray | None = None, data_format: DataFormat = "channels_first",
    out: tuple[Array, Array] | None = None, num_threads: Int | None = None,
) -> tuple[Array, Array]: ...
@overload
def adaptive_max_pool1d(
    input: AnyArray, output_size: Int | Sequence[Int | None] | None, *, return_indices: bool, nan: Nan = "propagate",
    mask: AnyArray | None = None, data_format: DataFormat = "channels_first",
    out: Array | tuple[Array, Array] | None = None, num_threads: Int | None = None,
) -> Array | tuple[Array, Array]: ...

@overload
def adaptive_max_pool2d(
    input: AnyArray, output_size: Int | Sequence[Int | None] | None, *, return_indices: Literal[False] = False,
    nan: Nan = "propagate", mask: AnyArray | None = None, data_format: DataFormat = "channels_first",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...
@overload
def adaptive_max_pool2d(
    input: AnyArray, output_size: Int | Sequence[Int | None] | None, *, return_indices: Literal[True],
    nan: Nan = "propagate", mask: AnyArray | None = None, data_format: DataFormat = "channels_first",
    out: tuple[Array, Array] | None = None, num_threads: Int | None = None,
) -> tuple[Array, Array]: ...
@overload
def adaptive_max_pool2d(
    input: AnyArray, output_size: Int | Sequence[Int | None] | None, *, return_indices: bool, nan: Nan = "propagate",
    mask: AnyArray | None = None, data_format: DataFormat = "channels_first",
    out: Array | tuple[Array, Array] | None = None, num_threads: Int | None = None,
) -> Array | tuple[Array, Array]: ...

@overload
def adaptive_max_pool3d(
    input: AnyArray, output_size: Int | Sequence[Int | None] | None, *, return_indices: Literal[False] = False,
    nan: Nan = "propagate", mask: AnyArray | None = None, data_format: DataFormat = "channels_first",
    out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...
@overload
def adaptive_max_pool3d(
    input: AnyArray, output_size: Int | Sequence[Int | None] | None, *, return_indices: Literal[True],
    nan: Nan = "propagate", mask: AnyArray | None = None, data_format: DataFormat = "channels_first",
    out: tuple[Array, Array] | None = None, num_threads: Int | None = None,
) -> tuple[Array, Array]: ...
@overload
def adaptive_max_pool3d(
    input: AnyArray, output_size: Int | Sequence[Int | None] | None, *, return_indices: bool, nan: Nan = "propagate",
    mask: AnyArray | None = None, data_format: DataFormat = "channels_first",
    out: Array | tuple[Array, Array] | None = None, num_threads: Int | None = None,
) -> Array | tuple[Array, Array]: ...

def global_avg_pool(
    input: AnyArray, *, rank: Int | None = None, nan: Nan = "propagate", mask: AnyArray | None = None,
    data_format: DataFormat = "channels_first", out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

@overload
def global_max_pool(
    input: AnyArray, *, rank: Int | None = None, return_indices: Literal[False] = False, nan: Nan = "propagate",
    mask: AnyArray | None = None, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...
@overload
def global_max_pool(
    input: AnyArray, *, rank: Int | None = None, return_indices: Literal[True], nan: Nan = "propagate",
    mask: AnyArray | None = None, data_format: DataFormat = "channels_first", out: tuple[Array, Array] | None = None,
    num_threads: Int | None = None,
) -> tuple[Array, Array]: ...
@overload
def global_max_pool(
    input: AnyArray, *, rank: Int | None = None, return_indices: bool, nan: Nan = "propagate",
    mask: AnyArray | None = None, data_format: DataFormat = "channels_first",
    out: Array | tuple[Array, Array] | None = None, num_threads: Int | None = None,
) -> Array | tuple[Array, Array]: ...
