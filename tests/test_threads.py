"""Threads: the limits that a caller or the system sets, the GIL; results do not depend on any of it."""

import asyncio
import doctest
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import cconv
from cconv import _core, _cpus, _shapes
from checks import same_bits, sample


@pytest.fixture(autouse=True)
def no_limit_before_or_after():
    cconv.set_num_threads(None)
    yield
    cconv.set_num_threads(None)


PATH = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def run_python(code, **environment):
    command = [sys.executable, "-c", textwrap.dedent(code)]
    environment = os.environ | PATH | environment
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def test_batches_between_looks_at_signals_are_whole_rounds():
    """Else threads wait for each other once more: 4 tasks as 3 and 1 take two threads three rounds."""
    batches = set()
    for channels in (32, 64, 128, 256, 1024):
        x, w = np.zeros((1, channels, 56, 56), np.float32), np.zeros((256, channels, 1, 1), np.float32)
        spec = _shapes.conv_spec(2, x.shape, x.dtype, w.shape, w.dtype, None, None, 1, 0, "constant", 0, 1, 1, False,
                                 None, "channels_first", "auto", None, None)  # fmt: skip
        out = np.empty(spec.output_shape, np.float32)
        schedule = _core.Convolution(spec).schedule(x, out)
        assert schedule["batch"] == schedule["tasks"] or schedule["batch"] % schedule["threads"] == 0
        batches.add(schedule["batch"] < schedule["tasks"])
    assert batches == {False, True}


# limits


def test_the_default_is_what_the_process_may_use():
    assert cconv.get_num_threads() >= 1
    if not os.environ.get("OMP_NUM_THREADS") and hasattr(os, "sched_getaffinity"):
        assert cconv.get_num_threads() <= len(os.sched_getaffinity(0))


def test_the_limit_of_the_process():
    default = cconv.get_num_threads()
    cconv.set_num_threads(1)
    assert cconv.get_num_threads() == 1
    cconv.set_num_threads(10**9)
    assert cconv.get_num_threads() == default
    cconv.set_num_threads(None)
    assert cconv.get_num_threads() == default


def test_the_limit_takes_any_integer_type():
    cconv.set_num_threads(np.int8(1))
    assert cconv.get_num_threads() == 1


@pytest.mark.parametrize("function", [cconv.set_num_threads, lambda n: cconv.num_threads(n).__enter__()])
@pytest.mark.parametrize("wrong, error", [(0, ValueError), (-1, ValueError), (-(10**30), ValueError),
                                          (1.0, TypeError), ("2", TypeError), ([1], TypeError)])
def test_wrong_limits_are_refused_and_change_nothing(function, wrong, error):
    before = cconv.get_num_threads()
    with pytest.raises(error, match=r"integer >= 1, got "):
        function(wrong)
    assert cconv.get_num_threads() == before


def test_the_context_manager_refuses_none():
    with pytest.raises(TypeError, match="got None"), cconv.num_threads(None):
        pass


def test_the_context_manager_nests():
    default = cconv.get_num_threads()
    with cconv.num_threads(1):
        assert cconv.get_num_threads() == 1
        with cconv.num_threads(2):
            assert cconv.get_num_threads() == min(2, default)
            with cconv.num_threads(1):
                assert cconv.get_num_threads() == 1
            assert cconv.get_num_threads() == min(2, default)
        assert cconv.get_num_threads() == 1
    assert cconv.get_num_threads() == default


def test_the_context_manager_takes_the_place_of_the_process_limit():
    default = cconv.get_num_threads()
    cconv.set_num_threads(1)
    with cconv.num_threads(2):
        assert cconv.get_num_threads() == min(2, default)
    assert cconv.get_num_threads() == 1


def test_the_context_manager_ends_with_an_exception():
    default = cconv.get_num_threads()
    with pytest.raises(KeyError), cconv.num_threads(1):
        raise KeyError
    assert cconv.get_num_threads() == default


def test_a_running_thread_does_not_see_the_context_of_another():
    default = cconv.get_num_threads()
    entered, seen = threading.Event(), threading.Event()

    def other():
        with cconv.num_threads(1):
            entered.set()
            assert seen.wait(60)
            return cconv.get_num_threads()

    with ThreadPoolExecutor(1) as pool:
        inside = pool.submit(other)
        assert entered.wait(60)
        here = cconv.get_num_threads()
        seen.set()
        assert (here, inside.result()) == (default, 1)


def test_a_running_thread_sees_the_limit_of_the_process():
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        cconv.set_num_threads(1)
        assert pool.submit(cconv.get_num_threads).result() == 1


def test_asyncio_tasks_do_not_see_each_others_context():
    default = cconv.get_num_threads()

    async def limited(entered, seen):
        with cconv.num_threads(1):
            entered.set()
            await seen.wait()
            return cconv.get_num_threads()

    async def both():
        entered, seen = asyncio.Event(), asyncio.Event()
        task = asyncio.create_task(limited(entered, seen))
        await entered.wait()
        here = cconv.get_num_threads()
        seen.set()
        return here, await task

    assert asyncio.run(both()) == (default, 1)


def test_openmps_own_limit_is_obeyed():
    threadpoolctl = pytest.importorskip("threadpoolctl")
    before = cconv.get_num_threads()
    with threadpoolctl.threadpool_limits(1, "openmp"):
        assert cconv.get_num_threads() == 1
    assert cconv.get_num_threads() == before


@pytest.mark.parametrize("wrong, error", [
    (0, ValueError), (-1, ValueError), (1.5, TypeError), ("2", TypeError)])
@pytest.mark.parametrize("call", [
    lambda n: cconv.convolve(np.ones(4), np.ones(2), num_threads=n),
    lambda n: cconv.correlate(np.ones(4), np.ones(2), num_threads=n),
    lambda n: cconv.conv2d(np.ones((1, 1, 4, 4)), np.ones((1, 1, 2, 2)), num_threads=n),
    lambda n: cconv.max_pool2d(np.ones((1, 1, 4, 4)), 2, num_threads=n),
    lambda n: cconv.avg_pool2d(np.ones((1, 1, 4, 4)), 2, num_threads=n),
], ids=["convolve", "correlate", "conv2d", "max_pool2d", "avg_pool2d"])
def test_wrong_num_threads_of_a_call(call, wrong, error):
    with pytest.raises(error, match="num_threads"):
        call(wrong)


# results


def test_more_threads_than_cpus_give_the_same_bits():
    """The sizes leave no number of threads from 2 to 7 an even share."""
    result = run_python("""
        import numpy as np, cconv
        assert cconv.get_num_threads() == 7
        rng = np.random.default_rng(0)
        def array(*shape):
            return rng.standard_normal(shape, dtype="f")
        calls = {
            "layer": (cconv.conv2d, (array(3, 19, 37, 41), array(45, 19, 3, 3)), {"padding": 1}),
            "pointwise": (cconv.conv2d, (array(1, 130, 23, 29), array(67, 130, 1, 1)), {}),
            "depthwise": (cconv.conv2d, (array(1, 35, 61, 83), array(35, 1, 3, 3)), {"groups": 35}),
            "image": (cconv.correlate, (array(301, 517), array(5, 7)), {"mode": "same"}),
            "line": (cconv.convolve, (array(70001), array(101)), {}),
            "few taps": (cconv.convolve, (array(70001), array(3)), {"mode": "same", "boundary": "reflect"}),
            "few rows": (cconv.correlate, (array(3, 41003), array(3, 3)), {"mode": "same"}),
            "max": (cconv.max_pool2d, (array(3, 19, 157, 159), 3), {"stride": 2, "padding": 1}),
            "avg": (cconv.avg_pool2d, (array(3, 19, 157, 159), 3), {"stride": 2, "padding": 1}),
        }
        for name, (function, arguments, keywords) in calls.items():
            one = function(*arguments, **keywords, num_threads=1)
            for n in range(2, 8):
                assert np.array_equal(function(*arguments, **keywords, num_threads=n), one), (name, n)
        print("same")
    """, OMP_NUM_THREADS="7")
    assert result.stdout == "same\n", result.stderr


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", ">f4", "int32"])
def test_few_long_rows_are_shared_out(rng, dtype):
    signal = pytest.importorskip("scipy.signal")
    for shape, kernel in (
        ((70_001,), (3,)), ((70_001,), (7,)), ((2, 50_000), (1, 4)), ((3, 41_000), (3, 3)), ((2, 2, 9_000), (2, 2, 2)),
    ):  # fmt: skip
        for place in (np.s_[...], np.s_[..., ::2], np.s_[..., ::-1]):
            x = rng.integers(0, 9, shape).astype(dtype)[place]
            w = rng.integers(0, 5, kernel).astype(dtype)
            alone = cconv.correlate(x, w, mode="same", num_threads=1)
            same_bits(cconv.correlate(x, w, mode="same", num_threads=2), alone)
            right = signal.correlate(x.astype(complex), w.astype(complex), mode="same", method="direct")
            np.testing.assert_array_equal(alone.astype(complex), right)
    found = cconv.explain(cconv.correlate, np.ones(10**6, np.float32), np.ones(3, np.float32))
    assert found.tasks >= found.threads


def test_calls_from_many_threads_at_once(rng):
    """Different signatures and equal ones, new to the caches: nothing is shared that a call writes to."""
    work = []
    for size in range(20, 40):
        x, w = sample(rng, (2, 5, size, 31)), sample(rng, (7, 5, 3, 3))
        line, taps = sample(rng, (1000 + size,)), sample(rng, (size,))
        work += [(lambda x=x, w=w: cconv.conv2d(x, w, padding=1)), (lambda x=x: cconv.max_pool2d(x, 2)),
                 (lambda line=line, taps=taps: cconv.convolve(line, taps))] * 4
    gate = threading.Barrier(8)

    def run(index):
        gate.wait(60)
        return [call() for call in work[index::8]]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(run, range(8)))
    for index, found in enumerate(results):
        for call, got in zip(work[index::8], found, strict=True):
            same_bits(got, call())


# the GIL


def test_other_python_threads_run_during_a_call_of_every_kind():
    """With this switch interval a thread gets the GIL only when another gives it up: a call that kept it would leave
    the counter where it is, however long it took."""
    result = run_python("""
        import sys, threading, time
        import kinds
        calls = kinds.calls()
        count, stop = 0, False

        def counter():
            global count
            while not stop:
                count += 1
                time.sleep(0)           # gives the GIL back

        for call in calls.values():
            call(1)
        sys.setswitchinterval(1e6)
        thread = threading.Thread(target=counter)
        thread.start()
        silent = []
        for name, call in calls.items():
            before = count
            for _ in range(300):        # the system need not wake the counter in the first milliseconds
                call(1)
                if count > before:
                    break
            else:
                silent.append(name)
        stop = True
        print("silent:", silent)
    """)
    assert result.stdout == "silent: []\n", (result.stdout, result.stderr[-2000:])


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads in /proc")
@pytest.mark.parametrize("limit", ["num_threads=1", "cconv.num_threads(1)", "set_num_threads(1)", "threadpoolctl"])
def test_one_thread_never_enters_openmp(limit):
    """No kind of call starts a thread then, each starts one when it may."""
    if limit == "threadpoolctl":
        pytest.importorskip("threadpoolctl")
    result = run_python("""
        import contextlib, os, sys
        import numpy as np
        import cconv

        def os_threads():
            return len(os.listdir("/proc/self/task"))

        limit = {limit!r}
        if limit == "threadpoolctl":
            import threadpoolctl
            single = threadpoolctl.threadpool_limits(1)
        else:
            single = contextlib.nullcontext()
            if limit == "cconv.num_threads(1)":
                single = cconv.num_threads(1)
            cconv.set_num_threads(1)    # for what kinds.calls() does
        with single:
            import kinds
            calls = kinds.calls()
            calls["FFT of an image"](1)     # SciPy 1.18 starts a thread at its first transform
            if limit != "set_num_threads(1)":
                cconv.set_num_threads(None)
            before, grown = os_threads(), []
            for name, call in calls.items():
                call(1 if limit == "num_threads=1" else None)
                if os_threads() != before:
                    grown.append(name)
                    before = os_threads()
        print("started threads:", grown)
        if hasattr(single, "restore_original_limits"):
            single.restore_original_limits()
        cconv.set_num_threads(None)
        calls["conv2d"](2)
        print("the count can grow:", os_threads() > before)
        before = os_threads()
        calls["FFT of an image"](2)
        print("the helpers' too:", os_threads() > before)
    """.replace("{limit!r}", repr(limit)), OMP_NUM_THREADS="2", OPENBLAS_NUM_THREADS="1")
    expected = "started threads: []\nthe count can grow: True\nthe helpers' too: True\n"
    assert result.stdout == expected, (result.stdout, result.stderr[-2000:])


def test_threadpoolctl_lists_the_runtime_in_use():
    pytest.importorskip("threadpoolctl")
    result = run_python("""
        import ctypes, os
        import cconv, threadpoolctl
        from cconv import _limits

        class Info(ctypes.Structure):
            _fields_ = [("name", ctypes.c_char_p), ("base", ctypes.c_void_p),
                        ("symbol", ctypes.c_char_p), ("address", ctypes.c_void_p)]

        ours, info = ctypes.CDLL(_limits.__file__), Info()
        function = ctypes.cast(ours.omp_get_max_threads, ctypes.c_void_p)
        assert ctypes.CDLL(None).dladdr(function, ctypes.byref(info))
        used = os.path.realpath(info.name.decode())
        listed = [os.path.realpath(entry["filepath"]) for entry in threadpoolctl.threadpool_info()
                  if entry["user_api"] == "openmp"]
        print(used in listed)
    """)
    if not cconv._core.HAS_OPENMP:
        pytest.skip("built without OpenMP")
    assert result.stdout == "True\n", (result.stdout, result.stderr[-2000:])


# calls at the same time


def test_calls_that_run_together_share_the_cpus():
    result = run_python("""
        import threading
        import time
        import numpy as np
        import cconv
        x, w = np.ones((1, 64, 256, 256), "f"), np.ones((64, 64, 5, 5), "f")
        image, kernel = np.ones((1500, 1500), "f"), np.ones((61, 61), "f")
        stop = threading.Event()

        def seen(call, threads, during):
            # what a second call would get, between calls and during one
            def work():
                while not stop.is_set():
                    call(threads)
            stop.clear()
            thread = threading.Thread(target=work)
            thread.start()
            found, end = set(), time.monotonic() + 20
            while during not in found and time.monotonic() < end:
                found.add(cconv.get_num_threads())
            stop.set()
            thread.join()
            assert during in found and found <= {8, during}, found

        direct = lambda n: cconv.conv2d(x, w, num_threads=n)
        by_fft = lambda n: cconv.correlate(image, kernel, "same", method="fft", num_threads=n)
        for call in (direct, by_fft):
            seen(call, 1, 7)        # what the other leaves
            seen(call, 6, 4)        # an equal part at least
        assert cconv.get_num_threads() == 8
        print("shared")
    """, OMP_NUM_THREADS="8")
    assert result.stdout == "shared\n", (result.stdout, result.stderr[-2000:])


# CPUs


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity")
def test_the_affinity_is_read_at_each_call():
    cpus = os.sched_getaffinity(0)
    if len(cpus) < 2:
        pytest.skip("needs two CPUs")
    result = run_python("""
        import os, cconv
        before = cconv.get_num_threads()
        cpus = os.sched_getaffinity(0)
        os.sched_setaffinity(0, list(cpus)[:1])
        during = cconv.get_num_threads()
        os.sched_setaffinity(0, cpus)
        print(before > 1, during, cconv.get_num_threads() == before)
    """, OMP_NUM_THREADS="")
    assert result.stdout == "True 1 True\n", (result.stdout, result.stderr[-2000:])


MEMBERSHIP = {
    "version 2": ("0::/a.slice/b.scope\n", "sys/fs/cgroup", ("cpu.max",)),
    "both versions": ("4:memory:/x\n1:cpu,cpuacct:/\n0::/a.slice/b.scope\n", "sys/fs/cgroup/unified", ("cpu.max",)),
    "version 1": ("9:name=systemd:/\n2:cpu,cpuacct:/a.slice/b.scope\n", "sys/fs/cgroup/cpu,cpuacct",
                  ("cpu.cfs_quota_us", "cpu.cfs_period_us")),
    "version 1, cpu alone": ("2:cpuacct:/a.slice\n1:cpu:/a.slice/b.scope\n", "sys/fs/cgroup/cpu",
                             ("cpu.cfs_quota_us", "cpu.cfs_period_us")),
}


@pytest.mark.parametrize("version", MEMBERSHIP)
@pytest.mark.parametrize("group", [".", "a.slice", "a.slice/b.scope"])
@pytest.mark.parametrize("quota, period, cpus", [
    (100_000, 100_000, 1), (250_000, 100_000, 3), (5_000, 100_000, 1), (300_000, 100_000, 3), (None, 100_000, 1000)])
def test_quotas_of_control_groups(tmp_path, monkeypatch, version, group, quota, period, cpus):
    """Of the process's group, those around it, and what a container sees of them; parts of a CPU are rounded up."""
    membership, mount, files = MEMBERSHIP[version]
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text(membership)
    place = tmp_path / mount / group
    place.mkdir(parents=True)
    if len(files) == 1:
        (place / files[0]).write_text(f"{quota or 'max'} {period}\n")
    else:
        (place / files[0]).write_text(f"{quota or -1}\n")
        (place / files[1]).write_text(f"{period}\n")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(1000)), raising=False)
    assert _cpus.available_cpus(tmp_path) == cpus


def test_the_smallest_quota_counts(tmp_path, monkeypatch):
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/a/b\n")
    for group, quota in (("a", 4), ("a/b", 2), (".", 3)):
        (tmp_path / "sys/fs/cgroup" / group).mkdir(parents=True, exist_ok=True)
        (tmp_path / "sys/fs/cgroup" / group / "cpu.max").write_text(f"{quota * 1000} 1000\n")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert _cpus.available_cpus(tmp_path) == 2
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {5}, raising=False)
    assert _cpus.available_cpus(tmp_path) == 1


def test_without_control_groups_the_affinity_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {1, 2, 3}, raising=False)
    assert _cpus.available_cpus(tmp_path) == 3


# signals


@pytest.mark.skipif(sys.platform == "win32", reason="signals are not delivered in this way")
@pytest.mark.skipif(not _core.HAS_VECTORS, reason="a task, after which signals are looked at, takes a second")
def test_an_interrupt_stops_a_long_call_and_leaves_nothing_broken():
    code = textwrap.dedent("""
        import time
        import numpy as np, cconv
        x, w = np.ones((1, 64, 512, 512), "f"), np.ones((64, 64, 9, 9), "f")
        out = np.empty((1, 64, 504, 504), "f")
        small = cconv.conv2d(x[:1, :, :40, :40], w)
        print("ready", flush=True)
        try:
            while True:
                cconv.conv2d(x, w, out=out)
        except KeyboardInterrupt:
            print(time.time(), flush=True)
        assert np.array_equal(cconv.conv2d(x[:1, :, :40, :40], w), small)
        print("works")
    """)
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, env=os.environ | PATH, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.3)             # in the middle of a call that takes about a second
            sent = time.time()
            process.send_signal(signal.SIGINT)
            caught, works = process.communicate(timeout=60)[0].split("\n")[:2]
        finally:
            process.kill()
    assert works == "works"
    assert float(caught) - sent < 1.0       # room for a busy machine: the aim is 0.1 s


# the page


def test_examples_of_the_page_run():
    page = pathlib.Path(__file__).parents[1] / "docs/threads.md"
    if not page.is_file():
        pytest.skip("the tests of an installed wheel")
    test = doctest.DocTestParser().get_doctest(page.read_text("utf-8").replace("```", ""), {}, page.name, str(page), 0)
    assert test.examples
    report = []
    assert doctest.DocTestRunner(verbose=False).run(test, out=report.append).failed == 0, "".join(report)
