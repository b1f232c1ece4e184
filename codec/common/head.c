/* SPDX-License-Identifier: Apache-2.0
 * Reading the head of a tensor. Everything that later code relies on is checked here, once. Device code. */
#include "common/head.h"

#include <string.h>

#include "base/apart.h"
#include "base/fields.h"
#include "common/head_parser.h"

typedef mote_head_parser parser;

unsigned mote_head_number(parser *q, unsigned max)
{
    return (unsigned)mote_rd_varint_max(&q->r, max, MOTE_ERR_HEAD);
}

size_t mote_head_positive_by(mote_rd *r, size_t max, unsigned below)
{
    size_t n = mote_rd_varint_by(r, max, below);
    if (n == 0) mote_rd_fail_by(r, below);
    return n;
}

void mote_head_refuse(parser *q)
{
    mote_rd_fail(&q->r, MOTE_ERR_HEAD);
}

MOTE_APART static void note(parser *q, unsigned id)
{
    if (q->used && mote_rd_ok(&q->r)) q->used(q->ctx, id);
}

/* An id of [first, last], of which this reader knows those up to `known`. */
static unsigned read_id(parser *q, unsigned first, unsigned known, unsigned last)
{
    unsigned id = mote_head_number(q, last);
    if (id < first) mote_head_refuse(q);
    if (id > known) mote_rd_fail(&q->r, MOTE_ERR_UNSUPPORTED);
    note(q, id);
    return id;
}

/* What has an id of its own beside those of layouts, numerics and coders. Spec registry.md 3.4 */
MOTE_APART static void feature(parser *q, unsigned id)
{
    note(q, id);
    if (MOTE_NANO) mote_rd_fail(&q->r, MOTE_ERR_UNSUPPORTED);
}

static unsigned read_coder(parser *q)
{
    const unsigned id = read_id(q, MOTE_CODER_STORED, MOTE_CODER_ADAPTIVE1, 111);
    if (MOTE_NANO && id > MOTE_CODER_RANS1) mote_rd_fail(&q->r, MOTE_ERR_UNSUPPORTED); /* its use has been told */
    return id;
}

static void read_table(parser *q, int32_t vmin, int32_t vmax, bool escapes)
{
    mote_table_spec local, *spec = &local;
    size_t at = q->h->n_tables;
    if (!mote_rd_ok(&q->r)) return;
    mote_status st = MOTE_ERR_FACTS;
    if (at < q->max_tables) {
        if (q->specs) spec = &q->specs[at];
        mote_table_read(&q->tables, spec);
        st = q->tables.st;
        if (st == MOTE_OK && vmax == MOTE_ESCAPE_MAX && spec->lo != 0) st = MOTE_ERR_TABLE;
        if (st == MOTE_OK) st = mote_table_build(&q->table[at], spec, vmin, vmax, escapes);
        q->h->n_tables++;
    }
    if (st != MOTE_OK) mote_rd_fail(&q->r, st);
}

static void read_pairs(parser *q, bool escapes)
{
    mote_head *h = q->h;
    mote_trellis_head *t = &h->trellis;
    if (!mote_rd_ok(&q->r)) return;
    t->first = h->n_tables;
    mote_trellis_read_pairs(t, &q->tables, q->table + h->n_tables, q->max_tables - h->n_tables, escapes);
    if (q->tables.st != MOTE_OK) mote_rd_fail(&q->r, q->tables.st);
    h->n_tables = (uint16_t)(h->n_tables + t->slot[t->n_pairs]);
}

static unsigned bit_length(uint32_t x)
{
    unsigned n = 1;
    while (x >>= 1) n++;
    return n;
}

void mote_head_plane(parser *q, mote_plane *p, unsigned role, int32_t span)
{
    const unsigned coder = read_coder(q);
    p->coder = (uint8_t)coder;
    p->n_classes = 1;
    p->width = (uint8_t)bit_length((uint32_t)span);
    if (role & IS_SIGNED) p->vmin = -(span / 2) - 1;
    p->vmax = p->vmin + span;
    if (coder == MOTE_CODER_STORED) {
        if (role & IS_PAIRS) mote_head_refuse(q);
        return;
    }
    if (!MOTE_NANO && coder == MOTE_CODER_ZSTD) {
        if (!(role & MAY_ZSTD) || q->h->term.layout != MOTE_LAYOUT_DENSE) mote_head_refuse(q);
        return;
    }
    const bool adapts = mote_plane_adapts(coder);
    if (!(role & (coder == MOTE_CODER_CONSTANT ? MAY_CONSTANT : adapts ? IS_PAIRS : MAY_RANS))) mote_head_refuse(q);
    if (coder == MOTE_CODER_CONSTANT) {
        p->constant = mote_rd_zigzag(&q->r, 1 << 17, MOTE_ERR_RANGE);
        if (p->constant < p->vmin || p->constant > p->vmax) mote_rd_fail(&q->r, MOTE_ERR_RANGE);
        return;
    }
    if (mote_plane_lanes(coder) > MOTE_LANES_MAX) mote_rd_fail(&q->r, MOTE_ERR_UNSUPPORTED);
    const unsigned n = (unsigned)mote_head_positive(&q->r, role & MAY_CLASSES ? MOTE_CLASSES_MAX : 1, MOTE_ERR_HEAD);
    p->n_classes = (uint8_t)n;
    p->table = q->h->n_tables;
    if (n > 1) {
        p->class_coder = (uint8_t)read_coder(q);
        if (p->class_coder == MOTE_CODER_RANS1)
            read_table(q, 0, (int32_t)n - 1, false);
        else if (p->class_coder != MOTE_CODER_STORED)
            mote_head_refuse(q);
    }
    p->escapes = (uint8_t)mote_head_number(q, role & MAY_ESCAPE ? 2 : 0);
    if (role & IS_PAIRS) {
        read_pairs(q, p->escapes != 0);
        const mote_trellis_head *t = &q->h->trellis;
        if (adapts && t->slot[t->n_pairs] != t->n_pairs * t->tables) mote_head_refuse(q); /* 32 symbols */
    } else {
        for (unsigned i = 0; i < n; i++) read_table(q, p->vmin, p->vmax, p->escapes != 0);
    }
    p->escape = q->h->n_tables;
    if (p->escapes == 2) read_table(q, 0, MOTE_ESCAPE_MAX, true);
}

/* Spec codecs.md 5.2. kinds: k in the upper half, byte planes in the lower */
bool mote_float_split(unsigned dtype, uint8_t *k, uint8_t *n_bytes, uint8_t *width)
{
    static const uint8_t kinds[] = {
        3 << 4 | 1, 1,      3,      5 << 4 | 6, /* f16, bf16, f32, f64 */
        4 << 4,     3 << 4, 4 << 4, 3 << 4      /* f8: e4m3, e5m2, and both once more */
    };
    const unsigned i = dtype - MOTE_F16;
    if (i >= sizeof kinds) return false;
    *k = kinds[i] >> 4;
    *n_bytes = kinds[i] & 15;
    *width = dtype == MOTE_F64 ? 16 : 8;
    return true;
}

bool mote_float_holds(unsigned held, unsigned dtype)
{
    return held == dtype || ((dtype == MOTE_F32 || dtype == MOTE_F64) && held >= MOTE_F16 && held < dtype);
}

/* Bits of V of a numeric that loses nothing; IS_SIGNED with it. */
static unsigned read_exact(parser *q, mote_num *n, unsigned dtype)
{
    uint8_t width = 0;
    const unsigned held = mote_head_number(q, 31); /* integer: byte planes, and the flags of 5.6 */
    if (n->numeric == MOTE_NUM_FLOAT) {
        n->dtype = (uint8_t)held;
        if (!mote_float_split(held, &n->k, &n->n_bytes, &width) || !mote_float_holds(held, dtype)) mote_head_refuse(q);
        return width;
    }
    const unsigned n_bytes = held & 7, bits = mote_dtype_bits(dtype) - 8 * n_bytes;
    const uint32_t floats = 0xFFu << MOTE_F16,
                   is_signed = 1u << MOTE_I8 | 1u << MOTE_I16 | 1u << MOTE_I32 | 1u << MOTE_I64 | 1u << MOTE_I4;
    if (held > 31 || bits - 1 >= 16 || (floats >> dtype & 1) || dtype > MOTE_I4) mote_head_refuse(q);
    n->n_bytes = (uint8_t)n_bytes;
    n->fold = held >> 3 & 1; /* with byte planes it is refused */
    n->shifted = (uint8_t)(held >> 4);
    if (held >> 3) feature(q, MOTE_FEATURE_FOLDED);
    if (!MOTE_NANO && n->shifted) {
        n->background = (uint8_t)mote_head_number(q, 255);
        if (bits != 8 || n_bytes) mote_head_refuse(q);
        return bits | IS_SIGNED;
    }
    return bits | ((is_signed >> dtype & 1) ? IS_SIGNED : 0);
}

bool mote_scale_ok(uint32_t scale, unsigned dtype)
{
    const uint32_t infinite = dtype == MOTE_F32 ? 0x7F800000 : dtype == MOTE_F16 ? 0x7C00 : 0x7F80;
    return scale - 1 < infinite - 1;
}

void mote_head_scales(parser *q, mote_num *n, unsigned dtype)
{
    n->scope = (uint8_t)mote_head_number(q, 2);
    if (n->scope == 2) {
        feature(q, MOTE_FEATURE_GROUPS);
        n->group = (uint32_t)mote_head_positive(&q->r, (size_t)1 << 31, MOTE_ERR_HEAD);
    }
    n->scale_dtype = (uint8_t)mote_head_number(q, MOTE_F32);
    if (n->scale_dtype < MOTE_F16 || dtype - MOTE_F16 > MOTE_F64 - MOTE_F16) mote_head_refuse(q);
    if (n->scope) return;
    n->scale = mote_rd_le(&q->r, n->scale_dtype == MOTE_F32 ? 4 : 2);
    if (!mote_scale_ok(n->scale, n->scale_dtype)) mote_rd_fail(&q->r, MOTE_ERR_SCALE);
}

static unsigned read_affine(parser *q, mote_num *n, unsigned dtype)
{
    const unsigned bits = mote_head_number(q, 16);
    n->bits = (uint8_t)bits;
    const unsigned zero = mote_head_number(q, 2);
    n->zero = zero & 1;
    n->fold = (uint8_t)(zero >> 1);
    if (!(0x101FEu >> bits & 1)) mote_head_refuse(q);
    if (zero == 1) feature(q, MOTE_FEATURE_ZEROS);
    if (zero == 2) feature(q, MOTE_FEATURE_FOLDED);
    if (bits == 16) feature(q, MOTE_FEATURE_BITS_16);
    mote_head_scales(q, n, dtype);
    if (n->scope == 0 && MOTE_ZEROS(n))
        n->zero_point = (uint16_t)mote_rd_varint_max(&q->r, (1u << bits) - 1, MOTE_ERR_SCALE);
    n->n_bytes = bits == 16;
    return (bits < 8 ? bits : 8) | (MOTE_ZEROS(n) ? 0 : IS_SIGNED);
}

/* Spec codecs.md 8 */
static void read_trellis(parser *q, mote_num *n)
{
    mote_head *h = q->h;
    mote_trellis_head *t = &h->trellis;
    const unsigned form = mote_trellis_read(t, &q->r);
    if (form >> 4 == MOTE_TRELLIS_OWN) feature(q, MOTE_FEATURE_STATES);
    n->scope = form >> 2 & 1;
    n->scale_dtype = MOTE_F16;
    if (h->term.layout != MOTE_LAYOUT_DENSE || (unsigned)h->dtype - MOTE_F16 > MOTE_F64 - MOTE_F16) mote_head_refuse(q);
    if (form & 8) {
        t->column_coder = (uint8_t)read_coder(q);
        t->column_table = (uint8_t)h->n_tables;
        if (h->seg_rows == 0 || h->cols > MOTE_PIECE_SPARSE_MAX) mote_head_refuse(q);
        if (t->column_coder == MOTE_CODER_RANS1)
            read_table(q, 0, MOTE_COLUMN_CLASSES - 1, false);
        else if (t->column_coder != MOTE_CODER_STORED)
            mote_head_refuse(q);
    }
    mote_head_plane(q, &n->v, ROLE_LEVELS, 1);
}

/* factor: of lowrank, binary32 whatever the entry is */
static void read_numeric(parser *q, mote_num *n, bool factor)
{
    const unsigned dtype = factor ? MOTE_F32 : q->h->dtype;
    n->numeric = (uint8_t)read_id(q, MOTE_NUM_STORED, MOTE_NUM_CODEBOOK, 95);
    if (MOTE_NANO && n->numeric > MOTE_NUM_TRELLIS) mote_rd_fail(&q->r, MOTE_ERR_UNSUPPORTED);
    n->dtype = (uint8_t)dtype;
    if (factor && n->numeric != MOTE_NUM_FLOAT && n->numeric != MOTE_NUM_AFFINE) mote_head_refuse(q);
    if (!mote_rd_ok(&q->r)) return;
    if (n->numeric == MOTE_NUM_TRELLIS) {
        read_trellis(q, n);
        return;
    }
    if (n->numeric == MOTE_NUM_STORED) {
        mote_head_plane(q, &n->v, ROLE_ELEMENTS, INT32_MAX);
        n->v.width = (uint8_t)mote_dtype_bits(dtype);
        return;
    }
    if (!MOTE_NANO && n->numeric == MOTE_NUM_CODEBOOK) {
        mote_head_codebook(q, n, dtype);
        return;
    }
    unsigned w = n->numeric == MOTE_NUM_AFFINE ? read_affine(q, n, dtype) : read_exact(q, n, dtype);
    if (!MOTE_NANO && n->fold) { /* one value less, and none below 0; unsigned V and V of one bit are never folded */
        if (w < (IS_SIGNED | 2) || n->n_bytes) {
            mote_head_refuse(q);
            return;
        }
        w -= IS_SIGNED;
    }
    if (!mote_rd_ok(&q->r)) return;
    mote_head_plane(q, &n->v, ROLE_VALUES | (w & IS_SIGNED),
                    (1 << (w & ~(unsigned)IS_SIGNED)) - 1 - (MOTE_NANO ? 0 : n->fold));
    for (unsigned i = 0; i < n->n_bytes; i++) mote_head_plane(q, &n->byte[i], ROLE_BYTE, 255);
}

/* Spec codecs.md 2.1, 6. Gives the number of residents. */
static uint32_t read_term(parser *q, mote_term *t)
{
    mote_head *h = q->h;
    const unsigned layout = read_id(q, MOTE_LAYOUT_DENSE, MOTE_LAYOUT_LOWRANK, 31), dtype = h->dtype;
    uint32_t residents = 0;
    t->layout = (uint8_t)layout;
    if (layout != MOTE_LAYOUT_DENSE && MOTE_PACKED(mote_dtype_bits(dtype))) mote_head_refuse(q);
    if (layout == MOTE_LAYOUT_BITMASK || layout == MOTE_LAYOUT_CSR) {
        const size_t piece = h->seg_elems < h->cols ? h->seg_elems : h->cols;
        if (piece > MOTE_PIECE_SPARSE_MAX) mote_head_refuse(q);
        if (layout == MOTE_LAYOUT_BITMASK) {
            mote_head_plane(q, &t->mask, ROLE_MASK, 15);
        } else if (mote_rd_ok(&q->r)) {
            mote_head_plane(q, &t->counts, ROLE_COUNTS, (int32_t)piece);
            mote_head_plane(q, &t->gaps, ROLE_VALUES, (int32_t)piece - 1);
        }
    } else if (layout == MOTE_LAYOUT_LOWRANK) {
        t->rank =
            (uint32_t)mote_head_positive(&q->r, h->rows < h->cols ? h->rows : h->cols, MOTE_ERR_HEAD); /* < 2^24 */
        t->rows_per_record = (uint32_t)mote_head_positive(&q->r, t->rank, MOTE_ERR_HEAD);
        if (h->seg_rows == 0 || dtype - MOTE_F16 > MOTE_F32 - MOTE_F16) mote_head_refuse(q);
        if (t->rows_per_record == 0) return 0; /* there was a failure */
        residents = (t->rank - 1) / t->rows_per_record + 1;
        read_numeric(q, &t->v, true);
    }
    read_numeric(q, &t->num, layout == MOTE_LAYOUT_LOWRANK);
    return residents;
}

/* Spec codecs.md 6.5 */
static void read_second(parser *q)
{
    note(q, MOTE_LAYOUT_SUM); /* also where it is not supported: what the needs do not state comes first */
#if MOTE_SUMS
    mote_head *h = q->h;
    mote_term *t = &h->second;
    (void)read_term(q, t);
    if (mote_rd_left(&q->r) > 0) mote_rd_fail(&q->r, MOTE_ERR_LIMIT);
    const unsigned numeric = t->num.numeric;
    if (h->term.layout != MOTE_LAYOUT_LOWRANK || t->layout == MOTE_LAYOUT_LOWRANK || h->dtype != MOTE_F32 ||
        (numeric != MOTE_NUM_FLOAT && numeric != MOTE_NUM_AFFINE && numeric != MOTE_NUM_CODEBOOK))
        mote_head_refuse(q);
#else
    mote_rd_fail(&q->r, MOTE_ERR_UNSUPPORTED);
#endif
}

/* Spec codecs.md 1.1 */
static bool read_grid(mote_head *h, mote_rd *r, size_t n)
{
    const size_t rows = mote_head_positive(r, n, MOTE_ERR_SHAPE), cols = mote_head_positive(r, n, MOTE_ERR_SHAPE),
                 seg = mote_head_positive(r, n, MOTE_ERR_SHAPE);
    if (cols == 0 || seg == 0 || n / cols != rows || n % cols != 0) return false; /* after a failure all are 0 */
    h->rows = rows;
    h->cols = cols;
    h->seg_elems = seg;
    if (seg < cols) {
        h->row_segs = (cols - 1) / seg + 1;
        h->n_segments = h->row_segs * rows;
        return true;
    }
    h->seg_rows = seg / cols;
    h->n_segments = (rows - 1) / h->seg_rows + 1;
    return seg % cols == 0;
}

/* Segments of elements with less than 8 bits begin at whole bytes. */
static bool begins_at_bytes(const mote_head *h, size_t bits)
{
    if (h->axis) return false;
    return h->n_segments == 1 || ((h->seg_elems * bits) % 8 == 0 && (h->seg_rows || (h->cols * bits) % 8 == 0));
}

/* Spec codecs.md 2 */
mote_status mote_head_read(mote_head *h, mote_table *tables, mote_table_spec *specs, size_t max_tables, mote_rd r,
                           unsigned dtype, size_t elements, void (*used)(void *ctx, unsigned id), void *ctx)
{
    enum { GRID = 1, TERMS, TABLES, RESIDENT, AXIS, COLUMNS, FIELDS };
    mote_rd f[FIELDS];
    mote_status st = mote_fields_find(f, FIELDS, 1 << 2 | 1 << 4 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 12, &r);
    if (st == MOTE_OK && elements > SIZE_MAX / 32) st = MOTE_ERR_MEMORY;
    if (st != MOTE_OK) return st;

    memset(h, 0, sizeof *h);
    h->dtype = (uint8_t)dtype;
    if (!read_grid(h, &f[GRID], elements)) mote_rd_fail(&f[GRID], MOTE_ERR_SHAPE);
    h->n_residents = (uint32_t)mote_head_positive(&f[RESIDENT], UINT32_MAX, MOTE_ERR_HEAD);
    h->axis = (uint8_t)mote_head_positive(&f[AXIS], 1, MOTE_ERR_VALUE);
    if (f[GRID].st != MOTE_OK) return f[GRID].st;

    parser q = { .h = h,
                 .r = f[TERMS],
                 .tables = f[TABLES],
                 .table = tables,
                 .specs = specs,
                 .max_tables = max_tables,
                 .used = used,
                 .ctx = ctx };
    const unsigned bits = mote_dtype_bits(dtype);
    if (bits < 8) feature(&q, MOTE_FEATURE_PACKED);
    if (MOTE_PACKED(bits) && !begins_at_bytes(h, bits)) mote_head_refuse(&q);
    const uint32_t residents = read_term(&q, &h->term);
    if (mote_rd_left(&q.r) > 0) read_second(&q);
    if (h->n_residents != residents) mote_head_refuse(&q);
    f[TERMS] = q.r;
    f[TABLES] = q.tables;
    uint32_t required = 1 << GRID | 1 << TERMS;
    if (h->trellis.column_coder) {
        h->trellis.columns = f[COLUMNS];
        f[COLUMNS].p = f[COLUMNS].end;
        required |= 1 << COLUMNS;
    } else {
        mote_rd_fail(&f[COLUMNS], MOTE_ERR_TRAILING); /* not even empty */
    }
    if (h->n_tables == 0) mote_rd_fail(&f[TABLES], MOTE_ERR_TRAILING); /* as well */
    return mote_fields_end(f, FIELDS, required);
}

mote_extent mote_head_extent(const mote_head *h, size_t s)
{
    mote_extent e = { .row = s, .rows = 1, .cols = h->cols };
    if (h->seg_rows) {
        e.row *= h->seg_rows;
        e.rows = h->rows - e.row;
        if (e.rows > h->seg_rows) e.rows = h->seg_rows;
    } else {
        e.col = e.row % h->row_segs * h->seg_elems;
        e.row /= h->row_segs;
        e.cols -= e.col;
        if (e.cols > h->seg_elems) e.cols = h->seg_elems;
    }
    return e;
}

mote_extent mote_head_resident(const mote_head *h, uint32_t r)
{
    const uint32_t rows = h->term.rows_per_record, row = r * rows, left = h->term.rank - row;
    return (mote_extent){ .row = row, .rows = left < rows ? left : rows, .cols = h->cols };
}

size_t mote_head_seg_max(const mote_head *h)
{
    return h->seg_elems; /* never more than there are */
}
