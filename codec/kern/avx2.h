/* SPDX-License-Identifier: Apache-2.0
 * What the AVX2 kernels share. Host only. */
#ifndef MOTE_CODEC_AVX2_H
#define MOTE_CODEC_AVX2_H

#include <immintrin.h>
#include <stdint.h>

#define AVX2 __attribute__((target("avx2,popcnt")))
#define INLINE AVX2 __attribute__((always_inline)) static inline

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

#endif
