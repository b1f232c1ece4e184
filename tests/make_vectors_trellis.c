/* SPDX-License-Identifier: Apache-2.0
 * Vectors of codecs.md 8, the trellis: tensors of drawn levels, whose elements are computed from the levels; and one
 * refused package for each rule. */
#include "make_vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/casts.h"
#include "enc/trellis_plan.h"

enum { TENSORS = 8, ROWS_MAX = 40, COLS_MAX = 72 };

static uint64_t state;

static unsigned below(unsigned n)
{
    return pkg_random(&state) % n;
}

typedef struct made {
    mote_records f[TENSORS];
    mote_write_entry e[TENSORS];
    char name[TENSORS][24];
    size_t n;
    mote_wr elements;
} made;

/* A tensor with what its classes and levels point to. */
typedef struct tensor {
    mote_trellis_plan p;
    uint8_t row_class[ROWS_MAX], col_class[COLS_MAX];
    uint16_t scale[ROWS_MAX];
    int32_t level[ROWS_MAX * COLS_MAX];
    int32_t value[ROWS_MAX * COLS_MAX];
} tensor;

/* Levels by place in the matrix; values follow where they are asked for, along the states. */
static mote_status give(void *ctx, const mote_trellis_plan *p, const mote_extent *e, int32_t *level)
{
    tensor *t = ctx;
    uint32_t s[32] = { 0 }, order[COLS_MAX], end[MOTE_COLUMN_CLASSES] = { 0 };
    if (e->cols == p->cols) {
        mote_trellis_order(p, order, end);
    } else {
        for (uint32_t c = 0; c < e->cols; c++) order[c] = c;
        for (unsigned g = 0; g < MOTE_COLUMN_CLASSES; g++) end[g] = (uint32_t)e->cols;
    }
    for (size_t r = 0; r < e->rows; r++)
        for (uint32_t g = 0, at = 0; g < MOTE_COLUMN_CLASSES; at = end[g++])
            for (uint32_t i = at; i < end[g]; i++) {
                const size_t from = (e->row + r) * p->cols + e->col + order[i];
                const int32_t k = t->level[from];
                uint32_t *x = &s[(i - at) % mote_plane_lanes(p->coder)];
                level[r * e->cols + order[i]] = k;
                t->value[from] = mote_trellis_value(p->zero, *x & 1, k);
                *x = mote_trellis_state(p, *x, k);
            }
    return MOTE_OK;
}

static void put_element(mote_wr *w, const tensor *t, size_t row, int32_t v)
{
    union {
        uint32_t bits;
        float f;
    } x, unit = { .f = t->p.step };
    const int32_t a = abs(v), o = a > 0 && a < 4 ? t->p.offset[a - 1] : 0;
    if (t->p.scale) {
        unit.bits = mote_f16_to_f32(t->scale[row]);
        unit.f = unit.f * t->p.step;
    }
    x.f = (float)(64 * v + (v < 0 ? -o : o)) / 64 * unit.f;
    if (t->p.dtype == MOTE_F16)
        mote_wr_u16(w, mote_f32_to_f16(x.bits));
    else if (t->p.dtype == MOTE_BF16)
        mote_wr_u16(w, mote_f32_to_bf16(x.bits));
    else if (t->p.dtype == MOTE_F64)
        mote_wr_u64(w, mote_f32_to_f64(x.bits));
    else
        mote_wr_u32(w, x.bits);
}

/* Draws levels and adds the tensor; one level in `rare` is outside of its window. */
static void add(made *m, const char *name, tensor *t, unsigned rare)
{
    mote_trellis_plan *p = &t->p;
    const mote_enc_limits limits = { .profile = MOTE_PROFILE_NANO, .chunk_max = 4096 };
    const mote_records_target target = { &limits, p->dtype, p->rows * p->cols, p->rows * p->cols };
    const bool near = p->largest > 0; /* it has been set */
    must(m->n < TENSORS && p->rows <= ROWS_MAX && p->cols <= COLS_MAX);
    for (size_t i = 0; i < p->rows * p->cols; i++) {
        const mote_pair_spec *s = &p->pair[mote_trellis_index(p, p->row_class ? p->row_class[i / p->cols] : 0,
                                                              p->col_class ? p->col_class[i % p->cols] : 0)];
        const int32_t n = ((s->wide ? 32 : 16) - (p->escapes ? 2 : 0)) << s->shift;
        int32_t sum = 0;
        for (unsigned j = 0; j < 3; j++) sum += (int32_t)below((unsigned)n);
        t->level[i] = s->lo + sum / 3;
        if (rare && below(rare) == 0) t->level[i] = (int32_t)(near || below(2) ? below(60) : below(3000)) - 30;
        const uint32_t most = 2 * (uint32_t)abs(t->level[i]) + 1;
        if (most > p->largest) p->largest = most;
    }
    must(mote_trellis_write(&m->f[m->n], &target, p, give, t) == MOTE_OK);
    const mote_records *f = &m->f[m->n];
    mote_write_entry *e = &m->e[m->n];
    snprintf(m->name[m->n], sizeof m->name[0], "%s", name);
    *e = (mote_write_entry){ .kind = MOTE_KIND_TENSOR,
                             .name = m->name[m->n],
                             .dtype = (mote_dtype)p->dtype,
                             .rank = 2,
                             .shape = { p->axis ? p->cols : p->rows, p->axis ? p->rows : p->cols },
                             .records = f->records,
                             .n_records = f->n_records,
                             .seg_elems = f->seg_elems,
                             .resident_bytes = f->resident_bytes,
                             .table_slots = f->table_slots,
                             .needs = f->needs };
    m->n++;
    for (size_t i = 0; i < p->rows * p->cols; i++) {
        const size_t at = p->axis ? i % p->rows * p->cols + i / p->rows : i;
        put_element(&m->elements, t, at / p->cols, t->value[at]);
    }
}

static void write_made(made *m, mote_wr *file)
{
    const pkg_model model = { .e = m->e, .n = m->n };
    pkg_model_write(&model, 4096, 1, file);
}

static void clear(made *m)
{
    for (size_t i = 0; i < m->n; i++) mote_records_free(&m->f[i]);
    mote_wr_free(&m->elements);
    memset(m, 0, sizeof *m);
}

static void begin(tensor *t, unsigned rows, unsigned cols, unsigned h0, unsigned h1, unsigned coder)
{
    memset(t, 0, sizeof *t);
    t->p = (mote_trellis_plan){ .rows = rows,
                                .cols = cols,
                                .dtype = MOTE_F32,
                                .h0 = (uint16_t)h0,
                                .h1 = (uint16_t)h1,
                                .step = mote_trellis_step_round(0.03f),
                                .n_pairs = 1,
                                .coder = (uint8_t)coder,
                                .seg_elems = (uint64_t)rows * cols };
    t->p.family = (mote_family){ .shape = 7, .inverse = 524288, .zero = { 64, 64 } };
    for (unsigned i = 0; i < MOTE_PAIRS_MAX; i++) t->p.pair[i].lo = -7;
}

static void classes(tensor *t, unsigned rows, unsigned cols)
{
    for (unsigned i = 0; i < ROWS_MAX; i++) t->row_class[i] = (uint8_t)below(rows);
    for (unsigned i = 0; i < COLS_MAX; i++) t->col_class[i] = (uint8_t)below(cols);
    if (rows > 1) t->p.row_class = t->row_class;
    if (cols > 1) t->p.col_class = t->col_class;
}

/* Weights that fall to both sides. */
static void own_weights(mote_pair_spec *s, bool wide, unsigned shift, int32_t lo)
{
    const unsigned n = wide ? 32 : 16;
    *s = (mote_pair_spec){ .counts = true, .wide = wide, .shift = (uint8_t)shift, .lo = lo };
    for (unsigned q = 0; q < 2; q++)
        for (unsigned i = 0; i < n; i++)
            s->weight[q][i] = (uint8_t)(150 - 120 * (i < n / 2 ? n / 2 - i : i - n / 2) / n - q);
}

static void wide_window(mote_pair_spec *s, unsigned shift)
{
    s->wide = true;
    s->shift = (uint8_t)shift;
    s->lo = -15 * (1 << shift);
}

/* Lanes: 1 everywhere, or also 8 and 32. */
static void accepted(const char *name, bool one_lane, const char *text)
{
    static made m;
    static tensor t;
    mote_wr file = { 0 };
    const unsigned eight = one_lane ? MOTE_CODER_RANS1 : MOTE_CODER_RANS8,
                   many = one_lane ? MOTE_CODER_RANS1 : MOTE_CODER_RANS32;
    state = 36;
    begin(&t, 12, 40, 0, 0, MOTE_CODER_RANS1);
    add(&m, "a one state", &t, 0);
    begin(&t, 20, 33, 013, 04, eight);
    t.p.zero = true;
    t.p.escapes = 1;
    t.p.offset[0] = -5;
    t.p.offset[2] = 3;
    add(&m, "b 8 states, escapes", &t, 20);
    begin(&t, 24, 64, 045, 010, many);
    t.p.n_pairs = 6;
    t.p.base = 1;
    t.p.escapes = 2;
    t.p.escape = (mote_table_spec){ .form = 1, .bits = 12, .shift = 1, .shape = 2, .inverse = 60000 };
    t.p.family.growing = true;
    t.p.family.mean = 6;
    classes(&t, 3, 5);
    wide_window(&t.p.pair[4], 1);
    own_weights(&t.p.pair[2], false, 0, -8);
    own_weights(&t.p.pair[5], true, 2, -60);
    t.p.seg_elems = 64 * 5;
    add(&m, "c 32 states, classes", &t, 30);
    begin(&t, 40, 72, 0515, 0362, many);
    t.p.axis = 1;
    t.p.dtype = MOTE_F16;
    t.p.family.shape = MOTE_FAMILY_NONE;
    own_weights(&t.p.pair[0], true, 0, -16);
    for (unsigned i = 0; i < ROWS_MAX; i++) t.scale[i] = (uint16_t)(0x3000 + below(0x1000));
    t.p.scale = t.scale;
    add(&m, "d 256 states, scales", &t, 0);
    begin(&t, 6, 70, one_lane ? 02107 : 0x8001, one_lane ? 01722 : 2, eight); /* nano has no states as written */
    t.p.dtype = MOTE_F64;
    t.p.seg_elems = 25;
    wide_window(&t.p.pair[0], 0);
    add(&m, "e 32768 states, cut rows", &t, 0);
    begin(&t, 30, 16, 06215, 03722, MOTE_CODER_RANS1);
    t.p.dtype = MOTE_BF16;
    t.p.n_pairs = 16;
    classes(&t, 16, 1);
    add(&m, "f row classes", &t, 0);
    write_made(&m, &file);
    vec_trust = "0";
    vec_ok(name, &file, &m.elements, text);
    for (size_t i = 0; i < m.n && !one_lane; i++) {
        char seed[32];
        snprintf(seed, sizeof seed, "trellis-%zu", i);
        vec_tensor_seed(seed, &m.e[i]);
    }
    mote_wr_free(&file);
    clear(&m);
}

/* Tables that adapt, in levels that depend on those before: once with all that there is, once cut into segments. */
static void adaptive(void)
{
    static made m;
    static tensor t;
    mote_wr file = { 0 };
    state = 102;
    begin(&t, 40, 70, 0515, 0362, MOTE_CODER_ADAPTIVE1);
    t.p.n_pairs = 4;
    t.p.base = 1;
    t.p.escapes = 2;
    t.p.escape = (mote_table_spec){ .form = 1, .bits = 12, .shift = 1, .shape = 2, .inverse = 60000 };
    classes(&t, 3, 3);
    t.p.pair[1].shift = 1;
    t.p.pair[1].lo = -14;
    own_weights(&t.p.pair[2], false, 2, -37);
    t.p.offset[1] = 3;
    add(&m, "a 256 states, classes", &t, 40);
    begin(&t, 12, 64, 0, 0, MOTE_CODER_ADAPTIVE1);
    t.p.seg_elems = 64 * 5;
    add(&m, "b one state", &t, 0);
    begin(&t, 5, 72, 013, 04, MOTE_CODER_ADAPTIVE1);
    t.p.zero = true;
    t.p.seg_elems = 30;
    add(&m, "c cut rows", &t, 0);
    write_made(&m, &file);
    vec_trust = "0";
    vec_ok("adaptive", &file, &m.elements, "tables that adapt: codecs.md 8.5");
    for (size_t i = 0; i < m.n; i++) {
        char seed[32];
        snprintf(seed, sizeof seed, "adaptive-%zu", i);
        vec_tensor_seed(seed, &m.e[i]);
    }
    mote_wr_free(&file);
    clear(&m);
}

/* --- refused ------------------------------------------------------------------------------------------------------ */

/* Bytes [at, at + remove) of a field of the head become others. */
static void edit(pkg *p, unsigned tag, size_t at, size_t remove, const char *insert, size_t n_insert)
{
    size_t n = 0;
    mote_wr v = { 0 };
    const uint8_t *old = tlv_get(pkg_head(p, 0), tag, &n);
    must(old && at + remove <= n);
    mote_wr_bytes(&v, old, n);
    wr_delete(&v, at, remove);
    wr_insert(&v, at, insert, n_insert);
    tlv_set(pkg_head(p, 0), tag, v.p, v.n);
    mote_wr_free(&v);
    pkg_settle(p);
}

static const struct {
    const char *name, *text;
    mote_status st;
    uint8_t tag, at, remove;
    const char *insert;
    size_t n_insert;
} refused[] = {
#define ROW(name, st, text, tag, at, remove, insert)                           \
    {                                                                          \
        name, text, MOTE_ERR_##st, tag, at, remove, insert, sizeof(insert) - 1 \
    }
    /* terms: 0 layout, 1 numeric, 2 form, 3 step, 6 offsets, 9 largest, 10 n, 11 base, 12 coder of the column map, 13
     * coder, 14 classes, 15 coder of the class map, 16 escapes */
    ROW("c8.1-code-6", RESERVED, "codecs.md 8.1 code 6", 4, 2, 1, "\x6F"),
    ROW("c8.1-code-8", RESERVED, "codecs.md 8.1 code 8", 4, 2, 1, "\x8F"),
    ROW("c8.1-one-state-zero", HEAD, "codecs.md 8.1 one state, and quantiser 1 has zero", 4, 2, 1, "\x0F"),
    ROW("c8.1-own-listed", HEAD, "codecs.md 8.1 a listed code written out", 4, 2, 1, "\x7F\x0B\x04"),
    ROW("c8.1-own-even", HEAD, "codecs.md 8.1 an even h0", 4, 2, 1, "\x7F\x0A\x04"),
    ROW("c8.1-own-short", HEAD, "codecs.md 8.1 four states", 4, 2, 1, "\x7F\x05\x02"),
    ROW("c8.1-own-wide", HEAD, "codecs.md 8.1 h0 2^16 + 1", 4, 2, 1, "\x7F\x81\x80\x04\x02"),
    ROW("c8.1-own-h1-0", HEAD, "codecs.md 8.1 h1 0", 4, 2, 1, "\x7F\x09\x00"),
    ROW("c8.1-own-h1-odd", HEAD, "codecs.md 8.1 an odd h1", 4, 2, 1, "\x7F\x09\x03"),
    ROW("c8.1-own-h1-high", HEAD, "codecs.md 8.1 h1 as many as states", 4, 2, 1, "\x7F\x09\x08"),
    ROW("c8.1-step-0", SCALE, "codecs.md 8.1 step 0", 4, 3, 3, "\0\0\0"),
    ROW("c8.1-step-inf", SCALE, "codecs.md 8.1 an infinite step", 4, 3, 3, "\0\x80\x7F"),
    ROW("c8.1-step-negative", SCALE, "codecs.md 8.1 a negative step", 4, 3, 3, "\0\x80\xBF"),
    ROW("c8.1-offset-32", HEAD, "codecs.md 8.1 offset 32", 4, 6, 1, "\x20"),
    ROW("c8.1-offset--32", HEAD, "codecs.md 8.1 offset -32", 4, 8, 1, "\xE0"),
    ROW("c8.1-offsets-0", HEAD, "codecs.md 8.1 offsets that are all 0", 4, 6, 3, "\0\0\0"),
    ROW("c8.1-largest-0", HEAD, "codecs.md 8.1 largest 0", 4, 9, 1, "\0"),
    ROW("c8.1-largest-high", HEAD, "codecs.md 8.1 largest 2^21", 4, 9, 1, "\x80\x80\x80\x01"),
    ROW("c8.1-pairs-0", HEAD, "codecs.md 8.1 no pair", 4, 10, 1, "\0"),
    ROW("c8.1-pairs-17", HEAD, "codecs.md 8.1 17 pairs", 4, 10, 1, "\x11"),
    ROW("c8.1-base-31", HEAD, "codecs.md 8.1 base 31", 4, 11, 1, "\x1F"),
    ROW("c8.1-column-coder", HEAD, "codecs.md 8.1 a column map by rans-8", 4, 12, 1, "\x63"),
    ROW("c8.1-coder-stored", HEAD, "codecs.md 8.1 stored levels", 4, 13, 1, "\x60"),
    ROW("c8.1-coder-constant", HEAD, "codecs.md 8.1 constant levels", 4, 13, 1, "\x61"),
    ROW("c8.1-classes-17", HEAD, "codecs.md 8.1 17 row classes", 4, 14, 1, "\x11"),
    ROW("c8.1-escapes-3", HEAD, "codecs.md 8.1 escapes 3", 4, 16, 1, "\x03"),
    ROW("c8.1-column-classes-cut", HEAD, "codecs.md 8.1 column classes and cut rows", 2, 0, 3, "\x04\x09\x03"),
    ROW("c8.1-layout", HEAD, "codecs.md 8 layout csr", 4, 0, 1, "\x03\x60\x60"),
    ROW("c8.1-cut", TRUNCATED, "codecs.md 8.1 parameters that end early", 4, 13, 4, ""),
    /* columns */
    ROW("c8.3-columns-short", STREAM, "codecs.md 8.3 a column map of 4 bytes for 9 columns", 12, 4, 1, ""),
    ROW("c8.3-columns-long", STREAM, "codecs.md 8.3 a column map of 6 bytes for 9 columns", 12, 5, 0, "\0"),
    ROW("c8.3-columns-padding", PADDING, "codecs.md 8.3 padding of the column map", 12, 4, 1, "\x10"),
    /* tables: 0 family, 1 mean, 2 inverse, 5 z0, 6 z1, 7 windows, 9 a pair's window, 10 lo, 11 and 27 weights */
    ROW("c8.4-family-bit-5", RESERVED, "codecs.md 8.4 bit 5 of a family", 6, 0, 1, "\x27"),
    ROW("c8.4-shape-10", TABLE, "codecs.md 8.4 shape 10", 6, 0, 1, "\x0A"),
    ROW("c8.4-mean", TABLE, "codecs.md 8.4 mean 2^20 + 1", 6, 1, 1, "\x82\x80\x80\x01"),
    ROW("c8.4-inverse-0", TABLE, "codecs.md 8.4 inverse 0", 6, 2, 3, "\0"),
    ROW("c8.4-inverse-high", TABLE, "codecs.md 8.4 inverse 2^26 + 1", 6, 2, 3, "\x81\x80\x80\x20"),
    ROW("c8.4-shift-5", TABLE, "codecs.md 8.4 five low bits", 6, 7, 1, "\x05"),
    ROW("c8.4-windows-padding", PADDING, "codecs.md 8.4 windows of three pairs in four halves", 6, 8, 1, "\x1F"),
    ROW("c8.4-window-bit-4", RESERVED, "codecs.md 8.4 bit 4 of a window", 6, 9, 1, "\x10"),
    ROW("c8.4-window-shift-5", TABLE, "codecs.md 8.4 five low bits of a pair with weights", 6, 9, 1, "\x05"),
    ROW("c8.4-lo", TABLE, "codecs.md 8.4 lo 8193", 6, 10, 1, "\x82\x80\x01"),
    ROW("c8.4-weights-0", TABLE, "codecs.md 8.4 weights that are all 0", 6, 27, 16, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    ROW("c8.4-weights-short", TRUNCATED, "codecs.md 8.4 a weight too few", 6, 42, 1, ""),
    ROW("c8.4-tables-long", TRAILING, "codecs.md 8.4 a byte behind the tables", 6, 43, 0, "\0"),
    /* values */
    ROW("c8.2-largest", RANGE, "codecs.md 8.2 values above the largest", 4, 9, 1, "\x01"),
#undef ROW
};

/* The segment of the base: scales 8 bytes, row classes 2, symbols, escape numbers; each but the last with its length. */
static mote_wr *segment(pkg *p)
{
    return &p->rec[pkg_find(p, MOTE_RECORD_HEAD, 0) + 1].v;
}

static void bad(const mote_wr *base)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        for (pkg *p = vec_begin(refused[i].name, refused[i].st, refused[i].text, base); p; p = vec_end(p)) {
            /* csr, constant and rans-8 are announced, so that it is their place that is wrong */
            const bool own = strncmp(refused[i].name, "c8.1-own", 8) == 0; /* and so are states as written */
            if (refused[i].tag == 4 && refused[i].st != MOTE_ERR_RANGE)
                tlv_set(&p->manifest, 6, "\x01\x03\x24\x60\x61\x62\x63\x75", own ? 8 : 7);
            edit(p, refused[i].tag, refused[i].at, refused[i].remove, refused[i].insert, refused[i].n_insert);
        }
    BAD_OF(base, "r3.4-states", FACTS, "registry.md 3.4 states as written that are not stated in needs")
    edit(p, 4, 2, 1, "\x7F\x0D\x02", 3);
    BAD_OF(base, "c2-columns-missing", MISSING, "codecs.md 2 column classes without columns")
    {
        tlv_del(pkg_head(p, 0), 12);
        pkg_settle(p);
    }
    BAD_OF(&codec_base.stored, "c2-columns-beside", TRAILING, "codecs.md 2 columns of a tensor that has no classes")
    {
        tlv_set(pkg_head(p, 0), 12, "x", 1);
        pkg_settle(p);
    }
    BAD_OF(&codec_base.stored, "c2-columns-empty", TRAILING, "codecs.md 2 columns of no bytes beside no classes")
    {
        tlv_set(pkg_head(p, 0), 12, "", 0);
        pkg_settle(p);
    }
    BAD_OF(base, "c8.2-scale-0", SCALE, "codecs.md 8.2 scale 0")
    {
        memset(segment(p)->p + 3, 0, 2);
        pkg_settle(p);
    }
    BAD_OF(base, "c8.2-scale-inf", SCALE, "codecs.md 8.2 an infinite scale")
    {
        memcpy(segment(p)->p + 1, "\x00\x7C", 2);
        pkg_settle(p);
    }
    BAD_OF(base, "c8.2-class-range", RANGE, "codecs.md 3.6 a class of a trellis row that there is none of")
    {
        segment(p)->p[10] |= 0x0F;
        pkg_settle(p);
    }
    BAD_OF(base, "c8.2-symbols-state", STREAM, "codecs.md 3.3 a state below 2^16")
    {
        memset(segment(p)->p + 14, 0, 4);
        pkg_settle(p);
    }
    BAD_OF(base, "c8.2-escapes-left", STREAM, "codecs.md 8.2 an escape number too many")
    {
        mote_wr_u8(segment(p), 0);
        pkg_settle(p);
    }
    BAD_OF(base, "c8.2-escapes-short", STREAM, "codecs.md 8.2 an escape number too few")
    {
        wr_delete(segment(p), segment(p)->n - 1, 1);
        pkg_settle(p);
    }
    BAD_OF(base, "c8.2-escape-high", RANGE, "codecs.md 3.5 escape number 2^20")
    {
        wr_delete(segment(p), segment(p)->n - 1, 1);
        wr_insert(segment(p), segment(p)->n, "\x80\x80\x40", 3);
        pkg_settle(p);
    }
    BAD_OF(base, "c8.2-escape-beyond", RANGE, "codecs.md 8.2 an escape above the largest value")
    {
        wr_delete(segment(p), segment(p)->n - 1, 1);
        wr_insert(segment(p), segment(p)->n, "\x80\x20", 2);
        pkg_settle(p);
    }
    BAD_OF(base, "c8.2-escape-overlong", VARINT, "codecs.md 3.5 an overlong escape number")
    {
        wr_delete(segment(p), segment(p)->n - 1, 1);
        wr_insert(segment(p), segment(p)->n, "\x80\x00", 2);
        pkg_settle(p);
    }
}

/* wide: by rans-1 */
static void bad_adaptive(const mote_wr *base, const mote_wr *wide)
{
    BAD_OF(wide, "c8.1-adaptive-32-symbols", HEAD, "codecs.md 8.1 32 symbols and adaptive-1")
    {
        tlv_set(&p->manifest, 6, "\x01\x24\x66", 3);
        edit(p, 4, 8, 1, "\x66", 1);
    }
    BAD_OF(base, "c8.5-class-map", HEAD, "codecs.md 2.2 a class map by adaptive-1") edit(p, 4, 15, 1, "\x66", 1);
    BAD_OF(base, "c8.5-state", STREAM, "codecs.md 8.5 a state below 2^16")
    {
        memset(segment(p)->p + 14, 0, 4);
        pkg_settle(p);
    }
    BAD_OF(base, "c8.5-end", STREAM, "codecs.md 8.5 a state that does not end at 2^16")
    {
        segment(p)->p[14] ^= 1;
        pkg_settle(p);
    }
    BAD_OF(base, "c8.5-long", STREAM, "codecs.md 8.5 a word too many")
    {
        mote_wr *w = segment(p);
        w->p[12] = (uint8_t)(w->p[12] + 2);
        wr_insert(w, 14 + w->p[12] - 3, "\0\0", 2);
        pkg_settle(p);
    }
}

/* What the refused ones are made from. */
static void begin_base(tensor *t)
{
    begin(t, 4, 9, 013, 04, MOTE_CODER_RANS1);
    t->p.zero = true;
    t->p.offset[0] = -4;
    t->p.n_pairs = 3;
    t->p.base = 0;
    t->p.escapes = 1;
    classes(t, 2, 2);
    memcpy(t->row_class, "\0\1\1\0", 4);
    memcpy(t->col_class, "\0\1\0\1\1\0\1\0\1", 9);
    own_weights(&t->p.pair[2], false, 0, -7);
    for (unsigned i = 0; i < 4; i++) t->scale[i] = (uint16_t)(0x3C00 + 77 * i);
    t->p.scale = t->scale;
    t->p.largest = 127;
}

void make_trellis_vectors(void)
{
    static made m;
    static tensor t;
    mote_wr base = { 0 }, wide = { 0 };
    accepted("trellis", false, "trellis: codes, classes, windows, escapes, scales and offsets, in 1, 8 and 32 lanes");
    accepted("nano-trellis", true, "the same of one lane");
    adaptive();
    state = 8;
    begin_base(&t);
    add(&m, "w", &t, 12);
    must(t.p.largest == 127);
    write_made(&m, &base);
    vec_seed("base-trellis", &base);
    bad(&base);
    mote_wr_free(&base);
    clear(&m);
    begin(&t, 4, 9, 013, 04, MOTE_CODER_RANS1);
    t.p.escapes = 1;
    own_weights(&t.p.pair[0], false, 0, -200);
    add(&m, "w", &t, 0);
    write_made(&m, &base);
    BAD_OF(&base, "c8.2-low-window", RANGE, "codecs.md 8.2 a window that lies below the least value as a whole")
    edit(p, 4, 6, 2, "\x01", 1);
    mote_wr_free(&base);
    clear(&m);
    begin_base(&t);
    t.p.coder = MOTE_CODER_ADAPTIVE1;
    add(&m, "w", &t, 12);
    write_made(&m, &base);
    vec_seed("base-adaptive", &base);
    clear(&m);
    begin(&t, 4, 9, 013, 04, MOTE_CODER_RANS1);
    wide_window(&t.p.pair[0], 0);
    add(&m, "w", &t, 0);
    write_made(&m, &wide);
    bad_adaptive(&base, &wide);
    mote_wr_free(&base);
    mote_wr_free(&wide);
    clear(&m);
}
