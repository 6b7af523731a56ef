"""Every small extent, every width around a vector and a tile, every channel count, and random parameters."""

import itertools

import numpy as np
import pytest

import cconv
import reference
from checks import BOUNDARIES, INTEGERS, check, sample, whole

WIDTHS = sorted({*range(1, 2 * 48 + 2), *range(126, 132), *range(190, 195), 255, 256, 257})
CHANNELS = [*range(1, 21), 31, 32, 33, 47, 48, 49, 50]


def equal(name, *arrays, **parameters):
    """Exact comparison with the twin, cheap enough for a sweep; whole numbers only."""
    got = getattr(cconv, name)(*arrays, **parameters)
    want = getattr(reference, name)(*arrays, **parameters)
    shapes = [getattr(a, "shape", a) for a in arrays]
    assert got.shape == want.shape, f"{name} {shapes} {parameters}"
    np.testing.assert_array_equal(got, want, err_msg=f"{name} {shapes} {parameters}")


# ---- extents 0, 1, 2 ---------------------------------------------------------------------------------------


def outcome(function, *arguments, **keywords):
    try:
        return function(*arguments, **keywords)
    except ValueError as error:
        return error


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, "same", "full", "causal", ((0, 1),), ((-1, 1),)], ids=str)
@pytest.mark.parametrize("boundary", ["constant", "reflect", "wrap"])
def test_tiny_layers(rng, rank, padding, boundary):
    """N, C, O, spatial and kernel extents in {0, 1, 2}: the twin's answer, or ValueError if it has none."""
    padding = padding * rank if isinstance(padding, tuple) else padding
    answered = refused = 0
    for n, c, o in [(1, 1, 1), (0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 2, 2)]:
        for size in itertools.product((0, 1, 2), repeat=rank):
            for k in (
                itertools.product((0, 1, 2), repeat=rank)
                if rank < 3
                else [(0, 1, 1), (1, 1, 1), (2, 1, 2), (2, 2, 2)]
            ):
                x, w = whole(rng, (n, c, *size)), whole(rng, (o, c, *k))
                arguments = dict(padding=padding, padding_mode=boundary)
                got = outcome(getattr(cconv, f"conv{rank}d"), x, w, **arguments)
                amounts = reference.pad_amounts(padding, size, k, (1,) * rank, (1,) * rank)
                cropped = [m + min(p, 0) + min(q, 0) for m, (p, q) in zip(size, amounts, strict=True)]
                padded = [m + p + q for m, (p, q) in zip(size, amounts, strict=True)]
                # an empty axis stays empty under "same", so there is nothing to fit and nothing to continue
                stays_empty = [m == 0 and padding in ("same", "causal") for m in size]
                fits = min(cropped) >= 0 and all(
                    p >= q or e for p, q, e in zip(padded, k, stays_empty, strict=True)
                )
                from_nothing = boundary != "constant" and any(
                    m == 0 and p > 0 and not e for m, p, e in zip(cropped, padded, stays_empty, strict=True)
                )
                possible = min(k) > 0 and fits and not from_nothing
                assert possible != isinstance(got, ValueError), f"{x.shape} {w.shape} {arguments}: {got}"
                if isinstance(got, ValueError):
                    refused += 1
                else:
                    answered += 1
                    np.testing.assert_array_equal(got, getattr(reference, f"conv{rank}d")(x, w, **arguments))
    assert answered
    assert refused


@pytest.mark.parametrize("name", ["convolve", "correlate"])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_tiny_filters(rng, name, mode):
    for rank in (1, 2, 3):
        for size, k in itertools.product(itertools.product((0, 1, 2), repeat=rank), repeat=2):
            x, w = whole(rng, size), whole(rng, k)
            got = outcome(getattr(cconv, name), x, w, mode)
            # numpy refuses an empty signal; under "same" an empty axis stays empty, as with ndimage
            impossible = 0 in k or (mode != "same" and 0 in size)
            impossible |= mode == "valid" and any(a < b for a, b in zip(size, k, strict=True))
            assert impossible == isinstance(got, ValueError), f"{size} {k}: {got}"
            if not impossible:
                np.testing.assert_array_equal(got, getattr(reference, name)(x, w, mode))


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_tiny_pools(rng, kind, rank):
    for size in itertools.product((0, 1, 2), repeat=rank):
        for n, c in [(1, 1), (0, 2), (2, 0)]:
            for k, s, ceil_mode in itertools.product((1, 2), (1, 2), (False, True)):
                x = whole(rng, (n, c, *size))
                got = outcome(getattr(cconv, f"{kind}_pool{rank}d"), x, k, stride=s, ceil_mode=ceil_mode)
                assert (min(size) < k) == isinstance(got, ValueError), f"{x.shape} {k} {s} {ceil_mode}: {got}"
                if min(size) >= k:
                    want = getattr(reference, f"{kind}_pool{rank}d")(x, k, stride=s, ceil_mode=ceil_mode)
                    assert got.shape == want.shape, f"{x.shape} {k} {s} {ceil_mode}"
                    np.testing.assert_array_equal(got, want)


# ---- widths ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8"])
@pytest.mark.parametrize("taps", [1, 2, 3, 7, 12])
def test_widths_of_lines(rng, dtype, taps):
    w = whole(rng, taps, "int8").astype(dtype)
    for n in [*WIDTHS, 500, 511, 512, 513, 1024, 1537]:
        x = whole(rng, n, "int8").astype(dtype)
        equal("convolve", x, w)
        equal("correlate", x, w, mode="same", boundary=BOUNDARIES[n % 5])


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
@pytest.mark.parametrize("kernel_size", [(1, 1), (3, 3), (2, 4), (5, 7), (1, 9), (9, 1)], ids=str)
def test_widths_of_images(rng, dtype, kernel_size):
    w = whole(rng, kernel_size, dtype)
    for n in WIDTHS:
        equal("correlate", whole(rng, (1 + n % 7, n), dtype), w, mode="same", boundary=BOUNDARIES[n % 5])


@pytest.mark.parametrize("heights", [range(1, 40), (63, 64, 65, 97, 129)], ids=["low", "high"])
def test_heights_of_images(rng, heights):
    for kernel_size in [(3, 3), (5, 2), (7, 7), (15, 1)]:
        w = whole(rng, kernel_size)
        for n in heights:
            equal("correlate", whole(rng, (n, 21)), w, mode="same", boundary=BOUNDARIES[n % 5])


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_widths_of_layers(rng, dtype, stride):
    """Few channels, many channels, depthwise."""
    few, many, depthwise = (
        whole(rng, (5, 3, 3, 3), dtype),
        whole(rng, (18, 8, 1, 3), dtype),
        whole(rng, (4, 1, 3, 3), dtype),
    )
    for n in range(1, 2 * 32 + 2):
        equal("conv2d", whole(rng, (1, 3, 3, n), dtype), few, padding=1, stride=stride)
        equal("conv2d", whole(rng, (1, 8, 1, n), dtype), many, padding=(0, 1), stride=stride)
        equal("conv2d", whole(rng, (1, 4, 3, n), dtype), depthwise, padding=1, stride=stride, groups=4)


@pytest.mark.parametrize("kind", ["max", "avg"])
@pytest.mark.parametrize(
    "dtype",
    [
        "float32",
        "float64",
        "float16",
        "int8",
        "uint8",
        "int16",
        "uint16",
        "int32",
        "uint32",
        "int64",
        "uint64",
    ],
)
def test_widths_of_pools(rng, kind, dtype):
    """Powers of two as window sizes: their averages of whole numbers are exact."""
    for n in WIDTHS[:: 1 if dtype == "float32" else 3]:
        x = np.abs(whole(rng, (2, 4, n), "int8")).astype(dtype)
        equal(f"{kind}_pool2d", x, (2, 4 if n >= 4 else 1), stride=(2, 1))
        equal(f"{kind}_pool2d", x, 2, stride=2, padding=1)


# ---- channels ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
@pytest.mark.parametrize("kernel_size", [1, 3])
def test_counts_of_output_channels(rng, dtype, kernel_size):
    for oc in CHANNELS:
        for ic in (1, 3, 8):
            x, w = whole(rng, (1, ic, 5, 6), dtype), whole(rng, (oc, ic, kernel_size, kernel_size), dtype)
            equal("conv2d", x, w, whole(rng, (oc,), dtype), padding=kernel_size // 2)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_counts_of_input_channels(rng, dtype):
    for ic in CHANNELS:
        for oc in (1, 4, 17):
            equal("conv2d", whole(rng, (1, ic, 4, 7), dtype), whole(rng, (oc, ic, 3, 3), dtype), padding=1)


@pytest.mark.parametrize("data_format", ["channels_first", "channels_last"])
def test_counts_of_channels_in_both_layouts(rng, data_format):
    for c in CHANNELS:
        x = whole(rng, (1, c, 4, 9))
        x = np.moveaxis(x, 1, -1) if data_format == "channels_last" else x
        equal("conv2d", x, whole(rng, (c, c, 3, 3)), padding=1, data_format=data_format)
        equal("conv2d", x, whole(rng, (c, 1, 3, 3)), padding=1, groups=c, data_format=data_format)
        equal("max_pool2d", x, 2, data_format=data_format)


@pytest.mark.slow
def test_counts_of_pixels_and_channels_together(rng):
    """Edge tiles in both directions at once: every remainder of pixels with every remainder of channels."""
    for width, oc in itertools.product(range(1, 31), CHANNELS):
        equal("conv2d", whole(rng, (1, 2, 1, width)), whole(rng, (oc, 2, 1, 1)))


# ---- random parameters -------------------------------------------------------------------------------------


def random_layer(rng):
    rank = int(rng.integers(1, 4))
    groups = int(rng.choice([1, 1, 2, 3]))
    ic, oc = (int(rng.integers(1, 7)) for _ in range(2))
    if rng.random() < 0.2:
        groups, ic = int(rng.integers(1, 20)), 1
    k = [int(rng.integers(1, 5)) for _ in range(rank)]
    d = [int(rng.integers(1, 4)) for _ in range(rank)]
    size = [int(rng.integers(1, 14 if rank < 3 else 7)) for _ in range(rank)]
    size[-1] += int(rng.integers(0, 30))
    modes = [str(rng.choice(BOUNDARIES)) for _ in range(rank)]
    padding = [[int(rng.integers(-2, 9)) for _ in range(2)] for _ in range(rank)]
    for axis in range(rank):  # mend what would be refused
        before, after = padding[axis]
        if size[axis] + min(before, 0) + min(after, 0) < 1:
            before, after = 0, 0
        after += max(d[axis] * (k[axis] - 1) + 1 - size[axis] - before - after, 0)
        padding[axis] = (before, after)
    if rng.random() < 0.25:
        padding = str(rng.choice(["same", "same_lower", "full", "causal"]))
    dtype = str(rng.choice(["float32", "float32", "float64", "complex64", "float16", *INTEGERS]))
    parameters = dict(
        stride=tuple(int(rng.integers(1, 4)) for _ in range(rank)),
        dilation=tuple(d),
        padding=padding if isinstance(padding, str) else tuple(padding),
        padding_mode=tuple(modes),
        groups=groups,
        flip_kernel=bool(rng.random() < 0.3),
        cval=int(rng.integers(0, 3)),
        activation=str(rng.choice(["relu", "relu6"]))
        if rng.random() < 0.3 and dtype != "complex64"
        else None,
        data_format=str(rng.choice(["channels_first", "channels_last"])),
    )
    n = () if rng.random() < 0.2 else (int(rng.integers(1, 4)),)
    x = sample(rng, (*n, groups * ic, *size), dtype)
    if parameters["data_format"] == "channels_last":
        x = np.ascontiguousarray(np.moveaxis(x, -1 - rank, -1))
    w, b = sample(rng, (groups * oc, ic, *k), dtype), sample(rng, (groups * oc,), dtype)
    return f"conv{rank}d", (x, w, b if rng.random() < 0.5 else None), parameters


@pytest.mark.parametrize("seed", range(12))
def test_random_layers(seed):
    rng = np.random.default_rng(seed)
    for _ in range(15):
        name, arrays, parameters = random_layer(rng)
        layout = str(rng.choice(["contiguous", "margins"]))
        check(name, *arrays, layout=layout, num_threads=int(rng.integers(1, 3)), **parameters)


@pytest.mark.parametrize("seed", range(12))
def test_random_filters(seed):
    rng = np.random.default_rng(1000 + seed)
    for _ in range(25):
        rank = int(rng.integers(1, 4))
        top = {1: 200, 2: 40, 3: 10}[rank]
        size, k = ([int(n) for n in rng.integers(1, high, rank)] for high in (top, {1: 40, 2: 9, 3: 5}[rank]))
        mode = str(rng.choice(["full", "same", "valid"]))
        if mode == "valid":
            size = [max(a, b) for a, b in zip(size, k, strict=True)]
        dtypes = [
            str(d)
            for d in rng.choice(["float32", "float64", "complex64", "int8", "uint16", "int32", "int64"], 2)
        ]
        parameters = {}
        if mode == "same":
            parameters["boundary"] = tuple(str(b) for b in rng.choice(BOUNDARIES, rank))
            parameters["origin"] = tuple(int(rng.integers(-(n // 2), (n - 1) // 2 + 1)) for n in k)
        name = str(rng.choice(["convolve", "correlate"]))
        batch = tuple(int(n) for n in rng.integers(1, 4, int(rng.integers(0, 3))))
        x, w = sample(rng, (*batch, *size), dtypes[0]), sample(rng, k, dtypes[1])
        check(name, x, w, mode=mode, axes=tuple(range(-rank, 0)), **parameters)


@pytest.mark.parametrize("seed", range(8))
def test_random_pools(seed):
    rng = np.random.default_rng(2000 + seed)
    for _ in range(20):
        rank = int(rng.integers(1, 4))
        k, s = (tuple(int(n) for n in rng.integers(1, 5, rank)) for _ in range(2))
        padding = tuple((int(rng.integers(0, n)), int(rng.integers(0, n))) for n in k)
        size = [n + int(rng.integers(0, 12 if rank < 3 else 5)) for n in k]
        size[-1] += int(rng.integers(0, 30))
        parameters = dict(stride=s, padding=padding, ceil_mode=bool(rng.random() < 0.5))
        parameters["data_format"] = str(rng.choice(["channels_first", "channels_last"]))
        dtype = str(rng.choice(["float32", "float64", "float16", "bool", *INTEGERS]))
        x = sample(rng, (int(rng.integers(1, 4)), int(rng.integers(1, 20)), *size), dtype)
        if dtype == "float32" and rng.random() < 0.5:
            x = np.round(x)  # ties
            x[rng.random(x.shape) < 0.05] = np.nan
        if parameters["data_format"] == "channels_last":
            x = np.ascontiguousarray(np.moveaxis(x, 1, -1))
        check(f"max_pool{rank}d", x, k, return_indices=bool(rng.random() < 0.5), **parameters)
        check(f"avg_pool{rank}d", x, k, count_include_pad=bool(rng.random() < 0.5), **parameters)
