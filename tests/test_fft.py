"""method="fft" and what method="auto" makes of it: bounds, borders, memory, threads, choices."""

import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest

import cconv
import reference
from cconv import _core, _fft, _fft_guard
from cconv._choice import Tiling, auto_tiling, fast_length, is_transformed
from cconv._fft import FFTConvolution
from cconv._helpers import share_out
from cconv._shapes import filter_spec
from checks import BOUNDARIES, Fence, check, guarded, magnitude, same_bits, sample, whole

FUNCTIONS = pytest.mark.parametrize("name", ["convolve", "correlate"])
REALS = ["float32", "float64", "complex64", "complex128"]


def spec_of(x, w, mode="full", *, flip=True, boundary="constant", cval=0, axes=None):
    defaults = {"mode": mode, "boundary": boundary, "cval": cval, "axes": axes, "origin": 0, "method": "auto"}
    names = filter_spec.__code__.co_varnames[5 : filter_spec.__code__.co_argcount]
    return filter_spec(flip, x.shape, x.dtype, w.shape, w.dtype, *[defaults.get(name) for name in names])


def eps_of(dtype):
    return float(np.finfo(dtype).eps)


def check_fft(name, x, w, **options):
    """method="fft" against the twin, within the documented bound; plainly and into a fenced out."""
    x, w = guarded(x), guarded(w)
    want = getattr(reference, name)(x, w, **options)
    got = getattr(cconv, name)(x, w, method="fft", **options)
    assert got.dtype == np.result_type(x.dtype, w.dtype)
    largest = max(magnitude(x).max(), abs(options.get("cval", 0)))
    axes = options.get("axes")
    axes = range(x.ndim) if axes is None else [axes] if isinstance(axes, int) else axes
    along = tuple(axes) if w.ndim == x.ndim else None
    allowed = _fft_guard.BOUND * eps_of(got.dtype) * largest * magnitude(w).sum(axis=along).max()
    assert np.abs(got - want).max(initial=0) <= allowed
    fence = Fence(got.shape, got.dtype, "margins")
    assert getattr(cconv, name)(x, w, method="fft", out=fence.out, **options) is fence.out
    same_bits(fence.out, got)
    fence.check()
    return got


# ---- the same answers as the direct sum --------------------------------------------------------------------


@FUNCTIONS
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("dtype", [*REALS, "float16"])
@pytest.mark.parametrize(
    "sizes",
    [(40, 9), (40, 10), (700, 257), (33, 33), (5, 1), ((20, 30), (5, 4)), ((9, 40), (1, 11)), ((40, 9), (11, 1)),
     ((7, 8, 9), (3, 2, 4))],
    ids=str,
)  # fmt: skip
def test_modes(rng, name, mode, dtype, sizes):
    check_fft(name, sample(rng, sizes[0], dtype), sample(rng, sizes[1], dtype), mode=mode)


@FUNCTIONS
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize(
    "sizes", [(50, 7), (5, 13), (1, 6), ((20, 30), (5, 4)), ((3, 2), (7, 9)), ((4, 5, 6), (3, 9, 2))], ids=str
)
def test_boundaries(rng, name, boundary, sizes):
    x, w = sample(rng, sizes[0], "float64"), sample(rng, sizes[1], "float64")
    check_fft(name, x, w, mode="same", boundary=boundary, cval=2.5 if boundary == "constant" else 0)


@FUNCTIONS
def test_one_boundary_per_axis_and_origin(rng, name):
    x, w = sample(rng, (9, 20, 13), "float32"), sample(rng, (4, 7, 5), "float32")
    check_fft(name, x, w, mode="same", boundary=("wrap", "constant", "reflect"), cval=-3, origin=(1, -3, 2))


@FUNCTIONS
@pytest.mark.parametrize(
    "shape, kernel, axes",
    [((6, 50), (7,), 1), ((50, 6), (7,), 0), ((3, 4, 50), (1, 4, 7), 2), ((3, 4, 50), (3, 1, 7), 2),
     ((3, 1, 50), (1, 4, 7), 2), ((3, 20, 4, 30), (5, 6), (3, 1)), ((3, 20, 4, 30), (3, 6, 4, 5), (1, 3)),
     ((2, 3, 1, 2, 31), (2, 1, 5, 1, 4), 4)],
    ids=str,
)  # fmt: skip
def test_batch_axes(rng, name, shape, kernel, axes):
    check_fft(name, sample(rng, shape, "float64"), sample(rng, kernel, "float64"), mode="same", axes=axes)


@pytest.mark.parametrize("pair", [("float32", "complex64"), ("complex64", "float32"), ("int16", "float64")], ids=str)
def test_mixed_types(rng, pair):
    check_fft("correlate", sample(rng, 90, pair[0]), sample(rng, 21, pair[1]), mode="same")


def test_strides_byte_order_and_read_only(rng):
    x, w = sample(rng, (31, 400), "float64"), sample(rng, (3, 40), "float64")
    want = cconv.convolve(x, w, method="fft")
    odd = np.asfortranarray(x)[::-1].astype(">f8")[::-1]
    odd.flags.writeable = False
    same_bits(cconv.convolve(odd, w[:, ::-1].copy()[:, ::-1], method="fft"), want)
    out = np.empty(want.shape[::-1], ">f8").T
    assert cconv.convolve(x, w, method="fft", out=out) is out
    np.testing.assert_array_equal(out, want)


def test_out_may_overlap_the_input(rng):
    x, w = sample(rng, 500, "float64"), sample(rng, 31, "float64")
    want = cconv.convolve(x, w, "same", method="fft")
    cconv.convolve(x, w, "same", method="fft", out=x)
    same_bits(x, want)


def test_empty_batches(rng):
    got = cconv.convolve(np.empty((0, 20), "f4"), np.ones(3, "f4"), axes=1, method="fft")
    assert got.shape == (0, 22)


def test_missing_samples(rng):
    """The weight seen has to be exactly 0 where nothing is."""
    x, w = sample(rng, 400, "float64"), np.abs(sample(rng, 20, "float64"))
    x[100:200] = np.nan
    want = cconv.convolve(x, w, "same", nan="omit", method="direct")
    got = cconv.convolve(x, w, "same", nan="omit", method="fft")
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    np.testing.assert_allclose(got, want, atol=1e-9)


# ---- tiles -------------------------------------------------------------------------------------------------


def random_tiling(rng, spec):
    """Tiles of any extent, also with the kernel in pieces."""
    length, piece, step = [], [], []
    for taps, outputs, transformed in zip(spec.kernel_size, spec.output_size, is_transformed(spec), strict=True):
        part = int(rng.integers(1, taps + 1)) if transformed and rng.random() < 0.3 else taps
        extent = int(rng.integers(1, outputs + 1)) + part - 1 if transformed else 1
        extent = fast_length(extent)
        length.append(extent)
        piece.append(part)
        step.append(min(outputs, extent - part + 1))
    return Tiling(tuple(length), tuple(piece), tuple(step), 1.0)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("dtype", REALS)
def test_tiles_of_any_extent(rng, rank, dtype):
    """Both bounds, over magnitudes of six decades, and the same bits for any number of threads."""
    limit, taps = [(60, 70), (20, 15), (12, 8)][rank - 1]
    for _ in range(40):
        mode = str(rng.choice(["full", "same", "valid"]))
        shape = rng.integers(1, limit, rank, endpoint=True)
        kernel = [int(rng.integers(1, (n if mode == "valid" else taps) + 1)) for n in shape]
        boundary = "constant" if mode == "full" else [str(name) for name in rng.choice(BOUNDARIES, rank)]
        options = {"boundary": boundary, "cval": float(rng.choice([0, 1.5]))}
        x = (sample(rng, shape, dtype) * 10.0 ** rng.integers(-6, 1, shape)).astype(dtype)
        w = sample(rng, kernel, dtype)
        spec = spec_of(x, w, mode, **options)
        tiling = random_tiling(rng, spec)
        want = reference.convolve(x, w, mode, **options)
        scale = np.abs(reference.convolve(magnitude(x), magnitude(w), mode, **options))
        largest = max(magnitude(x).max(), options["cval"]) * magnitude(w).sum()
        pieces = np.prod([-(-k // p) for k, p in zip(spec.kernel_size, tiling.piece, strict=True)])
        bounds = {False: _fft_guard.BOUND * pieces * largest, True: _fft_guard.GUARDED_BOUND * scale}
        for is_guarded, bound in bounds.items():
            operator = FFTConvolution(spec, tiling, guarded=is_guarded)
            got = operator.run(x, w, None, None, 1)
            assert (np.abs(got - want) <= bound * eps_of(dtype)).all(), (is_guarded, x.shape, w.shape, mode, tiling)
            same_bits(operator.run(x, w, None, None, 3), got)


@pytest.mark.parametrize("n, k, dtype", [(200_000, 10_001, "float32"), (300_000, 1001, "float64")])
def test_same_bits_for_any_number_of_threads(rng, n, k, dtype):
    x, w = sample(rng, n, dtype), sample(rng, k, dtype)
    want = cconv.convolve(x, w, method="fft", num_threads=1)
    for threads in (2, 5):
        same_bits(cconv.convolve(x, w, method="fft", num_threads=threads), want)


@pytest.mark.parametrize("shape, kernel", [(50_000, 40_000), (3000, 9000)], ids=str)
def test_kernels_as_long_as_the_input(rng, shape, kernel):
    x, w = sample(rng, shape, "float64"), sample(rng, kernel, "float64")
    want = np.fft.irfft(np.fft.rfft(x, shape + kernel) * np.fft.rfft(w, shape + kernel), shape + kernel)
    got = cconv.convolve(x, w, method="fft")
    np.testing.assert_allclose(got, want[: shape + kernel - 1], atol=1e-9)


def test_a_kernel_longer_than_a_tile(rng):
    x, w = sample(rng, 300_000, "float64"), sample(rng, 400_000, "float64")
    operator = FFTConvolution(spec_of(x, w, "same"))
    assert len(operator.pieces) > 1
    got = operator.run(x, w, None, None, None)
    n = fast_length(700_000)
    want = np.fft.irfft(np.fft.rfft(x, n) * np.fft.rfft(w, n), n)[199_999:][:300_000]
    np.testing.assert_allclose(got, want, atol=1e-9)


@pytest.mark.parametrize("block", [1, 1 << 19])
def test_two_kernels_in_pieces(rng, monkeypatch, block):
    monkeypatch.setattr(_fft, "BLOCK_BYTES", block)
    x, w = sample(rng, (2, 300), "float64"), sample(rng, (2, 40), "float64")
    tiling = Tiling((1, 1, 60), (1, 1, 20), (1, 1, 41), 1.0)
    for guarded_too in (False, True):
        operator = FFTConvolution(spec_of(x, w, axes=1), tiling, guarded=guarded_too)
        assert len(operator.pieces) == 2
        got = operator.run(x, w, None, None, 2)
        np.testing.assert_allclose(got, reference.convolve(x, w, axes=1), atol=1e-12)


def test_tasks_are_shared_out(rng):
    done = []
    share_out(iter(range(200)), done.append, 4)
    assert sorted(done) == list(range(200))

    def fail(task):
        if task == 7:
            raise ValueError("seven")

    for threads in (1, 4):
        with pytest.raises(ValueError, match="seven"):
            share_out(iter(range(200)), fail, threads)


def test_memory_is_bounded(rng):
    for shape, kernel in (((4_000_000,), (10_001,)), ((2000, 2000), (101, 101))):
        x, w = sample(rng, shape, "float32"), sample(rng, kernel, "float32")
        out = np.empty(x.shape, x.dtype)
        for method in ("fft", "auto"):
            cconv.convolve(x[:20_000], w, "same", method=method)
            tracemalloc.start()
            cconv.convolve(x, w, "same", method=method, out=out)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak < 16 << 20, (shape, method, peak)


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("shape, kernel", [((3000,), (40,)), ((60, 50), (7, 6)), ((14, 15, 16), (3, 4, 5))], ids=str)
def test_without_scipy(rng, monkeypatch, dtype, shape, kernel):
    """NumPy's transforms do as well, but for speed."""
    x, w = sample(rng, shape, dtype), sample(rng, kernel, dtype)
    spec = spec_of(x, w)
    want = FFTConvolution(spec, guarded=True).run(x, w, None, None, None)
    _fft._library.cache_clear()
    monkeypatch.setitem(sys.modules, "scipy", None)
    try:
        operator = FFTConvolution(spec, guarded=True)
    finally:
        _fft._library.cache_clear()
    used = [cell.cell_contents for cell in operator.forward.__closure__]
    assert np.fft.rfftn in used or np.fft.fftn in used
    got = operator.run(x, w, None, None, None)
    assert got.dtype == want.dtype
    allowed = 2 * _fft_guard.BOUND * eps_of(dtype) * magnitude(x).max() * magnitude(w).sum()
    assert np.abs(got - want).max() <= allowed


def test_a_plan_keeps_the_spectra(rng, monkeypatch):
    x, w = sample(rng, (2, 3, 40, 40), "float32"), sample(rng, (4, 3, 9, 9), "float32")
    want = cconv.conv2d(x, w, method="fft")
    plan = cconv.plan_conv2d(w, method="fft", input_shape=x.shape, dtype=x.dtype)
    monkeypatch.setattr(FFTConvolution, "kernels", lambda *args: pytest.fail("transformed again"))
    for _ in range(2):
        same_bits(plan(x), want)
    with ThreadPoolExecutor(3) as pool:
        for got in pool.map(lambda _: plan(x), range(6)):
            same_bits(got, want)


# ---- layers ------------------------------------------------------------------------------------------------


LAYERS = [
    {},
    {"stride": 3, "activation": "leaky_relu"},
    {"dilation": 2, "padding": 3},
    {"padding": "same", "padding_mode": "reflect", "groups": 2},
    {"padding": "full", "padding_mode": "constant", "cval": 1.5, "flip_kernel": True, "stride": 2},
    {"padding": 2, "padding_mode": "wrap", "dilation": 2, "groups": 2, "stride": 2},
    {"padding": (-1), "groups": 4},
    {"data_format": "channels_last", "padding": "same_lower", "padding_mode": "symmetric"},
]


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("dtype", [*REALS, "float16"])
@pytest.mark.parametrize("options", LAYERS, ids=str)
def test_layers(rng, rank, dtype, options):
    options = dict(options)
    if np.dtype(dtype).kind == "c":
        options.pop("activation", None)
    groups = options.get("groups", 1)
    size, kernel = [((53,), (9,)), ((23, 30), (5, 4)), ((9, 10, 12), (3, 2, 4))][rank - 1]
    x, w, b = sample(rng, (2, 4, *size), dtype), sample(rng, (8, 4 // groups, *kernel), dtype), sample(rng, 8, dtype)
    if options.get("data_format") == "channels_last":
        x = np.moveaxis(x, 1, -1)
    function = getattr(cconv, f"conv{rank}d")
    want = getattr(reference, f"conv{rank}d")(x, w, b, **options)
    got = function(x, w, b, method="fft", **options)
    assert got.dtype == np.result_type(x, w) and got.shape == want.shape
    largest = max(magnitude(x).max(), options.get("cval", 0)) * magnitude(w).reshape(8, -1).sum(axis=1).max()
    # the bias is added once; float16 is rounded when it is stored
    allowed = _fft_guard.BOUND * max(eps_of(dtype), 0) * (largest + magnitude(b).max())
    assert np.abs(got - want).max() <= allowed
    plan = getattr(cconv, f"plan_conv{rank}d")(w, b, method="fft", **options)
    same_bits(plan(x), got)
    same_bits(function(x, w, b, method="fft", num_threads=1, **options), got)
    same_bits(function(x[:1], w, b, method="fft", **options), got[:1])
    assert cconv.explain(function, x, w, b, method="fft", **options).method == "fft"


def test_layers_are_stored_as_the_direct_ones(rng):
    x, w = whole(rng, (1, 3, 20, 20), "uint8"), sample(rng, (2, 3, 5, 5), "float32")
    for options in ({"out_dtype": "uint8", "casting": "saturate"}, {"out_dtype": "float64"}):
        got = cconv.conv2d(x, w, method="fft", **options)
        want = cconv.conv2d(x, w, method="direct", **options)
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got.astype("f8"), want.astype("f8"), atol=1 if got.dtype == "u1" else 1e-1)


def test_layers_refuse_what_is_not_finite(rng):
    x, w = sample(rng, (1, 2, 40), "float32"), sample(rng, (2, 2, 7), "float32")
    x[0, 1, 3] = np.nan
    with pytest.raises(ValueError, match="input holds a value that is not finite"):
        cconv.conv1d(x, w, method="fft")


# ---- what is refused ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64"])
def test_integers_are_exact_or_refused(rng, dtype):
    x, w = sample(rng, 50, dtype), sample(rng, 5, dtype)
    with pytest.raises(TypeError, match="method='fft' would round"):
        cconv.convolve(x, w, method="fft")
    assert cconv.convolve(x, w, method="fft", out_dtype="float64").dtype == np.float64
    long = whole(rng, 200_000, "int32"), whole(rng, 3001, "int32")
    assert auto_tiling(spec_of(*long)) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_fft_refuses_what_is_not_finite(rng, value):
    x, w = sample(rng, 300, "float32"), sample(rng, 31, "float32")
    for array, text in ((x, "input holds"), (w, "kernel holds")):
        kept, array[7] = array[7], value
        with pytest.raises(ValueError, match=text):
            cconv.convolve(x, w, method="fft")
        array[7] = kept
    with pytest.raises(ValueError, match="cval"):
        cconv.convolve(x, w, "same", cval=value, method="fft")
    with pytest.raises(ValueError, match="input holds"):
        z = x.astype("complex64")
        z.imag[5] = value
        cconv.convolve(z, w, method="fft")


def test_samples_too_large_for_a_transform(rng):
    x, w = sample(rng, 4000, "float32") * np.float32(1e35), np.full(31, 0.01, "float32")
    same_bits(cconv.convolve(x, w, method="fft"), cconv.convolve(x, w, method="direct"))


# ---- auto --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape, kernel, dtype, is_fft",
    [
        (8, 3, "float64", False),
        (1000, 101, "float32", False),
        (10_000, 101, "float64", False),
        (1_000_000, 31, "float32", False),
        (1_000_000, 10_001, "float32", True),
        (1_000_000, 10_001, "float64", True),
        (1_000_000, 10_001, "complex64", True),
        (100_000, 10_001, "float32", True),
        (1_000_000, 10_001, "int32", False),
        ((1080, 1920), (3, 3), "float32", False),
        ((1080, 1920), (9, 9), "float32", False),
        ((1000, 1000), (151, 151), "float32", True),
        ((128, 128, 128), (5, 5, 5), "float32", False),
        ((100, 100, 100), (41, 41, 41), "float64", True),
    ],
)
def test_what_auto_chooses(shape, kernel, dtype, is_fft):
    if cconv.simd_level() == "generic" and not is_fft:
        pytest.skip("another direct rate")
    x, w = np.broadcast_to(np.zeros((), dtype), shape), np.broadcast_to(np.zeros((), dtype), kernel)
    assert (auto_tiling(spec_of(x, w, "same")) is not None) == is_fft


def test_direct_is_obeyed(rng):
    x, w = sample(rng, 100_000, "float32"), sample(rng, 10_001, "float32")
    spec = spec_of(x, w)
    assert auto_tiling(spec) is not None
    same_bits(cconv.convolve(x, w, method="direct"), _core.Convolution(spec).run(x, w, None, None, None))


def componentwise(got, x, w, mode):
    """The largest error in units of eps * sum |w||x|; what has to be exactly 0 and is not is infinitely off."""
    want = cconv.convolve(x.astype("f8"), w.astype("f8"), mode, method="direct")
    scale = cconv.convolve(np.abs(x.astype("f8")), np.abs(w.astype("f8")), mode, method="direct")
    error = np.abs(got - want)
    if error[scale == 0].any():
        return np.inf
    return (error[scale > 0] / scale[scale > 0]).max() / np.finfo(got.dtype).eps


def quiet_signal(rng):
    x = rng.standard_normal(60_000)
    x[20_000:35_000] *= 1e-6
    x[40_000:45_000] = 0
    x[50_000] = 1e7
    return x, rng.standard_normal(3001)


def quiet_image(rng):
    x = rng.standard_normal((700, 600))
    x[200:450, 100:330] *= 1e-6
    x[500:600] = 0
    return x, rng.standard_normal((61, 61))


@pytest.mark.parametrize("make", [quiet_signal, quiet_image])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_auto_does_not_drown_quiet_regions(rng, make, mode):
    x, w = (array.astype("float32") for array in make(rng))
    spec = spec_of(x, w, mode)
    got = FFTConvolution(spec, guarded=True).run(x, w, None, None, None)
    assert componentwise(got, x, w, mode) <= _fft_guard.GUARDED_BOUND
    plain = FFTConvolution(spec).run(x, w, None, None, None)
    assert componentwise(plain, x, w, mode) > _fft_guard.GUARDED_BOUND, "the test tests nothing"


@pytest.mark.parametrize("taps", ["delta", "gauss", "sparse", "sinc"])
def test_auto_with_kernels_that_see_little(rng, taps):
    j = np.arange(2001) - 1000.0
    w = {"delta": (j == 0) + 1e-9 * np.cos(j), "gauss": np.exp(-((j / 120) ** 2)), "sparse": (j % 500 == 0) * 1.0,
         "sinc": np.sinc(j / 9.7)}[taps].astype("float32")  # fmt: skip
    x = rng.standard_normal(50_000).astype("float32")
    x[::1000] *= 1e-7
    got = FFTConvolution(spec_of(x, w), guarded=True).run(x, w, None, None, None)
    assert componentwise(got, x, w, "full") <= _fft_guard.GUARDED_BOUND


def test_most_of_a_benign_signal_goes_by_fft(rng, monkeypatch):
    """The guard must let noise pass, or auto is worth nothing."""
    x, w = sample(rng, 200_000, "float32"), sample(rng, 3001, "float32")
    operator = FFTConvolution(spec_of(x, w, "same"), guarded=True)
    direct = []
    monkeypatch.setattr(operator, "_sum_box", lambda *args: direct.append(args[3:5]))
    # without run(), which would sum everything directly
    kept = {name: getattr(operator.operator, name) for name in ("move_tiles", "weigh_taps")}
    monkeypatch.setattr(operator, "operator", SimpleNamespace(**kept))
    operator.run(x, w, None, None, 1)
    assert sum(stops[2] - corner[2] for corner, stops in direct) < 0.02 * x.size


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("dtype", ["float32", "complex128"])
def test_auto_keeps_what_is_not_finite_in_its_footprint(rng, value, dtype):
    x, w = sample(rng, 120_000, dtype), sample(rng, 5001, dtype)
    assert auto_tiling(spec_of(x, w, "same")) is not None
    x[60_000] = value
    want = cconv.convolve(x, w, "same", method="direct")
    got = cconv.convolve(x, w, "same")
    np.testing.assert_array_equal(np.isfinite(got), np.isfinite(want))
    finite = np.isfinite(want)
    assert finite.sum() == 120_000 - 5001
    np.testing.assert_allclose(got[finite], want[finite], atol=2e-3)
    w[3] = value
    same_bits(cconv.convolve(x, w, "same"), cconv.convolve(x, w, "same", method="direct"))


def test_auto_with_samples_near_the_ends_of_the_range(rng):
    x, w = sample(rng, 120_000, "float32"), sample(rng, 5001, "float32")
    for factor in (1e35, 1e-36):
        y = (x * factor).astype("float32")
        want = cconv.convolve(y, w, method="direct")
        np.testing.assert_allclose(cconv.convolve(y, w), want, atol=1e-3 * factor, rtol=0)


@pytest.mark.parametrize("factor", [1e-38, 1e-42, 1e-45])
def test_auto_with_samples_below_the_normal_range(rng, factor):
    x, w = (sample(rng, 120_000, "float32") * factor).astype("float32"), sample(rng, 5001, "float32")
    got = FFTConvolution(spec_of(x, w), guarded=True).run(x, w, None, None, None)
    same_bits(got, cconv.convolve(x, w, method="direct"))


def test_auto_when_one_of_two_tiles_is_quiet(rng):
    """They are transformed as one complex tile: the loud one must not drown the other."""
    x, w = sample(rng, 4000, "float32"), sample(rng, 301, "float32")
    x[2000:] *= np.float32(1e-9)
    spec = spec_of(x, w, "same")
    length = fast_length(1301)
    tiling = Tiling((1, 1, length), (1, 1, 301), (1, 1, 1000), 1.0)
    for order in (x, x[::-1].copy()):
        got = FFTConvolution(spec, tiling, guarded=True).run(order, w, None, None, None)
        assert componentwise(got, order, w, "same") <= _fft_guard.GUARDED_BOUND


def test_auto_into_out_with_threads_and_boundaries(rng):
    x, w = sample(rng, (300, 400), "float32"), sample(rng, (61, 61), "float32")
    assert auto_tiling(spec_of(x, w, "same", boundary="reflect")) is not None
    check("correlate", x[:150, :160].copy(), w, mode="same", boundary="reflect")
    first = cconv.correlate(x, w, "same", boundary="reflect", num_threads=1)
    same_bits(cconv.correlate(x, w, "same", boundary="reflect", num_threads=4), first)
