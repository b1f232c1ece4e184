/* SPDX-License-Identifier: Apache-2.0
 * Reading and building entropy tables. Integers only: every reader builds the same tables. Device code. */
#include "common/tables.h"

#include <string.h>

/* Spec codecs.md 2.3 */
void mote_table_read(mote_rd *r, mote_table_spec *spec)
{
    memset(spec, 0, sizeof *spec);
    const unsigned form = mote_rd_u8(r);
    if (form & 0xC2) mote_rd_fail(r, MOTE_ERR_RESERVED);
    spec->form = form & 1;
    spec->bits = form & 4 ? 14 : 12;
    spec->shift = form >> 3 & 7;
    if (spec->bits + spec->shift > 16) mote_rd_fail(r, MOTE_ERR_TABLE);
    spec->lo = mote_rd_zigzag(r, MOTE_TABLE_LO_MAX, MOTE_ERR_TABLE);
    if (spec->form) {
        spec->shape = mote_rd_u8(r);
        spec->mean = mote_rd_zigzag(r, MOTE_TABLE_MEAN_MAX, MOTE_ERR_TABLE);
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

int32_t mote_shape_below(unsigned shape, uint32_t inverse, int32_t e)
{
    const uint64_t product = (uint64_t)(uint32_t)(e < 0 ? -e : e) * inverse;
    const uint32_t t = product >> 27 ? 32767 : (uint32_t)(product >> 12);
    unsigned z = 10; /* points lie twice as wide apart in each octave of the tail */
    while (t >> z > 7) z++;
    const uint16_t *g = &mote_shape_cdf[shape][(t >> z) + 4 * (z - 10)];
    const int32_t h = (int32_t)(g[0] + ((g[1] - g[0]) * (t - (t >> z << z)) >> z)) >> 1;
    return 32768 + (e < 0 ? -h : h);
}

mote_status mote_table_build(mote_table *t, const mote_table_spec *spec, int32_t vmin, int32_t vmax, bool escapes)
{
    uint16_t *cum = t->cum; /* first c(0) .. c(16), then frequencies, then what they sum up to */
    uint32_t sum = 0;
    if (spec->bits + spec->shift > 16 || spec->shape >= MOTE_SHAPES) return MOTE_ERR_TABLE;
    t->lo = spec->lo;
    t->shift = spec->shift;
    t->bits = spec->bits;
    if (spec->form == 0) {
        memcpy(cum, spec->freq, sizeof spec->freq);
    } else {
        const int32_t step = 1 << spec->shift;
        int32_t left = (int32_t)1 << spec->bits, first = spec->lo;
        unsigned largest = 0;
        int32_t e = 8 * first - 4 - spec->mean;
        for (unsigned i = 0; i < MOTE_SYMBOLS; i++, e += 8 * step)
            cum[i] = (uint16_t)(mote_shape_below(spec->shape, spec->inverse, e) >> (16 - spec->bits));
        if (!escapes) cum[0] = 0;
        cum[MOTE_SYMBOLS] = (uint16_t)(left + cum[0]); /* what lies below all symbols is the escape's too */
        for (unsigned i = 0; i < MOTE_SYMBOLS; i++, first += step) {
            int32_t n = cum[i + 1] - cum[i];
            if (n == 0) n = 1;
            if ((first + step <= vmin || first > vmax) && !(escapes && i == MOTE_SYMBOLS - 1)) n = 0;
            cum[i] = (uint16_t)n;
            left -= n;
            if (cum[i] > cum[largest]) largest = i;
        }
        cum[largest] = (uint16_t)(cum[largest] + left); /* surplus: 16 at most, the largest then over 2^P / 16 */
    }
    for (unsigned i = 0; i < MOTE_SYMBOLS; i++) {
        const uint32_t n = cum[i];
        cum[i] = (uint16_t)sum;
        sum += n;
    }
    cum[MOTE_SYMBOLS] = (uint16_t)sum;
    return sum == 1u << spec->bits ? MOTE_OK : MOTE_ERR_TABLE;
}
