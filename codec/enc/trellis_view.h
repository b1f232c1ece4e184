/* SPDX-License-Identifier: Apache-2.0
 * The levels of a pair of tables seen through windows: which 16 or 32 symbols suit them, for the family and for weights
 * of its own. Host only. */
#ifndef MOTE_ENC_TRELLIS_VIEW_H
#define MOTE_ENC_TRELLIS_VIEW_H

#include "enc/trellis_fit.h"

/** The counts of a pair and the windows that suit them. */
typedef struct mote_level_view {
    const uint64_t (*n)[MOTE_LEVELS]; /* [2] */
    const mote_far_level *far;        /* those of all pairs */
    size_t n_far;
    uint8_t pair;
    int first, last;                         /* places of the least and the largest level that occur, both quantisers */
    uint64_t all;                            /* levels */
    mote_pair_spec family, own;              /* windows for either form; own with its weights */
    double own_bits;                         /* with its own weights and their bytes */
    double symbol[2][MOTE_PAIR_SYMBOLS_MAX]; /* counts in the family's window */
    double rest;                             /* bits beside the symbols in the family's window */
} mote_level_view;

static inline unsigned mote_pair_symbols(const mote_pair_spec *s)
{
    return s->wide ? MOTE_PAIR_SYMBOLS_MAX : MOTE_PAIR_SYMBOLS_MAX / 2;
}

/** Bits of a pair with weights of its own, as written: one table or two. */
static inline double mote_pair_own_bits(const mote_pair_spec *s, unsigned tables)
{
    return 8.0 * tables * mote_pair_symbols(s) + 16;
}

/**
 * Look at a pair's levels; windows are chosen if there are any. Of p: h0, escapes, adapts; keep: the windows' sizes too.
 * Borrows h.
 */
void mote_level_view_make(mote_level_view *v, const mote_level_counts *h, unsigned pair, const mote_trellis_plan *p,
                          bool keep);

/** Counts of the symbols of a window; returns the bits that come with them, or MOTE_IMPOSSIBLE. */
double mote_level_view_count(const mote_level_view *v, const mote_pair_spec *s, bool escapes,
                             double symbol[2][MOTE_PAIR_SYMBOLS_MAX]);

#endif
