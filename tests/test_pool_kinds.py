"""Minimum and lp pooling, and samples that a mask leaves out of any pool."""

import doctest
import importlib

import numpy as np
import pytest

import cconv
import reference
import reference_pools as twins
from checks import INTEGERS, Fence, guarded, same_bits, sample

RANKS = pytest.mark.parametrize("rank", [1, 2, 3])
FORMATS = pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
SPATIAL = (5, 9, 22)
WINDOWS = [(2, None, 0), (3, 2, 1), (2, 3, 1), (3, 1, 1), (4, 4, 2), (1, 1, 0), (5, 1, 2), (2, 1, 0)]


def shaped(shape, rank, data_format):
    return shape if data_format == "channels_first" else (shape[0], *shape[2:], shape[1])


def equal(name, x, *args, rtol=0.0, **options):
    held = guarded(x)
    got = getattr(cconv, name)(held, *args, **options)
    with np.errstate(all="ignore"):
        want = getattr(twins, name)(x, *args, **options)
    pair = isinstance(want, tuple)
    for one, other in zip(got if pair else (got,), want if pair else (want,), strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=0)
    if not pair:
        fence = Fence(got.shape, got.dtype, "margins")
        getattr(cconv, name)(held, *args, out=fence.out, **options)
        same_bits(fence.out, got)
        fence.check()
    return got


# ---- minima -----------------------------------------------------------------------------------------------------


@RANKS
@FORMATS
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_min(rng, rank, data_format, window):
    kernel_size, stride, padding = window
    options = dict(stride=stride, padding=padding, data_format=data_format)
    x = rng.integers(0, 3, shaped((2, 18, *SPATIAL[-rank:]), rank, data_format)).astype(np.float32)
    values = equal(f"min_pool{rank}d", x, kernel_size, **options)
    both = equal(f"min_pool{rank}d", x, kernel_size, return_indices=True, **options)
    same_bits(both[0], values)


@pytest.mark.parametrize("dtype", [*INTEGERS, "bool", "float16", "float32", "float64", ">i2", ">u8", ">f4"])
@FORMATS
def test_min_of_every_type(rng, dtype, data_format):
    x = sample(rng, shaped((2, 20, 9, 22), 2, data_format), dtype)
    got = equal("min_pool2d", x, 3, stride=2, padding=1, data_format=data_format)
    assert got.dtype == x.dtype.newbyteorder("=")
    equal("min_pool2d", x, 3, stride=2, padding=1, return_indices=True, data_format=data_format)


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int32", "int64", "uint64"])
def test_min_is_the_mirror_of_max(rng, dtype):
    """All sizes about which the ways to fold change."""
    x = sample(rng, (1, 3, 23, 37), dtype)
    mirror = (lambda a: -a) if x.dtype.kind == "f" else (lambda a: ~a)
    for k in range(1, 17):
        for stride in (1, 2, 3):
            options = dict(stride=stride, padding=k // 2)
            same_bits(cconv.min_pool2d(x, k, **options), mirror(cconv.max_pool2d(mirror(x), k, **options)))


@FORMATS
def test_min_and_nan(rng, data_format):
    x = sample(rng, shaped((2, 18, 12, 23), 2, data_format))
    x[rng.random(x.shape) < 0.4] = np.nan
    x[0, 0, 2:6] = np.nan
    x[1, 0, 2:6] = np.inf
    for nan in ("propagate", "omit"):
        for window in [(2, 2, 0), (3, 1, 1), (9, 1, 4)]:
            kernel_size, stride, padding = window
            options = dict(stride=stride, padding=padding, nan=nan, data_format=data_format)
            values = equal("min_pool2d", x, kernel_size, **options)
            both = equal("min_pool2d", x, kernel_size, return_indices=True, **options)
            same_bits(both[0], values)
    with pytest.raises(ValueError, match="NaN"):
        cconv.min_pool2d(x, 2, nan="raise", data_format=data_format)


def test_padding_of_min_is_higher_than_every_value():
    for dtype in ("float32", "uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64"):
        highest = np.inf if dtype == "float32" else np.iinfo(dtype).max
        x = np.full((1, 3, 3), highest, dtype)
        values, indices = cconv.min_pool2d(x, 3, stride=1, padding=1, return_indices=True)
        np.testing.assert_array_equal(values, x)
        np.testing.assert_array_equal(indices[0], [[0, 0, 1], [0, 0, 1], [3, 3, 4]])
        np.testing.assert_array_equal(cconv.min_pool2d(x, 3, stride=1, padding=1), x)


# ---- norms ------------------------------------------------------------------------------------------------------


@RANKS
@FORMATS
@pytest.mark.parametrize("norm_type", [1, 2, 3, 2.5, 0.5])
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_lp(rng, rank, data_format, norm_type, ceil_mode):
    x = sample(rng, shaped((2, 18, *SPATIAL[-rank:]), rank, data_format), "float64")
    for kernel_size, stride in [(2, None), (3, 2), (3, 1), (1, 1), (2, 3), ((1, 7, 11)[-rank:], 1)]:
        equal(f"lp_pool{rank}d", x, norm_type, kernel_size, rtol=1e-13, stride=stride, ceil_mode=ceil_mode,
              data_format=data_format)  # fmt: skip


@pytest.mark.parametrize("dtype", [*INTEGERS, "bool", "float16", "float32", ">f4", ">i4"])
def test_lp_of_every_type(rng, dtype):
    x = sample(rng, (2, 3, 9, 22), dtype)
    got = cconv.lp_pool2d(x, 2, 3, stride=2)
    assert got.dtype == (x.dtype.newbyteorder("=") if x.dtype.kind == "f" else np.float64)
    np.testing.assert_allclose(got, twins.lp_pool2d(x, 2, 3, stride=2), rtol=2 * np.finfo(got.dtype).eps + 2e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("norm_type", [1, 2, 3, 5])
def test_error_of_lp(rng, dtype, norm_type):
    """|error| <= (sum(kernel_size) + 8) * eps * result."""
    x = sample(rng, (2, 3, 40, 50), dtype)
    got = cconv.lp_pool2d(x, norm_type, (5, 9), stride=1)
    want = twins.lp_pool2d(x.astype(np.longdouble).astype(np.float64), norm_type, (5, 9), stride=1)
    assert (np.abs(got - want) <= 22 * np.finfo(dtype).eps * want).all()


def test_odd_norms_take_magnitudes_where_torch_adds_signed_powers():
    np.testing.assert_allclose(cconv.lp_pool1d(np.array([[-1.0, -2, 2, 1]]), 3, 2), [[9 ** (1 / 3)] * 2], rtol=1e-15)


@FORMATS
@pytest.mark.parametrize("norm_type", [1, 2, 3])
def test_lp_and_nan(rng, data_format, norm_type):
    x = sample(rng, shaped((2, 18, 12, 23), 2, data_format), "float64")
    x[rng.random(x.shape) < 0.4] = np.nan
    x[0, 0, 2:6] = np.nan
    x[1, 0, 2] = np.inf
    for nan in ("propagate", "omit"):
        for kernel_size, stride in [(2, 2), (3, 1), (8, 1)]:
            options = dict(stride=stride, nan=nan, data_format=data_format)
            got = equal("lp_pool2d", x, norm_type, kernel_size, rtol=1e-13, **options)
            assert np.isnan(got).any() or kernel_size > 2
    with pytest.raises(ValueError, match="NaN"):
        cconv.lp_pool2d(x, 2, 2, nan="raise", data_format=data_format)


def test_torch_is_the_judge_of_norms(rng):
    torch = pytest.importorskip("torch")
    x = sample(rng, (2, 3, 12, 13), "float64")
    for norm_type in (1, 2, 4):
        magnitudes = np.abs(x) if norm_type == 1 else x
        want = torch.nn.functional.lp_pool2d(torch.from_numpy(magnitudes), norm_type, 3, 2).numpy()
        np.testing.assert_allclose(cconv.lp_pool2d(x, norm_type, 3, stride=2), want, rtol=1e-12)


@pytest.mark.parametrize("name", ["min_pool2d", "lp_pool2d"])
@FORMATS
def test_bits_do_not_depend_on_threads(rng, name, data_format):
    x = sample(rng, shaped((3, 6, 211, 157), 2, data_format))
    args = (3,) if name == "min_pool2d" else (3, 3)
    one = getattr(cconv, name)(x, *args, num_threads=1, data_format=data_format)
    for threads in (2, 3):
        same_bits(getattr(cconv, name)(x, *args, num_threads=threads, data_format=data_format), one)


@pytest.mark.parametrize("name", ["min_pool2d", "lp_pool2d"])
def test_any_layout(rng, name):
    x = sample(rng, (2, 18, 7, 10), "float64")
    args = (3,) if name == "min_pool2d" else (2, 3)
    for odd in (x[..., ::-1].copy()[..., ::-1], np.repeat(x, 2, -1)[..., ::2], np.asfortranarray(x), x.astype(">f8")):
        np.testing.assert_allclose(getattr(cconv, name)(odd, *args), getattr(cconv, name)(x, *args), rtol=1e-14)


# ---- masks ------------------------------------------------------------------------------------------------------


POOLS = {
    "max": (cconv.max_pool2d, (3,), dict(stride=2, padding=1)),
    "min": (cconv.min_pool2d, (3,), dict(stride=1)),
    "avg": (cconv.avg_pool2d, (3,), dict(stride=2, padding=1)),
    "avg without padding": (cconv.avg_pool2d, (3,), dict(stride=2, padding=1, count_include_pad=False, ceil_mode=True)),
    "lp": (cconv.lp_pool2d, (2, 3), dict(stride=2)),
}


@pytest.mark.parametrize("kind", POOLS)
@FORMATS
def test_mask_leaves_out_what_nan_would(rng, kind, data_format):
    function, args, options = POOLS[kind]
    options = dict(options, data_format=data_format)
    x = sample(rng, shaped((2, 5, 12, 13), 2, data_format))
    mask = rng.random(x.shape) < 0.5
    gone = np.where(mask, np.nan, x).astype(np.float32)
    want = function(gone, *args, nan="omit", **options)
    same_bits(function(x, *args, mask=mask, **options), want)
    same_bits(function(x, *args, mask=mask, nan="omit", **options), want)
    same_bits(function(x, *args, mask=mask, nan="raise", **options), want)
    out = np.empty_like(want)
    assert function(x, *args, mask=mask, out=out, **options) is out
    same_bits(out, want)
    row = rng.random(x.shape[-1]) < 0.5  # broadcast
    whole = np.broadcast_to(row, x.shape)
    same_bits(function(x, *args, mask=row, **options), function(x, *args, mask=whole, **options))


@pytest.mark.parametrize("kind", POOLS)
def test_nan_beside_a_mask(rng, kind):
    """It propagates unless it is left out too."""
    function, args, options = POOLS[kind]
    x = sample(rng, (2, 3, 12, 13))
    mask = rng.random(x.shape) < 0.5
    x[0, 1, 4, 5], mask[0, 1, 4, 5] = np.nan, False
    x[1, 1, 4, 5], mask[1, 1, 4, 5] = np.nan, True
    lost = np.zeros_like(x)
    lost[0, 1, 4, 5] = 1
    hit = function(lost, *args, **options) > 0 if kind != "min" else cconv.max_pool2d(lost, *args, **options) > 0
    got = function(x, *args, mask=mask, **options)
    rest = function(x, *args, mask=mask, nan="omit", **options)
    assert np.isnan(got[hit]).all()
    assert hit.any()
    same_bits(got[~hit], rest[~hit])
    with pytest.raises(ValueError, match=r"1 NaN, the first at \(0, 1, 4, 5\)"):
        function(x, *args, mask=mask, nan="raise", **options)


def test_indices_beside_a_mask():
    x = np.array([[5.0, 7, np.nan, 7, 9, np.nan]])
    mask = np.array([False, True, False, False, True, True])
    values, indices = cconv.max_pool1d(x, 3, mask=mask, return_indices=True)
    np.testing.assert_array_equal(values, [[np.nan, 7]])
    np.testing.assert_array_equal(indices, [[2, 3]])
    out = (np.empty((1, 2)), np.empty((1, 2), int))
    assert cconv.max_pool1d(x, 3, mask=mask, return_indices=True, out=out) is out
    np.testing.assert_array_equal(out[1], indices)


def test_masked_integers_are_float64():
    x = np.array([[1, 2, 3, 4]], np.uint8)
    got = cconv.max_pool1d(x, 2, mask=[False, True, True, True])
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, [[1, np.nan]])
    np.testing.assert_array_equal(cconv.avg_pool1d(x, 2, mask=[False, True, False, False]), [[1, 3.5]])
    np.testing.assert_array_equal(cconv.lp_pool1d(x, 1, 2, mask=[False, True, False, False]), [[1, 7]])


def test_masked_complex_means():
    x = np.array([[1 + 2j, 3 + 4j, np.nan, 1]])
    got = cconv.avg_pool1d(x, 2, mask=[False, True, False, False])
    np.testing.assert_array_equal(np.isnan(got), [[False, True]])
    assert got[0, 0] == 1 + 2j


ERRORS = {
    "norm zero": (lambda x: cconv.lp_pool2d(x, 0, 2), ValueError, "norm_type=0.*above 0"),
    "norm infinite": (lambda x: cconv.lp_pool2d(x, np.inf, 2), ValueError, "norm_type=inf.*finite"),
    "norm bool": (lambda x: cconv.lp_pool2d(x, True, 2), TypeError, "norm_type=True.*number"),
    "norm text": (lambda x: cconv.lp_pool2d(x, "2", 2), TypeError, "norm_type='2'.*number"),
    "lp complex": (lambda x: cconv.lp_pool2d(x * 1j, 2, 2), TypeError, "input.*complex128.*magnitudes"),
    "min complex": (lambda x: cconv.min_pool2d(x * 1j, 2), TypeError, "input.*complex128.*minimum"),
    "kernel": (lambda x: cconv.min_pool2d(x, 0), ValueError, "kernel_size=0.*at least 1"),
    "mask shape": (lambda x: cconv.max_pool2d(x, 2, mask=np.ones(7, bool)), ValueError, r"mask.*\(7,\).*\(1, 4, 4\)"),
    "mask type": (lambda x: cconv.avg_pool2d(x, 2, mask=x), TypeError, "mask.*float64.*bool"),
    "nan with mask": (lambda x: cconv.min_pool2d(x, 2, nan="no", mask=True), ValueError, "nan='no'.*omit"),
    "out with mask": (lambda x: cconv.max_pool2d(x, 2, mask=False, out=x), ValueError, r"out.*4, 4\).*\(1, 2, 2\)"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    function, error, message = ERRORS[case]
    with pytest.raises(error, match=f"(?s){message}"):
        function(np.ones((1, 4, 4)))


def test_explain_says_what_a_norm_runs():
    said = cconv.explain(cconv.lp_pool2d, np.ones((2, 3, 9, 10), np.float32), 2, 3, stride=2, num_threads=1)
    assert (said.function, said.output, said.threads) == ("lp_pool2d", "float32 (2, 3, 4, 4)", 1)
    assert said.kernel in ("fold", "pixels", "blocks")


@pytest.mark.parametrize("module", ["pool", "adaptive_pool", "pool_gradients"])
def test_the_examples_run(module):
    result = doctest.testmod(importlib.import_module(f"cconv.{module}"))
    assert result.attempted > 5
    assert result.failed == 0


def test_twin_of_min_is_that_of_max_mirrored(rng):
    """The twins are judged first."""
    x = rng.integers(0, 5, (2, 3, 9, 8)).astype(float)
    for one, other in zip(twins.min_pool2d(x, 3, stride=2, return_indices=True),
                          reference.max_pool2d(-x, 3, stride=2, return_indices=True), strict=True):
        np.testing.assert_array_equal(np.abs(one), np.abs(other))
