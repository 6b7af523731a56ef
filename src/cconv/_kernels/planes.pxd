"""Depthwise 3x3 convolution of wide images, channels first: pixels of a row in the lanes, one channel at a time.

Design:
a. A tile is 4 output rows x up to 3 vectors. A sample is loaded once for all output rows that it touches, and lanes
   are shifted, where that saves a load, for the kernel's other columns: loads that cross cache lines are what a row
   kernel waits for. At stride 2 two vectors are dealt into even and odd samples, which are two kernel columns.
   With AVX-512 a row's ends are masked loads, and lanes that overlap are mixed: 28x28 takes 0.86 of the time.
b. Rows are found through a table of pointers and, where one zero surrounds the image, read where they lie: that zero
   is the vector beside the row's first or last. Everything else (types, borders, no border) is packed with its padding,
   a strip of rows at a time.
c. The last vector of a row, and the last rows of a strip, overlap those before them: sums are the same.
d. Sums run over (kh, kw) whatever the tile: bits do not depend on the partition.
"""
from cconv._kernels.depthwise cimport adds_up
from cconv._kernels.elements cimport item_size
from cconv._kernels.pack cimport aligned_reals, batch_offsets, constant_value, is_direct, pack_line, source_index
from cconv._kernels.pixels cimport is_inside
from cconv._kernels.simd cimport (
    FETCH_BYTES, FLOATING, LANES, MASKS, RW_R, RW_V, fetch, inlined, place, real, vafter, vbefore, veven_lanes, vkeep,
    vload, vload_some, vmix, vodd_lanes, vreal, vrelu, vstore, vzero,
)
from cconv._kernels.store cimport finish_row
from cconv._kernels.types cimport ACT_RELU, PAD_CONSTANT, ConvArgs

cdef enum:
    # Vectors of a tile: 3 with 32 registers, 2 with 16. One more each makes weights spill: 1.04 to 1.13 times as long.
    MOST_V = RW_V - RW_V//3
    LEAST_PIXELS = 400          # of a channel: 14x14 at stride 2 takes 1.2 times as long as channels in the lanes (v3)


# A register tile of any RW_R rows.
cdef struct Tile:
    int vectors
    bint open                   # at the row's beginning, with a zero before it
    bint close                  # at its end, with a zero behind it
    Py_ssize_t column           # first output
    Py_ssize_t position         # first sample under a middle tap
    Py_ssize_t shift            # samples from the first vector's to the last one's
    Py_ssize_t turn             # outputs
    # Where there are masks: lanes of the first vector that have a sample under the kernel's first column, of the last
    # vector under its last column; and which lanes of the last two vectors are under the first column of the last one,
    # and under the last column of the one before.
    unsigned int before
    unsigned int after
    place first[LANES]
    place last[LANES]


# RW_R output rows of one channel.
cdef struct Strip:
    const real* const* rows     # input rows: the sample under the first output's middle tap
    const real* weight          # [tap][lane]
    const real* zeros           # what is beside a row; NULL: the row goes on
    const real* bias            # of the channel, or NULL
    bint relu
    real* y
    Py_ssize_t y_row            # in reals
    const Tile* tiles           # of a row
    Py_ssize_t n_tiles


cdef inline inlined feed(vreal* acc, const vreal* x, const vreal* w, int first, int last, int V, int S) noexcept nogil:
    """Samples under a kernel column to output rows first..last, each a kernel row or two further up."""
    cdef int o, v
    for o in range(first, last + 1):
        for v in range(V):
            acc[o*V + v] = vkeep(acc[o*V + v] + x[v]*w[-3*S*o])


cdef inline inlined plane_step(vreal* acc, const Strip* strip, const Tile* tile, const vreal* w, int j, int first,
                               int last, int V, int S) noexcept nogil:
    """Input row j feeds output rows first..last."""
    cdef vreal x[4]
    cdef vreal y[4]
    cdef vreal z[4]
    cdef vreal a, b
    cdef const real* row = strip.rows[j] + tile.position
    cdef const real* end = row + tile.shift
    cdef const real* before = strip.zeros if tile.open else row - LANES
    cdef const real* after = strip.zeros if tile.close else end + LANES
    cdef int v
    if S == 1:
        for v in range(V):
            x[v] = vkeep(vload(end if v == V - 1 else row + v*LANES))
        y[0] = vkeep(vload_some(row - 1, tile.before) if MASKS else vbefore(vload(before), x[0]))
        for v in range(1, V - 1):
            y[v] = vbefore(x[v - 1], x[v])
        if V > 1:
            y[V - 1] = vmix(x[V - 2], x[V - 1], tile.first) if MASKS else vkeep(vload(end - 1))
        feed(acc, y, w + 3*j, first, last, V, S)
        feed(acc, x, w + 3*j + 1, first, last, V, S)
        for v in range(V - 2):
            y[v] = vafter(x[v], x[v + 1])
        if V > 1:
            y[V - 2] = vmix(x[V - 2], x[V - 1], tile.last) if MASKS else vkeep(vload(row + (V - 2)*LANES + 1))
        y[V - 1] = vkeep(vload_some(end + 1, tile.after) if MASKS else vafter(x[V - 1], vload(after)))
        feed(acc, y, w + 3*j + 2, first, last, V, S)
    else:
        for v in range(V):
            a = vload(end if v == V - 1 else row + 2*v*LANES)
            b = vload((end if v == V - 1 else row + 2*v*LANES) + LANES)
            x[v] = veven_lanes(a, b)
            z[v] = vodd_lanes(a, b)
        y[0] = vbefore(vload(before), z[0])
        for v in range(1, V):
            # the vector before the last may begin before the row
            y[v] = veven_lanes(vload(end - 1), vload(end - 1 + LANES)) if v == V - 1 else vbefore(z[v - 1], z[v])
        feed(acc, y, w + 3*j, first, last, V, S)
        feed(acc, x, w + 3*j + 1, first, last, V, S)
        feed(acc, z, w + 3*j + 2, first, last, V, S)


cdef inline inlined plane_tile(const Strip* strip, const Tile* tile, int V, int S) noexcept nogil:
    """RW_R output rows x V vectors."""
    cdef vreal acc[12]
    cdef vreal w[9]
    cdef real* y = strip.y + tile.column
    cdef real bias
    cdef int i, o, v
    for i in range(RW_R*V):
        acc[i] = vzero()
    for i in range(9):
        w[i] = vload(strip.weight + i*LANES)
    if S == 1:
        plane_step(acc, strip, tile, w, 0, 0, 0, V, S)
        plane_step(acc, strip, tile, w, 1, 0, 1, V, S)
        plane_step(acc, strip, tile, w, 2, 0, 2, V, S)
        plane_step(acc, strip, tile, w, 3, 1, 3, V, S)
        plane_step(acc, strip, tile, w, 4, 2, 3, V, S)
        plane_step(acc, strip, tile, w, 5, 3, 3, V, S)
    else:
        plane_step(acc, strip, tile, w, 0, 0, 0, V, S)
        plane_step(acc, strip, tile, w, 1, 0, 0, V, S)
        plane_step(acc, strip, tile, w, 2, 0, 1, V, S)
        plane_step(acc, strip, tile, w, 3, 1, 1, V, S)
        plane_step(acc, strip, tile, w, 4, 1, 2, V, S)
        plane_step(acc, strip, tile, w, 5, 2, 2, V, S)
        plane_step(acc, strip, tile, w, 6, 2, 3, V, S)
        plane_step(acc, strip, tile, w, 7, 3, 3, V, S)
        plane_step(acc, strip, tile, w, 8, 3, 3, V, S)
    if strip.bias != NULL:
        bias = strip.bias[0]
        for i in range(RW_R*V):
            acc[i] = acc[i] + bias
    if strip.relu:
        for i in range(RW_R*V):
            acc[i] = vrelu(acc[i])
    for o in range(RW_R):
        for v in range(V):
            vstore(y + (tile.turn if v == V - 1 else v*LANES), acc[o*V + v])
        y += strip.y_row


cdef inline inlined plane_tiles(const Strip* strip, int S) noexcept nogil:
    cdef Py_ssize_t t
    cdef const Tile* tile
    for t in range(strip.n_tiles):
        tile = &strip.tiles[t]
        if MOST_V >= 3 and tile.vectors == 3:
            plane_tile(strip, tile, 3, S)
        elif tile.vectors == 2:
            plane_tile(strip, tile, 2, S)
        else:
            plane_tile(strip, tile, 1, S)


cdef inline Py_ssize_t tiles_of_row(const ConvArgs* args) noexcept nogil:
    return (args.W.output + MOST_V*LANES - 1)//(MOST_V*LANES)


cdef inline void cut_row(Tile* tiles, const ConvArgs* args, bint zeros) noexcept nogil:
    """The tiles of a row, of about equal widths; the last vector of each row ends with it. `zeros`: beside it."""
    cdef Py_ssize_t width = args.W.output, S = args.W.stride, n = tiles_of_row(args)
    cdef Py_ssize_t last = width - LANES, vectors = (width + LANES - 1)//LANES, vector = 0, shared, t, i
    cdef unsigned int lanes = (<unsigned int>1 << LANES) - 1
    cdef Tile* tile
    for t in range(n):
        tile = &tiles[t]
        tile.column = min(vector*LANES, last)
        tile.vectors = <int>(vectors//n + (t >= n - vectors % n))
        vector += tile.vectors
        tile.position = tile.column*S
        tile.turn = min((vector - 1)*LANES, last) - tile.column
        tile.shift = tile.turn*S
        tile.open = zeros and t == 0
        tile.close = zeros and t == n - 1
        tile.before = lanes - tile.open
        tile.after = lanes >> tile.close
        shared = (tile.vectors - 1)*LANES - tile.turn       # lanes, of the last two vectors
        for i in range(LANES):
            tile.first[i] = <place>(LANES + i - 1 if i > 0 else LANES - 1 - shared)
            tile.last[i] = <place>(i + 1 if i < LANES - 1 else LANES + shared)


# --- a task -----------------------------------------------------------------------------------------------------------

cdef inline bint planes_apply(const ConvArgs* args) noexcept nogil:
    return (args.W.kernel == 3 and args.H.kernel == 3 and args.D.kernel == 1 and args.W.dilation == 1
            and args.H.dilation == 1 and (args.W.stride == 1 or args.W.stride == 2)
            and args.H.stride == args.W.stride and args.W.output >= LANES and args.H.output >= RW_R
            and args.H.output*args.W.output >= LEAST_PIXELS and is_inside(&args.D)
            and args.x.w == item_size(args.x.dtype) and args.y.w == item_size(args.y.dtype))


cdef inline bint planes_in_place(const ConvArgs* args) noexcept nogil:
    """Whether rows are read where they lie: one zero before each, and one behind it where the stride gets there."""
    cdef bint zero = args.cval_int == 0
    if FLOATING:
        zero = args.cval[0] == 0
    return (zero and args.W.boundary == PAD_CONSTANT and args.W.pad == 1 and args.W.size == args.W.output*args.W.stride
            and is_direct(&args.x, args.batch_ndim))


cdef inline Py_ssize_t strip_rows(const ConvArgs* args, Py_ssize_t outputs) noexcept nogil:
    return (outputs - 1)*args.H.stride + 3


cdef inline Py_ssize_t packed_row(const ConvArgs* args) noexcept nogil:
    """Reals of a packed row: the vectors beside it are read, too."""
    return aligned_reals(args.W.output*args.W.stride + 2*LANES)


cdef inline Py_ssize_t tables_size(const ConvArgs* args) noexcept nogil:
    """Bytes of a row's tiles and of the pointers to a strip's rows."""
    cdef Py_ssize_t pointers = strip_rows(args, args.TH.tile)*<Py_ssize_t>sizeof(void*)
    return (tiles_of_row(args)*<Py_ssize_t>sizeof(Tile) + pointers + 63)//64*64


cdef inline Py_ssize_t planes_scratch(const ConvArgs* args) noexcept nogil:
    """Bytes that planes_task uses, in its order."""
    cdef Py_ssize_t rows = strip_rows(args, args.TH.tile)
    cdef Py_ssize_t reals = 9*LANES + LANES + RW_R*aligned_reals(args.W.output)
    reals += (1 if planes_in_place(args) else rows)*packed_row(args)
    return tables_size(args) + aligned_reals(reals)*<Py_ssize_t>sizeof(real)


cdef inline void find_rows(const real** rows, real* packed, const ConvArgs* args, const char* plane, Py_ssize_t oh,
                           Py_ssize_t h_tile) noexcept nogil:
    """The input rows of h_tile output rows from oh on; `plane`: the channel's first sample, `packed`: room for them, or
    a row of zeros."""
    cdef Py_ssize_t count = args.W.output*args.W.stride + 2
    cdef Py_ssize_t n = strip_rows(args, h_tile)
    cdef Py_ssize_t start = oh*args.H.stride - args.H.pad
    cdef Py_ssize_t first = min(n, max(<Py_ssize_t>0, -start))
    cdef Py_ssize_t last = max(first, min(n, args.H.size - start))
    cdef Py_ssize_t j, t, ih
    if planes_in_place(args):
        for j in range(first, last):                    # apart from the others: a vector of pointers at a time
            rows[j] = <const real*>(plane + (start + j)*args.x.h)
        j = 0 if first > 0 else last
        while j < n:
            ih = source_index(start + j, args.H.size, args.H.boundary)
            rows[j] = <const real*>(plane + ih*args.x.h) if ih >= 0 else packed + LANES
            j = j + 1 if j + 1 != first else last
        return
    for j in range(n):
        ih = source_index(start + j, args.H.size, args.H.boundary)
        rows[j] = packed + LANES
        if ih < 0:
            for t in range(-1, count - 1):
                packed[LANES + t] = constant_value(args, 0)
        else:
            pack_line(packed + LANES - 1, plane + ih*args.x.h, args.x.w, args.x.dtype, -args.W.pad, count, 1,
                      args.W.size, args.W.boundary, constant_value(args, 0))
        packed += packed_row(args)


# What a task computes: some rows of a plane of some channels of a batch element.
cdef struct Share:
    Py_ssize_t n
    Py_ssize_t d
    Py_ssize_t c
    Py_ssize_t c_end
    Py_ssize_t row
    Py_ssize_t end


cdef inline Share share_of(const ConvArgs* args, Py_ssize_t task, Py_ssize_t rows) noexcept nogil:
    """Of planes of so many rows, or pairs of rows; evenly: each has the rows of a tile."""
    cdef Share share
    cdef Py_ssize_t n_h = (args.H.output + args.TH.tile - 1)//args.TH.tile
    cdef Py_ssize_t n_c = (args.G + args.oc_block - 1)//args.oc_block
    share.row = task % n_h*rows//n_h
    share.end = (task % n_h + 1)*rows//n_h
    share.d = task//n_h % args.D.output
    share.c = task//(n_h*args.D.output) % n_c*args.oc_block
    share.c_end = min(args.G, share.c + args.oc_block)
    share.n = task//(n_h*args.D.output*n_c)
    return share


cdef inline void spread_weights(real* weights, const ConvArgs* args, const real* weight) noexcept nogil:
    """weights[tap][lane] of a channel."""
    cdef Py_ssize_t i
    for i in range(9):
        vstore(weights + i*LANES, weight[8 - i if args.flip else i] - vzero())


cdef inline void planes_task(const ConvArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    """One task: oc_block channels x up to TH.tile rows of one plane, of one batch element."""
    cdef Share share = share_of(args, task, args.H.output)
    cdef Py_ssize_t od = share.d, c = share.c, c_end = share.c_end, oh = share.row, h_tile = share.end - share.row
    cdef Py_ssize_t width = aligned_reals(args.W.output)
    cdef Py_ssize_t row_bytes = args.W.size*args.x.w, fetched = RW_R*args.H.stride
    cdef Py_ssize_t y_row = args.y.h//<Py_ssize_t>sizeof(real)
    cdef Py_ssize_t x_offset, y_offset, w_offset, r, i, t
    cdef bint direct = adds_up(args) and is_direct(&args.y, args.batch_ndim)
    cdef Tile* tiles = <Tile*>scratch
    cdef const real** rows = <const real**>(scratch + tiles_of_row(args)*sizeof(Tile))
    cdef real* weights = <real*>(scratch + tables_size(args))
    cdef real* zeros = weights + 9*LANES
    cdef real* sums = zeros + LANES
    cdef real* packed = sums + RW_R*width
    cdef const real* bias
    cdef char* out
    cdef Strip strip

    batch_offsets(args, share.n, &x_offset, &y_offset, &w_offset)
    x_offset += (od*args.D.stride - args.D.pad)*args.x.d
    y_offset += od*args.y.d + oh*args.y.h
    vstore(zeros, vzero())
    strip.zeros = NULL
    if planes_in_place(args):
        strip.zeros = zeros
        for t in range(packed_row(args)):
            packed[t] = <real>0
    strip.weight = weights
    if args.x.h == row_bytes:           # one run
        row_bytes *= fetched
        fetched = 1
    cut_row(tiles, args, strip.zeros != NULL)
    strip.tiles = tiles
    strip.n_tiles = tiles_of_row(args)
    strip.y_row = y_row if direct else width
    strip.relu = direct and args.activation == ACT_RELU
    while c < c_end:
        spread_weights(weights, args, <const real*>args.weight + w_offset + c*9)
        bias = <const real*>args.bias + c if args.bias != NULL else NULL
        strip.bias = bias if direct else NULL
        out = args.y.data + y_offset + c*args.y.channel
        find_rows(rows, packed, args, args.x.data + x_offset + c*args.x.channel, oh, h_tile)
        r = 0
        while r < h_tile:
            r = min(r, h_tile - RW_R)
            # 144 channels of 56x56 by 8 images take 0.63 of the time
            fetch(args.x.data + x_offset + c*args.x.channel + (oh + r)*args.H.stride*args.x.h + FETCH_BYTES, row_bytes,
                  fetched, args.x.h)
            strip.rows = rows + r*args.H.stride
            strip.y = <real*>(out + r*args.y.h) if direct else sums
            if args.W.stride == 1:
                plane_tiles(&strip, 1)
            else:
                plane_tiles(&strip, 2)
            if not direct:
                for i in range(RW_R):
                    finish_row(out + (r + i)*args.y.h, sums + i*width, args.W.output, args.y.w, args.y.dtype, bias, 0,
                               args.activation)
            r += RW_R
        c += 1
