"""cconv.convolve and cconv.correlate: one array, one kernel."""

import numpy as np
import pytest

import cconv
import reference
from cconv._core import PlainCalls
from checks import BOUNDARIES, INEXACT, INTEGERS, check, close, same_bits, sample, whole

FUNCTIONS = pytest.mark.parametrize("name", ["convolve", "correlate"])
SIZES = {
    1: [((9,), (3,)), ((40,), (4,)), ((100,), (17,)), ((7,), (7,))],
    2: [((9, 11), (3, 3)), ((20, 37), (5, 4)), ((6, 70), (1, 9)), ((33, 5), (7, 1))],
    3: [((5, 6, 7), (3, 3, 3)), ((4, 9, 35), (2, 3, 5))],
}
PAIRS = [(x, w) for sizes in SIZES.values() for x, w in sizes]


@FUNCTIONS
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128", "int32", "uint8"])
@pytest.mark.parametrize("sizes", PAIRS, ids=str)
def test_modes(rng, name, mode, dtype, sizes):
    check(name, sample(rng, sizes[0], dtype), sample(rng, sizes[1], dtype), mode=mode)


@FUNCTIONS
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("dtype", ["float32", "complex128", "int64"])
@pytest.mark.parametrize("sizes", PAIRS, ids=str)
def test_scipy_signal_is_the_judge(rng, name, mode, dtype, sizes):
    """The default calls are SciPy's default calls; the twin is not asked."""
    signal = pytest.importorskip("scipy.signal")
    x, w = whole(rng, sizes[0], dtype), whole(rng, sizes[1], dtype)
    got = getattr(cconv, name)(x, w, mode)
    want = getattr(signal, name)(x, w, mode, method="direct")
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("dtype", ["float64", "complex128", "int8", "bool"])
def test_numpy_is_the_judge(rng, dtype):
    for n, k in [(1, 1), (2, 1), (2, 2), (8, 3), (50, 12)]:
        x, w = sample(rng, n, dtype), sample(rng, k, dtype)
        for mode in ("full", "same", "valid"):
            got, want = cconv.convolve(x, w, mode), np.convolve(x, w, mode)
            assert got.dtype == want.dtype
            np.testing.assert_allclose(got, want, atol=1e-12)
            if dtype != "bool":  # numpy subtracts no bool, and has nothing to conjugate
                np.testing.assert_allclose(cconv.correlate(x, w, mode), np.correlate(x, w, mode), atol=1e-12)


# ---- boundaries --------------------------------------------------------------------------------------------


@FUNCTIONS
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "complex64"])
@pytest.mark.parametrize("sizes", PAIRS, ids=str)
def test_boundaries(rng, name, boundary, dtype, sizes):
    cval = 3 if boundary == "constant" else 0
    check(
        name,
        sample(rng, sizes[0], dtype),
        sample(rng, sizes[1], dtype),
        mode="same",
        boundary=boundary,
        cval=cval,
    )


@FUNCTIONS
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize(
    "sizes", [((3,), (25,)), ((1,), (8,)), ((2, 3), (11, 16)), ((1, 50), (9, 3)), ((2, 1, 3), (7, 6, 9))]
)
def test_boundary_wider_than_the_input(rng, name, boundary, sizes):
    check(name, sample(rng, sizes[0]), sample(rng, sizes[1]), mode="same", boundary=boundary)


@FUNCTIONS
def test_one_boundary_per_axis(rng, name):
    x, w = sample(rng, (6, 7, 20)), sample(rng, (3, 4, 5))
    for boundary in [
        ("wrap", "edge", "constant"),
        ("reflect", "symmetric", "wrap"),
        ("constant", "reflect", "edge"),
    ]:
        check(name, x, w, mode="same", boundary=boundary, cval=-2.5)


@pytest.mark.parametrize(
    ("alias", "boundary"), [("zeros", "constant"), ("replicate", "edge"), ("circular", "wrap")]
)
def test_aliases_of_boundaries(rng, alias, boundary):
    x, w = sample(rng, (6, 17)), sample(rng, (3, 5))
    same_bits(cconv.convolve(x, w, "same", boundary=alias), cconv.convolve(x, w, "same", boundary=boundary))


@pytest.mark.parametrize("cval", [1, -2.5, np.float32(0.5), np.inf, np.nan])
def test_cval(rng, cval):
    check("correlate", sample(rng, (8, 30)), sample(rng, (3, 5)), mode="same", cval=cval)


def test_complex_cval(rng):
    check("convolve", sample(rng, (8, 30), "complex64"), sample(rng, (3, 4)), mode="same", cval=2 - 1j)


@FUNCTIONS
@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_origin(rng, name, boundary):
    """The whole range, which is asymmetric for even kernels."""
    x = sample(rng, (7, 20))
    for kernel_size in [(3, 5), (1, 4), (2, 7)]:
        w = sample(rng, kernel_size)
        for o in range(-(kernel_size[1] // 2), (kernel_size[1] - 1) // 2 + 1):
            check(name, x, w, mode="same", boundary=boundary, origin=(0, o), cval=1)
    w = sample(rng, (5, 3))
    check(name, x, w, mode="same", boundary=boundary, origin=-1)
    check(name, x, w, mode="same", boundary=boundary, origin=(2, 1))


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_ndimage_is_the_judge(rng, boundary):
    """Names of boundaries translated, odd kernels: the same numbers with every origin."""
    ndimage = pytest.importorskip("scipy.ndimage")
    mode = {"edge": "nearest", "reflect": "mirror", "symmetric": "reflect"}.get(boundary, boundary)
    x, w = whole(rng, (6, 40), "float64"), whole(rng, (5, 7), "float64")
    for origin in [(0, 0), (-2, 3), (2, -3), (1, 1)]:
        for name in ("convolve", "correlate"):
            got = getattr(cconv, name)(x, w, "same", boundary=boundary, cval=4, origin=origin)
            want = getattr(ndimage, name)(x, w, mode=mode, cval=4, origin=origin)
            np.testing.assert_array_equal(got, want)


# ---- axes and batches --------------------------------------------------------------------------------------


@FUNCTIONS
@pytest.mark.parametrize("axes", [-1, 0, (1,), (0, 1), (0, 2), (-2, -1), (2, 0), (0, 1, 2)], ids=str)
def test_axes(rng, name, axes):
    x = sample(rng, (6, 9, 20))
    rank = 1 if isinstance(axes, int) else len(axes)
    w = sample(rng, (3, 4, 5)[:rank])
    for mode in ("full", "same", "valid"):
        check(name, x, w, mode=mode, axes=axes)
    check(name, x, w, mode="same", axes=axes, boundary="reflect")


@FUNCTIONS
@pytest.mark.parametrize(
    ("input_shape", "kernel_shape", "axes"),
    [
        ((4, 30), (4, 3), (1,)),  # a kernel per row
        ((4, 30), (1, 3), (-1,)),  # one kernel for all rows, as an axis of 1
        ((1, 30), (5, 3), (1,)),  # one row, many kernels
        ((2, 3, 9, 10), (1, 3, 3, 4), (2, 3)),
        ((2, 1, 9, 10), (1, 3, 3, 4), (2, 3)),
        ((2, 9, 3, 10), (2, 4, 1, 5), (1, 3)),  # a batch axis between
        ((30, 4), (3, 4), 0),  # the last axis is the batch
    ],
    ids=str,
)
def test_batch_axes_broadcast(rng, name, input_shape, kernel_shape, axes):
    for dtype in ("float32", "int16", "complex64"):
        check(name, sample(rng, input_shape, dtype), sample(rng, kernel_shape, dtype), mode="same", axes=axes)
        check(name, sample(rng, input_shape, dtype), sample(rng, kernel_shape, dtype), mode="full", axes=axes)


def test_batches_are_independent(rng):
    """Each row has the bits that it has alone."""
    x, w = sample(rng, (5, 3, 41)), sample(rng, (6,))
    got = cconv.convolve(x, w, "same", axes=-1, boundary="wrap")
    for i in np.ndindex(5, 3):
        same_bits(got[i], cconv.convolve(x[i], w, "same", boundary="wrap"))


def test_many_axes_of_batch(rng):
    check("correlate", sample(rng, (2, 1, 3, 2, 2, 8)), sample(rng, (3,)), mode="same", axes=5)


@pytest.mark.parametrize("batch", [(0,), (0, 3), (3, 0)])
def test_empty_batch(batch):
    got = cconv.convolve(np.ones((*batch, 8), np.float32), np.ones(3, np.float32), axes=-1)
    assert got.shape == (*batch, 10)
    assert got.dtype == np.float32


# ---- types -------------------------------------------------------------------------------------------------


@FUNCTIONS
@pytest.mark.parametrize("dtype", [*INTEGERS, "bool", *INEXACT])
@pytest.mark.parametrize("sizes", [((60,), (5,)), ((7, 33), (3, 3)), ((4, 5, 20), (3, 2, 3))], ids=str)
def test_every_type(rng, name, dtype, sizes):
    check(name, sample(rng, sizes[0], dtype), sample(rng, sizes[1], dtype), mode="same", boundary="edge")


@pytest.mark.parametrize("input_dtype", [*INTEGERS, "bool", *INEXACT])
@pytest.mark.parametrize("kernel_dtype", [*INTEGERS, "bool", *INEXACT])
def test_mixed_types(rng, input_dtype, kernel_dtype):
    """The result is np.result_type of both, whatever they are (uint64 with int64 is float64)."""
    small = dict(limit=1) if "bool" in (input_dtype, kernel_dtype) else dict(limit=3)
    x, w = (
        whole(rng, n, d if not d.startswith("u") else "int64", **small)
        for n, d in ((21, input_dtype), (4, kernel_dtype))
    )
    x, w = np.abs(x).astype(input_dtype), np.abs(w).astype(kernel_dtype)
    got = check("convolve", x, w)
    assert got.dtype == np.result_type(x.dtype, w.dtype)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_largest_integers(dtype):
    """The ends of the range, where a detour through a float or a narrower integer shows."""
    info = np.iinfo(dtype)
    x = np.array([info.min, info.max, info.max - 1, info.min + 1, 0, 1] * 4, dtype)
    check("convolve", x, np.array([1, info.max, info.min, 3], dtype))
    check("correlate", x.reshape(4, 6), np.array([[info.max, 1], [info.min, 2]], dtype), mode="same")


@FUNCTIONS
@pytest.mark.parametrize(
    ("dtype", "wider"), [("uint8", "int32"), ("int8", "int64"), ("bool", "uint8"), ("int16", "complex128")]
)
def test_out_dtype_accumulates_without_wrapping(rng, name, dtype, wider):
    x, w = sample(rng, (9, 30), dtype), sample(rng, (3, 5), dtype)
    got = getattr(cconv, name)(x, w, "same", boundary="edge", out_dtype=wider)
    assert got.dtype == wider
    want = getattr(reference, name)(x.astype(wider), w.astype(wider), "same", boundary="edge")
    np.testing.assert_array_equal(got, want)


def test_float16_accumulates_in_float32():
    """4096 + 1 + 1 + ... would lose every 1 in float16; 100 * 1000 would be infinite there."""
    x = np.ones(129, np.float16)
    x[0] = 4096
    assert cconv.convolve(x, np.ones(129, np.float16), "valid")[0] == np.float16(4224)
    x, w = np.array([1000, 1000], np.float16), np.array([100, -100], np.float16)
    assert cconv.correlate(x, w, "valid")[0] == 0


def test_python_numbers_are_taken():
    got = cconv.convolve([1, 2, 3], [0.0, 1.0, 0.5])
    np.testing.assert_array_equal(got, np.convolve([1, 2, 3], [0, 1, 0.5]))
    assert cconv.convolve([1, 2, 3], (1, 1)).dtype == np.asarray([1]).dtype


def test_dlpack_is_taken(rng):
    """An object that has __dlpack__ and nothing else of an array."""

    class Tensor:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **kwargs):
            return self.array.__dlpack__(**kwargs)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    x, w = sample(rng, (20,)), sample(rng, (3,))
    same_bits(cconv.convolve(Tensor(x), Tensor(w)), cconv.convolve(x, w))


# ---- the rest ----------------------------------------------------------------------------------------------


def test_method_direct_is_what_auto_does_for_small_kernels(rng):
    x, w = sample(rng, (50, 60)), sample(rng, (5, 5))
    same_bits(cconv.convolve(x, w, method="direct"), cconv.convolve(x, w))


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_a_delta_gives_the_kernel_back(boundary):
    x = np.zeros((21, 40), np.float32)
    x[10, 20] = 1
    w = np.arange(1, 36, dtype=np.float32).reshape(5, 7)
    got = cconv.convolve(x, w, "same", boundary=boundary)
    np.testing.assert_array_equal(got[8:13, 17:24], w)
    assert got.sum() == w.sum()


@pytest.mark.parametrize("sizes", [((50,), (7,)), ((9, 40), (3, 4))], ids=str)
def test_convolution_commutes_in_full_mode(rng, sizes):
    """x * w = w * x, though the first argument is the signal and another loop runs."""
    x, w = whole(rng, sizes[0]), whole(rng, sizes[1])
    np.testing.assert_array_equal(cconv.convolve(x, w), cconv.convolve(w, x))


def test_calls_that_differ_in_one_thing_are_told_apart():
    """Two arrays and a mode are looked up without a key; in turns, each call finds its own."""
    calls = PlainCalls()
    x, w = np.arange(8, dtype=np.float32), np.ones(3, np.float32)
    likes = [(x, w, "full"), (x, w, "same"), (x[:7], w, "full"), (x, w[:2], "full"), (x.astype(float), w, "full"),
             (x, w.astype(np.int32), "full"), (x[None], w[None], "full"), (x[:, None], w[None], "full")]  # fmt: skip
    for number, like in enumerate(likes):
        assert calls.find(*like) is None
        key, entry = calls.entry(*like, number)
        calls.kept[key] = entry
    assert [calls.find(*like) for like in likes] == list(range(len(likes)))
    assert calls.find(x[::-1].copy(), w, "".join(["fu", "ll"])) == 0        # values and the mode's object do not count
    for odd in (x.astype(">f4"), np.ones((1,) * 4, np.float32), x.astype(np.float16)):
        assert calls.find(odd, w, "full") is None and calls.entry(odd, w, "full", 1) == (None, None)
    calls.kept[key] = calls.entry(x, w, "full", "another with this key")[1]
    assert calls.find(*likes[-1]) is None
    for like in likes * 2:
        np.testing.assert_array_equal(cconv.convolve(*like), cconv.convolve(*like, cval=0.0))


@pytest.mark.parametrize("taps", [63, 64, 65, 127, 128, 129, 501])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
def test_long_kernels(rng, taps, dtype):
    x, w = sample(rng, (1500,), dtype), sample(rng, (taps,), dtype)
    for mode in ("full", "same", "valid"):
        check("convolve", x, w, mode=mode)


@pytest.mark.parametrize("kernel_size", [(15, 15), (31, 3), (3, 31), (1, 65), (65, 1), (24, 24)], ids=str)
def test_large_kernels_in_two_dimensions(rng, kernel_size):
    check("correlate", sample(rng, (66, 70)), sample(rng, kernel_size), mode="same", boundary="symmetric")


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_a_large_image(rng, dtype):
    """Many tiles in both directions; judged by ndimage, exact on whole numbers."""
    ndimage = pytest.importorskip("scipy.ndimage")
    x = whole(rng, (517, 1033), dtype, limit=7) if dtype != "uint8" else sample(rng, (517, 1033), dtype)
    w = whole(rng, (5, 7), "int64", limit=5)
    got = cconv.correlate(x, w.astype(dtype), "same", boundary="symmetric")
    want = ndimage.correlate(x.astype(np.int64), w.astype(dtype).astype(np.int64), mode="reflect")
    close(got, want.astype(dtype), dtype, np.abs(want).astype(float), 1)
    np.testing.assert_array_equal(got, want.astype(dtype))
