/* SPDX-License-Identifier: Apache-2.0
 * What a trellis plan costs by its own tables, and so how many elements fit a chunk. Host only. */
#include <stdlib.h>
#include <string.h>

#include "enc/cost.h"
#include "enc/trellis_write.h"

#define MARGIN 1.01    /* what segments may cost beyond what the tables promise */
#define ESCAPE_BITS 12 /* about, beside the symbol */
#define FIXED_BITS 192 /* lengths of planes, states of maps and escapes */
#define SHRINK 64      /* a segment that did not fit becomes shorter by that part */
#define LANES_8 32768  /* values of a segment from which on 8, and 32, lanes are worth their states */
#define LANES_32 262144

float mote_trellis_step_round(float step)
{
    uint32_t bits;
    memcpy(&bits, &step, sizeof bits);
    bits = (bits + 0x80) & ~(uint32_t)0xFF;
    if (bits == 0) bits = 0x100;
    if (bits >= 0x7F800000) bits = 0x7F7FFF00;
    memcpy(&step, &bits, sizeof step);
    return step;
}

void mote_trellis_order(const mote_trellis_plan *p, uint32_t *order, uint32_t end[MOTE_COLUMN_CLASSES])
{
    uint32_t n = 0;
    for (unsigned g = 0; g < MOTE_COLUMN_CLASSES; g++) {
        for (uint32_t c = 0; c < p->cols; c++)
            if ((p->col_class ? p->col_class[c] : 0) == g) order[n++] = c;
        end[g] = n;
    }
}

unsigned mote_trellis_index(const mote_trellis_plan *p, unsigned row_class, unsigned col_class)
{
    const unsigned sum = row_class + col_class, i = sum > p->base ? sum - p->base : 0;
    return i < p->n_pairs ? i : p->n_pairs - 1u;
}

unsigned mote_trellis_symbol_bits(const mote_trellis_plan *p, unsigned pair, unsigned q,
                                  float bits[MOTE_PAIR_SYMBOLS_MAX])
{
    const mote_pair_spec *s = &p->pair[pair];
    const unsigned n = s->wide ? 32 : 16;
    mote_table t[2];
    if (mote_pair_build(t, s, &p->family, pair, q, p->zero, p->escapes != 0) != MOTE_OK) return 0;
    for (unsigned i = 0; i < n; i++) {
        const unsigned f = (unsigned)(t[i >> 4].cum[(i & 15) + 1] - t[i >> 4].cum[i & 15]);
        bits[i] = f ? (float)(MOTE_PAIR_BITS - mote_log2(f) + s->shift) : 1e6f;
    }
    return n;
}

/* Bits of a level coded by pair i, if the tables tell the truth. */
static double level_bits(const mote_trellis_plan *p, unsigned pair)
{
    const unsigned tables = p->h0 ? 2 : 1;
    double sum = 0;
    for (unsigned q = 0; q < tables; q++) {
        float bits[MOTE_PAIR_SYMBOLS_MAX];
        const unsigned n = mote_trellis_symbol_bits(p, pair, q, bits);
        mote_table t[2];
        if (n == 0 || mote_pair_build(t, &p->pair[pair], &p->family, pair, q, p->zero, p->escapes != 0) != MOTE_OK)
            return 32;
        for (unsigned i = 0; i < n; i++) {
            const double f = (double)(t[i >> 4].cum[(i & 15) + 1] - t[i >> 4].cum[i & 15]) / (1 << MOTE_PAIR_BITS);
            if (f > 0) sum += f * (double)bits[i];
            if (p->escapes && i + 2 >= n) sum += f * ESCAPE_BITS;
        }
    }
    return sum / tables;
}

static uint8_t coder_for(const mote_trellis_plan *p, const mote_records_target *target, uint64_t values)
{
    if (p->adapts) return MOTE_CODER_ADAPTIVE1;
    if (target->limits->profile == MOTE_PROFILE_NANO || values < LANES_8) return MOTE_CODER_RANS1;
    return values < LANES_32 ? MOTE_CODER_RANS8 : MOTE_CODER_RANS32;
}

/* Bits of the dearest of the segments of `rows` rows. */
static double dearest(const mote_trellis_plan *p, const double row_bits[MOTE_CLASSES_MAX], uint64_t rows)
{
    double most = 0;
    for (uint64_t r = 0; r < p->rows; r += rows) {
        double sum = 0;
        for (uint64_t i = r; i < p->rows && i < r + rows; i++) sum += row_bits[p->row_class ? p->row_class[i] & 15 : 0];
        if (sum > most) most = sum;
    }
    return most;
}

static mote_status cut(mote_trellis_plan *p, const double row_bits[MOTE_CLASSES_MAX], double budget, uint64_t most)
{
    uint64_t rows = most / p->cols;
    if (rows > p->rows) rows = p->rows;
    while (rows) {
        const double dear = dearest(p, row_bits, rows);
        if (dear <= budget) break;
        const uint64_t less = (uint64_t)((double)rows * budget / dear);
        rows = less < rows ? less : rows - 1;
    }
    p->seg_elems = rows * p->cols;
    if (rows) return MOTE_OK;
    if (p->col_class) return MOTE_ERR_LIMIT;
    const double row = dearest(p, row_bits, 1);
    uint64_t n = p->cols < most ? p->cols : most;
    if (row > budget) {
        const double part = (double)p->cols * budget / row;
        if ((double)n > part) n = (uint64_t)part;
    }
    if (n == 0) return MOTE_ERR_LIMIT;
    const uint64_t pieces = (p->cols - 1) / n + 1;
    p->seg_elems = (p->cols - 1) / pieces + 1;
    return MOTE_OK;
}

mote_status mote_trellis_cut(mote_trellis_plan *p, const mote_records_target *target)
{
    double of_pair[MOTE_PAIRS_MAX] = { 0 }, row_bits[MOTE_CLASSES_MAX];
    uint64_t columns[MOTE_COLUMN_CLASSES] = { 0 };
    for (unsigned i = 0; i < p->n_pairs; i++) of_pair[i] = level_bits(p, i);
    for (uint64_t c = 0; p->col_class && c < p->cols; c++) columns[p->col_class[c] & 15]++;
    if (!p->col_class) columns[0] = p->cols;
    for (unsigned r = 0; r < MOTE_CLASSES_MAX; r++) {
        row_bits[r] = (p->scale ? 16 : 0) + (p->row_class ? 4 : 0);
        for (unsigned g = 0; g < MOTE_COLUMN_CLASSES; g++)
            row_bits[r] += (double)columns[g] * of_pair[mote_trellis_index(p, r, g)] * MARGIN;
    }
    const double room = 8.0 * mote_record_room(target->limits->chunk_max);
    p->coder = coder_for(p, target, target->most < target->elements ? target->most : target->elements);
    for (;;) { /* fewer elements never need more lanes */
        const double budget = room - FIXED_BITS - 32.0 * mote_plane_lanes(p->coder);
        mote_status st = budget > 0 ? cut(p, row_bits, budget, target->most) : MOTE_ERR_LIMIT;
        if (st != MOTE_OK) return st;
        const uint8_t coder = coder_for(p, target, p->seg_elems);
        if (coder >= p->coder) return MOTE_OK;
        p->coder = coder;
    }
}

mote_status mote_trellis_shrink(mote_trellis_plan *p)
{
    uint64_t n = p->seg_elems;
    if (n > p->cols) {
        const uint64_t rows = n / p->cols;
        p->seg_elems = (rows - rows / SHRINK - 1) * p->cols;
    } else {
        p->seg_elems = p->col_class ? 0 : n - n / SHRINK - 1;
    }
    return p->seg_elems ? MOTE_OK : MOTE_ERR_LIMIT;
}
