"""Pooling of whole planes: one output per channel, and the plane's samples are one run.

Design:
a. A plane is folded into one vector, which takes one load per LANES samples; then LANES planes' vectors are interleaved
   and folded, until each lane is a plane: two shuffles and a fold per plane instead of 2*log2(LANES). Line by line
   (pool_fold.pxd), 7x7 samples took 20 times as long.
b. A sum is RUN + n/(4*RUN*LANES) + 3 + log2(LANES) additions deep for n samples. Where that is more than pool_fold.pxd
   promises, which is so for planes of a million samples and for thin ones, the plan leaves the plane to it.
"""
from cconv._kernels.pool_lines cimport divide_by, fold, neutral_value, op_of
from cconv._kernels.pool_window cimport Window, lies_ready, load_samples, store_values, window_at
from cconv._kernels.simd cimport (
    FLOATING, FOLD_MAX, FOLD_MAX_PRESENT, FOLD_MIN, FOLD_MIN_PRESENT, FOLD_SUM, LANES, inlined, real, vbetween, vfold,
    vload, vreal, vstore, vzip_high, vzip_low,
)
from cconv._kernels.types cimport POOL_AVG, POOL_LP, Axis, PoolArgs

cdef enum:
    RUN = 16                    # vectors that are added one to the other before they join the rest
    PLANE_SAMPLES = 16384       # of a plane whose samples have to be converted


cdef inline bint covers(const Axis* axis) noexcept nogil:
    """True if there is one window, and it has every sample."""
    cdef Window window = window_at(axis, 0, False)
    return axis.output == 1 and axis.dilation == 1 and window.last - window.first == axis.size


cdef inline Py_ssize_t plane_samples(const PoolArgs* args) noexcept nogil:
    return args.D.size*args.H.size*args.W.size


cdef inline bint fits_planes(const PoolArgs* args) noexcept nogil:
    cdef Py_ssize_t n = plane_samples(args)
    cdef Py_ssize_t depth = RUN + n//(4*RUN*LANES) + 8
    if args.kind == POOL_LP or not (covers(&args.D) and covers(&args.H) and covers(&args.W)):
        return False
    if args.H.size > 1 and args.x.h != args.W.size*args.x.w or \
            args.D.size > 1 and args.x.d != args.H.size*args.W.size*args.x.w:
        return False
    if n > PLANE_SAMPLES and not lies_ready(args.x.data, args.x.w, args.x.dtype):
        return False
    if n < LANES*RUN:           # not so many additions
        depth = n//LANES + 8
    return args.kind != POOL_AVG or depth <= args.D.kernel + args.H.kernel + args.W.kernel


cdef inline Py_ssize_t plane_scratch(const PoolArgs* args) noexcept nogil:
    return (min(plane_samples(args), <Py_ssize_t>PLANE_SAMPLES) + 4*LANES)*<Py_ssize_t>sizeof(real)


cdef inline inlined fold_plane(vreal* result, const real* p, Py_ssize_t n, int op) noexcept nogil:
    """All of n samples, n >= LANES or a whole vector of them readable, in one vector."""
    cdef vreal total, a, b, c, d
    cdef Py_ssize_t i = 0, end
    cdef real rest = neutral_value(op)
    if n < LANES:
        result[0] = vbetween(vload(p), 0, <int>n, rest)
        return
    total = vload(p)
    i = LANES
    if n >= (4*RUN + 1)*LANES:
        while i + 4*RUN*LANES <= n:
            a = vload(p + i)
            b = vload(p + i + LANES)
            c = vload(p + i + 2*LANES)
            d = vload(p + i + 3*LANES)
            end = i + 4*RUN*LANES
            i += 4*LANES
            while i < end:
                a = vfold(a, vload(p + i), op)
                b = vfold(b, vload(p + i + LANES), op)
                c = vfold(c, vload(p + i + 2*LANES), op)
                d = vfold(d, vload(p + i + 3*LANES), op)
                i += 4*LANES
            total = vfold(total, vfold(vfold(a, b, op), vfold(c, d, op), op), op)
    if i + 2*LANES <= n:
        a = vload(p + i)
        b = vload(p + i + LANES)
        i += 2*LANES
        while i + 2*LANES <= n:
            a = vfold(a, vload(p + i), op)
            b = vfold(b, vload(p + i + LANES), op)
            i += 2*LANES
        total = vfold(total, vfold(a, b, op), op)
    if i + LANES <= n:
        total = vfold(total, vload(p + i), op)
        i += LANES
    if i < n:
        total = vfold(total, vbetween(vload(p + n - LANES), <int>(LANES - (n - i)), LANES, rest), op)
    result[0] = total


cdef inline inlined interleave(vreal* values, int pairs, int op) noexcept nogil:
    """Halve how many vectors there are; pairs is a literal."""
    cdef int i
    for i in range(pairs):
        values[i] = vfold(vzip_low(values[i], values[i + pairs]), vzip_high(values[i], values[i + pairs]), op)


cdef inline inlined fold_planes_by(const PoolArgs* args, real* scratch, const char* plane, real* dst, int count,
                                   int op) noexcept nogil:
    """dst[i] = plane i folded, for up to LANES planes. Writes a whole vector."""
    cdef vreal values[64]
    cdef real lanes[64]
    cdef Py_ssize_t n = plane_samples(args)
    cdef const char* data = plane
    cdef int i, k
    cdef bint ready = (lies_ready(plane, args.x.w, args.x.dtype) and args.x.channel % <Py_ssize_t>sizeof(real) == 0
                       and (n >= LANES or args.x_end - data - max(<Py_ssize_t>0, (count - 1)*args.x.channel)
                            >= LANES*<Py_ssize_t>sizeof(real)))
    for i in range(count):
        if ready:
            fold_plane(values + i, <const real*>data, n, op)
        else:
            load_samples(scratch, data, n, args.x.w, args.x.dtype)
            fold_plane(values + i, scratch, n, op)
        data += args.x.channel
    if sizeof(real) >= 4:
        for i in range(count, LANES):
            values[i] = values[0]
        if LANES > 8:
            interleave(values, 8, op)
        if LANES > 4:
            interleave(values, 4, op)
        if LANES > 2:
            interleave(values, 2, op)
        if LANES > 1:
            interleave(values, 1, op)
        vstore(dst, values[0])
        return
    for i in range(count):      # 8 and 16 bits: the compiler knows how to find a maximum
        vstore(lanes, values[i])
        dst[i] = lanes[0]
        for k in range(1, LANES):
            dst[i] = fold(dst[i], lanes[k], op)


cdef inline void plane_task(const PoolArgs* args, char* scratch, const char* plane, char* out, Py_ssize_t channels,
                            Py_ssize_t divisor) noexcept nogil:
    """So many channels, one output each."""
    cdef real* values = <real*>scratch
    cdef real* samples = values + 2*LANES
    cdef real* dst
    cdef Py_ssize_t c = 0
    cdef int count, op = op_of(args)
    while c < channels:
        count = <int>min(<Py_ssize_t>LANES, channels - c)
        dst = values
        if count == LANES and lies_ready(out, args.y.channel, args.y.dtype):
            dst = <real*>out
        if op == FOLD_MAX:
            fold_planes_by(args, samples, plane, dst, count, FOLD_MAX)
        elif not FLOATING or op == FOLD_MIN:
            fold_planes_by(args, samples, plane, dst, count, FOLD_MIN)
        elif op == FOLD_SUM:
            fold_planes_by(args, samples, plane, dst, count, FOLD_SUM)
            divide_by(dst, dst, LANES, divisor)
        elif op == FOLD_MAX_PRESENT:
            fold_planes_by(args, samples, plane, dst, count, FOLD_MAX_PRESENT)
        else:
            fold_planes_by(args, samples, plane, dst, count, FOLD_MIN_PRESENT)
        if dst == values:
            store_values(out, values, count, args.y.channel, args.y.dtype)
        plane += count*args.x.channel
        out += count*args.y.channel
        c += count
