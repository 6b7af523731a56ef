"""Pooling for one real type at one SIMD level.

Design:
a. Three ways: maxima and sums are folded along one axis after the other (pool_fold.pxd), a window that is a whole plane
   at once (pool_planes.pxd); where a window must be walked in order, it is walked tap by tap (pool_walk.pxd). 8- and
   16-bit reals exist for maxima and minima without indices only.
b. The lanes run along W, or along the channels where those are neighbours in memory (channels last).
c. A task is a block of output rows and columns of one plane: of a channel, or of as many as lie side by side.
"""
from cpython.pycapsule cimport PyCapsule_New
from cython.parallel cimport prange, threadid

from cconv._kernels.elements cimport item_size
from cconv._kernels.pool_fold cimport fold_plan, fold_task
from cconv._kernels.pool_planes cimport fits_planes, plane_samples, plane_scratch, plane_task
from cconv._kernels.pool_walk cimport lies_inside, rows_together, walk_channels, walk_row, walk_rows, walk_scratch
from cconv._kernels.pool_window cimport Window, window_at
from cconv._kernels.simd cimport LANES, real
from cconv._kernels.types cimport KERNEL_ABI, POOL_AVG, Array, PoolArgs, PoolKernels

cdef enum:
    TASK_WORK = 65536           # samples read of one task, 5 to 10 us
    TASKS_PER_THREAD = 4
    MAX_UNIT = 4096             # channels of a task
    MIN_UNIT = 64               # and where the outputs are fewer than
    MANY_PIXELS = 64


cdef inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1)//b


cdef const char* end_of(const PoolArgs* args) noexcept nogil:
    """The end of the last sample in memory."""
    cdef Py_ssize_t last = item_size(args.x.dtype), axis
    last += max(<Py_ssize_t>0, (args.C - 1)*args.x.channel) + max(<Py_ssize_t>0, (args.D.size - 1)*args.x.d)
    last += max(<Py_ssize_t>0, (args.H.size - 1)*args.x.h) + max(<Py_ssize_t>0, (args.W.size - 1)*args.x.w)
    for axis in range(args.batch_ndim):
        last += max(<Py_ssize_t>0, (args.batch_shape[axis] - 1)*args.x.batch[axis])
    return args.x.data + last


cdef bint follow(const Array* array, Py_ssize_t rows) noexcept nogil:
    """True if the rows of a channel follow those of the one before."""
    return array.h > 0 and array.channel == rows*array.h


cdef void merge_planes(PoolArgs* args) noexcept nogil:
    """Planes that are cut into windows with nothing between, one upon the other, are one high plane: 16 channels of
    10x10 took 1.7 times as long by themselves."""
    args.plane_rows = args.H.output
    cdef bint is_cut = lies_inside(&args.W) and lies_inside(&args.H) and args.H.size == args.H.output*args.H.stride
    if is_cut and args.unit == 1 and args.C > 1 and args.D.size == 1 and args.D.output == 1 and args.D.kernel == 1 and \
            follow(&args.x, args.H.size) and follow(&args.y, args.H.output) and \
            (not args.with_indices or follow(&args.indices, args.H.output)):
        args.H.size *= args.C
        args.H.output *= args.C
        args.C = 1


cdef void plan_planes(PoolArgs* args, int num_threads) noexcept nogil:
    """Tasks of some planes each."""
    args.row_block = args.column_block = 1
    args.unit = max(<Py_ssize_t>LANES, TASK_WORK//plane_samples(args)//LANES*LANES)
    while args.unit > LANES and args.N*ceil_div(args.C, args.unit) < TASKS_PER_THREAD*num_threads:
        args.unit = ceil_div(args.unit//2, LANES)*LANES
    args.unit = min(args.unit, args.C)
    args.scratch_bytes = plane_scratch(args)
    args.n_tasks = args.N*ceil_div(args.C, args.unit)


cdef void pool_plan(PoolArgs* args, int num_threads) noexcept nogil:
    """Which way, and tasks for all threads."""
    cdef Py_ssize_t strips, row_work, overlap
    args.x_end = end_of(args)
    args.walk = sizeof(real) >= 4 and (args.with_indices or args.nan_omit and args.kind == POOL_AVG)
    args.unit = 1
    # a few channels are too short a run for vectors, unless the row is one run
    if 0 < args.x.channel < args.x.w and args.C > 1 and (args.C >= LANES or args.W.stride == 1):
        args.unit = ceil_div(args.C, ceil_div(args.C, MAX_UNIT))
    args.by_blocks = args.by_pixels = args.by_planes = False
    if not args.walk and args.unit == 1 and fits_planes(args):
        args.by_planes = True
        plan_planes(args, num_threads)
        return
    merge_planes(args)
    if args.walk:
        args.column_block = args.W.output
        args.scratch_bytes = walk_scratch(args)
        row_work = args.column_block*args.unit*args.D.kernel*args.H.kernel*args.W.kernel
    else:
        fold_plan(args)
        while args.by_pixels and args.unit >= 2*MIN_UNIT and args.H.output*args.W.output < MANY_PIXELS and \
                args.N*args.D.output*args.H.output*ceil_div(args.C, args.unit) < TASKS_PER_THREAD*num_threads:
            args.unit = ceil_div(ceil_div(args.unit, 2), MIN_UNIT)*MIN_UNIT
            fold_plan(args)
        row_work = args.column_block*args.W.stride*args.unit*(args.D.kernel*min(args.H.kernel, <Py_ssize_t>4) + 1)
    strips = args.N*ceil_div(args.C, args.unit)*args.D.output*ceil_div(args.W.output, args.column_block)
    # rows that a task of blocks reads for its first window, and that the task before has read
    overlap = args.H.kernel//args.H.stride if args.by_blocks else 0
    args.row_block = max(4*overlap, min(args.H.output, TASK_WORK//max(<Py_ssize_t>1, row_work)))
    args.row_block = max(<Py_ssize_t>1, min(args.H.output, args.row_block))
    while args.row_block > max(<Py_ssize_t>1, 4*overlap) and \
            strips*ceil_div(args.H.output, args.row_block) < TASKS_PER_THREAD*num_threads:
        args.row_block = (args.row_block + 1)//2
    while args.row_block > max(<Py_ssize_t>1, overlap) and strips*ceil_div(args.H.output, args.row_block) < num_threads:
        args.row_block = (args.row_block + 1)//2
    args.n_tasks = strips*ceil_div(args.H.output, args.row_block)


cdef void pool_task(const PoolArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    cdef Py_ssize_t n_w = ceil_div(args.W.output, args.column_block)
    cdef Py_ssize_t n_h = ceil_div(args.H.output, args.row_block)
    cdef Py_ssize_t n_c = ceil_div(args.C, args.unit)
    cdef Py_ssize_t ow = task % n_w*args.column_block
    cdef Py_ssize_t oh = task//n_w % n_h*args.row_block
    cdef Py_ssize_t od = task//(n_w*n_h) % args.D.output
    cdef Py_ssize_t c = task//(n_w*n_h*args.D.output) % n_c*args.unit
    cdef Py_ssize_t rest = task//(n_w*n_h*args.D.output*n_c)
    cdef Py_ssize_t end = min(args.H.output, oh + args.row_block)
    cdef Py_ssize_t channels = min(args.unit, args.C - c), index
    cdef int axis
    cdef const char* plane = args.x.data + c*args.x.channel
    cdef char* out = args.y.data + c*args.y.channel + od*args.y.d
    cdef char* out_indices = args.indices.data
    cdef bint include_pad = args.kind == POOL_AVG and args.count_include_pad
    cdef Window wd = window_at(&args.D, od, include_pad)
    cdef Window wh, ww
    for axis in range(args.batch_ndim - 1, -1, -1):
        index = rest % args.batch_shape[axis]
        rest //= args.batch_shape[axis]
        plane += index*args.x.batch[axis]
        out += index*args.y.batch[axis]
        out_indices += index*args.indices.batch[axis] if args.with_indices else 0
    if args.by_planes:
        wh = window_at(&args.H, 0, include_pad)
        ww = window_at(&args.W, 0, include_pad)
        plane_task(args, scratch, plane, out, channels,
                   args.divisor_override if args.divisor_override else wd.counted*wh.counted*ww.counted)
        return
    if sizeof(real) < 4 or not args.walk:
        fold_task(args, scratch, plane, out, &wd, oh, end, ow, channels, include_pad)
        return
    if args.with_indices:
        out_indices += c*args.indices.channel + od*args.indices.d
    cdef Py_ssize_t rows = rows_together(args)
    while oh < end:
        if rows > 1:
            walk_rows(args, scratch, plane, out + oh*args.y.h, out_indices + oh*args.indices.h, &wd, oh,
                      min(rows, end - oh))
            oh += rows
            continue
        wh = window_at(&args.H, oh, include_pad)
        if args.unit > 1:
            for ow in range(args.W.output):
                ww = window_at(&args.W, ow, include_pad)
                walk_channels(args, scratch, channels, plane, out + oh*args.y.h + ow*args.y.w,
                              out_indices + oh*args.indices.h + ow*args.indices.w, &wd, &wh, &ww)
        else:
            walk_row(args, scratch, plane, out + oh*args.y.h, out_indices + oh*args.indices.h, &wd, &wh,
                     wh.start - oh//args.plane_rows*args.plane_rows*args.H.stride)
        oh += 1


cdef void pool_run(const void* opaque, char* scratch, Py_ssize_t first, Py_ssize_t last,
                   int num_threads) noexcept nogil:
    cdef const PoolArgs* args = <const PoolArgs*>opaque
    cdef Py_ssize_t task
    # planes of a few samples are done faster than a thread takes its next task
    cdef Py_ssize_t chunk = max(<Py_ssize_t>1, min(<Py_ssize_t>64, (last - first)//(8*num_threads)))
    if num_threads == 1:
        for task in range(first, last):
            pool_task(args, scratch, task)
    else:
        for task in prange(first, last, schedule="dynamic", chunksize=chunk, num_threads=num_threads):
            pool_task(args, scratch + threadid()*args.scratch_bytes, task)


cdef PoolKernels kernels
kernels.abi = KERNEL_ABI
kernels.lanes = LANES
kernels.plan = pool_plan
kernels.run = pool_run
CAPSULE = PyCapsule_New(&kernels, "cconv.PoolKernels", NULL)
