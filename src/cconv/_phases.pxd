"""Phases of a strided layer's input gradient, along one axis.

Positions that agree modulo the stride meet the same taps: see `_gradient_shapes`, which works out borders too, and
`capi`, which does without the interpreter.
"""

from cconv._kernels.types cimport METHOD_WINOGRAD, MOST_PHASES, PAD_CONSTANT, Array, Axis, ConvArgs

cdef enum:
    # Of all phases' weights, up to which they run block by block: 256 -> 128 channels, 2x2, 56x56 takes 0.7 times as
    # long as phase by phase. More would be read again for every image: 1024 -> 512, 4x4, of 32 images takes 1.5 times
    # as long.
    TOGETHER_BYTES = 1 << 20


cdef inline bint reads_turned(Py_ssize_t groups, Py_ssize_t channels, Py_ssize_t taps) noexcept nogil:
    """Whether kernels take a layer's weight as it lies for its input gradient, of so many channels per group: see
    `turned` in types.pxd. One or two channels are rows' work."""
    return groups == 1 and channels > 2 and taps == 1


# Every stride-th of some neighbouring positions: a convolution of stride 1.
cdef struct Phase:
    Py_ssize_t tap              # of the kernel, as it lies in memory: the first, then each `step`-th
    Py_ssize_t step
    Py_ssize_t tap_count
    Py_ssize_t skipped          # positions before the first
    Py_ssize_t count
    Py_ssize_t dilation
    Py_ssize_t start            # samples of grad_output that no position meets
    Py_ssize_t pad              # before what is left of it


cdef inline Py_ssize_t common_divisor(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    while b:
        a, b = b, a % b
    return a


cdef inline Py_ssize_t phase_step(Py_ssize_t stride, Py_ssize_t dilation) noexcept nogil:
    """Between taps of a phase; an axis has so many phases, or one per tap."""
    return stride//common_divisor(stride, dilation)


cdef inline bint find_phase(Phase* phase, Py_ssize_t number, Py_ssize_t first, Py_ssize_t positions, Py_ssize_t kernel,
                            Py_ssize_t stride, Py_ssize_t dilation, Py_ssize_t outputs, bint flip) noexcept nogil:
    """The phase whose first tap is `number`, of so many padded positions from `first` on; False if no output reaches
    it."""
    cdef Py_ssize_t step = phase_step(stride, dilation)
    cdef Py_ssize_t spread = dilation//(stride//step)
    cdef Py_ssize_t residue = number*dilation % stride
    cdef Py_ssize_t taps = (kernel - number + step - 1)//step
    cdef Py_ssize_t skipped = (residue - first) % stride, pad
    if skipped < 0:             # where % is C's
        skipped += stride
    if skipped >= positions:
        return False
    # position m of the phase meets output m + (first + skipped - residue)/stride - number*dilation//stride - t*spread
    pad = (number*dilation - residue)//stride + (taps - 1)*spread - (first + skipped - residue)//stride
    phase.count = (positions - skipped + stride - 1)//stride
    if -pad >= outputs or pad - (taps - 1)*spread >= phase.count:
        return False
    phase.tap = kernel - 1 - number - (taps - 1)*step if flip else number
    phase.step = step
    phase.tap_count = taps
    phase.skipped = skipped
    phase.dilation = spread if taps > 1 else 1
    phase.start = max(-pad, <Py_ssize_t>0)
    phase.pad = max(pad, <Py_ssize_t>0)
    return True


# ---- phases that share Winograd's tiles: winograd_phases.pxd ---------------------------------------------------------

cdef enum:
    TILE_OUT = 4                # of a tile, along an axis
    TILE_POINTS = 6
    # Output channels of a phase are whole vectors of any level.
    PHASE_CHANNELS = 16
    # They pay where their products are so many of a hundred of the direct sum's, parts of tiles that are not used
    # counted: 4x4 kernels (39) take 0.47 to 0.6 of the time, at 7x7 and 14x14 (51) 0.57 to 0.8; 3x3 ones (56) take 0.76
    # to 1.16, with errors up to 47 eps where others have 30.
    PHASE_PRODUCTS = 55


cdef inline Py_ssize_t find_tile(Axis* axis, Py_ssize_t kernel, Py_ssize_t stride, Py_ssize_t before,
                                 bint flip) noexcept nogil:
    """Fill in taps and phases, of stride 1 or 2, of an axis of grad_output, and its padding; returns a tile's points,
    added up over phases, or 0 if more than three taps of a phase follow each other.

    Sample m + i of grad_output meets output stride*m + phase at the tap before + phase - stride*i."""
    cdef Py_ssize_t first = before - kernel + 1, last = before + stride - 1, points, fewest = 0, start, tap, phase
    cdef int found[MOST_PHASES][3]
    cdef Py_ssize_t i
    if stride > MOST_PHASES or kernel < stride or kernel > 3*stride:
        return 0
    # the least and the greatest i
    first = -((-first)//stride) if first <= 0 else (first + stride - 1)//stride
    last = last//stride if last >= 0 else -((-last + stride - 1)//stride)
    if last - first > 2:
        return 0
    for start in range(last - 2, first + 1):
        points = stride*TILE_POINTS
        for phase in range(stride):
            for i in range(3):
                tap = before + phase - stride*(start + i)
                found[phase][i] = -1
                if 0 <= tap < kernel:
                    found[phase][i] = <int>(kernel - 1 - tap if flip else tap)
                elif i != 1:
                    points -= 1         # a kernel without its first or last tap has nothing at the first or last point
        if fewest == 0 or points < fewest:
            fewest = points
            axis.phases, axis.taps, axis.pad = <int>stride, <int>kernel, -start
            for phase in range(stride):
                for i in range(3):
                    axis.tap[phase][i] = found[phase][i]
    return fewest


cdef inline bint tiles_pay(Py_ssize_t points, Py_ssize_t taps, Py_ssize_t h_blocks, Py_ssize_t w_blocks) noexcept nogil:
    """For so many blocks of outputs, one of each phase; points of a tile and taps of a kernel, of all phases."""
    cdef Py_ssize_t tiles = ((h_blocks + TILE_OUT - 1)//TILE_OUT)*((w_blocks + TILE_OUT - 1)//TILE_OUT)
    return <double>points*tiles*100 <= <double>PHASE_PRODUCTS*taps*h_blocks*w_blocks


cdef inline void spread_blocks(Array* array, const Py_ssize_t* block) noexcept nogil:
    """Samples of a block as the parts of a channel, so that what was the next sample is the next block."""
    cdef Py_ssize_t part
    if block[0]*block[1]*block[2] == 1:
        return
    array.parts = block[0]*block[1]*block[2]
    for part in range(array.parts):
        array.part[part] = (part//(block[1]*block[2])*array.d + part//block[2] % block[1]*array.h
                            + part % block[2]*array.w)
    array.d *= block[0]
    array.h *= block[1]
    array.w *= block[2]


cdef inline bint join_phases(ConvArgs* tiles, const ConvArgs* layer, Py_ssize_t item) noexcept nogil:
    """Fill in the convolution of grad_output, the layer's x here, whose tiles all phases share; False where there is
    none or it does not pay. As _gradient_shapes.in_phases; `item`: bytes of a real."""
    cdef const Axis* axes[2]
    cdef Axis* own[2]
    cdef Py_ssize_t block[3]
    cdef Py_ssize_t points = 1
    cdef int i
    axes[0], axes[1] = &layer.H, &layer.W
    own[0], own[1] = &tiles.H, &tiles.W
    tiles[0] = layer[0]
    block[0] = 1
    if (layer.D.kernel != 1 or layer.D.size != 1 or layer.D.output != 1 or layer.D.pad != 0 or layer.y.w != item
            or layer.IC % PHASE_CHANNELS or layer.OC < PHASE_CHANNELS):
        return False
    for i in range(2):
        block[1 + i] = axes[i].stride if axes[i].output > 1 else 1      # a stride that is never taken is 1
        if (axes[i].dilation > 1 or axes[i].boundary != PAD_CONSTANT or axes[i].size % block[1 + i]):
            return False
        points *= find_tile(own[i], axes[i].kernel, block[1 + i], axes[i].pad, layer.flip)
        own[i].size, own[i].output = axes[i].output, axes[i].size//block[1 + i]
        own[i].kernel, own[i].stride, own[i].pad_after = 3, 1, 0
    if block[2] != 2 or points == 0 or not tiles_pay(points, layer.H.kernel*layer.W.kernel, tiles.H.output,
                                                     tiles.W.output):
        return False
    tiles.IC, tiles.OC = layer.OC, layer.IC*block[1]*block[2]
    tiles.flip, tiles.turned, tiles.method = False, True, METHOD_WINOGRAD
    tiles.cval[0] = tiles.cval[1] = 0
    spread_blocks(&tiles.y, block)
    return True
