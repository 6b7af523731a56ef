"""Windows of an array as columns (im2col), and their inverse in the sense of gradients (col2im)."""

from math import prod

import numpy as np

from ._calls import as_array, check_num_threads, check_out, target
from ._columns import gather, scatter
from ._dtypes import check_supported, native
from ._memory import empty
from ._padding import check_byte_size, is_sequence, padded_axes, per_axis
from ._pieces import copy
from ._shapes import CONV_PADDINGS, layer_axes

__all__ = ["fold", "unfold"]


def unfold(
    input, kernel_size, *, stride=1, padding=0, dilation=1, data_format="channels_first", out=None, num_threads=None
):
    """Windows of every channel as columns: im2col.

    ``columns[n, c * prod(kernel_size) + tap, l]`` is the sample of channel ``c`` under a tap of window ``l``; taps and
    windows are counted in row-major order. The product of a layer's weight, reshaped to (out_channels, -1), with the
    columns is the layer. `fold` with the extents of `input` is the gradient of `unfold`.

    Parameters
    ----------
    input : array_like, ``(N, C, *spatial)`` or ``(C, *spatial)``
        1 to 3 spatial axes, of any type and layout. With data_format="channels_last" the channels come last.
    kernel_size : int or sequence of int, at least 1
        Extents of the window. Their number is that of the spatial axes; an int stands for two.
    stride, dilation : int or sequence of int, at least 1
        Step between windows, and between the samples of a window.
    padding : int, sequence of int or of (before, after), or str
        Zeros around the input, as in `conv2d`: negative amounts crop; names are "valid", "same", "same_lower", "full"
        and "causal".
    data_format : {"channels_first", "channels_last"}
        Where the channels of `input` are. The columns are the same.
    out : ndarray, optional
        Where to write the result: exactly its shape and type, any layout and byte order. It may overlap the input.
    num_threads : int, optional
        Upper limit for this call; by default `get_num_threads()`. The result is the same for any number.

    Returns
    -------
    ndarray, (N, C * prod(kernel_size), L) or (C * prod(kernel_size), L)
        `out`, or a new array of the type of `input`; ``L = prod(conv_output_shape(...))``.

    Raises
    ------
    ValueError, TypeError
        Naming the argument, what it is and what it may be, before any work is done.

    See Also
    --------
    fold : the sum of columns.
    conv_output_shape : how many windows there are along each axis.

    Examples
    --------
    >>> import numpy as np, cconv
    >>> cconv.unfold(np.arange(9).reshape(1, 3, 3), 2)
    array([[0, 1, 3, 4],
           [1, 2, 4, 5],
           [3, 4, 6, 7],
           [4, 5, 7, 8]])
    >>> cconv.unfold(np.array([[1.0, 2.0, 3.0]]), (2,), padding=1)
    array([[0., 1., 2., 3.],
           [1., 2., 3., 0.]])
    """
    input = as_array(input, "input")
    check_supported(input.dtype, "input")
    rank = len(kernel_size) if is_sequence(kernel_size) else 2
    _check_rank(rank, "kernel_size", kernel_size)
    batched, channel, spatial = layer_axes(rank, input.shape, data_format)
    sizes = tuple(input.shape[axis] for axis in spatial)
    kernel, stride, dilation, axes = _windows(sizes, kernel_size, stride, padding, dilation)
    outputs = tuple(axis.output for axis in axes)
    samples = _as_batch(input, batched, channel)
    shape = (*samples.shape[:1], samples.shape[1] * prod(kernel), prod(outputs))
    dtype = native(input.dtype)
    shape = shape if batched else shape[1:]
    check_byte_size(shape, dtype.itemsize, "the result")
    if num_threads is not None:
        num_threads = check_num_threads(num_threads)
    inner = None if out is None else check_out(out, shape, dtype)
    # taps and windows are axes of their own while they are filled, which takes memory of one piece
    result, cleared = inner, False
    if inner is None or not inner.flags.c_contiguous or target(inner, (input,)) is not inner:
        result, cleared = np.zeros(shape, dtype), True  # memory fresh from the system: costs nothing
    entries = result.reshape(*samples.shape[:2], *kernel, *outputs)
    gather(samples, entries, cleared, axes, kernel, stride, dilation, num_threads)
    if result is not inner and inner is not None:
        copy(inner, result)
    return result if out is None else out


def fold(
    columns, output_size, kernel_size, *, stride=1, padding=0, dilation=1, data_format="channels_first", out=None,
    num_threads=None,
):  # fmt: skip
    """Columns of `unfold` added up where they came from: col2im.

    A sample of the result is the sum of all entries that `unfold` would have filled with it; ``fold(unfold(x))`` is
    ``x`` times the number of windows that hold each sample. `unfold` is the gradient of `fold`.

    Parameters
    ----------
    columns : array_like, (N, C * prod(kernel_size), L) or (C * prod(kernel_size), L)
        Of any type and layout. ``L = prod(conv_output_shape(output_size, kernel_size, ...))``.
    output_size : int or sequence of int
        Extents of the result's spatial axes. Their number is 1 to 3; an int stands for as many as `kernel_size` has.
    kernel_size, stride, padding, dilation
        As of `unfold`.
    data_format : {"channels_first", "channels_last"}
        Where the channels of the result are.
    out : ndarray, optional
        Where to write the result: exactly its shape and type, any layout and byte order. It may overlap the columns.
    num_threads : int, optional
        Upper limit for this call; by default `get_num_threads()`. The result is the same for any number.

    Returns
    -------
    ndarray, ``(N, C, *output_size)`` or ``(C, *output_size)``
        `out`, or a new array of the type of `columns`. Integers wrap around; float16 is added up in float32.

    Raises
    ------
    ValueError, TypeError
        Naming the argument, what it is and what it may be, before any work is done.

    See Also
    --------
    unfold : windows as columns.

    Examples
    --------
    >>> import numpy as np, cconv
    >>> cconv.fold(np.ones((4, 4)), (3, 3), 2)
    array([[[1., 2., 1.],
            [2., 4., 2.],
            [1., 2., 1.]]])
    """
    columns = as_array(columns, "columns")
    check_supported(columns.dtype, "columns")
    given = output_size if is_sequence(output_size) else kernel_size
    rank = len(given) if is_sequence(given) else 2
    _check_rank(rank, "output_size", output_size)
    sizes = per_axis(output_size, "output_size", rank, 0)
    kernel, stride, dilation, axes = _windows(sizes, kernel_size, stride, padding, dilation)
    outputs = tuple(axis.output for axis in axes)
    if columns.ndim not in (2, 3):
        raise ValueError(
            f"columns has {columns.ndim} axes, shape {columns.shape}; it takes (N, C * {prod(kernel)}, "
            f"{prod(outputs)}) or (C * {prod(kernel)}, {prod(outputs)})"
        )
    rows, length = columns.shape[-2:]
    if rows % prod(kernel) or length != prod(outputs):
        raise ValueError(
            f"columns of shape {columns.shape} do not fold to output_size={sizes}: kernel_size={kernel} takes a "
            f"multiple of {prod(kernel)} rows, and there are {' x '.join(map(str, outputs))} = {prod(outputs)} windows"
        )
    batched = columns.ndim == 3
    channels = rows // prod(kernel)
    shape = (*columns.shape[: columns.ndim - 2], channels, *sizes)
    channel = len(shape) - 1 - rank
    _, last, _ = layer_axes(rank, shape, data_format)
    if last != channel:
        shape, channel = (*shape[:channel], *sizes, channels), last
    dtype = native(columns.dtype)
    check_byte_size(shape, dtype.itemsize, "the result")
    if num_threads is not None:
        num_threads = check_num_threads(num_threads)
    inner = empty(shape, dtype) if out is None else check_out(out, shape, dtype)
    result = inner if out is None else target(inner, (columns,))
    entries = columns if batched else columns[np.newaxis]
    entries = entries.reshape(entries.shape[0], channels, *kernel, *outputs)
    samples = _as_batch(result, batched, channel)
    if not columns.size:
        samples[...] = 0
    scatter(entries, samples, axes, kernel, stride, dilation, num_threads)
    if result is not inner:
        copy(inner, result)
    return inner if out is None else out


def _check_rank(rank, name, value):
    if not 1 <= rank <= 3:
        raise ValueError(f"{name}={value!r} has {rank} entries; there may be 1 to 3 spatial axes")


def _windows(sizes, kernel_size, stride, padding, dilation):
    """(kernel, stride, dilation, axes) with one entry per spatial axis."""
    rank = len(sizes)
    kernel = per_axis(kernel_size, "kernel_size", rank, 1)
    stride, dilation = per_axis(stride, "stride", rank, 1), per_axis(dilation, "dilation", rank, 1)
    return kernel, stride, dilation, padded_axes(sizes, kernel, stride, dilation, padding, CONV_PADDINGS)


def _as_batch(array, batched, channel):
    """The array as (N, C, *spatial), a view."""
    array = np.moveaxis(array, channel, 1 if batched else 0)
    return array if batched else array[np.newaxis]
