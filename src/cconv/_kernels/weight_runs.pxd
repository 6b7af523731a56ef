"""The weight gradient of a few output channels: pixels in the lanes, output channels by taps in a register tile.

Design:
a. In a packed tile (pack.pxd) a tap is one offset to all outputs. grad_output is laid into the same box, zeros in the
   halo, so that both are one run, and rank, stride, padding and dilation are gone: a weight is the sum of products of
   two runs. Where output channels are the lanes (weight_panels.pxd), 6 of them leave 10 of 16 lanes empty: 1 -> 6
   channels, 5x5, 32x32, N=32 takes 0.45 of its time.
b. Lanes are added up once, when all blocks of a task are.
c. What a zero meets may be infinite or NaN. So sums that are not finite are computed again by another kernel, which
   METHOD_DIRECT asks for.
"""
from libc.string cimport memset

from cconv._kernels.channels cimport fill_tap_offsets
from cconv._kernels.elements cimport copy_reals, load_row
from cconv._kernels.pack cimport (
    aligned_reals, batch_offsets, channel_offset, constant_value, is_direct, pack_channel, span,
)
from cconv._kernels.pixels cimport padded
from cconv._kernels.simd cimport FLOATING, LANES, RW_TALL, inlined, real, vload, vreal, vstore, vzero
from cconv._kernels.types cimport METHOD_AUTO, ConvArgs, WeightArgs
from cconv._kernels.weight_blocks cimport Block, fill_block, sums_of_chunk
from cconv._kernels.weight_planes cimport add_lanes

cdef enum:
    RUN_BYTES = 32*1024         # packed input and gradient of a block, which all weights read
    SUMS_BYTES = 256*1024       # of a task's weights, a vector each
    MOST_INPUTS = 32            # input channels
    LEAST_VECTORS = 16          # of a plane's outputs
    MANY = 4                    # output channels of a register tile; 1 or 2 of what is left
    MANY_TAPS = 5               # its taps, with 32 registers
    FEW_TAPS = 10


cdef inline Py_ssize_t rows_of(const ConvArgs* args) noexcept nogil:
    return args.IC*args.D.kernel*args.H.kernel*args.W.kernel


cdef inline Py_ssize_t sums_size(const ConvArgs* args) noexcept nogil:
    """Reals of all sums, and of whole vectors of them."""
    return (args.OC*rows_of(args) + LANES)*LANES


cdef inline Py_ssize_t run_size(const ConvArgs* args) noexcept nogil:
    """Reals of one channel's gradient in the box of the input, to whole vectors."""
    return aligned_reals(args.TH.tile*span(&args.TW, args.TW.tile) + LANES)


cdef inline Py_ssize_t block_bytes(const ConvArgs* args) noexcept nogil:
    return (args.IC*args.tile_elements + args.OC*run_size(args))*<Py_ssize_t>sizeof(real)


cdef inline bint runs_apply(const ConvArgs* args) noexcept nogil:
    """Few enough output channels that lanes of them would be empty, rows that are not all halo, runs that are not over
    before sums are loaded and stored: 64 -> 4 channels took 1.1 times as long, planes of 5x5 twice as long."""
    return (FLOATING and LANES > 1 and args.method == METHOD_AUTO and 2*args.G < LANES
            and args.IC <= MOST_INPUTS and rows_of(args) > args.IC
            and args.H.output*args.W.output >= LEAST_VECTORS*LANES
            and args.OC*rows_of(args)*LANES*<Py_ssize_t>sizeof(real) <= SUMS_BYTES
            and <double>args.OC/padded(args.OC)
            < 0.75*args.W.output/(args.W.output + (args.W.kernel - 1)*args.W.dilation//args.W.stride))


cdef inline Py_ssize_t runs_scratch(const WeightArgs* all) noexcept nogil:
    """Bytes that runs_task uses, in its order: offsets of rows, sums, a transposed block, gradient, input."""
    cdef const ConvArgs* args = &all.layer
    return (rows_of(args)*<Py_ssize_t>sizeof(Py_ssize_t) + 63)//64*64 + block_bytes(args) \
        + (sums_size(args) + LANES*LANES + 2*LANES)*<Py_ssize_t>sizeof(real)


cdef inline inlined sum_run(real* sums, Py_ssize_t pitch, const real* samples, const Py_ssize_t* rows, Py_ssize_t count,
                            const real* gradient, Py_ssize_t run, Py_ssize_t n, int M, int T) noexcept nogil:
    """sums[m*pitch + t][lane] += the sum of samples[rows[t] + i]*gradient[m*run + i] over n of i: M output channels x T
    taps, literals; `count` of the taps exist."""
    cdef vreal acc[32]
    cdef vreal g[4]
    cdef vreal x
    cdef const real* of_tap[16]
    cdef Py_ssize_t i = 0, t
    cdef int m, k
    for k in range(T):
        of_tap[k] = samples + rows[min(<Py_ssize_t>k, count - 1)]
        for m in range(M):
            acc[m*T + k] = vzero()
    while i < n:
        for m in range(M):
            g[m] = vload(gradient + m*run + i)
        for k in range(T):
            x = vload(of_tap[k] + i)
            for m in range(M):
                acc[m*T + k] = acc[m*T + k] + x*g[m]
        i += LANES
    for m in range(M):
        for k in range(T):
            t = m*pitch + k
            if k < count:
                vstore(sums + t*LANES, vload(sums + t*LANES) + acc[m*T + k])


cdef inline void sum_channels(real* sums, Py_ssize_t K, const real* samples, const Py_ssize_t* rows,
                              const real* gradient, Py_ssize_t run, Py_ssize_t n, Py_ssize_t channels) noexcept nogil:
    """All rows of so many output channels: MANY with 32 registers, or 2, or 1."""
    cdef Py_ssize_t most = MANY_TAPS if channels == MANY or (channels == 2 and RW_TALL < 6) else FEW_TAPS
    cdef Py_ssize_t tiles = (K + most - 1)//most, tile, r, count
    for tile in range(tiles):
        r = tile*K//tiles                   # evenly: no tile is left with few rows
        count = (tile + 1)*K//tiles - r
        if channels == MANY and RW_TALL == 6:
            sum_run(sums + r*LANES, K, samples, rows + r, count, gradient, run, n, MANY, MANY_TAPS)
        elif channels == 2 and RW_TALL == 6:
            sum_run(sums + r*LANES, K, samples, rows + r, count, gradient, run, n, 2, FEW_TAPS)
        elif channels == 2:
            sum_run(sums + r*LANES, K, samples, rows + r, count, gradient, run, n, 2, MANY_TAPS)
        else:
            sum_run(sums + r*LANES, K, samples, rows + r, count, gradient, run, n, 1, FEW_TAPS)


cdef inline void pack_run(real* run, const ConvArgs* args, const char* plane, const Block* block,
                          Py_ssize_t pitch) noexcept nogil:
    """A block of one channel's gradient. Between its rows there are zeros, unless the block before was wider."""
    cdef const char* line = plane + block.od*args.y.d + block.oh*args.y.h + block.ow*args.y.w
    cdef bint as_it_is = is_direct(&args.y, args.batch_ndim) and block.w >= LANES
    cdef Py_ssize_t _row
    for _row in range(block.h):
        if as_it_is:
            copy_reals(run, <const real*>line, block.w)
        else:
            load_row(run, line, block.w, args.y.w, args.y.dtype)
        if block.w < args.TW.tile:
            memset(run + block.w, 0, (args.TW.tile - block.w)*sizeof(real))
        run += pitch
        line += args.y.h


cdef inline void runs_task(const WeightArgs* all, char* scratch, Py_ssize_t task) noexcept nogil:
    """One task: all weights of one group over one chunk of blocks, which are rows of one image."""
    cdef const ConvArgs* args = &all.layer
    cdef Py_ssize_t chunk = task % all.n_chunks
    cdef Py_ssize_t g = task//all.n_chunks
    cdef Py_ssize_t K = rows_of(args), run = run_size(args), pitch = span(&args.TW, args.TW.tile)
    cdef Py_ssize_t number, oc, ic, n, x_offset, y_offset, w_offset, channels
    cdef Py_ssize_t* rows = <Py_ssize_t*>scratch
    cdef real* sums = <real*>(scratch + (K*sizeof(Py_ssize_t) + 63)//64*64)
    cdef real* turned = sums + sums_size(args)
    cdef real* gradient = turned + LANES*LANES
    cdef real* tile = gradient + args.OC*run
    cdef Block block
    memset(scratch, 0, runs_scratch(all))
    fill_tap_offsets(rows, args, args.IC, args.tile_elements, 1)
    for number in range(chunk*all.n_blocks//all.n_chunks, (chunk + 1)*all.n_blocks//all.n_chunks):
        fill_block(&block, all, number)
        batch_offsets(args, block.image, &x_offset, &y_offset, &w_offset)
        n = (block.h - 1)*pitch + block.w
        for ic in range(args.IC):
            pack_channel(tile + ic*args.tile_elements, args,
                         args.x.data + x_offset + channel_offset(&args.x, g*args.IC + ic), constant_value(args, ic),
                         block.od, block.oh, block.ow, 1, block.h, block.w)
        for oc in range(args.OC):
            pack_run(gradient + oc*run, args, args.y.data + y_offset + channel_offset(&args.y, g*args.OC + oc), &block,
                     pitch)
            if block.h < args.TH.tile:      # the block before was higher
                memset(gradient + oc*run + n, 0, (run - n)*sizeof(real))
        oc = 0
        while oc < args.OC:
            channels = MANY if RW_TALL == 6 and args.OC - oc >= MANY else 2 if args.OC - oc >= 2 else 1
            sum_channels(sums + oc*K*LANES, K, tile, rows, gradient + oc*run, run, n, channels)
            oc += channels
    add_lanes(sums_of_chunk(all, chunk) + g*args.OC*K, turned, sums, args.OC*K, False)
