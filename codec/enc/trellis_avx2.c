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
typedef struct code_8 {
    __m256i to, across;
} code_8;

AVX2 static void prepare_8(const mote_trellis *t, code_8 *c)
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
    c->to = _mm256_loadu_si256((const __m256i *)(const void *)order);
    c->across = _mm256_loadu_si256((const __m256i *)(const void *)partner);
}

INLINE __m256 step_8(const code_8 *c, __m256 m, const float cost[4], uint8_t *choice)
{
    const __m256i firsts = _mm256_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2),
                  seconds = _mm256_setr_epi32(1, 1, 1, 1, 3, 3, 3, 3);
    const __m256 k = _mm256_broadcast_ps((const __m128 *)(const void *)cost);
    unsigned mask;
    const __m256 first = _mm256_add_ps(m, _mm256_permutevar_ps(k, firsts));
    const __m256 second = _mm256_add_ps(_mm256_permutevar8x32_ps(m, c->across), _mm256_permutevar_ps(k, seconds));
    m = _mm256_permutevar8x32_ps(min_choice(first, second, &mask), c->to);
    *choice = (uint8_t)mask;
    return m;
}

AVX2 static __m256 renorm_8(__m256 m)
{
    float metric[8] __attribute__((aligned(32)));
    _mm256_store_ps(metric, m);
    renorm(metric, 8);
    return _mm256_load_ps(metric);
}

AVX2 static void select_8(const mote_trellis *t, float *metric, const float cost[][4], uint8_t *choice, size_t n)
{
    code_8 c;
    prepare_8(t, &c);
    __m256 m = _mm256_load_ps(metric);
    for (size_t i = 0; i < n; i++) {
        m = step_8(&c, m, cost[i], &choice[i]);
        if (i % MOTE_TRELLIS_RENORM == MOTE_TRELLIS_RENORM - 1) m = renorm_8(m);
    }
    _mm256_store_ps(metric, m);
}

AVX2 static void select_two_8(const mote_trellis *t, float *metric_a, float *metric_b, const float cost_a[][4],
                              const float cost_b[][4], uint8_t *choice_a, uint8_t *choice_b, size_t n)
{
    code_8 c;
    prepare_8(t, &c);
    __m256 a = _mm256_load_ps(metric_a), b = _mm256_load_ps(metric_b);
    for (size_t i = 0; i < n; i += MOTE_TRELLIS_RENORM) {
        for (size_t j = i; j < i + MOTE_TRELLIS_RENORM; j++) {
            a = step_8(&c, a, cost_a[j], &choice_a[j]);
            b = step_8(&c, b, cost_b[j], &choice_b[j]);
        }
        a = renorm_8(a);
        b = renorm_8(b);
    }
    _mm256_store_ps(metric_a, a);
    _mm256_store_ps(metric_b, b);
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

/* --- what has been found ------------------------------------------------------------------------------------------ */

INLINE __m256i load_levels(const int32_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

AVX2 static bool look_avx2(const mote_trellis *t, const mote_found *f, size_t n, float part[][MOTE_FOUND_LANES],
                           uint32_t of[4])
{
    const __m256i one = _mm256_set1_epi32(1), span = _mm256_set1_epi32(MOTE_PRICE_SPAN);
    const __m256i last = _mm256_set1_epi32(2 * MOTE_PRICE_SPAN - 1), zero = _mm256_setzero_si256();
    const __m256 bare = _mm256_set1_ps(-0.0f), step = _mm256_set1_ps(f->step);
    float table[2][8] = { { 0, t->offset[1], t->offset[2], t->offset[3] },
                          { f->near[0], f->near[1], f->near[2], f->near[3] } };
    const __m256 offset = _mm256_loadu_ps(table[0]), near = _mm256_loadu_ps(table[1]);
    __m256 sum[5] = { _mm256_loadu_ps(part[0]), _mm256_loadu_ps(part[1]), _mm256_loadu_ps(part[2]),
                      _mm256_loadu_ps(part[3]), _mm256_loadu_ps(part[4]) };
    __m256i count[4] = { zero, zero, zero, zero }, outside = zero;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256i k = load_levels(f->level + i);
        const __m256i q = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(f->quantiser + i)));
        const __m256i odd = t->zero ? _mm256_sub_epi32(zero, _mm256_sign_epi32(one, k)) : one;
        const __m256i v = _mm256_add_epi32(_mm256_add_epi32(k, k), _mm256_and_si256(odd, _mm256_sub_epi32(zero, q)));
        const __m256i a = _mm256_abs_epi32(v);
        const __m256 sign = _mm256_and_ps(_mm256_castsi256_ps(v), bare), size = _mm256_cvtepi32_ps(a);
        const __m256 plain = _mm256_sub_ps(_mm256_xor_ps(_mm256_loadu_ps(f->x + i), sign), size);
        const __m256i small = _mm256_cmpgt_epi32(_mm256_set1_epi32(4), a);
        const __m256 by = _mm256_permutevar8x32_ps(offset, _mm256_and_si256(a, small)); /* place 0: 0 */
        const __m256 e = _mm256_sub_ps(plain, by), square = _mm256_mul_ps(e, e);
        sum[0] = _mm256_add_ps(sum[0], square);
        if (f->weight) sum[4] = _mm256_add_ps(sum[4], _mm256_mul_ps(square, _mm256_loadu_ps(f->weight + i)));
        for (int j = 1; j < 4; j++) {
            const __m256i is = _mm256_cmpeq_epi32(a, _mm256_set1_epi32(j));
            sum[j] = _mm256_add_ps(sum[j], _mm256_and_ps(plain, _mm256_castsi256_ps(is)));
            count[j] = _mm256_sub_epi32(count[j], is);
        }
        const __m256i at = _mm256_add_epi32(k, span);
        const __m256i kept = _mm256_min_epi32(_mm256_max_epi32(at, zero), last);
        outside = _mm256_or_si256(outside, _mm256_xor_si256(at, kept));
        const __m256i place = _mm256_add_epi32(kept, _mm256_mullo_epi32(q, _mm256_set1_epi32(2 * MOTE_PRICE_SPAN)));
        _mm_storeu_si128((__m128i *)(void *)(f->place + i),
                         _mm_packus_epi32(_mm256_castsi256_si128(place), _mm256_extracti128_si256(place, 1)));
        if (f->rebuilt) {
            const __m256 y = _mm256_blendv_ps(_mm256_mul_ps(size, step), _mm256_permutevar8x32_ps(near, a),
                                              _mm256_castsi256_ps(small));
            _mm256_storeu_ps(f->rebuilt + i, _mm256_xor_ps(y, sign));
        }
    }
    for (unsigned j = 0; j < 5; j++) _mm256_storeu_ps(part[j], sum[j]);
    for (unsigned j = 1; j < 4; j++) {
        uint32_t each[8];
        _mm256_storeu_si256((__m256i *)(void *)each, count[j]);
        for (unsigned l = 0; l < 8; l++) of[j] += each[l];
    }
    mote_found rest = *f;
    rest.x += i;
    rest.level += i;
    rest.quantiser += i;
    rest.place += i;
    if (rest.weight) rest.weight += i;
    if (rest.rebuilt) rest.rebuilt += i;
    const bool far = mote_trellis_steps_plain()->look(t, &rest, n - i, part, of);
    return far || !_mm256_testz_si256(outside, outside);
}

const mote_trellis_steps *mote_trellis_steps_avx2(void)
{
    static const mote_trellis_steps steps = { candidates_avx2, select_avx2, select_two_8, look_avx2 };
    return __builtin_cpu_supports("avx2") ? &steps : NULL;
}

#else

const mote_trellis_steps *mote_trellis_steps_avx2(void)
{
    return NULL;
}

#endif
