"""Named kernels: blurs, sharpeners, edge and line detectors, as plain NumPy arrays.

Orientation: every kernel is written for cross-correlation, which is what `cconv.correlate`, `cconv.conv2d`,
`scipy.ndimage.correlate` and OpenCV's filter2D compute. The response of a first derivative (`sobel`,
`prewitt`, `scharr`, `gaussian_derivative`) is then positive where values grow along the axis.
`cconv.convolve` reverses its kernel: symmetric kernels (all blurs, `laplacian`, `sharpen`, lines, ...) give
the same answer there, derivatives change their sign.

Axes are array axes: for an image with shape (rows, columns), axis -1 runs along a row. Angles are in degrees,
counter-clockwise as the image is seen on a screen (rows downwards), 0 pointing along a row.

A constructor returns a new C-contiguous array of `dtype`, float64 by default. An integer dtype is accepted
wherever it holds the kernel exactly. Every invalid argument is a ValueError that names it.

`named` makes a kernel from its name on the command line, `names` lists them.

>>> from cconv import filters
>>> filters.sobel(dtype="int8")
array([[-1,  0,  1],
       [-2,  0,  2],
       [-1,  0,  1]], dtype=int8)
>>> filters.named("box", size=2)
array([[0.25, 0.25],
       [0.25, 0.25]])
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from ._filters_build import check_choice
from ._filters_edges import (
    gabor,
    gaussian_derivative,
    laplacian,
    laplacian_of_gaussian,
    line,
    prewitt,
    ridge,
    roberts,
    scharr,
    sobel,
)
from ._filters_smooth import binomial, box, emboss, gaussian, identity, motion_blur, sharpen, unsharp

__all__ = [
    "binomial",
    "box",
    "describe",
    "emboss",
    "gabor",
    "gaussian",
    "gaussian_derivative",
    "identity",
    "laplacian",
    "laplacian_of_gaussian",
    "line",
    "motion_blur",
    "named",
    "names",
    "prewitt",
    "ridge",
    "roberts",
    "scharr",
    "sharpen",
    "sobel",
    "unsharp",
]


class _Entry(NamedTuple):
    make: Callable  # called with some of size, sigma and with dtype
    takes: tuple  # which of "size", "sigma" it accepts
    summary: str


def _motion_of_size(*, size=9, dtype):
    return motion_blur(size, dtype=dtype)


_BLUR = ("size", "sigma")
_CATALOGUE = {
    "identity": _Entry(identity, ("size",), "no change"),
    "box": _Entry(box, ("size",), "mean of the window"),
    "binomial": _Entry(binomial, ("size",), "binomial blur, close to a Gaussian"),
    "gaussian": _Entry(gaussian, _BLUR, "Gaussian blur"),
    "motion": _Entry(_motion_of_size, ("size",), "motion blur along a row"),
    "sharpen": _Entry(sharpen, (), "image minus its Laplacian, 4 neighbours"),
    "sharpen-8": _Entry(partial(sharpen, neighbours=8), (), "image minus its Laplacian, 8 neighbours"),
    "unsharp": _Entry(unsharp, _BLUR, "unsharp masking with a Gaussian"),
    "emboss": _Entry(emboss, (), "relief"),
    "sobel-x": _Entry(partial(sobel, -1), ("size",), "Sobel derivative along rows (vertical edges)"),
    "sobel-y": _Entry(partial(sobel, -2), ("size",), "Sobel derivative along columns (horizontal edges)"),
    "prewitt-x": _Entry(partial(prewitt, -1), (), "Prewitt derivative along rows"),
    "prewitt-y": _Entry(partial(prewitt, -2), (), "Prewitt derivative along columns"),
    "scharr-x": _Entry(partial(scharr, -1), (), "Scharr derivative along rows"),
    "scharr-y": _Entry(partial(scharr, -2), (), "Scharr derivative along columns"),
    "roberts-falling": _Entry(partial(roberts, "falling"), (), "Roberts cross, falling diagonal"),
    "roberts-rising": _Entry(partial(roberts, "rising"), (), "Roberts cross, rising diagonal"),
    "gaussian-x": _Entry(partial(gaussian_derivative, order=(0, 1)), _BLUR, "slope along rows, blurred"),
    "gaussian-y": _Entry(partial(gaussian_derivative, order=(1, 0)), _BLUR, "slope along columns, blurred"),
    "laplacian": _Entry(laplacian, (), "Laplacian, 4 neighbours"),
    "laplacian-8": _Entry(partial(laplacian, 8), (), "Laplacian, 8 neighbours"),
    "log": _Entry(laplacian_of_gaussian, _BLUR, "Laplacian of Gaussian"),
    "ridge": _Entry(partial(ridge, 8), (), "ridges and edges, 8 neighbours"),
    "ridge-4": _Entry(partial(ridge, 4), (), "ridges and edges, 4 neighbours"),
    "line-horizontal": _Entry(partial(line, "horizontal"), (), "horizontal lines"),
    "line-vertical": _Entry(partial(line, "vertical"), (), "vertical lines"),
    "line-falling": _Entry(partial(line, "falling"), (), "diagonal lines, upper left to lower right"),
    "line-rising": _Entry(partial(line, "rising"), (), "diagonal lines, lower left to upper right"),
    "gabor": _Entry(gabor, _BLUR, "Gabor filter for vertical stripes"),
}


def names():
    """Names that `named` knows.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> from cconv import filters
    >>> "sharpen" in filters.names()
    True
    """
    return tuple(_CATALOGUE)


def describe(name):
    """One line about a named kernel: what it does, and which of size and sigma it takes.

    Parameters
    ----------
    name : str
        One of `names`.

    Returns
    -------
    str

    Examples
    --------
    >>> from cconv import filters
    >>> filters.describe("gaussian")
    'Gaussian blur [size, sigma]'
    """
    entry = check_choice(name, "name", _CATALOGUE)
    return entry.summary + (f" [{', '.join(entry.takes)}]" if entry.takes else "")


def named(name, *, size=None, sigma=None, dtype=np.float64):
    """The 2-D kernel of that name.

    Parameters
    ----------
    name : str
        One of `names`.
    size : int or sequence of int, optional
        Extent, for the kernels that take one; see `describe`.
    sigma : float, optional
        Standard deviation in pixels, for the kernels that take one.
    dtype : dtype
        A dtype that holds the kernel.

    Returns
    -------
    ndarray of `dtype`, (rows, columns)

    Raises
    ------
    ValueError
        For an unknown name, and for a size or sigma that this kernel does not take.

    Examples
    --------
    >>> from cconv import filters
    >>> filters.named("laplacian", dtype=int)
    array([[ 0,  1,  0],
           [ 1, -4,  1],
           [ 0,  1,  0]])
    """
    entry = check_choice(name, "name", _CATALOGUE)
    given = {key: value for key, value in (("size", size), ("sigma", sigma)) if value is not None}
    for key, value in given.items():
        if key not in entry.takes:
            takes = " and ".join(entry.takes) if entry.takes else "neither size nor sigma"
            raise ValueError(f"{key} does not apply to {name!r}, which takes {takes}, got {value!r}")
    return entry.make(dtype=dtype, **given)
