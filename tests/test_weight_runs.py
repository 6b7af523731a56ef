"""Weight gradients of a few output channels: pixels in the lanes (weight_runs.pxd)."""

import numpy as np
import pytest

import cconv
from checks import same_bits, sample, weight_schedule

FEW = (
    # input, weight, options
    ((2, 1, 40, 40), (1, 1, 3, 3), {}),
    ((3, 1, 32, 32), (6, 1, 5, 5), {}),
    ((2, 3, 37, 21), (5, 3, 3, 2), dict(padding=1)),
    ((1, 2, 50, 49), (3, 2, 3, 3), dict(stride=2, padding=1)),
    ((1, 2, 50, 49), (7, 2, 2, 3), dict(stride=(1, 3), dilation=2)),
    ((2, 4, 30, 33), (2, 2, 3, 3), dict(groups=2, padding="same")),
    ((2, 3, 24, 80), (3, 1, 3, 3), dict(groups=3, padding=1, padding_mode="wrap", flip_kernel=True)),
    ((1, 1, 300, 7), (4, 1, 3, 3), dict(padding=((2, 3), (0, 1)), padding_mode="reflect")),
    ((2, 2, 9, 700), (1, 2, 9, 11), dict(padding=(4, 5), padding_mode="edge")),
    ((1, 1, 3000), (1, 1, 3), dict(padding=1)),
    ((1, 2, 9000), (3, 2, 10), dict(stride=3, dilation=5)),
    ((2, 1, 6, 20, 21), (2, 1, 2, 3, 3), dict(padding=1, stride=(2, 1, 1))),
)


@pytest.mark.parametrize("dtype", ["float32", "float64", ">f4", "complex64"])
@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_weight_gradient_of_few_channels(rng, dtype, data_format):
    for shape, weight_shape, options in FEW:
        rank = len(shape) - 2
        forward = getattr(cconv, f"conv{rank}d")
        gradient = getattr(cconv, f"conv{rank}d_weight_grad")
        if data_format == "channels_last":
            shape = (shape[0], *shape[2:], shape[1])
        options = dict(options, data_format=data_format)
        x = sample(rng, shape, dtype)
        g = sample(rng, forward(x, np.zeros(weight_shape, dtype), **options).shape, dtype)
        got = gradient(x, g, weight_shape, **options)
        wide = "complex128" if x.dtype.kind == "c" else "float64"
        right = gradient(x.astype(wide), g.astype(wide), weight_shape, **options, method="direct")
        scale = gradient(np.abs(x).astype("float64"), np.abs(g).astype("float64"), weight_shape,
                         **options | dict(method="direct"))  # fmt: skip
        eps = np.finfo(dtype).eps
        assert np.all(np.abs(got - right) <= 64 * eps * scale), (shape, weight_shape, options)
        for threads in (1, 2):
            same_bits(gradient(x, g, weight_shape, **options, num_threads=threads), got)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan])
def test_zeros_between_rows_do_not_meet_what_is_not_finite(rng, dtype, wrong):
    """Only the weights whose products have it lose their value."""
    x, g = sample(rng, (2, 2, 40, 24), dtype), sample(rng, (2, 3, 38, 22), dtype)
    for place in ((0, 1, 0, 23), (1, 0, 39, 0), (0, 0, 20, 12), (1, 1, 39, 23)):
        spoilt = x.copy()
        spoilt[place] = wrong
        got = cconv.conv2d_weight_grad(spoilt, g, (3, 2, 3, 3))
        right = cconv.conv2d_weight_grad(spoilt, g, (3, 2, 3, 3), method="direct")
        np.testing.assert_array_equal(np.isfinite(got), np.isfinite(right))
        np.testing.assert_allclose(got, right, rtol=1e-3)
        assert np.isfinite(got[:, 1 - place[1]]).all()


def test_kernels_of_weight_gradients():
    def kernel_of(shape, weight_shape):
        output = (shape[0], weight_shape[0], *[n - k + 1 for n, k in zip(shape[2:], weight_shape[2:], strict=True)])
        return weight_schedule(np.zeros(shape, np.float32), np.zeros(output, np.float32), weight_shape)["kernel"]

    assert kernel_of((2, 1, 40, 40), (1, 1, 3, 3)) == "runs"
    assert kernel_of((2, 1, 8, 8), (1, 1, 3, 3)) == "panels"
    assert kernel_of((2, 1, 40, 40), (1, 1, 1, 1)) == "panels"
    assert kernel_of((2, 64, 40, 40), (1, 64, 3, 3)) == "panels"
