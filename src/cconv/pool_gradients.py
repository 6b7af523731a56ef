"""Gradients of pooling, named by the tensor that is computed; and unpooling, which sends samples as they do.

Design: one function per operation makes that of each rank: signatures cannot come to differ.
"""

import numpy as np

from . import _docs_pools
from ._calls import as_array, check_num_threads, check_out, find, remember, target
from ._gradient_shapes import check_shape
from ._memory import empty
from ._pieces import copy
from ._pool_gradient import Scatter, Spans
from ._pool_spans import adaptive_gradient, gradient_part, norm_of, scatter_spec, unpooled_shape, window_gradient
from ._pooling import Pooling
from ._shapes import pool_spec

_NAMES = (
    "max_pool{}d_input_grad", "avg_pool{}d_input_grad", "lp_pool{}d_input_grad", "adaptive_avg_pool{}d_input_grad",
    "max_unpool{}d", "max_unpool{}d_input_grad",
)  # fmt: skip
__all__ = [name.format(rank) for name in _NAMES for rank in (1, 2, 3)]

_cache = {}


# ---- by indices -------------------------------------------------------------------------------------------------


def _max_pool_input_grad_of(rank):
    def input_grad(grad_output, indices, input_shape, *, data_format="channels_first", out=None, num_threads=None):
        grad_output, indices = as_array(grad_output, "grad_output"), as_array(indices, "indices")
        arrays = ("add", rank, grad_output.shape, grad_output.dtype, indices.shape, indices.dtype)
        operator = _scatter(arrays, (input_shape, data_format), _max_gradient)
        return _send(operator, grad_output, indices, out, num_threads)

    return _docs_pools.finish(input_grad, "max_pool", "_input_grad", rank, __name__)


def _max_gradient(arrays, input_shape, data_format):
    gradient_part(arrays[3], "grad_output")
    return scatter_spec(*arrays, check_shape(input_shape, "input_shape"), data_format, "grad_output")


def _max_unpool_of(rank):
    def max_unpool(
        input, indices, kernel_size, *, stride=None, padding=0, output_size=None, data_format="channels_first",
        out=None, num_threads=None,
    ):  # fmt: skip
        input, indices = as_array(input, "input"), as_array(indices, "indices")
        arrays = ("set", rank, input.shape, input.dtype, indices.shape, indices.dtype)
        operator = _scatter(arrays, (kernel_size, stride, padding, output_size, data_format), _unpool)
        return _send(operator, input, indices, out, num_threads)

    return _docs_pools.finish(max_unpool, "max_unpool", "", rank, __name__)


def _unpool(arrays, kernel_size, stride, padding, output_size, data_format):
    shape = unpooled_shape(arrays[1], arrays[2], kernel_size, stride, padding, output_size, data_format)
    return scatter_spec(*arrays, shape, data_format, "input")


def _max_unpool_input_grad_of(rank):
    def input_grad(grad_output, indices, *, data_format="channels_first", out=None, num_threads=None):
        grad_output, indices = as_array(grad_output, "grad_output"), as_array(indices, "indices")
        arrays = ("fetch", rank, grad_output.shape, grad_output.dtype, indices.shape, indices.dtype)
        operator = _scatter(arrays, (data_format,), _unpool_gradient)
        return _fetch(operator, grad_output, indices, out, num_threads)

    return _docs_pools.finish(input_grad, "max_unpool", "_input_grad", rank, __name__)


def _unpool_gradient(arrays, data_format):
    mode, rank, plane_shape, dtype, indices_shape, indices_dtype = arrays
    gradient_part(dtype, "grad_output")
    return scatter_spec(
        mode, rank, indices_shape, dtype, indices_shape, indices_dtype, plane_shape, data_format, "indices"
    )


def _scatter(arrays, options, make):
    """The operator of a signature, from the cache or from the spec that `make` finds."""
    operator, key, options = find(_cache, arrays, options, options)
    return remember(_cache, key, Scatter(make(arrays, *options))) if operator is None else operator


def _send(operator, samples, indices, out, num_threads):
    """Samples to the planes of a new array, or of `out`, which is not written to before all indices are known."""
    spec = operator.spec
    inner, num_threads = _checked(out, spec.plane_shape, spec.dtype, num_threads)
    places = _native_indices(indices)
    result = inner if out is None else target(inner, (samples, indices))
    if result is inner and out is not None:
        _check_indices(operator.run(samples.real, places, result.real, True, num_threads), indices, spec)
    for part in ("real", "imag") if spec.dtype.kind == "c" else ("real",):
        fine = operator.run(getattr(samples, part), places, getattr(result, part), False, num_threads)
        _check_indices(fine, indices, spec)
    return _returned(out, inner, result)


def _fetch(operator, planes, indices, out, num_threads):
    """Samples from planes to a new array, or to `out`, which is not written to before all indices are known."""
    spec = operator.spec
    inner, num_threads = _checked(out, spec.shape, spec.dtype, num_threads)
    places = _native_indices(indices)
    result = inner if out is None else target(inner, (planes, indices))
    if result is inner and out is not None:
        _check_indices(operator.run(result.real, places, planes.real, True, num_threads), indices, spec)
    for part in ("real", "imag") if spec.dtype.kind == "c" else ("real",):
        fine = operator.run(getattr(result, part), places, getattr(planes, part), False, num_threads)
        _check_indices(fine, indices, spec)
    return _returned(out, inner, result)


def _checked(out, shape, dtype, num_threads):
    """(a new array or a view of `out`, num_threads)."""
    if num_threads is not None:
        num_threads = check_num_threads(num_threads)
    return empty(shape, dtype) if out is None else check_out(out, shape, dtype), num_threads


def _returned(out, inner, result):
    if result is not inner:
        copy(inner, result)
    return inner if out is None else out


def _native_indices(indices):
    """int64 in this machine's order; what it cannot hold becomes negative, which no index may be."""
    return indices.astype(np.int64, copy=False)


def _check_indices(fine, indices, spec):
    if fine:
        return
    plane = spec.plane[3 - (len(spec.plane_shape) - 1 - len(spec.batch_shape)) :]
    samples = int(np.prod(plane))
    wrong = (indices < 0) | (indices >= samples)
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    raise ValueError(
        f"indices of shape {indices.shape} holds {int(indices[place])} at {place}; the planes of shape {plane} take 0 "
        f"to {samples - 1}"
    )


# ---- by windows -------------------------------------------------------------------------------------------------


def _avg_pool_input_grad_of(rank):
    def input_grad(
        grad_output, input_shape, kernel_size, *, stride=None, padding=0, dilation=1, ceil_mode=False,
        count_include_pad=True, divisor_override=None, data_format="channels_first", out=None, num_threads=None,
    ):  # fmt: skip
        grad_output = as_array(grad_output, "grad_output")
        arrays = ("avg", rank, grad_output.shape, grad_output.dtype)
        options = (
            input_shape, kernel_size, stride, padding, dilation, ceil_mode, count_include_pad, divisor_override,
            data_format,
        )  # fmt: skip
        operator, key, options = find(_cache, arrays, options, options)
        if operator is None:
            operator = remember(_cache, key, Spans(window_gradient(*arrays, *options)))
        return _spread(operator, grad_output, out, num_threads)

    return _docs_pools.finish(input_grad, "avg_pool", "_input_grad", rank, __name__)


def _adaptive_avg_pool_input_grad_of(rank):
    def input_grad(grad_output, input_shape, *, data_format="channels_first", out=None, num_threads=None):
        grad_output = as_array(grad_output, "grad_output")
        arrays = (rank, grad_output.shape, grad_output.dtype)
        operator, key, options = find(_cache, arrays, (input_shape, data_format), (input_shape,))
        if operator is None:
            operator = remember(_cache, key, Spans(adaptive_gradient(*arrays, *options)))
        return _spread(operator, grad_output, out, num_threads)

    return _docs_pools.finish(input_grad, "adaptive_avg_pool", "_input_grad", rank, __name__)


def _spread(operator, grad_output, out, num_threads):
    spec = operator.spec
    inner, num_threads = _checked(out, spec.output_shape, spec.output_dtype, num_threads)
    result = inner if out is None else target(inner, (grad_output,))
    if spec.output_dtype.kind == "c":
        operator.run(grad_output.real, result.real, None, num_threads)
        operator.run(grad_output.imag, result.imag, None, num_threads)
    else:
        operator.run(grad_output, result, None, num_threads)
    return _returned(out, inner, result)


def _lp_pool_input_grad_of(rank):
    def input_grad(
        grad_output, input, norm_type, kernel_size, *, stride=None, ceil_mode=False, data_format="channels_first",
        out=None, num_threads=None,
    ):  # fmt: skip
        grad_output, input = as_array(grad_output, "grad_output"), as_array(input, "input")
        arrays = ("lp", rank, grad_output.shape, grad_output.dtype, input.shape, input.dtype)
        options = (norm_type, kernel_size, stride, ceil_mode, data_format)
        entry, key, options = find(_cache, arrays, options, options)
        if entry is None:
            entry = remember(_cache, key, _lp_gradient(arrays, *options))
        forward, operator = entry
        spec = operator.spec
        inner, num_threads = _checked(out, spec.output_shape, spec.output_dtype, num_threads)
        result = inner if out is None else target(inner, (grad_output, input))
        norms = empty(grad_output.shape, np.float32 if spec.real == "f32" else np.float64)
        forward.run(input, norms, None, num_threads)
        operator.run(grad_output, result, None, num_threads, norms, input)
        return _returned(out, inner, result)

    return _docs_pools.finish(input_grad, "lp_pool", "_input_grad", rank, __name__)


def _lp_gradient(arrays, norm_type, kernel_size, stride, ceil_mode, data_format):
    """(the norms, what they do to the gradient) of a signature."""
    _, rank, grad_shape, grad_dtype, input_shape, input_dtype = arrays
    norm = norm_of(norm_type)
    for dtype, name in ((grad_dtype, "grad_output"), (input_dtype, "input")):
        gradient_part(dtype, name)
        if dtype.kind == "c":
            raise TypeError(f"{name} has dtype {dtype}; the gradient of an lp norm takes real ones")
    dtype = np.result_type(grad_dtype, input_dtype)
    spec = window_gradient(
        "lp", rank, grad_shape, dtype, input_shape, kernel_size, stride, 0, 1, ceil_mode, False, None, data_format,
        norm,
    )  # fmt: skip
    forward = pool_spec(
        "lp", rank, input_shape, dtype, kernel_size, stride, 0, 1, ceil_mode, False, False, None, False, data_format,
        None, norm,
    )  # fmt: skip
    return Pooling(forward), Spans(spec)


max_pool1d_input_grad, max_pool2d_input_grad, max_pool3d_input_grad = map(_max_pool_input_grad_of, (1, 2, 3))
avg_pool1d_input_grad, avg_pool2d_input_grad, avg_pool3d_input_grad = map(_avg_pool_input_grad_of, (1, 2, 3))
lp_pool1d_input_grad, lp_pool2d_input_grad, lp_pool3d_input_grad = map(_lp_pool_input_grad_of, (1, 2, 3))
(
    adaptive_avg_pool1d_input_grad, adaptive_avg_pool2d_input_grad, adaptive_avg_pool3d_input_grad,
) = map(_adaptive_avg_pool_input_grad_of, (1, 2, 3))  # fmt: skip
max_unpool1d, max_unpool2d, max_unpool3d = map(_max_unpool_of, (1, 2, 3))
max_unpool1d_input_grad, max_unpool2d_input_grad, max_unpool3d_input_grad = map(_max_unpool_input_grad_of, (1, 2, 3))
