"""Axes that become one, so that a kernel finds longer rows and fuller tiles."""
from cconv._kernels.simd cimport apart
from cconv._kernels.types cimport PAD_CONSTANT, Axis, ConvArgs


cdef inline bint is_plain(const Axis* axis) noexcept nogil:
    """One output per sample, at its place."""
    return axis.kernel == 1 and axis.stride == 1 and axis.size == axis.output and not axis.gap and not axis.pad


cdef inline apart merge_axes(Axis* outer, Axis* inner, Py_ssize_t* x_outer, Py_ssize_t* x_inner,
                             Py_ssize_t* y_outer, Py_ssize_t* y_inner, bint stacked) noexcept nogil:
    """Make one axis of two whose rows follow each other: of a pointwise kernel, as nothing tells them apart, and if
    `stacked` of one along the outer axis alone, which is then dilated by a row; constants before it are whole rows."""
    cdef Py_ssize_t row = inner.size
    if (not is_plain(inner) or outer.size == 1 or x_outer[0] != row*x_inner[0] or y_outer[0] != row*y_inner[0]
            or not is_plain(outer) and (not stacked or outer.stride != 1 or outer.gap
                                        or outer.boundary != PAD_CONSTANT)):
        return
    inner.kernel = outer.kernel
    inner.dilation = outer.dilation*row if outer.kernel > 1 else 1
    inner.boundary = outer.boundary
    inner.size = outer.size*row
    inner.output = outer.output*row
    inner.pad = outer.pad*row
    outer.kernel = outer.dilation = outer.size = outer.output = 1
    outer.pad = 0


cdef inline void merge_planes(ConvArgs* args, bint stacked) noexcept nogil:
    merge_axes(&args.H, &args.W, &args.x.h, &args.x.w, &args.y.h, &args.y.w, stacked)
    if args.H.size == 1 and args.H.output == 1 and args.H.kernel == 1:
        merge_axes(&args.D, &args.W, &args.x.d, &args.x.w, &args.y.d, &args.y.w, stacked)


cdef inline void fold_batch(ConvArgs* args, Axis* axis, Py_ssize_t* x, Py_ssize_t* y) noexcept nogil:
    """Batch elements as places along an axis where there is nothing, so that small images of a task share their
    weights and register tiles."""
    if (args.batch_ndim != 1 or not args.weight_shared or axis.kernel != 1 or axis.size != 1 or axis.output != 1
            or axis.pad != 0):
        return
    axis.size = axis.output = args.N
    axis.stride = 1
    x[0] = args.x.batch[0]
    y[0] = args.y.batch[0]
    args.batch_ndim = 0
    args.N = 1
