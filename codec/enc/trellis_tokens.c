/* SPDX-License-Identifier: Apache-2.0
 * Levels to tokens along the states, tokens to words by rANS. Host only. */
#include <string.h>

#include "base/le.h"
#include "enc/trellis_write.h"
#include "kern/adapt.h"

#define SPAN MOTE_PRICE_SPAN

unsigned mote_trellis_symbol(const mote_pair_spec *s, bool escapes, int32_t k, uint32_t *number)
{
    const int32_t u = k - s->lo, t = u >= 0 ? u >> s->shift : -((-u - 1) >> s->shift) - 1, n = s->wide ? 32 : 16;
    if (t >= 0 && t < (escapes ? n - 2 : n)) return (unsigned)t;
    if (!escapes) return (unsigned)n; /* there is none */
    const int32_t a = n - 2 + (t & 1);
    *number = (uint32_t)(t >= 0 ? t - a : a - n + 1 - t);
    return (unsigned)a;
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

static mote_trellis_token token_of(const mote_pair_spec *s, unsigned q, unsigned symbol, int32_t k)
{
    return (mote_trellis_token)(((uint32_t)(k - s->lo) & ((1u << s->shift) - 1)) | symbol << 4 | q << 9);
}

/* Levels of symbols of their own that have a frequency. Any value of them may be too large: the largest is looked at. */
static void set_tokens(mote_trellis_code *c, unsigned pair, unsigned q)
{
    const mote_trellis_plan *p = c->p;
    const mote_pair_spec *s = &p->pair[pair];
    mote_trellis_token *to = c->token[pair][q];
    const int32_t n = (s->wide ? 32 : 16) - (p->escapes ? 2 : 0);
    for (int32_t k = 0; k < 2 * SPAN; k++) to[k] = MOTE_TOKEN_FAR;
    for (int32_t k = s->lo; k < s->lo + n * (1 << s->shift); k++) {
        const unsigned symbol = (unsigned)((k - s->lo) >> s->shift);
        const int32_t v = mote_trellis_value(p->zero, q, k);
        const bool fits = (uint32_t)(v < 0 ? -v : v) <= p->largest;
        if (k >= -SPAN && k < SPAN && fits && c->symbol[pair][q][symbol].freq) to[k + SPAN] = token_of(s, q, symbol, k);
    }
}

mote_status mote_trellis_tokens_init(mote_trellis_code *c)
{
    const mote_trellis_plan *p = c->p;
    for (unsigned i = 0; i < p->n_pairs; i++)
        for (unsigned q = 0; q < (p->h0 ? 2u : 1u); q++) {
            mote_table t[2];
            const mote_status st = mote_pair_build(t, &p->pair[i], &p->family, i, q, p->zero, p->escapes != 0);
            if (st != MOTE_OK) return st;
            memset(c->symbol[i][q], 0, sizeof c->symbol[i][q]);
            for (unsigned half = 0; half <= p->pair[i].wide; half++) {
                mote_enc_table e;
                mote_enc_table_init(&e, &t[half]);
                for (unsigned k = 0; k < MOTE_SYMBOLS; k++)
                    c->symbol[i][q][half * MOTE_SYMBOLS + k] =
                        (mote_coded_symbol){ .reciprocal = e.sym[k].reciprocal,
                                             .freq = (uint16_t)e.sym[k].freq,
                                             .cum = (uint16_t)e.sym[k].cum,
                                             .rshift = (uint8_t)e.sym[k].rshift };
            }
            set_tokens(c, i, q);
            c->first[i][q] = t[0];
        }
    return MOTE_OK;
}

/* --- tables that adapt: codecs.md 8.5 ----------------------------------------------------------------------------- */

static void begin_adaptive(const mote_trellis_code *c)
{
    const mote_trellis_plan *p = c->p;
    for (unsigned i = 0; c->adaptive && i < p->n_pairs; i++) {
        const mote_pair pair = { .q = { &c->first[i][0], &c->first[i][p->h0 ? 1 : 0] } };
        mote_adapt_begin(c->adaptive + i * MOTE_ADAPT_TABLES * MOTE_SYMBOLS, &pair);
    }
}

/* The frequency that a symbol of the pair has after the values before, and what its table learns. */
static uint32_t adapt(const mote_trellis_code *c, unsigned k, unsigned pair, unsigned q, mote_adapt_context *before)
{
    const mote_pair_spec *s = &c->p->pair[pair];
    int16_t *cum = c->adaptive + (pair * MOTE_ADAPT_TABLES + mote_adapt_place(*before, q)) * (size_t)MOTE_SYMBOLS;
    const uint32_t from = mote_adapt_below(cum, k);
    const uint32_t to = k + 1 < MOTE_SYMBOLS ? mote_adapt_below(cum, k + 1) : 1u << MOTE_PAIR_BITS;
    mote_adapt_learn(cum, k);
    *before = mote_adapt_after(*before, k, mote_adapt_zero(s->lo, s->shift));
    return from | (to - from) << 16;
}

/* --- tokens ------------------------------------------------------------------------------------------------------- */

/* A level without a token in the tables: what it escapes to. */
static mote_status find_far(const mote_trellis_code *c, unsigned pair, unsigned q, int32_t k, mote_trellis_token *to,
                            uint32_t *escape, size_t *n_escapes)
{
    const mote_trellis_plan *p = c->p;
    uint32_t number = UINT32_MAX;
    const unsigned symbol = mote_trellis_symbol(&p->pair[pair], p->escapes != 0, k, &number);
    const int32_t v = mote_trellis_value(p->zero, q, k);
    if (symbol >= (p->pair[pair].wide ? 32u : 16u) || (uint32_t)(v < 0 ? -v : v) > p->largest) return MOTE_ERR_VALUE;
    if (!c->adaptive && c->symbol[pair][q][symbol].freq == 0) return MOTE_ERR_VALUE;
    if (number != UINT32_MAX) {
        if (number > MOTE_ESCAPE_MAX) return MOTE_ERR_VALUE;
        escape[(*n_escapes)++] = number;
    }
    *to = token_of(&p->pair[pair], q, symbol, k);
    return MOTE_OK;
}

mote_status mote_trellis_tokens_find(const mote_trellis_code *c, const mote_extent *e, const int32_t *level,
                                     mote_trellis_token *to, uint32_t *learned, uint32_t *escape, size_t *n_escapes)
{
    const mote_trellis_plan *p = c->p;
    uint32_t state[MOTE_LANES_MAX] = { 0 };
    mote_adapt_context before = { 0 };
    const unsigned lanes = mote_plane_lanes(p->coder);
    const uint32_t h[2][2] = { { 0, p->h1 >> 1 }, { p->h0 >> 1, p->h0 >> 1 ^ p->h1 >> 1 } };
    begin_adaptive(c);
    for (size_t r = 0; r < e->rows; r++, level += e->cols) {
        const unsigned row = p->row_class ? p->row_class[e->row + r] : 0;
        for (size_t g = 0, at = 0, end; g < MOTE_COLUMN_CLASSES; g++, at = end) {
            end = p->col_class ? c->end[g] : e->cols;
            const unsigned pair = mote_trellis_index(p, row, (unsigned)g);
            const mote_trellis_token *token = c->token[pair][0] + SPAN;
            for (size_t i = at; i < end; i++, to++) {
                const int32_t k = level[p->col_class ? c->order[i] : i];
                uint32_t *s = &state[(i - at) & (lanes - 1)];
                const unsigned q = *s & 1;
                *to = k >= -SPAN && k < SPAN ? token[(int32_t)q * 2 * SPAN + k] : MOTE_TOKEN_FAR;
                *s = *s >> 1 ^ h[q][k & 1];
                if (*to & MOTE_TOKEN_FAR) {
                    const mote_status st = find_far(c, pair, q, k, to, escape, n_escapes);
                    if (st != MOTE_OK) return st;
                }
                if (learned) *learned++ = adapt(c, *to >> 4 & 31, pair, q, &before);
            }
        }
    }
    return MOTE_OK;
}

/* --- words -------------------------------------------------------------------------------------------------------- */

/* Spec codecs.md 3.4: a run of one pair, backwards. A token emits a word at most, for which there is room. */
static void put_run(mote_rans_enc *e, const mote_coded_symbol *symbol, unsigned shift, const mote_trellis_token *t,
                    size_t n)
{
    const unsigned mask = e->lanes - 1;
    uint8_t *p = e->p;
    for (size_t i = n; i-- > 0;) {
        const mote_coded_symbol *k = &symbol[t[i] >> 4];
        uint32_t x = e->x[i & mask];
        const uint32_t over = x >> (32 - MOTE_PAIR_BITS - shift) >= k->freq; /* nobody can foresee it: no branch */
        mote_put16(p - 2, x);
        p -= 2 * over;
        x = x >> 16 * over << shift | (t[i] & 15u);
        const uint32_t q = (uint32_t)((x * k->reciprocal) >> 32 >> k->rshift);
        e->x[i & mask] = (q << MOTE_PAIR_BITS) + k->cum + (x - q * k->freq);
    }
    e->p = p;
}

/* The same with frequencies that have been learned. */
static void put_learned(mote_rans_enc *e, const uint32_t *learned, unsigned shift, const mote_trellis_token *t,
                        size_t n)
{
    const unsigned mask = e->lanes - 1;
    for (size_t i = n; i-- > 0;) {
        const uint32_t freq = learned[i] >> 16, from = learned[i] & 0xFFFF;
        uint32_t x = e->x[i & mask];
        if (x >> (32 - MOTE_PAIR_BITS - shift) >= freq) {
            e->p -= 2;
            mote_put16(e->p, x);
            x >>= 16;
        }
        x = x << shift | (t[i] & 15u);
        e->x[i & mask] = (x / freq << MOTE_PAIR_BITS) + from + x % freq;
    }
}

void mote_trellis_tokens_put(const mote_trellis_code *c, const mote_extent *e, const mote_trellis_token *t,
                             const uint32_t *learned, mote_plane_writer *w)
{
    const mote_trellis_plan *p = c->p;
    const uint8_t *data;
    size_t bytes;
    mote_rans_enc x;
    mote_rans_enc_init(&x, mote_plane_lanes(p->coder), w->words, w->words_bytes);
    x.used = e->rows * e->cols > 0;
    for (size_t r = e->rows; r-- > 0;) {
        const unsigned row = p->row_class ? p->row_class[e->row + r] : 0;
        size_t end = e->cols;
        for (unsigned g = p->col_class ? MOTE_COLUMN_CLASSES : 1; g-- > 0;) {
            const size_t at = g ? c->end[g - 1] : 0, from = r * e->cols + at;
            const unsigned pair = mote_trellis_index(p, row, g), shift = p->pair[pair].shift;
            if (learned)
                put_learned(&x, learned + from, shift, t + from, end - at);
            else
                put_run(&x, c->symbol[pair][0], shift, t + from, end - at);
            end = at;
        }
    }
    mote_status st = mote_rans_finish(&x, &data, &bytes);
    if (st != MOTE_OK && w->out->st == MOTE_OK) w->out->st = st;
    if (st != MOTE_OK) return;
    mote_plane_begin(w, bytes);
    mote_wr_bytes(w->out, data, bytes);
    w->parts.symbols += bytes;
}
