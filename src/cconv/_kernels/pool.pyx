"""Pooling for one real type at one SIMD level.

Design:
a. Maximum and plain average are folds: rows of the window are folded into one line (contiguous, vectorised), then the
   line's columns; each sample is read once per window row it belongs to. Nothing is packed where rows are native.
b. Where a window must be walked in order (indices: the first maximum wins; omitted NaN: samples are counted), a line of
   outputs takes one tap at a time.
c. The lanes run along W, or along the channels where those are neighbours in memory (channels last); the second needs
   no folding of columns, only (b)'s walk.
d. Padding is never a sample: the fold's line is filled with the neutral value there.
e. Unsigned 64-bit integers compare as signed ones once the top bit is flipped, on loading and on storing.
"""
from cpython.pycapsule cimport PyCapsule_New
from cython.parallel cimport prange, threadid
from libc.string cimport memcpy

from cconv._kernels.elements cimport is_native, load_row, store_row
from cconv._kernels.simd cimport FLOATING, LANES, inlined, is_nan, real
from cconv._kernels.types cimport DT_SWAPPED, DT_U64, KERNEL_ABI, POOL_MAX, Axis, PoolArgs, PoolKernels

cdef enum:
    LINE = 1024                 # outputs of a row, or channels, that are worked on at a time
    TASK_WORK = 32768           # window samples of one task, about 10 us
    TASKS_PER_THREAD = 4

cdef extern from *:
    """
    #if CCONV_FLOATING
    #define CCONV_LOWEST (-__builtin_inf())
    #define CCONV_NAN __builtin_nan("")
    #else
    #define CCONV_LOWEST ((real)1 << (CCONV_REAL_SIZE * 8 - 1))
    #define CCONV_NAN 0
    #endif
    #if defined(_MSC_VER) && !defined(__clang__)
    #include <math.h>
    #define __builtin_inf() ((double)INFINITY)
    #define __builtin_nan(s) ((double)NAN)
    #endif
    """
    const real LOWEST "((real)CCONV_LOWEST)"
    const real NOT_A_NUMBER "((real)CCONV_NAN)"


cdef struct Window:
    # the taps first..last-1 of a window that fall on samples, along one axis, and what the average divides by
    Py_ssize_t start            # sample under tap 0, may be negative
    Py_ssize_t first
    Py_ssize_t last
    Py_ssize_t counted


cdef inline Py_ssize_t taps_below(Py_ssize_t start, Py_ssize_t limit, const Axis* axis) noexcept nogil:
    """How many taps of a window at `start` lie below `limit`."""
    cdef Py_ssize_t n = (limit - start + axis.dilation - 1)//axis.dilation if limit > start else 0
    return min(n, axis.kernel)


cdef inline Window window_at(const Axis* axis, Py_ssize_t output, bint include_pad) noexcept nogil:
    cdef Window window
    window.start = output*axis.stride - axis.pad
    window.first = taps_below(window.start, 0, axis)
    window.last = taps_below(window.start, axis.size, axis)
    window.counted = (taps_below(window.start, axis.size + axis.pad_after, axis) if include_pad
                      else window.last - window.first)
    return window


# --- loading and storing ----------------------------------------------------------------------------------------------

cdef inline void flip_order(real* row, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    if not FLOATING:
        for i in range(n):
            row[i] = row[i] + LOWEST            # flips the top bit; wraps


cdef inline void load_samples(real* dst, const char* data, Py_ssize_t n, Py_ssize_t stride, int dtype) noexcept nogil:
    load_row(dst, data, n, stride, dtype)
    if (dtype & ~DT_SWAPPED) == DT_U64:
        flip_order(dst, n)


cdef inline const real* samples(const char* data, Py_ssize_t n, Py_ssize_t stride, int dtype,
                                real* buffer) noexcept nogil:
    """n samples as reals: where they lie if they are native neighbours, else converted into `buffer`."""
    if is_native(dtype) and dtype != DT_U64 and stride == sizeof(real) and <size_t>data % sizeof(real) == 0:
        return <const real*>data
    load_samples(buffer, data, n, stride, dtype)
    return buffer


cdef inline void store_values(char* data, real* row, Py_ssize_t n, Py_ssize_t stride, int dtype) noexcept nogil:
    if (dtype & ~DT_SWAPPED) == DT_U64:
        flip_order(row, n)
    store_row(data, row, n, stride, dtype)


cdef inline void store_indices(char* data, const long long* row, Py_ssize_t n, Py_ssize_t stride,
                               int dtype) noexcept nogil:
    cdef Py_ssize_t i, k
    for i in range(n):
        if dtype & DT_SWAPPED:
            for k in range(8):
                data[i*stride + k] = (<const char*>(row + i))[7 - k]
        else:
            memcpy(data + i*stride, row + i, 8)


# --- folds ------------------------------------------------------------------------------------------------------------

cdef inline real fold(real a, real b, bint maximum, bint omit) noexcept nogil:
    """Maximum that lets NaN through, maximum that drops NaN (starting from NaN), or sum."""
    if not maximum:
        return a + b
    if omit:
        return b if (b > a) | is_nan(a) else a
    return b if (b > a) | is_nan(b) else a


cdef inline inlined fold_line(real* line, const real* row, Py_ssize_t n, bint maximum, bint omit) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        line[i] = fold(line[i], row[i], maximum, omit)


cdef inline inlined fold_columns_by(real* dst, const real* line, Py_ssize_t n, Py_ssize_t stride, Py_ssize_t dilation,
                                    Py_ssize_t kernel, bint maximum, bint omit) noexcept nogil:
    cdef Py_ssize_t i, k
    cdef real value
    for i in range(n):
        value = line[i*stride]
        for k in range(1, kernel):
            value = fold(value, line[i*stride + k*dilation], maximum, omit)
        dst[i] = value


cdef inline inlined fold_columns(real* dst, const real* line, Py_ssize_t n, const Axis* axis, bint maximum,
                                 bint omit) noexcept nogil:
    """The usual windows as literals, so that their loops vectorise; any other column by column."""
    cdef Py_ssize_t k
    if axis.stride == 2 and axis.dilation == 1 and axis.kernel == 2:
        fold_columns_by(dst, line, n, 2, 1, 2, maximum, omit)
    elif axis.stride == 2 and axis.dilation == 1 and axis.kernel == 3:
        fold_columns_by(dst, line, n, 2, 1, 3, maximum, omit)
    elif axis.stride == 1:
        memcpy(dst, line, n*sizeof(real))
        for k in range(1, axis.kernel):
            fold_line(dst, line + k*axis.dilation, n, maximum, omit)
    else:
        fold_columns_by(dst, line, n, axis.stride, axis.dilation, axis.kernel, maximum, omit)


cdef inline inlined folded_line(const PoolArgs* args, real* line, real* buffer, const char* plane, const Window* wd,
                                const Window* wh, Py_ssize_t start, Py_ssize_t count, bint maximum,
                                bint omit) noexcept nogil:
    """line[t] = the window's rows folded, at padded column start + t. One pass per row; the first one copies."""
    cdef Py_ssize_t kd, kh, t
    cdef Py_ssize_t first = min(count, max(<Py_ssize_t>0, -start))
    cdef Py_ssize_t last = max(first, min(count, args.W.size - start))
    cdef real neutral = (NOT_A_NUMBER if omit else LOWEST) if maximum else <real>0
    cdef const real* row
    cdef const char* data
    cdef bint fresh = True
    for t in range(first):
        line[t] = neutral
    for t in range(last, count):
        line[t] = neutral
    for kd in range(wd.first, wd.last):
        for kh in range(wh.first, wh.last):
            data = plane + (wd.start + kd*args.D.dilation)*args.x.d + (wh.start + kh*args.H.dilation)*args.x.h \
                + (start + first)*args.x.w
            row = samples(data, last - first, args.x.w, args.x.dtype, buffer)
            if fresh:
                memcpy(line + first, row, (last - first)*sizeof(real))
                fresh = False
            else:
                fold_line(line + first, row, last - first, maximum, omit)
    if fresh:
        for t in range(first, last):
            line[t] = neutral


cdef inline void divide(real* row, Py_ssize_t n, const PoolArgs* args, Py_ssize_t rows, Py_ssize_t ow) noexcept nogil:
    """Sums to averages; `rows` is the count along D and H."""
    cdef Py_ssize_t i, k, run
    cdef Window window
    cdef real divisor
    if FLOATING:
        if args.divisor_override:
            divisor = <real>args.divisor_override
            for i in range(n):
                row[i] = row[i]/divisor
            return
        i = 0
        while i < n:
            window = window_at(&args.W, ow + i, args.count_include_pad)
            divisor = <real>(rows*window.counted)
            if window.start < 0:
                row[i] = row[i]/divisor
                i += 1
                continue
            # the same count for all windows up to the first that reaches the end
            run = min(n, i + 1 + max(<Py_ssize_t>0, args.W.size - 1 - window.start
                                     - (args.W.kernel - 1)*args.W.dilation)//args.W.stride)
            for k in range(i, run):
                row[k] = row[k]/divisor
            i = run


cdef void fold_row(const PoolArgs* args, char* scratch, const char* plane, char* out, const Window* wd,
                   const Window* wh) noexcept nogil:
    """One output row of one channel, by folding."""
    cdef Py_ssize_t columns = line_outputs(args)
    cdef real* values = <real*>scratch
    cdef real* line = values + LINE
    cdef real* buffer = line + line_samples(args)
    cdef Py_ssize_t ow = 0, n, count, start
    while ow < args.W.output:
        n = min(columns, args.W.output - ow)
        count = (n - 1)*args.W.stride + (args.W.kernel - 1)*args.W.dilation + 1
        start = ow*args.W.stride - args.W.pad
        if args.kind != POOL_MAX:
            folded_line(args, line, buffer, plane, wd, wh, start, count, False, False)
            fold_columns(values, line, n, &args.W, False, False)
            divide(values, n, args, wd.counted*wh.counted, ow)
        elif args.nan_omit:
            folded_line(args, line, buffer, plane, wd, wh, start, count, True, True)
            fold_columns(values, line, n, &args.W, True, True)
        else:
            folded_line(args, line, buffer, plane, wd, wh, start, count, True, False)
            fold_columns(values, line, n, &args.W, True, False)
        store_values(out + ow*args.y.w, values, n, args.y.w, args.y.dtype)
        ow += n


# --- walking the taps -------------------------------------------------------------------------------------------------

cdef inline void take_maximum(real* values, long long* indices, const real* row, Py_ssize_t n, Py_ssize_t stride,
                              long long index, Py_ssize_t index_step, bint omit) noexcept nogil:
    """One tap of n windows: what is greater, or the first NaN (omit: the first that is none), takes the place."""
    cdef Py_ssize_t i
    cdef real value
    for i in range(n):
        value = row[i*stride]
        if (value > values[i]) | (is_nan(values[i]) & (not is_nan(value)) if omit
                                  else is_nan(value) & (not is_nan(values[i]))):
            values[i] = value
            indices[i] = index + i*index_step


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


cdef void walk_row(const PoolArgs* args, char* scratch, const char* plane, char* out, char* out_indices,
                   const Window* wd, const Window* wh) noexcept nogil:
    """One output row of one channel, tap by tap, lanes along W."""
    cdef Py_ssize_t columns = line_outputs(args)
    cdef real* values = <real*>scratch
    cdef real* line = values + LINE
    cdef long long* indices = <long long*>(line + 2*line_samples(args))
    cdef Py_ssize_t ow = 0, n, count, start, first, last, kd, kh, kw, t, id_, ih, i0, i1
    cdef Window window
    cdef bint maximum = args.kind == POOL_MAX
    cdef real outside = NOT_A_NUMBER if not maximum or args.nan_omit else LOWEST
    while ow < args.W.output:
        n = min(columns, args.W.output - ow)
        count = (n - 1)*args.W.stride + (args.W.kernel - 1)*args.W.dilation + 1
        start = ow*args.W.stride - args.W.pad
        first = min(count, max(<Py_ssize_t>0, -start))
        last = max(first, min(count, args.W.size - start))
        for t in range(n):
            window = window_at(&args.W, ow + t, False)
            values[t] = (NOT_A_NUMBER if args.nan_omit else LOWEST) if maximum else <real>0
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
                        take_maximum(values, indices, line + kw*args.W.dilation, n, args.W.stride,
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


cdef void walk_channels(const PoolArgs* args, char* scratch, const char* data, char* out, char* out_indices,
                        const Window* wd, const Window* wh, const Window* ww) noexcept nogil:
    """One output pixel of all channels, tap by tap, lanes along the channels."""
    cdef real* values = <real*>scratch
    cdef real* buffer = values + LINE
    cdef long long* indices = <long long*>(buffer + 2*line_samples(args))
    cdef Py_ssize_t c = 0, n, kd, kh, kw, id_, ih, iw, i
    cdef bint maximum = args.kind == POOL_MAX
    cdef bint walk = args.with_indices or args.nan_omit and not maximum
    cdef real neutral = (NOT_A_NUMBER if args.nan_omit else LOWEST) if maximum else <real>0
    cdef Py_ssize_t counted = wd.counted*wh.counted*ww.counted
    cdef Py_ssize_t padding = counted - (wd.last - wd.first)*(wh.last - wh.first)*(ww.last - ww.first)
    cdef long long first = ((wd.start + wd.first*args.D.dilation)*args.H.size + wh.start
                            + wh.first*args.H.dilation)*args.W.size + ww.start + ww.first*args.W.dilation
    cdef const real* row
    cdef real divisor
    while c < args.C:
        n = min(<Py_ssize_t>LINE, args.C - c)
        for i in range(n):
            values[i] = neutral
        if walk:
            for i in range(n):
                indices[i] = first if maximum else padding
        for kd in range(wd.first, wd.last):
            for kh in range(wh.first, wh.last):
                for kw in range(ww.first, ww.last):
                    id_ = wd.start + kd*args.D.dilation
                    ih = wh.start + kh*args.H.dilation
                    iw = ww.start + kw*args.W.dilation
                    row = samples(data + id_*args.x.d + ih*args.x.h + iw*args.x.w + c*args.x.channel, n,
                                  args.x.channel, args.x.dtype, buffer)
                    if walk and maximum:
                        take_maximum(values, indices, row, n, 1, (id_*args.H.size + ih)*args.W.size + iw, 0,
                                     args.nan_omit)
                    elif walk:
                        take_sum(values, indices, row, n, 1)
                    elif not maximum:
                        fold_line(values, row, n, False, False)
                    elif args.nan_omit:
                        fold_line(values, row, n, True, True)
                    else:
                        fold_line(values, row, n, True, False)
        if not maximum and walk:
            finish_walk(args, values, indices, n)
        elif not maximum and FLOATING:
            divisor = <real>(args.divisor_override if args.divisor_override else counted)
            for i in range(n):
                values[i] = values[i]/divisor
        store_values(out + c*args.y.channel, values, n, args.y.channel, args.y.dtype)
        if args.with_indices:
            store_indices(out_indices + c*args.indices.channel, indices, n, args.indices.channel, args.indices.dtype)
        c += n


# --- tasks ------------------------------------------------------------------------------------------------------------

cdef inline Py_ssize_t line_outputs(const PoolArgs* args) noexcept nogil:
    """Outputs of a row that are worked on at a time: LINE, fewer where a large stride would make their line long."""
    return max(<Py_ssize_t>LANES, min(<Py_ssize_t>LINE, 8*LINE//args.W.stride))


cdef inline Py_ssize_t line_samples(const PoolArgs* args) noexcept nogil:
    cdef Py_ssize_t n = (min(line_outputs(args), args.W.output) - 1)*args.W.stride \
        + (args.W.kernel - 1)*args.W.dilation + 1
    return (max(n, <Py_ssize_t>LINE) + 15)//16*16


cdef void pool_plan(PoolArgs* args, int num_threads) noexcept nogil:
    """Cut the call into tasks of whole output rows."""
    cdef Py_ssize_t row_work = args.W.output*args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t planes = args.N*args.D.output
    args.channel_lanes = args.C >= LANES and args.x.channel < args.x.w and args.x.channel > 0
    if args.channel_lanes:
        row_work *= args.C
    else:
        planes *= args.C
    args.row_block = max(<Py_ssize_t>1, min(args.H.output, TASK_WORK//max(<Py_ssize_t>1, row_work)))
    while args.row_block > 1 and planes*((args.H.output + args.row_block - 1)//args.row_block) < \
            TASKS_PER_THREAD*num_threads:
        args.row_block = (args.row_block + 1)//2
    args.n_tasks = planes*((args.H.output + args.row_block - 1)//args.row_block)
    args.scratch_bytes = (LINE + 2*line_samples(args))*<Py_ssize_t>sizeof(real) + LINE*8


cdef void pool_task(const PoolArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    cdef Py_ssize_t n_h = (args.H.output + args.row_block - 1)//args.row_block
    cdef Py_ssize_t oh = task % n_h*args.row_block
    cdef Py_ssize_t end = min(args.H.output, oh + args.row_block)
    cdef Py_ssize_t od = task//n_h % args.D.output
    cdef Py_ssize_t rest = task//(n_h*args.D.output)
    cdef Py_ssize_t c = 0, index, ow
    cdef int axis
    cdef const char* plane = args.x.data
    cdef char* out = args.y.data
    cdef char* out_indices = args.indices.data
    cdef bint include_pad = args.kind != POOL_MAX and args.count_include_pad
    cdef Window wd = window_at(&args.D, od, include_pad)
    cdef Window wh, ww
    if not args.channel_lanes:
        c = rest % args.C
        rest //= args.C
    for axis in range(args.batch_ndim - 1, -1, -1):
        index = rest % args.batch_shape[axis]
        rest //= args.batch_shape[axis]
        plane += index*args.x.batch[axis]
        out += index*args.y.batch[axis]
        out_indices += index*args.indices.batch[axis] if args.with_indices else 0
    plane += c*args.x.channel
    out += c*args.y.channel + od*args.y.d
    if args.with_indices:
        out_indices += c*args.indices.channel + od*args.indices.d
    while oh < end:
        wh = window_at(&args.H, oh, include_pad)
        if args.channel_lanes:
            for ow in range(args.W.output):
                ww = window_at(&args.W, ow, include_pad)
                walk_channels(args, scratch, plane, out + oh*args.y.h + ow*args.y.w,
                              out_indices + oh*args.indices.h + ow*args.indices.w, &wd, &wh, &ww)
        elif args.with_indices or args.nan_omit and args.kind != POOL_MAX:
            walk_row(args, scratch, plane, out + oh*args.y.h, out_indices + oh*args.indices.h, &wd, &wh)
        else:
            fold_row(args, scratch, plane, out + oh*args.y.h, &wd, &wh)
        oh += 1


cdef void pool_run(const void* opaque, char* scratch, Py_ssize_t first, Py_ssize_t last,
                   int num_threads) noexcept nogil:
    cdef const PoolArgs* args = <const PoolArgs*>opaque
    cdef Py_ssize_t task
    if num_threads == 1:
        for task in range(first, last):
            pool_task(args, scratch, task)
    else:
        for task in prange(first, last, schedule="dynamic", num_threads=num_threads):
            pool_task(args, scratch + threadid()*args.scratch_bytes, task)


cdef PoolKernels kernels
kernels.abi = KERNEL_ABI
kernels.lanes = LANES
kernels.plan = pool_plan
kernels.run = pool_run
CAPSULE = PyCapsule_New(&kernels, "cconv.PoolKernels", NULL)
