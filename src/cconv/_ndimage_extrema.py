"""scipy.ndimage's minimum and maximum filters.

Design:
  a. A window without gaps is one pass per axis. A pass folds the taps of each window if no sample is NaN; with NaN,
     where SciPy's answer depends on the order of comparisons, and for long windows, it is the same search as SciPy's.
"""

import warnings

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ._ndimage_arguments import (
    boundary_of,
    check_real,
    checked_origin,
    checked_size,
    expanded,
    filtered_axes,
    one_boundary,
    real_number,
    sides_of_box,
)
from ._ndimage_chains import Line, Window, cast_into, chain
from ._ordered import few_have_nan
from ._pieces import pieces

# Longer windows are searched, whatever their length at the cost of about 20 comparisons one by one; along rows, whose
# windows are made of narrower ones, even longer ones are folded: 101 taps of a million samples take a fifth as long.
FOLDED_TAPS = 64
FOLDED_ALONG_ROWS = 4096
# For NaN among fewer samples no call of NumPy is needed. To fold is up to ten times as fast as to search, of few, too.
FEW_SAMPLES = 4096

_SEARCH = {"min": "least", "max": "greatest"}


def minimum_filter1d(input, size, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    return _line_extremum("min", input, size, axis, output, mode, cval, origin)


def maximum_filter1d(input, size, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    return _line_extremum("max", input, size, axis, output, mode, cval, origin)


def minimum_filter(input, size=None, footprint=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    return _extremum("min", input, size, footprint, output, mode, cval, origin, axes)


def maximum_filter(input, size=None, footprint=None, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    return _extremum("max", input, size, footprint, output, mode, cval, origin, axes)


def _real_input(input):
    input = np.asarray(input)
    if input.dtype.kind == "c":
        raise TypeError(f"Complex type not supported: input has dtype {input.dtype}, complex numbers have no order")
    return input


def _line_extremum(operation, input, size, axis, output, mode, cval, origin):
    input = _real_input(input)
    return chain(_make_line, (operation, _folds(input, cval), size, axis, mode, origin), cval, input, output)


def _make_line(rank, cval, operation, folds, size, axis, mode, origin):
    return [_line(operation, folds, rank, size, normalize_axis_index(axis, rank), mode, cval, origin)]


def _line(operation, folds, rank, size, axis, mode, cval, origin):
    taps = checked_size(size)
    origin = checked_origin(origin, taps, "invalid origin")
    if taps > (1 if not folds else FOLDED_ALONG_ROWS if axis == rank - 1 else FOLDED_TAPS):
        operation = _SEARCH[operation]
    return Line(operation, axis, taps, origin, boundary_of(mode), real_number(cval), None)


def _folds(input, cval):
    """Whether windows may be folded: the order of comparisons makes no difference."""
    return not _has_nan(input, cval)


def _has_nan(input, cval):
    """Is there a NaN among the samples, or outside?"""
    if cval != cval:
        return True
    if input.dtype.kind != "f":
        return False
    if input.size <= FEW_SAMPLES:
        return few_have_nan(input)
    for piece in pieces(input.shape):
        largest = input[piece].max()
        if largest != largest:
            return True
    return False


def _extremum(operation, input, size, footprint, output, mode, cval, origin, axes):
    if size is not None and footprint is not None:
        warnings.warn("ignoring size because footprint is set", UserWarning, stacklevel=3)
    if footprint is not None:
        footprint = np.asarray(footprint, bool, order="C")
        seen = np.count_nonzero(footprint)
        if not seen:
            raise ValueError("All-zero footprint is not supported.")
        if seen == footprint.size:
            size, footprint = footprint.shape, None
    elif size is None:
        raise RuntimeError("no footprint provided: pass size or footprint")
    input = _real_input(input)
    if footprint is not None:
        options = (operation, footprint.shape, mode, origin, axes, input.dtype)
        return chain(_make_footprint, options, cval, input, output, footprint)

    return chain(_make_box, (operation, _folds(input, cval), size, mode, origin, axes), cval, input, output)


def _make_box(rank, cval, operation, folds, size, mode, origin, axes):
    sides = sides_of_box(rank, axes, size, mode, origin)
    return [_line(operation, folds, rank, taps, axis, name, cval, shift) for axis, taps, name, shift in sides]


def _make_footprint(rank, cval, operation, shape, mode, origin, axes, dtype):
    """The extremum of the samples that a footprint with gaps shows, compared in its order."""
    kernel, origins = expanded(rank, filtered_axes(axes, rank), shape, origin, "footprint")
    origins = [checked_origin(shift, taps, "invalid origin") for shift, taps in zip(origins, kernel, strict=True)]
    boundary = one_boundary(mode, " for non-separable footprints")
    cval = real_number(cval)
    check_real(dtype)
    if boundary == "constant" and dtype.char != "d":
        # here, and only here, SciPy casts the constant to the samples' type
        stored = np.empty(1, np.uint8 if dtype.kind == "b" else dtype)
        cval = float(cast_into(np.array([cval]), stored)[0])
    return [Window(operation, kernel, tuple(origins), boundary, cval)]
