"""Convolution layers as modules, with the parameters of torch's own: the weights of one load into the other."""

import math

import torch

from .._padding import check_boundary, check_int, padding_pairs
from .._shapes import CONV_PADDINGS
from . import _docs
from ._layers import conv1d, conv2d, conv3d
from ._tensors import ints


class _Conv(torch.nn.Module):
    """What modules of every rank have in common; `_function` and `_rank` are theirs."""

    def __init__(
        self, in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True,
        padding_mode="zeros", device=None, dtype=None, *, cval=0,
    ):  # fmt: skip
        super().__init__()
        rank = self._rank
        groups = check_int(groups, "groups", 1)
        for name, channels in (("in_channels", in_channels), ("out_channels", out_channels)):
            if check_int(channels, name, 1) % groups:
                raise ValueError(f"groups={groups} does not divide {name}={channels}")
        kernel_size = ints(kernel_size, "kernel_size", rank, 1)
        check_boundary(padding_mode, "padding_mode", rank)
        if not isinstance(padding, str):
            padding_pairs(padding, rank, CONV_PADDINGS)
        elif padding not in CONV_PADDINGS:
            raise ValueError(f"padding={padding!r} must be numbers or one of {CONV_PADDINGS}")
        self.options = dict(
            stride=ints(stride, "stride", rank, 1), padding=padding, dilation=ints(dilation, "dilation", rank, 1),
            groups=groups, padding_mode=padding_mode, cval=cval,
        )  # fmt: skip
        made = {"device": device, "dtype": dtype}
        self.weight = torch.nn.Parameter(torch.empty((out_channels, in_channels // groups, *kernel_size), **made))
        self.bias = torch.nn.Parameter(torch.empty(out_channels, **made)) if bias else None
        self.reset_parameters()

    def reset_parameters(self):
        """Draw weight and bias as torch's modules do, uniformly within 1 / sqrt(terms of a sum)."""
        bound = 1 / math.sqrt(self.weight[0].numel())
        for parameter in self.parameters():
            torch.nn.init.uniform_(parameter, -bound, bound)

    def forward(self, input):
        return type(self)._function(input, self.weight, self.bias, **self.options)

    def extra_repr(self):
        taken = [f"{name}={value!r}" for name, value in self.options.items() if value not in (0, "zeros")]
        return ", ".join([f"weight {tuple(self.weight.shape)}", *taken])


class Conv1d(_Conv):
    _rank, _function = 1, staticmethod(conv1d)


class Conv2d(_Conv):
    _rank, _function = 2, staticmethod(conv2d)


class Conv3d(_Conv):
    _rank, _function = 3, staticmethod(conv3d)


for _module in (Conv1d, Conv2d, Conv3d):
    _docs.finish_module(_module, _module._rank)
del _module
