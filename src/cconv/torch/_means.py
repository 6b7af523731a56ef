"""Pools of means and norms, of fixed and of adaptive windows.

Design:
  a. Means are linear. Their gradient's gradient is the mean.
  b. The second derivative of a norm is made of sums over windows, which are means that divide by 1, and of their
     gradients; so it is differentiable itself.
"""

import torch

import cconv

from .._padding import check_bool, check_int
from .._pool_spans import norm_of
from .._shapes import POOL_PADDINGS
from . import _docs
from ._autograd import linear_pair, operator
from ._pool_shapes import (
    WINDOWS,
    adaptive_shape,
    adaptive_sizes,
    check_grad,
    permuted,
    pooled_shape,
    window_keywords,
)
from ._tensors import (
    check_tensor,
    dtype_of,
    fake,
    ints,
    is_channels_last,
    layered,
    layout_of,
    one_or_all,
    padding_of,
    returned,
)


def mean_dtype(input):
    """The type of a mean or norm: that of integers is float64."""
    return input.dtype if input.is_floating_point() or input.is_complex() else torch.float64


# ---- means -------------------------------------------------------------------------------------------------

_MEAN = f"{WINDOWS}, bool count_include_pad, int? divisor_override"


def _mean_keywords(*options):
    *windows, count_include_pad, divisor_override = options
    return dict(window_keywords(*windows), count_include_pad=count_include_pad, divisor_override=divisor_override)


def _run_mean(input, kernel_size, *options):
    rank = len(kernel_size)
    last = is_channels_last(input, rank)
    result = getattr(cconv, f"avg_pool{rank}d")(
        layered(input, last), one_or_all(kernel_size), data_format=layout_of(last), **_mean_keywords(*options)
    )
    return returned(result, last)


def _mean_shape(shape, tensor, kernel_size, options):
    *windows, pad, divisor = options
    return pooled_shape("avg", shape, dtype_of(tensor), kernel_size, window_keywords(*windows), pad, divisor)


def _mean_fake(input, kernel_size, *options):
    shape = _mean_shape(input.shape, input, kernel_size, options)
    return fake(shape, input, is_channels_last(input, len(kernel_size)), mean_dtype(input))


def _run_mean_grad(grad_output, input_shape, last, kernel_size, *options):
    rank = len(kernel_size)
    result = getattr(cconv, f"avg_pool{rank}d_input_grad")(
        layered(grad_output, last), permuted(input_shape, last), one_or_all(kernel_size), data_format=layout_of(last),
        **_mean_keywords(*options),
    )  # fmt: skip
    return returned(result, last)


def _mean_grad_fake(grad_output, input_shape, last, kernel_size, *options):
    check_grad(grad_output, _mean_shape(input_shape, grad_output, kernel_size, options), "the pool")
    return fake(input_shape, grad_output, last)


_mean = operator("avg_pool", f"(Tensor input, {_MEAN}) -> Tensor", _run_mean, _mean_fake)
_mean_grad = operator(
    "avg_pool_input_grad", f"(Tensor grad_output, SymInt[] input_shape, bool channels_last, {_MEAN}) -> Tensor",
    _run_mean_grad, _mean_grad_fake,
)  # fmt: skip
linear_pair(_mean, _mean_grad)


def _avg_of(rank):
    def avg_pool(
        input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None, *,
        dilation=1,
    ):  # fmt: skip
        check_tensor(input, "input")
        kernel_size = ints(kernel_size, "kernel_size", rank, 1)
        return _mean(
            input, kernel_size, kernel_size if stride is None else ints(stride, "stride", rank, 1),
            *padding_of(padding, rank, POOL_PADDINGS), ints(dilation, "dilation", rank, 1),
            check_bool(ceil_mode, "ceil_mode"), check_bool(count_include_pad, "count_include_pad"),
            None if divisor_override is None else check_int(divisor_override, "divisor_override", 1),
        )  # fmt: skip

    return _docs.finish(avg_pool, "avg_pool", rank)


avg_pool1d, avg_pool2d, avg_pool3d = map(_avg_of, (1, 2, 3))


# ---- adaptive windows --------------------------------------------------------------------------------------


def _run_adaptive(input, output_size):
    rank = len(output_size)
    last = is_channels_last(input, rank)
    pool = getattr(cconv, f"adaptive_avg_pool{rank}d")
    return returned(pool(layered(input, last), tuple(output_size), data_format=layout_of(last)), last)


def _adaptive_fake(input, output_size):
    shape = adaptive_shape("avg", input, output_size)
    return fake(shape, input, is_channels_last(input, len(output_size)), mean_dtype(input))


def _run_adaptive_grad(grad_output, input_shape, last, output_size):
    gradient = getattr(cconv, f"adaptive_avg_pool{len(output_size)}d_input_grad")
    result = gradient(layered(grad_output, last), permuted(input_shape, last), data_format=layout_of(last))
    return returned(result, last)


def _adaptive_grad_fake(grad_output, input_shape, last, output_size):
    return fake(input_shape, grad_output, last)


_adaptive = operator(
    "adaptive_avg_pool", "(Tensor input, SymInt[] output_size) -> Tensor", _run_adaptive, _adaptive_fake
)
_adaptive_grad = operator(
    "adaptive_avg_pool_input_grad",
    "(Tensor grad_output, SymInt[] input_shape, bool channels_last, SymInt[] output_size) -> Tensor",
    _run_adaptive_grad, _adaptive_grad_fake,
)  # fmt: skip
linear_pair(_adaptive, _adaptive_grad)


def _adaptive_of(rank):
    def adaptive_avg_pool(input, output_size):
        check_tensor(input, "input")
        return _adaptive(input, adaptive_sizes(output_size, input.shape, rank))

    return _docs.finish(adaptive_avg_pool, "adaptive_avg_pool", rank)


adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = map(_adaptive_of, (1, 2, 3))


# ---- norms -------------------------------------------------------------------------------------------------

_NORM = "float norm_type, int[] kernel_size, int[] stride, bool ceil_mode"


def _run_norm(input, norm_type, kernel_size, stride, ceil_mode):
    rank = len(kernel_size)
    last = is_channels_last(input, rank)
    result = getattr(cconv, f"lp_pool{rank}d")(
        layered(input, last), norm_type, one_or_all(kernel_size), stride=one_or_all(stride), ceil_mode=ceil_mode,
        data_format=layout_of(last),
    )  # fmt: skip
    return returned(result, last)


def _norm_shape(tensor, norm_type, kernel_size, stride, ceil_mode):
    windows = dict(stride=one_or_all(stride), padding=0, dilation=1, ceil_mode=ceil_mode)
    return pooled_shape("lp", tensor.shape, dtype_of(tensor), kernel_size, windows, False, None, norm_type)


def _norm_fake(input, norm_type, kernel_size, stride, ceil_mode):
    shape = _norm_shape(input, norm_type, kernel_size, stride, ceil_mode)
    return fake(shape, input, is_channels_last(input, len(kernel_size)), mean_dtype(input))


def _run_norm_grad(grad_output, input, norm_type, kernel_size, stride, ceil_mode):
    rank = len(kernel_size)
    last = is_channels_last(input, rank)
    result = getattr(cconv, f"lp_pool{rank}d_input_grad")(
        layered(grad_output, last), layered(input, last), norm_type, one_or_all(kernel_size), stride=one_or_all(stride),
        ceil_mode=ceil_mode, data_format=layout_of(last),
    )  # fmt: skip
    return returned(result, last)


def _norm_grad_fake(grad_output, input, norm_type, kernel_size, stride, ceil_mode):
    check_grad(grad_output, _norm_shape(input, norm_type, kernel_size, stride, ceil_mode), "the pool")
    return fake(input.shape, grad_output, is_channels_last(input, len(kernel_size)))


_norm = operator("lp_pool", f"(Tensor input, {_NORM}) -> Tensor", _run_norm, _norm_fake)
_norm_grad = operator(
    "lp_pool_input_grad", f"(Tensor grad_output, Tensor input, {_NORM}) -> Tensor", _run_norm_grad, _norm_grad_fake
)


def _norm_setup(ctx, inputs, output):
    input, *ctx.options = inputs
    ctx.save_for_backward(input)


def _norm_backward(ctx, grad):
    return _norm_grad(grad, *ctx.saved_tensors, *ctx.options), *(None,) * len(ctx.options)


def _norm_grad_setup(ctx, inputs, output):
    grad, input, *ctx.options = inputs
    ctx.save_for_backward(grad, input)


def _norm_grad_backward(ctx, change):
    """With u = sign(x) |x|**(p - 1) and y the norm of a window, the gradient is u times the sum of g * y**(1 - p) over
    a sample's windows. Where x or y is 0 it is 0, and so are its derivatives here."""
    grad, input = ctx.saved_tensors
    norm_type, kernel_size, stride, ceil_mode = ctx.options
    windows = (kernel_size, stride, [], "valid", [1] * len(kernel_size), ceil_mode, True, 1)
    norms = _norm(input, *ctx.options)

    def power(base, exponent):
        magnitude = base.abs()
        inside = magnitude > 0
        return torch.where(inside, torch.where(inside, magnitude, 1) ** exponent, 0)

    direction = input.sign() * power(input, norm_type - 1)
    seen = _mean(change * direction, *windows)
    scale = power(norms, 1 - norm_type)
    to_grad = seen * scale if ctx.needs_input_grad[0] else None
    to_input = None
    if ctx.needs_input_grad[1]:
        shape = input.shape
        steeper = (norm_type - 1) * power(input, norm_type - 2)
        last = is_channels_last(input, len(kernel_size))
        to_input = change * steeper * _mean_grad(grad * scale, shape, last, *windows)
        to_norms = (1 - norm_type) * grad * power(norms, 1 - 2 * norm_type) * seen
        to_input = to_input + direction * _mean_grad(to_norms, shape, last, *windows)
    return to_grad, to_input, *(None,) * len(ctx.options)


_norm.register_autograd(_norm_backward, setup_context=_norm_setup)
_norm_grad.register_autograd(_norm_grad_backward, setup_context=_norm_grad_setup)


def _lp_of(rank):
    def lp_pool(input, norm_type, kernel_size, stride=None, ceil_mode=False):
        check_tensor(input, "input")
        kernel_size = ints(kernel_size, "kernel_size", rank, 1)
        return _norm(
            input, norm_of(norm_type), kernel_size, kernel_size if stride is None else ints(stride, "stride", rank, 1),
            check_bool(ceil_mode, "ceil_mode"),
        )  # fmt: skip

    return _docs.finish(lp_pool, "lp_pool", rank)


lp_pool1d, lp_pool2d, lp_pool3d = map(_lp_of, (1, 2, 3))
