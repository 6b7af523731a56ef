"""Arguments -> one frozen, hashable spec: all validation and all shape arithmetic.

Design:
  a. Validate once, here. A spec says everything that the compiled core has to know, and the core believes it:
     whatever is not refused here is done. Public functions cache the operator built from a spec under the
     call's signature.
  b. Rank is data. 1-D and 2-D problems are 3-D ones with leading extents of 1; a spec names, per canonical
     axis (channel, depth, height, width), the axis of the caller's array that it is, or -1 for an axis that
     is not there or is broadcast. So channels_last, batch axes anywhere and kernels without batch axes need
     no case of their own.
  c. Convolved axes keep the caller's array order, whatever order they were named in: the last is the width,
     which the kernels run along.
  d. Specs are normal forms. A stride that is never taken is 1, a dilation between no two taps is 1, the
     border of an axis without padding is "constant", a border value that is not used is 0. What computes the
     same compares equal, and the core's fast paths see through odd arguments.
  e. Only Python ints, str, bool, None, tuples and native NumPy dtypes are stored: whatever the caller gave
     (NumPy scalars, lists, names in other libraries' words) is gone.
"""

import math
from typing import Any, NamedTuple

import numpy as np

from ._dtypes import (
    addend_dtype,
    as_number,
    average_arithmetic,
    averaged_dtype,
    check_bias_dtype,
    check_cval,
    check_supported,
    convolution_arithmetic,
    maximum_arithmetic,
    native,
    result_dtype,
    stored_dtype,
    sum_of,
)
from ._padding import (
    Axis,
    check_bool,
    check_boundary,
    check_byte_size,
    check_choice,
    check_int,
    check_padded_extent,
    is_sequence,
    padded_axes,
    padding_pairs,
    per_axis,
)

ACTIVATIONS = (None, "relu", "leaky_relu", "relu6")
CONV_PADDINGS = ("valid", "same", "same_lower", "full", "causal")
POOL_PADDINGS = ("valid", "same", "same_lower")
FILTER_METHODS = ("auto", "direct", "fft")
LAYER_METHODS = ("auto", "direct", "winograd", "fft")
DATA_FORMATS = ("channels_first", "channels_last")


class ConvSpec(NamedTuple):
    """The sum over c, j of input[b, g, c, i*stride + j*dilation - pad_before] * weight[b, g, o, c, j]."""

    real: str  # arithmetic: "f32", "f64", "i32", "i64"; integers modulo 2**32, 2**64, truncated on store
    sum_dtype: np.dtype  # what the arithmetic's values mean; the bias is cast to it
    saturate: bool  # store rounds half to even and clips to output_dtype, an integer type
    is_complex: bool  # of the result; the arithmetic is that of its parts
    conjugate: bool  # of the weight
    flip: bool  # the weight is reversed along its spatial axes
    batch_shape: tuple[int, ...]
    groups: int
    in_channels: int  # per group
    out_channels: int  # per group
    input_size: tuple[int, int, int]  # after the crop
    kernel_size: tuple[int, int, int]
    output_size: tuple[int, int, int]
    stride: tuple[int, int, int]
    dilation: tuple[int, int, int]
    pad_before: tuple[int, int, int]  # what stands after follows from the extents
    boundary: tuple[str, str, str]  # numpy.pad's names
    cval: Any  # int, float or complex, as the arithmetic is
    activation: str | None
    method: str  # "auto", "direct", "winograd", "separable": what the kernels may choose from
    # Axes of the caller's arrays, -1 where an array has no such axis or is broadcast along it.
    input_batch_axes: tuple[int, ...]  # one per entry of batch_shape
    input_axes: tuple[int, int, int, int]  # channel, d, h, w
    input_start: tuple[int, int, int]  # samples cropped before the first
    weight_batch_axes: tuple[int, ...]
    weight_axes: tuple[int, int, int, int, int]  # out, in, d, h, w
    output_batch_axes: tuple[int, ...]
    output_axes: tuple[int, int, int, int]
    output_shape: tuple[int, ...]
    output_dtype: np.dtype
    gap: tuple[int, int, int] = (0, 0, 0)  # zeros between samples, counted in input_size: depthwise layers only
    # of h and w of the layer whose input gradient this is in phases: kernel, stride, padding before, flip
    phase_axes: tuple[Any, ...] = ()
    block: tuple[int, int, int] = (1, 1, 1)  # samples of the output array that channels which follow each other fill


class PoolSpec(NamedTuple):
    """The maximum, mean, minimum or norm over j of input[b, c, i*stride + j*dilation - pad_before]."""

    kind: str  # "max", "avg", "min" or "lp"
    real: str
    batch_shape: tuple[int, ...]  # of all axes but the channels and the spatial ones
    channels: int
    input_size: tuple[int, int, int]
    kernel_size: tuple[int, int, int]
    output_size: tuple[int, int, int]
    stride: tuple[int, int, int]
    dilation: tuple[int, int, int]
    pad_before: tuple[int, int, int]
    pad_after: tuple[int, int, int]
    count_include_pad: bool
    divisor_override: int  # 0 = none
    with_indices: bool
    nan_omit: bool
    input_batch_axes: tuple[int, ...]
    input_axes: tuple[int, int, int, int]  # channel, d, h, w
    output_batch_axes: tuple[int, ...]
    output_axes: tuple[int, int, int, int]
    output_shape: tuple[int, ...]
    output_dtype: np.dtype
    norm: float = 0.0  # p of "lp"


# ---- CNN layers --------------------------------------------------------------------------------------------


def conv_spec(
    rank, input_shape, input_dtype, weight_shape, weight_dtype, bias_shape, bias_dtype,
    stride, padding, padding_mode, cval, dilation, groups, flip_kernel, activation, data_format, method,
    out_dtype, casting,
):  # fmt: skip
    """The spec of conv1d, conv2d or conv3d; `bias_shape` and `bias_dtype` are None without a bias."""
    result = result_dtype(input_dtype, weight_dtype, "weight")
    dtype = stored_dtype(result, out_dtype, casting)
    check_choice(method, "method", LAYER_METHODS)
    if method == "fft" and result.kind in "biu":
        raise TypeError(f"method='fft' would round, the sum of type {result} is exact; use 'auto' or 'direct'")
    batched, channel, spatial = layer_axes(rank, input_shape, data_format)
    if len(weight_shape) != rank + 2:
        raise ValueError(
            f"weight has {len(weight_shape)} axes, shape {weight_shape}; it takes {rank + 2}: "
            f"(out_channels, in_channels / groups, {_spatial_names('k', rank)})"
        )
    out_channels, in_channels, *kernel = weight_shape
    if 0 in kernel:
        raise ValueError(f"weight of shape {weight_shape} is an empty kernel; each spatial axis needs a tap")
    groups = check_int(groups, "groups", 1)
    if out_channels % groups:
        raise ValueError(f"groups={groups} does not divide the {out_channels} output channels of weight")
    if input_shape[channel] != groups * in_channels:
        raise ValueError(
            f"input of shape {input_shape} has {input_shape[channel]} channels ({data_format}); "
            f"weight of shape {weight_shape} with groups={groups} takes {groups} * {in_channels}"
        )
    if bias_shape is not None:
        check_bias_dtype(bias_dtype, addend_dtype(result, dtype, casting))
        if bias_shape != (out_channels,):
            raise ValueError(f"bias has shape {bias_shape}; it takes {(out_channels,)}: one per output")
    flip = check_bool(flip_kernel, "flip_kernel")
    check_choice(activation, "activation", ACTIVATIONS)
    if activation is not None and dtype.kind == "c":
        raise TypeError(f"activation={activation!r} is not defined for the complex result type {dtype}")
    if activation == "leaky_relu" and addend_dtype(result, dtype, casting).kind in "biu":
        raise TypeError(f"activation='leaky_relu' would be truncated in the integer result type {dtype}")

    stride = per_axis(stride, "stride", rank, 1)
    dilation = per_axis(dilation, "dilation", rank, 1)
    sizes = tuple([input_shape[axis] for axis in spatial])
    axes = padded_axes(sizes, tuple(kernel), stride, dilation, padding, CONV_PADDINGS)
    output_shape = list(input_shape)
    output_shape[channel] = out_channels
    for axis, resolved in zip(spatial, axes, strict=True):
        output_shape[axis] = resolved.output
    batch = (0,) if batched else ()
    spec = _convolution(
        dtypes=(input_dtype, weight_dtype, bias_dtype), dtype=dtype, casting=casting,
        conjugate=False, flip=flip, axes=axes, kernel=kernel, stride=stride, dilation=dilation,
        boundary=padding_mode, boundary_name="padding_mode", cval=cval, activation=activation, groups=groups,
        in_channels=in_channels, out_channels=out_channels // groups, batch_shape=input_shape[: len(batch)],
        input_batch_axes=batch, input_axes=(channel, *spatial), weight_batch_axes=(-1,) * len(batch),
        weight_axes=(0, 1, *range(2, rank + 2)), output_batch_axes=batch, output_axes=(channel, *spatial),
        output_shape=tuple(output_shape), itemsize=max(input_dtype.itemsize, dtype.itemsize), method=method,
    )  # fmt: skip
    if method == "winograd":
        check_winograd(spec)
    return spec


def check_winograd(spec):
    """Refuse what Winograd's algorithm is not for: it is F(4x4, 3x3), or F(4, 3) along one axis, in floating point."""
    wants = [("kernel of weight", spec.kernel_size[1:], ((1, 3), (3, 3))), ("stride", spec.stride[1:], ((1, 1),))]
    for name, got, taken in wants:
        if got not in taken:
            known = " or ".join(map(str, taken))
            raise ValueError(f"method='winograd' takes {name} {known} over (height, width); got {got}")
    if spec.real[0] != "f" or spec.is_complex:
        raise ValueError(f"method='winograd' takes real floating point; the sum has dtype {spec.sum_dtype}")


def layer_axes(rank, input_shape, data_format, name="input"):
    """(is there a batch axis, the channel axis, the spatial axes) of a layer's input."""
    check_choice(data_format, "data_format", DATA_FORMATS)
    batched = len(input_shape) == rank + 2
    last = data_format == "channels_last"
    if not batched and len(input_shape) != rank + 1:
        names = _spatial_names("spatial", rank)
        unbatched = f"({names}, C)" if last else f"(C, {names})"
        raise ValueError(
            f"{name} has {len(input_shape)} axes, shape {input_shape}; it takes {rank + 2}: "
            f"(N, {unbatched[1:-1]}), or {rank + 1} without a batch axis: {unbatched}"
        )
    first = 1 if batched else 0
    if last:
        return batched, first + rank, tuple(range(first, first + rank))
    return batched, first, tuple(range(first + 1, first + 1 + rank))


# ---- one array, one kernel ---------------------------------------------------------------------------------


def filter_spec(
    flip, input_shape, input_dtype, kernel_shape, kernel_dtype,
    mode, boundary, cval, axes, origin, method, out_dtype, casting,
):  # fmt: skip
    """The spec of convolve (`flip`) or correlate (not `flip`)."""
    dtype = stored_dtype(result_dtype(input_dtype, kernel_dtype, "kernel"), out_dtype, casting)
    check_choice(method, "method", FILTER_METHODS)
    if method == "fft" and dtype.kind in "biu":
        raise TypeError(f"method='fft' would round, the result type {dtype} is exact; use 'auto' or 'direct'")
    check_choice(mode, "mode", ("full", "same", "valid"))
    axes = convolved_axes(axes, input_shape)
    rank = len(axes)
    kernel_axes, kernel_batch = _kernel_axes(axes, input_shape, kernel_shape)
    kernel = [kernel_shape[axis] for axis in kernel_axes]
    if 0 in kernel:
        raise ValueError(f"kernel of shape {kernel_shape} is empty; each convolved axis needs a tap")
    names, _ = check_boundary(boundary, "boundary", rank)
    if mode == "full" and any(name != "constant" for name in names):
        raise ValueError(f"boundary={boundary!r} needs mode='same'; mode='full' extends by cval only")
    origins = _checked_origins(origin, mode, kernel, rank)
    sizes = [input_shape[axis] for axis in axes]
    resolved = [
        _mode_axis(mode, axis, n, k, o if not flip else -o)
        for axis, n, k, o in zip(axes, sizes, kernel, origins, strict=True)
    ]

    batch = [axis for axis in range(len(input_shape)) if axis not in axes]
    output_shape = list(input_shape)
    for axis, entry in zip(axes, resolved, strict=True):
        output_shape[axis] = entry.output
    input_batch, kernel_batch_axes = [], []
    for axis in batch:
        ours, theirs = input_shape[axis], kernel_shape[axis] if kernel_batch else 1
        if ours != theirs and ours != 1 and theirs != 1:
            raise ValueError(
                f"kernel of shape {kernel_shape} does not broadcast with input of shape {input_shape} "
                f"along batch axis {axis}: {theirs} and {ours}"
            )
        extent = output_shape[axis] = theirs if ours == 1 else ours
        input_batch.append(axis if ours == extent else -1)
        kernel_batch_axes.append(axis if kernel_batch and theirs == extent else -1)

    # in the order of the array, so that the last convolved axis is the width (Design c)
    order = sorted(range(rank), key=axes.__getitem__)
    spatial = tuple([axes[i] for i in order])
    # one name for all is passed on as it was given, so that a single "zeros" is still seen with its cval
    boundary = boundary if isinstance(boundary, str) else tuple([boundary[i] for i in order])
    return _convolution(
        dtypes=(input_dtype, kernel_dtype, None), dtype=dtype, casting=casting,
        conjugate=not flip and dtype.kind == "c", flip=flip, axes=[resolved[i] for i in order],
        kernel=[kernel[i] for i in order], stride=(1,) * rank, dilation=(1,) * rank,
        boundary=boundary, boundary_name="boundary", cval=cval, activation=None,
        groups=1, in_channels=1, out_channels=1, batch_shape=tuple([output_shape[axis] for axis in batch]),
        input_batch_axes=tuple(input_batch), input_axes=(-1, *spatial),
        weight_batch_axes=tuple(kernel_batch_axes),
        weight_axes=(-1, -1, *[kernel_axes[i] for i in order]),
        output_batch_axes=tuple(batch), output_axes=(-1, *spatial),
        output_shape=tuple(output_shape), itemsize=max(input_dtype.itemsize, dtype.itemsize),
        method="separable" if method == "auto" and _may_separate(kernel, dtype) else "direct",
    )  # fmt: skip


def _may_separate(kernel, dtype):
    """Might passes, one per axis, be what computes the sum? The weight decides, at the call."""
    return sum(taps > 1 for taps in kernel) > 1 and dtype.kind != "c"


def convolved_axes(axes, input_shape):
    """`axes` as a tuple of 1 to 3 different axis numbers >= 0, in the caller's order."""
    ndim = len(input_shape)
    if axes is None:
        if not 1 <= ndim <= 3:
            hint = "; name up to 3 of them with axes=" if ndim else ""
            raise ValueError(f"input has {ndim} axes, shape {input_shape}; 1 to 3 can be convolved{hint}")
        return tuple(range(ndim))
    numbers = [check_int(a, "axes", whole=axes) for a in (axes if is_sequence(axes) else (axes,))]
    for axis in numbers:
        if not -ndim <= axis < ndim:
            raise ValueError(f"axes={axes!r} names axis {axis}; input of shape {input_shape} has {ndim}")
    numbers = tuple([axis % ndim for axis in numbers])
    if not 1 <= len(numbers) <= 3:
        raise ValueError(f"axes={axes!r} must name 1 to 3 axes")
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"axes={axes!r} names an axis twice (input has {ndim})")
    return numbers


def _kernel_axes(axes, input_shape, kernel_shape):
    """(the kernel's axis for each of `axes`, does the kernel have batch axes).

    A kernel with as many axes as are convolved has them in the order of `axes`; any other has the input's
    axes.
    """
    if len(kernel_shape) == len(axes):
        return tuple(range(len(axes))), False
    if len(kernel_shape) == len(input_shape):
        return axes, True
    shown = f"{len(axes)} axes, one per convolved axis"
    if len(axes) != len(input_shape):
        shown += f", or {len(input_shape)} as input of shape {input_shape}, whose other axes are batch axes"
    raise ValueError(f"kernel has {len(kernel_shape)} axes, shape {kernel_shape}; it takes {shown}")


def _checked_origins(origin, mode, kernel, rank):
    origins = per_axis(origin, "origin", rank)
    if mode != "same" and any(origins):
        raise ValueError(f"origin={origin!r} needs mode='same'; mode={mode!r} has no centre to move")
    for taps, shift in zip(kernel, origins, strict=True):
        if not -(taps // 2) <= shift <= (taps - 1) // 2:
            raise ValueError(
                f"origin={origin!r} is out of range: along {taps} taps it takes {-(taps // 2)} to "
                f"{(taps - 1) // 2}"
            )
    return origins


def _mode_axis(mode, axis, size, taps, shift):
    """One convolved axis, by mode; `shift` moves the response to the right."""
    if mode == "same":
        # Taps 0 .. taps-1 of the sliding window meet samples i - taps//2 ...: for an even kernel the extra
        # sample stands before, flipped or not. An empty axis stays empty.
        before = taps // 2 + shift
        return Axis(0, size, before, max(taps - 1 - before, 0), size)
    if size == 0:
        raise ValueError(f"input has no samples along convolved axis {axis}; mode={mode!r} needs at least 1")
    if mode == "full":
        return Axis(0, size, taps - 1, taps - 1, size + taps - 1)
    if taps > size:
        raise ValueError(
            f"kernel has {taps} taps along convolved axis {axis}, input {size} samples; mode='valid' needs "
            f"no more taps than samples (the arguments are never swapped)"
        )
    return Axis(0, size, 0, 0, size - taps + 1)


def _spatial_names(name, rank):
    """Names of spatial axes, for messages: "k0, k1"."""
    return ", ".join(f"{name}{axis}" for axis in range(rank))


def _three(values, filler):
    """The canonical three axes: what is missing stands in front."""
    return (filler,) * (3 - len(values)) + tuple(values)


# ---- the spec of a convolution -----------------------------------------------------------------------------


def _convolution(
    *, dtypes, dtype, casting, axes, kernel, stride, dilation, boundary, boundary_name, cval, itemsize,
    method="direct", **fields
):  # fmt: skip
    """What convolutions of every kind have in common: borders, overflow, the normal form with three axes."""
    rank = len(axes)
    check_padded_extent(axes, itemsize)
    check_byte_size(fields["output_shape"], dtype.itemsize, "the result")
    modes, is_zeros = check_boundary(boundary, boundary_name, rank)
    number = as_number(cval)
    if is_zeros and number != 0:
        raise ValueError(f"cval={cval!r} with {boundary_name}={boundary!r}; 'zeros' is 'constant' 0")
    border_dtype = addend_dtype(np.result_type(*dtypes[:2]), dtype, casting)
    value = check_cval(number if "constant" in modes else 0, border_dtype)
    padded = [axis.before > 0 or axis.after > 0 for axis in axes]
    for axis, mode, has_padding in zip(axes, modes, padded, strict=True):
        if mode != "constant" and has_padding and axis.size == 0 and axis.output > 0:
            raise ValueError(f"{boundary_name}={mode!r} needs at least 1 sample to continue, input has none")
    if not any(mode == "constant" and has_padding for mode, has_padding in zip(modes, padded, strict=True)):
        value = check_cval(0, border_dtype)

    for name in ("input_axes", "weight_axes", "output_axes"):
        numbers = fields[name]
        lead = len(numbers) - rank
        fields[name] = (*numbers[:lead], *_three(numbers[lead:], -1))
    outputs = [axis.output for axis in axes]
    terms = fields["in_channels"] * math.prod(kernel)
    total = sum_of(*dtypes[:2], dtype, casting, terms, dtypes[2], value)
    return ConvSpec(
        real=convolution_arithmetic(total.dtype),
        sum_dtype=total.dtype,
        saturate=total.saturate,
        is_complex=dtype.kind == "c",
        input_size=_three([axis.size for axis in axes], 1),
        kernel_size=_three(kernel, 1),
        output_size=_three(outputs, 1),
        stride=_three([step if count > 1 else 1 for step, count in zip(stride, outputs, strict=True)], 1),
        dilation=_three([step if taps > 1 else 1 for step, taps in zip(dilation, kernel, strict=True)], 1),
        pad_before=_three([axis.before for axis in axes], 0),
        boundary=_three([m if p else "constant" for m, p in zip(modes, padded, strict=True)], "constant"),
        cval=value,
        method=method,
        input_start=_three([axis.start for axis in axes], 0),
        output_dtype=dtype,
        **fields,
    )


# ---- pooling -----------------------------------------------------------------------------------------------


def pool_spec(
    kind, rank, input_shape, input_dtype, kernel_size, stride, padding, dilation, ceil_mode, with_indices,
    count_include_pad, divisor_override, nan_omit, data_format, out_dtype, norm=0.0,
):  # fmt: skip
    """The spec of a pool; that of a complex average is for either part of its arrays."""
    check_supported(input_dtype, "input")
    with_indices = check_bool(with_indices, "return_indices")
    if kind != "avg" and input_dtype.kind == "c":
        lacks = {"max": "maximum", "min": "minimum", "lp": "sign: pool their magnitudes"}[kind]
        raise TypeError(f"input has dtype {input_dtype}; complex numbers have no {lacks}")
    batched, channel, spatial = layer_axes(rank, input_shape, data_format)
    sizes = tuple([input_shape[axis] for axis in spatial])
    if kind in ("max", "min"):
        dtype = native(input_dtype)
        real = maximum_arithmetic(dtype, math.prod(sizes) if with_indices else 0)
    else:
        dtype = averaged_dtype(input_dtype, out_dtype)
        if dtype.kind == "c":
            part = np.empty(0, dtype).real.dtype
            source = np.empty(0, input_dtype).real.dtype
        else:
            part, source = dtype, input_dtype
        real, dtype = average_arithmetic(source, part, math.prod(sizes) if nan_omit else 0), part
    kernel = per_axis(kernel_size, "kernel_size", rank, 1)
    stride = kernel if stride is None else per_axis(stride, "stride", rank, 1)
    dilation = per_axis(dilation, "dilation", rank, 1)
    ceil_mode = check_bool(ceil_mode, "ceil_mode")
    count_include_pad = check_bool(count_include_pad, "count_include_pad")
    divisor = 0 if divisor_override is None else check_int(divisor_override, "divisor_override", 1)

    if not isinstance(padding, str) and min(map(min, padding_pairs(padding, rank, POOL_PADDINGS))) < 0:
        raise ValueError(f"padding={padding!r} must not be negative; crop the input of a pooling by slicing")
    axes = padded_axes(sizes, kernel, stride, dilation, padding, POOL_PADDINGS)
    windows = list(zip(axes, kernel, stride, dilation, strict=True))
    if ceil_mode:
        windows = [(_ceil_axis(axis, k, s, d), k, s, d) for axis, k, s, d in windows]
    axes = [window[0] for window in windows]
    check_padded_extent(axes, max(input_dtype.itemsize, 8))
    if not (kind == "avg" and count_include_pad):
        for number, window in enumerate(windows):
            if not _every_window_touches(*window):
                raise ValueError(
                    f"padding={padding!r} leaves a window without any sample of spatial axis {number} "
                    f"({window[0].size} samples, kernel_size={window[1]}, stride={window[2]}, "
                    f"dilation={window[3]})"
                )
    output_shape = list(input_shape)
    for axis, resolved in zip(spatial, axes, strict=True):
        output_shape[axis] = resolved.output
    # the indices are the larger of the two results
    check_byte_size(output_shape, max(dtype.itemsize, 8), "the result")

    batch = (0,) if batched else ()
    return PoolSpec(
        kind=kind,
        real=real,
        batch_shape=input_shape[: len(batch)],
        channels=input_shape[channel],
        input_size=_three(sizes, 1),
        kernel_size=_three(kernel, 1),
        output_size=_three([axis.output for axis in axes], 1),
        stride=_three([step if axis.output > 1 else 1 for axis, _, step, _ in windows], 1),
        dilation=_three([step if taps > 1 else 1 for _, taps, _, step in windows], 1),
        pad_before=_three([axis.before for axis in axes], 0),
        pad_after=_three([axis.after for axis in axes], 0),
        count_include_pad=count_include_pad,
        divisor_override=divisor,
        with_indices=with_indices,
        nan_omit=nan_omit,
        input_batch_axes=batch,
        input_axes=(channel, *_three(spatial, -1)),
        output_batch_axes=batch,
        output_axes=(channel, *_three(spatial, -1)),
        output_shape=tuple(output_shape),
        output_dtype=dtype,
        norm=norm,
    )


def _ceil_axis(axis, taps, stride, dilation):
    """The axis with the windows that hang over its end, but for one that would start past the samples."""
    if axis.output == 0:
        return axis
    reach = dilation * (taps - 1)
    outputs = -(-(axis.before + axis.size + axis.after - reach - 1) // stride) + 1
    if outputs > 1 and (outputs - 1) * stride >= axis.size + axis.before:
        outputs -= 1
    return axis._replace(output=max(outputs, axis.output))


def _every_window_touches(axis, taps, stride, dilation):
    """Does each window of the axis have a tap on a real sample?"""
    if axis.output == 0:
        return True
    if axis.size == 0 or axis.before > dilation * (taps - 1):
        return False
    last = (axis.output - 1) * stride - axis.before
    if last >= axis.size:
        return False
    if dilation <= axis.size:
        return True
    # Taps further apart than the input is long can step over it: a window that starts at -x meets the input
    # first at (-x) mod dilation, which comes round after `period` windows.
    period = dilation // math.gcd(stride, dilation)
    starts = range(-axis.before, min(last + 1, 0), stride)[:period]
    return all(start % dilation < axis.size for start in starts)
