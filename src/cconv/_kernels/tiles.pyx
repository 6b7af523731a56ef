"""Tiles of samples for the transforms of _fft.py, for one real type at one SIMD level: gathered from an array, padding,
layout and types included, and stored to one.

Design:
a. A tile is a plain box of reals or of complex numbers, as NumPy has them: what transforms it needs to know nothing of
   padding, strides and types.
b. Outputs begin where their tile does: the kernel stands reversed, its first tap at 0.
c. What the guard of _fft_guard.py asks of the samples is counted and decided here, while they are in the cache: see
   guard.pxd.
"""
from cpython.pycapsule cimport PyCapsule_New

from cconv._kernels.guard cimport vouch_tile, weigh
from cconv._kernels.pack cimport batch_offsets, channel_offset, pack_line, source_index
from cconv._kernels.simd cimport LANES, peak_magnitude, real
from cconv._kernels.store cimport finish_row
from cconv._kernels.types cimport KERNEL_ABI, ConvArgs, TileGuard, TileKernels, Tiles

cdef inline Py_ssize_t tiles_of_element(const Tiles* tiles) noexcept nogil:
    return tiles.D.tiles*tiles.H.tiles*tiles.W.tiles


cdef inline Py_ssize_t tile_reals(const Tiles* tiles) noexcept nogil:
    return tiles.D.length*tiles.H.length*tiles.W.length*tiles.parts


# --- samples ----------------------------------------------------------------------------------------------------------

cdef inline void gather_row(real* row, const ConvArgs* args, const char* line, Py_ssize_t start) noexcept nogil:
    """One row of a tile, from sample `start` of a line of the array; NULL: a row of padding."""
    cdef const Tiles* tiles = args.tiles
    cdef Py_ssize_t n = tiles.W.length, i
    cdef real* part = row
    cdef real constant
    cdef int p
    for p in range(<int>tiles.parts):
        constant = <real>args.cval[p]
        if tiles.parts == 2:
            part = <real*>tiles.scratch
        if line != NULL and p < args.x.parts:
            pack_line(part, line + args.x.part[p], args.x.w, args.x.dtype, start, n, 1, args.W.size, args.W.boundary,
                      constant)
        else:
            for i in range(n):
                part[i] = constant if line == NULL or source_index(start + i, args.W.size, args.W.boundary) < 0 \
                    else <real>0
        if tiles.parts == 2:
            for i in range(n):
                row[2*i + p] = part[i]


cdef inline void gather_tile(real* tile, const ConvArgs* args, const char* channel, Py_ssize_t number,
                             Py_ssize_t index) noexcept nogil:
    """Tile `number` of one batch element, which is number `index` of the buffer."""
    cdef const Tiles* tiles = args.tiles
    cdef Py_ssize_t w0 = number % tiles.W.tiles*tiles.W.step + tiles.W.offset
    cdef Py_ssize_t h0 = number//tiles.W.tiles % tiles.H.tiles*tiles.H.step + tiles.H.offset
    cdef Py_ssize_t d0 = number//(tiles.W.tiles*tiles.H.tiles)*tiles.D.step + tiles.D.offset
    cdef Py_ssize_t d, h, id_, ih
    cdef real* row = tile
    cdef const char* line
    cdef real peak = <real>0
    for d in range(tiles.D.length):
        id_ = source_index(d0 + d, args.D.size, args.D.boundary)
        for h in range(tiles.H.length):
            ih = source_index(h0 + h, args.H.size, args.H.boundary)
            line = NULL
            if id_ >= 0 and ih >= 0:
                line = channel + id_*args.x.d + ih*args.x.h
            gather_row(row, args, line, w0)
            if tiles.guard != NULL:
                peak = peak_magnitude(row, tiles.W.length*tiles.parts, peak)
            row += tiles.W.length*tiles.parts
    if tiles.guard != NULL:
        vouch_tile(args, tile, number, index, d0, h0, w0, peak)


cdef void gather(const ConvArgs* args) noexcept nogil:
    """Fill the buffer, (channels, tiles, d, h, w)."""
    cdef const Tiles* tiles = args.tiles
    cdef Py_ssize_t index, channel, n, x_offset, y_offset, w_offset
    for index in range(tiles.count):
        n = (tiles.first + index)//tiles_of_element(tiles)
        batch_offsets(args, n, &x_offset, &y_offset, &w_offset)
        for channel in range(tiles.channels):
            gather_tile(<real*>tiles.buffer + (channel*tiles.count + index)*tile_reals(tiles), args,
                        args.x.data + x_offset + channel_offset(&args.x, (tiles.channel + channel)*args.x.parts),
                        tiles.first + index - n*tiles_of_element(tiles), index)


# --- outputs ----------------------------------------------------------------------------------------------------------

cdef inline void store_tile(const ConvArgs* args, char* channel, real* tile, const real* bias,
                            Py_ssize_t number) noexcept nogil:
    """The outputs of a tile, those that the stride leaves."""
    cdef const Tiles* tiles = args.tiles
    cdef Py_ssize_t td = number//(tiles.W.tiles*tiles.H.tiles)*tiles.D.step
    cdef Py_ssize_t th = number//tiles.W.tiles % tiles.H.tiles*tiles.H.step
    cdef Py_ssize_t tw = number % tiles.W.tiles*tiles.W.step
    cdef Py_ssize_t d = (td + args.D.stride - 1)//args.D.stride
    cdef Py_ssize_t h0 = (th + args.H.stride - 1)//args.H.stride
    cdef Py_ssize_t w = (tw + args.W.stride - 1)//args.W.stride
    cdef Py_ssize_t d_end = min(args.D.output, (td + tiles.D.step + args.D.stride - 1)//args.D.stride)
    cdef Py_ssize_t h_end = min(args.H.output, (th + tiles.H.step + args.H.stride - 1)//args.H.stride)
    cdef Py_ssize_t n = min(args.W.output, (tw + tiles.W.step + args.W.stride - 1)//args.W.stride) - w
    cdef Py_ssize_t h, i, step = args.W.stride*tiles.parts
    cdef real* row
    cdef real* part
    cdef int p
    if n <= 0:
        return
    while d < d_end:
        h = h0
        while h < h_end:
            row = tile + (((d*args.D.stride - td)*tiles.H.length + h*args.H.stride - th)*tiles.W.length
                          + w*args.W.stride - tw)*tiles.parts
            for p in range(<int>tiles.parts):
                part = row
                if step > 1:
                    part = <real*>tiles.scratch
                    for i in range(n):
                        part[i] = row[i*step + p]
                finish_row(channel + args.y.part[p] + d*args.y.d + h*args.y.h + w*args.y.w, part, n, args.y.w,
                           args.y.dtype, bias + p if bias != NULL else NULL, 0, args.activation)
            h += 1
        d += 1


cdef void store(const ConvArgs* args) noexcept nogil:
    """Store what the buffer, (channels, tiles, d, h, w), holds of outputs, and overwrite it."""
    cdef const Tiles* tiles = args.tiles
    cdef Py_ssize_t index, channel, n, at, x_offset, y_offset, w_offset
    for index in range(tiles.count):
        n = (tiles.first + index)//tiles_of_element(tiles)
        batch_offsets(args, n, &x_offset, &y_offset, &w_offset)
        for channel in range(tiles.channels):
            at = (tiles.channel + channel)*tiles.parts
            store_tile(args, args.y.data + y_offset + channel_offset(&args.y, at),
                       <real*>tiles.buffer + (channel*tiles.count + index)*tile_reals(tiles),
                       <const real*>args.bias + at if args.bias != NULL else NULL,
                       tiles.first + index - n*tiles_of_element(tiles))


cdef void weigh_taps(const double* weights, Py_ssize_t n, TileGuard* guard) noexcept nogil:
    weigh(weights, n, guard)


cdef TileKernels kernels
kernels.abi = KERNEL_ABI
kernels.lanes = LANES
kernels.gather = gather
kernels.store = store
kernels.weigh = weigh_taps
CAPSULE = PyCapsule_New(&kernels, "cconv.TileKernels", NULL)
