"""Depthwise convolution, and its gradients: each channel has kernels of its own.

Design: these are `conv1d` to `conv3d` with as many groups as channels, which follow from the input. What the weight
has to be is said here, in terms of channels and multiplier; all else is validated where layers are.
"""

from . import _docs_depthwise as _docs
from . import conv, conv_gradients
from ._calls import as_array
from ._gradient_shapes import check_shape
from ._gradients import all_gradients

__all__ = [
    f"depthwise_conv{rank}d{suffix}"
    for rank in (1, 2, 3) for suffix in ("", "_backward", "_input_grad", "_weight_grad")
]


def channels_of(rank, shape, data_format, name="input"):
    """The channels, at least one, of an array with this shape."""
    if len(shape) not in (rank + 1, rank + 2):
        channels = "channels, " if data_format != "channels_last" else ""
        last = ", channels" if data_format == "channels_last" else ""
        axes = f"{channels}{rank} spatial{last}"
        raise ValueError(
            f"{name} of shape {shape} has {len(shape)} axes; it takes ({axes}), or these after a batch axis"
        )
    count = shape[-1 if data_format == "channels_last" else -1 - rank]
    if count == 0:
        raise ValueError(f"{name} of shape {shape} has no channels ({data_format}); a depthwise layer takes 1 or more")
    return count


def check_weight(rank, shape, channels, name="weight"):
    """Refuse a weight that is not (channels * multiplier, 1, *kernel)."""
    if len(shape) != rank + 2 or shape[1] != 1 or shape[0] == 0 or shape[0] % channels:
        kernel = ", ".join(f"K{axis}" for axis in "DHW"[3 - rank :])
        raise ValueError(
            f"{name} has shape {shape}; for {channels} channels a depthwise layer takes "
            f"({channels} * multiplier, 1, {kernel})"
        )


def _forward_of(rank):
    layer = getattr(conv, f"conv{rank}d")

    def depthwise_conv(
        input, weight, bias=None, *, stride=1, padding=0, padding_mode="constant", cval=0, dilation=1,
        flip_kernel=False, activation=None, data_format="channels_first", method="auto", out_dtype=None,
        casting=None, out=None, num_threads=None,
    ):  # fmt: skip
        input, weight = as_array(input, "input"), as_array(weight, "weight")
        channels = channels_of(rank, input.shape, data_format)
        check_weight(rank, weight.shape, channels)
        return layer(
            input, weight, bias, stride=stride, padding=padding, padding_mode=padding_mode, cval=cval,
            dilation=dilation, groups=channels, flip_kernel=flip_kernel, activation=activation,
            data_format=data_format, method=method, out_dtype=out_dtype, casting=casting, out=out,
            num_threads=num_threads,
        )  # fmt: skip

    return _docs.finish(depthwise_conv, "depthwise_conv", "", rank, __name__)


def _input_grad_of(rank):
    gradient = getattr(conv_gradients, f"conv{rank}d_input_grad")

    def depthwise_conv_input_grad(
        grad_output, weight, input_shape, *, stride=1, padding=0, padding_mode="constant", cval=0, dilation=1,
        flip_kernel=False, data_format="channels_first", method="auto", out=None, num_threads=None,
    ):  # fmt: skip
        weight = as_array(weight, "weight")
        input_shape = check_shape(input_shape, "input_shape")
        channels = channels_of(rank, input_shape, data_format, "input_shape")
        check_weight(rank, weight.shape, channels)
        return gradient(
            grad_output, weight, input_shape, stride=stride, padding=padding, padding_mode=padding_mode, cval=cval,
            dilation=dilation, groups=channels, flip_kernel=flip_kernel, data_format=data_format, method=method,
            out=out, num_threads=num_threads,
        )  # fmt: skip

    return _docs.finish(depthwise_conv_input_grad, "depthwise_conv", "_input_grad", rank, __name__)


def _weight_grad_of(rank):
    gradient = getattr(conv_gradients, f"conv{rank}d_weight_grad")

    def depthwise_conv_weight_grad(
        input, grad_output, weight_shape, *, stride=1, padding=0, padding_mode="constant", cval=0, dilation=1,
        flip_kernel=False, data_format="channels_first", method="auto", out=None, num_threads=None,
    ):  # fmt: skip
        input = as_array(input, "input")
        weight_shape = check_shape(weight_shape, "weight_shape")
        channels = channels_of(rank, input.shape, data_format)
        check_weight(rank, weight_shape, channels, "weight_shape")
        return gradient(
            input, grad_output, weight_shape, stride=stride, padding=padding, padding_mode=padding_mode, cval=cval,
            dilation=dilation, groups=channels, flip_kernel=flip_kernel, data_format=data_format, method=method,
            out=out, num_threads=num_threads,
        )  # fmt: skip

    return _docs.finish(depthwise_conv_weight_grad, "depthwise_conv", "_weight_grad", rank, __name__)


def _backward_of(rank, input_grad, weight_grad):
    def depthwise_conv_backward(
        grad_output, input, weight, *, stride=1, padding=0, padding_mode="constant", cval=0, dilation=1,
        flip_kernel=False, data_format="channels_first", method="auto", needs=("input", "weight", "bias"),
        num_threads=None,
    ):  # fmt: skip
        options = dict(
            stride=stride, padding=padding, padding_mode=padding_mode, cval=cval, dilation=dilation,
            flip_kernel=flip_kernel, data_format=data_format, method=method, num_threads=num_threads,
        )  # fmt: skip
        return all_gradients(rank, grad_output, input, weight, needs, input_grad, weight_grad, options)

    return _docs.finish(depthwise_conv_backward, "depthwise_conv", "_backward", rank, __name__)


depthwise_conv1d = _forward_of(1)
depthwise_conv2d = _forward_of(2)
depthwise_conv3d = _forward_of(3)
depthwise_conv1d_input_grad = _input_grad_of(1)
depthwise_conv2d_input_grad = _input_grad_of(2)
depthwise_conv3d_input_grad = _input_grad_of(3)
depthwise_conv1d_weight_grad = _weight_grad_of(1)
depthwise_conv2d_weight_grad = _weight_grad_of(2)
depthwise_conv3d_weight_grad = _weight_grad_of(3)
depthwise_conv1d_backward = _backward_of(1, depthwise_conv1d_input_grad, depthwise_conv1d_weight_grad)
depthwise_conv2d_backward = _backward_of(2, depthwise_conv2d_input_grad, depthwise_conv2d_weight_grad)
depthwise_conv3d_backward = _backward_of(3, depthwise_conv3d_input_grad, depthwise_conv3d_weight_grad)
