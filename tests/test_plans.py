"""Plans of layers: the bits of the function, validated once, shared and copied freely."""

import copy
import pickle
import threading

import numpy as np
import pytest

import cconv
from checks import Fence, same_bits, sample, whole

RANKS = pytest.mark.parametrize("rank", [1, 2, 3])
SIZE = (5, 8, 21)


def layer(rng, rank, dtype="float32", ic=4, oc=6):
    """(input, weight, bias) of a layer of that rank."""
    make = whole if np.dtype(dtype).kind in "iu" else sample
    x, w = make(rng, (2, ic, *SIZE[3 - rank :]), dtype), make(rng, (oc, ic, *(3,) * rank), dtype)
    return x, w, make(rng, (oc,), dtype)


def functions(rank):
    return getattr(cconv, f"conv{rank}d"), getattr(cconv, f"plan_conv{rank}d")


CASES = [
    dict(),
    dict(stride=2, padding=1, activation="relu"),
    dict(padding="same", padding_mode="reflect", dilation=2),
    dict(padding="full", cval=2, flip_kernel=True),
    dict(padding=-1, out_dtype="complex128"),
    dict(out_dtype="uint8", casting="saturate", padding=[1]),
]


@RANKS
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("options", CASES, ids=str)
def test_a_plan_has_the_bits_of_the_function(rng, rank, options, with_bias):
    conv, plan_conv = functions(rank)
    x, w, b = layer(rng, rank)
    b = b if with_bias else None
    if isinstance(options.get("padding"), list):
        options = dict(options, padding=options["padding"] * rank)
    want = conv(x, w, b, **options)
    plan = plan_conv(w, b, **options)
    same_bits(plan(x), want)
    same_bits(plan_conv(w, b, input_shape=x.shape, **options)(x), want)
    fence = Fence(want.shape, want.dtype)
    assert plan(x, out=fence.out) is fence.out
    same_bits(fence.out, want)
    fence.check()
    same_bits(plan(x[0]), want[0])
    same_bits(plan(x.tolist()), conv(x.tolist(), w, b, **options))


@pytest.mark.parametrize("source", ["uint8", "float16", "float32", "float64", "complex64", ">f4"])
@pytest.mark.parametrize("dtype", ["int8", "float16", "float32", "complex64", ">f8"])
def test_one_plan_takes_inputs_of_any_type(rng, source, dtype):
    w = whole(rng, (6, 4, 3, 3), dtype)
    plan = cconv.plan_conv2d(w)
    for shape in ((2, 4, 8, 9), (1, 4, 8, 9), (4, 10, 3)):
        x = whole(rng, shape, source) if source != "uint8" else sample(rng, shape, source)
        for _ in range(2):
            same_bits(plan(x), cconv.conv2d(x, w))


@pytest.mark.parametrize("options", [dict(groups=2), dict(data_format="channels_last", groups=2)], ids=str)
def test_groups_and_layouts(rng, options):
    x, w = sample(rng, (2, 4, 8, 4)), sample(rng, (6, 2, 3, 3))
    same_bits(cconv.plan_conv2d(w, **options)(x), cconv.conv2d(x, w, **options))


def test_out_may_overlap_the_input(rng):
    x, w = sample(rng, (1, 9, 9)), sample(rng, (1, 1, 3, 3))
    want = cconv.conv2d(x, w, padding=1)
    assert cconv.plan_conv2d(w, padding=1)(x, out=x) is x
    same_bits(x, want)


def test_a_plan_keeps_read_only_copies(rng):
    x, w, b = layer(rng, 2)
    plan = cconv.plan_conv2d(w, b, padding=[1, 1])
    want = plan(x)
    w[...], b[...] = 0, 0
    same_bits(plan(x), want)
    for kept in (plan.weight, plan.bias):
        assert not kept.flags.writeable and kept.flags.c_contiguous
        with pytest.raises(ValueError):
            kept[...] = 0
    plan.options["padding"] = 0
    same_bits(plan(x), want)


def test_a_transposed_weight(rng):
    x, w, _ = layer(rng, 2)
    turned = np.ascontiguousarray(w.T).T
    same_bits(cconv.plan_conv2d(turned)(x), cconv.conv2d(x, w))
    assert cconv.plan_conv2d(turned).weight.flags.c_contiguous


def test_the_number_of_threads_is_the_plan_s(rng):
    x, w, _ = layer(rng, 3)
    for num_threads in (1, 2, None):
        same_bits(cconv.plan_conv3d(w, num_threads=num_threads)(x), cconv.conv3d(x, w))


def test_threads_share_a_plan(rng):
    """More signatures than a plan remembers, from several threads at a time."""
    w = sample(rng, (5, 3, 3))
    plan = cconv.plan_conv1d(w, num_threads=1)
    inputs = [sample(rng, (3, n)) for n in range(3, 150)]
    wants = [cconv.conv1d(x, w) for x in inputs]
    failures = []

    def work(order):
        try:
            for i in order:
                same_bits(plan(inputs[i]), wants[i])
        except BaseException as failure:
            failures.append(failure)

    orders = [rng.permutation(len(inputs)) for _ in range(4)]
    threads = [threading.Thread(target=work, args=(order,)) for order in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures[0]
    assert len(plan._entries) <= 64 + len(threads)


@RANKS
@pytest.mark.parametrize("copied", [lambda p: pickle.loads(pickle.dumps(p)), copy.copy, copy.deepcopy])
def test_copies(rng, rank, copied):
    x, w, b = layer(rng, rank)
    plan = functions(rank)[1](w, b, padding="same", out_dtype="float64", input_shape=x.shape, num_threads=1)
    twin = copied(plan)
    assert repr(twin) == repr(plan) and twin.num_threads == 1 and twin.input_shape == x.shape
    same_bits(twin(x), plan(x))


def test_repr_shows_what_is_not_default():
    w = np.ones((6, 4, 3, 3), np.float32)
    assert repr(cconv.plan_conv2d(w)) == "<cconv.Conv: conv2d, weight=float32[6, 4, 3, 3]>"
    plan = cconv.plan_conv2d(w, np.ones(6), stride=(2, 1), activation="relu", input_shape=(4, 8, 9), num_threads=2)
    assert repr(plan) == (
        "<cconv.Conv: conv2d, weight=float32[6, 4, 3, 3], bias=float64[6], stride=(2, 1), activation='relu', "
        "input_shape=(4, 8, 9), dtype=float32, num_threads=2>"
    )


# ---- refused -----------------------------------------------------------------------------------------------

W = np.ones((6, 4, 3, 3), np.float32)
AT_ONCE = {
    "weight rank": ((W[0],), {}, ValueError, ["weight", "3", "4"]),
    "weight type": ((W.astype(object),), {}, TypeError, ["weight", "object"]),
    "empty kernel": ((W[..., :0],), {}, ValueError, ["weight", "empty"]),
    "bias": ((W, np.ones(5)), {}, ValueError, ["bias", "5", "6"]),
    "groups": ((W,), {"groups": 4}, ValueError, ["groups", "4", "6"]),
    "groups zero": ((W,), {"groups": 0}, ValueError, ["groups", "0"]),
    "stride": ((W,), {"stride": 0}, ValueError, ["stride", "0"]),
    "dilation": ((W,), {"dilation": (1, 2, 3)}, ValueError, ["dilation", "2"]),
    "padding": ((W,), {"padding": "wide"}, ValueError, ["padding", "wide", "same"]),
    "padding type": ((W,), {"padding": 0.5}, TypeError, ["padding", "0.5"]),
    "padding_mode": ((W,), {"padding_mode": "mirror"}, ValueError, ["padding_mode", "mirror", "reflect"]),
    "activation": ((W,), {"activation": "tanh"}, ValueError, ["activation", "tanh", "relu"]),
    "data_format": ((W,), {"data_format": "NCHW"}, ValueError, ["data_format", "NCHW", "channels_first"]),
    "method": ((W,), {"method": "slow"}, ValueError, ["method", "slow", "direct"]),
    "casting": ((W,), {"casting": "clip"}, ValueError, ["casting", "clip", "saturate"]),
    "out_dtype": ((W,), {"out_dtype": "floot"}, TypeError, ["out_dtype", "floot"]),
    "num_threads": ((W,), {"num_threads": 0}, ValueError, ["num_threads", "1"]),
    "dtype alone": ((W,), {"dtype": "float32"}, TypeError, ["dtype", "input_shape"]),
    "input_shape": ((W,), {"input_shape": (4.0, 8, 8)}, TypeError, ["input_shape", "float"]),
    "input channels": ((W,), {"input_shape": (3, 8, 8)}, ValueError, ["input", "3", "4"]),
    "input size": ((W,), {"input_shape": (4, 2, 8)}, ValueError, ["kernel", "3", "2"]),
    "cval": ((W,), {"input_shape": (4, 8, 8), "padding": 1, "cval": 1j}, TypeError, ["cval", "1j"]),
    "input type": ((W,), {"input_shape": (4, 8, 8), "dtype": "M8[s]"}, TypeError, ["dtype", "datetime64"]),
    "narrower": (
        (W,), {"input_shape": (4, 8, 8), "out_dtype": "float16"}, TypeError, ["out_dtype", "float16", "float32"],
    ),
    "bias value": (
        (W.astype(np.int8), np.arange(200, 206)), {"input_shape": (4, 8, 8)}, ValueError, ["bias", "200", "int8"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "options", "error", "words"), AT_ONCE.values(), ids=AT_ONCE)
def test_refused_when_it_is_made(arguments, options, error, words):
    with pytest.raises(error) as caught:
        cconv.plan_conv2d(*arguments, **options)
    assert all(word in str(caught.value) for word in words), caught.value


def test_an_input_that_does_not_fit_is_refused_when_it_comes():
    plan = cconv.plan_conv2d(W, input_shape=(1, 4, 8, 8))
    with pytest.raises(ValueError, match="channels"):
        plan(np.ones((1, 3, 8, 8), np.float32))
    with pytest.raises(TypeError, match="dtype"):
        plan(np.ones((1, 4, 8, 8), "M8[s]"))
    with pytest.raises(TypeError, match="out has dtype"):
        plan(np.ones((1, 4, 8, 8), np.float32), out=np.ones((1, 6, 6, 6)))
    with pytest.raises(ValueError, match="out has shape"):
        plan(np.ones((1, 4, 8, 8), np.float32), out=np.ones((1, 6, 6, 7), np.float32))


def test_an_option_that_depends_on_types_waits_for_them():
    plan = cconv.plan_conv2d(W.astype(np.int8), activation="leaky_relu")
    assert plan(np.ones((4, 5, 5))).dtype == np.float64
    with pytest.raises(TypeError, match="leaky_relu"):
        plan(np.ones((4, 5, 5), np.int16))
