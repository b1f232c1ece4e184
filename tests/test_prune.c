/* SPDX-License-Identifier: Apache-2.0
 * Which elements pruning takes: neighbours and rows against their definitions, and what the positions cost. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "enc/prune.h"
#include "le_floats.h"
#include "mote/encode.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

enum { ROWS = 64, COLS = 256 };
static float weights[ROWS * COLS];

/* As packages hold them. */
static const uint8_t *held(void)
{
    static uint8_t bytes[sizeof weights];
    le_floats(bytes, weights, N(weights));
    return bytes;
}

static void fill(uint64_t seed, unsigned steps)
{
    uint64_t s = seed + 1;
    for (size_t i = 0; i < N(weights); i++) {
        double x = 0;
        for (unsigned k = 0; k < 4; k++) {
            s = s * 6364136223846793005u + 1442695040888963407u;
            x += (double)(s >> 40) / 16777216.0 - 0.5;
        }
        weights[i] = (float)(steps ? floor(x * steps) / steps : x);
    }
}

static bool is_gone(const uint8_t *gone, size_t i)
{
    return gone[i / 8] >> i % 8 & 1;
}

START_TEST(of_neighbours_the_largest_stay)
{
    static const unsigned kinds[][2] = { { 2, 4 }, { 1, 4 }, { 3, 4 }, { 1, 2 }, { 4, 8 }, { 5, 16 }, { 2, 3 } };
    const unsigned n = kinds[_i][0], m = kinds[_i][1], cols = 37, rows = 40;
    fill((uint64_t)_i, _i % 2 ? 6 : 0); /* few steps: many are equal */
    uint8_t gone[(37 * 40 + 7) / 8] = { 0 };
    mote_prune_neighbours(gone, held(), MOTE_F32, rows, cols, n, m);
    for (unsigned r = 0; r < rows; r++)
        for (unsigned c = 0; c < cols; c += m) {
            const unsigned k = cols - c < m ? cols - c : m;
            unsigned stay = 0;
            for (unsigned i = 0; i < k; i++) stay += !is_gone(gone, r * cols + c + i);
            ck_assert_uint_eq(stay, k < n ? k : n);
            for (unsigned i = 0; i < k; i++)
                for (unsigned j = 0; j < k; j++) {
                    const size_t a = r * cols + c + i, b = r * cols + c + j;
                    if (is_gone(gone, a) || !is_gone(gone, b)) continue; /* a stays, b does not */
                    ck_assert(fabsf(weights[a]) > fabsf(weights[b]) ||
                              (fabsf(weights[a]) == fabsf(weights[b]) && a < b));
                }
        }
}
END_TEST

START_TEST(rows_of_the_least_norm_go)
{
    static const double fractions[] = { 0, 0.01, 0.25, 0.5, 0.99 };
    for (size_t f = 0; f < N(fractions); f++) {
        uint8_t gone[ROWS * COLS / 8] = { 0 };
        fill(f, 0);
        for (size_t i = 0; i < N(weights); i++) weights[i] *= (float)(i / COLS * 7 % 13); /* some are equal: all zero */
        ck_assert_int_eq(mote_prune_rows(gone, held(), MOTE_F32, ROWS, COLS, fractions[f]), MOTE_OK);
        double least = 1e300, most = 0;
        unsigned rows = 0, last_kept_zero = 0, first_gone_zero = ROWS;
        for (unsigned r = 0; r < ROWS; r++) {
            double norm = 0;
            for (unsigned c = 0; c < COLS; c++) {
                norm += (double)weights[r * COLS + c] * weights[r * COLS + c];
                ck_assert_int_eq(is_gone(gone, r * COLS + c), is_gone(gone, r * COLS));
            }
            const bool away = is_gone(gone, r * COLS);
            rows += away;
            if (away && norm > most) most = norm;
            if (!away && norm < least) least = norm;
            if (norm == 0 && !away) last_kept_zero = r;
            if (norm == 0 && away && r < first_gone_zero) first_gone_zero = r;
        }
        ck_assert_uint_eq(rows, (unsigned)(fractions[f] * ROWS));
        ck_assert(most <= least);
        ck_assert(first_gone_zero == ROWS || last_kept_zero <= first_gone_zero || least > 0);
    }
}
END_TEST

static mote_encode_report report(mote_encode_options o)
{
    const mote_model_tensor t = { .name = "w",
                                  .dtype = MOTE_F32,
                                  .rank = 2,
                                  .shape = { ROWS, COLS },
                                  .elements = ROWS * COLS,
                                  .bytes = sizeof weights };
    mote_model_error error;
    mote_coded c;
    ck_assert_int_eq(mote_encode_tensor(&c, &o, &t, held(), &error), MOTE_OK);
    const mote_encode_report r = c.report;
    mote_coded_free(&c);
    return r;
}

/* 2 of 4: one of six nibbles for four weights; a row that is gone: next to nothing. */
START_TEST(positions_cost_what_they_say)
{
    mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
    o.profile = MOTE_PROFILE_HOST;
    fill(9, 0);
    o.keep = 2;
    o.of = 4;
    mote_encode_report r = report(o);
    const double n = ROWS * COLS, states = 4 * 32 + 8;
    ck_assert(r.layout == MOTE_LAYOUT_BITMASK && r.kept == ROWS * COLS / 2);
    ck_assert((double)r.layout_bytes <= n / 8 * log2(6) / 4 + states);
    o.keep = 1;
    r = report(o);
    ck_assert(r.kept == ROWS * COLS / 4 && (double)r.layout_bytes <= n / 8 * 0.5 + states);
    o.keep = o.of = 0;
    o.prune_rows = 0.5;
    r = report(o);
    ck_assert(r.kept == ROWS * COLS / 2 && r.layout_bytes < 80);
}
END_TEST

START_TEST(impossible_options_are_refused)
{
    static const mote_encode_options rows[] = {
#define O(...) { .struct_size = sizeof(mote_encode_options), __VA_ARGS__ }
        O(.keep = 4, .of = 4),
        O(.of = 4),
        O(.keep = 1),
        O(.keep = 3, .of = 17),
        O(.prune_rows = 1),
        O(.prune_rows = -0.1),
        O(.prune_rows = NAN),
        O(.prune_rows = 0.5, .keep = 2, .of = 4),
        O(.residual = 4, .scale_dtype = MOTE_F32),
        O(.residual = 9, .rank = 2, .scale_dtype = MOTE_F32),
        O(.residual = 4, .rank = 2, .scale_dtype = MOTE_F64),
        O(.prune_fraction = 0.5, .keep = 2, .of = 4),
    };
    const mote_model_tensor t = {
        .name = "w", .dtype = MOTE_F32, .rank = 1, .shape = { 4 }, .elements = 4, .bytes = 16
    };
    mote_coded c;
    for (size_t i = 0; i < N(rows); i++)
        ck_assert_msg(mote_encode_tensor(&c, &rows[i], &t, held(), NULL) == MOTE_ERR_ARG, "row %zu", i);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("prune");
    TCase *tc = tcase_create("all");
    tcase_add_loop_test(tc, of_neighbours_the_largest_stay, 0, 7);
    tcase_add_test(tc, rows_of_the_least_norm_go);
    tcase_add_test(tc, positions_cost_what_they_say);
    tcase_add_test(tc, impossible_options_are_refused);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
