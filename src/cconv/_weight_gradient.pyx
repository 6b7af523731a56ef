"""What gradients need of compiled code beside convolutions; `_core` says how operators are built.

Design: the phases of a strided layer's input gradient write every other sample each. One after the other they moved
each cache line of the result as often as there are phases; so a task runs its share of all of them, while the block
that they write is in the cache: 128 -> 64 channels, 112x112 to 224x224, took 0.7 times as long (2x2: one pass now).
"""
cimport numpy as cnp
import numpy as np

from cconv._arrays cimport AxisMap, fill_array, fill_axis_map
from cconv._core cimport BatchStrides, Convolution, dtype_codes, fill_axes, load_table, run_tasks, write_zeros
from cconv._kernels.types cimport MOST_PARTS as PARTS
from cconv._kernels.types cimport (
    ALG_WINOGRAD, MAX_BATCH_AXES, METHOD_AUTO, METHOD_DIRECT, METHOD_WINOGRAD, WEIGHT_GROUPS, WEIGHT_PANELS,
    WEIGHT_PLANES, WEIGHT_RUNS, WEIGHT_WINOGRAD, Axis, ConvArgs, ConvSet, ExchangeArgs, WeightArgs, WeightKernels,
)
from cconv._limits cimport threads_for
from cconv._memory cimport free_memory, new_line, take_memory
from cconv._phases cimport TOGETHER_BYTES as MOST_BYTES
from cconv._phases cimport PHASE_CHANNELS as TILE_CHANNELS
from cconv._phases cimport Phase, find_phase, find_tile, phase_step, tiles_pay
from cconv._phases cimport reads_turned as _reads_turned

cnp.import_array()

TOGETHER_BYTES = MOST_BYTES
MOST_PARTS = PARTS
PHASE_CHANNELS = TILE_CHANNELS

cdef double LONG_TASK = 1e9         # multiply-adds of a task that take 40 to 300 ms, by type and level
cdef Py_ssize_t LEAST_CHANNELS = 16     # fewer output channels take as long: lanes of a vector
cdef double CLEARED = 4             # bytes that take as long to clear as a multiply-add
cdef dict METHODS = {"auto": METHOD_AUTO, "direct": METHOD_DIRECT, "winograd": METHOD_WINOGRAD}
cdef WeightKernels* f32_kernels = <WeightKernels*>load_table("weight_grad", "f32", b"cconv.WeightKernels")
cdef WeightKernels* f64_kernels = <WeightKernels*>load_table("weight_grad", "f64", b"cconv.WeightKernels")


def clear(cnp.ndarray out not None, num_threads):
    """Zeros, by all threads: by one they were a tenth of the input gradient of a pointwise layer of stride 2."""
    cdef double work = <double>cnp.PyArray_NBYTES(out)/CLEARED
    if cnp.PyArray_ISCONTIGUOUS(out):
        write_zeros(out, 1, threads_for(num_threads, work), work)
    else:
        out[...] = 0


def run_set(list operators, cnp.ndarray input not None, list weights, bias, list outs, num_threads):
    """Each operator with its weight into its `out`; none is empty, all have the same arithmetic."""
    cdef Py_ssize_t n = len(operators), i
    cdef void* memory = take_memory(n*(sizeof(ConvArgs) + sizeof(BatchStrides)))
    cdef ConvArgs* each = <ConvArgs*>memory
    cdef BatchStrides* strides = <BatchStrides*>(each + n)
    cdef Convolution operator
    cdef ConvSet all
    cdef double work = 0
    cdef int threads
    all.size, all.each, all.n_tasks, all.scratch_bytes = 0, each, 0, 0
    used = []
    try:
        for i in range(n):
            operator = operators[i]
            work += operator.work
        threads = threads_for(num_threads, work)
        for i in range(n):
            operator = operators[i]
            each[all.size] = operator.args
            operator.fill_arrays(&each[all.size], &strides[all.size], input, outs[i])
            used.append(operator.fill_weight(&each[all.size], &strides[all.size], weights[i], bias))
            used.append(operator.pack(&each[all.size], threads, None))
            if each[all.size].algorithm == ALG_WINOGRAD:        # may have to look at its input again
                operator.run_packed(&each[all.size], threads)
                continue
            all.n_tasks = max(all.n_tasks, each[all.size].n_tasks)
            all.scratch_bytes = max(all.scratch_bytes, each[all.size].scratch_bytes)
            all.size += 1
        if all.size:
            run_tasks(operator.kernels.run_set, &all, all.n_tasks, &all.scratch_bytes,
                      <int>min(<Py_ssize_t>threads, all.n_tasks), work)
    finally:
        free_memory(memory)


def run_phases(Convolution operator not None, cnp.ndarray input not None, cnp.ndarray weight not None, bias,
               cnp.ndarray out not None, num_threads):
    """Run an operator with phase_axes; returns which batch elements have results that are not finite: those have to be
    computed otherwise, as what their phases lack is no zero to be multiplied."""
    cdef ConvArgs args = operator.args
    cdef BatchStrides strides
    cdef int threads = threads_for(num_threads, operator.work)
    operator.fill_arrays(&args, &strides, input, out)
    _used = operator.fill_weight(&args, &strides, weight, bias)
    _packed = operator.pack(&args, threads, None)
    return np.flatnonzero(operator.run_winograd(&args, threads))


def shares_tiles(blocks, axes, always):
    """Whether tiles can do the phases of h and w (ConvSpec.phase_axes), and pay for so many blocks unless `always`."""
    cdef Axis axis
    cdef Py_ssize_t points = 1, taps = 1
    for kernel, stride, before, flip in axes:
        points *= find_tile(&axis, kernel, stride, before, flip)
        taps *= kernel
    return points > 0 and (always or tiles_pay(points, taps, blocks[0], blocks[1]))


def axis_phases(Py_ssize_t first, Py_ssize_t positions, Py_ssize_t kernel, Py_ssize_t stride, Py_ssize_t dilation,
                Py_ssize_t outputs, bint flip):
    """The phases of so many padded positions from `first` on, as tuples of what a struct Phase holds."""
    cdef Phase phase
    cdef Py_ssize_t number
    found = []
    for number in range(min(kernel, phase_step(stride, dilation))):
        if find_phase(&phase, number, first, positions, kernel, stride, dilation, outputs, flip):
            found.append((phase.tap, phase.step, phase.tap_count, phase.skipped, phase.count, phase.dilation,
                          phase.start, phase.pad))
    return found


def reads_turned(Py_ssize_t groups, Py_ssize_t channels):
    """Whether a pointwise layer's input gradient takes the weight as it lies."""
    return _reads_turned(groups, channels, 1)


cdef class Exchange:
    """A weight (out, in per group, *taps) as one array (in, out per group, *chosen taps) per part."""
    cdef readonly list parts    # of each: a slice per spatial axis
    cdef list shapes
    cdef list ends              # of the parts in `exchanged`, in elements
    cdef cnp.ndarray counts
    cdef cnp.ndarray chosen
    cdef ExchangeArgs args

    def __init__(self, groups, outs, ins, extents, parts):
        places = np.arange(np.prod(extents, dtype=np.intp)).reshape(extents)
        chosen = [places[taps] for taps in parts]
        self.parts = parts
        self.shapes = [(groups*ins, outs, *part.shape) for part in chosen]
        self.counts = np.array([part.size for part in chosen], np.intp)
        self.chosen = np.concatenate([part.ravel() for part in chosen]).astype(np.intp, copy=False)
        self.ends = (np.cumsum(self.counts)*(groups*ins*outs)).tolist()
        self.args.G, self.args.OC, self.args.IC = groups, outs, ins
        self.args.taps, self.args.n_parts = places.size, len(parts)
        self.args.counts = <const Py_ssize_t*>cnp.PyArray_DATA(self.counts)
        self.args.chosen = <const Py_ssize_t*>cnp.PyArray_DATA(self.chosen)

    def run(self, cnp.ndarray weight not None, num_threads):
        """The types of kernels have a kernel here, others go through NumPy, which takes 10 times as long."""
        cdef ExchangeArgs args = self.args
        cdef WeightKernels* kernels
        cdef cnp.ndarray result
        cdef Py_ssize_t none = 0
        cdef double work
        if weight.dtype not in (np.float32, np.float64) or not cnp.PyArray_ISCARRAY_RO(weight):
            split = weight.reshape(args.G, args.OC, args.IC, *[weight.shape[i] for i in range(2, weight.ndim)])
            split = split.swapaxes(1, 2)
            return [np.ascontiguousarray(split[(..., *taps)]).reshape(shape)
                    for taps, shape in zip(self.parts, self.shapes, strict=True)]
        kernels = f32_kernels if weight.dtype == np.float32 else f64_kernels
        result = new_line(self.ends[-1], cnp.PyArray_TYPE(weight))
        args.weight = cnp.PyArray_DATA(weight)
        args.exchanged = cnp.PyArray_DATA(result)
        kernels.plan_exchange(&args)
        work = 4.*cnp.PyArray_SIZE(result)      # a copied weight costs about as much as so many products
        if work:
            run_tasks(kernels.exchange, &args, args.n_tasks, &none,
                      <int>min(<Py_ssize_t>threads_for(num_threads, work), args.n_tasks), work)
        starts = [0, *self.ends[:-1]]
        return [result[start:end].reshape(shape)
                for start, end, shape in zip(starts, self.ends, self.shapes, strict=True)]


cdef class WeightSums:
    """Sums of products of a layer's input and grad_output, for the ConvSpec of the layer."""
    cdef readonly object spec
    cdef ConvArgs args
    cdef Py_ssize_t batch_shape[MAX_BATCH_AXES]
    cdef Py_ssize_t weight_batch[MAX_BATCH_AXES]
    cdef WeightKernels* kernels
    cdef AxisMap input_axes
    cdef AxisMap output_axes
    cdef object dtype
    cdef int typenum
    cdef double work
    cdef Py_ssize_t start[3]

    def __init__(self, spec):
        cdef ConvArgs* args = &self.args
        cdef Axis* axes[3]
        cdef int i
        self.spec = spec
        self.kernels = f32_kernels if spec.real == "f32" else f64_kernels
        self.dtype = np.dtype(np.float32 if spec.real == "f32" else np.float64)
        self.typenum = self.dtype.num
        axes[0], axes[1], axes[2] = &args.D, &args.H, &args.W
        fill_axes(axes, spec)
        fill_axis_map(&self.input_axes, spec.input_batch_axes, spec.input_axes)
        fill_axis_map(&self.output_axes, spec.output_batch_axes, spec.output_axes)
        for i in range(3):
            self.start[i] = spec.input_start[i]
        args.G, args.IC, args.OC = spec.groups, spec.in_channels, spec.out_channels
        args.flip = spec.flip
        args.method = METHODS[spec.method]
        cval = complex(spec.cval)
        args.cval[0], args.cval[1] = cval.real, cval.imag
        args.batch_ndim = len(spec.batch_shape)
        args.N = 1
        for i in range(args.batch_ndim):
            self.batch_shape[i] = spec.batch_shape[i]
            self.weight_batch[i] = 0
            args.N *= self.batch_shape[i]
        self.work = <double>args.N*args.G*args.IC*(args.OC if args.G > 1 else max(args.OC, LEAST_CHANNELS))
        for i in range(3):
            self.work *= <double>axes[i].kernel*axes[i].output

    cdef int fill(self, WeightArgs* all, Py_ssize_t* x_batch, Py_ssize_t* y_batch, cnp.ndarray input,
                  cnp.ndarray grad_output) except -1:
        """The arguments for these arrays, planned."""
        cdef ConvArgs* args = &all.layer
        all.layer = self.args
        args.batch_shape = self.batch_shape
        args.weight_batch = self.weight_batch
        fill_array(&args.x, x_batch, input, &self.input_axes, dtype_codes())
        fill_array(&args.y, y_batch, grad_output, &self.output_axes, dtype_codes())
        args.x.data += self.start[0]*args.x.d + self.start[1]*args.x.h + self.start[2]*args.x.w
        args.IC *= args.x.parts
        args.OC *= args.y.parts
        self.kernels.plan(all)
        return 0

    def run(self, cnp.ndarray input not None, cnp.ndarray grad_output not None, num_threads, cnp.ndarray out=None):
        """The sums as one array: out channels, in channels per group, taps; channels of complex arrays are pairs.

        That is `out` where it can be: native, contiguous, not of complex numbers."""
        cdef WeightArgs all
        cdef Py_ssize_t x_batch[MAX_BATCH_AXES]
        cdef Py_ssize_t y_batch[MAX_BATCH_AXES]
        cdef cnp.ndarray total
        cdef int threads
        if self.args.IC == 0 or cnp.PyArray_SIZE(grad_output) == 0:
            parts = (1 + (input.dtype.kind == "c"))*(1 + (grad_output.dtype.kind == "c"))
            taps = self.args.D.kernel*self.args.H.kernel*self.args.W.kernel
            return np.zeros(self.args.G*self.args.OC*self.args.IC*taps*parts, self.dtype)
        if out is not None and not (cnp.PyArray_ISCARRAY(out) and out.dtype == self.dtype):
            out = None
        threads = threads_for(num_threads, self.work)
        self.fill(&all, x_batch, y_batch, input, grad_output)
        total = self.execute(&all, threads, out)
        # other sums keep that to the weights that met it
        if all.only_finite and not np.isfinite(total).all():
            all.layer.method = METHOD_DIRECT
            self.kernels.plan(&all)
            total = self.execute(&all, threads, out)
        return total

    cdef cnp.ndarray execute(self, WeightArgs* all, int threads, cnp.ndarray out):
        """Run what is planned."""
        cdef cnp.ndarray total = new_line(all.n_elements, self.typenum) if out is None else out
        cdef cnp.ndarray partial
        cdef Py_ssize_t none = 0
        all.total = cnp.PyArray_DATA(total)
        if all.n_chunks > 1:
            partial = new_line((all.n_chunks - 1)*all.n_elements, self.typenum)
            all.partial = cnp.PyArray_DATA(partial)
        run_tasks(self.kernels.run, all, all.n_tasks, &all.scratch_bytes,
                  <int>min(<Py_ssize_t>threads, all.n_tasks), self.work)
        if all.n_chunks > 1:
            run_tasks(self.kernels.combine, all, all.n_combine, &none, 1, self.work)
        return total

    def images_at_once(self, cnp.ndarray input not None, cnp.ndarray grad_output not None):
        """How much of the first batch axis to sum at once, so that Ctrl-C need not wait long for a task: a large weight
        leaves no memory for many sums of parts."""
        cdef WeightArgs all
        cdef Py_ssize_t x_batch[MAX_BATCH_AXES]
        cdef Py_ssize_t y_batch[MAX_BATCH_AXES]
        cdef double work
        if not self.args.batch_ndim:
            return 1
        if self.work > LONG_TASK and self.args.IC:
            self.fill(&all, x_batch, y_batch, input, grad_output)
            work = self.work*all.layer.x.parts*all.layer.y.parts/all.n_tasks
            if work > LONG_TASK:
                return max(1, <Py_ssize_t>(self.batch_shape[0]*(LONG_TASK/work)))
        return self.batch_shape[0]

    def schedule(self, cnp.ndarray input not None, cnp.ndarray grad_output not None):
        """What would run on these arrays. For tests."""
        cdef WeightArgs all
        cdef Py_ssize_t x_batch[MAX_BATCH_AXES]
        cdef Py_ssize_t y_batch[MAX_BATCH_AXES]
        self.fill(&all, x_batch, y_batch, input, grad_output)
        return {"kernel": {WEIGHT_PANELS: "panels", WEIGHT_GROUPS: "groups", WEIGHT_PLANES: "planes",
                           WEIGHT_WINOGRAD: "winograd", WEIGHT_RUNS: "runs"}[all.algorithm],
                "scratch_bytes": all.scratch_bytes, "blocks": all.n_blocks, "chunks": all.n_chunks,
                "images": all.images, "tile": (all.layer.TD.tile, all.layer.TH.tile, all.layer.TW.tile),
                "ic_block": all.layer.ic_block, "oc_block": all.layer.oc_block, "swapped": bool(all.swapped),
                "fetches": bool(all.fetches), "tasks": all.n_tasks}
