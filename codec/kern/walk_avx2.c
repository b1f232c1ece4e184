/* SPDX-License-Identifier: Apache-2.0
 * The trellis with AVX2: symbols of 16 lanes at a time by binary search in registers, the quantiser being part of the
 * place. Bit-identical to walk_ref.c, which does whatever is not a whole step. Host only. */
#include "kern/walk.h"

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))

#include <string.h>

#include "kern/avx2.h"

_Static_assert(sizeof(mote_avx2_search) <= MOTE_PAIR_AVX2_BYTES, "one table's memory is enough");

static uint16_t cum_of(const mote_table *t, unsigned k)
{
    return k < 16 ? t->cum[k] : k == 16 ? t->cum[16] : t[1].cum[k - 16];
}

void mote_avx2_search_init(void *memory, const mote_table *const table[2], bool wide)
{
    mote_avx2_search h;
    memset(&h, 0, sizeof h);
    const unsigned n = wide ? 32 : 16;
    for (unsigned q = 0; q < 2; q++) {
        const mote_table *t = table[q];
        h.half[q] = t->cum[16];
        for (unsigned b = 0; b < n / 16; b++) h.quarter[q + 2 * b] = cum_of(t, 16 * b + 8);
        for (unsigned b = 0; b < n / 8; b++) {
            /* bits of b, the highest first: at place bits 1, 2 */
            const unsigned place = q + (n == 16 ? 2 * b : 2 * (b >> 1) + 4 * (b & 1));
            h.eighth[place] = cum_of(t, 8 * b + 4);
        }
        for (unsigned b = 0; b < n / 4; b++) {
            const unsigned place =
                q + (n == 16 ? 2 * (b >> 1) + 4 * (b & 1) : 2 * (b >> 2) + 4 * (b >> 1 & 1) + 8 * (b & 1));
            for (unsigned i = 0; i < 5; i++) {
                const uint16_t c = cum_of(t, 4 * b + i);
                if (n == 16) h.four[i][place] = c;
                h.low[i][place] = (uint8_t)c;
                h.high[i][place] = (uint8_t)(c >> 8);
            }
        }
    }
    memcpy(memory, &h, sizeof h);
}

void mote_pair_prepare_avx2(void *memory, const mote_pair *pair)
{
    if (pair->lanes == 1)
        mote_pair_prepare_one(memory, pair);
    else
        mote_avx2_search_init(memory, pair->q, pair->wide);
}

typedef struct constants {
    __m256i g0, g1, lo;
    const mote_avx2_search *h;
    int shift;
    bool wide;
} constants;

/* 16 lanes: states of the coder in a (lanes 0-3, 8-11 of packed order) and b, of the trellis in s, packed. */
INLINE __m256i advance(__m256i *a, __m256i *b, __m256i *s, const constants *c)
{
    const mote_avx2_search *h = c->h;
    const __m256i one = _mm256_set1_epi16(1), none = _mm256_setzero_si256();
    const __m256i odd = _mm256_cmpeq_epi16(_mm256_and_si256(*s, one), one);
    const __m256i at = _mm256_add_epi16(_mm256_set1_epi16(0x0100), _mm256_and_si256(odd, _mm256_set1_epi16(0x0202)));
    __m256i k = avx2_symbol(a, b, at, h, MOTE_PAIR_BITS, c->wide);
    k = _mm256_add_epi16(_mm256_slli_epi16(k, c->shift), c->lo);
    if (c->shift) {
        const __m256i lows = _mm256_set1_epi32((1 << c->shift) - 1);
        k = _mm256_add_epi16(k, _mm256_packus_epi32(_mm256_and_si256(*a, lows), _mm256_and_si256(*b, lows)));
        *a = _mm256_srli_epi32(*a, c->shift);
        *b = _mm256_srli_epi32(*b, c->shift);
    }
    const __m256i parity = _mm256_sub_epi16(none, _mm256_and_si256(k, one));
    *s = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi16(*s, 1), _mm256_and_si256(odd, c->g0)),
                          _mm256_and_si256(parity, c->g1));
    return _mm256_permute4x64_epi64(_mm256_sub_epi16(_mm256_add_epi16(k, k), odd), 0xD8);
}

/* Lanes [from, from + 8) of the first `rest`. */
INLINE __m256i lanes_below(int rest, int from)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(rest - from), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* As many steps as there are words for in any case, the last one partial; how many values that are. */
INLINE size_t steps32(mote_words *in, uint32_t *x, uint16_t *state, const constants *c, uint16_t *u, size_t n)
{
    const uint8_t *p = in->p;
    const __m256i all = _mm256_set1_epi32(-1);
    __m256i x0 = avx2_load(x), x1 = avx2_load(x + 8), x2 = avx2_load(x + 16), x3 = avx2_load(x + 24);
    __m256i s = _mm256_permute4x64_epi64(avx2_load(state), 0xD8),
            t = _mm256_permute4x64_epi64(avx2_load(state + 16), 0xD8);
    size_t done = 0;
    for (; n - done >= 32 && in->end - p >= 2 * 32 + 16; done += 32) {
        avx2_store(u + done, advance(&x0, &x1, &s, c));
        avx2_store(u + done + 16, advance(&x2, &x3, &t, c));
        x0 = avx2_renormalise(x0, all, &p);
        x1 = avx2_renormalise(x1, all, &p);
        x2 = avx2_renormalise(x2, all, &p);
        x3 = avx2_renormalise(x3, all, &p);
    }
    const int rest = (int)(n - done);
    if (n - done < 32 && rest && in->end - p >= 2 * 32 + 16) {
        const __m256i m0 = lanes_below(rest, 0), m1 = lanes_below(rest, 8), m2 = lanes_below(rest, 16),
                      m3 = lanes_below(rest, 24);
        __m256i y0 = x0, y1 = x1, y2 = x2, y3 = x3, s1 = s, t1 = t;
        uint16_t out[32];
        avx2_store(out, advance(&y0, &y1, &s1, c));
        x0 = avx2_renormalise(_mm256_blendv_epi8(x0, y0, m0), m0, &p);
        x1 = avx2_renormalise(_mm256_blendv_epi8(x1, y1, m1), m1, &p);
        s = _mm256_blendv_epi8(s, s1, _mm256_packs_epi32(m0, m1));
        if (rest > 16) {
            avx2_store(out + 16, advance(&y2, &y3, &t1, c));
            x2 = avx2_renormalise(_mm256_blendv_epi8(x2, y2, m2), m2, &p);
            x3 = avx2_renormalise(_mm256_blendv_epi8(x3, y3, m3), m3, &p);
            t = _mm256_blendv_epi8(t, t1, _mm256_packs_epi32(m2, m3));
        }
        memcpy(u + done, out, 2 * (size_t)rest);
        done = n;
    }
    avx2_store(x, x0);
    avx2_store(x + 8, x1);
    avx2_store(x + 16, x2);
    avx2_store(x + 24, x3);
    avx2_store(state, _mm256_permute4x64_epi64(s, 0xD8));
    avx2_store(state + 16, _mm256_permute4x64_epi64(t, 0xD8));
    in->p = p;
    return done;
}

INLINE size_t steps8(mote_words *in, uint32_t *x, uint16_t *state, const constants *c, uint16_t *u, size_t n)
{
    const uint8_t *p = in->p;
    const __m256i all = _mm256_set1_epi32(-1);
    __m256i a = avx2_load(x);
    /* packed order of eight lanes, twice: 0-3, 0-3, 4-7, 4-7 */
    __m256i s =
        _mm256_permute4x64_epi64(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)state)), 0x50);
    size_t done = 0;
    for (; n - done >= 8 && in->end - p >= 2 * 8 + 16; done += 8) {
        __m256i b = a;
        const __m256i v = advance(&a, &b, &s, c); /* 0-3, 4-7, and once more */
        _mm_storeu_si128((__m128i *)(void *)(u + done), _mm256_castsi256_si128(v));
        a = avx2_renormalise(a, all, &p);
    }
    const int rest = (int)(n - done);
    if (n - done < 8 && rest && in->end - p >= 2 * 8 + 16) {
        const __m256i m = lanes_below(rest, 0);
        __m256i y = a, b = a, t = s;
        uint16_t out[16];
        avx2_store(out, advance(&y, &b, &t, c));
        a = avx2_renormalise(_mm256_blendv_epi8(a, y, m), m, &p);
        s = _mm256_blendv_epi8(s, t, _mm256_packs_epi32(m, m));
        memcpy(u + done, out, 2 * (size_t)rest);
        done = n;
    }
    avx2_store(x, a);
    _mm_storeu_si128((__m128i *)(void *)state, _mm256_castsi256_si128(_mm256_permute4x64_epi64(s, 0xD8)));
    in->p = p;
    return done;
}

AVX2 static size_t run(mote_words *in, uint32_t *x, uint16_t *state, unsigned lanes, const mote_pair *pair, uint16_t *u,
                       size_t n)
{
    const int shift = pair->q[0]->shift;
    constants c = { .h = pair->prepared,
                    .g0 = _mm256_set1_epi16((short)pair->g[0]),
                    .g1 = _mm256_set1_epi16((short)pair->g[1]),
                    .lo = _mm256_set1_epi16((short)pair->q[0]->lo) };
#define RUN(s, w) \
    (c.shift = (s), c.wide = (w), lanes == 32 ? steps32(in, x, state, &c, u, n) : steps8(in, x, state, &c, u, n))
    if (pair->wide) return shift ? RUN(shift, true) : RUN(0, true);
    return shift ? RUN(shift, false) : RUN(0, false);
#undef RUN
}

bool mote_walk_avx2(mote_words *in, uint32_t *x, uint16_t *state, unsigned lanes, const mote_pair *pair, uint16_t *u,
                    size_t n)
{
    if (lanes == 1) return mote_walk_one(in, x, state, pair, u, n);
    const size_t done = run(in, x, state, lanes, pair, u, n);
    return mote_walk_ref(in, x, state, lanes, pair, u + done, n - done);
}

/* --- levels ------------------------------------------------------------------------------------------------------- */

INLINE __m256i value16(const uint16_t *u, bool zero)
{
    const __m256i v = avx2_load(u), one = _mm256_set1_epi16(1), none = _mm256_setzero_si256();
    if (!zero) return v;
    const __m256i odd = _mm256_cmpeq_epi16(_mm256_and_si256(v, one), one);
    const __m256i less = _mm256_add_epi16(_mm256_cmpgt_epi16(v, none), _mm256_cmpgt_epi16(v, one));
    return _mm256_add_epi16(v, _mm256_and_si256(odd, less));
}

INLINE __m256 element8(__m128i v, __m256 unit, __m256 small, bool offsets)
{
    const __m256i k = _mm256_cvtepi16_epi32(v);
    const __m256 x = _mm256_mul_ps(_mm256_cvtepi32_ps(k), unit);
    if (!offsets) return x;
    const __m256 y = _mm256_permutevar8x32_ps(small, k); /* the place of k is k mod 8 */
    return _mm256_blendv_ps(y, x, _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_abs_epi32(k), _mm256_set1_epi32(3))));
}

INLINE size_t convert(void *out, const uint16_t *u, size_t n, const mote_levels *l, bool zero, unsigned bytes,
                      bool offsets, uint16_t *odd, size_t *count)
{
    const __m256i most = _mm256_set1_epi16((short)l->most), least = _mm256_set1_epi16((short)l->least);
    const __m256 unit = _mm256_set1_ps(l->unit);
    float lut[8] = { 0 };
    for (int v = -3; v <= 3; v++)
        lut[v & 7] = (float)(64 * v + (v < 0 ? -l->offset[-v] : l->offset[v])) * 0.015625f * l->unit;
    const __m256 small = _mm256_loadu_ps(lut);
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        const __m256i a = avx2_load(u + i), b = avx2_load(u + i + 16), v = value16(u + i, zero),
                      w = value16(u + i + 16, zero);
        const __m256i out_a = _mm256_or_si256(_mm256_cmpgt_epi16(a, most), _mm256_cmpgt_epi16(least, a));
        const __m256i out_b = _mm256_or_si256(_mm256_cmpgt_epi16(b, most), _mm256_cmpgt_epi16(least, b));
        if (bytes == 1) {
            const __m256i low = _mm256_set1_epi16(255);
            avx2_store((int8_t *)out + i,
                       _mm256_permute4x64_epi64(_mm256_packus_epi16(_mm256_and_si256(v, low), _mm256_and_si256(w, low)),
                                                0xD8));
        } else if (bytes == 2) {
            avx2_store((uint16_t *)out + i, v);
            avx2_store((uint16_t *)out + i + 16, w);
        } else {
            float *to = (float *)out + i;
            _mm256_storeu_ps(to, element8(_mm256_castsi256_si128(v), unit, small, offsets));
            _mm256_storeu_ps(to + 8, element8(_mm256_extracti128_si256(v, 1), unit, small, offsets));
            _mm256_storeu_ps(to + 16, element8(_mm256_castsi256_si128(w), unit, small, offsets));
            _mm256_storeu_ps(to + 24, element8(_mm256_extracti128_si256(w, 1), unit, small, offsets));
        }
        const __m256i outside = _mm256_permute4x64_epi64(_mm256_packs_epi16(out_a, out_b), 0xD8);
        for (uint32_t mask = (uint32_t)_mm256_movemask_epi8(outside); mask; mask &= mask - 1)
            odd[(*count)++] = (uint16_t)(i + (unsigned)__builtin_ctz(mask));
    }
    return i;
}

AVX2 size_t mote_levels_avx2(void *out, const uint16_t *u, size_t n, const mote_levels *l, uint16_t *odd)
{
    size_t count = 0, done;
    const bool offsets = l->offset[1] || l->offset[2] || l->offset[3];
#define RUN(bytes, offsets)                                             \
    (l->zero ? convert(out, u, n, l, true, bytes, offsets, odd, &count) \
             : convert(out, u, n, l, false, bytes, offsets, odd, &count))
    if (l->bytes == 4)
        done = offsets ? RUN(4, true) : RUN(4, false);
    else
        done = l->bytes == 2 ? RUN(2, false) : RUN(1, false);
#undef RUN
    if (done == n) return count;
    const size_t more = mote_levels_host((uint8_t *)out + done * l->bytes, u + done, n - done, l, odd + count);
    for (size_t i = 0; i < more; i++) odd[count + i] = (uint16_t)(odd[count + i] + done);
    return count + more;
}

#endif
