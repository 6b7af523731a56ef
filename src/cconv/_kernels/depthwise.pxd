"""Depthwise convolution, one output channel per input channel: channels in the lanes.

Design:
a. One vector holds LANES channels of one pixel. A tile is P outputs along W; a sample is loaded once for all outputs
   that it touches, and the weights of a kernel row are vectors that stay in registers. That is written out for kernels
   3, 5, 7 wide at stride 1 and 2; others load each sample once per tap.
b. Channels last is read and written where it lies. What lies otherwise (channels first, other types, a part of a
   vector) goes through a patch [pixel][lane] per LANES channels: transposed in registers, 0.25 shuffles per element
   each way, and no task, pointer table or short line per channel. 14x14 and 7x7 are what that is for: a vector of
   pixels would be half empty.
   Samples of an input gradient at a stride stand apart, with zeros between, in the patch: one pass of all taps over
   it took 0.1 to 0.6 as long as a pass for each phase, whose results are strided.
c. Samples that zero padding adds are left out, which for a kernel of finite weights is the same sum: at 7x7 a 7x7
   kernel has 57 % of its taps inside. Other padding, and weights that are not finite (0*inf is NaN), take a patch with
   the padding in it.
d. Sums run over (kd, kh, kw) in the order of the samples, whatever the tile: bits do not depend on the partition.
"""
from cconv._kernels.elements cimport is_native, item_size, load_row
from cconv._kernels.pack cimport (
    Span, batch_offsets, common_divisor, constant_value, is_aligned, is_direct, source_index, span_of,
)
from cconv._kernels.simd cimport (
    FLOATING, LANES, apart, inlined, real, transpose_strided, vkeep, vload, vreal, vrelu, vstore, vzero,
)
from cconv._kernels.store cimport finish_row
from cconv._kernels.types cimport ACT_NONE, ACT_RELU, PAD_CONSTANT, Axis, ConvArgs

cdef enum:
    SUMS_PIXELS = 16*LANES      # whose sums stay in L1 until they are stored
    DW_P = 8                    # outputs of a tile; 7 where that leaves no rest, as in 56, 28, 14, 7


# --- what is inside ---------------------------------------------------------------------------------------------------

cdef inline Py_ssize_t inner_tap(Py_ssize_t position, const Axis* axis, Py_ssize_t bound) noexcept nogil:
    """Taps of an output at `position` whose samples lie before `bound`."""
    if bound <= position:
        return 0
    if axis.dilation == 1:
        return min(axis.kernel, bound - position)
    return min(axis.kernel, (bound - position + axis.dilation - 1)//axis.dilation)


cdef inline bint may_skip(const ConvArgs* args) noexcept nogil:
    """Whether all that lies outside the image is zero, or is not read."""
    cdef bint zero = args.cval_int == 0
    if FLOATING:
        zero = args.cval[0] == 0
    return zero and (args.D.boundary == PAD_CONSTANT and args.H.boundary == PAD_CONSTANT
                     and args.W.boundary == PAD_CONSTANT)


cdef inline bint has_gaps(const ConvArgs* args) noexcept nogil:
    return args.D.gap + args.H.gap + args.W.gap > 0


cdef inline bint read_in_place(const ConvArgs* args) noexcept nogil:
    return (not has_gaps(args) and is_native(args.x.dtype) and args.x.channel == sizeof(real)
            and is_aligned(&args.x, args.batch_ndim) and may_skip(args))


cdef inline bint store_in_place(const ConvArgs* args) noexcept nogil:
    return (is_native(args.y.dtype) and args.y.channel == sizeof(real) and is_aligned(&args.y, args.batch_ndim)
            and adds_up(args))


cdef inline bint adds_up(const ConvArgs* args) noexcept nogil:
    """Whether a tile can finish its sums: nothing but relu on top."""
    return args.activation <= (ACT_RELU if FLOATING else ACT_NONE)


# --- outputs along W --------------------------------------------------------------------------------------------------

# What a run of outputs along one row reads and writes; strides and pitches in reals.
cdef struct Run:
    const real* x               # sample at position 0 of the first kernel row that is inside
    Py_ssize_t x_pitch          # between samples, kernel rows, kernel planes
    Py_ssize_t x_row
    Py_ssize_t x_plane
    const real* weight          # of the first kernel row inside; [kd][kh][kw][lane]
    Py_ssize_t weight_plane
    Py_ssize_t weight_vector    # to those of the next LANES channels
    Py_ssize_t planes           # kernel planes and rows inside
    Py_ssize_t rows
    Py_ssize_t low              # samples low <= position < high may be read
    Py_ssize_t high
    const real* bias            # [lane], or NULL
    bint relu
    real* y
    Py_ssize_t y_pitch
    Py_ssize_t vectors          # LANES channels each, neighbours in x and y


cdef inline inlined finish_tile(vreal* acc, const Run* run, Py_ssize_t output, Py_ssize_t vector, int P) noexcept nogil:
    cdef real* y = run.y + output*run.y_pitch + vector*LANES
    cdef vreal bias
    cdef int p
    if run.bias != NULL:
        bias = vload(run.bias + vector*LANES)
        for p in range(P):
            acc[p] = acc[p] + bias
    if run.relu:
        for p in range(P):
            acc[p] = vrelu(acc[p])
    for p in range(P):
        vstore(y, acc[p])
        y += run.y_pitch


cdef inline inlined sample_tile(const Run* run, Py_ssize_t output, Py_ssize_t position, Py_ssize_t vector, int P, int K,
                                int S, bint inside) noexcept nogil:
    """Outputs output.. + P of a kernel K wide at stride S; `position`: that of their first sample.

    Not `inside`: samples outside low..high are left out."""
    cdef vreal acc[8]
    cdef vreal w[8]
    cdef vreal x
    cdef const real* sample
    cdef const real* weight
    cdef Py_ssize_t plane, row
    cdef Py_ssize_t low = run.low - position
    cdef Py_ssize_t high = run.high - position
    cdef int j, k, p
    for p in range(P):
        acc[p] = vzero()
    for plane in range(run.planes):
        weight = run.weight + plane*run.weight_plane + vector*run.weight_vector
        for row in range(run.rows):
            sample = run.x + plane*run.x_plane + row*run.x_row + position*run.x_pitch + vector*LANES
            for k in range(K):
                w[k] = vkeep(vload(weight + k*LANES))
            weight += K*LANES
            for j in range((P - 1)*S + K):
                if inside or (low <= j and j < high):
                    x = vkeep(vload(sample))
                    for p in range(P):
                        if 0 <= j - p*S and j - p*S < K:
                            acc[p] = acc[p] + x*w[j - p*S]
                sample += run.x_pitch
    finish_tile(acc, run, output, vector, P)


cdef inline inlined tap_tile(const Run* run, Py_ssize_t output, Py_ssize_t position, Py_ssize_t step,
                             Py_ssize_t dilation, Py_ssize_t K, Py_ssize_t first, Py_ssize_t last, Py_ssize_t vector,
                             int P) noexcept nogil:
    """The same for any kernel width, stride and dilation: taps first..last - 1 of P outputs, `step` samples apart."""
    cdef vreal acc[8]
    cdef vreal w
    cdef const real* sample
    cdef const real* weight
    cdef Py_ssize_t plane, row, k
    cdef int p
    for p in range(P):
        acc[p] = vzero()
    for plane in range(run.planes):
        weight = run.weight + plane*run.weight_plane + vector*run.weight_vector
        for row in range(run.rows):
            sample = run.x + plane*run.x_plane + row*run.x_row + vector*LANES
            sample += (position + first*dilation)*run.x_pitch
            for k in range(first, last):
                w = vload(weight + k*LANES)
                for p in range(P):
                    acc[p] = acc[p] + vload(sample + p*step*run.x_pitch)*w
                sample += dilation*run.x_pitch
            weight += K*LANES
    finish_tile(acc, run, output, vector, P)


cdef inline inlined sample_tiles(const Run* run, Py_ssize_t start, Py_ssize_t n, int P, int K, int S) noexcept nogil:
    """n >= P outputs, the first of which reads from position `start` on; the last tile may overlap the one before."""
    cdef Py_ssize_t output = 0, position, v
    while True:
        output = min(output, n - P)
        position = start + output*S
        if run.low <= position and position + (P - 1)*S + K <= run.high:
            for v in range(run.vectors):
                sample_tile(run, output, position, v, P, K, S, True)
        else:
            for v in range(run.vectors):
                sample_tile(run, output, position, v, P, K, S, False)
        output += P
        if output >= n:
            break


cdef inline inlined sized_tiles(const Run* run, Py_ssize_t start, Py_ssize_t n, int K, int S) noexcept nogil:
    if n % DW_P != 0 and n % 7 == 0:
        sample_tiles(run, start, n, 7, K, S)
    elif n >= DW_P:
        sample_tiles(run, start, n, DW_P, K, S)
    else:
        sample_tiles(run, start, n, 4, K, S)


cdef inline inlined tap_tiles(const Run* run, const Axis* axis, Py_ssize_t start, Py_ssize_t n) noexcept nogil:
    """Tiles of outputs whose samples all may be read, and outputs one by one where some may not."""
    cdef Py_ssize_t output = 0, position, first, last, v
    cdef Py_ssize_t span = (axis.kernel - 1)*axis.dilation + 1
    while output < n:
        position = start + output*axis.stride
        if output + DW_P <= n and run.low <= position and position + (DW_P - 1)*axis.stride + span <= run.high:
            for v in range(run.vectors):
                tap_tile(run, output, position, axis.stride, axis.dilation, axis.kernel, 0, axis.kernel, v, DW_P)
            output += DW_P
        else:
            first = inner_tap(position, axis, run.low)
            last = inner_tap(position, axis, run.high)
            for v in range(run.vectors):
                tap_tile(run, output, position, axis.stride, axis.dilation, axis.kernel, first, last, v, 1)
            output += 1


cdef inline void run_outputs(const Run* run, const Axis* axis, Py_ssize_t start, Py_ssize_t n) noexcept nogil:
    """n outputs along W; literals, so that sums and weights stay in registers. Integers do without: few networks are of
    them, and this is a fifth of their modules."""
    if not FLOATING or n < 4 or axis.dilation > 1 or axis.stride > 2:
        tap_tiles(run, axis, start, n)
    elif axis.kernel == 3 and axis.stride == 1:
        sized_tiles(run, start, n, 3, 1)
    elif axis.kernel == 3:
        sized_tiles(run, start, n, 3, 2)
    elif axis.kernel == 5 and axis.stride == 1:
        sized_tiles(run, start, n, 5, 1)
    elif axis.kernel == 5:
        sized_tiles(run, start, n, 5, 2)
    elif axis.kernel == 7 and axis.stride == 1:
        sized_tiles(run, start, n, 7, 1)
    else:
        tap_tiles(run, axis, start, n)


# --- weights ----------------------------------------------------------------------------------------------------------

cdef inline Py_ssize_t vector_weights(const ConvArgs* args) noexcept nogil:
    """Packed reals of LANES channels: [tap][lane], then one vector that is zero if the channel's weights are finite."""
    return (args.D.kernel*args.H.kernel*args.W.kernel + 1)*LANES


cdef inline void pack_vector(real* dst, const ConvArgs* args, const real* weight, Py_ssize_t channels,
                             Py_ssize_t after) noexcept nogil:
    """`weight`: [channel][tap]; channels beyond `channels` are zero. `after`: reals that may be read behind them."""
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t tap = 0, c, i, k
    cdef real block[LANES*LANES]
    cdef vreal zero = vzero()
    while tap < taps:
        if channels == LANES and tap + LANES <= taps + after:
            transpose_strided(block, LANES, weight + tap, taps)
        else:
            for i in range(LANES):
                for c in range(LANES):
                    block[i*LANES + c] = weight[c*taps + tap + i] if c < channels and tap + i < taps else <real>0
        for i in range(min(<Py_ssize_t>LANES, taps - tap)):
            k = taps - 1 - tap - i if args.flip else tap + i
            vstore(dst + k*LANES, vload(block + i*LANES))
            zero = zero + <real>0*vload(block + i*LANES)
        tap += LANES
    vstore(dst + taps*LANES, zero)


cdef inline void depthwise_prepare(const ConvArgs* args, Py_ssize_t task) noexcept nogil:
    """Pack the weights of LANES channels."""
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t c = task*LANES
    pack_vector(<real*>args.packed + task*vector_weights(args), args, <const real*>args.weight + c*taps,
                min(<Py_ssize_t>LANES, args.G - c), max(<Py_ssize_t>0, args.G - c - LANES)*taps)


cdef inline bint are_finite(const ConvArgs* args, const real* packed) noexcept nogil:
    cdef Py_ssize_t i
    cdef const real* zero = packed + vector_weights(args) - LANES
    cdef bint result = True
    for i in range(LANES):
        result = result and zero[i] == <real>0
    return result


# --- patches ----------------------------------------------------------------------------------------------------------

# Samples of LANES channels, or of several times so many where the image is read where it lies.
cdef struct Patch:
    const real* samples         # at position (d.low, h.low, w.low)
    Py_ssize_t plane            # pitches in reals
    Py_ssize_t row
    Span d
    Span h
    Span w


cdef inline Py_ssize_t span_size(const Axis* axis, Py_ssize_t count) noexcept nogil:
    return (count - 1)*axis.stride + (axis.kernel - 1)*axis.dilation + 1


cdef inline apart pack_pixels(real* dst, const ConvArgs* args, const char* src, Py_ssize_t n, Py_ssize_t channels,
                              real* block) noexcept nogil:
    """dst[pixel][lane] of n neighbours along W; lanes beyond `channels` are zero."""
    cdef Py_ssize_t q = 0, count, c, i
    cdef bint direct = is_direct(&args.x, args.batch_ndim) and channels == LANES
    if args.x.w != item_size(args.x.dtype):
        while q < n:
            load_row(dst, src, channels, args.x.channel, args.x.dtype)
            for c in range(channels, LANES):
                dst[c] = <real>0
            dst += LANES
            src += args.x.w
            q += 1
        return
    while q < n:
        count = min(<Py_ssize_t>LANES, n - q)
        if direct and n >= LANES:
            q = min(q, n - LANES)                       # once more, rather than one by one
            transpose_strided(dst + q*LANES, LANES, <const real*>(src + q*args.x.w),
                              args.x.channel//<Py_ssize_t>sizeof(real))
            q += LANES
            continue
        for c in range(LANES):
            if c < channels:
                load_row(block + c*LANES, src + c*args.x.channel + q*args.x.w, count, args.x.w, args.x.dtype)
            else:
                for i in range(LANES):
                    block[c*LANES + i] = <real>0
        if count == LANES:
            transpose_strided(dst + q*LANES, LANES, block, LANES)
        else:
            for i in range(count):
                for c in range(LANES):
                    dst[(q + i)*LANES + c] = block[c*LANES + i]
        q += count


cdef inline Py_ssize_t sample_after(Py_ssize_t position, const Axis* axis) noexcept nogil:
    """The first sample at a position or after it, of an axis with gaps."""
    return (min(max(position, <Py_ssize_t>0), axis.size) + axis.gap)//(axis.gap + 1)


cdef inline void pack_gaps(real* patch, real* lines, const ConvArgs* args, const char* image, Span d, Span h, Span w,
                           Py_ssize_t channels, real* block) noexcept nogil:
    """As pack_patch, of samples with zeros between them. `lines`: room for as much again."""
    cdef Py_ssize_t width = (w.high - w.low)*LANES, height = (h.high - h.low)*width
    cdef Py_ssize_t h0 = sample_after(h.low, &args.H), rows = max(h0, sample_after(h.high, &args.H)) - h0
    cdef Py_ssize_t w0 = sample_after(w.low, &args.W), n = max(w0, sample_after(w.high, &args.W)) - w0
    cdef Py_ssize_t id_, ih, iw, i
    cdef const char* line
    cdef real* row
    for i in range((d.high - d.low)*height):
        patch[i] = <real>0
    for id_ in range(sample_after(d.low, &args.D), sample_after(d.high, &args.D)):
        line = image + id_*args.x.d + h0*args.x.h + w0*args.x.w
        if args.x.h == n*args.x.w:                      # rows that follow each other are one
            pack_pixels(lines, args, line, rows*n, channels, block)
        else:
            for ih in range(rows):
                pack_pixels(lines + ih*n*LANES, args, line + ih*args.x.h, n, channels, block)
        for ih in range(rows):
            row = patch + (id_*(args.D.gap + 1) - d.low)*height + ((h0 + ih)*(args.H.gap + 1) - h.low)*width
            for iw in range(n):
                vstore(row + ((w0 + iw)*(args.W.gap + 1) - w.low)*LANES, vload(lines + (ih*n + iw)*LANES))


cdef inline void pack_patch(real* patch, const ConvArgs* args, const char* image, Span d, Span h, Span w,
                            Py_ssize_t channels, real* block) noexcept nogil:
    """patch[d][h][w][lane] of `channels` channels, the first of which begins at `image`; padding included."""
    cdef Py_ssize_t pd, ph, pw, id_, ih, iw, c
    cdef Py_ssize_t first = min(max(w.low, <Py_ssize_t>0), w.high)
    cdef Py_ssize_t last = max(first, min(w.high, args.W.size))
    cdef Py_ssize_t width = w.high - w.low
    cdef const char* line
    cdef real* row = patch
    cdef real constant = constant_value(args, 0)
    if (args.x.h == args.x.w*width and w.low == 0 and w.high == args.W.size
            and h.low >= 0 and h.high <= args.H.size):
        # rows that follow each other are one
        for pd in range(d.low, d.high):
            id_ = source_index(pd, args.D.size, args.D.boundary)
            if id_ < 0:
                for c in range((h.high - h.low)*width*LANES):
                    row[c] = constant
            else:
                pack_pixels(row, args, image + id_*args.x.d + h.low*args.x.h, (h.high - h.low)*width, channels, block)
            row += (h.high - h.low)*width*LANES
        return
    for pd in range(d.low, d.high):
        id_ = source_index(pd, args.D.size, args.D.boundary)
        for ph in range(h.low, h.high):
            ih = source_index(ph, args.H.size, args.H.boundary)
            if id_ < 0 or ih < 0:
                for c in range(width*LANES):
                    row[c] = constant
                row += width*LANES
                continue
            line = image + id_*args.x.d + ih*args.x.h
            pack_pixels(row + (first - w.low)*LANES, args, line + first*args.x.w, last - first, channels, block)
            pw = w.low
            while pw < w.high:
                if pw == first and last > first:
                    pw = last
                    continue
                iw = source_index(pw, args.W.size, args.W.boundary)
                for c in range(LANES):
                    row[(pw - w.low)*LANES + c] = constant
                if iw >= 0:
                    load_row(row + (pw - w.low)*LANES, line + iw*args.x.w, channels, args.x.channel, args.x.dtype)
                pw += 1
            row += width*LANES


cdef inline void store_run(const ConvArgs* args, char* out, real* sums, Py_ssize_t n, Py_ssize_t channels,
                           const real* bias, real* block, bint finished) noexcept nogil:
    """Store sums[pixel][lane] of n neighbours along W; `finished`: bias and activation are in them."""
    cdef Py_ssize_t q = 0, count, c
    cdef bint direct = finished and channels == LANES and is_direct(&args.y, args.batch_ndim)
    cdef int activation = ACT_NONE if finished else args.activation
    if finished:
        bias = NULL
    if args.y.w != item_size(args.y.dtype):
        for q in range(n):
            finish_row(out + q*args.y.w, sums + q*LANES, channels, args.y.channel, args.y.dtype, bias, 1, activation)
        return
    while q < n:
        count = min(<Py_ssize_t>LANES, n - q)
        if direct and n >= LANES:
            q = min(q, n - LANES)
            transpose_strided(<real*>(out + q*args.y.w), args.y.channel//<Py_ssize_t>sizeof(real), sums + q*LANES,
                              LANES)
            q += LANES
            continue
        transpose_strided(block, LANES, sums + q*LANES, LANES)      # sums end with LANES rows to read
        for c in range(channels):
            finish_row(out + c*args.y.channel + q*args.y.w, block + c*LANES, count, args.y.w, args.y.dtype,
                       bias + c if bias != NULL else NULL, 0, activation)
        q += count


# --- a task -----------------------------------------------------------------------------------------------------------

cdef inline Py_ssize_t patch_reals(const ConvArgs* args) noexcept nogil:
    return span_size(&args.D, args.TD.tile)*span_size(&args.H, args.TH.tile)*span_size(&args.W, args.TW.tile)*LANES


cdef inline Py_ssize_t rows_at_once(const ConvArgs* args) noexcept nogil:
    """Rows whose sums are stored together: those that make up whole vectors, where they follow each other."""
    cdef Py_ssize_t rows = LANES//common_divisor(LANES, args.TW.tile)
    if args.y.h != args.TW.tile*args.y.w:
        return 1
    while rows > 1 and rows*args.TW.tile > SUMS_PIXELS:
        rows //= 2
    return min(rows, args.TH.tile)


cdef inline Py_ssize_t sums_reals(const ConvArgs* args) noexcept nogil:
    return (rows_at_once(args)*args.TW.tile + LANES)*LANES


cdef inline Py_ssize_t depthwise_scratch(const ConvArgs* args) noexcept nogil:
    """Bytes that depthwise_task uses, in its order: weights, bias, block, sums, patch."""
    cdef Py_ssize_t vectors = args.oc_block//LANES
    return (vectors*(vector_weights(args) + LANES) + LANES*LANES + sums_reals(args)
            + patch_reals(args)*(2 if has_gaps(args) else 1))*<Py_ssize_t>sizeof(real)


cdef inline inlined run_rows(const ConvArgs* args, Run* run, const Patch* patch, const real* weight, Py_ssize_t od,
                             Py_ssize_t oh, Py_ssize_t rows, Py_ssize_t ow, Py_ssize_t w_tile, real* y,
                             Py_ssize_t y_row) noexcept nogil:
    """Rows of outputs of one plane, to y; bias, vectors and the pitches along W are in `run`."""
    cdef Py_ssize_t j, kd, kh, pd, ph
    run.weight_plane = args.H.kernel*args.W.kernel*LANES
    run.weight_vector = vector_weights(args)
    run.low = patch.w.low
    run.high = patch.w.high
    run.x_plane = args.D.dilation*patch.plane
    run.x_row = args.H.dilation*patch.row
    pd = od*args.D.stride - args.D.pad
    kd = inner_tap(pd, &args.D, patch.d.low)
    run.planes = max(<Py_ssize_t>0, inner_tap(pd, &args.D, patch.d.high) - kd)
    for j in range(rows):
        ph = (oh + j)*args.H.stride - args.H.pad
        kh = inner_tap(ph, &args.H, patch.h.low)
        run.rows = max(<Py_ssize_t>0, inner_tap(ph, &args.H, patch.h.high) - kh)
        run.x = patch.samples + (pd + kd*args.D.dilation - patch.d.low)*patch.plane \
            + (ph + kh*args.H.dilation - patch.h.low)*patch.row - patch.w.low*run.x_pitch
        run.weight = weight + kd*run.weight_plane + kh*args.W.kernel*LANES
        run.y = y + j*y_row
        run_outputs(run, &args.W, ow*args.W.stride - args.W.pad, w_tile)


cdef inline void depthwise_task(const ConvArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    """One task: oc_block channels x one tile of outputs, of one batch element."""
    cdef Py_ssize_t size = sizeof(real)
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t pitch = vector_weights(args)
    cdef Py_ssize_t n_w = (args.W.output + args.TW.tile - 1)//args.TW.tile
    cdef Py_ssize_t n_h = (args.H.output + args.TH.tile - 1)//args.TH.tile
    cdef Py_ssize_t n_d = (args.D.output + args.TD.tile - 1)//args.TD.tile
    cdef Py_ssize_t n_c = (args.G + args.oc_block - 1)//args.oc_block
    # Threads run neighbouring tasks, which should not write to the same cache lines. Channels first, that is what tiles
    # side by side do (two threads took as long as one), and channels do not. Channels last, channels side by side do:
    # 576 of them, 14x14, took 1.4 times as long as on one thread; so every other task is half of the channels away.
    cdef bint to_place = store_in_place(args)
    cdef Py_ssize_t rest = task if to_place else task//n_c
    cdef Py_ssize_t ow = rest % n_w*args.TW.tile
    cdef Py_ssize_t oh = rest//n_w % n_h*args.TH.tile
    cdef Py_ssize_t od = rest//(n_w*n_h) % n_d*args.TD.tile
    cdef Py_ssize_t part = (task//(n_w*n_h*n_d) if to_place else task) % n_c
    cdef Py_ssize_t c0 = (part//2 + part % 2*((n_c + 1)//2))*args.oc_block
    cdef Py_ssize_t w_tile = min(args.TW.tile, args.W.output - ow)
    cdef Py_ssize_t h_tile = min(args.TH.tile, args.H.output - oh)
    cdef Py_ssize_t d_tile = min(args.TD.tile, args.D.output - od)
    cdef Py_ssize_t c_end = min(args.G, c0 + args.oc_block)
    cdef Py_ssize_t vectors = (c_end - c0 + LANES - 1)//LANES
    cdef Py_ssize_t x_offset, y_offset, w_offset, v, c, i, j, count
    cdef bint skip, finished = adds_up(args)
    cdef bint in_place = read_in_place(args)
    cdef const real* weights
    cdef const real* bias = <const real*>args.bias if args.bias != NULL else NULL
    cdef real* own = <real*>scratch
    cdef real* biases = own + args.oc_block//LANES*pitch
    cdef real* block = biases + args.oc_block
    cdef real* sums = block + LANES*LANES
    cdef real* packed = sums + sums_reals(args)
    cdef char* out
    cdef char* row
    cdef Patch tile
    cdef Run run

    batch_offsets(args, task//(n_w*n_h*n_d*n_c), &x_offset, &y_offset, &w_offset)
    if args.packed != NULL:
        weights = <const real*>args.packed + c0//LANES*pitch
    else:
        weights = own
        for v in range(vectors):
            c = c0 + v*LANES
            pack_vector(own + v*pitch, args, <const real*>args.weight + w_offset + c*taps,
                        min(<Py_ssize_t>LANES, args.G - c), max(<Py_ssize_t>0, args.G - c - LANES)*taps)
    if bias != NULL:
        for i in range(vectors*LANES):
            biases[i] = bias[c0 + i] if c0 + i < c_end else <real>0
    run.relu = finished and args.activation == ACT_RELU
    out = args.y.data + y_offset + od*args.y.d + oh*args.y.h + ow*args.y.w

    v = 0
    while v < vectors:
        c = c0 + v*LANES
        run.bias = biases + v*LANES if bias != NULL and finished else NULL
        count = 0               # vectors that are read and written where they lie
        skip = may_skip(args) and are_finite(args, weights + v*pitch)
        if in_place and to_place:
            while v + count < vectors and c + (count + 1)*LANES <= c_end \
                    and are_finite(args, weights + (v + count)*pitch):
                count += 1
        run.vectors = max(count, <Py_ssize_t>1)
        tile.d = span_of(&args.D, od, d_tile, skip)
        tile.h = span_of(&args.H, oh, h_tile, skip)
        tile.w = span_of(&args.W, ow, w_tile, skip)
        if count > 0 or in_place and skip and c + LANES <= c_end:
            run.x_pitch = args.x.w//size
            tile.row = args.x.h//size
            tile.plane = args.x.d//size
            tile.samples = <const real*>(args.x.data + x_offset + c*args.x.channel + tile.d.low*args.x.d
                                         + tile.h.low*args.x.h + tile.w.low*args.x.w)
        else:
            if has_gaps(args):
                pack_gaps(packed, packed + patch_reals(args), args, args.x.data + x_offset + c*args.x.channel, tile.d,
                          tile.h, tile.w, min(<Py_ssize_t>LANES, c_end - c), block)
            else:
                pack_patch(packed, args, args.x.data + x_offset + c*args.x.channel, tile.d, tile.h, tile.w,
                           min(<Py_ssize_t>LANES, c_end - c), block)
            run.x_pitch = LANES
            tile.row = (tile.w.high - tile.w.low)*LANES
            tile.plane = (tile.h.high - tile.h.low)*tile.row
            tile.samples = packed
        for i in range(d_tile):
            row = out + c*args.y.channel + i*args.y.d
            if to_place and c + LANES <= c_end:
                run.y_pitch = args.y.w//size
                run_rows(args, &run, &tile, weights + v*pitch, od + i, oh, h_tile, ow, w_tile, <real*>row,
                         args.y.h//size)
                continue
            run.y_pitch = LANES
            j = 0
            while j < h_tile:
                count = min(rows_at_once(args), h_tile - j)
                run_rows(args, &run, &tile, weights + v*pitch, od + i, oh + j, count, ow, w_tile, sums, w_tile*LANES)
                store_run(args, row + j*args.y.h, sums, count*w_tile, min(<Py_ssize_t>LANES, c_end - c),
                          biases + v*LANES if bias != NULL else NULL, block, finished)
                j += count
        v += run.vectors
