/* SPDX-License-Identifier: Apache-2.0
 * What the writer of trellis-coded tensors shares among its files. Host only. */
#ifndef MOTE_ENC_TRELLIS_WRITE_H
#define MOTE_ENC_TRELLIS_WRITE_H

#include "enc/trellis_plan.h"
#include "enc/trellis_search.h"

/* A symbol ready to be coded: division by its frequency as in mote_enc_table. */
typedef struct mote_coded_symbol {
    uint64_t reciprocal;
    uint16_t freq, cum;
    uint8_t rshift;
} mote_coded_symbol;

/* A level in its table: low bits 0-3, symbol 4-8, quantiser 9, and what the level is */
typedef uint16_t mote_trellis_token;
#define MOTE_TOKEN_FAR 0x8000 /* levels that escape, lie outside the span or cannot be coded: to be looked at */

/* A plan ready to be written. */
typedef struct mote_trellis_code {
    const mote_trellis_plan *p;
    mote_head head;
    mote_plane_code row, column; /* their class maps; row: escapes too */
    mote_table_spec row_map, column_map;
    mote_enc_table map_tables[MOTE_CLASSES_MAX + 2], column_tables[MOTE_COLUMN_CLASSES + 1];
    mote_coded_symbol symbol[MOTE_PAIRS_MAX][2][MOTE_PAIR_SYMBOLS_MAX]; /* [pair][quantiser] */
    mote_trellis_token token[MOTE_PAIRS_MAX][2][2 * MOTE_PRICE_SPAN];   /* of level + MOTE_PRICE_SPAN */
    mote_table first[MOTE_PAIRS_MAX][2];                                /* as built, of pairs that adapt */
    int16_t *adaptive; /* what becomes of them; NULL: they do not adapt */
    uint32_t *order, end[MOTE_COLUMN_CLASSES];
} mote_trellis_code;

/** Set c->symbol, c->token and, where tables adapt, c->first. TABLE: a pair cannot be built. */
mote_status mote_trellis_tokens_init(mote_trellis_code *c) MOTE_MUST_CHECK;
/**
 * Tokens of a segment in the order of coding, and its escape numbers.
 *
 * learned  frequencies in tables that adapt: cumulative, and above its 16 bits the frequency; NULL: they do not adapt
 * Errors   VALUE: a level that the tables cannot code or a value above the plan's largest
 */
mote_status mote_trellis_tokens_find(const mote_trellis_code *c, const mote_extent *e, const int32_t *level,
                                     mote_trellis_token *to, uint32_t *learned, uint32_t *escape,
                                     size_t *n_escapes) MOTE_MUST_CHECK;
/** Their words, as a plane. */
void mote_trellis_tokens_put(const mote_trellis_code *c, const mote_extent *e, const mote_trellis_token *t,
                             const uint32_t *learned, mote_plane_writer *w);

/** Fewer elements, after a segment did not fit. LIMIT: that cannot be. */
mote_status mote_trellis_shrink(mote_trellis_plan *p) MOTE_MUST_CHECK;

#endif
