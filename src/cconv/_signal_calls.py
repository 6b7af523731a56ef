"""What a call of `cconv.signal` runs: made once per signature, from shapes, types and options.

Design:
  a. Each ``make_*`` says what is wrong with the arguments, in SciPy's order and words, or returns a function of the two
     arrays. `signal` keeps those in dicts, so that a repeated call is one look-up.
  b. SciPy's swaps happen here: "valid" takes the array that covers the other as the signal, "full" the larger one. The
     core never swaps.
  c. A convolution of floating arrays may be a direct sum, separate passes, FFT tiles, or one FFT of both arrays
     (`_fft_whole`): `_choice` says how long each takes, the shortest is made.
"""

import cmath
import math

import numpy as np

from ._choice import CALL_SECONDS, MARGIN, auto_tiling, best_tiling, direct_seconds
from ._fft import FFTConvolution, peak_of
from ._fft_whole import whole_fft
from ._shapes import filter_spec
from ._signal_slow import by_taps
from .linear_filter import filter_operator

MODES = ("full", "same", "valid")
# Products per second of the direct sum of integers; a sum that FFT would round to the same integers is transformed.
INTEGER_RATE = {"i32": 2.5e10, "i64": 0.6e10}
EXACT_PRODUCT = 0.25 / (16 * 2.0**-52)
# The same of a sum tap by tap, over more than three axes.
SLOW_RATE = 1e9
# Products up to which long double is summed tap by tap.
SLOW_PRODUCTS = 1 << 22


# ---- arguments ---------------------------------------------------------------------------------------------


def is_mode(mode):
    return isinstance(mode, str) and mode in MODES


def swap_needed(mode, shape1, shape2, axes=None):
    """In mode "valid", does the second array cover the first?"""
    if not (isinstance(mode, str) and mode == "valid" and shape1):
        return False
    axes = range(len(shape1)) if axes is None else axes
    if all(shape1[axis] >= shape2[axis] for axis in axes):
        return False
    if not all(shape2[axis] >= shape1[axis] for axis in axes):
        raise ValueError(
            "For 'valid' mode, one must be at least as large as the other in every dimension; "
            f"got shapes {shape1} and {shape2}"
        )
    return True


def wanted(mode, n, k):
    """(first, last + 1) of the samples of the full result of `n` samples and `k` taps."""
    if mode == "full":
        return 0, n + k - 1
    first = (k - 1) // 2 if mode == "same" else k - 1
    return first, first + (n if mode == "same" else n - k + 1)


def reverse(array):
    return array[(slice(None, None, -1),) * array.ndim]


def _product(in1, in2):
    return in1 * in2


def _conjugate_product(in1, in2):
    return in1 * np.conj(in2)


# ---- convolve, correlate -----------------------------------------------------------------------------------


def make_linear(flip, shape1, dtype1, shape2, dtype2, mode, method):
    """convolve (`flip`) or correlate."""
    if not shape1 and not shape2:
        return _product if flip or dtype2.kind != "c" else _conjugate_product
    if len(shape1) != len(shape2):
        names = "volume and kernel" if flip else "in1 and in2"
        raise ValueError(f"{names} should have the same dimensionality; got {len(shape1)} and {len(shape2)} axes")
    if method not in ("auto", "direct", "fft"):
        raise ValueError(f"Acceptable method flags are 'auto', 'direct', or 'fft'; got {method!r}")
    if not is_mode(mode):
        raise ValueError(
            f"Acceptable mode flags are 'valid', 'same', or 'full', not mode={mode}; "
            "acceptable mode flags are 'valid', 'same', or 'full'"
        )
    swapped = swap_needed(mode, shape1, shape2)
    if 0 in shape1 or 0 in shape2:
        return _empty(shape1, shape2, np.result_type(dtype1, dtype2), mode, method)
    numpys = len(shape1) == 1 and (mode != "same" or shape1[0] >= shape2[0])
    dtype = np.result_type(dtype1, dtype2)
    if not numpys:
        _check_type(dtype, method)
    elif dtype.kind not in "biufc" and method != "fft":
        return _objects(flip, mode, method)
    if mode == "full" and math.prod(shape2) > math.prod(shape1):
        swapped = True
    if swapped:
        run = _linear(flip, shape2, dtype2, shape1, dtype1, mode, method)
    else:
        run = _linear(flip, shape1, dtype1, shape2, dtype2, mode, method)
    if numpys and mode != "valid" and (dtype1 if swapped else dtype2).kind in "fc":
        run = _finite_weights(run, flip, mode)
    if swapped:
        run = _other_way_round(run, flip)
    return _warning(run) if method == "fft" else run


def _check_type(dtype, method):
    """SciPy's direct sum of more than one axis has fewer types."""
    if dtype.kind in "biufc" and dtype.kind != "b" and (dtype.itemsize > 2 or dtype.kind != "f"):
        return
    if method == "direct" or (method == "auto" and dtype != np.float16):
        raise ValueError(f"Unsupported type {dtype}: with more than one axis, method='fft' alone takes it")


def _empty(shape1, shape2, dtype, mode, method):
    if method == "fft":
        raise IndexError("method='fft' takes no empty arrays: index 0 is out of bounds for axis 0 with size 0")
    if mode == "valid" and len(shape1) > 1:
        shape = [abs(n - k) + 1 for n, k in zip(shape1, shape2, strict=True)]
        return lambda in1, in2: np.zeros(shape, dtype)
    if mode != "same" or 0 in shape2:
        name = "a" if 0 in shape1 else "v"
        raise ValueError(f"{name} cannot be empty; got shapes {shape1} and {shape2}")
    return lambda in1, in2: np.zeros(shape1, dtype)


def _linear(flip, shape1, dtype1, shape2, dtype2, mode, method):
    """What computes it, neither array empty, the first the signal."""
    dtype = np.result_type(dtype1, dtype2)
    if dtype.char in "gG" or dtype.kind not in "biufc":
        return _uncommon(flip, shape1, shape2, dtype, mode, method)
    spans = [wanted(mode, n, k) for n, k in zip(shape1, shape2, strict=True)]
    axes = [axis for axis in range(len(shape1)) if shape2[axis] > 1 or mode == "full"]
    axes = axes if len(shape1) > 3 else None
    if axes is not None and len(axes) > 3:
        if dtype.kind in "fc":
            whole, seconds = transform_of(None, shape1, shape2, axes, spans, dtype, flip)
            products = math.prod(shape2) * math.prod([end - begin for begin, end in spans])
            if method != "direct" and products > seconds * SLOW_RATE:
                return _unless_not_finite(whole, _taps(flip, spans, dtype))
        return _taps(flip, spans, dtype)
    axes = None if axes is None else tuple(axes) or (len(shape1) - 1,)
    core = "direct" if method == "direct" else "auto"
    spec = filter_spec(
        flip, shape1, dtype1, shape2, dtype2, mode, "constant", 0, axes, 0, core, None, None
    )
    if method == "direct" or dtype.kind == "b":
        return plain(filter_operator(spec, core))
    if dtype.kind in "iu":
        return _integers(spec, flip, shape1, dtype1, shape2, dtype2, mode, axes, dtype)
    return fastest(spec, shape1, shape2, axes, spans, dtype, guarded=True, flip=flip)


def plain(operator):
    return lambda in1, in2: operator(in1, in2, None, None, None)


def _uncommon(flip, shape1, shape2, dtype, mode, method):
    """Long double, and Python objects by FFT."""
    spans = [wanted(mode, n, k) for n, k in zip(shape1, shape2, strict=True)]
    products = math.prod(shape2) * math.prod([end - begin for begin, end in spans])
    if dtype.char in "gG":
        if method == "fft" or (method == "auto" and products > SLOW_PRODUCTS):
            whole, _ = transform_of(None, shape1, shape2, None, spans, dtype, flip)
            return _unless_not_finite(whole, _taps(flip, spans, dtype))
    elif method == "fft":
        return lambda in1, in2: _as_floats(flip, in1, in2, mode).astype(dtype)
    return _taps(flip, spans, dtype)


def _objects(flip, mode, method):
    """Python objects along one axis. NumPy's correlation does not conjugate them, SciPy's but for "direct" does."""
    if flip:
        return lambda in1, in2: np.convolve(in1, in2, mode)
    if method == "direct":
        return lambda in1, in2: np.correlate(in1, in2, mode)
    return lambda in1, in2: np.convolve(in1, in2[::-1].conj() if in2.dtype.kind == "c" else in2[::-1], mode)


def _as_floats(flip, in1, in2, mode):
    in1, in2 = [array if array.dtype.kind in "fc" else array.astype(np.float64) for array in (in1, in2)]
    return make_linear(flip, in1.shape, in1.dtype, in2.shape, in2.dtype, mode, "auto")(in1, in2)


def _taps(flip, spans, dtype):
    begin, end = zip(*spans, strict=True)
    return lambda in1, in2: by_taps(in1, in2 if flip else reverse(in2).conj(), begin, end, dtype)


def _other_way_round(run, flip):
    """The arrays change places; a correlation is then reversed and conjugated."""
    if flip:
        return lambda in1, in2: run(in2, in1)

    def turned(in1, in2):
        result = np.ascontiguousarray(reverse(run(in2, in1)))
        return np.conj(result, out=result) if result.dtype.kind == "c" else result

    return turned


def _finite_weights(run, flip, mode):
    """NumPy leaves out the products with what stands outside; in the core a weight that is not finite makes NaN of
    them."""
    numpys = np.convolve if flip else np.correlate

    def check(in1, in2):
        if not np.isfinite(in2).all():
            return numpys(in1, in2, mode)
        return run(in1, in2)

    return check


def _warning(run):
    """With SciPy's words, where its FFT would have made NaN of everything."""

    def check(in1, in2):
        result = run(in1, in2)
        if result.dtype.kind in "fc" and not np.isfinite(result).all():
            import warnings

            warnings.warn(
                "Use of fft convolution on input with NAN or inf results in NAN or inf output. Consider using "
                "method='direct' instead.", RuntimeWarning, stacklevel=3,
            )  # fmt: skip
        return result

    return check


def _integers(spec, flip, shape1, dtype1, shape2, dtype2, mode, axes, dtype):
    """Exact: by FFT where that is faster and rounds to the sum."""
    exact = plain(filter_operator(spec, "auto"))
    products = math.prod(spec.output_shape) * math.prod(spec.kernel_size)
    seconds = products / INTEGER_RATE[spec.real]
    if seconds < 4 * CALL_SECONDS:
        return exact
    floats = filter_spec(
        flip, shape1, dtype1, shape2, dtype2, mode, "constant", 0, axes, 0, "auto", np.float64, None
    )
    spans = [wanted(mode, n, k) for n, k in zip(shape1, shape2, strict=True)]
    transform, predicted = transform_of(floats, shape1, shape2, axes, spans, np.dtype(np.float64), flip)
    if predicted * 1.5 > seconds:
        return exact
    taps = min(math.prod(shape1), math.prod(shape2))

    def run(in1, in2):
        if peak_of(in1) * peak_of(in2) * taps > EXACT_PRODUCT:
            return exact(in1, in2)
        result = transform(in1, in2)
        return np.rint(result, out=result).astype(np.int64).astype(dtype, copy=False)

    return run


# ---- the fastest of all ways -------------------------------------------------------------------------------


def fastest(spec, shape1, shape2, axes, spans, dtype, guarded, flip=True):
    """A floating convolution, by what `_choice` says is the fastest. `guarded`: FFT tiles only where they keep the
    bound of method="auto"."""
    direct = direct_seconds(spec)
    core = plain(filter_operator(spec, "auto"))
    if direct < CALL_SECONDS / 20 or dtype == np.float16:
        return core
    transform, predicted = transform_of(spec, shape1, shape2, axes, spans, dtype, flip, tiles=not guarded)
    if guarded:
        tiling = auto_tiling(spec)
        direct = min(direct, tiling.seconds) if tiling else direct
    if predicted * MARGIN > direct:
        return core
    return _unless_not_finite(transform, core)


def transform_of(spec, shape1, shape2, axes, spans, dtype, flip, tiles=True):
    """(the fastest way by FFT, its predicted seconds)."""
    axes = range(len(shape1)) if axes is None else axes
    begin, end = zip(*[spans[axis] for axis in axes], strict=True)
    whole = whole_fft(shape1, shape2, axes, begin, end, dtype)
    if tiles and whole.seconds > CALL_SECONDS and spec is not None:
        tiling = best_tiling(spec)
        if tiling.seconds < whole.seconds:
            tiled = FFTConvolution(spec, tiling, guarded=False)
            return _refusing(tiled), tiling.seconds
    if flip:
        return whole.run, whole.seconds
    along = tuple(axes)

    def correlate(in1, in2):
        return whole.run(in1, np.flip(in2, along).conj())

    return correlate, whole.seconds


def _refusing(tiled):
    """FFT tiles refuse what is not finite: NaN says so here."""

    def run(in1, in2):
        try:
            return tiled.run(in1, in2, None, None, None)
        except ValueError:
            return np.full((1,) * len(tiled.spec.output_shape), np.nan)

    return run


def _unless_not_finite(transform, core):
    """One NaN or infinity makes all of a transform so; then the direct sum, where it stays where it is."""

    def run(in1, in2):
        with np.errstate(all="ignore"):
            result = transform(in1, in2)
        if result.size and not cmath.isfinite(result.item(0)):
            return core(in1, in2)
        return result

    return run


# ---- fftconvolve, oaconvolve -------------------------------------------------------------------------------


def _transform_type(dtype):
    """What an array is converted to before SciPy transforms it."""
    if dtype == np.float16:
        return np.dtype(np.float32)
    return dtype.newbyteorder("=") if dtype.kind in "fc" else np.dtype(np.float64)


def _checked_axes(axes, rank):
    """The axes as a list of ints, none negative."""
    if axes is None:
        return list(range(rank))
    entries = list(axes) if hasattr(axes, "__iter__") and not isinstance(axes, str) else [axes]
    if not entries:
        raise ValueError("when provided, axes cannot be empty")
    try:
        if any(isinstance(entry, (str, bytes)) for entry in entries):
            raise TypeError
        entries = [entry.__index__() for entry in entries]
    except (TypeError, AttributeError):
        raise ValueError(f"axes must be a scalar or iterable of integers; got {axes!r}") from None
    if not all(-rank <= entry < rank for entry in entries):
        raise ValueError(f"axes exceeds dimensionality of input: axes={axes!r}, {rank} axes")
    entries = [entry % rank for entry in entries]
    if len(set(entries)) != len(entries):
        raise ValueError(f"all axes must be unique; got {axes!r}")
    return entries


def make_fft(shape1, dtype1, shape2, dtype2, mode, axes):
    """fftconvolve and oaconvolve."""
    if not shape1 and not shape2:
        return _product
    if len(shape1) != len(shape2):
        raise ValueError(
            f"in1 and in2 should have the same dimensionality; got {len(shape1)} and {len(shape2)} axes"
        )
    if 0 in shape1 or 0 in shape2:
        return lambda in1, in2: np.array([])
    axes = _checked_axes(axes, len(shape1))
    axes = sorted([axis for axis in axes if shape1[axis] != 1 and shape2[axis] != 1])
    pairs = list(zip(shape1, shape2, strict=True))
    if not all(n == k or 1 in (n, k) for axis, (n, k) in enumerate(pairs) if axis not in axes):
        raise ValueError(f"incompatible shapes for in1 and in2: {shape1} and {shape2}")
    swapped = swap_needed(mode, shape1, shape2, axes)
    if not is_mode(mode):
        raise ValueError(f"acceptable mode flags are 'valid', 'same', or 'full'; got {mode!r}")
    if mode == "full" and math.prod([shape2[a] for a in axes]) > math.prod([shape1[a] for a in axes]):
        swapped = True
    crop = _same_crop(shape1, shape2, axes) if mode == "same" else None
    if crop:
        shape2 = tuple([1 if isinstance(cut, slice) and cut != slice(None) else n
                        for cut, n in zip(crop, shape2, strict=True)])  # fmt: skip
    if swapped:
        run = _frequency(shape2, dtype2, shape1, dtype1, mode, axes)
        return lambda in1, in2: run(in2, in1)
    run = _frequency(shape1, dtype1, shape2, dtype2, mode, axes)
    return (lambda in1, in2: run(in1, in2[crop])) if crop else run


def _same_crop(shape1, shape2, axes):
    """The extent of "same" is the first array's, along axes that were broadcast to the second's too (scipy#21876): its
    middle is what is left."""
    middle = [
        slice((k - 1) // 2, (k - 1) // 2 + 1) if axis not in axes and n < k else slice(None)
        for axis, (n, k) in enumerate(zip(shape1, shape2, strict=True))
    ]
    return tuple(middle) if any(cut != slice(None) for cut in middle) else None


def _frequency(shape1, dtype1, shape2, dtype2, mode, axes):
    if not axes:
        return _product
    types = _transform_type(dtype1), _transform_type(dtype2)
    dtype = np.result_type(*types)
    spans = [wanted(mode, n, k) for n, k in zip(shape1, shape2, strict=True)]
    if dtype.char in "gG" or len(axes) > 3:
        whole = whole_fft(shape1, shape2, axes, *zip(*[spans[axis] for axis in axes], strict=True), dtype)
        return lambda in1, in2: whole.run(in1, in2)
    if dtype1.kind not in "biufc" or dtype2.kind not in "biufc":
        run = _frequency(shape1, types[0], shape2, types[1], mode, axes)
        return lambda in1, in2: run(in1.astype(types[0]), in2.astype(types[1]))
    axes = tuple(axes)
    spec = filter_spec(
        True, shape1, dtype1, shape2, dtype2, mode, "constant", 0, axes if len(axes) < len(shape1) else None, 0,
        "auto", dtype, None,
    )  # fmt: skip
    return fastest(spec, shape1, shape2, axes, spans, dtype, guarded=False)


# ---- choose_conv_method ------------------------------------------------------------------------------------


def choose(shape1, dtype1, shape2, dtype2, mode):
    """ "fft" or "direct": which of the two the cost model takes for faster."""
    if not is_mode(mode):
        raise ValueError(f"Acceptable mode flags are 'valid', 'same', or 'full', not mode={mode}")
    if len(shape1) != len(shape2):
        raise ValueError(f"in1 and in2 should have the same dimensionality; got {len(shape1)} and {len(shape2)} axes")
    dtype = np.result_type(dtype1, dtype2)
    if dtype.kind not in "iufc" or dtype.char in "gG" or not shape1 or 0 in shape1 + shape2:
        return "direct"
    if swap_needed(mode, shape1, shape2) or (mode == "full" and math.prod(shape2) > math.prod(shape1)):
        shape1, dtype1, shape2, dtype2 = shape2, dtype2, shape1, dtype1
    work = np.dtype(np.float64) if dtype.kind in "iu" else np.result_type(dtype, np.float32)
    spans = [wanted(mode, n, k) for n, k in zip(shape1, shape2, strict=True)]
    axes = tuple([axis for axis, k in enumerate(shape2) if k > 1 or mode == "full"]) or (len(shape1) - 1,)
    if len(axes) > 3:
        _, predicted = transform_of(None, shape1, shape2, axes, spans, work, True)
        direct = math.prod(shape2) * math.prod([end - begin for begin, end in spans]) / SLOW_RATE
        return "fft" if predicted < direct else "direct"
    axes = axes if len(shape1) > 3 else None
    spec = filter_spec(True, shape1, dtype1, shape2, dtype2, mode, "constant", 0, axes, 0, "auto", work, None)
    direct = direct_seconds(spec)
    if direct < CALL_SECONDS / 20:
        return "direct"
    _, predicted = transform_of(spec, shape1, shape2, axes, spans, work, True)
    return "fft" if predicted * MARGIN < direct else "direct"


def transforms_exactly(in1, in2):
    """Are integers small enough for an FFT's sums to be told from each other?"""
    if in1.dtype.kind not in "iu" and in2.dtype.kind not in "iu":
        return True
    return peak_of(in1) * peak_of(in2) * min(in1.size, in2.size) <= 2.0**52 - 1
