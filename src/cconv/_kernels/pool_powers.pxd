"""Powers and roots of rows: what an lp norm needs beside sums."""
from libc.math cimport cbrt, pow, powf, sqrt

from cconv._kernels.simd cimport real


cdef inline real power(real x, double exponent) noexcept nogil:
    """x**exponent; x is not negative."""
    if exponent == 0:
        return 1
    if exponent == 1:
        return x
    if exponent == 2:
        return x*x
    if exponent == 3:
        return x*x*x
    if exponent == -1:
        return 1/x
    return <real>(powf(x, exponent) if sizeof(real) == 4 else pow(x, exponent))


cdef inline real root(real x, double exponent) noexcept nogil:
    """x**(1/exponent)."""
    if exponent == 1:
        return x
    if exponent == 2:
        return <real>sqrt(x)
    if exponent == 3:
        return <real>cbrt(x)
    return <real>pow(x, 1/exponent)


cdef inline void raise_magnitudes(real* dst, const real* src, Py_ssize_t n, double norm) noexcept nogil:
    """dst = |src|**norm. Squares have a loop of their own, which vectorises."""
    cdef Py_ssize_t i
    if norm == 2:
        for i in range(n):
            dst[i] = src[i]*src[i]
    else:
        for i in range(n):
            dst[i] = power(-src[i] if src[i] < 0 else src[i], norm)


cdef inline void take_roots(real* dst, const real* sums, Py_ssize_t n, double norm) noexcept nogil:
    cdef Py_ssize_t i
    if norm == 2:
        for i in range(n):
            dst[i] = <real>sqrt(sums[i])
    else:
        for i in range(n):
            dst[i] = root(sums[i], norm)
