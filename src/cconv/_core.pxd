"""What other compiled modules of cconv take from the core: kernel tables, arrays' codes, running tasks."""
cimport numpy as cnp

from cconv._arrays cimport AxisMap, NewArray
from cconv._kernels.types cimport MAX_BATCH_AXES, Axis, ConvArgs, ConvKernels, run_t
from cconv._kernels.watch cimport Watch

cdef void* load_table(operator, real, capsule_name) except NULL
cdef const int* dtype_codes() noexcept
cdef double product(values)
cdef int fill_axes(Axis** axes, spec) except -1
cdef int run_tasks(run_t run, const void* args, Py_ssize_t n_tasks, Py_ssize_t* scratch_bytes, int threads,
                   double work) except -1
cdef int write_zeros(cnp.ndarray array, Py_ssize_t step, int threads, double work) except -1

cdef Watch* watched(Watch* watch) noexcept

cdef struct BatchStrides:
    # what the pointers of a call's arguments point to
    Py_ssize_t x[MAX_BATCH_AXES]
    Py_ssize_t y[MAX_BATCH_AXES]
    Py_ssize_t weight[MAX_BATCH_AXES]

cdef class PackedWeight:
    cdef dict content

cdef class Convolution:
    cdef readonly object spec
    cdef ConvArgs args
    cdef Py_ssize_t block[3]
    cdef Py_ssize_t batch_shape[MAX_BATCH_AXES]
    cdef Py_ssize_t weight_batch[MAX_BATCH_AXES]
    cdef ConvKernels* kernels
    cdef AxisMap input_axes
    cdef AxisMap output_axes
    cdef NewArray output
    cdef tuple weight_order     # axes of the weight: batch, out, in, kd, kh, kw, then those of extent 1 left over
    cdef bint weight_in_order
    cdef Py_ssize_t weight_batch_size
    cdef object dtype           # of the real type
    cdef object complex_dtype   # and of a pair
    cdef double work
    cdef bint is_complex
    cdef bint conjugate
    cdef int store_flags        # added to the output's element type
    cdef Py_ssize_t start[3]

    cdef cnp.ndarray real_weight(self, cnp.ndarray weight, bint complex_input)
    cdef int fill_arrays(self, ConvArgs* args, BatchStrides* strides, cnp.ndarray input, cnp.ndarray out) except -1
    cdef tuple fill_weight(self, ConvArgs* args, BatchStrides* strides, cnp.ndarray weight, bias)
    cdef object pack(self, ConvArgs* args, int threads, PackedWeight kept)
    cdef int execute(self, ConvArgs* args, int threads, PackedWeight kept) except -1
    cdef int run_packed(self, ConvArgs* args, int threads) except -1
    cdef object run_winograd(self, ConvArgs* args, int threads)
    cdef void take_batch_element(self, ConvArgs* args, Py_ssize_t n)
