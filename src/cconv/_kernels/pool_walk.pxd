"""Pooling by walking the taps of each window in order.

Design:
a. For what depends on the order (indices: the first maximum wins) or counts samples (the average of those that are
   not NaN): KD*KH*KW steps per output, where folding takes KD + KH + KW or fewer.
b. The lanes run along W, or along the channels where those are neighbours in memory (channels last).
c. An extreme's place is kept as its distance from the window's first tap, in a lane as wide as the sample's: one
   comparison selects both, 4 to 10 times as fast as a branch and an index of 64 bits. Planes of more samples than
   32 bits count are compared as 64-bit reals (`maximum_arithmetic`).
d. Short rows without padding are walked together, one after the other in one line: a row of 5 to 14 outputs took 45 ns
   to begin and to end, now 10 to 20.
"""
from cconv._kernels.pool_window cimport (
    HIGHEST, LOWEST, NOT_A_NUMBER, Window, indices_lie_ready, lies_ready, load_samples, samples, store_indices,
    store_values, window_at,
)
from cconv._kernels.simd cimport FLOATING, LANES, inlined, is_nan, place, real, vevens, vload, vstore, vtake
from cconv._kernels.types cimport POOL_AVG, POOL_MIN, Axis, PoolArgs

cdef enum:
    LINE = 1024                 # outputs of a row, or channels, that are worked on at a time
    SHORT_ROW = 64              # outputs of a row up to which rows are walked together


cdef inline Py_ssize_t line_outputs(const PoolArgs* args) noexcept nogil:
    """Outputs of a row that are worked on at a time: LINE, fewer where a large stride would make their line long."""
    return max(<Py_ssize_t>LANES, min(<Py_ssize_t>LINE, 8*LINE//args.W.stride//LANES*LANES))


cdef inline Py_ssize_t whole_vectors(Py_ssize_t n) noexcept nogil:
    return (n + LANES - 1)//LANES*LANES


cdef inline Py_ssize_t columns_under(const Axis* axis, Py_ssize_t outputs) noexcept nogil:
    return (outputs - 1)*axis.stride + (axis.kernel - 1)*axis.dilation + 1


cdef inline Py_ssize_t columns_read(const Axis* axis, Py_ssize_t outputs) noexcept nogil:
    """Columns under so many whole vectors of outputs, and those between that are loaded with them."""
    return columns_under(axis, outputs) + axis.stride - 1


cdef inline Py_ssize_t line_samples(const PoolArgs* args) noexcept nogil:
    cdef Py_ssize_t n = columns_read(&args.W, whole_vectors(min(line_outputs(args), args.W.output)))
    return (max(n, <Py_ssize_t>LINE) + 15)//16*16


cdef inline Py_ssize_t walk_scratch(const PoolArgs* args) noexcept nogil:
    return (2*LINE + line_samples(args))*<Py_ssize_t>sizeof(real) + LINE*8


cdef inline bint lies_inside(const Axis* axis) noexcept nogil:
    """True if every tap of every window falls on a sample."""
    return axis.pad == 0 and columns_under(axis, axis.output) <= axis.size


cdef inline Py_ssize_t row_pitch(const PoolArgs* args) noexcept nogil:
    """From one row's outputs to the next one's where rows are walked together: as many as its samples are far apart."""
    return (columns_under(&args.W, args.W.output) + args.W.stride - 1)//args.W.stride


cdef inline Py_ssize_t rows_together(const PoolArgs* args) noexcept nogil:
    """Rows of outputs to walk as one line; 0: none."""
    cdef Py_ssize_t pitch = row_pitch(args)
    cdef Py_ssize_t beyond = (args.W.kernel - 1)*args.W.dilation + 2*LANES*args.W.stride
    if args.kind == POOL_AVG or args.unit > 1 or args.W.output > SHORT_ROW or not lies_inside(&args.H) or \
            not lies_inside(&args.W):
        return 0
    return min(LINE//pitch, (line_samples(args) - beyond)//(pitch*args.W.stride))


cdef inline bint is_better(real value, real best, bint omit, bint least) noexcept nogil:
    if is_nan(value) or is_nan(best):
        return is_nan(best) and not is_nan(value) if omit else is_nan(value) and not is_nan(best)
    return value < best if least else value > best


cdef inline inlined take_taps(real* values, place* places, const real* row, Py_ssize_t n, Py_ssize_t stride, place here,
                              bint omit, bint least) noexcept nogil:
    """One tap of n windows. `stride`, `omit` and `least`: literals. n: whole vectors, unless the stride is 1."""
    cdef Py_ssize_t i = 0
    cdef real gathered[LANES]
    cdef int lane
    while i + LANES <= n:
        if stride == 1:
            vtake(values + i, places + i, vload(row + i), here, omit, least)
        elif stride == 2:
            vtake(values + i, places + i, vevens(row + 2*i), here, omit, least)
        else:
            for lane in range(LANES):
                gathered[lane] = row[(i + lane)*stride]
            vtake(values + i, places + i, vload(gathered), here, omit, least)
        i += LANES
    if i == n:
        return
    if n > LANES:
        vtake(values + n - LANES, places + n - LANES, vload(row + n - LANES), here, omit, least)
        return
    while i < n:
        if is_better(row[i], values[i], omit, least):
            values[i] = row[i]
            places[i] = here
        i += 1


cdef inline inlined take_strided(real* values, place* places, const real* row, Py_ssize_t n, Py_ssize_t stride,
                                 place here, bint omit, bint least) noexcept nogil:
    if stride == 1:
        take_taps(values, places, row, n, 1, here, omit, least)
    elif stride == 2:
        take_taps(values, places, row, n, 2, here, omit, least)
    else:
        take_taps(values, places, row, n, stride, here, omit, least)


cdef inline void take_extreme(real* values, place* places, const real* row, Py_ssize_t n, Py_ssize_t stride, place here,
                              bint omit, bint least) noexcept nogil:
    """One tap of n windows: what is greater (`least`: less), or the first NaN (omit: the first that is none), takes the
    place."""
    if least:
        if FLOATING and omit:
            take_strided(values, places, row, n, stride, here, True, True)
        else:
            take_strided(values, places, row, n, stride, here, False, True)
    elif FLOATING and omit:
        take_strided(values, places, row, n, stride, here, True, False)
    else:
        take_strided(values, places, row, n, stride, here, False, False)


cdef inline void take_sum(real* values, place* counts, const real* row, Py_ssize_t n,
                          Py_ssize_t stride) noexcept nogil:
    """One tap of n windows: what is not NaN is added and counted."""
    cdef Py_ssize_t i
    cdef real value
    for i in range(n):
        value = row[i*stride]
        values[i] = values[i] + (<real>0 if is_nan(value) else value)
        counts[i] = counts[i] + (0 if is_nan(value) else 1)


cdef inline void finish_walk(const PoolArgs* args, real* values, const place* counts, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    if FLOATING:
        for i in range(n):
            values[i] = (values[i]/<real>(args.divisor_override if args.divisor_override else counts[i])
                         if counts[i] else NOT_A_NUMBER)


cdef inline void start_walk(real* values, place* places, Py_ssize_t n, real value, place first) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        values[i] = value
        places[i] = first


cdef inline void store_places(const PoolArgs* args, char* out_indices, const place* places, long long* indices,
                              Py_ssize_t n, Py_ssize_t index_step, long long first,
                              Py_ssize_t between) noexcept nogil:
    """Where n outputs came from: of windows whose first taps are at the indices `first` and every `between` on."""
    cdef Py_ssize_t i
    cdef bint ready = indices_lie_ready(out_indices, index_step, args.indices.dtype)
    if ready:
        indices = <long long*>out_indices
    for i in range(n):
        indices[i] = first + i*between + places[i]
    if not ready:
        store_indices(out_indices, indices, n, index_step, args.indices.dtype)


cdef inline void store_walk(const PoolArgs* args, char* out, char* out_indices, real* values, const place* places,
                            long long* indices, Py_ssize_t n, Py_ssize_t step, Py_ssize_t index_step, long long first,
                            Py_ssize_t between) noexcept nogil:
    """n outputs, `step` bytes apart, and where they came from."""
    store_values(out, values, n, step, args.y.dtype)
    if args.with_indices:
        store_places(args, out_indices, places, indices, n, index_step, first, between)


cdef inline void walk_row(const PoolArgs* args, char* scratch, const char* plane, char* out, char* out_indices,
                          const Window* wd, const Window* wh, Py_ssize_t row_of_plane) noexcept nogil:
    """One output row of one channel, tap by tap, lanes along W; `row_of_plane` is under its first taps."""
    cdef Py_ssize_t columns = line_outputs(args)
    cdef real* values = <real*>scratch
    cdef real* line = values + 2*LINE
    cdef place* places = <place*>(values + LINE)
    cdef long long* indices = <long long*>(line + line_samples(args))
    cdef Py_ssize_t ow = 0, n, lanes, count, start, first, last, kd, kh, kw, t, id_, ih, i0, i1
    cdef place here
    cdef const char* data
    cdef const real* row
    cdef Window window
    cdef bint maximum = args.kind != POOL_AVG, least = args.kind == POOL_MIN
    cdef real lowest = HIGHEST if least else LOWEST
    cdef real outside = NOT_A_NUMBER if not maximum or args.nan_omit else lowest
    while ow < args.W.output:
        n = min(columns, args.W.output - ow)
        lanes = whole_vectors(n)        # what stands in the rest of a vector is not stored
        count = columns_under(&args.W, n)
        start = ow*args.W.stride - args.W.pad
        first = min(count, max(<Py_ssize_t>0, -start))
        last = max(first, min(count, args.W.size - start))
        if maximum:             # until something is greater: the window's first sample
            here = (wd.first*args.D.dilation*args.H.size + wh.first*args.H.dilation)*args.W.size
            start_walk(values, places, lanes, NOT_A_NUMBER if args.nan_omit else lowest, here)
            t = 0
            while t < n and start + t*args.W.stride < 0:
                window = window_at(&args.W, ow + t, False)
                places[t] = here + window.first*args.W.dilation
                t += 1
        else:
            start_walk(values, places, lanes, 0, 0)
        for kd in range(args.D.kernel):
            for kh in range(args.H.kernel):
                id_ = wd.start + kd*args.D.dilation
                ih = wh.start + kh*args.H.dilation
                row = line
                if wd.first <= kd < wd.last and wh.first <= kh < wh.last:
                    data = plane + id_*args.x.d + ih*args.x.h + (start + first)*args.x.w
                    i0, i1 = first, last
                    if first == 0 and last == count and lies_ready(data, args.x.w, args.x.dtype) and \
                            data + columns_read(&args.W, lanes)*<Py_ssize_t>sizeof(real) <= args.x_end:
                        row = <const real*>data
                    else:
                        load_samples(line + first, data, last - first, args.x.w, args.x.dtype)
                elif args.count_include_pad and not maximum and kd < wd.counted and kh < wh.counted:
                    i0, i1 = 0, 0
                else:
                    continue
                for t in range(i0):
                    line[t] = <real>0 if args.count_include_pad and not maximum else outside
                for t in range(i1, count):
                    line[t] = (<real>0 if args.count_include_pad and not maximum
                               and start + t < args.W.size + args.W.pad_after else outside)
                for kw in range(args.W.kernel):
                    if maximum:
                        here = (kd*args.D.dilation*args.H.size + kh*args.H.dilation)*args.W.size + kw*args.W.dilation
                        take_extreme(values, places, row + kw*args.W.dilation, lanes, args.W.stride, here,
                                     args.nan_omit, least)
                    else:
                        take_sum(values, places, row + kw*args.W.dilation, lanes, args.W.stride)
        if not maximum:
            finish_walk(args, values, places, n)
        store_walk(args, out + ow*args.y.w, out_indices + ow*args.indices.w, values, places, indices, n, args.y.w,
                   args.indices.w, (wd.start*args.H.size + row_of_plane)*args.W.size + start, args.W.stride)
        ow += n


cdef inline void copy_rows(const PoolArgs* args, real* line, const char* data, Py_ssize_t rows, Py_ssize_t pitch,
                           Py_ssize_t count) noexcept nogil:
    """`count` samples of every stride-th row into `line`, `pitch` apart."""
    cdef Py_ssize_t row, i
    cdef const char* source
    for row in range(rows):
        source = data + row*args.H.stride*args.x.h
        if lies_ready(source, args.x.w, args.x.dtype) and \
                source + (count + LANES)*<Py_ssize_t>sizeof(real) <= args.x_end:
            i = 0
            while i < count:        # the next row goes over what is too much
                vstore(line + row*pitch + i, vload(<const real*>source + i))
                i += LANES
        else:
            load_samples(line + row*pitch, source, count, args.x.w, args.x.dtype)


cdef inline void walk_rows(const PoolArgs* args, char* scratch, const char* plane, char* out, char* out_indices,
                           const Window* wd, Py_ssize_t oh, Py_ssize_t rows) noexcept nogil:
    """Some short output rows of one channel as one, all of whose windows lie inside."""
    cdef real* values = <real*>scratch
    cdef real* line = values + 2*LINE
    cdef place* places = <place*>(values + LINE)
    cdef long long* indices = <long long*>(line + line_samples(args))
    cdef Py_ssize_t pitch = row_pitch(args), count = columns_under(&args.W, args.W.output), kd, kh, kw, row, first
    cdef Py_ssize_t lanes = whole_vectors(rows*pitch)
    cdef real lowest = NOT_A_NUMBER if args.nan_omit else HIGHEST if args.kind == POOL_MIN else LOWEST
    cdef place here
    start_walk(values, places, lanes, lowest, wd.first*args.D.dilation*args.H.size*args.W.size)
    for kd in range(wd.first, wd.last):
        for kh in range(args.H.kernel):
            copy_rows(args, line, plane + (wd.start + kd*args.D.dilation)*args.x.d
                      + (oh*args.H.stride + kh*args.H.dilation)*args.x.h, rows, pitch*args.W.stride, count)
            for kw in range(args.W.kernel):
                here = (kd*args.D.dilation*args.H.size + kh*args.H.dilation)*args.W.size + kw*args.W.dilation
                take_extreme(values, places, line + kw*args.W.dilation, lanes, args.W.stride, here, args.nan_omit,
                             args.kind == POOL_MIN)
    cdef bint is_one_row = pitch == args.W.output and args.y.h == args.W.output*args.y.w
    if is_one_row:
        store_values(out, values, rows*pitch, args.y.w, args.y.dtype)
    for row in range(rows):
        if not is_one_row:
            store_values(out + row*args.y.h, values + row*pitch, args.W.output, args.y.w, args.y.dtype)
        if args.with_indices:
            first = wd.start*args.H.size + (oh + row) % args.plane_rows*args.H.stride
            store_places(args, out_indices + row*args.indices.h, places + row*pitch, indices, args.W.output,
                         args.indices.w, first*args.W.size, args.W.stride)


cdef inline void walk_channels(const PoolArgs* args, char* scratch, Py_ssize_t channels, const char* data, char* out,
                               char* out_indices, const Window* wd, const Window* wh,
                               const Window* ww) noexcept nogil:
    """One output pixel of so many channels, tap by tap, lanes along the channels."""
    cdef real* values = <real*>scratch
    cdef place* places = <place*>(values + LINE)
    cdef real* buffer = values + 2*LINE
    cdef long long* indices = <long long*>(buffer + line_samples(args))
    cdef Py_ssize_t c = 0, n, kd, kh, kw, id_, ih, iw
    cdef bint maximum = args.kind != POOL_AVG, least = args.kind == POOL_MIN
    cdef real neutral = (NOT_A_NUMBER if args.nan_omit else HIGHEST if least else LOWEST) if maximum else <real>0
    cdef Py_ssize_t padding = wd.counted*wh.counted*ww.counted \
        - (wd.last - wd.first)*(wh.last - wh.first)*(ww.last - ww.first)
    cdef place first = ((wd.first*args.D.dilation*args.H.size + wh.first*args.H.dilation)*args.W.size
                        + ww.first*args.W.dilation)
    cdef const real* row
    while c < channels:
        n = min(<Py_ssize_t>LINE, channels - c)
        start_walk(values, places, n, neutral, first if maximum else padding)
        for kd in range(wd.first, wd.last):
            for kh in range(wh.first, wh.last):
                for kw in range(ww.first, ww.last):
                    id_ = wd.start + kd*args.D.dilation
                    ih = wh.start + kh*args.H.dilation
                    iw = ww.start + kw*args.W.dilation
                    row = samples(data + id_*args.x.d + ih*args.x.h + iw*args.x.w + c*args.x.channel, n,
                                  args.x.channel, args.x.dtype, buffer)
                    if maximum:
                        take_extreme(values, places, row, n, 1,
                                     (kd*args.D.dilation*args.H.size + kh*args.H.dilation)*args.W.size
                                     + kw*args.W.dilation, args.nan_omit, least)
                    else:
                        take_sum(values, places, row, n, 1)
        if not maximum:
            finish_walk(args, values, places, n)
        store_walk(args, out + c*args.y.channel, out_indices + c*args.indices.channel, values, places, indices, n,
                   args.y.channel, args.indices.channel, (wd.start*args.H.size + wh.start)*args.W.size + ww.start, 0)
        c += n
