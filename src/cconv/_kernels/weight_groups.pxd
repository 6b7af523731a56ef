"""The weight gradient of many small groups, such as a depthwise layer's, with groups in the lanes.

Design:
a. Groups do not mix, so a lane is a group: input and grad_output are packed [sample][group], and every tap of every
   pair of channels is a sum of products of vectors. No lane is lost on narrow images, and no load crosses cache lines.
b. That packing is a transpose. Where samples can be loaded as vectors it is one of all rows of a plane at once, dealt
   out to padded rows afterwards; else, of what pack_channel makes of every channel. A row of a channel costs 35 cycles
   however short it is: 576 planes of 14x14 took three times as long.
"""
from libc.string cimport memcpy

from cconv._kernels.channels cimport fill_tap_offsets
from cconv._kernels.elements cimport is_native, load_row
from cconv._kernels.pack cimport batch_offsets, channel_offset, constant_value, is_aligned, pack_channel, span
from cconv._kernels.pixels cimport channels_inside, is_inside, pack_samples
from cconv._kernels.simd cimport LANES, alone, inlined, real, transpose_strided, vload, vreal, vstore, vzero
from cconv._kernels.types cimport PAD_CONSTANT, Array, Axis, ConvArgs, Taps, WeightArgs
from cconv._kernels.weight_blocks cimport Block, fill_block, fill_pixel_offsets, most_pixels, pixels_of, sums_of_chunk


cdef inline Py_ssize_t taps_of(const ConvArgs* args) noexcept nogil:
    return args.D.kernel*args.H.kernel*args.W.kernel


cdef inline Py_ssize_t groups_scratch(const WeightArgs* all) noexcept nogil:
    """Bytes that groups_task uses, in its order: offsets of taps and pixels, totals, gradient, input, rows of either
    before they are transposed."""
    cdef const ConvArgs* args = &all.layer
    cdef Py_ssize_t lines = max(args.tile_elements, args.TW.tile*args.TH.tile) + LANES
    cdef Py_ssize_t reals = (args.OC*args.IC*taps_of(args) + args.OC*(most_pixels(all) + LANES)
                             + args.IC*(all.images*args.tile_elements + LANES) + lines)*LANES
    return ((taps_of(args) + most_pixels(all))*<Py_ssize_t>sizeof(Py_ssize_t) + 63)//64*64 \
        + reals*<Py_ssize_t>sizeof(real)


cdef inline void transpose_lines(real* dst, const real* lines, Py_ssize_t pitch, Py_ssize_t n) noexcept nogil:
    """dst[i][lane] = lines[lane][i] for i < n, and up to LANES - 1 more."""
    cdef Py_ssize_t i = 0
    while i < n:
        transpose_strided(dst + i*LANES, LANES, lines + i, pitch)
        i += LANES


cdef inline bint has_vectors(const Array* array, int batch_ndim) noexcept nogil:
    """Reals that can be loaded where they lie, along a row or across channels."""
    return (is_native(array.dtype) and array.parts == 1 and is_aligned(array, batch_ndim)
            and (array.w == sizeof(real) or array.channel == sizeof(real)))


cdef inline bint is_plain(const Taps* taps, const Axis* axis) noexcept nogil:
    """Are packed samples those of the padded axis, one after the other, and those outside constant?"""
    return taps.slots == 1 and taps.unit == 1 and (axis.boundary == PAD_CONSTANT or is_inside(axis))


cdef struct Range:
    # of the samples that a block reads along an axis: where they begin, and which are inside
    Py_ssize_t start
    Py_ssize_t count
    Py_ssize_t first
    Py_ssize_t last


cdef inline Range range_of(const Axis* axis, const Taps* taps, Py_ssize_t output, Py_ssize_t outputs) noexcept nogil:
    cdef Range found
    found.start = output*axis.stride - axis.pad
    found.count = span(taps, outputs)
    found.first = min(found.count, max(<Py_ssize_t>0, -found.start))
    found.last = max(found.first, min(found.count, axis.size - found.start))
    return found


cdef inline void fill_vectors(real* dst, Py_ssize_t n, real value) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n*LANES):
        dst[i] = value


cdef inline void gather_vectors(real* dst, const real* src, Py_ssize_t n, Py_ssize_t sample,
                                Py_ssize_t lane) noexcept nogil:
    """dst[i] = a vector of samples `lane` apart, `sample` on for each i < n; one of the two is 1, and n no less than
    LANES if it is `sample`."""
    cdef Py_ssize_t i = 0
    if sample != 1:
        for i in range(n):
            vstore(dst + i*LANES, vload(src + i*sample))
        return
    while i + LANES <= n:
        transpose_strided(dst + i*LANES, LANES, src + i, lane)
        i += LANES
    if i < n:
        transpose_strided(dst + (n - LANES)*LANES, LANES, src + n - LANES, lane)


cdef inline bint pack_vectors(real* dst, real* lines, const ConvArgs* args, const Block* block, const char* plane,
                              real constant) noexcept nogil:
    """dst[sample][group] of one batch element, of vectors; False: not such samples. `plane`: of the first group."""
    cdef Py_ssize_t size = sizeof(real)
    cdef Range D = range_of(&args.D, &args.TD, block.od, block.d)
    cdef Range H = range_of(&args.H, &args.TH, block.oh, block.h)
    cdef Range W = range_of(&args.W, &args.TW, block.ow, block.w)
    cdef Py_ssize_t pitch_h = span(&args.TW, args.TW.tile)*LANES, pitch_d = span(&args.TH, args.TH.tile)*pitch_h
    cdef Py_ssize_t lane = args.IC*args.x.channel//size, sample = args.x.w//size, n = W.last - W.first, d, h
    # whole rows without gaps between them are one run, which a short row may be transposed in
    cdef bint run = sample == 1 and n == args.W.size and args.x.h == n*args.x.w and n*(H.last - H.first) >= LANES
    cdef const char* line
    cdef real* row
    if sample == 1 and not run and 0 < n < LANES or sample != 1 and lane != 1:
        return False
    for d in range(D.count):
        line = plane + (D.start + d)*args.x.d + (H.start + H.first)*args.x.h + (W.start + W.first)*args.x.w
        if run and D.first <= d < D.last:
            gather_vectors(lines, <const real*>line, n*(H.last - H.first), 1, lane)
        for h in range(H.count):
            row = dst + d*pitch_d + h*pitch_h
            if not (D.first <= d < D.last and H.first <= h < H.last):
                fill_vectors(row, W.count, constant)
                continue
            fill_vectors(row, W.first, constant)
            fill_vectors(row + W.last*LANES, W.count - W.last, constant)
            if run:
                memcpy(row + W.first*LANES, lines + (h - H.first)*n*LANES, n*LANES*size)
            elif n:
                gather_vectors(row + W.first*LANES, <const real*>(line + (h - H.first)*args.x.h), n, sample, lane)
    return True


cdef inline void pack_group_input(real* dst, real* lines, const ConvArgs* args, const Block* block, Py_ssize_t g0,
                                  Py_ssize_t groups, Py_ssize_t ic) noexcept nogil:
    """dst[image][sample][group] of input channel ic of each group."""
    cdef Py_ssize_t image, g, x_offset, y_offset, w_offset
    cdef Py_ssize_t pitch = args.tile_elements + LANES
    cdef bint vectors = (groups == LANES and has_vectors(&args.x, args.batch_ndim) and is_plain(&args.TD, &args.D)
                         and is_plain(&args.TH, &args.H) and is_plain(&args.TW, &args.W))
    for image in range(block.images):
        batch_offsets(args, block.image + image, &x_offset, &y_offset, &w_offset)
        if vectors and pack_vectors(dst, lines, args, block, args.x.data + x_offset
                                    + (g0*args.IC + ic)*args.x.channel, constant_value(args, ic)):
            pass
        elif args.IC == 1 and channels_inside(args):
            pack_samples(dst, args, args.x.data + x_offset + g0*args.x.channel, 0, groups, block.od, block.oh, block.ow,
                         block.d, block.h, block.w)
        else:
            for g in range(groups):
                pack_channel(lines + g*pitch, args, args.x.data + x_offset
                             + channel_offset(&args.x, (g0 + g)*args.IC + ic), constant_value(args, ic), block.od,
                             block.oh, block.ow, block.d, block.h, block.w)
            transpose_lines(dst, lines, pitch, args.tile_elements)
        dst += args.tile_elements*LANES


cdef inline void pack_group_gradient(real* dst, real* lines, const ConvArgs* args, const Block* block, Py_ssize_t g0,
                                     Py_ssize_t groups, Py_ssize_t oc) noexcept nogil:
    """dst[pixel][group] of output channel oc of each group."""
    cdef Py_ssize_t image, d, row, g, k, x_offset, y_offset, w_offset
    cdef Py_ssize_t h = block.h, w = block.w, lane, size = sizeof(real)
    cdef const char* line
    cdef bint vectors = groups == LANES and has_vectors(&args.y, args.batch_ndim)
    if args.y.h == w*args.y.w:                          # rows that follow each other are one
        w *= h
        h = 1
    lane = args.OC*args.y.channel//size
    if args.y.w == size:
        vectors = vectors and w >= LANES
    else:
        vectors = vectors and lane == 1
    for image in range(block.images):
        batch_offsets(args, block.image + image, &x_offset, &y_offset, &w_offset)
        for d in range(block.d):
            for row in range(h):
                line = args.y.data + y_offset + (block.od + d)*args.y.d + (block.oh + row)*args.y.h \
                    + block.ow*args.y.w
                if vectors:
                    gather_vectors(dst, <const real*>(line + (g0*args.OC + oc)*args.y.channel), w, args.y.w//size, lane)
                elif args.OC == 1 and args.y.parts == 1 and args.y.w > args.y.channel:
                    for k in range(w):
                        load_row(dst + k*LANES, line + g0*args.y.channel + k*args.y.w, groups, args.y.channel,
                                 args.y.dtype)
                else:
                    for g in range(groups):
                        load_row(lines + g*(w + LANES), line + channel_offset(&args.y, (g0 + g)*args.OC + oc), w,
                                 args.y.w, args.y.dtype)
                    transpose_lines(dst, lines, w + LANES, w)
                dst += w*LANES


cdef inline inlined tap_tile(alone total, const real* grad, const real* tile, const Py_ssize_t* taps,
                             const Py_ssize_t* pixels, Py_ssize_t K, int T) noexcept nogil:
    """total[t][lane] += sum over k of grad[k][lane]*tile[pixels[k] + taps[t]][lane]: T taps of one pair of channels."""
    cdef vreal acc[12]
    cdef const real* x[12]
    cdef vreal sample
    cdef Py_ssize_t k
    cdef int t
    for t in range(T):
        acc[t] = vzero()
        x[t] = tile + taps[t]*LANES
    for k in range(K):
        sample = vload(grad + k*LANES)
        for t in range(T):
            acc[t] = acc[t] + sample*vload(x[t] + pixels[k])
    for t in range(T):
        vstore(total + t*LANES, vload(total + t*LANES) + acc[t])


cdef inline inlined tap_rows(alone total, const real* grad, const real* tile, const Py_ssize_t* taps,
                             const Py_ssize_t* pixels, Py_ssize_t K, int R, int S) noexcept nogil:
    """The same for R rows of S taps that are neighbours, both literals: a pointer for each row. One for each tap did
    not fit the registers, and moving them there and back took twice as long as the sums."""
    cdef vreal acc[12]
    cdef const real* x[3]
    cdef vreal sample
    cdef Py_ssize_t k
    cdef int r, s
    for r in range(R):
        x[r] = tile + taps[r*S]*LANES
        for s in range(S):
            acc[r*S + s] = vzero()
    for k in range(K):
        sample = vload(grad + k*LANES)
        for r in range(R):
            for s in range(S):
                acc[r*S + s] = acc[r*S + s] + sample*vload(x[r] + pixels[k] + s*LANES)
    for r in range(R*S):
        vstore(total + r*LANES, vload(total + r*LANES) + acc[r])


cdef inline bint are_rows(const Py_ssize_t* taps, Py_ssize_t count, Py_ssize_t rows,
                          Py_ssize_t columns) noexcept nogil:
    """Do the next taps make so many rows of neighbours?"""
    cdef Py_ssize_t r, s
    if rows*columns > count:
        return False
    for r in range(rows):
        for s in range(1, columns):
            if taps[r*columns + s] != taps[r*columns] + s:
                return False
    return True


cdef inline void sum_taps(real* total, const real* grad, const real* tile, const Py_ssize_t* taps, Py_ssize_t count,
                          const Py_ssize_t* pixels, Py_ssize_t K) noexcept nogil:
    """All taps, in register tiles that fit them."""
    cdef Py_ssize_t t = 0
    while t < count:
        if are_rows(taps + t, count - t, 1, 7):
            tap_rows(total + t*LANES, grad, tile, taps + t, pixels, K, 1, 7)
            t += 7
        elif are_rows(taps + t, count - t, 2, 5):
            tap_rows(total + t*LANES, grad, tile, taps + t, pixels, K, 2, 5)
            t += 10
        elif are_rows(taps + t, count - t, 3, 3):
            tap_rows(total + t*LANES, grad, tile, taps + t, pixels, K, 3, 3)
            t += 9
        elif count - t >= 12:
            tap_tile(total + t*LANES, grad, tile, taps + t, pixels, K, 12)
            t += 12
        elif count - t >= 9:
            tap_tile(total + t*LANES, grad, tile, taps + t, pixels, K, 9)
            t += 9
        elif count - t >= 5:
            tap_tile(total + t*LANES, grad, tile, taps + t, pixels, K, 5)
            t += 5
        elif count - t >= 3:
            tap_tile(total + t*LANES, grad, tile, taps + t, pixels, K, 3)
            t += 3
        else:
            tap_tile(total + t*LANES, grad, tile, taps + t, pixels, K, 1)
            t += 1


cdef inline void groups_task(const WeightArgs* all, char* scratch, Py_ssize_t task) noexcept nogil:
    """One task: LANES groups over one chunk of blocks."""
    cdef const ConvArgs* args = &all.layer
    cdef Py_ssize_t taps = taps_of(args)
    cdef Py_ssize_t chunk = task % all.n_chunks
    cdef Py_ssize_t g0 = task//all.n_chunks*LANES
    cdef Py_ssize_t groups = min(<Py_ssize_t>LANES, args.G - g0)
    cdef Py_ssize_t number, K, oc, ic, g, i
    cdef Py_ssize_t grad_size = (most_pixels(all) + LANES)*LANES
    cdef Py_ssize_t tile_size = (all.images*args.tile_elements + LANES)*LANES
    cdef Py_ssize_t pitch_h = span(&args.TW, args.TW.tile)*LANES
    cdef Py_ssize_t pitch_d = span(&args.TH, args.TH.tile)*pitch_h
    cdef real* out = sums_of_chunk(all, chunk)
    cdef Block block

    # scratch: offsets of taps and pixels | totals [oc][ic][tap][group] | gradient | input | rows
    cdef Py_ssize_t* tap_offsets = <Py_ssize_t*>scratch
    cdef Py_ssize_t* pixel_offsets = tap_offsets + taps
    cdef real* total = <real*>(scratch + ((taps + most_pixels(all))*sizeof(Py_ssize_t) + 63)//64*64)
    cdef real* grad = total + args.OC*args.IC*taps*LANES
    cdef real* tile = grad + args.OC*grad_size
    cdef real* lines = tile + args.IC*tile_size
    for i in range((grad if groups == LANES else lines) - total):
        total[i] = 0                                    # lanes without a group stay zero
    fill_tap_offsets(tap_offsets, args, 1, 0, 1)

    for number in range(chunk*all.n_blocks//all.n_chunks, (chunk + 1)*all.n_blocks//all.n_chunks):
        fill_block(&block, all, number)
        K = pixels_of(&block)
        fill_pixel_offsets(pixel_offsets, &block, args.tile_elements*LANES, args.TD.spread*pitch_d,
                           args.TH.spread*pitch_h, args.TW.spread*LANES)
        for ic in range(args.IC):
            pack_group_input(tile + ic*tile_size, lines, args, &block, g0, groups, ic)
        for oc in range(args.OC):
            pack_group_gradient(grad + oc*grad_size, lines, args, &block, g0, groups, oc)
            for ic in range(args.IC):
                sum_taps(total + (oc*args.IC + ic)*taps*LANES, grad + oc*grad_size, tile + ic*tile_size, tap_offsets,
                         taps, pixel_offsets, K)

    for g in range(groups):
        for i in range(args.OC*args.IC*taps):
            out[(g0 + g)*args.OC*args.IC*taps + i] = total[i*LANES + g]
