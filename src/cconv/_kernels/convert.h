/* Rows of elements of any type to reals and back, for the real type of simd.h.
 *
 * In blocks of BLOCK elements, each some whole vectors; the last block of a row overlaps the one before. As plain loops they
 * took 30 KB in every module, vectorised with all that their ends need. Between 8 and 64 bits a block goes by steps of twice
 * or half the width: what is further apart GCC converts element by element.
 * Elements need not be aligned. What is read and what is written do not overlap. */
#ifndef CCONV_CONVERT_H
#define CCONV_CONVERT_H

#include "simd.h"

/* IEEE half precision, by the compiler where it knows the type (one instruction from x86-64-v3 on). */
#if CCONV_GNU && defined(__FLT16_MANT_DIG__)
static inline float half_to_float(uint16_t bits) { _Float16 h; memcpy(&h, &bits, 2); return (float)h; }
static inline uint16_t float_to_half(float f) { _Float16 h = (_Float16)f; uint16_t b; memcpy(&b, &h, 2); return b; }
#else
static inline float half_to_float(uint16_t bits)
{
    uint32_t sign = (uint32_t)(bits & 0x8000u) << 16, exponent = bits >> 10 & 31u, mantissa = bits & 1023u, out;
    float f;
    if (exponent == 0) { /* zero and subnormal: mantissa * 2**-24, exact */
        f = (float)mantissa * 5.9604644775390625e-8f;
        return sign ? -f : f;
    }
    out = sign | mantissa << 13 | (exponent == 31 ? 0x7f800000u : (exponent + 112u) << 23);
    memcpy(&f, &out, 4);
    return f;
}
static inline uint16_t float_to_half(float f)
{
    uint32_t u, sign, a;
    memcpy(&u, &f, 4);
    sign = u >> 16 & 0x8000u;
    a = u & 0x7fffffffu;
    if (a > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00u);
    if (a >= 0x477ff000u) /* 65520 and above rounds to infinity */
        return (uint16_t)(sign | 0x7c00u);
    if (a < 0x38800000u) { /* below 2**-14: adding 0.5 leaves the rounded multiple of 2**-24 in the mantissa */
        float t;
        memcpy(&t, &a, 4);
        t += 0.5f;
        memcpy(&u, &t, 4);
        return (uint16_t)(sign | (u - 0x3f000000u));
    }
    a += 0xfffu + (a >> 13 & 1u); /* half to even */
    return (uint16_t)(sign | (a - 0x38000000u) >> 13);
}
#endif

/* --- rows ---------------------------------------------------------------------------------------------------------- */

#if CCONV_GNU && defined(__has_builtin)
#if __has_builtin(__builtin_convertvector)     /* a line of its own: who lacks the one cannot read the other */
#define CCONV_BLOCKS 1
#endif
#endif

#ifdef CCONV_BLOCKS
#define CCONV_BLOCK(name, type) \
    typedef type name##_block __attribute__((vector_size(BLOCK * sizeof(type)), aligned(1), may_alias))
CCONV_BLOCK(real, real);
CCONV_BLOCK(bounded, signed_real);
CCONV_BLOCK(bool, uint8_t);
CCONV_BLOCK(s8, int8_t);
CCONV_BLOCK(u8, uint8_t);
CCONV_BLOCK(s16, int16_t);
CCONV_BLOCK(u16, uint16_t);
CCONV_BLOCK(s32, int32_t);
CCONV_BLOCK(u32, uint32_t);
CCONV_BLOCK(s64, int64_t);
CCONV_BLOCK(u64, uint64_t);
CCONV_BLOCK(f32, float);
CCONV_BLOCK(f64, double);
/* Convert all of a row of at least a block, and return. */
#define CCONV_ROW_BLOCKS(to_type, to, from_type, from, convert)                                                       \
    if (n >= BLOCK && stride == size) {                                                                               \
        ptrdiff_t at = 0;                                                                                             \
        for (; at < n; at += BLOCK) {                                                                                 \
            at = at + BLOCK <= n ? at : n - BLOCK;                                                                    \
            *(to_type##_block *)(to) = convert(*(const from_type##_block *)(from));                                   \
        }                                                                                                             \
        return;                                                                                                       \
    }
#define CCONV_AS(name, v) __builtin_convertvector(v, name##_block)
#define CCONV_REALS(v) CCONV_AS(real, v)
#define CCONV_REALS_16(v) CCONV_REALS(CCONV_AS(s32, v))
#define CCONV_REALS_U8(v) CCONV_REALS_16(CCONV_AS(u16, v))
#define CCONV_REALS_S8(v) CCONV_REALS_16(CCONV_AS(s16, v))
#define CCONV_REALS_BOOL(v) CCONV_REALS_U8((u8_block)((v) != 0) & 1)
#define CCONV_TO_16(v) CCONV_AS(u16, CCONV_AS(s32, v))
#define CCONV_TO_8(v) CCONV_AS(u8, CCONV_TO_16(v))
#define CCONV_TO_S32(v) CCONV_AS(s32, v)
#define CCONV_TO_U32(v) CCONV_AS(u32, CCONV_AS(s64, v))
#define CCONV_TO_S64(v) CCONV_AS(s64, v)
#define CCONV_TO_U64(v) CCONV_AS(u64, v)
#define CCONV_TO_F32(v) CCONV_AS(f32, v)
#define CCONV_TO_F64(v) CCONV_AS(f64, v)
#else
#define CCONV_ROW_BLOCKS(to_type, to, from_type, from, convert) (void)size;
#endif

/* dst[i] = from(element at src + i*stride bytes) */
#define CCONV_LOAD(name, type, from, blocks)                                                                          \
    static inline void load_##name(real *dst, const char *src, ptrdiff_t n, ptrdiff_t stride)                         \
    {                                                                                                                 \
        const ptrdiff_t size = sizeof(type);                                                                          \
        CCONV_ROW_BLOCKS(real, dst + at, name, src + at * size, blocks)                                               \
        for (ptrdiff_t i = 0; i < n; i++) {                                                                           \
            type value;                                                                                               \
            memcpy(&value, src + i * stride, sizeof value);                                                           \
            dst[i] = from(value);                                                                                     \
        }                                                                                                             \
    }
/* The element at dst + i*stride bytes = to(src[i]). Floating point goes towards zero; what an integer of 32 bits (64, if
 * the type has more than 16) cannot hold is its least value on x86, and what the type cannot hold wraps around. */
#define CCONV_STORE(name, type, to, blocks)                                                                           \
    static inline void store_##name(char *dst, const real *src, ptrdiff_t n, ptrdiff_t stride)                        \
    {                                                                                                                 \
        const ptrdiff_t size = sizeof(type);                                                                          \
        CCONV_ROW_BLOCKS(name, dst + at * size, real, src + at, blocks)                                               \
        for (ptrdiff_t i = 0; i < n; i++) {                                                                           \
            type value = to(src[i]);                                                                                  \
            memcpy(dst + i * stride, &value, sizeof value);                                                           \
        }                                                                                                             \
    }
CCONV_LOAD(bool, uint8_t, (real)!!, CCONV_REALS_BOOL)
CCONV_LOAD(s8, int8_t, (real), CCONV_REALS_S8)
CCONV_LOAD(u8, uint8_t, (real), CCONV_REALS_U8)
CCONV_LOAD(s16, int16_t, (real), CCONV_REALS_16)
CCONV_LOAD(u16, uint16_t, (real), CCONV_REALS_16)
CCONV_LOAD(s32, int32_t, (real), CCONV_REALS)
CCONV_LOAD(u32, uint32_t, (real), CCONV_REALS)
CCONV_LOAD(s64, int64_t, (real), CCONV_REALS)
CCONV_LOAD(u64, uint64_t, (real), CCONV_REALS)
CCONV_LOAD(f32, float, (real), CCONV_REALS)
CCONV_LOAD(f64, double, (real), CCONV_REALS)
CCONV_STORE(u8, uint8_t, (uint8_t)(int32_t), CCONV_TO_8)
CCONV_STORE(u16, uint16_t, (uint16_t)(int32_t), CCONV_TO_16)
CCONV_STORE(s32, int32_t, (int32_t), CCONV_TO_S32)
CCONV_STORE(u32, uint32_t, (uint32_t)(int64_t), CCONV_TO_U32)
CCONV_STORE(s64, int64_t, (int64_t), CCONV_TO_S64)
CCONV_STORE(u64, uint64_t, (uint64_t), CCONV_TO_U64)
CCONV_STORE(f32, float, (float), CCONV_TO_F32)
CCONV_STORE(f64, double, (double), CCONV_TO_F64)

static inline void store_bool(char *dst, const real *src, ptrdiff_t n, ptrdiff_t stride)
{
    for (ptrdiff_t i = 0; i < n; i++)
        dst[i * stride] = src[i] != 0;
}

/* dst[i] = src[2*i], not beyond the last: parts of complex numbers. */
static inline void load_every_other(real *dst, const char *src, ptrdiff_t n)
{
    const ptrdiff_t size = sizeof(real);
    ptrdiff_t i = 0;
    for (; i + CCONV_LANES < n; i += CCONV_LANES) {
        vreal a, b;
        memcpy(&a, src + 2 * i * size, sizeof a);
        memcpy(&b, src + (2 * i + CCONV_LANES) * size, sizeof b);
        vstore(dst + i, veven_lanes(a, b));
    }
    for (; i < n; i++)
        memcpy(dst + i, src + 2 * i * size, sizeof *dst);
}

/* Half precision, eight at a time where there is an instruction for it: GCC converts them one by one. */
enum { HALVES = 8 };
static inline void load_halves(real *dst, const char *src)
{
#if CCONV_GNU && CCONV_FLOATING && defined(__F16C__)
    __m256 values = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)src));
#if CCONV_REAL == 32
    _mm256_storeu_ps(dst, values);
#else
    _mm256_storeu_pd(dst, _mm256_cvtps_pd(_mm256_castps256_ps128(values)));
    _mm256_storeu_pd(dst + 4, _mm256_cvtps_pd(_mm256_extractf128_ps(values, 1)));
#endif
#else
    for (int i = 0; i < HALVES; i++) {
        uint16_t half;
        memcpy(&half, src + 2 * i, 2);
        dst[i] = (real)half_to_float(half);
    }
#endif
}
static inline void store_halves(char *dst, const real *src)
{
#if CCONV_GNU && CCONV_FLOATING && defined(__F16C__)
#if CCONV_REAL == 32
    __m256 values = _mm256_loadu_ps(src);
#else
    __m256 values = _mm256_set_m128(_mm256_cvtpd_ps(_mm256_loadu_pd(src + 4)), _mm256_cvtpd_ps(_mm256_loadu_pd(src)));
#endif
    _mm_storeu_si128((__m128i *)dst, _mm256_cvtps_ph(values, _MM_FROUND_TO_NEAREST_INT));
#else
    for (int i = 0; i < HALVES; i++) {
        uint16_t half = float_to_half((float)src[i]);
        memcpy(dst + 2 * i, &half, 2);
    }
#endif
}
static inline void load_f16(real *dst, const char *src, ptrdiff_t n, ptrdiff_t stride)
{
    ptrdiff_t i = 0;
    if (stride == 2)
        for (; i + HALVES <= n; i += HALVES)
            load_halves(dst + i, src + 2 * i);
    for (; i < n; i++) {
        uint16_t half;
        memcpy(&half, src + i * stride, 2);
        dst[i] = (real)half_to_float(half);
    }
}
static inline void store_f16(char *dst, const real *src, ptrdiff_t n, ptrdiff_t stride)
{
    ptrdiff_t i = 0;
    if (stride == 2)
        for (; i + HALVES <= n; i += HALVES)
            store_halves(dst + 2 * i, src + i);
    for (; i < n; i++) {
        uint16_t half = float_to_half((float)src[i]);
        memcpy(dst + i * stride, &half, 2);
    }
}

/* --- to integers that do not wrap ------------------------------------------------------------------------------------ */

/* To the nearest whole number, half to even. Without an instruction for it: adding 2**23 (2**52) leaves no digits
 * behind the point, and what is larger has none. */
#if CCONV_FLOATING
static inline real round_even(real x)
{
#if CCONV_GNU && (defined(__SSE4_1__) || defined(__aarch64__))
    return sizeof(real) == 4 ? (real)__builtin_rintf((float)x) : (real)__builtin_rint((double)x);
#else
    real whole = sizeof(real) == 4 ? (real)8388608.0 : (real)4503599627370496.0;
    real shift = x < 0 ? -whole : whole;
    return x > -whole && x < whole ? (x + shift) - shift : x;
#endif
}
#else
static inline real round_even(real x) { return x; }
#endif

/* The nearest whole number within low and high, both whole and under 2**22 (2**51); 0 for NaN. In this order it is
 * max, min, add, subtract, compare, and at every level; with NaN first GCC branches, or selects twice as often. */
static inline real round_clipped(real x, real low, real high)
{
    real units = sizeof(real) == 4 ? (real)12582912.0 : (real)6755399441055744.0; /* 1.5 * 2**23, 2**52 */
    real y = x < low ? low : x;
    y = y > high ? high : y;
    y = (y + units) - units;
    return is_nan(x) ? 0 : y;
}

static inline signed_real clip(signed_real x, signed_real low, signed_real high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}
#if CCONV_FLOATING
#define CCONV_BOUNDED(x, low, high) round_clipped(x, low, high)
#else
#define CCONV_BOUNDED(x, low, high) clip((signed_real)(x), low, high)
#endif

/* The element at dst + i*stride bytes = src[i], rounded and clipped to low..high; NaN is 0. */
#define CCONV_BOUND(name, type)                                                                                       \
    static inline void bound_##name(char *dst, const real *src, ptrdiff_t n, ptrdiff_t stride, signed_real low,       \
                                    signed_real high)                                                                 \
    {                                                                                                                 \
        ptrdiff_t i = 0;                                                                                              \
        signed_real bounded[BLOCK];                                                                                   \
        if (stride == sizeof(type))                                                                                   \
            for (; i < n && n >= BLOCK; i += BLOCK) {                                                                 \
                i = i + BLOCK <= n ? i : n - BLOCK;                                                                   \
                CCONV_ROLLED                                                                                          \
                for (int k = 0; k < BLOCK; k++)                                                                       \
                    bounded[k] = CCONV_BOUNDED(src[i + k], low, high);                                                \
                store_bounded_##name(dst + i * (ptrdiff_t)sizeof(type), bounded);                                     \
            }                                                                                                         \
        for (; i < n; i++) {                                                                                          \
            type value = (type)(int)CCONV_BOUNDED(src[i], low, high);                                                 \
            memcpy(dst + i * stride, &value, sizeof value);                                                           \
        }                                                                                                             \
    }
#ifdef CCONV_BLOCKS
#define CCONV_STORE_BOUNDED(name, type)                                                                               \
    static inline void store_bounded_##name(char *dst, const signed_real *src)                                        \
    {                                                                                                                 \
        *(u##name##_block *)dst = CCONV_TO_##name(*(const bounded_block *)src);                                       \
    }
#else
#define CCONV_STORE_BOUNDED(name, type)                                                                               \
    static inline void store_bounded_##name(char *dst, const signed_real *src)                                        \
    {                                                                                                                 \
        for (int k = 0; k < BLOCK; k++) {                                                                             \
            type value = (type)(int)src[k];                                                                           \
            memcpy(dst + k * sizeof value, &value, sizeof value);                                                     \
        }                                                                                                             \
    }
#endif
CCONV_STORE_BOUNDED(8, uint8_t)
CCONV_STORE_BOUNDED(16, uint16_t)
CCONV_BOUND(8, uint8_t)
CCONV_BOUND(16, uint16_t)

#endif
