/* SPDX-License-Identifier: Apache-2.0
 * The search for the levels of a trellis-coded sequence: the path of least distortion + lambda * bits. It knows nothing
 * of planes, tables or files: prices come as numbers, levels leave as integers. Host only. */
#ifndef MOTE_ENC_TRELLIS_SEARCH_H
#define MOTE_ENC_TRELLIS_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOTE_TRELLIS_STATES_MAX 2048
#define MOTE_PRICE_SPAN 256 /* levels -256 .. 255 have prices of their own: the widest window */

/** Prices of the levels of one pair of tables, in bits. */
typedef struct mote_level_prices {
    float bits[2][2 * MOTE_PRICE_SPAN]; /**< [quantiser][level + MOTE_PRICE_SPAN]; 1e6 forbids a level */
    float beyond[2][2];                 /**< [quantiser][parity] of any level outside the span */
} mote_level_prices;

/** What the decoder does: states and reconstruction. */
typedef struct mote_trellis {
    unsigned states; /**< 1, or a power of two, 8 .. MOTE_TRELLIS_STATES_MAX */
    unsigned h0, h1; /**< feedback masks; h1 < states, states <= h0 < 2 states */
    bool zero;       /**< second quantiser: odd multiples and zero; else odd multiples only */
    float offset[4]; /**< value v of |v| = 1..3 steps is rebuilt as sign(v) (|v| + offset[|v|]); [0] unused */
} mote_trellis;

/** The value of level k in quantiser q, in steps, without offsets. */
static inline int32_t mote_trellis_multiple(const mote_trellis *t, unsigned q, int32_t k)
{
    if (!q) return 2 * k;
    return t->zero ? 2 * k - (k > 0) + (k < 0) : 2 * k + 1;
}

/** The state after a level of this parity. */
static inline unsigned mote_trellis_next(const mote_trellis *t, unsigned state, int32_t k)
{
    return state >> 1 ^ (state & 1 ? t->h0 >> 1 : 0) ^ (k & 1 ? t->h1 >> 1 : 0);
}

/** The inner loops: plain C, AVX2 (NULL if this is another machine), and the fastest that t can have. */
typedef struct mote_trellis_steps mote_trellis_steps;
const mote_trellis_steps *mote_trellis_steps_plain(void);
const mote_trellis_steps *mote_trellis_steps_avx2(void);
const mote_trellis_steps *mote_trellis_steps_best(const mote_trellis *t);

/** Bytes of workspace, the same for every length. */
size_t mote_trellis_bytes(unsigned states);

/** Values, and where their levels go. */
typedef struct mote_sequence {
    const float *x;       /**< [n], in steps, |x| < 2^21 */
    const uint8_t *table; /**< [n] indices into prices; NULL: all 0 */
    const float *weight;  /**< [n] of squared errors; NULL: all 1 */
    size_t n;
    int32_t *level;     /**< out, [n] */
    uint8_t *quantiser; /**< out, [n], of each level */
} mote_sequence;

/**
 * Find the levels of n sequences, each of which starts in state 0 and ends in any.
 *
 * Computes  argmin of the sum of weight[i] (x[i] - value[i])^2 + lambda * bits[i] over all paths; survivors are
 *           decided a window of some thousand values behind, which costs nothing measurable
 * Source    A. J. Viterbi, 1967; M. W. Marcellin, T. R. Fischer, Trellis coded quantization, 1990
 * Units     lambda in squared steps a bit
 * work      mote_trellis_bytes(), aligned to 32
 * Errors    none; in each quantiser one parity at least must have finite prices everywhere
 * Bits      the same on every machine and with all steps: sums and minima of binary32 in a fixed order
 */
void mote_trellis_search(const mote_trellis_steps *steps, const mote_trellis *t, const mote_sequence *s, size_t n,
                         const mote_level_prices *prices, float lambda, void *work);

/** A sequence and what a search has found for it. */
typedef struct mote_found {
    const float *x, *weight; /**< in steps; NULL: all 1 */
    const int32_t *level;
    const uint8_t *quantiser;
    uint16_t *place; /**< out: quantiser * 512 + level + MOTE_PRICE_SPAN, the latter kept in 0..511 */
    float *rebuilt;  /**< out, if not NULL (it may be x): multiples of `step`, those below 4 as `near` says */
    float step, near[4];
} mote_found;

/** Sums over sequences; zero-initialise. By |value| 1..3: errors outwards in steps without offsets, how many. */
typedef struct mote_found_sums {
    double error, weighted; /**< squared steps, offsets applied; the same with weights */
    double sum[4], n[4];
} mote_found_sums;

/** Fill in places and add to the sums: the same bits on every machine. True: levels lie outside the span. */
bool mote_trellis_look(const mote_trellis_steps *steps, const mote_trellis *t, const mote_found *f, size_t n,
                       mote_found_sums *sums);

#endif
