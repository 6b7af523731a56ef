from ._typing import AnyArray, Array, DataFormat, Int, Ints, Padding

__all__ = ["fold", "unfold"]

def fold(
    columns: AnyArray, output_size: Ints, kernel_size: Ints, *, stride: Ints = 1, padding: Padding = 0,
    dilation: Ints = 1, data_format: DataFormat = "channels_first", out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def unfold(
    input: AnyArray, kernel_size: Ints, *, stride: Ints = 1, padding: Padding = 0, dilation: Ints = 1,
    data_format: DataFormat = "channels_first", out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...
