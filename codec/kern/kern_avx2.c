/* SPDX-License-Identifier: Apache-2.0
 * The kernel for x86-64 with AVX2: 8 or 32 lanes in registers, symbols found by counting, no table beyond 32 words.
 * Bit-identical to kern_ref.c; whatever is not a whole step is left to it. Host only. */
#include "kern/kern.h"

#include <string.h>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))

#include "kern/avx2.h"
#include "kern/walk.h"

#include "base/le.h"

/** A prepared table. */
typedef struct table {
    _Alignas(8) mote_table plain; /**< for the last steps */
    mote_avx2_search search;
} table;

_Static_assert(sizeof(table) == MOTE_AVX2_TABLE_BYTES && sizeof(table) <= MOTE_ONE_BYTES, "as others know it");
_Static_assert(MOTE_PAIR_AVX2_BYTES <= MOTE_ONE_BYTES && MOTE_ONE_BYTES % 8 == 0, "the largest of all");

const mote_table *mote_plain_avx2(const void *prepared)
{
    return &((const table *)prepared)->plain;
}

const uint8_t mote_avx2_spread[256][8] = {
#define BIT(m, i) ((m) >> (i)&1)
#define BELOW(m, i)                                                                                   \
    ((BIT(m, 0) * ((i) > 0) + BIT(m, 1) * ((i) > 1) + BIT(m, 2) * ((i) > 2) + BIT(m, 3) * ((i) > 3) + \
      BIT(m, 4) * ((i) > 4) + BIT(m, 5) * ((i) > 5) + BIT(m, 6) * ((i) > 6)))
#define ROW(m)                                                                                                 \
    {                                                                                                          \
        BELOW(m, 0), BELOW(m, 1), BELOW(m, 2), BELOW(m, 3), BELOW(m, 4), BELOW(m, 5), BELOW(m, 6), BELOW(m, 7) \
    }
#define ROW4(m) ROW(m), ROW((m) + 1), ROW((m) + 2), ROW((m) + 3)
#define ROW16(m) ROW4(m), ROW4((m) + 4), ROW4((m) + 8), ROW4((m) + 12)
#define ROW64(m) ROW16(m), ROW16((m) + 16), ROW16((m) + 32), ROW16((m) + 48)
    ROW64(0), ROW64(64), ROW64(128), ROW64(192)
};

void mote_table_prepare_avx2(void *prepared, const mote_table *t)
{
    table *h = prepared;
    const mote_table *const both[2] = { t, t };
    h->plain = *t;
    mote_avx2_search_init(&h->search, both, false);
}

/* Two vectors of states: decode, write 16 values in lane order (8 of them count if the second is a copy). */
INLINE __m256i advance(__m256i *a, __m256i *b, const table *h, int bits, int shift)
{
    const __m256i k = avx2_symbol(a, b, _mm256_set1_epi16(0x0100), &h->search, bits, false);
    __m256i v = _mm256_add_epi16(_mm256_set1_epi16((short)h->plain.lo), _mm256_slli_epi16(k, shift));
    if (shift) {
        const __m256i lows = _mm256_set1_epi32((1 << shift) - 1);
        v = _mm256_add_epi16(v, _mm256_packus_epi32(_mm256_and_si256(*a, lows), _mm256_and_si256(*b, lows)));
        *a = _mm256_srli_epi32(*a, shift);
        *b = _mm256_srli_epi32(*b, shift);
    }
    return _mm256_permute4x64_epi64(v, 0xD8); /* packing had interleaved the halves */
}

/* Whole steps while every lane could take a word and reading ahead stays inside; the number of values decoded. */
INLINE size_t steps32(mote_words *in, uint32_t *x, const table *h, int bits, int shift, uint16_t *v, size_t n)
{
    const uint8_t *p = in->p;
    __m256i a = avx2_load(x), b = avx2_load(x + 8), c = avx2_load(x + 16), d = avx2_load(x + 24);
    size_t done = 0;
    for (; n - done >= 32 && in->end - p >= 2 * 32 + 16; done += 32) {
        __m256i v0 = advance(&a, &b, h, bits, shift), v1 = advance(&c, &d, h, bits, shift);
        _mm256_storeu_si256((__m256i *)(void *)(v + done), v0);
        _mm256_storeu_si256((__m256i *)(void *)(v + done + 16), v1);
        a = avx2_renormalise(a, _mm256_set1_epi32(-1), &p);
        b = avx2_renormalise(b, _mm256_set1_epi32(-1), &p);
        c = avx2_renormalise(c, _mm256_set1_epi32(-1), &p);
        d = avx2_renormalise(d, _mm256_set1_epi32(-1), &p);
    }
    _mm256_storeu_si256((__m256i *)(void *)x, a);
    _mm256_storeu_si256((__m256i *)(void *)(x + 8), b);
    _mm256_storeu_si256((__m256i *)(void *)(x + 16), c);
    _mm256_storeu_si256((__m256i *)(void *)(x + 24), d);
    in->p = p;
    return done;
}

INLINE size_t steps8(mote_words *in, uint32_t *x, const table *h, int bits, int shift, uint16_t *v, size_t n)
{
    const uint8_t *p = in->p;
    __m256i a = avx2_load(x);
    size_t done = 0;
    for (; n - done >= 8 && in->end - p >= 2 * 8 + 16; done += 8) {
        __m256i b = a, w = advance(&a, &b, h, bits, shift); /* both halves of w hold the eight values */
        _mm_storeu_si128((__m128i *)(void *)(v + done), _mm256_castsi256_si128(w));
        a = avx2_renormalise(a, _mm256_set1_epi32(-1), &p);
    }
    _mm256_storeu_si256((__m256i *)(void *)x, a);
    in->p = p;
    return done;
}

AVX2 static size_t run(mote_words *in, uint32_t *x, unsigned lanes, const table *h, uint16_t *v, size_t n)
{
    const int s = h->plain.shift;
#define STEPS(steps)                                               \
    (h->plain.bits == 12 ? s == 0   ? steps(in, x, h, 12, 0, v, n) \
                           : s == 4 ? steps(in, x, h, 12, 4, v, n) \
                                    : steps(in, x, h, 12, s, v, n) \
                         : steps(in, x, h, 14, s, v, n))
    return lanes == 32 ? STEPS(steps32) : STEPS(steps8);
#undef STEPS
}

/* One lane, as long as there is a word: all cumulatives are compared at once, and whether a word is taken is arithmetic, as
 * nobody can foresee it. How many values that are. */
AVX2 static size_t steps1(mote_words *in, uint32_t *x, const mote_table *t, uint16_t *v, size_t n)
{
    const unsigned bits = t->bits, shift = t->shift;
    const uint32_t slots = ((uint32_t)1 << bits) - 1, lows = ((uint32_t)1 << shift) - 1, lo = (uint32_t)t->lo;
    const __m256i ends = avx2_load(t->cum + 1); /* of the last one, 2^bits: above every slot */
    const uint8_t *p = in->p;
    uint32_t y = x[0];
    size_t done = 0;
    for (; done < n && in->end - p >= 2; done++) {
        const uint32_t slot = y & slots;
        const __m256i above = _mm256_cmpgt_epi16(ends, _mm256_set1_epi16((short)slot));
        const uint32_t twice = (uint32_t)__builtin_ctz((unsigned)_mm256_movemask_epi8(above)); /* two bits a symbol */
        const uint32_t from = t->cum[twice / 2], to = t->cum[twice / 2 + 1];
        y = (to - from) * (y >> bits) + slot - from;
        v[done] = (uint16_t)(lo + (twice << shift >> 1) + (y & lows));
        y >>= shift;
        const uint32_t take = (uint32_t) - (y < 65536), word = mote_le16(p);
        y = y << (take & 16) | (word & take);
        p += take & 2;
    }
    x[0] = y;
    in->p = p;
    return done;
}

bool mote_decode_avx2(mote_words *in, uint32_t *x, unsigned lanes, const void *prepared, uint16_t *v, size_t n)
{
    const table *h = prepared;
    const size_t done = lanes == 1 ? steps1(in, x, &h->plain, v, n) : run(in, x, lanes, h, v, n);
    return mote_kern_ref()->decode(in, x, lanes, &h->plain, v + done, n - done);
}

AVX2 size_t mote_inside_avx2(const uint16_t *v, size_t n, uint16_t lo, uint16_t span)
{
    /* u > span - 1 as signed numbers, both with the upper bit inverted */
    const __m256i base = _mm256_set1_epi16((short)(lo ^ 0x8000)),
                  most = _mm256_set1_epi16((short)((span - 1) ^ 0x8000));
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const __m256i out = _mm256_cmpgt_epi16(_mm256_sub_epi16(avx2_load(v + i), base), most);
        const unsigned of = (unsigned)_mm256_movemask_epi8(out);
        if (of) return i + (unsigned)__builtin_ctz(of) / 2;
    }
    while (i < n && (uint16_t)(v[i] - lo) < span) i++;
    return i;
}

AVX2 void mote_join_f32_avx2(uint8_t *out, const uint16_t *v, const uint8_t *b1, const uint8_t *b0, size_t n)
{
    const __m256i m7 = _mm256_set1_epi16(0x7F), exponent = _mm256_set1_epi16(0x7F80);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const __m256i x = avx2_load(v + i);
        const __m256i sign = _mm256_andnot_si256(_mm256_set1_epi16(0x7FFF), _mm256_slli_epi16(x, 8));
        const __m256i high = _mm256_or_si256(_mm256_or_si256(sign, _mm256_and_si256(_mm256_srli_epi16(x, 1), exponent)),
                                             _mm256_and_si256(x, m7));
        const __m128i c1 = _mm_loadu_si128((const __m128i *)(const void *)(b1 + i));
        const __m128i c0 = _mm_loadu_si128((const __m128i *)(const void *)(b0 + i));
        const __m256i low = _mm256_or_si256(_mm256_slli_epi16(_mm256_cvtepu8_epi16(c1), 8), _mm256_cvtepu8_epi16(c0));
        const __m256i a = _mm256_unpacklo_epi16(low, high), b = _mm256_unpackhi_epi16(low, high);
        __m256i *to = (__m256i *)(void *)(out + 4 * i);
        _mm256_storeu_si256(to, _mm256_permute2x128_si256(a, b, 0x20));
        _mm256_storeu_si256(to + 1, _mm256_permute2x128_si256(a, b, 0x31));
    }
    for (; i < n; i++) {
        const unsigned x = v[i], high = (x << 8 & 0x8000) | (x >> 1 & 0x7F80) | (x & 0x7F);
        mote_put32(out + 4 * i, (uint32_t)high << 16 | (uint32_t)b1[i] << 8 | b0[i]);
    }
}

AVX2 void mote_narrow_avx2(uint8_t *out, const uint16_t *v, size_t n)
{
    size_t i = 0;
    for (; i + 32 <= n; i += 32) { /* both are read before anything is written: out may be v */
        const __m256i a = avx2_load(v + i), b = avx2_load(v + i + 16);
        const __m256i packed = _mm256_permute4x64_epi64(_mm256_packus_epi16(a, b), 0xD8);
        _mm256_storeu_si256((__m256i *)(void *)(out + i), packed);
    }
    for (; i < n; i++) out[i] = (uint8_t)v[i];
}

AVX2 void mote_join_16_avx2(uint8_t *out, const uint16_t *v, const uint8_t *b, size_t n, unsigned m)
{
    const uint16_t low = (uint16_t)((1u << m) - 1), middle = (uint16_t)(0x7FFF & ~low);
    const __m128i up = _mm_cvtsi32_si128(15 - (int)m);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const __m128i byte = _mm_loadu_si128((const __m128i *)(const void *)(b + i));
        const __m256i e = _mm256_or_si256(_mm256_slli_epi16(avx2_load(v + i), 8), _mm256_cvtepu8_epi16(byte));
        const __m256i sign = _mm256_andnot_si256(_mm256_set1_epi16(0x7FFF), _mm256_sll_epi16(e, up));
        const __m256i exponent = _mm256_and_si256(_mm256_srli_epi16(e, 1), _mm256_set1_epi16((short)middle));
        const __m256i mantissa = _mm256_and_si256(e, _mm256_set1_epi16((short)low));
        _mm256_storeu_si256((__m256i *)(void *)(out + 2 * i),
                            _mm256_or_si256(_mm256_or_si256(sign, exponent), mantissa));
    }
    for (; i < n; i++) {
        const unsigned x = (unsigned)v[i] << 8 | b[i];
        mote_put16(out + 2 * i, (x << (15 - m) & 0x8000) | (x >> 1 & middle) | (x & low));
    }
}

const mote_kern *mote_kern_avx2(void)
{
    static const mote_kern avx2 = { .name = "avx2",
                                    .table_bytes = MOTE_ONE_BYTES,
                                    .prepare = mote_table_prepare_avx2,
                                    .decode = mote_decode_avx2,
                                    .walk = mote_walk_avx2,
                                    .adapt = mote_adapt_avx2,
                                    .prepare_pair = mote_pair_prepare_avx2,
                                    .levels = mote_levels_avx2,
                                    .inside = mote_inside_avx2,
                                    .join_f32 = mote_join_f32_avx2,
                                    .narrow = mote_narrow_avx2,
                                    .join_16 = mote_join_16_avx2 };
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt") ? &avx2 : NULL;
}

#else

const mote_kern *mote_kern_avx2(void)
{
    return NULL;
}

#endif
