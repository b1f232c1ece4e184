/* SPDX-License-Identifier: Apache-2.0
 * The kernel for x86-64 with AVX-512: 16 lanes in a register, and a register holds a table of 16 symbols, so that each
 * look-up of the binary search is one permutation. Bit-identical to kern_ref.c and walk_ref.c. Tables
 * without a trellis and fewer lanes are left to the AVX2 kernel, the end of the input to the reference. Host only. */
#include "kern/kern.h"

#include <string.h>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))

#include <immintrin.h>

#include "kern/walk.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx2,popcnt")))
#define INLINE AVX512 __attribute__((always_inline)) static inline

enum { LANES = 32, WORDS = 2 * LANES }; /* WORDS: bytes that a step may read */

/** A prepared table, or a pair. */
typedef struct prepared {
    uint16_t cum[2][48]; /**< of each quantiser; what lies behind the last is read and not used */
    uint8_t avx2[MOTE_AVX2_TABLE_BYTES];
} prepared;

_Static_assert(sizeof(prepared) <= MOTE_ONE_BYTES && sizeof(((prepared *)0)->cum) % 8 == 0,
               "there is room, and alignment");

/* What a step needs of a table: cumulatives by symbol, and those 1, 2, 4 and 8 symbols further on. */
typedef struct curve {
    __m512i c0, c1, c2, c4, c8;
} curve;

INLINE __m512i sixteen(const uint16_t *cum)
{
    return _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)cum));
}

INLINE curve curve_of(const uint16_t *cum)
{
    return (curve){ .c0 = sixteen(cum),
                    .c1 = sixteen(cum + 1),
                    .c2 = sixteen(cum + 2),
                    .c4 = sixteen(cum + 4),
                    .c8 = sixteen(cum + 8) };
}

/* The states in `of` that are below 2^16 take the next words, in the order of their lanes. */
INLINE __m512i renormalise(__m512i x, __mmask16 of, const uint8_t **p)
{
    const __mmask16 take = _mm512_mask_cmplt_epu32_mask(of, x, _mm512_set1_epi32(65536));
    const __m512i words = _mm512_maskz_expand_epi32(take, sixteen((const uint16_t *)(const void *)*p));
    *p += 2 * (unsigned)_mm_popcnt_u32(take);
    return _mm512_mask_or_epi32(x, take, _mm512_slli_epi32(x, 16), words);
}

/* Lanes [from, from + 16) of the first n. */
static inline __mmask16 lanes_below(size_t n, size_t from)
{
    return n >= from + 16 ? 0xFFFF : n <= from ? 0 : (__mmask16)((1u << (n - from)) - 1);
}

/* Values of 16 lanes, of which those in `of` move on. */
INLINE __m512i value(__m512i *x, __mmask16 of, const curve *t, __m512i lo, unsigned bits, unsigned shift,
                     const uint8_t **p)
{
    const __m512i slot = _mm512_and_si512(*x, _mm512_set1_epi32((1 << bits) - 1));
    const __m512i mid = _mm512_broadcastd_epi32(_mm512_castsi512_si128(t->c8));
    __m512i k = _mm512_maskz_set1_epi32(_mm512_cmpge_epu32_mask(slot, mid), 8);
#define HALVE(c, by)                                                                               \
    k = _mm512_mask_add_epi32(k, _mm512_cmpge_epu32_mask(slot, _mm512_permutexvar_epi32(k, c)), k, \
                              _mm512_set1_epi32(by))
    HALVE(t->c4, 4);
    HALVE(t->c2, 2);
    HALVE(t->c1, 1);
#undef HALVE
    const __m512i from = _mm512_permutexvar_epi32(k, t->c0);
    const __m512i freq = _mm512_sub_epi32(_mm512_permutexvar_epi32(k, t->c1), from);
    __m512i y = _mm512_add_epi32(_mm512_mullo_epi32(freq, _mm512_srli_epi32(*x, bits)), _mm512_sub_epi32(slot, from));
    __m512i v = _mm512_add_epi32(lo, _mm512_slli_epi32(k, shift));
    if (shift) {
        v = _mm512_add_epi32(v, _mm512_and_si512(y, _mm512_set1_epi32((1 << shift) - 1)));
        y = _mm512_srli_epi32(y, shift);
    }
    *x = renormalise(_mm512_mask_mov_epi32(*x, of, y), of, p);
    return v;
}

/* As many steps as there are words for in any case, the last one partial; how many values that are. */
INLINE size_t steps(mote_words *in, uint32_t *x, const prepared *h, const mote_table *t, unsigned bits, unsigned shift,
                    uint16_t *v, size_t n)
{
    const uint8_t *p = in->p;
    const __m512i lo = _mm512_set1_epi32(t->lo);
    const curve c = curve_of(h->cum[0]);
    __m512i a = _mm512_loadu_si512(x), b = _mm512_loadu_si512(x + 16);
    size_t done = 0;
    for (; n - done >= LANES && in->end - p >= WORDS; done += LANES) {
        const __m512i va = value(&a, 0xFFFF, &c, lo, bits, shift, &p), vb = value(&b, 0xFFFF, &c, lo, bits, shift, &p);
        _mm256_storeu_si256((__m256i *)(void *)(v + done), _mm512_cvtepi32_epi16(va));
        _mm256_storeu_si256((__m256i *)(void *)(v + done + 16), _mm512_cvtepi32_epi16(vb));
    }
    if (done < n && n - done < LANES && in->end - p >= WORDS) {
        const __mmask16 ma = lanes_below(n - done, 0), mb = lanes_below(n - done, 16);
        const __m512i va = value(&a, ma, &c, lo, bits, shift, &p), vb = value(&b, mb, &c, lo, bits, shift, &p);
        _mm256_mask_storeu_epi16(v + done, ma, _mm512_cvtepi32_epi16(va));
        _mm256_mask_storeu_epi16(v + done + 16, mb, _mm512_cvtepi32_epi16(vb));
        done = n;
    }
    _mm512_storeu_si512(x, a);
    _mm512_storeu_si512(x + 16, b);
    in->p = p;
    return done;
}

AVX512 static size_t run(mote_words *in, uint32_t *x, const prepared *h, const mote_table *t, uint16_t *v, size_t n)
{
    const unsigned s = t->shift;
    if (t->bits == 14) return s ? steps(in, x, h, t, 14, s, v, n) : steps(in, x, h, t, 14, 0, v, n);
    return s == 0   ? steps(in, x, h, t, 12, 0, v, n)
           : s == 4 ? steps(in, x, h, t, 12, 4, v, n)
                    : steps(in, x, h, t, 12, s, v, n);
}

static bool decode(mote_words *in, uint32_t *x, unsigned lanes, const void *table, uint16_t *v, size_t n)
{
    const prepared *h = table;
    if (lanes != LANES) return mote_decode_avx2(in, x, lanes, h->avx2, v, n);
    const mote_table *t = mote_plain_avx2(h->avx2);
    const size_t done = run(in, x, h, t, v, n);
    return mote_kern_ref()->decode(in, x, lanes, t, v + done, n - done);
}

static void prepare(void *memory, const mote_table *t)
{
    prepared *h = memory;
    memset(h->cum, 0, sizeof h->cum);
    memcpy(h->cum[0], t->cum, sizeof t->cum);
    mote_table_prepare_avx2(h->avx2, t);
}

/* --- trellis ------------------------------------------------------------------------------------------------------ */

typedef struct quantisers {
    curve c[2][2]; /* of each quantiser; wide tables have two halves */
    __m512i lo, g0, g1;
} quantisers;

/* Entries k of a member of the curves, those of quantiser 1 where `odd` says so. k: narrow, 16 q + symbol; wide, symbol */
#define LOOK_UP(member)                                                                                      \
    (wide ? _mm512_mask_blend_epi32(odd, _mm512_permutex2var_epi32(t->c[0][0].member, k, t->c[0][1].member), \
                                    _mm512_permutex2var_epi32(t->c[1][0].member, k, t->c[1][1].member))      \
          : _mm512_permutex2var_epi32(t->c[0][0].member, k, t->c[1][0].member))

/* 2 level + quantiser of 16 lanes, of which those in `of` move on. Spec codecs.md 8.2 */
INLINE __m512i level(__m512i *x, __m512i *state, __mmask16 of, const quantisers *t, unsigned shift, bool wide,
                     const uint8_t **p)
{
    const __m512i one = _mm512_set1_epi32(1);
    const __m512i slot = _mm512_and_si512(*x, _mm512_set1_epi32((1 << MOTE_PAIR_BITS) - 1));
    const __m512i q = _mm512_and_si512(*state, one);
    const __mmask16 odd = _mm512_test_epi32_mask(q, one);
    __m512i k = _mm512_slli_epi32(q, 4);
    if (wide) { /* the first entries of the upper halves */
        const __m512i half =
            _mm512_mask_blend_epi32(odd, _mm512_broadcastd_epi32(_mm512_castsi512_si128(t->c[0][1].c0)),
                                    _mm512_broadcastd_epi32(_mm512_castsi512_si128(t->c[1][1].c0)));
        k = _mm512_maskz_set1_epi32(_mm512_cmpge_epu32_mask(slot, half), 16);
    }
#define HALVE(c, by) k = _mm512_mask_add_epi32(k, _mm512_cmpge_epu32_mask(slot, LOOK_UP(c)), k, _mm512_set1_epi32(by))
    HALVE(c8, 8);
    HALVE(c4, 4);
    HALVE(c2, 2);
    HALVE(c1, 1);
#undef HALVE
    const __m512i from = LOOK_UP(c0), freq = _mm512_sub_epi32(LOOK_UP(c1), from);
    __m512i y =
        _mm512_add_epi32(_mm512_mullo_epi32(freq, _mm512_srli_epi32(*x, MOTE_PAIR_BITS)), _mm512_sub_epi32(slot, from));
    if (!wide) k = _mm512_and_si512(k, _mm512_set1_epi32(15));
    __m512i v = _mm512_add_epi32(t->lo, _mm512_slli_epi32(k, shift));
    if (shift) {
        v = _mm512_add_epi32(v, _mm512_and_si512(y, _mm512_set1_epi32((1 << shift) - 1)));
        y = _mm512_srli_epi32(y, shift);
    }
    __m512i s = _mm512_srli_epi32(*state, 1);
    s = _mm512_mask_xor_epi32(s, odd, s, t->g0);
    s = _mm512_mask_xor_epi32(s, _mm512_test_epi32_mask(v, one), s, t->g1);
    *state = _mm512_mask_mov_epi32(*state, of, s);
    *x = renormalise(_mm512_mask_mov_epi32(*x, of, y), of, p);
    return _mm512_add_epi32(_mm512_add_epi32(v, v), q);
}

/* lanes (8: of one register, half empty), wide and whether there are low bits are constants where this is called. */
INLINE size_t levels(mote_words *in, uint32_t *x, uint16_t *state, unsigned lanes, const mote_pair *pair,
                     unsigned shift, bool wide, uint16_t *u, size_t n)
{
    const uint8_t *p = in->p;
    const prepared *h = pair->prepared;
    const quantisers t = { .c = { { curve_of(h->cum[0]), curve_of(h->cum[0] + 16) },
                                  { curve_of(h->cum[1]), curve_of(h->cum[1] + 16) } },
                           .lo = _mm512_set1_epi32(pair->q[0]->lo),
                           .g0 = _mm512_set1_epi32(pair->g[0]),
                           .g1 = _mm512_set1_epi32(pair->g[1]) };
    const bool both = lanes == LANES;
    const __mmask16 first = both ? 0xFFFF : 0xFF, second = both ? 0xFFFF : 0;
    const ptrdiff_t words = both ? WORDS : WORDS / 2;
    __m512i a = _mm512_maskz_loadu_epi32(first, x), b = _mm512_maskz_loadu_epi32(second, x + 16);
    __m512i sa = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(first, state)),
            sb = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(second, state + 16));
    size_t done = 0;
    for (; n - done >= lanes && in->end - p >= words; done += lanes) {
        const __m512i ua = level(&a, &sa, first, &t, shift, wide, &p);
        _mm256_mask_storeu_epi16(u + done, first, _mm512_cvtepi32_epi16(ua));
        if (!both) continue;
        const __m512i ub = level(&b, &sb, second, &t, shift, wide, &p);
        _mm256_storeu_si256((__m256i *)(void *)(u + done + 16), _mm512_cvtepi32_epi16(ub));
    }
    if (done < n && n - done < lanes && in->end - p >= words) {
        const __mmask16 ma = lanes_below(n - done, 0), mb = lanes_below(n - done, 16);
        const __m512i ua = level(&a, &sa, ma, &t, shift, wide, &p);
        _mm256_mask_storeu_epi16(u + done, ma, _mm512_cvtepi32_epi16(ua));
        if (mb)
            _mm256_mask_storeu_epi16(u + done + 16, mb, _mm512_cvtepi32_epi16(level(&b, &sb, mb, &t, shift, wide, &p)));
        done = n;
    }
    _mm512_mask_storeu_epi32(x, first, a);
    _mm512_mask_storeu_epi32(x + 16, second, b);
    _mm256_mask_storeu_epi16(state, first, _mm512_cvtepi32_epi16(sa));
    _mm256_mask_storeu_epi16(state + 16, second, _mm512_cvtepi32_epi16(sb));
    in->p = p;
    return done;
}

AVX512 static size_t run_levels(mote_words *in, uint32_t *x, uint16_t *state, unsigned lanes, const mote_pair *pair,
                                uint16_t *u, size_t n)
{
    const unsigned s = pair->q[0]->shift;
#define RUN(lanes, wide) \
    (s ? levels(in, x, state, lanes, pair, s, wide, u, n) : levels(in, x, state, lanes, pair, 0, wide, u, n))
    if (pair->wide) return lanes == LANES ? RUN(LANES, true) : RUN(8, true);
    return lanes == LANES ? RUN(LANES, false) : RUN(8, false);
#undef RUN
}

static bool walk(mote_words *in, uint32_t *x, uint16_t *state, unsigned lanes, const mote_pair *pair, uint16_t *u,
                 size_t n)
{
    if (lanes == 1) return mote_walk_one(in, x, state, pair, u, n);
    const size_t done = run_levels(in, x, state, lanes, pair, u, n);
    return mote_walk_ref(in, x, state, lanes, pair, u + done, n - done);
}

static void prepare_pair(void *memory, const mote_pair *pair)
{
    prepared *h = memory;
    if (pair->lanes == 1) {
        mote_pair_prepare_one(memory, pair);
        return;
    }
    memset(h->cum, 0, sizeof h->cum);
    for (unsigned q = 0; q < 2; q++)
        for (unsigned half = 0; half < (pair->wide ? 2u : 1u); half++)
            memcpy(h->cum[q] + 16 * half, pair->q[q][half].cum, sizeof pair->q[q][half].cum);
}

const mote_kern *mote_kern_avx512(void)
{
    static const mote_kern avx512 = { .name = "avx512",
                                      .table_bytes = MOTE_ONE_BYTES,
                                      .prepare = prepare,
                                      .decode = decode,
                                      .walk = walk,
                                      .adapt = mote_adapt_avx2,
                                      .prepare_pair = prepare_pair,
                                      .levels = mote_levels_avx2,
                                      .inside = mote_inside_avx2,
                                      .join_f32 = mote_join_f32_avx2,
                                      .narrow = mote_narrow_avx2,
                                      .join_16 = mote_join_16_avx2 };
    return mote_kern_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512vl")
               ? &avx512
               : NULL;
}

#else

const mote_kern *mote_kern_avx512(void)
{
    return NULL;
}

#endif
