/* SPDX-License-Identifier: Apache-2.0
 * The scale search and the quantiser. Everything is + - * / on binary32 and binary64 in a stated order, and rounding is
 * done by adding and subtracting 1.5 * 2^52 (2^23), so the codes do not depend on compiler or machine. Host only. */
#include "enc/quant.h"

#include <float.h>
#include <stdbool.h>
#include <string.h>

#include "common/casts.h"

_Static_assert(FLT_EVAL_METHOD == 0, "wider registers would give other codes: see CMakeLists.txt");

#define ROUND64 6755399441055744.0
#define ROUND32 12582912.0f
#define RUN 512 /* values summed in binary32 */

static uint32_t float_bits(float x)
{
    uint32_t b;
    memcpy(&b, &x, 4);
    return b;
}

static float bits_float(uint32_t b)
{
    float x;
    memcpy(&x, &b, 4);
    return x;
}

uint32_t mote_scale_bits(unsigned scale_dtype, float scale)
{
    uint32_t b = float_bits(scale);
    return scale_dtype == MOTE_F16 ? mote_f32_to_f16(b) : scale_dtype == MOTE_BF16 ? mote_f32_to_bf16(b) : b;
}

static float scale_value(unsigned scale_dtype, uint32_t b)
{
    return bits_float(scale_dtype == MOTE_F16 ? mote_f16_to_f32(b) : scale_dtype == MOTE_BF16 ? b << 16 : b);
}

float mote_scale_round(unsigned scale_dtype, double s)
{
    const uint32_t infinity = scale_dtype == MOTE_F16 ? 0x7C00 : scale_dtype == MOTE_BF16 ? 0x7F80 : 0x7F800000;
    uint32_t b = mote_scale_bits(scale_dtype, s < 3.0e38 ? (float)s : 3.0e38f);
    if (b == 0) b = 1;
    if (b >= infinity) b = infinity - 1;
    return scale_value(scale_dtype, b);
}

static float next_scale(unsigned scale_dtype, float scale)
{
    float up = scale_value(scale_dtype, mote_scale_bits(scale_dtype, scale) + 1);
    return up < 3.4e38f ? up : scale;
}

/* Squared error in units of scale^2: values become codes around 0 (code - zero_point). */
static double code_error(const float *x, size_t n, float inverse, float lo, float hi)
{
    double sum = 0;
    for (size_t at = 0; at < n; at += RUN) {
        size_t k = n - at < RUN ? n - at : RUN, i = 0;
        float acc[8] = { 0 };
        for (; i + 8 <= k; i += 8)
            for (unsigned j = 0; j < 8; j++) {
                float y = x[at + i + j] * inverse, c = y < lo ? lo : y;
                c = c > hi ? hi : c;
                float e = y - ((c + ROUND32) - ROUND32);
                acc[j] += e * e;
            }
        for (; i < k; i++) {
            float y = x[at + i] * inverse, c = y < lo ? lo : y;
            c = c > hi ? hi : c;
            float e = y - ((c + ROUND32) - ROUND32);
            acc[i % 8] += e * e;
        }
        for (unsigned j = 0; j < 8; j++) sum += acc[j];
    }
    return sum;
}

/* One candidate: the largest magnitudes times ratio just fit. */
typedef struct candidate {
    float scale;
    uint16_t zero_point;
    double error;
} candidate;

static candidate try_ratio(const mote_affine *a, const float *x, size_t n, double least, double most, double ratio)
{
    candidate c;
    const double lo = mote_code_min(a), hi = mote_code_max(a);
    double s;
    if (a->zero) {
        s = (most - least) * ratio / (hi - lo);
    } else {
        s = most / (hi > 0 ? hi : 1);
        double other = -least / -lo;
        s = (s > other ? s : other) * ratio;
    }
    c.scale = mote_scale_round(a->scale_dtype, s);
    if (ratio == 1 && c.scale < s) c.scale = next_scale(a->scale_dtype, c.scale); /* nothing is clipped */
    double z = a->zero ? -least * ratio / (double)c.scale : 0;
    z = z > hi ? hi : z < 0 ? 0 : z;
    c.zero_point = (uint16_t)((z + ROUND64) - ROUND64);
    c.error = 0;
    if (n && c.scale > 1e-35f) {
        double e = code_error(x, n, 1 / c.scale, (float)(lo - c.zero_point), (float)(hi - c.zero_point));
        c.error = e * c.scale * c.scale;
    }
    return c;
}

/* Lloyd's iteration: the mean of the magnitudes above half the scale, from several starts. */
static double fit_ternary(const float *x, size_t n, double most)
{
    double best = 0, best_gain = -1;
    for (unsigned start = 1; start <= 8; start++) {
        double scale = most * start / 8, gain = 0;
        for (unsigned i = 0; i < 30; i++) {
            const double half = scale / 2;
            double sum = 0;
            size_t k = 0;
            for (size_t j = 0; j < n; j++) {
                const double y = x[j] < 0 ? -(double)x[j] : x[j];
                sum += y > half ? y : 0;
                k += y > half;
            }
            if (k == 0 || sum / (double)k == scale) break;
            scale = sum / (double)k;
            gain = sum * scale; /* what coding them takes off the sum of squares */
        }
        if (gain > best_gain) best_gain = gain, best = scale;
    }
    return best;
}

void mote_affine_fit(const mote_affine *a, const float *x, size_t n, float least, float most, float *scale,
                     uint16_t *zero_point)
{
    *scale = 1;
    *zero_point = 0;
    if (least > 0) least = 0; /* zero is always a code */
    if (most < 0) most = 0;
    const bool binary = a->bits == 1 && !a->zero; /* has no zero: the smallest scale comes nearest */
    if (least == 0 && most == 0) {
        if (binary) *scale = mote_scale_round(a->scale_dtype, 0);
        return;
    }
    if (binary) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += x[i] < 0 ? -x[i] : x[i];
        *scale = mote_scale_round(a->scale_dtype, sum / (double)n);
        if (a->dtype == MOTE_F16 && *scale > 65504)
            *scale = mote_scale_round(a->scale_dtype, 65280); /* bf16 has none between */
        return;
    }
    if (a->ternary) {
        *scale = mote_scale_round(a->scale_dtype, fit_ternary(x, n, -least > most ? -(double)least : most));
        if (a->dtype == MOTE_F16 && *scale > 65504) *scale = mote_scale_round(a->scale_dtype, 65280);
        return;
    }
    candidate best = try_ratio(a, x, a->bits == 16 ? 0 : n, least, most, 1);
    if (a->bits <= 8) {
        double ratio = 1, best_ratio = 1;
        unsigned worse = 0;
        for (unsigned i = 0; i < 24 && worse < 4; i++) {
            ratio *= 0.9;
            candidate c = try_ratio(a, x, n, least, most, ratio);
            worse = c.error < best.error ? 0 : worse + 1;
            if (c.error < best.error) best = c, best_ratio = ratio;
        }
        double step = 0.1;
        for (unsigned i = 0; i < 4; i++) {
            step /= 2;
            double at = best_ratio;
            for (int k = -1; k <= 1; k += 2) {
                double r = at * (1 + k * step);
                if (r > 1) continue;
                candidate c = try_ratio(a, x, n, least, most, r);
                if (c.error < best.error) best = c, best_ratio = r;
            }
        }
    }
    *scale = best.scale;
    *zero_point = best.zero_point;
}

double mote_finite_max(unsigned dtype)
{
    return dtype == MOTE_F16 ? 65504.0 : dtype == MOTE_BF16 ? 3.3895313892515355e38 : 3.4028234663852886e38;
}

/* The largest |code - zero point| whose value is finite in the entry's dtype. */
static double finite_limit(const mote_affine *a, float scale)
{
    double q = mote_finite_max(a->dtype) / (double)scale;
    return q < 65536 ? (double)(int32_t)q : 65536;
}

void mote_affine_quantise(const mote_affine *a, const double *x, size_t n, float scale, uint16_t zero_point, int drop,
                          uint16_t *code)
{
    const int32_t base = mote_code_min(a);
    if (a->bits == 1 && !a->zero) {
        for (size_t i = 0; i < n; i++) code[i] = (uint16_t)(drop && x[i] == 0 ? MOTE_CODE_DROPPED : x[i] >= 0);
        return;
    }
    const double inverse = 1 / (double)scale, limit = finite_limit(a, scale);
    double lo = (double)base - zero_point, hi = (double)mote_code_max(a) - zero_point;
    if (a->ternary) lo = -1;
    if (lo < -limit) lo = -limit;
    if (hi > limit) hi = limit;
    const int32_t shift = (int32_t)zero_point - base;
    for (size_t i = 0; i < n; i++) {
        double y = x[i] * inverse;
        y = y < lo ? lo : y;
        y = y > hi ? hi : y;
        code[i] = (uint16_t)((int32_t)((y + ROUND64) - ROUND64) + shift);
    }
    for (size_t i = 0; drop && i < n; i++)
        if (code[i] == shift) code[i] = MOTE_CODE_DROPPED;
}

float mote_affine_value(const mote_affine *a, uint16_t code, float scale, uint16_t zero_point)
{
    if (code == MOTE_CODE_DROPPED) return 0;
    int32_t q = code + mote_code_min(a);
    if (a->bits == 1 && !a->zero) return (float)(2 * q + 1) * scale;
    return (float)(q - zero_point) * scale;
}
