"""Operators over spans and over indices: gradients of pooling, adaptive pools, max_unpool. `_core` says how operators
are built, `_pool_spans` what their specs mean."""
from math import gcd

cimport numpy as cnp

from cconv._arrays cimport AxisMap, fill_array, fill_axis_map
from cconv._core cimport dtype_codes, load_table, run_tasks, watched
from cconv._kernels.types cimport (
    MAX_BATCH_AXES, SCATTER_ADD, SCATTER_CHECK, SCATTER_FETCH, SCATTER_SET, SPAN_MAX, SPAN_SUM, PoolGradKernels,
    ScatterArgs, SpanArgs, SpanAxis,
)
from cconv._kernels.watch cimport Watch
from cconv._limits cimport threads_for

cnp.import_array()

REALS = ("f32", "f64", "i32", "i64")
cdef dict MODES = {"add": SCATTER_ADD, "set": SCATTER_SET, "fetch": SCATTER_FETCH}
cdef PoolGradKernels* tables[4]
for _i, _real in enumerate(REALS):
    tables[<int>_i] = <PoolGradKernels*>load_table("pool_grad", _real, b"cconv.PoolGradKernels")


cdef class Spans:
    """Sums or maxima over spans, for one SpanSpec."""
    cdef readonly object spec
    cdef SpanArgs args
    cdef Py_ssize_t batch_shape[MAX_BATCH_AXES]
    cdef PoolGradKernels* kernels
    cdef AxisMap axes
    cdef double work

    def __init__(self, spec):
        cdef SpanArgs* args = &self.args
        cdef SpanAxis* axes[3]
        cdef int i
        self.spec = spec
        self.kernels = tables[<int>REALS.index(spec.real)]
        fill_axis_map(&self.axes, spec.batch_axes, spec.axes)
        args.kind = {"sum": SPAN_SUM, "max": SPAN_MAX}[spec.kind]
        args.C = spec.channels
        args.N = 1
        args.batch_ndim = len(spec.batch_shape)
        for i in range(args.batch_ndim):
            self.batch_shape[i] = spec.batch_shape[i]
            args.N *= self.batch_shape[i]
        args.by_counts, args.nan_omit = spec.by_counts, spec.nan_omit
        args.scale, args.norm = spec.scale, spec.norm
        self.work = <double>args.N*args.C
        axes[0], axes[1], axes[2] = &args.D, &args.H, &args.W
        for i in range(3):
            axis = spec.spans[i]
            axes[i].size, axes[i].sources = axis.size, axis.sources
            axes[i].adaptive, axes[i].weighted, axes[i].include_pad = axis.adaptive, axis.weighted, axis.include_pad
            axes[i].kernel, axes[i].stride, axes[i].dilation = axis.kernel, axis.stride, axis.dilation
            axes[i].pad, axes[i].pad_after = axis.pad, axis.pad_after
            axes[i].common = gcd(axis.stride, axis.dilation)
            axes[i].inverse = pow(axis.stride//axes[i].common, -1, axis.dilation//axes[i].common)
            self.work *= max(<Py_ssize_t>axis.size, <Py_ssize_t>axis.sources)
        self.work *= 60 if spec.norm not in (0, 1, 2) else 6

    def run(self, cnp.ndarray x not None, cnp.ndarray out not None, cnp.ndarray indices, num_threads,
            cnp.ndarray norms=None, cnp.ndarray samples=None):
        """Write into `out`, and where each maximum stood into `indices`. `norms` and `samples` belong to a gradient of
        an lp norm."""
        cdef SpanArgs args = self.args
        cdef Py_ssize_t batch[5*MAX_BATCH_AXES]
        cdef int threads
        if cnp.PyArray_SIZE(out) == 0:
            return
        args.batch_shape = self.batch_shape
        fill_array(&args.x, batch, x, &self.axes, dtype_codes())
        fill_array(&args.y, batch + MAX_BATCH_AXES, out, &self.axes, dtype_codes())
        args.with_indices = indices is not None
        if indices is not None:
            fill_array(&args.indices, batch + 2*MAX_BATCH_AXES, indices, &self.axes, dtype_codes())
        if norms is not None:
            fill_array(&args.norms, batch + 3*MAX_BATCH_AXES, norms, &self.axes, dtype_codes())
            fill_array(&args.samples, batch + 4*MAX_BATCH_AXES, samples, &self.axes, dtype_codes())
        threads = threads_for(num_threads, self.work)
        self.kernels.plan_spans(&args, threads)
        run_tasks(self.kernels.run_spans, &args, args.n_tasks, &args.scratch_bytes,
                  <int>min(<Py_ssize_t>threads, args.n_tasks), self.work)

    def scratch_bytes(self, cnp.ndarray x not None, cnp.ndarray out not None):
        """Per thread. For tests."""
        cdef SpanArgs args = self.args
        cdef Py_ssize_t batch[2*MAX_BATCH_AXES]
        args.batch_shape = self.batch_shape
        fill_array(&args.x, batch, x, &self.axes, dtype_codes())
        fill_array(&args.y, batch + MAX_BATCH_AXES, out, &self.axes, dtype_codes())
        self.kernels.plan_spans(&args, 2)
        return args.scratch_bytes


cdef class Scatter:
    """Samples to or from the places that indices name, for one ScatterSpec."""
    cdef readonly object spec
    cdef ScatterArgs args
    cdef Py_ssize_t batch_shape[MAX_BATCH_AXES]
    cdef PoolGradKernels* kernels
    cdef AxisMap axes
    cdef double work

    def __init__(self, spec):
        cdef ScatterArgs* args = &self.args
        cdef int i
        self.spec = spec
        self.kernels = tables[<int>REALS.index(spec.real)]
        fill_axis_map(&self.axes, spec.batch_axes, spec.axes)
        args.mode = MODES[spec.mode]
        args.C = spec.channels
        args.N = 1
        args.batch_ndim = len(spec.batch_shape)
        for i in range(args.batch_ndim):
            self.batch_shape[i] = spec.batch_shape[i]
            args.N *= self.batch_shape[i]
        args.D, args.H, args.W = spec.plane
        args.SD, args.SH, args.SW = spec.samples
        self.work = <double>args.N*args.C*(<double>args.D*args.H*args.W + 6.*args.SD*args.SH*args.SW)*4

    def run(self, cnp.ndarray x not None, cnp.ndarray indices not None, cnp.ndarray plane not None, check, num_threads):
        """Fill `plane` from the samples x, or x from `plane`; False if an index is out of range: then what was to be
        filled is not. `check`: look at the indices only."""
        cdef ScatterArgs args = self.args
        cdef Py_ssize_t batch[3*MAX_BATCH_AXES]
        cdef char failed = 0
        cdef Watch watch
        cdef int threads
        args.batch_shape = self.batch_shape
        args.failed = &failed
        args.watch = watched(&watch)
        if check:
            args.mode = SCATTER_CHECK
        fill_array(&args.x, batch, x, &self.axes, dtype_codes())
        fill_array(&args.y, batch + MAX_BATCH_AXES, plane, &self.axes, dtype_codes())
        fill_array(&args.indices, batch + 2*MAX_BATCH_AXES, indices, &self.axes, dtype_codes())
        threads = threads_for(num_threads, self.work)
        self.kernels.plan_scatter(&args, threads)
        if args.n_tasks:
            run_tasks(self.kernels.run_scatter, &args, args.n_tasks, &args.scratch_bytes,
                      <int>min(<Py_ssize_t>threads, args.n_tasks), self.work)
        return not failed
