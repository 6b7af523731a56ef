"""Activation layers, on `cconv.activations`."""

import numpy as np

from cconv import activations

from ._layer import Layer, saved, want_channels

NAMES = tuple(name for name in activations.__all__ if f"{name}_grad" in activations.__all__ and name != "prelu")


class Activation(Layer):
    """A function of `cconv.activations` as a layer.

    Parameters
    ----------
    name : str
        "relu", "leaky_relu", "rrelu", "elu", "maxout", "sigmoid", "tanh", "softmax", "log_softmax" or "identity".
        That with a weight to learn is `PReLU`. "rrelu" draws its slopes in training and takes their mean otherwise.
    **options
        The function's parameters, such as ``negative_slope=0.2``.
    """

    def __init__(self, name, **options):
        super().__init__()
        if name not in NAMES:
            raise ValueError(f"name={name!r} must be one of {NAMES}")
        self.name, self.options = name, options

    def make(self, shape, rng, dtype):
        (self.rng,) = rng.spawn(1)

    def forward(self, x, training=False):
        options = self.options
        if training:
            if self.name == "rrelu":
                # the seed draws the same slopes again for the gradient
                options = options | dict(training=True, rng=int(self.rng.integers(1 << 62)))
            self._saved = x, options
        return getattr(activations, self.name)(x, **options)

    def backward(self, grad, needs_input=True):
        x, options = saved(self)
        return getattr(activations, f"{self.name}_grad")(grad, x, **options) if needs_input else None


class PReLU(Layer):
    """``x if x > 0 else weight * x``, with a weight to learn for each channel.

    Parameters
    ----------
    slope : float
        What the weights begin with.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, Delving deep into rectifiers, arXiv:1502.01852, 2015.
    """

    def __init__(self, slope=0.25):
        super().__init__()
        self.slope = slope

    def check(self, shape):
        if self.input_shape is not None:
            want_channels(shape, self.input_shape[0])

    def make(self, shape, rng, dtype):
        self.params["weight"] = np.full(shape[0], self.slope, dtype)

    def forward(self, x, training=False):
        if training:
            self._saved = x
        return activations.prelu(x, weight=self.params["weight"])

    def backward(self, grad, needs_input=True):
        x, weight = saved(self), self.params["weight"]
        self.grads["weight"] = activations.prelu_weight_grad(grad, x, weight=weight)
        return activations.prelu_grad(grad, x, weight=weight) if needs_input else None
