"""Winograd convolution: its error bound, its fall-back, and that nobody gets it who did not ask or can't take it."""

import numpy as np
import pytest

import cconv
import reference
from checks import same_bits

# |error| <= BOUND * eps * S, where S is the largest sum|x||w| among the outputs of the tile and its neighbours
BOUND = 40


def layer(rng, n, ic, oc, size, dtype, groups=1):
    x = rng.standard_normal((n, ic, *size)).astype(dtype)
    w = (rng.standard_normal((oc, ic // groups, 3, 3)) / np.sqrt(9 * ic // groups)).astype(dtype)
    return x, w


def neighbourhood(values, reach=(4, 4), dilation=(1, 1)):
    """The largest within `reach` of each place: no output of the same 4 x 4 tile is farther away than 3. A dilation
    spreads tiles."""
    height, width = values.shape[-2:]
    pads = [steps * spread for steps, spread in zip(reach, dilation, strict=True)]
    padded = np.pad(values, [(0, 0)] * (values.ndim - 2) + [(pad, pad) for pad in pads])
    places = [range(0, 2 * pad + 1, spread) for pad, spread in zip(pads, dilation, strict=True)]
    shifted = [padded[..., i : i + height, j : j + width] for i in places[0] for j in places[1]]
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


def check_layer(x, w, reach=(4, 4), spread=(1, 1), method="winograd", **options):
    """The bound, of a layer whose tiles lie in the last two axes of its result, which is returned."""
    convolve = getattr(cconv, f"conv{x.ndim - 2}d")
    exact = convolve(x.astype(float), w.astype(float), method="direct", **options)
    scale = convolve(np.abs(x).astype(float), np.abs(w).astype(float), method="direct", **options)
    out = np.full(exact.shape, np.nan, x.dtype)
    got = convolve(x, w, out=out, method=method, **options)
    plane = (*got.shape[:2], -1, got.shape[-1]) if x.ndim < 5 else (*got.shape[:3], -1)
    error = np.abs(got - exact).reshape(plane)
    assert (error <= BOUND * np.finfo(x.dtype).eps * neighbourhood(scale.reshape(plane), reach, spread)).all()
    return got


# short and long blocks, tiles that are cut off, tasks that end within a block, dilations around a vector's lanes
SPREAD = [
    ((30, 41), (2, 2)), ((17, 100), (1, 3)), ((33, 33), (12, 12)), ((40, 70), (5, 1)), ((20, 150), (2, 16)),
    ((9, 90), (3, 17)), ((64, 37), (16, 7)), ((3, 3), (2, 2)), ((50, 8), (4, 9)),
]  # fmt: skip


@pytest.mark.parametrize("mode", ["constant", "edge", "wrap"])
@pytest.mark.parametrize("size, dilation", SPREAD)
def test_dilation_spreads_tiles(rng, size, dilation, mode):
    x, w = layer(rng, 2, 37, 35, size, np.float32)
    options = {"padding": tuple(2 * spread - 1 for spread in dilation), "dilation": dilation, "padding_mode": mode}
    if mode == "wrap":
        options["padding"] = dilation
    got = check_layer(x, w, spread=dilation, **options)
    last = cconv.conv2d(
        np.ascontiguousarray(np.moveaxis(x, 1, -1)), w, method="winograd", data_format="channels_last", **options
    )
    same_bits(np.moveaxis(last, -1, 1), got)
    for threads in (1, 3):
        same_bits(cconv.conv2d(x[1:], w, method="winograd", num_threads=threads, **options), got[1:])
    # no vector of samples where they lie: other types, strides, bytes
    for other in (x.astype(x.dtype.newbyteorder()), np.repeat(x, 2, axis=-1)[..., ::2], x[..., ::-1].copy()[..., ::-1]):
        same_bits(cconv.conv2d(other, w, method="winograd", **options), got)


@pytest.mark.parametrize("length, dilation", [(1, 1), (7, 3), (100, 2), (999, 5), (1000, 16), (700, 100), (513, 170)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dilation_along_one_axis(rng, length, dilation, dtype):
    x = rng.standard_normal((3, 40, length)).astype(dtype)
    w = rng.standard_normal((50, 40, 3)).astype(dtype)
    got = check_layer(x, w, (0, 4), (1, dilation), padding=dilation, dilation=dilation)
    x[1, 3, length // 2] = np.nan
    spoilt = cconv.conv1d(x, w, padding=dilation, dilation=dilation, method="winograd")
    same_bits(spoilt[::2], got[::2])
    hit = [i for i in range(length) if (i - length // 2) in (-dilation, 0, dilation)]
    assert np.isnan(spoilt[1][:, hit]).all() and np.isfinite(np.delete(spoilt[1], hit, axis=1)).all()


@pytest.mark.parametrize(
    "size, kernel, reach, options",
    [
        ((50, 60), (1, 3), (0, 4), {"padding": (0, 1)}),
        ((50, 60), (1, 3), (0, 4), {"padding": (2, 1), "dilation": (1, 2), "padding_mode": "edge"}),
        ((50, 60), (3, 1), (4, 0), {"padding": (1, 0)}),
        ((50, 60), (3, 1), (4, 0), {"padding": ((0, 3), (0, 0)), "dilation": (2, 1), "flip_kernel": True}),
        ((8, 20, 21), (3, 1, 1), (4, 0), {"padding": (1, 0, 0)}),
        ((12, 9, 30), (3, 1, 1), (4, 0), {"padding": (3, 0, 0), "dilation": (2, 1, 1)}),
    ],
)
def test_auto_takes_kernels_of_three_along_any_axis(rng, size, kernel, reach, options):
    x = rng.standard_normal((2, 40, *size)).astype(np.float32)
    w = rng.standard_normal((45, 40, *kernel)).astype(np.float32)
    convolve = getattr(cconv, f"conv{len(size)}d")
    # along an outer axis a tile is one of the rows that follow each other, which its dilation steps over
    spread = [max(options.get("dilation", (1,)))] * 2
    got = check_layer(x, w, reach, spread, method="auto", **options)
    assert [c.name for c in cconv.explain(convolve, x, w, **options).candidates if c.chosen] == ["winograd"]
    same_bits(convolve(x[:1], w, num_threads=1, **options), got[:1])
    # rows that do not follow each other are summed directly
    gaps = np.zeros((*got.shape[:-1], got.shape[-1] + 1), got.dtype)[..., :-1]
    convolve(x, w, out=gaps, **options)
    if kernel[-1] == 1:
        same_bits(gaps, convolve(x, w, method="direct", **options))
    # and what stands before the first row is no row of constants
    if kernel[-1] == 1:
        direct = convolve(x, w, **{**options, "padding_mode": "reflect", "method": "direct"})
        same_bits(convolve(x, w, **{**options, "padding_mode": "reflect"}), direct)


def test_gradients_of_dilated_layers(rng):
    """<conv(x), g> = <x, input_grad(g)>, in float64."""
    for size, kernel, dilation in [((40, 50), (3, 3), (2, 3)), ((24, 40), (3, 1), (4, 1)), ((40, 40), (1, 3), (1, 9))]:
        x, w = rng.standard_normal((2, 33, *size)), rng.standard_normal((36, 33, *kernel))
        padding = tuple(spread if taps == 3 else 0 for spread, taps in zip(dilation, kernel, strict=True))
        options = {"padding": padding, "dilation": dilation}
        y = cconv.conv2d(x, w, **options)
        g = rng.standard_normal(y.shape)
        back = cconv.conv2d_input_grad(g, w, x.shape, **options)
        assert abs((y * g).sum() - (x * back).sum()) <= 1e-12 * np.abs(y * g).sum()
        direct = cconv.conv2d_input_grad(g, w, x.shape, method="direct", **options)
        assert not np.array_equal(back, direct)
        np.testing.assert_allclose(back, direct, rtol=0, atol=1e-12 * np.abs(direct).max())


def test_tiles_that_are_mostly_cut_off_are_no_gain(rng):
    for size, dilation, kernel in [((5, 5), 1, "direct"), ((6, 6), 1, "winograd"), ((33, 33), 30, "direct")]:
        x, w = layer(rng, 1, 512, 64, size, np.float32)
        chosen = cconv.explain(cconv.conv2d, x, w, padding=dilation, dilation=dilation)
        names = [c.name for c in chosen.candidates if c.chosen]
        assert (names == ["winograd"]) == (kernel == "winograd"), (size, dilation, names)


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
        ({"kernel": (5, 5)}, "kernel"),
        ({"kernel": (3, 1)}, "kernel"),
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
