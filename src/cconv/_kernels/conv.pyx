"""Convolution output for one real type at one SIMD level: the schedule, and tasks over threads.

Design: a call is cut into tasks that write disjoint outputs. The cut follows the shape, the cache and the number of
threads; no sum depends on it. Tasks get scratch from the caller, touch no Python object and cannot fail.
"""
from cpython.pycapsule cimport PyCapsule_New
from cython.parallel cimport prange, threadid

from cconv._kernels.channels cimport (
    channels_in_one_block, channels_scratch, channels_task, samples_reals, takes_panels, tiles_per_plane,
)
from cconv._kernels.depthwise cimport (
    depthwise_prepare, depthwise_scratch, depthwise_task, has_gaps, patch_reals, read_in_place, store_in_place,
    sums_reals, vector_weights,
)
from cconv._kernels.elements cimport item_size
from cconv._kernels.factors cimport find_factors
from cconv._kernels.line cimport SEGMENTS, line_scratch, line_task
from cconv._kernels.merge cimport fold_batch, merge_planes
from cconv._kernels.pack cimport plan_patches, plan_tile
from cconv._kernels.pixels cimport (
    WIDTH, channels_inside, packed_reals, panels_per_group, pixels_in_place, pixels_prepare, pixels_scratch,
    pixels_task,
)
from cconv._kernels.planes cimport planes_apply, planes_scratch, planes_task
from cconv._kernels.rows cimport rows_in_place, rows_scratch, rows_task
from cconv._kernels.separable cimport GROUP, separable_applies, separable_lines, separable_scratch, separable_task
from cconv._kernels.simd cimport CH_M, CH_V, FLOATING, LANES, LN_R, RW_R, RW_V, rare, real
from cconv._kernels.types cimport (
    ALG_CHANNELS, ALG_DEPTHWISE, ALG_LINE, ALG_PIXELS, ALG_PLANES, ALG_ROWS, ALG_SEPARABLE, ALG_WINOGRAD, ALG_WOVEN,
    KERNEL_ABI, METHOD_AUTO, METHOD_WINOGRAD, Axis, ConvArgs, ConvKernels, ConvSet,
)
from cconv._kernels.winograd cimport (
    block_count, lanes_are_channels, panel_count, tiles_per_image, winograd_applies, winograd_packed, winograd_prepare,
    winograd_scratch, winograd_task,
)
from cconv._kernels.winograd_tiles cimport is_tall, point_count, tile_percent
from cconv._kernels.woven cimport woven_applies, woven_scratch, woven_task

cdef enum:
    TILE_BYTES = 512*1024       # packed tile of a task, half of a 1 MB L2: 4 % faster than a quarter
    PLANES = 4                  # output planes of a task: a kernel of 3 then packs 6 planes for 4, not 3 for each
    BLOCK_TAPS = 640            # taps of one block of input channels
    SLOT_HALO = 400             # outputs per column of halo and tap, up to which taps get slots
    SLOT_IN = 24                # input channels, at most: 64 -> 64 at 112x112 takes 1.2 times as long with slots
    # Pixels of a pointwise layer, whose images then share panels; 14x14 takes 1.1 times as long so. Weights that need
    # not be transposed are laid for the pixel kernel at once: 0.75 to 0.95 of the time of panels at 7x7.
    FOLD_PIXELS = 64
    MOST_PIXELS = 800           # of a task, output channels in the lanes: their sums take 256 bytes each
    ROWS_BYTES = 512*1024       # a row kernel whose smallest tile exceeds this leaves L2: the channel kernel takes over
    ROW_PIECE = 4096            # outputs of a row, at least, where tasks share it
    TASKS_PER_THREAD = 4        # so that an unlucky thread waits for a quarter of its share at most
    ENOUGH_PIXELS = 200         # pixels that pay for packing a task's weights: 0.6 cycles a weight, 12 to use it
    WINOGRAD_CHANNELS = 32      # in and out, at least
    WINOGRAD_WORK = 1024        # planes x tiles of an image: 64 x 16 is 1.7 times as fast as direct, 32 x 16 0.8 times
    WINOGRAD_LINE = 4096        # the same along one axis
    PACK_BYTES = 1 << 20        # of packed weights per use
    WINOGRAD_TASK = 42          # tiles of a task
    WINOGRAD_PLANES = 128       # of input at a time, at most
    # The same along one axis: a sixth of the points. With 42 and 128, 64 -> 128 takes 1.04 times as long, dilated 1.2.
    WINOGRAD_LINE_TASK = 96
    WINOGRAD_LINE_PLANES = 256
    # Percent of the outputs of all tiles that are not cut off, at least. 256 -> 256: 5x5 has 39 and takes 1.6 times as
    # long as directly, 2x100 50 and 0.8 times, 65x65 with dilation 24 46 and 0.65 times.
    WINOGRAD_SHARE = 40
    # Along one axis: 64 -> 64 3x1x1 of 5x28x28 has 62 and takes 1.05 times as long, 128 -> 128 of 2500, dilation 800,
    # 78 and 0.7 times.
    WINOGRAD_LINE_SHARE = 65
    # Bytes of a panel's transformed kernels, at most: they and the transformed inputs share L2. Twice as many: 3x3
    # layers of 128 channels and more take 1.05 to 1.25 times as long on an Intel Xeon (2 MB of L2); half: 0.97 to 1.13.
    WINOGRAD_PANEL = 600*1024
    # Output channels of a task; with 256, 512 -> 512 at 14x14 takes 1.06 to 1.09 times as long, transposed 4x4 kernels
    # of stride 2 (512 -> 256) 1.26 times: samples are transformed again for each task.
    WINOGRAD_OUT = 1024
    SEPARABLE_BYTES = 640*1024  # rows of a block that passes come back to: with what they write they fill L2
    SEPARABLE_WIDTH = 16*1024   # bytes: longer rows are cut where the rows in use would be more than that
    SEPARABLE_SCRATCH = 2*1024*1024     # a kernel that needs more per thread is left to the other methods
    SEPARABLE_WORK = 100_000    # products of the direct sum that pay for a look at the weight
    LINE_KERNEL = 16            # shorter kernels: transposing costs more than the row kernel's unaligned loads
    LINE_SEGMENT = 48           # shortest segment worth transposing
    LINE_WORK = 60_000_000      # products per lane of a task: 40 ms, after which Ctrl-C may stop the call
    DEPTHWISE_BYTES = 128*1024  # samples and sums of a tile of LANES channels; 64 kB: 1.25 times as long at 112x112
    # Vectors of channels side by side in one task, read where they lie: whole cache lines of a pixel. 1: 96 channels
    # 112x112 stride 2 take 1.3 times as long; 2, 8 and strips of 14 or 28 columns are within a tenth of 4.
    DEPTHWISE_VECTORS = 4
    # Products of a strided sum: with fewer, to transpose results takes longer than to deal samples. 1 -> 512 channels,
    # k10 s5: 3.3 ms on one thread with output channels in the lanes, 1.3 with pixels; 2 -> 256, k7 s2: 1.36 and 0.60.
    SHORT_SUM = 32
    PLANES_PIXELS = 4096        # outputs of a task, at least, where there are as many


cdef Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1)//b


cdef rare plan_line(ConvArgs* args, int num_threads) noexcept nogil:
    cdef Py_ssize_t lines = args.N*args.G*args.OC
    cdef Py_ssize_t wanted = ceil_div(TASKS_PER_THREAD*num_threads, lines)
    cdef Py_ssize_t tile = min(ceil_div(args.W.output, SEGMENTS*wanted), max(<Py_ssize_t>256, 2*args.W.kernel))
    tile = min(tile, max(<Py_ssize_t>LINE_SEGMENT, LINE_WORK//args.W.kernel))
    tile = max(tile, min(<Py_ssize_t>LINE_SEGMENT, ceil_div(args.W.output, SEGMENTS)))
    plan_tile(args, 1, 1, ceil_div(tile, LN_R)*LN_R, False)
    args.n_tasks = lines*ceil_div(args.W.output, SEGMENTS*args.TW.tile)
    args.scratch_bytes = line_scratch(args)


cdef double rows_packed(const ConvArgs* args, Py_ssize_t d, Py_ssize_t h) noexcept nogil:
    """Input rows that a tile of d x h output rows packs, per output row."""
    cdef Py_ssize_t more_d = (args.D.kernel - 1)*args.D.dilation//args.D.stride
    cdef Py_ssize_t more_h = (args.H.kernel - 1)*args.H.dilation//args.H.stride
    return <double>(d + more_d)*(h + more_h)/(d*h)


cdef void plan_rows(ConvArgs* args, int num_threads) noexcept nogil:
    cdef Py_ssize_t lines = args.N*args.G
    # A deep kernel packs the same rows for many tiles: 128^3, k 11, packed 14 rows per output row in tiles of half the
    # size that were cut along the depth first; now 4, in 0.8 of the time.
    cdef Py_ssize_t limit = TILE_BYTES//(1 if args.D.kernel > 1 else 2)//<Py_ssize_t>sizeof(real)
    cdef Py_ssize_t w = min(args.W.output, <Py_ssize_t>(8*RW_V*LANES))
    cdef Py_ssize_t h = min(args.H.output, <Py_ssize_t>32)
    cdef Py_ssize_t d = min(args.D.output, <Py_ssize_t>8)
    cdef Py_ssize_t less
    while h > RW_R and lines*ceil_div(args.H.output, h)*ceil_div(args.D.output, d) < TASKS_PER_THREAD*num_threads:
        h = ceil_div(ceil_div(h, 2), RW_R)*RW_R
    if rows_in_place(args):
        w = min(w, <Py_ssize_t>(2*RW_V*LANES))         # only borders are packed
    plan_tile(args, d, h, w, False)
    while args.IC*args.tile_elements > limit:
        less = ceil_div(ceil_div(h, 2), RW_R)*RW_R
        if d > 1 and (h <= RW_R or rows_packed(args, ceil_div(d, 2), h) < rows_packed(args, d, less)):
            d = ceil_div(d, 2)
        elif w > 2*RW_V*LANES:
            w = ceil_div(ceil_div(w, 2), LANES)*LANES
        elif h > RW_R:
            h = less
        elif w > RW_V*LANES:
            w = ceil_div(ceil_div(w, 2), LANES)*LANES
        else:
            break
        plan_tile(args, d, h, w, False)
    args.n_tasks = lines*ceil_div(args.H.output, h)*ceil_div(args.D.output, d)
    args.column_block = args.W.output
    if args.n_tasks < TASKS_PER_THREAD*num_threads and w % LANES == 0:      # few rows are shared out piece by piece
        args.column_block = ceil_div(args.W.output, ceil_div(TASKS_PER_THREAD*num_threads, args.n_tasks))
        args.column_block = ceil_div(max(args.column_block, <Py_ssize_t>ROW_PIECE), w)*w
        args.n_tasks *= ceil_div(args.W.output, args.column_block)
    args.scratch_bytes = rows_scratch(args)


cdef bint separable_pays(const ConvArgs* args) noexcept nogil:
    """Measured against the row kernel."""
    cdef double taps = <double>args.D.kernel*args.H.kernel*args.W.kernel
    return (<double>args.N*args.D.output*args.H.output*args.W.output*taps > SEPARABLE_WORK
            and taps > 9 and args.W.output >= LANES)


cdef rare plan_separable(ConvArgs* args, int num_threads) noexcept nogil:
    """Blocks of columns by the cache alone, so that sums do not depend on the threads; strips of whole groups."""
    cdef Py_ssize_t d = min(args.D.output, <Py_ssize_t>RW_R) if args.D.kernel > 1 else 1
    cdef Py_ssize_t w, h, least, blocks
    args.algorithm = ALG_SEPARABLE
    args.TD.tile = d
    args.TW.tile = 0
    w = SEPARABLE_BYTES//(<Py_ssize_t>sizeof(real)*separable_lines(args))
    w = max(<Py_ssize_t>256, min(w, <Py_ssize_t>SEPARABLE_WIDTH//<Py_ssize_t>sizeof(real)))
    blocks = ceil_div(args.W.output, w)
    args.TW.tile = args.W.output if blocks == 1 else ceil_div(ceil_div(args.W.output, blocks), LANES)*LANES
    blocks = args.N*ceil_div(args.D.output, d)*ceil_div(args.W.output, args.TW.tile)
    # a strip begins with H.kernel - 1 rows that the one above has, too
    least = ceil_div(max(args.H.kernel, <Py_ssize_t>16), GROUP)*GROUP
    h = ceil_div(min(args.H.output, <Py_ssize_t>256), GROUP)*GROUP
    while h > least and blocks*ceil_div(args.H.output, h) < TASKS_PER_THREAD*num_threads:
        h = max(least, ceil_div(ceil_div(h, 2), GROUP)*GROUP)
    args.TH.tile = h
    args.n_tasks = blocks*ceil_div(args.H.output, h)
    args.scratch_bytes = separable_scratch(args)


cdef bint plan_depthwise(ConvArgs* args, int num_threads) noexcept nogil:
    """Tiles for channels in the lanes; False if the smallest would leave the cache."""
    cdef Py_ssize_t limit = DEPTHWISE_BYTES//<Py_ssize_t>sizeof(real)
    cdef Py_ssize_t vectors = ceil_div(args.G, LANES), most = limit//(2*vector_weights(args)), tiles
    cdef bint in_place = read_in_place(args) and store_in_place(args)
    args.TD.tile = 1
    args.TH.tile = args.H.output
    args.TW.tile = args.W.output
    if in_place:
        most = min(most, <Py_ssize_t>DEPTHWISE_VECTORS)
    while patch_reals(args) + sums_reals(args) > limit:
        if args.TH.tile > 4 or 1 < args.TH.tile and args.TW.tile <= 128:
            args.TH.tile = ceil_div(args.TH.tile, 2)
        elif args.TW.tile > LANES:
            args.TW.tile = ceil_div(ceil_div(args.TW.tile, 2), LANES)*LANES
        else:
            return False
    tiles = args.D.output*ceil_div(args.H.output, args.TH.tile)*ceil_div(args.W.output, args.TW.tile)*args.N
    most = max(<Py_ssize_t>1, min(most, vectors))
    while num_threads > 1 and most > 1 and tiles*ceil_div(vectors, most) < TASKS_PER_THREAD*num_threads:
        most = ceil_div(most, 2)
    args.oc_block = most*LANES
    args.n_tasks = tiles*ceil_div(vectors, most)
    if args.weight_shared:
        args.n_prepare = vectors
        args.packed_bytes = vectors*vector_weights(args)*<Py_ssize_t>sizeof(real)
        args.pack_first = pays_to_pack(args, tiles)
    args.algorithm = ALG_DEPTHWISE
    args.scratch_bytes = depthwise_scratch(args)
    return True


cdef Py_ssize_t strip_scratch(const ConvArgs* args) noexcept nogil:
    return woven_scratch(args) if has_gaps(args) else planes_scratch(args)


cdef bint plan_planes(ConvArgs* args, int num_threads) noexcept nogil:
    """Strips for pixels in the lanes; False where channels in the lanes are better, or rows too long."""
    cdef Py_ssize_t most, n, strips
    if not (woven_applies(args) if has_gaps(args) else planes_apply(args)):
        return False
    n = args.N*args.D.output
    args.TD.tile = 1
    args.TH.tile = args.H.output
    args.TW.tile = args.W.output
    while args.TH.tile >= 4*RW_R and n*args.G*ceil_div(args.H.output, args.TH.tile) < TASKS_PER_THREAD*num_threads:
        args.TH.tile = ceil_div(args.TH.tile, 2)
    while strip_scratch(args) > TILE_BYTES:
        if args.TH.tile < 4*RW_R:
            return False
        args.TH.tile = ceil_div(args.TH.tile, 2)
    strips = n*ceil_div(args.H.output, args.TH.tile)
    most = max(<Py_ssize_t>1, PLANES_PIXELS//(args.TH.tile*args.W.output))
    while most > 1 and strips*ceil_div(args.G, most) < TASKS_PER_THREAD*num_threads:
        most = ceil_div(most, 2)
    args.oc_block = most
    args.n_tasks = strips*ceil_div(args.G, most)
    args.algorithm = ALG_WOVEN if has_gaps(args) else ALG_PLANES
    args.scratch_bytes = strip_scratch(args)
    return True


cdef double lane_use(Py_ssize_t n) noexcept nogil:
    """Share of lanes that do useful work when n elements are covered by vectors."""
    return <double>n/<double>(ceil_div(n, LANES)*LANES)


cdef Py_ssize_t shorter(Py_ssize_t n) noexcept nogil:
    """About half of n, in whole vectors, and less than n."""
    return ceil_div(ceil_div(n, 2), LANES)*LANES if n > 2*LANES else max(<Py_ssize_t>1, min(<Py_ssize_t>LANES, n - 1))


cdef Py_ssize_t even(Py_ssize_t n, Py_ssize_t part) noexcept nogil:
    """The least part, in whole vectors, that cuts n into as many parts."""
    return min(n, ceil_div(ceil_div(n, ceil_div(n, part)), LANES)*LANES)


cdef void plan_block(ConvArgs* args, Py_ssize_t taps) noexcept nogil:
    """Input channels of a block, of about equal sizes."""
    args.ic_block = max(<Py_ssize_t>1, min(args.IC, <Py_ssize_t>BLOCK_TAPS//taps))
    args.ic_block = ceil_div(args.IC, ceil_div(args.IC, args.ic_block))


cdef bint takes_slots(const ConvArgs* args) noexcept nogil:
    """Whether taps along W get a slot each: samples repeat, but no lane is spent on columns of a halo, and rows follow
    each other: 3x3 of 3 channels at 224x224 takes 0.8 times as long. Few outputs don't pay for the copies: 64 -> 3 took
    2.8 times as long."""
    return (args.W.kernel <= 7 and args.IC <= min(args.OC, <Py_ssize_t>SLOT_IN)
            and args.TW.halo*SLOT_HALO > args.W.output*args.W.kernel)


cdef bint transposes_little(const ConvArgs* args) noexcept nogil:
    """Whether the pixel kernel finds weights as it wants them, and stores no blocks, lane by lane."""
    return args.turned and args.y.parts == 1


cdef bint pixels_are_better(ConvArgs* args) noexcept nogil:
    """Output channels in the lanes: where they fill them better than pixels do, or the image needs no packing."""
    cdef Py_ssize_t w = args.W.output
    cdef Py_ssize_t halo
    cdef double by_pixels, by_channels
    plan_tile(args, 1, 1, w, False)
    halo = 0 if takes_panels(args) or takes_slots(args) else args.TW.halo
    by_pixels = lane_use(args.H.output*(w + halo))*w/(w + halo)
    by_channels = lane_use(args.OC)
    if channels_inside(args):
        return by_channels > 0.3
    if (args.OC >= WIDTH and args.W.stride > 1 and not takes_panels(args)
            and args.IC*args.D.kernel*args.H.kernel*args.W.kernel >= SHORT_SUM):
        return True                 # to deal samples takes longer than to lay weights side by side: 1.02 to 1.2 times
    # 576 -> 96 channels at 14x14 without transposing take 0.83 of the time, at 56x56 they would take 1.3 times as long
    return by_channels > (1.05 if transposes_little(args) else 1.1)*by_pixels


cdef rare plan_channels(ConvArgs* args, int num_threads) noexcept nogil:
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t limit = TILE_BYTES//<Py_ssize_t>sizeof(real)
    cdef Py_ssize_t d, h = args.H.output, w = args.W.output, blocks, parts
    cdef bint per_tap
    args.algorithm = ALG_CHANNELS
    plan_block(args, taps)
    plan_tile(args, 1, 1, w, False)
    per_tap = takes_slots(args) and not takes_panels(args)

    # pixels of a task: all that fit the cache, then fewer until every thread has work
    d = min(args.D.output, <Py_ssize_t>PLANES) if args.D.kernel > 1 else 1
    plan_tile(args, d, h, w, per_tap)
    while samples_reals(args) > limit:
        if d > 1 and h*w <= ENOUGH_PIXELS:
            d = ceil_div(d, 2)
        elif h > 8 or (h > 1 and w <= 64):
            h = ceil_div(h, 2)
        elif w > 64:
            w = shorter(w)
        elif h > 1:
            h -= 1
        elif args.ic_block > 1:
            args.ic_block = ceil_div(args.ic_block, 2)
        elif w > LANES:
            w = LANES
        elif d > 1:
            d -= 1
        else:
            break
        plan_tile(args, d, h, w, per_tap)
    blocks = args.N*args.G
    while num_threads > 1 and d*h*w >= 2*ENOUGH_PIXELS and TASKS_PER_THREAD*num_threads > \
            blocks*ceil_div(args.D.output, d)*ceil_div(args.H.output, h)*ceil_div(args.W.output, w):
        if d > 1:
            d = ceil_div(d, 2)
        elif h > 1:
            h = ceil_div(h, 2)
        else:
            w = shorter(w)
    d = ceil_div(args.D.output, ceil_div(args.D.output, d))
    h = ceil_div(args.H.output, ceil_div(args.H.output, h))
    w = even(args.W.output, w)
    plan_tile(args, d, h, w, per_tap)
    blocks *= ceil_div(args.D.output, d)*ceil_div(args.H.output, h)*ceil_div(args.W.output, w)

    # channels of a task: all, as the packed pixels serve them all; fewer if their sums would leave the cache, or so
    # that no thread is left without work at the end
    args.oc_block = ceil_div(args.OC, CH_M)*CH_M
    if not channels_in_one_block(args):
        parts = limit//(d*tiles_per_plane(args)*CH_V*LANES*CH_M)
        args.oc_block = min(args.oc_block, max(<Py_ssize_t>1, parts)*CH_M)
    plan_output_channels(args, blocks, CH_M, num_threads)
    args.scratch_bytes = channels_scratch(args)


cdef void plan_output_channels(ConvArgs* args, Py_ssize_t blocks, Py_ssize_t step, int num_threads) noexcept nogil:
    """Share output channels among tasks until no thread is left without work at the end."""
    cdef Py_ssize_t parts = ceil_div(args.OC, args.oc_block)
    while parts*step < args.OC and is_uneven(blocks*parts, num_threads):
        parts += 1
    args.oc_block = ceil_div(ceil_div(args.OC, parts), step)*step
    args.n_tasks = blocks*ceil_div(args.OC, args.oc_block)


cdef Py_ssize_t fair_share(Py_ssize_t n, Py_ssize_t most) noexcept nogil:
    """Up to `most` of n, or at least half as many, so that the last share is about as large as the others."""
    cdef Py_ssize_t best, part
    best = most = max(<Py_ssize_t>1, min(n, most))
    for part in range(most, most//2, -1):
        if ceil_div(n, part)*part < ceil_div(n, best)*best:
            best = part
    return best


cdef rare plan_pixels(ConvArgs* args, int num_threads) noexcept nogil:
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t limit = TILE_BYTES//<Py_ssize_t>sizeof(real)
    cdef Py_ssize_t d, h = args.H.output, w = args.W.output, blocks, parts, tile
    cdef bint in_place = pixels_in_place(args)
    # neighbours of a strided row lie so far apart in the cache
    cdef Py_ssize_t apart = args.W.stride if args.x.w == item_size(args.x.dtype) else 1
    args.algorithm = ALG_PIXELS
    plan_block(args, taps)
    fold_batch(args, &args.D, &args.x.d, &args.y.d)
    d = fair_share(args.D.output, PLANES if args.D.kernel > 1 else 2*ENOUGH_PIXELS//(h*w))
    while True:
        plan_patches(args, d, h, w)
        tile = args.ic_block*(d*h*w*apart if in_place else args.tile_elements)
        if tile <= limit and d*h*w <= MOST_PIXELS or d*h*w == 1:
            break
        if d > 1 and (args.D.kernel == 1 or h*w <= ENOUGH_PIXELS//2):
            d = ceil_div(d, 2)
        elif h > 1:
            h = ceil_div(h, 2)
        elif w > 8 or args.ic_block == 1:
            w = ceil_div(w, 2)
        elif d > 1:
            d = ceil_div(d, 2)
        else:
            args.ic_block = ceil_div(args.ic_block, 2)
    blocks = args.N*args.G
    while num_threads > 1 and d*h*w >= 2*ENOUGH_PIXELS and TASKS_PER_THREAD*num_threads > \
            blocks*ceil_div(args.D.output, d)*ceil_div(args.H.output, h)*ceil_div(args.W.output, w):
        if d > 1:
            d = ceil_div(d, 2)
        elif h > 1:
            h = ceil_div(h, 2)
        else:
            w = ceil_div(w, 2)
    d = ceil_div(args.D.output, ceil_div(args.D.output, d))
    h = ceil_div(args.H.output, ceil_div(args.H.output, h))
    w = ceil_div(args.W.output, ceil_div(args.W.output, w))
    plan_patches(args, d, h, w)
    blocks *= ceil_div(args.D.output, d)*ceil_div(args.H.output, h)*ceil_div(args.W.output, w)
    args.oc_block = ceil_div(args.OC, WIDTH)*WIDTH
    if args.ic_block < args.IC:
        parts = limit//(d*h*w*WIDTH)
        args.oc_block = min(args.oc_block, max(<Py_ssize_t>1, parts)*WIDTH)
    plan_output_channels(args, blocks, WIDTH, num_threads)
    if args.weight_shared:
        args.n_prepare = args.G*ceil_div(args.IC, args.ic_block)*panels_per_group(args)
        args.packed_bytes = args.G*packed_reals(args)*<Py_ssize_t>sizeof(real)
        args.pack_first = pays_to_pack(args, blocks//args.G)
    args.scratch_bytes = pixels_scratch(args, args.pack_first)


cdef bint pays_to_pack(const ConvArgs* args, Py_ssize_t uses) noexcept nogil:
    """Whether weights are packed once for all tasks, or by each. New memory costs as much as packing does, more where
    the system has to clear it: 36 MB took 8 ms of 14, where each of two tasks packing takes 10 % longer."""
    return uses > 1 and args.packed_bytes <= uses*PACK_BYTES


cdef bint is_uneven(Py_ssize_t tasks, int num_threads) noexcept nogil:
    """True if more than a tenth of the threads' time would be spent waiting for the last task."""
    return ceil_div(tasks, num_threads)*num_threads*10 > tasks*11


cdef bint winograd_pays(const ConvArgs* args) noexcept nogil:
    """Measured against the direct kernels: it needs channels for its products, and tiles to use a kernel on. The batch
    does not count: an image's bits must not depend on its neighbours."""
    cdef Py_ssize_t planes = args.IC*args.D.kernel
    cdef bint tall = is_tall(args)
    return (planes >= WINOGRAD_CHANNELS and args.OC >= WINOGRAD_CHANNELS
            and planes*tiles_per_image(args) >= (WINOGRAD_WORK if tall else WINOGRAD_LINE)
            and (lanes_are_channels(args) or args.x.w == item_size(args.x.dtype))
            and tile_percent(args) >= (WINOGRAD_SHARE if tall else WINOGRAD_LINE_SHARE))


cdef rare plan_winograd(ConvArgs* args, int num_threads) noexcept nogil:
    cdef Py_ssize_t planes = args.IC*args.D.kernel
    cdef Py_ssize_t most = WINOGRAD_PANEL//(point_count(args)*WIDTH*<Py_ssize_t>sizeof(real))
    cdef Py_ssize_t tiles = WINOGRAD_TASK if is_tall(args) else WINOGRAD_LINE_TASK
    cdef Py_ssize_t total = args.N*tiles_per_image(args)
    cdef Py_ssize_t blocks = ceil_div(total, tiles)
    cdef Py_ssize_t parts = ceil_div(args.OC, WINOGRAD_OUT)
    args.algorithm = ALG_WINOGRAD
    args.TD.tile = 1
    args.TH.tile = 1
    # whole channels, so that a flipped kernel finds its depths in one block
    most = min(most, <Py_ssize_t>(WINOGRAD_PLANES if is_tall(args) else WINOGRAD_LINE_PLANES))
    args.ic_block = ceil_div(args.IC, ceil_div(planes, most))*args.D.kernel
    while is_uneven(args.G*blocks*parts, num_threads) and total >= (blocks + 1)*tiles//2:
        blocks += 1
    args.TW.tile = ceil_div(total, blocks)
    if args.W.dilation <= args.TW.tile:                 # whole blocks
        args.TW.tile = ceil_div(args.TW.tile, args.W.dilation)*args.W.dilation
    blocks = ceil_div(total, args.TW.tile)
    args.oc_block = ceil_div(ceil_div(args.OC, parts), WIDTH)*WIDTH
    plan_output_channels(args, args.G*blocks, WIDTH, num_threads)
    args.n_prepare = args.G*block_count(args)*panel_count(args)
    args.packed_bytes = winograd_packed(args)*<Py_ssize_t>sizeof(real)
    args.pack_first = pays_to_pack(args, blocks)
    args.scratch_bytes = winograd_scratch(args, args.pack_first)


cdef void conv_plan(ConvArgs* args, int num_threads) noexcept nogil:
    """Choose the micro-kernel and the tiles; fills in everything under "the schedule" in ConvArgs."""
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t smallest
    cdef bint stacked = FLOATING and args.method == METHOD_AUTO and taps == 3 and args.W.kernel == 1
    cdef Axis D, H, W
    merge_planes(args, False)
    D, H, W = args.D, args.H, args.W
    args.n_prepare = 0
    args.packed_bytes = 0
    args.pack_first = False
    args.packed = NULL
    if stacked:
        merge_planes(args, True)
    if winograd_applies(args) and (args.method == METHOD_WINOGRAD
                                   or args.method == METHOD_AUTO and winograd_pays(args)):
        plan_winograd(args, num_threads)
        return
    if stacked:
        args.D, args.H, args.W = D, H, W
    if has_gaps(args):
        if not plan_planes(args, num_threads):
            plan_depthwise(args, num_threads)
        return
    args.ic_block = args.IC
    args.oc_block = args.OC
    if separable_applies(args) and separable_pays(args):
        args.pivot = find_factors(args)
        if args.pivot >= 0:
            plan_separable(args, num_threads)
            if args.scratch_bytes <= SEPARABLE_SCRATCH:
                return
    if (args.D.output == 1 and args.H.output == 1 and taps == args.W.kernel and args.W.stride == 1
            and args.W.dilation == 1 and args.OC <= 2 and args.W.kernel >= max(<int>LINE_KERNEL, <int>LN_R)
            and args.W.output >= LINE_SEGMENT*SEGMENTS//2):
        args.algorithm = ALG_LINE
        plan_line(args, num_threads)
        return
    if args.IC == 1 and args.OC == 1 and 2*args.G > LANES and args.x.parts == 1 and args.y.parts == 1 \
            and (plan_planes(args, num_threads) or plan_depthwise(args, num_threads)):
        return
    if (args.W.output <= FOLD_PIXELS and takes_panels(args) and not channels_inside(args)
            and not transposes_little(args)):
        fold_batch(args, &args.H, &args.x.h, &args.y.h)
    plan_tile(args, 1, min(args.H.output, <Py_ssize_t>RW_R), min(args.W.output, <Py_ssize_t>(RW_V*LANES)), False)
    smallest = args.IC*args.tile_elements*<Py_ssize_t>sizeof(real)
    if args.OC <= 2 and (smallest <= ROWS_BYTES or args.IC == 1):
        args.algorithm = ALG_ROWS
        plan_rows(args, num_threads)
        return
    if pixels_are_better(args):
        plan_pixels(args, num_threads)
    else:
        plan_channels(args, num_threads)


cdef inline void conv_prepare_task(const ConvArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    if args.algorithm == ALG_PIXELS:
        pixels_prepare(args, task)
    elif args.algorithm == ALG_DEPTHWISE:
        depthwise_prepare(args, task)
    elif FLOATING:
        winograd_prepare(args, scratch, task)


cdef inline void conv_task(const ConvArgs* args, char* scratch, Py_ssize_t task, bint prepare) noexcept nogil:
    if prepare:
        conv_prepare_task(args, scratch, task)
    elif args.algorithm == ALG_LINE:
        line_task(args, scratch, task)
    elif args.algorithm == ALG_ROWS:
        rows_task(args, scratch, task)
    elif args.algorithm == ALG_DEPTHWISE:
        depthwise_task(args, scratch, task)
    elif args.algorithm == ALG_PLANES:
        planes_task(args, scratch, task)
    elif FLOATING and args.algorithm == ALG_WOVEN:
        woven_task(args, scratch, task)
    elif FLOATING and args.algorithm == ALG_WINOGRAD:
        winograd_task(args, scratch, task)
    elif args.algorithm == ALG_PIXELS:
        pixels_task(args, scratch, task)
    elif args.algorithm == ALG_SEPARABLE:
        separable_task(args, scratch, task)
    else:
        channels_task(args, scratch, task)


cdef void run_range(const ConvArgs* args, char* scratch, Py_ssize_t first, Py_ssize_t last, int num_threads,
                    bint prepare) noexcept nogil:
    """Tasks first..last-1. One thread does not enter OpenMP at all: a team of one costs 430 ns."""
    cdef Py_ssize_t task
    if num_threads == 1:
        for task in range(first, last):
            conv_task(args, scratch, task, prepare)
    else:
        for task in prange(first, last, schedule="dynamic", num_threads=num_threads):
            conv_task(args, scratch + threadid()*args.scratch_bytes, task, prepare)


cdef void conv_prepare(const void* opaque, char* scratch, Py_ssize_t first, Py_ssize_t last,
                       int num_threads) noexcept nogil:
    """Fill args.packed."""
    run_range(<const ConvArgs*>opaque, scratch, first, last, num_threads, True)


cdef void conv_run(const void* opaque, char* scratch, Py_ssize_t first, Py_ssize_t last,
                   int num_threads) noexcept nogil:
    run_range(<const ConvArgs*>opaque, scratch, first, last, num_threads, False)


cdef inline void set_task(const ConvSet* all, char* scratch, Py_ssize_t task) noexcept nogil:
    cdef const ConvArgs* args
    cdef Py_ssize_t i, own
    for i in range(all.size):
        args = &all.each[i]
        for own in range(task*args.n_tasks//all.n_tasks, (task + 1)*args.n_tasks//all.n_tasks):
            conv_task(args, scratch, own, False)


cdef void conv_run_set(const void* opaque, char* scratch, Py_ssize_t first, Py_ssize_t last,
                       int num_threads) noexcept nogil:
    cdef const ConvSet* all = <const ConvSet*>opaque
    cdef Py_ssize_t task
    if num_threads == 1:
        for task in range(first, last):
            set_task(all, scratch, task)
    else:
        for task in prange(first, last, schedule="dynamic", num_threads=num_threads):
            set_task(all, scratch + threadid()*all.scratch_bytes, task)


cdef ConvKernels kernels
kernels.abi = KERNEL_ABI
kernels.lanes = LANES
kernels.plan = conv_plan
kernels.prepare = conv_prepare
kernels.run = conv_run
kernels.run_set = conv_run_set
CAPSULE = PyCapsule_New(&kernels, "cconv.ConvKernels", NULL)
