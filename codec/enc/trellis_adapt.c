/* SPDX-License-Identifier: Apache-2.0
 * What tables that adapt would make of levels: whether they are worth another pass over a tensor. Host only. */
#include "enc/trellis_adapt.h"

#include <stdlib.h>

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

/* One row of them: what they cost by tables that stay and by tables that learn. */
typedef struct cost {
    double fixed, learned;
} cost;

static void add_row(const mote_trellis_plan *p, const mote_trellis_rows *x, size_t r, const start *s, int16_t *tables,
                    mote_adapt_context *before, const float *log, cost *sum)
{
    const unsigned row = p->row_class ? p->row_class[x->row[r]] : 0, size = MOTE_ADAPT_TABLES * MOTE_SYMBOLS;
    const int32_t *level = x->level + r * x->cols;
    const uint8_t *quantiser = x->quantiser + r * x->cols;
    mote_adapt_context c = *before;
    for (size_t g = 0, at = 0, last; g < (x->order ? MOTE_COLUMN_CLASSES : 1u); g++, at = last) {
        last = x->order ? x->end[g] : x->cols;
        const unsigned pair = mote_trellis_index(p, row, (unsigned)g);
        const mote_pair_spec *w = &s[pair].window;
        const bool wide = p->pair[pair].wide;
        /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): all pairs are set */
        const int32_t zero = mote_adapt_zero(w->lo, w->shift);
        for (size_t i = at; i < last; i++) {
            const size_t place = x->order ? x->order[i] : i;
            const unsigned q = quantiser[place];
            uint32_t number;
            const unsigned own = mote_trellis_symbol(&p->pair[pair], p->escapes != 0, level[place], &number);
            unsigned k = wide ? mote_trellis_symbol(w, p->escapes != 0, level[place], &number) : own;
            if (k >= MOTE_SYMBOLS) k = MOTE_SYMBOLS - 1;
            int16_t *cum = tables + (size_t)pair * size + mote_adapt_place(c, q) * MOTE_SYMBOLS;
            const uint32_t to = k + 1 < MOTE_SYMBOLS ? mote_adapt_below(cum, k + 1) : 4096;
            sum->fixed += (double)s[pair].bits[q][own & 31];
            sum->learned += (double)w->shift + (double)log[to - mote_adapt_below(cum, k)];
            mote_adapt_learn(cum, k);
            c = mote_adapt_after(c, k, zero);
        }
    }
    *before = c;
}

mote_status mote_trellis_adaptive_share(const mote_trellis_plan *p, const mote_trellis_rows *x, const float *log,
                                        double *share)
{
    start *s = malloc(MOTE_PAIRS_MAX * sizeof *s);
    int16_t *tables = malloc((size_t)MOTE_PAIRS_MAX * MOTE_ADAPT_TABLES * MOTE_SYMBOLS * sizeof *tables);
    mote_adapt_context before = { 0 };
    cost sum = { 0 };
    bool ok = s && tables;
    for (unsigned i = 0; i < p->n_pairs && ok; i++)
        ok = begin(&s[i], p, i, tables + (size_t)i * MOTE_ADAPT_TABLES * MOTE_SYMBOLS);
    for (size_t r = 0; r < x->rows && ok; r++) add_row(p, x, r, s, tables, &before, log, &sum);
    *share = ok && sum.fixed > 0 ? sum.learned / sum.fixed : 1;
    const mote_status st = s && tables ? MOTE_OK : MOTE_ERR_NOMEM;
    free(s);
    free(tables);
    return st;
}
