"""scipy.ndimage's linear filters: sums under a window, along a line, and what is made of them.

Design:
  a. A filter is a chain of passes, resolved and validated once per signature; a call that repeats one is a look-up, an
     empty array and the passes.
  b. Complex arrays are filtered part by part, as SciPy does, and rounded between as SciPy rounds.
"""

import numbers

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ._calls import remember
from ._ndimage_arguments import (
    BOUNDARIES,
    Pass,
    apart,
    as_bytes,
    boundary_of,
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

_LINE_ORIGIN = "Invalid origin; origin must satisfy -(len(weights) // 2) <= origin <= (len(weights)-1) // 2"
_BOX_ORIGIN = (
    "Invalid origin; origin must satisfy -(weights.shape[k] // 2) <= origin[k] <= (weights.shape[k]-1) // 2"
)
_LAPLACE = np.array([1.0, -2.0, 1.0])

_windows = {}


# ---- lines ---------------------------------------------------------------------------------------------------------


def correlate1d(input, weights, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    input, weights = np.asarray(input), np.asarray(weights)
    if weights.dtype.kind == "c":
        weights = weights.conj().astype(np.complex128, copy=False)
        options = {"axis": axis, "mode": mode, "origin": origin}
        return _by_weight_parts(correlate1d, input, weights, output, cval, options)
    weights = np.asarray(weights, np.float64, order="C")

    def build(cval):
        return [_line_pass(None, weights.shape, normalize_axis_index(axis, input.ndim), mode, cval, origin)]

    key = ("line", input.ndim, weights.shape, axis, mode, cval, origin)
    return chain(key, build, input, output, cval, weights, promote=True)


def convolve1d(input, weights, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    weights = np.asarray(weights)[::-1]
    origin = -origin
    if not weights.shape[0] & 1:
        origin -= 1
    if weights.dtype.kind == "c":
        weights = weights.conj()
    return correlate1d(input, weights, axis, output, mode, cval, origin)


def _line_pass(weights, shape, axis, mode, cval, origin):
    """A correlation with weights of that shape along one axis; None: they come with the call."""
    if len(shape) != 1 or shape[0] < 1:
        raise RuntimeError(f"no filter weights given: weights must have 1 axis and a tap, got shape {shape}")
    origin = checked_origin(origin, shape[0], _LINE_ORIGIN)
    return Pass("line", (axis, shape[0], origin, boundary_of(mode), real_number(cval)), weights)


def _sequence_pass(weights, axis, mode, cval):
    weights = np.asarray(weights, np.float64, order="C")
    return _line_pass(weights, weights.shape, axis, mode, cval, 0)


def uniform_filter1d(input, size, axis=-1, output=None, mode="reflect", cval=0.0, origin=0):
    input = np.asarray(input)

    def build(cval):
        return [_mean_pass(size, normalize_axis_index(axis, input.ndim), mode, cval, origin)]

    return chain(("mean", input.ndim, size, axis, mode, cval, origin), build, input, output, cval, promote=True)


def _mean_pass(size, axis, mode, cval, origin):
    taps = checked_size(size)
    origin = checked_origin(origin, taps, "invalid origin")
    return Pass("mean", (axis, taps, origin, boundary_of(mode), real_number(cval)), None)


def uniform_filter(input, size=3, output=None, mode="reflect", cval=0.0, origin=0, *, axes=None):
    input = np.asarray(input)

    def build(cval):
        numbers = filtered_axes(axes, input.ndim)
        rank = len(numbers)
        steps = zip(
            numbers, per_axis(size, rank, "size"), per_axis(mode, rank, "mode"), per_axis(origin, rank, "origin"),
            strict=True,
        )  # fmt: skip
        return [_mean_pass(int(taps), axis, name, cval, shift) for axis, taps, name, shift in steps if taps > 1]

    return chain(("box", input.ndim, size, mode, cval, origin, axes), build, input, output, cval, promote=True)


def gaussian_filter1d(
    input, sigma, axis=-1, order=0, output=None, mode="reflect", cval=0.0, truncate=4.0, *, radius=None
):
    input = np.asarray(input)

    def build(cval):
        weights = _gaussian_line(sigma, order, truncate, radius)
        return [_sequence_pass(weights, normalize_axis_index(axis, input.ndim), mode, cval)]

    key = ("gaussian1d", input.ndim, sigma, axis, order, mode, cval, truncate, radius)
    return chain(key, build, input, output, cval, promote=True)


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
    input = np.asarray(input)

    def build(cval):
        numbers = filtered_axes(axes, input.ndim)
        rank = len(numbers)
        steps = zip(
            numbers, per_axis(sigma, rank, "sigma"), per_axis(order, rank, "order"), per_axis(mode, rank, "mode"),
            per_axis(radius, rank, "radius"), strict=True,
        )  # fmt: skip
        return [
            _sequence_pass(_gaussian_line(deviation, degree, truncate, reach), axis, name, cval)
            for axis, deviation, degree, name, reach in steps
            if deviation > 1e-15
        ]

    key = ("gaussian", input.ndim, sigma, order, mode, cval, truncate, radius, axes)
    return chain(key, build, input, output, cval)


def prewitt(input, axis=-1, output=None, mode="reflect", cval=0.0):
    return _gradient((1.0, 1.0, 1.0), input, axis, output, mode, cval)


def sobel(input, axis=-1, output=None, mode="reflect", cval=0.0):
    return _gradient((1.0, 2.0, 1.0), input, axis, output, mode, cval)


def _gradient(smooth, input, axis, output, mode, cval):
    """A difference along one axis, smoothed along the others."""
    input = np.asarray(input)

    def build(cval):
        along = normalize_axis_index(axis, input.ndim)
        modes = per_axis(mode, input.ndim, "mode")
        others = [other for other in range(input.ndim) if other != along]
        steps = [(along, (-1.0, 0.0, 1.0)), *[(other, smooth) for other in others]]
        return [_sequence_pass(weights, number, modes[number], cval) for number, weights in steps]

    return chain(("gradient", smooth, input.ndim, axis, mode, cval), build, input, output, cval)


# ---- sums of derivatives -------------------------------------------------------------------------------------------


def generic_laplace(
    input, derivative2, output=None, mode="reflect", cval=0.0, extra_arguments=(), extra_keywords=None, *, axes=None
):
    extra_keywords = {} if extra_keywords is None else extra_keywords
    input = np.asarray(input)
    output = output_array(output, input)
    axes = filtered_axes(axes, input.ndim)
    if not axes:
        output[...] = input[...]
        return output
    modes = per_axis(mode, len(axes), "mode")
    source = apart(input, output)
    derivative2(source, axes[0], output, modes[0], cval, *extra_arguments, **extra_keywords)
    for axis, name in zip(axes[1:], modes[1:], strict=True):
        part = derivative2(source, axis, output.dtype, name, cval, *extra_arguments, **extra_keywords)
        _add(output, part)
    return output


def _add(output, part):
    for piece in pieces(output.shape):
        output[piece] += part[piece]


def _second_difference(input, axis, output, mode, cval):
    if output is input.dtype:
        output = None       # as it would be, looked up sooner
    return correlate1d(input, _LAPLACE, axis, output, mode, cval, 0)


def laplace(input, output=None, mode="reflect", cval=0.0, *, axes=None):
    if type(mode) is not str or mode not in BOUNDARIES:
        _check_modes(mode)
    elif output is None and axes is None:
        # the same sooner, as a new array needs no second look: 5.3 us of 8x8 samples, not 9.2
        input = np.asarray(input)
        if input.ndim:
            output = correlate1d(input, _LAPLACE, 0, None, mode, cval)
            for axis in range(1, input.ndim):
                _add(output, correlate1d(input, _LAPLACE, axis, None, mode, cval))
            return output
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
    output = output_array(output, input)
    axes = filtered_axes(axes, input.ndim)
    if not axes:
        output[...] = input[...]
        return output
    modes = per_axis(mode, len(axes), "mode")
    source = apart(input, output)
    derivative(source, axes[0], output, modes[0], cval, *extra_arguments, **extra_keywords)
    for piece in pieces(output.shape):
        output[piece] *= output[piece]
    for axis, name in zip(axes[1:], modes[1:], strict=True):
        part = derivative(source, axis, output.dtype, name, cval, *extra_arguments, **extra_keywords)
        for piece in pieces(output.shape):
            output[piece] += part[piece] * part[piece]
    for piece in pieces(output.shape):
        np.sqrt(output[piece], output[piece], casting="unsafe")
    return output


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
    if input.dtype.kind == "c" or weights.dtype.kind == "c":
        if weights.dtype.kind == "c" and not convolution:
            weights = weights.conj()
        options = {"mode": mode, "origin": origin, "convolution": convolution, "axes": axes}
        if weights.dtype.kind == "c":
            return _by_weight_parts(_window_sum, input, weights, output, cval, options)
        output = output_array(output, input, True)
        source = apart(input, output)
        _window_sum(source.real, weights, output.real, cval=np.real(cval), **options)
        _window_sum(source.imag, weights, output.imag, cval=np.imag(cval), **options)
        return output
    weights = np.asarray(weights, np.float64, order="C")
    key = (input.shape, weights.shape, convolution, mode, cval, origin, axes)
    try:
        window = _windows.get(key)
    except TypeError:
        window = key = None
    if window is None:
        window = _window(input.ndim, weights.shape, convolution, mode, cval, origin, axes)
        remember(_windows, key, window)
    result = output_array(output, input)
    check_real(input.dtype)
    check_real(result.dtype)
    if convolution:
        weights = weights.reshape(-1)[::-1].copy()
    source = as_bytes(input)
    if output is not None:
        source = apart(source, result)
    run_window("sum", source, weights, as_bytes(result), *window)
    return settle(result)


def _window(ndim, shape, convolution, mode, cval, origin, axes):
    """(taps and origin of each axis of the input, border, its value)."""
    kernel, origins = expanded(ndim, filtered_axes(axes, ndim), shape, origin, "weights")
    if convolution:
        origins = [-shift - (taps % 2 == 0) for shift, taps in zip(origins, kernel, strict=True)]
    origins = [checked_origin(shift, taps, _BOX_ORIGIN) for shift, taps in zip(origins, kernel, strict=True)]
    return kernel, tuple(origins), one_boundary(mode, ""), real_number(cval)


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
