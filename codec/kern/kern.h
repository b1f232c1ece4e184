/* SPDX-License-Identifier: Apache-2.0
 * The inner loops, behind a table of function pointers. kern_ref.c is the definition and the device build; other
 * variants must agree with it bit for bit. Device code. */
#ifndef MOTE_CODEC_KERN_H
#define MOTE_CODEC_KERN_H

#include "base/apart.h"
#include "common/trellis.h"
#include "mote/limits.h"

/* Whether kernels have more than the rANS loop: not where every byte of code counts. */
#define MOTE_KERN_LOOPS MOTE_ROOMY

/** Bytes of a symbols plane that are still to be read: only p and end matter to a kernel. */
typedef mote_rd mote_words;

/** A pair of tables of a trellis with what moves its states. Spec codecs.md 8 */
typedef struct mote_pair {
    const mote_table
        *q[2];            /**< by quantiser; wide ones go on in the table after. The same twice if there is one state */
    const void *prepared; /**< as mote_kern.prepare_pair() left it */
    uint16_t g[2];
    bool wide;
    uint8_t lanes; /**< that it will be walked with, for prepare_pair() */
} mote_pair;

/* Tables of a pair that adapts: 8 by the symbol before, times 3 by the one before that, times 2 by quantiser. */
#define MOTE_ADAPT_TABLES 48
/* Their memory, of n pairs, and what is lost where it begins at a multiple of 32. */
#define MOTE_ADAPT_FLOATS(n) ((size_t)(n)*MOTE_ADAPT_TABLES * 8 + 8)

#if MOTE_KERN_LOOPS
/** What becomes of u = 2 level + quantiser. Spec codecs.md 8.2 */
typedef struct mote_levels {
    float unit;
    int8_t offset[4];    /**< in 64ths of the unit, by magnitude of the value */
    int16_t least, most; /**< others are escapes, or out of range */
    bool zero;           /**< quantiser 1 has zero */
    uint8_t bytes;       /**< 1, 2: values as i8, i16; 4: elements as binary32 */
} mote_levels;
#endif

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
    /**
     * The same for the levels of a trellis.
     *
     * Spec      codecs.md 8.2
     * Computes  u[i] = 2 level + quantiser, mod 2^16, escapes as they are
     * Shapes    state[lanes], of the trellis
     */
    bool (*walk)(mote_words *in, uint32_t *x, uint16_t *state, unsigned lanes, const mote_pair *pair, uint16_t *u,
                 size_t n);
    /**
     * The same for one lane and tables that adapt; not in nano builds.
     *
     * Spec      codecs.md 8.5
     * Shapes    state[3]: of the trellis, then h and g of mote_adapt_context; cum[MOTE_ADAPT_TABLES][16], 32-aligned,
     *           as mote_adapt_begin() or the values before left them
     */
    bool (*adapt)(mote_words *in, uint32_t *x, uint16_t *state, int16_t *cum, const mote_pair *pair, uint16_t *u,
                  size_t n);
#if MOTE_KERN_LOOPS
    /** As prepare, for a pair; it has the memory of all its tables, at least one. */
    void (*prepare_pair)(void *prepared, const mote_pair *pair);
    /**
     * Convert all of u[0..n), n < 2^16, to out, and list the places of those outside of least..most in odd[n], ascending:
     * what was written there is of no use. Gives their number. NULL: not here
     */
    size_t (*levels)(void *out, const uint16_t *u, size_t n, const mote_levels *l, uint16_t *odd);
    /** The first i < n for which (v[i] - lo) mod 2^16 < span, span in 1..2^16 - 1, does not hold; else n. NULL: not here */
    size_t (*inside)(const uint16_t *v, size_t n, uint16_t lo, uint16_t span);
    /**
     * Elements of f32, little-endian, from V and byte planes (spec codecs.md 5.2): out[4 i + 3 .. 4 i] =
     * S E M of v[i] = E S M, then b1[i], b0[i]. NULL: not here
     */
    void (*join_f32)(uint8_t *out, const uint16_t *v, const uint8_t *b1, const uint8_t *b0, size_t n);
    /** out[i] = v[i], 0..255; out may be v. NULL: not here */
    void (*narrow)(uint8_t *out, const uint16_t *v, size_t n);
    /** Elements of 16 bits, little-endian: S E M of v[i], b[i] = E S M, m bits of M. NULL: not here */
    void (*join_16)(uint8_t *out, const uint16_t *v, const uint8_t *b, size_t n, unsigned m);
#endif
} mote_kern;

/** cum + k, k being the last symbol that begins at or below the slot; one without slots of its own is never the last.
 *  mid: cum[8], which a loop over one table keeps. */
static MOTE_INLINE const uint16_t *mote_kern_symbol(const uint16_t *cum, uint32_t mid, uint32_t slot)
{
    if (mid <= slot) cum += 8;
    if (cum[4] <= slot) cum += 4;
    if (cum[2] <= slot) cum += 2;
    if (cum[1] <= slot) cum += 1;
    return cum;
}

/** mote_kern.walk of the reference. */
bool mote_walk_ref(mote_words *in, uint32_t *x, uint16_t *state, unsigned lanes, const mote_pair *pair, uint16_t *u,
                   size_t n);

/** mote_kern.adapt of the reference, and the tables that a pair begins a segment with. */
bool mote_adapt_ref(mote_words *in, uint32_t *x, uint16_t *state, int16_t *cum, const mote_pair *pair, uint16_t *u,
                    size_t n);
void mote_adapt_begin(int16_t *cum, const mote_pair *pair);

/** Small, no prepared tables. */
const mote_kern *mote_kern_ref(void);
/** Plain C for big machines. Host only. */
const mote_kern *mote_kern_host(void);
/** AVX2; NULL if this is another machine. Host only. */
const mote_kern *mote_kern_avx2(void);
/** AVX-512 (F, BW, VL); NULL if this is another machine. Host only. */
const mote_kern *mote_kern_avx512(void);
/** The fastest kernel of this machine. Host only. */
const mote_kern *mote_kern_best(void);

#endif
