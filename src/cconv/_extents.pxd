"""What `capi` takes of extents: the rules of _shapes.py and _padding.py for machine integers.

Design: said again rather than shared, as a Python int cannot overflow and its error is a sentence, while a machine
integer can and a function without the GIL has a number to return. tests/test_capi.py holds the two together.
"""
from cconv._kernels.types cimport PAD_CONSTANT, Axis
from cconv._phases cimport common_divisor

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX

cdef enum Fault:
    FINE
    BAD_EXTENT
    BAD_STEP
    BAD_PADDING
    KERNEL_TOO_LARGE
    TOO_LARGE


cdef inline Py_ssize_t most_elements() noexcept nogil:
    """Of an array, and of an input with its padding: 2**44, 128 TiB of doubles. Then no sum of a schedule overflows."""
    return PY_SSIZE_T_MAX >> (19 if sizeof(Py_ssize_t) > 4 else 3)


cdef inline bint multiply(Py_ssize_t* product, Py_ssize_t factor) noexcept nogil:
    """False if that is too much."""
    if factor > 0 and product[0] > most_elements()//factor:
        return False
    product[0] *= factor
    return True


cdef inline Fault read_axis(Axis* axis, Py_ssize_t size, Py_ssize_t kernel, Py_ssize_t stride, Py_ssize_t dilation,
                            Py_ssize_t before, Py_ssize_t after, int boundary) noexcept nogil:
    """One axis in _shapes.py's normal form, but for the stride; pad_after is set whatever it is for."""
    cdef Py_ssize_t padded, most = most_elements()
    if size < 1 or kernel < 1:
        return BAD_EXTENT
    if stride < 1 or dilation < 1:
        return BAD_STEP
    if before < 0 or after < 0:
        return BAD_PADDING
    if size > most or before > most or after > most:
        return TOO_LARGE
    padded = before + size + after
    if padded > most:
        return TOO_LARGE
    if kernel > padded or kernel > 1 and dilation > (padded - 1)//(kernel - 1):
        return KERNEL_TOO_LARGE
    axis.size = size
    axis.kernel = kernel
    axis.stride = stride
    axis.dilation = dilation if kernel > 1 else 1
    axis.output = (padded - (axis.dilation*(kernel - 1) + 1))//stride + 1
    axis.pad = before
    axis.pad_after = after
    axis.boundary = boundary if before or after else PAD_CONSTANT
    return FINE


cdef inline void hang_over(Axis* axis) noexcept nogil:
    """ceil_mode: the windows that hang over the end, but for one that would start past the samples."""
    cdef Py_ssize_t reach = axis.dilation*(axis.kernel - 1)
    cdef Py_ssize_t rest = axis.pad + axis.size + axis.pad_after - reach - 1
    if rest % axis.stride == 0:
        return
    if axis.output*axis.stride < axis.size + axis.pad:
        axis.output += 1


cdef inline bint every_window_touches(const Axis* axis) noexcept nogil:
    """Does each window have a tap on a sample?"""
    cdef Py_ssize_t last = (axis.output - 1)*axis.stride - axis.pad
    cdef Py_ssize_t start = -axis.pad, windows
    if axis.pad > axis.dilation*(axis.kernel - 1) or last >= axis.size:
        return False
    if axis.dilation <= axis.size:
        return True
    # Taps further apart than the input is long can step over it. A window that starts at -x meets the input first at
    # (-x) mod dilation, which comes round after so many windows:
    windows = axis.dilation//common_divisor(axis.stride, axis.dilation)
    while windows > 0 and start <= last and start < 0:
        if (axis.dilation - -start % axis.dilation) % axis.dilation >= axis.size:
            return False
        start += axis.stride
        windows -= 1
    return True
