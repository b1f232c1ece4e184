/* SPDX-License-Identifier: Apache-2.0
 * Loops of the trellis for big machines, put together into kernels by kern_host.c and kern_avx2.c. Host only. */
#ifndef MOTE_CODEC_WALK_H
#define MOTE_CODEC_WALK_H

#include "kern/kern.h"

#define MOTE_PAIR_AVX2_BYTES 288 /* of a prepared pair */

/* A slot's frequency, 13 bits; what it lies above its symbol's begin, 12; its symbol, 5: a word for each. */
#define MOTE_PAIR_HOST_BYTES (sizeof(uint32_t) << MOTE_PAIR_BITS) /* of each table of a pair, wide or not */

void mote_pair_prepare_host(void *prepared, const mote_pair *pair);
bool mote_walk_host(mote_words *in, uint32_t *x, uint16_t *state, unsigned lanes, const mote_pair *pair, uint16_t *u,
                    size_t n);
size_t mote_levels_host(void *out, const uint16_t *u, size_t n, const mote_levels *l, uint16_t *odd);

bool mote_adapt_host(mote_words *in, uint32_t *x, uint16_t *state, int16_t *cum, const mote_pair *pair, uint16_t *u,
                     size_t n);
bool mote_adapt_avx2(mote_words *in, uint32_t *x, uint16_t *state, int16_t *cum, const mote_pair *pair, uint16_t *u,
                     size_t n);

void mote_pair_prepare_avx2(void *prepared, const mote_pair *pair);
bool mote_walk_avx2(mote_words *in, uint32_t *x, uint16_t *state, unsigned lanes, const mote_pair *pair, uint16_t *u,
                    size_t n);
size_t mote_levels_avx2(void *out, const uint16_t *u, size_t n, const mote_levels *l, uint16_t *odd);

#endif
