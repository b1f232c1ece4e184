/* SPDX-License-Identifier: Apache-2.0
 * From counts of levels to the tables of pairs: one family of shapes for all of them, and weights of its own for a pair
 * that gains by it. Host only. */
#ifndef MOTE_ENC_TRELLIS_FIT_H
#define MOTE_ENC_TRELLIS_FIT_H

#include "enc/table_fit.h"
#include "enc/trellis_plan.h"
#include "enc/trellis_search.h"

#define MOTE_LEVELS (2 * MOTE_PRICE_SPAN)

/** A level beyond the span. */
typedef struct mote_far_level {
    int32_t level;
    uint8_t pair, q;
} mote_far_level;

/** Counts of levels by pair and quantiser; those beyond the span are listed. */
typedef struct mote_level_counts {
    uint64_t n[MOTE_PAIRS_MAX][2][MOTE_LEVELS];
    float log[(1 << MOTE_PAIR_BITS) + 1]; /* bits of each frequency but 0 */
    mote_far_level *far;
    size_t n_far, room;
} mote_level_counts;

/** Zero-initialised memory becomes counts of nothing. */
void mote_level_counts_init(mote_level_counts *h);
/** Forget what was counted, for n pairs. */
void mote_level_counts_clear(mote_level_counts *h, unsigned n);
void mote_level_counts_free(mote_level_counts *h);
/**
 * Count n levels of those pairs, with places as mote_trellis_look() leaves them.
 *
 * far     some lie beyond the span
 * Errors  NOMEM; LIMIT: there are too many of these for it to be worth while
 */
mote_status mote_level_counts_add(mote_level_counts *h, const uint8_t *pair, const uint16_t *place,
                                  const int32_t *level, size_t n, bool far) MOTE_MUST_CHECK;

/** The largest |value| of what was counted for n pairs. zero: quantiser 1 has it */
uint32_t mote_level_counts_largest(const mote_level_counts *h, unsigned n, bool zero);

/** Bits of what was counted by an ideal coder that knows pair and quantiser of each level; levels beyond the span are one. */
double mote_level_counts_bits(const mote_level_counts *h, unsigned n);

/** A little, some, or the family is a mere guess: all shapes are tried. */
typedef enum mote_fit_effort { MOTE_FIT_LITTLE, MOTE_FIT_SOME, MOTE_FIT_FRESH } mote_fit_effort;

/**
 * Choose the family and the pairs of p (whose zero, n_pairs and escapes stand) by what was counted, beginning with the
 * family that stands there.
 *
 * effort  how far parameters may be from what they should be
 * Returns bits of the levels and of the tables as written
 */
double mote_trellis_fit(mote_trellis_plan *p, const mote_level_counts *h, mote_fit_effort effort);

/** Bits of the tables in what mote_trellis_fit() has returned, about as they are written. */
double mote_trellis_table_bits(const mote_trellis_plan *p);

/** How escapes are coded: p->escapes and p->escape for the tables that p has. Where nothing escapes, tables without. NOMEM. */
mote_status mote_trellis_fit_escapes(mote_trellis_plan *p, const mote_level_counts *h, double segments) MOTE_MUST_CHECK;

/** Prices of all levels in all pairs, prices[p->n_pairs]; a level that cannot be coded is merely dear. */
void mote_trellis_price(const mote_trellis_plan *p, mote_level_prices *prices);

/** The family whose pair 0 has that variance in squared steps: what a fit begins with. */
void mote_trellis_guess(mote_trellis_plan *p, double variance);

#endif
