"""Pooling by folding: maxima and sums of windows, axis by axis.

Design:
a. The rows of a window are folded into one line, then the line's columns: each sample is read once per window row that
   it belongs to. Rows are read where they lie if they are native, five at a time.
b. A column is one real, or a pixel's channels where those are neighbours in memory (channels last): a row of pixels is
   one long row of reals, and a column's neighbour is `unit` reals away. Nothing else differs.
c. Tall windows that overlap are folded by blocks (van Herk, Gil and Werman): a window is the end of one block of
   H.kernel rows and the beginning of the next, each of which is folded row by row as it grows: three folds per row,
   however tall. Doubling took 1 + log2 folds, and as many lines again. Blocks are counted from the padded top, so the
   order of a sum does not depend on where a task begins.
d. Wide windows are made of narrower ones: sums by doubling, maxima of up to four windows, which may overlap, at a
   time. No line is read backwards, and all of it is vectors. A stride deals the taps out: those that meet the same
   phase of the line are a window of stride 1.
e. A sum of a window is KD + KH + KW additions deep at most, whatever the image's size: nothing is ever subtracted, so
   neither error nor NaN nor infinity leaves its window. |error| <= (KD + KH + KW)*eps*(the average of |x|).
f. Padding is never a sample: the line is filled with the neutral value there.
"""
from libc.string cimport memcpy

from cconv._kernels.elements cimport item_size
from cconv._kernels.pool_powers cimport raise_magnitudes, take_roots
from cconv._kernels.pool_window cimport (
    HIGHEST, LOWEST, NOT_A_NUMBER, Window, lies_ready, load_samples, samples, store_values, window_at,
)
from cconv._kernels.simd cimport FLOATING, LANES, alone, inlined, is_nan, real
from cconv._kernels.types cimport POOL_AVG, POOL_LP, POOL_MIN, Axis, PoolArgs

cdef enum:                      # what two samples become
    FOLD_SUM = 0
    FOLD_MAX = 1                # NaN if one of them is
    FOLD_MIN = 2
    FOLD_MAX_PRESENT = 3        # NaN if both are
    FOLD_MIN_PRESENT = 4
    FOLD_SUM_PRESENT = 5

cdef enum:
    LINE_BYTES = 16384          # of a line: it and what is made of it stay near; half of that beside a ring
    RUN_BYTES = 65536           # read in a row where no line is made: a stream that the hardware sees coming
    RING_BYTES = 131072         # of all lines of a block: they stay in the second
    MANY_TAPS = 5               # as many are folded one by one; more from narrower windows
    WINDOW_ROWS = 5             # rows folded in one pass; a window of so many rows and
    WINDOW_TAPS = 9             # taps at most, with channels side by side, is folded in one pass
    MANY_ROWS = 4               # a window of so many rows more than two strides have is folded by blocks

cdef struct Strip:
    # the columns under some neighbouring outputs of a row, of one channel or of `unit` of them, and room to fold them
    Py_ssize_t unit
    Py_ssize_t ow               # the first output
    Py_ssize_t outputs
    Py_ssize_t columns
    Py_ssize_t start            # sample under the first column, may be negative
    Py_ssize_t first            # the columns first..last-1 are samples
    Py_ssize_t last
    const char* plane
    Py_ssize_t pitch            # reals of a line
    real* line                  # window rows, folded
    real* values                # the result, where it cannot be written in place
    real* sums                  # to be divided
    real* rows                  # WINDOW_ROWS lines: samples converted
    real* work                  # 4 lines: see fold_columns
    real* depth                 # one row folded along the depth
    real* neutral               # a row outside the image
    real* prefix                # the block below, as far as it is folded
    real* suffix                # H.kernel lines: the block above, from each of its rows to its end
    Py_ssize_t block            # which block that is; -1: none yet
    Py_ssize_t reach            # the row after those in `prefix`


# --- folds ------------------------------------------------------------------------------------------------------------

cdef inline bint is_sum(int op) noexcept nogil:
    return op == FOLD_SUM or op == FOLD_SUM_PRESENT


cdef inline real fold(real a, real b, int op) noexcept nogil:
    """Of equal maxima the first stays. Written so that a maximum is one instruction, and NaN a mask for it."""
    cdef real chosen = (b if b < a else a) if op == FOLD_MIN or op == FOLD_MIN_PRESENT else (b if b > a else a)
    if op == FOLD_SUM:
        return a + b
    if op == FOLD_SUM_PRESENT:
        return b if is_nan(a) else a if is_nan(b) else a + b
    if op == FOLD_MAX_PRESENT or op == FOLD_MIN_PRESENT:
        return b if is_nan(a) else chosen
    return b if is_nan(b) else chosen


cdef inline inlined fold_some(real* dst, const real* a, const real* b, const real* c, const real* d, const real* e,
                              Py_ssize_t first, Py_ssize_t last, int count, int op) noexcept nogil:
    """dst = the first `count` of a..e folded; count is a literal."""
    cdef Py_ssize_t i
    cdef real value
    for i in range(first, last):
        value = fold(a[i], b[i], op)
        if count > 2:
            value = fold(value, c[i], op)
        if count > 3:
            value = fold(value, d[i], op)
        if count > 4:
            value = fold(value, e[i], op)
        dst[i] = value


cdef inline inlined fold_by(real* dst, const real* a, const real* b, const real* c, const real* d, const real* e,
                            Py_ssize_t n, int count, int op) noexcept nogil:
    """The same for n reals: whole vectors, the last of which ends with the line and may do some of it again: 63 bytes
    one by one would cost more than 1000 in vectors. `dst` may be `a`, but then nothing is added twice."""
    cdef Py_ssize_t whole = n//LANES*LANES
    fold_some(dst, a, b, c, d, e, 0, whole, count, op)
    if whole == n:
        return
    if n >= LANES and (not is_sum(op) or dst != a):
        n -= LANES
        fold_some(dst + n, a + n, b + n, c + n, d + n, e + n, 0, LANES, count, op)
    else:
        fold_some(dst, a, b, c, d, e, whole, n, count, op)


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


cdef inline void fill(real* dst, Py_ssize_t n, int op) noexcept nogil:
    """What no sample is changed by."""
    cdef Py_ssize_t i
    cdef real value = (NOT_A_NUMBER if op >= FOLD_MAX_PRESENT else <real>0 if op == FOLD_SUM
                       else LOWEST if op == FOLD_MAX else HIGHEST)
    for i in range(n):
        dst[i] = value


cdef inline inlined fold_taps_by(alone dst, const real** taps, Py_ssize_t n, int count, int op) noexcept nogil:
    cdef Py_ssize_t i
    cdef int t
    cdef real value
    for i in range(n):
        value = taps[0][i]
        for t in range(1, count):
            value = fold(value, taps[t][i], op)
        dst[i] = value


cdef inline inlined fold_taps_with(real* dst, const real** taps, Py_ssize_t n, int count, int op) noexcept nogil:
    if count == 1:
        memcpy(dst, taps[0], n*sizeof(real))
    elif count == 2:
        fold_taps_by(dst, taps, n, 2, op)
    elif count == 3:
        fold_taps_by(dst, taps, n, 3, op)
    elif count == 4:
        fold_taps_by(dst, taps, n, 4, op)
    elif count == 5:
        fold_taps_by(dst, taps, n, 5, op)
    elif count == 6:
        fold_taps_by(dst, taps, n, 6, op)
    elif count == 7:
        fold_taps_by(dst, taps, n, 7, op)
    elif count == 8:
        fold_taps_by(dst, taps, n, 8, op)
    elif count == 9:
        fold_taps_by(dst, taps, n, 9, op)


cdef inline void fold_taps(real* dst, const real** taps, Py_ssize_t n, int count, int op) noexcept nogil:
    """dst = up to WINDOW_TAPS lines folded."""
    if count == 0:
        fill(dst, n, op)
    elif op == FOLD_MAX:
        fold_taps_with(dst, taps, n, count, FOLD_MAX)
    elif not FLOATING or op == FOLD_MIN:
        fold_taps_with(dst, taps, n, count, FOLD_MIN)
    elif op == FOLD_SUM:
        fold_taps_with(dst, taps, n, count, FOLD_SUM)
    elif op == FOLD_MAX_PRESENT:
        fold_taps_with(dst, taps, n, count, FOLD_MAX_PRESENT)
    elif op == FOLD_MIN_PRESENT:
        fold_taps_with(dst, taps, n, count, FOLD_MIN_PRESENT)
    else:
        fold_taps_with(dst, taps, n, count, FOLD_SUM_PRESENT)


# --- rows -------------------------------------------------------------------------------------------------------------

cdef inline const real* stored_row(const PoolArgs* args, const Strip* strip, Py_ssize_t d, Py_ssize_t h,
                                   real* buffer) noexcept nogil:
    """The strip's samples of one row."""
    cdef const char* data = strip.plane + d*args.x.d + h*args.x.h + (strip.start + strip.first)*args.x.w
    cdef Py_ssize_t n = strip.last - strip.first, t
    cdef Py_ssize_t size = item_size(args.x.dtype)
    if strip.unit == 1:
        return samples(data, n, args.x.w, args.x.dtype, buffer)
    if args.x.channel == size and args.x.w == strip.unit*size:
        return samples(data, n*strip.unit, size, args.x.dtype, buffer)
    for t in range(n):
        load_samples(buffer + t*strip.unit, data + t*args.x.w, strip.unit, args.x.channel, args.x.dtype)
    return buffer


cdef inline const real* sample_row(const PoolArgs* args, const Strip* strip, Py_ssize_t d, Py_ssize_t h,
                                   real* buffer) noexcept nogil:
    """The strip's samples of one row, as they are added or compared."""
    cdef const real* row = stored_row(args, strip, d, h, buffer)
    if FLOATING and args.kind == POOL_LP:
        raise_magnitudes(buffer, row, (strip.last - strip.first)*strip.unit, args.norm)
        return buffer
    return row


cdef inline void fold_rows(const PoolArgs* args, const Strip* strip, real* dst, const Window* wd, const Window* wh,
                           int op) noexcept nogil:
    """dst = the window's rows, folded."""
    cdef Py_ssize_t n = (strip.last - strip.first)*strip.unit
    cdef Py_ssize_t kd, kh
    cdef const real* rows[WINDOW_ROWS]
    cdef int held = 0
    cdef bint fresh = True
    for kd in range(wd.first, wd.last):
        for kh in range(wh.first, wh.last):
            rows[held] = sample_row(args, strip, wd.start + kd*args.D.dilation, wh.start + kh*args.H.dilation,
                                    strip.rows + held*strip.pitch)
            held += 1
            if held == WINDOW_ROWS:
                fold_lines(dst, rows[0], rows[1], rows[2], rows[3], rows[4], n, 5, op)
                rows[0] = dst
                held = 1
                fresh = False
    if held == 4:
        fold_lines(dst, rows[0], rows[1], rows[2], rows[3], rows[3], n, 4, op)
    elif held == 3:
        fold_three(dst, rows[0], rows[1], rows[2], n, op)
    elif held == 2:
        fold_two(dst, rows[0], rows[1], n, op)
    elif held == 0:
        fill(dst, n, op)
    elif fresh:
        memcpy(dst, rows[0], n*sizeof(real))


cdef inline const real* padded_row(const PoolArgs* args, Strip* strip, const Window* wd, Py_ssize_t row,
                                   int op) noexcept nogil:
    """A row of the padded image, folded along the depth."""
    cdef Window wh
    wh.start = row - args.H.pad
    wh.first, wh.last = 0, 1
    if wh.start < 0 or wh.start >= args.H.size:
        return strip.neutral
    if wd.last - wd.first == 1:
        return sample_row(args, strip, wd.start + wd.first*args.D.dilation, wh.start, strip.rows)
    fold_rows(args, strip, strip.depth, wd, &wh, op)
    return strip.depth


cdef inline void fold_blocks(const PoolArgs* args, Strip* strip, real* dst, const Window* wd, Py_ssize_t oh,
                             int op) noexcept nogil:
    """dst = the window's rows: the end of one block and the beginning of the next."""
    cdef Py_ssize_t n = (strip.last - strip.first)*strip.unit
    cdef Py_ssize_t top = oh*args.H.stride              # all rows here are those of the padded image
    cdef Py_ssize_t block = top//args.H.kernel
    cdef Py_ssize_t end = (block + 1)*args.H.kernel
    cdef Py_ssize_t row
    cdef const real* source
    cdef real* line
    if block != strip.block:
        row = end
        while row > top:
            row -= 1
            source = padded_row(args, strip, wd, row, op)
            line = strip.suffix + row % args.H.kernel*strip.pitch
            if row == end - 1:
                memcpy(line, source, n*sizeof(real))
            else:
                fold_two(line, source, line + strip.pitch, n, op)
        strip.block = block
        strip.reach = end
    while strip.reach < top + args.H.kernel:
        source = padded_row(args, strip, wd, strip.reach, op)
        if strip.reach == end:
            memcpy(strip.prefix, source, n*sizeof(real))
        else:
            fold_two(strip.prefix, strip.prefix, source, n, op)
        strip.reach += 1
    line = strip.suffix + top % args.H.kernel*strip.pitch
    if strip.reach == end:
        memcpy(dst, line, n*sizeof(real))
    else:
        fold_two(dst, line, strip.prefix, n, op)


# --- columns ----------------------------------------------------------------------------------------------------------

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
    elif is_sum(op):
        sum_window(dst, src, n, taps, step, even, odd, op)
    else:
        max_window(dst, src, n, taps, step, even, odd, op)


cdef inline void deal(real* even, real* odd, const real* line, Py_ssize_t columns) noexcept nogil:
    """Every other column. In whole vectors: a line has room for them."""
    cdef Py_ssize_t i, n = ((columns + 1)//2 + LANES - 1)//LANES*LANES
    for i in range(n):
        even[i] = line[2*i]
        odd[i] = line[2*i + 1]


cdef inline Py_ssize_t phases_of(const Axis* axis) noexcept nogil:
    """How many taps it takes to meet the same phase of the stride again."""
    cdef Py_ssize_t a = axis.stride, b = axis.dilation
    while b:
        a, b = b, a % b
    return axis.stride//a


cdef inline void fold_columns(const PoolArgs* args, const Strip* strip, real* dst, int op) noexcept nogil:
    """dst = the windows' columns of strip.line, folded."""
    cdef const Axis* axis = &args.W
    cdef Py_ssize_t unit = strip.unit, n = strip.outputs*unit
    cdef real* even = strip.work
    cdef real* odd = even + strip.pitch
    cdef real* phase = odd + strip.pitch
    cdef real* folded = phase + strip.pitch
    cdef const real* line = strip.line
    cdef Py_ssize_t phases, j, t, taps, step, offset
    if axis.stride == 1:
        fold_window(dst, line, n, axis.kernel, axis.dilation*unit, even, odd, op)
        return
    if unit > 1 and axis.kernel <= MANY_TAPS:
        for t in range(strip.outputs):
            fold_few(dst + t*unit, line + t*axis.stride*unit, unit, axis.kernel, axis.dilation*unit, op)
        return
    if unit == 1 and axis.stride == 2 and axis.dilation == 1 and 1 < axis.kernel <= 3:
        deal(even, odd, line, strip.columns)
        if axis.kernel == 2:
            fold_two(dst, even, odd, n, op)
        else:
            fold_three(dst, even, odd, even + 1, n, op)
        return
    phases = phases_of(axis)
    step = axis.dilation*phases//axis.stride
    for j in range(min(phases, axis.kernel)):
        taps = (axis.kernel - j + phases - 1)//phases
        offset = j*axis.dilation
        for t in range(strip.outputs + (taps - 1)*step):
            if unit == 1:
                phase[t] = line[offset + t*axis.stride]
            else:
                memcpy(phase + t*unit, line + (offset + t*axis.stride)*unit, unit*sizeof(real))
        if j == 0:
            fold_window(dst, phase, n, taps, step*unit, even, odd, op)
        else:
            fold_window(folded, phase, n, taps, step*unit, even, odd, op)
            fold_two(dst, dst, folded, n, op)


cdef inline void fold_pixels(const PoolArgs* args, const Strip* strip, real* dst, const Window* wd, const Window* wh,
                             int op) noexcept nogil:
    """dst = the windows, each in one pass over all of its taps."""
    cdef const real* rows[WINDOW_ROWS]
    cdef const real* taps[WINDOW_TAPS]
    cdef Py_ssize_t kd, kh, kw, t, column
    cdef int row, height = 0, count
    cdef Window ww
    for kd in range(wd.first, wd.last):
        for kh in range(wh.first, wh.last):
            rows[height] = sample_row(args, strip, wd.start + kd*args.D.dilation, wh.start + kh*args.H.dilation,
                                      strip.rows + height*strip.pitch)
            height += 1
    for t in range(strip.outputs):
        ww = window_at(&args.W, strip.ow + t, False)
        count = 0
        for row in range(height):
            for kw in range(ww.first, ww.last):
                column = ww.start + kw*args.W.dilation - strip.start - strip.first
                taps[count] = rows[row] + column*strip.unit
                count += 1
        fold_taps(dst + t*strip.unit, taps, strip.unit, count, op)


# --- averages ---------------------------------------------------------------------------------------------------------

cdef inline void divide_by(alone dst, const real* sums, Py_ssize_t n, Py_ssize_t divisor) noexcept nogil:
    """A power of two divides exactly as its reciprocal multiplies."""
    cdef Py_ssize_t i
    cdef real number = <real>divisor, reciprocal = <real>1/number
    if divisor & divisor - 1:
        for i in range(n):
            dst[i] = sums[i]/number
    else:
        for i in range(n):
            dst[i] = sums[i]*reciprocal


cdef inline void divide(const PoolArgs* args, const Strip* strip, real* dst, const real* sums,
                        Py_ssize_t rows) noexcept nogil:
    """Sums to averages; `rows` is the count along D and H."""
    cdef Py_ssize_t i = 0, run
    cdef Window window
    if args.divisor_override:
        divide_by(dst, sums, strip.outputs*strip.unit, args.divisor_override)
        return
    while i < strip.outputs:
        window = window_at(&args.W, strip.ow + i, args.count_include_pad)
        run = 1
        if window.start >= 0:       # the same count for all windows up to the first that reaches the end
            run += max(<Py_ssize_t>0, args.W.size - 1 - window.start
                       - (args.W.kernel - 1)*args.W.dilation)//args.W.stride
            run = min(run, strip.outputs - i)
        divide_by(dst + i*strip.unit, sums + i*strip.unit, run*strip.unit, rows*window.counted)
        i += run


# --- tasks ------------------------------------------------------------------------------------------------------------

cdef inline Py_ssize_t take_lines(Strip* strip, const PoolArgs* args, Py_ssize_t columns, real* scratch) noexcept nogil:
    """Cut `scratch` into lines of so many columns; how many reals that takes."""
    cdef Py_ssize_t lines = 3 + WINDOW_ROWS
    strip.pitch = (columns*strip.unit + 2*LANES + 15)//16*16
    strip.line = scratch
    strip.values = scratch + strip.pitch
    strip.sums = scratch + 2*strip.pitch
    strip.rows = scratch + 3*strip.pitch
    strip.work = scratch + lines*strip.pitch
    if args.W.kernel > MANY_TAPS or args.W.stride > 1 and strip.unit == 1:
        lines += 4
    if args.by_blocks:
        strip.depth = scratch + lines*strip.pitch
        strip.neutral = strip.depth + strip.pitch
        strip.prefix = strip.neutral + strip.pitch
        strip.suffix = strip.prefix + strip.pitch
        lines += 3 + args.H.kernel
    return lines*strip.pitch


cdef inline Py_ssize_t columns_under(const PoolArgs* args, Py_ssize_t outputs) noexcept nogil:
    return (outputs - 1)*args.W.stride + (args.W.kernel - 1)*args.W.dilation + 1


cdef inline void fold_plan(PoolArgs* args) noexcept nogil:
    """Strips of columns, and by which way their rows are folded."""
    cdef Py_ssize_t reach = (args.W.kernel - 1)*args.W.dilation + 1
    cdef Py_ssize_t budget = LINE_BYTES//<Py_ssize_t>sizeof(real), least, strips
    cdef Strip strip
    args.by_pixels = (args.unit > 1 and args.W.stride > 1 and args.D.kernel*args.H.kernel <= WINDOW_ROWS
                      and args.D.kernel*args.H.kernel*args.W.kernel <= WINDOW_TAPS)
    args.by_blocks = args.H.dilation == 1 and args.H.kernel > 2*args.H.stride + MANY_ROWS and args.H.output > 1
    if args.by_blocks:
        budget = max(budget//16, min(budget//2, RING_BYTES//(args.H.kernel*<Py_ssize_t>sizeof(real))))
    elif args.by_pixels:
        budget = RUN_BYTES//<Py_ssize_t>sizeof(real)
    budget //= args.unit
    # a halo as long as the strip is work done twice
    least = max(<Py_ssize_t>1, min(reach, 8*budget)//args.W.stride)
    args.column_block = min(args.W.output, max(least, (budget - reach)//args.W.stride + 1))
    strips = (args.W.output + args.column_block - 1)//args.column_block
    args.column_block = (args.W.output + strips - 1)//strips
    strip.unit = args.unit
    args.scratch_bytes = take_lines(&strip, args, columns_under(args, args.column_block), NULL)
    args.scratch_bytes *= <Py_ssize_t>sizeof(real)


cdef inline void store_outputs(const PoolArgs* args, const Strip* strip, char* out) noexcept nogil:
    """strip.values to a row of the result."""
    cdef Py_ssize_t t, size = item_size(args.y.dtype)
    if strip.unit == 1:
        store_values(out, strip.values, strip.outputs, args.y.w, args.y.dtype)
    elif args.y.channel == size and args.y.w == strip.unit*size:
        store_values(out, strip.values, strip.outputs*strip.unit, size, args.y.dtype)
    else:
        for t in range(strip.outputs):
            store_values(out + t*args.y.w, strip.values + t*strip.unit, strip.unit, args.y.channel, args.y.dtype)


cdef inline void fold_strip(const PoolArgs* args, Strip* strip, char* out, const Window* wd, Py_ssize_t oh,
                            Py_ssize_t end, bint include_pad, int op) noexcept nogil:
    """Output rows oh..end-1 of a strip; `out` is the strip's first output of row 0."""
    cdef Py_ssize_t unit = strip.unit
    cdef Window wh
    cdef real* dst
    cdef real* folded
    fill(strip.line, strip.first*unit, op)
    fill(strip.line + strip.last*unit, (strip.columns - strip.last)*unit, op)
    if args.by_blocks:
        fill(strip.neutral, (strip.last - strip.first)*unit, op)
        strip.block = -1
    out += oh*args.y.h
    while oh < end:
        wh = window_at(&args.H, oh, include_pad)
        dst = strip.values
        if lies_ready(out, args.y.w if unit == 1 else args.y.channel, args.y.dtype) and \
                (unit == 1 or args.y.w == unit*<Py_ssize_t>sizeof(real)):
            dst = <real*>out
        folded = strip.sums if is_sum(op) else dst
        if args.by_pixels:
            fold_pixels(args, strip, folded, wd, &wh, op)
        else:
            if args.by_blocks:
                fold_blocks(args, strip, strip.line + strip.first*unit, wd, oh, op)
            else:
                fold_rows(args, strip, strip.line + strip.first*unit, wd, &wh, op)
            fold_columns(args, strip, folded, op)
        if FLOATING and args.kind == POOL_AVG:
            divide(args, strip, dst, folded, wd.counted*wh.counted)
        elif FLOATING and args.kind == POOL_LP:
            take_roots(dst, folded, strip.outputs*unit, args.norm)
        if dst == strip.values:
            store_outputs(args, strip, out)
        out += args.y.h
        oh += 1


cdef inline void fold_task(const PoolArgs* args, char* scratch, const char* plane, char* out, const Window* wd,
                           Py_ssize_t oh, Py_ssize_t end, Py_ssize_t ow, Py_ssize_t channels,
                           bint include_pad) noexcept nogil:
    """Output rows oh..end-1, columns from `ow` on, of `channels` channels of one output plane."""
    cdef Strip strip
    cdef int op = FOLD_MAX
    strip.unit = channels
    strip.ow = ow
    strip.outputs = min(args.column_block, args.W.output - ow)
    strip.columns = columns_under(args, strip.outputs)
    strip.start = ow*args.W.stride - args.W.pad
    strip.first = min(strip.columns, max(<Py_ssize_t>0, -strip.start))
    strip.last = max(strip.first, min(strip.columns, args.W.size - strip.start))
    strip.plane = plane
    take_lines(&strip, args, strip.columns, <real*>scratch)
    out += ow*args.y.w
    cdef bint present = FLOATING and args.nan_omit
    if FLOATING and (args.kind == POOL_AVG or args.kind == POOL_LP):
        op = FOLD_SUM_PRESENT if present else FOLD_SUM
    elif args.kind == POOL_MIN:
        op = FOLD_MIN_PRESENT if present else FOLD_MIN
    elif present:
        op = FOLD_MAX_PRESENT
    fold_strip(args, &strip, out, wd, oh, end, include_pad, op)
