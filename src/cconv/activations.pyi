import numpy as np

from ._typing import AnyArray, Array, Int

__all__ = [
    "elu", "elu_grad", "identity", "identity_grad", "leaky_relu", "leaky_relu_grad", "log_softmax",
    "log_softmax_grad", "maxout", "maxout_grad", "prelu", "prelu_grad", "prelu_weight_grad", "relu", "relu_grad",
    "rrelu", "rrelu_grad", "sigmoid", "sigmoid_grad", "softmax", "softmax_grad", "tanh", "tanh_grad",
]

def elu(x: AnyArray, *, alpha: float = 1.0, out: Array | None = None, num_threads: Int | None = None) -> Array: ...

def elu_grad(
    grad_output: AnyArray, x: AnyArray, *, alpha: float = 1.0, out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def identity(x: AnyArray, *, out: Array | None = None, num_threads: Int | None = None) -> Array: ...

def identity_grad(
    grad_output: AnyArray, x: AnyArray, *, out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def leaky_relu(
    x: AnyArray, *, negative_slope: float = 0.01, out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def leaky_relu_grad(
    grad_output: AnyArray, x: AnyArray, *, negative_slope: float = 0.01, out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def log_softmax(
    x: AnyArray, *, axis: Int = -1, out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def log_softmax_grad(
    grad_output: AnyArray, x: AnyArray, *, axis: Int = -1, out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def maxout(
    x: AnyArray, *, pool_size: Int, axis: Int = 1, out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def maxout_grad(
    grad_output: AnyArray, x: AnyArray, *, pool_size: Int, axis: Int = 1, out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def prelu(
    x: AnyArray, *, weight: float | AnyArray, axis: Int = 1, out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def prelu_grad(
    grad_output: AnyArray, x: AnyArray, *, weight: float | AnyArray, axis: Int = 1, out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def prelu_weight_grad(
    grad_output: AnyArray, x: AnyArray, *, weight: float | AnyArray, axis: Int = 1, out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def relu(x: AnyArray, *, out: Array | None = None, num_threads: Int | None = None) -> Array: ...

def relu_grad(
    grad_output: AnyArray, x: AnyArray, *, out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def rrelu(
    x: AnyArray, *, lower: float = 0.125, upper: float = 0.3333333333333333, training: bool = False,
    rng: int | np.random.Generator | None = None, out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def rrelu_grad(
    grad_output: AnyArray, x: AnyArray, *, lower: float = 0.125, upper: float = 0.3333333333333333,
    training: bool = False, rng: int | np.random.Generator | None = None, out: Array | None = None,
    num_threads: Int | None = None,
) -> Array: ...

def sigmoid(x: AnyArray, *, out: Array | None = None, num_threads: Int | None = None) -> Array: ...

def sigmoid_grad(
    grad_output: AnyArray, x: AnyArray, *, out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def softmax(x: AnyArray, *, axis: Int = -1, out: Array | None = None, num_threads: Int | None = None) -> Array: ...

def softmax_grad(
    grad_output: AnyArray, x: AnyArray, *, axis: Int = -1, out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...

def tanh(x: AnyArray, *, out: Array | None = None, num_threads: Int | None = None) -> Array: ...

def tanh_grad(
    grad_output: AnyArray, x: AnyArray, *, out: Array | None = None, num_threads: Int | None = None,
) -> Array: ...
