"""Sums of samples over spans, one span per target and axis: gradients of means, and means of adaptive windows.

Design:
a. What a window of targets gave to a mean comes back as the sum over the windows that hold a sample. Seen from the
   sample, and from an output of an adaptive pool, that is a gather: along each axis, a target sums the sources of its
   span (pool_spans.pxd).
b. Rows first, weighted by what each is divided by, into one line; then the line's columns into a row of targets.
   Neighbouring rows of targets with the same rows of sources are copied.
c. Columns: windows of stride 1 as in pool_fold.pxd; a small stride deals targets out into phases, each of which is a
   window of stride 1; what is left goes target by target, or pixel by pixel in channels last.
d. Nothing is subtracted: |error| <= (sources along D + H + W + 3)*eps*(sum of |x| over what each is divided by).
"""
from libc.string cimport memcpy

from cconv._kernels.elements cimport item_size, load_row, store_row
from cconv._kernels.pool_lines cimport fold_two, fold_window
from cconv._kernels.pool_powers cimport power
from cconv._kernels.pool_spans cimport Span, floor_div, is_constant, quotient, span_of, step_of, targets_of
from cconv._kernels.pool_window cimport lies_ready
from cconv._kernels.simd cimport FOLD_SUM, LANES, alone, apart, inlined, real
from cconv._kernels.types cimport Array, SpanArgs, SpanAxis

cdef enum:
    SPREAD_BYTES = 32768        # of a line of sources or targets
    ROWS = 4                    # rows of sources that are added in one pass
    PHASES = 4                  # the largest stride that is dealt out
    TILE_LINE = 2048            # targets of several rows at a time, where windows are tiles

cdef struct Strip:
    # some neighbouring targets of a row, of one channel or of `unit` of them, and room to sum their sources
    Py_ssize_t unit
    Py_ssize_t start            # the first target
    Py_ssize_t targets
    Py_ssize_t source           # the source under the first column, may be negative
    Py_ssize_t columns
    Py_ssize_t first            # the columns first..last-1 are sources
    Py_ssize_t last
    Py_ssize_t pitch            # reals of a line
    const char* x
    const char* norms
    real* line
    real* values                # a row of targets
    real* samples               # of lp: the input's row
    real* rows                  # ROWS lines: samples converted
    real* work                  # PHASES + 2 lines
    real* weights               # of the sources, one each
    Span* spans                 # of the targets, where they go one by one
    Py_ssize_t taps[PHASES]     # where a stride is dealt out: the kernel's taps that meet each phase,
    Py_ssize_t phase            # that of the first target,
    Py_ssize_t before           # and the line's columns before those of its group
    bint in_pairs               # up to two sources each: `spans` are their columns, or that of a zero after the last


# --- strips -----------------------------------------------------------------------------------------------------------

cdef inline void merge_axes(SpanArgs* args) noexcept nogil:
    """H and W as one axis where all of their targets have the same sources and follow each other in memory."""
    if is_constant(&args.H) and is_constant(&args.W) and args.norm == 0 \
            and (args.W.size == 1 or args.H.size == 1 or args.y.h == args.y.w*args.W.size):
        if args.W.size == 1:
            args.y.w = args.y.h
        args.scale /= targets_of(&args.H, 0) if args.H.weighted else 1
        args.scale /= targets_of(&args.W, 0) if args.W.weighted else 1
        args.H.weighted = args.W.weighted = False
        args.H.adaptive = args.W.adaptive = True
        args.W.size *= args.H.size
        args.H.size = 1


cdef inline bint by_taps(const SpanArgs* args) noexcept nogil:
    return not args.W.adaptive and args.W.stride == 1 and not is_constant(&args.W)


cdef inline bint by_phases(const SpanArgs* args) noexcept nogil:
    return not args.W.adaptive and args.unit == 1 and 1 < args.W.stride <= PHASES and args.W.dilation == 1


cdef inline void find_sources(const SpanArgs* args, Strip* strip, bint keep) noexcept nogil:
    """The columns of the line under the strip's targets; `keep`: fill in spans and weights."""
    cdef const SpanAxis* axis = &args.W
    cdef Py_ssize_t low = axis.sources, high = 0, i, end = strip.start + strip.targets, place
    cdef Span span
    cdef Py_ssize_t step = step_of(axis)
    strip.in_pairs = args.unit == 1 and not is_constant(axis)
    if by_taps(args):
        low = strip.start + axis.pad - (axis.kernel - 1)*axis.dilation
        high = end + axis.pad
    elif by_phases(args):
        place = floor_div(strip.start + axis.pad, axis.stride)
        strip.phase = strip.start + axis.pad - place*axis.stride
        strip.before = (axis.kernel - 1)//axis.stride
        for i in range(axis.stride):
            strip.taps[i] = (axis.kernel - 1 - i)//axis.stride + 1 if i < axis.kernel else 0
        low = place - strip.before
        high = floor_div(end - 1 + axis.pad, axis.stride) + 1
    elif is_constant(axis):
        low, high = 0, 1
    else:
        for i in range(strip.start, end):
            span = span_of(axis, i)
            if span.first < span.last:
                low = min(low, span.first)
                high = max(high, span.last)
            if keep:
                strip.spans[i - strip.start] = span
                strip.in_pairs = strip.in_pairs and span.last - span.first <= 2*step
        low = min(low, high)
    strip.source = low
    strip.columns = high - low
    strip.first = min(strip.columns, max(<Py_ssize_t>0, -low))
    strip.last = max(strip.first, min(strip.columns, axis.sources - low))
    if keep and strip.in_pairs and not by_taps(args) and not by_phases(args):
        for i in range(strip.targets):
            span = strip.spans[i]
            strip.spans[i].first = span.first - low if span.first < span.last else strip.columns
            strip.spans[i].last = span.first + step - low if span.first + step < span.last else strip.columns
    if keep and axis.weighted:
        for i in range(strip.first, strip.last):
            strip.weights[i - strip.first] = <real>1/<real>targets_of(axis, low + i)


cdef inline Py_ssize_t take_lines(Strip* strip, Py_ssize_t columns, real* scratch) noexcept nogil:
    """Cut `scratch` into lines of so many columns; how many reals that takes."""
    cdef Py_ssize_t spans = (columns + 15)//16*16*<Py_ssize_t>sizeof(Span)//<Py_ssize_t>sizeof(real)
    strip.pitch = (columns*strip.unit + 2*LANES + 15)//16*16
    strip.line = scratch
    strip.values = scratch + strip.pitch
    strip.samples = scratch + 2*strip.pitch
    strip.rows = scratch + 3*strip.pitch
    strip.work = scratch + (3 + ROWS)*strip.pitch
    strip.weights = strip.work + (PHASES + 2)*strip.pitch
    strip.spans = <Span*>(strip.weights + strip.pitch)
    return (4 + ROWS + PHASES + 2)*strip.pitch + spans


cdef inline Py_ssize_t widest(const SpanArgs* args, Strip* strip) noexcept nogil:
    """Columns that any strip of the call needs, of sources or of targets."""
    cdef Py_ssize_t columns = 0
    strip.start = 0
    while strip.start < args.W.size:
        strip.targets = min(args.column_block, args.W.size - strip.start)
        find_sources(args, strip, False)
        columns = max(columns, max(strip.columns, strip.targets))
        strip.start += strip.targets
    return columns


cdef inline bint are_tiles(const SpanArgs* args) noexcept nogil:
    """True if windows side by side, without gaps, tile planes whose rows of sources follow each other in memory."""
    cdef Py_ssize_t size = sizeof(real)
    return (args.unit == 1 and not args.H.adaptive and args.norm == 0 and not args.H.weighted and not args.W.weighted
            and by_phases(args) and args.W.pad == 0 and args.W.kernel == args.W.stride
            and args.W.size == args.W.sources*args.W.stride and args.column_block == args.W.size
            and args.H.pad == 0 and args.H.kernel == args.H.stride and args.H.dilation == 1
            and args.H.size == args.H.sources*args.H.stride
            and lies_ready(args.x.data, args.x.w, args.x.dtype) and args.x.h == args.x.w*args.W.sources
            and args.x.channel % size == 0 and lies_ready(args.y.data, args.y.w, args.y.dtype)
            and args.y.h % size == 0 and args.y.channel % size == 0)


cdef inline void spread_plan(SpanArgs* args) noexcept nogil:
    cdef Strip strip
    cdef Py_ssize_t reach = 1, ratio
    cdef Py_ssize_t budget = SPREAD_BYTES//<Py_ssize_t>sizeof(real)
    if args.unit == 1:
        merge_axes(args)
    if by_taps(args) or by_phases(args):
        reach = (args.W.kernel - 1)*args.W.dilation + 1
    # a halo as long as the strip is work done twice
    ratio = max(<Py_ssize_t>1, args.W.sources//args.W.size)
    args.column_block = min(args.W.size, max(<Py_ssize_t>1, max(min(reach, 8*budget), budget//args.unit//ratio)))
    strip.unit = args.unit
    args.line = widest(args, &strip)
    args.tiles = are_tiles(args)
    args.constant = (args.unit == 1 and args.norm == 0 and not args.by_counts and args.D.sources == 1
                     and is_constant(&args.D) and is_constant(&args.H) and is_constant(&args.W)
                     and not args.H.weighted and not args.W.weighted)
    if args.tiles:
        args.line = max(args.line, min(args.W.size*args.H.size, <Py_ssize_t>TILE_LINE))
    args.scratch_bytes = take_lines(&strip, args.line, NULL)*<Py_ssize_t>sizeof(real)


# --- rows -------------------------------------------------------------------------------------------------------------

cdef inline void load_line(real* dst, const char* data, Py_ssize_t n, Py_ssize_t unit,
                           const Array* array) noexcept nogil:
    """n samples, or pixels of `unit` channels, converted."""
    cdef Py_ssize_t t, size = item_size(array.dtype)
    if unit == 1:
        load_row(dst, data, n, array.w, array.dtype)
    elif array.channel == size and array.w == unit*size:
        load_row(dst, data, n*unit, size, array.dtype)
    else:
        for t in range(n):
            load_row(dst + t*unit, data + t*array.w, unit, array.channel, array.dtype)


cdef inline bint lies_in_line(const char* data, Py_ssize_t unit, const Array* array) noexcept nogil:
    """True if a row's pixels are reals side by side."""
    if unit == 1:
        return lies_ready(data, array.w, array.dtype)
    return lies_ready(data, array.channel, array.dtype) and array.w == unit*<Py_ssize_t>sizeof(real)


cdef inline const real* source_row(const SpanArgs* args, const Strip* strip, Py_ssize_t d, Py_ssize_t h,
                                   real* buffer) noexcept nogil:
    """The strip's sources of one row; of lp: times norm**(1 - p), or 0 where the norm is."""
    cdef Py_ssize_t n = strip.last - strip.first, i
    cdef Py_ssize_t column = strip.source + strip.first
    cdef const char* data = strip.x + d*args.x.d + h*args.x.h + column*args.x.w
    cdef real* norms = strip.values         # not in use yet
    if args.norm == 0:
        if lies_in_line(data, strip.unit, &args.x):
            return <const real*>data
        load_line(buffer, data, n, strip.unit, &args.x)
        return buffer
    load_line(buffer, data, n, strip.unit, &args.x)
    load_line(norms, strip.norms + d*args.norms.d + h*args.norms.h + column*args.norms.w, n, strip.unit, &args.norms)
    for i in range(n*strip.unit):
        buffer[i] = buffer[i]*power(norms[i], 1 - args.norm) if norms[i] != 0 else <real>0
    return buffer


cdef inline inlined weigh_rows_by(alone dst, const real** rows, const real* weights, Py_ssize_t n, int count,
                                  bint fresh) noexcept nogil:
    cdef Py_ssize_t i
    cdef int t
    cdef real value
    for i in range(n):
        value = rows[0][i]*weights[0] if fresh else dst[i] + rows[0][i]*weights[0]
        for t in range(1, count):
            value = value + rows[t][i]*weights[t]
        dst[i] = value


cdef inline inlined weigh_rows_with(alone dst, const real** rows, const real* weights, Py_ssize_t n, int count,
                                    bint fresh) noexcept nogil:
    if count == 1:
        weigh_rows_by(dst, rows, weights, n, 1, fresh)
    elif count == 2:
        weigh_rows_by(dst, rows, weights, n, 2, fresh)
    elif count == 3:
        weigh_rows_by(dst, rows, weights, n, 3, fresh)
    elif count == 4:
        weigh_rows_by(dst, rows, weights, n, 4, fresh)


cdef inline void weigh_rows(real* dst, const real** rows, const real* weights, Py_ssize_t n, int count,
                            bint fresh) noexcept nogil:
    """dst = (dst +) the weighted sum of up to ROWS rows. `fresh` is a literal too: a product that is used twice is
    fused with a sum where vectors are made, and not in what is left of a row, whose bits then depend on the layout."""
    if fresh:
        weigh_rows_with(dst, rows, weights, n, count, True)
    else:
        weigh_rows_with(dst, rows, weights, n, count, False)


cdef inline void clear(real* dst, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        dst[i] = 0


cdef inline void sum_rows(const SpanArgs* args, const Strip* strip, const Span* depth,
                          const Span* height) noexcept nogil:
    """strip.line = the sources of a row of targets, weighted and added."""
    cdef Py_ssize_t unit = strip.unit, n = (strip.last - strip.first)*unit, od, oh, i, t, count
    cdef real* dst = strip.line + strip.first*unit
    cdef const real* rows[ROWS]
    cdef real weights[ROWS]
    cdef int held = 0
    cdef bint fresh = True
    cdef Py_ssize_t step_d = step_of(&args.D), step_h = step_of(&args.H)
    cdef real weight = <real>args.scale
    od = depth.first
    while od < depth.last:
        oh = height.first
        while oh < height.last:
            rows[held] = source_row(args, strip, od, oh, strip.rows + held*strip.pitch)
            if args.D.weighted or args.H.weighted:
                count = (targets_of(&args.D, od) if args.D.weighted else 1) \
                    * (targets_of(&args.H, oh) if args.H.weighted else 1)
                weight = <real>(args.scale/count)
            weights[held] = weight
            held += 1
            if held == ROWS:
                weigh_rows(dst, rows, weights, n, held, fresh)
                fresh = False
                held = 0
            oh += step_h
        od += step_d
    if held:
        weigh_rows(dst, rows, weights, n, held, fresh)
    elif fresh:
        clear(dst, n)
    if args.W.weighted:
        if unit == 1:
            for i in range(n):
                dst[i] = dst[i]*strip.weights[i]
        else:
            for t in range(strip.last - strip.first):
                for i in range(unit):
                    dst[t*unit + i] = dst[t*unit + i]*strip.weights[t]


# --- columns ----------------------------------------------------------------------------------------------------------

cdef inline inlined interleave(alone dst, const real** phases, Py_ssize_t n, int count) noexcept nogil:
    cdef Py_ssize_t q
    cdef int r
    for q in range(n):
        for r in range(count):
            dst[q*count + r] = phases[r][q]


cdef inline void sum_phases(const SpanArgs* args, const Strip* strip, real* dst) noexcept nogil:
    """Target w, at u = w + pad of the padded row, sums the sources u//stride and so many before it as the kernel's taps
    that meet the phase u % stride."""
    cdef Py_ssize_t stride = args.W.stride, n = strip.targets, i = 0, r, q = 0, taps, whole
    cdef Py_ssize_t groups = quotient(strip.phase + n - 1, stride) + 1
    cdef const real* phases[PHASES]
    cdef real* line
    for r in range(stride):
        taps = strip.taps[r]
        line = strip.work + (2 + r)*strip.pitch
        phases[r] = line
        if taps == 0:
            clear(line, groups)
        elif taps == 1:
            phases[r] = strip.line + strip.before
        else:
            fold_window(line, strip.line + strip.before - taps + 1, groups, taps, 1, strip.work,
                        strip.work + strip.pitch, FOLD_SUM)
    r = strip.phase
    while i < n and r:                  # up to the first whole group
        dst[i] = phases[r][0]
        i += 1
        r += 1
        if r == stride:
            r = 0
            q = 1
    whole = quotient(n - i, stride)
    for r in range(stride):
        phases[r] += q
    if stride == 2:
        interleave(dst + i, phases, whole, 2)
    elif stride == 3:
        interleave(dst + i, phases, whole, 3)
    else:
        interleave(dst + i, phases, whole, 4)
    i += whole*stride
    for r in range(n - i):
        dst[i + r] = phases[r][whole]


cdef inline void sum_targets(const SpanArgs* args, const Strip* strip, real* dst) noexcept nogil:
    """Target by target, with runs of the same sources copied."""
    cdef Py_ssize_t unit = strip.unit, t = 0, run, i, o, first, last, step = step_of(&args.W)
    cdef bint constant = is_constant(&args.W)
    cdef real value
    cdef real* pixel
    cdef const real* source
    if strip.in_pairs:
        strip.line[strip.columns] = 0
        for t in range(strip.targets):
            dst[t] = strip.line[strip.spans[t].first] + strip.line[strip.spans[t].last]
        return
    while t < strip.targets:
        first, last = 0, 1
        run = strip.targets
        if not constant:
            first, last = strip.spans[t].first, strip.spans[t].last
            run = 1
            while t + run < strip.targets and strip.spans[t + run].first == first and strip.spans[t + run].last == last:
                run += 1
        pixel = dst + t*unit
        if unit == 1:
            value = 0
            o = first
            while o < last:
                value = value + strip.line[o - strip.source]
                o += step
            for i in range(run):
                pixel[i] = value
        else:
            if first >= last:
                clear(pixel, unit)
            else:
                source = strip.line + (first - strip.source)*unit
                o = first + step
                if o < last:
                    fold_two(pixel, source, source + step*unit, unit, FOLD_SUM)
                    o += step
                else:
                    memcpy(pixel, source, unit*sizeof(real))
                while o < last:
                    fold_two(pixel, pixel, strip.line + (o - strip.source)*unit, unit, FOLD_SUM)
                    o += step
            for i in range(1, run):
                memcpy(pixel + i*unit, pixel, unit*sizeof(real))
        t += run


cdef inline void sum_columns(const SpanArgs* args, const Strip* strip, real* dst) noexcept nogil:
    if by_taps(args):
        fold_window(dst, strip.line, strip.targets*strip.unit, args.W.kernel, args.W.dilation*strip.unit, strip.work,
                    strip.work + strip.pitch, FOLD_SUM)
    elif by_phases(args):
        sum_phases(args, strip, dst)
    else:
        sum_targets(args, strip, dst)


# --- rows of targets --------------------------------------------------------------------------------------------------

cdef inline void divide_by_counts(const SpanArgs* args, const Strip* strip, real* dst, const Span* depth,
                                  const Span* height) noexcept nogil:
    """A mean over the samples of each span."""
    cdef Py_ssize_t t, i
    cdef real count
    cdef Span width
    for t in range(strip.targets):
        width = span_of(&args.W, strip.start + t)
        count = <real>((depth.last - depth.first)*(height.last - height.first)*(width.last - width.first))
        for i in range(strip.unit):
            dst[t*strip.unit + i] = dst[t*strip.unit + i]/count


cdef inline void times_power(const SpanArgs* args, const Strip* strip, real* dst) noexcept nogil:
    """The derivative of |x|**p over p at the strip's samples: sign(x) |x|**(p - 1), 0 at 0."""
    cdef Py_ssize_t i
    cdef real x
    for i in range(strip.targets*strip.unit):
        x = strip.samples[i]
        if x == 0:
            dst[i] = 0
        elif x < 0:
            dst[i] = -dst[i]*power(-x, args.norm - 1)
        else:
            dst[i] = dst[i]*power(x, args.norm - 1)


cdef inline void store_targets(const SpanArgs* args, const Strip* strip, char* out) noexcept nogil:
    """strip.values to a row of the result."""
    cdef Py_ssize_t t, size = item_size(args.y.dtype)
    if strip.unit == 1:
        store_row(out, strip.values, strip.targets, args.y.w, args.y.dtype)
    elif args.y.channel == size and args.y.w == strip.unit*size:
        store_row(out, strip.values, strip.targets*strip.unit, size, args.y.dtype)
    else:
        for t in range(strip.targets):
            store_row(out + t*args.y.w, strip.values + t*strip.unit, strip.unit, args.y.channel, args.y.dtype)


cdef inline void spread_tiles(const SpanArgs* args, const Strip* strip, char* out, const Span* depth, Py_ssize_t h,
                              Py_ssize_t end) noexcept nogil:
    """The same for tiles: some rows of sources at a time, each row of targets copied as often as it is needed."""
    cdef Strip tile = strip[0]
    cdef Span height
    cdef Py_ssize_t rows = max(<Py_ssize_t>1, args.line//args.W.size), row = h//args.H.stride, last
    height.first, height.last = 0, 1
    while h < end:
        last = min(row + rows, (end - 1)//args.H.stride + 1)
        tile.x = strip.x + row*args.x.h
        tile.targets = (last - row)*args.W.size
        tile.columns = tile.last = (last - row)*args.W.sources
        sum_rows(args, &tile, depth, &height)
        sum_phases(args, &tile, tile.values)
        while h < min(end, last*args.H.stride):
            memcpy(out, tile.values + (h//args.H.stride - row)*args.W.size, args.W.size*sizeof(real))
            out += args.y.h
            h += 1
        row = last


cdef inline void spread_constant(const SpanArgs* args, const Strip* strip, char* out, const Span* depth, Py_ssize_t h,
                                 Py_ssize_t end) noexcept nogil:
    """The same where one source holds all targets: small planes are done before a row's sums would have begun."""
    cdef real value = source_row(args, strip, depth.first, 0, strip.rows)[0]
    cdef real* dst
    cdef Py_ssize_t i
    value = value*<real>(args.scale/(targets_of(&args.D, depth.first) if args.D.weighted else 1))
    while h < end:
        dst = <real*>out if lies_in_line(out, 1, &args.y) else strip.values
        for i in range(strip.targets):
            dst[i] = value
        if dst == strip.values:
            store_targets(args, strip, out)
        out += args.y.h
        h += 1


cdef inline void spread_rows(const SpanArgs* args, Strip* strip, char* out, const char* samples, const Span* depth,
                             Py_ssize_t h, Py_ssize_t end) noexcept nogil:
    """Rows h..end-1 of the strip; `out` is its first target of row h."""
    cdef Span height, made              # rows of sources of this row; of strip.values, or the row before
    cdef char* before = NULL
    cdef real* dst
    cdef bint same, in_place
    made.first = -1
    while h < end:
        in_place = lies_in_line(out, strip.unit, &args.y)
        dst = <real*>out if in_place else strip.values
        height = span_of(&args.H, h)
        same = made.first == height.first and made.last == height.last and args.norm == 0 and not args.by_counts
        if same and in_place:
            memcpy(out, before, strip.targets*strip.unit*sizeof(real))
        elif not same:
            sum_rows(args, strip, depth, &height)
            sum_columns(args, strip, dst)
            if args.by_counts:
                divide_by_counts(args, strip, dst, depth, &height)
            if args.norm != 0:
                load_line(strip.samples, samples, strip.targets, strip.unit, &args.samples)
                times_power(args, strip, dst)
            made = height
        if not in_place:
            store_targets(args, strip, out)
        before = out
        out += args.y.h
        samples += args.samples.h if args.norm != 0 else 0
        h += 1


cdef inline apart spread_task(const SpanArgs* args, char* scratch, const char* x, const char* norms, char* out,
                              const char* samples, Py_ssize_t d, Py_ssize_t h, Py_ssize_t end, Py_ssize_t w,
                              Py_ssize_t channels) noexcept nogil:
    """Rows h..end-1 of slice d, targets from `w` on, of so many channels: side by side, or one after the other."""
    cdef Strip strip
    cdef Span depth = span_of(&args.D, d)
    cdef Py_ssize_t _plane
    strip.unit = channels if args.unit > 1 else 1
    strip.start = w
    strip.targets = min(args.column_block, args.W.size - w)
    take_lines(&strip, args.line, <real*>scratch)
    find_sources(args, &strip, True)
    clear(strip.line, strip.first*strip.unit)
    clear(strip.line + strip.last*strip.unit, (strip.columns - strip.last)*strip.unit)
    out += d*args.y.d + w*args.y.w + h*args.y.h
    if args.norm != 0:
        samples += d*args.samples.d + w*args.samples.w + h*args.samples.h
    for _plane in range(channels//strip.unit):
        strip.x = x
        strip.norms = norms
        if args.tiles:
            spread_tiles(args, &strip, out, &depth, h, end)
        elif args.constant:
            spread_constant(args, &strip, out, &depth, h, end)
        else:
            spread_rows(args, &strip, out, samples, &depth, h, end)
        x += args.x.channel
        out += args.y.channel
        if args.norm != 0:
            norms += args.norms.channel
            samples += args.samples.channel
