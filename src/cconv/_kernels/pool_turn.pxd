"""Sums over spans of small planes, channels first: planes of LANES channels are turned into pixels of LANES channels,
whose targets are turned back.

Design: a row of a plane takes some 90 cycles beside its samples: spans, weights, passes that end in the middle of a
vector. Pixels share all that, and turning in registers takes half a cycle per sample each way. 13x13 from 6x6 takes
0.3 of the time, 3x3 windows on 28x28 0.6 and on 56x56 0.85 of it.
"""
from cconv._kernels.pool_scatter cimport is_ready
from cconv._kernels.pool_spans cimport span_of
from cconv._kernels.pool_spread cimport spread_plan, spread_task
from cconv._kernels.pool_window cimport lies_ready
from cconv._kernels.simd cimport FLOATING, LANES, apart, real, transpose_strided
from cconv._kernels.types cimport Array, SpanArgs

cdef enum:
    COLUMNS_PER_LANE = 8        # f64, 4 lanes: rows of 28 take 0.95 of the time, rows of 56 1.3 times as long
    MOST_CHANNELS = 16
    SOURCE_BYTES = 128*1024     # of turned sources
    TARGET_BYTES = 16*1024      # of targets, which go from L1


cdef inline bint are_planes(const Array* array, Py_ssize_t W, int batch_ndim) noexcept nogil:
    """True if the rows of its planes follow each other, aligned."""
    return (is_ready(array, batch_ndim) and lies_ready(array.data, array.w, array.dtype)
            and array.h == W*<Py_ssize_t>sizeof(real))


cdef inline Py_ssize_t source_bytes(const SpanArgs* args, Py_ssize_t channels) noexcept nogil:
    return args.H.sources*args.W.sources*channels*<Py_ssize_t>sizeof(real)


cdef inline Py_ssize_t rows_at_a_time(const SpanArgs* args) noexcept nogil:
    return min(args.H.size, max(<Py_ssize_t>1, TARGET_BYTES//(args.W.size*args.turned*<Py_ssize_t>sizeof(real))))


cdef inline SpanArgs as_pixels(const SpanArgs* args) noexcept nogil:
    """The same for pixels of `turned` channels in scratch."""
    cdef SpanArgs pixels = args[0]
    pixels.unit = args.turned
    pixels.x.channel = pixels.y.channel = sizeof(real)
    pixels.x.w = pixels.y.w = args.turned*<Py_ssize_t>sizeof(real)
    pixels.x.h = pixels.x.w*args.W.sources
    pixels.y.h = pixels.y.w*args.W.size
    return pixels


cdef inline Py_ssize_t channels_to_turn(const SpanArgs* args) noexcept nogil:
    """Some vectors of channels that leave none over, or one vector; 0 if planes had better stay as they are."""
    cdef Py_ssize_t channels = MOST_CHANNELS
    if not (FLOATING and LANES > 1 and args.unit == 1 and args.C >= LANES and args.norm == 0 and not args.tiles
            and not args.constant and args.D.size == 1 and args.D.sources == 1 and args.H.size > 1
            and max(args.W.size, args.W.sources) <= COLUMNS_PER_LANE*LANES and (args.H.adaptive or args.H.dilation == 1)
            and are_planes(&args.x, args.W.sources, args.batch_ndim)
            and are_planes(&args.y, args.W.size, args.batch_ndim)):
        return 0
    while channels > LANES and (args.C % channels or source_bytes(args, channels) > SOURCE_BYTES):
        channels //= 2
    return channels if source_bytes(args, channels) <= SOURCE_BYTES else 0


cdef inline void turn_plan(SpanArgs* args) noexcept nogil:
    """After spread_plan: whether to turn, and the scratch for it."""
    cdef SpanArgs pixels
    args.turned = channels_to_turn(args)
    if args.turned == 0:
        return
    pixels = as_pixels(args)
    spread_plan(&pixels)
    if pixels.column_block < args.W.size:
        args.turned = 0
        return
    args.line = max(args.line, pixels.line)
    args.scratch_bytes = (max(args.scratch_bytes, pixels.scratch_bytes) + 63)//64*64 \
        + source_bytes(args, args.turned) + rows_at_a_time(args)*pixels.y.h


cdef inline apart turn(real* dst, Py_ssize_t dst_pitch, const real* src, Py_ssize_t src_pitch, Py_ssize_t n,
                       Py_ssize_t channels, bint to_pixels) noexcept nogil:
    """n samples of so many channels, `pitch` apart, to pixels `pitch` apart, or back. `channels`: whole vectors."""
    cdef Py_ssize_t i, c, _block
    cdef Py_ssize_t dst_step = dst_pitch if to_pixels else 1, src_step = 1 if to_pixels else src_pitch
    cdef Py_ssize_t dst_lane = 1 if to_pixels else dst_pitch, src_lane = src_pitch if to_pixels else 1
    for _block in range(channels//LANES):
        i = 0
        while i < n and n >= LANES:
            i = min(i, n - LANES)           # the last vectors once more in part
            transpose_strided(dst + i*dst_step, dst_pitch, src + i*src_step, src_pitch)
            i += LANES
        while i < n:
            for c in range(LANES):
                dst[i*dst_step + c*dst_lane] = src[i*src_step + c*src_lane]
            i += 1
        dst += LANES*dst_lane
        src += LANES*src_lane


cdef inline void turn_task(const SpanArgs* args, char* scratch, const char* x, char* out, Py_ssize_t h, Py_ssize_t end,
                           Py_ssize_t channels) noexcept nogil:
    """Rows h..end-1 of so many channels."""
    cdef SpanArgs pixels = as_pixels(args)
    cdef Py_ssize_t unit = args.turned, rows = rows_at_a_time(args), size = sizeof(real)
    cdef Py_ssize_t first = span_of(&args.H, h).first, last, row, _group
    cdef Py_ssize_t n = max(<Py_ssize_t>0, span_of(&args.H, end - 1).last - first)*args.W.sources
    cdef char* targets = scratch + args.scratch_bytes - rows*pixels.y.h
    cdef char* sources = targets - source_bytes(args, unit)
    for _group in range(channels//unit):
        turn(<real*>sources, unit, <const real*>(x + first*args.x.h), args.x.channel//size, n, unit, True)
        row = h
        while row < end:
            last = min(end, row + rows)
            spread_task(&pixels, scratch, sources - first*pixels.x.h, NULL, targets - row*pixels.y.h, NULL, 0, row,
                        last, 0, unit)
            turn(<real*>(out + row*args.y.h), args.y.channel//size, <real*>targets, unit, (last - row)*args.W.size,
                 unit, False)
            row = last
        x += unit*args.x.channel
        out += unit*args.y.channel
    if channels % unit:
        spread_task(args, scratch, x, NULL, out, NULL, 0, h, end, 0, channels % unit)
