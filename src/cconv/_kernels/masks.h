/* Vectors of which some lanes are read or written, and lanes in any order: what AVX-512 has instructions for. */
#ifndef CCONV_MASKS_H
#define CCONV_MASKS_H

#include "simd.h"

/* Lanes as the bits of a mask: those that are not in it are not read and become zero, or are not written. Without AVX-512
 * masked stores are slow on many CPUs. vmix: result[i] is lane from[i] of a and b, one after the other. */
#if CCONV_GNU && defined(__AVX512F__) && CCONV_REAL_SIZE >= 4
enum { CCONV_MASKS = 1 };
#if CCONV_REAL_SIZE == 4
CCONV_VECTOR vreal vload_some(const real *p, unsigned lanes) { return (vreal)_mm512_maskz_loadu_ps((__mmask16)lanes, p); }
CCONV_VECTOR void vstore_some(real *p, vreal v, unsigned lanes) { _mm512_mask_storeu_ps(p, (__mmask16)lanes, (__m512)v); }
CCONV_VECTOR vreal vmix(vreal a, vreal b, const place *from)
{
    return (vreal)_mm512_permutex2var_ps((__m512)a, _mm512_loadu_si512(from), (__m512)b);
}
#else
CCONV_VECTOR vreal vload_some(const real *p, unsigned lanes) { return (vreal)_mm512_maskz_loadu_pd((__mmask8)lanes, p); }
CCONV_VECTOR void vstore_some(real *p, vreal v, unsigned lanes) { _mm512_mask_storeu_pd(p, (__mmask8)lanes, (__m512d)v); }
CCONV_VECTOR vreal vmix(vreal a, vreal b, const place *from)
{
    return (vreal)_mm512_permutex2var_pd((__m512d)a, _mm512_loadu_si512(from), (__m512d)b);
}
#endif
#else
enum { CCONV_MASKS = 0 };       /* these are never run, but have to compile */
CCONV_VECTOR vreal vload_some(const real *p, unsigned lanes) { (void)lanes; return vload(p); }
CCONV_VECTOR void vstore_some(real *p, vreal v, unsigned lanes) { (void)lanes; vstore(p, v); }
CCONV_VECTOR vreal vmix(vreal a, vreal b, const place *from) { (void)b, (void)from; return a; }
#endif

/* dst[2*i] = src[i]; what lies between is left alone. A scalar store each was 15 % of the time of the phases of 128 -> 64
 * channels, 112x112 to 224x224. */
static inline void store_every_other(real *dst, const real *src, ptrdiff_t n)
{
    ptrdiff_t i = 0;
    for (; CCONV_MASKS && i + CCONV_LANES <= n; i += CCONV_LANES) {
        vreal v = vload(src + i);
        vstore_some(dst + 2 * i, vzip_low(v, v), 0x5555);
        vstore_some(dst + 2 * i + CCONV_LANES, vzip_high(v, v), 0x5555);
    }
    for (; i < n; i++)
        memcpy(dst + 2 * i, src + i, sizeof(real));
}

#endif
