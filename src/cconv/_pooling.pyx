"""Pooling; `_core` says how operators are built."""
cimport numpy as cnp

from cconv._arrays cimport AxisMap, NewArray, fill_array, fill_axis_map, fill_new_array, new_array
from cconv._core cimport dtype_codes, fill_axes, load_table, product, run_tasks
from cconv._limits cimport threads_for
from cconv._kernels.types cimport MAX_BATCH_AXES, Axis, PoolArgs, PoolKernels

cnp.import_array()

REALS = ("f32", "f64", "i32", "i64", "u8", "u16")
cdef tuple KINDS = ("max", "avg", "min", "lp")      # in the order of types.pxd
cdef PoolKernels* tables[6]
for _i, _real in enumerate(REALS):
    tables[<int>_i] = <PoolKernels*>load_table("pool", _real, b"cconv.PoolKernels")


cdef class Pooling:
    """A pooling of one spec, ready to run on any arrays that fit it."""
    cdef readonly object spec
    cdef PoolArgs args
    cdef Py_ssize_t batch_shape[MAX_BATCH_AXES]
    cdef PoolKernels* kernels
    cdef AxisMap input_axes
    cdef AxisMap output_axes
    cdef NewArray output
    cdef double work

    def __init__(self, spec):
        cdef PoolArgs* args = &self.args
        cdef Axis* axes[3]
        cdef int i
        self.spec = spec
        fill_new_array(&self.output, spec.output_shape, spec.output_dtype)
        self.kernels = tables[<int>REALS.index(spec.real)]
        axes[0], axes[1], axes[2] = &args.D, &args.H, &args.W
        fill_axes(axes, spec)
        fill_axis_map(&self.input_axes, spec.input_batch_axes, spec.input_axes)
        fill_axis_map(&self.output_axes, spec.output_batch_axes, spec.output_axes)
        args.kind, args.norm = KINDS.index(spec.kind), spec.norm
        args.C = spec.channels
        args.count_include_pad = spec.count_include_pad
        args.divisor_override = spec.divisor_override
        args.nan_omit = spec.nan_omit
        args.batch_ndim = len(spec.batch_shape)
        args.N = 1
        for i in range(args.batch_ndim):
            self.batch_shape[i] = spec.batch_shape[i]
            args.N *= self.batch_shape[i]
        args.batch_shape = self.batch_shape
        # a comparison costs about as much as moving the sample that it reads; folds go along one axis after the other
        walk = spec.with_indices or spec.nan_omit and spec.kind == "avg"
        taps = product(spec.kernel_size) if walk else <double>sum(spec.kernel_size)
        self.work = product(spec.batch_shape)*args.C*max(product(spec.output_size)*(taps + 4)*2,
                                                         <double>product(spec.input_size))

    def run(self, cnp.ndarray input not None, cnp.ndarray out, cnp.ndarray indices, num_threads):
        """Write the pooled values into `out`, or a new array if that is None, and return it; and where each maximum
        stood into `indices` unless that is None."""
        cdef PoolArgs args = self.args
        cdef Py_ssize_t x_batch[MAX_BATCH_AXES]
        cdef Py_ssize_t y_batch[MAX_BATCH_AXES]
        cdef Py_ssize_t index_batch[MAX_BATCH_AXES]
        cdef int threads
        if out is None:
            out = new_array(&self.output)
        if cnp.PyArray_SIZE(out) == 0:
            return out
        fill_array(&args.x, x_batch, input, &self.input_axes, dtype_codes())
        fill_array(&args.y, y_batch, out, &self.output_axes, dtype_codes())
        args.with_indices = indices is not None
        if args.with_indices:
            fill_array(&args.indices, index_batch, indices, &self.output_axes, dtype_codes())
        threads = threads_for(num_threads, self.work)
        self.kernels.plan(&args, threads)
        run_tasks(self.kernels.run, &args, args.n_tasks, &args.scratch_bytes,
                  <int>min(<Py_ssize_t>threads, args.n_tasks), self.work)
        return out

    def schedule(self, cnp.ndarray input not None, cnp.ndarray out not None, num_threads=None):
        """What would run on these arrays: the kernel, tiles, tasks, scratch. For tests and explanations."""
        cdef PoolArgs args = self.args
        cdef Py_ssize_t x_batch[MAX_BATCH_AXES]
        cdef Py_ssize_t y_batch[MAX_BATCH_AXES]
        fill_array(&args.x, x_batch, input, &self.input_axes, dtype_codes())
        fill_array(&args.y, y_batch, out, &self.output_axes, dtype_codes())
        args.with_indices = self.spec.with_indices
        threads = threads_for(num_threads, self.work)
        self.kernels.plan(&args, threads)
        return {"kernel": ("walk" if args.walk else "planes" if args.by_planes else "pixels" if args.by_pixels
                           else "blocks" if args.by_blocks else "fold"),
                "tile": (1, args.row_block, args.column_block), "channels": args.unit, "tasks": args.n_tasks,
                "scratch_bytes": args.scratch_bytes, "threads": min(threads, args.n_tasks)}
