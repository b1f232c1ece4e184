/* SPDX-License-Identifier: Apache-2.0
 * Lagrangian choice over rate curves. See plan.h. Nothing here decides bytes but through errors of whole tensors, which
 * are rounded to steps that no machine's rounding moves. Host only. */
#include "enc/plan.h"

#include "enc/cost.h"
#include "enc/encoder.h"

#define LEAST_DB 2.0      /* below it the curves say little */
#define MOST_DB 104.0     /* above it steps become too small for the levels that there are */
#define GRID_DB 0.0625    /* steps in which ratios are chosen */
#define LEVEL_LOW (-30.0) /* dB between which levels are looked for */
#define LEVEL_HIGH 120.0
#define DB_A_BIT 6.020599913 /* 20 log10 2 */

static double slope(const mote_rates *r, unsigned i, unsigned k)
{
    return (r->bytes[k] - r->bytes[i]) / (r->snr[k] - r->snr[i]);
}

/* Slope at point i: the mean of those beside it, weighted so that the nearer point counts more. */
static double slope_at(const mote_rates *r, unsigned i)
{
    if (i == 0) return slope(r, 0, 1);
    if (i + 1 == r->n) return slope(r, i - 1, i);
    const double before = r->snr[i] - r->snr[i - 1], after = r->snr[i + 1] - r->snr[i];
    return (slope(r, i - 1, i) * after + slope(r, i, i + 1) * before) / (before + after);
}

/* Bytes at s dB: cubic between points, straight beyond them, and after the last at least as it must be. */
static double bytes_at(const mote_rates *r, double s)
{
    if (r->n == 1) return r->bytes[0] + (s - r->snr[0]) * (double)r->elements / 8 / DB_A_BIT;
    if (s <= r->snr[0]) return r->bytes[0] + (s - r->snr[0]) * slope(r, 0, 1);
    if (s >= r->snr[r->n - 1]) {
        const double least = (double)r->elements / 8 / DB_A_BIT, last = slope(r, r->n - 2, r->n - 1);
        return r->bytes[r->n - 1] + (s - r->snr[r->n - 1]) * (last > least ? last : least);
    }
    unsigned i = 0;
    while (s > r->snr[i + 1]) i++;
    const double h = r->snr[i + 1] - r->snr[i], t = (s - r->snr[i]) / h;
    const double a = slope_at(r, i) * h, b = slope_at(r, i + 1) * h, d = r->bytes[i + 1] - r->bytes[i];
    return r->bytes[i] + t * (a + t * (3 * d - 2 * a - b + t * (a + b - 2 * d)));
}

static double error_of(double snr)
{
    return snr >= MOTE_PLAN_EXACT ? 0 : mote_from_db(-snr);
}

static double cost_at(const mote_rates *r, double s, double price)
{
    return bytes_at(r, s) + price * error_of(s);
}

static double choose(const mote_rates *r, double level_db, double *snr)
{
    *snr = MOTE_PLAN_EXACT;
    if (r->n == 0) return r->exact;
    /* d bytes / d s = elements / (8 * 6.02) at high rate and d error / d s = -error ln 10 / 10: equal at level_db */
    const double price = (double)r->elements / (8 * DB_A_BIT) / (0.23025850929940458 * error_of(level_db));
    const double most = r->snr[r->n - 1] > MOST_DB ? r->snr[r->n - 1] : MOST_DB;
    double best = r->exact;
    for (unsigned i = 0; LEAST_DB + i * GRID_DB <= most; i++) {
        const double s = LEAST_DB + i * GRID_DB;
        const double cost = cost_at(r, s, price);
        if (cost >= best) continue;
        best = cost;
        *snr = s;
    }
    if (*snr >= MOTE_PLAN_EXACT) return r->exact;
    /* the bottom of the parabola through the best point and those beside it */
    const double before = cost_at(r, *snr - GRID_DB, price) - best, after = cost_at(r, *snr + GRID_DB, price) - best;
    if (*snr > LEAST_DB && before + after > 0) *snr += GRID_DB * 0.5 * (before - after) / (before + after);
    return bytes_at(r, *snr);
}

double mote_plan_choose(const mote_rates *r, size_t n, double level_db, double *snr)
{
    double bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += choose(&r[i], level_db, &snr[i]);
    return bytes;
}

double mote_plan_bytes(const mote_rates *r, size_t n, const double *snr)
{
    double bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += !snr || snr[i] >= MOTE_PLAN_EXACT ? r[i].exact : bytes_at(&r[i], snr[i]);
    return bytes;
}

double mote_plan_error(const mote_rates *r, size_t n, const double *snr)
{
    double error = 0, elements = 0;
    for (size_t i = 0; i < n; i++) {
        error += (double)r[i].elements * error_of(snr[i]);
        elements += (double)r[i].elements;
    }
    return elements > 0 ? error / elements : 0;
}

bool mote_plan_solve(const mote_rates *r, size_t n, double bytes, double error, double *snr)
{
    double low = LEVEL_LOW, high = LEVEL_HIGH;
    for (unsigned i = 0; i < 40; i++) { /* 150 dB / 2^40 is below every difference that matters */
        const double level = (low + high) / 2, sum = mote_plan_choose(r, n, level, snr);
        const bool more = bytes > 0 ? sum <= bytes : mote_plan_error(r, n, snr) > error;
        *(more ? &low : &high) = level;
    }
    /* the side that keeps to what was asked */
    const double sum = mote_plan_choose(r, n, bytes > 0 ? low : high, snr);
    return bytes > 0 ? sum <= bytes : mote_plan_error(r, n, snr) <= error;
}

mote_status mote_plan_rates(mote_rates *r, const mote_encode_options *o, const mote_model_tensor *t,
                            const uint8_t *data, mote_model_error *error)
{
    static const double at[] = { 4, 8, 12, 16, 20, 25, 31, 38, 46, 56 };
    mote_encode_options options = *o;
    mote_coded coded;
    *r = (mote_rates){ .elements = t->elements };
    options.method = MOTE_METHOD_LOSSLESS;
    mote_status st = mote_encode_tensor(&coded, &options, t, data, error);
    if (st != MOTE_OK) return st;
    r->exact = (double)coded.report.packed_bytes;
    mote_coded_free(&coded);
    options = *o;
    options.step = 0;
    options.snr_db = 20; /* where classes and union are chosen */
    double bytes[sizeof at / sizeof *at], noise[sizeof at / sizeof *at], signal = 0;
    st = mote_encode_rates(&options, t, data, at, sizeof at / sizeof *at, bytes, noise, &signal, error);
    for (size_t i = 0; i < sizeof at / sizeof *at && st == MOTE_OK && signal > 0; i++) {
        if (!(noise[i] > 0)) continue;
        const double snr = mote_to_db(signal / noise[i]);
        if (r->n && (snr < r->snr[r->n - 1] + 0.5 || bytes[i] <= r->bytes[r->n - 1])) continue; /* steps have limits */
        r->snr[r->n] = snr;
        r->bytes[r->n++] = bytes[i];
    }
    return st;
}
