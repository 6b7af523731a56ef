"""The twins are judged first: a naive twin that is wrong proves a wrong kernel right."""

import numpy as np
import pytest

import reference

BOUNDARIES = ["constant", "edge", "reflect", "symmetric", "wrap"]


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("extent", [1, 2, 3, 5])
def test_pad_axis_is_numpy_pad(boundary, extent):
    x = np.arange(2.0 * extent).reshape(2, extent)
    for before, after in [(0, 0), (1, 0), (0, 3), (4, 2), (13, 17)]:
        want = np.pad(x, ((0, 0), (before, after)), boundary)
        np.testing.assert_array_equal(reference.pad_axis(x, 1, before, after, boundary), want)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize(
    "size", [((9,), (4,)), ((9,), (3,)), ((5, 8), (2, 3)), ((4, 5, 6), (3, 2, 1)), ((3,), (6,))]
)
@pytest.mark.parametrize("dtype", [float, complex, np.uint8, np.int64])
def test_twins_of_the_filters_are_scipy_signal(rng, size, mode, dtype):
    signal = pytest.importorskip("scipy.signal")
    if mode == "valid" and size[0] < size[1]:
        pytest.skip("SciPy swaps")
    x, w = [
        rng.integers(0, 100, s).astype(dtype) + (1j * rng.integers(0, 9, s) if dtype is complex else 0)
        for s in size
    ]
    for name in ("convolve", "correlate"):
        want = getattr(signal, name)(x, w, mode, method="direct")
        got = getattr(reference, name)(x, w, mode)
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=1e-13)


@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("kernel_size", [(3, 5), (2, 4), (9, 2), (1, 1)])
def test_twins_of_the_filters_are_ndimage(rng, boundary, kernel_size):
    """correlate for every kernel, convolve for odd ones (ndimage centres even ones elsewhere)."""
    ndimage = pytest.importorskip("scipy.ndimage")
    x, w = rng.standard_normal((4, 6)), rng.standard_normal(kernel_size)
    mode = {"edge": "nearest", "reflect": "mirror", "symmetric": "reflect"}.get(boundary, boundary)
    for origin in [(0, 0), tuple(-(k // 2) for k in kernel_size), tuple((k - 1) // 2 for k in kernel_size)]:
        want = ndimage.correlate(x, w, mode=mode, cval=1.5, origin=origin)
        got = reference.correlate(x, w, "same", boundary=boundary, cval=1.5, origin=origin)
        np.testing.assert_allclose(got, want, atol=1e-12)
        if all(k % 2 for k in kernel_size):
            want = ndimage.convolve(x, w, mode=mode, cval=1.5, origin=origin)
            got = reference.convolve(x, w, "same", boundary=boundary, cval=1.5, origin=origin)
            np.testing.assert_allclose(got, want, atol=1e-12)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize(
    "case",
    [
        {},
        dict(stride=2, padding=1),
        dict(dilation=2, padding=2),
        dict(groups=2, stride=3, padding=2),
        dict(groups=4, padding="same", dilation=3),
        dict(padding="valid"),
    ],
)
def test_twin_of_conv_is_torch(rng, rank, case):
    torch = pytest.importorskip("torch")
    spatial = (7, 8, 9)[:rank]
    x = rng.standard_normal((2, 4, *spatial))
    w = rng.standard_normal((4, 4 // case.get("groups", 1), *(3, 4, 2)[:rank]))
    b = rng.standard_normal(4)
    got = getattr(reference, f"conv{rank}d")(x, w, b, **case)
    torch_function = getattr(torch.nn.functional, f"conv{rank}d")
    want = torch_function(*map(torch.from_numpy, (x, w, b)), **case).numpy()
    np.testing.assert_allclose(got, want, atol=1e-12)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("window", [(2, 2, 0), (3, 2, 1), (2, 3, 1), (3, 1, 1), (4, 4, 2)])
def test_twins_of_the_pools_are_torch(rng, rank, ceil_mode, window):
    torch = pytest.importorskip("torch")
    kernel_size, stride, padding = window
    functional = torch.nn.functional
    for n in (5, 6, 7):
        x = rng.standard_normal((2, 3, *(n, 9, 6)[:rank]))
        t = torch.from_numpy(x)
        common = dict(stride=stride, padding=padding, ceil_mode=ceil_mode)
        for dilation in (1, 2):
            want = getattr(functional, f"max_pool{rank}d")(
                t, kernel_size, dilation=dilation, return_indices=True, **common
            )
            got = reference.max_pool_nd(
                rank, x, kernel_size, dilation=dilation, return_indices=True, **common
            )
            np.testing.assert_array_equal(got[0], want[0])
            np.testing.assert_array_equal(got[1], want[1])
        for extra in ({}, {"count_include_pad": False}, {"divisor_override": 5}):
            if rank == 1 and "divisor_override" in extra:
                continue  # torch has none in 1-D
            want = getattr(functional, f"avg_pool{rank}d")(t, kernel_size, **common, **extra)
            got = reference.avg_pool_nd(rank, x, kernel_size, **common, **extra)
            np.testing.assert_allclose(got, want, atol=1e-14)


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_twins_agree_about_layout(rng, data_format):
    """A layout is a name for axes: moving them gives the other layout's result."""
    first = rng.standard_normal((2, 3, 6, 7))
    x = np.moveaxis(first, 1, -1) if data_format == "channels_last" else first
    w = rng.standard_normal((5, 3, 3, 3))
    axis = -1 if data_format == "channels_last" else 1
    got = np.moveaxis(reference.conv2d(x, w, data_format=data_format), axis, 1)
    np.testing.assert_array_equal(got, reference.conv2d(first, w))
    got = np.moveaxis(reference.avg_pool2d(x, 2, data_format=data_format), axis, 1)
    np.testing.assert_array_equal(got, reference.avg_pool2d(first, 2))
    np.testing.assert_array_equal(reference.conv2d(x[0], w, data_format=data_format).ndim, 3)
