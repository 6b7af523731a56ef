"""Weights with input and output channels exchanged: what an input gradient is convolved with.

exchanged[part][g, c, o, j] = weight[g, o, c, tap j of the part].

Design: the taps of some input and output channels fill half of L1 and are dealt out from there, so that every weight is
read once, whole cache lines are read and written, and nothing is transposed: a kernel's taps are neighbours before and
after. By way of columns that were transposed in registers, 3x3 and 4x4 kernels took 1.3 to 2.4 times as long.
"""
from libc.string cimport memcpy

from cconv._kernels.simd cimport inlined, real
from cconv._kernels.types cimport ExchangeArgs

cdef enum:
    OUTS = 16                   # output channels at a time, and input channels of a task, at most
    BLOCK_BYTES = 24*1024       # of their taps


cdef inline void plan_exchange(ExchangeArgs* args) noexcept nogil:
    cdef Py_ssize_t most = BLOCK_BYTES//(OUTS*<Py_ssize_t>sizeof(real))//args.taps
    args.channels = max(<Py_ssize_t>1, min(<Py_ssize_t>OUTS, most))
    args.n_tasks = args.G*((args.IC + args.channels - 1)//args.channels)


cdef inline inlined deal_out(real* dst, const real* src, Py_ssize_t row, Py_ssize_t outs, const Py_ssize_t* chosen,
                             Py_ssize_t count) noexcept nogil:
    """dst[o][j] = src[o*row + chosen[j]]."""
    cdef Py_ssize_t o, j
    for o in range(outs):
        for j in range(count):
            dst[o*count + j] = src[o*row + chosen[j]]


cdef inline void deal_kernels(real* dst, const real* src, Py_ssize_t row, Py_ssize_t outs, Py_ssize_t taps,
                              const Py_ssize_t* chosen, Py_ssize_t count) noexcept nogil:
    """As deal_out. Counts of strided 3x3 and 4x4 kernels are literals, and a kernel with all its taps is copied."""
    cdef Py_ssize_t o
    if count == 1:
        deal_out(dst, src, row, outs, chosen, 1)
    elif count == taps:
        for o in range(outs):
            if taps == 9:
                memcpy(dst + o*9, src + o*row, 9*sizeof(real))
            else:
                memcpy(dst + o*taps, src + o*row, taps*sizeof(real))
    elif count == 2:
        deal_out(dst, src, row, outs, chosen, 2)
    elif count == 4:
        deal_out(dst, src, row, outs, chosen, 4)
    else:
        deal_out(dst, src, row, outs, chosen, count)


cdef inline void exchange_task(const ExchangeArgs* args, Py_ssize_t task) noexcept nogil:
    """All parts of args.channels input channels of one group."""
    cdef Py_ssize_t tasks = (args.IC + args.channels - 1)//args.channels
    cdef Py_ssize_t g = task//tasks
    cdef Py_ssize_t first = task % tasks*args.channels
    cdef Py_ssize_t channels = min(args.channels, args.IC - first)
    cdef Py_ssize_t row = args.IC*args.taps             # of one output channel
    cdef const real* weight = <const real*>args.weight + g*args.OC*row + first*args.taps
    cdef const Py_ssize_t* chosen
    cdef real* exchanged
    cdef Py_ssize_t o = 0, outs, part, c, count
    while o < args.OC:
        outs = min(<Py_ssize_t>OUTS, args.OC - o)
        chosen = args.chosen
        exchanged = <real*>args.exchanged
        for part in range(args.n_parts):
            count = args.counts[part]
            for c in range(channels):
                deal_kernels(exchanged + ((g*args.IC + first + c)*args.OC + o)*count,
                             weight + o*row + c*args.taps, row, outs, args.taps, chosen, count)
            chosen += count
            exchanged += args.G*args.IC*args.OC*count
        o += outs
