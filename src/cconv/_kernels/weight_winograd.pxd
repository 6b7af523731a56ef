"""The weight gradient of 3x3 kernels by Winograd's minimal filtering, F(3x3, 4x4): grad_output is cut into tiles of 4x4
that are kernels here, and 3x3 weights are what comes out: 36 multiplications in place of 144.

A tile's part is A' [ (G g G') * (B' d B) ] A for the 6x6 samples d that it meets; A is applied once to the sum over all
tiles of what stands in brackets. That sum is 36 matrix products, carried by the register tile of pixels.pxd: an input
channel is its pixel, a tile its tap, and output channels are the lanes.

Source: A. Lavin, S. Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016; B is that of F(4x4, 3x3).

Design:
a. Both arrays are packed [pixel][channel], so that transforms are the same in all lanes, in any layout.
b. What is not finite spreads over all weights of its channels: the operator then sums directly.
c. Rounding: the error of a weight is relative to the largest sum of |input| |grad_output| of its kernel; tests hold
   40 eps of that.
"""
from cconv._kernels.pack cimport batch_offsets, channel_offset, constant_value, pack_channel
from cconv._kernels.pixels cimport WIDTH, Target, channels_inside, pack_samples, padded, run_pixels, tile_count
from cconv._kernels.simd cimport LANES, PX_M, inlined, real, vload, vreal, vstore, vzero
from cconv._kernels.types cimport ConvArgs, WeightArgs
from cconv._kernels.weight_blocks cimport Block, fill_block, sums_of_chunk
from cconv._kernels.weight_groups cimport transpose_lines
from cconv._kernels.weight_panels cimport pack_gradient, store_total
from cconv._kernels.winograd_tiles cimport transform_input_line

cdef enum:
    OUT = 4                     # outputs of a tile along an axis
    IN = 6                      # and its inputs
    POINTS = 36


cdef inline inlined transform_gradient_line(vreal* t, const vreal* g) noexcept nogil:
    cdef vreal even = (g[0] + g[2])*(<real>-1/<real>6)
    cdef vreal odd = (g[1] + g[3])*(<real>-1/<real>6)
    t[0] = g[0]*<real>0.25
    t[1] = even + odd
    t[2] = even - odd
    even = g[0]*(<real>1/<real>24) + g[2]*(<real>1/<real>6)
    odd = g[1]*(<real>1/<real>12) + g[3]*(<real>1/<real>3)
    t[3] = even + odd
    t[4] = even - odd
    t[5] = g[3]


cdef inline inlined transform_weight_line(vreal* y, const vreal* m) noexcept nogil:
    cdef vreal sum1 = m[1] + m[2]
    cdef vreal sum2 = m[3] + m[4]
    y[0] = m[0] + sum1 + sum2
    y[1] = (m[1] - m[2]) + <real>2*(m[3] - m[4])
    y[2] = sum1 + <real>4*sum2 + m[5]


# ---- extents ---------------------------------------------------------------------------------------------------------

cdef inline Py_ssize_t most_tiles(const WeightArgs* all) noexcept nogil:
    return all.images*(all.layer.TH.tile//OUT)*(all.layer.TW.tile//OUT)


# In reals; each has some more than it needs, because points that lie a power of two apart evict each other.
cdef inline Py_ssize_t input_pitch(const WeightArgs* all) noexcept nogil:
    """From one point to the next: [tile][input channel]."""
    return most_tiles(all)*all.layer.ic_block + LANES


cdef inline Py_ssize_t gradient_pitch(const WeightArgs* all) noexcept nogil:
    """[tile][output channel of a panel]."""
    return most_tiles(all)*WIDTH + LANES


cdef inline Py_ssize_t total_pitch(const WeightArgs* all) noexcept nogil:
    """[input channel][output channel of a panel], and what a register tile reads beyond them."""
    return (all.layer.ic_block + PX_M)*WIDTH + LANES


cdef inline Py_ssize_t packed_channels(const WeightArgs* all) noexcept nogil:
    """Input channels that are packed together: all where they are neighbours, as one by one takes 1.1 times as long."""
    return all.layer.ic_block if channels_inside(&all.layer) else LANES


cdef inline Py_ssize_t packed_input(const WeightArgs* all) noexcept nogil:
    return (all.images*all.layer.tile_elements + LANES)*packed_channels(all)


cdef inline Py_ssize_t winograd_scratch(const WeightArgs* all) noexcept nogil:
    """Bytes that winograd_task uses, in its order: offsets of tiles, totals, transformed input and gradient, packed
    gradient and its rows, packed input and its rows, weights of a panel."""
    cdef Py_ssize_t pixels = all.images*all.layer.TH.tile*all.layer.TW.tile
    cdef Py_ssize_t reals = POINTS*(total_pitch(all)*(all.layer.oc_block//WIDTH) + input_pitch(all)
                                    + gradient_pitch(all)) + 2*(pixels + LANES)*WIDTH + packed_input(all)
    reals += (all.layer.tile_elements + LANES)*LANES + 9*all.layer.ic_block*WIDTH
    return (most_tiles(all)*<Py_ssize_t>sizeof(Py_ssize_t) + 63)//64*64 + reals*<Py_ssize_t>sizeof(real)


# ---- transforms ------------------------------------------------------------------------------------------------------

cdef inline void transform_input(real* dst, Py_ssize_t pitch, const real* src, Py_ssize_t row,
                                 Py_ssize_t column) noexcept nogil:
    """dst[point*pitch] = B' d B for the 6x6 vectors of src, whose rows and columns lie so many reals apart."""
    cdef vreal half[36]
    cdef vreal line[6]
    cdef vreal point[6]
    cdef int i, j
    for j in range(IN):
        for i in range(IN):
            line[i] = vload(src + i*row + j*column)
        transform_input_line(point, line)
        for i in range(IN):
            half[i*IN + j] = point[i]
    for i in range(IN):
        for j in range(IN):
            line[j] = half[i*IN + j]
        transform_input_line(point, line)
        for j in range(IN):
            vstore(dst + (i*IN + j)*pitch, point[j])


cdef inline void transform_gradient(real* dst, Py_ssize_t pitch, const real* src, Py_ssize_t row, Py_ssize_t column,
                                    Py_ssize_t rows, Py_ssize_t columns) noexcept nogil:
    """dst[point*pitch] = G g G' for the 4x4 vectors of src, of which rows x columns exist."""
    cdef vreal half[24]
    cdef vreal line[4]
    cdef vreal point[6]
    cdef int i, j
    for j in range(OUT):
        for i in range(OUT):
            line[i] = vload(src + i*row + j*column) if i < rows and j < columns else vzero()
        transform_gradient_line(point, line)
        for i in range(IN):
            half[i*OUT + j] = point[i]
    for i in range(IN):
        for j in range(OUT):
            line[j] = half[i*OUT + j]
        transform_gradient_line(point, line)
        for j in range(IN):
            vstore(dst + (i*IN + j)*pitch, point[j])


cdef inline void transform_weight(real* dst, const real* src, Py_ssize_t pitch, bint flip) noexcept nogil:
    """dst[tap*WIDTH] = A' m A for the 36 vectors that lie `pitch` apart."""
    cdef vreal half[18]
    cdef vreal line[6]
    cdef vreal tap[3]
    cdef int i, j
    for j in range(IN):
        for i in range(IN):
            line[i] = vload(src + (i*IN + j)*pitch)
        transform_weight_line(tap, line)
        for i in range(3):
            half[i*IN + j] = tap[i]
    for i in range(3):
        for j in range(IN):
            line[j] = half[i*IN + j]
        transform_weight_line(tap, line)
        for j in range(3):
            vstore(dst + (8 - i*3 - j if flip else i*3 + j)*WIDTH, tap[j])


cdef inline void fill_input(real* dst, real* tile, real* lines, const WeightArgs* all, const Block* block, Py_ssize_t g,
                            Py_ssize_t ic0, Py_ssize_t ics) noexcept nogil:
    """Transformed input of the block: dst[point][tile][channel]."""
    cdef const ConvArgs* args = &all.layer
    cdef ConvArgs vectors
    cdef Py_ssize_t ic, i, n, c, image, h, w, x_offset, y_offset, w_offset
    cdef Py_ssize_t pitch = args.tile_elements + LANES, together = packed_channels(all)
    cdef Py_ssize_t row = (args.TW.tile + args.TW.halo)*together
    cdef real* target
    vectors = args[0]
    vectors.ic_block = together                 # the pitch of samples
    ic = 0
    while ic < ics:
        n = min(together, ics - ic)
        target = dst + ic
        for image in range(block.images):
            batch_offsets(args, block.image + image, &x_offset, &y_offset, &w_offset)
            if channels_inside(args):
                pack_samples(tile, &vectors, args.x.data + x_offset + (g*args.IC + ic0 + ic)*args.x.channel, ic0 + ic,
                             n, block.od, block.oh, block.ow, 1, args.TH.tile, args.TW.tile)
            else:
                for i in range(n):
                    pack_channel(lines + i*pitch, args,
                                 args.x.data + x_offset + channel_offset(&args.x, g*args.IC + ic0 + ic + i),
                                 constant_value(args, ic0 + ic + i), block.od, block.oh, block.ow, 1, args.TH.tile,
                                 args.TW.tile)
                transpose_lines(tile, lines, pitch, args.tile_elements)
            h = 0
            while h < block.h:
                w = 0
                while w < block.w:
                    for c in range(padded(n)//LANES):
                        transform_input(target + c*LANES, input_pitch(all), tile + h*row + w*together + c*LANES, row,
                                        together)
                    target += args.ic_block
                    w += OUT
                h += OUT
        ic += together


cdef inline void fill_gradient(real* dst, real* panel, real* lines, const WeightArgs* all, const Block* block,
                               Py_ssize_t channel, Py_ssize_t channels) noexcept nogil:
    """Transformed gradient of the block: dst[point][tile][channel], in rows of padded(channels)."""
    cdef Py_ssize_t width = padded(channels)
    cdef Py_ssize_t _image, h, w, v
    cdef const real* pixel = panel
    pack_gradient(panel, lines, &all.layer, block, channel, channels)
    for _image in range(block.images):
        h = 0
        while h < block.h:
            w = 0
            while w < block.w:
                for v in range(width//LANES):
                    transform_gradient(dst + v*LANES, gradient_pitch(all), pixel + (h*block.w + w)*width + v*LANES,
                                       block.w*width, width, block.h - h, block.w - w)
                dst += width
                w += OUT
            h += OUT
        pixel += block.h*block.w*width


cdef inline void winograd_task(const WeightArgs* all, char* scratch, Py_ssize_t task) noexcept nogil:
    """One task: oc_block output x ic_block input channels of one group, over one chunk of blocks."""
    cdef const ConvArgs* args = &all.layer
    cdef Py_ssize_t n_ic = (args.IC + args.ic_block - 1)//args.ic_block
    cdef Py_ssize_t n_oc = (args.OC + args.oc_block - 1)//args.oc_block
    cdef Py_ssize_t chunk = task % all.n_chunks
    cdef Py_ssize_t ic0 = task//all.n_chunks % n_ic*args.ic_block
    cdef Py_ssize_t oc0 = task//(all.n_chunks*n_ic) % n_oc*args.oc_block
    cdef Py_ssize_t g = task//(all.n_chunks*n_ic*n_oc)
    cdef Py_ssize_t ics = min(args.ic_block, args.IC - ic0)
    cdef Py_ssize_t oc_end = min(args.OC, oc0 + args.oc_block)
    cdef Py_ssize_t pixels = all.images*args.TH.tile*args.TW.tile
    cdef Py_ssize_t parts = tile_count(ics)
    cdef Py_ssize_t number, K, oc, ocs, p, b, r, r_end, v, i
    cdef const real* pointers[8]
    cdef const real* row
    cdef real* total
    cdef Block block
    cdef int m

    # scratch, in the order of winograd_scratch
    cdef Py_ssize_t* offsets = <Py_ssize_t*>scratch
    cdef real* totals = <real*>(scratch + (most_tiles(all)*sizeof(Py_ssize_t) + 63)//64*64)
    cdef Py_ssize_t totals_size = POINTS*total_pitch(all)*(args.oc_block//WIDTH)
    cdef real* input = totals + totals_size
    cdef real* gradient = input + POINTS*input_pitch(all)
    cdef real* panel = gradient + POINTS*gradient_pitch(all)
    cdef real* panel_lines = panel + (pixels + LANES)*WIDTH
    cdef real* tile = panel_lines + (pixels + LANES)*WIDTH
    cdef real* lines = tile + packed_input(all)
    cdef real* weights = lines + (args.tile_elements + LANES)*LANES
    cdef real* out = sums_of_chunk(all, chunk)
    for i in range(totals_size):
        totals[i] = 0
    for i in range(most_tiles(all)):
        offsets[i] = i*args.ic_block

    for number in range(chunk*all.n_blocks//all.n_chunks, (chunk + 1)*all.n_blocks//all.n_chunks):
        fill_block(&block, all, number)
        K = block.images*((block.h + OUT - 1)//OUT)*((block.w + OUT - 1)//OUT)
        fill_input(input, tile, lines, all, &block, g, ic0, ics)
        oc = oc0
        total = totals
        while oc < oc_end:
            ocs = min(<Py_ssize_t>WIDTH, oc_end - oc)
            fill_gradient(gradient, panel, panel_lines, all, &block, g*args.OC + oc, ocs)
            for p in range(POINTS):
                row = input + p*input_pitch(all)
                for b in range(parts):
                    r = b*ics//parts
                    r_end = (b + 1)*ics//parts
                    for m in range(PX_M):
                        pointers[m] = row + min(r + m, r_end - 1)
                    run_pixels(total + r*WIDTH, gradient + p*gradient_pitch(all), pointers, offsets, K, True,
                               <Target*>NULL, r_end - r, padded(ocs)//LANES)
                total += total_pitch(all)
            oc += WIDTH

    oc = oc0
    total = totals
    while oc < oc_end:
        ocs = min(<Py_ssize_t>WIDTH, oc_end - oc)
        for i in range(ics):
            for v in range(padded(ocs)//LANES):
                transform_weight(weights + 9*i*WIDTH + v*LANES, total + i*WIDTH + v*LANES, total_pitch(all), args.flip)
        store_total(out + ((g*args.OC + oc)*args.IC + ic0)*9, args.IC*9, weights, 9*ics, ocs)
        total += POINTS*total_pitch(all)
        oc += WIDTH
