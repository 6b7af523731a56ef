"""Where an FFT keeps a componentwise error bound: the check of the samples that method="auto" makes."""

import itertools
import math

import numpy as np

# The bounds of Design b. In a search over noise, tones, chirps, constants, steps and single spikes, of lengths up to
# 2**18, BOUND came to 6.5 (a tone with a kernel of one tap), and to less than 1 for noise.
BOUND = 8
GUARDED_BOUND = 4096
# A sample is small if it is so many times smaller than the largest of its tile.
SMALL = 64


class Guard:
    """Where FFT is within GUARDED_BOUND, for one piece of one kernel.

    The error of an output is at most BOUND * eps * m * sum|w|, m the largest magnitude of the tile's samples. Call
    a sample small if it is below m / SMALL. If n samples in the window of an output are small, then
        sum |w||x|  >=  m / SMALL * (sum of |w| over the taps inside the array  -  sum of the n largest |w|),
    wherever the small ones stand. That is asked for cell by cell, a cell being a box of outputs a quarter (1-D: an
    eighth) of the kernel wide, with the number of small samples in the union of its windows: so it costs a
    comparison and a few additions per sample.
    """

    def __init__(self, operator, part, start):
        spec, tiling = operator.spec, operator.tiling
        self.operator, self.start, self.taps = operator, start, part.shape
        weights = np.abs(part[::-1, ::-1, ::-1]).astype(np.float64)
        self.norm = float(weights.sum())
        self.largest = np.concatenate([[0.0], np.cumsum(np.sort(weights, axis=None)[::-1])])
        table = weights
        for axis in range(3):
            if part.shape[axis] > 1:
                table = np.cumsum(table, axis=axis)
        self.table = np.pad(table, [(1, 0)] * 3)
        self.needed = self.norm * BOUND * SMALL / GUARDED_BOUND * (math.sqrt(2) if spec.is_complex else 1)
        # as many small samples in a window of which all taps meet samples
        self.allowed = int(np.searchsorted(self.largest, self.norm - self.needed, side="right")) - 1
        info = np.finfo(operator.dtype)
        self.least = float(info.tiny) / float(info.eps) * SMALL
        self.most = float(info.max) / 8 / math.prod(tiling.length) ** 2
        self.hollow = [name == "constant" and spec.cval == 0 for name in spec.boundary]
        parts = 8 if sum(p > 1 for p in tiling.piece) == 1 else 4
        self.cell = [min(-(-p // parts), s) for p, s in zip(tiling.piece, tiling.step, strict=True)]
        self.inside = [self._inside(axis) for axis in range(3)]
        self.cells = [-(-s // c) for s, c in zip(tiling.step, self.cell, strict=True)]

    def check(self, buffer, d, h, tiles):
        """Which cells of the tiles in `buffer` FFT may do: (rows, tiles, cells per axis)."""
        parts = (buffer.real, buffer.imag) if buffer.dtype.kind == "c" else (buffer,)
        magnitude = np.abs(parts[0])
        for part in parts[1:]:
            np.maximum(magnitude, np.abs(part), out=magnitude)
        peak = magnitude.max(axis=(2, 3, 4), keepdims=True)
        count = magnitude < peak / SMALL
        for axis in (2, 1, 0):
            count = self._count_windows(count, axis)
        if math.isfinite(self.norm):
            scale = peak.astype(np.float64) * self.norm
            good = (peak == 0) | ((scale > self.least) & (scale < self.most))
        else:
            good = np.zeros(peak.shape, bool)
        inside = self.inside[2] if d in self.inside[0] and h in self.inside[1] else ()
        edges = [i for i, w in enumerate(tiles) if w not in inside]
        enough = (count <= self.allowed) | (peak == 0)
        for i in edges:
            weight, padded, unused = self._borders(d, h, tiles[i])
            n = np.clip(count[:, i] - padded, 0, len(self.largest) - 1)
            enough[:, i] = (weight - self.largest[n] >= self.needed) | unused | (peak[:, i] == 0)
        return enough & good

    def _inside(self, axis):
        """The tiles along an axis that hold neither hollow padding nor cells without outputs."""
        spec, tiling = self.operator.spec, self.operator.tiling
        step, first, end = tiling.step[axis], 0, spec.output_size[axis] // tiling.step[axis]
        if self.hollow[axis]:
            shift = spec.pad_before[axis] - self.start[axis]
            first = max(0, -(-shift // step))
            end = min(end, (spec.input_size[axis] - tiling.length[axis] + shift) // step + 1)
        return range(first, end)

    def _blocks(self, axis):
        """Blocks of the extent of a cell that the windows of a cell touch."""
        return -(-(self.cell[axis] + self.taps[axis] - 1) // self.cell[axis])

    def _count_windows(self, count, axis):
        """Along one axis, from samples to cells: what the windows of each hold."""
        length, cells = count.shape[axis + 2], np.arange(self.cells[axis])
        if length == 1:
            return count
        total = np.add.reduceat(count, np.arange(0, length, self.cell[axis]), axis=axis + 2, dtype=np.int32)
        blocks = total.shape[axis + 2]
        end = np.minimum(cells + self._blocks(axis), blocks)
        sums = np.cumsum(total, axis=axis + 2, dtype=np.int32)
        return sums.take(end - 1, axis=axis + 2) - sums.take(cells, axis=axis + 2) + total.take(cells, axis=axis + 2)

    def _borders(self, *tile):
        """Per cell: (weight of the taps that meet samples, how many counted samples are padding, is there no such
        output)."""
        spec, tiling = self.operator.spec, self.operator.tiling
        ranges, touched, real, unused = [], [], [], []
        for axis in range(3):
            cell, size, taps = self.cell[axis], spec.input_size[axis], self.taps[axis]
            local = np.arange(self.cells[axis]) * cell
            first = local + tile[axis] * tiling.step[axis]
            last = np.minimum(np.minimum(local + cell, tiling.step[axis]) + tile[axis] * tiling.step[axis],
                              spec.output_size[axis]) - 1  # fmt: skip
            end = np.minimum(local + self._blocks(axis) * cell, tiling.length[axis])
            unused.append(last < first)
            # samples that the first tap of this piece meets
            shift = self.start[axis] - spec.pad_before[axis] + tile[axis] * tiling.step[axis]
            low, high = np.zeros_like(local), np.full_like(local, taps)
            extent = end - local
            kept = extent
            if self.hollow[axis]:
                offset = self.start[axis] - spec.pad_before[axis]
                low = np.clip(-(first + offset), 0, taps)
                high = np.clip(size - (last + offset), low, taps)
                kept = np.clip(np.minimum(end + shift, size) - np.maximum(local + shift, 0), 0, None)
            ranges.append((low, high))
            touched.append(extent)
            real.append(kept)
        unused = unused[0][:, None, None] | unused[1][:, None] | unused[2]
        inside = 0
        # the table is 0 where a tap range begins at 0
        for corner in itertools.product(*[(0, 1) if low.any() else (1,) for low, _ in ranges]):
            sign = (-1) ** (3 - sum(corner))
            inside = inside + sign * self.table[np.ix_(*[ranges[axis][side] for axis, side in enumerate(corner)])]
        padded = _outer(touched) - _outer(real)
        return inside, padded, unused


def _outer(extents):
    return extents[0][:, None, None] * extents[1][:, None] * extents[2]
