/* SPDX-License-Identifier: Apache-2.0
 * Entropy tables: reading, every rule of their form, and parametric tables against a second implementation that is
 * written from the specification with the vectors of the shapes. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec_helpers.h"

/* --- reading --- */

static const struct {
    const char *name;
    mote_status st;
    size_t n;
    uint8_t in[40];
} forms[] = {
    { "counts", MOTE_OK, 17, { 0x00, 0 } },
    { "counts, 14 bits, s = 2", MOTE_OK, 17, { 0x14, 0 } },
    { "s = 4", MOTE_OK, 17, { 0x20, 0 } },
    { "s = 5", MOTE_ERR_TABLE, 17, { 0x28, 0 } },
    { "14 bits, s = 3", MOTE_ERR_TABLE, 17, { 0x1C, 0 } },
    { "form 2", MOTE_ERR_RESERVED, 17, { 0x02, 0 } },
    { "form 3", MOTE_ERR_RESERVED, 17, { 0x03, 0 } },
    { "bit 6", MOTE_ERR_RESERVED, 17, { 0x40, 0 } },
    { "bit 7", MOTE_ERR_RESERVED, 17, { 0x80, 0 } },
    { "lo = 2^17", MOTE_OK, 19, { 0x00, 0x80, 0x80, 0x10 } },
    { "lo = -2^17", MOTE_OK, 19, { 0x00, 0xFF, 0xFF, 0x0F } },
    { "lo = 2^17 + 1", MOTE_ERR_TABLE, 19, { 0x00, 0x82, 0x80, 0x10 } },
    { "lo = -2^17 - 1", MOTE_ERR_TABLE, 19, { 0x00, 0x81, 0x80, 0x10 } },
    { "lo overlong", MOTE_ERR_VARINT, 18, { 0x00, 0x80, 0 } },
    { "all in one", MOTE_OK, 18, { 0x00, 0, 0x80, 0x20 } },
    { "one above 2^P", MOTE_ERR_TABLE, 18, { 0x00, 0, 0x81, 0x20 } },
    { "sum of 2^P", MOTE_OK, 18, { 0x00, 0, 0xFF, 0x1F, 1 } },
    { "sum above 2^P", MOTE_ERR_TABLE, 18, { 0x00, 0, 0xFF, 0x1F, 2 } },
    { "sum of 2^14", MOTE_OK, 18, { 0x04, 0, 0xFF, 0x7F, 1 } },
    { "sum above 2^14", MOTE_ERR_TABLE, 18, { 0x04, 0, 0xFF, 0x7F, 2 } },
    { "a count too few", MOTE_ERR_TRUNCATED, 16, { 0x00, 0 } },
    { "nothing", MOTE_ERR_TRUNCATED, 0, { 0 } },
    { "parametric", MOTE_OK, 5, { 0x01, 0, 7, 0, 1 } },
    { "shape 9", MOTE_OK, 5, { 0x01, 0, 9, 0, 1 } },
    { "shape 10", MOTE_ERR_TABLE, 5, { 0x01, 0, 10, 0, 1 } },
    { "inverse 0", MOTE_ERR_TABLE, 5, { 0x01, 0, 7, 0, 0 } },
    { "inverse 2^26", MOTE_OK, 8, { 0x01, 0, 7, 0, 0x80, 0x80, 0x80, 0x20 } },
    { "inverse 2^26 + 1", MOTE_ERR_TABLE, 8, { 0x01, 0, 7, 0, 0x81, 0x80, 0x80, 0x20 } },
    { "mean 2^20", MOTE_OK, 8, { 0x01, 0, 7, 0x80, 0x80, 0x80, 0x01, 1 } },
    { "mean 2^20 + 1", MOTE_ERR_TABLE, 8, { 0x01, 0, 7, 0x82, 0x80, 0x80, 0x01, 1 } },
    { "mean -2^20 - 1", MOTE_ERR_TABLE, 8, { 0x01, 0, 7, 0x81, 0x80, 0x80, 0x01, 1 } },
    { "no inverse", MOTE_ERR_TRUNCATED, 4, { 0x01, 0, 7, 0 } },
};

START_TEST(table_forms) /* Spec codecs.md 2.3 */
{
    uint8_t *in = exact_copy(forms[_i].in, forms[_i].n);
    mote_rd r = mote_rd_init(in, forms[_i].n);
    mote_table_spec spec;
    mote_table_read(&r, &spec);
    if (r.st == MOTE_OK) r.st = mote_rd_end(&r);
    ck_assert_msg(r.st == forms[_i].st, "%s: %d", forms[_i].name, (int)r.st);
    if (r.st == MOTE_OK) {
        mote_table t;
        ck_assert_int_eq(mote_table_build(&t, &spec, -32768, 32767, false), MOTE_OK);
        ck_assert_uint_eq(t.cum[0], 0);
        ck_assert_uint_eq(t.cum[MOTE_SYMBOLS], 1u << t.bits);
    }
    free(in);
}
END_TEST

START_TEST(counts_are_kept_as_they_are)
{
    static const mote_table_spec one = { .bits = 12, .lo = -3, .shift = 1, .freq = { 0, 0, 4096 } };
    static const mote_table_spec two = { .bits = 14, .freq = { [0] = 1, [15] = 16383 } };
    static const mote_table_spec less = { .bits = 12, .freq = { 4095 } }, more = { .bits = 12, .freq = { 4096, 1 } };
    static const mote_table_spec sum = { .bits = 14, .shift = 3, .freq = { 16384 } };
    mote_table t;
    /* a count outside of the range stays: its values are refused when they occur */
    ck_assert_int_eq(mote_table_build(&t, &one, 100, 200, false), MOTE_OK);
    for (unsigned i = 0; i <= MOTE_SYMBOLS; i++) ck_assert_uint_eq(t.cum[i], i > 2 ? 4096 : 0);
    ck_assert_int_eq(t.lo, -3);
    ck_assert_uint_eq(t.shift, 1);
    ck_assert_int_eq(mote_table_build(&t, &two, 0, 255, true), MOTE_OK);
    for (unsigned i = 0; i <= MOTE_SYMBOLS; i++) ck_assert_uint_eq(t.cum[i], i == 0 ? 0 : i == 16 ? 16384 : 1);
    ck_assert_int_eq(mote_table_build(&t, &less, 0, 255, true), MOTE_ERR_TABLE);
    ck_assert_int_eq(mote_table_build(&t, &more, 0, 255, true), MOTE_ERR_TABLE);
    ck_assert_int_eq(mote_table_build(&t, &sum, 0, 255, true), MOTE_ERR_TABLE);
}
END_TEST

/* --- shapes --- */

static long shape[MOTE_SHAPES][MOTE_SHAPE_POINTS];
static double exponent[MOTE_SHAPES];

static void load_shapes(void)
{
    char line[2000];
    unsigned n = 0;
    FILE *f = fopen(MOTE_VECTORS "/shapes.txt", "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f)) {
        if (line[0] == '#') continue;
        char *p = line;
        ck_assert_uint_lt(n, MOTE_SHAPES);
        exponent[n] = strtod(p, &p);
        p++; /* ':' */
        for (unsigned j = 0; j < MOTE_SHAPE_POINTS; j++) shape[n][j] = strtol(p, &p, 10);
        ck_assert_int_eq(*p, '\n');
        n++;
    }
    fclose(f);
    ck_assert_uint_eq(n, MOTE_SHAPES);
}

/* Deviations at point j: quarters up to 2, halves up to 4, wholes up to 8 */
static double point(unsigned j)
{
    return j < 8 ? j / 4.0 : j < 12 ? j / 2.0 - 2 : j - 8.0;
}

START_TEST(shapes_are_those_of_the_vectors)
{
    load_shapes();
    for (unsigned b = 0; b < MOTE_SHAPES; b++) {
        double variance = 0;
        ck_assert_int_eq(shape[b][0], 0);
        for (unsigned j = 0; j < MOTE_SHAPE_POINTS; j++) {
            ck_assert_int_eq(shape[b][j], mote_shape_cdf[b][j]);
            if (j == 0) continue;
            ck_assert_int_ge(shape[b][j], shape[b][j - 1]);
            const double at = (point(j - 1) + point(j)) / 2;
            variance += (double)(shape[b][j] - shape[b][j - 1]) / 65535 * at * at;
        }
        /* what lies beyond 8 deviations is a little for heavy tails; within a piece more lies before its middle */
        ck_assert_msg(variance > 0.9 && variance < 1.03, "exponent %g: variance %g", exponent[b], variance);
        ck_assert_int_ge(shape[b][MOTE_SHAPE_POINTS - 1], 65400);
    }
    ck_assert_int_eq(shape[7][4], 44740); /* P(|X| <= 1) of the normal distribution: 0.6826895 */
    ck_assert_int_eq(shape[4][4], 49602); /* of Laplace's: 1 - exp(-sqrt 2) = 0.7568833 */
}
END_TEST

/* --- parametric tables a second time --- */

/* Spec codecs.md 2.3, line by line, in 64-bit integers with divisions */
static void build_again(const mote_table_spec *s, long vmin, long vmax, bool escapes, long cum[17])
{
    long c[16], f[16], total = 1L << s->bits, sum = 0;
    for (int i = 0; i < 16; i++) {
        int64_t e = 8 * (s->lo + (int64_t)i * (1L << s->shift)) - 4 - s->mean;
        int64_t a = e < 0 ? -e : e, t = a * s->inverse / 4096;
        if (t > 32767) t = 32767;
        long wide = t < 8192 ? 1024 : t < 16384 ? 2048 : 4096, octave = wide == 1024 ? 0 : wide == 2048 ? 4 : 8;
        long j = octave + (long)t / wide, r = (long)t % wide, *g = shape[s->shape];
        long h = g[j] + (g[j + 1] - g[j]) * r / wide;
        c[i] = (e >= 0 ? 32768 + h / 2 : 32768 - h / 2) / (1L << (16 - s->bits));
    }
    if (!escapes) c[0] = 0;
    for (int i = 0; i < 15; i++) sum += f[i] = c[i + 1] - c[i];
    f[15] = escapes ? total - sum : total - c[15];
    sum = 0;
    int top = 0;
    for (int i = 0; i < 16; i++) {
        bool any = escapes && i == 15;
        for (long v = s->lo + (long)i * (1L << s->shift), k = 0; k < 1L << s->shift; k++)
            any = any || (v + k >= vmin && v + k <= vmax);
        if (!any)
            f[i] = 0;
        else if (f[i] == 0)
            f[i] = 1;
        sum += f[i];
    }
    for (int i = 1; i < 16; i++)
        if (f[i] > f[top]) top = i;
    f[top] += total - sum;
    cum[0] = 0;
    for (int i = 0; i < 16; i++) cum[i + 1] = cum[i] + f[i];
}

START_TEST(parametric_tables_are_built_as_specified)
{
    load_shapes();
    rnd_seed((uint64_t)_i + 1);
    for (unsigned round = 0; round < 20000; round++) {
        mote_table_spec s = { .form = 1, .shape = (uint8_t)_i, .bits = rnd_below(2) ? 12 : 14 };
        s.shift = (uint8_t)rnd_below(s.bits == 12 ? 5 : 3);
        switch (rnd_below(4)) {
        case 0: /* the extremes */
            s.lo = rnd_below(2) ? 1 << 17 : -(1 << 17);
            s.mean = rnd_below(2) ? 1 << 20 : -(1 << 20);
            s.inverse = rnd_below(2) ? 1 : 1u << 26;
            break;
        case 1:
            s.lo = (int32_t)rnd_below(1 << 18) - (1 << 17);
            s.mean = (int32_t)rnd_below(1 << 21) - (1 << 20);
            s.inverse = 1 + rnd_below(1u << rnd_below(27));
            break;
        default: /* what encoders write */
            s.lo = (int32_t)rnd_below(300) - 150;
            s.mean = 8 * s.lo + (int32_t)rnd_below(8 * 16u << s.shift);
            s.inverse = 1 + (uint32_t)(2097152 / (0.1 + rnd_below(400) / 10.0));
            if (s.inverse > 1u << 26) s.inverse = 1u << 26;
            break;
        }
        long vmin = rnd_below(2) ? -(1L << rnd_below(16)) : 0, vmax = (1L << rnd_below(17)) - 1;
        bool escapes = rnd_below(2);
        mote_table t;
        long cum[17];
        ck_assert_int_eq(mote_table_build(&t, &s, (int32_t)vmin, (int32_t)vmax, escapes), MOTE_OK);
        build_again(&s, vmin, vmax, escapes, cum);
        for (int i = 0; i < 17; i++)
            if (t.cum[i] != cum[i])
                ck_abort_msg(
                    "round %u: lo %d s %u P %u mean %d inverse %u range %ld..%ld escapes %d: cum[%d] %u, not %ld",
                    round, s.lo, s.shift, s.bits, s.mean, s.inverse, vmin, vmax, escapes, i, t.cum[i], cum[i]);
    }
}
END_TEST

/* Every value of the range can be coded: it has a symbol of its own, or the escape has. */
START_TEST(parametric_tables_can_code_everything)
{
    rnd_seed(99);
    for (unsigned round = 0; round < 50000; round++) {
        mote_table_spec s = { .form = 1, .shape = (uint8_t)rnd_below(8), .bits = 12, .shift = (uint8_t)rnd_below(5) };
        s.lo = (int32_t)rnd_below(64) - 40;
        s.mean = 8 * ((int32_t)rnd_below(64) - 40);
        s.inverse = 1 + rnd_below(1u << rnd_below(27));
        const bool escapes = rnd_below(2);
        const int32_t vmin = -20, vmax = 19;
        mote_table t;
        bool ok = mote_table_build(&t, &s, vmin, vmax, escapes) == MOTE_OK;
        for (int32_t v = vmin; v <= vmax; v++) {
            int32_t k = (v - s.lo) >= 0 ? (v - s.lo) >> s.shift : -1;
            if (escapes && (k < 0 || k > 14)) k = 15;
            if (k < 0 || k > 15) continue; /* without escapes it is the encoder's to choose a window that holds it */
            ok = ok && t.cum[k + 1] > t.cum[k];
        }
        ck_assert_msg(ok, "round %u", round);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("tables");
    TCase *tc = tcase_create("tables");
    tcase_add_loop_test(tc, table_forms, 0, (int)N(forms));
    tcase_add_test(tc, counts_are_kept_as_they_are);
    tcase_add_test(tc, shapes_are_those_of_the_vectors);
    tcase_add_loop_test(tc, parametric_tables_are_built_as_specified, 0, MOTE_SHAPES);
    tcase_add_test(tc, parametric_tables_can_code_everything);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
