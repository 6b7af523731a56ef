"""Convolution by one FFT of both arrays, whole: for two arrays of about the same size, where tiles overlap too much.

Design:
  a. One axis after the other, and only the lines that hold something: samples are padded along an axis when it is
     transformed, and results cropped as soon as they are back. An image with an image takes two thirds of the
     butterflies that transforms of padded arrays take.
  b. One long axis. Modulo t**m - i, a polynomial x of 2 m real coefficients is x[:m] + i * x[m:], and so is a product
     of that length: m complex points do the work of 2 m real ones, with weights exp(i * pi * n / (2 * m)) before and
     after. They are transformed as a matrix, columns first, then rows, with factors in between; nobody asks for the
     order of the spectrum, so nothing is transposed, and threads share out rows that stay in a core's cache.
  c. It takes memory in proportion to the arrays. The error is normwise, a few log2(points) * eps * max|x| * sum|w|, as
     in every library's FFT convolution. What is not finite makes every result NaN or infinite: a caller that looks at
     one sees it.
"""

import math
from functools import cache

import numpy as np

from ._choice import fast_length
from ._helpers import share_out
from ._limits import max_num_threads
from ._memory import empty
from ._pieces import copy, pieces, touch

# Of a transform forth or back, on one thread: seconds per real and log2(points), by bytes of a real (SciPy 1.17, AMD
# EPYC), per call, and how much more where arrays do not stay in a cache.
POINT_SECONDS = {4: 0.45e-9, 8: 0.75e-9, 16: 8e-9}
CALL_SECONDS = 3e-5
UNCACHED_BYTES, UNCACHED = 1 << 24, 1.6
# Seconds from which on two threads transform an array each, and bytes of a transform from which on its lines are shared
# out: at 256^2 float32, of 1 MB, two threads took twice as long as one.
PAIR_SECONDS = 1.5e-3
PARALLEL_BYTES = 3 << 20
# Points of a slab, whose lines are transformed in one call of the library, and reals from which on an array is cut into
# slabs: one call for all would keep Ctrl-C waiting.
SLAB = 1 << 18
SLABBED = 1 << 21
# Points of one line from which on a matrix is faster: 0.7 times the time at 1e5, 0.4 at 2e6, 1.2 at 4e4 (float64).
MATRIX_POINTS = 70_000
# Columns that share a factor, and bytes of a block of rows.
GROUP = 32
BLOCK_BYTES = 1 << 19


@cache
def _library():
    """(rfft, irfft, fft, ifft), each (array, n, axis). Without `workers=`: in SciPy 1.18 the bits of a line depend on
    how many lines its thread has."""
    try:
        from scipy import fft

        def adapt(function):
            return lambda x, n, axis: function(x, n, axis, overwrite_x=True)

        return adapt(fft.rfft), adapt(fft.irfft), adapt(fft.fft), adapt(fft.ifft)
    except ImportError:

        return np.fft.rfft, np.fft.irfft, np.fft.fft, np.fft.ifft


def length(n):
    """A length of fast transforms, at least `n`."""
    shift = max(0, n.bit_length() - 20)
    return fast_length(-(-n >> shift)) << shift


def whole_fft(shape1, shape2, axes, begin, end, dtype):
    """What convolves two arrays of these shapes along `axes`, at least one; other axes are broadcast. `begin`, `end`:
    per entry of `axes`, which samples of the full result are wanted. `dtype`: of the result, floating or complex."""
    full = [shape1[axis] + shape2[axis] - 1 for axis in axes]
    if len(shape1) == 1 and full[0] >= MATRIX_POINTS and np.dtype(dtype).char in "fdFD":
        return LineFFT(shape1[0], shape2[0], begin[0], end[0], dtype)
    return WholeFFT(shape1, shape2, axes, begin, end, dtype)


class WholeFFT:
    """Axis by axis (Design a)."""

    def __init__(self, shape1, shape2, axes, begin, end, dtype):
        self.axes, self.begin, self.end = tuple(axes), tuple(begin), tuple(end)
        self.dtype = np.dtype(dtype)
        self.is_complex = self.dtype.kind == "c"
        self.lengths = [length(shape1[axis] + shape2[axis] - 1) for axis in self.axes]
        points = math.prod(self.lengths)
        batch = [max(sizes) for axis, sizes in enumerate(zip(shape1, shape2, strict=True)) if axis not in self.axes]
        reals = points * math.prod(batch) * (2 if self.is_complex else 1)
        real = np.empty(0, self.dtype).real.itemsize
        self.parallel = reals * real >= PARALLEL_BYTES
        self.in_slabs = reals >= SLABBED
        self.number = np.result_type(self.dtype, np.complex64)
        shape = list(self.lengths) if self.is_complex else [*self.lengths[:-1], self.lengths[-1] // 2 + 1]
        self.size = math.prod(shape) * math.prod(batch)
        self.seconds = CALL_SECONDS * len(self.axes) + 1.5 * reals * math.log2(points + 1) * POINT_SECONDS[real]

    def run(self, in1, in2):
        """The part of their convolution that is wanted, a new array."""
        threads = max_num_threads() if self.seconds > PAIR_SECONDS else 1
        spectra = [in1, in2]
        if self.in_slabs:
            return self._run_in_slabs(spectra, threads)

        def forward(number):
            spectra[number] = self._forward(spectra[number])

        if threads > 1:
            share_out(iter((0, 1)), forward, 2)
        else:
            forward(0)
            forward(1)
        # where one was broadcast, into the other
        out = next((spectrum for spectrum in spectra if spectrum.size == self.size), None)
        product = np.multiply(*spectra, out=out)
        return self._slabs_back([product], threads) if self.parallel else self._backward(product)

    def _run_in_slabs(self, arrays, threads):
        for number in reversed(range(len(self.axes))):
            arrays = self._slabs(arrays, number, True, threads)
        product = next((array for array in arrays if array.size == self.size), None)
        if product is None:
            product = empty(np.broadcast_shapes(*[array.shape for array in arrays]), self.number)
        first, second = [np.broadcast_to(array, product.shape) for array in arrays]
        for piece in pieces(product.shape):
            np.multiply(first[piece], second[piece], out=product[piece])
        arrays = [product]
        del first, second, product
        return self._slabs_back(arrays, threads)

    def _slabs_back(self, arrays, threads):
        """Their one array, transformed along all axes. Empties the list."""
        for number in range(len(self.axes)):
            arrays = self._slabs(arrays, number, False, threads)
        return arrays[0]

    def _slabs(self, arrays, number, forth, threads):
        """The arrays transformed along one axis, and cropped on the way back, a slab of lines at a time. Empties the
        list."""
        axis, points = self.axes[number], self.lengths[number]
        samples = number == len(self.axes) - 1  # there before the first transform, and after the last one
        real = samples and not self.is_complex
        function = _library()[(0 if real else 2) + (0 if forth else 1)]
        crop = slice(None) if forth else slice(self.begin[number], self.end[number])
        results, tasks = [], []
        while arrays:
            source = arrays.pop(0)
            shape = list(source.shape)
            shape[axis] = 1
            slabs = list(pieces(shape, max(1, SLAB // points)))
            shape[axis] = crop.stop - crop.start if not forth else points // 2 + 1 if real else points
            results.append(empty(tuple(shape), self.dtype if real and not forth else self.number))
            if axis < len(shape) - 1:
                touch(results[-1])
            tasks += [(source, results[-1], (*slab[:axis], slice(None), *slab[axis + 1 :])) for slab in slabs]
        del source

        def run(task):
            source, result, slab = task
            lines = source[slab].astype(self.dtype) if samples and forth else source[slab]
            result[slab] = function(lines, points, axis)[(slice(None),) * axis + (crop,)]

        share_out(iter(tasks), run, threads)
        return results

    def _forward(self, array):
        array = array.astype(self.dtype)
        rfft, _, fft, _ = _library()
        for number in reversed(range(len(self.axes))):
            real = number == len(self.axes) - 1 and not self.is_complex
            array = (rfft if real else fft)(array, self.lengths[number], self.axes[number])
        return array

    def _backward(self, array):
        _, irfft, _, ifft = _library()
        for number, axis in enumerate(self.axes):
            real = number == len(self.axes) - 1 and not self.is_complex
            array = (irfft if real else ifft)(array, self.lengths[number], axis)
            array = array[(slice(None),) * axis + (slice(self.begin[number], self.end[number]),)]
        return np.ascontiguousarray(array)


class LineFFT:
    """One long line as a matrix (Design b)."""

    def __init__(self, size1, size2, begin, end, dtype):
        self.dtype, self.begin, self.end = np.dtype(dtype), begin, end
        self.number = np.result_type(self.dtype, np.complex64)
        self.is_complex = self.dtype.kind == "c"
        full = size1 + size2 - 1
        points = full if self.is_complex else -(-full // 2)
        self.columns = fast_length(-(-math.isqrt(points) // GROUP)) * GROUP
        self.rows = fast_length(-(-points // self.columns))
        self.points = points = self.rows * self.columns
        angle = 0 if self.is_complex else math.pi / (2 * points)
        row = np.arange(self.rows)
        # the factor of column g + j, j < GROUP, is that of column g times that of column j
        self.of_group = self._factors(row, np.arange(0, self.columns, GROUP), angle)
        self.of_column = self._factors(row, np.arange(GROUP), angle)
        self.weight = np.exp(1j * angle * self.columns * row).astype(self.number)[:, np.newaxis]
        self.block = max(1, BLOCK_BYTES // (self.columns * self.number.itemsize))
        real = self.number.itemsize // 2
        self.seconds = CALL_SECONDS * 3 + 3 * points * math.log2(points) * POINT_SECONDS[real]
        self.seconds *= UNCACHED if points * 2 * real > UNCACHED_BYTES else 1.1

    def _factors(self, row, column, angle):
        turns = np.multiply.outer(row, column) % self.points
        return np.exp(1j * (angle * column - 2 * math.pi / self.points * turns)).astype(self.number)

    def run(self, in1, in2):
        """The part of their convolution that is wanted, a new array."""
        threads = max_num_threads()
        first, second = self._columns(in1, threads), self._columns(in2, threads)
        _, _, fft, ifft = _library()

        def block(start):
            rows = slice(start, start + self.block)
            factors = self.of_group[rows, :, np.newaxis] * self.of_column[rows, np.newaxis, :]
            factors = factors.reshape(-1, self.columns)
            spectrum = fft(np.multiply(first[rows], factors), None, 1)
            spectrum *= fft(np.multiply(second[rows], factors), None, 1)
            spectrum = ifft(spectrum, None, 1)
            np.multiply(spectrum, np.conj(factors, out=factors), out=first[rows])

        share_out(iter(range(0, self.rows, self.block)), block, threads)
        weight = None if self.is_complex else self.weight.conj()

        def back(columns):
            part = first[:, columns]
            transformed = ifft(part, None, 0)
            if weight is None:
                part[...] = transformed
            else:
                np.multiply(transformed, weight, out=part)

        share_out(iter(self._groups()), back, threads)
        return self._wanted(first.reshape(-1))

    def _groups(self):
        """Columns that are transformed in one call of the library."""
        width = max(GROUP, SLAB // self.rows)
        return [slice(start, start + width) for start in range(0, self.columns, width)]

    def _columns(self, array, threads):
        """An array as a matrix, its columns transformed."""
        matrix = empty((self.points,), self.number)
        parts = (matrix,) if self.is_complex else (matrix.real, matrix.imag)
        for number, part in enumerate(parts):
            samples = array[number * self.points : (number + 1) * self.points]
            copy(part[: len(samples)], samples)
            for (piece,) in pieces(part[len(samples) :].shape):
                part[len(samples) :][piece] = 0
        matrix = matrix.reshape(self.rows, self.columns)
        fft = _library()[2]

        def forth(columns):
            part = matrix[:, columns]
            part[...] = fft(part if self.is_complex else part * self.weight, None, 0)

        share_out(iter(self._groups()), forth, threads)
        return matrix

    def _wanted(self, line):
        result = empty((self.end - self.begin,), self.dtype)
        if self.is_complex:
            copy(result, line[self.begin : self.end])
            return result
        middle = min(max(self.points, self.begin), self.end)
        copy(result[: middle - self.begin], line.real[self.begin : middle])
        copy(result[middle - self.begin :], line.imag[middle - self.points : self.end - self.points])
        return result
