/* SPDX-License-Identifier: Apache-2.0
 * k-means of sorted values. Sums of binary64 in a stated order and nothing but + - * /: the same tables on every machine.
 * Host only. */
#include <stdlib.h>
#include <string.h>

#include "enc/book.h"

#define HALF 1024 /* of the runs of sorted values that the exact search looks at */
#define RUNS (2 * HALF)
#define ROUNDS 100

/* Prefix sums over sorted values: of weights, weighted values, weighted squares. */
typedef struct sums {
    double *w, *x, *xx;
} sums;

/* Squared error of values i..j-1 around their mean. */
static double spread(const sums *s, size_t i, size_t j)
{
    const double w = s->w[j] - s->w[i], x = s->x[j] - s->x[i], e = s->xx[j] - s->xx[i] - (w > 0 ? x * x / w : 0);
    return e > 0 ? e : 0;
}

typedef struct search {
    const sums *s;        /* over runs */
    const double *before; /* [runs + 1]: error of the first j runs in one cluster less */
    double *now;
    uint16_t *from; /* [runs + 1]: where the last cluster begins */
} search;

/* Best beginnings of the last cluster for ends lo..hi, which lie in first..last: they never fall as ends rise. */
static void halve(const search *q, size_t lo, size_t hi, size_t first, size_t last)
{
    struct {
        uint16_t lo, hi, first, last;
    } stack[32];
    unsigned depth = 0;
    for (;;) {
        if (lo <= hi) {
            const size_t mid = (lo + hi) / 2;
            size_t best = first;
            double least = 0;
            for (size_t i = first; i <= last && i < mid; i++) {
                const double e = q->before[i] + spread(q->s, i, mid);
                if (i == first || e < least) least = e, best = i;
            }
            q->now[mid] = least;
            q->from[mid] = (uint16_t)best;
            stack[depth].lo = (uint16_t)(mid + 1);
            stack[depth].hi = (uint16_t)hi;
            stack[depth].first = (uint16_t)best;
            stack[depth++].last = (uint16_t)last;
            hi = mid - 1;
            last = best;
        } else {
            if (depth-- == 0) return;
            lo = stack[depth].lo;
            hi = stack[depth].hi;
            first = stack[depth].first;
            last = stack[depth].last;
        }
    }
}

/* cut[0..k]: where clusters of n runs begin; n >= k. */
static mote_status best_cuts(size_t *cut, unsigned k, const sums *s, size_t n)
{
    double *error = malloc(2 * (n + 1) * sizeof *error);
    uint16_t *from = malloc((size_t)k * (n + 1) * sizeof *from);
    if (error && from) {
        double *before = error, *now = error + n + 1;
        for (size_t j = 0; j <= n; j++) before[j] = spread(s, 0, j);
        for (unsigned c = 1; c < k; c++) {
            const search q = { s, before, now, from + c * (n + 1) };
            for (size_t j = 0; j <= c; j++) now[j] = 0, q.from[j] = (uint16_t)(j ? j - 1 : 0);
            halve(&q, c + 1, n, c, n - 1);
            double *other = before;
            before = now;
            now = other;
        }
        cut[k] = n;
        for (unsigned c = k; c-- > 1;) cut[c] = from[c * (n + 1) + cut[c + 1]];
        cut[0] = 0;
    }
    const bool ok = error && from;
    free(error);
    free(from);
    return ok ? MOTE_OK : MOTE_ERR_NOMEM;
}

static mote_status make_sums(sums *s, const float *x, const float *weight, size_t n)
{
    s->w = malloc(3 * (n + 1) * sizeof *s->w);
    if (!s->w) return MOTE_ERR_NOMEM;
    s->x = s->w + n + 1;
    s->xx = s->x + n + 1;
    s->w[0] = s->x[0] = s->xx[0] = 0;
    for (size_t i = 0; i < n; i++) {
        const double v = x[i], w = weight ? weight[i] : 1;
        s->w[i + 1] = s->w[i] + w;
        s->x[i + 1] = s->x[i] + w * v;
        s->xx[i + 1] = s->xx[i] + w * v * v;
    }
    return MOTE_OK;
}

/* First of the sorted values that is above t. */
static size_t above(const float *x, size_t n, double t)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        const size_t mid = (lo + hi) / 2;
        if ((double)x[mid] <= t)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Means of clusters, cuts half way between them, until nothing moves. */
static void settle(float *out, size_t *cut, unsigned k, const sums *s, const float *x, size_t n)
{
    for (unsigned round = 0; round < ROUNDS; round++) {
        bool moved = false;
        for (unsigned c = 0; c < k; c++) {
            const double w = s->w[cut[c + 1]] - s->w[cut[c]];
            if (w > 0) out[c] = (float)((s->x[cut[c + 1]] - s->x[cut[c]]) / w);
        }
        for (unsigned c = 1; c < k; c++) {
            const size_t at = above(x, n, ((double)out[c - 1] + out[c]) / 2);
            moved |= at != cut[c];
            cut[c] = at;
        }
        if (!moved) return;
    }
}

mote_status mote_kmeans(float *out, unsigned entries, const float *x, const float *weight, size_t n)
{
    size_t cut[MOTE_ENTRIES_MAX + 1], start[RUNS + 1], runs = 0;
    sums all = { 0 }, some = { 0 };
    /* runs of equal values; if there are too many, a run ends with every so many values and every so far: what is far out
     * weighs most */
    size_t distinct = n > 0;
    for (size_t i = 1; i < n; i++) distinct += x[i] != x[i - 1];
    const double wide = n ? ((double)x[n - 1] - x[0]) / (HALF - 1) : 1;
    for (size_t i = 0, crowd = 0, place = 0; i < n; i++) {
        if (i > 0 && x[i] == x[i - 1]) continue;
        const bool many = i >= crowd * (n / HALF + 1), far = (double)x[i] - x[0] >= (double)place * wide;
        if (distinct > RUNS && !many && !far) continue;
        start[runs++] = i;
        while (distinct > RUNS && i >= crowd * (n / HALF + 1)) crowd++;
        while (distinct > RUNS && (double)x[i] - x[0] >= (double)place * wide) place++;
    }
    if (runs == 0) {
        memset(out, 0, entries * sizeof *out);
        return MOTE_OK;
    }
    const unsigned k = runs < entries ? (unsigned)runs : entries;
    mote_status st = make_sums(&all, x, weight, n);
    start[runs] = n;
    some.w = malloc(3 * (runs + 1) * sizeof *some.w);
    if (st == MOTE_OK && !some.w) st = MOTE_ERR_NOMEM;
    if (st == MOTE_OK) {
        some.x = some.w + runs + 1;
        some.xx = some.x + runs + 1;
        for (size_t i = 0; i <= runs; i++) {
            some.w[i] = all.w[start[i]];
            some.x[i] = all.x[start[i]];
            some.xx[i] = all.xx[start[i]];
        }
        st = best_cuts(cut, k, &some, runs);
    }
    if (st == MOTE_OK) {
        for (unsigned c = 0; c <= k; c++) cut[c] = start[cut[c]];
        settle(out, cut, k, &all, x, n);
        for (unsigned c = k; c < entries; c++) out[c] = out[k - 1];
    }
    free(all.w);
    free(some.w);
    return st;
}
