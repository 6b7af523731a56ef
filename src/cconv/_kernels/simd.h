/* Vectors without intrinsics: the compiler's vector extensions, one width per SIMD level.
 *
 * Built once per (CCONV_REAL, level). The level is whatever -march the file is compiled with, so that a
 * flag and a tile size can never disagree. Without GNU's extensions (MSVC) a vector is one scalar, and so it is if
 * CCONV_SCALAR is defined, which is how other compilers test that. */
#ifndef CCONV_SIMD_H
#define CCONV_SIMD_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__GNUC__) && defined(__SSE2__)
#include <immintrin.h>
#endif

/* Integer convolution is arithmetic modulo 2**32 or 2**64: unsigned, so that wrapping is defined. Pooling
 * compares, so there the same widths are signed (CCONV_SIGNED). */
#if CCONV_REAL == 32
typedef float real;
#elif CCONV_REAL == 64
typedef double real;
#elif CCONV_REAL == 132 && defined(CCONV_SIGNED)
typedef int32_t real;
#elif CCONV_REAL == 132
typedef uint32_t real;
#elif CCONV_REAL == 164 && defined(CCONV_SIGNED)
typedef int64_t real;
#elif CCONV_REAL == 164
typedef uint64_t real;
#elif CCONV_REAL == 108
typedef uint8_t real;
#elif CCONV_REAL == 116
typedef uint16_t real;
#else
#error "CCONV_REAL must be 32, 64 (floating point), 132 or 164 (integers), 108 or 116 (integers to compare)"
#endif
#define CCONV_FLOATING (CCONV_REAL < 100)
/* The same bits with a sign: what an unsigned sum means. */
#if CCONV_REAL == 132
typedef int32_t signed_real;
#elif CCONV_REAL == 164
typedef int64_t signed_real;
#else
typedef real signed_real;
#endif
#define CCONV_REAL_SIZE (CCONV_REAL % 100 / 8)
/* Where in a window a sample stands: as wide as what is compared, so that one mask selects both. */
#if CCONV_REAL_SIZE == 8
typedef int64_t place;
#elif CCONV_REAL_SIZE == 4
typedef int32_t place;
#elif CCONV_REAL_SIZE == 2
typedef int16_t place;
#else
typedef int8_t place;
#endif

#if defined(__GNUC__) && !defined(CCONV_SCALAR)
#define CCONV_GNU 1
#else
#define CCONV_GNU 0
#endif
#if CCONV_GNU
#define CCONV_INLINED __attribute__((always_inline))
#define CCONV_APART __attribute__((noinline))
#define CCONV_RARE __attribute__((cold))
#pragma GCC diagnostic ignored "-Wattributes"   /* what a .pxd defines is always declared inline */
#elif defined(_MSC_VER)
#define CCONV_INLINED __forceinline
#define CCONV_APART __declspec(noinline)
#define CCONV_RARE
#else
#define CCONV_INLINED
#define CCONV_APART
#define CCONV_RARE
#endif
/* What is one instruction or few: with -Os, GCC calls it like any other function, which doubled the time of a product. */
#define CCONV_VECTOR static inline CCONV_INLINED

/* GCC would unroll the loop before it could vectorise it. */
#if CCONV_GNU && !defined(__clang__)
#define CCONV_ROLLED _Pragma("GCC unroll 1")
#else
#define CCONV_ROLLED
#endif
enum { BLOCK = 16 };            /* elements of a loop of fixed length, which becomes some whole vectors */
/* A loop of any length that is to become vectors, with what its ends take. */
#if CCONV_GNU && defined(_OPENMP)
#define CCONV_VECTORS(clauses) _Pragma(CCONV_TEXT(omp simd clauses))
#define CCONV_TEXT(text) #text
#else
#define CCONV_VECTORS(clauses)
#endif

/* Tiles: CH_* = channel kernel with pixels in the lanes (rows of weights x vectors of pixels), PX_* = the same
 * with channels in the lanes (pixels x vectors of channels), RW_* = row kernel (output rows x vectors),
 * LN_* = line kernel (output samples x vectors). Each fills the register file and leaves room for the operands:
 * 32 registers: 24 accumulators; 16 registers: 12, of which GCC keeps one in memory if there are three vectors of
 * operands beside a factor: channels took twice as long with 4 x 3 as with 6 x 2. Nor do 28 sums, four operands and a
 * factor fit 32: 7x7 pixels take 1.03 to 1.07 times as long in tiles of 7 x 4 as in tiles of five and six pixels. */
#if !CCONV_GNU
#define CCONV_VECTOR_BYTES CCONV_REAL_SIZE
enum { CH_M = 4, CH_V = 2, PX_M = 4, PX_V = 2, RW_V = 2, LN_R = 6, LN_V = 2 };
#elif defined(__AVX512F__)
#define CCONV_VECTOR_BYTES 64
enum { CH_M = 8, CH_V = 3, PX_M = 6, PX_V = 4, RW_V = 4, LN_R = 12, LN_V = 2 };
#elif defined(__AVX__)
#define CCONV_VECTOR_BYTES 32
enum { CH_M = 6, CH_V = 2, PX_M = 6, PX_V = 2, RW_V = 3, LN_R = 6, LN_V = 2 };
#else
#define CCONV_VECTOR_BYTES 16
enum { CH_M = 4, CH_V = 2, PX_M = 4, PX_V = 2, RW_V = 2, LN_R = 4, LN_V = 2 };
#endif
enum { CH_ROWS = CH_M > 4 ? 8 : 4 };
/* The row kernel is written out for four rows, and for six where registers hold their sums. */
enum { RW_R = 4, RW_TALL = CCONV_FLOATING && CCONV_VECTOR_BYTES == 64 ? 6 : RW_R };
enum { CCONV_LANES = CCONV_VECTOR_BYTES / CCONV_REAL_SIZE };
enum { CCONV_CACHE_LINE = 64 / CCONV_REAL_SIZE };

#if CCONV_VECTOR_BYTES > CCONV_REAL_SIZE
typedef real vreal __attribute__((vector_size(CCONV_VECTOR_BYTES)));
typedef real vreal_unaligned __attribute__((vector_size(CCONV_VECTOR_BYTES), aligned(CCONV_REAL_SIZE), may_alias));
#else
typedef real vreal;
typedef real vreal_unaligned;
#endif

/* A pointer to what no other pointer of the function reaches: no check of that at every call. */
#if CCONV_GNU
typedef real *__restrict__ alone;
#else
typedef real *alone;
#endif

CCONV_VECTOR vreal vload(const real *p) { return *(const vreal_unaligned *)p; }
CCONV_VECTOR void vstore(real *p, vreal v) { *(vreal_unaligned *)p = v; }
#if CCONV_VECTOR_BYTES > CCONV_REAL_SIZE
CCONV_VECTOR vreal vzero(void) { return (vreal){0}; }
#else
CCONV_VECTOR vreal vzero(void) { return 0; }
#endif

/* Lanes below zero become zero; NaN stays. Floating point only: an unsigned lane is never below zero. */
CCONV_VECTOR vreal vrelu(vreal v)
{
#if CCONV_VECTOR_BYTES > CCONV_REAL_SIZE
    __typeof__(v < v) negative = v < vzero();
    return (vreal)((__typeof__(negative))v & ~negative);
#else
    return v < 0 ? 0 : v;
#endif
}

#if CCONV_REAL == 64
/* dst[i] = src[i] / by, inverse = 1 / by. The product with the inverse, corrected by what it leaves, is the quotient
 * rounded correctly (Markstein 1990) unless that is subnormal: three FMAs where a division takes as long as ten. */
static inline real quotient(real x, real by, real inverse)
{
#if CCONV_GNU && (defined(__FMA__) || defined(__aarch64__))
    real q = x * inverse, rest = __builtin_fma(-by, q, x);
    return rest == rest ? __builtin_fma(rest, inverse, q) : q;
#else
    (void)inverse;
    return x / by;
#endif
}
static inline void quotients(real *dst, const real *src, ptrdiff_t n, real by, real inverse)
{
    ptrdiff_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        real block[BLOCK];
        CCONV_ROLLED
        for (int k = 0; k < BLOCK; k++)
            block[k] = quotient(src[i + k], by, inverse);
        memcpy(dst + i, block, sizeof block);
    }
    for (; i < n; i++)
        dst[i] = quotient(src[i], by, inverse);
}
#endif

/* a > b ? a : b, and a < b ? a : b, in each lane: b where one is NaN, or both are equal. Just that is what x86's own
 * instructions do; GCC makes a comparison and a selection of it, with which tanh takes 1.1 times as long. */
#if CCONV_GNU && CCONV_FLOATING && defined(__SSE2__)
#define CCONV_JOIN_(bits, name, type) _mm##bits##_##name##_##type
#define CCONV_JOIN(bits, name, type) CCONV_JOIN_(bits, name, type)
#if CCONV_VECTOR_BYTES == 64
#define CCONV_X86_BITS 512
#elif CCONV_VECTOR_BYTES == 32
#define CCONV_X86_BITS 256
#else
#define CCONV_X86_BITS
#endif
#if CCONV_REAL == 32
#define CCONV_X86(name) CCONV_JOIN(CCONV_X86_BITS, name, ps)
#else
#define CCONV_X86(name) CCONV_JOIN(CCONV_X86_BITS, name, pd)
#endif
CCONV_VECTOR vreal vgreater(vreal a, vreal b) { return (vreal)CCONV_X86(max)(a, b); }
CCONV_VECTOR vreal vsmaller(vreal a, vreal b) { return (vreal)CCONV_X86(min)(a, b); }
#elif CCONV_VECTOR_BYTES > CCONV_REAL_SIZE
CCONV_VECTOR vreal vgreater(vreal a, vreal b)
{
    __typeof__(a > b) first = a > b;
    return (vreal)(((__typeof__(first))a & first) | ((__typeof__(first))b & ~first));
}
CCONV_VECTOR vreal vsmaller(vreal a, vreal b)
{
    __typeof__(a < b) first = a < b;
    return (vreal)(((__typeof__(first))a & first) | ((__typeof__(first))b & ~first));
}
#else
CCONV_VECTOR vreal vgreater(vreal a, vreal b) { return a > b ? a : b; }
CCONV_VECTOR vreal vsmaller(vreal a, vreal b) { return a < b ? a : b; }
#endif

/* v where it is greater than the best so far (`least`: less) or the first NaN (`omit`: the first that is none), and with it
 * its place. A comparison of an element with itself changes nothing, so vectors may overlap. */
#if CCONV_VECTOR_BYTES > CCONV_REAL_SIZE
CCONV_VECTOR void vtake(real *best, place *places, vreal v, place here, int omit, int least)
{
    typedef place vplace __attribute__((vector_size(CCONV_VECTOR_BYTES)));
    typedef place vplace_unaligned __attribute__((vector_size(CCONV_VECTOR_BYTES), aligned(CCONV_REAL_SIZE), may_alias));
    vreal old = vload(best);
    vplace was = *(const vplace_unaligned *)places, better = (vplace)(least ? v < old : v > old);
#if CCONV_FLOATING
    better |= omit ? (vplace)(old != old) & (vplace)(v == v) : (vplace)(v != v) & (vplace)(old == old);
#endif
    vstore(best, (vreal)(((vplace)v & better) | ((vplace)old & ~better)));
    *(vplace_unaligned *)places = (((vplace){0} + here) & better) | (was & ~better);
}
#else
CCONV_VECTOR void vtake(real *best, place *places, vreal v, place here, int omit, int least)
{
    int better = least ? v < *best : v > *best;
#if CCONV_FLOATING
    better |= omit ? *best != *best && v == v : v != v && *best == *best;
#endif
    *best = better ? v : *best;
    *places = better ? here : *places;
}
#endif

/* The same vector, in a register. GCC takes a load that is used several times for free and repeats it as a memory
 * operand of each multiply-add, and loads that cross a cache line are what the row kernel waits for. */
CCONV_VECTOR vreal vkeep(vreal v)
{
#if CCONV_VECTOR_BYTES > CCONV_REAL_SIZE && (defined(__x86_64__) || defined(__i386__))
    __asm__("" : "+v"(v));
#elif CCONV_VECTOR_BYTES > CCONV_REAL_SIZE && defined(__aarch64__)
    __asm__("" : "+w"(v));
#endif
    return v;
}

/* Lanes of b where they are greater (`vminimum`: less) than those of a, else of a; then of a NaN in b (NaN wins), or in
 * a (`_present`: what is no NaN wins). In two loops: one of a maximum, which is one instruction, and one of a mask that
 * needs to wait for no maximum. GCC makes one loop into two comparisons, the second under the mask of the first. */
#if CCONV_VECTOR_BYTES > CCONV_REAL_SIZE
#define CCONV_LANE(v, i) (v)[i]
#else
#define CCONV_LANE(v, i) (v)
#endif
#define CCONV_EXTREME(name, order, doubtful)                                                                 \
    CCONV_VECTOR vreal name(vreal a, vreal b)                                                                \
    {                                                                                                        \
        vreal extreme = a, r = a;                                                                            \
        CCONV_ROLLED                                                                                         \
        for (int i = 0; i < CCONV_LANES; i++)                                                                \
            CCONV_LANE(extreme, i) = CCONV_LANE(b, i) order CCONV_LANE(a, i) ? CCONV_LANE(b, i)              \
                                                                             : CCONV_LANE(a, i);             \
        CCONV_ROLLED                                                                                         \
        for (int i = 0; i < CCONV_LANES; i++)                                                                \
            CCONV_LANE(r, i) = CCONV_LANE(doubtful, i) != CCONV_LANE(doubtful, i) ? CCONV_LANE(b, i)         \
                                                                                  : CCONV_LANE(extreme, i);  \
        return r;                                                                                            \
    }
CCONV_EXTREME(vmaximum, >, b)
CCONV_EXTREME(vminimum, <, b)
CCONV_EXTREME(vmaximum_present, >, a)
CCONV_EXTREME(vminimum_present, <, a)
/* The sum of what is no NaN. */
CCONV_VECTOR vreal vsum_present(vreal a, vreal b)
{
    vreal sum = a + b, r = a;
    CCONV_ROLLED
    for (int i = 0; i < CCONV_LANES; i++)
        CCONV_LANE(sum, i) = CCONV_LANE(b, i) != CCONV_LANE(b, i) ? CCONV_LANE(a, i) : CCONV_LANE(sum, i);
    CCONV_ROLLED
    for (int i = 0; i < CCONV_LANES; i++)
        CCONV_LANE(r, i) = CCONV_LANE(a, i) != CCONV_LANE(a, i) ? CCONV_LANE(b, i) : CCONV_LANE(sum, i);
    return r;
}
/* What two samples become: their sum, the larger or the smaller one and NaN if one of them is, or NaN if both are. */
enum { FOLD_SUM, FOLD_MAX, FOLD_MIN, FOLD_MAX_PRESENT, FOLD_MIN_PRESENT, FOLD_SUM_PRESENT };
CCONV_VECTOR vreal vfold(vreal a, vreal b, int op)
{
    switch (op) {
    case FOLD_SUM: return a + b;
    case FOLD_MAX: return vmaximum(a, b);
    case FOLD_MIN: return vminimum(a, b);
    case FOLD_MAX_PRESENT: return vmaximum_present(a, b);
    case FOLD_MIN_PRESENT: return vminimum_present(a, b);
    default: return vsum_present(a, b);
    }
}
/* The lanes first..last-1 of v, and `rest` in all others. */
CCONV_VECTOR vreal vbetween(vreal v, int first, int last, real rest)
{
    vreal r = v;
    CCONV_ROLLED
    for (int i = 0; i < CCONV_LANES; i++)
        CCONV_LANE(r, i) = i >= first && i < last ? CCONV_LANE(v, i) : rest;
    return r;
}

/* Lane by lane; only floating point is divided. */
#if CCONV_FLOATING
CCONV_VECTOR vreal vdivide(vreal a, vreal b) { return a / b; }
CCONV_VECTOR vreal vdivide_by(vreal a, real b) { return a / b; }
#else
CCONV_VECTOR vreal vdivide(vreal a, vreal b) { (void)b; return a; }
CCONV_VECTOR vreal vdivide_by(vreal a, real b) { (void)b; return a; }
#endif

/* Bytes of an array that is not in a cache, and how far behind a row memory is asked for what follows: on an EPYC of 2025
 * 4 KB are 1.15 times as long for pools, 12 KB 1.08 for depthwise layers. */
enum { CCONV_FAR_BYTES = 12 * 1024 * 1024, CCONV_FETCH_BYTES = 6144 };
/* A hint; any address is harmless. */
#if CCONV_GNU
static inline void prefetch(const real *p) { __builtin_prefetch(p); }
/* The same for `bytes` of each of some rows, `pitch` apart. GCC drops calls of what does nothing but ask; the empty
 * statement keeps them. */
static inline CCONV_APART void fetch(const char *p, ptrdiff_t bytes, ptrdiff_t rows, ptrdiff_t pitch)
{
    for (; rows > 0; rows--, p += pitch)
        for (ptrdiff_t i = 0; i < bytes; i += 64)
            __builtin_prefetch(p + i);
    __asm__ volatile("");
}
#else
static inline void prefetch(const real *p) { (void)p; }
static inline void fetch(const char *p, ptrdiff_t bytes, ptrdiff_t rows, ptrdiff_t pitch)
{
    (void)p, (void)bytes, (void)rows, (void)pitch;
}
#endif

#if CCONV_FLOATING
static inline int is_nan(real x) { return x != x; }
#else
static inline int is_nan(real x) { (void)x; return 0; }
#endif

/* Magnitudes as unsigned integers: in the same order, with what is not finite above all else. Loops over them
 * vectorise; those over floating point may not take the order of a maximum for theirs to choose. */
#if CCONV_FLOATING
#if CCONV_REAL == 32
typedef uint32_t real_bits;
#else
typedef uint64_t real_bits;
#endif
static inline real_bits magnitude_bits(real x)
{
    real_bits bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & ((real_bits)-1 >> 1);
}
/* The largest magnitude of n, and of `peak`; a NaN or an infinity is. */
static inline real peak_magnitude(const real *p, ptrdiff_t n, real peak)
{
    real_bits most = magnitude_bits(peak);
    CCONV_VECTORS(reduction(max : most))
    for (ptrdiff_t i = 0; i < n; i++) {
        real_bits bits = magnitude_bits(p[i]);
        most = bits > most ? bits : most;
    }
    memcpy(&peak, &most, sizeof peak);
    return peak;
}
/* Add 1 to marks[i] where the magnitude of p[i] is below a limit; of pairs: that of both parts. */
static inline void mark_small(real_bits *marks, const real *p, ptrdiff_t n, int pairs, real limit)
{
    real_bits below = magnitude_bits(limit);
    if (pairs)
        CCONV_VECTORS()
        for (ptrdiff_t i = 0; i < n; i++)
            marks[i] += (int)(magnitude_bits(p[2 * i]) < below) & (int)(magnitude_bits(p[2 * i + 1]) < below);
    else
        CCONV_VECTORS()
        for (ptrdiff_t i = 0; i < n; i++)
            marks[i] += magnitude_bits(p[i]) < below;
}
#endif

#if CCONV_VECTOR_BYTES > CCONV_REAL_SIZE && CCONV_REAL_SIZE >= 4 && defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)     /* a line of its own: who lacks the one cannot read the other */
#define CCONV_SHUFFLES 1
#endif
#endif
#ifdef CCONV_SHUFFLES
#if CCONV_VECTOR_BYTES / CCONV_REAL_SIZE == 16
#define CCONV_ZIP_LO 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define CCONV_EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define CCONV_ODD 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define CCONV_ZIP_HI 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define CCONV_BEFORE 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
#define CCONV_AFTER 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
#elif CCONV_VECTOR_BYTES / CCONV_REAL_SIZE == 8
#define CCONV_ZIP_LO 0, 8, 1, 9, 2, 10, 3, 11
#define CCONV_EVEN 0, 2, 4, 6, 8, 10, 12, 14
#define CCONV_ODD 1, 3, 5, 7, 9, 11, 13, 15
#define CCONV_ZIP_HI 4, 12, 5, 13, 6, 14, 7, 15
#define CCONV_BEFORE 7, 8, 9, 10, 11, 12, 13, 14
#define CCONV_AFTER 1, 2, 3, 4, 5, 6, 7, 8
#elif CCONV_VECTOR_BYTES / CCONV_REAL_SIZE == 4
#define CCONV_ZIP_LO 0, 4, 1, 5
#define CCONV_EVEN 0, 2, 4, 6
#define CCONV_ODD 1, 3, 5, 7
#define CCONV_ZIP_HI 2, 6, 3, 7
#define CCONV_BEFORE 3, 4, 5, 6
#define CCONV_AFTER 1, 2, 3, 4
#else
#define CCONV_ZIP_LO 0, 2
#define CCONV_EVEN 0, 2
#define CCONV_ODD 1, 3
#define CCONV_ZIP_HI 1, 3
#define CCONV_BEFORE 1, 2
#define CCONV_AFTER 1, 2
#endif
/* The first halves of two vectors interleaved, and the second ones. */
CCONV_VECTOR vreal vzip_low(vreal a, vreal b) { return __builtin_shufflevector(a, b, CCONV_ZIP_LO); }
CCONV_VECTOR vreal vzip_high(vreal a, vreal b) { return __builtin_shufflevector(a, b, CCONV_ZIP_HI); }
/* Every other element of two vectors that follow each other. */
CCONV_VECTOR vreal veven_lanes(vreal a, vreal b) { return __builtin_shufflevector(a, b, CCONV_EVEN); }
CCONV_VECTOR vreal vodd_lanes(vreal a, vreal b) { return __builtin_shufflevector(a, b, CCONV_ODD); }
/* Of such two: the vector that begins one element before the second, or after the beginning of the first. */
CCONV_VECTOR vreal vbefore(vreal a, vreal b) { return __builtin_shufflevector(a, b, CCONV_BEFORE); }
CCONV_VECTOR vreal vafter(vreal a, vreal b) { return __builtin_shufflevector(a, b, CCONV_AFTER); }
/* dst[k*dst_pitch + i] = src[4*i + k] for 4*LANES elements. */
static inline void deinterleave4(real *dst, ptrdiff_t dst_pitch, const real *src)
{
    vreal a = vload(src), b = vload(src + CCONV_LANES), c = vload(src + 2 * CCONV_LANES), d = vload(src + 3 * CCONV_LANES);
    vreal ab = __builtin_shufflevector(a, b, CCONV_EVEN), cd = __builtin_shufflevector(c, d, CCONV_EVEN);
    vstore(dst, __builtin_shufflevector(ab, cd, CCONV_EVEN));
    vstore(dst + 2 * dst_pitch, __builtin_shufflevector(ab, cd, CCONV_ODD));
    ab = __builtin_shufflevector(a, b, CCONV_ODD), cd = __builtin_shufflevector(c, d, CCONV_ODD);
    vstore(dst + dst_pitch, __builtin_shufflevector(ab, cd, CCONV_EVEN));
    vstore(dst + 3 * dst_pitch, __builtin_shufflevector(ab, cd, CCONV_ODD));
}
/* dst[4*i + k] = vector k's element i. */
static inline void interleave4(real *dst, vreal a, vreal b, vreal c, vreal d)
{
    vreal ac = __builtin_shufflevector(a, c, CCONV_ZIP_LO), bd = __builtin_shufflevector(b, d, CCONV_ZIP_LO);
    vstore(dst, __builtin_shufflevector(ac, bd, CCONV_ZIP_LO));
    vstore(dst + CCONV_LANES, __builtin_shufflevector(ac, bd, CCONV_ZIP_HI));
    ac = __builtin_shufflevector(a, c, CCONV_ZIP_HI), bd = __builtin_shufflevector(b, d, CCONV_ZIP_HI);
    vstore(dst + 2 * CCONV_LANES, __builtin_shufflevector(ac, bd, CCONV_ZIP_LO));
    vstore(dst + 3 * CCONV_LANES, __builtin_shufflevector(ac, bd, CCONV_ZIP_HI));
}
/* Integers multiply too slowly for a call to be felt. */
#if CCONV_FLOATING
#define CCONV_TRANSPOSE static inline
#else
#define CCONV_TRANSPOSE static inline CCONV_APART
#endif
/* A part of a vector: half of AVX2's, which interleaves within halves, else all of it. Interleaving whole vectors took
 * AVX2 1.5 to 3 times as long; parts of AVX-512's, 16 bytes each, took 1.6 times as long as whole ones. */
#if CCONV_VECTOR_BYTES == 32
enum { CCONV_PARTS = 2 };
#if CCONV_REAL_SIZE == 4
#define CCONV_PART_LO 0, 8, 1, 9, 4, 12, 5, 13
#define CCONV_PART_HI 2, 10, 3, 11, 6, 14, 7, 15
#else
#define CCONV_PART_LO 0, 4, 2, 6
#define CCONV_PART_HI 1, 5, 3, 7
#endif
CCONV_VECTOR vreal vload_parts(const real *first, const real *second)
{
    __m256 low = _mm256_castps128_ps256(_mm_loadu_ps((const float *)first));
    return (vreal)_mm256_insertf128_ps(low, _mm_loadu_ps((const float *)second), 1);
}
#else
enum { CCONV_PARTS = 1 };
#define CCONV_PART_LO CCONV_ZIP_LO
#define CCONV_PART_HI CCONV_ZIP_HI
CCONV_VECTOR vreal vload_parts(const real *first, const real *second)
{
    (void)second;
    return vload(first);
}
#endif
enum { CCONV_PART = CCONV_LANES / CCONV_PARTS };
/* What is left to do for dst[j*dst_pitch + i] = src[i][j], LANES x LANES, when each part has been loaded to where it
 * belongs: log2(PART) rounds of interleaving, in which two vectors PART/2 apart become neighbours. */
CCONV_VECTOR void transpose_parts(real *dst, ptrdiff_t dst_pitch, vreal *a)
{
    vreal b[CCONV_LANES];
    for (int width = 1; width < CCONV_PART; width *= 2) {
        for (int i = 0; i < CCONV_LANES / 2; i++) {
            int from = i / (CCONV_PART / 2) * CCONV_PART + i % (CCONV_PART / 2), to = from + i % (CCONV_PART / 2);
            b[to] = __builtin_shufflevector(a[from], a[from + CCONV_PART / 2], CCONV_PART_LO);
            b[to + 1] = __builtin_shufflevector(a[from], a[from + CCONV_PART / 2], CCONV_PART_HI);
        }
        for (int i = 0; i < CCONV_LANES; i++)
            a[i] = b[i];
    }
    for (int i = 0; i < CCONV_LANES; i++)
        vstore(dst + i * dst_pitch, a[i]);
}
CCONV_TRANSPOSE void transpose_block(real *dst, ptrdiff_t dst_pitch, real *const *src, ptrdiff_t j)
{
    vreal a[CCONV_LANES];
    for (int i = 0; i < CCONV_LANES; i++) {
        ptrdiff_t row = i % CCONV_PART, column = i - row;
        a[i] = vload_parts(src[row] + j + column, src[row + CCONV_LANES - CCONV_PART] + j + column);
    }
    transpose_parts(dst, dst_pitch, a);
}
/* The same for rows that lie src_pitch apart: needs no table of pointers, which spilled. */
CCONV_TRANSPOSE void transpose_strided(real *dst, ptrdiff_t dst_pitch, const real *src, ptrdiff_t src_pitch)
{
    vreal a[CCONV_LANES];
    for (int i = 0; i < CCONV_LANES; i++) {
        ptrdiff_t row = i % CCONV_PART, column = i - row;
        a[i] = vload_parts(src + row * src_pitch + column, src + (row + CCONV_LANES - CCONV_PART) * src_pitch + column);
    }
    transpose_parts(dst, dst_pitch, a);
}
#else
CCONV_VECTOR vreal vzip_low(vreal a, vreal b)
{
    vreal r;
    for (int i = 0; i < CCONV_LANES; i++)
        ((real *)&r)[i] = ((const real *)(i % 2 ? &b : &a))[i / 2];
    return r;
}
CCONV_VECTOR vreal vzip_high(vreal a, vreal b)
{
    vreal r;
    for (int i = 0; i < CCONV_LANES; i++)
        ((real *)&r)[i] = ((const real *)((i + CCONV_LANES) % 2 ? &b : &a))[(i + CCONV_LANES) / 2];
    return r;
}
/* The element at `first` and every step-th after it. */
CCONV_VECTOR vreal vpick(vreal a, vreal b, int first, int step)
{
    real both[2 * CCONV_LANES], picked[CCONV_LANES];
    vstore(both, a);
    vstore(both + CCONV_LANES, b);
    for (int i = 0; i < CCONV_LANES; i++)
        picked[i] = both[first + i * step];
    return vload(picked);
}
CCONV_VECTOR vreal veven_lanes(vreal a, vreal b) { return vpick(a, b, 0, 2); }
CCONV_VECTOR vreal vodd_lanes(vreal a, vreal b) { return vpick(a, b, 1, 2); }
CCONV_VECTOR vreal vbefore(vreal a, vreal b) { return vpick(a, b, CCONV_LANES - 1, 1); }
CCONV_VECTOR vreal vafter(vreal a, vreal b) { return vpick(a, b, 1, 1); }
static inline void deinterleave4(real *dst, ptrdiff_t dst_pitch, const real *src)
{
    for (int i = 0; i < 4 * CCONV_LANES; i++)
        dst[i % 4 * dst_pitch + i / 4] = src[i];
}
static inline void interleave4(real *dst, vreal a, vreal b, vreal c, vreal d)
{
    const real *lanes[4] = {(const real *)&a, (const real *)&b, (const real *)&c, (const real *)&d};
    for (int i = 0; i < 4 * CCONV_LANES; i++)
        dst[i] = lanes[i % 4][i / 4];
}
static inline void transpose_block(real *dst, ptrdiff_t dst_pitch, real *const *src, ptrdiff_t j)
{
    for (int i = 0; i < CCONV_LANES; i++)
        for (int k = 0; k < CCONV_LANES; k++)
            dst[k * dst_pitch + i] = src[i][j + k];
}
static inline void transpose_strided(real *dst, ptrdiff_t dst_pitch, const real *src, ptrdiff_t src_pitch)
{
    for (int i = 0; i < CCONV_LANES; i++)
        for (int k = 0; k < CCONV_LANES; k++)
            dst[k * dst_pitch + i] = src[i * src_pitch + k];
}
#endif
/* Every other one of 2*LANES reals from p on. */
CCONV_VECTOR vreal vevens(const real *p) { return veven_lanes(vload(p), vload(p + CCONV_LANES)); }
CCONV_VECTOR vreal vodds(const real *p) { return vodd_lanes(vload(p), vload(p + CCONV_LANES)); }

#endif
