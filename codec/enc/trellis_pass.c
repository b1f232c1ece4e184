/* SPDX-License-Identifier: Apache-2.0
 * Segments of a trellis: the values of each lane are one sequence for the search. Host only. */
#include "enc/trellis_pass.h"

#include <stdlib.h>
#include <string.h>

#include "enc/trellis_reclass.h"

#define CHUNK ((size_t)1 << 16)  /* elements fetched at a time, at least a row of up to 65,535 columns */
#define KEEP ((uint64_t)1 << 24) /* elements whose levels are kept for another round of classes */

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
    p->noise = 0;
    p->largest = 0;
    p->sums = (mote_found_sums){ .error = 0 };
    free(p->order);
    p->order = NULL;
    p->laid = 0;
    if (!plan->col_class) return MOTE_OK;
    p->order = malloc((size_t)plan->cols * sizeof *p->order);
    if (!p->order) return MOTE_ERR_NOMEM;
    mote_trellis_order(plan, p->order, p->end);
    return MOTE_OK;
}

void mote_trellis_pass_free(mote_trellis_pass *p)
{
    free(p->order);
    free(p->by_lane);
    p->order = p->by_lane = NULL;
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
static void find_lanes(const mote_trellis_pass *p, const mote_extent *e, unsigned lanes, size_t at[MOTE_LANES_MAX + 1])
{
    size_t n[MOTE_LANES_MAX] = { 0 };
    uint32_t from = 0;
    for (unsigned g = 0; g < (p->order ? MOTE_COLUMN_CLASSES : 1u); g++) {
        const size_t cols = p->order ? p->end[g] - from : e->cols;
        for (unsigned l = 0; l < lanes; l++) n[l] += e->rows * (cols / lanes + (l < cols % lanes));
        if (p->order) from = p->end[g];
    }
    at[0] = 0;
    for (unsigned l = 0; l < lanes; l++) at[l + 1] = at[l] + n[l];
}

/* Columns 0..cols of a part by lane. Parts of a row begin at lane 0. NOMEM. */
static mote_status lay_lanes(mote_trellis_pass *p, size_t cols, unsigned lanes)
{
    if (p->laid == cols && p->lanes == lanes) return MOTE_OK;
    if (cols > p->room) {
        free(p->by_lane);
        p->by_lane = malloc(cols * sizeof *p->by_lane);
        p->room = p->by_lane ? cols : 0;
        if (!p->by_lane) return MOTE_ERR_NOMEM;
    }
    uint32_t *to = p->by_lane;
    for (unsigned l = 0; l < lanes; l++) {
        p->from[l] = (size_t)(to - p->by_lane);
        size_t from = 0;
        for (unsigned g = 0; g < (p->order ? MOTE_COLUMN_CLASSES : 1u); g++) {
            const size_t end = p->order ? p->end[g] : cols;
            for (size_t i = from + l; i < end; i += lanes) *to++ = p->order ? p->order[i] : (uint32_t)i;
            from = end;
        }
    }
    p->from[lanes] = cols;
    p->laid = cols;
    p->lanes = lanes;
    return MOTE_OK;
}

static const void *fetch_part(const mote_trellis_pass *p, const mote_extent *e, const part *t)
{
    return mote_matrix_fetch(p->m, e->row + t->row, e->col + t->col, t->rows, t->cols, p->fetch);
}

static mote_status gather(mote_trellis_pass *p, const mote_extent *e, unsigned lanes, double *x, float *y)
{
    const mote_trellis_plan *plan = &p->s->plan;
    const double inverse = 1 / (double)plan->step;
    const float by = (float)(1 / p->s->step);
    size_t at[MOTE_LANES_MAX + 1];
    find_lanes(p, e, lanes, at);
    for (part t = { 0 }; next_part(e, &t);) {
        mote_status st = lay_lanes(p, t.cols, lanes);
        if (st != MOTE_OK) return st;
        const void *raw = p->all ? NULL : fetch_part(p, e, &t);
        for (size_t r = 0; r < t.rows; r++) {
            const size_t row = e->row + t.row + r, col = e->col + t.col;
            uint8_t index[MOTE_COLUMN_CLASSES];
            const uint8_t *col_class = p->s->classes.col + col;
            if (p->all) {
                const float *from = p->all + row * (size_t)p->m->cols + col;
                for (size_t c = 0; c < t.cols; c++) y[c] = from[c] * by;
            } else {
                mote_values(x, raw, p->m->held, r * t.cols, t.cols);
                for (size_t c = 0; c < t.cols; c++) y[c] = (float)(x[c] * inverse);
            }
            for (unsigned z = 0; z < MOTE_COLUMN_CLASSES; z++)
                index[z] = (uint8_t)mote_trellis_index(plan, plan->row_class ? p->s->classes.row[row] : 0, z);
            for (unsigned l = 0; l < lanes; l++) {
                const uint32_t *c = p->by_lane + p->from[l];
                const size_t n = p->from[l + 1] - p->from[l];
                float *to = p->w->y + at[l];
                uint8_t *pair = p->w->index + at[l];
                at[l] += n;
                if (lanes == 1 && !p->order)
                    memcpy(to, y, n * sizeof *y);
                else
                    for (size_t i = 0; i < n; i++) to[i] = y[c[i]];
                if (!plan->col_class)
                    memset(pair, index[0], n);
                else
                    for (size_t i = 0; i < n; i++) pair[i] = index[col_class[c[i]]];
                if (!p->weight) continue;
                float *weight = p->w->weight + at[l] - n;
                for (size_t i = 0; i < n; i++) weight[i] = p->weight[p->by_row ? row : col + c[i]];
            }
        }
    }
    return MOTE_OK;
}

/* Counts and sums of a lane's n values; its y become what a decoder makes of them. */
static mote_status count_lane(mote_trellis_pass *p, const mote_trellis_steps *steps, const mote_trellis *code,
                              size_t at, size_t n)
{
    const mote_trellis_plan *plan = &p->s->plan;
    const mote_trellis_work *w = p->w;
    mote_found f = { .x = w->y + at,
                     .weight = p->weight ? w->weight + at : NULL,
                     .level = w->level + at,
                     .quantiser = w->quantiser + at,
                     .place = w->at + at,
                     .rebuilt = w->y + at,
                     .step = plan->step };
    for (unsigned v = 1; v < 4; v++) /* Spec codecs.md 8 */
        f.near[v] = plan->offset[0] || plan->offset[1] || plan->offset[2]
                        ? (float)(64 * (int)v + plan->offset[v - 1]) * 0.015625f * plan->step
                        : (float)v * plan->step;
    const bool far = mote_trellis_look(steps, code, &f, n, &p->sums);
    return mote_level_counts_add(w->counts, w->index + at, f.place, f.level, n, far);
}

/* Levels back to their rows. */
static mote_status scatter(mote_trellis_pass *p, const mote_extent *e, unsigned lanes, int32_t *level)
{
    size_t at[MOTE_LANES_MAX + 1];
    find_lanes(p, e, lanes, at);
    for (part t = { 0 }; next_part(e, &t);) {
        mote_status st = lay_lanes(p, t.cols, lanes);
        if (st != MOTE_OK) return st;
        for (size_t r = 0; r < t.rows; r++) {
            int32_t *row = level + (t.row + r) * e->cols + t.col;
            for (unsigned l = 0; l < lanes; l++) {
                const uint32_t *c = p->by_lane + p->from[l];
                const size_t n = p->from[l + 1] - p->from[l];
                const int32_t *from = p->w->level + at[l];
                for (size_t i = 0; i < n; i++) row[c[i]] = from[i];
                at[l] += n;
            }
        }
    }
    return MOTE_OK;
}

void mote_trellis_pass_row(const mote_trellis_pass *p, const mote_extent *e, unsigned lanes, size_t row, size_t n,
                           int32_t *level, uint8_t *quantiser)
{
    size_t at[MOTE_LANES_MAX + 1];
    find_lanes(p, e, lanes, at);
    for (unsigned l = 0; l < lanes; l++) {
        const size_t per_row = (at[l + 1] - at[l]) / e->rows;
        const int32_t *k = p->w->level + at[l] + row * per_row;
        const uint8_t *q = p->w->quantiser + at[l] + row * per_row;
        for (size_t i = 0; i < per_row; i++) {
            const size_t c = p->order ? p->by_lane[p->from[l] + i] : i * lanes + l;
            if (c >= n) continue;
            level[c] = k[i];
            quantiser[c] = q[i];
        }
    }
}

static mote_status measure(mote_trellis_pass *p, const mote_extent *e, unsigned lanes, double *x)
{
    const uint8_t dtype = p->s->plan.dtype;
    const bool exact = dtype == MOTE_F32 || dtype == MOTE_F64;
    size_t at[MOTE_LANES_MAX + 1];
    find_lanes(p, e, lanes, at);
    for (part t = { 0 }; next_part(e, &t);) {
        mote_status st = lay_lanes(p, t.cols, lanes);
        if (st != MOTE_OK) return st;
        const void *raw = fetch_part(p, e, &t);
        for (size_t r = 0; r < t.rows; r++) {
            double noise[4] = { 0 };
            mote_values(x, raw, p->m->held, r * t.cols, t.cols);
            for (unsigned l = 0; l < lanes; l++) {
                const uint32_t *c = p->by_lane + p->from[l];
                const size_t n = p->from[l + 1] - p->from[l];
                const float *y = p->w->y + at[l];
                at[l] += n;
                for (size_t i = 0; i < n; i++) {
                    const double d = x[c[i]] - (exact ? (double)y[i] : mote_matrix_written(y[i], dtype));
                    noise[i & 3] += d * d;
                }
            }
            p->noise += (noise[0] + noise[1]) + (noise[2] + noise[3]);
        }
    }
    return MOTE_OK;
}

/* Search what has been gathered as n sequences, and count it. */
static mote_status search(mote_trellis_pass *p, const size_t *at, unsigned n, bool counts)
{
    const mote_trellis_work *w = p->w;
    const mote_trellis code = mote_trellis_of(&p->s->plan, p->s->states);
    const mote_trellis_steps *steps = mote_trellis_steps_best(&code);
    mote_sequence s[MOTE_LANES_MAX];
    for (unsigned l = 0; l < n; l++)
        s[l] = (mote_sequence){ .x = w->y + at[l],
                                .table = w->index + at[l],
                                .weight = p->weight ? w->weight + at[l] : NULL,
                                .n = at[l + 1] - at[l],
                                .level = w->level + at[l],
                                .quantiser = w->quantiser + at[l] };
    mote_trellis_search(steps, &code, s, n, w->prices, (float)p->s->lambda, w->search);
    mote_status st = MOTE_OK;
    for (unsigned l = 0; l < n && counts && st == MOTE_OK; l++)
        st = count_lane(p, steps, &code, at[l], at[l + 1] - at[l]);
    return st;
}

mote_status mote_trellis_pass_segment(mote_trellis_pass *p, const mote_extent *e, unsigned lanes, int32_t *level,
                                      bool counts)
{
    const size_t room = e->cols < CHUNK ? e->cols : CHUNK;
    size_t at[MOTE_LANES_MAX + 1];
    double *x = malloc(room * (sizeof *x + sizeof(float)));
    mote_status st = x ? MOTE_OK : MOTE_ERR_NOMEM;
    if (st == MOTE_OK) st = mote_trellis_work_reserve(p->w, p->s->states, e->rows * e->cols);
    if (st == MOTE_OK) st = mote_fetch_reserve(p->fetch, CHUNK);
    if (st == MOTE_OK) st = gather(p, e, lanes, x, (float *)(void *)(x + room));
    find_lanes(p, e, lanes, at);
    if (st == MOTE_OK) st = search(p, at, lanes, counts);
    if (st == MOTE_OK && level) st = scatter(p, e, lanes, level);
    if (st == MOTE_OK && counts) st = measure(p, e, lanes, x);
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
    mote_level_counts_clear(p->w->counts, plan->n_pairs);
    for (uint64_t i = 0; i < n && st == MOTE_OK; i++) {
        const mote_extent e = mote_trellis_extent(plan, i);
        st = mote_trellis_pass_segment(p, &e, mote_plane_lanes(plan->coder),
                                       level ? level + e.row * plan->cols + e.col : NULL, true);
    }
    p->largest = mote_level_counts_largest(p->w->counts, plan->n_pairs, plan->zero);
    return st;
}

/* --- classes ------------------------------------------------------------------------------------------------------ */

/* Rows in any order, for their counts and places only. */
static mote_status search_rows(mote_trellis_pass *p, const mote_extent *e)
{
    const size_t n = e->rows * e->cols, at[3] = { 0, n / 2, n };
    double *x = malloc((e->cols < CHUNK ? e->cols : CHUNK) * (sizeof *x + sizeof(float)));
    mote_status st = x ? MOTE_OK : MOTE_ERR_NOMEM;
    if (st == MOTE_OK) st = mote_trellis_work_reserve(p->w, p->s->states, n);
    if (st == MOTE_OK) st = mote_fetch_reserve(p->fetch, CHUNK);
    if (st == MOTE_OK) st = gather(p, e, 1, x, (float *)(void *)(x + (e->cols < CHUNK ? e->cols : CHUNK)));
    free(x);
    return st == MOTE_OK ? search(p, at, 2, true) : st;
}

/* Counts by the classes that there are now. What lay beyond the span is counted at its ends: the next pass knows better. */
static void count_again(const mote_trellis_pass *p, const uint16_t *place)
{
    const mote_trellis_plan *plan = &p->s->plan;
    const mote_classes *k = &p->s->classes;
    mote_level_counts_clear(p->w->counts, plan->n_pairs);
    for (size_t r = 0; r < plan->rows; r++, place += plan->cols) {
        uint64_t *count[MOTE_COLUMN_CLASSES];
        for (unsigned z = 0; z < MOTE_COLUMN_CLASSES; z++)
            count[z] = p->w->counts->n[mote_trellis_index(plan, k->row[r], z)][0];
        for (size_t c = 0; c < plan->cols; c++) count[k->col[c]][place[c]]++;
    }
}

mote_status mote_trellis_pass_reclass(mote_trellis_pass *p, mote_trellis_trained *s, bool columns, unsigned rounds)
{
    mote_trellis_plan *plan = &s->plan;
    const size_t rows = (size_t)plan->rows, cols = (size_t)plan->cols, at_once = cols < CHUNK ? CHUNK / cols : 1;
    const bool keep = plan->rows * plan->cols <= KEEP;
    uint16_t *place = keep ? malloc(rows * cols * sizeof *place) : NULL;
    mote_reclass r = { .p = plan };
    mote_status st = mote_trellis_work_reserve(p->w, s->states, 1);
    if (keep && !place) st = MOTE_ERR_NOMEM;
    if (st == MOTE_OK) st = mote_trellis_pass_begin(p);
    free(p->order); /* any order will do */
    p->order = NULL;
    if (st == MOTE_OK) st = mote_reclass_init(&r, plan, &s->classes, rows, cols, columns);
    if (st != MOTE_OK) goto out;
    mote_trellis_price(plan, p->w->prices);
    mote_level_counts_clear(p->w->counts, plan->n_pairs);
    mote_reclass_begin(&r, p->w->prices);
    for (size_t row = 0; row < rows && st == MOTE_OK; row += at_once) {
        const mote_extent e = { .row = row, .rows = rows - row < at_once ? rows - row : at_once, .cols = cols };
        st = search_rows(p, &e);
        for (size_t i = 0; i < e.rows && st == MOTE_OK; i++) mote_reclass_row(&r, row + i, p->w->at + i * cols);
        if (st == MOTE_OK && keep) memcpy(place + row * cols, p->w->at, e.rows * cols * sizeof *place);
    }
    if (st != MOTE_OK) goto out;
    mote_reclass_columns(&r);
    for (unsigned round = 1; round < rounds && keep; round++) {
        count_again(p, place);
        (void)mote_trellis_fit(plan, p->w->counts, MOTE_FIT_LITTLE);
        mote_trellis_price(plan, p->w->prices);
        mote_reclass_begin(&r, p->w->prices);
        for (size_t row = 0; row < rows; row++) mote_reclass_row(&r, row, place + row * cols);
        mote_reclass_columns(&r);
    }
    if (keep) count_again(p, place);
    (void)mote_trellis_fit(plan, p->w->counts, MOTE_FIT_SOME);
out:
    mote_reclass_free(&r);
    free(place);
    return st;
}
