/* SPDX-License-Identifier: Apache-2.0
 * Viterbi search over the trellis: candidates for a block of values, then add-compare-select, then survivors traced back
 * from a window. Host only. */
#include "enc/trellis_steps.h"

#include <string.h>

#include "base/le.h"

#define BLOCK 2048 /* values whose levels are decided at a time */
#define DELAY 128 /* and how far behind; survivors may still differ there, so the search goes on from the one decided */
#define WINDOW (BLOCK + DELAY)

/* A sequence that is being searched. */
typedef struct track {
    _Alignas(32) float metric[2][MOTE_TRELLIS_STATES_MAX]; /* even states first, then odd ones */
    float cost[WINDOW][4];                                 /* of the best level of (quantiser, parity) */
    int32_t level[WINDOW][4];
    uint8_t *choice; /* [WINDOW][states / 8] */
    size_t filled;
    unsigned from; /* state before the window */
    mote_sequence left;
} track;

typedef struct work {
    uint16_t before[2 * MOTE_TRELLIS_STATES_MAX]; /* place of the choice before: [place of a choice][second] */
    track track[2];
    uint8_t choice[];
} work;

size_t mote_trellis_bytes(unsigned states)
{
    return sizeof(work) + WINDOW * (states == 8 ? 2u : 1u) * (size_t)(states < 8 ? 1 : states / 8);
}

/* --- candidates --------------------------------------------------------------------------------------------------- */

static float price_of(const mote_level_prices *p, unsigned q, int32_t k)
{
    return k >= -MOTE_PRICE_SPAN && k < MOTE_PRICE_SPAN ? p->bits[q][k + MOTE_PRICE_SPAN] : p->beyond[q][k & 1];
}

static int32_t floor4(float x) /* floor(x / 4) */
{
    float y = x * 0.25f;
    int32_t j = (int32_t)y;
    return j - ((float)j > y);
}

typedef struct candidate {
    float cost;
    int32_t level;
} candidate;

static candidate better_of(const mote_trellis *t, const mote_level_prices *p, unsigned q, int32_t a, int32_t b, float x,
                           float weight, float lambda)
{
    float ea = x - mote_trellis_rebuilt(t, mote_trellis_multiple(t, q, a)),
          eb = x - mote_trellis_rebuilt(t, mote_trellis_multiple(t, q, b));
    float ca = weight * (ea * ea) + lambda * price_of(p, q, a), cb = weight * (eb * eb) + lambda * price_of(p, q, b);
    return ca <= cb ? (candidate){ ca, a } : (candidate){ cb, b };
}

/* The two neighbours of x in each of the four cosets: nothing farther can win. */
static void candidates(const mote_trellis *t, const mote_level_prices *p, float x, float weight, float lambda,
                       float cost[4], int32_t level[4])
{
    for (unsigned parity = 0; parity < 2; parity++) {
        int32_t k = 2 * floor4(x - (float)(2 * parity)) + (int32_t)parity;
        candidate b = better_of(t, p, 0, k, k + 2, x, weight, lambda);
        cost[parity] = b.cost;
        level[parity] = b.level;
        if (!t->zero) {
            k = 2 * floor4(x - (float)(2 * parity + 1)) + (int32_t)parity;
            b = better_of(t, p, 1, k, k + 2, x, weight, lambda);
        } else {
            int32_t sign = x < 0 ? -1 : 1, j = floor4((x < 0 ? -x : x) + (parity ? 3.0f : 1.0f));
            k = 2 * j - (int32_t)parity; /* parity 0: j from 0, levels 0, 2, ..; parity 1: levels -1 or 1, 3, .. */
            b = better_of(t, p, 1, sign * k, sign * (k + 2), x, weight, lambda);
        }
        cost[2 + parity] = b.cost;
        level[2 + parity] = b.level;
    }
}

static void candidates_plain(const mote_trellis *t, const float *x, const uint8_t *table, const float *weight, size_t n,
                             const mote_level_prices *prices, float lambda, float cost[][4], int32_t level[][4])
{
    for (size_t i = 0; i < n; i++)
        candidates(t, &prices[table ? table[i] : 0], x[i], weight ? weight[i] : 1, lambda, cost[i], level[i]);
}

/* --- add, compare, select ----------------------------------------------------------------------------------------- */

static void select_plain(const mote_trellis *t, float *metric, float *other, const float cost[][4], uint8_t *choice,
                         size_t n)
{
    const unsigned half = t->states / 2, g0 = (t->h0 >> 1) & (half - 1), g1 = t->h1 >> 1;
    for (size_t i = 0; i < n; i++) {
        memset(choice, 0, t->states / 8);
        for (unsigned side = 0; side < 2; side++) {
            const float *m = metric + side * half, a = cost[i][2 * side], b = cost[i][2 * side + 1];
            for (unsigned u = 0; u < half; u++) {
                float first = m[u] + a, second = m[u ^ g1] + b;
                unsigned place = side * half + u, s = side ? half + (u ^ g0) : u;
                if (second < first) choice[place / 8] |= (uint8_t)(1u << place % 8);
                other[(s & 1) * half + s / 2] = second < first ? second : first;
            }
        }
        choice += t->states / 8;
        if (i % MOTE_TRELLIS_RENORM == MOTE_TRELLIS_RENORM - 1) {
            float least = other[0];
            for (unsigned s = 1; s < t->states; s++) least = other[s] < least ? other[s] : least;
            for (unsigned s = 0; s < t->states; s++) other[s] -= least;
        }
        float *swap = metric;
        metric = other;
        other = swap;
    }
    if (n % 2) memcpy(other, metric, t->states * sizeof *metric);
}

/* --- what has been found ------------------------------------------------------------------------------------------ */

static bool look_plain(const mote_trellis *t, const mote_found *f, size_t n, float part[][MOTE_FOUND_LANES],
                       uint32_t of[4])
{
    bool far = false;
    for (size_t i = 0; i < n; i++) {
        const unsigned q = f->quantiser[i], lane = i % MOTE_FOUND_LANES;
        const int32_t k = f->level[i], v = mote_trellis_multiple(t, q, k), a = v < 0 ? -v : v;
        const float outwards = v < 0 ? -f->x[i] : f->x[i], plain = outwards - (float)a;
        const float e = a < 4 ? plain - t->offset[a] : plain, square = e * e;
        int32_t at = k + MOTE_PRICE_SPAN;
        part[0][lane] += square;
        if (f->weight) part[4][lane] += square * f->weight[i];
        if (a > 0 && a < 4) {
            part[a][lane] += plain;
            of[a]++;
        }
        if (at < 0 || at >= 2 * MOTE_PRICE_SPAN) {
            far = true;
            at = at < 0 ? 0 : 2 * MOTE_PRICE_SPAN - 1;
        }
        f->place[i] = (uint16_t)(q * 2 * MOTE_PRICE_SPAN + (unsigned)at);
        if (f->rebuilt) {
            const float y = a < 4 ? f->near[a] : (float)a * f->step;
            f->rebuilt[i] = v < 0 ? -y : y;
        }
    }
    return far;
}

bool mote_trellis_look(const mote_trellis_steps *steps, const mote_trellis *t, const mote_found *f, size_t n,
                       mote_found_sums *sums)
{
    bool far = false;
    mote_found g = *f;
    for (size_t left = n; left;) {
        const size_t k = left < BLOCK ? left : BLOCK;
        float part[5][MOTE_FOUND_LANES] = { { 0 } };
        double sum[5] = { 0 };
        uint32_t of[4] = { 0 };
        far |= steps->look(t, &g, k, part, of);
        for (unsigned j = 0; j < 5; j++)
            for (unsigned i = 0; i < MOTE_FOUND_LANES; i++) sum[j] += (double)part[j][i];
        sums->error += sum[0];
        sums->weighted += f->weight ? sum[4] : sum[0];
        for (unsigned a = 1; a < 4; a++) {
            sums->sum[a] += sum[a];
            sums->n[a] += of[a];
        }
        g.x += k;
        g.level += k;
        g.quantiser += k;
        g.place += k;
        if (g.weight) g.weight += k;
        if (g.rebuilt) g.rebuilt += k;
        left -= k;
    }
    return far;
}

const mote_trellis_steps *mote_trellis_steps_plain(void)
{
    static const mote_trellis_steps steps = { candidates_plain, select_plain, NULL, look_plain };
    return &steps;
}

/* --- the sequence ------------------------------------------------------------------------------------------------- */

/* Place in a row of choices of the state that a value leads to. */
static unsigned place_of(const mote_trellis *t, unsigned s)
{
    const unsigned half = t->states / 2, g0 = (t->h0 >> 1) & (half - 1);
    return s < half ? s : half + ((s - half) ^ g0);
}

static void set_before(const mote_trellis *t, work *w)
{
    const unsigned half = t->states / 2, g1 = t->h1 >> 1;
    for (unsigned q = 0; q < 2; q++)
        for (unsigned u = 0; u < half; u++) {
            uint16_t *to = w->before + 2 * (q * half + u);
            to[0] = (uint16_t)place_of(t, 2 * u + q);
            to[1] = (uint16_t)place_of(t, 2 * (u ^ g1) + q);
        }
}

/* Back over the values [from, to); of the state after the last the place is given, of the one before the first it is
 * returned. Inlined for each size of a row of choices. */
static inline unsigned trace_over(const work *w, const track *k, unsigned half, size_t from, size_t to, unsigned place,
                                  bool kept)
{
    for (size_t i = to; i-- > from;) {
        unsigned second;
        if (half == 4) {
            second = k->choice[i] >> place & 1;
        } else if (half == 16) {
            second = mote_le32(k->choice + 4 * i) >> place & 1;
        } else {
            second = k->choice[i * (half / 4) + place / 8] >> place % 8 & 1;
        }
        if (kept) {
            const unsigned q = place >= half;
            k->left.level[i] = k->level[i][2 * q + second];
            k->left.quantiser[i] = (uint8_t)q;
        }
        place = w->before[2 * place + second];
    }
    return place;
}

static unsigned trace_part(const work *w, const track *k, unsigned half, size_t from, size_t to, unsigned place,
                           bool kept)
{
    if (half == 4) return trace_over(w, k, 4, from, to, place, kept);
    if (half == 16) return trace_over(w, k, 16, from, to, place, kept);
    return trace_over(w, k, half, from, to, place, kept);
}

/* From the best last state back over what will be decided later: the place after the last value to be kept. */
static unsigned trace_back(const mote_trellis *t, const work *w, const track *k, size_t keep)
{
    const float *metric = k->metric[0];
    const unsigned half = t->states / 2;
    unsigned best = 0;
    for (unsigned i = 1; i < t->states; i++)
        if (metric[i] < metric[best]) best = i;
    const unsigned place = place_of(t, best < half ? 2 * best : 2 * (best - half) + 1);
    return trace_part(w, k, half, keep, k->filled, place, false);
}

/* The first values of two tracks with eight states at once, as each step waits for the one before. */
static void trace_two(const work *w, const track *a, const track *b, size_t keep, unsigned place_a, unsigned place_b)
{
    for (size_t i = keep; i-- > 0;) {
        const unsigned second_a = a->choice[i] >> place_a & 1, second_b = b->choice[i] >> place_b & 1;
        const unsigned q_a = place_a >> 2, q_b = place_b >> 2;
        a->left.level[i] = a->level[i][2 * q_a + second_a];
        b->left.level[i] = b->level[i][2 * q_b + second_b];
        a->left.quantiser[i] = (uint8_t)q_a;
        b->left.quantiser[i] = (uint8_t)q_b;
        place_a = w->before[2 * place_a + second_a];
        place_b = w->before[2 * place_b + second_b];
    }
}

static void search_1(const mote_trellis *t, const mote_sequence *s, const mote_level_prices *prices, float lambda)
{
    memset(s->quantiser, 0, s->n);
    for (size_t i = 0; i < s->n; i++) {
        float cost[4];
        int32_t k[4];
        candidates(t, &prices[s->table ? s->table[i] : 0], s->x[i], s->weight ? s->weight[i] : 1, lambda, cost, k);
        s->level[i] = cost[1] < cost[0] ? k[1] : k[0];
    }
}

const mote_trellis_steps *mote_trellis_steps_best(const mote_trellis *t)
{
    const mote_trellis_steps *s = t->states == 16 ? NULL : mote_trellis_steps_avx2(); /* 16 states: half a block only */
    return s ? s : mote_trellis_steps_plain();
}

/* Candidates for as many values as there is room for, and metrics at the start. */
static void fill(const mote_trellis_steps *steps, const mote_trellis *t, track *k, const mote_level_prices *prices,
                 float lambda)
{
    mote_sequence *s = &k->left;
    const size_t n = WINDOW - k->filled < s->n ? WINDOW - k->filled : s->n;
    steps->candidates(t, s->x, s->table, s->weight, n, prices, lambda, k->cost + k->filled, k->level + k->filled);
    s->x += n;
    if (s->table) s->table += n;
    if (s->weight) s->weight += n;
    s->n -= n;
    k->filled += n;
    for (unsigned i = 0; i < t->states; i++) k->metric[0][i] = 1e9f; /* more than any path can cost */
    k->metric[0][k->from % 2 * t->states / 2 + k->from / 2] = 0;
}

static size_t to_keep(const track *k)
{
    return k->left.n ? k->filled - DELAY : k->filled;
}

/* The first values are decided and go. */
static void decide(const mote_trellis *t, track *k, size_t keep, unsigned place)
{
    const unsigned half = t->states / 2, g0 = (t->h0 >> 1) & (half - 1);
    k->from = place < half ? place : half + ((place - half) ^ g0);
    k->left.level += keep;
    k->left.quantiser += keep;
    k->filled -= keep;
    memmove(k->level, k->level + keep, k->filled * sizeof *k->level);
    memmove(k->cost, k->cost + keep, k->filled * sizeof *k->cost);
}

static void search_on(const mote_trellis_steps *steps, const mote_trellis *t, work *w, track *k, size_t from)
{
    if (k->filled > from)
        steps->select(t, k->metric[0], k->metric[1], (const float(*)[4])k->cost + from,
                      k->choice + from * (t->states / 8), k->filled - from);
    const size_t keep = to_keep(k);
    const unsigned place = trace_back(t, w, k, keep);
    (void)trace_part(w, k, t->states / 2, 0, keep, place, true);
    decide(t, k, keep, place);
}

/* Two sequences side by side as long as both go on: each step waits for the one before, and there is time for another. */
static void search_two(const mote_trellis_steps *steps, const mote_trellis *t, work *w, const mote_level_prices *prices,
                       float lambda)
{
    track *a = &w->track[0], *b = &w->track[1];
    while (a->left.n && b->left.n) {
        fill(steps, t, a, prices, lambda);
        fill(steps, t, b, prices, lambda);
        const size_t both = (a->filled < b->filled ? a->filled : b->filled) / MOTE_TRELLIS_RENORM * MOTE_TRELLIS_RENORM;
        steps->select_two(t, a->metric[0], b->metric[0], (const float(*)[4])a->cost, (const float(*)[4])b->cost,
                          a->choice, b->choice, both);
        const size_t keep = to_keep(a);
        if (a->filled != both || b->filled != both || keep != to_keep(b)) {
            search_on(steps, t, w, a, both);
            search_on(steps, t, w, b, both);
            continue;
        }
        const unsigned place_a = trace_back(t, w, a, keep), place_b = trace_back(t, w, b, keep);
        trace_two(w, a, b, keep, place_a, place_b);
        decide(t, a, keep, place_a);
        decide(t, b, keep, place_b);
    }
}

void mote_trellis_search(const mote_trellis_steps *steps, const mote_trellis *t, const mote_sequence *s, size_t n,
                         const mote_level_prices *prices, float lambda, void *mem)
{
    work *w = mem;
    const bool pairs = t->states == 8 && steps->select_two;
    if (t->states > 1) set_before(t, w);
    for (size_t i = 0; i < n; i++) {
        if (t->states == 1) {
            search_1(t, &s[i], prices, lambda);
            continue;
        }
        for (unsigned j = 0; j < 2; j++) {
            track *k = &w->track[j];
            k->choice = w->choice + j * WINDOW * (size_t)(t->states / 8);
            k->filled = 0;
            k->from = 0;
            k->left = j && !(pairs && i + 1 < n) ? (mote_sequence){ .n = 0 } : s[i + j];
        }
        if (w->track[1].left.n) {
            search_two(steps, t, w, prices, lambda);
            i++;
        } else if (pairs && i + 1 < n) {
            i++; /* the other one is empty */
        }
        for (unsigned j = 0; j < 2; j++)
            while (w->track[j].left.n) {
                fill(steps, t, &w->track[j], prices, lambda);
                search_on(steps, t, w, &w->track[j], 0);
            }
    }
}
