"""The convolutions of `scipy.signal`: same names, arguments, results and errors, on cconv's kernels.

Design:
  a. What a call runs depends on shapes, types and options alone, and is kept: a repeated call is one look-up, which is
     what it takes to be faster than SciPy for three samples too. `_signal_calls` and `_signal_planes` make it.
  b. Answers are SciPy's, warts included. What differs: sums that SciPy transforms keep a NaN or an infinity where it
     is, integers that FFT would round are exact, and `choose_conv_method` knows this library's times.
"""

import time

import numpy as np
from numpy import ndarray

from ._calls import remember
from ._ordered import few_sepfir
from ._signal_calls import choose, make_fft, make_linear, transforms_exactly
from ._signal_planes import make_2d, make_sepfir, sepfir_dtype

__all__ = [
    "choose_conv_method",
    "convolve",
    "convolve2d",
    "correlate",
    "correlate2d",
    "correlation_lags",
    "fftconvolve",
    "oaconvolve",
    "sepfir2d",
]

_linear, _frequency, _planes, _separable, _choices = {}, {}, {}, {}, {}


def _call(cache, make, lead, in1, in2, *options):
    """Look the function of a signature up, or make it; run it."""
    if type(in1) is not ndarray:
        in1 = np.asarray(in1)
    if type(in2) is not ndarray:
        in2 = np.asarray(in2)
    key = (lead, in1.shape, in1.dtype, in2.shape, in2.dtype, options)
    try:
        run = cache.get(key)
    except TypeError:  # an option that cannot be hashed
        key = run = None
    if run is None:
        run = remember(cache, key, make(*lead, in1.shape, in1.dtype, in2.shape, in2.dtype, *options))
    return run(in1, in2)


def convolve(in1, in2, mode="full", method="auto"):
    """Convolve two N-dimensional arrays, as `scipy.signal.convolve` does.

    Parameters
    ----------
    in1, in2 : array_like
        Two arrays with as many axes as each other: integers, floating, complex; bool, float16 and Python objects with
        one axis.
    mode : {"full", "valid", "same"}
        "full": all of it. "valid": what sees no zeros around the arrays; one has to be at least as large as the other
        along every axis, and they change places if it is `in2`. "same": the middle of "full", in the shape of `in1`.
    method : {"auto", "direct", "fft"}
        "direct": sums of products. "fft": by transforms where they are faster, with a warning if a result is NaN or
        infinite. "auto": whatever is predicted to be the fastest; integers are exact.

    Returns
    -------
    ndarray
        Of type ``numpy.result_type(in1, in2)``; integers wrap around. Two scalars give their product.

    Raises
    ------
    ValueError, TypeError
        As SciPy does, with what was given.

    Warns
    -----
    RuntimeWarning
        If ``method="fft"`` and a result is NaN or infinite.

    See Also
    --------
    cconv.convolve : boundaries, axes, missing samples, any integer type, and nothing swapped.

    Notes
    -----
    A NaN or an infinity reaches the results whose sum it is in, and no others, by FFT too. An FFT's error is relative
    to the largest sample, as SciPy's is.

    Examples
    --------
    >>> from cconv import signal
    >>> signal.convolve([1, 2, 3], [0, 1, 0.5])
    array([0. , 1. , 2.5, 4. , 1.5])
    >>> signal.convolve([1, 2, 3], [0, 1, 0.5], mode="same")
    array([1. , 2.5, 4. ])
    """
    return _call(_linear, make_linear, (True,), in1, in2, mode, method)


def correlate(in1, in2, mode="full", method="auto"):
    """Cross-correlate two N-dimensional arrays, as `scipy.signal.correlate` does.

    Parameters
    ----------
    in1, in2, mode, method
        As in `convolve`; `in2` is not flipped, and conjugated if it is complex.

    Returns
    -------
    ndarray
        As from `convolve`.

    Raises
    ------
    ValueError, TypeError
        As SciPy does, with what was given.

    Warns
    -----
    RuntimeWarning
        If ``method="fft"`` and a result is NaN or infinite.

    See Also
    --------
    correlation_lags : by how much the arrays are displaced, for each result.

    Examples
    --------
    >>> from cconv import signal
    >>> signal.correlate([1, 2, 3], [0, 1, 0.5])
    array([0.5, 2. , 3.5, 3. , 0. ])
    """
    return _call(_linear, make_linear, (False,), in1, in2, mode, method)


def fftconvolve(in1, in2, mode="full", axes=None):
    """Convolve two N-dimensional arrays of floating type, as `scipy.signal.fftconvolve` does.

    Directly where that is faster, otherwise by overlapping transforms of tiles or by one of both arrays.

    Parameters
    ----------
    in1, in2 : array_like
        Two arrays with as many axes as each other; those not in `axes` are broadcast.
    mode : {"full", "valid", "same"}
        As in `convolve`.
    axes : int or sequence of int, optional
        The axes to convolve, all of them by default.

    Returns
    -------
    ndarray
        Integers and bool give float64, float16 gives float32. Where no axis has more than one sample in both arrays, it
        is their product and has its type. Empty if an array is.

    Raises
    ------
    ValueError
        As SciPy does, with what was given.

    See Also
    --------
    cconv.convolve : with a bound on the error of every sample.

    Notes
    -----
    With eps of the type, an error is at most about ``8 * eps * max|in1| * sum|in2|``; for one transform of both arrays
    it grows with the logarithm of their size. NaN and infinity reach only the results whose sum they are in.

    Examples
    --------
    >>> from cconv import signal
    >>> signal.fftconvolve([[1.0, 2.0, 3.0]], [[1.0, 1.0], [2.0, 0.0]], axes=1)
    array([[1., 3., 5., 3.],
           [2., 4., 6., 0.]])
    """
    if type(axes) is list:
        axes = tuple(axes)
    return _call(_frequency, make_fft, (), in1, in2, mode, axes)


def oaconvolve(in1, in2, mode="full", axes=None):
    """Convolve two N-dimensional arrays of floating type, as `scipy.signal.oaconvolve` does.

    It is the same as `fftconvolve` here, which overlaps tiles wherever that is faster.

    Parameters
    ----------
    in1, in2, mode, axes
        As in `fftconvolve`.

    Returns
    -------
    ndarray
        As from `fftconvolve`.

    Raises
    ------
    ValueError
        As SciPy does, with what was given.

    Examples
    --------
    >>> import numpy as np
    >>> from cconv import signal
    >>> noise = np.random.default_rng(0).standard_normal(100_000)
    >>> signal.oaconvolve(noise, np.hanning(101), "same").shape
    (100000,)
    """
    if type(axes) is list:
        axes = tuple(axes)
    return _call(_frequency, make_fft, (), in1, in2, mode, axes)


def convolve2d(in1, in2, mode="full", boundary="fill", fillvalue=0):
    """Convolve two 2-D arrays, as `scipy.signal.convolve2d` does.

    Parameters
    ----------
    in1, in2 : array_like
        Two arrays with two axes: integers, floating or complex.
    mode : {"full", "valid", "same"}
        As in `convolve`.
    boundary : {"fill", "wrap", "symm"}
        What stands around `in1`: `fillvalue`; the array again (also "circular"); its mirror image, edge included (also
        "symmetric"). Of any width, in mode "full" too.
    fillvalue : scalar
        A value of the result's type.

    Returns
    -------
    ndarray
        Of type ``numpy.result_type(in1, in2)``; integers wrap around.

    Raises
    ------
    ValueError, TypeError
        As SciPy does, with what was given.

    See Also
    --------
    cconv.convolve : more boundaries and types, any number of axes.

    Notes
    -----
    What stands around is multiplied too: an infinite or NaN weight of `in2` makes NaN of zeros.

    Examples
    --------
    >>> import numpy as np
    >>> from cconv import signal
    >>> signal.convolve2d([[1, 2], [3, 4]], np.ones((1, 3), int), mode="same", boundary="symm")
    array([[ 4,  5],
           [10, 11]])
    """
    if type(fillvalue) is int:
        return _call(_planes, make_2d, (True,), in1, in2, mode, boundary, fillvalue)
    return _filled(True, in1, in2, mode, boundary, fillvalue)


def correlate2d(in1, in2, mode="full", boundary="fill", fillvalue=0):
    """Cross-correlate two 2-D arrays, as `scipy.signal.correlate2d` does.

    Parameters
    ----------
    in1, in2, mode, boundary, fillvalue
        As in `convolve2d`; `in2` is not flipped, and conjugated if it is complex.

    Returns
    -------
    ndarray
        As from `convolve2d`. In mode "same" with an even number of taps, it begins one sample later than the result of
        `correlate` does, as in SciPy.

    Raises
    ------
    ValueError, TypeError
        As SciPy does, with what was given.

    Examples
    --------
    >>> from cconv import signal
    >>> signal.correlate2d([[1, 2, 3, 4]], [[1, 2, 3, 4]], "same")
    array([[20, 30, 20, 11]])
    >>> signal.correlate([[1, 2, 3, 4]], [[1, 2, 3, 4]], "same")
    array([[11, 20, 30, 20]])
    """
    if type(fillvalue) is int:
        return _call(_planes, make_2d, (False,), in1, in2, mode, boundary, fillvalue)
    return _filled(False, in1, in2, mode, boundary, fillvalue)


def _filled(flip, in1, in2, mode, boundary, fillvalue):
    """With a fill value that is not an int: its type is part of the signature, for 1 == 1 + 0j."""
    if isinstance(fillvalue, np.generic):
        fillvalue = fillvalue.item()
    kind = type(fillvalue)
    if kind not in (bool, int, float, complex):
        return _call(_planes, make_2d, (flip,), in1, in2, mode, boundary, _Once(fillvalue))
    return _call(_planes, lambda *rest: make_2d(*rest[:-1]), (flip,), in1, in2, mode, boundary, fillvalue, kind)


class _Once:
    """A fill value for one call: arrays can change, and NaN is not equal to itself."""

    __hash__ = None

    def __init__(self, value):
        self.value = value

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.value, dtype)


def sepfir2d(input, hrow, hcol, /):
    """Filter the rows and the columns of a 2-D array, as `scipy.signal.sepfir2d` does.

    A convolution along the rows with `hrow`, then along the columns with `hcol`, with the mirror image, edge included,
    around the array.

    Parameters
    ----------
    input : array_like
        Two axes: an integer or floating type up to float64, or complex64 or complex128.
    hrow, hcol : array_like
        Each an odd number of taps, of a type that can be cast safely to that of the result.

    Returns
    -------
    ndarray
        float32 for float16, float32, bool and integers of up to 16 bits, float64 for wider ones, or the complex type.

    Raises
    ------
    ValueError, TypeError
        As SciPy does, with what was given.

    Examples
    --------
    >>> import numpy as np
    >>> from cconv import signal
    >>> signal.sepfir2d(np.array([[1.0, 2.0, 4.0]]), [0.5, 0.0, 0.5], [1.0])
    array([[1.5, 2.5, 3. ]])
    """
    if type(input) is not ndarray:
        input = np.asarray(input)
    few = few_sepfir(input, hrow, hcol)
    if few is not None:
        return few
    if type(hrow) is not ndarray:
        hrow = np.asarray(hrow, sepfir_dtype(input.dtype))
    if type(hcol) is not ndarray:
        hcol = np.asarray(hcol, sepfir_dtype(input.dtype))
    key = (input.shape, input.dtype, hrow.shape, hrow.dtype, hcol.shape, hcol.dtype)
    run = _separable.get(key)
    if run is None:
        run = remember(_separable, key, make_sepfir(*key))
    return run(input, hrow, hcol)


def correlation_lags(in1_len, in2_len, mode="full"):
    """By how much the second array is displaced, for each result of a 1-D `correlate`.

    Parameters
    ----------
    in1_len, in2_len : int
        The lengths of the arrays.
    mode : {"full", "valid", "same"}
        That of the correlation.

    Returns
    -------
    ndarray
        As many lags as `correlate` has results.

    Raises
    ------
    ValueError
        For any other mode.

    Examples
    --------
    >>> from cconv import signal
    >>> signal.correlation_lags(4, 2)
    array([-1,  0,  1,  2,  3])
    """
    if mode == "full":
        return np.arange(1 - in2_len, in1_len)
    if mode == "same":
        # around the middle of all lags: with an even number of taps that is one off, in SciPy too
        lags = np.arange(1 - in2_len, in1_len)
        first = lags.size // 2 - in1_len // 2
        return lags[first : first + in1_len]
    if mode == "valid":
        bound = in1_len - in2_len
        return np.arange(bound + 1) if bound >= 0 else np.arange(bound, 1)
    raise ValueError(f"Mode {mode} is invalid: it must be 'full', 'same' or 'valid'")


def choose_conv_method(in1, in2, mode="full", measure=False):
    """Which method of `convolve` is faster, as `scipy.signal.choose_conv_method` does.

    Parameters
    ----------
    in1, in2, mode
        As in `convolve`.
    measure : bool
        Run both, instead of asking the model of cconv's times. As ``method="fft"`` sums directly where that is faster,
        they may take the same time.

    Returns
    -------
    method : {"direct", "fft"}
        "direct" for bool, Python objects, and integers whose sums FFT might round wrongly.
    times : dict
        Seconds of "direct" and "fft", if `measure`.

    Raises
    ------
    ValueError
        For any other mode.

    Examples
    --------
    >>> import numpy as np
    >>> from cconv import signal
    >>> signal.choose_conv_method(np.ones(10), np.ones(3))
    'direct'
    >>> signal.choose_conv_method(np.ones(100_000), np.ones(50_000))
    'fft'
    """
    in1, in2 = np.asarray(in1), np.asarray(in2)
    if not measure:
        key = (in1.shape, in1.dtype, in2.shape, in2.dtype, mode)
        choice = _choices.get(key) if type(mode) is str else None
        if choice is None:
            choice = remember(_choices, key, choose(*key))
        if choice == "fft" and not transforms_exactly(in1, in2):
            return "direct"
        return choice
    times = {method: _seconds(in1, in2, mode, method) for method in ("fft", "direct")}
    return ("fft" if times["fft"] < times["direct"] else "direct"), times


def _seconds(in1, in2, mode, method):
    """The shortest of some calls: of at least 5 ms, or of one that takes longer."""
    best, spent = float("inf"), 0.0
    while spent < 5e-3 or best == float("inf"):
        start = time.perf_counter()
        convolve(in1, in2, mode, method)
        seconds = time.perf_counter() - start
        best, spent = min(best, seconds), spent + seconds
    return best
