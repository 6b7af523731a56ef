"""Depthwise and separable layers and their gradients: against twins, by the adjoint identity, against torch."""

import doctest
import re

import numpy as np
import pytest

import cconv
import reference
from checks import same_bits, sample, whole

RANKS = pytest.mark.parametrize("rank", [1, 2, 3])
OPTIONS = [
    dict(),
    dict(stride=2, padding=1),
    dict(padding="same", padding_mode="reflect"),
    dict(dilation=2, padding=2, flip_kernel=True),
    dict(padding="causal", stride=2),
]


def function(stem, rank, suffix=""):
    return getattr(cconv, f"{stem}{rank}d{suffix}")


def layer(rng, rank, data_format, *, c=3, m=2, o=4, dtype="float64", make=sample):
    """(input, depthwise weight, its bias, pointwise weight, its bias)."""
    x = make(rng, (2, c, *(5, 6, 4)[-rank:]), dtype)
    if data_format == "channels_last":
        x = np.moveaxis(x, 1, -1)
    w = make(rng, (c * m, 1, *(2, 3, 2)[-rank:]), dtype)
    return x, w, make(rng, (c * m,), dtype), make(rng, (o, c * m, *[1] * rank), dtype), make(rng, (o,), dtype)


def close(got, want, scale=10.0):
    assert got.dtype == want.dtype and got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=0, atol=scale * 1e-13)


@RANKS
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
@pytest.mark.parametrize("multiplier", [1, 3])
def test_layers_and_their_twins(rng, rank, options, data_format, multiplier):
    x, w, b, p, c = layer(rng, rank, data_format, m=multiplier)
    options = options | dict(data_format=data_format)
    depthwise, separable = function("depthwise_conv", rank), function("separable_conv", rank)
    close(depthwise(x, w, b, **options), reference.depthwise_conv_nd(rank, x, w, b, **options))
    close(depthwise(x[0], w, **options), reference.depthwise_conv_nd(rank, x[0], w, **options))
    want = reference.separable_conv_nd(rank, x, w, p, c, **options)
    close(separable(x, w, p, c, **options), want, 50)
    close(separable(x[0], w, p, **options), reference.separable_conv_nd(rank, x[0], w, p, **options), 50)
    out = np.full(want.shape, np.nan)
    assert separable(x, w, p, c, out=out, activation="relu", **options) is out
    close(out, np.maximum(want, 0), 50)


@RANKS
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_adjoint_identity(rng, rank, options, data_format, dtype):
    """<layer(x, w), g> = <x, input_grad> = <w, weight_grad>, with <a, b> = sum conj(a) b: linear in each."""
    x, w, _, p, _ = layer(rng, rank, data_format, dtype=dtype)
    options = options | dict(data_format=data_format)

    y = function("depthwise_conv", rank)(x, w, **options)
    g = sample(rng, y.shape, dtype)
    grads = function("depthwise_conv", rank, "_backward")(g, x, w, **options)
    scale = 1e-12 * np.abs(y).sum() * np.abs(g).max()
    for array, grad in ((x, grads.input), (w, grads.weight)):
        assert grad.shape == array.shape
        assert abs(np.vdot(array, grad) - np.vdot(y, g)) <= scale

    y = function("separable_conv", rank)(x, w, p, **options)
    g = sample(rng, y.shape, dtype)
    grads = function("separable_conv", rank, "_backward")(g, x, w, p, **options)
    scale = 1e-12 * np.abs(y).sum() * np.abs(g).max()
    for array, grad in ((x, grads.input), (w, grads.depthwise_weight), (p, grads.pointwise_weight)):
        assert grad.shape == array.shape
        assert abs(np.vdot(array, grad) - np.vdot(y, g)) <= scale
    spatial = (0, *range(1, rank + 1)) if data_format == "channels_last" else (0, *range(2, rank + 2))
    close(grads.bias, g.sum(spatial), 100)


@RANKS
@pytest.mark.parametrize("batched", [True, False])
def test_torch_is_the_judge(rng, rank, batched):
    """Whole numbers: equal, not nearly equal."""
    torch = pytest.importorskip("torch")
    conv = getattr(torch.nn.functional, f"conv{rank}d")
    x, w, b, p, c = layer(rng, rank, "channels_first", make=whole)
    x = x if batched else x[0]
    options = dict(stride=2, padding=1, dilation=1)
    tensors = [torch.from_numpy(a.copy()).requires_grad_() for a in (x, w, b, p, c)]
    for bias, second in ((True, False), (False, True)):
        for tensor in tensors:
            tensor.grad = None
        y = conv(tensors[0], tensors[1], tensors[2] if bias else None, groups=3, **options)
        if second:
            y = conv(y, tensors[3], tensors[4])
        g = whole(rng, tuple(y.shape), "float64")
        y.backward(torch.from_numpy(g))
        if second:
            got = function("separable_conv", rank)(x, w, p, c, **options)
            grads = function("separable_conv", rank, "_backward")(g, x, w, p, **options)
            wants = [tensors[i].grad for i in (0, 1, 3, 4)]
        else:
            got = function("depthwise_conv", rank)(x, w, b, **options)
            grads = function("depthwise_conv", rank, "_backward")(g, x, w, **options)
            wants = [tensors[i].grad for i in (0, 1, 2)]
        np.testing.assert_array_equal(got, y.detach().numpy())
        for grad, want in zip(grads, wants, strict=True):
            np.testing.assert_array_equal(grad, want.numpy())


@RANKS
@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_single_gradients_are_those_of_backward(rng, rank, data_format):
    x, w, _, p, _ = layer(rng, rank, data_format, dtype="float32")
    options = dict(padding=1, data_format=data_format)
    for stem, weights in (("depthwise_conv", (w,)), ("separable_conv", (w, p))):
        y = function(stem, rank)(x, *weights, **options)
        g = sample(rng, y.shape)
        backward = function(stem, rank, "_backward")
        grads = backward(g, x, *weights, **options)
        out = np.empty(x.shape, np.float32)
        assert function(stem, rank, "_input_grad")(g, *weights, x.shape, out=out, **options) is out
        same_bits(out, grads.input)
        if stem == "depthwise_conv":
            same_bits(function(stem, rank, "_weight_grad")(x, g, w.shape, **options), grads.weight)
        else:
            both = function(stem, rank, "_weight_grad")(x, g, w, p, **options)
            assert both._fields == ("depthwise_weight", "pointwise_weight")
            same_bits(both.depthwise_weight, grads.depthwise_weight)
            same_bits(both.pointwise_weight, grads.pointwise_weight)
        for name in grads._fields:
            some = backward(g, x, *weights, needs=(name,), **options)
            assert [field for field in some._fields if getattr(some, field) is not None] == [name]
            same_bits(getattr(some, name), getattr(grads, name))
        with pytest.raises(ValueError, match="needs="):
            backward(g, x, *weights, needs="input", **options)


def test_gradients_of_real_arrays_are_real(rng):
    x, w, _, p, _ = layer(rng, 2, "channels_first")
    p = p + 1j
    y = cconv.separable_conv2d(x, w, p)
    grads = cconv.separable_conv2d_backward(y, x, w, p)
    assert [grad.dtype for grad in grads] == [np.float64, np.float64, np.complex128, np.complex128]
    whole_grads = cconv.separable_conv2d_backward(y, x.astype(complex), w.astype(complex), p)
    np.testing.assert_allclose(grads.input, whole_grads.input.real, rtol=1e-12)
    np.testing.assert_allclose(grads.depthwise_weight, whole_grads.depthwise_weight.real, rtol=1e-12)


def test_threads_change_no_bit(rng):
    x, w, p = sample(rng, (3, 33, 20, 17)), sample(rng, (66, 1, 3, 3)), sample(rng, (20, 66, 1, 1))
    y = cconv.separable_conv2d(x, w, p, padding=1, num_threads=1)
    same_bits(cconv.separable_conv2d(x, w, p, padding=1, num_threads=3), y)
    one = cconv.separable_conv2d_backward(y, x, w, p, padding=1, num_threads=1)
    for got, want in zip(cconv.separable_conv2d_backward(y, x, w, p, padding=1, num_threads=3), one, strict=True):
        same_bits(got, want)


def test_types(rng):
    """Integers wrap as NumPy's do; float16 is stored; lists are taken."""
    x, w, _, p, _ = layer(rng, 2, "channels_first", dtype="int8")
    got = cconv.depthwise_conv2d(x, w)
    assert got.dtype == np.int8
    same_bits(got, reference.depthwise_conv_nd(2, x, w))
    assert cconv.separable_conv2d(x, w, p).dtype == np.int8
    assert cconv.depthwise_conv2d(x, w, out_dtype=np.int32).dtype == np.int32
    assert cconv.separable_conv2d(x.astype("f2"), w, p).dtype == np.float16
    np.testing.assert_array_equal(cconv.depthwise_conv1d([[1.0, 2.0], [3.0, 4.0]], [[[2.0]], [[3.0]]]),
                                  [[2, 4], [9, 12]])  # fmt: skip


def test_empty_batches():
    assert cconv.depthwise_conv2d(np.ones((0, 3, 5, 5)), np.ones((3, 1, 2, 2))).shape == (0, 3, 4, 4)
    assert cconv.separable_conv2d(np.ones((0, 3, 5, 5)), np.ones((3, 1, 2, 2)), np.ones((2, 3, 1, 1))).shape[0] == 0


X, W, P = np.ones((2, 3, 5, 5)), np.ones((6, 1, 3, 3)), np.ones((4, 6, 1, 1))


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("depthwise_conv2d", (X, np.ones((4, 1, 3, 3))), "weight has shape (4, 1, 3, 3); for 3 channels"),
        ("depthwise_conv2d", (X, np.ones((6, 3, 3, 3))), "takes (3 * multiplier, 1, KH, KW)"),
        ("depthwise_conv2d", (X, np.ones((0, 1, 3, 3))), "weight has shape (0, 1, 3, 3)"),
        ("depthwise_conv2d", (X[0, 0], W), "input of shape (5, 5) has 2 axes"),
        ("depthwise_conv2d", (X[:, :0], W[:0]), "input of shape (2, 0, 5, 5) has no channels"),
        ("depthwise_conv2d_weight_grad", (X, X, (4, 1, 3, 3)), "weight_shape has shape (4, 1, 3, 3)"),
        ("depthwise_conv2d_input_grad", (X, W, (2, 6, 5, 5)), "grad_output has shape (2, 3, 5, 5)"),
        ("depthwise_conv2d_input_grad", (X, W, (5, 5)), "input_shape of shape (5, 5)"),
        ("separable_conv2d", (X, W, np.ones((4, 3, 1, 1))), "pointwise_weight has shape (4, 3, 1, 1)"),
        ("separable_conv2d", (X, W, np.ones((4, 6, 3, 3))), "takes (out_channels, 6, 1, 1)"),
        ("separable_conv2d", (X, np.ones((6, 2, 3, 3)), P), "depthwise_weight has shape (6, 2, 3, 3)"),
        ("separable_conv2d_backward", (X, X, W, P), "returns (2, 4, 3, 3)"),
        ("separable_conv2d_input_grad", (np.ones((2, 4, 5, 5)), W, P, X.shape), "returns (2, 4, 3, 3)"),
    ],
)
def test_errors_name_the_argument(name, arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        getattr(cconv, name)(*arguments)


@RANKS
@pytest.mark.parametrize("stem", ["depthwise_conv", "separable_conv"])
@pytest.mark.parametrize("suffix", ["", "_input_grad", "_weight_grad", "_backward"])
def test_examples_of_pages_run(rank, stem, suffix):
    text = function(stem, rank, suffix).__doc__
    test = doctest.DocTestParser().get_doctest(text, {}, stem + suffix, None, None)
    assert len(test.examples) >= 3 and not doctest.DocTestRunner().run(test).failed
