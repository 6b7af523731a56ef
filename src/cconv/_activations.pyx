"""Running the kernels of activations: which axes there are, in which order they are walked.

Design:
a. Axes that are neighbours in every array become one, and the others are sorted by the output's strides: whatever the
   layout, a kernel walks memory forwards, and a contiguous array of any rank is one row.
b. No validation: activations.py has done it. Nothing is kept from call to call: there is little to find out.
"""
cimport numpy as cnp

from cconv._core cimport dtype_codes, load_table, run_tasks, watched
from cconv._kernels.types cimport (
    DT_SWAPPED, MAP_ELU, MAP_ELU_GRAD, MAP_IDENTITY, MAP_LEAKY, MAP_LEAKY_GRAD, MAP_LOG_SOFTMAX,
    MAP_LOG_SOFTMAX_GRAD, MAP_RELU, MAP_RELU_GRAD, MAP_SIGMOID, MAP_SIGMOID_GRAD, MAP_SLOPE_GRAD, MAP_SOFTMAX,
    MAP_SOFTMAX_GRAD, MAP_TANH, MAP_TANH_GRAD, MapArgs, MapKernels, Operand,
)
from cconv._kernels.watch cimport Watch
from cconv._limits cimport threads_for

cnp.import_array()

IDENTITY, RELU, RELU_GRAD = MAP_IDENTITY, MAP_RELU, MAP_RELU_GRAD
LEAKY, LEAKY_GRAD, SLOPE_GRAD = MAP_LEAKY, MAP_LEAKY_GRAD, MAP_SLOPE_GRAD
ELU, ELU_GRAD, SIGMOID, SIGMOID_GRAD, TANH, TANH_GRAD = (
    MAP_ELU, MAP_ELU_GRAD, MAP_SIGMOID, MAP_SIGMOID_GRAD, MAP_TANH, MAP_TANH_GRAD)
SOFTMAX, LOG_SOFTMAX, SOFTMAX_GRAD, LOG_SOFTMAX_GRAD = (
    MAP_SOFTMAX, MAP_LOG_SOFTMAX, MAP_SOFTMAX_GRAD, MAP_LOG_SOFTMAX_GRAD)

# What an element costs, in the core's units (a multiply-add of a convolution): two threads take 400,000 to pay.
cdef double MOVED = 20, COMPUTED = 40

cdef MapKernels* f32_kernels = <MapKernels*>load_table("activations", "f32", b"cconv.MapKernels")
cdef MapKernels* f64_kernels = <MapKernels*>load_table("activations", "f64", b"cconv.MapKernels")


cdef int fill_operand(Operand* operand, cnp.ndarray array, int along, const int* order, int ndim) except -1:
    cdef int i
    operand.data = cnp.PyArray_BYTES(array)
    operand.dtype = dtype_codes()[cnp.PyArray_TYPE(array)] | (DT_SWAPPED if cnp.PyArray_ISBYTESWAPPED(array) else 0)
    operand.along = 0 if along < 0 else cnp.PyArray_STRIDES(array)[along]
    for i in range(ndim):
        operand.strides[i] = cnp.PyArray_STRIDES(array)[order[i]]
    return 0


cdef inline bint follow(const Operand* operand, int axis, Py_ssize_t extent) noexcept:
    """Whether axis - 1 goes on where `axis` ends."""
    return operand.data == NULL or operand.strides[axis - 1] == extent*operand.strides[axis]


cdef inline void drop(Operand* operand, int axis, int ndim) noexcept:
    """Let `axis` take the place of the one before it."""
    cdef int i
    for i in range(axis - 1, ndim - 1):
        operand.strides[i] = operand.strides[i + 1]


cdef void merge_axes(MapArgs* args) noexcept:
    cdef int axis = args.ndim - 1, i
    while axis > 0:
        if (follow(&args.x, axis, args.shape[axis]) and follow(&args.y, axis, args.shape[axis])
                and follow(&args.grad, axis, args.shape[axis]) and follow(&args.slope, axis, args.shape[axis])):
            args.shape[axis] *= args.shape[axis - 1]
            for i in range(axis - 1, args.ndim - 1):
                args.shape[i] = args.shape[i + 1]
            drop(&args.x, axis, args.ndim)
            drop(&args.y, axis, args.ndim)
            drop(&args.grad, axis, args.ndim)
            drop(&args.slope, axis, args.ndim)
            args.ndim -= 1
        axis -= 1


def run(int op, cnp.ndarray x not None, cnp.ndarray grad, cnp.ndarray slope, cnp.ndarray out not None, int axis,
        double parameter, num_threads):
    """Write op(x) into `out`, an array of the same shape: computed in float64 if that or `x` is wider than float32,
    else in float32.

    `out` shares no memory with the others, unless it is exactly `x` or `grad`. slope: one per element, of any strides.
    axis: that of softmax, or -1."""
    cdef MapArgs args
    cdef Watch watch
    cdef MapKernels* kernels = f32_kernels
    cdef int order[64]
    cdef int i, k, ndim = 0, threads
    cdef Py_ssize_t stride
    cdef double work
    if cnp.PyArray_SIZE(out) == 0:
        return out
    for i in range(cnp.PyArray_NDIM(out)):              # insertion sort, by falling strides of the output
        if i == axis or cnp.PyArray_DIM(out, i) == 1:
            continue
        stride = abs(cnp.PyArray_STRIDES(out)[i])
        k = ndim
        while k > 0 and abs(cnp.PyArray_STRIDES(out)[order[k - 1]]) < stride:
            order[k] = order[k - 1]
            k -= 1
        order[k] = i
        ndim += 1
    args.op = op
    args.parameter = parameter
    args.watch = watched(&watch)
    args.length = 1 if axis < 0 else cnp.PyArray_DIM(out, axis)
    args.grad.data = args.slope.data = NULL
    args.ndim = max(ndim, 1)
    args.shape[0] = args.x.strides[0] = args.y.strides[0] = 1
    for i in range(args.ndim):
        args.grad.strides[i] = args.slope.strides[i] = 0
    for i in range(ndim):
        args.shape[i] = cnp.PyArray_DIM(out, order[i])
    fill_operand(&args.x, x, axis, order, ndim)
    fill_operand(&args.y, out, axis, order, ndim)
    args.grad.along = 0
    if grad is not None:
        fill_operand(&args.grad, grad, axis, order, ndim)
    if slope is not None:
        fill_operand(&args.slope, slope, axis, order, ndim)
    merge_axes(&args)
    if cnp.PyArray_ITEMSIZE(out) > 4 or cnp.PyArray_ITEMSIZE(x) > 4:
        kernels = f64_kernels
    work = (COMPUTED if op >= MAP_ELU else MOVED)*cnp.PyArray_SIZE(out)
    threads = threads_for(num_threads, work)
    kernels.plan(&args)
    run_tasks(kernels.run, &args, args.n_tasks, &args.scratch_bytes, <int>min(<Py_ssize_t>threads, args.n_tasks), work)
    return out
