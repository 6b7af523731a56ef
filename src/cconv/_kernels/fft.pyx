"""Convolution by FFT for one real type at one SIMD level: tasks over threads. See spectral.pxd."""
from cpython.pycapsule cimport PyCapsule_New
from cython.parallel cimport prange, threadid

from cconv._kernels.spectral cimport (
    fft_scratch, fft_task, is_paired, piece_count, plane_size, prepare_spectrum, spectrum_size, task_tiles, tile_count,
)
from cconv._kernels.simd cimport LANES, real
from cconv._kernels.types cimport KERNEL_ABI, ConvArgs, ConvKernels


cdef enum:
    OUT_CHANNELS = 4            # of a task: they share a transform of the samples


cdef void fft_plan(ConvArgs* args, int num_threads) noexcept nogil:
    """Tiles are chosen (_choice.py); what is left is to count."""
    cdef Py_ssize_t parts = 2 if is_paired(args) else 1
    cdef Py_ssize_t kernels = args.G*(args.OC//parts)*(args.IC//parts)
    cdef Py_ssize_t transforms = (tile_count(args.spectral) + task_tiles(args) - 1)//task_tiles(args)
    cdef Py_ssize_t batch = 1
    cdef int axis
    for axis in range(args.batch_ndim):
        if args.weight_batch[axis]:
            batch *= args.batch_shape[axis]
    args.oc_block = min(args.OC//parts, <Py_ssize_t>OUT_CHANNELS)
    args.n_prepare = batch*kernels*piece_count(args.spectral)
    args.packed_bytes = args.n_prepare*spectrum_size(args.spectral)*<Py_ssize_t>sizeof(real)
    args.n_tasks = args.N*args.G*((args.OC//parts + args.oc_block - 1)//args.oc_block)*transforms
    args.scratch_bytes = fft_scratch(args)
    args.scratch_bytes = max(args.scratch_bytes, 2*plane_size(args.spectral)*<Py_ssize_t>sizeof(real))


cdef void fft_prepare(const void* opaque, char* scratch, Py_ssize_t first, Py_ssize_t last,
                      int num_threads) noexcept nogil:
    """Fill args.packed; as fft_run."""
    cdef const ConvArgs* args = <const ConvArgs*>opaque
    cdef Py_ssize_t task
    if num_threads == 1:
        for task in range(first, last):
            prepare_spectrum(args, scratch, task)
    else:
        for task in prange(first, last, schedule="dynamic", num_threads=num_threads):
            prepare_spectrum(args, scratch + threadid()*args.scratch_bytes, task)


cdef void fft_run(const void* opaque, char* scratch, Py_ssize_t first, Py_ssize_t last,
                  int num_threads) noexcept nogil:
    """Tasks first..last-1. One thread does not enter OpenMP at all."""
    cdef const ConvArgs* args = <const ConvArgs*>opaque
    cdef Py_ssize_t task
    if num_threads == 1:
        for task in range(first, last):
            fft_task(args, scratch, task)
    else:
        for task in prange(first, last, schedule="dynamic", num_threads=num_threads):
            fft_task(args, scratch + threadid()*args.scratch_bytes, task)


cdef ConvKernels kernels
kernels.abi = KERNEL_ABI
kernels.lanes = LANES
kernels.plan = fft_plan
kernels.prepare = fft_prepare
kernels.run = fft_run
CAPSULE = PyCapsule_New(&kernels, "cconv.ConvKernels", NULL)
