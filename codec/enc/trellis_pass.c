/* SPDX-License-Identifier: Apache-2.0
 * Segments of a trellis: the values of each lane are one sequence for the search. Host only. */
#include "enc/trellis_pass.h"

#include <stdlib.h>
#include <string.h>

#define SPAN MOTE_PRICE_SPAN
#define CHUNK ((size_t)1 << 16) /* elements fetched at a time, at least a row of up to 65,535 columns */
#define LANES 32

uint64_t mote_trellis_segments(const mote_trellis_plan *p)
{
    if (p->seg_elems >= p->cols) {
        const uint64_t rows = p->seg_elems / p->cols;
        return (p->rows - 1) / rows + 1;
    }
    return p->rows * ((p->cols - 1) / p->seg_elems + 1);
}

mote_extent mote_trellis_extent(const mote_trellis_plan *p, uint64_t segment)
{
    if (p->seg_elems >= p->cols) {
        const uint64_t rows = p->seg_elems / p->cols, row = segment * rows, left = p->rows - row;
        return (
            mote_extent){ .row = (size_t)row, .rows = (size_t)(left < rows ? left : rows), .cols = (size_t)p->cols };
    }
    const uint64_t per_row = (p->cols - 1) / p->seg_elems + 1, col = segment % per_row * p->seg_elems;
    const uint64_t left = p->cols - col;
    return (mote_extent){ .row = (size_t)(segment / per_row),
                          .col = (size_t)col,
                          .rows = 1,
                          .cols = (size_t)(left < p->seg_elems ? left : p->seg_elems) };
}

mote_status mote_trellis_pass_begin(mote_trellis_pass *p)
{
    const mote_trellis_plan *plan = &p->s->plan;
    p->noise = p->weighted = 0;
    p->largest = 0;
    memset(p->sum, 0, sizeof p->sum);
    memset(p->n, 0, sizeof p->n);
    free(p->order);
    p->order = NULL;
    if (!plan->col_class) return MOTE_OK;
    p->order = malloc((size_t)plan->cols * sizeof *p->order);
    if (!p->order) return MOTE_ERR_NOMEM;
    mote_trellis_order(plan, p->order, p->end);
    return MOTE_OK;
}

/* --- lanes -------------------------------------------------------------------------------------------------------- */

/* A part of a segment whose elements lie in memory: whole rows, or a part of one. */
typedef struct part {
    size_t row, col, rows, cols; /* within the segment */
} part;

static bool next_part(const mote_extent *e, part *t)
{
    t->col += t->cols;
    if (t->col >= e->cols) {
        t->col = 0;
        t->row += t->rows;
    }
    if (t->row >= e->rows) return false;
    const size_t rows = e->cols > CHUNK ? 1 : CHUNK / e->cols, left = e->rows - t->row;
    t->cols = e->cols - t->col < CHUNK ? e->cols - t->col : CHUNK;
    t->rows = left < rows ? left : rows;
    return true;
}

/* Place of the first value of each lane, if those of a lane follow each other. */
static void find_lanes(const mote_trellis_pass *p, const mote_extent *e, unsigned lanes, size_t at[LANES + 1])
{
    size_t n[LANES] = { 0 };
    uint32_t from = 0;
    for (unsigned g = 0; g < (p->order ? MOTE_COLUMN_CLASSES : 1u); g++) {
        const size_t cols = p->order ? p->end[g] - from : e->cols;
        for (unsigned l = 0; l < lanes; l++) n[l] += e->rows * (cols / lanes + (l < cols % lanes));
        if (p->order) from = p->end[g];
    }
    at[0] = 0;
    for (unsigned l = 0; l < lanes; l++) at[l + 1] = at[l] + n[l];
}

/* Calls DO(c) for the columns of a part's row in their order, with `to` the place of its value among the lanes'. */
#define EACH_COLUMN(p, t, lanes, at, DO)                                                \
    do {                                                                                \
        const unsigned mask_ = (lanes)-1;                                               \
        if (!(p)->order) {                                                              \
            for (size_t i_ = 0; i_ < (t)->cols; i_++) {                                 \
                const size_t c = i_, to = (at)[((t)->col + i_) & mask_]++;              \
                DO                                                                      \
            }                                                                           \
        } else {                                                                        \
            for (size_t i_ = 0, g_ = 0; g_ < MOTE_COLUMN_CLASSES; i_ = (p)->end[g_++])  \
                for (size_t from_ = i_; i_ < (p)->end[g_]; i_++) {                      \
                    const size_t c = (p)->order[i_], to = (at)[(i_ - from_) & mask_]++; \
                    DO                                                                  \
                }                                                                       \
        }                                                                               \
    } while (0)

static void fetch_values(const mote_trellis_pass *p, const mote_extent *e, const part *t, double *x, size_t row)
{
    const mote_matrix *m = p->m;
    const uint8_t *raw = mote_matrix_fetch(m, e->row + t->row + row, e->col + t->col, 1, t->cols, p->fetch);
    mote_values(x, raw, m->held, 0, t->cols);
}

static mote_status gather(mote_trellis_pass *p, const mote_extent *e, unsigned lanes, double *x)
{
    const mote_trellis_plan *plan = &p->s->plan;
    const double inverse = 1 / (double)plan->step;
    size_t at[LANES + 1];
    find_lanes(p, e, lanes, at);
    for (part t = { 0 }; next_part(e, &t);) {
        const void *raw = mote_matrix_fetch(p->m, e->row + t.row, e->col + t.col, t.rows, t.cols, p->fetch);
        for (size_t r = 0; r < t.rows; r++) {
            const size_t row = e->row + t.row + r;
            uint8_t index[MOTE_COLUMN_CLASSES];
            const uint8_t *col_class = p->s->classes.col + e->col + t.col;
            mote_values(x, raw, p->m->held, r * t.cols, t.cols);
            for (unsigned z = 0; z < MOTE_COLUMN_CLASSES; z++)
                index[z] = (uint8_t)mote_trellis_index(plan, plan->row_class ? p->s->classes.row[row] : 0, z);
            if (plan->col_class)
                EACH_COLUMN(p, &t, lanes, at, p->w->y[to] = (float)(x[c] * inverse);
                            p->w->index[to] = index[col_class[c]];);
            else
                EACH_COLUMN(p, &t, lanes, at, p->w->y[to] = (float)(x[c] * inverse); p->w->index[to] = index[0];);
        }
    }
    if (!p->weight) return MOTE_OK;
    find_lanes(p, e, lanes, at);
    for (part t = { 0 }; next_part(e, &t);)
        for (size_t r = 0; r < t.rows; r++) {
            const float *weight = p->weight + (p->by_row ? e->row + t.row + r : e->col + t.col);
            EACH_COLUMN(p, &t, lanes, at, p->w->weight[to] = weight[p->by_row ? 0 : c];);
        }
    return MOTE_OK;
}

/* Counts and sums of a lane's n values; its y become what a decoder makes of them. */
static mote_status count_lane(mote_trellis_pass *p, const mote_trellis *code, size_t at, size_t n)
{
    const mote_trellis_plan *plan = &p->s->plan;
    const float *weight = p->weight ? p->w->weight + at : NULL;
    const uint8_t *index = p->w->index + at;
    float *y = p->w->y + at;
    const int32_t *level = p->w->level + at;
    uint16_t *place = p->w->at + at;
    float rebuilt[4] = { 0 };
    double sum[4] = { 0 }, of[4] = { 0 }, weighted = 0;
    unsigned s = 0;
    int32_t largest = (int32_t)p->largest;
    for (unsigned v = 1; v < 4; v++) /* Spec codecs.md 8 */
        rebuilt[v] = plan->offset[0] || plan->offset[1] || plan->offset[2]
                         ? (float)(64 * (int)v + plan->offset[v - 1]) * 0.015625f * plan->step
                         : (float)v * plan->step;
    for (size_t i = 0; i < n; i++) {
        const unsigned q = code->states == 1 ? 0 : s & 1;
        const int32_t k = level[i], v = mote_trellis_multiple(code, q, k), a = v < 0 ? -v : v;
        const float outwards = v < 0 ? -y[i] : y[i];
        const float e = outwards - (a < 4 && a ? (float)a + code->offset[a] : (float)a);
        if (a < 4) {
            sum[a] += (double)outwards - a;
            of[a]++;
        }
        weighted += (double)e * (double)e * (weight ? (double)weight[i] : 1);
        if (a > largest) largest = a;
        int32_t l = k + SPAN;
        if (l >= 0 && l < MOTE_LEVELS) {
            p->w->counts->n[index[i]][q][l]++;
        } else {
            const mote_status st = mote_level_counts_far(p->w->counts, index[i], q, k);
            if (st != MOTE_OK) return st;
            l = l < 0 ? 0 : MOTE_LEVELS - 1;
        }
        place[i] = (uint16_t)(q * MOTE_LEVELS + (unsigned)l);
        const float x = a < 4 ? rebuilt[a] : (float)a * plan->step;
        y[i] = v < 0 ? -x : x;
        s = mote_trellis_next(code, s, k);
    }
    p->largest = (uint32_t)largest;
    p->weighted += weighted;
    for (unsigned v = 0; v < 4; v++) {
        p->sum[v] += sum[v];
        p->n[v] += of[v];
    }
    return MOTE_OK;
}

/* Levels back to their rows. */
static void scatter(mote_trellis_pass *p, const mote_extent *e, unsigned lanes, int32_t *level)
{
    size_t at[LANES + 1];
    find_lanes(p, e, lanes, at);
    for (part t = { 0 }; next_part(e, &t);)
        for (size_t r = 0; r < t.rows; r++) {
            int32_t *row = level + (t.row + r) * e->cols + t.col;
            EACH_COLUMN(p, &t, lanes, at, row[c] = p->w->level[to];);
        }
}

static void measure(mote_trellis_pass *p, const mote_extent *e, unsigned lanes, double *x)
{
    const uint8_t dtype = p->s->plan.dtype;
    size_t at[LANES + 1];
    find_lanes(p, e, lanes, at);
    for (part t = { 0 }; next_part(e, &t);)
        for (size_t r = 0; r < t.rows; r++) {
            double noise = 0;
            fetch_values(p, e, &t, x, r);
            EACH_COLUMN(p, &t, lanes, at, const double d = x[c] - mote_matrix_written(p->w->y[to], dtype);
                        noise += d * d;);
            p->noise += noise;
        }
}

mote_status mote_trellis_pass_segment(mote_trellis_pass *p, const mote_extent *e, unsigned lanes, int32_t *level,
                                      bool counts)
{
    const mote_trellis_trained *s = p->s;
    const mote_trellis code = mote_trellis_of(&s->plan, s->states);
    const mote_trellis_steps *steps = mote_trellis_steps_best(&code);
    const size_t room = e->cols < CHUNK ? e->cols : CHUNK;
    size_t at[LANES + 1];
    double *x = malloc(room * sizeof *x);
    mote_status st = x ? MOTE_OK : MOTE_ERR_NOMEM;
    if (st == MOTE_OK) st = mote_trellis_work_reserve(p->w, s->states, e->rows * e->cols);
    if (st == MOTE_OK) st = mote_fetch_reserve(p->fetch, CHUNK);
    if (st == MOTE_OK) st = gather(p, e, lanes, x);
    find_lanes(p, e, lanes, at);
    for (unsigned l = 0; l < lanes && st == MOTE_OK; l++) {
        const size_t n = at[l + 1] - at[l];
        mote_trellis_search(steps, &code, p->w->y + at[l], p->w->index + at[l], p->weight ? p->w->weight + at[l] : NULL,
                            n, p->w->prices, (float)s->lambda, p->w->level + at[l], p->w->search);
        if (counts) st = count_lane(p, &code, at[l], n);
    }
    if (st == MOTE_OK && level) scatter(p, e, lanes, level);
    if (st == MOTE_OK && counts) measure(p, e, lanes, x);
    free(x);
    return st;
}

mote_status mote_trellis_pass_count(mote_trellis_pass *p, int32_t *level)
{
    const mote_trellis_plan *plan = &p->s->plan;
    const uint64_t n = mote_trellis_segments(plan);
    mote_status st = mote_trellis_work_reserve(p->w, p->s->states, 1);
    if (st == MOTE_OK) st = mote_trellis_pass_begin(p);
    if (st != MOTE_OK) return st;
    mote_trellis_price(plan, p->w->prices);
    mote_level_counts_clear(p->w->counts);
    for (uint64_t i = 0; i < n && st == MOTE_OK; i++) {
        const mote_extent e = mote_trellis_extent(plan, i);
        st = mote_trellis_pass_segment(p, &e, mote_plane_lanes(plan->coder),
                                       level ? level + e.row * plan->cols + e.col : NULL, true);
    }
    return st;
}

mote_status mote_trellis_pass_reclass(mote_trellis_pass *p, mote_classes *k, bool columns)
{
    const mote_trellis_plan *plan = &p->s->plan;
    const size_t rows = (size_t)plan->rows, cols = (size_t)plan->cols, at_once = cols < CHUNK ? CHUNK / cols : 1;
    mote_reclass r;
    mote_status st = mote_trellis_work_reserve(p->w, p->s->states, 1);
    if (st == MOTE_OK) st = mote_trellis_pass_begin(p);
    if (st != MOTE_OK) return st;
    free(p->order); /* any order will do */
    p->order = NULL;
    mote_trellis_price(plan, p->w->prices);
    mote_level_counts_clear(p->w->counts);
    st = mote_reclass_init(&r, plan, p->w->prices, k, rows, cols, columns);
    for (size_t row = 0; row < rows && st == MOTE_OK; row += at_once) {
        const mote_extent e = { .row = row, .rows = rows - row < at_once ? rows - row : at_once, .cols = cols };
        st = mote_trellis_pass_segment(p, &e, 1, NULL, true);
        for (size_t i = 0; i < e.rows && st == MOTE_OK; i++) mote_reclass_row(&r, row + i, p->w->at + i * cols);
    }
    mote_reclass_finish(&r, st == MOTE_OK);
    return st;
}
