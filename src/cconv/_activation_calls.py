"""What the activations have in common: types, shapes, where the result goes.

Design: an `out` that is exactly an input is written in place, because an element is read before it is written; one that
overlaps otherwise goes through a temporary array. Softmax's exponentials wait in `out`: its gradient is copied first.
"""

import operator
from math import isfinite

import numpy as np

from ._activations import run
from ._calls import as_array, check_num_threads, check_out
from ._dtypes import is_supported, native
from ._memory import empty_like
from ._pieces import copy

_DOUBLE, _SINGLE = np.dtype(np.float64), np.dtype(np.float32)
_NATIVE = {np.dtype(kind): np.dtype(kind) for kind in ("e", "f", "d")}


def floating(array, name):
    """The type in which an activation of the array comes: its own if that is floating, else float64."""
    dtype = _NATIVE.get(array.dtype)
    if dtype is not None:
        return dtype
    if not is_supported(array.dtype) or array.dtype.kind == "c":
        raise TypeError(f"{name} has dtype {array.dtype}; it takes bool, integers, float16, float32 and float64")
    return native(array.dtype) if array.dtype.kind == "f" else _DOUBLE


def finite(value, name):
    """A parameter as a Python float."""
    if type(value) is float and isfinite(value):
        return value
    try:
        number = float(value) if np.ndim(value) == 0 and not isinstance(value, (str, bytes)) else None
    except (TypeError, ValueError):
        number = None
    if number is None:
        raise TypeError(f"{name} must be a real number; got {value!r}")
    if not isfinite(number):
        raise ValueError(f"{name} must be finite; got {number}")
    return number


def check_axis(axis, ndim):
    """The axis, counted from the first."""
    try:
        if isinstance(axis, (bool, np.bool_)):
            raise TypeError
        index = operator.index(axis)
    except TypeError:
        raise TypeError(f"axis must be an int; got {axis!r}") from None
    if not -ndim <= index < ndim:
        raise ValueError(f"axis={index} is out of range for x with {ndim} axes")
    return index % ndim


def check_same_shape(grad_output, x):
    if grad_output.shape != x.shape:
        raise ValueError(f"grad_output has shape {grad_output.shape}, x has shape {x.shape}; they must be equal")


def channel_slopes(weight, x, axis):
    """`weight`, one slope or one per channel, in a shape that broadcasts to that of `x`."""
    weak = isinstance(weight, (int, float))
    weight = as_array(weight, "weight")
    dtype = floating(weight, "weight")
    if weight.ndim > 1 or (weight.size != 1 and weight.ndim == 0):
        raise ValueError(f"weight has shape {weight.shape}; it takes one slope, or one per channel of x")
    if weight.size == 1:
        return weight.reshape(()).astype(floating(x, "x") if weak else dtype)
    axis = check_axis(axis, x.ndim)
    if weight.size != x.shape[axis]:
        raise ValueError(
            f"weight of shape {weight.shape} does not fit x of shape {x.shape}, which has {x.shape[axis]} channels "
            f"along axis {axis}"
        )
    return weight.reshape((-1,) + (1,) * (x.ndim - axis - 1)).astype(dtype)


def destination(out, shape_of, dtype, inputs):
    """(array to compute into, the view of `out` to copy it to or None)."""
    if out is None:
        return empty_like(shape_of, dtype), None
    inner = check_out(out, shape_of.shape, dtype)
    for array in inputs:
        if np.may_share_memory(inner, array) and not _same_memory(inner, array):
            return empty_like(inner, dtype), inner
    return inner, None


def _same_memory(a, b):
    return (a.dtype == b.dtype and a.strides == b.strides
            and a.__array_interface__["data"] == b.__array_interface__["data"])  # fmt: skip


def evaluate(op, x, out, num_threads, parameter=0.0, axis=-1, slopes=None, keep=False, name="x"):
    """op(x) in `out` or a new array. keep: integers keep their type."""
    x = as_array(x, name)
    dtype = _NATIVE.get(x.dtype)
    if dtype is None:
        if keep and (x.dtype.kind in "biu" or (op == 0 and is_supported(x.dtype))):
            return _exactly(op, x, out)
        dtype = floating(x, name)
    if slopes is not None:
        dtype = np.result_type(dtype, slopes.dtype)
        slopes = np.broadcast_to(slopes.astype(_DOUBLE if dtype == _DOUBLE else _SINGLE, copy=False), x.shape)
    if num_threads is not None:
        num_threads = check_num_threads(num_threads)
    if out is None:
        return run(op, x, None, slopes, empty_like(x, dtype), axis, parameter, num_threads)
    inner, copy_to = destination(out, x, dtype, (x,))
    run(op, x, None, slopes, inner, axis, parameter, num_threads)
    if copy_to is not None:
        copy(copy_to, inner)
    return out


def gradient(op, grad_output, x, out, num_threads, parameter=0.0, axis=-1, slopes=None):
    """The gradient in `out` or a new array."""
    grad_output, x = as_array(grad_output, "grad_output"), as_array(x, "x")
    check_same_shape(grad_output, x)
    dtype = _NATIVE.get(x.dtype)
    if dtype is None or grad_output.dtype is not dtype:
        dtype = np.result_type(floating(grad_output, "grad_output"), floating(x, "x"))
    if slopes is not None:
        dtype = np.result_type(dtype, slopes.dtype)
        slopes = np.broadcast_to(slopes.astype(_DOUBLE if dtype == _DOUBLE else _SINGLE, copy=False), x.shape)
    if num_threads is not None:
        num_threads = check_num_threads(num_threads)
    inner, copy_to = destination(out, x, dtype, (grad_output, x))
    if axis >= 0 and out is not None and np.may_share_memory(inner, grad_output):
        grad_output = grad_output.copy()
    run(op, x, grad_output, slopes, inner, axis, parameter, num_threads)
    if copy_to is not None:
        copy(copy_to, inner)
    return inner if out is None else out


def _exactly(op, x, out):
    """Identity and relu of integers, in their type; identity of complex numbers."""
    dtype = native(x.dtype)
    inner = empty_like(x, dtype) if out is None else check_out(out, x.shape, dtype)
    if op == 0 or dtype.kind in "bu":
        np.copyto(inner, x)
    else:
        np.maximum(x, np.zeros((), dtype), out=inner)
    return inner if out is None else out
