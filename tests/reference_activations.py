"""Naive twins of `cconv.activations`, as those in ``reference.py``, in the widest floating type that there is."""

import numpy as np


def wide(x):
    return np.asarray(x).astype(np.longdouble)


def along(function, axis, *arrays):
    """function of the 1-D rows along `axis`."""
    moved = [np.moveaxis(wide(array), axis, -1) for array in arrays]
    out = np.empty(moved[0].shape, np.longdouble)
    for place in np.ndindex(out.shape[:-1]):
        out[place] = function(*(array[place] for array in moved))
    return np.moveaxis(out, -1, axis)


def per_channel(weight, x, axis):
    weight = wide(weight)
    if weight.size == 1:
        return weight.reshape(())
    return np.moveaxis(np.broadcast_to(weight, np.moveaxis(x, axis, -1).shape), -1, axis)


def identity(x):
    return wide(x)


def identity_grad(g, x):
    return wide(g)


def relu(x):
    x = wide(x)
    return np.where(x < 0, 0, x)


def relu_grad(g, x):
    return leaky_relu_grad(g, x, negative_slope=0.0)


def leaky_relu(x, *, negative_slope=0.01):
    x = wide(x)
    return np.where(x < 0, negative_slope * x, x)


def leaky_relu_grad(g, x, *, negative_slope=0.01):
    g, x = wide(g), wide(x)
    return np.where(x > 0, g, np.where(x <= 0, g * negative_slope if np.any(negative_slope) else 0, np.nan))


def prelu(x, *, weight, axis=1):
    return leaky_relu(x, negative_slope=per_channel(weight, np.asarray(x), axis))


def prelu_grad(g, x, *, weight, axis=1):
    g, x = wide(g), wide(x)
    return np.where(x > 0, g, np.where(x <= 0, g * per_channel(weight, x, axis), np.nan))


def prelu_weight_grad(g, x, *, weight, axis=1):
    terms = wide(g) * np.minimum(wide(x), 0)
    if np.size(weight) == 1:
        return terms.sum().reshape(np.shape(weight))
    return np.moveaxis(terms, axis, 0).reshape(np.size(weight), -1).sum(1)


def rrelu(x, *, lower=1 / 8, upper=1 / 3):
    return leaky_relu(x, negative_slope=(lower + upper) / 2)


def rrelu_grad(g, x, *, lower=1 / 8, upper=1 / 3):
    return leaky_relu_grad(g, x, negative_slope=(lower + upper) / 2)


def elu(x, *, alpha=1.0):
    x = wide(x)
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def elu_grad(g, x, *, alpha=1.0):
    g, x = wide(g), wide(x)
    return np.where(x > 0, g, g * (alpha * np.exp(np.minimum(x, 0))))


def sigmoid(x):
    x = wide(x)
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def sigmoid_grad(g, x):
    e = np.exp(-np.abs(wide(x)))
    return wide(g) * e / (1 + e) ** 2


def tanh(x):
    return np.tanh(wide(x))


def tanh_grad(g, x):
    e = np.exp(-2 * np.abs(wide(x)))
    return wide(g) * 4 * e / (1 + e) ** 2


def softmax_row(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def log_softmax_row(x):
    """The peak's own exp is 1, whatever the sum of the others: log1p of that."""
    first = np.argmax(x)
    if not np.isfinite(x[first]):
        return np.full(x.shape, np.nan)
    others = np.delete(np.exp(x - x[first]), first)
    return x - x[first] - np.log1p(others.sum())


def softmax(x, *, axis=-1):
    return along(softmax_row, axis, x)


def log_softmax(x, *, axis=-1):
    return along(log_softmax_row, axis, x)


def softmax_grad(g, x, *, axis=-1):
    return along(lambda g, x: softmax_row(x) * (g - (g * softmax_row(x)).sum()), axis, g, x)


def log_softmax_grad(g, x, *, axis=-1):
    return along(lambda g, x: g - softmax_row(x) * g.sum(), axis, g, x)


def maxout(x, *, pool_size, axis=1):
    channels = np.moveaxis(np.asarray(x), axis, 0)
    groups = channels.reshape(-1, pool_size, *channels.shape[1:])
    return np.moveaxis(groups.max(1), 0, axis)


def maxout_grad(g, x, *, pool_size, axis=1):
    channels, g = np.moveaxis(wide(x), axis, 0), np.moveaxis(wide(g), axis, 0)
    out = np.zeros_like(channels)
    for place in np.ndindex(g.shape):
        group = channels[place[0] * pool_size : (place[0] + 1) * pool_size, *place[1:]]
        out[place[0] * pool_size + np.argmax(group), *place[1:]] = g[place]
    return np.moveaxis(out, 0, axis)
