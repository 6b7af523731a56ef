"""Reference pages of gradients and of transposed convolution; `_docs` says how they are written."""

from ._docs import LIMIT, OUT, filled, named, repeated

_LAYER = """\
    stride, padding, padding_mode, cval, dilation, groups, flip_kernel, data_format
        As they were given to `conv{n}d`.
"""

_TRANSPOSED = """\
    stride, padding, output_padding, output_size, dilation, groups, flip_kernel, data_format
        As they were given to `conv_transpose{n}d`.
"""

_RAISES = """
    Raises
    ------
    ValueError, TypeError
        Naming the argument, what it is and what it may be, before any work is done. A grad_output of another
        shape than the layer returns is refused with both shapes; gradients of integers are.
"""

_NEEDS = """\
    needs : tuple of {{"input", "weight", "bias"}}
        The gradients that are wanted. The others are not computed.
"""

_BACKWARD_RETURNS = """
    Returns
    -------
    named tuple (input, weight, bias)
        Each gradient, or None. Types are ``numpy.result_type`` of the two arrays that a gradient is summed from;
        the gradient of a real array in a complex layer is the real part. `bias` is the sum of grad_output over
        all axes but the channels'.
"""

_INPUT_GRAD = (
    """Gradient of `conv{n}d` with respect to its input.

    With ``o`` the output channels of the group of ``c``, ``i`` a place and ``j`` a tap::

        grad[n, c, p] = sum over o, i, j of grad_output[n, o, i] * conj(weight[o, c, j])
                        wherever sample p of the input stands at i * stride + j * dilation of the padded one

    So what a reflected, repeated or wrapped border received goes to the samples that it was made of.

    Parameters
    ----------
    grad_output : array_like, (N, out_channels, ...) or (out_channels, ...)
        Gradient of what `conv{n}d` returned, in its shape: floating or complex, of any layout.
    weight : array_like, (out_channels, in_channels / groups, {kernel})
        As it was given to `conv{n}d`.
    input_shape : tuple of int
        Shape of the input of `conv{n}d`, all its axes.
"""
    + _LAYER
    + """\
    method : {{"auto", "direct", "winograd"}}
        As of `conv{n}d`, with its error bounds: Winograd where the layer itself has kernels of 3 and stride 1. In two
        dimensions "auto" takes Winograd for kernels of 4 to 6 and stride 2 as well, with an error of at most 64 eps of
        the largest ``sum |grad_output| |weight|`` within 8 samples.
"""
    + OUT
    + LIMIT
    + """
    Returns
    -------
    ndarray, shape input_shape
        `out`, or a new array of type ``numpy.result_type(grad_output, weight)``. Each sample is a sum of products
        in single or double precision: with method="direct" its error is at most
        ``(terms + 3) * eps * sum |grad_output| |weight|``.
"""
    + _RAISES
    + """
    See Also
    --------
    conv{n}d_weight_grad, conv{n}d_backward : the other gradients, and all of them.
    conv_transpose{n}d : the same sum as a layer of its own.

    References
    ----------
    V. Dumoulin, F. Visin, A guide to convolution arithmetic for deep learning, arXiv:1603.07285, 2016.

    Examples
    --------
    >>> import numpy as np, cconv
{example}
    """
)

_WEIGHT_GRAD = (
    """Gradient of `conv{n}d` with respect to its weight.

    With ``i`` a place and ``j`` a tap on the spatial axes::

        grad[o, c, j] = sum over n, i of grad_output[n, o, i] * conj(padded_input[n, c, i * stride + j * dilation])

    Parameters
    ----------
    input : array_like, (N, {first}) or ({first})
        As it was given to `conv{n}d`. With data_format="channels_last" (N, {last}) or ({last}).
    grad_output : array_like, (N, out_channels, ...) or (out_channels, ...)
        Gradient of what `conv{n}d` returned, in its shape: floating or complex, of any layout.
    weight_shape : tuple of int
        Shape of the weight of `conv{n}d`: (out_channels, in_channels / groups, {kernel}).
"""
    + _LAYER
    + """\
    method : {{"auto", "direct", "winograd"}}
        "direct": sums of products and nothing else. "winograd": F(3x3, 4x4) for 3x3 kernels of stride 1 and dilation 1
        (others that `conv{n}d` takes are summed directly), up to three times as fast with many channels; an error of
        at most 40 eps of the largest ``sum |input| |grad_output|`` of all weights. "auto": Winograd from 32 channels in
        and out on, else direct. What is not finite is summed directly.
"""
    + OUT
    + LIMIT
    + """
    Returns
    -------
    ndarray, shape weight_shape
        `out`, or a new array of type ``numpy.result_type(input, grad_output)``. A direct sum is made of sums over
        blocks of at most 768 pixels, added up in an order that follows from the shapes: its error is at most
        ``(800 + blocks) * eps * sum |input| |grad_output|``, with ``blocks <= N * places / 16`` and usually far
        fewer.
"""
    + _RAISES
    + """
    See Also
    --------
    conv{n}d_input_grad, conv{n}d_backward : the other gradients, and all of them.

    Examples
    --------
    >>> import numpy as np, cconv
{example}
    """
)

_BACKWARD = (
    """All gradients of `conv{n}d`: of its input, its weight and its bias.

    They are those of `conv{n}d_input_grad` and `conv{n}d_weight_grad`, and the sum of grad_output over batch and
    places.

    Parameters
    ----------
    grad_output : array_like, (N, out_channels, ...) or (out_channels, ...)
        Gradient of what `conv{n}d` returned, in its shape: floating or complex, of any layout.
    input, weight : array_like
        As they were given to `conv{n}d`.
"""
    + _LAYER
    + """\
    method : {{"auto", "direct", "winograd"}}
        As of `conv{n}d_input_grad` and `conv{n}d_weight_grad`.
"""
    + _NEEDS
    + LIMIT
    + _BACKWARD_RETURNS
    + _RAISES
    + """
    See Also
    --------
    conv{n}d_input_grad, conv{n}d_weight_grad : one gradient, with ``out=``.

    Examples
    --------
    >>> import numpy as np, cconv
{example}
    """
)

_TRANSPOSE = (
    """{n}-D transposed convolution: the layer whose weight is the transpose of `conv{n}d`'s.

    Every sample of the input adds a copy of the kernel to the output, ``stride`` places further on. With ``c`` the
    input channels of the group of ``o``, ``i`` a place of the input and ``j`` a tap::

        output[n, o, p] = bias[o] + sum of input[n, c, i] * weight[c, o, j]
                          over all c, i, j with i * stride + j * dilation == p + before

    It is `conv{n}d_input_grad` with its roles swapped (and no conjugate), computed as one convolution per residue of
    ``p`` modulo the stride: zeros are neither stuffed in nor multiplied.

    Parameters
    ----------
    input : array_like, (N, {first}) or ({first})
        Bool, integer, float16 to float64 or complex, of any layout. With data_format="channels_last" (N, {last}) or
        ({last}). Each spatial axis has at least one sample.
    weight : array_like, (in_channels, out_channels / groups, {kernel})
        In this order for either data format. A complex weight is not conjugated.
    bias : array_like, (out_channels,), optional
        Cast to the result's type. A bias that does not fit there is refused.
    stride, dilation : {ints}, at least 1
        Step between copies of the kernel, and between its taps.
    padding : {ints}, {pairs}, or str
        Samples taken off before and after each spatial axis. Negative amounts add some. "valid": none. "same": so
        many that the output has ``input * stride``.
    output_padding : {ints}
        Samples more at the end, less than stride or dilation.
    output_size : {ints}, optional
        Spatial extents of the output, in place of output_padding.
    groups : int
        Splits the channels into so many separate convolutions. It divides the channels of input and output.
    flip_kernel : bool
        Flip the kernel along its spatial axes.
    data_format : {{"channels_first", "channels_last"}}
        Where the channels of input and output are.
"""
    + OUT
    + LIMIT
    + """
    Returns
    -------
    ndarray
        `out`, or a new array of type ``numpy.result_type(input, weight)``; integers wrap around as NumPy's do. Each
        spatial extent is::

            (input - 1) * stride - before - after + dilation * (kernel - 1) + output_padding + 1

    Raises
    ------
    ValueError, TypeError
        Naming the argument, what it is and what it may be, before any work is done.

    See Also
    --------
    conv{n}d_input_grad : the gradient that this is, with every padding mode.
    conv_transpose{n}d_backward : gradients of this.

    References
    ----------
    V. Dumoulin, F. Visin, A guide to convolution arithmetic for deep learning, arXiv:1603.07285, 2016.

    Examples
    --------
    >>> import numpy as np, cconv
{example}
    """
)

_TRANSPOSE_INPUT_GRAD = (
    """Gradient of `conv_transpose{n}d` with respect to its input: `conv{n}d` of grad_output with conj(weight).

    Parameters
    ----------
    grad_output : array_like, (N, out_channels, ...) or (out_channels, ...)
        Gradient of what `conv_transpose{n}d` returned, in its shape: floating or complex, of any layout.
    weight : array_like, (in_channels, out_channels / groups, {kernel})
        As it was given to `conv_transpose{n}d`.
    input_shape : tuple of int
        Shape of the input of `conv_transpose{n}d`, all its axes.
"""
    + _TRANSPOSED
    + OUT
    + LIMIT
    + """
    Returns
    -------
    ndarray, shape input_shape
        `out`, or a new array of type ``numpy.result_type(grad_output, weight)``.
"""
    + _RAISES
    + """
    See Also
    --------
    conv_transpose{n}d_backward : all gradients.

    Examples
    --------
    >>> import numpy as np, cconv
{example}
    """
)

_TRANSPOSE_WEIGHT_GRAD = (
    """Gradient of `conv_transpose{n}d` with respect to its weight.

    The sum over batch and places of conj(input) and grad_output: `conv{n}d_weight_grad` with the two exchanged.

    Parameters
    ----------
    input : array_like, (N, {first}) or ({first})
        As it was given to `conv_transpose{n}d`. With data_format="channels_last" (N, {last}) or ({last}).
    grad_output : array_like, (N, out_channels, ...) or (out_channels, ...)
        Gradient of what `conv_transpose{n}d` returned, in its shape: floating or complex, of any layout.
    weight_shape : tuple of int
        Shape of the weight of `conv_transpose{n}d`: (in_channels, out_channels / groups, {kernel}).
"""
    + _TRANSPOSED
    + OUT
    + LIMIT
    + """
    Returns
    -------
    ndarray, shape weight_shape
        `out`, or a new array of type ``numpy.result_type(input, grad_output)``.
"""
    + _RAISES
    + """
    See Also
    --------
    conv_transpose{n}d_backward : all gradients.

    Examples
    --------
    >>> import numpy as np, cconv
{example}
    """
)

_TRANSPOSE_BACKWARD = (
    """All gradients of `conv_transpose{n}d`: of its input, its weight and its bias.

    They are those of `conv_transpose{n}d_input_grad` and `conv_transpose{n}d_weight_grad`, and the sum of grad_output
    over batch and places.

    Parameters
    ----------
    grad_output : array_like, (N, out_channels, ...) or (out_channels, ...)
        Gradient of what `conv_transpose{n}d` returned, in its shape: floating or complex, of any layout.
    input, weight : array_like
        As they were given to `conv_transpose{n}d`.
"""
    + _TRANSPOSED
    + _NEEDS
    + LIMIT
    + _BACKWARD_RETURNS
    + _RAISES
    + """
    See Also
    --------
    conv_transpose{n}d_input_grad, conv_transpose{n}d_weight_grad : one gradient, with ``out=``.

    Examples
    --------
    >>> import numpy as np, cconv
{example}
    """
)

PAGES = {
    ("conv", "_input_grad"): _INPUT_GRAD,
    ("conv", "_weight_grad"): _WEIGHT_GRAD,
    ("conv", "_backward"): _BACKWARD,
    ("conv_transpose", ""): _TRANSPOSE,
    ("conv_transpose", "_input_grad"): _TRANSPOSE_INPUT_GRAD,
    ("conv_transpose", "_weight_grad"): _TRANSPOSE_WEIGHT_GRAD,
    ("conv_transpose", "_backward"): _TRANSPOSE_BACKWARD,
}

# {n} is the rank; {twos} is 2 as often, {places} how many samples two such images have
EXAMPLES = {
    ("conv", "_input_grad"): """\
    >>> weight = np.ones((1, 1, {twos}))
    >>> cconv.conv{n}d_input_grad(np.ones((1, {ones})), weight, (1, {threes}), padding=0, stride=2).sum()
    np.float64({taps}.0)""",
    ("conv", "_weight_grad"): """\
    >>> input = np.ones((2, 3, {threes}), np.float32)
    >>> grad_output = np.ones((2, 4, {twos}), np.float32)
    >>> cconv.conv{n}d_weight_grad(input, grad_output, (4, 3, {twos})).max()  # batch times places
    np.float32({places}.0)""",
    ("conv", "_backward"): """\
    >>> input, weight = np.ones((2, 3, {threes})), np.ones((4, 3, {twos}))
    >>> output = cconv.conv{n}d(input, weight)
    >>> grads = cconv.conv{n}d_backward(np.ones_like(output), input, weight, needs=("weight", "bias"))
    >>> grads.input is None, grads.weight.shape == weight.shape, grads.bias
    (True, True, array([{places}., {places}., {places}., {places}.]))""",
    ("conv_transpose", ""): """\
    >>> upsampled = cconv.conv_transpose{n}d(np.ones((8, 16, {threes})), np.ones((16, 4, {twos})), stride=2)
    >>> upsampled.shape == (8, 4, {sixes}), upsampled.max()
    (True, np.float64(16.0))""",
    ("conv_transpose", "_input_grad"): """\
    >>> weight = np.ones((1, 2, {twos}))
    >>> cconv.conv_transpose{n}d_input_grad(np.ones((2, {sixes})), weight, (1, {threes}), stride=2).max()
    np.float64({both}.0)""",
    ("conv_transpose", "_weight_grad"): """\
    >>> input, grad_output = np.ones((3, {ones})), np.ones((4, {twos}))
    >>> cconv.conv_transpose{n}d_weight_grad(input, grad_output, (3, 4, {twos})).max()
    np.float64(1.0)""",
    ("conv_transpose", "_backward"): """\
    >>> input, weight = np.ones((2, 3, {ones})), np.ones((3, 4, {twos}))
    >>> grads = cconv.conv_transpose{n}d_backward(np.ones((2, 4, {twos})), input, weight, needs=("bias",))
    >>> grads.input is None, grads.weight is None, grads.bias
    (True, True, array([{places}., {places}., {places}., {places}.]))""",
}


def finish(function, base, suffix, rank, module):
    """Name and describe one rank's function."""
    places = 2 * 2**rank
    example = EXAMPLES[base, suffix].format(n=rank, taps=2**rank, places=places, both=places, **repeated(rank))
    function.__doc__ = filled(PAGES[base, suffix], rank, example)
    return named(function, base, suffix, rank, module)
