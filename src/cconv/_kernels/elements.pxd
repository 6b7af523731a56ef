"""Elements of any type, stride and byte order, to and from the kernel's real type, a row at a time.

Integers convert modulo 2**n both ways, so integer results wrap as NumPy's do, unless they are stored with DT_SATURATE.
Elements need not be aligned.
"""
from libc.string cimport memcpy

from cconv._kernels.convert cimport (
    bound_8, bound_16, clip, load_bool, load_every_other, load_f16, load_f32, load_f64, load_s8, load_s16, load_s32,
    load_s64, load_u8, load_u16, load_u32, load_u64, round_clipped, round_even, store_bool, store_f16, store_f32,
    store_f64, store_u8, store_u16, store_u32, store_u64,
)
from cconv._kernels.simd cimport FLOATING, LANES, is_nan, real, signed_real, store_every_other, vload, vstore
from cconv._kernels.types cimport (
    DT_BOOL, DT_F16, DT_F32, DT_F64, DT_I8, DT_I16, DT_I32, DT_I64, DT_SATURATE, DT_SWAPPED, DT_TYPE, DT_U8, DT_U16,
    DT_U32, DT_U64,
)

cdef enum:
    CHUNK = 64      # elements that go through the stack at a time, swapped


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


ctypedef fused wide:
    int
    unsigned int
    long long
    unsigned long long


cdef inline void saturate_as(wide* of_type, char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride,
                             wide low, wide high) noexcept nogil:
    """Sums with a sign to an integer type of range low..high. A floating point `real` that does not hold both limits
    compares with the power of two after the upper one."""
    cdef Py_ssize_t i
    cdef wide value
    cdef real rounded, limit
    cdef signed_real least, greatest
    cdef unsigned long long top
    if FLOATING and sizeof(wide) < sizeof(real):
        for i in range(n):
            value = <wide><long long>round_clipped(src[i], <real>low, <real>high)
            memcpy(dst + i*stride, &value, sizeof(wide))
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
                value = <wide>rounded
            memcpy(dst + i*stride, &value, sizeof(wide))
    else:
        top = (<unsigned long long>1 << (8*sizeof(real) - 1)) - 1
        greatest = <signed_real>min(<unsigned long long>high, top)
        least = <signed_real>0 if low == 0 else -greatest - 1
        for i in range(n):
            value = <wide>clip(<signed_real>src[i], least, greatest)
            memcpy(dst + i*stride, &value, sizeof(wide))


cdef inline void saturate_row(char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride, int dtype) noexcept nogil:
    """element at dst + i*stride bytes = src[i], rounded half to even and clipped to the type's range; NaN is 0."""
    dtype &= DT_TYPE
    if dtype == DT_U8:
        bound_8(dst, src, n, stride, <signed_real>0, <signed_real>0xff)
    elif dtype == DT_I8:
        bound_8(dst, src, n, stride, <signed_real>-0x80, <signed_real>0x7f)
    elif dtype == DT_U16:
        bound_16(dst, src, n, stride, <signed_real>0, <signed_real>0xffff)
    elif dtype == DT_I16:
        bound_16(dst, src, n, stride, <signed_real>-0x8000, <signed_real>0x7fff)
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


cdef inline void copy_reals(real* dst, const real* src, Py_ssize_t n) noexcept nogil:
    """A short line: a call of memcpy takes longer."""
    cdef Py_ssize_t i = 0
    while i + LANES <= n:
        vstore(dst + i, vload(src + i))
        i += LANES
    if i < n and n >= LANES:
        vstore(dst + n - LANES, vload(src + n - LANES))
        return
    while i < n:
        dst[i] = src[i]
        i += 1


cdef inline void load_row(real* dst, const char* src, Py_ssize_t n, Py_ssize_t stride, int dtype) noexcept nogil:
    """dst[i] = element at src + i*stride bytes, converted."""
    cdef Py_ssize_t i, size, part
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
    elif is_native(dtype) and stride == 2*sizeof(real):
        load_every_other(dst, src, n)
    elif dtype == DT_F32:
        load_f32(dst, src, n, stride)
    elif dtype == DT_F64:
        load_f64(dst, src, n, stride)
    elif dtype == DT_U8:
        load_u8(dst, src, n, stride)
    elif dtype == DT_I8:
        load_s8(dst, src, n, stride)
    elif dtype == DT_U16:
        load_u16(dst, src, n, stride)
    elif dtype == DT_I16:
        load_s16(dst, src, n, stride)
    elif dtype == DT_U32:
        load_u32(dst, src, n, stride)
    elif dtype == DT_I32:
        load_s32(dst, src, n, stride)
    elif dtype == DT_U64:
        load_u64(dst, src, n, stride)
    elif dtype == DT_I64:
        load_s64(dst, src, n, stride)
    elif dtype == DT_F16:
        load_f16(dst, src, n, stride)
    elif dtype == DT_BOOL:
        load_bool(dst, src, n, stride)


cdef inline void store_row(char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride, int dtype) noexcept nogil:
    """element at dst + i*stride bytes = src[i], converted."""
    cdef Py_ssize_t i, size, part
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
        store_f32(dst, src, n, stride)
    elif dtype == DT_F64:
        store_f64(dst, src, n, stride)
    elif dtype == DT_U8 or dtype == DT_I8:
        store_u8(dst, src, n, stride)
    elif dtype == DT_U16 or dtype == DT_I16:
        store_u16(dst, src, n, stride)
    elif dtype == DT_U32 or dtype == DT_I32:
        store_u32(dst, src, n, stride)
    elif dtype == DT_U64 or dtype == DT_I64:
        store_u64(dst, src, n, stride)
    elif dtype == DT_F16:
        store_f16(dst, src, n, stride)
    elif dtype == DT_BOOL:
        store_bool(dst, src, n, stride)
