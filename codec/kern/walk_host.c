/* SPDX-License-Identifier: Apache-2.0
 * The trellis in plain C for big machines: everything about a slot in one word, no branch that cannot be predicted.
 * Bit-identical to walk_ref.c. Host only. */
#include "kern/walk.h"

#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "common/head.h"

#define SLOTS (1u << MOTE_PAIR_BITS)

void mote_pair_prepare_host(void *prepared, const mote_pair *pair)
{
    uint32_t *word = prepared;
    for (unsigned q = 0; q < (pair->q[1] == pair->q[0] ? 1u : 2u); q++, word += SLOTS)
        for (unsigned k = 0; k < (pair->wide ? 32u : 16u); k++) {
            const uint16_t *cum = pair->q[q][k / 16].cum + k % 16;
            const uint32_t freq = (uint32_t)cum[1] - cum[0];
            for (uint32_t i = 0; i < freq; i++) word[cum[0] + i] = freq | i << 13 | k << 25;
        }
}

/* The next level of a lane with states x, s; the word at p is taken if need be. Whether there are low bits is constant
 * where this is called. */
static inline uint16_t level(uint32_t *x, uint16_t *state, const uint32_t *word, uint32_t lo, uint32_t g0, uint32_t g1,
                             unsigned shift, const uint8_t **p)
{
    const uint32_t s = *state, q = s & 1, e = word[q << MOTE_PAIR_BITS | (*x & (SLOTS - 1))];
    uint32_t y = (e & 8191) * (*x >> MOTE_PAIR_BITS) + (e >> 13 & 4095);
    const uint32_t k = lo + (e >> 25 << shift) + (y & ((1u << shift) - 1));
    y >>= shift;
    const uint32_t take = y < 65536;
    y = take ? y << 16 | mote_le16(*p) : y;
    *p += 2 * take;
    *x = y;
    *state = (uint16_t)(s >> 1 ^ (g0 & (0 - q)) ^ (g1 & (0 - (k & 1))));
    return (uint16_t)(2 * k + q);
}

/* As many steps as there are words for in any case, the last one partial; lanes are constant where this is called. */
static inline size_t run(mote_words *in, uint32_t *x, uint16_t *state, unsigned lanes, const mote_pair *pair,
                         unsigned shift, uint16_t *u, size_t n)
{
    const uint32_t *const word = pair->prepared, g0 = pair->g[0], g1 = pair->g[1], lo = (uint32_t)pair->q[0]->lo;
    const uint8_t *p = in->p, *const end = in->end;
    const size_t words = 2 * (size_t)lanes + 2; /* bytes of them that a step may read */
    uint32_t y[MOTE_LANES_MAX];
    uint16_t s[MOTE_LANES_MAX];
    size_t i = 0;
    memcpy(y, x, lanes * sizeof *y); /* one lane stays in registers */
    memcpy(s, state, lanes * sizeof *s);
    for (; n - i >= lanes && (size_t)(end - p) >= words; i += lanes)
        for (unsigned lane = 0; lane < lanes; lane++)
            u[i + lane] = level(&y[lane], &s[lane], word, lo, g0, g1, shift, &p);
    if (n - i < lanes && (size_t)(end - p) >= words)
        for (unsigned lane = 0; i < n; lane++, i++) u[i] = level(&y[lane], &s[lane], word, lo, g0, g1, shift, &p);
    memcpy(x, y, lanes * sizeof *y);
    memcpy(state, s, lanes * sizeof *s);
    in->p = p;
    return i;
}

bool mote_walk_host(mote_words *in, uint32_t *x, uint16_t *state, unsigned lanes, const mote_pair *pair, uint16_t *u,
                    size_t n)
{
    const unsigned shift = pair->q[0]->shift;
    size_t done;
#define RUN(lanes) (shift ? run(in, x, state, lanes, pair, shift, u, n) : run(in, x, state, lanes, pair, 0, u, n))
    if (lanes == 32)
        done = RUN(32);
    else if (lanes == 8)
        done = RUN(8);
    else
        done = RUN(1);
#undef RUN
    return mote_walk_ref(in, x, state, lanes, pair, u + done, n - done);
}

/* --- one lane ----------------------------------------------------------------------------------------------------- */

/* Pairs that are walked with one lane are many and short-lived: a byte a slot is filled and kept in the first cache where
 * the words above would not be. */
void mote_pair_prepare_one(void *prepared, const mote_pair *pair)
{
    mote_one *one = prepared;
    for (unsigned q = 0; q < (pair->q[1] == pair->q[0] ? 1u : 2u); q++, one++)
        for (unsigned k = 0; k < (pair->wide ? 32u : 16u); k++) {
            const uint16_t *cum = pair->q[q][k / 16].cum + k % 16;
            one->step[k] = (uint32_t)(cum[1] - cum[0]) << 16 | cum[0];
            memset(one->symbol + cum[0], (int)k, (size_t)cum[1] - cum[0]);
        }
}

static inline size_t run_one(mote_words *in, uint32_t *x, uint16_t *state, const mote_pair *pair, unsigned shift,
                             uint16_t *u, size_t n)
{
    const mote_one *const zero = pair->prepared, *const one = zero + (pair->q[1] != pair->q[0]);
    const uint32_t g0 = pair->g[0], g1 = pair->g[1], lo = (uint32_t)pair->q[0]->lo;
    const uint8_t *p = in->p, *const end = in->end;
    uint32_t y = *x, s = *state;
    size_t i = 0;
    for (; i < n && end - p >= 2; i++) {
        const uint32_t q = s & 1, slot = y & (SLOTS - 1);
        const mote_one *const t = q ? one : zero;
        const uint32_t symbol = t->symbol[slot], step = t->step[symbol];
        y = (step >> 16) * (y >> MOTE_PAIR_BITS) + slot - (step & 0xFFFF);
        const uint32_t k = lo + (symbol << shift) + (y & ((1u << shift) - 1));
        y >>= shift;
        const uint32_t take = y < 65536;
        y = take ? y << 16 | mote_le16(p) : y;
        p += 2 * take;
        s = s >> 1 ^ (g0 & (0 - q)) ^ (g1 & (0 - (k & 1)));
        u[i] = (uint16_t)(2 * k + q);
    }
    *x = y;
    *state = (uint16_t)s;
    in->p = p;
    return i;
}

bool mote_walk_one(mote_words *in, uint32_t *x, uint16_t *state, const mote_pair *pair, uint16_t *u, size_t n)
{
    const unsigned shift = pair->q[0]->shift;
    const size_t done = shift ? run_one(in, x, state, pair, shift, u, n) : run_one(in, x, state, pair, 0, u, n);
    return mote_walk_ref(in, x, state, 1, pair, u + done, n - done);
}

/* --- levels ------------------------------------------------------------------------------------------------------- */

/* The value of u where quantiser 1 has zero, or not. */
static inline int32_t value(uint16_t u, bool zero)
{
    const int32_t v = (int16_t)u;
    return zero ? v - (v & 1 & (v > 0)) - (v & 1 & (v > 1)) : v;
}

static inline void convert(void *out, const uint16_t *u, size_t n, const mote_levels *l, bool zero)
{
    if (l->bytes == 1) {
        int8_t *to = out;
        for (size_t i = 0; i < n; i++) to[i] = (int8_t)value(u[i], zero);
    } else if (l->bytes == 2) {
        int16_t *to = out;
        for (size_t i = 0; i < n; i++) to[i] = (int16_t)value(u[i], zero);
    } else if (!l->offset[1] && !l->offset[2] && !l->offset[3]) {
        float *to = out;
        for (size_t i = 0; i < n; i++) to[i] = (float)value(u[i], zero) * l->unit;
    } else {
        float *to = out, small[64]; /* elements of most u */
        for (int i = 0; i < 64; i++) {
            const int32_t v = value((uint16_t)(i - 32), zero), a = abs(v), o = a < 4 ? l->offset[a] : 0;
            small[i] = (float)(64 * v + (v < 0 ? -o : o)) * 0.015625f * l->unit;
        }
        for (size_t i = 0; i < n; i++) {
            const int32_t at = (int16_t)u[i] + 32;
            to[i] = (uint32_t)at < 64 ? small[at] : (float)value(u[i], zero) * l->unit;
        }
    }
}

size_t mote_levels_host(void *out, const uint16_t *u, size_t n, const mote_levels *l, uint16_t *odd)
{
    size_t count = 0;
    if (l->zero)
        convert(out, u, n, l, true);
    else
        convert(out, u, n, l, false);
    for (size_t i = 0, end; i < n; i = end) { /* most blocks have none */
        int32_t any = 0;
        end = n - i < 64 ? n : i + 64;
        for (size_t j = i; j < end; j++) any |= (l->most - (int16_t)u[j]) | ((int16_t)u[j] - l->least);
        for (size_t j = i; any < 0 && j < end; j++)
            if ((int16_t)u[j] > l->most || (int16_t)u[j] < l->least) odd[count++] = (uint16_t)j;
    }
    return count;
}
