"""cconv.conv1d, conv2d, conv3d: CNN layers, and the arithmetic of their shapes."""

import itertools

import numpy as np
import pytest

import cconv
import reference
from checks import (
    BOUNDARIES,
    INEXACT,
    INTEGERS,
    NEEDS_PAGES,
    between_pages,
    check,
    same_bits,
    sample,
    whole,
)

RANKS = pytest.mark.parametrize("rank", [1, 2, 3])
SPATIAL = (7, 11, 20)  # the last `rank` of them


def layer(rng, rank, n=2, ic=4, oc=6, groups=1, k=(2, 3, 3), spatial=SPATIAL, dtype="float32", make=sample):
    """(input, weight, bias) of a layer of that rank."""
    x = make(rng, (n, ic, *spatial[-rank:]), dtype)
    w = make(rng, (oc, ic // groups, *k[-rank:]), dtype)
    return x, w, make(rng, (oc,), dtype)


# ---- parameters --------------------------------------------------------------------------------------------


@RANKS
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_stride_dilation_groups(rng, rank, stride, dilation, groups):
    x, w, b = layer(rng, rank, ic=8, oc=12, groups=groups)
    check(f"conv{rank}d", x, w, b, stride=stride, dilation=dilation, groups=groups, padding=1)


@RANKS
@pytest.mark.parametrize("groups", [1, 8])
def test_parameters_per_axis(rng, rank, groups):
    x, w, b = layer(rng, rank, ic=8, oc=8, groups=groups)
    check(
        f"conv{rank}d", x, w, b, groups=groups,
        stride=(1, 2, 3)[:rank], dilation=(3, 1, 2)[:rank], padding=(2, 0, 1)[:rank],
    )  # fmt: skip
    pairs = ((0, 3), (2, 1), (1, 0))[:rank]
    check(f"conv{rank}d", x, w, groups=groups, padding=pairs, stride=(3, 1, 2)[:rank])


@RANKS
@pytest.mark.parametrize("padding", ["valid", "same", "same_lower", "full", "causal"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("dilation", [1, 2])
@pytest.mark.parametrize("k", [(3, 3, 3), (2, 4, 2)])
def test_named_padding(rng, rank, padding, stride, dilation, k):
    x, w, b = layer(rng, rank, k=k)
    got = check(f"conv{rank}d", x, w, b, padding=padding, stride=stride, dilation=dilation)
    if padding in ("same", "same_lower", "causal"):
        assert got.shape[2:] == tuple(-(-n // stride) for n in x.shape[2:])


@RANKS
@pytest.mark.parametrize("padding", [-1, ((-1, 2),), ((3, -2),), ((-2, -1),)], ids=str)
@pytest.mark.parametrize("padding_mode", BOUNDARIES)
def test_negative_padding_crops_first(rng, rank, padding, padding_mode):
    """The side that pads sees only what the crop has left."""
    x, w, b = layer(rng, rank)
    padding = padding * rank if isinstance(padding, tuple) else padding
    check(f"conv{rank}d", x, w, b, padding=padding, padding_mode=padding_mode)


@RANKS
@pytest.mark.parametrize("padding_mode", [*BOUNDARIES, "zeros", "replicate", "circular"])
@pytest.mark.parametrize("padding", [1, 3, 24, "same", "full", "causal"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("groups", [1, 4])
def test_padding_modes(rng, rank, padding_mode, padding, stride, groups):
    """Every mode with every rank, stride and groups, also far wider than the input (24 against at most 9)."""
    if padding == 24 and rank == 3:
        padding = ((0, 24), (9, 0), (24, 1))
    x, w, b = layer(rng, rank, ic=4, oc=4, n=1, groups=groups, spatial=(2, 3, 9))
    cval = 1.5 if padding_mode == "constant" else 0
    check(
        f"conv{rank}d", x, w, b,
        stride=stride, padding=padding, padding_mode=padding_mode, cval=cval, groups=groups, dilation=2,
    )  # fmt: skip


def test_one_padding_mode_per_axis(rng):
    x, w, b = layer(rng, 3)
    for modes in itertools.permutations(BOUNDARIES, 3):
        check("conv3d", x[:1, :1], w[:2, :1], b[:2], padding=2, padding_mode=modes, cval=2.0)


@RANKS
def test_flip_kernel_is_true_convolution(rng, rank):
    x, w, b = layer(rng, rank)
    got = check(f"conv{rank}d", x, w, b, flip_kernel=True, padding=1)
    mirrored = np.ascontiguousarray(w[(..., *[slice(None, None, -1)] * rank)])
    # the same products, summed in the order in which the weights lie: equal but for rounding
    np.testing.assert_allclose(got, getattr(cconv, f"conv{rank}d")(x, mirrored, b, padding=1), rtol=1e-5, atol=1e-5)


@RANKS
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "relu6"])
@pytest.mark.parametrize("channels", [(4, 6), (1, 1), (16, 33)])
def test_activation_is_fused_after_the_bias(rng, rank, activation, channels):
    x, w, b = layer(rng, rank, ic=channels[0], oc=channels[1], n=1)
    got = check(f"conv{rank}d", 3 * x, w, b, activation=activation, padding=1)
    if activation != "leaky_relu":
        assert (got >= 0).all()
        assert (got == 0).any()


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64"])
def test_relu_of_integers(rng, dtype):
    x, w, b = layer(rng, 2, dtype=dtype)
    check("conv2d", x, w, b, activation="relu")


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "relu6"])
def test_activation_keeps_nan(activation):
    x = np.ones((1, 1, 9), np.float32)
    x[0, 0, 4] = np.nan
    got = cconv.conv1d(x, np.ones((1, 1, 3), np.float32), activation=activation)
    np.testing.assert_array_equal(np.isnan(got[0, 0]), [False, False, True, True, True, False, False])


@RANKS
@pytest.mark.parametrize("channels", [(1, 1, 1), (3, 8, 1), (8, 8, 8), (16, 32, 1), (12, 6, 3)], ids=str)
def test_channels_last(rng, rank, channels):
    """The same as channels first, moved; on whole numbers, as the order of summation may differ."""
    ic, oc, groups = channels
    x, w, b = layer(rng, rank, ic=ic, oc=oc, groups=groups, make=whole)
    last = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    parameters = dict(padding=1, stride=2, groups=groups, padding_mode="reflect")
    got = check(f"conv{rank}d", last, w, b, data_format="channels_last", **parameters)
    same_bits(np.moveaxis(got, -1, 1), getattr(cconv, f"conv{rank}d")(x, w, b, **parameters))


@RANKS
@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_unbatched(rng, rank, data_format):
    x, w, b = layer(rng, rank, ic=6, oc=6)
    x = np.moveaxis(x, 1, -1) if data_format == "channels_last" else x
    got = check(f"conv{rank}d", x[0], w, b, padding=1, data_format=data_format)
    same_bits(got, getattr(cconv, f"conv{rank}d")(x, w, b, padding=1, data_format=data_format)[0])


# ---- channels ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("groups", ["one", "depthwise", "multiplier", "pairs"])
@RANKS
def test_groups(rng, rank, groups):
    """Depthwise, two outputs per input channel, and groups of two, with channels that fill no vector."""
    for c in (2, 6, 18, 34):
        oc, g = {"one": (5, 1), "depthwise": (c, c), "multiplier": (2 * c, c), "pairs": (c, c // 2)}[groups]
        x, w, b = layer(rng, rank, ic=c, oc=oc, groups=g, n=1, spatial=(4, 5, 19))
        check(f"conv{rank}d", x, w, b, groups=g, padding=1)


@pytest.mark.parametrize("kernel_size", [1, 3])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("channels", [(64, 64), (3, 64), (130, 24), (24, 130)], ids=str)
def test_layers_of_usual_networks(rng, channels, stride, kernel_size):
    ic, oc = channels
    x, w, b = layer(rng, 2, n=1, ic=ic, oc=oc, k=(kernel_size,) * 3, spatial=(1, 14, 15))
    check("conv2d", x, w, b, stride=stride, padding=kernel_size // 2, activation="relu")


@RANKS
@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", [0, 1])
def test_small_images_of_a_batch(rng, rank, data_format, stride, padding):
    """Images of few pixels are done together, whatever their number; the bits of each are those it has alone."""
    for n in (2, 5, 33):
        x, w, b = layer(rng, rank, n=n, ic=20, oc=70, k=(2, 2, 2), spatial=(2, 3, 4))
        if data_format == "channels_last":
            x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
        options = {"stride": stride, "padding": padding, "data_format": data_format}
        got = check(f"conv{rank}d", x, w, b, **options)
        for i in range(n):
            same_bits(getattr(cconv, f"conv{rank}d")(x[i : i + 1], w, b, **options), got[i : i + 1])


@RANKS
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "int32"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("groups", [1, 2])
def test_small_images_of_a_pointwise_layer(rng, rank, dtype, stride, groups):
    """The same of a layer with enough output channels for panels of samples."""
    for n, ic, spatial in [(2, 6, (1, 1, 1)), (3, 140, (2, 3, 4)), (9, 10, (1, 7, 7)), (5, 4, (3, 8, 8))]:
        x, w, b = layer(rng, rank, n=n, ic=ic, oc=200, groups=groups, k=(1, 1, 1), spatial=spatial, dtype=dtype)
        for source in (x, x[::-1], x.transpose(1, 0, *range(2, x.ndim)).copy().swapaxes(0, 1)):
            got = check(f"conv{rank}d", source, w, b, stride=stride, groups=groups)
            for i in range(n):
                alone = getattr(cconv, f"conv{rank}d")(source[i : i + 1], w, b, stride=stride, groups=groups)
                same_bits(alone, got[i : i + 1])


@pytest.mark.parametrize("stride", [1, 2])
def test_register_tiles_that_span_planes(rng, stride):
    """Output channels in the lanes, a long sum, several passes over a panel of weights."""
    for n, spatial in [(1, (4, 9, 11)), (6, (1, 5, 7)), (2, (3, 6, 13))]:
        x, w, b = layer(rng, 3, n=n, ic=37, oc=96, k=(1, 3, 4), spatial=spatial)
        options = {"stride": (1, stride, stride), "padding": (0, 1, 1)}
        got = check("conv3d", x, w, b, **options)
        planes = [cconv.conv3d(x[:, :, d : d + 1], w, b, **options) for d in range(x.shape[2])]
        same_bits(np.concatenate(planes, 2), got)


@NEEDS_PAGES
@pytest.mark.parametrize("outs", [20, 100])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_outside_the_input_is_read(rng, dtype, outs):
    """Inputs that begin and end where a page without access does; channels reversed, repeated, overlapping. For many
    outputs samples are laid in panels, for few they are read in place."""
    inside = between_pages(14)
    w = sample(rng, (outs, 4, 1, 1), dtype)
    for n in (*range(1, 36), 63, 64, 65, 100, 390):
        source = sample(rng, (1, 4, 1, n), dtype)
        for place in (slice(None, source.nbytes), slice(inside.size - source.nbytes, None)):
            x = inside[place].view(dtype).reshape(source.shape)
            x[...] = source
            shifted = np.lib.stride_tricks.sliding_window_view(x.reshape(-1)[-n - 3 :], n).reshape(x.shape)
            repeated = [np.broadcast_to(x[:, c : c + 1], x.shape) for c in (0, 3)]
            for view in (x, x[:, ::-1], *repeated, shifted):
                same_bits(cconv.conv2d(view, w, method="direct"), cconv.conv2d(view.copy(), w, method="direct"))


@NEEDS_PAGES
@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nothing_outside_a_small_image_is_read(rng, dtype, data_format):
    """The same, output channels in the lanes: any number of pixels for register tiles, in planes and rows."""
    inside = between_pages(14)
    for shape, k, stride in itertools.product(
        [(1, 4, 1, 1, 3), (1, 4, 3, 1, 1), (3, 4, 2, 1, 1), (1, 4, 2, 5, 1), (1, 3, 3, 5, 5), (2, 5, 1, 4, 3)],
        [(1, 1, 1), (1, 3, 1), (1, 3, 3)], [1, 2],
    ):  # fmt: skip
        if any(n < m for n, m in zip(shape[2:], k, strict=True)):
            continue
        source, w = sample(rng, shape, dtype), sample(rng, (70, shape[1], *k), dtype)
        if data_format == "channels_last":
            source = np.moveaxis(source, 1, -1).copy()
        for place in (slice(None, source.nbytes), slice(inside.size - source.nbytes, None)):
            x = inside[place].view(dtype).reshape(source.shape)
            x[...] = source
            options = {"stride": stride, "data_format": data_format, "method": "direct"}
            same_bits(cconv.conv3d(x, w, **options), cconv.conv3d(source, w, **options))


def test_the_first_layer_of_a_network(rng):
    """7x7, stride 2, padding 3 on three channels."""
    x, w, b = layer(rng, 2, n=1, ic=3, oc=20, k=(7, 7, 7), spatial=(1, 37, 45))
    check("conv2d", x, w, b, stride=2, padding=3)


@RANKS
def test_zero_channels_give_the_bias(rank):
    x = np.ones((2, 0, *SPATIAL[-rank:]), np.float32)
    w = np.ones((3, 0, *(3,) * rank), np.float32)
    got = check(f"conv{rank}d", x, w, np.array([1, -2, 3], np.float32), padding=1)
    assert (got[:, 1] == -2).all()
    got = check(f"conv{rank}d", x, w, np.array([1, -2, 3], np.float32), padding=1, activation="relu")
    assert (got[:, 1] == 0).all()
    assert not check(f"conv{rank}d", x, w).any()


@RANKS
def test_empty_batch(rng, rank):
    x, w, b = layer(rng, rank)
    got = check(f"conv{rank}d", x[:0], w, b, padding=1)
    assert got.shape[0] == 0


# ---- types -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [*INTEGERS, "bool", *INEXACT])
@pytest.mark.parametrize("channels", [(1, 1, 1), (5, 9, 1), (6, 6, 6)], ids=str)
@RANKS
def test_every_type(rng, rank, dtype, channels):
    ic, oc, groups = channels
    x, w, b = layer(rng, rank, n=1, ic=ic, oc=oc, groups=groups, dtype=dtype, spatial=(3, 5, 9))
    check(f"conv{rank}d", x, w, b, padding=1, groups=groups)


@pytest.mark.parametrize(
    ("input_dtype", "weight_dtype"),
    [("uint8", "float32"), ("float32", "float64"), ("int32", "float32"), ("float16", "float32"),
     ("bool", "int8"), ("uint64", "int64"), ("complex64", "float64"), ("float32", "complex64"),
     ("int16", "complex64"), ("uint8", "int64")],
)  # fmt: skip
def test_mixed_types(rng, input_dtype, weight_dtype):
    x, w = sample(rng, (2, 3, 6, 9), input_dtype), sample(rng, (4, 3, 3, 3), weight_dtype)
    got = check("conv2d", x, w, padding=1)
    assert got.dtype == np.result_type(x.dtype, w.dtype)


def test_bias_is_cast_to_the_result(rng):
    x, w, b = layer(rng, 2)
    got = cconv.conv2d(x, w, b.astype(np.float64))
    assert got.dtype == np.float32
    same_bits(got, cconv.conv2d(x, w, b))
    xi, wi, bi = layer(rng, 2, dtype="int32")
    same_bits(
        cconv.conv2d(xi, wi, (bi % 100).astype(np.int8)),
        cconv.conv2d(xi, wi, (bi % 100).astype(np.int8).astype(int)),
    )


@pytest.mark.parametrize(
    ("dtype", "wider"), [("int8", "int32"), ("uint8", "int64"), ("bool", "int64"), ("int16", "float64")]
)
def test_out_dtype_accumulates_without_wrapping(rng, dtype, wider):
    """As if both arrays had the wider type from the start; the bias is cast to it too."""
    x, w, b = layer(rng, 2, ic=16, dtype=dtype)
    got = cconv.conv2d(x, w, b, out_dtype=wider, padding=1)
    assert got.dtype == wider
    np.testing.assert_array_equal(
        got, reference.conv2d(x.astype(wider), w.astype(wider), b.astype(wider), padding=1)
    )


def test_out_dtype_of_floats(rng):
    x, w, b = layer(rng, 2, dtype="float16")
    got = cconv.conv2d(x, w, b, out_dtype="float64", padding=1)
    np.testing.assert_allclose(got, reference.conv2d(x, w, b, padding=1), rtol=1e-14, atol=1e-14)


# ---- judges ------------------------------------------------------------------------------------------------

TORCH_CASES = [
    dict(),
    dict(stride=2, padding=1),
    dict(padding="same", dilation=2),
    dict(groups=4, padding=2, stride=3),
    dict(groups=2, dilation=(2, 1, 3)),
    dict(padding="valid", stride=(2, 1, 1)),
]


@RANKS
@pytest.mark.parametrize("case", TORCH_CASES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "int64"])
def test_torch_is_the_judge(rng, rank, case, dtype):
    """Whole numbers, so both must give the same, not nearly the same."""
    torch = pytest.importorskip("torch")
    case = {key: v[:rank] if isinstance(v, tuple) else v for key, v in case.items()}
    x, w, b = layer(rng, rank, ic=8, oc=12, groups=case.get("groups", 1), dtype=dtype, make=whole)
    got = getattr(cconv, f"conv{rank}d")(x, w, b, **case)
    want = getattr(torch.nn.functional, f"conv{rank}d")(*map(torch.from_numpy, (x, w, b)), **case)
    np.testing.assert_array_equal(got, want.numpy())


@RANKS
@pytest.mark.parametrize(
    ("mode", "torch_mode"), [("reflect", "reflect"), ("edge", "replicate"), ("wrap", "circular")]
)
def test_torch_is_the_judge_of_padding_modes(rng, rank, mode, torch_mode):
    torch = pytest.importorskip("torch")
    x, w, b = layer(rng, rank, make=whole)
    module = getattr(torch.nn, f"Conv{rank}d")(
        4, 6, w.shape[2:], stride=2, padding=1, padding_mode=torch_mode
    )
    with torch.no_grad():
        module.weight.copy_(torch.from_numpy(w))
        module.bias.copy_(torch.from_numpy(b))
        want = module(torch.from_numpy(x)).numpy()
    got = getattr(cconv, f"conv{rank}d")(x, w, b, stride=2, padding=1, padding_mode=mode)
    np.testing.assert_array_equal(got, want)


# ---- arithmetic of shapes ----------------------------------------------------------------------------------


def test_conv_output_shape_counts_windows():
    names = ["valid", "same", "same_lower", "full", "causal"]
    for n, k, s, d, p in itertools.product((1, 4, 7, 12), (1, 2, 3), (1, 2, 3), (1, 2), (0, 1, 2, *names)):
        if (p in (0, "valid") and d * (k - 1) + 1 > n) or (p == 1 and d * (k - 1) + 1 > n + 2):
            continue
        if p == 2 and d * (k - 1) + 1 > n + 4:
            continue
        got = cconv.conv_output_shape((n,), (k,), stride=s, padding=p, dilation=d)
        assert got == reference.conv_output_shape((n,), (k,), stride=s, padding=p, dilation=d), (
            n,
            k,
            s,
            d,
            p,
        )


def test_conv_output_shape_is_what_conv_returns(rng):
    for padding in (0, ((1, 2), (0, 3)), ((-1, 0), (2, -2)), "same", "causal"):
        got = cconv.conv2d(
            np.ones((1, 1, 13, 17)), np.ones((1, 1, 3, 4)), stride=(2, 3), dilation=(2, 1), padding=padding
        )
        shape = cconv.conv_output_shape((13, 17), (3, 4), stride=(2, 3), dilation=(2, 1), padding=padding)
        assert shape == got.shape[2:]
        assert all(type(n) is int for n in shape)


@pytest.mark.parametrize(
    "layers",
    [[(3, 1, 1)], [(3, 1, 1), (3, 1, 1)], [(7, 2, 1), (3, 2, 1), (3, 1, 2)], [(1, 1, 1)], [(2, 2, 1)] * 5,
     [(3, 1, 1), (3, 1, 2), (3, 1, 4)]],
    ids=str,
)  # fmt: skip
def test_receptive_field(layers):
    size, stride, *_ = cconv.receptive_field(layers)
    assert (size, stride) == reference.receptive_field(layers)[:2]


def test_receptive_field_with_padding_starts_before_the_input():
    assert cconv.receptive_field([(7, 2, 1, 3), (3, 2, 1, 1)]) == (11, 4, -5)
    assert cconv.receptive_field([((3, 5), 1, 1), (2, (2, 1), 1)]) == ((4, 6), (2, 1), (0, 0))


def test_receptive_field_is_what_conv_reads():
    """One output depends on `size` samples of the input; its neighbour starts `stride` later."""
    layers = [(3, 2, 1), (2, 1, 3), (3, 1, 2)]
    size, stride, *_ = cconv.receptive_field(layers)
    reads = []
    for place in range(41):
        x = np.zeros((1, 1, 41))
        x[..., place] = 1
        for k, s, d in layers:
            x = cconv.conv1d(x, np.ones((1, 1, k)), stride=s, dilation=d)
        reads.append(x[0, 0, :2] != 0)
    first, second = np.flatnonzero(np.array(reads)[:, 0]), np.flatnonzero(np.array(reads)[:, 1])
    assert first[-1] - first[0] + 1 == size
    assert second[0] - first[0] == stride
