"""Convolution output for one real type at one SIMD level: the schedule, and tasks over threads.

Design: a call is cut into tasks that write disjoint outputs. The cut follows the shape, the cache and the number of
threads; no sum depends on it. Tasks get scratch from the caller, touch no Python object and cannot fail.
"""
from cpython.pycapsule cimport PyCapsule_New
from cython.parallel cimport prange, threadid

from cconv._kernels.channels cimport channels_in_one_block, channels_scratch, channels_task, tiles_per_plane
from cconv._kernels.depthwise cimport (
    depthwise_prepare, depthwise_scratch, depthwise_task, patch_reals, read_in_place, store_in_place, sums_reals,
    vector_weights,
)
from cconv._kernels.elements cimport item_size
from cconv._kernels.line cimport SEGMENTS, line_scratch, line_task
from cconv._kernels.pack cimport box_size, plan_taps
from cconv._kernels.pixels cimport (
    WIDTH, channels_inside, packed_reals, panels_per_group, pixels_in_place, pixels_prepare, pixels_scratch,
    pixels_task,
)
from cconv._kernels.rows cimport rows_in_place, rows_scratch, rows_task
from cconv._kernels.simd cimport CH_M, CH_V, FLOATING, LANES, LN_R, RW_R, RW_V, real
from cconv._kernels.types cimport (
    ALG_CHANNELS, ALG_DEPTHWISE, ALG_LINE, ALG_PIXELS, ALG_ROWS, ALG_WINOGRAD, KERNEL_ABI, METHOD_AUTO,
    METHOD_WINOGRAD, Axis, ConvArgs, ConvKernels,
)
from cconv._kernels.winograd cimport (
    channel_tiles, packed_size, prepare_task, tiles_along, winograd_scratch, winograd_task,
)

cdef enum:
    TILE_BYTES = 256*1024       # packed tile of a task: a quarter of a 1 MB L2, weights and sums take about as much
    BLOCK_TAPS = 640            # taps of one block of input channels
    SLOT_CHANNELS = 40
    MOST_PIXELS = 400           # of a task, output channels in the lanes: their sums take 256 bytes each
    ROWS_BYTES = 512*1024       # a row kernel whose smallest tile exceeds this leaves L2: the channel kernel takes over
    TASKS_PER_THREAD = 4        # so that an unlucky thread waits for a quarter of its share at most
    ENOUGH_PIXELS = 200         # pixels that pay for packing a task's weights: 0.6 cycles a weight, 12 to use it
    WINOGRAD_TILES = 40         # per image: 49 (28x28) is 1.9 times as fast as direct, 16 (14x14) 0.8 times
    WINOGRAD_CHANNELS = 128     # of input and output in a task: 36 products of them and 96 tiles fill about 2 MB
    LINE_KERNEL = 16            # shorter kernels: transposing costs more than the row kernel's unaligned loads
    LINE_SEGMENT = 48           # shortest segment worth transposing
    DEPTHWISE_BYTES = 128*1024  # samples and sums of a tile of LANES channels; 64 kB: 1.25 times as long at 112x112
    # Vectors of channels side by side in one task, read where they lie: whole cache lines of a pixel. 1: 96 channels
    # 112x112 stride 2 take 1.3 times as long; 2, 8 and strips of 14 or 28 columns are within a tenth of 4.
    DEPTHWISE_VECTORS = 4


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
    if tiles > 1 and args.weight_shared:
        args.n_prepare = vectors
        args.packed_bytes = vectors*vector_weights(args)*<Py_ssize_t>sizeof(real)
    args.algorithm = ALG_DEPTHWISE
    args.scratch_bytes = depthwise_scratch(args)
    return True


cdef double lane_use(Py_ssize_t n) noexcept nogil:
    """Share of lanes that do useful work when n elements are covered by vectors."""
    return <double>n/<double>(ceil_div(n, LANES)*LANES)


cdef Py_ssize_t shorter(Py_ssize_t n, Py_ssize_t step) noexcept nogil:
    """About half of n, in whole steps, and less than n."""
    return ceil_div(ceil_div(n, 2), step)*step if n > 2*step else max(<Py_ssize_t>1, min(step, n - 1))


cdef void plan_block(ConvArgs* args, Py_ssize_t taps) noexcept nogil:
    """Input channels of a block, of about equal sizes."""
    args.ic_block = max(<Py_ssize_t>1, min(args.IC, <Py_ssize_t>BLOCK_TAPS//taps))
    args.ic_block = ceil_div(args.IC, ceil_div(args.IC, args.ic_block))


cdef bint takes_slots(const ConvArgs* args) noexcept nogil:
    """Whether taps along W get a slot each: samples repeat, but no lane is spent on columns of a halo. What that costs
    is to pack more, which each output channel uses once: 3x3 at 56x56 it pays, and 3 channels in, 7x7, it does not."""
    return args.W.kernel <= 7 and args.TW.halo*SLOT_CHANNELS > args.W.output*args.W.kernel


cdef bint pixels_are_better(ConvArgs* args) noexcept nogil:
    """Output channels in the lanes: where they fill them better than pixels do, or the image needs no packing."""
    cdef Py_ssize_t w = args.W.output
    cdef Py_ssize_t halo
    cdef double by_pixels, by_channels
    plan_tile(args, 1, 1, w, False)
    halo = 0 if takes_slots(args) else args.TW.halo
    by_pixels = lane_use(args.H.output*(w + halo))*w/(w + halo)
    by_channels = lane_use(args.OC)
    if channels_inside(args):
        return by_channels > 0.3
    return by_channels > 1.1*by_pixels


cdef void plan_channels(ConvArgs* args, int num_threads) noexcept nogil:
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t limit = TILE_BYTES//<Py_ssize_t>sizeof(real)
    cdef Py_ssize_t px_step = CH_V*LANES
    cdef Py_ssize_t h = args.H.output, w = args.W.output, blocks, parts
    cdef bint per_tap
    args.algorithm = ALG_CHANNELS
    plan_block(args, taps)
    plan_tile(args, 1, 1, w, False)
    per_tap = takes_slots(args)

    # pixels of a task: all that fit the cache, then fewer until every thread has work
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
    args.oc_block = ceil_div(args.OC, CH_M)*CH_M
    if not channels_in_one_block(args):
        parts = limit//(tiles_per_plane(args)*px_step*CH_M)
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


cdef void plan_pixels(ConvArgs* args, int num_threads) noexcept nogil:
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t limit = TILE_BYTES//<Py_ssize_t>sizeof(real)
    cdef Py_ssize_t h = args.H.output, w = args.W.output, blocks, parts, tile
    cdef bint in_place = pixels_in_place(args)
    args.algorithm = ALG_PIXELS
    plan_block(args, taps)
    while True:
        plan_tile(args, 1, h, w, False)
        tile = args.ic_block*(h*w if in_place else args.tile_elements)
        if tile <= limit and h*w <= MOST_PIXELS or h*w == 1:
            break
        if h > 1:
            h = ceil_div(h, 2)
        elif w > 8 or args.ic_block == 1:
            w = ceil_div(w, 2)
        else:
            args.ic_block = ceil_div(args.ic_block, 2)
    blocks = args.N*args.G*args.D.output
    while num_threads > 1 and h*w >= 2*ENOUGH_PIXELS and blocks*ceil_div(args.H.output, h)*ceil_div(args.W.output, w) \
            < TASKS_PER_THREAD*num_threads:
        if h > 1:
            h = ceil_div(h, 2)
        else:
            w = ceil_div(w, 2)
    h = ceil_div(args.H.output, ceil_div(args.H.output, h))
    w = ceil_div(args.W.output, ceil_div(args.W.output, w))
    plan_tile(args, 1, h, w, False)
    blocks *= ceil_div(args.H.output, h)*ceil_div(args.W.output, w)
    args.oc_block = ceil_div(args.OC, WIDTH)*WIDTH
    if args.ic_block < args.IC:
        parts = 2*limit//(h*w*WIDTH)
        args.oc_block = min(args.oc_block, max(<Py_ssize_t>1, parts)*WIDTH)
    plan_output_channels(args, blocks, WIDTH, num_threads)
    if blocks > args.G and args.weight_shared:
        args.n_prepare = args.G*ceil_div(args.IC, args.ic_block)*panels_per_group(args)
        args.packed_bytes = args.G*packed_reals(args)*<Py_ssize_t>sizeof(real)
    args.scratch_bytes = pixels_scratch(args, args.n_prepare > 0)


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
    args.packed = NULL
    if winograd_applies(args) and (args.method == METHOD_WINOGRAD
                                   or args.method == METHOD_AUTO and winograd_pays(args)):
        plan_winograd(args, num_threads)
        return
    args.ic_block = args.IC
    args.oc_block = args.OC
    if (args.D.output == 1 and args.H.output == 1 and taps == args.W.kernel and args.W.stride == 1
            and args.W.dilation == 1 and args.OC <= 2 and args.W.kernel >= max(<int>LINE_KERNEL, <int>LN_R)
            and args.W.output >= LINE_SEGMENT*SEGMENTS//2):
        args.algorithm = ALG_LINE
        plan_line(args, num_threads)
        return
    if args.IC == 1 and args.OC == 1 and 2*args.G > LANES and args.x.parts == 1 and args.y.parts == 1 \
            and plan_depthwise(args, num_threads):
        return
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


cdef inline void conv_task(const ConvArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    if args.algorithm == ALG_LINE:
        line_task(args, scratch, task)
    elif args.algorithm == ALG_ROWS:
        rows_task(args, scratch, task)
    elif args.algorithm == ALG_DEPTHWISE:
        depthwise_task(args, scratch, task)
    elif args.algorithm == ALG_WINOGRAD:
        winograd_task(args, scratch, task)
    elif args.algorithm == ALG_PIXELS:
        pixels_task(args, scratch, task)
    else:
        channels_task(args, scratch, task)


cdef inline void conv_prepare_task(const ConvArgs* args, Py_ssize_t task) noexcept nogil:
    if args.algorithm == ALG_PIXELS:
        pixels_prepare(args, task)
    elif args.algorithm == ALG_DEPTHWISE:
        depthwise_prepare(args, task)
    else:
        prepare_task(args, task)


cdef void conv_prepare(const void* opaque, char* scratch, Py_ssize_t first, Py_ssize_t last,
                       int num_threads) noexcept nogil:
    """Fill args.packed; as conv_run."""
    cdef const ConvArgs* args = <const ConvArgs*>opaque
    cdef Py_ssize_t task
    if num_threads == 1:
        for task in range(first, last):
            conv_prepare_task(args, task)
    else:
        for task in prange(first, last, schedule="dynamic", num_threads=num_threads):
            conv_prepare_task(args, task)


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
