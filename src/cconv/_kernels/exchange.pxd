"""Weights with input and output channels exchanged: what an input gradient is convolved with."""
from cconv._kernels.simd cimport LANES, real, transpose_strided
from cconv._kernels.types cimport EXCHANGED, ExchangeArgs


cdef inline void exchange_task(const ExchangeArgs* args, Py_ssize_t task) noexcept nogil:
    """exchanged[g, c, o, t] = weight[g, o, c, chosen[t]] for EXCHANGED channels c: so many that what is read of each o
    fills cache lines, so few that the lines being written stay in L1."""
    cdef Py_ssize_t parts = (args.IC + EXCHANGED - 1)//EXCHANGED
    cdef Py_ssize_t g = task//parts
    cdef Py_ssize_t first = task % parts*EXCHANGED
    cdef Py_ssize_t last = min(args.IC, first + EXCHANGED)
    cdef Py_ssize_t row = args.IC*args.taps             # of one o
    cdef Py_ssize_t out_row = args.OC*args.n_chosen     # of one c
    cdef const real* weight = <const real*>args.weight + g*args.OC*row
    cdef real* exchanged = <real*>args.exchanged + g*args.IC*out_row
    cdef const real* src
    cdef real* dst
    cdef Py_ssize_t o = 0, c, t
    if args.taps == 1:
        while o + LANES <= args.OC:
            c = first
            while c + LANES <= last:
                transpose_strided(exchanged + c*out_row + o, out_row, weight + o*row + c, row)
                c += LANES
            while c < last:
                for t in range(LANES):
                    exchanged[c*out_row + o + t] = weight[(o + t)*row + c]
                c += 1
            o += LANES
    while o < args.OC:
        for c in range(first, last):
            src = weight + o*row + c*args.taps
            dst = exchanged + c*out_row + o*args.n_chosen
            for t in range(args.n_chosen):
                dst[t] = src[args.chosen[t]]
        o += 1
