/* SPDX-License-Identifier: Apache-2.0
 * The family of tables that suits counts of levels: shape, scale, mean, and what the level 0 has beside its part of the
 * shape. Host only. */
#ifndef MOTE_ENC_TRELLIS_FAMILY_H
#define MOTE_ENC_TRELLIS_FAMILY_H

#include "enc/trellis_view.h"

/** Parameters while they are searched for: as in mote_family, zero as a factor. */
typedef struct mote_family_guess {
    unsigned shape;
    bool growing;
    double mean, inverse, zero[2];
} mote_family_guess;

/** One quantiser of a pair in the family's window: the symbols that matter, from the first to the last that occurs. */
typedef struct mote_family_side {
    unsigned n, zero_from, zero_to; /* symbols; those of level 0 */
    double count[MOTE_PAIR_SYMBOLS_MAX];
    double edge[MOTE_PAIR_SYMBOLS_MAX + 1]; /* eighths of a step */
    double bottom, top;                     /* of the window */
    double all, zeros, escaped;             /* counts, all with those that escape */
    /* by the guess that was looked at last */
    double weight[MOTE_PAIR_SYMBOLS_MAX], sum, zero_sum; /* without the factor of zero */
    double outside;                                      /* weight of escapes */
} mote_family_side;

/** What a family is fitted to. */
typedef struct mote_family_fit {
    const mote_level_view *view;
    const float *log;          /* bits of each frequency 1..2^MOTE_PAIR_BITS */
    bool used[MOTE_PAIRS_MAX]; /* by the family */
    unsigned n;
    bool escapes;
    unsigned shape; /* of the pieces */
    double base[32], slope[32];
    mote_family_side side[MOTE_PAIRS_MAX][2];
} mote_family_fit;

/** Borrows view[p->n_pairs] and log; all pairs with levels are used. */
void mote_family_fit_init(mote_family_fit *f, const mote_trellis_plan *p, const mote_level_view *view,
                          const float *log);
/** Improve a guess for the pairs that are used. Returns bits of their levels. */
double mote_family_fit_run(mote_family_fit *f, mote_family_guess *g, mote_fit_effort effort);
/** Bits of the levels of pair i. */
double mote_family_fit_pair(mote_family_fit *f, unsigned i, const mote_family_guess *g);

#endif
