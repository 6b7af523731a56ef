"""Kernels that are outer products: the error bound of the passes, what they refuse, samples that are not finite."""

import itertools
import math

import numpy as np
import pytest

import cconv
import reference
from checks import BOUNDARIES

WIDE = {np.dtype(np.float32): np.float64, np.dtype(np.float64): np.longdouble}


def outer(*lines, dtype=np.float64):
    result = np.ones((), lines[0].dtype)
    for line in lines:
        result = np.multiply.outer(result, line)
    return result.astype(dtype)


def method(x, w, mode="same", **options):
    return cconv.explain(cconv.correlate, x, w, mode, **options).method


def bound(w):
    return 10 + 2 * sum(math.sqrt(taps) for taps in w.shape)


def check_bound(x, w, mode="same", flip=False, **options):
    """Within the bound of the docstring, against the sum in a wider type."""
    function, twin = (cconv.convolve, reference.convolve) if flip else (cconv.correlate, reference.correlate)
    got = function(x, w, mode, **options)
    wide = WIDE[x.dtype]
    exact = twin(x.astype(wide), w.astype(wide), mode, **options)
    options = {**options, "cval": abs(options.get("cval", 0))}
    scale = twin(np.abs(x).astype(wide), np.abs(w).astype(wide), mode, **options)
    assert (np.abs(got - exact) <= bound(w) * np.finfo(x.dtype).eps * scale).all()
    return got


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("width", [*range(14, 36), 191, 192, 193, 211])
def test_widths(rng, dtype, width):
    x = rng.standard_normal((45, width)).astype(dtype)
    for taps in ((5, 4), (9, 13), (2, 27)):
        w = outer(*[rng.standard_normal(n) for n in taps], dtype=dtype)
        for options in ({}, {"boundary": "symmetric"}):
            assert method(np.ones((200, 200), dtype), w, **options) == "separable"
            check_bound(x, w, flip=width % 2 == 0, **options)


@pytest.mark.parametrize("height", [1, 2, 3, 4, 5, 15, 16, 17, 33, 70])
def test_heights(rng, height):
    x = rng.standard_normal((height, 600))
    for taps in ((9, 9), (33, 3), (3, 12)):
        check_bound(x, outer(*[rng.standard_normal(n) for n in taps]), boundary="reflect")
        check_bound(x, np.ones(taps), boundary="wrap")


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("mode", ["same", "full", "valid"])
def test_borders(rng, boundary, mode):
    if mode != "same" and boundary != "constant":
        pytest.skip("same only")
    cval = 2.5 if boundary == "constant" and mode != "valid" else 0
    x = rng.standard_normal((40, 70))
    for taps in ((11, 9), (12, 40), (39, 2)):
        for lines in ([rng.standard_normal(n) for n in taps], [np.ones(n) for n in taps]):
            check_bound(x, outer(*lines), mode, boundary=boundary, cval=cval)
            check_bound(x, outer(*lines), mode, flip=True, boundary=boundary, cval=cval)
    if mode == "same":
        check_bound(x, outer(np.ones(9), np.ones(11)), boundary=boundary, origin=(3, -4))
        check_bound(x, outer(np.ones(9), np.ones(11)), boundary=[boundary, "constant"], cval=cval)


@pytest.mark.parametrize("shape", [(7, 20, 33), (4, 35, 40), (2, 9, 50), (1, 40, 60), (13, 17, 64)])
def test_volumes(rng, shape):
    x = rng.standard_normal(shape).astype(np.float32)
    for taps in ((3, 3, 3), (2, 9, 13), (5, 1, 4), (4, 3, 1)):
        w = outer(*[rng.standard_normal(n) for n in taps], dtype=np.float32)
        assert method(np.ones((20, 60, 60), np.float32), w) == "separable"
        check_bound(x, w, boundary="edge")
        check_bound(x, w, "full", flip=True)


def test_rows_longer_than_a_block(rng):
    x = rng.standard_normal((40, 9000)).astype(np.float32)
    for boundary in BOUNDARIES:
        check_bound(x, outer(rng.random(5), rng.random(14), dtype=np.float32), boundary=boundary)


def layouts(x):
    yield "fortran", np.asfortranarray(x)
    yield "strided", np.repeat(x, 2, axis=1)[:, ::2]
    yield "reversed", x[::-1, ::-1].copy()[::-1, ::-1]
    yield "swapped", x.astype(x.dtype.newbyteorder())
    locked = x.copy()
    locked.flags.writeable = False
    yield "read-only", locked


def test_layouts_threads_and_out(rng):
    x = rng.standard_normal((120, 131)).astype(np.float32)
    for w in (outer(rng.random(9), rng.random(15), dtype=np.float32), np.ones((9, 15), np.float32)):
        want = check_bound(x, w, boundary="symmetric")
        for name, array in layouts(x):
            assert np.array_equal(cconv.correlate(array, w, "same", boundary="symmetric"), want), name
        for threads in (1, 2, 3, 7):
            result = cconv.correlate(x, w, "same", boundary="symmetric", num_threads=threads)
            assert np.array_equal(result, want)
        turned, wide = np.empty((131, 120), np.float32).T, np.empty((120, 262), np.float32)
        for out in (turned, wide[:, ::2], np.empty((120, 131), ">f4")):
            cconv.correlate(x, w, "same", boundary="symmetric", out=out)
            assert np.array_equal(out, want)
        batch = np.stack([x, x[::-1]])
        result = cconv.correlate(batch, w, "same", boundary="symmetric", axes=(1, 2))
        assert np.array_equal(result[0], want)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "int32", "int64", "uint64"])
def test_integers_are_exact(rng, dtype):
    info = np.iinfo(dtype)
    x = rng.integers(info.min, info.max, (50, 61), dtype, endpoint=True)
    for rows, columns in itertools.product((7, 9), (5, 17)):
        lines = rng.integers(-9 if info.min else 0, 9, rows), rng.integers(1, 12, columns)
        w = outer(*lines, dtype=dtype)
        result = cconv.correlate(x, w, "same", boundary="edge")
        assert np.array_equal(result, cconv.correlate(x, w, "same", boundary="edge", method="direct"))
    w = np.full((9, 9), info.min or info.max, dtype)
    w[4] = info.max
    result = cconv.convolve(x, w)
    assert np.array_equal(result, cconv.convolve(x, w, method="direct"))


def test_bytes_are_rounded_once(rng):
    x = rng.integers(0, 256, (90, 140)).astype(np.uint8)
    line = np.exp(-np.arange(-8, 9) ** 2 / 18.0)
    w = outer(line / line.sum(), line / line.sum(), dtype=np.float32)
    options = {"boundary": "symmetric", "out_dtype": np.uint8, "casting": "saturate"}
    assert method(np.ones((200, 200), np.uint8), w, **options) == "separable"
    result = cconv.correlate(x, w, "same", **options)
    exact = reference.correlate(x.astype(float), w.astype(float), "same", boundary="symmetric")
    assert np.abs(result - exact).max() <= 0.5 + 255 * bound(w) * 2.0**-23


# ---- when -------------------------------------------------------------------------------------------------


def test_only_outer_products(rng):
    x = rng.standard_normal((100, 120))
    w = outer(rng.random(9), rng.random(9))
    assert method(x, w) == "separable" and method(x, w, method="direct") == "direct"
    for place in ((0, 0), (4, 4), (8, 8), (0, 8)):
        for change in (1 + 1e-12, 0, -1, np.nan, np.inf):
            other = w.copy()
            other[place] *= change
            assert method(x, other) == "direct", (place, change)
    w[:, 3] = 0
    assert method(x, w) == "separable"
    w[2, 3] = 1e-300
    assert method(x, w) == "direct"
    assert method(x, np.zeros((9, 9))) == "direct"
    assert method(x.astype(complex), outer(rng.random(9), rng.random(9))) == "direct"
    assert method(x[:4, :20], outer(rng.random(3), rng.random(3))) == "direct"


def test_weights_far_from_one(rng):
    x = rng.standard_normal((60, 70)).astype(np.float32)
    w = outer(rng.random(9), rng.random(9), dtype=np.float32)
    for scale in (2.0**-90, 2.0**90):
        result = cconv.correlate(x, w * np.float32(scale), "same")
        assert np.array_equal(result / np.float32(scale), cconv.correlate(x, w, "same"))
    # no pass overflows where the sum does not
    large = np.full((60, 70), 3e38, np.float32)
    for w in (np.full((9, 9), 1 / 100), outer(np.arange(1.0, 10), np.arange(1.0, 12)) / 4000):
        result = cconv.correlate(large, w.astype(np.float32), "same", boundary="edge")
        assert np.isfinite(result).all() and (result > 1e38).all()


def test_samples_that_are_not_finite(rng):
    lines = rng.standard_normal(9), rng.standard_normal(13)
    kernels = [np.ones((9, 13)), outer(*lines), outer(np.arange(9.0) - 3, np.arange(5.0))]
    for w, bad in itertools.product(kernels, ([np.nan], [np.inf], [-np.inf, np.inf], [np.inf] * 3)):
        x = rng.standard_normal((50, 60))
        for value in bad:
            x[tuple(rng.integers(0, (50, 60)))] = value
        for options in ({}, {"boundary": "wrap"}, {"cval": np.inf}, {"cval": np.nan}):
            assert method(x, w, **options) == "separable"
            got = cconv.correlate(x, w, "same", **options)
            want = cconv.correlate(x, w, "same", method="direct", **options)
            assert np.array_equal(np.isnan(got), np.isnan(want))
            assert np.array_equal(got[~np.isfinite(got)], want[~np.isfinite(got)], equal_nan=True)


def test_boxes_keep_no_memory_of_large_samples():
    """A sum that slides by adding and subtracting would carry the rounding of 1e30 to the end of the line."""
    line = np.full((3, 300_000), 1.0)
    line[:, 10] = 1e30
    w = np.full((3, 31), 1 / 93)
    assert method(line, w) == "separable"
    result = cconv.correlate(line, w, "valid")
    assert np.abs(result[:, 41:] - 1).max() < bound(w) * 2.0**-52
    column = np.ascontiguousarray(np.tile(line[0, :40_000, None], (1, 40)))
    result = cconv.correlate(column, w.T.copy(), "valid")
    assert np.abs(result[41:] - 1).max() < bound(w) * 2.0**-52
