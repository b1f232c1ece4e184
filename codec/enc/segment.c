/* SPDX-License-Identifier: Apache-2.0
 * Cuts codings into segments and writes them. Host only. */
#include "enc/segment.h"

#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "enc/zstd_plane.h"

#define UNIT 1024       /* columns of long rows whose price is known together */
#define EIGHTHS 8       /* prices are kept in 1/8 bit */
#define MANY_UNITS 1024 /* prices of so many are samples */
#define SPARE 200       /* share of a chunk that is left free for what samples do not tell */
#define SURE 1.1        /* by that much what was planned is hardly ever exceeded */

mote_status mote_cutter_init(mote_cutter *k, mote_coding *c)
{
    *k = (mote_cutter){ .c = c };
    mote_status st = MOTE_OK;
    for (unsigned i = 0; i < MOTE_PLANES && st == MOTE_OK; i++) {
        if (!mote_coding_has(c, i)) continue;
        if (c->num.numeric == MOTE_NUM_STORED)
            k->code[i].d = c->plane[i].d;
        else
            st = mote_plane_code_init(&k->code[i], &c->plane[i]);
    }
    return st;
}

void mote_cutter_free(mote_cutter *k)
{
    for (unsigned i = 0; i < MOTE_PLANES; i++) mote_plane_code_free(&k->code[i]);
}

/* --- prices ------------------------------------------------------------------------------------------------------- */

static uint64_t scales_of_piece(const mote_coding *c, uint64_t n)
{
    const mote_affine *a = c->m.affine;
    return !a || a->scope == 0 ? 0 : (n - 1) / mote_affine_columns(a, n) + 1;
}

static unsigned scale_bytes(const mote_affine *a)
{
    return a->scale_dtype == MOTE_F32 ? 4 : 2;
}

static unsigned zero_bytes(const mote_affine *a)
{
    return !a->zero ? 0 : a->bits > 8 ? 2 : 1;
}

static unsigned book_bytes(const mote_book *b)
{
    return b->entries * (b->entry_dtype == MOTE_F32 ? 4u : 2u);
}

/* Bits that every segment and every piece of n columns takes whatever it holds. */
static void fixed_bits(const mote_cutter *k, uint64_t n, uint64_t *segment, uint64_t *piece)
{
    const mote_affine *a = k->c->m.affine;
    *segment = 16;
    *piece = a ? scales_of_piece(k->c, n) * 8 * (scale_bytes(a) + zero_bytes(a)) : 0;
    if (a && a->book.rows) {
        *segment += 16 * book_bytes(&a->book); /* begun and ended in the middle of a group of rows */
        *piece += 8 * book_bytes(&a->book) / a->book.rows + 1;
    }
    for (unsigned i = 0; i < MOTE_PLANES; i++) {
        const mote_plane *d = &k->code[i].d;
        if (!mote_coding_has(k->c, i)) continue;
        *segment += 8 * (3 * (uint64_t)mote_plane_count(d) + 3);
        if (d->coder < MOTE_CODER_RANS1 || d->coder > MOTE_CODER_RANS32) continue;
        *segment +=
            32 * ((uint64_t)mote_plane_lanes(d->coder) + (d->escapes == 2) + (d->class_coder == MOTE_CODER_RANS1));
        if (d->n_classes > 1) *piece += 4;
    }
}

/* Bits of values that have no price each. */
static double flat_bits(const mote_cutter *k, unsigned plane, double values)
{
    const mote_coding *c = k->c;
    const mote_plane *d = &k->code[plane].d;
    if (!mote_coding_has(c, plane)) return 0;
    if (d->coder == MOTE_CODER_CONSTANT) return 0;
    if (d->coder == MOTE_CODER_STORED) return values * d->width;
    return c->kept ? values * c->plane[plane].bits / (double)c->kept : 0;
}

static double value_bits(const mote_cutter *k, unsigned plane, uint64_t row, const uint16_t *v, size_t n)
{
    const mote_plane_code *code = &k->code[plane];
    if (!code->price) return flat_bits(k, plane, (double)n);
    const uint8_t *classes = k->c->classes[plane];
    const uint16_t *price = code->price + (classes ? classes[row] : 0) * (size_t)code->values;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += price[v[i]];
    return (double)sum / 64;
}

/* Price of elements [0, n) of a row; sparse layouts: a piece. */
static uint32_t run_price(const mote_cutter *k, uint64_t row, const void *elements, size_t n, mote_work *w)
{
    const mote_coding *c = k->c;
    double bits = 0;
    size_t kept = n;
    if (c->layout != MOTE_LAYOUT_DENSE) {
        kept = mote_matrix_squeeze(&c->m, w->kept, elements, n, w->mask);
        elements = w->kept;
        if (c->layout == MOTE_LAYOUT_BITMASK) {
            bits += value_bits(k, MOTE_PLANE_MASK, row, w->mask, (n + 3) / 4);
        } else {
            uint16_t count = (uint16_t)kept;
            mote_mask_gaps(w->mask, n, w->gap);
            bits += value_bits(k, MOTE_PLANE_COUNTS, row, &count, 1);
            bits += value_bits(k, MOTE_PLANE_GAPS, row, w->gap, kept);
        }
    }
    if (k->code[MOTE_PLANE_V].price) mote_split_v(&c->num, elements, kept, w->v);
    bits += value_bits(k, MOTE_PLANE_V, row, w->v, kept);
    for (unsigned i = MOTE_PLANE_BYTE; i < MOTE_PLANES; i++) bits += flat_bits(k, i, (double)kept);
    return (uint32_t)(bits * EIGHTHS) + 1;
}

/* Prices of units of `unit` columns, row after row. */
typedef struct prices {
    uint32_t *price;
    uint64_t unit, per_row;
    unsigned every; /* which ones have been looked at; the others are taken to cost what the one before does */
} prices;

static mote_status find_prices(const mote_cutter *k, prices *p, mote_work *w)
{
    const mote_coding *c = k->c;
    const mote_matrix *m = &c->m;
    p->unit = c->layout != MOTE_LAYOUT_DENSE ? c->piece : m->cols < UNIT ? m->cols : UNIT;
    p->per_row = (m->cols - 1) / p->unit + 1;
    p->price = calloc((size_t)(m->rows * p->per_row), sizeof *p->price);
    if (!p->price) return MOTE_ERR_NOMEM;
    p->every = k->guess && c->layout == MOTE_LAYOUT_DENSE && m->rows * p->per_row >= MANY_UNITS ? 4 : 1;
    const size_t bytes = mote_matrix_elem_bytes(m);
    for (mote_rect r = { 0 }; mote_coding_next(c, &r);) { /* begins at whole units */
        const uint8_t *e = mote_matrix_fetch(m, r.row, r.col, r.rows, r.n, &w->fetch);
        for (size_t row = 0; row < r.rows; row++) {
            uint32_t *to = p->price + (r.row + row) * p->per_row + r.col / p->unit;
            for (size_t i = 0; i < r.n; i += (size_t)p->unit) {
                const size_t n = r.n - i < p->unit ? r.n - i : (size_t)p->unit;
                const size_t at = (size_t)(to - p->price);
                *to++ = at % p->every ? p->price[at - 1] : run_price(k, r.row + row, e + (row * r.n + i) * bytes, n, w);
            }
        }
    }
    return MOTE_OK;
}

/* --- cutting ------------------------------------------------------------------------------------------------------ */

/* Eighths of bits of the dearest run of `rows` rows. */
static uint64_t dearest_rows(const prices *p, uint64_t rows_all, uint64_t rows, uint64_t piece_bits)
{
    uint64_t most = 0;
    for (uint64_t r = 0; r < rows_all; r += rows) {
        uint64_t end = rows_all - r < rows ? rows_all : r + rows, sum = (end - r) * piece_bits * EIGHTHS;
        for (uint64_t i = r * p->per_row; i < end * p->per_row; i++) sum += p->price[i];
        if (sum > most) most = sum;
    }
    return most;
}

/* Of the dearest piece of n columns; prices within a unit are taken as even. */
static uint64_t dearest_piece(const prices *p, uint64_t rows, uint64_t cols, uint64_t n)
{
    uint64_t most = 0;
    for (uint64_t r = 0; r < rows; r++) {
        const uint32_t *price = p->price + r * p->per_row;
        double before = 0, at = 0; /* price up to the last cut, and up to unit i */
        uint64_t cut = n < cols ? n : cols;
        for (uint64_t i = 0; i < p->per_row; i++) {
            uint64_t from = i * p->unit, wide = cols - from < p->unit ? cols - from : p->unit;
            while (cut <= from + wide) {
                double here = at + (double)price[i] * (double)(cut - from) / (double)wide;
                if (here - before > (double)most) most = (uint64_t)(here - before) + 1;
                before = here;
                if (cut == cols) break;
                cut = cols - cut < n ? cols : cut + n;
            }
            at += price[i];
        }
    }
    return most;
}

/* Elements of which whole bytes are made. */
static uint64_t byte_step(const mote_coding *c)
{
    unsigned bits = mote_dtype_bits(c->m.held);
    return bits == 4 ? 2 : bits == 6 ? 4 : 1;
}

/* The nearest length of a piece of less than a row that is not above n: whole bytes, whole groups. 0: there is none */
static uint64_t piece_below(const mote_coding *c, uint64_t n)
{
    const mote_affine *a = c->m.affine;
    return n - n % (a && a->scope == 2 && a->group < c->m.cols ? a->group : byte_step(c));
}

/* Pieces of rows, about equal but for a single row. 0: impossible */
static uint64_t cut_columns(const mote_cutter *k, const prices *p, uint64_t budget, uint64_t most)
{
    const mote_matrix *m = &k->c->m;
    uint64_t n = most < m->cols ? most : m->cols;
    for (;;) {
        if (m->rows > 1) {
            uint64_t pieces = (m->cols - 1) / n + 1;
            n = (m->cols - 1) / pieces + 1;
        }
        if (n < m->cols) n = piece_below(k->c, n);
        if (n == 0) return 0;
        uint64_t fixed, piece;
        fixed_bits(k, n, &fixed, &piece);
        if ((fixed + piece) * EIGHTHS >= budget) return 0;
        uint64_t room = budget - (fixed + piece) * EIGHTHS, dear = dearest_piece(p, m->rows, m->cols, n);
        if (dear <= room) return n;
        uint64_t less = (uint64_t)((double)n * (double)room / (double)dear);
        n = less < n ? less : n - 1;
        if (n == 0) return 0;
    }
}

/* Whole rows. 0: one alone is too much */
static uint64_t cut_rows(const mote_cutter *k, const prices *p, uint64_t budget, uint64_t most)
{
    const mote_matrix *m = &k->c->m;
    uint64_t fixed, piece, step = byte_step(k->c), rows = most / m->cols;
    fixed_bits(k, m->cols, &fixed, &piece);
    if (fixed * EIGHTHS >= budget) return 0;
    budget -= fixed * EIGHTHS;
    if (rows > m->rows) rows = m->rows;
    while (rows) {
        if (rows < m->rows) rows -= rows % step;
        if (rows == 0) return 0;
        uint64_t dear = dearest_rows(p, m->rows, rows, piece);
        if (dear <= budget) break;
        uint64_t less = (uint64_t)((double)rows * (double)budget / (double)dear);
        rows = less < rows ? less : rows - 1;
    }
    return rows * m->cols;
}

/* Sparse pieces that are less than a row: one a segment. 0: one is too much */
static uint64_t cut_pieces(const mote_cutter *k, const prices *p, uint64_t budget)
{
    const mote_coding *c = k->c;
    uint64_t fixed, piece;
    fixed_bits(k, c->piece, &fixed, &piece);
    fixed = (fixed + piece) * EIGHTHS;
    for (uint64_t i = 0; i < c->m.rows * p->per_row; i++)
        if (p->price[i] + fixed > budget) return 0;
    return c->piece;
}

/* Coders by the number of values in a full segment; true if one changed. */
static bool set_lanes(mote_cutter *k, mote_profile profile)
{
    mote_coding *c = k->c;
    double share = c->elements ? (double)c->kept / (double)c->elements : 1;
    bool changed = false;
    for (unsigned i = 0; i < MOTE_PLANES; i++) {
        mote_plane *d = &k->code[i].d;
        if (!mote_coding_has(c, i) || d->coder < MOTE_CODER_RANS1 || d->coder > MOTE_CODER_RANS32) continue;
        double values = (double)k->seg_elems;
        if (i == MOTE_PLANE_COUNTS)
            values /= (double)c->piece;
        else
            values *= i == MOTE_PLANE_MASK ? 0.25 : share;
        uint8_t coder = mote_rans_coder(c, i, profile, values);
        changed |= coder != d->coder;
        d->coder = coder;
    }
    return changed;
}

/* Elements all of about the same size. */
static mote_status cut_stored(mote_cutter *k, uint32_t room, uint64_t most)
{
    const mote_coding *c = k->c;
    double bits = mote_dtype_bits(c->m.held);
    if (k->code[MOTE_PLANE_V].d.coder == MOTE_CODER_ZSTD)
        bits = c->plane[MOTE_PLANE_V].bits / (double)c->elements * 1.03;
    double n = bits > 0 ? 8.0 * room / bits : 8.0 * room;
    k->seg_elems = n < (double)c->elements ? (uint64_t)n : c->elements;
    if (k->seg_elems > most) k->seg_elems = most;
    if (k->seg_elems < c->elements) k->seg_elems -= k->seg_elems % byte_step(c);
    return k->seg_elems ? MOTE_OK : MOTE_ERR_LIMIT;
}

mote_status mote_cutter_cut(mote_cutter *k, const mote_enc_limits *limits, uint64_t most, bool whole, mote_work *w)
{
    mote_coding *c = k->c;
    if (c->num.numeric == MOTE_NUM_STORED) return cut_stored(k, mote_record_room(limits->chunk_max), most);
    uint64_t budget = (uint64_t)mote_record_room(limits->chunk_max) * 8 * EIGHTHS;
    if (most > c->elements) most = c->elements;
    if (c->layout == MOTE_LAYOUT_DENSE && most == c->elements &&
        EIGHTHS * c->bits * SURE < (double)budget) { /* one segment */
        k->seg_elems = c->elements;
        (void)set_lanes(k, limits->profile);
        return MOTE_OK;
    }
    prices p = { 0 };
    mote_status st = mote_work_reserve(w, c->elements < MOTE_RECT_ELEMENTS ? (size_t)c->elements : MOTE_RECT_ELEMENTS);
    if (st == MOTE_OK) st = find_prices(k, &p, w);
    if (p.every > 1) budget -= budget / SPARE;
    for (unsigned round = 0; round < 2 && st == MOTE_OK; round++) {
        bool sparse = c->layout != MOTE_LAYOUT_DENSE;
        uint64_t seg = sparse && c->piece < c->m.cols ? cut_pieces(k, &p, budget) : cut_rows(k, &p, budget, most);
        if (seg == 0 && !whole && !sparse) seg = cut_columns(k, &p, budget, most);
        if (seg == 0) {
            if (!whole && sparse && piece_below(c, (c->piece + 1) / 2)) c->piece = piece_below(c, (c->piece + 1) / 2);
            st = MOTE_ERR_LIMIT;
        }
        k->seg_elems = seg;
        if (st == MOTE_OK && !set_lanes(k, limits->profile)) break;
    }
    free(p.price);
    return st;
}

mote_status mote_cutter_shrink(mote_cutter *k, bool whole)
{
    const mote_coding *c = k->c;
    uint64_t part = 64;
    for (unsigned i = MOTE_PLANE_V; i < MOTE_PLANES; i++) /* what zstd makes of a segment is hard to foresee */
        if (mote_coding_has(c, i) && k->code[i].d.coder == MOTE_CODER_ZSTD) part = 8;
    uint64_t cols = c->m.cols, n = k->seg_elems;
    if (n > cols) {
        uint64_t rows = n / cols;
        rows -= rows / part + 1;
        if (rows) rows -= rows % byte_step(c);
        k->seg_elems = rows * cols;
    } else {
        if (whole || c->layout != MOTE_LAYOUT_DENSE) return MOTE_ERR_LIMIT;
        n -= n / part + 1;
        k->seg_elems = piece_below(c, n);
    }
    return k->seg_elems ? MOTE_OK : MOTE_ERR_LIMIT;
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

void mote_book_write(mote_wr *out, const mote_book *b, uint64_t k)
{
    const float *value = b->value + k * b->entries;
    for (unsigned i = 0; i < b->entries; i++) {
        const uint32_t x = mote_scale_bits(b->entry_dtype, value[i]);
        b->entry_dtype == MOTE_F32 ? mote_wr_u32(out, x) : mote_wr_u16(out, (uint16_t)x);
    }
}

/* Tables of all groups of rows that the segment has a part of. Spec codecs.md 5.7 */
static void put_books(const mote_book *b, const mote_extent *e, mote_plane_writer *w)
{
    const uint64_t first = e->row / b->rows, n = (e->row + e->rows - 1) / b->rows - first + 1;
    mote_plane_begin(w, (size_t)n * book_bytes(b));
    for (uint64_t i = 0; i < n; i++) mote_book_write(w->out, b, first + i);
    w->parts.scales += n * book_bytes(b);
}

static void put_scales(const mote_coding *c, const mote_extent *e, mote_plane_writer *w)
{
    const mote_affine *a = c->m.affine;
    if (!a || a->scope == 0) return;
    const uint64_t group = mote_affine_columns(a, c->m.cols), per_piece = scales_of_piece(c, e->cols);
    const uint64_t at = e->row * a->per_row + e->col / group;
    const unsigned bytes = scale_bytes(a);
    mote_plane_begin(w, (size_t)(e->rows * per_piece * bytes));
    for (uint64_t r = 0; r < e->rows; r++)
        for (uint64_t i = 0; i < per_piece; i++) {
            uint32_t b = mote_scale_bits(a->scale_dtype, a->scale[at + r * a->per_row + i]);
            bytes == 4 ? mote_wr_u32(w->out, b) : mote_wr_u16(w->out, (uint16_t)b);
        }
    w->parts.scales += e->rows * per_piece * bytes;
    if (!a->zero) return;
    mote_plane_begin(w, (size_t)(e->rows * per_piece * zero_bytes(a)));
    for (uint64_t r = 0; r < e->rows; r++)
        for (uint64_t i = 0; i < per_piece; i++) {
            uint16_t z = a->zero_point[at + r * a->per_row + i];
            a->bits > 8 ? mote_wr_u16(w->out, z) : mote_wr_u8(w->out, (uint8_t)z);
        }
    w->parts.scales += e->rows * per_piece * zero_bytes(a);
}

static void put_zstd(mote_plane_writer *w, const uint8_t *p, size_t n, unsigned level)
{
    uint8_t *frame = NULL;
    size_t bytes = 0;
    mote_status st = mote_zstd_frame(&frame, &bytes, p, n, level);
    if (st != MOTE_OK) {
        if (w->out->st == MOTE_OK) w->out->st = st;
        return;
    }
    mote_plane_begin(w, bytes);
    mote_wr_bytes(w->out, frame, bytes);
    w->parts.raw += bytes;
    free(frame);
}

/* Numeric stored: elements as they are; of sub-byte types whole bytes, the last with zero bits at its end. */
static void put_elements(const mote_cutter *k, const mote_extent *e, mote_plane_writer *w, mote_work *work)
{
    const mote_matrix *m = &k->c->m;
    const unsigned bits = mote_dtype_bits(m->held);
    const size_t n = (size_t)(e->rows * e->cols), bytes = (n * bits + 7) / 8;
    const uint8_t *p;
    if (bits < 8)
        p = m->data + (e->row * m->cols + e->col) * bits / 8;
    else
        p = mote_matrix_fetch(m, e->row, e->col, (size_t)e->rows, (size_t)e->cols, &work->fetch);
    if (n * bits % 8) {
        memcpy(work->kept, p, bytes);
        work->kept[bytes - 1] &= (uint8_t)((1u << n * bits % 8) - 1);
        p = work->kept;
    }
    if (k->code[MOTE_PLANE_V].d.coder == MOTE_CODER_ZSTD) {
        put_zstd(w, p, bytes, k->zstd_level);
        return;
    }
    mote_plane_begin(w, bytes);
    mote_wr_bytes(w->out, p, bytes);
    w->parts.raw += bytes;
}

/* Drops what a sparse layout drops, piece by piece, and writes the layout's planes; returns the kept elements. */
static const void *put_layout(const mote_cutter *k, const mote_extent *e, const uint8_t *elements, mote_plane_writer *w,
                              mote_work *work, size_t *kept)
{
    const mote_coding *c = k->c;
    const size_t bytes = mote_matrix_elem_bytes(&c->m), n = (size_t)e->cols, nibbles = (n + 3) / 4;
    const size_t rows = (size_t)e->rows;
    size_t at = 0;
    for (size_t r = 0; r < rows; r++) {
        uint16_t *mask = c->layout == MOTE_LAYOUT_BITMASK ? work->mask + r * nibbles : work->mask;
        size_t some = mote_matrix_squeeze(&c->m, work->kept + at * bytes, elements + r * n * bytes, n, mask);
        if (c->layout == MOTE_LAYOUT_CSR) mote_mask_gaps(mask, n, work->gap + at);
        work->v[r] = (uint16_t)some;
        at += some;
    }
    if (c->layout == MOTE_LAYOUT_BITMASK) {
        for (size_t r = 0; r < rows; r++) work->length[r] = (uint32_t)nibbles;
        mote_plane_put(w, &k->code[MOTE_PLANE_MASK], work->mask, work->length, rows,
                       c->classes[MOTE_PLANE_MASK] ? c->classes[MOTE_PLANE_MASK] + e->row : NULL, true);
    } else {
        uint32_t one = (uint32_t)rows;
        mote_plane_put(w, &k->code[MOTE_PLANE_COUNTS], work->v, &one, 1, NULL, true);
    }
    for (size_t r = 0; r < rows; r++) work->length[r] = work->v[r];
    if (c->layout == MOTE_LAYOUT_CSR)
        mote_plane_put(w, &k->code[MOTE_PLANE_GAPS], work->gap, work->length, rows,
                       c->classes[MOTE_PLANE_GAPS] ? c->classes[MOTE_PLANE_GAPS] + e->row : NULL, true);
    *kept = at;
    return work->kept;
}

static void put_byte_plane(const mote_cutter *k, unsigned j, const void *elements, size_t n, size_t rows,
                           mote_plane_writer *w, mote_work *work)
{
    const mote_plane_code *code = &k->code[MOTE_PLANE_BYTE + j];
    const mote_num *num = &k->c->num;
    if (code->d.coder == MOTE_CODER_CONSTANT) return;
    if (code->d.coder == MOTE_CODER_STORED) {
        mote_plane_begin(w, n);
        uint8_t *to = mote_wr_room(w->out, n);
        if (to) mote_split_byte(num, elements, n, j, to);
        w->parts.raw += n;
        return;
    }
    uint8_t *plane = (uint8_t *)work->v;
    mote_split_byte(num, elements, n, j, plane);
    if (code->d.coder == MOTE_CODER_ZSTD)
        put_zstd(w, plane, n, k->zstd_level);
    else
        mote_plane_put_bytes(w, code, plane, work->length, rows);
}

void mote_segment_write(const mote_cutter *k, const mote_extent *e, mote_plane_writer *w, mote_work *work)
{
    const mote_coding *c = k->c;
    const mote_affine *a = c->m.affine;
    const size_t rows = (size_t)e->rows, n = (size_t)e->cols;
    w->left = w->more;
    for (unsigned i = 0; i < MOTE_PLANES; i++)
        if (mote_coding_has(c, i)) w->left += mote_plane_count(&k->code[i].d);
    if (a && a->scope) w->left += 1u + a->zero;
    if (a && a->book.rows) w->left++;
    if (c->num.numeric == MOTE_NUM_STORED) {
        put_elements(k, e, w, work);
        return;
    }
    const void *elements = mote_matrix_fetch(&c->m, e->row, e->col, rows, n, &work->fetch);
    size_t kept = rows * n;
    if (c->layout != MOTE_LAYOUT_DENSE)
        elements = put_layout(k, e, elements, w, work, &kept);
    else
        for (size_t r = 0; r < rows; r++) work->length[r] = (uint32_t)n;
    if (a && a->book.rows) put_books(&a->book, e, w);
    put_scales(c, e, w);
    mote_split_v(&c->num, elements, kept, work->v);
    mote_plane_put(w, &k->code[MOTE_PLANE_V], work->v, work->length, rows,
                   c->classes[MOTE_PLANE_V] ? c->classes[MOTE_PLANE_V] + e->row : NULL, false);
    for (unsigned j = 0; j < c->num.n_bytes; j++) put_byte_plane(k, j, elements, kept, rows, w, work);
}
