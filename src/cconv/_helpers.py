"""Python threads that share out tasks which release the GIL."""

import os
import threading
from contextlib import suppress
from queue import SimpleQueue
from types import SimpleNamespace

import numpy as np

from ._limits import note_threads

# Threads that help, of all callers.
MOST_HELPERS = 64


class _Helpers:
    """The threads that help callers. New ones would have to fault all their memory in: at 1e6 x 10,001 float32 that
    took as long as half of the work. A ThreadPoolExecutor takes 70 us more to get one to work, as much as 50,000
    samples."""

    def __init__(self):
        self.jobs, self.started, self.lock = SimpleQueue(), 0, threading.Lock()

    def submit(self, job, count):
        """Let `count` threads call `job`, some time."""
        with self.lock, suppress(RuntimeError):  # when the interpreter shuts down, no thread starts any more
            while self.started < min(count, MOST_HELPERS):
                threading.Thread(target=self._help, name=f"cconv-{self.started}", daemon=True).start()
                self.started += 1
        for _ in range(count):
            self.jobs.put(job)

    def _help(self):
        while True:
            self.jobs.get()()


_helpers = _Helpers()


def _forget_helpers():
    global _helpers
    _helpers = _Helpers()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_helpers)


def share_out(tasks, run, threads):
    """Run all tasks on so many threads, this one among them; the first failure is raised, after all stopped.

    ``run(task)`` may be a generator: between its steps a thread sees whether another failed, or was interrupted."""
    failures, lock, idle = [], threading.Lock(), threading.Event()
    state = SimpleNamespace(helping=0, closed=False)

    def work():
        try:
            with np.errstate(all="ignore"):
                while not failures:
                    with lock:
                        task = next(tasks, None)
                    if task is None:
                        return
                    for _ in run(task) or ():
                        if failures:
                            return
        except BaseException as failure:
            failures.append(failure)

    def help():
        with lock:
            if state.closed:  # all is done: nobody waits
                return
            state.helping += 1
            idle.clear()
        work()
        with lock:
            state.helping -= 1
            if not state.helping:
                idle.set()

    note_threads(threads)
    try:
        if threads > 1:
            _helpers.submit(help, threads - 1)
        work()
    except BaseException as failure:
        failures.append(failure)
    while True:
        try:
            with lock:
                state.closed = True
            if state.helping:
                idle.wait()
            break
        except BaseException as failure:  # Ctrl-C: nothing may write to the arrays any more
            failures.append(failure)
    note_threads(-threads)
    if failures:
        try:
            raise failures[0]
        finally:
            failures.clear()  # it is in the failure's traceback, and this circle would keep the call's arrays
