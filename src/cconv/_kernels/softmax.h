/* Softmax and its logarithm along one axis: what is done to the samples of a row, or of rows side by side.
 *
 * Design:
 * a. Three passes: the peak; exponentials and their sum; the results. Where there is room the exponentials are kept in
 *    between, where the results go to.
 * b. A sample is not subtracted from the peak, which would round, and exp makes a relative error of that absolute one.
 *    exp(x) = m 2**n comes from x itself, and n is counted from that of the peak; the common factor goes with the
 *    division. Only where the peak is above SHIFTED is it subtracted first: there that is exact for all that count.
 * c. Sums are kept as pairs. For the logarithm they leave the peaks out, or log(1 + small) would read of the small terms
 *    only what their sum with 1 has kept.
 * d. `kind`, and whether exponentials are kept, are literals at every call. */
#ifndef CCONV_SOFTMAX_H
#define CCONV_SOFTMAX_H

#include "vmath.h"

enum { SOFT_MAX, SOFT_LOG, SOFT_MAX_GRAD, SOFT_LOG_GRAD };
/* BOTTOM: exp of it is 0, were it added up for every sample of a long row; it times the power of 2 below is normal. */
#if CCONV_REAL == 32
static const real SHIFTED = 208, BOTTOM = -120;
#else
static const real SHIFTED = 1492, BOTTOM = -760;
#endif

/* Of a row, or of LANES rows. */
typedef struct {
    vreal peak;
    vreal shift;                    /* subtracted from samples first: the peak, or -LOWER, which is nothing to exp but makes
                                     * subnormal samples normal: with 0, softmax took 1.8 times as long for them */
    vreal bottom;                   /* samples are clipped to that */
    vreal offset;                   /* makes a power of 2 of n */
    vreal sum, sum_low;
    vreal dot, dot_low;             /* sum of grad_output, times exponentials or not; or the number of peaks */
    vreal inverse, inverse_low;     /* of the sum */
    vreal log, log_low;             /* of the sum of all exp(x) */
} soft_totals;

static inline void soft_begin(soft_totals *t)
{
    t->peak = vsplat(-(real)INFINITY);
    t->sum = t->sum_low = t->dot = t->dot_low = vzero();
}
static inline void soft_peaked(soft_totals *t)
{
    vbits shifted = vless(vsplat(SHIFTED), vsign_off(t->peak));
    t->shift = vselect(shifted, t->peak, vsplat(-LOWER));
    vreal top = t->peak - vfrom_bits(vto_bits(t->peak) & shifted);
    t->bottom = top + BOTTOM;
    t->offset = (real)(CCONV_BIAS + CCONV_LIFT) - ((top * LOG2_E + CCONV_UNITS) - CCONV_UNITS);
}
/* exp(x - peak) times 2**CCONV_LIFT and a factor of the row. */
static inline vpair soft_exp(const soft_totals *t, vreal x)
{
    vreal y = vgreater(t->bottom, x - t->shift), k = y * LOG2_E + CCONV_UNITS, n = k - CCONV_UNITS;
    vreal r = (y - n * LN2_HIGH) - n * LN2_LOW, part = r + r * r * vexp_polynomial(r), m = (real)1 + part;
    vreal power = vfrom_bits(vto_bits(k + t->offset) << CCONV_MANTISSA);
    return (vpair){m * power, (((real)1 - m) + part) * power};
}
static inline int soft_has_gradient(int kind) { return kind == SOFT_MAX_GRAD || kind == SOFT_LOG_GRAD; }
static inline CCONV_INLINED vreal soft_add(int kind, soft_totals *t, vreal x, vreal g)
{
    if (kind == SOFT_LOG) {         /* peaks are counted, not added: the others may be far smaller */
        vbits at_peak = vequal(x, t->peak);
        t->dot += vfrom_bits(at_peak & vto_bits(vsplat(1)));
        x = vselect(at_peak, vsplat(-(real)INFINITY), x);
    }
    vpair e = soft_exp(t, x);
    if (!soft_has_gradient(kind))
        t->sum_low += e.low;
    t->sum = vadd_exactly(t->sum, e.high, &t->sum_low);
    if (kind == SOFT_MAX_GRAD)
        t->dot = vadd_exactly(t->dot, g * (e.high * LOWER), &t->dot_low);
    if (kind == SOFT_LOG_GRAD)
        t->dot = vadd_exactly(t->dot, g, &t->dot_low);
    return e.high;
}
static inline CCONV_INLINED void soft_end(int kind, soft_totals *t)
{
    if (kind == SOFT_LOG) {
        /* the sum over a peak's term: the others' part of it, and the number of peaks */
        vpair first = soft_exp(t, t->peak);
        vreal both = t->sum + t->sum_low, q = both / first.high;
        vreal s_low = ((t->sum - both) + t->sum_low - q * first.low) / first.high;
        vreal s = vadd_exactly(t->dot, q, &s_low);
        t->log_low = vzero();
        t->log = vadd_exactly(t->peak, vlog(s, s_low), &t->log_low);
    }
    t->inverse = (real)1 / t->sum;
    t->inverse_low = (vexact_rest(t->sum, t->inverse) - t->sum_low * t->inverse) * t->inverse;
    if (kind == SOFT_MAX_GRAD)
        t->dot = (t->dot + t->dot_low) * (t->inverse * LIFT);
    if (kind == SOFT_LOG_GRAD)
        t->dot += t->dot_low;
}
/* From a sample, or from its exponential. */
static inline CCONV_INLINED vreal soft_result(int kind, int kept, const soft_totals *t, vreal x, vreal g)
{
    if (kind == SOFT_LOG)
        return (x - t->log) - t->log_low;
    vreal e = kept ? x : soft_exp(t, x).high, low = vkeep(e * t->inverse_low), y = e * t->inverse + low;
    return kind == SOFT_MAX_GRAD ? y * (g - t->dot) : kind == SOFT_LOG_GRAD ? g - y * t->dot : y;
}

/* --- along: a row of neighbours, in pieces --- */

static inline real soft_row_peak(const real *x, ptrdiff_t n, real peak)
{
    enum { L = CCONV_LANES };
    ptrdiff_t i = 0;
    if (n >= L) {
        real lanes[L];
        vreal most = vload(x);
        for (i = L; i + L <= n; i += L)
            most = vgreater(vload(x + i), most);
        vstore(lanes, most);
        for (int lane = 0; lane < L; lane++)
            peak = lanes[lane] > peak ? lanes[lane] : peak;
    }
    for (; i < n; i++)
        peak = x[i] > peak ? x[i] : peak;
    return peak;
}
/* The last vector of a row, filled up with samples that add nothing. */
static inline vreal soft_last(const real *x, ptrdiff_t n, real fill)
{
    real lanes[CCONV_LANES];
    for (int lane = 0; lane < CCONV_LANES; lane++)
        lanes[lane] = lane < n ? x[lane] : fill;
    return vload(lanes);
}
static inline CCONV_INLINED void soft_row_add(int kind, int keep, soft_totals *t, real *kept, const real *x,
                                              const real *g, ptrdiff_t n)
{
    enum { L = CCONV_LANES };
    soft_totals sums = *t;
    ptrdiff_t i = 0;
    for (; i + L <= n; i += L) {
        vreal e = soft_add(kind, &sums, vload(x + i), soft_has_gradient(kind) ? vload(g + i) : vzero());
        if (keep)
            vstore(kept + i, e);
    }
    if (i < n) {
        real lanes[L];
        vstore(lanes, soft_add(kind, &sums, soft_last(x + i, n - i, -(real)INFINITY),
                               soft_has_gradient(kind) ? soft_last(g + i, n - i, 0) : vzero()));
        if (keep)
            memcpy(kept + i, lanes, (size_t)(n - i) * sizeof(real));
    }
    *t = sums;
}
/* The lanes' sums, pairwise, in every lane. */
static inline void soft_fold(vreal *sum, vreal *sum_low)
{
    real high[CCONV_LANES], low[CCONV_LANES];
    vstore(high, *sum);
    vstore(low, *sum_low);
    for (int half = CCONV_LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++) {
            real a = high[i], b = high[i + half], s = a + b, moved = s - a;
            low[i] += low[i + half] + ((a - (s - moved)) + (b - moved));
            high[i] = s;
        }
    *sum = vsplat(high[0]);
    *sum_low = vsplat(low[0]);
}
static inline CCONV_INLINED void soft_row_end(int kind, soft_totals *t)
{
    soft_fold(&t->sum, &t->sum_low);
    if (kind != SOFT_MAX)
        soft_fold(&t->dot, &t->dot_low);
    soft_end(kind, t);
}
static inline CCONV_INLINED void soft_row_store(int kind, int kept, real *dst, const soft_totals *totals,
                                                const real *x, const real *g, ptrdiff_t n)
{
    enum { L = CCONV_LANES };
    soft_totals t = *totals;
    ptrdiff_t i = 0;
    for (; i + L <= n; i += L)
        vstore(dst + i, soft_result(kind, kept, &t, vload(x + i), soft_has_gradient(kind) ? vload(g + i) : vzero()));
    if (i < n) {
        real lanes[L];
        vstore(lanes, soft_result(kind, kept, &t, soft_last(x + i, n - i, 0),
                                  soft_has_gradient(kind) ? soft_last(g + i, n - i, 0) : vzero()));
        memcpy(dst + i, lanes, (size_t)(n - i) * sizeof(real));
    }
}

/* --- across: rows side by side, a sample of each at a time; n is a multiple of LANES --- */

static inline void soft_columns_peak(soft_totals *t, const real *x, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i += CCONV_LANES, t++)
        t->peak = vgreater(vload(x + i), t->peak);
}
static inline CCONV_INLINED void soft_columns_add(int kind, int keep, soft_totals *t, real *kept, const real *x,
                                                  const real *g, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i += CCONV_LANES, t++) {
        vreal e = soft_add(kind, t, vload(x + i), soft_has_gradient(kind) ? vload(g + i) : vzero());
        if (keep)
            vstore(kept + i, e);
    }
}
static inline CCONV_INLINED void soft_columns_store(int kind, int kept, real *dst, const soft_totals *t, const real *x,
                                                    const real *g, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n; i += CCONV_LANES, t++)
        vstore(dst + i, soft_result(kind, kept, t, vload(x + i), soft_has_gradient(kind) ? vload(g + i) : vzero()));
}

#endif
