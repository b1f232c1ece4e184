/* SPDX-License-Identifier: Apache-2.0
 * Planes: stored, constant, rANS with classes and escapes. Spec codecs.md 1.2, 3, 4. Device code. */
#include "dec/planes.h"

#include <string.h>

#include "base/le.h"

#define STATE_LOW 65536u /* states lie in [2^16, 2^32) and end at 2^16 */

bool mote_seg_fail(mote_seg *w, mote_status st)
{
    mote_rd_fail(&w->rd, st);
    return false;
}

const uint8_t *mote_words_take(mote_seg *w, mote_words *in, size_t n)
{
    const uint8_t *at = in->p;
    if (n > (size_t)(in->end - at)) {
        mote_seg_fail(w, MOTE_ERR_STREAM);
        return NULL;
    }
    in->p += n;
    return at;
}

/* --- finding the planes --- */

/* The next plane of the record. While w->rd.p is NULL they are only counted. */
static void find(mote_seg *w, mote_words *in, bool counting)
{
    if (counting) {
        w->n_planes++;
        return;
    }
    mote_rd r = --w->n_planes ? mote_rd_sub_varint(&w->rd) : mote_rd_sub(&w->rd, mote_rd_left(&w->rd));
    in->p = r.p;
    in->end = r.end;
}

/* A zstd plane becomes a stored one of `bytes` bytes, in `to` or in the scratch memory. */
static void inflate(mote_seg *w, mote_words *in, size_t bytes, uint8_t *to)
{
    const mote_seg_env *env = w->env;
    if (!env->inflate) {
        mote_seg_fail(w, MOTE_ERR_UNSUPPORTED);
        return;
    }
    if (!to) {
        if (bytes > env->scratch_bytes - w->scratch_at) {
            mote_seg_fail(w, MOTE_ERR_NOMEM);
            return;
        }
        to = env->scratch + w->scratch_at;
        w->scratch_at += bytes;
    }
    mote_status st = env->inflate(env->inflate_ctx, to, bytes, in->p, (size_t)(in->end - in->p));
    if (st != MOTE_OK) mote_seg_fail(w, st);
    in->p = to;
    in->end = to + bytes;
}

static void find_plane(mote_seg *w, mote_plane_dec *d, const mote_plane *p, bool counting)
{
    if (p->coder == MOTE_CODER_CONSTANT) return;
    if (p->n_classes > 1) find(w, &d->classes.s.in, counting);
    find(w, &d->sym.s.in, counting);
    if (p->escapes == 2) find(w, &d->esc.s.in, counting);
    if (p->escapes) find(w, &d->numbers, counting);
}

static void find_all(mote_seg *w, unsigned layout, bool counting)
{
    const mote_term *t = &w->env->head->term;
    const mote_num *num = w->num;
    if (layout == MOTE_LAYOUT_BITMASK) find_plane(w, &w->lay[0], &t->mask, counting);
    if (layout == MOTE_LAYOUT_CSR) {
        find_plane(w, &w->lay[0], &t->counts, counting);
        find_plane(w, &w->lay[1], &t->gaps, counting);
    }
    if (num->scope) find(w, &w->scales, counting);
    if (num->scope && num->zero) find(w, &w->zeros, counting);
    find_plane(w, &w->v, &num->v, counting);
    for (unsigned i = 0; i < num->n_bytes; i++)
        if (num->byte[i].coder != MOTE_CODER_CONSTANT) find(w, &w->byte[i].s.in, counting);
}

bool mote_planes_open(mote_seg *w, bool layout, uint8_t *direct)
{
    const mote_num *num = w->num;
    unsigned id = layout ? w->env->head->term.layout : MOTE_LAYOUT_DENSE;
    w->n_planes = 0;
    find_all(w, id, true);
    find_all(w, id, false);
    mote_status st = mote_rd_end(&w->rd);
    if (st != MOTE_OK) return mote_seg_fail(w, st);

    size_t values = w->rows * w->cols;
    if (num->v.coder == MOTE_CODER_ZSTD) inflate(w, &w->v.sym.s.in, (values * num->v.width + 7) / 8, direct);
    for (unsigned i = 0; i < num->n_bytes; i++)
        if (num->byte[i].coder == MOTE_CODER_ZSTD) inflate(w, &w->byte[i].s.in, values, NULL);
    return w->rd.st == MOTE_OK;
}

static void close_stream(mote_seg *w, const mote_stream *s, const uint32_t *x)
{
    if (s->acc) mote_seg_fail(w, MOTE_ERR_PADDING);
    uint32_t off = s->in.p != s->in.end;
    for (unsigned i = 0; i < s->lanes; i++) off |= x[i] ^ STATE_LOW;
    if (off) mote_seg_fail(w, MOTE_ERR_STREAM);
}

static void close_plane(mote_seg *w, const mote_plane_dec *d)
{
    close_stream(w, &d->sym.s, d->sym.x);
    close_stream(w, &d->classes.s, d->classes.x);
    close_stream(w, &d->esc.s, d->esc.x);
    if (d->numbers.p != d->numbers.end) mote_seg_fail(w, MOTE_ERR_STREAM);
}

bool mote_planes_close(mote_seg *w)
{
    close_plane(w, &w->lay[0]);
    close_plane(w, &w->lay[1]);
    close_plane(w, &w->v);
    for (unsigned i = 0; i < MOTE_BYTE_PLANES_MAX; i++) close_stream(w, &w->byte[i].s, w->byte[i].x);
    return w->rd.st == MOTE_OK;
}

/* --- values --- */

/* n fields of `width` <= 16 bits */
static bool read_bits(mote_seg *w, mote_stream *s, unsigned width, uint16_t *v, size_t n)
{
    uint32_t acc = s->acc;
    unsigned bits = s->bits;
    const uint8_t *p = s->in.p, *end = s->in.end;
    for (size_t i = 0; i < n; i++) {
        while (bits < width) {
            if (p == end) return mote_seg_fail(w, MOTE_ERR_STREAM);
            acc |= (uint32_t)*p++ << bits;
            bits += 8;
        }
        v[i] = (uint16_t)(acc & ((1u << width) - 1));
        acc >>= width;
        bits -= width;
    }
    s->in.p = p;
    s->acc = (uint8_t)acc;
    s->bits = (uint8_t)bits;
    return true;
}

/* n values of a rANS stream, mod 2^16 and as the table has them */
static bool read_words(mote_seg *w, mote_stream *s, uint32_t *x, unsigned lanes, unsigned table, uint16_t *v, size_t n)
{
    const mote_kern *kern = w->env->kern;
    const void *prepared = &w->env->tables[table];
    if (kern->table_bytes) prepared = (const uint8_t *)w->env->prepared + table * kern->table_bytes;
    if (s->lanes == 0) {
        const uint8_t *p = mote_words_take(w, &s->in, 4 * lanes);
        if (!p) return false;
        for (unsigned i = 0; i < lanes; i++) {
            x[i] = mote_le32(p + 4 * i);
            if (x[i] < STATE_LOW) return mote_seg_fail(w, MOTE_ERR_STREAM);
        }
        s->lanes = (uint8_t)lanes;
    }
    return kern->decode(&s->in, x, lanes, prepared, v, n) || mote_seg_fail(w, MOTE_ERR_STREAM);
}

/* Are all v[i] - t->lo, which are 0..255, direct symbols (t below `symbols`) of values in [vmin, vmax]? */
static bool plain(const mote_table *t, int32_t symbols, int32_t vmin, int32_t vmax, const uint16_t *v, size_t n)
{
    const int32_t end = symbols << t->shift, low = vmin - t->lo, high = vmax - t->lo;
    if (symbols == MOTE_SYMBOLS && low <= 0 && high >= end - 1) return true;
    int32_t first = low > 0 ? low : 0, last = high < end - 1 ? high : end - 1;
    if (first > last) return n == 0;
    const uint16_t base = (uint16_t)(t->lo + first), span = (uint16_t)(last - first);
    unsigned beyond = 0;
    for (size_t i = 0; i < n; i++) beyond |= (uint16_t)(v[i] - base) > span;
    return beyond == 0;
}

/* The number of the next escape, < 2^20. Spec codecs.md 3.5 */
static uint32_t read_escape(mote_seg *w, mote_plane_dec *d, const mote_plane *p)
{
    uint16_t u = 0;
    unsigned shift = 0;
    uint32_t e = 0;
    bool more = true;
    if (p->escapes == 2) {
        unsigned table = (unsigned)p->table + (p->class_coder == MOTE_CODER_RANS1) + p->n_classes;
        if (!read_words(w, &d->esc.s, d->esc.x, 1, table, &u, 1)) return 0;
        shift = w->env->tables[table].shift;
        more = u >> shift == MOTE_SYMBOLS - 1;
    }
    if (more) {
        mote_rd r = { .p = d->numbers.p, .end = d->numbers.end };
        e = (uint32_t)mote_rd_varint_max(&r, MOTE_ESCAPE_MAX, MOTE_ERR_RANGE);
        d->numbers.p = r.p;
        if (!mote_rd_ok(&r)) mote_seg_fail(w, r.st == MOTE_ERR_TRUNCATED ? MOTE_ERR_STREAM : r.st);
    }
    e = (e << shift) + u;
    if (e > MOTE_ESCAPE_MAX) mote_seg_fail(w, MOTE_ERR_RANGE);
    return e;
}

static mote_status out_of_range(const mote_seg *w, const mote_plane_dec *d)
{
    return d == &w->v ? MOTE_ERR_RANGE : MOTE_ERR_INDEX;
}

/* Put the values of escapes in place of their symbols, and check every value. */
static bool mend(mote_seg *w, mote_plane_dec *d, const mote_plane *p, const mote_table *t, uint16_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int32_t u = (uint16_t)(v[i] - t->lo), value = t->lo + u;
        if (p->escapes && u >> t->shift == MOTE_SYMBOLS - 1) {
            int32_t e = (int32_t)read_escape(w, d, p);
            if (w->rd.st != MOTE_OK) return false;
            int32_t symbol = e & 1 ? -1 - (e >> 1) : MOTE_SYMBOLS - 1 + (e >> 1);
            value += (symbol - (MOTE_SYMBOLS - 1)) * (1 << t->shift);
        }
        if (value < p->vmin || value > p->vmax) return mote_seg_fail(w, out_of_range(w, d));
        v[i] = (uint16_t)value;
    }
    return true;
}

bool mote_plane_piece(mote_seg *w, mote_plane_dec *d, const mote_plane *p)
{
    d->table = p->table;
    if (p->n_classes <= 1) return true;
    uint16_t k;
    bool ok;
    if (p->class_coder == MOTE_CODER_STORED) {
        if (!read_bits(w, &d->classes.s, 4, &k, 1)) return false;
        ok = k < p->n_classes;
    } else {
        if (!read_words(w, &d->classes.s, d->classes.x, 1, p->table, &k, 1)) return false;
        ok = plain(&w->env->tables[p->table], MOTE_SYMBOLS, 0, p->n_classes - 1, &k, 1);
        d->table++;
    }
    d->table = (uint16_t)(d->table + k);
    return ok || mote_seg_fail(w, MOTE_ERR_RANGE);
}

bool mote_plane_read(mote_seg *w, mote_plane_dec *d, const mote_plane *p, uint16_t *v, size_t n)
{
    if (n == 0) return true;
    if (p->coder == MOTE_CODER_CONSTANT) {
        for (size_t i = 0; i < n; i++) v[i] = (uint16_t)p->constant;
        return true;
    }
    if (p->coder == MOTE_CODER_STORED || p->coder == MOTE_CODER_ZSTD) {
        if (!read_bits(w, &d->sym.s, p->width, v, n)) return false;
        if (p->vmin < 0) {
            const unsigned sign = 1u << (p->width - 1);
            for (size_t i = 0; i < n; i++) v[i] = (uint16_t)((v[i] ^ sign) - sign);
        } else {
            for (size_t i = 0; i < n; i++)
                if (v[i] > p->vmax) return mote_seg_fail(w, out_of_range(w, d));
        }
        return true;
    }
    const mote_table *t = &w->env->tables[d->table];
    if (!read_words(w, &d->sym.s, d->sym.x, mote_plane_lanes(p->coder), d->table, v, n)) return false;
    return plain(t, p->escapes ? MOTE_SYMBOLS - 1 : MOTE_SYMBOLS, p->vmin, p->vmax, v, n) || mend(w, d, p, t, v, n);
}

const uint8_t *mote_plane_bytes(mote_seg *w, unsigned j, size_t n)
{
    const mote_plane *p = &w->num->byte[j];
    mote_stream_n *s = &w->byte[j];
    uint8_t *out = (uint8_t *)w->aux;
    if (p->coder == MOTE_CODER_CONSTANT) {
        memset(out, p->constant, n);
    } else if (p->coder == MOTE_CODER_STORED || p->coder == MOTE_CODER_ZSTD) {
        return mote_words_take(w, &s->s.in, n);
    } else {
        if (!read_words(w, &s->s, s->x, mote_plane_lanes(p->coder), p->table, w->aux, n)) return NULL;
        if (!plain(&w->env->tables[p->table], MOTE_SYMBOLS, 0, 255, w->aux, n)) {
            mote_seg_fail(w, MOTE_ERR_RANGE);
            return NULL;
        }
        for (size_t i = 0; i < n; i++) out[i] = (uint8_t)w->aux[i];
    }
    return out;
}
