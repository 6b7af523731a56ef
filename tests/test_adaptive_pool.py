"""Adaptive and global pooling."""

import numpy as np
import pytest

import cconv
import reference_pools as twins
from checks import INTEGERS, Fence, guarded, same_bits, sample

RANKS = pytest.mark.parametrize("rank", [1, 2, 3])
FORMATS = pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
SIZES = [1, 2, 3, 4, 7, None, (2, 3, 5), (None, 1, 6), 0, 20]


def shaped(shape, rank, data_format):
    return shape if data_format == "channels_first" else (shape[0], *shape[2:], shape[1])


def equal(name, x, *args, rtol=0.0, **options):
    """Compare with the twin; and `out`, poisoned and fenced, with the plain call."""
    held = guarded(x)
    copy = held.tobytes()
    got = getattr(cconv, name)(held, *args, **options)
    with np.errstate(all="ignore"):
        want = getattr(twins, name)(x, *args, **options)
    pair = isinstance(want, tuple)
    for one, other in zip(got if pair else (got,), want if pair else (want,), strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol)
    fences = [Fence(a.shape, a.dtype, "margins") for a in (got if pair else (got,))]
    outs = tuple(fence.out for fence in fences)
    result = getattr(cconv, name)(held, *args, out=outs if pair else outs[0], **options)
    for fence, first, second in zip(fences, got if pair else (got,), result if pair else (result,), strict=True):
        assert second is fence.out
        same_bits(fence.out, first)
        fence.check()
    assert held.tobytes() == copy, "the input was modified"
    return got


def per_rank(size, rank):
    return size[:rank] if isinstance(size, tuple) else size


@RANKS
@FORMATS
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("channels", [3, 20])
def test_avg(rng, rank, data_format, size, channels):
    x = sample(rng, shaped((2, channels, *(3, 5, 9)[-rank:]), rank, data_format), "float64")
    equal(f"adaptive_avg_pool{rank}d", x, per_rank(size, rank), rtol=1e-14, data_format=data_format)


@RANKS
@FORMATS
@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("channels", [3, 20])
def test_max(rng, rank, data_format, size, channels):
    x = rng.integers(0, 4, shaped((2, channels, *(3, 5, 9)[-rank:]), rank, data_format)).astype(np.float32)
    name, size = f"adaptive_max_pool{rank}d", per_rank(size, rank)
    values = equal(name, x, size, data_format=data_format)
    both = equal(name, x, size, return_indices=True, data_format=data_format)
    same_bits(both[0], values)
    assert both[1].dtype == np.int64


def test_every_pair_of_extents(rng):
    for n in [*range(1, 20), 33, 65, 130]:
        x = sample(rng, (1, 2, n), "float64")
        for o in [*range(1, 12), n - 1, n, n + 1, 2 * n]:
            equal("adaptive_avg_pool1d", x, o, rtol=1e-13)
            equal("adaptive_max_pool1d", x, o, return_indices=True)


def test_windows_of_the_table():
    x = np.arange(5.0)[None]
    np.testing.assert_array_equal(cconv.adaptive_avg_pool1d(x, 3), [[0.5, 2, 3.5]])
    np.testing.assert_array_equal(cconv.adaptive_avg_pool1d(np.arange(3.0)[None], 5), [[0, 0.5, 1, 1.5, 2]])
    np.testing.assert_array_equal(cconv.adaptive_max_pool1d(x, 3), [[1, 3, 4]])


@pytest.mark.parametrize("dtype", [*INTEGERS, "bool", "float16", "float32", "float64", ">f4", ">i2"])
@pytest.mark.parametrize("size", [2, 3])
def test_types(rng, dtype, size):
    x = sample(rng, (2, 3, 8, 10), dtype)
    got = equal("adaptive_max_pool2d", x, size)
    assert got.dtype == x.dtype.newbyteorder("=")
    equal("adaptive_max_pool2d", x, size, return_indices=True)
    rtol = {"float16": 2e-3, "float32": 1e-6, ">f4": 1e-6}.get(dtype, 1e-12)
    got = cconv.adaptive_avg_pool2d(x, size)
    assert got.dtype == (x.dtype.newbyteorder("=") if x.dtype.kind == "f" else np.float64)
    np.testing.assert_allclose(got, twins.adaptive_avg_pool2d(x, size), rtol=rtol, atol=rtol)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex(rng, dtype):
    x = sample(rng, (2, 3, 7, 9), dtype)
    got = equal("adaptive_avg_pool2d", x, (3, 4), rtol=1e-6)
    assert got.dtype == dtype
    with pytest.raises(TypeError, match=r"input.*complex.*maximum"):
        cconv.adaptive_max_pool2d(x, 3)


@FORMATS
@pytest.mark.parametrize("size", [2, 3, 5])
def test_nan(rng, data_format, size):
    x = sample(rng, shaped((2, 18, 7, 10), 2, data_format))
    x[rng.random(x.shape) < 0.3] = np.nan
    x[0, 0, :5] = np.nan
    for nan in ("propagate", "omit"):
        equal("adaptive_max_pool2d", x, size, return_indices=True, nan=nan, data_format=data_format)
        equal("adaptive_avg_pool2d", x, size, rtol=1e-5, nan=nan, data_format=data_format)
    for function in (cconv.adaptive_max_pool2d, cconv.adaptive_avg_pool2d):
        with pytest.raises(ValueError, match=r"input.*NaN"):
            function(x, size, nan="raise", data_format=data_format)
    x[...] = -np.inf
    equal("adaptive_max_pool2d", x, size, return_indices=True, nan="omit", data_format=data_format)


@FORMATS
@pytest.mark.parametrize("size", [2, 3])
def test_mask(rng, data_format, size):
    x = sample(rng, shaped((2, 5, 7, 10), 2, data_format))
    mask = rng.random(x.shape) < 0.4
    gone = np.where(mask, np.nan, x).astype(x.dtype)
    for name in ("adaptive_max_pool2d", "adaptive_avg_pool2d"):
        function = getattr(cconv, name)
        same_bits(function(x, size, mask=mask, data_format=data_format),
                  function(gone, size, nan="omit", data_format=data_format))
    x.flat[[5, 50, 333]] = np.nan
    lost = np.isnan(x) & ~mask
    values, indices = cconv.adaptive_max_pool2d(x, size, mask=mask, return_indices=True, data_format=data_format)
    holds, places = cconv.adaptive_max_pool2d(lost, size, return_indices=True, data_format=data_format)
    assert np.isnan(values[holds]).all()
    np.testing.assert_array_equal(indices[holds], places[holds])
    assert lost.any()


@RANKS
@FORMATS
def test_torch_is_the_judge(rng, rank, data_format):
    torch = pytest.importorskip("torch")
    x = rng.permutation(2 * 3 * 7**rank).reshape(2, 3, *(7,) * rank).astype(np.float64)
    ours = x if data_format == "channels_first" else np.moveaxis(x, 1, -1)
    for size in (1, 2, 3, 5, 7, 9):
        pools = torch.nn.functional
        want = getattr(pools, f"adaptive_avg_pool{rank}d")(torch.from_numpy(x), size).numpy()
        got = getattr(cconv, f"adaptive_avg_pool{rank}d")(ours, size, data_format=data_format)
        got = got if data_format == "channels_first" else np.moveaxis(got, -1, 1)
        np.testing.assert_allclose(got, want, rtol=1e-13)
        want = getattr(pools, f"adaptive_max_pool{rank}d")(torch.from_numpy(x), size, return_indices=True)
        got = getattr(cconv, f"adaptive_max_pool{rank}d")(ours, size, return_indices=True, data_format=data_format)
        for one, other in zip(got, want, strict=True):
            one = one if data_format == "channels_first" else np.moveaxis(one, -1, 1)
            np.testing.assert_array_equal(one, other.numpy())


@FORMATS
def test_bits_do_not_depend_on_threads(rng, data_format):
    x = sample(rng, shaped((2, 17, 111, 95), 2, data_format))
    for function in (cconv.adaptive_avg_pool2d, cconv.adaptive_max_pool2d):
        one = function(x, (13, 17), num_threads=1, data_format=data_format)
        for threads in (2, 3):
            same_bits(function(x, (13, 17), num_threads=threads, data_format=data_format), one)


@pytest.mark.parametrize("change", [
    lambda a: a[..., ::-1].copy()[..., ::-1], lambda a: np.repeat(a, 2, -1)[..., ::2], np.asfortranarray,
    lambda a: a.astype(a.dtype.newbyteorder()),
], ids=["reversed", "strided", "Fortran", "byte-swapped"])  # fmt: skip
def test_any_layout(rng, change):
    x = sample(rng, (2, 18, 7, 10), "float64")
    odd = change(x)
    odd.flags.writeable = False
    for name in ("adaptive_max_pool2d", "adaptive_avg_pool2d"):
        for data_format in ("channels_first", "channels_last"):
            function = getattr(cconv, name)
            got = function(odd, 3, data_format=data_format)
            np.testing.assert_allclose(got, function(x, 3, data_format=data_format), rtol=1e-13, atol=1e-15)


@FORMATS
def test_global(rng, data_format):
    x = sample(rng, shaped((2, 3, 7, 10), 2, data_format), "float64")
    spatial = (2, 3) if data_format == "channels_first" else (1, 2)
    options = dict(data_format=data_format)
    np.testing.assert_allclose(cconv.global_avg_pool(x, **options), x.mean(spatial, keepdims=True), rtol=1e-13)
    np.testing.assert_array_equal(cconv.global_max_pool(x, **options), x.max(spatial, keepdims=True))
    values, indices = cconv.global_max_pool(x, return_indices=True, **options)
    same_bits(values, cconv.global_max_pool(x, **options))
    assert indices.shape == values.shape
    same_bits(cconv.global_avg_pool(x[0], rank=2, **options), cconv.global_avg_pool(x, **options)[0])
    x[0, 1, 1] = np.nan
    np.testing.assert_allclose(cconv.global_avg_pool(x, nan="omit", **options), np.nanmean(x, spatial, keepdims=True))
    np.testing.assert_array_equal(cconv.global_max_pool(x, nan="omit", **options), np.nanmax(x, spatial, keepdims=True))
    mask = rng.random(x.shape) < 0.5
    want = np.nanmean(np.where(mask, np.nan, x), spatial, keepdims=True)
    np.testing.assert_allclose(cconv.global_avg_pool(x, nan="omit", mask=mask, **options), want)
    out = np.empty_like(want)
    assert cconv.global_avg_pool(x, out=out, **options) is out


def test_empty():
    assert cconv.adaptive_avg_pool2d(np.ones((0, 3, 5, 5)), 2).shape == (0, 3, 2, 2)
    assert cconv.adaptive_max_pool2d(np.ones((2, 0, 5, 5)), 2).shape == (2, 0, 2, 2)
    assert cconv.adaptive_max_pool2d(np.ones((2, 3, 0, 5)), (0, 2)).shape == (2, 3, 0, 2)
    assert cconv.adaptive_avg_pool1d(np.ones((2, 3, 5)), 0).shape == (2, 3, 0)


ERRORS = {
    "no samples": (lambda: cconv.adaptive_avg_pool2d(np.ones((2, 3, 0, 5)), 2), ValueError, r"\(2, 3, 0, 5\).* 0"),
    "no samples global": (lambda: cconv.global_max_pool(np.ones((2, 3, 0))), ValueError, r"\(2, 3, 0\)"),
    "length": (lambda: cconv.adaptive_max_pool2d(np.ones((2, 5, 5)), (1, 2, 3)), ValueError, r"output_size=\(1, 2"),
    "negative": (lambda: cconv.adaptive_max_pool1d(np.ones((2, 5)), -1), ValueError, "output_size=-1.*at least 0"),
    "float": (lambda: cconv.adaptive_max_pool1d(np.ones((2, 5)), 2.0), TypeError, r"output_size=2\.0.*ints"),
    "rank": (lambda: cconv.adaptive_avg_pool2d(np.ones((2, 5)), 2), ValueError, r"input has 2 axes"),
    "global axes": (lambda: cconv.global_avg_pool(np.ones((2, 5))), ValueError, "input has 2 axes.*rank="),
    "global rank": (lambda: cconv.global_avg_pool(np.ones((2, 5)), rank=4), ValueError, "rank=4"),
    "nan": (lambda: cconv.global_avg_pool(np.ones((2, 5, 5)), nan="skip"), ValueError, "nan='skip'.*omit"),
    "nan with mask": (
        lambda: cconv.global_avg_pool(np.ones((2, 5, 5)), nan="skip", mask=True), ValueError, "nan='skip'.*omit",
    ),
    "mask": (lambda: cconv.adaptive_avg_pool1d(np.ones((2, 5)), 2, mask=[1] * 5), TypeError, "mask.*int64.*bool"),
    "out": (
        lambda: cconv.adaptive_avg_pool1d(np.ones((2, 5)), 2, out=np.ones((2, 3))), ValueError, r"\(2, 3\).*\(2, 2\)",
    ),
    "out pair": (
        lambda: cconv.adaptive_max_pool1d(np.ones((2, 5)), 2, return_indices=True, out=np.ones((2, 2))), TypeError,
        "tuple",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    function, error, message = ERRORS[case]
    with pytest.raises(error, match=f"(?s){message}"):
        function()
