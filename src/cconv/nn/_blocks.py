"""Layers made of layers: one after the other, beside a shortcut, side by side."""

from math import prod

import numpy as np

import cconv

from . import _files, _summary, _training
from ._convolution import activation_grad, check_activation
from ._layer import Layer, saved
from ._losses import cross_entropy


def as_layer(layers):
    """One layer as it is, several as a Sequential."""
    return layers if isinstance(layers, Layer) else Sequential(layers)


class Sequential(Layer):
    """Layers one after the other; with `input_shape` a network that is ready to learn.

    Parameters
    ----------
    layers : sequence of Layer
    input_shape : tuple of int, optional
        Shape of one input, ``(channels, *spatial)`` or ``(features,)``. Without it the network is a part of a
        larger one, which builds it.
    seed : int or sequence of int
        Everything random comes from it: the parameters, what Dropout leaves out.
    dtype : dtype
        Of parameters and results: float32 or float64.

    Raises
    ------
    ValueError
        Where a layer does not fit: which one, its input's shape, and what it wants.

    Examples
    --------
    >>> import numpy as np
    >>> from cconv import nn
    >>> model = nn.Sequential([nn.Conv2d(4, 3), nn.GlobalAvgPool(), nn.Flatten(), nn.Dense(2)], input_shape=(1, 8, 8))
    >>> model.predict(np.zeros((5, 1, 8, 8))).shape
    (5, 2)
    """

    def __init__(self, layers, *, input_shape=None, seed=0, dtype=np.float32):
        super().__init__()
        self.layers = list(layers)
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise TypeError(f"layers has {layer!r}, which is no layer")
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.float32, np.float64):
            raise TypeError(f"dtype={dtype!r} must be float32 or float64")
        if input_shape is not None:
            self.build(tuple(input_shape), np.random.default_rng(seed), self.dtype)

    def __len__(self):
        return len(self.layers)

    def __getitem__(self, index):
        return self.layers[index]

    def __repr__(self):
        return f"Sequential({len(self)} layers)"

    def children(self):
        return [(str(index), layer) for index, layer in enumerate(self.layers)]

    def make(self, shape, rng, dtype):
        self.dtype = dtype
        for index, layer in enumerate(self.layers):
            try:
                shape = layer.build(shape, rng, dtype)
            except ValueError as error:
                raise self._misfit(index, shape, error) from error

    def forward(self, x, training=False):
        for index, layer in enumerate(self.layers):
            try:
                layer.check(x.shape[1:])
                x = layer.forward(x, training)
            except ValueError as error:
                raise self._misfit(index, x.shape[1:], error) from error
        return x

    def _misfit(self, index, shape, error):
        return ValueError(f"layer {index}, {self.layers[index]!r}, does not fit an input of shape {shape}: {error}")

    def backward(self, grad, needs_input=True):
        for index in reversed(range(len(self.layers))):
            grad = self.layers[index].backward(grad, needs_input or index > 0)
        return grad

    def reach(self, windows):
        for layer in self.layers:
            windows = layer.reach(windows)
        return windows

    def fit(
        self, x, y, *, epochs=1, batch_size=32, loss=cross_entropy, optimiser=None, validation=None, seed=0,
        progress=True,
    ):  # fmt: skip
        return _training.fit(self, x, y, epochs, batch_size, loss, optimiser, validation, seed, progress)

    def predict(self, x, *, batch_size=256):
        return _training.predict(self, x, batch_size)

    def summary(self):
        return _summary.summary(self)

    def save(self, path):
        _files.save(self, path)

    def load(self, path):
        _files.load(self, path)

    fit.__doc__ = _training.fit.__doc__
    predict.__doc__ = _training.predict.__doc__
    summary.__doc__ = _summary.summary.__doc__
    save.__doc__ = _files.save.__doc__
    load.__doc__ = _files.load.__doc__


class Residual(Layer):
    """The sum of what a body of layers makes of the input and the input itself: ``activation(body(x) + shortcut(x))``.

    Parameters
    ----------
    body : Layer or sequence of Layer
    shortcut : Layer or sequence of Layer, optional
        What the input goes through where the body changes its shape.
    activation : {None, "relu", "leaky_relu"}

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, Deep residual learning for image recognition, arXiv:1512.03385, 2015.
    """

    def __init__(self, body, shortcut=None, *, activation="relu"):
        super().__init__()
        check_activation(activation)
        self.body, self.activation = as_layer(body), activation
        self.shortcut = None if shortcut is None else as_layer(shortcut)

    def __repr__(self):
        return f"Residual({self.body!r}{'' if self.shortcut is None else f', {self.shortcut!r}'})"

    def children(self):
        return [("body", self.body)] + ([] if self.shortcut is None else [("shortcut", self.shortcut)])

    def make(self, shape, rng, dtype):
        body = self.body.build(shape, rng, dtype)
        other = shape if self.shortcut is None else self.shortcut.build(shape, rng, dtype)
        if body != other:
            what = "the input has" if self.shortcut is None else "its shortcut gives"
            raise ValueError(f"its body gives {body}, {what} {other}; to add them up they have to be of one shape")

    def forward(self, x, training=False):
        output = self.body.forward(x, training) + (x if self.shortcut is None else self.shortcut.forward(x, training))
        if self.activation:
            getattr(cconv.activations, self.activation)(output, out=output)
        if training:
            self._saved = (output,)
        return output

    def backward(self, grad, needs_input=True):
        (output,) = saved(self)
        grad = activation_grad(self.activation, grad, output)
        one = self.body.backward(grad, needs_input)
        other = grad if self.shortcut is None else self.shortcut.backward(grad, needs_input)
        return one + other if needs_input else None

    def reach(self, windows):
        return widest([self.body.reach(windows), windows if self.shortcut is None else self.shortcut.reach(windows)])


class Concat(Layer):
    """Branches that see the same input, their outputs one after the other along the channels.

    Parameters
    ----------
    branches : sequence of (Layer or sequence of Layer)

    References
    ----------
    C. Szegedy et al., Going deeper with convolutions, arXiv:1409.4842, 2014.
    """

    def __init__(self, branches):
        super().__init__()
        self.branches = [as_layer(branch) for branch in branches]
        if not self.branches:
            raise ValueError("branches is empty; it takes one or more")

    def __repr__(self):
        return f"Concat({len(self.branches)} branches)"

    def children(self):
        return [(str(index), branch) for index, branch in enumerate(self.branches)]

    def make(self, shape, rng, dtype):
        shapes = [branch.build(shape, rng, dtype) for branch in self.branches]
        if len({branch[1:] for branch in shapes}) > 1:
            raise ValueError(f"its branches give {', '.join(map(str, shapes))}; only channels may differ")
        self.channels = [branch[0] for branch in shapes]

    def forward(self, x, training=False):
        return np.concatenate([branch.forward(x, training) for branch in self.branches], axis=1)

    def backward(self, grad, needs_input=True):
        parts = np.split(grad, np.cumsum(self.channels)[:-1], axis=1)
        grads = [branch.backward(part, needs_input) for branch, part in zip(self.branches, parts, strict=True)]
        return sum(grads[1:], grads[0]) if needs_input else None

    def reach(self, windows):
        return widest([branch.reach(windows) for branch in self.branches])


def widest(stacks):
    """The stack of windows that sees most; one without windows counts most."""
    return max(stacks, key=lambda stack: np.inf if isinstance(stack, str) else field_size(stack))


def field_size(windows):
    size, _, _ = cconv.receptive_field(windows)
    return prod(size) if isinstance(size, tuple) else size
