"""NumPy arrays as the plain structs that kernels read."""
cimport numpy as cnp

from cconv._kernels.types cimport DT_SWAPPED, MAX_BATCH_AXES, Array


cdef struct AxisMap:
    # which axis of an array is which canonical one; -1: none
    int ndim
    int batch[MAX_BATCH_AXES]
    int canonical[4]            # channel, d, h, w


cdef inline int fill_axis_map(AxisMap* axes, batch_axes, canonical_axes) except -1:
    cdef int i
    axes.ndim = len(batch_axes)
    for i in range(axes.ndim):
        axes.batch[i] = batch_axes[i]
    for i in range(4):
        axes.canonical[i] = canonical_axes[i]
    return 0


cdef inline Py_ssize_t stride_of(cnp.ndarray array, int axis) noexcept:
    return 0 if axis < 0 else cnp.PyArray_STRIDES(array)[axis]


cdef inline int fill_array(Array* target, Py_ssize_t* batch, cnp.ndarray array, const AxisMap* axes,
                           const int* codes) except -1:
    """Pointer, strides and element type of `array`, its axes sorted into the canonical ones; batch strides go to
    `batch`. codes: element types by NumPy's type number."""
    cdef int code = codes[cnp.PyArray_TYPE(array)]
    cdef int i
    target.data = cnp.PyArray_BYTES(array)
    target.parts = 2 if cnp.PyArray_ISCOMPLEX(array) else 1
    target.part = cnp.PyArray_ITEMSIZE(array)//2 if target.parts == 2 else 0
    target.dtype = code | (DT_SWAPPED if cnp.PyArray_ISBYTESWAPPED(array) else 0)
    target.channel = stride_of(array, axes.canonical[0])
    target.d = stride_of(array, axes.canonical[1])
    target.h = stride_of(array, axes.canonical[2])
    target.w = stride_of(array, axes.canonical[3])
    for i in range(axes.ndim):
        batch[i] = stride_of(array, axes.batch[i])
    target.batch = batch
    return 0


cdef struct NewArray:
    # what np.empty would take 60 ns longer to be told
    int ndim
    int typenum
    cnp.npy_intp shape[MAX_BATCH_AXES]


cdef inline int fill_new_array(NewArray* target, shape, dtype) except -1:
    cdef int i
    target.ndim = len(shape)
    target.typenum = dtype.num
    for i in range(target.ndim):
        target.shape[i] = shape[i]
    return 0


cdef inline cnp.ndarray new_array(NewArray* array):
    return cnp.PyArray_EMPTY(array.ndim, array.shape, array.typenum, 0)
