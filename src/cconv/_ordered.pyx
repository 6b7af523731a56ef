"""The compiled half of ndimage.py: filters in scipy.ndimage's order of operations, over _kernels/ordered.pyx.

Design:
a. An `Ordered` is a geometry: which axes of arrays of one shape are filtered by how many taps, from where, past which
   borders. What is summed, and the arrays, come with each call.
b. A `Chain` is what a call of ndimage.py comes to, and `Chains` finds it for the next one like it. Both are compiled
   for the sake of small arrays: a line filter of 8x8 samples into an array took 3.1 us in Python, of which 0.5 were
   the filter, and SciPy 1.2.
c. No validation: _ndimage_arguments.py and _ndimage_chains.py have done it.
"""
cimport numpy as cnp
import numpy as np

from cconv._calls import frozen, remember
from cconv._pieces import copy

from libc.math cimport fabs
from libc.string cimport memcmp

from cconv._arrays cimport AxisMap, fill_array, fill_axis_map
from cconv._core cimport dtype_codes, load_table, run_tasks, watched, write_zeros
from cconv._few cimport have_nan, make_true, sepfir_of_few
from cconv._kernels.types cimport (
    DT_BOOL, DT_U8, MAX_BATCH_AXES, ORD_BOX, ORD_BOX_ALONG, ORD_EVEN, ORD_GREATEST, ORD_LEAST, ORD_MAX, ORD_MIN,
    ORD_ODD, ORD_ROWS, ORD_SUM, PAD_CONSTANT, PAD_EDGE, PAD_REFLECT, PAD_SYMMETRIC, PAD_WRAP, Axis, OrderedArgs,
    OrderedKernels,
)
from cconv._kernels.watch cimport Watch
from cconv._limits cimport SERIAL_WORK, threads_for
from cconv._memory cimport KEPT_FROM, free_memory, new_result, take_memory

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


cdef inline int as_byte(int code) noexcept:
    """bool is a byte, in SciPy too, which reads a 2 there as it is, and stores it."""
    return DT_U8 if code == DT_BOOL else code


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

    cpdef run(self, cnp.ndarray input, cnp.ndarray weight, cnp.ndarray out, num_threads=None):
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
        args.x.dtype = as_byte(args.x.dtype)
        args.y.dtype = as_byte(args.y.dtype)
        if args.unit > 1:
            args.x.w = cnp.PyArray_STRIDE(input, cnp.PyArray_NDIM(input) - 1)
            args.y.w = cnp.PyArray_STRIDE(out, cnp.PyArray_NDIM(out) - 1)
        args.in_place = args.x.data == args.y.data
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
            if work >= SERIAL_WORK:
                args.watch = watched(&watch)
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


# --- chains of filters ------------------------------------------------------------------------------------------------

cdef enum:
    MOST_AXES = 8               # of arrays whose chains are kept
    FEW_BYTES = 4096            # which take less time than to call NumPy
    FACTS = MOST_AXES + 3


cdef inline bint is_packed(cnp.ndarray array) noexcept:
    """Whether each stride is the product of the extents behind it. NumPy calls an array C contiguous, too, where an
    axis of one element has any stride: x[..., None] has one of 0."""
    cdef Py_ssize_t stride = cnp.PyArray_ITEMSIZE(array)
    cdef int axis
    for axis in range(cnp.PyArray_NDIM(array) - 1, -1, -1):
        if cnp.PyArray_STRIDE(array, axis) != stride:
            return False
        stride *= cnp.PyArray_DIM(array, axis)
    return True


def are_packed(cnp.ndarray a not None, cnp.ndarray b not None):
    """Whether axes of both that follow each other can be taken for one."""
    return is_packed(a) and is_packed(b)


cdef inline Py_ssize_t code_of(cnp.ndarray array) noexcept:
    """Type, byte order, and whether it is packed."""
    return 4*cnp.PyArray_TYPE(array) + 2*cnp.PyArray_ISBYTESWAPPED(array) + is_packed(array)


cdef inline Py_ssize_t new_code(int typenum) noexcept:
    """That of a new array."""
    return 4*typenum + 1


cdef inline void find_ends(cnp.ndarray array, char** first, char** end) noexcept:
    """The memory that elements lie in."""
    cdef Py_ssize_t reach
    cdef int axis
    first[0] = cnp.PyArray_BYTES(array)
    end[0] = first[0] + cnp.PyArray_ITEMSIZE(array)
    for axis in range(cnp.PyArray_NDIM(array)):
        reach = (cnp.PyArray_DIM(array, axis) - 1)*cnp.PyArray_STRIDE(array, axis)
        if reach < 0:
            first[0] += reach
        else:
            end[0] += reach


cdef inline bint may_overlap(cnp.ndarray a, cnp.ndarray b) noexcept:
    """By the ends of their memory, as numpy.may_share_memory, which takes 200 ns."""
    cdef char* first_a
    cdef char* end_a
    cdef char* first_b
    cdef char* end_b
    if cnp.PyArray_SIZE(a) == 0 or cnp.PyArray_SIZE(b) == 0:
        return False
    find_ends(a, &first_a, &end_a)
    find_ends(b, &first_b, &end_b)
    return first_a < end_b and first_b < end_a


cdef inline bint same_elements(cnp.ndarray a, cnp.ndarray b) noexcept:
    """Of two arrays of one shape."""
    return (cnp.PyArray_DATA(a) == cnp.PyArray_DATA(b) and cnp.PyArray_TYPE(a) == cnp.PyArray_TYPE(b)
            and cnp.PyArray_ISBYTESWAPPED(a) == cnp.PyArray_ISBYTESWAPPED(b)
            and memcmp(cnp.PyArray_STRIDES(a), cnp.PyArray_STRIDES(b),
                       <size_t>cnp.PyArray_NDIM(a)*sizeof(Py_ssize_t)) == 0)


cdef inline bint same_shape(cnp.ndarray a, cnp.ndarray b) noexcept:
    return (cnp.PyArray_NDIM(a) == cnp.PyArray_NDIM(b)
            and memcmp(cnp.PyArray_DIMS(a), cnp.PyArray_DIMS(b),
                       <size_t>cnp.PyArray_NDIM(a)*sizeof(Py_ssize_t)) == 0)


cdef bint same_option(a, b) except -1:
    """1, 1.0 and True are equal, and so are 0.0 and -0.0, but not the same."""
    cdef double x, y
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if type(a) is tuple:
        return same_options(<tuple>a, <tuple>b)
    if type(a) is float:
        x, y = a, b
        return memcmp(&x, &y, sizeof(x)) == 0
    return a == b


cdef bint same_options(tuple a, tuple b) except -1:
    cdef Py_ssize_t i
    if len(a) != len(b):
        return False
    for i in range(len(a)):
        if not same_option(a[i], b[i]):
            return False
    return True


cdef class Chain:
    """Filters one after the other, the first from the input to the output, the others in place there: intermediates
    have the output's type, as in SciPy. For arrays of one shape, type and order.

    `steps`: (run(input, weight, out), weight, whether its rows are long) of each, for the array or its real parts;
    the weight None is the call's. Long rows are not filtered in place. `imaginary`: those of imaginary parts.
    `in_place`: whether the first may be, too."""
    cdef tuple steps, imaginary
    cdef tuple options          # and what else it was made for
    cdef object make, cval
    cdef bint in_place
    cdef Py_ssize_t facts[FACTS]

    def __init__(self, tuple steps not None, tuple imaginary, bint in_place):
        self.steps = steps
        self.imaginary = imaginary
        self.in_place = in_place and imaginary is None

    cpdef run(self, cnp.ndarray input, cnp.ndarray weight, cnp.ndarray out):
        """Filter `input` into `out`, whatever memory they share, and return it."""
        cdef bint together = may_overlap(input, out)
        if together and not (self.in_place and same_elements(input, out)):
            input, together = input.copy(), False
        if not self.steps:
            copy(out, input)
        elif self.imaginary is not None:
            run_steps(self.steps, input.real, weight, out.real, False)
            run_steps(self.imaginary, input.imag, weight, out.imag, False)
        else:
            run_steps(self.steps, input, weight, out, together)
            if cnp.PyArray_TYPE(out) == cnp.NPY_BOOL:
                settle(out)
        return out


cdef int settle(cnp.ndarray out) except -1:
    """Bytes that are not 0 are True in the end."""
    if cnp.PyArray_SIZE(out) <= FEW_BYTES and cnp.PyArray_IS_C_CONTIGUOUS(out):
        make_true(<unsigned char*>cnp.PyArray_DATA(out), cnp.PyArray_SIZE(out))
    else:
        raw = out.view(np.uint8)
        np.minimum(raw, 1, out=raw)
    return 0


cdef run_steps(tuple steps, cnp.ndarray input, cnp.ndarray weight, cnp.ndarray out, bint together):
    for run, own, long_rows in steps:
        if together and long_rows:
            input = input.copy()
        run(input, weight if own is None else own, out)
        input, together = out, True


cdef class Chains:
    """The chains of calls, by their options and by what their arrays are.

    `resolve`: (make, options, cval, input, output, promote) -> (a chain, the array to fill), for a call that is the
    first of its like. It keeps the chain."""
    cdef dict kept              # number -> Chain
    cdef object resolve

    def __init__(self, resolve):
        self.kept = {}
        self.resolve = resolve

    def run(self, make not None, tuple options not None, cval, cnp.ndarray input not None, output,
            cnp.ndarray weight=None, bint promote=False):
        """Filter `input` by what make(rank, cval, *options) says, into `output`: None, a type, or an array."""
        cdef cnp.ndarray out = None
        cdef int typenum = cnp.PyArray_TYPE(input)
        if output is None:
            found = self.look_up(make, options, cval, input, new_code(typenum))
        elif cnp.PyArray_CheckExact(output):
            out = <cnp.ndarray>output
            found = self.find(make, options, cval, input, out)
        else:
            found = None
            dtype = np.dtype(output) if isinstance(output, type) else output
            if cnp.PyArray_DescrCheck(dtype) and dtype.isnative:
                typenum = dtype.num
                found = self.look_up(make, options, cval, input, new_code(typenum))
        if found is None:
            found, out = self.resolve(make, options, cval, input, output, promote)
        elif out is None:
            out = new_result(cnp.PyArray_NDIM(input), cnp.PyArray_DIMS(input), typenum,
                             cnp.PyArray_SIZE(input) >= KEPT_FROM//<Py_ssize_t>sizeof(double))
        return (<Chain>found).run(input, weight, out)

    cpdef find(self, make, tuple options, cval, cnp.ndarray input, cnp.ndarray output):
        """The chain kept for calls with such arrays, or None."""
        if not same_shape(input, output) or not cnp.PyArray_ISWRITEABLE(output):
            return None
        return self.look_up(make, options, cval, input, code_of(output))

    def keep(self, make not None, tuple options not None, cval, cnp.ndarray input not None,
             cnp.ndarray output not None, Chain chain not None):
        """Find this chain for calls like one with these arrays; it is kept for one such call alone."""
        cdef size_t number
        chain.make, chain.options, chain.cval = make, frozen(options), frozen(cval)
        if not fill_facts(chain.facts, input, code_of(output)):
            return
        try:
            number = number_of(chain.facts, chain.options, chain.cval)
        except TypeError:               # no option of that kind is valid
            return
        remember(self.kept, number, chain)

    cdef object look_up(self, make, tuple options, cval, cnp.ndarray input, Py_ssize_t output_code,
                        bint hashable=False):
        cdef Py_ssize_t facts[FACTS]
        cdef Chain chain
        cdef size_t number
        if not fill_facts(facts, input, output_code):
            return None
        try:
            number = number_of(facts, options, cval)
        except TypeError:
            if hashable:
                return None
            return self.look_up(make, frozen(options), frozen(cval), input, output_code, True)
        found = self.kept.get(number)
        if found is None:
            return None
        chain = <Chain>found
        if (memcmp(chain.facts, facts, sizeof(chain.facts)) == 0 and chain.make is make
                and same_option(chain.cval, cval) and same_options(chain.options, options)):
            return found
        return None


cdef inline bint fill_facts(Py_ssize_t* facts, cnp.ndarray input, Py_ssize_t output_code) noexcept:
    """What a chain depends on besides options, if it is for few axes."""
    cdef int axis
    facts[0], facts[1], facts[2] = cnp.PyArray_NDIM(input), code_of(input), output_code
    for axis in range(MOST_AXES):
        facts[3 + axis] = cnp.PyArray_DIM(input, axis) if axis < facts[0] else 0
    return facts[0] <= MOST_AXES


cdef size_t number_of(const Py_ssize_t* facts, tuple options, cval) except? 0:
    """The hash of Fowler, Noll and Vo, of words; two signatures that share one take turns."""
    cdef size_t number = <size_t>hash(options)*3 ^ <size_t>hash(cval)
    cdef int i
    for i in range(3 + <int>facts[0]):
        number = (number ^ <size_t>facts[i])*<size_t>1099511628211
    return number >> 4


# --- few samples ------------------------------------------------------------------------------------------------------

def few_have_nan(cnp.ndarray array not None):
    """Whether a float32 or float64 array holds NaN: NumPy's maximum of it takes 3 us more."""
    return have_nan(array)


def few_sepfir(cnp.ndarray input not None, hrow, hcol):
    """scipy.signal.sepfir2d of few samples; None for more, and for what it refuses. A `Convolution` is for more: to
    find it, make its weights and call it takes 2.2 us, where SciPy takes 0.55 for 8x8 samples and 3 taps."""
    return sepfir_of_few(input, hrow, hcol)
