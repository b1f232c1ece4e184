/* SPDX-License-Identifier: Apache-2.0
 * Eight lanes at a time through the rANS encoder with AVX2, 16 with AVX-512; what is not a whole step is left to mote_rans_put_row().
 * Host only. */
#include "enc/rans_fast.h"

#include "common/head.h"

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2,popcnt")))
#define INLINE AVX2 __attribute__((always_inline)) static inline

_Static_assert(MOTE_SYMBOLS == 16, "two registers for a table");

/** Of each symbol: frequency - 1 and cumulative (14 bits each), rshift (4 bits); reciprocal - 2^32. */
typedef struct table {
    __m256i packed[2], reciprocal[2];
    int shift, bits;
} table;

/* The words of the lanes of a 4-bit mask move to the end of eight bytes, in order; the other bytes are of no use.
 * Bytes of lanes 0..3, then of lanes 4..7. */
static const uint8_t squeeze[2][16][8] = {
#define BIT(m, i) ((m) >> (i)&1)
#define FROM(m, i) ((i) > 3 ? 0 : BIT(m, i) + BIT((m) >> 1, i) + BIT((m) >> 2, i) + BIT((m) >> 3, i))
#define LANE(m, j, i) (BIT(m, i) && FROM(m, i) == 4 - (j) ? (i) : 0)
#define WORD(m, j, at)                                          \
    (at) + 2 * (LANE(m, j, 1) + LANE(m, j, 2) + LANE(m, j, 3)), \
        (at) + 1 + 2 * (LANE(m, j, 1) + LANE(m, j, 2) + LANE(m, j, 3))
#define ROW(m, at)                                                     \
    {                                                                  \
        WORD(m, 0, at), WORD(m, 1, at), WORD(m, 2, at), WORD(m, 3, at) \
    }
#define ROW4(m, at) ROW(m, at), ROW((m) + 1, at), ROW((m) + 2, at), ROW((m) + 3, at)
    { ROW4(0, 0), ROW4(4, 0), ROW4(8, 0), ROW4(12, 0) }, { ROW4(0, 8), ROW4(4, 8), ROW4(8, 8), ROW4(12, 8) }
};

INLINE __m256i load(const uint32_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

AVX2 static void prepare(table *h, const mote_enc_table *t)
{
    uint32_t packed[MOTE_SYMBOLS], reciprocal[MOTE_SYMBOLS];
    for (unsigned i = 0; i < MOTE_SYMBOLS; i++) {
        packed[i] = ((t->sym[i].freq - 1) & 0x3FFF) | (t->sym[i].cum & 0x3FFF) << 14 | t->sym[i].rshift << 28;
        reciprocal[i] = (uint32_t)t->sym[i].reciprocal;
    }
    for (unsigned i = 0; i < 2; i++) {
        h->packed[i] = load(packed + 8 * i);
        h->reciprocal[i] = load(reciprocal + 8 * i);
    }
    h->shift = t->shift;
    h->bits = t->bits;
}

/* Entries k[0..7] < 16 of a table */
INLINE __m256i look_up(const __m256i half[2], __m256i k)
{
    const __m256 a = _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(half[0], k));
    const __m256 b = _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(half[1], k));
    return _mm256_castps_si256(_mm256_blendv_ps(a, b, _mm256_castsi256_ps(_mm256_slli_epi32(k, 28))));
}

/* States x code a token each; words go below p. */
INLINE __m256i put8(__m256i x, const table *h, const mote_token *token, uint8_t **p)
{
    const __m256i m14 = _mm256_set1_epi32(0x3FFF), high = _mm256_set1_epi64x((long long)0xFFFFFFFF00000000);
    const __m256i tokens = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)token));
    const __m256i k = _mm256_and_si256(tokens, _mm256_set1_epi32(0xFF));
    const __m256i packed = look_up(h->packed, k), reciprocal = look_up(h->reciprocal, k);
    const __m256i less = _mm256_and_si256(packed, m14); /* frequency - 1 */

    const __m256i over = _mm256_cmpgt_epi32(_mm256_srli_epi32(x, 32 - h->bits - h->shift), less);
    const unsigned mask = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(over));
    const __m256i words = _mm256_and_si256(x, _mm256_set1_epi32(0xFFFF));
    const __m128i pack = _mm_packus_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    const __m128i order = _mm_unpacklo_epi64(_mm_loadl_epi64((const __m128i *)(const void *)squeeze[0][mask & 15]),
                                             _mm_loadl_epi64((const __m128i *)(const void *)squeeze[1][mask >> 4]));
    const __m128i out = _mm_shuffle_epi8(pack, order);
    _mm_storel_epi64((__m128i *)(void *)(*p - 8), _mm_unpackhi_epi64(out, out));
    *p -= 2 * _mm_popcnt_u32(mask >> 4);
    _mm_storel_epi64((__m128i *)(void *)(*p - 8), out);
    *p -= 2 * _mm_popcnt_u32(mask & 15);

    x = _mm256_blendv_epi8(x, _mm256_srli_epi32(x, 16), over);
    x = _mm256_or_si256(_mm256_slli_epi32(x, h->shift), _mm256_srli_epi32(tokens, 8));
    /* x / frequency = (x * reciprocal + x * 2^32) >> (32 + rshift), for the lanes of even and odd place */
    const __m256i by = _mm256_srli_epi32(packed, 28), n32 = _mm256_set1_epi64x(32);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epu32(x, reciprocal), _mm256_slli_epi64(x, 32));
    const __m256i odd = _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(x, 32), _mm256_srli_epi64(reciprocal, 32)),
                                         _mm256_and_si256(x, high));
    const __m256i q_even = _mm256_srlv_epi64(even, _mm256_add_epi64(_mm256_andnot_si256(high, by), n32));
    const __m256i q_odd = _mm256_srlv_epi64(odd, _mm256_add_epi64(_mm256_srli_epi64(by, 32), n32));
    const __m256i q = _mm256_blend_epi32(q_even, _mm256_slli_epi64(q_odd, 32), 0xAA);
    /* q 2^bits + cum + x - q frequency */
    const __m256i cum = _mm256_and_si256(_mm256_srli_epi32(packed, 14), m14);
    const __m256i scale = _mm256_sub_epi32(_mm256_set1_epi32((1 << h->bits) - 1), less); /* 2^bits - frequency */
    return _mm256_add_epi32(_mm256_add_epi32(x, cum), _mm256_mullo_epi32(q, scale));
}

/* Whole steps from the end of n tokens, as long as every lane could emit a word; tokens left. */
AVX2 static size_t put_steps(mote_rans_enc *e, const table *h, const mote_token *token, size_t n)
{
    uint8_t *p = e->p;
    __m256i x[4];
    const unsigned lanes = e->lanes;
    for (unsigned i = 0; i < lanes / 8; i++) x[i] = load(e->x + 8 * i);
    for (; n > 0 && (size_t)(p - e->begin) >= 2 * 32 + 8; n -= lanes) {
        const mote_token *step = token + n - lanes;
        if (lanes == 32) {
            x[3] = put8(x[3], h, step + 24, &p);
            x[2] = put8(x[2], h, step + 16, &p);
            x[1] = put8(x[1], h, step + 8, &p);
        }
        x[0] = put8(x[0], h, step, &p);
    }
    for (unsigned i = 0; i < lanes / 8; i++) _mm256_storeu_si256((__m256i *)(void *)(e->x + 8 * i), x[i]);
    e->p = p;
    return n;
}

/* --- AVX-512: 16 lanes, and a register holds a table ---------------------------------------------------------------- */

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx2,popcnt")))

/* As put8, of 16 lanes; bits and shift of the table are those of h. */
AVX512 __attribute__((always_inline)) static inline __m512i put16(__m512i x, __m512i packs, __m512i reciprocals,
                                                                  const table *h, const mote_token *token, uint8_t **p)
{
    const __m512i m14 = _mm512_set1_epi32(0x3FFF), n32 = _mm512_set1_epi64(32);
    const __m512i tokens = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)token));
    const __m512i packed = _mm512_permutexvar_epi32(tokens, packs); /* by the lowest four bits, the symbol */
    const __m512i reciprocal = _mm512_permutexvar_epi32(tokens, reciprocals);
    const __m512i less = _mm512_and_si512(packed, m14); /* frequency - 1 */

    const __mmask16 over =
        _mm512_cmpgt_epi32_mask(_mm512_srl_epi32(x, _mm_cvtsi32_si128(32 - h->bits - h->shift)), less);
    const unsigned n = (unsigned)_mm_popcnt_u32(over);
    *p -= 2 * n;
    _mm256_mask_storeu_epi16(*p, (__mmask16)((1u << n) - 1),
                             _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(over, x)));

    x = _mm512_mask_srli_epi32(x, over, x, 16);
    x = _mm512_or_si512(_mm512_sll_epi32(x, _mm_cvtsi32_si128(h->shift)), _mm512_srli_epi32(tokens, 8));
    const __m512i by = _mm512_srli_epi32(packed, 28);
    const __m512i even = _mm512_add_epi64(_mm512_mul_epu32(x, reciprocal), _mm512_slli_epi64(x, 32));
    const __m512i odd = _mm512_add_epi64(_mm512_mul_epu32(_mm512_srli_epi64(x, 32), _mm512_srli_epi64(reciprocal, 32)),
                                         _mm512_maskz_mov_epi32(0xAAAA, x));
    const __m512i q_even = _mm512_srlv_epi64(even, _mm512_add_epi64(_mm512_maskz_mov_epi32(0x5555, by), n32));
    const __m512i q_odd = _mm512_srlv_epi64(odd, _mm512_add_epi64(_mm512_srli_epi64(by, 32), n32));
    const __m512i q = _mm512_mask_mov_epi32(q_even, 0xAAAA, _mm512_slli_epi64(q_odd, 32));
    const __m512i cum = _mm512_and_si512(_mm512_srli_epi32(packed, 14), m14);
    const __m512i scale = _mm512_sub_epi32(_mm512_set1_epi32((1 << h->bits) - 1), less); /* 2^bits - frequency */
    return _mm512_add_epi32(_mm512_add_epi32(x, cum), _mm512_mullo_epi32(q, scale));
}

/* As put_steps, of 32 lanes. */
AVX512 static size_t put_steps_512(mote_rans_enc *e, const table *h, const mote_token *token, size_t n)
{
    uint8_t *p = e->p;
    const __m512i packs = _mm512_loadu_si512(h->packed), reciprocals = _mm512_loadu_si512(h->reciprocal);
    __m512i a = _mm512_loadu_si512(e->x), b = _mm512_loadu_si512(e->x + 16);
    for (; n > 0 && (size_t)(p - e->begin) >= 2 * 32; n -= 32) {
        b = put16(b, packs, reciprocals, h, token + n - 16, &p);
        a = put16(a, packs, reciprocals, h, token + n - 32, &p);
    }
    _mm512_storeu_si512(e->x, a);
    _mm512_storeu_si512(e->x + 16, b);
    e->p = p;
    return n;
}

static bool has_512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
}

static bool is_fast(const mote_rans_enc *e)
{
    return e->lanes > 1 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
}

#else

typedef struct table {
    char none;
} table;

static bool has_512(void)
{
    return false;
}

static void prepare(table *h, const mote_enc_table *t)
{
    (void)h;
    (void)t;
}

static size_t put_steps(mote_rans_enc *e, const table *h, const mote_token *token, size_t n)
{
    (void)e;
    (void)h;
    (void)token;
    return n;
}

static size_t put_steps_512(mote_rans_enc *e, const table *h, const mote_token *token, size_t n)
{
    return put_steps(e, h, token, n);
}

static bool is_fast(const mote_rans_enc *e)
{
    (void)e;
    return false;
}

#endif

void mote_rans_put_rows(mote_rans_enc *e, const mote_enc_table *t, const mote_token *token, const uint32_t *length,
                        size_t rows, const uint8_t *row_class)
{
    const bool fast = is_fast(e), wide = fast && e->lanes == 32 && has_512();
    table h[MOTE_CLASSES_MAX];
    bool ready[MOTE_CLASSES_MAX] = { false };
    for (size_t r = 0; r < rows; r++) token += length[r];
    while (rows-- > 0) {
        const unsigned k = row_class ? row_class[rows] : 0;
        size_t n = length[rows];
        token -= n;
        if (fast && n >= e->lanes && e->st == MOTE_OK) {
            const size_t rest = n % e->lanes; /* of the last step */
            if (!ready[k]) prepare(&h[k], &t[k]);
            ready[k] = true;
            mote_rans_put_row(e, &t[k], token + n - rest, rest);
            n = wide ? put_steps_512(e, &h[k], token, n - rest) : put_steps(e, &h[k], token, n - rest);
            e->used = true;
        }
        mote_rans_put_row(e, &t[k], token, n);
    }
}
