"""Layers that behave differently in training: `BatchNorm` and `Dropout`."""

import numpy as np

from ._layer import Layer, saved, want_channels


class BatchNorm(Layer):
    """Each channel with mean 0 and variance 1 over the batch and all places, then scaled and shifted.

    In training, ``output = weight * (input - mean) / sqrt(variance + eps) + bias`` with mean and variance of the batch;
    both are followed by running means, ``running += momentum * (batch's - running)``, which stand in for them
    otherwise. The running variance takes the unbiased one of the batch, as in torch.

    Parameters
    ----------
    momentum, eps : float

    References
    ----------
    S. Ioffe, C. Szegedy, Batch normalization, arXiv:1502.03167, 2015.
    """

    def __init__(self, *, momentum=0.1, eps=1e-5):
        super().__init__()
        self.momentum, self.eps = momentum, eps

    def check(self, shape):
        if not shape:
            raise ValueError("it wants (channels, *spatial) or (features,) after the batch axis")
        if self.input_shape is not None:
            want_channels(shape, self.input_shape[0])

    def make(self, shape, rng, dtype):
        self.params["weight"], self.params["bias"] = np.ones(shape[0], dtype), np.zeros(shape[0], dtype)
        self.state["running_mean"], self.state["running_var"] = np.zeros(shape[0], dtype), np.ones(shape[0], dtype)

    def forward(self, x, training=False):
        others = (0, *range(2, x.ndim))
        column = (-1, *[1] * (x.ndim - 2))  # a channel's value, beside its map
        mean, variance = self.state["running_mean"], self.state["running_var"]
        if training:
            mean = x.mean(others)
        centred = x - mean.reshape(column)
        if training:
            count = x.size // len(mean)
            variance = np.square(centred).mean(others)
            for name, value in (("mean", mean), ("var", variance * (count / max(count - 1, 1)))):
                running = self.state[f"running_{name}"]
                running += self.momentum * (value - running)
        scale = self.params["weight"] / np.sqrt(variance + self.eps)
        if training:
            self._saved = centred, variance, scale
        output = np.multiply(centred, scale.reshape(column), out=None if training else centred)
        output += self.params["bias"].reshape(column)
        return output

    def backward(self, grad, needs_input=True):
        centred, variance, scale = saved(self)
        others = (0, *range(2, grad.ndim))
        column = (-1, *[1] * (grad.ndim - 2))
        products = (grad * centred).sum(others)
        self.grads["weight"] = products / np.sqrt(variance + self.eps)
        self.grads["bias"] = grad.sum(others)
        if not needs_input:
            return None
        # mean and variance depend on every sample: what they take back
        count = grad.size // len(scale)
        result = centred * (products / (-count * (variance + self.eps))).reshape(column)
        result += grad
        result -= (self.grads["bias"] / count).reshape(column)
        result *= scale.reshape(column)
        return result


class Dropout(Layer):
    """In training, each value is left out with probability `rate`, and what is left is scaled by ``1 / (1 - rate)``.

    Parameters
    ----------
    rate : float, 0 <= rate < 1

    References
    ----------
    N. Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, JMLR 15, 2014.
    """

    def __init__(self, rate=0.5):
        super().__init__()
        if not 0 <= rate < 1:
            raise ValueError(f"rate={rate!r} must be at least 0 and less than 1")
        self.rate = rate

    def make(self, shape, rng, dtype):
        (self.rng,) = rng.spawn(1)

    def forward(self, x, training=False):
        if not training:
            return x
        kept = self.rng.random(x.shape, np.float32) >= self.rate
        self._saved = kept * x.dtype.type(1 / (1 - self.rate))
        return x * self._saved

    def backward(self, grad, needs_input=True):
        return grad * saved(self)
