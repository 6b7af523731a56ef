"""Winograd convolution: its error bound, its fall-back, and that nobody gets it who did not ask or can't take it."""

import numpy as np
import pytest

import cconv
import reference

# |error| <= BOUND * eps * S, where S is the largest sum|x||w| among the outputs of the tile and its neighbours
BOUND = 40


def layer(rng, n, ic, oc, size, dtype, groups=1):
    x = rng.standard_normal((n, ic, *size)).astype(dtype)
    w = (rng.standard_normal((oc, ic // groups, 3, 3)) / np.sqrt(9 * ic // groups)).astype(dtype)
    return x, w


def neighbourhood(values, reach=4):
    """The largest of each 9 x 9 neighbourhood: no output of the same 4 x 4 tile is farther away than 3."""
    height, width = values.shape[-2:]
    padded = np.pad(values, [(0, 0)] * (values.ndim - 2) + [(reach, reach)] * 2)
    shifted = [padded[..., i : i + height, j : j + width] for i in range(2 * reach + 1) for j in range(2 * reach + 1)]
    return np.max(shifted, axis=0)


def check_bound(result, x, w, **options):
    eps = np.finfo(x.dtype).eps
    wide = [array.astype(np.longdouble if x.dtype == np.float64 else np.float64) for array in (x, w)]
    exact = direct(*wide, **options)
    scale = direct(*map(np.abs, wide), **{**options, "bias": None})
    error = np.abs(result - exact)
    assert error.shape == result.shape
    assert (error <= BOUND * eps * neighbourhood(scale) + eps * np.abs(exact)).all()


def direct(x, w, padding=1, groups=1, bias=None, flip=False, mode="constant"):
    """The sum of shifted products, in the precision of its arguments."""
    if flip:
        w = w[..., ::-1, ::-1]
    x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)], mode=mode)
    n, channels, height, width = x.shape
    result = np.zeros((n, w.shape[0], height - 2, width - 2), x.dtype)
    per_in, per_out = channels // groups, w.shape[0] // groups
    for g in range(groups):
        of, to = slice(g * per_in, (g + 1) * per_in), slice(g * per_out, (g + 1) * per_out)
        for i in range(3):
            for j in range(3):
                window = x[:, of, i : i + height - 2, j : j + width - 2]
                result[:, to] += np.einsum("nchw,oc->nohw", window, w[to, :, i, j])
    return result if bias is None else result + bias[:, None, None]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (4, 4), (7, 9), (16, 17), (31, 66), (70, 13), (5, 200)])
def test_error_bound(rng, dtype, size):
    x, w = layer(rng, 2, 19, 21, size, dtype)
    check_bound(cconv.conv2d(x, w, padding=1, method="winograd"), x, w)


@pytest.mark.parametrize("ic, oc", [(1, 1), (3, 64), (130, 9), (257, 5), (5, 257)])
def test_every_blocking_of_channels(rng, ic, oc):
    x, w = layer(rng, 1, ic, oc, (12, 11), np.float32)
    check_bound(cconv.conv2d(x, w, padding=1, method="winograd"), x, w)


def test_groups_bias_activation_and_flip(rng):
    x, w = layer(rng, 2, 24, 36, (13, 14), np.float32, groups=3)
    bias = rng.standard_normal(36).astype(np.float32)
    got = cconv.conv2d(x, w, bias, padding=1, groups=3, flip_kernel=True, method="winograd")
    check_bound(got, x, w, groups=3, bias=bias, flip=True)
    relu = cconv.conv2d(x, w, bias, padding=1, groups=3, flip_kernel=True, activation="relu", method="winograd")
    assert np.array_equal(relu, np.maximum(got, 0))


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap"])
def test_every_border(rng, mode):
    x, w = layer(rng, 1, 17, 18, (14, 15), np.float32)
    got = cconv.conv2d(x, w, padding=2, padding_mode=mode, method="winograd")
    check_bound(got, x, w, padding=2, mode=mode)


def test_layouts_and_types_are_packed_alike(rng):
    x, w = layer(rng, 2, 16, 16, (18, 19), np.float32)
    want = cconv.conv2d(x, w, padding=1, method="winograd")
    last = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    assert np.array_equal(
        np.moveaxis(cconv.conv2d(last, w, padding=1, data_format="channels_last", method="winograd"), -1, 1), want
    )
    for other in (x.astype(">f4"), np.asfortranarray(x), np.repeat(x, 2, axis=3)[..., ::2]):
        assert np.array_equal(cconv.conv2d(other, w, padding=1, method="winograd"), want)
    out = np.full((2, 16, 18, 38), np.nan, ">f4")[..., ::2]
    assert np.array_equal(cconv.conv2d(x, w, padding=1, method="winograd", out=out), want)


def test_bits_do_not_depend_on_threads_or_batch(rng):
    x, w = layer(rng, 5, 64, 64, (32, 33), np.float32)
    want = cconv.conv2d(x, w, padding=1, num_threads=1)
    assert np.array_equal(cconv.conv2d(x, w, padding=1, num_threads=2), want)
    for i in range(5):
        assert np.array_equal(cconv.conv2d(x[i : i + 1], w, padding=1)[0], want[i])


def test_samples_that_are_not_finite_stay_in_their_windows(rng):
    x, w = layer(rng, 3, 40, 36, (30, 29), np.float32)
    finite = cconv.conv2d(x, w, padding=1, method="winograd")
    x[1, 5, 7, 9], x[1, 7, 20, 20] = np.nan, np.inf
    got = cconv.conv2d(x, w, padding=1, method="winograd")
    hit = np.zeros((30, 29), bool)
    hit[6:9, 8:11] = hit[19:22, 19:22] = True
    assert not np.isfinite(got[1][:, hit]).any() and np.isfinite(got[1][:, ~hit]).all()
    # the other images are as they were, to the bit
    assert np.array_equal(got[::2], finite[::2])
    assert np.array_equal(got[1], cconv.conv2d(x[1:2], w, padding=1, method="direct")[0], equal_nan=True)


@pytest.mark.parametrize("size", [(1,), (5,), (18,), (401,), (1, 1, 1), (3, 4, 5), (2, 13, 18), (5, 9, 30)])
@pytest.mark.parametrize("groups, flip, padding", [(1, False, 1), (2, True, 2)])
def test_one_and_three_axes(rng, size, groups, flip, padding):
    rank = len(size)
    convolve = getattr(cconv, f"conv{rank}d")
    x = rng.standard_normal((2, 14, *size)).astype(np.float32)
    w = rng.standard_normal((20, 14 // groups, *(3,) * rank)).astype(np.float32)
    options = {"groups": groups, "flip_kernel": flip, "padding": padding, "padding_mode": "edge"}
    got = convolve(x, w, method="winograd", **options)
    exact = convolve(x.astype(float), w.astype(float), method="direct", **options)
    scale = convolve(np.abs(x).astype(float), np.abs(w).astype(float), method="direct", **options)
    if rank == 1:
        exact, scale, got = exact[..., None, :], scale[..., None, :], got[..., None, :]
    assert (np.abs(got - exact) <= BOUND * np.finfo("f").eps * neighbourhood(scale)).all()
    last = getattr(cconv, f"conv{rank}d")(
        np.ascontiguousarray(np.moveaxis(x, 1, -1)), w, method="winograd", data_format="channels_last", **options
    )
    assert np.array_equal(np.moveaxis(last, -1, 1).reshape(got.shape), got)


def test_small_images_of_a_batch_share_a_task(rng):
    x, w = layer(rng, 9, 70, 66, (5, 6), np.float32)
    got = cconv.conv2d(x, w, padding=1, method="winograd")
    check_bound(got, x, w)
    for i in range(9):
        assert np.array_equal(cconv.conv2d(x[i : i + 1], w, padding=1, method="winograd")[0], got[i])
    x[4, 3, 2, 2] = np.inf
    spoilt = cconv.conv2d(x, w, padding=1, method="winograd")
    assert np.array_equal(np.delete(spoilt, 4, 0), np.delete(got, 4, 0))
    assert np.array_equal(spoilt[4], cconv.conv2d(x[4:5], w, padding=1, method="direct")[0], equal_nan=True)


def test_an_overflow_on_the_way_is_summed_directly(rng):
    x, w = layer(rng, 1, 40, 40, (20, 20), np.float32)
    x[0, 0] = 2e38
    w[:, 0] = 1e-3
    got = cconv.conv2d(x, w, padding=1, method="winograd")
    assert np.isfinite(got).all()
    assert np.array_equal(got, cconv.conv2d(x, w, padding=1, method="direct"))


def test_a_plan_keeps_what_it_packed_and_gives_the_same_bits(rng):
    x, w = layer(rng, 3, 64, 80, (12, 13), np.float32)
    for options in ({"method": "winograd"}, {"method": "direct"}, {"stride": 2}, {"data_format": "channels_last"}):
        given = np.ascontiguousarray(np.moveaxis(x, 1, -1)) if "data_format" in options else x
        plan = cconv.plan_conv2d(w, padding=1, **options)
        want = cconv.conv2d(given, w, padding=1, **options)
        for _ in range(3):
            assert np.array_equal(plan(given), want)
        # another layout, other memory: packed anew or found, the same numbers
        other = np.asfortranarray(given)
        assert np.array_equal(plan(other), cconv.conv2d(other, w, padding=1, **options))
        assert np.array_equal(plan(given[:1]), want[:1])


def test_direct_is_always_there(rng):
    x, w = layer(rng, 1, 64, 64, (56, 56), np.float32)
    exact, scale = direct(x.astype(float), w.astype(float)), direct(np.abs(x.astype(float)), np.abs(w.astype(float)))
    got = cconv.conv2d(x, w, padding=1, method="direct")
    # componentwise: every sum on its own, which no Winograd result keeps
    assert (np.abs(got - exact) <= 8 * np.finfo(np.float32).eps * scale).all()


def test_whole_numbers_stay_exact_where_they_are_integers(rng):
    x = rng.integers(-9, 10, (1, 64, 40, 40))
    w = rng.integers(-9, 10, (48, 64, 3, 3))
    want = reference.conv2d(x[:, :, :6, :6], w)
    assert np.array_equal(cconv.conv2d(x, w)[..., :4, :4], want)


@pytest.mark.parametrize(
    "change, named",
    [
        ({"stride": 2}, "stride"),
        ({"dilation": 2}, "dilation"),
        ({"kernel": (5, 5)}, "kernel"),
        ({"dtype": np.int32}, "dtype"),
        ({"dtype": np.complex64}, "dtype"),
    ],
)
def test_asked_for_where_it_does_not_apply(rng, change, named):
    kernel, dtype = change.pop("kernel", (3, 3)), change.pop("dtype", np.float32)
    x, w = np.ones((1, 4, 12, 12), dtype), np.ones((4, 4, *kernel), dtype)
    with pytest.raises(ValueError, match="winograd") as error:
        cconv.conv2d(x, w, method="winograd", **change)
    assert named in str(error.value)
