/* SPDX-License-Identifier: Apache-2.0
 * Vectors of spec/codecs.md. Accepted ones: every layout with every numeric and coder, encoded straight from the words
 * of the specification with tables chosen here, the elements computed from what was to be coded and not by decoding. */
#include "make_vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "base/rd.h"
#include "codec_helpers.h"

static uint64_t state;

static unsigned below(unsigned n)
{
    return pkg_random(&state) % n;
}

/* ---- tables and planes ---- */

/* Halving away from the peak; every symbol possible. */
static mote_table_spec counts_table(unsigned bits, unsigned shift, int32_t lo, unsigned peak)
{
    mote_table_spec t = { .bits = (uint8_t)bits, .shift = (uint8_t)shift, .lo = lo };
    uint32_t left = 1u << bits;
    for (unsigned i = 0; i < MOTE_SYMBOLS; i++) {
        unsigned away = i < peak ? peak - i : i - peak;
        uint32_t f = (1u << bits) >> (2 + away);
        t.freq[i] = (uint16_t)(f ? f : 1);
        left -= t.freq[i];
    }
    t.freq[peak] = (uint16_t)(t.freq[peak] + left);
    return t;
}

static mote_table_spec curve_table(unsigned bits, unsigned shift, int32_t lo, unsigned shape, int32_t mean,
                                   uint32_t inverse)
{
    return (mote_table_spec){ .form = 1,
                              .bits = (uint8_t)bits,
                              .shift = (uint8_t)shift,
                              .lo = lo,
                              .shape = (uint8_t)shape,
                              .mean = mean,
                              .inverse = inverse };
}

/* Tables that hold all of [vmin, vmax] without escapes, and its middle with them. Class k differs from class 0. */
static plane_cfg plane(unsigned coder, unsigned n_classes, unsigned class_coder, unsigned escapes, int32_t vmin,
                       int32_t vmax)
{
    plane_cfg c = { .coder = coder, .n_classes = n_classes, .class_coder = class_coder, .escapes = escapes };
    unsigned shift = 0;
    int32_t range = vmax - vmin + 1, lo = vmin;
    if (escapes == 0)
        while ((16 << shift) < range) shift++;
    else
        lo = vmin + range / 2 - 8;
    must(shift <= 4);
    for (unsigned k = 0; k < n_classes; k++) {
        unsigned bits = shift <= 2 && k % 2 ? 14 : 12;
        if (k % 3 == 2)
            c.table[k] = curve_table(bits, shift, lo, k % 8, 8 * lo + 64, 200000);
        else
            c.table[k] = counts_table(bits, shift, lo, escapes ? 7 - k % 3 : k % 16);
    }
    c.map = counts_table(12, 0, 0, 1);
    c.esc = counts_table(12, 1, 0, 0);
    return c;
}

/* ---- numbers ---- */

static void float_fields(unsigned dtype, unsigned *e_bits, unsigned *m)
{
    static const uint8_t fields[][2] = { { 5, 10 }, { 8, 7 }, { 8, 23 }, { 11, 52 },
                                         { 4, 3 },  { 5, 2 }, { 4, 3 },  { 5, 2 } };
    *e_bits = fields[dtype - MOTE_F16][0];
    *m = fields[dtype - MOTE_F16][1];
}

/* An element from V and its byte planes. Spec codecs.md 5.2, 5.3 */
static uint64_t joined(const num_cfg *c, int32_t v, const uint8_t *b)
{
    uint64_t low = 0;
    for (unsigned j = 0; j < c->nb; j++) low = low << 8 | b[j];
    if (c->numeric == MOTE_NUM_INT) return ((uint64_t)(int64_t)v << 8 * c->nb) | low;
    unsigned e_bits, m;
    float_fields(c->dtype, &e_bits, &m);
    unsigned k = (m + 1) % 8;
    uint64_t e = (uint64_t)(uint32_t)v >> k, r = ((uint64_t)(uint32_t)v & ((1u << k) - 1)) << 8 * c->nb | low;
    return (r >> m) << (m + e_bits) | e << m | (r & (((uint64_t)1 << m) - 1));
}

static size_t pieces_of(const num_cfg *c)
{
    return (size_t)(c->rows * ((c->cols - 1) / c->piece + 1));
}

static size_t scales_of(const num_cfg *c)
{
    return c->scope == 2 ? (size_t)((c->piece - 1) / c->group + 1) : 1;
}

/* Coder, classes and escapes of V and of the byte planes. */
typedef struct style {
    unsigned coder, n_classes, class_coder, escapes, byte_coder;
} style;

/* The same vectors once more for readers of one lane: files "nano-*", in which "rans-8" of an entry's name is history. */
static bool nano;

static unsigned in_lanes(unsigned coder)
{
    return nano && (coder == MOTE_CODER_RANS8 || coder == MOTE_CODER_RANS32) ? MOTE_CODER_RANS1 : coder;
}

/* Affine integers of the nano profile have no features. Spec registry.md 3.4 */
static num_cfg without_features(num_cfg c)
{
    if (!nano || c.numeric != MOTE_NUM_AFFINE) return c;
    c.zero = 0;
    c.group = 0;
    if (c.scope == 2) c.scope = 1;
    return c;
}

/* Fills a matrix whose numeric, dtype and parameters are set. */
static void fill(num_cfg *c, uint64_t rows, uint64_t cols, uint64_t piece, const style *as_listed)
{
    style local = *as_listed;
    const style *s = &local;
    local.coder = in_lanes(local.coder);
    local.byte_coder = in_lanes(local.byte_coder);
    c->rows = rows;
    c->cols = cols;
    c->piece = piece;
    if (c->numeric == MOTE_NUM_FLOAT) {
        unsigned e_bits, m;
        float_fields(c->dtype, &e_bits, &m);
        c->nb = (m + 1) / 8;
    }
    if (c->numeric == MOTE_NUM_AFFINE) c->nb = c->bits == 16;
    unsigned width, bits = mote_dtype_bits(c->dtype);
    int32_t vmin, vmax;
    const size_t n = (size_t)(rows * cols), size = (bits + 7) / 8, scales = pieces_of(c) * scales_of(c);
    num_range(c, &width, &vmin, &vmax);
    c->v = (plane_cfg){ .coder = s->coder };
    if (s->coder >= MOTE_CODER_RANS1 && s->coder <= MOTE_CODER_RANS32)
        c->v = plane(s->coder, s->n_classes, s->class_coder, s->escapes, vmin, vmax);
    if (s->coder == MOTE_CODER_CONSTANT) c->v.constant = vmin + (vmax - vmin) / 3;
    for (unsigned j = 0; j < c->nb; j++) {
        c->byte[j] = (plane_cfg){ .coder = s->byte_coder, .constant = 17 + (int32_t)j };
        if (s->byte_coder >= MOTE_CODER_RANS1 && s->byte_coder <= MOTE_CODER_RANS32)
            c->byte[j] = plane(s->byte_coder, 1, 0, 0, 0, 255);
    }
    c->elem = allocate(n * size);
    c->q = allocate(n * sizeof *c->q);
    c->cls = allocate(pieces_of(c));
    c->scale = allocate(scales * sizeof *c->scale);
    c->zp = allocate(scales * sizeof *c->zp);
    for (size_t i = 0; i < pieces_of(c); i++) c->cls[i] = (uint8_t)(c->v.n_classes ? below(c->v.n_classes) : 0);
    if (c->numeric == MOTE_NUM_CODEBOOK) {
        const size_t entries = num_books(c) * c->entries;
        c->book = allocate(entries * sizeof *c->book);
        for (size_t i = 0; i < entries; i++) {
            const bool wide = c->entry_dtype == MOTE_F32;
            c->book[i] = (wide ? 0x3E000000 + below(0x02000000) : 0x3000 + below(0x0C00)) | below(2)
                                                                                                << (wide ? 31 : 15);
        }
    }
    for (size_t i = 0; i < scales && c->scale_dtype; i++) {
        c->scale[i] = c->scale_dtype == MOTE_F32 ? 0x3C000000 + below(0x02000000) : 0x3C00 + below(0x200);
        if (c->zero) c->zp[i] = (uint16_t)below(1u << c->bits);
    }
    for (size_t i = 0; i < n; i++) {
        uint8_t b[MOTE_BYTE_PLANES_MAX];
        if (c->numeric == MOTE_NUM_STORED) {
            for (size_t k = 0; k < size; k++) c->elem[i * size + k] = (uint8_t)below(256);
            if (bits < 8) c->elem[i] &= (uint8_t)((1u << bits) - 1);
            continue;
        }
        int32_t range = vmax - vmin + 1, v = vmin + (int32_t)below((unsigned)range);
        if (s->escapes && i % 9 != 4) v = vmin + range / 2 - 8 + (int32_t)below(15); /* most are direct */
        if (s->escapes && i % 9 == 4) v = vmax - (int32_t)below((unsigned)(range + 3) / 4);
        if (v < vmin || v > vmax) v = vmin;
        if (s->coder == MOTE_CODER_CONSTANT) v = c->v.constant;
        for (unsigned j = 0; j < c->nb; j++)
            b[j] = s->byte_coder == MOTE_CODER_CONSTANT ? (uint8_t)c->byte[j].constant : (uint8_t)below(256);
        if (c->fold) v = v % 2 ? v / 2 + 1 : -(v / 2) - 1;
        if (c->shifted) v = (v + (int32_t)c->background) & 255;
        c->q[i] = c->bits == 16 ? v * 256 + b[0] : v;
        if (c->scale_dtype) continue;
        uint64_t x = joined(c, v, b);
        if (bits < 8) x &= (1u << bits) - 1;
        for (size_t k = 0; k < size; k++) c->elem[i * size + k] = (uint8_t)(x >> 8 * k);
    }
}

/* ---- tensors and packages ---- */

enum { TENSORS_MAX = 64 };

typedef struct coded {
    mote_write_entry e[TENSORS_MAX];
    char name[TENSORS_MAX][48];
    size_t n;
    mote_wr elements; /* entries are added in order of their names */
    void *owned[TENSORS_MAX * 40];
    size_t n_owned;
} coded;

static void *keep(coded *m, void *p)
{
    must(m->n_owned < N(m->owned));
    return m->owned[m->n_owned++] = p;
}

static void note_use(void *ctx, unsigned id)
{
    mote_needs_add(ctx, id);
}

static void add(coded *m, const char *name, tensor_cfg *t)
{
    static mote_table tables[256];
    mote_head h;
    size_t n_bytes = 0;
    must(m->n < TENSORS_MAX && (m->n == 0 || strcmp(m->name[m->n - 1], name) < 0));
    mote_write_entry *e = &m->e[m->n];
    snprintf(m->name[m->n], sizeof m->name[0], "%s", name);
    *e =
        (mote_write_entry){ .kind = MOTE_KIND_TENSOR, .name = m->name[m->n], .dtype = (mote_dtype)t->dtype, .rank = 2 };
    e->shape[t->axis ? 1 : 0] = t->rows;
    e->shape[t->axis ? 0 : 1] = t->cols;
    m->n++;
    bytes head = tensor_head(t);
    keep(m, head.p);
    must(mote_head_read(&h, tables, NULL, N(tables), mote_rd_init(head.p, head.n), t->dtype, t->rows * t->cols,
                        note_use, &e->needs) == MOTE_OK);
    mote_piece *rec = keep(m, pkg_alloc((size_t)(1 + h.n_residents + h.n_segments) * sizeof *rec));
    size_t k = 0;
    rec[k++] = (mote_piece){ head.p, head.n };
    for (uint64_t i = 0; i < h.n_residents + h.n_segments; i++) {
        planes p = { .n = 0 };
        if (i < h.n_residents)
            tensor_resident(&p, t, (uint32_t)i);
        else
            tensor_segment(&p, t, i - h.n_residents);
        bytes b = planes_join(&p);
        planes_free(&p);
        rec[k++] = (mote_piece){ keep(m, b.p), b.n };
    }
    e->records = rec;
    e->n_records = k;
    e->n_residents = h.n_residents;
    e->seg_elems = mote_head_seg_max(&h);
    e->resident_bytes = 4 * mote_seg_factors(&h);
    e->table_slots = h.n_tables;
    uint8_t *elements = tensor_elements(t, &n_bytes);
    mote_wr_bytes(&m->elements, elements, n_bytes);
    free(elements);
    tensor_free(t);
}

static void write(const coded *m, mote_wr *file)
{
    const pkg_model model = { .e = (mote_write_entry *)(uintptr_t)m->e, .n = m->n };
    pkg_model_write(&model, 4096, 1, file);
}

static void clear(coded *m)
{
    for (size_t i = 0; i < m->n_owned; i++) free(m->owned[i]);
    mote_wr_free(&m->elements);
    memset(m, 0, sizeof *m);
}

static void finish(coded *m, const char *name, const char *text)
{
    mote_wr file = { 0 };
    char full[56];
    snprintf(full, sizeof full, "%s%s", nano ? "nano-" : "", name);
    write(m, &file);
    vec_trust = "0";
    vec_ok(full, &file, &m->elements, text);
    mote_wr_free(&file);
    clear(m);
}

/* ---- accepted ---- */

static const struct {
    const char *name;
    style s;
} styles[] = { /* names ascend */
               { "a stored", { MOTE_CODER_STORED, 1, 0, 0, MOTE_CODER_STORED } },
               { "b constant", { MOTE_CODER_CONSTANT, 1, 0, 0, MOTE_CODER_CONSTANT } },
               { "c rans-1", { MOTE_CODER_RANS1, 1, 0, 0, MOTE_CODER_STORED } },
               { "d rans-8", { MOTE_CODER_RANS8, 1, 0, 0, MOTE_CODER_RANS8 } },
               { "e rans-32", { MOTE_CODER_RANS32, 1, 0, 0, MOTE_CODER_RANS32 } },
               { "f rans-1, 3 classes, stored map", { MOTE_CODER_RANS1, 3, MOTE_CODER_STORED, 0, MOTE_CODER_RANS1 } },
               { "g rans-8, 4 classes, coded map", { MOTE_CODER_RANS8, 4, MOTE_CODER_RANS1, 0, MOTE_CODER_STORED } },
               { "h rans-1, escapes as numbers", { MOTE_CODER_RANS1, 1, 0, 1, MOTE_CODER_STORED } },
               { "i rans-8, coded escapes", { MOTE_CODER_RANS8, 1, 0, 2, MOTE_CODER_STORED } },
               { "j rans-32, 16 classes, escapes", { MOTE_CODER_RANS32, 16, MOTE_CODER_RANS1, 2, MOTE_CODER_STORED } }
};

static void layout_of(tensor_cfg *t, unsigned layout, const style *s)
{
    const uint64_t piece = t->seg_elems < t->cols ? t->seg_elems : t->cols;
    const size_t n = (size_t)(t->rows * t->cols), pieces = (size_t)(t->rows * ((t->cols - 1) / piece + 1));
    t->layout = layout;
    if (layout != MOTE_LAYOUT_BITMASK && layout != MOTE_LAYOUT_CSR) return;
    unsigned coder = s->coder == MOTE_CODER_CONSTANT ? MOTE_CODER_STORED : in_lanes(s->coder);
    t->kept = allocate(n);
    t->mask_cls = allocate(pieces);
    t->gap_cls = allocate(pieces);
    for (size_t i = 0; i < n; i++) t->kept[i] = below(10) < (i / 64 % 2 ? 2 : 6);
    t->mask = (plane_cfg){ .coder = coder };
    t->counts = (plane_cfg){ .coder = coder };
    t->gaps = (plane_cfg){ .coder = coder };
    if (coder != MOTE_CODER_STORED) {
        t->mask = plane(coder, s->n_classes, s->class_coder, 0, 0, 15);
        t->counts = plane(coder, 1, 0, s->escapes, 0, (int32_t)piece);
        t->gaps = plane(coder, s->n_classes, s->class_coder, s->escapes, 0, (int32_t)piece - 1);
    }
    for (size_t i = 0; i < pieces; i++) {
        t->mask_cls[i] = (uint8_t)below(t->mask.n_classes ? t->mask.n_classes : 1);
        t->gap_cls[i] = (uint8_t)below(t->gaps.n_classes ? t->gaps.n_classes : 1);
    }
}

static void one(coded *m, const char *name, unsigned layout, num_cfg num, unsigned dtype, uint64_t rows, uint64_t cols,
                uint64_t seg, unsigned axis, const style *s)
{
    tensor_cfg t = { .dtype = dtype, .axis = axis, .rows = rows, .cols = cols, .seg_elems = seg, .num = num };
    fill(&t.num, rows, cols, seg < cols ? seg : cols, s);
    layout_of(&t, layout, s);
    add(m, name, &t);
}

/* Every layout with every numeric and coder. */
static void grid_of_codecs(void)
{
    static const struct {
        unsigned id;
        const char *name;
    } layouts[] = { { MOTE_LAYOUT_DENSE, "dense" }, { MOTE_LAYOUT_BITMASK, "bitmask" }, { MOTE_LAYOUT_CSR, "csr" } };
    static const struct {
        num_cfg num;
        unsigned dtype;
        const char *name;
    } numerics[] = { { { .numeric = MOTE_NUM_STORED, .dtype = MOTE_F32 }, MOTE_F32, "stored" },
                     { { .numeric = MOTE_NUM_FLOAT, .dtype = MOTE_F32 }, MOTE_F32, "float" },
                     { { .numeric = MOTE_NUM_INT, .dtype = MOTE_I16, .nb = 1 }, MOTE_I16, "integer" },
                     { { .numeric = MOTE_NUM_AFFINE,
                         .dtype = MOTE_F32,
                         .bits = 6,
                         .zero = 1,
                         .scope = 2,
                         .group = 16,
                         .scale_dtype = MOTE_BF16 },
                       MOTE_F32,
                       "affine" } };
    static coded m;
    for (size_t l = 0; l < N(layouts); l++) {
        for (size_t k = 0; k < N(numerics); k++) {
            if (nano && l == 0 && k == 0) continue; /* stored, as it was */
            state = 1000 * l + k + 1;
            for (size_t s = 0; s < N(styles); s++) {
                style st = styles[s].s;
                if (numerics[k].num.numeric == MOTE_NUM_STORED) {
                    if (l == 0 && s > 0) continue; /* stored elements have no other coder, zstd is below */
                    st.coder = st.coder == MOTE_CODER_CONSTANT ? MOTE_CODER_STORED : st.coder;
                }
                const num_cfg num = without_features(numerics[k].num);
                tensor_cfg t = {
                    .dtype = numerics[k].dtype, .rows = 6, .cols = 50, .seg_elems = s % 3 == 1 ? 20 : 150, .num = num
                };
                style values = st;
                if (num.numeric == MOTE_NUM_STORED) values = styles[0].s;
                fill(&t.num, t.rows, t.cols, t.seg_elems < t.cols ? t.seg_elems : t.cols, &values);
                layout_of(&t, layouts[l].id, &st);
                add(&m, styles[s].name, &t);
            }
            char name[48], text[96];
            snprintf(name, sizeof name, "codec-%s-%s", layouts[l].name, numerics[k].name);
            snprintf(text, sizeof text, "layout %s, numeric %s, every coder%s", layouts[l].name, numerics[k].name,
                     nano ? " of one lane" : "");
            finish(&m, name, text);
        }
    }
}

static void lowrank(coded *m, const char *name, unsigned dtype, num_cfg u, num_cfg v, uint64_t seg_rows, uint32_t rpr,
                    const style *s)
{
    tensor_cfg t = { .dtype = dtype,
                     .layout = MOTE_LAYOUT_LOWRANK,
                     .rows = 9,
                     .cols = 14,
                     .seg_elems = 14 * seg_rows,
                     .rank = 5,
                     .rpr = rpr,
                     .num = without_features(u),
                     .v = without_features(v) };
    fill(&t.num, t.rows, t.rank, t.rank, s);
    fill(&t.v, t.rank, t.cols, t.cols, s);
    add(m, name, &t);
}

static void lowranks(void)
{
    static coded m;
    const num_cfg f32 = { .numeric = MOTE_NUM_FLOAT, .dtype = MOTE_F32 },
                  f16 = { .numeric = MOTE_NUM_FLOAT, .dtype = MOTE_F16 };
    const num_cfg bf16 = { .numeric = MOTE_NUM_FLOAT, .dtype = MOTE_BF16 };
    const num_cfg int8 = {
        .numeric = MOTE_NUM_AFFINE, .dtype = MOTE_F32, .bits = 8, .scope = 1, .scale_dtype = MOTE_F32
    };
    const num_cfg int4 = {
        .numeric = MOTE_NUM_AFFINE, .dtype = MOTE_F32, .bits = 4, .zero = 1, .scale_dtype = MOTE_F16
    };
    state = 77;
    lowrank(&m, "a int8 x int8", MOTE_F32, int8, int8, 3, 2, &styles[0].s);
    lowrank(&m, "b int8 x int4", MOTE_F32, int8, int4, 9, 5, &styles[3].s);
    lowrank(&m, "c int4 x int8 in f16", MOTE_F16, int4, int8, 2, 1, &styles[6].s);
    lowrank(&m, "d bf16 x int8 in bf16", MOTE_BF16, bf16, int8, 4, 3, &styles[0].s);
    lowrank(&m, "e f16 x f32, with NaN and infinity", MOTE_F32, f16, f32, 9, 4, &styles[9].s);
    finish(&m, "codec-lowrank", "layout lowrank: factors by float and affine, residents of several rows");
}

static void numerics(void)
{
    static coded m;
    char name[48];
    state = 5;
    static const struct {
        const char *name;
        unsigned dtype, held;
    } floats[] = { { "a f64", MOTE_F64, MOTE_F64 },
                   { "b f64 as f32", MOTE_F64, MOTE_F32 },
                   { "c f64 as f16", MOTE_F64, MOTE_F16 },
                   { "d f64 as bf16", MOTE_F64, MOTE_BF16 },
                   { "e f32 as f16", MOTE_F32, MOTE_F16 },
                   { "f f32 as bf16", MOTE_F32, MOTE_BF16 },
                   { "g f16", MOTE_F16, MOTE_F16 },
                   { "h bf16", MOTE_BF16, MOTE_BF16 },
                   { "i e4m3", MOTE_F8_E4M3, MOTE_F8_E4M3 },
                   { "j e5m2", MOTE_F8_E5M2, MOTE_F8_E5M2 },
                   { "k e4m3fnuz", MOTE_F8_E4M3FNUZ, MOTE_F8_E4M3FNUZ },
                   { "l e5m2fnuz", MOTE_F8_E5M2FNUZ, MOTE_F8_E5M2FNUZ } };
    for (size_t i = 0; i < N(floats); i++) {
        /* all values of V, so infinities, NaNs and subnormals are among them */
        const num_cfg c = { .numeric = MOTE_NUM_FLOAT, .dtype = floats[i].held };
        one(&m, floats[i].name, MOTE_LAYOUT_DENSE, c, floats[i].dtype, 5, 60, 300, 0, &styles[i % 2 ? 8 : 0].s);
    }
    finish(&m, "numeric-float", "every float type, and f32 and f64 that hold narrower ones");

    static const uint8_t ints[] = { MOTE_BOOL,    MOTE_U8,      MOTE_I8,  MOTE_U16, MOTE_I16,
                                    MOTE_U32,     MOTE_I32,     MOTE_U64, MOTE_I64, MOTE_F8_E8M0,
                                    MOTE_F6_E2M3, MOTE_F6_E3M2, MOTE_F4,  MOTE_U4,  MOTE_I4 };
    for (size_t i = 0; i < N(ints); i++) {
        unsigned bits = mote_dtype_bits(ints[i]);
        if (nano && bits < 8) continue;
        for (unsigned nb = bits > 16 ? (bits - 16) / 8 : 0; 8 * nb < bits; nb++) {
            const num_cfg c = { .numeric = MOTE_NUM_INT, .dtype = ints[i], .nb = nb };
            snprintf(name, sizeof name, "%c %s, %u byte planes", (int)('a' + i), mote_dtype_name(ints[i]), nb);
            one(&m, name, MOTE_LAYOUT_DENSE, c, ints[i], 4, 20, 40, 0, &styles[i % 2 ? 8 : 7].s);
        }
    }
    finish(&m, "numeric-integer", "every integer type with every number of byte planes");

    for (unsigned bits = 1; bits <= (nano ? 8 : 9); bits++) {
        for (unsigned k = 0; k < 6; k++) {
            const num_cfg c = { .numeric = MOTE_NUM_AFFINE,
                                .dtype = MOTE_F32,
                                .bits = bits < 9 ? bits : 16,
                                .zero = k % 2,
                                .scope = k / 2,
                                .group = k / 2 == 2 ? 7 : 0,
                                .scale_dtype = MOTE_F16 + (bits + k) % 3 };
            snprintf(name, sizeof name, "%u bits, scope %u, zero %u", bits < 9 ? bits : 16, k / 2, k % 2);
            if (bits == 9) name[0] = '9', name[1] = '+';
            one(&m, name, MOTE_LAYOUT_DENSE, without_features(c), MOTE_F32, 4, 20, 20 * (1 + k % 3), 0,
                &styles[bits < 5 ? 0
                        : k % 2  ? 3
                                 : 7]
                     .s);
        }
    }
    finish(&m, "numeric-affine", "every number of bits with every scope, with and without zero-points");
    if (nano) return; /* what follows has features, or is the same */

    const num_cfg to = {
        .numeric = MOTE_NUM_AFFINE, .dtype = MOTE_F32, .bits = 8, .scope = 1, .scale_dtype = MOTE_F32
    };
    one(&m, "a f16", MOTE_LAYOUT_DENSE, to, MOTE_F16, 4, 20, 40, 0, &styles[0].s);
    one(&m, "b bf16", MOTE_LAYOUT_DENSE, to, MOTE_BF16, 4, 20, 40, 0, &styles[0].s);
    one(&m, "c f64", MOTE_LAYOUT_DENSE, to, MOTE_F64, 4, 20, 40, 0, &styles[0].s);
    one(&m, "d f16, sparse", MOTE_LAYOUT_CSR, to, MOTE_F16, 4, 20, 40, 0, &styles[0].s);
    finish(&m, "numeric-affine-casts", "affine results cast to f16, bf16 and f64");

    for (unsigned bits = 2; bits <= 8; bits++) {
        const num_cfg c = { .numeric = MOTE_NUM_AFFINE,
                            .dtype = MOTE_F32,
                            .bits = bits,
                            .fold = 1,
                            .scope = bits % 3,
                            .group = bits % 3 == 2 ? 7 : 0,
                            .scale_dtype = MOTE_F32 };
        snprintf(name, sizeof name, "a %u bits", bits);
        one(&m, name, (unsigned[]){ MOTE_LAYOUT_DENSE, MOTE_LAYOUT_BITMASK, MOTE_LAYOUT_CSR }[bits % 3], c, MOTE_F32, 4,
            20, 40, 0, &styles[bits < 5 ? 0 : 3].s);
    }
    static const uint8_t folded[] = { MOTE_I8, MOTE_I16 };
    for (unsigned i = 0; i < 4; i++) {
        const num_cfg c = { .numeric = MOTE_NUM_INT, .dtype = folded[i / 2], .fold = 1 };
        snprintf(name, sizeof name, "b %u %s", i, mote_dtype_name(c.dtype));
        one(&m, name, i / 2 ? MOTE_LAYOUT_BITMASK : MOTE_LAYOUT_CSR, c, c.dtype, 4, 20, 40, 0,
            &styles[i % 2 ? 8 : 0].s);
    }
    one(&m, "c i4, dense", MOTE_LAYOUT_DENSE, (num_cfg){ .numeric = MOTE_NUM_INT, .dtype = MOTE_I4, .fold = 1 },
        MOTE_I4, 4, 20, 40, 0, &styles[2].s);
    finish(&m, "numeric-folded", "integers that are never zero, folded: affine and integer, sparse and dense");
}

static void codebooks(void)
{
    static const struct {
        const char *name;
        unsigned layout, dtype, style;
        num_cfg c;
    } rows[] = { { "a 16 f16", MOTE_LAYOUT_DENSE, MOTE_F32, 3, { .entries = 16, .entry_dtype = MOTE_F16 } },
                 { "b 3 bf16, for each row",
                   MOTE_LAYOUT_DENSE,
                   MOTE_F32,
                   0,
                   { .entries = 3, .entry_dtype = MOTE_BF16, .book_rows = 1 } },
                 { "c 2 f32, for two rows",
                   MOTE_LAYOUT_DENSE,
                   MOTE_BF16,
                   2,
                   { .entries = 2, .entry_dtype = MOTE_F32, .book_rows = 2 } },
                 { "d 256 f32, row scales",
                   MOTE_LAYOUT_DENSE,
                   MOTE_F16,
                   8,
                   { .entries = 256, .entry_dtype = MOTE_F32, .scope = 1 } },
                 { "e 17, sparse",
                   MOTE_LAYOUT_BITMASK,
                   MOTE_F64,
                   3,
                   { .entries = 17, .entry_dtype = MOTE_F16, .scope = 2, .group = 7 } },
                 { "f nf4", MOTE_LAYOUT_DENSE, MOTE_F32, 7, { .table = MOTE_BOOK_NF4, .scope = 2, .group = 8 } },
                 { "g e4m3", MOTE_LAYOUT_DENSE, MOTE_F32, 8, { .table = MOTE_BOOK_F8_E4M3, .scope = 1 } },
                 { "h e5m2", MOTE_LAYOUT_CSR, MOTE_BF16, 7, { .table = MOTE_BOOK_F8_E5M2 } },
                 { "i e5m2, stored", MOTE_LAYOUT_DENSE, MOTE_F16, 0, { .table = MOTE_BOOK_F8_E5M2 } } };
    static coded m;
    state = 37;
    for (size_t i = 0; i < N(rows); i++) {
        num_cfg c = rows[i].c;
        c.numeric = MOTE_NUM_CODEBOOK;
        c.dtype = rows[i].dtype;
        c.scale_dtype = MOTE_F16 + (unsigned)i % 3;
        /* rows of 20 in segments of 3, which begin inside a group of two; then pieces of 8 */
        one(&m, rows[i].name, rows[i].layout, c, rows[i].dtype, 5, 20, i == 4 ? 8 : 60, i % 2,
            &styles[rows[i].style].s);
    }
    finish(&m, "numeric-codebook", "tables in the head, for groups of rows, and built in");
}

static void backgrounds(void)
{
    static const uint8_t types[] = { MOTE_U8, MOTE_I8, MOTE_BOOL, MOTE_F8_E8M0 };
    static const unsigned layouts[] = { MOTE_LAYOUT_BITMASK, MOTE_LAYOUT_CSR, MOTE_LAYOUT_DENSE };
    static coded m;
    char name[48];
    state = 56;
    for (unsigned i = 0; i < 12; i++) {
        const num_cfg c = {
            .numeric = MOTE_NUM_INT, .dtype = types[i % 4], .shifted = 1, .background = i * 23 % 256, .fold = i / 3 % 2
        };
        snprintf(name, sizeof name, "%c %s", (int)('a' + i), mote_dtype_name(c.dtype));
        one(&m, name, layouts[i % 3], c, c.dtype, 5, 20, i % 2 ? 60 : 8, i % 5 == 0, &styles[i % 2 ? 8 : 0].s);
    }
    finish(&m, "numeric-background",
           "integers of 8 bits as distances from a background, which sparse layouts leave out");
}

static void sums(void)
{
    static const unsigned layouts[] = { MOTE_LAYOUT_DENSE, MOTE_LAYOUT_BITMASK, MOTE_LAYOUT_CSR };
    static const num_cfg added[] = {
        { .numeric = MOTE_NUM_AFFINE, .dtype = MOTE_F32, .bits = 4, .scope = 1, .scale_dtype = MOTE_F32 },
        { .numeric = MOTE_NUM_FLOAT, .dtype = MOTE_F16 },
        { .numeric = MOTE_NUM_CODEBOOK,
          .dtype = MOTE_F32,
          .entries = 5,
          .entry_dtype = MOTE_F16,
          .scale_dtype = MOTE_F16 }
    };
    const num_cfg f16 = { .numeric = MOTE_NUM_FLOAT, .dtype = MOTE_F16 };
    static coded m;
    char name[48];
    state = 65;
    for (unsigned i = 0; i < 9; i++) {
        tensor_cfg t = { .dtype = MOTE_F32,
                         .layout = MOTE_LAYOUT_LOWRANK,
                         .axis = i == 4,
                         .rows = 9,
                         .cols = 14,
                         .seg_elems = i % 2 ? 42 : 126,
                         .rank = 3,
                         .rpr = 2,
                         .num = f16,
                         .v = f16 };
        tensor_cfg *u = t.second = allocate(sizeof *u);
        const style *s = &styles[i % 2 ? 3 : 0].s;
        *u = t;
        u->second = NULL;
        u->num = added[i / 3];
        fill(&t.num, t.rows, t.rank, t.rank, s);
        fill(&t.v, t.rank, t.cols, t.cols, s);
        fill(&u->num, u->rows, u->cols, u->cols, s);
        layout_of(u, layouts[i % 3], s);
        snprintf(name, sizeof name, "%c", (int)('a' + i));
        add(&m, name, &t);
    }
    finish(&m, "codec-sum", "low-rank factors and what is added to them: three layouts, three numerics");
}

static void shapes_of_tables(void)
{
    static coded m;
    state = 12;
    const num_cfg c = { .numeric = MOTE_NUM_AFFINE, .dtype = MOTE_F32, .bits = 8, .scale_dtype = MOTE_F32 };
    for (unsigned i = 0; i < 20; i++) {
        tensor_cfg t = {
            .dtype = MOTE_F32, .layout = MOTE_LAYOUT_DENSE, .rows = 3, .cols = 64, .seg_elems = 192, .num = c
        };
        char name[48];
        fill(&t.num, 3, 64, 64, &styles[i % 2 ? 3 : 2].s);
        mote_table_spec *table = &t.num.v.table[0];
        unsigned bits = i % 4 < 2 ? 12 : 14, shift = bits == 12 ? 4 : 2;
        t.num.v.escapes = 1 + i % 2;
        *table = curve_table(bits, i < 8 ? shift : i % 3, -20, i % 8, (int32_t)i * 9 - 60,
                             i < 12   ? 30000u << i % 6
                             : i < 16 ? 1
                                      : 1u << 26);
        snprintf(name, sizeof name, "%c shape %u, P %u", (int)('a' + i), i % 8, bits);
        add(&m, name, &t);
    }
    finish(&m, "tables-parametric", "parametric tables of every shape, narrow and wide, both precisions");

    /* a symbol that cannot occur, and one that is certain and costs nothing */
    for (unsigned i = 0; i < 4; i++) {
        tensor_cfg t = {
            .dtype = MOTE_F32, .layout = MOTE_LAYOUT_DENSE, .rows = 3, .cols = 64, .seg_elems = 192, .num = c
        };
        static const char *names[] = { "a one symbol, P 12", "b one symbol, P 14", "c two symbols",
                                       "d one symbol and low bits" };
        fill(&t.num, 3, 64, 64, &styles[i % 2 ? 3 : 2].s);
        mote_table_spec *table = &t.num.v.table[0];
        *table = (mote_table_spec){ .bits = i == 1 ? 14 : 12, .shift = i == 3 ? 4 : 0, .lo = -3 };
        table->freq[3] = (uint16_t)(i == 2 ? 4095 : 1u << table->bits);
        if (i == 2) table->freq[9] = 1;
        for (size_t k = 0; k < 192; k++)
            t.num.q[k] = i == 3 ? -3 + 3 * 16 + (int32_t)below(16) : i == 2 && k % 50 == 0 ? 6 : 0;
        add(&m, names[i], &t);
    }
    finish(&m, "tables-certain", "frequencies of 0 and of all");
}

static void axes(void)
{
    static coded m;
    state = 3;
    const num_cfg stored = { .numeric = MOTE_NUM_STORED, .dtype = MOTE_U16 },
                  f = { .numeric = MOTE_NUM_FLOAT, .dtype = MOTE_F32 };
    const num_cfg a = { .numeric = MOTE_NUM_AFFINE, .dtype = MOTE_F32, .bits = 5, .scope = 1, .scale_dtype = MOTE_F32 };
    one(&m, "a stored", MOTE_LAYOUT_DENSE, stored, MOTE_U16, 7, 11, 22, 1, &styles[0].s);
    one(&m, "b float", MOTE_LAYOUT_DENSE, f, MOTE_F32, 7, 11, 5, 1, &styles[8].s);
    one(&m, "c affine", MOTE_LAYOUT_DENSE, a, MOTE_F32, 7, 11, 77, 1, &styles[3].s);
    one(&m, "d bitmask", MOTE_LAYOUT_BITMASK, a, MOTE_F32, 7, 11, 33, 1, &styles[4].s);
    one(&m, "e csr", MOTE_LAYOUT_CSR, f, MOTE_F32, 7, 11, 4, 1, &styles[7].s);
    finish(&m, "axis", "coded matrices that are the tensor's transposed");
}

/* ---- zstd: frames by hand, so that they do not depend on a version of the library ---- */

/* One segment, content size in a byte, one raw block. RFC 8878, 3.1.1 */
static void raw_frame(mote_wr *w, const uint8_t *p, size_t n)
{
    must(n < 256);
    mote_wr_u32(w, 0xFD2FB528);
    mote_wr_u8(w, 0x20);
    mote_wr_u8(w, (uint8_t)n);
    mote_wr_u8(w, (uint8_t)(1 | n << 3));
    mote_wr_u8(w, (uint8_t)(n >> 5));
    mote_wr_u8(w, 0);
    mote_wr_bytes(w, p, n);
}

/* The content as a run of one byte: 10 bytes for up to 2^20. */
static void run_frame(mote_wr *w, uint8_t byte, uint32_t n)
{
    mote_wr_u32(w, 0xFD2FB528);
    mote_wr_u8(w, 0xA0); /* content size in four bytes */
    mote_wr_u32(w, n);
    uint32_t block = 1 | 1 << 1 | n << 3;
    mote_wr_u8(w, (uint8_t)block);
    mote_wr_u8(w, (uint8_t)(block >> 8));
    mote_wr_u8(w, (uint8_t)(block >> 16));
    mote_wr_u8(w, byte);
}

/* f32[10] stored by zstd, f32[10] by float with byte planes by zstd, u8[100000] as a run. */
static void zstd_model(coded *m)
{
    static const uint8_t head_a[] = { 2, 3, 1, 10, 10, 4, 3, 1, 32, 101 };
    static const uint8_t head_b[] = { 2, 3, 1, 10, 10, 4, 7, 1, 33, 12, 96, 101, 101, 96 };
    static const uint8_t head_c[] = { 2, 7, 1, 0xA0, 0x8D, 6, 0xA0, 0x8D, 6, 4, 3, 1, 32, 101 };
    uint8_t v[10], planes_of[3][10], run[100000];
    mote_wr a = { 0 }, b = { 0 }, c = { 0 }, frame = { 0 }, elements = { 0 };
    state = 8;
    for (int i = 0; i < 40; i++) mote_wr_u8(&elements, (uint8_t)below(256));
    raw_frame(&a, elements.p, 40);
    for (int i = 0; i < 10; i++) {
        v[i] = (uint8_t)(120 + below(10));
        for (int j = 0; j < 3; j++) planes_of[j][i] = (uint8_t)below(256);
        uint32_t r = (uint32_t)planes_of[0][i] << 16 | (uint32_t)planes_of[1][i] << 8 | planes_of[2][i];
        mote_wr_u32(&elements, (r >> 23) << 31 | (uint32_t)v[i] << 23 | (r & 0x7FFFFF));
    }
    mote_wr_u8(&b, 10);
    mote_wr_bytes(&b, v, 10);
    for (int j = 0; j < 2; j++) {
        frame.n = 0;
        raw_frame(&frame, planes_of[j], 10);
        mote_wr_u8(&b, (uint8_t)frame.n);
        mote_wr_bytes(&b, frame.p, frame.n);
    }
    mote_wr_bytes(&b, planes_of[2], 10);
    run_frame(&c, 0x5A, 100000);
    memset(run, 0x5A, sizeof run);
    mote_wr_bytes(&elements, run, sizeof run);
    const struct {
        const char *name;
        const uint8_t *head;
        size_t head_bytes;
        const mote_wr *seg;
        mote_dtype dtype;
        uint64_t n;
    } rows[] = { { "a", head_a, sizeof head_a, &a, MOTE_F32, 10 },
                 { "b", head_b, sizeof head_b, &b, MOTE_F32, 10 },
                 { "c", head_c, sizeof head_c, &c, MOTE_U8, 100000 } };
    for (size_t i = 0; i < N(rows); i++) {
        mote_write_entry *e = &m->e[m->n];
        snprintf(m->name[m->n], sizeof m->name[0], "%s", rows[i].name);
        mote_piece *rec = keep(m, pkg_alloc(2 * sizeof *rec));
        rec[0] = (mote_piece){ keep(m, pkg_exact(rows[i].head, rows[i].head_bytes)), rows[i].head_bytes };
        rec[1] = (mote_piece){ keep(m, pkg_exact(rows[i].seg->p, rows[i].seg->n)), rows[i].seg->n };
        *e = (mote_write_entry){ .kind = MOTE_KIND_TENSOR,
                                 .name = m->name[m->n],
                                 .dtype = rows[i].dtype,
                                 .rank = 1,
                                 .shape = { rows[i].n },
                                 .records = rec,
                                 .n_records = 2,
                                 .seg_elems = rows[i].n };
        mote_needs_add(&e->needs, MOTE_LAYOUT_DENSE);
        mote_needs_add(&e->needs, i == 1 ? MOTE_NUM_FLOAT : MOTE_NUM_STORED);
        mote_needs_add(&e->needs, MOTE_CODER_ZSTD);
        if (i == 1) mote_needs_add(&e->needs, MOTE_CODER_STORED);
        m->n++;
    }
    m->elements = elements;
    mote_wr_free(&a);
    mote_wr_free(&b);
    mote_wr_free(&c);
    mote_wr_free(&frame);
}

struct codec_base codec_base;

/* ---- what refused ones begin as ---- */

void codec_bases(void)
{
    static coded m;
    const style plain = styles[0].s, escapes = { MOTE_CODER_RANS1, 1, 0, 1, MOTE_CODER_STORED };
    const style classes = { MOTE_CODER_RANS8, 2, MOTE_CODER_STORED, 2, MOTE_CODER_STORED };
    const num_cfg f = { .numeric = MOTE_NUM_FLOAT, .dtype = MOTE_F32 },
                  i8 = { .numeric = MOTE_NUM_INT, .dtype = MOTE_I8 };
    const num_cfg a = { .numeric = MOTE_NUM_AFFINE,
                        .dtype = MOTE_F32,
                        .bits = 4,
                        .zero = 1,
                        .scope = 2,
                        .group = 5,
                        .scale_dtype = MOTE_F32 };
    const num_cfg u16 = { .numeric = MOTE_NUM_INT, .dtype = MOTE_U16, .nb = 1 },
                  u4 = { .numeric = MOTE_NUM_STORED, .dtype = MOTE_U4 };
    const num_cfg a8 = {
        .numeric = MOTE_NUM_AFFINE, .dtype = MOTE_F32, .bits = 8, .scope = 1, .scale_dtype = MOTE_F32
    };
    const num_cfg book = { .numeric = MOTE_NUM_CODEBOOK,
                           .dtype = MOTE_F32,
                           .entries = 3,
                           .entry_dtype = MOTE_F16,
                           .book_rows = 1,
                           .scope = 1,
                           .scale_dtype = MOTE_F16 };
    const num_cfg st = { .numeric = MOTE_NUM_STORED, .dtype = MOTE_F32 };
    state = 99;
    one(&m, "w", MOTE_LAYOUT_DENSE, f, MOTE_F32, 2, 10, 20, 0, &escapes);
    write(&m, &codec_base.floats);
    clear(&m);
    one(&m, "w", MOTE_LAYOUT_DENSE, i8, MOTE_I8, 3, 10, 30, 0, &classes);
    write(&m, &codec_base.integer);
    clear(&m);
    one(&m, "w", MOTE_LAYOUT_DENSE, a, MOTE_F32, 2, 10, 20, 0, &plain);
    write(&m, &codec_base.affine);
    clear(&m);
    one(&m, "w", MOTE_LAYOUT_BITMASK, u16, MOTE_U16, 2, 10, 20, 0, &plain);
    write(&m, &codec_base.mask);
    clear(&m);
    one(&m, "w", MOTE_LAYOUT_CSR, u16, MOTE_U16, 2, 10, 20, 0, &plain);
    write(&m, &codec_base.csr);
    clear(&m);
    lowrank(&m, "w", MOTE_F32, a8, a8, 9, 2, &plain);
    write(&m, &codec_base.lowrank);
    clear(&m);
    zstd_model(&m);
    m.n = 1; /* "a" alone */
    write(&m, &codec_base.zstd);
    clear(&m);
    one(&m, "w", MOTE_LAYOUT_DENSE, u4, MOTE_U4, 4, 6, 12, 0, &plain);
    write(&m, &codec_base.nibbles);
    clear(&m);
    one(&m, "w", MOTE_LAYOUT_DENSE, st, MOTE_F32, 2, 10, 20, 0, &plain);
    write(&m, &codec_base.stored);
    clear(&m);
    one(&m, "w", MOTE_LAYOUT_DENSE, book, MOTE_F32, 2, 10, 20, 0, &plain);
    write(&m, &codec_base.book);
    clear(&m);
}

void codec_bases_free(void)
{
    mote_wr *all[] = { &codec_base.floats, &codec_base.integer, &codec_base.affine, &codec_base.mask,
                       &codec_base.csr,    &codec_base.lowrank, &codec_base.zstd,   &codec_base.nibbles,
                       &codec_base.stored, &codec_base.book };
    for (size_t i = 0; i < N(all); i++) mote_wr_free(all[i]);
}

void make_codec_vectors(void)
{
    static coded m;
    grid_of_codecs();
    lowranks();
    numerics();
    shapes_of_tables();
    axes();
    zstd_model(&m);
    finish(&m, "zstd", "elements and byte planes as zstd frames, one that inflates 13 bytes to 100,000");
    nano = true;
    grid_of_codecs();
    lowranks();
    numerics();
    nano = false;
    codebooks();
    backgrounds();
    sums();
    codec_bases();
    vec_seed("base-float", &codec_base.floats);
    vec_seed("base-integer", &codec_base.integer);
    vec_seed("base-affine", &codec_base.affine);
    vec_seed("base-bitmask", &codec_base.mask);
    vec_seed("base-csr", &codec_base.csr);
    vec_seed("base-lowrank", &codec_base.lowrank);
    vec_seed("base-zstd", &codec_base.zstd);
    vec_seed("base-half-bytes", &codec_base.nibbles);
    vec_seed("base-stored", &codec_base.stored);
    vec_seed("base-codebook", &codec_base.book);
    make_bad_codec_vectors();
    make_trellis_vectors();
    codec_bases_free();
}
