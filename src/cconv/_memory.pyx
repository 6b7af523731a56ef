"""Scratch memory: the one place where compiled code takes it and gives it back.

Design:
a. It is Python's raw memory: tracemalloc sees it, and it needs no GIL. Arrays that a call makes for itself (packed
   weights, the FFT's buffers) are NumPy's memory, so that huge pages serve the large ones.
b. Tests count it, and let one allocation fail, through watch() below; a call that nobody watches pays a comparison.
   Watching is for one thread.
"""
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.stdint cimport uintptr_t

cdef Py_ssize_t asked = -1          # since watch() was called; -1: nobody watches
cdef Py_ssize_t held = 0
cdef Py_ssize_t failing = 0


cdef void* take_memory(size_t size) except NULL:
    """That many bytes, to be given back with free_memory on every path; MemoryError if there are none."""
    global asked, held
    cdef void* memory
    if asked >= 0:
        asked += 1
        held += asked != failing
    memory = NULL if asked > 0 and asked == failing else PyMem_RawMalloc(size)
    if memory == NULL:
        raise MemoryError(f"cannot allocate {size} bytes of scratch")
    return memory


cdef void free_memory(void* memory) noexcept:
    global held
    if asked >= 0 and memory != NULL:
        held -= 1
    PyMem_RawFree(memory)


cdef char* take_scratch(Py_ssize_t* bytes_per_thread, int num_threads, void** allocation) except NULL:
    """Scratch for num_threads, each part on cache lines of its own; `allocation` is what free_memory wants."""
    cdef size_t size = scratch_pitch(<size_t>bytes_per_thread[0])
    bytes_per_thread[0] = <Py_ssize_t>size
    if size > (<size_t>-1)//2//<size_t>num_threads - ALIGNMENT:
        raise MemoryError(f"cannot allocate {size} bytes of scratch for each of {num_threads} threads")
    allocation[0] = take_memory(size*<size_t>num_threads + ALIGNMENT)
    return <char*>((<uintptr_t>allocation[0] + ALIGNMENT - 1)//ALIGNMENT*ALIGNMENT)


def watch(Py_ssize_t fail=0):
    """Count allocations from now on, and let number `fail`, from 1, fail. For tests."""
    global asked, held, failing
    asked, held, failing = 0, 0, fail


def watched():
    """(how often memory was asked for since watch(), how many blocks are still held). For tests."""
    return asked, held


def unwatch():
    """Count no more. For tests."""
    global asked
    asked = -1
