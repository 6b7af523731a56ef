"""Which outputs of a tile a transform can vouch for: the decision that _fft_guard.py explains, while the tile's samples
are in the cache.

Design:
a. Cells of outputs are looked at, and blocks of as many samples: a count of small samples per block, then per cell the
   sum over the blocks that its windows touch.
b. How much weight n small samples may hide is the sum of the n largest weights. It is at most n*t + sum max(|w|-t, 0)
   for any t: a few t come close to it, and sorting a long kernel takes as long as transforming it.
"""
from libc.string cimport memset

from cconv._kernels.simd cimport mark_small, real, real_bits
from cconv._kernels.types cimport GUARD_STEPS, PAD_CONSTANT, Axis, ConvArgs, TileAxis, TileGuard, Tiles

cdef enum:
    COLUMNS = 512               # of a tile that are counted at a time


cdef inline void weigh(const double* weights, Py_ssize_t n, TileGuard* guard) noexcept nogil:
    """What the guard asks of the magnitudes of the taps."""
    cdef double sums[8]
    cdef double limit, tap, peak = 0
    cdef Py_ssize_t i, j
    cdef int step
    for i in range(n):
        peak = weights[i] if weights[i] > peak else peak
    limit = peak
    for step in range(GUARD_STEPS + 1):
        # the last round, over a limit of 0, makes the norm, NaN if a tap is
        if step == GUARD_STEPS:
            limit = 0
        memset(sums, 0, sizeof(sums))
        i = 0
        while i + 8 <= n:
            for j in range(8):
                tap = weights[i + j] - limit
                sums[j] += 0 if tap < 0 else tap
            i += 8
        while i < n:
            tap = weights[i] - limit
            sums[0] += 0 if tap < 0 else tap
            i += 1
        tap = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]))
        if step == GUARD_STEPS:
            guard.norm = tap
        else:
            guard.limits[step] = limit
            guard.excess[step] = tap
            limit *= 0.7


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


cdef inline void sum_windows(int* counts, Py_ssize_t outer, Py_ssize_t inner, const TileAxis* axis) noexcept nogil:
    """Along one axis, (outer, blocks, inner), from blocks to cells: what the windows of each hold at most."""
    cdef Py_ssize_t window = (2*axis.cell + axis.taps - 2)//axis.cell, line, i
    cdef int* p
    cdef int total, old
    if axis.blocks == 1:
        return
    for line in range(outer*inner):
        p = counts + line//inner*axis.blocks*inner + line % inner
        total = 0
        for i in range(min(window, axis.blocks)):
            total += p[i*inner]
        for i in range(axis.blocks):
            old = p[i*inner]
            p[i*inner] = total
            total -= old
            if i + window < axis.blocks:
                total += p[(i + window)*inner]


cdef inline bint cell_taps(Py_ssize_t* taps, const TileAxis* tile, const Axis* axis, bint hollow, Py_ssize_t place,
                           Py_ssize_t cell) noexcept nogil:
    """taps = the first of the taps that meet samples in every window of a cell, and the one after the last. Returns
    whether the cell holds outputs."""
    cdef Py_ssize_t first = cell*tile.cell
    cdef Py_ssize_t last = min(min(first + tile.cell, tile.step) + place*tile.step, axis.output) - 1
    first += place*tile.step
    taps[0] = 0
    taps[1] = tile.taps
    if hollow:
        # a window's first tap meets the sample at its output plus `offset`
        taps[0] = min(max(-(first + tile.offset), <Py_ssize_t>0), tile.taps)
        taps[1] = max(min(axis.size - (last + tile.offset), tile.taps), taps[0])
    return last >= first


cdef inline double box_weight(const Tiles* tiles, const Py_ssize_t* d, const Py_ssize_t* h,
                              const Py_ssize_t* w) noexcept nogil:
    """The weight of a box of taps, from the weight of the taps before each along all axes."""
    cdef Py_ssize_t row = tiles.W.taps + 1, plane = row*(tiles.H.taps + 1)
    cdef double weight = 0
    cdef int i, j, k
    for i in range(2):
        for j in range(2):
            for k in range(2):
                # the table is 0 where a range begins at 0
                if (i or d[0]) and (j or h[0]) and (k or w[0]):
                    weight += (1 if (i + j + k) & 1 else -1)*tiles.table[d[i]*plane + h[j]*row + w[k]]
    return weight


cdef inline bint suffices(const TileGuard* guard, double n, double weight) noexcept nogil:
    """Do n small samples hide so little that enough of the weight is left?"""
    cdef int step
    for step in range(GUARD_STEPS):
        if n*guard.limits[step] + guard.excess[step] <= weight - guard.needed:
            return True
    return False


cdef inline void vouch_tile(const ConvArgs* args, const real* tile, Py_ssize_t number, Py_ssize_t index, Py_ssize_t d0,
                            Py_ssize_t h0, Py_ssize_t w0, real peak) noexcept nogil:
    """Mark the cells of tile `number` of a batch element that a transform may do, `peak` the largest magnitude."""
    cdef const Tiles* tiles = args.tiles
    cdef const TileGuard* guard = tiles.guard
    cdef Py_ssize_t cells_d = (tiles.D.step + tiles.D.cell - 1)//tiles.D.cell
    cdef Py_ssize_t cells_h = (tiles.H.step + tiles.H.cell - 1)//tiles.H.cell
    cdef Py_ssize_t cells_w = (tiles.W.step + tiles.W.cell - 1)//tiles.W.cell
    cdef Py_ssize_t cells = cells_d*cells_h*cells_w, i, j, k
    cdef Py_ssize_t d[2]
    cdef Py_ssize_t h[2]
    cdef Py_ssize_t w[2]
    cdef unsigned char* good = tiles.good + index*cells
    cdef int* counts = tiles.counts
    cdef double scale = <double>peak*guard.norm, weight
    cdef bint used_d, used_h, used_w
    if not guard.least < scale < guard.most:
        # zeros give zeros; a kernel that is not finite gives no number
        memset(good, peak == 0 and scale == 0, cells)
        return
    memset(good, 1, cells)
    count_blocks(counts, tile, args, d0, h0, w0, peak*<real>tiles.small)
    sum_windows(counts, tiles.D.blocks*tiles.H.blocks, 1, &tiles.W)
    sum_windows(counts, tiles.D.blocks, tiles.W.blocks, &tiles.H)
    sum_windows(counts, 1, tiles.H.blocks*tiles.W.blocks, &tiles.D)
    for i in range(cells_d):
        used_d = cell_taps(d, &tiles.D, &args.D, is_hollow(args, &args.D), number//(tiles.H.tiles*tiles.W.tiles), i)
        for j in range(cells_h):
            used_h = cell_taps(h, &tiles.H, &args.H, is_hollow(args, &args.H), number//tiles.W.tiles % tiles.H.tiles, j)
            for k in range(cells_w):
                used_w = cell_taps(w, &tiles.W, &args.W, is_hollow(args, &args.W), number % tiles.W.tiles, k)
                if not (used_d and used_h and used_w):
                    continue
                weight = guard.norm
                if d[1] - d[0] < tiles.D.taps or h[1] - h[0] < tiles.H.taps or w[1] - w[0] < tiles.W.taps:
                    weight = box_weight(tiles, d, h, w)
                good[(i*cells_h + j)*cells_w + k] = suffices(
                    guard, counts[(i*tiles.H.blocks + j)*tiles.W.blocks + k], weight)
