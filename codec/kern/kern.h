/* SPDX-License-Identifier: Apache-2.0
 * The inner loops, behind a table of function pointers. kern_ref.c is the definition and the device build; other
 * variants must agree with it bit for bit. Device code. */
#ifndef MOTE_CODEC_KERN_H
#define MOTE_CODEC_KERN_H

#include "common/tables.h"

/* Whether kernels have more than the rANS loop: not where every byte of code counts. */
#define MOTE_KERN_LOOPS (UINTPTR_MAX > 0xFFFFFFFF)

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
#if MOTE_KERN_LOOPS
    /** Whether (v[i] - lo) mod 2^16 < span, span in 1..2^16 - 1, for all of v[0..n). NULL: nobody knows */
    bool (*inside)(const uint16_t *v, size_t n, uint16_t lo, uint16_t span);
    /**
     * Elements of f32, little-endian, from V and byte planes (spec codecs.md 5.2): out[4 i + 3 .. 4 i] =
     * S E M of v[i] = E S M, then b1[i], b0[i]. NULL: not here
     */
    void (*join_f32)(uint8_t *out, const uint16_t *v, const uint8_t *b1, const uint8_t *b0, size_t n);
#endif
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
