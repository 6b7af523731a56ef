"""Weight gradients of pointwise layers whose grad_output is not in a cache: input channels in the lanes."""

import numpy as np
import pytest

import cconv
from checks import same_bits, sample, weight_schedule

LARGE = (
    # input, output channels, groups
    ((2, 16, 165, 160), 64, 1),
    ((9, 9, 64, 63), 100, 1),
    ((3, 20, 130, 131), 136, 2),
    ((1, 17, 50021), 80, 1),
    ((1, 16, 11, 50, 101), 64, 1),
)


def channels_first(array, data_format):
    return np.moveaxis(array, -1, 1) if data_format == "channels_last" else array


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_gradient_of_few_input_channels(rng, dtype, data_format):
    for shape, channels, groups in LARGE:
        n, c, *extents = shape
        weight_shape = (channels, c // groups, *[1] * len(extents))
        if data_format == "channels_last":
            x, g = sample(rng, (n, *extents, c), dtype), sample(rng, (n, *extents, channels), dtype)
        else:
            x, g = sample(rng, shape, dtype), sample(rng, (n, channels, *extents), dtype)
        if c == 16:  # of the others it depends on how many lanes there are
            assert weight_schedule(x, g, weight_shape, groups=groups, data_format=data_format)["swapped"]
        gradient = getattr(cconv, f"conv{len(extents)}d_weight_grad")
        options = dict(groups=groups, data_format=data_format)
        got = gradient(x, g, weight_shape, **options)
        wide_x, wide_g = (
            channels_first(array, data_format).reshape(n, groups, -1, np.prod(extents)).astype("float64")
            for array in (x, g)
        )
        right = np.einsum("ngop,ngcp->goc", wide_g, wide_x, optimize=True).reshape(weight_shape)
        scale = np.einsum("ngop,ngcp->goc", abs(wide_g), abs(wide_x), optimize=True).reshape(weight_shape)
        assert np.all(np.abs(got - right) <= 64 * np.finfo(dtype).eps * scale), (shape, channels, groups)
        for threads in (1, 2):
            same_bits(gradient(x, g, weight_shape, **options, num_threads=threads), got)


def test_only_neighbours_are_asked_for(rng):
    """A channel's samples share no line with each other where channels are neighbours."""
    x, g = sample(rng, (2, 64, 165, 160), "f4"), sample(rng, (2, 100, 165, 160), "f4")
    last = [np.ascontiguousarray(np.moveaxis(array, 1, -1)) for array in (x, g)]
    assert weight_schedule(x, g, (100, 64, 1, 1))["fetches"]
    assert not weight_schedule(*last, (100, 64, 1, 1), data_format="channels_last")["fetches"]
    assert not weight_schedule(*[np.moveaxis(array, -1, 1) for array in last], (100, 64, 1, 1))["fetches"]
    assert not weight_schedule(x[:, :, :14, :14], g[:, :, :14, :14], (100, 64, 1, 1))["fetches"], "in a cache"


def test_what_changes_places(rng):
    x, g = sample(rng, (2, 16, 165, 160), "f4"), sample(rng, (2, 64, 165, 160), "f4")
    assert weight_schedule(x, g, (64, 16, 1, 1))["swapped"]
    assert not weight_schedule(g, x, (16, 64, 1, 1))["swapped"], "few output channels are in the lanes as they are"
    assert not weight_schedule(x[:1], g[:1], (64, 16, 1, 1))["swapped"], "as fast in a cache"
    x = sample(rng, (2, 16, 329, 320), "f4")
    assert not weight_schedule(x, g, (64, 16, 1, 1), stride=2)["swapped"], "lanes of every other sample"
    swapped = cconv.conv2d_weight_grad(x[:, :, ::2, ::2], g, (64, 16, 1, 1))
    right = cconv.conv2d_weight_grad(x, g, (64, 16, 1, 1), stride=2)
    np.testing.assert_allclose(swapped, right, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("layer", [
    ((8, 16, 112, 112), (96, 16, 1, 1), {}),
    ((8, 64, 14, 14), (384, 64, 1, 1), {}),
    ((2, 8, 30, 31), (70, 8, 3, 3), dict(stride=2)),
    ((2, 16, 20, 20), (16, 1, 3, 3), dict(padding=1, groups=16)),
    ((2, 19, 20, 20), (19, 1, 5, 5), dict(padding=2, groups=19, stride=2)),
    ((4, 32, 28, 28), (32, 32, 3, 3), dict(padding=1)),
    ((2, 1, 40, 40), (4, 1, 3, 3), dict(padding=1)),
], ids=str)  # fmt: skip
def test_byte_order_and_alignment_change_no_bit(rng, layer):
    shape, weight_shape, options = layer
    x = sample(rng, shape, "f4")
    g = sample(rng, cconv.conv2d(x, np.zeros(weight_shape, "f4"), **options).shape, "f4")
    right = cconv.conv2d_weight_grad(x, g, weight_shape, **options)
    for other in (other_bytes, odd_address):
        for arrays in ((other(x), g), (x, other(g)), (other(x), other(g))):
            same_bits(cconv.conv2d_weight_grad(*arrays, weight_shape, **options).astype("f4"), right)


def other_bytes(array):
    return array.astype(array.dtype.newbyteorder())


def odd_address(array):
    bytes_ = np.empty(array.nbytes + 1, np.uint8)[1:]
    moved = bytes_.view(array.dtype).reshape(array.shape)
    moved[...] = array
    return moved
