"""Softmax along an axis of any stride: rows whose samples are neighbours one by one, others side by side in lanes."""
from libc.math cimport INFINITY

from cconv._kernels.elements cimport load_row, store_row
from cconv._kernels.simd cimport LANES, inlined, real
from cconv._kernels.types cimport MAP_LOG_SOFTMAX, MAP_LOG_SOFTMAX_GRAD, MAP_SOFTMAX, MAP_SOFTMAX_GRAD, MapArgs
from cconv._kernels.vmath cimport (
    SOFT_LOG, SOFT_LOG_GRAD, SOFT_MAX, SOFT_MAX_GRAD, soft_begin, soft_columns_add, soft_columns_peak,
    soft_columns_store, soft_end, soft_peaked, soft_row_add, soft_row_end, soft_row_peak, soft_row_store, soft_totals,
    vsplat,
)
from cconv._kernels.watch cimport LOOK_AFTER, must_stop

cdef enum:
    PIECE = 512                 # samples of a row that are converted at a time
    COLUMNS = 128               # rows side by side
    HELD = 8192                 # samples that are kept, converted, between the passes
    SHORT = 4                   # vectors: shorter rows go side by side, or their tails and folds take most of the time


cdef inline void soft_plan(MapArgs* args, Py_ssize_t task_elements) noexcept nogil:
    cdef Py_ssize_t inner = args.shape[args.ndim - 1], rows = 1, along = args.x.along
    cdef int axis
    cdef bint neighbours = True
    for axis in range(args.ndim):
        rows *= args.shape[axis]
        if args.shape[axis] > 1 and args.x.strides[axis]*args.x.strides[axis] < along*along:
            neighbours = False
    # two rows side by side of 50 million samples each took ten times as long as one after the other
    args.across = not neighbours and 2*inner >= LANES or args.length < SHORT*LANES and inner >= LANES
    if args.across:
        args.columns = min(<Py_ssize_t>COLUMNS, (inner + LANES - 1)//LANES*LANES)
        rows = rows//inner*((inner + args.columns - 1)//args.columns)
        args.unit = max(<Py_ssize_t>1, task_elements//(args.columns*args.length))
        args.direct = args.direct and args.x.strides[args.ndim - 1] == sizeof(real) \
            and args.y.strides[args.ndim - 1] == sizeof(real) \
            and (args.grad.data == NULL or args.grad.strides[args.ndim - 1] == sizeof(real))
    else:
        args.unit = max(<Py_ssize_t>1, task_elements//args.length)
        args.direct = args.direct and args.x.along == sizeof(real) and args.y.along == sizeof(real) \
            and (args.grad.data == NULL or args.grad.along == sizeof(real))
    args.n_tasks = (rows + args.unit - 1)//args.unit
    args.scratch_bytes = (2*max(<Py_ssize_t>PIECE, held_samples(args)) + PIECE)*sizeof(real) \
        + args.columns//LANES*sizeof(soft_totals)


cdef inline Py_ssize_t held_samples(const MapArgs* args) noexcept nogil:
    """Samples of a row, or of a block of columns, that are kept between the passes; 0: too many, each pass converts
    them again."""
    cdef Py_ssize_t samples = args.length*args.columns
    return samples if samples <= HELD else 0


cdef inline inlined along_row(int kind, const MapArgs* args, char* scratch, const char* x, const char* grad,
                              char* y) noexcept nogil:
    """One row: where it lies, from scratch, or piece by piece."""
    cdef Py_ssize_t n, start, done = 0
    cdef bint has_grad = kind == SOFT_MAX_GRAD or kind == SOFT_LOG_GRAD
    cdef bint whole = args.direct or held_samples(args) > 0
    cdef real* held = <real*>scratch
    cdef real* held_grad = held + max(<Py_ssize_t>PIECE, held_samples(args))
    cdef const real* samples = held
    cdef const real* gradients = held_grad
    cdef real* results = held
    cdef real peak = <real>-INFINITY
    cdef soft_totals totals
    cdef int stage
    soft_begin(&totals)
    for stage in range(3):
        start = 0
        while start < args.length:
            n = min(<Py_ssize_t>LOOK_AFTER if whole else <Py_ssize_t>PIECE, args.length - start)
            if args.direct:
                samples, results = <const real*>x + start, <real*>y + start
                if has_grad:
                    gradients = <const real*>grad + start
            if not args.direct and (stage == 0 or not whole):
                load_row(held, x + start*args.x.along, n, args.x.along, args.x.dtype)
                if has_grad:
                    load_row(held_grad, grad + start*args.grad.along, n, args.grad.along, args.grad.dtype)
            if stage == 0:
                peak = soft_row_peak(samples, n, peak)
            elif stage == 1 and whole and kind != SOFT_LOG:
                soft_row_add(kind, True, &totals, results, samples, gradients, n)
            elif stage == 1:
                soft_row_add(kind, False, &totals, results, samples, gradients, n)
            elif whole and kind != SOFT_LOG:
                soft_row_store(kind, True, results, &totals, results, gradients, n)
            else:
                soft_row_store(kind, False, results, &totals, samples, gradients, n)
            if stage == 2 and not args.direct:
                store_row(y + start*args.y.along, results, n, args.y.along, args.y.dtype)
            start += n
            if must_stop(args.watch, &done, n):
                return
        if stage == 0:
            totals.peak = vsplat(peak)
            soft_peaked(&totals)
        elif stage == 1:
            soft_row_end(kind, &totals)


cdef inline inlined across_block(int kind, const MapArgs* args, char* scratch, const char* x, const char* grad, char* y,
                                 Py_ssize_t n) noexcept nogil:
    """n rows side by side."""
    cdef Py_ssize_t padded = (n + LANES - 1)//LANES*LANES, row, i, held = held_samples(args), done = 0
    cdef Py_ssize_t x_step = args.x.strides[args.ndim - 1], y_step = args.y.strides[args.ndim - 1]
    cdef Py_ssize_t grad_step = args.grad.strides[args.ndim - 1]
    cdef bint has_grad = kind == SOFT_MAX_GRAD or kind == SOFT_LOG_GRAD
    cdef bint direct = args.direct and n == padded
    cdef bint keep = kind != SOFT_LOG and (direct or held > 0)
    cdef soft_totals* totals = <soft_totals*>scratch
    cdef real* first = <real*>(scratch + args.columns//LANES*sizeof(soft_totals))
    cdef real* first_grad = first + max(<Py_ssize_t>PIECE, held)
    cdef real* results
    cdef const real* samples
    cdef const real* gradients
    cdef int stage
    for i in range(padded//LANES):
        soft_begin(totals + i)
    for stage in range(3):
        for row in range(args.length):
            if must_stop(args.watch, &done, n):
                return
            if direct:
                samples = <const real*>(x + row*args.x.along)
                gradients = <const real*>(grad + row*args.grad.along)
                results = <real*>(y + row*args.y.along)
            else:
                results = first + (row*padded if held else 0)
                samples = results
                gradients = first_grad + (row*padded if held else 0)
                if stage == 0 or not held:
                    load_row(results, x + row*args.x.along, n, x_step, args.x.dtype)
                    if has_grad:
                        load_row(<real*>gradients, grad + row*args.grad.along, n, grad_step, args.grad.dtype)
            if stage == 0:
                soft_columns_peak(totals, samples, padded)
            elif stage == 1 and keep:
                soft_columns_add(kind, True, totals, results, samples, gradients, padded)
            elif stage == 1:
                soft_columns_add(kind, False, totals, results, samples, gradients, padded)
            elif keep:
                soft_columns_store(kind, True, results, totals, results, gradients, padded)
            else:
                soft_columns_store(kind, False, results, totals, samples, gradients, padded)
            if stage == 2 and not direct:
                store_row(y + row*args.y.along, results, n, y_step, args.y.dtype)
        if stage == 0:
            for i in range(padded//LANES):
                soft_peaked(totals + i)
        elif stage == 1:
            for i in range(padded//LANES):
                soft_end(kind, totals + i)


cdef inline inlined soft_rows(int kind, const MapArgs* args, char* scratch, Py_ssize_t first,
                              Py_ssize_t last) noexcept nogil:
    """Rows, or blocks of columns, first..last-1."""
    cdef Py_ssize_t inner = args.shape[args.ndim - 1], number, rest, index, n, x, grad, y
    cdef Py_ssize_t blocks = (inner + args.columns - 1)//args.columns if args.across else inner
    cdef int axis
    for number in range(first, last):
        index = number % blocks*(args.columns if args.across else 1)
        n = min(args.columns, inner - index)
        x = index*args.x.strides[args.ndim - 1]
        grad = index*args.grad.strides[args.ndim - 1]
        y = index*args.y.strides[args.ndim - 1]
        rest = number//blocks
        for axis in range(args.ndim - 2, -1, -1):
            index = rest % args.shape[axis]
            rest //= args.shape[axis]
            x += index*args.x.strides[axis]
            grad += index*args.grad.strides[axis]
            y += index*args.y.strides[axis]
        if args.across:
            across_block(kind, args, scratch, args.x.data + x, args.grad.data + grad, args.y.data + y, n)
        else:
            along_row(kind, args, scratch, args.x.data + x, args.grad.data + grad, args.y.data + y)


cdef inline void soft_task(const MapArgs* args, char* scratch, Py_ssize_t first, Py_ssize_t last) noexcept nogil:
    if args.op == MAP_SOFTMAX:
        soft_rows(SOFT_MAX, args, scratch, first, last)
    elif args.op == MAP_LOG_SOFTMAX:
        soft_rows(SOFT_LOG, args, scratch, first, last)
    elif args.op == MAP_SOFTMAX_GRAD:
        soft_rows(SOFT_MAX_GRAD, args, scratch, first, last)
    elif args.op == MAP_LOG_SOFTMAX_GRAD:
        soft_rows(SOFT_LOG_GRAD, args, scratch, first, last)


cdef inline Py_ssize_t soft_units(const MapArgs* args) noexcept nogil:
    """Rows, or blocks of columns, in all."""
    cdef Py_ssize_t rows = 1, inner = args.shape[args.ndim - 1]
    cdef int axis
    for axis in range(args.ndim - 1):
        rows *= args.shape[axis]
    return rows*((inner + args.columns - 1)//args.columns if args.across else inner)
