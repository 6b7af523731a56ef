"""Rows of arrays as float64, with their borders, and back: what _kernels/ordered.pyx reads and writes."""
from libc.string cimport memcpy

from cconv._kernels.convert cimport store_s32, store_s64, store_u8, store_u16, store_u32
from cconv._kernels.elements cimport item_size, load_row, store_row, swap_bytes
from cconv._kernels.pack cimport source_index
from cconv._kernels.simd cimport real
from cconv._kernels.types cimport (
    DT_I8, DT_I16, DT_I32, DT_I64, DT_SWAPPED, DT_U8, DT_U16, DT_U32, DT_U64, PAD_CONSTANT,
    PAD_EDGE, PAD_REFLECT, PAD_SYMMETRIC, PAD_WRAP, OrderedArgs,
)


cdef inline bint fill_borders(real* dst, Py_ssize_t first, Py_ssize_t last, Py_ssize_t count,
                              const OrderedArgs* args) noexcept nogil:
    """dst before `first` and from `last` on, where what is between has all they repeat: 0.3 ns a sample, not 3."""
    cdef Py_ssize_t inside = last - first, longest = max(first, count - last), t, n = args.W.size
    cdef Py_ssize_t edge = args.W.boundary == PAD_REFLECT
    if args.W.boundary == PAD_WRAP and inside == n and longest <= n:
        for t in range(first - 1, -1, -1):
            dst[t] = dst[t + n]
        for t in range(last, count):
            dst[t] = dst[t - n]
        return True
    if (args.W.boundary == PAD_SYMMETRIC or edge) and longest + edge <= inside:
        for t in range(first):
            dst[first - 1 - t] = dst[first + edge + t]
        for t in range(count - last):
            dst[last + t] = dst[last - 1 - edge - t]
        return True
    if args.W.boundary == PAD_CONSTANT or (args.W.boundary == PAD_EDGE and inside > 0):
        for t in range(first):
            dst[t] = args.cval if args.W.boundary == PAD_CONSTANT else dst[first]
        for t in range(last, count):
            dst[t] = args.cval if args.W.boundary == PAD_CONSTANT else dst[last - 1]
        return True
    return False


cdef inline void load_pixels(real* dst, const OrderedArgs* args, const char* line, Py_ssize_t start,
                             Py_ssize_t count) noexcept nogil:
    """dst = pixels start.. of a padded row; NULL: a row of the constant."""
    cdef Py_ssize_t unit = args.unit, first, last, t, c, i
    if line == NULL:
        for i in range(count*unit):
            dst[i] = args.cval
        return
    first = min(count, max(<Py_ssize_t>0, -start))
    last = max(first, min(count, args.W.size - start))
    if last > first:
        load_row(dst + first*unit, line + (start + first)*unit*args.x.w, (last - first)*unit, args.x.w, args.x.dtype)
    if unit == 1 and fill_borders(dst, first, last, count, args):
        return
    t = 0 if first > 0 else last
    while t < count:
        i = source_index(start + t, args.W.size, args.W.boundary)
        if i < 0:
            for c in range(unit):
                dst[t*unit + c] = args.cval
        elif first <= i - start < last:         # converted already: a third of the time of 33 samples and 39 around
            for c in range(unit):
                dst[t*unit + c] = dst[(i - start)*unit + c]
        else:
            load_row(dst + t*unit, line + i*unit*args.x.w, unit, args.x.w, args.x.dtype)
        t = t + 1 if t + 1 != first else last


cdef inline const char* row_at(const OrderedArgs* args, const char* image, Py_ssize_t d, Py_ssize_t h) noexcept nogil:
    """A row of the image; NULL: one of the constant."""
    if d < 0 or h < 0:
        return NULL
    return image + d*args.x.d + h*args.x.h


cdef inline void store_cast(char* dst, const real* src, Py_ssize_t n, Py_ssize_t stride, int dtype) noexcept nogil:
    """element at dst + i*stride bytes = src[i], cast as x86 casts in C: see convert.h."""
    cdef Py_ssize_t i, size, part
    cdef unsigned long long large
    cdef char swapped[64*8]
    if dtype & DT_SWAPPED:
        size = item_size(dtype)
        i = 0
        while i < n:
            part = min(<Py_ssize_t>64, n - i)
            store_cast(swapped, src + i, part, size, dtype & ~DT_SWAPPED)
            swap_bytes(dst + i*stride, stride, swapped, size, part, size)
            i += part
    elif dtype == DT_U8 or dtype == DT_I8:
        store_u8(dst, src, n, stride)
    elif dtype == DT_U16 or dtype == DT_I16:
        store_u16(dst, src, n, stride)
    elif dtype == DT_U32:
        store_u32(dst, src, n, stride)
    elif dtype == DT_I32:
        store_s32(dst, src, n, stride)
    elif dtype == DT_I64:
        store_s64(dst, src, n, stride)
    elif dtype == DT_U64:
        for i in range(n):
            if src[i] >= 9223372036854775808.0:
                large = <unsigned long long><long long>(src[i] - 9223372036854775808.0) ^ (<unsigned long long>1 << 63)
            else:
                large = <unsigned long long><long long>src[i]
            memcpy(dst + i*stride, &large, 8)
    else:
        store_row(dst, src, n, stride, dtype)


cdef inline void batch_element(const OrderedArgs* args, Py_ssize_t n, const char** x, char** y) noexcept nogil:
    """The first sample of batch element n, counted over all batch axes in C order."""
    cdef int axis
    cdef Py_ssize_t index
    x[0] = args.x.data
    y[0] = args.y.data
    for axis in range(args.batch_ndim - 1, -1, -1):
        index = n % args.batch_shape[axis]
        n //= args.batch_shape[axis]
        x[0] += index*args.x.batch[axis]
        y[0] += index*args.y.batch[axis]


cdef inline void load_after(real* after, real* spare, Py_ssize_t room, const OrderedArgs* args,
                            const char* line) noexcept nogil:
    """What stands after the end of a row, read with the samples before it, which it repeats, in `room` reals: one by
    one it took a third of the time of a mean of 31 samples in rows of 64."""
    cdef Py_ssize_t beyond = args.W.kernel - 1 - args.W.pad
    cdef Py_ssize_t before = min(beyond + 1, args.W.size)
    if before + beyond > room:
        load_pixels(after, args, line, args.W.size, beyond)
        return
    load_pixels(spare, args, line, args.W.size - before, before + beyond)
    memcpy(after, spare + before, beyond*<Py_ssize_t>sizeof(real))
