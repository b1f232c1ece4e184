/* SPDX-License-Identifier: Apache-2.0
 * The two inner loops of the trellis search behind function pointers, so that plain C and SIMD can be compared. Host
 * only. */
#ifndef MOTE_ENC_TRELLIS_STEPS_H
#define MOTE_ENC_TRELLIS_STEPS_H

#include "enc/trellis_search.h"

#define MOTE_TRELLIS_RENORM 64 /* values after which the least metric is taken off all of them */
#define MOTE_FOUND_LANES 8     /* sums of every eighth value */

struct mote_trellis_steps {
    /** For each of n values, the best level and its cost in each (quantiser, parity). */
    void (*candidates)(const mote_trellis *t, const float *x, const uint8_t *table, const float *weight, size_t n,
                       const mote_level_prices *prices, float lambda, float cost[][4], int32_t level[][4]);
    /**
     * Add, compare, select over n values. With even[u], odd[u] the metrics of states 2u, 2u + 1 (all even ones first)
     * and g = h >> 1, g0 without its uppermost bit:
     *   low[u]  = min(even[u] + cost[0], even[u ^ g1] + cost[1])     state u
     *   high[u] = min(odd[u] + cost[2], odd[u ^ g1] + cost[3])       state half + (u ^ g0)
     * Bit u of the choices, states / 8 bytes a value, tells that the second was smaller; those of high follow those of
     * low. The metrics end in `metric`; both arrays are aligned to 32.
     */
    void (*select)(const mote_trellis *t, float *metric, float *other, const float cost[][4], uint8_t *choice,
                   size_t n);
    /** The same for two sequences at once, eight states, n a multiple of MOTE_TRELLIS_RENORM; NULL: there is none. */
    void (*select_two)(const mote_trellis *t, float *metric_a, float *metric_b, const float cost_a[][4],
                       const float cost_b[][4], uint8_t *choice_a, uint8_t *choice_b, size_t n);
    /**
     * mote_trellis_look() for some thousand values. Value i adds to part[..][i % 8]: its squared error in part[0], by
     * |value| 1..3 its error in part[|value|] and 1 to of[|value|], its weighted squared error in part[4] (of weights).
     */
    bool (*look)(const mote_trellis *t, const mote_found *f, size_t n, float part[][MOTE_FOUND_LANES], uint32_t of[4]);
};

/** What value v is rebuilt as, in steps. */
static inline float mote_trellis_rebuilt(const mote_trellis *t, int32_t v)
{
    if (v > 3 || v < -3) return (float)v;
    return v < 0 ? (float)v - t->offset[-v] : (float)v + (v ? t->offset[v] : 0);
}

#endif
