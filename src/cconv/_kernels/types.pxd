"""What the core hands to a kernel: plain structs, the same for every real type and level.

Names: N batch, G groups, IC / OC channels per group, I* K* O* extents of input, kernel and output along
D(epth) H(eight) W(idth), S* stride, L* dilation, P* padding before. Strides of arrays are in bytes.
"""

from cconv._kernels.watch cimport Watch

cdef enum:
    MAX_BATCH_AXES = 64
    MOST_PARTS = 8
    MOST_PHASES = 2
    KERNEL_ABI = 1

cdef enum:                      # padding: numpy.pad's meaning of the names
    PAD_CONSTANT = 0
    PAD_EDGE = 1
    PAD_REFLECT = 2
    PAD_SYMMETRIC = 3
    PAD_WRAP = 4

cdef enum:                      # element types of arrays
    DT_BOOL = 0
    DT_I8 = 1
    DT_U8 = 2
    DT_I16 = 3
    DT_U16 = 4
    DT_I32 = 5
    DT_U32 = 6
    DT_I64 = 7
    DT_U64 = 8
    DT_F16 = 9
    DT_F32 = 10
    DT_F64 = 11
    DT_TYPE = 63                # the bits that the above take; the others are flags, added to them:
    DT_SWAPPED = 64             # the bytes are in the other order
    DT_SATURATE = 128           # store only: an integer, rounded half to even and clipped to the type's range
    DT_UNSIGNED = 256           # with DT_SATURATE: an integer sum is a number without a sign

cdef enum:
    ACT_NONE = 0
    ACT_RELU = 1
    ACT_LEAKY_RELU = 2
    ACT_RELU6 = 3

cdef enum:                      # which micro-kernel carries a convolution
    ALG_CHANNELS = 0            # many channels, pixels in the lanes
    ALG_PIXELS = 1              # many channels, output channels in the lanes
    ALG_ROWS = 2                # few channels: output rows x vectors along x
    ALG_LINE = 3                # one long line: segments side by side in the lanes
    ALG_WINOGRAD = 4            # 3x3 with many channels: F(4x4, 3x3)
    ALG_DEPTHWISE = 5           # one channel in and out per group: channels in the lanes
    ALG_SEPARABLE = 6           # weights that are an outer product: one pass per axis
    ALG_PLANES = 7              # one channel in and out per group: pixels of a row in the lanes
    ALG_WOVEN = 8               # the same of an input gradient of stride 2

cdef enum:                      # and which a weight gradient
    WEIGHT_PANELS = 0           # output channels in the lanes
    WEIGHT_GROUPS = 1           # small groups in the lanes
    WEIGHT_PLANES = 2           # one channel in and out per group: pixels of a plane in the lanes
    WEIGHT_WINOGRAD = 3         # 3x3 with many channels: F(3x3, 4x4)
    WEIGHT_RUNS = 4             # few output channels: pixels in the lanes

cdef enum:                      # what the caller allows
    METHOD_AUTO = 0
    METHOD_DIRECT = 1           # sums of products and nothing else
    METHOD_WINOGRAD = 2
    METHOD_SEPARABLE = 3        # auto, and the weight may be looked at: if it is an outer product, passes

cdef enum:
    POOL_MAX = 0
    POOL_AVG = 1
    POOL_MIN = 2
    POOL_LP = 3

cdef enum:                      # what the sources of a span become
    SPAN_SUM = 0
    SPAN_MAX = 1

cdef enum:                      # what becomes of samples and the places that indices name
    SCATTER_ADD = 0             # gradients of maxima
    SCATTER_SET = 1             # max_unpool: the last stays
    SCATTER_FETCH = 2           # its gradient
    SCATTER_CHECK = 3           # nothing: are all indices in range?

cdef struct Array:
    char* data
    int dtype                   # complex: that of its parts
    # 2 if complex: channels come in pairs (re, im); or samples of a block, each a channel of the kernel's; else 1
    Py_ssize_t parts
    Py_ssize_t channel          # stride between channels, or between their first parts
    Py_ssize_t part[MOST_PARTS]        # from there to each
    Py_ssize_t d
    Py_ssize_t h
    Py_ssize_t w
    const Py_ssize_t* batch     # one stride per batch axis

cdef struct Axis:
    Py_ssize_t size             # input extent, padding excluded
    Py_ssize_t kernel
    Py_ssize_t output
    Py_ssize_t stride
    Py_ssize_t dilation
    Py_ssize_t pad              # before; what follows the input is implied by the other extents
    Py_ssize_t pad_after        # pooling only: counted by count_include_pad
    Py_ssize_t gap              # zeros between neighbouring samples; they count in `size`. ALG_DEPTHWISE, _WOVEN
    int boundary
    # of ALG_WINOGRAD, see winograd_phases.pxd
    int phases                  # 0: every output has the whole kernel
    int taps                    # of the kernel in memory
    int tap[MOST_PHASES][3]     # which of them are a phase's three; -1: none

# How a packed tile of one axis holds the samples that `tile` outputs need. Outputs that are neighbours must be
# neighbours in the tile for every tap, so samples are dealt into `slots`, each of length tile + halo:
#   shared:  slot s holds samples s*step, s*step + stride, ...; taps share them (no sample twice)
#   per tap: slot k holds the samples of tap k alone (no halo, samples may repeat)
# or not dealt at all, where outputs need not be neighbours: samples as they follow each other, outputs `spread` apart.
cdef struct Taps:
    Py_ssize_t tile
    Py_ssize_t slots
    Py_ssize_t halo
    Py_ssize_t step             # first sample of slot s is s*step
    Py_ssize_t unit             # samples from one position to the next: the stride, or 1
    Py_ssize_t spread           # positions from one output to the next: 1, or the stride
    bint per_tap

# Overlapping tiles of samples, for transforms. _fft.py lays these out as 64-bit integers.
cdef struct TileAxis:
    Py_ssize_t length           # samples
    Py_ssize_t step             # outputs per tile, before the stride leaves any out
    Py_ssize_t tiles
    Py_ssize_t offset           # the first sample of the first tile: negative in padding
    Py_ssize_t cell             # samples per block of which the small ones are counted
    Py_ssize_t blocks
    Py_ssize_t taps             # of the piece of the kernel

cdef enum:
    GUARD_STEPS = 8

# Of the magnitudes of the taps of one piece of one kernel: see guard.pxd. _fft_guard.py lays it out as doubles.
cdef struct TileGuard:
    double needed               # weight that has to meet samples that are not small
    double least                # times `norm`, the largest sample is to be more than this, and less than `most`
    double most
    double norm                 # the sum
    double limits[GUARD_STEPS]
    double excess[GUARD_STEPS]  # the sum of what is beyond each limit

cdef struct Tiles:
    TileAxis D
    TileAxis H
    TileAxis W
    Py_ssize_t parts            # of a number of the buffer: 2 if complex, else 1
    Py_ssize_t first            # tiles are counted over batch elements, each with D.tiles*H.tiles*W.tiles
    Py_ssize_t count
    Py_ssize_t channel          # the first one; of pairs (re, im) if complex
    Py_ssize_t channels
    void* buffer
    void* scratch               # reals of a row
    double small                # a sample is small if that many times smaller than the tile's largest
    int* counts                 # [blocks]: small samples of a tile
    const TileGuard* guard      # NULL: nobody asks what a transform may do
    const double* table         # the weight of the taps before each, along all axes; NULL if nothing outside is hollow
    unsigned char* good         # [tile][cells]: may a transform do these outputs?

cdef struct ConvArgs:
    Py_ssize_t N
    Py_ssize_t G
    Py_ssize_t IC
    Py_ssize_t OC
    Axis D
    Axis H
    Axis W
    bint flip
    int activation
    double cval[2]              # floating point constant (re, im)
    long long cval_int
    int batch_ndim
    const Py_ssize_t* batch_shape
    Array x
    Array y
    const void* weight          # contiguous (G*OC, IC, KD, KH, KW) of the kernel's real type
    bint turned                 # or of a pointwise layer of more than 2 output channels (G, IC, OC)
    const Py_ssize_t* weight_batch              # in elements
    bint weight_shared          # by all batch elements: weight_batch is all 0
    const void* bias            # G*OC of the real type, or NULL
    int method
    # the schedule, filled in by the level's plan()
    int algorithm
    Py_ssize_t pivot            # separable: the tap through which the factors are read
    Py_ssize_t n_prepare        # tasks that fill `packed` before any other task runs; 0: no weights to pack
    Py_ssize_t packed_bytes
    bint pack_first             # whether that pays in a single call; else tasks pack what they need
    void* packed                # transformed weights, shared by all tasks
    char* failed                # one per batch element: set by a task whose samples the algorithm can't take
    Taps TD
    Taps TH
    Taps TW
    Py_ssize_t ic_block
    Py_ssize_t oc_block
    Py_ssize_t tile_elements    # packed tile of one input channel
    Py_ssize_t column_block     # of ALG_ROWS: outputs of a row that a task makes
    Py_ssize_t n_tasks
    Py_ssize_t scratch_bytes    # per thread
    const Tiles* tiles          # of tile kernels only

cdef struct PoolArgs:
    int kind
    Py_ssize_t N
    Py_ssize_t C
    Axis D
    Axis H
    Axis W
    bint count_include_pad
    bint nan_omit
    bint with_indices
    Py_ssize_t divisor_override
    double norm                 # of POOL_LP: p
    int batch_ndim
    const Py_ssize_t* batch_shape
    Array x
    Array y
    Array indices               # int64
    # the schedule, filled in by the level's plan()
    const char* x_end           # after the last sample
    bint walk                   # tap by tap, in order; else folded axis by axis
    bint by_planes              # a window is a plane, and that one run
    bint by_pixels              # all taps of a pixel's channels at once
    bint by_blocks              # rows are folded by blocks of H.kernel
    Py_ssize_t unit             # channels side by side (they are neighbours in memory); 1: lanes along W
    Py_ssize_t plane_rows       # rows of outputs of a channel, where planes are merged to one of H.output rows
    Py_ssize_t row_block        # outputs of a task
    Py_ssize_t column_block
    Py_ssize_t n_tasks
    Py_ssize_t scratch_bytes

# One per (real, level); `abi` is checked when the module is loaded.
ctypedef void (*conv_plan_t)(ConvArgs* args, int num_threads) noexcept nogil
ctypedef void (*pool_plan_t)(PoolArgs* args, int num_threads) noexcept nogil
# run tasks first..last-1; `args` is the operator's own struct
ctypedef void (*run_t)(const void* args, char* scratch, Py_ssize_t first, Py_ssize_t last,
                       int num_threads) noexcept nogil

# Planned and packed convolutions that write parts of one array: task i is the i-th share of each one's tasks.
cdef struct ConvSet:
    Py_ssize_t size
    const ConvArgs* each
    Py_ssize_t n_tasks
    Py_ssize_t scratch_bytes    # per thread

cdef struct ConvKernels:
    unsigned int abi
    unsigned int lanes
    conv_plan_t plan
    run_t prepare
    run_t run
    run_t run_set               # of a ConvSet

ctypedef void (*tiles_t)(const ConvArgs* args) noexcept nogil
ctypedef void (*weigh_t)(const double* weights, Py_ssize_t n, TileGuard* guard) noexcept nogil

cdef struct TileKernels:
    unsigned int abi
    unsigned int lanes
    tiles_t gather
    tiles_t store
    weigh_t weigh

cdef struct PoolKernels:
    unsigned int abi
    unsigned int lanes
    pool_plan_t plan
    run_t run

# The weight gradient of a layer: sums over batch and pixels of products of its input and grad_output.
cdef struct WeightArgs:
    ConvArgs layer              # x: input; y: grad_output; tiles and blocks are used, the rest of its schedule is not
    void* total                 # G*OC x IC x KD*KH*KW of the real type
    void* partial               # n_chunks - 1 times the same: the first chunk's are in `total`
    # the schedule, filled in by the level's plan(); it follows from the shape alone
    int algorithm               # WEIGHT_PANELS, ...
    bint swapped                # input and grad_output have changed places in `layer`, a pointwise one
    bint fetches                # what is read in place is asked for before, as it is not in a cache
    bint only_finite            # sums that are not finite are to be computed again, by METHOD_DIRECT
    Py_ssize_t images           # batch elements of a block of pixels
    Py_ssize_t n_blocks         # of pixels, in all
    Py_ssize_t n_chunks         # runs of blocks that are summed by tasks of their own
    Py_ssize_t n_elements       # of total
    Py_ssize_t n_tasks
    Py_ssize_t n_combine        # tasks that add up the partial sums
    Py_ssize_t scratch_bytes    # per thread

cdef struct ExchangeArgs:       # weights with input and output channels exchanged, their taps dealt out to parts
    Py_ssize_t G
    Py_ssize_t OC               # rows of `weight` per group
    Py_ssize_t IC               # rows of each part per group
    Py_ssize_t taps             # of `weight`
    Py_ssize_t n_parts
    const Py_ssize_t* counts    # taps of each part
    const Py_ssize_t* chosen    # which ones: those of the first part, then of the next
    const void* weight
    void* exchanged             # the parts one after the other
    # the schedule, filled in by the level's plan_exchange()
    Py_ssize_t channels         # of a task
    Py_ssize_t n_tasks

ctypedef void (*exchange_plan_t)(ExchangeArgs* args) noexcept nogil
ctypedef void (*weight_plan_t)(WeightArgs* args) noexcept nogil

cdef struct WeightKernels:
    unsigned int abi
    unsigned int lanes
    weight_plan_t plan
    run_t run
    run_t combine
    exchange_plan_t plan_exchange
    run_t exchange

cdef enum:                      # activations: element by element; along one axis
    MAP_IDENTITY = 0
    MAP_RELU = 1
    MAP_RELU_GRAD = 2
    MAP_LEAKY = 3
    MAP_LEAKY_GRAD = 4
    MAP_SLOPE_GRAD = 5
    MAP_ELU = 6
    MAP_ELU_GRAD = 7
    MAP_SIGMOID = 8
    MAP_SIGMOID_GRAD = 9
    MAP_TANH = 10
    MAP_TANH_GRAD = 11
    MAP_SOFTMAX = 12
    MAP_LOG_SOFTMAX = 13
    MAP_SOFTMAX_GRAD = 14
    MAP_LOG_SOFTMAX_GRAD = 15

cdef struct Operand:
    char* data                  # NULL: the operation has none
    int dtype
    Py_ssize_t along            # softmax: stride of its axis
    Py_ssize_t strides[MAX_BATCH_AXES]

cdef struct MapArgs:
    int op
    int ndim                    # of the other axes, at least 1; the last one is walked first
    Py_ssize_t shape[MAX_BATCH_AXES]
    Py_ssize_t length           # softmax: extent of its axis; else 1
    Operand x
    Operand grad
    Operand slope               # leaky: one per element
    Operand y
    double parameter            # leaky: the one slope if there are no others; elu: alpha
    Watch* watch
    # the schedule, filled in by the level's plan()
    bint direct                 # rows are of the kernel's real type and lie side by side: nothing is copied
    bint across                 # softmax: lanes along the last of the other axes
    Py_ssize_t columns          # of them at a time
    Py_ssize_t unit             # elements, rows or blocks of columns of a task
    Py_ssize_t n_tasks
    Py_ssize_t scratch_bytes

ctypedef void (*map_plan_t)(MapArgs* args) noexcept nogil

cdef struct MapKernels:
    unsigned int abi
    unsigned int lanes
    map_plan_t plan
    run_t run

cdef enum:                      # what ordered.pyx computes of the taps of a window, one after the other
    ORD_SUM = 0
    ORD_EVEN = 1                # the same of a line of weights that is even (odd) around its centre: the centre, then
    ORD_ODD = 2                 # weight*(sample before + (-) sample after), from outside inwards
    ORD_MIN = 3
    ORD_MAX = 4
    ORD_BOX = 5                 # a running mean down H, or along W
    ORD_BOX_ALONG = 6
    ORD_LEAST = 7               # a running minimum (maximum) along W
    ORD_GREATEST = 8
    ORD_ROWS = 4                # output rows that are computed together

cdef struct OrderedArgs:
    Array x
    Array y
    Axis D                      # size, kernel, pad and boundary are read; the output is as large as the input
    Axis H
    Axis W
    int batch_ndim
    const Py_ssize_t* batch_shape
    Py_ssize_t N
    Py_ssize_t unit             # reals of a pixel: a sample's neighbour along W is so many reals away
    double cval
    double start                # 0.0 or -0.0: what a sum begins with
    int op
    bint dense                  # all taps of the box: `weight` is as rows.pxd wants it, [kd][kw][kh]
    bint in_place               # x and y are the same memory; one axis only
    Py_ssize_t taps             # else a list: weights, and where the samples are, row kd*(H.kernel + ORD_ROWS - 1) + kh
    const double* weight        # and column kw*unit; of ORD_EVEN and ORD_ODD the second samples follow the first ones
    const Py_ssize_t* tap_row
    const Py_ssize_t* tap_column
    Watch* watch
    Py_ssize_t row_block
    Py_ssize_t column_block     # pixels
    Py_ssize_t n_tasks
    Py_ssize_t scratch_bytes

ctypedef void (*ordered_plan_t)(OrderedArgs* args, int num_threads) noexcept nogil

cdef struct OrderedKernels:
    unsigned int abi
    unsigned int lanes
    ordered_plan_t plan
    run_t run

# Along one axis, target i is made of the sources first, first + step, ... below last: see pool_spans.pxd.
cdef struct SpanAxis:
    Py_ssize_t size             # targets
    Py_ssize_t sources
    bint adaptive               # sources are to targets as windows of an adaptive pool to samples, or the reverse
    bint weighted               # each source is divided by how many targets it holds
    # not adaptive: source o holds the targets o*stride - pad + k*dilation
    Py_ssize_t kernel
    Py_ssize_t stride
    Py_ssize_t pad
    Py_ssize_t pad_after        # counted if include_pad
    Py_ssize_t dilation
    bint include_pad
    Py_ssize_t common           # divisor of stride and dilation
    Py_ssize_t inverse          # of stride/common, modulo dilation/common

cdef struct SpanArgs:
    int kind
    Py_ssize_t N
    Py_ssize_t C
    SpanAxis D
    SpanAxis H
    SpanAxis W
    bint by_counts              # SPAN_SUM: over the number of sources
    bint nan_omit               # SPAN_MAX
    bint with_indices
    double scale                # of SPAN_SUM
    double norm                 # p of the gradient of an lp norm; 0: no such
    int batch_ndim
    const Py_ssize_t* batch_shape
    Array x                     # sources
    Array y                     # targets
    Array indices               # of SPAN_MAX, int64
    Array norms                 # with `norm`: of the sources' windows
    Array samples               # with `norm`: the targets' own
    # the schedule, filled in by the level's plan()
    Py_ssize_t unit             # channels side by side (they are neighbours in memory); 1: lanes along W
    Py_ssize_t planes           # channels of a task, one after the other, if `unit` is 1
    Py_ssize_t row_block        # targets of a task
    Py_ssize_t column_block
    bint tiles                  # of SPAN_SUM: windows tile the plane
    bint constant               # of SPAN_SUM: one window holds it all
    Py_ssize_t turned           # of SPAN_SUM: planes of so many channels go as pixels, unless it is 0
    Py_ssize_t line             # samples, or pixels of `unit` channels, of a line of scratch
    Py_ssize_t n_tasks
    Py_ssize_t scratch_bytes

cdef struct ScatterArgs:
    int mode
    Py_ssize_t N
    Py_ssize_t C
    Py_ssize_t D                # extents of a plane
    Py_ssize_t H
    Py_ssize_t W
    Py_ssize_t SD               # and of the samples that belong to it
    Py_ssize_t SH
    Py_ssize_t SW
    int batch_ndim
    const Py_ssize_t* batch_shape
    Array x                     # the samples; written by SCATTER_FETCH
    Array y                     # the plane; read by SCATTER_FETCH
    Array indices               # int64, flat over the plane
    char* failed                # set if an index is out of range
    Watch* watch
    # the schedule, filled in by the level's plan()
    bint direct                 # the plane is written where it lies
    bint packed                 # and so are several at once, which lie side by side as their samples do
    Py_ssize_t stride           # bytes from one sample of the plane to the next; 0: not the same for all
    Py_ssize_t unit             # channels side by side
    Py_ssize_t planes           # channels of a task, one after the other, if `unit` is 1
    Py_ssize_t segment          # samples of a plane that a task owns
    Py_ssize_t n_segments
    Py_ssize_t n_tasks
    Py_ssize_t scratch_bytes

ctypedef void (*span_plan_t)(SpanArgs* args, int num_threads) noexcept nogil
ctypedef void (*scatter_plan_t)(ScatterArgs* args, int num_threads) noexcept nogil

cdef struct PoolGradKernels:
    unsigned int abi
    unsigned int lanes
    span_plan_t plan_spans
    run_t run_spans
    scatter_plan_t plan_scatter
    run_t run_scatter
