"""What all pools ask of shapes: by cconv's own functions, so that they are decided in one place."""

from .._pool_spans import adaptive_size
from .._shapes import layer_axes, pool_spec
from ._tensors import dtype_of, one_or_all, padding_from

WINDOWS = "int[] kernel_size, int[] stride, int[] padding, str padding_name, int[] dilation, bool ceil_mode"


def window_keywords(stride, padding, padding_name, dilation, ceil_mode):
    """Of cconv's pools, from what follows the kernel size in WINDOWS."""
    return dict(
        stride=one_or_all(stride), padding=padding_from(padding, padding_name), dilation=one_or_all(dilation),
        ceil_mode=ceil_mode,
    )  # fmt: skip


def pooled_shape(kind, shape, dtype, kernel_size, windows, pad=True, divisor=None, norm=0.0):
    """What a pool returns for an input of this shape; it refuses what is wrong."""
    return pool_spec(
        kind, len(kernel_size), tuple(shape), dtype, tuple(kernel_size), windows["stride"], windows["padding"],
        windows["dilation"], windows["ceil_mode"], False, pad, divisor, False, "channels_first", None, norm,
    ).output_shape  # fmt: skip


def adaptive_sizes(output_size, shape, rank):
    """output_size as one int per axis; None is the input's extent."""
    _, _, spatial = layer_axes(rank, shape, "channels_first")
    return list(adaptive_size(output_size, [shape[axis] for axis in spatial]))


def adaptive_shape(kind, input, output_size):
    """What an adaptive pool returns. Windows that every input has are asked for, so that extents may be symbols."""
    rank = len(output_size)
    some = (*input.shape[: input.ndim - rank], *(1,) * rank)
    windows = window_keywords((1,) * rank, [], "valid", (1,) * rank, False)
    lead = pooled_shape(kind, some, dtype_of(input), (1,) * rank, windows)[: input.ndim - rank]
    for size, count in zip(input.shape[input.ndim - rank :], output_size, strict=True):
        if size == 0 and count:
            raise ValueError(
                f"input of shape {tuple(input.shape)} has an axis without samples; output_size={tuple(output_size)} "
                f"asks for windows of it"
            )
    return *lead, *output_size


def permuted(shape, last):
    """A shape with its channels where cconv's data_format has them."""
    return (shape[0], *shape[2:], shape[1]) if last else tuple(shape)


def check_grad(grad_output, shape, name):
    if tuple(grad_output.shape) != tuple(shape):
        raise ValueError(f"grad_output has shape {tuple(grad_output.shape)}; {name} returns {tuple(shape)}")
