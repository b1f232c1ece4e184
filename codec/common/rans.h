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
        uint64_t reciprocal; /**< x / freq = (x * reciprocal) >> (32 + rshift) for x < freq << (32 - bits) */
        uint32_t rshift;
    } sym[MOTE_SYMBOLS];
} mote_enc_table;

void mote_enc_table_init(mote_enc_table *e, const mote_table *t);

/** One coded token: what mote_token_of() makes of a value. */
typedef struct mote_token {
    uint8_t symbol, low; /**< low: s bits */
} mote_token;

/**
 * Token of value v in a table with (lo, shift), and the number of its escape if its symbol is 15.
 *
 * Spec    codecs.md 3.1
 * lo, v   within +-2^18
 * Errors  none; without escapes the caller makes sure that v lies in lo .. lo + (16 << shift) - 1
 */
static inline mote_token mote_token_of(int32_t v, int32_t lo, unsigned shift, bool escapes, uint32_t *number)
{
    int32_t u = v - lo, t = u >= 0 ? u >> shift : -((-u - 1) >> shift) - 1; /* floor(u / 2^shift) */
    mote_token token = { .symbol = (uint8_t)t, .low = (uint8_t)(u - t * (1 << shift)) };
    if (escapes && (t < 0 || t >= MOTE_SYMBOLS - 1)) {
        token.symbol = MOTE_SYMBOLS - 1;
        *number = t < 0 ? 2 * (uint32_t)(-1 - t) + 1 : 2 * (uint32_t)(t - (MOTE_SYMBOLS - 1));
    }
    return token;
}

/**
 * Encodes rows backwards into the end of a buffer. Usage: init, then for the rows of the plane from the last to the
 * first mote_rans_put_row(), then mote_rans_finish().
 */
typedef struct mote_rans_enc {
    uint8_t *begin, *p; /**< words are written downwards from p */
    uint8_t *end;
    uint32_t x[32];
    uint32_t lanes; /**< 1, 8 or 32 */
    bool used;      /**< there were tokens */
    mote_status st; /**< NEED_OUTPUT if the buffer was too small */
} mote_rans_enc;

/** buf is borrowed until the end; 2 bytes a token and 4 a lane always suffice. */
void mote_rans_enc_init(mote_rans_enc *e, unsigned lanes, uint8_t *buf, size_t bytes);
/** Codes token[0..n) of one row (lane = i mod lanes), all with table t; every symbol must have a frequency > 0. */
void mote_rans_put_row(mote_rans_enc *e, const mote_enc_table *t, const mote_token *token, size_t n);
/** Prepends the states; *data points into the buffer. Without any token *bytes is 0. NEED_OUTPUT: too small a buffer. */
mote_status mote_rans_finish(mote_rans_enc *e, const uint8_t **data, size_t *bytes) MOTE_MUST_CHECK;

#endif
