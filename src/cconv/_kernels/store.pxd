"""Storing: bias, activation, conversion and layout, on rows of finished sums."""
from cconv._kernels.elements cimport store_row
from cconv._kernels.simd cimport FLOATING, real
from cconv._kernels.types cimport ACT_LEAKY_RELU, ACT_NONE, ACT_RELU, ACT_RELU6, ConvArgs


cdef inline bint is_negative(real value) noexcept nogil:
    """NaN is not. Integer kernels compute unsigned: there the sign is the top bit."""
    if FLOATING:
        return value < <real>0
    if sizeof(real) == 4:
        return <int>value < 0
    return <long long>value < 0


cdef inline void activate(real* row, Py_ssize_t n, int activation) noexcept nogil:
    """In place; every one lets NaN through."""
    cdef Py_ssize_t i
    if activation == ACT_RELU:
        for i in range(n):
            row[i] = <real>0 if is_negative(row[i]) else row[i]
    elif activation == ACT_LEAKY_RELU:
        for i in range(n):
            row[i] = row[i]*<real>0.01 if is_negative(row[i]) else row[i]
    elif activation == ACT_RELU6:
        for i in range(n):
            row[i] = <real>0 if is_negative(row[i]) else (<real>6 if row[i] > <real>6 else row[i])


cdef inline void finish_row(char* dst, real* row, Py_ssize_t n, Py_ssize_t stride, int dtype, const real* bias,
                            int activation) noexcept nogil:
    """dst = activation(row + bias), one bias for the row. `row` is overwritten."""
    cdef Py_ssize_t i
    cdef real b
    if bias != NULL:
        b = bias[0]
        for i in range(n):
            row[i] = row[i] + b
    if activation != ACT_NONE:
        activate(row, n, activation)
    store_row(dst, row, n, stride, dtype)


cdef inline void finish_channels(char* dst, real* row, Py_ssize_t n, Py_ssize_t stride, int dtype, const real* bias,
                                 int activation) noexcept nogil:
    """dst = activation(row + bias), where the row runs over channels."""
    cdef Py_ssize_t i
    if bias != NULL:
        for i in range(n):
            row[i] = row[i] + bias[i]
    if activation != ACT_NONE:
        activate(row, n, activation)
    store_row(dst, row, n, stride, dtype)
