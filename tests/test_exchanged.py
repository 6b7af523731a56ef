"""Weights of input gradients: read as they lie by pointwise layers, copied with channels exchanged by others."""

import itertools

import numpy as np
import pytest

import cconv
from cconv._gradient_shapes import in_blocks, layer_spec, transposed_spec
from cconv._gradients import InputGradient
from cconv._weight_gradient import Exchange
from checks import NEEDS_PAGES, between_pages, same_bits, sample, unaligned

CHANNELS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 100, 129)
LAYOUTS = "channels_first", "channels_last"
OPTIONS = (1, 0, "constant", 0, 1, 1, False)  # stride to flip_kernel


def operator(x, weight, g):
    spec = layer_spec(2, x, np.dtype("f4"), weight, np.dtype("f4"), g, (*OPTIONS, "channels_first", "auto"))
    return InputGradient(spec, x, np.dtype("f4"))


def test_a_pointwise_weight_is_not_copied():
    assert operator((1, 3, 8, 8), (16, 3, 1, 1), (1, 16, 8, 8)).as_it_lies
    assert not operator((1, 2, 8, 8), (16, 2, 1, 1), (1, 16, 8, 8)).as_it_lies
    assert not operator((1, 3, 8, 8), (16, 3, 3, 3), (1, 16, 6, 6)).as_it_lies
    forward, shape = transposed_spec(
        2, (1, 16, 8, 8), np.dtype("f4"), (16, 3, 2, 2), np.dtype("f4"), None, None,
        2, 0, 0, None, 1, 1, False, "channels_first",
    )  # fmt: skip
    assert in_blocks(forward, shape, np.dtype("f4")).weight_axes[:2] == (1, 0)
    assert InputGradient(forward, shape, np.dtype("f4")).columns is None


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [(1, 2), (3, 5), (7, 7), (12, 16)])
def test_pointwise_gradients_have_the_bits_of_the_layer_with_a_copied_weight(rng, size, dtype, layout):
    for ins, outs in itertools.product(CHANNELS, (1, 3, 16, 37)):
        shape = (2, outs, *size) if layout == "channels_first" else (2, *size, outs)
        g = sample(rng, shape, dtype)
        weight = sample(rng, (outs, ins, 1, 1), dtype)
        full = (2, ins, *size) if layout == "channels_first" else (2, *size, ins)
        got = cconv.conv2d_input_grad(g, weight, full, data_format=layout)
        expected = cconv.conv2d(g, np.ascontiguousarray(weight.swapaxes(0, 1)), data_format=layout)
        same_bits(got, expected)


def test_more_inputs_than_a_block_of_taps_holds(rng):
    for ins, outs in [(40, 641), (70, 1500), (33, 2048)]:
        g = sample(rng, (3, outs, 9, 11), "float32")
        weight = sample(rng, (outs, ins, 1, 1), "float32")
        for layout, arrays in (("channels_first", g), ("channels_last", np.moveaxis(g, 1, -1).copy())):
            full = (3, ins, 9, 11) if layout == "channels_first" else (3, 9, 11, ins)
            got = cconv.conv2d_input_grad(arrays, weight, full, data_format=layout)
            expected = cconv.conv2d(arrays, np.ascontiguousarray(weight.swapaxes(0, 1)), data_format=layout)
            same_bits(got, expected)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("stride", [2, 3])
def test_strided_pointwise_gradients(rng, stride, layout):
    for ins, outs in [(1, 4), (2, 5), (3, 16), (24, 70), (65, 33)]:
        g = sample(rng, (2, outs, 5, 7), "float32")
        weight = sample(rng, (outs, ins, 1, 1), "float32")
        size = 4 * stride + 2, 6 * stride + 1
        expected = np.zeros((2, ins, *size), "float32")
        expected[:, :, ::stride, ::stride] = cconv.conv2d(g, np.ascontiguousarray(weight.swapaxes(0, 1)))
        if layout == "channels_last":
            g, expected = (np.moveaxis(array, 1, -1).copy() for array in (g, expected))
        got = cconv.conv2d_input_grad(g, weight, expected.shape, stride=stride, data_format=layout)
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
        assert not got[expected == 0].any()


@pytest.mark.parametrize("change", ["read-only", "strided", "swapped", "float16", "unaligned"])
def test_weights_that_have_to_be_copied(rng, change):
    plain = sample(rng, (20, 12, 1, 1), "float32").astype("float16").astype("float32")
    weight = {
        "read-only": plain.copy(),
        "strided": np.repeat(plain, 2, 1)[:, ::2],
        "swapped": plain.astype(">f4"),
        "float16": plain.astype("float16"),
        "unaligned": unaligned(plain),
    }[change]
    weight.flags.writeable = False
    g = sample(rng, (2, 20, 6, 6), "float32")
    same_bits(cconv.conv2d_input_grad(g, weight, (2, 12, 6, 6)), cconv.conv2d_input_grad(g, plain, (2, 12, 6, 6)))
    g = sample(rng, (2, 20, 3, 3), "float32")
    weight, plain = weight.reshape(20, 3, 2, 2), plain.reshape(20, 3, 2, 2)
    same_bits(cconv.conv_transpose2d(g, weight, stride=2), cconv.conv_transpose2d(g, plain, stride=2))


@NEEDS_PAGES
@pytest.mark.parametrize("layout", LAYOUTS)
def test_nothing_around_a_weight_is_read(rng, layout):
    inside = between_pages(4)
    for ins, outs in itertools.product((3, 5, 8, 17, 31, 70), (1, 2, 7, 33)):
        weight = sample(rng, (outs, ins, 1, 1), "float32")
        for start in (0, len(inside) - weight.nbytes):
            fenced = inside[start : start + weight.nbytes].view("f4").reshape(weight.shape)
            fenced[...] = weight
            g = sample(rng, (1, outs, 4, 12), "float32")
            if layout == "channels_last":
                g = np.moveaxis(g, 1, -1).copy()
            shape = (1, ins, 4, 12) if layout == "channels_first" else (1, 4, 12, ins)
            cconv.conv2d_input_grad(g, fenced, shape, data_format=layout)
    for extents in [(3, 3), (4, 4), (2, 2)]:
        weight = sample(rng, (17, 5, *extents), "float32")
        for start in (0, len(inside) - weight.nbytes):
            fenced = inside[start : start + weight.nbytes].view("f4").reshape(weight.shape)
            fenced[...] = weight
            cconv.conv_transpose2d(sample(rng, (1, 17, 4, 5), "float32"), fenced, stride=2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("extents", [(1,), (3,), (9,), (3, 3), (2, 5), (4, 4), (5, 5), (3, 3, 3), (7, 8)])
def test_exchange(rng, extents, dtype):
    every = tuple(slice(0, n) for n in extents)
    phases = [
        tuple(slice(a, n, 2) for a, n in zip(first, extents, strict=True))
        for first in itertools.product(*[range(min(n, 2)) for n in extents])
    ]
    for groups, outs, ins in [(1, 1, 1), (1, 16, 16), (1, 17, 33), (2, 40, 5), (3, 5, 18), (1, 3, 100)]:
        weight = sample(rng, (groups * outs, ins, *extents), dtype)
        split = weight.reshape(groups, outs, ins, *extents).swapaxes(1, 2)
        for parts in ([every], phases):
            found = Exchange(groups, outs, ins, extents, parts).run(weight, 2)
            for got, taps in zip(found, parts, strict=True):
                expected = split[(..., *taps)]
                same_bits(got, expected.reshape(groups * ins, outs, *expected.shape[3:]))
