"""Types: which arrays are taken, what type a result has, which kernel arithmetic computes it.

Design:
  a. Few kernels, many types. A kernel computes in float32, float64, or 32- or 64-bit integers modulo 2**32 /
     2**64; an array of any other supported type is converted as it is packed and as it is stored. Two's
     complement arithmetic truncated on store is exact for every narrower integer, so no integer kernel is
     narrower than 32 bits.
  b. Refuse rather than lose. Whatever has to be converted to the result's type (cval, bias, out_dtype) is
     refused when the conversion would change its value, rounding of a float excepted.
  c. A saturating result is stored from a sum that has lost nothing: integers are summed in as many bits as
     the types, the number of terms, the border and the bias can ask for, up to 64.
"""

from typing import NamedTuple

import numpy as np

SUPPORTED = "bool, (u)int8 to (u)int64, float16, float32, float64, complex64 and complex128"


def is_supported(dtype):
    """True for the types the compiled core reads and writes, in either byte order."""
    if dtype.kind == "b":
        return True
    if dtype.kind in "iu":
        return dtype.itemsize <= 8
    # longdouble has its own character even where it is no wider than a double
    return dtype.kind in "fc" and dtype.char not in "gG"


def check_supported(dtype, name):
    if not is_supported(dtype):
        raise TypeError(f"{name} has dtype {dtype}; supported are {SUPPORTED}")


def native(dtype):
    """The same type in this machine's byte order."""
    return dtype if dtype.isnative else dtype.newbyteorder("=")


def as_dtype(value, name):
    """The supported, native dtype that an argument such as out_dtype names."""
    try:
        dtype = np.dtype(value)
    except Exception as error:  # NumPy raises whatever the odd argument provokes
        raise TypeError(f"{name}={value!r} is not a data type: {error}") from None
    check_supported(dtype, name)
    return native(dtype)


def result_dtype(input_dtype, weight_dtype, weight_name):
    """The type that a convolution has by default: np.result_type of the two arrays."""
    check_supported(input_dtype, "input")
    check_supported(weight_dtype, weight_name)
    return native(np.result_type(input_dtype, weight_dtype))


def stored_dtype(result, out_dtype, casting):
    """The type to store a `result` in: itself, a wider `out_dtype`, or any integer type that saturates."""
    check_casting(casting)
    if out_dtype is None:
        return result
    stored = as_dtype(out_dtype, "out_dtype")
    if casting == "saturate" and stored.kind in "iu" and result.kind != "c":
        return stored
    if not np.can_cast(result, stored, "safe"):
        rule = "out_dtype only widens, unless it is an integer type and casting='saturate'"
        if casting == "saturate":
            rule = "casting='saturate' is for real results and integer types"
        raise TypeError(f"out_dtype={stored} cannot hold every value of the result type {result}; {rule}")
    return stored


def check_casting(casting):
    if casting is not None and not isinstance(casting, str):
        raise TypeError(f"casting={casting!r} must be one of None, 'saturate'")
    if casting not in (None, "saturate"):
        raise ValueError(f"casting={casting!r} must be one of None, 'saturate'")


def addend_dtype(result, stored, casting):
    """What a bias and a border value are checked against."""
    if casting is None or stored.kind not in "iu":
        return stored
    if result.kind == "f":
        return result
    return np.dtype(np.uint64 if result == np.uint64 else np.int64)


class Sum(NamedTuple):
    """How a convolution is summed: the type, and whether what is stored from it has to be clipped."""

    dtype: np.dtype
    saturate: bool


def sum_of(input_dtype, weight_dtype, stored, casting, terms, bias_dtype, cval):
    """How the sum of so many products is computed that is stored as `stored`; `bias_dtype` may be None."""
    result = np.result_type(input_dtype, weight_dtype)
    if casting is None or stored.kind not in "iu":
        return Sum(stored, False)
    if result.kind == "f":
        return Sum(np.dtype(np.float32 if result.itemsize <= 4 else np.float64), True)
    samples, weights = (*_limits(input_dtype), int(cval)), _limits(weight_dtype)
    products = [sample * weight for sample in samples for weight in weights]
    low, high = _limits(bias_dtype) if bias_dtype is not None else (0, 0)
    low, high = low + terms * min(products), high + terms * max(products)
    # no kernel is narrower than what it stores: it would have to extend a sign
    exact = [dtype for dtype in _SUMS if dtype.itemsize >= stored.itemsize and _holds(dtype, low, high)]
    dtype = exact[0] if exact else _SUMS[1] if low < 0 else _SUMS[2]
    if not exact:
        low, high = _limits(dtype)  # wrapped around
    return Sum(dtype, not _holds(stored, low, high))


_SUMS = (np.dtype(np.int32), np.dtype(np.int64), np.dtype(np.uint64))


def _limits(dtype):
    if dtype.kind == "b":
        return 0, 1
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


def _holds(dtype, low, high):
    least, greatest = _limits(dtype)
    return least <= low and high <= greatest


def saturated(values, dtype):
    """Finished values as an integer type: rounded half to even, clipped to its range, NaN as 0."""
    low, high = _limits(dtype)
    if values.dtype.kind != "f":
        least, greatest = _limits(values.dtype)
        return np.clip(values, max(low, least), min(high, greatest)).astype(dtype)
    values = np.rint(values)
    # the power of two after the upper limit is exact in any floating type, the limit itself is not
    above, below = values >= float(high) + 1.0, values <= float(low)
    whole = np.where(above | below | np.isnan(values), 0, values).astype(dtype)
    return np.where(above, np.array(high, dtype), np.where(below, np.array(low, dtype), whole))


def averaged_dtype(dtype, out_dtype):
    """The type of a mean: inexact types are kept, integers and bool give float64, `out_dtype` may choose."""
    if out_dtype is None:
        return native(dtype) if dtype.kind in "fc" else np.dtype(np.float64)
    mean = as_dtype(out_dtype, "out_dtype")
    kind = "c" if dtype.kind == "c" else "f"
    if mean.kind != kind or not np.can_cast(dtype, mean, "safe"):
        needed = "complex" if kind == "c" else "floating"
        raise TypeError(f"out_dtype={mean} must be a {needed} type that {dtype} casts to safely")
    return mean


def convolution_arithmetic(dtype):
    """The kernel ("f32", "f64", "i32", "i64") that computes a convolution whose result has type `dtype`."""
    if dtype.kind in "biu":
        return "i32" if dtype.itemsize <= 4 else "i64"
    real_size = dtype.itemsize // 2 if dtype.kind == "c" else dtype.itemsize
    return "f32" if real_size <= 4 else "f64"


MAX_COUNT = 1 << 31     # samples that a lane of 32 bits tells apart


def maximum_arithmetic(dtype, places):
    """The kernel that can compare values of `dtype` without rounding them, and tell `places` samples of a plane apart
    in lanes as wide as the values; 0 where nobody asks for indices."""
    wide = places > MAX_COUNT
    if dtype.kind == "f":
        return "f32" if dtype.itemsize <= 4 and not wide else "f64"
    if dtype.itemsize <= 2 and not places:
        return "u8" if dtype.itemsize == 1 else "u16"
    # an i32 holds every 16-bit unsigned value, but not every 32-bit one
    return "i32" if dtype.itemsize <= (2 if dtype.kind == "u" else 4) and not wide else "i64"


def average_arithmetic(dtype, mean, counted=0):
    """Single precision only where the samples and their mean are stored in no more than that; `counted` samples of a
    plane are told apart in lanes as wide."""
    single = dtype.kind == "f" and dtype.itemsize <= 4 and mean.itemsize <= 4 and counted <= MAX_COUNT
    return "f32" if single else "f64"


def check_cval(cval, dtype):
    """The border value as a Python number of the arithmetic of `dtype`; refused if the value would change."""
    number = as_number(cval)
    if isinstance(number, complex) and dtype.kind != "c":
        # 1+0j is 1, in a dict of signatures too
        if number.imag != 0:
            raise TypeError(f"cval={cval!r} is complex, but the result is {dtype}; cval must be real")
        number = number.real
    if dtype.kind in "biu":
        return _integer_cval(number, dtype)
    limit = float(np.finfo(np.float32 if convolution_arithmetic(dtype) == "f32" else np.float64).max)
    try:
        parts = [float(number.real), float(number.imag)]
    except OverflowError:
        parts = None
    if parts is None or any(limit < abs(part) < np.inf for part in parts):
        raise ValueError(f"cval={cval!r} is out of the range of the result type {dtype}")
    # adding 0.0 turns -0.0 into 0.0, which compares equal and so shares a cached signature
    real, imaginary = parts[0] + 0.0, parts[1] + 0.0
    return complex(real, imaginary) if dtype.kind == "c" else real


def as_number(cval):
    """`cval` as a Python int, float or complex."""
    number = cval.item() if isinstance(cval, np.generic) else cval
    if isinstance(number, (bool, int)):
        return int(number)
    if isinstance(number, (float, complex)):
        return number
    raise TypeError(f"cval must be a number; got {cval!r} of type {type(cval).__name__}")


def _integer_cval(number, dtype):
    is_whole = isinstance(number, int) or number.is_integer()
    whole = int(number) if is_whole else None
    low, high = _limits(dtype)
    if whole is None or not low <= whole <= high:
        raise ValueError(f"cval={number!r} is not a value of the result type {dtype} ({low} to {high})")
    return whole


def check_bias_dtype(bias_dtype, dtype):
    """Refuse a bias of a kind that the result cannot hold: complex for real, floating for integer."""
    check_supported(bias_dtype, "bias")
    integers = bias_dtype.kind in "iu" and dtype.kind in "iu"
    if not integers and not np.can_cast(bias_dtype, dtype, "same_kind"):
        raise TypeError(f"bias has dtype {bias_dtype}, which does not cast to the result type {dtype}")


def cast_bias(bias, dtype):
    """The bias in the result's type; an integer that does not fit there is refused, not wrapped."""
    cast = bias.astype(dtype)
    if dtype.kind in "iu" and bias.dtype.kind in "iu":
        changed = np.flatnonzero(cast != bias)
        if changed.size:
            first = changed[0]
            raise ValueError(
                f"bias[{first}] is {bias[first]}, which the sum's type {dtype} cannot hold; use out_dtype="
            )
    return cast
