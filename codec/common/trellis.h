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

#define MOTE_FAMILY_NONE 31

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

#endif
