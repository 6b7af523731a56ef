"""Convolution by FFT: overlap-save in tiles, for filters and layers.

Design:
  a. A tile is a box of the output. The samples that it needs, borders included, are gathered (``_kernels/tiles.pyx``),
     a block of tiles at a time; the block is transformed by the library, multiplied with the kernel's spectrum,
     transformed back, and what did not wrap around is stored. So scratch is bounded whatever the input's size, and
     no padded copy is made. A kernel too long for a tile is cut in pieces whose products are summed before the
     transform back.
  b. Error. With eps of the real type and x_B the samples of the tile,
         |error| <= BOUND * eps * max|x_B| * sum|w|,
     times the number of pieces (and with sum|w| over all input channels of a layer). That is normwise: where the
     samples are far smaller than the largest of their tile, it says nothing. `FFTConvolution(spec, guarded=True)`,
     which method="auto" uses, promises
         |error| <= GUARDED_BOUND * eps * sum |w||x|
     for every output: outputs for which `Guard` cannot show that are summed directly. So are those near
     samples that are not finite.
  c. Blocks follow from the spec, and Python threads share them out: all that takes long releases the GIL. Of blocks
     of 512 kB two threads did twice as many as one; `workers=` of scipy.fft did 0.9 to 1.5 times as many, and the bits
     of a line depend on it (SciPy 1.18: on how many lines a thread has, as some are computed in lanes and others
     alone), so one block is one thread's. A call of less than a millisecond gains nothing: handing it over, and waiting
     for the GIL some ten times a block, takes 0.2 ms. The bits of a result do not depend on the number of threads.
"""

import itertools
import math
import threading
from functools import cache
from operator import itemgetter
from types import SimpleNamespace

import numpy as np

from ._choice import SIDE_BY_SIDE, best_tiling, is_transformed, itemsize
from ._core import Convolution
from ._fft_guard import SMALL, Guard, Rules
from ._helpers import share_out
from ._limits import max_num_threads
from ._memory import empty
from ._pieces import pieces

# Bytes of scratch that all threads share: fewer threads run where tiles are large.
SCRATCH_BYTES = 12 << 20
# Of the samples of a block, which stay in a core's cache; blocks that a large call is cut into at least.
BLOCK_BYTES = 1 << 19
LEAST_BLOCKS = 8
# Short calls are cut into fewer, of this predicted time: a block takes 60 us in Python.
BLOCK_SECONDS = 5e-4
# The predicted time from which on threads may run.
PARALLEL_SECONDS = 8e-4
# A call is summed directly where this part of the first block's outputs would be left to that.
MOST_DIRECT = 0.5
# Boxes to be summed directly that are kept to be joined with their neighbours.
MOST_BOXES = 4096
# Of such boxes whose operators are kept for the next call.
MOST_PLANS = 256
# Words of a struct Tiles: see _kernels/types.pxd.
PARTS, SMALLNESS, WORDS = 21, 28, 33


@cache
def _library():
    """(forward, backward) for reals and for complex numbers, each with (array, shape, axes); SciPy's if it is there."""
    try:
        from scipy import fft
    except ImportError:
        fft = np.fft

    def transform(one, more):
        options = {} if fft is np.fft else {"overwrite_x": True}

        def run(array, shape, axes):
            # along one axis a call takes 10 us less
            return one(array, shape[0], axes[0], **options) if len(axes) == 1 else more(array, shape, axes, **options)

        return run

    return (
        transform(fft.rfft, fft.rfftn), transform(fft.irfft, fft.irfftn),
        transform(fft.fft, fft.fftn), transform(fft.ifft, fft.ifftn),
    )  # fmt: skip


def layer_operator(spec, weight=None):
    """What computes the spec of a layer, with this weight if it is given: its spectra are kept then. "auto" never
    chooses FFT there."""
    if spec.method != "fft":
        return Convolution(spec)
    operator = FFTConvolution(spec)
    if weight is not None and 0 not in (*spec.output_shape, spec.in_channels):
        operator.kept = operator.kernels(weight)
    return operator


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
        self.number = np.result_type(self.dtype, np.complex64) if spec.is_complex else self.dtype
        self.forward, self.backward = _library()[2:] if spec.is_complex else _library()[:2]
        self.axes = tuple([axis - 3 for axis in range(3) if is_transformed(spec)[axis]])
        self.operator = Convolution(spec._replace(method="direct"))
        self.kept = None
        length, piece, step = self.tiling[:3]
        self.shape = [length[axis] for axis in self.axes]
        dense = [(n - 1) * s + 1 for n, s in zip(spec.output_size, spec.stride, strict=True)]
        self.tiles = [-(-outputs // extent) for outputs, extent in zip(dense, step, strict=True)]
        self.pieces = list(itertools.product(*map(range, [0] * 3, spec.kernel_size, piece)))
        # cells of the guard: boxes of outputs a part of the kernel wide
        one = sum(p > 1 for p in piece) == 1
        cells = [max(-(-p // 64), min(16, -(-p // 4))) if one else -(-p // 4) for p in piece]
        self.cell = [min(c, s) for c, s in zip(cells, step, strict=True)]
        self.blocks = [-(-n // c) for n, c in zip(length, self.cell, strict=True)]
        # cells per tile
        self.cells = [-(-s // c) for s, c in zip(step, self.cell, strict=True)]
        self.words = [self._words(start) for start in self.pieces]
        # of each piece: its taps, and where they stand in a tile, reversed
        self.parts = [tuple([slice(a, min(a + p, k)) for a, p, k in zip(start, piece, spec.kernel_size, strict=True)])
                      for start in self.pieces]  # fmt: skip
        self.places = [self._places(part) for part in self.parts]
        self.rules = Rules(spec, self.dtype, length, self.operator.weigh_taps)
        self._cut(math.prod(length) * itemsize(spec))
        self.direct, self.boxes = {}, {}

    def _places(self, part):
        """[(the places in a tile, the taps that stand there)], as slices: the first tap at 0, the others before the
        end, reversed."""
        pairs = []
        for taps, dilation, length in zip(part, self.spec.dilation, self.tiling.length, strict=True):
            pairs.append([(slice(1), slice(taps.start, taps.start + 1))])
            reach = (taps.stop - taps.start - 1) * dilation
            if reach:
                pairs[-1].append((slice(length - reach, length, dilation), slice(taps.stop - 1, taps.start, -1)))
        return [tuple(zip(*chosen, strict=True)) for chosen in itertools.product(*pairs)]

    def _words(self, start):
        """The struct Tiles of the piece of the kernel from the tap `start` on, but for what a call fills in."""
        spec, tiling, words = self.spec, self.tiling, []
        for i in range(3):
            offset = start[i] * spec.dilation[i] - spec.pad_before[i]
            taps = min(tiling.piece[i], spec.kernel_size[i] - start[i])
            words += [
                tiling.length[i], tiling.step[i], self.tiles[i], offset, self.cell[i], self.blocks[i], taps
            ]  # fmt: skip
        words = np.array([*words, *[0] * (WORDS - PARTS)], np.int64)
        words[PARTS] = 2 if spec.is_complex else 1
        words[SMALLNESS] = np.array(1 / SMALL).view(np.int64)
        return words

    def _cut(self, size):
        """Into blocks of tiles of `size` bytes, and of channels."""
        spec, self.per_element = self.spec, math.prod(self.tiles)
        total = self.per_element * math.prod(spec.batch_shape)
        rows = SIDE_BY_SIDE[spec.real][0] if len(self.axes) == 1 else 1
        block = max(BLOCK_BYTES // size, rows)
        least = min(LEAST_BLOCKS, max(2, int(self.tiling.seconds / BLOCK_SECONDS)))
        self.per_block = min(block, max(rows, -(-total // least)))
        self.per_block = min(-(-self.per_block // rows) * rows, block - block % rows)
        self.per_block = min(self.per_block, max(1, total))
        self.in_block = min(spec.in_channels, max(1, block // self.per_block))
        self.out_block = min(spec.out_channels, max(1, block // self.per_block))
        arrays = 2 * self.in_block + (2 * self.out_block + 1 if self._sums else 0)
        self.most_threads = max(1, SCRATCH_BYTES // (arrays * self.per_block * size))
        if self.tiling.seconds < PARALLEL_SECONDS:
            self.most_threads = 1

    @property
    def _sums(self):
        """Is more than one product summed, or a transform used more than once?"""
        return self.spec.in_channels * self.spec.out_channels * len(self.pieces) > 1

    def run(self, input, weight, bias, out, num_threads, packed=None):
        """Write the convolution into `out`, or a new array if that is None, and return it.

        Shapes must be those of the spec; `out` shares no memory with the rest. `packed` is for other operators: this
        one has its spectra in `kept`."""
        spec = self.spec
        if out is None:
            out = empty(spec.output_shape, spec.output_dtype)
        if 0 in (out.size, spec.in_channels) or not (self.guarded or self._within_range(input, weight)):
            return self.operator.run(input, weight, bias, out, num_threads)
        if bias is not None:
            bias = np.require(bias, self.number, "CA")
        threads = min(max_num_threads(), self.most_threads)
        if num_threads is not None:
            threads = min(threads, num_threads)
        total = self.per_element * math.prod(spec.batch_shape)
        tasks = itertools.product(
            range(spec.groups), range(0, spec.out_channels, self.out_block), range(0, total, self.per_block)
        )
        lone = total <= self.per_block and spec.groups == 1 and spec.out_channels <= self.out_block
        call = SimpleNamespace(input=input, weight=weight, bias=bias, out=out, kernels=self.kept, boxes=[],
                               transforming=threading.Lock(), gave_up=False, lock=threading.Lock())  # fmt: skip
        with np.errstate(all="ignore"):
            if call.kernels is None:
                call.kernels = self._weighed(weight)
                if lone or threads == 1 or len(self.pieces) * len(call.kernels.taps) * spec.in_channels > 1:
                    self._transform(call.kernels)
                else:
                    # one thread transforms the kernel while another gathers samples
                    tasks = itertools.chain([()], tasks)
            if lone:
                self._run_block(call, next(tasks))
            else:
                share_out(tasks, lambda task: self._run_task(call, task), threads)
            if call.gave_up:
                return self.operator.run(input, weight, bias, out, num_threads)
            self._mend(call, num_threads)
        return out

    def _within_range(self, input, weight):
        """Refuse what is not finite; False if a transform might overflow where the sum does not."""
        border = np.array(self.spec.cval if "constant" in self.spec.boundary else 0)
        peaks = [peak_of(array) for array in (input, weight, border)]
        for peak, name in zip(peaks, ("input holds", "kernel holds", f"cval={self.spec.cval} is"), strict=True):
            if not np.isfinite(peak):
                what = "a value that is not finite" if name.endswith("holds") else "not finite"
                raise ValueError(f"{name} {what}; method='fft' would spread it, 'auto' and 'direct' take it")
        largest = float(np.finfo(self.dtype).max) / 8
        return max(peaks[0], peaks[2]) * peaks[1] * weight.size <= largest / math.prod(self.tiling.length) ** 2

    # ---- kernels -------------------------------------------------------------------------------------------

    def kernels(self, weight):
        """What calls need of a weight, never changed."""
        kernels = self._weighed(weight)
        self._transform(kernels)
        return kernels

    def _weighed(self, weight):
        """What calls need of a weight, but for the spectra: what the guards know of each kernel and piece, and each
        batch element's kernel, or None if there is one."""
        spec = self.spec
        taps = _canonical(weight, spec.weight_batch_axes, spec.weight_axes)
        if spec.flip:
            taps = taps[..., ::-1, ::-1, ::-1]
        batch, outer = taps.shape[:-5], taps.shape[-5:-3]
        taps = taps.reshape(-1, *taps.shape[-3:]).astype(self.number)
        if spec.conjugate:
            np.conj(taps, out=taps)
        guards = None
        if self.guarded:
            guards = [[Guard(self.rules, magnitudes[part]) for part in self.parts]
                      for magnitudes in np.abs(taps).astype(np.float64, copy=False)]  # fmt: skip
        of_element, count = None, math.prod(batch)
        if count > 1:
            of_element = np.broadcast_to(np.arange(count).reshape(batch), spec.batch_shape).ravel()
        return SimpleNamespace(taps=taps, outer=outer, guards=guards, of_element=of_element, spectra=None)

    def _transform(self, kernels):
        """Fill in the spectra, (kernel of the batch, out, in, piece, ...)."""
        taps, length = kernels.taps, self.tiling.length
        rows = max(1, BLOCK_BYTES // (math.prod(length) * itemsize(self.spec)))
        spectra = None
        for number, places in enumerate(self.places):
            for row in range(0, len(taps), rows):
                here = taps[row : row + rows]
                buffer = np.zeros((len(here), *length), self.number)
                for at, tap in places:
                    buffer[(slice(None), *at)] = here[(slice(None), *tap)]
                spectrum = self.forward(buffer, self.shape, self.axes)
                if len(here) == len(taps) and len(self.pieces) == 1:
                    spectra = spectrum[:, None]
                    continue
                if spectra is None:
                    spectra = empty((len(taps), len(self.pieces), *spectrum.shape[1:]), spectrum.dtype)
                spectra[row : row + rows, number] = spectrum
        kernels.spectra = spectra.reshape(-1, *kernels.outer, *spectra.shape[1:])
        kernels.taps = None

    # ---- blocks of tiles -----------------------------------------------------------------------------------

    def _run_task(self, call, task):
        """A block, or the spectrum that all of them need."""
        if call.gave_up:
            return
        if task:
            self._run_block(call, task)
        else:
            self._transform_once(call)

    def _transform_once(self, call):
        """See to it that the spectra are there: who comes first makes them, the others wait."""
        if call.kernels.spectra is None:
            with call.transforming:
                if call.kernels.spectra is None:
                    self._transform(call.kernels)

    def _run_block(self, call, task):
        """One block: some tiles, of some output channels of one group."""
        group, out_channel, first = task
        spec, length = self.spec, self.tiling.length
        count = min(self.per_block, self.per_element * math.prod(spec.batch_shape) - first)
        outs = min(self.out_block, spec.out_channels - out_channel)
        channel = group * spec.out_channels + out_channel
        runs = self._runs(call.kernels, first, count)
        sums = good = product = spare = None
        for in_channel in range(0, spec.in_channels, self.in_block):
            ins = min(self.in_block, spec.in_channels - in_channel)
            for piece in range(len(self.pieces)):
                buffer = empty((ins, count, *length), self.number)
                ok = self._gather(call, buffer, first, group * spec.in_channels + in_channel, runs, piece)
                if ok is not None:
                    good = ok if good is None else good & ok
                product = self.forward(buffer, self.shape, self.axes)
                del buffer
                self._transform_once(call)
                if not self._sums:
                    for here, kernel in runs:
                        product[0, here] *= call.kernels.spectra[kernel, channel, 0, 0]
                    sums = product
                    continue
                if sums is None:
                    sums = np.zeros((outs, *product.shape[1:]), product.dtype)
                    spare = np.empty_like(sums[0])
                for out, i in itertools.product(range(outs), range(ins)):
                    for here, kernel in runs:
                        spectrum = call.kernels.spectra[kernel, channel + out, in_channel + i, piece]
                        np.multiply(product[i, here], spectrum, out=spare[here])
                    sums[out] += spare
        del product, spare
        result = np.ascontiguousarray(self.backward(sums, self.shape, self.axes))
        self.operator.move_tiles(call.out, self.words[0], result, first, channel, True, call.bias)
        if good is not None:
            self._note(call, good, first)

    def _runs(self, kernels, first, count):
        """[(the tiles of a block that follow each other with one kernel, its number)]"""
        if kernels.of_element is None:
            return [(slice(0, count), 0)]
        of_tile = kernels.of_element[np.arange(first, first + count) // self.per_element]
        ends = [0, *np.flatnonzero(np.diff(of_tile)) + 1, count]
        return [(slice(a, b), of_tile[a]) for a, b in itertools.pairwise(ends)]

    def _gather(self, call, buffer, first, channel, runs, piece):
        """Fill the buffer with what the taps of a piece see. Returns which cells FFT may do, (tiles, d, h, w), or None
        for all."""
        move, words = self.operator.move_tiles, self.words[piece]
        if not self.guarded:
            return move(call.input, words, buffer, first, channel, False)
        good = np.empty((buffer.shape[1], *self.cells), bool)
        for here, kernel in runs:
            # a filter has one channel
            move(call.input, words, buffer[:, here], first + here.start, channel, False, None,
                 call.kernels.guards[kernel][piece], good[here])  # fmt: skip
        return None if good.all() else good

    # ---- outputs that a transform cannot vouch for ---------------------------------------------------------

    def _note(self, call, good, first):
        """Keep in mind what is to be summed directly, (batch element, box of outputs), and do so if it is much."""
        step, size, boxes = self.tiling.step, self.spec.output_size, []
        # runs along the last axis begin and end, in turn, where this changes
        bad = np.zeros((good.size // good.shape[-1], good.shape[-1] + 2), bool)
        np.logical_not(good.reshape(len(bad), -1), out=bad[:, 1:-1])
        changes = (bad[:, 1:] != bad[:, :-1]).ravel().nonzero()[0].tolist()
        for at, end in zip(changes[::2], changes[1::2], strict=True):
            row, end = divmod(end, bad.shape[1] - 1)
            begin = (row // self.cells[1] % self.cells[0], row % self.cells[1], at % (bad.shape[1] - 1))
            element, tile = divmod(first + row // (self.cells[0] * self.cells[1]), self.per_element)
            place = (tile // (self.tiles[1] * self.tiles[2]), tile // self.tiles[2] % self.tiles[1],
                     tile % self.tiles[2])  # fmt: skip
            box = []
            for p, s, c, n, a, b in zip(place, step, self.cell, size, begin, (begin[0] + 1, begin[1] + 1, end),
                                        strict=True):  # fmt: skip
                box.append((p * s + a * c, min(p * s + min(b * c, s), n)))
            if all(a < b for a, b in box):
                boxes.append((element, *box))
        with call.lock:
            # what cannot be done by FFT in the first block cannot, likely, in the rest
            call.gave_up |= first == 0 and np.count_nonzero(good) < (1 - MOST_DIRECT) * good.size
            call.boxes += boxes
            if len(call.boxes) > MOST_BOXES:
                self._mend(call, 1)

    def _mend(self, call, num_threads):
        """Sum directly what was kept in mind."""
        if not call.boxes:
            return
        spec = self.spec
        x = _canonical(call.input, spec.input_batch_axes, spec.input_axes[1:])
        x = x[(..., *[slice(a, a + n) for a, n in zip(spec.input_start, spec.input_size, strict=True)])]
        w = _canonical(call.weight, spec.weight_batch_axes, spec.weight_axes[2:])
        if spec.batch_shape:
            x = np.broadcast_to(x, spec.batch_shape + x.shape[-3:])
            w = np.broadcast_to(w, spec.batch_shape + w.shape[-3:])
        y = _canonical(call.out, spec.output_batch_axes, spec.output_axes[1:])
        boxes, call.boxes = call.boxes, []
        boxes = [((element, element + 1), *spans) for element, *spans in boxes]
        for (element, _), *spans in _joined(boxes, axes=(3, 2, 1)):
            index = np.unravel_index(element, spec.batch_shape) if spec.batch_shape else ()
            corner, stops = zip(*spans, strict=True)
            self._sum_box(w[index], x[index], y[index], corner, stops, num_threads)

    def _sum_box(self, weight, x, y, corner, stops, num_threads):
        """Directly: the outputs of one box."""
        key = corner, stops
        plan = self.boxes.get(key)
        if plan is None:
            if len(self.boxes) > MOST_PLANS:
                self.boxes.clear()
            plan = self.boxes[key] = self._plan_box(corner, stops)
        box = x[plan.sources]
        if plan.targets is not None:
            dtype = x.dtype if x.dtype.kind in "fc" and x.dtype.itemsize > 2 else self.dtype
            padded = np.full(plan.inputs, self.spec.cval, dtype)
            padded[plan.targets] = box
            box = padded
        plan.operator.run(box, weight[plan.cuts], None, y[plan.outputs], num_threads)

    def _plan_box(self, corner, stops):
        """What summing a box takes, but for arrays."""
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
        spans = [
            _span(begin - pad + first, n, size, boundary)
            for begin, pad, (first, _), n, size, boundary in zip(
                corner, spec.pad_before, ranges, inputs, spec.input_size, spec.boundary, strict=True
            )
        ]
        targets, sources = zip(*spans, strict=True)
        if targets == tuple([slice(0, n) for n in inputs]):
            targets = None
        if not all(isinstance(source, slice) for source in sources):
            sources = np.ix_(
                *[np.arange(s.start, s.stop) if isinstance(s, slice) else s for s in sources]
            )
        operator = self.direct.get((extent, taps))
        if operator is None:
            if len(self.direct) > MOST_PLANS:
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
        return SimpleNamespace(
            operator=operator, inputs=inputs, targets=targets, sources=sources,
            cuts=tuple([slice(k - b, k - a) if spec.flip else slice(a, b)
                        for k, (a, b) in zip(spec.kernel_size, ranges, strict=True)]),
            outputs=tuple([slice(c, c + n) for c, n in zip(corner, extent, strict=True)]),
        )  # fmt: skip


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


def _joined(boxes, axes):
    """As few boxes: those that go on are joined, along one axis after the other."""
    for axis in axes:
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
    order, first, axes = _views(array.ndim, batch_axes, axes)
    return array.transpose(order)[first][axes]


@cache
def _views(ndim, batch_axes, axes):
    """How `_canonical` comes to its view."""
    wanted = (*batch_axes, *axes)
    present = [axis for axis in wanted if axis >= 0]
    left = [axis for axis in range(ndim) if axis not in present]
    return (*present, *left), (..., *[0] * len(left)), tuple([None if axis < 0 else slice(None) for axis in wanted])


def peak_of(array):
    """An upper bound of |x|, at most twice too high; not finite if a sample is not."""
    if array.size == 0 or array.dtype.kind == "b":
        return 1.0
    parts = (array.real, array.imag) if array.dtype.kind == "c" else (array,)
    with np.errstate(all="ignore"):
        return sum(float(np.max([extreme for piece in pieces(part.shape)
                                 for extreme in (-float(part[piece].min()), float(part[piece].max()))]))
                   for part in parts)  # fmt: skip
