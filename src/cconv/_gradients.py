"""Operators of gradients: made once per signature, run on any arrays that fit it.

Design:
  a. An operator has the `shape` and `dtype` of what it computes, and ``run(one, other, bias, out, num_threads)``.
     The input gradient of a layer and its transposed convolution are one: the same sums, but for the conjugate
     of a complex weight and for a bias.
  b. Weights are copied with input and output channels exchanged, phase by phase: as much memory as the weight. Those
     of pointwise layers are read as they lie.
  c. A complex weight gradient is one of real and imaginary parts, all four products of them, put together at the
     end: weights are small.
"""

import math
from typing import NamedTuple

import numpy as np

from ._calls import as_array, check_num_threads, check_out, fill_with_bias, remember, target
from ._core import Convolution
from ._dtypes import native
from ._gradient_shapes import in_blocks, in_phases, input_gradient, of_one_sample, with_gaps
from ._memory import empty
from ._pieces import copy
from ._pooling import Pooling
from ._shapes import pool_spec
from ._weight_gradient import TOGETHER_BYTES, Exchange, WeightSums, clear, run_phases, run_set

NAMES = ("input", "weight", "bias")
# that one call of NumPy's adds up, or an image: Ctrl-C need not wait for all. Image by image, LeNet-5's 32 small ones
# took twice as long.
BIAS_SAMPLES = 4_000_000
PLANE_TYPES = np.dtype(np.float32), np.dtype(np.float64)

_plane_sums = {}


class Gradients(NamedTuple):
    """What a `_backward` function returns: the gradients that were asked for, None for the others."""

    input: np.ndarray | None
    weight: np.ndarray | None
    bias: np.ndarray | None


class Layer:
    """A layer itself, as the input gradient of its transpose."""

    def __init__(self, forward):
        self.shape, self.dtype = forward.output_shape, forward.output_dtype
        self.run = Convolution(forward).run


class InputGradient:
    """The gradient of a layer's input, as phases (see `_gradient_shapes`).

    `forward` is the layer's ConvSpec, its `conjugate` what is wanted of the weight here.
    """

    def __init__(self, forward, shape, dtype):
        sizes = tuple([shape[axis] if axis >= 0 else 1 for axis in forward.input_axes[1:]])
        self.forward = forward
        self.shape = shape
        self.dtype = dtype
        # to fill with, where no phase writes
        self.spec = forward._replace(output_axes=forward.input_axes, output_dtype=dtype)
        one_pass = with_gaps(forward, shape, dtype)
        self.one_pass = None if one_pass is None else Convolution(one_pass)
        product = of_one_sample(forward, dtype)
        self.product = None if product is None else Convolution(product)
        blocks = in_blocks(forward, shape, dtype)
        self.blocks = None if blocks is None else Convolution(blocks)
        self.columns = None
        if blocks is not None and not _reads_as_it_lies(blocks):
            rows = forward.groups, forward.out_channels, blocks.out_channels
            self.columns = Exchange(*rows, (1,), [(slice(0, 1),)])
        tiles = in_phases(forward, shape, dtype)
        self.tiles = None if tiles is None else Convolution(tiles)
        core, borders = input_gradient(forward, sizes, dtype)
        self.core = _with_operators(core)
        self.borders = list(map(_with_operators, borders))
        parts = [part for region in (core, *borders) for part in region.parts]
        self.as_it_lies = any(_reads_as_it_lies(part.spec) for part in parts)
        self.taps = {part.key: part.taps for part in parts}
        extents = [size for size, axis in zip(forward.kernel_size, forward.input_axes[1:], strict=True) if axis >= 0]
        channels = forward.groups, forward.out_channels, forward.in_channels
        self.exchange = None
        if self.taps and not self.as_it_lies:
            self.exchange = Exchange(*channels, extents, list(self.taps.values()))

    def run(self, grad_output, weight, bias, out, num_threads):
        if self.one_pass is not None and np.isfinite(weight).all():
            return self.one_pass.run(grad_output, weight, bias, out, num_threads)
        if self.product is not None and out.flags.c_contiguous and grad_output.dtype == weight.dtype == out.dtype:
            image = weight.reshape(len(weight), -1)
            factors = grad_output.reshape(-1, len(weight), 1)
            self.product.run(image, factors, None, out.reshape(len(factors), -1), num_threads)
            if bias is not None:
                out += bias.reshape(-1, *[1] * (weight.ndim - 2))
            return out
        if self.blocks is not None and out.size and grad_output.dtype == weight.dtype == out.dtype:
            rows = weight.reshape(len(weight), -1)
            if self.columns is not None:
                (rows,) = self.columns.run(weight, num_threads)
            bias = None if bias is None else np.repeat(bias, math.prod(self.forward.kernel_size))
            return self.blocks.run(grad_output, rows, bias, out, num_threads)
        if self.tiles is not None and out.size:
            failed = run_phases(self.tiles, grad_output, weight, bias, out, num_threads)
            if len(failed):
                self._run_again(failed, grad_output, weight, bias, out, num_threads)
            return out
        if not self.core.is_covered and bias is None:
            clear(out, num_threads)
        elif not self.core.is_covered:
            fill_with_bias(out, bias, self.spec)
        if not self.taps:                   # no output reaches a sample
            return out
        if self.as_it_lies:
            weights = dict.fromkeys(self.taps, weight)
        else:
            weights = dict(zip(self.taps, self.exchange.run(weight, num_threads), strict=True))
        self._run_parts(self.core, grad_output, weights, bias, out, num_threads)
        for region in self.borders:
            grad = empty(region.shape, region.dtype)
            for first in range(0, grad_output.shape[0], region.chunk) if region.chunk else (None,):
                images = slice(None) if first is None else slice(first, first + region.chunk)
                if not region.is_covered:
                    grad[...] = 0
                self._run_parts(region, grad_output[images], weights, None, grad, num_threads)
                samples = out[images][region.place]
                samples += grad.sum(region.repeated, keepdims=True) if region.repeated else grad
        return out

    def _run_again(self, images, grad_output, weight, bias, out, num_threads):
        """Some of the batch, directly and one by one."""
        batch = (1,) * len(self.forward.batch_shape)
        outputs = self.forward.output_shape[len(batch) :]
        forward = self.forward._replace(batch_shape=batch, output_shape=(*batch, *outputs), method="direct")
        one = InputGradient(forward, (*batch, *self.shape[len(batch) :]), self.dtype)
        for n in images:
            image = slice(n, n + 1) if batch else slice(None)
            one.run(grad_output[image], weight, bias, out[image], num_threads)

    def _run_parts(self, region, grad_output, weights, bias, out, num_threads):
        operators = [operator for operator, _ in region.parts]
        chosen = [weights[part.key] for _, part in region.parts]
        outs = [out[part.place] for _, part in region.parts]
        images = math.prod(self.forward.batch_shape)
        together = images == 1 or sum(part.nbytes for part in chosen) <= TOGETHER_BYTES
        if len(operators) > 1 and together and out.size and self.forward.out_channels:
            run_set(operators, grad_output, chosen, bias, outs, num_threads)
            return
        for operator, part, place in zip(operators, chosen, outs, strict=True):
            operator.run(grad_output, part, bias, place, num_threads)


def _reads_as_it_lies(spec):
    """Whether a part takes the layer's own weight, not one with its channels exchanged."""
    return spec.weight_axes[0] == 1


def _with_operators(region):
    return region._replace(parts=[(Convolution(part.spec), part) for part in region.parts])


class WeightGradient:
    """The gradient of a layer's weight: sums of products of its input and grad_output.

    One of them is conjugated: the input of a layer, or the grad_output of the layer that a transposed convolution
    is the transpose of.
    """

    def __init__(self, forward, shape, dtype, *, conjugate_input):
        self.shape, self.dtype = shape, dtype
        self.conjugate_input = conjugate_input
        self.sums = WeightSums(forward)

    def _total(self, input, grad_output, num_threads, out):
        count = self.sums.images_at_once(input, grad_output)
        images = math.prod(self.sums.spec.batch_shape[:1])
        if count >= images:
            return self.sums.run(input, grad_output, num_threads, out)
        total = None
        for first in range(0, images, count):
            batch = (min(count, images - first), *self.sums.spec.batch_shape[1:])
            sums = WeightSums(self.sums.spec._replace(batch_shape=batch))
            part = sums.run(input[first : first + count], grad_output[first : first + count], num_threads)
            total = part if total is None else total + part
        return total

    def run(self, input, grad_output, bias, out, num_threads):
        total = self._total(input, grad_output, num_threads, out)
        if total is out:
            return out
        if self.dtype.kind != "c":
            out[...] = total.reshape(out.shape)
            return out
        # (out, re and im of grad_output, in, re and im of input, taps)
        parts = [1 + (array.dtype.kind == "c") for array in (grad_output, input)]
        outs, ins, *taps = self.shape
        total = total.reshape(outs, parts[0], ins, parts[1], *taps)
        sign = 1 if self.conjugate_input else -1
        real, imag = total[:, 0, :, 0].copy(), np.zeros(out.shape, total.dtype)
        if parts == [2, 2]:
            real += total[:, 1, :, 1]
        if parts[0] == 2:
            imag += sign * total[:, 1, :, 0]
        if parts[1] == 2:
            imag -= sign * total[:, 0, :, 1]
        out.real, out.imag = real, imag
        return out


def call(operator, arrays, bias, out, num_threads):
    """Run an operator into `out` or a new array; what may overlap goes through a copy."""
    if num_threads is not None:
        num_threads = check_num_threads(num_threads)
    if out is None:
        return operator.run(*arrays, bias, empty(operator.shape, operator.dtype), num_threads)
    inner = check_out(out, operator.shape, operator.dtype)
    result = target(inner, (*arrays, bias))
    operator.run(*arrays, bias, result, num_threads)
    if result is not inner:
        copy(inner, result)
    return out


def all_gradients(rank, grad_output, input, weight, needs, input_grad, weight_grad, options):
    """What `needs` names, by the two functions; the gradient of a real array is the real part."""
    grad_output, input, weight = map(as_array, (grad_output, input, weight), ("grad_output", "input", "weight"))
    if isinstance(needs, str) or not set(needs) <= set(NAMES):
        raise ValueError(f"needs={needs!r} must be a tuple of names among {NAMES}")
    found = dict.fromkeys(NAMES)
    if "input" in needs or "weight" not in needs:
        # also where only the bias is asked for: a wrong argument is refused there too
        grad = input_grad(grad_output, weight, input.shape, **options)
        found["input"] = of_type(grad, input) if "input" in needs else None
    if "weight" in needs:
        found["weight"] = of_type(weight_grad(input, grad_output, weight.shape, **options), weight)
    if "bias" in needs:
        last = options["data_format"] == "channels_last"
        channel = grad_output.ndim - 1 if last else grad_output.ndim - 1 - rank
        found["bias"] = bias_gradient(grad_output, channel, options["num_threads"])
    return Gradients(**found)


def of_type(grad, array):
    return grad.real.copy() if grad.dtype.kind == "c" and array.dtype.kind != "c" else grad


def _sums_of_planes(array, channel, num_threads):
    """Of (..., channels, *plane) those of each plane, (images, channels, 1): NumPy's take 2.5 to 4 times as long."""
    shape = (math.prod(array.shape[:channel]), array.shape[channel], math.prod(array.shape[channel + 1 :]))
    if not array.size:
        return np.zeros((*shape[:2], 1), array.dtype)
    # the mean of one window, divided by 1
    key = shape, array.dtype
    pool = _plane_sums.get(key) or remember(_plane_sums, key, Pooling(pool_spec(
        "avg", 1, *key, shape[2:], None, 0, 1, False, False, True, 1, False, "channels_first", None)))  # fmt: skip
    return pool.run(array.reshape(shape), None, None, num_threads)


def bias_gradient(grad_output, channel, num_threads):
    """The sum over all axes but the channels', in at least single precision, pairwise or an axis at a time."""
    dtype = native(grad_output.dtype)
    if channel < grad_output.ndim - 1 and grad_output.flags.c_contiguous and grad_output.dtype in PLANE_TYPES:
        return _sums_of_planes(grad_output, channel, num_threads).sum((0, 2))
    kept = np.dtype(np.float32) if dtype == np.float16 else dtype
    total = grad_output
    if channel == grad_output.ndim - 1:
        while total.ndim > 1:
            total = total.sum(-2, dtype=kept)
    else:
        axes = tuple(range(channel + 1, total.ndim))
        if channel == 0:
            total = total.sum(axes, dtype=kept)
        else:
            images = max(1, BIAS_SAMPLES // max(1, math.prod(total.shape[1:])))
            sums = np.empty(total.shape[:2], kept)
            for first in range(0, len(total), images):
                total[first : first + images].sum(axes, dtype=kept, out=sums[first : first + images])
            total = sums.sum(0, dtype=kept)
    return total.astype(dtype, copy=False)
