"""Kernels whose sum is zero: derivatives, ridges, lines, waves. Public as `cconv.filters`."""

import math

import numpy as np

from ._filters_build import (
    TRUNCATE,
    as_dtype,
    binomial_row,
    check_choice,
    check_integer,
    check_number,
    check_per_axis,
    check_reach,
    direction_vector,
    gaussian_row,
    kernel_shape,
    outer_product,
    positions,
    sigmas_and_shape,
)

# Derivatives are a central difference along one axis, smoothed along the others.
_DIFFERENCE = (-1, 0, 1)
_PREWITT_SMOOTHING = (1, 1, 1)
_SCHARR_SMOOTHING = (3, 10, 3)
_ROBERTS = {
    "falling": ((1, 0), (0, -1)),
    "rising": ((0, 1), (-1, 0)),
}
_LINES = {
    "horizontal": ((-1, -1, -1), (2, 2, 2), (-1, -1, -1)),
    "vertical": ((-1, 2, -1), (-1, 2, -1), (-1, 2, -1)),
    "falling": ((2, -1, -1), (-1, 2, -1), (-1, -1, 2)),
    "rising": ((-1, -1, 2), (-1, 2, -1), (2, -1, -1)),
}
_EMBOSS = ((-2, -1, 0), (-1, 1, 1), (0, 1, 2))
# Number of neighbours that a Laplacian uses -> (rank, whether diagonal neighbours count).
_NEIGHBOURS = {2: (1, False), 4: (2, False), 8: (2, True), 6: (3, False), 26: (3, True)}
# sigma / wavelength of a Gabor filter with a bandwidth of one octave (Kruizinga and Petkov).
_GABOR_OCTAVE = 0.56


# First derivatives


def sobel(axis=-1, *, size=3, ndim=2, dtype=np.float64):
    """Sobel: derivative along `axis`, binomial smoothing along the others. Not normalised.

    Size 3 is `scipy.ndimage.sobel` in any rank; larger sizes are OpenCV's `getDerivKernels`. A ramp of slope
    1 gives 8 with the 3 x 3 kernel.

    Parameters
    ----------
    axis : int
        The axis along which the derivative is taken: -1 finds vertical edges of an image.
    size : int
        Odd extent of every axis, 3 to 31.
    ndim : int
        Rank, 1 to 3.
    dtype : dtype
        A floating or signed integer dtype that holds the values.

    Returns
    -------
    ndarray of `dtype`, `size` along every axis
        The outer product of ``[-1, 0, 1]`` widened by ``comb(size - 3, i)`` along `axis` and ``comb(size - 1,
        i)`` along the others; the sum is 0.

    References
    ----------
    I. Sobel, G. Feldman, "A 3x3 isotropic gradient operator for image processing", Stanford Artificial
    Intelligence Project, 1968.

    Examples
    --------
    >>> from cconv import filters
    >>> filters.sobel(axis=0, dtype=int)
    array([[-1, -2, -1],
           [ 0,  0,  0],
           [ 1,  2,  1]])
    """
    size = check_integer(size, "size", "an odd integer from 3 to 31", lambda n: 3 <= n <= 31 and n % 2 == 1)
    difference = np.convolve(binomial_row(size - 2), _DIFFERENCE)
    return _derivative(difference, binomial_row(size), axis, ndim, dtype)


def prewitt(axis=-1, *, ndim=2, dtype=np.float64):
    """Prewitt: derivative along `axis`, a sum of three along the others. Not normalised.

    Parameters
    ----------
    axis : int
        The axis along which the derivative is taken: -1 finds vertical edges of an image.
    ndim : int
        Rank, 1 to 3.
    dtype : dtype
        A floating or signed integer dtype.

    Returns
    -------
    ndarray of `dtype`, 3 along every axis
        The outer product of ``[-1, 0, 1]`` along `axis` and ``[1, 1, 1]`` along the others; the sum is 0.

    References
    ----------
    J. M. S. Prewitt, "Object enhancement and extraction", in Picture Processing and Psychopictorics, 1970.

    Examples
    --------
    >>> from cconv import filters
    >>> filters.prewitt(dtype=int)
    array([[-1,  0,  1],
           [-1,  0,  1],
           [-1,  0,  1]])
    """
    return _derivative(_DIFFERENCE, _PREWITT_SMOOTHING, axis, ndim, dtype)


def scharr(axis=-1, *, ndim=2, dtype=np.float64):
    """Scharr: a 3 x 3 derivative whose direction is closer to the true one than Sobel's. Not normalised.

    Parameters
    ----------
    axis : int
        The axis along which the derivative is taken: -1 finds vertical edges of an image.
    ndim : int
        Rank, 1 to 3.
    dtype : dtype
        A floating or signed integer dtype that holds the values.

    Returns
    -------
    ndarray of `dtype`, 3 along every axis
        The outer product of ``[-1, 0, 1]`` along `axis` and ``[3, 10, 3]`` along the others; the sum is 0.

    References
    ----------
    B. Jaehne, H. Scharr, S. Koerkel, "Principles of filter design", in Handbook of Computer Vision and
    Applications, vol. 2, 1999.

    Examples
    --------
    >>> from cconv import filters
    >>> filters.scharr(dtype=int)
    array([[ -3,   0,   3],
           [-10,   0,  10],
           [ -3,   0,   3]])
    """
    return _derivative(_DIFFERENCE, _SCHARR_SMOOTHING, axis, ndim, dtype)


def roberts(direction="falling", *, dtype=np.float64):
    """Roberts cross: the difference along one diagonal of a 2 x 2 window.

    Parameters
    ----------
    direction : {"falling", "rising"}
        The diagonal along which the difference is taken: from the upper left to the lower right, or from the
        lower left to the upper right.
    dtype : dtype
        A floating or signed integer dtype.

    Returns
    -------
    ndarray of `dtype`, (2, 2)
        [1 0; 0 -1] or [0 1; -1 0]; the sum is 0.

    References
    ----------
    L. G. Roberts, "Machine perception of three-dimensional solids", MIT Lincoln Laboratory, 1963.

    Examples
    --------
    >>> from cconv import filters
    >>> filters.roberts("rising", dtype=int)
    array([[ 0,  1],
           [-1,  0]])
    """
    return as_dtype(np.array(check_choice(direction, "direction", _ROBERTS), np.float64), dtype)


def gaussian_derivative(sigma=None, *, order=(0, 1), size=None, truncate=TRUNCATE, dtype=np.float64):
    """Derivative of a Gaussian: smooths and differentiates in one kernel.

    With the default `size` the response equals `scipy.ndimage.gaussian_filter` with the same `order`.

    Parameters
    ----------
    sigma : float or sequence of float, optional
        Standard deviation in samples, as in `gaussian`.
    order : sequence of int
        Order of the derivative along each axis, 0 or more; its length is the rank, 1 to 3. (0, 1) is the
        first derivative along a row.
    size, truncate
        As in `gaussian`.
    dtype : dtype
        A floating dtype.

    Returns
    -------
    ndarray of `dtype`
        The outer product over the axes of the `order`-th derivative of ``exp(-x**2 / (2 * sigma**2)) /
        total``, reversed for odd orders, as correlation wants it. The sum is 0 for odd orders, and nearly 0
        for even ones.

    References
    ----------
    J. Canny, "A computational approach to edge detection", IEEE Trans. PAMI 8(6), 1986.

    Examples
    --------
    >>> from cconv import filters
    >>> filters.gaussian_derivative(1, order=(1,), size=3).round(3)
    array([-0.274,  0.   ,  0.274])
    """
    orders = check_per_axis(order, "order", "integers >= 0, one per axis", _order_item)
    if orders is None or not 1 <= len(orders) <= 3:
        raise ValueError(f"order must be a sequence of 1 to 3 integers >= 0, one per axis, got {order!r}")
    sigmas, shape = sigmas_and_shape(sigma, size, truncate, len(orders))
    rows = [gaussian_row(s, n, k)[::-1] for s, n, k in zip(sigmas, shape, orders, strict=True)]
    return as_dtype(outer_product(rows), dtype)


# Second derivatives, ridges, lines


def laplacian(neighbours=4, *, dtype=np.float64):
    """Laplacian: the sum over the neighbours minus their number times the centre.

    4 is `scipy.ndimage.laplace` of an image, 6 of a volume.

    Parameters
    ----------
    neighbours : {4, 8, 2, 6, 26}
        4 or 8 for images, 2 for signals, 6 or 26 for volumes: the direct neighbours only, or the diagonal
        ones too.
    dtype : dtype
        A floating or signed integer dtype.

    Returns
    -------
    ndarray of `dtype`, 3 along every axis
        1 for a neighbour, ``-neighbours`` at the centre; the sum is 0.

    References
    ----------
    R. C. Gonzalez, R. E. Woods, Digital Image Processing, 4th ed., 2018, section 3.6.

    Examples
    --------
    >>> from cconv import filters
    >>> filters.laplacian(8, dtype=int)
    array([[ 1,  1,  1],
           [ 1, -8,  1],
           [ 1,  1,  1]])
    """
    rank, diagonal = check_choice(neighbours, "neighbours", _NEIGHBOURS)
    distance = np.abs(np.indices((3,) * rank) - 1).sum(axis=0)
    weights = ((distance > 0) & (diagonal | (distance == 1))).astype(np.float64)
    weights[(1,) * rank] = -weights.sum()
    return as_dtype(weights, dtype)


def ridge(neighbours=8, *, dtype=np.float64):
    """Ridge (edge) detection: positive on bright points and lines, zero on even surfaces.

    Parameters
    ----------
    neighbours : {8, 4, 2, 6, 26}
        Which Laplacian, see `laplacian`. It decides the rank.
    dtype : dtype
        A floating or signed integer dtype.

    Returns
    -------
    ndarray of `dtype`, 3 along every axis
        ``-laplacian(neighbours)``; the sum is 0.

    References
    ----------
    R. C. Gonzalez, R. E. Woods, Digital Image Processing, 4th ed., 2018, section 10.2 (isolated points).

    Examples
    --------
    >>> from cconv import filters
    >>> filters.ridge(4, dtype=int)
    array([[ 0, -1,  0],
           [-1,  4, -1],
           [ 0, -1,  0]])
    """
    return as_dtype(0 - laplacian(neighbours), dtype)


def line(direction="horizontal", *, dtype=np.float64):
    """Line detector: positive on bright lines one pixel wide in one direction.

    Parameters
    ----------
    direction : {"horizontal", "vertical", "falling", "rising"}
        Direction of the lines; "falling" runs from the upper left to the lower right, "rising" from the lower
        left to the upper right.
    dtype : dtype
        A floating or signed integer dtype.

    Returns
    -------
    ndarray of `dtype`, (3, 3)
        2 on the line, -1 elsewhere; the sum is 0.

    References
    ----------
    R. C. Gonzalez, R. E. Woods, Digital Image Processing, 4th ed., 2018, section 10.2 (line detection).

    Examples
    --------
    >>> from cconv import filters
    >>> filters.line("rising", dtype=int)
    array([[-1, -1,  2],
           [-1,  2, -1],
           [ 2, -1, -1]])
    """
    return as_dtype(np.array(check_choice(direction, "direction", _LINES), np.float64), dtype)


def laplacian_of_gaussian(sigma=None, *, size=None, truncate=TRUNCATE, ndim=None, dtype=np.float64):
    """Laplacian of Gaussian (Mexican hat): blobs and edges of one scale, zero on even surfaces.

    The mean is taken off after sampling, so that an even surface gives zero (as MATLAB's fspecial does);
    `scipy.ndimage.gaussian_laplace` leaves it in.

    Parameters
    ----------
    sigma, size, truncate, ndim
        As in `gaussian`; one sigma for all axes.
    dtype : dtype
        A floating dtype.

    Returns
    -------
    ndarray of `dtype`
        ``g * (r**2 - ndim * sigma**2) / sigma**4 - mean``, where g is `gaussian` and r the distance from the
        centre; the sum is 0, the centre negative.

    References
    ----------
    D. Marr, E. Hildreth, "Theory of edge detection", Proc. Royal Society B 207, 1980.

    Examples
    --------
    >>> from cconv import filters
    >>> filters.laplacian_of_gaussian(0.5, size=3).round(3)
    array([[ 0.404,  0.802,  0.404],
           [ 0.802, -4.823,  0.802],
           [ 0.404,  0.802,  0.404]])
    """
    sigmas, shape = sigmas_and_shape(sigma, size, truncate, ndim)
    if len(set(sigmas)) != 1:
        raise ValueError(f"sigma must be the same for all axes, got {sigma!r} with size {size!r}")
    variance = sigmas[0] ** 2
    blur = outer_product([gaussian_row(sigmas[0], n) for n in shape])
    radius2 = sum(axis.astype(np.float64) ** 2 for axis in np.ix_(*(positions(n) for n in shape)))
    weights = blur * (radius2 - len(shape) * variance) / variance**2
    return as_dtype(weights - weights.mean(), dtype)


def gabor(
    wavelength=None,
    angle=0.0,
    *,
    sigma=None,
    aspect=0.5,
    phase=0.0,
    size=None,
    normalize=True,
    dtype=np.float64,
):
    """Gabor filter: a wave under a Gaussian, the response of one orientation and one scale.

    Parameters
    ----------
    wavelength : float, optional
        In pixels. Default: ``sigma / 0.56``, or 4.
    angle : float
        Direction in which the wave runs, in degrees: 0 answers to vertical stripes.
    sigma : float, optional
        Standard deviation of the Gaussian along the wave. Default: ``0.56 * wavelength``, a bandwidth of one
        octave.
    aspect : float
        Standard deviation along the wave over that across it, > 0.
    phase : float
        Of the cosine, in degrees: 0 is symmetric (lines), 90 antisymmetric (edges).
    size : int or sequence of two int, optional
        Extent of rows and columns. Default: 3 standard deviations to each side.
    normalize : bool
        Take off the constant part, so that an even surface gives 0, and scale so that the wave itself with
        amplitude 1 gives 1. Without it the kernel is OpenCV's getGaborKernel (whose angle runs clockwise).
    dtype : dtype
        A floating dtype.

    Returns
    -------
    ndarray of `dtype`, (rows, columns)
        ``exp(-(u**2 + aspect**2 * v**2) / (2 * sigma**2)) * cos(2 * pi * u / wavelength + phase)``, with u
        along `angle` and v across.

    References
    ----------
    J. G. Daugman, "Uncertainty relation for resolution in space, spatial frequency, and orientation optimized
    by two-dimensional visual cortical filters", J. Optical Society of America A 2(7), 1985.
    P. Kruizinga, N. Petkov, "Nonlinear operator for oriented texture", IEEE Trans. Image Proc. 8(10), 1999.

    Examples
    --------
    >>> from cconv import filters
    >>> stripes = filters.gabor(4, angle=0)
    >>> stripes.shape, bool(abs(stripes.sum()) < 1e-12)
    ((29, 15), True)
    """
    positive = "a number > 0"
    if sigma is not None:
        sigma = check_number(sigma, "sigma", positive, lambda v: v > 0)
    if wavelength is None:
        wavelength = 4.0 if sigma is None else sigma / _GABOR_OCTAVE
    wavelength = check_number(wavelength, "wavelength", positive, lambda v: v > 0)
    if sigma is None:
        sigma = _GABOR_OCTAVE * wavelength
    aspect = check_number(aspect, "aspect", positive, lambda v: v > 0)
    along_x, along_y = direction_vector(check_number(angle, "angle", "a finite number of degrees"))
    phase = math.radians(check_number(phase, "phase", "a finite number of degrees"))
    if size is None:
        along, across = 3 * sigma, 3 * sigma / aspect
        reach = [max(along * abs(a), across * abs(b)) for a, b in ((along_y, along_x), (along_x, along_y))]
        shape = tuple(2 * math.ceil(check_reach(r, "wavelength", wavelength)) + 1 for r in reach)
    else:
        shape = kernel_shape(size, 2)
    y, x = np.ix_(*(positions(n) for n in shape))
    u = x * along_x + y * along_y
    v = y * along_x - x * along_y
    envelope = np.exp(-(u**2 + (aspect * v) ** 2) / (2 * sigma**2))
    wave = np.cos(2 * math.pi * u / wavelength + phase)
    weights = envelope * wave
    if normalize:
        weights -= envelope * (weights.sum() / envelope.sum())
        gain = (weights * wave).sum()
        if not gain > 1e-12:
            raise ValueError(
                "size must leave room for the wave (or wavelength be shorter, or normalize be False), "
                f"got {shape} for a wavelength of {wavelength:g}"
            )
        weights /= gain
    return as_dtype(weights, dtype)


def _derivative(difference, smoothing, axis, ndim, dtype):
    rank = check_integer(ndim, "ndim", "1, 2 or 3", lambda n: 1 <= n <= 3)
    takes = f"an integer from {-rank} to {rank - 1} for {rank} axes"
    axis = check_integer(axis, "axis", takes, lambda a: -rank <= a < rank)
    rows = [smoothing] * rank
    rows[axis] = difference
    return as_dtype(outer_product([np.asarray(row, np.float64) for row in rows]), dtype)


def _order_item(value, name, takes):
    return check_integer(value, name, takes, lambda k: k >= 0)
