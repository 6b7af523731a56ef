"""The weight gradient with output channels in the lanes: total[oc, row] = sum over pixels of x[row + pixel]*grad[oc,
pixel], a row being an input channel at a tap.

Design:
a. It is the register tile of pixels.pxd with other roles: a row of the weight is its "pixel", a pointer into the input;
   a pixel is its tap, one offset to all of them; grad_output, transposed to [pixel][channel], is its weight. So the
   input is read where it lies if there is no padding, and stride, dilation and layout cost nothing.
b. A register tile sums over one block of pixels, from zero, and is then added to the task's total.
c. Of a pointwise layer, input and grad_output may change places: the one with fewer channels is transposed.
"""
from cconv._kernels.channels cimport block_taps, fill_tap_offsets
from cconv._kernels.elements cimport item_size, load_row
from cconv._kernels.pack cimport (
    aligned_reals, batch_offsets, channel_offset, constant_value, is_direct, pack_channel, span,
)
from cconv._kernels.pixels cimport (
    WIDTH, Target, channels_inside, fill_place_offsets, pack_panel, pack_samples, padded, pixels_in_place, run_pixels,
    tile_count,
)
from cconv._kernels.simd cimport LANES, PX_M, fetch, inlined, real, transpose_strided, vload, vstore
from cconv._kernels.types cimport ConvArgs, WeightArgs
from cconv._kernels.weight_blocks cimport Block, fill_block, fill_pixel_offsets, most_pixels, pixels_of, sums_of_chunk


cdef inline Py_ssize_t panels_scratch(const WeightArgs* all) noexcept nogil:
    """Bytes that panels_task uses, in its order: offsets of rows and pixels, fresh sums, totals, panel, rows to be
    transposed, input."""
    cdef const ConvArgs* args = &all.layer
    cdef Py_ssize_t reals = PX_M*WIDTH + (block_taps(args) + LANES)*args.oc_block + most_pixels(all)*WIDTH*2
    if not pixels_in_place(args):
        reals += all.images*args.ic_block*args.tile_elements
    return ((block_taps(args) + most_pixels(all))*<Py_ssize_t>sizeof(Py_ssize_t) + 63)//64*64 \
        + (reals + LANES)*<Py_ssize_t>sizeof(real)


cdef inline void pack_gradient(real* panel, real* rows, const ConvArgs* args, const Block* block, Py_ssize_t channel,
                               Py_ssize_t channels) noexcept nogil:
    """panel[pixel][channel] of `channels` output channels, in rows of padded(channels). rows: WIDTH of all pixels."""
    cdef Py_ssize_t width = padded(channels)
    cdef bint direct = is_direct(&args.y, args.batch_ndim) and args.y.parts == 1
    cdef bint neighbours = (args.y.parts == 1 and args.y.channel == item_size(args.y.dtype)
                            and args.y.w != args.y.channel)
    cdef Py_ssize_t h = block.h, w = block.w, image, d, row, k, m, x_offset, y_offset, w_offset
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
                if neighbours:
                    for k in range(w):
                        load_row(panel + k*width, line + channel*args.y.channel + k*args.y.w, channels, args.y.channel,
                                 args.y.dtype)
                        for m in range(channels, width):
                            panel[k*width + m] = 0
                elif direct:
                    pack_panel(panel, <const real*>(line + channel*args.y.channel),
                               args.y.channel//<Py_ssize_t>sizeof(real), w, channels)
                else:
                    for m in range(channels):
                        load_row(rows + m*w, line + channel_offset(&args.y, channel + m), w, args.y.w, args.y.dtype)
                    pack_panel(panel, rows, w, w, channels)
                panel += w*width


cdef inline void pack_input(real* tile, const WeightArgs* all, const Block* block, Py_ssize_t g, Py_ssize_t ic0,
                            Py_ssize_t ics) noexcept nogil:
    """[image][channel][sample], or [image][sample][channel] where channels are neighbours."""
    cdef const ConvArgs* args = &all.layer
    cdef Py_ssize_t image, ic, x_offset, y_offset, w_offset
    for image in range(block.images):
        batch_offsets(args, block.image + image, &x_offset, &y_offset, &w_offset)
        if channels_inside(args):
            pack_samples(tile, args, args.x.data + x_offset + (g*args.IC + ic0)*args.x.channel, ic0, ics, block.od,
                         block.oh, block.ow, block.d, block.h, block.w)
            tile += args.ic_block*args.tile_elements
            continue
        for ic in range(args.ic_block):
            if ic < ics:
                pack_channel(tile, args, args.x.data + x_offset + channel_offset(&args.x, g*args.IC + ic0 + ic),
                             constant_value(args, ic0 + ic), block.od, block.oh, block.ow, block.d, block.h, block.w)
            tile += args.tile_elements


cdef inline inlined add_rows(real* total, const real* sums, Py_ssize_t count, Py_ssize_t vectors) noexcept nogil:
    cdef Py_ssize_t m, v
    for m in range(count):
        for v in range(vectors):
            vstore(total + m*WIDTH + v*LANES, vload(total + m*WIDTH + v*LANES) + vload(sums + m*WIDTH + v*LANES))


cdef inline void store_total(real* out, Py_ssize_t out_pitch, const real* total, Py_ssize_t rows,
                             Py_ssize_t channels) noexcept nogil:
    """out[channel][row] = total[row][channel]."""
    cdef Py_ssize_t r, c = 0, i
    while c + LANES <= channels:
        r = 0
        while r + LANES <= rows:
            transpose_strided(out + c*out_pitch + r, out_pitch, total + r*WIDTH + c, WIDTH)
            r += LANES
        while r < rows:
            for i in range(LANES):
                out[(c + i)*out_pitch + r] = total[r*WIDTH + c + i]
            r += 1
        c += LANES
    while c < channels:
        for r in range(rows):
            out[c*out_pitch + r] = total[r*WIDTH + c]
        c += 1


cdef inline void store_swapped(real* out, Py_ssize_t out_pitch, const real* total, Py_ssize_t rows,
                               Py_ssize_t channels) noexcept nogil:
    """out[row][channel] = total[row][channel]."""
    cdef Py_ssize_t r, c
    for r in range(rows):
        for c in range(channels):
            out[r*out_pitch + c] = total[r*WIDTH + c]


cdef inline void panels_task(const WeightArgs* all, char* scratch, Py_ssize_t task) noexcept nogil:
    """One task: oc_block output x ic_block input channels of one group, over one chunk of blocks."""
    cdef const ConvArgs* args = &all.layer
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef bint in_place = pixels_in_place(args)
    cdef Py_ssize_t most = block_taps(args)
    cdef Py_ssize_t x_offset, y_offset, w_offset, rows, tiles, number, b, oc, ocs, r, r_end, K, i
    cdef const real* pointers[8]
    cdef const real* base
    cdef real* total
    cdef Block block
    cdef int m

    # scratch: offsets of rows and pixels | fresh sums | totals [panel][row][channel] | panel | rows | input
    cdef Py_ssize_t* row_offsets = <Py_ssize_t*>scratch
    cdef Py_ssize_t* pixel_offsets = row_offsets + most
    cdef real* sums = <real*>(scratch + ((most + most_pixels(all))*sizeof(Py_ssize_t) + 63)//64*64)
    cdef real* totals = sums + PX_M*WIDTH
    cdef real* panel = totals + (most + LANES)*args.oc_block
    cdef real* lines = panel + most_pixels(all)*WIDTH
    cdef real* tile = lines + most_pixels(all)*WIDTH

    # task -> group, output channels, input channels, chunk
    cdef Py_ssize_t n_ic = (args.IC + args.ic_block - 1)//args.ic_block
    cdef Py_ssize_t n_oc = (args.OC + args.oc_block - 1)//args.oc_block
    cdef Py_ssize_t chunk = task % all.n_chunks
    cdef Py_ssize_t ic0 = task//all.n_chunks % n_ic*args.ic_block
    cdef Py_ssize_t oc0 = task//(all.n_chunks*n_ic) % n_oc*args.oc_block
    cdef Py_ssize_t g = task//(all.n_chunks*n_ic*n_oc)
    cdef Py_ssize_t ics = min(args.ic_block, args.IC - ic0)
    cdef Py_ssize_t oc_end = min(args.OC, oc0 + args.oc_block)
    cdef Py_ssize_t pitch_w, pitch_h, pitch_d, image_pitch
    cdef real* out = sums_of_chunk(all, chunk)
    rows = ics*taps
    tiles = tile_count(rows)
    if in_place:
        fill_place_offsets(row_offsets, args)
        pitch_w = args.W.stride*args.x.w//<Py_ssize_t>sizeof(real)
        pitch_h = args.H.stride*args.x.h//<Py_ssize_t>sizeof(real)
        pitch_d = args.D.stride*args.x.d//<Py_ssize_t>sizeof(real)
        image_pitch = args.x.batch[0]//<Py_ssize_t>sizeof(real) if args.batch_ndim else 0
    else:
        pitch_w = args.ic_block if channels_inside(args) else 1
        pitch_h = span(&args.TW, args.TW.tile)*pitch_w
        pitch_d = span(&args.TH, args.TH.tile)*pitch_h*args.TD.spread
        image_pitch = args.ic_block*args.tile_elements
        fill_tap_offsets(row_offsets, args, args.ic_block, 1 if pitch_w > 1 else args.tile_elements, pitch_w)
        pitch_h *= args.TH.spread
        pitch_w *= args.TW.spread
    for i in range(most*args.oc_block):
        totals[i] = 0

    for number in range(chunk*all.n_blocks//all.n_chunks, (chunk + 1)*all.n_blocks//all.n_chunks):
        fill_block(&block, all, number)
        K = pixels_of(&block)
        fill_pixel_offsets(pixel_offsets, &block, image_pitch, pitch_d, pitch_h, pitch_w)
        if in_place:
            batch_offsets(args, block.image, &x_offset, &y_offset, &w_offset)
            base = <const real*>(args.x.data + x_offset + (g*args.IC + ic0)*args.x.channel
                                 + (block.od*args.D.stride - args.D.pad)*args.x.d
                                 + (block.oh*args.H.stride - args.H.pad)*args.x.h
                                 + (block.ow*args.W.stride - args.W.pad)*args.x.w)
        else:
            pack_input(tile, all, &block, g, ic0, ics)
            base = tile
        oc = oc0
        total = totals
        while oc < oc_end:
            ocs = min(<Py_ssize_t>WIDTH, oc_end - oc)
            pack_gradient(panel, lines, args, &block, g*args.OC + oc, ocs)
            for b in range(tiles):
                r = b*rows//tiles                       # evenly: no tile is left with few rows
                r_end = (b + 1)*rows//tiles
                for m in range(PX_M):
                    pointers[m] = base + row_offsets[min(r + m, r_end - 1)]
                if all.fetches and oc == oc0:
                    for i in range(block.images):
                        fetch(<const char*>(base + row_offsets[r] + i*image_pitch) + PX_M*args.x.channel,
                              block.h*args.x.h, PX_M, args.x.channel)
                run_pixels(sums, panel, pointers, pixel_offsets, K, False, <Target*>NULL, r_end - r,
                           padded(ocs)//LANES)
                add_rows(total + r*WIDTH, sums, r_end - r, padded(ocs)//LANES)
            total += most*WIDTH
            oc += WIDTH

    oc = oc0
    total = totals
    while oc < oc_end:
        ocs = min(<Py_ssize_t>WIDTH, oc_end - oc)
        if all.swapped:
            store_swapped(out + (g*args.IC + ic0)*args.OC + oc, args.OC, total, rows, ocs)
        else:
            store_total(out + ((g*args.OC + oc)*args.IC + ic0)*taps, args.IC*taps, total, rows, ocs)
        total += most*WIDTH
        oc += WIDTH
