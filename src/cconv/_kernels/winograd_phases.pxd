"""Winograd's tiles for input gradients of stride 2 and for transposed convolutions, which are the same.

Outputs that agree modulo 2 are a convolution of stride 1 with some of the taps: a phase, of up to 3 taps along an axis
(kernels of up to 6). All phases of a tile share its transformed input; with 4x4 kernels four of them take 100
multiplications per channel for 64 outputs where the direct sum takes 256, with 6x6 144 where that takes 576.

Design:
a. Output channels are LANES of one phase, then LANES of the next: a vector belongs to one. A kernel without its first
   (last) tap has nothing at the first (last) point of an axis, so a point takes only the vectors from its first to its
   last phase; what is between them and has nothing is multiplied.
b. Weights are read as they lie, (in, out, *taps) of the layer: those of a plane are transposed once for all phases.
c. Two phases along W are zipped before they are stored: to write every other sample, phase by phase, and to pack the
   samples four times, were a third of the time.
d. What a phase lacks is no zero to be multiplied with what is not finite. So a batch element whose results are not
   finite is computed again phase by phase, not as an ordinary 3x3 layer (Convolution.run_phases).
"""
from cconv._kernels.pixels cimport WIDTH, pack_panel
from cconv._kernels.simd cimport (
    LANES, apart, real, transpose_strided, vload, vreal, vstore, vzero, vzip_high, vzip_low,
)
from cconv._kernels.store cimport finish_row
from cconv._kernels.types cimport ACT_NONE, Axis, ConvArgs
from cconv._kernels.winograd_tiles cimport IN, kernel_pitch, transform_kernel_line


cdef inline bint has_phases(const ConvArgs* args) noexcept nogil:
    return args.W.phases > 0


cdef inline Py_ssize_t phase_count(const ConvArgs* args) noexcept nogil:
    return args.H.phases*args.W.phases


cdef inline bint meets(const Axis* axis, Py_ssize_t phase, Py_ssize_t point) noexcept nogil:
    """Whether a phase has anything at a point of its axis."""
    if point == 0:
        return axis.tap[phase][0] >= 0
    return point < IN - 1 or axis.tap[phase][2] >= 0


# Vectors of a panel that have anything at a point: first..end-1.
cdef struct Reach:
    Py_ssize_t first
    Py_ssize_t end


cdef inline Reach reach_of(const ConvArgs* args, Py_ssize_t point, Py_ssize_t vector,
                           Py_ssize_t vectors) noexcept nogil:
    """Of a panel of so many vectors, the first of which is number `vector` of all."""
    cdef Reach reach
    cdef Py_ssize_t v, phase
    reach.first, reach.end = 0, vectors
    if not has_phases(args):
        return reach
    reach.first, reach.end = vectors, 0
    for v in range(vectors):
        phase = (vector + v) % phase_count(args)
        if meets(&args.H, phase//args.W.phases, point//IN) and meets(&args.W, phase % args.W.phases, point % IN):
            reach.first = min(reach.first, v)
            reach.end = v + 1
    return reach


cdef inline vreal tap_of(const real* taps, const ConvArgs* args, Py_ssize_t phase, Py_ssize_t i,
                         Py_ssize_t j) noexcept nogil:
    """Tap (i, j) of a phase's 3x3; zero if it has none there. taps[tap][lane]."""
    cdef int row = args.H.tap[phase//args.W.phases][i]
    cdef int column = args.W.tap[phase % args.W.phases][j]
    return vload(taps + (row*args.W.taps + column)*LANES) if row >= 0 and column >= 0 else vzero()


cdef inline apart transform_phases(real* panel, real* taps, const ConvArgs* args, Py_ssize_t g, Py_ssize_t k0,
                                   Py_ssize_t planes, Py_ssize_t oc, Py_ssize_t channels) noexcept nogil:
    """As transform_kernels, of lanes oc..; taps: a plane's, transposed."""
    cdef Py_ssize_t vector = oc//LANES, vectors = channels//LANES, pitch = kernel_pitch(args, channels)
    cdef Py_ssize_t phases = phase_count(args)
    cdef Py_ssize_t n = args.H.taps*args.W.taps, outs = args.OC//phases, k, v, p, c, i, j, phase
    cdef const real* weight = <const real*>args.weight + (g*args.IC + k0)*outs*n
    cdef Reach reach[IN*IN]
    cdef vreal half[3*IN]
    cdef vreal u[IN*IN]
    for p in range(IN*IN):
        reach[p] = reach_of(args, p, vector, vectors)
    for k in range(planes):
        c = -1
        for v in range(vectors):
            if (vector + v)//phases != c:
                c = (vector + v)//phases
                pack_panel(taps, weight + (k*outs + c*LANES)*n, n, n, LANES)
            phase = (vector + v) % phases
            for i in range(3):
                transform_kernel_line(half + i*IN, 1, tap_of(taps, args, phase, i, 0), tap_of(taps, args, phase, i, 1),
                                      tap_of(taps, args, phase, i, 2))
            for j in range(IN):
                transform_kernel_line(u + j, IN, half[j], half[IN + j], half[2*IN + j])
            for p in range(IN*IN):
                if reach[p].first <= v < reach[p].end:
                    vstore(panel + p*pitch + (k*(reach[p].end - reach[p].first) + v - reach[p].first)*LANES, u[p])


cdef inline apart store_phases(const ConvArgs* args, char* out, bint direct, real* block, const real* row,
                               const real* bias, Py_ssize_t vector, Py_ssize_t vectors, Py_ssize_t g,
                               Py_ssize_t pixels) noexcept nogil:
    """Store row[pixel][lane] of a panel's vectors: so many positions of one row, each of which is two outputs along W.
    `out`: the first position, channel 0. block: (2*LANES + 2)*LANES reals."""
    cdef Py_ssize_t phases = phase_count(args), v, q, n, c, lane
    cdef real* zipped = block + 2*LANES*LANES
    cdef vreal a, b
    cdef real added
    cdef char* dst
    for v in range(0, vectors, 2):
        c = g*(args.OC//phases) + (vector + v)//phases*LANES
        q = 0
        while q < pixels:
            n = 2*min(<Py_ssize_t>LANES, pixels - q)
            transpose_strided(block, LANES, row + q*WIDTH + v*LANES, WIDTH)
            transpose_strided(block + LANES*LANES, LANES, row + q*WIDTH + (v + 1)*LANES, WIDTH)
            for lane in range(LANES):
                added = bias[c + lane] if bias != NULL else <real>0
                a = vload(block + lane*LANES)
                b = vload(block + (LANES + lane)*LANES)
                a = a + added
                b = b + added
                dst = out + (c + lane)*args.y.channel + args.y.part[(vector + v) % phases] + q*args.y.w
                vstore(zipped, vzip_low(a, b))
                vstore(zipped + LANES, vzip_high(a, b))
                if direct and n % LANES == 0:
                    vstore(<real*>dst, vload(zipped))
                    if n == 2*LANES:
                        vstore(<real*>dst + LANES, vload(zipped + LANES))
                else:
                    finish_row(dst, zipped, n, args.y.part[1], args.y.dtype, NULL, 0, ACT_NONE)
            q += LANES
