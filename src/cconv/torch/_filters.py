"""One tensor, one kernel: convolve and correlate.

Design:
  a. The operator never conjugates: `correlate` conjugates a complex kernel before. So it is bilinear as a layer is.
  b. The gradient of `input` behind a constant border is a filter too, by any method. All other gradients are those of
     a layer with one channel: batch axes along which all share a kernel are its batch, those with kernels of their own
     its groups. Views, but for batch axes that do not lie one after the other, and for what was broadcast, which is
     summed at the end.
"""

import math
from typing import NamedTuple

import numpy as np

import cconv

from .._dtypes import as_number
from .._padding import check_choice
from .._shapes import FILTER_METHODS, convolved_axes, filter_spec
from . import _docs
from ._autograd import bilinear, operator
from ._tensors import check_tensors, dtype_of, fake, ints, modes_from, modes_of, returned, view

_SCHEMA = "bool flip, str mode, str boundary, Scalar cval, int[] axes, int[] origin, str method"


def _spec(input_shape, input_dtype, kernel_shape, kernel_dtype, flip, mode, boundary, cval, axes, origin, method):
    return filter_spec(
        flip, tuple(input_shape), input_dtype, tuple(kernel_shape), kernel_dtype, mode, modes_from(boundary), cval,
        tuple(axes), tuple(origin), method, None, None,
    )  # fmt: skip


def _run(input, kernel, flip, mode, boundary, cval, axes, origin, method):
    options = dict(boundary=modes_from(boundary), cval=cval, axes=tuple(axes), origin=tuple(origin), method=method)
    if flip:
        return returned(cconv.convolve(view(input), view(kernel), mode, **options), False)
    return returned(cconv.correlate(view(input), view(kernel).conj(), mode, **options), False)


def _run_fake(input, kernel, *options):
    spec = _spec(input.shape, dtype_of(input), kernel.shape, dtype_of(kernel), *options)
    return fake(spec.output_shape, input)


class _Layer(NamedTuple):
    """A filter as a layer: the order of axes, the extents, the options."""

    rank: int
    order: tuple  # of input's and grad_output's axes: shared batch axes, those with kernels of their own, convolved
    kernel_order: tuple  # of the kernel's axes: the same; without batch axes the convolved ones only
    batch: tuple  # extents of what was broadcast, in `order`
    images: int
    groups: int
    extra: tuple  # taps that every kernel gets, so that no window lies in the border alone
    options: dict

    def folded(self, array):
        """input or grad_output, (images, groups, ...)."""
        array = array.transpose(self.order)
        spatial = array.shape[array.ndim - self.rank :]
        return np.broadcast_to(array, (*self.batch, *spatial)).reshape(self.images, self.groups, *spatial)

    def folded_kernel(self, kernel):
        """kernel, (groups, 1, ...)."""
        kernel = kernel.transpose(self.kernel_order)
        kernel = kernel.reshape(self.groups, 1, *kernel.shape[kernel.ndim - self.rank :])
        return np.pad(kernel, [(0, 0), (0, 0), *self.extra]) if any(map(any, self.extra)) else kernel


def _layer(input_shape, kernel_shape, dtype, flip, mode, boundary, cval, axes, origin, method):
    spec = _spec(input_shape, dtype, kernel_shape, dtype, flip, mode, boundary, cval, axes, origin, method)
    rank = len(axes)
    convolved = spec.input_axes[4 - rank :]
    taps = spec.weight_axes[5 - rank :]
    has_batch = len(kernel_shape) > rank
    extents = dict(zip(spec.output_batch_axes, spec.batch_shape, strict=True))
    own = [axis for axis in extents if has_batch and kernel_shape[axis] > 1]
    shared = [axis for axis in extents if axis not in own]
    pairs, extra = [], []
    for axis in range(3 - rank, 3):
        before = spec.pad_before[axis]
        after = spec.output_size[axis] + spec.kernel_size[axis] - 1 - before - spec.input_size[axis]
        more = max(0, -after)
        pairs.append((before, after + more))
        extra.append((more, 0) if flip else (0, more))
    options = dict(
        padding=tuple(pairs), padding_mode=spec.boundary[3 - rank :], cval=spec.cval, flip_kernel=flip,
        groups=math.prod([extents[axis] for axis in own]),
    )  # fmt: skip
    return _Layer(
        rank, (*shared, *own, *convolved), (*shared, *own, *taps) if has_batch else taps,
        tuple([extents[axis] for axis in (*shared, *own)]), math.prod([extents[axis] for axis in shared]),
        options["groups"], tuple(extra), options,
    )  # fmt: skip


def _reduced(array, order, shape):
    """`array`, with its axes in `order`, summed to `shape`, axes in place."""
    axes = tuple([place for place, axis in enumerate(order) if shape[axis] == 1 and array.shape[place] > 1])
    total = array.sum(axes, keepdims=True) if axes else array
    return np.ascontiguousarray(total.transpose(np.argsort(order)))


def _transposed(kernel_shape, flip, mode, boundary, axes, origin):
    """The (mode, origin) of the filter that the gradient of `input` is, or None if there is none: behind a border that
    repeats samples, and where windows lie in the border alone."""
    if mode != "same":
        return {"full": "valid", "valid": "full"}[mode], 0
    if set(boundary.split(",")) - {"constant", "zeros"}:
        return None
    origins = []
    for place, (axis, shift) in enumerate(zip(axes, origin, strict=True)):
        taps = kernel_shape[place if len(kernel_shape) == len(axes) else axis]
        before = taps // 2 + (-shift if flip else shift)
        move = taps - 1 - before - taps // 2
        origins.append(move if flip else -move)
        if not -(taps // 2) <= origins[-1] <= (taps - 1) // 2:
            return None
    return "same", tuple(origins)


def _run_input_grad(grad_output, kernel, input_shape, last, *options):
    flip, mode, boundary, _, axes, origin, method = options
    transposed = _transposed(kernel.shape, flip, mode, boundary, axes, origin)
    if transposed is not None:
        weights = view(kernel)
        run, weights = (cconv.correlate, weights) if flip else (cconv.convolve, weights.conj())
        mode, origin = transposed
        grad = run(view(grad_output), weights, mode, axes=tuple(axes), origin=origin, method=method)
        return returned(_reduced(grad, range(grad.ndim), tuple(input_shape)), False)
    layer = _layer(input_shape, kernel.shape, dtype_of(grad_output), *options)
    spatial = tuple([input_shape[axis] for axis in layer.order[len(layer.batch) :]])
    grad = getattr(cconv, f"conv{layer.rank}d_input_grad")(
        layer.folded(view(grad_output)), layer.folded_kernel(view(kernel)), (layer.images, layer.groups, *spatial),
        **layer.options,
    )  # fmt: skip
    return returned(_reduced(grad.reshape(*layer.batch, *spatial), layer.order, tuple(input_shape)), False)


def _run_kernel_grad(input, grad_output, kernel_shape, *options):
    layer = _layer(input.shape, kernel_shape, dtype_of(input), *options)
    taps = tuple([kernel_shape[axis] for axis in layer.kernel_order[-layer.rank :]])
    wider = tuple([count + sum(more) for count, more in zip(taps, layer.extra, strict=True)])
    grad = getattr(cconv, f"conv{layer.rank}d_weight_grad")(
        layer.folded(view(input)), layer.folded(view(grad_output)), (layer.groups, 1, *wider), **layer.options
    )
    kept = [slice(more[0], more[0] + count) for count, more in zip(taps, layer.extra, strict=True)]
    grad = grad[(slice(None), 0, *kept)]
    shape = tuple([kernel_shape[axis] for axis in layer.kernel_order])
    return returned(_reduced(grad.reshape(shape), layer.kernel_order, tuple(kernel_shape)), False)


def _check(grad_output, input_shape, kernel_shape, options):
    dtype = dtype_of(grad_output)
    shape = _spec(input_shape, dtype, kernel_shape, dtype, *options).output_shape
    if tuple(grad_output.shape) != tuple(shape):
        raise ValueError(f"grad_output has shape {tuple(grad_output.shape)}; the filter returns {tuple(shape)}")


def _input_grad_fake(grad_output, kernel, input_shape, last, *options):
    _check(grad_output, input_shape, kernel.shape, options)
    return fake(input_shape, grad_output)


def _kernel_grad_fake(input, grad_output, kernel_shape, *options):
    _check(grad_output, input.shape, kernel_shape, options)
    return fake(kernel_shape, input)


_filter = operator("filter", f"(Tensor input, Tensor kernel, {_SCHEMA}) -> Tensor", _run, _run_fake)
_input_grad = operator(
    "filter_input_grad",
    f"(Tensor grad_output, Tensor kernel, SymInt[] input_shape, bool channels_last, {_SCHEMA}) -> Tensor",
    _run_input_grad, _input_grad_fake,
)  # fmt: skip
_kernel_grad = operator(
    "filter_kernel_grad", f"(Tensor input, Tensor grad_output, SymInt[] kernel_shape, {_SCHEMA}) -> Tensor",
    _run_kernel_grad, _kernel_grad_fake,
)  # fmt: skip


def _without_border(options):
    return *options[:3], 0, *options[4:]


# rank 0: an image in torch's channels_last format is one of any strides here
bilinear(_filter, _input_grad, _kernel_grad, 7, _without_border, lambda options: 0)


def _call(flip, input, kernel, mode, boundary, cval, axes, origin, method):
    check_tensors(input, kernel, "kernel")
    check_choice(mode, "mode", ("full", "same", "valid"))
    axes = list(convolved_axes(axes, input.shape))
    rank = len(axes)
    if not flip and kernel.is_complex():
        kernel = kernel.conj().resolve_conj()
    return _filter(
        input, kernel, flip, mode, modes_of(boundary, "boundary", rank), as_number(cval), axes,
        ints(origin, "origin", rank), check_choice(method, "method", FILTER_METHODS),
    )  # fmt: skip


def convolve(input, kernel, mode="full", *, boundary="constant", cval=0, axes=None, origin=0, method="auto"):
    return _call(True, input, kernel, mode, boundary, cval, axes, origin, method)


def correlate(input, kernel, mode="full", *, boundary="constant", cval=0, axes=None, origin=0, method="auto"):
    return _call(False, input, kernel, mode, boundary, cval, axes, origin, method)


convolve.__doc__, correlate.__doc__ = _docs.CONVOLVE, _docs.CORRELATE
