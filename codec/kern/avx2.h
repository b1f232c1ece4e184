/* SPDX-License-Identifier: Apache-2.0
 * What the AVX2 kernels share. Host only. */
#ifndef MOTE_CODEC_AVX2_H
#define MOTE_CODEC_AVX2_H

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/tables.h"

#define AVX2 __attribute__((target("avx2,popcnt")))
#define INLINE AVX2 __attribute__((always_inline)) static inline

/*
 * The search goes down from the whole (wide: from its halves) to a place among fours of symbols, whose five cumulatives
 * are then looked up. Places have the quantiser in bit 0, then the bits of the symbol, the highest first.
 */
typedef struct mote_avx2_search {
    uint16_t half[8], quarter[8], eighth[8]; /* wide: cum[16], then 8 and 24, ..; else 8, then 4 and 12 */
    uint16_t four[5][8];                     /* narrow: cumulatives of a four, by place */
    uint8_t low[5][16], high[5][16];         /* wide: their bytes */
} mote_avx2_search;

/** Where the words for the lanes of an 8-bit mask go: lane i takes the next word if bit i is set. */
extern const uint8_t mote_avx2_spread[256][8];

INLINE __m256i avx2_load(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

INLINE void avx2_store(void *p, __m256i v)
{
    _mm256_storeu_si256((__m256i *)p, v);
}

/** 16 bytes, in both halves. */
INLINE __m256i avx2_both(const void *half)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)half));
}

/** States below 2^16 of the lanes in `of` take the next words, in the order of their lanes. */
INLINE __m256i avx2_renormalise(__m256i x, __m256i of, const uint8_t **p)
{
    const __m256i take = _mm256_and_si256(of, _mm256_cmpeq_epi32(_mm256_srli_epi32(x, 16), _mm256_setzero_si256()));
    const unsigned mask = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(take));
    const __m256i words = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)*p));
    const __m256i order = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)mote_avx2_spread[mask]));
    const __m256i fed = _mm256_or_si256(_mm256_slli_epi32(x, 16), _mm256_permutevar8x32_epi32(words, order));
    *p += 2 * (unsigned)_mm_popcnt_u32(mask);
    return _mm256_blendv_epi8(x, fed, take);
}

/** Fill in what lies at `memory`: from the tables of both quantisers, or one table twice. */
void mote_avx2_search_init(void *memory, const mote_table *const table[2], bool wide);

/**
 * The symbols of 16 lanes, in packed order: states a hold lanes 0-3, 8-11, b the others. at: 0x0100, or 0x0302 for
 * quantiser 1. Moves the states on but for low bits and words.
 */
INLINE __m256i avx2_symbol(__m256i *a, __m256i *b, __m256i at, const mote_avx2_search *h, int bits, bool wide)
{
    const __m256i slots = _mm256_set1_epi32((1 << bits) - 1), none = _mm256_setzero_si256();
    const __m256i slot = _mm256_packus_epi32(_mm256_and_si256(*a, slots), _mm256_and_si256(*b, slots));
    __m256i k = _mm256_set1_epi16(wide ? 31 : 15), above, four[5];
    int bit = 0x0404;
    if (wide) {
        above = _mm256_cmpgt_epi16(_mm256_shuffle_epi8(avx2_both(h->half), at), slot);
        k = _mm256_sub_epi16(k, _mm256_and_si256(above, _mm256_set1_epi16(16)));
        at = _mm256_add_epi16(at, _mm256_andnot_si256(above, _mm256_set1_epi16((short)bit)));
        bit *= 2;
    }
    above = _mm256_cmpgt_epi16(_mm256_shuffle_epi8(avx2_both(h->quarter), at), slot);
    k = _mm256_sub_epi16(k, _mm256_and_si256(above, _mm256_set1_epi16(8)));
    at = _mm256_add_epi16(at, _mm256_andnot_si256(above, _mm256_set1_epi16((short)bit)));
    bit *= 2;
    above = _mm256_cmpgt_epi16(_mm256_shuffle_epi8(avx2_both(h->eighth), at), slot);
    k = _mm256_sub_epi16(k, _mm256_and_si256(above, _mm256_set1_epi16(4)));
    at = _mm256_add_epi16(at, _mm256_andnot_si256(above, _mm256_set1_epi16((short)bit)));
    if (wide) {
        at = _mm256_srli_epi16(_mm256_sub_epi16(at, _mm256_set1_epi16(0x0100)), 1); /* the place in both bytes */
        const __m256i at_low = _mm256_or_si256(at, _mm256_set1_epi16((short)0x8000)),
                      at_high = _mm256_or_si256(at, _mm256_set1_epi16(0x80));
        for (int i = 0; i < 5; i++)
            four[i] = _mm256_or_si256(_mm256_shuffle_epi8(avx2_both(h->low[i]), at_low),
                                      _mm256_shuffle_epi8(avx2_both(h->high[i]), at_high));
    } else {
        for (int i = 0; i < 5; i++) four[i] = _mm256_shuffle_epi8(avx2_both(h->four[i]), at);
    }
    above = _mm256_cmpgt_epi16(four[2], slot);
    k = _mm256_sub_epi16(k, _mm256_and_si256(above, _mm256_set1_epi16(2)));
    const __m256i first = _mm256_blendv_epi8(four[2], four[0], above),
                  mid = _mm256_blendv_epi8(four[3], four[1], above), last = _mm256_blendv_epi8(four[4], four[2], above);
    above = _mm256_cmpgt_epi16(mid, slot);
    k = _mm256_add_epi16(k, above);
    const __m256i from = _mm256_blendv_epi8(mid, first, above), to = _mm256_blendv_epi8(last, mid, above);
    const __m256i freq = _mm256_sub_epi16(to, from), bias = _mm256_sub_epi16(slot, from);
    *a = _mm256_add_epi32(_mm256_mullo_epi32(_mm256_unpacklo_epi16(freq, none), _mm256_srli_epi32(*a, bits)),
                          _mm256_unpacklo_epi16(bias, none));
    *b = _mm256_add_epi32(_mm256_mullo_epi32(_mm256_unpackhi_epi16(freq, none), _mm256_srli_epi32(*b, bits)),
                          _mm256_unpackhi_epi16(bias, none));
    return k;
}

#endif
