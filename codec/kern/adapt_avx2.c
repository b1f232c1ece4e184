/* SPDX-License-Identifier: Apache-2.0
 * Tables that adapt, with AVX2: a table is one register, searched by one comparison and taught by three instructions.
 * Bit-identical to adapt_ref.c, which does what is left where the words end. Host only. */
#include "kern/adapt.h"
#include "kern/walk.h"

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))

#include "base/le.h"
#include "kern/avx2.h"

/* Of the symbols from 3 below that of level 0 to 3 above, how many lie below all, and the others' bits in a mask. */
static unsigned window(const mote_pair *pair, uint32_t *mask)
{
    const int32_t zero = mote_adapt_zero(pair->q[0]->lo, pair->q[0]->shift);
    unsigned below = 0;
    *mask = 0;
    for (int32_t j = zero - 3; j <= zero + 3; j++)
        if (j < 0)
            below++;
        else if (j < MOTE_SYMBOLS)
            *mask |= 3u << 2 * (unsigned)j;
    return below;
}

/* As long as there is a word to take; shift is a constant where it is 0. */
INLINE size_t run(mote_words *in, uint32_t *x, uint16_t *state, int16_t *tables, const mote_pair *pair, unsigned shift,
                  uint16_t *u, size_t n)
{
    const uint8_t *p = in->p, *const end = in->end;
    const uint32_t lo = (uint32_t)pair->q[0]->lo, g0 = pair->g[0], g1 = pair->g[1], lows = (1u << shift) - 1;
    const __m256i most = _mm256_set1_epi16(MOTE_ADAPT_MOST),
                  own = _mm256_setr_epi16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    uint32_t y = x[0], s = state[0], near;
    const unsigned least = window(pair, &near);
    unsigned h = state[1] ^ 4u, g = state[2] ^ 1u;
    size_t i = 0;
    uint16_t below[MOTE_SYMBOLS + 1];
    below[MOTE_SYMBOLS] = 1u << MOTE_PAIR_BITS;
    for (; i < n && end - p >= 2; i++) {
        const uint32_t q = s & 1, slot = y & ((1u << MOTE_PAIR_BITS) - 1);
        int16_t *const cum = tables + ((g * 8 + h) * 2 + q) * MOTE_SYMBOLS;
        const __m256i c = avx2_load(cum), b = _mm256_add_epi16(_mm256_srli_epi16(c, 3), own),
                      above = _mm256_cmpgt_epi16(b, _mm256_set1_epi16((short)slot));
        avx2_store(below, b);
        avx2_store(cum, _mm256_add_epi16(
                            c, _mm256_srai_epi16(_mm256_sub_epi16(_mm256_and_si256(above, most), c), MOTE_ADAPT_RATE)));
        const uint32_t upto = ~(uint32_t)_mm256_movemask_epi8(above); /* two bits for each symbol up to k */
        const unsigned k = ((unsigned)_mm_popcnt_u32(upto) >> 1) - 1;
        g = (unsigned)(h >= 4) + (h > 4);
        h = least + ((unsigned)_mm_popcnt_u32(upto & near) >> 1);
        y = (uint32_t)(below[k + 1] - below[k]) * (y >> MOTE_PAIR_BITS) + slot - below[k];
        const uint32_t level = lo + (k << shift) + (y & lows);
        y >>= shift;
        const uint32_t take = y < 65536;
        y = take ? y << 16 | mote_le16(p) : y;
        p += 2 * take;
        s = s >> 1 ^ (g0 & (0 - q)) ^ (g1 & (0 - (level & 1)));
        u[i] = (uint16_t)(2 * level + q);
    }
    x[0] = y;
    state[0] = (uint16_t)s;
    state[1] = (uint16_t)(h ^ 4);
    state[2] = (uint16_t)(g ^ 1);
    in->p = p;
    return i;
}

AVX2 static size_t run_any(mote_words *in, uint32_t *x, uint16_t *state, int16_t *tables, const mote_pair *pair,
                           uint16_t *u, size_t n)
{
    const unsigned shift = pair->q[0]->shift;
    return shift ? run(in, x, state, tables, pair, shift, u, n) : run(in, x, state, tables, pair, 0, u, n);
}

bool mote_adapt_avx2(mote_words *in, uint32_t *x, uint16_t *state, int16_t *tables, const mote_pair *pair, uint16_t *u,
                     size_t n)
{
    const size_t done = run_any(in, x, state, tables, pair, u, n);
    return mote_adapt_ref(in, x, state, tables, pair, u + done, n - done);
}

#endif
