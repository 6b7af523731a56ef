"""The traps between libraries: what cconv does where two peers differ, each test named for the trap.

Letters in a picture stand for samples: with abcd = 1 2 3 4, "dcb|abcd|cba" reads 4 3 2 1 2 3 4 3 2 1.
"""

import numpy as np
import pytest

import cconv

NAN, INF = np.nan, np.inf


def delta(place=4, extent=9):
    x = np.zeros(extent)
    x[place] = 1
    return x


def response(y):
    """(the first place that answers to a delta, what stands there)."""
    y = np.asarray(y).ravel()
    places = np.flatnonzero(y)
    return places[0], y[places[0] : places[-1] + 1].tolist()


def plane(values):
    """(1, 1, n): one image of one channel."""
    return np.asarray(values, float).reshape(1, 1, -1)


EVEN = np.array([1.0, 2, 3, 4])


# ---- the centre of 'same' for even kernels -----------------------------------------------------------------


def test_same_convolve_of_even_kernel_starts_as_numpy_and_scipy_signal_not_ndimage():
    assert response(cconv.convolve(delta(), EVEN, "same")) == (3, [1, 2, 3, 4])


def test_same_correlate_of_even_kernel_starts_as_scipy_correlate_and_ndimage():
    assert response(cconv.correlate(delta(), EVEN, "same")) == (3, [4, 3, 2, 1])


def test_same_of_a_layer_pads_the_extra_sample_at_the_end_as_torch():
    assert response(cconv.conv1d(plane(delta()), plane(EVEN), padding="same")) == (2, [4, 3, 2, 1])


def test_same_lower_of_a_layer_pads_the_extra_sample_at_the_start_as_onnx():
    assert response(cconv.conv1d(plane(delta()), plane(EVEN), padding="same_lower")) == (3, [4, 3, 2, 1])


def test_same_with_even_kernel_and_reflect_pads_as_torch():
    got = cconv.conv1d(plane(delta()), plane(EVEN), padding="same", padding_mode="reflect")
    assert response(got) == (2, [4, 3, 2, 1])


def test_same_correlate_is_not_correlate2d():
    """scipy#1968: correlate gives 11 20 30 20, correlate2d gives 20 30 20 11."""
    np.testing.assert_array_equal(cconv.correlate([1, 2, 3, 4], [1, 2, 3, 4], "same"), [11, 20, 30, 20])
    two = cconv.correlate([[1, 2, 3, 4]], [[1, 2, 3, 4]], "same")
    np.testing.assert_array_equal(two, [[11, 20, 30, 20]])


def test_same_is_not_matlab():
    """scipy#9941: MATLAB gives 15 5 -9 7 6 7 -1."""
    got = cconv.convolve([-1, 2, 3, -2, 0, 1, 2], [2, 4, -1, 1], "same")
    np.testing.assert_array_equal(got, [0, 15, 5, -9, 7, 6, 7])


def test_same_pool_of_even_window_takes_the_sample_after_as_tensorflow():
    """ndimage's and OpenCV's windows of 2 take the sample before."""
    got = cconv.max_pool1d(plane(delta()), 2, stride=1, padding="same")
    assert response(got) == (3, [1, 1])


def test_origin_moves_a_correlation_right_and_a_convolution_left():
    three = np.array([1.0, 2, 3])
    assert response(cconv.correlate(delta(), three, "same"))[0] == 3
    assert response(cconv.correlate(delta(), three, "same", origin=1))[0] == 4
    assert response(cconv.convolve(delta(), three, "same"))[0] == 3
    assert response(cconv.convolve(delta(), three, "same", origin=1))[0] == 2


def test_origin_range_is_asymmetric_for_even_correlation_kernels():
    """-(k//2) <= origin <= (k-1)//2, as ndimage.correlate."""
    assert response(cconv.correlate(delta(), EVEN, "same", origin=-2))[0] == 1
    assert response(cconv.correlate(delta(), EVEN, "same", origin=1))[0] == 4
    for origin in (-3, 2):
        with pytest.raises(ValueError, match="origin"):
            cconv.correlate(delta(), EVEN, "same", origin=origin)


# ---- a kernel longer than the input ------------------------------------------------------------------------


def test_same_keeps_the_length_of_the_input_under_a_longer_kernel_as_scipy_not_numpy():
    """np.convolve swaps and returns six samples (numpy#6316)."""
    np.testing.assert_array_equal(cconv.convolve([1, 2, 3], [1, 2, 3, 4, 5, 6], "same"), [10, 16, 22])


@pytest.mark.parametrize("function", [cconv.convolve, cconv.correlate])
def test_valid_never_swaps(function):
    with pytest.raises(ValueError, match="kernel"):
        function([1, 2, 3], [1, 2, 3, 4], "valid")
    with pytest.raises(ValueError, match="kernel"):
        function(np.ones((4, 3)), np.ones((2, 4)), "valid")


def test_valid_ignores_the_boundary_as_scipy_12685_does_not():
    x, w = np.arange(12.0), np.arange(3.0)
    want = cconv.convolve(x, w, "valid")
    np.testing.assert_array_equal(cconv.convolve(x, w, "valid", boundary="wrap"), want)


def test_kernel_may_be_longer_than_the_input_where_padding_makes_room():
    np.testing.assert_array_equal(cconv.correlate([1, 2], np.ones(7, int), "same", boundary="wrap"), [11, 10])


def test_kernel_larger_than_the_padded_input_is_refused_as_torch():
    with pytest.raises(ValueError, match=r"(?s)kernel.*6.*3|weight.*6.*3"):
        cconv.conv1d(plane([1, 2, 3]), plane(range(6)))


def test_same_with_broadcast_batches_keeps_the_broadcast_batch_as_scipy_21876_does_not():
    x, w = np.ones((1, 5)), np.ones((3, 3))
    assert cconv.convolve(x, w, "full", axes=1).shape == (3, 7)
    assert cconv.convolve(x, w, "same", axes=1).shape == (3, 5)


# ---- names of paddings -------------------------------------------------------------------------------------


PICTURES = {
    "constant": [9, 9, 9, 1, 2, 3, 4, 9, 9, 9],
    "edge": [1, 1, 1, 1, 2, 3, 4, 4, 4, 4],
    "symmetric": [3, 2, 1, 1, 2, 3, 4, 4, 3, 2],
    "reflect": [4, 3, 2, 1, 2, 3, 4, 3, 2, 1],
    "wrap": [2, 3, 4, 1, 2, 3, 4, 1, 2, 3],
}


@pytest.mark.parametrize("name", PICTURES)
def test_padding_names_are_numpys(name):
    """'reflect' is the false friend: ndimage's reflect is symmetric, its mirror is reflect."""
    cval = 9 if name == "constant" else 0
    got = cconv.conv1d(plane([1, 2, 3, 4]), plane([1]), padding=3, padding_mode=name, cval=cval)
    np.testing.assert_array_equal(got[0, 0], PICTURES[name])
    np.testing.assert_array_equal(got[0, 0, 3:-3], [1, 2, 3, 4])


@pytest.mark.parametrize("name", PICTURES)
def test_boundary_names_are_numpys(name):
    """The same pictures through correlate: the two ends of the window, one at a time."""
    cval = 9 if name == "constant" else 0
    first, last = np.zeros(7), np.zeros(7)
    first[0] = last[-1] = 1
    x = np.array([1.0, 2, 3, 4])
    got = cconv.correlate(x, first, "same", boundary=name, cval=cval)
    np.testing.assert_array_equal(got, PICTURES[name][:4])
    got = cconv.correlate(x, last, "same", boundary=name, cval=cval)
    np.testing.assert_array_equal(got, PICTURES[name][6:])


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("extent", [1, 2, 3])
def test_padding_may_be_wider_than_the_input_many_times(name, extent):
    """torch refuses reflect from n and circular beyond n; numpy.pad goes on."""
    x = np.arange(1.0, extent + 1)
    got = cconv.conv1d(plane(x), plane([1]), padding=((11, 17),), padding_mode=name)
    np.testing.assert_array_equal(got[0, 0], np.pad(x, (11, 17), name))


@pytest.mark.parametrize("name", ["nearest", "mirror", "fill", "grid-wrap", "periodic", "extend", "symm"])
def test_names_of_other_libraries_are_refused_not_guessed(name):
    with pytest.raises(ValueError, match=f"(?s)boundary.*{name}.*symmetric"):
        cconv.convolve([1.0, 2], [1.0], "same", boundary=name)
    with pytest.raises(ValueError, match=f"(?s)padding_mode.*{name}.*symmetric"):
        cconv.conv1d(plane([1, 2]), plane([1]), padding=1, padding_mode=name)


def test_full_with_a_boundary_is_refused():
    with pytest.raises(ValueError, match=r"(?s)boundary.*(full|same)"):
        cconv.convolve([1.0, 2], [1.0, 2], "full", boundary="wrap")


def test_zeros_refuses_another_cval():
    with pytest.raises(ValueError, match="cval"):
        cconv.convolve([1.0, 2], [1.0, 2], "same", boundary="zeros", cval=1)
    with pytest.raises(ValueError, match="cval"):
        cconv.conv1d(plane([1, 2]), plane([1]), padding=1, padding_mode="zeros", cval=1)


# ---- SAME of TensorFlow, causal ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "k", "s", "before"), [(6, 3, 2, 0), (224, 7, 2, 2), (5, 3, 2, 1), (7, 2, 3, 0), (9, 1, 4, 0)]
)
def test_same_with_stride_is_tensorflows(n, k, s, before):
    """total = max((out-1)*s + k - n, 0), half of it before: n=6, k=3, s=2 pads (0, 1), not torch's (1, 1)."""
    x = np.arange(1.0, n + 1)
    first = np.zeros(k)
    first[0] = 1  # picks the first sample of each window
    got = cconv.conv1d(plane(x), plane(first), stride=s, padding="same")[0, 0]
    assert len(got) == -(-n // s)
    starts = np.arange(len(got)) * s - before
    np.testing.assert_array_equal(got, np.where(starts < 0, 0, starts + 1))


def test_same_average_that_ignores_the_padding_is_tensorflows():
    x = plane([1, 2, 3, 4, 5, 6])
    got = cconv.avg_pool1d(x, 3, stride=2, padding="same", count_include_pad=False)
    np.testing.assert_array_equal(got[0, 0], [2, 4, 5.5])


def test_causal_keeps_the_length_under_dilation_and_reads_no_future():
    """keras#8751: left padding is d*(k-1)."""
    w = plane([1, 2, 3])
    assert response(cconv.conv1d(plane(delta(4, 12)), w, padding="causal", dilation=3)) == (
        4,
        [3, 0, 0, 2, 0, 0, 1],
    )
    assert cconv.conv1d(plane(np.ones(12)), w, padding="causal", dilation=3).shape == (1, 1, 12)


def test_causal_is_for_the_first_spatial_axis_the_others_are_same():
    x = np.zeros((1, 1, 7, 7))
    x[0, 0, 3, 3] = 1
    rows, columns = np.nonzero(cconv.conv2d(x, np.ones((1, 1, 3, 3)), padding="causal")[0, 0])
    assert sorted(set(rows)) == [3, 4, 5]
    assert sorted(set(columns)) == [2, 3, 4]


# ---- complex -----------------------------------------------------------------------------------------------


def test_correlate_conjugates_the_kernel():
    np.testing.assert_array_equal(
        cconv.correlate([1 + 2j, 3j], [1j, 2 - 1j], "valid"), [(1 + 2j) * -1j + 3j * (2 + 1j)]
    )
    np.testing.assert_array_equal(cconv.correlate([1.0, 2.0], [1j]), [-1j, -2j])


def test_convolve_never_conjugates():
    np.testing.assert_array_equal(cconv.convolve([1.0, 2.0], [1j]), [1j, 2j])


@pytest.mark.parametrize("flip_kernel", [False, True])
def test_layers_never_conjugate(flip_kernel):
    got = cconv.conv1d(plane([1, 2]).astype(complex), np.full((1, 1, 1), 1j), flip_kernel=flip_kernel)
    np.testing.assert_array_equal(got[0, 0], [1j, 2j])


def test_real_cval_is_not_used_for_the_imaginary_part():
    """scipy#13248."""
    got = cconv.correlate(np.array([1j]), np.array([1.0, 0, 0]), "same", cval=5)
    np.testing.assert_array_equal(got, [5])


def test_complex_infinity_stays_in_its_footprint():
    """Complex products make nan of the other part, but never of a neighbour."""
    x = np.array([1j, complex(INF, 0), 1, 2, 3])
    got = cconv.convolve(x, np.array([1.0 + 0j, 1.0]))
    np.testing.assert_array_equal(np.isfinite(got), [True, False, False, True, True, True])


# ---- integers, rounding, casting ---------------------------------------------------------------------------


def test_uint8_wraps_as_numpy_it_does_not_saturate_as_opencv():
    got = cconv.convolve(np.array([200, 200, 200, 10], np.uint8), np.ones(3, np.uint8))
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got, [200, 144, 88, 154, 210, 10])
    got = cconv.conv1d(np.full((1, 1, 3), 200, np.uint8), np.ones((1, 1, 3), np.uint8))
    assert (got.dtype, got.item()) == (np.uint8, 88)


def test_int64_is_exact_above_2_to_the_53():
    """scipy#10390: ndimage goes through float64."""
    big = 2**62 + 1
    np.testing.assert_array_equal(cconv.convolve([big], [1]), [big])
    np.testing.assert_array_equal(cconv.conv1d(np.full((1, 1, 1), big), np.ones((1, 1, 1), int)), [[[big]]])
    assert cconv.max_pool1d(np.array([[big, big + 1, big - 1]]), 3).item() == big + 1
    assert cconv.max_pool1d(np.array([[2**64 - 2, 2**64 - 1, 5]], np.uint64), 3).item() == 2**64 - 1


def test_uint32_beyond_int32_is_exact_in_pooling():
    assert cconv.max_pool1d(np.array([[2**31 - 1, 2**32 - 1, 2**31]], np.uint32), 3).item() == 2**32 - 1
    assert cconv.avg_pool1d(np.array([[2**32 - 1, 2**32 - 3]], np.uint32), 2).item() == 2**32 - 2


def test_integers_with_a_float_kernel_give_floats_not_the_input_type():
    """ndimage truncates 0.5 1.5 2.5 to 0 1 2."""
    got = cconv.convolve(np.array([1, 3, 5], np.int16), np.array([0.5]))
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, [0.5, 1.5, 2.5])


def test_nan_cval_for_integers_is_refused_not_made_the_smallest_integer():
    """scipy#10527."""
    for cval in (NAN, 0.5, INF, 1j):
        with pytest.raises((ValueError, TypeError), match="cval"):
            cconv.convolve([1, 2], [1, 1], "same", cval=cval)


def test_bool_is_or_of_ands_as_numpy():
    x, w = np.array([True, False, True, True, False]), np.array([True, True])
    for mode in ("full", "same", "valid"):
        got = cconv.convolve(x, w, mode)
        assert got.dtype == bool
        np.testing.assert_array_equal(got, np.convolve(x, w, mode))


def test_256_true_are_true():
    """A sum that is stored in a byte before it is compared with 0 would be false."""
    assert cconv.convolve(np.ones(256, bool), np.ones(256, bool), "valid").item() is True
    assert cconv.conv1d(np.ones((1, 256, 2), bool), np.ones((1, 256, 1), bool)).all()


def test_average_of_integers_is_a_float_that_does_not_overflow():
    got = cconv.avg_pool1d(np.array([[250, 251, 252, 254]], np.uint8), 4)
    assert got.dtype == np.float64
    assert got.item() == 251.75


def test_tiny_weights_count():
    """ndimage's n-D filters drop weights under DBL_EPSILON."""
    np.testing.assert_array_equal(cconv.correlate([[2.0]], [[1e-17]]), [[2e-17]])
    assert cconv.conv1d(plane([2]), plane([1e-300])).item() == 2e-300


@pytest.mark.parametrize("value", [NAN, INF, -INF])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_nan_and_inf_under_a_zero_weight_propagate(value, dtype):
    """0 * nan is nan, as in numpy and convolve1d; ndimage's n-D filters and OpenCV skip zeros."""
    x = np.ones((9, 40), dtype)
    x[4, 20] = value
    w = np.zeros((3, 3), dtype)
    got = cconv.correlate(x, w, "same")
    want = np.zeros((9, 40), bool)
    want[3:6, 19:22] = True
    np.testing.assert_array_equal(np.isnan(got), want)


@pytest.mark.parametrize("value", [NAN, INF])
@pytest.mark.parametrize("taps", [1, 2, 3, 4, 5, 7, 8, 11, 15, 16, 17, 31, 33, 65, 101])
def test_one_nan_reaches_its_footprint_and_nothing_else(value, taps):
    """Samples and taps are padded to whole vectors inside: what padding meets must not change."""
    extent = 300
    for place in (0, 1, 47, 150, 298, 299):
        x = np.ones(extent, np.float32)
        x[place] = value
        got = cconv.convolve(x, np.ones(taps, np.float32))
        np.testing.assert_array_equal(np.flatnonzero(~np.isfinite(got)), np.arange(place, place + taps))


@pytest.mark.parametrize("channels", [(1, 1, 1), (3, 5, 1), (5, 17, 1), (16, 16, 1), (6, 6, 6)], ids=str)
def test_nan_in_one_channel_stays_in_its_group_and_its_pixels(channels):
    ic, oc, groups = channels
    x = np.ones((2, ic, 6, 25), np.float32)
    x[1, ic - 1, 2, 24] = NAN
    got = cconv.conv2d(x, np.ones((oc, ic // groups, 3, 3), np.float32), padding=1, groups=groups)
    want = np.zeros(got.shape, bool)
    want[1, -oc // groups :, 1:4, 23:25] = True
    np.testing.assert_array_equal(np.isnan(got), want)


@pytest.mark.parametrize("channels", [(3, 5), (8, 17), (16, 33)], ids=str)
def test_nan_in_the_weight_of_one_output_stays_there(channels):
    ic, oc = channels
    w = np.ones((oc, ic, 3, 3), np.float32)
    w[oc - 1, 0, 1, 1] = NAN
    got = cconv.conv2d(np.ones((1, ic, 6, 9), np.float32), w, padding=1)
    assert np.isnan(got[:, -1]).all()
    assert not np.isnan(got[:, :-1]).any()


def test_float16_overflows_to_infinity_only_when_stored():
    got = cconv.convolve(np.array([60000, 60000, -60000], np.float16), np.ones(3, np.float16))
    np.testing.assert_array_equal(got, np.array([60000, INF, 60000, 0, -60000], np.float16))


def test_subnormals_are_not_flushed():
    tiny = np.float32(1e-44)
    np.testing.assert_array_equal(
        cconv.convolve(np.full(40, tiny), np.ones(1, np.float32)), np.full(40, tiny)
    )
    np.testing.assert_array_equal(cconv.max_pool1d(np.full((1, 40), 5e-324), 2), np.full((1, 20), 5e-324))
