"""Separable convolution, and its gradients: a depthwise layer, then one of 1x1 kernels that mixes the channels.

Design:
  a. Keras's meaning: between the two there is neither bias nor activation; both come at the end.
  b. What the depthwise layer returns is kept as an array, of the output's extents, until the second layer has run.
     The gradients compute it again: it is cheap beside them.
  c. The layer is linear in its input and in each weight, but a weight's gradient depends on the other weight, so
     both weights' gradients come together.
"""

from typing import NamedTuple

import numpy as np

from . import _docs_depthwise as _docs
from . import conv, conv_depthwise, conv_gradients
from ._calls import as_array
from ._dtypes import check_supported
from ._geometry import conv_output_shape
from ._gradient_shapes import check_shape
from ._gradients import bias_gradient, of_type

__all__ = ["SeparableGradients", "SeparableWeightGradients"]
__all__ += [
    f"separable_conv{rank}d{suffix}"
    for rank in (1, 2, 3) for suffix in ("", "_backward", "_input_grad", "_weight_grad")
]

NAMES = ("input", "depthwise_weight", "pointwise_weight", "bias")


class SeparableGradients(NamedTuple):
    """What a `separable_conv*_backward` returns: the gradients that were asked for, None for the others."""

    input: np.ndarray | None
    depthwise_weight: np.ndarray | None
    pointwise_weight: np.ndarray | None
    bias: np.ndarray | None


class SeparableWeightGradients(NamedTuple):
    """What a `separable_conv*_weight_grad` returns."""

    depthwise_weight: np.ndarray
    pointwise_weight: np.ndarray


def _check_pointwise(rank, depthwise, pointwise):
    """Refuse a pointwise weight that is not (out_channels, channels of the depthwise layer, 1, ...)."""
    if pointwise[1:] != (depthwise[0], *(1,) * rank):
        ones = ", 1" * rank
        raise ValueError(
            f"pointwise_weight has shape {pointwise}; after a depthwise_weight of shape {depthwise} it takes "
            f"(out_channels, {depthwise[0]}{ones})"
        )


def _weights(rank, shape, depthwise_weight, pointwise_weight, data_format, name="input"):
    """Both weights as arrays that fit an input of this shape."""
    depthwise_weight = as_array(depthwise_weight, "depthwise_weight")
    pointwise_weight = as_array(pointwise_weight, "pointwise_weight")
    check_supported(depthwise_weight.dtype, "depthwise_weight")
    check_supported(pointwise_weight.dtype, "pointwise_weight")
    channels = conv_depthwise.channels_of(rank, shape, data_format, name)
    conv_depthwise.check_weight(rank, depthwise_weight.shape, channels, "depthwise_weight")
    _check_pointwise(rank, depthwise_weight.shape, pointwise_weight.shape)
    return depthwise_weight, pointwise_weight


def _between(rank, grad_shape, input_shape, depthwise, pointwise, stride, padding, dilation, data_format):
    """Shape of what the depthwise layer returns; grad_output has to have that of the whole."""
    channel = len(input_shape) - 1 - (0 if data_format == "channels_last" else rank)
    first = channel - rank if data_format == "channels_last" else channel + 1
    spatial = conv_output_shape(
        input_shape[first : first + rank], depthwise[2:], stride=stride, padding=padding, dilation=dilation
    )
    shape = list(input_shape)
    shape[first : first + rank] = spatial
    shape[channel] = pointwise[0]
    if grad_shape != tuple(shape):
        raise ValueError(
            f"grad_output has shape {grad_shape}; a separable layer with input of shape {input_shape}, "
            f"depthwise_weight of shape {depthwise} and pointwise_weight of shape {pointwise} returns {tuple(shape)}"
        )
    shape[channel] = depthwise[0]
    return tuple(shape)


def _forward_of(rank):
    depthwise, pointwise = getattr(conv_depthwise, f"depthwise_conv{rank}d"), getattr(conv, f"conv{rank}d")

    def separable_conv(
        input, depthwise_weight, pointwise_weight, bias=None, *, stride=1, padding=0, padding_mode="constant", cval=0,
        dilation=1, flip_kernel=False, activation=None, data_format="channels_first", out=None, num_threads=None,
    ):  # fmt: skip
        input = as_array(input, "input")
        depthwise_weight, pointwise_weight = _weights(
            rank, input.shape, depthwise_weight, pointwise_weight, data_format
        )
        between = depthwise(
            input, depthwise_weight, stride=stride, padding=padding, padding_mode=padding_mode, cval=cval,
            dilation=dilation, flip_kernel=flip_kernel, data_format=data_format, num_threads=num_threads,
        )  # fmt: skip
        return pointwise(
            between, pointwise_weight, bias, activation=activation, data_format=data_format, out=out,
            num_threads=num_threads,
        )  # fmt: skip

    return _docs.finish(separable_conv, "separable_conv", "", rank, __name__)


def _input_grad_of(rank):
    depthwise = getattr(conv_depthwise, f"depthwise_conv{rank}d_input_grad")
    pointwise = getattr(conv_gradients, f"conv{rank}d_input_grad")

    def separable_conv_input_grad(
        grad_output, depthwise_weight, pointwise_weight, input_shape, *, stride=1, padding=0,
        padding_mode="constant", cval=0, dilation=1, flip_kernel=False, data_format="channels_first", out=None,
        num_threads=None,
    ):  # fmt: skip
        grad_output = as_array(grad_output, "grad_output")
        input_shape = check_shape(input_shape, "input_shape")
        depthwise_weight, pointwise_weight = _weights(
            rank, input_shape, depthwise_weight, pointwise_weight, data_format, "input_shape"
        )
        between = _between(
            rank, grad_output.shape, input_shape, depthwise_weight.shape, pointwise_weight.shape, stride, padding,
            dilation, data_format,
        )  # fmt: skip
        grad = pointwise(grad_output, pointwise_weight, between, data_format=data_format, num_threads=num_threads)
        return depthwise(
            grad, depthwise_weight, input_shape, stride=stride, padding=padding, padding_mode=padding_mode, cval=cval,
            dilation=dilation, flip_kernel=flip_kernel, data_format=data_format, out=out, num_threads=num_threads,
        )  # fmt: skip

    return _docs.finish(separable_conv_input_grad, "separable_conv", "_input_grad", rank, __name__)


def _backward_of(rank):
    depthwise = getattr(conv_depthwise, f"depthwise_conv{rank}d")
    input_grad = getattr(conv_depthwise, f"depthwise_conv{rank}d_input_grad")
    weight_grad = getattr(conv_depthwise, f"depthwise_conv{rank}d_weight_grad")
    pointwise_input_grad = getattr(conv_gradients, f"conv{rank}d_input_grad")
    pointwise_weight_grad = getattr(conv_gradients, f"conv{rank}d_weight_grad")

    def separable_conv_backward(
        grad_output, input, depthwise_weight, pointwise_weight, *, stride=1, padding=0, padding_mode="constant",
        cval=0, dilation=1, flip_kernel=False, data_format="channels_first", needs=NAMES, num_threads=None,
    ):  # fmt: skip
        grad_output, input = as_array(grad_output, "grad_output"), as_array(input, "input")
        depthwise_weight, pointwise_weight = _weights(
            rank, input.shape, depthwise_weight, pointwise_weight, data_format
        )
        if isinstance(needs, str) or not set(needs) <= set(NAMES):
            raise ValueError(f"needs={needs!r} must be a tuple of names among {NAMES}")
        shape = _between(
            rank, grad_output.shape, input.shape, depthwise_weight.shape, pointwise_weight.shape, stride, padding,
            dilation, data_format,
        )  # fmt: skip
        every = dict(data_format=data_format, num_threads=num_threads)
        options = every | dict(
            stride=stride, padding=padding, padding_mode=padding_mode, cval=cval, dilation=dilation,
            flip_kernel=flip_kernel,
        )  # fmt: skip
        found = dict.fromkeys(NAMES)
        if "pointwise_weight" in needs:
            between = depthwise(input, depthwise_weight, **options)
            grad = pointwise_weight_grad(between, grad_output, pointwise_weight.shape, **every)
            found["pointwise_weight"] = of_type(grad, pointwise_weight)
        grad = pointwise_input_grad(grad_output, pointwise_weight, shape, **every)
        # also where only the bias is asked for: a wrong argument is refused there too
        if "input" in needs or "depthwise_weight" not in needs:
            grad_input = input_grad(grad, depthwise_weight, input.shape, **options)
            found["input"] = of_type(grad_input, input) if "input" in needs else None
        if "depthwise_weight" in needs:
            grad_weight = weight_grad(input, grad, depthwise_weight.shape, **options)
            found["depthwise_weight"] = of_type(grad_weight, depthwise_weight)
        if "bias" in needs:
            last = data_format == "channels_last"
            found["bias"] = bias_gradient(grad_output, grad_output.ndim - 1 - (0 if last else rank), num_threads)
        return SeparableGradients(**found)

    return _docs.finish(separable_conv_backward, "separable_conv", "_backward", rank, __name__)


def _weight_grad_of(rank, backward):
    def separable_conv_weight_grad(
        input, grad_output, depthwise_weight, pointwise_weight, *, stride=1, padding=0, padding_mode="constant",
        cval=0, dilation=1, flip_kernel=False, data_format="channels_first", num_threads=None,
    ):  # fmt: skip
        grads = backward(
            grad_output, input, depthwise_weight, pointwise_weight, stride=stride, padding=padding,
            padding_mode=padding_mode, cval=cval, dilation=dilation, flip_kernel=flip_kernel,
            data_format=data_format, needs=("depthwise_weight", "pointwise_weight"),
            num_threads=num_threads,
        )  # fmt: skip
        return SeparableWeightGradients(grads.depthwise_weight, grads.pointwise_weight)

    return _docs.finish(separable_conv_weight_grad, "separable_conv", "_weight_grad", rank, __name__)


separable_conv1d = _forward_of(1)
separable_conv2d = _forward_of(2)
separable_conv3d = _forward_of(3)
separable_conv1d_input_grad = _input_grad_of(1)
separable_conv2d_input_grad = _input_grad_of(2)
separable_conv3d_input_grad = _input_grad_of(3)
separable_conv1d_backward = _backward_of(1)
separable_conv2d_backward = _backward_of(2)
separable_conv3d_backward = _backward_of(3)
separable_conv1d_weight_grad = _weight_grad_of(1, separable_conv1d_backward)
separable_conv2d_weight_grad = _weight_grad_of(2, separable_conv2d_backward)
separable_conv3d_weight_grad = _weight_grad_of(3, separable_conv3d_backward)
