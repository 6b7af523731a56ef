"""Convolution with many channels, output channels in the lanes: the same sum as channels.pxd, turned round.

Design:
a. Samples are scalars here, so a pixel may lie anywhere: each pixel of a register tile has a pointer, a tap is one
   offset to all of them. Without padding the image is read where it lies, in either layout, strided too; and no lane is
   spent on halo columns or on a row that is no whole number of vectors.
b. Weights are vectors of neighbouring output channels, which they are not in memory: they are transposed into panels
   [k][channel]. A task packs them for itself where its pixels are the only ones; else they are packed once, by tasks of
   their own (`prepare`), or before the call, by a plan.
c. Where padding asks for a packed tile, the tile keeps the layout of the image: channels last is copied as it lies.
d. Channels that lie side by side in the result are stored by the register tile itself.
e. A panel goes through the register tiles in parts that L1 keeps, though sums then make a round trip for each part: 3x3
   kernels of stride 2 take 0.88 to 0.95 of the time on an Intel Xeon. Samples of a single tap need as much of L1, and
   few tiles do not use a part often enough: those take 1.03 to 1.08 times as long so.
f. Register tiles run on from plane to plane, which may be those of several images: 7x7 pixels are no multiple of six.
"""
from cconv._kernels.channels cimport block_taps, fill_tap_offsets, repeat_taps, stores_vectors
from cconv._kernels.elements cimport is_native, item_size
from cconv._kernels.pack cimport (
    Block, aligned_reals, batch_offsets, block_of, channel_offset, constant_value, is_aligned, pack_channel,
    pack_line, source_index, span,
)
from cconv._kernels.simd cimport (
    FLOATING, LANES, PX_M, PX_V, apart, inlined, prefetch, real, transpose_strided, vload, vreal, vrelu, vstore, vzero,
)
from cconv._kernels.store cimport finish_row
from cconv._kernels.types cimport ACT_NONE, ACT_RELU, PAD_CONSTANT, Array, Axis, ConvArgs

cdef enum:
    WIDTH = PX_V*LANES          # output channels of a full panel
    PASS_BYTES = 24*1024        # of a panel: half of a 48 KB L1; 32 KB: half of the gain
    PASS_TILES = 16
    # Weights are read along LANES rows at a time, more streams than the hardware follows: fetched so far ahead.
    PREFETCH = 256


cdef struct Target:
    # where finished sums go: the channels of each pixel, which lie side by side
    real* pixels[8]
    const real* bias            # or NULL
    bint relu


cdef inline inlined pixel_tile(real* sums, const real* panel, const real* const* pixels, const Py_ssize_t* taps,
                               Py_ssize_t K, bint accumulate, const Target* target, Py_ssize_t count, int M,
                               int V) noexcept nogil:
    """sums[m][lane] (+)= sum over k of pixels[m][taps[k]]*panel[k][lane]: M pixels x V vectors of channels.

    Only the first `count` of the M pixels are stored: others' sums stand behind theirs. Finished sums go to `target`
    unless that is NULL: by way of `sums` they took a fifth of the time of a first layer, channels last."""
    cdef vreal acc[32]
    cdef vreal w[4]
    cdef const real* x[8]
    cdef Py_ssize_t k
    cdef int m, v
    for m in range(M):
        x[m] = pixels[m]
        for v in range(V):
            acc[m*V + v] = vload(sums + (m*PX_V + v)*LANES) if accumulate else vzero()
    for k in range(K):
        for v in range(V):
            w[v] = vload(panel + v*LANES)
        for m in range(M):
            for v in range(V):
                acc[m*V + v] = acc[m*V + v] + x[m][taps[k]]*w[v]
        panel += V*LANES
    if target != NULL:
        if target.bias != NULL:
            for v in range(V):
                w[v] = vload(target.bias + v*LANES)
            for m in range(M):
                for v in range(V):
                    acc[m*V + v] = acc[m*V + v] + w[v]
        if target.relu:
            for m in range(M*V):
                acc[m] = vrelu(acc[m])
        for m in range(M):
            if m < count:
                for v in range(V):
                    vstore(target.pixels[m] + v*LANES, acc[m*V + v])
        return
    for m in range(M):
        if m < count:
            for v in range(V):
                vstore(sums + (m*PX_V + v)*LANES, acc[m*V + v])


cdef inline inlined sized_tile(real* sums, const real* panel, const real* const* pixels, const Py_ssize_t* taps,
                               Py_ssize_t K, bint accumulate, const Target* target, Py_ssize_t M,
                               int V) noexcept nogil:
    """The register tile of M pixels, or of the next number that has a tile: the pointers beyond M repeat one."""
    if M >= 6 and PX_M == 6:
        pixel_tile(sums, panel, pixels, taps, K, accumulate, target, M, PX_M, V)
    elif M == 5 and PX_M == 6:
        pixel_tile(sums, panel, pixels, taps, K, accumulate, target, M, 5, V)
    elif M >= 3:
        pixel_tile(sums, panel, pixels, taps, K, accumulate, target, M, 4, V)
    else:
        pixel_tile(sums, panel, pixels, taps, K, accumulate, target, M, 2, V)


cdef inline inlined run_pixels(real* sums, const real* panel, const real* const* pixels, const Py_ssize_t* taps,
                               Py_ssize_t K, bint accumulate, const Target* target, Py_ssize_t M,
                               Py_ssize_t vectors) noexcept nogil:
    if PX_V == 4 and vectors == 4:
        sized_tile(sums, panel, pixels, taps, K, accumulate, target, M, PX_V)
    elif PX_V == 4 and vectors == 3:
        sized_tile(sums, panel, pixels, taps, K, accumulate, target, M, min(PX_V, 3))
    elif vectors == 2:
        sized_tile(sums, panel, pixels, taps, K, accumulate, target, M, 2)
    else:
        sized_tile(sums, panel, pixels, taps, K, accumulate, target, M, 1)


cdef inline apart run_pixels_apart(real* sums, const real* panel, const real* const* pixels, const Py_ssize_t* taps,
                                   Py_ssize_t K, bint accumulate, const Target* target, Py_ssize_t M,
                                   Py_ssize_t vectors) noexcept nogil:
    """Not compiled into its callers: with AVX2 3x3 kernels of stride 2 take 0.87 of the time, pointwise ones 0.95; but
    Winograd's sums are short: 3x3 layers took 1.05 to 1.1 times as long, their weight gradients 1.3 times."""
    run_pixels(sums, panel, pixels, taps, K, accumulate, target, M, vectors)


cdef inline Py_ssize_t padded(Py_ssize_t channels) noexcept nogil:
    return (channels + LANES - 1)//LANES*LANES


cdef inline apart pack_panel(real* panel, const real* weight, Py_ssize_t row, Py_ssize_t K,
                             Py_ssize_t channels) noexcept nogil:
    """panel[k][m] = weight[m*row + k], in rows of padded(channels); beyond `channels` repeats channel 0, which is not
    stored. Whole blocks are transposed in registers."""
    cdef Py_ssize_t width = padded(channels)
    cdef Py_ssize_t k = 0, m, i
    while k + LANES <= K:
        for m in range(channels//LANES):
            for i in range(LANES):
                prefetch(weight + (m*LANES + i)*row + k + PREFETCH)
            transpose_strided(panel + k*width + m*LANES, width, weight + m*LANES*row + k, row)
        for m in range(channels//LANES*LANES, width):
            for i in range(LANES):
                panel[(k + i)*width + m] = weight[(m if m < channels else 0)*row + k + i]
        k += LANES
    while k < K:
        for m in range(width):
            panel[k*width + m] = weight[(m if m < channels else 0)*row + k]
        k += 1


cdef inline void copy_panel(real* panel, const real* weight, Py_ssize_t row, Py_ssize_t K,
                            Py_ssize_t channels) noexcept nogil:
    """panel[k][m] = weight[k*row + m]: as pack_panel, where output channels are neighbours."""
    cdef Py_ssize_t width = padded(channels), whole = channels//LANES*LANES
    cdef Py_ssize_t m, _k
    for _k in range(K):
        m = 0
        while m < whole:
            vstore(panel + m, vload(weight + m))
            m += LANES
        for m in range(whole, width):
            panel[m] = weight[m if m < channels else 0]
        panel += width
        weight += row


cdef inline void pack_weights(real* panel, const ConvArgs* args, const real* weight, Py_ssize_t oc, Py_ssize_t ic0,
                              Py_ssize_t ics, Py_ssize_t ocs) noexcept nogil:
    """The panel of so many output and input channels of a group, whose weights begin at `weight`."""
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    if args.turned:
        copy_panel(panel, weight + ic0*args.OC + oc, args.OC, ics, ocs)
    else:
        pack_panel(panel, weight + (oc*args.IC + ic0)*taps, args.IC*taps, ics*taps, ocs)


cdef inline Py_ssize_t panels_per_group(const ConvArgs* args) noexcept nogil:
    return (args.OC + WIDTH - 1)//WIDTH


cdef inline Py_ssize_t packed_reals(const ConvArgs* args) noexcept nogil:
    """Reals of a group's panels: [block of ic][panel][k][channel]."""
    return args.IC*args.D.kernel*args.H.kernel*args.W.kernel*padded(args.OC)


cdef inline const real* packed_panel(const ConvArgs* args, Py_ssize_t g, Py_ssize_t ic0, Py_ssize_t oc) noexcept nogil:
    """Where the panel of channels oc.. and of the block that begins at input channel ic0 stands in args.packed."""
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    return <const real*>args.packed + g*packed_reals(args) + ic0*taps*padded(args.OC) \
        + oc*taps*min(args.ic_block, args.IC - ic0)


cdef inline void pixels_prepare(const ConvArgs* args, Py_ssize_t task) noexcept nogil:
    """Pack one panel of the shared weights."""
    cdef Py_ssize_t n_ic = (args.IC + args.ic_block - 1)//args.ic_block
    cdef Py_ssize_t oc = task % panels_per_group(args)*WIDTH
    cdef Py_ssize_t ic0 = task//panels_per_group(args) % n_ic*args.ic_block
    cdef Py_ssize_t g = task//(panels_per_group(args)*n_ic)
    pack_weights(<real*>packed_panel(args, g, ic0, oc), args,
                 <const real*>args.weight + g*args.OC*args.IC*args.D.kernel*args.H.kernel*args.W.kernel, oc, ic0,
                 min(args.ic_block, args.IC - ic0), min(<Py_ssize_t>WIDTH, args.OC - oc))


cdef inline bint is_inside(const Axis* axis) noexcept nogil:
    return axis.pad <= 0 and (axis.output - 1)*axis.stride + (axis.kernel - 1)*axis.dilation - axis.pad < axis.size


cdef inline bint needs_no_padding(const ConvArgs* args) noexcept nogil:
    """Every tap of every pixel is a sample, and in one place."""
    return args.x.parts == 1 and is_inside(&args.D) and is_inside(&args.H) and is_inside(&args.W)


cdef inline bint pixels_in_place(const ConvArgs* args) noexcept nogil:
    """No padding and native samples, in any layout: every tap of every pixel is read where it lies."""
    return is_native(args.x.dtype) and is_aligned(&args.x, args.batch_ndim) and needs_no_padding(args)


cdef inline bint channels_inside(const ConvArgs* args) noexcept nogil:
    """Whether a packed tile has its channels side by side, as the image has."""
    return args.x.parts == 1 and args.x.channel == item_size(args.x.dtype) and args.x.w != args.x.channel


cdef inline Py_ssize_t sums_pixels(const ConvArgs* args) noexcept nogil:
    """Pixels of a full task, and what register tiles and transposed blocks read beyond them."""
    return args.TD.tile*args.TH.tile*args.TW.tile + PX_M + LANES


cdef inline Py_ssize_t pixels_scratch(const ConvArgs* args, bint shared) noexcept nogil:
    """Bytes that pixels_task uses, in its order: tap offsets, block for stores, panel, sums, packed tile."""
    cdef Py_ssize_t K = block_taps(args)
    cdef Py_ssize_t panels = 1 if args.ic_block >= args.IC else (args.oc_block + WIDTH - 1)//WIDTH
    cdef Py_ssize_t reals = LANES*LANES
    if not shared:
        reals += aligned_reals(K*min(<Py_ssize_t>WIDTH, padded(args.OC)))
    reals += panels*sums_pixels(args)*WIDTH
    if not pixels_in_place(args):
        reals += args.ic_block*args.tile_elements + LANES
    return (K*<Py_ssize_t>sizeof(Py_ssize_t) + 63)//64*64 + reals*<Py_ssize_t>sizeof(real)


cdef inline void load_pixel(real* dst, const ConvArgs* args, const char* image, Py_ssize_t ic0, Py_ssize_t channels,
                            Py_ssize_t d, Py_ssize_t h, Py_ssize_t w) noexcept nogil:
    """dst[c] = channel ic0 + c of pixel (d, h, w), of the constant if one of them is negative. `image`: channel ic0 of
    the first pixel. Only where channels_inside."""
    pack_line(dst, image + d*args.x.d + h*args.x.h + w*args.x.w, args.x.channel, args.x.dtype, 0, channels, 1,
              0 if d < 0 or h < 0 or w < 0 else channels, PAD_CONSTANT, constant_value(args, ic0))


cdef inline apart pack_samples(real* tile, const ConvArgs* args, const char* image, Py_ssize_t ic0, Py_ssize_t ics,
                               Py_ssize_t od, Py_ssize_t oh, Py_ssize_t ow, Py_ssize_t d_tile, Py_ssize_t h_tile,
                               Py_ssize_t w_tile) noexcept nogil:
    """As pack_channel, `ics` channels at a time: tile[slot][d][h][w][ic]. `image`: channel ic0 of the first pixel."""
    cdef Py_ssize_t sd, sh, sw, d, h, t, id_, ih, iw, start, samples, size = item_size(args.x.dtype)
    cdef Py_ssize_t pitch_w = args.ic_block
    # Pixels that follow each other in the image and in the tile are one line: one by one, 3 -> 64 channels of 3x3 took
    # 1.25 times as long.
    cdef bint line = (args.TW.unit == 1 and ics == args.ic_block and args.x.w == ics*size
                      and args.W.boundary == PAD_CONSTANT)
    cdef Py_ssize_t pitch_h = span(&args.TW, args.TW.tile)*pitch_w
    cdef Py_ssize_t pitch_d = span(&args.TH, args.TH.tile)*pitch_h
    cdef real* row
    for sd in range(args.TD.slots):
        for sh in range(args.TH.slots):
            for sw in range(args.TW.slots):
                start = ow*args.W.stride + sw*args.TW.step - args.W.pad
                for d in range(span(&args.TD, d_tile)):
                    id_ = source_index(od*args.D.stride + d*args.TD.unit + sd*args.TD.step - args.D.pad, args.D.size,
                                       args.D.boundary)
                    for h in range(span(&args.TH, h_tile)):
                        ih = source_index(oh*args.H.stride + h*args.TH.unit + sh*args.TH.step - args.H.pad,
                                          args.H.size, args.H.boundary)
                        row = tile + d*pitch_d + h*pitch_h
                        if line:
                            samples = args.W.size*ics if id_ >= 0 and ih >= 0 else 0
                            pack_line(row, image + id_*args.x.d + ih*args.x.h, size, args.x.dtype, start*ics,
                                      span(&args.TW, w_tile)*ics, 1, samples, PAD_CONSTANT, constant_value(args, ic0))
                            continue
                        for t in range(span(&args.TW, w_tile)):
                            iw = source_index(start + t*args.TW.unit, args.W.size, args.W.boundary)
                            load_pixel(row, args, image, ic0, ics, id_, ih, iw)
                            row += pitch_w
                tile += span(&args.TD, args.TD.tile)*pitch_d


cdef inline void add_bias(real* sums, Py_ssize_t pixels, const real* bias, Py_ssize_t channels,
                          int activation) noexcept nogil:
    """What stores_vectors allows on top of sums[pixel][channel]; vectors of bias may be partly others', never read
    beyond the last."""
    cdef Py_ssize_t q, v, i
    cdef real* row
    for q in range(pixels):
        row = sums + q*WIDTH
        if bias != NULL:
            for i in range(channels):
                row[i] = row[i] + bias[i]
        if activation == ACT_RELU:
            for v in range((channels + LANES - 1)//LANES):
                vstore(row + v*LANES, vrelu(vload(row + v*LANES)))


cdef inline void store_columns(const ConvArgs* args, char* out, real* block, const real* sums, const real* bias,
                               Py_ssize_t channel, Py_ssize_t channels, Py_ssize_t pixels, bint direct) noexcept nogil:
    """Store sums[pixel][channel] of one output row, neighbours along W in memory: transposed, a block at a time."""
    cdef Py_ssize_t q = 0, c, i, n
    cdef char* plane
    while q < pixels:
        n = min(<Py_ssize_t>LANES, pixels - q)
        if direct and n < LANES and pixels >= LANES:
            q = pixels - LANES                          # once more, rather than one by one
            n = LANES
        c = 0
        while c < channels:
            if direct and n == LANES and c + LANES <= channels and args.y.parts == 1:
                transpose_strided(<real*>(out + (channel + c)*args.y.channel + q*args.y.w),
                                  args.y.channel//<Py_ssize_t>sizeof(real), sums + q*WIDTH + c, WIDTH)
            else:
                transpose_strided(block, LANES, sums + q*WIDTH + c, WIDTH)
                for i in range(min(<Py_ssize_t>LANES, channels - c)):
                    plane = out + channel_offset(&args.y, channel + c + i) + q*args.y.w
                    if direct and n == LANES:
                        vstore(<real*>plane, vload(block + i*LANES))
                    else:
                        finish_row(plane, block + i*LANES, n, args.y.w, args.y.dtype,
                                   bias + channel + c + i if bias != NULL and not direct else NULL, 0,
                                   ACT_NONE if direct else args.activation)
            c += LANES
        q += n


cdef inline bint channels_are_neighbours(const Array* array, int batch_ndim) noexcept nogil:
    """True if vectors of channels can be stored to the array itself."""
    return (is_native(array.dtype) and array.parts == 1 and array.channel == sizeof(real)
            and is_aligned(array, batch_ndim))


cdef inline bint stores_channels(const ConvArgs* args) noexcept nogil:
    """Whether finished sums can be stored as they are: native channels side by side, nothing but relu on top."""
    return (args.activation <= (ACT_RELU if FLOATING else ACT_NONE)
            and channels_are_neighbours(&args.y, args.batch_ndim))


cdef inline apart store_pixels(const ConvArgs* args, char* out, real* block, real* sums, const real* bias,
                               Py_ssize_t channel, Py_ssize_t channels, Py_ssize_t h_tile,
                               Py_ssize_t w_tile) noexcept nogil:
    """Store sums[pixel][channel] of h_tile rows of w_tile pixels; `out`: pixel (0, 0) of channel 0."""
    cdef bint direct = stores_vectors(args)
    cdef bint channels_last = stores_channels(args)
    cdef Py_ssize_t row, column, v, m
    cdef char* pixel
    cdef real* values = sums
    if args.y.h == w_tile*args.y.w:                     # rows that follow each other are one
        w_tile *= h_tile
        h_tile = 1
    if direct or channels_last:
        add_bias(sums, h_tile*w_tile, bias + channel if bias != NULL else NULL, channels, args.activation)
    for row in range(h_tile):
        if args.y.w == item_size(args.y.dtype):
            store_columns(args, out + row*args.y.h, block, values, bias, channel, channels, w_tile, direct)
            values += w_tile*WIDTH
            continue
        for column in range(w_tile):
            pixel = out + row*args.y.h + column*args.y.w
            if channels_last:
                pixel += channel*args.y.channel
                for v in range(channels//LANES):
                    vstore(<real*>pixel + v*LANES, vload(values + v*LANES))
                for m in range(channels//LANES*LANES, channels):
                    (<real*>pixel)[m] = values[m]
            elif args.y.parts == 1:
                finish_row(pixel + channel*args.y.channel, values, channels, args.y.channel, args.y.dtype,
                           bias + channel if bias != NULL else NULL, 1, args.activation)
            else:
                for m in range(channels):
                    finish_row(pixel + channel_offset(&args.y, channel + m), values + m, 1, args.y.channel,
                               args.y.dtype, bias + channel + m if bias != NULL else NULL, 1, args.activation)
            values += WIDTH


cdef inline void fill_place_offsets(Py_ssize_t* offsets, const ConvArgs* args) noexcept nogil:
    """As fill_tap_offsets, for an image that is read where it lies; in reals."""
    cdef Py_ssize_t kd, kh, kw, k = 0, taps = args.D.kernel*args.H.kernel*args.W.kernel
    for kd in range(args.D.kernel):
        for kh in range(args.H.kernel):
            for kw in range(args.W.kernel):
                offsets[taps - 1 - k if args.flip else k] = (
                    kd*args.D.dilation*args.x.d + kh*args.H.dilation*args.x.h
                    + kw*args.W.dilation*args.x.w)//<Py_ssize_t>sizeof(real)
                k += 1
    repeat_taps(offsets, taps, args.ic_block, args.x.channel//<Py_ssize_t>sizeof(real))


cdef inline Py_ssize_t tile_count(Py_ssize_t pixels) noexcept nogil:
    """Register tiles for so many pixels, or what stands for them; they share them evenly: none is left with few."""
    return (pixels + PX_M - 1)//PX_M


cdef inline Py_ssize_t pass_count(Py_ssize_t K, Py_ssize_t taps, Py_ssize_t tiles) noexcept nogil:
    """Passes over a panel's K weights per channel."""
    cdef Py_ssize_t most = PASS_BYTES//(WIDTH*<Py_ssize_t>sizeof(real))
    return (K + most - 1)//most if taps > 1 and tiles >= PASS_TILES else 1


cdef inline void next_pixel(Py_ssize_t* d, Py_ssize_t* row, Py_ssize_t* column, Py_ssize_t rows,
                            Py_ssize_t columns) noexcept nogil:
    column[0] += 1
    if column[0] == columns:
        column[0] = 0
        row[0] += 1
        if row[0] == rows:
            row[0] = 0
            d[0] += 1


cdef inline void pixels_task(const ConvArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    """One task: oc_block output channels of one group x one tile of pixels, of one batch element."""
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t x_offset, y_offset, w_offset, ic0, ic, ics, oc, ocs, d, q, row, column, tiles, b
    cdef Py_ssize_t pixels, count, pitch_w, pitch_h, pitch_d, i, k, K, passes
    cdef bint shared = args.packed != NULL
    cdef bint in_place = pixels_in_place(args)
    cdef bint inside = channels_inside(args)
    cdef const real* panel
    cdef const real* bias = <const real*>args.bias if args.bias != NULL else NULL
    cdef const real* weight
    cdef const char* image
    cdef const real* pointers[8]
    cdef Target target
    cdef real* sums
    cdef char* out
    cdef bint finished, straight
    cdef int m

    # scratch: tap offsets | block | panel | sums | packed tile
    cdef Py_ssize_t* offsets = <Py_ssize_t*>scratch
    cdef real* block = <real*>(scratch + (args.ic_block*taps*sizeof(Py_ssize_t) + 63)//64*64)
    cdef real* own_panel = block + LANES*LANES
    cdef real* all_sums = own_panel
    if not shared:
        all_sums += aligned_reals(args.ic_block*taps*min(<Py_ssize_t>WIDTH, padded(args.OC)))
    cdef Py_ssize_t panels = 1 if args.ic_block >= args.IC else (args.oc_block + WIDTH - 1)//WIDTH
    cdef real* packed_tile = all_sums + panels*sums_pixels(args)*WIDTH
    cdef const real* tile = packed_tile

    cdef Block place = block_of(args, task)
    cdef Py_ssize_t g = place.g, oc0 = place.oc, oc_end = place.oc_end
    cdef Py_ssize_t od = place.d, oh = place.h, ow = place.w
    cdef Py_ssize_t d_tile = place.d_tile, h_tile = place.h_tile, w_tile = place.w_tile
    pixels = d_tile*h_tile*w_tile
    tiles = tile_count(pixels)
    batch_offsets(args, place.n, &x_offset, &y_offset, &w_offset)
    weight = <const real*>args.weight + w_offset + g*args.OC*args.IC*taps
    image = args.x.data + x_offset

    if in_place:
        fill_place_offsets(offsets, args)
        pitch_w = args.W.stride*args.x.w//<Py_ssize_t>sizeof(real)
        pitch_h = args.H.stride*args.x.h//<Py_ssize_t>sizeof(real)
        pitch_d = args.D.stride*args.x.d//<Py_ssize_t>sizeof(real)
    else:
        pitch_w = args.ic_block if inside else 1
        fill_tap_offsets(offsets, args, args.ic_block, 1 if inside else args.tile_elements, pitch_w)
        pitch_h = span(&args.TW, args.TW.tile)*pitch_w
        pitch_d = span(&args.TH, args.TH.tile)*pitch_h*args.TD.spread
        pitch_h *= args.TH.spread
        pitch_w *= args.TW.spread

    ic0 = 0
    while ic0 < args.IC:
        ics = min(args.ic_block, args.IC - ic0)
        passes = pass_count(ics*taps, taps, tiles)
        if in_place:
            tile = <const real*>(image + (g*args.IC + ic0)*args.x.channel + (od*args.D.stride - args.D.pad)*args.x.d
                                 + (oh*args.H.stride - args.H.pad)*args.x.h + (ow*args.W.stride - args.W.pad)*args.x.w)
        elif inside:
            pack_samples(packed_tile, args, image + (g*args.IC + ic0)*args.x.channel, ic0, ics, od, oh, ow, d_tile,
                         h_tile, w_tile)
        else:
            for ic in range(ics):
                pack_channel(packed_tile + ic*args.tile_elements, args,
                             image + channel_offset(&args.x, g*args.IC + ic0 + ic), constant_value(args, ic0 + ic), od,
                             oh, ow, d_tile, h_tile, w_tile)
        sums = all_sums
        oc = oc0
        while oc < oc_end:
            ocs = min(<Py_ssize_t>WIDTH, oc_end - oc)
            if shared:
                panel = packed_panel(args, g, ic0, oc)
            else:
                pack_weights(own_panel, args, weight, oc, ic0, ics, ocs)
                panel = own_panel
            finished = ic0 + ics == args.IC
            straight = (finished and ocs % LANES == 0 and args.y.w != item_size(args.y.dtype)
                        and stores_channels(args))
            target.bias = bias + g*args.OC + oc if bias != NULL else NULL
            target.relu = args.activation == ACT_RELU
            out = args.y.data + y_offset + od*args.y.d + oh*args.y.h + ow*args.y.w
            for i in range(passes):
                k = i*ics*taps//passes
                K = (i + 1)*ics*taps//passes - k
                d = row = column = 0
                for b in range(tiles):
                    q = b*pixels//tiles
                    count = (b + 1)*pixels//tiles - q
                    for m in range(PX_M):
                        pointers[m] = tile + d*pitch_d + row*pitch_h + column*pitch_w
                        if straight:
                            target.pixels[m] = <real*>(out + d*args.y.d + row*args.y.h + column*args.y.w) \
                                + g*args.OC + oc
                        if m + 1 < count:
                            next_pixel(&d, &row, &column, h_tile, w_tile)
                    next_pixel(&d, &row, &column, h_tile, w_tile)
                    run_pixels_apart(sums + q*WIDTH, panel + k*padded(ocs), pointers, offsets + k, K, ic0 > 0 or i > 0,
                                     &target if straight and i == passes - 1 else <Target*>NULL, count,
                                     padded(ocs)//LANES)
            if finished and not straight:
                for d in range(d_tile):
                    store_pixels(args, out + d*args.y.d, block, sums + d*h_tile*w_tile*WIDTH, bias, g*args.OC + oc, ocs,
                                 h_tile, w_tile)
            if args.ic_block < args.IC:
                sums += sums_pixels(args)*WIDTH
            oc += WIDTH
        ic0 += ics
