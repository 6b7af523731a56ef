"""Where an FFT keeps a componentwise error bound: the check of the samples that method="auto" makes."""

import itertools
import math
from functools import cached_property

import numpy as np

# The bounds of Design b. In a search over noise, tones, chirps, constants, steps and single spikes, of lengths up to
# 2**18, BOUND came to 6.5 (a tone with a kernel of one tap), and to less than 1 for noise.
BOUND = 8
GUARDED_BOUND = 4096
# A sample is small if it is so many times smaller than the largest of its tile.
SMALL = 32


class Guard:
    """Where FFT is within GUARDED_BOUND, for one piece of one kernel.

    The error of an output is at most BOUND * eps * m * sum|w|, m the largest magnitude of the tile's samples. Call
    a sample small if it is below m / SMALL. If n samples in the window of an output are small, then
        sum |w||x|  >=  m / SMALL * (sum of |w| over the taps inside the array  -  sum of the n largest |w|),
    wherever the small ones stand. That is asked for cell by cell, a cell being a box of outputs a quarter (1-D: a
    sixteenth) of the kernel wide, with the number of small samples in the union of its windows: so it costs a
    comparison and an addition per sample, which the compiled tasks do. n times the largest |w| stands for the n
    largest, unless that is too much somewhere.
    """

    def __init__(self, operator, weights, start):
        """`weights`: magnitudes of the piece's taps, in the order of the samples that they meet."""
        spec, tiling = operator.spec, operator.tiling
        self.operator, self.start, self.weights = operator, start, weights
        self.norm = float(weights.sum())
        self.needed = self.norm * BOUND * SMALL / GUARDED_BOUND * (math.sqrt(2) if spec.is_complex else 1)
        self.peak = float(weights.max())
        # as many small samples hide no more, in a window of which all taps meet samples
        spare = self.norm - self.needed
        self.allowed = int(spare / self.peak) if 0 < self.peak < math.inf else 0
        info = np.finfo(operator.dtype)
        self.least = float(info.tiny) / float(info.eps) * SMALL
        self.most = float(info.max) / 8 / math.prod(tiling.length) ** 2
        self.hollow = [name == "constant" and spec.cval == 0 for name in spec.boundary]
        self.known = {}

    def check(self, peaks, counts, tiles):
        """Which cells FFT may do, (tiles, cells per axis), or True for all. Per tile: the largest magnitude, how many
        samples of each block are small, those of hollow padding left out, and its number."""
        operator = self.operator
        quiet = peaks == 0
        scale = peaks * self.norm
        good = quiet | ((scale > self.least) & (scale < self.most)) if math.isfinite(self.norm) else quiet & False
        kinds = self._kinds[tiles]
        # the blocks of a window hold no more than as many times the fullest one
        most = int(counts.max()) * math.prod([self._blocks(axis) for axis in range(3)])
        easy = most <= self.allowed
        enough = np.ones((len(peaks), *operator.cells), bool)
        windows = None if easy else self._windows(counts)
        if not easy:
            self._suffices(windows, self.norm - self.needed, enough)
        for kind in set(kinds.tolist()) - {-1}:
            here = np.flatnonzero(kinds == kind)
            weight, unused, least = self._borders(kind)
            if easy and most * self.peak <= least:
                continue
            n = self._windows(counts[here]) if easy else windows[here]
            enough[here] = self._suffices(n, np.where(unused, np.inf, weight - self.needed), np.empty(n.shape, bool))
        if good.all() and enough.all():
            return True
        return (enough | quiet[:, None, None, None]) & good[:, None, None, None]

    @cached_property
    def _kinds(self):
        """Per tile: -1, or the number of the first tile that meets borders in the same way."""
        tiles, places = self.operator.tiles, []
        borders = np.zeros(tiles, bool)
        for axis, extent in enumerate(tiles):
            place = np.arange(extent)
            inside = self._inside(axis)
            at = np.ones(extent, bool)
            if len(inside):
                at[inside.start : inside.stop] = False
                place[inside.start : inside.stop] = inside.start
            places.append(place)
            borders |= at.reshape([-1 if i == axis else 1 for i in range(3)])
        kinds = np.ravel_multi_index(np.ix_(*places), tiles)
        return np.where(borders, kinds, -1).ravel()

    def _suffices(self, n, spare, out):
        """Where n small samples hide no more weight than may be spared. First by the largest weight alone: sorting them
        takes as long as transforming as many samples."""
        np.less_equal(n * self.peak, spare, out=out)
        if not out.all():
            np.less_equal(self._largest[np.minimum(n, len(self._largest) - 1)], spare, out=out)
        return out

    @cached_property
    def _largest(self):
        """The sum of the n largest weights, n = 0 and on."""
        return np.concatenate([[0.0], np.cumsum(np.sort(self.weights, axis=None)[::-1])])

    def _windows(self, counts):
        """From blocks to cells: what the windows of each hold at most."""
        for axis in (2, 1, 0):
            counts = self._count_windows(counts, axis)
        return counts

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
        cell = self.operator.cell[axis]
        return -(-(cell + self.weights.shape[axis] - 1) // cell)

    def _count_windows(self, count, axis):
        """Along one axis."""
        cells, blocks = np.arange(self.operator.cells[axis]), count.shape[axis + 1]
        if blocks == 1:
            return count
        end = np.minimum(cells + self._blocks(axis), blocks)
        sums = np.cumsum(count, axis=axis + 1, dtype=np.int32)
        return sums.take(end - 1, axis=axis + 1) - sums.take(cells, axis=axis + 1) + count.take(cells, axis=axis + 1)

    def _borders(self, tile):
        """Per cell of a tile: (weight of the taps that meet samples in every window, is there no such output), and
        what small samples may hide of the least."""
        if tile not in self.known:
            place = tuple([int(i) for i in np.unravel_index(tile, self.operator.tiles)])
            # where to look is the same for all kernels
            shared, key = self.operator.borders, (*self.start, tile)
            if key not in shared:
                shared[key] = self._border_places(*place)
            corners, unused = shared[key]
            table = self._table.ravel()
            weight = sum(sign * table.take(corner) for sign, corner in corners)
            self.known[tile] = weight, unused, float(weight[~unused].min()) - self.needed
        return self.known[tile]

    def _border_places(self, *tile):
        """(where the table holds what makes up the weight of each cell, with signs; is there no such output)."""
        spec, tiling = self.operator.spec, self.operator.tiling
        ranges, unused = [], []
        for axis in range(3):
            cell, size, taps = self.operator.cell[axis], spec.input_size[axis], self.weights.shape[axis]
            first = np.arange(self.operator.cells[axis]) * cell
            last = np.minimum(first + cell, tiling.step[axis]) + tile[axis] * tiling.step[axis]
            last = np.minimum(last, spec.output_size[axis]) - 1
            first += tile[axis] * tiling.step[axis]
            unused.append(last < first)
            low, high = np.zeros_like(first), np.full_like(first, taps)
            if self.hollow[axis]:
                # the sample that the first tap of this piece meets
                offset = self.start[axis] - spec.pad_before[axis]
                low = np.clip(-(first + offset), 0, taps)
                high = np.clip(size - (last + offset), low, taps)
            ranges.append((low, high))
        corners = [
            ((-1) ** (3 - sum(corner)), self._flat([ranges[axis][side] for axis, side in enumerate(corner)]))
            # the table is 0 where a tap range begins at 0
            for corner in itertools.product(*[(0, 1) if low.any() else (1,) for low, _ in ranges])
        ]
        return corners, unused[0][:, None, None] | unused[1][:, None] | unused[2]

    def _flat(self, places):
        """Where the table holds those places, in C order."""
        _, height, width = [n + 1 for n in self.weights.shape]
        return (places[0][:, None, None] * height + places[1][:, None]) * width + places[2]

    @cached_property
    def _table(self):
        """The weight of the taps before each, along all axes."""
        table = self.weights
        for axis in range(3):
            if table.shape[axis] > 1:
                table = np.cumsum(table, axis=axis)
        padded = np.zeros([n + 1 for n in table.shape])
        padded[1:, 1:, 1:] = table
        return padded
