"""Weight gradients of depthwise 3x3 layers, channels first: pixels of a plane in the lanes (weight_planes.pxd)."""

import numpy as np
import pytest

import cconv
from checks import same_bits, sample, weight_schedule

SIZES = ((20, 20), (21, 23), (22, 24), (27, 28), (28, 27), (65, 66), (65, 67), (33, 200), (9, 400), (300, 20))


def kernel_of(shape, stride, dtype="f4"):
    output = (*shape[:2], *[(n - 1) // stride + 1 for n in shape[2:]])
    x, g, weight = np.zeros(shape, dtype), np.zeros(output, dtype), (shape[1], 1, 3, 3)
    return weight_schedule(x, g, weight, stride=stride, padding=1, groups=shape[1])["kernel"]


def sums(x, g, stride):
    """The definition in float64."""
    rows, columns = g.shape[2:]
    padded = np.pad(x.astype("f8"), ((0, 0), (0, 0), (1, 2), (1, 2)))
    total = np.zeros((x.shape[1], 1, 3, 3))
    for i in range(3):
        for j in range(3):
            under = padded[:, :, i : i + stride * rows : stride, j : j + stride * columns : stride]
            total[:, 0, i, j] = np.einsum("nchw,nchw->c", under[:, :, :rows, :columns], g.astype("f8"))
    return total


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_extent(rng, dtype, stride):
    for h, width in SIZES:
        for n, c in ((1, 1), (3, 5), (2, 17)):
            x = sample(rng, (n, c, h, width), dtype)
            g = sample(rng, (n, c, (h - 1) // stride + 1, (width - 1) // stride + 1), dtype)
            options = dict(stride=stride, padding=1, groups=c)
            got = cconv.conv2d_weight_grad(x, g, (c, 1, 3, 3), **options)
            bound = 64 * np.finfo(dtype).eps * sums(np.abs(x), np.abs(g), stride)
            assert np.all(np.abs(got - sums(x, g, stride)) <= bound), (h, width, n, c)
            flipped = cconv.conv2d_weight_grad(x, g, (c, 1, 3, 3), **options, flip_kernel=True, num_threads=1)
            same_bits(flipped, np.ascontiguousarray(got[..., ::-1, ::-1]))
            backwards = np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1]
            same_bits(cconv.conv2d_weight_grad(backwards, g, (c, 1, 3, 3), **options), got)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("wrong", [np.inf, np.nan])
def test_zeros_beside_rows_do_not_meet_what_is_not_finite(rng, stride, wrong):
    """Only the weights whose products have it lose their value."""
    for place in ((0, 1, 0, 0), (1, 2, 23, 25), (0, 0, 11, 25), (1, 2, 12, 0), (0, 1, 0, 13)):
        x = sample(rng, (2, 3, 24, 26), "f4")
        g = sample(rng, (2, 3, 24 // stride, 26 // stride), "f4")
        x[place] = wrong
        got = cconv.conv2d_weight_grad(x, g, (3, 1, 3, 3), stride=stride, padding=1, groups=3)
        right = sums(np.where(np.isfinite(x), x, 0), g, stride)
        spoilt = sums((~np.isfinite(x)).astype("f4"), np.ones_like(g), stride) != 0
        np.testing.assert_array_equal(np.isfinite(got), ~spoilt)
        np.testing.assert_allclose(got[~spoilt], right[~spoilt], rtol=1e-3, atol=1e-4)


def test_who_computes_them():
    assert kernel_of((2, 32, 28, 28), 1) == kernel_of((2, 32, 28, 28), 2) == kernel_of((2, 32, 57, 57), 2) == "planes"
    assert kernel_of((2, 32, 28, 28), 3) == kernel_of((2, 32, 20, 20), 2) == "groups"
