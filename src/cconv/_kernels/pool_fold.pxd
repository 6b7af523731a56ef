"""Pooling by folding: maxima, minima and sums of windows, axis by axis.

Design:
a. The rows of a window are folded into one line, then the line's columns: each sample is read once per window row that
   it belongs to. Rows are read where they lie if they are native, five at a time.
b. A column is one real, or a pixel's channels where those are neighbours in memory (channels last): a row of pixels is
   one long row of reals, and a column's neighbour is `unit` reals away. Nothing else differs.
c. Tall windows that overlap are folded by blocks (van Herk, Gil and Werman): a window is the end of one block of
   H.kernel rows and the beginning of the next, each of which is folded row by row as it grows: three folds per row,
   however tall. Doubling took 1 + log2 folds, and as many lines again. Blocks are counted from the padded top, so the
   order of a sum does not depend on where a task begins.
d. Wide windows are made of narrower ones: see pool_lines.pxd. A stride deals the taps out: those that meet the same
   phase of the line are a window of stride 1.
e. A sum of a window is KD + KH + KW additions deep at most, whatever the image's size: nothing is ever subtracted, so
   neither error nor NaN nor infinity leaves its window. |error| <= (KD + KH + KW)*eps*(the average of |x|).
f. Padding is never a sample: the line is filled with the neutral value there.
g. Short rows are folded some at a time, as one long row that holds them with their padding: what overlaps two rows is
   computed and not used. Row by row, what a row costs beside its folds is more than those, and a column is read from
   what two vectors have just written, which the CPU cannot forward. An image without padding is that long row.
"""
from libc.string cimport memcpy

from cconv._kernels.elements cimport copy_reals, item_size
from cconv._kernels.pool_lines cimport (
    MANY_TAPS, divide_by, divide_each, fill, fold, fold_few, fold_lines, fold_second, fold_three, fold_two,
    fold_window, is_sum, op_of, whole_vectors,
)
from cconv._kernels.pool_pixels cimport WINDOW_ROWS, Pixel, fold_pixel
from cconv._kernels.pool_powers cimport raise_magnitudes, take_roots
from cconv._kernels.pool_window cimport Window, lies_ready, load_samples, store_values, window_at
from cconv._kernels.simd cimport FAR_BYTES, FETCH_BYTES, FLOATING, LANES, fetch, real
from cconv._kernels.types cimport POOL_AVG, POOL_LP, Axis, PoolArgs

cdef enum:
    LINE_BYTES = 16384          # of a line: it and what is made of it stay near; half of that beside a ring
    RUN_BYTES = 65536           # read in a row where no line is made: a stream that the hardware sees coming
    RING_BYTES = 131072         # of all lines of a block: they stay in the second
    BATCH_BYTES = 4096          # of the columns of
    BATCH_ROWS = 32             # output rows at most that are folded at a time
    NARROW = 64                 # columns; wider rows are not copied to lie together
    FEW_ROWS = 3                # so many rows are folded one by one
    LOADED_ROWS = 5             # rows folded in one pass
    # Output rows at most whose window rows are folded before their columns, and their lines' bytes: 0.88 to 0.95 of the
    # time, as a column is not read from what two vectors have just written, which the CPU cannot forward.
    AHEAD_ROWS = 8
    AHEAD_BYTES = 4096
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
    Py_ssize_t reals            # of a row's samples, at least a vector of them
    const char* plane
    bint far                    # samples come from memory: asked for before, 3x3/2 takes 0.3 to 0.6 of the time
    bint ready                  # samples are read where they lie, rows without gaps if they are folded whole
    Py_ssize_t pitch            # reals of a line
    Py_ssize_t ahead            # output rows whose window rows are folded before any of their columns
    real* line                  # window rows, folded: so many lines
    real* values                # the result, where it cannot be written in place, or is to be divided
    Py_ssize_t batch            # output rows that are folded at a time
    Py_ssize_t width            # reals from one of their rows to the next
    real* stacked               # their samples, or NULL: row by row
    real* stack                 # the same, folded along the height
    real* folded                # and along the width
    real* counts                # what sums are divided by, per output
    bint uniform                # by the same
    real* rows                  # LOADED_ROWS lines: samples converted
    real* work                  # 4 lines: see fold_columns
    real* depth                 # one row folded along the depth
    real* neutral               # a row outside the image
    real* prefix                # the block below, as far as it is folded
    real* suffix                # H.kernel lines: the block above, from each of its rows to its end
    Py_ssize_t block            # which block that is; -1: none yet
    Py_ssize_t reach            # the row after those in `prefix`


# --- rows -------------------------------------------------------------------------------------------------------------

cdef inline bint lie_ready(const PoolArgs* args, const char* plane, Py_ssize_t unit) noexcept nogil:
    """True if all columns of a plane are native and aligned."""
    cdef Py_ssize_t size = sizeof(real)
    return (lies_ready(plane, args.x.w if unit == 1 else args.x.channel, args.x.dtype)
            and args.x.w % size == 0 and args.x.h % size == 0 and args.x.d % size == 0)


cdef inline const real* stored_row(const PoolArgs* args, const Strip* strip, Py_ssize_t d, Py_ssize_t h,
                                   real* buffer) noexcept nogil:
    """The strip's samples of one row. A whole vector can be read."""
    cdef const char* data = strip.plane + d*args.x.d + h*args.x.h + (strip.start + strip.first)*args.x.w
    cdef Py_ssize_t n = strip.last - strip.first, t
    cdef Py_ssize_t size = item_size(args.x.dtype)
    if strip.ready and n and (n*strip.unit >= LANES or args.x_end - data >= LANES*<Py_ssize_t>sizeof(real)):
        return <const real*>data
    if strip.unit == 1:
        load_samples(buffer, data, n, args.x.w, args.x.dtype)
    elif args.x.channel == size and args.x.w == strip.unit*size:
        load_samples(buffer, data, n*strip.unit, size, args.x.dtype)
    else:
        for t in range(n):
            load_samples(buffer + t*strip.unit, data + t*args.x.w, strip.unit, args.x.channel, args.x.dtype)
    return buffer


cdef inline void fetch_rows(const PoolArgs* args, const Strip* strip, const Window* wd, Py_ssize_t oh) noexcept nogil:
    """Ask for what lies FETCH_BYTES after the rows that the windows of output row oh are the first to meet."""
    cdef const char* row = strip.plane + oh*args.H.stride*args.x.h + (strip.start + strip.first)*args.x.w + FETCH_BYTES
    cdef Py_ssize_t kd, bytes = (strip.last - strip.first)*strip.unit*<Py_ssize_t>sizeof(real)
    for kd in range(wd.first, wd.last):
        fetch(row + (wd.start + kd*args.D.dilation)*args.x.d, bytes, min(args.H.stride, args.H.kernel), args.x.h)


cdef inline const real* sample_row(const PoolArgs* args, const Strip* strip, Py_ssize_t d, Py_ssize_t h,
                                   real* buffer) noexcept nogil:
    """The strip's samples of one row, as they are added or compared. A whole vector can be read."""
    cdef const real* row = stored_row(args, strip, d, h, buffer)
    if FLOATING and args.kind == POOL_LP:
        raise_magnitudes(buffer, row, (strip.last - strip.first)*strip.unit, args.norm)
        return buffer
    return row


cdef inline void fold_rows(const PoolArgs* args, const Strip* strip, real* dst, const Window* wd, const Window* wh,
                           int op) noexcept nogil:
    """dst = the window's rows, folded."""
    cdef Py_ssize_t n = strip.reals
    cdef Py_ssize_t kd, kh
    cdef const real* rows[LOADED_ROWS]
    cdef int held = 0
    cdef bint fresh = True
    for kd in range(wd.first, wd.last):
        for kh in range(wh.first, wh.last):
            rows[held] = sample_row(args, strip, wd.start + kd*args.D.dilation, wh.start + kh*args.H.dilation,
                                    strip.rows + held*strip.pitch)
            held += 1
            if held == LOADED_ROWS:
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
    cdef Py_ssize_t n = strip.reals
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

cdef inline Py_ssize_t phases_of(const Axis* axis) noexcept nogil:
    """How many taps it takes to meet the same phase of the stride again."""
    cdef Py_ssize_t a = axis.stride, b = axis.dilation
    while b:
        a, b = b, a % b
    return axis.stride//a


cdef inline void fold_columns(const PoolArgs* args, const Strip* strip, real* dst, const real* line, Py_ssize_t n,
                              int op) noexcept nogil:
    """dst = the windows' columns of a line, folded: n reals, which may be some more than there are outputs."""
    cdef const Axis* axis = &args.W
    cdef Py_ssize_t unit = strip.unit
    cdef real* even = strip.work
    cdef real* odd = even + strip.pitch
    cdef real* phase = odd + strip.pitch
    cdef real* folded = phase + strip.pitch
    cdef Py_ssize_t phases, j, t, taps, step, offset
    cdef real value
    if axis.stride == 1:
        fold_window(dst, line, n, axis.kernel, axis.dilation*unit, even, odd, op)
        return
    if unit > 1 and axis.kernel <= MANY_TAPS:
        for t in range(strip.outputs):
            fold_few(dst + t*unit, line + t*axis.stride*unit, unit, axis.kernel, axis.dilation*unit, op)
        return
    if unit == 1 and axis.stride == 2 and axis.dilation == 1 and 1 < axis.kernel <= MANY_TAPS:
        fold_second(dst, line, n, axis.kernel, op)
        return
    if unit == 1 and axis.kernel <= 2*axis.stride:
        for t in range(strip.outputs):
            value = line[t*axis.stride]
            for j in range(1, axis.kernel):
                value = fold(value, line[t*axis.stride + j*axis.dilation], op)
            dst[t] = value
        return
    phases = phases_of(axis)
    step = axis.dilation*phases//axis.stride
    n = strip.outputs*unit
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


# --- averages, norms --------------------------------------------------------------------------------------------------

cdef inline void count_columns(const PoolArgs* args, Strip* strip, bint include_pad) noexcept nogil:
    """strip.counts: how many columns each output's average divides by, if not the same for all."""
    cdef Py_ssize_t t, i
    cdef Window window = window_at(&args.W, strip.ow, include_pad)
    strip.uniform = window.counted == args.W.kernel     # windows in between are full if those at the ends are
    window = window_at(&args.W, strip.ow + strip.outputs - 1, include_pad)
    strip.uniform = strip.uniform and window.counted == args.W.kernel or args.divisor_override
    if strip.uniform:
        return
    for t in range(strip.outputs):
        window = window_at(&args.W, strip.ow + t, include_pad)
        for i in range(strip.unit):
            strip.counts[t*strip.unit + i] = <real>window.counted


cdef inline void finish(const PoolArgs* args, const Strip* strip, real* dst, const real* sums, Py_ssize_t n,
                        Py_ssize_t rows) noexcept nogil:
    """Sums to averages, of which `rows` is the count along D and H, or to norms."""
    if args.kind == POOL_LP:
        take_roots(dst, sums, n, args.norm)
    elif args.divisor_override:
        divide_by(dst, sums, n, args.divisor_override)
    elif strip.uniform:
        divide_by(dst, sums, n, rows*args.W.kernel)
    else:
        divide_each(dst, sums, n, strip.counts, rows)


# --- tasks ------------------------------------------------------------------------------------------------------------

cdef inline Py_ssize_t rows_under(const PoolArgs* args, Py_ssize_t outputs) noexcept nogil:
    return (outputs - 1)*args.H.stride + (args.H.kernel - 1)*args.H.dilation + 1


cdef inline Py_ssize_t columns_under(const PoolArgs* args, Py_ssize_t outputs) noexcept nogil:
    return (outputs - 1)*args.W.stride + (args.W.kernel - 1)*args.W.dilation + 1


cdef inline Py_ssize_t take_lines(Strip* strip, const PoolArgs* args, Py_ssize_t columns, real* scratch) noexcept nogil:
    """Cut `scratch` into lines of so many columns; how many reals that takes."""
    cdef Py_ssize_t lines = 2 + LOADED_ROWS, taken
    strip.pitch = (columns*strip.unit + 2*LANES + 15)//16*16
    strip.ahead = AHEAD_BYTES//(columns_under(args, args.column_block)*strip.unit*<Py_ssize_t>sizeof(real))
    strip.ahead = max(<Py_ssize_t>1, min(min(strip.ahead, <Py_ssize_t>AHEAD_ROWS), args.H.output))
    strip.values = scratch
    strip.counts = scratch + strip.pitch
    strip.rows = scratch + 2*strip.pitch
    strip.line = scratch + lines*strip.pitch
    lines += strip.ahead
    strip.work = scratch + lines*strip.pitch
    if args.W.kernel > MANY_TAPS or args.W.stride > 1 and strip.unit == 1:
        lines += 4
    if args.by_blocks:
        strip.depth = scratch + lines*strip.pitch
        strip.neutral = strip.depth + strip.pitch
        strip.prefix = strip.neutral + strip.pitch
        strip.suffix = strip.prefix + strip.pitch
        lines += 3 + args.H.kernel
    taken = lines*strip.pitch
    strip.width = columns + columns % 2
    if args.W.size - columns < args.W.stride and args.x.h == args.W.size*<Py_ssize_t>sizeof(real):
        strip.width = max(strip.width, args.W.size)     # room for an image that is read where it lies
    strip.batch = min(<Py_ssize_t>BATCH_ROWS, BATCH_BYTES//(strip.width*<Py_ssize_t>sizeof(real)))
    strip.batch = min(strip.batch, args.H.output)
    strip.stacked = NULL
    if strip.unit == 1 and strip.batch > FEW_ROWS and not args.by_blocks and args.W.kernel <= MANY_TAPS and \
            args.H.kernel <= MANY_TAPS and args.H.stride <= args.H.kernel*args.H.dilation:
        strip.stacked = scratch + taken
        taken += rows_under(args, strip.batch)*strip.width + 4*LANES
        strip.stack = scratch + taken
        taken += strip.batch*strip.width + 4*LANES
        strip.folded = scratch + taken
        taken += strip.batch*strip.width + 4*LANES
    return taken


cdef inline bint fits_pixels(const PoolArgs* args) noexcept nogil:
    """Whether reading all taps of a window beats folding axis by axis, and its rows can be addressed."""
    cdef Py_ssize_t height = args.D.kernel*args.H.kernel
    return (args.kind != POOL_LP and args.unit > 1 and args.W.stride > 1
            and height <= (WINDOW_ROWS if lie_ready(args, args.x.data, args.unit) else LOADED_ROWS)
            and height*args.W.kernel <= args.W.stride*(height + 2) + args.W.kernel + 2)


cdef inline void fold_plan(PoolArgs* args) noexcept nogil:
    """Strips of columns, and by which way their rows are folded."""
    cdef Py_ssize_t reach = (args.W.kernel - 1)*args.W.dilation + 1
    cdef Py_ssize_t budget = LINE_BYTES//<Py_ssize_t>sizeof(real), least, strips
    cdef Strip strip
    args.by_pixels = fits_pixels(args)
    args.by_blocks = not args.by_pixels and args.H.dilation == 1 and \
        args.H.kernel > 2*args.H.stride + MANY_ROWS and args.H.output > 1
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


cdef inline void store_outputs(const PoolArgs* args, const Strip* strip, char* out, real* values) noexcept nogil:
    """`values` to a row of the result."""
    cdef Py_ssize_t t, size = item_size(args.y.dtype)
    if strip.unit == 1 and lies_ready(out, args.y.w, args.y.dtype):
        memcpy(out, values, strip.outputs*sizeof(real))
    elif strip.unit == 1:
        store_values(out, values, strip.outputs, args.y.w, args.y.dtype)
    elif args.y.channel == size and args.y.w == strip.unit*size:
        store_values(out, values, strip.outputs*strip.unit, size, args.y.dtype)
    else:
        for t in range(strip.outputs):
            store_values(out + t*args.y.w, values + t*strip.unit, strip.unit, args.y.channel, args.y.dtype)


cdef inline bint row_takes_values(const PoolArgs* args, const Strip* strip, const char* out) noexcept nogil:
    """True if a row of the result can be written in place, and in vectors."""
    return (lies_ready(out, args.y.w if strip.unit == 1 else args.y.channel, args.y.dtype)
            and (strip.unit == 1 or args.y.w == strip.unit*<Py_ssize_t>sizeof(real))
            and strip.outputs*strip.unit >= LANES)


cdef inline void fold_pixels(const PoolArgs* args, const Strip* strip, char* out, const Window* wd, Py_ssize_t oh,
                             bint include_pad, int op) noexcept nogil:
    """One output row, each window in one pass over all of its taps."""
    cdef Window wh = window_at(&args.H, oh, include_pad)
    cdef Window ww
    cdef Pixel pixel
    cdef Py_ssize_t kd, kh, d, h, t
    cdef bint in_place = row_takes_values(args, strip, out)
    cdef real* dst = <real*>out if in_place else strip.values
    cdef Py_ssize_t pitch = args.x.w//<Py_ssize_t>sizeof(real) if strip.ready else strip.unit
    pixel.step = args.W.dilation*pitch
    pixel.height = 0
    for kd in range(wd.first, wd.last):
        for kh in range(wh.first, wh.last):
            d = wd.start + kd*args.D.dilation
            h = wh.start + kh*args.H.dilation
            if strip.ready:
                pixel.rows[pixel.height] = <const real*>(strip.plane + d*args.x.d + h*args.x.h
                                                         + (strip.start + strip.first)*args.x.w)
            else:
                pixel.rows[pixel.height] = sample_row(args, strip, d, h, strip.rows + pixel.height*strip.pitch)
            pixel.height += 1
    for t in range(strip.outputs):
        ww = window_at(&args.W, strip.ow + t, include_pad)
        pixel.taps = ww.last - ww.first
        pixel.offset = (ww.start + ww.first*args.W.dilation - strip.start - strip.first)*pitch
        pixel.divisor = args.divisor_override if args.divisor_override else wd.counted*wh.counted*ww.counted
        fold_pixel(dst + t*strip.unit, &pixel, strip.unit, op)
    if not in_place:
        store_outputs(args, strip, out, strip.values)


cdef inline void fold_ahead(const PoolArgs* args, Strip* strip, char* out, const Window* wd, Py_ssize_t oh,
                            Py_ssize_t count, bint include_pad, int op) noexcept nogil:
    """So many output rows, axis by axis: `strip.ahead` at most."""
    cdef Py_ssize_t unit = strip.unit, n = strip.outputs*unit, b
    cdef bint in_place
    cdef Window wh
    cdef real* line = strip.line
    cdef real* dst
    cdef real* folded
    for b in range(count):
        if strip.far:
            fetch_rows(args, strip, wd, oh + b)
        if args.by_blocks:
            fold_blocks(args, strip, line + strip.first*unit, wd, oh + b, op)
        else:
            wh = window_at(&args.H, oh + b, include_pad)
            fold_rows(args, strip, line + strip.first*unit, wd, &wh, op)
        if (strip.last - strip.first)*unit < strip.reals:
            fill(line + strip.last*unit, (strip.columns - strip.last)*unit, op)
        line += strip.pitch
    line = strip.line
    for b in range(count):
        in_place = row_takes_values(args, strip, out)
        dst = <real*>out if in_place else strip.values
        folded = strip.values if is_sum(op) else dst
        fold_columns(args, strip, folded, line, n if folded != strip.values else whole_vectors(n), op)
        if FLOATING and is_sum(op):
            wh = window_at(&args.H, oh + b, include_pad)
            finish(args, strip, dst, folded, n, wd.counted*wh.counted)
        if not in_place:
            store_outputs(args, strip, out, strip.values)
        line += strip.pitch
        out += args.y.h


cdef inline const real* stack_rows(const PoolArgs* args, const Strip* strip, const Window* wd, Py_ssize_t top,
                                   Py_ssize_t rows, int op) noexcept nogil:
    """So many rows of the padded image from `top` on, strip.width apart, each folded along the depth."""
    cdef Py_ssize_t b
    cdef Window wh
    cdef const real* source
    cdef real* dst = strip.stacked
    wh.first, wh.last = 0, 1
    for b in range(rows):
        wh.start = top + b
        if wh.start < 0 or wh.start >= args.H.size or wd.last <= wd.first:
            fill(dst, strip.width, op)
        elif wd.last - wd.first > 1:
            fold_rows(args, strip, dst + strip.first, wd, &wh, op)
            fill(dst, strip.first, op)
            fill(dst + strip.last, strip.columns - strip.last, op)
        else:
            source = sample_row(args, strip, wd.start + wd.first*args.D.dilation, wh.start, dst + strip.first)
            if source != dst + strip.first:
                copy_reals(dst + strip.first, source, strip.reals)
            fill(dst, strip.first, op)
            fill(dst + strip.last, strip.columns - strip.last, op)
        dst += strip.width
    return strip.stacked


cdef inline bint lies_stacked(const PoolArgs* args, const Strip* strip, const Window* wd, Py_ssize_t oh,
                              Py_ssize_t count) noexcept nogil:
    """True if the rows under so many outputs are one long row where they lie, in each slice, and some more can be read
    after it. Sums of wide rows are not made so: where they lie otherwise, they are made in another order."""
    cdef Py_ssize_t size = sizeof(real), top = oh*args.H.stride - args.H.pad, rows = rows_under(args, count)
    cdef Py_ssize_t after = (4*LANES + MANY_TAPS + args.W.kernel*args.W.dilation)*size
    return (args.kind != POOL_LP and strip.ready and top >= 0 and top + rows <= args.H.size and wd.last > wd.first
            and (wd.last - wd.first == 1 or strip.columns <= NARROW or not is_sum(op_of(args)))
            and strip.first == 0 and strip.last == strip.columns and args.W.size <= strip.width
            and args.x.h == args.W.size*size
            and args.x_end - strip.plane > (args.D.size - 1)*args.x.d + (top + rows)*args.x.h + after)


cdef inline const real* stacked_slices(const PoolArgs* args, const Strip* strip, const Window* wd, Py_ssize_t top,
                                       Py_ssize_t n, int op) noexcept nogil:
    """n samples from row `top` on, folded along the depth: as one row: row by row, 2x2x2 took 1.45 times as long."""
    cdef Strip whole = strip[0]
    cdef Window wh
    if wd.last - wd.first == 1:
        return <const real*>(strip.plane + (wd.start + wd.first*args.D.dilation)*args.x.d + top*args.x.h)
    wh.start = top
    wh.first, wh.last = 0, 1
    whole.last = whole.reals = n
    fold_rows(args, &whole, strip.stacked, wd, &wh, op)
    return strip.stacked


cdef inline void fold_stack(const PoolArgs* args, Strip* strip, char* out, const Window* wd, Py_ssize_t oh,
                            Py_ssize_t count, bint bare, bint include_pad, int op) noexcept nogil:
    """So many output rows as one, axis by axis; `bare`: as `lies_stacked` says."""
    cdef Py_ssize_t size = sizeof(real), top = oh*args.H.stride - args.H.pad, rows = rows_under(args, count)
    cdef Py_ssize_t width = strip.width, b, n
    cdef bint in_place = row_takes_values(args, strip, out) and args.y.h % size == 0
    cdef const real* source
    cdef real* values = strip.folded
    cdef Window wh
    cdef bint halved, dense
    if bare:
        width = args.W.size
        source = stacked_slices(args, strip, wd, top, rows*width, op)
    else:
        source = stack_rows(args, strip, wd, top, rows, op)
    halved = args.W.stride == 2 and args.W.dilation == 1 and args.W.kernel > 1 and width % 2 == 0
    dense = ((halved or args.W.stride == 1) and width == strip.outputs*args.W.stride
             and args.y.h == strip.outputs*size and lies_ready(out, args.y.w, args.y.dtype))
    if args.H.kernel > 1:
        if args.H.stride == 1:
            fold_few(strip.stack, source, whole_vectors(count*width), args.H.kernel, args.H.dilation*width, op)
        else:
            for b in range(count):
                if strip.far:
                    fetch_rows(args, strip, wd, oh + b)
                fold_few(strip.stack + b*width, source + b*args.H.stride*width, whole_vectors(width), args.H.kernel,
                         args.H.dilation*width, op)
        source = strip.stack
    elif args.H.stride > 1:
        for b in range(count):
            memcpy(strip.stack + b*width, source + b*args.H.stride*width, width*size)
        source = strip.stack
    n = whole_vectors(count*width)
    if dense and not is_sum(op):
        values = <real*>out
        n = count*strip.outputs*args.W.stride
    if halved:
        fold_second(values, source, n//2, args.W.kernel, op)
        width //= 2
    elif args.W.stride == 1:
        fold_few(values, source, n, args.W.kernel, args.W.dilation, op)
    else:
        for b in range(count):
            fold_columns(args, strip, values + b*width, source + b*width, strip.outputs, op)
    if dense and not is_sum(op):
        return
    for b in range(count):
        if FLOATING and is_sum(op):
            wh = window_at(&args.H, oh + b, include_pad)
            finish(args, strip, <real*>out if in_place else strip.values, values, strip.outputs, wd.counted*wh.counted)
            if not in_place:
                store_outputs(args, strip, out, strip.values)
        elif in_place:
            copy_reals(<real*>out, values, strip.outputs)
        else:
            store_outputs(args, strip, out, values)
        values += width
        out += args.y.h


cdef inline void fold_task(const PoolArgs* args, char* scratch, const char* plane, char* out, const Window* wd,
                           Py_ssize_t oh, Py_ssize_t end, Py_ssize_t ow, Py_ssize_t channels,
                           bint include_pad) noexcept nogil:
    """Output rows oh..end-1, columns from `ow` on, of `channels` channels of one output plane."""
    cdef Strip strip
    cdef Py_ssize_t count
    cdef bint bare
    cdef int op = op_of(args)
    strip.unit = channels
    strip.ow = ow
    strip.outputs = min(args.column_block, args.W.output - ow)
    strip.columns = columns_under(args, strip.outputs)
    strip.start = ow*args.W.stride - args.W.pad
    strip.first = min(strip.columns, max(<Py_ssize_t>0, -strip.start))
    strip.last = max(strip.first, min(strip.columns, args.W.size - strip.start))
    strip.reals = max(<Py_ssize_t>LANES, (strip.last - strip.first)*channels)
    strip.plane = plane
    strip.ready = lie_ready(args, plane, channels) and \
        (args.by_pixels or channels == 1 or args.x.w == channels*<Py_ssize_t>sizeof(real))
    strip.far = strip.ready and args.x_end - args.x.data > FAR_BYTES
    take_lines(&strip, args, strip.columns, <real*>scratch)
    out += ow*args.y.w
    if args.by_pixels:
        while oh < end:
            fold_pixels(args, &strip, out + oh*args.y.h, wd, oh, include_pad, op)
            oh += 1
        return
    if FLOATING and args.kind == POOL_AVG:
        count_columns(args, &strip, include_pad)
    for count in range(strip.ahead):
        fill(strip.line + count*strip.pitch, strip.first*channels, op)
        fill(strip.line + count*strip.pitch + strip.last*channels, (strip.columns - strip.last)*channels, op)
    if args.by_blocks:
        fill(strip.neutral, strip.reals, op)
        strip.block = -1
    while oh < end:
        count = min(strip.batch, end - oh)
        bare = strip.stacked != NULL and lies_stacked(args, &strip, wd, oh, count)
        if bare or strip.stacked != NULL and strip.columns <= NARROW:
            fold_stack(args, &strip, out + oh*args.y.h, wd, oh, count, bare, include_pad, op)
        else:
            count = min(strip.ahead, end - oh)
            fold_ahead(args, &strip, out + oh*args.y.h, wd, oh, count, include_pad, op)
        oh += count
