/* SPDX-License-Identifier: Apache-2.0
 * Prototype of the trellis kernels: reference loop and AVX2. Table pairs of 16 symbols; escapes are patched afterwards. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <math.h>
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2,popcnt")))
#define INLINE AVX2 __attribute__((always_inline)) static inline

typedef struct {
    const uint8_t *p, *end;
} words;
typedef struct {
    int32_t lo;
    uint8_t shift, bits;
    uint16_t cum[17];
} table;
typedef struct {
    uint16_t g0, g1;
    bool zero;
} code; /* g = h >> 1 */

/* --- the definition ----------------------------------------------------------------------------------------------- */
static bool decode_ref(words *in, uint32_t *x, uint16_t *state, unsigned lanes, const table pair[2], const code *c,
                       uint16_t *v, size_t n)
{
    const unsigned bits = pair[0].bits;
    const uint32_t slots = ((uint32_t)1 << bits) - 1;
    const uint8_t *p = in->p, *end = in->end;
    unsigned lane = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t y = x[lane], slot = y & slots, s = state[lane], q = s & 1;
        const table *t = &pair[q];
        const uint16_t *cum = t->cum;
        for (unsigned half = 8; half; half /= 2)
            if (cum[half] <= slot) cum += half;
        y = (uint32_t)(cum[1] - cum[0]) * (y >> bits) + slot - cum[0];
        int32_t k = t->lo + (int32_t)((uint32_t)(cum - t->cum) << t->shift) + (int32_t)(y & ((1u << t->shift) - 1));
        y >>= t->shift;
        if (y < 65536) {
            if (end - p < 2) return false;
            y = y << 16 | (uint32_t)p[0] | (uint32_t)p[1] << 8;
            p += 2;
        }
        x[lane] = y;
        v[i] = (uint16_t)(!q ? 2 * k : c->zero ? 2 * k - (k > 0) + (k < 0) : 2 * k + 1);
        state[lane] = (uint16_t)(s >> 1 ^ (q ? c->g0 : 0) ^ (k & 1 ? c->g1 : 0));
        if (++lane == lanes) lane = 0;
    }
    in->p = p;
    return true;
}

/* --- AVX2 --------------------------------------------------------------------------------------------------------- */
static const uint8_t spread[256][8] = {
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

/* Binary search with the quantiser as the lowest bit of the place. Levels 1 to 3 have 2, 4 and 8 thresholds of 16 bits,
 * one shuffle each; the fourth has 16 and is looked up by bytes, as are the ends of the pair of symbols it parts. */
typedef struct {
    _Alignas(16) uint16_t l1[8], l2[8], l3[8];
    _Alignas(16) uint8_t mid[2][16], from[2][16], to[2][16], level[16]; /* [byte][q + 2 b1 + 4 b2 + 8 b3] */
    table plain[2];
} prepared;

static void prepare(prepared *h, const table pair[2])
{
    memset(h, 0, sizeof *h);
    memcpy(h->plain, pair, sizeof h->plain);
    for (unsigned q = 0; q < 2; q++) {
        const uint16_t *c = pair[q].cum;
        h->l1[q] = c[8];
        for (unsigned b1 = 0; b1 < 2; b1++) {
            h->l2[q + 2 * b1] = c[8 * b1 + 4];
            for (unsigned b2 = 0; b2 < 2; b2++) {
                h->l3[q + 2 * b1 + 4 * b2] = c[8 * b1 + 4 * b2 + 2];
                for (unsigned b3 = 0; b3 < 2; b3++) {
                    unsigned at = q + 2 * b1 + 4 * b2 + 8 * b3, k = 8 * b1 + 4 * b2 + 2 * b3;
                    h->from[0][at] = (uint8_t)c[k];
                    h->from[1][at] = (uint8_t)(c[k] >> 8);
                    h->mid[0][at] = (uint8_t)c[k + 1];
                    h->mid[1][at] = (uint8_t)(c[k + 1] >> 8);
                    h->to[0][at] = (uint8_t)c[k + 2];
                    h->to[1][at] = (uint8_t)(c[k + 2] >> 8);
                    h->level[at] = (uint8_t)(pair[q].lo + (int)(k << pair[q].shift) + 128);
                }
            }
        }
    }
}

INLINE __m256i both(const void *half)
{
    return _mm256_broadcastsi128_si256(_mm_load_si128(half));
}
INLINE __m256i bytes2(const uint8_t t[2][16], __m256i at_lo, __m256i at_hi)
{
    return _mm256_or_si256(_mm256_shuffle_epi8(both(t[0]), at_lo), _mm256_shuffle_epi8(both(t[1]), at_hi));
}
INLINE __m256i renormalise(__m256i x, const uint8_t **p)
{
    __m256i take = _mm256_cmpeq_epi32(_mm256_srli_epi32(x, 16), _mm256_setzero_si256());
    unsigned mask = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(take));
    __m256i w = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)*p));
    __m256i order = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)spread[mask]));
    __m256i fed = _mm256_or_si256(_mm256_slli_epi32(x, 16), _mm256_permutevar8x32_epi32(w, order));
    *p += 2 * (unsigned)_mm_popcnt_u32(mask);
    return _mm256_blendv_epi8(x, fed, take);
}

/* 16 lanes: states of the coder in a (lanes 0-3, 8-11 of the vector order) and b; of the trellis in s, in packed order. */
INLINE __m256i advance(__m256i *a, __m256i *b, __m256i *s, const prepared *h, const __m256i g0, const __m256i g1,
                       int bits, int shift, bool zero)
{
    const __m256i slots = _mm256_set1_epi32((1 << bits) - 1), one = _mm256_set1_epi16(1);
    __m256i slot = _mm256_packus_epi32(_mm256_and_si256(*a, slots), _mm256_and_si256(*b, slots));
    __m256i odd = _mm256_cmpeq_epi16(_mm256_and_si256(*s, one), one);
    __m256i at = _mm256_sub_epi16(_mm256_set1_epi16(0x0100), _mm256_and_si256(odd, _mm256_set1_epi16(-0x0202)));
    __m256i above = _mm256_cmpgt_epi16(_mm256_shuffle_epi8(both(h->l1), at), slot);
    at = _mm256_add_epi16(at, _mm256_andnot_si256(above, _mm256_set1_epi16(0x0404)));
    above = _mm256_cmpgt_epi16(_mm256_shuffle_epi8(both(h->l2), at), slot);
    at = _mm256_add_epi16(at, _mm256_andnot_si256(above, _mm256_set1_epi16(0x0808)));
    above = _mm256_cmpgt_epi16(_mm256_shuffle_epi8(both(h->l3), at), slot);
    at = _mm256_add_epi16(at, _mm256_andnot_si256(above, _mm256_set1_epi16(0x1010)));
    at = _mm256_srli_epi16(_mm256_sub_epi16(at, _mm256_set1_epi16(0x0100)), 1); /* place in both bytes */
    __m256i at_lo = _mm256_or_si256(at, _mm256_set1_epi16((short)0x8000)),
            at_hi = _mm256_or_si256(at, _mm256_set1_epi16(0x80));
    __m256i mid = bytes2(h->mid, at_lo, at_hi), from = bytes2(h->from, at_lo, at_hi), to = bytes2(h->to, at_lo, at_hi);
    above = _mm256_cmpgt_epi16(mid, slot);
    __m256i freq = _mm256_sub_epi16(_mm256_blendv_epi8(to, mid, above), _mm256_blendv_epi8(mid, from, above));
    __m256i bias = _mm256_sub_epi16(slot, _mm256_blendv_epi8(mid, from, above));
    const __m256i none = _mm256_setzero_si256();
    *a = _mm256_add_epi32(_mm256_mullo_epi32(_mm256_unpacklo_epi16(freq, none), _mm256_srli_epi32(*a, bits)),
                          _mm256_unpacklo_epi16(bias, none));
    *b = _mm256_add_epi32(_mm256_mullo_epi32(_mm256_unpackhi_epi16(freq, none), _mm256_srli_epi32(*b, bits)),
                          _mm256_unpackhi_epi16(bias, none));
    __m256i k = _mm256_sub_epi16(_mm256_shuffle_epi8(both(h->level), at_lo), _mm256_set1_epi16(128));
    k = _mm256_add_epi16(k, _mm256_andnot_si256(above, _mm256_set1_epi16((short)(1 << shift))));
    if (shift) {
        const __m256i lows = _mm256_set1_epi32((1 << shift) - 1);
        k = _mm256_add_epi16(k, _mm256_packus_epi32(_mm256_and_si256(*a, lows), _mm256_and_si256(*b, lows)));
        *a = _mm256_srli_epi32(*a, shift);
        *b = _mm256_srli_epi32(*b, shift);
    }
    __m256i parity = _mm256_sub_epi16(none, _mm256_and_si256(k, one));
    *s = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi16(*s, 1), _mm256_and_si256(odd, g0)),
                          _mm256_and_si256(parity, g1));
    __m256i v = _mm256_add_epi16(k, k);
    v = zero ? _mm256_sub_epi16(v, _mm256_sign_epi16(_mm256_and_si256(odd, one), k)) : _mm256_sub_epi16(v, odd);
    return _mm256_permute4x64_epi64(v, 0xD8);
}
INLINE __m256i load(const uint32_t *x)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)x);
}

/* States below 2^16 of active lanes take the next words. */
INLINE __m256i renormalise_some(__m256i x, __m256i active, const uint8_t **p)
{
    __m256i take = _mm256_and_si256(active, _mm256_cmpeq_epi32(_mm256_srli_epi32(x, 16), _mm256_setzero_si256()));
    unsigned mask = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(take));
    __m256i w = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)*p));
    __m256i order = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)spread[mask]));
    __m256i fed = _mm256_or_si256(_mm256_slli_epi32(x, 16), _mm256_permutevar8x32_epi32(w, order));
    *p += 2 * (unsigned)_mm_popcnt_u32(mask);
    return _mm256_blendv_epi8(x, fed, take);
}

INLINE size_t steps32(words *in, uint32_t *x, uint16_t *st, const prepared *h, const code *cd, int bits, int shift,
                      bool zero, uint16_t *v, size_t n)
{
    const uint8_t *p = in->p;
    __m256i a = load(x), b = load(x + 8), c = load(x + 16), d = load(x + 24);
    __m256i s = _mm256_permute4x64_epi64(_mm256_loadu_si256((void *)st), 0xD8),
            t = _mm256_permute4x64_epi64(_mm256_loadu_si256((void *)(st + 16)), 0xD8);
    const __m256i g0 = _mm256_set1_epi16((short)cd->g0), g1 = _mm256_set1_epi16((short)cd->g1);
    size_t done = 0;
    for (; n - done >= 32 && in->end - p >= 80; done += 32) {
        __m256i v0 = advance(&a, &b, &s, h, g0, g1, bits, shift, zero),
                v1 = advance(&c, &d, &t, h, g0, g1, bits, shift, zero);
        _mm256_storeu_si256((__m256i *)(void *)(v + done), v0);
        _mm256_storeu_si256((__m256i *)(void *)(v + done + 16), v1);
        a = renormalise(a, &p);
        b = renormalise(b, &p);
        c = renormalise(c, &p);
        d = renormalise(d, &p);
    }
    size_t rest = n - done;
    if (rest && rest < 32 && in->end - p >= 80) { /* the row's last step: the first lanes only */
        const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), r = _mm256_set1_epi32((int)rest);
        __m256i m0 = _mm256_cmpgt_epi32(r, index),
                m1 = _mm256_cmpgt_epi32(r, _mm256_add_epi32(index, _mm256_set1_epi32(8)));
        __m256i m2 = _mm256_cmpgt_epi32(r, _mm256_add_epi32(index, _mm256_set1_epi32(16))),
                m3 = _mm256_cmpgt_epi32(r, _mm256_add_epi32(index, _mm256_set1_epi32(24)));
        __m256i a1 = a, b1 = b, c1 = c, d1 = d, s1 = s, t1 = t;
        uint16_t out[32];
        _mm256_storeu_si256((void *)out, advance(&a1, &b1, &s1, h, g0, g1, bits, shift, zero));
        a = renormalise_some(_mm256_blendv_epi8(a, a1, m0), m0, &p);
        b = renormalise_some(_mm256_blendv_epi8(b, b1, m1), m1, &p);
        s = _mm256_blendv_epi8(s, s1, _mm256_packs_epi32(m0, m1));
        if (rest > 16) {
            _mm256_storeu_si256((void *)(out + 16), advance(&c1, &d1, &t1, h, g0, g1, bits, shift, zero));
            c = renormalise_some(_mm256_blendv_epi8(c, c1, m2), m2, &p);
            d = renormalise_some(_mm256_blendv_epi8(d, d1, m3), m3, &p);
            t = _mm256_blendv_epi8(t, t1, _mm256_packs_epi32(m2, m3));
        }
        memcpy(v + done, out, 2 * rest);
        done = n;
    }
    _mm256_storeu_si256((void *)x, a);
    _mm256_storeu_si256((void *)(x + 8), b);
    _mm256_storeu_si256((void *)(x + 16), c);
    _mm256_storeu_si256((void *)(x + 24), d);
    _mm256_storeu_si256((void *)st, _mm256_permute4x64_epi64(s, 0xD8));
    _mm256_storeu_si256((void *)(st + 16), _mm256_permute4x64_epi64(t, 0xD8));
    in->p = p;
    return done;
}
AVX2 static size_t run(words *in, uint32_t *x, uint16_t *st, const prepared *h, const code *cd, uint16_t *v, size_t n)
{
    const int s = h->plain[0].shift;
    if (cd->zero)
        return s == 0 ? steps32(in, x, st, h, cd, 12, 0, true, v, n) : steps32(in, x, st, h, cd, 12, s, true, v, n);
    return s == 0 ? steps32(in, x, st, h, cd, 12, 0, false, v, n) : steps32(in, x, st, h, cd, 12, s, false, v, n);
}
static bool decode_avx2(words *in, uint32_t *x, uint16_t *st, unsigned lanes, const prepared *h, const code *cd,
                        uint16_t *v, size_t n)
{
    size_t done = run(in, x, st, h, cd, v, n);
    return decode_ref(in, x, st, lanes, h->plain, cd, v + done, n - done);
}
AVX2 static void to_i8(const uint16_t *v, int8_t *o, size_t n)
{
    size_t i = 0;
    for (; i + 32 <= n; i += 32)
        _mm256_storeu_si256((void *)(o + i),
                            _mm256_permute4x64_epi64(_mm256_packs_epi16(_mm256_loadu_si256((void *)(v + i)),
                                                                        _mm256_loadu_si256((void *)(v + i + 16))),
                                                     0xD8));
    for (; i < n; i++) o[i] = (int8_t)v[i];
}
AVX2 static void to_f32(const uint16_t *v, float *o, size_t n, float D, const float off[4])
{
    float lut[8];
    for (int i = 0; i < 8; i++) {
        int k = i - 4 < -3 ? 0 : i - 4;
        lut[i & 7] = 0;
        (void)k;
    }
    for (int k = -3; k <= 3; k++) lut[k & 7] = k < 0 ? -(((float)-k + off[-k]) * D) : k ? ((float)k + off[k]) * D : 0;
    const __m256 L = _mm256_loadu_ps(lut), dd = _mm256_set1_ps(D);
    const __m256i three = _mm256_set1_epi32(3);
    for (size_t i = 0; i + 8 <= n; i += 8) {
        __m256i k = _mm256_cvtepi16_epi32(_mm_loadu_si128((void *)(v + i)));
        __m256 f = _mm256_mul_ps(_mm256_cvtepi32_ps(k), dd), g = _mm256_permutevar8x32_ps(L, k);
        _mm256_storeu_ps(o + i,
                         _mm256_blendv_ps(g, f, _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_abs_epi32(k), three))));
    }
}
/* Plain C for hosts: one word for each slot, no unpredictable branch. */
typedef struct {
    uint32_t e[2][4096];
    int32_t lo[2];
    unsigned shift;
} slots_t;
static void prep_slots(slots_t *h, const table pair[2])
{
    h->shift = pair[0].shift;
    for (int q = 0; q < 2; q++) {
        h->lo[q] = pair[q].lo;
        for (unsigned k = 0; k < 16; k++)
            for (unsigned i = pair[q].cum[k]; i < pair[q].cum[k + 1]; i++)
                h->e[q][i] = (uint32_t)(pair[q].cum[k + 1] - pair[q].cum[k]) | (i - pair[q].cum[k]) << 13 | k << 25;
    }
}
static size_t decode_host(words *in, uint32_t *x, uint16_t *state, unsigned lanes, const slots_t *h, const code *c,
                          uint16_t *v, size_t n)
{
    const uint8_t *p = in->p, *end = in->end;
    const unsigned shift = h->shift;
    const uint32_t g0 = c->g0, g1 = c->g1;
    const bool zero = c->zero;
    size_t i = 0;
    for (; n - i >= lanes && (size_t)(end - p) >= 2 * lanes + 2; i += lanes)
        for (unsigned lane = 0; lane < lanes; lane++) {
            uint32_t y = x[lane], s = state[lane], q = s & 1, e = h->e[q][y & 4095];
            y = (e & 8191) * (y >> 12) + (e >> 13 & 4095);
            int32_t k = h->lo[q] + (int32_t)(e >> 25 << shift) + (int32_t)(y & ((1u << shift) - 1));
            y >>= shift;
            uint32_t w = (uint32_t)p[0] | (uint32_t)p[1] << 8, take = y < 65536;
            y = take ? y << 16 | w : y;
            p += 2 * take;
            x[lane] = y;
            int32_t odd = (int32_t)q;
            v[i + lane] = (uint16_t)(2 * k + (zero ? -((k > 0) - (k < 0)) & -odd : odd));
            state[lane] = (uint16_t)(s >> 1 ^ (g0 & -q) ^ (g1 & -(uint32_t)(k & 1)));
        }
    in->p = p;
    return i;
}
static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(void)
{
    const size_t n = 1 << 19;
    const unsigned N = 32;
    int16_t *k = malloc(2 * n);
    uint8_t *q = malloc(n);
    uint16_t *want = malloc(2 * n), *got = malloc(2 * n + 64);
    uint64_t z = 88172645463325252ull;
    for (int zero = 0; zero < 2; zero++)
        for (int shift = 0; shift < 2; shift++) {
            code c = { 0515 >> 1, 0362 >> 1, zero };
            table pair[2];
            double sg = shift ? 3.2 : 1.7;
            for (int qq = 0; qq < 2; qq++) {
                table *t = &pair[qq];
                t->lo = -(7 << shift) - (shift && 0);
                t->shift = (uint8_t)shift;
                t->bits = 12;
                int f[16], left = 4096;
                for (int i = 0; i < 16; i++) {
                    double m = t->lo + (i + .5) * (1 << shift) - .5 + (qq && !zero ? .5 : 0);
                    f[i] = 1 + (int)(4000 * exp(-m * m / 2 / sg / sg) / (sg * 2.5066) * (1 << shift));
                    left -= f[i];
                }
                f[7] += left;
                t->cum[0] = 0;
                for (int i = 0; i < 16; i++) t->cum[i + 1] = (uint16_t)(t->cum[i] + f[i]);
            }
            uint16_t st[32] = { 0 };
            for (size_t i = 0; i < n; i++) {
                unsigned l = i % N;
                q[i] = st[l] & 1;
                z ^= z << 13;
                z ^= z >> 7;
                z ^= z << 17;
                unsigned r = (unsigned)(z >> 33) & 4095;
                const table *t = &pair[q[i]];
                int sy = 0;
                while (t->cum[sy + 1] <= r) sy++;
                int low = (int)(z >> 20) & ((1 << shift) - 1);
                k[i] = (int16_t)(t->lo + (sy << shift) + low);
                int kk = k[i];
                want[i] = (uint16_t)(!q[i] ? 2 * kk : zero ? 2 * kk - (kk > 0) + (kk < 0) : 2 * kk + 1);
                st[l] = (uint16_t)(st[l] >> 1 ^ (q[i] ? c.g0 : 0) ^ (kk & 1 ? c.g1 : 0));
            }
            uint8_t *buf = malloc(2 * n + 256), *p = buf + 2 * n + 256, *end = p;
            uint32_t x[32];
            for (unsigned i = 0; i < 32; i++) x[i] = 65536;
            for (size_t i = n; i-- > 0;) {
                const table *t = &pair[q[i]];
                unsigned u = (unsigned)(k[i] - t->lo), sy = u >> shift, low = u & ((1u << shift) - 1),
                         f = (unsigned)(t->cum[sy + 1] - t->cum[sy]);
                uint32_t *y = &x[i % N];
                if ((uint64_t)*y >= (uint64_t)f << (32 - 12 - shift)) {
                    p -= 2;
                    p[0] = (uint8_t)*y;
                    p[1] = (uint8_t)(*y >> 8);
                    *y >>= 16;
                }
                *y = *y << shift | low;
                *y = (*y / f << 12) + t->cum[sy] + *y % f;
            }
            prepared h;
            prepare(&h, pair);
            float off[4] = { 0, -.02f, -.03f, -.03f };
            int8_t *o8 = malloc(n);
            float *of = malloc(4 * n);
            static slots_t sl;
            prep_slots(&sl, pair);
            double best[5] = { 9, 9, 9, 9, 9 };
            for (int rep = 0; rep < 9; rep++)
                for (int m = 0; m < 5; m++) {
                    uint32_t y[32];
                    memcpy(y, x, sizeof y);
                    memset(st, 0, sizeof st);
                    words in = { p, end };
                    double t0 = now();
                    bool ok = true;
                    const size_t row = 512;
                    for (size_t i = 0; i < n && ok; i += row) {
                        uint16_t *dst = m < 2 || m == 4 ? got + i : got;
                        size_t dn;
                        ok = m == 4   ? (dn = decode_host(&in, y, st, N, &sl, &c, dst, row),
                                       decode_ref(&in, y, st, N, pair, &c, dst + dn, row - dn))
                             : m == 0 ? decode_ref(&in, y, st, N, pair, &c, dst, row)
                                      : decode_avx2(&in, y, st, N, &h, &c, dst, row);
                        if (m == 2) to_i8(dst, o8 + i, row);
                        if (m == 3) to_f32(dst, of + i, row, .01f, off);
                    }
                    double dt = now() - t0;
                    if (dt < best[m]) best[m] = dt;
                    if ((m < 2 || m == 4) && (!ok || memcmp(want, got, 2 * n) || in.p != in.end))
                        printf("WRONG m %d ok %d left %ld\n", m, ok, (long)(in.end - in.p));
                    for (int i = 0; i < 32; i++)
                        if (y[i] != 65536) {
                            printf("state\n");
                            break;
                        }
                }
            printf("zero %d shift %d: %.3f b/w; ref %.0f, host C %.0f, avx2 levels %.0f, int8 %.0f, f32 with offsets "
                   "%.0f Mw/s\n",
                   zero, shift, 8. * (double)(end - p) / (double)n, 1e-6 * n / best[0], 1e-6 * n / best[4],
                   1e-6 * n / best[1], 1e-6 * n / best[2], 1e-6 * n / best[3]);
        }
}
