"""The input gradient as convolutions: which ones, of which samples, written where.

Design:
  a. With q a position of the padded input, grad[q] is the sum of grad_output[i] * weight[j] over all i, j with
     ``i * stride + j * dilation == q``. Positions that agree modulo the stride meet the same taps, so each such
     *phase* is a convolution of stride 1 with some of the taps, reversed, whose result is every stride-th sample
     of the gradient. No zeros are stuffed in between, and none are multiplied; but for depthwise layers of finite
     weights at stride 2, where one pass over samples with zeros between costs less than four over the same planes.
  b. A border that repeats samples makes the gradient of a padded position count for the sample that stands there.
     Those positions are cut into runs along which the source moves by a constant step (one run per reflection);
     each is computed into a small array of its own and added where it belongs. The image is never padded.
  c. Everything that follows from shapes is worked out once per signature, and validated first: `conv_spec` reads
     a layer's arguments here too, with the shape of its input or of what a transposed convolution returns.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np

from ._dtypes import check_bias_dtype, check_supported, convolution_arithmetic, result_dtype
from ._padding import check_choice, check_int, is_sequence, padding_pairs, per_axis
from ._shapes import conv_spec, layer_axes
from ._weight_gradient import MOST_PARTS, PHASE_CHANNELS, axis_phases, reads_turned, shares_tiles

GRADIENT_METHODS = ("auto", "direct", "winograd")
# A strided depthwise layer's input gradient in one pass has more products, up to as many times as the stride's square.
GAPS_STRIDE = 2
GAPS_TAPS = 64
GAPS_GROUPS = 16    # fill half of the widest lanes
PRODUCT_TYPES = (np.dtype(np.float32), np.dtype(np.float64))
# of an array that holds the gradient of a part of the border; more is computed in several
BORDER_BYTES = 4 * 1024 * 1024


class Piece(NamedTuple):
    """Neighbouring padded positions of one axis, and the samples of the input that stand there."""

    first: int  # padded position
    count: int
    source: int  # the sample of the first
    step: int  # of the samples: 1, -1, or 0 where all are the same

    def halves(self):
        left = self.count // 2
        return (
            self._replace(count=left),
            Piece(self.first + left, self.count - left, self.source + left * self.step, self.step),
        )

    def place(self):
        """The samples, as a slice."""
        if self.step == 0:
            return slice(self.source, self.source + 1)
        end = self.source + self.count * self.step
        return slice(self.source, end if end >= 0 else None, self.step)


class Phase(NamedTuple):
    """Every `step`-th position of a piece: a convolution of stride 1 along its axis."""

    taps: slice  # of the kernel, as it lies in memory
    tap_count: int
    place: slice  # of the piece
    count: int
    dilation: int
    start: int  # samples of grad_output that no position meets
    pad: int  # before what is left of it


class Part(NamedTuple):
    """One convolution of a region."""

    spec: object  # ConvSpec
    key: tuple  # of the taps
    taps: tuple  # the same as slices
    place: tuple  # index into the region's array


class Region(NamedTuple):
    """A box of padded positions: the input itself, or a part of the border that is added to it."""

    parts: list
    is_covered: bool  # by the parts; what is not is zero
    place: tuple  # index into the input
    repeated: tuple  # axes along which all positions stand for one sample
    shape: tuple
    dtype: object
    chunk: int  # batch elements at a time


def input_gradient(forward, sizes, dtype):
    """(the input as a region, the regions of its border) for a layer's ConvSpec.

    `sizes` are the three extents of the whole input, `dtype` is the gradient's type.
    """
    outputs = forward.output_size
    strides = [
        # the stride of a single output is free: one in which every tap is a phase of its own wastes nothing
        dilation * (kernel - 1) + 1 if count == 1 else stride
        for count, stride, dilation, kernel in zip(
            outputs, forward.stride, forward.dilation, forward.kernel_size, strict=True
        )
    ]
    cores, borders = [], []
    for axis in range(3):
        first = forward.pad_before[axis] - forward.input_start[axis]
        cores.append(Piece(first, sizes[axis], 0, 1))
        reach = (outputs[axis] - 1) * strides[axis] + forward.dilation[axis] * (forward.kernel_size[axis] - 1) + 1
        start, size = forward.input_start[axis], forward.input_size[axis]
        borders.append(border_pieces(forward.boundary[axis], forward.pad_before[axis], size, reach, start))
    core = region(forward, cores, strides, outputs, dtype, dtype, None)
    sums = np.dtype(np.float32) if dtype == np.float16 else dtype
    others = []
    for pieces in itertools.product(*[(c, *b) for c, b in zip(cores, borders, strict=True)]):
        if any(piece is not c for piece, c in zip(pieces, cores, strict=True)):
            for small in within_limit(forward, list(pieces), sums.itemsize):
                others.append(region(forward, small, strides, outputs, dtype, sums, BORDER_BYTES))
    return core, [other for other in others if other.parts]


def with_gaps(forward, shape, dtype):
    """The input gradient of a strided depthwise layer as one convolution of stride 1, of grad_output with zeros between
    its samples; None where that is impossible or does not pay.

    The weights have to be finite: zeros are multiplied here. No weight is copied, and what is written is not strided.
    """
    taps = math.prod(forward.kernel_size)
    pads = [taps - 1 - before for taps, before in zip(forward.kernel_size, forward.pad_before, strict=True)]
    if (
        forward.in_channels != 1 or forward.out_channels != 1 or forward.groups < GAPS_GROUPS or taps > GAPS_TAPS
        or max(forward.stride) == 1 or max(forward.stride) > GAPS_STRIDE or max(forward.dilation) > 1 or min(pads) < 0
        or any(name != "constant" for name in forward.boundary) or any(forward.input_start) or dtype.kind == "c"
        or forward.is_complex or forward.method == "winograd"
    ):  # fmt: skip
        return None
    return forward._replace(
        real=convolution_arithmetic(dtype),
        sum_dtype=dtype,
        flip=not forward.flip,
        input_size=tuple([(n - 1) * step + 1 for n, step in zip(forward.output_size, forward.stride, strict=True)]),
        output_size=tuple([shape[axis] if axis >= 0 else 1 for axis in forward.input_axes[1:]]),
        stride=(1, 1, 1),
        gap=tuple([step - 1 for step in forward.stride]),
        pad_before=tuple(pads),
        cval=0,
        output_shape=shape,
        output_dtype=dtype,
    )


def pointwise_axes(forward, spatial, channels):
    """weight_axes of a pointwise part that returns `channels`: of the layer's weight as it lies, where kernels read it
    with input and output channels exchanged; else of a copy that has them so.

    The copy took up to a third of the time: 1024 -> 512 channels, 2x2 with stride 2, 14x14.
    """
    return (1, 0, *spatial) if reads_turned(forward.groups, channels) else (0, 1, *spatial)


def of_one_sample(forward, dtype):
    """The input gradient of a layer that returns one sample per channel, as a pointwise layer: the weight is its image,
    of in_channels times all taps, grad_output its weight. None where the gradient is not that product.

    Each tap is a phase of its own otherwise: 100 -> 1024 channels of 4x4, 32 images, took 9 times as long.
    """
    channel, *spatial = forward.input_axes
    images = math.prod(forward.batch_shape)
    if (
        max(forward.output_size) > 1 or forward.input_size != forward.kernel_size or any(forward.pad_before)
        or any(forward.input_start) or forward.groups > 1 or forward.flip or dtype not in PRODUCT_TYPES
        or channel > max(spatial) or 0 in (images, forward.in_channels, forward.out_channels)
    ):  # fmt: skip
        return None
    image = forward.out_channels, forward.in_channels * math.prod(forward.kernel_size)
    weight = images, forward.out_channels, 1
    return conv_spec(
        1, image, dtype, weight, dtype, None, None,
        1, 0, "constant", 0, 1, 1, False, None, "channels_first", "auto", None, None,
    )  # fmt: skip


def in_blocks(forward, shape, dtype):
    """The input gradient of a layer whose windows tile the input, as a pointwise layer with a window per output:
    in_channels times all taps of them. None where the gradient is not that product.

    Each tap is a phase of its own otherwise, which packs the same samples and writes every other one: 128 -> 64
    channels, 2x2, 112x112 took 1.3 times as long, 256 -> 128, 56x56 1.13 times.
    """
    channel, *spatial = forward.input_axes
    sizes = tuple([shape[axis] if axis >= 0 else 1 for axis in spatial])
    taps = math.prod(forward.kernel_size)
    if (
        forward.kernel_size != forward.stride or not 1 < taps <= MOST_PARTS or any(forward.pad_before)
        or any(forward.input_start) or forward.input_size != sizes or forward.flip or dtype not in PRODUCT_TYPES
        or sizes != tuple([n * step for n, step in zip(forward.output_size, forward.stride, strict=True)])
        or max(d for d, k in zip(forward.dilation, forward.kernel_size, strict=True) if k > 1) > 1
        or channel > max(spatial)
    ):  # fmt: skip
        return None
    return forward._replace(
        weight_axes=pointwise_axes(forward, (-1, -1, -1), forward.in_channels * taps),
        real=convolution_arithmetic(dtype),
        sum_dtype=dtype,
        in_channels=forward.out_channels,
        out_channels=forward.in_channels * taps,
        input_size=forward.output_size,
        kernel_size=(1, 1, 1),
        stride=(1, 1, 1),
        dilation=(1, 1, 1),
        boundary=("constant",) * 3,
        cval=0,
        method="auto",
        output_shape=shape,
        output_dtype=dtype,
        block=forward.kernel_size,
    )


def in_phases(forward, shape, dtype):
    """The input gradient of a 2-D layer of stride 2 by Winograd's tiles, which its phases share; None where that is
    impossible or does not pay. See winograd_phases.pxd."""
    channel, *spatial = forward.input_axes
    sizes = tuple([shape[axis] if axis >= 0 else 1 for axis in spatial])
    steps = forward.stride[1:]
    if (
        min(spatial[1:]) < 0 or (sizes[0], forward.kernel_size[0], forward.output_size[0]) != (1, 1, 1)
        or forward.pad_before[0] or steps not in ((1, 2), (2, 2))
        or 0 in sizes or any(size % step for size, step in zip(sizes[1:], steps, strict=True))
        or any(name != "constant" for name in forward.boundary) or any(forward.input_start)
        or any(d > 1 and k > 1 for d, k in zip(forward.dilation, forward.kernel_size, strict=True))
        or dtype not in PRODUCT_TYPES or channel > max(spatial) or forward.method == "direct"
        or forward.in_channels % PHASE_CHANNELS or not forward.in_channels or forward.out_channels < PHASE_CHANNELS
    ):  # fmt: skip
        return None
    blocks = tuple([size // step for size, step in zip(sizes[1:], steps, strict=True)])
    extents = zip(forward.kernel_size[1:], steps, forward.pad_before[1:], strict=True)
    axes = tuple([(*extent, forward.flip) for extent in extents])
    if not shares_tiles(blocks, axes, forward.method == "winograd"):
        return None
    return forward._replace(
        real=convolution_arithmetic(dtype),
        sum_dtype=dtype,
        flip=False,
        in_channels=forward.out_channels,
        out_channels=forward.in_channels * math.prod(steps),
        input_size=forward.output_size,
        kernel_size=(1, 3, 3),
        output_size=(1, *blocks),
        stride=(1, 1, 1),
        dilation=(1, 1, 1),
        pad_before=(0, 0, 0),
        cval=0,
        method="winograd",
        weight_axes=(1, 0, *forward.weight_axes[2:]),
        output_shape=shape,
        output_dtype=dtype,
        phase_axes=axes,
        block=(1, *steps),
    )


def border_pieces(boundary, before, size, reach, start):
    """The padded positions of an axis that repeat samples and that an output reaches, as runs."""
    if boundary == "constant" or size == 0:
        return []
    positions = np.concatenate([np.arange(before), np.arange(before + size, max(reach, before + size))])
    sources = start + border_sources(positions - before, size, boundary)
    pieces = []
    first, total = 0, len(positions)
    while first < total:
        end, step = first + 1, 1
        if end < total and positions[end] == positions[first] + 1 and abs(sources[end] - sources[first]) <= 1:
            step = sources[end] - sources[first]
            while end < total and positions[end] == positions[end - 1] + 1 and sources[end] - sources[end - 1] == step:
                end += 1
        pieces.append(Piece(int(positions[first]), end - first, int(sources[first]), int(step)))
        first = end
    return pieces


def border_sources(positions, size, boundary):
    """Which of `size` samples stands at each position."""
    if boundary == "edge":
        return np.clip(positions, 0, size - 1)
    if boundary == "wrap":
        return positions % size
    if boundary == "symmetric":
        positions = positions % (2 * size)
        return np.where(positions < size, positions, 2 * size - 1 - positions)
    period = max(2 * size - 2, 1)
    positions = positions % period
    return np.where(positions < size, positions, period - positions)


def within_limit(forward, pieces, itemsize):
    """The same positions as boxes of which one batch element takes at most BORDER_BYTES, if that can be."""
    size = forward.groups * forward.in_channels * math.prod(piece.count for piece in pieces) * itemsize
    longest = max(range(3), key=lambda axis: pieces[axis].count)
    if size <= BORDER_BYTES or pieces[longest].count == 1:
        return [pieces]
    boxes = []
    for half in pieces[longest].halves():
        boxes += within_limit(forward, [*pieces[:longest], half, *pieces[longest + 1 :]], itemsize)
    return boxes


def phases(piece, kernel, stride, dilation, outputs, flip):
    """The phases of a piece that any output reaches."""
    found = []
    for phase in axis_phases(piece.first, piece.count, kernel, stride, dilation, outputs, flip):
        first, step, taps, skipped, count, spread, start, pad = phase
        found.append(
            Phase(
                taps=slice(first, first + (taps - 1) * step + 1, step),
                tap_count=taps,
                place=slice(skipped, piece.count, stride),
                count=count,
                dilation=spread,
                start=start,
                pad=pad,
            )
        )
    return found


def region(forward, pieces, strides, outputs, gradient_dtype, dtype, limit):
    """All that computes the gradient of a box of positions, as many batch elements at a time as `limit` bytes hold."""
    n_batch = len(forward.batch_shape)
    rank = sum(axis >= 0 for axis in forward.input_axes[1:])
    element = forward.groups * forward.in_channels * math.prod(piece.count for piece in pieces) * dtype.itemsize
    chunk = 0
    if n_batch:
        chunk = images = forward.batch_shape[0]
        while limit is not None and chunk > 1 and (images % chunk or chunk * element > limit):
            chunk -= 1
    batch = (chunk,) if n_batch else ()

    def indexed(values, lead=slice(None)):
        """Values per spatial axis as an index into an array with the layer's axes."""
        index = [lead] * (n_batch + 1 + rank)
        for axis, value in zip(forward.input_axes[1:], values, strict=True):
            if axis >= 0:
                index[axis] = value
        return tuple(index)

    shape = list(indexed([piece.count for piece in pieces], 0))
    shape[forward.input_axes[0]] = forward.groups * forward.in_channels
    if n_batch:
        shape[0] = chunk
    axes = [
        phases(piece, kernel, stride, dilation, count, forward.flip)
        for piece, kernel, stride, dilation, count in zip(
            pieces, forward.kernel_size, strides, forward.dilation, outputs, strict=True
        )
    ]
    covered = all(
        sum(phase.count for phase in found) == piece.count for piece, found in zip(pieces, axes, strict=True)
    )
    parts = []
    weight_axes = forward.weight_axes
    if max(forward.kernel_size) == 1 and gradient_dtype.kind != "c":
        weight_axes = pointwise_axes(forward, weight_axes[2:], forward.in_channels)
    for combination in itertools.product(*axes):
        spec = forward._replace(
            real=convolution_arithmetic(gradient_dtype),
            sum_dtype=gradient_dtype,
            is_complex=gradient_dtype.kind == "c",
            conjugate=gradient_dtype.kind == "c" and forward.conjugate,
            flip=not forward.flip,
            batch_shape=batch,
            in_channels=forward.out_channels,
            out_channels=forward.in_channels,
            input_size=tuple([n - phase.start for n, phase in zip(outputs, combination, strict=True)]),
            kernel_size=tuple([phase.tap_count for phase in combination]),
            output_size=tuple([phase.count for phase in combination]),
            stride=(1, 1, 1),
            dilation=tuple([phase.dilation for phase in combination]),
            pad_before=tuple([phase.pad for phase in combination]),
            boundary=("constant",) * 3,
            cval=0,
            input_start=tuple([phase.start for phase in combination]),
            weight_axes=weight_axes,
            output_shape=tuple(shape),
            output_dtype=dtype,
        )
        taps = [phase.taps for phase in combination][3 - rank :]
        parts.append(
            Part(
                spec,
                tuple([(entry.start, entry.stop, entry.step) for entry in taps]),
                tuple(taps),
                indexed([phase.place for phase in combination]),
            )
        )
    return Region(
        parts=parts,
        is_covered=covered,
        place=indexed([piece.place() for piece in pieces]),
        repeated=tuple(
            [axis for axis, piece in zip(forward.input_axes[1:], pieces, strict=True) if axis >= 0 and piece.step == 0]
        ),
        shape=tuple(shape),
        dtype=dtype,
        chunk=chunk,
    )


# ---- arguments ---------------------------------------------------------------------------------------------


def check_shape(shape, name):
    """A shape as a tuple of Python ints."""
    if not is_sequence(shape):
        raise TypeError(f"{name}={shape!r} must be a tuple of ints, one per axis")
    return tuple([check_int(extent, name, 0, whole=shape) for extent in shape])


def gradient_dtype(one, one_name, other, other_name):
    """The type of a gradient, result_type of the two arrays that it is summed from; no integers."""
    check_supported(one, one_name)
    check_supported(other, other_name)
    dtype = result_dtype(one, other, other_name)
    if dtype.kind not in "fc":
        raise TypeError(
            f"{one_name} has dtype {one} and {other_name} has dtype {other}; gradients take floating or complex ones"
        )
    return dtype


def layer_spec(rank, input_shape, input_dtype, weight_shape, weight_dtype, grad_shape, options):
    """The ConvSpec of the layer whose gradient is asked for; `grad_shape` has to be what it returns.

    The types are those of the two arrays that are there, whichever they stand for.
    """
    (stride, padding, padding_mode, cval, dilation, groups, flip_kernel, data_format, method) = options
    check_choice(method, "method", GRADIENT_METHODS)
    forward = conv_spec(
        rank, input_shape, input_dtype, weight_shape, weight_dtype, None, None,
        stride, padding, padding_mode, cval, dilation, groups, flip_kernel, None, data_format, method, None, None,
    )  # fmt: skip
    if grad_shape != forward.output_shape:
        raise ValueError(
            f"grad_output has shape {grad_shape}; a layer with input of shape {input_shape} and weight of shape "
            f"{weight_shape} returns {forward.output_shape}"
        )
    return forward._replace(conjugate=forward.is_complex)


def transposed_spec(
    rank, input_shape, input_dtype, weight_shape, weight_dtype, bias_shape, bias_dtype,
    stride, padding, output_padding, output_size, dilation, groups, flip_kernel, data_format,
):  # fmt: skip
    """(the ConvSpec of the layer that a transposed convolution is the transpose of, the shape it returns).

    The layer's input is the transposed convolution's output.
    """
    result = result_dtype(input_dtype, weight_dtype, "weight")
    _, channel, spatial = layer_axes(rank, input_shape, data_format)
    if len(weight_shape) != rank + 2:
        raise ValueError(
            f"weight has {len(weight_shape)} axes, shape {weight_shape}; it takes {rank + 2}: (in_channels, "
            f"out_channels / groups, {', '.join(f'k{axis}' for axis in range(rank))})"
        )
    in_channels, out_channels, *kernel = weight_shape
    if 0 in kernel:
        raise ValueError(f"weight of shape {weight_shape} is an empty kernel; each spatial axis needs a tap")
    groups = check_int(groups, "groups", 1)
    if in_channels % groups:
        raise ValueError(f"groups={groups} does not divide the {in_channels} input channels of weight")
    if input_shape[channel] != in_channels:
        raise ValueError(
            f"input of shape {input_shape} has {input_shape[channel]} channels ({data_format}); weight of shape "
            f"{weight_shape} takes {in_channels}"
        )
    if bias_shape is not None:
        check_bias_dtype(bias_dtype, result)
        if bias_shape != (groups * out_channels,):
            raise ValueError(f"bias has shape {bias_shape}; it takes {(groups * out_channels,)}: one per output")
    stride = per_axis(stride, "stride", rank, 1)
    dilation = per_axis(dilation, "dilation", rank, 1)
    sizes = [input_shape[axis] for axis in spatial]
    if 0 in sizes:
        raise ValueError(f"input of shape {input_shape} has no samples; a transposed convolution needs 1 per axis")
    shape = list(input_shape)
    shape[channel] = groups * out_channels
    outputs = transposed_sizes(sizes, kernel, stride, padding, output_padding, output_size, dilation)
    for axis, extent in zip(spatial, outputs, strict=True):
        shape[axis] = extent
    forward = conv_spec(
        rank, tuple(shape), input_dtype, weight_shape, weight_dtype, None, None,
        stride, padding, "constant", 0, dilation, groups, flip_kernel, None, data_format, "auto", None, None,
    )  # fmt: skip
    # with an output_padding of stride or more, the layer would return more than there is
    forward = forward._replace(output_size=(1,) * (3 - rank) + tuple(sizes), output_shape=tuple(input_shape))
    return forward, tuple(shape)


def transposed_sizes(sizes, kernel, stride, padding, output_padding, output_size, dilation):
    """Spatial extents of what a transposed convolution returns."""
    rank = len(sizes)
    extra = per_axis(output_padding, "output_padding", rank, 0)
    limits = [max(step, spread) for step, spread in zip(stride, dilation, strict=True)]
    if any(count >= limit for count, limit in zip(extra, limits, strict=True)):
        raise ValueError(f"output_padding={output_padding!r} must be less than stride or dilation, {tuple(limits)}")
    if output_size is not None and any(extra):
        raise ValueError(f"output_padding={output_padding!r} with output_size={output_size!r}; give one of them")
    if padding == "same":
        if any(extra):
            raise ValueError(f"output_padding={output_padding!r} with padding='same', which returns input * stride")
        least = [(n - 1) * step + 1 for n, step in zip(sizes, stride, strict=True)]
        usual = [n * step for n, step in zip(sizes, stride, strict=True)]
        most = usual
    else:
        if isinstance(padding, str) and padding != "valid":
            raise ValueError(f"padding={padding!r} must be an int, ints or pairs per axis, 'valid' or 'same'")
        pairs = padding_pairs(0 if padding == "valid" else padding, rank, ("valid", "same"))
        least = [
            (n - 1) * step - before - after + spread * (taps - 1) + 1
            for n, step, (before, after), spread, taps in zip(sizes, stride, pairs, dilation, kernel, strict=True)
        ]
        usual = [n + count for n, count in zip(least, extra, strict=True)]
        most = [n + limit - 1 for n, limit in zip(least, limits, strict=True)]
    if output_size is not None:
        usual = per_axis(output_size, "output_size", rank, 0)
        if not all(low <= n <= high for low, n, high in zip(least, usual, most, strict=True)):
            raise ValueError(
                f"output_size={output_size!r} cannot be reached from an input of extents {tuple(sizes)}: it takes "
                f"{tuple(least)} to {tuple(most)}"
            )
    if min(usual) < 0:
        raise ValueError(f"padding={padding!r} crops more than there is: the result would have extents {tuple(usual)}")
    return tuple(usual)
