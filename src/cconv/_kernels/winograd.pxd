"""Winograd's minimal filtering: F(4x4, 3x3) takes 36 multiplications for 16 outputs where the direct sum takes 144, and
F(4, 3) along one axis 6 for 4 outputs, not 12.

An output tile of 4x4 is A' [ (G g G') * (B' d B) ] A for its 6x6 input tile d and kernel g; summed over input planes
the product in brackets is 36 independent matrix products, carried by the register tile of pixels.pxd: a tile is its
pixel, output channels are the lanes.

Source: A. Lavin, S. Gray, Fast Algorithms for Convolutional Neural Networks, CVPR 2016, F(4x4, 3x3).

Design:
a. A task takes some tiles, counted through rows, images and batch, so that small images fill it too. A plane is one
   input channel at one kernel depth: 3-D is a longer sum.
b. Input is transformed in vectors: of a task's tiles where rows are contiguous (samples are dealt into the tiles'
   columns by shuffles), of channels where the image is channels last. The result feeds the products as scalars, so
   either order serves them.
c. Kernels are transformed once per call by tasks of their own, or before it by a plan; where a single task uses them,
   by that task, a block at a time, as their 36 points would be four times the weights to write and read.
d. An infinite or NaN sample spreads through its tile, and so does an overflow on the way: a task that stores a result
   that is not finite marks its batch element as `failed`, and the core computes that directly. So the bits of one
   element never depend on another.
e. Dilation spreads a tile: its samples lie so far apart, and the tiles between them are its neighbours, to be loaded as
   vectors. A kernel of three along an outer axis is one along W, dilated by what the inner axes hold (merge.pxd).
f. Rounding: an output's error is relative to the largest sum|x||w| of its tile and its neighbours', not to its own;
   tests hold |error| <= 40 eps of that.
"""
from cconv._kernels.channels cimport stores_pairs
from cconv._kernels.pack cimport (
    aligned_reals, batch_offsets, channel_offset, constant_value, is_direct, pack_line, source_index,
    zero_reals,
)
from cconv._kernels.pixels cimport (
    WIDTH, Target, channels_inside, load_pixel, pack_panel, padded, run_pixels, store_pixels,
    tile_count,
)
from cconv._kernels.simd cimport (
    CACHE_LINE, FLOATING, LANES, PX_M, apart, deinterleave4, fetch, real, vload, vreal, vstore, vzero,
)
from cconv._kernels.types cimport ConvArgs
from cconv._kernels.winograd_phases cimport Reach, has_phases, reach_of, store_phases, transform_phases
from cconv._kernels.winograd_tiles cimport (
    CHUNK, IN, OUT, Run, chunk_tiles, is_part, is_spread, is_tall, is_zero, kernel_pitch, next_run, place_in_run,
    point_count, sums_pitch, tile_rows, tiles_across, tiles_down, transform_inputs, transform_kernel_line,
    transform_outputs,
)

cdef inline bint winograd_applies(const ConvArgs* args) noexcept nogil:
    """Tiles along H and W, or along W alone; a longer sum in depth."""
    return (FLOATING and args.W.kernel == 3 and (is_tall(args) or args.H.kernel == 1)
            and args.H.stride == 1 and args.W.stride == 1 and args.weight_shared)


# ---- extents ---------------------------------------------------------------------------------------------------------

cdef inline bint lanes_are_channels(const ConvArgs* args) noexcept nogil:
    """How input is transformed; kernel depths of a channel would not be neighbours."""
    return channels_inside(args) and args.D.kernel == 1


cdef inline Py_ssize_t tiles_per_image(const ConvArgs* args) noexcept nogil:
    return args.D.output*tiles_down(args)*tiles_across(args)


cdef inline Py_ssize_t planes_of(const ConvArgs* args) noexcept nogil:
    return args.IC*args.D.kernel


# In reals; see kernel_pitch.
cdef inline Py_ssize_t input_pitch(const ConvArgs* args) noexcept nogil:
    """From one point of transformed inputs to the next: [plane][tile], or [tile][plane] if channels are neighbours."""
    if lanes_are_channels(args):
        return args.TW.tile*padded(args.ic_block) + LANES
    return args.ic_block*padded(args.TW.tile) + LANES


cdef inline Py_ssize_t panel_count(const ConvArgs* args) noexcept nogil:
    return (args.OC + WIDTH - 1)//WIDTH


cdef inline Py_ssize_t panel_size(const ConvArgs* args) noexcept nogil:
    return point_count(args)*kernel_pitch(args, min(args.OC, <Py_ssize_t>WIDTH))


cdef inline Py_ssize_t block_count(const ConvArgs* args) noexcept nogil:
    return (planes_of(args) + args.ic_block - 1)//args.ic_block


cdef inline Py_ssize_t winograd_packed(const ConvArgs* args) noexcept nogil:
    """Reals of all transformed kernels: [group][block of planes][panel]."""
    return args.G*block_count(args)*panel_count(args)*panel_size(args)


cdef inline Py_ssize_t line_size(const ConvArgs* args) noexcept nogil:
    """Samples of a packed row of a task's tiles, in whole groups that are dealt at once, and room for more if they are
    spread."""
    cdef Py_ssize_t tiles = args.TW.tile + (2*LANES if is_spread(args) else 1)
    return (tiles*OUT + OUT*LANES - 1)//(OUT*LANES)*(OUT*LANES)


cdef inline Py_ssize_t ends_size(const ConvArgs* args) noexcept nogil:
    """What follows each run of a packed row."""
    return aligned_reals(2*args.TW.tile)


cdef inline Py_ssize_t dealt_pitch(const ConvArgs* args) noexcept nogil:
    return padded(args.TW.tile) + 2*LANES


cdef inline Py_ssize_t patch_size(const ConvArgs* args) noexcept nogil:
    """Reals that hold a task's samples before they are transformed, of one plane or, channels last, of a block."""
    cdef Py_ssize_t rows = IN if is_tall(args) else 1
    if lanes_are_channels(args):
        return rows*(IN if is_spread(args) else OUT)*(args.TW.tile + 1)*padded(args.ic_block)
    return line_size(args) + ends_size(args) + rows*IN*dealt_pitch(args)


cdef inline Py_ssize_t tables_size(const ConvArgs* args) noexcept nogil:
    """Bytes of offsets and runs."""
    return (args.ic_block*<Py_ssize_t>sizeof(Py_ssize_t) + args.TW.tile*<Py_ssize_t>sizeof(Run) + 63)//64*64


cdef inline Py_ssize_t winograd_scratch(const ConvArgs* args, bint shared) noexcept nogil:
    """Bytes that winograd_task uses: offsets, runs | own kernels, taps | inputs | sums | patch | rows of outputs |
    block."""
    cdef Py_ssize_t panels = 1 if block_count(args) == 1 else (args.oc_block + WIDTH - 1)//WIDTH
    cdef Py_ssize_t reals = point_count(args)*input_pitch(args) + LANES
    if not shared:
        reals += aligned_reals(panel_size(args)) + aligned_reals(args.ic_block*9*LANES)
    reals += panels*point_count(args)*sums_pitch(args) + PX_M*WIDTH
    reals += aligned_reals(patch_size(args))
    reals += OUT*OUT*CHUNK*WIDTH + LANES*WIDTH + (2*LANES + 2)*LANES
    return tables_size(args) + reals*<Py_ssize_t>sizeof(real)


# ---- kernels ---------------------------------------------------------------------------------------------------------

cdef inline apart transform_kernels(real* panel, real* taps, const ConvArgs* args, Py_ssize_t g, Py_ssize_t k0,
                                    Py_ssize_t planes, Py_ssize_t oc, Py_ssize_t channels) noexcept nogil:
    """panel[point][plane][channel] of planes k0.. and channels oc.. of group g; taps: planes*9*LANES reals."""
    cdef Py_ssize_t width = padded(channels)
    cdef Py_ssize_t pitch = kernel_pitch(args, channels)
    cdef Py_ssize_t n = 9 if is_tall(args) else 3
    cdef Py_ssize_t row = planes_of(args)*n
    cdef const real* weight = <const real*>args.weight + ((g*args.OC + oc)*planes_of(args) + k0)*n
    cdef vreal half[3*IN]
    cdef vreal u[IN]
    cdef Py_ssize_t lane, k, source
    cdef real* kernel
    cdef real* dst
    cdef int i, j, first, step
    if has_phases(args):
        transform_phases(panel, taps, args, g, k0, planes, oc, channels)
        return
    for lane in range(0, width//LANES):
        pack_panel(taps, weight + lane*LANES*row, row, planes*n, min(<Py_ssize_t>LANES, channels - lane*LANES))
        for k in range(planes):
            source = k
            if args.flip:                               # kernel depths of a channel in the other order
                source = k0 + k
                source = source + args.D.kernel - 1 - 2*(source % args.D.kernel) - k0
            kernel = taps + k*n*LANES
            dst = panel + source*width + lane*LANES
            first = <int>n - 1 if args.flip else 0
            step = -1 if args.flip else 1
            for i in range(3 if n == 9 else 1):
                transform_kernel_line(half + i*IN, 1, vload(kernel + (first + step*3*i)*LANES),
                                      vload(kernel + (first + step*(3*i + 1))*LANES),
                                      vload(kernel + (first + step*(3*i + 2))*LANES))
            if n == 9:
                for j in range(IN):
                    transform_kernel_line(u, 1, half[j], half[IN + j], half[2*IN + j])
                    for i in range(IN):
                        vstore(dst + (i*IN + j)*pitch, u[i])
            else:
                for j in range(IN):
                    vstore(dst + j*pitch, half[j])


cdef inline void winograd_prepare(const ConvArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    """Transform the kernels of one panel and one block of planes into args.packed."""
    cdef Py_ssize_t panel = task % panel_count(args)
    cdef Py_ssize_t block = task//panel_count(args) % block_count(args)
    cdef Py_ssize_t k0 = block*args.ic_block
    transform_kernels(<real*>args.packed + task*panel_size(args), <real*>scratch, args,
                      task//(panel_count(args)*block_count(args)), k0, min(args.ic_block, planes_of(args) - k0),
                      panel*WIDTH, min(<Py_ssize_t>WIDTH, args.OC - panel*WIDTH))


# ---- input -----------------------------------------------------------------------------------------------------------

cdef inline void deal_row(real* dealt, Py_ssize_t pitch, const real* line, Py_ssize_t tiles) noexcept nogil:
    """dealt[j][t] = line[4*t + j], j < 6: the last two columns of a tile are the first two of the next. Whole vectors
    are written: what follows a run is written by the next one later."""
    cdef Py_ssize_t b, j
    for b in range((tiles + LANES)//LANES):
        deinterleave4(dealt + b*LANES, pitch, line + OUT*b*LANES)
    for b in range((tiles + LANES - 1)//LANES):
        for j in range(2):
            vstore(dealt + (OUT + j)*pitch + b*LANES, vload(dealt + j*pitch + b*LANES + 1))


cdef inline apart find_row(const char** source, const ConvArgs* args, const char* plane, Py_ssize_t depth,
                           const Run* run, Py_ssize_t row) noexcept nogil:
    """One of the rows of samples of a run; NULL if it is padding."""
    cdef Py_ssize_t id_ = source_index(run.d*args.D.stride + depth*args.D.dilation - args.D.pad, args.D.size,
                                       args.D.boundary)
    cdef Py_ssize_t ih = source_index(run.h + row*args.H.dilation - args.H.pad, args.H.size, args.H.boundary)
    source[0] = plane + run.x + id_*args.x.d + ih*args.x.h if id_ >= 0 and ih >= 0 else NULL


cdef inline apart take_line(real* dst, const char* source, const ConvArgs* args, Py_ssize_t start, Py_ssize_t n,
                            real constant) noexcept nogil:
    """Samples start.. + n of a row, or of padding."""
    cdef Py_ssize_t i
    if source == NULL:
        for i in range(n):
            dst[i] = constant
    else:
        pack_line(dst, source, args.x.w, args.x.dtype, start, n, 1, args.W.size, args.W.boundary, constant)


cdef inline void gather_row(real* dealt, real* line, const ConvArgs* args, const char* plane, Py_ssize_t depth,
                            real constant, bint direct, const Run* runs, Py_ssize_t n_runs,
                            Py_ssize_t row) noexcept nogil:
    """dealt[column][tile]: one of the rows of samples of all tiles. They are dealt together: 7x7 of 8 images took 1.19
    times as long with a deal per run, 28x28 1.1, 112x112 1.03."""
    cdef Py_ssize_t pitch = dealt_pitch(args), t = 0, r, start, samples
    cdef real* ends = line + line_size(args)
    cdef real* dst = line
    cdef const real* src = line
    cdef const char* source
    for r in range(n_runs):
        find_row(&source, args, plane, depth, &runs[r], row)
        start = runs[r].w - args.W.pad
        samples = OUT*runs[r].tiles + 2
        if (direct and n_runs == 1 and source != NULL and start >= 0
                and start + (runs[r].tiles + LANES)//LANES*LANES*OUT <= args.W.size):
            src = <const real*>source + start
        else:
            take_line(dst, source, args, start, samples, constant)
        dst += samples - 2
        ends[2*r], ends[2*r + 1] = dst[0], dst[1]       # where the next run begins
    deal_row(dealt, pitch, src, (dst - line)//OUT)
    if n_runs > 1:
        for r in range(n_runs):
            t += runs[r].tiles
            dealt[OUT*pitch + t - 1] = ends[2*r]
            dealt[(OUT + 1)*pitch + t - 1] = ends[2*r + 1]


cdef inline void copy_vectors(real* dst, const real* src, Py_ssize_t n) noexcept nogil:
    """Whole vectors: what is too much is overwritten by the next piece."""
    cdef Py_ssize_t i
    for i in range(padded(n)//LANES):
        vstore(dst + i*LANES, vload(src + i*LANES))


cdef inline void gather_spread(real* dealt, real* line, const ConvArgs* args, const char* plane, Py_ssize_t depth,
                               real constant, bint direct, const Run* runs, Py_ssize_t n_runs,
                               Py_ssize_t row) noexcept nogil:
    """gather_row of tiles that are spread: a block's columns are pieces of the row, which are packed together if they
    are short."""
    cdef Py_ssize_t pitch = dealt_pitch(args), step = args.W.dilation, r, b, j, n, start, blocks
    cdef bint inside, pieces = step >= LANES
    cdef const char* source = NULL
    cdef const real* src
    for r in range(n_runs):
        if r == 0 or runs[r].w <= runs[r - 1].w:
            find_row(&source, args, plane, depth, &runs[r], row)
        n = min(step, runs[r].tiles)
        blocks = (runs[r].tiles + n - 1)//n
        start = runs[r].w - args.W.pad
        inside = direct and source != NULL
        if not pieces:
            src = line
            if inside and start >= 0 and start + (OUT*blocks + 2)*step + LANES <= args.W.size:
                src = <const real*>source + start
            else:
                take_line(line, source, args, start, (OUT*blocks + 2)*step, constant)
            for b in range(blocks):
                for j in range(IN):
                    copy_vectors(dealt + j*pitch + b*n, src + (OUT*b + j)*step, n)
        else:
            if source != NULL:
                # 144 -> 64 3x1x1 of 8x56x56: 0.9 of the time
                fetch(source + args.x.channel + start*args.x.w, n*args.x.w + CACHE_LINE, IN, step*args.x.w)
            for b in range(blocks):
                for j in range(IN):
                    if inside and start >= 0 and start + padded(n) <= args.W.size:
                        copy_vectors(dealt + j*pitch + b*n, <const real*>source + start, n)
                    else:
                        take_line(dealt + j*pitch + b*n, source, args, start, n, constant)
                    start += step
                start -= (IN - OUT)*step
        dealt += runs[r].tiles


cdef inline void gather_tiles(real* points, real* patch, const ConvArgs* args, const Run* runs, Py_ssize_t n_runs,
                              Py_ssize_t g, Py_ssize_t k0, Py_ssize_t planes) noexcept nogil:
    """points[p][plane][tile]: lanes are tiles, a plane at a time."""
    cdef Py_ssize_t rows = IN if is_tall(args) else 1
    cdef Py_ssize_t pitch = dealt_pitch(args)
    cdef Py_ssize_t tiles = padded(args.TW.tile)
    cdef real* dealt = patch + line_size(args) + ends_size(args)
    cdef Py_ssize_t plane, ic, depth, t, i
    cdef const char* start
    cdef bint direct = is_direct(&args.x, args.batch_ndim)
    for plane in range(planes):
        ic = (k0 + plane)//args.D.kernel
        start = args.x.data + channel_offset(&args.x, g*args.IC + ic)
        depth = (k0 + plane) % args.D.kernel
        for i in range(rows):
            if is_spread(args):
                gather_spread(dealt + i*IN*pitch, patch, args, start, depth, constant_value(args, ic), direct, runs,
                              n_runs, i)
            else:
                gather_row(dealt + i*IN*pitch, patch, args, start, depth, constant_value(args, ic), direct, runs,
                           n_runs, i)
        for t in range(tiles//LANES):
            transform_inputs(points + plane*tiles + t*LANES, input_pitch(args), dealt + t*LANES, IN*pitch, pitch,
                             rows == IN)


cdef inline void gather_channels(real* points, real* patch, const ConvArgs* args, const Run* runs, Py_ssize_t n_runs,
                                 Py_ssize_t g, Py_ssize_t k0, Py_ssize_t planes) noexcept nogil:
    """points[p][tile][plane]: lanes are channels, a run of tiles at a time, for kernels of depth 1."""
    cdef Py_ssize_t rows = IN if is_tall(args) else 1
    cdef Py_ssize_t width = padded(args.ic_block)
    cdef Py_ssize_t pitch = input_pitch(args)
    cdef Py_ssize_t t = 0, r, i, j, c, id_, ih, iw, columns, tile_step = OUT, column_step = 1
    cdef const char* image
    cdef Run run
    for r in range(n_runs):
        run = runs[r]
        image = args.x.data + run.x + (g*args.IC + k0)*args.x.channel
        id_ = source_index(run.d*args.D.stride - args.D.pad, args.D.size, args.D.boundary)
        columns = OUT*run.tiles + 2
        if is_spread(args):                             # [column][tile]
            tile_step, column_step, columns = 1, run.tiles, IN*run.tiles
        for i in range(rows):
            ih = source_index(run.h + i*args.H.dilation - args.H.pad, args.H.size, args.H.boundary)
            for j in range(columns):
                iw = j//column_step*args.W.dilation + place_in_run(args, j % column_step)
                iw = source_index(run.w + iw - args.W.pad, args.W.size, args.W.boundary)
                load_pixel(patch + (i*columns + j)*width, args, image, k0, planes, id_, ih, iw)
        for j in range(run.tiles):
            for c in range(padded(planes)//LANES):
                transform_inputs(points + (t + j)*width + c*LANES, pitch, patch + tile_step*j*width + c*LANES,
                                 columns*width, column_step*width, rows == IN)
        t += run.tiles


# ---- products and output ---------------------------------------------------------------------------------------------

cdef inline void multiply(real* sums, const real* panel, const real* points, const Py_ssize_t* offsets,
                          const ConvArgs* args, Py_ssize_t planes, bint accumulate, Py_ssize_t count, Py_ssize_t oc,
                          Py_ssize_t channels) noexcept nogil:
    """sums[p][tile][channel] (+)= sum over planes of points * panel; zero where phases have no product."""
    cdef Py_ssize_t steps = tile_count(count)
    cdef Py_ssize_t step = padded(args.ic_block) if lanes_are_channels(args) else 1
    cdef Py_ssize_t vectors = padded(channels)//LANES
    cdef Py_ssize_t p, b, m, t, v, end
    cdef const real* pointers[8]
    cdef Reach reach
    for p in range(point_count(args)):
        reach = reach_of(args, p, oc//LANES, vectors)
        for v in range(vectors):
            if v < reach.first or v >= reach.end:
                for t in range(count):
                    vstore(sums + p*sums_pitch(args) + t*WIDTH + v*LANES, vzero())
        if reach.first >= reach.end:
            continue
        t = 0
        for b in range(steps):
            end = (b + 1)*count//steps
            for m in range(PX_M):
                pointers[m] = points + p*input_pitch(args) + min(t + m, end - 1)*step
            run_pixels(sums + p*sums_pitch(args) + t*WIDTH + reach.first*LANES, panel + p*kernel_pitch(args, channels),
                       pointers, offsets, planes, accumulate, <Target*>NULL, end - t, reach.end - reach.first)
            t = end


cdef inline void store_outputs(const ConvArgs* args, real* rows, real* block, const real* sums, const real* bias,
                               Py_ssize_t g, Py_ssize_t oc, Py_ssize_t channels, Py_ssize_t first,
                               Py_ssize_t count) noexcept nogil:
    """Outputs of `channels` channels of a group, from oc on, of tiles first.. from their sums."""
    cdef Py_ssize_t row = OUT*CHUNK*WIDTH
    cdef Py_ssize_t t = 0, i, j, v, pixels, columns, column_step, x_offset, y_offset, w_offset
    cdef bint direct = has_phases(args) and stores_pairs(args)
    cdef vreal seen
    cdef char* out
    cdef Run run
    while t < count:
        run = next_run(args, first + t, min(count - t, chunk_tiles(args)))
        # outputs that are neighbours: of part of a block, those of one column
        columns = OUT*run.tiles
        if is_part(args, &run):
            columns = run.tiles
        column_step = min(args.W.dilation, columns)*WIDTH
        seen = vzero()
        for j in range(run.tiles):
            for v in range(padded(channels)//LANES):
                transform_outputs(rows + place_in_run(args, j)*WIDTH + v*LANES, row, column_step,
                                  sums + (t + j)*WIDTH + v*LANES, sums_pitch(args), &seen, is_tall(args))
        if not is_zero(seen):
            args.failed[run.n] = 1
        batch_offsets(args, run.n, &x_offset, &y_offset, &w_offset)
        out = args.y.data + y_offset + run.d*args.y.d + run.h*args.y.h + run.w*args.y.w
        for i in range(tile_rows(args)):
            if run.h + i*args.H.dilation >= args.H.output:
                break
            for j in range(OUT*run.tiles//columns):     # pieces of a row
                pixels = min(columns, args.W.output - run.w - j*args.W.dilation)
                if pixels <= 0:
                    break
                if has_phases(args):
                    store_phases(args, out + i*args.y.h, direct, block, rows + i*row, bias, oc//LANES, channels//LANES,
                                 g, pixels)
                else:
                    store_pixels(args, out + i*args.H.dilation*args.y.h + j*args.W.dilation*args.y.w, block,
                                 rows + i*row + j*column_step, bias, g*args.OC + oc, channels, 1, pixels)
        t += run.tiles


cdef inline void winograd_task(const ConvArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    """One task: oc_block output channels of one group x TW.tile tiles of the whole batch."""
    cdef Py_ssize_t total = args.N*tiles_per_image(args)
    cdef Py_ssize_t n_tiles = (total + args.TW.tile - 1)//args.TW.tile
    cdef Py_ssize_t n_oc = (args.OC + args.oc_block - 1)//args.oc_block
    cdef Py_ssize_t first = task % n_tiles*args.TW.tile
    cdef Py_ssize_t count = min(args.TW.tile, total - first)
    cdef Py_ssize_t oc0 = task//n_tiles % n_oc*args.oc_block
    cdef Py_ssize_t oc_end = min(args.OC, oc0 + args.oc_block)
    cdef Py_ssize_t g = task//(n_tiles*n_oc)
    cdef bint shared = args.packed != NULL
    cdef Py_ssize_t block, k0, planes, k, oc, ocs, n_runs = 0
    cdef const real* panel
    cdef const real* bias = <const real*>args.bias

    cdef Py_ssize_t* offsets = <Py_ssize_t*>scratch
    cdef Run* runs = <Run*>(offsets + args.ic_block)
    cdef real* own = <real*>(scratch + tables_size(args))
    cdef real* taps = own + aligned_reals(panel_size(args))
    cdef real* points = own if shared else taps + aligned_reals(args.ic_block*9*LANES)
    cdef real* all_sums = points + point_count(args)*input_pitch(args) + LANES
    cdef real* sums
    cdef Py_ssize_t panels = 1 if block_count(args) == 1 else (args.oc_block + WIDTH - 1)//WIDTH
    cdef real* patch = all_sums + panels*point_count(args)*sums_pitch(args) + PX_M*WIDTH
    cdef real* rows = patch + aligned_reals(patch_size(args))
    cdef real* transposed = rows + OUT*OUT*CHUNK*WIDTH + LANES*WIDTH

    zero_reals(patch, patch_size(args))
    for k in range(args.ic_block):
        offsets[k] = k if lanes_are_channels(args) else k*padded(args.TW.tile)
    k = 0
    while k < count:
        runs[n_runs] = next_run(args, first + k, count - k)
        k += runs[n_runs].tiles
        n_runs += 1
    for block in range(block_count(args)):
        k0 = block*args.ic_block
        planes = min(args.ic_block, planes_of(args) - k0)
        if lanes_are_channels(args):
            gather_channels(points, patch, args, runs, n_runs, g, k0, planes)
        else:
            gather_tiles(points, patch, args, runs, n_runs, g, k0, planes)
        sums = all_sums
        oc = oc0
        while oc < oc_end:
            ocs = min(<Py_ssize_t>WIDTH, oc_end - oc)
            if shared:
                panel = <const real*>args.packed \
                    + ((g*block_count(args) + block)*panel_count(args) + oc//WIDTH)*panel_size(args)
            else:
                transform_kernels(own, taps, args, g, k0, planes, oc, ocs)
                panel = own
            multiply(sums, panel, points, offsets, args, planes, block > 0, count, oc, ocs)
            if block + 1 == block_count(args):
                store_outputs(args, rows, transposed, sums, bias, g, oc, ocs, first, count)
            if block_count(args) > 1:
                sums += point_count(args)*sums_pitch(args)
            oc += WIDTH
