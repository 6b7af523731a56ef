"""Blocks of pixels: what a weight gradient is summed over, a few hundred at a time.

A sum over a million pixels is made of sums over blocks, of sums of those over chunks of blocks, and of sums of chunks
in pairs: its error grows with the block, the blocks of a chunk, and the logarithm of the chunks.
"""
from cconv._kernels.simd cimport real
from cconv._kernels.types cimport WeightArgs


cdef struct Block:
    Py_ssize_t image            # the first of its batch elements
    Py_ssize_t images
    Py_ssize_t od               # its first output pixel
    Py_ssize_t oh
    Py_ssize_t ow
    Py_ssize_t d                # extents
    Py_ssize_t h
    Py_ssize_t w


cdef inline Py_ssize_t tiles_along(Py_ssize_t extent, Py_ssize_t tile) noexcept nogil:
    return (extent + tile - 1)//tile


cdef inline Py_ssize_t pixels_of(const Block* block) noexcept nogil:
    return block.images*block.d*block.h*block.w


cdef inline Py_ssize_t most_pixels(const WeightArgs* args) noexcept nogil:
    return args.images*args.layer.TD.tile*args.layer.TH.tile*args.layer.TW.tile


cdef inline Py_ssize_t count_blocks(const WeightArgs* args) noexcept nogil:
    return (tiles_along(args.layer.N, args.images)*tiles_along(args.layer.D.output, args.layer.TD.tile)
            * tiles_along(args.layer.H.output, args.layer.TH.tile)*tiles_along(args.layer.W.output, args.layer.TW.tile))


cdef inline real* sums_of_chunk(const WeightArgs* args, Py_ssize_t chunk) noexcept nogil:
    """Those of the first are the result, once the others are added to them."""
    return <real*>args.total if chunk == 0 else <real*>args.partial + (chunk - 1)*args.n_elements


cdef inline void fill_block(Block* block, const WeightArgs* args, Py_ssize_t number) noexcept nogil:
    cdef Py_ssize_t n_w = tiles_along(args.layer.W.output, args.layer.TW.tile)
    cdef Py_ssize_t n_h = tiles_along(args.layer.H.output, args.layer.TH.tile)
    cdef Py_ssize_t n_d = tiles_along(args.layer.D.output, args.layer.TD.tile)
    block.ow = number % n_w*args.layer.TW.tile
    block.oh = number//n_w % n_h*args.layer.TH.tile
    block.od = number//(n_w*n_h) % n_d*args.layer.TD.tile
    block.image = number//(n_w*n_h*n_d)*args.images
    block.w = min(args.layer.TW.tile, args.layer.W.output - block.ow)
    block.h = min(args.layer.TH.tile, args.layer.H.output - block.oh)
    block.d = min(args.layer.TD.tile, args.layer.D.output - block.od)
    block.images = min(args.images, args.layer.N - block.image)


cdef inline void fill_pixel_offsets(Py_ssize_t* offsets, const Block* block, Py_ssize_t image, Py_ssize_t d,
                                    Py_ssize_t h, Py_ssize_t w) noexcept nogil:
    """Where the block's pixels lie, in the order of its packed gradient, by the pitch of each axis."""
    cdef Py_ssize_t i, j, k, m, n = 0
    for i in range(block.images):
        for j in range(block.d):
            for k in range(block.h):
                for m in range(block.w):
                    offsets[n] = i*image + j*d + k*h + m*w
                    n += 1
