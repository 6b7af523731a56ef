"""The C API: convolution, its gradients, pooling and a 1-D filter on raw pointers, without the GIL.

docs/c-api.md shows how. What a caller promises, for every function:
  - Arrays are dense and in C order, of native numbers at addresses that their size divides:
        input, grad_input    (batch, in_channels, *input), or (batch, *input, in_channels) with channels_last
        output, grad_output  the same with out_channels and *output
        weight, grad_weight  (out_channels, in_channels/groups, *kernel), whatever channels_last is
        bias                 (out_channels,), or NULL
    They are as large as the params say, and whoever calls has made sure that they stay so: sizes behind a pointer
    cannot be checked.
  - Buffers are the caller's, the workspace included. What is written overlaps nothing else; what is read may be
    read by others at the same time. Two calls at a time take a workspace each. Params are only read, but by the _init
    and _check functions.
  - A params struct comes from its _init function, and its _check function has accepted it as it is now.
All else is checked: a function returns CCONV_OK, or a status that says what was wrong, before it writes anything.
No function raises, takes the GIL, touches a Python object, allocates, or looks for Ctrl-C.

num_threads: at most so many, fewer where the work is small or CPUs, OpenMP and cconv.set_num_threads allow no more.
With 1, no function enters OpenMP: pass that from a prange of your own. The bits do not depend on it.

Structs grow at their end, and every function takes those of older versions; signatures never change.
"""
from libc.stdint cimport int64_t

cdef enum:
    CCONV_CAPI_VERSION = 1      # grows with what is added

cdef enum:                      # what functions return: cconv_message says it in words
    CCONV_OK = 0
    CCONV_BAD_SIZE = 1
    CCONV_NULL_POINTER = 2
    CCONV_BAD_RANK = 3
    CCONV_BAD_FLAG = 4
    CCONV_BAD_EXTENT = 5
    CCONV_BAD_STEP = 6
    CCONV_BAD_PADDING = 7
    CCONV_BAD_GROUPS = 8
    CCONV_KERNEL_TOO_LARGE = 9
    CCONV_TOO_LARGE = 10
    CCONV_BAD_PADDING_MODE = 11
    CCONV_BAD_ACTIVATION = 12
    CCONV_BAD_METHOD = 13
    CCONV_BAD_KIND = 14
    CCONV_BAD_NORM = 15
    CCONV_BAD_DIVISOR = 16
    CCONV_EMPTY_WINDOW = 17
    CCONV_BAD_MODE = 18
    CCONV_BAD_ORIGIN = 19
    CCONV_UNCHECKED = 20
    CCONV_BAD_OPERATION = 21
    CCONV_BAD_REAL = 22
    CCONV_BAD_THREADS = 23
    CCONV_MISALIGNED = 24
    CCONV_OVERLAP = 25
    CCONV_SMALL_WORKSPACE = 26
    CCONV_NO_INDICES = 27

cdef enum:                      # the type of all of a call's arrays
    CCONV_F32 = 0
    CCONV_F64 = 1

cdef enum:                      # what is computed of a layer
    CCONV_OUTPUT = 0
    CCONV_INPUT_GRAD = 1
    CCONV_WEIGHT_GRAD = 2

cdef enum:                      # numpy.pad's names
    CCONV_CONSTANT = 0
    CCONV_EDGE = 1
    CCONV_REFLECT = 2
    CCONV_SYMMETRIC = 3
    CCONV_WRAP = 4

cdef enum:
    CCONV_NO_ACTIVATION = 0
    CCONV_RELU = 1
    CCONV_LEAKY_RELU = 2
    CCONV_RELU6 = 3

cdef enum:
    CCONV_AUTO = 0              # what is fastest; Winograd's algorithm within the error bound that conv2d states
    CCONV_DIRECT = 1            # sums of products and nothing else
    CCONV_WINOGRAD = 2

cdef enum:
    CCONV_MAX = 0
    CCONV_AVERAGE = 1
    CCONV_MIN = 2
    CCONV_LP = 3

cdef enum:                      # of a filter: numpy.convolve's
    CCONV_SAME = 0
    CCONV_FULL = 1
    CCONV_VALID = 2

# Of arrays with an entry per spatial axis, the first `rank` count. Flags are 0 or 1.
cdef struct ConvParams:
    size_t size                 # sizeof(ConvParams)
    int rank                    # 1, 2 or 3
    int channels_last
    int flip                    # 1: a true convolution; 0: cross-correlation, as layers have it
    int activation              # of the output only
    int method
    int padding_mode[3]         # of the input gradient: CCONV_CONSTANT where there is padding
    double cval                 # what CCONV_CONSTANT pads with
    Py_ssize_t batch            # 0 is allowed; all other extents are at least 1
    Py_ssize_t groups
    Py_ssize_t in_channels      # of all groups
    Py_ssize_t out_channels
    Py_ssize_t input[3]
    Py_ssize_t kernel[3]
    Py_ssize_t stride[3]
    Py_ssize_t dilation[3]
    Py_ssize_t pad_before[3]
    Py_ssize_t pad_after[3]
    Py_ssize_t output[3]        # filled in by cconv_conv_check

cdef struct PoolParams:
    size_t size                 # sizeof(PoolParams)
    int rank
    int channels_last
    int kind
    int ceil_mode               # windows may hang over the end, as with max_pool2d
    int count_include_pad       # CCONV_AVERAGE: padding counts as zeros. 1 by default
    int nan_omit                # NaN are left out; else they propagate
    double norm                 # of CCONV_LP: p > 0
    Py_ssize_t divisor          # CCONV_AVERAGE: instead of the number of samples, unless 0
    Py_ssize_t batch
    Py_ssize_t channels
    Py_ssize_t input[3]
    Py_ssize_t kernel[3]
    Py_ssize_t stride[3]
    Py_ssize_t dilation[3]      # CCONV_LP takes 1, and no padding
    Py_ssize_t pad_before[3]
    Py_ssize_t pad_after[3]
    Py_ssize_t output[3]        # filled in by cconv_pool_check

# A 1-D filter along the middle axis of (outer, length, inner), as along any axis of an array.
cdef struct FilterParams:
    size_t size                 # sizeof(FilterParams)
    int mode
    int padding_mode            # of CCONV_SAME
    int flip                    # 1: convolve; 0: correlate
    double cval
    Py_ssize_t origin           # of CCONV_SAME: moves the response to the right, -(taps//2) to (taps - 1)//2
    Py_ssize_t outer            # 0 is allowed
    Py_ssize_t length
    Py_ssize_t inner
    Py_ssize_t taps
    Py_ssize_t output           # filled in by cconv_filter_check: the result is (outer, output, inner)


cdef int cconv_capi_version() noexcept nogil             # CCONV_CAPI_VERSION of the library that runs
cdef const char* cconv_message(int status) noexcept nogil            # never NULL

# Defaults: stride, dilation, groups and channels 1, no padding, all else 0. `size` is the caller's sizeof.
cdef int cconv_conv_init(ConvParams* params, size_t size, int rank) noexcept nogil
cdef int cconv_pool_init(PoolParams* params, size_t size, int rank, int kind) noexcept nogil
cdef int cconv_filter_init(FilterParams* params, size_t size) noexcept nogil

# Is it a layer, pool or filter? Fills in the extents of its output.
cdef int cconv_conv_check(ConvParams* params) noexcept nogil
cdef int cconv_pool_check(PoolParams* params) noexcept nogil
cdef int cconv_filter_check(FilterParams* params) noexcept nogil

# How many bytes of workspace the run takes, at any address. They follow from params and num_threads alone.
cdef int cconv_conv_workspace(const ConvParams* params, int operation, int real, int num_threads,
                              size_t* bytes) noexcept nogil
cdef int cconv_pool_workspace(const PoolParams* params, int real, int num_threads, size_t* bytes) noexcept nogil
cdef int cconv_filter_workspace(const FilterParams* params, int real, int num_threads, size_t* bytes) noexcept nogil

cdef int cconv_conv_f32(const ConvParams* params, const float* input, const float* weight, const float* bias,
                        float* output, void* workspace, size_t workspace_bytes, int num_threads) noexcept nogil
cdef int cconv_conv_f64(const ConvParams* params, const double* input, const double* weight, const double* bias,
                        double* output, void* workspace, size_t workspace_bytes, int num_threads) noexcept nogil
cdef int cconv_conv_input_grad_f32(const ConvParams* params, const float* grad_output, const float* weight,
                                   float* grad_input, void* workspace, size_t workspace_bytes,
                                   int num_threads) noexcept nogil
cdef int cconv_conv_input_grad_f64(const ConvParams* params, const double* grad_output, const double* weight,
                                   double* grad_input, void* workspace, size_t workspace_bytes,
                                   int num_threads) noexcept nogil
cdef int cconv_conv_weight_grad_f32(const ConvParams* params, const float* input, const float* grad_output,
                                    float* grad_weight, void* workspace, size_t workspace_bytes,
                                    int num_threads) noexcept nogil
cdef int cconv_conv_weight_grad_f64(const ConvParams* params, const double* input, const double* grad_output,
                                    double* grad_weight, void* workspace, size_t workspace_bytes,
                                    int num_threads) noexcept nogil

# indices: where each maximum or minimum stands, flat over a channel's input; or NULL.
cdef int cconv_pool_f32(const PoolParams* params, const float* input, float* output, int64_t* indices, void* workspace,
                        size_t workspace_bytes, int num_threads) noexcept nogil
cdef int cconv_pool_f64(const PoolParams* params, const double* input, double* output, int64_t* indices,
                        void* workspace, size_t workspace_bytes, int num_threads) noexcept nogil

cdef int cconv_filter_f32(const FilterParams* params, const float* input, const float* kernel, float* output,
                          void* workspace, size_t workspace_bytes, int num_threads) noexcept nogil
cdef int cconv_filter_f64(const FilterParams* params, const double* input, const double* kernel, double* output,
                          void* workspace, size_t workspace_bytes, int num_threads) noexcept nogil
