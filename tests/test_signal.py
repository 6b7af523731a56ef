"""cconv.signal: against SciPy's functions of the same names, and against the naive twins where there is no SciPy."""

import inspect
import itertools
import math
import subprocess
import sys
import warnings

import numpy as np
import pytest

import cconv
import reference
from cconv import signal
from checks import INTEGERS, sample

FLOATS = ["float32", "float64", "complex64", "complex128"]
MODES = ["full", "same", "valid"]
TOLERANCE = {"e": 3e-3, "f": 4e-6, "F": 4e-6}


@pytest.fixture
def scipy_signal():
    return pytest.importorskip("scipy.signal")


def outcome(function, *args, **kwargs):
    """The result, or the exception."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*args, **kwargs)
    except Exception as error:
        return error


def agree(theirs, name, *args, **kwargs):
    """The same type of exception, or the same type, shape and values as SciPy's function."""
    want = outcome(getattr(theirs, name), *args, **kwargs)
    got = outcome(getattr(signal, name), *args, **kwargs)
    shown = [f"{a.dtype}{a.shape}" if isinstance(a, np.ndarray) else repr(a) for a in args]
    call = f"{name}({', '.join(shown)}, {kwargs})"
    if isinstance(want, Exception) or isinstance(got, Exception):
        assert type(got) is type(want), f"{call}: got {got!r}, want {want!r}"
        return
    got, want = np.asarray(got), np.asarray(want)
    assert (got.dtype, got.shape) == (want.dtype, want.shape), call
    if want.dtype.kind in "biuO":
        np.testing.assert_array_equal(got, want, err_msg=call)
        return
    part = max([TOLERANCE.get(a.dtype.char, 1e-12) for a in args if isinstance(a, np.ndarray)], default=1e-12)
    # both sums are off by so much of the sum of magnitudes
    finite = np.isfinite(want)
    scale = np.abs(want[finite]).max(initial=1)
    np.testing.assert_allclose(got[finite], want[finite], rtol=part, atol=part * scale, err_msg=call)


def values(rng, dtype, shape):
    """Samples whose integer sums FFT does not round."""
    dtype = np.dtype(dtype)
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(max(info.min, -1000), min(info.max, 1000), shape).astype(dtype)
    if dtype.kind == "O":
        return rng.integers(-5, 5, shape).astype(object)
    return sample(rng, shape, dtype)


# ---- signatures, documentation -----------------------------------------------------------------------------


def test_signatures_are_scipys(scipy_signal):
    for name in signal.__all__:
        if name == "sepfir2d":
            continue        # compiled: no signature, and from SciPy 1.18 on one without names
        want = inspect.signature(getattr(scipy_signal, name))
        got = inspect.signature(getattr(signal, name))
        assert [(p.name, p.default, p.kind) for p in got.parameters.values()] == [
            (p.name, p.default, p.kind) for p in want.parameters.values()
        ], name


@pytest.mark.parametrize("name", signal.__all__)
def test_documentation(name):
    text = inspect.getdoc(getattr(signal, name))
    for section in ("Parameters", "Returns", "Raises", "Examples"):
        assert f"\n{section}\n---" in text, section
    for parameter in inspect.signature(getattr(signal, name)).parameters:
        assert parameter in text


def test_it_runs_without_scipy():
    program = (
        "import sys; sys.modules['scipy'] = None\n"
        "import numpy as np; from cconv import signal\n"
        "x = np.random.default_rng(0).standard_normal(100_000)\n"
        "y = signal.fftconvolve(x, x)\n"
        "assert abs(y[:3] - np.convolve(x[:3], x[:3])[:3]).max() < 1e-9\n"
        "z = signal.fftconvolve(x.reshape(100, 1000), x.reshape(100, 1000))\n"
        "assert abs(z[0, :3] - np.convolve(x[:3], x[:3])[:3]).max() < 1e-9\n"
        "signal.sepfir2d(x.reshape(100, 1000), [1.0, 2.0, 1.0], [1.0])\n"
        "assert signal.choose_conv_method(x, x) == 'fft'\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# ---- convolve, correlate -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["convolve", "correlate"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "sizes", [((9,), (4,)), ((4,), (9,)), ((6, 5), (2, 3)), ((2, 3), (6, 5)), ((4, 3, 5), (2, 3, 1))]
)
def test_twin(rng, name, mode, sizes):
    """Without SciPy: swapped in mode "valid" if the second covers the first."""
    x, w = sample(rng, sizes[0], "complex128"), sample(rng, sizes[1], "complex128")
    if mode == "valid" and w.size > x.size:
        want = getattr(reference, name)(w, x, mode)
        want = want if name == "convolve" else np.flip(want).conj()
    else:
        want = getattr(reference, name)(x, w, mode)
    for method in ("auto", "direct", "fft"):
        np.testing.assert_allclose(getattr(signal, name)(x, w, mode, method), want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("first", [*INTEGERS, "bool", "float16", *FLOATS, "longdouble", "clongdouble", "object"])
def test_types(rng, scipy_signal, first):
    for second in ("bool", "int8", "uint64", "int64", "float32", "float64", "complex64", "longdouble"):
        for shape1, shape2 in (((7,), (3,)), ((3,), (4,)), ((5, 4), (2, 3)), ((2, 3), (5, 4))):
            x, w = values(rng, first, shape1), values(rng, second, shape2)
            kind = np.result_type(x, w)
            for name, mode, method in itertools.product(("convolve", "correlate"), MODES, ("auto", "direct", "fft")):
                if method == "fft" and kind.kind in "bO":
                    continue        # SciPy makes True of the rounding of its FFT
                if method == "auto" and kind == np.float16 and (len(shape1) > 1 or mode == "same"):
                    continue        # SciPy refuses what its model sums directly
                agree(scipy_signal, name, x, w, mode, method)
            for name, mode in itertools.product(("fftconvolve", "oaconvolve"), MODES):
                agree(scipy_signal, name, x, w, mode)


@pytest.mark.parametrize("dtype", ["float64", "complex64", "int32"])
def test_small_shapes(rng, scipy_signal, dtype):
    for n, k in itertools.product((0, 1, 2, 3, 4, 7), repeat=2):
        x, w = values(rng, dtype, n), values(rng, dtype, k)
        for mode in MODES:
            for method in ("auto", "direct", "fft"):
                if method == "auto" and 0 in (n, k) and dtype == "int32":
                    continue        # SciPy takes the maximum of nothing
                agree(scipy_signal, "convolve", x, w, mode, method)
                agree(scipy_signal, "correlate", x, w, mode, method)
            agree(scipy_signal, "fftconvolve", x, w, mode)
            agree(scipy_signal, "oaconvolve", x, w, mode)


@pytest.mark.parametrize("shapes", [
    ((3, 4, 5, 2), (2, 2, 3, 2)), ((3, 4, 5, 2), (1, 2, 3, 2)), ((2, 3, 2, 2, 3), (2, 2, 2, 2, 2)),
    ((2, 2, 2, 2), (3, 3, 3, 3)), ((3, 1, 5, 2), (2, 2, 1, 2)),
])  # fmt: skip
@pytest.mark.parametrize("dtype", ["float64", "int64", "complex64", "longdouble"])
def test_any_number_of_axes(rng, scipy_signal, shapes, dtype):
    x, w = values(rng, dtype, shapes[0]), values(rng, dtype, shapes[1])
    for mode in MODES:
        for name, method in itertools.product(("convolve", "correlate"), ("auto", "direct", "fft")):
            agree(scipy_signal, name, x, w, mode, method)
        agree(scipy_signal, "fftconvolve", x, w, mode)
        agree(scipy_signal, "fftconvolve", x, w, mode, (0, -1))


@pytest.mark.parametrize("layout", ["strided", "reversed", "fortran", "swapped", "readonly"])
def test_layouts(rng, scipy_signal, layout):
    x, w = sample(rng, (40, 50), "float64"), sample(rng, (6, 5), "float64")
    if layout == "strided":
        x, w = x[::3, 1::2], w[::2, ::2]
    elif layout == "reversed":
        x, w = x[::-1, ::-1], w[:, ::-1]
    elif layout == "fortran":
        x, w = np.asfortranarray(x), np.asfortranarray(w)
    elif layout == "swapped":
        x, w = x.astype(">f8"), w.astype(">f8")
    else:
        x.flags.writeable = w.flags.writeable = False
    copies = x.copy(), w.copy()
    for mode in MODES:
        for name in ("convolve", "correlate", "fftconvolve", "oaconvolve", "convolve2d", "correlate2d"):
            agree(scipy_signal, name, x, w, mode)
        agree(scipy_signal, "convolve", x[0], w[0], mode)
        agree(scipy_signal, "fftconvolve", x, np.resize(x, x.shape), mode)
    np.testing.assert_array_equal(x, copies[0])
    np.testing.assert_array_equal(w, copies[1])


def test_lists_and_scalars(scipy_signal):
    assert signal.convolve(2, 3) == 6
    assert isinstance(signal.convolve(2, 3), np.integer)
    assert signal.correlate(2, 3j) == -6j
    np.testing.assert_array_equal(signal.convolve([1, 2, 3], [1, 1]), [1, 3, 5, 3])
    agree(scipy_signal, "fftconvolve", 2, 3)
    agree(scipy_signal, "convolve2d", [[1, 2]], [[3]])


def test_unsigned_bytes_wrap_around_by_either_method():
    x, w = np.uint8([200, 200, 200, 10]), np.uint8([1, 1, 1])
    for method in ("auto", "direct", "fft"):
        np.testing.assert_array_equal(signal.convolve(x, w, method=method), np.uint8([200, 144, 88, 154, 210, 10]))


# ---- large: which way is taken -----------------------------------------------------------------------------

LARGE = [
    ((300,), (40,)), ((3000,), (2000,)), ((60_000,), (60_000,)), ((200_000,), (50,)), ((50,), (200_000,)),
    ((200_000,), (3000,)), ((120_000,), (50_000,)), ((64, 80), (33, 21)), ((128, 128), (128, 100)),
    ((300, 200), (64, 64)), ((30, 31, 32), (11, 12, 13)), ((20, 30, 31, 2), (11, 12, 13, 1)),
]  # fmt: skip


@pytest.mark.parametrize("sizes", LARGE, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128", "int64", "uint8"])
def test_large(rng, scipy_signal, sizes, dtype):
    x, w = values(rng, dtype, sizes[0]), values(rng, dtype, sizes[1])
    exact = np.complex128 if np.dtype(dtype).kind == "c" else np.float64
    for mode in MODES:
        for name in ("fftconvolve", "oaconvolve", "convolve", "correlate"):
            got = getattr(signal, name)(x, w, mode)
            flipped = w if name != "correlate" else np.flip(w).conj()
            want = scipy_signal.fftconvolve(x.astype(exact), flipped.astype(exact), mode)
            if name in ("convolve", "correlate") and np.dtype(dtype).kind in "iu":
                np.testing.assert_array_equal(got, np.rint(want).astype(np.int64).astype(dtype))
                continue
            # |x| * |w| in the Euclidean norm bounds every sum; an FFT's error is a few log2(points) of it
            unit = 2.0**-23 if np.dtype(dtype).char in "fF" else 2.0**-52
            bound = 16 * unit * np.linalg.norm(x.astype(exact)) * np.linalg.norm(w.astype(exact))
            assert got.shape == want.shape
            assert np.abs(got - want).max(initial=0) <= bound, (name, mode)


def test_integers_that_fft_would_round_are_exact(rng):
    x = rng.integers(-(2**31), 2**31, 40_000)
    got = signal.convolve(x, x, method="fft")
    place = 39_999
    want = sum(int(a) * int(b) for a, b in zip(x, x[::-1], strict=True))
    assert int(got[place]) == (want + 2**63) % 2**64 - 2**63
    assert signal.choose_conv_method(x, x) == "direct"


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_bits_do_not_depend_on_the_threads(rng, threads):
    for shape in ((150_000,), (300, 310), (40, 41, 42)):
        x = sample(rng, shape, "float64")
        with cconv.num_threads(1):
            want = signal.fftconvolve(x, x)
        with cconv.num_threads(threads):
            np.testing.assert_array_equal(signal.fftconvolve(x, x), want)


# ---- what is not finite ------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("sizes", [(40, 5), (5000, 4000), (300_000, 2000), (40_000, 40_000)])
@pytest.mark.parametrize("name", ["convolve", "fftconvolve", "oaconvolve", "correlate"])
def test_what_is_not_finite_stays_where_it_is(rng, name, sizes, value):
    x, w = sample(rng, sizes[0], "float64"), sample(rng, sizes[1], "float64")
    x[sizes[0] // 2] = value
    w[-1] = 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = getattr(signal, name)(x, w)
    touched = np.zeros(len(got), bool)
    touched[sizes[0] // 2 : sizes[0] // 2 + sizes[1]] = True
    np.testing.assert_array_equal(np.isfinite(got), ~touched)


def test_a_weight_that_is_not_finite_leaves_the_border_alone(rng):
    """As np.convolve does, where 0 * nan would make NaN of results whose sum it is not in."""
    x, w = sample(rng, 30, "float64"), np.array([np.nan, 1.0, 2.0])
    for mode in MODES:
        np.testing.assert_array_equal(np.isnan(signal.convolve(x, w, mode)), np.isnan(np.convolve(x, w, mode)))
        np.testing.assert_array_equal(np.isnan(signal.correlate(x, w, mode)), np.isnan(np.correlate(x, w, mode)))
    big = np.array([1e200, 1.0, 2.0])
    np.testing.assert_allclose(signal.convolve(x, big), np.convolve(x, big), rtol=1e-14)


def test_fft_warns_of_what_is_not_finite(rng):
    x, w = sample(rng, 1000, "float64"), sample(rng, 200, "float64")
    x[100] = np.nan
    with pytest.warns(RuntimeWarning, match="Use of fft convolution"):
        got = signal.convolve(x, w, "same", "fft")
    assert np.isfinite(got[400:]).all()


# ---- fftconvolve, oaconvolve -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["fftconvolve", "oaconvolve"])
def test_axes_and_broadcasting(rng, scipy_signal, name):
    for n1, k1, n2, k2 in itertools.product((1, 2, 5), repeat=4):
        x, w = sample(rng, (n1, n2), "float64"), sample(rng, (k1, k2), "float64")
        for mode, axes in itertools.product(MODES, (None, 0, 1, [1], (0, 1), -1)):
            agree(scipy_signal, name, x, w, mode, axes)
    x, w = sample(rng, (3, 1, 6, 5), "complex128"), sample(rng, (1, 4, 2, 3), "complex128")
    for mode, axes in itertools.product(MODES, ((2, 3), (3, 2), [-1, -2], None)):
        agree(scipy_signal, name, x, w, mode, axes)


def test_same_crops_what_was_broadcast_too_scipy_21876():
    x, w = np.arange(3.0).reshape(1, 3), np.arange(10.0).reshape(5, 2)
    assert signal.fftconvolve(x, w, "full", 1).shape == (5, 4)
    np.testing.assert_allclose(signal.fftconvolve(x, w, "same", 1), [[0.0, 4.0, 13.0]], atol=1e-12)


@pytest.mark.parametrize("axes", [1.5, "a", [1.0], [[1]], 2, -3, [0, 0], [1, -1], [], {0}, True, np.int64(1), [-1]])
def test_bad_axes(scipy_signal, axes):
    for name in ("fftconvolve", "oaconvolve"):
        agree(scipy_signal, name, np.ones((3, 3)), np.ones((2, 2)), "full", axes)


def test_a_product_keeps_its_type(scipy_signal):
    agree(scipy_signal, "fftconvolve", np.uint8([200]), np.uint8([3, 4, 5]), "same")
    agree(scipy_signal, "oaconvolve", np.array([True]), np.array([True, True]))
    assert signal.fftconvolve([5], [3]).dtype == np.int64


# ---- convolve2d, correlate2d -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["convolve2d", "correlate2d"])
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex64", "int32", "uint8", "longdouble"])
def test_planes(rng, scipy_signal, name, dtype):
    for n1, k1, n2, k2 in itertools.product((1, 2, 5), (1, 2, 3, 6), (3, 4), (1, 3, 4)):
        x, w = values(rng, dtype, (n1, n2)), values(rng, dtype, (k1, k2))
        for mode, boundary in itertools.product(MODES, ("fill", "wrap", "symm")):
            agree(scipy_signal, name, x, w, mode, boundary)
        agree(scipy_signal, name, x, w, "full", "fill", 3)
        agree(scipy_signal, name, x, w, "same", "fill", 2.5)


def test_correlate2d_begins_a_sample_later_scipy_1968():
    x = [[1, 2, 3, 4]]
    np.testing.assert_array_equal(signal.correlate(x, x, "same"), [[11, 20, 30, 20]])
    np.testing.assert_array_equal(signal.correlate2d(x, x, "same"), [[20, 30, 20, 11]])


@pytest.mark.parametrize("boundary", ["pad", "circular", "symmetric", "reflect", "edge", ["fill"]])
def test_names_of_boundaries(rng, scipy_signal, boundary):
    agree(scipy_signal, "convolve2d", sample(rng, (4, 5), "float64"), np.ones((2, 3)), "full", boundary)


@pytest.mark.parametrize("fill", [
    1.7, -1.7, np.nan, 1e30, 2**70, True, [3], [[4.0]], np.float32(2.5), 1 + 0j, 1j, [], [1, 2], 2**64 - 1, -1, 300,
    "a",
])  # fmt: skip
@pytest.mark.parametrize("dtype", ["int64", "uint8", "float32", "complex64"])
@pytest.mark.filterwarnings("ignore:Casting complex")
def test_fill_values(scipy_signal, fill, dtype):
    x = np.arange(6).reshape(2, 3).astype(dtype)
    signal.convolve2d(x, np.ones((1, 2), dtype), fillvalue=1)       # 1 == 1 + 0j must not answer for it
    agree(scipy_signal, "convolve2d", x, np.ones((1, 2), dtype), "full", "fill", fill)
    agree(scipy_signal, "convolve2d", x, np.ones((1, 2), dtype), "full", "symm", fill)


def test_no_samples(scipy_signal):
    for shape1, shape2, mode in itertools.product(((0, 3), (2, 2), (2, 0)), ((0, 3), (2, 2)), MODES):
        if 0 in shape1 + shape2:
            x, w = np.ones(shape1), np.ones(shape2)
            for name in ("convolve2d", "correlate2d"):
                agree(scipy_signal, name, x, w, mode, "fill", 7)
            for name in ("convolve", "correlate", "fftconvolve"):
                agree(scipy_signal, name, x, w, mode)


# ---- sepfir2d, correlation_lags, choose_conv_method --------------------------------------------------------


@pytest.mark.parametrize("dtype", [*INTEGERS, "bool", "float16", *FLOATS, "longdouble", "object"])
def test_sepfir2d(rng, scipy_signal, dtype):
    for shape, rows, columns in itertools.product(((1, 1), (4, 5), (6, 2), (9, 30)), (1, 3, 5), (1, 3)):
        if rows // 2 >= shape[1] or columns // 2 >= shape[0]:
            continue        # SciPy reads beyond its arrays
        x = values(rng, dtype, shape)
        for taps in ("float64", "float32", "int64", "complex64"):
            if dtype != "longdouble" or taps != "complex64":        # wrong in two ways
                agree(scipy_signal, "sepfir2d", x, values(rng, taps, rows), values(rng, taps, columns))
        agree(scipy_signal, "sepfir2d", x, [0.5] * rows, [1.0] * columns)


@pytest.mark.parametrize("dtype", [*FLOATS, "uint8", "int64"])
def test_sepfir2d_of_any_extent(rng, dtype):
    """On the stack and by the core, borders wider than the array too, which SciPy reads beyond."""
    extents = (0, 1, 2, 3, 4, 5, 8, 9, 31, 40, 47)
    for shape, taps in itertools.product(itertools.product(extents, extents), ((1, 1), (3, 5), (9, 3), (31, 31))):
        if 0 < math.prod(shape) > 400 and taps != (3, 5) and shape[0] != shape[1]:
            continue
        x = values(rng, dtype, shape)
        work = "float32" if dtype == "uint8" else "float64" if dtype == "int64" else dtype
        rows, columns = (values(rng, work, taps[axis]) for axis in (1, 0))
        got = signal.sepfir2d(x, rows, columns)
        assert got.dtype == work and got.shape == shape
        if x.size:
            grown = np.pad(x.astype("D"), [(k // 2, k // 2) for k in taps], "symmetric")
            want = reference.convolve(grown, np.multiply.outer(columns, rows).astype("D"), "valid")
            scale = np.abs(rows).sum() * np.abs(columns).sum() * np.abs(x).max()
            np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE.get(got.dtype.char, 1e-14) * scale)


def test_sepfir2d_takes_what_is_like_an_array(rng):
    x = rng.random((5, 6))
    want = signal.sepfir2d(x, np.array([1.0, 2.0, 1.0]), np.array([0.5, 1.0, 0.5]))
    np.testing.assert_array_equal(signal.sepfir2d(x.tolist(), [1, 2, 1], (0.5, 1, 0.5)), want)
    for samples in (x.copy("F"), x.astype(">f8"), np.repeat(x, 2, 1)[:, ::2], x[::-1].copy()[::-1]):
        samples.flags.writeable = False
        taps = np.array([1.0, 9, 2, 9, 1])[::2]
        np.testing.assert_array_equal(signal.sepfir2d(samples, taps, taps.astype(">f4") * 0.5), want)


def test_sepfir2d_refuses(scipy_signal):
    x = np.ones((4, 5))
    for args in ((x, np.ones(2), np.ones(1)), (x, np.ones(1), np.ones(4)), (x, np.ones((1, 1)), np.ones(1)),
                 (x[0], np.ones(1), np.ones(1)), (np.ones((2, 2, 2)), np.ones(1), np.ones(1)),
                 (x, [1, 2], [1]), (x, [1j], [1]), (x, ["a"], [1]), (x, 1.0, [1]), (x, [1], []),
                 (x.astype("f"), np.ones(1), [1]), (x, np.ones(1, "D"), [1]), (x.astype("O"), [1], [1]),
                 (x.astype("M8[s]"), [1], [1]), (x, np.ones(1, "O"), [1]), (x, np.array(["1"]), [1])):  # fmt: skip
        agree(scipy_signal, "sepfir2d", *args)


def test_correlation_lags(scipy_signal):
    for n, k, mode in itertools.product(range(12), range(12), MODES):
        agree(scipy_signal, "correlation_lags", n, k, mode)
    agree(scipy_signal, "correlation_lags", 3, 4, "spam")


def test_choose_conv_method(rng):
    choose = signal.choose_conv_method
    assert choose(np.ones(8), np.ones(6)) == "direct"
    assert choose(np.ones(100_000), np.ones(50_000)) == "fft"
    assert choose(np.ones((512, 512)), np.ones((500, 500)), mode="same") == "fft"
    assert choose(np.ones(100_000, bool), np.ones(50_000, bool)) == "direct"
    assert choose(np.full(100_000, 2**40), np.ones(50_000, int)) == "direct"
    assert choose(np.ones(100_000, int), np.ones(50_000, int)) == "fft"
    chosen, times = choose(np.ones(100), np.ones(30), measure=True)
    assert set(times) == {"fft", "direct"} and chosen == min(times, key=times.get)
    with pytest.raises(ValueError, match="Acceptable mode flags are 'valid', 'same', or 'full', not mode=spam"):
        choose(np.ones(8), np.ones(6), mode="spam")


# ---- errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "args", "message"), [
    ("convolve", ([1], [[2]]), "volume and kernel should have the same dimensionality"),
    ("correlate", ([1], [[2]]), "in1 and in2 should have the same dimensionality"),
    ("fftconvolve", ([1], 2), "in1 and in2 should have the same dimensionality"),
    ("convolve", ([1], [2], "spam"), "Acceptable mode flags are 'valid', 'same', or 'full'"),
    ("convolve", ([1], [2], [1]), "Acceptable mode flags are 'valid', 'same', or 'full'"),
    ("convolve", ([1], [2], "spam", "fft"), "acceptable mode flags are 'valid', 'same', or 'full'"),
    ("fftconvolve", ([1], [2], "spam"), "acceptable mode flags are 'valid', 'same', or 'full'"),
    ("convolve", ([1], [2], "full", "spam"), "Acceptable method flags are 'auto', 'direct', or 'fft'"),
    ("convolve", ([], [1.0]), "a cannot be empty"),
    ("correlate", ([1.0], []), "v cannot be empty"),
    ("convolve", (np.ones((2, 3)), np.ones((3, 2)), "valid"), "For 'valid' mode, one must be at least as large"),
    ("oaconvolve", (np.ones((2, 3)), np.ones((3, 2)), "valid"), "For 'valid' mode, one must be at least as large"),
    ("fftconvolve", (np.ones((2, 3)), np.ones((3, 2)), "full", 0), "incompatible shapes for in1 and in2"),
    ("convolve2d", ([1], [2]), "convolve2d inputs must both be 2-D arrays"),
    ("correlate2d", ([1], [2]), "correlate2d inputs must both be 2-D arrays"),
    ("convolve2d", ([[1]], [[2]], "spam"), "Acceptable mode flags are 'valid', 'same', or 'full'"),
    ("convolve2d", ([[1]], [[2]], "full", "edge"), "Acceptable boundary flags are 'fill', 'circular'"),
    ("convolve2d", ([[True]], [[True]]), "convolve2d not available for this type"),
    ("convolve2d", ([[1]], [[2]], "full", "fill", 1j), "could not cast `fillvalue` directly to the output type"),
    ("convolve", (np.ones((2, 2), bool), np.ones((2, 2), bool)), "Unsupported type"),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:Casting complex", "ignore:divide by zero", "ignore:invalid value")
def test_errors_have_scipys_type_and_words(scipy_signal, name, args, message):
    for module in (signal, scipy_signal):
        with pytest.raises(Exception, match=message) as caught:
            getattr(module, name)(*args)
        assert caught.type is ValueError
