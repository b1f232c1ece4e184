/* SPDX-License-Identifier: Apache-2.0
 * Planes: stored, constant, rANS with classes and escapes. Spec codecs.md 1.2, 3, 4. Device code. */
#include "dec/planes.h"

#include <string.h>

#include "base/apart.h"

#define STATE_LOW 65536u /* states lie in [2^16, 2^32) and end at 2^16 */

bool mote_seg_fail_by(mote_seg *w, unsigned below)
{
    mote_rd_fail_by(&w->rd, below);
    return false;
}

/* --- finding the planes --- */

static void add_plane(mote_seg *w, mote_plane_dec *d, const mote_plane *p)
{
    d->p = p;
    d->table = p->table;
    d->at = (uint8_t)(w->n_streams + (p->n_classes > 1));
    if (p->coder != MOTE_CODER_CONSTANT) w->n_streams = (uint8_t)(d->at + 1 + p->escapes);
}

bool mote_planes_open(mote_seg *w, unsigned layout, uint8_t *direct)
{
    const mote_term *t = MOTE_SUMS ? w->term : &w->env->head->term;
    const mote_num *num = w->num;
    if (layout == MOTE_LAYOUT_BITMASK) add_plane(w, &w->lay[0], &t->mask);
    if (layout == MOTE_LAYOUT_CSR) {
        add_plane(w, &w->lay[0], &t->counts);
        add_plane(w, &w->lay[1], &t->gaps);
    }
    if (num->book_rows) w->n_streams++;
    w->scales = w->n_streams;
    if (num->scope) w->n_streams = (uint8_t)(w->n_streams + 1 + MOTE_ZEROS(num));
    add_plane(w, &w->v, &num->v);
    for (unsigned i = 0; i < num->n_bytes; i++) add_plane(w, &w->byte[i], &num->byte[i]);

    const bool more = MOTE_SUMS && w->more;
    for (unsigned i = 0; i < w->n_streams; i++)
        w->s[i].in =
            i + 1u < w->n_streams || more ? mote_rd_sub_varint(&w->rd) : mote_rd_sub(&w->rd, mote_rd_left(&w->rd));
    mote_status st = more ? w->rd.st : mote_rd_end(&w->rd);
    if (st != MOTE_OK) return mote_seg_fail(w, st);
#if !MOTE_NANO
    mote_plane_inflate(w, &w->v, w->rows * w->cols, direct);
    for (unsigned i = 0; i < num->n_bytes; i++) mote_plane_inflate(w, &w->byte[i], w->rows * w->cols, NULL);
#else
    (void)direct;
#endif
    return w->rd.st == MOTE_OK;
}

mote_status mote_planes_close(mote_seg *w)
{
    const mote_stream *s, *const end = w->s + w->n_streams;
    for (s = w->s; s < end; s++) /* what is read beyond the end is 0, and every later failure a consequence */
        if (s->in.st != MOTE_OK) w->rd.st = s->in.st == MOTE_ERR_TRUNCATED ? MOTE_ERR_STREAM : s->in.st;
    for (s = w->s; s < end; s++) {
        if (s->acc) mote_seg_fail(w, MOTE_ERR_PADDING);
        bool off = mote_rd_left(&s->in) > 0;
        for (unsigned i = 0; i < s->lanes; i++) off |= s->x[i] != STATE_LOW;
        if (off) mote_seg_fail(w, MOTE_ERR_STREAM);
    }
    return w->rd.st;
}

/* --- values --- */

/* n fields of p->width <= 16 bits, in two's complement if there are negative values; those in the range are ok. */
static bool read_bits(mote_stream *s, const mote_plane *p, uint16_t *v, size_t n)
{
    const unsigned width = p->width;
    uint32_t acc = s->acc;
    unsigned bits = s->bits;
    bool ok = true;
    while (n-- > 0) {
        for (; bits < width; bits += 8) acc |= mote_rd_le(&s->in, 1) << bits;
        int32_t x = (int32_t)(acc & ((1u << width) - 1));
        if (p->vmin < 0 && x > p->vmax) x -= (int32_t)1 << width;
        ok &= x <= p->vmax;
        *v++ = (uint16_t)x;
        acc >>= width;
        bits -= width;
    }
    s->acc = (uint8_t)acc;
    s->bits = (uint8_t)bits;
    return ok;
}

bool mote_plane_states(mote_seg *w, mote_stream *s, unsigned coder)
{
    if (s->lanes) return true;
    s->x = w->x + w->n_states;
    s->lanes = (uint8_t)mote_plane_lanes(coder);
    w->n_states += s->lanes;
    for (unsigned i = 0; i < s->lanes; i++) {
        s->x[i] = mote_rd_le(&s->in, 4);
        if (s->x[i] < STATE_LOW) return mote_seg_fail(w, MOTE_ERR_STREAM);
    }
    return true;
}

/* n values of a rANS stream, mod 2^16 and as the table has them */
static bool read_words(mote_seg *w, mote_stream *s, unsigned coder, unsigned table, uint16_t *v, size_t n)
{
    const mote_kern *kern = w->env->kern;
    const void *prepared = &w->env->tables[table];
    if (kern->table_bytes) prepared = (const uint8_t *)w->env->prepared + table * kern->table_bytes;
    if (!mote_plane_states(w, s, coder)) return false;
#if MOTE_KERN_LOOPS
    if (n == 1) { /* a class: kernels for many are slower */
        kern = mote_kern_ref();
        prepared = &w->env->tables[table];
    }
#endif
    return kern->decode(&s->in, s->x, s->lanes, prepared, v, n) || mote_seg_fail(w, MOTE_ERR_STREAM);
}

MOTE_APART int32_t mote_plane_escape(mote_seg *w, mote_stream *s, const mote_plane *p)
{
    uint16_t u = 0;
    unsigned shift = 0;
    uint32_t e = 0;
    if (p->escapes == 2) {
        if (!read_words(w, s + 1, MOTE_CODER_RANS1, p->escape, &u, 1)) return 0;
        shift = w->env->tables[p->escape].shift;
    }
    if (p->escapes == 1 || u >> shift == MOTE_SYMBOLS - 1) {
        e = (uint32_t)mote_rd_varint_max(&s[p->escapes].in, MOTE_ESCAPE_MAX, MOTE_ERR_RANGE);
    }
    e = (e << shift) + u;
    if (e > MOTE_ESCAPE_MAX) mote_seg_fail(w, MOTE_ERR_RANGE);
    return (int32_t)e;
}

/*
 * Values of symbols s: those of escapes are put in their place, all are checked. v[i] - lo is 0..255 and v[i] is mod
 * 2^16, so that nothing outside of the range is mistaken for its namesake inside.
 */
static bool settle(mote_seg *w, mote_stream *s, const mote_plane *p, const mote_table *t, uint16_t *v, size_t n)
{
    const int32_t lo = t->lo, step = (int32_t)1 << t->shift, span = (MOTE_SYMBOLS - (p->escapes > 0)) * step;
    /* symbols that cannot occur do not count */
    int32_t low = lo, end = lo + span;
    for (unsigned i = 1; t->cum[i] == 0; i++) low += step;
    for (unsigned i = MOTE_SYMBOLS - 1; !p->escapes && t->cum[i] == t->cum[MOTE_SYMBOLS]; i--) end -= step;
    if (!p->escapes && low >= p->vmin && end - 1 <= p->vmax) return true;
#if MOTE_KERN_LOOPS
    if (low < p->vmin) low = p->vmin;
    if (end - 1 > p->vmax) end = p->vmax + 1;
    size_t (*const inside)(const uint16_t *, size_t, uint16_t, uint16_t) = low < end ? w->env->kern->inside : NULL;
#endif
    for (size_t i = 0; i < n; i++) {
#if MOTE_KERN_LOOPS
        if (inside && (i += inside(v + i, n - i, (uint16_t)low, (uint16_t)(end - low))) == n) break;
#endif
        int32_t u = (uint16_t)(v[i] - lo), value = lo + u;
        if (p->escapes && u >= (MOTE_SYMBOLS - 1) * step) {
            int32_t e = mote_plane_escape(w, s, p);
            if (w->rd.st != MOTE_OK) return false;
            value += (e & 1 ? -MOTE_SYMBOLS - (e >> 1) : e >> 1) * step; /* t = -1 - e / 2 or 15 + e / 2 */
            v[i] = (uint16_t)value;
        }
        if (value < p->vmin || value > p->vmax) return false;
    }
    return true;
}

bool mote_plane_read(mote_seg *w, const mote_plane_dec *d, uint16_t *v, size_t n)
{
    const mote_plane *p = d->p;
    mote_stream *s = &w->s[d->at];
    bool ok = true;
    if (p->coder == MOTE_CODER_CONSTANT) {
        for (size_t i = 0; i < n; i++) v[i] = (uint16_t)p->constant;
    } else if (p->coder == MOTE_CODER_STORED || p->coder == MOTE_CODER_ZSTD) {
        ok = read_bits(s, p, v, n);
    } else if (n > 0) {
        if (!read_words(w, s, p->coder, d->table, v, n)) return false;
        ok = settle(w, s, p, &w->env->tables[d->table], v, n);
    }
    return ok || mote_seg_fail(w, d == &w->lay[0] || d == &w->lay[1] ? MOTE_ERR_INDEX : MOTE_ERR_RANGE);
}

#if MOTE_KERN_LOOPS
/* Classes of pieces from the current one on, as many as are read at a time; where that goes wrong, of this piece only: what
 * is wrong with those before the fault is found first. 0: failed */
static uint8_t classes_ahead(mote_seg *w, const mote_plane_dec *m, uint16_t *k)
{
    mote_stream *s = &w->s[m->at];
    const size_t left = w->rows - w->row, n = left < MOTE_CLASSES_AHEAD ? left : MOTE_CLASSES_AHEAD;
    if (m->p->coder == MOTE_CODER_RANS1 && !mote_plane_states(w, s, m->p->coder)) return 0;
    const mote_stream before = *s;
    const mote_rd rd = w->rd;
    const uint32_t x = before.lanes ? before.x[0] : 0;
    if (mote_plane_read(w, m, k, n)) return (uint8_t)n;
    if (n == 1) return 0;
    *s = before;
    if (s->lanes) s->x[0] = x;
    w->rd = rd;
    return mote_plane_read(w, m, k, 1);
}
#endif

bool mote_plane_piece(mote_seg *w, mote_plane_dec *d)
{
    const mote_plane *p = d->p;
    uint16_t k;
    if (p->n_classes <= 1) return true;
    const mote_plane map = { .coder = p->class_coder, .width = 4, .vmax = p->n_classes - 1 };
    const mote_plane_dec m = { .p = &map, .table = p->table, .at = (uint8_t)(d->at - 1) };
#if MOTE_KERN_LOOPS
    if (d->next == d->ahead) {
        d->next = 0;
        d->ahead = classes_ahead(w, &m, d->cls);
    }
    if (d->ahead == 0) return false;
    k = d->cls[d->next++];
#else
    if (!mote_plane_read(w, &m, &k, 1)) return false;
#endif
    d->table = (uint16_t)(p->table + (map.coder == MOTE_CODER_RANS1) + k);
    return true;
}

MOTE_HOT void mote_plane_narrow(uint8_t *to, const uint16_t *v, size_t n)
{
    for (const uint16_t *const end = v + n; v < end; v++) *to++ = (uint8_t)*v;
}

const uint8_t *mote_plane_bytes(mote_seg *w, unsigned j, size_t n)
{
    const mote_plane_dec *d = &w->byte[j];
    uint8_t *out = (uint8_t *)w->aux;
    if (d->p->coder == MOTE_CODER_STORED || d->p->coder == MOTE_CODER_ZSTD) return mote_rd_take(&w->s[d->at].in, n);
    if (!mote_plane_read(w, d, w->aux, n)) return NULL;
#if MOTE_KERN_LOOPS
    if (w->env->kern->narrow) {
        w->env->kern->narrow(out, w->aux, n);
        return out;
    }
#endif
    mote_plane_narrow(out, w->aux, n);
    return out;
}
