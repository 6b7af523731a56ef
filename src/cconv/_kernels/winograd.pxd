"""Winograd's minimal filtering F(4x4, 3x3): 36 multiplications for 16 outputs of a 3x3 kernel, direct takes 144.

An output tile of 4x4 is A' [ (G g G') * (B' d B) ] A for its 6x6 input tile d and kernel g; summed over input channels
the product in brackets is 36 independent matrix products, carried by the channel kernel's register tile.

Source: A. Lavin, S. Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016, F(4x4, 3x3).

Design:
a. Samples are dealt into 4x4 slots as for a kernel of 6 with stride 4: element (i, j) of neighbouring tiles stands side
   by side, and every transformation is on whole vectors, a tile per lane. A row is packed as it lies and dealt by
   shuffles: the general packing, a slot at a time, took as long as the products.
b. Kernels are transformed once per call, by tasks of their own (`prepare`).
c. One of the 36 products at a time runs over all channels of the task: its operands stay in L2.
d. An infinite or NaN sample would spread to its whole tile: a task that meets one marks its batch element as `failed`,
   the element's other tasks then do nothing, and the core computes it directly. So the bits of one element never depend
   on another.
e. Rounding: an output's error is relative to the largest sum|x||w| of its tile and its neighbours', not to its own;
   tests hold |error| <= 40 eps of that.
"""
from libc.string cimport memcpy, memset

from cconv._kernels.pack cimport (
    aligned_reals, batch_offsets, channel_offset, constant_value, pack_line, source_index,
)
from cconv._kernels.simd cimport CH_M, CH_V, LANES, deinterleave4, inlined, interleave4, real, vload, vreal, vstore, vzero
from cconv._kernels.store cimport finish_row
from cconv._kernels.types cimport Axis, ConvArgs

cdef enum:
    OUT = 4                     # outputs of a tile along an axis
    IN = 6                      # and its inputs
    POINTS = 36


cdef inline Py_ssize_t tiles_along(const Axis* axis) noexcept nogil:
    return (axis.output + OUT - 1)//OUT


cdef inline Py_ssize_t row_pitch(const ConvArgs* args) noexcept nogil:
    """Positions of a row of tiles in the block: one more than tiles, as element 4 of one is element 0 of the next."""
    return args.TW.tile + 1


cdef inline Py_ssize_t slot_size(const ConvArgs* args) noexcept nogil:
    """Reals of one slot of the packed block; vectors reach past its last row."""
    return aligned_reals((args.TH.tile + 1)*row_pitch(args) + LANES)


cdef inline Py_ssize_t line_size(const ConvArgs* args) noexcept nogil:
    """Samples of a packed input row, in whole groups of OUT vectors."""
    return (OUT*row_pitch(args) + OUT*LANES - 1)//(OUT*LANES)*(OUT*LANES)


cdef inline void pack_tiles(real* box, real* line, const ConvArgs* args, const char* channel, real constant,
                            Py_ssize_t od, Py_ssize_t th, Py_ssize_t tw, Py_ssize_t h_tile,
                            Py_ssize_t w_tile) noexcept nogil:
    """Deal one channel's samples: box[slot (i % 4, j % 4)][row of tiles][tile], for tiles from (th, tw) on."""
    cdef Py_ssize_t id_ = source_index(od*args.D.stride - args.D.pad, args.D.size, args.D.boundary)
    cdef Py_ssize_t count = OUT*w_tile + IN - OUT
    cdef Py_ssize_t i, t, ih
    cdef real* row
    for i in range(OUT*h_tile + IN - OUT):
        ih = source_index(OUT*th + i - args.H.pad, args.H.size, args.H.boundary)
        if id_ < 0 or ih < 0:
            for t in range(count):
                line[t] = constant
        else:
            pack_line(line, channel + id_*args.x.d + ih*args.x.h, args.x.w, args.x.dtype, OUT*tw - args.W.pad, count, 1,
                      args.W.size, args.W.boundary, constant)
        row = box + (i % OUT)*OUT*slot_size(args) + i//OUT*row_pitch(args)
        for t in range((count + OUT*LANES - 1)//(OUT*LANES)):
            deinterleave4(row + t*LANES, slot_size(args), line + t*OUT*LANES)


cdef inline inlined transform_input_line(vreal* t, const vreal* d) noexcept nogil:
    cdef vreal even = d[4] - <real>4*d[2]
    cdef vreal odd = d[3] - <real>4*d[1]
    t[0] = <real>4*d[0] - <real>5*d[2] + d[4]
    t[1] = even + odd
    t[2] = even - odd
    even = d[4] - d[2]
    odd = <real>2*(d[3] - d[1])
    t[3] = even + odd
    t[4] = even - odd
    t[5] = <real>4*d[1] - <real>5*d[3] + d[5]


cdef inline inlined transform_output_line(vreal* y, const vreal* m) noexcept nogil:
    cdef vreal sum1 = m[1] + m[2]
    cdef vreal dif1 = m[1] - m[2]
    cdef vreal sum2 = m[3] + m[4]
    cdef vreal dif2 = m[3] - m[4]
    y[0] = m[0] + sum1 + sum2
    y[1] = dif1 + <real>2*dif2
    y[2] = sum1 + <real>4*sum2
    y[3] = dif1 + <real>8*dif2 + m[5]


cdef inline void transform_input(real* points, Py_ssize_t point_pitch, const real* box, const Py_ssize_t* taps,
                                 Py_ssize_t n) noexcept nogil:
    """points[p][q] = B' d B of tile q, for n tiles; taps: where element (i, j) of the tiles begins in the box."""
    cdef vreal half[POINTS]
    cdef vreal d[IN]
    cdef vreal t[IN]
    cdef Py_ssize_t block, q
    cdef int i, j
    for block in range((n + LANES - 1)//LANES):
        q = block*LANES
        for j in range(IN):
            for i in range(IN):
                d[i] = vload(box + taps[i*IN + j] + q)
            transform_input_line(t, d)
            for i in range(IN):
                half[i*IN + j] = t[i]
        for i in range(IN):
            transform_input_line(t, half + i*IN)
            for j in range(IN):
                vstore(points + (i*IN + j)*point_pitch + q, t[j])


cdef inline inlined transform_output(real* rows, const real* sums, Py_ssize_t point_pitch) noexcept nogil:
    """rows[i] = row i of the outputs of LANES neighbouring tiles, OUT*LANES pixels; sums: the 36 products."""
    cdef vreal half[OUT*IN]
    cdef vreal m[IN]
    cdef vreal y[OUT]
    cdef int i, j
    for j in range(IN):
        for i in range(IN):
            m[i] = vload(sums + (i*IN + j)*point_pitch)
        transform_output_line(y, m)
        for i in range(OUT):
            half[i*IN + j] = y[i]
    for i in range(OUT):
        transform_output_line(y, half + i*IN)
        interleave4(rows + i*OUT*LANES, y[0], y[1], y[2], y[3])


cdef inline inlined transform_kernel_line(vreal* u, int step, vreal g0, vreal g1, vreal g2) noexcept nogil:
    cdef vreal outer = (g0 + g2)*(<real>-1/<real>6)
    cdef vreal inner = g1*(<real>-1/<real>6)
    u[0] = g0*<real>0.25
    u[step] = outer + inner
    u[2*step] = outer - inner
    outer = g0*(<real>1/<real>24) + g2*(<real>1/<real>6)
    inner = g1*(<real>1/<real>12)
    u[3*step] = outer + inner
    u[4*step] = outer - inner
    u[5*step] = g2


cdef inline Py_ssize_t channel_tiles(const ConvArgs* args) noexcept nogil:
    return (args.OC + CH_M - 1)//CH_M


cdef inline Py_ssize_t packed_size(const ConvArgs* args) noexcept nogil:
    """Reals of all transformed kernels of a group: [block of ic][point][channel tile][ic][m], in the order of use."""
    return (args.IC + args.ic_block - 1)//args.ic_block*POINTS*channel_tiles(args)*args.ic_block*CH_M


cdef inline void prepare_task(const ConvArgs* args, Py_ssize_t task) noexcept nogil:
    """Transform the kernels of CH_M output channels and one block of input channels, a kernel per lane."""
    cdef Py_ssize_t n_ic = (args.IC + args.ic_block - 1)//args.ic_block
    cdef Py_ssize_t tile = task % channel_tiles(args)
    cdef Py_ssize_t ic0 = task//channel_tiles(args) % n_ic*args.ic_block
    cdef Py_ssize_t g = task//(channel_tiles(args)*n_ic)
    cdef Py_ssize_t oc = tile*CH_M
    cdef Py_ssize_t n = min(args.ic_block, args.IC - ic0)*CH_M
    cdef Py_ssize_t pitch = channel_tiles(args)*args.ic_block*CH_M
    cdef real* packed = <real*>args.packed + task//channel_tiles(args)*POINTS*pitch + tile*args.ic_block*CH_M
    cdef const real* kernel
    cdef real taps[9*LANES]
    cdef real tail[LANES]
    cdef vreal half[18]
    cdef vreal u[POINTS]
    cdef Py_ssize_t block, first, lane, m, i
    for block in range((n + LANES - 1)//LANES):
        first = block*LANES
        for lane in range(LANES):
            m = (first + lane) % CH_M
            kernel = <const real*>args.weight + ((g*args.OC + oc + m)*args.IC + ic0 + (first + lane)//CH_M)*9
            for i in range(9):
                if first + lane >= n or oc + m >= args.OC:
                    taps[i*LANES + lane] = <real>0
                else:
                    taps[i*LANES + lane] = kernel[8 - i if args.flip else i]
        for i in range(3):
            transform_kernel_line(half + i, 3, vload(taps + i*LANES), vload(taps + (3 + i)*LANES),
                                  vload(taps + (6 + i)*LANES))
        for i in range(IN):
            transform_kernel_line(u + i*IN, 1, half[3*i], half[3*i + 1], half[3*i + 2])
        for i in range(POINTS):
            if first + LANES <= n:
                vstore(packed + i*pitch + first, u[i])
            else:
                vstore(tail, u[i])
                memcpy(packed + i*pitch + first, tail, (n - first)*sizeof(real))


cdef inline Py_ssize_t tile_count(const ConvArgs* args) noexcept nogil:
    """Positions of a full block of tiles, the extra column included; whole vectors."""
    cdef Py_ssize_t n = (args.TH.tile - 1)*row_pitch(args) + args.TW.tile
    return (n + LANES - 1)//LANES*LANES


cdef inline Py_ssize_t register_tiles(const ConvArgs* args) noexcept nogil:
    """How many register tiles cover the block's vectors; tile b begins at vector b*vectors//tiles, so that none is left
    with one vector, which would wait for its loads."""
    return (tile_count(args) + CH_V*LANES - 1)//(CH_V*LANES)


cdef inline Py_ssize_t winograd_scratch(const ConvArgs* args) noexcept nogil:
    """Bytes that winograd_task uses: offsets | line | packed channel | transformed input | products | output rows."""
    cdef Py_ssize_t reals = line_size(args) + OUT*OUT*slot_size(args)
    reals += POINTS*args.ic_block*tile_count(args) + CH_V*LANES
    reals += POINTS*(args.oc_block//CH_M)*register_tiles(args)*CH_M*CH_V*LANES
    reals += OUT*OUT*LANES
    return ((args.ic_block + POINTS)*<Py_ssize_t>sizeof(Py_ssize_t) + 63)//64*64 + reals*<Py_ssize_t>sizeof(real)


cdef inline bint all_finite(const real* values, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef real zero = <real>0
    for i in range(n):
        zero += values[i]*<real>0
    return zero == <real>0


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


cdef inline inlined product_tile(real* sums, const real* panel, const real* points, const Py_ssize_t* offsets,
                                 Py_ssize_t ics, bint accumulate, Py_ssize_t vectors) noexcept nogil:
    if vectors >= 3:
        channel_tile(sums, panel, points, offsets, ics, accumulate, CH_M, CH_V)
    elif vectors == 2:
        channel_tile(sums, panel, points, offsets, ics, accumulate, CH_M, 2)
    else:
        channel_tile(sums, panel, points, offsets, ics, accumulate, CH_M, 1)


cdef inline void store_tiles(const ConvArgs* args, char* out, real* rows, const real* bias, Py_ssize_t q,
                             Py_ssize_t h_left, Py_ssize_t w_left) noexcept nogil:
    """Store the output rows of tiles q..q+LANES-1 of the block; `out`: the block's first pixel, h_left x w_left
    pixels of the block exist."""
    cdef Py_ssize_t pitch = row_pitch(args)
    cdef Py_ssize_t lane = 0, end, row, column, n, i
    while lane < LANES:
        row = (q + lane)//pitch
        column = (q + lane) - row*pitch
        end = min(<Py_ssize_t>LANES, lane + pitch - column)
        n = min(OUT*(end - lane), w_left - column*OUT)
        n = min(n, (args.TW.tile - column)*OUT)
        if n > 0:
            for i in range(min(<Py_ssize_t>OUT, h_left - row*OUT)):
                finish_row(out + (row*OUT + i)*args.y.h + column*OUT*args.y.w, rows + (i*LANES + lane)*OUT, n,
                           args.y.w, args.y.dtype, bias, 0, args.activation)
        lane = end


cdef inline void winograd_task(const ConvArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    """One task: oc_block output channels of one group x one block of tiles, of one batch element."""
    cdef Py_ssize_t positions = tile_count(args)
    cdef Py_ssize_t tiles = register_tiles(args)
    cdef Py_ssize_t sums_size = CH_M*CH_V*LANES
    cdef Py_ssize_t point_sums = args.oc_block//CH_M*tiles*sums_size
    cdef Py_ssize_t* offsets = <Py_ssize_t*>scratch
    cdef Py_ssize_t* taps = offsets + args.ic_block
    cdef real* line = <real*>(scratch + ((args.ic_block + POINTS)*<Py_ssize_t>sizeof(Py_ssize_t) + 63)//64*64)
    cdef real* box = line + line_size(args)
    cdef real* points = box + OUT*OUT*slot_size(args)
    cdef real* sums = points + POINTS*args.ic_block*positions + CH_V*LANES
    cdef real* rows = sums + POINTS*point_sums
    cdef Py_ssize_t n_w = (tiles_along(&args.W) + args.TW.tile - 1)//args.TW.tile
    cdef Py_ssize_t n_h = (tiles_along(&args.H) + args.TH.tile - 1)//args.TH.tile
    cdef Py_ssize_t n_oc = (args.OC + args.oc_block - 1)//args.oc_block
    cdef Py_ssize_t tw = task % n_w*args.TW.tile
    cdef Py_ssize_t th = task//n_w % n_h*args.TH.tile
    cdef Py_ssize_t od = task//(n_w*n_h) % args.D.output
    cdef Py_ssize_t rest = task//(n_w*n_h*args.D.output)
    cdef Py_ssize_t g = rest//n_oc % args.G
    cdef Py_ssize_t oc0 = rest % n_oc*args.oc_block
    cdef Py_ssize_t oc_tiles = (min(args.oc_block, args.OC - oc0) + CH_M - 1)//CH_M
    cdef Py_ssize_t w_tile = min(args.TW.tile, tiles_along(&args.W) - tw)
    cdef Py_ssize_t h_tile = min(args.TH.tile, tiles_along(&args.H) - th)
    cdef Py_ssize_t x_offset, y_offset, w_offset, ic0 = 0, ic, ics, i, p, t, b, v, oc
    cdef Py_ssize_t vectors = positions//LANES
    cdef Py_ssize_t pitch = channel_tiles(args)*args.ic_block*CH_M
    cdef const real* packed = <const real*>args.packed + g*packed_size(args) + oc0*args.ic_block
    cdef const real* bias
    cdef char* out
    cdef Py_ssize_t n = rest//(n_oc*args.G)
    if args.failed[n]:
        return
    batch_offsets(args, n, &x_offset, &y_offset, &w_offset)
    for i in range(POINTS):
        taps[i] = (i//IN % OUT*OUT + i % IN % OUT)*slot_size(args) + i//IN//OUT*row_pitch(args) + i % IN//OUT
    for ic in range(args.ic_block):
        offsets[ic] = ic*positions
    memset(line, 0, (line_size(args) + OUT*OUT*slot_size(args))*sizeof(real))

    while ic0 < args.IC:
        ics = min(args.ic_block, args.IC - ic0)
        for ic in range(ics):
            pack_tiles(box, line, args, args.x.data + x_offset + channel_offset(&args.x, g*args.IC + ic0 + ic),
                       constant_value(args, ic0 + ic), od, th, tw, h_tile, w_tile)
            if not all_finite(box, OUT*OUT*slot_size(args)):
                args.failed[n] = 1
                return
            transform_input(points + ic*positions, args.ic_block*positions, box, taps, positions)
        for p in range(POINTS):
            for t in range(oc_tiles):
                for b in range(tiles):
                    v = b*vectors//tiles
                    product_tile(sums + p*point_sums + (t*tiles + b)*sums_size,
                                 packed + p*pitch + t*args.ic_block*CH_M,
                                 points + p*args.ic_block*positions + v*LANES, offsets, ics, ic0 > 0,
                                 (b + 1)*vectors//tiles - v)
        ic0 += ics
        packed += POINTS*pitch

    out = args.y.data + y_offset + od*args.y.d + th*OUT*args.y.h + tw*OUT*args.y.w
    for oc in range(min(args.oc_block, args.OC - oc0)):
        bias = <const real*>args.bias + g*args.OC + oc0 + oc if args.bias != NULL else NULL
        for b in range(tiles):
            for v in range(b*vectors//tiles, (b + 1)*vectors//tiles):
                transform_output(rows, sums + (oc//CH_M*tiles + b)*sums_size
                                 + (oc % CH_M*CH_V + v - b*vectors//tiles)*LANES, point_sums)
                store_tiles(args, out + channel_offset(&args.y, g*args.OC + oc0 + oc), rows, bias, v*LANES,
                            min(h_tile*OUT, args.H.output - th*OUT), min(w_tile*OUT, args.W.output - tw*OUT))
