"""Kernels whose sum is one: blurs, and the sharpeners and reliefs made of them. Public as `cconv.filters`."""

import math

import numpy as np

from ._filters_build import (
    TRUNCATE,
    as_dtype,
    binomial_row,
    check_number,
    delta,
    direction_vector,
    gaussian_row,
    kernel_rank,
    kernel_shape,
    outer_product,
    sigmas_and_shape,
)
from ._filters_edges import laplacian

_EMBOSS = ((-2, -1, 0), (-1, 1, 1), (0, 1, 2))


# Blurs


def identity(size=3, *, ndim=None, dtype=np.float64):
    """The kernel that changes nothing: one at the centre, zero elsewhere.

    Parameters
    ----------
    size : int or sequence of int
        Odd extent, for every axis or one per axis.
    ndim : int, optional
        Rank, 1 to 3; 2 unless `size` is a sequence.
    dtype : dtype
        A numeric dtype.

    Returns
    -------
    ndarray of `dtype`, shape `size`
        ``w[i, j] = 1 if (i, j) == (size[0] // 2, size[1] // 2) else 0``.

    Examples
    --------
    >>> from cconv import filters
    >>> filters.identity(3, ndim=1, dtype=int)
    array([0, 1, 0])
    """
    shape = kernel_shape(size, ndim, odd=True)
    return as_dtype(delta(shape), dtype)


def box(size=3, *, ndim=None, dtype=np.float64):
    """Mean of the window: the box blur.

    Parameters
    ----------
    size : int or sequence of int
        Extent, for every axis or one per axis. Even extents are allowed.
    ndim : int, optional
        Rank, 1 to 3; 2 unless `size` is a sequence.
    dtype : dtype
        A floating dtype, or any if `size` is 1.

    Returns
    -------
    ndarray of `dtype`, shape `size`
        ``w[i, j] = 1 / prod(size)``; the sum is 1.

    References
    ----------
    R. C. Gonzalez, R. E. Woods, Digital Image Processing, 4th ed., 2018, section 3.5.

    Examples
    --------
    >>> from cconv import filters
    >>> filters.box((1, 4))
    array([[0.25, 0.25, 0.25, 0.25]])
    """
    shape = kernel_shape(size, ndim)
    return as_dtype(np.full(shape, 1.0 / math.prod(shape)), dtype)


def binomial(size=3, *, ndim=None, dtype=np.float64):
    """Binomial blur: the integer approximation of a Gaussian.

    Size 3 is the 1/16 [1 2 1; 2 4 2; 1 2 1] and size 5 the 1/256 [1 4 6 4 1; ...] that books call the 3 x 3
    and 5 x 5 Gaussian blur. The variance along an axis is (size - 1) / 4.

    Parameters
    ----------
    size : int or sequence of int
        Extent, for every axis or one per axis, at most 1000. Even extents are allowed.
    ndim : int, optional
        Rank, 1 to 3; 2 unless `size` is a sequence.
    dtype : dtype
        A floating dtype, or any if `size` is 1.

    Returns
    -------
    ndarray of `dtype`, shape `size`
        The outer product over the axes of ``comb(size - 1, i) / 2**(size - 1)``; the sum is 1.

    References
    ----------
    B. Jaehne, Digital Image Processing, 6th ed., 2005, section 11.4.

    Examples
    --------
    >>> from cconv import filters
    >>> filters.binomial(3) * 16
    array([[1., 2., 1.],
           [2., 4., 2.],
           [1., 2., 1.]])
    """
    shape = kernel_shape(size, ndim)
    if max(shape) > 1000:
        raise ValueError(f"size must be at most 1000 for a binomial kernel, got {size!r}")
    return as_dtype(outer_product([binomial_row(n) / 2.0 ** (n - 1) for n in shape]), dtype)


def gaussian(sigma=None, *, size=None, truncate=TRUNCATE, ndim=None, dtype=np.float64):
    """Gaussian blur, sampled and normalised.

    With the default `size` these are the weights of `scipy.ndimage.gaussian_filter`.

    Parameters
    ----------
    sigma : float or sequence of float, optional
        Standard deviation in samples, for every axis or one per axis. Default: 1, or, where only `size` is
        given, OpenCV's ``0.3 * ((size - 1) / 2 - 1) + 0.8``.
    size : int or sequence of int, optional
        Extent, for every axis or one per axis. Default: ``2 * int(truncate * sigma + 0.5) + 1``.
    truncate : float
        Where the default `size` ends, in standard deviations.
    ndim : int, optional
        Rank, 1 to 3; 2 unless `sigma` or `size` is a sequence.
    dtype : dtype
        A floating dtype.

    Returns
    -------
    ndarray of `dtype`
        ``w[i, j] = exp(-(y**2 + x**2) / (2 * sigma**2)) / total``, with y and x counted from the kernel's
        centre (between two samples where the extent is even); the sum is 1.

    References
    ----------
    R. C. Gonzalez, R. E. Woods, Digital Image Processing, 4th ed., 2018, section 3.5.
    OpenCV, getGaussianKernel, for sigma from size.

    Examples
    --------
    >>> from cconv import filters
    >>> filters.gaussian(0.5, size=3, ndim=1).round(4)
    array([0.1065, 0.787 , 0.1065])
    """
    sigmas, shape = sigmas_and_shape(sigma, size, truncate, ndim)
    return as_dtype(outer_product([gaussian_row(s, n) for s, n in zip(sigmas, shape, strict=True)]), dtype)


def motion_blur(length=9.0, angle=0.0, *, dtype=np.float64):
    """Motion blur: the mean along a straight line, as a camera sees that moves at constant speed.

    Parameters
    ----------
    length : float
        Length of the line in pixels, at least 1. An odd integer along a row gives exactly that many equal
        weights.
    angle : float
        Direction of the motion in degrees.
    dtype : dtype
        A floating dtype, or any if `length` is 1.

    Returns
    -------
    ndarray of `dtype`, (rows, columns), both odd
        ``w = max(0, 1 - d) / total``, where d is the distance of the pixel's centre to the line of `length` -
        1 pixels through the kernel's centre; the sum is 1.

    References
    ----------
    R. C. Gonzalez, R. E. Woods, Digital Image Processing, 4th ed., 2018, section 5.6 (uniform linear motion).

    Examples
    --------
    >>> from cconv import filters
    >>> filters.motion_blur(4)
    array([[0.125, 0.25 , 0.25 , 0.25 , 0.125]])
    """
    length = check_number(length, "length", "a number >= 1", lambda v: v >= 1)
    angle = check_number(angle, "angle", "a finite number of degrees")
    along_x, along_y = direction_vector(angle)
    half = (length - 1) / 2
    # A weight reaches less than one pixel beyond the line: 1e-9 keeps rounding from adding an empty border.
    rows, columns = (math.ceil(half * abs(component) + 1 - 1e-9) for component in (along_y, along_x))
    y, x = np.ogrid[-rows : rows + 1, -columns : columns + 1]
    position = x * along_x + y * along_y
    beyond = np.maximum(np.abs(position) - half, 0)
    across = y * along_x - x * along_y
    weights = np.maximum(1 - np.hypot(beyond, across), 0)
    weights[weights < 1e-9] = 0
    weights = weights[np.ix_(weights.any(axis=1), weights.any(axis=0))]
    return as_dtype(weights / weights.sum(), dtype)


# Sharpening and relief


def sharpen(amount=1.0, *, neighbours=4, dtype=np.float64):
    """Sharpen: the image minus its Laplacian.

    Parameters
    ----------
    amount : float
        Strength; 0 is the identity.
    neighbours : {4, 8, 2, 6, 26}
        Which Laplacian, see `laplacian`. It decides the rank.
    dtype : dtype
        A floating dtype, or a signed integer dtype if `amount` is an integer.

    Returns
    -------
    ndarray of `dtype`, 3 along every axis
        ``identity - amount * laplacian(neighbours)``; the sum is 1.

    References
    ----------
    R. C. Gonzalez, R. E. Woods, Digital Image Processing, 4th ed., 2018, section 3.6.

    Examples
    --------
    >>> from cconv import filters
    >>> filters.sharpen(dtype=int)
    array([[ 0, -1,  0],
           [-1,  5, -1],
           [ 0, -1,  0]])
    """
    amount = check_number(amount, "amount", "a finite number")
    stencil = laplacian(neighbours)
    return as_dtype(delta(stencil.shape) - amount * stencil, dtype)


def unsharp(sigma=None, amount=1.0, *, size=None, truncate=TRUNCATE, ndim=None, dtype=np.float64):
    """Unsharp masking: add back what a Gaussian blur takes away.

    Parameters
    ----------
    sigma, size, truncate, ndim
        Of the blur, as in `gaussian`; `size` must be odd.
    amount : float
        Strength; 0 is the identity.
    dtype : dtype
        A floating dtype.

    Returns
    -------
    ndarray of `dtype`
        ``(1 + amount) * identity - amount * gaussian(sigma)``; the sum is 1.

    References
    ----------
    R. C. Gonzalez, R. E. Woods, Digital Image Processing, 4th ed., 2018, section 3.6 (highboost filtering).

    Examples
    --------
    >>> from cconv import filters
    >>> filters.unsharp(0.5, size=3, ndim=1).round(4)
    array([-0.1065,  1.213 , -0.1065])
    """
    amount = check_number(amount, "amount", "a finite number")
    if size is not None:
        kernel_shape(size, kernel_rank(ndim, size=size, sigma=sigma), odd=True)
    blur = gaussian(sigma, size=size, truncate=truncate, ndim=ndim)
    return as_dtype((1 + amount) * delta(blur.shape) - amount * blur, dtype)


def emboss(*, dtype=np.float64):
    """Emboss: relief lit from the upper left; even surfaces keep their value.

    Parameters
    ----------
    dtype : dtype
        A floating or signed integer dtype.

    Returns
    -------
    ndarray of `dtype`, (3, 3)
        [-2 -1 0; -1 1 1; 0 1 2]; the sum is 1.

    References
    ----------
    GIMP User Manual, Convolution Matrix, example "Emboss".

    Examples
    --------
    >>> from cconv import filters
    >>> filters.emboss(dtype=int)
    array([[-2, -1,  0],
           [-1,  1,  1],
           [ 0,  1,  2]])
    """
    return as_dtype(np.array(_EMBOSS, np.float64), dtype)
