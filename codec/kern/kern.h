/* SPDX-License-Identifier: Apache-2.0
 * The inner loops, behind a table of function pointers. kern_ref.c is the definition and the device build; other
 * variants must agree with it bit for bit. Device code. */
#ifndef MOTE_CODEC_KERN_H
#define MOTE_CODEC_KERN_H

#include "common/tables.h"

/** Bytes of a symbols plane that are still to be read: only p and end matter to a kernel. */
typedef mote_rd mote_words;

typedef struct mote_kern {
    const char *name;
    size_t table_bytes; /**< memory for a prepared table, a multiple of 8; 0: decode() takes the mote_table itself */
    void (*prepare)(void *prepared, const mote_table *t); /**< NULL if table_bytes is 0 */
    /**
     * Decode n values of one row, or a part of it that starts at lane 0 and ends at a full step or at the row's end.
     *
     * Spec      codecs.md 3.3
     * Computes  v[i] = lo + (symbol << s) + low, mod 2^16
     * Shapes    x[lanes] states, lanes 1, 8 or 32; v[n]
     * Errors    false if the words end too early; in, x and v are then of no use
     */
    bool (*decode)(mote_words *in, uint32_t *x, unsigned lanes, const void *table, uint16_t *v, size_t n);
} mote_kern;

/** Small, no prepared tables. */
const mote_kern *mote_kern_ref(void);
/** Plain C for big machines. Host only. */
const mote_kern *mote_kern_host(void);
/** AVX2; NULL if this is another machine. Host only. */
const mote_kern *mote_kern_avx2(void);
/** The fastest kernel of this machine. Host only. */
const mote_kern *mote_kern_best(void);

#endif
