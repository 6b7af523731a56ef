"""Threads: the limits that a caller sets, the GIL, forked children; results do not depend on any of it."""

import asyncio
import os
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
from cconv import _core
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


# the GIL, signals, fork


def long_call(seconds):
    """A one-threaded call that takes `seconds` at least, and the time it took when it was tried."""
    w = np.ones((16, 16, 3, 3), np.float32)
    height = 64
    while True:
        x = np.ones((1, 16, height, 512), np.float32)
        start = time.perf_counter()
        cconv.conv2d(x, w, num_threads=1)
        if time.perf_counter() - start > seconds:
            return lambda: cconv.conv2d(x, w, num_threads=1)
        height *= 2


def test_other_python_threads_run_during_a_call():
    call = long_call(0.15)
    ticks, stop = [], threading.Event()

    def tick():
        while not stop.wait(0.001):
            ticks.append(time.perf_counter())

    ticker = threading.Thread(target=tick)
    ticker.start()
    try:
        start = time.perf_counter()
        call()
        end = time.perf_counter()
    finally:
        stop.set()
        ticker.join()
    # With the GIL held the ticker would be silent from the first switch interval (5 ms) to the end.
    inside = [t for t in ticks if start + 0.2*(end - start) < t < end - 0.2*(end - start)]
    assert len(inside) >= 5, f"{len(inside)} ticks in {end - start:.3f} s"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_works_after_the_parent_used_threads():
    result = run_python("""
        import os, signal, sys, warnings
        import numpy as np, cconv
        warnings.simplefilter("ignore")
        x, w = np.ones((4, 16, 64, 64), "f"), np.ones((32, 16, 3, 3), "f")
        expected = cconv.conv2d(x, w)
        child = os.fork()
        if child == 0:
            signal.alarm(20)            # a child that hangs ends itself
            same = np.array_equal(cconv.conv2d(x, w), expected)
            os._exit(0 if same else 3)
        status = os.waitpid(child, 0)[1]
        assert np.array_equal(cconv.conv2d(x, w), expected)
        print(os.waitstatus_to_exitcode(status))
    """, OMP_NUM_THREADS="2")
    assert result.stdout == "0\n", (result.stdout, result.stderr)


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
