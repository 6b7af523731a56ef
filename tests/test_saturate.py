"""casting="saturate": sums rounded half to even and clipped to an integer type, of conv*, convolve, correlate."""

import tracemalloc

import numpy as np
import pytest

import cconv
import reference
from checks import INTEGERS, Fence, guarded, same_bits, sample, whole

FLOATS = ["float16", "float32", "float64"]
OUTPUTS = pytest.mark.parametrize("out_dtype", INTEGERS)


def check(name, *arrays, out_dtype, layout="contiguous", **parameters):
    """cconv.<name> against its twin, into a new array and into a fenced one."""
    function = getattr(cconv, name)
    want = reference.saturated(getattr(reference, name), *arrays, out_dtype=out_dtype, **parameters)
    held = [guarded(array) for array in arrays]
    options = dict(parameters, out_dtype=out_dtype, casting="saturate")
    got = function(*held, **options)
    assert got.dtype == np.dtype(out_dtype)
    np.testing.assert_array_equal(got, want)
    fence = Fence(got.shape, got.dtype, layout)
    assert function(*held, out=fence.out, **options) is fence.out
    same_bits(fence.out, got)
    fence.check()
    return got


def quarters(rng, shape, dtype, limit=8):
    """Multiples of 1/4: products with whole numbers are exact, and many sums lie half way between two."""
    return (rng.integers(-4 * limit, 4 * limit, shape, endpoint=True) / 4).astype(dtype)


# ---- floating sums -----------------------------------------------------------------------------------------


@OUTPUTS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("source", ["uint8", "int16", "bool", "float16"])
def test_an_image_with_a_floating_kernel(rng, source, dtype, out_dtype):
    x = sample(rng, (11, 70), source) if source != "float16" else quarters(rng, (11, 70), source, 300)
    w = quarters(rng, (3, 3), dtype)
    for boundary in ("reflect", "constant"):
        check("correlate", x, w, mode="same", boundary=boundary, out_dtype=out_dtype)
    check("convolve", x, w, mode="full", out_dtype=out_dtype, layout="margins")


@OUTPUTS
@pytest.mark.parametrize("dtype", FLOATS)
def test_every_kind_of_value(rng, dtype, out_dtype):
    """NaN, infinities, halves, and the neighbours of every limit that an integer type has."""
    limits = [2.0**bits for bits in (7, 8, 15, 16, 22, 23, 24, 31, 32, 51, 52, 53, 62, 63, 64)]
    values = [0.0, -0.0, 0.25, 0.5, 0.75, 1.5, 2.5, 3.5, np.nan, np.inf, 1e30, 1e300, np.finfo(dtype).tiny]
    with np.errstate(over="ignore"):
        limits = np.array(limits).astype(dtype)
        near = [limits, np.nextafter(limits, np.dtype(dtype).type(0))]
        near += [limits - np.dtype(dtype).type(half) for half in (0.5, 1, 1.5)]
        values = np.concatenate([np.array(values).astype(dtype), *near])
    values = np.concatenate([values, -values])
    for length in (1, 2, len(values)):
        for start in range(0, len(values), length):
            check("convolve", values[start : start + length], np.ones(1, dtype), out_dtype=out_dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("out_dtype", ["uint8", "int16", "int32"])
def test_every_width(rng, dtype, out_dtype):
    for width in range(1, 140):
        check("correlate", sample(rng, (width,), "uint8"), quarters(rng, (1,), dtype), out_dtype=out_dtype)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("activation", [None, "relu", "leaky_relu", "relu6"])
@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
@pytest.mark.parametrize("channels", [(3, 2), (4, 20)])
def test_layers(rng, rank, activation, data_format, channels):
    """Every micro-kernel's store: bias, then activation, then rounding."""
    ic, oc = channels
    size = (6, 7, 40)[3 - rank :]
    shape = (2, ic, *size) if data_format == "channels_first" else (2, *size, ic)
    # whole samples, so that leaky_relu's 0.01 leaves nothing half way between two numbers
    x, w = sample(rng, shape, "uint8"), whole(rng, (oc, ic, *(3,) * rank), "float64", 2)
    b = whole(rng, (oc,), "float64", 100)
    options = dict(activation=activation, data_format=data_format, padding=1, padding_mode="edge")
    check(f"conv{rank}d", x, w, b, out_dtype="uint8", **options)
    check(f"conv{rank}d", x, w, b, out_dtype="int16", **options)


def test_long_lines(rng):
    x, w = sample(rng, (5000,), "int16"), quarters(rng, (40,), "float64")
    for out_dtype in ("int16", "uint8", "int64"):
        check("convolve", x, w, mode="same", out_dtype=out_dtype)


def test_an_output_of_any_layout(rng):
    x, w = sample(rng, (2, 3, 20, 21), "uint8"), quarters(rng, (4, 3, 3, 3), "float32")
    options = dict(out_dtype="int16", casting="saturate")
    want = cconv.conv2d(x, w, **options)
    swapped = np.empty(want.shape, np.dtype(np.int16).newbyteorder("S"))
    spread = np.empty((*want.shape[:3], 2 * want.shape[3]), np.int16)[..., ::-2]
    for out in (swapped, spread, np.empty(want.shape[::-1], np.int16).T):
        assert cconv.conv2d(x, w, out=out, **options) is out
        np.testing.assert_array_equal(out, want)


def test_any_weights_round_to_a_neighbour(rng):
    x, w = sample(rng, (40, 50), "uint8"), rng.random((5, 5), np.float32) / 12
    got = cconv.correlate(x, w, "same", out_dtype=np.uint8, casting="saturate")
    exact = np.clip(reference.correlate(x, w, "same"), 0, 255)
    assert (np.abs(got - exact) <= 0.5 + 1e-3).all()


def test_the_same_bits_for_any_number_of_threads(rng):
    x, w = sample(rng, (300, 400), "uint8"), rng.standard_normal((7, 7))
    options = dict(mode="same", out_dtype=np.uint8, casting="saturate")
    same_bits(*[cconv.convolve(x, w, num_threads=threads, **options) for threads in (1, 2)])


def test_no_floating_copy_of_the_image_is_made(rng):
    x, w = sample(rng, (2000, 3000), "uint8"), np.full((5, 5), 1 / 25, np.float32)
    tracemalloc.start()
    try:
        out = cconv.correlate(x, w, "same", boundary="reflect", out_dtype=np.uint8, casting="saturate")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < out.nbytes + 4_000_000


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
@pytest.mark.parametrize("size", [1, 3, 5, 7])
def test_as_opencv(rng, dtype, size):
    """The kernel's sums are exact, so that the order of additions does not matter; larger kernels than these it
    transforms."""
    cv2 = pytest.importorskip("cv2")
    limit = min(np.iinfo(dtype).max, 4095)
    image = rng.integers(0, limit, (61, 83), endpoint=True).astype(dtype)
    for kernel in (quarters(rng, (size, size), "float32", 2), np.full((size, size), 1 / 64, np.float32)):
        got = cconv.correlate(image, kernel, "same", boundary="reflect", out_dtype=dtype, casting="saturate")
        np.testing.assert_array_equal(got, cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REFLECT_101))


# ---- integer sums ------------------------------------------------------------------------------------------


@OUTPUTS
@pytest.mark.parametrize("weight", ["int8", "uint8", "int32"])
@pytest.mark.parametrize("source", ["bool", "uint8", "int8", "uint16", "int16", "int32", "uint32"])
def test_integer_sums_are_exact(rng, source, weight, out_dtype):
    x, w = sample(rng, (9, 40), source), sample(rng, (2, 3), weight)
    check("convolve", x, w, mode="same", out_dtype=out_dtype)
    check("correlate", x, w // 32, mode="full", out_dtype=out_dtype)


@OUTPUTS
@pytest.mark.parametrize("activation", [None, "relu", "relu6"])
def test_integer_layers(rng, out_dtype, activation):
    x, w = sample(rng, (2, 6, 9, 30), "uint8"), sample(rng, (10, 6, 3, 3), "int8")
    b = sample(rng, (10,), "int32")
    for groups in (1, 2):
        check("conv2d", x, w[:, : 6 // groups], b, out_dtype=out_dtype, activation=activation, groups=groups)


def test_sums_beyond_32_bits_are_exact():
    x, w = np.full(40_000, 255, np.uint8), np.full(40_000, 255, np.uint8)
    got = cconv.correlate(x, w, "valid", out_dtype="int64", casting="saturate")
    assert got.item() == 40_000 * 255**2
    assert cconv.correlate(x, w, "valid", out_dtype="int32", casting="saturate").item() == 2**31 - 1


@OUTPUTS
def test_unsigned_sums_of_64_bits(out_dtype):
    values = np.array([0, 1, 200, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1], np.uint64)
    for length in range(1, 9):
        got = cconv.convolve(values[:length], np.ones(1, np.uint64), out_dtype=out_dtype, casting="saturate")
        limit = np.iinfo(out_dtype).max
        assert got.tolist() == [min(int(value), limit) for value in values[:length]]


@OUTPUTS
def test_signed_sums_of_64_bits(out_dtype):
    values = np.array([-(2**63), -(2**31) - 1, -1, 0, 1, 2**31, 2**63 - 1], np.int64)
    check("convolve", values, np.ones(1, np.int64), out_dtype=out_dtype)


def test_sums_beyond_64_bits_wrap_before_they_are_clipped():
    x = np.array([2**62, 2**62], np.int64)
    got = cconv.correlate(x, np.ones(2, np.int64), "valid", out_dtype="int32", casting="saturate")
    assert got.tolist() == [-(2**31)]


def test_without_out_dtype_the_default_type_saturates():
    x = np.uint8([200, 200, 100])
    assert cconv.correlate(x, np.uint8([1, 1]), "valid", casting="saturate").tolist() == [255, 255]
    assert cconv.correlate(x, np.uint8([1, 1]), "valid").tolist() == [144, 44]
    got = cconv.correlate(x, np.float32([0.5, 0.5]), "valid", casting="saturate")
    same_bits(got, np.float32([200, 150]))


def test_a_wider_type_is_as_without_casting(rng):
    x, w = sample(rng, (20, 30), "uint8"), sample(rng, (3, 3), "float32")
    for out_dtype in ("float32", "float64", "complex64"):
        same_bits(
            cconv.convolve(x, w, out_dtype=out_dtype, casting="saturate"),
            cconv.convolve(x, w, out_dtype=out_dtype),
        )


# ---- borders, biases, missing samples, nothing -------------------------------------------------------------


def test_a_border_value_is_one_of_the_sum(rng):
    x, w = sample(rng, (5, 6), "uint8"), whole(rng, (3, 3), "int8")
    check("convolve", x, w, mode="same", cval=-70_000, out_dtype="int16")
    check("convolve", x, w, mode="same", cval=3_000_000_000, out_dtype="int64")
    check("convolve", x, w / 4, mode="same", cval=0.5, out_dtype="int16")
    check("convolve", x, w / 4, mode="same", cval=np.nan, out_dtype="uint8")


def test_a_bias_is_one_of_the_sum(rng):
    x, w = sample(rng, (1, 2, 9), "uint8"), whole(rng, (3, 2, 2), "int8")
    check("conv1d", x, w, np.array([-70_000, 70_000, 2**40]), out_dtype="uint8")
    check("conv1d", x, w / 2, np.array([-0.5, 0.25, 1e6]), out_dtype="uint8")
    check("conv1d", x > 99, w > 0, np.array([-1, 0, 1]), out_dtype="int8")


@pytest.mark.parametrize("activation", [None, "relu6", "leaky_relu"])
def test_no_channels_leave_the_bias(activation):
    b = np.array([np.nan, -300.0, 2.5, 300.0])
    layer = (np.zeros((1, 0, 5), np.uint8), np.zeros((4, 0, 1)), b)
    check("conv1d", *layer, activation=activation, out_dtype="int8")


def test_missing_samples(rng):
    x, w = sample(rng, (8, 9), "uint8"), np.full((3, 3), 1 / 8)
    options = dict(boundary="reflect", mask=x > 128)
    mean = cconv.correlate(x, w, "same", **options)
    got = cconv.correlate(x, w, "same", out_dtype="uint8", casting="saturate", **options)
    same_bits(got, np.nan_to_num(np.clip(np.rint(mean), 0, 255)).astype(np.uint8))
    everything = cconv.correlate(x, w, "same", nan="omit", out_dtype="uint8", casting="saturate")
    same_bits(everything, cconv.correlate(x, w, "same", out_dtype="uint8", casting="saturate"))


# ---- refused -----------------------------------------------------------------------------------------------

BYTES, HALVES = np.ones(9, np.uint8), np.full(3, 0.5)
REFUSED = {
    "unknown": (BYTES, HALVES, dict(casting="clip"), ValueError, ["casting", "clip", "saturate"]),
    "not a name": (BYTES, HALVES, dict(casting=True), TypeError, ["casting", "True", "saturate"]),
    "complex": (BYTES, HALVES * 1j, dict(out_dtype="uint8"), TypeError, ["out_dtype", "uint8", "complex128"]),
    "narrower float": (BYTES, HALVES, dict(out_dtype="float32"), TypeError, ["float32", "float64", "integer"]),
    "bool": (BYTES, HALVES, dict(out_dtype="bool"), TypeError, ["bool", "float64", "integer"]),
    "border": (
        BYTES, BYTES[:3], dict(out_dtype="uint8", mode="same", cval=0.5), ValueError, ["cval", "0.5", "int64"],
    ),
    "wrong out": (BYTES, HALVES, dict(out_dtype="uint8", out=np.ones(11)), TypeError, ["out", "uint8"]),
}  # fmt: skip


@pytest.mark.parametrize(("x", "w", "options", "error", "words"), REFUSED.values(), ids=REFUSED)
def test_refused(x, w, options, error, words):
    with pytest.raises(error) as caught:
        cconv.convolve(x, w, **{"casting": "saturate", **options})
    assert all(word in str(caught.value) for word in words), caught.value


def test_leaky_relu_of_an_integer_sum_is_refused():
    with pytest.raises(TypeError, match="leaky_relu"):
        cconv.conv1d(BYTES[None], BYTES[None, None, :2], activation="leaky_relu", casting="saturate")
