/* SPDX-License-Identifier: Apache-2.0
 * Searching levels of a trellis: the best path against all paths, and SIMD against plain C. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "enc/trellis_search.h"

#define MOST 9000

static const struct {
    unsigned states, h0, h1;
} codes[] = { { 8, 013, 04 },      { 16, 023, 04 },        { 32, 045, 010 },       { 64, 0103, 024 },
              { 256, 0515, 0362 }, { 1024, 02107, 01722 }, { 2048, 06215, 03722 }, { 1, 0, 0 } };
#define CODES (int)(sizeof codes / sizeof *codes)

static uint64_t seed;

static uint32_t random32(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 20);
}

/* -1 .. 1 */
static float uniform(void)
{
    return (float)(random32() & 0xFFFFFF) / 8388608.0f - 1;
}

static mote_trellis trellis_of(int code, bool zero, bool offsets)
{
    mote_trellis t = { codes[code].states, codes[code].h0, codes[code].h1, zero, { 0 } };
    for (unsigned i = 1; i < 4 && offsets; i++) t.offset[i] = uniform() * 0.2f;
    return t;
}

static void random_prices(mote_level_prices *p)
{
    for (unsigned q = 0; q < 2; q++) {
        for (int k = 0; k < 2 * MOTE_PRICE_SPAN; k++) p->bits[q][k] = (uniform() + 1) * 6;
        p->beyond[q][0] = 20;
        p->beyond[q][1] = random32() % 2 ? 21 : 1e6f;
    }
}

static void *workspace(unsigned states)
{
    void *p = aligned_alloc(32, (mote_trellis_bytes(states) + 31) & ~(size_t)31);
    ck_assert_ptr_nonnull(p);
    return p;
}

/* Cost of a path in binary64. */
static double cost_of(const mote_trellis *t, const float *x, const float *weight, size_t n, const mote_level_prices *p,
                      double lambda, const int32_t *level)
{
    double sum = 0;
    unsigned s = 0;
    for (size_t i = 0; i < n; i++) {
        const unsigned q = t->states == 1 ? 0 : s & 1;
        const int32_t v = mote_trellis_multiple(t, q, level[i]), a = abs(v);
        const double value =
            v < 0 ? -(a + (a < 4 ? (double)t->offset[a] : 0)) : a + (a < 4 && a ? (double)t->offset[a] : 0);
        const double e = (double)x[i] - value;
        sum += (double)weight[i] * e * e + lambda * (double)p->bits[q][level[i] + MOTE_PRICE_SPAN];
        s = mote_trellis_next(t, s, level[i]);
    }
    return sum;
}

/* The least cost of all paths of n values whose levels lie in -5..5, by trying them all. */
static double least(const mote_trellis *t, const float *x, const float *weight, size_t n, const mote_level_prices *p,
                    double lambda, int32_t *level, size_t at)
{
    if (at == n) return cost_of(t, x, weight, n, p, lambda, level);
    double best = 1e30;
    for (level[at] = -5; level[at] <= 5; level[at]++) {
        const double c = least(t, x, weight, n, p, lambda, level, at + 1);
        if (c < best) best = c;
    }
    return best;
}

/* With prices that grow with the distance from zero no farther level than the two neighbours can win. */
START_TEST(best_of_all_paths)
{
    mote_level_prices p = { .beyond = { { 40, 40 }, { 40, 40 } } };
    for (unsigned q = 0; q < 2; q++)
        for (int k = 0; k < 2 * MOTE_PRICE_SPAN; k++) p.bits[q][k] = 1.5f + 0.2f * (float)abs(k - MOTE_PRICE_SPAN);
    uint8_t quantiser[5];
    void *work = workspace(2048);
    seed = 7;
    for (unsigned again = 0; again < 12; again++) {
        const mote_trellis t = trellis_of(_i, again & 1, again & 2);
        const size_t n = 1 + again % 5;
        float x[5], weight[5];
        int32_t level[5], tried[5];
        for (size_t i = 0; i < n; i++) {
            x[i] = uniform() * 5;
            weight[i] = again & 4 ? uniform() + 1.25f : 1;
        }
        const float lambda = again & 8 ? 0 : 0.3f;
        const mote_sequence sequence = { x, NULL, weight, n, level, quantiser };
        mote_trellis_search(mote_trellis_steps_best(&t), &t, &sequence, 1, &p, lambda, work);
        const double found = cost_of(&t, x, weight, n, &p, (double)lambda, level);
        const double best = least(&t, x, weight, n, &p, (double)lambda, tried, 0);
        ck_assert_double_le(found, best + 1e-5);
    }
    free(work);
}
END_TEST

START_TEST(avx2_is_plain)
{
    if (!mote_trellis_steps_avx2()) return;
    static float x[MOST], weight[MOST];
    static uint8_t table[MOST], quantiser[2][MOST];
    static uint16_t place[2][MOST];
    static float rebuilt[2][MOST];
    static int32_t a[MOST], b[MOST];
    static mote_level_prices p[5];
    void *work = workspace(2048);
    seed = 88172645463325252;
    for (unsigned again = 0; again < 48; again++) {
        const mote_trellis t = trellis_of(_i, again & 1, again & 2);
        const float range = again % 5 == 0 ? 1000 : again % 5 == 1 ? 130 : 12;
        const size_t n = again % 4 == 0 ? again : again % 4 == 1 ? 300 + again : again % 4 == 2 ? 2176 : MOST;
        for (unsigned i = 0; i < 5; i++) random_prices(&p[i]);
        for (size_t i = 0; i < n; i++) {
            x[i] = uniform() * range;
            if (again % 7 == 0) x[i] = (float)(int)x[i]; /* ties */
            if (random32() % 997 == 0) x[i] *= 1000;
            weight[i] = uniform() + 1;
            table[i] = (uint8_t)(random32() % 5);
        }
        const uint8_t *tables = again & 4 ? table : NULL;
        const float *weights = again & 8 ? weight : NULL;
        const mote_trellis_steps *best = mote_trellis_steps_best(&t), *plain = mote_trellis_steps_plain();
        ck_assert(t.states == 16 || best == mote_trellis_steps_avx2());
        /* SIMD searches two sequences at once: of about the same length, or one long before the other at the end */
        const size_t half = again % 3 == 0 ? n / 2 : again % 3 == 1 ? n : n / 7;
        for (unsigned i = 0; i < 2; i++) {
            const mote_sequence s[3] = {
                { x, tables, weights, half, i ? b : a, quantiser[i] },
                { x, tables, weights, 0, i ? b : a, quantiser[i] },
                { x + half, tables ? tables + half : NULL, weights ? weights + half : NULL, n - half,
                  (i ? b : a) + half, quantiser[i] + half },
            };
            const mote_sequence two[2] = { s[0], s[2] };
            mote_trellis_search(i ? plain : best, &t, again & 2 ? s : two, again & 2 ? 3 : 2, p, 0.3f, work);
        }
        ck_assert_msg(n == 0 || memcmp(a, b, n * sizeof *a) == 0, "%u states, case %u", t.states, again);
        ck_assert(n == 0 || memcmp(quantiser[0], quantiser[1], n) == 0);
        mote_found_sums sums[2] = { { .error = 1 }, { .error = 1 } };
        bool far[2];
        for (unsigned i = 0; i < 2; i++) {
            const mote_found f = { .x = x,
                                   .weight = weights,
                                   .level = a,
                                   .quantiser = quantiser[0],
                                   .place = place[i],
                                   .rebuilt = again & 16 ? rebuilt[i] : NULL,
                                   .step = 0.37f,
                                   .near = { 0, 0.3f, 0.7f, 1 } };
            far[i] = mote_trellis_look(i ? plain : best, &t, &f, n, &sums[i]);
        }
        ck_assert_msg(memcmp(&sums[0], &sums[1], sizeof sums[0]) == 0 && far[0] == far[1], "case %u", again);
        ck_assert(n == 0 || memcmp(place[0], place[1], n * sizeof **place) == 0);
        ck_assert(memcmp(rebuilt[0], rebuilt[1], sizeof rebuilt[0]) == 0);
    }
    free(work);
}
END_TEST

/* What more states gain over rounding with steps of 2 at high rates: 1.10, 1.21, 1.39 dB for 8, 32, 2048. */
START_TEST(gains)
{
    static const double about[] = { 0.2589, 0.2567, 0.2525, 0.249, 0.2462, 0.2429, 0.2419, 0.3312 };
    static float x[MOST];
    static int32_t level[MOST];
    static uint8_t quantiser[MOST];
    static const mote_level_prices free_of_charge;
    void *work = workspace(2048);
    const mote_trellis t = trellis_of(_i, false, false);
    double e = 0;
    unsigned s = 0;
    seed = 4711;
    for (size_t i = 0; i < MOST; i++) x[i] = uniform() * 40;
    const mote_sequence sequence = { x, NULL, NULL, MOST, level, quantiser };
    mote_trellis_search(mote_trellis_steps_best(&t), &t, &sequence, 1, &free_of_charge, 0, work);
    for (size_t i = 0; i < MOST; i++) {
        const double d = (double)x[i] - mote_trellis_multiple(&t, t.states == 1 ? 0 : s & 1, level[i]);
        e += d * d / MOST;
        ck_assert_uint_eq(quantiser[i], t.states == 1 ? 0 : s & 1);
        s = mote_trellis_next(&t, s, level[i]);
    }
    ck_assert_msg(e < about[_i] * 1.004 && e > about[_i] * 0.996, "%u states: %.4f", t.states, e);
    free(work);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("trellis search");
    TCase *c = tcase_create("search");
    tcase_add_loop_test(c, best_of_all_paths, 0, CODES);
    tcase_add_loop_test(c, avx2_is_plain, 0, CODES);
    tcase_add_loop_test(c, gains, 0, CODES);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
