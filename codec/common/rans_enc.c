/* SPDX-License-Identifier: Apache-2.0
 * The rANS encoder. Its result is unique: same tokens and tables, same bytes. Device code.
 *
 * Source  J. Duda, arXiv 1311.2540, section 3.3; division by multiplication after T. Granlund and P. Montgomery,
 *         PLDI 1994 */
#include "common/rans.h"

#include "base/le.h"

void mote_enc_table_init(mote_enc_table *e, const mote_table *t)
{
    e->shift = t->shift;
    e->bits = t->bits;
    e->lo = t->lo;
    for (unsigned i = 0; i < MOTE_SYMBOLS; i++) {
        uint32_t f = (uint32_t)t->cum[i + 1] - t->cum[i], rshift = 0;
        while (f > 1u << rshift) rshift++;
        /*
         * With k = 32 + rshift, 2^rshift >= f, and reciprocal = (2^k + d) / f for a d in 0..f-1:
         * x * reciprocal / 2^k = x / f + x d / (f 2^k), and x d < 2^32 f <= 2^k adds less than 1 / f: the floor is exact.
         * x < f 2^(32-P) keeps the product below 2^(32-P) (2^k + d) <= 2^64, as rshift <= P and x / f <= 2^(32-P) - 1/f.
         */
        e->sym[i].freq = f;
        e->sym[i].cum = t->cum[i];
        e->sym[i].limit = (uint64_t)f << (32 - t->bits - t->shift);
        e->sym[i].reciprocal = f ? (((uint64_t)1 << (32 + rshift)) + f - 1) / f : 0;
        e->sym[i].rshift = rshift;
    }
}

void mote_rans_enc_init(mote_rans_enc *e, unsigned lanes, uint8_t *buf, size_t bytes)
{
    *e = (mote_rans_enc){ .begin = buf, .p = buf + bytes, .end = buf + bytes, .lanes = lanes };
    for (unsigned i = 0; i < lanes; i++) e->x[i] = MOTE_RANS_LOW;
}

/* Spec codecs.md 3.4 */
void mote_rans_put_row(mote_rans_enc *e, const mote_enc_table *t, const mote_token *token, size_t n)
{
    const unsigned shift = t->shift, bits = t->bits;
    uint8_t *p = e->p;
    if (n > 0) e->used = true;
    if (e->st != MOTE_OK) return;
    for (size_t i = n; i-- > 0;) {
        uint32_t *state = &e->x[i & (e->lanes - 1)], x = *state; /* lanes is a power of two */
        const uint32_t symbol = token[i].symbol, f = t->sym[symbol].freq;
        const uint32_t over = x >= t->sym[symbol].limit; /* nobody can foresee it, so there is no branch */
        if (p - e->begin < 2) {                          /* the states would not fit either */
            e->st = MOTE_NEED_OUTPUT;
            return;
        }
        mote_put16(p - 2, x);
        p -= 2 * over;
        x = x >> 16 * over << shift | token[i].low;
        uint32_t q = (uint32_t)((x * t->sym[symbol].reciprocal) >> 32 >> t->sym[symbol].rshift);
        *state = (q << bits) + t->sym[symbol].cum + (x - q * f);
    }
    e->p = p;
}

mote_status mote_rans_finish(mote_rans_enc *e, const uint8_t **data, size_t *bytes)
{
    if (e->used) {
        if (e->st == MOTE_OK && (size_t)(e->p - e->begin) < 4 * (size_t)e->lanes) e->st = MOTE_NEED_OUTPUT;
        if (e->st != MOTE_OK) return e->st;
        e->p -= 4 * (size_t)e->lanes;
        for (unsigned i = 0; i < e->lanes; i++) mote_put32(e->p + 4 * (size_t)i, e->x[i]);
    }
    *data = e->p;
    *bytes = (size_t)(e->end - e->p);
    return MOTE_OK;
}
