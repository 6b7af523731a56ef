"""Convolution with many channels, pixels in the lanes.

output[oc, pixel] = sum over k of weight[oc, k]*tile[tap k, pixel].

Design:
a. k runs over (ic, kd, kh, kw) in the order of the weights in memory, always, whatever the blocking or the number of
   threads: a result's bits depend on the shape alone. A flipped kernel has its taps' offsets in the other order.
b. A tap is an offset into the packed tile (pack.pxd), so this is a matrix product whose right side is never built.
c. A task lays the weights of a register tile's channels side by side, a block of k at a time, so that the tile follows
   one pointer: along a row per channel it spent its loads on pointers that had no register (pointwise layers took 1.03
   times as long with AVX-512, 1.08 with AVX2). Zipped in registers that takes 1.5 cycles per k, each tile then 12.
d. A pointwise kernel reads the image where it lies.
e. A register tile walks down k through more rows than the hardware follows, so each fetches what the next will read
   there: 3 % less time from L2, 5 to 15 % where the image comes from memory. Two tiles ahead is no better, and where
   pixels are the scalars (pixels.pxd) it is no faster. An image that is read in place and was once already is near:
   there the same tile is fetched, AHEAD k's on (256 -> 64 at 56x56: 0.9 of the time on an Intel Xeon).
f. Where a sample is read by one tap, or nearly, many output channels pay for laying samples as they are read, in panels
   [register tile][k][pixel]: each load is one cache line, and the next one follows it. On a CPU of two 64-byte
   multiply-adds per cycle, pointwise layers take 0.75 to 0.9 of the time for it, strided ones 0.5 to 0.9; without
   looking offsets up, and without fetching ahead, which the hardware does there, 0.93 to 0.97 of that. Taps that share
   samples (3x3) find them in L1 as they are: there panels take 1.1 to 1.2 times as long.
"""
from libc.string cimport memcpy

from cconv._kernels.elements cimport is_native
from cconv._kernels.pack cimport (
    Block, aligned_reals, batch_offsets, block_of, channel_offset, constant_value, is_aligned, is_direct, pack_channel,
    tap_offset,
)
from cconv._kernels.simd cimport (
    CACHE_LINE, CH_M, CH_ROWS, CH_V, FLOATING, LANES, apart, fetch, inlined, prefetch, real, vload, vreal, vrelu,
    vstore, vzero, vzip_high, vzip_low,
)
from cconv._kernels.store cimport finish_row
from cconv._kernels.types cimport ACT_NONE, ACT_RELU, Array, ConvArgs


cdef enum:
    AHEAD = 4                   # k's
    PANEL_CHANNELS = 96         # 64: neither faster nor slower
    PREFETCH = 64               # k's: rows of weights are more streams than the hardware follows
    COLUMN_PANELS = 4           # laid at a time from columns: with 1 a layer took 1.3 times as long, with 2 1.1, 8 as 4


cdef struct Output:
    # where finished sums go: one row of the output per channel, or one of two channels' samples in turns
    real* first
    Py_ssize_t pitch            # in reals
    real* pairs[4]
    bint zipped
    const real* bias            # or NULL
    bint relu


cdef inline void lay_rows(real* panel, const real* weight, Py_ssize_t row, Py_ssize_t K,
                          Py_ssize_t rows) noexcept nogil:
    """panel[k][m] = weight[m*row + k], for CH_ROWS rows; beyond `rows` row 0 once more."""
    cdef vreal a[8]
    cdef vreal b[8]
    cdef const real* from_row[8]
    cdef Py_ssize_t k = 0, m
    cdef int i, _round
    for m in range(CH_ROWS):
        from_row[m] = weight + (m if m < rows else 0)*row
    while k + LANES <= K:
        for i in range(CH_ROWS):
            a[i] = vload(from_row[i] + k)
            prefetch(from_row[i] + k + PREFETCH)
        for _round in range(3 if CH_ROWS == 8 else 2):
            for i in range(CH_ROWS//2):
                b[2*i] = vzip_low(a[i], a[i + CH_ROWS//2])
                b[2*i + 1] = vzip_high(a[i], a[i + CH_ROWS//2])
            for i in range(CH_ROWS):
                a[i] = b[i]
        for i in range(CH_ROWS):
            vstore(panel + k*CH_ROWS + i*LANES, a[i])
        k += LANES
    while k < K:
        for m in range(CH_ROWS):
            panel[k*CH_ROWS + m] = from_row[m][k]
        k += 1


cdef inline void lay_columns(real* panels, Py_ssize_t step, const real* weight, Py_ssize_t column, Py_ssize_t K,
                             Py_ssize_t channels) noexcept nogil:
    """As lay_rows where output channels are neighbours, for a panel of each CH_M of them: panels lie `step` apart."""
    cdef Py_ssize_t k, m, i
    cdef real* panel
    for k in range(K):
        panel = panels + k*CH_ROWS
        m = 0
        while m + CH_M <= channels:
            memcpy(panel, weight + m, CH_M*sizeof(real))
            panel += step
            m += CH_M
        if m < channels:
            for i in range(CH_M):
                panel[i] = weight[m + i if m + i < channels else 0]
        weight += column


cdef inline inlined channel_tile(real* sums, const real* weight, const real* tile, const Py_ssize_t* taps,
                                 Py_ssize_t K, bint near, bint accumulate, const Output* out, int rows, int M, int V,
                                 bint in_panel) noexcept nogil:
    """sums[m][lane] (+)= sum over k of weight[k][m]*tile[taps[k] + lane]: M channels x V vectors of pixels.

    `in_panel`: a k's samples follow those of the one before, and taps is not read.
    `near`: fetch the same lanes of k + AHEAD, else those of the next register tile; taps has AHEAD entries more than K.
    `rows` of the M channels exist; the sums of the others are not meant to be used. Finished sums go to `out` unless
    that is NULL: by way of `sums` they would take 130 cycles, a fifth of the time where k is 27."""
    cdef vreal acc[32]
    cdef vreal x[4]
    cdef const real* samples
    cdef const real* fetched = tile + (0 if near else V*LANES)
    cdef Py_ssize_t k
    cdef int m, v
    for m in range(M):
        for v in range(V):
            acc[m*V + v] = vload(sums + (m*CH_V + v)*LANES) if accumulate else vzero()
    for k in range(K):
        samples = tile if in_panel else tile + taps[k]
        tile += CH_V*LANES if in_panel else 0
        for v in range(V):
            x[v] = vload(samples + v*LANES)
            if not in_panel and v*LANES % CACHE_LINE == 0:
                prefetch(fetched + taps[k + AHEAD] + v*LANES)
        for m in range(M):
            for v in range(V):
                acc[m*V + v] = acc[m*V + v] + weight[m]*x[v]
        weight += CH_ROWS
    if out == NULL:
        for m in range(M):
            for v in range(V):
                vstore(sums + (m*CH_V + v)*LANES, acc[m*V + v])
        return
    for m in range(M):
        if m < rows:
            if out.bias != NULL:
                for v in range(V):
                    acc[m*V + v] = acc[m*V + v] + out.bias[m]
            if out.relu:
                for v in range(V):
                    acc[m*V + v] = vrelu(acc[m*V + v])
            if FLOATING and M > CH_M//2 and V == CH_V and out.zipped:
                continue
            for v in range(V):
                vstore(out.first + m*out.pitch + v*LANES, acc[m*V + v])
    if FLOATING and M > CH_M//2 and V == CH_V and out.zipped:   # tiles of fewer sums don't zip: their code takes room
        for m in range(0, M - 1, 2):
            if m < rows:
                for v in range(V):
                    vstore(out.pairs[m//2] + 2*v*LANES, vzip_low(acc[m*V + v], acc[(m + 1)*V + v]))
                    vstore(out.pairs[m//2] + (2*v + 1)*LANES, vzip_high(acc[m*V + v], acc[(m + 1)*V + v]))


cdef inline inlined run_tile(real* sums, const real* weight, const real* tile, const Py_ssize_t* taps, Py_ssize_t K,
                             bint near, bint accumulate, const Output* out, int channels, Py_ssize_t vectors,
                             bint in_panel) noexcept nogil:
    """The register tile that just covers channels x vectors of pixels; literals, so that sums stay in registers."""
    if channels > CH_M//2:
        if FLOATING and CH_M == 8 and not in_panel and channels <= 6 and vectors >= 3:
            # 32 -> 6 channels, 3x3: 0.85 of the time with AVX-512; panels have many channels
            channel_tile(sums, weight, tile, taps, K, near, accumulate, out, channels, 6, CH_V, in_panel)
        elif vectors >= 3:
            channel_tile(sums, weight, tile, taps, K, near, accumulate, out, channels, CH_M, CH_V, in_panel)
        elif vectors == 2:
            channel_tile(sums, weight, tile, taps, K, near, accumulate, out, channels, CH_M, 2, in_panel)
        else:
            channel_tile(sums, weight, tile, taps, K, near, accumulate, out, channels, CH_M, 1, in_panel)
    else:
        if vectors >= 3:
            channel_tile(sums, weight, tile, taps, K, near, accumulate, out, channels, CH_M//2, CH_V, in_panel)
        elif vectors == 2:
            channel_tile(sums, weight, tile, taps, K, near, accumulate, out, channels, CH_M//2, 2, in_panel)
        else:
            channel_tile(sums, weight, tile, taps, K, near, accumulate, out, channels, CH_M//2, 1, in_panel)


cdef inline bint stores_vectors(const ConvArgs* args) noexcept nogil:
    """Whether finished sums can be stored as they are: a native output, contiguous along W, nothing but relu on top."""
    return (args.y.parts == 1 and is_direct(&args.y, args.batch_ndim)
            and args.activation <= (ACT_RELU if FLOATING else ACT_NONE))


cdef inline bint stores_pairs(const ConvArgs* args) noexcept nogil:
    """Whether two channels' samples lie in turns, so that zipped vectors can be stored: complex numbers, and blocks of
    two samples along W."""
    cdef const Array* y = &args.y
    return (FLOATING and y.parts % 2 == 0 and y.part[1] == sizeof(real) and y.w == 2*sizeof(real)
            and is_native(y.dtype) and is_aligned(y, args.batch_ndim) and args.activation <= ACT_RELU)


cdef inline void zip_pairs(real* sums, int channels, const real* bias) noexcept nogil:
    """The sums of each two channels in turns, their biases added."""
    cdef vreal a[2*CH_V]
    cdef int m, v
    for m in range(0, channels, 2):
        for v in range(2*CH_V):
            a[v] = vload(sums + v*LANES)
            if bias != NULL:
                a[v] = a[v] + bias[m + v//CH_V]
        for v in range(CH_V):
            vstore(sums + 2*v*LANES, vzip_low(a[v], a[v + CH_V]))
            vstore(sums + (2*v + 1)*LANES, vzip_high(a[v], a[v + CH_V]))
        sums += 2*CH_V*LANES


cdef inline void store_channel_tile(const ConvArgs* args, char* out, real* sums, const real* bias, Py_ssize_t channel,
                                    int channels, Py_ssize_t first, Py_ssize_t last, Py_ssize_t pitch, Py_ssize_t width,
                                    Py_ssize_t h_tile, bint zipped) noexcept nogil:
    """Store sums[channel][pixel] for positions first <= q < last of rows of `pitch` positions and `width` pixels.

    `out`: where output row 0 of the tile begins. `zipped`: two channels' samples as one row of twice as many."""
    cdef int step = 1
    cdef Py_ssize_t item = args.y.w
    if zipped:
        zip_pairs(sums, channels, bias + channel if bias != NULL else NULL)
        step = 2
        item = sizeof(real)
        bias = NULL
    cdef Py_ssize_t m = 0, row, begin, end
    cdef char* plane
    cdef Py_ssize_t row1 = min(h_tile, (last - 1)//pitch + 1)
    while m < channels:
        plane = out + channel_offset(&args.y, channel + m)
        for row in range(first//pitch, row1):
            begin = max(first, row*pitch)
            end = min(last, row*pitch + width)          # what follows is halo
            if end > begin:
                finish_row(plane + row*args.y.h + (begin - row*pitch)*args.y.w,
                           sums + m*CH_V*LANES + step*(begin - first), step*(end - begin), item, args.y.dtype,
                           bias + channel + m if bias != NULL else NULL, 0, args.activation)
        m += step


cdef inline bint channels_in_one_block(const ConvArgs* args) noexcept nogil:
    """True if one pass over k finishes a register tile, so that its sums need no home between passes."""
    return args.ic_block >= args.IC


cdef inline bint takes_panels(const ConvArgs* args) noexcept nogil:
    """Whether samples are laid in panels, for all output channels of a task. Integers multiply too slowly to gain."""
    return (FLOATING and args.OC >= PANEL_CHANNELS and args.D.kernel*args.H.kernel == 1
            and args.W.kernel < 2*args.W.stride)


cdef inline Py_ssize_t row_pitch(const ConvArgs* args) noexcept nogil:
    """Positions from one output row to the next: those of a packed tile have halo columns between them."""
    return args.TW.tile + (0 if takes_panels(args) else args.TW.halo)


cdef inline Py_ssize_t tiles_per_plane(const ConvArgs* args) noexcept nogil:
    """Register tiles that cover one plane of a full tile, its halo columns included."""
    return ((args.TH.tile - 1)*row_pitch(args) + args.TW.tile + CH_V*LANES - 1)//(CH_V*LANES)


cdef inline Py_ssize_t block_taps(const ConvArgs* args) noexcept nogil:
    """The k's of a full block of input channels."""
    return args.ic_block*args.D.kernel*args.H.kernel*args.W.kernel


cdef inline Py_ssize_t samples_reals(const ConvArgs* args) noexcept nogil:
    """Reals of a task's samples as register tiles read them."""
    if takes_panels(args):
        return block_taps(args)*tiles_per_plane(args)*CH_V*LANES
    return args.ic_block*args.tile_elements


cdef inline Py_ssize_t sums_tiles(const ConvArgs* args) noexcept nogil:
    """Register tiles whose sums a task keeps at a time."""
    if channels_in_one_block(args):
        return 1
    return (args.oc_block + CH_M - 1)//CH_M*args.TD.tile*tiles_per_plane(args)


cdef inline Py_ssize_t offsets_bytes(const ConvArgs* args) noexcept nogil:
    """Of the tap offsets of a block, and of AHEAD more; panels need none."""
    return 0 if takes_panels(args) else ((block_taps(args) + AHEAD)*<Py_ssize_t>sizeof(Py_ssize_t) + 63)//64*64


cdef inline Py_ssize_t panel_reals(const ConvArgs* args) noexcept nogil:
    """Reals of a register tile's weights, laid side by side."""
    return aligned_reals(block_taps(args)*CH_ROWS)


cdef inline Py_ssize_t weights_reals(const ConvArgs* args) noexcept nogil:
    """Reals of the weights that are laid at a time."""
    return panel_reals(args)*(COLUMN_PANELS if args.turned else 1)


cdef inline Py_ssize_t channels_scratch(const ConvArgs* args) noexcept nogil:
    """Bytes that channels_task uses, in its order: tap offsets, weights, sums, packed tile and what vectors over-read;
    with panels also the offsets of one channel's taps, its packed tile, and a line of pixels."""
    cdef Py_ssize_t reals = weights_reals(args) + sums_tiles(args)*CH_M*CH_V*LANES + samples_reals(args) \
        + (CH_V + 1)*LANES
    if takes_panels(args):
        reals += aligned_reals(args.W.kernel)*<Py_ssize_t>sizeof(Py_ssize_t)//<Py_ssize_t>sizeof(real) \
            + aligned_reals(args.tile_elements + LANES) + args.TH.tile*args.TW.tile + LANES
    return offsets_bytes(args) + reals*<Py_ssize_t>sizeof(real)


cdef inline bint channels_in_place(const ConvArgs* args) noexcept nogil:
    """A pointwise kernel on native samples, one row or whole rows that follow each other: the input itself is the
    packed tile."""
    return (args.x.parts == 1 and args.D.output == 1 and args.H.stride == 1 and args.W.stride == 1 and args.H.pad == 0
            and args.W.pad == 0 and args.D.kernel*args.H.kernel*args.W.kernel == 1 and args.D.size == 1
            and args.H.output == args.H.size and args.W.output == args.W.size and is_direct(&args.x, args.batch_ndim)
            and (args.H.size == 1 or args.TW.tile == args.W.size and args.x.h == args.W.size*args.x.w))


cdef inline void repeat_taps(Py_ssize_t* offsets, Py_ssize_t taps, Py_ssize_t channels,
                             Py_ssize_t channel_pitch) noexcept nogil:
    """Offsets of so many channels, from those of the first one's taps."""
    cdef Py_ssize_t ic, k
    for ic in range(1, channels):
        for k in range(taps):
            offsets[ic*taps + k] = offsets[k] + ic*channel_pitch


cdef inline apart fill_tap_offsets(Py_ssize_t* offsets, const ConvArgs* args, Py_ssize_t channels,
                                   Py_ssize_t channel_pitch, Py_ssize_t pitch) noexcept nogil:
    """Where in the tile each k of so many channels begins: channels lie channel_pitch apart, tile positions pitch."""
    cdef Py_ssize_t kd, kh, kw, k = 0, taps = args.D.kernel*args.H.kernel*args.W.kernel
    for kd in range(args.D.kernel):
        for kh in range(args.H.kernel):
            for kw in range(args.W.kernel):
                offsets[taps - 1 - k if args.flip else k] = tap_offset(args, kd, kh, kw)*pitch
                k += 1
    repeat_taps(offsets, taps, channels, channel_pitch)


cdef inline const real* one_line(real* line, const real* rows, Py_ssize_t pitch, Py_ssize_t n,
                                 Py_ssize_t width) noexcept nogil:
    """n rows of `width` samples, `pitch` apart, as one; whole vectors are read and written."""
    cdef Py_ssize_t i, t
    if pitch == width or n == 1:
        return rows
    for i in range(n):
        t = 0
        while t < width:
            vstore(line + i*width + t, vload(rows + i*pitch + t))
            t += LANES
    return line


cdef inline void fill_panels(real* panel, Py_ssize_t pitch, const real* line, Py_ssize_t pixels,
                             Py_ssize_t readable) noexcept nogil:
    """One k of the panels, which lie `pitch` apart, from a line of pixels. Beyond them lies what may be read there, or
    zeros."""
    cdef Py_ssize_t vectors = (pixels + LANES - 1)//LANES, tiles = (vectors + CH_V - 1)//CH_V
    cdef Py_ssize_t whole = vectors if readable >= vectors*LANES else pixels//LANES
    cdef Py_ssize_t least = vectors//tiles, more = vectors - least*tiles, owed = 0, v, i, first = 0, n = 0, _b
    for _b in range(tiles):
        # as many vectors as lie between b*vectors//tiles and the next, without a division
        n = least
        owed += more
        if owed >= tiles:
            owed -= tiles
            n += 1
        for v in range(min(n, whole - first)):
            vstore(panel + v*LANES, vload(line + (first + v)*LANES))
        first += n
        panel += pitch
    if whole < vectors:
        panel += (n - 1)*LANES - pitch
        line += whole*LANES
        for i in range(LANES):
            panel[i] = line[i] if whole*LANES + i < pixels else <real>0


cdef inline void pack_panels(real* panels, real* rest, const ConvArgs* args, const Block* place,
                             const char* image, Py_ssize_t ic0, Py_ssize_t ics) noexcept nogil:
    """Panels of a group's channels ic0.. + ics. `rest`: scratch behind them; `image`: of one batch element."""
    cdef Py_ssize_t pitch = block_taps(args)*CH_V*LANES, taps = args.W.kernel
    cdef Py_ssize_t pixels = place.h_tile*place.w_tile
    cdef Py_ssize_t* taps_of_box = <Py_ssize_t*>rest
    cdef real* box = rest + aligned_reals(taps)*<Py_ssize_t>sizeof(Py_ssize_t)//<Py_ssize_t>sizeof(real)
    cdef real* line = box + aligned_reals(args.tile_elements + LANES)
    cdef const char* plane
    cdef bint in_place = channels_in_place(args)
    cdef bint beyond = args.x.channel >= LANES*<Py_ssize_t>sizeof(real)     # a later channel's samples lie there
    cdef Py_ssize_t ic, t
    fill_tap_offsets(taps_of_box, args, 1, 0, 1)
    for ic in range(ics):
        plane = image + channel_offset(&args.x, place.g*args.IC + ic0 + ic)
        if in_place:
            fetch(plane + args.x.channel + place.h*args.x.h + place.w*args.x.w, pixels*args.x.w, 1, 0)
            fill_panels(panels + ic*CH_V*LANES, pitch, <const real*>(plane + place.h*args.x.h) + place.w, pixels,
                        pixels + (LANES if beyond and ic + 1 < ics else 0))
            continue
        pack_channel(box, args, plane, constant_value(args, ic0 + ic), place.d, place.h, place.w, place.d_tile,
                     place.h_tile, place.w_tile)
        for t in range(taps):
            fill_panels(panels + (ic*taps + t)*CH_V*LANES, pitch,
                        one_line(line, box + taps_of_box[t], args.TW.tile + args.TW.halo, place.h_tile, place.w_tile),
                        pixels, pixels)


cdef inline void channels_task(const ConvArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    """One task: oc_block output channels of one group x one tile of pixels, of one batch element."""
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t row = args.IC*taps                  # of one output channel's weights
    cdef Py_ssize_t x_offset, y_offset, w_offset, ic0, ic, ics, first, oc, ocs, d, b, v, q, pixels, vectors, tiles
    cdef const real* weight
    cdef const real* bias
    cdef Py_ssize_t channel_pitch = args.tile_elements
    cdef real* sums
    cdef char* out
    cdef char* place_in_row
    cdef Output output
    cdef const Output* finished
    cdef bint direct = stores_vectors(args)
    cdef bint last, whole
    cdef int i

    # scratch: tap offsets | weights | sums | packed tile or panels | what packs panels
    cdef Py_ssize_t* offsets = <Py_ssize_t*>scratch
    cdef real* all_rows = <real*>(scratch + offsets_bytes(args))
    cdef real* rows = all_rows
    cdef real* all_sums = all_rows + weights_reals(args)
    cdef real* packed = all_sums + sums_tiles(args)*CH_M*CH_V*LANES
    cdef real* tile = packed
    cdef bint panels = takes_panels(args)
    cdef Py_ssize_t panel_pitch = block_taps(args)*CH_V*LANES

    cdef Block place = block_of(args, task)
    cdef Py_ssize_t g = place.g, oc0 = place.oc, oc_end = place.oc_end
    cdef Py_ssize_t od = place.d, oh = place.h, ow = place.w
    cdef Py_ssize_t d_tile = place.d_tile, h_tile = place.h_tile, w_tile = place.w_tile
    cdef Py_ssize_t pitch_h = w_tile if panels else args.TW.tile + args.TW.halo
    cdef Py_ssize_t pitch_d = (args.TH.tile + args.TH.halo)*(args.TW.tile + args.TW.halo)
    cdef Py_ssize_t out_pitch = pitch_h
    cdef Py_ssize_t out_width = w_tile
    pixels = (h_tile - 1)*pitch_h + w_tile
    vectors = (pixels + LANES - 1)//LANES
    tiles = (vectors + CH_V - 1)//CH_V
    batch_offsets(args, place.n, &x_offset, &y_offset, &w_offset)
    weight = <const real*>args.weight + w_offset + g*args.OC*row
    bias = <const real*>args.bias if args.bias != NULL else NULL
    if pitch_h == w_tile and args.y.h == w_tile*args.y.w:
        out_pitch = pixels                              # rows follow each other in the tile and in the output: one row
        out_width = pixels
        h_tile = 1

    # The last register tile reads whole vectors: at the end of a plane, what the next one begins with; the last one is
    # copied. With copies of all, 192 -> 64 channels at 14x14 took 1.3 times as long.
    cdef Py_ssize_t end = (oh + place.h_tile - 1)*args.W.size + ow + w_tile
    cdef bint beyond = pixels % LANES != 0 and args.H.size*args.W.size - end < LANES
    cdef bint in_place = (not panels and channels_in_place(args)
                          and (not beyond or args.x.channel >= LANES*<Py_ssize_t>sizeof(real)))
    if in_place:
        channel_pitch = args.x.channel//<Py_ssize_t>sizeof(real)
    if not panels:
        fill_tap_offsets(offsets, args, args.ic_block, channel_pitch, 1)
        for v in range(AHEAD):
            offsets[block_taps(args) + v] = offsets[v % taps]

    output.zipped = stores_pairs(args)
    ic0 = 0
    while ic0 < args.IC:
        ics = min(args.ic_block, args.IC - ic0)
        if panels:
            pack_panels(tile, tile + samples_reals(args) + (CH_V + 1)*LANES, args, &place, args.x.data + x_offset, ic0,
                        ics)
        first = ics if panels else 0                    # of the channels that are packed
        if in_place:
            tile = <real*>(args.x.data + x_offset + (g*args.IC + ic0)*args.x.channel + oh*args.x.h) + ow
            first = ics
            if beyond and ic0 + ics == args.IC:
                first = ics - 1
                offsets[first] = (<Py_ssize_t>(packed + first*args.tile_elements)
                                  - <Py_ssize_t>tile)//<Py_ssize_t>sizeof(real)
        for ic in range(first, ics):
            pack_channel(packed + ic*args.tile_elements, args,
                         args.x.data + x_offset + channel_offset(&args.x, g*args.IC + ic0 + ic),
                         constant_value(args, ic0 + ic), od, oh, ow, d_tile, place.h_tile, w_tile)
        sums = all_sums
        oc = oc0
        while oc < oc_end:
            ocs = min(<Py_ssize_t>CH_M, oc_end - oc)
            if not args.turned:
                lay_rows(rows, weight + oc*row + ic0*taps, row, ics*taps, ocs)
            elif (oc - oc0) % (COLUMN_PANELS*CH_M) == 0:
                rows = all_rows
                lay_columns(rows, panel_reals(args), weight + ic0*args.OC + oc, args.OC, ics,
                            min(<Py_ssize_t>COLUMN_PANELS*CH_M, oc_end - oc))
            else:
                rows += panel_reals(args)
            for d in range(d_tile):
                out = args.y.data + y_offset + (od + d)*args.y.d + oh*args.y.h + ow*args.y.w
                for b in range(tiles):
                    # evenly: a tile of one vector waits for loads
                    v = b*vectors//tiles
                    q = v*LANES
                    v = (b + 1)*vectors//tiles - v
                    last = ic0 + ics == args.IC
                    # within one row, and whole vectors: the tile stores its sums itself
                    whole = last and (direct or output.zipped and v == CH_V and ocs > CH_M//2) \
                        and q + v*LANES <= q//out_pitch*out_pitch + out_width
                    if whole:
                        place_in_row = out + q//out_pitch*args.y.h + q % out_pitch*args.y.w
                        if output.zipped:
                            for i in range(0, <int>ocs, 2):
                                output.pairs[i//2] = <real*>(place_in_row
                                                             + channel_offset(&args.y, g*args.OC + oc + i))
                        output.first = <real*>(place_in_row + (g*args.OC + oc)*args.y.channel)
                        output.pitch = args.y.channel//<Py_ssize_t>sizeof(real)
                        output.bias = bias + g*args.OC + oc if bias != NULL else NULL
                        output.relu = args.activation == ACT_RELU
                    finished = &output if whole else <Output*>NULL
                    if panels:
                        run_tile(sums, rows, tile + b*panel_pitch, NULL, ics*taps, False, ic0 > 0, finished, <int>ocs,
                                 v, True)
                    else:
                        run_tile(sums, rows, tile + d*pitch_d + q, offsets, ics*taps, in_place and oc > oc0, ic0 > 0,
                                 finished, <int>ocs, v, False)
                    if last and not whole:
                        store_channel_tile(args, out, sums, bias, g*args.OC + oc, <int>ocs, q,
                                           min(pixels, q + v*LANES), out_pitch, out_width, h_tile, output.zipped)
                    if not channels_in_one_block(args):
                        sums += CH_M*CH_V*LANES
            oc += CH_M
        ic0 += ics
