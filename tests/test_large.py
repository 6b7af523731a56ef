"""Arrays over 4 GiB: offsets past 2**31 and 2**32, in bytes and in samples. Run with CCONV_TEST_LARGE=1.

Design: an input of np.zeros costs no memory while it is only read, so a test holds little but its results: at most
5 GiB. Samples that are not zero stand at the ends and on both sides of 2**31 and 2**32, where a truncated offset would
show; all that is not zero in a result is compared.
"""

import os

import numpy as np
import pytest

import cconv

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.environ.get("CCONV_TEST_LARGE") != "1", reason="8 GiB of memory: CCONV_TEST_LARGE=1 runs it"),
]
LENGTH = 2**32 + 2**20 + 64  # of a line
SIDE = 65_600  # of a square: over 2**32 samples
SPOTS = [0, 1, 2**31 - 1, 2**31, 2**31 + 1, 2**32 - 1, 2**32, 2**32 + 1, LENGTH - 1]


def line(dtype=np.uint8, spots=SPOTS, length=LENGTH):
    x = np.zeros(length, dtype)
    x[spots] = np.arange(1, len(spots) + 1)
    return x


def square(dtype):
    x = np.zeros((SIDE, SIDE), dtype)
    x.reshape(-1)[[s for s in SPOTS if s < x.size]] = np.arange(1, 1 + sum(s < x.size for s in SPOTS))
    x[-1, -1] = 9
    return x


def nonzeros(array, block=1 << 26):
    """{index: value} of what is not zero, a block at a time."""
    flat, found = array.reshape(-1), {}
    for start in range(0, flat.size, block):
        part = flat[start : start + block]
        for i in np.flatnonzero(part):
            found[start + int(i)] = part[i].item()
    return found


def test_maxima_of_a_line_and_where_they_stood():
    x = line()
    got, places = cconv.max_pool1d(x[None], 64, return_indices=True)
    expected = {}
    for spot, value in zip(SPOTS, range(1, 99), strict=False):
        expected[spot // 64] = max(value, expected.get(spot // 64, 0))
    assert nonzeros(got) == expected
    far = [2**31 + 1, 2**32 + 1, LENGTH - 1]
    assert [int(places[0, spot // 64]) for spot in far] == far
    same = cconv.max_pool1d(x[None], 64)
    np.testing.assert_array_equal(same, got)


def test_means_of_float32_beyond_2_32_samples():
    x = square(np.float32)
    got = cconv.avg_pool2d(x[None], 16, divisor_override=1)
    want = {}
    for spot, value in nonzeros_of_square():
        place = spot // SIDE // 16 * (SIDE // 16) + spot % SIDE // 16
        want[place] = want.get(place, 0) + value
    assert nonzeros(got) == want


def nonzeros_of_square():
    spots = [s for s in SPOTS if s < SIDE**2]
    return [*zip(spots, range(1, 99), strict=False), (SIDE**2 - 1, 9)]


def test_a_strided_layer_of_float32():
    x = square(np.float32)
    weight = np.ones((2, 1, 16, 16), np.float32)
    weight[1] = 2
    got = cconv.conv2d(x[None], weight, stride=16)
    want = {}
    for spot, value in nonzeros_of_square():
        place = spot // SIDE // 16 * (SIDE // 16) + spot % SIDE // 16
        want[place] = want.get(place, 0) + value
    assert nonzeros(got[0]) == want
    assert nonzeros(got[1]) == {place: 2 * value for place, value in want.items()}


def test_the_weight_gradient_of_a_strided_layer():
    x = square(np.float32)
    grad = np.ones((1, SIDE // 16, SIDE // 16), np.float32)
    got = cconv.conv2d_weight_grad(x[None], grad, (1, 1, 16, 16), stride=16)
    want = np.zeros((16, 16))
    for spot, value in nonzeros_of_square():
        want[spot // SIDE % 16, spot % SIDE % 16] += value
    np.testing.assert_array_equal(got[0, 0], want)


@pytest.mark.parametrize("axes", [1, 2])
def test_a_filter_of_bytes(axes):
    """Input and result over 4 GiB."""
    if axes == 1:
        x, w = line(), np.uint8([1, 0, 10])
        places, offsets = SPOTS, [-1, 1]
    else:
        x, w = square(np.uint8), np.uint8([[1, 0, 0], [0, 0, 0], [0, 0, 10]])
        places, offsets = [spot for spot, _ in nonzeros_of_square()], [-SIDE - 1, SIDE + 1]
    values = nonzeros(x)
    got = cconv.convolve(x, w, "same")
    want = {}
    for spot in places:
        for offset, factor in zip(offsets, (1, 10), strict=True):
            row, column = divmod(spot, x.shape[-1])
            step = 1 if offset > 0 else -1
            if axes == 2 and not (0 <= row + step < SIDE and 0 <= column + step < SIDE):
                continue
            if 0 <= spot + offset < x.size:
                want[spot + offset] = want.get(spot + offset, 0) + factor * values[spot]
    del x
    assert nonzeros(got) == want


def test_the_gradient_of_a_pool():
    """A result over 4 GiB of few samples: float16, and places past 2**31."""
    n = 2**31 + 4096
    grad = np.zeros((1, n // 4096), np.float16)
    grad[0, [0, -2, -1]] = 1, 2, 3
    indices = np.zeros(grad.shape, np.int64)
    indices[0, [-2, -1]] = 2**31 + 5, n - 1
    got = cconv.max_pool1d_input_grad(grad, indices, (1, n))
    assert nonzeros(got) == {0: 1.0, 2**31 + 5: 2.0, n - 1: 3.0}
    grads = cconv.avg_pool1d_input_grad(grad, (1, n), 4096, divisor_override=1)
    assert [float(grads[0, i]) for i in (0, 4095, 4096, n - 1, n - 4096, n - 4097, 2**31)] == [1, 1, 0, 3, 3, 2, 3]


def test_ndimage_of_bytes():
    x = line(length=LENGTH)
    got = cconv.ndimage.maximum_filter1d(x, 3)
    want = {}
    for spot, value in nonzeros(x).items():
        for place in (spot - 1, spot, spot + 1):
            if 0 <= place < LENGTH:
                want[place] = max(value, want.get(place, 0))
    assert nonzeros(got) == want


def test_an_activation_of_float16():
    n = 2**31 + 100
    x = np.zeros(n, np.float16)
    x[[0, 1, 2**31 - 1, 2**31, n - 1]] = -1, 2, 3, 4, 5
    got = cconv.activations.leaky_relu(x, negative_slope=0.5)
    assert nonzeros(got) == {0: -0.5, 1: 2, 2**31 - 1: 3, 2**31: 4, n - 1: 5}
