"""Graphs of dask arrays: for each block of the result one task, and one per piece of a neighbour that it needs.

Design:
  a. A piece of a chunk is a task of its own, so that only the piece travels between workers; what is used whole is not
     cut.
  b. Keys, slices and blocks are made axis by axis first: a block costs a few look-ups. Equal blocks are one object.
  c. Nothing here looks at samples, and everything is refused before the graph is built. A chunk that is not what the
     array said is refused when it comes: the kernels believe shapes.
"""

from dataclasses import dataclass
from itertools import product
from math import isnan

import numpy as np

try:
    import dask.array as da
    from dask.base import tokenize
    from dask.highlevelgraph import HighLevelGraph
except ImportError as error:
    raise ImportError("cconv.dask needs Dask and its arrays: pip install 'cconv[dask]'") from error

from .._calls import as_array, check_num_threads
from ._axes import located


def check_input(input, name):
    """Refuse what is no dask array of NumPy arrays with known chunks; `name`: the function that takes others."""
    if not isinstance(input, da.Array):
        shown = type(input).__name__
        raise TypeError(f"input must be a dask array; got {shown}: arrays in memory are for cconv.{name}")
    if any(isnan(size) for size in input.shape):
        axes = [axis for axis, size in enumerate(input.shape) if isnan(size)]
        raise ValueError(
            f"input has chunks of unknown sizes along axes {axes}, shape {input.shape}: "
            f"call input.compute_chunk_sizes() first"
        )
    meta = type(input._meta)
    if not issubclass(meta, np.ndarray) or issubclass(meta, np.ma.MaskedArray):
        shown = f"{meta.__module__}.{meta.__name__}"
        raise TypeError(f"input must be made of NumPy arrays without a mask; its chunks are {shown}")


def check_threads(num_threads):
    return None if num_threads is None else check_num_threads(num_threads)


def in_memory(value, name):
    """A kernel, weight or bias as an array; a copy, for the graph may run much later."""
    if hasattr(value, "__dask_graph__"):
        raise TypeError(f"{name} must be an array in memory, every block takes it; got a dask collection: compute() it")
    return np.array(as_array(value, name))


@dataclass(frozen=True)
class Region:
    """The input of a block: lengths of its pieces along each axis, and what its samples are."""

    lengths: tuple[tuple[int, ...], ...]
    dtype: np.dtype

    def assembled(self, pieces):
        """One array of all pieces, which come in C order."""
        pieces = [np.asarray(piece) for piece in pieces]
        for piece, shape in zip(pieces, product(*self.lengths), strict=True):
            if piece.shape != shape or piece.dtype != self.dtype:
                raise ValueError(
                    f"input has a chunk of another shape or type than its dask array says: a piece is "
                    f"{piece.dtype}{list(piece.shape)}, not {self.dtype}{list(shape)}"
                )
        if len(pieces) == 1:
            return pieces[0]
        result = np.empty([sum(lengths) for lengths in self.lengths], self.dtype)
        for piece, place in zip(pieces, product(*map(_runs, self.lengths)), strict=True):
            result[place] = piece
        return result


def _runs(lengths):
    """The slices that follow each other."""
    start, runs = 0, []
    for length in lengths:
        runs.append(slice(start, start + length))
        start += length
    return runs


def cut(chunk, place):
    """A part of a chunk: a copy where it is much smaller, so that the rest need not stay in memory."""
    part = np.asarray(chunk)[place]
    return part.copy() if 2 * part.nbytes < chunk.nbytes else part


def blocks_of(label, input, parts, make, arrays, dtypes, token, placed=()):
    """The dask arrays that blocks of `input` become, one per dtype.

    Parameters
    ----------
    label : str
        For the names of tasks.
    parts : list of list of Part
        Per axis, those of each chunk of the result.
    make : callable
        ``make(parts of a block, Region)`` -> ``block(pieces, *arrays)``, which returns an array, or as many as there
        are dtypes. A part comes as one piece from 0 on, its origin 0 too except along a `placed` axis: so equal
        blocks are made once.
    arrays : sequence of ndarray or None
        What every block takes besides.
    dtypes : sequence of dtype
        Of the results.
    token : tuple
        All that the result depends on but the input and arrays.
    placed : container of int
        Axes along which blocks differ by where they are.
    """
    name = f"cconv-{label}-{tokenize(input.name, token, [np.asarray(a) for a in arrays if a is not None])}"
    graph = {}
    extra = []
    for number, array in enumerate(arrays):
        extra.append(None if array is None else f"{name}-array{number}")
        if array is not None:
            graph[extra[-1]] = array
    described = [
        [_described(part, chunks, axis in placed) for part in own]
        for axis, (own, chunks) in enumerate(zip(parts, input.chunks, strict=True))
    ]
    blocks, piece_name = {}, f"{name}-piece"
    for index in product(*[range(len(own)) for own in parts]):
        kinds, pieces = zip(*[own[i] for own, i in zip(described, index, strict=True)], strict=True)
        block = blocks.get(kinds)
        if block is None:
            taken, lengths = zip(*kinds, strict=True)
            block = blocks[kinds] = make(taken, Region(lengths, input.dtype))
        keys = []
        for number, piece in enumerate(product(*pieces)):
            chunks, places, wholes = zip(*piece, strict=True)
            if all(wholes):
                keys.append((input.name, *chunks))
            else:
                keys.append((piece_name, *index, number))
                graph[keys[-1]] = (cut, (input.name, *chunks), places)
        graph[(name, *index)] = (block, keys, *extra)
    chunks = tuple([tuple([part.keep[1] - part.keep[0] for part in own]) for own in parts])
    names = [name]
    if len(dtypes) > 1:
        names = [f"{name}-{number}" for number in range(len(dtypes))]
        for index in product(*[range(len(own)) for own in parts]):
            for number, own_name in enumerate(names):
                graph[(own_name, *index)] = (_entry, (name, *index), number)
    results = []
    for own_name, dtype in zip(names, dtypes, strict=True):
        layered = HighLevelGraph.from_collections(own_name, graph, dependencies=[input])
        results.append(da.Array(layered, own_name, chunks, meta=np.empty((0,) * len(chunks), dtype)))
    return results


def _described(part, chunks, is_placed):
    """((the part as blocks see it, lengths of its pieces), [(chunk, its slice, is that all of it?) of each piece])."""
    found = located(part.pieces, chunks)
    lengths = tuple([stop - start for _, start, stop in found])
    own = part._replace(pieces=((0, sum(lengths)),), origin=part.origin if is_placed else 0)
    pieces = [(chunk, slice(start, stop), stop - start == chunks[chunk]) for chunk, start, stop in found]
    return (own, lengths), pieces


def _entry(results, number):
    return results[number]
