"""Whole arrays in pieces: one loop of NumPy's over a large array would keep Ctrl-C waiting until its end."""

import itertools
import math

from ._memory import empty_like

# Elements of a piece: 2 ms to copy, 20 in memory that is fresh from the system or read against its order.
PIECE = 1 << 21


def pieces(shape, most=PIECE):
    """Index tuples of boxes of at most `most` elements that make up an array of this shape, in C order. Views of them
    have as many axes as the array."""
    if math.prod(shape) <= most:
        yield (slice(None),) * len(shape) or (...,)
        return
    axis, below = 0, math.prod(shape[1:])
    while below > most:
        axis += 1
        below //= shape[axis]
    step = max(1, most // below)
    rest = (slice(None),) * (len(shape) - axis - 1)
    for outer in itertools.product(*map(range, shape[:axis])):
        for start in range(0, shape[axis], step):
            yield (*[slice(i, i + 1) for i in outer], slice(start, start + step), *rest)


def copying(target, source):
    """The steps of copy(), for who looks for interrupts between them."""
    for piece in pieces(target.shape):
        target[piece] = source[piece]
        yield


def copy(target, source):
    """target[...] = source, of the same shape."""
    for _ in copying(target, source):
        pass


def mapped(function, dtype, *arrays):
    """A new array of what `function` makes of pieces of the arrays, which have the same shape."""
    out = empty_like(arrays[-1], dtype)
    for piece in pieces(out.shape):
        out[piece] = function(*[array[piece] for array in arrays])
    return out


def touch(array):
    """Let the system clear the memory of a new array, in order: the first of its columns to be written would wait for
    nearly all of it, 0.3 s for 300 MB."""
    line = array.reshape(-1)
    for (piece,) in pieces(line.shape):
        line[piece][:: 4096 // array.itemsize] = 0
