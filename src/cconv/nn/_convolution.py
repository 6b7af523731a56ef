"""Convolution layers on `conv*`, `conv_transpose*` and their `_backward`."""

from math import prod

import numpy as np

import cconv
from cconv import activations

from ._initialisers import he_normal
from ._layer import UNKNOWN, Layer, saved, want_channels, want_map

# Those whose gradient can be told from their result alone, so that nothing is kept beside it.
FUSED = (None, "relu", "leaky_relu")


def check_activation(activation):
    if activation not in FUSED:
        raise ValueError(f"activation={activation!r} must be one of {FUSED}; for others add an Activation layer")


def activation_grad(activation, grad, output):
    """The gradient before the activation; the output has the sign of what went in."""
    return grad if activation is None else getattr(activations, f"{activation}_grad")(grad, output)


class _Convolution(Layer):
    """What layers and transposed layers share: one weight, one bias, a function and its gradients."""

    rank = None
    function = None  # "conv" or "conv_transpose"

    def check(self, shape):
        want_map(shape, self.rank)
        if self.input_shape is not None:
            want_channels(shape, self.input_shape[0])

    def make(self, shape, rng, dtype):
        channels = shape[0]
        for count, what in ((channels, "channels"), (self.out_channels, "out_channels")):
            if self.groups < 1 or count % self.groups:
                raise ValueError(f"groups={self.groups} does not divide its {count} {what}")
        kernel = tuple(self.kernel_size) if np.ndim(self.kernel_size) else (self.kernel_size,) * self.rank
        taps = prod(kernel)
        fan_in, fan_out = channels // self.groups * taps, self.out_channels // self.groups * taps
        weight_shape = (*self.outer_and_inner(channels), *kernel)
        self.params["weight"] = self.initialiser(rng, weight_shape, fan_in, fan_out, dtype)
        if self.bias:
            self.params["bias"] = np.zeros(self.out_channels, dtype)

    def forward(self, x, training=False):
        function = getattr(cconv, f"{self.function}{self.rank}d")
        output = function(x, self.params["weight"], self.params.get("bias"), **self.options, **self.forward_only)
        if training:
            self._saved = x, output if self.activation else None
        return output

    def backward(self, grad, needs_input=True):
        x, output = saved(self)
        grad = activation_grad(self.activation, grad, output)
        needs = [*self.params, "input"] if needs_input else [*self.params]
        backward = getattr(cconv, f"{self.function}{self.rank}d_backward")
        grads = backward(grad, x, self.params["weight"], needs=needs, **self.options)
        self.grads.update((name, getattr(grads, name)) for name in self.params)
        return grads.input


class _Conv(_Convolution):
    """{n}-D convolution layer: `cconv.conv{n}d` with a weight and a bias that are learned.

    Parameters
    ----------
    out_channels : int
        Kernels of the layer. The channels of its input follow from what it is built for.
    kernel_size : int or sequence of int
    stride, padding, padding_mode, dilation, groups
        As of `cconv.conv{n}d`.
    bias : bool
        Whether there is one.
    activation : {{None, "relu", "leaky_relu"}}
        Applied in the same pass. Others are layers of their own, `Activation`.
    initialiser : function
        Of the weight; the bias begins with zeros.
    """

    function = "conv"

    def __init__(
        self, out_channels, kernel_size, *, stride=1, padding=0, padding_mode="constant", dilation=1, groups=1,
        bias=True, activation=None, initialiser=he_normal,
    ):  # fmt: skip
        super().__init__()
        check_activation(activation)
        self.out_channels, self.kernel_size = out_channels, kernel_size
        self.stride, self.padding, self.padding_mode = stride, padding, padding_mode
        self.dilation, self.groups, self.bias = dilation, groups, bias
        self.activation, self.initialiser = activation, initialiser
        self.options = dict(
            stride=stride, padding=padding, padding_mode=padding_mode, dilation=dilation, groups=groups
        )  # fmt: skip
        self.forward_only = dict(activation=activation)

    def outer_and_inner(self, channels):
        return self.out_channels, channels // self.groups

    def reach(self, windows):
        return windows if isinstance(windows, str) else [*windows, (self.kernel_size, self.stride, self.dilation)]


class _ConvTranspose(_Convolution):
    """{n}-D transposed convolution layer: `cconv.conv_transpose{n}d` with a weight and a bias that are learned.

    Parameters
    ----------
    out_channels : int
    kernel_size : int or sequence of int
    stride, padding, output_padding, dilation, groups
        As of `cconv.conv_transpose{n}d`.
    bias : bool
        Whether there is one.
    initialiser : function
        Of the weight; the bias begins with zeros.
    """

    function = "conv_transpose"
    activation = None

    def __init__(
        self, out_channels, kernel_size, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1, bias=True,
        initialiser=he_normal,
    ):  # fmt: skip
        super().__init__()
        self.out_channels, self.kernel_size = out_channels, kernel_size
        self.stride, self.padding, self.output_padding = stride, padding, output_padding
        self.dilation, self.groups, self.bias, self.initialiser = dilation, groups, bias, initialiser
        self.options = dict(
            stride=stride, padding=padding, output_padding=output_padding, dilation=dilation, groups=groups
        )  # fmt: skip
        self.forward_only = {}

    def outer_and_inner(self, channels):
        return channels, self.out_channels // self.groups

    def reach(self, windows):
        return UNKNOWN  # outputs between two inputs see more than those on one


def of_rank(base, name, rank):
    """The class of one rank, with its page."""
    page = base.__doc__.replace("{{", "{").replace("}}", "}").replace("{n}", str(rank))
    return type(f"{name}{rank}d", (base,), {"rank": rank, "__doc__": page, "__module__": "cconv.nn"})


Conv1d, Conv2d, Conv3d = (of_rank(_Conv, "Conv", rank) for rank in (1, 2, 3))
ConvTranspose1d, ConvTranspose2d, ConvTranspose3d = (
    of_rank(_ConvTranspose, "ConvTranspose", rank) for rank in (1, 2, 3)
)
