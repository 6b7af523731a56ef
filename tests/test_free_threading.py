"""What threads share: plans, caches, inputs. Written for a Python without a GIL, worth something with one."""

import ast
import importlib
import importlib.util
import random
import sys
import sysconfig
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import cconv
import kinds
from cconv import _calls

SOURCES = Path(cconv.__file__).parent
WITHOUT_GIL = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))

# Names of modules that functions change the object of, or bind again, and why that is safe.
CHANGED = {
    # dicts from signature to operator: single steps (get, set, len, clear), each atomic; what they hold never changes
    **dict.fromkeys(
        ["adaptive_pool._cache", "conv._cache", "conv_gradients._cache", "conv_transpose._cache",
         "linear_filter._cache", "pool._cache", "pool._plain_cache",
         "pool_gradients._cache", "_activation_calls._cache", "_signal_calls._cache",
         "_signal_planes._cache", "_gradients._plane_sums"], "atomic steps"),
    "_accelerate._active": "under _lock",
    "_accelerate._replaced": "under _lock",
    "_helpers._helpers": "replaced in a forked child, which has one thread",
}  # fmt: skip


@pytest.fixture(autouse=True)
def frequent_switches():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def mutable(node):
    """Is this expression a dict, list or set, written out or called for?"""
    if isinstance(node, ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp):
        return True
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("dict", "list", "set", "defaultdict")


def changed_names(path):
    """Names of a module that its functions bind again (`global`), and empty containers: they are there to be filled."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
    for node in tree.body:
        if isinstance(node, ast.Assign) and mutable(node.value) and not ast.unparse(node.value).strip("{}[]()dictlse"):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {f"{path.stem}.{name}" for name in found}


def test_state_of_modules_is_known():
    """No module has changing state that nobody thought about."""
    for path in sorted(SOURCES.rglob("*.py")):
        if path.stem not in ("__main__", "_demo", "_images"):
            unknown = changed_names(path) - set(CHANGED)
            assert not unknown, f"{unknown}: say in CHANGED why threads may share it"


def test_the_search_for_state_finds_it(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("CONSTANT = {1: 2}\n_kept = {}\n_list = []\n_n = 0\ndef f():\n    global _n\n    _n = 1\n")
    assert changed_names(path) == {"module._kept", "module._list", "module._n"}


def test_every_compiled_module_says_that_it_needs_no_gil():
    setup = Path(__file__).parents[1] / "setup.py"
    if not setup.is_file():
        pytest.skip("the tests of an installed wheel")
    spec = importlib.util.spec_from_file_location("cconv_setup", setup)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    names = {extension.name for extension in module.extensions()}
    assert {"cconv._core", "cconv._limits"} < names
    for extension in module.extensions():
        assert extension.directives["freethreading_compatible"] is True, extension.name
    compiled = {f"cconv.{path.stem}" for path in SOURCES.glob("*.pyx")}
    assert compiled <= names
    built = {".".join(path.relative_to(SOURCES.parent).with_name(path.name.split(".")[0]).parts)
             for suffix in ("so", "pyd") for path in SOURCES.rglob(f"*.{suffix}")}  # fmt: skip
    assert built <= names or not built, built - names


@pytest.mark.skipif(not WITHOUT_GIL, reason="this Python has a GIL")
def test_importing_every_module_leaves_the_gil_off():
    for suffix in ("*.so", "*.pyd"):
        for path in SOURCES.rglob(suffix):
            package = ".".join(path.parent.relative_to(SOURCES.parent).parts)
            if cconv.simd_level().replace("-", "_") in path.name or path.parent == SOURCES:
                importlib.import_module(f"{package}.{path.name.split('.')[0]}")
    assert not sys._is_gil_enabled()


# ---- stress --------------------------------------------------------------------------------------------------


def together(works, turns):
    """Each work in `turns` turns on a thread of its own, all begun at the same time; the first failure is raised."""
    gate = threading.Barrier(len(works))

    def run(work):
        gate.wait(60)
        for turn in range(turns):
            work(turn)

    with ThreadPoolExecutor(len(works)) as pool:
        for future in [pool.submit(run, work) for work in works]:
            future.result()


def test_every_kind_of_call_from_many_threads(monkeypatch):
    """The same arrays, operators and caches; these are emptied all the time, so that operators are made again."""
    monkeypatch.setattr(_calls, "LIMIT", 2)
    calls = kinds.calls()
    expected = {name: call(1) for name, call in calls.items()}

    def worker(seed):
        names = list(calls)
        random.Random(seed).shuffle(names)

        def work(turn):
            for name in names:
                assert kinds.same(calls[name]((1, 2, None)[(turn + seed) % 3]), expected[name]), name

        return work

    together([worker(seed) for seed in range(4)], turns=1)


def test_a_plan_shared_by_threads():
    """Its packed weight is made by whoever comes first, for every input signature and for any number of threads."""
    rng = np.random.default_rng(1)
    weight = rng.standard_normal((40, 24, 3, 3), np.float32)
    inputs = [rng.standard_normal((n, 24, size, size), np.float32)
              for n in (1, 2) for size in (5, 8, 14, 31)]  # fmt: skip
    expected = [cconv.conv2d(x, weight, num_threads=1) for x in inputs]
    for method in ("auto", "direct", "winograd", "fft"):
        close = [cconv.conv2d(x, weight, num_threads=1, method=method) for x in inputs]
        plan = cconv.plan_conv2d(weight, method=method)

        def worker(seed, plan=plan, close=close):
            order = random.Random(seed)

            def work(turn):
                at = order.randrange(len(inputs))
                with cconv.num_threads(1 + order.randrange(2)):
                    assert kinds.same(plan(inputs[at]), close[at])

            return work

        together([worker(seed) for seed in range(6)], turns=25)
        for a, b in zip(close, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)


def test_small_calls_with_new_signatures(monkeypatch):
    """All that a call looks up or makes, many times a second."""
    monkeypatch.setattr(_calls, "LIMIT", 8)
    rng = np.random.default_rng(2)
    line, taps = rng.random(60), rng.random(7)
    image, weight = rng.random((1, 3, 16, 16)), rng.random((4, 3, 3, 3))

    def results(n):
        return (cconv.convolve(line[:n], taps), cconv.correlate(line[:n], taps[: n % 5 + 1], "same"),
                cconv.conv2d(image[:, :, :n], weight, padding=1), cconv.max_pool2d(image[:, :, :, :n], 2),
                cconv.ndimage.uniform_filter1d(line[:n], 3), cconv.activations.sigmoid(line[:n]))  # fmt: skip

    expected = {n: results(n) for n in range(8, 16)}

    def worker(seed):
        def work(turn):
            n = 8 + (turn * 3 + seed) % 8
            assert kinds.same(results(n), expected[n])

        return work

    together([worker(seed) for seed in range(8)], turns=60)


def test_fft_with_samples_to_be_summed_directly():
    """The operator's own caches of boxes, emptied while others read them."""
    from cconv import _fft

    rng = np.random.default_rng(3)
    lines = []
    for seed in range(4):
        x = rng.random(60_000)
        x[np.random.default_rng(seed).integers(0, len(x), 12)] = np.nan
        lines.append(x)
    taps = rng.random(2000)
    expected = [cconv.convolve(x, taps, num_threads=1) for x in lines]
    before, _fft.MOST_PLANS = _fft.MOST_PLANS, 1
    try:
        def worker(seed):
            def work(turn):
                at = (seed + turn) % len(lines)
                assert kinds.same(cconv.convolve(lines[at], taps), expected[at])

            return work

        together([worker(seed) for seed in range(4)], turns=4)
    finally:
        _fft.MOST_PLANS = before


def test_limits_set_by_many_threads():
    """Nobody's limit is seen by another, and none is left behind."""
    default = cconv.get_num_threads()

    def worker(seed):
        def work(turn):
            with cconv.num_threads(1 + seed % 2):
                assert cconv.get_num_threads() <= 1 + seed % 2
                cconv.set_num_threads(1 + turn % 3)

        return work

    together([worker(seed) for seed in range(8)], turns=300)
    cconv.set_num_threads(None)
    assert cconv.get_num_threads() == default
