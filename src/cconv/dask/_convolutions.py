"""convolve, correlate and layers on dask arrays.

Design:
  a. The spec of the whole array is made as `cconv` makes it, from shapes and types: so every error comes now, in its
     words. Blocks take it with other extents.
  b. "direct" is the default and has the bits of the whole array: every kernel sums over channels and taps in an order
     that the spec decides, wherever an output stands. One choice of kernels may change with a block's extents: few
     output channels of many input channels, by rows or not, where that changes the order (see `_least`).
  c. Winograd's tiles and those of FFT begin with the block, so the other methods have their error bounds, and no one's
     bits.
  d. Input channels are merged, not summed over chunks: a sum of sums is rounded elsewhere than one sum is.
"""

from .._calls import frozen
from .._dtypes import cast_bias
from .._shapes import conv_spec, filter_spec
from . import _docs
from ._axes import Windows, parts_of, plain, whole
from ._blocks import ConvolutionBlock
from ._graph import blocks_of, check_input, check_threads, in_memory

# What decides in conv.pyx between rows and channels for up to two output channels of a group: bytes of the smallest
# tile, its rows, and its columns at most, of any level.
ROWS_BYTES, TILE_ROWS, TILE_COLUMNS = 512 * 1024, 4, 64
# Channels side by side in a vector, at most.
LANES = 16


def _least(spec):
    """Outputs along each canonical axis that a block has to compute at least, for the kernel that the whole gets."""
    parts = 2 if spec.is_complex else 1
    channels = max(spec.in_channels * parts, LANES if spec.groups > 1 else 1)
    if spec.out_channels * parts > 2 or channels == 1 or not (spec.flip or max(spec.stride) > 1):
        return 1, 1, 1  # one kernel whatever the extents, or all in one order
    reals = channels
    for outputs, taps, stride, dilation in zip(
        (1, TILE_ROWS, TILE_COLUMNS), spec.kernel_size, spec.stride, spec.dilation, strict=True
    ):
        reals *= outputs * stride + taps * dilation
    return (1, TILE_ROWS, TILE_COLUMNS) if reals * 8 > ROWS_BYTES // 2 else (1, 1, 1)


def _windows(spec):
    """Per array axis that is convolved: its windows."""
    found = {}
    for i, least in enumerate(_least(spec)):
        if spec.input_axes[1 + i] >= 0:
            found[spec.input_axes[1 + i]] = i, Windows(
                spec.input_size[i], spec.output_size[i], spec.kernel_size[i], spec.stride[i], spec.dilation[i],
                spec.pad_before[i], spec.boundary[i], least,
            )  # fmt: skip
    return found


def _convolved(label, input, spec, method, arrays, num_threads):
    """The graph of a spec, method None: of a layer."""
    starts = {axis: i for i, axis in enumerate(spec.input_axes[1:]) if axis >= 0}
    if any(spec.input_start) or any(input.shape[axis] != spec.input_size[i] for axis, i in starts.items()):
        crops = [slice(None)] * input.ndim
        for axis, i in starts.items():
            crops[axis] = slice(spec.input_start[i], spec.input_start[i] + spec.input_size[i])
        input, spec = input[tuple(crops)], spec._replace(input_start=(0, 0, 0))
    windows = _windows(spec)
    channel = spec.input_axes[0]
    parts = []
    for axis, (size, outputs) in enumerate(zip(input.shape, spec.output_shape, strict=True)):
        if axis in windows:
            parts.append(parts_of(windows[axis][1], input.chunks[axis]))
        elif axis == channel or size != outputs:
            parts.append([whole(size, outputs)])  # the channels, or samples that are broadcast
        else:
            parts.append(parts_of(plain(size), input.chunks[axis]))
    places = {axis: i for axis, (i, _) in windows.items()}

    def spec_of(taken):
        sizes = {name: list(getattr(spec, name)) for name in ("input_size", "output_size", "pad_before", "boundary")}
        for axis, i in places.items():
            part = taken[axis]
            sizes["input_size"][i] = part.pieces[0][1]
            sizes["output_size"][i], sizes["pad_before"][i] = part.outputs, part.pad
            sizes["boundary"][i] = part.boundary
        return spec._replace(
            batch_shape=tuple([taken[axis].outputs for axis in spec.output_batch_axes]),
            output_shape=tuple([part.outputs for part in taken]),
            **{name: tuple(values) for name, values in sizes.items()},
        )

    weight_axes = [axis for axis in spec.weight_batch_axes if axis >= 0] if method is not None else []

    def make(taken, region):
        weight = None
        if weight_axes:
            places = [(part.origin, part.origin + part.outputs) for part in taken]
            weight = tuple([ends if axis in weight_axes else None for axis, ends in enumerate(places)])
        keep = tuple([part.keep for part in taken])
        return ConvolutionBlock(region, keep, spec_of(taken), method, weight, num_threads)

    token = (spec, method, num_threads)
    return blocks_of(label, input, parts, make, arrays, [spec.output_dtype], token, weight_axes)[0]


def convolve(
    input, kernel, mode="full", *, boundary="constant", cval=0, axes=None, origin=0, method="direct", out_dtype=None,
    casting=None, num_threads=1,
):  # fmt: skip
    return _filtered("convolve", True, input, kernel, mode, boundary, cval, axes, origin, method, out_dtype, casting,
                     num_threads)  # fmt: skip


def correlate(
    input, kernel, mode="full", *, boundary="constant", cval=0, axes=None, origin=0, method="direct", out_dtype=None,
    casting=None, num_threads=1,
):  # fmt: skip
    return _filtered("correlate", False, input, kernel, mode, boundary, cval, axes, origin, method, out_dtype, casting,
                     num_threads)  # fmt: skip


def _filtered(name, flip, input, kernel, mode, boundary, cval, axes, origin, method, out_dtype, casting, num_threads):
    check_input(input, name)
    kernel, num_threads = in_memory(kernel, "kernel"), check_threads(num_threads)
    options = frozen((mode, boundary, cval, axes, origin, method, out_dtype, casting))
    spec = filter_spec(flip, input.shape, input.dtype, kernel.shape, kernel.dtype, *options)
    return _convolved(name, input, spec, method, (kernel, None), num_threads)


def _layer_of(rank):
    def conv(
        input, weight, bias=None, *, stride=1, padding=0, padding_mode="constant", cval=0, dilation=1, groups=1,
        flip_kernel=False, activation=None, data_format="channels_first", method="direct", out_dtype=None,
        casting=None, num_threads=1,
    ):  # fmt: skip
        check_input(input, conv.__name__)
        weight, num_threads = in_memory(weight, "weight"), check_threads(num_threads)
        bias = None if bias is None else in_memory(bias, "bias")
        described = (None, None) if bias is None else (bias.shape, bias.dtype)
        options = frozen((
            stride, padding, padding_mode, cval, dilation, groups, flip_kernel, activation, data_format, method,
            out_dtype, casting,
        ))  # fmt: skip
        spec = conv_spec(rank, input.shape, input.dtype, weight.shape, weight.dtype, *described, *options)
        if bias is not None and bias.dtype != spec.sum_dtype:
            bias = cast_bias(bias, spec.sum_dtype)
        return _convolved(conv.__name__, input, spec, None, (weight, bias), num_threads)

    return _docs.finish(conv, f"conv{rank}d", rank)


convolve, correlate = _docs.finish(convolve, "convolve"), _docs.finish(correlate, "correlate")
conv1d, conv2d, conv3d = map(_layer_of, (1, 2, 3))
