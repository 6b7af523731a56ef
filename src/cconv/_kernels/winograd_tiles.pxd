"""Winograd's tiles: their extents, which stand where, and the transforms of vectors of them. See winograd.pxd."""
from cconv._kernels.pack cimport batch_offsets
from cconv._kernels.pixels cimport WIDTH, padded
from cconv._kernels.simd cimport LANES, apart, inlined, real, vload, vreal, vstore, vzero
from cconv._kernels.types cimport Axis, ConvArgs

cdef enum:
    OUT = 4                     # outputs of a tile along an axis
    IN = 6                      # and its inputs
    CHUNK = 8                   # tiles whose outputs are stored together, OUT times as many along one axis: 32 KB


# ---- extents ---------------------------------------------------------------------------------------------------------

cdef inline bint is_tall(const ConvArgs* args) noexcept nogil:
    """Tiles in two dimensions; else along W alone."""
    return args.H.kernel == 3


cdef inline Py_ssize_t tile_rows(const ConvArgs* args) noexcept nogil:
    """Output rows of a tile."""
    return OUT if is_tall(args) else 1


cdef inline Py_ssize_t point_count(const ConvArgs* args) noexcept nogil:
    return IN*IN if is_tall(args) else IN


cdef inline Py_ssize_t tiles_along(const Axis* axis) noexcept nogil:
    """A tile has outputs `dilation` apart: that many tiles share a block of OUT*dilation outputs, fewer the last."""
    cdef Py_ssize_t block = OUT*axis.dilation
    return axis.output//block*axis.dilation + min(axis.output % block, axis.dilation)


cdef inline Py_ssize_t first_output(const Axis* axis, Py_ssize_t tile) noexcept nogil:
    return tile//axis.dilation*OUT*axis.dilation + tile % axis.dilation


cdef inline Py_ssize_t tiles_down(const ConvArgs* args) noexcept nogil:
    return tiles_along(&args.H) if is_tall(args) else args.H.output


cdef inline Py_ssize_t tiles_across(const ConvArgs* args) noexcept nogil:
    return tiles_along(&args.W)


cdef inline Py_ssize_t tile_percent(const ConvArgs* args) noexcept nogil:
    """Of all tiles' outputs, how many are not cut off."""
    return 100*args.H.output*args.W.output//(OUT*tile_rows(args)*tiles_down(args)*tiles_across(args))


cdef inline bint is_spread(const ConvArgs* args) noexcept nogil:
    """Whether the neighbours of a sample belong to other tiles, at the same place: nothing has to be dealt."""
    return args.W.dilation > 1


cdef inline Py_ssize_t chunk_tiles(const ConvArgs* args) noexcept nogil:
    return CHUNK if is_tall(args) else OUT*CHUNK


# In reals; each has some more than it needs, because points that lie a power of two apart evict each other.
cdef inline Py_ssize_t kernel_pitch(const ConvArgs* args, Py_ssize_t channels) noexcept nogil:
    """From one point of a transformed panel to the next: [plane][channel]."""
    return args.ic_block*padded(channels) + LANES


cdef inline Py_ssize_t sums_pitch(const ConvArgs* args) noexcept nogil:
    """From one point of a panel's sums to the next: [tile][channel]."""
    return args.TW.tile*WIDTH + LANES


# ---- places ----------------------------------------------------------------------------------------------------------

cdef struct Run:
    # tiles that are neighbours along W: whole blocks, or a part of one
    Py_ssize_t n                # batch element
    Py_ssize_t d                # output depth
    Py_ssize_t h                # first output row
    Py_ssize_t w                # first output column
    Py_ssize_t tiles
    Py_ssize_t x                # offset of the batch element's samples, in bytes


cdef inline Run next_run(const ConvArgs* args, Py_ssize_t tile, Py_ssize_t most) noexcept nogil:
    """The run that begins at a tile, at most `most` long."""
    cdef Run run
    cdef Py_ssize_t y_offset, w_offset
    cdef Py_ssize_t across = tiles_across(args)
    cdef Py_ssize_t down = tiles_down(args)
    cdef Py_ssize_t column = tile % across
    cdef Py_ssize_t row = tile//across % down
    run.tiles = min(most, across - column)
    if column % args.W.dilation > 0:
        run.tiles = min(run.tiles, args.W.dilation - column % args.W.dilation)
    elif run.tiles > args.W.dilation:
        run.tiles -= run.tiles % args.W.dilation
    run.w = first_output(&args.W, column)
    run.h = first_output(&args.H, row) if is_tall(args) else row
    run.d = tile//(across*down) % args.D.output
    run.n = tile//(across*down*args.D.output)
    batch_offsets(args, run.n, &run.x, &y_offset, &w_offset)
    return run


cdef inline bint is_part(const ConvArgs* args, const Run* run) noexcept nogil:
    return run.tiles < args.W.dilation


cdef inline Py_ssize_t place_in_run(const ConvArgs* args, Py_ssize_t tile) noexcept nogil:
    """From the first output of a run to the first of one of its tiles."""
    return first_output(&args.W, tile) if is_spread(args) else OUT*tile


# ---- transforms ------------------------------------------------------------------------------------------------------

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


cdef inline inlined points_of(real* points, Py_ssize_t pitch, const real* source, Py_ssize_t row, Py_ssize_t column,
                              bint tall) noexcept nogil:
    """points[p][lane] = B' d B; sample (i, j) of all lanes stands at source + i*row + j*column."""
    cdef vreal half[IN*IN]
    cdef vreal d[IN]
    cdef vreal t[IN]
    cdef int i, j
    for i in range(IN if tall else 1):
        for j in range(IN):
            d[j] = vload(source + i*row + j*column)
        if tall:
            transform_input_line(half + i*IN, d)
        else:
            transform_input_line(t, d)
            for j in range(IN):
                vstore(points + j*pitch, t[j])
    if tall:
        for j in range(IN):
            for i in range(IN):
                d[i] = half[i*IN + j]
            transform_input_line(t, d)
            for i in range(IN):
                vstore(points + (i*IN + j)*pitch, t[i])


cdef inline apart transform_inputs(real* points, Py_ssize_t pitch, const real* source, Py_ssize_t row,
                                   Py_ssize_t column, bint tall) noexcept nogil:
    if tall:
        points_of(points, pitch, source, row, column, True)
    else:
        points_of(points, pitch, source, row, column, False)


cdef inline inlined outputs_of(real* out, Py_ssize_t row, Py_ssize_t column, const real* sums, Py_ssize_t pitch,
                               vreal* seen, bint tall) noexcept nogil:
    """out[i][j][lane] = A' m A, in rows and columns so many reals apart; adds 0 or NaN to `seen`."""
    cdef vreal half[OUT*IN]
    cdef vreal m[IN]
    cdef vreal y[OUT]
    cdef vreal zero = seen[0]
    cdef int i, j
    for j in range(IN if tall else 1):
        for i in range(IN):
            m[i] = vload(sums + (i*IN + j)*pitch) if tall else vload(sums + i*pitch)
        transform_output_line(y, m)
        for i in range(OUT):
            half[i*IN + j] = y[i]
    for i in range(OUT if tall else 1):
        if tall:
            transform_output_line(y, half + i*IN)
        for j in range(OUT):
            vstore(out + i*row + j*column, y[j])
            zero = zero + y[j]*<real>0
    seen[0] = zero


cdef inline apart transform_outputs(real* out, Py_ssize_t row, Py_ssize_t column, const real* sums, Py_ssize_t pitch,
                                    vreal* seen, bint tall) noexcept nogil:
    """outputs_of, compiled once: GCC made eight copies of it in a loop (AVX2)."""
    if tall:
        outputs_of(out, row, column, sums, pitch, seen, True)
    else:
        outputs_of(out, row, column, sums, pitch, seen, False)


cdef inline bint is_zero(vreal values) noexcept nogil:
    cdef real lanes[LANES]
    cdef bint result = True
    cdef Py_ssize_t i
    vstore(lanes, values)
    for i in range(LANES):
        result = result and lanes[i] == <real>0
    return result
