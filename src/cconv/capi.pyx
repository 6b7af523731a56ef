"""The C API: params structs read and checked, operators run; capi.pxd says what there is, docs/c-api.md how to use it.

Design:
a. Params are plain structs and not handles that Python built: a caller without the GIL, in a prange over images of
   different sizes, makes and checks them on the spot, for the price of some comparisons (60 ns; 0.2 us with a plan),
   and nothing has to live as long as they do. So what _shapes.py knows of extents is said again in C, in _extents.pxd.
b. Whatever comes, comes back as a status: each call reads the params anew, into the struct that kernels read, and
   compares the extents of the output with those that _check left there. So params that were changed since, or never
   checked, do not write past a buffer that was sized by them.
c. The kernels, and the order of everything that leads to them, are those of the Python functions: _without_gil.pxd.
d. The caller brings all memory. How much is found out by running with none: see _workspace.pxd.
"""
from libc.stdint cimport int64_t, uintptr_t
from libc.string cimport memset

from cconv._capi_params cimport FEW, Extents, read_conv, read_filter, read_pool, same_outputs, store_outputs
from cconv._core cimport load_table
from cconv._kernels.types cimport (
    ACT_LEAKY_RELU, ACT_NONE, ACT_RELU, ACT_RELU6, DT_F32, DT_F64, DT_I64, METHOD_AUTO, METHOD_DIRECT, METHOD_WINOGRAD,
    PAD_CONSTANT, PAD_EDGE, PAD_REFLECT, PAD_SYMMETRIC, PAD_WRAP, POOL_AVG, POOL_LP, POOL_MAX, POOL_MIN, Array,
    ConvArgs, ConvKernels, PoolArgs, PoolKernels, WeightArgs, WeightKernels,
)
from cconv._without_gil cimport has_too_many_phases, run_input_grad, run_layer, run_pool, run_weight_grad
from cconv._workspace cimport Workspace, begin, needed

cdef ConvKernels* conv_kernels[2]
cdef PoolKernels* pool_kernels[2]
cdef WeightKernels* weight_kernels[2]
for _i, _real in enumerate(("f32", "f64")):
    conv_kernels[<int>_i] = <ConvKernels*>load_table("conv", _real, b"cconv.ConvKernels")
    pool_kernels[<int>_i] = <PoolKernels*>load_table("pool", _real, b"cconv.PoolKernels")
    weight_kernels[<int>_i] = <WeightKernels*>load_table("weight_grad", _real, b"cconv.WeightKernels")
del _i, _real

# Public numbers never change, so the kernels' own are to follow them.
assert ((CCONV_CONSTANT, CCONV_EDGE, CCONV_REFLECT, CCONV_SYMMETRIC, CCONV_WRAP)
        == (PAD_CONSTANT, PAD_EDGE, PAD_REFLECT, PAD_SYMMETRIC, PAD_WRAP))
assert ((CCONV_NO_ACTIVATION, CCONV_RELU, CCONV_LEAKY_RELU, CCONV_RELU6)
        == (ACT_NONE, ACT_RELU, ACT_LEAKY_RELU, ACT_RELU6))
assert (CCONV_AUTO, CCONV_DIRECT, CCONV_WINOGRAD) == (METHOD_AUTO, METHOD_DIRECT, METHOD_WINOGRAD)
assert (CCONV_MAX, CCONV_AVERAGE, CCONV_MIN, CCONV_LP) == (POOL_MAX, POOL_AVG, POOL_MIN, POOL_LP)

cdef enum:
    STATUSES = 28

cdef const char* messages[STATUSES]
messages[:] = [
    b"no fault",
    b"size is not that of the struct: call the _init function with its sizeof; or it is newer than the library",
    b"a pointer is NULL; only bias, indices, and arrays of an empty batch may be",
    b"rank must be 1, 2 or 3",
    b"a flag is neither 0 nor 1",
    b"an extent or number of channels or taps is below 1, or the batch (outer) below 0",
    b"a stride or dilation is below 1, or the dilation of CCONV_LP not 1",
    b"a padding is below 0, or that of CCONV_LP not 0",
    b"groups must be at least 1 and divide in_channels and out_channels",
    b"the kernel covers more samples than the input has with its padding",
    b"an array, or an input with its padding, would have more than 2**44 elements, or an input gradient 2**20 phases",
    b"padding_mode is unknown, or not CCONV_CONSTANT for an input gradient, a filter of mode CCONV_FULL",
    b"activation is unknown, or not CCONV_NO_ACTIVATION for a gradient",
    b"method is unknown, or CCONV_WINOGRAD for a layer without kernel 3, stride 1 and dilation 1 over height and width",
    b"kind of pool is unknown",
    b"norm of CCONV_LP must be a finite number above 0",
    b"divisor must be 0 or, with CCONV_AVERAGE, above 0",
    b"a window of the pool meets no sample",
    b"mode of the filter is unknown",
    b"origin must be 0, or with CCONV_SAME from -(taps//2) to (taps - 1)//2",
    b"output is not what the _check function fills in: call it, again if params have changed",
    b"operation is unknown",
    b"real is neither CCONV_F32 nor CCONV_F64",
    b"num_threads must be at least 1",
    b"an array is not at a multiple of the size of its numbers",
    b"what is written overlaps another array or the workspace",
    b"the workspace is smaller than the _workspace function says",
    b"indices are of CCONV_MAX and CCONV_MIN only: pass NULL",
]

cdef int cconv_capi_version() noexcept nogil:
    return CCONV_CAPI_VERSION


cdef const char* cconv_message(int status) noexcept nogil:
    if not 0 <= status < STATUSES:
        return "unknown status"
    return messages[status]


# --- params -----------------------------------------------------------------------------------------------------------

cdef void set_ones(Py_ssize_t* values) noexcept nogil:
    values[0] = values[1] = values[2] = 1


cdef int cconv_conv_init(ConvParams* params, size_t size, int rank) noexcept nogil:
    if params == NULL:
        return CCONV_NULL_POINTER
    if size != sizeof(ConvParams):
        return CCONV_BAD_SIZE
    if not 1 <= rank <= 3:
        return CCONV_BAD_RANK
    memset(params, 0, size)
    params.size, params.rank = size, rank
    params.batch = params.groups = params.in_channels = params.out_channels = 1
    set_ones(params.stride)
    set_ones(params.dilation)
    return CCONV_OK


cdef int cconv_pool_init(PoolParams* params, size_t size, int rank, int kind) noexcept nogil:
    if params == NULL:
        return CCONV_NULL_POINTER
    if size != sizeof(PoolParams):
        return CCONV_BAD_SIZE
    if not 1 <= rank <= 3:
        return CCONV_BAD_RANK
    if not POOL_MAX <= kind <= POOL_LP:
        return CCONV_BAD_KIND
    memset(params, 0, size)
    params.size, params.rank, params.kind = size, rank, kind
    params.batch = params.channels = params.count_include_pad = 1
    set_ones(params.stride)
    set_ones(params.dilation)
    return CCONV_OK


cdef int cconv_filter_init(FilterParams* params, size_t size) noexcept nogil:
    if params == NULL:
        return CCONV_NULL_POINTER
    if size != sizeof(FilterParams):
        return CCONV_BAD_SIZE
    memset(params, 0, size)
    params.size = size
    params.outer = params.inner = 1
    return CCONV_OK


cdef int cconv_conv_check(ConvParams* params) noexcept nogil:
    cdef ConvArgs args
    cdef Extents extents
    cdef int status = read_conv(&args, &extents, params)
    if status == CCONV_OK:
        store_outputs(params.output, params.rank, &args.D, &args.H, &args.W)
    return status


cdef int cconv_pool_check(PoolParams* params) noexcept nogil:
    cdef PoolArgs args
    cdef Extents extents
    cdef int status = read_pool(&args, &extents, params)
    if status == CCONV_OK:
        store_outputs(params.output, params.rank, &args.D, &args.H, &args.W)
    return status


cdef int cconv_filter_check(FilterParams* params) noexcept nogil:
    cdef ConvArgs args
    cdef Extents extents
    cdef Py_ssize_t output = 0
    cdef int status = read_filter(&args, &extents, &output, params)
    if status == CCONV_OK:
        params.output = output
    return status


# --- runs -------------------------------------------------------------------------------------------------------------

cdef void set_array(Array* array, const void* data, int dtype, Py_ssize_t channels, const Py_ssize_t* extents, int rank,
                    bint last, Py_ssize_t* batch) noexcept nogil:
    """A dense array of (batch, channels, d, h, w), or with the channels last; `extents` are the last three."""
    cdef Py_ssize_t item = sizeof(float) if dtype == DT_F32 else sizeof(double)
    array.data = <char*>data
    array.dtype = dtype
    array.parts = 1
    array.w = channels*item if last else item
    array.h = extents[2]*array.w
    array.d = extents[1]*array.h
    array.channel = item if last else extents[0]*array.d
    batch[0] = extents[0]*extents[1]*extents[2]*channels*item
    array.batch = batch
    if rank < 3:                # as of arrays without such an axis
        array.d = 0
    if rank < 2:
        array.h = 0


cdef int check_call(int real, int num_threads) noexcept nogil:
    if real != CCONV_F32 and real != CCONV_F64:
        return CCONV_BAD_REAL
    return CCONV_OK if num_threads >= 1 else CCONV_BAD_THREADS


cdef Py_ssize_t item_of(int real) noexcept nogil:
    return sizeof(double) if real == CCONV_F64 else sizeof(float)


cdef int check_buffers(const void* read, Py_ssize_t n_read, const void* beside, Py_ssize_t n_beside,
                       const void* bias, Py_ssize_t n_bias, const void* written, Py_ssize_t n_written,
                       const void* workspace, size_t bytes, int real) noexcept nogil:
    """Arrays of so many elements: there, aligned, and what is written apart from the rest."""
    cdef uintptr_t item = item_of(real)
    if read == NULL and n_read or beside == NULL and n_beside or written == NULL and n_written or workspace == NULL:
        return CCONV_NULL_POINTER
    if (<uintptr_t>read | <uintptr_t>beside | <uintptr_t>bias | <uintptr_t>written) % item:
        return CCONV_MISALIGNED
    if (overlap(written, n_written*item, read, n_read*item) or overlap(written, n_written*item, beside, n_beside*item)
            or overlap(written, n_written*item, bias, n_bias*item) or overlap(workspace, bytes, read, n_read*item)
            or overlap(workspace, bytes, beside, n_beside*item) or overlap(workspace, bytes, bias, n_bias*item)
            or overlap(workspace, bytes, written, n_written*item)):
        return CCONV_OVERLAP
    return CCONV_OK


cdef bint overlap(const void* one, size_t n_one, const void* other, size_t n_other) noexcept nogil:
    if one == NULL or other == NULL or n_one == 0 or n_other == 0:
        return False
    return <uintptr_t>one < <uintptr_t>other + n_other and <uintptr_t>other < <uintptr_t>one + n_one


cdef void operate(const ConvArgs* layer, Extents* extents, const ConvParams* params, int operation, int real,
                  const void* one, const void* other, const void* bias, void* result, int num_threads,
                  Workspace* space) noexcept nogil:
    """`one` and `other` as the functions of capi.pxd have them, in their order."""
    cdef ConvArgs args = layer[0]
    cdef WeightArgs all
    cdef Py_ssize_t inputs[3]
    cdef Py_ssize_t outputs[3]
    cdef int dtype = DT_F64 if real else DT_F32
    cdef const void* x = one
    cdef const void* y = other
    cdef Array swapped
    if operation == CCONV_OUTPUT:
        y = result
    elif operation == CCONV_INPUT_GRAD:
        x, y = result, one
    inputs[0], inputs[1], inputs[2] = args.D.size, args.H.size, args.W.size
    outputs[0], outputs[1], outputs[2] = args.D.output, args.H.output, args.W.output
    extents.batch[0] = args.N
    extents.weight_strides[0] = 0
    args.batch_shape, args.weight_batch = extents.batch, extents.weight_strides
    set_array(&args.x, x, dtype, params.in_channels, inputs, params.rank, params.channels_last, extents.x_strides)
    set_array(&args.y, y, dtype, params.out_channels, outputs, params.rank, params.channels_last, extents.y_strides)
    if operation == CCONV_OUTPUT:
        args.weight, args.bias = other, bias
        run_layer(&args, conv_kernels[real], num_threads, space)
    elif operation == CCONV_INPUT_GRAD:
        swapped = args.x
        args.x, args.y = args.y, swapped
        run_input_grad(&args, conv_kernels[real], weight_kernels[real], other, <size_t>(extents.x*item_of(real)),
                       num_threads, space)
    else:
        memset(&all, 0, sizeof(WeightArgs))
        all.layer = args
        all.total = result
        run_weight_grad(&all, weight_kernels[real], num_threads, space)


cdef int convolve(const ConvParams* params, int operation, int real, const void* one, const void* other,
                  const void* bias, void* result, void* workspace, size_t bytes, int num_threads,
                  size_t* wanted) noexcept nogil:
    """A run; or, if there is `wanted`, only what its workspace takes."""
    cdef ConvArgs args
    cdef Extents extents
    cdef Workspace space
    cdef Py_ssize_t n_one, n_other, n_result, n_bias = 0
    cdef int status = read_conv(&args, &extents, params)
    if status == CCONV_OK:
        status = check_call(real, num_threads)
    if status != CCONV_OK:
        return status
    if not same_outputs(params.output, params.rank, &args.D, &args.H, &args.W):
        return CCONV_UNCHECKED
    if not CCONV_OUTPUT <= operation <= CCONV_WEIGHT_GRAD:
        return CCONV_BAD_OPERATION
    if operation != CCONV_OUTPUT and args.activation != ACT_NONE:
        return CCONV_BAD_ACTIVATION
    if operation == CCONV_INPUT_GRAD and (args.D.boundary or args.H.boundary or args.W.boundary):
        return CCONV_BAD_PADDING_MODE
    if operation == CCONV_INPUT_GRAD and has_too_many_phases(&args):
        return CCONV_TOO_LARGE
    begin(&space, NULL)
    if args.N:
        operate(&args, &extents, params, operation, real, NULL, NULL, NULL, NULL, num_threads, &space)
    if wanted != NULL:
        wanted[0] = needed(&space)
        return CCONV_OK
    n_one = extents.y if operation == CCONV_INPUT_GRAD else extents.x
    n_other = extents.y if operation == CCONV_WEIGHT_GRAD else extents.weight
    n_result = extents.y
    if operation == CCONV_INPUT_GRAD:
        n_result = extents.x
    elif operation == CCONV_WEIGHT_GRAD:
        n_result = extents.weight
    else:
        n_bias = params.out_channels
    status = check_buffers(one, n_one, other, n_other, bias, n_bias, result, n_result, workspace, bytes, real)
    if status != CCONV_OK:
        return status
    if bytes < needed(&space):
        return CCONV_SMALL_WORKSPACE
    if args.N:
        begin(&space, workspace)
        operate(&args, &extents, params, operation, real, one, other, bias, result, num_threads, &space)
    elif operation == CCONV_WEIGHT_GRAD:
        memset(result, 0, <size_t>(n_result*item_of(real)))
    return CCONV_OK


cdef double pool_work(const PoolArgs* args) noexcept nogil:
    """As Pooling.work."""
    cdef double samples = <double>args.N*args.C*args.D.size*args.H.size*args.W.size
    cdef double windows = <double>args.N*args.C*args.D.output*args.H.output*args.W.output
    cdef double taps = <double>args.D.kernel + args.H.kernel + args.W.kernel
    if args.with_indices or args.nan_omit and args.kind == POOL_AVG:
        taps = <double>args.D.kernel*args.H.kernel*args.W.kernel
    return max(samples, 2*windows*(taps + 4))


cdef void operate_pool(const PoolArgs* pool, Extents* extents, const PoolParams* params, int real, const void* input,
                       const void* output, const int64_t* indices, bint with_indices, int num_threads,
                       Workspace* space) noexcept nogil:
    cdef PoolArgs args = pool[0]
    cdef Py_ssize_t inputs[3]
    cdef Py_ssize_t outputs[3]
    cdef Py_ssize_t index_strides[1]
    cdef int dtype = DT_F64 if real else DT_F32
    inputs[0], inputs[1], inputs[2] = args.D.size, args.H.size, args.W.size
    outputs[0], outputs[1], outputs[2] = args.D.output, args.H.output, args.W.output
    extents.batch[0] = args.N
    args.batch_shape = extents.batch
    set_array(&args.x, input, dtype, args.C, inputs, params.rank, params.channels_last, extents.x_strides)
    set_array(&args.y, output, dtype, args.C, outputs, params.rank, params.channels_last, extents.y_strides)
    set_array(&args.indices, indices, DT_I64, args.C, outputs, params.rank, params.channels_last, index_strides)
    args.with_indices = with_indices
    run_pool(&args, pool_kernels[real], pool_work(&args), num_threads, space)


cdef int pool(const PoolParams* params, int real, const void* input, void* output, int64_t* indices, void* workspace,
              size_t bytes, int num_threads, size_t* wanted) noexcept nogil:
    cdef PoolArgs args
    cdef Extents extents
    cdef Workspace space
    cdef int status = read_pool(&args, &extents, params)
    if status == CCONV_OK:
        status = check_call(real, num_threads)
    if status != CCONV_OK:
        return status
    if not same_outputs(params.output, params.rank, &args.D, &args.H, &args.W):
        return CCONV_UNCHECKED
    if indices != NULL and args.kind != POOL_MAX and args.kind != POOL_MIN:
        return CCONV_NO_INDICES
    begin(&space, NULL)
    if args.N:
        operate_pool(&args, &extents, params, real, NULL, NULL, NULL, False, num_threads, &space)
        if args.kind == POOL_MAX or args.kind == POOL_MIN:      # one workspace for both
            space.used = 0
            operate_pool(&args, &extents, params, real, NULL, NULL, NULL, True, num_threads, &space)
    if wanted != NULL:
        wanted[0] = needed(&space)
        return CCONV_OK
    status = check_buffers(input, extents.x, NULL, 0, NULL, 0, output, extents.y, workspace, bytes, real)
    if status != CCONV_OK:
        return status
    if <uintptr_t>indices % sizeof(int64_t):
        return CCONV_MISALIGNED
    if (overlap(indices, extents.y*sizeof(int64_t), input, extents.x*item_of(real))
            or overlap(indices, extents.y*sizeof(int64_t), output, extents.y*item_of(real))
            or overlap(indices, extents.y*sizeof(int64_t), workspace, bytes)):
        return CCONV_OVERLAP
    if bytes < needed(&space):
        return CCONV_SMALL_WORKSPACE
    if args.N:
        begin(&space, workspace)
        operate_pool(&args, &extents, params, real, input, output, indices, indices != NULL, num_threads, &space)
    return CCONV_OK


cdef void operate_filter(const ConvArgs* filter, Extents* extents, const FilterParams* params, int real,
                         const void* input, const void* kernel, void* output, int num_threads,
                         Workspace* space) noexcept nogil:
    """Batch axes are `outer` and, where each line is one of W, `inner`."""
    cdef ConvArgs args = filter[0]
    cdef Py_ssize_t item = item_of(real)
    cdef Array* arrays[2]
    cdef Py_ssize_t* strides[2]
    cdef int i
    arrays[0], arrays[1] = &args.x, &args.y
    strides[0], strides[1] = extents.x_strides, extents.y_strides
    for i in range(2):
        arrays[i].dtype = DT_F64 if real else DT_F32
        arrays[i].parts = 1
        arrays[i].w = item if params.inner > FEW else params.inner*item
        arrays[i].h = params.inner*item
        arrays[i].batch = strides[i]
        strides[i][0] = (params.output if i else params.length)*params.inner*item
        strides[i][1] = item
    args.x.data, args.y.data = <char*>input, <char*>output
    extents.weight_strides[0] = extents.weight_strides[1] = 0
    args.batch_shape, args.weight_batch, args.weight = extents.batch, extents.weight_strides, kernel
    run_layer(&args, conv_kernels[real], num_threads, space)


cdef int filter_lines(const FilterParams* params, int real, const void* input, const void* kernel, void* output,
                      void* workspace, size_t bytes, int num_threads, size_t* wanted) noexcept nogil:
    cdef ConvArgs args
    cdef Extents extents
    cdef Workspace space
    cdef Py_ssize_t now = 0
    cdef int status = read_filter(&args, &extents, &now, params)
    if status == CCONV_OK:
        status = check_call(real, num_threads)
    if status != CCONV_OK:
        return status
    if params.output != now:
        return CCONV_UNCHECKED
    begin(&space, NULL)
    if args.N:
        operate_filter(&args, &extents, params, real, NULL, NULL, NULL, num_threads, &space)
    if wanted != NULL:
        wanted[0] = needed(&space)
        return CCONV_OK
    status = check_buffers(input, extents.x, kernel, params.taps, NULL, 0, output, extents.y, workspace, bytes, real)
    if status != CCONV_OK:
        return status
    if bytes < needed(&space):
        return CCONV_SMALL_WORKSPACE
    if args.N:
        begin(&space, workspace)
        operate_filter(&args, &extents, params, real, input, kernel, output, num_threads, &space)
    return CCONV_OK


# --- under their names ------------------------------------------------------------------------------------------------

cdef int cconv_conv_workspace(const ConvParams* params, int operation, int real, int num_threads,
                              size_t* bytes) noexcept nogil:
    if bytes == NULL:
        return CCONV_NULL_POINTER
    return convolve(params, operation, real, NULL, NULL, NULL, NULL, NULL, 0, num_threads, bytes)


cdef int cconv_pool_workspace(const PoolParams* params, int real, int num_threads, size_t* bytes) noexcept nogil:
    if bytes == NULL:
        return CCONV_NULL_POINTER
    return pool(params, real, NULL, NULL, NULL, NULL, 0, num_threads, bytes)


cdef int cconv_filter_workspace(const FilterParams* params, int real, int num_threads, size_t* bytes) noexcept nogil:
    if bytes == NULL:
        return CCONV_NULL_POINTER
    return filter_lines(params, real, NULL, NULL, NULL, NULL, 0, num_threads, bytes)


cdef int cconv_conv_f32(const ConvParams* params, const float* input, const float* weight, const float* bias,
                        float* output, void* workspace, size_t workspace_bytes, int num_threads) noexcept nogil:
    return convolve(params, CCONV_OUTPUT, CCONV_F32, input, weight, bias, output, workspace, workspace_bytes,
                    num_threads, NULL)


cdef int cconv_conv_f64(const ConvParams* params, const double* input, const double* weight, const double* bias,
                        double* output, void* workspace, size_t workspace_bytes, int num_threads) noexcept nogil:
    return convolve(params, CCONV_OUTPUT, CCONV_F64, input, weight, bias, output, workspace, workspace_bytes,
                    num_threads, NULL)


cdef int cconv_conv_input_grad_f32(const ConvParams* params, const float* grad_output, const float* weight,
                                   float* grad_input, void* workspace, size_t workspace_bytes,
                                   int num_threads) noexcept nogil:
    return convolve(params, CCONV_INPUT_GRAD, CCONV_F32, grad_output, weight, NULL, grad_input, workspace,
                    workspace_bytes, num_threads, NULL)


cdef int cconv_conv_input_grad_f64(const ConvParams* params, const double* grad_output, const double* weight,
                                   double* grad_input, void* workspace, size_t workspace_bytes,
                                   int num_threads) noexcept nogil:
    return convolve(params, CCONV_INPUT_GRAD, CCONV_F64, grad_output, weight, NULL, grad_input, workspace,
                    workspace_bytes, num_threads, NULL)


cdef int cconv_conv_weight_grad_f32(const ConvParams* params, const float* input, const float* grad_output,
                                    float* grad_weight, void* workspace, size_t workspace_bytes,
                                    int num_threads) noexcept nogil:
    return convolve(params, CCONV_WEIGHT_GRAD, CCONV_F32, input, grad_output, NULL, grad_weight, workspace,
                    workspace_bytes, num_threads, NULL)


cdef int cconv_conv_weight_grad_f64(const ConvParams* params, const double* input, const double* grad_output,
                                    double* grad_weight, void* workspace, size_t workspace_bytes,
                                    int num_threads) noexcept nogil:
    return convolve(params, CCONV_WEIGHT_GRAD, CCONV_F64, input, grad_output, NULL, grad_weight, workspace,
                    workspace_bytes, num_threads, NULL)


cdef int cconv_pool_f32(const PoolParams* params, const float* input, float* output, int64_t* indices,
                        void* workspace, size_t workspace_bytes, int num_threads) noexcept nogil:
    return pool(params, CCONV_F32, input, output, indices, workspace, workspace_bytes, num_threads, NULL)


cdef int cconv_pool_f64(const PoolParams* params, const double* input, double* output, int64_t* indices,
                        void* workspace, size_t workspace_bytes, int num_threads) noexcept nogil:
    return pool(params, CCONV_F64, input, output, indices, workspace, workspace_bytes, num_threads, NULL)


cdef int cconv_filter_f32(const FilterParams* params, const float* input, const float* kernel, float* output,
                          void* workspace, size_t workspace_bytes, int num_threads) noexcept nogil:
    return filter_lines(params, CCONV_F32, input, kernel, output, workspace, workspace_bytes, num_threads, NULL)


cdef int cconv_filter_f64(const FilterParams* params, const double* input, const double* kernel, double* output,
                          void* workspace, size_t workspace_bytes, int num_threads) noexcept nogil:
    return filter_lines(params, CCONV_F64, input, kernel, output, workspace, workspace_bytes, num_threads, NULL)
