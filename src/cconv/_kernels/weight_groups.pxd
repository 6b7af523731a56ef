"""The weight gradient of many small groups, such as a depthwise layer's, with groups in the lanes.

Design:
a. Groups do not mix, so a lane is a group: input and grad_output are packed [sample][group], and every tap of every
   pair of channels is a sum of products of vectors. No lane is lost on narrow images, and no load crosses cache lines.
b. That packing is a transpose, of what pack_channel makes of every channel: about as costly as nine taps are.
"""
from cconv._kernels.channels cimport fill_tap_offsets
from cconv._kernels.elements cimport load_row
from cconv._kernels.pack cimport batch_offsets, channel_offset, constant_value, pack_channel
from cconv._kernels.pixels cimport channels_inside, pack_samples
from cconv._kernels.simd cimport LANES, alone, inlined, real, transpose_strided, vload, vreal, vstore, vzero
from cconv._kernels.types cimport ConvArgs, WeightArgs
from cconv._kernels.weight_blocks cimport Block, fill_block, fill_pixel_offsets, most_pixels, pixels_of


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


cdef inline void pack_group_input(real* dst, real* lines, const ConvArgs* args, const Block* block, Py_ssize_t g0,
                                  Py_ssize_t groups, Py_ssize_t ic) noexcept nogil:
    """dst[image][sample][group] of input channel ic of each group."""
    cdef Py_ssize_t image, g, x_offset, y_offset, w_offset
    cdef Py_ssize_t pitch = args.tile_elements + LANES
    for image in range(block.images):
        batch_offsets(args, block.image + image, &x_offset, &y_offset, &w_offset)
        if args.IC == 1 and channels_inside(args):
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
    cdef Py_ssize_t h = block.h, w = block.w
    cdef const char* line
    if args.y.h == w*args.y.w:                          # rows that follow each other are one
        w *= h
        h = 1
    for image in range(block.images):
        batch_offsets(args, block.image + image, &x_offset, &y_offset, &w_offset)
        for d in range(block.d):
            for row in range(h):
                line = args.y.data + y_offset + (block.od + d)*args.y.d + (block.oh + row)*args.y.h \
                    + block.ow*args.y.w
                if args.OC == 1 and args.y.parts == 1 and args.y.w > args.y.channel:
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


cdef inline void sum_taps(real* total, const real* grad, const real* tile, const Py_ssize_t* taps, Py_ssize_t count,
                          const Py_ssize_t* pixels, Py_ssize_t K) noexcept nogil:
    """All taps, in register tiles that fit them."""
    cdef Py_ssize_t t = 0
    while t < count:
        if count - t >= 12:
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
    cdef Py_ssize_t pitch_h = (args.TW.tile + args.TW.halo)*LANES
    cdef Py_ssize_t pitch_d = (args.TH.tile + args.TH.halo)*pitch_h
    cdef real* out = <real*>all.total if all.n_chunks == 1 else <real*>all.partial + chunk*all.n_elements
    cdef ConvArgs single = all.layer
    cdef Block block

    # scratch: offsets of taps and pixels | totals [oc][ic][tap][group] | gradient | input | rows
    cdef Py_ssize_t* tap_offsets = <Py_ssize_t*>scratch
    cdef Py_ssize_t* pixel_offsets = tap_offsets + taps
    cdef real* total = <real*>(scratch + ((taps + most_pixels(all))*sizeof(Py_ssize_t) + 63)//64*64)
    cdef real* grad = total + args.OC*args.IC*taps*LANES
    cdef real* tile = grad + args.OC*grad_size
    cdef real* lines = tile + args.IC*tile_size
    for i in range(lines - total):
        total[i] = 0                                    # lanes without a group stay zero
    single.ic_block = 1
    fill_tap_offsets(tap_offsets, &single, 0, 1)

    for number in range(chunk*all.n_blocks//all.n_chunks, (chunk + 1)*all.n_blocks//all.n_chunks):
        fill_block(&block, all, number)
        K = pixels_of(&block)
        fill_pixel_offsets(pixel_offsets, &block, args.tile_elements*LANES, pitch_d, pitch_h, LANES)
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
