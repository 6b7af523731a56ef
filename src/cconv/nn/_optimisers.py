"""How parameters follow their gradients. `step` changes them in place."""

import numpy as np


class _Optimiser:
    def __init__(self, learning_rate, weight_decay):
        if not learning_rate > 0:
            raise ValueError(f"learning_rate={learning_rate!r} must be positive")
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.kept = {}  # beside each parameter: (layer, name) -> its state

    def step(self, model):
        """Change every parameter of `model`, once, after a backward pass."""
        for _, layer, name in model.parameters():
            parameter, grad = layer.params[name], layer.grads[name]
            if self.weight_decay:
                grad = grad + self.weight_decay * parameter
            key = (layer, name)
            if key not in self.kept:
                self.kept[key] = self.beginning(parameter)
            self.change(parameter, grad, self.kept[key])


class SGD(_Optimiser):
    """Stochastic gradient descent with momentum.

    ``velocity = momentum * velocity + grad``, then ``parameter -= learning_rate * velocity``.

    Parameters
    ----------
    learning_rate : float
        May be changed between steps.
    momentum : float
    weight_decay : float
        So many times the parameter is added to its gradient.
    """

    def __init__(self, learning_rate=0.01, *, momentum=0.0, weight_decay=0.0):
        super().__init__(learning_rate, weight_decay)
        self.momentum = momentum

    def beginning(self, parameter):
        return np.zeros_like(parameter)

    def change(self, parameter, grad, velocity):
        velocity *= self.momentum
        velocity += grad
        parameter -= self.learning_rate * velocity


class Adam(_Optimiser):
    """Steps as large as the mean of a gradient beside the root of the mean of its square.

    Parameters
    ----------
    learning_rate : float
        May be changed between steps.
    betas : (float, float)
        What is kept of either mean at each step.
    eps : float
    weight_decay : float
        So many times the parameter is added to its gradient.

    References
    ----------
    D. P. Kingma, J. Ba, Adam: a method for stochastic optimization, arXiv:1412.6980, 2014.
    """

    def __init__(self, learning_rate=0.001, *, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        super().__init__(learning_rate, weight_decay)
        self.betas, self.eps = betas, eps

    def beginning(self, parameter):
        return dict(mean=np.zeros_like(parameter), square=np.zeros_like(parameter), steps=0)

    def change(self, parameter, grad, kept):
        kept["steps"] += 1
        first, second = self.betas
        mean, square = kept["mean"], kept["square"]
        mean += (1 - first) * (grad - mean)
        square += (1 - second) * (grad * grad - square)
        # both means began with zero; this is what they would be had they not
        root = np.sqrt(square / (1 - second ** kept["steps"]))
        root += self.eps
        parameter -= self.learning_rate / (1 - first ** kept["steps"]) * mean / root
