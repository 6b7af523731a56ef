"""The C API, through a package of its own that is built here against the cconv that is tested.

Results are compared with the twins in NumPy, and bit by bit with the Python functions; specs with what those refuse.
"""

import ctypes
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cconv
import reference
import reference_pools
from cconv import capi
from checks import BOUNDARIES, Fence, guarded, same_bits, whole

pytest.importorskip("Cython")
pytest.importorskip("setuptools")

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "c-api.md"
REALS = (np.float32, np.float64)
TEXT = (Path(cconv.__file__).parent / "capi.pxd").read_text(encoding="utf-8")
CODES = {name: int(number) for name, number in re.findall(r"(CCONV_\w+) = (\d+)", TEXT)}
STATUSES = list(itertools.takewhile(lambda name: name != "CCONV_F32", [n for n in CODES if n != "CCONV_CAPI_VERSION"]))
MODES = dict(zip(BOUNDARIES, range(5), strict=True))
OUTPUT, INPUT_GRAD, WEIGHT_GRAD = range(3)

# the structs of version 1, which never change but at their end
THREE = (np.intp, 3)
COMMON = [(name, *THREE) for name in ("input", "kernel", "stride", "dilation", "pad_before", "pad_after", "output")]
STRUCTS = {
    "conv": np.dtype(
        [("size", np.uintp)] + [(n, np.intc) for n in ("rank", "channels_last", "flip", "activation", "method")]
        + [("padding_mode", np.intc, 3), ("cval", float)]
        + [(n, np.intp) for n in ("batch", "groups", "in_channels", "out_channels")] + COMMON, align=True),
    "pool": np.dtype(
        [("size", np.uintp)]
        + [(n, np.intc) for n in ("rank", "channels_last", "kind", "ceil_mode", "count_include_pad", "nan_omit")]
        + [("norm", float)] + [(n, np.intp) for n in ("divisor", "batch", "channels")] + COMMON, align=True),
    "filter": np.dtype(
        [("size", np.uintp)] + [(n, np.intc) for n in ("mode", "padding_mode", "flip")] + [("cval", float)]
        + [(n, np.intp) for n in ("origin", "outer", "length", "inner", "taps", "output")], align=True),
}  # fmt: skip


def blocks():
    """The page's code: (the module's, its setup.py's)."""
    text = PAGE.read_text(encoding="utf-8")
    return re.search(r"```cython\n(.*?)```", text, re.DOTALL)[1], re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """{name: module} of the page's example and of capi_consumer.pyx, each built as a package of its own."""
    if not PAGE.is_file():
        pytest.skip("docs/c-api.md is not here")
    example, setup = blocks()
    folders, builds = {}, []
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "CFLAGS": "-O0"}
    if sys.platform == "darwin":
        setup = setup.replace('["-fopenmp"]', "[]")
    elif sys.platform == "win32":
        setup = setup.replace("-fopenmp", "/openmp")
    for name, source in (("smooth", example), ("capi_consumer", (HERE / "capi_consumer.pyx").read_text("utf-8"))):
        folders[name] = tmp_path_factory.mktemp(name)
        (folders[name] / f"{name}.pyx").write_text(source, encoding="utf-8")
        (folders[name] / "setup.py").write_text(setup.replace("smooth", name), encoding="utf-8")
        builds.append(subprocess.Popen(
            [sys.executable, "setup.py", "build_ext", "--inplace"], cwd=folders[name], env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))  # fmt: skip
    for build in builds:
        output, _ = build.communicate(timeout=300)
        assert build.returncode == 0, output
    modules = {}
    for name, folder in folders.items():
        sys.path.insert(0, str(folder))
        try:
            modules[name] = __import__(name)
        finally:
            sys.path.remove(str(folder))
    return modules


@pytest.fixture(scope="module")
def user(built):
    return built["capi_consumer"]


class Params:
    """A params struct, given by what differs from its defaults."""

    def __init__(self, user, kind, rank=0, pool=0, **fields):
        self.user, self.kind = user, kind
        self.struct = np.zeros((), STRUCTS[kind])
        self.status = user.init(kind, self.address, user.SIZES[kind], rank, pool)
        self.set(**fields)

    @property
    def address(self):
        return self.struct.ctypes.data

    def set(self, **fields):
        for name, value in fields.items():
            if isinstance(value, tuple):
                self.struct[name][: len(value)] = value
            else:
                self.struct[name] = value
        return self

    def check(self):
        return self.user.check(self.kind, self.address)

    def workspace(self, operation, dtype, num_threads):
        status, size = self.user.workspace(self.kind, self.address, operation, REALS.index(dtype), num_threads)
        assert status == 0, self.user.message(status)
        return guarded(np.zeros(size, np.uint8), 256)

    def run(self, operation, arrays, shape, dtype, num_threads=1, extra=None):
        """The result of a call, in fenced memory, with a workspace between sentinels. `extra`: bias or indices."""
        assert self.check() == 0, self.user.message(self.check())
        arrays = [guarded(np.ascontiguousarray(array, dtype)) for array in arrays]
        work = self.workspace(operation, dtype, num_threads)
        out = Fence(shape, dtype)
        real, places = REALS.index(dtype), [array.ctypes.data for array in arrays]
        rest = [0 if extra is None else extra.ctypes.data, out.out.ctypes.data]
        rest += [work.ctypes.data, work.nbytes, num_threads]
        if self.kind == "conv":
            status = self.user.conv(self.address, operation, real, *places, *rest)
        elif self.kind == "pool":
            status = self.user.pool(self.address, real, *places, *rest)
        else:
            status = self.user.filter(self.address, real, *places, *rest[1:])
        assert status == 0, self.user.message(status)
        out.check()
        around = work.base
        assert (around[:256] == 255).all() and (around[-256:] == 255).all()
        return out.out


# ---- against NumPy -----------------------------------------------------------------------------------------

# rank, batch, in, out, groups, input, kernel, stride, dilation, (before, after) per axis, channels_last, flip
LAYERS = [
    (1, 2, 3, 4, 1, (17,), (4,), (2,), (2,), ((3, 1),), 0, 0),
    (1, 1, 1, 1, 1, (2000,), (31,), (1,), (1,), ((15, 15),), 0, 1),
    (1, 1, 4, 6, 2, (1,), (3,), (1,), (1,), ((1, 1),), 1, 0),
    (2, 3, 6, 4, 2, (9, 11), (3, 2), (2, 3), (1, 2), ((0, 2), (3, 1)), 0, 0),
    (2, 2, 8, 8, 8, (10, 13), (3, 3), (1, 1), (1, 1), ((1, 1), (1, 1)), 1, 1),
    (2, 1, 5, 24, 1, (8, 9), (3, 3), (2, 2), (1, 1), ((1, 0), (2, 2)), 1, 0),
    (2, 2, 3, 16, 1, (12, 12), (5, 5), (4, 4), (1, 1), ((2, 2), (2, 2)), 0, 0),
    (2, 1, 4, 4, 1, (4, 5), (2, 2), (3, 3), (1, 1), ((0, 0), (0, 0)), 0, 0),
    (3, 1, 2, 3, 1, (5, 6, 7), (2, 3, 3), (1, 2, 1), (2, 1, 1), ((1, 0), (0, 1), (1, 1)), 0, 0),
    (3, 2, 4, 4, 4, (4, 4, 5), (3, 1, 2), (1, 1, 2), (1, 1, 1), ((1, 1), (0, 0), (0, 1)), 1, 1),
]


def layer_of(user, case, dtype, rng, **fields):
    """(Params, the Python functions' options, input, weight) of an entry of LAYERS; sums are exact."""
    rank, batch, ins, outs, groups, size, kernel, stride, dilation, padding, last, flip = case
    params = Params(
        user, "conv", rank, batch=batch, in_channels=ins, out_channels=outs, groups=groups, input=size, kernel=kernel,
        stride=stride, dilation=dilation, pad_before=tuple(b for b, _ in padding), channels_last=last, flip=flip,
        pad_after=tuple(a for _, a in padding), **fields)  # fmt: skip
    options = dict(stride=stride, padding=padding, dilation=dilation, groups=groups, flip_kernel=bool(flip),
                   data_format="channels_last" if last else "channels_first")
    x = whole(rng, (batch, *size, ins) if last else (batch, ins, *size), dtype)
    return params, options, x, whole(rng, (outs, ins // groups, *kernel), dtype)


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("case", LAYERS, ids=lambda case: "-".join(map(str, case[:8])))
def test_layers_and_their_gradients(user, rng, case, dtype):
    rank, outs = case[0], case[3]
    for number, mode in enumerate(("constant", BOUNDARIES[1 + LAYERS.index(case) % 4])):
        cval = 3.0 * (mode == "constant" and number == 0)
        params, options, x, w = layer_of(user, case, dtype, rng, padding_mode=(MODES[mode],) * rank, cval=cval)
        options |= dict(padding_mode=mode, cval=cval)
        bias = whole(rng, outs, dtype)
        want = reference.conv_nd(rank, x, w, bias, activation="relu", **options)
        got = params.set(activation=1).run(OUTPUT, (x, w), want.shape, dtype, extra=bias)
        np.testing.assert_array_equal(got, want)
        params.set(activation=0)
        grad = whole(rng, want.shape, dtype)
        want = reference.conv_nd_weight_grad(rank, x, grad, w.shape, **options)
        np.testing.assert_array_equal(params.run(WEIGHT_GRAD, (x, grad), w.shape, dtype), want)
        if mode == "constant":
            want = reference.conv_nd_input_grad(rank, grad, w, x.shape, **options)
            np.testing.assert_array_equal(params.run(INPUT_GRAD, (grad, w), x.shape, dtype), want)


BIG = [     # many threads' worth of work: Winograd's algorithm, packed weights, phases together and one by one
    (2, 2, 64, 64, 1, (24, 24), (3, 3), (1, 1), (1, 1), ((1, 1), (1, 1)), 0, 0),
    (2, 1, 64, 96, 1, (28, 28), (4, 4), (2, 2), (1, 1), ((1, 1), (1, 1)), 1, 0),
    (2, 2, 128, 192, 1, (9, 9), (5, 5), (2, 2), (1, 1), ((2, 2), (2, 2)), 0, 0),
    (2, 1, 96, 96, 96, (60, 60), (3, 3), (1, 1), (1, 1), ((1, 1), (1, 1)), 0, 0),
    (2, 3, 32, 64, 1, (16, 32), (4, 6), (2, 2), (1, 1), ((1, 1), (2, 2)), 0, 1),
]


@pytest.mark.parametrize("case", BIG, ids=lambda case: "-".join(map(str, case[:8])))
def test_bits_are_those_of_the_python_functions_for_any_number_of_threads(user, rng, case):
    params, options, x, w = layer_of(user, case, np.float32, rng)
    x, w = rng.standard_normal(x.shape, np.float32), rng.standard_normal(w.shape, np.float32)
    want = cconv.conv2d(x, w, **options)
    grad = rng.standard_normal(want.shape, np.float32)
    for threads in (1, 2, 5):
        same_bits(params.run(OUTPUT, (x, w), want.shape, np.float32, threads), want)
        same_bits(params.run(INPUT_GRAD, (grad, w), x.shape, np.float32, threads),
                  cconv.conv2d_input_grad(grad, w, x.shape, **options))
        same_bits(params.run(WEIGHT_GRAD, (x, grad), w.shape, np.float32, threads),
                  cconv.conv2d_weight_grad(x, grad, w.shape, **options))


def test_random_layers_have_the_bits_of_the_python_functions(user, rng):
    """Every border, too; whatever is drawn, nothing is read or written outside."""
    for _ in range(60):
        rank = int(rng.integers(1, 4))
        groups, ins, outs = (int(n) for n in rng.integers(1, (3, 9, 12)))
        size, kernel, stride, dilation, before, after = (
            tuple(map(int, rng.integers(low, high, rank)))
            for low, high in ((5, 9 if rank > 1 else 60), (1, 5), (1, 4), (1, 3), (0, 6), (0, 6)))  # fmt: skip
        if any(s + b + a <= d * (k - 1) for s, k, d, b, a in zip(size, kernel, dilation, before, after, strict=True)):
            continue
        last, flip = map(int, rng.integers(0, 2, 2))
        case = (rank, int(rng.integers(1, 4)), groups * ins, groups * outs, groups, size, kernel, stride, dilation,
                tuple(zip(before, after, strict=True)), last, flip)
        for mode in ("constant", str(rng.choice(BOUNDARIES))):
            params, options, x, w = layer_of(user, case, np.float32, rng, padding_mode=(MODES[mode],) * rank)
            x, w = (rng.standard_normal(a.shape, np.float32) for a in (x, w))
            options |= dict(padding_mode=mode)
            want = getattr(cconv, f"conv{rank}d")(x, w, **options)
            grad = rng.standard_normal(want.shape, np.float32)
            same_bits(params.run(OUTPUT, (x, w), want.shape, np.float32, 3), want)
            want = getattr(cconv, f"conv{rank}d_weight_grad")(x, grad, w.shape, **options)
            same_bits(params.run(WEIGHT_GRAD, (x, grad), w.shape, np.float32, 3), want)
            if mode == "constant":
                want = getattr(cconv, f"conv{rank}d_input_grad")(grad, w, x.shape, **options)
                same_bits(params.run(INPUT_GRAD, (grad, w), x.shape, np.float32, 3), want)


def test_what_is_not_finite_stays_in_its_windows(user, rng):
    """Winograd's transforms would spread it: those images are computed again, in the caller's workspace."""
    params, options, x, w = layer_of(user, BIG[0], np.float32, rng)
    x[1, 7, 11, 5] = np.nan
    x[1, 8, 2, 20] = np.inf
    want = cconv.conv2d(x, w, method="direct", **options)
    grad = whole(rng, want.shape)
    grad[1, 3, 4, 4] = np.nan
    for threads in (1, 2):
        got = params.set(method=CODES["CCONV_WINOGRAD"]).run(OUTPUT, (x, w), want.shape, np.float32, threads)
        np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
        same_bits(got[1], want[1])
        for operation, arrays, shape in ((INPUT_GRAD, (grad, w), x.shape), (WEIGHT_GRAD, (x, grad), w.shape)):
            function = cconv.conv2d_input_grad if operation == INPUT_GRAD else cconv.conv2d_weight_grad
            got = params.run(operation, arrays, shape, np.float32, threads)
            same_bits(got, function(*arrays, shape, method="winograd", **options))


def test_phases_are_computed_again_one_by_one(user, rng):
    """They lack taps where an ordinary layer would multiply zeros with what is not finite."""
    params, options, x, w = layer_of(user, BIG[-1], np.float32, rng)
    grad = rng.standard_normal(cconv.conv2d(x, w, **options).shape, np.float32)
    w = rng.standard_normal(w.shape, np.float32)
    grad[0, 3, 4, 4], grad[2, 5, 0, 1] = np.nan, np.inf
    for threads in (1, 2):
        got = params.run(INPUT_GRAD, (grad, w), x.shape, np.float32, threads)
        same_bits(got, cconv.conv2d_input_grad(grad, w, x.shape, **options))
        assert np.isfinite(got[0]).mean() > 0.9 and np.isfinite(got[1]).all()


POOLS = [
    dict(rank=1, size=(13,), kernel=(3,), stride=(2,), pad=((1, 0),)),
    dict(rank=2, size=(11, 14), kernel=(3, 2), stride=(2, 2), pad=((1, 1), (0, 1)), ceil=True),
    dict(rank=2, size=(12, 10), kernel=(2, 3), stride=(1, 2), dilation=(2, 3), last=True),
    dict(rank=3, size=(4, 5, 6), kernel=(2, 2, 2), stride=(2, 2, 2), last=True),
]


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("case", POOLS, ids=lambda case: f"{case['rank']}d-{case['kernel']}")
def test_pools(user, rng, case, dtype):
    rank, size, last = case["rank"], case["size"], case.get("last", False)
    x = rng.standard_normal((2, *size, 3) if last else (2, 3, *size)).astype(dtype)
    x.flat[::17] = np.nan
    pad, dilation, ceil = case.get("pad", ((0, 0),) * rank), case.get("dilation", (1,) * rank), case.get("ceil", False)
    options = dict(stride=case["stride"], padding=pad, dilation=dilation, ceil_mode=ceil,
                   data_format="channels_last" if last else "channels_first")
    plain = dict(batch=2, channels=3, input=size, kernel=case["kernel"], stride=case["stride"], channels_last=last,
                 ceil_mode=ceil)
    padded = dict(pad_before=tuple(b for b, _ in pad), pad_after=tuple(a for _, a in pad), dilation=dilation)
    for nan in ("propagate", "omit"):
        plain["nan_omit"] = nan == "omit"
        for kind, twin in ((0, reference.max_pool_nd), (2, reference_pools.min_pool_nd)):
            values, places = twin(rank, x, case["kernel"], nan=nan, return_indices=True, **options)
            indices = Fence(values.shape, np.int64)
            params = Params(user, "pool", rank, kind, **plain, **padded)
            np.testing.assert_array_equal(params.run(0, (x,), values.shape, dtype, extra=indices.out), values)
            np.testing.assert_array_equal(indices.out, places)
            indices.check()
            np.testing.assert_array_equal(params.run(0, (x,), values.shape, dtype), values)
        for include, divisor in ((True, 0), (False, 0), (True, 5)):
            want = reference.avg_pool_nd(rank, x, case["kernel"], nan=nan, count_include_pad=include,
                                         divisor_override=divisor or None, **options)
            params = Params(user, "pool", rank, 1, count_include_pad=include, divisor=divisor, **plain, **padded)
            np.testing.assert_allclose(params.run(0, (x,), want.shape, dtype), want, atol=20 * np.finfo(dtype).eps)
        del options["padding"], options["dilation"]
        want = reference_pools.lp_pool_nd(rank, x, 3.0, case["kernel"], nan=nan, **options)
        params = Params(user, "pool", rank, 3, norm=3.0, **plain)
        np.testing.assert_allclose(params.run(0, (x,), want.shape, dtype), want, rtol=40 * np.finfo(dtype).eps)
        options |= dict(padding=pad, dilation=dilation)


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("inner", [1, 3, 40])
def test_filters(user, rng, inner, dtype):
    x = whole(rng, (2, 23, inner), dtype)
    for mode, taps, flip in itertools.product(("same", "full", "valid"), (1, 4, 7), (0, 1)):
        k = whole(rng, taps, dtype)
        twin = reference.convolve if flip else reference.correlate
        origins = {-(taps // 2), 0, (taps - 1) // 2} if mode == "same" else {0}
        for boundary, origin in itertools.product(BOUNDARIES if mode == "same" else ["constant"], origins):
            want = twin(x, k, mode, boundary=boundary, cval=2 * (boundary == "constant"), axes=1, origin=origin)
            params = Params(user, "filter", outer=2, length=23, inner=inner, taps=taps, flip=flip, origin=origin,
                            cval=2.0, padding_mode=MODES[boundary], mode=("same", "full", "valid").index(mode))
            np.testing.assert_array_equal(params.run(0, (x, k), want.shape, dtype), want)


def test_an_empty_batch_is_no_work(user):
    params = Params(user, "conv", 1, batch=0, input=(5,), kernel=(3,))
    assert params.run(OUTPUT, (np.ones((0, 1, 5)), np.ones((1, 1, 3))), (0, 1, 3), np.float64).shape == (0, 1, 3)
    grad = params.run(WEIGHT_GRAD, (np.ones((0, 1, 5)), np.ones((0, 1, 3))), (1, 1, 3), np.float64)
    np.testing.assert_array_equal(grad, np.zeros((1, 1, 3)))


# ---- without the GIL ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("operation", [OUTPUT, INPUT_GRAD, WEIGHT_GRAD])
def test_calls_in_a_prange_of_ones_own(user, rng, operation, threads):
    """Images of different heights, each with params of its own, made and checked in the loop."""
    heights = np.array([1, 2, 9, 30, 4, 17, 8, 25] * 5, np.intp)
    w = whole(rng, (4, 3, 3, 3))
    options = dict(stride=2, padding=1)
    xs = [whole(rng, (1, 3, h, 12)) for h in heights]
    ys = [whole(rng, cconv.conv2d(x, w, **options).shape) for x in xs]
    ws = [w] * len(xs)
    if operation == OUTPUT:
        ones, others, wants = xs, ws, [reference.conv2d(x, w, **options) for x in xs]
    elif operation == INPUT_GRAD:
        ones, others = ys, ws
        wants = [reference.conv_nd_input_grad(2, y, w, x.shape, **options) for x, y in zip(xs, ys, strict=True)]
    else:
        ones, others = xs, ys
        wants = [reference.conv_nd_weight_grad(2, x, y, w.shape, **options) for x, y in zip(xs, ys, strict=True)]
    outs = [np.full(want.shape, np.nan, np.float32) for want in wants]
    largest = Params(user, "conv", 2, in_channels=3, out_channels=4, input=(30, 12), kernel=(3, 3), stride=(2, 2),
                     pad_before=(1, 1), pad_after=(1, 1))
    assert largest.check() == 0
    size = 4 * largest.workspace(operation, np.float32, 1).nbytes
    work = np.empty(threads * size, np.uint8)
    places = [np.array([a.ctypes.data for a in arrays], np.uintp) for arrays in (ones, others, outs)]
    failed = user.conv_each(heights.ctypes.data, len(xs), 12, operation, *[p.ctypes.data for p in places],
                            work.ctypes.data, size, threads)
    assert failed == 0
    for got, want in zip(outs, wants, strict=True):
        np.testing.assert_array_equal(got, want)


def test_the_example_of_the_page(built, rng):
    images, kernel = whole(rng, (7, 20, 30)), whole(rng, (3, 4))
    padded = np.pad(images, ((0, 0), (1, 1), (2, 1)), "edge")
    want = np.einsum("nyxij,ij->nyx", np.lib.stride_tricks.sliding_window_view(padded, (3, 4), (1, 2)), kernel)
    for threads in (1, 2, 3):
        np.testing.assert_array_equal(built["smooth"].smooth(images, kernel, threads), want)
    assert built["smooth"].smooth(images[:0], kernel).shape == (0, 20, 30)
    with pytest.raises(ValueError, match="extent"):
        built["smooth"].smooth(images, kernel[:0])


COUNTED = """
import os, sys
sys.path[:0] = {path!r}
import numpy as np
import capi_consumer, cconv, test_capi

def started(num_threads):
    before = len(os.listdir("/proc/self/task"))
    x, w = np.ones((1, 64, 40, 40)), np.ones((64, 64, 3, 3))
    params = test_capi.Params(capi_consumer, "conv", 2, in_channels=64, out_channels=64, input=(40, 40), kernel=(3, 3))
    params.run(0, (x, w), (1, 64, 38, 38), np.float64, num_threads)
    return len(os.listdir("/proc/self/task")) - before

found = [started(1)]
cconv.set_num_threads(1)
found.append(started(8))
cconv.set_num_threads(None)
print(*found, started(8) + 1, cconv.get_num_threads())
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")
def test_threads_that_are_not_asked_for_or_not_allowed_are_not_started(built):
    path = [str(Path(built["capi_consumer"].__file__).parent), *filter(None, sys.path)]
    command = [sys.executable, "-W", "error", "-c", COUNTED.format(path=path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    one, limited, used, allowed = map(int, result.stdout.split())
    assert (one, limited, used) == (0, 0, min(allowed, 8))


def test_a_capsule_is_enough():
    """As numba and ctypes find a function."""
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    capsule = capi.__pyx_capi__["cconv_message"]
    message = ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.c_int)(get(capsule, b"char const *(int)"))
    assert message(CODES["CCONV_BAD_RANK"]) == b"rank must be 1, 2 or 3"


# ---- bad input ---------------------------------------------------------------------------------------------

LAYER = dict(rank=2, in_channels=2, out_channels=4, input=(6, 7), kernel=(3, 3))
POOL = dict(rank=2, channels=2, input=(6, 7), kernel=(2, 2), stride=(2, 2))
LINES = dict(outer=2, length=9, inner=1, taps=3)
HUGE = 2**62
WRONG = [
    ("conv", dict(size=0), "BAD_SIZE"), ("conv", dict(size=10**9), "BAD_SIZE"), ("pool", dict(size=8), "BAD_SIZE"),
    ("filter", dict(size=8), "BAD_SIZE"), ("conv", dict(rank=0), "BAD_RANK"), ("conv", dict(rank=4), "BAD_RANK"),
    ("pool", dict(rank=-1), "BAD_RANK"), ("conv", dict(channels_last=2), "BAD_FLAG"),
    ("conv", dict(flip=-1), "BAD_FLAG"), ("pool", dict(nan_omit=3), "BAD_FLAG"),
    ("pool", dict(ceil_mode=7), "BAD_FLAG"), ("filter", dict(flip=2), "BAD_FLAG"),
    ("conv", dict(batch=-1), "BAD_EXTENT"), ("conv", dict(input=(6, 0)), "BAD_EXTENT"),
    ("conv", dict(input=(-6, 7)), "BAD_EXTENT"), ("conv", dict(kernel=(3, 0)), "BAD_EXTENT"),
    ("conv", dict(in_channels=0), "BAD_EXTENT"), ("conv", dict(out_channels=-4), "BAD_EXTENT"),
    ("pool", dict(channels=0), "BAD_EXTENT"), ("pool", dict(kernel=(0, 2)), "BAD_EXTENT"),
    ("pool", dict(batch=-HUGE), "BAD_EXTENT"), ("filter", dict(taps=0), "BAD_EXTENT"),
    ("filter", dict(length=0), "BAD_EXTENT"), ("filter", dict(inner=-1), "BAD_EXTENT"),
    ("filter", dict(outer=-1), "BAD_EXTENT"), ("conv", dict(stride=(0, 1)), "BAD_STEP"),
    ("conv", dict(dilation=(1, -1)), "BAD_STEP"), ("pool", dict(stride=(2, 0)), "BAD_STEP"),
    ("pool", dict(kind=3, norm=2.0, dilation=(2, 1)), "BAD_STEP"), ("conv", dict(pad_before=(0, -1)), "BAD_PADDING"),
    ("conv", dict(pad_after=(-HUGE, 0)), "BAD_PADDING"), ("pool", dict(pad_after=(0, -1)), "BAD_PADDING"),
    ("pool", dict(kind=3, norm=2.0, pad_before=(1, 0)), "BAD_PADDING"), ("conv", dict(groups=0), "BAD_GROUPS"),
    ("conv", dict(groups=3), "BAD_GROUPS"), ("conv", dict(groups=4), "BAD_GROUPS"),
    ("conv", dict(kernel=(7, 3)), "KERNEL_TOO_LARGE"), ("conv", dict(dilation=(HUGE, 1)), "KERNEL_TOO_LARGE"),
    ("pool", dict(kernel=(2, HUGE)), "KERNEL_TOO_LARGE"), ("filter", dict(taps=11, mode=2), "KERNEL_TOO_LARGE"),
    ("conv", dict(input=(HUGE, 7)), "TOO_LARGE"), ("conv", dict(input=(2**30, 2**30)), "TOO_LARGE"),
    ("conv", dict(batch=HUGE), "TOO_LARGE"), ("conv", dict(out_channels=HUGE), "TOO_LARGE"),
    ("conv", dict(in_channels=HUGE, groups=2), "TOO_LARGE"), ("conv", dict(pad_after=(HUGE, 0)), "TOO_LARGE"),
    ("conv", dict(pad_before=(2**24, 2**24)), "TOO_LARGE"), ("conv", dict(pad_before=(2**43, 2**43)), "TOO_LARGE"),
    ("pool", dict(channels=HUGE), "TOO_LARGE"), ("pool", dict(input=(HUGE, HUGE)), "TOO_LARGE"),
    ("filter", dict(outer=HUGE), "TOO_LARGE"), ("filter", dict(length=HUGE), "TOO_LARGE"),
    ("filter", dict(inner=HUGE), "TOO_LARGE"), ("filter", dict(taps=HUGE), "TOO_LARGE"),
    ("conv", dict(padding_mode=(0, 5)), "BAD_PADDING_MODE"), ("conv", dict(padding_mode=(-1, 0)), "BAD_PADDING_MODE"),
    ("filter", dict(padding_mode=9), "BAD_PADDING_MODE"), ("filter", dict(mode=1, padding_mode=1), "BAD_PADDING_MODE"),
    ("conv", dict(activation=4), "BAD_ACTIVATION"), ("conv", dict(method=3), "BAD_METHOD"),
    ("conv", dict(method=2, stride=(2, 2)), "BAD_METHOD"), ("conv", dict(method=2, kernel=(3, 2)), "BAD_METHOD"),
    ("pool", dict(kind=4), "BAD_KIND"), ("pool", dict(kind=-1), "BAD_KIND"), ("pool", dict(kind=3), "BAD_NORM"),
    ("pool", dict(kind=3, norm=np.nan), "BAD_NORM"), ("pool", dict(kind=3, norm=np.inf), "BAD_NORM"),
    ("pool", dict(kind=3, norm=-1.0), "BAD_NORM"), ("pool", dict(divisor=2), "BAD_DIVISOR"),
    ("pool", dict(kind=1, divisor=-2), "BAD_DIVISOR"), ("pool", dict(pad_before=(2, 0)), "EMPTY_WINDOW"),
    ("pool", dict(pad_after=(0, 4)), "EMPTY_WINDOW"), ("filter", dict(mode=3), "BAD_MODE"),
    ("filter", dict(mode=-1), "BAD_MODE"), ("filter", dict(origin=2), "BAD_ORIGIN"),
    ("filter", dict(origin=-2), "BAD_ORIGIN"), ("filter", dict(mode=2, origin=1), "BAD_ORIGIN"),
]  # fmt: skip
ELSEWHERE = {"OK", "NULL_POINTER", "UNCHECKED", "BAD_OPERATION", "BAD_REAL", "BAD_THREADS", "MISALIGNED", "OVERLAP",
             "SMALL_WORKSPACE", "NO_INDICES"}


def start(user, kind):
    rest = {"conv": LAYER, "pool": POOL, "filter": LINES}[kind]
    params = Params(user, kind, rest.get("rank", 0), **{k: v for k, v in rest.items() if k != "rank"})
    assert (params.status, params.check()) == (0, 0)
    return params


@pytest.mark.parametrize("kind, fields, status", WRONG, ids=lambda value: str(value).replace(" ", ""))
def test_a_bad_spec_is_a_status(user, kind, fields, status):
    """From the check, from the workspace and from the run, which does not need the check to see it."""
    params = start(user, kind).set(**fields)
    code, places = CODES[f"CCONV_{status}"], [np.ones(4096).ctypes.data] * 6
    assert params.check() == code
    assert user.workspace(kind, params.address, 0, 1, 1)[0] == code
    if kind == "conv":
        assert [user.conv(params.address, op, 1, *places[:5], 10**6, 1) for op in range(3)] == [code] * 3
    elif kind == "pool":
        assert user.pool(params.address, 1, *places[:4], 10**6, 1) == code
    else:
        assert user.filter(params.address, 1, *places[:4], 10**6, 1) == code


@pytest.mark.parametrize("kind", ["conv", "pool", "filter"])
def test_a_bad_call_is_a_status(user, kind):
    def codes(*names):
        return [CODES[f"CCONV_{name}"] for name in names]

    params = start(user, kind)
    a, b, out, work = (np.zeros(n) for n in (4096, 4096, 4096, 1 << 15))
    extra = np.zeros(4096, np.int64)
    size = user.workspace(kind, params.address, 0, 1, 1)[1]
    assert size < work.nbytes - 8
    assert user.workspace(kind, params.address, 0, 1, 1, True)[0] == codes("NULL_POINTER")[0]
    assert user.check(kind, 0) == user.init(kind, 0, user.SIZES[kind], 1, 0) == codes("NULL_POINTER")[0]
    assert user.init(kind, params.address, user.SIZES[kind] - 1, 1, 0) == codes("BAD_SIZE")[0]

    def run(real=1, threads=1, size=size, given=params.address, operation=0, **changed):
        places = dict(a=a.ctypes.data, b=b.ctypes.data, extra=extra.ctypes.data, out=out.ctypes.data,
                      work=work.ctypes.data) | changed
        a_, b_, extra_, out_, work_ = places.values()
        if kind == "conv":
            return user.conv(given, operation, real, a_, b_, extra_, out_, work_, size, threads)
        if kind == "pool":
            return user.pool(given, real, a_, extra_, out_, work_, size, threads)
        return user.filter(given, real, a_, b_, out_, work_, size, threads)

    assert run() == 0
    assert [run(a=0), run(out=0), run(work=0), run(given=0)] == codes(*["NULL_POINTER"] * 4)
    assert [run(size=size - 1), run(size=0)] == codes(*["SMALL_WORKSPACE"] * 2)
    assert [run(threads=0), run(threads=-2)] == codes(*["BAD_THREADS"] * 2)
    assert user.workspace(kind, params.address, 0, 1, 0)[0] == codes("BAD_THREADS")[0]
    assert [run(a=a.ctypes.data + 4), run(out=out.ctypes.data + 1)] == codes(*["MISALIGNED"] * 2)
    assert [run(out=a.ctypes.data), run(out=a.ctypes.data + 8), run(work=out.ctypes.data + 8),
            run(work=a.ctypes.data)] == codes(*["OVERLAP"] * 4)
    assert run(work=work.ctypes.data + 3, size=size) == 0
    assert user.workspace(kind, params.address, 0, 2, 1)[0] == codes("BAD_REAL")[0]
    if kind == "conv":
        assert [run(b=0), run(b=out.ctypes.data)] == codes("NULL_POINTER", "OVERLAP")
        assert [run(extra=0), run(extra=extra.ctypes.data + 4), run(extra=out.ctypes.data)] == codes(
            "OK", "MISALIGNED", "OVERLAP")
        assert user.workspace(kind, params.address, 3, 1, 1)[0] == codes("BAD_OPERATION")[0]
        params.set(activation=2)
        assert [run(operation=operation) for operation in (1, 2)] == codes(*["BAD_ACTIVATION"] * 2)
        params.set(activation=0, padding_mode=(2, 0))
        assert run(operation=1, size=work.nbytes) == 0, "there is no padding"
        assert params.set(pad_before=(1, 0)).check() == 0
        assert run(operation=1, size=10**6) == codes("BAD_PADDING_MODE")[0]
        params.set(padding_mode=(0, 0), pad_before=(0, 0), input=(2**21, 7), kernel=(2**21, 3))
        assert [params.check(), run(operation=1, size=10**6)] == codes("OK", "TOO_LARGE")
        assert params.set(input=(6, 7), kernel=(3, 3)).check() == 0
    if kind == "filter":
        assert run(b=0) == codes("NULL_POINTER")[0]
    if kind == "pool":
        assert run(extra=extra.ctypes.data + 4) == codes("MISALIGNED")[0]
        assert [run(extra=p.ctypes.data) for p in (a, out, work)] == codes(*["OVERLAP"] * 3)
        assert params.set(kind=1).check() == 0
        assert [run(), run(extra=0)] == codes("NO_INDICES", "OK")
    field = "length" if kind == "filter" else "input"
    params.set(**{field: 30})
    assert run(size=10**6) == codes("UNCHECKED")[0], "the output would be larger than what was checked"
    assert user.workspace(kind, params.address, 0, 1, 1)[0] == codes("UNCHECKED")[0]


def test_every_status_is_reached_and_has_words_of_its_own(user):
    assert {f"CCONV_{status}" for *_, status in WRONG} | {f"CCONV_{name}" for name in ELSEWHERE} == set(STATUSES)
    words = [user.message(CODES[name]) for name in STATUSES]
    assert len(set(words)) == len(words) == 28
    assert user.message(-1) == user.message(28) == user.message(10**9) == "unknown status"


def test_specs_are_those_of_the_python_functions(user, rng):
    """What they refuse is refused, and outputs have the extents that theirs have, over many random specs."""
    accepted = 0
    for _ in range(400):
        rank = int(rng.integers(1, 4))
        draw = [tuple(map(int, rng.integers(low, high, rank))) for low, high in
                ((1, 9), (1, 5), (1, 5), (1, 5), (-1, 5), (0, 5))]  # fmt: skip
        size, kernel, stride, dilation, before, after = draw
        fields = dict(input=size, kernel=kernel, stride=stride, dilation=dilation, pad_before=before, pad_after=after)
        windows = dict(stride=stride, dilation=dilation, padding=tuple(zip(before, after, strict=True)))
        x = np.zeros((1, 1, *size), np.float32)
        calls = []
        if min(before) >= 0:        # the C API does not crop
            calls = [(Params(user, "conv", rank, **fields), f"conv{rank}d", (np.zeros((1, 1, *kernel), "f4"),), {})]
        for kind, name in enumerate(("max", "avg", "min")):
            ceil, include = map(bool, rng.integers(0, 2, 2))
            options = {"ceil_mode": ceil} | ({"count_include_pad": include} if kind == 1 else {})
            params = Params(user, "pool", rank, kind, **fields, ceil_mode=ceil, count_include_pad=include)
            calls.append((params, f"{name}_pool{rank}d", (kernel,), options))
        for params, name, arguments, options in calls:
            try:
                want = getattr(cconv, name)(x, *arguments, **windows, **options).shape[2:]
            except ValueError:
                want = None
            got = tuple(params.struct["output"][:rank].tolist()) if params.check() == 0 else None
            assert got == want, (name, fields, options, user.message(params.check()))
            accepted += got is not None
    assert accepted > 200


# ---- versions ----------------------------------------------------------------------------------------------


def test_versions_and_structs(user):
    assert user.VERSIONS == (1, 1)
    assert {kind: struct.itemsize for kind, struct in STRUCTS.items()} == user.SIZES


def test_signatures_never_change():
    """Whoever compiled against one would fail to import: new functions get new names."""
    found = {name: re.search(r'"(.*)"', repr(capsule))[1].replace("struct __pyx_t_5cconv_4capi_", "")
             for name, capsule in capi.__pyx_capi__.items()}
    run = "int ({}Params const *, {}, void *, size_t, int)"
    want = {"cconv_capi_version": "int (void)", "cconv_message": "char const *(int)",
            "cconv_conv_workspace": "int (ConvParams const *, int, int, int, size_t *)",
            "cconv_conv_init": "int (ConvParams *, size_t, int)", "cconv_filter_init": "int (FilterParams *, size_t)",
            "cconv_pool_init": "int (PoolParams *, size_t, int, int)"}
    for kind in ("Conv", "Pool", "Filter"):
        want[f"cconv_{kind.lower()}_check"] = f"int ({kind}Params *)"
        want.setdefault(f"cconv_{kind.lower()}_workspace", f"int ({kind}Params const *, int, int, size_t *)")
    for real, c in (("f32", "float"), ("f64", "double")):
        read = f"{c} const *"
        want[f"cconv_conv_{real}"] = run.format("Conv", f"{read}, {read}, {read}, {c} *")
        want[f"cconv_conv_input_grad_{real}"] = run.format("Conv", f"{read}, {read}, {c} *")
        want[f"cconv_conv_weight_grad_{real}"] = run.format("Conv", f"{read}, {read}, {c} *")
        want[f"cconv_pool_{real}"] = run.format("Pool", f"{read}, {c} *, int64_t *")
        want[f"cconv_filter_{real}"] = run.format("Filter", f"{read}, {read}, {c} *")
    assert found == want
