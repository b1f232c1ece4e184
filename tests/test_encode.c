/* SPDX-License-Identifier: Apache-2.0
 * The encoder's parts and choices: prices, tables, pruning, scales, what is found in a tensor, what is refused. Round
 * trips are in property_encode.c. */
#include <check.h>

#include "../fuzz/roundtrip_check.h"
#include "base/digest.h"
#include "enc/cost.h"
#include "enc/prune.h"
#include "enc/scales.h"
#include "enc/table_fit.h"
#include "le_floats.h"
#include "mote/sign.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t state = 1;

static uint64_t rnd(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* About normal, variance 1. */
static double bell(void)
{
    double x = 0;
    for (int i = 0; i < 12; i++) x += (double)(rnd() >> 40) / (1 << 24) - 0.5;
    return x;
}

static mote_model_tensor matrix(mote_dtype dtype, uint64_t rows, uint64_t cols)
{
    mote_model_tensor t = {
        .name = "layer.weight", .dtype = dtype, .rank = 2, .shape = { rows, cols }, .elements = rows * cols
    };
    t.bytes = dtype_bytes(dtype, t.elements);
    return t;
}

static mote_coded encode(const mote_encode_options *o, const mote_model_tensor *t, const float *x)
{
    mote_coded c;
    mote_model_error error = { .text = "" };
    uint8_t *data = le_floats_copy(x, t->elements);
    ck_assert_msg(mote_encode_tensor(&c, o, t, data, &error) == MOTE_OK, "%s", error.text);
    free(data);
    return c;
}

/* --- prices ------------------------------------------------------------------------------------------------------- */

START_TEST(log2_is_within_1e_9)
{
    for (double x = 1e-300; x < 1e300; x *= 1.37) ck_assert(fabs(mote_log2(x) - log2(x)) < 1e-9);
    for (int i = 1; i < 5000; i++) ck_assert(fabs(mote_log2(i) - log2(i)) < 1e-9);
}
END_TEST

START_TEST(half_octaves_are_exact)
{
    ck_assert_uint_eq(mote_half_octave(0), 0);
    for (uint64_t x = 1; x < 100000; x++)
        ck_assert_uint_eq(mote_half_octave(x), (unsigned)floor(2 * log2((double)x) + 1e-12));
    ck_assert_uint_eq(mote_half_octave(UINT64_MAX), 127);
}
END_TEST

START_TEST(eighths_of_octaves_are_exact)
{
    ck_assert_uint_eq(mote_octave_eighths(0), 0);
    for (uint64_t x = 1; x < 100000; x++)
        ck_assert_uint_eq(mote_octave_eighths(x), (unsigned)floor(8 * log2((double)x) + 1e-12));
    for (unsigned i = 1; i < 64; i++) {
        ck_assert_uint_eq(mote_octave_eighths((uint64_t)1 << i), 8 * i);
        ck_assert_uint_eq(mote_octave_eighths(((uint64_t)1 << i) - 1), 8 * i - (i > 3    ? 1
                                                                                : i == 3 ? 2
                                                                                : i == 2 ? 4
                                                                                         : 8));
    }
    ck_assert_uint_eq(mote_octave_eighths(UINT64_MAX), 511);
}
END_TEST

/* --- tables ------------------------------------------------------------------------------------------------------- */

static double entropy(const uint64_t *count, size_t n)
{
    double total = 0, bits = 0;
    for (size_t i = 0; i < n; i++) total += (double)count[i];
    for (size_t i = 0; i < n; i++)
        if (count[i]) bits += (double)count[i] * log2(total / (double)count[i]);
    return bits;
}

/* Every symbol that occurs has a frequency, the sum is right, and the price is near the entropy. */
START_TEST(tables_fit_their_counts)
{
    const mote_cells cells = { .n = 256, .vmin = -128, .vmax = 127 };
    for (unsigned turn = 0; turn < 400; turn++) {
        uint64_t symbol[MOTE_SYMBOLS], n = 0;
        for (unsigned i = 0; i < MOTE_SYMBOLS; i++) n += symbol[i] = rnd() % 3 == 0 ? 0 : rnd() % (1u << rnd() % 20);
        if (n == 0) continue;
        const unsigned shift = turn % 5;
        const bool escapes = turn % 2;
        mote_table_fit f = { .symbol_bits = 0 };
        mote_table_fit_make(&f, symbol, -8 * (1 << shift), shift, turn % 3 ? &cells : NULL, escapes);
        mote_table t;
        ck_assert_int_eq(mote_table_build(&t, &f.spec, cells.vmin, cells.vmax, escapes), MOTE_OK);
        double bits = 0;
        for (unsigned i = 0; i < MOTE_SYMBOLS; i++) {
            const unsigned freq = (unsigned)t.cum[i + 1] - t.cum[i];
            ck_assert(symbol[i] == 0 || freq > 0);
            if (symbol[i]) bits += (double)symbol[i] * (f.spec.bits - log2(freq));
        }
        ck_assert(fabs(bits - f.symbol_bits) < 1e-6 * bits + 1e-3);
        ck_assert(8.0 * (double)mote_table_bytes(&f.spec) == f.table_bits);
        /* up to 15 of 2^12 for rare symbols, and a table */
        ck_assert(bits + f.table_bits <= entropy(symbol, MOTE_SYMBOLS) * 1.005 + (double)n * 0.008 + 280);
    }
}
END_TEST

/* Few symbols, shaped like a bell: three parameters are cheaper than 15 counts. */
START_TEST(few_symbols_get_a_parametric_table)
{
    const mote_cells cells = { .n = 16, .vmin = -8, .vmax = 7 };
    uint64_t symbol[MOTE_SYMBOLS] = { 0 };
    for (int i = 0; i < 2000; i++) {
        double x = floor(2.2 * bell() + 0.5);
        symbol[x < -8 ? 0 : x > 7 ? 15 : (int)x + 8]++;
    }
    mote_table_fit f = { .symbol_bits = 0 };
    mote_table_fit_make(&f, symbol, -8, 0, &cells, false);
    ck_assert_uint_eq(f.spec.form, 1);
    ck_assert(f.symbol_bits < entropy(symbol, MOTE_SYMBOLS) + 60);
}
END_TEST

static const struct {
    const char *name;
    unsigned first, last, shift; /* equal counts of cells first..last, and the shift that this takes */
    bool escapes;
} windows[] = {
    { "16 values directly", 30, 45, 0, false },
    { "15 values beside an escape", 30, 44, 0, true },
    { "17 values directly", 30, 46, 1, false },
    { "all values directly", 0, 255, 4, false },
    { "the lowest values", 0, 3, 0, true },
    { "the highest values", 250, 255, 0, false },
    { "240 values beside an escape", 5, 244, 4, true },
};

START_TEST(windows_hold_what_they_must)
{
    const mote_cells cells = { .n = 256, .vmin = -100, .vmax = 155 };
    uint64_t count[256] = { 0 }, before[257], below[257], symbol[MOTE_SYMBOLS];
    uint32_t cell[256];
    mote_spots s = { .cell = cell, .before = before, .below = below };
    mote_window w;
    for (unsigned i = windows[_i].first; i <= windows[_i].last; i++) count[i] = 1000;
    mote_spots_find(&s, count, 256);
    mote_window_fit(&w, &s, &cells, windows[_i].escapes);
    ck_assert_msg(w.shift == windows[_i].shift && w.escaped == 0, "%s", windows[_i].name);
    mote_window_count(symbol, &s, &cells, w.lo, w.shift, windows[_i].escapes);
    ck_assert_msg(!windows[_i].escapes || symbol[15] == 0, "%s", windows[_i].name);
    const double n = (double)w.n, spread = windows[_i].last - windows[_i].first + 1;
    ck_assert_msg(w.bits >= n * log2(spread) - 1e-6, "%s", windows[_i].name);
    /* of two windows the better one; any, if neither holds what must be held */
    const mote_window far = { .lo = cells.vmax - 3, .shift = 0 };
    mote_window near[2];
    mote_window_near(&near[0], &s, &cells, &far, &w, windows[_i].escapes);
    mote_window_near(&near[1], &s, &cells, &far, &far, windows[_i].escapes);
    ck_assert_msg(near[0].lo == w.lo && near[0].shift == w.shift && near[0].bits == w.bits, "%s", windows[_i].name);
    ck_assert_msg(near[1].bits >= w.bits && near[1].bits < MOTE_IMPOSSIBLE, "%s", windows[_i].name);
}
END_TEST

/* --- pruning ------------------------------------------------------------------------------------------------------ */

typedef struct ranked {
    uint64_t magnitude, index;
} ranked;

/* The order in which elements go: smallest first, of equal ones the last first. */
static int by_rank(const void *a, const void *b)
{
    const ranked *x = a, *y = b;
    if (x->magnitude != y->magnitude) return x->magnitude < y->magnitude ? -1 : 1;
    return x->index > y->index ? -1 : x->index < y->index;
}

static uint64_t bits_of(const uint8_t *p, unsigned bytes, uint64_t i)
{
    uint64_t x = 0;
    for (unsigned k = 0; k < bytes; k++) x |= (uint64_t)p[i * bytes + k] << 8 * k;
    return x & ~((uint64_t)1 << (8 * bytes - 1));
}

START_TEST(exactly_the_smallest_are_pruned) /* _i: dtype */
{
    enum { n = 1000 };
    const unsigned bytes = mote_dtype_bits((unsigned)_i) / 8;
    static const double fractions[] = { 0, 0.0005, 0.001, 0.3, 0.5, 0.999 };
    uint8_t data[n * 8], *out;
    ranked order[n];
    for (unsigned turn = 0; turn < 6 * N(fractions); turn++) {
        for (unsigned i = 0; i < n * bytes; i++) data[i] = (uint8_t)rnd();
        for (unsigned i = 0; turn % 2 && i < n; i++) /* many of the same magnitude, and zeros of both signs */
            memset(data + i * bytes, (int)(rnd() % 3), bytes - 1), data[i * bytes + bytes - 1] &= 0x81;
        mote_prune p;
        ck_assert_int_eq(mote_prune_fraction(&p, data, (uint8_t)_i, n, fractions[turn % N(fractions)]), MOTE_OK);
        const mote_matrix m = {
            .data = data, .dtype = (uint8_t)_i, .held = (uint8_t)_i, .rows = 1, .cols = n, .prune = &p
        };
        mote_fetch f = { 0 };
        ck_assert_int_eq(mote_fetch_reserve(&f, n), MOTE_OK);
        out = malloc(n * bytes);
        memcpy(out, mote_matrix_fetch(&m, 0, 0, 1, n, &f), n * bytes);
        for (uint64_t i = 0; i < n; i++) order[i] = (ranked){ bits_of(data, bytes, i), i };
        qsort(order, n, sizeof *order, by_rank);
        const unsigned gone = (unsigned)(fractions[turn % N(fractions)] * n);
        for (unsigned i = 0; i < n; i++) {
            const uint64_t at = order[i].index * bytes;
            if (i < gone)
                ck_assert(all_zero_bytes(out + at, bytes));
            else
                ck_assert_int_eq(memcmp(out + at, data + at, bytes), 0);
        }
        free(out);
        mote_fetch_free(&f);
    }
}
END_TEST

START_TEST(thresholds_keep_what_is_not_below)
{
    static const double thresholds[] = { 0.5, 1, 0.1, 1e-30, 1e30, 6e-8, 1e-300, 1e300 };
    static const unsigned dtypes[] = { MOTE_F16, MOTE_BF16, MOTE_F32, MOTE_F64 };
    for (unsigned d = 0; d < N(dtypes); d++)
        for (unsigned k = 0; k < N(thresholds); k++) {
            const mote_prune p = mote_prune_threshold((uint8_t)dtypes[d], thresholds[k]);
            const unsigned bytes = mote_dtype_bits(dtypes[d]) / 8;
            for (int step = -1; step <= 0; step++) { /* the last below, the first not below */
                if (step < 0 && p.limit == 0) continue;
                uint8_t x[8];
                for (unsigned i = 0; i < 8; i++) x[i] = (uint8_t)((p.limit + (uint64_t)step) >> 8 * i);
                const double v = real_value(x, dtypes[d], 0);
                if (step < 0)
                    ck_assert(v < thresholds[k]);
                else
                    ck_assert(v >= thresholds[k]);
            }
            ck_assert_uint_lt(p.limit, (uint64_t)1 << (8 * bytes - 1));
            ck_assert_uint_eq(p.tie, UINT64_MAX);
        }
}
END_TEST

/* --- scales ------------------------------------------------------------------------------------------------------- */

static const mote_affine affines[] = {
    { .bits = 8, .scale_dtype = MOTE_F32, .dtype = MOTE_F32 },
    { .bits = 4, .scale_dtype = MOTE_F32, .dtype = MOTE_F32 },
    { .bits = 4, .scale_dtype = MOTE_F16, .dtype = MOTE_F32, .zero = 1 },
    { .bits = 3, .scale_dtype = MOTE_BF16, .dtype = MOTE_F32 },
    { .bits = 2, .scale_dtype = MOTE_F32, .dtype = MOTE_F32, .zero = 1 },
    { .bits = 1, .scale_dtype = MOTE_F32, .dtype = MOTE_F32, .zero = 1 },
    { .bits = 16, .scale_dtype = MOTE_F32, .dtype = MOTE_F32 },
    { .bits = 16, .scale_dtype = MOTE_BF16, .dtype = MOTE_F32, .zero = 1 },
};

/* What is not clipped is within half a step; codes are those nearest. */
START_TEST(codes_are_the_nearest)
{
    const mote_affine *a = &affines[_i];
    enum { n = 4000 };
    float x[n], least = 0, most = 0, scale;
    double wide[n];
    uint16_t code[n], zero;
    for (unsigned turn = 0; turn < 10; turn++) {
        least = most = 0;
        for (unsigned i = 0; i < n; i++) {
            x[i] = (float)(bell() * pow(10, turn) * 1e-5 + (a->zero ? pow(10, turn) * 1e-5 : 0));
            wide[i] = x[i];
            least = x[i] < least ? x[i] : least;
            most = x[i] > most ? x[i] : most;
        }
        mote_affine_fit(a, x, n, least, most, &scale, &zero);
        ck_assert(scale > 0 && isfinite(scale));
        ck_assert(mote_scale_round(a->scale_dtype, scale) == scale);
        mote_affine_quantise(a, wide, n, scale, zero, 0, code);
        const int32_t span = mote_code_max(a) - mote_code_min(a);
        unsigned clipped = 0;
        for (unsigned i = 0; i < n; i++) {
            ck_assert_int_le(code[i], span);
            const double error = fabs(mote_affine_value(a, code[i], scale, zero) - wide[i]);
            const bool edge = code[i] == 0 || code[i] == span;
            clipped += edge && error > scale * 0.5;
            ck_assert(edge || error <= scale * 0.5 * (1 + 1e-6) + fabs(wide[i]) * 1e-7);
        }
        if (a->bits == 16) ck_assert_uint_eq(clipped, 0);
    }
}
END_TEST

static double error_of(const mote_affine *a, const double *x, size_t n, float scale, uint16_t zero)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        uint16_t code;
        mote_affine_quantise(a, &x[i], 1, scale, zero, 0, &code);
        double d = mote_affine_value(a, code, scale, zero) - x[i];
        sum += d * d;
    }
    return sum;
}

/* At few bits, clipping the tails halves the error of bell-shaped values; no scale tried by hand does much better. */
START_TEST(scales_minimise_the_squared_error)
{
    enum { n = 3000 };
    float x[n], least = 0, most = 0, scale;
    double wide[n];
    uint16_t zero;
    const mote_affine a = { .bits = 3, .scale_dtype = MOTE_F32, .dtype = MOTE_F32 };
    for (unsigned i = 0; i < n; i++) {
        wide[i] = x[i] = (float)bell();
        least = x[i] < least ? x[i] : least;
        most = x[i] > most ? x[i] : most;
    }
    mote_affine_fit(&a, x, n, least, most, &scale, &zero);
    const double found = error_of(&a, wide, n, scale, zero), plain = error_of(&a, wide, n, most / 3, 0);
    ck_assert(found < 0.6 * plain);
    for (double s = 0.2; s < 1.5; s += 0.01) ck_assert(found <= error_of(&a, wide, n, (float)s, 0) * 1.002);
}
END_TEST

START_TEST(rows_of_zeros_have_scale_1)
{
    const float x[4] = { 0 };
    float scale;
    uint16_t zero;
    for (unsigned i = 0; i < N(affines); i++) {
        mote_affine_fit(&affines[i], x, 4, 0, 0, &scale, &zero);
        ck_assert(scale == 1 && zero == 0);
    }
    const mote_affine binary = { .bits = 1, .scale_dtype = MOTE_F16, .dtype = MOTE_F32 };
    mote_affine_fit(&binary, x, 4, 0, 0, &scale, &zero);
    ck_assert(scale > 0 && scale < 1e-7); /* it has no zero, so the least it can say */
}
END_TEST

START_TEST(halves_round_to_even)
{
    const mote_affine a = { .bits = 8, .scale_dtype = MOTE_F32, .dtype = MOTE_F32 };
    const double x[] = { 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 1e9, -1e9 };
    const int want[] = { 0, 2, 2, 0, -2, -2, 127, -128 };
    uint16_t code[8];
    mote_affine_quantise(&a, x, 8, 1, 0, 0, code);
    for (int i = 0; i < 8; i++) ck_assert_int_eq(code[i] - 128, want[i]);
}
END_TEST

/* A code whose value would round to infinity in the entry's type is not used. */
START_TEST(values_stay_finite_in_the_entry)
{
    mote_affine a = { .bits = 8, .scale_dtype = MOTE_F32, .dtype = MOTE_F16 };
    const double x[] = { 65504, -65504 };
    uint16_t code[2];
    mote_affine_quantise(&a, x, 2, 600, 0, 0, code);
    for (int i = 0; i < 2; i++) ck_assert(fabs(mote_affine_value(&a, code[i], 600, 0)) <= 65504);
    a.dtype = MOTE_F32;
    mote_affine_quantise(&a, x, 2, 600, 0, 0, code);
    ck_assert(mote_affine_value(&a, code[0], 600, 0) == 65400);
}
END_TEST

/* --- matrices ----------------------------------------------------------------------------------------------------- */

START_TEST(fetching_transposes)
{
    enum { rows = 37, cols = 53 };
    static const uint8_t dtypes[] = { MOTE_U8, MOTE_U16, MOTE_U32, MOTE_U64 };
    for (unsigned d = 0; d < 4; d++) {
        const unsigned bytes = 1u << d;
        uint8_t data[rows * cols * 8];
        for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)rnd();
        mote_matrix m = { .data = data, .dtype = dtypes[d], .held = dtypes[d], .axis = 1, .rows = cols, .cols = rows };
        mote_fetch f = { 0 };
        ck_assert_int_eq(mote_fetch_reserve(&f, rows * cols), MOTE_OK);
        for (size_t n = 1; n <= rows; n += 9) {
            const size_t some = 20, row = 7, col = rows - n;
            const uint8_t *p = mote_matrix_fetch(&m, row, col, some, n, &f);
            for (size_t r = 0; r < some; r++)
                for (size_t c = 0; c < n; c++)
                    ck_assert_int_eq(
                        memcmp(p + (r * n + c) * bytes, data + ((col + c) * cols + row + r) * bytes, bytes), 0);
        }
        mote_fetch_free(&f);
    }
}
END_TEST

START_TEST(narrower_types_are_found)
{
    static const struct {
        uint64_t bits;
        uint8_t dtype;
        bool bf16, f16, f32;
    } rows[] = {
        { 0x3F800000, MOTE_F32, true, true, true },
        { 0x3F810000, MOTE_F32, true, true, true },
        { 0x3F802000, MOTE_F32, false, true, true },
        { 0x3F801000, MOTE_F32, false, false, true },
        { 0x80000000, MOTE_F32, true, true, true },
        { 0x33800000, MOTE_F32, true, true, true }, /* 2^-24 */
        { 0x33000000, MOTE_F32, true, false, true },
        { 0x477FE000, MOTE_F32, false, true, true }, /* 65504 */
        { 0x47800000, MOTE_F32, true, false, true },
        { 0x00000001, MOTE_F32, false, false, true },
        { 0x00010000, MOTE_F32, true, false, true },
        { 0x7F800000, MOTE_F32, true, true, true },
        { 0x7FC00000, MOTE_F32, true, true, true },
        { 0x7FC00001, MOTE_F32, false, false, true },
        { 0x3FF0000000000000, MOTE_F64, true, true, true },
        { 0x3FF0000020000000, MOTE_F64, false, false, true },
        { 0x3FF0000010000000, MOTE_F64, false, false, false },
        { 0x36A0000000000000, MOTE_F64, false, false, true },
        { 0x3690000000000000, MOTE_F64, false, false, false },
        { 0x7FF0000000000000, MOTE_F64, true, true, true },
    };
    for (size_t i = 0; i < N(rows); i++) {
        uint8_t p[16];
        const unsigned bytes = mote_dtype_bits(rows[i].dtype) / 8;
        mote_put64(p, rows[i].bits);
        mote_put64(p + bytes, rows[i].bits);
        ck_assert_msg(mote_matrix_holds(p, rows[i].dtype, 2, MOTE_BF16) == rows[i].bf16, "bf16 %zu", i);
        ck_assert_msg(mote_matrix_holds(p, rows[i].dtype, 2, MOTE_F16) == rows[i].f16, "f16 %zu", i);
        ck_assert_msg(mote_matrix_holds(p, rows[i].dtype, 2, MOTE_F32) == rows[i].f32, "f32 %zu", i);
    }
}
END_TEST

/* --- options and refusals ----------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    mote_encode_options o;
} bad_options[] = {
#define OPTIONS(...)                                            \
    {                                                           \
        .struct_size = sizeof(mote_encode_options), __VA_ARGS__ \
    }
    { "another size", { .struct_size = 8 } },
    { "method", OPTIONS(.method = (mote_method)(MOTE_METHOD_SCALED_E5M2 + 1)) },
    { "profile", OPTIONS(.profile = (mote_profile)3) },
    { "0 bits", OPTIONS(.method = MOTE_METHOD_AFFINE, .scale_dtype = MOTE_F32) },
    { "9 bits", OPTIONS(.method = MOTE_METHOD_AFFINE, .bits = 9, .scale_dtype = MOTE_F32) },
    { "scope", OPTIONS(.method = MOTE_METHOD_AFFINE, .bits = 8, .scope = (mote_scope)3, .scale_dtype = MOTE_F32) },
    { "group 0", OPTIONS(.method = MOTE_METHOD_AFFINE, .bits = 8, .scope = MOTE_SCOPE_GROUP, .scale_dtype = MOTE_F32) },
    { "scale type", OPTIONS(.method = MOTE_METHOD_AFFINE, .bits = 8, .scale_dtype = MOTE_F64) },
    { "small chunk", OPTIONS(.chunk_max = 255) },
    { "large chunk", OPTIONS(.chunk_max = (1 << 20) + 1) },
    { "negative fraction", OPTIONS(.prune_fraction = -0.1) },
    { "fraction 1", OPTIONS(.prune_fraction = 1) },
    { "fraction NaN", OPTIONS(.prune_fraction = NAN) },
    { "threshold NaN", OPTIONS(.prune_threshold = NAN) },
    { "fraction and threshold", OPTIONS(.prune_fraction = 0.5, .prune_threshold = 0.5) },
    { "rank and energy", OPTIONS(.rank = 2, .energy = 0.5) },
    { "energy 2", OPTIONS(.energy = 2) },
};

START_TEST(bad_options_are_refused)
{
    uint8_t x[16];
    le_floats(x, (const float[]){ 1, 2, 3, 4 }, 4);
    const mote_model_tensor t = matrix(MOTE_F32, 2, 2);
    mote_coded c;
    ck_assert_msg(mote_encode_tensor(&c, &bad_options[_i].o, &t, x, NULL) == MOTE_ERR_ARG, "%s", bad_options[_i].name);
    ck_assert_int_eq(mote_encode_blob(&c, &bad_options[_i].o, MOTE_KIND_BLOB, "b", x, 4), MOTE_ERR_ARG);
}
END_TEST

START_TEST(bad_tensors_are_refused)
{
    mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
    mote_coded c;
    const uint8_t x[16] = { 0 };
    mote_model_tensor t = matrix(MOTE_F32, 2, 2);
    t.elements = 5;
    ck_assert_int_eq(mote_encode_tensor(&c, &o, &t, x, NULL), MOTE_ERR_ARG);
    t = matrix((mote_dtype)26, 2, 2);
    ck_assert_int_eq(mote_encode_tensor(&c, &o, &t, x, NULL), MOTE_ERR_ARG);
    t = matrix(MOTE_F32, 2, 2);
    t.rank = 9;
    ck_assert_int_eq(mote_encode_tensor(&c, &o, &t, x, NULL), MOTE_ERR_ARG);
    t = matrix(MOTE_F32, (uint64_t)1 << 40, 0);
    ck_assert_int_eq(mote_encode_tensor(&c, &o, &t, x, NULL), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_encode_blob(&c, &o, MOTE_KIND_TENSOR, "b", x, 4), MOTE_ERR_ARG);
}
END_TEST

static const struct {
    mote_method method;
    double energy;
    uint32_t element;
    const char *text;
} refused[] = {
    { MOTE_METHOD_AFFINE, 0, 0x7FC00000, "NaN or infinite" },
    { MOTE_METHOD_AFFINE, 0, 0xFF800000, "NaN or infinite" },
    { MOTE_METHOD_LOSSLESS, 0.5, 0x7F800000, "NaN or infinite" },
    { MOTE_METHOD_F16, 0, 0x47800000, "bf16" },
    { MOTE_METHOD_BF16, 0, 0x7F7FFFFF, "bf16" },
};

START_TEST(what_cannot_be_held_is_refused_by_name)
{
    static float values[64 * 32];
    for (unsigned i = 0; i < N(values); i++) values[i] = (float)bell();
    uint8_t *x = le_floats_copy(values, N(values));
    mote_put32(x + 4 * 777, refused[_i].element);
    mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
    o.method = refused[_i].method;
    o.energy = refused[_i].energy;
    const mote_model_tensor t = matrix(MOTE_F32, 64, 32);
    mote_model_error error = { .status = MOTE_OK };
    mote_coded c;
    ck_assert_int_eq(mote_encode_tensor(&c, &o, &t, x, &error), MOTE_ERR_VALUE);
    ck_assert_int_eq(error.status, MOTE_ERR_VALUE);
    ck_assert_msg(strstr(error.text, "layer.weight") && strstr(error.text, refused[_i].text), "%s", error.text);
    ck_assert_int_eq(mote_encode_tensor(&c, &o, &t, x, NULL), MOTE_ERR_VALUE);
    o.method = MOTE_METHOD_LOSSLESS; /* which holds everything */
    o.energy = 0;
    ck_assert_int_eq(check_roundtrip(&o, &t, x), MOTE_OK);
    free(x);
}
END_TEST

/* --- choices ------------------------------------------------------------------------------------------------------ */

enum { ROWS = 128, COLS = 160 };
static float weights[ROWS * COLS];

static void fill_weights(int row_octaves, int col_octaves)
{
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLS; c++)
            weights[r * COLS + c] = (float)(0.02 * bell() * pow(2, row_octaves ? r % row_octaves : 0) *
                                            pow(2, col_octaves ? c % col_octaves : 0));
}

static mote_encode_report report(const mote_encode_options *o, const float *x)
{
    const mote_model_tensor t = matrix(MOTE_F32, ROWS, COLS);
    uint8_t *data = le_floats_copy(x, t.elements);
    ck_assert_int_eq(check_roundtrip(o, &t, data), MOTE_OK);
    free(data);
    mote_coded c = encode(o, &t, x);
    mote_encode_report r = c.report;
    mote_coded_free(&c);
    return r;
}

START_TEST(classes_and_axis_follow_the_scales)
{
    mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
    fill_weights(12, 0);
    mote_encode_report r = report(&o, weights);
    ck_assert(r.axis == 0 && r.n_classes > 3 && r.class_bytes > 0);
    const uint64_t by_rows = r.packed_bytes;
    fill_weights(0, 12);
    r = report(&o, weights);
    ck_assert(r.axis == 1 && r.n_classes > 3);
    ck_assert(fabs((double)r.packed_bytes - (double)by_rows) < 0.02 * (double)by_rows);
    fill_weights(0, 0);
    r = report(&o, weights);
    ck_assert(r.axis == 0 && r.n_classes == 1 && r.class_bytes == 0);
    ck_assert((double)r.packed_bytes < 0.85 * sizeof weights);
}
END_TEST

/* A tensor and its transposed are coded along different axes, to about the same size and error. */
START_TEST(integers_take_the_better_axis)
{
    static float turned[COLS * ROWS];
    mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
    o.method = MOTE_METHOD_AFFINE;
    for (o.bits = 3; o.bits <= 8; o.bits += 5) {
        fill_weights(5, 0);
        for (int r = 0; r < ROWS; r++)
            for (int c = 0; c < COLS; c++) turned[c * ROWS + r] = weights[r * COLS + c];
        const mote_model_tensor t = matrix(MOTE_F32, ROWS, COLS), u = matrix(MOTE_F32, COLS, ROWS);
        mote_coded a = encode(&o, &t, weights), b = encode(&o, &u, turned);
        ck_assert_uint_ne(a.report.axis, b.report.axis);
        const double ratio = (double)a.report.packed_bytes / (double)b.report.packed_bytes;
        ck_assert(ratio > 0.99 && ratio < 1.01);
        ck_assert(fabs(a.report.noise - b.report.noise) < 1e-6 * a.report.noise);
        mote_coded_free(&a);
        mote_coded_free(&b);
    }
}
END_TEST

/* A 4-bit code of bell-shaped weights costs less than 4 bits, and planes and tables are near what is ideal. */
START_TEST(integers_are_near_their_entropy)
{
    static float x[512 * 512];
    for (unsigned i = 0; i < N(x); i++) x[i] = (float)(0.03 * bell());
    const mote_model_tensor t = matrix(MOTE_F32, 512, 512);
    mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
    o.method = MOTE_METHOD_AFFINE;
    o.profile = MOTE_PROFILE_HOST;
    for (o.bits = 4; o.bits <= 8; o.bits += 4) {
        mote_coded c = encode(&o, &t, x);
        const mote_encode_report *r = &c.report;
        const double planes = 8.0 * (double)(r->head_bytes + r->class_bytes + r->scale_bytes + r->symbol_bytes +
                                             r->escape_bytes + r->raw_bytes + r->layout_bytes);
        ck_assert(planes < 1.01 * r->ideal_bits && planes > 0.99 * r->ideal_bits);
        ck_assert((double)r->symbol_bytes * 8 < (double)t.elements * o.bits * 0.97);
        mote_coded_free(&c);
    }
}
END_TEST

/* Integers of rows, or columns, of four kinds, of which the smallest are pruned by a threshold each: mask and values cost
 * what they do if the kinds are known, and classes, tables and states little. */
START_TEST(pruned_integers_are_near_their_entropy) /* _i: whether columns differ instead */
{
    enum { N_ROWS = 1536, N_COLS = 384, KINDS = 4 };
    static const double threshold[KINDS] = { 0.8, 1.4, 1.9, 2.4 };
    static int8_t x[N_ROWS * N_COLS];
    const unsigned differ = _i ? N_COLS : N_ROWS, each = _i ? N_ROWS : N_COLS;
    uint64_t count[KINDS][256] = { { 0 } }, mask[KINDS][2] = { { 0 } };
    state = 5;
    for (unsigned i = 0; i < differ; i++) {
        const unsigned kind = rnd() >> 40 & 3;
        for (unsigned j = 0; j < each; j++) {
            const double v = bell();
            const int8_t q = fabs(v) < threshold[kind] ? 0 : (int8_t)(v * 25);
            x[_i ? j * N_COLS + i : i * N_COLS + j] = q;
            mask[kind][q != 0]++;
            if (q) count[kind][q + 128]++;
        }
    }
    double ideal = 2 * differ;
    for (unsigned k = 0; k < KINDS; k++) ideal += mote_entropy_bits(mask[k], 2) + mote_entropy_bits(count[k], 256);
    const mote_model_tensor t = matrix(MOTE_I8, N_ROWS, N_COLS);
    mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
    o.profile = MOTE_PROFILE_HOST;
    mote_coded c;
    mote_model_error error;
    ck_assert_int_eq(mote_encode_tensor(&c, &o, &t, (const uint8_t *)x, &error), MOTE_OK);
    const double ratio = 8.0 * (double)c.report.packed_bytes / ideal;
    ck_assert_msg(ratio < 1.05, "%.4f", ratio);
    mote_coded_free(&c);
}
END_TEST

START_TEST(lanes_follow_the_segments)
{
    static float x[128 * 1024];
    for (unsigned i = 0; i < N(x); i++) x[i] = (float)bell();
    const mote_model_tensor t = matrix(MOTE_F32, 128, 1024);
    static const struct {
        mote_profile profile;
        uint32_t chunk;
        unsigned coder;
    } rows[] = { { MOTE_PROFILE_STD, 16384, MOTE_CODER_RANS1 },
                 { MOTE_PROFILE_STD, 65536, MOTE_CODER_RANS8 },
                 { MOTE_PROFILE_HOST, 1 << 20, MOTE_CODER_RANS32 },
                 { MOTE_PROFILE_HOST, 1 << 18, MOTE_CODER_RANS32 }, /* 86 Ki values with three byte planes each */
                 { MOTE_PROFILE_NANO, 65536, MOTE_CODER_RANS1 } };
    for (unsigned i = 0; i < N(rows); i++) {
        mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
        o.profile = rows[i].profile;
        o.chunk_max = rows[i].chunk;
        mote_coded c = encode(&o, &t, x);
        ck_assert_uint_eq(c.report.coder, rows[i].coder);
        mote_coded_free(&c);
    }
}
END_TEST

START_TEST(zeros_are_left_out)
{
    mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
    fill_weights(0, 0);
    for (unsigned i = 0; i < N(weights); i++)
        if (rnd() % 10 < 7) weights[i] = 0;
    mote_encode_report r = report(&o, weights);
    ck_assert_uint_eq(r.layout, MOTE_LAYOUT_BITMASK);
    ck_assert_uint_gt(r.kept, N(weights) / 4);
    ck_assert_uint_lt(r.kept, N(weights) / 3);
    ck_assert((double)r.packed_bytes < sizeof weights * 0.29);
    memset(weights, 0, sizeof weights);
    for (unsigned i = 0; i < N(weights); i += 900) weights[i] = 1.5f + (float)i;
    r = report(&o, weights);
    ck_assert_uint_ne(r.layout, MOTE_LAYOUT_DENSE);
    ck_assert_uint_eq(r.kept, (N(weights) + 899) / 900);
    memset(weights, 0, sizeof weights);
    r = report(&o, weights);
    ck_assert_uint_eq(r.layout, MOTE_LAYOUT_DENSE);
    ck_assert_uint_lt(r.packed_bytes, 40);
}
END_TEST

START_TEST(narrow_data_is_held_narrow)
{
    mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
    fill_weights(0, 0);
    for (unsigned i = 0; i < N(weights); i++) {
        uint32_t b;
        memcpy(&b, &weights[i], 4);
        b = mote_f16_to_f32(mote_f32_to_f16(b));
        memcpy(&weights[i], &b, 4);
    }
    mote_encode_report r = report(&o, weights);
    ck_assert(r.numeric == MOTE_NUM_FLOAT && r.bits == 16 && r.dtype == MOTE_F32);
    ck_assert((double)r.packed_bytes < 0.47 * sizeof weights);
}
END_TEST

/* A product of thin matrices is found, and what it is worth is compared with the tensor as it is. */
START_TEST(low_rank_pays_or_is_left)
{
    enum { rank = 3 };
    static float u[ROWS][rank], v[rank][COLS];
    for (int i = 0; i < ROWS * rank; i++) u[i / rank][i % rank] = (float)bell();
    for (int i = 0; i < COLS * rank; i++) v[i / COLS][i % COLS] = (float)bell();
    for (int r = 0; r < ROWS; r++)
        for (int c = 0; c < COLS; c++) {
            double sum = 0;
            for (int k = 0; k < rank; k++) sum += (double)u[r][k] * v[k][c];
            weights[r * COLS + c] = (float)sum;
        }
    mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
    o.energy = 0.999999;
    mote_encode_report r = report(&o, weights);
    ck_assert(r.layout == MOTE_LAYOUT_LOWRANK && r.rank == rank);
    ck_assert(r.noise < 1e-9 * r.signal);
    ck_assert((double)r.packed_bytes < 0.05 * sizeof weights);
    o.energy = 0;
    o.rank = 2;
    r = report(&o, weights);
    ck_assert(r.rank == 2 && r.noise > 0.01 * r.signal);
    o.rank = ROWS;
    r = report(&o, weights);
    ck_assert(r.layout == MOTE_LAYOUT_DENSE && r.rank == 0 && r.noise == 0);
    fill_weights(0, 0); /* of full rank */
    o.rank = 0;
    o.energy = 0.999;
    r = report(&o, weights);
    ck_assert(r.layout == MOTE_LAYOUT_DENSE && r.noise == 0);
}
END_TEST

START_TEST(small_and_one_dimensional_tensors_stay_lossless)
{
    static float x[4096];
    for (unsigned i = 0; i < N(x); i++) x[i] = (float)bell();
    mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
    o.method = MOTE_METHOD_AFFINE;
    o.bits = 2;
    mote_model_tensor t = matrix(MOTE_F32, 31, 33);
    mote_coded c = encode(&o, &t, x);
    ck_assert_uint_ne(c.report.numeric, MOTE_NUM_AFFINE);
    mote_coded_free(&c);
    t = matrix(MOTE_F32, 32, 32);
    c = encode(&o, &t, x);
    ck_assert_uint_eq(c.report.numeric, MOTE_NUM_AFFINE);
    mote_coded_free(&c);
    t = matrix(MOTE_F32, 4096, 1);
    t.rank = 1;
    c = encode(&o, &t, x);
    ck_assert(c.report.numeric != MOTE_NUM_AFFINE && c.report.noise == 0);
    mote_coded_free(&c);
    o.method = MOTE_METHOD_F16;
    c = encode(&o, &t, x);
    ck_assert(c.entry.dtype == MOTE_F16 && c.report.noise > 0);
    mote_coded_free(&c);
}
END_TEST

START_TEST(stored_only_is_stored)
{
    mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
    o.only_stored = 1;
    fill_weights(0, 0);
    mote_encode_report r = report(&o, weights);
    ck_assert(r.numeric == MOTE_NUM_STORED && r.coder == MOTE_CODER_STORED && r.raw_bytes == sizeof weights);
}
END_TEST

START_TEST(nothing_has_no_records)
{
    mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
    const mote_model_tensor t = matrix(MOTE_F32, 0, 7);
    mote_coded c;
    ck_assert_int_eq(mote_encode_tensor(&c, &o, &t, NULL, NULL), MOTE_OK);
    ck_assert(c.entry.n_records == 0 && c.entry.rank == 2 && c.entry.shape[1] == 7 && c.report.packed_bytes == 0);
    mote_coded_free(&c);
    ck_assert_int_eq(mote_encode_blob(&c, &o, MOTE_KIND_TEXT, "notes", NULL, 0), MOTE_OK);
    ck_assert(c.entry.n_records == 0 && c.entry.kind == MOTE_KIND_TEXT && c.entry.dtype == MOTE_U8);
    mote_coded_free(&c);
}
END_TEST

START_TEST(digests_are_of_the_decoded_elements)
{
    const mote_model_tensor t = matrix(MOTE_F32, ROWS, COLS);
    fill_weights(3, 0);
    for (unsigned method = MOTE_METHOD_LOSSLESS; method <= MOTE_METHOD_BF16; method++) {
        mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
        o.method = (mote_method)method;
        o.tensor_digests = 1;
        mote_coded c = encode(&o, &t, weights);
        uint8_t *out = decode_coded(&c, t.elements), digest[MOTE_DIGEST_BYTES];
        ck_assert_ptr_nonnull(c.entry.digest);
        mote_digest(mote_crypto_host(), digest, MOTE_ROLE_TENSOR, out, dtype_bytes(c.entry.dtype, t.elements));
        ck_assert_int_eq(memcmp(digest, c.entry.digest, sizeof digest), 0);
        free(out);
        mote_coded_free(&c);
    }
}
END_TEST

/* --- blobs -------------------------------------------------------------------------------------------------------- */

START_TEST(blobs_come_back) /* _i: profile */
{
    enum { most = 200000 };
    static uint8_t data[most];
    static const size_t sizes[] = { 1, 2, 100, 5000, most };
    static const char *const words[] = { "weight", "bias", "layer", "norm", "{\"name\":", "0.125", ",", "\n" };
    for (unsigned random = 0; random < 2; random++) {
        size_t at = 0;
        while (at < most) {
            const char *w = words[rnd() % N(words)];
            for (size_t i = 0; w[i] && at < most; i++) data[at++] = random ? (uint8_t)rnd() : (uint8_t)w[i];
        }
        for (unsigned s = 0; s < N(sizes); s++) {
            mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
            o.profile = (mote_profile)_i;
            mote_coded c;
            ck_assert_int_eq(mote_encode_blob(&c, &o, MOTE_KIND_BLOB, "vocab.txt", data, sizes[s]), MOTE_OK);
            ck_assert_str_eq(c.entry.name, "vocab.txt");
            ck_assert(c.entry.kind == MOTE_KIND_BLOB && c.entry.rank == 1 && c.entry.shape[0] == sizes[s]);
            check_records(&o, &c);
            uint8_t *out = decode_coded(&c, sizes[s]);
            ck_assert_int_eq(memcmp(out, data, sizes[s]), 0);
            free(out);
            const bool zstd = mote_needs_has(&c.entry.needs, MOTE_CODER_ZSTD);
            ck_assert(zstd == (!random && o.profile != MOTE_PROFILE_NANO && sizes[s] >= 5000) || sizes[s] < 5000);
            if (zstd && sizes[s] > 10000) ck_assert((double)c.report.packed_bytes < 0.35 * (double)sizes[s]);
            ck_assert(c.report.packed_bytes <= sizes[s] + sizes[s] / 500 + 40);
            mote_coded_free(&c);
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("encode");
    TCase *tc = tcase_create("parts");
    tcase_add_test(tc, log2_is_within_1e_9);
    tcase_add_test(tc, half_octaves_are_exact);
    tcase_add_test(tc, eighths_of_octaves_are_exact);
    tcase_add_test(tc, tables_fit_their_counts);
    tcase_add_test(tc, few_symbols_get_a_parametric_table);
    tcase_add_loop_test(tc, windows_hold_what_they_must, 0, (int)N(windows));
    tcase_add_loop_test(tc, exactly_the_smallest_are_pruned, MOTE_F16, MOTE_F64 + 1);
    tcase_add_test(tc, thresholds_keep_what_is_not_below);
    tcase_add_loop_test(tc, codes_are_the_nearest, 0, (int)N(affines));
    tcase_add_test(tc, scales_minimise_the_squared_error);
    tcase_add_test(tc, rows_of_zeros_have_scale_1);
    tcase_add_test(tc, halves_round_to_even);
    tcase_add_test(tc, values_stay_finite_in_the_entry);
    tcase_add_test(tc, fetching_transposes);
    tcase_add_test(tc, narrower_types_are_found);
    suite_add_tcase(s, tc);
    tc = tcase_create("refusals");
    tcase_add_loop_test(tc, bad_options_are_refused, 0, (int)N(bad_options));
    tcase_add_test(tc, bad_tensors_are_refused);
    tcase_add_loop_test(tc, what_cannot_be_held_is_refused_by_name, 0, (int)N(refused));
    suite_add_tcase(s, tc);
    tc = tcase_create("choices");
    tcase_add_test(tc, classes_and_axis_follow_the_scales);
    tcase_add_test(tc, integers_take_the_better_axis);
    tcase_add_test(tc, integers_are_near_their_entropy);
    tcase_add_loop_test(tc, pruned_integers_are_near_their_entropy, 0, 2);
    tcase_add_test(tc, lanes_follow_the_segments);
    tcase_add_test(tc, zeros_are_left_out);
    tcase_add_test(tc, narrow_data_is_held_narrow);
    tcase_add_test(tc, low_rank_pays_or_is_left);
    tcase_add_test(tc, small_and_one_dimensional_tensors_stay_lossless);
    tcase_add_test(tc, stored_only_is_stored);
    tcase_add_test(tc, nothing_has_no_records);
    tcase_add_test(tc, digests_are_of_the_decoded_elements);
    tcase_add_loop_test(tc, blobs_come_back, 0, 3);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
