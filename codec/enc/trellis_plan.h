/* SPDX-License-Identifier: Apache-2.0
 * Everything that a trellis-coded tensor consists of, and its way into records: what the analysis and the search decide
 * on one side, bytes on the other. Spec codecs.md 8. Host only. */
#ifndef MOTE_ENC_TRELLIS_PLAN_H
#define MOTE_ENC_TRELLIS_PLAN_H

#include "common/trellis.h"
#include "enc/records.h"

typedef struct mote_trellis_plan {
    /* the coded matrix */
    uint64_t rows, cols;
    uint8_t axis;  /**< 1: the tensor is its transposed */
    uint8_t dtype; /**< of the entry: F16, BF16, F32, F64 */
    /* the code */
    uint16_t h0, h1; /**< feedback masks; 0, 0: one state */
    bool zero;       /**< quantiser 1 has 0 and the odd values; else odd values only */
    /* reconstruction: value v of level k, times the step */
    float step;       /**< as mote_trellis_step_round() leaves it */
    int8_t offset[3]; /**< |v| = 1, 2, 3 lie that many 64ths of a step further out, -31..31; all 0: none are written */
    const uint16_t *scale; /**< binary16 of each row, by which the step is multiplied; NULL: none */
    uint32_t largest;      /**< |v| of the whole tensor, 1..MOTE_TRELLIS_LARGEST */
    /* classes: the pair of row r, column c is clamp(row_class[r] + col_class[c] - base, 0, n_pairs - 1) */
    const uint8_t *row_class; /**< 0..15 each; NULL: all 0 */
    const uint8_t *col_class; /**< 0..15 each; NULL: all 0. Only if rows are not cut and cols <= 65,535 */
    uint8_t base;             /**< 0..30 */
    uint8_t n_pairs;          /**< 1..MOTE_PAIRS_MAX */
    /* tables */
    mote_family family;
    mote_pair_spec pair[MOTE_PAIRS_MAX];
    uint8_t escapes;        /**< 0 none, 1 as varints, 2 through the table `escape` */
    mote_table_spec escape; /**< escapes 2 */
    bool adapts;            /**< tables adapt; no pair is wide */
    /* cuts: mote_trellis_cut() */
    uint8_t coder;      /**< RANS1, 8, 32; ADAPTIVE1 */
    uint64_t seg_elems; /**< codecs.md 1.1 */
} mote_trellis_plan;

/** The nearest step that can be written: a binary32 whose lowest byte is 0. */
float mote_trellis_step_round(float step);

/** The value of level k in quantiser q. */
static inline int32_t mote_trellis_value(bool zero, unsigned q, int32_t k)
{
    return 2 * k + (q ? zero ? (k < 0) - (k > 0) : 1 : 0);
}

/** The state after level k: bit 0 of a state is its quantiser. */
static inline uint32_t mote_trellis_state(const mote_trellis_plan *p, uint32_t s, int32_t k)
{
    return s >> 1 ^ (s & 1 ? p->h0 >> 1 : 0) ^ (k & 1 ? p->h1 >> 1 : 0);
}

/**
 * The order in which the columns of a piece are coded: by class, within a class ascending.
 *
 * order[cols], end[16]: columns of class g are order[end[g - 1]] .. order[end[g] - 1]. In a segment: piece after piece,
 * in a piece class after class; value i of such a run is on lane i mod lanes. Each lane begins a segment in state 0 and
 * runs on over its pieces and classes.
 */
void mote_trellis_order(const mote_trellis_plan *p, uint32_t *order, uint32_t end[MOTE_COLUMN_CLASSES]);

/** The pair of a row and a column class. */
unsigned mote_trellis_index(const mote_trellis_plan *p, unsigned row_class, unsigned col_class);

/**
 * Prices of a built pair: bits of each symbol of quantiser q (low bits included), for levels spec->lo + (symbol << shift)
 * onwards; 1e6 where the frequency is 0. With escapes the last two symbols stand for every level outside, of which level
 * k has symbol n - 2 + ((k - lo) >> shift & 1) and a number of its own: mote_trellis_symbol().
 * Returns the number of symbols, 16 or 32; 0 if the pair cannot be built.
 */
unsigned mote_trellis_symbol_bits(const mote_trellis_plan *p, unsigned pair, unsigned q,
                                  float bits[MOTE_PAIR_SYMBOLS_MAX]);
/** Symbol of level k in a pair of that window (its index, 0..31), and, if it is an escape, its number. */
unsigned mote_trellis_symbol(const mote_pair_spec *s, bool escapes, int32_t k, uint32_t *number);

/**
 * Choose p->seg_elems and p->coder by what the tables say a row costs. To be called before the search, as every segment
 * begins in state 0.
 *
 * Errors  LIMIT: column classes, and a row does not fit; NOMEM
 */
mote_status mote_trellis_cut(mote_trellis_plan *p, const mote_records_target *target) MOTE_MUST_CHECK;

/**
 * Deliver levels k, row-major: e->rows * e->cols of them. Called segment after segment, in order, exactly once in each
 * try; the plan's seg_elems and coder are those of this try.
 */
typedef mote_status (*mote_trellis_levels_fn)(void *ctx, const mote_trellis_plan *p, const mote_extent *e,
                                              int32_t *level);

/**
 * Write head and segments of a plan that has been cut.
 *
 * Where a segment does not fit its chunk, seg_elems is reduced and all of them are asked for again (seg_elems == 0 in
 * *p on LIMIT).
 * Output  f: zero-initialised by the caller
 * Errors  NOMEM; LIMIT: it cannot be cut to fit (head: HEAD); VALUE: a level that the tables cannot code or a value above
 *         `largest`; those of levels()
 */
mote_status mote_trellis_write(mote_records *f, const mote_records_target *target, mote_trellis_plan *p,
                               mote_trellis_levels_fn levels, void *ctx) MOTE_MUST_CHECK;

#endif
