"""Elements of any type, stride and byte order, to and from the kernel's real type, a row at a time.

Integers convert modulo 2**n both ways, so integer results wrap as NumPy's do. Elements need not be aligned.
"""
from libc.stdint cimport uint16_t
from libc.string cimport memcpy

from cconv._kernels.simd cimport FLOATING, float_to_half, half_to_float, real
from cconv._kernels.types cimport (
    DT_BOOL, DT_F16, DT_F32, DT_F64, DT_I8, DT_I16, DT_I32, DT_I64, DT_SWAPPED, DT_U8, DT_U16, DT_U32, DT_U64,
)

ctypedef fused element:
    signed char
    unsigned char
    short
    unsigned short
    int
    unsigned int
    long long
    unsigned long long
    float
    double


cdef enum:
    CHUNK = 64      # elements that go through the stack at a time where their bytes must be swapped


cdef inline bint is_native(int dtype) noexcept nogil:
    """True if an element is a `real` as it lies there. Signed and unsigned integers have the same bits."""
    if FLOATING:
        return dtype == (DT_F32 if sizeof(real) == 4 else DT_F64)
    if sizeof(real) == 4:
        return dtype == DT_I32 or dtype == DT_U32
    return dtype == DT_I64 or dtype == DT_U64


cdef inline Py_ssize_t item_size(int dtype) noexcept nogil:
    dtype &= ~DT_SWAPPED
    if dtype <= DT_U8:
        return 1
    if dtype <= DT_U16 or dtype == DT_F16:
        return 2
    if dtype <= DT_U32 or dtype == DT_F32:
        return 4
    return 8


cdef inline void load_as(element* of_type, real* dst, const char* src, Py_ssize_t n, Py_ssize_t stride) noexcept nogil:
    """dst[i] = element i. Neighbours, and every other one, have loops of their own because only those vectorise."""
    cdef Py_ssize_t i
    cdef element value
    if stride == sizeof(element):
        for i in range(n):
            memcpy(&value, src + i*<Py_ssize_t>sizeof(element), sizeof(element))
            dst[i] = <real>value
    elif stride == 2*sizeof(element):
        for i in range(n):
            memcpy(&value, src + i*2*<Py_ssize_t>sizeof(element), sizeof(element))
            dst[i] = <real>value
    else:
        for i in range(n):
            memcpy(&value, src + i*stride, sizeof(element))
            dst[i] = <real>value


cdef inline void store_as(element* of_type, char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride) noexcept nogil:
    cdef Py_ssize_t i
    cdef element value
    if stride == sizeof(element):
        for i in range(n):
            value = <element>src[i]
            memcpy(dst + i*<Py_ssize_t>sizeof(element), &value, sizeof(element))
    else:
        for i in range(n):
            value = <element>src[i]
            memcpy(dst + i*stride, &value, sizeof(element))


cdef inline void swap_bytes(char* dst, Py_ssize_t dst_stride, const char* src, Py_ssize_t src_stride,
                            Py_ssize_t n, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t i, k
    for i in range(n):
        for k in range(size):
            dst[i*dst_stride + k] = src[i*src_stride + size - 1 - k]


cdef inline void load_row(real* dst, const char* src, Py_ssize_t n, Py_ssize_t stride, int dtype) noexcept nogil:
    """dst[i] = element at src + i*stride bytes, converted."""
    cdef Py_ssize_t i, size, part
    cdef uint16_t half
    cdef char swapped[CHUNK*8]
    if dtype & DT_SWAPPED:
        dtype &= ~DT_SWAPPED
        size = item_size(dtype)
        i = 0
        while i < n:
            part = min(<Py_ssize_t>CHUNK, n - i)
            swap_bytes(swapped, size, src + i*stride, stride, part, size)
            load_row(dst + i, swapped, part, size, dtype)
            i += part
    elif is_native(dtype) and stride == sizeof(real):
        memcpy(dst, src, n*sizeof(real))
    elif dtype == DT_F32:
        load_as[float](NULL, dst, src, n, stride)
    elif dtype == DT_F64:
        load_as[double](NULL, dst, src, n, stride)
    elif dtype == DT_U8:
        load_as[uchar](NULL, dst, src, n, stride)
    elif dtype == DT_I8:
        load_as[schar](NULL, dst, src, n, stride)
    elif dtype == DT_U16:
        load_as[ushort](NULL, dst, src, n, stride)
    elif dtype == DT_I16:
        load_as[short](NULL, dst, src, n, stride)
    elif dtype == DT_U32:
        load_as[uint](NULL, dst, src, n, stride)
    elif dtype == DT_I32:
        load_as[int](NULL, dst, src, n, stride)
    elif dtype == DT_U64:
        load_as[ulonglong](NULL, dst, src, n, stride)
    elif dtype == DT_I64:
        load_as[longlong](NULL, dst, src, n, stride)
    elif dtype == DT_F16:
        for i in range(n):
            memcpy(&half, src + i*stride, 2)
            dst[i] = <real>half_to_float(half)
    elif dtype == DT_BOOL:
        for i in range(n):
            dst[i] = <real>(src[i*stride] != 0)


cdef inline void store_row(char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride, int dtype) noexcept nogil:
    """element at dst + i*stride bytes = src[i], converted."""
    cdef Py_ssize_t i, size, part
    cdef uint16_t half
    cdef char swapped[CHUNK*8]
    if dtype & DT_SWAPPED:
        dtype &= ~DT_SWAPPED
        size = item_size(dtype)
        i = 0
        while i < n:
            part = min(<Py_ssize_t>CHUNK, n - i)
            store_row(swapped, src + i, part, size, dtype)
            swap_bytes(dst + i*stride, stride, swapped, size, part, size)
            i += part
    elif is_native(dtype) and stride == sizeof(real):
        memcpy(dst, src, n*sizeof(real))
    elif dtype == DT_F32:
        store_as[float](NULL, dst, src, n, stride)
    elif dtype == DT_F64:
        store_as[double](NULL, dst, src, n, stride)
    elif dtype == DT_U8 or dtype == DT_I8:
        store_as[uchar](NULL, dst, src, n, stride)
    elif dtype == DT_U16 or dtype == DT_I16:
        store_as[ushort](NULL, dst, src, n, stride)
    elif dtype == DT_U32 or dtype == DT_I32:
        store_as[uint](NULL, dst, src, n, stride)
    elif dtype == DT_U64 or dtype == DT_I64:
        store_as[ulonglong](NULL, dst, src, n, stride)
    elif dtype == DT_F16:
        for i in range(n):
            half = float_to_half(<float>src[i])
            memcpy(dst + i*stride, &half, 2)
    elif dtype == DT_BOOL:
        for i in range(n):
            dst[i*stride] = src[i] != <real>0
