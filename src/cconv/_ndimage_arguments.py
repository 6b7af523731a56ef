"""Arguments of ndimage.py: what scipy.ndimage takes and refuses.

Names, order, types and gist of the errors are scipy.ndimage's; all of them come before anything is written.
"""

import operator
import warnings

import numpy as np

from ._dtypes import native
from ._memory import empty

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


def sides_of_box(rank, axes, size, mode, origin):
    """(axis, taps, mode, origin) of each side of a window that is longer than 1."""
    numbers = filtered_axes(axes, rank)
    count = len(numbers)
    sides = zip(
        numbers, per_axis(size, count, "size"), per_axis(mode, count, "mode"), per_axis(origin, count, "origin"),
        strict=True,
    )  # fmt: skip
    return [(axis, int(taps), name, shift) for axis, taps, name, shift in sides if taps > 1]


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
        return empty(shape, np.promote_types(dtype, np.complex64) if complex_output else dtype)
    if isinstance(output, (type, np.dtype)):
        dtype = np.dtype(output)
        if complex_output and dtype.kind != "c":
            warnings.warn("promoting specified output dtype to complex", stacklevel=4)
            dtype = np.promote_types(dtype, np.complex64)
        return empty(shape, dtype)
    if isinstance(output, str):
        dtype = np.dtype(output)
        if complex_output and dtype.kind != "c":
            raise RuntimeError(f"output must have complex dtype; got output={output!r}")
        if not issubclass(dtype.type, np.number):
            raise RuntimeError(f"output must have numeric dtype; got output={output!r}")
        return empty(shape, dtype)
    output = np.asarray(output)
    if output.shape != shape:
        raise RuntimeError(f"output shape not correct: {output.shape} for input of shape {shape}")
    if complex_output and output.dtype.kind != "c":
        raise RuntimeError(f"output must have complex dtype; got {output.dtype}")
    if not output.flags.writeable:
        raise ValueError("output array is read-only")
    return output


def apart(input, output):
    """The input, or a copy of it if writing to the output would change what is read later."""
    return input.copy() if np.may_share_memory(input, output) else input


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
