/* SPDX-License-Identifier: Apache-2.0
 * Writes heads, the mirror of common/head.c. Host only. */
#include "enc/head_write.h"

void mote_table_write(mote_wr *out, const mote_table_spec *s)
{
    mote_wr_u8(out, (uint8_t)(s->form | (s->bits == 14 ? 4 : 0) | s->shift << 3));
    mote_wr_zigzag(out, s->lo);
    if (s->form == 0) {
        for (unsigned i = 0; i + 1 < MOTE_SYMBOLS; i++) mote_wr_varint(out, s->freq[i]);
        return;
    }
    mote_wr_u8(out, s->shape);
    mote_wr_zigzag(out, s->mean);
    mote_wr_varint(out, s->inverse);
}

static void put_plane(mote_wr *out, mote_wr *tables, const mote_plane_code *code)
{
    const mote_plane *d = &code->d;
    mote_wr_varint(out, d->coder);
    if (d->coder == MOTE_CODER_CONSTANT) mote_wr_zigzag(out, d->constant);
    if (d->coder < MOTE_CODER_RANS1 || d->coder > MOTE_CODER_RANS32) return;
    mote_wr_varint(out, d->n_classes);
    if (d->n_classes > 1) mote_wr_varint(out, d->class_coder);
    mote_wr_varint(out, d->escapes);
    unsigned n = d->n_classes + 0u + (d->class_coder == MOTE_CODER_RANS1) + (d->escapes == 2);
    for (unsigned i = 0; i < n; i++) mote_table_write(tables, &code->spec[i]);
}

static void put_book(mote_wr *out, const mote_book *b)
{
    mote_wr_varint(out, b->table);
    if (b->table != MOTE_BOOK_WRITTEN) return;
    mote_wr_varint(out, b->entries);
    mote_wr_varint(out, b->entry_dtype);
    mote_wr_varint(out, b->rows);
    if (b->rows == 0) mote_book_write(out, b, 0);
}

static void put_scaled(mote_wr *out, const mote_num *n, const mote_affine *a)
{
    if (n->numeric == MOTE_NUM_CODEBOOK) {
        put_book(out, &a->book);
    } else {
        mote_wr_varint(out, a->bits);
        mote_wr_varint(out, n->fold ? 2 : a->zero);
    }
    mote_wr_varint(out, a->scope);
    if (a->scope == 2) mote_wr_varint(out, a->group);
    mote_wr_varint(out, a->scale_dtype);
    if (a->scope) return;
    uint32_t scale = mote_scale_bits(a->scale_dtype, a->scale[0]);
    a->scale_dtype == MOTE_F32 ? mote_wr_u32(out, scale) : mote_wr_u16(out, (uint16_t)scale);
    if (a->zero) mote_wr_varint(out, a->zero_point[0]);
}

static void put_numeric(mote_wr *out, mote_wr *tables, const mote_cutter *k)
{
    const mote_num *n = &k->c->num;
    mote_wr_varint(out, n->numeric);
    if (n->numeric == MOTE_NUM_FLOAT) mote_wr_varint(out, n->dtype);
    if (n->numeric == MOTE_NUM_INT)
        mote_wr_varint(out, n->n_bytes | (n->fold ? MOTE_BYTES_FOLDED : 0) | (n->shifted ? MOTE_BYTES_SHIFTED : 0));
    if (n->shifted) mote_wr_varint(out, n->background);
    if (k->c->m.affine) put_scaled(out, n, k->c->m.affine);
    for (unsigned i = MOTE_PLANE_V; i < MOTE_PLANE_BYTE + (unsigned)n->n_bytes; i++)
        put_plane(out, tables, &k->code[i]);
}

/* A term that is not low-rank. */
static void put_term(mote_wr *terms, mote_wr *tables, const mote_cutter *k)
{
    mote_wr_varint(terms, k->c->layout);
    for (unsigned i = MOTE_PLANE_MASK; i < MOTE_PLANE_V; i++)
        if (mote_coding_has(k->c, i)) put_plane(terms, tables, &k->code[i]);
    put_numeric(terms, tables, k);
}

void mote_head_write(mote_wr *out, const mote_cutter *k, const mote_cutter *v, const mote_cutter *second,
                     uint64_t seg_elems, uint32_t rows_per_record)
{
    mote_wr grid = { 0 }, terms = { 0 }, tables = { 0 };
    const mote_coding *c = k->c;
    mote_wr_varint(&grid, c->m.rows);
    mote_wr_varint(&grid, v ? v->c->m.cols : c->m.cols);
    mote_wr_varint(&grid, seg_elems);
    if (v) {
        mote_wr_varint(&terms, MOTE_LAYOUT_LOWRANK);
        mote_wr_varint(&terms, c->m.cols);
        mote_wr_varint(&terms, rows_per_record);
        put_numeric(&terms, &tables, v);
        put_numeric(&terms, &tables, k);
        if (second) put_term(&terms, &tables, second);
    } else {
        put_term(&terms, &tables, k);
    }
    mote_wr_field(out, 2, &grid);
    mote_wr_field(out, 4, &terms);
    if (tables.n || tables.st != MOTE_OK) mote_wr_field(out, 6, &tables);
    if (v) mote_wr_field_varint(out, 8, (c->m.cols - 1) / rows_per_record + 1);
    if (c->m.axis) mote_wr_field_varint(out, 10, 1);
}
