"""Reference pages, shared by the ranks of a function so that they cannot come to differ.

A page is written for `str.format`: {n} is the rank; {first}, {last} and {kernel} list axes; {ints} and
{pairs} say what an argument per axis may be.
"""

CONV = """{n}-D cross-correlation of multi-channel arrays: what CNNs call convolution.

    The kernel is not flipped. With ``o`` the output channel, ``c`` the input channels of its group, ``i`` a
    place and ``j`` a tap on the spatial axes::

        total = sum over c, j of weight[o, c, j] * padded_input[n, c, i * stride + j * dilation]
        output[n, o, i] = activation(total + bias[o])

    Parameters
    ----------
    input : array_like, (N, {first}) or ({first})
        Bool, integer, float16 to float64 or complex, of any layout. With data_format="channels_last"
        (N, {last}) or ({last}).
    weight : array_like, (out_channels, in_channels / groups, {kernel})
        In this order for either data format. A complex weight is not conjugated.
    bias : array_like, (out_channels,), optional
        Cast to the result's type, with casting="saturate" to that of the sum. A bias that does not fit there
        is refused.
    stride, dilation : {ints}, at least 1
        Step between places, and between the taps of a kernel.
    padding : {ints}, {pairs}, or str
        Samples added before and after each spatial axis. Negative amounts crop; the other side then pads what
        is left. "valid": none. "same": so many that the output has ``ceil(input / stride)`` samples, an odd
        one at the end; "same_lower": an odd one at the start. "full": ``dilation * (kernel - 1)`` on both
        sides. "causal": so many before the first spatial axis and none after it, "same" on the others.
    padding_mode : str, or one per spatial axis
        What stands in the padding, of any width: "constant" ``kkk|abcd|kkk``, "edge" ``aaa|abcd|ddd``,
        "reflect" ``dcb|abcd|cba``, "symmetric" ``cba|abcd|dcb``, "wrap" ``bcd|abcd|abc``. These are the names
        of `numpy.pad`; "zeros", "replicate" and "circular" are taken for "constant" 0, "edge" and "wrap".
    cval : number
        The value of constant padding. It has to be a value of the result's type.
    groups : int
        Splits the channels into so many separate convolutions. It divides the channels of input and output.
    flip_kernel : bool
        Flip the kernel along its spatial axes: true convolution.
    activation : {{None, "relu", "leaky_relu", "relu6"}}
        Applied to the result: ``max(x, 0)``, ``x if x > 0 else 0.01 * x``, ``min(max(x, 0), 6)``. Not for
        complex results; "leaky_relu" not for integers.
    data_format : {{"channels_first", "channels_last"}}
        Where the channels of input and output are.
    method : {{"auto", "direct", "winograd", "fft"}}
        "direct": sums of products and nothing else. "winograd": Winograd's F(4x4, 3x3), or F(4, 3) along
        the last axis, for kernels of 3x3 or 1x3 over the last two axes, stride 1 and floating point, two to three times
        as fast with many channels; an error of at most 40 eps of the largest ``sum |x| |w|`` within ``4 * dilation``
        pixels, where a direct sum is relative to its own. "auto": Winograd where it pays (32 channels in and out, and
        enough outputs for them), along an outer axis as well (3x1, 3x1x1), else direct. Never for integers; an image
        with results that are not finite is summed directly. "fft": by overlapping transforms of blocks, for kernels of
        hundreds of taps, within ``8 * eps * max|x| * sum|w|`` with the largest sample of the block and the weights of
        all input channels; a stride only leaves results out. It refuses integer sums and samples that are not finite,
        and "auto" never chooses it.
    out_dtype : dtype, optional
        A wider type for the result, to which the default type casts safely. Products and sums are computed in
        it.
    casting : {{None, "saturate"}}
        "saturate": `out_dtype` may also be any integer type, narrower ones too. The sum of products is then
        computed in the default type if that is floating (float32 for float16), or in 32 or 64 bits if it is
        an integer; bias and activation are applied to it, and the result is rounded half to even and clipped
        to the range of `out_dtype`. NaN becomes 0. No sum is rounded or wrapped before that unless it leaves
        the range of int64 (of uint64 where nothing is signed), which 8- and 16-bit arrays cannot reach.
    out : ndarray, optional
        Where to write the result: exactly its shape and type, any layout and byte order. It may overlap the
        inputs.
    num_threads : int, optional
        Upper limit for this call; by default `get_num_threads()`. The result has the same bits for any
        number.

    Returns
    -------
    ndarray
        `out`, or a new array of type ``numpy.result_type(input, weight)``, with the axes of `input` and
        out_channels channels. Integers wrap around as NumPy's do; float16 is accumulated in float32. No input
        channels give zeros plus bias. Each spatial extent is (see `conv_output_shape`)::

            (input + before + after - dilation * (kernel - 1) - 1) // stride + 1

    Raises
    ------
    ValueError, TypeError
        Naming the argument, what it is and what it may be, before any work is done.

    See Also
    --------
    convolve, correlate : one array, one kernel.
    conv_output_shape, receptive_field : arithmetic of shapes.

    Examples
    --------
    >>> import numpy as np, cconv
{example}
    """

CONV_EXAMPLES = {
    1: """\
    >>> signal = np.array([[[1.0, 2.0, 4.0, 7.0, 11.0]]])
    >>> difference = np.array([[[-1.0, 1.0]]])
    >>> cconv.conv1d(signal, difference)
    array([[[1., 2., 3., 4.]]])
    >>> cconv.conv1d(signal, difference, np.array([10.0]), stride=2, padding="causal")
    array([[[11., 12., 14.]]])""",
    2: """\
    >>> images = np.random.default_rng(0).random((8, 3, 32, 32), np.float32)
    >>> weight = np.ones((16, 3, 3, 3), np.float32)
    >>> cconv.conv2d(images, weight, np.zeros(16), stride=2, padding=1, activation="relu").shape
    (8, 16, 16, 16)
    >>> cconv.conv2d(np.arange(9.0).reshape(1, 3, 3), np.ones((1, 1, 2, 2)))
    array([[[ 8., 12.],
            [20., 24.]]])""",
    3: """\
    >>> volumes = np.ones((2, 1, 8, 16, 16), np.float32)
    >>> weight = np.ones((4, 1, 3, 3, 3), np.float32)
    >>> cconv.conv3d(volumes, weight, padding="same", padding_mode="reflect").shape
    (2, 4, 8, 16, 16)
    >>> cconv.conv3d(volumes, weight, stride=(1, 2, 2)).max()
    np.float32(27.0)""",
}

PLAN = """Plan `conv{n}d` for one weight and many inputs: ``plan(input, out=None)`` does what is left to do.

    What a plan returns has the bits of ``conv{n}d(input, weight, bias, ...)``. It takes copies of weight and bias,
    and validates and converts once what `conv{n}d` looks up or converts in every call.

    Parameters
    ----------
    weight, bias : array_like
        As of `conv{n}d`. Later changes of the arrays do not show.
    stride, padding, padding_mode, cval, dilation, groups, flip_kernel, activation
        As of `conv{n}d`.
    data_format, method, out_dtype, casting
        As of `conv{n}d`.
    input_shape : tuple of int, optional
        Shape of the inputs to come, with or without the batch axis. The plan is then made for it at once, and
        what does not fit is refused here. Without it, and for inputs of another shape or type, that is done when
        such an input first comes.
    dtype : dtype, optional
        Type of these inputs; by default that of `weight`.
    num_threads : int, optional
        Upper limit for every call of the plan; by default what `get_num_threads()` is in the call.

    Returns
    -------
    Conv
        Called with an input, and optionally an `out` as of `conv{n}d`. Threads may share it; it pickles.

    Raises
    ------
    ValueError, TypeError
        Naming the argument, what it is and what it may be.

    See Also
    --------
    conv{n}d : the same in one call.

    Examples
    --------
    >>> import numpy as np, cconv
{example}
    """

PLAN_EXAMPLES = {
    1: """\
    >>> difference = cconv.plan_conv1d(np.array([[[-1.0, 1.0]]]), padding="causal")
    >>> difference([[1.0, 2.0, 4.0, 7.0]])
    array([[1., 1., 2., 3.]])
    >>> difference
    <cconv.Conv: conv1d, weight=float64[1, 1, 2], padding='causal'>""",
    2: """\
    >>> weight = np.ones((16, 3, 3, 3), np.float32)
    >>> layer = cconv.plan_conv2d(weight, np.zeros(16), padding=1, activation="relu", input_shape=(8, 3, 32, 32))
    >>> images = np.random.default_rng(0).random((8, 3, 32, 32), np.float32)
    >>> maps = np.empty((8, 16, 32, 32), np.float32)
    >>> layer(images, out=maps) is maps
    True
    >>> np.array_equal(maps, cconv.conv2d(images, weight, np.zeros(16), padding=1, activation="relu"))
    True""",
    3: """\
    >>> box = cconv.plan_conv3d(np.full((1, 1, 3, 3, 3), 1 / 27, np.float32), padding="same", padding_mode="edge")
    >>> box(np.ones((1, 8, 16, 16), np.float32)).shape
    (1, 8, 16, 16)""",
}

_WINDOW = """
    Parameters
    ----------
    input : array_like, (N, {first}) or ({first})
        {types}, of any layout. With data_format="channels_last"
        (N, {last}) or ({last}).
    kernel_size : {ints}, at least 1
        Extent of the window.
    stride : {ints}, optional
        Step between windows; by default `kernel_size`.
    padding : {ints}, {pairs}, or str
        Positions added before and after each spatial axis, none negative. "valid": none. "same": so many that
        the output has ``ceil(input / stride)`` samples, an odd one at the end; "same_lower": an odd one at
        the start. {padding}
    dilation : {ints}, at least 1
        Step between the samples of a window.
    ceil_mode : bool
        Keep a last window that hangs over the end, unless it starts past the input and the padding before it.
"""

MASK = """\
    mask : array_like of bool, optional
        True marks a missing sample, which is left out as NaN is by "omit"; broadcast to the shape of `input`. The
        result of integers is then float64, so that it can say NaN.
"""

_CHOICES = """\
    data_format : {{"channels_first", "channels_last"}}
        Where the channels of input and output are.
"""

_LIMIT = """\
        Where to write the result: exactly its shape and type, any layout and byte order. It may overlap the
        input.
    num_threads : int, optional
        Upper limit for this call; by default `get_num_threads()`. The result has the same bits for any
        number.
"""

_ENDING = """\
        Each spatial extent is, rounded up with `ceil_mode`::

            (input + before + after - dilation * (kernel_size - 1) - 1) // stride + 1

    Raises
    ------
    ValueError, TypeError
        Naming the argument, what it is and what it may be, before any work is done.

    Examples
    --------
    >>> import numpy as np, cconv
{example}
    """

MAX_POOL = (
    "{n}-D max pooling: the largest sample of every window, channel by channel.\n"
    + _WINDOW.replace("{types}", "Bool, integer or float16 to float64").replace(
        "{padding}", "It is lower than every sample, and every window has to hold a sample."
    )
    + """\
    return_indices : bool
        Also return where each maximum stands: int64, flat over the unpadded spatial axes of its channel. Of
        equal samples the first counts. Windows are then walked in order, at a cost that grows with all of
        their samples; without, it hardly grows with their size.
    nan : {{"propagate", "omit", "raise"}}
        "propagate": NaN is larger than all, and the first counts. "omit": the largest of the others; NaN
        where there are none. "raise": `ValueError` if `input` holds one.
"""
    + MASK
    + _CHOICES
    + "    out : ndarray, or tuple (values, indices) with return_indices, optional\n"
    + _LIMIT
    + """
    Returns
    -------
    ndarray, or tuple (values, indices) with return_indices
        `out`, or new arrays; the values have the type of `input`.
"""
    + _ENDING
)

_AVG_POOL = (
    "{n}-D average pooling: the mean of every window, channel by channel.\n"
    + _WINDOW.replace("{types}", "Bool, integer, float16 to float64 or complex").replace(
        "{padding}", "Without count_include_pad every window has to hold a sample."
    )
    + """\
    count_include_pad : bool
        Count padding as samples of 0. What lies beyond the padding (ceil_mode) never counts.
    divisor_override : int, at least 1, optional
        Divide the sum of every window by this number instead.
    nan : {{"propagate", "omit", "raise"}}
        "omit": NaN is neither added nor counted; a window of nothing else is NaN. "raise": `ValueError` if
        `input` holds one.
"""
    + MASK
    + _CHOICES
    + """\
    out_dtype : dtype, optional
        A floating type (complex for complex input) to which the type of `input` casts safely.
    out : ndarray, optional
"""
    + _LIMIT
    + """
    Returns
    -------
    ndarray
        `out`, or a new array: of the type of `input` if that is floating or complex, otherwise float64.
        Sums are never differences of longer sums: however large the image, a mean is within
        ``eps * sum(kernel_size)`` times the mean of ``|input|`` in its window, and NaN and infinity stay in theirs.
"""
    + _ENDING
)

POOL = {"max": MAX_POOL, "avg": _AVG_POOL}

POOL_EXAMPLES = {
    ("max", 1): """\
    >>> cconv.max_pool1d(np.array([[1, 5, 2, 4, 3]]), 3, stride=2, return_indices=True)
    (array([[5, 4]]), array([[1, 3]]))""",
    ("max", 2): """\
    >>> image = np.arange(16).reshape(1, 4, 4)
    >>> cconv.max_pool2d(image, 2)
    array([[[ 5,  7],
            [13, 15]]])
    >>> cconv.max_pool2d(-image, 3, stride=2, padding=1)
    array([[[ 0, -1],
            [-4, -5]]])""",
    ("max", 3): """\
    >>> cconv.max_pool3d(np.ones((2, 16, 8, 32, 32), np.float32), (1, 2, 2)).shape
    (2, 16, 8, 16, 16)""",
    ("avg", 1): """\
    >>> cconv.avg_pool1d(np.array([[1, 5, 3, 4, 2]]), 3, stride=2)
    array([[3., 3.]])""",
    ("avg", 2): """\
    >>> image = np.arange(16).reshape(1, 4, 4)
    >>> cconv.avg_pool2d(image, 2)
    array([[[ 2.5,  4.5],
            [10.5, 12.5]]])
    >>> cconv.avg_pool2d(image, 3, stride=2, padding="same", count_include_pad=False)
    array([[[ 5. ,  6.5],
            [11. , 12.5]]])""",
    ("avg", 3): """\
    >>> cconv.avg_pool3d(np.ones((2, 16, 8, 32, 32), np.float32), (1, 2, 2)).shape
    (2, 16, 8, 16, 16)""",
}


# what pages in other modules share

WRITTEN = """\
        Where to write the result: exactly its shape and type, any layout and byte order. It may overlap the
        inputs.
"""

OUT = "    out : ndarray, optional\n" + WRITTEN

LIMIT = """\
    num_threads : int, optional
        Upper limit for this call; by default `get_num_threads()`. The result has the same bits for any number.
"""

RAISES = """
    Raises
    ------
    ValueError, TypeError
        Naming the argument, what it is and what it may be, before any work is done.
"""

EXAMPLE = """
    Examples
    --------
    >>> import numpy as np, cconv
{example}
    """


def repeated(rank):
    """Extents that examples of any rank are made of: {ones} is "1, 1" for rank 2."""
    digits = {"ones": "1", "twos": "2", "threes": "3", "fours": "4", "sixes": "6", "sevens": "7"}
    return {name: ", ".join([digit] * rank) for name, digit in digits.items()}


def named(function, base, suffix, rank, module):
    """The function of one rank under its own name."""
    function.__name__ = function.__qualname__ = f"{base}{rank}d{suffix}"
    function.__module__ = module
    return function


def filled(page, rank, example):
    """The page of one rank."""
    spatial = "DHW"[3 - rank :]
    axes = ", ".join(spatial)
    return page.format(
        n=rank,
        first=f"C, {axes}",
        last=f"{axes}, C",
        kernel=", ".join(f"K{axis}" for axis in spatial),
        ints={1: "int or (int,)", 2: "int or two ints", 3: "int or three ints"}[rank],
        pairs="((before, after),)" if rank == 1 else f"{rank} (before, after) pairs",
        example=example,
    )
