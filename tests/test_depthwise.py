"""Depthwise layers, channels or pixels in the lanes: widths, channels around vectors and tiles, layouts, borders."""

import itertools

import numpy as np
import pytest

import cconv
from checks import BOUNDARIES, check, same_bits, sample, unaligned, whole

LAYOUTS = ["channels_first", "channels_last"]
# kernel width, stride, dilation: each tile that is written out, and those that are not
TAPS = [(1, 1, 1), (2, 1, 1), (3, 1, 1), (3, 2, 1), (5, 1, 1), (5, 2, 1), (7, 1, 1), (7, 2, 1), (9, 1, 1), (3, 3, 1),
        (3, 1, 2), (4, 2, 3)]  # fmt: skip


def layer(rng, c, spatial, kernel, layout="channels_first", dtype="float32", make=whole, n=1):
    x = make(rng, (n, c, *spatial), dtype)
    if layout == "channels_last":
        x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    options = dict(groups=c, data_format=layout)
    return (x, make(rng, (c, 1, *kernel), dtype), make(rng, (c,), dtype)), options


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("taps", TAPS, ids=str)
def test_widths(rng, layout, taps):
    """Every width up to two vectors, as many channels as fill no vector, with a border and without."""
    k, stride, dilation = taps
    for width in [*range(1, 36), 47, 48, 49, 63, 64, 65, 113]:
        arrays, options = layer(rng, 37, (4, width), (3, k), layout)
        for padding in [(1, dilation * (k - 1) // 2), (0, 0)]:
            if width + 2 * padding[1] > dilation * (k - 1) and not (dilation > 1 and padding[0] == 0):
                check("conv2d", *arrays, stride=(1, stride), dilation=(1, dilation), padding=padding, **options)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", [0, 1, (2, 5), ((1, 1), (0, 1))], ids=str)
def test_planes(rng, stride, padding):
    """3x3 with pixels in the lanes: every width up to four vectors, every number of rows around a tile's."""
    for width in [*range(4, 68), 95, 96, 97, 112, 129, 200]:
        height = 4*stride + width % 9
        arrays, options = layer(rng, 17, (height, width), (3, 3), make=whole)
        check("conv2d", *arrays, stride=stride, padding=padding, activation="relu", flip_kernel=width % 2 == 1,
              **options)  # fmt: skip


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_borders_of_planes(rng, stride, boundary):
    for cval in [0, 3] if boundary == "constant" else [0]:
        for spatial in [(9, 64), (10, 37), (3, 9, 40)]:
            arrays, options = layer(rng, 19, spatial, (1, 3, 3)[-len(spatial):], n=2)
            check(f"conv{len(spatial)}d", *arrays, stride=stride, padding=(0, 1, 1)[-len(spatial):], cval=cval,
                  padding_mode=boundary, num_threads=2, **options)  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (7, 7), (14, 14)], ids=str)
def test_channels(rng, layout, size):
    for c in [*range(2, 36), 47, 48, 49, 63, 64, 65, 80, 130]:
        arrays, options = layer(rng, c, size, (3, 3), layout, make=sample, n=2)
        check("conv2d", *arrays, padding=1, **options, num_threads=2)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_borders(rng, layout, rank, boundary):
    """Padding wider than the image, kernels that see nothing of it, a constant that is not zero, flipped kernels."""
    spatial, kernel = (3, 5, 6)[-rank:], (2, 3, 7)[-rank:]
    arrays, options = layer(rng, 33, spatial, kernel, layout)
    for padding in [0, 1, 9, "same", "full", "causal"]:
        if padding == 0 and rank == 2:
            continue
        for cval in [0, 3] if boundary == "constant" else [0]:
            extra = dict(stride=2) if padding == 9 else {}
            if padding == 0:
                arrays = (arrays[0], arrays[1][..., :3], arrays[2])
            check(f"conv{rank}d", *arrays, padding=padding, padding_mode=boundary, cval=cval, flip_kernel=True,
                  **options, **extra)  # fmt: skip


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_borders_of_few_samples(rng, k, stride):
    """Tiles that begin before a row or end after it, as wide as the row or not."""
    for width, before, after in itertools.product((1, 2, 3, 5, 8), range(3), range(3)):
        if width + before + after >= k:
            arrays, options = layer(rng, 17, (3, width), (1, k))
            for boundary in ("edge", "wrap"):
                check("conv2d", *arrays, stride=(1, stride), padding=((0, 0), (before, after)), padding_mode=boundary,
                      **options)  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "uint64", "float16", "float32", "float64", ">f4", ">i2",
                                   "complex64"])  # fmt: skip
@pytest.mark.parametrize("activation", [None, "relu", "relu6"])
def test_types_and_activations(rng, layout, dtype, activation):
    if dtype == "complex64" and activation is not None:
        pytest.skip("activations are of real numbers")
    for c, w in [(40, 9), (19, 33), (17, 70)]:
        arrays, options = layer(rng, c, (5, w), (3, 3), layout, dtype, make=sample)
        check("conv2d", *arrays, padding=1, activation=activation, **options)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_odd_arrays(rng, layout):
    """Steps, reversed axes, Fortran order, unaligned samples, one layout in and the other out."""
    (x, w, b), options = layer(rng, 35, (9, 20), (3, 3), layout, n=2)
    want = cconv.conv2d(x, w, b, padding=1, **options)
    wide = np.zeros([2 * n for n in x.shape], x.dtype)
    wide[::2, ::2, ::2, ::2] = x
    for other in [wide[::2, ::2, ::2, ::2], x[:, ::-1, ::-1, ::-1].copy()[:, ::-1, ::-1, ::-1], np.asfortranarray(x),
                  unaligned(x)]:  # fmt: skip
        np.testing.assert_array_equal(cconv.conv2d(other, w, b, padding=1, **options), want)
    out = np.empty(want.shape[::-1], want.dtype).T
    np.testing.assert_array_equal(cconv.conv2d(x, w, b, padding=1, out=out, **options), want)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_zero_padding_meets_weights_that_are_not_finite(rng, layout, bad):
    """0*inf in the border is NaN, as if the padding stood in memory; channels beside it keep their sums."""
    for where in [(0, 0), (2, 2), (1, 1)]:
        arrays, options = layer(rng, 40, (6, 20), (3, 3), layout, make=sample)
        arrays[1][17, 0, *where] = bad
        check("conv2d", *arrays, padding=1, **options)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size, k, stride", [(56, 3, 1), (57, 3, 2), (64, 3, 2), (28, 7, 1), (60, 9, 1)])
def test_bits_do_not_depend_on_threads_or_batch(rng, layout, size, k, stride):
    (x, w, b), options = layer(rng, 70, (size, size), (k, k), layout, make=sample, n=3)
    options.update(stride=stride, padding=k // 2)
    want = cconv.conv2d(x, w, b, num_threads=1, **options)
    same_bits(cconv.conv2d(x, w, b, num_threads=2, **options), want)
    for n in range(3):
        same_bits(cconv.conv2d(x[n : n + 1], w, b, num_threads=2, **options), want[n : n + 1])


def test_saturating_images(rng):
    x = rng.integers(0, 255, (1, 12, 30, 40), np.uint8, endpoint=True)
    w = rng.standard_normal((40, 1, 3, 3)).astype(np.float32)
    x = np.ascontiguousarray(np.resize(x, (1, 40, 30, 12)))
    options = dict(groups=40, padding=1)
    want = np.clip(np.rint(cconv.conv2d(x.astype("f"), w, **options)), 0, 255).astype(np.uint8)
    got = cconv.conv2d(x, w, out_dtype=np.uint8, casting="saturate", **options)
    np.testing.assert_array_equal(got, want)
