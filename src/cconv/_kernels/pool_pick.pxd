"""Maxima of adaptive windows, and where they stand.

Design: rows first, lanes along the row, then the columns of each window. The first maximum of a column is that of its
first row; of equal maxima in a window's columns the smallest index is the first in row-major order.
"""
from cconv._kernels.pool_spans cimport Span, span_of
from cconv._kernels.pool_walk cimport start_walk, take_extreme
from cconv._kernels.pool_window cimport LOWEST, NOT_A_NUMBER, load_samples, store_indices, store_values
from cconv._kernels.simd cimport is_nan, place, real
from cconv._kernels.types cimport SpanArgs

cdef enum:
    PICK_LINE = 4096            # samples of a line: of some columns, or of a pixel's channels


cdef inline void pick_plan(SpanArgs* args) noexcept nogil:
    cdef Py_ssize_t ratio = (args.W.sources + args.W.size - 1)//args.W.size, columns
    args.column_block = min(args.W.size, max(<Py_ssize_t>1, PICK_LINE//args.unit//ratio))
    columns = min(args.W.sources, args.column_block*ratio + 2)      # a window has up to ratio + 1
    args.line = (max(columns, args.column_block)*args.unit + 15)//16*16
    args.scratch_bytes = args.line*(5*<Py_ssize_t>sizeof(real) + 8)


cdef inline bint is_better(real value, place here, real best, place best_place, bint omit) noexcept nogil:
    """Without branches: the lanes are channels, or one."""
    cdef bint missing = is_nan(value), best_missing = is_nan(best), earlier = here < best_place
    return ((value > best) | ((value == best) & earlier) | (missing & best_missing & earlier)
            | ((best_missing & (not missing)) if omit else (missing & (not best_missing))))


cdef inline void pick_columns(real* best, place* best_places, const real* values, const place* places,
                              Py_ssize_t unit, Py_ssize_t columns, bint omit) noexcept nogil:
    """The first maximum of a window's columns, for each of its channels."""
    cdef Py_ssize_t i, t
    for i in range(unit):
        best[i] = values[i]
        best_places[i] = places[i]
    for t in range(1, columns):
        for i in range(unit):
            if is_better(values[t*unit + i], places[t*unit + i], best[i], best_places[i], omit):
                best[i] = values[t*unit + i]
                best_places[i] = places[t*unit + i]


cdef inline void pick_rows(const SpanArgs* args, real* values, place* places, real* buffer, const char* x,
                           const Span* depth, const Span* height, Py_ssize_t source, Py_ssize_t columns,
                           Py_ssize_t unit) noexcept nogil:
    """The first maximum of each of the columns from `source` on; places are counted from the first sample of all."""
    cdef Py_ssize_t n = columns*unit, i, t, od, oh
    cdef place here
    cdef const char* row
    start_walk(values, places, n, NOT_A_NUMBER if args.nan_omit else LOWEST, 0)
    for od in range(depth.first, depth.last):
        for oh in range(height.first, height.last):
            row = x + od*args.x.d + oh*args.x.h + source*args.x.w
            here = ((od - depth.first)*args.H.sources + oh - height.first)*args.W.sources
            if unit == 1:
                load_samples(buffer, row, n, args.x.w, args.x.dtype)
            else:
                for t in range(columns):
                    load_samples(buffer + t*unit, row + t*args.x.w, unit, args.x.channel, args.x.dtype)
            take_extreme(values, places, buffer, n, 1, here, args.nan_omit, False)
    for t in range(columns):
        for i in range(unit):
            places[t*unit + i] += t


cdef inline void pick_task(const SpanArgs* args, char* scratch, const char* x, char* out, char* out_indices,
                           Py_ssize_t d, Py_ssize_t h, Py_ssize_t end, Py_ssize_t w, Py_ssize_t unit) noexcept nogil:
    """Rows h..end-1 of slice d, outputs from `w` on, of `unit` channels side by side."""
    cdef real* values = <real*>scratch
    cdef real* buffer = values + args.line
    cdef real* best = buffer + args.line
    cdef place* places = <place*>(best + args.line)
    cdef place* best_places = places + args.line
    cdef long long* indices = <long long*>(best_places + args.line)
    cdef Py_ssize_t n = min(args.column_block, args.W.size - w), t, i, k
    cdef Py_ssize_t source = span_of(&args.W, w).first, columns = span_of(&args.W, w + n - 1).last - source
    cdef long long first
    cdef Span depth = span_of(&args.D, d), height, width
    while h < end:
        height = span_of(&args.H, h)
        pick_rows(args, values, places, buffer, x, &depth, &height, source, columns, unit)
        for t in range(n):
            width = span_of(&args.W, w + t)
            k = (width.first - source)*unit
            pick_columns(best + t*unit, best_places + t*unit, values + k, places + k, unit, width.last - width.first,
                         args.nan_omit)
        first = (depth.first*args.H.sources + height.first)*args.W.sources + source
        for i in range(n*unit):
            indices[i] = first + best_places[i]
        for t in range(n if unit > 1 else 1):
            i = unit if unit > 1 else n
            k = d*args.y.d + h*args.y.h + (w + t)*args.y.w
            store_values(out + k, best + t*unit, i, args.y.channel if unit > 1 else args.y.w, args.y.dtype)
            if args.with_indices:
                k = d*args.indices.d + h*args.indices.h + (w + t)*args.indices.w
                store_indices(out_indices + k, indices + t*unit, i,
                              args.indices.channel if unit > 1 else args.indices.w, args.indices.dtype)
        h += 1
