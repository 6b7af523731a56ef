"""Missing samples of convolve and correlate: nan= and mask=."""

import numpy as np
import pytest

import cconv
import reference
from checks import BOUNDARIES, same_bits, sample

FUNCTIONS = pytest.mark.parametrize("name", ["convolve", "correlate"])


def holes(rng, x, part=0.2):
    """x with NaN at random places, and where they are."""
    missing = rng.random(x.shape) < part
    x = x.copy()
    x[missing] = np.nan
    return x, missing


def positive(rng, shape, dtype):
    return (rng.random(shape) + 0.1).astype(dtype)


@FUNCTIONS
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
@pytest.mark.parametrize("sizes", [((60,), (5,)), ((9, 30), (3, 4)), ((5, 6, 12), (2, 3, 3))], ids=str)
def test_omit(rng, name, mode, dtype, sizes):
    x, missing = holes(rng, sample(rng, sizes[0], dtype))
    w = positive(rng, sizes[1], dtype)
    got = getattr(cconv, name)(x, w, mode, nan="omit")
    assert got.dtype == np.result_type(x, w)
    want = reference.present_only(getattr(reference, name), np.where(missing, 0, x), w, mode, missing=missing)
    eps = np.finfo(got.dtype).eps
    np.testing.assert_allclose(got, want, rtol=100 * eps, atol=100 * eps)


@FUNCTIONS
@pytest.mark.parametrize(
    ("boundary", "cval"), [*((b, 0) for b in BOUNDARIES), ("constant", 2.5), ("constant", np.nan)]
)
def test_omit_with_a_boundary(rng, name, boundary, cval):
    """What a constant border adds is present, unless it is NaN; other borders repeat what is missing."""
    x, missing = holes(rng, sample(rng, (9, 30), "float64"), 0.3)
    w = positive(rng, (3, 5), "float64")
    got = getattr(cconv, name)(x, w, "same", boundary=boundary, cval=cval, nan="omit")
    want = reference.present_only(
        getattr(reference, name),
        np.where(missing, 0, x),
        w,
        "same",
        missing=missing,
        boundary=boundary,
        cval=cval,
    )
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


def test_a_constant_stays_constant_under_holes(rng):
    """A kernel of sum 1 gives a weighted mean of what is there, as astropy's convolve does."""
    x, _ = holes(rng, np.full((20, 30), 7.0), 0.5)
    w = positive(rng, (5, 5), "float64")
    got = cconv.convolve(x, w / w.sum(), "same", boundary="edge", nan="omit")
    np.testing.assert_allclose(got, 7, rtol=1e-13)


def test_nothing_seen_gives_nan():
    x = np.array([1, np.nan, np.nan, np.nan, 5.0])
    got = cconv.convolve(x, np.ones(3), "valid", nan="omit")
    np.testing.assert_array_equal(got, [3, np.nan, 15])


def test_mask_hides_samples_of_any_value(rng):
    """Infinite ones too; integers become float64, as a weighted mean is none."""
    x, mask = sample(rng, (9, 30), "float64"), rng.random((9, 30)) < 0.3
    w = positive(rng, (3, 3), "float64")
    want = cconv.convolve(np.where(mask, np.nan, x), w, "same", nan="omit")
    for hidden in (np.inf, np.nan, 1e300):
        same_bits(cconv.convolve(np.where(mask, hidden, x), w, "same", mask=mask), want)
    got = cconv.convolve(np.array([1, 2, 3, 4]), [1, 1], "valid", mask=[False, True, False, False])
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, [2, 6, 7])


def test_mask_broadcasts_and_joins_nan(rng):
    x, missing = holes(rng, sample(rng, (4, 30), "float64"))
    row = rng.random(30) < 0.3
    w = positive(rng, 5, "float64")
    got = cconv.convolve(x, w, "same", axes=1, mask=row, nan="omit")
    same_bits(got, cconv.convolve(np.where(row, np.nan, x), w, "same", axes=1, nan="omit"))
    masked = cconv.convolve(x, w, "same", axes=1, mask=missing)
    same_bits(masked, cconv.convolve(x, w, "same", axes=1, nan="omit"))


def test_mask_alone_lets_nan_propagate():
    x = np.array([1, np.nan, 3, 4, 5.0])
    got = cconv.convolve(x, np.ones(2), "valid", mask=[False, False, False, True, False])
    np.testing.assert_array_equal(got, [np.nan, np.nan, 6, 10])


@FUNCTIONS
def test_no_holes_change_nothing(rng, name):
    x, w = sample(rng, (9, 30)), positive(rng, (3, 3), "float32")
    function = getattr(cconv, name)
    same_bits(function(x, w, "same", nan="omit"), function(x, w, "same"))
    same_bits(function(x, w, "same", nan="raise"), function(x, w, "same"))
    same_bits(function(x, w, "same", mask=np.zeros(30, bool)), function(x, w, "same"))


def test_raise_says_where(rng):
    x, w = sample(rng, (9, 30)), np.ones((3, 3), np.float32)
    x[4, 7] = np.nan
    out = np.zeros((9, 30), np.float32)
    with pytest.raises(ValueError, match=r"input.*NaN.*\(4, 7\)"):
        cconv.convolve(x, w, "same", nan="raise", out=out)
    assert not out.any()
    mask = np.isnan(x)
    got = cconv.convolve(x, w, "same", nan="raise", mask=mask)
    same_bits(got, cconv.convolve(x, w, "same", mask=mask))


def test_omit_into_out_that_is_the_input(rng):
    x, _ = holes(rng, sample(rng, (9, 30)))
    w = positive(rng, (3, 3), "float32")
    want = cconv.convolve(x, w, "same", nan="omit")
    assert cconv.convolve(x, w, "same", nan="omit", out=x) is x
    same_bits(x, want)


def test_inputs_are_not_modified(rng):
    x, mask = holes(rng, sample(rng, (9, 30)))
    copies = x.tobytes(), mask.tobytes()
    cconv.correlate(x, np.ones((3, 3)), "same", nan="omit", mask=mask)
    assert (x.tobytes(), mask.tobytes()) == copies


# ---- against astropy -----------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:nan_treatment")
@pytest.mark.parametrize("preserve", [False, True])
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize(("theirs", "ours"), [("fill", "constant"), ("extend", "edge"), ("wrap", "wrap")])
@pytest.mark.parametrize("sizes", [((3,), (3,)), ((40,), (5,)), ((9, 30), (3, 5)), ((6, 7, 8), (3, 3, 3))], ids=str)
def test_equals_astropy(rng, sizes, theirs, ours, normalize, preserve):
    astropy = pytest.importorskip("astropy.convolution")
    x, missing = holes(rng, sample(rng, sizes[0], "float64"))
    missing.flat[1], x.flat[1] = True, np.nan
    w = positive(rng, sizes[1], "float64")
    want = astropy.convolve(
        x, w, boundary=theirs, nan_treatment="interpolate", normalize_kernel=normalize, preserve_nan=preserve
    )
    kernel = w / w.sum() if normalize else w
    for options in ({"nan": "omit"}, {"mask": missing}):
        got = cconv.convolve(x, kernel, "same", boundary=ours, preserve_nan=preserve, **options)
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


# astropy/convolution/tests: (input, kernel, boundary)
ASTROPYS_CASES = [
    ([1.0, np.nan, 3.0], [0.0, 1.0, 0.0], "fill"),
    ([1.0, np.nan, 3.0], [1.0, 1.0, 1.0], "fill"),
    ([1.0, np.nan, 3.0], [1.0, 1.0, 1.0], "wrap"),
    ([1.0, np.nan, 3.0], [1.0, 1.0, 1.0], "extend"),
    ([1.0, np.nan, 3.0], [1.0], "fill"),
    ([[0.0, 0, 3], [1, np.nan, 0], [0, 2, 0]], [[1.0] * 3] * 3, "fill"),
    ([[0.0, 0, 3], [1, np.nan, 0], [0, 2, 0]], [[1.0] * 3] * 3, "wrap"),
    ([[0.0, 0, 3], [1, np.nan, 0], [0, 2, 0]], [[0.0, 0, 0], [0, 1, 0], [0, 0, 0]], "extend"),
]


@pytest.mark.parametrize(("x", "w", "boundary"), ASTROPYS_CASES)
@pytest.mark.filterwarnings("ignore:nan_treatment")
def test_astropys_own_cases(x, w, boundary):
    astropy = pytest.importorskip("astropy.convolution")
    kernel = np.array(w) / np.sum(w)
    ours = {"fill": "constant", "wrap": "wrap", "extend": "edge"}[boundary]
    want = astropy.convolve(np.array(x), np.array(w), boundary=boundary)
    np.testing.assert_allclose(cconv.convolve(x, kernel, "same", boundary=ours, nan="omit"), want, rtol=1e-14)


def test_missing_samples_are_preserved():
    x = np.array([1, np.nan, 3, np.nan, np.nan, np.nan, 5])
    got = cconv.convolve(x, np.ones(3), "same", nan="omit", preserve_nan=True)
    np.testing.assert_array_equal(got, [1.5, np.nan, 9, np.nan, np.nan, np.nan, 7.5])
    mask = np.array([0, 0, 1, 0], bool)
    got = cconv.correlate([2, 4, 6, 8], [1, 1, 1], "same", mask=mask, preserve_nan=True)
    np.testing.assert_array_equal(got, [6, 9, np.nan, 12])
    # nothing is missing
    np.testing.assert_array_equal(
        cconv.convolve([1.0, 2, 3], [1.0, 1], "same", nan="omit", preserve_nan=True), [1, 3, 5]
    )


@pytest.mark.parametrize("options", [
    {}, {"nan": "raise"}, {"nan": "omit", "mode": "full"}, {"nan": "omit", "mode": "valid"},
])  # fmt: skip
def test_preserve_nan_needs_missing_samples_and_their_places(options):
    with pytest.raises(ValueError, match="preserve_nan=True"):
        cconv.convolve(np.ones(5), np.ones(3), **{"mode": "same", **options}, preserve_nan=True)


def test_preserve_nan_is_checked():
    with pytest.raises(TypeError, match="preserve_nan=1"):
        cconv.convolve(np.ones(5), np.ones(3), "same", nan="omit", preserve_nan=1)
    with pytest.raises(TypeError, match="preserve_nan=True"):
        cconv.convolve(
            np.ones(5), np.ones(3), "same", nan="omit", preserve_nan=True, out_dtype=np.int32, casting="saturate"
        )
