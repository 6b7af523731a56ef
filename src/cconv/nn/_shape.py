"""From maps to vectors: `Flatten` and the fully connected layer.

Design: products of matrices are layers of one tap, too. They are no slower than BLAS (one of 32 x 400 by 400 x 120
takes 27 us, by OpenBLAS 38), and BLAS has threads of its own, which for a while after a product keep the cores that the
next layer needs: with them a training step of LeNet-5 took twice as long.
"""

from math import prod

import numpy as np

import cconv

from ._convolution import activation_grad, check_activation
from ._initialisers import he_normal
from ._layer import WHOLE, Layer, saved


class Flatten(Layer):
    """Maps as vectors, ``(N, channels, *spatial)`` to ``(N, features)``, in row-major order."""

    def forward(self, x, training=False):
        if training:
            self._saved = x.shape
        return x.reshape(len(x), prod(x.shape[1:]))

    def backward(self, grad, needs_input=True):
        return grad.reshape(saved(self))


class Dense(Layer):
    """Fully connected layer, ``output = input @ weight.T + bias``.

    It is the convolution whose kernel covers the whole map: with the map flattened, `weight` reshaped to
    ``(units, channels, *spatial)`` is the weight of that layer.

    Parameters
    ----------
    units : int
        Outputs. The number of inputs follows from what the layer is built for.
    bias : bool
        Whether there is one.
    activation : {None, "relu", "leaky_relu"}
    initialiser : function
        Of the weight, (units, features); the bias begins with zeros.
    """

    def __init__(self, units, *, bias=True, activation=None, initialiser=he_normal):
        super().__init__()
        check_activation(activation)
        self.units, self.bias, self.activation, self.initialiser = units, bias, activation, initialiser

    def check(self, shape):
        if len(shape) != 1:
            raise ValueError("it wants (features,) after the batch axis: put Flatten() before it")
        if self.input_shape is not None and shape != self.input_shape:
            raise ValueError(f"it was built for {self.input_shape[0]} features")

    def make(self, shape, rng, dtype):
        self.params["weight"] = self.initialiser(rng, (self.units, shape[0]), shape[0], self.units, dtype)
        if self.bias:
            self.params["bias"] = np.zeros(self.units, dtype)

    def forward(self, x, training=False):
        weight, bias = self.params["weight"], self.params.get("bias")
        if not len(x):
            return np.zeros((0, self.units), weight.dtype)
        # features are channels, examples are places
        options = dict(activation=self.activation, data_format="channels_last")
        output = cconv.conv1d(x, weight[:, :, np.newaxis], bias, **options)
        if training:
            self._saved = x, output if self.activation else None
        return output

    def backward(self, grad, needs_input=True):
        x, output = saved(self)
        grad = activation_grad(self.activation, grad, output)
        self.grads["weight"] = product(grad.T, x)
        if self.bias:
            self.grads["bias"] = grad.sum(0)
        return product(grad, self.params["weight"]) if needs_input else None

    def reach(self, windows):
        return WHOLE


def product(one, other):
    """``one @ other``: the rows of `other` are channels, its columns places."""
    return cconv.conv1d(other, one[:, :, np.newaxis])
