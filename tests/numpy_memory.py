"""NumPy's memory for arrays, counted, and refused on request: what a test of failing allocations replaces.

Design: NumPy asks a handler for every array's data (NEP 49). There is no Python function that sets one, so two entries
of its C table are called through ctypes; their places belong to NumPy's binary interface and do not move.
Only allocating runs Python code: memory is given back by NumPy's own function, because that happens while an exception
is on its way. What is still held, tracemalloc says.
The handler belongs to this thread's context: Python threads that a call starts keep the ordinary one.
"""

import contextlib
import ctypes
import tracemalloc

import numpy as np

SET_HANDLER, GET_HANDLER = 304, 305  # in the C table
SIZE, POINTER = ctypes.c_size_t, ctypes.c_void_p
MALLOC = ctypes.PYFUNCTYPE(POINTER, POINTER, SIZE)  # with the GIL, which NumPy lets go of itself
CALLOC = ctypes.PYFUNCTYPE(POINTER, POINTER, SIZE, SIZE)


class Handler(ctypes.Structure):
    """PyDataMem_Handler of NumPy's ndarraytypes.h."""

    _fields_ = (
        ("name", ctypes.c_char * 127), ("version", ctypes.c_uint8), ("context", POINTER),
        ("malloc", MALLOC), ("calloc", CALLOC), ("realloc", POINTER), ("free", POINTER),
    )  # fmt: skip


def _pointer(capsule, name):
    function = ctypes.pythonapi.PyCapsule_GetPointer
    function.restype, function.argtypes = POINTER, (ctypes.py_object, ctypes.c_char_p)
    return function(capsule, name)


def _entry(number, *arguments):
    """Call an entry of NumPy's C table that takes and returns objects."""
    table = ctypes.cast(_pointer(np._core._multiarray_umath._ARRAY_API, None), ctypes.POINTER(POINTER))
    return ctypes.PYFUNCTYPE(ctypes.py_object, *[ctypes.py_object] * len(arguments))(table[number])(*arguments)


class Counter:
    """NumPy's own memory; allocation number `fail`, from 1, fails."""

    def __init__(self):
        self.asked = self.fail = self.held = 0
        self.own = Handler.from_address(_pointer(_entry(GET_HANDLER), b"mem_handler"))
        calls = MALLOC(self.malloc), CALLOC(self.calloc), self.own.realloc, self.own.free
        self.handler = Handler(b"counting", 1, None, *calls)
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, (POINTER, ctypes.c_char_p, POINTER)
        self.capsule = new(ctypes.addressof(self.handler), b"mem_handler", None)

    def malloc(self, _, size):
        self.asked += 1
        return None if self.asked == self.fail else self.own.malloc(None, size)

    def calloc(self, _, count, size):
        self.asked += 1
        return None if self.asked == self.fail else self.own.calloc(None, count, size)


COUNTER = Counter()  # for ever: an array made under it may live as long


@contextlib.contextmanager
def counted(fail=0):
    """Count the arrays that this thread makes, and those of them that are `held` at the end; let number `fail` fail."""
    own = _entry(SET_HANDLER, COUNTER.capsule)
    COUNTER.asked, COUNTER.fail = 0, fail
    tracemalloc.start()
    try:
        yield COUNTER
        traces = tracemalloc.take_snapshot().filter_traces(
            [tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)])  # fmt: skip
        COUNTER.held = len(traces.traces) - (REPORTS_FAILURES and 0 < fail <= COUNTER.asked)
    finally:
        tracemalloc.stop()
        COUNTER.fail = 0
        _entry(SET_HANDLER, own)


def _reports_failures():
    """True if NumPy tells tracemalloc of an allocation that failed, as one at address 0: 2.4 does, 2.5 does not."""
    with counted(1) as counter, contextlib.suppress(MemoryError):
        np.empty(1000)
    return counter.held == 1


REPORTS_FAILURES = False
REPORTS_FAILURES = _reports_failures()
