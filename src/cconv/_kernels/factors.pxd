"""Weights as outer products of one line per axis: read through one tap, and checked at every other.

Design:
a. Floating point: the check allows what rounding the factors, their product and a scaled product leaves, and no more;
   zeros have to be zeros. Factors but the last are scaled by a power of two to a sum of magnitudes of at most 1.
b. Integers are factored by greatest common divisors, and checked modulo 2**n: sums of passes wrap to the same result.
c. The factors are cheap to read and are read by every task; only the tap is kept.
"""
from libc.math cimport fabs, frexp, ldexp

from cconv._kernels.pack cimport common_divisor
from cconv._kernels.simd cimport FLOATING, real, signed_real
from cconv._kernels.types cimport ConvArgs

cdef enum:
    MAX_TAPS = 1024             # of a factor: longer kernels are not looked at
    TURN_BOX = 8                # shortest box across that is summed as one, without its weight


cdef inline real magnitude(real x) noexcept nogil:
    return <real>fabs(<double>x) if FLOATING else x


cdef inline Py_ssize_t find_pivot(const ConvArgs* args, const real* weight) noexcept nogil:
    """The tap through which the factors are read: the largest, or any that is not 0 of integers. -1: all are 0, or one
    cannot be divided."""
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t tap, pivot = -1
    cdef real largest = <real>0
    for tap in range(taps):
        if FLOATING and not weight[tap] - weight[tap] == <real>0:
            return -1
        if not FLOATING and sizeof(real) == 8 and weight[tap] == <real>(<unsigned long long>1 << 63):
            return -1           # its quotient by -1 is no integer of 64 bits
        if magnitude(weight[tap]) > largest:
            pivot = tap
            largest = magnitude(weight[tap])
    return pivot


cdef inline double line_scale(const real* line, Py_ssize_t pitch, Py_ssize_t n) noexcept nogil:
    """A power of two that brings the sum of n magnitudes to at most 1."""
    cdef double total = 0
    cdef int exponent
    cdef Py_ssize_t i
    for i in range(n):
        total += fabs(<double>line[i*pitch])
    frexp(total, &exponent)
    return ldexp(1.0, -exponent)


cdef inline long long line_divisor(const real* line, Py_ssize_t n) noexcept nogil:
    """Greatest common divisor of n integers."""
    cdef Py_ssize_t i, divisor = 0, value
    for i in range(n):
        value = <Py_ssize_t><signed_real>line[i]
        divisor = common_divisor(divisor, -value if value < 0 else value)
    return divisor


cdef inline bint read_factors(const ConvArgs* args, Py_ssize_t pivot, real* down, real* middle,
                              real* across) noexcept nogil:
    """The factors along D, H and W through the pivot, not reversed; False if integers do not divide."""
    cdef const real* weight = <const real*>args.weight
    cdef Py_ssize_t KH = args.H.kernel, KW = args.W.kernel
    cdef Py_ssize_t k = pivot % KW, j = pivot//KW % KH, i = pivot//(KW*KH), t
    cdef const real* row = weight + (i*KH + j)*KW
    cdef const real* column = weight + i*KH*KW + k
    cdef const real* pile = weight + j*KW + k
    cdef double top = <double>weight[pivot], scale_d = 1, scale_h
    cdef long long g_w, g_h, value, unit
    if FLOATING:
        if args.D.kernel > 1:
            scale_d = line_scale(pile, KH*KW, args.D.kernel)
            scale_h = line_scale(column, KW, KH)
            for t in range(args.D.kernel):
                down[t] = <real>(<double>pile[t*KH*KW]*scale_d)
            # pile*scale_d * column*scale_h * row/(top*top*scale_d*scale_h)
            for t in range(KH):
                middle[t] = <real>(<double>column[t*KW]*scale_h)
            top = top*scale_d*(top*scale_h)
        else:
            down[0] = <real>1
            scale_h = line_scale(column, KW, KH)
            for t in range(KH):
                middle[t] = <real>(<double>column[t*KW]*scale_h)
            top = top*scale_h
        for t in range(KW):
            across[t] = <real>(<double>row[t]/top)
        return True
    # row = g_w * across, column = g_h * middle, and what is left of the pivot goes to the first factor
    g_w = line_divisor(row, KW)
    for t in range(KW):
        across[t] = <real>(<long long><signed_real>row[t]//g_w)
    unit = <long long><signed_real>across[k]
    if args.D.kernel == 1:
        down[0] = <real>1
        for t in range(KH):
            value = <long long><signed_real>column[t*KW]
            if value % unit != 0:
                return False
            middle[t] = <real>(value//unit)
        return True
    g_h = 0
    for t in range(KH):
        value = <long long><signed_real>column[t*KW]
        g_h = common_divisor(g_h, -value if value < 0 else value)
    for t in range(KH):
        middle[t] = <real>(<long long><signed_real>column[t*KW]//g_h)
    for t in range(args.D.kernel):
        value = <long long><signed_real>pile[t*KH*KW]
        if value % unit != 0:
            return False
        value //= unit
        if value % <long long><signed_real>middle[j] != 0:
            return False
        down[t] = <real>(value//<long long><signed_real>middle[j])
    return True


cdef inline bint is_uniform(const real* line, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(1, n):
        if line[i] != line[0]:
            return False
    return True


cdef inline bint factorise(const ConvArgs* args, Py_ssize_t pivot, real* down, real* middle,
                           real* across) noexcept nogil:
    """The factors, as read_factors; a box across has factors 1, its weight is in `middle`."""
    cdef real weight
    cdef Py_ssize_t t
    if not read_factors(args, pivot, down, middle, across):
        return False
    if args.W.kernel >= TURN_BOX and is_uniform(across, args.W.kernel):
        weight = across[0]
        for t in range(args.H.kernel):
            middle[t] = middle[t]*weight
        for t in range(args.W.kernel):
            across[t] = <real>1
    return True


cdef inline void reverse(real* line, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef real value
    for i in range(n//2):
        value = line[i]
        line[i] = line[n - 1 - i]
        line[n - 1 - i] = value


cdef inline Py_ssize_t find_factors(const ConvArgs* args) noexcept nogil:
    """The pivot of factors whose product is the weight at every tap, within 4 (three axes: 6) eps; -1 if there are
    none. A product of rounded factors that is rounded again, and scaled once more, is found."""
    cdef real down[MAX_TAPS]
    cdef real middle[MAX_TAPS]
    cdef real across[MAX_TAPS]
    cdef const real* weight = <const real*>args.weight
    cdef double eps = 2.0**-23 if sizeof(real) == 4 else 2.0**-52
    cdef double tolerance = (4 if args.D.kernel == 1 else 6)*eps
    cdef double outer
    cdef real product
    cdef Py_ssize_t i, j, k, pivot
    if args.D.kernel > MAX_TAPS or args.H.kernel > MAX_TAPS or args.W.kernel > MAX_TAPS:
        return -1
    pivot = find_pivot(args, weight)
    if pivot < 0 or not factorise(args, pivot, down, middle, across):
        return -1
    for i in range(args.D.kernel):
        for j in range(args.H.kernel):
            product = down[i]*middle[j]
            outer = <double>down[i]*<double>middle[j]
            for k in range(args.W.kernel):
                if FLOATING:
                    if not fabs(outer*<double>across[k] - <double>weight[k]) <= tolerance*fabs(<double>weight[k]):
                        return -1
                elif product*across[k] != weight[k]:
                    return -1
            weight += args.W.kernel
    return pivot
