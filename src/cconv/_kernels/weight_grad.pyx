"""The weight gradient for one real type at one SIMD level: the schedule, and tasks over threads.

Design:
a. A task sums for some weights over some pixels. Weights are shared out first; where they make few tasks, pixels are
   too, in chunks, and their sums are added up by tasks of their own.
b. The cut follows from the shape alone, never from the number of threads, so the bits do not depend on it.
"""
from cpython.pycapsule cimport PyCapsule_New
from cython.parallel cimport prange, threadid

from cconv._kernels.elements cimport item_size
from cconv._kernels.exchange cimport exchange_task, plan_exchange
from cconv._kernels.pack cimport plan_patches, plan_tile
from cconv._kernels.pixels cimport WIDTH, needs_no_padding, padded, pixels_in_place
from cconv._kernels.simd cimport FAR_BYTES, LANES, rare, real
from cconv._kernels.types cimport (
    KERNEL_ABI, METHOD_AUTO, METHOD_WINOGRAD, WEIGHT_GROUPS, WEIGHT_PANELS, WEIGHT_PLANES, WEIGHT_RUNS, WEIGHT_WINOGRAD,
    Axis, ConvArgs, ExchangeArgs, WeightArgs, WeightKernels,
)
from cconv._kernels.weight_blocks cimport count_blocks, sums_of_chunk
from cconv._kernels.weight_groups cimport groups_scratch, groups_task
from cconv._kernels.weight_panels cimport panels_scratch, panels_task
from cconv._kernels.weight_planes cimport BLOCK_PIXELS, CHANNELS, planes_apply, planes_scratch, planes_task
from cconv._kernels.weight_runs cimport RUN_BYTES, block_bytes, runs_apply, runs_scratch, runs_task
from cconv._kernels.weight_winograd cimport winograd_scratch, winograd_task

cdef enum:
    PIXELS = 384               # of a block
    TOTAL_BYTES = 320*1024      # sums of a task, beside a packed block in L2
    TILE_BYTES = 256*1024       # packed input of a block
    TASKS = 16                  # at least, so that four threads wait for a fifth of their share at most
    TASK_WORK = 200_000_000     # multiply-adds of a task at most: what Ctrl-C waits for
    PARTIAL_BYTES = 16*1024*1024        # partial sums of all chunks
    WINOGRAD_CHANNELS = 32      # in and out, at least
    WINOGRAD_TILES = 32         # of a block: transformed, 300 KB for a panel of output channels; and at least in all
    # Input channels of a task, or twice as many if it sums over so many blocks, or over all of them: what it transforms
    # is used twice (64 -> 64 224x224: 0.87 of the time, 512 -> 512 14x14 0.93), but so many more of its sums go to
    # memory (64 -> 64 56x56, 3 blocks: 1.18).
    WINOGRAD_IN = 32
    WINOGRAD_BLOCKS = 6
    WINOGRAD_OUT = 128          # and output channels, whose 36 products of each pair take 600 KB
    FETCHED_BYTES = 4*1024*1024         # of an input that is asked for: 0.95 to 0.98 of the time; smaller ones 1.02
    COMBINED = 4096             # elements that a task adds up


cdef Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1)//b


cdef Py_ssize_t even(Py_ssize_t n, Py_ssize_t part) noexcept nogil:
    """The least part that cuts n into as many parts."""
    return ceil_div(n, ceil_div(n, part))


cdef void plan_pixels(WeightArgs* all, Py_ssize_t pixels) noexcept nogil:
    """Blocks of at most so many pixels: parts of a row, rows, planes, then whole batch elements."""
    cdef ConvArgs* args = &all.layer
    cdef Py_ssize_t w = even(args.W.output, min(args.W.output, pixels))
    cdef Py_ssize_t h = 1, d = 1
    all.images = 1
    if w == args.W.output:
        h = even(args.H.output, max(<Py_ssize_t>1, min(args.H.output, pixels//w)))
    if w == args.W.output and h == args.H.output:
        d = even(args.D.output, max(<Py_ssize_t>1, min(args.D.output, pixels//(h*w))))
        if d == args.D.output:
            all.images = even(args.N, max(<Py_ssize_t>1, min(args.N, pixels//(d*h*w))))
    plan_patches(args, d, h, w)


cdef bint is_pointwise(const Axis* axis) noexcept nogil:
    return axis.kernel == 1 and axis.stride == 1 and axis.pad == 0 and axis.size == axis.output


cdef double panels_cost(Py_ssize_t lanes, Py_ssize_t rows) noexcept nogil:
    """Of a pixel, in cycles: products, slower in tiles of one vector or two, and transposing what comes from memory."""
    cdef double thin = 1.6 if lanes <= LANES else 1.35 if lanes <= 2*LANES else 1.0
    return thin*padded(lanes)*rows/(2*LANES) + 0.6*lanes


cdef void plan_arrays(WeightArgs* all) noexcept nogil:
    """What is transposed, and whether what is read in place is asked for before: samples that are neighbours. Where
    channels are, each channel asked for all lines of its pixels, and 256 -> 512 at 28x28 took 14 times as long.

    Input and grad_output change places where that is cheaper: 16 -> 96 channels at 112x112 take 0.6 of the time, 64 ->
    256 at 56x56 0.85. What lies in a cache is transposed as fast as partial sums are added up."""
    cdef ConvArgs* args = &all.layer
    cdef ConvArgs other = args[0]
    cdef Py_ssize_t bytes = args.N*args.G*args.D.size*args.H.size*args.W.size*<Py_ssize_t>sizeof(real)
    other.x, other.y, other.IC, other.OC = args.y, args.x, args.OC, args.IC
    all.swapped = (is_pointwise(&args.D) and is_pointwise(&args.H) and is_pointwise(&args.W)
                   and args.x.parts == 1 and args.y.parts == 1 and bytes*args.OC >= FAR_BYTES
                   and panels_cost(args.IC, args.OC) < panels_cost(args.OC, args.IC))
    if all.swapped:
        args[0] = other
    all.fetches = (args.D.kernel*args.H.kernel*args.W.kernel == 1 and pixels_in_place(args)
                   and args.x.w == item_size(args.x.dtype) and bytes*args.IC >= FETCHED_BYTES)


cdef Py_ssize_t plan_panels(WeightArgs* all) noexcept nogil:
    """Returns the tasks that weights make."""
    cdef ConvArgs* args = &all.layer
    plan_arrays(all)
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t limit = TOTAL_BYTES//<Py_ssize_t>sizeof(real)
    cdef Py_ssize_t pixels = PIXELS
    plan_pixels(all, pixels)
    while pixels > 16 and all.images*args.tile_elements*<Py_ssize_t>sizeof(real) > TILE_BYTES:
        pixels = pixels//2
        plan_pixels(all, pixels)
    # a packed gradient serves all rows of a task, a packed sample all output channels at every tap
    args.oc_block = min(ceil_div(args.OC, WIDTH), max(<Py_ssize_t>1, min(<Py_ssize_t>4, 8//taps)))*WIDTH
    if needs_no_padding(args) and args.G*ceil_div(args.OC, args.oc_block) < TASKS:
        # samples are read in place, or could be but for their type: bits are not to depend on byte order or alignment;
        # no sample is packed twice, and there are fewer partial sums: 96 -> 576 at 14x14 takes 0.85 times as long
        args.oc_block = WIDTH
    args.ic_block = max(<Py_ssize_t>1, min(args.IC, limit//(args.oc_block*taps)))
    args.ic_block = min(args.ic_block, max(<Py_ssize_t>1, TILE_BYTES//<Py_ssize_t>sizeof(real)
                                           //(all.images*args.tile_elements)))
    args.ic_block = even(args.IC, args.ic_block)
    args.oc_block = even(ceil_div(args.OC, WIDTH), args.oc_block//WIDTH)*WIDTH
    all.scratch_bytes = panels_scratch(all)
    return args.G*ceil_div(args.OC, args.oc_block)*ceil_div(args.IC, args.ic_block)


cdef Py_ssize_t plan_groups(WeightArgs* all) noexcept nogil:
    cdef ConvArgs* args = &all.layer
    cdef Py_ssize_t pixels = 2*PIXELS
    plan_pixels(all, pixels)
    while pixels > 16 and (args.IC*all.images*args.tile_elements + args.OC*pixels)*LANES*<Py_ssize_t>sizeof(real) \
            > TILE_BYTES:
        pixels = pixels//2
        plan_pixels(all, pixels)
    args.ic_block = LANES       # the pitch of samples
    all.scratch_bytes = groups_scratch(all)
    return ceil_div(args.G, LANES)


cdef Py_ssize_t plan_planes(WeightArgs* all) noexcept nogil:
    cdef ConvArgs* args = &all.layer
    cdef Py_ssize_t rows = max(<Py_ssize_t>1, BLOCK_PIXELS//args.W.output)
    args.TD.tile = 1
    args.TH.tile = even(args.H.output, min(args.H.output, rows))
    args.TW.tile = args.W.output
    all.images = 1
    all.scratch_bytes = planes_scratch(all)
    return ceil_div(args.G, CHANNELS)


cdef Py_ssize_t plan_runs(WeightArgs* all) noexcept nogil:
    cdef ConvArgs* args = &all.layer
    cdef Py_ssize_t w = args.W.output, h = args.H.output
    plan_tile(args, 1, h, w, False)
    while h > 1 and block_bytes(args) > RUN_BYTES:
        h = even(args.H.output, ceil_div(h, 2))
        plan_tile(args, 1, h, w, False)
    while w > 16*LANES and block_bytes(args) > RUN_BYTES:
        w = even(args.W.output, ceil_div(w, 2))
        plan_tile(args, 1, h, w, False)
    all.images = 1
    all.scratch_bytes = runs_scratch(all)
    return args.G


cdef bint winograd_applies(const ConvArgs* args) noexcept nogil:
    return (args.D.kernel == 1 and args.H.kernel == 3 and args.W.kernel == 3 and args.H.stride == 1
            and args.W.stride == 1 and args.H.dilation == 1 and args.W.dilation == 1)


cdef bint winograd_pays(const ConvArgs* args) noexcept nogil:
    return (args.IC >= WINOGRAD_CHANNELS and args.OC >= WINOGRAD_CHANNELS
            and args.N*args.D.output*ceil_div(args.H.output, 4)*ceil_div(args.W.output, 4) >= WINOGRAD_TILES)


cdef Py_ssize_t plan_winograd(WeightArgs* all) noexcept nogil:
    """Blocks of tiles: parts of a row of them, rows, then whole batch elements."""
    cdef ConvArgs* args = &all.layer
    cdef Py_ssize_t across = ceil_div(args.W.output, 4), down = ceil_div(args.H.output, 4)
    cdef Py_ssize_t w = even(across, min(across, <Py_ssize_t>WINOGRAD_TILES))
    cdef Py_ssize_t h = even(down, max(<Py_ssize_t>1, min(down, WINOGRAD_TILES//w)))
    cdef Py_ssize_t units, chunks
    all.images = 1
    if w == across and h == down and args.D.output == 1:
        all.images = even(args.N, max(<Py_ssize_t>1, min(args.N, WINOGRAD_TILES//(h*w))))
    plan_tile(args, 1, 4*h, 4*w, False)
    args.oc_block = even(ceil_div(args.OC, WIDTH), max(<Py_ssize_t>1, WINOGRAD_OUT//WIDTH))*WIDTH
    args.ic_block = ceil_div(even(args.IC, 2*WINOGRAD_IN), LANES)*LANES
    units = args.G*ceil_div(args.OC, args.oc_block)
    chunks = ceil_div(TASKS, units*ceil_div(args.IC, args.ic_block))
    if chunks > 1 and count_blocks(all) < WINOGRAD_BLOCKS*chunks:
        args.ic_block = ceil_div(even(args.IC, WINOGRAD_IN), LANES)*LANES
    all.scratch_bytes = winograd_scratch(all)
    return units*ceil_div(args.IC, args.ic_block)


cdef bint groups_are_better(const ConvArgs* args) noexcept nogil:
    """A load per product, but no lane without a channel: measured."""
    cdef double by_groups = <double>args.G/<double>(ceil_div(args.G, LANES)*LANES)
    cdef double by_channels = <double>args.OC/<double>padded(args.OC)
    cdef Py_ssize_t sums = args.OC*args.IC*args.D.kernel*args.H.kernel*args.W.kernel
    return by_channels < 0.4*by_groups and sums*LANES*<Py_ssize_t>sizeof(real) <= TOTAL_BYTES


cdef int choose(const ConvArgs* args) noexcept nogil:
    if winograd_applies(args) and (args.method == METHOD_WINOGRAD
                                   or args.method == METHOD_AUTO and winograd_pays(args)):
        return WEIGHT_WINOGRAD
    if planes_apply(args):
        return WEIGHT_PLANES
    if runs_apply(args):
        return WEIGHT_RUNS
    return WEIGHT_GROUPS if groups_are_better(args) else WEIGHT_PANELS


cdef rare weight_plan(WeightArgs* all) noexcept nogil:
    """Fills in everything under "the schedule" in WeightArgs."""
    cdef ConvArgs* args = &all.layer
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t units
    cdef double work
    all.n_elements = args.G*args.OC*args.IC*taps
    all.algorithm = choose(args)
    all.swapped = False
    all.only_finite = all.algorithm != WEIGHT_PANELS and all.algorithm != WEIGHT_GROUPS
    if all.algorithm == WEIGHT_WINOGRAD:
        units = plan_winograd(all)
    elif all.algorithm == WEIGHT_PLANES:
        units = plan_planes(all)
    elif all.algorithm == WEIGHT_RUNS:
        units = plan_runs(all)
    elif all.algorithm == WEIGHT_GROUPS:
        units = plan_groups(all)
    else:
        units = plan_panels(all)
    all.n_blocks = count_blocks(all)
    work = <double>all.n_elements*args.N*args.D.output*args.H.output*args.W.output/units
    if all.algorithm == WEIGHT_PANELS or all.algorithm == WEIGHT_WINOGRAD:
        work = work*padded(args.OC)/args.OC         # lanes without a channel take their time as well
    all.n_chunks = max(ceil_div(TASKS, units), <Py_ssize_t>(work/TASK_WORK))
    all.n_chunks = min(all.n_chunks, PARTIAL_BYTES//<Py_ssize_t>sizeof(real)//all.n_elements)
    all.n_chunks = max(<Py_ssize_t>1, min(all.n_chunks, all.n_blocks))
    all.n_tasks = units*all.n_chunks
    all.n_combine = 0 if all.n_chunks == 1 else ceil_div(all.n_elements, COMBINED)


cdef void weight_run(const void* opaque, char* scratch, Py_ssize_t first, Py_ssize_t last,
                     int num_threads) noexcept nogil:
    """Tasks first..last-1."""
    cdef const WeightArgs* args = <const WeightArgs*>opaque
    cdef Py_ssize_t task
    if num_threads == 1:
        for task in range(first, last):
            weight_task(args, scratch, task)
    else:
        for task in prange(first, last, schedule="dynamic", num_threads=num_threads):
            weight_task(args, scratch + threadid()*args.scratch_bytes, task)


cdef inline void weight_task(const WeightArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    if args.algorithm == WEIGHT_WINOGRAD:
        winograd_task(args, scratch, task)
    elif args.algorithm == WEIGHT_PLANES:
        planes_task(args, scratch, task)
    elif args.algorithm == WEIGHT_RUNS:
        runs_task(args, scratch, task)
    elif args.algorithm == WEIGHT_GROUPS:
        groups_task(args, scratch, task)
    else:
        panels_task(args, scratch, task)


cdef void weight_combine(const void* opaque, char* scratch, Py_ssize_t first, Py_ssize_t last,
                         int num_threads) noexcept nogil:
    """Tasks first..last-1 of adding up partial sums; one thread: memory is what they wait for."""
    cdef const WeightArgs* args = <const WeightArgs*>opaque
    cdef Py_ssize_t task
    for task in range(first, last):
        combine_task(args, task)


cdef inline void combine_task(const WeightArgs* args, Py_ssize_t task) noexcept nogil:
    """total = the sum of all chunks, in pairs."""
    cdef Py_ssize_t begin = task*COMBINED
    cdef Py_ssize_t end = min(args.n_elements, begin + COMBINED)
    cdef Py_ssize_t step = 1, chunk, i
    cdef real* one
    cdef const real* other
    while step < args.n_chunks:
        chunk = 0
        while chunk + step < args.n_chunks:
            one = sums_of_chunk(args, chunk)
            other = sums_of_chunk(args, chunk + step)
            for i in range(begin, end):
                one[i] = one[i] + other[i]
            chunk += 2*step
        step *= 2


cdef void exchange_plan(ExchangeArgs* args) noexcept nogil:
    plan_exchange(args)


cdef void exchange_run(const void* opaque, char* scratch, Py_ssize_t first, Py_ssize_t last,
                       int num_threads) noexcept nogil:
    """Tasks first..last-1 of exchanging channels."""
    cdef const ExchangeArgs* args = <const ExchangeArgs*>opaque
    cdef Py_ssize_t task
    if num_threads == 1:
        for task in range(first, last):
            exchange_task(args, task)
    else:
        for task in prange(first, last, schedule="dynamic", num_threads=num_threads):
            exchange_task(args, task)


cdef WeightKernels kernels
kernels.abi = KERNEL_ABI
kernels.lanes = LANES
kernels.plan = weight_plan
kernels.run = weight_run
kernels.combine = weight_combine
kernels.plan_exchange = exchange_plan
kernels.exchange = exchange_run
CAPSULE = PyCapsule_New(&kernels, "cconv.WeightKernels", NULL)
