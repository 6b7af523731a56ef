"""Pooling: the maximum, minimum, mean or norm of windows."""

import numpy as np
from numpy import ndarray

from . import _docs, _docs_pools
from ._calls import as_array, remember
from ._padding import check_choice
from ._pool_calls import NAN, Entry, look_up, pool_present, run_extreme, run_sum
from ._pool_spans import norm_of
from ._pooling import Pooling
from ._shapes import pool_spec

__all__ = [f"{kind}_pool{rank}d" for kind in ("avg", "lp", "max", "min") for rank in (1, 2, 3)]

_cache = {}
_plain_cache = {}

# Defaults, told from other arguments by identity, as in linear_filter.py: a pool with nothing but a window, and
# perhaps a stride, has a shorter key and no second Python call.
_ZERO, _ONE, _PROPAGATE, _FIRST = 0, 1, "propagate", "channels_first"


def _public(function, kind, rank):
    """`function` under the name and with the page of its rank."""
    function.__name__ = function.__qualname__ = f"{kind}_pool{rank}d"
    page, examples = {**_docs.POOL, **_docs_pools.POOL}[kind], {**_docs.POOL_EXAMPLES, **_docs_pools.POOL_EXAMPLES}
    function.__doc__ = _docs.filled(page, rank, examples[kind, rank])
    return function


def _extreme_pool_of(kind, rank):
    def pool(
        input, kernel_size, *, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False,
        nan="propagate", mask=None, data_format="channels_first", out=None, num_threads=None,
    ):  # fmt: skip
        if (
            padding is _ZERO and dilation is _ONE and ceil_mode is False and return_indices is False
            and nan is _PROPAGATE and mask is None and data_format is _FIRST and out is None and num_threads is None
            and type(input) is ndarray and type(kernel_size) is int and (stride is None or type(stride) is int)
        ):  # fmt: skip
            key = (kind, rank, input.shape, input.dtype, kernel_size, stride)
            return (_plain_cache.get(key) or _plain(key))(input, None, None, None)
        options = (kernel_size, stride, padding, dilation, ceil_mode, return_indices, nan, data_format)
        if mask is not None:
            windows = dict(
                stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode, return_indices=return_indices,
                data_format=data_format, num_threads=num_threads,
            )  # fmt: skip

            def holds(lost):
                found = max_pools[rank](lost, kernel_size, **windows)
                return found if return_indices else (found,)

            return pool_present(
                lambda x, nan: pool(x, kernel_size, nan=nan, **windows), holds, input, nan, mask, out
            )  # fmt: skip
        input = as_array(input, "input")
        entry = look_up(_cache, (kind, rank, input.shape, input.dtype), options, _extreme_entry)
        return run_extreme(entry, input, out, num_threads)

    return _public(pool, kind, rank)


def _avg_pool_of(rank):
    def avg_pool(
        input, kernel_size, *, stride=None, padding=0, dilation=1, ceil_mode=False, count_include_pad=True,
        divisor_override=None, nan="propagate", mask=None, data_format="channels_first", out_dtype=None, out=None,
        num_threads=None,
    ):  # fmt: skip
        if (
            padding is _ZERO and dilation is _ONE and ceil_mode is False and count_include_pad is True
            and divisor_override is None and nan is _PROPAGATE and mask is None and data_format is _FIRST
            and out_dtype is None and out is None and num_threads is None and type(input) is ndarray
            and type(kernel_size) is int and (stride is None or type(stride) is int) and input.dtype.kind != "c"
        ):  # fmt: skip
            key = ("avg", rank, input.shape, input.dtype, kernel_size, stride)
            return (_plain_cache.get(key) or _plain(key))(input, None, None, None)
        options = (
            kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, divisor_override, nan,
            data_format, out_dtype,
        )  # fmt: skip
        if mask is not None:
            windows = dict(
                stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode,
                count_include_pad=count_include_pad, divisor_override=divisor_override, data_format=data_format,
                num_threads=num_threads,
            )  # fmt: skip

            def pool(x, nan):
                return avg_pool(x, kernel_size, nan=nan, out_dtype=out_dtype, **windows)

            return pool_present(pool, lambda lost: (avg_pool(lost, kernel_size, **windows),), input, nan, mask, out)
        input = as_array(input, "input")
        entry = look_up(_cache, ("avg", rank, input.shape, input.dtype), options, _avg_entry)
        return run_sum(entry, input, out, num_threads)

    return _public(avg_pool, "avg", rank)


def _lp_pool_of(rank):
    def lp_pool(
        input, norm_type, kernel_size, *, stride=None, ceil_mode=False, nan="propagate", mask=None,
        data_format="channels_first", out=None, num_threads=None,
    ):  # fmt: skip
        if mask is not None:
            windows = dict(stride=stride, ceil_mode=ceil_mode, data_format=data_format, num_threads=num_threads)

            def pool(x, nan):
                return lp_pool(x, norm_type, kernel_size, nan=nan, **windows)

            return pool_present(pool, lambda lost: (lp_pool(lost, 1, kernel_size, **windows),), input, nan, mask, out)
        input = as_array(input, "input")
        options = (kernel_size, stride, ceil_mode, nan, data_format, norm_type)
        entry = look_up(_cache, ("lp", rank, input.shape, input.dtype), options, _lp_entry)
        return run_sum(entry, input, out, num_threads)

    return _public(lp_pool, "lp", rank)


max_pool1d, max_pool2d, max_pool3d = (_extreme_pool_of("max", rank) for rank in (1, 2, 3))
min_pool1d, min_pool2d, min_pool3d = (_extreme_pool_of("min", rank) for rank in (1, 2, 3))
avg_pool1d, avg_pool2d, avg_pool3d = map(_avg_pool_of, (1, 2, 3))
lp_pool1d, lp_pool2d, lp_pool3d = map(_lp_pool_of, (1, 2, 3))
max_pools = (None, max_pool1d, max_pool2d, max_pool3d)


def _plain(key):
    """The operator of a call with default options, made."""
    spec = pool_spec(*key, _ZERO, _ONE, False, False, True, None, False, _FIRST, None)
    return remember(_plain_cache, key, Pooling(spec).run)


def _extreme_entry(arrays, kernel_size, stride, padding, dilation, ceil_mode, return_indices, nan, data_format):
    """The operator of a maximum or minimum."""
    check_choice(nan, "nan", NAN)
    spec = pool_spec(
        *arrays, kernel_size, stride, padding, dilation, ceil_mode, return_indices,
        True, None, nan == "omit", data_format, None,
    )  # fmt: skip
    return Entry(Pooling(spec).run, spec.output_shape, spec.output_dtype, spec.with_indices, nan)


def _avg_entry(
    arrays, kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, divisor_override, nan,
    data_format, out_dtype,
):  # fmt: skip
    """The operator of a mean; a complex one is that of its parts."""
    check_choice(nan, "nan", NAN)
    spec = pool_spec(
        *arrays, kernel_size, stride, padding, dilation, ceil_mode, False,
        count_include_pad, divisor_override, nan == "omit", data_format, out_dtype,
    )  # fmt: skip
    dtype = spec.output_dtype
    if arrays[-1].kind == "c":
        dtype = np.result_type(dtype, np.complex64)
    return Entry(Pooling(spec).run, spec.output_shape, dtype, False, nan)


def _lp_entry(arrays, kernel_size, stride, ceil_mode, nan, data_format, norm_type):
    """The operator of a norm."""
    check_choice(nan, "nan", NAN)
    spec = pool_spec(
        *arrays, kernel_size, stride, 0, 1, ceil_mode, False, False, None, nan == "omit", data_format, None,
        norm_of(norm_type),
    )  # fmt: skip
    return Entry(Pooling(spec).run, spec.output_shape, spec.output_dtype, False, nan)
