"""Arguments of adaptive pools, unpooling and gradients of pools -> specs for `_pool_gradient`.

Design:
  a. The gradient of a mean is a sum over the windows that hold a sample, each over what the mean divided by. Windows
     are those of the forward call's `PoolSpec`, which validates the arguments here too.
  b. Where adaptive windows have one size and no overlap they are an ordinary pool, and run as one.
  c. `indices` say all that the gradient of a maximum needs: the windows do not enter.
"""

import math
from typing import NamedTuple

import numpy as np

from ._dtypes import average_arithmetic, check_supported, maximum_arithmetic, native
from ._gradient_shapes import check_shape
from ._padding import check_byte_size, check_int, is_sequence, padding_pairs, per_axis
from ._shapes import layer_axes, pool_spec


class SpanAxis(NamedTuple):
    """One axis: `size` targets, each made of some of `sources`. pool_spans.pxd says which."""

    size: int
    sources: int
    adaptive: bool = True
    weighted: bool = False
    kernel: int = 1
    stride: int = 1
    pad: int = 0
    pad_after: int = 0
    dilation: int = 1
    include_pad: bool = False


class SpanSpec(NamedTuple):
    """The sum or maximum of the sources of each target."""

    kind: str  # "sum" or "max"
    real: str
    batch_shape: tuple[int, ...]
    channels: int
    spans: tuple[SpanAxis, SpanAxis, SpanAxis]
    by_counts: bool  # the sum over the number of sources
    nan_omit: bool  # of "max"
    scale: float  # of "sum"
    norm: float  # of the gradient of an lp norm, else 0
    batch_axes: tuple[int, ...]  # of all arrays
    axes: tuple[int, int, int, int]
    output_shape: tuple[int, ...]
    output_dtype: np.dtype


class ScatterSpec(NamedTuple):
    """Samples to the places of a plane that indices name, or from there."""

    mode: str  # "add", "set", "fetch"
    real: str
    batch_shape: tuple[int, ...]
    channels: int
    plane: tuple[int, int, int]
    samples: tuple[int, int, int]
    batch_axes: tuple[int, ...]
    axes: tuple[int, int, int, int]
    plane_shape: tuple[int, ...]
    shape: tuple[int, ...]  # of samples and indices
    dtype: np.dtype


# ---- windows ----------------------------------------------------------------------------------------------------


def norm_of(norm_type):
    """norm_type as a float."""
    if isinstance(norm_type, (bool, np.bool_)) or not isinstance(norm_type, (int, float, np.integer, np.floating)):
        raise TypeError(f"norm_type={norm_type!r} must be a number above 0")
    if not 0 < norm_type < math.inf:
        raise ValueError(f"norm_type={norm_type!r} must be a finite number above 0")
    return float(norm_type)


def window_gradient(
    kind, rank, grad_shape, grad_dtype, input_shape, kernel_size, stride, padding, dilation, ceil_mode,
    count_include_pad, divisor_override, data_format, norm=0.0,
):  # fmt: skip
    """The spec of the input gradient of avg_pool or lp_pool; that of a complex mean is for either part."""
    input_shape = check_shape(input_shape, "input_shape")
    part = gradient_part(grad_dtype, "grad_output")
    forward = pool_spec(
        kind, rank, input_shape, part, kernel_size, stride, padding, dilation, ceil_mode, False,
        count_include_pad, divisor_override, False, data_format, None, norm,
    )  # fmt: skip
    if grad_shape != forward.output_shape:
        raise ValueError(
            f"grad_output has shape {grad_shape}; {kind}_pool{rank}d of an input of shape {input_shape} with these "
            f"options returns {forward.output_shape}"
        )
    include_pad = kind == "avg" and forward.count_include_pad
    scale = 1.0 / forward.divisor_override if forward.divisor_override else 1.0
    spans = []
    for axis in range(3):
        span = _gradient_axis(forward, axis, include_pad)
        if kind == "lp" or forward.divisor_override:
            span = span._replace(weighted=False)
        elif not span.weighted:
            scale /= span.kernel
        spans.append(span)
    return SpanSpec(
        kind="sum", real=forward.real, batch_shape=forward.batch_shape, channels=forward.channels, spans=tuple(spans),
        by_counts=False, nan_omit=False, scale=scale, norm=norm, batch_axes=forward.input_batch_axes,
        axes=forward.input_axes, output_shape=input_shape, output_dtype=native(grad_dtype),
    )  # fmt: skip


def gradient_part(dtype, name):
    """The real type of a gradient; integers have none."""
    check_supported(dtype, name)
    if dtype.kind not in "fc":
        raise TypeError(f"{name} has dtype {dtype}; gradients take floating or complex ones")
    return np.empty(0, native(dtype)).real.dtype


def _gradient_axis(forward, axis, include_pad):
    """The windows of an axis, seen from its samples; not weighted if they all divide by their kernel."""
    size, kernel, sources = forward.input_size[axis], forward.kernel_size[axis], forward.output_size[axis]
    stride, dilation = forward.stride[axis], forward.dilation[axis]
    before, after = forward.pad_before[axis], forward.pad_after[axis]
    end = (sources - 1) * stride - before + (kernel - 1) * dilation
    whole = end < size + after if include_pad else before == 0 and end < size
    return SpanAxis(size, sources, False, not whole, kernel, stride, before, after, dilation, include_pad)


# ---- adaptive windows ---------------------------------------------------------------------------------------------


def adaptive_spec(kind, rank, input_shape, input_dtype, output_size, with_indices, nan_omit, data_format):
    """The PoolSpec or SpanSpec of adaptive_avg_pool or adaptive_max_pool."""
    _, _, spatial = layer_axes(rank, input_shape, data_format)
    sizes = tuple([input_shape[axis] for axis in spatial])
    outputs = adaptive_size(output_size, sizes)
    for axis, (size, output) in enumerate(zip(sizes, outputs, strict=True)):
        if size == 0 and output:
            raise ValueError(
                f"input of shape {input_shape} has no samples along spatial axis {axis}; output_size={output_size!r} "
                f"asks for {output} windows of them"
            )
    if all(output and size % output == 0 for size, output in zip(sizes, outputs, strict=True)):
        kernel = tuple([size // output for size, output in zip(sizes, outputs, strict=True)])
        return pool_spec(
            kind, rank, input_shape, input_dtype, kernel, None, 0, 1, False, with_indices, False, None, nan_omit,
            data_format, None,
        )  # fmt: skip
    # what all pools refuse, and the types
    some = tuple([max(1, n) if axis in spatial else n for axis, n in enumerate(input_shape)])
    plain = pool_spec(
        kind, rank, some, input_dtype, (1,) * rank, None, 0, 1, False, with_indices, False, None, nan_omit,
        data_format, None,
    )  # fmt: skip
    output_shape = list(input_shape)
    for axis, output in zip(spatial, outputs, strict=True):
        output_shape[axis] = output
    check_byte_size(output_shape, 8, "the result")
    missing = 3 - rank
    return SpanSpec(
        kind="sum" if kind == "avg" else "max",
        real=plain.real if kind == "avg" else maximum_arithmetic(native(input_dtype), max(1, math.prod(sizes))),
        batch_shape=plain.batch_shape, channels=plain.channels,
        spans=tuple(map(SpanAxis, (1,) * missing + outputs, (1,) * missing + sizes)),
        by_counts=kind == "avg", nan_omit=nan_omit, scale=1.0, norm=0.0, batch_axes=plain.input_batch_axes,
        axes=plain.input_axes, output_shape=tuple(output_shape), output_dtype=plain.output_dtype,
    )  # fmt: skip


def adaptive_size(output_size, sizes):
    """output_size as one int per axis; None is the input's extent."""
    rank = len(sizes)
    whole = output_size
    if not is_sequence(output_size):
        output_size = (output_size,) * rank
    if len(output_size) != rank:
        raise ValueError(f"output_size={whole!r} must be an int, None, or one of these per axis ({rank})")
    return tuple([
        size if entry is None else check_int(entry, "output_size", 0, whole=whole)
        for entry, size in zip(output_size, sizes, strict=True)
    ])  # fmt: skip


def adaptive_gradient(rank, grad_shape, grad_dtype, input_shape, data_format):
    """The spec of the input gradient of adaptive_avg_pool; that of a complex mean is for either part."""
    part = gradient_part(grad_dtype, "grad_output")
    input_shape = check_shape(input_shape, "input_shape")
    batched, channel, spatial = layer_axes(rank, input_shape, data_format)
    rest = [axis for axis in range(len(input_shape)) if axis not in spatial]
    if len(grad_shape) != len(input_shape) or any(grad_shape[axis] != input_shape[axis] for axis in rest):
        raise ValueError(
            f"grad_output has shape {grad_shape}, which adaptive_avg_pool{rank}d of an input of shape {input_shape} "
            f"({data_format}) cannot return: all axes but the spatial ones have to agree"
        )
    if math.prod(grad_shape) and not math.prod(input_shape):
        raise ValueError(f"grad_output has shape {grad_shape}, input_shape={input_shape} has no samples")
    missing = 3 - rank
    spans = [SpanAxis(1, 1)] * missing
    spans += [_adaptive_axis(input_shape[axis], grad_shape[axis]) for axis in spatial]
    scale = 1.0 / math.prod([1 if span.weighted else span.kernel for span in spans])
    return SpanSpec(
        kind="sum", real=average_arithmetic(part, part), batch_shape=input_shape[:1] if batched else (),
        channels=input_shape[channel], spans=tuple(spans), by_counts=False, nan_omit=False, scale=scale, norm=0.0,
        batch_axes=(0,) if batched else (), axes=(channel, *(-1,) * missing, *spatial), output_shape=input_shape,
        output_dtype=native(grad_dtype),
    )  # fmt: skip


def _adaptive_axis(size, sources):
    """The windows of an axis, seen from its samples: those of a plain pool where they have one size and no overlap."""
    if sources and size % sources == 0:
        return SpanAxis(size, sources, False, False, size // sources, size // sources)
    return SpanAxis(size, sources, weighted=True)


# ---- indices ------------------------------------------------------------------------------------------------------


def scatter_spec(mode, rank, shape, dtype, indices_shape, indices_dtype, plane_shape, data_format, name):
    """The spec of max_unpool ("set"), its gradient ("fetch") or that of a maximum ("add").

    `shape` is that of what belongs to the indices, called `name`; `plane_shape` that of what they point into.
    """
    check_supported(dtype, name)
    if indices_dtype.kind not in "iu":
        raise TypeError(f"indices has dtype {indices_dtype}; it takes integers")
    planes = "grad_output" if mode == "fetch" else "input"
    batched, channel, spatial = layer_axes(rank, plane_shape, data_format, planes)
    if shape != indices_shape:
        raise ValueError(f"indices has shape {indices_shape}, {name} {shape}; there has to be one for each sample")
    rest = [axis for axis in range(len(plane_shape)) if axis not in spatial]
    if len(shape) != len(plane_shape) or any(shape[axis] != plane_shape[axis] for axis in rest):
        raise ValueError(
            f"{name} has shape {shape}, which does not belong to planes of shape {plane_shape} ({data_format}): all "
            f"axes but the spatial ones have to agree"
        )
    check_byte_size(plane_shape, max(dtype.itemsize, 8), "the result")
    if math.prod(shape) and not math.prod(plane_shape):
        raise ValueError(f"{name} has shape {shape}, but planes of shape {plane_shape} have no samples")
    part = np.empty(0, native(dtype)).real.dtype
    real = maximum_arithmetic(part, 1) if part.kind == "f" else "i32" if part.itemsize <= 4 else "i64"
    missing = (1,) * (3 - rank)
    return ScatterSpec(
        mode=mode, real=real, batch_shape=plane_shape[:1] if batched else (), channels=plane_shape[channel],
        plane=missing + tuple([plane_shape[axis] for axis in spatial]),
        samples=missing + tuple([shape[axis] for axis in spatial]), batch_axes=(0,) if batched else (),
        axes=(channel, *(-1,) * (3 - rank), *spatial), plane_shape=plane_shape, shape=shape, dtype=native(dtype),
    )  # fmt: skip


def unpooled_shape(rank, shape, kernel_size, stride, padding, output_size, data_format):
    """The shape that max_unpool returns."""
    _, _, spatial = layer_axes(rank, shape, data_format)
    kernel = per_axis(kernel_size, "kernel_size", rank, 1)
    stride = kernel if stride is None else per_axis(stride, "stride", rank, 1)
    pairs = padding_pairs(padding, rank)
    if min(map(min, pairs)) < 0:
        raise ValueError(f"padding={padding!r} must not be negative")
    usual = [
        (shape[axis] - 1) * step + taps - sum(pair) if shape[axis] else 0
        for axis, taps, step, pair in zip(spatial, kernel, stride, pairs, strict=True)
    ]
    sizes = usual
    if output_size is not None:
        sizes = check_shape(output_size, "output_size")
        if len(sizes) == len(shape) and len(sizes) != rank:
            sizes = tuple([sizes[axis] for axis in spatial])
        if len(sizes) != rank:
            raise ValueError(f"output_size={output_size!r} must have {rank} entries, or {len(shape)} as input")
        for size, expected, step in zip(sizes, usual, stride, strict=True):
            if not expected - step < size < expected + step:
                allowed = " x ".join(f"{max(0, n - s + 1)}..{n + s - 1}" for n, s in zip(usual, stride, strict=True))
                raise ValueError(
                    f"output_size={output_size!r} cannot be pooled to input of shape {shape} with "
                    f"kernel_size={kernel_size!r}, stride={stride}, padding={padding!r}: these take {allowed}"
                )
    elif min(usual) < 0:
        raise ValueError(f"padding={padding!r} leaves nothing of what input of shape {shape} is unpooled to")
    plane = list(shape)
    for axis, size in zip(spatial, sizes, strict=True):
        plane[axis] = size
    return tuple(plane)
