/* SPDX-License-Identifier: Apache-2.0
 * rANS encoding, shared by packers and (later) by devices that apply residuals. Spec codecs.md 3. Device code. */
#ifndef MOTE_CODEC_RANS_H
#define MOTE_CODEC_RANS_H

#include "common/tables.h"

#define MOTE_RANS_LOW 65536u

/** A table ready to encode with: exact division by multiplication. */
typedef struct mote_enc_table {
    uint8_t shift, bits;
    int32_t lo;
    struct {
        uint32_t freq, cum;
        uint64_t limit;      /**< renormalise when x >= limit */
        uint64_t reciprocal; /**< q = (x * reciprocal) >> (32 + rshift), exact for x < 2^32 */
        uint32_t rshift;
    } sym[MOTE_SYMBOLS];
} mote_enc_table;

void mote_enc_table_init(mote_enc_table *e, const mote_table *t);

/** One coded token: what mote_token() makes of a value. */
typedef struct mote_token {
    uint8_t symbol, low; /**< low: s bits */
} mote_token;

/**
 * Encodes rows backwards into the end of a buffer. Usage: init, then for the rows of the plane from the last to the
 * first mote_rans_put_row(), then mote_rans_finish().
 */
typedef struct mote_rans_enc {
    uint8_t *begin, *p; /**< words are written downwards from p */
    uint32_t x[32];
    uint32_t lanes;
    mote_status st; /**< NEED_OUTPUT if the buffer was too small */
} mote_rans_enc;

void mote_rans_enc_init(mote_rans_enc *e, unsigned lanes, uint8_t *buf, size_t bytes);
/** Codes token[0..n) of one row (lane = i mod lanes), all with table t; every symbol must have a frequency > 0. */
void mote_rans_put_row(mote_rans_enc *e, const mote_enc_table *t, const mote_token *token, size_t n);
/** Prepends the states; *data points into the buffer. */
mote_status mote_rans_finish(mote_rans_enc *e, const uint8_t **data, size_t *bytes) MOTE_MUST_CHECK;

#endif
