"""Ctrl-C: any call ends soon, gives back its memory, and the next one works."""

import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="signals are not delivered in this way")
PATH = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}

# The system's timer raises the signal, so it comes on time whatever holds the GIL. Time is CPU time, for machines that
# are busy; the aim is 0.1 s of it per thread, and bench/interrupts.py measures it.
SCRIPT = textwrap.dedent(
    """
    import gc, signal, sys, time, tracemalloc
    import numpy as np
    import kinds

    def interrupt(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGPROF, interrupt)
    small = kinds.calls()
    expected = {name: call(1) for name, call in small.items()}
    endless = kinds.endless_calls()
    for name in list(endless)[int(sys.argv[1])::4]:
        for threads in (1, 2):
            memory = []
            for turn in range(6):
                delay = 0.05 + 0.04 * (turn % 2)
                late = None
                tracemalloc.start()
                start = time.process_time()
                try:
                    signal.setitimer(signal.ITIMER_PROF, delay)
                    endless[name](threads)
                except KeyboardInterrupt:
                    late = (time.process_time() - start - delay) / threads
                assert late is not None, f"{name}: the call was done before the signal"
                assert late < 0.5, f"{name} on {threads} threads went on for {late:.2f} s"
                gc.collect()
                memory.append(tracemalloc.get_traced_memory()[0])
                tracemalloc.stop()
                if turn and memory[-1] < 100_000:
                    break
            # a call or two may fill caches: of operators, and what those reckon once
            else:
                raise AssertionError(f"{name} on {threads} threads keeps {memory} bytes")
    for name, call in small.items():
        assert kinds.same(call(2), expected[name]), name
    print("all stopped")
    """
)


@pytest.mark.parametrize("part", range(4))
def test_an_interrupt_ends_every_kind_of_call(part):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(part)], env=os.environ | PATH | {"OMP_NUM_THREADS": "2"},
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.stdout == "all stopped\n", done.stderr[-3000:]
