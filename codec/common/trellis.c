/* SPDX-License-Identifier: Apache-2.0
 * Reading the parameters of the numeric trellis and building the tables of its pairs. Integers only: every reader builds
 * the same. Device code. */
#include "common/trellis.h"

#include <string.h>

#include "base/apart.h"
#include "common/head_parser.h"

/* A number of 1..max */
static uint32_t positive(mote_rd *r, uint32_t max)
{
    return (uint32_t)mote_head_positive(r, max, MOTE_ERR_HEAD);
}

/* Spec codecs.md 8.1 */
unsigned mote_trellis_read(mote_trellis_head *t, mote_rd *r)
{
    /* h0 / 2, h1 / 2 of 8, 32, 256, 1024, 2048 states */
    static const uint16_t codes[][2] = { { 005, 02 }, { 022, 04 }, { 0246, 0171 }, { 01043, 0751 }, { 03106, 01751 } };
    enum { CODES = sizeof codes / sizeof *codes };
    const unsigned form = mote_rd_u8(r), code = form >> 4;
    if (code > CODES && code != MOTE_TRELLIS_OWN) mote_rd_fail(r, MOTE_ERR_RESERVED);
    if (MOTE_NANO && code == MOTE_TRELLIS_OWN) return form; /* to be refused as the feature that it is */
    t->zero = form & 1;
    t->tables = code ? 2 : 1;
    if (code == 0) {
        if (t->zero) mote_rd_fail(r, MOTE_ERR_HEAD);
    } else if (code <= CODES) {
        memcpy(t->g, codes[code - 1], sizeof t->g);
    } else if (!MOTE_NANO) {
        const uint32_t h0 = positive(r, 65535), h1 = positive(r, 65535);
        t->g[0] = (uint16_t)(h0 >> 1);
        t->g[1] = (uint16_t)(h1 >> 1);
        /* the highest bit of h0 is above all of h1 */
        bool bad = !(h0 & 1) || (h1 & 1) || h0 < 8 || (h0 ^ h1) <= h1;
        for (unsigned i = 0; i < CODES; i++) bad |= memcmp(t->g, codes[i], sizeof t->g) == 0;
        if (bad) mote_rd_fail(r, MOTE_ERR_HEAD);
    }
    t->step = mote_rd_le(r, 3) << 8;
    if (!mote_scale_ok(t->step, MOTE_F32)) mote_rd_fail(r, MOTE_ERR_SCALE);
    if (form & 2) {
        unsigned any = 0;
        for (unsigned i = 1; i < 4; i++) {
            const unsigned o = mote_rd_u8(r);
            t->offset[i] = (int8_t)o;
            any |= o;
            if (((o + MOTE_TRELLIS_OFFSET_MAX) & 255) > 2 * MOTE_TRELLIS_OFFSET_MAX) any = 0x80000000;
        }
        if ((int32_t)any <= 0) mote_rd_fail(r, MOTE_ERR_HEAD);
    }
    t->largest = (int32_t)positive(r, MOTE_TRELLIS_LARGEST);
    t->n_pairs = (uint8_t)positive(r, MOTE_PAIRS_MAX);
    if (t->n_pairs > 1) t->base = (uint8_t)mote_rd_varint_max(r, 30, MOTE_ERR_HEAD);
    return form;
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

/* What lies below level k of quantiser q, in eighths of a step. Spec codecs.md 8.4 */
static int32_t edge(int32_t k, unsigned q, bool zero)
{
    if (q == 0) return 16 * k - 8;
    if (zero && k >= 0) return k > 1 ? 16 * k - 16 : 8 * k - 4;
    return 16 * k;
}

static void family_weights(uint32_t *w, const mote_pair_spec *s, const mote_family *f, unsigned i, unsigned q,
                           bool zero, unsigned n, bool escapes)
{
    const uint32_t root = i & 1 ? 46341 : 65536; /* 2^16, or that over the square root of 2 */
    uint32_t inverse = (uint32_t)(((uint64_t)f->inverse * root) >> 16) >> (i >> 1), rest = 65536;
    int32_t mean = f->mean, k = s->lo;
    if (inverse == 0) inverse = 1;
    if (f->growing) {
        const uint32_t m = (uint32_t)(((uint64_t)((uint32_t)(mean < 0 ? -mean : mean) << ((i + 1) >> 1)) * root) >> 16);
        mean = mean < 0 ? -(int32_t)m : (int32_t)m;
    }
    const int32_t step = 1 << s->shift;
    int32_t below = mote_shape_below(f->shape, inverse, edge(k, q, zero) - mean);
    for (unsigned j = 0; j < n; j++) {
        uint32_t x = rest >> (n - j - 1); /* of two escapes: half, and what remains */
        if (j < (escapes ? n - 2 : n)) {
            k += step;
            const int32_t upto = mote_shape_below(f->shape, inverse, edge(k, q, zero) - mean);
            x = (uint32_t)(upto - below);
            below = upto;
        }
        rest -= x;
        /* level 0, or -1 where it is as near to zero; escapes lie above both */
        if ((uint32_t)(k - 1) < (uint32_t)step || (k == 0 && q && !zero)) x = (x * f->zero[q]) >> 6;
        w[j] = x ? x : 1;
    }
}

mote_status mote_pair_build(mote_table *t, const mote_pair_spec *s, const mote_family *f, unsigned i, unsigned q,
                            bool zero, bool escapes)
{
    const unsigned n = s->wide ? 32 : 16;
    uint32_t w[MOTE_PAIR_SYMBOLS_MAX], *const end = w + n, *largest = w, *p, sum = 0, cum = 0;
    int32_t left = 1 << MOTE_PAIR_BITS;
    if (s->counts) /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): counts says that there are weights */
        for (unsigned j = 0; j < n; j++) w[j] = mote_pair_weight(s->weight[q][j]);
    else
        family_weights(w, s, f, i, q, zero, n, escapes);
    for (p = w; p < end; p++) sum += *p;
    if (sum == 0) return MOTE_ERR_TABLE;
    for (p = w; p < end; p++) {
        const uint32_t share = (*p << MOTE_PAIR_BITS) / sum; /* weights are below 2^19 */
        *p = share ? share : *p != 0;
        if (*p > *largest) largest = p;
        left -= (int32_t)*p;
    }
    *largest += (uint32_t)left; /* -32 at least, and the largest is over 4096 / 32 then */
    for (p = w; p < end; t++) {
        t->lo = s->lo + ((int32_t)(p - w) << s->shift);
        t->shift = s->shift;
        t->bits = MOTE_PAIR_BITS;
        for (unsigned j = 0; j < MOTE_SYMBOLS; j++) {
            t->cum[j] = (uint16_t)cum;
            cum += *p++;
        }
        t->cum[MOTE_SYMBOLS] = (uint16_t)cum;
    }
    return MOTE_OK;
}

/* Spec codecs.md 8.4: shift and number of symbols */
static void read_window(mote_rd *r, mote_pair_spec *s, unsigned window)
{
    s->shift = window & 7;
    s->wide = window >> 3;
    if (s->shift > 4) mote_rd_fail(r, MOTE_ERR_TABLE);
    s->lo = -(s->wide ? 15 : 7) * (1 << s->shift);
}

void mote_trellis_read_pairs(mote_trellis_head *t, mote_rd *r, mote_table *table, size_t room, bool escapes)
{
    mote_family f = { 0 };
    const uint8_t *kinds = NULL; /* windows of pairs of the family */
    const unsigned n = t->n_pairs, form = mote_rd_u8(r);
    f.shape = form & 15;
    f.growing = form >> 4 & 1;
    if (form >> 5) mote_rd_fail(r, MOTE_ERR_RESERVED);
    if (form != MOTE_FAMILY_NONE) {
        f.mean = mote_rd_zigzag(r, MOTE_TABLE_MEAN_MAX, MOTE_ERR_TABLE);
        f.inverse = (uint32_t)mote_rd_varint_max(r, MOTE_TABLE_INVERSE_MAX, MOTE_ERR_TABLE);
        f.zero[0] = mote_rd_u8(r);
        if (t->tables > 1) f.zero[1] = mote_rd_u8(r);
        if (f.shape >= MOTE_SHAPES || f.inverse == 0) mote_rd_fail(r, MOTE_ERR_TABLE);
        kinds = mote_rd_take(r, (n + 1) / 2);
        if ((n & 1) && kinds && kinds[n / 2] >> 4) mote_rd_fail(r, MOTE_ERR_PADDING);
    }
    for (unsigned i = 0, at = 0; i < n && mote_rd_ok(r); i++) {
        mote_pair_spec s;
        unsigned window = kinds ? kinds[i / 2] >> (i & 1) * 4 & 15 : 15;
        s.counts = window == 15;
        if (s.counts) {
            window = mote_rd_u8(r);
            if (window >> 4) mote_rd_fail(r, MOTE_ERR_RESERVED);
        }
        read_window(r, &s, window & 15);
        if (s.counts) {
            s.lo = mote_rd_zigzag(r, MOTE_TRELLIS_LO_MAX, MOTE_ERR_TABLE);
            const size_t symbols = s.wide ? 32 : 16;
            for (unsigned q = 0; q < t->tables; q++) {
                const uint8_t *w = mote_rd_take(r, symbols);
                if (w) memcpy(s.weight[q], w, symbols);
            }
        }
        for (unsigned q = 0; q < t->tables && mote_rd_ok(r); q++, at += 1u + s.wide) {
            mote_status st = MOTE_ERR_FACTS;
            if (room - at > s.wide && room > at) st = mote_pair_build(table + at, &s, &f, i, q, t->zero, escapes);
            if (st != MOTE_OK) mote_rd_fail(r, st);
        }
        t->slot[i + 1] = (uint8_t)at;
    }
}
