/* SPDX-License-Identifier: Apache-2.0
 * The numeric trellis as both directions see it: parameters, and the tables of its pairs. Spec codecs.md 8. Device
 * code. */
#ifndef MOTE_CODEC_TRELLIS_H
#define MOTE_CODEC_TRELLIS_H

#include "common/tables.h"

#define MOTE_PAIRS_MAX 16
#define MOTE_PAIR_SYMBOLS_MAX 32
#define MOTE_PAIR_BITS 12                    /* P of the tables of pairs */
#define MOTE_TRELLIS_LARGEST ((1 << 21) - 1) /* of a value's magnitude */
#define MOTE_TRELLIS_LO_MAX 8192             /* of a pair */
#define MOTE_TRELLIS_OFFSET_MAX 31           /* 64ths of a step */
#define MOTE_COLUMN_CLASSES 16

/** How one pair of tables is written. Both tables have the same window. */
typedef struct mote_pair_spec {
    bool counts;                              /**< weights of its own; else the family's */
    bool wide;                                /**< 32 symbols instead of 16 */
    uint8_t shift;                            /**< low bits, 0..4 */
    int32_t lo;                               /**< counts: level of symbol 0; family: -7 or (wide) -15, times 2^shift */
    uint8_t weight[2][MOTE_PAIR_SYMBOLS_MAX]; /**< counts: of the symbols of quantiser 0 and 1, as mote_pair_weight() */
} mote_pair_spec;

/** What all pairs without weights of their own share. */
typedef struct mote_family {
    uint8_t shape;    /**< MOTE_FAMILY_NONE: every pair has its own weights */
    bool growing;     /**< the mean grows with the scale */
    int32_t mean;     /**< of pair 0, in eighths of a step; +-2^20 */
    uint32_t inverse; /**< 2^21 / standard deviation in steps of pair 0; 1..2^26 */
    uint8_t zero[2];  /**< by quantiser: weight of the symbols at zero is multiplied by zero / 64 */
} mote_family;

#define MOTE_FAMILY_NONE 15

/** The weight that a byte stands for: 0..15, then four bits of mantissa, up to 31 * 2^14. */
static inline uint32_t mote_pair_weight(unsigned byte)
{
    return byte < 16 ? byte : (16 + (byte & 15)) << ((byte >> 4) - 1);
}

/**
 * Build table q of pair i: one mote_table, or two (the second for symbols 16 to 31, its lo and cumulatives going on
 * where the first ends) if it is wide.
 *
 * Spec     codecs.md 8.4
 * union_zero  quantiser 1 has zero
 * escapes  the last two symbols are escapes
 * Errors   TABLE: all weights are zero
 */
mote_status mote_pair_build(mote_table *t, const mote_pair_spec *s, const mote_family *f, unsigned i, unsigned q,
                            bool union_zero, bool escapes) MOTE_MUST_CHECK;

/** The numeric's parameters as a decoder needs them. Spec codecs.md 8.1 */
typedef struct mote_trellis_head {
    uint16_t g[2];  /**< what quantiser 1, and what an odd level, do to a state that has moved on */
    bool zero;      /**< quantiser 1 has zero */
    uint8_t tables; /**< of a pair: 2; 1 if there is one state */
    uint8_t n_pairs, base;
    uint8_t column_coder; /**< 0: no column classes */
    uint8_t column_table;
    uint16_t first;                   /**< table of the pairs */
    uint8_t slot[MOTE_PAIRS_MAX + 1]; /**< first table of each pair, from there on */
    int8_t offset[4];                 /**< of |v| = 0..3, in 64ths of a step */
    uint32_t step;                    /**< bits of a binary32 */
    int32_t largest;
    mote_rd columns; /**< the column map's bytes, in the head */
} mote_trellis_head;

#define MOTE_TRELLIS_OWN 7 /**< code: generators as written */
/** Reads the parameters up to `base`; failures are in r->st. Gives the form byte, of which bit 2 are scales, bit 3 column
 * classes. */
unsigned mote_trellis_read(mote_trellis_head *t, mote_rd *r);
/**
 * Reads the tables of the pairs from r and builds them from table[0] on, at most `room`. Fills in t->slot.
 * Failures are in r->st; FACTS: not enough room.
 */
void mote_trellis_read_pairs(mote_trellis_head *t, mote_rd *r, mote_table *table, size_t room, bool escapes);

#endif
