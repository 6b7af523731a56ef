"""What the constructors of `cconv.filters` share: checked arguments, sampled rows, outer products.

Every check raises ValueError with a sentence of one form: the argument, what it takes, what it got.
"""

import math
import operator

import numpy as np

# Standard deviations to each side at which a sampled Gaussian ends, as in scipy.ndimage.
TRUNCATE = 4.0


# Building blocks


def delta(shape):
    weights = np.zeros(shape)
    weights[tuple(n // 2 for n in shape)] = 1
    return weights


def outer_product(rows):
    weights = np.ones(())
    for row in rows:
        weights = np.multiply.outer(weights, row)
    return weights


def binomial_row(size):
    return np.array([math.comb(size - 1, i) for i in range(size)], np.float64)


def positions(size):
    return np.arange(size) - (size - 1) / 2


def gaussian_row(sigma, size, order=0):
    """The `order`-th derivative of a sampled Gaussian that is normalised first, as scipy.ndimage does it."""
    x = positions(size)
    row = np.exp(-0.5 * (x / sigma) ** 2)
    row /= row.sum()
    # d/dx (q * g) = (q' - q * x / sigma**2) * g, with a polynomial q in front of the Gaussian g.
    factor = np.polynomial.Polynomial([1.0])
    for _ in range(order):
        factor = factor.deriv() - factor * np.polynomial.Polynomial([0, 1 / sigma**2])
    return factor(x) * row


def direction_vector(angle):
    """Unit vector (x, y) of an angle in degrees, y downwards, exact at multiples of 90 degrees."""
    quarter, rest = divmod(angle % 360, 90)
    x, y = math.cos(math.radians(rest)), -math.sin(math.radians(rest))
    for _ in range(int(quarter)):
        x, y = y, -x
    return x, y


def as_dtype(weights, dtype):
    try:
        target = np.dtype(dtype)
    except TypeError:
        raise ValueError(f"dtype must be a numeric NumPy dtype, got {dtype!r}") from None
    if target.kind in "iu":
        limits = np.iinfo(target)
        whole = bool((weights == np.rint(weights)).all())
        if not whole or weights.min() < limits.min or weights.max() > limits.max:
            values = f"{'' if whole else 'fractions '}from {weights.min():g} to {weights.max():g}"
            raise ValueError(f"dtype must hold the kernel's values exactly, {values}, got {target}")
    elif target.kind not in "fc":
        raise ValueError(f"dtype must be an integer, floating or complex NumPy dtype, got {target}")
    return np.ascontiguousarray(weights, target)


# Validation


def check_choice(value, name, choices):
    try:
        if not isinstance(value, bool) and value in choices:
            return choices[value]
    except TypeError:  # unhashable
        pass
    raise ValueError(f"{name} must be one of {', '.join(map(str, choices))}, got {value!r}")


def check_integer(value, name, takes, accept):
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or not accept(number):
        raise ValueError(f"{name} must be {takes}, got {value!r}")
    return number


def check_number(value, name, takes, accept=None):
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    refused = not math.isfinite(number) or isinstance(value, (str, bytes, bool))
    if refused or not (accept is None or accept(number)):
        raise ValueError(f"{name} must be {takes}, got {value!r}")
    return number


def check_reach(reach, name, value):
    """`reach` in samples, where an array can have it: an overflow would not name the argument."""
    if reach > 2**31:
        raise ValueError(f"{name} must give a kernel that fits into memory, got {value!r}")
    return reach


def check_per_axis(value, name, takes, item):
    """A tuple of checked values if `value` is a sequence, None if it is one value (or none)."""
    if value is None or isinstance(value, (str, bytes)) or np.ndim(value) == 0:
        return None
    try:
        values = tuple(value)
    except TypeError:
        raise ValueError(f"{name} must be {takes}, got {value!r}") from None
    return tuple(item(v, name, takes) for v in values)


def _sigma_item(value, name, takes):
    return check_number(value, name, takes, lambda s: s > 0)


def kernel_rank(ndim, **per_axis):
    """The rank: `ndim`, or the length of the arguments that are sequences, or 2."""
    rank = None if ndim is None else check_integer(ndim, "ndim", "1, 2 or 3", lambda n: 1 <= n <= 3)
    for name, value in per_axis.items():
        if value is None or np.ndim(value) == 0:
            continue
        length = len(value)
        if rank is None and 1 <= length <= 3:
            rank = length
        elif rank != length:
            takes = "1 to 3 values" if rank is None else f"one value or {rank} values for {rank} axes"
            raise ValueError(f"{name} must have {takes}, got {value!r}")
    return 2 if rank is None else rank


def kernel_shape(size, ndim, *, odd=False):
    takes = f"{'odd integers' if odd else 'integers'} >= 1, one for all axes or one per axis"

    def item(value, name, takes):
        return check_integer(value, name, takes, lambda n: 1 <= n <= 2**31 and (n % 2 == 1 or not odd))

    rank = kernel_rank(ndim, size=size)
    sizes = check_per_axis(size, "size", takes, item)
    return (item(size, "size", takes),) * rank if sizes is None else sizes


def sigmas_and_shape(sigma, size, truncate, ndim):
    takes = "a number > 0, one for all axes or one per axis"
    rank = kernel_rank(ndim, sigma=sigma, size=size)
    truncate = check_number(truncate, "truncate", "a number > 0", lambda t: t > 0)
    shape = None if size is None else kernel_shape(size, rank)
    sigmas = check_per_axis(sigma, "sigma", takes, _sigma_item)
    if sigma is None:
        # OpenCV's rule; positive for every size, 0.5 for size 1.
        sigmas = (1.0,) * rank if shape is None else tuple(0.3 * ((n - 1) / 2 - 1) + 0.8 for n in shape)
    elif sigmas is None:
        sigmas = (_sigma_item(sigma, "sigma", takes),) * rank
    if shape is None:
        shape = tuple(2 * int(check_reach(truncate * s, "sigma", sigma) + 0.5) + 1 for s in sigmas)
    return sigmas, shape
