"""Storing: bias, activation, conversion and layout, on rows of finished sums."""
from cconv._kernels.elements cimport store_row
from cconv._kernels.simd cimport FLOATING, apart, real
from cconv._kernels.types cimport (
    ACT_LEAKY_RELU, ACT_NONE, ACT_RELU, ACT_RELU6, DT_I8, DT_I16, DT_I32, DT_I64, DT_SATURATE, DT_TYPE, DT_U8,
    DT_U16, DT_UNSIGNED,
)


cdef inline bint is_negative(real value) noexcept nogil:
    """NaN is not. Integer kernels compute unsigned: there the sign is the top bit."""
    if FLOATING:
        return value < <real>0
    if sizeof(real) == 4:
        return <int>value < 0
    return <long long>value < 0


cdef inline void wrap_row(real* row, Py_ssize_t n, int dtype) noexcept nogil:
    """Sums to what the result type would hold, its sign in the top bit: an activation acts on the result."""
    cdef Py_ssize_t i
    dtype &= DT_TYPE
    for i in range(n):
        if dtype == DT_I8:
            row[i] = <real><signed char>row[i]
        elif dtype == DT_I16:
            row[i] = <real><short>row[i]
        elif dtype == DT_U8:
            row[i] = <real><unsigned char>row[i]
        elif dtype == DT_U16:
            row[i] = <real><unsigned short>row[i]


cdef inline void activate(real* row, Py_ssize_t n, int dtype, int activation) noexcept nogil:
    """In place; every one lets NaN through."""
    cdef Py_ssize_t i
    cdef bint signed = True
    if not FLOATING and dtype & DT_SATURATE:
        signed = not dtype & DT_UNSIGNED
    elif not FLOATING:
        wrap_row(row, n, dtype)
        dtype &= DT_TYPE
        signed = dtype == DT_I8 or dtype == DT_I16 or dtype == DT_I32 or dtype == DT_I64
    if activation == ACT_RELU:
        for i in range(n):
            row[i] = <real>0 if signed and is_negative(row[i]) else row[i]
    elif activation == ACT_LEAKY_RELU:
        for i in range(n):
            row[i] = row[i]*<real>0.01 if is_negative(row[i]) else row[i]
    elif activation == ACT_RELU6:
        for i in range(n):
            row[i] = <real>0 if signed and is_negative(row[i]) else (<real>6 if row[i] > <real>6 else row[i])


cdef inline void drop_sign(real* row, Py_ssize_t n) noexcept nogil:
    """Numbers without a sign to the greatest that has one: only 64 bits of an output without a sign would hold more,
    and those need no DT_SATURATE."""
    cdef Py_ssize_t i
    cdef real greatest = <real>((<unsigned long long>1 << (8*sizeof(real) - 1)) - 1)
    for i in range(n):
        row[i] = greatest if row[i] > greatest else row[i]


cdef inline apart finish_row(char* dst, real* row, Py_ssize_t n, Py_ssize_t stride, int dtype, const real* bias,
                             Py_ssize_t bias_step, int activation) noexcept nogil:
    """dst = activation(row + bias). bias_step 0: one bias for the row; 1: the row runs over channels.
    `row` is overwritten."""
    cdef Py_ssize_t i
    cdef real b
    if bias != NULL and bias_step:
        for i in range(n):
            row[i] = row[i] + bias[i]
    elif bias != NULL:
        b = bias[0]
        for i in range(n):
            row[i] = row[i] + b
    if activation != ACT_NONE:
        activate(row, n, dtype, activation)
    if not FLOATING and dtype & DT_UNSIGNED:
        drop_sign(row, n)
    store_row(dst, row, n, stride, dtype)
