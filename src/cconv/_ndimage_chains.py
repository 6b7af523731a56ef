"""How ndimage.py's filters run: geometries for the compiled core, and chains of filters.

Design:
  a. Rank is data: an array of any rank is batches of planes of pixels. Where all arrays are packed (in C order, with
     one step from each number to the next), axes that follow the last one filtered are one long row, or the parts of a
     pixel if they are few.
  b. A call is a chain of lines and windows, resolved and validated once per signature; a call that repeats one is a
     look-up, an empty array and the filters.
  c. Complex arrays are filtered part by part, as SciPy does.
"""

import math
from typing import NamedTuple

import numpy as np

from ._core import Convolution
from ._dtypes import native
from ._ndimage_arguments import check_real, output_array
from ._ordered import Chain, Chains, Ordered, are_packed, leaves_none_out
from ._pieces import copy
from ._shapes import filter_spec

# Rows shorter than so many samples are taken for the parts of pixels: a row costs about 30 ns besides its samples.
FEW_PARTS = 32
# Rows no longer than NARROW are columns of a wide image where there are at least FEW_ROWS of them.
NARROW = 24
FEW_ROWS = 16
# A row that is filtered in place is copied to scratch as a whole; a longer one from a copy of the array.
LONG_ROW = 1 << 17

_SUM = np.dtype(np.float64)


class Geometry(NamedTuple):
    """Which axes of an array are (depth, height, width); -1: none. A pixel has `unit` parts."""

    axes: tuple[int, int, int]
    sizes: tuple[int, int, int]
    batch: tuple[int, ...]
    batch_shape: tuple[int, ...]
    unit: int


# ---- geometries ----------------------------------------------------------------------------------------------------


def window_geometry(shape, axes, packed):
    """Of a window over up to three axes, in ascending order. `packed`: all arrays are, or the parts of such."""
    last = len(shape) - 1
    axes = axes or (last,)
    front, width = axes[:-1], axes[-1]
    unit, row, axes_left = 1, shape[width], last + 1
    if packed and width != last:
        behind, axes_left = math.prod(shape[width + 1 :]), width + 1
        if len(axes) == 3 or behind < FEW_PARTS:
            unit = behind
        else:
            front, width, row = axes, last, behind
    elif width != last and len(axes) < 3:
        front, width, row = axes, last, shape[last]
    # three axes that the last is not one of, and gaps in memory: rows are strided, neighbours elements of the batch
    if not front and width > 0:
        front = (width - 1,)
    taken = (*(-1,) * (2 - len(front)), *front, width)
    batch = tuple([axis for axis in range(axes_left) if axis not in taken])
    sizes = tuple([shape[axis] if axis >= 0 else 1 for axis in taken[:2]])
    return Geometry(taken, (*sizes, row), batch, tuple([shape[axis] for axis in batch]), unit)


def line_geometry(shape, axis, packed):
    """Of a filter that carries a state along one axis: lanes are columns, or rows that are strided if need be."""
    last = len(shape) - 1
    if axis != last and math.prod(shape[axis + 1 :] if packed else shape[last:]) >= FEW_PARTS:
        return window_geometry(shape, (axis,), packed)
    return row_geometry(shape, axis)


def side_by_side(shape, packed):
    """Lines along the last axis as columns; the width is all other axes, or the longest where they have gaps."""
    last = len(shape) - 1
    if packed:
        return Geometry((-1, last, last - 1), (1, shape[last], math.prod(shape[:last])), (), (), 1)
    width = max(range(last), key=shape.__getitem__)
    batch = tuple([axis for axis in range(last) if axis != width])
    sizes = (1, shape[last], shape[width])
    return Geometry((-1, last, width), sizes, batch, tuple([shape[axis] for axis in batch]), 1)


def row_geometry(shape, axis):
    """Rows along one axis; the longest other axis is the height."""
    others = [other for other in range(len(shape)) if other != axis]
    height = max(others, key=shape.__getitem__, default=-1)
    batch = tuple([other for other in others if other != height])
    sizes = (1, shape[height] if others else 1, shape[axis])
    return Geometry((-1, height, axis), sizes, batch, tuple([shape[other] for other in batch]), 1)


def line_operator(operation, shape, packed, axis, taps, origin, boundary, cval):
    """A filter of `taps` samples along one axis; `origin` moves the window to the left."""
    if operation in ("least", "greatest"):
        geometry = row_geometry(shape, axis)
    elif axis == len(shape) - 1 and shape[axis] <= NARROW and math.prod(shape[:-1]) >= FEW_ROWS:
        geometry = side_by_side(shape, packed)
    elif operation == "mean":
        geometry = line_geometry(shape, axis, packed)
    else:
        geometry = window_geometry(shape, (axis,), packed)
    windows = {geometry.axes.index(axis): (taps, taps // 2 + origin, boundary)}
    return _operator(operation, geometry, windows, cval, axis)


def window_operator(operation, shape, packed, kernel, origins, boundary, cval):
    """A filter under a window with as many axes as the array, up to three of them longer than 1."""
    axes = tuple([axis for axis, taps in enumerate(kernel) if taps > 1])
    geometry = window_geometry(shape, axes, packed)
    windows = {
        geometry.axes.index(axis): (kernel[axis], kernel[axis] // 2 + origins[axis], boundary) for axis in axes
    }
    return _operator(operation, geometry, windows, cval)


def float_operator(shape, stored, kernel, origins, boundary, cval):
    """The convolution that is a window's sum, of float64 whatever is stored; None where its axes are none that rows of
    pixels are read along. The weights are those of its spec's kernel."""
    axes = tuple([axis for axis, taps in enumerate(kernel) if taps > 1])
    if not axes or axes[-1] != len(shape) - 1:
        return None
    taps = tuple([kernel[axis] for axis in axes])
    shifts = tuple([origins[axis] for axis in axes])
    spec = filter_spec(False, shape, _SUM, taps, _SUM, "same", boundary, cval, axes, shifts, "direct", None, None)
    return Convolution(spec._replace(output_dtype=stored)), taps


def _operator(operation, geometry, windows, cval, along=-1):
    described = [windows.get(place, (1, 0, "constant")) for place in range(3)]
    return Ordered(operation, geometry, *zip(*described, strict=True), cval, along)


# ---- chains --------------------------------------------------------------------------------------------------------


class Line(NamedTuple):
    """A filter along one axis, as line_operator takes it; the weight None is the call's."""

    operation: str
    axis: int
    taps: int
    origin: int
    boundary: str
    cval: float
    weight: np.ndarray | None


class Window(NamedTuple):
    """A filter under a window with as many axes as the array; its weights, or footprint, are the call's."""

    operation: str
    kernel: tuple[int, ...]
    origins: tuple[int, ...]
    boundary: str
    cval: float


def _resolve(make, options, cval, input, output, promote):
    """(the chain of make(rank, cval, *options), the array to fill)."""
    parts = input.dtype.kind == "c"
    if output is not None:
        output = output_array(output, input, promote and parts)
        found = _chains.find(make, options, cval, input, output)
        if found is not None:
            return found, output
    filters = [make(input.ndim, part, *options) for part in ([np.real(cval), np.imag(cval)] if parts else [cval])]
    source = input.real if parts else input
    check_real(source.dtype)
    if output is None:
        output = output_array(None, input)
    if parts and output.dtype.kind != "c":
        raise RuntimeError(f"output must have complex dtype; got {output.dtype}")
    target = output.real if parts else output
    check_real(target.dtype)
    orders = are_packed(input, output), are_packed(output, output)
    steps = [_steps(each, source, target, orders) for each in filters]
    in_place = not any(isinstance(each, Window) for each in filters[0])
    made = Chain(steps[0], steps[1] if parts else None, in_place)
    _chains.keep(make, options, cval, input, output, made)
    return made, output


_chains = Chains(_resolve)
# chain(make, options, cval, input, output, weights=None, promote=False) runs the filters that the function `make` lists
# for (rank, cval, *options). `weights`, or a footprint: of filters with none of their own, in C order; `promote`: a
# complex input makes the output complex.
chain = _chains.run


def _steps(filters, input, output, orders):
    """(what runs it, its weight, whether its rows are long) of each filter. `orders`: are the arrays of the first, and
    of the others, packed."""
    steps = []
    for each in filters:
        order = orders[bool(steps)]
        if isinstance(each, Line):
            *describe, weight = each
            found = line_operator(describe[0], output.shape, order, *describe[1:])
            # down the columns of a wide image, or of rows side by side, no row is copied as a whole
            along = found.geometry.axes[2] == each.axis
            steps.append((found.run, weight, along and found.geometry.sizes[2] * found.geometry.unit > LONG_ROW))
        else:
            steps.append((_window_run(each, input, output, order), None, False))
        input = output
    return tuple(steps)


def _window_run(window, input, output, order):
    """(input, weights, output) -> None of a window."""
    operation, *where = window
    if not output.shape:
        alone = _window_run(Window(operation, (1,), (0,), *where[2:]), input.reshape(1), output.reshape(1), order)
        return lambda input, weights, output: alone(input.reshape(1), weights, output.reshape(1))
    if sum(taps > 1 for taps in window.kernel) > 3:
        return _merged_run(operation, output.shape, *where)
    exact = window_operator(operation, output.shape, order, *where).run
    found = None
    if operation == "sum" and input.dtype.kind == output.dtype.kind == "f":
        found = float_operator(output.shape, native(output.dtype), *where)
    if found is None:
        return exact
    floats, taps = found

    def run(input, weights, output):
        if leaves_none_out(weights):
            floats.run(input, weights.reshape(taps), None, output, None)
        else:
            exact(input, weights, output)

    return run


def _merged_run(operation, shape, kernel, origins, boundary, cval):
    """The same over more than three axes: all but the last are padded and become one, along which the window has gaps.
    Where it does not reach from one line of them to the next it gives what is asked for, in the same order."""
    if 0 in shape:
        return lambda input, weights, output: None
    *lead, width = shape
    grown = [n + taps - 1 for n, taps in zip(lead, kernel, strict=False)]
    # which row of the input is each of the padded array; the constant's are any
    source = np.arange(math.prod(lead)).reshape(lead)
    outside = np.zeros(grown, bool)
    for axis, taps in enumerate(kernel[:-1]):
        before = taps // 2 + origins[axis]
        widths = [(before, taps - 1 - before) if axis == other else (0, 0) for other in range(len(lead))]
        source = np.pad(source, widths, "edge" if boundary == "constant" else boundary)
        inside = np.arange(grown[axis]) - before
        outside |= ((inside < 0) | (inside >= lead[axis])).reshape([-1] + [1] * (len(lead) - axis - 1))
    place = np.arange(math.prod(grown)).reshape(grown)
    tap_rows = place[tuple([slice(taps) for taps in kernel[:-1]])].ravel()
    found_rows = place[tuple([slice(n) for n in lead])].ravel()
    box = (int(tap_rows[-1]) + 1, kernel[-1])
    window = window_operator(operation, (place.size, width), True, box, (-(box[0] // 2), origins[-1]), boundary, cval)
    source, outside = source.ravel(), np.flatnonzero(outside) if boundary == "constant" else None

    def run(input, weights, output):
        rows = input.reshape(-1, width)[source]
        if outside is not None:
            rows = rows.astype(np.float64)
            rows[outside] = cval
        taps = np.zeros(box, weights.dtype)
        taps[tap_rows] = weights.reshape(-1, box[1])
        found = np.empty(rows.shape, output.dtype)
        window.run(rows, taps, found)
        copy(output, found[found_rows].reshape(shape))

    return run


def cast_into(values, output):
    """Finished float64 values, cast as C does."""
    kernel = (1,) * values.ndim
    run = window_operator("max", values.shape, are_packed(values, output), kernel, (0,) * values.ndim, "constant", 0.0)
    run.run(values, None, output)
    return output
