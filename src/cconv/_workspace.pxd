"""Memory that the caller owns, dealt out; used by `capi`.

Design: the code that runs a spec also says how much memory that takes: with nothing behind it, a Workspace only counts.
"""
from libc.stdint cimport uintptr_t

from cconv._memory cimport ALIGNMENT, scratch_pitch

cdef struct Workspace:
    char* memory                # NULL: only count
    size_t used
    size_t most                 # that has been in use at a time


cdef inline size_t largest() noexcept nogil:
    """More than there can be, and sums with it do not overflow."""
    return (<size_t>-1)//4


cdef inline void* take(Workspace* space, size_t bytes) noexcept nogil:
    """So many bytes, on cache lines of their own; NULL if nothing but counted. Giving them back is setting `used`."""
    cdef size_t first = space.used
    bytes = min(bytes, largest() - ALIGNMENT)
    space.used = min(first + (bytes + ALIGNMENT - 1)//ALIGNMENT*ALIGNMENT, largest())
    space.most = max(space.most, space.used)
    return NULL if space.memory == NULL else space.memory + first


cdef inline char* take_scratch(Workspace* space, Py_ssize_t* bytes_per_thread, Py_ssize_t threads) noexcept nogil:
    """Scratch per thread, as _memory deals it out. Sets the pitch."""
    bytes_per_thread[0] = <Py_ssize_t>scratch_pitch(<size_t>bytes_per_thread[0])
    if <size_t>bytes_per_thread[0] > largest()//<size_t>threads:
        return <char*>take(space, largest())
    return <char*>take(space, <size_t>bytes_per_thread[0]*<size_t>threads)


cdef inline size_t needed(const Workspace* space) noexcept nogil:
    """Bytes that a caller has to bring, at any address."""
    return space.most + ALIGNMENT


cdef inline void begin(Workspace* space, void* memory) noexcept nogil:
    space.memory = NULL if memory == NULL else <char*>((<uintptr_t>memory + ALIGNMENT - 1)//ALIGNMENT*ALIGNMENT)
    space.used = 0
    space.most = 0
