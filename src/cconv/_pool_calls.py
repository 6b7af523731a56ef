"""Running pools: results of one array or of values and indices, complex arrays part by part, samples left out.

Design:
  a. An entry is what a signature's validation led to: the operator and what it returns. Operators run as
     ``run(input, out, indices, num_threads)``.
  b. Samples left out are NaN to the kernels, which skip them. A mask beside NaN that must propagate takes a second
     pool, of where those are: nothing else pays for it.
"""

from typing import Any, NamedTuple

import numpy as np

from ._calls import as_array, check_num_threads, check_out, find, missing_samples, remember, target
from ._dtypes import native
from ._memory import empty
from ._padding import check_choice
from ._pieces import copy, mapped

NAN = ("propagate", "omit", "raise")
INDEX = np.dtype(np.int64)


class Entry(NamedTuple):
    run: Any
    shape: tuple
    dtype: np.dtype
    with_indices: bool
    nan: str


def look_up(cache, arrays, options, make):
    """The entry of a signature, from the cache or from ``make(arrays, *options)``."""
    entry, key, options = find(cache, arrays, options, options)
    return remember(cache, key, make(arrays, *options)) if entry is None else entry


def run_extreme(entry, input, out, num_threads):
    """A maximum or minimum, with indices if the entry has them."""
    run, shape, dtype, with_indices, nan = entry
    if num_threads is not None:
        num_threads = check_num_threads(num_threads)
    inner, indices = _targets(out, shape, dtype, with_indices)
    if nan == "raise":
        missing_samples(input, nan, None)
    if out is None:
        run(input, inner, indices, num_threads)
        return (inner, indices) if with_indices else inner
    value_result = target(inner, (input,))
    index_result = target(indices, (input,)) if with_indices else None
    if with_indices and np.may_share_memory(inner, indices):
        index_result = empty(shape, INDEX)
    run(input, value_result, index_result, num_threads)
    if value_result is not inner:
        copy(inner, value_result)
    if index_result is not indices:
        copy(indices, index_result)
    return out


def _targets(out, shape, dtype, with_indices):
    """(values, indices or None) to fill: new arrays, or views of what the caller gave."""
    if out is None:
        return empty(shape, dtype), empty(shape, INDEX) if with_indices else None
    if not with_indices:
        return check_out(out, shape, dtype), None
    if not isinstance(out, tuple) or len(out) != 2:
        shown = type(out).__name__
        raise TypeError(f"out must be a tuple (values, indices) with return_indices=True; got {shown}")
    return check_out(out[0], shape, dtype, "out[0]"), check_out(out[1], shape, INDEX, "out[1]")


def run_sum(entry, input, out, num_threads):
    """A mean or norm; that of a complex array is that of its parts."""
    run, shape, dtype, _, nan = entry
    if num_threads is not None:
        num_threads = check_num_threads(num_threads)
    inner = empty(shape, dtype) if out is None else check_out(out, shape, dtype)
    if nan == "raise":
        missing_samples(input, nan, None)
    result = inner if out is None else target(inner, (input,))
    if dtype.kind == "c":
        if nan == "omit":
            # a sample is missing as a whole, also where only one of its parts is NaN
            nan = input.dtype.type(complex(np.nan, np.nan))
            input = mapped(lambda part: np.where(np.isnan(part), nan, part), input.dtype, input)
        run(input.real, result.real, None, num_threads)
        run(input.imag, result.imag, None, num_threads)
    else:
        run(input, result, None, num_threads)
    if result is not inner:
        copy(inner, result)
    return inner if out is None else out


def pool_present(pool, holds, input, nan, mask, out):
    """The pool of samples that `mask` leaves.

    ``pool(input, nan)`` is the call itself without mask and out. ``holds(lost)``, where `lost` is 1 for each NaN that
    has to propagate, says which windows hold one, and, if there are indices, where the first is.
    """
    input = as_array(input, "input")
    check_choice(nan, "nan", NAN)
    missing = missing_samples(input, nan, mask)
    if input.dtype.kind in "biu":
        input = input.astype(np.float64)  # there may be nothing to take, which is NaN
    lost = mapped(lambda part, gone: np.isnan(part) & ~gone, bool, input, missing)
    nan_there = input.dtype.type(np.nan)
    input = mapped(lambda part, gone: np.where(gone, nan_there, part), native(input.dtype), input, missing)
    result = pool(input, "omit")
    values, *indices = result if isinstance(result, tuple) else (result,)
    if lost.any():
        found, *places = holds(lost.astype(np.float32))
        values[found > 0] = np.nan
        for array, place in zip(indices, places, strict=True):
            np.copyto(array, place, where=found > 0)
    if out is None:
        return result
    parts = out if isinstance(result, tuple) else (out,)
    if not isinstance(parts, tuple) or len(parts) != 1 + len(indices):
        raise TypeError(f"out must be a tuple (values, indices) with return_indices=True; got {type(out).__name__}")
    views = [check_out(part, array.shape, array.dtype) for part, array in zip(parts, (values, *indices), strict=True)]
    for view, array in zip(views, (values, *indices), strict=True):
        copy(view, array)
    return out
