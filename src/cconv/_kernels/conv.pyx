"""Convolution output for one real type at one SIMD level: the schedule, and tasks over threads.

Design: a call is cut into tasks that write disjoint outputs. The cut follows the shape, the cache and the number of
threads; no sum depends on it. Tasks get scratch from the caller, touch no Python object and cannot fail.
"""
from cpython.pycapsule cimport PyCapsule_New
from cython.parallel cimport prange, threadid

from cconv._kernels.channels cimport (
    channels_per_tile, channels_scratch, channels_task, in_one_block, pixels_per_tile, tiles_per_plane,
)
from cconv._kernels.elements cimport item_size
from cconv._kernels.factors cimport find_factors
from cconv._kernels.line cimport SEGMENTS, line_scratch, line_task
from cconv._kernels.pack cimport box_size, plan_taps
from cconv._kernels.rows cimport rows_in_place, rows_scratch, rows_task
from cconv._kernels.separable cimport GROUP, separable_applies, separable_lines, separable_scratch, separable_task
from cconv._kernels.simd cimport CH_M, CH_V, FLOATING, LANES, LN_R, RW_R, RW_V, real
from cconv._kernels.types cimport (
    ALG_CHANNELS, ALG_LINE, ALG_PIXELS, ALG_ROWS, ALG_SEPARABLE, ALG_WINOGRAD, KERNEL_ABI, METHOD_AUTO,
    METHOD_WINOGRAD, Axis, ConvArgs, ConvKernels,
)
from cconv._kernels.winograd cimport (
    channel_tiles, packed_size, prepare_task, tiles_along, winograd_scratch, winograd_task,
)

cdef enum:
    TILE_BYTES = 256*1024       # packed tile of a task: a quarter of a 1 MB L2, weights and sums take about as much
    BLOCK_TAPS = 640            # taps of one block of input channels: see PANEL_TAPS
    ROWS_BYTES = 512*1024       # a row kernel whose smallest tile exceeds this leaves L2: the channel kernel takes over
    TASKS_PER_THREAD = 4        # so that an unlucky thread waits for a quarter of its share at most
    ENOUGH_PIXELS = 200         # pixels that pay for packing a task's weights: 0.6 cycles a weight, 12 to use it
    WINOGRAD_TILES = 40         # per image: 49 (28x28) is 1.9 times as fast as direct, 16 (14x14) 0.8 times
    WINOGRAD_CHANNELS = 128     # of input and output in a task: 36 products of them and 96 tiles fill about 2 MB
    SEPARABLE_BYTES = 640*1024  # rows of a block that passes come back to: with what they write they fill L2
    SEPARABLE_WIDTH = 16*1024   # bytes: longer rows are cut where the rows in use would be more than that
    SEPARABLE_SCRATCH = 2*1024*1024     # a kernel that needs more per thread is left to the other methods
    SEPARABLE_WORK = 100_000    # products of the direct sum that pay for a look at the weight
    LINE_KERNEL = 16            # shorter kernels: transposing costs more than the row kernel's unaligned loads
    LINE_SEGMENT = 48           # shortest segment worth transposing


cdef Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1)//b


cdef void plan_tile(ConvArgs* args, Py_ssize_t d, Py_ssize_t h, Py_ssize_t w, bint per_tap) noexcept nogil:
    plan_taps(&args.TD, &args.D, d, False)
    plan_taps(&args.TH, &args.H, h, False)
    plan_taps(&args.TW, &args.W, w, per_tap)
    args.tile_elements = args.TD.slots*args.TH.slots*args.TW.slots*box_size(args)


cdef void plan_line(ConvArgs* args, int num_threads) noexcept nogil:
    cdef Py_ssize_t lines = args.N*args.G*args.OC
    cdef Py_ssize_t wanted = ceil_div(TASKS_PER_THREAD*num_threads, lines)
    cdef Py_ssize_t tile = min(ceil_div(args.W.output, SEGMENTS*wanted), max(<Py_ssize_t>256, 2*args.W.kernel))
    tile = max(tile, min(<Py_ssize_t>LINE_SEGMENT, ceil_div(args.W.output, SEGMENTS)))
    plan_tile(args, 1, 1, ceil_div(tile, LN_R)*LN_R, False)
    args.n_tasks = lines*ceil_div(args.W.output, SEGMENTS*args.TW.tile)
    args.scratch_bytes = line_scratch(args)


cdef void plan_rows(ConvArgs* args, int num_threads) noexcept nogil:
    cdef Py_ssize_t lines = args.N*args.G
    cdef Py_ssize_t limit = TILE_BYTES//<Py_ssize_t>sizeof(real)
    cdef Py_ssize_t w = min(args.W.output, <Py_ssize_t>(8*RW_V*LANES))
    cdef Py_ssize_t h = min(args.H.output, <Py_ssize_t>32)
    cdef Py_ssize_t d = min(args.D.output, <Py_ssize_t>4)
    while h > RW_R and lines*ceil_div(args.H.output, h)*ceil_div(args.D.output, d) < TASKS_PER_THREAD*num_threads:
        h = ceil_div(ceil_div(h, 2), RW_R)*RW_R
    if rows_in_place(args):
        w = min(w, <Py_ssize_t>(2*RW_V*LANES))         # only borders are packed
    plan_tile(args, d, h, w, False)
    while args.IC*args.tile_elements > limit:
        if d > 1:
            d = ceil_div(d, 2)
        elif w > 2*RW_V*LANES:
            w = ceil_div(ceil_div(w, 2), LANES)*LANES
        elif h > RW_R:
            h = ceil_div(ceil_div(h, 2), RW_R)*RW_R
        elif w > RW_V*LANES:
            w = ceil_div(ceil_div(w, 2), LANES)*LANES
        else:
            break
        plan_tile(args, d, h, w, False)
    args.n_tasks = lines*ceil_div(args.H.output, h)*ceil_div(args.D.output, d)
    args.scratch_bytes = rows_scratch(args)


cdef bint separable_pays(const ConvArgs* args) noexcept nogil:
    """Measured against the row kernel."""
    cdef double taps = <double>args.D.kernel*args.H.kernel*args.W.kernel
    return (<double>args.N*args.D.output*args.H.output*args.W.output*taps > SEPARABLE_WORK
            and taps > 9 and args.W.output >= LANES)


cdef void plan_separable(ConvArgs* args, int num_threads) noexcept nogil:
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


cdef double lane_use(Py_ssize_t n) noexcept nogil:
    """Share of lanes that do useful work when n elements are covered by vectors."""
    return <double>n/<double>(ceil_div(n, LANES)*LANES)


cdef Py_ssize_t shorter(Py_ssize_t n, Py_ssize_t step) noexcept nogil:
    """About half of n, in whole steps, and less than n."""
    return ceil_div(ceil_div(n, 2), step)*step if n > 2*step else max(<Py_ssize_t>1, min(step, n - 1))


cdef void plan_channels(ConvArgs* args, int num_threads) noexcept nogil:
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t limit = TILE_BYTES//<Py_ssize_t>sizeof(real)
    cdef Py_ssize_t oc_step, px_step, h, w, halo, blocks, parts
    cdef bint per_tap, pixel_lanes, channels_last
    cdef double by_pixels, by_channels
    args.ic_block = max(<Py_ssize_t>1, min(args.IC, <Py_ssize_t>BLOCK_TAPS//taps))
    args.ic_block = ceil_div(args.IC, ceil_div(args.IC, args.ic_block))

    # A row of the tile is w_tile outputs and the halo; where the halo is a large part, taps get a slot each instead.
    w = args.W.output
    plan_tile(args, 1, 1, w, False)
    per_tap = args.TW.halo*4 > w and args.W.kernel <= 7
    halo = 0 if per_tap else args.TW.halo
    by_pixels = lane_use(args.H.output*(w + halo))*w/(w + halo)
    by_channels = lane_use(args.OC)
    args.algorithm = ALG_CHANNELS
    channels_last = args.y.channel == sizeof(real) and args.y.w != sizeof(real)
    if (channels_last and by_channels > 0.3) or by_channels > 1.2*by_pixels:
        args.algorithm = ALG_PIXELS
    pixel_lanes = args.algorithm == ALG_CHANNELS
    oc_step = channels_per_tile(pixel_lanes)
    px_step = pixels_per_tile(pixel_lanes)

    # pixels of a task: all that fit the cache, then fewer until every thread has work
    h = args.H.output
    plan_tile(args, 1, h, w, per_tap)
    while args.ic_block*args.tile_elements > limit:
        if h > 8 or (h > 1 and w <= 64):
            h = ceil_div(h, 2)
        elif w > 64:
            w = shorter(w, px_step)
        elif h > 1:
            h -= 1
        elif args.ic_block > 1:
            args.ic_block = ceil_div(args.ic_block, 2)
        elif w > LANES:
            w = LANES
        else:
            break
        plan_tile(args, 1, h, w, per_tap)
    blocks = args.N*args.G*args.D.output
    while num_threads > 1 and h*w >= 2*ENOUGH_PIXELS and blocks*ceil_div(args.H.output, h)*ceil_div(args.W.output, w) \
            < TASKS_PER_THREAD*num_threads:
        if h > 1:
            h = ceil_div(h, 2)
        else:
            w = shorter(w, px_step)
    h = ceil_div(args.H.output, ceil_div(args.H.output, h))
    plan_tile(args, 1, h, w, per_tap)
    blocks *= ceil_div(args.H.output, h)*ceil_div(args.W.output, w)

    # channels of a task: all, as the packed pixels serve them all; fewer if their sums would leave the cache, or so
    # that no thread is left without work at the end
    args.oc_block = ceil_div(args.OC, oc_step)*oc_step
    if not in_one_block(args):
        parts = limit//(tiles_per_plane(args, pixel_lanes)*px_step*oc_step)
        args.oc_block = min(args.oc_block, max(<Py_ssize_t>1, parts)*oc_step)
    parts = ceil_div(args.OC, args.oc_block)
    while parts*oc_step < args.OC and is_uneven(blocks*parts, num_threads):
        parts += 1
    args.oc_block = ceil_div(ceil_div(args.OC, parts), oc_step)*oc_step
    args.n_tasks = blocks*ceil_div(args.OC, args.oc_block)
    args.scratch_bytes = channels_scratch(args)


cdef bint is_uneven(Py_ssize_t tasks, int num_threads) noexcept nogil:
    """True if more than a tenth of the threads' time would be spent waiting for the last task."""
    return ceil_div(tasks, num_threads)*num_threads*10 > tasks*11


cdef bint winograd_applies(const ConvArgs* args) noexcept nogil:
    return (FLOATING and args.D.kernel == 1 and args.H.kernel == 3 and args.W.kernel == 3
            and args.D.stride == 1 and args.H.stride == 1 and args.W.stride == 1
            and args.H.dilation == 1 and args.W.dilation == 1 and args.weight_shared)


cdef bint winograd_pays(const ConvArgs* args) noexcept nogil:
    """Measured against the direct kernel: it needs channels for its products, tiles for its lanes, rows as they lie.
    The batch does not count: an image's bits must not depend on its neighbours."""
    cdef Py_ssize_t tiles = ceil_div(args.H.output, 4)*ceil_div(args.W.output, 4)
    return (args.IC >= 32 and args.OC >= 32 and tiles >= WINOGRAD_TILES
            and args.x.w == item_size(args.x.dtype) and args.y.w == item_size(args.y.dtype))


cdef void plan_winograd(ConvArgs* args, int num_threads) noexcept nogil:
    """Blocks of about CH_V*LANES*2 tiles, whole rows of them where they are short."""
    cdef Py_ssize_t rows = tiles_along(&args.H)
    cdef Py_ssize_t columns = tiles_along(&args.W)
    cdef Py_ssize_t wanted = 2*CH_V*LANES
    cdef Py_ssize_t w = min(columns, wanted - 1)
    cdef Py_ssize_t h = max(<Py_ssize_t>1, min(rows, (wanted + 1)//(w + 1)))
    cdef Py_ssize_t blocks, bands, parts
    args.algorithm = ALG_WINOGRAD
    args.TD.tile = 1
    args.TW.tile = ceil_div(columns, ceil_div(columns, w))
    args.ic_block = ceil_div(args.IC, ceil_div(args.IC, WINOGRAD_CHANNELS))
    # Threads share the rows of tiles as long as blocks fill a register tile, then the output channels, each of which
    # transforms the input once more.
    bands = ceil_div(rows, h)
    args.TH.tile = ceil_div(rows, bands)
    blocks = args.N*args.G*args.D.output*ceil_div(columns, args.TW.tile)
    while is_uneven(blocks*bands, num_threads) and ceil_div(rows, bands + 1)*(args.TW.tile + 1) >= CH_V*LANES:
        bands += 1
        args.TH.tile = ceil_div(rows, bands)
        bands = ceil_div(rows, args.TH.tile)
        if bands == rows:
            break
    blocks *= bands
    args.oc_block = ceil_div(min(args.OC, <Py_ssize_t>WINOGRAD_CHANNELS), CH_M)*CH_M
    parts = ceil_div(args.OC, args.oc_block)
    while parts*CH_M < args.OC and is_uneven(blocks*parts, num_threads):
        parts += 1
    args.oc_block = ceil_div(ceil_div(args.OC, parts), CH_M)*CH_M
    args.n_tasks = blocks*ceil_div(args.OC, args.oc_block)
    args.scratch_bytes = winograd_scratch(args)
    args.n_prepare = args.G*ceil_div(args.IC, args.ic_block)*channel_tiles(args)
    args.packed_bytes = args.G*packed_size(args)*<Py_ssize_t>sizeof(real)


cdef void merge_axes(ConvArgs* args, Axis* outer, Axis* inner, Py_ssize_t* x_outer, Py_ssize_t* x_inner,
                     Py_ssize_t* y_outer, Py_ssize_t* y_inner) noexcept nogil:
    """Make one axis of two where nothing tells them apart: a pointwise kernel on rows that follow each other."""
    if (outer.kernel != 1 or inner.kernel != 1 or outer.stride != 1 or inner.stride != 1 or outer.size != outer.output
            or inner.size != inner.output or outer.pad or inner.pad or outer.size == 1
            or x_outer[0] != inner.size*x_inner[0] or y_outer[0] != inner.size*y_inner[0]):
        return
    inner.size *= outer.size
    inner.output = inner.size
    outer.size = 1
    outer.output = 1


cdef void conv_plan(ConvArgs* args, int num_threads) noexcept nogil:
    """Choose the micro-kernel and the tiles; fills in everything under "the schedule" in ConvArgs."""
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t smallest
    merge_axes(args, &args.H, &args.W, &args.x.h, &args.x.w, &args.y.h, &args.y.w)
    if args.H.size == 1 and args.H.output == 1 and args.H.kernel == 1:
        merge_axes(args, &args.D, &args.W, &args.x.d, &args.x.w, &args.y.d, &args.y.w)
    args.n_prepare = 0
    args.packed_bytes = 0
    if winograd_applies(args) and (args.method == METHOD_WINOGRAD
                                   or args.method == METHOD_AUTO and winograd_pays(args)):
        plan_winograd(args, num_threads)
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
    plan_tile(args, 1, min(args.H.output, <Py_ssize_t>RW_R), min(args.W.output, <Py_ssize_t>(RW_V*LANES)), False)
    smallest = args.IC*args.tile_elements*<Py_ssize_t>sizeof(real)
    if args.OC <= 2 and (smallest <= ROWS_BYTES or args.IC == 1):
        args.algorithm = ALG_ROWS
        plan_rows(args, num_threads)
        return
    plan_channels(args, num_threads)


cdef inline void conv_task(const ConvArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    if args.algorithm == ALG_LINE:
        line_task(args, scratch, task)
    elif args.algorithm == ALG_ROWS:
        rows_task(args, scratch, task)
    elif args.algorithm == ALG_WINOGRAD:
        winograd_task(args, scratch, task)
    elif args.algorithm == ALG_SEPARABLE:
        separable_task(args, scratch, task)
    else:
        channels_task(args, scratch, task)


cdef void conv_prepare(const void* opaque, char* scratch, Py_ssize_t first, Py_ssize_t last,
                       int num_threads) noexcept nogil:
    """Fill args.packed; as conv_run."""
    cdef const ConvArgs* args = <const ConvArgs*>opaque
    cdef Py_ssize_t task
    if num_threads == 1:
        for task in range(first, last):
            prepare_task(args, task)
    else:
        for task in prange(first, last, schedule="dynamic", num_threads=num_threads):
            prepare_task(args, task)


cdef void conv_run(const void* opaque, char* scratch, Py_ssize_t first, Py_ssize_t last,
                   int num_threads) noexcept nogil:
    """Tasks first..last-1. One thread does not enter OpenMP at all: a team of one costs 430 ns."""
    cdef const ConvArgs* args = <const ConvArgs*>opaque
    cdef Py_ssize_t task
    if num_threads == 1:
        for task in range(first, last):
            conv_task(args, scratch, task)
    else:
        for task in prange(first, last, schedule="dynamic", num_threads=num_threads):
            conv_task(args, scratch + threadid()*args.scratch_bytes, task)


cdef ConvKernels kernels
kernels.abi = KERNEL_ABI
kernels.lanes = LANES
kernels.plan = conv_plan
kernels.prepare = conv_prepare
kernels.run = conv_run
CAPSULE = PyCapsule_New(&kernels, "cconv.ConvKernels", NULL)
