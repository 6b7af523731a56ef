"""Convolution with few channels, and depthwise: output rows side by side in registers, pixels in the lanes.

Design:
a. One load of an input row serves every output row it touches: 4 output rows x RW_V vectors of sums, weights
   broadcast; with 32 registers 6 rows, for kernels of 5 rows or more: 0.9 to 0.97 of the time where a cycle holds two
   multiply-adds, as loads that cross cache lines are the next limit. Kernel rows of one stride residue form a band, in
   which input row j meets kernel row t in output row j - t: so a strided kernel is a few unstrided ones.
b. Rows are found through a table of pointers. Where the input can be read in place they point into it; padding above
   and below is a pointer to another row or to a row of the constant; only the columns at the left and right border
   are packed. A narrow image is packed whole: two short lines cost more than one long one.
c. Sums run over (ic, kd, band, kernel row, kw) in that order whatever the tile: bits do not depend on the partition.
"""
from cconv._kernels.pack cimport (
    aligned_reals, batch_offsets, channel_offset, constant_value, is_direct, pack_channel, source_index, tap_offset,
    zero_reals,
)
from cconv._kernels.simd cimport LANES, RW_R, RW_TALL, RW_V, inlined, real, vkeep, vload, vreal, vstore, vzero
from cconv._kernels.store cimport finish_row
from cconv._kernels.types cimport ACT_NONE, ConvArgs

cdef enum:
    # Widest block read in place: a row of the constant is this long. 512 and 4096 measured the same.
    IN_PLACE_COLUMNS = 1024
    # Images narrower than so many register tiles are packed whole.
    IN_PLACE_WIDTH = 4


cdef inline inlined row_step(vreal* acc, const real* row, const real* weight, const Py_ssize_t* columns, Py_ssize_t KW,
                             Py_ssize_t KH, int first, int last, int V) noexcept nogil:
    """Input row j feeds output rows first..last; output row o takes kernel row j - o. `weight` is the band's
    [kw][kernel row], from row j on: one pointer reaches the weights of all output rows. Kernel column kw reads from
    columns[kw] on, from kw on if columns is NULL."""
    cdef vreal x[8]
    cdef real w
    cdef Py_ssize_t kw
    cdef int o, v
    for kw in range(KW):
        for v in range(V):
            x[v] = vkeep(vload(row + (columns[kw] if columns != NULL else kw) + v*LANES))
        for o in range(first, last + 1):
            w = weight[-o]
            for v in range(V):
                acc[o*V + v] = acc[o*V + v] + w*x[v]
        weight += KH


cdef inline inlined band_step(vreal* acc, const real* const* row, Py_ssize_t x0, const real* weight,
                              const Py_ssize_t* columns, Py_ssize_t KW, Py_ssize_t KH, int R, int V) noexcept nogil:
    """One band of KH kernel rows. Written out because GCC does not unroll the loop over steps around the loop over
    kw, and sums indexed by a variable live in memory (0.2x)."""
    cdef Py_ssize_t j
    if R == 1:
        for j in range(KH):
            row_step(acc, row[j] + x0, weight + j, columns, KW, KH, 0, 0, V)
    elif R == 6 or KH >= 4:
        row_step(acc, row[0] + x0, weight, columns, KW, KH, 0, 0, V)
        row_step(acc, row[1] + x0, weight + 1, columns, KW, KH, 0, 1, V)
        row_step(acc, row[2] + x0, weight + 2, columns, KW, KH, 0, 2, V)
        if R == 6:
            row_step(acc, row[3] + x0, weight + 3, columns, KW, KH, 0, 3, V)
            row_step(acc, row[4] + x0, weight + 4, columns, KW, KH, 0, 4, V)
        for j in range(R - 1, KH):
            row_step(acc, row[j] + x0, weight + j, columns, KW, KH, 0, R - 1, V)
        row_step(acc, row[KH] + x0, weight + KH, columns, KW, KH, 1, R - 1, V)
        row_step(acc, row[KH + 1] + x0, weight + KH + 1, columns, KW, KH, 2, R - 1, V)
        row_step(acc, row[KH + 2] + x0, weight + KH + 2, columns, KW, KH, 3, R - 1, V)
        if R == 6:
            row_step(acc, row[KH + 3] + x0, weight + KH + 3, columns, KW, KH, 4, 5, V)
            row_step(acc, row[KH + 4] + x0, weight + KH + 4, columns, KW, KH, 5, 5, V)
    elif KH == 3:
        row_step(acc, row[0] + x0, weight, columns, KW, 3, 0, 0, V)
        row_step(acc, row[1] + x0, weight + 1, columns, KW, 3, 0, 1, V)
        row_step(acc, row[2] + x0, weight + 2, columns, KW, 3, 0, 2, V)
        row_step(acc, row[3] + x0, weight + 3, columns, KW, 3, 1, 3, V)
        row_step(acc, row[4] + x0, weight + 4, columns, KW, 3, 2, 3, V)
        row_step(acc, row[5] + x0, weight + 5, columns, KW, 3, 3, 3, V)
    elif KH == 2:
        row_step(acc, row[0] + x0, weight, columns, KW, 2, 0, 0, V)
        row_step(acc, row[1] + x0, weight + 1, columns, KW, 2, 0, 1, V)
        row_step(acc, row[2] + x0, weight + 2, columns, KW, 2, 1, 2, V)
        row_step(acc, row[3] + x0, weight + 3, columns, KW, 2, 2, 3, V)
        row_step(acc, row[4] + x0, weight + 4, columns, KW, 2, 3, 3, V)
    else:
        row_step(acc, row[0] + x0, weight, columns, KW, 1, 0, 0, V)
        row_step(acc, row[1] + x0, weight + 1, columns, KW, 1, 1, 1, V)
        row_step(acc, row[2] + x0, weight + 2, columns, KW, 1, 2, 2, V)
        row_step(acc, row[3] + x0, weight + 3, columns, KW, 1, 3, 3, V)


cdef inline inlined row_tile(real* dst, Py_ssize_t dst_pitch, const real* const* rows, Py_ssize_t rows_pitch,
                             Py_ssize_t planes, const Py_ssize_t* band_rows, Py_ssize_t bands, const real* weight,
                             const Py_ssize_t* columns, Py_ssize_t KW, Py_ssize_t x0, const real* bias,
                             int R, int V) noexcept nogil:
    """dst[r][lane] = bias + sum over planes (ic, kd, band) and their kernel rows and columns; R rows x V vectors."""
    cdef vreal acc[32]
    cdef Py_ssize_t plane, band = 0
    cdef real b
    cdef int r, v
    for r in range(R*V):
        acc[r] = vzero()
    for plane in range(planes):
        band_step(acc, rows + plane*rows_pitch, x0, weight, columns, KW, band_rows[band], R, V)
        weight += band_rows[band]*KW
        band = band + 1 if band + 1 < bands else 0
    if bias != NULL:
        b = bias[0]
        for r in range(R*V):
            acc[r] = acc[r] + b
    for r in range(R):
        for v in range(V):
            vstore(dst + r*dst_pitch + v*LANES, acc[r*V + v])


cdef inline Py_ssize_t band_count(const ConvArgs* args) noexcept nogil:
    """Kernel rows that meet consecutive packed rows form one band; dilated rows are bands of their own."""
    return args.TH.slots if not args.TH.per_tap and args.TH.step == args.H.dilation else args.H.kernel


cdef inline Py_ssize_t rows_per_plane(const ConvArgs* args) noexcept nogil:
    return args.TH.tile + args.H.kernel


cdef inline bint rows_in_place(const ConvArgs* args) noexcept nogil:
    """Whether inner columns are read where they lie."""
    return (args.W.stride == 1 and args.W.output >= IN_PLACE_WIDTH*RW_V*LANES
            and (args.W.kernel - 1)*args.W.dilation <= IN_PLACE_COLUMNS and is_direct(&args.x, args.batch_ndim))


cdef inline inlined sized_tile(real* dst, Py_ssize_t dst_pitch, const real* const* rows, Py_ssize_t rows_pitch,
                               Py_ssize_t planes, const Py_ssize_t* band_rows, Py_ssize_t bands, const real* weight,
                               const Py_ssize_t* columns, Py_ssize_t KW, Py_ssize_t x0, const real* bias,
                               Py_ssize_t count, Py_ssize_t vectors) noexcept nogil:
    """The register tile of that many rows and vectors; literals, so that sums stay in registers."""
    cdef bint tall = RW_TALL == 6 and columns == NULL and count == 6
    cdef bint four_rows = count == RW_R
    if tall and vectors == RW_V:
        row_tile(dst, dst_pitch, rows, rows_pitch, planes, band_rows, bands, weight, columns, KW, x0, bias, 6, RW_V)
    elif tall and vectors > 1:
        row_tile(dst, dst_pitch, rows, rows_pitch, planes, band_rows, bands, weight, columns, KW, x0, bias, 6, 2)
    elif tall:
        row_tile(dst, dst_pitch, rows, rows_pitch, planes, band_rows, bands, weight, columns, KW, x0, bias, 6, 1)
    elif four_rows and vectors == RW_V:
        row_tile(dst, dst_pitch, rows, rows_pitch, planes, band_rows, bands, weight, columns, KW, x0, bias, 4, RW_V)
    elif four_rows and vectors > 1:
        row_tile(dst, dst_pitch, rows, rows_pitch, planes, band_rows, bands, weight, columns, KW, x0, bias, 4, 2)
    elif four_rows:
        row_tile(dst, dst_pitch, rows, rows_pitch, planes, band_rows, bands, weight, columns, KW, x0, bias, 4, 1)
    elif vectors == RW_V:
        row_tile(dst, dst_pitch, rows, rows_pitch, planes, band_rows, bands, weight, columns, KW, x0, bias, 1, RW_V)
    elif vectors > 1:
        row_tile(dst, dst_pitch, rows, rows_pitch, planes, band_rows, bands, weight, columns, KW, x0, bias, 1, 2)
    else:
        row_tile(dst, dst_pitch, rows, rows_pitch, planes, band_rows, bands, weight, columns, KW, x0, bias, 1, 1)


cdef inline inlined rows_tile(const ConvArgs* args, char* out, bint direct, const real* const* rows,
                              const Py_ssize_t* band_rows, const real* weight, const Py_ssize_t* columns,
                              const real* bias, real* sums, Py_ssize_t x, Py_ssize_t width, Py_ssize_t count,
                              Py_ssize_t vectors) noexcept nogil:
    """One register tile at column x; `out` is its first pixel, `width` the columns of it that exist."""
    cdef Py_ssize_t bands = band_count(args)
    cdef Py_ssize_t planes = args.IC*args.D.kernel*bands
    cdef Py_ssize_t pitch = rows_per_plane(args)
    cdef const real* added = NULL       # bias that the tile adds, where it stores to the output itself
    cdef const real* left = NULL        # bias left for the store
    cdef real* dst = sums
    cdef Py_ssize_t dst_pitch = RW_V*LANES
    cdef Py_ssize_t r
    if direct:
        added = bias
        if width == vectors*LANES:
            dst = <real*>out
            dst_pitch = args.y.h//<Py_ssize_t>sizeof(real)
    else:
        left = bias
    if columns == NULL:
        sized_tile(dst, dst_pitch, rows, pitch, planes, band_rows, bands, weight, NULL, args.W.kernel, x, added,
                   count, vectors)
    else:
        sized_tile(dst, dst_pitch, rows, pitch, planes, band_rows, bands, weight, columns, args.W.kernel, x, added,
                   count, vectors)
    if dst == sums:
        for r in range(count):
            finish_row(out + r*args.y.h, sums + r*RW_V*LANES, width, args.y.w, args.y.dtype, left, 0, args.activation)


cdef inline void rows_block(const ConvArgs* args, char* out, bint direct, const real* const* rows,
                            const Py_ssize_t* band_rows, const real* weight, const Py_ssize_t* columns,
                            const real* bias, real* sums, Py_ssize_t h_tile, Py_ssize_t w_tile) noexcept nogil:
    """All register tiles of one output channel's block; `out` is its first pixel.

    Along the rows, few streams that the prefetcher follows: down strips one tile wide, where rows stay in L1, took 1.6
    times as long at 1080p, k = 7."""
    cdef Py_ssize_t r = 0, x, vectors, count
    # written out for kernels of RW_TALL - 1 rows or more
    cdef bint tall = RW_TALL > RW_R and columns == NULL and band_count(args) == 1 and args.H.kernel >= RW_TALL - 1
    while r < h_tile:
        count = h_tile - r
        if tall and (count == RW_TALL or count >= RW_TALL + RW_R):      # leaves no row that four have to do one by one
            count = RW_TALL
        else:
            count = RW_R if count >= RW_R else 1
        x = 0
        while x < w_tile:
            vectors = min(<Py_ssize_t>RW_V, (w_tile - x + LANES - 1)//LANES)
            if vectors == 3 and RW_V == 4:
                vectors = 2
            rows_tile(args, out + r*args.y.h + x*args.y.w, direct, rows + r, band_rows, weight, columns, bias, sums, x,
                      min(vectors*LANES, w_tile - x), count, vectors)
            x += vectors*LANES
        r += count


cdef inline void pack_row_weights(real* dst, const ConvArgs* args, const real* weight,
                                  Py_ssize_t channels) noexcept nogil:
    """Weights in the order that row_tile consumes them: channel, ic, kd, band, kw, kernel row of the band."""
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t bands = band_count(args)
    cdef Py_ssize_t plane, kd, band, kh, kw, tap
    for plane in range(channels*args.IC):
        for kd in range(args.D.kernel):
            for band in range(bands):
                for kw in range(args.W.kernel):
                    kh = band
                    while kh < args.H.kernel:
                        tap = (kd*args.H.kernel + kh)*args.W.kernel + kw
                        dst[0] = weight[plane*taps + (taps - 1 - tap if args.flip else tap)]
                        dst += 1
                        kh += bands


cdef inline Py_ssize_t constant_row_size(const ConvArgs* args) noexcept nogil:
    return aligned_reals(IN_PLACE_COLUMNS + (args.W.kernel - 1)*args.W.dilation + RW_V*LANES)


cdef inline void fill_constant_rows(real* rows, const ConvArgs* args) noexcept nogil:
    """What stands above and below an image. For an image of one row, which has nothing there, that took 0.35 us."""
    cdef Py_ssize_t part, j, n = constant_row_size(args)
    cdef real value
    for part in range(args.x.parts):
        value = constant_value(args, part)
        for j in range(n):
            rows[part*n + j] = value


cdef inline Py_ssize_t rows_scratch(const ConvArgs* args) noexcept nogil:
    """Bytes that rows_task uses, in its order."""
    cdef Py_ssize_t planes = args.IC*args.D.kernel*band_count(args)
    cdef Py_ssize_t pointers = planes*rows_per_plane(args) + args.W.kernel + band_count(args)
    cdef Py_ssize_t reals = RW_TALL*RW_V*LANES
    reals += aligned_reals(args.OC*args.IC*args.D.kernel*args.H.kernel*args.W.kernel)
    if rows_in_place(args):
        reals += args.x.parts*constant_row_size(args)
    reals += args.IC*args.tile_elements + RW_V*LANES + LANES
    return (pointers*<Py_ssize_t>sizeof(void*) + 63)//64*64 + reals*<Py_ssize_t>sizeof(real)


cdef inline void rows_task(const ConvArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    """One task: TD.tile x TH.tile rows, or a piece of them, of all output channels of a group, of a batch element."""
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t bands = band_count(args)
    cdef Py_ssize_t planes = args.IC*args.D.kernel*bands
    cdef Py_ssize_t per_plane = rows_per_plane(args)
    cdef bint in_place = rows_in_place(args)
    cdef bint direct = args.activation == ACT_NONE and is_direct(&args.y, args.batch_ndim)
    cdef Py_ssize_t x_offset, y_offset, w_offset, ic, oc, kd, band, kw, j, d, ow, w_tile, inner, outer, id_, ih, index
    cdef Py_ssize_t pitch_h = args.TW.tile + args.TW.halo
    cdef Py_ssize_t pitch_d = (args.TH.tile + args.TH.halo)*pitch_h
    cdef Py_ssize_t reach = (args.W.kernel - 1)*args.W.dilation
    cdef bint packed, filled = False
    cdef const real* first
    cdef const char* channel
    cdef char* out
    cdef const real* bias

    cdef const real** rows = <const real**>scratch
    cdef Py_ssize_t* columns = <Py_ssize_t*>(rows + planes*per_plane)
    cdef Py_ssize_t* band_rows = columns + args.W.kernel
    cdef real* sums = <real*>(scratch + ((planes*per_plane + args.W.kernel + bands)*sizeof(void*) + 63)//64*64)
    cdef real* weights = sums + RW_TALL*RW_V*LANES
    cdef real* constants = weights + aligned_reals(args.OC*args.IC*taps)
    cdef real* tile = constants + (args.x.parts*constant_row_size(args) if in_place else 0)

    cdef Py_ssize_t n_h = (args.H.output + args.TH.tile - 1)//args.TH.tile
    cdef Py_ssize_t n_d = (args.D.output + args.TD.tile - 1)//args.TD.tile
    cdef Py_ssize_t n_w = (args.W.output + args.column_block - 1)//args.column_block
    cdef Py_ssize_t end
    ow = task % n_w*args.column_block
    end = min(args.W.output, ow + args.column_block)
    task //= n_w
    cdef Py_ssize_t oh = task % n_h*args.TH.tile
    cdef Py_ssize_t od = task//n_h % n_d*args.TD.tile
    cdef Py_ssize_t g = task//(n_h*n_d) % args.G
    cdef Py_ssize_t h_tile = min(args.TH.tile, args.H.output - oh)
    cdef Py_ssize_t d_tile = min(args.TD.tile, args.D.output - od)
    batch_offsets(args, task//(n_h*n_d*args.G), &x_offset, &y_offset, &w_offset)
    pack_row_weights(weights, args, <const real*>args.weight + w_offset + g*args.OC*args.IC*taps, args.OC)
    for band in range(bands):
        band_rows[band] = (args.H.kernel - band + bands - 1)//bands
    zero_reals(tile + args.IC*args.tile_elements, RW_V*LANES + LANES)
    # columns: a packed block over the left border, blocks in place, packed blocks for the rest
    inner = args.W.output
    outer = args.W.output
    if in_place:
        inner = (args.W.pad + LANES - 1)//LANES*LANES
        outer = inner + (args.W.size + args.W.pad - reach - inner)//LANES*LANES
        if args.W.size + args.W.pad - reach - inner < LANES or inner >= args.W.output:
            inner = args.W.output
            outer = args.W.output
        outer = min(outer, inner + (args.W.output - inner)//LANES*LANES)
    while ow < end:
        packed = ow < inner or ow >= outer
        if packed:
            w_tile = min(args.TW.tile, (min(inner, end) if ow < inner else end) - ow)
            if w_tile % LANES:              # before the rows themselves: these zeros go on into the next one
                j = w_tile + args.TW.halo
                while j < args.IC*args.tile_elements:
                    vstore(tile + j, vzero())
                    j += pitch_h
            for ic in range(args.IC):
                pack_channel(tile + ic*args.tile_elements, args,
                             args.x.data + x_offset + channel_offset(&args.x, g*args.IC + ic),
                             constant_value(args, ic), od, oh, ow, d_tile, h_tile, w_tile)
        else:
            w_tile = min(<Py_ssize_t>IN_PLACE_COLUMNS, min(outer, end) - ow)
        for kw in range(args.W.kernel):
            columns[kw] = tap_offset(args, 0, 0, kw) if packed else kw*args.W.dilation
        for d in range(d_tile):
            index = 0
            for ic in range(args.IC):
                channel = args.x.data + x_offset + channel_offset(&args.x, g*args.IC + ic)
                for kd in range(args.D.kernel):
                    id_ = source_index((od + d)*args.D.stride + kd*args.D.dilation - args.D.pad, args.D.size,
                                       args.D.boundary)
                    for band in range(bands):
                        first = tile + ic*args.tile_elements + tap_offset(args, kd, band, 0) + d*pitch_d
                        for j in range(h_tile + band_rows[band] - 1):
                            if packed:
                                rows[index + j] = first + j*pitch_h
                                continue
                            ih = source_index((oh + j)*args.H.stride + band*args.H.dilation - args.H.pad, args.H.size,
                                              args.H.boundary)
                            if id_ < 0 or ih < 0:
                                if not filled:
                                    fill_constant_rows(constants, args)
                                    filled = True
                                rows[index + j] = constants + ic % args.x.parts*constant_row_size(args)
                            else:
                                rows[index + j] = <const real*>(channel + id_*args.x.d + ih*args.x.h) + ow - args.W.pad
                        index += per_plane
            for oc in range(args.OC):
                bias = <const real*>args.bias + g*args.OC + oc if args.bias != NULL else NULL
                out = args.y.data + y_offset + channel_offset(&args.y, g*args.OC + oc) \
                    + (od + d)*args.y.d + oh*args.y.h + ow*args.y.w
                rows_block(args, out, direct, rows, band_rows, weights + oc*args.IC*taps,
                           columns if args.W.stride > 1 or args.W.dilation > 1 else <Py_ssize_t*>NULL, bias, sums,
                           h_tile, w_tile)
        ow += w_tile
