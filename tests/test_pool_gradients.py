"""Gradients of pools, and unpooling: twins, torch, adjoints, layouts, bad indices."""

import math

import numpy as np
import pytest

import cconv
import reference
import reference_pools as twins
from cconv._pool_gradient import Spans
from cconv._pool_spans import window_gradient
from checks import Fence, guarded, same_bits, sample, whole

RANKS = pytest.mark.parametrize("rank", [1, 2, 3])
FORMATS = pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
SPATIAL = (4, 7, 9)
WINDOWS = [  # kernel, stride, padding
    (2, None, 0), (3, 2, 1), (2, 3, 1), (3, 1, 1), (4, 4, 2), (1, 1, 0), (1, 3, 0), (5, 1, 2), (2, 1, 0), (3, 5, 1),
]  # fmt: skip


def shaped(shape, rank, data_format):
    """(N, C, *spatial), or with the channels last."""
    return shape if data_format == "channels_first" else (shape[0], *shape[2:], shape[1])


def call(name, *arrays, **options):
    """cconv.<name>, plainly and into a poisoned, fenced `out`, with guarded inputs that must not change."""
    held = [guarded(a) if isinstance(a, np.ndarray) else a for a in arrays]
    copies = [a.tobytes() if isinstance(a, np.ndarray) else None for a in held]
    got = getattr(cconv, name)(*held, **options)
    fence = Fence(got.shape, got.dtype, "margins")
    assert getattr(cconv, name)(*held, out=fence.out, **options) is fence.out
    same_bits(fence.out, got)
    fence.check()
    for array, copy in zip(held, copies, strict=True):
        assert copy is None or array.tobytes() == copy, "an input was modified"
    return got


def equal(name, *arrays, rtol=0.0, **options):
    """Compare with the twin, to rounding of the largest result if that is not exact."""
    got, want = call(name, *arrays, **options), getattr(twins, name)(*arrays, **options)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol * (np.abs(want).max() if want.size else 0))
    return got


def picked(rng, rank, shape, kernel_size, data_format="channels_first", function="max_pool", **options):
    """(indices, a gradient of whole numbers) of a max pool of few different values."""
    x = rng.integers(0, 4, shape).astype(np.float64)
    values, indices = getattr(cconv, f"{function}{rank}d")(
        x, kernel_size, return_indices=True, data_format=data_format, **options
    )
    return indices, whole(rng, values.shape, "float64")


# ---- maxima ---------------------------------------------------------------------------------------------------


@RANKS
@FORMATS
@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_max(rng, rank, data_format, window):
    kernel_size, stride, padding = window
    shape = shaped((2, 3, *SPATIAL[-rank:]), rank, data_format)
    indices, grad = picked(rng, rank, shape, kernel_size, data_format, stride=stride, padding=padding)
    equal(f"max_pool{rank}d_input_grad", grad, indices, shape, data_format=data_format)


@FORMATS
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128", ">f4", ">c16"])
def test_max_of_every_type(rng, data_format, dtype):
    shape = shaped((2, 20, 8, 9), 2, data_format)
    indices, grad = picked(rng, 2, shape, 3, data_format, stride=2)
    got = equal("max_pool2d_input_grad", grad.astype(dtype), indices, shape, data_format=data_format)
    assert got.dtype == np.dtype(dtype).newbyteorder("=")


@pytest.mark.parametrize("function", ["min_pool", "adaptive_max_pool", "global_max_pool"])
def test_indices_of_other_pools(rng, function):
    x = sample(rng, (2, 3, 7, 9))
    pool = {"min_pool": lambda: cconv.min_pool2d(x, 3, stride=2, return_indices=True),
            "adaptive_max_pool": lambda: cconv.adaptive_max_pool2d(x, (3, 4), return_indices=True),
            "global_max_pool": lambda: cconv.global_max_pool(x, return_indices=True)}[function]
    values, indices = pool()
    grad = whole(rng, values.shape)
    equal("max_pool2d_input_grad", grad, indices, x.shape)


@FORMATS
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_max_bits_do_not_depend_on_threads(rng, data_format, dtype):
    """Shared planes, and planes that do not fit the scratch for other types; float sums that depend on their order."""
    for shape in [(1, 1, 300, 400), (2, 3, 200, 200), (3, 70, 40, 40)]:
        shape = shaped(shape, 2, data_format)
        indices, _ = picked(rng, 2, shape, 5, data_format, stride=1)
        grad = sample(rng, indices.shape, dtype)
        one = cconv.max_pool2d_input_grad(grad, indices, shape, data_format=data_format, num_threads=1)
        for threads in (2, 3):
            got = cconv.max_pool2d_input_grad(grad, indices, shape, data_format=data_format, num_threads=threads)
            same_bits(got, one)
        wanted = math.prod(shape)
        assert one.size == wanted
        np.testing.assert_allclose(one.sum(dtype=np.float64), grad.sum(dtype=np.float64), rtol=1e-2, atol=1e-1)


def test_max_of_random_indices(rng):
    """Indices need not follow the order of windows."""
    for data_format in ("channels_first", "channels_last"):
        shape = shaped((2, 5, 30, 31), 2, data_format)
        grad = whole(rng, shaped((2, 5, 11, 13), 2, data_format), "float64")
        indices = rng.integers(0, 30 * 31, grad.shape)
        equal("max_pool2d_input_grad", grad, indices, shape, data_format=data_format)
        equal("max_pool2d_input_grad", grad.astype("float16"), indices.astype("uint16"), shape, data_format=data_format)


def test_ties_and_nan_follow_the_indices():
    x = np.array([[[2.0, 2], [2, 2]]])
    values, indices = cconv.max_pool2d(x, 2, return_indices=True)
    got = cconv.max_pool2d_input_grad(np.ones_like(values), indices, x.shape)
    np.testing.assert_array_equal(got, [[[1, 0], [0, 0]]])
    x = np.array([[0, np.nan, 3, np.nan]])
    values, indices = cconv.max_pool1d(x, 4, return_indices=True)
    np.testing.assert_array_equal(cconv.max_pool1d_input_grad(np.ones_like(values), indices, x.shape), [[0, 1, 0, 0]])
    values, indices = cconv.max_pool1d(x, 4, return_indices=True, nan="omit")
    np.testing.assert_array_equal(cconv.max_pool1d_input_grad(np.ones_like(values), indices, x.shape), [[0, 0, 1, 0]])


# ---- means ----------------------------------------------------------------------------------------------------


@RANKS
@FORMATS
@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("extra", [{}, {"count_include_pad": False}, {"divisor_override": 3}], ids=str)
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_avg(rng, rank, data_format, window, extra, ceil_mode):
    kernel_size, stride, padding = window
    shape = shaped((1, 2, *(3, 6, 7)[-rank:]), rank, data_format)
    options = dict(stride=stride, padding=padding, ceil_mode=ceil_mode, data_format=data_format, **extra)
    if padding and (extra.get("count_include_pad") is False or kernel_size == 1):
        options["padding"] = min(padding, kernel_size - 1)
    pooled = getattr(cconv, f"avg_pool{rank}d")(np.zeros(shape), kernel_size, **options)
    grad = sample(rng, pooled.shape, "float64")
    equal(f"avg_pool{rank}d_input_grad", grad, shape, kernel_size, rtol=1e-14, **options)


@RANKS
@FORMATS
@pytest.mark.parametrize("dilation", [2, 3, 4])
@pytest.mark.parametrize("stride", [1, 2, 3, 4, 6])
def test_avg_with_dilation(rng, rank, data_format, dilation, stride):
    shape = shaped((1, 2, *(1, 9, 17)[-rank:]), rank, data_format)
    options = dict(stride=stride, dilation=dilation, padding=(0, 1, 1)[-rank:], data_format=data_format)
    kernel_size = (1, 2, 3)[-rank:]
    pooled = getattr(cconv, f"avg_pool{rank}d")(np.zeros(shape), kernel_size, **options)
    grad = sample(rng, pooled.shape, "float64")
    for extra in ({}, {"count_include_pad": False}, {"divisor_override": 2}):
        equal(f"avg_pool{rank}d_input_grad", grad, shape, kernel_size, rtol=1e-14, **options, **extra)


@FORMATS
@pytest.mark.parametrize("padding", ["same", "valid", ((2, 0), (0, 1))], ids=str)
def test_avg_named_and_asymmetric_padding(rng, data_format, padding):
    shape = shaped((1, 3, 7, 8), 2, data_format)
    options = dict(stride=2, padding=padding, data_format=data_format)
    pooled = cconv.avg_pool2d(np.zeros(shape), 3, **options)
    equal("avg_pool2d_input_grad", sample(rng, pooled.shape, "float64"), shape, 3, rtol=1e-14, **options)


@FORMATS
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128", ">f8", ">c8"])
def test_avg_of_every_type(rng, data_format, dtype):
    shape = shaped((2, 20, 8, 9), 2, data_format)
    grad = sample(rng, shaped((2, 20, 4, 5), 2, data_format), dtype)
    eps = np.finfo(dtype).eps
    options = dict(stride=2, padding=1, data_format=data_format)
    got = equal("avg_pool2d_input_grad", grad, shape, 3, rtol=8 * eps, **options)
    assert got.dtype == np.dtype(dtype).newbyteorder("=")


def test_widths_about_the_vectors(rng):
    """All extents from 1 to over two vectors, for the ways to deal columns out."""
    for n in [*range(1, 38), 63, 64, 65, 130]:
        for kernel_size, stride in [(1, 1), (2, 2), (3, 2), (3, 1), (3, 3), (5, 4), (2, 4), (7, 5), (7, 1), (9, 2)]:
            if kernel_size > n:
                continue
            for dtype in ("float32", "float64"):
                outputs = (n - kernel_size) // stride + 1
                grad = whole(rng, (1, 2, outputs), dtype)
                got = cconv.avg_pool1d_input_grad(grad, (1, 2, n), kernel_size, stride=stride, divisor_override=1)
                want = np.zeros((1, 2, n))
                for o in range(outputs):
                    want[..., o * stride : o * stride + kernel_size] += grad[..., o : o + 1]
                np.testing.assert_array_equal(got, want)
                last = np.ascontiguousarray(np.moveaxis(grad, 1, 2))
                got = cconv.avg_pool1d_input_grad(
                    last, (1, n, 2), kernel_size, stride=stride, divisor_override=1, data_format="channels_last"
                )
                np.testing.assert_array_equal(np.moveaxis(got, 2, 1), want)


@RANKS
@FORMATS
@pytest.mark.parametrize("output_size", [1, 2, 3, 5, (2, 3, 4)], ids=str)
def test_adaptive_avg(rng, rank, data_format, output_size):
    size = (3, 5, 8)[-rank:]
    outputs = output_size[:rank] if isinstance(output_size, tuple) else (output_size,) * rank
    shape = shaped((2, 3, *size), rank, data_format)
    grad = sample(rng, shaped((2, 3, *outputs), rank, data_format), "float64")
    equal(f"adaptive_avg_pool{rank}d_input_grad", grad, shape, rtol=1e-14, data_format=data_format)


@FORMATS
def test_spread_bits_do_not_depend_on_threads_or_batch(rng, data_format):
    for size, kernel_size, stride in [((211, 157), 3, 2), ((90, 1000), 5, 1), ((64, 64), 64, 64), ((100, 120), 7, 5)]:
        shape = shaped((3, 6, *size), 2, data_format)
        options = dict(stride=stride, data_format=data_format)
        pooled = cconv.avg_pool2d(np.zeros(shape, np.float32), kernel_size, **options)
        grad = sample(rng, pooled.shape)
        one = cconv.avg_pool2d_input_grad(grad, shape, kernel_size, num_threads=1, **options)
        for threads in (2, 3):
            same_bits(cconv.avg_pool2d_input_grad(grad, shape, kernel_size, num_threads=threads, **options), one)
        part = cconv.avg_pool2d_input_grad(grad[1:2], (1, *shape[1:]), kernel_size, **options)
        same_bits(part, one[1:2])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 31, 32, 33])
def test_small_planes_of_many_channels(rng, dtype, channels):
    """Planes that are turned into pixels, some channels left over: avg_pool, adaptive_avg_pool, both directions."""
    eps = 8 * np.finfo(dtype).eps
    for size in [(13, 13), (5, 6), (2, 1), (1, 9), (28, 3), (9, 64), (3, 65)]:
        shape = (2, channels, *size)
        for outputs in [(6, 6), (2, 3), (1, 4), (19, 2)]:
            grad = sample(rng, (2, channels, *outputs), dtype)
            equal("adaptive_avg_pool2d_input_grad", grad, shape, rtol=eps)
        x = sample(rng, shape, dtype)
        want = twins.adaptive_avg_pool_nd(2, x, (4, 5))
        np.testing.assert_allclose(cconv.adaptive_avg_pool2d(x, (4, 5)), want, rtol=0, atol=eps * abs(want).max())
        for kernel_size, stride, padding, extra in [
            (3, 1, 1, {}), (3, 2, 1, {}), (2, 1, 0, {}), (2, 3, 1, {}), (3, 2, 1, dict(count_include_pad=False)),
        ]:  # fmt: skip
            if min(size) + 2 * padding < kernel_size:
                continue
            options = dict(stride=stride, padding=padding, **extra)
            grad = sample(rng, cconv.avg_pool2d(x, kernel_size, **options).shape, dtype)
            got = equal("avg_pool2d_input_grad", grad, shape, kernel_size, rtol=eps, **options)
            for threads in (1, 3):
                same_bits(cconv.avg_pool2d_input_grad(grad, shape, kernel_size, num_threads=threads, **options), got)
            same_bits(cconv.avg_pool2d_input_grad(grad[1:], (1, *shape[1:]), kernel_size, **options), got[1:])


# ---- norms ----------------------------------------------------------------------------------------------------


@RANKS
@FORMATS
@pytest.mark.parametrize("norm_type", [1, 2, 3, 1.5, 4])
def test_lp(rng, rank, data_format, norm_type):
    shape = shaped((1, 2, *(2, 5, 6)[-rank:]), rank, data_format)
    x = sample(rng, shape, "float64")
    x.flat[3] = 0
    for kernel_size, stride, ceil_mode in [(2, None, False), (2, 1, False), (2, 2, True), ((1, 3, 2)[-rank:], 2, True)]:
        options = dict(stride=stride, ceil_mode=ceil_mode, data_format=data_format)
        pooled = getattr(cconv, f"lp_pool{rank}d")(x, norm_type, kernel_size, **options)
        grad = sample(rng, pooled.shape, "float64")
        equal(f"lp_pool{rank}d_input_grad", grad, x, norm_type, kernel_size, rtol=1e-13, **options)


@pytest.mark.parametrize("norm_type", [1, 2, 3, 2.5])
def test_lp_by_central_differences(rng, norm_type):
    x = sample(rng, (1, 2, 5, 6), "float64")
    x += np.sign(x) * 0.1
    pooled = cconv.lp_pool2d(x, norm_type, 3, stride=2)
    grad = sample(rng, pooled.shape, "float64")
    got = cconv.lp_pool2d_input_grad(grad, x, norm_type, 3, stride=2)
    step = 1e-6
    for place in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[place] += step
        down[place] -= step
        change = cconv.lp_pool2d(up, norm_type, 3, stride=2) - cconv.lp_pool2d(down, norm_type, 3, stride=2)
        assert abs((change * grad).sum() / (2 * step) - got[place]) < 1e-8


@pytest.mark.parametrize("dtype", ["float16", "float32", ">f4"])
def test_lp_of_other_types(rng, dtype):
    x, grad = sample(rng, (2, 3, 8, 10), dtype), sample(rng, (2, 3, 4, 5), dtype)
    got = equal("lp_pool2d_input_grad", grad, x, 2, 2, rtol=8 * np.finfo(dtype).eps)
    assert got.dtype == np.dtype(dtype).newbyteorder("=")


def test_the_gradient_of_a_norm_of_zeros_is_zero():
    for norm_type in (1, 2, 3):
        got = cconv.lp_pool1d_input_grad(np.ones((1, 2)), np.array([[0.0, 0, 0, 5]]), norm_type, 2)
        np.testing.assert_array_equal(got, [[0, 0, 0, 1]])


# ---- unpooling ------------------------------------------------------------------------------------------------


@RANKS
@FORMATS
@pytest.mark.parametrize("window", [(2, None, 0), (3, 2, 1), (3, 1, 1), (3, 3, 0)], ids=str)
def test_unpool(rng, rank, data_format, window):
    kernel_size, stride, padding = window
    shape = shaped((2, 3, *SPATIAL[-rank:]), rank, data_format)
    options = dict(stride=stride, padding=padding, data_format=data_format)
    indices, _ = picked(rng, rank, shape, kernel_size, **options)
    values = sample(rng, indices.shape)
    spatial = shape[1:-1] if data_format == "channels_last" else shape[2:]
    got = call(f"max_unpool{rank}d", values, indices, kernel_size, output_size=spatial, **options)
    want = getattr(twins, f"max_unpool{rank}d")(values, indices, shape, data_format=data_format)
    np.testing.assert_array_equal(got, want)
    same_bits(got, getattr(cconv, f"max_unpool{rank}d")(values, indices, kernel_size, output_size=shape, **options))
    grad = sample(rng, shape)
    equal(f"max_unpool{rank}d_input_grad", grad, indices, data_format=data_format)


def test_unpool_sizes():
    indices = np.array([[[0, 3], [12, 15]]])
    assert cconv.max_unpool2d(np.ones((1, 2, 2)), indices, 2).shape == (1, 4, 4)
    assert cconv.max_unpool2d(np.ones((1, 2, 2)), indices, 2, output_size=(5, 4)).shape == (1, 5, 4)
    assert cconv.max_unpool2d(np.ones((1, 2, 2)), indices, 3, stride=2, padding=((0, 1), (1, 0))).shape == (1, 4, 4)
    assert cconv.max_unpool1d(np.ones((0, 3, 4)), np.zeros((0, 3, 4), int), 2).shape == (0, 3, 8)


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "uint16", ">i4", "uint64", "int64", "float16", ">f8", "complex64", "complex128"]
)
def test_unpool_every_type(rng, dtype):
    x = sample(rng, (2, 5, 4, 6), dtype)
    indices = rng.permuted(np.broadcast_to(np.arange(96), (2, 5, 96)), axis=-1)[..., :24].reshape(x.shape)
    got = call("max_unpool2d", x, indices, 2)
    assert got.dtype == x.dtype.newbyteorder("=")
    np.testing.assert_array_equal(got, twins.max_unpool2d(x, indices, (2, 5, 8, 12)))


def test_of_a_repeated_index_the_last_stays_and_has_the_gradient():
    """torch leaves that open (torch#80827)."""
    x, indices = np.array([[1.0, 2, 3, 4]]), np.array([[5, 0, 5, 5]])
    for dtype in ("float32", "float16", "int8"):
        got = cconv.max_unpool1d(x.astype(dtype), indices, 2)
        np.testing.assert_array_equal(got, [[2, 0, 0, 0, 0, 4, 0, 0]])
    got = cconv.max_unpool1d_input_grad(np.arange(8.0)[None] + 1, indices)
    np.testing.assert_array_equal(got, [[0, 1, 0, 6]])


def test_unpool_gradient_of_planes_longer_than_the_marks(rng):
    n = (1 << 20) + 77
    indices = np.concatenate([rng.integers(0, n, 1000), [n - 1, 0, 1 << 20, (1 << 20) - 1, n - 1]])[None]
    grad = np.arange(1.0, n + 1)[None]
    got = cconv.max_unpool1d_input_grad(grad, indices)
    last = {int(place): i for i, place in enumerate(indices[0])}
    want = [grad[0, place] if last[int(place)] == i else 0 for i, place in enumerate(indices[0])]
    np.testing.assert_array_equal(got[0], want)


# ---- adjoint, judges -------------------------------------------------------------------------------------------


def adjoint(x, y, forward, backward):
    """<forward(x), y> == <x, backward(y)>, to 1e-12 of the scale."""
    one, other = (forward(x) * y).sum(), (x * backward(y)).sum()
    assert abs(one - other) <= 1e-12 * max(np.abs(x).sum(), np.abs(y).sum())


@RANKS
@FORMATS
def test_adjoint_identity(rng, rank, data_format):
    shape = shaped((2, 5, *(7, 10, 13)[-rank:]), rank, data_format)
    x = sample(rng, shape, "float64")

    def both(name, *args, **options):
        forward = getattr(cconv, name)
        y = sample(rng, forward(x, *args, **options).shape, "float64")
        adjoint(x, y, lambda x: forward(x, *args, **options),
                lambda y: getattr(cconv, f"{name}_input_grad")(y, shape, *args, **options))

    for kernel_size, stride, padding in WINDOWS:
        for extra in ({}, {"divisor_override": 5}, {"dilation": 2}):
            padding = min(padding, kernel_size - 1)
            both(f"avg_pool{rank}d", kernel_size, stride=stride, padding=padding, data_format=data_format, **extra)
    if rank == 2:
        for size in (1, 2, 3, 4, 6, 11, 15):
            forward = cconv.adaptive_avg_pool2d(x, size, data_format=data_format)
            y = sample(rng, forward.shape, "float64")
            adjoint(x, y, lambda x: cconv.adaptive_avg_pool2d(x, size, data_format=data_format),  # noqa: B023
                    lambda y: cconv.adaptive_avg_pool2d_input_grad(y, shape, data_format=data_format))
    _, indices = getattr(cconv, f"max_pool{rank}d")(x, 3, stride=2, return_indices=True, data_format=data_format)
    y = sample(rng, indices.shape, "float64")
    spatial = shape[1:-1] if data_format == "channels_last" else shape[2:]
    adjoint(y, x, lambda y: getattr(cconv, f"max_unpool{rank}d")(
                y, indices, 3, stride=2, output_size=spatial, data_format=data_format),
            lambda x: getattr(cconv, f"max_unpool{rank}d_input_grad")(x, indices, data_format=data_format))


@RANKS
@pytest.mark.parametrize("window", [(2, 2, 0), (3, 2, 1), (3, 1, 1), (5, 3, 2)], ids=str)
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_torch_is_the_judge(rng, rank, window, ceil_mode):
    torch = pytest.importorskip("torch")
    kernel_size, stride, padding = window
    x = rng.permutation(2 * 3 * 9**rank).reshape(2, 3, *(9,) * rank).astype(np.float64) - 500
    leaf = torch.from_numpy(x).requires_grad_(True)

    def of_torch(function, *args, **options):
        output = function(leaf, *args, **options)
        grad = sample(rng, tuple(output.shape), "float64")
        return grad, torch.autograd.grad(output, leaf, torch.from_numpy(grad))[0].numpy()

    pools = torch.nn.functional
    options = dict(stride=stride, padding=padding, ceil_mode=ceil_mode)
    grad, want = of_torch(getattr(pools, f"max_pool{rank}d"), kernel_size, **options)
    _, indices = getattr(cconv, f"max_pool{rank}d")(x, kernel_size, return_indices=True, **options)
    got = getattr(cconv, f"max_pool{rank}d_input_grad")(grad, indices, x.shape)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    for include in (True, False) if not ceil_mode else (False,):
        grad, want = of_torch(getattr(pools, f"avg_pool{rank}d"), kernel_size, count_include_pad=include, **options)
        got = getattr(cconv, f"avg_pool{rank}d_input_grad")(
            grad, x.shape, kernel_size, count_include_pad=include, **options
        )
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    grad, want = of_torch(getattr(pools, f"adaptive_avg_pool{rank}d"), 4)
    got = getattr(cconv, f"adaptive_avg_pool{rank}d_input_grad")(grad, x.shape)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    if not ceil_mode:  # torch scales what hangs over the end
        grad, want = of_torch(getattr(pools, f"lp_pool{rank}d"), 2, kernel_size, stride)
        got = getattr(cconv, f"lp_pool{rank}d_input_grad")(grad, x, 2, kernel_size, stride=stride)
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)


def test_torch_unpools_the_same(rng):
    torch = pytest.importorskip("torch")
    x = torch.from_numpy(sample(rng, (2, 3, 8, 9)))
    values, indices = torch.nn.functional.max_pool2d(x, 2, return_indices=True)
    want = torch.nn.functional.max_unpool2d(values, indices, 2, output_size=(8, 9)).numpy()
    np.testing.assert_array_equal(cconv.max_unpool2d(values.numpy(), indices.numpy(), 2, output_size=(8, 9)), want)


# ---- arrays as they come ---------------------------------------------------------------------------------------


VIEWS = {
    "reversed": lambda a: a[..., ::-1].copy()[..., ::-1],
    "strided": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "Fortran": np.asfortranarray,
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder()),
    "transposed": lambda a: np.ascontiguousarray(a.swapaxes(-1, -2)).swapaxes(-1, -2),
}


@pytest.mark.parametrize("view", VIEWS)
@FORMATS
def test_any_layout(rng, view, data_format):
    shape = shaped((2, 20, 8, 10), 2, data_format)
    indices, grad = picked(rng, 2, shape, 2, data_format)
    change = VIEWS[view]
    options = dict(data_format=data_format)
    x = sample(rng, shape, "float64")
    for name, arrays, rest in [
        ("max_pool2d_input_grad", (grad, indices), (shape,)), ("avg_pool2d_input_grad", (grad,), (shape, 2)),
        ("adaptive_avg_pool2d_input_grad", (grad,), (shape,)), ("max_unpool2d", (grad, indices), (2,)),
        ("max_unpool2d_input_grad", (x, indices), ()), ("lp_pool2d_input_grad", (grad, x), (3, 2)),
    ]:  # fmt: skip
        function = getattr(cconv, name)
        plain = function(*arrays, *rest, **options)
        odd = [change(array) for array in arrays]
        for array in odd:
            array.flags.writeable = False
        # norms add the samples of a window in an order that fits the layout
        np.testing.assert_allclose(function(*odd, *rest, **options), plain, rtol=1e-14 if "lp" in name else 0)
        out = change(np.full_like(plain, np.nan))
        assert function(*arrays, *rest, out=out, **options) is out
        np.testing.assert_allclose(out, plain, rtol=1e-14 if "lp" in name else 0)


def test_out_may_overlap_an_input(rng):
    x = sample(rng, (1, 2, 6, 6), "float64")
    want = cconv.avg_pool2d_input_grad(x, x.shape, 3, stride=1, padding=1)
    got = x.copy()
    cconv.avg_pool2d_input_grad(got, x.shape, 3, stride=1, padding=1, out=got)
    same_bits(got, want)
    indices = rng.integers(0, 36, x.shape)
    want = cconv.max_pool2d_input_grad(x, indices, x.shape)
    got = x.copy()
    cconv.max_pool2d_input_grad(got, indices, x.shape, out=got)
    same_bits(got, want)


def test_unbatched_and_empty(rng):
    grad = sample(rng, (3, 4, 5))
    same_bits(cconv.avg_pool2d_input_grad(grad, (3, 8, 10), 2),
              cconv.avg_pool2d_input_grad(grad[None], (1, 3, 8, 10), 2)[0])
    assert cconv.avg_pool2d_input_grad(np.ones((0, 3, 4, 5)), (0, 3, 8, 10), 2).shape == (0, 3, 8, 10)
    assert cconv.max_pool2d_input_grad(np.ones((2, 0, 4, 5)), np.ones((2, 0, 4, 5), int), (2, 0, 8, 10)).shape[1] == 0
    none = np.ones((1, 2, 0, 3))
    np.testing.assert_array_equal(cconv.max_pool2d_input_grad(none, none.astype(int), (1, 2, 4, 5)), 0)
    np.testing.assert_array_equal(cconv.adaptive_avg_pool2d_input_grad(none, (1, 2, 4, 5)), 0)


@pytest.mark.parametrize("extents", [(1, 1), (1, 2), (2, 1), (2, 2)])
def test_smallest_extents(rng, extents):
    shape = (2, 2, *extents)
    for kernel_size in [(1, 1), extents]:
        grad = sample(rng, cconv.avg_pool2d(np.zeros(shape), kernel_size).shape, "float64")
        equal("avg_pool2d_input_grad", grad, shape, kernel_size, rtol=1e-15)
    grad = sample(rng, (2, 2, 2, 2), "float64")
    equal("adaptive_avg_pool2d_input_grad", grad, shape, rtol=1e-15)


def test_scratch_is_a_few_lines_whatever_the_image():
    """Memory beyond gradient and result, of two threads: under 16 MB."""
    long = (1, 1, 10**7)
    for shape, kernel_size in [((1, 2000, 20000), 3), (long, 2), (long, 1001), ((1, 1, 10**6), 10**6)]:
        forward = cconv.avg_pool2d(np.broadcast_to(np.float32(1), shape), (1, kernel_size), stride=(1, 2))
        spec = window_gradient(
            "avg", 2, forward.shape, forward.dtype, shape, (1, kernel_size), (1, 2), 0, 1, False, True, None,
            "channels_first",
        )  # fmt: skip
        assert 2 * Spans(spec).scratch_bytes(forward, np.broadcast_to(np.float32(1), shape)) < 16e6


# ---- errors ----------------------------------------------------------------------------------------------------

G = np.ones((1, 2, 4, 4))
HERE = np.zeros((1, 2, 4, 4), int)
ERRORS = {
    "grad shape": (
        lambda: cconv.avg_pool2d_input_grad(G, (1, 2, 9, 8), 3), ValueError, r"\(1, 2, 4, 4\).*\(1, 2, 3, 2\)",
    ),
    "lp shape": (
        lambda: cconv.lp_pool2d_input_grad(G, np.ones((1, 2, 9, 8)), 2, 3), ValueError,
        r"\(1, 2, 4, 4\).*\(1, 2, 3, 2\)",
    ),
    "adaptive channels": (
        lambda: cconv.adaptive_avg_pool2d_input_grad(G, (1, 3, 9, 8)), ValueError, r"\(1, 2, 4, 4\).*\(1, 3, 9, 8\)",
    ),
    "max channels": (
        lambda: cconv.max_pool2d_input_grad(G, HERE, (2, 2, 9, 8)), ValueError, r"\(1, 2, 4, 4\).*\(2, 2, 9, 8\)",
    ),
    "indices shape": (
        lambda: cconv.max_pool2d_input_grad(G, HERE[..., 1:], (1, 2, 9, 8)), ValueError,
        r"\(1, 2, 4, 3\).*\(1, 2, 4, 4\)",
    ),
    "unpool indices shape": (
        lambda: cconv.max_unpool2d(G, HERE[..., 1:], 2), ValueError, r"indices.*\(1, 2, 4, 3\).*input.*\(1, 2, 4, 4\)",
    ),
    "indices dtype": (lambda: cconv.max_unpool2d(G, G, 2), TypeError, "indices.*float64.*integers"),
    "index too large": (
        lambda: cconv.max_pool2d_input_grad(G, HERE + 72, (1, 2, 9, 8)), ValueError,
        r"indices.*\(1, 2, 4, 4\).*72.*\(0, 0, 0, 0\).*\(9, 8\).*71",
    ),
    "index negative": (lambda: cconv.max_unpool2d(G, HERE - 1, 2), ValueError, r"indices.*-1.*\(8, 8\).*63"),
    "index in unpool gradient": (lambda: cconv.max_unpool2d_input_grad(G, HERE + 16), ValueError, r"16.*\(4, 4\).*15"),
    "ambiguous size": (
        lambda: cconv.max_unpool2d(G, HERE, 2, output_size=(10, 8)), ValueError,
        r"output_size=\(10, 8\).*\(1, 2, 4, 4\).*7\.\.9",
    ),
    "output_size length": (lambda: cconv.max_unpool2d(G, HERE, 2, output_size=(8,)), ValueError, "size.*2 entries"),
    "integers": (lambda: cconv.avg_pool2d_input_grad(HERE, (1, 2, 8, 8), 2), TypeError, "grad_output.*int64.*floating"),
    "integers of max": (lambda: cconv.max_pool2d_input_grad(HERE, HERE, (1, 2, 8, 8)), TypeError, "grad_output.*int64"),
    "input shape": (lambda: cconv.avg_pool2d_input_grad(G, 8, 2), TypeError, "input_shape=8.*tuple"),
    "norm": (lambda: cconv.lp_pool2d_input_grad(G, np.ones((1, 2, 8, 8)), 0, 2), ValueError, "norm_type=0.*above 0"),
    "complex norm": (
        lambda: cconv.lp_pool2d_input_grad(G, np.ones((1, 2, 8, 8), complex), 2, 2), TypeError, "input.*complex128",
    ),
    "out": (
        lambda: cconv.avg_pool2d_input_grad(G, (1, 2, 8, 8), 2, out=np.ones((1, 2, 8, 7))), ValueError,
        r"out.*\(1, 2, 8, 7\).*\(1, 2, 8, 8\)",
    ),
    "threads": (lambda: cconv.max_unpool2d(G, HERE, 2, num_threads=0), ValueError, "num_threads.*0"),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    function, error, message = ERRORS[case]
    with pytest.raises(error, match=f"(?s){message}"):
        function()


def test_a_wrong_index_leaves_out_as_it_was():
    indices = HERE.copy()
    indices[0, 1, 3, 3] = 64
    for out in (np.full((1, 2, 8, 8), 7.0), np.full((1, 2, 8, 16), 7.0)[..., ::2]):
        for function in (lambda out: cconv.max_unpool2d(G, indices, 2, out=out),
                         lambda out: cconv.max_pool2d_input_grad(G, indices, out.shape, out=out)):
            with pytest.raises(ValueError, match=r"64.*\(0, 1, 3, 3\)"):
                function(out)
            assert (out == 7).all()
    out = np.full(indices.shape, 7.0)
    with pytest.raises(ValueError, match="64"):
        cconv.max_unpool2d_input_grad(np.ones((1, 2, 8, 8)), indices, out=out)
    assert (out == 7).all()


def test_twins_of_linear_pools_are_transposes(rng):
    """The twins are judged first."""
    x, y = rng.standard_normal((1, 1, 5, 6)), rng.standard_normal((1, 1, 3, 3))
    grad = twins.avg_pool2d_input_grad(y, x.shape, 3, stride=2, padding=1)
    assert np.isclose((reference.avg_pool2d(x, 3, stride=2, padding=1) * y).sum(), (x * grad).sum())
