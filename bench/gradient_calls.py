"""Gradients and transposed convolution as calls: cconv's functions, and what torch's autograd runs."""

from functools import partial
from math import prod, sqrt

import numpy as np

from call import Call

EPS = 2.0**-23


def gradients(case):
    """The input gradient and the weight gradient of a layer of `cases`."""
    shape = (case.batch, case.channels[0], *case.size)
    grad_shape = (case.batch, case.channels[1], *case.output_size)
    weight_shape = (case.channels[1], case.channels[0] // case.groups, *case.kernel)

    def inputs(rng):
        x, grad = (_laid_out(rng.standard_normal(s, np.float32), case) for s in (shape, grad_shape))
        return grad, x, rng.standard_normal(weight_shape, np.float32)

    def ours(grad, x, w):
        import cconv

        call = getattr(cconv, f"conv{case.rank}d_backward")
        return partial(call, grad, x, w, stride=case.stride, padding=case.pads, dilation=case.dilation,
                       groups=case.groups, needs=("input", "weight"),
                       data_format="channels_last" if case.channels_last else "channels_first")

    def torch(channels_last, grad, x, w):
        import torch

        grad, x, w = (torch.from_numpy(np.ascontiguousarray(a)) for a in (case.to_layer(grad), case.to_layer(x), w))
        if channels_last:
            grad, x, w = (t.to(memory_format=torch.channels_last) for t in (grad, x, w))
        call = partial(torch.ops.aten.convolution_backward, grad, x, w, None, (case.stride,) * case.rank, case.pads,
                       (case.dilation,) * case.rank, False, (0,) * case.rank, case.groups, (True, True, False))
        return lambda: tuple(case.from_layer(t) if i == 0 else t for i, t in enumerate(call()[:2]))

    competitors = {"cconv": ours, "torch": partial(torch, False)}
    if case.rank == 2:
        competitors["torch_last"] = partial(torch, True)
    pixels = case.batch * prod(case.output_size)
    samples = case.batch * (prod(shape[1:]) + prod(grad_shape[1:]))
    return Call(case.name, inputs, competitors, 400 * EPS * max(1.0, sqrt(pixels) / 50), 2 * case.flop,
                4 * (samples + prod(shape) + 2 * prod(weight_shape)), channels_last=case.channels_last)


def transposed(name, c, k, size, kernel, stride, padding, output_padding=0, batch=1):
    """conv_transpose2d of a decoder."""
    out = (size - 1) * stride - 2 * padding + kernel + output_padding

    def inputs(rng):
        return (rng.standard_normal((batch, c, size, size), np.float32),
                rng.standard_normal((c, k, kernel, kernel), np.float32))

    def ours(x, w):
        import cconv

        return partial(cconv.conv_transpose2d, x, w, stride=stride, padding=padding, output_padding=output_padding)

    def torch(channels_last, x, w):
        import torch

        x, w = torch.from_numpy(x), torch.from_numpy(w)
        if channels_last:
            x, w = (t.to(memory_format=torch.channels_last) for t in (x, w))
        return partial(torch.nn.functional.conv_transpose2d, x, w, None, stride, padding, output_padding)

    name = f"{name} {c}->{k} {size} k{kernel} s{stride}" + (f" n{batch}" if batch > 1 else "")
    return Call(name, inputs, {"cconv": ours, "torch": partial(torch, False), "torch_last": partial(torch, True)},
                400 * EPS, 2 * batch * c * k * (size * kernel) ** 2,
                4 * (batch * (c * size * size + k * out * out) + c * k * kernel * kernel))


def _laid_out(array, case):
    return np.ascontiguousarray(np.moveaxis(array, 1, -1)) if case.channels_last else array
