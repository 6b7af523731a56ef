"""Convolution by FFT: overlap-save in tiles, a tile's row cut into vectors.

Design:
a. Sample LANES*m + lane of a row is lane `lane` of vector m. What is transformed along W is a line of vectors, LANES
   interleaved phases at a time: packing is a copy, every step of a transform is on whole vectors, and there is no
   transposition. Along H and D vectors are elements like any others. For each frequency the phases of a tile are then
   multiplied with the kernel's as polynomials of degree LANES - 1: y[p] = sum over q of x[q] * h[p - q], where a
   negative phase is the same one a vector earlier. Spectra of the kernel hold both, so that the taps of every q are one
   (unaligned) load.
b. A transform runs forward by decimation in frequency and back by decimation in time: what lies between is in the
   order of the digits reversed, which a product does not mind.
c. Two real tiles that follow each other are the real and imaginary part of one transform, as the kernel is real; of
   complex numbers, a tile is one.
d. The kernel stands reversed, its first tap at 0, so that outputs begin where the tile does.
e. Columns are padded to an odd number of vectors: a column's vectors then spread over all sets of the L1 cache.
"""
from libc.string cimport memset

from cconv._kernels.pack cimport batch_offsets, channel_offset, constant_value, pack_line, source_index
from cconv._kernels.simd cimport (
    LANES, inlined, mark_small, peak_magnitude, real, real_bits, vkeep, vload, vreal, vstore, vzero,
)
from cconv._kernels.store cimport finish_row
from cconv._kernels.types cimport PAD_CONSTANT, Axis, ConvArgs, Spectral

cdef enum:
    COLUMNS = 512               # of a tile that are counted at a time


# --- transforms of a line of vectors ----------------------------------------------------------------------------------

cdef inline inlined butterfly3(vreal* r, vreal* i) noexcept nogil:
    cdef real half = <real>0.5
    cdef real sine = <real>0.86602540378443864676
    cdef vreal sr = r[1] + r[2]
    cdef vreal si = i[1] + i[2]
    cdef vreal dr = sine*(r[1] - r[2])
    cdef vreal di = sine*(i[1] - i[2])
    cdef vreal mr = r[0] - half*sr
    cdef vreal mi = i[0] - half*si
    r[0] = r[0] + sr
    i[0] = i[0] + si
    r[1] = mr + di
    i[1] = mi - dr
    r[2] = mr - di
    i[2] = mi + dr


cdef inline inlined butterfly5(vreal* r, vreal* i) noexcept nogil:
    cdef real c1 = <real>0.30901699437494742410
    cdef real c2 = <real>-0.80901699437494742410
    cdef real s1 = <real>0.95105651629515357212
    cdef real s2 = <real>0.58778525229247312917
    cdef vreal ar = r[1] + r[4]
    cdef vreal ai = i[1] + i[4]
    cdef vreal br = r[2] + r[3]
    cdef vreal bi = i[2] + i[3]
    cdef vreal cr = r[1] - r[4]
    cdef vreal ci = i[1] - i[4]
    cdef vreal dr = r[2] - r[3]
    cdef vreal di = i[2] - i[3]
    cdef vreal mr = r[0] + c1*ar + c2*br
    cdef vreal mi = i[0] + c1*ai + c2*bi
    cdef vreal nr = r[0] + c2*ar + c1*br
    cdef vreal ni = i[0] + c2*ai + c1*bi
    cdef vreal ur = s1*cr + s2*dr
    cdef vreal ui = s1*ci + s2*di
    cdef vreal vr = s2*cr - s1*dr
    cdef vreal vi = s2*ci - s1*di
    r[0] = r[0] + ar + br
    i[0] = i[0] + ai + bi
    r[1] = mr + ui
    i[1] = mi - ur
    r[4] = mr - ui
    i[4] = mi + ur
    r[2] = nr + vi
    i[2] = ni - vr
    r[3] = nr - vi
    i[3] = ni + vr


cdef inline inlined butterfly4(vreal* r, vreal* i) noexcept nogil:
    cdef vreal ar = r[0] + r[2]
    cdef vreal ai = i[0] + i[2]
    cdef vreal br = r[0] - r[2]
    cdef vreal bi = i[0] - i[2]
    cdef vreal cr = r[1] + r[3]
    cdef vreal ci = i[1] + i[3]
    cdef vreal dr = r[1] - r[3]
    cdef vreal di = i[1] - i[3]
    r[0] = ar + cr
    i[0] = ai + ci
    r[1] = br + di
    i[1] = bi - dr
    r[2] = ar - cr
    i[2] = ai - ci
    r[3] = br - di
    i[3] = bi + dr


cdef inline inlined butterfly(vreal* r, vreal* i, int radix) noexcept nogil:
    """The forward transform of `radix` numbers, in place."""
    cdef vreal tr, ti
    if radix == 4:
        butterfly4(r, i)
    elif radix == 2:
        tr = r[0] - r[1]
        ti = i[0] - i[1]
        r[0] = r[0] + r[1]
        i[0] = i[0] + i[1]
        r[1] = tr
        i[1] = ti
    elif radix == 3:
        butterfly3(r, i)
    else:
        butterfly5(r, i)


cdef inline inlined twist(vreal* r, vreal* i, real c, real s) noexcept nogil:
    cdef vreal t = c*r[0] - s*i[0]
    i[0] = c*i[0] + s*r[0]
    r[0] = t


cdef inline inlined fft_pass(real* re, real* im, Py_ssize_t pitch, Py_ssize_t n, const real* twiddles, bint backward,
                             int radix) noexcept nogil:
    """One step of a transform of n vectors, `pitch` reals apart: forward butterflies, then twiddles; or backward."""
    cdef vreal r[5]
    cdef vreal i[5]
    cdef Py_ssize_t m = n//radix
    cdef Py_ssize_t j, at
    cdef const real* w
    cdef int t
    for j in range(m):
        at = j*pitch
        w = twiddles + j*2*(radix - 1)
        for t in range(radix):
            r[t] = vload(re + at + t*m*pitch)
            i[t] = vload(im + at + t*m*pitch)
        if backward and m > 1:
            for t in range(1, radix):
                twist(r + t, i + t, w[2*t - 2], w[2*t - 1])
        butterfly(r, i, radix)
        if not backward and m > 1:
            for t in range(1, radix):
                twist(r + t, i + t, w[2*t - 2], w[2*t - 1])
        for t in range(radix):
            vstore(re + at + t*m*pitch, r[t])
            vstore(im + at + t*m*pitch, i[t])


cdef inline void any_pass(real* re, real* im, Py_ssize_t pitch, Py_ssize_t n, const real* twiddles, bint backward,
                          int radix) noexcept nogil:
    if backward:
        if radix == 4:
            fft_pass(re, im, pitch, n, twiddles, True, 4)
        elif radix == 2:
            fft_pass(re, im, pitch, n, twiddles, True, 2)
        elif radix == 3:
            fft_pass(re, im, pitch, n, twiddles, True, 3)
        else:
            fft_pass(re, im, pitch, n, twiddles, True, 5)
    elif radix == 4:
        fft_pass(re, im, pitch, n, twiddles, False, 4)
    elif radix == 2:
        fft_pass(re, im, pitch, n, twiddles, False, 2)
    elif radix == 3:
        fft_pass(re, im, pitch, n, twiddles, False, 3)
    else:
        fft_pass(re, im, pitch, n, twiddles, False, 5)


cdef inline Py_ssize_t twiddle_count(Py_ssize_t n, Py_ssize_t radix) noexcept nogil:
    """Reals of one pass."""
    return 0 if n == radix else 2*(n//radix)*(radix - 1)


cdef inline void fft_from(real* re, real* im, Py_ssize_t pitch, Py_ssize_t n, const Py_ssize_t* radix,
                          const real* twiddles, bint backward) noexcept nogil:
    """The transform of n vectors. Backward: on (im, re), which makes a forward transform the inverse."""
    cdef Py_ssize_t m, block
    if n == 1:
        return
    m = n//radix[0]
    if not backward:
        any_pass(re, im, pitch, n, twiddles, False, <int>radix[0])
    if m > 1:
        for block in range(radix[0]):
            fft_from(re + block*m*pitch, im + block*m*pitch, pitch, m, radix + 1,
                     twiddles + twiddle_count(n, radix[0]), backward)
    if backward:
        any_pass(re, im, pitch, n, twiddles, True, <int>radix[0])


# --- tiles ------------------------------------------------------------------------------------------------------------

cdef inline Py_ssize_t row_vectors(const Spectral* plan) noexcept nogil:
    return plan.W.length//LANES


cdef inline Py_ssize_t row_pitch(const Spectral* plan) noexcept nogil:
    """Reals from one row of a tile to the next (Design e)."""
    return (row_vectors(plan) | 1)*LANES


cdef inline Py_ssize_t plane_size(const Spectral* plan) noexcept nogil:
    """Reals of the real, or imaginary, part of a tile."""
    return plan.D.length*plan.H.length*row_pitch(plan) + LANES


cdef inline Py_ssize_t tile_points(const Spectral* plan) noexcept nogil:
    """Vectors of a tile."""
    return plan.D.length*plan.H.length*row_vectors(plan)


cdef inline Py_ssize_t spectrum_size(const Spectral* plan) noexcept nogil:
    """Reals of a kernel's spectrum: re and im of 2*LANES phases per vector."""
    return tile_points(plan)*4*LANES


cdef inline void fft_tile(real* re, real* im, const Spectral* plan, bint backward) noexcept nogil:
    cdef Py_ssize_t pitch = row_pitch(plan)
    cdef Py_ssize_t rows = plan.H.length
    cdef Py_ssize_t d, h, m, at
    cdef int turn
    for turn in range(2):
        if turn == <int>backward:
            for d in range(plan.D.length*rows):
                fft_from(re + d*pitch, im + d*pitch, LANES, row_vectors(plan), plan.W.radix,
                         <const real*>plan.W.twiddles, backward)
        else:
            for m in range(row_vectors(plan)):
                if plan.D.length > 1 and backward:
                    for h in range(rows):
                        at = h*pitch + m*LANES
                        fft_from(re + at, im + at, rows*pitch, plan.D.length, plan.D.radix,
                                 <const real*>plan.D.twiddles, backward)
                for d in range(plan.D.length):
                    at = d*rows*pitch + m*LANES
                    fft_from(re + at, im + at, pitch, rows, plan.H.radix, <const real*>plan.H.twiddles, backward)
                if plan.D.length > 1 and not backward:
                    for h in range(rows):
                        at = h*pitch + m*LANES
                        fft_from(re + at, im + at, rows*pitch, plan.D.length, plan.D.radix,
                                 <const real*>plan.D.twiddles, backward)


cdef inline inlined multiply_point(real* out_re, real* out_im, const real* re, const real* im, const real* spectrum,
                                   Py_ssize_t pitch, bint accumulate, int points) noexcept nogil:
    """The product (Design a) of vectors `pitch` reals apart."""
    cdef vreal acc[8]
    cdef vreal hr, hi
    cdef const real* h
    cdef int q, k
    for k in range(4*points):
        acc[k] = vzero()
    for q in range(LANES):
        for k in range(points):
            h = spectrum + k*4*LANES + LANES - q
            hr = vkeep(vload(h))
            hi = vkeep(vload(h + 2*LANES))
            acc[4*k] = acc[4*k] + re[k*pitch + q]*hr
            acc[4*k + 1] = acc[4*k + 1] + im[k*pitch + q]*hi
            acc[4*k + 2] = acc[4*k + 2] + re[k*pitch + q]*hi
            acc[4*k + 3] = acc[4*k + 3] + im[k*pitch + q]*hr
    for k in range(points):
        if accumulate:
            acc[4*k] = acc[4*k] + vload(out_re + k*pitch)
            acc[4*k + 2] = acc[4*k + 2] + vload(out_im + k*pitch)
        vstore(out_re + k*pitch, acc[4*k] - acc[4*k + 1])
        vstore(out_im + k*pitch, acc[4*k + 2] + acc[4*k + 3])


cdef inline void multiply_tile(real* out_re, real* out_im, const real* re, const real* im, const real* spectrum,
                               const Spectral* plan, bint accumulate) noexcept nogil:
    cdef Py_ssize_t vectors = row_vectors(plan)
    cdef Py_ssize_t row, m, at
    for row in range(plan.D.length*plan.H.length):
        at = row*row_pitch(plan)
        m = 0
        while m + 2 <= vectors:
            multiply_point(out_re + at, out_im + at, re + at, im + at, spectrum, LANES, accumulate, 2)
            at += 2*LANES
            spectrum += 8*LANES
            m += 2
        if m < vectors:
            multiply_point(out_re + at, out_im + at, re + at, im + at, spectrum, LANES, accumulate, 1)
            spectrum += 4*LANES


# --- kernels ----------------------------------------------------------------------------------------------------------

cdef inline bint is_paired(const ConvArgs* args) noexcept nogil:
    """Design c: True for complex numbers, of which a tile holds both parts."""
    return args.x.parts == 2


cdef inline Py_ssize_t place(Py_ssize_t k, const Axis* axis, Py_ssize_t length, Py_ssize_t delay) noexcept nogil:
    """Where tap k of a piece stands (Design d)."""
    cdef Py_ssize_t at = delay - k*axis.dilation
    return at + length if at < 0 else at


cdef inline void place_taps(real* plane, const ConvArgs* args, const real* kernel, Py_ssize_t kd0, Py_ssize_t kh0,
                            Py_ssize_t kw0, Py_ssize_t delay) noexcept nogil:
    """One piece of one kernel, (D, H, W) taps as the caller gave them, divided by the number of points."""
    cdef const Spectral* plan = args.spectral
    cdef real scale = <real>(1.0/<double>(tile_points(plan)))
    cdef Py_ssize_t last = args.D.kernel*args.H.kernel*args.W.kernel - 1
    cdef Py_ssize_t kd, kh, kw, tap
    cdef real* row
    memset(plane, 0, plane_size(plan)*sizeof(real))
    for kd in range(kd0, min(kd0 + plan.D.piece, args.D.kernel)):
        for kh in range(kh0, min(kh0 + plan.H.piece, args.H.kernel)):
            row = plane + (place(kd - kd0, &args.D, plan.D.length, 0)*plan.H.length
                           + place(kh - kh0, &args.H, plan.H.length, 0))*row_pitch(plan)
            tap = (kd*args.H.kernel + kh)*args.W.kernel
            for kw in range(kw0, min(kw0 + plan.W.piece, args.W.kernel)):
                row[place(kw - kw0, &args.W, plan.W.length, delay)] = \
                    kernel[last - tap - kw if args.flip else tap + kw]*scale


cdef inline Py_ssize_t piece_count(const Spectral* plan) noexcept nogil:
    return plan.D.pieces*plan.H.pieces*plan.W.pieces


cdef inline void prepare_spectrum(const ConvArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    """Spectrum number `task`, counted over (batch element with its own kernels, out, in, piece)."""
    cdef const Spectral* plan = args.spectral
    cdef Py_ssize_t parts = 2 if is_paired(args) else 1
    cdef Py_ssize_t piece = task % piece_count(plan)
    cdef Py_ssize_t ic = task//piece_count(plan) % (args.IC//parts)
    cdef Py_ssize_t oc = task//piece_count(plan)//(args.IC//parts)
    cdef Py_ssize_t taps = args.D.kernel*args.H.kernel*args.W.kernel
    cdef Py_ssize_t kw0 = piece % plan.W.pieces*plan.W.piece
    cdef Py_ssize_t kh0 = piece//plan.W.pieces % plan.H.pieces*plan.H.piece
    cdef Py_ssize_t kd0 = piece//(plan.W.pieces*plan.H.pieces)*plan.D.piece
    # complex kernels come as [[re, -im], [im, re]]
    cdef const real* kernel = <const real*>args.weight + (parts*oc*args.IC + parts*ic)*taps
    cdef real* spectrum = <real*>args.packed + task*spectrum_size(plan)
    cdef real* re = <real*>scratch
    cdef real* im = re + plane_size(plan)
    cdef Py_ssize_t row, m
    cdef real* target
    cdef int half
    for half in range(2):
        place_taps(re, args, kernel, kd0, kh0, kw0, 0 if half else LANES)
        if parts == 2:
            place_taps(im, args, kernel + args.IC*taps, kd0, kh0, kw0, 0 if half else LANES)
        else:
            memset(im, 0, plane_size(plan)*sizeof(real))
        fft_tile(re, im, plan, False)
        target = spectrum + half*LANES
        for row in range(plan.D.length*plan.H.length):
            for m in range(row_vectors(plan)):
                vstore(target, vload(re + row*row_pitch(plan) + m*LANES))
                vstore(target + 2*LANES, vload(im + row*row_pitch(plan) + m*LANES))
                target += 4*LANES


# --- samples ----------------------------------------------------------------------------------------------------------

cdef inline real pack_rows(real* plane, const ConvArgs* args, const char* channel, real constant, Py_ssize_t d0,
                           Py_ssize_t h0, Py_ssize_t w0, real peak) noexcept nogil:
    """The tile of samples from (d0, h0, w0) on, padding included; returns the largest magnitude of them and `peak`."""
    cdef const Spectral* plan = args.spectral
    cdef Py_ssize_t d, h, i, id_, ih
    cdef real* row
    for d in range(plan.D.length):
        id_ = source_index(d0 + d, args.D.size, args.D.boundary)
        for h in range(plan.H.length):
            ih = source_index(h0 + h, args.H.size, args.H.boundary)
            row = plane + (d*plan.H.length + h)*row_pitch(plan)
            if id_ < 0 or ih < 0:
                for i in range(plan.W.length):
                    row[i] = constant
            else:
                pack_line(row, channel + id_*args.x.d + ih*args.x.h, args.x.w, args.x.dtype, w0, plan.W.length, 1,
                          args.W.size, args.W.boundary, constant)
            if args.spectral.peaks != NULL:
                peak = peak_magnitude(row, plan.W.length, peak)
    return peak


cdef inline bint is_hollow(const ConvArgs* args, const Axis* axis) noexcept nogil:
    """Zeros stand outside, which no product needs."""
    return axis.boundary == PAD_CONSTANT and args.cval[0] == 0 and args.cval[1] == 0


cdef inline void count_blocks(int* counts, const real* plane, const real* other, const ConvArgs* args,
                              const Py_ssize_t* at, real limit) noexcept nogil:
    """Small samples of each block of the tile from `at` on, without hollow padding; `other`: the imaginary parts, or
    NULL. Column by column first: blocks may be a few samples wide."""
    cdef const Spectral* plan = args.spectral
    cdef Py_ssize_t first = 0, last = plan.W.length, n, block, bd, bh, d, h, i, end, row
    cdef real_bits marks[COLUMNS]
    cdef real_bits count
    memset(counts, 0, plan.D.blocks*plan.H.blocks*plan.W.blocks*sizeof(int))
    if is_hollow(args, &args.W):
        first = max(first, -at[2])
        last = min(last, args.W.size - at[2])
    while first < last:
        n = min(<Py_ssize_t>COLUMNS, last - first)
        for block in range(plan.D.blocks*plan.H.blocks):
            bd = block//plan.H.blocks
            bh = block - bd*plan.H.blocks
            memset(marks, 0, sizeof(marks))
            for d in range(bd*plan.D.cell, min((bd + 1)*plan.D.cell, plan.D.length)):
                if is_hollow(args, &args.D) and not 0 <= at[0] + d < args.D.size:
                    continue
                for h in range(bh*plan.H.cell, min((bh + 1)*plan.H.cell, plan.H.length)):
                    if is_hollow(args, &args.H) and not 0 <= at[1] + h < args.H.size:
                        continue
                    row = (d*plan.H.length + h)*row_pitch(plan) + first
                    mark_small(marks, plane + row, other + row if other != NULL else NULL, n, limit)
            i = 0
            while i < n:
                end = min(n, ((first + i)//plan.W.cell + 1)*plan.W.cell - first)
                count = 0
                bh = (first + i)//plan.W.cell
                while i < end:
                    count += marks[i]
                    i += 1
                counts[block*plan.W.blocks + bh] += <int>count
        first += n


cdef inline void store_rows(const ConvArgs* args, char* channel, real* plane, const real* bias, Py_ssize_t td,
                            Py_ssize_t th, Py_ssize_t tw) noexcept nogil:
    """The outputs of tile (td, th, tw), those that the stride leaves."""
    cdef const Spectral* plan = args.spectral
    # of axis positions first..last of the outputs that have not met the stride: outputs first..last
    cdef Py_ssize_t d = (td*plan.D.step + args.D.stride - 1)//args.D.stride
    cdef Py_ssize_t h0 = (th*plan.H.step + args.H.stride - 1)//args.H.stride
    cdef Py_ssize_t w0 = (tw*plan.W.step + args.W.stride - 1)//args.W.stride
    cdef Py_ssize_t d_end = min(args.D.output, ((td + 1)*plan.D.step + args.D.stride - 1)//args.D.stride)
    cdef Py_ssize_t h_end = min(args.H.output, ((th + 1)*plan.H.step + args.H.stride - 1)//args.H.stride)
    cdef Py_ssize_t n = min(args.W.output, ((tw + 1)*plan.W.step + args.W.stride - 1)//args.W.stride) - w0
    cdef Py_ssize_t h, i
    cdef real* row
    if n <= 0:
        return
    while d < d_end:
        h = h0
        while h < h_end:
            row = plane + ((d*args.D.stride - td*plan.D.step)*plan.H.length
                           + h*args.H.stride - th*plan.H.step)*row_pitch(plan) + w0*args.W.stride - tw*plan.W.step
            if args.W.stride > 1:
                for i in range(n):
                    row[i] = row[i*args.W.stride]
            finish_row(channel + d*args.y.d + h*args.y.h + w0*args.y.w, row, n, args.y.w, args.y.dtype, bias, 0,
                       args.activation)
            h += 1
        d += 1


# --- tasks ------------------------------------------------------------------------------------------------------------

cdef inline Py_ssize_t tile_count(const Spectral* plan) noexcept nogil:
    return plan.D.tiles*plan.H.tiles*plan.W.tiles


cdef inline Py_ssize_t task_tiles(const ConvArgs* args) noexcept nogil:
    """Tiles of a task."""
    return 1 if is_paired(args) else 2


cdef inline bint in_place(const ConvArgs* args) noexcept nogil:
    """One product and no sum of them: it can take the place of the samples."""
    return (args.oc_block == 1 and args.IC == task_parts(args) and piece_count(args.spectral) == 1)


cdef inline Py_ssize_t task_parts(const ConvArgs* args) noexcept nogil:
    return 2 if is_paired(args) else 1


cdef inline Py_ssize_t fft_scratch(const ConvArgs* args) noexcept nogil:
    cdef Py_ssize_t tiles = 1 if in_place(args) else 1 + args.oc_block
    return tiles*2*plane_size(args.spectral)*<Py_ssize_t>sizeof(real)


cdef inline void pack_task(const ConvArgs* args, real* re, real* im, const char* x, Py_ssize_t n, Py_ssize_t ic,
                           Py_ssize_t tile, Py_ssize_t piece) noexcept nogil:
    """The samples of one or two tiles, and what the guard wants to know of them."""
    cdef const Spectral* plan = args.spectral
    cdef Py_ssize_t count = tile_count(plan)
    cdef Py_ssize_t blocks = plan.D.blocks*plan.H.blocks*plan.W.blocks
    cdef Py_ssize_t i, t, channel, parts = task_parts(args)
    cdef Py_ssize_t at[6]
    cdef real peak = <real>0
    for i in range(2):
        t = tile if parts == 2 else tile + i
        if t >= count:
            memset(im, 0, plane_size(plan)*sizeof(real))
            break
        at[3*i + 2] = t % plan.W.tiles*plan.W.step + piece % plan.W.pieces*plan.W.piece*args.W.dilation - args.W.pad
        at[3*i + 1] = t//plan.W.tiles % plan.H.tiles*plan.H.step \
            + piece//plan.W.pieces % plan.H.pieces*plan.H.piece*args.H.dilation - args.H.pad
        at[3*i] = t//(plan.W.tiles*plan.H.tiles)*plan.D.step \
            + piece//(plan.W.pieces*plan.H.pieces)*plan.D.piece*args.D.dilation - args.D.pad
        channel = ic*parts + (i if parts == 2 else 0)
        peak = pack_rows(im if i else re, args, x + channel_offset(&args.x, channel), constant_value(args, channel),
                         at[3*i], at[3*i + 1], at[3*i + 2], peak)
    if plan.peaks == NULL:
        return
    for i in range(2 if parts == 1 else 1):
        if tile + i < count:
            t = (n*count + tile + i)*piece_count(plan) + piece
            plan.peaks[t] = <double>peak
            if plan.counts != NULL:
                count_blocks(plan.counts + t*blocks, im if i else re, im if parts == 2 else NULL, args, at + 3*i,
                             peak*<real>plan.small)


cdef inline void fft_task(const ConvArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    """One task: one transform's tiles of oc_block output channels (complex: pairs) of a group and batch element."""
    cdef const Spectral* plan = args.spectral
    cdef Py_ssize_t parts = task_parts(args)
    cdef Py_ssize_t count = tile_count(plan)
    cdef Py_ssize_t transforms = (count + task_tiles(args) - 1)//task_tiles(args)
    cdef Py_ssize_t OC = args.OC//parts, IC = args.IC//parts
    cdef Py_ssize_t n_oc = (OC + args.oc_block - 1)//args.oc_block
    cdef Py_ssize_t tile = task % transforms*task_tiles(args)
    cdef Py_ssize_t oc0 = task//transforms % n_oc*args.oc_block
    cdef Py_ssize_t g = task//(transforms*n_oc) % args.G
    cdef Py_ssize_t n = task//(transforms*n_oc*args.G)
    cdef Py_ssize_t n_here = min(args.oc_block, OC - oc0)
    cdef Py_ssize_t size = plane_size(plan)
    cdef real* re = <real*>scratch
    cdef real* im = re + size
    cdef real* sums = re if in_place(args) else re + 2*size
    cdef real* plane
    cdef Py_ssize_t x_offset, y_offset, w_offset, ic, oc, piece, channel, i, t
    cdef const real* spectra
    batch_offsets(args, n, &x_offset, &y_offset, &w_offset)
    # spectra are counted as kernels are, which w_offset counts in taps of real kernels
    w_offset //= args.D.kernel*args.H.kernel*args.W.kernel*parts*parts
    w_offset += (g*OC + oc0)*IC
    for ic in range(IC):
        for piece in range(piece_count(plan)):
            pack_task(args, re, im, args.x.data + x_offset, n, g*IC + ic, tile, piece)
            fft_tile(re, im, plan, False)
            for oc in range(n_here):
                spectra = <const real*>args.packed \
                    + ((w_offset + oc*IC + ic)*piece_count(plan) + piece)*spectrum_size(plan)
                plane = sums + 2*oc*size
                multiply_tile(plane, plane + size, re, im, spectra, plan, ic + piece > 0)
    for oc in range(n_here):
        plane = sums + 2*oc*size
        fft_tile(plane + size, plane, plan, True)
        for i in range(2):
            t = tile if parts == 2 else tile + i
            if t < count:
                channel = (g*OC + oc0 + oc)*parts + (i if parts == 2 else 0)
                store_rows(args, args.y.data + y_offset + channel_offset(&args.y, channel), plane + i*size,
                           <const real*>args.bias + channel if args.bias != NULL else NULL,
                           t//(plan.W.tiles*plan.H.tiles), t//plan.W.tiles % plan.H.tiles, t % plan.W.tiles)
