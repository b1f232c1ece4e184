/* SPDX-License-Identifier: Apache-2.0
 * Decoding of a segment: layouts over numbers, piece by piece. Device code. */
#include "dec/seg.h"

#include <string.h>

#include "base/apart.h"
#include "dec/numbers.h"
#include "dec/lowrank.h"
#include "dec/planes.h"
#include "dec/trellis.h"

mote_status mote_seg_prepare(mote_seg *w, const mote_seg_env *env)
{
    const mote_kern *kern = env->kern;
    const mote_trellis_head *t = &env->head->trellis;
    const size_t first = t->first, end = first + t->slot[t->n_pairs]; /* of pairs */
    for (size_t i = 0; kern->table_bytes && i < env->head->n_tables; i++)
        if (i - first >= end - first) kern->prepare((uint8_t *)env->prepared + i * kern->table_bytes, &env->tables[i]);
    if (MOTE_ENTRIES(mote_head_booked(env->head))) mote_codebook_prepare(env);
    return t->n_pairs ? mote_trellis_prepare(w, env) : MOTE_OK;
}

static void wipe(const mote_dest *d, size_t rows, size_t cols, unsigned bits, int value)
{
    size_t size = bits / 8, elem = d->elem;
    if (MOTE_PACKED(bits)) {
        cols = mote_bytes_of(rows * cols, bits);
        rows = size = elem = 1;
    }
    for (uint8_t *row = d->p; rows-- > 0; row += d->row) {
        if (elem == size)
            memset(row, value, cols * size);
        else
            for (size_t c = 0; c < cols; c++) memset(row + c * elem, value, size);
    }
}

/* --- pieces --- */

MOTE_APART static bool dense_piece(mote_seg *w)
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
    const mote_native *v = w->native;
    const size_t at = w->kept;
    if (n == 0) return true;
    if (!v) return mote_numbers_put(w, n, w->col, 0);
    w->kept += n;
    if (v->mask) {
        uint8_t *mask = (uint8_t *)v->mask + w->row * ((w->cols + 7) / 8);
        for (size_t i = 0; i < n; i++) mask[w->col[i] / 8] |= (uint8_t)(1u << w->col[i] % 8);
    } else {
        memcpy((uint16_t *)v->col + at, w->col, n * sizeof *w->col);
    }
    return mote_numbers_put(w, n, NULL, at);
}

enum { FEW = sizeof(((mote_seg *)0)->few) / sizeof(uint16_t) };

/* Spec codecs.md 6.2 */
static bool bitmask_piece(mote_seg *w)
{
    size_t n = 0;
    if (!mote_plane_piece(w, &w->lay[0])) return false;
    for (size_t base = 0, m; base < w->cols; base += 4 * m) {
        m = (w->cols - base + 3) / 4;
        if (m > FEW) m = FEW;
        if (!mote_plane_read(w, &w->lay[0], w->few, m)) return false;
        for (size_t i = 0; i < 4 * m; i++) {
#if MOTE_KERN_LOOPS
            if (i % 4 == 0 && w->few[i / 4] == 15 && w->cols - base - i >= 4 &&
                n + 4 < w->block) { /* most, if few are left out */
                for (unsigned k = 0; k < 4; k++) w->col[n + k] = (uint16_t)(base + i + k);
                n += 4;
                i += 3;
                continue;
            }
#endif
            if (!(w->few[i / 4] >> i % 4 & 1)) continue;
            if (base + i >= w->cols) return mote_seg_fail(w, MOTE_ERR_PADDING);
            w->col[n++] = (uint16_t)(base + i);
            if (n < w->block) continue;
            if (!put_kept(w, n)) return false;
            n = 0;
        }
    }
    return put_kept(w, n);
}

/* Spec codecs.md 6.3 */
static bool csr_piece(mote_seg *w)
{
    if (w->few_at == w->n_few) { /* counts are one row, so they come in whole steps */
        w->n_few = (uint8_t)(w->rows - w->row < FEW ? w->rows - w->row : FEW);
        w->few_at = 0;
        if (!mote_plane_read(w, &w->lay[0], w->few, w->n_few)) return false;
    }
    size_t left = w->few[w->few_at++], next = 0; /* too many of them end beyond the last column */
    if (!mote_plane_piece(w, &w->lay[1])) return false;
    for (size_t m; left > 0; left -= m) {
        m = left < w->block ? left : w->block;
        if (!mote_plane_read(w, &w->lay[1], w->col, m)) return false;
        for (size_t i = 0; i < m; i++) {
            next += w->col[i];
            if (next >= w->cols) return mote_seg_fail(w, MOTE_ERR_INDEX);
            w->col[i] = (uint16_t)next++;
        }
        if (!put_kept(w, m)) return false;
    }
    return true;
}

/* --- records --- */

/* How a record is coded and what it holds: rows of the matrix, of U, or (resident) of V. */
static const mote_num *contents(const mote_head *h, size_t s, bool resident, mote_extent *e)
{
    const mote_term *t = &h->term;
    *e = resident ? mote_head_resident(h, (uint32_t)s) : mote_head_extent(h, s);
    if (resident) return &t->v;
    if (t->layout == MOTE_LAYOUT_LOWRANK) e->cols = t->rank;
    return &t->num;
}

static void begin(mote_seg *w, const mote_seg_env *env, size_t s, bool resident, const uint8_t *rec, size_t n)
{
    mote_extent e;
    memset(w, 0, offsetof(mote_seg, tmp));
    w->env = env;
    w->num = contents(env->head, s, resident, &e);
#if MOTE_SUMS
    w->term = &env->head->term;
    w->more = env->head->second.layout && !resident;
#endif
    w->rd = mote_rd_init(rec, n);
    w->rows = e.rows;
    w->cols = e.cols;
    w->first = e.row;
}

/* All pieces of a record; w->sink takes them, rows `row` bytes apart. product: the sink takes a row of U at a time, and
 * *product the rows of U V. direct: see mote_planes_open(). */
static mote_status decode(mote_seg *w, unsigned layout, size_t row, mote_sink *product, uint8_t *direct)
{
    const bool listed = layout == MOTE_LAYOUT_BITMASK || layout == MOTE_LAYOUT_CSR;
    w->block = mote_numbers_block(w, listed && !w->native); /* native elements stand without gaps */
    if (listed && w->block > MOTE_BLOCK) w->block = MOTE_BLOCK;
    if (!mote_planes_open(w, layout, direct)) return w->rd.st;
    for (; w->row < w->rows; w->row++) {
        bool ok;
        if (w->num->numeric == MOTE_NUM_TRELLIS)
            ok = mote_trellis_piece(w);
        else
            ok = mote_numbers_piece(w) && (layout == MOTE_LAYOUT_BITMASK ? bitmask_piece(w)
                                           : layout == MOTE_LAYOUT_CSR   ? csr_piece(w)
                                                                         : dense_piece(w));
        if (!ok) break;
        if (!MOTE_NANO && product) {
            mote_lowrank_multiply(w, product);
            product->p += row;
        } else {
            w->sink.p += row;
        }
        if (layout == MOTE_LAYOUT_CSR && w->native) ((uint32_t *)w->native->row_ptr)[w->row + 1] = (uint32_t)w->kept;
    }
    return mote_planes_close(w);
}

#if MOTE_SUMS
/* The second term of segment s, whose planes lie behind those of the first, to k. */
static mote_status add_second(mote_seg *w, const mote_seg_env *env, size_t s, mote_sink k, size_t row)
{
    const mote_head *h = env->head;
    const mote_extent e = mote_head_extent(h, s);
    const mote_rd rest = w->rd;
    memset(w, 0, offsetof(mote_seg, tmp));
    w->env = env;
    w->term = &h->second;
    w->num = &h->second.num;
    w->rd = rest;
    w->rows = e.rows;
    w->cols = e.cols;
    w->first = e.row;
    w->sink = k;
    w->sink.add = true;
    return decode(w, h->second.layout, row, NULL, NULL);
}
#endif

mote_status mote_seg_elements(mote_seg *w, const mote_seg_env *env, size_t s, bool is_resident, const uint8_t *rec,
                              size_t n, const mote_dest *d)
{
    const bool resident = !MOTE_NANO && is_resident;
    const mote_head *h = env->head;
    const unsigned layout = resident ? MOTE_LAYOUT_DENSE : h->term.layout, bits = mote_form_bits(h->dtype, d->form);
    mote_sink product = { 0 };
    uint8_t *direct = NULL;
    if (bits == 0 || (mote_head_is_sum(h) && bits != 32)) return MOTE_ERR_ARG;
    begin(w, env, s, resident, rec, n);
    mote_sink *k = &w->sink;
    size_t cols = w->cols;
    k->p = d->p;
    k->elem = d->elem;
    k->machine = d->form != MOTE_FORM_DENSE;
    k->entry = resident ? MOTE_F32 : h->dtype;
    k->dtype = !k->machine ? h->dtype : bits == 32 ? MOTE_F32 : MOTE_F16;
    if (!MOTE_NANO && layout == MOTE_LAYOUT_LOWRANK) {
        product = *k;
        cols = h->cols;
        *k = (mote_sink){ .p = (uint8_t *)(env->factors + h->term.rank * cols),
                          .elem = 4,
                          .dtype = MOTE_F32,
                          .entry = MOTE_F32,
                          .machine = true };
    } else if (layout != MOTE_LAYOUT_DENSE) {
        wipe(d, w->rows, cols, bits, MOTE_NANO ? 0 : w->num->background); /* what is not kept */
    } else if (k->dtype == h->dtype && d->elem == bits / 8 && d->row == cols * d->elem &&
               !(MOTE_BIG_ENDIAN && k->machine)) {
        direct = d->p; /* never of factors: they have no zstd */
    }
    mote_status st = decode(w, layout, d->row, !MOTE_NANO && layout == MOTE_LAYOUT_LOWRANK ? &product : NULL, direct);
    const size_t rows = w->rows;
#if MOTE_SUMS
    product.p = d->p;
    if (st == MOTE_OK && w->more) st = add_second(w, env, s, product, d->row);
#endif
    if (st != MOTE_OK) wipe(d, rows, cols, bits, 0);
    return st;
}

mote_status mote_seg_dense(mote_seg *w, const mote_seg_env *env, size_t s, const uint8_t *rec, size_t n,
                           const mote_dest *d)
{
    return mote_seg_elements(w, env, s, false, rec, n, d);
}

/* --- native --- */

/* A part of n bytes of a native block that so far has *total; NULL while only bytes are counted. Padding is zero. */
static void *part(uint8_t *base, size_t *total, size_t n)
{
    const size_t at = *total;
    *total += (n + 7) & ~(size_t)7;
    if (!base) return NULL;
    memset(base + at + n, 0, *total - at - n);
    return base + at;
}

/* What a record becomes in native form, at base (NULL: nowhere). Spec codecs.md 5, 6. Returns its bytes. */
static size_t native_view(const mote_head *h, size_t s, bool resident, mote_native *v, uint8_t *base)
{
    mote_extent e;
    const mote_num *num = contents(h, s, resident, &e);
    const size_t rows = e.rows, cols = e.cols, n = rows * cols;
    unsigned bits = mote_dtype_bits(num->dtype);
    size_t total = 0;
    memset(v, 0, sizeof *v);
    v->layout = h->term.layout;
    v->numeric = num->numeric;
    v->value_dtype = num->dtype;
    if (MOTE_UNFOLDS(num)) v->background = num->background;
    v->is_resident = resident;
    v->rows = rows;
    v->cols = cols;
    v->n_values = n;
    if (num->numeric == MOTE_NUM_AFFINE || MOTE_ENTRIES(num)) {
        bits = MOTE_BITS_16(num) ? 16 : 8;
        v->bits = num->bits;
        v->value_dtype = (uint8_t)((bits == 16 ? MOTE_I16 : MOTE_I8) - MOTE_ZEROS(num)); /* the unsigned stand before */
        if (MOTE_ENTRIES(num)) v->table = part(base, &total, mote_codebook_view(num, v));
        v->scales_per_row = (uint32_t)mote_scales_per_piece(num, cols);
        if (MOTE_GROUPED(num)) v->group = num->group;
        const size_t scales = num->scope ? rows * v->scales_per_row : 1;
        v->scales = part(base, &total, 4 * scales);
        if (MOTE_ZEROS(num)) v->zeros = part(base, &total, 2 * scales);
    }
    if (num->numeric == MOTE_NUM_TRELLIS) {
        const mote_trellis_head *t = &h->trellis;
        bits = t->largest <= 127 ? 8 : t->largest <= 32767 ? 16 : 32;
        v->value_dtype = t->largest <= 127 ? MOTE_I8 : t->largest <= 32767 ? MOTE_I16 : MOTE_I32;
        v->scales_per_row = num->scope;
        v->scales = part(base, &total, 4 * (num->scope ? rows : 1));
        memcpy(v->offset, t->offset, sizeof v->offset);
    }
    v->values = part(base, &total, mote_bytes_of(n, bits));
    if (v->layout == MOTE_LAYOUT_BITMASK) v->mask = part(base, &total, rows * ((cols + 7) / 8));
    if (v->layout == MOTE_LAYOUT_CSR) {
        v->row_ptr = part(base, &total, 4 * (rows + 1));
        v->col = part(base, &total, 2 * n);
    }
    return total;
}

size_t mote_seg_native_bytes(const mote_head *h, bool resident)
{
    mote_native v;
    if (resident && h->n_residents == 0) return 0;
    return native_view(h, 0, resident, &v, NULL); /* the first is never shorter than another */
}

mote_status mote_seg_native(mote_seg *w, const mote_seg_env *env, size_t s, bool resident, const uint8_t *rec, size_t n,
                            mote_native *out, void *buf, size_t bytes)
{
    if (mote_head_is_sum(env->head)) return MOTE_ERR_ARG;
    const size_t need = native_view(env->head, s, resident, out, NULL);
    if (need > bytes || (out->layout == MOTE_LAYOUT_CSR && out->n_values > UINT32_MAX)) return MOTE_ERR_NOMEM;
    (void)native_view(env->head, s, resident, out, buf);
    const bool sparse = out->mask || out->row_ptr;
    if (sparse) memset(buf, 0, need);
    begin(w, env, s, resident, rec, n);
    w->native = out;
    w->sink.p = (uint8_t *)out->values;
    w->sink.elem = mote_dtype_bits(out->value_dtype) / 8;
    w->sink.dtype = out->value_dtype;
    w->sink.machine = true;
    mote_status st = decode(w, out->layout, sparse ? 0 : w->cols * w->sink.elem, NULL, NULL);
    if (sparse) out->n_values = w->kept;
    if (st != MOTE_OK) memset(buf, 0, need);
    return st;
}
