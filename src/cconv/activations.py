"""Activation functions of neural networks, element by element or along an axis, and their gradients.

Every function takes any array and returns a new one of its shape: float16, float32 and float64 keep their type,
integers and bool are computed as float64. Results are within 2 ulp of the exact value, however large the argument; NaN
propagates. A gradient ``f_grad(grad_output, x)`` is ``grad_output`` times the derivative at ``x``.

Design: elementwise functions and softmax are compiled (`_activations`); maxout is a pool over channels. What is the
same for all of them stands in `_activation_calls`.
"""

import numpy as np

from . import _activations as ops
from ._activation_calls import (
    channel_slopes,
    check_axis,
    check_same_shape,
    destination,
    evaluate,
    finite,
    floating,
    gradient,
)  # fmt: skip
from ._calls import as_array, check_num_threads, check_out, target
from ._docs_activations import documented
from ._dtypes import check_supported
from ._memory import empty
from ._pieces import copy
from .pool import max_pool2d

__all__ = [
    "elu", "elu_grad", "identity", "identity_grad", "leaky_relu", "leaky_relu_grad", "log_softmax", "log_softmax_grad",
    "maxout", "maxout_grad", "prelu", "prelu_grad", "prelu_weight_grad", "relu", "relu_grad", "rrelu", "rrelu_grad",
    "sigmoid", "sigmoid_grad", "softmax", "softmax_grad", "tanh", "tanh_grad",
]  # fmt: skip


@documented
def identity(x, *, out=None, num_threads=None):
    return evaluate(ops.IDENTITY, x, out, num_threads, keep=True)


@documented
def identity_grad(grad_output, x, *, out=None, num_threads=None):
    grad_output, x = as_array(grad_output, "grad_output"), as_array(x, "x")
    check_same_shape(grad_output, x)
    check_supported(x.dtype, "x")
    return evaluate(ops.IDENTITY, grad_output, out, num_threads, keep=True, name="grad_output")


@documented
def relu(x, *, out=None, num_threads=None):
    return evaluate(ops.RELU, x, out, num_threads, keep=True)


@documented
def relu_grad(grad_output, x, *, out=None, num_threads=None):
    return gradient(ops.RELU_GRAD, grad_output, x, out, num_threads)


@documented
def leaky_relu(x, *, negative_slope=0.01, out=None, num_threads=None):
    return evaluate(ops.LEAKY, x, out, num_threads, finite(negative_slope, "negative_slope"))


@documented
def leaky_relu_grad(grad_output, x, *, negative_slope=0.01, out=None, num_threads=None):
    return gradient(ops.LEAKY_GRAD, grad_output, x, out, num_threads, finite(negative_slope, "negative_slope"))


@documented
def prelu(x, *, weight, axis=1, out=None, num_threads=None):
    x = as_array(x, "x")
    return evaluate(ops.LEAKY, x, out, num_threads, slopes=channel_slopes(weight, x, axis))


@documented
def prelu_grad(grad_output, x, *, weight, axis=1, out=None, num_threads=None):
    x = as_array(x, "x")
    return gradient(ops.LEAKY_GRAD, grad_output, x, out, num_threads, slopes=channel_slopes(weight, x, axis))


@documented
def prelu_weight_grad(grad_output, x, *, weight, axis=1, out=None, num_threads=None):
    x, grad_output, weight = as_array(x, "x"), as_array(grad_output, "grad_output"), as_array(weight, "weight")
    check_same_shape(grad_output, x)
    dtype = channel_slopes(weight, x, axis).dtype
    dtype = np.result_type(floating(x, "x"), floating(grad_output, "grad_output"), dtype)
    kept = None if weight.size == 1 else check_axis(axis, x.ndim)
    totals = np.zeros(weight.size)
    # a block of products at a time, each summed in pairs, and the sums of blocks in double precision
    for block in _blocks(x.shape):
        terms = gradient(ops.SLOPE_GRAD, grad_output[block], x[block], None, num_threads)
        others = tuple(i for i in range(x.ndim) if i != kept)
        totals[block[kept] if kept is not None else slice(None)] += terms.sum(others, dtype=np.float64)
    totals = totals.reshape(weight.shape).astype(dtype)
    if out is None:
        return totals
    check_out(out, weight.shape, dtype)[...] = totals
    return out


@documented
def rrelu(x, *, lower=1 / 8, upper=1 / 3, training=False, rng=None, out=None, num_threads=None):
    return _rrelu(ops.LEAKY, [as_array(x, "x")], lower, upper, training, rng, out, num_threads)


@documented
def rrelu_grad(
    grad_output, x, *, lower=1 / 8, upper=1 / 3, training=False, rng=None, out=None, num_threads=None
):
    arrays = [as_array(grad_output, "grad_output"), as_array(x, "x")]
    check_same_shape(*arrays)
    return _rrelu(ops.LEAKY_GRAD, arrays, lower, upper, training, rng, out, num_threads)


def _rrelu(op, arrays, lower, upper, training, rng, out, num_threads):
    """The mean slope, or random ones, which are drawn in the order of `x`, a block at a time."""
    lower, upper = finite(lower, "lower"), finite(upper, "upper")
    if lower > upper:
        raise ValueError(f"lower={lower} is greater than upper={upper}")
    call = evaluate if len(arrays) == 1 else gradient
    if not training:
        return call(op, *arrays, out, num_threads, (lower + upper) / 2)
    if rng is None:
        raise ValueError("rng=None with training=True; give a seed or a numpy.random.Generator")
    if isinstance(rng, (bool, np.bool_)) or not isinstance(rng, (int, np.integer, np.random.Generator)):
        raise TypeError(f"rng must be an int or a numpy.random.Generator; got {type(rng).__name__}")
    generator = np.random.default_rng(rng)
    dtype = np.result_type(*(floating(a, n) for a, n in zip(arrays, ("grad_output", "x")[-len(arrays) :], strict=True)))
    result, copy_to = destination(out, arrays[-1], dtype, arrays)
    single = np.float64 if dtype == np.float64 else np.float32
    for block in _blocks(result.shape):
        parts = [array[block].astype(dtype, copy=False) for array in arrays]
        slopes = generator.random(parts[0].shape, single)
        slopes *= upper - lower
        slopes += lower
        call(op, *parts, result[block], num_threads, slopes=slopes.astype(dtype, copy=False))
    if copy_to is not None:
        copy(copy_to, result)
    return result if out is None else out


@documented
def elu(x, *, alpha=1.0, out=None, num_threads=None):
    return evaluate(ops.ELU, x, out, num_threads, finite(alpha, "alpha"))


@documented
def elu_grad(grad_output, x, *, alpha=1.0, out=None, num_threads=None):
    return gradient(ops.ELU_GRAD, grad_output, x, out, num_threads, finite(alpha, "alpha"))


@documented
def sigmoid(x, *, out=None, num_threads=None):
    return evaluate(ops.SIGMOID, x, out, num_threads)


@documented
def sigmoid_grad(grad_output, x, *, out=None, num_threads=None):
    return gradient(ops.SIGMOID_GRAD, grad_output, x, out, num_threads)


@documented
def tanh(x, *, out=None, num_threads=None):
    return evaluate(ops.TANH, x, out, num_threads)


@documented
def tanh_grad(grad_output, x, *, out=None, num_threads=None):
    return gradient(ops.TANH_GRAD, grad_output, x, out, num_threads)


@documented
def softmax(x, *, axis=-1, out=None, num_threads=None):
    x = as_array(x, "x")
    return evaluate(ops.SOFTMAX, x, out, num_threads, axis=check_axis(axis, x.ndim))


@documented
def softmax_grad(grad_output, x, *, axis=-1, out=None, num_threads=None):
    x = as_array(x, "x")
    return gradient(ops.SOFTMAX_GRAD, grad_output, x, out, num_threads, axis=check_axis(axis, x.ndim))


@documented
def log_softmax(x, *, axis=-1, out=None, num_threads=None):
    x = as_array(x, "x")
    return evaluate(ops.LOG_SOFTMAX, x, out, num_threads, axis=check_axis(axis, x.ndim))


@documented
def log_softmax_grad(grad_output, x, *, axis=-1, out=None, num_threads=None):
    x = as_array(x, "x")
    return gradient(ops.LOG_SOFTMAX_GRAD, grad_output, x, out, num_threads, axis=check_axis(axis, x.ndim))


@documented
def maxout(x, *, pool_size, axis=1, out=None, num_threads=None):
    x = as_array(x, "x")
    check_supported(x.dtype, "x")
    pool_size, shape, planes = _as_planes(x, pool_size, axis)
    if out is not None:
        inner = check_out(out, shape, x.dtype.newbyteorder("="))
    result = empty(shape, x.dtype)
    if x.size:
        result = max_pool2d(x.reshape(planes), (pool_size, 1), num_threads=num_threads).reshape(shape)
    if out is None:
        return result
    copy(inner, result)
    return out


@documented
def maxout_grad(grad_output, x, *, pool_size, axis=1, out=None, num_threads=None):
    x, grad_output = as_array(x, "x"), as_array(grad_output, "grad_output")
    pool_size, shape, planes = _as_planes(x, pool_size, axis)
    if grad_output.shape != shape:
        raise ValueError(
            f"grad_output has shape {grad_output.shape}; x of shape {x.shape} gives maxima of shape {shape}"
        )
    dtype = np.result_type(floating(grad_output, "grad_output"), floating(x, "x"))
    inner = empty(x.shape, dtype) if out is None else check_out(out, x.shape, dtype)
    result = inner if out is None else target(inner, (x, grad_output))
    result[...] = 0
    if x.size:
        _, places = max_pool2d(x.reshape(planes), (pool_size, 1), return_indices=True, num_threads=num_threads)
        rows = np.zeros((planes[0], planes[2] * planes[3]), dtype)
        np.put_along_axis(rows, places.reshape(planes[0], -1), grad_output.reshape(planes[0], -1), 1)
        result[...] = rows.reshape(x.shape)
    if result is not inner:
        inner[...] = result
    return inner if out is None else out


def _as_planes(x, pool_size, axis):
    """(pool_size, shape of the maxima, shape of x as planes whose rows are the channels)."""
    axis = check_axis(axis, x.ndim)
    try:
        size = check_num_threads(pool_size)
    except (TypeError, ValueError):
        raise ValueError(f"pool_size must be an int >= 1; got {pool_size!r}") from None
    channels = x.shape[axis]
    if channels % size:
        raise ValueError(
            f"pool_size={size} does not divide the {channels} channels of x of shape {x.shape}, axis {axis}"
        )
    shape = (*x.shape[:axis], channels // size, *x.shape[axis + 1 :])
    before, after = (int(np.prod(part, dtype=np.intp)) for part in (x.shape[:axis], x.shape[axis + 1 :]))
    return size, shape, (before, 1, channels, after)


def _blocks(shape, elements=1 << 18):
    """Index tuples that cut an array into blocks of about so many elements, in its order."""
    size = int(np.prod(shape, dtype=np.intp))
    cut = next((i for i, n in enumerate(shape) if size > elements and n > 1), None)
    if cut is None:
        yield (slice(None),) * len(shape)
        return
    step = max(1, shape[cut] * elements // size)
    for start in range(0, shape[cut], step):
        part = slice(start, min(start + step, shape[cut]))
        rest = (part.stop - part.start, *shape[cut + 1 :])
        if step > 1 or cut + 1 == len(shape):
            yield (slice(None),) * cut + (part,) + (slice(None),) * (len(shape) - cut - 1)
        else:
            for block in _blocks(rest, elements):
                yield (slice(None),) * cut + (part,) + block[1:]
