/* SPDX-License-Identifier: Apache-2.0
 * Loops for big machines, put together into kernels by kern_host.c, kern_avx2.c and kern_avx512.c. Host only. */
#ifndef MOTE_CODEC_WALK_H
#define MOTE_CODEC_WALK_H

#include "kern/kern.h"

#define MOTE_PAIR_AVX2_BYTES 288  /* of a prepared pair */
#define MOTE_AVX2_TABLE_BYTES 328 /* of a prepared table; multiples of 8 */

/* A slot's frequency, 13 bits; what it lies above its symbol's begin, 12; its symbol, 5: a word for each. */
#define MOTE_PAIR_HOST_BYTES (sizeof(uint32_t) << MOTE_PAIR_BITS) /* of each table of a pair, wide or not */

/* A prepared table of a pair that is walked with one lane; the other quantiser's lies MOTE_ONE_BYTES behind. */
typedef struct mote_one {
    uint32_t step[MOTE_PAIR_SYMBOLS_MAX]; /* of each symbol: cumulative, frequency << 16 */
    uint8_t symbol[1 << MOTE_PAIR_BITS];  /* of a slot */
} mote_one;

#define MOTE_ONE_BYTES sizeof(mote_one)

void mote_pair_prepare_one(void *prepared, const mote_pair *pair);
bool mote_walk_one(mote_words *in, uint32_t *x, uint16_t *state, const mote_pair *pair, uint16_t *u, size_t n);

void mote_pair_prepare_host(void *prepared, const mote_pair *pair);
bool mote_walk_host(mote_words *in, uint32_t *x, uint16_t *state, unsigned lanes, const mote_pair *pair, uint16_t *u,
                    size_t n);
size_t mote_levels_host(void *out, const uint16_t *u, size_t n, const mote_levels *l, uint16_t *odd);

bool mote_adapt_host(mote_words *in, uint32_t *x, uint16_t *state, int16_t *cum, const mote_pair *pair, uint16_t *u,
                     size_t n);
bool mote_adapt_avx2(mote_words *in, uint32_t *x, uint16_t *state, int16_t *cum, const mote_pair *pair, uint16_t *u,
                     size_t n);

/* Members of the AVX2 kernel, for others that share them; mote_plain_avx2(): the table that has been prepared. */
void mote_table_prepare_avx2(void *prepared, const mote_table *t);
const mote_table *mote_plain_avx2(const void *prepared);
bool mote_decode_avx2(mote_words *in, uint32_t *x, unsigned lanes, const void *prepared, uint16_t *v, size_t n);
size_t mote_inside_avx2(const uint16_t *v, size_t n, uint16_t lo, uint16_t span);
void mote_join_f32_avx2(uint8_t *out, const uint16_t *v, const uint8_t *b1, const uint8_t *b0, size_t n);
void mote_narrow_avx2(uint8_t *out, const uint16_t *v, size_t n);
void mote_join_16_avx2(uint8_t *out, const uint16_t *v, const uint8_t *b, size_t n, unsigned m);
void mote_pair_prepare_avx2(void *prepared, const mote_pair *pair);
bool mote_walk_avx2(mote_words *in, uint32_t *x, uint16_t *state, unsigned lanes, const mote_pair *pair, uint16_t *u,
                    size_t n);
size_t mote_levels_avx2(void *out, const uint16_t *u, size_t n, const mote_levels *l, uint16_t *odd);

#endif
