/* SPDX-License-Identifier: Apache-2.0
 * Decoding of a segment: layouts over numbers, piece by piece. Device code. */
#include "dec/seg.h"

#include <string.h>

#include "base/le.h"
#include "dec/numbers.h"
#include "dec/planes.h"

void mote_seg_prepare(const mote_seg_env *env)
{
    const mote_kern *kern = env->kern;
    if (!kern->table_bytes) return;
    for (size_t i = 0; i < env->head->n_tables; i++)
        kern->prepare((uint8_t *)env->prepared + i * kern->table_bytes, &env->tables[i]);
}

static void wipe(const mote_dest *d, size_t rows, size_t cols, unsigned bits)
{
    const size_t size = bits / 8;
    if (bits < 8) {
        memset(d->p, 0, (rows * cols * bits + 7) / 8);
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        if (d->elem == size)
            memset(d->p + r * d->row, 0, cols * size);
        else
            for (size_t c = 0; c < cols; c++) memset(d->p + r * d->row + c * d->elem, 0, size);
    }
}

/* --- pieces --- */

static bool dense_piece(mote_seg *w)
{
    for (size_t c = 0, m; c < w->cols; c += m) {
        m = w->cols - c < w->block ? w->cols - c : w->block;
        if (!mote_numbers_put(w, m, NULL, c)) return false;
    }
    return true;
}

/* Kept elements of one piece, w->col[0..n). */
static bool put_kept(mote_seg *w, size_t n)
{
    if (n == 0) return true;
    size_t at = w->kept;
    w->kept += n;
    if (w->mask)
        for (size_t i = 0; i < n; i++) w->mask[w->col[i] / 8] |= (uint8_t)(1u << w->col[i] % 8);
    if (w->col_out) memcpy(w->col_out + at, w->col, n * sizeof *w->col);
    return mote_numbers_put(w, n, w->mask || w->col_out ? NULL : w->col, at);
}

/* Spec codecs.md 6.2 */
static bool bitmask_piece(mote_seg *w)
{
    const mote_plane *p = &w->env->head->term.mask;
    size_t n = 0;
    if (!mote_plane_piece(w, &w->lay[0], p)) return false;
    for (size_t base = 0, m; base < w->cols; base += 4 * m) {
        m = (w->cols - base + 3) / 4;
        if (m > sizeof w->few / sizeof *w->few) m = sizeof w->few / sizeof *w->few;
        if (!mote_plane_read(w, &w->lay[0], p, w->few, m)) return false;
        for (size_t c = 0; c < 4 * m; c++) {
            if (!(w->few[c / 4] >> c % 4 & 1)) continue;
            if (base + c >= w->cols) return mote_seg_fail(w, MOTE_ERR_PADDING);
            w->col[n++] = (uint16_t)(base + c);
            if (n < w->block) continue;
            if (!put_kept(w, n)) return false;
            n = 0;
        }
    }
    return put_kept(w, n);
}

/* Spec codecs.md 6.3 */
static bool csr_piece(mote_seg *w, size_t pieces_left)
{
    const mote_term *t = &w->env->head->term;
    if (w->few_at == w->n_few) { /* counts are one row, so they come in whole steps */
        size_t m = sizeof w->few / sizeof *w->few;
        w->n_few = (uint8_t)(pieces_left < m ? pieces_left : m);
        w->few_at = 0;
        if (!mote_plane_piece(w, &w->lay[0], &t->counts)) return false;
        if (!mote_plane_read(w, &w->lay[0], &t->counts, w->few, w->n_few)) return false;
    }
    size_t left = w->few[w->few_at++], next = 0;
    if (left > w->cols) return mote_seg_fail(w, MOTE_ERR_INDEX);
    if (!mote_plane_piece(w, &w->lay[1], &t->gaps)) return false;
    for (size_t m; left > 0; left -= m) {
        m = left < w->block ? left : w->block;
        if (!mote_plane_read(w, &w->lay[1], &t->gaps, w->col, m)) return false;
        for (size_t i = 0; i < m; i++) {
            next += w->col[i];
            if (next >= w->cols) return mote_seg_fail(w, MOTE_ERR_INDEX);
            w->col[i] = (uint16_t)next++;
        }
        if (!put_kept(w, m)) return false;
    }
    return true;
}

/* Spec codecs.md 6.4: row of U in w->env->factors behind V, times V, to k */
static void multiply(mote_seg *w, const mote_sink *k, size_t cols)
{
    const size_t rank = w->cols;
    const float *v = w->env->factors, *u = v + rank * cols;
    float *sum = w->tmp.f32;
    for (size_t c = 0, m; c < cols; c += m) {
        m = cols - c < MOTE_BLOCK / 4 ? cols - c : MOTE_BLOCK / 4;
        for (size_t i = 0; i < m; i++) sum[i] = 0;
        for (size_t r = 0; r < rank; r++) {
            const float f = u[r], *row = v + r * cols + c;
            for (size_t i = 0; i < m; i++) sum[i] = sum[i] + f * row[i];
        }
        for (size_t i = 0; i < m; i++) {
            uint32_t bits;
            memcpy(&bits, &sum[i], 4);
            if ((bits & 0x7FFFFFFF) > 0x7F800000) bits = 0x7FC00000;
            mote_put32(w->tmp.byte + 4 * i, bits);
        }
        mote_sink_put(k, w->tmp.byte, MOTE_F32, m, NULL, c);
    }
}

/* --- segments --- */

/* pieces and cols are small enough for every size to be computed with them */
static bool begin(mote_seg *w, const mote_seg_env *env, const mote_num *num, uint64_t rows, uint64_t cols,
                  const uint8_t *rec, size_t n)
{
    memset(w, 0, offsetof(mote_seg, tmp));
    w->env = env;
    w->num = num;
    w->rd = mote_rd_init(rec, n);
    w->rows = (size_t)rows;
    w->cols = (size_t)cols;
    return rows * cols <= SIZE_MAX / 32 || mote_seg_fail(w, MOTE_ERR_NOMEM);
}

/* All pieces of a record; w->sink takes them, rows `row` bytes apart. product: the sink takes a row of U at a time, and
 * *product the rows of U V. direct: see mote_planes_open(). */
static mote_status decode(mote_seg *w, unsigned layout, size_t row, mote_sink *product, uint8_t *direct)
{
    const bool listed = layout == MOTE_LAYOUT_BITMASK || layout == MOTE_LAYOUT_CSR;
    const bool native = w->mask || w->row_ptr; /* of a sparse layout: the kept elements stand without gaps */
    w->block = mote_numbers_block(w, listed && !native);
    if (listed && w->block > MOTE_BLOCK) w->block = MOTE_BLOCK;
    bool ok = mote_planes_open(w, listed, direct) && mote_numbers_open(w);
    for (size_t r = 0; r < w->rows && ok; r++) {
        ok = mote_plane_piece(w, &w->v, &w->num->v);
        if (!ok) break;
        if (layout == MOTE_LAYOUT_BITMASK)
            ok = bitmask_piece(w);
        else if (layout == MOTE_LAYOUT_CSR)
            ok = csr_piece(w, w->rows - r);
        else
            ok = dense_piece(w);
        if (product && ok) {
            multiply(w, product, (size_t)w->env->head->cols);
            product->p += row;
        } else if (!native) {
            w->sink.p += row;
        }
        if (w->mask) w->mask += (w->cols + 7) / 8;
        if (w->row_ptr) w->row_ptr[r + 1] = (uint32_t)w->kept;
        mote_numbers_next(w);
    }
    if (ok) mote_planes_close(w);
    return w->rd.st;
}

static mote_sink factor_sink(float *p)
{
    return (mote_sink){ .p = (uint8_t *)p, .elem = 4, .dtype = MOTE_F32, .entry = MOTE_F32, .machine = true };
}

mote_status mote_seg_dense(mote_seg *w, const mote_seg_env *env, uint64_t s, const uint8_t *rec, size_t n,
                           const mote_dest *d)
{
    const mote_head *h = env->head;
    const mote_term *t = &h->term;
    const mote_extent e = mote_head_extent(h, s);
    const unsigned bits = mote_form_bits(h->dtype, d->form);
    if (bits == 0) return MOTE_ERR_ARG;
    if (!begin(w, env, &t->num, e.rows, e.cols, rec, n)) return w->rd.st;
    const size_t rows = w->rows, cols = w->cols;
    mote_sink sink = {
        .p = d->p, .elem = d->elem, .dtype = h->dtype, .entry = h->dtype, .machine = d->form != MOTE_FORM_DENSE
    };
    if (d->form == MOTE_FORM_F32) sink.dtype = MOTE_F32;
    if (d->form == MOTE_FORM_F16) sink.dtype = MOTE_F16;
    uint8_t *direct = NULL;
    mote_sink *product = NULL;
    w->sink = sink;
    if (t->layout == MOTE_LAYOUT_LOWRANK) {
        w->cols = t->rank;
        w->sink = factor_sink(env->factors + (size_t)t->rank * cols);
        product = &sink;
    } else if (t->layout != MOTE_LAYOUT_DENSE) {
        wipe(d, rows, cols, bits); /* what is not kept */
    } else if (t->num.numeric == MOTE_NUM_STORED && bits >= 8 && sink.dtype == h->dtype && d->elem == bits / 8 &&
               d->row == cols * d->elem) {
        direct = d->p;
    }
    mote_status st = decode(w, t->layout, bits < 8 ? 0 : d->row, product, direct);
    if (st != MOTE_OK) wipe(d, rows, cols, bits);
    return st;
}

mote_status mote_seg_resident(mote_seg *w, const mote_seg_env *env, uint32_t r, const uint8_t *rec, size_t n)
{
    const mote_extent e = mote_head_resident(env->head, r);
    if (!begin(w, env, &env->head->term.v, e.rows, e.cols, rec, n)) return w->rd.st;
    const size_t row = 4 * w->cols;
    const mote_dest d = { .p = (uint8_t *)env->factors + (size_t)e.row * row, .row = row, .elem = 4 };
    w->sink = factor_sink((float *)(void *)d.p);
    mote_status st = decode(w, MOTE_LAYOUT_DENSE, row, NULL, NULL);
    if (st != MOTE_OK) wipe(&d, w->rows, w->cols, 32);
    return st;
}

/* --- native --- */

/* Spec codecs.md 5, 6; offsets of the parts of a native block */
typedef struct parts {
    uint64_t values, scales, zeros, mask, row_ptr, col, total;
} parts;

static uint64_t part(parts *p, uint64_t n)
{
    uint64_t at = (p->total + 7) & ~(uint64_t)7;
    p->total = at + n;
    return at;
}

static unsigned native_bits(const mote_num *num)
{
    if (num->numeric == MOTE_NUM_AFFINE) return num->bits > 8 ? 16 : 8;
    return mote_dtype_bits(num->dtype);
}

static parts native_parts(const mote_num *num, unsigned layout, uint64_t rows, uint64_t cols)
{
    parts p = { 0 };
    p.values = part(&p, (rows * cols * native_bits(num) + 7) / 8);
    if (num->numeric == MOTE_NUM_AFFINE) {
        uint64_t n = num->scope ? rows * mote_scales_per_piece(num, cols) : 1;
        p.scales = part(&p, 4 * n);
        if (num->zero) p.zeros = part(&p, 2 * n);
    }
    if (layout == MOTE_LAYOUT_BITMASK) p.mask = part(&p, rows * ((cols + 7) / 8));
    if (layout == MOTE_LAYOUT_CSR) {
        p.row_ptr = part(&p, 4 * (rows + 1));
        p.col = part(&p, 2 * rows * cols);
    }
    return p;
}

/* Rectangle of a record as its planes have it, and how they are coded. */
static mote_extent native_extent(const mote_head *h, uint64_t s, bool resident, const mote_num **num)
{
    *num = resident ? &h->term.v : &h->term.num;
    if (resident) return mote_head_resident(h, (uint32_t)s);
    mote_extent e = mote_head_extent(h, s);
    if (h->term.layout == MOTE_LAYOUT_LOWRANK) e.cols = h->term.rank;
    return e;
}

uint64_t mote_seg_native_bytes(const mote_head *h, bool resident)
{
    const mote_num *num;
    if (resident && h->n_residents == 0) return 0;
    const mote_extent e = native_extent(h, 0, resident, &num); /* the first is never shorter than another */
    return native_parts(num, h->term.layout, e.rows, e.cols).total;
}

mote_status mote_seg_native(mote_seg *w, const mote_seg_env *env, uint64_t s, bool resident, const uint8_t *rec,
                            size_t n, mote_native *out, void *buf, size_t bytes)
{
    const mote_num *num;
    const mote_extent e = native_extent(env->head, s, resident, &num);
    const unsigned layout = env->head->term.layout, bits = native_bits(num);
    const bool affine = num->numeric == MOTE_NUM_AFFINE;
    const parts p = native_parts(num, layout, e.rows, e.cols);
    uint8_t *base = buf;
    if (!begin(w, env, num, e.rows, e.cols, rec, n)) return w->rd.st;
    if (p.total > bytes) return MOTE_ERR_NOMEM;
    if (layout == MOTE_LAYOUT_CSR && e.rows * e.cols > UINT32_MAX) return MOTE_ERR_LIMIT;
    memset(base, 0, (size_t)p.total);

    mote_native view = { .layout = (uint8_t)layout,
                         .numeric = num->numeric,
                         .value_dtype = num->dtype,
                         .is_resident = resident,
                         .rows = e.rows,
                         .cols = e.cols,
                         .values = base };
    if (affine) {
        view.value_dtype = (uint8_t)(num->zero ? bits == 16 ? MOTE_U16 : MOTE_U8 : bits == 16 ? MOTE_I16 : MOTE_I8);
        view.bits = num->bits;
        view.scales_per_row = (uint32_t)mote_scales_per_piece(num, e.cols);
        view.group = num->group;
        view.scales = w->scales_out = (float *)(void *)(base + p.scales);
        if (num->zero) view.zeros = w->zeros_out = (uint16_t *)(void *)(base + p.zeros);
    }
    if (layout == MOTE_LAYOUT_BITMASK) view.mask = w->mask = base + p.mask;
    if (layout == MOTE_LAYOUT_CSR) {
        view.row_ptr = w->row_ptr = (uint32_t *)(void *)(base + p.row_ptr);
        view.col = w->col_out = (uint16_t *)(void *)(base + p.col);
    }
    w->sink = (mote_sink){
        .p = base, .elem = bits / 8, .dtype = view.value_dtype, .entry = num->dtype, .codes = affine, .machine = true
    };
    mote_status st = decode(w, layout, bits < 8 ? 0 : w->cols * w->sink.elem, NULL, NULL);
    if (st != MOTE_OK) {
        memset(base, 0, (size_t)p.total);
        return st;
    }
    view.n_values = view.mask || view.row_ptr ? w->kept : e.rows * e.cols;
    *out = view;
    return MOTE_OK;
}
