/* SPDX-License-Identifier: Apache-2.0
 * Trellis-coded tensors as bytes: levels to tokens along the states, tokens to words by rANS. Spec codecs.md 8.
 * Host only. */
#include "enc/trellis_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "common/casts.h"
#include "dec/seg.h"
#include "kern/kern.h"

#define TABLES_MAX (4 * MOTE_PAIRS_MAX + 3)

/* --- the plan, ready to be written -------------------------------------------------------------------------------- */

static mote_status fit_map(mote_plane *d, mote_enc_table *table, mote_table_spec *spec, const uint8_t *class_of,
                           uint64_t n, double segments)
{
    uint64_t count[MOTE_SYMBOLS] = { 0 };
    for (uint64_t i = 0; i < n; i++) count[class_of[i] & 15]++;
    const mote_cells cells = { .n = d->n_classes, .vmax = d->n_classes - 1 };
    mote_table_fit f = { .symbol_bits = 0 };
    mote_table_fit_make(&f, count, 0, 0, &cells, false);
    *spec = f.spec;
    const double coded = f.symbol_bits + f.table_bits + 32 * segments;
    d->class_coder = coded < 4 * (double)n ? MOTE_CODER_RANS1 : MOTE_CODER_STORED;
    mote_table t;
    mote_status st = mote_table_build(&t, spec, 0, d->n_classes - 1, false);
    if (st == MOTE_OK) mote_enc_table_init(table, &t);
    return st;
}

/* Maps and tables, for that many segments. */
static mote_status make_ready(mote_trellis_code *c, uint64_t segments)
{
    const mote_trellis_plan *p = c->p;
    mote_status st = MOTE_OK;
    c->row.d.n_classes = 1;
    if (p->row_class) {
        for (uint64_t r = 0; r < p->rows; r++)
            if (p->row_class[r] >= c->row.d.n_classes) c->row.d.n_classes = (uint8_t)(p->row_class[r] + 1);
        if (c->row.d.n_classes > MOTE_CLASSES_MAX) return MOTE_ERR_VALUE;
    }
    c->row.d.escapes = p->escapes;
    c->row.table = c->map_tables;
    c->column.d.n_classes = MOTE_COLUMN_CLASSES;
    c->column.table = c->column_tables;
    if (c->row.d.n_classes > 1)
        st =
            fit_map(&c->row.d, c->row.table + c->row.d.n_classes, &c->row_map, p->row_class, p->rows, (double)segments);
    if (st == MOTE_OK && p->col_class)
        st = fit_map(&c->column.d, c->column.table + MOTE_COLUMN_CLASSES, &c->column_map, p->col_class, p->cols, 1);
    if (st == MOTE_OK && p->escapes == 2) {
        mote_table t;
        st = mote_table_build(&t, &p->escape, 0, MOTE_ESCAPE_MAX, true);
        if (st == MOTE_OK) mote_enc_table_init(c->row.table + c->row.d.n_classes + 1, &t);
    }
    return st == MOTE_OK ? mote_trellis_tokens_init(c) : st;
}

/* --- head --------------------------------------------------------------------------------------------------------- */

static unsigned code_of(const mote_trellis_plan *p)
{
    static const uint16_t codes[][2] = { { 0, 0 },       { 013, 04 },      { 045, 010 },
                                         { 0515, 0362 }, { 02107, 01722 }, { 06215, 03722 } };
    for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++)
        if (p->h0 == codes[i][0] && p->h1 == codes[i][1]) return i;
    return 7;
}

static void put_pairs(mote_wr *out, const mote_trellis_plan *p)
{
    const mote_family *f = &p->family;
    const unsigned n_tables = p->h0 ? 2 : 1;
    mote_wr_u8(out, (uint8_t)(f->shape | f->growing << 4));
    if (f->shape != MOTE_FAMILY_NONE) {
        mote_wr_zigzag(out, f->mean);
        mote_wr_varint(out, f->inverse);
        for (unsigned q = 0; q < n_tables; q++) mote_wr_u8(out, f->zero[q]);
        for (unsigned i = 0; i < p->n_pairs; i += 2) {
            unsigned kinds = 0;
            for (unsigned j = i; j < i + 2 && j < p->n_pairs; j++)
                kinds |= (p->pair[j].counts ? 15u : p->pair[j].shift | (unsigned)p->pair[j].wide << 3) << 4 * (j - i);
            mote_wr_u8(out, (uint8_t)kinds);
        }
    }
    for (unsigned i = 0; i < p->n_pairs; i++) {
        const mote_pair_spec *s = &p->pair[i];
        if (!s->counts) continue;
        mote_wr_u8(out, (uint8_t)(s->shift | s->wide << 3));
        mote_wr_zigzag(out, s->lo);
        for (unsigned q = 0; q < n_tables; q++) mote_wr_bytes(out, s->weight[q], s->wide ? 32 : 16);
    }
}

/* Spec codecs.md 8.1 */
static void put_head(mote_wr *out, const mote_trellis_code *c, mote_plane_writer *w)
{
    const mote_trellis_plan *p = c->p;
    mote_wr grid = { 0 }, terms = { 0 }, tables = { 0 }, columns = { 0 };
    mote_wr_varint(&grid, p->rows);
    mote_wr_varint(&grid, p->cols);
    mote_wr_varint(&grid, p->seg_elems);
    const unsigned code = code_of(p);
    const bool offsets = p->offset[0] || p->offset[1] || p->offset[2];
    uint32_t step;
    memcpy(&step, &p->step, sizeof step);
    mote_wr_varint(&terms, MOTE_LAYOUT_DENSE);
    mote_wr_varint(&terms, MOTE_NUM_TRELLIS);
    mote_wr_u8(&terms,
               (uint8_t)(p->zero + 2u * offsets + 4u * (p->scale != NULL) + 8u * (p->col_class != NULL) + (code << 4)));
    if (code == 7) {
        mote_wr_varint(&terms, p->h0);
        mote_wr_varint(&terms, p->h1);
    }
    for (unsigned i = 8; i < 32; i += 8) mote_wr_u8(&terms, (uint8_t)(step >> i));
    for (unsigned i = 0; offsets && i < 3; i++) mote_wr_u8(&terms, (uint8_t)p->offset[i]);
    mote_wr_varint(&terms, p->largest);
    mote_wr_varint(&terms, p->n_pairs);
    if (p->n_pairs > 1) mote_wr_varint(&terms, p->base);
    if (p->col_class) {
        mote_wr_varint(&terms, c->column.d.class_coder);
        if (c->column.d.class_coder == MOTE_CODER_RANS1) mote_table_write(&tables, &c->column_map);
        w->out = &columns;
        w->left = 1;
        w->parts.classes += mote_plane_put_map(w, &c->column, p->col_class, (size_t)p->cols);
        w->out = out;
    }
    mote_wr_varint(&terms, p->coder);
    mote_wr_varint(&terms, c->row.d.n_classes);
    if (c->row.d.n_classes > 1) {
        mote_wr_varint(&terms, c->row.d.class_coder);
        if (c->row.d.class_coder == MOTE_CODER_RANS1) mote_table_write(&tables, &c->row_map);
    }
    mote_wr_varint(&terms, p->escapes);
    put_pairs(&tables, p);
    if (p->escapes == 2) mote_table_write(&tables, &p->escape);
    mote_wr_field(out, 2, &grid);
    mote_wr_field(out, 4, &terms);
    mote_wr_field(out, 6, &tables);
    if (p->axis) mote_wr_field_varint(out, 10, 1);
    if (p->col_class) mote_wr_field(out, 12, &columns);
}

static void note_use(void *ctx, unsigned id)
{
    mote_needs_add(ctx, id);
}

static mote_status write_head(mote_trellis_code *c, mote_records *f, const mote_records_target *target, mote_wr *out,
                              mote_plane_writer *w, uint32_t room)
{
    mote_table tables[TABLES_MAX];
    out->n = 0;
    put_head(out, c, w);
    if (out->st != MOTE_OK) return out->st;
    if (out->n > room) return MOTE_ERR_HEAD;
    /* the reader's view of it counts: it refuses whatever readers would */
    mote_status st = mote_head_read(&c->head, tables, NULL, TABLES_MAX, mote_rd_init(out->p, out->n), target->dtype,
                                    target->elements, note_use, &f->needs);
    if (st != MOTE_OK) return st == MOTE_ERR_HEAD ? MOTE_ERR_VALUE : st;
    f->head_bytes = out->n - w->parts.classes; /* the column map stands in it */
    f->seg_elems = mote_head_seg_max(&c->head);
    f->table_slots = c->head.n_tables;
    f->resident_bytes = sizeof(float) * (uint64_t)mote_seg_factors(&c->head);
    return mote_records_add(f, out->p, out->n);
}

/* --- segments ----------------------------------------------------------------------------------------------------- */

static void put_scales(const mote_trellis_code *c, const mote_extent *e, mote_plane_writer *w)
{
    if (!c->p->scale) return;
    mote_plane_begin(w, 2 * e->rows);
    for (size_t r = 0; r < e->rows; r++) mote_wr_u16(w->out, c->p->scale[e->row + r]);
    w->parts.scales += 2 * e->rows;
}

static mote_status write_segment(const mote_trellis_code *c, const mote_extent *e, const int32_t *level,
                                 mote_trellis_token *tokens, uint32_t *learned, mote_plane_writer *w)
{
    const mote_trellis_plan *p = c->p;
    size_t escapes = 0;
    mote_status st = mote_trellis_tokens_find(c, e, level, tokens, learned, w->escape, &escapes);
    if (st != MOTE_OK) return st;
    w->left = 1u + (p->scale != NULL) + (c->row.d.n_classes > 1) + p->escapes;
    put_scales(c, e, w);
    if (c->row.d.n_classes > 1)
        w->parts.classes += mote_plane_put_map(w, &c->row, p->row_class + e->row, (size_t)e->rows);
    mote_trellis_tokens_put(c, e, tokens, learned, w);
    if (p->escapes) w->parts.escapes += mote_plane_put_escapes(w, &c->row, escapes);
    return w->out->st;
}

static mote_status write_all(mote_trellis_code *c, mote_records *f, const mote_records_target *target, mote_wr *out,
                             mote_trellis_levels_fn levels, void *ctx)
{
    const mote_trellis_plan *p = c->p;
    const uint32_t room = mote_record_room(target->limits->chunk_max);
    const size_t most = (size_t)(p->seg_elems > p->cols ? p->seg_elems : p->cols); /* also for the column map */
    mote_plane_writer w;
    int32_t *level = most <= SIZE_MAX / 16 ? malloc(most * sizeof *level) : NULL;
    mote_trellis_token *tokens = level ? malloc(most * sizeof *tokens) : NULL;
    uint32_t *learned = tokens && c->adaptive ? malloc(most * sizeof *learned) : NULL;
    mote_status st = mote_plane_writer_init(&w, out, most);
    if (st == MOTE_OK && (!tokens || (c->adaptive && !learned))) st = MOTE_ERR_NOMEM;
    if (st == MOTE_OK) st = write_head(c, f, target, out, &w, room);
    for (size_t s = 0; st == MOTE_OK && s < c->head.n_segments; s++) {
        const mote_extent e = mote_head_extent(&c->head, s);
        out->n = 0;
        st = levels(ctx, p, &e, level);
        if (st == MOTE_OK) st = write_segment(c, &e, level, tokens, learned, &w);
        if (st == MOTE_OK) st = out->n > room ? MOTE_NEED_OUTPUT : mote_records_add(f, out->p, out->n);
    }
    f->parts = w.parts;
    mote_plane_writer_free(&w);
    free(level);
    free(tokens);
    free(learned);
    return st;
}

mote_status mote_trellis_write(mote_records *f, const mote_records_target *target, mote_trellis_plan *p,
                               mote_trellis_levels_fn levels, void *ctx)
{
    mote_trellis_code *c = calloc(1, sizeof *c);
    mote_wr out = { 0 };
    mote_status st = c ? MOTE_OK : MOTE_ERR_NOMEM;
    if (c) c->p = p;
    if (c && p->coder == MOTE_CODER_ADAPTIVE1) {
        c->adaptive = malloc((size_t)p->n_pairs * MOTE_ADAPT_TABLES * MOTE_SYMBOLS * sizeof *c->adaptive);
        if (!c->adaptive) st = MOTE_ERR_NOMEM;
    }
    if (c && p->col_class) {
        c->order = malloc((size_t)p->cols * sizeof *c->order);
        if (c->order)
            mote_trellis_order(p, c->order, c->end);
        else
            st = MOTE_ERR_NOMEM;
    }
    while (st == MOTE_OK) {
        const uint64_t segments = p->seg_elems ? (p->rows * p->cols - 1) / p->seg_elems + 1 : 1;
        st = p->seg_elems ? make_ready(c, segments) : MOTE_ERR_LIMIT;
        if (st == MOTE_OK) st = write_all(c, f, target, &out, levels, ctx);
        if (st != MOTE_NEED_OUTPUT) break;
        mote_records_free(f);
        st = mote_trellis_shrink(p);
    }
    mote_wr_free(&out);
    if (c) free(c->order);
    if (c) free(c->adaptive);
    free(c);
    if (st != MOTE_OK) mote_records_free(f);
    return st;
}
