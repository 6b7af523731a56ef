"""What is taken as an array, and where results go: the same rules for every public operation.

`cconv.signal` and `cconv.ndimage` read arguments as SciPy does, with ``np.asarray``: what they take is tested, what
they refuse is SciPy's affair (`test_signal.py`, `test_ndimage.py`).
"""

import array
import contextlib
import inspect
import itertools
import sys

import numpy as np
import pytest

import cconv
from checks import same_bits, unaligned
from operations import INDICES, OPERATIONS

ALL = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
OWN = {label: o for label, o in OPERATIONS.items() if not o.name.startswith(("signal.", "ndimage."))}
EACH_OWN = pytest.mark.parametrize("operation", OWN.values(), ids=OWN)
WITH_OUT = {label: o for label, o in OPERATIONS.items() if o.out}
EACH_WITH_OUT = pytest.mark.parametrize("operation", WITH_OUT.values(), ids=WITH_OUT)
NO_ARRAYS = {"choose_conv_method", "conv_output_shape", "correlation_lags", "explain", "get_num_threads", "num_threads",
             "receptive_field", "set_num_threads", "show_config", "simd_level", "accelerate_scipy"}  # fmt: skip


class Exporter:
    """Memory that only DLPack tells of."""

    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **options):
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


class OnGpu(Exporter):
    def __dlpack__(self, **options):
        raise BufferError("this memory is elsewhere")

    def __dlpack_device__(self):
        return 2, 0


class Converter:
    """Whatever has __array__."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array if dtype is None else self.array.astype(dtype)


class Picture(np.ndarray):
    """A subclass that must not come back, nor have a say in what is computed."""

    def __array_ufunc__(self, *args, **kwargs):
        raise AssertionError("the subclass was asked")

    def __array_function__(self, *args, **kwargs):
        raise AssertionError("the subclass was asked")


def strided(a):
    big = np.full([2 * n + 1 for n in a.shape], np.iinfo(np.int64).min if a.dtype.kind == "i" else np.nan, a.dtype)
    view = big[tuple(slice(2 * n, 0, -2) for n in a.shape)]
    view[...] = a
    return view


FORMS = {
    "DLPack": Exporter,
    "__array__": Converter,
    "buffer": lambda a: memoryview(np.ascontiguousarray(a)),
    "bytearray": lambda a: np.frombuffer(bytearray(a.tobytes()), a.dtype).reshape(a.shape),
    "subclass": lambda a: a.view(Picture),
    "masked, but nothing is": np.ma.array,
    "big-endian": lambda a: a.astype(a.dtype.newbyteorder(">")),
    "little-endian": lambda a: a.astype(a.dtype.newbyteorder("<")),
    "Fortran": np.asfortranarray,
    "negative strides": strided,
    "read-only": lambda a: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "nested lists": lambda a: a.astype(np.float64).tolist() if a.dtype.kind == "f" else a.tolist(),
}


@contextlib.contextmanager
def noted(case):
    """A failure says which case it was."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"case: {case}")
        raise


def compare(operation, got, want):
    for one, other in zip(operation.tuple(got), operation.tuple(want), strict=True):
        assert type(one) is np.ndarray
        assert one.dtype.isnative
        if one.dtype == other.dtype and "softmax" not in operation.name:
            same_bits(one, other)
        else:  # computed in another type, or summed in another order, which the layout decides
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * max(1, np.abs(other).max()))


def test_every_public_operation_is_here():
    here = {operation.name for operation in OPERATIONS.values()}
    for prefix, module in (("", cconv), ("activations.", cconv.activations), ("ndimage.", cconv.ndimage),
                           ("signal.", cconv.signal)):  # fmt: skip
        for name in module.__all__:
            if inspect.isfunction(getattr(module, name)) and name not in NO_ARRAYS:
                assert prefix + name in here, f"{prefix}{name} is missing in operations.py"
    for operation in OPERATIONS.values():
        if "plan_" not in operation.name:
            taken = inspect.signature(operation.function).parameters
            assert operation.out is None or operation.out in taken
            assert operation.out or not {"out", "output"} & set(taken), f"{operation.name} takes out"


# ---- what comes in -------------------------------------------------------------------------------------------


@ALL
def test_forms_of_arrays(rng, operation):
    arrays = operation.arrays(rng)
    want = operation.call(arrays)
    for form, make in FORMS.items():
        if form == "DLPack" and operation not in OWN.values():
            continue  # SciPy's functions take what np.asarray takes
        with noted(form):
            compare(operation, operation.call({name: make(a) for name, a in arrays.items()}), want)


@ALL
def test_tensors(rng, operation):
    torch = pytest.importorskip("torch")
    arrays = operation.arrays(rng)
    held = {name: torch.from_numpy(a.copy()) for name, a in arrays.items()}
    copies = {name: tensor.clone() for name, tensor in held.items()}
    compare(operation, operation.call(held), operation.call(arrays))
    assert all(torch.equal(held[name], copies[name]) for name in held)


@ALL
def test_files_in_memory(rng, operation, tmp_path):
    """np.memmap: read-only as an input, and as out."""
    arrays, held = operation.arrays(rng), {}
    for name, a in arrays.items():
        np.save(tmp_path / f"{name}.npy", a)
        held[name] = np.load(tmp_path / f"{name}.npy", mmap_mode="r")
        assert isinstance(held[name], np.memmap)
    want = operation.call(arrays)
    compare(operation, operation.call(held), want)
    if operation.out:
        outs = tuple(np.memmap(tmp_path / f"out{i}", a.dtype, "w+", shape=a.shape)
                     for i, a in enumerate(operation.tuple(want)))  # fmt: skip
        operation.call(held, **{operation.out: outs if operation.results > 1 else outs[0]})
        for i, a in enumerate(operation.tuple(want)):
            same_bits(np.asarray(outs[i]), a)
            outs[i].flush()
            same_bits(np.fromfile(tmp_path / f"out{i}", a.dtype).reshape(a.shape), a)


def test_plain_buffers():
    """One axis, as bytes, bytearray, memoryview, array.array and mmap have it."""
    numbers = np.arange(40, dtype=np.uint8)
    want = cconv.convolve(numbers, np.uint8([1, 2, 1]))
    for held in (bytearray(numbers), memoryview(numbers), memoryview(bytearray(numbers)), array.array("B", numbers)):
        same_bits(cconv.convolve(held, memoryview(bytes([1, 2, 1]))), want)
    floats = array.array("d", [1.0, 2.0, 3.0])
    assert cconv.convolve(floats, array.array("f", [1.0, 1.0])).tolist() == [1, 3, 5, 3]
    with pytest.raises(TypeError, match="input has dtype"):
        cconv.convolve(b"text", [1.0])  # NumPy reads it as a string


WRONG = {
    "object": lambda a: a.astype(object),
    "string": lambda a: a.astype(str),
    "bytes": lambda a: a.astype("S8"),
    "datetime": lambda a: a.astype(np.int64).astype("M8[s]"),
    "timedelta": lambda a: a.astype(np.int64).astype("m8[s]"),
    "structured": lambda a: np.zeros(a.shape, [("re", "f4"), ("im", "f4")]),
    "void": lambda a: np.zeros(a.shape, "V4"),
    "long double": lambda a: a.astype(np.longdouble) if np.dtype("g").char == "g" else a.astype(object),
    "None": lambda a: None,
    "set": lambda a: {1.0, 2.0},
    "function": lambda a: np.add,
    "ragged": lambda a: [[1.0], [2.0, 3.0]],
    "masked": lambda a: np.ma.array(a, mask=np.arange(a.size).reshape(a.shape) % 3 == 0),
    "another device": OnGpu,
}


@EACH_OWN
def test_what_is_no_array_of_numbers_is_refused(rng, operation):
    """By a TypeError or ValueError that names the argument, before `out` is touched."""
    arrays = operation.arrays(rng)
    outs = tuple(np.full_like(a, 7) for a in operation.tuple(operation.call(arrays)))
    more = {operation.out: outs if operation.results > 1 else outs[0]} if operation.out else {}
    for wrong, name in itertools.product(WRONG, arrays):
        if wrong == "None" and name == "bias":
            continue
        with noted(f"{name}: {wrong}"), pytest.raises((TypeError, ValueError), match=name) as caught:
            operation.call(arrays | {name: WRONG[wrong](arrays[name])}, **more)
        if wrong == "another device":
            assert "CUDA" in str(caught.value) and caught.type is TypeError
        if wrong == "masked":
            assert "mask" in str(caught.value) and caught.type is TypeError
    assert all((out == 7).all() for out in outs)


@EACH_OWN
def test_zero_axes_are_refused(rng, operation):
    """But by functions of elements, whose result has none either."""
    arrays = operation.arrays(rng)
    for name in arrays:
        wrong = arrays | {name: np.asarray(arrays[name]).ravel()[0]}
        if operation.name.startswith("activations.") and len(arrays) == 1 and "axis" not in inspect.signature(
                operation.function).parameters:  # fmt: skip
            assert np.shape(operation.call(wrong)) == ()
        elif name == "weight" and "prelu" in operation.name:
            if operation.name != "activations.prelu_weight_grad":
                operation.call(wrong)  # one slope
        else:
            with pytest.raises((TypeError, ValueError), match=rf"{name}|axis"):
                operation.call(wrong)


def test_tensors_elsewhere_are_refused():
    torch = pytest.importorskip("torch")
    for tensor in (torch.empty((1, 2, 4, 4), device="meta"), torch.ones((1, 2, 4, 4), requires_grad=True)):
        with pytest.raises(TypeError, match="input"):
            cconv.conv2d(tensor, np.ones((1, 2, 3, 3)))
        with pytest.raises(TypeError, match="weight"):
            cconv.conv2d(np.ones((1, 1, 9, 9)), tensor)


def test_matrices_are_arrays():
    with pytest.warns(PendingDeprecationWarning):
        x = np.matrix([[1.0, 2, 3], [4, 5, 6]])
    got = cconv.convolve(x, x)
    assert type(got) is np.ndarray
    same_bits(got, cconv.convolve(np.array(x), np.array(x)))


def test_masked_arrays_through_scipys_names_lose_their_mask_as_there():
    signal, ndimage = pytest.importorskip("scipy.signal"), pytest.importorskip("scipy.ndimage")
    x = np.ma.array(np.arange(20.0).reshape(4, 5), mask=np.eye(4, 5) > 0)
    for ours, theirs in ((cconv.ndimage.sobel, ndimage.sobel), (cconv.ndimage.laplace, ndimage.laplace)):
        np.testing.assert_array_equal(ours(x), theirs(x))
    w = np.ones((2, 2))
    np.testing.assert_allclose(cconv.signal.convolve2d(x, w), signal.convolve2d(x, w))


# ---- where results go ----------------------------------------------------------------------------------------


def transposed(like):
    return np.empty(like.shape[::-1], like.dtype).T


def reversed_memory(like):
    return np.empty_like(like)[(slice(None, None, -1),) * like.ndim]


def spaced(like):
    return np.full([3 * n + 1 for n in like.shape], 7, like.dtype)[tuple(slice(1, 3 * n + 1, 3) for n in like.shape)]


def swapped(like):
    return np.empty(like.shape, like.dtype.newbyteorder(">" if sys.byteorder == "little" else "<"))


def subclass(like):
    return np.empty_like(like).view(Picture)


OUTS = (transposed, reversed_memory, spaced, swapped, unaligned, subclass)


@EACH_WITH_OUT
def test_out_of_any_memory(rng, operation):
    arrays = operation.arrays(rng)
    wants = operation.tuple(operation.call(arrays))
    for make in OUTS if operation in OWN.values() else OUTS[:-1]:  # of a subclass SciPy asks what to do
        outs = tuple(map(make, wants))
        with noted(make.__name__):
            got = operation.tuple(operation.call(arrays, **{operation.out: outs if operation.results > 1 else outs[0]}))
            for out, result, want in zip(outs, got, wants, strict=True):
                assert result is out
                compare(operation, np.asarray(out).astype(want.dtype), want)
                if make is spaced:
                    margin = out.base.copy()
                    margin[tuple(slice(1, None, 3) for _ in margin.shape)] = 7
                    assert (margin == 7).all()


def overlaps(out, a):
    """(name, view of the shape and type of `out`, view of those of `a`) of the same memory."""
    for name, first, second in (("start", 0, 0), ("out behind", 8, 0), ("out ahead", 0, 8), ("far behind", 64, 0)):
        memory = np.empty(max(out.nbytes, a.nbytes) + 128, np.uint8)
        views = [memory[at : at + b.nbytes].view(b.dtype).reshape(b.shape) for at, b in ((first, out), (second, a))]
        if np.shares_memory(*views):
            yield name, *views
    memory = np.empty(max(out.nbytes, a.nbytes), np.uint8)
    backwards = memory[: out.nbytes].view(out.dtype).reshape(out.shape)[(slice(None, None, -1),) * out.ndim]
    yield "backwards", backwards, memory[: a.nbytes].view(a.dtype).reshape(a.shape)
    if out.shape == a.shape:
        memory = np.empty((2, *out.shape), out.dtype)
        yield "the same", memory[0], memory[0].view(a.dtype) if out.itemsize == a.itemsize else a.copy()


@EACH_WITH_OUT
def test_out_may_overlap_any_input(rng, operation):
    """The result is what it is without, and the other inputs stay."""
    arrays = operation.arrays(rng)
    wants = operation.tuple(operation.call(arrays))
    for name, number in [(name, number) for name in arrays for number in range(len(wants))]:
        for case, out, held in overlaps(wants[number], arrays[name]):
            held[...] = arrays[name]
            others = {other: a.copy() for other, a in arrays.items()} | {name: held}
            outs = tuple(out if i == number else np.empty_like(want) for i, want in enumerate(wants))
            operation.call(others, **{operation.out: outs if operation.results > 1 else out})
            for got, want in zip(outs, wants, strict=True):
                np.testing.assert_array_equal(got, want, err_msg=f"out over {name}: {case}")
            for other, a in others.items():
                if other != name:
                    np.testing.assert_array_equal(a, arrays[other])


@pytest.mark.parametrize("operation", [o for o in WITH_OUT.values() if o.results == 2])
def test_the_two_results_may_not_get_in_each_others_way(rng, operation):
    """Values and indices in the same memory: whatever is left there, nothing outside is touched, no crash."""
    arrays = operation.arrays(rng, "float64")
    values, indices = operation.call(arrays)
    memory = np.full(values.nbytes + 16, 7, np.uint8)
    inside = memory[: values.nbytes].view(np.float64).reshape(values.shape)
    operation.call(arrays, out=(inside, inside.view(np.int64)))
    assert (memory[values.nbytes :] == 7).all()
    assert np.array_equal(inside.view(np.int64), indices) or np.array_equal(inside, values)


WRONG_OUTS = {
    "list": lambda like: like.tolist(),
    "too small": lambda like: np.full([n - 1 for n in like.shape], 7, like.dtype),
    "broadcast": lambda like: np.full((2, *like.shape), 7, like.dtype),
    "another type": lambda like: np.full(like.shape, 7, np.int16),
    "object": lambda like: np.full(like.shape, 7, object),
    "read-only": lambda like: np.broadcast_to(like.dtype.type(7), like.shape),
}


@EACH_OWN
def test_out_that_does_not_fit_is_refused(rng, operation):
    if not operation.out:
        return
    arrays = operation.arrays(rng)
    wants = operation.tuple(operation.call(arrays))
    for wrong, number in itertools.product(WRONG_OUTS, range(len(wants))):
        outs = tuple(WRONG_OUTS[wrong](w) if i == number else np.full_like(w, 7) for i, w in enumerate(wants))
        with noted(wrong), pytest.raises((TypeError, ValueError), match="out"):
            operation.call(arrays, out=outs if operation.results > 1 else outs[0])
        for out in outs:
            assert (wrong == "list" and isinstance(out, list)) or (np.asarray(out) == 7).all()


@EACH_WITH_OUT
def test_nothing_goes_into_nothing(rng, operation):
    """An empty batch: out has no samples, any strides, and is returned."""
    arrays = {name: a if name in ("weight", "bias", "kernel", "weights") or "_weight" in name else a[:0]
              for name, a in operation.arrays(rng).items()}  # fmt: skip
    batch = {key: (0, *shape[1:]) for key, shape in operation.options.items() if key == "input_shape"}
    operation = operation._replace(options=operation.options | batch)
    if operation.name == "activations.prelu_weight_grad" or operation.name.endswith("conv_weight_grad"):
        return
    with contextlib.suppress(ValueError):  # a filter of all axes has nothing to filter
        wants = operation.tuple(operation.call(arrays))
        outs = tuple(np.empty(want.shape, want.dtype, order="F") for want in wants)
        got = operation.tuple(operation.call(arrays, **{operation.out: outs if operation.results > 1 else outs[0]}))
        assert all(one is other for one, other in zip(got, outs, strict=True))
        for out, want in zip(outs, wants, strict=True):
            same_bits(out, want)


def test_indices_are_read_in_any_form(rng):
    for operation in OPERATIONS.values():
        if INDICES[0] not in operation.shapes:
            continue
        arrays = operation.arrays(rng)
        want = operation.call(arrays)
        for dtype in ("uint8", ">i2", "uint32", ">i8", "uint64"):
            compare(operation, operation.call(arrays | {"indices": arrays["indices"].astype(dtype)}), want)
