"""Phases of a strided layer's input gradient, along one axis.

Positions that agree modulo the stride meet the same taps: see `_gradient_shapes`, which works out borders too, and
`capi`, which does without the interpreter.
"""

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
