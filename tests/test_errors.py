"""Bad input: ValueError or TypeError that names the argument, what it got, what it takes, before any work."""

import re

import numpy as np
import pytest

import cconv
from checks import poison

F32 = np.float32
X1, X2, X3 = (np.ones((2, 4, *size), F32) for size in ((9,), (8, 9), (6, 8, 9)))
W1, W2, W3 = (np.ones((6, 4, *(3,) * rank), F32) for rank in (1, 2, 3))
IMAGE, KERNEL = np.ones((8, 9), F32), np.ones((3, 3), F32)
LONGDOUBLE = np.longdouble if np.dtype(np.longdouble).itemsize > 8 else np.dtype("M8[s]")
RECORD = np.zeros((8, 9), [("a", "f4")])

# id: (function, arguments, keywords, error, patterns that the message must hold: argument, got, allowed)
CASES = {
    # rank and channels
    "conv rank low": ("conv2d", (np.ones((8, 9), F32), W2), {}, ValueError, ["input", r"2|\(8, 9\)", "3|4"]),
    "conv rank high": ("conv1d", (X2[None], W1), {}, ValueError, ["input", "5", "2|3"]),
    "conv weight rank": ("conv2d", (X2, W1), {}, ValueError, ["weight", r"3|\(6, 4, 3\)", "4"]),
    "conv scalar": ("conv2d", (1.0, W2), {}, ValueError, ["input", "3|4"]),
    "conv channels": ("conv2d", (X2, W2[:, :3]), {}, ValueError, ["weight|input", "3", "4"]),
    "conv channels last": (
        "conv2d", (X2, W2), {"data_format": "channels_last"}, ValueError, ["input|weight", "9", "4"],
    ),
    "conv3d channels": ("conv3d", (X3[:, :1], W3), {}, ValueError, ["weight|input", "1", "4"]),
    "bias length": ("conv2d", (X2, W2, np.ones(5, F32)), {}, ValueError, ["bias", "5", "6"]),
    "bias rank": ("conv2d", (X2, W2, np.ones((6, 1), F32)), {}, ValueError, ["bias", r"\(6, 1\)|2", "6"]),
    "bias scalar": ("conv2d", (X2, W2, np.float32(1)), {}, ValueError, ["bias", r"\(\)|0", "6"]),
    "bias complex": (
        "conv2d", (X2, W2, np.ones(6, complex)), {}, TypeError, ["bias", "complex128", "float32"],
    ),
    "bias dtype": ("conv2d", (X2, W2, np.array(["a"] * 6)), {}, TypeError, ["bias", "U1|str"]),
    "bias value": (
        "conv1d", (X1.astype(np.int8), W1.astype(np.int8), np.arange(123, 129)), {}, ValueError,
        ["bias", "128", "int8"],
    ),
    "bias float for integers": (
        "conv2d", (X2.astype(int), W2.astype(int), np.full(6, 0.5)), {}, TypeError,
        ["bias", "float64", "int64"],
    ),
    "kernel rank": ("convolve", (IMAGE, np.ones(3)), {}, ValueError, ["kernel", "1", "2"]),
    "kernel rank for axes": ("correlate", (X3, KERNEL), {"axes": 4}, ValueError, ["kernel", "2", "1"]),
    "input scalar": ("convolve", (1.0, KERNEL), {}, ValueError, ["input"]),
    "four axes": (
        "convolve", (np.ones((2,) * 4), np.ones((2,) * 4)), {}, ValueError, ["axes|input", "4", "3"],
    ),
    "batch axes": (
        "convolve", (np.ones((4, 9)), np.ones((3, 2))), {"axes": 1}, ValueError, ["kernel", "3", "4"],
    ),
    "pool rank": ("max_pool2d", (IMAGE, 2), {}, ValueError, ["input", r"2|\(8, 9\)", "3|4"]),
    "pool rank avg": ("avg_pool1d", (X3, 2), {}, ValueError, ["input", "5", "2|3"]),
    # groups
    "groups do not divide input": ("conv2d", (X2, W2), {"groups": 3}, ValueError, ["groups", "3", "4"]),
    "groups do not divide output": (
        "conv2d", (X2, np.ones((5, 2, 3, 3), F32)), {"groups": 2}, ValueError, ["groups|weight", "2", "5"],
    ),
    "groups zero": ("conv2d", (X2, W2), {"groups": 0}, ValueError, ["groups", "0", "1|positive"]),
    "groups negative": ("conv1d", (X1, W1), {"groups": -2}, ValueError, ["groups", "-2", "1|positive"]),
    "groups float": ("conv1d", (X1, W1), {"groups": 2.0}, TypeError, ["groups", r"2\.0|float", "int"]),
    "groups bool string": ("conv1d", (X1, W1), {"groups": "2"}, TypeError, ["groups", "'2'|str", "int"]),
    # stride and dilation
    "stride zero": ("conv2d", (X2, W2), {"stride": 0}, ValueError, ["stride", "0", "1|positive"]),
    "stride negative": ("conv2d", (X2, W2), {"stride": (1, -2)}, ValueError, ["stride", "-2", "1|positive"]),
    "stride length": (
        "conv2d", (X2, W2), {"stride": (1, 2, 3)}, ValueError, ["stride", r"3|\(1, 2, 3\)", "2"],
    ),
    "stride float": ("conv2d", (X2, W2), {"stride": 1.5}, TypeError, ["stride", r"1\.5", "int"]),
    "stride none": ("conv2d", (X2, W2), {"stride": None}, TypeError, ["stride", "None", "int"]),
    "dilation zero": ("conv3d", (X3, W3), {"dilation": 0}, ValueError, ["dilation", "0", "1|positive"]),
    "dilation negative": ("conv1d", (X1, W1), {"dilation": -1}, ValueError, ["dilation", "-1", "1|positive"]),
    "dilation length": (
        "conv1d", (X1, W1), {"dilation": (1, 1)}, ValueError, ["dilation", r"2|\(1, 1\)", "1"],
    ),
    "pool stride zero": ("max_pool2d", (X2, 2), {"stride": 0}, ValueError, ["stride", "0", "1|positive"]),
    "pool dilation zero": (
        "max_pool2d", (X2, 2), {"dilation": (1, 0)}, ValueError, ["dilation", "0", "1|positive"],
    ),
    "pool avg stride": (
        "avg_pool2d", (X2, 2), {"stride": (2, -1)}, ValueError, ["stride", "-1", "1|positive"],
    ),
    # padding
    "padding length": (
        "conv2d", (X2, W2), {"padding": (1, 1, 1)}, ValueError, ["padding", r"3|\(1, 1, 1\)", "2"],
    ),
    "padding pair length": (
        "conv2d", (X2, W2), {"padding": ((1, 1, 1), (0, 0))}, ValueError,
        ["padding", r"\(1, 1, 1\)|3", "before|pair|2"],
    ),
    "padding flat four": (
        "conv2d", (X2, W2), {"padding": (1, 1, 1, 1)}, ValueError, ["padding", r"4|\(1, 1, 1, 1\)", "2"],
    ),
    "padding name": (
        "conv2d", (X2, W2), {"padding": "SAME_UPPER"}, ValueError, ["padding", "SAME_UPPER", "same_lower"],
    ),
    "padding float": ("conv2d", (X2, W2), {"padding": 0.5}, TypeError, ["padding", r"0\.5", "int"]),
    "padding crops all": ("conv1d", (X1, W1), {"padding": ((-6, -6),)}, ValueError, ["padding", "-6", "9"]),
    "padding none": ("conv2d", (X2, W2), {"padding": None}, TypeError, ["padding", "None", "int"]),
    "pool padding negative": (
        "max_pool2d", (X2, 2), {"padding": -1}, ValueError, ["padding", "-1", "0|negative"],
    ),
    "pool padding length": (
        "avg_pool2d", (X2, 2), {"padding": (0, 0, 0)}, ValueError, ["padding", "3|0, 0, 0", "2"],
    ),
    "pool padding name": (
        "avg_pool2d", (X2, 2), {"padding": "full"}, ValueError, ["padding", "full", "same"],
    ),
    "pool padding beyond": ("max_pool2d", (X2, 2), {"padding": 2}, ValueError, ["padding", "2"]),
    # modes and boundaries
    "mode": (
        "convolve", (IMAGE, KERNEL), {"mode": "reflect"}, ValueError,
        ["mode", "reflect", "full", "same", "valid"],
    ),
    "mode type": ("convolve", (IMAGE, KERNEL), {"mode": 2}, (TypeError, ValueError), ["mode", "2", "full"]),
    "boundary": (
        "convolve", (IMAGE, KERNEL, "same"), {"boundary": "mirror"}, ValueError,
        ["boundary", "mirror", "constant", "edge", "reflect", "symmetric", "wrap"],
    ),
    "boundary length": (
        "convolve", (IMAGE, KERNEL, "same"), {"boundary": ("wrap",)}, ValueError, ["boundary", "1|wrap", "2"],
    ),
    "boundary with full": (
        "correlate", (IMAGE, KERNEL, "full"), {"boundary": "edge"}, ValueError,
        ["boundary", "edge", "full|same"],
    ),
    "boundary type": (
        "correlate", (IMAGE, KERNEL, "same"), {"boundary": 3}, (TypeError, ValueError),
        ["boundary", "3", "wrap"],
    ),
    "padding_mode": (
        "conv2d", (X2, W2), {"padding_mode": "same"}, ValueError, ["padding_mode", "same", "reflect", "wrap"],
    ),
    "padding_mode type": (
        "conv2d", (X2, W2), {"padding_mode": 1}, (TypeError, ValueError), ["padding_mode", "1", "wrap"],
    ),
    "padding_mode length": (
        "conv1d", (X1, W1), {"padding_mode": ("edge", "wrap")}, ValueError, ["padding_mode", "2|edge", "1"],
    ),
    "boundary of an empty axis": (
        "conv1d", (np.ones((1, 1, 0), F32), np.ones((1, 1, 1), F32)), {"padding": 2, "padding_mode": "edge"},
        ValueError, ["padding_mode|input", "edge|0"],
    ),
    "cval not a number": ("convolve", (IMAGE, KERNEL, "same"), {"cval": "0"}, TypeError, ["cval", "'0'|str"]),
    "cval array": ("convolve", (IMAGE, KERNEL, "same"), {"cval": [1, 2]}, (TypeError, ValueError), ["cval"]),
    "cval complex": (
        "convolve", (IMAGE, KERNEL, "same"), {"cval": 1j}, (TypeError, ValueError),
        ["cval", "1j|complex", "float32|real"],
    ),
    "cval fraction": (
        "convolve", (IMAGE.astype(int), KERNEL.astype(int), "same"), {"cval": 0.5}, (TypeError, ValueError),
        ["cval", r"0\.5", "int"],
    ),
    "cval outside": (
        "convolve", (IMAGE.astype(np.uint8), KERNEL.astype(np.uint8), "same"), {"cval": 256},
        (TypeError, ValueError),
        ["cval", "256", "uint8"],
    ),
    "origin outside": (
        "correlate", (IMAGE, KERNEL, "same"), {"origin": 2}, ValueError, ["origin", "2", "-1", "1"],
    ),
    "origin length": (
        "correlate", (IMAGE, KERNEL, "same"), {"origin": (0, 0, 0)}, ValueError, ["origin", "3|0, 0, 0", "2"],
    ),
    "origin float": (
        "correlate", (IMAGE, KERNEL, "same"), {"origin": 0.5}, TypeError, ["origin", r"0\.5", "int"],
    ),
    "axes outside": ("convolve", (IMAGE, np.ones(3)), {"axes": 2}, ValueError, ["axes", "2", "-2|input"]),
    "axes twice": (
        "convolve", (IMAGE, KERNEL), {"axes": (0, -2)}, ValueError,
        ["axes", r"\(0, -2\)|0|twice|distinct|repeat"],
    ),
    "axes none given": ("convolve", (IMAGE, KERNEL), {"axes": ()}, ValueError, ["axes", "1"]),
    "axes float": ("convolve", (IMAGE, np.ones(3)), {"axes": 0.0}, TypeError, ["axes", r"0\.0|float", "int"]),
    "activation": ("conv2d", (X2, W2), {"activation": "swish"}, ValueError, ["activation", "swish", "relu"]),
    "activation complex": (
        "conv2d", (X2.astype(complex), W2), {"activation": "relu"}, (TypeError, ValueError),
        ["activation", "complex"],
    ),
    "activation of integers": (
        "conv2d", (X2.astype(int), W2.astype(int)), {"activation": "leaky_relu"}, TypeError,
        ["activation", "leaky_relu", "int64"],
    ),
    "flip_kernel": ("conv2d", (X2, W2), {"flip_kernel": 1}, TypeError, ["flip_kernel", "1", "True"]),
    "ceil_mode": ("max_pool2d", (X2, 2), {"ceil_mode": "yes"}, TypeError, ["ceil_mode", "yes", "True"]),
    "data_format": (
        "conv2d", (X2, W2), {"data_format": "NHWC"}, ValueError, ["data_format", "NHWC", "channels_last"],
    ),
    "pool data_format": (
        "max_pool2d", (X2, 2), {"data_format": "NCHW"}, ValueError, ["data_format", "NCHW", "channels_first"],
    ),
    "method": (
        "convolve", (IMAGE, KERNEL), {"method": "winograd"}, ValueError, ["method", "winograd", "direct"],
    ),
    "method of a layer": ("conv2d", (X2, W2), {"method": "gemm"}, ValueError, ["method", "gemm", "direct"]),
    "nan": ("max_pool2d", (X2, 2), {"nan": "ignore"}, ValueError, ["nan", "ignore", "omit"]),
    "fft of integers": (
        "convolve", (np.arange(9), np.arange(3)), {"method": "fft"}, TypeError, ["method", "fft", "int64", "direct"],
    ),
    "fft of an integer layer": (
        "conv2d", (X2.astype("i4"), W2.astype("i4")), {"method": "fft"}, TypeError, ["method", "fft", "int32"],
    ),
    # dtypes
    "object": (
        "convolve", (IMAGE.astype(object), KERNEL), {}, TypeError, ["input", "object", "float32|float"],
    ),
    "object kernel": (
        "convolve", (IMAGE, KERNEL.astype(object)), {}, TypeError, ["kernel", "object", "float32|float"],
    ),
    "string": ("convolve", (["a", "b"], [1]), {}, TypeError, ["input", "U1|str", "float"]),
    "none": ("convolve", (None, [1]), {}, (TypeError, ValueError), ["input"]),
    "ragged": ("convolve", ([[1, 2], [3]], KERNEL), {}, (TypeError, ValueError), ["input"]),
    "masked": (
        "convolve", (np.ma.masked_greater(np.arange(5.0), 3), np.ones(2)), {}, TypeError, ["input", "mask"],
    ),
    "datetime": ("conv1d", (X1.astype("M8[s]"), W1), {}, TypeError, ["input", "datetime64", "float"]),
    "timedelta": ("conv1d", (X1.astype("m8[s]"), W1), {}, TypeError, ["input", "timedelta64", "float"]),
    "structured": ("convolve", (RECORD, KERNEL), {}, TypeError, ["input", "a", "float"]),
    "longdouble": (
        "conv1d", (X1.astype(LONGDOUBLE), W1), {}, TypeError, ["input", str(np.dtype(LONGDOUBLE)), "float64"],
    ),
    "weight dtype": ("conv1d", (X1, W1.astype(object)), {}, TypeError, ["weight", "object", "float"]),
    "pool object": ("max_pool1d", (X1.astype(object), 2), {}, TypeError, ["input", "object", "float"]),
    "pool complex": (
        "max_pool1d", (X1.astype(complex), 2), {}, TypeError, ["input", "complex128", "maximum"],
    ),
    "out_dtype narrower": (
        "convolve", (IMAGE, KERNEL), {"out_dtype": np.float16}, TypeError,
        ["out_dtype", "float16", "float32"],
    ),
    "out_dtype integer": (
        "conv2d", (X2, W2), {"out_dtype": "int64"}, TypeError, ["out_dtype", "int64", "float32"],
    ),
    "out_dtype nonsense": ("conv2d", (X2, W2), {"out_dtype": "floot"}, TypeError, ["out_dtype", "floot"]),
    # missing samples
    "nan of a filter": (
        "convolve", (IMAGE, KERNEL), {"nan": "skip"}, ValueError, ["nan", "skip", "omit", "raise"],
    ),
    "mask shape": (
        "convolve", (IMAGE, KERNEL), {"mask": np.zeros((8, 8), bool)}, ValueError,
        ["mask", r"\(8, 8\)", r"\(8, 9\)"],
    ),
    "mask dtype": (
        "convolve", (IMAGE, KERNEL), {"mask": np.zeros((8, 9), int)}, TypeError, ["mask", "int64", "bool"],
    ),
    "kernel without a sum": (
        "convolve", (IMAGE, np.array([[1, -1]], F32)), {"nan": "omit"}, ValueError,
        ["kernel", "0", "nan|mask"],
    ),
    # kernels
    "kernel empty": (
        "convolve", (IMAGE, np.ones((3, 0), F32)), {}, ValueError, ["kernel", r"\(3, 0\)|0|empty"],
    ),
    "weight empty": ("conv2d", (X2, W2[:, :, :0]), {}, ValueError, ["weight|kernel", "0|empty"]),
    "kernel too large": (
        "convolve", (IMAGE, np.ones((3, 10)), "valid"), {}, ValueError, ["kernel", "10", "9"],
    ),
    "weight too large": ("conv2d", (X2, W2), {"dilation": 5}, ValueError, ["weight|kernel", "11", "8"]),
    "weight too large for padding": (
        "conv1d", (X1[..., :2], np.ones((6, 4, 9), F32)), {"padding": 3}, ValueError,
        ["weight|kernel", "9", "8"],
    ),
    "pool kernel zero": ("max_pool2d", (X2, 0), {}, ValueError, ["kernel_size", "0", "1|positive"]),
    "pool kernel length": ("max_pool2d", (X2, (2, 2, 2)), {}, ValueError, ["kernel_size", "3|2, 2, 2", "2"]),
    "pool kernel float": ("avg_pool2d", (X2, 2.0), {}, TypeError, ["kernel_size", r"2\.0|float", "int"]),
    "pool kernel too large": ("avg_pool2d", (X2, 10), {}, ValueError, ["kernel", "10", "8"]),
    "divisor zero": ("avg_pool2d", (X2, 2), {"divisor_override": 0}, ValueError, ["divisor_override", "0"]),
    "divisor float": (
        "avg_pool2d", (X2, 2), {"divisor_override": 1.5}, TypeError, ["divisor_override", r"1\.5", "int"],
    ),
    # sizes that overflow
    "padding overflows": (
        "conv1d", (X1, W1), {"padding": 2**62}, ValueError, ["padding|overflow|large|bytes"],
    ),
    "padding beyond int64": (
        "conv1d", (X1, W1), {"padding": 2**70}, (ValueError, OverflowError), ["padding|overflow|large"],
    ),
    "dilation overflows": (
        "conv1d", (X1, W1), {"dilation": 2**62, "padding": "same"}, ValueError,
        ["dilation|padding|overflow|large"],
    ),
    "kernel beyond int64": ("max_pool1d", (X1, 2**70), {}, ValueError, ["kernel", str(2**70), "9"]),
    "output overflows": (
        "conv3d", (X3, W3), {"padding": 2**21}, ValueError, ["result|padding", r"4194308|2\*\*63"],
    ),
    # threads
    "num_threads zero": (
        "convolve", (IMAGE, KERNEL), {"num_threads": 0}, ValueError, ["num_threads", "0", "1|positive"],
    ),
    "num_threads negative": (
        "conv2d", (X2, W2), {"num_threads": -1}, ValueError, ["num_threads", "-1", "1|positive"],
    ),
    "num_threads float": (
        "max_pool2d", (X2, 2), {"num_threads": 1.0}, TypeError, ["num_threads", r"1\.0|float", "int"],
    ),
    # arithmetic of shapes
    "shape stride": (
        "conv_output_shape", ((8, 9), 3), {"stride": 0}, ValueError, ["stride", "0", "1|positive"],
    ),
    "shape kernel": ("conv_output_shape", ((8, 9), (3, 10)), {}, ValueError, ["kernel", "10", "9"]),
    "shape lengths": ("conv_output_shape", ((8, 9), (3, 3, 3)), {}, ValueError, ["kernel_size", "3", "2"]),
    "field kernel": ("receptive_field", ([(0, 1, 1)],), {}, ValueError, ["kernel|layers", "0"]),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_input(case):
    """Each names the argument, what it got, what it takes, and leaves ``out`` alone."""
    name, arguments, keywords, error, parts = CASES[case]
    function = getattr(cconv, name)
    calls = [keywords]
    if name not in ("conv_output_shape", "receptive_field"):
        out = np.full((2, 6, 6, 7), poison(F32), F32)
        calls.append(dict(keywords, out=out))
    for call in calls:
        errors = error if isinstance(error, tuple) else (error,)
        with pytest.raises((*errors, ValueError, TypeError) if "out" in call else errors) as caught:
            function(*arguments, **call)
        if "out" in call and re.match(r"out\b", str(caught.value)):
            continue  # two arguments are wrong here; either may be named
        for part in parts:
            assert re.search(part, str(caught.value)), f"{part!r} is not in the message: {caught.value}"
        assert "\n" not in str(caught.value)
    if len(calls) == 2:
        assert np.isnan(out).all()


SHAPES = {
    "convolve": (10, 11),
    "conv2d": (2, 6, 6, 7),
    "max_pool2d": (2, 4, 4, 4),
    "avg_pool2d": (2, 4, 4, 4),
}
ARGUMENTS = {"convolve": (IMAGE, KERNEL), "conv2d": (X2, W2), "max_pool2d": (X2, 2), "avg_pool2d": (X2, 2)}


def readonly(shape):
    out = np.full(shape, np.nan, F32)
    out.flags.writeable = False
    return out


BAD_OUT = {
    "shape": (
        lambda s: np.full((*s[:-1], s[-1] + 1), np.nan, F32),
        ValueError,
        lambda s: str((*s[:-1], s[-1] + 1)),
    ),
    "shape that broadcasts": (lambda s: np.full((1, *s), np.nan, F32), ValueError, lambda s: str((1, *s))),
    "wider dtype": (lambda s: np.full(s, np.nan, np.float64), (ValueError, TypeError), lambda s: "float64"),
    "narrower dtype": (
        lambda s: np.full(s, np.nan, np.float16),
        (ValueError, TypeError),
        lambda s: "float16",
    ),
    "integer dtype": (lambda s: np.full(s, 77, np.int32), (ValueError, TypeError), lambda s: "int32"),
    "read-only": (readonly, ValueError, lambda s: "read-only|writ"),
    "not an array": (lambda s: np.full(s, np.nan, F32).tolist(), TypeError, lambda s: "list"),
}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("wrong", BAD_OUT)
def test_bad_out(name, wrong):
    make, error, got = BAD_OUT[wrong]
    shape = SHAPES[name]
    out = make(shape)
    before = np.array(out)
    with pytest.raises(error) as caught:
        getattr(cconv, name)(*ARGUMENTS[name], out=out)
    message = str(caught.value)
    assert "out" in message
    assert re.search(got(shape) if "|" in got(shape) else re.escape(got(shape)), message), message
    allowed = {
        "shape": str(shape),
        "shape that broadcasts": str(shape),
        "read-only": "",
        "not an array": "array",
    }
    assert allowed.get(wrong, "float32") in message, message
    np.testing.assert_array_equal(np.array(out), before)


def test_bad_out_of_indices():
    """out is (values, indices) there, and only there."""
    values, indices = np.full(SHAPES["max_pool2d"], np.nan, F32), np.full(SHAPES["max_pool2d"], -7, np.int64)
    for out in (
        values,
        (values,),
        (values, indices.astype(np.int32)),
        (values, indices[..., :-1]),
        (values, None),
    ):
        with pytest.raises((ValueError, TypeError), match="out"):
            cconv.max_pool2d(X2, 2, return_indices=True, out=out)
    with pytest.raises((ValueError, TypeError), match="out"):
        cconv.max_pool2d(X2, 2, out=(values, indices))
    assert np.isnan(values).all()
    assert (indices == -7).all()


@pytest.mark.parametrize("name", ["conv2d", "convolve", "max_pool2d"])
def test_an_allocation_that_fails_is_memory_error(name):
    """2**44 samples and more: more than any machine grants, yet no overflow."""
    calls = {
        "conv2d": lambda: cconv.conv2d(X2[:1, :1], W2[:1, :1], padding=2**22),
        "convolve": lambda: cconv.convolve(np.broadcast_to(F32(1), (2**22, 2**23)), KERNEL),
        "max_pool2d": lambda: cconv.max_pool2d(np.broadcast_to(F32(1), (1, 2**23, 2**22)), 1),
    }
    with pytest.raises(MemoryError):
        calls[name]()
    assert cconv.convolve([1, 2], [1]).tolist() == [1, 2]


def test_unknown_keywords_are_refused():
    for name in ("convolve", "conv2d", "max_pool2d"):
        with pytest.raises(TypeError, match="paddding"):
            getattr(cconv, name)(*ARGUMENTS[name], paddding=1)


def test_an_error_is_the_same_the_second_time():
    """Specs are cached by signature; failures must not be."""
    messages = set()
    for _ in range(3):
        with pytest.raises(ValueError, match="groups") as caught:
            cconv.conv2d(X2, W2, groups=3)
        messages.add(str(caught.value))
    assert len(messages) == 1


def test_the_cache_of_specs_tells_equal_looking_arguments_apart():
    """1, 1.0 and True hash alike; a cached spec for one must not answer for the other."""
    cconv.conv2d(X2, W2, stride=1)
    with pytest.raises(TypeError, match="stride"):
        cconv.conv2d(X2, W2, stride=1.0)
    cconv.convolve([1, 2], [1, 1], "same", cval=1)
    one = cconv.correlate([0.0], [1.0, 0, 0], "same", cval=0.0)
    other = cconv.correlate([0.0], [1.0, 0, 0], "same", cval=1)
    assert (one[0], other[0]) == (0, 1)
    big, small = (np.ones((1, 1, 4), dtype) for dtype in (">f4", "<f4"))
    np.testing.assert_array_equal(cconv.conv1d(big, W1[:1, :1]), cconv.conv1d(small, W1[:1, :1]))


def test_a_stride_that_is_never_taken_may_have_any_size():
    """One window only: nothing overflows, so nothing is refused."""
    assert cconv.max_pool1d(X1, 9, stride=2**70).shape == (2, 4, 1)
    assert cconv.conv1d(X1, np.ones((1, 4, 9), F32), stride=2**70).shape == (2, 1, 1)
