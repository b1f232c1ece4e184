/* SPDX-License-Identifier: Apache-2.0
 * What tables that adapt would make of levels: whether they are worth another pass over a tensor. Host only. */
#include "enc/trellis_adapt.h"

#include <stdlib.h>

#include "enc/cost.h"
#include "kern/adapt.h"

/* A pair as its tables would begin. */
typedef struct start {
    float bits[2][MOTE_PAIR_SYMBOLS_MAX]; /* of its own tables */
    mote_table table[2];                  /* of 16 symbols, one for two of 32 */
    mote_pair_spec window;
} start;

static bool begin(start *s, const mote_trellis_plan *p, unsigned pair, int16_t *cum)
{
    const mote_pair_spec *from = &p->pair[pair];
    s->window = *from;
    s->window.shift = (uint8_t)(from->shift + from->wide);
    if (s->window.shift > 4) return false;
    for (unsigned q = 0; q < 2; q++) {
        mote_table t[2];
        const unsigned of = p->h0 ? q : 0;
        if (!mote_trellis_symbol_bits(p, pair, of, s->bits[q]) ||
            mote_pair_build(t, from, &p->family, pair, of, p->zero, p->escapes != 0) != MOTE_OK)
            return false;
        for (unsigned k = 0; k < MOTE_SYMBOLS; k++) {
            const unsigned at = from->wide ? 2 * k : k;
            s->table[q].cum[k] = t[at / MOTE_SYMBOLS].cum[at % MOTE_SYMBOLS];
        }
    }
    s->window.wide = false;
    const mote_pair of = { .q = { &s->table[0], &s->table[1] } };
    mote_adapt_begin(cum, &of);
    return true;
}

mote_status mote_trellis_adaptive_share(const mote_trellis_plan *p, const mote_extent *e, const uint32_t *order,
                                        const uint32_t *end, const int32_t *level, double *share)
{
    start *s = malloc(MOTE_PAIRS_MAX * sizeof *s);
    int16_t *tables = malloc((size_t)MOTE_PAIRS_MAX * MOTE_ADAPT_TABLES * MOTE_SYMBOLS * sizeof *tables);
    const unsigned lanes = mote_plane_lanes(p->coder), size = MOTE_ADAPT_TABLES * MOTE_SYMBOLS;
    uint32_t state[32] = { 0 };
    mote_adapt_context c = { 0 };
    double fixed = 0, learned = 0;
    bool ok = s && tables;
    for (unsigned i = 0; i < p->n_pairs && ok; i++) ok = begin(&s[i], p, i, tables + (size_t)i * size);
    for (size_t r = 0; r < e->rows && ok; r++, level += e->cols) {
        const unsigned row = p->row_class ? p->row_class[e->row + r] : 0;
        for (size_t g = 0, at = 0, last; g < (order ? MOTE_COLUMN_CLASSES : 1u); g++, at = last) {
            last = order ? end[g] : e->cols;
            const unsigned pair = mote_trellis_index(p, row, (unsigned)g);
            const mote_pair_spec *w = &s[pair].window;
            for (size_t i = at; i < last; i++) {
                const int32_t k = level[order ? order[i] : i];
                uint32_t *x = &state[(i - at) & (lanes - 1)], number;
                const unsigned q = *x & 1, own = mote_trellis_symbol(&p->pair[pair], p->escapes != 0, k, &number);
                unsigned symbol = mote_trellis_symbol(w, p->escapes != 0, k, &number);
                if (symbol >= MOTE_SYMBOLS) symbol = MOTE_SYMBOLS - 1;
                int16_t *cum = tables + (size_t)pair * size + mote_adapt_place(c, q) * MOTE_SYMBOLS;
                const uint32_t to = symbol + 1 < MOTE_SYMBOLS ? mote_adapt_below(cum, symbol + 1) : 4096;
                fixed += (double)s[pair].bits[q][own & 31];
                learned += w->shift + MOTE_PAIR_BITS - mote_log2(to - mote_adapt_below(cum, symbol));
                mote_adapt_learn(cum, symbol);
                c = mote_adapt_after(c, symbol, mote_adapt_zero(w->lo, w->shift));
                *x = mote_trellis_state(p, *x, k);
            }
        }
    }
    *share = ok && fixed > 0 ? learned / fixed : 1;
    const mote_status st = s && tables ? MOTE_OK : MOTE_ERR_NOMEM;
    free(s);
    free(tables);
    return st;
}
