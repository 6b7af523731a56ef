"""The docstrings of the activations: what each says of itself, and what is the same for all."""

_PAGE = """{summary}

{body}
    Parameters
    ----------
{parameters}    out : ndarray, optional
        Where to write the result: exactly its shape and type, any layout and byte order. It may overlap the inputs.
    num_threads : int, optional
        Upper limit for this call; by default `cconv.get_num_threads()`. The result has the same bits for any number.

    Returns
    -------
    ndarray
        `out`, or a new array of {result}.

    Raises
    ------
    ValueError, TypeError
        Naming the argument, what it is and what it may be, before any work is done.
{references}
    Examples
    --------
    >>> import numpy as np
    >>> from cconv import activations
{example}
    """

_X = """\
    x : array_like
        {types}, of any shape and layout.
"""
_GRAD = """\
    grad_output : array_like
        Gradient with respect to the result, of its shape.
"""
_REAL = "Bool, integer or float16 to float64"
_KEPT = "the shape and type of `x`"
_FLOATING = "the shape and type of `x`; float64 for integers and bool"
_GRAD_RESULT = "the shape of `x`, of the wider floating type of the arguments; integers count as float64"

_PARAMETERS = {
    "negative_slope": """\
    negative_slope : float
        Slope below zero.
""",
    "alpha": """\
    alpha : float
        Minus the limit far below zero.
""",
    "weight": """\
    weight : float or array_like, (C,)
        Slope below zero, one for all or one per channel.
    axis : int
        The channels' axis.
""",
    "rrelu": """\
    lower, upper : float
        Range of the slope below zero.
    training : bool
        Draw a slope for every element, uniformly, in the order of `x`; otherwise all are the mean of `lower` and
        `upper`.
    rng : int or numpy.random.Generator
        Needed with `training`. The same seed gives the same slopes, which is how the gradient comes to those of the
        result.
""",
    "axis": """\
    axis : int
        The axis along which the results add up to 1.
""",
    "pool_size": """\
    pool_size : int
        Channels that compete; it divides their number.
    axis : int
        The channels' axis.
""",
}

_GLOROT = 'X. Glorot, A. Bordes, Y. Bengio, "Deep sparse rectifier neural networks", AISTATS 2011.'
_MAAS = 'A. L. Maas, A. Y. Hannun, A. Y. Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.'
_HE = 'K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015.'
_XU = 'B. Xu, N. Wang, T. Chen, M. Li, "Empirical evaluation of rectified activations in convolutional network", 2015.'
_CLEVERT = 'D.-A. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network learning by exponential linear\n    units", ICLR 2016.'  # noqa: E501
_GOODFELLOW = 'I. J. Goodfellow, D. Warde-Farley, M. Mirza, A. Courville, Y. Bengio, "Maxout networks", ICML 2013.'
_BRIDLE = 'J. S. Bridle, "Probabilistic interpretation of feedforward classification network outputs", 1990.'
_LECUN = 'Y. LeCun, L. Bottou, G. B. Orr, K.-R. Mueller, "Efficient backprop", 1998.'

# name: (summary, body, further parameters, types of x, type of the result, source, example)
_ENTRIES = {
    "identity": (
        "The array itself, copied.", "    ``f(x) = x``", "", _REAL + ", complex too", _KEPT, "", """\
    >>> activations.identity([1.5, -2.0])
    array([ 1.5, -2. ])""",
    ),
    "identity_grad": (
        "Gradient of `identity`: `grad_output` itself, copied.", "    ``f'(x) = 1``", "", _REAL,
        "the shape and type of `grad_output`", "", """\
    >>> activations.identity_grad([1.0, 2.0], [0.5, -0.5])
    array([1., 2.])""",
    ),
    "relu": (
        "Rectified linear unit.", "    ``f(x) = max(x, 0)``", "", _REAL, _KEPT, _GLOROT, """\
    >>> activations.relu([-1.0, 0.5])
    array([0. , 0.5])
    >>> activations.relu(np.int8([-3, 4]))
    array([0, 4], dtype=int8)""",
    ),
    "relu_grad": (
        "Gradient of `relu`.", "    ``f'(x) = 1 if x > 0 else 0``; at 0 it is 0.", "", _REAL, _GRAD_RESULT, _GLOROT,
        """\
    >>> activations.relu_grad([10.0, 10.0], [-1.0, 0.5])
    array([ 0., 10.])""",
    ),
    "leaky_relu": (
        "Rectified linear unit with a slope below zero.", "    ``f(x) = x if x >= 0 else negative_slope * x``",
        "negative_slope", _REAL, _FLOATING, _MAAS, """\
    >>> activations.leaky_relu([-2.0, 3.0], negative_slope=0.25)
    array([-0.5,  3. ])""",
    ),
    "leaky_relu_grad": (
        "Gradient of `leaky_relu`.", "    ``f'(x) = 1 if x > 0 else negative_slope``", "negative_slope", _REAL,
        _GRAD_RESULT, _MAAS, """\
    >>> activations.leaky_relu_grad([1.0, 1.0], [-2.0, 3.0], negative_slope=0.25)
    array([0.25, 1.  ])""",
    ),
    "prelu": (
        "Rectified linear unit with a slope per channel, which is learned.",
        "    ``f(x) = x if x >= 0 else weight[c] * x``", "weight", _REAL,
        "the shape of `x`, of the wider floating type of `x` and `weight`; integers count as float64", _HE, """\
    >>> activations.prelu([[-2.0, -2.0, 3.0]], weight=[0.5, 0.25, 0.0])
    array([[-1. , -0.5,  3. ]])""",
    ),
    "prelu_grad": (
        "Gradient of `prelu` with respect to `x`.", "    ``f'(x) = 1 if x > 0 else weight[c]``", "weight", _REAL,
        _GRAD_RESULT, _HE, """\
    >>> activations.prelu_grad([[1.0, 1.0]], [[-2.0, 3.0]], weight=[0.5, 0.25])
    array([[0.5, 1. ]])""",
    ),
    "prelu_weight_grad": (
        "Gradient of `prelu` with respect to `weight`.",
        "    The sum over all elements of a channel of ``grad_output * min(x, 0)``, within ``16 eps`` of the sum of\n"
        "    their magnitudes.",
        "weight", _REAL, "the shape of `weight`, of the wider floating type of the arguments", _HE, """\
    >>> activations.prelu_weight_grad([[1.0, 1.0], [1.0, 2.0]], [[-2.0, 3.0], [-1.0, -4.0]], weight=[0.5, 0.25])
    array([-3., -8.])""",
    ),
    "rrelu": (
        "Rectified linear unit with random slopes below zero.",
        "    ``f(x) = x if x >= 0 else slope * x``", "rrelu", _REAL, _FLOATING, _XU, """\
    >>> activations.rrelu([-1.0, 2.0], lower=0.25, upper=0.75)
    array([-0.5,  2. ])
    >>> y = activations.rrelu(np.full(1000, -1.0), training=True, rng=0)
    >>> bool(-y.max() >= 1 / 8 and -y.min() <= 1 / 3)
    True""",
    ),
    "rrelu_grad": (
        "Gradient of `rrelu`, given the same `rng`.", "    ``f'(x) = 1 if x > 0 else slope``", "rrelu", _REAL,
        _GRAD_RESULT, _XU, """\
    >>> activations.rrelu_grad([1.0, 1.0], [-1.0, 2.0], lower=0.25, upper=0.75)
    array([0.5, 1. ])""",
    ),
    "elu": (
        "Exponential linear unit.", "    ``f(x) = x if x > 0 else alpha * (exp(x) - 1)``", "alpha", _REAL, _FLOATING,
        _CLEVERT, """\
    >>> activations.elu([-1e4, 0.0, 2.0], alpha=0.5)
    array([-0.5,  0. ,  2. ])""",
    ),
    "elu_grad": (
        "Gradient of `elu`.", "    ``f'(x) = 1 if x > 0 else alpha * exp(x)``", "alpha", _REAL, _GRAD_RESULT,
        _CLEVERT,
        """\
    >>> activations.elu_grad([1.0, 1.0, 1.0], [-1e4, 0.0, 2.0], alpha=0.5)
    array([0. , 0.5, 1. ])""",
    ),
    "sigmoid": (
        "Logistic function.",
        "    ``f(x) = 1 / (1 + exp(-x))``; large arguments of either sign overflow nowhere.", "", _REAL,
        _FLOATING, _LECUN, """\
    >>> activations.sigmoid([-1e4, 0.0, 1e4])
    array([0. , 0.5, 1. ])""",
    ),
    "sigmoid_grad": (
        "Gradient of `sigmoid`.",
        "    ``f'(x) = e / (1 + e)**2`` with ``e = exp(-|x|)``: right also where the function has long rounded to 1.",
        "", _REAL, _GRAD_RESULT, _LECUN, """\
    >>> activations.sigmoid_grad([1.0, 1.0], [0.0, 1e4])
    array([0.25, 0.  ])""",
    ),
    "tanh": (
        "Hyperbolic tangent.", "    ``f(x) = -t / (2 + t)`` with ``t = exp(-2 |x|) - 1``, and the sign of `x`.", "",
        _REAL, _FLOATING, _LECUN, """\
    >>> activations.tanh([-1e4, 0.0, 1e4])
    array([-1.,  0.,  1.])""",
    ),
    "tanh_grad": (
        "Gradient of `tanh`.",
        "    ``f'(x) = 1 - tanh(x)**2 = 4 e / (1 + e)**2`` with ``e = exp(-2 |x|)``.", "", _REAL, _GRAD_RESULT, _LECUN,
        """\
    >>> activations.tanh_grad([3.0, 3.0], [0.0, 1e4])
    array([3., 0.])""",
    ),
    "softmax": (
        "Exponentials along an axis, divided by their sum.",
        "    ``f(x)[i] = exp(x[i] - m) / sum(exp(x - m))`` with ``m = max(x)``. A row that holds NaN or +inf, or\n"
        "    nothing but -inf, is NaN.",
        "axis", _REAL, _FLOATING, _BRIDLE, """\
    >>> activations.softmax([0.0, np.log(3.0), -1e4])
    array([0.25, 0.75, 0.  ])""",
    ),
    "softmax_grad": (
        "Gradient of `softmax`.",
        "    ``y * (g - sum(g * y))`` with ``g = grad_output``, ``y = softmax(x)``, within\n"
        "    ``8 eps y (|g| + sum(|g| y))``.",
        "axis", _REAL, _GRAD_RESULT, _BRIDLE, """\
    >>> activations.softmax_grad([1.0, 0.0], [0.0, 0.0])
    array([ 0.25, -0.25])""",
    ),
    "log_softmax": (
        "Logarithm of `softmax`.",
        "    ``f(x)[i] = x[i] - m - log(sum(exp(x - m)))`` with ``m = max(x)``; right also where `softmax` rounds\n"
        "    to 0 or 1.",
        "axis", _REAL, _FLOATING, _BRIDLE, """\
    >>> activations.log_softmax([0.0, 1e4])
    array([-10000.,      0.])""",
    ),
    "log_softmax_grad": (
        "Gradient of `log_softmax`.",
        "    ``grad_output - softmax(x) * sum(grad_output)``, within ``8 eps (|g| + y sum(|g|))``.", "axis", _REAL,
        _GRAD_RESULT, _BRIDLE, """\
    >>> activations.log_softmax_grad([1.0, 0.0], [0.0, 0.0])
    array([ 0.5, -0.5])""",
    ),
    "maxout": (
        "The greatest of every few neighbouring channels.",
        "    ``f(x)[j] = max(x[j * pool_size : (j + 1) * pool_size])``",
        "pool_size", _REAL, "the type of `x`, with as many times fewer channels", _GOODFELLOW, """\
    >>> activations.maxout([[1, 5, 3, 2]], pool_size=2)
    array([[5, 3]])""",
    ),
    "maxout_grad": (
        "Gradient of `maxout`: `grad_output` where the first of the greatest channels stands, elsewhere 0.",
        "    NaN counts as the greatest, as in `cconv.max_pool2d`.", "pool_size", _REAL, _GRAD_RESULT, _GOODFELLOW, """\
    >>> activations.maxout_grad([[10.0, 20.0]], [[1, 5, 3, 3]], pool_size=2)
    array([[ 0., 10., 20.,  0.]])""",
    ),
}  # fmt: skip


def documented(function):
    """`function` with its page."""
    summary, body, further, types, result, source, example = _ENTRIES[function.__name__]
    parameters = (_GRAD if function.__name__.endswith("_grad") else "") + _X.format(types=types)
    references = f"\n    References\n    ----------\n    {source}\n" if source else ""
    function.__doc__ = _PAGE.format(
        summary=summary, body=body + "\n", parameters=parameters + _PARAMETERS.get(further, ""), result=result,
        references=references, example=example,
    )  # fmt: skip
    return function
