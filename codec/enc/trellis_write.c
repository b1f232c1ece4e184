/* SPDX-License-Identifier: Apache-2.0
 * Trellis-coded tensors as bytes: levels to tokens along the states, tokens to words by rANS. Spec codecs.md 8.
 * Host only. */
#include "enc/trellis_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "common/casts.h"
#include "dec/seg.h"
#include "kern/adapt.h"

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
    for (unsigned i = 0; i < p->n_pairs && st == MOTE_OK; i++)
        for (unsigned q = 0; q < (p->h0 ? 2u : 1u) && st == MOTE_OK; q++) {
            mote_table t[2];
            st = mote_pair_build(t, &p->pair[i], &p->family, i, q, p->zero, p->escapes != 0);
            for (unsigned j = 0; j <= p->pair[i].wide && st == MOTE_OK; j++)
                mote_enc_table_init(&c->pair[i][q][j], &t[j]);
            c->first[i][q] = t[0];
        }
    return st;
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

unsigned mote_trellis_symbol(const mote_pair_spec *s, bool escapes, int32_t k, uint32_t *number)
{
    const int32_t u = k - s->lo, t = u >= 0 ? u >> s->shift : -((-u - 1) >> s->shift) - 1, n = s->wide ? 32 : 16;
    if (t >= 0 && t < (escapes ? n - 2 : n)) return (unsigned)t;
    if (!escapes) return (unsigned)n; /* there is none */
    const int32_t a = n - 2 + (t & 1);
    *number = (uint32_t)(t >= 0 ? t - a : a - n + 1 - t);
    return (unsigned)a;
}

/* One value: its table in the high bits of the symbol. */
typedef struct token {
    const mote_enc_table *table;
    uint8_t symbol, low;
    uint16_t from, freq; /* in tables that adapt; freq 0: the table's */
} token;

/* --- tables that adapt: codecs.md 8.5 --- */

static void begin_adaptive(const mote_trellis_code *c)
{
    const mote_trellis_plan *p = c->p;
    for (unsigned i = 0; c->adaptive && i < p->n_pairs; i++) {
        const mote_pair pair = { .q = { &c->first[i][0], &c->first[i][p->h0 ? 1 : 0] } };
        mote_adapt_begin(c->adaptive + i * MOTE_ADAPT_TABLES * MOTE_SYMBOLS, &pair);
    }
}

/* The frequency that a token of the pair has after the values before, and what its table learns. */
static void adapt_token(const mote_trellis_code *c, token *t, unsigned pair, unsigned q, mote_adapt_context *before)
{
    const mote_pair_spec *s = &c->p->pair[pair];
    const unsigned k = t->symbol;
    int16_t *cum = c->adaptive + (pair * MOTE_ADAPT_TABLES + mote_adapt_place(*before, q)) * (size_t)MOTE_SYMBOLS;
    const uint32_t to = k + 1 < MOTE_SYMBOLS ? mote_adapt_below(cum, k + 1) : 1u << MOTE_PAIR_BITS;
    t->from = (uint16_t)mote_adapt_below(cum, k);
    t->freq = (uint16_t)(to - t->from);
    mote_adapt_learn(cum, k);
    *before = mote_adapt_after(*before, k, mote_adapt_zero(s->lo, s->shift));
}

/* Tokens of a segment in the order of coding; NEED_OUTPUT never, VALUE: it cannot be coded. */
static mote_status find_tokens(const mote_trellis_code *c, const mote_extent *e, const int32_t *level, token *to,
                               uint32_t *escape, size_t *n_escapes)
{
    const mote_trellis_plan *p = c->p;
    uint32_t state[32] = { 0 };
    mote_adapt_context before = { 0 };
    const unsigned lanes = mote_plane_lanes(p->coder);
    begin_adaptive(c);
    for (size_t r = 0; r < e->rows; r++, level += e->cols) {
        const unsigned row = p->row_class ? p->row_class[e->row + r] : 0;
        for (size_t g = 0, at = 0, end; g < MOTE_COLUMN_CLASSES; g++, at = end) {
            end = p->col_class ? c->end[g] : e->cols;
            const unsigned pair = mote_trellis_index(p, row, (unsigned)g);
            const mote_pair_spec *spec = &p->pair[pair];
            for (size_t i = at; i < end; i++, to++) {
                const int32_t k = level[p->col_class ? c->order[i] : i];
                uint32_t *s = &state[(i - at) & (lanes - 1)], number = UINT32_MAX;
                const unsigned q = *s & 1, symbol = mote_trellis_symbol(spec, p->escapes != 0, k, &number);
                const int32_t v = mote_trellis_value(p->zero, q, k);
                if (symbol >= 32 || (uint32_t)(v < 0 ? -v : v) > p->largest) return MOTE_ERR_VALUE;
                to->table = &c->pair[pair][q][symbol >> 4];
                to->symbol = symbol & 15;
                to->low = (uint8_t)((uint32_t)(k - spec->lo) & ((1u << spec->shift) - 1));
                to->freq = 0;
                if (c->adaptive && symbol < 16) adapt_token(c, to, pair, q, &before);
                if ((!spec->wide && symbol >= 16) || (to->freq | to->table->sym[to->symbol].freq) == 0)
                    return MOTE_ERR_VALUE;
                if (number != UINT32_MAX) {
                    if (number > MOTE_ESCAPE_MAX) return MOTE_ERR_VALUE;
                    escape[(*n_escapes)++] = number;
                }
                *s = mote_trellis_state(p, *s, k);
            }
        }
    }
    return MOTE_OK;
}

static void put_scales(const mote_trellis_code *c, const mote_extent *e, mote_plane_writer *w)
{
    if (!c->p->scale) return;
    mote_plane_begin(w, 2 * e->rows);
    for (size_t r = 0; r < e->rows; r++) mote_wr_u16(w->out, c->p->scale[e->row + r]);
    w->parts.scales += 2 * e->rows;
}

/* Spec codecs.md 3.4: one value, on that lane. */
static void put_token(mote_rans_enc *e, const token *k, size_t lane)
{
    const mote_enc_table *t = k->table;
    uint32_t x = e->x[lane];
    e->used = true;
    if (x >= (k->freq ? (uint64_t)k->freq << (32 - MOTE_PAIR_BITS - t->shift) : t->sym[k->symbol].limit)) {
        if (e->p - e->begin < 2) {
            e->st = MOTE_NEED_OUTPUT;
            return;
        }
        e->p -= 2;
        mote_put16(e->p, x);
        x >>= 16;
    }
    x = x << t->shift | k->low;
    if (k->freq) {
        e->x[lane] = (x / k->freq << MOTE_PAIR_BITS) + k->from + x % k->freq;
        return;
    }
    const uint32_t q = (uint32_t)((x * t->sym[k->symbol].reciprocal) >> 32 >> t->sym[k->symbol].rshift);
    e->x[lane] = (q << t->bits) + t->sym[k->symbol].cum + (x - q * t->sym[k->symbol].freq);
}

/* The plane of symbols. Runs of one pair are coded one after the other, backwards. */
static void put_levels(const mote_trellis_code *c, const mote_extent *e, const token *t, mote_plane_writer *w)
{
    const unsigned lanes = mote_plane_lanes(c->p->coder);
    const uint8_t *data;
    size_t bytes;
    mote_rans_enc x;
    mote_rans_enc_init(&x, lanes, w->words, w->words_bytes);
    for (size_t r = e->rows; r-- > 0;)
        for (size_t g = MOTE_COLUMN_CLASSES, end; g-- > 0;) {
            size_t at = 0;
            end = e->cols;
            if (c->p->col_class) {
                at = g ? c->end[g - 1] : 0;
                end = c->end[g];
            } else if (g > 0) {
                continue;
            }
            for (size_t i = end; i-- > at;) put_token(&x, &t[r * e->cols + i], (i - at) & (lanes - 1));
        }
    mote_status st = mote_rans_finish(&x, &data, &bytes);
    if (st != MOTE_OK && w->out->st == MOTE_OK) w->out->st = st;
    if (st != MOTE_OK) return;
    mote_plane_begin(w, bytes);
    mote_wr_bytes(w->out, data, bytes);
    w->parts.symbols += bytes;
}

static mote_status write_segment(const mote_trellis_code *c, const mote_extent *e, const int32_t *level, token *tokens,
                                 mote_plane_writer *w)
{
    const mote_trellis_plan *p = c->p;
    size_t escapes = 0;
    mote_status st = find_tokens(c, e, level, tokens, w->escape, &escapes);
    if (st != MOTE_OK) return st;
    w->left = 1u + (p->scale != NULL) + (c->row.d.n_classes > 1) + p->escapes;
    put_scales(c, e, w);
    if (c->row.d.n_classes > 1)
        w->parts.classes += mote_plane_put_map(w, &c->row, p->row_class + e->row, (size_t)e->rows);
    put_levels(c, e, tokens, w);
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
    token *tokens = level ? malloc(most * sizeof *tokens) : NULL;
    mote_status st = mote_plane_writer_init(&w, out, most);
    if (st == MOTE_OK && !tokens) st = MOTE_ERR_NOMEM;
    if (st == MOTE_OK) st = write_head(c, f, target, out, &w, room);
    for (size_t s = 0; st == MOTE_OK && s < c->head.n_segments; s++) {
        const mote_extent e = mote_head_extent(&c->head, s);
        out->n = 0;
        st = levels(ctx, p, &e, level);
        if (st == MOTE_OK) st = write_segment(c, &e, level, tokens, &w);
        if (st == MOTE_OK) st = out->n > room ? MOTE_NEED_OUTPUT : mote_records_add(f, out->p, out->n);
    }
    f->parts = w.parts;
    mote_plane_writer_free(&w);
    free(level);
    free(tokens);
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
