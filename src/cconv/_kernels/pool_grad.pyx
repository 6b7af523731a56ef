"""Gradients of pooling, adaptive windows and max_unpool, for one real type at one SIMD level.

Design:
a. Two operators: sums or maxima over spans (pool_spread.pxd, pool_pick.pxd), and samples sent where indices say
   (pool_scatter.pxd).
b. Sums exist for floating point only: integers have no gradients, and their means are float64.
c. A task is a block of rows and columns of one plane: of a channel, or of as many as lie side by side.
"""
from cpython.pycapsule cimport PyCapsule_New
from cython.parallel cimport prange, threadid

from cconv._kernels.elements cimport item_size
from cconv._kernels.pool_pick cimport pick_plan, pick_task
from cconv._kernels.pool_scatter cimport scatter_plan, scatter_task
from cconv._kernels.pool_spread cimport spread_plan, spread_task
from cconv._kernels.pool_turn cimport turn_plan, turn_task
from cconv._kernels.simd cimport FLOATING, LANES
from cconv._kernels.types cimport KERNEL_ABI, SPAN_MAX, PoolGradKernels, ScatterArgs, SpanArgs

cdef enum:
    TASK_WORK = 32768           # samples of one task, 5 to 10 us
    TASKS_PER_THREAD = 4
    MAX_UNIT = 4096             # channels of a task


cdef inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1)//b


cdef inline Py_ssize_t planes_of_task(Py_ssize_t C, Py_ssize_t N, Py_ssize_t work,
                                      int num_threads) noexcept nogil:
    """How many small planes are done by one task."""
    cdef Py_ssize_t planes = min(C, TASK_WORK//max(<Py_ssize_t>1, work))
    return max(<Py_ssize_t>1, min(planes, N*C//(TASKS_PER_THREAD*num_threads)))


cdef void span_plan(SpanArgs* args, int num_threads) noexcept nogil:
    """Lanes along W or along the channels, and tasks for all threads."""
    cdef Py_ssize_t strips, row_work, neighbours = args.y.channel
    args.unit = 1
    args.turned = 0
    # a few channels are too short a run for vectors, unless the row is one run
    if args.C > 1 and neighbours == item_size(args.y.dtype) \
            and (args.C >= LANES or args.W.stride == 1 and not args.W.adaptive):
        args.unit = ceil_div(args.C, ceil_div(args.C, MAX_UNIT))
    if args.kind == SPAN_MAX:
        pick_plan(args)
    else:
        spread_plan(args)
        turn_plan(args)
    row_work = args.column_block*args.unit*max(<Py_ssize_t>1, args.W.sources//args.W.size) \
        * max(<Py_ssize_t>1, args.H.sources//args.H.size)
    args.row_block = max(<Py_ssize_t>1, min(args.H.size, TASK_WORK//max(<Py_ssize_t>1, row_work)))
    args.planes = 1
    if args.unit == 1:
        args.planes = planes_of_task(args.C, args.N, row_work*args.H.size, num_threads)
        if args.turned:             # whole vectors of channels, so that the number of threads does not say which are
            args.planes = max(<Py_ssize_t>1, args.planes//args.turned)*args.turned
    strips = args.N*ceil_div(args.C, args.unit*args.planes)*args.D.size*ceil_div(args.W.size, args.column_block)
    while args.row_block > 1 and strips*ceil_div(args.H.size, args.row_block) < TASKS_PER_THREAD*num_threads:
        args.row_block = (args.row_block + 1)//2
    args.n_tasks = strips*ceil_div(args.H.size, args.row_block)


cdef void span_task(const SpanArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    cdef Py_ssize_t n_w = ceil_div(args.W.size, args.column_block)
    cdef Py_ssize_t n_h = ceil_div(args.H.size, args.row_block)
    cdef Py_ssize_t block = args.unit*args.planes
    cdef Py_ssize_t n_c = ceil_div(args.C, block)
    cdef Py_ssize_t w = task % n_w*args.column_block
    cdef Py_ssize_t h = task//n_w % n_h*args.row_block
    cdef Py_ssize_t d = task//(n_w*n_h) % args.D.size
    cdef Py_ssize_t c = task//(n_w*n_h*args.D.size) % n_c*block
    cdef Py_ssize_t rest = task//(n_w*n_h*args.D.size*n_c), index, plane
    cdef Py_ssize_t end = min(args.H.size, h + args.row_block)
    cdef Py_ssize_t channels = min(block, args.C - c)
    cdef int axis
    cdef const char* x = args.x.data + c*args.x.channel
    cdef const char* norms = args.norms.data
    cdef const char* samples = args.samples.data
    cdef char* y = args.y.data + c*args.y.channel
    cdef char* indices = args.indices.data
    if args.norm != 0:
        norms += c*args.norms.channel
        samples += c*args.samples.channel
    if args.with_indices:
        indices += c*args.indices.channel
    for axis in range(args.batch_ndim - 1, -1, -1):
        index = rest % args.batch_shape[axis]
        rest //= args.batch_shape[axis]
        x += index*args.x.batch[axis]
        y += index*args.y.batch[axis]
        if args.norm != 0:
            norms += index*args.norms.batch[axis]
            samples += index*args.samples.batch[axis]
        if args.with_indices:
            indices += index*args.indices.batch[axis]
    if args.kind == SPAN_MAX:
        for plane in range(channels if args.unit == 1 else 1):
            pick_task(args, scratch, x + plane*args.x.channel, y + plane*args.y.channel,
                      indices + (plane*args.indices.channel if args.with_indices else 0), d, h, end, w,
                      channels if args.unit > 1 else 1)
    elif FLOATING and args.turned:
        turn_task(args, scratch, x, y, h, end, channels)
    elif FLOATING:
        spread_task(args, scratch, x, norms, y, samples, d, h, end, w, channels)


cdef inline Py_ssize_t chunk_of(Py_ssize_t tasks, int num_threads) noexcept nogil:
    """Planes of a few samples are done faster than a thread takes its next task."""
    return max(<Py_ssize_t>1, min(<Py_ssize_t>64, tasks//(8*num_threads)))


cdef void span_run(const void* opaque, char* scratch, Py_ssize_t first, Py_ssize_t last,
                   int num_threads) noexcept nogil:
    cdef const SpanArgs* args = <const SpanArgs*>opaque
    cdef Py_ssize_t task, chunk = chunk_of(last - first, num_threads)
    if num_threads == 1:
        for task in range(first, last):
            span_task(args, scratch, task)
    else:
        for task in prange(first, last, schedule="dynamic", chunksize=chunk, num_threads=num_threads):
            span_task(args, scratch + threadid()*args.scratch_bytes, task)


cdef void scatter_run(const void* opaque, char* scratch, Py_ssize_t first, Py_ssize_t last,
                      int num_threads) noexcept nogil:
    cdef const ScatterArgs* args = <const ScatterArgs*>opaque
    cdef Py_ssize_t task, chunk = chunk_of(last - first, num_threads)
    if num_threads == 1:
        for task in range(first, last):
            scatter_task(args, scratch, task)
    else:
        for task in prange(first, last, schedule="dynamic", chunksize=chunk, num_threads=num_threads):
            scatter_task(args, scratch + threadid()*args.scratch_bytes, task)


cdef void scatter_schedule(ScatterArgs* args, int num_threads) noexcept nogil:
    args.planes = planes_of_task(args.C, args.N, args.D*args.H*args.W + 4*args.SD*args.SH*args.SW, num_threads)
    scatter_plan(args, num_threads)


cdef PoolGradKernels kernels
kernels.abi = KERNEL_ABI
kernels.lanes = LANES
kernels.plan_spans = span_plan
kernels.run_spans = span_run
kernels.plan_scatter = scatter_schedule
kernels.run_scatter = scatter_run
CAPSULE = PyCapsule_New(&kernels, "cconv.PoolGradKernels", NULL)
