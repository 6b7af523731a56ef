"""Adaptive pooling: as many windows as the output has samples. And global pooling: one."""

import numpy as np

from . import _docs_pools
from ._calls import as_array
from ._padding import check_choice, check_int
from ._pool_calls import NAN, Entry, look_up, pool_present, run_extreme, run_sum
from ._pool_gradient import Spans
from ._pool_spans import SpanSpec, adaptive_spec
from ._pooling import Pooling
from ._shapes import DATA_FORMATS

__all__ = [
    *(f"adaptive_{kind}_pool{rank}d" for kind in ("avg", "max") for rank in (1, 2, 3)),
    "global_avg_pool", "global_max_pool",
]  # fmt: skip

_cache = {}


def _adaptive_avg_pool_of(rank):
    def pool(
        input, output_size, *, nan="propagate", mask=None, data_format="channels_first", out=None, num_threads=None
    ):
        if mask is not None:
            options = dict(data_format=data_format, num_threads=num_threads)
            return pool_present(
                lambda x, nan: pool(x, output_size, nan=nan, **options),
                lambda lost: (pool(lost, output_size, **options),), input, nan, mask, out,
            )  # fmt: skip
        return _avg(rank, input, output_size, nan, data_format, out, num_threads)

    return _docs_pools.finish(pool, "adaptive_avg_pool", "", rank, __name__)


def _adaptive_max_pool_of(rank):
    def pool(
        input, output_size, *, return_indices=False, nan="propagate", mask=None, data_format="channels_first",
        out=None, num_threads=None,
    ):  # fmt: skip
        if mask is not None:
            options = dict(return_indices=return_indices, data_format=data_format, num_threads=num_threads)

            def holds(lost):
                found = pool(lost, output_size, **options)
                return found if return_indices else (found,)

            return pool_present(lambda x, nan: pool(x, output_size, nan=nan, **options), holds, input, nan, mask, out)
        return _max(rank, input, output_size, return_indices, nan, data_format, out, num_threads)

    return _docs_pools.finish(pool, "adaptive_max_pool", "", rank, __name__)


def _avg(rank, input, output_size, nan, data_format, out, num_threads):
    input = as_array(input, "input")
    arrays = ("avg", rank, input.shape, input.dtype)
    entry = look_up(_cache, arrays, (output_size, False, nan, data_format), _entry)
    return run_sum(entry, input, out, num_threads)


def _max(rank, input, output_size, return_indices, nan, data_format, out, num_threads):
    input = as_array(input, "input")
    arrays = ("max", rank, input.shape, input.dtype)
    entry = look_up(_cache, arrays, (output_size, return_indices, nan, data_format), _entry)
    return run_extreme(entry, input, out, num_threads)


def _entry(arrays, output_size, return_indices, nan, data_format):
    """The operator of a signature: an ordinary pool where the windows are those of one."""
    kind, rank, input_shape, input_dtype = arrays
    check_choice(nan, "nan", NAN)
    omit = nan == "omit"
    spec = adaptive_spec(kind, rank, input_shape, input_dtype, output_size, return_indices, omit, data_format)
    dtype = spec.output_dtype
    if input_dtype.kind == "c":
        dtype = np.result_type(dtype, np.complex64)
    run = (Spans if isinstance(spec, SpanSpec) else Pooling)(spec).run
    if isinstance(spec, SpanSpec) and omit and kind == "avg" and input_dtype.kind in "fc":
        run = _present_mean(run)
    return Entry(run, spec.output_shape, dtype, return_indices, nan)


def _present_mean(mean):
    """The mean of what is not NaN: that of the samples with zeros for NaN, over that of where there are any."""

    def run(input, out, indices, num_threads):
        present = ~np.isnan(input)
        seen = np.empty(out.shape, np.result_type(out.dtype, np.float32))
        total = np.empty_like(seen)
        mean(present, seen, None, num_threads)
        mean(np.where(present, input, 0), total, None, num_threads)
        with np.errstate(invalid="ignore"):
            out[...] = total / seen

    return run


def global_avg_pool(
    input, *, rank=None, nan="propagate", mask=None, data_format="channels_first", out=None, num_threads=None
):
    input = as_array(input, "input")
    rank = _rank(rank, input.ndim, data_format)
    pool = _ADAPTIVE["avg", rank]
    return pool(input, 1, nan=nan, mask=mask, data_format=data_format, out=out, num_threads=num_threads)


def global_max_pool(
    input, *, rank=None, return_indices=False, nan="propagate", mask=None, data_format="channels_first", out=None,
    num_threads=None,
):  # fmt: skip
    input = as_array(input, "input")
    rank = _rank(rank, input.ndim, data_format)
    return _ADAPTIVE["max", rank](
        input, 1, return_indices=return_indices, nan=nan, mask=mask, data_format=data_format, out=out,
        num_threads=num_threads,
    )  # fmt: skip


def _rank(rank, ndim, data_format):
    """How many of the axes are spatial: all but batch and channels, unless the caller says."""
    check_choice(data_format, "data_format", DATA_FORMATS)
    if rank is None:
        if not 3 <= ndim <= 5:
            raise ValueError(f"input has {ndim} axes; without rank= it takes 3 to 5: batch, channels, 1 to 3 spatial")
        return ndim - 2
    rank = check_int(rank, "rank", 1)
    if rank > 3:
        raise ValueError(f"rank={rank} must be 1 to 3")
    return rank


adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = map(_adaptive_avg_pool_of, (1, 2, 3))
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = map(_adaptive_max_pool_of, (1, 2, 3))
_ADAPTIVE = {
    ("avg", 1): adaptive_avg_pool1d, ("avg", 2): adaptive_avg_pool2d, ("avg", 3): adaptive_avg_pool3d,
    ("max", 1): adaptive_max_pool1d, ("max", 2): adaptive_max_pool2d, ("max", 3): adaptive_max_pool3d,
}  # fmt: skip
global_avg_pool.__doc__, global_max_pool.__doc__ = _docs_pools.GLOBAL_AVG, _docs_pools.GLOBAL_MAX
