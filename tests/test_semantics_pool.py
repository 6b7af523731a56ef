"""The traps of pooling and of degenerate sizes, each test named for the trap."""

import numpy as np
import pytest

import cconv

NAN, INF = np.nan, np.inf


def line(*values):
    """(1, n): one channel, unbatched."""
    return np.array([values], float)


def test_average_with_ceil_mode_divides_as_torch_2_13_not_as_older_onnx_runtimes():
    """torch#183528, onnxruntime#16203: a window that hangs over counts padding, not what lies beyond."""
    x = np.arange(1.0, 17).reshape(1, 4, 4)
    got = cconv.avg_pool2d(x, 3, stride=2, padding=1, ceil_mode=True)
    want = [[14 / 9, 30 / 9, 12 / 6], [57 / 9, 99 / 9, 36 / 6], [27 / 6, 45 / 6, 16 / 4]]
    np.testing.assert_allclose(got[0], want, rtol=1e-15)


@pytest.mark.parametrize(
    ("extent", "kernel_size", "stride", "padding", "windows"),
    [(9, 4, 4, 2, 3), (2, 3, 3, 1, 1), (5, 2, 2, 0, 3), (4, 2, 2, 0, 2), (1, 1, 2, 0, 1)],
)
def test_ceil_mode_drops_a_window_that_starts_past_the_input(extent, kernel_size, stride, padding, windows):
    """onnx#4958, torch#71549: older ONNX filled such rows with NaN or the lowest float."""
    x = np.ones((1, extent, extent))
    for function in (cconv.max_pool2d, cconv.avg_pool2d):
        got = function(x, kernel_size, stride=stride, padding=padding, ceil_mode=True)
        assert got.shape == (1, windows, windows)
        assert np.isfinite(got).all()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int16", "int32", "int64"])
def test_padding_of_max_is_lower_than_every_value_never_zero(dtype):
    lowest = -INF if np.dtype(dtype).kind == "f" else np.iinfo(dtype).min
    x = np.full((1, 3, 3), -5, dtype)
    np.testing.assert_array_equal(cconv.max_pool2d(x, 3, stride=1, padding=1), x)
    x[...] = lowest
    values, indices = cconv.max_pool2d(x, 3, stride=1, padding=1, return_indices=True)
    np.testing.assert_array_equal(values, x)
    # the first real sample of each window, not a position in the padding
    np.testing.assert_array_equal(indices[0], [[0, 0, 1], [0, 0, 1], [3, 3, 4]])


def test_max_of_float64_below_the_lowest_float32():
    """oneDNN starts from -FLT_MAX."""
    assert cconv.max_pool1d(line(-1e300, -2e300), 2).item() == -1e300
    assert cconv.max_pool1d(line(-INF, -INF), 2).item() == -INF


def test_ties_give_the_first_maximum_in_row_major_order():
    x = np.full((1, 4, 4), 2.0)
    _, indices = cconv.max_pool2d(x, 2, return_indices=True)
    np.testing.assert_array_equal(indices[0], [[0, 2], [8, 10]])
    x = np.array([[[1.0, 7, 7], [7, 0, 7], [7, 7, 7]]])
    _, indices = cconv.max_pool2d(x, 3, return_indices=True)
    assert indices.item() == 1


def test_zeros_of_both_signs_are_a_tie():
    _, indices = cconv.max_pool1d(line(-0.0, 0.0, -0.0), 3, return_indices=True)
    assert indices.item() == 0


def test_indices_are_flat_over_the_unpadded_plane():
    x = np.zeros((2, 3, 4, 5))
    x[:, :, 0, 0] = x[:, :, 3, 4] = 1
    _, indices = cconv.max_pool2d(x, 3, stride=(3, 4), padding=1, return_indices=True)
    assert indices.dtype == np.int64
    assert (indices[:, :, 0, 0] == 0).all()
    assert (indices[:, :, -1, -1] == 19).all()
    x = np.zeros((1, 2, 3, 4, 5))
    x[..., 2, 3, 4] = 1
    _, indices = cconv.max_pool3d(x, (3, 4, 5), return_indices=True)
    np.testing.assert_array_equal(indices.ravel(), [59, 59])


def test_nan_wins_and_its_index_is_the_first_nans_where_torch_gives_the_last():
    values, indices = cconv.max_pool1d(line(1, NAN, 3, NAN, INF, 2), 6, return_indices=True)
    assert np.isnan(values).all()
    assert indices.item() == 1
    _, indices = cconv.max_pool1d(line(0, 1, 2, 3, NAN, NAN), 2, return_indices=True)
    np.testing.assert_array_equal(indices, [[1, 3, 4]])


def test_nan_is_not_order_dependent_as_in_ndimage():
    """ndimage.maximum_filter of 1 nan 3 4 5 2 is 1 3 4 5 5 5."""
    for place in range(5):
        x = line(1, 2, 3, 4, 5)
        x[0, place] = NAN
        assert np.isnan(cconv.max_pool1d(x, 5)).all()
    got = cconv.max_pool1d(line(1, NAN, 3, 4, 5, 2), 3, stride=1, padding=1)
    np.testing.assert_array_equal(got, line(NAN, NAN, NAN, 5, 5, 5))


@pytest.mark.parametrize("value", [NAN, INF])
def test_average_does_not_carry_nan_or_inf_along_the_line(value):
    """A running sum would: uniform_filter1d leaves nan to the end of the line."""
    x = np.ones((1, 200), np.float32)
    x[0, 50] = value
    got = cconv.avg_pool1d(x, 3, stride=1)
    np.testing.assert_array_equal(np.flatnonzero(~np.isfinite(got[0])), [48, 49, 50])
    assert (got[0, 51:] == 1).all()
    x = np.ones((1, 1, 20, 60), np.float32)
    x[0, 0, 5, 30] = value
    assert (~np.isfinite(cconv.avg_pool2d(x, 3, stride=1))).sum() == 9


def test_average_is_not_a_running_sum():
    """One large sample must not take digits from the windows after it."""
    x = np.full((1, 100), 0.1, np.float32)
    x[0, 10] = 1e8
    got = cconv.avg_pool1d(x, 4, stride=1)
    np.testing.assert_allclose(got[0, 11:], 0.1, rtol=1e-6)


def test_divisor_override_divides_every_window():
    got = cconv.avg_pool1d(line(1, 2, 3, 4, 5), 3, stride=2, padding=1, divisor_override=2)
    np.testing.assert_array_equal(got, line(1.5, 4.5, 4.5))


def test_padding_may_exceed_half_the_window_while_every_window_touches_a_sample():
    """torch and ONNX Runtime refuse; here only a window without a sample is refused."""
    got = cconv.max_pool1d(line(1, 2, 3), 3, stride=1, padding=2)
    np.testing.assert_array_equal(got, line(1, 2, 3, 3, 3))
    for function in (cconv.max_pool1d, lambda *a, **k: cconv.avg_pool1d(*a, count_include_pad=False, **k)):
        with pytest.raises(ValueError, match="padding"):
            function(line(1, 2, 3), 3, stride=1, padding=3)


def test_dilated_window_that_steps_over_a_short_input_is_refused_for_max():
    """Taps at -1 and 1 of an axis of 1 sample: the window touches nothing."""
    with pytest.raises(ValueError, match=r"padding|window"):
        cconv.max_pool1d(line(7), 2, stride=1, padding=1, dilation=2)


def test_max_refuses_complex():
    with pytest.raises(TypeError, match=r"(?s)input.*complex128"):
        cconv.max_pool1d(np.ones((1, 4), complex), 2)


# ---- empty and degenerate ----------------------------------------------------------------------------------


def test_no_images_are_fine_in_layers_and_pools():
    assert cconv.conv2d(np.ones((0, 3, 5, 5)), np.ones((4, 3, 3, 3))).shape == (0, 4, 3, 3)
    assert cconv.max_pool2d(np.ones((0, 3, 5, 5)), 2).shape == (0, 3, 2, 2)
    assert cconv.avg_pool2d(np.ones((0, 3, 5, 5)), 2).shape == (0, 3, 2, 2)
    values, indices = cconv.max_pool2d(np.ones((0, 3, 5, 5)), 2, return_indices=True)
    assert values.shape == indices.shape == (0, 3, 2, 2)


def test_no_channels_give_zeros_in_layers():
    got = cconv.conv2d(np.ones((2, 0, 5, 5)), np.ones((4, 0, 3, 3)))
    assert got.shape == (2, 4, 3, 3)
    assert not got.any()


def test_no_channels_are_fine_in_pools_where_torch_refuses():
    assert cconv.max_pool2d(np.ones((2, 0, 5, 5)), 2).shape == (2, 0, 2, 2)


def test_empty_kernel_is_refused_and_named():
    """ndimage says 'weights.ndim (0) must match len(axes)'."""
    with pytest.raises(ValueError, match="kernel"):
        cconv.convolve([1.0, 2], [])
    with pytest.raises(ValueError, match="weight"):
        cconv.conv1d(np.ones((1, 1, 5)), np.ones((1, 1, 0)), padding=2)


def test_kernel_of_another_rank_is_refused_in_words():
    """numpy says 'object too deep for desired array'."""
    with pytest.raises(ValueError, match=r"(?s)kernel.*\b2\b"):
        cconv.convolve(np.ones(5), np.ones((2, 2)))


def test_mode_zero_is_refused_in_words():
    """'boundary mode not supported' (ndimage, also for mode=0)."""
    with pytest.raises((ValueError, TypeError), match=r"(?s)mode.*0.*full"):
        cconv.convolve([1.0, 2], [1.0], 0)


def test_wrap_is_supported_where_opencv_asserts():
    got = cconv.correlate(
        np.array([[1, 2, 3]], np.uint8), np.array([[1, 0, 0]], np.uint8), "same", boundary="wrap"
    )
    np.testing.assert_array_equal(got, [[3, 1, 2]])


def test_float_with_double_is_double_where_torch_refuses():
    """'expected scalar type Double but found Float'."""
    assert cconv.conv1d(np.ones((1, 1, 4)), np.ones((1, 1, 2), np.float32)).dtype == np.float64
