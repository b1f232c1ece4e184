/* SPDX-License-Identifier: Apache-2.0
 * Reading the head of a tensor. Everything that later code relies on is checked here, once. Device code. */
#include "common/head.h"

#include <string.h>

#define ELEMENTS_END ((uint64_t)1 << 48) /* exclusive, of a tensor: mote/limits.h */

/* What a plane may be coded with. Spec codecs.md 2.2 */
enum {
    MAY_CONSTANT = 1,
    MAY_RANS = 2,
    MAY_ZSTD = 4,
    MAY_CLASSES = 8,
    MAY_ESCAPE = 16,
    ROLE_VALUES = MAY_CONSTANT | MAY_RANS | MAY_CLASSES | MAY_ESCAPE, /* V and gaps */
    ROLE_MASK = MAY_RANS | MAY_CLASSES,
    ROLE_COUNTS = MAY_CONSTANT | MAY_RANS | MAY_ESCAPE,
    ROLE_BYTE = MAY_CONSTANT | MAY_RANS | MAY_ZSTD,
    ROLE_ELEMENTS = MAY_ZSTD
};

typedef struct parser {
    mote_head *h;
    mote_rd r;      /* terms */
    mote_rd tables; /* read in step with the planes that use them */
    mote_table *table;
    mote_table_spec *specs;
    size_t max_tables;
    void (*used)(void *ctx, unsigned id);
    void *ctx;
} parser;

static unsigned number(parser *q, unsigned max)
{
    return (unsigned)mote_rd_varint_max(&q->r, max, MOTE_ERR_HEAD);
}

/* An id of [first, last], of which this reader knows those up to `known`. */
static unsigned read_id(parser *q, unsigned first, unsigned known, unsigned last)
{
    unsigned id = number(q, last);
    if (id < first) mote_rd_fail(&q->r, MOTE_ERR_HEAD);
    if (id > known) mote_rd_fail(&q->r, MOTE_ERR_UNSUPPORTED);
    if (q->used && mote_rd_ok(&q->r)) q->used(q->ctx, id);
    return id;
}

static void read_table(parser *q, int32_t vmin, int32_t vmax, bool escapes, bool is_escape)
{
    mote_table_spec local, *spec = &local;
    size_t at = q->h->n_tables;
    if (!mote_rd_ok(&q->r)) return;
    if (at >= q->max_tables) {
        mote_rd_fail(&q->r, MOTE_ERR_FACTS);
        return;
    }
    if (q->specs) spec = &q->specs[at];
    mote_table_read(&q->tables, spec);
    if (is_escape && spec->lo != 0) mote_rd_fail(&q->tables, MOTE_ERR_TABLE);
    mote_status st = q->tables.st;
    if (st == MOTE_OK) st = mote_table_build(&q->table[at], spec, vmin, vmax, escapes);
    if (st != MOTE_OK) mote_rd_fail(&q->r, st);
    q->h->n_tables++;
}

static void read_plane(parser *q, mote_plane *p, unsigned role, unsigned width, int32_t vmin, int32_t vmax)
{
    unsigned coder = read_id(q, MOTE_CODER_STORED, MOTE_CODER_ZSTD, 127);
    *p = (mote_plane){ .coder = (uint8_t)coder, .width = (uint8_t)width, .vmin = vmin, .vmax = vmax, .n_classes = 1 };
    bool ok = true;
    if (coder == MOTE_CODER_STORED) return;
    if (coder == MOTE_CODER_ZSTD) {
        ok = (role & MAY_ZSTD) && q->h->term.layout == MOTE_LAYOUT_DENSE;
    } else if (coder == MOTE_CODER_CONSTANT) {
        ok = role & MAY_CONSTANT;
        p->constant = (int32_t)mote_rd_zigzag(&q->r, 1 << 17, MOTE_ERR_RANGE);
        if (p->constant < vmin || p->constant > vmax) mote_rd_fail(&q->r, MOTE_ERR_RANGE);
    } else {
        p->n_classes = (uint8_t)number(q, role & MAY_CLASSES ? MOTE_CLASSES_MAX : 1);
        if (p->n_classes > 1) {
            p->class_coder = (uint8_t)read_id(q, MOTE_CODER_STORED, MOTE_CODER_ZSTD, 127);
            ok = p->class_coder == MOTE_CODER_STORED || p->class_coder == MOTE_CODER_RANS1;
        }
        p->escapes = (uint8_t)number(q, role & MAY_ESCAPE ? 2 : 0);
        ok = ok && (role & MAY_RANS) && p->n_classes > 0;
        if (mote_plane_lanes(coder) > MOTE_LANES_MAX) mote_rd_fail(&q->r, MOTE_ERR_UNSUPPORTED);
        p->table = q->h->n_tables;
        if (!ok) mote_rd_fail(&q->r, MOTE_ERR_HEAD);
        if (p->class_coder == MOTE_CODER_RANS1) read_table(q, 0, p->n_classes - 1, false, false);
        for (unsigned i = 0; i < p->n_classes; i++) read_table(q, vmin, vmax, p->escapes != 0, false);
        if (p->escapes == 2) read_table(q, 0, MOTE_ESCAPE_MAX, true, true);
    }
    if (!ok) mote_rd_fail(&q->r, MOTE_ERR_HEAD);
}

/* V of `width` bits, then the byte planes. */
static void read_values(parser *q, mote_num *n, unsigned width, bool is_signed)
{
    int32_t span = (int32_t)1 << width, vmin = is_signed ? -(span / 2) : 0;
    read_plane(q, &n->v, ROLE_VALUES, width, vmin, vmin + span - 1);
    for (unsigned i = 0; i < n->n_bytes && mote_rd_ok(&q->r); i++) read_plane(q, &n->byte[i], ROLE_BYTE, 8, 0, 255);
}

/* Spec codecs.md 5.2. kinds: k in the upper half, byte planes in the lower */
bool mote_float_split(unsigned dtype, uint8_t *k, uint8_t *n_bytes, uint8_t *width)
{
    static const uint8_t kinds[MOTE_F8_E5M2FNUZ - MOTE_F16 + 1] = {
        [MOTE_F16 - MOTE_F16] = 3 << 4 | 1,     [MOTE_BF16 - MOTE_F16] = 0 << 4 | 1,
        [MOTE_F32 - MOTE_F16] = 0 << 4 | 3,     [MOTE_F64 - MOTE_F16] = 5 << 4 | 6,
        [MOTE_F8_E4M3 - MOTE_F16] = 4 << 4,     [MOTE_F8_E5M2 - MOTE_F16] = 3 << 4,
        [MOTE_F8_E4M3FNUZ - MOTE_F16] = 4 << 4, [MOTE_F8_E5M2FNUZ - MOTE_F16] = 3 << 4,
    };
    if (dtype < MOTE_F16 || dtype > MOTE_F8_E5M2FNUZ) return false;
    *k = kinds[dtype - MOTE_F16] >> 4;
    *n_bytes = kinds[dtype - MOTE_F16] & 15;
    *width = dtype == MOTE_F64 ? 16 : 8;
    return true;
}

bool mote_float_holds(unsigned held, unsigned dtype)
{
    bool half = held == MOTE_F16 || held == MOTE_BF16;
    return held == dtype || (half && (dtype == MOTE_F32 || dtype == MOTE_F64)) ||
           (held == MOTE_F32 && dtype == MOTE_F64);
}

static void read_float(parser *q, mote_num *n, unsigned dtype, bool factor)
{
    uint8_t width = 0;
    unsigned held = number(q, MOTE_C128);
    bool ok = mote_float_split(held, &n->k, &n->n_bytes, &width);
    /* the factors of lowrank are binary32, whatever the entry is */
    if (!ok || !mote_float_holds(held, factor ? MOTE_F32 : dtype)) mote_rd_fail(&q->r, MOTE_ERR_HEAD);
    n->dtype = (uint8_t)held;
    read_values(q, n, width ? width : 8, false);
}

static void read_integer(parser *q, mote_num *n, unsigned dtype)
{
    unsigned bits = mote_dtype_bits(dtype);
    n->n_bytes = (uint8_t)number(q, MOTE_BYTE_PLANES_MAX);
    unsigned width = bits - 8u * n->n_bytes; /* wraps if there are too many */
    bool is_float = dtype >= MOTE_F16 && dtype <= MOTE_F8_E5M2FNUZ;
    bool is_signed =
        dtype == MOTE_I8 || dtype == MOTE_I16 || dtype == MOTE_I32 || dtype == MOTE_I64 || dtype == MOTE_I4;
    if (is_float || dtype > MOTE_I4 || width < 1 || width > 16) {
        mote_rd_fail(&q->r, MOTE_ERR_HEAD);
        width = 8;
    }
    read_values(q, n, width, is_signed);
}

bool mote_scale_ok(uint32_t scale, unsigned dtype)
{
    uint32_t infinite = dtype == MOTE_F32 ? 0x7F800000 : dtype == MOTE_F16 ? 0x7C00 : 0x7F80;
    return scale > 0 && scale < infinite;
}

static void read_affine(parser *q, mote_num *n, unsigned dtype)
{
    n->bits = (uint8_t)number(q, 16);
    n->zero = (uint8_t)number(q, 1);
    n->scope = (uint8_t)number(q, 2);
    if (n->scope == 2) n->group = (uint32_t)mote_rd_varint_max(&q->r, (uint64_t)1 << 31, MOTE_ERR_HEAD);
    n->scale_dtype = (uint8_t)number(q, MOTE_C128);
    if (n->bits == 0 || (n->bits > 8 && n->bits != 16) || (n->scope == 2 && n->group == 0) ||
        n->scale_dtype < MOTE_F16 || n->scale_dtype > MOTE_F32 || dtype < MOTE_F16 || dtype > MOTE_F64)
        mote_rd_fail(&q->r, MOTE_ERR_HEAD);
    if (n->scope == 0) {
        n->scale = n->scale_dtype == MOTE_F32 ? mote_rd_u32(&q->r) : mote_rd_u16(&q->r);
        if (!mote_scale_ok(n->scale, n->scale_dtype)) mote_rd_fail(&q->r, MOTE_ERR_SCALE);
        if (n->zero) n->zero_point = (uint16_t)mote_rd_varint_max(&q->r, (1u << n->bits) - 1, MOTE_ERR_SCALE);
    }
    n->n_bytes = n->bits == 16;
    read_values(q, n, n->bits < 8 ? n->bits : 8, !n->zero);
}

static void read_numeric(parser *q, mote_num *n, bool factor)
{
    unsigned dtype = q->h->dtype;
    n->numeric = (uint8_t)read_id(q, MOTE_NUM_STORED, MOTE_NUM_AFFINE, 95);
    n->dtype = factor ? MOTE_F32 : (uint8_t)dtype;
    if (factor && n->numeric != MOTE_NUM_FLOAT && n->numeric != MOTE_NUM_AFFINE) mote_rd_fail(&q->r, MOTE_ERR_HEAD);
    if (!mote_rd_ok(&q->r)) return;
    if (n->numeric == MOTE_NUM_STORED)
        read_plane(q, &n->v, ROLE_ELEMENTS, mote_dtype_bits(dtype), 0, INT32_MAX);
    else if (n->numeric == MOTE_NUM_FLOAT)
        read_float(q, n, dtype, factor);
    else if (n->numeric == MOTE_NUM_INT)
        read_integer(q, n, dtype);
    else
        read_affine(q, n, dtype);
}

static unsigned bit_length(uint32_t x)
{
    unsigned n = 0;
    for (; x; x >>= 1) n++;
    return n;
}

/* Spec codecs.md 2.1, 6. Gives the number of residents. */
static uint64_t read_term(parser *q)
{
    mote_head *h = q->h;
    mote_term *t = &h->term;
    uint64_t piece = h->seg_elems < h->cols ? h->seg_elems : h->cols, residents = 0;
    t->layout = (uint8_t)read_id(q, MOTE_LAYOUT_DENSE, MOTE_LAYOUT_LOWRANK, 31);
    if (t->layout != MOTE_LAYOUT_DENSE && mote_dtype_bits(h->dtype) < 8) mote_rd_fail(&q->r, MOTE_ERR_HEAD);
    if (t->layout == MOTE_LAYOUT_BITMASK || t->layout == MOTE_LAYOUT_CSR) {
        if (piece > MOTE_PIECE_SPARSE_MAX) {
            mote_rd_fail(&q->r, MOTE_ERR_HEAD);
            return 0;
        }
        int32_t n = (int32_t)piece;
        if (t->layout == MOTE_LAYOUT_BITMASK) {
            read_plane(q, &t->mask, ROLE_MASK, 4, 0, 15);
        } else {
            unsigned gap_bits = bit_length((uint32_t)n - 1);
            read_plane(q, &t->counts, ROLE_COUNTS, bit_length((uint32_t)n), 0, n);
            read_plane(q, &t->gaps, ROLE_VALUES, gap_bits ? gap_bits : 1, 0, n - 1);
        }
    } else if (t->layout == MOTE_LAYOUT_LOWRANK) {
        uint64_t least = h->rows < h->cols ? h->rows : h->cols;
        t->rank = (uint32_t)mote_rd_varint_max(&q->r, least < UINT32_MAX ? least : UINT32_MAX, MOTE_ERR_HEAD);
        t->rows_per_record = (uint32_t)mote_rd_varint_max(&q->r, t->rank, MOTE_ERR_HEAD);
        if (t->rows_per_record == 0 || h->seg_elems < h->cols || h->dtype < MOTE_F16 || h->dtype > MOTE_F32)
            mote_rd_fail(&q->r, MOTE_ERR_HEAD);
        if (!mote_rd_ok(&q->r)) return 0;
        residents = (t->rank - 1) / t->rows_per_record + 1;
        read_numeric(q, &t->v, true);
    }
    read_numeric(q, &t->num, t->layout == MOTE_LAYOUT_LOWRANK);
    return residents;
}

/* a * b == e, for a, b <= 2^48 and e < 2^48 */
static bool product_is(uint64_t a, uint64_t b, uint64_t e)
{
    uint64_t big = a > b ? a : b, small = a > b ? b : a;
    if (small >> 32) return false;
    uint64_t low = (big & UINT32_MAX) * small, high = (big >> 32) * small;
    if (low >> 48 || high >> 16) return false; /* e could not hold either */
    return low + (high << 32) == e;
}

/* Spec codecs.md 1.1 */
static mote_status read_grid(mote_head *h, mote_rd *r, uint64_t elements)
{
    h->rows = mote_rd_varint_max(r, ELEMENTS_END, MOTE_ERR_SHAPE);
    h->cols = mote_rd_varint_max(r, ELEMENTS_END, MOTE_ERR_SHAPE);
    h->seg_elems = mote_rd_varint_max(r, elements, MOTE_ERR_SHAPE);
    mote_status st = mote_rd_end(r);
    if (st != MOTE_OK) return st;
    if (elements == 0 || h->seg_elems == 0 || !product_is(h->rows, h->cols, elements)) return MOTE_ERR_SHAPE;
    if (h->seg_elems >= h->cols) {
        h->seg_rows = h->seg_elems / h->cols;
        if (h->seg_rows * h->cols != h->seg_elems) return MOTE_ERR_SHAPE;
        h->n_segments = (h->rows - 1) / h->seg_rows + 1;
    } else {
        h->row_segs = (h->cols - 1) / h->seg_elems + 1;
        h->n_segments = h->row_segs * h->rows;
    }
    return MOTE_OK;
}

static bool begins_at_bytes(const mote_head *h)
{
    unsigned bits = mote_dtype_bits(h->dtype);
    if (bits >= 8) return true;
    if (h->axis) return false;
    return h->n_segments == 1 || ((h->seg_elems * bits) % 8 == 0 && (h->seg_rows || (h->cols * bits) % 8 == 0));
}

/* Spec codecs.md 2 */
mote_status mote_head_read(mote_head *h, mote_table *tables, mote_table_spec *specs, size_t max_tables, mote_rd r,
                           unsigned dtype, uint64_t elements, void (*used)(void *ctx, unsigned id), void *ctx)
{
    enum { GRID = 1, TERMS, TABLES, RESIDENT, AXIS, FIELDS };
    mote_rd field[FIELDS];
    for (unsigned i = 0; i < FIELDS; i++) field[i] = (mote_rd){ .st = MOTE_ERR_MISSING };
    for (mote_tlv f = { 0 }; mote_tlv_next(&r, &f);) {
        if (f.tag % 2 == 0 && f.tag / 2 < FIELDS)
            field[f.tag / 2] = f.value;
        else
            mote_tlv_unknown(&r, &f);
    }
    mote_status st = mote_rd_end(&r);
    if (st != MOTE_OK) return st;

    memset(h, 0, sizeof *h);
    h->dtype = (uint8_t)dtype;
    st = read_grid(h, &field[GRID], elements);
    if (st != MOTE_OK) return st;
    if (field[AXIS].st == MOTE_OK) {
        h->axis = (uint8_t)mote_rd_varint_max(&field[AXIS], 1, MOTE_ERR_VALUE);
        st = mote_rd_end(&field[AXIS]);
        if (st != MOTE_OK) return st;
        if (h->axis != 1) return MOTE_ERR_VALUE;
    }
    if (!begins_at_bytes(h)) return MOTE_ERR_HEAD;

    parser q = { .h = h,
                 .r = field[TERMS],
                 .tables = field[TABLES],
                 .table = tables,
                 .specs = specs,
                 .max_tables = max_tables,
                 .used = used,
                 .ctx = ctx };
    uint64_t residents = read_term(&q);
    if (mote_rd_ok(&q.r) && mote_rd_left(&q.r) > 0) {
        read_term(&q); /* a sum of terms: two are registered, but not for this reader */
        mote_rd_fail(&q.r, mote_rd_left(&q.r) > 0 ? MOTE_ERR_LIMIT : MOTE_ERR_UNSUPPORTED);
    }
    if (!mote_rd_ok(&q.r)) return q.r.st;
    if (field[TABLES].st == MOTE_OK) {
        st = h->n_tables ? mote_rd_end(&q.tables) : MOTE_ERR_TRAILING;
        if (st != MOTE_OK) return st;
    }
    if (field[RESIDENT].st == MOTE_OK) {
        h->n_residents = (uint32_t)mote_rd_varint_max(&field[RESIDENT], UINT32_MAX, MOTE_ERR_HEAD);
        st = mote_rd_end(&field[RESIDENT]);
        if (st != MOTE_OK) return st;
        if (h->n_residents == 0) return MOTE_ERR_HEAD;
    }
    return h->n_residents == residents ? MOTE_OK : MOTE_ERR_HEAD;
}

mote_extent mote_head_extent(const mote_head *h, uint64_t s)
{
    if (h->seg_rows) {
        uint64_t row = s * h->seg_rows, left = h->rows - row;
        return (mote_extent){ .row = row, .rows = left < h->seg_rows ? left : h->seg_rows, .cols = h->cols };
    }
    uint64_t row = s / h->row_segs, col = (s - row * h->row_segs) * h->seg_elems, left = h->cols - col;
    return (mote_extent){ .row = row, .col = col, .rows = 1, .cols = left < h->seg_elems ? left : h->seg_elems };
}

mote_extent mote_head_resident(const mote_head *h, uint32_t r)
{
    const mote_term *t = &h->term;
    uint32_t row = r * t->rows_per_record, left = t->rank - row;
    return (mote_extent){ .row = row, .rows = left < t->rows_per_record ? left : t->rows_per_record, .cols = h->cols };
}

uint64_t mote_head_seg_max(const mote_head *h)
{
    return mote_head_extent(h, 0).rows * mote_head_extent(h, 0).cols;
}
