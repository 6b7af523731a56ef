"""Convolution along one long line: segments of the line side by side in the vector lanes.

Design:
a. A row kernel has nothing to share when there is one row: every tap would load its own unaligned vector. Cut into
   LN_V*LANES segments, packed transposed (time down, segments across), one aligned load of a moment serves LN_R
   outputs of every segment, and taps are broadcast: 79 % of the FMA peak where the row kernel reached half of that.
b. Segments overlap by the kernel's length in the packed block, so they are at least twice as long as the kernel.
c. Sums run over (ic, kw): the same order as everywhere.
"""
from cconv._kernels.pack cimport (
    aligned_reals, batch_offsets, channel_offset, constant_value, is_direct, pack_line,
)
from cconv._kernels.simd cimport LANES, LN_R, LN_V, inlined, real, transpose_block, vkeep, vload, vreal, vstore, vzero
from cconv._kernels.store cimport finish_row
from cconv._kernels.types cimport ConvArgs

cdef enum:
    SEGMENTS = LN_V*LANES


cdef inline inlined line_step(vreal* acc, const real* moment, const real* weight, int first, int last) noexcept nogil:
    """One moment of all segments feeds outputs first..last; output o takes tap -o relative to `weight`."""
    cdef vreal x[4]
    cdef real w
    cdef int o, v
    for v in range(LN_V):
        x[v] = vkeep(vload(moment + v*LANES))
    for o in range(first, last + 1):
        w = (weight - o)[0]
        for v in range(LN_V):
            acc[o*LN_V + v] = acc[o*LN_V + v] + w*x[v]


cdef inline inlined line_tile(real* sums, const real* moments, const real* weight, Py_ssize_t KW,
                              bint accumulate) noexcept nogil:
    """sums[o][segment] (+)= sum over kw of weight[kw] * moments[o + kw][segment], for LN_R outputs; KW >= LN_R."""
    cdef vreal acc[32]
    cdef Py_ssize_t j
    cdef int i
    for i in range(LN_R*LN_V):
        acc[i] = vload(sums + i*LANES) if accumulate else vzero()
    for i in range(LN_R - 1):
        line_step(acc, moments + i*SEGMENTS, weight + i, 0, i)
    for j in range(LN_R - 1, KW):
        line_step(acc, moments + j*SEGMENTS, weight + j, 0, LN_R - 1)
    for i in range(1, LN_R):
        line_step(acc, moments + (KW - 1 + i)*SEGMENTS, weight + KW - 1 + i, i, LN_R - 1)
    for i in range(LN_R*LN_V):
        vstore(sums + i*LANES, acc[i])


cdef inline Py_ssize_t line_length(const ConvArgs* args) noexcept nogil:
    """Samples of one segment with its overlap, rounded up to whole transposed blocks."""
    return (args.TW.tile + args.W.kernel - 1 + LANES - 1)//LANES*LANES


cdef inline Py_ssize_t line_scratch(const ConvArgs* args) noexcept nogil:
    """Bytes that line_task uses, in its order: segment pointers, weights, moments, sums, lines."""
    cdef Py_ssize_t length = line_length(args)
    cdef Py_ssize_t reals = aligned_reals(args.W.kernel) + SEGMENTS*length
    reals += 2*SEGMENTS*(args.TW.tile + LANES) + SEGMENTS*length
    return SEGMENTS*<Py_ssize_t>sizeof(void*) + reals*<Py_ssize_t>sizeof(real)


cdef inline void transpose_lines(real* moments, real** lines, Py_ssize_t length) noexcept nogil:
    """moments[t][segment] = lines[segment][t], length a multiple of LANES."""
    cdef Py_ssize_t block
    cdef int v
    for block in range(length//LANES):
        for v in range(LN_V):
            transpose_block(moments + block*LANES*SEGMENTS + v*LANES, SEGMENTS, lines + v*LANES, block*LANES)


cdef inline void line_task(const ConvArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    """One task: SEGMENTS x TW.tile outputs of one output channel of one batch element."""
    cdef Py_ssize_t length = line_length(args)
    cdef Py_ssize_t tile = args.TW.tile
    cdef real** lines = <real**>scratch
    cdef real* weights = <real*>(scratch + SEGMENTS*sizeof(void*))
    cdef real* moments = weights + aligned_reals(args.W.kernel)
    cdef real* sums = moments + SEGMENTS*length
    cdef real* finished = sums + SEGMENTS*(tile + LANES)
    cdef real* packed = finished + SEGMENTS*(tile + LANES)
    cdef Py_ssize_t n_w = (args.W.output + SEGMENTS*tile - 1)//(SEGMENTS*tile)
    cdef Py_ssize_t ow = task % n_w*SEGMENTS*tile
    cdef Py_ssize_t oc = task//n_w % (args.G*args.OC)
    cdef Py_ssize_t ic, kw, s, t, start, count, x_offset, y_offset, w_offset
    cdef int v
    cdef const char* line
    cdef const real* weight
    cdef real* columns[LANES]
    cdef bint direct = is_direct(&args.x, args.batch_ndim)
    cdef char* out
    cdef const real* bias = <const real*>args.bias + oc if args.bias != NULL else NULL
    batch_offsets(args, task//(n_w*args.G*args.OC), &x_offset, &y_offset, &w_offset)
    out = args.y.data + y_offset + channel_offset(&args.y, oc)

    for ic in range(args.IC):
        weight = <const real*>args.weight + w_offset + (oc*args.IC + ic)*args.W.kernel
        for kw in range(args.W.kernel):
            weights[kw] = weight[args.W.kernel - 1 - kw] if args.flip else weight[kw]
        line = args.x.data + x_offset + channel_offset(&args.x, oc//args.OC*args.IC + ic)
        for s in range(SEGMENTS):
            start = ow + s*tile - args.W.pad
            if direct and start >= 0 and start + length <= args.W.size:
                lines[s] = <real*>line + start
            else:
                lines[s] = packed + s*length
                count = max(<Py_ssize_t>0, min(tile, args.W.output - ow - s*tile))
                if count > 0:
                    count += args.W.kernel - 1
                    pack_line(lines[s], line, args.x.w, args.x.dtype, start, count, 1, args.W.size, args.W.boundary,
                              constant_value(args, ic))
                for t in range(count, length):
                    lines[s][t] = <real>0
        transpose_lines(moments, lines, length)
        for t in range(tile//LN_R):
            line_tile(sums + t*LN_R*SEGMENTS, moments + t*LN_R*SEGMENTS, weights, args.W.kernel, ic > 0)

    # back from [t][segment] to lines: the same transposition, LANES moments at a time
    t = 0
    while t < tile:
        for v in range(LN_V):
            for kw in range(LANES):
                columns[kw] = sums + (t + kw)*SEGMENTS + v*LANES
            transpose_block(finished + v*LANES*(tile + LANES) + t, tile + LANES, columns, 0)
        t += LANES
    for s in range(SEGMENTS):
        start = ow + s*tile
        count = min(tile, args.W.output - start)
        if count <= 0:
            break
        finish_row(out + start*args.y.w, finished + s*(tile + LANES), count, args.y.w, args.y.dtype, bias,
                   0, args.activation)
