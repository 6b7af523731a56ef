"""The weight gradient of depthwise 3x3 layers, channels first: pixels of a plane in the lanes, one channel at a time.

Design:
a. A plane is one run of pixels: the sample under a tap is a fixed way off, but for those that it would find in another
   row. There the gradient is multiplied by zero. So no lane is lost on short rows, nothing is transposed, as in
   weight_groups.pxd, and three vectors of gradients serve nine taps: 28x28 takes 0.66 times as long, 14x14 0.75. 7x7
   does not gain. At stride 2 samples in even and odd columns, and such rows, are dealt out into runs of their own.
b. Lanes are added up once, when all blocks of a task are. Channels are the inner loop, as they lie side by side in
   memory: with images there, planes of 14x14 took 1.3 times as long.
c. What a zero meets may be infinite or NaN, which would make a weight NaN that never met it. So sums that are not
   finite are computed again by another kernel, which METHOD_DIRECT asks for.
"""
from libc.string cimport memset

from cconv._kernels.elements cimport copy_reals, item_size, load_row
from cconv._kernels.pack cimport aligned_reals, batch_offsets
from cconv._kernels.simd cimport (
    LANES, fetch, inlined, real, transpose_strided, veven_lanes, vkeep, vload, vodd_lanes, vreal, vstore, vzero,
)
from cconv._kernels.types cimport METHOD_AUTO, PAD_CONSTANT, Array, Axis, ConvArgs, WeightArgs
from cconv._kernels.weight_blocks cimport Block, fill_block, sums_of_chunk
from cconv._kernels.weight_groups cimport has_vectors

cdef enum:
    CHANNELS = 16               # of a task
    LEAST_PIXELS = 100          # of a plane of grad_output
    LEAST_DEALT = 150           # where rows are dealt out: 14x14 takes 0.75 of the time, 10x10 1 to 1.3
    BLOCK_PIXELS = 1536         # of a block, unless a row is longer: what is copied of it stays in L1


cdef inline bint is_same(const Axis* axis) noexcept nogil:
    """A kernel of 3 that returns as many samples as it gets, or half of them, zeros around them."""
    return (axis.kernel == 3 and axis.dilation == 1 and axis.pad == 1 and axis.boundary == PAD_CONSTANT
            and (axis.stride == 1 and axis.size == axis.output
                 or axis.stride == 2 and 0 <= 2*axis.output - axis.size <= 1))


cdef inline bint is_run(const Array* array, Py_ssize_t width) noexcept nogil:
    """True if a plane's rows follow each other; of any type, as bits are not to depend on byte order or alignment."""
    return array.parts == 1 and array.w == item_size(array.dtype) and array.h == width*array.w


cdef inline void copy_run(real* dst, const Array* array, const char* src, Py_ssize_t n, bint ready) noexcept nogil:
    if ready:
        copy_reals(dst, <const real*>src, n)
    else:
        load_row(dst, src, n, array.w, array.dtype)


cdef inline bint planes_apply(const ConvArgs* args) noexcept nogil:
    return (args.method == METHOD_AUTO and args.IC == 1 and args.OC == 1 and args.D.kernel == 1 and args.D.output == 1
            and args.D.size == 1 and args.D.pad == 0 and is_same(&args.H) and is_same(&args.W)
            and args.H.stride == args.W.stride
            and args.H.output*args.W.output >= (LEAST_PIXELS if args.W.stride == 1 else LEAST_DEALT)
            and args.cval[0] == 0
            and is_run(&args.x, args.W.size) and is_run(&args.y, args.W.output))


cdef inline Py_ssize_t copy_size(const ConvArgs* args) noexcept nogil:
    """Reals of a copy of a block: a vector before it, the rows above and below, what vectors read beyond."""
    return aligned_reals((args.TH.tile + 2)*args.W.output + 3*LANES)


cdef inline Py_ssize_t line_size(const ConvArgs* args) noexcept nogil:
    """Reals of a row that is to be dealt out."""
    return aligned_reals(args.W.size + 4*LANES)


cdef inline Py_ssize_t totals_size() noexcept nogil:
    """Reals of all channels' totals, to whole transposed blocks, and of such a block."""
    return aligned_reals((9*CHANNELS + 2*LANES)*LANES)


cdef inline Py_ssize_t planes_scratch(const WeightArgs* all) noexcept nogil:
    """Bytes that planes_task uses, in its order."""
    cdef Py_ssize_t copies = 4*copy_size(&all.layer)
    if all.layer.W.stride == 2:
        copies = 7*copy_size(&all.layer) + line_size(&all.layer)
    return (totals_size() + copies)*<Py_ssize_t>sizeof(real)


# Copies of a block.
cdef struct Planes:
    real* samples[3]            # under each kernel row and the middle column
    real* aside[3]              # at stride 2 those one column on
    const real* gradient
    const real* first           # 0 in the first column of a row, else 1
    const real* last
    Py_ssize_t vectors


cdef inline inlined sum_planes(real* total, const Planes* planes, int S) noexcept nogil:
    """total[3*kh + kw][lane] += sums of products over a block."""
    cdef vreal acc[9]
    cdef vreal before, middle, after, x, z
    cdef Py_ssize_t i, v
    cdef int kh
    for i in range(9):
        acc[i] = vzero()
    for v in range(planes.vectors):
        i = v*LANES
        # of the output whose column 0 this sample is under, 1, 2
        before = vkeep(vload(planes.gradient + i + 1)*vload(planes.first + i + 1))
        middle = vkeep(vload(planes.gradient + i))
        after = middle if S == 2 else vkeep(vload(planes.gradient + i - 1)*vload(planes.last + i - 1))
        for kh in range(3):
            x = vkeep(vload(planes.samples[kh] + i))
            z = vkeep(vload(planes.aside[kh] + i)) if S == 2 else x
            acc[3*kh] = acc[3*kh] + z*before
            acc[3*kh + 1] = acc[3*kh + 1] + x*middle
            acc[3*kh + 2] = acc[3*kh + 2] + z*after
    for i in range(9):
        vstore(total + i*LANES, vload(total + i*LANES) + acc[i])


# What deals a channel's rows out.
cdef struct Dealer:
    const char* plane
    Py_ssize_t after            # bytes that may be read from there on
    bint ready                  # samples may be loaded where they lie
    real* line                  # room for a row that may not


cdef inline void deal_row(real* even, real* odd, const ConvArgs* args, const Dealer* dealer,
                          Py_ssize_t row) noexcept nogil:
    """A row's samples in even columns, and in odd ones. Whole vectors are written, and one of zeros behind."""
    cdef Py_ssize_t n = args.W.output, t = 0
    cdef const real* line = dealer.line
    cdef vreal a, b
    if row < 0 or row >= args.H.size:
        memset(even, 0, n*sizeof(real))
        memset(odd, 0, n*sizeof(real))
        t = n
    elif dealer.ready and row*args.x.h + (n + LANES)*2*<Py_ssize_t>sizeof(real) <= dealer.after:
        line = <const real*>(dealer.plane + row*args.x.h)
    else:
        load_row(dealer.line, dealer.plane + row*args.x.h, args.W.size, args.x.w, args.x.dtype)
    while t < n:
        a, b = vload(line + 2*t), vload(line + 2*t + LANES)
        vstore(even + t, veven_lanes(a, b))
        vstore(odd + t, vodd_lanes(a, b))
        t += LANES
    if args.W.size < 2*n:
        odd[n - 1] = 0
    vstore(even + n, vzero())
    vstore(odd + n, vzero())


cdef inline void deal_block(const Planes* planes, const ConvArgs* args, const Dealer* dealer,
                            const Block* block) noexcept nogil:
    """The rows under a block of outputs: those in even rows are under the middle kernel row, those in odd ones under
    the last, and one output further down under the first."""
    cdef Py_ssize_t i, n = args.W.output
    for i in range(block.h + 1):
        deal_row(planes.samples[0] + i*n, planes.aside[0] + i*n, args, dealer, 2*(block.oh + i) - 1)
    for i in range(block.h):
        deal_row(planes.samples[1] + i*n, planes.aside[1] + i*n, args, dealer, 2*(block.oh + i))


cdef inline void add_lanes(real* sums, real* block, const real* total, Py_ssize_t n, bint flip) noexcept nogil:
    """sums[t] = the sum of total[t]'s lanes, for n of them; those up to a whole number of vectors are readable."""
    cdef Py_ssize_t t = 0, i, step
    while t < n:
        transpose_strided(block, LANES, total + t*LANES, LANES)
        step = LANES//2
        while step:
            for i in range(step):
                vstore(block + i*LANES, vload(block + i*LANES) + vload(block + (i + step)*LANES))
            step //= 2
        for i in range(min(<Py_ssize_t>LANES, n - t)):
            sums[n - 1 - t - i if flip else t + i] = block[i]
        t += LANES


cdef inline void planes_task(const WeightArgs* all, char* scratch, Py_ssize_t task) noexcept nogil:
    """One task: CHANNELS channels over one chunk of blocks, which are rows of one image."""
    cdef const ConvArgs* args = &all.layer
    cdef Py_ssize_t chunk = task % all.n_chunks
    cdef Py_ssize_t g0 = task//all.n_chunks*CHANNELS, g
    cdef Py_ssize_t channels = min(<Py_ssize_t>CHANNELS, args.G - g0)
    cdef Py_ssize_t width = args.W.output, number, i, n, top, bottom, x_offset, y_offset, w_offset
    cdef bint x_ready = has_vectors(&args.x, args.batch_ndim), y_ready = has_vectors(&args.y, args.batch_ndim)
    cdef real* out = sums_of_chunk(all, chunk)
    cdef const char* plane
    cdef Dealer dealer
    cdef Block block
    cdef Planes planes

    # scratch: totals | a transposed block | factors of columns | gradient | samples; at stride 2 | more of them | a row
    cdef real* total = <real*>scratch
    cdef real* turned = total + (9*CHANNELS + LANES)*LANES
    cdef real* first = total + totals_size() + LANES
    cdef real* last = first + copy_size(args)
    cdef real* gradient = last + copy_size(args)
    cdef real* samples = gradient + copy_size(args)
    memset(total, 0, planes_scratch(all))
    for i in range(args.TH.tile*width):
        first[i] = last[i] = 1
    for i in range(args.TH.tile):
        first[i*width] = last[(i + 1)*width - 1] = 0
    planes.gradient, planes.first, planes.last = gradient, first, last
    for i in range(3):
        planes.samples[i] = samples + i*width
    if args.W.stride == 2:
        planes.samples[1] = samples + copy_size(args)
        planes.aside[0] = samples + 2*copy_size(args)
        planes.aside[1] = samples + 3*copy_size(args)
        planes.samples[2], planes.aside[2] = planes.samples[0] + width, planes.aside[0] + width
        dealer.line = samples + 4*copy_size(args)
        dealer.ready = x_ready and args.x.h > 0 and args.x.channel > 0

    for number in range(chunk*all.n_blocks//all.n_chunks, (chunk + 1)*all.n_blocks//all.n_chunks):
        fill_block(&block, all, number)
        batch_offsets(args, block.image, &x_offset, &y_offset, &w_offset)
        top = max(<Py_ssize_t>0, block.oh*args.H.stride - 1)
        bottom = min((block.oh + block.h - 1)*args.H.stride + 2, args.H.size)
        y_offset += block.oh*args.y.h
        n = block.h*width
        planes.vectors = (n + LANES - 1)//LANES
        # the block before may have been longer, or another part of its image
        memset(gradient + n, 0, 2*LANES*sizeof(real))
        if args.W.stride == 1:
            memset(samples, 0, width*sizeof(real))
            memset(samples + n + width, 0, width*sizeof(real))
        for g in range(g0, g0 + channels):
            plane = args.x.data + x_offset + g*args.x.channel
            copy_run(gradient, &args.y, args.y.data + y_offset + g*args.y.channel, n, y_ready)
            if args.W.stride == 1:
                copy_run(samples + (top - block.oh + 1)*width, &args.x, plane + top*args.x.h, (bottom - top)*width,
                         x_ready)
            else:
                dealer.plane = plane
                dealer.after = (args.G - 1 - g)*args.x.channel + args.H.size*args.x.h
                deal_block(&planes, args, &dealer, &block)
            # the next channel's, as it is the next to be read: 0.55 to 0.65 of the time where they come from memory
            fetch(args.y.data + y_offset + (g + 1)*args.y.channel, n*args.y.w, 1, 0)
            fetch(plane + args.x.channel + top*args.x.h, (bottom - top)*args.x.h, 1, 0)
            if args.W.stride == 1:
                sum_planes(total + (g - g0)*9*LANES, &planes, 1)
            else:
                sum_planes(total + (g - g0)*9*LANES, &planes, 2)
    for g in range(channels):
        add_lanes(out + (g0 + g)*9, turned, total + g*9*LANES, 9, args.flip)
