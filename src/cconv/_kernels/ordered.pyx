"""Filters of float64 lines in one prescribed order of operations: those of scipy.ndimage, to the bit.

Design:
a. Every sample becomes a float64, every tap is a product and then a sum, in the order of the weights, and what comes
   out is cast as C casts: so the result has the same bits as SciPy's, which truncates integers and so shows the last
   bit of a sum. This module is built without contraction (no FMA) for that. Sums of floating point under a window are
   not summed here but as any convolution, with FMA; see ndimage.py.
b. A window is a table of rows in scratch, packed with their borders as they are needed (a ring), four output rows at
   a time. Where every tap of a box counts, rows.pxd's register tile sums them, which keeps this order; else a list of
   taps is walked: weights that are left out, the pairs of an even or odd line, footprints.
c. A running mean carries its rounding, its NaN and its infinities along the line, as SciPy's does. So lanes are lines:
   columns side by side, or rows turned; few rows go one by one. A running minimum of a line with NaN depends on the
   order too: it is the list of candidates of Harter's algorithm, one line after the other.
d. One axis may be filtered in place: rows that stand after the end are copied first, a task owns whole lines.
"""
from cpython.pycapsule cimport PyCapsule_New
from cython.parallel cimport prange, threadid
from libc.string cimport memcpy, memmove

from cconv._kernels.ordered_rows cimport batch_element, load_after, load_pixels, row_at, store_cast
from cconv._kernels.pack cimport aligned_reals, source_index, zero_reals
from cconv._kernels.rows cimport row_tile
from cconv._kernels.simd cimport (
    LANES, RW_V, inlined, quotients, real, transpose_strided, vgreater, vload, vreal, vsmaller, vstore,
)
from cconv._kernels.types cimport (
    KERNEL_ABI, ORD_BOX, ORD_BOX_ALONG, ORD_EVEN, ORD_GREATEST, ORD_LEAST, ORD_MAX, ORD_MIN, ORD_ODD, ORD_ROWS,
    ORD_SUM, OrderedArgs, OrderedKernels,
)
from cconv._kernels.watch cimport must_stop

cdef enum:
    RING_REALS = 32768          # of all rows of a task: 256 kB, they stay in L2
    LEAST_COLUMNS = 64          # reals of a row at least
    CHUNK = 256                 # samples of a line turned, or searched, at a time
    TASKS_PER_THREAD = 4
    TASK_REALS = 16384          # outputs of a task at least: 5 us
    FEW_LINES = 6               # take one by one what eight lanes take, which they are turned into; fewer never pay
    DOUBLED_TAPS = 4            # windows so wide are made of narrower ones


cdef inline Py_ssize_t ceil_div(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    return (a + b - 1)//b


# --- windows ----------------------------------------------------------------------------------------------------------

cdef inline inlined list_tile(real* dst, const OrderedArgs* args, const real* const* rows, Py_ssize_t x0, int op,
                              int V) noexcept nogil:
    """V vectors of one output row: the taps of the list, in their order. `rows`: by the list's numbers."""
    cdef vreal acc[RW_V]
    cdef Py_ssize_t t
    cdef const real* a
    cdef const real* b
    cdef real w
    cdef int v
    a = rows[args.tap_row[0]] + args.tap_column[0] + x0
    for v in range(V):
        if op == ORD_MIN or op == ORD_MAX:
            acc[v] = vload(a + v*LANES)
        else:
            acc[v] = args.weight[0]*vload(a + v*LANES) + args.start
    for t in range(1, args.taps):
        a = rows[args.tap_row[t]] + args.tap_column[t] + x0
        if op == ORD_MIN:
            for v in range(V):
                acc[v] = vsmaller(vload(a + v*LANES), acc[v])
        elif op == ORD_MAX:
            for v in range(V):
                acc[v] = vgreater(vload(a + v*LANES), acc[v])
        else:
            w = args.weight[t]
            if op == ORD_SUM:
                for v in range(V):
                    acc[v] = acc[v] + w*vload(a + v*LANES)
            else:
                b = rows[args.tap_row[t + args.taps]] + args.tap_column[t + args.taps] + x0
                for v in range(V):
                    if op == ORD_EVEN:
                        acc[v] = acc[v] + w*(vload(a + v*LANES) + vload(b + v*LANES))
                    else:
                        acc[v] = acc[v] + w*(vload(a + v*LANES) - vload(b + v*LANES))
    for v in range(V):
        vstore(dst + v*LANES, acc[v])


cdef inline inlined list_rows(real* dst, Py_ssize_t pitch, const OrderedArgs* args, const real* const* rows,
                              Py_ssize_t count, Py_ssize_t reals, int op) noexcept nogil:
    """`count` output rows, a few columns of all of them at a time: what they share is in L1 then."""
    cdef Py_ssize_t x = 0, r
    while x < reals:
        if reals - x > (RW_V - 1)*LANES:
            for r in range(count):
                list_tile(dst + r*pitch + x, args, rows + r, x, op, RW_V)
            x += RW_V*LANES
        else:
            for r in range(count):
                list_tile(dst + r*pitch + x, args, rows + r, x, op, 1)
            x += LANES


cdef inline inlined widen(real* dst, const real* row, Py_ssize_t step, Py_ssize_t n, int op) noexcept nogil:
    """dst = the extremum of each sample and the one `step` on; dst may be `row`."""
    cdef Py_ssize_t x = 0
    while x < n:
        if op == ORD_MIN:
            vstore(dst + x, vsmaller(vload(row + x + step), vload(row + x)))
        else:
            vstore(dst + x, vgreater(vload(row + x + step), vload(row + x)))
        x += LANES


cdef inline inlined doubled_row(real* dst, real* row, Py_ssize_t taps, Py_ssize_t unit, Py_ssize_t reals,
                                int op) noexcept nogil:
    cdef Py_ssize_t width = 1
    while 2*width < taps:
        widen(row, row, width*unit, reals + (taps - 2*width)*unit, op)
        width *= 2
    widen(dst, row, (taps - width)*unit, reals, op)


cdef inline bint is_doubled(const OrderedArgs* args) noexcept nogil:
    """An extremum along rows that is made of windows of 2, 4, 8... samples."""
    return (args.op == ORD_MIN or args.op == ORD_MAX) and args.taps == args.W.kernel and args.taps >= DOUBLED_TAPS \
        and args.D.kernel == 1 and args.H.kernel == 1


cdef inline void doubled_group(real* dst, Py_ssize_t pitch, const OrderedArgs* args, const real* const* rows,
                               Py_ssize_t count, Py_ssize_t reals) noexcept nogil:
    """The same of a window along the row, which is not kept."""
    cdef Py_ssize_t r
    for r in range(count):
        if args.op == ORD_MIN:
            doubled_row(dst + r*pitch, <real*>rows[r], args.taps, args.unit, reals, ORD_MIN)
        else:
            doubled_row(dst + r*pitch, <real*>rows[r], args.taps, args.unit, reals, ORD_MAX)


cdef inline void list_group(real* dst, Py_ssize_t pitch, const OrderedArgs* args, const real* const* rows,
                            Py_ssize_t count, Py_ssize_t reals) noexcept nogil:
    if args.op == ORD_SUM:
        list_rows(dst, pitch, args, rows, count, reals, ORD_SUM)
    elif args.op == ORD_EVEN:
        list_rows(dst, pitch, args, rows, count, reals, ORD_EVEN)
    elif args.op == ORD_ODD:
        list_rows(dst, pitch, args, rows, count, reals, ORD_ODD)
    elif args.op == ORD_MIN:
        list_rows(dst, pitch, args, rows, count, reals, ORD_MIN)
    else:
        list_rows(dst, pitch, args, rows, count, reals, ORD_MAX)


cdef inline void dense_group(real* dst, Py_ssize_t pitch, const OrderedArgs* args, const real* const* rows,
                             Py_ssize_t rows_pitch, const Py_ssize_t* columns, Py_ssize_t reals) noexcept nogil:
    """ORD_ROWS output rows of a box of taps."""
    cdef Py_ssize_t KH = args.H.kernel, KW = args.W.kernel, x = 0
    cdef const real* weight = <const real*>args.weight
    while x < reals:
        if reals - x > (RW_V - 1)*LANES:
            if args.unit == 1:
                row_tile(dst + x, pitch, rows, rows_pitch, args.D.kernel, &KH, 1, weight, NULL, KW, x, NULL,
                         ORD_ROWS, RW_V)
            else:
                row_tile(dst + x, pitch, rows, rows_pitch, args.D.kernel, &KH, 1, weight, columns, KW, x, NULL,
                         ORD_ROWS, RW_V)
            x += RW_V*LANES
        else:
            row_tile(dst + x, pitch, rows, rows_pitch, args.D.kernel, &KH, 1, weight, columns, KW, x, NULL, ORD_ROWS, 1)
            x += LANES


cdef inline Py_ssize_t ring_rows(const OrderedArgs* args) noexcept nogil:
    return args.H.kernel + ORD_ROWS - 1


cdef inline Py_ssize_t row_pitch(const OrderedArgs* args) noexcept nogil:
    """Reals of a row in scratch, and slack for vectors that hang over."""
    return aligned_reals((args.column_block + args.W.kernel - 1)*args.unit + RW_V*LANES)


cdef inline Py_ssize_t window_pointers(const OrderedArgs* args) noexcept nogil:
    return 2*args.D.kernel*ring_rows(args) + args.W.kernel


cdef inline Py_ssize_t window_rows(const OrderedArgs* args) noexcept nogil:
    """Rows in scratch: the ring, sums, those that stand after the end of what is filtered in place."""
    return args.D.kernel*ring_rows(args) + ORD_ROWS + (args.H.kernel - 1 if args.in_place else 0)


cdef inline void window_task(const OrderedArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    """row_block x column_block outputs of one plane."""
    cdef Py_ssize_t KD = args.D.kernel, KH = args.H.kernel, slots = ring_rows(args), pitch = row_pitch(args)
    cdef Py_ssize_t n_w = ceil_div(args.W.size, args.column_block), n_h = ceil_div(args.H.size, args.row_block)
    cdef Py_ssize_t ow = task % n_w*args.column_block
    cdef Py_ssize_t oh = task//n_w % n_h*args.row_block
    cdef Py_ssize_t od = task//(n_w*n_h) % args.D.size
    cdef Py_ssize_t width = min(args.column_block, args.W.size - ow)
    cdef Py_ssize_t height = min(args.row_block, args.H.size - oh)
    cdef Py_ssize_t count = width + args.W.kernel - 1, made = 0, r = 0, step, j, d, id_, ih, q
    cdef const char* image
    cdef char* out
    cdef real* target
    cdef const real** at = <const real**>scratch        # [kd][row % slots]
    cdef const real** rows = at + KD*slots              # [kd][row from r on]
    cdef Py_ssize_t* columns = <Py_ssize_t*>(rows + KD*slots)
    cdef real* ring = <real*>(scratch + (window_pointers(args)*<Py_ssize_t>sizeof(void*) + 63)//64*64)
    cdef real* sums = ring + KD*slots*pitch
    cdef real* after = sums + ORD_ROWS*pitch
    for j in range(window_rows(args)):
        zero_reals(ring + j*pitch + count*args.unit, pitch - count*args.unit)
    batch_element(args, task//(n_w*n_h*args.D.size), &image, &out)
    out += od*args.y.d + oh*args.y.h + ow*args.unit*args.y.w
    for j in range(args.W.kernel):
        columns[j] = j*args.unit
    if args.in_place:
        for j in range(KH - 1 - args.H.pad):
            ih = source_index(args.H.size + j, args.H.size, args.H.boundary)
            load_pixels(after + j*pitch, args, row_at(args, image, 0, ih), ow - args.W.pad, count)
    while r < height:
        step = min(<Py_ssize_t>ORD_ROWS, height - r)
        while made < r + step + KH - 1:
            q = oh + made - args.H.pad
            ih = source_index(q, args.H.size, args.H.boundary)
            for d in range(KD):
                if args.in_place and q >= args.H.size:
                    at[made % slots] = after + (q - args.H.size)*pitch
                    continue
                id_ = source_index(od + d - args.D.pad, args.D.size, args.D.boundary)
                target = ring + (d*slots + made % slots)*pitch
                load_pixels(target, args, row_at(args, image, id_, ih), ow - args.W.pad, count)
                at[d*slots + made % slots] = target
            made += 1
        q = min(step + KH - 1, slots - r % slots)       # up to the end of the ring
        for d in range(KD):
            memcpy(rows + d*slots, at + d*slots + r % slots, q*<Py_ssize_t>sizeof(void*))
            memcpy(rows + d*slots + q, at + d*slots, (step + KH - 1 - q)*<Py_ssize_t>sizeof(void*))
        if is_doubled(args):
            doubled_group(sums, pitch, args, rows, step, width*args.unit)
        elif not args.dense:
            list_group(sums, pitch, args, rows, step, width*args.unit)
        else:
            for j in range(step + KH - 1, slots):       # rows that exist, for outputs that do not
                for d in range(KD):
                    rows[d*slots + j] = rows[d*slots]
            dense_group(sums, pitch, args, rows, slots, columns, width*args.unit)
        for j in range(step):
            store_cast(out + (r + j)*args.y.h, sums + j*pitch, width*args.unit, args.y.w, args.y.dtype)
        r += step


# --- lines that carry a state -----------------------------------------------------------------------------------------

cdef inline void running_sum(real* sums, const real* before, const real* newer, const real* older,
                             Py_ssize_t n) noexcept nogil:
    """sums = before + (newer - older), which is NULL while the first window fills; whole vectors."""
    cdef Py_ssize_t x = 0
    if older == NULL:
        while x < n:
            vstore(sums + x, vload(before + x) + vload(newer + x))
            x += LANES
    else:
        while x < n:
            vstore(sums + x, vload(before + x) + (vload(newer + x) - vload(older + x)))
            x += LANES


cdef inline void box_columns(const OrderedArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    """Running means down column_block columns of one plane."""
    cdef Py_ssize_t K = args.H.kernel, slots = K + 1, pitch = row_pitch(args), n = args.H.size
    cdef Py_ssize_t n_w = ceil_div(args.W.size, args.column_block)
    cdef Py_ssize_t ow = task % n_w*args.column_block, width = min(args.column_block, args.W.size - ow)
    cdef Py_ssize_t j, q, ih, done = 0
    cdef const char* image
    cdef char* out
    cdef real* sums = <real*>scratch
    cdef real* means = sums + pitch
    cdef real* ring = means + pitch
    cdef real* after = ring + slots*pitch
    cdef real* row
    cdef const real* newer
    cdef const real* older
    cdef real taps = <real>K
    batch_element(args, task//n_w, &image, &out)
    out += ow*args.y.w
    for j in range(K - 1 - args.H.pad):
        ih = source_index(n + j, n, args.H.boundary)
        load_pixels(after + j*pitch, args, row_at(args, image, 0, ih), ow, width)
    zero_reals(sums, pitch)
    for j in range(2*K):
        zero_reals(ring + j*pitch + width, pitch - width)
    for q in range(n + K - 1):
        if must_stop(args.watch, &done, width):
            return
        newer = row = ring + q % slots*pitch
        if q - args.H.pad < n:
            ih = source_index(q - args.H.pad, n, args.H.boundary)
            load_pixels(row, args, row_at(args, image, 0, ih), ow, width)
        else:
            newer = after + (q - args.H.pad - n)*pitch
        older = NULL
        if q >= K:
            j = q - K - args.H.pad - n      # the row that leaves may stand after the end
            older = ring + (q - K) % slots*pitch if j < 0 else after + j*pitch
        running_sum(sums, sums, newer, older, width)
        if q >= K - 1:
            quotients(means, sums, width, taps, <real>1/taps)
            store_cast(out + (q - K + 1)*args.y.h, means, width, args.y.w, args.y.dtype)


cdef inline Py_ssize_t chunk_of(const OrderedArgs* args) noexcept nogil:
    """Samples of a line that are done at a time."""
    return max(<Py_ssize_t>CHUNK, min(args.W.kernel, <Py_ssize_t>16*CHUNK))


cdef inline void load_line(real* dst, const OrderedArgs* args, const char* line, const real* after, Py_ssize_t q,
                           Py_ssize_t count) noexcept nogil:
    """`count` samples of a padded line from its q-th on; `after`: those after the end."""
    cdef Py_ssize_t start = q - args.W.pad
    cdef Py_ssize_t inside = max(<Py_ssize_t>0, min(count, args.W.size - start))
    load_pixels(dst, args, line, start, inside)
    if inside < count:
        memcpy(dst + inside, after + (start + inside - args.W.size), (count - inside)*sizeof(real))


cdef inline Py_ssize_t lines_of_task(const OrderedArgs* args) noexcept nogil:
    return LANES if LANES >= 8 and args.H.size > FEW_LINES else 1


cdef inline void box_task(const OrderedArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    cdef Py_ssize_t lines = lines_of_task(args)
    cdef Py_ssize_t n_h = ceil_div(args.H.size, lines)
    cdef Py_ssize_t oh = task % n_h*lines, height = min(lines, args.H.size - oh), i
    cdef const char* image
    cdef char* out
    batch_element(args, task//n_h, &image, &out)
    image += oh*args.x.h
    out += oh*args.y.h
    if height > FEW_LINES:
        box_lines(args, scratch, image, out, LANES, height)
    else:
        for i in range(height):
            box_lines(args, scratch, image + i*args.x.h, out + i*args.y.h, 1, 1)


cdef inline void box_lines(const OrderedArgs* args, char* scratch, const char* image, char* out, Py_ssize_t group,
                           Py_ssize_t height) noexcept nogil:
    """Running means along `height` rows at once, in `group` lanes."""
    cdef Py_ssize_t K = args.W.kernel, n = args.W.size, chunk = chunk_of(args), pitch = aligned_reals(chunk + LANES)
    cdef Py_ssize_t beyond = aligned_reals(K)
    cdef Py_ssize_t i, j, q = 0, count, done = 0, seen = 0
    cdef real* lines = <real*>scratch                   # [group][pitch]
    cdef real* turned = lines + group*pitch             # [K + chunk][group]: what was seen last, and is new
    cdef real* sums = turned + (K + pitch)*group        # [chunk][group]
    cdef real* after = sums + pitch*group               # [group][beyond]
    cdef real last[LANES]
    cdef real taps = <real>K
    for i in range(height):
        load_after(after + i*beyond, lines, pitch, args, image + i*args.x.h)
    for i in range(LANES):
        last[i] = 0
    for i in range(height, group):
        zero_reals(lines + i*pitch, pitch)
    while q < n + K - 1:
        # the first K samples fill the place of what was seen last
        count = min(chunk, (K if q < K else n + K - 1) - q)
        if must_stop(args.watch, &seen, count*group):
            return
        if group == 1:
            load_line(turned + min(q, K), args, image, after, q, count)
        else:
            for i in range(height):
                load_line(lines + i*pitch, args, image + i*args.x.h, after + i*beyond, q, count)
            j = 0
            while j < count:
                transpose_strided(turned + (min(q, K) + j)*LANES, LANES, lines + j, pitch)
                j += LANES
        if q < K:
            for j in range(q, q + count):
                if group == 1:
                    last[0] = last[0] + turned[j]
                else:
                    running_sum(last, last, turned + j*LANES, NULL, LANES)
            q += count
            if q < K:
                continue
            memcpy(sums, last, group*sizeof(real))
            count = 1
        else:
            if group == 1:
                for j in range(count):
                    last[0] = last[0] + (turned[K + j] - turned[j])
                    sums[j] = last[0]
            else:
                running_sum(sums, last, turned + K*LANES, turned, LANES)
                for j in range(1, count):
                    running_sum(sums + j*LANES, sums + (j - 1)*LANES, turned + (K + j)*LANES, turned + j*LANES, LANES)
                memcpy(last, sums + (count - 1)*LANES, LANES*sizeof(real))
            memmove(turned, turned + count*group, K*group*sizeof(real))
            q += count
        quotients(sums, sums, count*group, taps, <real>1/taps)
        if group == 1:
            store_cast(out + done*args.y.w, sums, count, args.y.w, args.y.dtype)
        else:
            j = 0
            while j < count:
                transpose_strided(lines + j, pitch, sums + j*LANES, LANES)
                j += LANES
            for i in range(height):
                store_cast(out + i*args.y.h + done*args.y.w, lines + i*pitch, count, args.y.w, args.y.dtype)
        done += count


cdef inline void extreme_line(const OrderedArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    """The running minimum or maximum of one row: `ring` holds what may still be it, each value up to the sample
    before which it leaves the window."""
    cdef Py_ssize_t K = args.W.kernel, n = args.W.size, chunk = chunk_of(args)
    cdef Py_ssize_t q = 0, count, i, at, slots = K + 1, first = 0, last = 0, filled, seen = 0
    cdef bint least = args.op == ORD_LEAST
    cdef const char* line
    cdef char* out
    cdef real* samples = <real*>scratch
    cdef real* found = samples + aligned_reals(chunk)
    cdef real* after = found + aligned_reals(chunk)
    cdef real* ring = after + aligned_reals(K)
    cdef Py_ssize_t* leaves = <Py_ssize_t*>(ring + aligned_reals(slots))
    cdef real value
    batch_element(args, task//args.H.size, &line, &out)
    line += task % args.H.size*args.x.h
    out += task % args.H.size*args.y.h
    load_after(after, samples, chunk, args, line)
    while q < n + K - 1:
        count = min(chunk, n + K - 1 - q)
        if must_stop(args.watch, &seen, count):
            return
        load_line(samples, args, line, after, q, count)
        filled = 0
        for i in range(count):
            value = samples[i]
            at = q + i
            if at == 0:
                ring[0] = value
                leaves[0] = K
            else:
                if leaves[first] == at:
                    first = first + 1 if first + 1 < slots else 0
                if (value <= ring[first]) if least else (value >= ring[first]):
                    ring[first] = value
                    leaves[first] = at + K
                    last = first
                else:
                    while (ring[last] >= value) if least else (ring[last] <= value):
                        last = last - 1 if last > 0 else slots - 1
                    last = last + 1 if last + 1 < slots else 0
                    ring[last] = value
                    leaves[last] = at + K
            if at >= K - 1:
                found[filled] = ring[first]
                filled += 1
        if filled:
            store_cast(out + (q + count - K + 1 - filled)*args.y.w, found, filled, args.y.w, args.y.dtype)
        q += count


# --- tasks ------------------------------------------------------------------------------------------------------------

cdef void ordered_plan(OrderedArgs* args, int num_threads) noexcept nogil:
    """Which way, and tasks for all threads."""
    cdef Py_ssize_t row = args.W.size*args.unit, rows, reals, planes = args.N*args.D.size
    cdef Py_ssize_t wanted = TASKS_PER_THREAD*num_threads
    args.row_block = args.H.size
    args.column_block = args.W.size
    if args.op == ORD_LEAST or args.op == ORD_GREATEST:
        args.scratch_bytes = (2*aligned_reals(chunk_of(args)) + 3*aligned_reals(args.W.kernel + 1))*sizeof(real)
        args.n_tasks = planes*args.H.size
        return
    if args.op == ORD_BOX_ALONG:
        reals = aligned_reals(chunk_of(args) + LANES)
        args.scratch_bytes = LANES*(3*reals + args.W.kernel + aligned_reals(args.W.kernel))*sizeof(real)
        args.n_tasks = planes*ceil_div(args.H.size, lines_of_task(args))
        return
    rows = 2*args.H.kernel + 2 if args.op == ORD_BOX else window_rows(args)
    # columns: of what is filtered down, as many as fit the ring, and tasks for all threads if they have whole columns;
    # a row that is filtered in place is done whole
    if not args.in_place or args.W.kernel == 1:
        reals = max(<Py_ssize_t>RING_REALS//rows, <Py_ssize_t>LEAST_COLUMNS, 2*args.W.kernel*args.unit)
        if args.op == ORD_BOX or args.in_place:
            reals = min(reals, max(<Py_ssize_t>LEAST_COLUMNS, ceil_div(planes*row, wanted)))
        reals = ceil_div(row, ceil_div(row, reals))
        args.column_block = min(args.W.size, ceil_div(ceil_div(reals, LANES)*LANES, args.unit))
    if args.op == ORD_BOX:
        args.scratch_bytes = rows*row_pitch(args)*sizeof(real)
        args.n_tasks = planes*ceil_div(args.W.size, args.column_block)
        return
    planes *= ceil_div(args.W.size, args.column_block)
    if not args.in_place or args.H.kernel == 1:
        # rows of a task: what it reads above and below its own is a part of them
        rows = max(<Py_ssize_t>4*args.H.kernel, ceil_div(TASK_REALS, args.column_block*args.unit))
        rows = max(rows, min(ceil_div(args.H.size*planes, wanted), <Py_ssize_t>16*rows))
        if ceil_div(args.H.size, rows)*planes < num_threads:
            rows = ceil_div(args.H.size, num_threads)
        args.row_block = max(<Py_ssize_t>1, min(args.H.size, ceil_div(rows, ORD_ROWS)*ORD_ROWS))
    args.scratch_bytes = (window_pointers(args)*<Py_ssize_t>sizeof(void*) + 63)//64*64 \
        + window_rows(args)*row_pitch(args)*<Py_ssize_t>sizeof(real)
    args.n_tasks = planes*ceil_div(args.H.size, args.row_block)


cdef void ordered_task(const OrderedArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    if args.op == ORD_LEAST or args.op == ORD_GREATEST:
        extreme_line(args, scratch, task)
    elif args.op == ORD_BOX:
        box_columns(args, scratch, task)
    elif args.op == ORD_BOX_ALONG:
        box_task(args, scratch, task)
    else:
        window_task(args, scratch, task)


cdef void ordered_run(const void* opaque, char* scratch, Py_ssize_t first, Py_ssize_t last,
                      int num_threads) noexcept nogil:
    cdef const OrderedArgs* args = <const OrderedArgs*>opaque
    cdef Py_ssize_t task
    cdef Py_ssize_t chunk = max(<Py_ssize_t>1, min(<Py_ssize_t>64, (last - first)//(8*num_threads)))
    if num_threads == 1:
        for task in range(first, last):
            ordered_task(args, scratch, task)
    else:
        for task in prange(first, last, schedule="dynamic", chunksize=chunk, num_threads=num_threads):
            ordered_task(args, scratch + threadid()*args.scratch_bytes, task)


cdef OrderedKernels kernels
kernels.abi = KERNEL_ABI
kernels.lanes = LANES
kernels.plan = ordered_plan
kernels.run = ordered_run
CAPSULE = PyCapsule_New(&kernels, "cconv.OrderedKernels", NULL)
