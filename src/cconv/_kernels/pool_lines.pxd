"""Folds of lines: maxima, minima and sums of reals that lie side by side.

Design:
a. A fold is written once, for vectors; the last vector of a line ends with it and may do some of it again: 63 bytes one
   by one would cost more than 1000 in vectors.
b. Wide windows are made of narrower ones: sums by doubling, maxima and minima of up to four windows, which may
   overlap, at a time. No line is read backwards.
"""
from libc.string cimport memcpy

from cconv._kernels.pool_window cimport HIGHEST, LOWEST, NOT_A_NUMBER
from cconv._kernels.simd cimport (
    FLOATING, FOLD_MAX, FOLD_MAX_PRESENT, FOLD_MIN, FOLD_MIN_PRESENT, FOLD_SUM, FOLD_SUM_PRESENT, LANES, inlined,
    is_nan, real, vdivide, vdivide_by, vevens, vfold, vload, vodds, vreal, vstore,
)
from cconv._kernels.types cimport POOL_AVG, POOL_LP, POOL_MIN, PoolArgs

cdef enum:
    MANY_TAPS = 5               # as many are folded one by one; more from narrower windows


cdef inline int op_of(const PoolArgs* args) noexcept nogil:
    """What a pooling folds by."""
    cdef bint present = FLOATING and args.nan_omit
    if FLOATING and (args.kind == POOL_AVG or args.kind == POOL_LP):
        return FOLD_SUM_PRESENT if present else FOLD_SUM
    if args.kind == POOL_MIN:
        return FOLD_MIN_PRESENT if present else FOLD_MIN
    return FOLD_MAX_PRESENT if present else FOLD_MAX


cdef inline bint is_sum(int op) noexcept nogil:
    return op == FOLD_SUM or op == FOLD_SUM_PRESENT


cdef inline real fold(real a, real b, int op) noexcept nogil:
    """Of equal extremes the first stays. `vfold` does the same lane by lane."""
    cdef real extreme = (b if b < a else a) if op == FOLD_MIN or op == FOLD_MIN_PRESENT else (b if b > a else a)
    if op == FOLD_SUM:
        return a + b
    if op == FOLD_SUM_PRESENT:
        return b if is_nan(a) else a if is_nan(b) else a + b
    if op == FOLD_MAX_PRESENT or op == FOLD_MIN_PRESENT:
        return b if is_nan(a) else extreme
    return b if is_nan(b) else extreme


cdef inline real neutral_value(int op) noexcept nogil:
    """What no sample is changed by."""
    if op == FOLD_SUM:
        return 0
    return LOWEST if op == FOLD_MAX else HIGHEST if op == FOLD_MIN else NOT_A_NUMBER


cdef inline void fill(real* dst, Py_ssize_t n, int op) noexcept nogil:
    cdef Py_ssize_t i
    cdef real value = neutral_value(op)
    for i in range(n):
        dst[i] = value


cdef inline Py_ssize_t whole_vectors(Py_ssize_t n) noexcept nogil:
    """So many reals that there is no rest. Lines of scratch memory have room for them."""
    return (n + LANES - 1)//LANES*LANES


# --- lines above each other -------------------------------------------------------------------------------------------

cdef inline inlined fold_vector(real* dst, const real* a, const real* b, const real* c, const real* d, const real* e,
                                int count, int op) noexcept nogil:
    """One vector of the first `count` of a..e folded; count is a literal."""
    cdef vreal value = vfold(vload(a), vload(b), op)
    if count > 2:
        value = vfold(value, vload(c), op)
    if count > 3:
        value = vfold(value, vload(d), op)
    if count > 4:
        value = vfold(value, vload(e), op)
    vstore(dst, value)


cdef inline inlined fold_by(real* dst, const real* a, const real* b, const real* c, const real* d, const real* e,
                            Py_ssize_t n, int count, int op) noexcept nogil:
    """dst = the first `count` of a..e folded. `dst` may be `a`, but then nothing is added twice."""
    cdef Py_ssize_t i = 0
    cdef real value
    while i + LANES <= n:
        fold_vector(dst + i, a + i, b + i, c + i, d + i, e + i, count, op)
        i += LANES
    if i == n:
        return
    if n >= LANES and (not is_sum(op) or dst != a):
        i = n - LANES
        fold_vector(dst + i, a + i, b + i, c + i, d + i, e + i, count, op)
        return
    while i < n:
        value = fold(a[i], b[i], op)
        if count > 2:
            value = fold(value, c[i], op)
        if count > 3:
            value = fold(value, d[i], op)
        if count > 4:
            value = fold(value, e[i], op)
        dst[i] = value
        i += 1


cdef inline inlined fold_lines(real* dst, const real* a, const real* b, const real* c, const real* d, const real* e,
                               Py_ssize_t n, int count, int op) noexcept nogil:
    """The same for an `op` that is known only now: everything above this is compiled once, not once for each."""
    if op == FOLD_MAX:
        fold_by(dst, a, b, c, d, e, n, count, FOLD_MAX)
    elif not FLOATING or op == FOLD_MIN:
        fold_by(dst, a, b, c, d, e, n, count, FOLD_MIN)
    elif op == FOLD_SUM:
        fold_by(dst, a, b, c, d, e, n, count, FOLD_SUM)
    elif op == FOLD_MAX_PRESENT:
        fold_by(dst, a, b, c, d, e, n, count, FOLD_MAX_PRESENT)
    elif op == FOLD_MIN_PRESENT:
        fold_by(dst, a, b, c, d, e, n, count, FOLD_MIN_PRESENT)
    else:
        fold_by(dst, a, b, c, d, e, n, count, FOLD_SUM_PRESENT)


cdef inline void fold_two(real* dst, const real* a, const real* b, Py_ssize_t n, int op) noexcept nogil:
    fold_lines(dst, a, b, b, b, b, n, 2, op)


cdef inline void fold_three(real* dst, const real* a, const real* b, const real* c, Py_ssize_t n,
                            int op) noexcept nogil:
    fold_lines(dst, a, b, c, c, c, n, 3, op)


# --- neighbours in a line ---------------------------------------------------------------------------------------------

cdef inline void fold_few(real* dst, const real* src, Py_ssize_t n, Py_ssize_t taps, Py_ssize_t step,
                          int op) noexcept nogil:
    """dst[i] = src[i], src[i + step], ... folded, up to MANY_TAPS of them."""
    cdef const real* b = src + step
    cdef const real* c = b + step
    cdef const real* d = c + step
    if taps == 1:
        memcpy(dst, src, n*sizeof(real))
    elif taps == 2:
        fold_two(dst, src, b, n, op)
    elif taps == 3:
        fold_three(dst, src, b, c, n, op)
    elif taps == 4:
        fold_lines(dst, src, b, c, d, d, n, 4, op)
    else:
        fold_lines(dst, src, b, c, d, d + step, n, 5, op)


cdef inline void sum_window(real* dst, const real* src, Py_ssize_t n, Py_ssize_t taps, Py_ssize_t step, real* even,
                            real* odd, int op) noexcept nogil:
    """dst[i] = src[i] + src[i + step] + ... Windows of a power of two are doubled in `even` and `odd` by turns."""
    cdef Py_ssize_t total = n + (taps - 1)*step, power = 1, done = 0
    cdef real* target = even
    while True:
        if taps & power:
            if done:
                fold_two(dst, dst, src + done*step, n, op)
            else:
                memcpy(dst, src, n*sizeof(real))
            done += power
        if done == taps:
            return
        fold_two(target, src, src + power*step, total - (2*power - 1)*step, op)
        src = target
        target = odd if src == even else even
        power *= 2


cdef inline void max_window(real* dst, const real* src, Py_ssize_t n, Py_ssize_t taps, Py_ssize_t step, real* even,
                            real* odd, int op) noexcept nogil:
    """The same for extremes, which may meet a sample twice: windows of a power of four, up to four that overlap."""
    cdef Py_ssize_t total = n + (taps - 1)*step, power = 1
    cdef real* target = even
    cdef const real* last
    while 4*power < taps:
        fold_few(target, src, total - (4*power - 1)*step, 4, power*step, op)
        src = target
        target = odd if src == even else even
        power *= 4
    last = src + (taps - power)*step
    if taps <= 2*power:
        fold_two(dst, src, last, n, op)
    elif taps <= 3*power:
        fold_three(dst, src, src + power*step, last, n, op)
    else:
        fold_lines(dst, src, src + power*step, src + 2*power*step, last, last, n, 4, op)


cdef inline void fold_window(real* dst, const real* src, Py_ssize_t n, Py_ssize_t taps, Py_ssize_t step, real* even,
                             real* odd, int op) noexcept nogil:
    """dst[i] = src[i], src[i + step], ... folded."""
    if taps <= MANY_TAPS:
        fold_few(dst, src, n, taps, step, op)
    elif is_sum(op):
        sum_window(dst, src, n, taps, step, even, odd, op)
    else:
        max_window(dst, src, n, taps, step, even, odd, op)


cdef inline inlined fold_halved(real* dst, const real* src, int taps, int op) noexcept nogil:
    """One vector of windows that lie 2 apart."""
    cdef vreal value = vfold(vevens(src), vodds(src), op)
    if taps > 2:
        value = vfold(value, vevens(src + 2), op)
    if taps > 3:
        value = vfold(value, vodds(src + 2), op)
    if taps > 4:
        value = vfold(value, vevens(src + 4), op)
    vstore(dst, value)


cdef inline inlined fold_second_by(real* dst, const real* src, Py_ssize_t n, int taps, int op) noexcept nogil:
    cdef Py_ssize_t i = 0, t
    cdef real value
    while i + LANES <= n:
        fold_halved(dst + i, src + 2*i, taps, op)
        i += LANES
    if i == n:
        return
    if n >= LANES:
        fold_halved(dst + n - LANES, src + 2*(n - LANES), taps, op)
        return
    while i < n:
        value = src[2*i]
        for t in range(1, taps):
            value = fold(value, src[2*i + t], op)
        dst[i] = value
        i += 1


cdef inline inlined fold_second_with(real* dst, const real* src, Py_ssize_t n, int taps, int op) noexcept nogil:
    if op == FOLD_MAX:
        fold_second_by(dst, src, n, taps, FOLD_MAX)
    elif not FLOATING or op == FOLD_MIN:
        fold_second_by(dst, src, n, taps, FOLD_MIN)
    elif op == FOLD_SUM:
        fold_second_by(dst, src, n, taps, FOLD_SUM)
    elif op == FOLD_MAX_PRESENT:
        fold_second_by(dst, src, n, taps, FOLD_MAX_PRESENT)
    elif op == FOLD_MIN_PRESENT:
        fold_second_by(dst, src, n, taps, FOLD_MIN_PRESENT)
    else:
        fold_second_by(dst, src, n, taps, FOLD_SUM_PRESENT)


cdef inline void fold_second(real* dst, const real* src, Py_ssize_t n, Py_ssize_t taps, int op) noexcept nogil:
    """dst[i] = src[2*i], src[2*i + 1], ... folded, 2 to MANY_TAPS of them. Reads whole vectors: from an odd number of
    taps on, one real after the last window."""
    if taps == 2:
        fold_second_with(dst, src, n, 2, op)
    elif taps == 3:
        fold_second_with(dst, src, n, 3, op)
    elif taps == 4:
        fold_second_with(dst, src, n, 4, op)
    else:
        fold_second_with(dst, src, n, 5, op)


# --- averages ---------------------------------------------------------------------------------------------------------

cdef inline real exact_reciprocal(Py_ssize_t divisor) noexcept nogil:
    """By which to multiply instead of dividing, with the same bits: that of a power of two; else 0."""
    return <real>0 if divisor & divisor - 1 else <real>1/<real>divisor


cdef inline void divide_by(real* dst, const real* sums, Py_ssize_t n, Py_ssize_t divisor) noexcept nogil:
    """dst = sums/divisor; `dst` may be `sums`."""
    cdef Py_ssize_t i = 0
    cdef real number = <real>divisor, reciprocal = exact_reciprocal(divisor)
    if reciprocal:
        while i + LANES <= n:
            vstore(dst + i, reciprocal*vload(sums + i))
            i += LANES
    else:
        while i + LANES <= n:
            vstore(dst + i, vdivide_by(vload(sums + i), number))
            i += LANES
    if i < n and n >= LANES and dst != sums:
        vstore(dst + n - LANES, vdivide_by(vload(sums + n - LANES), number))
        return
    while i < n:
        dst[i] = sums[i]/number
        i += 1


cdef inline void divide_each(real* dst, const real* sums, Py_ssize_t n, const real* counts,
                             Py_ssize_t rows) noexcept nogil:
    """The same by rows*counts[i]."""
    cdef Py_ssize_t i = 0
    cdef real number = <real>rows
    while i + LANES <= n:
        vstore(dst + i, vdivide(vload(sums + i), number*vload(counts + i)))
        i += LANES
    if i < n and n >= LANES and dst != sums:
        i = n - LANES
        vstore(dst + i, vdivide(vload(sums + i), number*vload(counts + i)))
        return
    while i < n:
        dst[i] = sums[i]/(number*counts[i])
        i += 1
