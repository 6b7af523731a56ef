"""scipy.ndimage's minimum and maximum filters.

Design:
  a. A window without gaps is one pass per axis. A pass folds the taps of each window if no sample is NaN; with NaN,
     where SciPy's answer depends on the order of comparisons, and for long windows, it is the same search as SciPy's.
"""

import warnings

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ._ndimage_arguments import (
    Pass,
    apart,
    as_bytes,
    boundary_of,
    cast_into,
    chain,
    check_real,
    checked_origin,
    checked_size,
    expanded,
    filtered_axes,
    one_boundary,
    output_array,
    per_axis,
    real_number,
    run_window,
    settle,
)
from ._pieces import pieces

# Longer windows are searched, whatever their length at the cost of about 20 comparisons one by one; along rows, whose
# windows are made of narrower ones, even longer ones are folded: 101 taps of a million samples take a fifth as long.
FOLDED_TAPS = 64
FOLDED_ALONG_ROWS = 4096
# Smaller arrays are searched: to look for NaN takes longer than that.
FEW_SAMPLES = 2048

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

    def build(cval):
        return [_pass(operation, size, normalize_axis_index(axis, input.ndim), mode, cval, origin)]

    return _run((operation, 1, input.ndim, size, axis, mode, cval, origin), build, input, output, cval)


def _pass(operation, size, axis, mode, cval, origin):
    taps = checked_size(size)
    origin = checked_origin(origin, taps, "invalid origin")
    return Pass(operation, (axis, taps, origin, boundary_of(mode), real_number(cval)), None)


def _run(key, build, input, output, cval):
    if input.size > FEW_SAMPLES and not _has_nan(input, cval):

        def folded(cval):
            last = input.ndim - 1
            return [
                _searched(step, FOLDED_ALONG_ROWS if step.describe[0] == last else FOLDED_TAPS) for step in build(cval)
            ]

        return chain(key, folded, input, output, cval)
    return chain(("in order", key), lambda cval: [_searched(step, 1) for step in build(cval)], input, output, cval)


def _searched(step, most):
    """The pass as a search, if it has more taps than that."""
    return step._replace(operation=_SEARCH[step.operation]) if step.describe[1] > most else step


def _has_nan(input, cval):
    """Is there a NaN among the samples, or outside?"""
    if cval != cval:
        return True
    if input.dtype.kind != "f":
        return False
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
        return _under_footprint(operation, input, footprint, output, mode, cval, origin, axes)

    def build(cval):
        numbers = filtered_axes(axes, input.ndim)
        rank = len(numbers)
        steps = zip(
            numbers, per_axis(size, rank, "size"), per_axis(mode, rank, "mode"), per_axis(origin, rank, "origin"),
            strict=True,
        )  # fmt: skip
        return [_pass(operation, int(taps), axis, name, cval, shift) for axis, taps, name, shift in steps if taps > 1]

    return _run((operation, input.ndim, size, mode, cval, origin, axes), build, input, output, cval)


def _under_footprint(operation, input, footprint, output, mode, cval, origin, axes):
    """The extremum of the samples that a footprint with gaps shows, compared in its order."""
    result = output_array(output, input)
    kernel, origins = expanded(input.ndim, filtered_axes(axes, input.ndim), footprint.shape, origin, "footprint")
    origins = [checked_origin(shift, taps, "invalid origin") for shift, taps in zip(origins, kernel, strict=True)]
    boundary = one_boundary(mode, " for non-separable footprints")
    cval = real_number(cval)
    check_real(input.dtype)
    check_real(result.dtype)
    if boundary == "constant" and input.dtype.char != "d":
        # here, and only here, SciPy casts the constant to the samples' type
        cval = float(cast_into(np.array([cval]), as_bytes(np.empty(1, input.dtype)))[0])
    source = as_bytes(input)
    if output is not None:
        source = apart(source, result)
    run_window(operation, source, footprint, as_bytes(result), kernel, tuple(origins), boundary, cval)
    return settle(result)
