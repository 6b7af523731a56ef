"""What the tests have in common: random arrays, guarded memory, one comparison of a function with its twin.

The tolerance table is here and nowhere else.
"""

import ctypes
import math
import mmap

import numpy as np
import pytest

import cconv
import reference
from cconv._gradient_shapes import layer_spec
from cconv._weight_gradient import WeightSums

# What a result may be off by, relative to sum |w||x| of the sample: rounding in the arithmetic of the kernel
# (first column: its unit), which grows with the root of the number of terms, then once in the result's own
# type (second column).
# float16 is stored only: its arithmetic is float32.
UNITS = {
    np.dtype(np.float16): (2.0**-23, 2.0**-10),
    np.dtype(np.float32): (2.0**-23, 2.0**-23),
    np.dtype(np.float64): (2.0**-52, 2.0**-52),
    np.dtype(np.complex64): (2.0**-22, 2.0**-22),
    np.dtype(np.complex128): (2.0**-51, 2.0**-51),
}
SMALLEST = {np.dtype(np.float16): 2.0**-24}  # half of a subnormal step, where results near 0 round to

INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
INEXACT = ["float16", "float32", "float64", "complex64", "complex128"]
BOUNDARIES = ["constant", "edge", "reflect", "symmetric", "wrap"]
SENTINEL = 0xA5


def tolerance(dtype, terms, scale, want):
    kernel_unit, result_unit = UNITS[np.dtype(dtype)]
    return (
        kernel_unit * (4 + 2 * math.sqrt(terms)) * scale + result_unit * np.abs(want) + SMALLEST.get(dtype, 0)
    )


def sample(rng, shape, dtype="float32"):
    """Values that give a test something to lose: all of an integer type's range, a normal distribution."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype.newbyteorder("="), endpoint=True).astype(dtype)
    values = rng.standard_normal(shape)
    if dtype.kind == "c":
        values = values + 1j * rng.standard_normal(shape)
    return np.asarray(values).astype(dtype)


def whole(rng, shape, dtype="float32", limit=8):
    """Small whole numbers: sums of their products are exact, so equality can be asked for."""
    return rng.integers(-limit, limit, shape, endpoint=True).astype(dtype)


# ---- memory ------------------------------------------------------------------------------------------------


def poison(dtype):
    """A value that shows wherever it is read or left behind."""
    dtype = np.dtype(dtype)
    if dtype.kind in "fc":
        return np.nan
    return np.iinfo(dtype).max if dtype.kind in "iu" else True


def guarded(array, margin=64):
    """A copy in the same order, whose memory lies between poisoned samples."""
    array = np.asarray(array)
    order = np.argsort([-abs(s) for s in array.strides], kind="stable")
    buffer = np.full(array.size + 2 * margin, poison(array.dtype), array.dtype)
    inner = buffer[margin : margin + array.size].reshape([array.shape[a] for a in order])
    inner = inner.transpose(np.argsort(order))
    inner[...] = array
    return inner


NEEDS_PAGES = pytest.mark.skipif(not hasattr(mmap, "MAP_ANONYMOUS"), reason="needs pages without access")


def between_pages(pages):
    """So many pages of bytes, that begin and end where a page without access does."""
    page = mmap.PAGESIZE
    memory = mmap.mmap(-1, (pages + 2) * page, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    whole_pages = np.frombuffer(memory, np.uint8)
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for fence in (0, pages + 1):
        assert protect(whole_pages.ctypes.data + fence * page, page, 0) == 0
    return whole_pages[page : (pages + 1) * page]


class Fence:
    """An output array full of poison in a buffer of sentinels; ``check`` finds what was written outside."""

    def __init__(self, shape, dtype, layout="contiguous"):
        dtype = np.dtype(dtype)
        margin = {"contiguous": 0, "margins": 2}[layout]
        outer = tuple(n + 2 * margin for n in shape)
        size = math.prod(outer) * dtype.itemsize
        self.bytes = np.full(size + 2 * 256, SENTINEL, np.uint8)
        grown = self.bytes[256 : 256 + size].view(dtype).reshape(outer)
        self.out = grown[tuple(slice(margin, n - margin) for n in outer)] if margin else grown
        self.inside = np.zeros_like(self.bytes, bool)
        mark = self.inside[256 : 256 + size].reshape(*outer, dtype.itemsize)
        mark[tuple(slice(margin, n - margin) for n in outer)] = True
        self.out[...] = poison(dtype)

    def check(self):
        hit = np.flatnonzero(~self.inside & (self.bytes != SENTINEL))
        assert not hit.size, f"bytes {hit[:8] - 256} outside out were written"


def unaligned(array, offset=1):
    """A copy whose samples begin `offset` bytes behind where they should."""
    raw = np.zeros(array.nbytes + 64, np.uint8)
    view = raw[offset : offset + array.nbytes].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


def weight_schedule(x, g, shape, *, stride=1, padding=0, groups=1, data_format="channels_first"):
    """What the gradient of a weight of this shape would run on an input and a grad_output."""
    options = (stride, padding, "constant", 0, 1, groups, False, data_format, "auto")
    spec = layer_spec(x.ndim - 2, x.shape, x.dtype, shape, g.dtype, g.shape, options)
    return WeightSums(spec).schedule(x, g)


def same_bits(got, want):
    """Equality of every bit, but for the payload of a NaN."""
    got, want = np.asarray(got), np.asarray(want)
    assert (got.shape, got.dtype) == (want.shape, want.dtype)
    if got.dtype.kind in "fc":
        part = got.real.dtype
        a, b = (np.ascontiguousarray(v).reshape(-1).view(part) for v in (got, want))
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
        a, b = (np.where(np.isnan(v), np.zeros((), part), v).view(f"u{part.itemsize}") for v in (a, b))
        np.testing.assert_array_equal(a, b)
    else:
        np.testing.assert_array_equal(got, want)


def ulps(got, want):
    """Distance to the correctly rounded `want`, in units of its last digit."""
    with np.errstate(over="ignore", invalid="ignore"):
        want = np.asarray(want).astype(got.dtype)
        distance = np.abs(got.astype(np.longdouble) - want.astype(np.longdouble))
        step = np.spacing(np.minimum(np.abs(want), np.finfo(got.dtype).max))
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        return np.where(same, 0, distance / step)


# ---- a function against its twin ---------------------------------------------------------------------------


def magnitude(array):
    """|x| as float64, with 0 for what is not finite: such samples are compared exactly."""
    array = np.abs(np.asarray(array).astype(np.complex128))
    return np.where(np.isfinite(array), array, 0)


def close(got, want, dtype, scale, terms):
    """got in its dtype against want in float64 / complex128 (or the same integers)."""
    dtype = np.dtype(dtype)
    assert got.dtype == dtype, f"dtype {got.dtype}, not {dtype}"
    assert got.shape == want.shape, f"shape {got.shape}, not {want.shape}"
    if dtype.kind in "biu":
        np.testing.assert_array_equal(got, want)
        return
    with np.errstate(invalid="ignore"):
        allowed_error = tolerance(dtype, terms, scale, want)
    for part in ("real", "imag") if dtype.kind == "c" else ("real",):
        a, b = getattr(got, part).astype(np.float64), getattr(want, part).astype(np.float64)
        largest = float(np.finfo(dtype).max)
        b = np.where(np.abs(b) > largest, np.copysign(np.inf, b), b)
        finite = np.isfinite(b)
        np.testing.assert_array_equal(a[~finite], b[~finite])  # nan is nan, inf is inf
        error, allowed = np.abs(a[finite] - b[finite]), allowed_error[finite]
        wrong = ~(error <= allowed)  # not "error > allowed": nan is wrong too
        if wrong.any():
            worst = np.flatnonzero(wrong)[0]
            place = np.argwhere(finite)[worst]
            raise AssertionError(
                f"{wrong.sum()} of {wrong.size} samples off; the first at {place.tolist()}: "
                f"got {a[finite][worst]!r}, want {b[finite][worst]!r} +- {allowed[worst]:.3g}"
            )


def expect(name, arrays, parameters):
    """(want, scale, terms, dtype) of a call, from the twin."""
    twin = getattr(reference, name)
    input = np.asarray(arrays[0])
    if "pool" in name:
        want = twin(*arrays, **parameters)
        if name.startswith("max"):
            values = want[0] if isinstance(want, tuple) else want
            return want, None, 1, values.dtype
        scale = twin(magnitude(input), *arrays[1:], **parameters)
        dtype = input.dtype.newbyteorder("=") if input.dtype.kind in "fc" else np.dtype(np.float64)
        return want, scale, 1, dtype
    weight = np.asarray(arrays[1])
    dtype = np.result_type(input.dtype, weight.dtype)
    want = twin(*arrays, **parameters)
    if dtype.kind in "biu":
        return want, None, 1, dtype
    plain = dict(parameters, cval=float(np.nan_to_num(abs(parameters.get("cval", 0)))))
    plain.pop("activation", None)
    scale = np.abs(twin(*[None if a is None else magnitude(a) for a in arrays], **plain))
    terms = math.prod(weight.shape[1:]) + 1 if name.startswith("conv") and name[-1] == "d" else weight.size
    return want, scale, terms, dtype


def check(name, *arrays, layout="contiguous", num_threads=None, **parameters):
    """Call cconv.<name>, plainly and into a poisoned, fenced ``out``; compare with the twin; return it.

    The inputs lie between poisoned samples, and must not have changed afterwards.
    """
    function = getattr(cconv, name)
    held = [guarded(a) if isinstance(a, np.ndarray) else a for a in arrays]
    copies = [a.tobytes() if isinstance(a, np.ndarray) else None for a in held]
    try:
        with np.errstate(all="ignore"):
            want, scale, terms, dtype = expect(name, arrays, parameters)
        got = function(*held, num_threads=num_threads, **parameters)
        pair = isinstance(want, tuple)
        wants, gots = (want, got) if pair else ((want,), (got,))
        assert len(wants) == len(gots)
        close(
            gots[0],
            wants[0],
            dtype,
            scale if scale is not None else np.abs(wants[0].astype(np.float64)),
            terms,
        )
        if name.startswith("max"):
            np.testing.assert_array_equal(gots[0], wants[0])
        if pair:
            assert gots[1].dtype == np.int64
            np.testing.assert_array_equal(gots[1], wants[1])
        fences = [Fence(g.shape, g.dtype, layout) for g in gots]
        outs = tuple(f.out for f in fences)
        result = function(*held, num_threads=num_threads, out=outs if pair else outs[0], **parameters)
        for fence, first, second in zip(fences, gots, result if pair else (result,), strict=True):
            assert second is fence.out, "out is not what was returned"
            same_bits(fence.out, first)
            fence.check()
        for array, copy in zip(held, copies, strict=True):
            assert copy is None or array.tobytes() == copy, "an input was modified"
    except AssertionError as error:
        shapes = ", ".join(f"{a.dtype}{a.shape}" if isinstance(a, np.ndarray) else repr(a) for a in arrays)
        raise AssertionError(f"{name}({shapes}, {parameters}): {error}") from error
    return got
