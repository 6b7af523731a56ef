"""cconv.ndimage gives scipy.ndimage's answers: the same bits, the same types, the same kinds of errors; float64 sums
under a window within their rounding."""

import inspect
import platform
import subprocess
import sys
import warnings
from itertools import product

import numpy as np
import pytest

import cconv
import reference
from cconv import ndimage

scipy_ndimage = pytest.importorskip("scipy.ndimage")
pytest.importorskip("scipy", "1.17", reason="signatures and rounding are those of SciPy 1.17")
if platform.machine() not in ("x86_64", "AMD64"):
    pytest.skip("SciPy may be built with FMA here, and round otherwise", allow_module_level=True)

MODES = ("reflect", "constant", "nearest", "mirror", "wrap", "grid-mirror", "grid-constant", "grid-wrap")
TYPES = (np.float64, np.float32, np.uint8, np.int16, np.uint32, np.int64, np.uint64, np.bool_)
SHAPES = ((1,), (7,), (40,), (9, 33), (64, 17), (5, 40, 3), (6, 7, 8), (1, 5), (40, 1, 2), (3, 4, 2, 5))


def samples(shape, dtype, seed=0):
    values = np.random.default_rng([seed, *shape]).random(shape) * 200
    return (values - 60 if np.dtype(dtype).kind in "fi" else values).astype(dtype)


def outcome(module, name, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(module, name)(*args, **kwargs)


def check(name, *args, **kwargs):
    """The same call of both: the same shape, type and values."""
    ours, theirs = outcome(ndimage, name, *args, **kwargs), outcome(scipy_ndimage, name, *args, **kwargs)
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    if theirs.dtype.kind == "b":
        theirs = theirs.view(np.uint8) != 0     # SciPy stores bytes like 2 there
    rounding = 0.0
    if name in ("correlate", "convolve") and theirs.dtype.char in "dD" and np.abs(args[1]).min(initial=1) > 2.0**-52:
        # once per tap, not twice; parts of complex products are added up besides
        largest = max(np.abs(args[0]).max(initial=0), abs(kwargs.get("cval", 0)))
        rounding = np.size(args[1]) * 2.0**-52 * np.abs(args[1]).sum() * largest
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=rounding, err_msg=f"{name} {kwargs}")


def check_refused(name, *args, **kwargs):
    """Both raise the same kind of error."""
    errors = []
    for module in (scipy_ndimage, ndimage):
        with pytest.raises(Exception) as caught:
            outcome(module, name, *args, **kwargs)
        errors.append(caught.type)
    assert errors[1] is errors[0], errors
    return caught.value


@pytest.mark.parametrize("name", ndimage.__all__)
def test_signatures_are_scipys(name):
    assert inspect.signature(getattr(ndimage, name)) == inspect.signature(getattr(scipy_ndimage, name))
    assert getattr(ndimage, name).__module__ == "cconv.ndimage"


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_lines(shape, dtype):
    x = samples(shape, dtype)
    rng = np.random.default_rng([1, *shape])
    for number, (mode, axis) in enumerate(product(MODES, range(x.ndim))):
        taps = int(rng.integers(1, 10))
        origin = int(rng.integers(-(taps // 2), (taps - 1) // 2 + 1))
        weights = rng.standard_normal(taps)
        if number % 3 == 0:
            weights = weights + weights[::-1]
        elif number % 3 == 1 and taps % 2:
            weights = weights - weights[::-1]
        options = {"mode": mode, "cval": (0.0, 1.5, -3)[number % 3], "axis": axis}
        check("correlate1d", x, weights, origin=origin, **options)
        check("convolve1d", x, weights, origin=0 if number % 2 else max(origin, -((taps - 1) // 2)), **options)
        for name in ("uniform_filter1d", "minimum_filter1d", "maximum_filter1d"):
            check(name, x, taps, origin=origin, **options)
        check("gaussian_filter1d", x, 0.3 * taps, order=number % 4, **options)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_chains_and_windows(shape, dtype):
    x = samples(shape, dtype)
    rng = np.random.default_rng([2, *shape])
    for number, mode in enumerate(MODES):
        options = {"mode": mode, "cval": (0.0, 1.5, -3)[number % 3]}
        size = int(rng.integers(1, 6))
        for name in ("uniform_filter", "maximum_filter", "minimum_filter"):
            check(name, x, size, **options)
        check("gaussian_filter", x, 0.4 * size, order=number % 3, **options)
        for name in ("sobel", "prewitt"):
            check(name, x, axis=number % x.ndim, **options)
        check("laplace", x, **options)
        check("gaussian_laplace", x, 1.0, **options)
        check("gaussian_gradient_magnitude", x, 1.0, **options)
        taps = tuple(int(n) for n in rng.integers(1, 4, x.ndim))
        weights = rng.standard_normal(taps)
        if number % 2:
            weights[rng.random(taps) < 0.4] = 1e-17
        origins = [int(rng.integers(-(n // 2), (n - 1) // 2 + 1)) for n in taps]
        check("correlate", x, weights, origin=origins, **options)
        check("convolve", x, weights, **options)
        footprint = rng.random(taps) < 0.6
        footprint.flat[0] = True
        check("maximum_filter", x, footprint=footprint, origin=origins, **options)
        check("minimum_filter", x, footprint=footprint, **options)


@pytest.mark.parametrize("width", [1, 2, 7, 8, 9, 31, 64, 65, 200])
def test_sums_of_floats_under_a_window(width):
    """Componentwise within the rounding of float64, also of float32 samples; SciPy's bits of integers."""
    rng = np.random.default_rng(width)
    for shape, taps in ((width,), (3,)), ((5, width), (3, 5)), ((3, 4, width), (2, 3, 3)):
        weights = rng.standard_normal(taps)
        for dtype in (np.float64, np.float32):
            x = rng.standard_normal(shape).astype(dtype)
            for mode in ("reflect", "constant", "wrap"):
                check("correlate", x, weights, mode=mode)
                right, got = (m.correlate(x, weights, np.float64, mode) for m in (scipy_ndimage, ndimage))
                magnitude = scipy_ndimage.correlate(np.abs(x), np.abs(weights), np.float64, mode)
                assert (np.abs(got - right) <= weights.size * 2.0**-52 * magnitude).all()
        check("correlate", rng.integers(-9, 9, shape), weights)
        check("correlate", x, weights, output=np.int16)


@pytest.mark.parametrize("taps", [2, 3, 8, 9, 15, 40, 65, 100, 301])
@pytest.mark.parametrize("shape", [(257,), (70, 130), (130, 70), (9, 40, 5)])
def test_long_lines(taps, shape):
    for dtype, mode, axis in product((np.float32, np.uint8), ("reflect", "mirror", "wrap"), range(len(shape))):
        x = samples(shape, dtype, taps)
        check("uniform_filter1d", x, taps, axis=axis, mode=mode)
        check("maximum_filter1d", x, taps, axis=axis, mode=mode)
        check("minimum_filter1d", x, taps, axis=axis, mode=mode)
        check("gaussian_filter1d", x, taps / 8, axis=axis, mode=mode)


@pytest.mark.parametrize("taps", [2048, 4095, 4096, 4097, 6000])
def test_windows_of_thousands(taps):
    x = samples((3, 9000), np.float64, taps)
    for name, axis in product(("minimum_filter1d", "maximum_filter1d"), (0, 1)):
        check(name, x, taps, axis=axis, mode="wrap", origin=taps // 3)


@pytest.mark.parametrize("shape", [(300, 400), (31, 70, 40), (100_003,), (200, 300, 3)])
def test_any_number_of_threads(shape):
    x = samples(shape, np.float32)
    weights = np.random.default_rng(0).random((3,) * x.ndim)
    calls = [
        lambda: ndimage.correlate(x, weights), lambda: ndimage.gaussian_filter(x, 2.0),
        lambda: ndimage.uniform_filter(x, 5), lambda: ndimage.maximum_filter(x, 5),
    ]  # fmt: skip
    for call, name, argument in zip(
        calls, ("correlate", "gaussian_filter", "uniform_filter", "maximum_filter"), (weights, 2.0, 5, 5), strict=True
    ):
        with cconv.num_threads(1):
            alone = call()
        np.testing.assert_array_equal(call(), alone)
        np.testing.assert_array_equal(alone, getattr(scipy_ndimage, name)(x, argument))


@pytest.mark.parametrize("mode", MODES)
def test_lines_against_their_twin(mode):
    rng = np.random.default_rng(3)
    for n, taps in product((1, 2, 5, 17), (1, 2, 3, 6, 9)):
        x, weights = rng.standard_normal(n), rng.standard_normal(taps)
        got = ndimage.correlate1d(x, weights, mode=mode, cval=0.5)
        want = reference.extended_correlation(x, weights, mode, 0.5)
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-13)


# ---- axes, outputs, layouts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("axes", [0, 1, (0, 1), (1, 0), (-1, 0), (2,), (0, 2), (2, 1), ()])
def test_axes(axes):
    x = samples((9, 12, 10), np.float64)
    rank = 1 if np.isscalar(axes) else len(axes)
    modes, sizes, origins = MODES[:rank], [3, 4, 2][:rank], [1, -1, 0][:rank]
    check("uniform_filter", x, sizes, mode=modes, origin=origins, axes=axes)
    check("maximum_filter", x, sizes, mode=modes, origin=origins, axes=axes)
    check("gaussian_filter", x, [0.7, 1.1, 2.0][:rank], order=[0, 1, 2][:rank], mode=modes, axes=axes)
    check("laplace", x, mode=modes, axes=axes)
    check("gaussian_laplace", x, 1.0, mode=modes, axes=axes)
    check("gaussian_gradient_magnitude", x, 1.0, mode=modes, axes=axes)
    if rank:
        weights = np.random.default_rng(0).random(sizes)
        check("correlate", x, weights, axes=axes)
        check("convolve", x, weights, axes=axes, origin=[0] * rank)
        check("minimum_filter", x, footprint=weights > 0.2, axes=axes)


def test_more_than_three_axes_in_a_window():
    x = samples((4, 5, 3, 4, 3), np.int32)
    weights = np.random.default_rng(0).standard_normal((2, 3, 2, 2, 3))
    for mode in MODES:
        check("correlate", x, weights, mode=mode, cval=2)
        check("convolve", x, weights, mode=mode, origin=[0, 1, 0, 0, -1])
        check("maximum_filter", x, footprint=weights > 0, mode=mode)


def test_windows_of_four_axes_of_every_type():
    shape = (3, 5, 2, 9)
    weights = np.random.default_rng(0).standard_normal((2, 4, 3, 3))
    weights[0], weights[1, 0, 0, 0], weights[1, -1, -1] = 0, 1e-17, 0
    for dtype, mode in product((*TYPES, np.complex64), ("mirror", "constant", "wrap", "nearest")):
        x = samples(shape, dtype)
        check("correlate", x, weights, mode=mode, cval=3.5, origin=(0, 1, -1, 0))
        check("convolve", x[::-1, :, :, ::2], weights, mode=mode, output=None if dtype is np.bool_ else np.complex64
              if dtype is np.complex64 else np.float32)  # fmt: skip
        if dtype is not np.complex64:
            check("minimum_filter", x, footprint=weights > 0, mode=mode, cval=3.5, origin=(0, 1, -1, 0))
    check("correlate", samples((0, 3, 2, 4), np.float64), weights)
    check("correlate", samples((1, 1, 1, 1), np.float64), 0 * weights)


@pytest.mark.parametrize("n", [1, 2, 30, 31, 32, 64])
def test_borders_wider_and_narrower_than_rows(n):
    for rows, taps, mode in product((1, 9), (30, 31, 62, 129), MODES):
        x = samples((rows, n), np.float64)
        check("uniform_filter1d", x, taps, mode=mode, cval=2)
        check("uniform_filter1d", x, taps, mode=mode, cval=2, origin=taps // 2 - 1, output=x.copy())
        check("correlate1d", x, np.arange(taps) ** 0.5, mode=mode, cval=2, origin=-(taps // 2))
        check("minimum_filter1d", x, taps, mode=mode, cval=2)
        check("maximum_filter1d", np.where(x > 100, np.nan, x), taps, mode=mode, cval=2)


@pytest.mark.parametrize("shape", [(40, 3), (15, 3), (17, 24), (17, 25), (5, 6, 7), (2, 3, 4, 5), (300, 1), (8, 70)])
def test_short_rows_and_few(shape):
    """Many short rows are filtered side by side; a running mean of few rows one by one."""
    for dtype, mode in product((np.float64, np.uint8, np.complex128, np.bool_), MODES):
        x = samples(shape, dtype) * (1 + 1j if dtype is np.complex128 else 1)
        for name, arguments in (
            ("correlate1d", ([1, 2, 1.5],)), ("correlate1d", ([1, 0, -1.0],)), ("correlate1d", ([1, 2, 3, 4.0],)),
            ("uniform_filter1d", (4,)), ("uniform_filter1d", (31,)), ("maximum_filter1d", (5,)),
            ("minimum_filter1d", (40,)),
        ):  # fmt: skip
            if dtype is np.complex128 and "mum" in name:
                continue
            check(name, x, *arguments, mode=mode, origin=1, cval=2)
            right = outcome(ndimage, name, x, *arguments, mode=mode)
            for source in (x.copy(), x.copy("F"), np.repeat(x, 2, -1)[..., ::-2][..., ::-1]):
                got = getattr(ndimage, name)(source, *arguments, mode=mode, output=source)
                np.testing.assert_array_equal(got, right)


def test_axes_of_one_element_may_have_any_stride():
    """Such arrays are C contiguous to NumPy."""
    for dtype, extent in product((np.float32, np.complex64), (3, 40)):
        x = samples((50, extent), np.float32).astype(dtype)
        for source in (x[..., None], x[:, None], x[None, :, None, :, None]):
            assert source.flags.c_contiguous
            target = np.empty((*source.shape[:-1], 2), dtype)[..., :1] if source.shape[-1] == 1 else None
            for axis in range(source.ndim):
                for name, argument in (("correlate1d", [1, 2.0, 4]), ("uniform_filter1d", 5), ("maximum_filter1d", 3)):
                    if dtype is np.float32 or "max" not in name:
                        check(name, source, argument, axis=axis)
                        check(name, source, argument, axis=axis, output=target)
            check("gaussian_filter", source, 1.0)
            check("correlate", source, np.ones((3,) * min(source.ndim, 3)), axes=(-3, -2, -1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nan_among_few_samples(dtype):
    """Extrema are folded unless there is NaN, whose place among the comparisons counts."""
    for n, at in product((1, 2, 15, 64, 4096, 4097), (0, 0.5, 1)):
        x = samples((n,), dtype)
        x[int(at * (n - 1))] = np.nan
        for source in (x, np.repeat(x, 2)[::2], x[::-1].astype(x.dtype.newbyteorder())):
            check("maximum_filter1d", source, 3)
            check("minimum_filter", source, 4, mode="wrap")
    check("maximum_filter", samples((9, 9), dtype), 3, mode="constant", cval=np.nan)


@pytest.mark.parametrize("output", [np.float32, "float64", np.dtype(">f8"), np.uint8, np.int64, "int16", bool, float])
def test_output_names_a_type(output):
    x = samples((20, 31), np.float32)
    check("gaussian_filter", x, 1.5, output=output)
    check("convolve", x, np.random.default_rng(0).random((3, 2)), output=output)
    check("uniform_filter", x, 3, output=output)
    check("maximum_filter", x, 3, output=output)
    check("laplace", x, output=output)


@pytest.mark.parametrize("name, argument", [
    ("convolve", np.arange(6.0).reshape(2, 3)), ("convolve", np.arange(1.0, 7).reshape(2, 3)), ("gaussian_filter", 1.0),
    ("uniform_filter", 3), ("minimum_filter", 4), ("maximum_filter1d", 5), ("uniform_filter1d", 5),
    ("correlate1d", [1, 2, 3, 4.0]), ("gaussian_laplace", 1.0),
])  # fmt: skip
def test_output_is_filled_whatever_its_layout(name, argument):
    x = samples((70, 90), np.float32)
    call, right = getattr(ndimage, name), getattr(scipy_ndimage, name)(x, argument)
    holders = (
        np.empty((70, 90), np.float32), np.empty((90, 70), np.float32).T, np.empty((140, 270), np.float32)[::2, ::-3],
        np.empty((70, 90), ">f4"), np.empty((70, 90, 4), np.uint8).view(np.float32)[..., 0],
    )  # fmt: skip
    for out in holders:
        assert call(x, argument, output=out) is out
        np.testing.assert_array_equal(out, right)
    for source in (x.copy("F"), np.repeat(x, 2, 1)[:, ::2], x.astype(">f4"), x[::-1].copy()[::-1]):
        source.flags.writeable = False
        np.testing.assert_array_equal(call(source, argument), right)
    same = x.copy()
    np.testing.assert_array_equal(call(same, argument, output=same), right)
    shared = np.empty((71, 90), np.float32)
    shared[:-1] = x
    np.testing.assert_array_equal(call(shared[:-1], argument, output=shared[1:]), right)


@pytest.mark.parametrize("name, argument", [
    ("convolve", np.arange(6.0).reshape(2, 3)), ("gaussian_filter", 1.0), ("uniform_filter", 3),
    ("uniform_filter1d", 5), ("correlate1d", [1, 2, 3, 4.0]), ("sobel", 0), ("gaussian_laplace", 1.0), ("prewitt", 0),
])  # fmt: skip
def test_parts_of_complex_arrays_whatever_their_layout(name, argument):
    x = samples((30, 40), np.float32) + 1j * samples((30, 40), np.float32, 1)
    call, right = getattr(ndimage, name), getattr(scipy_ndimage, name)(x, argument)
    rounding = 1e-6 * np.abs(x).max() * np.abs(argument).sum() if name == "convolve" else 0

    def same(got):
        assert got.dtype == right.dtype
        np.testing.assert_allclose(got, right, rtol=0, atol=rounding)

    for _ in range(2):      # the second time kept
        same(call(x, argument))
        for out in (np.empty((30, 40), "F"), np.empty((40, 30), "F").T, np.empty((60, 80), "F")[::-2, ::2]):
            assert call(x, argument, output=out) is out
            same(out)
        for source in (x.copy("F"), np.repeat(x, 2, 1)[:, ::2], x.astype(">c8"), x[::-1].copy()[::-1]):
            same(call(source, argument))
        together = x.copy()
        same(call(together, argument, output=together))
        shared = np.empty((31, 40), "F")
        shared[1:] = x
        same(call(shared[1:], argument, output=shared[:-1]))


def test_options_that_are_equal_are_not_the_same():
    """1, 1.0 and True are one key, and so are 0.0 and -0.0: what was kept for one says nothing of the other."""
    x = samples((6, 7), np.float64)
    for _ in range(2):
        check("uniform_filter1d", x, 3)
        check_refused("uniform_filter1d", x, 3.0)
        check("uniform_filter1d", x, 3, origin=1)
        check_refused("uniform_filter1d", x, 3, origin=1.0)
        check("uniform_filter", x, 3.0)
        check("gaussian_filter", x, 1)
        check("gaussian_filter", x, (1.0, 2), mode=["wrap", "nearest"], order=[0, 1])
        check("gaussian_filter", x, [1, 2.0], mode=("wrap", "nearest"), axes=[-1, 0])
        for cval in (0.0, -0.0, np.float32(-0.0)):
            got = ndimage.maximum_filter1d(np.full(3, -1.0), 3, mode="constant", cval=cval)
            assert np.signbit(got).tolist() == [bool(np.signbit(cval)), True, bool(np.signbit(cval))]
    for options in ({"size": {}}, {"size": 3, "mode": {}}, {"size": 3, "cval": {}}, {"size": 3, "axes": {1.5}}):
        with pytest.raises((TypeError, RuntimeError)):
            ndimage.uniform_filter(x, **options)


def test_many_axes():
    x = samples((2, 1, 3, 1, 2, 1, 2, 1, 3), np.float32)
    for _ in range(2):
        check("gaussian_filter", x, 1.0, mode="nearest", output=np.float64)
        check("uniform_filter", x, 3, axes=(0, 8))
        check("correlate", x, np.arange(6.0).reshape(2, 3), axes=(2, 8))
        check("maximum_filter", x, 2, output=np.empty_like(x))


@pytest.mark.parametrize("mode", MODES)
def test_long_rows_in_place(mode):
    x = samples((2, 140_000), np.float32)
    check("gaussian_filter", x, 1.0, mode=mode)
    check("uniform_filter", x, 4, mode=mode)
    check("maximum_filter", x, 4, mode=mode)


@pytest.mark.parametrize(
    "shape, axis", [((5, 140_000), 0), ((140_000, 3), 1), ((3, 4, 40_000), 0), ((50_000, 2, 3), 1)]
)
def test_wide_columns_in_place(shape, axis):
    x = samples(shape, np.float64)
    for mode in ("reflect", "constant", "wrap"):
        for name, argument in (("correlate1d", [1, 2, 3, 4.0]), ("uniform_filter1d", 4), ("maximum_filter1d", 4)):
            right = outcome(scipy_ndimage, name, x, argument, axis=axis, mode=mode)
            same = x.copy()
            outcome(ndimage, name, same, argument, axis=axis, mode=mode, output=same)
            np.testing.assert_array_equal(same, right)
        check("uniform_filter", x, 3, mode=mode)


def test_empty_and_scalar_arrays():
    for shape in ((0,), (0, 3), (3, 0)):
        x = np.zeros(shape)
        check("gaussian_filter", x, 1.0)
        check("uniform_filter", x, 3)
        check("correlate", x, np.ones((2,) * x.ndim))
        check("maximum_filter", x, 2)
    check("correlate", np.float64(3), 2.0)
    check("gaussian_filter", np.float64(3), 2.0)
    check("maximum_filter", np.float64(3), footprint=True)
    check("uniform_filter", np.int8(3))


# ---- what SciPy does oddly -----------------------------------------------------------------------------------------


def test_small_weights_are_left_out_of_windows_only():
    x = np.array([1.0, np.nan, 3, 1e300, 5])
    check("correlate", x, [1.0, 1e-17, 0.0])
    check("correlate", x, [0.0, 1.0, 0.0])
    check("correlate1d", x, [1e-17, 0.0, 1e-17])
    check("correlate", x, [1e-17, 0.0])


def test_nan_and_infinity_go_where_scipy_lets_them():
    rng = np.random.default_rng(0)
    for shape in ((40,), (3000,), (60, 70), (8, 20, 30)):
        x = rng.standard_normal(shape)
        x.flat[rng.integers(0, x.size, 5)] = np.nan
        x.flat[rng.integers(0, x.size, 3)] = np.inf
        for dtype in (np.float32, np.float64):
            for name in ("uniform_filter", "maximum_filter", "minimum_filter"):
                check(name, x.astype(dtype), 5)
                check(name, x.astype(dtype), 3, mode="constant", cval=np.nan)
            check("gaussian_filter", x.astype(dtype), 1.0)
            footprint = rng.random((3,) * x.ndim) < 0.5
            footprint.flat[0] = True
            check("maximum_filter", x.astype(dtype), footprint=footprint)
    check("maximum_filter", np.array([1, np.nan, 3, 4, 5, 2]), 3)
    check("minimum_filter", np.array([1, np.nan, 3, 4, 5, 2]), 3)


@pytest.mark.parametrize("dtype", ["b", "B", "h", "H", "i", "I", "q", "Q", "?"])
def test_casts_to_integers(dtype):
    values = [-0.5, -1.5, -200.7, 255.5, 256.9, 300, 65536.5, -65537.5, 2.0**31, 2.0**31 + 5.7, 2.0**32 + 3.2]
    values += [-(2.0**31) - 1, -(2.0**40) - 3, 2.0**53 + 2, 2.0**63, 2.0**63 + 4096, 1e300, np.nan, np.inf, 0.4, -1.0]
    x = np.array(values)
    check("correlate1d", x, [1.0], output=np.dtype(dtype))
    check("correlate", x, [1.0], output=np.dtype(dtype))
    check("minimum_filter1d", x, 1, output=np.dtype(dtype))
    check("convolve", np.array([200, 200, 200, 10], np.uint8), [1, 1, 1])
    check("correlate", np.array([1, 3, 5], np.dtype(dtype)), [0.5])


def test_large_integers_are_rounded_to_doubles():
    x = np.array([2**62 + 1, 2**53 + 1, -(2**53) - 1, 2**63 - 1], np.int64)
    check("correlate1d", x, [1.0])
    check("maximum_filter", x, 3)
    check("minimum_filter", x, footprint=[1, 0, 1])


def test_constant_is_cast_under_footprints_only():
    x = samples((9, 33), np.uint8)
    check("maximum_filter", x, footprint=[[1, 0], [1, 1]], mode="constant", cval=-3)
    check("maximum_filter", x, 3, mode="constant", cval=-3)
    check("minimum_filter", x.astype(np.float32), footprint=[[1, 0], [1, 1]], mode="constant", cval=0.1)


# ---- complex -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x_type, w_type", list(product("fdFDiB", "dFD")))
def test_complex(x_type, w_type):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 12, 13)) * 9, rng.standard_normal((2, 3, 2))
    x, w = (part[0] + (1j * part[1] if kind in "FD" else 0) for part, kind in ((x, x_type), (w, w_type)))
    x, w = x.astype(x_type), w.astype(w_type)
    cval = 2 + 1j if x_type in "FD" else 2.0
    for mode in ("reflect", "constant"):
        for name in ("convolve", "correlate"):
            check(name, x, w, mode=mode, cval=cval)
        for name in ("convolve1d", "correlate1d"):
            check(name, x, w[:, 0], mode=mode, cval=cval)
        if x_type in "FD":
            check("uniform_filter", x, 3, mode=mode, cval=cval)
            check("gaussian_filter", x, 1.0, mode=mode, cval=cval)
            check("sobel", x, mode=mode, cval=cval)
            check("laplace", x, mode=mode, cval=cval)


def test_real_output_for_complex_results_is_promoted_with_a_warning():
    x = np.ones(5, np.complex64)
    with pytest.warns(UserWarning, match="promoting specified output dtype to complex"):
        assert ndimage.convolve1d(x, [1, 2.0], output=np.float64).dtype == np.complex128
    check_refused("convolve", x, [1, 2.0], output=np.empty(5))
    check_refused("correlate1d", np.ones(5), [1, 2j], cval=1j)


# ---- errors --------------------------------------------------------------------------------------------------------

SQUARE = np.arange(12.0).reshape(3, 4)


@pytest.mark.parametrize("name, args, kwargs, gist", [
    ("correlate", (SQUARE, np.ones(3)), {}, "must match len"),
    ("correlate", (SQUARE, np.ones((3, 0))), {}, "must match len"),
    ("correlate", (SQUARE, np.ones((3, 3))), {"mode": "even"}, "boundary mode not supported"),
    ("correlate", (SQUARE, np.ones((3, 3))), {"mode": ["wrap", "wrap"]}, "sequence of modes is not supported"),
    ("correlate", (SQUARE, np.ones((3, 3))), {"origin": 2}, "Invalid origin"),
    ("convolve", (SQUARE, np.ones((2, 2))), {"origin": [1, 1]}, "Invalid origin"),
    ("convolve", (SQUARE, np.ones((3, 3))), {"origin": [1]}, "sequence argument must have length"),
    ("convolve", (SQUARE, np.ones((3, 3))), {"cval": "x"}, "must be real number"),
    ("convolve", (SQUARE, np.ones((3, 3))), {"output": np.empty(3)}, "output shape not correct"),
    ("convolve", (SQUARE, np.ones((3, 3))), {"axes": (0, 5)}, "out of range"),
    ("convolve", (SQUARE, np.ones((3, 3))), {"axes": (0, 0)}, "must be unique"),
    ("correlate1d", (SQUARE, []), {}, "no filter weights given"),
    ("correlate1d", (SQUARE, np.ones((2, 2))), {}, "no filter weights given"),
    ("correlate1d", (SQUARE, [1, 2]), {"axis": 2}, "out of bounds"),
    ("correlate1d", (SQUARE, [1, 2]), {"origin": 1}, "Invalid origin"),
    ("correlate1d", (SQUARE, [1, 2]), {"mode": 4}, "boundary mode not supported"),
    ("correlate1d", (SQUARE.astype(np.float16), [1, 2]), {}, "not supported"),
    ("correlate1d", (SQUARE, [1, 2]), {"output": np.float16}, "not supported"),
    ("correlate1d", (SQUARE, [1, 2]), {"output": "bool"}, "numeric dtype"),
    ("uniform_filter1d", (SQUARE, 0), {}, "incorrect filter size"),
    ("uniform_filter1d", (SQUARE, 2.5), {}, "integer"),
    ("uniform_filter1d", (SQUARE, 3), {"origin": 2}, "invalid origin"),
    ("uniform_filter", (SQUARE, [3, 3, 3]), {}, "sequence argument must have length"),
    ("gaussian_filter", (SQUARE, [1, 2, 3]), {}, "sequence argument must have length"),
    ("gaussian_filter", (SQUARE, 1), {"radius": -1}, "Radius must be a nonnegative integer"),
    ("gaussian_filter", (SQUARE, 1), {"radius": 1.5}, "Radius must be a nonnegative integer"),
    ("gaussian_filter1d", (SQUARE, 1), {"order": -1}, "order must be non-negative"),
    ("maximum_filter", (SQUARE,), {}, "no footprint provided"),
    ("maximum_filter", (SQUARE,), {"footprint": np.zeros((3, 3))}, "All-zero footprint"),
    ("maximum_filter", (SQUARE,), {"footprint": [1, 0, 1]}, "must match len"),
    ("maximum_filter", (SQUARE * 1j, 3), {}, "Complex type not supported"),
    ("minimum_filter", (SQUARE,), {"footprint": [[1, 0], [1, 1]], "mode": ["wrap", "wrap"]}, "sequence of modes"),
    ("minimum_filter1d", (SQUARE, 3), {"origin": -2}, "invalid origin"),
])  # fmt: skip
def test_errors_are_scipys(name, args, kwargs, gist):
    assert gist in str(check_refused(name, *args, **kwargs))


@pytest.mark.parametrize("name, argument, kwargs", [
    ("gaussian_filter", 1.0, {"mode": ["wrap", "odd"]}), ("gaussian_filter", 1.0, {"order": [0, -1]}),
    ("uniform_filter", [3, 4], {"origin": [0, 2]}), ("maximum_filter", 3, {"mode": ["wrap", "odd"]}),
    ("sobel", 0, {"mode": ["wrap", "odd"]}), ("gaussian_laplace", 1.0, {"mode": ["wrap", "odd"]}),
    ("gaussian_gradient_magnitude", [1.0, "x"], {}), ("convolve", np.ones((2, 2)), {"origin": 3}),
])  # fmt: skip
def test_nothing_is_written_before_an_error(name, argument, kwargs):
    out = np.full((3, 4), 7.0)
    with pytest.raises((RuntimeError, ValueError, TypeError)):
        getattr(ndimage, name)(SQUARE, argument, output=out, **kwargs)
    assert (out == 7).all()


def test_size_beside_a_footprint_is_ignored_with_a_warning():
    with pytest.warns(UserWarning, match="ignoring size because footprint is set"):
        ndimage.maximum_filter(SQUARE, 3, footprint=np.ones((2, 2)))


def test_scipy_is_not_needed():
    code = "import sys; sys.modules['scipy'] = None; from cconv.ndimage import sobel; print(sobel([1.0, 2.0]))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
