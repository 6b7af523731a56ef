"""NumPy arrays as the plain structs that kernels read."""
cimport numpy as cnp

from cconv._kernels.types cimport DT_SWAPPED, MAX_BATCH_AXES, Array, ConvArgs, TileGuard, Tiles
from cconv._memory cimport KEPT_FROM, new_result


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
    target.part[0], target.part[1] = 0, cnp.PyArray_ITEMSIZE(array)//2
    target.dtype = code | (DT_SWAPPED if cnp.PyArray_ISBYTESWAPPED(array) else 0)
    target.channel = stride_of(array, axes.canonical[0])
    target.d = stride_of(array, axes.canonical[1])
    target.h = stride_of(array, axes.canonical[2])
    target.w = stride_of(array, axes.canonical[3])
    for i in range(axes.ndim):
        batch[i] = stride_of(array, axes.batch[i])
    target.batch = batch
    return 0


ctypedef fused floating:
    float
    double


cdef inline void spread_pairs(floating* dst, const floating* src, Py_ssize_t outer, Py_ssize_t IC, Py_ssize_t taps,
                              int parts, bint conjugate) noexcept:
    """src[outer][IC][taps] of (re, im) as dst[outer][2][IC][parts][taps]."""
    cdef Py_ssize_t o, c, t, first
    cdef Py_ssize_t half = IC*parts*taps
    cdef floating re, im
    for o in range(outer):
        for c in range(IC):
            for t in range(taps):
                re = src[0]
                im = -src[1] if conjugate else src[1]
                src += 2
                first = 2*o*half + c*parts*taps + t
                dst[first] = re
                dst[first + half] = im
                if parts == 2:
                    dst[first + taps] = -im
                    dst[first + half + taps] = re


cdef struct NewArray:
    # what np.empty would take 60 ns longer to be told
    int ndim
    int typenum
    bint is_large
    cnp.npy_intp shape[MAX_BATCH_AXES]


cdef inline int fill_new_array(NewArray* target, shape, dtype) except -1:
    cdef int i
    cdef double size = dtype.itemsize
    target.ndim = len(shape)
    target.typenum = dtype.num
    for i in range(target.ndim):
        target.shape[i] = shape[i]
        size *= <double>target.shape[i]
    target.is_large = size >= KEPT_FROM
    return 0


cdef inline cnp.ndarray new_array(NewArray* array):
    return new_result(array.ndim, array.shape, array.typenum, array.is_large)


cdef inline cnp.ndarray fill_tiles(ConvArgs* args, Tiles* tiles, cnp.ndarray words, cnp.ndarray buffer,
                                   Py_ssize_t first, Py_ssize_t channel, guard, cnp.ndarray good):
    """args.tiles = the struct that `words` is, of the tiles from `first` and the channels from `channel` on that
    `buffer`, (channels, tiles, d, h, w), holds; with a `guard`, `good` is to say which cells of outputs a transform may
    do. Returns memory that the struct points to."""
    tiles[0] = (<const Tiles*>cnp.PyArray_DATA(words))[0]
    # of doubles: a row of complex numbers of either type, and what a guard counts
    cdef Py_ssize_t row = 2*tiles.W.length
    cdef cnp.npy_intp n = row + tiles.D.blocks*tiles.H.blocks*tiles.W.blocks//2 + 1
    cdef cnp.ndarray scratch = cnp.PyArray_EMPTY(1, &n, cnp.NPY_DOUBLE, 0)
    args.tiles = tiles
    tiles.first = first
    tiles.count = buffer.shape[1]
    tiles.channel = channel
    tiles.channels = buffer.shape[0]
    tiles.buffer = cnp.PyArray_DATA(buffer)
    tiles.scratch = cnp.PyArray_DATA(scratch)
    tiles.counts = <int*>(<double*>tiles.scratch + row)
    if guard is not None:
        tiles.guard = <const TileGuard*>cnp.PyArray_DATA(guard.numbers)
        if guard.table is not None:
            tiles.table = <const double*>cnp.PyArray_DATA(guard.table)
        tiles.good = <unsigned char*>cnp.PyArray_DATA(good)
    return scratch
