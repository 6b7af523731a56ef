"""Which samples a block of outputs needs, along one axis: interval arithmetic, without arrays.

Design:
  a. A block computes its outputs from a region of the input. Where the region ends with the array, the border is left
     to the kernel, which knows it; where it ends inside, no window reaches over its end. So borders need no case of
     their own here, but for those that repeat samples from further away than the region has (it is enlarged) and
     "wrap", whose samples lie at the other end: they are gathered, piece by piece.
  b. A block may compute more outputs than it keeps: to begin where a kernel's order of summation begins anew (`align`),
     to be as large as some kernel needs to be the one that the whole array gets (`least`), or to begin with a sample
     that a border repeats. What is left over is cut off.
  c. Outputs belong to the chunk of the sample in the middle of their window, and so to the chunks of the input itself
     where there are as many outputs as samples.
"""

from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple


class Windows(NamedTuple):
    """Tap j of window o meets sample ``o * stride - pad + j * dilation`` of `size`."""

    size: int
    outputs: int
    taps: int = 1
    stride: int = 1
    dilation: int = 1
    pad: int = 0
    boundary: str = "constant"
    least: int = 1  # outputs that a block computes, if there are as many
    align: int = 1  # of which the first computed output is a multiple


class Part(NamedTuple):
    """What one block has of an axis."""

    outputs: int  # computed
    keep: tuple[int, int]  # and kept, of these
    pieces: tuple[tuple[int, int], ...]  # samples, in this order
    origin: int  # the number of the first of them; negative where "wrap" begins before the array
    pad: int  # outside of them, before the first window's first tap
    boundary: str
    is_last: bool  # do they end with the array?


def plain(size):
    """An axis along which nothing happens."""
    return Windows(size, size)


def whole(size, outputs):
    """The one part of an axis that is not cut."""
    return Part(outputs, (0, outputs), ((0, size),), 0, 0, "constant", True)


def output_chunks(axis, chunks):
    """Sizes of the output's chunks; none is empty unless all are."""
    if not axis.size or not axis.outputs:
        return (axis.outputs,)
    middle = axis.pad if axis.stride == 1 and axis.outputs == axis.size else (axis.taps - 1) * axis.dilation // 2
    ends = [-(-(end + axis.pad - middle) // axis.stride) for end in accumulate(chunks)]
    ends = [max(0, min(axis.outputs, end)) for end in ends[:-1]] + [axis.outputs]
    return tuple([end - start for start, end in zip([0, *ends], ends, strict=False) if end > start])


def parts_of(axis, chunks):
    """The part of each of the output's chunks."""
    if not axis.size or not axis.outputs:
        part = whole(axis.size, axis.outputs)
        return [part._replace(pad=axis.pad, boundary=axis.boundary)]
    ends = list(accumulate(output_chunks(axis, chunks)))
    return [_part(axis, low, high) for low, high in zip([0, *ends], ends, strict=False)]


def _part(axis, low, high):
    """The part that has outputs low <= o < high."""
    first_kept, kept = low, high - low
    low, high = _widened(axis, low, high)
    first, last = _reach(axis, low, high)
    if axis.boundary == "wrap" and (first < 0 or last >= axis.size) and (low > 0 or high < axis.outputs):
        pieces, origin, pad, boundary, is_last = _wrapped(axis.size, first, last), first, 0, "constant", False
    else:
        start, stop = _region(axis, first, last)
        if start < first:
            # its first sample is there for the border behind
            low, high = _widened(axis, max(0, (start + axis.pad) // axis.stride), high)
            first, last = _reach(axis, low, high)
            start, stop = _region(axis, first, last)
        pieces, origin, pad, is_last = ((start, stop),), start, start - first, stop == axis.size
        boundary = axis.boundary if first < 0 or last >= axis.size else "constant"
    return Part(high - low, (first_kept - low, first_kept - low + kept), pieces, origin, pad, boundary, is_last)


def _widened(axis, low, high):
    low = low // axis.align * axis.align
    high = min(axis.outputs, max(high, low + axis.least))
    return min(low, max(0, high - axis.least) // axis.align * axis.align), high


def _reach(axis, low, high):
    """The first and the last sample under windows low <= o < high, of the padded axis."""
    first = low * axis.stride - axis.pad
    return first, (high - 1) * axis.stride - axis.pad + (axis.taps - 1) * axis.dilation


def _region(axis, first, last):
    """(start, stop) of the samples that windows from `first` to `last` need; at least one."""
    size, name = axis.size, axis.boundary
    start = min(max(first, 0), size - 1)
    stop = max(min(last + 1, size), start + 1)
    before, after = max(0, -first), max(0, last - size + 1)
    mirrored = {"reflect": 1, "symmetric": 0}.get(name)
    far = 0 if name == "wrap" else size - 1 if mirrored is not None else size + max(before, after)
    if max(before, after) > far:
        return 0, size
    if mirrored is not None and before:
        stop = max(stop, before + mirrored)
    if mirrored is not None and after:
        start = min(start, size - after - mirrored)
    return max(0, start), min(size, stop)


def _wrapped(size, first, last):
    """The samples from `first` to `last` of an array that repeats itself."""
    pieces = []
    while first <= last:
        start = first % size
        stop = min(size, start + last + 1 - first)
        pieces.append((start, stop))
        first += stop - start
    return tuple(pieces)


def located(pieces, chunks):
    """(chunk, first sample, last sample + 1 of it) of all pieces, in their order."""
    ends = list(accumulate(chunks))
    found = []
    for start, stop in pieces:
        if start == stop:
            # of an empty axis
            found.append((0, 0, 0))
        while start < stop:
            chunk = bisect_right(ends, start)
            begin = ends[chunk] - chunks[chunk]
            end = min(stop, ends[chunk])
            found.append((chunk, start - begin, end - begin))
            start = end
    return found
