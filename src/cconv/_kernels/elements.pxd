"""Elements of any type, stride and byte order, to and from the kernel's real type, a row at a time.

Integers convert modulo 2**n both ways, so integer results wrap as NumPy's do, unless they are stored with DT_SATURATE.
Elements need not be aligned.
"""
from libc.stdint cimport uint16_t
from libc.string cimport memcpy

from cconv._kernels.simd cimport (
    FLOATING, NARROW, clip, float_to_half, half_to_float, is_nan, narrow8, narrow16, real, round_clipped, round_even,
    signed_real, store_every_other,
)
from cconv._kernels.types cimport (
    DT_BOOL, DT_F16, DT_F32, DT_F64, DT_I8, DT_I16, DT_I32, DT_I64, DT_SATURATE, DT_SWAPPED, DT_TYPE, DT_U8, DT_U16,
    DT_U32, DT_U64,
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
    CHUNK = 64      # elements that go through the stack at a time, swapped or rounded


cdef inline bint is_native(int dtype) noexcept nogil:
    """True if an element is a `real` as it lies there. Signed and unsigned integers have the same bits."""
    if FLOATING:
        return dtype == (DT_F32 if sizeof(real) == 4 else DT_F64)
    if sizeof(real) == 1:
        return dtype == DT_I8 or dtype == DT_U8
    if sizeof(real) == 2:
        return dtype == DT_I16 or dtype == DT_U16
    if sizeof(real) == 4:
        return dtype == DT_I32 or dtype == DT_U32
    return dtype == DT_I64 or dtype == DT_U64


cdef inline Py_ssize_t item_size(int dtype) noexcept nogil:
    dtype &= DT_TYPE
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


cdef inline void round_as(element* of_type, char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride, element low,
                          element high) noexcept nogil:
    """Floating sums to an integer type of up to 16 bits. In two steps, because one loop would take 32 elements at a
    time and a register tile's row may be 24: rounding by whole vectors first, then blocks of which the last overlaps
    the one before."""
    cdef Py_ssize_t i = 0, k, part, first
    cdef element value
    cdef real rounded[CHUNK]
    while i < n:
        part = min(<Py_ssize_t>CHUNK, n - i)
        for k in range(part):
            rounded[k] = round_clipped(src[i + k], <real>low, <real>high)
        if stride == sizeof(element) and part >= NARROW:
            k = 0
            while k < part:
                first = min(k, part - NARROW)
                if sizeof(element) == 1:
                    narrow8(dst + i + first, rounded + first)
                else:
                    narrow16(dst + 2*(i + first), rounded + first)
                k += NARROW
        else:
            for k in range(part):
                value = <element><int>rounded[k]
                memcpy(dst + (i + k)*stride, &value, sizeof(element))
        i += part


cdef inline void saturate_as(element* of_type, char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride,
                             element low, element high) noexcept nogil:
    """Sums with a sign to an integer type of range low..high. A floating point `real` that holds both limits clips
    before it converts, which vectorises; one that does not compares with the power of two after the upper limit."""
    cdef Py_ssize_t i
    cdef element value
    cdef real rounded, limit
    cdef signed_real least, greatest
    cdef unsigned long long top
    if FLOATING and sizeof(element) <= 2:
        round_as(of_type, dst, src, n, stride, low, high)
    elif FLOATING and sizeof(element) < sizeof(real):
        for i in range(n):
            value = <element><long long>round_clipped(src[i], <real>low, <real>high)
            memcpy(dst + i*stride, &value, sizeof(element))
    elif FLOATING:
        limit = <real>(high//2 + 1)*<real>2
        for i in range(n):
            rounded = round_even(src[i])
            if is_nan(rounded):
                value = 0
            elif rounded >= limit:
                value = high
            elif rounded <= <real>low:
                value = low
            else:
                value = <element>rounded
            memcpy(dst + i*stride, &value, sizeof(element))
    else:
        top = (<unsigned long long>1 << (8*sizeof(real) - 1)) - 1
        greatest = <signed_real>min(<unsigned long long>high, top)
        least = <signed_real>0 if low == 0 else -greatest - 1
        if stride == sizeof(element):
            for i in range(n):
                value = <element>clip(<signed_real>src[i], least, greatest)
                memcpy(dst + i*<Py_ssize_t>sizeof(element), &value, sizeof(element))
        else:
            for i in range(n):
                value = <element>clip(<signed_real>src[i], least, greatest)
                memcpy(dst + i*stride, &value, sizeof(element))


cdef inline void saturate_row(char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride, int dtype) noexcept nogil:
    """element at dst + i*stride bytes = src[i], rounded half to even and clipped to the type's range; NaN is 0."""
    dtype &= DT_TYPE
    if dtype == DT_U8:
        saturate_as[uchar](NULL, dst, src, n, stride, 0, 0xff)
    elif dtype == DT_I8:
        saturate_as[schar](NULL, dst, src, n, stride, -0x80, 0x7f)
    elif dtype == DT_U16:
        saturate_as[ushort](NULL, dst, src, n, stride, 0, 0xffff)
    elif dtype == DT_I16:
        saturate_as[short](NULL, dst, src, n, stride, -0x8000, 0x7fff)
    elif dtype == DT_U32:
        saturate_as[uint](NULL, dst, src, n, stride, 0, 0xffffffff)
    elif dtype == DT_I32:
        saturate_as[int](NULL, dst, src, n, stride, -0x7fffffff - 1, 0x7fffffff)
    elif dtype == DT_U64:
        saturate_as[ulonglong](NULL, dst, src, n, stride, 0, <unsigned long long>-1)
    elif dtype == DT_I64:
        saturate_as[longlong](NULL, dst, src, n, stride, <long long>(<unsigned long long>1 << 63), 0x7fffffffffffffff)


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
    elif dtype & DT_SATURATE:
        saturate_row(dst, src, n, stride, dtype)
    elif is_native(dtype) and stride == sizeof(real):
        memcpy(dst, src, n*sizeof(real))
    elif is_native(dtype) and stride == 2*sizeof(real):
        store_every_other(<real*>dst, src, n)
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
