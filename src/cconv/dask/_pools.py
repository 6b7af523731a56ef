"""Pools on dask arrays: windows across the edges of chunks.

Design:
  a. As in _convolutions.py: the spec of the whole array, and blocks that have other extents.
  b. Sums are added in an order that depends on where a window stands and on how many there are, in three cases: see
     `_ordered`. Blocks compute some outputs more there, and so have the bits of the whole array. Extremes take the same
     blocks, for zeros of either sign are equal and the order decides which stays.
"""

from math import lcm

import numpy as np

from .._calls import frozen
from .._padding import check_choice
from .._pool_calls import INDEX
from .._pool_spans import norm_of
from .._shapes import pool_spec
from . import _docs
from ._axes import Windows, parts_of, plain, whole
from ._blocks import PoolBlock
from ._graph import blocks_of, check_input, check_threads

# "raise" would be an error of a task, with places in its block
NAN = ("propagate", "omit")
# pool_fold.pxd: taps that are folded one by one, rows of a window that are folded by blocks, columns and output rows up
# to which rows are folded together
MANY_TAPS, MANY_ROWS, NARROW, FEW_ROWS = 5, 4, 64, 3


def _ordered(spec):
    """(least, align) of each canonical axis, so that a block adds in the order of the whole.

    A window that is the whole plane is a case of its own, which no block of two outputs is. Tall windows that overlap
    are sums of blocks of rows, counted from the padded top. Volumes of few columns are folded along the depth first,
    others plane by plane.
    """
    least, align = [2, 2, 2], [1, 1, 1]
    _, rows, columns = spec.output_size
    depth, height, width = spec.kernel_size
    stride = spec.stride[1]
    if spec.dilation[1] == 1 and height > 2 * stride + MANY_ROWS and rows > 1:
        align[1] = lcm(height, stride) // stride
    if depth > 1 and height > 1 and max(height, width) <= MANY_TAPS and rows > FEW_ROWS:
        reach, step = (width - 1) * spec.dilation[2], spec.stride[2]
        if (columns - 1) * step + reach < NARROW:
            least[1] = FEW_ROWS + 1
        else:
            least[2] = max(2, (NARROW - reach - 1) // step + 2)
    return least, align


def _pooled(label, input, spec, dtype, nan, num_threads):
    """The graph of a spec; `dtype`: of the result."""
    least, align = _ordered(spec)
    axes = {axis: i for i, axis in enumerate(spec.input_axes[1:]) if axis >= 0}
    channel = spec.input_axes[0]
    parts = []
    for axis, size in enumerate(input.shape):
        if axis in axes and max(spec.output_size) == 1:
            # one window, which may be the whole plane or not: no block may be another case
            parts.append([whole(size, 1)._replace(pad=spec.pad_before[axes[axis]])])
        elif axis in axes:
            i = axes[axis]
            windows = Windows(
                size, spec.output_size[i], spec.kernel_size[i], spec.stride[i], spec.dilation[i], spec.pad_before[i],
                "constant", least[i], align[i],
            )  # fmt: skip
            parts.append(parts_of(windows, input.chunks[axis]))
        else:
            # channels that are neighbours in memory are added side by side, which is another order if they are few
            chunks = (size,) if axis == channel == input.ndim - 1 else input.chunks[axis]
            parts.append(parts_of(plain(size), chunks))

    def spec_of(taken):
        sizes = {name: list(getattr(spec, name)) for name in ("input_size", "output_size", "pad_before", "pad_after")}
        for axis, i in axes.items():
            part = taken[axis]
            sizes["input_size"][i] = part.pieces[0][1]
            sizes["output_size"][i], sizes["pad_before"][i] = part.outputs, part.pad
            sizes["pad_after"][i] = spec.pad_after[i] if part.is_last else 0
        return spec._replace(
            batch_shape=tuple([taken[axis].outputs for axis in spec.input_batch_axes]),
            channels=taken[channel].outputs,
            output_shape=tuple([part.outputs for part in taken]),
            **{name: tuple(values) for name, values in sizes.items()},
        )

    def make(taken, region):
        places = None
        if spec.with_indices:
            places = tuple([(taken[axis].pieces[0][1], taken[axis].origin, input.shape[axis]) for axis in axes])
        keep = tuple([part.keep for part in taken])
        return PoolBlock(region, keep, spec_of(taken), dtype, nan, places, num_threads)

    dtypes, placed = ([dtype, INDEX], axes) if spec.with_indices else ([dtype], ())
    results = blocks_of(label, input, parts, make, (), dtypes, (spec, nan, num_threads), placed)
    return tuple(results) if spec.with_indices else results[0]


def _extreme_pool_of(kind, rank):
    def pool(
        input, kernel_size, *, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False,
        nan="propagate", data_format="channels_first", num_threads=1,
    ):  # fmt: skip
        check_input(input, pool.__name__)
        num_threads = check_threads(num_threads)
        check_choice(nan, "nan", NAN)
        spec = pool_spec(
            kind, rank, input.shape, input.dtype,
            *frozen((kernel_size, stride, padding, dilation, ceil_mode, return_indices, True, None)),
            nan == "omit", data_format, None,
        )  # fmt: skip
        return _pooled(pool.__name__, input, spec, spec.output_dtype, nan, num_threads)

    return _docs.finish(pool, f"{kind}_pool{rank}d", rank)


def _avg_pool_of(rank):
    def avg_pool(
        input, kernel_size, *, stride=None, padding=0, dilation=1, ceil_mode=False, count_include_pad=True,
        divisor_override=None, nan="propagate", data_format="channels_first", out_dtype=None, num_threads=1,
    ):  # fmt: skip
        check_input(input, avg_pool.__name__)
        num_threads = check_threads(num_threads)
        check_choice(nan, "nan", NAN)
        spec = pool_spec(
            "avg", rank, input.shape, input.dtype, *frozen((kernel_size, stride, padding, dilation, ceil_mode)), False,
            count_include_pad, divisor_override, nan == "omit", data_format, out_dtype,
        )  # fmt: skip
        dtype = spec.output_dtype
        if input.dtype.kind == "c":
            dtype = np.result_type(dtype, np.complex64)
        return _pooled(avg_pool.__name__, input, spec, dtype, nan, num_threads)

    return _docs.finish(avg_pool, f"avg_pool{rank}d", rank)


def _lp_pool_of(rank):
    def lp_pool(
        input, norm_type, kernel_size, *, stride=None, ceil_mode=False, nan="propagate", data_format="channels_first",
        num_threads=1,
    ):  # fmt: skip
        check_input(input, lp_pool.__name__)
        num_threads = check_threads(num_threads)
        check_choice(nan, "nan", NAN)
        spec = pool_spec(
            "lp", rank, input.shape, input.dtype, *frozen((kernel_size, stride)), 0, 1, ceil_mode, False, False, None,
            nan == "omit", data_format, None, norm_of(norm_type),
        )  # fmt: skip
        return _pooled(lp_pool.__name__, input, spec, spec.output_dtype, nan, num_threads)

    return _docs.finish(lp_pool, f"lp_pool{rank}d", rank)


max_pool1d, max_pool2d, max_pool3d = (_extreme_pool_of("max", rank) for rank in (1, 2, 3))
min_pool1d, min_pool2d, min_pool3d = (_extreme_pool_of("min", rank) for rank in (1, 2, 3))
avg_pool1d, avg_pool2d, avg_pool3d = map(_avg_pool_of, (1, 2, 3))
lp_pool1d, lp_pool2d, lp_pool3d = map(_lp_pool_of, (1, 2, 3))
