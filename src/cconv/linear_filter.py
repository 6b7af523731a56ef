"""One array, one kernel: convolve and correlate.

Design:
  a. The signal comes first and is never swapped with the kernel: the same call always does the same thing.
  b. Samples left out (`nan`, `mask`) are an arrangement of two plain calls, one of the samples with zeros in
     the gaps and one of the weight seen: no kernel knows of them, and a call without them pays nothing.
"""

import math

import numpy as np
from numpy import ndarray

from ._calls import as_array, check_num_threads, check_out, find, frozen, missing_samples, remember, target
from ._choice import auto_tiling, separable_seconds
from ._core import Convolution, PlainCalls
from ._dtypes import as_number, native, result_dtype, saturated, stored_dtype
from ._fft import FFTConvolution
from ._padding import check_bool, check_boundary, check_choice
from ._pieces import copy, mapped, pieces
from ._shapes import convolved_axes, filter_spec

__all__ = ["convolve", "correlate"]

_cache = {}
_plain_convolutions, _plain_correlations = PlainCalls(), PlainCalls()

# Defaults, told from other arguments by identity: a filter of a few samples with nothing but a mode has no
# key and no second Python call, which is what it takes to be faster than numpy.convolve. Equal
# arguments that are other objects go the general way, to the same result.
_CONSTANT, _ZERO, _PROPAGATE, _AUTO = "constant", 0, "propagate", "auto"


def convolve(
    input, kernel, mode="full", *, boundary="constant", cval=0, axes=None, origin=0,
    nan="propagate", mask=None, preserve_nan=False, method="auto", out=None, out_dtype=None, casting=None,
    num_threads=None,
):  # fmt: skip
    """True convolution of an array with a kernel along one to three axes.

    Along one axis ``full[i] = sum over j of input[i - j] * kernel[j]``, the kernel flipped, as
    `scipy.signal.convolve` does; more axes are the same along each.

    Parameters
    ----------
    input : array_like
        The signal, image or volume: bool, integer, float16 to float64 or complex, of any layout. It is never
        swapped with `kernel`, however long either is.
    kernel : array_like
        As many axes as are convolved, in the order of `axes`; or as many as `input`, axis for axis: then
        those not convolved are batch axes, and broadcast with those of `input`.
    mode : {"full", "same", "valid"}
        Extent of the result along each convolved axis of `n` samples and `k` taps: "full" ``n + k - 1``,
        "same" ``n`` (``full[(k - 1) // 2 :][:n]``), "valid" ``n - k + 1``, which needs ``k <= n``.
    boundary : str or sequence of str
        What stands outside the input in mode "same", one for all convolved axes or one per axis, of any
        width: "constant" ``kkk|abcd|kkk``, "edge" ``aaa|abcd|ddd``, "reflect" ``dcb|abcd|cba``, "symmetric"
        ``cba|abcd|dcb``, "wrap" ``bcd|abcd|abc``. These are the names of `numpy.pad`; "zeros", "replicate"
        and "circular" are taken for "constant" 0, "edge" and "wrap". Mode "full" takes "constant" only,
        "valid" ignores it.
    cval : number
        The value of a constant boundary. It has to be a value of the result's type.
    axes : int or sequence of int, optional
        The axes to convolve, 1 to 3; all of them by default. Each entry of `boundary` and `origin` belongs to
        the entry of `axes` in its place, as does each axis of a kernel with ``len(axes)`` axes.
    origin : int or sequence of int
        Moves the result of mode "same" left by so many samples, as in `scipy.ndimage.convolve`, within
        ``-(k // 2) <= origin <= (k - 1) // 2``.
    nan : {"propagate", "omit", "raise"}
        "propagate": NaN reaches the samples whose window holds it, under a zero weight too. "omit": NaN is
        missing (see Notes). "raise": `ValueError` if `input` holds one.
    mask : array_like of bool, optional
        True marks a missing sample (see Notes); broadcast to the shape of `input`.
    preserve_nan : bool
        NaN where a sample is missing, instead of what its neighbours say. It needs missing samples (`nan="omit"` or
        `mask`), mode "same" and a result that can be NaN.
    method : {"auto", "direct", "fft"}
        "direct": sums of products, within ``c * eps * sum |w||x|`` of the exact result at every sample, with `c`
        about ``4 + 2 * sqrt(taps)``. "fft": by overlapping transforms of blocks, within ``8 * eps * max|x| * sum|w|``
        with the largest sample of the block, so that samples much smaller than their neighbours may drown in its
        rounding; integer results are refused, and so are samples that are not finite. It uses `scipy.fft` if SciPy is
        installed, else `numpy.fft`. "auto": "fft" for large kernels of floating or complex results where a model of
        both predicts that it is clearly faster, and there within ``4096 * eps * sum |w||x|`` at every sample: what the
        check of the samples cannot promise that for, or is not finite, is summed directly. And "auto" sums along one
        axis after the other where the kernel is the outer product of a line per axis (a Gaussian, a box, Sobel's), to
        4 `eps` of each tap (6 with three axes; integers exactly): then within ``c * eps * sum |w||x|`` with `c`
        about ``10 + 2 * sqrt(taps)`` summed over the axes, unless a product underflows. Samples that are not finite
        reach what they reach directly.
    out : ndarray, optional
        Where to write the result: exactly its shape and type, any layout and byte order. It may overlap the
        inputs.
    out_dtype : dtype, optional
        A wider type for the result, to which the default type casts safely. Products and sums are computed in
        it.
    casting : {None, "saturate"}
        "saturate": `out_dtype` may be any integer type. The sum, of the default type (of up to 64 bits for
        integers, so that nothing is lost), is rounded half to even and clipped to its range; NaN becomes 0.
    num_threads : int, optional
        Upper limit for this call; by default `get_num_threads()`. The result has the same bits for any
        number.

    Returns
    -------
    ndarray
        `out`, or a new array of type ``numpy.result_type(input, kernel)``. Integers wrap around as NumPy's
        do; float16 is accumulated in float32. Axes not convolved have their broadcast extents.

    Raises
    ------
    ValueError, TypeError
        Naming the argument, what it is and what it may be, before any work is done.

    See Also
    --------
    correlate : without the flip, with the conjugate of a complex kernel.
    conv1d, conv2d, conv3d : layers of many channels and kernels.

    Notes
    -----
    With samples missing, the result is the sum over those present, scaled up by the weight that it lacks::

        sum over present of w * x  *  sum(w) / sum over present of w

    and NaN where the weight present is 0. What a constant boundary adds is present, unless `cval` is NaN. A
    kernel whose weights sum to 0 has no such scale: `ValueError`. Integer results become float64. It is what
    `astropy.convolution.convolve` does with ``nan_treatment="interpolate"`` and ``normalize_kernel=False``; by
    default that divides the kernel by its sum.

    What stands outside the input is multiplied like any sample: an infinite or NaN weight makes NaN of a border
    of zeros, in mode "full" too, where `numpy.convolve` leaves those products out.

    Examples
    --------
    >>> import numpy as np, cconv
    >>> cconv.convolve([1, 2, 3], [0, 1, 0.5])
    array([0. , 1. , 2.5, 4. , 1.5])
    >>> image = np.arange(12.0).reshape(3, 4)
    >>> cconv.convolve(image, np.full((3, 3), 1 / 9), "same", boundary="symmetric").round(2)
    array([[1.67, 2.33, 3.33, 4.  ],
           [4.33, 5.  , 6.  , 6.67],
           [7.  , 7.67, 8.67, 9.33]])
    >>> cconv.convolve([1, np.nan, 3, 4], [0.5, 0.5], "valid", nan="omit")
    array([1. , 3. , 3.5])
    """
    if (
        boundary is _CONSTANT and cval is _ZERO and axes is None and origin is _ZERO and nan is _PROPAGATE
        and mask is None and preserve_nan is False and method is _AUTO and out is None and out_dtype is None
        and casting is None and num_threads is None and type(input) is ndarray and type(kernel) is ndarray
        and type(mode) is str
    ):  # fmt: skip
        run = _plain_convolutions.find(input, kernel, mode) or _plain(_plain_convolutions, True, input, kernel, mode)
        return run(input, kernel, None, None, None)
    options = (mode, boundary, cval, axes, origin, method, out_dtype, casting)
    if mask is None and nan == "propagate" and preserve_nan is False:
        return _filter(True, input, kernel, options, (axes, origin), out, num_threads)
    return _filter_present(True, input, kernel, options, nan, mask, preserve_nan, out, num_threads)


def correlate(
    input, kernel, mode="full", *, boundary="constant", cval=0, axes=None, origin=0,
    nan="propagate", mask=None, preserve_nan=False, method="auto", out=None, out_dtype=None, casting=None,
    num_threads=None,
):  # fmt: skip
    """Cross-correlation of an array with a kernel along one to three axes.

    Along one axis ``valid[i] = sum over j of input[i + j] * conj(kernel[j])``, the kernel not flipped, as
    `scipy.signal.correlate` does; more axes are the same along each.

    Parameters
    ----------
    input, kernel, mode, boundary, cval, axes, nan, mask, preserve_nan, method, out, out_dtype, casting, num_threads
        As in `convolve`. Mode "same" sees, at sample `i`, the samples from ``i - k // 2`` on; "full" begins
        with the window that holds only the first sample.
    origin : int or sequence of int
        Moves the result of mode "same" right by so many samples, as in `scipy.ndimage.correlate`, within
        ``-(k // 2) <= origin <= (k - 1) // 2``.

    Returns
    -------
    ndarray
        As from `convolve`.

    Raises
    ------
    ValueError, TypeError
        Naming the argument, what it is and what it may be, before any work is done.

    See Also
    --------
    convolve : the same with a flipped kernel and no conjugate; its page says more of the arguments.

    Examples
    --------
    >>> import cconv
    >>> cconv.correlate([1, 2, 3], [0, 1, 0.5])
    array([0.5, 2. , 3.5, 3. , 0. ])
    >>> cconv.correlate([1, 2, 3, 4], [1, 2, 3, 4], "same")
    array([11, 20, 30, 20])
    >>> cconv.correlate([[1.0, 2.0, 4.0], [3.0, 3.0, 9.0]], [-1.0, 1.0], "valid", axes=1)
    array([[1., 2.],
           [0., 6.]])
    """
    if (
        boundary is _CONSTANT and cval is _ZERO and axes is None and origin is _ZERO and nan is _PROPAGATE
        and mask is None and preserve_nan is False and method is _AUTO and out is None and out_dtype is None
        and casting is None and num_threads is None and type(input) is ndarray and type(kernel) is ndarray
        and type(mode) is str
    ):  # fmt: skip
        run = _plain_correlations.find(input, kernel, mode) or _plain(_plain_correlations, False, input, kernel, mode)
        return run(input, kernel, None, None, None)
    options = (mode, boundary, cval, axes, origin, method, out_dtype, casting)
    if mask is None and nan == "propagate" and preserve_nan is False:
        return _filter(False, input, kernel, options, (axes, origin), out, num_threads)
    return _filter_present(False, input, kernel, options, nan, mask, preserve_nan, out, num_threads)


def _plain(calls, flip, input, kernel, mode):
    """What runs a call with default options, to be found in `calls` the next time."""
    options = (mode, _CONSTANT, _ZERO, None, _ZERO, _AUTO, None, None)
    run, _, _ = _entry(flip, input, kernel, options, (None, _ZERO))
    remember(calls.kept, *calls.entry(input, kernel, mode, run))
    return run


def filter_operator(spec, method):
    """The function that computes a spec. "auto" chooses by extents and types here; at a call, the FFT it may choose
    looks at the samples, and what it chose gives way to separate passes if the weight allows them."""
    if method == "fft":
        return FFTConvolution(spec).run
    tiling = auto_tiling(spec) if method == "auto" else None
    direct = Convolution(spec)
    if tiling is None:
        return direct.run
    transformed = FFTConvolution(spec, tiling, guarded=True)
    if spec.method != "separable" or separable_seconds(spec) > tiling.seconds:
        return transformed.run

    def run(input, weight, bias, out, num_threads):
        # `input` stands in for the output, whose layout makes no difference here
        kernel = direct.schedule(input, input, num_threads, weight)["kernel"]
        chosen = direct if kernel == "separable" else transformed
        return chosen.run(input, weight, bias, out, num_threads)

    return run


def _entry(flip, input, kernel, options, numbers):
    """(what runs this signature, shape and type of its result), looked up or made."""
    arrays = (flip, input.shape, input.dtype, kernel.shape, kernel.dtype)
    entry, key, options = find(_cache, arrays, options, numbers)
    if entry is None:
        spec = filter_spec(*arrays, *options)
        method = options[5]
        entry = remember(_cache, key, (filter_operator(spec, method), spec.output_shape, spec.output_dtype))
    return entry


def _filter(flip, input, kernel, options, numbers, out, num_threads):
    """Look the operator of this signature up, or make it; run it."""
    if type(input) is not ndarray:
        input = as_array(input, "input")
    if type(kernel) is not ndarray:
        kernel = as_array(kernel, "kernel")
    run, shape, dtype = _entry(flip, input, kernel, options, numbers)
    if num_threads is not None:
        num_threads = check_num_threads(num_threads)
    if out is None:
        return run(input, kernel, None, None, num_threads)
    inner = check_out(out, shape, dtype)
    result = target(inner, (input, kernel))
    run(input, kernel, None, result, num_threads)
    if result is not inner:
        copy(inner, result)
    return out


# ---- samples left out --------------------------------------------------------------------------------------


def _filter_present(flip, input, kernel, options, nan, mask, preserve_nan, out, num_threads):
    """The filter of the samples that are present, scaled by all weight over the weight seen."""
    input = as_array(input, "input")
    kernel = as_array(kernel, "kernel")
    arrays = (flip, input.shape, input.dtype, kernel.shape, kernel.dtype)
    check_choice(nan, "nan", ("propagate", "omit", "raise"))
    options = frozen(options)
    mode, boundary, cval, axes, origin, method, out_dtype, casting = options
    if check_bool(preserve_nan, "preserve_nan") and (mode != "same" or (nan != "omit" and mask is None)):
        raise ValueError(
            f"preserve_nan=True keeps missing samples at their places: it needs nan='omit' or a mask, and mode='same'; "
            f"got nan={nan!r}, mask={'None' if mask is None else 'an array'}, mode={mode!r}"
        )
    if nan == "raise" and mask is None:
        # what is wrong with the arguments is said before what is wrong with the samples
        filter_spec(*arrays, *options)
        missing_samples(input, nan, None)
        return _filter(flip, input, kernel, options, (axes, origin), out, num_threads)
    mean = result_dtype(input.dtype, kernel.dtype, "kernel")
    if mean.kind in "biu":
        mean = np.dtype(np.float64)  # a weighted mean is no integer, and there may be nothing to average
    dtype = stored_dtype(mean, out_dtype, casting)
    if preserve_nan and dtype.kind in "iu":
        raise TypeError(f"preserve_nan=True needs a result that can be NaN; out_dtype={dtype} cannot")
    # float16 would round the weight seen before it divides
    work = np.result_type(mean if dtype.kind in "iu" else dtype, np.float32)
    weight_work = work if kernel.dtype.kind == "c" else np.empty(0, work).real.dtype
    spec = filter_spec(*arrays, mode, boundary, cval, axes, origin, method, work, None)
    if out is not None:
        inner = check_out(out, spec.output_shape, dtype)
    axes = convolved_axes(axes, input.shape)
    total, rounding = _weight(kernel, axes, weight_work, conjugate=not flip)
    if np.any(np.abs(total) <= rounding):
        raise ValueError(
            "kernel has weights that sum to 0, so nothing says how to scale a sum with missing samples "
            "(nan='omit', mask)"
        )
    missing = missing_samples(input, nan, mask)
    border, seen_border = as_number(cval), 1
    if border != border:
        border = seen_border = 0  # a NaN border is missing too
    elif not missing.any():
        options = (mode, boundary, cval, axes, origin, method, dtype, casting)
        return _filter(flip, input, kernel, options, (axes, origin), out, num_threads)

    nothing = np.zeros((), input.dtype)
    filled = mapped(lambda gone, part: np.where(gone, nothing, part), native(input.dtype), missing, input)
    options = (mode, boundary, border, axes, origin, method, work, None)
    result = _filter(flip, filled, kernel, options, (axes, origin), None, num_threads)
    # by numpy.pad's names: "zeros" would refuse the border that counts as seen
    boundary, _ = check_boundary(boundary, "boundary", len(axes))
    # where nothing is seen the sum has to be 0, not the rounding of a transform
    method = "auto" if method == "fft" else method
    options = (mode, boundary, seen_border, axes, origin, method, weight_work, None)
    seen = _filter(flip, ~missing, kernel, options, (axes, origin), None, num_threads)
    total, rounding = np.broadcast_to(total, result.shape), np.broadcast_to(rounding, result.shape)
    for piece in pieces(result.shape):
        part, weight = result[piece], seen[piece]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            part *= total[piece] / weight
        np.copyto(part, np.nan, where=np.abs(weight) <= rounding[piece])
        if preserve_nan:
            np.copyto(part, np.nan, where=missing[piece])
    if dtype.kind in "iu":
        result = mapped(lambda part: saturated(part, dtype), dtype, result)
    if out is None:
        return result.astype(dtype, copy=False)
    copy(inner, result)
    return out


def _weight(kernel, axes, dtype, conjugate):
    """(sum of the weights along the convolved axes, what rounding may make of a sum that is 0)."""
    along = axes if kernel.ndim > len(axes) else tuple(range(kernel.ndim))
    weights = kernel.astype(dtype)
    total = weights.sum(axis=along, keepdims=kernel.ndim > len(axes))
    if conjugate:
        total = total.conj()
    if dtype.kind != "c" and ((weights >= 0).all() or (weights <= 0).all()):
        return total, 0  # sums of one sign lose no digits: only nothing sums to 0
    taps = math.prod([kernel.shape[axis] for axis in along])
    magnitude = np.abs(weights).sum(axis=along, keepdims=kernel.ndim > len(axes))
    return total, taps * np.finfo(dtype).eps * magnitude
