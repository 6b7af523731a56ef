"""Reference pages of depthwise and separable convolution; `_docs` says how they are written."""

from ._docs import EXAMPLE, LIMIT, OUT, RAISES, filled, named, repeated

_INPUT = """\
    input : array_like, (N, {first}) or ({first})
        Of the types that `conv{n}d` takes, of any layout. With data_format="channels_last" (N, {last}) or ({last}).
"""

_DEPTHWISE_OPTIONS = """\
    stride, padding, padding_mode, cval, dilation, flip_kernel, data_format
        As of `conv{n}d`.
"""

_GIVEN = """\
    stride, padding, padding_mode, cval, dilation, flip_kernel, data_format
        As they were given to `{base}{n}d`.
"""

_METHOD = """\
    method : str
        As of `conv{n}d`.
"""

_GRAD_OUTPUT = """\
    grad_output : array_like, (N, out_channels, ...) or (out_channels, ...)
        Gradient of what `{base}{n}d` returned, in its shape: floating or complex, of any layout.
"""

_RAISES_NAMES = """
    Raises
    ------
    ValueError, TypeError
        Naming the argument, what it is and what it may be.
"""

_DEPTHWISE_WEIGHT = """\
    {weight} : array_like, (C * multiplier, 1, {kernel})
        The kernels of the first channel, then those of the second, and so on. In this order for either data format.
"""

_POINTWISE_WEIGHT = """\
    pointwise_weight : array_like, (out_channels, C * multiplier, {ones})
        What the second layer takes of each channel of the first.
"""

_DEPTHWISE = (
    """{n}-D depthwise convolution: each channel is cross-correlated with kernels of its own.

    Channel ``c`` of the input gives ``multiplier`` channels of the output, number ``c * multiplier`` and those after.
    This is `conv{n}d` with as many groups as the input has channels::

        output[n, o, i] = bias[o] + sum over j of weight[o, 0, j] * padded_input[n, o // multiplier, i * stride + j]

    Parameters
    ----------
"""
    + _INPUT
    + _DEPTHWISE_WEIGHT
    + """\
    bias : array_like, (C * multiplier,), optional
        Cast to the result's type.
"""
    + _DEPTHWISE_OPTIONS
    + """\
    activation, method, out_dtype, casting
        As of `conv{n}d`.
"""
    + OUT
    + LIMIT
    + """
    Returns
    -------
    ndarray
        `out`, or a new array: what `conv{n}d` returns with ``groups=C``.
"""
    + RAISES
    + """
    See Also
    --------
    separable_conv{n}d : with a second layer that mixes the channels.
    depthwise_conv{n}d_backward : gradients.

    References
    ----------
    F. Chollet, Xception: deep learning with depthwise separable convolutions, arXiv:1610.02357, 2016.
"""
    + EXAMPLE
)

_DEPTHWISE_INPUT_GRAD = (
    """Gradient of `depthwise_conv{n}d` with respect to its input: `conv{n}d_input_grad` with ``groups=C``.

    Parameters
    ----------
"""
    + _GRAD_OUTPUT
    + _DEPTHWISE_WEIGHT
    + """\
    input_shape : tuple of int
        Shape of the input of `depthwise_conv{n}d`, all its axes.
"""
    + _GIVEN
    + _METHOD
    + OUT
    + LIMIT
    + """
    Returns
    -------
    ndarray, shape input_shape
        `out`, or a new array of type ``numpy.result_type(grad_output, weight)``.
"""
    + RAISES
    + EXAMPLE
)

_DEPTHWISE_WEIGHT_GRAD = (
    """Gradient of `depthwise_conv{n}d` with respect to its weight: `conv{n}d_weight_grad` with ``groups=C``.

    Parameters
    ----------
"""
    + _INPUT
    + _GRAD_OUTPUT
    + """\
    weight_shape : tuple of int
        Shape of the weight of `depthwise_conv{n}d`: (C * multiplier, 1, {kernel}).
"""
    + _GIVEN
    + _METHOD
    + OUT
    + LIMIT
    + """
    Returns
    -------
    ndarray, shape weight_shape
        `out`, or a new array of type ``numpy.result_type(input, grad_output)``.
"""
    + RAISES
    + EXAMPLE
)

_DEPTHWISE_BACKWARD = (
    """All gradients of `depthwise_conv{n}d`: of its input, its weight and its bias.

    Parameters
    ----------
"""
    + _GRAD_OUTPUT
    + """\
    input, weight : array_like
        As they were given to `depthwise_conv{n}d`.
"""
    + _GIVEN
    + _METHOD
    + """\
    needs : tuple of {{"input", "weight", "bias"}}
        The gradients that are wanted. The others are not computed.
"""
    + LIMIT
    + """
    Returns
    -------
    named tuple (input, weight, bias)
        Each gradient, or None; types as of `conv{n}d_backward`.
"""
    + RAISES
    + EXAMPLE
)

_SEPARABLE = (
    """{n}-D separable convolution: `depthwise_conv{n}d`, then a layer of 1x1 kernels that mixes the channels.

    Without bias or activation in between, as in Keras; both come at the end::

        between = depthwise_conv{n}d(input, depthwise_weight, ...)
        output[n, o, i] = activation(bias[o] + sum over c of pointwise_weight[o, c] * between[n, c, i])

    Parameters
    ----------
"""
    + _INPUT
    + _DEPTHWISE_WEIGHT
    + _POINTWISE_WEIGHT
    + """\
    bias : array_like, (out_channels,), optional
        Cast to the result's type.
    stride, padding, padding_mode, cval, dilation, flip_kernel
        Of the depthwise layer, as of `conv{n}d`.
    activation, data_format
        As of `conv{n}d`.
"""
    + OUT
    + LIMIT
    + """
    Returns
    -------
    ndarray
        `out`, or a new array of type ``numpy.result_type(input, depthwise_weight, pointwise_weight)``. What is
        between the layers has the type of ``numpy.result_type(input, depthwise_weight)``; it takes memory of the
        output's extents.
"""
    + _RAISES_NAMES
    + """
    See Also
    --------
    depthwise_conv{n}d : the first layer alone.
    separable_conv{n}d_backward : gradients.

    References
    ----------
    F. Chollet, Xception: deep learning with depthwise separable convolutions, arXiv:1610.02357, 2016.
"""
    + EXAMPLE
)

_SEPARABLE_INPUT_GRAD = (
    """Gradient of `separable_conv{n}d` with respect to its input.

    Parameters
    ----------
"""
    + _GRAD_OUTPUT
    + _DEPTHWISE_WEIGHT
    + _POINTWISE_WEIGHT
    + """\
    input_shape : tuple of int
        Shape of the input of `separable_conv{n}d`, all its axes.
"""
    + _GIVEN
    + OUT
    + LIMIT
    + """
    Returns
    -------
    ndarray, shape input_shape
        `out`, or a new array of the common type of the three arrays.
"""
    + _RAISES_NAMES
    + EXAMPLE
)

_SEPARABLE_WEIGHT_GRAD = (
    """Gradients of `separable_conv{n}d` with respect to both of its weights.

    The gradient of either depends on the other, so both weights are arguments.

    Parameters
    ----------
"""
    + _INPUT
    + _GRAD_OUTPUT
    + _DEPTHWISE_WEIGHT
    + _POINTWISE_WEIGHT
    + _GIVEN
    + LIMIT
    + """
    Returns
    -------
    named tuple (depthwise_weight, pointwise_weight)
        The gradients, in the shapes of the weights. That of a real weight is real.
"""
    + _RAISES_NAMES
    + EXAMPLE
)

_SEPARABLE_BACKWARD = (
    """All gradients of `separable_conv{n}d`: of its input, its two weights and its bias.

    Parameters
    ----------
"""
    + _GRAD_OUTPUT
    + """\
    input, depthwise_weight, pointwise_weight : array_like
        As they were given to `separable_conv{n}d`.
"""
    + _GIVEN
    + """\
    needs : tuple of {{"input", "depthwise_weight", "pointwise_weight", "bias"}}
        The gradients that are wanted. The others are not computed.
"""
    + LIMIT
    + """
    Returns
    -------
    named tuple (input, depthwise_weight, pointwise_weight, bias)
        Each gradient, or None.
"""
    + _RAISES_NAMES
    + EXAMPLE
)

PAGES = {
    ("depthwise_conv", ""): _DEPTHWISE,
    ("depthwise_conv", "_input_grad"): _DEPTHWISE_INPUT_GRAD,
    ("depthwise_conv", "_weight_grad"): _DEPTHWISE_WEIGHT_GRAD,
    ("depthwise_conv", "_backward"): _DEPTHWISE_BACKWARD,
    ("separable_conv", ""): _SEPARABLE,
    ("separable_conv", "_input_grad"): _SEPARABLE_INPUT_GRAD,
    ("separable_conv", "_weight_grad"): _SEPARABLE_WEIGHT_GRAD,
    ("separable_conv", "_backward"): _SEPARABLE_BACKWARD,
}

# {n} is the rank; {ones}, {twos}, {threes} are extents; {taps} is how many taps a kernel of 2 has
EXAMPLES = {
    ("depthwise_conv", ""): """\
    >>> images = np.ones((8, 3, {threes}))
    >>> cconv.depthwise_conv{n}d(images, np.ones((6, 1, {twos}))).shape == (8, 6, {twos})
    True""",
    ("depthwise_conv", "_input_grad"): """\
    >>> weight = np.ones((3, 1, {twos}))
    >>> cconv.depthwise_conv{n}d_input_grad(np.ones((3, {twos})), weight, (3, {threes})).max()
    np.float64({taps}.0)""",
    ("depthwise_conv", "_weight_grad"): """\
    >>> input, grad_output = np.ones((3, {threes})), np.ones((6, {twos}))
    >>> cconv.depthwise_conv{n}d_weight_grad(input, grad_output, (6, 1, {twos})).max()
    np.float64({taps}.0)""",
    ("depthwise_conv", "_backward"): """\
    >>> input, weight = np.ones((3, {threes})), np.ones((3, 1, {twos}))
    >>> grads = cconv.depthwise_conv{n}d_backward(np.ones((3, {twos})), input, weight, needs=("bias",))
    >>> grads.input is None, grads.bias
    (True, array([{taps}., {taps}., {taps}.]))""",
    ("separable_conv", ""): """\
    >>> images = np.ones((8, 3, {threes}))
    >>> cconv.separable_conv{n}d(images, np.ones((3, 1, {twos})), np.ones((16, 3, {ones}))).shape == (8, 16, {twos})
    True""",
    ("separable_conv", "_input_grad"): """\
    >>> depthwise, pointwise = np.ones((3, 1, {twos})), np.ones((5, 3, {ones}))
    >>> cconv.separable_conv{n}d_input_grad(np.ones((5, {twos})), depthwise, pointwise, (3, {threes})).shape[0]
    3""",
    ("separable_conv", "_weight_grad"): """\
    >>> input, depthwise, pointwise = np.ones((3, {threes})), np.ones((3, 1, {twos})), np.ones((5, 3, {ones}))
    >>> grads = cconv.separable_conv{n}d_weight_grad(input, np.ones((5, {twos})), depthwise, pointwise)
    >>> grads.depthwise_weight.shape == depthwise.shape, grads.pointwise_weight.shape == pointwise.shape
    (True, True)""",
    ("separable_conv", "_backward"): """\
    >>> input, depthwise, pointwise = np.ones((3, {threes})), np.ones((3, 1, {twos})), np.ones((2, 3, {ones}))
    >>> cconv.separable_conv{n}d_backward(np.ones((2, {twos})), input, depthwise, pointwise).bias
    array([{taps}., {taps}.])""",
}


def finish(function, base, suffix, rank, module):
    """Name and describe one rank's function."""
    extents = repeated(rank)
    example = EXAMPLES[base, suffix].format(n=rank, taps=2**rank, **extents)
    page = PAGES[base, suffix]
    weight = "depthwise_weight" if base == "separable_conv" else "weight"
    for name, text in (("base", base), ("weight", weight), ("ones", extents["ones"])):
        page = page.replace(f"{{{name}}}", text)
    function.__doc__ = filled(page, rank, example)
    return named(function, base, suffix, rank, module)
