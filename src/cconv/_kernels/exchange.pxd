"""Weights with input and output channels exchanged: what an input gradient is convolved with.

exchanged[part][g, c, o, j] = weight[g, o, c, tap j of the part].

Design: LANES output channels of some input channels are transposed in registers, into scratch; from there each part
takes its taps, and whole cache lines are written. All parts at once read a weight once: 1024 x 512 x 2x2 for four parts
took as long as the convolutions themselves when each read it again, a tap at a time.
"""
from cconv._kernels.simd cimport LANES, real, transpose_strided
from cconv._kernels.types cimport ExchangeArgs

cdef enum:
    CHANNELS = 16               # input channels of a task, at most
    BLOCK_BYTES = 64*1024       # of scratch: with what is written it fits L2


cdef inline void plan_exchange(ExchangeArgs* args) noexcept nogil:
    """A channel with too many taps for the scratch is a task of its own."""
    cdef Py_ssize_t most = BLOCK_BYTES//(LANES*<Py_ssize_t>sizeof(real))//args.taps
    args.channels = max(<Py_ssize_t>1, min(<Py_ssize_t>CHANNELS, most))
    args.n_tasks = args.G*((args.IC + args.channels - 1)//args.channels)
    args.scratch_bytes = (args.channels*args.taps + LANES)*LANES*<Py_ssize_t>sizeof(real)


cdef inline void exchange_task(const ExchangeArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    """All parts of args.channels input channels of one group."""
    cdef Py_ssize_t tasks = (args.IC + args.channels - 1)//args.channels
    cdef Py_ssize_t g = task//tasks
    cdef Py_ssize_t first = task % tasks*args.channels
    cdef Py_ssize_t channels = min(args.channels, args.IC - first)
    cdef Py_ssize_t row = args.IC*args.taps             # of one output channel
    cdef const real* weight = <const real*>args.weight + g*args.OC*row + first*args.taps
    cdef real* columns = <real*>scratch
    cdef Py_ssize_t o = 0, n, k, i, wanted = channels*args.taps
    while o < args.OC:
        n = min(<Py_ssize_t>LANES, args.OC - o)
        k = 0
        while n == LANES and k + LANES <= wanted:
            transpose_strided(columns + k*LANES, LANES, weight + o*row + k, row)
            k += LANES
        while k < wanted:
            for i in range(n):
                columns[k*LANES + i] = weight[(o + i)*row + k]
            k += 1
        deal_out(args, columns, g*args.IC + first, channels, o, n)
        o += n


cdef inline void deal_out(const ExchangeArgs* args, const real* columns, Py_ssize_t channel, Py_ssize_t channels,
                          Py_ssize_t o, Py_ssize_t n) noexcept nogil:
    """columns[c*taps + t][i] to the parts, for n output channels from o on."""
    cdef Py_ssize_t part, c, i, j, count
    cdef const Py_ssize_t* chosen = args.chosen
    cdef const real* src
    cdef real* exchanged = <real*>args.exchanged
    cdef real* dst
    for part in range(args.n_parts):
        count = args.counts[part]
        for c in range(channels):
            src = columns + c*args.taps*LANES
            dst = exchanged + ((channel + c)*args.OC + o)*count
            if count == 1:
                for i in range(n):
                    dst[i] = src[chosen[0]*LANES + i]
            else:
                for j in range(count):
                    for i in range(n):
                        dst[i*count + j] = src[chosen[j]*LANES + i]
        chosen += count
        exchanged += args.G*args.IC*args.OC*count
