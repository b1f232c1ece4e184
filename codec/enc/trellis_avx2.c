/* SPDX-License-Identifier: Apache-2.0
 * The steps of the trellis search with AVX2: the same sums in the same order as the plain C of trellis_search.c, eight
 * values or states at a time. Host only. */
#include "enc/trellis_steps.h"

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))

#include <immintrin.h>
#include <string.h>

#define AVX2 __attribute__((target("avx2")))
#define INLINE AVX2 __attribute__((always_inline)) static inline

/* --- candidates --------------------------------------------------------------------------------------------------- */

typedef struct eight {
    __m256 x, weight, lambda, rebuilt; /* rebuilt: value of the multiple v at place v & 7 for |v| <= 3 */
    __m256i first;                     /* place of the prices of each value */
    const float *prices;
} eight;

INLINE __m256 cost_of(const eight *e, __m256i level, __m256i multiple, int q)
{
    __m256 far = _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_abs_epi32(multiple), _mm256_set1_epi32(3)));
    __m256 value = _mm256_blendv_ps(_mm256_permutevar8x32_ps(e->rebuilt, multiple), _mm256_cvtepi32_ps(multiple), far);
    __m256i at = _mm256_add_epi32(_mm256_add_epi32(e->first, level),
                                  _mm256_set1_epi32(q * 2 * MOTE_PRICE_SPAN + MOTE_PRICE_SPAN));
    __m256 error = _mm256_sub_ps(e->x, value), price = _mm256_i32gather_ps(e->prices, at, 4);
    return _mm256_add_ps(_mm256_mul_ps(e->weight, _mm256_mul_ps(error, error)), _mm256_mul_ps(e->lambda, price));
}

INLINE void better_of_eight(const eight *e, __m256i a, __m256i b, int q, bool zero, __m256 *cost, __m256i *level)
{
    __m256i va = _mm256_add_epi32(a, a), vb = _mm256_add_epi32(b, b);
    const __m256i one = _mm256_set1_epi32(1);
    if (q && zero) {
        va = _mm256_sub_epi32(va, _mm256_sign_epi32(one, a));
        vb = _mm256_sub_epi32(vb, _mm256_sign_epi32(one, b));
    } else if (q) {
        va = _mm256_add_epi32(va, one);
        vb = _mm256_add_epi32(vb, one);
    }
    __m256 ca = cost_of(e, a, va, q), cb = cost_of(e, b, vb, q), keep = _mm256_cmp_ps(ca, cb, _CMP_LE_OQ);
    *cost = _mm256_blendv_ps(cb, ca, keep);
    *level = _mm256_blendv_epi8(b, a, _mm256_castps_si256(keep));
}

INLINE __m256i twice_floor4(__m256 x) /* 2 floor(x / 4) */
{
    __m256i j = _mm256_cvttps_epi32(_mm256_floor_ps(_mm256_mul_ps(x, _mm256_set1_ps(0.25f))));
    return _mm256_add_epi32(j, j);
}

/* Four vectors of eight become eight rows of four. */
INLINE void store_rows(float *to, const __m256 v[4])
{
    __m256 a = _mm256_unpacklo_ps(v[0], v[1]), b = _mm256_unpackhi_ps(v[0], v[1]);
    __m256 c = _mm256_unpacklo_ps(v[2], v[3]), d = _mm256_unpackhi_ps(v[2], v[3]);
    const __m256 row[4] = { _mm256_shuffle_ps(a, c, 0x44), _mm256_shuffle_ps(a, c, 0xEE), _mm256_shuffle_ps(b, d, 0x44),
                            _mm256_shuffle_ps(b, d, 0xEE) };
    for (unsigned i = 0; i < 4; i++) {
        _mm_storeu_ps(to + 4 * i, _mm256_castps256_ps128(row[i]));
        _mm_storeu_ps(to + 16 + 4 * i, _mm256_extractf128_ps(row[i], 1));
    }
}

INLINE size_t candidates_eights(const mote_trellis *t, const float *x, const uint8_t *table, const float *weight,
                                size_t n, const mote_level_prices *prices, float lambda, float cost[][4],
                                int32_t level[][4], bool zero)
{
    const __m256 inside = _mm256_set1_ps((float)(2 * MOTE_PRICE_SPAN - 8)), bare = _mm256_set1_ps(-0.0f);
    float rebuilt[8];
    for (int32_t v = -4; v < 4; v++) rebuilt[v & 7] = mote_trellis_rebuilt(t, v);
    eight e = { .lambda = _mm256_set1_ps(lambda),
                .rebuilt = _mm256_loadu_ps(rebuilt),
                .prices = (const float *)prices,
                .weight = _mm256_set1_ps(1),
                .first = _mm256_setzero_si256() };
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        e.x = _mm256_loadu_ps(x + i);
        __m256 size = _mm256_andnot_ps(bare, e.x);
        if (_mm256_movemask_ps(_mm256_cmp_ps(size, inside, _CMP_LT_OQ)) !=
            255) { /* levels without prices of their own */
            mote_trellis_steps_plain()->candidates(t, x + i, table ? table + i : NULL, weight ? weight + i : NULL, 8,
                                                   prices, lambda, cost + i, level + i);
            continue;
        }
        if (weight) e.weight = _mm256_loadu_ps(weight + i);
        if (table)
            e.first =
                _mm256_mullo_epi32(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(table + i))),
                                   _mm256_set1_epi32((int)(sizeof *prices / sizeof(float))));
        const __m256i two = _mm256_set1_epi32(2), one = _mm256_set1_epi32(1);
        __m256 c[4];
        __m256i k[4];
        __m256i a = twice_floor4(e.x);
        better_of_eight(&e, a, _mm256_add_epi32(a, two), 0, zero, &c[0], &k[0]);
        a = _mm256_add_epi32(twice_floor4(_mm256_sub_ps(e.x, _mm256_set1_ps(2))), one);
        better_of_eight(&e, a, _mm256_add_epi32(a, two), 0, zero, &c[1], &k[1]);
        if (!zero) {
            a = twice_floor4(_mm256_sub_ps(e.x, _mm256_set1_ps(1)));
            better_of_eight(&e, a, _mm256_add_epi32(a, two), 1, zero, &c[2], &k[2]);
            a = _mm256_add_epi32(twice_floor4(_mm256_sub_ps(e.x, _mm256_set1_ps(3))), one);
            better_of_eight(&e, a, _mm256_add_epi32(a, two), 1, zero, &c[3], &k[3]);
        } else {
            __m256i negative = _mm256_castps_si256(_mm256_cmp_ps(e.x, _mm256_setzero_ps(), _CMP_LT_OQ));
            __m256i sign = _mm256_or_si256(negative, one);
            a = twice_floor4(_mm256_add_ps(size, _mm256_set1_ps(1)));
            better_of_eight(&e, _mm256_sign_epi32(a, sign), _mm256_sign_epi32(_mm256_add_epi32(a, two), sign), 1, zero,
                            &c[2], &k[2]);
            a = _mm256_sub_epi32(twice_floor4(_mm256_add_ps(size, _mm256_set1_ps(3))), one);
            better_of_eight(&e, _mm256_sign_epi32(a, sign), _mm256_sign_epi32(_mm256_add_epi32(a, two), sign), 1, zero,
                            &c[3], &k[3]);
        }
        store_rows(cost[i], c);
        const __m256 bits[4] = { _mm256_castsi256_ps(k[0]), _mm256_castsi256_ps(k[1]), _mm256_castsi256_ps(k[2]),
                                 _mm256_castsi256_ps(k[3]) };
        store_rows((float *)(void *)level[i], bits);
    }
    return i;
}

AVX2 static void candidates_avx2(const mote_trellis *t, const float *x, const uint8_t *table, const float *weight,
                                 size_t n, const mote_level_prices *prices, float lambda, float cost[][4],
                                 int32_t level[][4])
{
    size_t i = t->zero ? candidates_eights(t, x, table, weight, n, prices, lambda, cost, level, true)
                       : candidates_eights(t, x, table, weight, n, prices, lambda, cost, level, false);
    mote_trellis_steps_plain()->candidates(t, x + i, table ? table + i : NULL, weight ? weight + i : NULL, n - i,
                                           prices, lambda, cost + i, level + i);
}

/* --- add, compare, select ----------------------------------------------------------------------------------------- */

INLINE __m256 min_choice(__m256 first, __m256 second, unsigned *mask)
{
    *mask = (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(second, first, _CMP_LT_OQ));
    return _mm256_min_ps(second, first); /* the second operand on a tie */
}

INLINE void renorm(float *m, unsigned states)
{
    __m256 least = _mm256_load_ps(m);
    for (unsigned s = 8; s < states; s += 8) least = _mm256_min_ps(least, _mm256_load_ps(m + s));
    least = _mm256_min_ps(least, _mm256_permute2f128_ps(least, least, 1));
    least = _mm256_min_ps(least, _mm256_permute_ps(least, 0x4E));
    least = _mm256_min_ps(least, _mm256_permute_ps(least, 0xB1));
    for (unsigned s = 0; s < states; s += 8) _mm256_store_ps(m + s, _mm256_sub_ps(_mm256_load_ps(m + s), least));
}

/* Eight states: the even ones in the lower half of a vector, the odd ones in the upper. */
AVX2 static void select_8(const mote_trellis *t, float *metric, const float cost[][4], uint8_t *choice, size_t n)
{
    const unsigned g0 = (t->h0 >> 1) & 3, g1 = t->h1 >> 1;
    int partner[8], order[8], place[8];
    for (unsigned u = 0; u < 4; u++) {
        partner[u] = (int)(u ^ g1);
        partner[4 + u] = (int)(4 + (u ^ g1));
        place[u] = (int)u;
        place[4 + (u ^ g0)] = (int)(4 + u);
    }
    for (unsigned s = 0; s < 8; s++) order[(s & 1) * 4 + s / 2] = place[s];
    const __m256i to = _mm256_loadu_si256((const __m256i *)(const void *)order);
    const __m256i across = _mm256_loadu_si256((const __m256i *)(const void *)partner);
    const __m256i firsts = _mm256_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2),
                  seconds = _mm256_setr_epi32(1, 1, 1, 1, 3, 3, 3, 3);
    __m256 m = _mm256_load_ps(metric);
    for (size_t i = 0; i < n; i++) {
        __m256 c = _mm256_broadcast_ps((const __m128 *)(const void *)cost[i]);
        unsigned mask;
        __m256 first = _mm256_add_ps(m, _mm256_permutevar_ps(c, firsts));
        __m256 second = _mm256_add_ps(_mm256_permutevar8x32_ps(m, across), _mm256_permutevar_ps(c, seconds));
        m = _mm256_permutevar8x32_ps(min_choice(first, second, &mask), to);
        choice[i] = (uint8_t)mask;
        if (i % MOTE_TRELLIS_RENORM == MOTE_TRELLIS_RENORM - 1) {
            _mm256_store_ps(metric, m);
            renorm(metric, 8);
            m = _mm256_load_ps(metric);
        }
    }
    _mm256_store_ps(metric, m);
}

/* Blocks of eight pairs: x[b], each element from where its index, xored with g, points. */
INLINE __m256 fetch(const float *x, unsigned b, unsigned g, __m256i within)
{
    return _mm256_permutevar8x32_ps(_mm256_load_ps(x + 8 * (b ^ g >> 3)), within);
}

INLINE void split(__m256 a, __m256 b, float *even, float *odd)
{
    __m256d e = _mm256_castps_pd(_mm256_shuffle_ps(a, b, 0x88)), o = _mm256_castps_pd(_mm256_shuffle_ps(a, b, 0xDD));
    _mm256_store_ps(even, _mm256_castpd_ps(_mm256_permute4x64_pd(e, 0xD8)));
    _mm256_store_ps(odd, _mm256_castpd_ps(_mm256_permute4x64_pd(o, 0xD8)));
}

INLINE void select_many(const mote_trellis *t, unsigned states, float *metric, float *other, const float cost[][4],
                        uint8_t *choice, size_t n)
{
    const unsigned half = states / 2, g0 = (t->h0 >> 1) & (half - 1), g1 = t->h1 >> 1;
    const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i by1 = _mm256_xor_si256(index, _mm256_set1_epi32((int)(g1 & 7)));
    const __m256i by0 = _mm256_xor_si256(index, _mm256_set1_epi32((int)(g0 & 7)));
    for (size_t i = 0; i < n; i++) {
        const __m256 c0 = _mm256_set1_ps(cost[i][0]), c1 = _mm256_set1_ps(cost[i][1]);
        const __m256 c2 = _mm256_set1_ps(cost[i][2]), c3 = _mm256_set1_ps(cost[i][3]);
        unsigned m0, m1;
        for (unsigned b = 0; b < half / 8; b += 2) {
            __m256 x = min_choice(_mm256_add_ps(_mm256_load_ps(metric + 8 * b), c0),
                                  _mm256_add_ps(fetch(metric, b, g1, by1), c1), &m0);
            __m256 y = min_choice(_mm256_add_ps(_mm256_load_ps(metric + 8 * b + 8), c0),
                                  _mm256_add_ps(fetch(metric, b + 1, g1, by1), c1), &m1);
            split(x, y, other + 4 * b, other + half + 4 * b);
            choice[b] = (uint8_t)m0;
            choice[b + 1] = (uint8_t)m1;
        }
        const float *odd = metric + half;
        for (unsigned to = 0; to < half / 8; to += 2) { /* new places in order */
            unsigned b = to ^ g0 >> 3, d = (to + 1) ^ g0 >> 3;
            __m256 x = min_choice(_mm256_add_ps(_mm256_load_ps(odd + 8 * b), c2),
                                  _mm256_add_ps(fetch(odd, b, g1, by1), c3), &m0);
            __m256 y = min_choice(_mm256_add_ps(_mm256_load_ps(odd + 8 * d), c2),
                                  _mm256_add_ps(fetch(odd, d, g1, by1), c3), &m1);
            split(_mm256_permutevar8x32_ps(x, by0), _mm256_permutevar8x32_ps(y, by0), other + half / 2 + 4 * to,
                  other + half + half / 2 + 4 * to);
            choice[half / 8 + b] = (uint8_t)m0;
            choice[half / 8 + d] = (uint8_t)m1;
        }
        choice += states / 8;
        if (i % MOTE_TRELLIS_RENORM == MOTE_TRELLIS_RENORM - 1) renorm(other, states);
        float *swap = metric;
        metric = other;
        other = swap;
    }
    if (n % 2) memcpy(other, metric, states * sizeof *metric);
}

AVX2 static void select_avx2(const mote_trellis *t, float *metric, float *other, const float cost[][4], uint8_t *choice,
                             size_t n)
{
    if (t->states == 8)
        select_8(t, metric, cost, choice, n);
    else if (t->states == 32)
        select_many(t, 32, metric, other, cost, choice, n);
    else if (t->states == 256)
        select_many(t, 256, metric, other, cost, choice, n);
    else
        select_many(t, t->states, metric, other, cost, choice, n);
}

const mote_trellis_steps *mote_trellis_steps_avx2(void)
{
    static const mote_trellis_steps steps = { candidates_avx2, select_avx2 };
    return __builtin_cpu_supports("avx2") ? &steps : NULL;
}

#else

const mote_trellis_steps *mote_trellis_steps_avx2(void)
{
    return NULL;
}

#endif
