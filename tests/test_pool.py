"""Maximum and average pooling."""

import itertools

import numpy as np
import pytest

import cconv
import reference
import reference_pools
from cconv._dtypes import maximum_arithmetic
from checks import INTEGERS, NEEDS_PAGES, between_pages, check, guarded, same_bits, sample, whole

RANKS = pytest.mark.parametrize("rank", [1, 2, 3])
KINDS = pytest.mark.parametrize("kind", ["max", "avg"])
SPATIAL = (5, 9, 22)
WINDOWS = [  # kernel, stride, padding
    (2, None, 0), (3, 2, 1), (2, 3, 1), (3, 1, 1), (4, 4, 2), (1, 1, 0), (1, 3, 0), (5, 1, 2), (2, 1, 0),
    (3, 2, 0),
]  # fmt: skip


def ties(rng, shape, dtype="float32"):
    """Few different values, so that most windows hold their maximum more than once."""
    return rng.integers(0, 3, shape).astype(dtype)


@RANKS
@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_max_pool(rng, rank, window, ceil_mode):
    kernel_size, stride, padding = window
    parameters = dict(stride=stride, padding=padding, ceil_mode=ceil_mode)
    x = sample(rng, (2, 3, *SPATIAL[-rank:]))
    got = check(f"max_pool{rank}d", x, kernel_size, **parameters)
    values, _ = check(f"max_pool{rank}d", x, kernel_size, return_indices=True, **parameters)
    same_bits(got, values)
    check(f"max_pool{rank}d", ties(rng, x.shape), kernel_size, return_indices=True, **parameters)


@RANKS
@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("extra", [{}, {"count_include_pad": False}, {"divisor_override": 7}], ids=str)
def test_avg_pool(rng, rank, window, ceil_mode, extra):
    kernel_size, stride, padding = window
    x = sample(rng, (2, 3, *SPATIAL[-rank:]))
    check(f"avg_pool{rank}d", x, kernel_size, stride=stride, padding=padding, ceil_mode=ceil_mode, **extra)


@RANKS
@KINDS
@pytest.mark.parametrize("dilation", [2, 3])
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_dilation(rng, rank, kind, dilation, ceil_mode):
    x = sample(rng, (2, 2, *(9, 10, 25)[-rank:]))
    extra = {"return_indices": True} if kind == "max" else {"count_include_pad": False}
    for stride in (1, 2):
        parameters = dict(dilation=dilation, stride=stride, padding=1, ceil_mode=ceil_mode)
        check(f"{kind}_pool{rank}d", x, 3, **parameters)
        check(f"{kind}_pool{rank}d", x, 3, **parameters, **extra)


@RANKS
@KINDS
def test_parameters_per_axis(rng, rank, kind):
    x = sample(rng, (2, 3, *SPATIAL[-rank:]))
    name = f"{kind}_pool{rank}d"
    check(name, x, (2, 3, 4)[:rank], stride=(2, 1, 3)[:rank], padding=(0, 1, 2)[:rank])
    check(name, x, (3, 3, 5)[:rank], stride=(1, 2, 2)[:rank], padding=((1, 0), (0, 2), (2, 1))[:rank])


@RANKS
@KINDS
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("window", [(2, 2), (3, 2), (3, 1), (4, 3), (2, 1)], ids=str)
def test_named_padding(rng, rank, kind, padding, window):
    kernel_size, stride = window
    x = sample(rng, (1, 2, *SPATIAL[-rank:]))
    got = check(f"{kind}_pool{rank}d", x, kernel_size, stride=stride, padding=padding)
    if padding == "same":
        assert got.shape[2:] == tuple(-(-n // stride) for n in x.shape[2:])


@RANKS
@KINDS
def test_stride_defaults_to_the_kernel(rng, rank, kind):
    x = sample(rng, (1, 2, *SPATIAL[-rank:]))
    function = getattr(cconv, f"{kind}_pool{rank}d")
    kernel_size = (2, 3, 4)[:rank]
    same_bits(function(x, kernel_size), function(x, kernel_size, stride=kernel_size))


@RANKS
@KINDS
@pytest.mark.parametrize("channels", [1, 3, 16, 33])
def test_channels_last(rng, rank, kind, channels):
    x = sample(rng, (2, *SPATIAL[-rank:], channels))
    function = getattr(cconv, f"{kind}_pool{rank}d")
    parameters = dict(stride=2, padding=1)
    got = check(f"{kind}_pool{rank}d", x, 3, data_format="channels_last", **parameters)
    if kind == "max":
        same_bits(
            np.moveaxis(got, -1, 1), function(np.ascontiguousarray(np.moveaxis(x, -1, 1)), 3, **parameters)
        )
        check(f"max_pool{rank}d", x, 3, data_format="channels_last", return_indices=True, **parameters)


@RANKS
@KINDS
@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_unbatched(rng, rank, kind, data_format):
    x = sample(rng, (2, 3, *SPATIAL[-rank:]) if data_format == "channels_first" else (2, *SPATIAL[-rank:], 3))
    got = check(f"{kind}_pool{rank}d", x[0], 3, stride=2, data_format=data_format)
    same_bits(got, getattr(cconv, f"{kind}_pool{rank}d")(x, 3, stride=2, data_format=data_format)[0])


@RANKS
@KINDS
@pytest.mark.parametrize("dtype", [*INTEGERS, "bool", "float16", "float32", "float64"])
def test_every_type(rng, rank, kind, dtype):
    """Maximum keeps the type; the average of integers and bool is float64, as np.mean's."""
    x = sample(rng, (2, 3, *SPATIAL[-rank:]), dtype)
    got = check(f"{kind}_pool{rank}d", x, 3, stride=2, padding=1)
    assert got.dtype == (x.dtype if kind == "max" or x.dtype.kind == "f" else np.float64)
    if kind == "max":
        check(f"max_pool{rank}d", x, 2, stride=1, return_indices=True)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_average_of_complex(rng, dtype):
    check("avg_pool2d", sample(rng, (2, 3, 9, 22), dtype), 3, stride=2, padding=1)


@pytest.mark.parametrize(
    ("dtype", "wider"), [("float16", "float32"), ("float32", "float64"), ("uint8", "float32")]
)
def test_out_dtype_of_averages(rng, dtype, wider):
    x = sample(rng, (2, 3, 9, 22), dtype)
    got = cconv.avg_pool2d(x, 3, out_dtype=wider)
    assert got.dtype == wider
    np.testing.assert_allclose(got, reference.avg_pool2d(x, 3), rtol=1e-5, atol=1e-6)


@RANKS
@KINDS
def test_empty_batch_and_channels(rank, kind):
    function = getattr(cconv, f"{kind}_pool{rank}d")
    for lead in [(0, 3), (2, 0), (0,)]:
        assert function(np.ones((*lead, *SPATIAL[-rank:]), np.float32), 2).shape[: len(lead)] == lead


@pytest.mark.parametrize("kernel_size", [(1, 31), (31, 1), (12, 17), (32, 40)], ids=str)
@KINDS
def test_large_windows(rng, kind, kernel_size):
    x = sample(rng, (1, 2, 33, 70))
    check(f"{kind}_pool2d", x, kernel_size, stride=(2, 1))
    check(f"{kind}_pool2d", x, kernel_size, stride=(3, 5), padding=tuple(k // 2 for k in kernel_size))


@RANKS
@KINDS
@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_every_window_size(rng, rank, kind, data_format):
    """All sizes about which the ways to fold change: taps one by one or by doubling, rows or blocks of rows."""
    size, channels = (3, 17, 23)[-rank:], 5
    x = whole(rng, (2, channels, *size) if data_format == "channels_first" else (2, *size, channels), "float64")
    for k in range(1, 17):
        window = (2, k, k)[-rank:]
        for stride in (1, 2, 3) if k < 10 else (1, 2):
            parameters = dict(stride=stride, padding=tuple(n // 2 for n in window), data_format=data_format)
            if kind == "avg":
                parameters["divisor_override"] = 1  # sums of whole numbers: exact
            got = getattr(cconv, f"{kind}_pool{rank}d")(x, window, **parameters)
            want = getattr(reference, f"{kind}_pool{rank}d")(x, window, **parameters)
            np.testing.assert_array_equal(got, want, err_msg=f"{window} / {stride}")


@KINDS
@pytest.mark.parametrize("stride", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("dilation", [2, 3, 4])
def test_strides_and_dilations_with_and_without_common_divisors(rng, kind, stride, dilation):
    for data_format, x in [
        ("channels_first", whole(rng, (1, 2, 31, 150))),
        ("channels_last", whole(rng, (1, 31, 70, 20))),
    ]:
        for k in (2, 5, 7, 12):
            parameters = dict(stride=(2, stride), dilation=(1, dilation), padding=(3, 1), data_format=data_format)
            if kind == "avg":
                parameters["divisor_override"] = 1
            got = getattr(cconv, f"{kind}_pool2d")(x, (7, k), **parameters)
            np.testing.assert_array_equal(got, getattr(reference, f"{kind}_pool2d")(x, (7, k), **parameters))


@KINDS
@pytest.mark.parametrize("dtype", ["float32", "float64", ">f4", "float16", "int32", "uint64", "uint8", "int16"])
def test_whole_planes(rng, kind, dtype):
    """One window that is the plane: sizes about one and many vectors, counts of planes about a vector."""
    sizes = [(1, n) for n in (*range(1, 35), 63, 64, 65, 129)] + [(7, 7), (3, 40), (33, 33), (70, 70)]
    for size, channels in zip(sizes, itertools.cycle([1, 2, 3, 5, 8, 15, 16, 17, 33]), strict=False):
        x = sample(rng, (2, channels, *size), dtype)
        check(f"{kind}_pool2d", x, size)
        check(f"{kind}_pool2d", x, size, padding=(0, size[1] // 2), stride=99)
    x = sample(rng, (2, 3, 5, 6, 7), dtype)
    check(f"{kind}_pool3d", x, (5, 6, 7))
    check(f"{kind}_pool3d", x[:, :, ::-1, :, ::2], (5, 6, 4))


@pytest.mark.parametrize("nan", ["propagate", "omit"])
def test_nan_in_whole_planes(rng, nan):
    x = rng.standard_normal((1, 400, 5, 11)).astype(np.float32)
    x[rng.random(x.shape) < (0.01 if nan == "propagate" else 0.97)] = np.nan
    values = cconv.max_pool2d(x, (5, 11), nan=nan)
    assert 0 < np.isnan(values).sum() < values.size
    same_bits(values, cconv.max_pool2d(x, (5, 11), nan=nan, return_indices=True)[0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [(7, 7), (56, 56), (300, 300), (1, 9000), (2000, 2000)], ids=str)
def test_the_error_of_the_average_of_a_plane(dtype, size):
    rng = np.random.default_rng(8)
    x = (rng.standard_normal((1, 2, *size)) * 10.0 ** rng.integers(-6, 7, (1, 2, *size))).astype(dtype)
    got = cconv.avg_pool2d(x, size)
    exact = x.astype(np.longdouble)
    bound = sum(size) * np.finfo(dtype).eps * np.abs(exact).mean((2, 3), keepdims=True)
    assert (np.abs(got - exact.mean((2, 3), keepdims=True)) <= bound).all()


@NEEDS_PAGES
@KINDS
@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_nothing_outside_the_input_is_read(rng, kind, data_format, dtype):
    """Inputs that begin and end where a page without access does."""
    inside = between_pages(14)
    function = getattr(cconv, f"{kind}_pool2d")
    for n in (*range(1, 36), 63, 64, 65):
        shape = (2, 3, 5, n) if data_format == "channels_first" else (2, 5, n, 3)
        source = sample(rng, shape, dtype)
        for place in (slice(None, source.nbytes), slice(inside.size - source.nbytes, None)):
            x = inside[place].view(dtype).reshape(shape)
            x[...] = source
            for window, stride in [((2, 2), 2), ((3, 3), 2), ((3, 3), 1), ((5, 5), 1), ((5, n), 1), ((1, 7), 3)]:
                if window[1] <= n:
                    parameters = dict(stride=stride, data_format=data_format)
                    same_bits(function(x, window, **parameters), function(source.copy(), window, **parameters))


@KINDS
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_short_rows(rng, kind, dtype):
    """Rows that are folded many at a time, in every width about a vector, with and without padding."""
    for n in (*range(1, 36), 63, 64, 65, 112):
        x = whole(rng, (1, 2, 19, n), dtype)
        for k, stride, padding in [(2, 2, 0), (3, 2, 1), (3, 2, 0), (3, 1, 1), (5, 1, 2), (4, 2, 1), (3, 3, 0)]:
            if k <= n + 2 * padding and padding < n:
                got = getattr(cconv, f"{kind}_pool2d")(x, k, stride=stride, padding=padding)
                want = getattr(reference, f"{kind}_pool2d")(x, k, stride=stride, padding=padding)
                np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6, err_msg=f"{n} {k} {stride} {padding}")


def equal(name, x, *args, **options):
    """(values, indices), which have to be the twin's."""
    got = getattr(cconv, name)(guarded(x), *args, return_indices=True, **options)
    twin = getattr(reference_pools if name.startswith("min") else reference, name)
    for one, other in zip(got, twin(x, *args, return_indices=True, **options), strict=True):
        np.testing.assert_array_equal(one, other)
    return got


@pytest.mark.parametrize("kind", ["max", "min"])
@pytest.mark.parametrize("dtype", ["float32", ">f4", "uint8", "int64"])
def test_short_rows_of_windows_that_all_lie_inside(rng, kind, dtype):
    windows = (2, 2, 1), (3, 2, 1), (2, 3, 1), (1, 2, 1), (3, 1, 1), (2, 1, 3), ((2, 3), (2, 1), 1), (2, (2, 40), 1)
    sizes = (2, 3), (10, 10), (9, 28), (14, 64), (4, 131), (40, 5), (6, 400)
    for (kernel, stride, dilation), (height, width) in itertools.product(windows, sizes):
        if min(height, width) <= np.max(kernel) * dilation:
            continue
        for x in (
            sample(rng, (2, 5, height, width), dtype),
            ties(rng, (2, 5, height, width), dtype),
            ties(rng, (5, 2, width, height), dtype).transpose(1, 0, 3, 2),
            ties(rng, (5, 1, height, width), dtype)[::2],
            ties(rng, (1, 5, height, 2 * width), dtype)[..., ::-2],
            ties(rng, (2, 2, 2, height, width), dtype)[:, 1],
        ):
            got = equal(f"{kind}_pool2d", x, kernel, stride=stride, dilation=dilation)
            same_bits(got[0], getattr(cconv, f"{kind}_pool2d")(x, kernel, stride=stride, dilation=dilation))
    x = sample(rng, (3, 4, 6, 10), dtype)
    for out, indices in (
        (np.empty((3, 4, 3, 8), dtype)[..., 1:6], np.empty((3, 4, 3, 5), np.int64)),
        (np.empty((3, 4, 3, 5), dtype), np.empty((3, 4, 3, 10), np.int64)[..., ::2]),
        (np.empty((3, 4, 3, 5), dtype), np.empty((3, 4, 4, 5), ">i8")[:, :, 1:]),
    ):
        pool = getattr(cconv, f"{kind}_pool2d")
        right, got = pool(x, 2, return_indices=True), pool(x, 2, return_indices=True, out=(out, indices))
        np.testing.assert_array_equal(got[0], right[0])
        np.testing.assert_array_equal(got[1], right[1])


def test_nan_in_short_rows(rng):
    x = sample(rng, (2, 3, 8, 12), np.float32)
    x[rng.random(x.shape) < 0.3] = np.nan
    x[0, 0] = np.nan
    x[1, 0] = -np.inf
    for nan in ("propagate", "omit"):
        for kernel, stride in ((2, 2), (3, 2), (2, 1)):
            for kind in ("max", "min"):
                equal(f"{kind}_pool2d", x, kernel, stride=stride, nan=nan)
            check("avg_pool2d", x, kernel, stride=stride, nan=nan)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", ">u2", "int16", ">i2", "uint16"])
def test_maxima_of_narrow_integers(rng, dtype):
    """They are compared in lanes of 8 and 16 bits: every width up to two vectors, and values of both signs."""
    for n in [*range(1, 36), 63, 64, 65, 127, 128, 129, 130]:
        x = sample(rng, (1, 5, n), dtype)
        for k, stride in [(1, 1), (2, 2), (3, 1), (3, 2), (6, 1)]:
            if k <= n:
                got = cconv.max_pool2d(x, (2, k), stride=(1, stride))
                assert got.dtype == x.dtype.newbyteorder("=")
                np.testing.assert_array_equal(got, reference.max_pool2d(x, (2, k), stride=(1, stride)))
        last = np.ascontiguousarray(x.transpose(1, 0, 2))[:, :, ::-1]
        got = cconv.max_pool1d(last, 1, data_format="channels_last")
        np.testing.assert_array_equal(got, last)


@pytest.mark.parametrize("kernel_size", [3, 9, (21, 5), (5, 21)], ids=str)
@pytest.mark.parametrize("nan", ["propagate", "omit"])
def test_nan_in_large_windows(rng, kernel_size, nan):
    """The same as window by window, wherever in its blocks a NaN lies."""
    x = rng.standard_normal((1, 1, 40, 90)).astype(np.float32)
    x[rng.random(x.shape) < (0.01 if nan == "propagate" else 0.97)] = np.nan
    padding = tuple(k // 2 for k in kernel_size) if isinstance(kernel_size, tuple) else kernel_size // 2
    parameters = dict(stride=1, padding=padding, nan=nan)
    values = cconv.max_pool2d(x, kernel_size, **parameters)
    walked, _ = cconv.max_pool2d(x, kernel_size, return_indices=True, **parameters)
    assert np.isnan(values).any()
    np.testing.assert_array_equal(values, walked)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kernel_size", [3, 8, 31, (63, 5), (5, 63)], ids=str)
def test_the_error_of_an_average_does_not_grow_with_the_image(dtype, kernel_size):
    """|error| <= (KH + KW) * eps * average of |x|, beside samples a million times larger too."""
    rng = np.random.default_rng(7)
    x = rng.standard_normal((1, 1, 300, 900)) * 10.0 ** rng.integers(-6, 7, (1, 1, 300, 1))
    x = x.astype(dtype)
    kh, kw = kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)
    got = cconv.avg_pool2d(x, (kh, kw), stride=1)
    exact = np.longdouble if dtype == "float64" else np.float64
    windows = np.lib.stride_tricks.sliding_window_view(x[0, 0].astype(exact), (kh, kw))[::7, ::11]
    error = np.abs(got[0, 0, ::7, ::11] - windows.mean((-2, -1)))
    bound = (kh + kw) * np.finfo(dtype).eps * np.abs(windows).mean((-2, -1))
    assert (error <= bound).all()


@KINDS
@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
@pytest.mark.parametrize("kernel_size", [2, 3, 9, 40])
def test_bits_do_not_depend_on_threads_or_batch(rng, kind, data_format, kernel_size):
    x = sample(rng, (3, 6, 211, 157) if data_format == "channels_first" else (3, 211, 157, 6))
    function = getattr(cconv, f"{kind}_pool2d")
    for stride in (1, 2):
        parameters = dict(stride=stride, data_format=data_format)
        one = function(x, kernel_size, num_threads=1, **parameters)
        for threads in (2, 3):
            same_bits(function(x, kernel_size, num_threads=threads, **parameters), one)
        same_bits(function(x[1:2], kernel_size, num_threads=2, **parameters), one[1:2])


def test_scratch_is_a_few_lines_whatever_the_image():
    """Memory beyond input and result, of all threads: under 16 MB."""
    for shape, k in [((1, 2000, 20000), 3), ((1, 2000, 20000), 501), ((1, 1, 10**7), 1001)]:
        x = np.broadcast_to(np.float32(1), shape)
        said = cconv.explain(cconv.max_pool2d, x, (min(k, shape[1]), k), stride=1)
        assert said.scratch_bytes * said.threads < 16e6
        assert said.tasks >= said.threads


def test_average_with_count_include_pad_may_lie_in_the_padding():
    """Zeros over the count of the padded window; the only case where a window needs no real sample."""
    got = cconv.avg_pool1d(np.full((1, 1, 4), 6.0), 2, stride=1, padding=((3, 0),))
    np.testing.assert_array_equal(got[0, 0], [0, 0, 3, 6, 6, 6])


@KINDS
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_nan_omit(rng, kind, dtype):
    x = sample(rng, (2, 3, 12, 23), dtype)
    x[rng.random(x.shape) < 0.4] = np.nan
    x[0, 0, 2:6, 2:6] = np.nan
    for kernel_size, stride in [(2, 2), (3, 2), (3, 1)]:
        got = check(f"{kind}_pool2d", x, kernel_size, stride=stride, nan="omit")
        assert np.isnan(got[0, 0]).any()  # the windows that hold nothing else
        assert np.isnan(got).mean() < 0.2


def test_nan_omit_gives_the_index_of_the_first_maximum_left():
    x = np.array([[np.nan, 2, 2, np.nan, np.nan, -np.inf]], np.float32)
    values, indices = cconv.max_pool1d(x, 3, stride=1, nan="omit", return_indices=True)
    np.testing.assert_array_equal(values, [[2, 2, 2, -np.inf]])
    np.testing.assert_array_equal(indices, [[1, 1, 2, 5]])


@KINDS
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_propagates_exactly_to_the_windows_that_hold_it(rng, kind, dtype):
    for place in range(0, 40, 3):
        x = sample(rng, (1, 2, 6, 40), dtype)
        x[0, 1, 3, place] = np.nan
        got = check(f"{kind}_pool2d", x, 3, stride=1, padding=1)
        assert np.isnan(got).sum() == 3 * (3 - (place in (0, 39)))


@KINDS
def test_nan_raise(rng, kind):
    x = sample(rng, (1, 2, 30))
    function = getattr(cconv, f"{kind}_pool1d")
    same_bits(function(x, 2, nan="raise"), function(x, 2))
    x[0, 1, 17] = np.nan
    with pytest.raises(ValueError, match=r"(?i)input.*nan"):
        function(x, 2, nan="raise")


def test_integers_have_no_nan_to_omit(rng):
    x = sample(rng, (1, 2, 30), "int32")
    same_bits(cconv.max_pool1d(x, 3, nan="omit"), cconv.max_pool1d(x, 3))


@KINDS
@RANKS
@pytest.mark.parametrize("window", [(2, 2, 0), (3, 2, 1), (3, 1, 1)])
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_torch_is_the_judge(rng, rank, kind, window, ceil_mode):
    torch = pytest.importorskip("torch")
    kernel_size, stride, padding = window
    x = rng.integers(-8, 8, (2, 3, *SPATIAL[-rank:])).astype(np.float64)
    parameters = dict(stride=stride, padding=padding, ceil_mode=ceil_mode)
    if kind == "max":
        parameters["return_indices"] = True
    got = getattr(cconv, f"{kind}_pool{rank}d")(x, kernel_size, **parameters)
    want = getattr(torch.nn.functional, f"{kind}_pool{rank}d")(torch.from_numpy(x), kernel_size, **parameters)
    if kind == "max":
        np.testing.assert_array_equal(got[0], want[0].numpy())
        np.testing.assert_array_equal(got[1], want[1].numpy())
    else:
        np.testing.assert_allclose(got, want.numpy(), rtol=1e-14, atol=1e-14)


@pytest.mark.slow
@KINDS
@pytest.mark.parametrize("kernel_size", [2, 3])
def test_many_planes(rng, kind, kernel_size):
    """More planes and rows than fit one block of work."""
    check(f"{kind}_pool2d", sample(rng, (3, 17, 41, 56)), kernel_size, stride=2, padding=kernel_size // 2)


def test_indices_have_lanes_as_wide_as_a_plane_is_large():
    for dtype, narrow, wide in (("float32", "f32", "f64"), ("float16", "f32", "f64"), ("uint8", "i32", "i64")):
        assert maximum_arithmetic(np.dtype(dtype), 2**31) == narrow
        assert maximum_arithmetic(np.dtype(dtype), 2**31 + 1) == wide
