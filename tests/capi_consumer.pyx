# cython: language_level=3, freethreading_compatible=True
"""Somebody else's module: test_capi.py builds it and reaches every function through it. Addresses are integers."""
from cconv.capi cimport *
from cython.parallel cimport prange, threadid
from libc.stdint cimport int64_t

VERSIONS = (CCONV_CAPI_VERSION, cconv_capi_version())
SIZES = {"conv": sizeof(ConvParams), "pool": sizeof(PoolParams), "filter": sizeof(FilterParams)}


def message(int status):
    return cconv_message(status).decode()


def init(kind, size_t params, size_t size, int rank, int pool):
    if kind == "conv":
        return cconv_conv_init(<ConvParams*>params, size, rank)
    if kind == "pool":
        return cconv_pool_init(<PoolParams*>params, size, rank, pool)
    return cconv_filter_init(<FilterParams*>params, size)


def check(kind, size_t params):
    if kind == "conv":
        return cconv_conv_check(<ConvParams*>params)
    if kind == "pool":
        return cconv_pool_check(<PoolParams*>params)
    return cconv_filter_check(<FilterParams*>params)


def workspace(kind, size_t params, int operation, int real, int num_threads, bint nowhere=False):
    cdef size_t size = 12345
    cdef size_t* found = NULL if nowhere else &size
    if kind == "conv":
        status = cconv_conv_workspace(<ConvParams*>params, operation, real, num_threads, found)
    elif kind == "pool":
        status = cconv_pool_workspace(<PoolParams*>params, real, num_threads, found)
    else:
        status = cconv_filter_workspace(<FilterParams*>params, real, num_threads, found)
    return status, size


cdef int run_conv(const ConvParams* params, int operation, int real, size_t one, size_t other, size_t bias, size_t out,
                  size_t work, size_t size, int num_threads) noexcept nogil:
    cdef void* w = <void*>work
    if operation == CCONV_OUTPUT:
        if real:
            return cconv_conv_f64(params, <double*>one, <double*>other, <double*>bias, <double*>out, w, size,
                                  num_threads)
        return cconv_conv_f32(params, <float*>one, <float*>other, <float*>bias, <float*>out, w, size, num_threads)
    if operation == CCONV_INPUT_GRAD:
        if real:
            return cconv_conv_input_grad_f64(params, <double*>one, <double*>other, <double*>out, w, size, num_threads)
        return cconv_conv_input_grad_f32(params, <float*>one, <float*>other, <float*>out, w, size, num_threads)
    if real:
        return cconv_conv_weight_grad_f64(params, <double*>one, <double*>other, <double*>out, w, size, num_threads)
    return cconv_conv_weight_grad_f32(params, <float*>one, <float*>other, <float*>out, w, size, num_threads)


def conv(size_t params, int operation, int real, size_t one, size_t other, size_t bias, size_t out, size_t work,
         size_t size, int num_threads):
    cdef int status
    with nogil:
        status = run_conv(<ConvParams*>params, operation, real, one, other, bias, out, work, size, num_threads)
    return status


def pool(size_t params, int real, size_t one, size_t indices, size_t out, size_t work, size_t size, int num_threads):
    cdef int status
    with nogil:
        if real:
            status = cconv_pool_f64(<PoolParams*>params, <double*>one, <double*>out, <int64_t*>indices, <void*>work,
                                    size, num_threads)
        else:
            status = cconv_pool_f32(<PoolParams*>params, <float*>one, <float*>out, <int64_t*>indices, <void*>work,
                                    size, num_threads)
    return status


def filter(size_t params, int real, size_t one, size_t kernel, size_t out, size_t work, size_t size, int num_threads):
    cdef int status
    with nogil:
        if real:
            status = cconv_filter_f64(<FilterParams*>params, <double*>one, <double*>kernel, <double*>out, <void*>work,
                                      size, num_threads)
        else:
            status = cconv_filter_f32(<FilterParams*>params, <float*>one, <float*>kernel, <float*>out, <void*>work,
                                      size, num_threads)
    return status


def conv_each(size_t heights, Py_ssize_t n, Py_ssize_t width, int operation, size_t ones, size_t others, size_t outs,
              size_t work, size_t size, int num_threads):
    """In a prange: n layers of different heights, from params to result, 3x3 with padding 1 and stride 2."""
    cdef Py_ssize_t i
    cdef int failed = 0
    for i in prange(n, nogil=True, num_threads=num_threads, schedule="dynamic"):
        failed += one_of(operation, (<Py_ssize_t*>heights)[i], width, (<size_t*>ones)[i], (<size_t*>others)[i],
                         (<size_t*>outs)[i], work + threadid()*size, size) != CCONV_OK
    return failed


cdef int one_of(int operation, Py_ssize_t height, Py_ssize_t width, size_t one, size_t other, size_t out, size_t work,
                size_t size) noexcept nogil:
    cdef ConvParams params
    cdef int axis
    cconv_conv_init(&params, sizeof(params), 2)
    params.in_channels, params.out_channels = 3, 4
    params.input[0], params.input[1] = height, width
    for axis in range(2):
        params.kernel[axis], params.stride[axis] = 3, 2
        params.pad_before[axis] = params.pad_after[axis] = 1
    cconv_conv_check(&params)
    return run_conv(&params, operation, CCONV_F32, one, other, 0, out, work, size, 1)
