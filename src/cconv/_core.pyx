"""The compiled core: CPU detection, the kernel table, signals.

Design:
a. Built without -march: nothing here runs an instruction that the baseline lacks. It imports the kernels of the best
   level that CPU and operating system support (or that CCONV_SIMD names), and of no other.
b. A `Convolution`, as a `Pooling` in _pooling.pyx, is a spec turned into the C struct that kernels read. It is
   immutable: a call copies it, fills in the pointers and strides of the arrays, and hands it to the level's plan() and
   run().
c. Scratch is taken in run_tasks, once per call, before any work: kernels allocate nothing and cannot fail.
d. No validation: _shapes.py has done it.
"""
import importlib
import os

cimport numpy as cnp
import numpy as np

from cconv._calls import fill_with_bias

from cpython.exc cimport PyErr_CheckSignals, PyErr_Occurred
from cpython.pycapsule cimport PyCapsule_GetPointer
from cython.parallel cimport prange
from libc.string cimport memcmp, memset

from cconv._arrays cimport (
    fill_array, fill_axis_map, fill_new_array, fill_tiles, new_array, spread_pairs,
)
from cconv._kernels.types cimport (
    ACT_LEAKY_RELU, ACT_NONE, ACT_RELU, ACT_RELU6, ALG_CHANNELS, ALG_DEPTHWISE, ALG_LINE, ALG_PIXELS, ALG_PLANES,
    ALG_ROWS, ALG_SEPARABLE, ALG_WINOGRAD, ALG_WOVEN, DT_BOOL, DT_F16, DT_F32, DT_F64, DT_I8, DT_I16, DT_I32, DT_I64,
    DT_SATURATE, DT_U8, DT_U16, DT_U32, DT_U64, DT_UNSIGNED, KERNEL_ABI, MAX_BATCH_AXES, METHOD_AUTO, METHOD_DIRECT,
    METHOD_SEPARABLE, METHOD_WINOGRAD, PAD_CONSTANT, PAD_EDGE, PAD_REFLECT, PAD_SYMMETRIC, PAD_WRAP, Axis,
    ConvArgs, ConvKernels, TileGuard, TileKernels, Tiles, run_t,
)
from cconv._kernels.watch cimport Watch
from cconv._limits cimport SERIAL_WORK, is_main_thread, note_call, threads_for
from cconv._memory cimport free_memory, new_line, take_scratch
from cconv._phases cimport find_tile, reads_turned, spread_blocks

cnp.import_array()

cdef extern from "_platform.h":
    const char* CCONV_LEVELS
    const char* CCONV_LEFT_TO
    const char* CCONV_COMPILER
    int CCONV_HAS_OPENMP
    int CCONV_HAS_VECTORS
    int cconv_cpu_level()
    long long cconv_nanoseconds() noexcept nogil
    int cconv_load(const int* counter) noexcept nogil
    void cconv_store(int* counter, int value) noexcept nogil

cdef extern from "Python.h":
    int check_signals "PyErr_CheckSignals"() noexcept       # leaves the exception set, for the end of the call

cdef enum:
    # Multiply-adds before the first look at pending signals: 2 to 4 ms, 80 where fresh memory costs most.
    FIRST_WORK = 50_000_000
    # Nanoseconds between two looks after that, and how long a batch may take to give every thread four tasks. Memory
    # that is new to a batch may cost ten times what the one before paid: with 20 ms, some looks were 370 ms apart.
    SIGNAL_TIME = 8_000_000
    EVEN_TIME = 40_000_000


# --- levels -----------------------------------------------------------------------------------------------------------

cdef ConvKernels* conv_kernels[4]
cdef TileKernels* tile_kernels[2]          # floating point only
REALS = ("f32", "f64", "i32", "i64")
_ALL_LEVELS = ("generic", "x86-64-v3", "x86-64-v4")
BUILT_LEVELS = tuple(CCONV_LEVELS.decode().split(","))
# {(operator, level): the level whose kernels it takes}; see LEFT_TO in setup.py
_LEFT_TO = {(operator, own): below for operator, own, below in
            (entry.split("/") for entry in CCONV_LEFT_TO.decode().split(",") if entry)}
LEVELS = tuple(level for level in _ALL_LEVELS[:cconv_cpu_level() + 1] if level in BUILT_LEVELS)
COMPILER, HAS_OPENMP, HAS_VECTORS = CCONV_COMPILER.decode(), bool(CCONV_HAS_OPENMP), bool(CCONV_HAS_VECTORS)


def _choose_level():
    forced = os.environ.get("CCONV_SIMD")
    if not forced:
        if not LEVELS:
            raise ImportError(f"cconv was built for {', '.join(BUILT_LEVELS)} only; this CPU supports "
                              f"{', '.join(_ALL_LEVELS[:cconv_cpu_level() + 1])}")
        return LEVELS[-1]
    if forced not in LEVELS:
        reason = ("was built, but this CPU or operating system lacks it" if forced in BUILT_LEVELS
                  else "was not built" if forced in _ALL_LEVELS else "is no level that cconv knows")
        raise ImportError(f"CCONV_SIMD={forced!r} {reason}; available here: {', '.join(LEVELS)}")
    return forced


_LEVEL = _choose_level()

cdef void* load_table(operator, real, capsule_name) except NULL:
    level = _LEFT_TO.get((operator, _LEVEL), _LEVEL)
    module = importlib.import_module(f"cconv._kernels.{operator}_{real}_{level.replace('-', '_')}")
    cdef void* table = PyCapsule_GetPointer(module.CAPSULE, capsule_name)
    if (<unsigned int*>table)[0] != KERNEL_ABI:
        raise ImportError(f"{module.__name__} belongs to another version of cconv; reinstall cconv")
    return table

for _i, _real in enumerate(REALS):
    conv_kernels[<int>_i] = <ConvKernels*>load_table("conv", _real, b"cconv.ConvKernels")
    if _real[0] == "f":
        tile_kernels[<int>_i] = <TileKernels*>load_table("tiles", _real, b"cconv.TileKernels")


def simd_level():
    """Name of the SIMD level in use: "generic", "x86-64-v3" or "x86-64-v4".

    It is the best one that was built and that this CPU and operating system support, unless the environment variable
    CCONV_SIMD named another when cconv was imported.

    Examples
    --------
    >>> import cconv
    >>> cconv.simd_level() in ("generic", "x86-64-v3", "x86-64-v4")
    True
    """
    return _LEVEL


# --- arrays -----------------------------------------------------------------------------------------------------------

cdef int DTYPE_CODES[64]        # by NumPy's type number; only those that _shapes.py lets through are ever looked up


cdef int fill_dtype_codes() except -1:
    codes = {"?": DT_BOOL, "e": DT_F16, "f": DT_F32, "d": DT_F64, "F": DT_F32, "D": DT_F64}
    for char in np.typecodes["AllInteger"]:         # int and long, or long and long long, are the same size
        dtype = np.dtype(char)
        sizes = {1: (DT_I8, DT_U8), 2: (DT_I16, DT_U16), 4: (DT_I32, DT_U32), 8: (DT_I64, DT_U64)}
        codes[char] = sizes[dtype.itemsize][dtype.kind == "u"]
    for char, code in codes.items():
        DTYPE_CODES[<int>np.dtype(char).num] = code
    return 0


fill_dtype_codes()

cdef const int* dtype_codes() noexcept:
    return DTYPE_CODES


cdef cnp.ndarray plain(array, dtype):
    """`array` in C order, aligned and of that type; itself if it is that already."""
    cdef cnp.ndarray result
    if (cnp.PyArray_CheckExact(array) and <void*>cnp.PyArray_DESCR(array) == <void*>dtype
            and cnp.PyArray_ISCARRAY_RO(array) and cnp.PyArray_NDIM(array)):
        return array
    result = np.ascontiguousarray(array, dtype)
    return result if cnp.PyArray_ISALIGNED(result) else result.copy()


cdef dict BOUNDARIES = {"constant": PAD_CONSTANT, "edge": PAD_EDGE, "reflect": PAD_REFLECT,
                        "symmetric": PAD_SYMMETRIC, "wrap": PAD_WRAP}
cdef dict ACTIVATIONS = {None: ACT_NONE, "relu": ACT_RELU, "leaky_relu": ACT_LEAKY_RELU, "relu6": ACT_RELU6}
cdef dict METHODS = {"auto": METHOD_AUTO, "direct": METHOD_DIRECT, "winograd": METHOD_WINOGRAD,
                     "separable": METHOD_SEPARABLE}
cdef dict REAL_INDEX = {real: i for i, real in enumerate(REALS)}
cdef tuple REAL_DTYPES = (np.dtype(np.float32), np.dtype(np.float64), np.dtype(np.int32), np.dtype(np.int64))


cdef int fill_axes(Axis** axes, spec) except -1:
    """The three spatial axes; padding after them only where the spec has it (pooling)."""
    cdef int i
    after = getattr(spec, "pad_after", (0, 0, 0))
    boundary = getattr(spec, "boundary", ("constant",)*3)
    gap = getattr(spec, "gap", (0, 0, 0))
    for i in range(3):
        axes[i].size = spec.input_size[i]
        axes[i].kernel = spec.kernel_size[i]
        axes[i].output = spec.output_size[i]
        axes[i].stride = spec.stride[i]
        axes[i].dilation = spec.dilation[i]
        axes[i].pad = spec.pad_before[i]
        axes[i].pad_after = after[i]
        axes[i].gap = gap[i]
        axes[i].boundary = BOUNDARIES[boundary[i]]
        axes[i].phases = 0
    for i, (kernel, stride, before, flip) in enumerate(getattr(spec, "phase_axes", ())):
        find_tile(axes[1 + i], kernel, stride, before, flip)
    return 0


cdef inline Py_ssize_t whole_rounds(double tasks, int threads) noexcept:
    """So many tasks, and one for each thread in every round: 4 tasks as 3 and 1 took two threads 3 rounds instead of 2,
    half as long again, which 1x1 layers of 50 to 100 million multiply-adds did."""
    return (max(<Py_ssize_t>tasks, <Py_ssize_t>1) + threads - 1)//threads*threads


cdef inline Py_ssize_t first_batch(Py_ssize_t tasks, double work, int threads) noexcept:
    """How many tasks to run before the first look at signals."""
    return tasks if work <= FIRST_WORK else min(tasks, whole_rounds(tasks*(FIRST_WORK/work), threads))


cdef inline Py_ssize_t next_batch(Py_ssize_t tasks, long long taken, int threads) noexcept:
    """How many tasks to run before the next look at signals, when so many took so many nanoseconds."""
    cdef double rate = <double>tasks/<double>max(taken, <long long>1)
    return whole_rounds(max(min(rate*SIGNAL_TIME, 4.*tasks), min(rate*EVEN_TIME, 4.*threads)), threads)


cdef bint look(Watch* watch) noexcept nogil:
    """For tasks of any thread; the one that Python's signals come to asks for them."""
    cdef long long now
    if not cconv_load(&watch.stopped) and is_main_thread():
        now = cconv_nanoseconds()
        if now - watch.looked >= SIGNAL_TIME:
            watch.looked = now
            with gil:
                if check_signals() != 0:
                    cconv_store(&watch.stopped, 1)
    return cconv_load(&watch.stopped)


cdef Watch* watched(Watch* watch) noexcept:
    """For the arguments of a call whose tasks may be long: run_tasks raises what stopped them."""
    if not is_main_thread():
        return NULL
    watch.stopped = 0
    watch.looked = cconv_nanoseconds()
    watch.look = look
    return watch


cdef int raise_pending() except -1:
    return -1 if PyErr_Occurred() != NULL else 0


cdef int run_tasks(run_t run, const void* args, Py_ssize_t n_tasks, Py_ssize_t* scratch_bytes, int threads,
                   double work) except -1:
    """All tasks of a planned call. Long calls look for Ctrl-C between batches of tasks, if it can come to this thread;
    tiny ones keep the GIL."""
    cdef void* allocation = NULL
    cdef char* scratch = take_scratch(scratch_bytes, threads, &allocation)
    cdef Py_ssize_t first = 0, last, step = n_tasks
    cdef long long start
    if work < SERIAL_WORK//4:
        run(args, scratch, 0, n_tasks, 1)
        free_memory(allocation)
        return 0
    note_call(threads)
    try:
        if is_main_thread():
            step = first_batch(n_tasks, work, threads)
        while first < n_tasks:
            last = min(n_tasks, first + step)
            start = cconv_nanoseconds()
            with nogil:
                run(args, scratch, first, last, threads)
            raise_pending()
            PyErr_CheckSignals()
            step = next_batch(last - first, cconv_nanoseconds() - start, threads)
            first = last
    finally:
        note_call(-threads)
        free_memory(allocation)
    return 0


cdef enum:
    SLAB = 1 << 20              # bytes that are written as one task


cdef struct Zeros:
    char* data
    Py_ssize_t bytes
    Py_ssize_t step


cdef inline void zero_slab(const Zeros* zeros, Py_ssize_t slab) noexcept nogil:
    cdef Py_ssize_t i = slab*SLAB
    cdef Py_ssize_t end = min(zeros.bytes, i + SLAB)
    if zeros.step == 1:
        memset(zeros.data + i, 0, end - i)
        return
    while i < end:
        zeros.data[i] = 0
        i += zeros.step


cdef void zero_slabs(const void* zeros, char* scratch, Py_ssize_t first, Py_ssize_t last,
                     int num_threads) noexcept nogil:
    cdef Py_ssize_t slab
    if num_threads == 1:
        for slab in range(first, last):
            zero_slab(<const Zeros*>zeros, slab)
    else:
        for slab in prange(first, last, num_threads=num_threads):
            zero_slab(<const Zeros*>zeros, slab)


cdef int write_zeros(cnp.ndarray array, Py_ssize_t step, int threads, double work) except -1:
    """Every step-th byte of a contiguous array, from all threads. `step` divides SLAB."""
    cdef Zeros zeros
    cdef Py_ssize_t none = 0
    zeros.data, zeros.bytes, zeros.step = cnp.PyArray_BYTES(array), cnp.PyArray_NBYTES(array), step
    run_tasks(zero_slabs, &zeros, (zeros.bytes + SLAB - 1)//SLAB, &none, threads, work)
    return 0


cdef double product(values):
    cdef double result = 1
    for value in values:
        result *= <double>value
    return result


# --- convolution ------------------------------------------------------------------------------------------------------

cdef class PackedWeight:
    """A weight in the form that a kernel wants, once a call has made it: (what form, bytes), the one item of a dict. A
    dict hands out and replaces its items atomically, GIL or not, which an attribute of a compiled class does not."""
    def __cinit__(self):
        self.content = {}


cdef class Convolution:
    """A convolution of one spec, ready to run on any arrays that fit it."""
    def __init__(self, spec):
        cdef ConvArgs* args = &self.args
        cdef Axis* axes[3]
        cdef Py_ssize_t stride
        cdef int i
        self.spec = spec
        fill_new_array(&self.output, spec.output_shape, spec.output_dtype)
        self.kernels = conv_kernels[<int>REAL_INDEX[spec.real]]
        self.dtype = REAL_DTYPES[REAL_INDEX[spec.real]]
        self.complex_dtype = np.dtype(np.complex64 if spec.real == "f32" else np.complex128)
        axes[0], axes[1], axes[2] = &args.D, &args.H, &args.W
        fill_axes(axes, spec)
        fill_axis_map(&self.input_axes, spec.input_batch_axes, spec.input_axes)
        fill_axis_map(&self.output_axes, spec.output_batch_axes, spec.output_axes)
        for i in range(3):
            self.start[i] = spec.input_start[i]
            self.block[i] = spec.block[i]
        self.is_complex = spec.is_complex
        self.conjugate = spec.conjugate
        if spec.saturate:
            self.store_flags = DT_SATURATE | (DT_UNSIGNED if spec.sum_dtype.kind == "u" else 0)
        args.G = spec.groups
        args.IC = spec.in_channels
        args.OC = spec.out_channels
        args.flip = spec.flip
        args.activation = ACTIVATIONS[spec.activation]
        if spec.real[0] == "f":
            cval = complex(spec.cval)
            args.cval[0], args.cval[1] = cval.real, cval.imag
        else:
            args.cval_int = <long long><unsigned long long>(int(spec.cval) & 0xffffffffffffffff)
        args.batch_ndim = len(spec.batch_shape)
        args.N = 1
        for i in range(args.batch_ndim):
            self.batch_shape[i] = spec.batch_shape[i]
            args.N *= self.batch_shape[i]
        args.batch_shape = self.batch_shape

        # the packed weight: C order over (batch axes that the kernel has, out, in, kd, kh, kw)
        stride = spec.groups*spec.out_channels*spec.in_channels*(2 if spec.is_complex else 1)
        for i in range(3):
            stride *= <Py_ssize_t>spec.kernel_size[i]
        self.weight_batch_size = 1
        for i in range(args.batch_ndim - 1, -1, -1):
            self.weight_batch[i] = stride*self.weight_batch_size if spec.weight_batch_axes[i] >= 0 else 0
            if spec.weight_batch_axes[i] >= 0:
                self.weight_batch_size *= self.batch_shape[i]
        args.weight_batch = self.weight_batch
        args.weight_shared = self.weight_batch_size == 1
        args.method = METHODS[spec.method]
        order = [axis for axis in (*spec.weight_batch_axes, *spec.weight_axes) if axis >= 0]
        args.turned = (spec.weight_axes[:2] == (1, 0) and not spec.is_complex
                       and (args.W.phases > 0
                            or reads_turned(args.G, args.OC, args.D.kernel*args.H.kernel*args.W.kernel)))
        self.weight_order = tuple(sorted(order) if args.turned else order)
        self.weight_in_order = args.turned or order == sorted(order)
        self.work = (product(spec.batch_shape)*args.G*args.OC*args.IC*product(spec.kernel_size)
                     * product(spec.output_size)*(4 if spec.is_complex else 1))
        if args.G > 1 and args.IC == 1 and args.OC == 1:
            self.work *= 4          # depthwise moves a sample for few multiply-adds

    cdef cnp.ndarray real_weight(self, cnp.ndarray weight, bint complex_input):
        """The weight as one contiguous array of the kernel's real type; itself if it is that already."""
        if not self.weight_in_order:
            weight = weight.transpose(self.weight_order + tuple([i for i in range(weight.ndim)
                                                                 if i not in self.weight_order]))
        if not self.is_complex:
            return plain(weight, self.dtype)
        # a complex product is a real one of (re, im) pairs: [re, -im; im, re], or [re; im] for a real input
        cdef Py_ssize_t outer = self.weight_batch_size*self.args.G*self.args.OC
        cdef Py_ssize_t taps = self.args.D.kernel*self.args.H.kernel*self.args.W.kernel
        cdef int parts = 2 if complex_input else 1
        cdef cnp.ndarray pairs = plain(weight, self.complex_dtype)
        cdef bint single = self.dtype is REAL_DTYPES[0]
        cdef cnp.ndarray result = new_line(outer*self.args.IC*taps*2*parts,
                                           cnp.NPY_FLOAT32 if single else cnp.NPY_FLOAT64)
        if single:
            spread_pairs[float](<float*>cnp.PyArray_DATA(result), <float*>cnp.PyArray_DATA(pairs), outer, self.args.IC,
                                taps, parts, self.conjugate)
        else:
            spread_pairs[double](<double*>cnp.PyArray_DATA(result), <double*>cnp.PyArray_DATA(pairs), outer,
                                 self.args.IC, taps, parts, self.conjugate)
        return result

    def run(self, cnp.ndarray input not None, cnp.ndarray weight not None, bias, cnp.ndarray out, num_threads,
            PackedWeight kept=None):
        """Write the convolution into `out`, or a new array if that is None, and return it.

        Shapes must be those of the spec; `out` shares no memory with the rest. `kept` belongs to this operator and
        weight: it keeps the packed form from call to call."""
        cdef ConvArgs args = self.args
        cdef BatchStrides strides
        if out is None:
            out = new_array(&self.output)
        if cnp.PyArray_SIZE(out) == 0:
            return out
        if args.IC == 0:
            fill_with_bias(out, bias, self.spec)
            return out
        self.fill_arrays(&args, &strides, input, out)
        _used = self.fill_weight(&args, &strides, weight, bias)
        self.execute(&args, threads_for(num_threads, self.work), kept)
        return out

    cdef int fill_arrays(self, ConvArgs* args, BatchStrides* strides, cnp.ndarray input, cnp.ndarray out) except -1:
        """The arguments' input and output."""
        fill_array(&args.x, strides.x, input, &self.input_axes, DTYPE_CODES)
        fill_array(&args.y, strides.y, out, &self.output_axes, DTYPE_CODES)
        args.y.dtype |= self.store_flags
        spread_blocks(&args.y, self.block)
        args.x.data += self.start[0]*args.x.d + self.start[1]*args.x.h + self.start[2]*args.x.w
        if self.is_complex:
            args.IC *= args.x.parts
            args.OC *= 2
        return 0

    cdef tuple fill_weight(self, ConvArgs* args, BatchStrides* strides, cnp.ndarray weight, bias):
        """The arguments' weight and bias, once fill_arrays has been there; returns the arrays that they point to."""
        cdef cnp.ndarray real = self.real_weight(weight, args.x.parts == 2)
        cdef cnp.ndarray bias_array = None
        cdef int i
        if self.is_complex:
            for i in range(args.batch_ndim):
                strides.weight[i] = self.weight_batch[i]*args.x.parts
            args.weight_batch = strides.weight
        args.weight = cnp.PyArray_DATA(real)
        if bias is not None:
            bias_array = plain(bias, self.complex_dtype if self.is_complex else self.dtype)
            args.bias = cnp.PyArray_DATA(bias_array)
        return real, bias_array

    def move_tiles(self, cnp.ndarray array not None, words, buffer, first, channel, bint store, bias=None, guard=None,
                   good=None):
        """Fill the buffer of a struct Tiles, see _arrays.pxd, with samples of an input; or store outputs from there."""
        cdef ConvArgs args = self.args
        cdef Tiles tiles
        cdef Py_ssize_t batch[MAX_BATCH_AXES]
        cdef TileKernels* kernels = tile_kernels[<int>REAL_INDEX[self.spec.real]]
        _scratch = fill_tiles(&args, &tiles, words, buffer, first, channel, guard, good)
        args.x.batch = args.y.batch = batch         # one is not used, but offsets are found for both
        if store:
            fill_array(&args.y, batch, array, &self.output_axes, DTYPE_CODES)
            args.y.dtype |= self.store_flags
        else:
            fill_array(&args.x, batch, array, &self.input_axes, DTYPE_CODES)
            args.x.data += self.start[0]*args.x.d + self.start[1]*args.x.h + self.start[2]*args.x.w
        args.bias = NULL if bias is None else cnp.PyArray_DATA(bias)
        with nogil:
            (kernels.store if store else kernels.gather)(&args)

    def weigh_taps(self, cnp.ndarray taps not None, cnp.ndarray guard not None):
        """Fill in what a struct TileGuard says of magnitudes, contiguous and of type float64."""
        tile_kernels[<int>REAL_INDEX[self.spec.real]].weigh(
            <const double*>cnp.PyArray_DATA(taps), cnp.PyArray_SIZE(taps), <TileGuard*>cnp.PyArray_DATA(guard))

    cdef object pack(self, ConvArgs* args, int threads, PackedWeight kept):
        """Plan; pack the weight where the plan wants that or it is to be kept. Returns what args.packed points to."""
        cdef cnp.ndarray packed = None
        self.kernels.plan(args, threads)
        if not args.n_prepare:
            return None
        if kept is not None:
            form = (args.algorithm, args.ic_block, args.packed_bytes)
            content = kept.content.get(0)
            if content is not None and content[0] == form:
                packed = content[1]
                args.packed = cnp.PyArray_DATA(packed)
        if args.packed == NULL and (args.pack_first or kept is not None):
            # in small pages the first touch of 36 MB took as long as all the arithmetic
            packed = new_line(args.packed_bytes, cnp.NPY_UINT8)
            args.packed = cnp.PyArray_DATA(packed)
            run_tasks(self.kernels.prepare, args, args.n_prepare, &args.scratch_bytes,
                      <int>min(<Py_ssize_t>threads, args.n_prepare), self.work)
            if kept is not None:
                kept.content[0] = form, packed
        return packed

    cdef int execute(self, ConvArgs* args, int threads, PackedWeight kept) except -1:
        _packed = self.pack(args, threads, kept)
        self.run_packed(args, threads)
        return 0

    cdef int run_packed(self, ConvArgs* args, int threads) except -1:
        cdef ConvArgs one
        cdef Py_ssize_t n
        if args.algorithm != ALG_WINOGRAD:
            run_tasks(self.kernels.run, args, args.n_tasks, &args.scratch_bytes,
                      <int>min(<Py_ssize_t>threads, args.n_tasks), self.work)
            return 0
        for n in np.flatnonzero(self.run_winograd(args, threads)):
            one = args[0]                   # samples that are not finite stay in their windows in direct sums
            one.method = METHOD_DIRECT
            self.take_batch_element(&one, n)
            self.execute(&one, threads, None)
        return 0

    cdef object run_winograd(self, ConvArgs* args, int threads):
        """Returns which batch elements got results that are not finite, as ones."""
        cdef cnp.ndarray failed = np.zeros(args.N, np.uint8)
        args.failed = cnp.PyArray_BYTES(failed)
        run_tasks(self.kernels.run, args, args.n_tasks, &args.scratch_bytes,
                  <int>min(<Py_ssize_t>threads, args.n_tasks), self.work)
        return failed

    cdef void take_batch_element(self, ConvArgs* args, Py_ssize_t n):
        """The same arguments for batch element n alone."""
        cdef int axis
        cdef Py_ssize_t index
        for axis in range(args.batch_ndim - 1, -1, -1):
            index = n % args.batch_shape[axis]
            n //= args.batch_shape[axis]
            args.x.data += index*args.x.batch[axis]
            args.y.data += index*args.y.batch[axis]
        args.batch_ndim = 0
        args.N = 1

    def schedule(self, cnp.ndarray input not None, cnp.ndarray out not None, num_threads=None,
                 cnp.ndarray weight=None):
        """What would run on these arrays: the micro-kernel, tiles, tasks, scratch. For tests and explanations."""
        cdef ConvArgs args = self.args
        cdef BatchStrides strides
        self.fill_arrays(&args, &strides, input, out)
        if weight is not None:
            _used = self.fill_weight(&args, &strides, weight, None)
        threads = threads_for(num_threads, self.work)
        self.kernels.plan(&args, threads)
        threads = min(threads, args.n_tasks)
        return {"kernel": {ALG_CHANNELS: "channels", ALG_PIXELS: "pixels", ALG_ROWS: "rows",
                           ALG_LINE: "line", ALG_WINOGRAD: "winograd", ALG_DEPTHWISE: "depthwise",
                           ALG_SEPARABLE: "separable", ALG_PLANES: "planes", ALG_WOVEN: "woven"}[args.algorithm],
                "tile": (args.TD.tile, args.TH.tile, args.TW.tile), "ic_block": args.ic_block,
                "oc_block": args.oc_block, "tasks": args.n_tasks, "scratch_bytes": args.scratch_bytes,
                "threads": threads, "batch": first_batch(args.n_tasks, self.work, threads)}


# --- calls of two arrays and a mode -----------------------------------------------------------------------------------

cdef enum:
    FEW_AXES = 3
    FACTS = 2*(FEW_AXES + 2) + 1


cdef inline bint fill_facts(Py_ssize_t* facts, cnp.ndarray array) noexcept:
    """Shape and type of an array, if it has few axes and a native type."""
    cdef int axis
    facts[0], facts[1] = cnp.PyArray_NDIM(array), cnp.PyArray_TYPE(array)
    for axis in range(FEW_AXES):
        facts[2 + axis] = cnp.PyArray_DIM(array, axis) if axis < facts[0] else 0
    return facts[0] <= FEW_AXES and facts[1] < cnp.NPY_OBJECT and cnp.PyArray_ISNOTSWAPPED(array)


cdef class PlainCall:
    cdef Py_ssize_t facts[FACTS]
    cdef object mode, run


cdef class PlainCalls:
    """The functions that run calls with no argument but two arrays and a mode, by what those are. A key of Python's
    objects, and its look-up, took 180 ns of the 850 that 8 samples and 3 taps took."""
    cdef readonly dict kept     # key -> entry, as entry() makes them

    def __cinit__(self):
        self.kept = {}

    def find(self, cnp.ndarray input not None, cnp.ndarray kernel not None, str mode not None):
        """What entry() was given for the like of these, or None."""
        cdef Py_ssize_t facts[FACTS]
        cdef PlainCall call
        if not fill_facts(facts, input) or not fill_facts(facts + FEW_AXES + 2, kernel):
            return None
        found = self.kept.get(self.key(facts, mode))
        if found is None:
            return None
        call = <PlainCall>found
        return call.run if memcmp(call.facts, facts, sizeof(facts)) == 0 and call.mode == mode else None

    def entry(self, cnp.ndarray input not None, cnp.ndarray kernel not None, str mode not None, run):
        """(key or None, entry) to be kept, so that `run` is found for the like of these."""
        cdef PlainCall call = PlainCall()
        if not fill_facts(call.facts, input) or not fill_facts(call.facts + FEW_AXES + 2, kernel):
            return None, None
        call.mode, call.run = mode, run
        return self.key(call.facts, mode), call

    cdef Py_ssize_t key(self, Py_ssize_t* facts, str mode) except? -1:
        """A number (the hash of Fowler, Noll and Vo); fills in the last of the facts. Two signatures that share one
        take turns."""
        cdef size_t number = 0
        cdef int i
        facts[FACTS - 1] = hash(mode)
        for i in range(FACTS):
            number = (number ^ <size_t>facts[i])*<size_t>1099511628211
        return <Py_ssize_t>(number >> 4)
