"""Packing: padding, strides, types and layout end here; micro-kernels see plain contiguous tiles.

Design:
a. Padding is index arithmetic (`source_index`) for the samples that fall outside; the inside of a row is one copy.
   No padded array exists, and any width of padding costs the same scratch.
b. A tile of one channel is a box of packed samples, [slot_d][slot_h][slot_w][d][h][w]: see `Taps` in types.pxd.
   Stride and dilation are gone from it: outputs that are neighbours are neighbours for every tap, so a tap is
   one offset into the tile and rank, stride and dilation are data.
c. What packs is called (`apart`), here and in the kernels: compiled into each caller it used up what GCC allows a
   module to grow, a tenth of the code, and layers with padding took 1.01 to 1.04 times as long.
"""
from libc.string cimport memset

from cconv._kernels.elements cimport copy_reals, is_native, load_row
from cconv._kernels.simd cimport FLOATING, apart, fetch, real
from cconv._kernels.types cimport (
    PAD_CONSTANT, PAD_EDGE, PAD_SYMMETRIC, PAD_WRAP, Array, Axis, ConvArgs, Taps,
)

cdef enum:
    # Reals from one sample to the next, at most, where a row's lines are asked for. Channels last, every channel would
    # ask for all lines of its pixels: 64 -> 3 3x3 of 56x56 take 2.2 times as long.
    NEAR_SAMPLES = 4


cdef inline apart find_sample(Py_ssize_t* sample, Py_ssize_t i, Py_ssize_t n, int boundary) noexcept nogil:
    """source_index outside of the line, where its samples go on."""
    cdef Py_ssize_t period = n
    if boundary == PAD_EDGE:
        sample[0] = 0 if i < 0 else n - 1
        return
    if boundary == PAD_SYMMETRIC:
        period = 2*n
    elif boundary != PAD_WRAP:
        period = max(<Py_ssize_t>1, 2*n - 2)            # reflect: the edge is not repeated
    i %= period
    if i < 0:
        i += period
    if i >= n:
        i = period - i
        if boundary == PAD_SYMMETRIC:
            i -= 1
    sample[0] = i


cdef inline Py_ssize_t source_index(Py_ssize_t i, Py_ssize_t n, int boundary) noexcept nogil:
    """Which of n samples stands at position i of the endlessly padded line; -1: the constant."""
    cdef Py_ssize_t sample = -1
    if 0 <= i < n:
        return i
    if boundary != PAD_CONSTANT:
        find_sample(&sample, i, n, boundary)
    return sample


cdef inline Py_ssize_t floor_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    """a // b for b > 0, rounded down (C rounds towards zero)."""
    return a//b if a >= 0 else -((b - 1 - a)//b)


cdef inline real constant_value(const ConvArgs* args, Py_ssize_t channel) noexcept nogil:
    if FLOATING:
        return <real>args.cval[channel % args.x.parts]
    return <real>args.cval_int


cdef inline Py_ssize_t channel_offset(const Array* array, Py_ssize_t channel) noexcept nogil:
    if array.parts == 1:
        return channel*array.channel
    return (channel//array.parts)*array.channel + array.part[channel % array.parts]


cdef inline void batch_offsets(const ConvArgs* args, Py_ssize_t n, Py_ssize_t* x, Py_ssize_t* y,
                               Py_ssize_t* weight) noexcept nogil:
    """Offsets of batch element n, counted over all batch axes in C order."""
    cdef int axis
    cdef Py_ssize_t index
    x[0] = y[0] = weight[0] = 0
    for axis in range(args.batch_ndim - 1, -1, -1):
        index = n % args.batch_shape[axis]
        n //= args.batch_shape[axis]
        x[0] += index*args.x.batch[axis]
        y[0] += index*args.y.batch[axis]
        weight[0] += index*args.weight_batch[axis]


cdef inline bint is_aligned(const Array* array, int batch_ndim) noexcept nogil:
    """True if every element lies at a multiple of its size."""
    cdef size_t misaligned = <size_t>array.data | <size_t>array.w | <size_t>array.h | <size_t>array.d
    cdef int axis
    misaligned |= <size_t>array.channel
    for axis in range(1, <int>array.parts):
        misaligned |= <size_t>array.part[axis]
    for axis in range(batch_ndim):
        misaligned |= <size_t>array.batch[axis]
    return misaligned % sizeof(real) == 0


cdef inline bint is_direct(const Array* array, int batch_ndim) noexcept nogil:
    """True if vectors along W can be loaded from, or stored to, the array itself: native, neighbours, aligned."""
    return is_native(array.dtype) and array.w == sizeof(real) and is_aligned(array, batch_ndim)


cdef inline Py_ssize_t aligned_reals(Py_ssize_t n) noexcept nogil:
    """n rounded up, so that what follows in scratch begins at a cache line."""
    return (n + 15)//16*16


cdef inline void zero_reals(real* dst, Py_ssize_t n) noexcept nogil:
    """Zeros where vectors hang over samples. Nobody looks at what comes of them, but memory as it is found may hold
    subnormal numbers, and a product with one takes 150 cycles: a filter took six times as long, Winograd layers two."""
    if n > 0:
        memset(dst, 0, n*<Py_ssize_t>sizeof(real))


cdef inline apart pack_line(real* dst, const char* line, Py_ssize_t pitch, int dtype, Py_ssize_t start,
                            Py_ssize_t count, Py_ssize_t step, Py_ssize_t n, int boundary,
                            real constant) noexcept nogil:
    """dst[t] = padded line of n samples at start + t*step, 0 <= t < count; step > 0. `pitch`: bytes between samples."""
    cdef Py_ssize_t first, last, sample, t
    cdef const char* source
    if step == 1:               # two divisions are a third of the time of a short line
        first = 0 if start >= 0 else min(count, -start)
        last = max(first, min(count, n - start))
    else:
        first = 0 if start >= 0 else min(count, (-start + step - 1)//step)
        last = max(first, min(count, floor_div(n - 1 - start, step) + 1))
    if last > first:
        source = line + (start + first*step)*pitch
        if is_native(dtype) and step*pitch == sizeof(real) and <size_t>source % sizeof(real) == 0:
            copy_reals(dst + first, <const real*>source, last - first)
        else:
            load_row(dst + first, source, last - first, step*pitch, dtype)
    if boundary == PAD_CONSTANT:
        for t in range(first):
            dst[t] = constant
        for t in range(last, count):
            dst[t] = constant
        return
    t = 0 if first > 0 else last
    while t < count:
        sample = source_index(start + t*step, n, boundary)
        if step == 1 and first <= sample - start < last:        # most of a border mirrors what is there by now
            dst[t] = dst[sample - start]
        else:
            load_row(dst + t, line + sample*pitch, 1, pitch, dtype)
        t = t + 1 if t + 1 != first else last


cdef inline Py_ssize_t common_divisor(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    while b:
        a, b = b, a % b
    return a


cdef inline void plan_taps(Taps* taps, const Axis* axis, Py_ssize_t tile, bint per_tap) noexcept nogil:
    """How samples of this axis are dealt into slots. Tap k of output o reads padded sample o*stride + k*dilation;
    taps share a slot when those agree modulo the stride, which has stride/gcd(stride, dilation) residues."""
    cdef Py_ssize_t divisor = common_divisor(axis.stride, axis.dilation)
    cdef Py_ssize_t residues = axis.stride//divisor
    cdef Py_ssize_t halo = (axis.kernel - 1)*axis.dilation//axis.stride
    taps.tile = tile
    taps.unit = axis.stride
    taps.spread = 1
    # A slot per tap where no two taps meet anyway, and where shared ones would be longer (a wide dilation).
    taps.per_tap = per_tap or axis.kernel <= residues or halo//axis.kernel >= tile
    if taps.per_tap:
        taps.slots = axis.kernel
        taps.halo = 0
        taps.step = axis.dilation
    else:
        taps.slots = residues
        taps.halo = halo
        taps.step = divisor


cdef inline void plan_patch(Taps* taps, const Axis* axis, Py_ssize_t tile) noexcept nogil:
    """As plan_taps, where a pixel may lie anywhere: a strided axis is not dealt if every sample of it is read."""
    plan_taps(taps, axis, tile, False)
    if 1 < axis.stride <= axis.kernel and axis.dilation == 1:
        taps.per_tap = False
        taps.slots = 1
        taps.step = 0
        taps.halo = axis.kernel - 1
        taps.unit = 1
        taps.spread = axis.stride


cdef inline Py_ssize_t span(const Taps* taps, Py_ssize_t outputs) noexcept nogil:
    """Positions of a slot that so many outputs need."""
    return (outputs - 1)*taps.spread + 1 + taps.halo


cdef inline Py_ssize_t tap_slot(const Taps* taps, const Axis* axis, Py_ssize_t k) noexcept nogil:
    if taps.slots == 1:
        return 0
    return k if taps.per_tap else (k*axis.dilation % axis.stride)//taps.step


cdef inline Py_ssize_t tap_position(const Taps* taps, const Axis* axis, Py_ssize_t k) noexcept nogil:
    return 0 if taps.per_tap else k*axis.dilation//taps.unit


cdef inline Py_ssize_t box_size(const ConvArgs* args) noexcept nogil:
    return span(&args.TD, args.TD.tile)*span(&args.TH, args.TH.tile)*span(&args.TW, args.TW.tile)


cdef inline apart plan_tile(ConvArgs* args, Py_ssize_t d, Py_ssize_t h, Py_ssize_t w, bint per_tap) noexcept nogil:
    plan_taps(&args.TD, &args.D, d, False)
    plan_taps(&args.TH, &args.H, h, False)
    plan_taps(&args.TW, &args.W, w, per_tap)
    args.tile_elements = args.TD.slots*args.TH.slots*args.TW.slots*box_size(args)


cdef inline void plan_patches(ConvArgs* args, Py_ssize_t d, Py_ssize_t h, Py_ssize_t w) noexcept nogil:
    plan_patch(&args.TD, &args.D, d)
    plan_patch(&args.TH, &args.H, h)
    plan_patch(&args.TW, &args.W, w)
    args.tile_elements = args.TD.slots*args.TH.slots*args.TW.slots*box_size(args)


cdef inline Py_ssize_t tap_offset(const ConvArgs* args, Py_ssize_t kd, Py_ssize_t kh, Py_ssize_t kw) noexcept nogil:
    """Where in a channel's tile the samples of one tap begin."""
    cdef Py_ssize_t slot = (tap_slot(&args.TD, &args.D, kd)*args.TH.slots + tap_slot(&args.TH, &args.H, kh))
    slot = slot*args.TW.slots + tap_slot(&args.TW, &args.W, kw)
    return slot*box_size(args) + (tap_position(&args.TD, &args.D, kd)*span(&args.TH, args.TH.tile)
                                  + tap_position(&args.TH, &args.H, kh))*span(&args.TW, args.TW.tile) \
        + tap_position(&args.TW, &args.W, kw)


# Samples low <= position < high of one axis that a tile reads.
cdef struct Span:
    Py_ssize_t low
    Py_ssize_t high


cdef inline Span span_of(const Axis* axis, Py_ssize_t first, Py_ssize_t count, bint skip) noexcept nogil:
    """What outputs first.. + count read; those that exist if `skip`."""
    cdef Span span
    span.low = first*axis.stride - axis.pad
    span.high = (first + count - 1)*axis.stride - axis.pad + (axis.kernel - 1)*axis.dilation + 1
    if skip:
        span.low = min(max(span.low, <Py_ssize_t>0), axis.size)
        span.high = max(span.low, min(span.high, axis.size))
    return span


cdef inline void fetch_channel(const ConvArgs* args, const char* plane, Py_ssize_t od, Py_ssize_t oh, Py_ssize_t ow,
                               Py_ssize_t h_tile, Py_ssize_t w_tile) noexcept nogil:
    """Ask for what pack_channel reads of a channel for one slice of outputs. Asked for while the channel before is
    packed, layers of 8 images take 0.9 to 1 of the time on an EPYC of 2025, gradients as well."""
    cdef Py_ssize_t unit = args.TH.unit if args.TH.slots == 1 else 1
    cdef Span d = span_of(&args.D, od, 1, True), h = span_of(&args.H, oh, h_tile, True)
    cdef Span w = span_of(&args.W, ow, w_tile, True)
    if args.x.w > NEAR_SAMPLES*<Py_ssize_t>sizeof(real):
        return
    fetch(plane + d.low*args.x.d + h.low*args.x.h + w.low*args.x.w, (w.high - w.low)*args.x.w,
          (h.high - h.low + unit - 1)//unit, unit*args.x.h)


cdef inline apart pack_channel(real* dst, const ConvArgs* args, const char* plane, real constant, Py_ssize_t od,
                               Py_ssize_t oh, Py_ssize_t ow, Py_ssize_t d_tile, Py_ssize_t h_tile,
                               Py_ssize_t w_tile) noexcept nogil:
    """Pack what outputs od.. + d_tile, oh.. + h_tile, ow.. + w_tile (at most the planned tile) read of one channel.

    `plane`: the channel's first sample. dst: args.tile_elements reals."""
    cdef Py_ssize_t sd, sh, sw, d, h, t, id_, ih
    cdef Py_ssize_t pitch_h = span(&args.TW, args.TW.tile)
    cdef Py_ssize_t pitch_d = span(&args.TH, args.TH.tile)*pitch_h
    cdef Py_ssize_t count = span(&args.TW, w_tile), start, first, last
    # rows that are all alike: 16 -> 16 3x3 of 32x32 takes 0.8 of the time without a call for each
    cdef bint plain = is_direct(&args.x, args.batch_ndim) and args.TW.unit == 1 and args.W.boundary == PAD_CONSTANT
    cdef real* box = dst
    cdef real* row
    fetch_channel(args, plane + args.x.channel, od, oh, ow, h_tile, w_tile)
    for sd in range(args.TD.slots):
        for sh in range(args.TH.slots):
            for sw in range(args.TW.slots):
                start = ow*args.W.stride + sw*args.TW.step - args.W.pad
                first = max(<Py_ssize_t>0, min(count, -start))
                last = max(first, min(count, args.W.size - start))
                for d in range(span(&args.TD, d_tile)):
                    id_ = source_index(od*args.D.stride + d*args.TD.unit + sd*args.TD.step - args.D.pad, args.D.size,
                                       args.D.boundary)
                    for h in range(span(&args.TH, h_tile)):
                        ih = source_index(oh*args.H.stride + h*args.TH.unit + sh*args.TH.step - args.H.pad,
                                          args.H.size, args.H.boundary)
                        row = box + d*pitch_d + h*pitch_h
                        if id_ < 0 or ih < 0:
                            for t in range(count):
                                row[t] = constant
                        elif plain:
                            for t in range(first):
                                row[t] = constant
                            copy_reals(row + first, <const real*>(plane + id_*args.x.d + ih*args.x.h) + start + first,
                                       last - first)
                            for t in range(last, count):
                                row[t] = constant
                        else:
                            pack_line(row, plane + id_*args.x.d + ih*args.x.h, args.x.w, args.x.dtype,
                                      start, count, args.TW.unit, args.W.size, args.W.boundary, constant)
                box += box_size(args)


cdef struct Block:
    # what a task of a kernel with many channels computes: outputs of one batch element and group
    Py_ssize_t n
    Py_ssize_t g
    Py_ssize_t oc               # output channels oc.. to oc_end of the group
    Py_ssize_t oc_end
    Py_ssize_t d                # first output, and how many
    Py_ssize_t h
    Py_ssize_t w
    Py_ssize_t d_tile
    Py_ssize_t h_tile
    Py_ssize_t w_tile


cdef inline Block block_of(const ConvArgs* args, Py_ssize_t task) noexcept nogil:
    """Pixels innermost, so that neighbouring tasks share weights."""
    cdef Block block
    cdef Py_ssize_t n_w = (args.W.output + args.TW.tile - 1)//args.TW.tile
    cdef Py_ssize_t n_h = (args.H.output + args.TH.tile - 1)//args.TH.tile
    cdef Py_ssize_t n_d = (args.D.output + args.TD.tile - 1)//args.TD.tile
    cdef Py_ssize_t n_oc = (args.OC + args.oc_block - 1)//args.oc_block
    cdef Py_ssize_t rest = task//(n_w*n_h*n_d)
    block.w = task % n_w*args.TW.tile
    block.h = task//n_w % n_h*args.TH.tile
    block.d = task//(n_w*n_h) % n_d*args.TD.tile
    block.w_tile = min(args.TW.tile, args.W.output - block.w)
    block.h_tile = min(args.TH.tile, args.H.output - block.h)
    block.d_tile = min(args.TD.tile, args.D.output - block.d)
    block.oc = rest % n_oc*args.oc_block
    block.oc_end = min(args.OC, block.oc + args.oc_block)
    block.g = rest//n_oc % args.G
    block.n = rest//(n_oc*args.G)
    return block
