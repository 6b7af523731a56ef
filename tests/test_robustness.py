"""Memory: any strides, byte order, alignment, overlap; no access outside; the same bits however split."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import cconv
from cconv import _core
from checks import INEXACT, INTEGERS, Fence, check, guarded, same_bits, sample, unaligned, whole

# name: (function, shapes of the arrays, other arguments, keywords).  One per way through the core.
CALLS = {
    "convolve 1-D": ("convolve", [(301,), (31,)], (), {}),
    "convolve 1-D short": ("convolve", [(8,), (3,)], (), {}),
    "correlate 2-D": ("correlate", [(21, 50), (3, 5)], (), {"mode": "same", "boundary": "reflect"}),
    "convolve batch": ("convolve", [(3, 40, 5), (4,)], (), {"mode": "same", "axes": 1}),
    "correlate 3-D": ("correlate", [(5, 6, 20), (3, 2, 3)], (), {"mode": "valid"}),
    "conv1d": ("conv1d", [(2, 3, 40), (4, 3, 5), (4,)], (), {"padding": 2}),
    "conv2d many channels": (
        "conv2d", [(2, 16, 9, 11), (33, 16, 3, 3), (33,)], (), {"padding": 1, "activation": "relu"},
    ),
    "conv2d strided": ("conv2d", [(2, 3, 15, 18), (20, 3, 5, 5), (20,)], (), {"stride": 2, "padding": 2}),
    "conv2d pointwise": ("conv2d", [(2, 24, 6, 7), (17, 24, 1, 1)], (), {}),
    "conv2d depthwise": ("conv2d", [(2, 6, 9, 30), (6, 1, 3, 3), (6,)], (), {"groups": 6, "padding": 1}),
    "conv2d one channel": (
        "conv2d", [(3, 1, 20, 40), (1, 1, 7, 7)], (), {"padding": 3, "padding_mode": "wrap"},
    ),
    "conv2d channels last": ("conv2d", [(2, 9, 11, 8), (12, 8, 3, 3)], (), {"data_format": "channels_last"}),
    "conv3d": ("conv3d", [(2, 4, 5, 6, 9), (8, 4, 2, 3, 3), (8,)], (), {"padding": 1}),
    "max_pool2d": ("max_pool2d", [(2, 5, 11, 20)], (3,), {"stride": 2, "padding": 1}),
    "max_pool2d indices": ("max_pool2d", [(2, 5, 11, 20)], (2,), {"return_indices": True}),
    "max_pool2d channels last": ("max_pool2d", [(2, 11, 20, 5)], (2,), {"data_format": "channels_last"}),
    "avg_pool2d": ("avg_pool2d", [(2, 5, 11, 20)], (3,), {"stride": 2, "padding": 1, "ceil_mode": True}),
    "avg_pool3d": ("avg_pool3d", [(2, 3, 5, 6, 9)], (2,), {}),
}  # fmt: skip
ALL_CALLS = pytest.mark.parametrize("call", CALLS)


def make(rng, call, dtype="float32", values=sample):
    """(function, arrays, how to call it with other arrays and keywords)."""
    name, shapes, rest, keywords = CALLS[call]
    arrays = [values(rng, shape, dtype) for shape in shapes]
    return name, arrays, lambda arrays, **more: getattr(cconv, name)(*arrays, *rest, **keywords, **more)


def tuples(result):
    return result if isinstance(result, tuple) else (result,)


# ---- inputs ------------------------------------------------------------------------------------------------


def strided(a):
    """Every second sample of a larger array along every axis, the rest poisoned."""
    big = np.full([2 * n + 1 for n in a.shape], np.nan).astype(a.dtype)
    view = big[tuple(slice(1, 2 * n + 1, 2) for n in a.shape)]
    view[...] = a
    return view


def reversed_memory(a):
    flip = (slice(None, None, -1),) * a.ndim
    return np.ascontiguousarray(a[flip])[flip]


def readonly(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def memory_of_a_transpose(a):
    order = [*range(1, a.ndim), 0]
    return np.ascontiguousarray(a.transpose(order)).transpose(np.argsort(order))


def gap_of_an_odd_number_of_bytes(a):
    """A field of a packed record: strides that are no multiple of the item, and unaligned ones."""
    record = np.zeros(a.shape, np.dtype([("head", "u1"), ("value", a.dtype), ("tail", "u2")]))
    record["value"] = a
    return record["value"]


LAYOUTS = {
    "Fortran": np.asfortranarray,
    "strided": strided,
    "reversed": reversed_memory,
    "transposed": memory_of_a_transpose,
    "byte-swapped": lambda a: a.astype(a.dtype.newbyteorder(">" if sys.byteorder == "little" else "<")),
    "byte-swapped strided": lambda a: strided(
        a.astype(a.dtype.newbyteorder(">" if sys.byteorder == "little" else "<"))
    ),
    "read-only": readonly,
    "unaligned": unaligned,
    "field of a record": gap_of_an_odd_number_of_bytes,
}


@ALL_CALLS
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_of_inputs_does_not_change_the_result(rng, call, layout):
    """Equality on whole numbers: another layout may go another way, with another order of summation."""
    _, arrays, run = make(rng, call, values=whole)
    want = run(arrays)
    held = [LAYOUTS[layout](a) for a in arrays]
    for array, original in zip(held, arrays, strict=True):
        np.testing.assert_array_equal(array, original)
    for got, expected in zip(tuples(run(held)), tuples(want), strict=True):
        same_bits(got, expected)
        assert got.dtype.isnative
    for array, original in zip(held, arrays, strict=True):
        np.testing.assert_array_equal(array, original)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [*INTEGERS, *INEXACT, "bool"])
@pytest.mark.parametrize("call", ["correlate 2-D", "conv2d many channels", "conv2d depthwise", "max_pool2d"])
def test_layout_of_every_type(rng, call, layout, dtype):
    _, arrays, run = make(rng, call, dtype, whole if np.dtype(dtype).kind in "fc" else sample)
    if ("pool" in call and np.dtype(dtype).kind == "c") or (
        "channels" in call and np.dtype(dtype).kind == "c"
    ):
        pytest.skip("no maximum, no relu of complex numbers")
    with np.errstate(invalid="ignore"):
        held = [LAYOUTS[layout](a) for a in arrays]
    same_bits(run(held), run(arrays))


def test_broadcast_inputs_are_taken(rng):
    """Strides of 0."""
    x = np.broadcast_to(sample(rng, (1, 1, 9, 20)), (3, 4, 9, 20))
    w = np.broadcast_to(sample(rng, (6, 1, 3, 3)), (6, 4, 3, 3))
    same_bits(cconv.conv2d(x, w), cconv.conv2d(x.copy(), w.copy()))
    same_bits(cconv.max_pool2d(x, 2), cconv.max_pool2d(x.copy(), 2))


def test_memmap_is_taken(rng, tmp_path):
    x = sample(rng, (20, 30))
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    got = cconv.convolve(mapped, np.ones((3, 3), np.float32))
    assert type(got) is np.ndarray
    same_bits(got, cconv.convolve(x, np.ones((3, 3), np.float32)))


def test_subclasses_come_back_as_arrays():
    class Picture(np.ndarray):
        pass

    assert type(cconv.convolve(np.ones((4, 4)).view(Picture), np.ones((2, 2)).view(Picture))) is np.ndarray


# ---- outputs -----------------------------------------------------------------------------------------------


def out_layouts(like):
    """Writable arrays of every layout, with what must stay as it is around them."""
    swapped = like.dtype.newbyteorder(">" if sys.byteorder == "little" else "<")
    big = np.full([2 * n + 1 for n in like.shape], -7).astype(like.dtype)
    yield (
        "strided",
        big[tuple(slice(1, 2 * n + 1, 2) for n in like.shape)],
        lambda: (big == -7).sum() >= big.size - like.size,
    )
    yield "Fortran", np.empty(like.shape, like.dtype, order="F"), lambda: True
    yield "reversed", np.empty_like(like)[(slice(None, None, -1),) * like.ndim], lambda: True
    yield "unaligned", unaligned(np.zeros_like(like)), lambda: True
    raw = np.zeros(like.shape, np.dtype([("head", "u1"), ("value", like.dtype)]))
    yield "field", raw["value"], lambda: not raw["head"].any()
    yield "byte-swapped", np.empty(like.shape, swapped), lambda: True


@ALL_CALLS
def test_layout_of_out_does_not_change_the_result(rng, call):
    _, arrays, run = make(rng, call, values=whole)
    wants = tuples(run(arrays))
    for layouts in zip(*map(out_layouts, wants), strict=True):
        outs = tuple(out for _, out, _ in layouts)
        got = run(arrays, out=outs if len(outs) > 1 else outs[0])
        for result, out, want, (name, _, untouched) in zip(tuples(got), outs, wants, layouts, strict=True):
            assert result is out, name
            same_bits(out.astype(want.dtype), want)
            assert untouched(), name


@ALL_CALLS
@pytest.mark.parametrize("layout", ["contiguous", "margins"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int8", "int64", "complex64"])
def test_out_is_written_whole_and_nothing_around_it(rng, call, layout, dtype):
    name, arrays, run = make(rng, call, dtype)
    if np.dtype(dtype).kind == "c" and ("pool" in name or "activation" in CALLS[call][3]):
        pytest.skip("no maximum, no relu, no average of complex numbers")
    held = [guarded(a) for a in arrays]
    wants = tuples(run(arrays))
    fences = [Fence(w.shape, w.dtype, layout) for w in wants]
    run(held, out=tuple(f.out for f in fences) if len(fences) > 1 else fences[0].out)
    for fence, want in zip(fences, wants, strict=True):
        same_bits(fence.out, want)
        fence.check()


@pytest.mark.parametrize("shift", [0, 1, -1, 7])
def test_out_may_overlap_the_input(rng, shift):
    """In place, and shifted by some samples either way."""
    for dtype in ("float32", "int16", "complex128"):
        memory = sample(rng, (40, 64), dtype)
        x, out = memory[10:30, 8:56], memory[10:30, 8 + shift : 56 + shift]
        w = sample(rng, (3, 5), dtype)
        want = cconv.convolve(x.copy(), w, "same", boundary="wrap")
        got = cconv.convolve(x, w, "same", boundary="wrap", out=out)
        assert got is out
        same_bits(out, want)


def test_out_may_be_the_weight_or_the_bias(rng):
    w = sample(rng, (4, 4, 3, 3))
    x = sample(rng, (4, 4, 5, 5))
    want = cconv.conv2d(x, w.copy())
    same_bits(cconv.conv2d(x, w, out=w), want)
    b = sample(rng, (4,))
    want = cconv.conv2d(x[0, :, :1, :1], w[:, :, :1, :1], b.copy())
    same_bits(cconv.conv2d(x[0, :, :1, :1], w[:, :, :1, :1], b, out=b.reshape(4, 1, 1)), want)


def test_out_may_overlap_the_input_of_a_pool(rng):
    for function in (cconv.max_pool2d, cconv.avg_pool2d):
        x = sample(rng, (2, 3, 12, 14))
        want = function(x.copy(), 2)
        same_bits(function(x, 2, out=x[:, :, :6, 1:8]), want)
    x = sample(rng, (2, 3, 12, 14), "float64")
    values, indices = cconv.max_pool2d(x.copy(), 3, stride=1, padding=1, return_indices=True)
    got = cconv.max_pool2d(x, 3, stride=1, padding=1, return_indices=True, out=(x, x.view(np.int64).copy()))
    same_bits(got[0], values)
    same_bits(got[1], indices)


def test_out_may_interleave_with_the_input(rng):
    """Neither overlaps the other in a byte, though their ranges do."""
    memory = sample(rng, (30, 2, 50))
    x, out = memory[:, 0], memory[:, 1]
    copy = x.copy()
    same_bits(
        cconv.correlate(x, np.ones((3, 3), np.float32), "same", out=out),
        cconv.correlate(copy, np.ones((3, 3), np.float32), "same"),
    )
    np.testing.assert_array_equal(x, copy)


# ---- the same bits, however it is split --------------------------------------------------------------------

LARGER = {
    "1-D": ("convolve", [(70001,), (31,)], (), {}),
    "1-D long": ("convolve", [(20001,), (701,)], (), {"mode": "same"}),
    "1-D batch": ("convolve", [(5, 3001), (9,)], (), {"axes": 1}),
    "2-D": ("correlate", [(301, 517), (5, 7)], (), {"mode": "same", "boundary": "symmetric"}),
    "3-D": ("correlate", [(20, 41, 67), (3, 3, 3)], (), {"mode": "same"}),
    "layer": ("conv2d", [(3, 19, 37, 41), (45, 19, 3, 3), (45,)], (), {"padding": 1}),
    "layer strided": ("conv2d", [(2, 3, 60, 71), (33, 3, 7, 7), (33,)], (), {"padding": 3, "stride": 2}),
    "pointwise": ("conv2d", [(2, 70, 15, 17), (129, 70, 1, 1)], (), {}),
    "depthwise": ("conv2d", [(2, 35, 30, 41), (35, 1, 3, 3)], (), {"groups": 35, "padding": 1}),
    "volume": ("conv3d", [(2, 5, 11, 13, 17), (18, 5, 3, 3, 3)], (), {"padding": 1}),
    "max": ("max_pool2d", [(3, 9, 57, 59)], (3,), {"stride": 2, "padding": 1, "return_indices": True}),
    "avg": ("avg_pool2d", [(3, 9, 57, 59)], (3,), {"stride": 2, "padding": 1}),
}  # fmt: skip


@pytest.mark.parametrize("call", LARGER)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
def test_bits_do_not_depend_on_the_number_of_threads(rng, call, dtype):
    name, shapes, rest, keywords = LARGER[call]
    arrays = [sample(rng, shape, dtype) for shape in shapes]
    one, two, three = (
        tuples(getattr(cconv, name)(*arrays, *rest, **keywords, num_threads=n)) for n in (1, 2, 3)
    )
    for a, b, c in zip(one, two, three, strict=True):
        same_bits(b, a)
        same_bits(c, a)


@pytest.mark.parametrize("call", [c for c in LARGER if c not in ("1-D", "1-D long", "2-D", "3-D")])
def test_bits_do_not_depend_on_the_split_of_the_batch(rng, call):
    """Image by image, in pairs, or all at once."""
    name, shapes, rest, keywords = LARGER[call]
    x, *others = (sample(rng, shape) for shape in shapes)
    together = tuples(getattr(cconv, name)(x, *others, *rest, **keywords))
    for step in (1, 2):
        for start in range(0, len(x), step):
            part = tuples(
                getattr(cconv, name)(x[start : start + step], *others, *rest, **keywords, num_threads=2)
            )
            for a, b in zip(part, together, strict=True):
                same_bits(a, b[start : start + step])


def test_repeated_calls_give_the_same_bits(rng):
    x, w = sample(rng, (2, 19, 37, 41)), sample(rng, (45, 19, 3, 3))
    first = cconv.conv2d(x, w)
    for _ in range(5):
        same_bits(cconv.conv2d(x, w), first)


# ---- pages that may not be touched -------------------------------------------------------------------------

FENCED_PAGES = textwrap.dedent(
    """
    import ctypes, itertools, mmap, sys
    import numpy as np
    import cconv

    page = mmap.PAGESIZE
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    kept = []

    def fenced(array, at_end):
        # the array ends right before (or starts right after) a page that may not be read or written
        array = np.ascontiguousarray(array)
        pages = -(-max(array.nbytes, 1) // page)
        memory = mmap.mmap(-1, (pages + 2) * page)
        raw = np.frombuffer(memory, np.uint8)
        kept.append((memory, raw))
        start = (pages + 1) * page - array.nbytes if at_end else page
        view = raw[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
        view[...] = array
        for fence in (0, (pages + 1) * page):
            assert libc.mprotect(raw.ctypes.data + fence, page, 0) == 0
        return view

    rng = np.random.default_rng(7)
    def array(*shape):
        return rng.integers(-8, 8, shape).astype(dtype)  # of the dtype of the loop

    def call(function, *arrays, rest=(), **keywords):
        want = function(*arrays, *rest, **keywords)
        for at_end in (True, False):
            out = fenced(np.zeros_like(want), at_end)
            function(*[fenced(a, at_end) for a in arrays], *rest, out=out, **keywords)
            assert np.array_equal(out, want)
        kept.clear()

    for dtype in ("float32", "float64", "int8", "uint16", "int32", "int64", "float16", "complex64"):
        for n in (1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 47, 64, 65, 100, 129):
            for k in (1, 2, 3, 5, 9, 17):
                call(cconv.convolve, array(n), array(k))
            call(cconv.correlate, array(3, n), array(3, 3), mode="same", boundary="edge")
            if dtype != "complex64":
                call(cconv.max_pool2d, array(2, 3, n), rest=(2,), stride=1, padding=1)
                call(cconv.avg_pool2d, array(2, 3, n), rest=(2,), stride=1, padding=1)
    for dtype in ("float32", "float64", "int32"):
        for ic, oc, n in itertools.product((1, 3, 8, 17), (1, 5, 16, 33), (3, 7, 18)):
            x, w = array(1, ic, 4, n), array(oc, ic, 3, 3)
            call(cconv.conv2d, x, w, array(oc))
            call(cconv.conv2d, x, w, padding=1, stride=2)
            call(cconv.conv2d, x, w[:, :, :1, :1])
            call(cconv.conv2d, array(1, 4, n, ic), w, data_format="channels_last")
        for c, n in itertools.product((1, 2, 9), (3, 18, 40)):
            call(cconv.conv2d, array(1, c, 4, n), array(c, 1, 3, 3), array(c), groups=c, padding=1)
        for g, n in itertools.product((2, 3), (3, 18, 40)):
            x, w, b = array(2, 4 * g, 3, n), array(6 * g, 4, 3, 3), array(6 * g)
            call(cconv.conv2d, x, w, b, groups=g, padding=((2, 0), (0, 3)), dilation=2, padding_mode="wrap")
            call(cconv.conv2d, x, w, b, groups=g, padding=(1, 2), stride=(1, 3), padding_mode="reflect")
        for n, k in itertools.product((20, 70), (4, 15, 20)):
            call(cconv.convolve, array(n, n), array(k, k), mode="valid")
            call(cconv.convolve, array(4, 5, n), array(2, 3, k), mode="same", boundary="wrap")
            call(cconv.correlate, array(5, n, 3), array(4), mode="full", axes=1)
        call(cconv.conv3d, array(1, 3, 3, 4, 21), array(9, 3, 2, 2, 3), array(9))
    print("untouched")
    """
)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs mprotect")
def test_arrays_between_forbidden_pages_are_never_left():
    """Reads too: a load beyond either end of an input, or of out, ends the process."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", FENCED_PAGES], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip() == "untouched"


# ---- levels ------------------------------------------------------------------------------------------------

ONE_LEVEL = textwrap.dedent(
    """
    import os, sys
    import numpy as np
    os.environ["CCONV_SIMD"] = sys.argv[1]
    try:
        import cconv
    except ImportError:
        sys.exit(77)
    assert cconv.simd_level() == sys.argv[1]
    rng = np.random.default_rng(20)
    results = {}
    for dtype in ("float32", "float64", "int32", "uint8", "int64"):
        def array(*shape):
            if dtype[0] in "iu":
                return rng.integers(0, 100, shape).astype(dtype)
            return rng.standard_normal(shape).astype(dtype)
        results[dtype + " 1-D"] = cconv.convolve(array(3001), array(63))
        results[dtype + " 2-D"] = cconv.correlate(array(65, 130), array(5, 5), "same", boundary="reflect")
        layer = array(2, 17, 13, 19), array(35, 17, 3, 3), array(35)
        results[dtype + " layer"] = cconv.conv2d(*layer, padding=1)
        results[dtype + " depthwise"] = cconv.conv2d(array(2, 5, 13, 49), array(5, 1, 3, 3), groups=5)
        results[dtype + " max"] = cconv.max_pool2d(array(2, 5, 13, 49), 3, stride=2, padding=1)
        results[dtype + " avg"] = cconv.avg_pool2d(array(2, 5, 13, 49), 3, stride=2, padding=1)
    np.savez(sys.argv[2], **results)
    """
)


def test_levels_agree(tmp_path):
    """Every level that this machine has: integers and maxima in every bit, sums within rounding."""
    if len(_core.LEVELS) < 2:
        pytest.skip(f"{_core.LEVELS} is all there is")
    found = {}
    for level in ("generic", "x86-64-v3", "x86-64-v4"):
        path = tmp_path / f"{level}.npz"
        done = subprocess.run(
            [sys.executable, "-c", ONE_LEVEL, level, str(path)], capture_output=True, text=True
        )
        if done.returncode == 77:
            continue
        assert done.returncode == 0, done.stderr[-3000:]
        found[level] = dict(np.load(path))
    assert "generic" in found
    for level, results in found.items():
        for name, got in results.items():
            want = found["generic"][name]
            assert got.dtype == want.dtype
            if got.dtype.kind in "iu" or "max" in name:
                np.testing.assert_array_equal(got, want, err_msg=f"{level} {name}")
            else:
                eps = np.finfo(got.dtype).eps
                np.testing.assert_allclose(
                    got, want, rtol=100 * eps, atol=300 * eps, err_msg=f"{level} {name}"
                )


def test_check_itself_sees_a_wrong_sample(monkeypatch):
    """The comparison must be able to fail: one sample off by a part in ten thousand, one byte outside out."""
    x, w = np.ones(30, np.float32), np.ones(3, np.float32)
    right = cconv.convolve

    def off(*args, **kwargs):
        y = right(*args, **kwargs)
        y[17] *= 1.0001
        return y

    def spills(*args, out=None, **kwargs):
        if out is not None:
            np.lib.stride_tricks.as_strided(out, (out.size + 1,))[-1] = 0
        return right(*args, out=out, **kwargs)

    for broken in (off, spills):
        monkeypatch.setattr(cconv, "convolve", broken)
        with pytest.raises(AssertionError, match="convolve"):
            check("convolve", x, w)
