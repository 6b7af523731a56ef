"""Pooling by walking the taps of each window in order.

Design:
a. For what depends on the order (indices: the first maximum wins) or counts samples (the average of those that are
   not NaN): KD*KH*KW steps per output, where folding takes KD + KH + KW or fewer.
b. The lanes run along W, or along the channels where those are neighbours in memory (channels last).
"""
from cconv._kernels.pool_window cimport (
    HIGHEST, LOWEST, NOT_A_NUMBER, Window, load_samples, samples, store_indices, store_values, window_at,
)
from cconv._kernels.simd cimport FLOATING, LANES, is_nan, real
from cconv._kernels.types cimport POOL_AVG, POOL_MIN, PoolArgs

cdef enum:
    LINE = 1024                 # outputs of a row, or channels, that are worked on at a time


cdef inline Py_ssize_t line_outputs(const PoolArgs* args) noexcept nogil:
    """Outputs of a row that are worked on at a time: LINE, fewer where a large stride would make their line long."""
    return max(<Py_ssize_t>LANES, min(<Py_ssize_t>LINE, 8*LINE//args.W.stride))


cdef inline Py_ssize_t line_samples(const PoolArgs* args) noexcept nogil:
    cdef Py_ssize_t n = (min(line_outputs(args), args.W.output) - 1)*args.W.stride \
        + (args.W.kernel - 1)*args.W.dilation + 1
    return (max(n, <Py_ssize_t>LINE) + 15)//16*16


cdef inline Py_ssize_t walk_scratch(const PoolArgs* args) noexcept nogil:
    return (LINE + 2*line_samples(args))*<Py_ssize_t>sizeof(real) + LINE*8


cdef inline void take_extreme(real* values, long long* indices, const real* row, Py_ssize_t n, Py_ssize_t stride,
                              long long index, Py_ssize_t index_step, bint omit, bint least) noexcept nogil:
    """One tap of n windows: what is greater (`least`: less), or the first NaN (omit: the first that is none), takes the
    place."""
    cdef Py_ssize_t i
    cdef real value
    for i in range(n):
        value = row[i*stride]
        if (value < values[i] if least else value > values[i]) | (is_nan(values[i]) & (not is_nan(value)) if omit else
                                                                  is_nan(value) & (not is_nan(values[i]))):
            values[i] = value
            indices[i] = index + i*index_step


cdef inline void take_maximum(real* values, long long* indices, const real* row, Py_ssize_t n, Py_ssize_t stride,
                              long long index, Py_ssize_t index_step, bint omit) noexcept nogil:
    take_extreme(values, indices, row, n, stride, index, index_step, omit, False)


cdef inline void take_minimum(real* values, long long* indices, const real* row, Py_ssize_t n, Py_ssize_t stride,
                              long long index, Py_ssize_t index_step, bint omit) noexcept nogil:
    take_extreme(values, indices, row, n, stride, index, index_step, omit, True)


cdef inline void take_sum(real* values, long long* counts, const real* row, Py_ssize_t n,
                          Py_ssize_t stride) noexcept nogil:
    """One tap of n windows: what is not NaN is added and counted."""
    cdef Py_ssize_t i
    cdef real value
    for i in range(n):
        value = row[i*stride]
        if not is_nan(value):
            values[i] = values[i] + value
            counts[i] += 1


cdef inline void finish_walk(const PoolArgs* args, real* values, const long long* counts, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    if FLOATING:
        for i in range(n):
            values[i] = (values[i]/<real>(args.divisor_override if args.divisor_override else counts[i])
                         if counts[i] else NOT_A_NUMBER)


cdef inline void walk_row(const PoolArgs* args, char* scratch, const char* plane, char* out, char* out_indices,
                          const Window* wd, const Window* wh) noexcept nogil:
    """One output row of one channel, tap by tap, lanes along W."""
    cdef Py_ssize_t columns = line_outputs(args)
    cdef real* values = <real*>scratch
    cdef real* line = values + LINE
    cdef long long* indices = <long long*>(line + 2*line_samples(args))
    cdef Py_ssize_t ow = 0, n, count, start, first, last, kd, kh, kw, t, id_, ih, i0, i1
    cdef Window window
    cdef bint maximum = args.kind != POOL_AVG, least = args.kind == POOL_MIN
    cdef real lowest = HIGHEST if least else LOWEST
    cdef real outside = NOT_A_NUMBER if not maximum or args.nan_omit else lowest
    while ow < args.W.output:
        n = min(columns, args.W.output - ow)
        count = (n - 1)*args.W.stride + (args.W.kernel - 1)*args.W.dilation + 1
        start = ow*args.W.stride - args.W.pad
        first = min(count, max(<Py_ssize_t>0, -start))
        last = max(first, min(count, args.W.size - start))
        for t in range(n):
            window = window_at(&args.W, ow + t, False)
            values[t] = (NOT_A_NUMBER if args.nan_omit else lowest) if maximum else <real>0
            indices[t] = 0
            if maximum:         # until something is greater: the window's first sample
                indices[t] = ((wd.start + wd.first*args.D.dilation)*args.H.size + wh.start
                              + wh.first*args.H.dilation)*args.W.size + window.start + window.first*args.W.dilation
        for kd in range(args.D.kernel):
            for kh in range(args.H.kernel):
                id_ = wd.start + kd*args.D.dilation
                ih = wh.start + kh*args.H.dilation
                if wd.first <= kd < wd.last and wh.first <= kh < wh.last:
                    load_samples(line + first, plane + id_*args.x.d + ih*args.x.h + (start + first)*args.x.w,
                                 last - first, args.x.w, args.x.dtype)
                    i0, i1 = first, last
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
                        (take_minimum if least else take_maximum)(
                            values, indices, line + kw*args.W.dilation, n, args.W.stride,
                            (id_*args.H.size + ih)*args.W.size + start + kw*args.W.dilation, args.W.stride,
                            args.nan_omit)
                    else:
                        take_sum(values, indices, line + kw*args.W.dilation, n, args.W.stride)
        if not maximum:
            finish_walk(args, values, indices, n)
        store_values(out + ow*args.y.w, values, n, args.y.w, args.y.dtype)
        if args.with_indices:
            store_indices(out_indices + ow*args.indices.w, indices, n, args.indices.w, args.indices.dtype)
        ow += n


cdef inline void walk_channels(const PoolArgs* args, char* scratch, Py_ssize_t channels, const char* data, char* out,
                               char* out_indices, const Window* wd, const Window* wh,
                               const Window* ww) noexcept nogil:
    """One output pixel of so many channels, tap by tap, lanes along the channels."""
    cdef real* values = <real*>scratch
    cdef real* buffer = values + LINE
    cdef long long* indices = <long long*>(buffer + 2*line_samples(args))
    cdef Py_ssize_t c = 0, n, kd, kh, kw, id_, ih, iw, i
    cdef bint maximum = args.kind != POOL_AVG, least = args.kind == POOL_MIN
    cdef real neutral = (NOT_A_NUMBER if args.nan_omit else HIGHEST if least else LOWEST) if maximum else <real>0
    cdef Py_ssize_t padding = wd.counted*wh.counted*ww.counted \
        - (wd.last - wd.first)*(wh.last - wh.first)*(ww.last - ww.first)
    cdef long long first = ((wd.start + wd.first*args.D.dilation)*args.H.size + wh.start
                            + wh.first*args.H.dilation)*args.W.size + ww.start + ww.first*args.W.dilation
    cdef const real* row
    while c < channels:
        n = min(<Py_ssize_t>LINE, channels - c)
        for i in range(n):
            values[i] = neutral
            indices[i] = first if maximum else padding
        for kd in range(wd.first, wd.last):
            for kh in range(wh.first, wh.last):
                for kw in range(ww.first, ww.last):
                    id_ = wd.start + kd*args.D.dilation
                    ih = wh.start + kh*args.H.dilation
                    iw = ww.start + kw*args.W.dilation
                    row = samples(data + id_*args.x.d + ih*args.x.h + iw*args.x.w + c*args.x.channel, n,
                                  args.x.channel, args.x.dtype, buffer)
                    if maximum:
                        (take_minimum if least else take_maximum)(
                            values, indices, row, n, 1, (id_*args.H.size + ih)*args.W.size + iw, 0, args.nan_omit)
                    else:
                        take_sum(values, indices, row, n, 1)
        if not maximum:
            finish_walk(args, values, indices, n)
        store_values(out + c*args.y.channel, values, n, args.y.channel, args.y.dtype)
        if args.with_indices:
            store_indices(out_indices + c*args.indices.channel, indices, n, args.indices.channel, args.indices.dtype)
        c += n
