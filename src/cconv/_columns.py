"""Windows as columns, and columns added up again: the loops of `unfold` and `fold`.

Design:
  a. Strided copies and sums, a tap at a time: a window's samples under one tap are a strided part of the input, and one
     column row. Padding is what no tap's part covers. NumPy's loops along the last axis run at the speed of memory for
     that, so there is nothing to compile.
  b. Both go channel by channel, in blocks that stay in the second-level cache between the taps; threads take runs of
     blocks. The order of every sum is that of the taps.
"""

import itertools
from functools import lru_cache
from math import prod

import numpy as np

from ._helpers import share_out
from ._limits import max_num_threads
from ._pieces import copying, pieces

# Bytes of `columns` per block, and those from which a second thread pays its start of about 30 us.
BLOCK_BYTES = 1 << 19
PARALLEL_BYTES = 1 << 21


@lru_cache(256)
def taps(axes, kernel, stride, dilation):
    """((tap, outputs whose sample is inside, those samples), ...), as index tuples over the spatial axes."""
    found = []
    for tap in itertools.product(*map(range, kernel)):
        outputs, samples = [], []
        for axis, j, step, spread in zip(axes, tap, stride, dilation, strict=True):
            first = j * spread - axis.before  # sample of output 0
            low = max(0, -(first // step))
            high = max(low, min(axis.output, (axis.size - 1 - first) // step + 1))
            start = axis.start + first + low * step
            outputs.append(slice(low, high))
            samples.append(slice(start, start + (high - low - 1) * step + 1, step) if high > low else slice(0, 0))
        found.append((tap, tuple(outputs), tuple(samples)))
    return tuple(found)


def gather(input, columns, cleared, axes, kernel, stride, dilation, num_threads):
    """columns[n, c, *tap, *output] = input[n, c, *sample], 0 in padding; `cleared`: that is there already."""
    every = taps(tuple(axes), kernel, stride, dilation)

    def run(part):
        if not cleared:
            yield from copying(columns[part], np.broadcast_to(0, columns[part].shape))
        for tap, outputs, samples in every:
            yield from copying(columns[(*part, *tap, *outputs)], input[(*part, *samples)])

    share(run, columns, num_threads)


def scatter(columns, output, axes, kernel, stride, dilation, num_threads):
    """output[n, c, *sample] = the sum of what `gather` would have read there."""
    every = taps(tuple(axes), kernel, stride, dilation)
    wider = np.dtype(np.float32) if output.dtype == np.float16 else output.dtype.newbyteorder("=")

    def run(block):
        target = output[block]
        total = target if target.dtype == wider else np.empty(target.shape, wider)
        yield from copying(total, np.broadcast_to(0, total.shape))
        for tap, outputs, samples in every:
            sums, terms = total[(..., *samples)], columns[(*block, *tap, *outputs)]
            for piece in pieces(sums.shape):
                sums[piece] += terms[piece]
                yield
        if total is not target:
            yield from copying(target, total)

    share(run, columns, num_threads)


def share(run, columns, num_threads):
    """run((batch elements, channels)) for blocks of `columns` (N, C, ...), shared out among threads."""
    if columns.size == 0:
        return
    batch, channels = columns.shape[:2]
    step = max(1, BLOCK_BYTES // (prod(columns.shape[2:]) * columns.itemsize))
    images = max(1, step // channels)
    blocks = [(slice(n, n + images), slice(c, c + step))
              for n in range(0, batch, images) for c in range(0, channels, step)]  # fmt: skip
    threads = max_num_threads() if num_threads is None else min(num_threads, max_num_threads())
    threads = min(threads, len(blocks), 1 + columns.nbytes // PARALLEL_BYTES)
    share_out(iter(blocks), run, threads)
