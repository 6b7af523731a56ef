/* Exponentials and logarithms of vectors, for the level and the real type of simd.h; floating point only.
 *
 * Design:
 * a. An argument is y = n ln 2 + r with |r| <= ln 2 / 2, ln 2 in two parts so that r loses nothing (Cody and Waite,
 *    Software Manual for the Elementary Functions, 1980); expm1(r) = r + r^2 q(r), and exp(y) = 2^n (1 + expm1(r)). The
 *    polynomials are minimax fits in 60 digits, by Lawson's iteration of weighted least squares; their errors, relative to
 *    r: 2^-31 and 2^-61.
 * b. Results come as pairs (high, low) whose sum is off by about 0.1 ulp: what is made of them by a division and an
 *    addition stays within 2 ulp. The divisions' low parts are corrected with a reciprocal of which a few bits will do.
 * c. Only exp(y) with y <= 0 is needed: nothing can overflow. 2^n is applied in factors that are normal numbers, and last,
 *    so that what is subnormal is rounded once; a gradient may be as large as there are numbers, so its exp goes further.
 * d. No function looks at its lanes: NaN and infinity take the way of all. A comparison with NaN is false, and each
 *    function is written so that NaN then stays. */
#ifndef CCONV_VMATH_H
#define CCONV_VMATH_H

#include <math.h>

#include "simd.h"

#if CCONV_VECTOR_BYTES > CCONV_REAL_SIZE
typedef real_bits vbits __attribute__((vector_size(CCONV_VECTOR_BYTES)));
static inline vbits vto_bits(vreal v) { return (vbits)v; }
static inline vreal vfrom_bits(vbits b) { return (vreal)b; }
static inline vbits vless(vreal a, vreal b) { return (vbits)(a < b); }
static inline vbits vequal(vreal a, vreal b) { return (vbits)(a == b); }
#else
typedef real_bits vbits;
static inline vbits vto_bits(vreal v) { vbits b; memcpy(&b, &v, sizeof b); return b; }
static inline vreal vfrom_bits(vbits b) { vreal v; memcpy(&v, &b, sizeof v); return v; }
static inline vbits vless(vreal a, vreal b) { return a < b ? ~(vbits)0 : 0; }
static inline vbits vequal(vreal a, vreal b) { return a == b ? ~(vbits)0 : 0; }
#endif
/* a where the mask is set, b elsewhere */
static inline vreal vselect(vbits mask, vreal a, vreal b)
{
    return vfrom_bits((mask & vto_bits(a)) | (~mask & vto_bits(b)));
}
static inline vreal vsplat(real x) { return x - vzero(); }
/* UNITS + whole number = that number in the last bits. For y below GONE, 1 - 2 exp(y) is 1; below VANISHED, exp(y) is 0;
 * below FAR, so is its product with any number. LN2_HIGH times n of these is exact. LIFT: 2**CCONV_LIFT, which takes what
 * becomes a subnormal number to where all digits are kept. */
#if CCONV_REAL == 32
#define CCONV_UNITS ((real)12582912.0) /* 1.5 * 2**23 */
enum { CCONV_MANTISSA = 23, CCONV_BIAS = 127, CCONV_LIFT = 48 };
static const real LIFT = 281474976710656.0f, LOWER = 1 / 281474976710656.0f;
static const real LOG2_E = 1.44269504f, LN2_HIGH = 0.693145751953125f, LN2_LOW = 1.42860682e-6f;
static const real VANISHED = -104.0f, FAR = -200.0f, GONE = -20.0f;
static const real_bits ROOT_HALF = 0x3f3504f3u;
#define CCONV_EXP_TERMS 6
static const real EXP[CCONV_EXP_TERMS] = {
    0.5f, 0.166666668f, 0.0416664817f, 0.00833328208f, 0.0013933353f, 0.000199097378f};
#define CCONV_LOG_TERMS 4
static const real LOG[CCONV_LOG_TERMS] = {0.666666656f, 0.400003362f, 0.285372371f, 0.235835896f};
#else
#define CCONV_UNITS ((real)6755399441055744.0) /* 1.5 * 2**52 */
enum { CCONV_MANTISSA = 52, CCONV_BIAS = 1023, CCONV_LIFT = 80 };
static const real LIFT = 1208925819614629174706176.0, LOWER = 1 / 1208925819614629174706176.0;
static const real LOG2_E = 1.44269504088896340736, LN2_HIGH = 6.93147180369123816490e-01,
                  LN2_LOW = 1.90821492927058770002e-10;
static const real VANISHED = -746.0, FAR = -1460.0, GONE = -40.0;
static const real_bits ROOT_HALF = 0x3fe6a09e667f3bcdu;
#define CCONV_EXP_TERMS 11
static const real EXP[CCONV_EXP_TERMS] = {
    0.5, 0.166666666666666766, 0.0416666666666666856, 0.00833333333332160699, 0.00138888888888726911,
    0.000198412698862028551, 2.48015873509925743e-5, 2.7557244119290029e-6, 2.75572498975415653e-7,
    2.51090720959448057e-8, 2.09224537765437164e-9};
#define CCONV_LOG_TERMS 7
static const real LOG[CCONV_LOG_TERMS] = {
    0.666666666666673491, 0.39999999999411035, 0.285714287432733472, 0.222221984750332575, 0.18183569784050413,
    0.153139022170625787, 0.147975172051718766};
#endif

typedef struct {
    vreal high, low;
} vpair;

/* 2**n of whole numbers n within the exponents of normal numbers; 0 for the one below. */
static inline vreal vpower(vreal n)
{
    return vfrom_bits(vto_bits(n + (CCONV_UNITS + (real)CCONV_BIAS)) << CCONV_MANTISSA);
}

/* (exp(r) - 1 - r) / r**2 */
static inline vreal vexp_polynomial(vreal r)
{
    vreal q = vzero() + EXP[CCONV_EXP_TERMS - 1];
    for (int i = CCONV_EXP_TERMS - 2; i >= 0; i--)
        q = q * r + EXP[i];
    return q;
}

/* expm1(r) of y + y_low = n ln 2 + r, y_low far below y. */
static inline vpair vreduced(vreal y, vreal y_low, vreal *n)
{
    vreal k = (y * LOG2_E + CCONV_UNITS) - CCONV_UNITS;
    vreal exact = y - k * LN2_HIGH, w = k * LN2_LOW - y_low;
    vreal r = exact - w, r_low = (exact - r) - w;
    vreal rest = r * r * vexp_polynomial(r), high = r + rest;
    *n = k;
    return (vpair){high, (r - high) + rest + r_low};
}

/* exp(y + y_low) = pair * 2**n */
static inline vpair vexp_unscaled(vreal y, vreal y_low, vreal *n)
{
    vpair p = vreduced(y, y_low, n);
    vreal high = (real)1 + p.high;
    return (vpair){high, ((real)1 - high) + p.high + p.low};
}
/* NaN stays. */
static inline vreal vnot_below(vreal y, real limit) { return vgreater(vsplat(limit), y); }
static inline vreal vnot_above(vreal y, real limit) { return vsmaller(vsplat(limit), y); }
/* for y in VANISHED..0 */
static inline vpair vexp(vreal y, vreal y_low)
{
    vreal n;
    vpair e = vexp_unscaled(y, y_low, &n);
    vreal half = (n * (real)0.5 + CCONV_UNITS) - CCONV_UNITS, first = vpower(half), second = vpower(n - half);
    return (vpair){e.high * first * second, e.low * first * second};
}
/* The same for y down to FAR, to be multiplied by scale[0] three times and by scale[1]. */
static inline vpair vexp_far(vreal y, vreal *scale)
{
    vreal n;
    vpair e = vexp_unscaled(vnot_below(y, FAR), vzero(), &n);
    vreal quarter = (n * (real)0.25 + CCONV_UNITS) - CCONV_UNITS;
    scale[0] = vpower(quarter);
    scale[1] = vpower(n - quarter * (real)3);
    return e;
}
static inline vpair vexpm1(vreal y)
{
    vreal n;
    vpair p = vreduced(vnot_below(y, GONE), vzero(), &n);
    vreal scale = vpower(n), whole = scale - (real)1, part = scale * p.high, high = whole + part;
    return (vpair){high, ((whole - high) + part) + scale * p.low};
}

static inline vreal vsign_off(vreal x) { return vfrom_bits(vto_bits(x) & ((real_bits)-1 >> 1)); }
/* The magnitude of a, the sign of b. */
static inline vreal vwith_sign(vreal a, vreal b)
{
    real_bits sign = (real_bits)1 << (8 * CCONV_REAL_SIZE - 1);
    return vfrom_bits((vto_bits(a) & ~sign) | (vto_bits(b) & sign));
}
/* 1 / d within 6 %, for d in 1..2 */
static inline vreal vroughly_inverse(vreal d) { return (real)(24.0 / 17.0) - d * (real)(8.0 / 17.0); }

/* a + b = sum + what is added to `low` */
static inline vreal vadd_exactly(vreal a, vreal b, vreal *low)
{
    vreal sum = a + b, moved = sum - a;
    *low += (a - (sum - moved)) + (b - moved);
    return sum;
}
/* 1 - a b, of a product near 1, without its rounding: by a fused multiply-add, or from halves (Dekker, 1971). */
static inline vreal vexact_rest(vreal a, vreal b)
{
#if defined(__FMA__) || defined(__aarch64__)
    return (real)1 - a * b;
#else
    const real split = CCONV_REAL == 32 ? (real)4097.0 : (real)134217729.0;
    vreal high = a * split, c = b * split, d, p = a * b;
    high -= high - a;
    c -= c - b;
    d = b - c;
    return ((real)1 - p) - (((high * c - p) + high * d + (a - high) * c) + (a - high) * d);
#endif
}

/* log(s + s_low) for s >= 1, s_low far below s: of 2**k (1 + f) with 1 + f from the root of a half, by a polynomial in
 * (f / (2 + f))**2 (the series of the inverse hyperbolic tangent). */
static inline vreal vlog(vreal s, vreal s_low)
{
    real_bits one = (real_bits)CCONV_BIAS << CCONV_MANTISSA;
    vbits bits = vto_bits(s) + (one - ROOT_HALF);
    vreal k = vfrom_bits((bits >> CCONV_MANTISSA) + vto_bits(vsplat(CCONV_UNITS - (real)CCONV_BIAS))) - CCONV_UNITS;
    vreal f = vfrom_bits((bits & (((real_bits)1 << CCONV_MANTISSA) - 1)) + ROOT_HALF) - (real)1;
    vreal t = f / (f + (real)2), z = t * t, half = f * f * (real)0.5;
    vreal p = vzero() + LOG[CCONV_LOG_TERMS - 1];
    for (int i = CCONV_LOG_TERMS - 2; i >= 0; i--)
        p = p * z + LOG[i];
    vreal low = t * (half + z * p) + (k * LN2_LOW + s_low / s);
    return (k * LN2_HIGH + (f - (half - low))) + (s - s); /* the last term: NaN for NaN */
}

/* --- elements: functions of a sample x, its gradient g, and a parameter with a low part ------------------------------ */

typedef vreal element(vreal x, vreal g, vreal p, vreal p_low);
#define CCONV_ELEMENT static inline vreal

CCONV_ELEMENT element_identity(vreal x, vreal g, vreal p, vreal p_low)
{
    (void)g, (void)p, (void)p_low;
    return x;
}
CCONV_ELEMENT element_relu(vreal x, vreal g, vreal p, vreal p_low)
{
    (void)g, (void)p, (void)p_low;
    return vrelu(x);
}
/* g where x > 0, elsewhere 0 times x: NaN for NaN */
CCONV_ELEMENT element_relu_grad(vreal x, vreal g, vreal p, vreal p_low)
{
    (void)p, (void)p_low;
    vbits above = vless(vzero(), x), nan = ~(vless(x, vsplat(1)) | above);
    return vfrom_bits((above & vto_bits(g)) | (nan & vto_bits(x)));
}
CCONV_ELEMENT element_leaky(vreal x, vreal g, vreal p, vreal p_low)
{
    (void)g, (void)p_low;
    return vselect(vless(x, vzero()), x * p, x);
}
CCONV_ELEMENT element_leaky_grad(vreal x, vreal g, vreal p, vreal p_low)
{
    (void)p_low;
    vbits above = vless(vzero(), x), nan = ~(vless(x, vsplat(1)) | above);
    return vselect(nan, x, vselect(above, g, g * p));
}
/* the parameter's gradient: g x where x < 0 */
CCONV_ELEMENT element_slope_grad(vreal x, vreal g, vreal p, vreal p_low)
{
    (void)p, (void)p_low;
    return g * vselect(vless(vzero(), x), vzero(), x);
}
CCONV_ELEMENT element_elu(vreal x, vreal g, vreal p, vreal p_low)
{
    (void)g;
    vbits above = vless(vzero(), x);
    vpair t = vexpm1(vsmaller(vzero(), x));
    return vselect(above, x, p * t.high + (p * t.low + p_low * t.high));
}
CCONV_ELEMENT element_elu_grad(vreal x, vreal g, vreal p, vreal p_low)
{
    vreal scale[2];
    vbits above = vless(vzero(), x);
    vpair e = vexp_far(vsmaller(vzero(), x), scale);
    vreal slope = p * e.high + (p * e.low + p_low * e.high);
    return vselect(above, g, (g * scale[0] * scale[0]) * (slope * scale[1]) * scale[0]);
}
/* 1 / (1 + exp(-x)) = s / (s + m) with exp(-x) = m / s, s a power of 2: one division, and neither sign of x overflows. */
CCONV_ELEMENT element_sigmoid(vreal x, vreal g, vreal p, vreal p_low)
{
    (void)g, (void)p, (void)p_low;
    const real units = CCONV_UNITS + (real)(CCONV_BIAS + CCONV_LIFT);
    vreal y = vnot_below(vnot_above(x, -GONE), VANISHED), k = y * LOG2_E + units, n = k - units;
    vreal r = (n * LN2_HIGH - y) + n * LN2_LOW;
    vreal m = (real)1 + (r + r * r * vexp_polynomial(r)), lifted = vfrom_bits(vto_bits(k) << CCONV_MANTISSA);
    return lifted / (lifted * LOWER + m) * LOWER;
}
/* g e / (1 + e)**2 times `factor`, e = exp(y) */
static inline vreal vbell(vreal y, vreal g, real factor)
{
    vreal scale[2];
    vpair m = vexp_far(y, scale);
    vreal whole = scale[0] * scale[0] * scale[0] * scale[1], e = m.high * whole, e_low = m.low * whole;
    vreal d_low = (e + (real)1) * e_low * (real)2;
    vreal d = vadd_exactly(vsplat(1), e * (real)2, &d_low), square = e * e, sum = d + square;
    d_low += (d - sum) + square;
    vreal rough = vroughly_inverse((real)1 + e), q = m.high / sum;
    vreal last = scale[1] * factor, low = (m.low - q * d_low) * rough * rough * last;
    g *= scale[0] * scale[0];
    return (g * (q * last) + g * low) * scale[0];
}
CCONV_ELEMENT element_sigmoid_grad(vreal x, vreal g, vreal p, vreal p_low)
{
    (void)p, (void)p_low;
    return vbell(-vsign_off(x), g, 1);
}
/* -t / (2 + t), t = expm1(-2 |x|), with the sign of x, and |x| where that is less: of tiny numbers, with which it is not
 * computed, since subnormal ones take twice as long. */
CCONV_ELEMENT element_tanh(vreal x, vreal g, vreal p, vreal p_low)
{
    (void)g, (void)p, (void)p_low;
    vreal size = vsign_off(x);
    vpair t = vexpm1(vnot_below(size, LOWER) * (real)-2);
    vreal d = (real)2 + t.high, d_low = ((real)2 - d) + t.high + t.low, q = t.high / -d;
    return vwith_sign(vsmaller(size, q - (t.low + q * d_low) * vroughly_inverse(d)), x);
}
CCONV_ELEMENT element_tanh_grad(vreal x, vreal g, vreal p, vreal p_low)
{
    (void)p, (void)p_low;
    return vbell(vsign_off(x) * (real)-2, g, 4);
}

/* dst[i] = f(x[i], g[i], p): p is one number with a low part, or an array. The last vector is filled up, so that an
 * element's bits do not depend on its place. f and what is absent are literals at the call. */
static inline CCONV_INLINED void map_elements(element *f, real *dst, const real *x, const real *g, const real *p,
                                              int has_g, int per_element, real p_low, ptrdiff_t n)
{
    enum { L = CCONV_LANES };
    vreal splat = vsplat(p ? *p : 0), low = vsplat(p_low), none = vzero();
    ptrdiff_t i = 0;
    for (; i + L <= n; i += L)
        vstore(dst + i, f(vload(x + i), has_g ? vload(g + i) : none, per_element ? vload(p + i) : splat, low));
    if (i < n) {
        real last[3][L] = {{0}};
        size_t rest = (size_t)(n - i) * sizeof(real);
        memcpy(last[0], x + i, rest);
        if (has_g)
            memcpy(last[1], g + i, rest);
        if (per_element)
            memcpy(last[2], p + i, rest);
        vstore(last[0], f(vload(last[0]), vload(last[1]), per_element ? vload(last[2]) : splat, low));
        memcpy(dst + i, last[0], rest);
    }
}

#endif
