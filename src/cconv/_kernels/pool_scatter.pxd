"""Samples sent to the places that indices name, and fetched from there: gradients of maxima, max_unpool.

Design:
a. A task owns the planes of `unit` channels, or a segment of one plane: all of its indices are read in row-major order,
   so neither the order of a sum nor which of two repeated indices is the last depends on threads.
b. The plane is zeroed a little ahead of the largest index met: what is written is still near. No index is used before
   it is known to lie in what is zeroed: that is two operations and no comparison each. The largest index itself is
   looked for only when one lies beyond (for every row that took a third of the time of 3x3 windows).
c. Where the plane cannot be written in place (other types, odd strides), a segment of it is gathered in scratch.
"""
from libc.string cimport memcpy, memset

from cconv._kernels.elements cimport is_native, item_size, load_row, store_row
from cconv._kernels.simd cimport inlined, real
from cconv._kernels.types cimport SCATTER_ADD, SCATTER_CHECK, SCATTER_FETCH, Array, ScatterArgs
from cconv._kernels.watch cimport LOOK_AFTER, Watch, must_stop

cdef enum:
    ROW_LINE = 1024             # samples of a row that are worked on at a time
    SEGMENT = 16384             # reals of a plane that are gathered in scratch, 64 or 128 KB
    # samples whose first use from the end is marked: 128 KB of bits, or a 16th of the plane, up to 8 MB; all indices
    # are read for each part (12,000 x 12,000 by 128 KB: 5.0 s instead of 1.2)
    MARKED = 1 << 20
    MOST_MARKED = 1 << 26
    ZERO_AHEAD = 8192           # bytes
    SHARED_PLANE = 32768        # samples of a plane that several threads may share

cdef struct Target:
    # the part of a plane that a task owns
    char* data                  # of sample 0 of the plane; in scratch: of sample `first`
    Py_ssize_t stride           # bytes from one sample to the next
    Py_ssize_t unit
    Py_ssize_t first
    Py_ssize_t last
    Py_ssize_t zeroed           # samples before it hold zero, or what was sent
    Watch* watch


cdef inline Py_ssize_t plane_stride(const Array* array, Py_ssize_t D, Py_ssize_t H, Py_ssize_t W) noexcept nogil:
    """Bytes from one sample of a plane to the next if that is the same for all, else 0."""
    cdef Py_ssize_t stride = array.w if W > 1 else array.h if H > 1 else array.d if D > 1 else sizeof(real)
    if H > 1 and array.h != stride*W or D > 1 and array.d != stride*H*W:
        return 0
    return stride


cdef inline bint is_ready(const Array* array, int batch_ndim) noexcept nogil:
    """True if its elements are aligned reals, wherever they lie."""
    cdef size_t bits = <size_t>array.data | <size_t>array.channel | <size_t>array.d | <size_t>array.h | <size_t>array.w
    cdef int axis
    for axis in range(batch_ndim):
        bits |= <size_t>array.batch[axis]
    return is_native(array.dtype) and bits % sizeof(real) == 0


cdef inline void merge_rows(ScatterArgs* args) noexcept nogil:
    """Rows of samples that follow each other in memory as one."""
    if args.x.h == args.x.w*args.SW and args.indices.h == args.indices.w*args.SW:
        args.SW *= args.SH
        args.SH = 1
        if args.x.d == args.x.w*args.SW and args.indices.d == args.indices.w*args.SW:
            args.SW *= args.SD
            args.SD = 1


cdef inline Py_ssize_t marked_samples(Py_ssize_t plane) noexcept nogil:
    return min(plane, max(<Py_ssize_t>MARKED, min(plane//16, <Py_ssize_t>MOST_MARKED)))


cdef inline void scatter_plan(ScatterArgs* args, int num_threads) noexcept nogil:
    cdef Py_ssize_t plane = args.D*args.H*args.W, size = item_size(args.x.dtype), planes
    merge_rows(args)
    args.stride = plane_stride(&args.y, args.D, args.H, args.W)
    args.direct = args.mode == SCATTER_FETCH or args.stride != 0 and is_ready(&args.y, args.batch_ndim)
    args.unit = 1
    if args.C > 1 and args.direct and args.mode != SCATTER_FETCH and args.y.channel == <Py_ssize_t>sizeof(real) \
            and args.x.channel == size and args.indices.channel == 8:
        # whole cache lines, so that no two threads write to one
        args.unit = min(args.C, <Py_ssize_t>ROW_LINE)
        if args.N < 2*num_threads:
            args.unit = min(args.unit, max(<Py_ssize_t>64, (args.C*args.N//(2*num_threads) + 15)//16*16))
    if args.unit > 1 or not args.direct:
        args.planes = 1
    planes = args.N*((args.C + args.unit*args.planes - 1)//(args.unit*args.planes))
    args.segment = plane if args.direct else min(plane, <Py_ssize_t>SEGMENT)
    if args.direct and args.mode != SCATTER_FETCH and planes < 2*num_threads and plane*args.unit > SHARED_PLANE:
        args.segment = (plane*planes + 2*num_threads - 1)//(2*num_threads)
    if args.mode == SCATTER_CHECK:
        args.segment = plane
    args.packed = args.direct and args.segment == plane and args.mode != SCATTER_FETCH and are_packed(args)
    args.n_segments = max(<Py_ssize_t>1, (plane + args.segment - 1)//max(<Py_ssize_t>1, args.segment))
    args.n_tasks = planes*args.n_segments
    args.scratch_bytes = ROW_LINE*(8 + <Py_ssize_t>sizeof(real))
    if args.mode == SCATTER_FETCH:
        args.scratch_bytes += marked_samples(plane)//8 + 8
    elif not args.direct and args.mode != SCATTER_CHECK:
        args.scratch_bytes += args.segment*<Py_ssize_t>sizeof(real)


cdef inline const long long* index_row(const char* data, Py_ssize_t n, Py_ssize_t stride,
                                       long long* buffer) noexcept nogil:
    cdef Py_ssize_t i
    if stride == 8 and <size_t>data % 8 == 0:
        return <const long long*>data
    for i in range(n):
        memcpy(buffer + i, data + i*stride, 8)
    return buffer


cdef inline const real* value_row(const Array* x, const char* data, Py_ssize_t n, Py_ssize_t stride,
                                  real* buffer) noexcept nogil:
    if is_native(x.dtype) and stride == sizeof(real) and <size_t>data % sizeof(real) == 0:
        return <const real*>data
    load_row(buffer, data, n, stride, x.dtype)
    return buffer


cdef inline unsigned long long largest(const long long* indices, Py_ssize_t n) noexcept nogil:
    """A negative index is larger than all."""
    cdef Py_ssize_t i
    cdef unsigned long long most = 0
    for i in range(n):
        most = max(most, <unsigned long long>indices[i])
    return most


cdef inline bint lie_before(const long long* indices, Py_ssize_t n, Py_ssize_t end) noexcept nogil:
    """Whether 0 <= index < end of all: of an index, or of what is left up to the last allowed one, the sign is set."""
    cdef Py_ssize_t i
    cdef unsigned long long signs = 0
    for i in range(n):
        signs |= <unsigned long long>indices[i] | (<unsigned long long>(end - 1) - <unsigned long long>indices[i])
    return <long long>signs >= 0


cdef inline long long smallest(const long long* indices, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef long long least = indices[0]
    for i in range(1, n):
        least = min(least, indices[i])
    return least


cdef inline void zero_samples(const Target* target, char* data, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i, bytes = target.unit*<Py_ssize_t>sizeof(real)
    if target.stride == bytes:
        memset(data, 0, n*bytes)
    elif target.unit == 1:
        for i in range(n):
            (<real*>(data + i*target.stride))[0] = 0
    else:
        for i in range(n):
            memset(data + i*target.stride, 0, bytes)


cdef inline void zero_until(Target* target, Py_ssize_t end) noexcept nogil:
    cdef Py_ssize_t n, done = 0
    while target.zeroed < end:
        n = min(end - target.zeroed, max(<Py_ssize_t>1, LOOK_AFTER//target.unit))
        zero_samples(target, target.data + target.zeroed*target.stride, n)
        target.zeroed += n
        if must_stop(target.watch, &done, n*target.unit):
            return


cdef inline inlined send(const Target* target, const real* values, const long long* indices, Py_ssize_t n,
                         Py_ssize_t lane, bint some, bint add) noexcept nogil:
    """Values to their samples: `some` if not all of them are the task's. `lane` is 1 if they belong to channels side by
    side, 0 if to one."""
    cdef Py_ssize_t i = 0
    cdef real* place
    cdef int k
    while add and not some and i + 4 <= n:      # the steps of a loop for each: 1.3 times the time
        for k in range(4):
            place = <real*>(target.data + indices[i + k]*target.stride) + (i + k)*lane
            place[0] = place[0] + values[i + k]
        i += 4
    while i < n:
        if not some or target.first <= indices[i] < target.last:
            place = <real*>(target.data + indices[i]*target.stride) + i*lane
            place[0] = place[0] + values[i] if add else values[i]
        i += 1


cdef inline void send_run(const Target* target, const real* values, const long long* indices, Py_ssize_t n,
                          Py_ssize_t lane, bint some, bint add) noexcept nogil:
    if some:
        send(target, values, indices, n, lane, True, add)
    elif lane:
        if add:
            send(target, values, indices, n, 1, False, True)
        else:
            send(target, values, indices, n, 1, False, False)
    elif target.stride == sizeof(real):
        if add:
            send(target, values, indices, n, 0, False, True)
        else:
            send(target, values, indices, n, 0, False, False)
    else:
        send(target, values, indices, n, 0, False, add)


cdef inline bint send_samples(const ScatterArgs* args, Target* target, const char* x, const char* indices, Py_ssize_t n,
                              Py_ssize_t lane, real* values, long long* buffer) noexcept nogil:
    """n samples of a row, or channels of a pixel; False if an index is out of range."""
    cdef Py_ssize_t plane = args.D*args.H*args.W
    cdef const long long* places = index_row(indices, n, args.indices.channel if lane else args.indices.w, buffer)
    cdef unsigned long long most
    cdef bint some = False
    if args.mode == SCATTER_CHECK:
        return lie_before(places, n, plane)
    if target.first > 0 or not lie_before(places, n, target.zeroed):
        most = largest(places, n)
        if most >= <unsigned long long>plane:
            return False
        if <Py_ssize_t>most < target.first:
            return True
        some = <Py_ssize_t>most >= target.last or target.first > 0 and smallest(places, n) < target.first
        zero_until(target, min(<Py_ssize_t>most + 1 + ZERO_AHEAD//(target.unit*<Py_ssize_t>sizeof(real)), target.last))
    send_run(target, value_row(&args.x, x, n, args.x.channel if lane else args.x.w, values), places, n, lane, some,
             args.mode == SCATTER_ADD)
    return True


cdef inline bint scatter_all(const ScatterArgs* args, Target* target, const char* x, const char* indices,
                             char* scratch) noexcept nogil:
    """All samples of the planes, in row-major order."""
    cdef long long* buffer = <long long*>scratch
    cdef real* values = <real*>(buffer + ROW_LINE)
    cdef Py_ssize_t d, h, w, n, done = 0
    cdef const char* row
    cdef const char* places
    for d in range(args.SD):
        for h in range(args.SH):
            row = x + d*args.x.d + h*args.x.h
            places = indices + d*args.indices.d + h*args.indices.h
            w = 0
            while w < args.SW:
                n = 1 if target.unit > 1 else min(<Py_ssize_t>ROW_LINE, args.SW - w)
                if not send_samples(args, target, row + w*args.x.w, places + w*args.indices.w,
                                    target.unit if target.unit > 1 else n, target.unit > 1, values, buffer):
                    return False
                w += n
                if must_stop(args.watch, &done, n*target.unit):
                    return True
    return True


cdef inline bint are_packed(const ScatterArgs* args) noexcept nogil:
    """True if the planes of several channels follow each other in memory, and so do their samples and indices."""
    cdef Py_ssize_t n = args.SD*args.SH*args.SW
    return (args.planes > 1 and args.mode != SCATTER_CHECK and args.stride == sizeof(real) and args.SD*args.SH == 1
            and args.y.channel == args.D*args.H*args.W*<Py_ssize_t>sizeof(real)
            and is_ready(&args.x, args.batch_ndim) and args.x.w == sizeof(real)
            and args.x.channel == n*<Py_ssize_t>sizeof(real) and args.indices.w == 8 and args.indices.channel == n*8
            and <size_t>args.indices.data % 8 == 0)


cdef inline bint send_planes(const ScatterArgs* args, Py_ssize_t planes, const real* x, char* y,
                             const long long* indices) noexcept nogil:
    """All of so many small planes: one look at the indices, one memset."""
    cdef Target target
    cdef Py_ssize_t n = args.SW, plane = args.D*args.H*args.W, p
    if not lie_before(indices, planes*n, plane):
        return False
    memset(y, 0, planes*plane*sizeof(real))
    target.stride = sizeof(real)
    target.unit = 1
    for p in range(planes):
        target.data = y + p*plane*<Py_ssize_t>sizeof(real)
        if args.mode == SCATTER_ADD:
            send(&target, x + p*n, indices + p*n, n, 0, False, True)
        else:
            send(&target, x + p*n, indices + p*n, n, 0, False, False)
    return True


cdef inline void store_segment(const ScatterArgs* args, const Target* target, char* out,
                               const real* values) noexcept nogil:
    cdef Py_ssize_t i = target.first, n, w, row
    while i < target.last:
        w = i % args.W
        row = i//args.W
        n = min(args.W - w, target.last - i)
        store_row(out + row//args.H*args.y.d + row % args.H*args.y.h + w*args.y.w, values + (i - target.first), n,
                  args.y.w, args.y.dtype)
        i += n


cdef inline char* sample_at(const ScatterArgs* args, const Array* array, char* data, Py_ssize_t i) noexcept nogil:
    """The sample of a plane with flat index i."""
    cdef Py_ssize_t row = i//args.W
    return data + row//args.H*array.d + row % args.H*array.h + i % args.W*array.w


cdef inline void fetch(const ScatterArgs* args, char* to, const char* source) noexcept nogil:
    """One element from the plane, converted."""
    cdef real value
    load_row(&value, source, 1, sizeof(real), args.y.dtype)
    store_row(to, &value, 1, sizeof(real), args.x.dtype)


cdef inline bint fetch_all(const ScatterArgs* args, const char* x, char* y, const char* indices,
                           char* scratch) noexcept nogil:
    """x = the samples of the plane y that indices name. Of a repeated index the last gets it, and zero the others: from
    the end, the first use of each sample is marked."""
    cdef Py_ssize_t plane = args.D*args.H*args.W, first = 0, last, d, h, w, i, done = 0
    cdef unsigned char* marks = <unsigned char*>scratch + ROW_LINE*(8 + <Py_ssize_t>sizeof(real))
    cdef const char* place
    cdef char* to
    cdef long long index
    cdef char zeros[8]
    cdef Py_ssize_t size = item_size(args.x.dtype)
    memset(zeros, 0, 8)
    while first < plane:
        last = min(plane, first + marked_samples(plane))
        memset(marks, 0, (last - first + 7)//8)
        for d in range(args.SD - 1, -1, -1):
            for h in range(args.SH - 1, -1, -1):
                for w in range(args.SW - 1, -1, -1):
                    if must_stop(args.watch, &done, 1):
                        return True
                    place = indices + d*args.indices.d + h*args.indices.h + w*args.indices.w
                    memcpy(&index, place, 8)
                    if <unsigned long long>index >= <unsigned long long>plane:
                        return False
                    if not first <= index < last:
                        continue
                    i = index - first
                    to = <char*>x + d*args.x.d + h*args.x.h + w*args.x.w
                    if marks[i >> 3] >> (i & 7) & 1:
                        memcpy(to, zeros, size)
                        continue
                    marks[i >> 3] |= 1 << (i & 7)
                    if args.stride:
                        fetch(args, to, y + index*args.stride)
                    else:
                        fetch(args, to, sample_at(args, &args.y, y, index))
        first = last
    return True


cdef inline void scatter_plane(const ScatterArgs* args, char* scratch, Py_ssize_t part, const char* x, char* y,
                               const char* indices, Py_ssize_t unit) noexcept nogil:
    """A segment of one plane, or of as many as lie side by side."""
    cdef real* gathered = <real*>(scratch + ROW_LINE*(8 + <Py_ssize_t>sizeof(real)))
    cdef Target target
    if args.mode == SCATTER_FETCH:
        if not fetch_all(args, x, y, indices, scratch):
            args.failed[0] = 1
        return
    target.unit = unit
    target.watch = args.watch
    target.first = target.zeroed = part*args.segment
    target.last = min(args.D*args.H*args.W, target.first + args.segment)
    target.stride = args.stride
    target.data = y
    if not args.direct:
        target.stride = sizeof(real)
        target.data = <char*>(gathered - target.first)
    if not scatter_all(args, &target, x, indices, scratch):
        args.failed[0] = 1
        return
    if args.mode == SCATTER_CHECK:
        return
    zero_until(&target, target.last)
    if not args.direct:
        store_segment(args, &target, y, gathered)


cdef inline void scatter_task(const ScatterArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    cdef Py_ssize_t block = args.unit*args.planes, blocks = (args.C + block - 1)//block
    cdef Py_ssize_t part = task % args.n_segments, rest = task//args.n_segments, index
    cdef Py_ssize_t c = rest % blocks*block, end = min(args.C, c + block)
    cdef const char* x = args.x.data
    cdef char* y = args.y.data
    cdef const char* indices = args.indices.data
    cdef int axis
    rest //= blocks
    for axis in range(args.batch_ndim - 1, -1, -1):
        index = rest % args.batch_shape[axis]
        rest //= args.batch_shape[axis]
        x += index*args.x.batch[axis]
        y += index*args.y.batch[axis]
        indices += index*args.indices.batch[axis]
    if args.packed:
        if not send_planes(args, end - c, <const real*>(x + c*args.x.channel), y + c*args.y.channel,
                           <const long long*>(indices + c*args.indices.channel)):
            args.failed[0] = 1
        return
    while c < end:
        scatter_plane(args, scratch, part, x + c*args.x.channel, y + c*args.y.channel, indices + c*args.indices.channel,
                      min(args.unit, end - c))
        c += args.unit
