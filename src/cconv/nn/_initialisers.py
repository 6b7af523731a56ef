"""Weights to begin with: as large as keeps the variance of signals, or of gradients, from layer to layer.

Each is called as ``initialiser(rng, shape, fan_in, fan_out, dtype)``. `fan_in` is how many products an output is the
sum of, `fan_out` how many outputs an input goes to.
"""

import math


def he_normal(rng, shape, fan_in, fan_out, dtype):
    """Normal with variance ``2 / fan_in``: for layers followed by relu.

    K. He, X. Zhang, S. Ren, J. Sun, Delving deep into rectifiers, arXiv:1502.01852, 2015.
    """
    return _normal(rng, shape, 2 / fan_in, dtype)


def he_uniform(rng, shape, fan_in, fan_out, dtype):
    """Uniform with the variance of `he_normal`."""
    return _uniform(rng, shape, 2 / fan_in, dtype)


def glorot_normal(rng, shape, fan_in, fan_out, dtype):
    """Normal with variance ``2 / (fan_in + fan_out)``: for tanh, sigmoid and linear layers.

    X. Glorot, Y. Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.
    """
    return _normal(rng, shape, 2 / (fan_in + fan_out), dtype)


def glorot_uniform(rng, shape, fan_in, fan_out, dtype):
    """Uniform with the variance of `glorot_normal`."""
    return _uniform(rng, shape, 2 / (fan_in + fan_out), dtype)


def _normal(rng, shape, variance, dtype):
    return rng.standard_normal(shape, dtype) * dtype.type(math.sqrt(variance))


def _uniform(rng, shape, variance, dtype):
    limit = math.sqrt(3 * variance)
    return (rng.random(shape, dtype) * 2 - 1) * dtype.type(limit)
