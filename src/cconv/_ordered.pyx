"""The compiled half of ndimage.py: filters in scipy.ndimage's order of operations, over _kernels/ordered.pyx.

Design:
a. An `Ordered` is a geometry: which axes of arrays of one shape are filtered by how many taps, from where, past which
   borders. What is summed, and the arrays, come with each call.
b. No validation: _ndimage_arguments.py has done it.
"""
cimport numpy as cnp

from libc.math cimport fabs

from cconv._arrays cimport AxisMap, fill_array, fill_axis_map
from cconv._core cimport dtype_codes, load_table, run_tasks, watched, write_zeros
from cconv._kernels.types cimport (
    MAX_BATCH_AXES, ORD_BOX, ORD_BOX_ALONG, ORD_EVEN, ORD_GREATEST, ORD_LEAST, ORD_MAX, ORD_MIN, ORD_ODD, ORD_ROWS,
    ORD_SUM, PAD_CONSTANT, PAD_EDGE, PAD_REFLECT, PAD_SYMMETRIC, PAD_WRAP, Axis, OrderedArgs, OrderedKernels,
)
from cconv._kernels.watch cimport Watch
from cconv._limits cimport threads_for
from cconv._memory cimport free_memory, take_memory

cnp.import_array()

cdef OrderedKernels* kernels = <OrderedKernels*>load_table("ordered", "f64", b"cconv.OrderedKernels")
cdef dict BOUNDARIES = {"constant": PAD_CONSTANT, "edge": PAD_EDGE, "reflect": PAD_REFLECT,
                        "symmetric": PAD_SYMMETRIC, "wrap": PAD_WRAP}
cdef dict OPERATIONS = {"sum": ORD_SUM, "line": ORD_SUM, "min": ORD_MIN, "max": ORD_MAX, "mean": ORD_BOX,
                        "least": ORD_LEAST, "greatest": ORD_GREATEST}
cdef double EPSILON = 2.0**-52
cdef enum:
    PAGE = 4096
    LARGE = 1 << 26             # bytes; of less, all pages are cleared in 0.15 s
    TOUCH_WORK = 4              # multiply-adds that a byte of new memory costs as much time as


cdef int touch_large(cnp.ndarray out, int threads) except -1:
    """Columns touch every page of an image at once, and the system clears a new page, of up to 2 MB, when it is first
    written: 3.5 s for 20,000 x 20,000 numbers without a look at signals. So that is done before, row by row."""
    cdef Py_ssize_t size = cnp.PyArray_NBYTES(out)
    if size >= LARGE and cnp.PyArray_IS_C_CONTIGUOUS(out):
        write_zeros(out, PAGE, threads, <double>TOUCH_WORK*size)
    return 0


def leaves_none_out(cnp.ndarray weight not None):
    """Whether SciPy's sum under a window has a product for each of these weights: contiguous float64."""
    cdef const double* weights = <const double*>cnp.PyArray_DATA(weight)
    cdef Py_ssize_t tap
    if not cnp.PyArray_ISALIGNED(weight):
        return leaves_none_out(weight.copy())
    for tap in range(cnp.PyArray_SIZE(weight)):
        if not fabs(weights[tap]) > EPSILON:
            return False
    return True


cdef class Ordered:
    """A filter of one geometry.

    `operation`: "sum" of a box of weights, which leaves out those under float64's epsilon; "line", a sum along one
    axis; "min" and "max" under a footprint; "mean", a running mean, and "least" and "greatest", running extrema that
    take NaN as it comes, along one axis."""
    cdef readonly object geometry
    cdef OrderedArgs args
    cdef Py_ssize_t batch_shape[MAX_BATCH_AXES]
    cdef AxisMap map
    cdef Py_ssize_t box
    cdef bint is_line
    cdef double outputs

    def __init__(self, str operation, geometry, tuple kernel, tuple pad, tuple boundary, double cval,
                 int along=-1):
        """`kernel`, `pad` (before) and `boundary` (numpy.pad's name): of depth, height and width. `along`: the axis of
        what is no window."""
        cdef OrderedArgs* args = &self.args
        cdef Axis* canonical[3]
        cdef int i
        self.geometry = geometry
        canonical[0], canonical[1], canonical[2] = &args.D, &args.H, &args.W
        self.box = 1
        self.outputs = geometry.unit
        for i in range(3):
            canonical[i].size = geometry.sizes[i]
            canonical[i].kernel = kernel[i]
            canonical[i].pad = pad[i]
            canonical[i].boundary = BOUNDARIES[boundary[i]]
            self.box *= kernel[i]
            self.outputs *= <double>canonical[i].size
        args.batch_ndim = len(geometry.batch)
        args.N = 1
        for i in range(args.batch_ndim):
            self.batch_shape[i] = geometry.batch_shape[i]
            args.N *= self.batch_shape[i]
        self.outputs *= <double>args.N
        args.batch_shape = self.batch_shape
        args.cval = cval
        args.unit = geometry.unit
        args.op = OPERATIONS[operation]
        self.is_line = operation == "line"
        if args.op == ORD_BOX and geometry.axes[2] == along:
            args.op = ORD_BOX_ALONG
        fill_axis_map(&self.map, geometry.batch, (-1, *geometry.axes))

    def run(self, cnp.ndarray input not None, cnp.ndarray weight, cnp.ndarray out not None, num_threads=None):
        """Filter `input` into `out`, which may be the same memory if one axis is filtered. `weight`: contiguous
        float64, or a footprint of bool; None where there is none."""
        cdef OrderedArgs args = self.args
        cdef Py_ssize_t x_batch[MAX_BATCH_AXES]
        cdef Py_ssize_t y_batch[MAX_BATCH_AXES]
        cdef int threads
        cdef void* memory = NULL
        cdef Watch watch
        cdef double work
        if self.outputs == 0:
            return out
        fill_array(&args.x, x_batch, input, &self.map, dtype_codes())
        fill_array(&args.y, y_batch, out, &self.map, dtype_codes())
        if args.unit > 1:
            args.x.w = cnp.PyArray_ITEMSIZE(input)
            args.y.w = cnp.PyArray_ITEMSIZE(out)
        args.in_place = args.x.data == args.y.data
        args.watch = watched(&watch)
        if weight is not None and not cnp.PyArray_ISALIGNED(weight):
            weight = weight.copy()
        try:
            if args.op <= ORD_MAX:
                memory = take_memory(self.box*(sizeof(double) + 4*sizeof(Py_ssize_t)))
                if self.is_line:
                    self.take_line(&args, weight, <double*>memory)
                else:
                    self.take_box(&args, weight, <double*>memory)
                if not args.taps and not args.dense:
                    out[...] = 0
                    return out
                work = self.outputs*(4 + 2*(self.box if args.dense else args.taps))
            else:
                work = self.outputs*12
            threads = threads_for(num_threads, work)
            kernels.plan(&args, threads)
            if args.column_block < args.W.size and not args.in_place:
                touch_large(out, threads)
            run_tasks(kernels.run, &args, args.n_tasks, &args.scratch_bytes,
                      <int>min(<Py_ssize_t>threads, args.n_tasks), work)
        finally:
            free_memory(memory)
        return out

    cdef void take_box(self, OrderedArgs* args, cnp.ndarray weight, double* memory) noexcept:
        """The taps that count, in C order; all of them if all do."""
        cdef const double* weights = NULL
        cdef const char* footprint = NULL
        cdef Py_ssize_t* rows = <Py_ssize_t*>(memory + self.box)
        cdef Py_ssize_t* columns = rows + self.box
        cdef Py_ssize_t KH = args.H.kernel, KW = args.W.kernel, tap, kd, kh, kw
        if args.op == ORD_SUM:
            weights = <const double*>cnp.PyArray_DATA(weight)
        elif weight is not None:
            footprint = cnp.PyArray_BYTES(weight)
        args.weight = memory
        args.tap_row = rows
        args.tap_column = columns
        args.taps = 0
        args.start = 0.0
        for tap in range(self.box):
            if weights != NULL and not fabs(weights[tap]) > EPSILON or footprint != NULL and not footprint[tap]:
                continue
            kd = tap//(KH*KW)
            kh = tap//KW % KH
            if weights != NULL:
                memory[args.taps] = weights[tap]
            rows[args.taps] = kd*(KH + ORD_ROWS - 1) + kh
            columns[args.taps] = tap % KW*args.unit
            args.taps += 1
        args.dense = weights != NULL and args.taps == self.box
        if args.dense:
            for tap in range(self.box):
                kd = tap//(KH*KW)
                kh = tap//KW % KH
                kw = tap % KW
                memory[(kd*KW + kw)*KH + kh] = weights[tap]

    cdef void take_line(self, OrderedArgs* args, cnp.ndarray weight, double* memory) noexcept:
        """All taps of one axis, in pairs if they are even or odd around their middle, within the epsilon."""
        cdef const double* weights = <const double*>cnp.PyArray_DATA(weight)
        cdef Py_ssize_t n = self.box, middle = n//2, t
        cdef Py_ssize_t* rows = <Py_ssize_t*>(memory + n)
        cdef Py_ssize_t* columns = rows + 2*n
        cdef bint even = n % 2 == 1, odd = even
        for t in range(1, middle + 1):
            if even and fabs(weights[middle + t] - weights[middle - t]) > EPSILON:
                even = False
            if odd and fabs(weights[middle + t] + weights[middle - t]) > EPSILON:
                odd = False
        args.weight = memory
        args.tap_row = rows
        args.tap_column = columns
        args.start = -0.0
        if even or odd:
            args.op = ORD_EVEN if even else ORD_ODD
            args.taps = middle + 1
            memory[0] = weights[middle]
            self.place(args, rows, columns, 0, middle)
            for t in range(middle):
                memory[t + 1] = weights[t]
                self.place(args, rows, columns, t + 1, t)
                self.place(args, rows, columns, args.taps + t + 1, n - 1 - t)
            return
        args.taps = n
        memory[0] = weights[n - 1]
        self.place(args, rows, columns, 0, n - 1)
        for t in range(n - 1):
            memory[t + 1] = weights[t]
            self.place(args, rows, columns, t + 1, t)

    cdef void place(self, OrderedArgs* args, Py_ssize_t* rows, Py_ssize_t* columns, Py_ssize_t at,
                    Py_ssize_t tap) noexcept:
        """Where tap number `tap` of a line reads."""
        rows[at] = tap if args.W.kernel == 1 else 0
        columns[at] = 0 if args.W.kernel == 1 else tap*args.unit
