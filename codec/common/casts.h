/* SPDX-License-Identifier: Apache-2.0
 * Casts between float types on their bit patterns, in integers only: the same result on every machine. Device code. */
#ifndef MOTE_CODEC_CASTS_H
#define MOTE_CODEC_CASTS_H

#include <stdint.h>

/* Spec codecs.md 7.1. Narrowing rounds to nearest, ties to even; beyond the largest finite value it gives infinity; a
 * NaN keeps its sign and upper mantissa bits and becomes quiet. */
uint16_t mote_f32_to_f16(uint32_t x);
uint16_t mote_f32_to_bf16(uint32_t x);
uint32_t mote_f64_to_f32(uint64_t x);

/* Spec codecs.md 5.2. Widening is exact, NaN payloads included. bf16 to f32 is a shift by 16. */
uint32_t mote_f16_to_f32(uint32_t h);
uint64_t mote_f32_to_f64(uint32_t x);

#endif
