"""Where compiled modules of cconv take their scratch memory."""

cdef void* take_memory(size_t size) except NULL
cdef void free_memory(void* memory) noexcept
cdef char* take_scratch(Py_ssize_t* bytes_per_thread, int num_threads, void** allocation) except NULL
