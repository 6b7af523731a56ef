"""Rows of elements to reals and back: see convert.h."""
from cconv._kernels.simd cimport real, signed_real

cdef extern from "convert.h" nogil:
    void load_bool(real* dst, const char* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void load_s8(real* dst, const char* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void load_u8(real* dst, const char* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void load_s16(real* dst, const char* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void load_u16(real* dst, const char* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void load_s32(real* dst, const char* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void load_u32(real* dst, const char* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void load_s64(real* dst, const char* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void load_u64(real* dst, const char* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void load_f16(real* dst, const char* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void load_f32(real* dst, const char* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void load_f64(real* dst, const char* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void load_every_other(real* dst, const char* src, Py_ssize_t n) noexcept
    void store_bool(char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void store_u8(char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void store_u16(char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void store_s32(char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void store_u32(char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void store_s64(char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void store_u64(char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void store_f16(char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void store_f32(char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void store_f64(char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride) noexcept
    void bound_8(char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride, signed_real low,
                 signed_real high) noexcept
    void bound_16(char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride, signed_real low,
                  signed_real high) noexcept
    real round_even(real x) noexcept
    real round_clipped(real x, real low, real high) noexcept
    signed_real clip(signed_real x, signed_real low, signed_real high) noexcept
