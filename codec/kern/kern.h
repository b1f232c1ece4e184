/* SPDX-License-Identifier: Apache-2.0
 * The inner loops, behind a table of function pointers. kern_ref.c is the definition and the device build; other
 * variants must agree with it bit for bit. Device code. */
#ifndef MOTE_CODEC_KERN_H
#define MOTE_CODEC_KERN_H

#include "common/tables.h"

/** The decoding state of one symbols plane. */
typedef struct mote_rans_dec {
    const uint8_t *p, *end; /**< next u16 word */
    uint32_t lanes;
    uint32_t x[32];
} mote_rans_dec;

typedef struct mote_kern {
    const char *name;
    size_t table_bytes; /**< memory for a prepared table; a multiple of 8 */
    void (*prepare)(void *prepared, const mote_table *t);
    /**
     * Decode n values of one row, or of a part of it that starts at lane 0, into v (two's complement, mod 2^16).
     * Symbol 15 of a table with escapes gives the value of t = 15 and is counted; the caller mends it.
     * Returns the number of symbols 15 decoded. Sets d->p beyond d->end by at most 2 * lanes bytes virtually, never
     * reading there: on exhaustion the words are zeros and d->p == NULL marks the failure.
     */
    size_t (*decode)(mote_rans_dec *d, const void *prepared, uint16_t *v, size_t n);
} mote_kern;

const mote_kern *mote_kern_ref(void);

#endif
