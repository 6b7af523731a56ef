"""Input gradients of depthwise 3x3 layers of stride 2, channels first (woven.pxd)."""

import numpy as np
import pytest

import cconv
from cconv import _core
from cconv._gradient_shapes import layer_spec, with_gaps
from checks import same_bits, sample

SIZES = (1, 2, 3, 4, 7, 8, 13, 15, 16, 17, 28, 31, 32, 33, 34, 63, 64, 65, 66, 100)
LAYER = dict(stride=2, padding=1)


def scattered(g, w, shape, flip=False):
    """What each output of the layer gave to the samples under its window, in float64."""
    if flip:
        w = w[..., ::-1, ::-1]
    h, width = g.shape[-2:]
    total = np.zeros((*shape[:-2], 2 * h + 2, 2 * width + 2))
    for i in range(3):
        for j in range(3):
            total[..., i : i + 2 * h : 2, j : j + 2 * width : 2] += g.astype("f8") * w[:, 0, i, j, None, None].astype(
                "f8"
            )
    return total[..., 1 : shape[-2] + 1, 1 : shape[-1] + 1]


def outputs(size):
    return (size - 1) // 2 + 1


def close(got, g, w, flip=False):
    shape, eps = got.shape, np.finfo(got.dtype).eps
    bound = 8 * eps * scattered(np.abs(g), np.abs(w), shape, flip)
    assert np.all(np.abs(got - scattered(g, w, shape, flip)) <= bound), shape


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_extent(rng, dtype):
    for h in (1, 2, 3, 4, 9, 10):
        for width in SIZES:
            n, c = 2, 19
            w = sample(rng, (c, 1, 3, 3), dtype)
            g = sample(rng, (n, c, outputs(h), outputs(width)), dtype)
            fenced = np.full(n * c * h * width + 200, np.nan, dtype)
            out = fenced[100:-100].reshape(n, c, h, width)
            flip = bool(width % 2)
            got = cconv.conv2d_input_grad(g, w, out.shape, groups=c, **LAYER, flip_kernel=flip, out=out)
            assert got is out
            close(out, g, w, flip)
            assert np.isnan(fenced[:100]).all() and np.isnan(fenced[-100:]).all()
            same_bits(cconv.conv2d_input_grad(g, w, out.shape, groups=c, **LAYER, flip_kernel=flip, num_threads=1), out)


def test_other_layouts(rng):
    """Rows and channels with gaps between them or backwards, read and written."""
    c, h, width = 16, 21, 40
    w = sample(rng, (c, 1, 3, 3), "f4")
    wide = sample(rng, (2, 2 * c, 2 * outputs(h), outputs(width) + 3), "f4")
    views = (slice(None), slice(None), slice(None, None, 2), slice(2, -1)), (slice(None), slice(None, None, -1))
    for view in (wide[views[0]], wide[views[0]][views[1]], wide[views[0]][:, :, ::-1], wide[views[0]][::-1]):
        for g in (view[:, :c], view[:, ::2]):
            right = cconv.conv2d_input_grad(g.copy(), w, (2, c, h, width), groups=c, **LAYER)
            close(right, g, w)
            same_bits(cconv.conv2d_input_grad(g, w, right.shape, groups=c, **LAYER), right)
            room = np.full((2, c + 1, h, width + 5), np.nan, "f4")
            out = room[:, :c, :, 1 : width + 1]
            cconv.conv2d_input_grad(g, w, right.shape, groups=c, **LAYER, out=out)
            same_bits(out, right)
            assert (
                np.isnan(room[:, c]).all() and np.isnan(room[..., 0]).all() and np.isnan(room[..., width + 1 :]).all()
            )
    swapped = right.dtype.newbyteorder()
    same_bits(cconv.conv2d_input_grad(g.astype(swapped), w, right.shape, groups=c, **LAYER).astype("f4"), right)


def test_tall_planes_in_strips(rng):
    c = 16
    w, g = sample(rng, (c, 1, 3, 3), "f4"), sample(rng, (1, c, 1200, 300), "f4")
    got = cconv.conv2d_input_grad(g, w, (1, c, 2400, 599), groups=c, **LAYER)
    close(got, g, w)
    same_bits(cconv.conv2d_input_grad(g, w, got.shape, groups=c, **LAYER, num_threads=1), got)


def test_transposed_with_bias_and_slices(rng):
    c = 16
    w, bias, x = sample(rng, (c, 1, 3, 3), "f4"), sample(rng, (c,), "f4"), sample(rng, (2, c, 9, 20), "f4")
    plain = cconv.conv_transpose2d(x, w, groups=c, **LAYER, output_padding=1)
    close(plain, x, w)
    biased = cconv.conv_transpose2d(x, w, bias, groups=c, **LAYER, output_padding=1)
    same_bits(biased, plain + bias[:, None, None])
    slices = sample(rng, (2, c, 5, 9, 20), "f4")
    got = cconv.conv3d_input_grad(
        slices, w[:, :, None], (2, c, 5, 18, 40), groups=c, stride=(1, 2, 2), padding=(0, 1, 1)
    )  # fmt: skip
    for d in range(5):
        close(got[:, :, d], slices[:, :, d], w)


def test_what_is_not_finite_stays_with_its_windows(rng):
    c = 16
    w, g = sample(rng, (c, 1, 3, 3), "f4"), sample(rng, (1, c, 10, 20), "f4")
    right = cconv.conv2d_input_grad(g, w, (1, c, 20, 40), groups=c, **LAYER)
    g[0, 3, 4, 19], g[0, 5, 0, 0] = np.nan, np.inf
    got = cconv.conv2d_input_grad(g, w, (1, c, 20, 40), groups=c, **LAYER)
    spoilt = np.zeros(got.shape, bool)
    spoilt[0, 3, 7:10, 37:] = spoilt[0, 5, :2, :2] = True
    np.testing.assert_array_equal(np.isfinite(got), ~spoilt)
    same_bits(got[~spoilt], right[~spoilt])


def test_who_computes_them():
    def kernel_of(size, dtype="f4", data_format="channels_first"):
        c, small = 32, outputs(size)
        shape, grad = (2, c, size, size), (2, c, small, small)
        if data_format == "channels_last":
            shape, grad = (2, size, size, c), (2, small, small, c)
        options = (2, 1, "constant", 0, 1, c, False, data_format, "auto")
        spec = layer_spec(2, shape, np.dtype(dtype), (c, 1, 3, 3), np.dtype(dtype), grad, options)
        gaps = with_gaps(spec, shape, np.dtype(dtype))
        return _core.Convolution(gaps).schedule(np.zeros(grad, dtype), np.zeros(shape, dtype))["kernel"]

    assert kernel_of(64) == kernel_of(63) == kernel_of(64, "f8") == "woven"
    assert kernel_of(64, data_format="channels_last") == "depthwise"
