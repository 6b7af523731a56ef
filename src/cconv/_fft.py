"""Convolution by FFT: overlap-save in tiles, for one array and one kernel.

Design:
  a. A tile is a box of the output. The samples that it needs, borders included, are gathered by index
     arithmetic into a buffer of `length` samples per axis, several tiles at a time; the buffer is transformed,
     multiplied with the kernel's spectrum, transformed back, and what did not wrap around is stored. So scratch
     is bounded whatever the input's size, and no padded copy is made. A kernel too long for a tile is cut in
     pieces whose products are summed before the transform back.
  b. Error. With eps of the real type and x_B the samples of the tile,
         |error| <= BOUND * eps * max|x_B| * sum|w|,
     times the number of pieces. That is normwise: where the samples are far smaller than the largest of their
     tile, it says nothing. `FFTConvolution(spec, guarded=True)`, which method="auto" uses, promises
         |error| <= GUARDED_BOUND * eps * sum |w||x|
     for every output: outputs for which `Guard` cannot show that are summed directly. So are those near
     samples that are not finite.
  c. Batches of tiles are the same for any number of threads, and are shared out among Python threads (gather,
     transform and store all release the GIL; `workers=` of scipy.fft would only speed up the transforms, and by
     less): so the bits of a result do not depend on the number of threads.
"""

import itertools
import math
import threading
from functools import cache
from operator import itemgetter
from types import SimpleNamespace

import numpy as np

from ._choice import BATCH_BYTES, SIDE_BY_SIDE, best_tiling, is_transformed, itemsize
from ._core import Convolution, max_num_threads
from ._fft_guard import Guard

# Bytes of scratch that all threads share; a thread has up to 3 arrays of the size of a batch.
SCRATCH_BYTES = 12 << 20
# Batches that a large call is cut into at least, and the predicted time from which on it may use threads, whose
# start takes about 0.1 ms.
LEAST_BATCHES = 16
PARALLEL_SECONDS = 1e-3


@cache
def _transforms():
    """(forward and backward for reals, forward and backward for complex numbers), from SciPy if it is there."""
    try:
        from scipy import fft
    except ImportError:
        return np.fft.rfftn, np.fft.irfftn, np.fft.fftn, np.fft.ifftn

    def overwriting(function):
        return lambda a, s, axes: function(a, s, axes, overwrite_x=True)

    return tuple([overwriting(f) for f in (fft.rfftn, fft.irfftn, fft.fftn, fft.ifftn)])


class FFTConvolution:
    """A convolution of one spec (of convolve or correlate), ready to run on any arrays that fit it.

    `guarded`: within GUARDED_BOUND, whatever the samples. Otherwise samples that are not finite are refused.
    """

    def __init__(self, spec, tiling=None, guarded=False):
        self.spec = spec
        self.guarded = guarded
        self.tiling = tiling or best_tiling(spec)
        self.dtype = np.dtype("f" if spec.real == "f32" else "d")
        if spec.is_complex:
            self.dtype = np.result_type(self.dtype, np.complex64)
        self.forward, self.backward = _transforms()[2:] if spec.is_complex else _transforms()[:2]
        self.axes = tuple([axis - 3 for axis in range(3) if is_transformed(spec)[axis]])
        self.shape = [self.tiling.length[axis] for axis in self.axes]
        length, piece, step = self.tiling[:3]
        self.pieces = list(itertools.product(*map(range, [0] * 3, spec.kernel_size, piece)))
        self.tiles = [-(-outputs // extent) for outputs, extent in zip(spec.output_size, step, strict=True)]
        # batches that fill the vector lanes, are no larger than a cache, and many enough for some threads
        size = math.prod(length) * itemsize(spec)
        total = math.prod(self.tiles) * math.prod(spec.batch_shape)
        self.per_batch = max(1, min(BATCH_BYTES // size, max(SIDE_BY_SIDE, -(-total // LEAST_BATCHES))))
        if self.per_batch > SIDE_BY_SIDE:
            self.per_batch -= self.per_batch % SIDE_BY_SIDE
        self.most_threads = max(1, SCRATCH_BYTES // (3 * self.per_batch * size))
        if self.tiling.seconds < PARALLEL_SECONDS or self.per_batch >= total:
            self.most_threads = 1
        self.direct = {}
        self.whole = None

    def run(self, input, weight, bias, out, num_threads):
        """Write the convolution into `out`, or a new array if that is None, and return it.

        Shapes must be those of the spec; `bias` is None; `out` shares no memory with the rest."""
        spec = self.spec
        if out is None:
            out = np.empty(spec.output_shape, spec.output_dtype)
        if out.size == 0:
            return out
        if not self.guarded and not self._within_range(input, weight):
            return self._run_whole(input, weight, out, num_threads)
        x = _canonical(input, spec.input_batch_axes, spec.input_axes[1:])
        x = x[(..., *[slice(a, a + n) for a, n in zip(spec.input_start, spec.input_size, strict=True)])]
        x = np.broadcast_to(x, spec.batch_shape + x.shape[-3:])
        w = _canonical(weight, spec.weight_batch_axes, spec.weight_axes[2:])
        y = _canonical(out, spec.output_batch_axes, spec.output_axes[1:])

        tasks = self._tasks(x, w, y)
        threads = min(max_num_threads(), self.most_threads)
        if num_threads is not None:
            threads = min(threads, num_threads)
        if self.guarded:
            first = next(tasks)
            with np.errstate(all="ignore"):
                failed = self._run_task(first, num_threads)
            if failed and first[-1]:
                # most of the first batch cannot be done by FFT: nor, likely, can the rest
                return self._run_whole(input, weight, out, num_threads)
        if threads == 1:
            with np.errstate(all="ignore"):
                for task in tasks:
                    self._run_task(task, num_threads)
        else:
            _share_out(tasks, lambda task: self._run_task(task, 1), threads)
        return out

    def _run_whole(self, input, weight, out, num_threads):
        if self.whole is None:
            self.whole = Convolution(self.spec)
        return self.whole.run(input, weight, None, out, num_threads)

    def _within_range(self, input, weight):
        """Refuse what is not finite; False if a transform might overflow where the sum does not."""
        border = np.array(self.spec.cval if "constant" in self.spec.boundary else 0, self.dtype)
        peaks = [_peak(array) for array in (input, weight, border)]
        for peak, name in zip(peaks, ("input holds", "kernel holds", f"cval={self.spec.cval} is"), strict=True):
            if not np.isfinite(peak):
                what = "a value that is not finite" if name.endswith("holds") else "not finite"
                raise ValueError(f"{name} {what}; method='fft' would spread it, 'auto' and 'direct' take it")
        largest = float(np.finfo(self.dtype).max) / 8
        return max(peaks[0], peaks[2]) * peaks[1] * weight.size <= largest / math.prod(self.tiling.length) ** 2

    # ---- batches of tiles ----------------------------------------------------------------------------------

    def _tasks(self, x, w, y):
        """Everything there is to do, in batches: (kernel, x rows, y rows, depth tile, height tile, range of width
        tiles, are there more). Rows are those of the longest batch axis along which the kernel is the same."""
        shared = [axis for axis in range(w.ndim - 3) if w.shape[axis] == 1]
        if shared:
            rows = max(shared, key=lambda axis: x.shape[axis])
            x, w, y = (np.moveaxis(array, rows, -4) for array in (x, w, y))
        else:
            x, w, y = (array[..., np.newaxis, :, :, :] for array in (x, w, y))
        # other axes with the kernel's first, so that each kernel is transformed once
        order = sorted(range(w.ndim - 4), key=lambda axis: w.shape[axis] == 1)
        order += range(w.ndim - 4, w.ndim)
        x, w, y = (array.transpose(order) for array in (x, w, y))
        w = w[..., 0, :, :, :]
        n_rows, (tiles_d, tiles_h, tiles_w) = x.shape[-4], self.tiles
        wide = min(tiles_w, self.per_batch)
        tall = min(n_rows, max(1, self.per_batch // wide))
        last, kernel = None, None
        grid = itertools.product(range(tiles_d), range(tiles_h), range(0, n_rows, tall), range(0, tiles_w, wide))
        grid = list(grid)
        total = len(grid) * math.prod(x.shape[:-4])
        done = 0
        for index in np.ndindex(x.shape[:-4]):
            of_kernel = tuple([0 if n == 1 else i for i, n in zip(index, w.shape, strict=False)])
            if of_kernel != last:
                last, kernel = of_kernel, self._kernel(w[of_kernel])
            for d, h, row, first in grid:
                done += 1
                here = slice(row, row + tall)
                yield (kernel, x[index][here], y[index][here], d, h, range(first, min(first + wide, tiles_w)),
                       done < total)  # fmt: skip

    def _kernel(self, w):
        """One kernel, (d, h, w): the spectra of its pieces, and what the guards have to know of it."""
        spec = self.spec
        h = w if spec.flip else w[::-1, ::-1, ::-1]
        taps = h.astype(self.dtype)
        if spec.conjugate:
            np.conj(taps, out=taps)
        spectra, guards = [], []
        for start in self.pieces:
            # h is reversed: the piece that meets the samples from `start` on is counted from its end
            ends = [k - a for k, a in zip(spec.kernel_size, start, strict=True)]
            part = taps[tuple([slice(max(0, end - p), end) for end, p in zip(ends, self.tiling.piece, strict=True)])]
            if self.guarded:
                guards.append(Guard(self, part, start))
            # a last piece may be shorter: its outputs start earlier by what it lacks
            lead = [p - n for p, n in zip(self.tiling.piece, part.shape, strict=True)]
            if any(lead):
                part = np.pad(part, [(n, 0) for n in lead])
            spectra.append(self.forward(part.copy(), self.shape, self.axes))
        return SimpleNamespace(weight=w, spectra=spectra, guards=guards)

    def _run_task(self, task, num_threads):
        """One batch; returns whether most of its outputs had to be summed directly."""
        kernel, x, y, d, h, tiles, _ = task
        tiling = self.tiling
        shape = (len(x), len(tiles), *tiling.length)
        good, sums = None, None
        for number, (start, spectrum) in enumerate(zip(self.pieces, kernel.spectra, strict=True)):
            buffer = np.empty(shape, self.dtype)
            self._gather(x, [d * tiling.step[0], h * tiling.step[1]],
                         [t * tiling.step[2] for t in tiles], start, buffer)  # fmt: skip
            if self.guarded:
                ok = kernel.guards[number].check(buffer, d, h, tiles)
                good = ok if good is None else good & ok
                if not good.any():
                    break
            product = self.forward(buffer, self.shape, self.axes)
            del buffer
            product *= spectrum
            sums = product if sums is None else np.add(sums, product, out=sums)
            del product
        if good is None or good.any():
            result = self.backward(sums, self.shape, self.axes)
            self._store(result, y, d, h, tiles)
            if good is None or good.all():
                return False
        del sums
        self._sum_directly(kernel, x, y, d, h, tiles, good, num_threads)
        return np.count_nonzero(good) < good.size / 2

    def _store(self, result, y, d, h, tiles):
        """The outputs of a batch, from where they did not wrap around."""
        piece, step, spec = self.tiling.piece, self.tiling.step, self.spec
        result = result[(..., *[slice(p - 1, p - 1 + s) for p, s in zip(piece, step, strict=True)])]
        boxes = [slice(i * s, min((i + 1) * s, n))
                 for i, s, n in zip((d, h), step, spec.output_size, strict=False)]  # fmt: skip
        y = y[:, boxes[0], boxes[1]]
        result = result[:, :, : y.shape[1], : y.shape[2]]
        begin, end, width = tiles.start * step[2], tiles.stop * step[2], spec.output_size[2]
        whole = len(tiles) - (end > width)
        if whole:
            target = y[..., begin : begin + whole * step[2]]
            target.reshape(*y.shape[:3], whole, step[2])[...] = np.moveaxis(result[:, :whole], 1, -2)
        if end > width:
            y[..., begin + whole * step[2] :] = result[:, -1, ..., : width - begin - whole * step[2]]

    def _sum_directly(self, kernel, x, y, d, h, tiles, good, num_threads):
        """The cells that are not `good`, (rows, tiles, cells per axis)."""
        size = self.spec.output_size
        cell = kernel.guards[0].cell
        for row, column in np.argwhere(~good.all(axis=(2, 3, 4))):
            origin = [i * s for i, s in zip((d, h, tiles[column]), self.tiling.step, strict=True)]
            for box in _boxes(~good[row, column]):
                corner = [o + a * c for o, (a, _), c in zip(origin, box, cell, strict=True)]
                ends = [min(o + s, n) for o, s, n in zip(origin, self.tiling.step, size, strict=True)]
                stops = [min(o + b * c, end) for o, (_, b), c, end in zip(origin, box, cell, ends, strict=True)]
                if all(stop > c for c, stop in zip(corner, stops, strict=True)):
                    self._sum_box(kernel.weight, x[row], y[row], corner, stops, num_threads)

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
        box = np.empty((1, 1, *inputs), self.dtype)
        self._gather(x[np.newaxis], corner[:2], corner[2:], [first for first, _ in ranges], box)
        cuts = [slice(k - b, k - a) if spec.flip else slice(a, b)
                for k, (a, b) in zip(spec.kernel_size, ranges, strict=True)]  # fmt: skip
        operator = self.direct.get((extent, taps))
        if operator is None:
            if len(self.direct) > 256:
                self.direct.clear()
            operator = self.direct[extent, taps] = Convolution(
                spec._replace(
                    batch_shape=(), input_size=inputs, kernel_size=taps, output_size=extent, pad_before=(0, 0, 0),
                    boundary=("constant",) * 3, cval=0.0,
                    input_batch_axes=(), input_axes=(-1, 0, 1, 2), input_start=(0, 0, 0), weight_batch_axes=(),
                    weight_axes=(-1, -1, 0, 1, 2), output_batch_axes=(), output_axes=(-1, 0, 1, 2),
                    output_shape=extent,
                )
            )
        target = y[tuple([slice(c, c + n) for c, n in zip(corner, extent, strict=True)])]
        operator.run(box[0, 0], weight[tuple(cuts)], None, target, num_threads)

    # ---- samples -------------------------------------------------------------------------------------------

    def _gather(self, x, outer, columns, start, buffer):
        """Fill the buffer (rows, tiles, d, h, w) with what the outputs from (*outer, columns[i]) on see through the
        taps from `start` on."""
        spec = self.spec
        begins = [o - p + s for o, p, s in zip(outer, spec.pad_before, start, strict=False)]
        spans = [
            _span(begin, length, size, boundary)
            for begin, length, size, boundary in zip(
                begins, buffer.shape[2:], spec.input_size, spec.boundary, strict=False
            )
        ]
        width, length = spec.input_size[2], buffer.shape[4]
        firsts = [column - spec.pad_before[2] + start[2] for column in columns]
        inside = [i for i, first in enumerate(firsts) if first >= 0 and first + length <= width]
        if inside and all(isinstance(source, slice) for _, source in spans):
            run = slice(inside[0], inside[-1] + 1)
            step = firsts[1] - firsts[0] if len(firsts) > 1 else 1
            view = x[:, spans[0][1], spans[1][1], firsts[run.start] : firsts[run.stop - 1] + length]
            part = buffer[:, run]
            if not _fills(spans, part):
                part[...] = spec.cval
            if view.size:
                windows = np.lib.stride_tricks.sliding_window_view(view, length, axis=3)[..., ::step, :]
                part[:, :, spans[0][0], spans[1][0]] = np.moveaxis(windows, 3, 1)
        else:
            run = slice(0, 0)
        for i in (*range(run.start), *range(run.stop, len(firsts))):
            all_spans = [*spans, _span(firsts[i], length, width, spec.boundary[2])]
            part = buffer[:, i]
            targets, sources = zip(*all_spans, strict=True)
            if not _fills(all_spans, part):
                part[...] = spec.cval
            if not all(isinstance(source, slice) for source in sources):
                sources = [
                    np.arange(source.start, source.stop) if isinstance(source, slice) else source
                    for source in sources
                ]
                sources = np.ix_(*sources)
            part[(slice(None), *targets)] = x[(slice(None), *sources)]


def _fills(spans, part):
    return all(t.stop - t.start == n for (t, _), n in zip(spans, part.shape[-3:], strict=False))


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


def _share_out(tasks, run, threads):
    """Run all tasks on so many threads, this one among them; the first failure is raised, after all stopped."""
    lock, failures = threading.Lock(), []

    def work():
        try:
            with np.errstate(all="ignore"):
                while not failures:
                    with lock:
                        task = next(tasks, None)
                    if task is None:
                        return
                    run(task)
        except BaseException as failure:
            failures.append(failure)

    others = [threading.Thread(target=work) for _ in range(threads - 1)]
    for thread in others:
        thread.start()
    work()
    for thread in others:
        thread.join()
    if failures:
        raise failures[0]
