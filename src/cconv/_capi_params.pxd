"""Params of the C API -> the structs that kernels read, and a status; used by `capi`, whose Design says why."""
from libc.string cimport memset

from cconv._extents cimport (
    BAD_EXTENT, BAD_PADDING, BAD_STEP, FINE, KERNEL_TOO_LARGE, Fault, every_window_touches, hang_over, most_elements,
    multiply, read_axis,
)
from cconv._kernels.types cimport (
    ACT_NONE, ACT_RELU6, METHOD_AUTO, METHOD_DIRECT, METHOD_WINOGRAD, PAD_CONSTANT, PAD_WRAP, POOL_AVG, POOL_LP,
    POOL_MAX, Axis, ConvArgs, PoolArgs,
)
from cconv.capi cimport (
    CCONV_BAD_ACTIVATION, CCONV_BAD_DIVISOR, CCONV_BAD_EXTENT, CCONV_BAD_FLAG, CCONV_BAD_GROUPS, CCONV_BAD_KIND,
    CCONV_BAD_METHOD, CCONV_BAD_MODE, CCONV_BAD_NORM, CCONV_BAD_ORIGIN, CCONV_BAD_PADDING, CCONV_BAD_PADDING_MODE,
    CCONV_BAD_RANK, CCONV_BAD_SIZE, CCONV_BAD_STEP, CCONV_EMPTY_WINDOW, CCONV_FULL, CCONV_KERNEL_TOO_LARGE,
    CCONV_NULL_POINTER, CCONV_OK, CCONV_SAME, CCONV_TOO_LARGE, CCONV_VALID, ConvParams, FilterParams, PoolParams,
)

cdef enum:
    # Neighbours along a filter's `inner`: up to so many, each has a line of its own. 9 taps of 32,768 samples: of 2
    # neighbours 42 us so and 1,900 side by side, of 12 55 and 71, of 16 64 and 56.
    FEW = 12

cdef struct Extents:
    Py_ssize_t x                # elements of the input
    Py_ssize_t y                # of the output
    Py_ssize_t weight
    Py_ssize_t batch[2]         # what pointers of the arguments point to
    Py_ssize_t x_strides[2]
    Py_ssize_t y_strides[2]
    Py_ssize_t weight_strides[2]


cdef inline void store_outputs(Py_ssize_t* output, int rank, const Axis* d, const Axis* h,
                               const Axis* w) noexcept nogil:
    cdef Py_ssize_t outputs[3]
    cdef int i
    outputs[0], outputs[1], outputs[2] = d.output, h.output, w.output
    for i in range(3):
        output[i] = outputs[3 - rank + i] if i < rank else 0


cdef inline bint same_outputs(const Py_ssize_t* output, int rank, const Axis* d, const Axis* h,
                              const Axis* w) noexcept nogil:
    cdef Py_ssize_t now[3]
    cdef int i
    store_outputs(now, rank, d, h, w)
    for i in range(rank):
        if output[i] != now[i]:
            return False
    return True


cdef inline int status_of(Fault fault) noexcept nogil:
    if fault == FINE:
        return CCONV_OK
    if fault == BAD_EXTENT:
        return CCONV_BAD_EXTENT
    if fault == BAD_STEP:
        return CCONV_BAD_STEP
    if fault == BAD_PADDING:
        return CCONV_BAD_PADDING
    return CCONV_KERNEL_TOO_LARGE if fault == KERNEL_TOO_LARGE else CCONV_TOO_LARGE


cdef inline bint is_flag(int value) noexcept nogil:
    return value == 0 or value == 1


cdef inline int read_axes(Axis** axes, int rank, const Py_ssize_t* input, const Py_ssize_t* kernel,
                          const Py_ssize_t* stride, const Py_ssize_t* dilation, const Py_ssize_t* before,
                          const Py_ssize_t* after, const int* modes) noexcept nogil:
    """The last `rank` axes; those before them are of extent 1."""
    cdef int i, status
    for i in range(3 - rank):
        read_axis(axes[i], 1, 1, 1, 1, 0, 0, PAD_CONSTANT)
    for i in range(rank):
        status = status_of(read_axis(axes[3 - rank + i], input[i], kernel[i], stride[i], dilation[i], before[i],
                                     after[i], PAD_CONSTANT if modes == NULL else modes[i]))
        if status != CCONV_OK:
            return status
    return CCONV_OK


cdef inline int count_elements(Extents* extents, Axis** axes, Py_ssize_t batch, Py_ssize_t ins, Py_ssize_t outs,
                               Py_ssize_t groups) noexcept nogil:
    """All channels; the weight has ins*outs/groups pairs of them. Fills in strides that are never taken, too."""
    cdef Py_ssize_t padded = ins
    cdef int i
    extents.x = extents.y = extents.weight = 1
    if not (multiply(&extents.x, batch) and multiply(&extents.x, ins) and multiply(&extents.y, batch)
            and multiply(&extents.y, outs) and multiply(&extents.weight, outs)
            and multiply(&extents.weight, ins//groups) and ins <= most_elements()):
        return CCONV_TOO_LARGE
    for i in range(3):
        if not (multiply(&extents.x, axes[i].size) and multiply(&extents.y, axes[i].output)
                and multiply(&extents.weight, axes[i].kernel)
                and multiply(&padded, axes[i].pad + axes[i].size + axes[i].pad_after)):
            return CCONV_TOO_LARGE
        if axes[i].output == 1:
            axes[i].stride = 1
    return CCONV_OK


cdef inline int read_conv(ConvArgs* args, Extents* extents, const ConvParams* params) noexcept nogil:
    """All but pointers and strides."""
    cdef Axis* axes[3]
    cdef int i, status
    if params == NULL:
        return CCONV_NULL_POINTER
    if params.size != sizeof(ConvParams):
        return CCONV_BAD_SIZE
    if not 1 <= params.rank <= 3:
        return CCONV_BAD_RANK
    if not (is_flag(params.channels_last) and is_flag(params.flip)):
        return CCONV_BAD_FLAG
    if not ACT_NONE <= params.activation <= ACT_RELU6:
        return CCONV_BAD_ACTIVATION
    if not METHOD_AUTO <= params.method <= METHOD_WINOGRAD:
        return CCONV_BAD_METHOD
    for i in range(params.rank):
        if not PAD_CONSTANT <= params.padding_mode[i] <= PAD_WRAP:
            return CCONV_BAD_PADDING_MODE
    if params.batch < 0 or params.in_channels < 1 or params.out_channels < 1:
        return CCONV_BAD_EXTENT
    if params.groups < 1 or params.in_channels % params.groups or params.out_channels % params.groups:
        return CCONV_BAD_GROUPS
    memset(args, 0, sizeof(ConvArgs))
    axes[0], axes[1], axes[2] = &args.D, &args.H, &args.W
    status = read_axes(axes, params.rank, params.input, params.kernel, params.stride, params.dilation,
                       params.pad_before, params.pad_after, params.padding_mode)
    if status == CCONV_OK:
        status = count_elements(extents, axes, params.batch, params.in_channels, params.out_channels, params.groups)
    if status != CCONV_OK:
        return status
    args.N, args.G = params.batch, params.groups
    args.IC, args.OC = params.in_channels//params.groups, params.out_channels//params.groups
    args.flip, args.activation, args.method = params.flip, params.activation, params.method
    args.cval[0] = params.cval
    if args.method == METHOD_WINOGRAD and not takes_winograd(args):
        return CCONV_BAD_METHOD
    for i in range(3):
        axes[i].pad_after = 0           # of pools only
    args.batch_ndim = 1
    args.weight_shared = True
    return CCONV_OK


cdef inline bint takes_winograd(const ConvArgs* args) noexcept nogil:
    """As _shapes.check_winograd."""
    cdef Py_ssize_t tall = 3 if args.H.output > 1 or args.H.kernel > 1 else 1
    return (args.H.kernel == tall and args.W.kernel == 3 and args.H.stride == 1 and args.W.stride == 1
            and args.H.dilation == 1 and args.W.dilation == 1)


cdef inline int read_pool(PoolArgs* args, Extents* extents, const PoolParams* params) noexcept nogil:
    cdef Axis* axes[3]
    cdef int i, status
    cdef bint include_pad
    if params == NULL:
        return CCONV_NULL_POINTER
    if params.size != sizeof(PoolParams):
        return CCONV_BAD_SIZE
    if not 1 <= params.rank <= 3:
        return CCONV_BAD_RANK
    if not (is_flag(params.channels_last) and is_flag(params.ceil_mode) and is_flag(params.count_include_pad)
            and is_flag(params.nan_omit)):
        return CCONV_BAD_FLAG
    if not POOL_MAX <= params.kind <= POOL_LP:
        return CCONV_BAD_KIND
    if params.kind == POOL_LP and not (params.norm > 0 and params.norm - params.norm == 0):
        return CCONV_BAD_NORM
    if params.divisor < 0 or params.divisor > 0 and params.kind != POOL_AVG:
        return CCONV_BAD_DIVISOR
    if params.batch < 0 or params.channels < 1:
        return CCONV_BAD_EXTENT
    memset(args, 0, sizeof(PoolArgs))
    axes[0], axes[1], axes[2] = &args.D, &args.H, &args.W
    status = read_axes(axes, params.rank, params.input, params.kernel, params.stride, params.dilation,
                       params.pad_before, params.pad_after, NULL)
    if status != CCONV_OK:
        return status
    include_pad = params.kind == POOL_AVG and params.count_include_pad
    for i in range(3):
        if params.kind == POOL_LP and axes[i].dilation != 1:
            return CCONV_BAD_STEP
        if params.kind == POOL_LP and (axes[i].pad or axes[i].pad_after):
            return CCONV_BAD_PADDING
        if params.ceil_mode:
            hang_over(axes[i])
    status = count_elements(extents, axes, params.batch, params.channels, params.channels, params.channels)
    if status != CCONV_OK:
        return status
    for i in range(3):
        if not (include_pad or every_window_touches(axes[i])):
            return CCONV_EMPTY_WINDOW
    args.kind, args.norm, args.N, args.C = params.kind, params.norm, params.batch, params.channels
    args.count_include_pad, args.nan_omit = params.count_include_pad, params.nan_omit
    args.divisor_override = params.divisor
    args.batch_ndim = 1
    return CCONV_OK


cdef inline int read_filter(ConvArgs* args, Extents* extents, Py_ssize_t* output,
                            const FilterParams* params) noexcept nogil:
    """The filter as a layer with one channel: along W, or along H where many lines lie side by side."""
    cdef Axis* axes[3]
    cdef Py_ssize_t before = 0, after = 0
    cdef int status, mode
    if params == NULL:
        return CCONV_NULL_POINTER
    if params.size != sizeof(FilterParams):
        return CCONV_BAD_SIZE
    if not is_flag(params.flip):
        return CCONV_BAD_FLAG
    if not CCONV_SAME <= params.mode <= CCONV_VALID:
        return CCONV_BAD_MODE
    if not PAD_CONSTANT <= params.padding_mode <= PAD_WRAP:
        return CCONV_BAD_PADDING_MODE
    if params.mode == CCONV_FULL and params.padding_mode != PAD_CONSTANT:
        return CCONV_BAD_PADDING_MODE
    if params.outer < 0 or params.length < 1 or params.inner < 1 or params.taps < 1:
        return CCONV_BAD_EXTENT
    if params.taps > most_elements():
        return CCONV_TOO_LARGE
    if params.mode == CCONV_FULL:
        before = after = params.taps - 1
    elif params.mode == CCONV_SAME:
        if not -(params.taps//2) <= params.origin <= (params.taps - 1)//2:
            return CCONV_BAD_ORIGIN
        before = params.taps//2 + (-params.origin if params.flip else params.origin)
        after = max(params.taps - 1 - before, <Py_ssize_t>0)        # an even kernel, flipped, may be moved past its end
    if params.mode != CCONV_SAME and params.origin:
        return CCONV_BAD_ORIGIN
    memset(args, 0, sizeof(ConvArgs))
    axes[0], axes[1], axes[2] = &args.D, &args.H, &args.W
    mode = 2 if params.inner <= FEW else 1
    read_axis(axes[0], 1, 1, 1, 1, 0, 0, PAD_CONSTANT)
    status = status_of(read_axis(axes[3 - mode], 1 if mode == 2 else params.inner, 1, 1, 1, 0, 0, PAD_CONSTANT))
    if status == CCONV_OK:
        status = status_of(read_axis(axes[mode], params.length, params.taps, 1, 1, before, after,
                                     params.padding_mode))
    if params.mode == CCONV_SAME:
        axes[mode].output = params.length
    if status == CCONV_OK:
        extents.batch[0], extents.batch[1] = params.outer, 1
        if mode == 2:
            extents.batch[1] = params.inner
        if params.outer > most_elements():
            return CCONV_TOO_LARGE
        status = count_elements(extents, axes, params.outer*extents.batch[1], 1, 1, 1)
    if status != CCONV_OK:
        return status
    output[0] = axes[mode].output
    args.N, args.G, args.IC, args.OC = params.outer*extents.batch[1], 1, 1, 1
    args.flip, args.method = params.flip, METHOD_DIRECT
    args.cval[0] = params.cval
    args.W.pad_after = args.H.pad_after = 0
    args.batch_ndim = 2
    args.weight_shared = True
    return CCONV_OK
