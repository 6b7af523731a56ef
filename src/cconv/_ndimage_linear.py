"""scipy.ndimage's linear filters: sums under a window, along a line, and what is made of them.

Functions say what their chain is made of (_ndimage_chains.py); generic filters call the derivatives that they are
given, and complex weights are filters by their parts, rounded between as SciPy rounds.
"""

import numbers

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ._ndimage_arguments import (
    apart,
    boundary_of,
    checked_origin,
    checked_size,
    expanded,
    filtered_axes,
    one_boundary,
    output_array,
    per_axis,
    real_number,
    sides_of_box,
)
from ._ndimage_chains import Line, Window, chain
from ._pieces import PIECE, pieces

_LINE_ORIGIN = "Invalid origin; origin must satisfy -(len(weights) // 2) <= origin <= (len(weights)-1) // 2"
_BOX_ORIGIN = (
    "Invalid origin; origin must satisfy -(weights.shape[k] // 2) <= origin[k] <= (weights.shape[k]-1) // 2"
)
_LAPLACE = np.array([1.0, -2.0, 1.0])


# ---- lines ---------------------------------------------------------------------------------------------------------


def correlate1d(input, weights, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    input, weights = np.asarray(input), np.asarray(weights)
    if weights.dtype.kind == "c":
        weights = weights.conj().astype(np.complex128, copy=False)
        options = {"axis": axis, "mode": mode, "origin": origin}
        return _by_weight_parts(correlate1d, input, weights, output, cval, options)
    weights = np.asarray(weights, np.float64, order="C")
    return chain(_make_line, (weights.shape, axis, mode, origin), cval, input, output, weights, True)


def _make_line(rank, cval, shape, axis, mode, origin):
    return [_line(None, shape, normalize_axis_index(axis, rank), mode, cval, origin)]


def convolve1d(input, weights, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    weights = np.asarray(weights)[::-1]
    origin = -origin
    if not weights.shape[0] & 1:
        origin -= 1
    if weights.dtype.kind == "c":
        weights = weights.conj()
    return correlate1d(input, weights, axis, output, mode, cval, origin)


def _line(weights, shape, axis, mode, cval, origin):
    """A correlation with weights of that shape along one axis; None: they come with the call."""
    if len(shape) != 1 or shape[0] < 1:
        raise RuntimeError(f"no filter weights given: weights must have 1 axis and a tap, got shape {shape}")
    origin = checked_origin(origin, shape[0], _LINE_ORIGIN)
    return Line("line", axis, shape[0], origin, boundary_of(mode), real_number(cval), weights)


def _line_of(weights, axis, mode, cval):
    weights = np.asarray(weights, np.float64, order="C")
    return _line(weights, weights.shape, axis, mode, cval, 0)


def uniform_filter1d(input, size, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    return chain(_make_mean, (size, axis, mode, origin), cval, np.asarray(input), output, None, True)


def _make_mean(rank, cval, size, axis, mode, origin):
    return [_mean(size, normalize_axis_index(axis, rank), mode, cval, origin)]


def _mean(size, axis, mode, cval, origin):
    taps = checked_size(size)
    origin = checked_origin(origin, taps, "invalid origin")
    return Line("mean", axis, taps, origin, boundary_of(mode), real_number(cval), None)


def uniform_filter(input, size=3, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    return chain(_make_box, (size, mode, origin, axes), cval, np.asarray(input), output, None, True)


def _make_box(rank, cval, size, mode, origin, axes):
    sides = sides_of_box(rank, axes, size, mode, origin)
    return [_mean(taps, axis, name, cval, shift) for axis, taps, name, shift in sides]


def gaussian_filter1d(
    input, sigma, axis=-1, order=0, output=None, mode="reflect", cval=0.0, truncate=4.0, *, radius=None
):
    options = (sigma, axis, order, mode, truncate, radius)
    return chain(_make_gaussian1d, options, cval, np.asarray(input), output, None, True)


def _make_gaussian1d(rank, cval, sigma, axis, order, mode, truncate, radius):
    weights = _gaussian_line(sigma, order, truncate, radius)
    return [_line_of(weights, normalize_axis_index(axis, rank), mode, cval)]


def _gaussian_line(sigma, order, truncate, radius):
    """Weights of a sampled Gaussian's derivative, to be correlated with."""
    deviation = float(sigma)
    reach = int(truncate * deviation + 0.5)
    if radius is not None:
        reach = radius
    if not isinstance(reach, numbers.Integral) or reach < 0:
        raise ValueError(f"Radius must be a nonnegative integer; got radius={radius!r}, sigma={sigma!r}")
    if order < 0:
        raise ValueError(f"order must be non-negative; got {order!r}")
    places = np.arange(-reach, reach + 1)
    variance = sigma * sigma
    bell = np.exp(-0.5 / variance * places**2)
    bell = bell / bell.sum()
    if order == 0:
        return bell[::-1]
    # the derivatives are polynomials times the bell: q -> q' - q*x/variance, on the coefficients
    factors = np.zeros(order + 1)
    factors[0] = 1
    step = np.diag(np.arange(1, order + 1), 1) + np.diag(np.ones(order) / -variance, -1)
    for _ in range(order):
        factors = step.dot(factors)
    polynomial = (places[:, None] ** np.arange(order + 1)).dot(factors)
    return (polynomial * bell)[::-1]


def gaussian_filter(
    input, sigma, order=0, output=None, mode="reflect", cval=0.0, truncate=4.0, *, radius=None, axes=None
):
    return chain(_make_gaussian, (sigma, order, mode, truncate, radius, axes), cval, np.asarray(input), output)


def _make_gaussian(rank, cval, sigma, order, mode, truncate, radius, axes):
    numbers = filtered_axes(axes, rank)
    count = len(numbers)
    steps = zip(
        numbers, per_axis(sigma, count, "sigma"), per_axis(order, count, "order"), per_axis(mode, count, "mode"),
        per_axis(radius, count, "radius"), strict=True,
    )  # fmt: skip
    return [
        _line_of(_gaussian_line(deviation, degree, truncate, reach), axis, name, cval)
        for axis, deviation, degree, name, reach in steps
        if deviation > 1e-15
    ]


def prewitt(input, axis=-1, output=None, mode="reflect", cval=0.0):
    return chain(_make_gradient, ((1.0, 1.0, 1.0), axis, mode), cval, np.asarray(input), output)


def sobel(input, axis=-1, output=None, mode="reflect", cval=0.0):
    return chain(_make_gradient, ((1.0, 2.0, 1.0), axis, mode), cval, np.asarray(input), output)


def _make_gradient(rank, cval, smooth, axis, mode):
    """A difference along one axis, smoothed along the others."""
    along = normalize_axis_index(axis, rank)
    modes = per_axis(mode, rank, "mode")
    others = [other for other in range(rank) if other != along]
    steps = [(along, (-1.0, 0.0, 1.0)), *[(other, smooth) for other in others]]
    return [_line_of(weights, number, modes[number], cval) for number, weights in steps]


# ---- sums of derivatives -------------------------------------------------------------------------------------------


def generic_laplace(
    input, derivative2, output=None, mode="reflect", cval=0.0, extra_arguments=(), extra_keywords=None, *, axes=None
):
    extra_keywords = {} if extra_keywords is None else extra_keywords
    input = np.asarray(input)
    result, source, axes, modes = _sum_of_axes(input, output, mode, axes)
    if not axes:
        return result
    derivative2(source, axes[0], result, modes[0], cval, *extra_arguments, **extra_keywords)
    for axis, name in zip(axes[1:], modes[1:], strict=True):
        part = derivative2(source, axis, result.dtype, name, cval, *extra_arguments, **extra_keywords)
        _add(result, part)
    return result


def _add(result, part):
    if part.size <= PIECE:
        result += part          # of 8x8 samples 0.6 us sooner
        return
    for piece in pieces(result.shape):
        result[piece] += part[piece]


def _sum_of_axes(input, output, mode, axes):
    """(array to fill, which holds the input if no axis is filtered; what to filter; axes; a mode for each)."""
    result = output_array(output, input)
    axes = filtered_axes(axes, input.ndim)
    if not axes:
        result[...] = input
        return result, input, axes, []
    return result, input if output is None else apart(input, result), axes, per_axis(mode, len(axes), "mode")


def _second_difference(input, axis, output, mode, cval):
    return chain(_make_line, (_LAPLACE.shape, axis, mode, 0), cval, input, output, _LAPLACE, True)


def laplace(input, output=None, mode="reflect", cval=0.0, *, axes=None):
    _check_modes(mode)
    return generic_laplace(input, _second_difference, output, mode, cval, axes=axes)


def _check_modes(mode):
    """Before the first derivative is written."""
    for name in [mode] if isinstance(mode, str) or not np.iterable(mode) else mode:
        boundary_of(name)


def gaussian_laplace(input, sigma, output=None, mode="reflect", cval=0.0, *, axes=None, **kwargs):
    input = np.asarray(input)
    _check_modes(mode)
    numbers = filtered_axes(axes, input.ndim)
    deviations = per_axis(sigma, len(numbers), "sigma")
    if len(numbers) < input.ndim:
        # what is not filtered is not smoothed
        by_axis = dict(zip(numbers, deviations, strict=True))
        deviations = [by_axis.get(axis, 0) for axis in range(input.ndim)]
    derivative = _gaussian_derivative(2)
    return generic_laplace(input, derivative, output, mode, cval, (tuple(deviations),), kwargs, axes=numbers)


def _gaussian_derivative(degree):
    def derivative(input, axis, output, mode, cval, sigma, **kwargs):
        order = tuple([degree if number == axis else 0 for number in range(input.ndim)])
        return gaussian_filter(input, sigma, order, output, mode, cval, **kwargs)

    return derivative


def generic_gradient_magnitude(
    input, derivative, output=None, mode="reflect", cval=0.0, extra_arguments=(), extra_keywords=None, *, axes=None
):
    extra_keywords = {} if extra_keywords is None else extra_keywords
    input = np.asarray(input)
    result, source, axes, modes = _sum_of_axes(input, output, mode, axes)
    if not axes:
        return result
    derivative(source, axes[0], result, modes[0], cval, *extra_arguments, **extra_keywords)
    for piece in pieces(result.shape):
        result[piece] *= result[piece]
    for axis, name in zip(axes[1:], modes[1:], strict=True):
        part = derivative(source, axis, result.dtype, name, cval, *extra_arguments, **extra_keywords)
        for piece in pieces(result.shape):
            result[piece] += part[piece] * part[piece]
    for piece in pieces(result.shape):
        np.sqrt(result[piece], result[piece], casting="unsafe")
    return result


def gaussian_gradient_magnitude(input, sigma, output=None, mode="reflect", cval=0.0, *, axes=None, **kwargs):
    input = np.asarray(input)
    _check_modes(mode)
    derivative = _gaussian_derivative(1)
    return generic_gradient_magnitude(input, derivative, output, mode, cval, (sigma,), kwargs, axes=axes)


# ---- windows -------------------------------------------------------------------------------------------------------


def correlate(input, weights, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    return _window_sum(input, weights, output, mode, cval, origin, False, axes)


def convolve(input, weights, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    return _window_sum(input, weights, output, mode, cval, origin, True, axes)


def _window_sum(input, weights, output, mode, cval, origin, convolution, axes):
    input, weights = np.asarray(input), np.asarray(weights)
    if weights.dtype.kind == "c":
        if not convolution:
            weights = weights.conj()
        options = {"mode": mode, "origin": origin, "convolution": convolution, "axes": axes}
        return _by_weight_parts(_window_sum, input, weights, output, cval, options)
    weights = np.asarray(weights, np.float64, order="C")
    options = (weights.shape, convolution, mode, origin, axes)
    if convolution:
        weights = weights.reshape(-1)[::-1].copy()
    return chain(_make_window, options, cval, input, output, weights, True)


def _make_window(rank, cval, shape, convolution, mode, origin, axes):
    kernel, origins = expanded(rank, filtered_axes(axes, rank), shape, origin, "weights")
    if convolution:
        origins = [-shift - (taps % 2 == 0) for shift, taps in zip(origins, kernel, strict=True)]
    origins = [checked_origin(shift, taps, _BOX_ORIGIN) for shift, taps in zip(origins, kernel, strict=True)]
    return [Window("sum", kernel, tuple(origins), one_boundary(mode, ""), real_number(cval))]


# ---- complex -------------------------------------------------------------------------------------------------------


def _by_weight_parts(function, input, weights, output, cval, options):
    """A filter with complex weights from filters with their parts, which are rounded to the output's type between."""
    if input.dtype.kind != "c" and np.iscomplexobj(cval):
        raise ValueError(f"Cannot provide a complex-valued cval when the input is real; got cval={cval!r}")
    output = output_array(output, input, True)
    input = apart(input, output)
    if input.dtype.kind != "c":
        function(input, weights.real, output=output.real, cval=cval, **options)
        function(input, weights.imag, output=output.imag, cval=cval, **options)
        return output
    outer = {"cval": np.real(cval), **options}
    inner = {"cval": np.imag(cval), **options}
    function(input.real, weights.real, output=output.real, **outer)
    output.real -= function(input.imag, weights.imag, output=None, **inner)
    function(input.real, weights.imag, output=output.imag, **outer)
    output.imag += function(input.imag, weights.real, output=None, **inner)
    return output
