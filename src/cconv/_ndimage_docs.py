"""The pages of ndimage.py: what the filters have in common is said once."""

import inspect
import re

# name here : type
_PARAMETERS = """
input : array_like
    bool, integers, float32, float64 or complex, of any rank and layout.
axis : int
    The axis to filter along.
axes : int or sequence of int, optional
    The axes to filter along, all by default. Each entry of a sequence in another argument belongs to
    the entry of `axes` in its place.
output : ndarray or dtype, optional
    The array to fill, of any type and layout, which may share memory with `input`; or the type of a new
    one. By default a new array of the input's type (complex if the weights are).
mode : str
    What stands outside: 'reflect' ``cba|abcd|dcb``, 'constant' ``kkk|abcd|kkk``, 'nearest'
    ``aaa|abcd|ddd``, 'mirror' ``dcb|abcd|cba``, 'wrap' ``bcd|abcd|abc``, or 'grid-mirror',
    'grid-constant', 'grid-wrap', which are 'reflect', 'constant' and 'wrap'.
modes : str or sequence of str
    What stands outside, for all filtered axes or for each: 'reflect' ``cba|abcd|dcb``, 'constant'
    ``kkk|abcd|kkk``, 'nearest' ``aaa|abcd|ddd``, 'mirror' ``dcb|abcd|cba``, 'wrap' ``bcd|abcd|abc``, or
    'grid-mirror', 'grid-constant', 'grid-wrap', which are 'reflect', 'constant' and 'wrap'.
cval : number
    The value outside with mode 'constant'.
origin : int
    Moves the window of ``n`` taps, within ``-(n // 2) <= origin <= (n - 1) // 2``.
origins : int or sequence of int
    Moves the window of ``n`` taps, within ``-(n // 2) <= origin <= (n - 1) // 2``, for all filtered
    axes or for each.
line : array_like
    One axis of numbers.
window : array_like
    As many axes as are filtered. Taps of magnitude up to float64's epsilon, 2.2e-16, are left out: NaN
    does not get through a weight of 0.
size : int
    Samples of the window.
sizes : int or sequence of int
    Samples of the window, along all filtered axes or each; 1 does nothing.
footprint : array_like of bool, optional
    Instead of `size`: which samples of a window count.
sigma : float
    Standard deviation in samples.
sigmas : float or sequence of float
    Standard deviations in samples, for all filtered axes or for each; 0 does nothing.
order : int or sequence of int
    Which derivative of the Gaussian, 0 for itself.
truncate : float
    The kernel ends after so many standard deviations.
radius : int or sequence of int, optional
    The kernel has ``2 * radius + 1`` taps, whatever `truncate` is.
derivative2 : callable
    ``derivative2(input, axis, output, mode, cval, *extra_arguments, **extra_keywords)``, a second
    derivative along one axis.
derivative : callable
    ``derivative(input, axis, output, mode, cval, *extra_arguments, **extra_keywords)``, a derivative
    along one axis. What it returns is overwritten.
extra_arguments : sequence
    Passed to the callable.
extra_keywords : dict, optional
    Passed to the callable.
"""

_PAGE = """{summary}

{text}

Parameters
----------
{parameters}
Returns
-------
ndarray
    `output`, or a new array of the shape of `input`.

Raises
------
RuntimeError, ValueError, TypeError
    As scipy.ndimage does, before anything is written.

See Also
--------
scipy.ndimage.{name} : the same values.
cconv.convolve, cconv.correlate : in the samples' own type, with FMA and FFT, of up to three axes: sooner still.

Notes
-----
{notes}

Examples
--------
>>> from cconv import ndimage
{example}"""

_EXACT = (
    "Samples are summed as float64, in SciPy's order and rounded where it rounds, and cast to the output's type as C\n"
    "casts: towards zero, and around for what is too large."
)
_WINDOW = (
    _EXACT + " A float64 result may have another last bit than SciPy's:\n"
    "where no weight is left out, a product and its sum are rounded once (FMA), not twice."
)
_CHAIN = _EXACT + "\nAxes are filtered one after the other, with intermediates of the output's type."
_COMPARED = "Samples are compared as float64. Where one is NaN the result depends on the order, as SciPy's does."
_RUNNING = (
    "The mean is a running one: NaN or infinity make NaN of the rest of their line, as in SciPy.\n" + _CHAIN
)

_PAGES = {
    "correlate1d": (
        "Correlation along one axis.", "``result[i] = sum over j of input[i - n // 2 + j] * conj(weights[j])``.",
        {"weights": "line"}, _EXACT,
        ">>> ndimage.correlate1d([2, 8, 0, 4, 1, 9, 9, 0], [1, 3])\narray([ 8, 26,  8, 12,  7, 28, 36,  9])",
    ),
    "convolve1d": (
        "Convolution along one axis.",
        "``result[i] = sum over j of input[i + n // 2 - j] * weights[j]`` for odd `n`, one sample further for even.",
        {"weights": "line"}, _EXACT,
        ">>> ndimage.convolve1d([2, 8, 0, 4, 1, 9, 9, 0], [1, 3])\narray([14, 24,  4, 13, 12, 36, 27,  0])",
    ),
    "correlate": (
        "Correlation with a window.", "The sum of the samples under the window, each times its (conjugate) weight.",
        {"weights": "window", "origin": "origins"}, _WINDOW,
        ">>> ndimage.correlate([[1, 2, 4], [8, 16, 32]], [[0, 1], [1, 0]])\n"
        "array([[ 2,  3,  6],\n       [ 9, 10, 20]])",
    ),
    "convolve": (
        "Convolution with a window.", "The same as `correlate` with the window turned round, without a conjugate.",
        {"weights": "window", "origin": "origins"}, _WINDOW,
        ">>> ndimage.convolve([1, 2, 4, 8], [1, 0, -1], mode='constant')\narray([ 2,  3,  6, -4])",
    ),
    "uniform_filter1d": (
        "Mean of a window along one axis.", "An even window sees one more sample before than behind.", {}, _RUNNING,
        ">>> ndimage.uniform_filter1d([2, 8, 0, 4, 1, 9, 9, 0], 3)\narray([4, 3, 4, 1, 4, 6, 6, 3])",
    ),
    "uniform_filter": (
        "Mean of a window.", "`uniform_filter1d` along one axis after the other.",
        {"size": "sizes", "origin": "origins", "mode": "modes"}, _RUNNING,
        ">>> ndimage.uniform_filter([[0.0, 9.0, 0.0]], (1, 3))\narray([[3., 3., 3.]])",
    ),
    "gaussian_filter1d": (
        "Gaussian, or a derivative of it, along one axis.", "A sampled Gaussian whose weights sum to 1.", {}, _EXACT,
        ">>> ndimage.gaussian_filter1d([1.0, 2.0, 3.0], 1.0).round(3)\narray([1.422, 2.   , 2.578])",
    ),
    "gaussian_filter": (
        "Gaussian, or a derivative of it.", "`gaussian_filter1d` along one axis after the other.",
        {"sigma": "sigmas", "mode": "modes"}, _CHAIN,
        ">>> ndimage.gaussian_filter([[0, 100, 0], [0, 100, 0]], 1.0)\narray([[29, 40, 29],\n       [29, 40, 29]])",
    ),
    "prewitt": (
        "Prewitt's gradient along one axis.", "``[-1, 0, 1]`` along `axis`, ``[1, 1, 1]`` along the others.",
        {"mode": "modes"}, _CHAIN,
        ">>> ndimage.prewitt([[0, 1, 2], [0, 1, 2]])\narray([[3, 6, 3],\n       [3, 6, 3]])",
    ),
    "sobel": (
        "Sobel's gradient along one axis.", "``[-1, 0, 1]`` along `axis`, ``[1, 2, 1]`` along the others.",
        {"mode": "modes"}, _CHAIN,
        ">>> ndimage.sobel([[0, 1, 2], [0, 1, 2]])\narray([[4, 8, 4],\n       [4, 8, 4]])",
    ),
    "generic_laplace": (
        "Sum of second derivatives of one's own.", "The sum of `derivative2` along each axis.", {"mode": "modes"},
        "The sum is of the output's type.",
        ">>> ndimage.generic_laplace([1.0, 2.0, 4.0], lambda x, axis, out, mode, cval: ndimage.laplace(x, out, mode))\n"
        "array([ 1.,  1., -2.])",
    ),
    "laplace": (
        "Sum of second differences.", "The sum of ``[1, -2, 1]`` along each axis.", {"mode": "modes"}, _EXACT,
        ">>> ndimage.laplace([1, 2, 4, 8])\narray([ 1,  1,  2, -4])",
    ),
    "gaussian_laplace": (
        "Sum of second derivatives of a Gaussian.", "The sum of `gaussian_filter` of order 2 along each axis.",
        {"sigma": "sigmas", "mode": "modes"}, _CHAIN,
        ">>> ndimage.gaussian_laplace([0.0, 0.0, 1.0, 0.0, 0.0], 1.0).round(2)\n"
        "array([ 0.2,  0. , -0.4,  0. ,  0.2])",
    ),
    "generic_gradient_magnitude": (
        "Magnitude of a gradient of one's own.", "The root of the sum of the squares of `derivative` along each axis.",
        {"mode": "modes"}, "Squares and their sum are of the output's type.",
        ">>> def difference(x, axis, output, mode, cval):\n...     return ndimage.sobel(x, axis, output, mode, cval)\n"
        ">>> ndimage.generic_gradient_magnitude([[0.0, 1.0], [0.0, 1.0]], difference)\narray([[4., 4.],\n"
        "       [4., 4.]])",
    ),
    "gaussian_gradient_magnitude": (
        "Magnitude of the gradient of a Gaussian.",
        "The root of the sum of the squares of `gaussian_filter` of order 1 along each axis.",
        {"sigma": "sigmas", "mode": "modes"}, _CHAIN,
        ">>> ndimage.gaussian_gradient_magnitude([0.0, 0.0, 1.0, 1.0], 1.0).round(2)\narray([0.11, 0.36, 0.36, 0.11])",
    ),
    "minimum_filter1d": (
        "Minimum of a window along one axis.", "An even window sees one more sample before than behind.", {}, _COMPARED,
        ">>> ndimage.minimum_filter1d([2, 8, 0, 4, 1, 9, 9, 0], 3)\narray([2, 0, 0, 0, 1, 1, 0, 0])",
    ),
    "maximum_filter1d": (
        "Maximum of a window along one axis.", "An even window sees one more sample before than behind.", {}, _COMPARED,
        ">>> ndimage.maximum_filter1d([2, 8, 0, 4, 1, 9, 9, 0], 3)\narray([8, 8, 8, 4, 9, 9, 9, 9])",
    ),
    "minimum_filter": (
        "Minimum of a window.", "Of a box, or of what a footprint shows, which takes one `mode` only.",
        {"size": "sizes", "origin": "origins", "mode": "modes"}, _COMPARED,
        ">>> ndimage.minimum_filter([[3, 1], [4, 1]], (1, 2))\narray([[3, 1],\n       [4, 1]])",
    ),
    "maximum_filter": (
        "Maximum of a window.", "Of a box, or of what a footprint shows, which takes one `mode` only.",
        {"size": "sizes", "origin": "origins", "mode": "modes"}, _COMPARED,
        ">>> ndimage.maximum_filter([[3, 1], [4, 1]], footprint=[[0, 1], [1, 0]])\narray([[3, 3],\n       [4, 4]])",
    ),
}  # fmt: skip


def documented(function):
    """`function` with its page, as a function of ndimage.py."""
    summary, text, special, notes, example = _PAGES[function.__name__]
    code = function.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    described = dict(re.findall(r"^(\w+) (:.*\n(?:    .*\n)+)", _PARAMETERS, re.MULTILINE))
    parameters = "".join([f"{name} {described[special.get(name, name)]}" for name in names])
    if code.co_flags & inspect.CO_VARKEYWORDS:
        parameters += "**kwargs\n    Passed to `gaussian_filter`.\n"
    function.__doc__ = _PAGE.format(
        summary=summary, text=text, parameters=parameters, name=function.__name__, notes=notes, example=example
    )
    function.__module__ = "cconv.ndimage"
    return function
