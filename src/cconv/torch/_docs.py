"""Reference pages, shared by the ranks of a function so that they cannot come to differ.

A page is written for `str.format`: {n} is the rank; {axes} and {kernel} list axes; {ones} and {twos} are extents.
"""

_TENSOR = """\
    input : Tensor, (N, C, {axes}) or (C, {axes})
        On the CPU, {types}, of any strides. A batch in torch's channels_last format gives a result in it.
"""

_WINDOWS = """\
    kernel_size, stride, dilation : int or one per axis
        Extent of the window, step between windows (by default `kernel_size`), step between its samples.
    padding : int, one per axis, one (before, after) per axis, "valid", "same" or "same_lower"
        What is padded takes no part{part}. Any width that leaves a sample in every window.
    ceil_mode : bool
        Keep the windows that hang over the end.
"""

_RAISES = """
    Raises
    ------
    ValueError, TypeError
        Naming the argument, what it is and what it may be, before any work is done; under `torch.compile` and
        `torch.export`, while the graph is made.
"""

_CONV = (
    """{n}-D convolution layer: `torch.nn.functional.conv{n}d` by `cconv.conv{n}d`.

    Differentiable any number of times with respect to `input`, `weight` and `bias`.

    Parameters
    ----------
"""
    + _TENSOR.replace("{types}", "bool, integer, float16 to float64 or complex")
    + """\
    weight : Tensor, (out_channels, C / groups, {kernel})
        Of the type of `input`, and so is `bias`. Complex weights are not conjugated.
    bias : Tensor, (out_channels,), optional
    stride, dilation : int or one per axis
    padding : int, one per axis, one (before, after) per axis, or str
        Negative amounts crop. "valid": none. "same": as much as gives ``ceil(input / stride)`` outputs, for any stride,
        an odd sample at the end; "same_lower": at the start. "full": every window that holds a sample. "causal": all of
        it before the first axis, "same" on the others.
    groups : int
    padding_mode : str, or one per axis
        What stands in the padding, of any width: "zeros", "constant" (`cval`), "replicate" or "edge", "reflect",
        "symmetric", "circular" or "wrap".
    cval : number
        The value of "constant" padding.
    flip_kernel : bool
        True convolution instead of cross-correlation.
    method : {{"auto", "direct", "winograd", "fft"}}
        As of `cconv.conv{n}d`. Gradients of "fft" are computed by "auto".

    Returns
    -------
    Tensor
        With out_channels channels, of the type of `input`. Integers wrap around.
"""
    + _RAISES
    + """
    See Also
    --------
    cconv.conv{n}d : the same of arrays; it says how exact each method is.

    Examples
    --------
    >>> import torch, cconv.torch
    >>> x = torch.ones(1, 2, {sevens}, requires_grad=True)
    >>> y = cconv.torch.conv{n}d(x, torch.ones(3, 2, {threes}), stride=2, padding="same", padding_mode="reflect")
    >>> y.shape
    torch.Size([1, 3, {fours}])
    >>> y.sum().backward()
    >>> bool(x.grad.sum() == y.sum())
    True
    """
)

_CONV_TRANSPOSE = (
    """{n}-D transposed convolution: `torch.nn.functional.conv_transpose{n}d` by `cconv.conv_transpose{n}d`.

    Differentiable any number of times with respect to `input`, `weight` and `bias`.

    Parameters
    ----------
"""
    + _TENSOR.replace("{types}", "bool, integer, float16 to float64 or complex")
    + """\
    weight : Tensor, (C, out_channels / groups, {kernel})
        Of the type of `input`, and so is `bias`.
    bias : Tensor, (out_channels,), optional
    stride, dilation : int or one per axis
    padding : int, one per axis, one (before, after) per axis, "valid" or "same"
        What the layer that this transposes would pad, and so is cropped here. "same": the result has
        ``input * stride`` samples.
    output_padding : int or one per axis
        Samples more at the end, less than stride or dilation.
    groups : int
    output_size : int or one per axis, optional
        Extents of the result, instead of `output_padding`.
    flip_kernel : bool
        Transpose a true convolution.

    Returns
    -------
    Tensor
        With out_channels channels, of the type of `input`.
"""
    + _RAISES
    + """
    Examples
    --------
    >>> import torch, cconv.torch
    >>> x, weight = torch.ones(1, 2, {threes}), torch.ones(2, 3, {twos})
    >>> cconv.torch.conv_transpose{n}d(x, weight, stride=2).shape
    torch.Size([1, 3, {sixes}])
    """
)

_EXTREME = (
    """{n}-D pooling: the {extreme} of each window{like}.

    Differentiable any number of times. A gradient goes to the first sample that is the {extreme} of its window.

    Parameters
    ----------
"""
    + _TENSOR.replace("{types}", "bool, integer or floating")
    + _WINDOWS.replace("{part}", "")
    + """\
    return_indices : bool
        Also say where each {extreme} stands, flat over the plane of its channel.

    Returns
    -------
    Tensor, or tuple (values, indices) with return_indices
"""
    + _RAISES
    + """
    Examples
    --------
    >>> import torch, cconv.torch
    >>> x = torch.ones(1, 2, {sevens}, requires_grad=True)
    >>> y = cconv.torch.{kind}_pool{n}d(x, 3, stride=2, padding=((1, 0),) * {n})
    >>> y.shape
    torch.Size([1, 2, {threes}])
    >>> y.sum().backward()
    >>> bool(x.grad.sum() == y.sum())
    True
    """
)

_AVG = (
    """{n}-D pooling: the mean of each window, `torch.nn.functional.avg_pool{n}d` by `cconv.avg_pool{n}d`.

    Differentiable any number of times.

    Parameters
    ----------
"""
    + _TENSOR.replace("{types}", "any type; means of integers are float64")
    + _WINDOWS.replace("{part}", " with count_include_pad=False, and else is zeros").replace(
        "Any width that leaves a sample in every window.", "Any width."
    )
    + """\
    count_include_pad : bool
        Count padding among what the sum is divided by.
    divisor_override : int, optional
        What the sum is divided by instead.

    Returns
    -------
    Tensor
"""
    + _RAISES
    + """
    Examples
    --------
    >>> import torch, cconv.torch
    >>> cconv.torch.avg_pool{n}d(torch.ones(1, 2, {sevens}), 3, stride=2, padding="same").shape
    torch.Size([1, 2, {fours}])
    """
)

_LP = (
    """{n}-D pooling: the norm ``(sum |x|**p)**(1 / p)`` of each window.

    As `torch.nn.functional.lp_pool{n}d`, but of absolute values for every p. Differentiable any number of times, except
    where a sample or the norm of a window is 0: derivatives count as 0 there.

    Parameters
    ----------
"""
    + _TENSOR.replace("{types}", "bool, integer or floating")
    + """\
    norm_type : float
        p, above 0.
    kernel_size, stride : int or one per axis
        Extent of the window, and step between windows, by default `kernel_size`.
    ceil_mode : bool
        Keep the windows that hang over the end.

    Returns
    -------
    Tensor
        Of the type of `input`, float64 for integers.
"""
    + _RAISES
    + """
    Examples
    --------
    >>> import torch, cconv.torch
    >>> cconv.torch.lp_pool{n}d(torch.ones(1, 2, {sixes}), 1, 2).max() == 2**{n}
    tensor(True)
    """
)

_ADAPTIVE_AVG = (
    """{n}-D pooling: means of as many windows as are asked for, as `torch.nn.functional.adaptive_avg_pool{n}d`.

    Differentiable any number of times.

    Parameters
    ----------
"""
    + _TENSOR.replace("{types}", "any type; means of integers are float64")
    + """\
    output_size : int or None, or one per axis
        Number of windows; None: as many as samples.

    Returns
    -------
    Tensor
"""
    + _RAISES
    + """
    Examples
    --------
    >>> import torch, cconv.torch
    >>> cconv.torch.adaptive_avg_pool{n}d(torch.ones(1, 2, {sevens}), 3).shape
    torch.Size([1, 2, {threes}])
    """
)

_ADAPTIVE_MAX = (
    """{n}-D pooling: maxima of as many windows as are asked for, as `torch.nn.functional.adaptive_max_pool{n}d`.

    Differentiable any number of times.

    Parameters
    ----------
"""
    + _TENSOR.replace("{types}", "bool, integer or floating")
    + """\
    output_size : int or None, or one per axis
        Number of windows; None: as many as samples.
    return_indices : bool
        Also say where each maximum stands, flat over the plane of its channel.

    Returns
    -------
    Tensor, or tuple (values, indices) with return_indices
"""
    + _RAISES
    + """
    Examples
    --------
    >>> import torch, cconv.torch
    >>> cconv.torch.adaptive_max_pool{n}d(torch.ones(1, 2, {sevens}), 3).shape
    torch.Size([1, 2, {threes}])
    """
)

CONVOLVE = (
    """True convolution of a tensor with a kernel along one to three axes, by `cconv.convolve`.

    Differentiable any number of times with respect to `input` and `kernel`.

    Parameters
    ----------
    input : Tensor
        On the CPU, of any type that NumPy has too, and of any strides.
    kernel : Tensor
        Of the same type. As many axes as are convolved, in the order of `axes`; or as many as `input`: then those not
        convolved are batch axes, and broadcast with those of `input`.
    mode : {"full", "same", "valid"}
        Extent of the result along a convolved axis of `n` samples and `k` taps: ``n + k - 1``, ``n`` or ``n - k + 1``.
    boundary : str or one per convolved axis
        What stands outside the input in mode "same": "constant" (`cval`), "edge", "reflect", "symmetric", "wrap", or
        torch's "zeros", "replicate", "circular".
    cval : number
        The value of a constant boundary.
    axes : int or sequence of int, optional
        The axes to convolve, 1 to 3; all of them by default.
    origin : int or one per convolved axis
        Moves the result of mode "same" left by so many samples.
    method : {"auto", "direct", "fft"}
        As of `cconv.convolve`; of the gradient of `input` too, if the border is constant. Other gradients are sums of
        products.

    Returns
    -------
    Tensor
        Of the type of `input`.
"""
    + _RAISES
    + """
    See Also
    --------
    cconv.convolve : the same of arrays; its page says more of the arguments.

    Examples
    --------
    >>> import torch, cconv.torch
    >>> x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
    >>> y = cconv.torch.convolve(x, torch.tensor([0.0, 1.0, 0.5]))
    >>> y.tolist()
    [0.0, 1.0, 2.5, 4.0, 1.5]
    >>> y[2].backward()
    >>> x.grad.tolist()
    [0.5, 1.0, 0.0]
    """
)

CORRELATE = (
    """Cross-correlation of a tensor with a kernel along one to three axes, by `cconv.correlate`.

    The kernel is not flipped; a complex one is conjugated. Differentiable any number of times.

    Parameters
    ----------
    input, kernel, mode, boundary, cval, axes, method
        As of `convolve`.
    origin : int or one per convolved axis
        Moves the result of mode "same" right by so many samples.

    Returns
    -------
    Tensor
        Of the type of `input`.
"""
    + _RAISES
    + """
    Examples
    --------
    >>> import torch, cconv.torch
    >>> cconv.torch.correlate(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([-1.0, 1.0]), "valid").tolist()
    [1.0, 2.0]
    """
)

_MODULE = """{n}-D convolution layer as a module: `torch.nn.Conv{n}d` with every border and padding of `conv{n}d`.

    Its parameters have the names and shapes of `torch.nn.Conv{n}d`'s: either loads the other's `state_dict`.

    Parameters
    ----------
    in_channels, out_channels : int
    kernel_size : int or one per axis
    stride, padding, dilation, groups, padding_mode, cval
        As of `conv{n}d`: padding "causal", "full", "same" with a stride, or pairs; a border per axis.
    bias : bool
        Add a bias.
    device, dtype
        Of the parameters.

    Raises
    ------
    ValueError, TypeError
        Naming the argument, what it is and what it may be.

    Examples
    --------
    >>> import torch, cconv.torch
    >>> layer = cconv.torch.Conv{n}d(2, 4, 3, padding="causal", padding_mode="replicate")
    >>> layer(torch.ones(1, 2, {sevens})).shape
    torch.Size([1, 4, {sevens}])
    """

_PAGES = {
    "conv": _CONV,
    "conv_transpose": _CONV_TRANSPOSE,
    "max_pool": _EXTREME.replace("{extreme}", "maximum").replace("{kind}", "max").replace(
        "{like}", ", as `torch.nn.functional.max_pool{n}d`"
    ),
    "min_pool": _EXTREME.replace("{extreme}", "minimum").replace("{kind}", "min").replace(
        "{like}", ", which torch does not have"
    ),
    "avg_pool": _AVG,
    "lp_pool": _LP,
    "adaptive_avg_pool": _ADAPTIVE_AVG,
    "adaptive_max_pool": _ADAPTIVE_MAX,
}  # fmt: skip


def finish(function, base, rank):
    """The function of one rank with its name and page."""
    function.__name__ = function.__qualname__ = f"{base}{rank}d"
    function.__module__ = "cconv.torch"
    function.__doc__ = _filled(_PAGES[base], rank)
    return function


def finish_module(module, rank):
    """Its page for the module of one rank."""
    module.__module__ = "cconv.torch"
    module.__doc__ = _filled(_MODULE, rank)


def _filled(page, rank):
    spatial = "DHW"[3 - rank :]
    digits = {"twos": 2, "threes": 3, "fours": 4, "sixes": 6, "sevens": 7}
    return page.format(
        n=rank, axes=", ".join(spatial), kernel=", ".join(f"K{axis}" for axis in spatial),
        **{name: ", ".join([str(digit)] * rank) for name, digit in digits.items()},
    )  # fmt: skip
