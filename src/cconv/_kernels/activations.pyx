"""Activations for one floating-point type at one SIMD level.

Design:
a. A task is a run of elements in the order of the array's axes, merged and sorted by the core, so that neighbours in
   memory are neighbours there. Runs that lie side by side are read and written in place; others are gathered,
   converted, into a tile, however short their rows are.
b. One loop for every function (map_elements in vmath.h), which is a literal at its call.
c. An element's bits depend on nothing but its arguments; sums of softmax follow from the shape (softmax.pxd).
"""
from cpython.pycapsule cimport PyCapsule_New
from cython.parallel cimport prange, threadid

from cconv._kernels.elements cimport is_native, load_row, store_row
from cconv._kernels.simd cimport LANES, real
from cconv._kernels.softmax cimport soft_plan, soft_task, soft_units
from cconv._kernels.types cimport (
    KERNEL_ABI, MAP_ELU, MAP_ELU_GRAD, MAP_IDENTITY, MAP_LEAKY, MAP_LEAKY_GRAD, MAP_RELU, MAP_RELU_GRAD,
    MAP_SIGMOID, MAP_SIGMOID_GRAD, MAP_SLOPE_GRAD, MAP_SOFTMAX, MAP_TANH, MAP_TANH_GRAD, MAX_BATCH_AXES, MapArgs,
    MapKernels, Operand,
)
from cconv._kernels.vmath cimport (
    element_elu, element_elu_grad, element_identity, element_leaky, element_leaky_grad, element_relu,
    element_relu_grad, element_sigmoid, element_sigmoid_grad, element_slope_grad, element_tanh, element_tanh_grad,
    map_elements,
)

cdef enum:
    TASK = 16384                # elements; 3 us where they are copied within the second-level cache
    TILE = 512                  # elements that are gathered: four tiles of float64 fill half of a first-level cache


cdef inline bint is_ready(const Operand* operand, int ndim) noexcept nogil:
    """There is none, or each of its elements is a real, at a multiple of its size."""
    cdef size_t misaligned = <size_t>operand.data | <size_t>operand.along
    cdef int axis
    for axis in range(ndim):
        misaligned |= <size_t>operand.strides[axis]
    return operand.data == NULL or is_native(operand.dtype) and misaligned % sizeof(real) == 0


cdef inline bint is_plain(const Operand* operand, int ndim) noexcept nogil:
    """Rows can be used where they lie."""
    return is_ready(operand, ndim) and (operand.data == NULL or operand.strides[ndim - 1] == sizeof(real))


cdef void map_plan(MapArgs* args) noexcept nogil:
    cdef Py_ssize_t total = 1
    cdef int axis
    args.columns = 1
    args.across = False
    if args.op >= MAP_SOFTMAX:
        args.direct = is_ready(&args.x, args.ndim) and is_ready(&args.y, args.ndim) and is_ready(&args.grad, args.ndim)
        soft_plan(args, TASK)
        return
    for axis in range(args.ndim):
        total *= args.shape[axis]
    args.direct = is_plain(&args.x, args.ndim) and is_plain(&args.grad, args.ndim) and is_plain(&args.y, args.ndim) \
        and (is_plain(&args.slope, args.ndim)
             or args.slope.strides[args.ndim - 1] == 0 and is_ready(&args.slope, args.ndim))
    args.unit = TASK
    args.n_tasks = (total + TASK - 1)//TASK
    args.scratch_bytes = 4*TILE*sizeof(real)


cdef inline void map_row(const MapArgs* args, real* y, const real* x, const real* grad, const real* slope,
                         bint per_element, Py_ssize_t n) noexcept nogil:
    """n neighbours. slope: one for all of them, or one for each."""
    cdef real low = <real>(args.parameter - <double><real>args.parameter)
    if args.op == MAP_IDENTITY:
        map_elements(element_identity, y, x, NULL, NULL, False, False, low, n)
    elif args.op == MAP_RELU:
        map_elements(element_relu, y, x, NULL, NULL, False, False, low, n)
    elif args.op == MAP_RELU_GRAD:
        map_elements(element_relu_grad, y, x, grad, NULL, True, False, low, n)
    elif args.op == MAP_LEAKY and per_element:
        map_elements(element_leaky, y, x, NULL, slope, False, True, low, n)
    elif args.op == MAP_LEAKY:
        map_elements(element_leaky, y, x, NULL, slope, False, False, low, n)
    elif args.op == MAP_LEAKY_GRAD and per_element:
        map_elements(element_leaky_grad, y, x, grad, slope, True, True, low, n)
    elif args.op == MAP_LEAKY_GRAD:
        map_elements(element_leaky_grad, y, x, grad, slope, True, False, low, n)
    elif args.op == MAP_SLOPE_GRAD:
        map_elements(element_slope_grad, y, x, grad, NULL, True, False, low, n)
    elif args.op == MAP_ELU:
        map_elements(element_elu, y, x, NULL, slope, False, False, low, n)
    elif args.op == MAP_ELU_GRAD:
        map_elements(element_elu_grad, y, x, grad, slope, True, False, low, n)
    elif args.op == MAP_SIGMOID:
        map_elements(element_sigmoid, y, x, NULL, NULL, False, False, low, n)
    elif args.op == MAP_SIGMOID_GRAD:
        map_elements(element_sigmoid_grad, y, x, grad, NULL, True, False, low, n)
    elif args.op == MAP_TANH:
        map_elements(element_tanh, y, x, NULL, NULL, False, False, low, n)
    elif args.op == MAP_TANH_GRAD:
        map_elements(element_tanh_grad, y, x, grad, NULL, True, False, low, n)


cdef struct Place:
    Py_ssize_t index[MAX_BATCH_AXES]


cdef inline Py_ssize_t offset_of(const Operand* operand, const Place* place, int ndim) noexcept nogil:
    cdef Py_ssize_t offset = 0
    cdef int axis
    for axis in range(ndim):
        offset += place.index[axis]*operand.strides[axis]
    return offset


cdef inline void advance(Place* place, const MapArgs* args, Py_ssize_t n) noexcept nogil:
    """n elements on, at most to the end of the row."""
    cdef int axis = args.ndim - 1
    place.index[axis] += n
    while axis > 0 and place.index[axis] == args.shape[axis]:
        place.index[axis] = 0
        axis -= 1
        place.index[axis] += 1


cdef inline void gather(real* tile, const Operand* operand, const MapArgs* args, Place place,
                        Py_ssize_t n) noexcept nogil:
    """n elements from `place` on."""
    cdef int last = args.ndim - 1
    cdef Py_ssize_t part
    if operand.data == NULL:
        return
    while n > 0:
        part = min(n, args.shape[last] - place.index[last])
        load_row(tile, operand.data + offset_of(operand, &place, args.ndim), part, operand.strides[last],
                 operand.dtype)
        advance(&place, args, part)
        tile += part
        n -= part


cdef inline void scatter(const real* tile, const Operand* operand, const MapArgs* args, Place* place,
                         Py_ssize_t n) noexcept nogil:
    """The inverse; moves `place`."""
    cdef int last = args.ndim - 1
    cdef Py_ssize_t part
    while n > 0:
        part = min(n, args.shape[last] - place.index[last])
        store_row(operand.data + offset_of(operand, place, args.ndim), tile, part, operand.strides[last],
                  operand.dtype)
        advance(place, args, part)
        tile += part
        n -= part


cdef void map_task(const MapArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    cdef Py_ssize_t left = TASK, total = 1, n, rest = task*TASK
    cdef int axis, last = args.ndim - 1
    cdef Place place
    cdef real* tile = <real*>scratch
    cdef real parameter = <real>args.parameter
    cdef const real* slope = &parameter
    for axis in range(last, -1, -1):
        place.index[axis] = rest % args.shape[axis]
        rest //= args.shape[axis]
        total *= args.shape[axis]
    left = min(left, total - task*TASK)
    while left > 0:
        n = min(left, args.shape[last] - place.index[last])
        if args.direct and (n >= LANES or n == left):
            if args.slope.data != NULL:
                slope = <const real*>(args.slope.data + offset_of(&args.slope, &place, args.ndim))
            map_row(args, <real*>(args.y.data + offset_of(&args.y, &place, args.ndim)),
                    <const real*>(args.x.data + offset_of(&args.x, &place, args.ndim)),
                    <const real*>(args.grad.data + offset_of(&args.grad, &place, args.ndim)), slope,
                    args.slope.data != NULL and args.slope.strides[last] != 0, n)
            advance(&place, args, n)
        else:
            n = min(left, <Py_ssize_t>TILE)
            gather(tile, &args.x, args, place, n)
            gather(tile + TILE, &args.grad, args, place, n)
            gather(tile + 2*TILE, &args.slope, args, place, n)
            map_row(args, tile + 3*TILE, tile, tile + TILE, tile + 2*TILE if args.slope.data != NULL else &parameter,
                    args.slope.data != NULL, n)
            scatter(tile + 3*TILE, &args.y, args, &place, n)
        left -= n


cdef inline void run_task(const MapArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    if args.op >= MAP_SOFTMAX:
        soft_task(args, scratch, task*args.unit, min(soft_units(args), (task + 1)*args.unit))
    else:
        map_task(args, scratch, task)


cdef void map_run(const void* opaque, char* scratch, Py_ssize_t first, Py_ssize_t last,
                  int num_threads) noexcept nogil:
    cdef const MapArgs* args = <const MapArgs*>opaque
    cdef Py_ssize_t task
    if num_threads == 1:
        for task in range(first, last):
            run_task(args, scratch, task)
    else:
        for task in prange(first, last, schedule="dynamic", num_threads=num_threads):
            run_task(args, scratch + threadid()*args.scratch_bytes, task)


cdef MapKernels kernels
kernels.abi = KERNEL_ABI
kernels.lanes = LANES
kernels.plan = map_plan
kernels.run = map_run
CAPSULE = PyCapsule_New(&kernels, "cconv.MapKernels", NULL)
