"""Several convolutions of one input that write parts of one array, run block by block; and zeros, where none writes.

Design: the phases of a strided layer's input gradient write every other sample each. One after the other they moved
each cache line of the result as often as there are phases; so a task runs its share of all of them, while the block
that they write is in the cache: 128 -> 64 channels, 112x112 to 224x224, takes 0.7 times as long.
"""
cimport numpy as cnp

from cython.parallel cimport prange
from libc.string cimport memset

from cconv._core cimport BatchStrides, Convolution, run_tasks
from cconv._kernels.types cimport ALG_WINOGRAD, ConvArgs, ConvSet
from cconv._limits cimport threads_for
from cconv._memory cimport free_memory, take_memory
from cconv._phases cimport TOGETHER_BYTES as MOST_BYTES

cnp.import_array()

TOGETHER_BYTES = MOST_BYTES

cdef enum:
    SLAB = 1 << 18              # bytes that are cleared as one task
    CLEARED = 4                 # bytes that take as long as a multiply-add


cdef struct Memory:
    char* data
    Py_ssize_t bytes


cdef void clear_slabs(const void* opaque, char* scratch, Py_ssize_t first, Py_ssize_t last,
                      int num_threads) noexcept nogil:
    cdef const Memory* memory = <const Memory*>opaque
    cdef Py_ssize_t slab
    if num_threads == 1:
        memset(memory.data + first*SLAB, 0, min(last*SLAB, memory.bytes) - first*SLAB)
    else:
        for slab in prange(first, last, num_threads=num_threads):
            memset(memory.data + slab*SLAB, 0, min(<Py_ssize_t>SLAB, memory.bytes - slab*SLAB))


def clear(cnp.ndarray out not None, num_threads):
    """Zeros, by all threads: by one they were a tenth of the input gradient of a pointwise layer of stride 2."""
    cdef Memory memory
    cdef Py_ssize_t none = 0
    cdef double work
    if not cnp.PyArray_ISCONTIGUOUS(out):
        out[...] = 0
        return
    memory.data, memory.bytes = cnp.PyArray_BYTES(out), cnp.PyArray_NBYTES(out)
    work = <double>memory.bytes/CLEARED
    run_tasks(clear_slabs, &memory, (memory.bytes + SLAB - 1)//SLAB, &none, threads_for(num_threads, work), work)


def run_set(list operators, cnp.ndarray input not None, list weights, bias, list outs, num_threads):
    """Each operator with its weight into its `out`; none is empty, all have the same arithmetic."""
    cdef Py_ssize_t n = len(operators), i
    cdef void* memory = take_memory(n*(sizeof(ConvArgs) + sizeof(BatchStrides)))
    cdef ConvArgs* each = <ConvArgs*>memory
    cdef BatchStrides* strides = <BatchStrides*>(each + n)
    cdef Convolution operator
    cdef ConvSet all
    cdef double work = 0
    cdef int threads
    all.size, all.each, all.n_tasks, all.scratch_bytes = 0, each, 0, 0
    used = []
    try:
        for i in range(n):
            operator = operators[i]
            work += operator.work
        threads = threads_for(num_threads, work)
        for i in range(n):
            operator = operators[i]
            each[all.size] = operator.args
            operator.fill_arrays(&each[all.size], &strides[all.size], input, outs[i])
            used.append(operator.fill_weight(&each[all.size], &strides[all.size], weights[i], bias))
            used.append(operator.pack(&each[all.size], threads, None))
            if each[all.size].algorithm == ALG_WINOGRAD:        # may have to look at its input again
                operator.run_packed(&each[all.size], threads)
                continue
            all.n_tasks = max(all.n_tasks, each[all.size].n_tasks)
            all.scratch_bytes = max(all.scratch_bytes, each[all.size].scratch_bytes)
            all.size += 1
        if all.size:
            run_tasks(operator.kernels.run_set, &all, all.n_tasks, &all.scratch_bytes,
                      <int>min(<Py_ssize_t>threads, all.n_tasks), work)
    finally:
        free_memory(memory)
