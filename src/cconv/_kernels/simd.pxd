"""The C types and tile constants of the level being built: see simd.h."""
cdef extern from "simd.h" nogil:
    # To Cython these are plain numbers, so + and * pass straight through to the C compiler.
    ctypedef float real
    ctypedef int signed_real
    ctypedef float vreal
    ctypedef unsigned int real_bits
    # A void function that is compiled into each of its callers. Register tiles must be: their sums stay in registers
    # only if the tile's extents are literals, and GCC would rather share one copy with extents at run time (0.1x).
    ctypedef void inlined "CCONV_INLINED void"
    # One that is not. Beside what its caller has in registers GCC kept one of a tile's twelve sums in memory (AVX2).
    ctypedef void apart "CCONV_APART void"
    # compiled for size: what runs once per call. Planners took a tenth of a module; the tiniest calls plan others.
    ctypedef void rare "CCONV_RARE void"
    ctypedef real* alone
    ctypedef long long place
    cdef enum:
        FLOATING "CCONV_FLOATING"
        LANES "CCONV_LANES"
        CACHE_LINE "CCONV_CACHE_LINE"   # reals
        FAR_BYTES "CCONV_FAR_BYTES"
        FETCH_BYTES "CCONV_FETCH_BYTES"
        CH_M
        CH_ROWS                 # of weights that lie side by side: CH_M, or the next power of two
        CH_V
        PX_M
        PX_V
        RW_R
        RW_TALL
        RW_V
        LN_R
        LN_V
        FOLD_SUM                # what two samples become
        FOLD_MAX                # NaN if one of them is
        FOLD_MIN
        FOLD_MAX_PRESENT        # NaN if both are
        FOLD_MIN_PRESENT
        FOLD_SUM_PRESENT
    vreal vload(const real* p) noexcept
    void vstore(real* p, vreal v) noexcept
    vreal vzero() noexcept
    vreal vrelu(vreal v) noexcept
    vreal vkeep(vreal v) noexcept
    vreal vfold(vreal a, vreal b, int op) noexcept
    vreal vbetween(vreal v, int first, int last, real rest) noexcept
    vreal vdivide(vreal a, vreal b) noexcept
    vreal vdivide_by(vreal a, real b) noexcept
    vreal vevens(const real* p) noexcept
    vreal vodds(const real* p) noexcept
    vreal vzip_low(vreal a, vreal b) noexcept
    vreal vzip_high(vreal a, vreal b) noexcept
    vreal veven_lanes(vreal a, vreal b) noexcept
    vreal vodd_lanes(vreal a, vreal b) noexcept
    vreal vbefore(vreal a, vreal b) noexcept
    vreal vafter(vreal a, vreal b) noexcept
    void quotients(real* dst, const real* src, Py_ssize_t n, real by, real inverse) noexcept
    vreal vgreater(vreal a, vreal b) noexcept
    vreal vsmaller(vreal a, vreal b) noexcept
    void vtake(real* best, place* places, vreal v, place here, bint omit, bint least) noexcept
    bint is_nan(real x) noexcept
    real peak_magnitude(const real* p, Py_ssize_t n, real peak) noexcept
    void mark_small(real_bits* marks, const real* p, Py_ssize_t n, bint pairs, real limit) noexcept
    void prefetch(const real* p) noexcept
    void fetch(const char* p, Py_ssize_t bytes, Py_ssize_t rows, Py_ssize_t pitch) noexcept
    void transpose_block(real* dst, Py_ssize_t dst_pitch, real** src, Py_ssize_t j) noexcept
    void transpose_strided(real* dst, Py_ssize_t dst_pitch, const real* src, Py_ssize_t src_pitch) noexcept
    void deinterleave4(real* dst, Py_ssize_t dst_pitch, const real* src) noexcept
    void interleave4(real* dst, vreal a, vreal b, vreal c, vreal d) noexcept

cdef extern from "masks.h" nogil:
    cdef enum:
        MASKS "CCONV_MASKS"     # whether the next three are to be used
    vreal vload_some(const real* p, unsigned int lanes) noexcept
    void vstore_some(real* p, vreal v, unsigned int lanes) noexcept
    vreal vmix(vreal a, vreal b, const place* source) noexcept
    void store_every_other(real* dst, const real* src, Py_ssize_t n) noexcept
