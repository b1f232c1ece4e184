/* SPDX-License-Identifier: Apache-2.0
 * Codebooks and their like as the encoder makes them: k-means against every partition, rounding to f8 against every
 * value, ternary scales against every threshold, few distinct values. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/casts.h"
#include "enc/book.h"
#include "enc/f8.h"
#include "le_floats.h"
#include "mote/encode.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t state = 1;

static unsigned below(unsigned n)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((state >> 33) % n);
}

static uint32_t bits_of(float x)
{
    uint32_t b;
    memcpy(&b, &x, 4);
    return b;
}

static float value_of(uint32_t b)
{
    float x;
    memcpy(&x, &b, 4);
    return x;
}

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* --- k-means --- */

static double error_with(const float *entry, unsigned k, const float *x, const float *w, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double least = 1e300;
        for (unsigned c = 0; c < k; c++) {
            const double d = ((double)x[i] - entry[c]) * ((double)x[i] - entry[c]);
            if (d < least) least = d;
        }
        sum += w[i] * least;
    }
    return sum;
}

/* The least error of x[0..n) in k runs, all cuts tried. */
static double best_error(const float *x, const float *w, size_t n, unsigned k)
{
    if (n == 0) return 0;
    double best = 1e300;
    for (size_t i = k == 1 ? 0 : n; i-- > 0 || k == 1;) { /* the last run begins at i */
        if (k == 1) i = 0;
        double sw = 0, sx = 0, e = 0;
        for (size_t j = i; j < n; j++) {
            sw += w[j];
            sx += (double)w[j] * x[j];
        }
        for (size_t j = i; j < n; j++) e += w[j] * (x[j] - sx / sw) * (x[j] - sx / sw);
        if (k > 1) e += best_error(x, w, i, k - 1);
        if (e < best) best = e;
        if (k == 1) break;
    }
    return best;
}

START_TEST(k_means_of_few_values_is_the_optimum)
{
    for (unsigned round = 0; round < 200; round++) {
        float x[10], w[10], entry[4];
        const size_t n = 1 + below(10);
        const unsigned k = 2 + below(3);
        for (size_t i = 0; i < n; i++) {
            x[i] = (float)below(round % 3 ? 1000 : 4) - 500;
            w[i] = round % 2 ? 1 : (float)(1 + below(9));
        }
        qsort(x, n, sizeof *x, ascending);
        ck_assert_int_eq(mote_kmeans(entry, k, x, w, n), MOTE_OK);
        for (unsigned c = 1; c < k; c++) ck_assert(entry[c - 1] <= entry[c]);
        const double e = error_with(entry, k, x, w, n), best = best_error(x, w, n, k);
        ck_assert_msg(e <= best * (1 + 1e-5) + 1e-6, "round %u: %g, not %g", round, e, best);
    }
}
END_TEST

/* A uniform density: k equal cells, error 1/12 of the square of one. Far outliers get entries of their own. */
START_TEST(k_means_of_many_values)
{
    static float x[100000];
    float entry[16];
    for (size_t i = 0; i < N(x); i++) x[i] = (float)i / N(x);
    ck_assert_int_eq(mote_kmeans(entry, 16, x, NULL, N(x)), MOTE_OK);
    for (unsigned c = 0; c < 16; c++) ck_assert(fabs(entry[c] - (c + 0.5) / 16) < 1e-3);
    x[N(x) - 1] = 1000;
    ck_assert_int_eq(mote_kmeans(entry, 16, x, NULL, N(x)), MOTE_OK);
    ck_assert(entry[15] == 1000);
    ck_assert_int_eq(mote_kmeans(entry, 16, x, NULL, 0), MOTE_OK);
    for (unsigned c = 0; c < 16; c++) ck_assert(entry[c] == 0);
}
END_TEST

/* --- f8 --- */

START_TEST(f8_is_the_nearest)
{
    static const unsigned types[] = { MOTE_F8_E4M3, MOTE_F8_E5M2 };
    const unsigned dtype = types[_i];
    const double most = _i ? 57344 : 448;
    for (unsigned x = 0; x < 256; x++) {
        const double v = mote_f8_value((uint8_t)x, dtype);
        if (v - v != 0) continue;
        ck_assert_uint_eq(mote_f32_to_f8(bits_of((float)v), dtype), x);
    }
    for (unsigned i = 0; i < 100000; i++) {
        const uint32_t b = below(2) << 31 | (0x34000000 + below(_i ? 0x16000000 : 0x10000000));
        const double v = value_of(b), got = mote_f8_value(mote_f32_to_f8(b, dtype), dtype);
        if (fabs(v) > most) continue;
        double least = 1e300;
        for (unsigned x = 0; x < 256; x++) {
            const double y = mote_f8_value((uint8_t)x, dtype);
            if (y - y == 0 && fabs(y - v) < least) least = fabs(y - v);
        }
        ck_assert_msg(fabs(got - v) == least, "%a became %a", v, got);
    }
}
END_TEST

START_TEST(f8_at_its_edges)
{
    static const struct {
        float x;
        uint8_t e4m3, e5m2;
    } rows[] = { { 0.0f, 0, 0 },          { -0.0f, 0x80, 0x80 },    { 448, 0x7E, 0x5F },
                 { 463.9f, 0x7E, 0x5F },  { 464, 0x7E, 0x5F }, /* half way to where NaN is: to even */
                 { 464.1f, 0x7F, 0x5F },  { 61439, 0x7F, 0x7B },    { 61440, 0x7F, 0x7C },
                 { 1e30f, 0x7F, 0x7C },   { INFINITY, 0x7F, 0x7C }, { -INFINITY, 0xFF, 0xFC },
                 { 0x1p-9f, 1, 0x18 },    { 0x1p-10f, 0, 0x14 }, /* half way: to even */
                 { 0x1.8p-9f, 2, 0x1A },  { 0x1p-16f, 0, 1 },       { 0x1p-17f, 0, 0 },
                 { 1.0625f, 0x38, 0x3C }, { 1.1875f, 0x3A, 0x3D } };
    for (size_t i = 0; i < N(rows); i++) {
        ck_assert_msg(mote_f32_to_f8(bits_of(rows[i].x), MOTE_F8_E4M3) == rows[i].e4m3, "e4m3 of %a", rows[i].x);
        ck_assert_msg(mote_f32_to_f8(bits_of(rows[i].x), MOTE_F8_E5M2) == rows[i].e5m2, "e5m2 of %a", rows[i].x);
    }
    ck_assert_uint_eq(mote_f32_to_f8(0x7F800001, MOTE_F8_E4M3), 0x7F);
    ck_assert_uint_eq(mote_f32_to_f8(0xFFC00000, MOTE_F8_E5M2), 0xFF);
}
END_TEST

/* --- ternary --- */

START_TEST(ternary_scales_are_near_the_optimum)
{
    for (unsigned round = 0; round < 50; round++) {
        float x[64], scale, most = 0;
        const size_t n = 2 + below(62);
        for (size_t i = 0; i < n; i++) {
            x[i] = (float)below(2000) / 1000 - 1;
            if (round % 2) x[i] *= x[i] * x[i];
            if (fabsf(x[i]) > most) most = fabsf(x[i]);
        }
        const mote_affine a = { .bits = 2, .ternary = 1, .scale_dtype = MOTE_F32, .dtype = MOTE_F32 };
        uint16_t zero;
        mote_affine_fit(&a, x, n, -most, most, &scale, &zero);
        double gain = 0, best = 0; /* what coding the k largest takes off the sum of squares */
        float sorted[64];
        for (size_t i = 0; i < n; i++) sorted[i] = fabsf(x[i]);
        qsort(sorted, n, sizeof *sorted, ascending);
        double sum = 0;
        for (size_t k = 1; k <= n; k++) {
            sum += sorted[n - k];
            if (sum * sum / (double)k > best) best = sum * sum / (double)k;
        }
        for (size_t i = 0; i < n; i++) {
            uint16_t code;
            const double v = x[i];
            mote_affine_quantise(&a, &v, 1, scale, 0, 0, &code);
            ck_assert(code >= 1 && code <= 3); /* never -2 */
            const double y = mote_affine_value(&a, code, scale, 0);
            gain += v * v - (v - y) * (v - y);
        }
        ck_assert_msg(gain >= 0.98 * best, "round %u: %g of %g", round, gain, best);
    }
}
END_TEST

/* --- whole tensors --- */

enum { ROWS = 96, COLS = 80 };
static float weights[ROWS * COLS];

static mote_coded encode(mote_encode_options o)
{
    const mote_model_tensor t = { .name = "w",
                                  .dtype = MOTE_F32,
                                  .rank = 2,
                                  .shape = { ROWS, COLS },
                                  .elements = ROWS * COLS,
                                  .bytes = sizeof weights };
    mote_model_error error;
    mote_coded c;
    uint8_t *data = le_floats_copy(weights, N(weights));
    ck_assert_int_eq(mote_encode_tensor(&c, &o, &t, data, &error), MOTE_OK);
    free(data);
    return c;
}

static double snr(const mote_encode_report *r)
{
    return 10 * log10(r->signal / r->noise);
}

static void fill(void)
{
    for (size_t i = 0; i < N(weights); i++) {
        double x = -6;
        for (unsigned k = 0; k < 12; k++) x += below(1 << 20) / 1048576.0;
        weights[i] = (float)(0.05 * x * (1 + (double)(i / COLS % 5)));
    }
}

START_TEST(few_distinct_values_are_held_exactly)
{
    static const unsigned distinct[] = { 2, 3, 100, 256, 257 };
    for (size_t k = 0; k < N(distinct); k++) {
        for (size_t i = 0; i < N(weights); i++) {
            const unsigned q = i < distinct[k] ? (unsigned)i : below(distinct[k]);
            weights[i] = 0.0123f * ((float)q - 60);
        }
        mote_coded c = encode((mote_encode_options)MOTE_ENCODE_OPTIONS_INIT);
        ck_assert(c.report.noise == 0);
        ck_assert_uint_eq(c.report.numeric == MOTE_NUM_CODEBOOK, distinct[k] <= 256);
        mote_coded_free(&c);
    }
    weights[5] = -0.0f; /* a table cannot tell it from 0 */
    for (size_t i = 10; i < N(weights); i++) weights[i] = (float)below(2) - 0.5f;
    mote_coded c = encode((mote_encode_options)MOTE_ENCODE_OPTIONS_INIT);
    ck_assert(c.report.numeric != MOTE_NUM_CODEBOOK && c.report.noise == 0);
    mote_coded_free(&c);
}
END_TEST

/* Errors that the methods are known for, on bell-shaped weights in rows of five scales. */
START_TEST(methods_reach_their_errors)
{
    static const struct {
        const char *name;
        mote_encode_options o;
        double least; /* dB */
    } rows[] = {
#define O(...) { .struct_size = sizeof(mote_encode_options), .scale_dtype = MOTE_F32, __VA_ARGS__ }
        { "binary", O(.method = MOTE_METHOD_AFFINE, .bits = 1, .scope = MOTE_SCOPE_ROW), 4.2 },
        { "ternary", O(.method = MOTE_METHOD_AFFINE, .bits = 2, .ternary = 1, .scope = MOTE_SCOPE_ROW), 6.2 },
        { "4 entries", O(.method = MOTE_METHOD_CODEBOOK, .entries = 4, .scope = MOTE_SCOPE_ROW), 9.2 },
        { "16 entries", O(.method = MOTE_METHOD_CODEBOOK, .entries = 16, .scope = MOTE_SCOPE_ROW), 19.0 },
        { "16 entries, a table", O(.method = MOTE_METHOD_CODEBOOK, .entries = 16), 17.5 },
        { "16 entries, for each row", O(.method = MOTE_METHOD_CODEBOOK, .entries = 16, .book_rows = 1), 21.0 },
        { "256 entries", O(.method = MOTE_METHOD_CODEBOOK, .entries = 256, .scope = MOTE_SCOPE_ROW), 42.0 },
        { "nf4", O(.method = MOTE_METHOD_NF4, .scope = MOTE_SCOPE_GROUP, .group = 16), 20.0 },
        { "e4m3", O(.method = MOTE_METHOD_SCALED_E4M3, .scope = MOTE_SCOPE_ROW), 31.0 },
        { "e5m2", O(.method = MOTE_METHOD_SCALED_E5M2, .scope = MOTE_SCOPE_ROW), 25.0 },
    };
    fill();
    for (size_t i = 0; i < N(rows); i++) {
        mote_encode_options o = rows[i].o;
        o.profile = MOTE_PROFILE_HOST;
        mote_coded c = encode(o);
        ck_assert_uint_eq(c.report.numeric, o.method == MOTE_METHOD_AFFINE ? MOTE_NUM_AFFINE : MOTE_NUM_CODEBOOK);
        ck_assert_msg(snr(&c.report) >= rows[i].least, "%s: %.2f dB", rows[i].name, snr(&c.report));
        mote_coded_free(&c);
    }
}
END_TEST

START_TEST(impossible_options_are_refused)
{
    static const mote_encode_options rows[] = {
        O(.method = MOTE_METHOD_CODEBOOK, .entries = 1),
        O(.method = MOTE_METHOD_CODEBOOK, .entries = 257),
        O(.method = MOTE_METHOD_NF4, .scope = (mote_scope)3),
        O(.method = MOTE_METHOD_SCALED_E4M3, .scope = MOTE_SCOPE_GROUP),
        O(.method = (mote_method)(MOTE_METHOD_SCALED_E5M2 + 1)),
        O(.method = MOTE_METHOD_AFFINE, .bits = 3, .ternary = 1),
        O(.method = MOTE_METHOD_AFFINE, .bits = 2, .ternary = 1, .zero_point = 1),
        O(.method = MOTE_METHOD_NF4, .ternary = 1),
    };
    const mote_model_tensor t = {
        .name = "w", .dtype = MOTE_F32, .rank = 1, .shape = { 4 }, .elements = 4, .bytes = 16
    };
    mote_coded c;
    for (size_t i = 0; i < N(rows); i++)
        ck_assert_msg(mote_encode_tensor(&c, &rows[i], &t, (const uint8_t *)weights, NULL) == MOTE_ERR_ARG, "row %zu",
                      i);
}
END_TEST

/* What no f8 holds is said, by name. */
START_TEST(values_too_large_for_f8_are_refused)
{
    const mote_model_tensor t = { .name = "w",
                                  .dtype = MOTE_F32,
                                  .rank = 2,
                                  .shape = { ROWS, COLS },
                                  .elements = ROWS * COLS,
                                  .bytes = sizeof weights };
    mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
    mote_model_error error;
    mote_coded c;
    fill();
    weights[77] = 500;
    o.method = MOTE_METHOD_F8_E4M3;
    uint8_t *data = le_floats_copy(weights, N(weights));
    ck_assert_int_eq(mote_encode_tensor(&c, &o, &t, data, &error), MOTE_ERR_VALUE);
    free(data);
    ck_assert(strstr(error.text, "f8_e4m3") && strstr(error.text, "77"));
    o.method = MOTE_METHOD_F8_E5M2;
    c = encode(o);
    ck_assert(c.report.dtype == MOTE_F8_E5M2 && c.entry.dtype == MOTE_F8_E5M2 && c.report.noise > 0);
    mote_coded_free(&c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("book");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, k_means_of_few_values_is_the_optimum);
    tcase_add_test(tc, k_means_of_many_values);
    tcase_add_loop_test(tc, f8_is_the_nearest, 0, 2);
    tcase_add_test(tc, f8_at_its_edges);
    tcase_add_test(tc, ternary_scales_are_near_the_optimum);
    tcase_add_test(tc, few_distinct_values_are_held_exactly);
    tcase_add_test(tc, methods_reach_their_errors);
    tcase_add_test(tc, impossible_options_are_refused);
    tcase_add_test(tc, values_too_large_for_f8_are_refused);
    suite_add_tcase(s, tc);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
