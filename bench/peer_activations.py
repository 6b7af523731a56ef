"""Activations and their gradients: cconv's, torch's and NumPy's, and the definitions that their answers are checked by.

A gradient of torch's is given what its forward pass has kept, which for most is the result; cconv's takes the input.
Softmax runs along the last axis, or along the channels where the name ends in "channels".
"""

from functools import partial

import numpy as np

from runner import Runner

SLOPE, ALPHA = 0.01, 1.0


def parts(case):
    """(function's name, is it a gradient, its axis or None)."""
    name, _, where = case.op.partition(" ")
    rows = "softmax" in name
    return name.removesuffix("_grad"), name.endswith("_grad"), (1 if where else -1) if rows else None


def cconv_call(case, x, g):
    from cconv import activations

    name, grad, axis = parts(case)
    options = {} if axis in (None, -1) else {"axis": axis}
    return getattr(activations, name + ("_grad" if grad else "")), (g, x) if grad else (x,), options


def torch(case, x, g):
    import torch

    name, grad, axis = parts(case)
    x, aten = torch.from_numpy(x), torch.ops.aten
    options = () if axis is None else (axis,)
    forward = {"relu": torch.relu, "leaky_relu": torch.nn.functional.leaky_relu, "elu": torch.nn.functional.elu}
    forward = partial(forward.get(name) or getattr(torch, name), x, *options)
    if not grad:
        return Runner("torch", forward, lambda y: y.numpy())
    g, y = torch.from_numpy(g), forward()
    call = {
        "relu": lambda: aten.threshold_backward(g, x, 0),
        "leaky_relu": lambda: aten.leaky_relu_backward(g, x, SLOPE, False),
        "elu": lambda: aten.elu_backward(g, ALPHA, 1.0, 1.0, False, x),
        "sigmoid": lambda: aten.sigmoid_backward(g, y), "tanh": lambda: aten.tanh_backward(g, y),
        "softmax": lambda: aten._softmax_backward_data(g, y, axis, x.dtype),
        "log_softmax": lambda: aten._log_softmax_backward_data(g, y, axis, x.dtype),
    }[name]
    return Runner("torch", call, lambda y: y.numpy())


def by_definition(case, x, g):
    """What NumPy needs for it, as one would write it."""
    name, grad, axis = parts(case)
    if name == "relu":
        return g * (x > 0) if grad else np.maximum(x, 0)
    if name == "leaky_relu":
        return np.where(x > 0, g, g * SLOPE) if grad else np.where(x > 0, x, x * SLOPE)
    if name == "elu":
        below = np.minimum(x, 0)
        return np.where(x > 0, g, g * np.exp(below)) if grad else np.where(x > 0, x, np.expm1(below))
    if name == "sigmoid":
        y = 1 / (1 + np.exp(-x))
        return g * y * (1 - y) if grad else y
    if name == "tanh":
        y = np.tanh(x)
        return g * (1 - y * y) if grad else y
    shifted = x - x.max(axis, keepdims=True)
    e = np.exp(shifted)
    y = e / e.sum(axis, keepdims=True)
    if name == "softmax":
        return y * (g - (g * y).sum(axis, keepdims=True)) if grad else y
    return g - y * g.sum(axis, keepdims=True) if grad else shifted - np.log(e.sum(axis, keepdims=True))


def numpy(case, x, g):
    return Runner("numpy", lambda: by_definition(case, x, g), np.asarray)
