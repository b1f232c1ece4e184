/* SPDX-License-Identifier: Apache-2.0
 * The numeric trellis: what the writer writes against a decoder that does nothing but what the spec says, and the real
 * decoder, in every form and with every kernel, against both. Spec codecs.md 8. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "codec_helpers.h"
#include "common/casts.h"
#include "enc/trellis_plan.h"

/* --- random plans ------------------------------------------------------------------------------------------------- */

static const struct {
    uint16_t h0, h1;
} codes[] = { { 0, 0 },         { 013, 04 }, { 045, 010 },       { 0515, 0362 }, { 02107, 01722 },
              { 06215, 03722 }, { 9, 2 },    { 0xFFFF, 0x7FFE }, { 0x8001, 2 },  { 023, 04 } };

typedef struct random_trellis {
    mote_trellis_plan p;
    uint8_t *row_class, *col_class;
    uint16_t *scale;
    int32_t *level; /* row-major */
    int outliers;   /* one in so many levels is outside the window; 0: none */
} random_trellis;

static void random_pair(mote_pair_spec *s, bool family, bool adapts)
{
    s->wide = rnd_below(3) == 0 && !adapts;
    s->shift = (uint8_t)(rnd_below(2) ? 0 : rnd_below(5));
    s->counts = !family || rnd_below(3) == 0;
    s->lo = -(s->wide ? 15 : 7) * (1 << s->shift);
    if (!s->counts) return;
    s->lo += (int32_t)rnd_below(20) - 10;
    if (rnd_below(8) == 0) s->lo = rnd_below(2) ? 8192 : -8192;
    for (unsigned q = 0; q < 2; q++)
        for (unsigned i = 0; i < 32; i++) s->weight[q][i] = (uint8_t)(1 + rnd_below(rnd_below(2) ? 255 : 40));
}

static void draw_levels(random_trellis *t)
{
    mote_trellis_plan *p = &t->p;
    uint32_t most = 1;
    for (uint64_t r = 0; r < p->rows; r++)
        for (uint64_t c = 0; c < p->cols; c++) {
            const unsigned i =
                mote_trellis_index(p, p->row_class ? p->row_class[r] : 0, p->col_class ? p->col_class[c] : 0);
            const mote_pair_spec *s = &p->pair[i];
            const int32_t span = (s->wide ? 32 : 16) << s->shift;
            int32_t k = s->lo + (int32_t)rnd_below((uint32_t)span);
            if (t->outliers && rnd_below((uint32_t)t->outliers) == 0)
                k = rnd_below(4) ? (int32_t)rnd_below(2000) - 1000 : (int32_t)rnd_below(1000000) - 500000;
            t->level[r * p->cols + c] = k;
            const uint32_t a = 2 * (uint32_t)(k < 0 ? -k : k) + 1;
            if (a > most) most = a;
        }
    p->largest = most;
}

static void random_plan(random_trellis *t, uint64_t rows, uint64_t cols)
{
    static const uint8_t dtypes[] = { MOTE_F32, MOTE_F32, MOTE_F16, MOTE_BF16, MOTE_F64 };
    memset(t, 0, sizeof *t);
    mote_trellis_plan *p = &t->p;
    p->rows = rows;
    p->cols = cols;
    p->axis = rnd_below(3) == 0;
    p->adapts = rnd_below(3) == 0;
    p->dtype = dtypes[rnd_below(N(dtypes))];
    const unsigned code = rnd_below(N(codes));
    p->h0 = codes[code].h0;
    p->h1 = codes[code].h1;
    p->zero = p->h0 && rnd_below(2);
    p->step = mote_trellis_step_round(0.001f + (float)rnd_below(1000) * 0.0007f);
    for (unsigned i = 0; i < 3 && rnd_below(2); i++) p->offset[i] = (int8_t)((int)rnd_below(63) - 31);
    if (rnd_below(3) == 0) {
        t->scale = allocate(rows * sizeof *t->scale);
        for (uint64_t r = 0; r < rows; r++) t->scale[r] = (uint16_t)(1 + rnd_below(0x7BFF));
    }
    p->n_pairs = (uint8_t)(1 + rnd_below(MOTE_PAIRS_MAX));
    const bool family = rnd_below(3);
    p->family.shape = (uint8_t)(family ? rnd_below(MOTE_SHAPES) : MOTE_FAMILY_NONE);
    p->family.growing = family && rnd_below(2);
    p->family.mean = family ? (int32_t)rnd_below(60) - 30 : 0;
    p->family.inverse = 1 + rnd_below(1 << rnd_below(26));
    p->family.zero[0] = (uint8_t)rnd_below(256);
    p->family.zero[1] = (uint8_t)rnd_below(256);
    p->escapes = (uint8_t)rnd_below(3);
    t->outliers = p->escapes ? 1 + (int)rnd_below(200) : 0;
    for (unsigned i = 0; i < p->n_pairs; i++) random_pair(&p->pair[i], family, p->adapts);
    p->escape = (mote_table_spec){ .form = 1, .bits = 12, .shift = (uint8_t)rnd_below(5), .inverse = 20000 };
    if (p->n_pairs > 1) {
        p->base = (uint8_t)rnd_below(31);
        if (rnd_below(3)) {
            const unsigned n = 2 + rnd_below(15);
            t->row_class = allocate(rows);
            for (uint64_t r = 0; r < rows; r++) t->row_class[r] = (uint8_t)rnd_below(n);
        }
        if (rnd_below(3)) {
            const unsigned n = 1 + rnd_below(16);
            t->col_class = allocate(cols);
            for (uint64_t c = 0; c < cols; c++) t->col_class[c] = (uint8_t)rnd_below(n);
        }
    }
    p->scale = t->scale;
    p->row_class = t->row_class;
    p->col_class = t->col_class;
    t->level = allocate(rows * cols * sizeof *t->level);
    draw_levels(t);
}

static void free_plan(random_trellis *t)
{
    free(t->scale);
    free(t->row_class);
    free(t->col_class);
    free(t->level);
}

static mote_status give_levels(void *ctx, const mote_trellis_plan *p, const mote_extent *e, int32_t *level)
{
    const random_trellis *t = ctx;
    for (size_t r = 0; r < e->rows; r++)
        for (size_t c = 0; c < e->cols; c++) level[r * e->cols + c] = t->level[(e->row + r) * p->cols + e->col + c];
    return MOTE_OK;
}

/* Random cuts and lanes. */
static mote_status write_random(random_trellis *t, mote_records *f, bool cut)
{
    mote_trellis_plan *p = &t->p;
    const mote_enc_limits limits = { .profile = MOTE_PROFILE_HOST, .chunk_max = cut ? 8192 : 1 << 20 };
    const mote_records_target target = {
        .limits = &limits, .dtype = p->dtype, .elements = p->rows * p->cols, .most = p->rows * p->cols
    };
    if (cut) {
        mote_status st = mote_trellis_cut(p, &target);
        if (st != MOTE_OK) return st;
    } else {
        p->coder = (uint8_t)(p->adapts ? MOTE_CODER_ADAPTIVE1 : MOTE_CODER_RANS1 + rnd_below(3));
        p->seg_elems = p->cols * (1 + rnd_below((uint32_t)p->rows));
        if (!p->col_class && rnd_below(3) == 0) p->seg_elems = 1 + rnd_below((uint32_t)p->cols);
    }
    return mote_trellis_write(f, &target, p, give_levels, t);
}

/* --- the spec, word by word --------------------------------------------------------------------------------------- */

typedef struct lane {
    uint32_t x, s;
} lane;

/* Tables that adapt, as 8.5 has them: A by pair, g, h and q; the distances from zero of the last two symbols. */
typedef struct learned {
    int32_t a[MOTE_PAIRS_MAX][3][8][2][16];
    int32_t d[2];
} learned;

static void learn_first(learned *a, const decoder *d)
{
    const mote_trellis_head *th = &d->head.trellis;
    memset(a, 0, sizeof *a);
    for (unsigned i = 0; i < th->n_pairs; i++)
        for (unsigned at = 0; at < 48; at++)
            for (unsigned j = 0; j < 16; j++) {
                const unsigned q = th->tables == 2 ? at % 2 : 0;
                a->a[i][at / 16][at / 2 % 8][at % 2][j] = 255 * d->tables[th->first + th->slot[i] + q].cum[j] / 32;
            }
}

static int32_t *learned_table(learned *a, unsigned pair, unsigned q)
{
    const int32_t h = a->d[0] < -4 ? 0 : a->d[0] > 3 ? 7 : a->d[0] + 4, g = a->d[1] < 0 ? 0 : a->d[1] == 0 ? 1 : 2;
    return a->a[pair][g][h][q];
}

/* x / 2^n, rounded down */
static int32_t floor_shift(int32_t x, unsigned n)
{
    const int32_t by = 1 << n, quotient = x / by;
    return quotient * by > x ? quotient - 1 : quotient;
}

static void learn(learned *a, int32_t *t, uint32_t k, int32_t lo, unsigned shift)
{
    for (uint32_t j = 0; j < 16; j++) t[j] += floor_shift((j <= k ? 0 : 32640) - t[j], 5);
    a->d[1] = a->d[0];
    a->d[0] = (int32_t)k - floor_shift(-lo, shift);
}

/* Values of the segment of extent e from its record, row-major; classes are the plan's. */
static void decode_slowly(const random_trellis *t, const decoder *d, const mote_extent *e, const mote_piece *rec,
                          int32_t *value)
{
    const mote_trellis_plan *p = &t->p;
    const mote_trellis_head *th = &d->head.trellis;
    const mote_plane *plane = &d->head.term.num.v;
    mote_rd r = mote_rd_init(rec->data, rec->bytes);
    unsigned left = 1u + (p->scale != NULL) + (plane->n_classes > 1) + p->escapes;
    mote_rd in[5];
    for (unsigned i = 0; i < left; i++)
        in[i] = i + 1 < left ? mote_rd_sub_varint(&r) : mote_rd_sub(&r, mote_rd_left(&r));
    const unsigned at = 0u + (p->scale != NULL) + (plane->n_classes > 1);
    mote_rd *symbols = &in[at], *numbers = &in[at + p->escapes];
    lane l[32], el = { 0, 0 };
    const unsigned lanes = mote_plane_lanes(p->coder);
    for (unsigned i = 0; i < lanes; i++) l[i] = (lane){ mote_rd_u32(symbols), 0 };
    if (p->escapes == 2 && mote_rd_left(&in[at + 1])) el.x = mote_rd_u32(&in[at + 1]);
    static learned a;
    learn_first(&a, d);
    for (size_t row = 0; row < e->rows; row++)
        for (unsigned g = 0; g < 16; g++) {
            unsigned place = 0;
            for (size_t c = 0; c < e->cols; c++) {
                if ((p->col_class ? p->col_class[e->col + c] : 0) != g) continue;
                int i = (p->row_class ? p->row_class[e->row + row] : 0) + (int)g - p->base;
                i = i < 0 ? 0 : i >= p->n_pairs ? p->n_pairs - 1 : i;
                lane *y = &l[place++ % lanes];
                const unsigned q = y->s % 2, wide = p->pair[i].wide, n = wide ? 32 : 16, shift = p->pair[i].shift;
                const mote_table *table = &d->tables[(unsigned)plane->table + (plane->class_coder == MOTE_CODER_RANS1) +
                                                     th->slot[i] + q * (1u + wide)];
                uint32_t slot = y->x % 4096, k = n - 1, cum, freq;
                int32_t *adaptive = learned_table(&a, (unsigned)i, q);
                for (;; k--) {
                    cum = table[k / 16].cum[k % 16];
                    freq = table[k / 16].cum[k % 16 + 1] - cum;
                    if (p->adapts) {
                        cum = k + (uint32_t)adaptive[k] / 8;
                        freq = (k == 15 ? 4096 : k + 1 + (uint32_t)adaptive[k + 1] / 8) - cum;
                    }
                    if (freq && cum <= slot) break;
                }
                if (p->adapts) learn(&a, adaptive, k, p->pair[i].lo, shift);
                y->x = freq * (y->x >> 12) + slot - cum;
                const int32_t low = (int32_t)(y->x % (1u << shift));
                int32_t level = p->pair[i].lo + ((int32_t)k << shift) + low;
                const bool odd = level % 2 != 0; /* of what the symbol says, an escape too */
                y->x >>= shift;
                if (y->x < 65536) y->x = y->x << 16 | mote_rd_u16(symbols);
                if (p->escapes && k >= n - 2) {
                    uint32_t number = 0, es = p->escape.shift;
                    bool more = p->escapes == 1;
                    if (p->escapes == 2) {
                        const mote_table *et = &d->tables[plane->escape];
                        uint32_t eslot = el.x % 4096, ek = 15;
                        while (et->cum[ek] > eslot || et->cum[ek] == et->cum[ek + 1]) ek--;
                        el.x = (uint32_t)(et->cum[ek + 1] - et->cum[ek]) * (el.x >> 12) + eslot - et->cum[ek];
                        number = (ek << es) + el.x % (1u << es);
                        el.x >>= es;
                        if (el.x < 65536) el.x = el.x << 16 | mote_rd_u16(&in[at + 1]);
                        more = ek == 15;
                    }
                    if (more) number += (uint32_t)mote_rd_varint(numbers) << (p->escapes == 2 ? es : 0);
                    const int32_t en = (int32_t)number;
                    const int32_t tt = en % 2 == 0 ? (int32_t)k + en : (int32_t)k - (int32_t)n + 1 - en;
                    level = p->pair[i].lo + tt * (1 << shift) + low;
                    if ((level % 2 != 0) != odd) ck_abort_msg("an escape of another parity");
                }
                int32_t v = 2 * level;
                if (q && p->zero) v -= (level > 0) - (level < 0);
                if (q && !p->zero) v += 1;
                value[row * e->cols + c] = v;
                y->s = y->s / 2 ^ (q ? p->h0 / 2u : 0) ^ (odd ? p->h1 / 2u : 0);
            }
        }
    for (unsigned i = 0; i < lanes; i++) ck_assert_uint_eq(l[i].x, 65536);
    for (unsigned i = 0; i < left; i++) {
        ck_assert_int_eq(in[i].st, MOTE_OK);
        if (i >= at) ck_assert_uint_eq(mote_rd_left(&in[i]), 0);
    }
}

static float unit_of(const mote_trellis_plan *p, uint64_t row)
{
    union {
        uint32_t bits;
        float f;
    } scale;
    if (!p->scale) return p->step;
    scale.bits = mote_f16_to_f32(p->scale[row]);
    return p->step * scale.f;
}

static float element(const mote_trellis_plan *p, int32_t v, uint64_t row)
{
    const int32_t a = abs(v), o = a >= 1 && a <= 3 ? p->offset[a - 1] : 0;
    const float m = (float)(64.0 * a + o) / 64.0f;
    return (v < 0 ? -m : m) * unit_of(p, row);
}

/* --- comparing ---------------------------------------------------------------------------------------------------- */

static void check_native(const random_trellis *t, const decoder *d, size_t s, const mote_piece *rec,
                         const int32_t *value)
{
    const mote_trellis_plan *p = &t->p;
    const mote_extent e = mote_head_extent(&d->head, s);
    const size_t size = mote_seg_native_bytes(&d->head, false);
    uint64_t *buf = allocate(size + 8);
    uint8_t *copy = exact_copy(rec->data, rec->bytes);
    mote_native v;
    ck_assert_int_eq(mote_seg_native(d->work, &d->env, s, false, copy, rec->bytes, &v, buf, size), MOTE_OK);
    const unsigned bits = p->largest <= 127 ? 8 : p->largest <= 32767 ? 16 : 32;
    ck_assert_uint_eq(v.value_dtype, bits == 8 ? MOTE_I8 : bits == 16 ? MOTE_I16 : MOTE_I32);
    ck_assert_uint_eq(v.n_values, e.rows * e.cols);
    size_t wrong = 0;
    for (size_t i = 0; i < v.n_values; i++) {
        const int32_t got = bits == 8    ? ((const int8_t *)v.values)[i]
                            : bits == 16 ? ((const int16_t *)v.values)[i]
                                         : ((const int32_t *)v.values)[i];
        wrong += got != value[i];
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(v.scales_per_row, p->scale != NULL);
    for (size_t r = 0; r < (p->scale ? e.rows : 1); r++) ck_assert(v.scales[r] == unit_of(p, e.row + r));
    for (unsigned i = 0; i < 3; i++) ck_assert_int_eq(v.offset[i + 1], p->offset[i]);
    free(copy);
    free(buf);
}

static void check_dense(const random_trellis *t, const decoder *d, size_t s, const mote_piece *rec,
                        const int32_t *value)
{
    const mote_trellis_plan *p = &t->p;
    const mote_extent e = mote_head_extent(&d->head, s);
    const size_t n = e.rows * e.cols, size = mote_dtype_bits(p->dtype) / 8;
    uint8_t *out = allocate(n * 8), *copy = exact_copy(rec->data, rec->bytes);
    float *f = allocate(n * sizeof *f);
    mote_dest dest;
    ck_assert_int_eq(mote_dest_segment(&dest, &d->head, s, MOTE_FORM_DENSE, out, n * size), MOTE_OK);
    ck_assert_int_eq(mote_seg_dense(d->work, &d->env, s, copy, rec->bytes, &dest), MOTE_OK);
    ck_assert_int_eq(mote_dest_segment(&dest, &d->head, s, MOTE_FORM_F32, f, n * sizeof *f), MOTE_OK);
    ck_assert_int_eq(mote_seg_dense(d->work, &d->env, s, copy, rec->bytes, &dest), MOTE_OK);
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        union {
            float f;
            uint32_t bits;
        } x = { .f = element(p, value[i], e.row + i / e.cols) }, y = { .f = f[i] };
        const uint8_t *got = out + i * size;
        const uint32_t low = (uint32_t)got[0] | (uint32_t)got[1] << 8;
        if (p->dtype == MOTE_F16) {
            wrong += low != mote_f32_to_f16(x.bits);
            x.bits = mote_f16_to_f32(low);
        } else if (p->dtype == MOTE_BF16) {
            wrong += low != mote_f32_to_bf16(x.bits);
            x.bits = low << 16;
        } else if (p->dtype == MOTE_F32) {
            wrong += (low | (uint32_t)got[2] << 16 | (uint32_t)got[3] << 24) != x.bits;
        } else {
            const uint64_t wide = mote_f32_to_f64(x.bits);
            for (unsigned b = 0; b < 8; b++) wrong += got[b] != (uint8_t)(wide >> 8 * b);
        }
        wrong += y.bits != x.bits;
    }
    ck_assert_uint_eq(wrong, 0);
    free(copy);
    free(out);
    free(f);
}

/* One tensor, all of it. */
static void check_tensor(random_trellis *t, bool cut)
{
    mote_trellis_plan *p = &t->p;
    mote_records f = { 0 };
    const mote_status st = write_random(t, &f, cut);
    if (cut && st == MOTE_ERR_LIMIT) { /* a row with column classes that does not fit, or a head */
        free_plan(t);
        return;
    }
    ck_assert_int_eq(st, MOTE_OK);
    int32_t *value = allocate(p->rows * p->cols * sizeof *value);
    const bytes head = { .p = (uint8_t *)(uintptr_t)f.records[0].data, .n = f.records[0].bytes };
    for (size_t k = 0; test_kernel(k); k++) {
        decoder d;
        ck_assert_int_eq(decoder_init(&d, &head, p->dtype, p->rows * p->cols, test_kernel(k)), MOTE_OK);
        ck_assert_uint_eq(f.n_records, 1 + d.head.n_segments);
        ck_assert_uint_eq(f.table_slots, d.head.n_tables);
        for (size_t s = 0; s < d.head.n_segments; s++) {
            const mote_extent e = mote_head_extent(&d.head, s);
            const mote_piece *rec = &f.records[1 + s];
            size_t wrong = 0;
            decode_slowly(t, &d, &e, rec, value);
            for (size_t i = 0; i < e.rows * e.cols; i++) {
                const int32_t level = t->level[(e.row + i / e.cols) * p->cols + e.col + i % e.cols];
                wrong += value[i] != 2 * level && value[i] != mote_trellis_value(p->zero, 1, level);
            }
            ck_assert_uint_eq(wrong, 0);
            check_native(t, &d, s, rec, value);
            check_dense(t, &d, s, rec, value);
        }
        decoder_free(&d);
    }
    free(value);
    mote_records_free(&f);
    free_plan(t);
}

/* Whatever other element the entry may claim to have, the head is refused: elements are written as floats. */
START_TEST(only_floats_have_levels)
{
    rnd_seed(36);
    random_trellis t;
    random_plan(&t, 3, 40);
    mote_records f = { 0 };
    ck_assert_int_eq(write_random(&t, &f, false), MOTE_OK);
    const bytes head = { .p = (uint8_t *)(uintptr_t)f.records[0].data, .n = f.records[0].bytes };
    for (unsigned dtype = MOTE_BOOL; dtype <= MOTE_C128; dtype++) {
        decoder d;
        const mote_status st = decoder_init(&d, &head, dtype, t.p.rows * t.p.cols, mote_kern_ref());
        ck_assert_msg(st == (dtype >= MOTE_F16 && dtype <= MOTE_F64 ? MOTE_OK : MOTE_ERR_HEAD), "%s: %s",
                      mote_dtype_name(dtype), mote_status_name(st));
        if (st == MOTE_OK) decoder_free(&d);
    }
    mote_records_free(&f);
    free_plan(&t);
}
END_TEST

START_TEST(what_is_written_is_read)
{
    rnd_seed(0x7E111500u + (unsigned)_i);
    random_trellis t;
    random_plan(&t, 1 + rnd_below(20), 1 + rnd_below(rnd_below(4) ? 150 : 1500));
    check_tensor(&t, false);
}
END_TEST

START_TEST(what_is_cut_fits)
{
    rnd_seed(0xC07u + (unsigned)_i);
    random_trellis t;
    random_plan(&t, 1 + rnd_below(300), 1 + rnd_below(rnd_below(4) ? 300 : 20000));
    check_tensor(&t, true);
}
END_TEST

/* --- kernels ------------------------------------------------------------------------------------------------------ */

enum { LONGEST = 700, CANARY = 0xC3 };

/* A built pair of a random plan, and what a kernel makes of it. */
typedef struct pair_case {
    mote_table table[4];
    mote_pair pair;
    void *prepared;
} pair_case;

static void open_case(pair_case *c, const random_trellis *t, unsigned i, unsigned lanes, const mote_kern *kern)
{
    const mote_trellis_plan *p = &t->p;
    const unsigned each = p->pair[i].wide ? 2 : 1;
    for (unsigned q = 0; q < 2; q++) {
        const mote_status st =
            mote_pair_build(c->table + q * each, &p->pair[i], &p->family, i, p->h0 ? q : 0, p->zero, p->escapes);
        ck_assert_int_eq(st, MOTE_OK);
    }
    c->pair = (mote_pair){ .q = { c->table, p->h0 ? c->table + each : c->table },
                           .g = { (uint16_t)(p->h0 >> 1), (uint16_t)(p->h1 >> 1) },
                           .wide = p->pair[i].wide,
                           .lanes = (uint8_t)lanes };
    c->prepared = allocate((p->h0 ? 2 : 1) * each * kern->table_bytes);
#if MOTE_KERN_LOOPS
    c->pair.prepared = c->prepared;
    if (kern->prepare_pair) kern->prepare_pair(c->prepared, &c->pair);
#endif
}

/* Noise is a stream like any other: kernels agree on the values, the states, the words left, or on there being too few. */
START_TEST(kernels_walk_alike)
{
    static const unsigned lane_counts[] = { 1, 8, 32 };
    rnd_seed(0x3A1Cu + (unsigned)_i);
    random_trellis t;
    random_plan(&t, 1, 1);
    const unsigned lanes = lane_counts[_i % 3];
    unsigned wrong = 0;
    for (size_t k = 1; test_kernel(k); k++) {
        pair_case c;
        open_case(&c, &t, rnd_below(t.p.n_pairs), lanes, test_kernel(k));
        for (size_t n = 0; n <= 2 * 129; n++) {
            const size_t length = n < 130 ? n : rnd_below(LONGEST), align = n % 16;
            const size_t size = n % 5 ? 2 * length + 2 : rnd_below((unsigned)(2 * length + 1));
            uint8_t *data = allocate(size), *out = allocate(2 * length + 48);
            uint16_t u[LONGEST];
            uint32_t x[2][32];
            uint16_t s[2][32];
            for (size_t i = 0; i < size; i++) data[i] = (uint8_t)rnd();
            for (unsigned l = 0; l < 32; l++) {
                x[0][l] = x[1][l] = 65536 + (uint32_t)rnd() % 0xFFFF0000u;
                s[0][l] = s[1][l] = t.p.h0 ? (uint16_t)rnd() & 0xFF : 0;
            }
            memset(out, CANARY, 2 * length + 48);
            mote_words a = mote_rd_init(data, size), b = a;
            const bool first = mote_walk_ref(&a, x[0], s[0], lanes, &c.pair, u, length);
            const bool other =
                test_kernel(k)->walk(&b, x[1], s[1], lanes, &c.pair, (uint16_t *)(void *)(out + 2 * align), length);
            wrong += first != other;
            if (first && other)
                wrong += a.p != b.p || memcmp(x[0], x[1], 4 * lanes) || memcmp(s[0], s[1], 2 * lanes) ||
                         memcmp(u, out + 2 * align, 2 * length);
            for (size_t i = 0; i < 2 * align; i++) wrong += out[i] != CANARY;
            for (size_t i = 2 * align + 2 * length; i < 2 * length + 48; i++) wrong += out[i] != CANARY;
            free(data);
            free(out);
        }
        free(c.prepared);
    }
    ck_assert_uint_eq(wrong, 0);
    free_plan(&t);
}
END_TEST

START_TEST(kernels_adapt_alike) /* the same, a part of a run after the other, and what the tables have learned */
{
    enum { BYTES = 2 * MOTE_ADAPT_TABLES * 16, PARTS = 40 };
    rnd_seed(0xADA1u + (unsigned)_i);
    random_trellis t;
    random_plan(&t, 1, 1);
    random_pair(&t.p.pair[0], t.p.family.shape != MOTE_FAMILY_NONE, true);
    unsigned wrong = 0;
    for (size_t k = 1; test_kernel(k); k++) {
        pair_case c;
        open_case(&c, &t, 0, 1, test_kernel(k));
        int16_t *cum[2];
        for (unsigned j = 0; j < 2; j++) {
            cum[j] = aligned_alloc(32, BYTES);
            ck_assert_ptr_nonnull(cum[j]);
            mote_adapt_begin(cum[j], &c.pair);
        }
        uint32_t x[2][1];
        uint16_t s[2][3] = { { t.p.h0 ? (uint16_t)rnd_below(256) : 0 } };
        x[0][0] = x[1][0] = 65536 + (uint32_t)rnd() % 0xFFFF0000u;
        s[1][0] = s[0][0];
        bool going = true;
        for (size_t part = 0; part < PARTS && going; part++) {
            const size_t length = part < 20 ? part : rnd_below(LONGEST), align = part % 16;
            const size_t size = part + 4 < PARTS || rnd_below(2) ? 4 * length + 2 : rnd_below((unsigned)length + 1);
            uint8_t *data = allocate(size), *out = allocate(2 * length + 48);
            uint16_t u[LONGEST];
            for (size_t i = 0; i < size; i++) data[i] = (uint8_t)rnd();
            memset(out, CANARY, 2 * length + 48);
            mote_words a = mote_rd_init(data, size), b = a;
            const bool first = mote_adapt_ref(&a, x[0], s[0], cum[0], &c.pair, u, length);
            going =
                test_kernel(k)->adapt(&b, x[1], s[1], cum[1], &c.pair, (uint16_t *)(void *)(out + 2 * align), length);
            wrong += first != going;
            if (first && going)
                wrong += a.p != b.p || x[0][0] != x[1][0] || memcmp(s[0], s[1], sizeof s[0]) ||
                         memcmp(u, out + 2 * align, 2 * length) || memcmp(cum[0], cum[1], BYTES);
            for (size_t i = 0; i < 2 * align; i++) wrong += out[i] != CANARY;
            for (size_t i = 2 * align + 2 * length; i < 2 * length + 48; i++) wrong += out[i] != CANARY;
            free(data);
            free(out);
        }
        free(cum[0]);
        free(cum[1]);
        free(c.prepared);
    }
    ck_assert_uint_eq(wrong, 0);
    free_plan(&t);
}
END_TEST

/* A sequence that a table cannot foresee and its neighbours can: it has to become much smaller than with fixed tables. */
START_TEST(neighbours_pay)
{
    size_t size[2];
    for (unsigned adapts = 0; adapts < 2; adapts++) {
        random_trellis t;
        rnd_seed(77);
        random_plan(&t, 64, 64);
        t.p.row_class = t.p.col_class = NULL;
        t.p.scale = NULL;
        t.p.n_pairs = 1;
        t.p.base = 0;
        t.p.escapes = 0;
        t.p.adapts = adapts;
        t.p.family = (mote_family){ .shape = 7, .inverse = 700000, .zero = { 64, 64 } };
        t.p.pair[0] = (mote_pair_spec){ .lo = -7 };
        for (unsigned i = 0; i < 64 * 64; i++) t.level[i] = (int32_t)(i % 6) - 3;
        t.p.largest = 20;
        t.p.coder = adapts ? MOTE_CODER_ADAPTIVE1 : MOTE_CODER_RANS1;
        t.p.seg_elems = 64 * 64;
        const mote_enc_limits limits = { .profile = MOTE_PROFILE_HOST, .chunk_max = 1 << 20 };
        const mote_records_target target = { .limits = &limits, .dtype = t.p.dtype, .elements = 4096, .most = 4096 };
        mote_records f = { 0 };
        ck_assert_int_eq(mote_trellis_write(&f, &target, &t.p, give_levels, &t), MOTE_OK);
        size[adapts] = f.bytes;
        mote_records_free(&f);
        free_plan(&t);
    }
    ck_assert_uint_lt(size[1], size[0] / 3);
}
END_TEST

#if MOTE_KERN_LOOPS
START_TEST(kernels_convert_alike) /* against the words of 8.2, at all alignments */
{
    rnd_seed(0x1E5Eu + (unsigned)_i);
    static const uint8_t sizes[] = { 1, 2, 4 };
    unsigned wrong = 0;
    for (size_t k = 0; test_kernel(k); k++) {
        const mote_kern *kern = test_kernel(k);
        if (!kern->levels) continue;
        for (size_t n = 0; n < 130; n++) {
            mote_levels l = { .unit = 0.37f, .zero = rnd_below(2), .bytes = sizes[rnd_below(3)] };
            const int32_t span = l.bytes == 1 ? 120 : 17000;
            if (rnd_below(2))
                for (unsigned i = 1; i < 4; i++) l.offset[i] = (int8_t)((int)rnd_below(63) - 31);
            l.most = (int16_t)rnd_below((unsigned)span);
            l.least = (int16_t)-l.most;
            const size_t align = n % 16;
            uint16_t *u = allocate(2 * n), *odd = allocate(2 * n);
            uint8_t *out = allocate(l.bytes * (n + 32));
            memset(out, CANARY, l.bytes * (n + 32));
            for (size_t i = 0; i < n; i++) u[i] = (uint16_t)((int32_t)rnd_below(2 * (unsigned)span) - span);
            const size_t count = kern->levels(out + l.bytes * align, u, n, &l, odd);
            size_t found = 0;
            for (size_t i = 0; i < n; i++) {
                const int32_t x = (int16_t)u[i], q = x & 1, level = (x - q) / 2;
                const uint8_t *at = out + l.bytes * (align + i);
                if (x > l.most || x < l.least) {
                    wrong += found >= count || odd[found] != i;
                    found++;
                    continue;
                }
                const int32_t v = mote_trellis_value(l.zero, (unsigned)q, level), a = abs(v);
                const float m = (float)(64 * a + (a < 4 ? l.offset[a] : 0)) / 64;
                const float element = (v < 0 ? -m : m) * l.unit;
                const int8_t i8 = (int8_t)v;
                const int16_t i16 = (int16_t)v;
                wrong += memcmp(at,
                                l.bytes == 1   ? (const void *)&i8
                                : l.bytes == 2 ? (const void *)&i16
                                               : &element,
                                l.bytes) != 0;
            }
            wrong += found != count;
            for (size_t i = 0; i < l.bytes * align; i++) wrong += out[i] != CANARY;
            for (size_t i = l.bytes * (align + n); i < l.bytes * (n + 32); i++) wrong += out[i] != CANARY;
            free(u);
            free(odd);
            free(out);
        }
    }
    ck_assert_uint_eq(wrong, 0);
}
END_TEST
#endif

int main(void)
{
    Suite *s = suite_create("trellis");
    TCase *tc = tcase_create("round");
    tcase_add_test(tc, only_floats_have_levels);
    tcase_add_loop_test(tc, what_is_written_is_read, 0, 200);
    tcase_add_loop_test(tc, what_is_cut_fits, 0, 40);
    suite_add_tcase(s, tc);
    tc = tcase_create("kernels");
    tcase_add_loop_test(tc, kernels_walk_alike, 0, 60);
    tcase_add_loop_test(tc, kernels_adapt_alike, 0, 60);
    tcase_add_test(tc, neighbours_pay);
#if MOTE_KERN_LOOPS
    tcase_add_loop_test(tc, kernels_convert_alike, 0, 30);
#endif
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
