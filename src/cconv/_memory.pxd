"""Where compiled modules of cconv take their memory."""
cimport numpy as cnp

cdef enum:
    ALIGNMENT = 64              # of what a thread has of it: a cache line
    KEPT_FROM = 32 << 10        # bytes of a result from which on its memory is kept: to get NumPy's takes 0.2 us less


cdef inline size_t scratch_pitch(size_t bytes) noexcept nogil:
    """From one thread's scratch of so many bytes to the next one's: on cache lines of its own, with a gap between."""
    return (bytes + 2*ALIGNMENT - 1)//ALIGNMENT*ALIGNMENT


cdef void* take_memory(size_t size) except NULL
cdef void free_memory(void* memory) noexcept
cdef char* take_scratch(Py_ssize_t* bytes_per_thread, int num_threads, void** allocation) except NULL
cdef cnp.ndarray new_line(cnp.npy_intp n, int typenum)
cdef cnp.ndarray new_result(int ndim, cnp.npy_intp* shape, int typenum, bint is_large)
