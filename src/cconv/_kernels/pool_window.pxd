"""The windows of a pooling, and its samples on their way in and out.

Integers compare in the kernel's real type. Where one is signed and the other is not, the top bit is flipped on loading
and on storing: it is 64-bit reals that are signed and 8- and 16-bit reals that are not.
"""
from libc.string cimport memcpy

from cconv._kernels.elements cimport is_native, load_row, store_row
from cconv._kernels.simd cimport FLOATING, real
from cconv._kernels.types cimport DT_I8, DT_I16, DT_SWAPPED, DT_TYPE, DT_U64, Axis

cdef extern from *:
    """
    #if CCONV_FLOATING
    #define CCONV_FLIPPED(x) (x)
    #define CCONV_LOWEST (-__builtin_inf())
    #define CCONV_HIGHEST __builtin_inf()
    #define CCONV_NAN __builtin_nan("")
    #else
    #define CCONV_TOP_BIT ((real)((uint64_t)1 << (CCONV_REAL_SIZE * 8 - 1)))
    #define CCONV_FLIPPED(x) ((real)((x) ^ CCONV_TOP_BIT))
    #define CCONV_LOWEST (CCONV_REAL_SIZE < 4 ? 0 : CCONV_TOP_BIT)
    #define CCONV_HIGHEST (CCONV_REAL_SIZE < 4 ? (real)-1 : (real)~CCONV_TOP_BIT)
    #define CCONV_NAN 0
    #endif
    #if defined(_MSC_VER) && !defined(__clang__)
    #include <math.h>
    #define __builtin_inf() ((double)INFINITY)
    #define __builtin_nan(s) ((double)NAN)
    #endif
    """
    real with_top_bit_flipped "CCONV_FLIPPED"(real x) noexcept nogil
    const real LOWEST "((real)CCONV_LOWEST)"
    const real HIGHEST "((real)CCONV_HIGHEST)"
    const real NOT_A_NUMBER "((real)CCONV_NAN)"


cdef struct Window:
    # the taps first..last-1 of a window that fall on samples, along one axis, and what the average divides by
    Py_ssize_t start            # sample under tap 0, may be negative
    Py_ssize_t first
    Py_ssize_t last
    Py_ssize_t counted


cdef inline Py_ssize_t taps_below(Py_ssize_t start, Py_ssize_t limit, const Axis* axis) noexcept nogil:
    """How many taps of a window at `start` lie below `limit`."""
    cdef Py_ssize_t n = (limit - start + axis.dilation - 1)//axis.dilation if limit > start else 0
    return min(n, axis.kernel)


cdef inline Window window_at(const Axis* axis, Py_ssize_t output, bint include_pad) noexcept nogil:
    cdef Window window
    window.start = output*axis.stride - axis.pad
    if window.start >= 0 and window.start + (axis.kernel - 1)*axis.dilation < axis.size:    # no divisions
        window.first = 0
        window.last = window.counted = axis.kernel
        return window
    window.first = taps_below(window.start, 0, axis)
    window.last = taps_below(window.start, axis.size, axis)
    window.counted = (taps_below(window.start, axis.size + axis.pad_after, axis) if include_pad
                      else window.last - window.first)
    return window


cdef inline bint has_other_order(int dtype) noexcept nogil:
    dtype &= DT_TYPE
    return dtype == (DT_U64 if sizeof(real) == 8 else DT_I8 if sizeof(real) == 1 else DT_I16) and sizeof(real) != 4


cdef inline void flip_order(real* row, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    if not FLOATING:
        for i in range(n):
            row[i] = with_top_bit_flipped(row[i])


cdef inline void load_samples(real* dst, const char* data, Py_ssize_t n, Py_ssize_t stride, int dtype) noexcept nogil:
    load_row(dst, data, n, stride, dtype)
    if has_other_order(dtype):
        flip_order(dst, n)


cdef inline bint lies_ready(const char* data, Py_ssize_t stride, int dtype) noexcept nogil:
    """True if elements are reals, in order, neighbours and aligned: to be read or written where they are."""
    return (is_native(dtype) and not has_other_order(dtype) and stride == sizeof(real)
            and <size_t>data % sizeof(real) == 0)


cdef inline const real* samples(const char* data, Py_ssize_t n, Py_ssize_t stride, int dtype,
                                real* buffer) noexcept nogil:
    """n samples as reals: where they lie if they are native neighbours, else converted into `buffer`."""
    if lies_ready(data, stride, dtype):
        return <const real*>data
    load_samples(buffer, data, n, stride, dtype)
    return buffer


cdef inline void store_values(char* data, real* row, Py_ssize_t n, Py_ssize_t stride, int dtype) noexcept nogil:
    if has_other_order(dtype):
        flip_order(row, n)
    store_row(data, row, n, stride, dtype)


cdef inline bint indices_lie_ready(const char* data, Py_ssize_t stride, int dtype) noexcept nogil:
    return not dtype & DT_SWAPPED and stride == 8 and <size_t>data % 8 == 0


cdef inline void store_indices(char* data, const long long* row, Py_ssize_t n, Py_ssize_t stride,
                               int dtype) noexcept nogil:
    cdef Py_ssize_t i, k
    for i in range(n):
        if dtype & DT_SWAPPED:
            for k in range(8):
                data[i*stride + k] = (<const char*>(row + i))[7 - k]
        else:
            memcpy(data + i*stride, row + i, 8)
