"""Convolution with many channels: output[oc, pixel] = sum over k of weight[oc, k] * tile[tap k, pixel].

Design:
a. k runs over (ic, kd, kh, kw) in that order, always, whatever the blocking or the number of threads: a result's
   bits depend on the shape alone.
b. A tap is an offset into the packed tile (pack.pxd), so this is a matrix product whose right side is never built.
c. Two register tiles: pixels in the lanes (rows of the image are contiguous: channels first), or output channels in
   the lanes (channels last, and images of few pixels, where lanes of pixels would stay empty).
d. Weights are packed per task into a panel that stays in L1 for all pixels of the task: no packed copy of all weights.
"""
from cconv._kernels.pack cimport (
    aligned_reals, batch_offsets, channel_offset, constant_value, is_direct, pack_channel, tap_offset,
)
from cconv._kernels.simd cimport (
    CH_M, CH_V, FLOATING, LANES, PX_M, PX_V, inlined, prefetch, real, transpose_block, vload, vreal, vstore, vzero,
)
from cconv._kernels.store cimport finish_row, is_negative
from cconv._kernels.types cimport ACT_NONE, ACT_RELU, ALG_CHANNELS, ConvArgs

cdef enum:
    # Taps whose weights form one panel: 8 rows * 640 * 4 bytes = 20 KB of a 32 KB L1, the rest is for the tile.
    PANEL_TAPS = 640
    # Weights are read along 16 rows at a time, more streams than the hardware follows: fetched so far ahead.
    PANEL_PREFETCH = 256


cdef inline inlined channel_tile(real* sums, const real* panel, const real* tile, const Py_ssize_t* taps, Py_ssize_t K,
                                 bint accumulate, int M, int V) noexcept nogil:
    """sums[m][lane] (+)= sum over k of panel[k][m] * tile[taps[k] + lane]: M channels x V vectors of pixels."""
    cdef vreal acc[32]
    cdef vreal x[4]
    cdef real w
    cdef const real* samples
    cdef Py_ssize_t k
    cdef int m, v
    for m in range(M):
        for v in range(V):
            acc[m*V + v] = vload(sums + (m*CH_V + v)*LANES) if accumulate else vzero()
    for k in range(K):
        samples = tile + taps[k]
        for v in range(V):
            x[v] = vload(samples + v*LANES)
        for m in range(M):
            w = panel[m]
            for v in range(V):
                acc[m*V + v] = acc[m*V + v] + w*x[v]
        panel += M
    for m in range(M):
        for v in range(V):
            vstore(sums + (m*CH_V + v)*LANES, acc[m*V + v])


cdef inline inlined pixel_tile(real* sums, const real* panel, const real* tile, const Py_ssize_t* taps, Py_ssize_t K,
                               bint accumulate, int M, int V) noexcept nogil:
    """sums[m][lane] (+)= sum over k of tile[taps[k] + m] * panel[k][lane]: M pixels x V vectors of channels."""
    cdef vreal acc[32]
    cdef vreal w[4]
    cdef real x
    cdef const real* samples
    cdef Py_ssize_t k
    cdef int m, v
    for m in range(M):
        for v in range(V):
            acc[m*V + v] = vload(sums + (m*PX_V + v)*LANES) if accumulate else vzero()
    for k in range(K):
        samples = tile + taps[k]
        for v in range(V):
            w[v] = vload(panel + v*LANES)
        for m in range(M):
            x = samples[m]
            for v in range(V):
                acc[m*V + v] = acc[m*V + v] + x*w[v]
        panel += V*LANES
    for m in range(M):
        for v in range(V):
            vstore(sums + (m*PX_V + v)*LANES, acc[m*V + v])


cdef inline inlined run_tile(real* sums, const real* panel, const real* tile, const Py_ssize_t* taps, Py_ssize_t K,
                             bint accumulate, Py_ssize_t channels, Py_ssize_t pixels, bint pixel_lanes) noexcept nogil:
    """The register tile that just covers channels x pixels; literals, so that sums stay in registers."""
    cdef Py_ssize_t vectors = ((pixels if pixel_lanes else channels) + LANES - 1)//LANES
    if pixel_lanes:
        if channels > CH_M//2:
            if vectors >= 3:
                channel_tile(sums, panel, tile, taps, K, accumulate, CH_M, CH_V)
            elif vectors == 2:
                channel_tile(sums, panel, tile, taps, K, accumulate, CH_M, 2)
            else:
                channel_tile(sums, panel, tile, taps, K, accumulate, CH_M, 1)
        else:
            if vectors >= 3:
                channel_tile(sums, panel, tile, taps, K, accumulate, CH_M//2, CH_V)
            elif vectors == 2:
                channel_tile(sums, panel, tile, taps, K, accumulate, CH_M//2, 2)
            else:
                channel_tile(sums, panel, tile, taps, K, accumulate, CH_M//2, 1)
    elif vectors >= 4:
        pixel_tile(sums, panel, tile, taps, K, accumulate, PX_M, PX_V)
    elif vectors == 3:
        pixel_tile(sums, panel, tile, taps, K, accumulate, PX_M, 3 if PX_V >= 3 else PX_V)
    elif vectors == 2:
        pixel_tile(sums, panel, tile, taps, K, accumulate, PX_M, 2)
    else:
        pixel_tile(sums, panel, tile, taps, K, accumulate, PX_M, 1)


cdef inline Py_ssize_t panel_width(Py_ssize_t channels, bint pixel_lanes) noexcept nogil:
    """Channels side by side in a panel, as run_tile's choice of a register tile expects them."""
    if pixel_lanes:
        return CH_M if channels > CH_M//2 else CH_M//2
    return (channels + LANES - 1)//LANES*LANES


cdef inline void pack_panel(real* panel, const ConvArgs* args, const real* weight, Py_ssize_t first, Py_ssize_t K,
                            Py_ssize_t channels, Py_ssize_t width) noexcept nogil:
    """panel[k][m] = weight[m][first + k] for m < channels; beyond, whatever: those sums are not stored.

    `weight` begins at the tile's first channel. Whole blocks are transposed in registers. A narrow panel gets vectors
    that reach into the next k, which is written later: so the panel has LANES reals to spare at its end."""
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t per_channel = args.IC*taps
    cdef Py_ssize_t k = 0, m, source
    cdef const real* row
    cdef real* rows[LANES]
    if not args.flip:
        while k + LANES <= K:
            m = 0
            while m < width:
                for source in range(LANES):
                    rows[source] = <real*>weight + (m + source if m + source < channels else 0)*per_channel
                    prefetch(rows[source] + first + k + PANEL_PREFETCH)
                transpose_block(panel + k*width + m, width, rows, first + k)
                m += LANES
            k += LANES
    while k < K:
        source = first + k
        if args.flip:
            source += taps - 1 - 2*(source % taps)
        row = weight + source
        for m in range(width):
            panel[k*width + m] = row[m*per_channel] if m < channels else <real>0
        k += 1


cdef inline inlined store_whole_tile(const ConvArgs* args, char* out, const real* sums, const real* bias,
                                     Py_ssize_t channel, Py_ssize_t channels) noexcept nogil:
    """A full register tile within one row of an output that takes vectors: no calls, loops of known length."""
    cdef Py_ssize_t m, i
    cdef real* row
    cdef real b
    for m in range(channels):
        row = <real*>(out + channel_offset(&args.y, channel + m))
        b = bias[m] if bias != NULL else <real>0
        if args.activation == ACT_RELU:
            for i in range(CH_V*LANES):
                row[i] = sums[i] + b if not is_negative(sums[i] + b) else <real>0
        elif bias != NULL:
            for i in range(CH_V*LANES):
                row[i] = sums[i] + b
        else:
            for i in range(CH_V*LANES):
                row[i] = sums[i]
        sums += CH_V*LANES


cdef inline void store_channel_tile(const ConvArgs* args, char* out, real* sums, const real* bias, Py_ssize_t channel,
                                    Py_ssize_t channels, Py_ssize_t first, Py_ssize_t last, Py_ssize_t width,
                                    Py_ssize_t h_tile, bint direct) noexcept nogil:
    """Store sums[channel][pixel] for tile positions first <= q < last. `out`: where output row 0 of the tile begins."""
    cdef Py_ssize_t pitch = args.TW.tile + args.TW.halo
    cdef Py_ssize_t m, row, begin, end
    cdef char* plane
    cdef Py_ssize_t row0 = first//pitch
    cdef Py_ssize_t row1 = min(h_tile, (last - 1)//pitch + 1)
    if direct and last - first == CH_V*LANES and last <= row0*pitch + width:
        store_whole_tile(args, out + row0*args.y.h + (first - row0*pitch)*args.y.w, sums,
                         bias + channel if bias != NULL else NULL, channel, channels)
        return
    for m in range(channels):
        plane = out + channel_offset(&args.y, channel + m)
        for row in range(row0, row1):
            begin = max(first, row*pitch)
            end = min(last, row*pitch + width)          # what follows is halo
            if end > begin:
                finish_row(plane + row*args.y.h + (begin - row*pitch)*args.y.w, sums + m*CH_V*LANES + begin - first,
                           end - begin, args.y.w, args.y.dtype, bias + channel + m if bias != NULL else NULL, 0,
                           args.activation)


cdef inline void store_pixel_tile(const ConvArgs* args, char* out, real* sums, const real* bias, Py_ssize_t channel,
                                  Py_ssize_t channels, Py_ssize_t first, Py_ssize_t last, Py_ssize_t width,
                                  Py_ssize_t h_tile) noexcept nogil:
    """Store sums[pixel][channel] for tile positions first <= q < last."""
    cdef Py_ssize_t pitch = args.TW.tile + args.TW.halo
    cdef Py_ssize_t q, m, row, column
    cdef char* pixel
    cdef real* values
    for q in range(first, last):
        row = q//pitch
        column = q - row*pitch
        if column >= width or row >= h_tile:
            continue
        pixel = out + row*args.y.h + column*args.y.w
        values = sums + (q - first)*PX_V*LANES
        if args.y.parts == 1:
            finish_row(pixel + channel*args.y.channel, values, channels, args.y.channel, args.y.dtype,
                       bias + channel if bias != NULL else NULL, 1, args.activation)
        else:
            for m in range(channels):
                finish_row(pixel + channel_offset(&args.y, channel + m), values + m, 1, args.y.channel, args.y.dtype,
                           bias + channel + m if bias != NULL else NULL, 1, args.activation)


cdef inline Py_ssize_t channels_per_tile(bint pixel_lanes) noexcept nogil:
    return CH_M if pixel_lanes else PX_V*LANES


cdef inline Py_ssize_t pixels_per_tile(bint pixel_lanes) noexcept nogil:
    return CH_V*LANES if pixel_lanes else PX_M


cdef inline bint in_one_block(const ConvArgs* args) noexcept nogil:
    """True if one pass over k finishes a register tile, so that its sums need no home between passes."""
    return args.ic_block >= args.IC and args.IC*args.D.kernel*args.H.kernel*args.W.kernel <= PANEL_TAPS


cdef inline Py_ssize_t tiles_per_plane(const ConvArgs* args, bint pixel_lanes) noexcept nogil:
    """Register tiles that cover one plane of a full packed tile, its halo columns included."""
    cdef Py_ssize_t step = pixels_per_tile(pixel_lanes)
    return ((args.TH.tile - 1)*(args.TW.tile + args.TW.halo) + args.TW.tile + step - 1)//step


cdef inline Py_ssize_t sums_tiles(const ConvArgs* args, bint pixel_lanes) noexcept nogil:
    """Register tiles whose sums a task keeps at a time."""
    if in_one_block(args):
        return 1
    return (args.oc_block + channels_per_tile(pixel_lanes) - 1)//channels_per_tile(pixel_lanes) \
        * args.TD.tile*tiles_per_plane(args, pixel_lanes)


cdef inline Py_ssize_t channels_scratch(const ConvArgs* args) noexcept nogil:
    """Bytes that channels_task uses, in its order: tap offsets, panel, sums, packed tile and what vectors over-read."""
    cdef bint pixel_lanes = args.algorithm == ALG_CHANNELS
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t oc_step = channels_per_tile(pixel_lanes)
    cdef Py_ssize_t px_step = pixels_per_tile(pixel_lanes)
    cdef Py_ssize_t reals = aligned_reals(min(<Py_ssize_t>PANEL_TAPS, args.ic_block*taps)*oc_step + LANES)
    reals += sums_tiles(args, pixel_lanes)*oc_step*px_step
    reals += args.ic_block*args.tile_elements + px_step + LANES
    return (args.ic_block*taps*<Py_ssize_t>sizeof(Py_ssize_t) + 63)//64*64 + reals*<Py_ssize_t>sizeof(real)


cdef inline bint channels_in_place(const ConvArgs* args) noexcept nogil:
    """A pointwise kernel on one row of native samples: the input itself is the packed tile."""
    return (args.x.parts == 1 and args.D.output == 1 and args.H.output == 1 and args.W.stride == 1 and args.W.pad == 0
            and args.D.kernel*args.H.kernel*args.W.kernel == 1 and args.H.size == 1 and args.D.size == 1
            and args.W.output == args.W.size and is_direct(&args.x, args.batch_ndim))


cdef inline void channels_task(const ConvArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    """One task: oc_block output channels of one group x one tile of pixels, of one batch element."""
    cdef bint pixel_lanes = args.algorithm == ALG_CHANNELS
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t oc_step = channels_per_tile(pixel_lanes)
    cdef Py_ssize_t px_step = pixels_per_tile(pixel_lanes)
    cdef Py_ssize_t sums_size = oc_step*px_step
    cdef Py_ssize_t x_offset, y_offset, w_offset, ic0, ic, ics, oc, ocs, oc0, oc_end, k0, ks, d, q, q_end, index, pixels
    cdef Py_ssize_t kd, kh, kw, width
    cdef const real* weight
    cdef const real* bias
    cdef Py_ssize_t channel_pitch = args.tile_elements
    cdef real* sums
    cdef char* out
    cdef bint last
    cdef bint direct = is_direct(&args.y, args.batch_ndim) and args.activation <= (ACT_RELU if FLOATING else ACT_NONE)

    # scratch: tap offsets | panel | sums | packed tile
    cdef Py_ssize_t* offsets = <Py_ssize_t*>scratch
    cdef real* panel = <real*>(scratch + (args.ic_block*taps*sizeof(Py_ssize_t) + 63)//64*64)
    cdef real* all_sums = panel + aligned_reals(min(<Py_ssize_t>PANEL_TAPS, args.ic_block*taps)*oc_step + LANES)
    cdef real* tile = all_sums + sums_tiles(args, pixel_lanes)*sums_size

    # task -> batch element, group, output channels, pixels; pixels innermost, so that neighbours share weights
    cdef Py_ssize_t n_w = (args.W.output + args.TW.tile - 1)//args.TW.tile
    cdef Py_ssize_t n_h = (args.H.output + args.TH.tile - 1)//args.TH.tile
    cdef Py_ssize_t n_d = (args.D.output + args.TD.tile - 1)//args.TD.tile
    cdef Py_ssize_t n_oc = (args.OC + args.oc_block - 1)//args.oc_block
    cdef Py_ssize_t ow = task % n_w*args.TW.tile
    cdef Py_ssize_t oh = task//n_w % n_h*args.TH.tile
    cdef Py_ssize_t od = task//(n_w*n_h) % n_d*args.TD.tile
    cdef Py_ssize_t rest = task//(n_w*n_h*n_d)
    cdef Py_ssize_t g = rest//n_oc % args.G
    cdef Py_ssize_t w_tile = min(args.TW.tile, args.W.output - ow)
    cdef Py_ssize_t h_tile = min(args.TH.tile, args.H.output - oh)
    cdef Py_ssize_t d_tile = min(args.TD.tile, args.D.output - od)
    cdef Py_ssize_t pitch_h = args.TW.tile + args.TW.halo
    cdef Py_ssize_t pitch_d = (args.TH.tile + args.TH.halo)*pitch_h
    pixels = (h_tile - 1)*pitch_h + w_tile
    oc0 = rest % n_oc*args.oc_block
    oc_end = min(args.OC, oc0 + args.oc_block)
    batch_offsets(args, rest//(n_oc*args.G), &x_offset, &y_offset, &w_offset)
    weight = <const real*>args.weight + w_offset + g*args.OC*args.IC*taps
    bias = <const real*>args.bias if args.bias != NULL else NULL

    # The last register tile reads whole vectors: at a row's end only a packed tile has room for that.
    cdef bint in_place = channels_in_place(args) and (w_tile % px_step == 0)
    if in_place:
        channel_pitch = args.x.channel//<Py_ssize_t>sizeof(real)

    index = 0
    for ic in range(args.ic_block):
        for kd in range(args.D.kernel):
            for kh in range(args.H.kernel):
                for kw in range(args.W.kernel):
                    offsets[index] = ic*channel_pitch + tap_offset(args, kd, kh, kw)
                    index += 1

    ic0 = 0
    while ic0 < args.IC:
        ics = min(args.ic_block, args.IC - ic0)
        if in_place:
            tile = <real*>(args.x.data + x_offset + (g*args.IC + ic0)*args.x.channel) + ow
        for ic in range(0 if in_place else ics):
            pack_channel(tile + ic*args.tile_elements, args,
                         args.x.data + x_offset + channel_offset(&args.x, g*args.IC + ic0 + ic),
                         constant_value(args, ic0 + ic), od, oh, ow, d_tile, h_tile, w_tile)
        k0 = 0
        while k0 < ics*taps:
            ks = min(<Py_ssize_t>PANEL_TAPS, ics*taps - k0)
            last = ic0 + ics == args.IC and k0 + ks == ics*taps
            sums = all_sums
            oc = oc0
            while oc < oc_end:
                ocs = min(oc_step, oc_end - oc)
                width = panel_width(ocs, pixel_lanes)
                pack_panel(panel, args, weight + oc*args.IC*taps, ic0*taps + k0, ks, ocs, width)
                for d in range(d_tile):
                    out = args.y.data + y_offset + (od + d)*args.y.d + oh*args.y.h + ow*args.y.w
                    q = 0
                    while q < pixels:
                        q_end = min(pixels, q + px_step)
                        if pixel_lanes and q + px_step < pixels <= q + (CH_V + 1)*LANES:
                            q_end = q + (CH_V + 1)//2*LANES         # halves: a tile of one vector waits for loads
                        run_tile(sums, panel, tile + d*pitch_d + q, offsets + k0, ks, ic0 > 0 or k0 > 0, ocs,
                                 q_end - q, pixel_lanes)
                        if last and pixel_lanes:
                            store_channel_tile(args, out, sums, bias, g*args.OC + oc, ocs, q, q_end, w_tile,
                                               h_tile, direct)
                        elif last:
                            store_pixel_tile(args, out, sums, bias, g*args.OC + oc, ocs, q, q_end, w_tile, h_tile)
                        if not in_one_block(args):
                            sums += sums_size
                        q = q_end
                oc += oc_step
            k0 += ks
        ic0 += ics
