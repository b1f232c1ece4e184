/* SPDX-License-Identifier: Apache-2.0
 * Properties of the encoder over many tensors: what is decoded is what the options promise, nothing grows, records fit
 * their chunks, and the bytes depend on nothing but the tensor and the options. */
#include <check.h>
#include <pthread.h>

#include "../fuzz/roundtrip_check.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* --- tensors ------------------------------------------------------------------------------------------------------ */

static uint64_t state;

static uint64_t rnd(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static double bell(void)
{
    double x = 0;
    for (int i = 0; i < 6; i++) x += (double)(rnd() >> 40) / (1 << 24) - 0.5;
    return x * 1.4;
}

static void put_real(uint8_t *p, unsigned dtype, double x)
{
    float f = (float)x;
    uint32_t b;
    uint64_t d;
    memcpy(&b, &f, 4);
    memcpy(&d, &x, 8);
    if (dtype == MOTE_F64)
        mote_put64(p, d);
    else if (dtype == MOTE_F32)
        mote_put32(p, b);
    else
        mote_put16(p, dtype == MOTE_F16 ? mote_f32_to_f16(b) : mote_f32_to_bf16(b));
}

typedef enum kind {
    WEIGHTS,
    ROWS,
    COLUMNS,
    SPARSE,
    CLUSTERED,
    CONSTANT,
    ZERO,
    FEW,
    NOISE,
    EXTREMES,
    NARROW,
    WIDE,
    WAVES,
    KINDS
} kind;

static uint8_t *make(const mote_model_tensor *t, kind k)
{
    const unsigned bits = mote_dtype_bits(t->dtype), size = bits < 8 ? 1 : bits / 8;
    const uint64_t cols = t->rank ? t->shape[t->rank - 1] : 1;
    uint8_t *data = calloc((size_t)t->bytes + 1, 1);
    ck_assert_ptr_nonnull(data);
    state = 0x9E3779B97F4A7C15u + (uint64_t)k * 977 + t->dtype;
    static const uint32_t extremes[] = { 0x7FC00001, 0xFFC12345, 0x7F800001, 0x7F800000, 0xFF800000, 1,
                                         0x80000001, 0x80000000, 0,          0x7F7FFFFF, 0x00800000 };
    for (uint64_t i = 0; i < t->bytes / size; i++) {
        uint8_t *p = data + i * size;
        double x = 0.05 * bell();
        uint64_t r = rnd();
        if (k == ROWS) x *= pow(2, (double)((cols ? i / cols : 0) % 9));
        if (k == COLUMNS) x *= pow(2, (double)((cols ? i % cols : 0) % 9));
        if (k == SPARSE && r % 10 < 7) x = 0;
        if (k == CLUSTERED && i % 4000 < 3950) x = 0;
        if (k == CONSTANT) x = 0.75;
        if (k == FEW) x = (double)(r % 3) - 1;
        if (k == NARROW) x = (double)((float)(int)(x * 4096) / 1024);
        if (k == WIDE) x *= pow(2, (double)(r % 120) - 60);
        if (k == WAVES && cols) x = sin((double)(i % cols) * (0.1 + 0.03 * (double)(i / cols % 70)));
        if (k == ZERO) continue;
        if (k == NOISE ||
            (!is_real_dtype(t->dtype) && k != SPARSE && k != CLUSTERED && k != CONSTANT && k != FEW && k != NARROW)) {
            for (unsigned j = 0; j < size; j++) p[j] = (uint8_t)(r >> 8 * (j % 8));
        } else if (is_real_dtype(t->dtype)) {
            put_real(p, t->dtype, x);
            if (k == EXTREMES && r % 3 == 0 && t->dtype == MOTE_F32) mote_put32(p, extremes[r / 3 % N(extremes)]);
            if (k == EXTREMES && r % 3 == 0 && size == 2) mote_put16(p, extremes[r / 3 % N(extremes)] >> 16);
            if (k == EXTREMES && r % 3 == 0 && size == 8)
                mote_put64(p, (uint64_t)extremes[r / 3 % N(extremes)] << 32 | 7);
        } else if (x != 0) { /* small integers */
            p[0] = k == CONSTANT ? 3 : (uint8_t)(k == NARROW ? r % 200 : 1 + r % 3);
        }
    }
    return data;
}

static mote_model_tensor tensor(unsigned dtype, unsigned rank, uint64_t a, uint64_t b, uint64_t c)
{
    mote_model_tensor t = {
        .name = "a tensor", .dtype = (mote_dtype)dtype, .rank = rank, .shape = { a, b, c }, .elements = 1
    };
    for (unsigned i = 0; i < rank; i++) t.elements *= t.shape[i];
    t.bytes = dtype_bytes(dtype, t.elements);
    return t;
}

/* --- round trips -------------------------------------------------------------------------------------------------- */

static const struct {
    unsigned rank;
    uint64_t shape[3];
} shapes[] = {
    { 0, { 0 } },        { 1, { 0 } },          { 1, { 1 } },        { 1, { 2 } },        { 1, { 3 } },
    { 1, { 17 } },       { 1, { 1000 } },       { 1, { 5003 } },     { 2, { 0, 5 } },     { 2, { 1, 1 } },
    { 2, { 1, 777 } },   { 2, { 777, 1 } },     { 2, { 2, 2 } },     { 2, { 33, 65 } },   { 2, { 64, 64 } },
    { 2, { 3, 3001 } },  { 2, { 3001, 3 } },    { 2, { 130, 131 } }, { 3, { 16, 3, 3 } }, { 3, { 7, 40, 41 } },
    { 3, { 64, 1, 9 } }, { 3, { 2, 2, 2000 } },
};

/* Emulators take one of MOTE_TEST_THIN combinations: a number with no factor in common with those of kinds, types, chunks
 * and profiles, so that all of these still meet. */
#ifndef MOTE_TEST_THIN
#define MOTE_TEST_THIN 1
#endif

static bool left_out(unsigned turn)
{
    return turn % MOTE_TEST_THIN != 0;
}

/* Every type in every shape, of all kinds of data, lossless, in each profile with small and large chunks. */
START_TEST(lossless_tensors_come_back_exactly) /* _i: dtype - 1 */
{
    const unsigned dtype = 1 + (unsigned)_i;
    static const uint32_t chunks[] = { 256, 1024, 16384, 1 << 20 };
    unsigned turn = 0;
    for (size_t s = 0; s < N(shapes); s++)
        for (unsigned k = 0; k < KINDS; k++, turn++) {
            if (left_out(turn + (unsigned)_i)) continue;
            mote_model_tensor t =
                tensor(dtype, shapes[s].rank, shapes[s].shape[0], shapes[s].shape[1], shapes[s].shape[2]);
            mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
            o.profile = (mote_profile)(turn % 3);
            o.chunk_max = chunks[turn / 3 % 4];
            uint8_t *data = make(&t, (kind)k);
            ck_assert_int_eq(check_roundtrip(&o, &t, data), MOTE_OK);
            free(data);
        }
}
END_TEST

static const mote_encode_options lossy[] = {
    { .method = MOTE_METHOD_AFFINE, .bits = 8, .scope = MOTE_SCOPE_ROW, .scale_dtype = MOTE_F32 },
    { .method = MOTE_METHOD_AFFINE, .bits = 8, .scope = MOTE_SCOPE_TENSOR, .scale_dtype = MOTE_F32, .zero_point = 1 },
    { .method = MOTE_METHOD_AFFINE, .bits = 7, .scope = MOTE_SCOPE_GROUP, .group = 16, .scale_dtype = MOTE_F16 },
    { .method = MOTE_METHOD_AFFINE,
      .bits = 5,
      .scope = MOTE_SCOPE_GROUP,
      .group = 100,
      .scale_dtype = MOTE_BF16,
      .zero_point = 1 },
    { .method = MOTE_METHOD_AFFINE, .bits = 4, .scope = MOTE_SCOPE_ROW, .scale_dtype = MOTE_F16, .zero_point = 1 },
    { .method = MOTE_METHOD_AFFINE,
      .bits = 3,
      .scope = MOTE_SCOPE_ROW,
      .scale_dtype = MOTE_F32,
      .prune_fraction = 0.7 },
    { .method = MOTE_METHOD_AFFINE, .bits = 2, .scope = MOTE_SCOPE_TENSOR, .scale_dtype = MOTE_BF16 },
    { .method = MOTE_METHOD_AFFINE, .bits = 1, .scope = MOTE_SCOPE_ROW, .scale_dtype = MOTE_F32 },
    { .method = MOTE_METHOD_AFFINE,
      .bits = 1,
      .scope = MOTE_SCOPE_ROW,
      .scale_dtype = MOTE_F32,
      .prune_fraction = 0.9 },
    { .method = MOTE_METHOD_AFFINE,
      .bits = 1,
      .scope = MOTE_SCOPE_GROUP,
      .group = 8,
      .scale_dtype = MOTE_F32,
      .zero_point = 1 },
    { .method = MOTE_METHOD_AFFINE, .bits = 16, .scope = MOTE_SCOPE_ROW, .scale_dtype = MOTE_F32 },
    { .method = MOTE_METHOD_AFFINE,
      .bits = 16,
      .scope = MOTE_SCOPE_GROUP,
      .group = 7,
      .scale_dtype = MOTE_F16,
      .zero_point = 1,
      .prune_threshold = 0.03 },
    { .method = MOTE_METHOD_AFFINE,
      .bits = 8,
      .scope = MOTE_SCOPE_ROW,
      .scale_dtype = MOTE_F32,
      .prune_fraction = 0.95 },
    { .method = MOTE_METHOD_AFFINE, .bits = 8, .scope = MOTE_SCOPE_ROW, .scale_dtype = MOTE_F32, .rank = 3 },
    { .method = MOTE_METHOD_AFFINE,
      .bits = 6,
      .scope = MOTE_SCOPE_GROUP,
      .group = 5,
      .scale_dtype = MOTE_F16,
      .energy = 0.9,
      .zero_point = 1 },
    { .method = MOTE_METHOD_AFFINE, .bits = 2, .ternary = 1, .scope = MOTE_SCOPE_ROW, .scale_dtype = MOTE_F16 },
    { .method = MOTE_METHOD_CODEBOOK, .entries = 16, .scale_dtype = MOTE_F32 },
    { .method = MOTE_METHOD_CODEBOOK, .entries = 5, .scale_dtype = MOTE_F32, .book_rows = 3 },
    { .method = MOTE_METHOD_CODEBOOK,
      .entries = 256,
      .scope = MOTE_SCOPE_ROW,
      .scale_dtype = MOTE_F16,
      .prune_fraction = 0.8 },
    { .method = MOTE_METHOD_NF4, .scope = MOTE_SCOPE_GROUP, .group = 16, .scale_dtype = MOTE_F16 },
    { .method = MOTE_METHOD_SCALED_E4M3, .scope = MOTE_SCOPE_ROW, .scale_dtype = MOTE_F32 },
    { .method = MOTE_METHOD_SCALED_E5M2, .scope = MOTE_SCOPE_TENSOR, .scale_dtype = MOTE_F32, .prune_fraction = 0.9 },
    { .method = MOTE_METHOD_F8_E4M3, .prune_fraction = 0.5 },
    { .method = MOTE_METHOD_F8_E5M2 },
    { .method = MOTE_METHOD_LOSSLESS, .keep = 2, .of = 4 },
    { .method = MOTE_METHOD_AFFINE, .bits = 1, .scope = MOTE_SCOPE_ROW, .scale_dtype = MOTE_F32, .keep = 3, .of = 8 },
    { .method = MOTE_METHOD_AFFINE, .bits = 8, .scope = MOTE_SCOPE_ROW, .scale_dtype = MOTE_F32, .prune_rows = 0.4 },
    { .method = MOTE_METHOD_LOSSLESS, .rank = 3, .residual = 4, .scale_dtype = MOTE_F32 },
    { .method = MOTE_METHOD_AFFINE,
      .bits = 8,
      .scope = MOTE_SCOPE_ROW,
      .scale_dtype = MOTE_F16,
      .rank = 2,
      .residual = 8,
      .prune_fraction = 0.9 },
    { .method = MOTE_METHOD_LOSSLESS, .energy = 0.6, .residual = 1, .scale_dtype = MOTE_F32, .keep = 1, .of = 4 },
    { .method = MOTE_METHOD_F16 },
    { .method = MOTE_METHOD_BF16 },
    { .method = MOTE_METHOD_F16, .prune_fraction = 0.5 },
    { .method = MOTE_METHOD_BF16, .rank = 4 },
    { .method = MOTE_METHOD_F16, .energy = 0.8 },
    { .method = MOTE_METHOD_LOSSLESS, .prune_fraction = 0.3 },
    { .method = MOTE_METHOD_LOSSLESS, .prune_threshold = 0.02 },
    { .method = MOTE_METHOD_LOSSLESS, .prune_fraction = 0.99 },
    { .method = MOTE_METHOD_LOSSLESS, .rank = 2 },
    { .method = MOTE_METHOD_LOSSLESS, .energy = 0.5, .prune_fraction = 0.2 },
    { .method = MOTE_METHOD_TRELLIS, .states = 8, .snr_db = 18 },
    { .method = MOTE_METHOD_TRELLIS, .states = 1, .snr_db = 30, .native = 16 },
    { .method = MOTE_METHOD_TRELLIS, .states = 256, .snr_db = 2, .native = 8 },
    { .method = MOTE_METHOD_TRELLIS, .states = 8, .step = 0.01 },
    { .method = MOTE_METHOD_TRELLIS, .states = 32, .step = 1e-7, .native = 8 },
};

/* The lossy methods in every shape: the error that is found by decoding is the one that is reported. */
START_TEST(lossy_tensors_lose_what_is_reported) /* _i: of lossy */
{
    static const unsigned dtypes[] = { MOTE_F32, MOTE_F16, MOTE_BF16, MOTE_F64, MOTE_I8 };
    static const uint32_t chunks[] = { 256, 4096, 65536 };
    unsigned turn = (unsigned)_i, refused = 0, done = 0;
    for (size_t s = 0; s < N(shapes); s++)
        for (unsigned k = 0; k < KINDS; k++, turn++) {
            if (left_out(turn)) continue;
            mote_model_tensor t =
                tensor(dtypes[turn % 5], shapes[s].rank, shapes[s].shape[0], shapes[s].shape[1], shapes[s].shape[2]);
            mote_encode_options o = lossy[_i];
            o.struct_size = sizeof o;
            o.small = turn % 2 ? 1 : 1024;
            o.profile = (mote_profile)(turn / 2 % 3);
            o.chunk_max = chunks[turn / 6 % 3];
            uint8_t *data = make(&t, (kind)k);
            mote_status st = check_roundtrip(&o, &t, data);
            ck_assert_msg(st == MOTE_OK || k == EXTREMES || k == NOISE || k == WIDE, "%s", mote_status_name(st));
            if (st == MOTE_OK)
                done++;
            else
                refused++;
            free(data);
        }
    ck_assert_uint_gt(done * KINDS, (done + refused) * (KINDS - 3)); /* three kinds may be refused */
}
END_TEST

/* A tensor of many segments of every layout, transposed or not. */
START_TEST(large_tensors_are_cut)
{
    static const kind kinds[] = { WEIGHTS, COLUMNS, ROWS, SPARSE, CLUSTERED };
    static const uint32_t chunks[] = { 1024, 16384, 262144 };
    unsigned turn = 0;
    for (unsigned k = 0; k < N(kinds); k++)
        for (unsigned i = 0; i < 3; i++)
            for (unsigned bits = 0; bits <= 12; bits += 4) {
                if (left_out(turn++)) continue;
                mote_model_tensor t = tensor(MOTE_F32, 2, 300, 700, 1);
                mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
                o.chunk_max = chunks[i];
                o.profile = i == 2 ? MOTE_PROFILE_HOST : MOTE_PROFILE_STD;
                o.method = bits > 4 ? MOTE_METHOD_TRELLIS : bits ? MOTE_METHOD_AFFINE : MOTE_METHOD_LOSSLESS;
                o.bits = bits == 4 ? 4 : 8;
                if (bits > 4) o.snr_db = 2.5 * bits;
                uint8_t *data = make(&t, kinds[k]);
                ck_assert_int_eq(check_roundtrip(&o, &t, data), MOTE_OK);
                free(data);
            }
}
END_TEST

/* --- trellis ------------------------------------------------------------------------------------------------------ */

static double decibels(const mote_coded *c)
{
    return 10 * log10(c->report.signal / c->report.noise);
}

static mote_status encode_as(mote_coded *c, const mote_encode_options *o, const mote_model_tensor *t, kind k,
                             uint8_t **data)
{
    mote_model_error error;
    *data = make(t, k);
    return mote_encode_tensor(c, o, t, *data, &error);
}

/* The error that was asked for is the error that comes out, and integers come out, whatever the numbers are like. */
START_TEST(errors_are_those_asked_for) /* _i: states */
{
    static const unsigned states[] = { 1, 8, 32, 256, 1024 };
    static const double decibel[] = { 6, 7.5, 9, 13.5, 18.5, 24.5, 40 };
    static const unsigned dtypes[] = { MOTE_F32, MOTE_F64, MOTE_F32, MOTE_F16 };
    static const kind kinds[] = { WEIGHTS, ROWS, COLUMNS, SPARSE, NARROW };
    for (unsigned i = 0; i < N(decibel); i++)
        for (unsigned k = 0; k < N(kinds); k++) {
            if ((i + k + (unsigned)_i) % 2) continue;
            const mote_model_tensor t = tensor(dtypes[(i + k) / 2 % 4], 2, 60 + 7 * i, 100 + 13 * k, 1);
            mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
            mote_coded c;
            uint8_t *data;
            o.method = MOTE_METHOD_TRELLIS;
            o.states = states[_i];
            o.snr_db = decibel[i];
            o.profile = (mote_profile)(i % 3);
            ck_assert_int_eq(encode_as(&c, &o, &t, kinds[k], &data), MOTE_OK);
            ck_assert_uint_eq(c.report.numeric, MOTE_NUM_TRELLIS);
            /* of rows a hundred times apart a few hundred values decide */
            const double close = kinds[k] == ROWS || kinds[k] == COLUMNS ? 0.1 : 0.04;
            ck_assert_msg(fabs(decibels(&c) - decibel[i]) < close, "%g dB of kind %u: %g", decibel[i], kinds[k],
                          decibels(&c));
            mote_coded_free(&c);
            ck_assert_int_eq(check_roundtrip(&o, &t, data), MOTE_OK);
            free(data);
        }
}
END_TEST

/* More states are smaller at the same error; so is a larger error. */
START_TEST(states_pay)
{
    static const unsigned states[] = { 1, 8, 32, 256, 1024 };
    uint64_t last = UINT64_MAX;
    const mote_model_tensor t = tensor(MOTE_F32, 2, 300, 200, 1);
    for (unsigned i = 0; i < N(states); i++) {
        mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
        mote_coded c;
        uint8_t *data;
        o.method = MOTE_METHOD_TRELLIS;
        o.states = states[i];
        o.snr_db = 20;
        ck_assert_int_eq(encode_as(&c, &o, &t, WEIGHTS, &data), MOTE_OK);
        ck_assert_uint_lt(c.report.packed_bytes, last);
        ck_assert_double_lt(fabs(decibels(&c) - 20), 0.02);
        const double above =
            8 * (double)c.report.packed_bytes / c.report.ideal_bits; /* heads, lanes, tables that differ */
        ck_assert(above > 1 && above < 1.03);
        last = c.report.packed_bytes;
        mote_coded_free(&c);
        free(data);
    }
}
END_TEST

/* What neighbours tell is used, by readers that have the coder, and only where it pays. */
START_TEST(neighbours_are_seen) /* _i: profile */
{
    static const uint32_t chunks[] = { 0, 1024 };
    const mote_model_tensor t = tensor(MOTE_F32, 2, 100, 120, 1);
    for (unsigned i = 0; i < 4; i++) {
        mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
        mote_coded c;
        uint8_t *data;
        o.method = MOTE_METHOD_TRELLIS;
        o.snr_db = 16;
        o.profile = (mote_profile)_i;
        o.chunk_max = chunks[i % 2];
        o.native = i / 2 * 8;
        const bool can = _i != MOTE_PROFILE_NANO;
        ck_assert_int_eq(encode_as(&c, &o, &t, WAVES, &data), MOTE_OK);
        ck_assert((c.report.coder == MOTE_CODER_ADAPTIVE1) == can);
        ck_assert(mote_needs_has(&c.entry.needs, MOTE_CODER_ADAPTIVE1) == can);
        ck_assert_double_lt(fabs(decibels(&c) - o.snr_db), 0.04);
        mote_coded_free(&c);
        ck_assert_int_eq(check_roundtrip(&o, &t, data), MOTE_OK);
        free(data);
        ck_assert_int_eq(encode_as(&c, &o, &t, WEIGHTS, &data), MOTE_OK);
        ck_assert_uint_ne(c.report.coder, MOTE_CODER_ADAPTIVE1);
        mote_coded_free(&c);
        free(data);
    }
}
END_TEST

/* Native values are integers times the step, and fit. */
START_TEST(native_values_are_integers)
{
    static const unsigned native[] = { 8, 16 };
    static const double steps[] = { 0.004, 1e-6 };
    for (unsigned i = 0; i < 2; i++)
        for (unsigned k = 0; k < 2; k++) {
            const mote_model_tensor t = tensor(MOTE_F32, 2, 60, 100, 1);
            mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
            mote_coded c;
            uint8_t *data;
            o.method = MOTE_METHOD_TRELLIS;
            o.step = steps[k];
            o.native = native[i];
            ck_assert_int_eq(encode_as(&c, &o, &t, k ? WEIGHTS : ROWS, &data), MOTE_OK);
            if (c.report.numeric == MOTE_NUM_TRELLIS) {
                uint8_t *out = decode_coded(&c, t.elements);
                double least = 1e30, most = 0;
                for (uint64_t e = 0; e < t.elements; e++) {
                    const double x = fabs(real_value(out, MOTE_F32, e));
                    if (x > 0 && x < least) least = x;
                    if (x > most) most = x;
                }
                ck_assert_double_le(most / least, (1u << (native[i] - 1)) - 1);
                for (uint64_t e = 0; e < t.elements; e++) {
                    const double v = real_value(out, MOTE_F32, e) / least;
                    ck_assert_double_lt(fabs(v - nearbyint(v)), 1e-4 + 1e-6 * fabs(v));
                }
                free(out);
            } else {
                ck_assert(native[i] == 16 && k == 1); /* lossless is smaller */
            }
            mote_coded_free(&c);
            free(data);
        }
}
END_TEST

static double column_noise(const mote_coded *c, const mote_model_tensor *t, const uint8_t *data, uint64_t from)
{
    uint8_t *out = decode_coded(c, t->elements);
    double sum = 0;
    for (uint64_t e = 0; e < t->elements; e++)
        if (e % t->shape[1] >= from) {
            const double d = real_value(out, MOTE_F32, e) - real_value(data, MOTE_F32, e);
            sum += d * d;
        }
    free(out);
    return sum;
}

/* Errors go where they matter least, also in tensors that are coded transposed. */
START_TEST(importance_moves_errors) /* _i: kind */
{
    const mote_model_tensor t = tensor(MOTE_F32, 2, 80, 200, 1);
    float importance[200];
    double noise[2];
    for (unsigned i = 0; i < 200; i++) importance[i] = i < 100 ? 0.1f : 10;
    for (unsigned i = 0; i < 2; i++) {
        mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
        mote_coded c;
        uint8_t *data;
        o.method = MOTE_METHOD_TRELLIS;
        o.snr_db = 15;
        o.importance = i ? importance : NULL;
        o.importance_columns = i ? 200 : 0;
        ck_assert_int_eq(encode_as(&c, &o, &t, _i ? COLUMNS : WEIGHTS, &data), MOTE_OK);
        ck_assert_uint_eq(c.report.numeric, MOTE_NUM_TRELLIS);
        ck_assert_double_lt(fabs(decibels(&c) - 15), 0.02);
        noise[i] = column_noise(&c, &t, data, 100);
        mote_coded_free(&c);
        free(data);
    }
    ck_assert_double_lt(noise[1], 0.9 * noise[0]);
}
END_TEST

START_TEST(options_of_trellises)
{
    const mote_model_tensor t = tensor(MOTE_F32, 2, 80, 200, 1);
    float importance[200];
    mote_encode_options good = MOTE_ENCODE_OPTIONS_INIT;
    good.method = MOTE_METHOD_TRELLIS;
    good.snr_db = 15;
    mote_encode_options bad[12];
    for (unsigned i = 0; i < N(bad); i++) bad[i] = good;
    bad[0].states = 7;
    bad[1].step = 1;
    bad[2].snr_db = 0;
    bad[3].snr_db = 121;
    bad[4].snr_db = NAN;
    bad[5].native = 4;
    bad[6].rank = 3;
    bad[7].prune_fraction = 0.5;
    bad[8].step = -1;
    bad[9].snr_db = 0, bad[9].step = INFINITY;
    bad[10].energy = 0.5;
    bad[11].prune_threshold = 0.5;
    uint8_t *data = make(&t, WEIGHTS);
    mote_coded c;
    mote_model_error error;
    for (unsigned i = 0; i < N(bad); i++)
        ck_assert_int_eq(mote_encode_tensor(&c, &bad[i], &t, data, &error), MOTE_ERR_ARG);
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned k = 0; k < 200; k++) importance[k] = i == 4 ? 0 : 1;
        mote_encode_options o = good;
        o.importance = importance;
        o.importance_columns = i == 0 ? 0 : i == 1 ? 199 : 200;
        if (i == 2) importance[7] = -1;
        if (i == 3) importance[199] = INFINITY;
        ck_assert_int_eq(mote_encode_tensor(&c, &o, &t, data, &error), MOTE_ERR_VALUE);
        ck_assert_ptr_nonnull(strstr(error.text, "a tensor"));
    }
    free(data);
}
END_TEST

/* One weight far away, weights that nothing can be told of, weights at the end of what floats hold. */
START_TEST(odd_weights) /* _i: which */
{
    static const double decibel[] = { 3, 20, 60 };
    for (unsigned i = 0; i < N(decibel); i++) {
        const mote_model_tensor t = tensor(MOTE_F32, 2, 70, 90, 1);
        mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
        o.method = MOTE_METHOD_TRELLIS;
        o.snr_db = decibel[i];
        uint8_t *data = make(&t, WEIGHTS);
        for (uint64_t e = 0; e < t.elements; e++) {
            uint8_t *p = data + 4 * e;
            const double x = real_value(data, MOTE_F32, e);
            if (_i == 0 && e == 1234) put_real(p, MOTE_F32, 1e6);
            if (_i == 1 && e == 1234) put_real(p, MOTE_F32, 3e38);
            if (_i == 2) put_real(p, MOTE_F32, x * 1e-38);
            if (_i == 3) mote_put32(p, (uint32_t)(1 + e % 3) | (uint32_t)(e % 5 == 0) << 31);
            if (_i == 4) put_real(p, MOTE_F32, x * 1e38);
            if (_i == 5) put_real(p, MOTE_F32, e == 1234 ? 1e-45 : 0);
            if (_i == 6) put_real(p, MOTE_F32, e % 90 < 89 ? 0 : x);
            if (_i == 7) put_real(p, MOTE_F32, -0.3);
        }
        ck_assert_int_eq(check_roundtrip(&o, &t, data), MOTE_OK);
        free(data);
    }
}
END_TEST

/* --- the same bytes ----------------------------------------------------------------------------------------------- */

typedef struct job {
    mote_encode_options o;
    mote_model_tensor t;
    uint8_t *data;
    mote_coded coded;
    mote_status st;
} job;

static void *run(void *ctx)
{
    job *j = ctx;
    j->st = mote_encode_tensor(&j->coded, &j->o, &j->t, j->data, NULL);
    return NULL;
}

static void same_records(const mote_coded *a, const mote_coded *b)
{
    ck_assert_uint_eq(a->entry.n_records, b->entry.n_records);
    for (size_t i = 0; i < a->entry.n_records; i++) {
        ck_assert_uint_eq(a->entry.records[i].bytes, b->entry.records[i].bytes);
        ck_assert_int_eq(memcmp(a->entry.records[i].data, b->entry.records[i].data, a->entry.records[i].bytes), 0);
    }
    ck_assert_int_eq(memcmp(&a->entry.needs, &b->entry.needs, sizeof a->entry.needs), 0);
    ck_assert(a->report.noise == b->report.noise && a->report.signal == b->report.signal);
}

START_TEST(threads_and_runs_give_the_same_bytes)
{
    enum { JOBS = 6 };
    for (unsigned i = 0; i < N(lossy); i += 2) {
        job first[JOBS], again[JOBS];
        pthread_t thread[JOBS];
        for (unsigned k = 0; k < JOBS; k++) {
            job *j = &first[k];
            *j = (job){ .o = lossy[i], .t = tensor(k % 2 ? MOTE_F16 : MOTE_F32, 2, 40 + k, 90, 1) };
            j->o.struct_size = sizeof j->o;
            j->o.profile = (mote_profile)(k % 3);
            j->data = make(&j->t, k % 3 == 2 ? WAVES : k % 2 ? WEIGHTS : SPARSE);
            again[k] = *j;
        }
        for (unsigned k = 0; k < JOBS; k++) run(&first[k]);
        for (unsigned k = 0; k < JOBS; k++) ck_assert_int_eq(pthread_create(&thread[k], NULL, run, &again[k]), 0);
        for (unsigned k = 0; k < JOBS; k++) {
            ck_assert_int_eq(pthread_join(thread[k], NULL), 0);
            ck_assert(first[k].st == MOTE_OK && again[k].st == MOTE_OK);
            same_records(&first[k].coded, &again[k].coded);
            mote_coded_free(&first[k].coded);
            mote_coded_free(&again[k].coded);
            free(first[k].data);
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("property_encode");
    TCase *tc = tcase_create("encode");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, lossless_tensors_come_back_exactly, 0, 25);
    tcase_add_loop_test(tc, lossy_tensors_lose_what_is_reported, 0, (int)N(lossy));
    tcase_add_test(tc, large_tensors_are_cut);
    tcase_add_loop_test(tc, errors_are_those_asked_for, 0, 5);
    tcase_add_loop_test(tc, neighbours_are_seen, 0, 3);
    tcase_add_test(tc, states_pay);
    tcase_add_test(tc, native_values_are_integers);
    tcase_add_loop_test(tc, importance_moves_errors, 0, 2);
    tcase_add_test(tc, options_of_trellises);
    tcase_add_loop_test(tc, odd_weights, 0, 8);
    tcase_add_test(tc, threads_and_runs_give_the_same_bytes);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
