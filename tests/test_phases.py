"""Input gradients of stride 2, transposed convolutions among them, by Winograd's tiles (winograd_phases.pxd)."""

import itertools

import numpy as np
import pytest
from scipy.ndimage import maximum_filter

import cconv
from cconv import _gradient_shapes as shapes
from cconv._gradients import InputGradient
from checks import Fence, same_bits, sample

# |error| <= BOUND * eps * S, where S is the largest sum of |grad_output| |weight| within 8 samples
BOUND = 64
STRIDES = pytest.mark.parametrize("stride", [(2, 2), (1, 2)], ids=str)


def operator(x, w, g, dtype, stride=(2, 2), pad=1, flip=False, groups=1, method="winograd"):
    """InputGradient of a layer, however small."""
    options = stride, pad, "constant", 0, 1, groups, flip, "channels_first", "auto"
    spec = shapes.layer_spec(2, x, dtype, w, dtype, g, options)
    return InputGradient(spec._replace(method=method), x, dtype)


def layer(rng, n, channels, blocks, kernel, dtype, stride=(2, 2), groups=1):
    """(grad_output, weight, shape of the input, padding) of a layer whose input is so many blocks of `stride`."""
    ins, outs = channels
    size = [count * step for count, step in zip(blocks, stride, strict=True)]
    pads = [(k - s) // 2 for k, s in zip(kernel, stride, strict=True)]
    after = [k - s - p for k, s, p in zip(kernel, stride, pads, strict=True)]
    g = sample(rng, (n, outs, *blocks), dtype)
    w = sample(rng, (outs, ins // groups, *kernel), dtype)
    return g, w, (n, ins, *size), tuple(zip(pads, after, strict=True))


def scattered(g, w, shape, stride, pad, flip, groups):
    """What each output of the layer gave to the samples under its window."""
    w = w[..., ::-1, ::-1] if flip else w
    kernel, rows, columns = w.shape[2:], *g.shape[2:]
    reach = [(n - 1) * step + k for n, step, k in zip(g.shape[2:], stride, kernel, strict=True)]
    reach = [max(n, b + size) for n, (b, _), size in zip(reach, pad, shape[2:], strict=True)]
    total = np.zeros((*shape[:2], *reach), w.dtype)
    ins, outs = shape[1] // groups, len(w) // groups
    for group, i, j in itertools.product(range(groups), range(kernel[0]), range(kernel[1])):
        of = slice(group * outs, (group + 1) * outs)
        given = np.einsum("nohw,oc->nchw", g[:, of], w[of, :, i, j])
        to = slice(i, i + rows * stride[0], stride[0]), slice(j, j + columns * stride[1], stride[1])
        total[:, group * ins : (group + 1) * ins, *to] += given
    return total[:, :, pad[0][0] : pad[0][0] + shape[2], pad[1][0] : pad[1][0] + shape[3]]


def check_bound(got, g, w, shape, stride, pad, flip=False, groups=1, bias=0, bound=BOUND):
    wide = [array.astype(np.longdouble if got.dtype == np.float64 else np.float64) for array in (g, w)]
    exact = scattered(*wide, shape, stride, pad, flip, groups) + bias
    scale = scattered(*map(np.abs, wide), shape, stride, pad, flip, groups).astype(np.float64) + np.abs(bias)
    scale = maximum_filter(scale, size=(1, 1, 17, 17), mode="constant")
    assert (np.abs(got - exact) <= bound * np.finfo(got.dtype).eps * scale).all(), shape


def test_every_padding(rng):
    """Where three taps of each phase follow each other; elsewhere phases are what they were."""
    for k, before, flip in itertools.product(range(2, 8), range(9), (False, True)):
        blocks = (5, 9)
        g, w, shape, _ = layer(rng, 1, (16, 16), blocks, (k, k), "float64")
        pad = ((before, k - 2 - before),) * 2
        found = operator(shape, w.shape, g.shape, g.dtype, pad=pad, flip=flip)
        assert (found.tiles is not None) == (k <= 5 or (k == 6 and before % 2 == 0)), (k, before)
        got = found.run(g, w, None, np.full(shape, np.nan), None)
        # 2 and 3 are not chosen: a single tap's sum is small beside its tile's
        check_bound(got, g, w, shape, (2, 2), pad, flip, bound=BOUND if k > 3 else 4 * BOUND)


def chosen(x, w, g, dtype="f4", **changes):
    options = dict(stride=2, padding=1, padding_mode="constant", cval=0, dilation=1, groups=1, flip=False)
    options |= dict(data_format="channels_first", method="auto")
    assert set(changes) <= set(options)
    spec = shapes.layer_spec(2, x, np.dtype(dtype), w, np.dtype(dtype), g, tuple((options | changes).values()))
    return shapes.in_phases(spec, x, np.dtype(dtype)) is not None


def test_who_gets_them():
    x, w, g = (2, 32, 16, 16), (64, 32, 4, 4), (2, 64, 8, 8)
    assert chosen(x, w, g)
    assert chosen(x, w, g, "f8")
    assert not chosen(x, w, g, "c8")
    assert not chosen(x, w, g, method="direct")
    assert not chosen(x, w, g, padding_mode="reflect")
    assert not chosen((2, 16, 16, 32), w, (2, 8, 8, 64), data_format="channels_last")
    assert not chosen((2, 24, 16, 16), (64, 24, 4, 4), g)  # part of a vector
    assert not chosen((2, 32, 17, 17), w, g)  # part of a block
    assert not chosen((2, 32, 10, 10), w, (2, 64, 5, 5))  # most of the second tile is waste
    assert not chosen(x, (64, 32, 3, 3), g)  # too little to win
    assert not chosen((2, 32, 24, 24), w, (2, 64, 8, 8), dilation=3, padding=0)
    assert not chosen((2, 32, 24, 24), w, (2, 64, 8, 8), stride=3)


def test_a_transposed_convolution_is_one(rng):
    x, w = sample(rng, (2, 64, 8, 8)), sample(rng, (64, 32, 4, 4))
    y = cconv.conv_transpose2d(x, w, stride=2, padding=1)
    same_bits(y, cconv.conv2d_input_grad(x, w, y.shape, stride=2, padding=1))
    direct = cconv.conv2d_input_grad(x, w, y.shape, stride=2, padding=1, method="direct")
    assert not np.array_equal(y, direct)
    check_bound(y, x, w, y.shape, (2, 2), ((1, 1), (1, 1)))


@STRIDES
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("k", [4, 5, 6])
def test_error_bound(rng, dtype, k, stride):
    kernel = (k if stride[0] == 2 else 3, k)
    for blocks in [(2, 2), (2, 3), (3, 2), (3, 4), (5, 7), (9, 16), (4, 17), (2, 33), (2, 70)]:
        g, w, shape, pad = layer(rng, 2, (32, 19), blocks, kernel, dtype, stride)
        flip = blocks[1] % 2 == 0
        found = operator(shape, w.shape, g.shape, g.dtype, stride, pad, flip)
        assert found.tiles is not None
        fence = Fence(shape, dtype)
        found.run(g, w, None, fence.out, None)
        fence.check()
        check_bound(fence.out, g, w, shape, stride, pad, flip)


@pytest.mark.parametrize("channels, groups", [((16, 16), 1), ((48, 300), 1), ((144, 33), 1), ((96, 54), 3)])
def test_channels_groups_and_bias(rng, channels, groups):
    g, w, shape, pad = layer(rng, 3, channels, (5, 6), (4, 4), "float32", groups=groups)
    found = operator(shape, w.shape, g.shape, g.dtype, pad=pad, groups=groups)
    assert found.tiles is not None
    bias = sample(rng, (shape[1],))
    got = found.run(g, w, bias, np.full(shape, np.nan, "f4"), None)
    check_bound(got, g, w, shape, (2, 2), pad, groups=groups, bias=bias[:, None, None])


def test_any_layout_and_neighbour(rng):
    """The bits are the same for any strides and byte order, for one thread, and for an image alone."""
    g, w, shape, pad = layer(rng, 5, (32, 40), (9, 10), (4, 4), "float32")
    found = operator(shape, w.shape, g.shape, g.dtype, pad=pad)
    want = found.run(g, w, None, np.full(shape, np.nan, "f4"), 2)
    empty = np.full(shape, np.nan, "f4")
    same_bits(found.run(g, w, None, empty.copy(), 1), want)
    same_bits(found.run(np.asfortranarray(g), np.asfortranarray(w), None, empty.copy("F"), None), want)
    same_bits(found.run(g[:, ::-1].copy()[:, ::-1], w, None, empty[..., ::-1, ::-1], None), want)
    swapped = np.dtype("f4").newbyteorder()
    same_bits(found.run(g.astype(swapped), w, None, empty.astype(swapped), None).astype("f4"), want)
    fence = Fence(shape, "f4", "margins")
    same_bits(found.run(g, w, None, fence.out, None), want)
    fence.check()
    one = operator((1, *shape[1:]), w.shape, (1, *g.shape[1:]), g.dtype, pad=pad)
    for n in range(5):
        same_bits(one.run(g[n : n + 1], w, None, empty[n : n + 1].copy(), None), want[n : n + 1])
    alone = operator(shape[1:], w.shape, g.shape[1:], g.dtype, pad=pad)
    same_bits(alone.run(g[3], w, None, empty[3].copy(), None), want[3])


@pytest.mark.parametrize("value", [np.inf, np.nan, 3e38])
def test_what_is_not_finite_stays_where_it_is(rng, value):
    """In its image, and there in its windows: it never meets the zeros that phases lack taps for."""
    g, w, shape, pad = layer(rng, 3, (32, 16), (8, 9), (4, 4), "float32")
    found = operator(shape, w.shape, g.shape, g.dtype, pad=pad)
    direct = operator(shape, w.shape, g.shape, g.dtype, pad=pad, method="direct")
    bias, empty = sample(rng, (32,)), np.full(shape, np.nan, "f4")
    clean = found.run(g, w, bias, empty.copy(), None)
    g[1, 3, 2, 4] = value
    with np.errstate(all="ignore"):
        got, want = found.run(g, w, bias, empty.copy(), None), direct.run(g, w, bias, empty.copy(), None)
    same_bits(got[1], want[1])
    same_bits(got[::2], clean[::2])
    assert np.isfinite(got[1]).mean() > 0.8
    w[2, 5, 1, 1] = value
    with np.errstate(all="ignore"):
        same_bits(found.run(g, w, bias, empty.copy(), None), direct.run(g, w, bias, empty.copy(), None))


def test_other_types_of_weight(rng):
    """Weights are converted before they are transformed."""
    g, w, shape, pad = layer(rng, 2, (32, 40), (8, 8), (4, 4), "float32")
    want = cconv.conv2d_input_grad(g.astype("f8"), w.astype("f8"), shape, stride=2, padding=pad)
    same_bits(cconv.conv2d_input_grad(g.astype("f8"), w, shape, stride=2, padding=pad), want)
    same_bits(cconv.conv2d_input_grad(g, w.astype("f8"), shape, stride=2, padding=pad), want)
    swapped = w.astype(w.dtype.newbyteorder())
    want = cconv.conv2d_input_grad(g, w, shape, stride=2, padding=pad)
    same_bits(cconv.conv2d_input_grad(g, swapped, shape, stride=2, padding=pad), want)


@pytest.mark.parametrize("before, after, step", [(0, 0, 1), (1, 1, 1), (1, 0, 2), (0, 1, 2)])
def test_a_volume_of_one_plane(rng, before, after, step):
    """Padded along its depth it has outputs that see no sample."""
    g, w, shape, pad = layer(rng, 2, (32, 40), (8, 8), (4, 4), "float64")
    plane = cconv.conv2d_input_grad(g, w, shape, stride=2, padding=pad)
    depth = (before + after) // step + 1
    volume = np.zeros((2, 40, depth, 8, 8))
    seen = before % step == 0
    if seen:
        volume[:, :, before // step] = g
    got = cconv.conv3d_input_grad(
        volume, w[:, :, None], (2, 32, 1, 16, 16), stride=(step, 2, 2), padding=((before, after), *pad)
    )
    np.testing.assert_allclose(got[:, :, 0], plane if seen else 0 * plane, atol=1e-12)


def test_adjoint_identity(rng):
    x, w = rng.standard_normal((2, 32, 24, 16)), rng.standard_normal((48, 32, 4, 6))
    y = cconv.conv2d(x, w, stride=2, padding=((1, 1), (2, 2)))
    g = rng.standard_normal(y.shape)
    grad = cconv.conv2d_input_grad(g, w, x.shape, stride=2, padding=((1, 1), (2, 2)))
    scale = np.sqrt((x**2).sum() * (grad**2).sum())
    assert abs((x * grad).sum() - (y * g).sum()) <= 1e-12 * scale
