"""Reference pages of pools beside maxima and means, of their gradients and of unpooling; `_docs` says how they are
written."""

from ._docs import EXAMPLE, LIMIT, MASK, MAX_POOL, OUT, RAISES, WRITTEN, filled, named, repeated

_INPUT = """
    Parameters
    ----------
    input : array_like, (N, {first}) or ({first})
        {types}, of any layout. With data_format="channels_last"
        (N, {last}) or ({last}).
"""

_LAYOUT = """\
    data_format : {{"channels_first", "channels_last"}}
        Where the channels of all arrays are.
"""

_PAIR = "    out : ndarray, or tuple (values, indices) with return_indices, optional\n"

_MIN_POOL = (
    MAX_POOL.replace("max pooling: the largest sample", "min pooling: the smallest sample")
    .replace("It is lower than every sample", "It is higher than every sample")
    .replace("where each maximum stands", "where each minimum stands")
    .replace("NaN is larger than all, and the first counts", "a NaN in a window wins, and the first counts")
    .replace("the largest of the others", "the smallest of the others")
)

_LP_POOL = (
    """{n}-D power pooling: the p-norm of every window, channel by channel.

    Each output is ``(sum of |x|**p) ** (1 / p)`` over the samples of its window, for odd `p` too, where torch adds
    signed powers.
"""
    + _INPUT.replace("{types}", "Bool, integer or float16 to float64")
    + """\
    norm_type : float, above 0
        The p: 1 is the sum of magnitudes, 2 the Euclidean norm.
    kernel_size : {ints}, at least 1
        Extent of the window.
    stride : {ints}, optional
        Step between windows; by default `kernel_size`.
    ceil_mode : bool
        Keep a last window that hangs over the end; what it lacks adds nothing.
    nan : {{"propagate", "omit", "raise"}}
        "omit": NaN adds nothing; a window of nothing else is NaN. "raise": `ValueError` if `input` holds one.
"""
    + MASK
    + _LAYOUT
    + OUT
    + LIMIT
    + """
    Returns
    -------
    ndarray
        `out`, or a new array: of the type of `input` if that is floating, otherwise float64. Powers are taken in
        single or double precision and have to lie in its range; apart from that the error is at most
        ``(sum(kernel_size) + 8) * eps`` times the result.
"""
    + RAISES
    + EXAMPLE
)

_WINDOWS = """
    Along an axis of ``n`` samples window ``i`` of ``o`` begins at ``floor(i * n / o)`` and ends before
    ``ceil((i + 1) * n / o)``. Windows may overlap, and there may be more of them than samples.
"""

_SIZE = """\
    output_size : int, None, or one of these per axis
        How many windows. None: as many as `input` has samples along the axis.
"""

_ADAPTIVE_AVG = (
    "{n}-D adaptive average pooling: the means of as many windows as are asked for.\n"
    + _WINDOWS
    + _INPUT.replace("{types}", "Bool, integer, float16 to float64 or complex")
    + _SIZE
    + """\
    nan : {{"propagate", "omit", "raise"}}
        "omit": NaN is neither added nor counted; a window of nothing else is NaN. "raise": `ValueError` if
        `input` holds one.
"""
    + MASK
    + _LAYOUT
    + OUT
    + LIMIT
    + """
    Returns
    -------
    ndarray
        `out`, or a new array: of the type of `input` if that is floating or complex, otherwise float64.
"""
    + RAISES
    + """
    See Also
    --------
    global_avg_pool : one window.
    adaptive_avg_pool{n}d_input_grad : the gradient.
"""
    + EXAMPLE
)

_ADAPTIVE_MAX = (
    "{n}-D adaptive max pooling: the largest samples of as many windows as are asked for.\n"
    + _WINDOWS
    + _INPUT.replace("{types}", "Bool, integer or float16 to float64")
    + _SIZE
    + """\
    return_indices : bool
        Also return where each maximum stands: int64, flat over the spatial axes of its channel. Of equal samples
        the first in row-major order counts.
    nan : {{"propagate", "omit", "raise"}}
        "propagate": NaN is larger than all, and the first counts. "omit": the largest of the others; NaN
        where there are none. "raise": `ValueError` if `input` holds one.
"""
    + MASK
    + _LAYOUT
    + _PAIR
    + WRITTEN
    + LIMIT
    + """
    Returns
    -------
    ndarray, or tuple (values, indices) with return_indices
        `out`, or new arrays; the values have the type of `input`.
"""
    + RAISES
    + """
    See Also
    --------
    global_max_pool : one window.
    max_pool{n}d_input_grad : the gradient, from the indices.
"""
    + EXAMPLE
)

_GRAD = """
    Parameters
    ----------
    grad_output : array_like, (N, {first}) or ({first})
        Gradient of what {of} returned, in its shape: {types}, of any
        layout. With data_format="channels_last" (N, {last}) or ({last}).
"""

_SHAPE = """\
    input_shape : tuple of int
        Shape of the input, all its axes.
"""

_INDICES = """\
    indices : array_like of int
        As `max_pool{n}d` returned them, in the shape of {samples}: flat over the plane of a channel.
"""

_RETURNS_GRAD = """
    Returns
    -------
    ndarray, shape input_shape
        `out`, or a new array of the type of `grad_output`{more}
"""

_GRAD_RAISES = RAISES + """\
        Gradients of integers are refused, and so is a grad_output of another shape than the pool returns.
"""

_MAX_GRAD = (
    """Gradient of `max_pool{n}d`, `min_pool{n}d` or `adaptive_max_pool{n}d` with respect to the input.

    Each gradient goes to the sample that its index names; where windows share a maximum they are added, in row-major
    order.
"""
    + _GRAD.replace("{of}", "the pool").replace("{types}", "floating or complex")
    + _INDICES.replace("{samples}", "`grad_output`")
    + _SHAPE
    + _LAYOUT
    + OUT
    + LIMIT
    + _RETURNS_GRAD.replace("{more}", ".")
    + _GRAD_RAISES
    + "        An index that is not in its plane is a `ValueError`; `out` is then as it was.\n"
    + EXAMPLE
)

_AVG_GRAD = (
    """Gradient of `avg_pool{n}d` with respect to its input.

    Each sample receives, from every window that holds it, the gradient over what the window's sum was divided by.
"""
    + _GRAD.replace("{of}", "`avg_pool{n}d`").replace("{types}", "floating or complex")
    + _SHAPE
    + """\
    kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, divisor_override, data_format
        As they were given to `avg_pool{n}d`.
"""
    + OUT
    + LIMIT
    + _RETURNS_GRAD.replace("{more}", """.
        With ``k`` windows of an axis about a sample, at most, the error is at most ``(sum of k + 4) * eps``
        times the sum of ``|grad_output|`` over what it is divided by.""")
    + _GRAD_RAISES
    + EXAMPLE
)

_LP_GRAD = (
    """Gradient of `lp_pool{n}d` with respect to its input.

    A window of norm ``y`` gives its sample ``x`` the gradient times ``sign(x) * |x|**(p - 1) * y**(1 - p)``; nothing
    where ``x`` is 0. Powers have to lie in the range of the type.
"""
    + _GRAD.replace("{of}", "`lp_pool{n}d`").replace("{types}", "floating")
    + """\
    input : array_like
        As it was given to `lp_pool{n}d`, floating. The norms of its windows are computed again.
    norm_type, kernel_size, stride, ceil_mode, data_format
        As they were given to `lp_pool{n}d`.
"""
    + OUT
    + LIMIT
    + """
    Returns
    -------
    ndarray, shape of input
        `out`, or a new array of type ``numpy.result_type(grad_output, input)``.
"""
    + _GRAD_RAISES
    + EXAMPLE
)

_ADAPTIVE_AVG_GRAD = (
    """Gradient of `adaptive_avg_pool{n}d` with respect to its input; of `global_avg_pool` with one window.
"""
    + _GRAD.replace("{of}", "the pool").replace("{types}", "floating or complex")
    + _SHAPE
    + _LAYOUT
    + OUT
    + LIMIT
    + _RETURNS_GRAD.replace("{more}", ".")
    + _GRAD_RAISES
    + EXAMPLE
)

_UNPOOL = (
    """{n}-D max unpooling: samples back to where the maxima stood, zeros between them.

    Of a repeated index the last sample in row-major order stays.
"""
    + _INPUT.replace("{types}", "Any type")
    + _INDICES.replace("{samples}", "`input`")
    + """\
    kernel_size, stride, padding
        As they were given to `max_pool{n}d`.
    output_size : sequence of int, optional
        Spatial extents of the result, or its whole shape; by default
        ``(input - 1) * stride + kernel_size - before - after``. Several extents are pooled to the same one: less than a
        stride more or less is taken. Indices are flat over this plane.
"""
    + _LAYOUT
    + OUT
    + LIMIT
    + """
    Returns
    -------
    ndarray
        `out`, or a new array of the type of `input`.
"""
    + RAISES
    + "        An index that is not in its plane is a `ValueError`; `out` is then as it was.\n"
    + EXAMPLE
)

_UNPOOL_GRAD = (
    """Gradient of `max_unpool{n}d` with respect to its input: the samples that the indices name.

    Of a repeated index the last sample has the gradient, and the others, which were overwritten, have zero.
"""
    + _GRAD.replace("{of}", "`max_unpool{n}d`").replace("{types}", "floating or complex")
    + _INDICES.replace("{samples}", "the input")
    + _LAYOUT
    + OUT
    + LIMIT
    + """
    Returns
    -------
    ndarray, shape of indices
        `out`, or a new array of the type of `grad_output`.
"""
    + _GRAD_RAISES
    + "        An index that is not in its plane is a `ValueError`; `out` is then as it was.\n"
    + EXAMPLE
)

_GLOBAL = """Global {name} pooling: {one} of each channel, its axes kept with length 1.

    Parameters
    ----------
    input : array_like, (N, C, ...), or without the batch axis if `rank` is given
        {types}, of any layout. With data_format="channels_last" the channels are the last axis.
    rank : int, 1 to 3, optional
        How many axes are spatial; by default all but batch and channels.
{indices}\
    nan, mask, data_format, out, num_threads
        As of `adaptive_{kind}_pool2d`.

    Returns
    -------
    {returns}
        As from `adaptive_{kind}_pool2d` with output_size=1.

    Raises
    ------
    ValueError, TypeError
        Naming the argument, what it is and what it may be, before any work is done.

    See Also
    --------
    {gradient}

    Examples
    --------
    >>> import numpy as np, cconv
    >>> cconv.global_{kind}_pool(np.arange(8.0).reshape(1, 2, 4))
    array([[[{values}]]])
    """

GLOBAL_AVG = _GLOBAL.format(
    name="average", one="the mean", types="Bool, integer, float16 to float64 or complex", indices="", kind="avg",
    returns="ndarray", values="1.5],\n            [5.5",
    gradient="adaptive_avg_pool1d_input_grad, adaptive_avg_pool2d_input_grad, adaptive_avg_pool3d_input_grad : it.",
)  # fmt: skip
GLOBAL_MAX = _GLOBAL.format(
    name="max", one="the largest sample", types="Bool, integer or float16 to float64", kind="max",
    indices="    return_indices : bool\n        Also return where each maximum stands.\n",
    returns="ndarray, or tuple (values, indices) with return_indices", values="3.],\n            [7.",
    gradient="max_pool1d_input_grad, max_pool2d_input_grad, max_pool3d_input_grad : the gradient, from the indices.",
)  # fmt: skip

POOL = {"min": _MIN_POOL, "lp": _LP_POOL}

POOL_EXAMPLES = {
    ("min", 1): """\
    >>> cconv.min_pool1d(np.array([[1, 5, 2, 4, 3]]), 3, stride=2, return_indices=True)
    (array([[1, 2]]), array([[0, 2]]))""",
    ("min", 2): """\
    >>> cconv.min_pool2d(np.arange(16).reshape(1, 4, 4), 2)
    array([[[ 0,  2],
            [ 8, 10]]])""",
    ("min", 3): """\
    >>> cconv.min_pool3d(np.ones((2, 16, 8, 32, 32), np.float32), (1, 2, 2)).shape
    (2, 16, 8, 16, 16)""",
    ("lp", 1): """\
    >>> cconv.lp_pool1d(np.array([[3.0, -4.0, 0.0, 2.0]]), 2, 2)
    array([[5., 2.]])""",
    ("lp", 2): """\
    >>> cconv.lp_pool2d(-np.ones((1, 4, 4)), 2, 2)
    array([[[2., 2.],
            [2., 2.]]])""",
    ("lp", 3): """\
    >>> cconv.lp_pool3d(np.ones((2, 16, 8, 32, 32), np.float32), 1, (1, 2, 2)).max()
    np.float32(4.0)""",
}

PAGES = {
    ("adaptive_avg_pool", ""): _ADAPTIVE_AVG,
    ("adaptive_max_pool", ""): _ADAPTIVE_MAX,
    ("max_pool", "_input_grad"): _MAX_GRAD,
    ("avg_pool", "_input_grad"): _AVG_GRAD,
    ("lp_pool", "_input_grad"): _LP_GRAD,
    ("adaptive_avg_pool", "_input_grad"): _ADAPTIVE_AVG_GRAD,
    ("max_unpool", ""): _UNPOOL,
    ("max_unpool", "_input_grad"): _UNPOOL_GRAD,
}

# {ones} to {fours} are extents as often as there are axes
EXAMPLES = {
    ("adaptive_avg_pool", ""): """\
    >>> cconv.adaptive_avg_pool{n}d(np.ones((8, 3, {sevens})), 3).shape == (8, 3, {threes})
    True""",
    ("adaptive_max_pool", ""): """\
    >>> cconv.adaptive_max_pool{n}d(np.ones((8, 3, {sevens})), (None, {threes})[:{n}]).shape[2]
    7""",
    ("max_pool", "_input_grad"): """\
    >>> values, indices = cconv.max_pool{n}d(np.ones((1, {fours})), 2, return_indices=True)
    >>> grad = cconv.max_pool{n}d_input_grad(np.ones_like(values), indices, (1, {fours}))
    >>> grad.ravel()[:4]  # of equal samples the first
    array([1., 0., 1., 0.])""",
    ("avg_pool", "_input_grad"): """\
    >>> cconv.avg_pool{n}d_input_grad(np.ones((1, {twos})), (1, {fours}), 2).max() == 0.5**{n}
    np.True_""",
    ("lp_pool", "_input_grad"): """\
    >>> input = np.ones((1, {fours}))
    >>> cconv.lp_pool{n}d_input_grad(np.ones((1, {twos})), input, 1, 2).max()
    np.float64(1.0)""",
    ("adaptive_avg_pool", "_input_grad"): """\
    >>> cconv.adaptive_avg_pool{n}d_input_grad(np.ones((1, {ones})), (1, {fours})).sum()
    np.float64(1.0)""",
    ("max_unpool", ""): """\
    >>> values, indices = cconv.max_pool{n}d(np.ones((1, {fours})), 2, return_indices=True)
    >>> cconv.max_unpool{n}d(values, indices, 2).shape == (1, {fours})
    True""",
    ("max_unpool", "_input_grad"): """\
    >>> cconv.max_unpool{n}d_input_grad(np.full((1, {fours}), 7.0), np.zeros((1, {ones}), int)).item()
    7.0""",
}


def finish(function, base, suffix, rank, module):
    """Name and describe one rank's function."""
    example = EXAMPLES[base, suffix].format(n=rank, **repeated(rank))
    function.__doc__ = filled(PAGES[base, suffix], rank, example)
    return named(function, base, suffix, rank, module)
