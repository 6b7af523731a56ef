"""Pools of maxima and minima, of fixed and of adaptive windows.

Design: a maximum that needs a gradient is computed with its indices, which say all of that: its gradient sends samples
to where they point, the gradient of which is torch's own gather of samples from there.
"""

import torch

import cconv

from .._padding import check_bool
from .._shapes import POOL_PADDINGS
from . import _docs
from ._autograd import operator
from ._pool_shapes import WINDOWS, adaptive_shape, adaptive_sizes, permuted, pooled_shape, window_keywords
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

# ---- samples to and from places ---------------------------------------------------------------------------


def _run_scatter(grad_output, indices, input_shape, last, rank):
    result = getattr(cconv, f"max_pool{rank}d_input_grad")(
        layered(grad_output, last), layered(indices, last), permuted(input_shape, last), data_format=layout_of(last)
    )
    return returned(result, last)


def _scatter_fake(grad_output, indices, input_shape, last, rank):
    return fake(input_shape, grad_output, last)


_scatter = operator(
    "scatter",
    "(Tensor grad_output, Tensor indices, SymInt[] input_shape, bool channels_last, int rank) -> Tensor",
    _run_scatter, _scatter_fake,
)  # fmt: skip


def _scatter_setup(ctx, inputs, output):
    _, indices, _, _, ctx.rank = inputs
    ctx.save_for_backward(indices)


def _scatter_backward(ctx, change):
    (indices,) = ctx.saved_tensors
    planes, places = change.flatten(-ctx.rank), indices.flatten(-ctx.rank)
    return planes.gather(-1, places).reshape(indices.shape), None, None, None, None


_scatter.register_autograd(_scatter_backward, setup_context=_scatter_setup)


def _indexed_setup(ctx, inputs, output):
    """Of any operator that returns values and their indices."""
    ctx.shape, ctx.count = inputs[0].shape, len(inputs)
    ctx.rank = len(inputs[1])
    ctx.last = is_channels_last(inputs[0], ctx.rank)
    ctx.mark_non_differentiable(output[1])
    ctx.save_for_backward(output[1])


def _indexed_backward(ctx, grad, _):
    return _scatter(grad, *ctx.saved_tensors, ctx.shape, ctx.last, ctx.rank), *(None,) * (ctx.count - 1)


def _run_extreme(input, kernel_size, *options):
    *windows, minimum = options
    rank = len(kernel_size)
    last = is_channels_last(input, rank)
    pool = getattr(cconv, f"{'min' if minimum else 'max'}_pool{rank}d")
    result = pool(
        layered(input, last), one_or_all(kernel_size), data_format=layout_of(last), **window_keywords(*windows)
    )
    return returned(result, last)


def _run_extreme_indexed(input, kernel_size, *options):
    *windows, minimum = options
    rank = len(kernel_size)
    last = is_channels_last(input, rank)
    pool = getattr(cconv, f"{'min' if minimum else 'max'}_pool{rank}d")
    values, indices = pool(
        layered(input, last), one_or_all(kernel_size), return_indices=True, data_format=layout_of(last),
        **window_keywords(*windows),
    )  # fmt: skip
    return returned(values, last), returned(indices, last)


def _extreme_fake(input, kernel_size, *options):
    *windows, minimum = options
    kind = "min" if minimum else "max"
    shape = pooled_shape(kind, input.shape, dtype_of(input), kernel_size, window_keywords(*windows))
    return fake(shape, input, is_channels_last(input, len(kernel_size)))


def _extreme_indexed_fake(input, kernel_size, *options):
    values = _extreme_fake(input, kernel_size, *options)
    return values, fake(values.shape, input, is_channels_last(input, len(kernel_size)), torch.int64)


_extreme = operator("extreme_pool", f"(Tensor input, {WINDOWS}, bool minimum) -> Tensor", _run_extreme, _extreme_fake)
_extreme_indexed = operator(
    "extreme_pool_with_indices", f"(Tensor input, {WINDOWS}, bool minimum) -> (Tensor, Tensor)", _run_extreme_indexed,
    _extreme_indexed_fake,
)  # fmt: skip
_extreme_indexed.register_autograd(_indexed_backward, setup_context=_indexed_setup)


def _extreme_of(kind, rank):
    def pool(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        check_tensor(input, "input")
        kernel_size = ints(kernel_size, "kernel_size", rank, 1)
        options = (
            kernel_size, kernel_size if stride is None else ints(stride, "stride", rank, 1),
            *padding_of(padding, rank, POOL_PADDINGS), ints(dilation, "dilation", rank, 1),
            check_bool(ceil_mode, "ceil_mode"), kind == "min",
        )  # fmt: skip
        if check_bool(return_indices, "return_indices"):
            return _extreme_indexed(input, *options)
        if torch.is_grad_enabled() and input.requires_grad:
            return _extreme_indexed(input, *options)[0]
        return _extreme(input, *options)

    return _docs.finish(pool, f"{kind}_pool", rank)


max_pool1d, max_pool2d, max_pool3d = (_extreme_of("max", rank) for rank in (1, 2, 3))
min_pool1d, min_pool2d, min_pool3d = (_extreme_of("min", rank) for rank in (1, 2, 3))


# ---- adaptive windows --------------------------------------------------------------------------------------


def _run_adaptive(input, output_size):
    rank = len(output_size)
    last = is_channels_last(input, rank)
    pool = getattr(cconv, f"adaptive_max_pool{rank}d")
    values, indices = pool(layered(input, last), tuple(output_size), data_format=layout_of(last), return_indices=True)
    return returned(values, last), returned(indices, last)


def _adaptive_fake(input, output_size):
    rank = len(output_size)
    shape = adaptive_shape("max", input, output_size)
    last = is_channels_last(input, rank)
    return fake(shape, input, last), fake(shape, input, last, torch.int64)


_adaptive = operator(
    "adaptive_max_pool", "(Tensor input, SymInt[] output_size) -> (Tensor, Tensor)", _run_adaptive, _adaptive_fake
)
_adaptive.register_autograd(_indexed_backward, setup_context=_indexed_setup)


def _adaptive_of(rank):
    def adaptive_max_pool(input, output_size, return_indices=False):
        check_tensor(input, "input")
        check_bool(return_indices, "return_indices")
        values, indices = _adaptive(input, adaptive_sizes(output_size, input.shape, rank))
        return (values, indices) if return_indices else values

    return _docs.finish(adaptive_max_pool, "adaptive_max_pool", rank)


adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = map(_adaptive_of, (1, 2, 3))
