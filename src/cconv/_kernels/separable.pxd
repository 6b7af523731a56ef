"""Kernels that are outer products: one pass per axis, D, then H, then W.

Design:
a. The weight is w[i, j, k] = d[i]*h[j]*w[k] to a few roundings at every tap, zeros exactly (`factors.pxd`): so the
   error stays componentwise, and a sample that is not finite reaches the outputs that it reaches in the direct sum.
   Integers are factored modulo 2**n, which is exact.
b. A task is a strip of rows. Passes down the rows come first, because they read rows where they lie: 4 output rows
   share each load, no line is packed, and a line's border is filled in after the pass, in W.kernel - 1 places. What
   has to be converted, or has been summed along D, is kept in a ring of as many rows as the pass down needs.
c. Factors but the last are scaled by a power of two to |sum| <= 1, so no pass overflows before the sum would.
d. Across, blocks of as many rows as there are lanes are turned, so that a pass there is one down as well: with loads
   that no cache line splits, each shared by 8 outputs. Few taps are summed along the row.
e. Boxes: 8 outputs share the sum of what all of them see, and add sums of what is before and after it. Nothing is
   ever subtracted, so rounding does not build up along a line.
f. Groups of 16 rows are counted from the image's top, so a sum's order does not depend on the partition.
"""
from cconv._kernels.factors cimport TURN_BOX, factorise, is_uniform, reverse
from cconv._kernels.pack cimport (
    aligned_reals, batch_offsets, constant_value, is_direct, pack_line, source_index, zero_reals,
)
from cconv._kernels.rows cimport row_tile
from cconv._kernels.simd cimport (
    LANES, RW_R, RW_V, inlined, real, transpose_block, vkeep, vload, vreal, vstore, vzero,
)
from cconv._kernels.store cimport finish_row
from cconv._kernels.types cimport ACT_NONE, METHOD_SEPARABLE, PAD_CONSTANT, ConvArgs

cdef enum:
    SHARED = 8                  # outputs that share a load, and what all of them see of a box
    SHARED_V = RW_V//2          # vectors of them: the sums fill the registers
    SHARED_TAPS = 24            # rows that no longer stay in L1
    GROUP = 16                  # rows of one step, a multiple of LANES and SHARED
    ACROSS_V = 2*RW_V           # vectors of a row that are summed side by side
    TURNED = 192                # outputs of a row that are turned at a time, with the columns they see: in L1
    TURN = 12                   # taps across that pay for turning rows into lanes, which costs 8 shuffles a vector


# --- passes -----------------------------------------------------------------------------------------------------------

cdef inline inlined box_tile(real* dst, Py_ssize_t dst_pitch, const real* const* rows, Py_ssize_t x0, real weight,
                             Py_ssize_t KH, int V) noexcept nogil:
    """dst[r] = weight*(rows[r] + .. + rows[r + KH - 1]) for SHARED rows, KH >= SHARED: the rows that all see, and for
    each r those before and after them, summed from the middle outwards."""
    cdef vreal core[4]
    cdef vreal before[32]
    cdef vreal after[4]
    cdef Py_ssize_t j
    cdef int r, v
    for v in range(V):
        core[v] = vzero()
        after[v] = vzero()
    for j in range(SHARED - 1, KH):
        for v in range(V):
            core[v] = core[v] + weight*vload(rows[j] + x0 + v*LANES)
    for v in range(V):
        before[(SHARED - 2)*V + v] = weight*vload(rows[SHARED - 2] + x0 + v*LANES)
    for r in range(SHARED - 3, -1, -1):
        for v in range(V):
            before[r*V + v] = before[(r + 1)*V + v] + weight*vload(rows[r] + x0 + v*LANES)
    for v in range(V):
        vstore(dst + x0 + v*LANES, core[v] + before[v])
    for r in range(1, SHARED):
        for v in range(V):
            after[v] = after[v] + weight*vload(rows[KH - 1 + r] + x0 + v*LANES)
            if r < SHARED - 1:
                vstore(dst + r*dst_pitch + x0 + v*LANES, (core[v] + before[r*V + v]) + after[v])
            else:
                vstore(dst + r*dst_pitch + x0 + v*LANES, core[v] + after[v])


cdef inline void down_box(real* dst, Py_ssize_t dst_pitch, const real* const* rows, Py_ssize_t count, real weight,
                          Py_ssize_t KH) noexcept nogil:
    """SHARED rows of sums of KH rows, `count` columns. The last vector overlaps the one before it."""
    cdef Py_ssize_t x = 0
    while x < count:
        if count - x >= (RW_V + 1)//2*LANES:
            box_tile(dst, dst_pitch, rows, x, weight, KH, (RW_V + 1)//2)
            x += (RW_V + 1)//2*LANES
        else:
            x = max(<Py_ssize_t>0, min(x, count - LANES))
            box_tile(dst, dst_pitch, rows, x, weight, KH, 1)
            x += LANES


cdef inline inlined shared_step(vreal* acc, const real* row, const real* factor, int first, int last,
                                int V) noexcept nogil:
    """One input row feeds output rows first..last; output o takes tap -o relative to `factor`."""
    cdef vreal x[4]
    cdef real f
    cdef int o, v
    for v in range(V):
        x[v] = vkeep(vload(row + v*LANES))
    for o in range(first, last + 1):
        f = (factor - o)[0]
        for v in range(V):
            acc[o*V + v] = acc[o*V + v] + f*x[v]


cdef inline inlined shared_tile(real* dst, Py_ssize_t dst_pitch, const real* const* rows, Py_ssize_t x0,
                                const real* factor, Py_ssize_t KH, int V) noexcept nogil:
    """dst[r] = sum over j of factor[j]*rows[r + j], for SHARED rows; KH >= SHARED."""
    cdef vreal acc[4*SHARED]
    cdef Py_ssize_t j
    cdef int i, v
    for i in range(SHARED*V):
        acc[i] = vzero()
    for i in range(SHARED - 1):
        shared_step(acc, rows[i] + x0, factor + i, 0, i, V)
    for j in range(SHARED - 1, KH):
        shared_step(acc, rows[j] + x0, factor + j, 0, SHARED - 1, V)
    for i in range(1, SHARED):
        shared_step(acc, rows[KH - 1 + i] + x0, factor + KH - 1 + i, i, SHARED - 1, V)
    for i in range(SHARED):
        for v in range(V):
            vstore(dst + i*dst_pitch + x0 + v*LANES, acc[i*V + v])


cdef inline void down_shared(real* dst, Py_ssize_t dst_pitch, const real* const* rows, Py_ssize_t count,
                             const real* factor, Py_ssize_t KH) noexcept nogil:
    """As down_pass for SHARED rows: half the loads, which many rows need that are not in L1."""
    cdef Py_ssize_t x = 0
    while x < count:
        if count - x >= SHARED_V*LANES:
            shared_tile(dst, dst_pitch, rows, x, factor, KH, SHARED_V)
            x += SHARED_V*LANES
        else:
            x = max(<Py_ssize_t>0, min(x, count - LANES))
            shared_tile(dst, dst_pitch, rows, x, factor, KH, 1)
            x += LANES


cdef inline void down_pass(real* dst, Py_ssize_t dst_pitch, const real* const* rows, Py_ssize_t count,
                           const real* factor, Py_ssize_t KH, bint four_rows) noexcept nogil:
    """dst[r] = sum of factor[j]*rows[r + j], for 4 rows or 1; as down_box."""
    cdef Py_ssize_t x = 0
    while x < count:
        if count - x >= RW_V*LANES:
            if four_rows:
                row_tile(dst + x, dst_pitch, rows, 0, 1, &KH, 1, factor, NULL, 1, x, NULL, 4, RW_V)
            else:
                row_tile(dst + x, dst_pitch, rows, 0, 1, &KH, 1, factor, NULL, 1, x, NULL, 1, RW_V)
            x += RW_V*LANES
        else:
            x = max(<Py_ssize_t>0, min(x, count - LANES))
            if four_rows:
                row_tile(dst + x, dst_pitch, rows, 0, 1, &KH, 1, factor, NULL, 1, x, NULL, 4, 1)
            else:
                row_tile(dst + x, dst_pitch, rows, 0, 1, &KH, 1, factor, NULL, 1, x, NULL, 1, 1)
            x += LANES


cdef inline inlined across_tile(real* dst, const real* row, const real* factor, Py_ssize_t KW, int V) noexcept nogil:
    cdef vreal acc[16]
    cdef Py_ssize_t k
    cdef int v
    cdef real f = factor[0]
    for v in range(V):
        acc[v] = f*vload(row + v*LANES)
    for k in range(1, KW):
        f = factor[k]
        for v in range(V):
            acc[v] = acc[v] + f*vload(row + k + v*LANES)
    for v in range(V):
        vstore(dst + v*LANES, acc[v])


cdef inline void across_pass(real* dst, const real* row, Py_ssize_t count, const real* factor,
                             Py_ssize_t KW) noexcept nogil:
    """dst[i] = sum of factor[k]*row[i + k]. Whole vectors: the rest of dst and of row is slack."""
    cdef Py_ssize_t x = 0
    while x < count:
        if count - x > (ACROSS_V - 1)*LANES:
            across_tile(dst + x, row + x, factor, KW, ACROSS_V)
            x += ACROSS_V*LANES
        else:
            across_tile(dst + x, row + x, factor, KW, 1)
            x += LANES


cdef inline Py_ssize_t turned_columns(Py_ssize_t KW) noexcept nogil:
    """Columns that TURNED outputs see, whole blocks and tiles of them."""
    return TURNED + KW + SHARED + LANES


cdef inline inlined turned_tile(real* dst, const real* columns, const real* factor, Py_ssize_t KW) noexcept nogil:
    """dst[o][row] = sum over k of factor[k]*columns[o + k][row], for SHARED outputs; KW >= SHARED."""
    cdef vreal acc[SHARED]
    cdef Py_ssize_t j
    cdef int i
    for i in range(SHARED):
        acc[i] = vzero()
    for i in range(SHARED - 1):
        shared_step(acc, columns + i*LANES, factor + i, 0, i, 1)
    for j in range(SHARED - 1, KW):
        shared_step(acc, columns + j*LANES, factor + j, 0, SHARED - 1, 1)
    for i in range(1, SHARED):
        shared_step(acc, columns + (KW - 1 + i)*LANES, factor + KW - 1 + i, i, SHARED - 1, 1)
    for i in range(SHARED):
        vstore(dst + i*LANES, acc[i])


cdef inline inlined turned_box(real* dst, const real* columns, Py_ssize_t KW) noexcept nogil:
    """As turned_tile with factors of 1, summed as box_tile does."""
    cdef vreal core = vzero()
    cdef vreal after = vzero()
    cdef vreal before[SHARED]
    cdef Py_ssize_t j
    cdef int r
    for j in range(SHARED - 1, KW):
        core = core + vload(columns + j*LANES)
    before[SHARED - 2] = vload(columns + (SHARED - 2)*LANES)
    for r in range(SHARED - 3, -1, -1):
        before[r] = before[r + 1] + vload(columns + r*LANES)
    vstore(dst, core + before[0])
    for r in range(1, SHARED):
        after = after + vload(columns + (KW - 1 + r)*LANES)
        if r < SHARED - 1:
            vstore(dst + r*LANES, (core + before[r]) + after)
        else:
            vstore(dst + r*LANES, core + after)


cdef inline void turned_pass(const ConvArgs* args, char* out, real* rows, Py_ssize_t pitch, real* columns,
                             Py_ssize_t width, const real* across, bint box) noexcept nogil:
    """The pass along LANES rows side by side in the lanes, and their store."""
    cdef Py_ssize_t KW = args.W.kernel, t = 0, i, j, outputs, stored
    cdef bint direct = is_direct(&args.y, args.batch_ndim)
    cdef real* turned = columns + turned_columns(KW)*LANES
    cdef real* result = turned + (TURNED + SHARED)*LANES
    cdef real* lines[64]
    while t < width:
        outputs = min(<Py_ssize_t>TURNED, width - t)
        for i in range(LANES):
            lines[i] = rows + i*pitch + t
        j = 0
        while j < outputs + KW - 1:
            transpose_block(columns + j*LANES, LANES, lines, j)
            j += LANES
        j = 0
        while j < outputs:
            if box:
                turned_box(turned + j*LANES, columns + j*LANES, KW)
            else:
                turned_tile(turned + j*LANES, columns + j*LANES, across, KW)
            j += SHARED
        j = 0
        stored = 0
        while j < outputs:
            for i in range(LANES):
                lines[i] = turned + (j + i)*LANES
            if direct and j + LANES <= outputs:
                transpose_block(<real*>out + t + j, args.y.h//<Py_ssize_t>sizeof(real), lines, 0)
                stored = j + LANES
            else:
                transpose_block(result + j, TURNED, lines, 0)
            j += LANES
        if stored < outputs:
            for i in range(LANES):
                finish_row(out + i*args.y.h + (t + stored)*args.y.w, result + i*TURNED + stored, outputs - stored,
                           args.y.w, args.y.dtype, NULL, 0, ACT_NONE)
        t += outputs


# --- tasks ------------------------------------------------------------------------------------------------------------

cdef inline bint separable_applies(const ConvArgs* args) noexcept nogil:
    """One channel, unit steps, the outputs of a filter, two axes at least with more than one tap."""
    cdef int axes = (args.D.kernel > 1) + (args.H.kernel > 1) + (args.W.kernel > 1)
    return (args.method == METHOD_SEPARABLE and args.G == 1 and args.IC == 1 and args.OC == 1 and axes > 1
            and args.weight_shared and args.weight != NULL and args.bias == NULL and args.activation == ACT_NONE
            and args.D.stride*args.H.stride*args.W.stride == 1
            and args.D.dilation*args.H.dilation*args.W.dilation == 1
            and 0 <= args.W.pad < args.W.kernel and args.W.output - args.W.pad <= args.W.size)


cdef inline Py_ssize_t line_pitch(const ConvArgs* args) noexcept nogil:
    """Reals of a row in scratch: what a block of outputs sees, and slack for vectors that hang over."""
    return aligned_reals(args.TW.tile + args.W.kernel + (ACROSS_V + 1)*LANES + 16)


cdef inline Py_ssize_t ring_rows(const ConvArgs* args) noexcept nogil:
    return args.H.kernel + GROUP - 1


cdef inline Py_ssize_t separable_lines(const ConvArgs* args) noexcept nogil:
    """Rows of line_pitch reals in scratch: sums down, a result, constants, the ring, rows to be summed along D."""
    cdef Py_ssize_t lines = GROUP + 2
    if args.D.kernel > 1:
        lines += RW_R*ring_rows(args) + args.D.kernel + RW_R - 1
    else:
        lines += ring_rows(args)
    return lines


cdef inline Py_ssize_t separable_pointers(const ConvArgs* args) noexcept nogil:
    return 2*ring_rows(args) + args.D.kernel + RW_R + 2*args.W.kernel


cdef inline Py_ssize_t separable_scratch(const ConvArgs* args) noexcept nogil:
    """Bytes that separable_task uses, in its order."""
    cdef Py_ssize_t reals = aligned_reals(args.D.kernel + args.H.kernel + args.W.kernel)
    reals += separable_lines(args)*line_pitch(args)
    reals += LANES*(turned_columns(args.W.kernel) + 2*TURNED + SHARED)
    return (separable_pointers(args)*<Py_ssize_t>sizeof(void*) + 63)//64*64 + reals*<Py_ssize_t>sizeof(real)


cdef inline real weighted_constant(real constant, const real* factor, Py_ssize_t n) noexcept nogil:
    """What a pass makes of samples that are all the same."""
    cdef real total = <real>0
    cdef Py_ssize_t i
    for i in range(n):
        total = total + factor[i]*constant
    return total


cdef inline void store_sums(const ConvArgs* args, char* out, const real* row, real* result, Py_ssize_t width,
                            const real* across) noexcept nogil:
    """The pass along one row, and its store: whole vectors into the output itself if they fit it."""
    cdef Py_ssize_t done = 0
    if is_direct(&args.y, args.batch_ndim):
        done = width//LANES*LANES
        across_pass(<real*>out, row, done, across, args.W.kernel)
    if done < width:
        across_pass(result, row + done, width - done, across, args.W.kernel)
        finish_row(out + done*args.y.w, result, width - done, args.y.w, args.y.dtype, NULL, 0, ACT_NONE)


cdef inline void separable_task(const ConvArgs* args, char* scratch, Py_ssize_t task) noexcept nogil:
    """One task: TD.tile planes x TH.tile rows x TW.tile columns of one batch element."""
    cdef Py_ssize_t KD = args.D.kernel, KH = args.H.kernel, KW = args.W.kernel
    cdef Py_ssize_t pitch = line_pitch(args), slots = ring_rows(args)
    cdef Py_ssize_t n_w = (args.W.output + args.TW.tile - 1)//args.TW.tile
    cdef Py_ssize_t n_h = (args.H.output + args.TH.tile - 1)//args.TH.tile
    cdef Py_ssize_t n_d = (args.D.output + args.TD.tile - 1)//args.TD.tile
    cdef Py_ssize_t ow = task % n_w*args.TW.tile
    cdef Py_ssize_t oh = task//n_w % n_h*args.TH.tile
    cdef Py_ssize_t od = task//(n_w*n_h) % n_d*args.TD.tile
    cdef Py_ssize_t w_tile = min(args.TW.tile, args.W.output - ow)
    cdef Py_ssize_t h_tile = min(args.TH.tile, args.H.output - oh)
    cdef Py_ssize_t d_tile = min(args.TD.tile, args.D.output - od)
    cdef Py_ssize_t x_offset, y_offset, w_offset, first, count, left, outside, step, made, r, d, i, j, id_, ih
    cdef bint in_place, box_h, box_w, turn
    cdef real constant = constant_value(args, 0), border_constant
    cdef const char* image
    cdef char* out
    cdef real* target

    cdef const real** rows = <const real**>scratch         # one plane only: where row j of the strip is, at j % slots
    cdef const real** window = rows + slots                 # the rows of this step
    cdef const real** pile = window + slots                 # the same row of each plane
    cdef Py_ssize_t* border = <Py_ssize_t*>(pile + KD + RW_R)
    cdef real* down = <real*>(scratch + (separable_pointers(args)*sizeof(void*) + 63)//64*64)
    cdef real* middle = down + KD
    cdef real* across = middle + KH
    cdef real* sums = down + aligned_reals(KD + KH + KW)
    cdef real* result = sums + GROUP*pitch
    cdef real* constants = result + pitch
    cdef real* ring = constants + pitch
    cdef real* packed = ring + (RW_R*slots*pitch if KD > 1 else 0)
    cdef real* columns = sums + separable_lines(args)*pitch

    batch_offsets(args, task//(n_w*n_h*n_d), &x_offset, &y_offset, &w_offset)
    image = args.x.data + x_offset
    factorise(args, args.pivot, down, middle, across)
    if args.flip:
        reverse(down, KD)
        reverse(middle, KH)
        reverse(across, KW)
    box_h = KH >= SHARED and is_uniform(middle, KH)
    box_w = KW >= TURN_BOX and is_uniform(across, KW)
    turn = box_w or KW >= TURN

    # the columns that exist, if the border can be made of sums of the same block; else what the block sees is packed
    first = max(<Py_ssize_t>0, ow - args.W.pad)
    count = min(args.W.size, ow + w_tile + KW - 1 - args.W.pad) - first
    if count < LANES or count < w_tile + KW - 1 and (
            n_w > 1 or count < args.W.size and args.W.boundary != PAD_CONSTANT):
        in_place = False
        first = ow - args.W.pad
        count = w_tile + KW - 1
    else:
        in_place = is_direct(&args.x, args.batch_ndim)
    left = first - (ow - args.W.pad)
    outside = w_tile + KW - 1 - count
    for i in range(outside):
        j = ow - args.W.pad + (i if i < left else i + count)
        j = source_index(j, args.W.size, args.W.boundary)
        border[i] = j - (ow - args.W.pad) if j >= 0 else -1
    for i in range(separable_lines(args)):
        zero_reals(sums + i*pitch + count, pitch - count)
    if turn:
        zero_reals(columns, turned_columns(KW)*LANES)
    for i in range(count + LANES):
        constants[i] = constant
    border_constant = weighted_constant(weighted_constant(constant, down, KD), middle, KH)

    made = 0
    r = 0
    while r < h_tile:
        step = GROUP if h_tile - r >= GROUP else (RW_R if h_tile - r >= RW_R else 1)
        while made < r + step + KH - 1:         # rows that no step before needed
            ih = source_index(oh + made - args.H.pad, args.H.size, args.H.boundary)
            for i in range(d_tile + KD - 1):
                id_ = source_index(od + i - args.D.pad, args.D.size, args.D.boundary)
                if id_ < 0 or ih < 0:
                    pile[i] = constants
                elif in_place:
                    pile[i] = <const real*>(image + id_*args.x.d + ih*args.x.h) + first
                else:
                    target = packed + i*pitch if KD > 1 else ring + made % slots*pitch
                    pack_line(target, image + id_*args.x.d + ih*args.x.h, args.x.w, args.x.dtype, first, count, 1,
                              args.W.size, args.W.boundary, constant)
                    pile[i] = target
            if KD == 1:
                rows[made % slots] = pile[0]
            elif d_tile == RW_R:
                down_pass(ring + made % slots*pitch, slots*pitch, pile, count, down, KD, True)
            else:
                for d in range(d_tile):
                    down_pass(ring + (d*slots + made % slots)*pitch, 0, pile + d, count, down, KD, False)
            made += 1
        for d in range(d_tile):
            for i in range(step + KH - 1):
                j = (r + i) % slots
                if KD == 1:
                    window[i] = rows[j]
                else:
                    window[i] = ring + (d*slots + j)*pitch
            i = 0
            while i < step:
                if step == GROUP and box_h:
                    down_box(sums + left + i*pitch, pitch, window + i, count, middle[0], KH)
                    i += SHARED
                elif step == GROUP and KH >= SHARED_TAPS:
                    down_shared(sums + left + i*pitch, pitch, window + i, count, middle, KH)
                    i += SHARED
                elif step >= RW_R:
                    down_pass(sums + left + i*pitch, pitch, window + i, count, middle, KH, True)
                    i += RW_R
                else:
                    down_pass(sums + left, pitch, window, count, middle, KH, False)
                    i += 1
            out = args.y.data + y_offset + (od + d)*args.y.d + (oh + r)*args.y.h + ow*args.y.w
            for i in range(step):
                target = sums + i*pitch
                for j in range(outside):
                    target[j if j < left else j + count] = target[border[j]] if border[j] >= 0 else border_constant
                if not turn or step < GROUP:
                    store_sums(args, out + i*args.y.h, target, result, w_tile, across)
            if turn and step == GROUP:
                i = 0
                while i < GROUP:
                    turned_pass(args, out + i*args.y.h, sums + i*pitch, pitch, columns, w_tile, across, box_w)
                    i += LANES
        r += step
