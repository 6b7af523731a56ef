"""The sources of a target along one axis.

Design: by arithmetic, not by tables as long as an axis. The rule of adaptive windows is its own inverse: window i of o
over n samples begins at i*n//o and ends before (i + 1)*n/o, rounded up; the windows that hold sample i begin at i*o//n
and end before (i + 1)*o/n, rounded up.
"""
from cconv._kernels.types cimport SpanAxis


cdef struct Span:
    Py_ssize_t first
    Py_ssize_t last             # none if not above `first`


cdef inline Py_ssize_t quotient(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    """a//b of what is not negative. One of 64 bits takes up to 40 cycles more, and small planes ask for many."""
    if b == 1:
        return a
    if (a | b) >> 32 == 0:
        return <unsigned int>a//<unsigned int>b
    return a//b


cdef inline Py_ssize_t floor_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return quotient(a, b) if a >= 0 else -quotient(b - 1 - a, b)


cdef inline bint is_constant(const SpanAxis* axis) noexcept nogil:
    """True if there is one source, and it holds every target."""
    return axis.sources == 1 and (axis.adaptive or axis.dilation == 1 and axis.pad >= 0
                                  and axis.kernel >= axis.pad + axis.size)


cdef inline Py_ssize_t step_of(const SpanAxis* axis) noexcept nogil:
    return 1 if axis.adaptive or axis.dilation == 1 else quotient(axis.dilation, axis.common)


cdef inline Span span_of(const SpanAxis* axis, Py_ssize_t i) noexcept nogil:
    cdef Span span
    cdef Py_ssize_t place, step
    if axis.adaptive:
        span.first = quotient(i*axis.sources, axis.size)
        span.last = quotient((i + 1)*axis.sources + axis.size - 1, axis.size)
        return span
    place = i + axis.pad
    span.first = place - (axis.kernel - 1)*axis.dilation
    span.first = quotient(span.first + axis.stride - 1, axis.stride) if span.first > 0 else 0
    span.last = min(axis.sources, quotient(place, axis.stride) + 1)
    if axis.dilation > 1:               # the windows that have a tap there
        if place % axis.common:
            span.last = span.first
        step = axis.dilation//axis.common
        place = place//axis.common % step*axis.inverse % step
        span.first += (place - span.first % step + step) % step
    return span


cdef inline Py_ssize_t taps_below(const SpanAxis* axis, Py_ssize_t start, Py_ssize_t limit) noexcept nogil:
    return min(axis.kernel, (limit - start + axis.dilation - 1)//axis.dilation if limit > start else 0)


cdef inline Py_ssize_t targets_of(const SpanAxis* axis, Py_ssize_t source) noexcept nogil:
    """How many targets a source holds: what a mean was divided by along this axis."""
    cdef Py_ssize_t start
    if axis.adaptive:
        return quotient((source + 1)*axis.size + axis.sources - 1, axis.sources) \
            - quotient(source*axis.size, axis.sources)
    start = source*axis.stride - axis.pad
    if start >= 0 and start + (axis.kernel - 1)*axis.dilation < axis.size:
        return axis.kernel
    if axis.include_pad:
        return taps_below(axis, start, axis.size + axis.pad_after)
    return taps_below(axis, start, axis.size) - taps_below(axis, start, 0)
