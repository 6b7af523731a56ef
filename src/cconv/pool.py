"""Pooling: the maximum or the mean of windows."""

import numpy as np
from numpy import ndarray

from . import _docs
from ._calls import as_array, check_num_threads, check_out, find, missing_samples, remember, target
from ._core import Pooling
from ._padding import check_choice
from ._shapes import pool_spec

__all__ = ["avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool1d", "max_pool2d", "max_pool3d"]

_NAN = ("propagate", "omit", "raise")
_INDEX = np.dtype(np.int64)

_cache = {}
_plain_cache = {}
_empty = np.empty

# Defaults, told from other arguments by identity, as in linear_filter.py: a pool with nothing but a window, and
# perhaps a stride, has a shorter key and no second Python call.
_ZERO, _ONE, _PROPAGATE, _FIRST = 0, 1, "propagate", "channels_first"


def _public(function, kind, rank):
    """`function` under the name and with the page of its rank."""
    function.__name__ = function.__qualname__ = f"{kind}_pool{rank}d"
    function.__doc__ = _docs.filled(_docs.POOL[kind], rank, _docs.POOL_EXAMPLES[kind, rank])
    return function


def _max_pool_of(rank):
    def max_pool(
        input, kernel_size, *, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False,
        nan="propagate", data_format="channels_first", out=None, num_threads=None,
    ):  # fmt: skip
        if (
            padding is _ZERO and dilation is _ONE and ceil_mode is False and return_indices is False
            and nan is _PROPAGATE and data_format is _FIRST and out is None and num_threads is None
            and type(input) is ndarray and type(kernel_size) is int and (stride is None or type(stride) is int)
        ):  # fmt: skip
            key = ("max", rank, input.shape, input.dtype, kernel_size, stride)
            return (_plain_cache.get(key) or _plain(key))(input, None, None, None)
        options = (kernel_size, stride, padding, dilation, ceil_mode, return_indices, nan, data_format)
        return _max_pool(rank, input, options, out, num_threads)

    return _public(max_pool, "max", rank)


def _avg_pool_of(rank):
    def avg_pool(
        input, kernel_size, *, stride=None, padding=0, dilation=1, ceil_mode=False, count_include_pad=True,
        divisor_override=None, nan="propagate", data_format="channels_first", out_dtype=None, out=None,
        num_threads=None,
    ):  # fmt: skip
        if (
            padding is _ZERO and dilation is _ONE and ceil_mode is False and count_include_pad is True
            and divisor_override is None and nan is _PROPAGATE and data_format is _FIRST and out_dtype is None
            and out is None and num_threads is None and type(input) is ndarray and type(kernel_size) is int
            and (stride is None or type(stride) is int) and input.dtype.kind != "c"
        ):  # fmt: skip
            key = ("avg", rank, input.shape, input.dtype, kernel_size, stride)
            return (_plain_cache.get(key) or _plain(key))(input, None, None, None)
        options = (
            kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, divisor_override, nan,
            data_format, out_dtype,
        )  # fmt: skip
        return _avg_pool(rank, input, options, out, num_threads)

    return _public(avg_pool, "avg", rank)


max_pool1d, max_pool2d, max_pool3d = map(_max_pool_of, (1, 2, 3))
avg_pool1d, avg_pool2d, avg_pool3d = map(_avg_pool_of, (1, 2, 3))


def _plain(key):
    """The operator of a call with default options, made."""
    spec = pool_spec(*key, _ZERO, _ONE, False, False, True, None, False, _FIRST, None)
    return remember(_plain_cache, key, Pooling(spec).run)


def _max_pool(rank, input, options, out, num_threads):
    """Look the operator of this signature up, or make it; run it."""
    input = as_array(input, "input")
    arrays = ("max", rank, input.shape, input.dtype)
    entry, key, options = find(_cache, arrays, options, options)
    if entry is None:
        entry = remember(_cache, key, _max_entry(arrays, *options))
    run, shape, dtype, with_indices, nan = entry
    if num_threads is not None:
        num_threads = check_num_threads(num_threads)
    inner, indices = _max_targets(out, shape, dtype, with_indices)
    if nan == "raise":
        missing_samples(input, nan, None)
    if out is None:
        run(input, inner, indices, num_threads)
        return (inner, indices) if with_indices else inner
    value_result = target(inner, (input,))
    index_result = target(indices, (input,)) if with_indices else None
    if with_indices and np.may_share_memory(inner, indices):
        index_result = _empty(shape, _INDEX)
    run(input, value_result, index_result, num_threads)
    if value_result is not inner:
        inner[...] = value_result
    if index_result is not indices:
        indices[...] = index_result
    return out


def _max_entry(arrays, kernel_size, stride, padding, dilation, ceil_mode, return_indices, nan, data_format):
    """(operator, result's shape, its type, are indices wanted, nan) of a signature."""
    check_choice(nan, "nan", _NAN)
    spec = pool_spec(
        *arrays, kernel_size, stride, padding, dilation, ceil_mode, return_indices,
        True, None, nan == "omit", data_format, None,
    )  # fmt: skip
    return Pooling(spec).run, spec.output_shape, spec.output_dtype, spec.with_indices, nan


def _max_targets(out, shape, dtype, with_indices):
    """(values, indices or None) to fill: new arrays, or views of what the caller gave."""
    if out is None:
        return _empty(shape, dtype), _empty(shape, _INDEX) if with_indices else None
    if not with_indices:
        return check_out(out, shape, dtype), None
    if not isinstance(out, tuple) or len(out) != 2:
        shown = type(out).__name__
        raise TypeError(f"out must be a tuple (values, indices) with return_indices=True; got {shown}")
    return check_out(out[0], shape, dtype, "out[0]"), check_out(out[1], shape, _INDEX, "out[1]")


def _avg_pool(rank, input, options, out, num_threads):
    """Look the operator of this signature up, or make it; run it."""
    input = as_array(input, "input")
    arrays = ("avg", rank, input.shape, input.dtype)
    entry, key, options = find(_cache, arrays, options, options)
    if entry is None:
        entry = remember(_cache, key, _avg_entry(arrays, *options))
    run, shape, dtype, nan = entry
    if num_threads is not None:
        num_threads = check_num_threads(num_threads)
    inner = _empty(shape, dtype) if out is None else check_out(out, shape, dtype)
    if nan == "raise":
        missing_samples(input, nan, None)
    result = inner if out is None else target(inner, (input,))
    if dtype.kind == "c":
        if nan == "omit":
            # a sample is missing as a whole, also where only one of its parts is NaN
            input = np.where(np.isnan(input), complex(np.nan, np.nan), input)
        run(input.real, result.real, None, num_threads)
        run(input.imag, result.imag, None, num_threads)
    else:
        run(input, result, None, num_threads)
    if result is not inner:
        inner[...] = result
    return inner if out is None else out


def _avg_entry(
    arrays, kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, divisor_override, nan,
    data_format, out_dtype,
):  # fmt: skip
    """(operator, result's shape, its type, nan) of a signature; a complex mean is that of its parts."""
    check_choice(nan, "nan", _NAN)
    spec = pool_spec(
        *arrays, kernel_size, stride, padding, dilation, ceil_mode, False,
        count_include_pad, divisor_override, nan == "omit", data_format, out_dtype,
    )  # fmt: skip
    dtype = spec.output_dtype
    if arrays[-1].kind == "c":
        dtype = np.result_type(dtype, np.complex64)
    return Pooling(spec).run, spec.output_shape, dtype, nan
