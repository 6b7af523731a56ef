"""Maxima of adaptive windows, and where they stand.

Design: rows first, lanes along the row, then the columns of each window. The first maximum of a column is that of its
first row; of equal maxima in a window's columns the smallest index is the first in row-major order.
"""
from cconv._kernels.pool_spans cimport Span, span_of
from cconv._kernels.pool_walk cimport take_maximum
from cconv._kernels.pool_window cimport LOWEST, NOT_A_NUMBER, load_samples, store_indices, store_values
from cconv._kernels.simd cimport is_nan, real
from cconv._kernels.types cimport SpanArgs

cdef enum:
    PICK_LINE = 4096            # samples of a line: of some columns, or of a pixel's channels


cdef inline void pick_plan(SpanArgs* args) noexcept nogil:
    cdef Py_ssize_t ratio = (args.W.sources + args.W.size - 1)//args.W.size, columns
    args.column_block = min(args.W.size, max(<Py_ssize_t>1, PICK_LINE//args.unit//ratio))
    columns = min(args.W.sources, args.column_block*ratio + 2)      # a window has up to ratio + 1
    args.line = (max(columns, args.column_block)*args.unit + 15)//16*16
    args.scratch_bytes = args.line*(3*<Py_ssize_t>sizeof(real) + 2*8)


cdef inline bint is_better(real value, long long index, real best, long long best_index, bint omit) noexcept nogil:
    if is_nan(value) or is_nan(best):
        if is_nan(value) and is_nan(best):
            return index < best_index
        return is_nan(best) if omit else is_nan(value)
    return value > best or value == best and index < best_index


cdef inline void pick_rows(const SpanArgs* args, real* values, long long* indices, real* buffer, const char* x,
                           const Span* depth, const Span* height, Py_ssize_t source, Py_ssize_t columns,
                           Py_ssize_t unit) noexcept nogil:
    """The first maximum of each of the columns from `source` on."""
    cdef Py_ssize_t n = columns*unit, i, t, od, oh
    cdef long long first = (depth.first*args.H.sources + height.first)*args.W.sources + source
    cdef const char* row
    for t in range(columns):
        for i in range(unit):
            values[t*unit + i] = NOT_A_NUMBER if args.nan_omit else LOWEST
            indices[t*unit + i] = first + t
    for od in range(depth.first, depth.last):
        for oh in range(height.first, height.last):
            row = x + od*args.x.d + oh*args.x.h + source*args.x.w
            first = (od*args.H.sources + oh)*args.W.sources + source
            if unit == 1:
                load_samples(buffer, row, n, args.x.w, args.x.dtype)
                take_maximum(values, indices, buffer, n, 1, first, 1, args.nan_omit)
            else:
                for t in range(columns):
                    load_samples(buffer, row + t*args.x.w, unit, args.x.channel, args.x.dtype)
                    take_maximum(values + t*unit, indices + t*unit, buffer, unit, 1, first + t, 0, args.nan_omit)


cdef inline void pick_task(const SpanArgs* args, char* scratch, const char* x, char* out, char* out_indices,
                           Py_ssize_t d, Py_ssize_t h, Py_ssize_t end, Py_ssize_t w, Py_ssize_t unit) noexcept nogil:
    """Rows h..end-1 of slice d, outputs from `w` on, of `unit` channels side by side."""
    cdef real* values = <real*>scratch
    cdef real* buffer = values + args.line
    cdef real* best = buffer + args.line
    cdef long long* indices = <long long*>(best + args.line)
    cdef long long* places = indices + args.line
    cdef Py_ssize_t n = min(args.column_block, args.W.size - w), t, i, o, k
    cdef Py_ssize_t source = span_of(&args.W, w).first, columns = span_of(&args.W, w + n - 1).last - source
    cdef Span depth = span_of(&args.D, d), height, width
    while h < end:
        height = span_of(&args.H, h)
        pick_rows(args, values, indices, buffer, x, &depth, &height, source, columns, unit)
        for t in range(n):
            width = span_of(&args.W, w + t)
            for i in range(unit):
                k = (width.first - source)*unit + i
                best[t*unit + i], places[t*unit + i] = values[k], indices[k]
            for o in range(width.first + 1, width.last):
                for i in range(unit):
                    k = (o - source)*unit + i
                    if is_better(values[k], indices[k], best[t*unit + i], places[t*unit + i], args.nan_omit):
                        best[t*unit + i], places[t*unit + i] = values[k], indices[k]
        for t in range(n if unit > 1 else 1):
            i = unit if unit > 1 else n
            k = d*args.y.d + h*args.y.h + (w + t)*args.y.w
            store_values(out + k, best + t*unit, i, args.y.channel if unit > 1 else args.y.w, args.y.dtype)
            if args.with_indices:
                k = d*args.indices.d + h*args.indices.h + (w + t)*args.indices.w
                store_indices(out_indices + k, places + t*unit, i, args.indices.channel if unit > 1 else args.indices.w,
                              args.indices.dtype)
        h += 1
