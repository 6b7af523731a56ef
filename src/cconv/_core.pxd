"""What other compiled modules take from the core."""
from cconv._kernels.types cimport Axis, run_t


cdef int* dtype_codes() noexcept
cdef void* load_table(operator, real, capsule_name) except NULL
cdef int threads_for(object asked, double work) except -1
cdef int run_tasks(run_t run, const void* args, Py_ssize_t n_tasks, Py_ssize_t* scratch_bytes, int threads,
                   double work) except -1
