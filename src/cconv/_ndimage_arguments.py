"""Arguments of ndimage.py: what scipy.ndimage takes and refuses, and geometries for the compiled core.

Design:
  a. Names, order, types and gist of the errors are scipy.ndimage's; all of them come before anything is written.
  b. Rank is data: an array of any rank is batches of planes of pixels. Where all arrays are in C order, axes that
     follow the last one filtered are one long row, or the parts of a pixel if they are few.
  c. bool is a byte, in SciPy too, which stores a 2 there: what is True in the end is what is not 0.
"""

import math
import operator
import warnings
from typing import NamedTuple

import numpy as np

from ._calls import remember
from ._core import Convolution
from ._dtypes import native
from ._ordered import Ordered, leaves_none_out
from ._pieces import copy
from ._shapes import filter_spec

BOUNDARIES = {
    "reflect": "symmetric",
    "grid-mirror": "symmetric",
    "constant": "constant",
    "grid-constant": "constant",
    "nearest": "edge",
    "mirror": "reflect",
    "wrap": "wrap",
    "grid-wrap": "wrap",
}
# Rows shorter than so many samples are taken for the parts of pixels: a row costs about 30 ns besides its samples.
FEW_PARTS = 32
# A row that is filtered in place is copied to scratch as a whole; a longer one from a copy of the array.
LONG_ROW = 1 << 17

_SUM = np.dtype(np.float64)

_operators = {}
_chains = {}
_plain = {}
_empty = np.empty


class Geometry(NamedTuple):
    """Which axes of an array are (depth, height, width); -1: none. A pixel has `unit` parts."""

    axes: tuple[int, int, int]
    sizes: tuple[int, int, int]
    batch: tuple[int, ...]
    batch_shape: tuple[int, ...]
    unit: int


# ---- arguments -----------------------------------------------------------------------------------------------------


def boundary_of(mode):
    """numpy.pad's name of an extension mode."""
    if isinstance(mode, str) and mode in BOUNDARIES:
        return BOUNDARIES[mode]
    raise RuntimeError(f"boundary mode not supported: mode={mode!r} must be one of {', '.join(map(repr, BOUNDARIES))}")


def one_boundary(mode, what):
    """The same where all axes share one."""
    if not isinstance(mode, str) and np.iterable(mode):
        raise RuntimeError(f"A sequence of modes is not supported{what}; got mode={mode!r}")
    return boundary_of(mode)


def per_axis(value, rank, name):
    """One value for all axes, or a sequence of one per axis -> list."""
    if isinstance(value, str) or not np.iterable(value):
        return [value] * rank
    values = list(value)
    if len(values) != rank:
        raise RuntimeError(
            f"sequence argument must have length equal to input rank: {name}={value!r} has {len(values)} entries for "
            f"{rank} filtered axes"
        )
    return values


def filtered_axes(axes, ndim):
    """`axes` as a tuple of different axis numbers >= 0."""
    if axes is None:
        return tuple(range(ndim))
    if np.isscalar(axes):
        numbers = (operator.index(axes),)
    elif np.iterable(axes):
        numbers = tuple([operator.index(axis) for axis in axes])
    else:
        raise ValueError(f"axes must be an integer, iterable of integers, or None; got {axes!r}")
    for axis in numbers:
        if not -ndim <= axis < ndim:
            raise ValueError(f"specified axis: {axis} is out of range (axes={axes!r}, input has {ndim})")
    numbers = tuple([axis % ndim for axis in numbers])
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"axes must be unique; got {axes!r}")
    return numbers


def checked_origin(origin, taps, message):
    """`origin`, by which a window of so many taps is moved, as an int."""
    if origin < -(taps // 2) or origin > (taps - 1) // 2:
        raise ValueError(f"{message}; got origin={origin!r} for {taps} taps")
    return operator.index(origin)


def checked_size(size):
    """The taps of a line."""
    if size < 1:
        raise RuntimeError(f"incorrect filter size: size={size!r} must be at least 1")
    return operator.index(size)


def real_number(cval):
    if isinstance(cval, (str, bytes)):
        raise TypeError(f"cval must be real number, not {type(cval).__name__}")
    return float(cval)


def check_real(dtype):
    """Refuse the types that SciPy's filters refuse."""
    if dtype.kind == "b" or (dtype.kind in "iu" and dtype.itemsize <= 8) or dtype.char in "fd":
        return
    raise RuntimeError(f"array type {dtype!r} not supported; filters take bool, integers, float32 and float64")


def output_array(output, input, complex_output=False):
    """The array to fill: a new one, of the type that `output` names, or `output` itself."""
    shape = input.shape
    if output is None:
        dtype = native(input.dtype)
        return np.empty(shape, np.promote_types(dtype, np.complex64) if complex_output else dtype)
    if isinstance(output, (type, np.dtype)):
        dtype = np.dtype(output)
        if complex_output and dtype.kind != "c":
            warnings.warn("promoting specified output dtype to complex", stacklevel=4)
            dtype = np.promote_types(dtype, np.complex64)
        return np.empty(shape, dtype)
    if isinstance(output, str):
        dtype = np.dtype(output)
        if complex_output and dtype.kind != "c":
            raise RuntimeError(f"output must have complex dtype; got output={output!r}")
        if not issubclass(dtype.type, np.number):
            raise RuntimeError(f"output must have numeric dtype; got output={output!r}")
        return np.empty(shape, dtype)
    output = np.asarray(output)
    if output.shape != shape:
        raise RuntimeError(f"output shape not correct: {output.shape} for input of shape {shape}")
    if complex_output and output.dtype.kind != "c":
        raise RuntimeError(f"output must have complex dtype; got {output.dtype}")
    if not output.flags.writeable:
        raise ValueError("output array is read-only")
    return output


# ---- geometries ----------------------------------------------------------------------------------------------------


def window_geometry(shape, axes, packed):
    """Of a window over up to three axes, in ascending order. `packed`: all arrays are in C order."""
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


def row_geometry(shape, axis):
    """Rows along one axis; the longest other axis is the height."""
    others = [other for other in range(len(shape)) if other != axis]
    height = max(others, key=shape.__getitem__, default=-1)
    batch = tuple([other for other in others if other != height])
    sizes = (1, shape[height] if others else 1, shape[axis])
    return Geometry((-1, height, axis), sizes, batch, tuple([shape[other] for other in batch]), 1)


def line_operator(operation, shape, packed, axis, taps, origin, boundary, cval):
    """A filter of `taps` samples along one axis; `origin` moves the window to the left."""
    key = (operation, shape, packed, axis, taps, origin, boundary, cval)
    found = _operators.get(key)
    if found is not None:
        return found
    if operation in ("least", "greatest"):
        geometry = row_geometry(shape, axis)
    elif operation == "mean":
        geometry = line_geometry(shape, axis, packed)
    else:
        geometry = window_geometry(shape, (axis,), packed)
    windows = {geometry.axes.index(axis): (taps, taps // 2 + origin, boundary)}
    return remember(_operators, key, _operator(operation, geometry, windows, cval, axis))


def window_operator(operation, shape, packed, kernel, origins, boundary, cval):
    """A filter under a window with as many axes as the array, up to three of them longer than 1."""
    key = (operation, shape, packed, kernel, origins, boundary, cval)
    found = _operators.get(key)
    if found is not None:
        return found
    axes = tuple([axis for axis, taps in enumerate(kernel) if taps > 1])
    geometry = window_geometry(shape, axes, packed)
    windows = {
        geometry.axes.index(axis): (kernel[axis], kernel[axis] // 2 + origins[axis], boundary) for axis in axes
    }
    return remember(_operators, key, _operator(operation, geometry, windows, cval))


def float_operator(shape, stored, kernel, origins, boundary, cval):
    """The convolution that is a window's sum, of float64 whatever is stored; None where its axes are none that rows of
    pixels are read along. The weights are those of its spec's kernel."""
    key = ("float", shape, stored, kernel, origins, boundary, cval)
    if key in _operators:
        return _operators[key]
    axes = tuple([axis for axis, taps in enumerate(kernel) if taps > 1])
    found = None
    if axes and axes[-1] == len(shape) - 1:
        taps = tuple([kernel[axis] for axis in axes])
        shifts = tuple([origins[axis] for axis in axes])
        spec = filter_spec(False, shape, _SUM, taps, _SUM, "same", boundary, cval, axes, shifts, "direct", None, None)
        found = Convolution(spec._replace(output_dtype=stored)), taps
    return remember(_operators, key, found)


def _operator(operation, geometry, windows, cval, along=-1):
    described = [windows.get(place, (1, 0, "constant")) for place in range(3)]
    return Ordered(operation, geometry, *zip(*described, strict=True), cval, along)


# ---- runs ----------------------------------------------------------------------------------------------------------


class Pass(NamedTuple):
    """One filter of a chain: `describe` are the arguments of line_operator after (shape, packed)."""

    operation: str
    describe: tuple
    weight: np.ndarray | None


def is_packed(input, output):
    return input.flags.c_contiguous and output.flags.c_contiguous


def as_bytes(array):
    """bool as the bytes that it is."""
    return array.view(np.uint8) if array.dtype.kind == "b" else array


def settle(output):
    """Bytes of bool that are not 0 are True."""
    if output.dtype.kind == "b":
        raw = output.view(np.uint8)
        np.minimum(raw, 1, out=raw)
    return output


def chain(key, build, input, output, cval, weights=None, promote=False):
    """Run the passes of a signature, made by build(cval) unless they are there. `weights`: of a single pass that has
    none of its own; `promote`: a complex input makes the output complex."""
    if output is None:
        plain = (key, input.shape, input.dtype, input.flags.c_contiguous)
        try:
            steps = _plain.get(plain)
        except TypeError:
            steps = plain = None
        if steps is not None:
            source, output = input, _empty(input.shape, steps[0])
            for run, weight in steps[1]:
                run(source, weights if weight is None else weight, output)
                source = output
            return output
        if plain is not None and input.dtype.kind in "iuf":
            remember(_plain, plain, _plain_steps(build(cval), input))
    if input.dtype.kind == "c":
        output = output_array(output, input, promote)
        if output.dtype.kind != "c":
            raise RuntimeError(f"output must have complex dtype; got {output.dtype}")
        chains = build(np.real(cval)), build(np.imag(cval))
        input = apart(input, output)
        run_passes(chains[0], input.real, output.real, weights)
        run_passes(chains[1], input.imag, output.imag, weights)
        return output
    try:
        passes = _chains.get(key)
    except TypeError:
        passes = key = None
    if passes is None:
        passes = build(cval)
        remember(_chains, key, passes)
    return run_passes(passes, input, output_array(output, input), weights)


def _plain_steps(passes, input):
    """(type, [(run, weights) of each pass]) for a new output array; None where more is to be done."""
    check_real(input.dtype)
    shape, packed = input.shape, input.flags.c_contiguous
    steps = []
    for step in passes:
        operator = line_operator(step.operation, shape, packed, *step.describe)
        if steps and _row_reals(operator) > LONG_ROW:
            return None
        steps.append((operator.run, step.weight))
        packed = True
    return (native(input.dtype), steps) if steps else None


def _row_reals(operator):
    return operator.geometry.sizes[2] * operator.geometry.unit


def run_passes(passes, input, output, weights=None):
    """One line filter after the other, the first from `input` to `output`, the others in place there: intermediates
    have the output's type, as in SciPy. `weights`: of a pass that has none of its own."""
    check_real(input.dtype)
    check_real(output.dtype)
    if not passes:
        copy(output, input)
        return output
    source, target = as_bytes(input), as_bytes(output)
    in_place = False
    if np.may_share_memory(source, target):
        in_place = _same_memory(source, target)
        source = source if in_place else source.copy()
    for step in passes:
        run = line_operator(step.operation, target.shape, is_packed(source, target), *step.describe)
        if in_place and _row_reals(run) > LONG_ROW:
            source = source.copy()
        run.run(source, weights if step.weight is None else step.weight, target)
        source, in_place = target, True
    return settle(output)


def apart(input, output):
    """The input, or a copy of it if writing to the output would change what is read later."""
    return input.copy() if np.may_share_memory(input, output) else input


def _same_memory(a, b):
    same = a.dtype == b.dtype and a.strides == b.strides
    return same and a.__array_interface__["data"] == b.__array_interface__["data"]


def expanded(ndim, axes, shape, origin, name):
    """(taps, origin) of each axis of an array of `ndim` axes, for a window of that shape over `axes`. As in SciPy, the
    window's axes are those of `axes` in ascending order, and so are origins if no axis is left out."""
    origins = per_axis(origin, len(axes), "origin")
    if len(axes) != len(shape) or 0 in shape:
        shown = len([taps for taps in shape if taps > 0])
        raise RuntimeError(f"{name}.ndim ({shown}) must match len(axes) ({len(axes)}); {name} has shape {shape}")
    if len(axes) == ndim:
        return tuple(shape), origins
    kernel, shifts = [1] * ndim, [0] * ndim
    for taps, axis in zip(shape, sorted(axes), strict=True):
        kernel[axis] = taps
    for shift, axis in zip(origins, axes, strict=True):
        shifts[axis] = shift
    return tuple(kernel), shifts


def run_window(operation, input, weights, output, kernel, origins, boundary, cval):
    """A filter under a window; `weights`, or a footprint, in C order."""
    if not output.shape:
        input, output, kernel, origins = input.reshape(1), output.reshape(1), (1,), (0,)
    if sum(taps > 1 for taps in kernel) <= 3:
        if operation == "sum" and input.dtype.kind == output.dtype.kind == "f" and leaves_none_out(weights):
            found = float_operator(output.shape, native(output.dtype), kernel, origins, boundary, cval)
            if found is not None:
                found[0].run(input, weights.reshape(found[1]), None, output, None)
                return
        run = window_operator(operation, output.shape, is_packed(input, output), kernel, origins, boundary, cval)
        run.run(input, weights, output)
    elif output.size:
        _run_taps(operation, input, weights.reshape(-1), output, kernel, origins, boundary, cval)


def _run_taps(operation, input, weights, output, kernel, origins, boundary, cval):
    """The same for more than three axes: the whole array tap by tap, in the same order."""
    before = [taps // 2 + shift for taps, shift in zip(kernel, origins, strict=True)]
    widths = [(pad, taps - 1 - pad) for taps, pad in zip(kernel, before, strict=True)]
    options = {"constant_values": cval} if boundary == "constant" else {}
    padded = np.pad(input.astype(np.float64), widths, boundary, **options)
    result = np.zeros(output.shape) if operation == "sum" else None
    counts = weights if operation != "sum" else np.abs(weights) > np.finfo(np.float64).eps
    for tap in np.flatnonzero(counts):
        place = np.unravel_index(tap, kernel)
        samples = padded[tuple([slice(i, i + n) for i, n in zip(place, output.shape, strict=True)])]
        if operation == "sum":
            result += weights[tap] * samples
        elif result is None:
            result = samples.copy()
        else:
            np.copyto(result, samples, where=samples < result if operation == "min" else samples > result)
    cast_into(result, output)


def cast_into(values, output):
    """Finished float64 values, cast as C does."""
    kernel = (1,) * values.ndim
    run = window_operator("max", values.shape, is_packed(values, output), kernel, (0,) * values.ndim, "constant", 0.0)
    run.run(values, None, as_bytes(output))
    return output
