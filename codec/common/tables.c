/* SPDX-License-Identifier: Apache-2.0
 * Reading and building entropy tables. Integers only: every reader builds the same tables. Device code. */
#include "common/tables.h"

#include <string.h>

/* Spec codecs.md 2.3 */
void mote_table_read(mote_rd *r, mote_table_spec *spec)
{
    memset(spec, 0, sizeof *spec);
    unsigned form = mote_rd_u8(r);
    spec->form = form & 3;
    spec->bits = form & 4 ? 14 : 12;
    spec->shift = form >> 3 & 7;
    if (form >> 6 || spec->form > 1) mote_rd_fail(r, MOTE_ERR_RESERVED);
    if (spec->shift > 4 || spec->bits + spec->shift > 16) mote_rd_fail(r, MOTE_ERR_TABLE);
    spec->lo = (int32_t)mote_rd_zigzag(r, MOTE_TABLE_LO_MAX, MOTE_ERR_TABLE);
    if (spec->form) {
        spec->shape = mote_rd_u8(r);
        spec->mean = (int32_t)mote_rd_zigzag(r, MOTE_TABLE_MEAN_MAX, MOTE_ERR_TABLE);
        spec->inverse = (uint32_t)mote_rd_varint_max(r, MOTE_TABLE_INVERSE_MAX, MOTE_ERR_TABLE);
        if (spec->shape >= MOTE_SHAPES || spec->inverse == 0) mote_rd_fail(r, MOTE_ERR_TABLE);
    } else {
        uint32_t left = (uint32_t)1 << spec->bits;
        for (unsigned i = 0; i < MOTE_SYMBOLS - 1; i++) {
            spec->freq[i] = (uint16_t)mote_rd_varint_max(r, left, MOTE_ERR_TABLE);
            left -= spec->freq[i];
        }
        spec->freq[MOTE_SYMBOLS - 1] = (uint16_t)left;
    }
}

/* C(E) of the spec, 16 bits */
static uint32_t cumulative(const mote_table_spec *s, int32_t e)
{
    uint64_t product = (uint64_t)(uint32_t)(e < 0 ? -e : e) * s->inverse;
    uint32_t t = product >> 12 > 32767 ? 32767 : (uint32_t)(product >> 12);
    const uint16_t *g = &mote_shape_cdf[s->shape][t >> 9];
    uint32_t h = g[0] + (((uint32_t)(g[1] - g[0]) * (t & 511)) >> 9);
    return e < 0 ? 32768 - (h >> 1) : 32768 + (h >> 1);
}

/* c(i) of the spec: what lies below symbol i */
static uint16_t edge(const mote_table_spec *s, int32_t i)
{
    return (uint16_t)(cumulative(s, 8 * (s->lo + i * (1 << s->shift)) - 4 - s->mean) >> (16 - s->bits));
}

mote_status mote_table_build(mote_table *t, const mote_table_spec *spec, int32_t vmin, int32_t vmax, bool escapes)
{
    if (spec->bits + spec->shift > 16 || spec->shape >= MOTE_SHAPES) return MOTE_ERR_TABLE;
    t->lo = spec->lo;
    t->shift = spec->shift;
    t->bits = spec->bits;
    t->cum[0] = 0;
    uint16_t *f = t->cum + 1; /* frequencies first, summed up in place at the end */
    if (spec->form == 0) {
        memcpy(f, spec->freq, sizeof spec->freq);
    } else {
        int32_t left = (int32_t)1 << spec->bits;
        uint16_t below = escapes ? edge(spec, 0) : 0;
        for (int32_t i = 0; i < MOTE_SYMBOLS - 1; i++) {
            uint16_t c = edge(spec, i + 1);
            f[i] = (uint16_t)(c - below);
            left -= f[i];
            below = c;
        }
        f[MOTE_SYMBOLS - 1] = (uint16_t)left;

        unsigned largest = 0;
        left = (int32_t)1 << spec->bits;
        for (int32_t i = 0; i < MOTE_SYMBOLS; i++) {
            int32_t first = spec->lo + i * (1 << spec->shift), last = first + (1 << spec->shift) - 1;
            if ((last < vmin || first > vmax) && !(escapes && i == MOTE_SYMBOLS - 1))
                f[i] = 0;
            else if (f[i] == 0)
                f[i] = 1;
            if (f[i] > f[largest]) largest = (unsigned)i;
            left -= f[i];
        }
        f[largest] = (uint16_t)(f[largest] + left); /* the surplus is at most 16, the largest then more than 2^P / 16 */
    }
    for (unsigned i = 0; i < MOTE_SYMBOLS; i++) t->cum[i + 1] = (uint16_t)(t->cum[i + 1] + t->cum[i]);
    return t->cum[MOTE_SYMBOLS] == 1u << spec->bits ? MOTE_OK : MOTE_ERR_TABLE;
}
