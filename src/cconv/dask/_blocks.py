"""What a task does: assemble its region, run one operator on it, cut off what it need not return.

Design:
  a. A block is the spec of the whole array with other extents: what cconv validated once, for the whole array, is not
     said again. Strides stay those of the whole, even where a block takes one step only, for they decide the order of
     sums.
  b. Blocks are small, hashable and pickled; operators are made where they run, once per worker and spec.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from .. import _threads, ndimage
from .._fft import layer_operator
from .._pool_calls import Entry, run_extreme, run_sum
from .._pooling import Pooling
from .._shapes import ConvSpec, PoolSpec
from ..linear_filter import filter_operator
from ._graph import Region


def kept(result, keep):
    """The part of a result, from start to stop along each axis; a copy unless that is all."""
    if keep == tuple([(0, size) for size in result.shape]):
        return result
    return result[tuple([slice(*ends) for ends in keep])].copy()


@lru_cache(maxsize=512)
def _convolution(spec, method):
    """`method`: that of a filter, None for a layer."""
    return layer_operator(spec).run if method is None else filter_operator(spec, method)


@dataclass(frozen=True)
class ConvolutionBlock:
    region: Region
    keep: tuple[tuple[int, int], ...]
    spec: ConvSpec
    method: str | None
    weight: tuple[tuple[int, int] | None, ...] | None  # the part of a weight with batch axes
    num_threads: int | None

    def __call__(self, pieces, weight, bias):
        if self.weight is not None:
            weight = weight[tuple([slice(*ends) if ends else slice(None) for ends in self.weight])]
        run = _convolution(self.spec, self.method)
        return kept(run(self.region.assembled(pieces), weight, bias, None, self.num_threads), self.keep)


@lru_cache(maxsize=512)
def _pooling(spec, dtype, nan):
    return Entry(Pooling(spec).run, spec.output_shape, dtype, spec.with_indices, nan)


@dataclass(frozen=True)
class PoolBlock:
    region: Region
    keep: tuple[tuple[int, int], ...]
    spec: PoolSpec
    dtype: np.dtype
    nan: str
    places: tuple[tuple[int, int, int], ...] | None  # of indices: (extent of the block, its origin, extent of all)
    num_threads: int | None

    def __call__(self, pieces):
        # the layout decides in which order samples are added, and that of the whole is this
        region = np.ascontiguousarray(self.region.assembled(pieces))
        entry = _pooling(self.spec, self.dtype, self.nan)
        if self.spec.kind in ("avg", "lp"):
            return kept(run_sum(entry, region, None, self.num_threads), self.keep)
        found = run_extreme(entry, region, None, self.num_threads)
        if self.places is None:
            return kept(found, self.keep)
        values, indices = [kept(array, self.keep) for array in found]
        return values, self._moved(indices)

    def _moved(self, indices):
        """Flat places in the block as flat places in the whole."""
        result, step = np.zeros_like(indices), 1
        for extent, origin, size in reversed(self.places):
            indices, place = np.divmod(indices, max(extent, 1))
            result += (place + origin) * step
            step *= size
        return result


@dataclass(frozen=True)
class FilterBlock:
    region: Region
    keep: tuple[tuple[int, int], ...]
    function: str  # of cconv.ndimage
    arguments: Any  # Arguments
    num_threads: int | None

    def __call__(self, pieces):
        function = getattr(ndimage, self.function)
        region = self.region.assembled(pieces)
        if self.num_threads is None:
            return kept(function(region, **self.arguments.named), self.keep)
        with _threads.num_threads(self.num_threads):
            return kept(function(region, **self.arguments.named), self.keep)


class Arguments:
    """Keyword arguments, as one object that blocks share."""

    def __init__(self, named):
        self.named = named
