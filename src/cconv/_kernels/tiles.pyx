"""Tiles of samples for the transforms of _fft.py, for one real type at one SIMD level: gathered from an array, padding,
layout and types included, and stored to one.

Design:
a. A tile is a plain box of reals or of complex numbers, as NumPy has them: what transforms it needs to know nothing of
   padding, strides and types.
b. Outputs begin where their tile does: the kernel stands reversed, its first tap at 0.
c. What the guard of _fft_guard.py asks of the samples is counted here, while they are in the cache.
"""
from cpython.pycapsule cimport PyCapsule_New
from libc.string cimport memset

from cconv._kernels.pack cimport batch_offsets, channel_offset, pack_line, source_index
from cconv._kernels.simd cimport LANES, mark_small, peak_magnitude, real, real_bits
from cconv._kernels.store cimport finish_row
from cconv._kernels.types cimport KERNEL_ABI, PAD_CONSTANT, Axis, ConvArgs, TileKernels, Tiles

cdef enum:
    COLUMNS = 512               # of a tile that are counted at a time


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
            pack_line(part, line + p*args.x.part, args.x.w, args.x.dtype, start, n, 1, args.W.size, args.W.boundary,
                      constant)
        else:
            for i in range(n):
                part[i] = constant if line == NULL or source_index(start + i, args.W.size, args.W.boundary) < 0 \
                    else <real>0
        if tiles.parts == 2:
            for i in range(n):
                row[2*i + p] = part[i]


cdef inline bint is_hollow(const ConvArgs* args, const Axis* axis) noexcept nogil:
    """Zeros stand outside, which no product needs."""
    return axis.boundary == PAD_CONSTANT and args.cval[0] == 0 and args.cval[1] == 0


cdef inline void count_blocks(int* counts, const real* tile, const ConvArgs* args, Py_ssize_t d0, Py_ssize_t h0,
                              Py_ssize_t w0, real limit) noexcept nogil:
    """Small samples of each block of the tile from (d0, h0, w0) on, without hollow padding. Column by column first:
    blocks may be a few samples wide."""
    cdef const Tiles* tiles = args.tiles
    cdef Py_ssize_t first = 0, last = tiles.W.length, n, block, bd, bh, bw, d, h, i, end, row
    cdef real_bits marks[COLUMNS]
    cdef real_bits count
    memset(counts, 0, tiles.D.blocks*tiles.H.blocks*tiles.W.blocks*sizeof(int))
    if is_hollow(args, &args.W):
        first = max(first, -w0)
        last = min(last, args.W.size - w0)
    while first < last:
        n = min(<Py_ssize_t>COLUMNS, last - first)
        for block in range(tiles.D.blocks*tiles.H.blocks):
            bd = block//tiles.H.blocks
            bh = block - bd*tiles.H.blocks
            memset(marks, 0, n*sizeof(real_bits))
            for d in range(bd*tiles.D.cell, min((bd + 1)*tiles.D.cell, tiles.D.length)):
                if is_hollow(args, &args.D) and not 0 <= d0 + d < args.D.size:
                    continue
                for h in range(bh*tiles.H.cell, min((bh + 1)*tiles.H.cell, tiles.H.length)):
                    if is_hollow(args, &args.H) and not 0 <= h0 + h < args.H.size:
                        continue
                    row = (d*tiles.H.length + h)*tiles.W.length + first
                    mark_small(marks, tile + row*tiles.parts, n, tiles.parts == 2, limit)
            i = 0
            while i < n:
                bw = (first + i)//tiles.W.cell
                end = min(n, (bw + 1)*tiles.W.cell - first)
                count = 0
                while i < end:
                    count += marks[i]
                    i += 1
                counts[block*tiles.W.blocks + bw] += <int>count
        first += n


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
            if tiles.peaks != NULL:
                peak = peak_magnitude(row, tiles.W.length*tiles.parts, peak)
            row += tiles.W.length*tiles.parts
    if tiles.peaks != NULL:
        tiles.peaks[index] = <double>peak
        count_blocks(tiles.counts + index*tiles.D.blocks*tiles.H.blocks*tiles.W.blocks, tile, args, d0, h0, w0,
                     peak*<real>tiles.small)


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
                finish_row(channel + p*args.y.part + d*args.y.d + h*args.y.h + w*args.y.w, part, n, args.y.w,
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


cdef TileKernels kernels
kernels.abi = KERNEL_ABI
kernels.lanes = LANES
kernels.gather = gather
kernels.store = store
CAPSULE = PyCapsule_New(&kernels, "cconv.TileKernels", NULL)
