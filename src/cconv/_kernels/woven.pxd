"""Input gradients of depthwise 3x3 layers of stride 2, channels first: pixels of a row in the lanes.

Design:
a. It is a convolution of stride 1 over samples with a zero between each two (Axis.gap). So an output in an even row and
   column has one product, its three neighbours two, two and four: nine for four outputs. Those in even and in odd
   columns are vectors of their own, which are interleaved when they are stored. With channels in the lanes
   (depthwise.pxd) there are four times as many products, and everything is transposed there and back: 56x56 from 28x28
   takes 0.6 to 0.7 of the time, 0.3 with AVX2 or float64. Rows that leave half of a vector empty gain nothing.
b. A strip of samples is copied with zeros behind each row and a row of them behind the last: nothing asks where a row
   ends.
c. A row of outputs that ends in the middle of a vector hangs over into the next one, which is stored after it; the
   last rows of a task go through a buffer.
d. Sums run over (kh, kw), from zero: their bits are those of depthwise.pxd.
"""
from cconv._kernels.pack cimport aligned_reals, batch_offsets, is_direct
from cconv._kernels.planes cimport Share, share_of, spread_weights
from cconv._kernels.elements cimport copy_reals
from cconv._kernels.simd cimport FLOATING, LANES, inlined, real, vload, vreal, vstore, vzero, vzip_high, vzip_low
from cconv._kernels.types cimport ACT_NONE, PAD_CONSTANT, Axis, ConvArgs


cdef inline bint is_woven(const Axis* axis) noexcept nogil:
    """What the input gradient of a kernel of 3, stride 2, one zero before, makes of an axis."""
    return (axis.kernel == 3 and axis.stride == 1 and axis.dilation == 1 and axis.gap == 1 and axis.pad == 1
            and axis.boundary == PAD_CONSTANT and axis.output - axis.size in (0, 1))


cdef inline bint woven_applies(const ConvArgs* args) noexcept nogil:
    return (FLOATING and is_woven(&args.H) and is_woven(&args.W) and 2*samples_of(&args.W) > LANES
            and args.D.kernel == 1 and args.D.stride == 1 and args.D.gap == 0 and args.D.pad == 0
            and args.D.size == args.D.output and args.activation == ACT_NONE
            and args.cval[0] == 0 and args.x.parts == 1 and args.y.parts == 1 and is_direct(&args.x, args.batch_ndim)
            and is_direct(&args.y, args.batch_ndim))


cdef inline Py_ssize_t samples_of(const Axis* axis) noexcept nogil:
    return axis.size//2 + 1


cdef inline Py_ssize_t sample_pitch(const ConvArgs* args) noexcept nogil:
    """Reals of a copied row, with zeros behind it."""
    return aligned_reals(samples_of(&args.W)) + 2*LANES


cdef inline Py_ssize_t woven_scratch(const ConvArgs* args) noexcept nogil:
    """Bytes that woven_task uses: weights, a row of outputs, samples."""
    cdef Py_ssize_t reals = 9*LANES + aligned_reals(args.W.output + 2*LANES)
    reals += ((args.TH.tile + 1)//2 + 2)*sample_pitch(args)
    return reals*<Py_ssize_t>sizeof(real)


cdef inline void copy_samples(real* dst, const real* src, Py_ssize_t n, bint readable) noexcept nogil:
    """n samples and zeros behind them. `readable`: so is the vector that the row ends in."""
    cdef Py_ssize_t t = 0
    while t + LANES <= n or readable and t < n:
        vstore(dst + t, vload(src + t))
        t += LANES
    while t < n:
        dst[t] = src[t]
        t += 1
    vstore(dst + n, vzero())
    vstore(dst + n + LANES, vzero())


cdef inline inlined weave_row(real* out, const real* above, const real* below, const real* weight, real bias,
                              Py_ssize_t n, bint odd) noexcept nogil:
    """A row of outputs from n samples of one row, or of two if it is odd. Whole vectors are written."""
    cdef Py_ssize_t j = 0
    cdef vreal a, b, even_columns, odd_columns
    while True:
        a, b = vload(above + j), vload(above + j + 1)
        if odd:
            even_columns = vzero() + a*vload(weight + LANES)
            odd_columns = vzero() + a*vload(weight) + b*vload(weight + 2*LANES)
            a, b = vload(below + j), vload(below + j + 1)
            even_columns = even_columns + a*vload(weight + 7*LANES)
            odd_columns = odd_columns + a*vload(weight + 6*LANES) + b*vload(weight + 8*LANES)
        else:
            even_columns = vzero() + a*vload(weight + 4*LANES)
            odd_columns = vzero() + a*vload(weight + 3*LANES) + b*vload(weight + 5*LANES)
        if bias != 0:
            even_columns = even_columns + bias
            odd_columns = odd_columns + bias
        vstore(out + 2*j, vzip_low(even_columns, odd_columns))
        vstore(out + 2*j + LANES, vzip_high(even_columns, odd_columns))
        if j + LANES >= n:
            return
        j = min(j + LANES, n - LANES)


cdef inline void woven_task(const ConvArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    """One task: oc_block channels x some pairs of rows of one plane, of one batch element."""
    cdef Py_ssize_t rows = samples_of(&args.H), n = samples_of(&args.W), size = sizeof(real)
    cdef Share share = share_of(args, task, rows)
    cdef Py_ssize_t d = share.d, c = share.c, c_end = share.c_end, first = share.row, last = share.end
    cdef Py_ssize_t pitch = sample_pitch(args), i, after, hang, h, x_offset, y_offset, w_offset
    cdef bint dense = (args.y.h == args.W.output*size and args.y.channel == args.H.output*args.y.h
                       and last - first == rows)
    cdef real* weights = <real*>scratch
    cdef real* row = weights + 9*LANES
    cdef real* samples = row + aligned_reals(args.W.output + 2*LANES)
    cdef const char* plane
    cdef char* out
    cdef char* end
    cdef real* dst
    cdef real bias

    batch_offsets(args, share.n, &x_offset, &y_offset, &w_offset)
    # where vectors may still be written: what hangs over has to be written again
    hang = (max(n, <Py_ssize_t>LANES)*2 - args.W.output)*size
    end = args.y.data + y_offset + d*args.y.d + c_end*args.y.channel
    while c < c_end:
        spread_weights(weights, args, <const real*>args.weight + w_offset + c*9)
        bias = (<const real*>args.bias)[c] if args.bias != NULL else <real>0
        plane = args.x.data + x_offset + d*args.x.d + c*args.x.channel
        for i in range(first, min(last + 1, rows)):
            after = (args.G - 1 - c)*args.x.channel + (rows - 1 - i)*args.x.h + n*size
            copy_samples(samples + (i - first)*pitch, <const real*>(plane + i*args.x.h), n,
                         args.x.h > 0 and args.x.channel > 0 and after >= (n//LANES + 1)*LANES*size)
        if last == rows:
            for i in range(pitch):
                samples[(rows - first)*pitch + i] = 0
        for h in range(2*first, min(2*last, args.H.output)):
            out = args.y.data + y_offset + d*args.y.d + c*args.y.channel + h*args.y.h
            dst = <real*>out
            if hang and not (dense and out + args.W.output*size + hang <= end):
                dst = row
            i = h//2 - first
            if h % 2:
                weave_row(dst, samples + i*pitch, samples + (i + 1)*pitch, weights, bias, n, True)
            else:
                weave_row(dst, samples + i*pitch, NULL, weights, bias, n, False)
            if dst == row:
                copy_reals(<real*>out, row, args.W.output)
        c += 1
