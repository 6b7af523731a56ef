"""unfold and fold: against twins and torch, each the other's adjoint, a layer as a product of matrices."""

import itertools

import numpy as np
import pytest

import cconv
import reference
from checks import INEXACT, INTEGERS, Fence, guarded, same_bits, sample, whole

RANKS = pytest.mark.parametrize("rank", [1, 2, 3])
SIZE, KERNEL = (4, 6, 9), (2, 3, 3)
PADDINGS = [0, 1, "same", "same_lower", "full", "causal", "valid"]


def judged(name, array, *args, layout="contiguous", **options):
    """The function, plain and into a fenced out, equal to its twin."""
    held = guarded(array)
    got = getattr(cconv, name)(held, *args, **options)
    assert got.dtype == array.dtype.newbyteorder("=")
    want = getattr(reference, name)(array, *args, **options)
    assert got.shape == want.shape, f"{name} {array.shape} {args} {options}"
    if name == "unfold" or array.dtype.kind in "biu":
        np.testing.assert_array_equal(got, want)
    else:
        rtol = 64 * np.finfo(array.dtype).eps
        np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol * np.abs(array).max(initial=1))
    fence = Fence(got.shape, got.dtype, layout)
    assert getattr(cconv, name)(held, *args, out=fence.out, **options) is fence.out
    same_bits(fence.out, got)
    fence.check()
    np.testing.assert_array_equal(held, array)
    return got


def both(rng, rank, dtype="float64", channels=3, size=SIZE, kernel=KERNEL, batch=(2,), layout="contiguous", **options):
    size, kernel = size[-rank:], kernel[-rank:]
    x = sample(rng, (*batch, channels, *size), dtype)
    if options.get("data_format") == "channels_last":
        x = np.ascontiguousarray(np.moveaxis(x, -1 - rank, -1))
    columns = judged("unfold", x, kernel, layout=layout, **options)
    entries = sample(rng, columns.shape, dtype)
    back = judged("fold", entries, size, kernel, layout=layout, **options)
    assert back.shape == x.shape
    return x, columns, entries, back


@RANKS
@pytest.mark.parametrize("padding", [*PADDINGS, ((0, 2),), ((-1, 1),), ((3, -1),)], ids=str)
def test_paddings_and_strides(rng, rank, padding):
    padding = padding * rank if isinstance(padding, tuple) else padding
    for stride, dilation in itertools.product((1, 2, 3), (1, 2)):
        if padding in (0, "valid", ((-1, 1),) * rank, ((3, -1),) * rank, ((0, 2),) * rank) and dilation == 2:
            continue  # the window would not fit
        both(rng, rank, padding=padding, stride=stride, dilation=dilation)


@RANKS
@pytest.mark.parametrize("dtype", ["bool", *INTEGERS, *INEXACT, ">f4", ">i2"])
def test_types(rng, rank, dtype):
    both(rng, rank, dtype, padding=1)
    both(rng, rank, dtype, padding=1, stride=2, batch=())


@RANKS
@pytest.mark.parametrize("batch", [(), (1,), (2,), (0,)], ids=str)
def test_channels_last_and_batches(rng, rank, batch):
    for options in ({}, {"padding": 1, "stride": 2}):
        both(rng, rank, batch=batch, layout="margins", data_format="channels_last", **options)
        both(rng, rank, batch=batch, layout="margins", **options)
    both(rng, rank, batch=batch, channels=0, padding=1)


@pytest.mark.parametrize("padding", PADDINGS)
def test_tiny(rng, padding):
    for size, kernel in itertools.product(itertools.product((0, 1, 2), repeat=2), itertools.product((1, 2), repeat=2)):
        try:
            both(rng, 2, size=size, kernel=kernel, padding=padding)
        except ValueError as error:
            assert "the kernel covers" in str(error)
            with pytest.raises(ValueError, match="the kernel covers"):
                cconv.conv2d(np.ones((1, 3, *size)), np.ones((1, 3, *kernel)), padding=padding)


def test_every_width(rng):
    for width in range(1, 40):
        for kernel in (1, 2, 5):
            for padding in (0, 2):
                if width + 2 * padding >= kernel:
                    options = dict(padding=padding, stride=1 + width % 3)
                    both(rng, 1, "float32", size=(width,), kernel=(kernel,), **options)


@RANKS
def test_each_is_the_adjoint_of_the_other(rng, rank):
    """<unfold(x), y> = <x, fold(y)>"""
    for options in ({}, {"padding": 1}, {"padding": "full", "stride": 2}, {"padding": 2, "dilation": 2}):
        x, columns, entries, back = both(rng, rank, **options)
        one, other = (columns * entries).sum(), (x * back).sum()
        assert abs(one - other) <= 1e-12 * (np.abs(columns * entries).sum() + 1)


@RANKS
def test_a_layer_is_a_product_with_columns(rng, rank):
    x, w = whole(rng, (2, 3, *SIZE[-rank:])), whole(rng, (4, 3, *KERNEL[-rank:]))
    options = {"stride": 2, "padding": 1}
    layer = getattr(cconv, f"conv{rank}d")(x, w, **options)
    product = w.reshape(4, -1) @ cconv.unfold(x, w.shape[2:], **options)
    np.testing.assert_array_equal(product.reshape(layer.shape), layer)


def test_torch_agrees(rng):
    torch = pytest.importorskip("torch", reason="the second judge")
    x = rng.standard_normal((2, 3, 11, 13))
    for kernel, stride, padding, dilation in [(2, 1, 0, 1), ((3, 2), (2, 1), (1, 0), (1, 2)), (3, 2, 2, 2)]:
        options = dict(stride=stride, padding=padding, dilation=dilation)
        want = torch.nn.functional.unfold(torch.from_numpy(x), kernel, **options).numpy()
        got = cconv.unfold(x, kernel, **options)
        np.testing.assert_array_equal(got, want)
        want = torch.nn.functional.fold(torch.from_numpy(got), (11, 13), kernel, **options).numpy()
        np.testing.assert_allclose(cconv.fold(got, (11, 13), kernel, **options), want, rtol=1e-14)


def test_layouts_threads_and_overlap(rng):
    x = rng.standard_normal((3, 40, 60, 50)).astype(np.float32)
    want = cconv.unfold(x, 3, padding=1, num_threads=1)
    back = cconv.fold(want, (60, 50), 3, padding=1, num_threads=1)
    for laid in (np.asfortranarray(x), x[::-1, ::-1, ::-1, ::-1][::-1, ::-1, ::-1, ::-1], x.astype(">f4")):
        same_bits(cconv.unfold(laid, 3, padding=1, num_threads=4), want)
    for laid in (np.asfortranarray(want), want[::-1][::-1], want.astype(">f4")):
        same_bits(cconv.fold(laid, (60, 50), 3, padding=1, num_threads=4), back)
    out = np.zeros(want.shape, np.float32, order="F")
    cconv.unfold(x, 3, padding=1, out=out)
    same_bits(out, want)
    memory = np.zeros(want.size, np.float32)
    held = memory[: x.size].reshape(x.shape)
    held[...] = x
    same_bits(cconv.unfold(held, 3, padding=1, out=memory.reshape(want.shape)), want)
    memory = want.copy()
    same_bits(cconv.fold(memory, (60, 50), 3, padding=1, out=memory.ravel()[: x.size].reshape(x.shape)), back)


def test_nan_stays_in_its_windows():
    x = np.ones((1, 5))
    x[0, 2] = np.nan
    columns = cconv.unfold(x, (3,), padding=1)
    assert np.isnan(columns).sum() == 3
    assert np.isnan(cconv.fold(columns, (5,), (3,), padding=1)).sum() == 1


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: cconv.unfold(np.ones((2, 3, 4, 5)), (2,)), ValueError, r"input has 4 axes, shape \(2, 3, 4, 5\)"),
        (lambda: cconv.unfold(np.ones((3, 4)), 2), ValueError, "input has 2 axes"),
        (lambda: cconv.unfold(np.ones((3, 4)), ()), ValueError, r"kernel_size=\(\) has 0 entries"),
        (lambda: cconv.unfold(np.ones((1, 2, 2)), 3), ValueError, "the kernel covers 3 samples of spatial axis 0"),
        (lambda: cconv.unfold(np.ones((1, 4, 4)), 2, stride=0), ValueError, "stride=0 must be at least 1"),
        (lambda: cconv.unfold(np.ones((1, 4, 4)), 2.0), TypeError, "kernel_size=2.0 holds a float"),
        (lambda: cconv.unfold(np.ones((1, 4, 4)), 2, data_format="x"), ValueError, "data_format='x'"),
        (lambda: cconv.unfold(np.ones((1, 4, 4)), 2, out=np.ones((4, 8))), ValueError, r"out has shape \(4, 8\)"),
        (lambda: cconv.unfold(np.ones((1, 4, 4)), 2, num_threads=0), ValueError, "num_threads must be at least 1"),
        (lambda: cconv.unfold(np.ones((1, 4, 4), object), 2), TypeError, "input has dtype object"),
        (lambda: cconv.fold(np.ones((5, 9)), 4, 2), ValueError, r"\(5, 9\) do not fold to .*multiple of 4"),
        (lambda: cconv.fold(np.ones((4, 8)), 4, 2), ValueError, r"\(4, 8\) do not fold .* 3 x 3 = 9 windows"),
        (lambda: cconv.fold(np.ones(4), 4, 2), ValueError, r"columns has 1 axes, shape \(4,\)"),
        (lambda: cconv.fold(np.ones((4, 9)), (4, 4, 4, 4), 2), ValueError, "output_size=.* has 4 entries"),
        (lambda: cconv.fold(np.ones((4, 9)), (4, 4), (2,)), ValueError, r"kernel_size=\(2,\) must be an int or 2 ints"),
        (lambda: cconv.fold(np.ones((4, 9)), 4, 2, out=np.ones((1, 4, 5))), ValueError, r"out has shape \(1, 4, 5\)"),
    ],
)
def test_errors_name_the_argument(call, error, said):
    with pytest.raises(error, match=said):
        call()
