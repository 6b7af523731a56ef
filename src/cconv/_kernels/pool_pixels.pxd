"""Pooling of pixels whose channels are neighbours in memory: all taps of a window in one pass.

Design:
a. Sums stay in registers from the first tap to the division: one load per sample and nothing else. Windows that overlap
   much are cheaper axis after axis (pool_fold.pxd), which reads each sample once per row and once per column.
b. A row of taps is folded, then the rows: a sum of n rows of m is n + m additions deep, not n*m.
"""
from cconv._kernels.pool_lines cimport divide_by, exact_reciprocal, fill, fold
from cconv._kernels.simd cimport (
    FLOATING, FOLD_MAX, FOLD_MAX_PRESENT, FOLD_MIN, FOLD_MIN_PRESENT, FOLD_SUM, LANES, inlined, real, vdivide_by, vfold,
    vload, vreal, vstore,
)

cdef enum:
    WINDOW_ROWS = 64            # rows of a window at most

cdef struct Pixel:
    # the window of one output pixel
    const real* rows[WINDOW_ROWS]               # first samples
    Py_ssize_t height
    Py_ssize_t offset           # reals from there to the first tap
    Py_ssize_t taps             # of each row
    Py_ssize_t step             # reals from one to the next
    Py_ssize_t divisor          # of a sum


cdef inline inlined fold_row(vreal* values, const real* tap, Py_ssize_t taps, Py_ssize_t step, int vectors,
                             int op) noexcept nogil:
    cdef Py_ssize_t t
    cdef int v
    for v in range(vectors):
        values[v] = vload(tap + v*LANES)
    for t in range(1, taps):
        for v in range(vectors):
            values[v] = vfold(values[v], vload(tap + t*step + v*LANES), op)


cdef inline inlined pixel_tile(real* dst, const Pixel* pixel, Py_ssize_t channel, int vectors, int op,
                               real reciprocal) noexcept nogil:
    """So many vectors of channels; a literal."""
    cdef vreal total[4]
    cdef vreal values[4]
    cdef Py_ssize_t row
    cdef int v
    cdef Py_ssize_t offset = pixel.offset + channel
    cdef real number = <real>pixel.divisor
    fold_row(total, pixel.rows[0] + offset, pixel.taps, pixel.step, vectors, op)
    for row in range(1, pixel.height):
        fold_row(values, pixel.rows[row] + offset, pixel.taps, pixel.step, vectors, op)
        for v in range(vectors):
            total[v] = vfold(total[v], values[v], op)
    if op != FOLD_SUM:
        for v in range(vectors):
            vstore(dst + channel + v*LANES, total[v])
    elif reciprocal:
        for v in range(vectors):
            vstore(dst + channel + v*LANES, reciprocal*total[v])
    else:
        for v in range(vectors):
            vstore(dst + channel + v*LANES, vdivide_by(total[v], number))


cdef inline real pixel_value(const Pixel* pixel, Py_ssize_t channel, int op) noexcept nogil:
    cdef Py_ssize_t row, t
    cdef const real* tap
    cdef real value, total = 0
    for row in range(pixel.height):
        tap = pixel.rows[row] + pixel.offset + channel
        value = tap[0]
        for t in range(1, pixel.taps):
            value = fold(value, tap[t*pixel.step], op)
        total = fold(total, value, op) if row else value
    return total


cdef inline inlined fold_pixel_by(real* dst, const Pixel* pixel, Py_ssize_t channels, int op) noexcept nogil:
    cdef Py_ssize_t c = 0
    cdef real reciprocal = 0
    if FLOATING and op == FOLD_SUM:
        reciprocal = exact_reciprocal(pixel.divisor)
    while c + 4*LANES <= channels:
        pixel_tile(dst, pixel, c, 4, op, reciprocal)
        c += 4*LANES
    while c + LANES <= channels:
        pixel_tile(dst, pixel, c, 1, op, reciprocal)
        c += LANES
    if c < channels and channels >= LANES:
        pixel_tile(dst, pixel, channels - LANES, 1, op, reciprocal)
        return
    while c < channels:
        dst[c] = pixel_value(pixel, c, op)
        if op == FOLD_SUM:
            dst[c] = dst[c]/<real>pixel.divisor
        c += 1


cdef inline void fold_pixel(real* dst, const Pixel* pixel, Py_ssize_t channels, int op) noexcept nogil:
    """dst[c] = the maximum, the minimum or the average of the window's samples of channel c."""
    if pixel.height == 0 or pixel.taps <= 0:
        fill(dst, channels, op)
        if op == FOLD_SUM:
            divide_by(dst, dst, channels, pixel.divisor)
    elif op == FOLD_MAX:
        fold_pixel_by(dst, pixel, channels, FOLD_MAX)
    elif not FLOATING or op == FOLD_MIN:
        fold_pixel_by(dst, pixel, channels, FOLD_MIN)
    elif op == FOLD_SUM:
        fold_pixel_by(dst, pixel, channels, FOLD_SUM)
    elif op == FOLD_MAX_PRESENT:
        fold_pixel_by(dst, pixel, channels, FOLD_MAX_PRESENT)
    else:
        fold_pixel_by(dst, pixel, channels, FOLD_MIN_PRESENT)
