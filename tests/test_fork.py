"""Forked children: they work with all their threads, whatever the parent did before."""

import itertools
import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
PATH = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}

HEADER = textwrap.dedent(
    """
    import os, signal, sys, threading, warnings
    warnings.simplefilter("ignore")         # newer Pythons warn of forks beside threads
    import numpy as np

    def os_threads():
        return len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else None

    def check(expected, calls, label):
        "In a child: every kind of call is right, and they started threads (other libraries start theirs after a fork)."
        signal.alarm(60)                    # who hangs ends itself
        import kinds
        before = os_threads()
        for name, call in calls.items():
            assert kinds.same(call(), expected[name]), (label, name)
        assert before is None or os_threads() > before, (label, "one thread")

    def forked(work):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                work()
                status = 0
            except BaseException:
                import traceback
                traceback.print_exc()
            finally:
                os._exit(status)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status == 0, f"the child ended with {status}"
    """
)


def run_python(code, *arguments, path=None, timeout=240, **environment):
    code = HEADER + textwrap.dedent(code)
    command = [sys.executable, "-c", code]
    if path is not None:
        path.write_text(code)
        command = [sys.executable, str(path)]
    environment = os.environ | PATH | {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "1"} | environment
    done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, timeout=timeout)
    assert done.stdout == "works\n", (done.stdout, done.stderr[-3000:])


def test_children_and_grandchildren_work_with_all_threads():
    """And the parent after them, and a child of a child that called nothing."""
    run_python("""
        import kinds
        calls = kinds.calls()
        expected = {name: call() for name, call in calls.items()}
        before = os_threads()

        def child():
            check(expected, calls, "child")
            forked(lambda: check(expected, calls, "grandchild"))

        forked(child)
        forked(lambda: forked(lambda: check(expected, calls, "grandchild alone")))
        for name, call in calls.items():
            assert kinds.same(call(), expected[name]), name
        assert os_threads() == before
        print("works")
    """)


def test_a_fork_while_other_python_threads_are_inside_calls():
    run_python("""
        import kinds
        calls = kinds.calls()
        expected = {name: call() for name, call in calls.items()}
        few = {name: calls[name] for name in ("conv2d", "FFT of an image", "max_pool", "fold")}
        stop = threading.Event()

        def work():
            while not stop.is_set():
                for call in few.values():
                    call()

        threads = [threading.Thread(target=work) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            for turn in range(8):
                forked(lambda: check(expected, few, f"turn {turn}"))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        for name, call in calls.items():
            assert kinds.same(call(), expected[name]), name
        print("works")
    """)


def test_a_child_forgets_the_calls_of_other_threads():
    """Else it would leave them their share of the CPUs for ever."""
    run_python("""
        import cconv
        x, w = np.ones((1, 64, 256, 256), "f"), np.ones((64, 64, 5, 5), "f")
        stop = threading.Event()

        def work():
            while not stop.is_set():
                cconv.conv2d(x, w, num_threads=1)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            while cconv.get_num_threads() == 2:     # until it is inside
                pass

            def child():
                assert cconv.get_num_threads() == 2
            for _ in range(5):
                forked(child)
        finally:
            stop.set()
            thread.join()
        assert cconv.get_num_threads() == 2
        print("works")
    """)


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_pools_of_processes(tmp_path, method):
    run_python("""
        import multiprocessing
        import cconv
        x, w = np.ones((4, 16, 64, 64), "f"), np.ones((32, 16, 3, 3), "f")

        def work(_):
            signal.alarm(100)
            before = started.setdefault("before", os_threads())
            result = cconv.conv2d(x, w)
            image = cconv.convolve(np.ones((300, 300), "f"), np.ones((61, 61), "f"), method="fft")
            return result, image, before is None or os_threads() > before

        started = {}

        if __name__ == "__main__":
            expected = work(0)
            started.clear()
            signal.alarm(0)
            context = multiprocessing.get_context(sys.argv[1])
            with context.Pool(2) as pool:
                for result, image, threads in pool.map(work, range(6)):
                    assert np.array_equal(result, expected[0])
                    assert np.array_equal(image, expected[1])
                    assert threads
            assert np.array_equal(work(0)[0], expected[0])
            print("works")
    """, method, path=tmp_path / "pool.py")


def beside(modules, used):
    for module in modules:
        if module != "cconv":
            pytest.importorskip(module)
    run_python("""
        used = sys.argv[1] == "used"
        for module in sys.argv[2:]:         # in this order
            __import__(module)
        import cconv
        x, w = np.ones((4, 16, 64, 64), "f"), np.ones((32, 16, 3, 3), "f")
        expected = cconv.conv2d(x, w)
        if used and "torch" in sys.modules:
            import torch
            torch.set_num_threads(2)
            torch.ones(1_000_000).exp()
            torch.conv2d(torch.from_numpy(x), torch.from_numpy(w))
        if used and "sklearn" in sys.modules:
            from sklearn.cluster import KMeans
            KMeans(2, n_init=1, random_state=0).fit(np.random.default_rng(0).random((2000, 4)))

        def child():
            signal.alarm(60)
            before = os_threads()
            assert np.array_equal(cconv.conv2d(x, w), expected)
            assert before is None or os_threads() > before

        forked(child)
        assert np.array_equal(cconv.conv2d(x, w), expected)
        print("works")
    """, "used" if used else "unused", *modules)


@pytest.mark.parametrize("modules", [("torch", "cconv"), ("cconv", "torch")], ids="-".join)
def test_beside_torch(modules):
    beside(modules, used=True)


@pytest.mark.slow
@pytest.mark.parametrize("used", [True, False], ids=["used", "unused"])
@pytest.mark.parametrize("modules", list(itertools.permutations(["cconv", "torch", "sklearn"])), ids="-".join)
def test_beside_torch_and_sklearn_in_any_order(modules, used):
    beside(modules, used)
