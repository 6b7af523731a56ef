"""Convolution by FFT: overlap-save in tiles, for filters and layers. The compiled part is ``_kernels/spectral.pxd``.

Design:
  a. A tile is a box of the output; the samples that it needs, borders included, are packed, transformed, multiplied
     with the kernel's spectrum, transformed back, and what did not wrap around is stored. So scratch is bounded
     whatever the input's size, and no padded copy is made. A kernel too long for a tile is cut in pieces whose
     products are summed before the transform back. Two real tiles that follow each other are transformed as one
     complex one.
  b. Error. With eps of the real type and x_B the samples of the tile, and of the one it is transformed with,
         |error| <= BOUND * eps * max|x_B| * sum|w|,
     times the number of pieces (and with sum|w| over all input channels of a layer). That is normwise: where the
     samples are far smaller than the largest of their tile, it says nothing. `FFTConvolution(spec, guarded=True)`,
     which method="auto" uses, promises
         |error| <= GUARDED_BOUND * eps * sum |w||x|
     for every output: outputs for which `Guard` cannot show that are summed directly. So are those near
     samples that are not finite.
  c. Tiles, and which two are transformed together, follow from the spec: the bits of a result do not depend on the
     number of threads, nor on the rest of a batch.
"""

import math
from operator import itemgetter

import numpy as np

from ._choice import best_tiling
from ._core import FFT_LANES, Convolution
from ._fft_guard import SMALL, Guard

# Bytes of scratch that all threads share: fewer threads run where tiles are large.
SCRATCH_BYTES = 10 << 20
# As MAX_PASSES in _kernels/types.pxd.
MAX_PASSES = 16
AXIS_WORDS = MAX_PASSES + 9
PEAKS, COUNTS = 3 * AXIS_WORDS + 1, 3 * AXIS_WORDS + 2
# A batch of direct sums is made of the whole call where this part of the outputs would be left to it.
MOST_DIRECT = 0.5


def layer_operator(spec):
    """What computes the spec of a layer. "auto" never chooses FFT there."""
    return FFTConvolution(spec) if spec.method == "fft" else Convolution(spec)


class FFTConvolution:
    """A convolution of one spec, ready to run on any arrays that fit it.

    `guarded`: within GUARDED_BOUND, whatever the samples; for filters. Otherwise samples that are not finite are
    refused.
    """

    def __init__(self, spec, tiling=None, guarded=False):
        self.spec = spec
        self.guarded = guarded
        self.tiling = tiling or best_tiling(spec)
        self.dtype = np.dtype("f" if spec.real == "f32" else "d")
        self.operator = Convolution(spec._replace(method="fft"))
        length, piece, step = self.tiling[:3]
        dense = [(n - 1) * s + 1 for n, s in zip(spec.output_size, spec.stride, strict=True)]
        self.tiles = [-(-outputs // extent) for outputs, extent in zip(dense, step, strict=True)]
        self.pieces = [-(-taps // part) for taps, part in zip(spec.kernel_size, piece, strict=True)]
        # cells of the guard: boxes of outputs a part of the kernel wide
        one = sum(p > 1 for p in piece) == 1
        cells = [max(-(-p // 16), min(16, -(-p // 4))) if one else -(-p // 4) for p in piece]
        self.cell = [min(c, s) for c, s in zip(cells, step, strict=True)]
        self.blocks = [-(-n // c) for n, c in zip(length, self.cell, strict=True)]
        self.twiddles = []
        words = []
        for axis in range(3):
            elements = length[axis] // (FFT_LANES[spec.real] if axis == 2 else 1)
            radices, twiddles = _passes(elements, self.dtype)
            self.twiddles.append(twiddles)
            words += [length[axis], step[axis], self.tiles[axis], piece[axis], self.pieces[axis], self.cell[axis],
                      self.blocks[axis], len(radices), *radices, *[0] * (MAX_PASSES - len(radices)),
                      twiddles.ctypes.data]  # fmt: skip
        self.spectral = np.array([*words, 0, 0, 0], np.int64)
        self.spectral[PEAKS - 1] = np.array(1 / SMALL).view(np.int64)
        tile = math.prod(length) * self.dtype.itemsize * 2 * 1.1
        sums = spec.in_channels > 1 or math.prod(self.pieces) > 1 or spec.out_channels > 1
        self.most_threads = max(1, int(SCRATCH_BYTES // (tile * (1 + min(spec.out_channels, 4) if sums else 1))))
        self.borders = {}
        self.direct = {}
        self.whole = None

    def run(self, input, weight, bias, out, num_threads):
        """Write the convolution into `out`, or a new array if that is None, and return it.

        Shapes must be those of the spec; `out` shares no memory with the rest."""
        threads = self.most_threads if num_threads is None else min(num_threads, self.most_threads)
        if not self.guarded:
            if not self._within_range(input, weight):
                return self._run_whole(input, weight, bias, out, num_threads)
            return self.operator.run(input, weight, bias, out, threads, self.spectral)
        spec = self.spec
        pieces = math.prod(self.pieces)
        tiles = math.prod(spec.batch_shape) * math.prod(self.tiles)
        peaks = np.zeros((tiles, pieces))
        counts = np.zeros((tiles, pieces, *self.blocks), np.int32)
        spectral = self.spectral.copy()
        spectral[PEAKS], spectral[COUNTS] = peaks.ctypes.data, counts.ctypes.data
        out = self.operator.run(input, weight, None, out, threads, spectral)
        if out.size:
            with np.errstate(all="ignore"):
                return self._mend(peaks, counts, input, weight, out, num_threads)
        return out

    def _run_whole(self, input, weight, bias, out, num_threads):
        if self.whole is None:
            self.whole = Convolution(self.spec._replace(method="direct"))
        return self.whole.run(input, weight, bias, out, num_threads)

    def _within_range(self, input, weight):
        """Refuse what is not finite; False if a transform might overflow where the sum does not."""
        border = np.array(self.spec.cval if "constant" in self.spec.boundary else 0)
        peaks = [_peak(array) for array in (input, weight, border)]
        for peak, name in zip(peaks, ("input holds", "kernel holds", f"cval={self.spec.cval} is"), strict=True):
            if not np.isfinite(peak):
                what = "a value that is not finite" if name.endswith("holds") else "not finite"
                raise ValueError(f"{name} {what}; method='fft' would spread it, 'auto' and 'direct' take it")
        largest = float(np.finfo(self.dtype).max) / 8
        return max(peaks[0], peaks[2]) * peaks[1] * weight.size <= largest / math.prod(self.tiling.length) ** 2

    # ---- outputs that a transform cannot vouch for --------------------------------------------------------------

    def _mend(self, peaks, counts, input, weight, out, num_threads):
        """Sum directly what the guards do not let pass."""
        spec = self.spec
        w = _canonical(weight, spec.weight_batch_axes, spec.weight_axes[2:])
        per_kernel = math.prod(self.tiles)
        if w.size != math.prod(spec.kernel_size):
            kernels = np.broadcast_to(w, spec.batch_shape + w.shape[-3:])
            failed = []
            for i, index in enumerate(np.ndindex(spec.batch_shape)):
                here = slice(i * per_kernel, (i + 1) * per_kernel)
                found = self._failed(kernels[index], peaks[here], counts[here])
                failed += [(i * per_kernel + tile, cells) for tile, cells in found]
        else:
            failed = self._failed(w.reshape(w.shape[-3:]), peaks, counts)
        if not failed:
            return out
        cells = math.prod([-(-s // c) for s, c in zip(self.tiling.step, self.cell, strict=True)])
        if sum(np.count_nonzero(found) for _, found in failed) > MOST_DIRECT * cells * len(peaks):
            return self._run_whole(input, weight, None, out, num_threads)
        x = _canonical(input, spec.input_batch_axes, spec.input_axes[1:])
        x = x[(..., *[slice(a, a + n) for a, n in zip(spec.input_start, spec.input_size, strict=True)])]
        x = np.broadcast_to(x, spec.batch_shape + x.shape[-3:])
        w = np.broadcast_to(w, spec.batch_shape + w.shape[-3:])
        y = _canonical(out, spec.output_batch_axes, spec.output_axes[1:])
        for tile, found in failed:
            index = np.unravel_index(tile // per_kernel, spec.batch_shape) if spec.batch_shape else ()
            place = np.unravel_index(tile % per_kernel, self.tiles)
            origin = [int(i) * s for i, s in zip(place, self.tiling.step, strict=True)]
            ends = [min(o + s, n) for o, s, n in zip(origin, self.tiling.step, spec.output_size, strict=True)]
            for box in _boxes(found):
                corner = [o + a * c for o, (a, _), c in zip(origin, box, self.cell, strict=True)]
                stops = [min(o + b * c, end) for o, (_, b), c, end in zip(origin, box, self.cell, ends, strict=True)]
                if all(stop > c for c, stop in zip(corner, stops, strict=True)):
                    self._sum_box(w[index], x[index], y[index], corner, stops, num_threads)
        return out

    def _failed(self, w, peaks, counts):
        """The tiles of one kernel that hold cells to be summed directly: (tile, those cells)."""
        spec = self.spec
        good = None
        for number, start in enumerate(np.ndindex(*self.pieces)):
            start = [i * p for i, p in zip(start, self.tiling.piece, strict=True)]
            taps = [slice(a, a + p) for a, p in zip(start, self.tiling.piece, strict=True)]
            part = np.abs((w[::-1, ::-1, ::-1] if spec.flip else w)[tuple(taps)]).astype(np.float64)
            ok = Guard(self, part, start).check(peaks[:, number], counts[:, number])
            if ok is True:
                continue
            good = ok if good is None else good & ok
        if good is None:
            return []
        return [(int(tile), ~good[tile]) for tile in np.flatnonzero(~good.all(axis=(1, 2, 3)))]

    def _sum_box(self, weight, x, y, corner, stops, num_threads):
        """Directly: the outputs of one box."""
        spec = self.spec
        extent = tuple([int(stop) - c for c, stop in zip(corner, stops, strict=True)])
        # near a border of zeros, the taps that meet nothing else are left out
        ranges = []
        for axis, taps in enumerate(spec.kernel_size):
            first, last = 0, taps
            if spec.boundary[axis] == "constant" and spec.cval == 0:
                first = min(max(spec.pad_before[axis] - int(stops[axis]) + 1, 0), taps - 1)
                last = max(min(spec.pad_before[axis] - corner[axis] + spec.input_size[axis], taps), first + 1)
            ranges.append((first, last))
        taps = tuple([last - first for first, last in ranges])
        inputs = tuple([n + k - 1 for n, k in zip(extent, taps, strict=True)])
        box = np.full(inputs, spec.cval, x.dtype if x.dtype.kind in "fc" and x.dtype.itemsize > 2 else self.dtype)
        spans = [
            _span(begin - pad + first, n, size, boundary)
            for begin, pad, (first, _), n, size, boundary in zip(
                corner, spec.pad_before, ranges, inputs, spec.input_size, spec.boundary, strict=True
            )
        ]
        targets, sources = zip(*spans, strict=True)
        if not all(isinstance(source, slice) for source in sources):
            sources = np.ix_(
                *[np.arange(s.start, s.stop) if isinstance(s, slice) else s for s in sources]
            )
        box[targets] = x[sources]
        cuts = [slice(k - b, k - a) if spec.flip else slice(a, b)
                for k, (a, b) in zip(spec.kernel_size, ranges, strict=True)]  # fmt: skip
        operator = self.direct.get((extent, taps))
        if operator is None:
            if len(self.direct) > 256:
                self.direct.clear()
            operator = self.direct[extent, taps] = Convolution(
                spec._replace(
                    batch_shape=(), input_size=inputs, kernel_size=taps, output_size=extent, pad_before=(0, 0, 0),
                    boundary=("constant",) * 3, cval=0.0, method="direct",
                    input_batch_axes=(), input_axes=(-1, 0, 1, 2), input_start=(0, 0, 0), weight_batch_axes=(),
                    weight_axes=(-1, -1, 0, 1, 2), output_batch_axes=(), output_axes=(-1, 0, 1, 2),
                    output_shape=extent,
                )
            )
        target = y[tuple([slice(c, c + n) for c, n in zip(corner, extent, strict=True)])]
        operator.run(box, weight[tuple(cuts)], None, target, num_threads)


def _span(begin, length, size, boundary):
    """Of the positions from `begin` on: (those of the buffer to be filled, the samples to fill them with, as a
    slice or as an array of indices)."""
    end = begin + length
    if begin >= 0 and end <= size:
        return slice(0, length), slice(begin, end)
    if boundary == "constant":
        first, last = min(max(begin, 0), size), min(max(end, 0), size)
        return slice(first - begin, max(last, first) - begin), slice(first, max(last, first))
    places = np.arange(begin, end)
    if boundary == "edge":
        places = np.clip(places, 0, size - 1)
    elif boundary == "wrap":
        places %= size
    elif boundary == "symmetric":
        places %= 2 * size
        places = np.minimum(places, 2 * size - 1 - places)
    else:  # reflect
        places %= max(1, 2 * size - 2)
        places = np.minimum(places, np.abs(2 * size - 2 - places))
    return slice(0, length), places


def _boxes(cells):
    """The true cells of an array as few boxes, each a (first, last + 1) per axis: runs that go on are joined, along
    one axis after the other."""
    boxes = [tuple([(int(i), int(i) + 1) for i in place]) for place in np.argwhere(cells)]
    for axis in reversed(range(cells.ndim)):
        longest = {}
        for box in sorted(boxes, key=itemgetter(axis)):
            begin, end = box[axis]
            runs = longest.setdefault((*box[:axis], *box[axis + 1 :]), [])
            if runs and runs[-1][1] == begin:
                runs[-1][1] = end
            else:
                runs.append([begin, end])
        boxes = [(*key[:axis], tuple(run), *key[axis:]) for key, runs in longest.items() for run in runs]
    return boxes


def _canonical(array, batch_axes, axes):
    """A view (*batch, d, h, w), with extents of 1 for axes that the array does not have."""
    wanted = (*batch_axes, *axes)
    present = [axis for axis in wanted if axis >= 0]
    left = [axis for axis in range(array.ndim) if axis not in present]
    view = array.transpose(present + left)[(..., *[0] * len(left))]
    return view[tuple([np.newaxis if axis < 0 else slice(None) for axis in wanted])]


def _peak(array):
    """An upper bound of |x|, at most twice too high; not finite if a sample is not."""
    if array.size == 0 or array.dtype.kind == "b":
        return 1.0
    parts = (array.real, array.imag) if array.dtype.kind == "c" else (array,)
    with np.errstate(all="ignore"):
        return sum(max(-float(part.min()), float(part.max())) for part in parts)


def _passes(n, dtype):
    """(radices of the passes of a transform of n elements, their twiddles as the kernels read them)."""
    radices, twiddles = [], []
    while n > 1:
        radix = next(r for r in (4, 2, 3, 5) if n % r == 0)
        radices.append(radix)
        rest = n // radix
        if rest > 1:
            angles = np.arange(rest)[:, None] * np.arange(1, radix) * (-2 * np.pi / n)
            twiddles.append(np.stack([np.cos(angles), np.sin(angles)], axis=-1).ravel())
        n = rest
    return radices, np.concatenate([np.zeros(0), *twiddles]).astype(dtype)
