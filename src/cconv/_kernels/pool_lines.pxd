"""Folds of lines: maxima and sums of reals that lie side by side.

Design:
a. A fold is written once, for vectors; the last vector of a line ends with it and may do some of it again: 63 bytes one
   by one would cost more than 1000 in vectors.
b. Wide windows are made of narrower ones: sums by doubling, maxima of up to four windows, which may overlap, at a
   time. No line is read backwards.
"""
from libc.string cimport memcpy

from cconv._kernels.pool_window cimport LOWEST, NOT_A_NUMBER
from cconv._kernels.simd cimport (
    FLOATING, FOLD_MAX, FOLD_MAX_PRESENT, FOLD_SUM, LANES, inlined, is_nan, real, vdivide, vdivide_by, vevens, vfold,
    vload, vodds, vreal, vstore,
)

cdef enum:
    MANY_TAPS = 5               # as many are folded one by one; more from narrower windows


cdef inline real fold(real a, real b, int op) noexcept nogil:
    """Of equal maxima the first stays. `vfold` does the same lane by lane."""
    cdef real larger = b if b > a else a
    if op == FOLD_SUM:
        return a + b
    if op == FOLD_MAX_PRESENT:
        return b if is_nan(a) else larger
    return b if is_nan(b) else larger


cdef inline real neutral_value(int op) noexcept nogil:
    """What no sample is changed by."""
    return NOT_A_NUMBER if op == FOLD_MAX_PRESENT else LOWEST if op == FOLD_MAX else <real>0


cdef inline void fill(real* dst, Py_ssize_t n, int op) noexcept nogil:
    cdef Py_ssize_t i
    cdef real value = neutral_value(op)
    for i in range(n):
        dst[i] = value


cdef inline Py_ssize_t whole_vectors(Py_ssize_t n) noexcept nogil:
    """So many reals that there is no rest. Lines of scratch memory have room for them."""
    return (n + LANES - 1)//LANES*LANES


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
    if n >= LANES and (op != FOLD_SUM or dst != a):
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
    if not FLOATING or op == FOLD_MAX:
        fold_by(dst, a, b, c, d, e, n, count, FOLD_MAX)
    elif op == FOLD_SUM:
        fold_by(dst, a, b, c, d, e, n, count, FOLD_SUM)
    else:
        fold_by(dst, a, b, c, d, e, n, count, FOLD_MAX_PRESENT)


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
                            real* odd) noexcept nogil:
    """dst[i] = src[i] + src[i + step] + ... Windows of a power of two are doubled in `even` and `odd` by turns."""
    cdef Py_ssize_t total = n + (taps - 1)*step, power = 1, done = 0
    cdef real* target = even
    while True:
        if taps & power:
            if done:
                fold_two(dst, dst, src + done*step, n, FOLD_SUM)
            else:
                memcpy(dst, src, n*sizeof(real))
            done += power
        if done == taps:
            return
        fold_two(target, src, src + power*step, total - (2*power - 1)*step, FOLD_SUM)
        src = target
        target = odd if src == even else even
        power *= 2


cdef inline void max_window(real* dst, const real* src, Py_ssize_t n, Py_ssize_t taps, Py_ssize_t step, real* even,
                            real* odd, int op) noexcept nogil:
    """The same for maxima, which may meet a sample twice: windows of a power of four, then up to four that overlap."""
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
    elif op == FOLD_SUM:
        sum_window(dst, src, n, taps, step, even, odd)
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
    if not FLOATING or op == FOLD_MAX:
        fold_second_by(dst, src, n, taps, FOLD_MAX)
    elif op == FOLD_SUM:
        fold_second_by(dst, src, n, taps, FOLD_SUM)
    else:
        fold_second_by(dst, src, n, taps, FOLD_MAX_PRESENT)


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
