/* SPDX-License-Identifier: Apache-2.0
 * Tensors of few distinct values, as quantisers leave them that write their results as floats: a codebook holds them
 * exactly. Host only. */
#include <stdlib.h>
#include <string.h>

#include "common/casts.h"
#include "enc/encoder.h"

#define SLOTS 1024u /* of the hash table; a power of two, well above the entries */

typedef struct set {
    uint32_t slot[SLOTS]; /* bits of a binary32, or EMPTY */
    unsigned n;
} set;

#define EMPTY 0xFFFFFFFFu /* a NaN, which is never held */

/* False once there are too many. */
static bool put(set *s, uint32_t bits)
{
    uint32_t at = bits * 2654435761u >> 22;
    while (s->slot[at] != EMPTY && s->slot[at] != bits) at = (at + 1) % SLOTS;
    if (s->slot[at] == bits) return true;
    s->slot[at] = bits;
    return ++s->n <= MOTE_ENTRIES_MAX;
}

/* The distinct values of a tensor, if a codebook can hold them: finite, in binary32, without a -0. */
static bool collect(set *s, const mote_encoder *e)
{
    double x[256];
    memset(s->slot, 0xFF, sizeof s->slot);
    s->n = 0;
    for (uint64_t at = 0; at < e->t->elements; at += 256) {
        const size_t n = e->t->elements - at < 256 ? (size_t)(e->t->elements - at) : 256;
        mote_values(x, e->data, (uint8_t)e->t->dtype, at, n);
        for (size_t i = 0; i < n; i++) {
            const float f = x[i] - x[i] == 0 && x[i] < 3.0e38 && x[i] > -3.0e38 ? (float)x[i] : 0;
            uint32_t bits;
            memcpy(&bits, &f, 4);
            uint64_t wide;
            memcpy(&wide, &x[i], 8);
            if (mote_f32_to_f64(bits) != wide || bits == 0x80000000 || !put(s, bits)) return false;
        }
    }
    return s->n >= 2;
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The narrowest type that has them all. */
static uint8_t type_of(const set *s)
{
    bool half = true, brain = true;
    for (unsigned i = 0; i < SLOTS; i++) {
        const uint32_t b = s->slot[i];
        if (b == EMPTY) continue;
        half = half && mote_f16_to_f32(mote_f32_to_f16(b)) == b;
        brain = brain && (b & 0xFFFF) == 0;
    }
    return half ? MOTE_F16 : brain ? MOTE_BF16 : MOTE_F32;
}

mote_status mote_encoder_palette(mote_encoder *e)
{
    const mote_matrix *m = &e->source;
    if (e->limits.profile == MOTE_PROFILE_NANO || m->prune || m->held != m->dtype || m->dtype < MOTE_F16 ||
        m->dtype > MOTE_F64 || e->t->elements < 2)
        return MOTE_OK;
    set s;
    if (!collect(&s, e)) return MOTE_OK;
    float value[MOTE_ENTRIES_MAX], one = 1;
    unsigned n = 0;
    for (unsigned i = 0; i < SLOTS; i++)
        if (s.slot[i] != EMPTY) memcpy(&value[n++], &s.slot[i], 4);
    qsort(value, n, sizeof *value, by_value);
    mote_affine a = { .bits = 8, .scale_dtype = MOTE_F16, .dtype = m->dtype, .scale = &one };
    a.book = (mote_book){ .entry_dtype = type_of(&s), .entries = (uint16_t)n, .value = value };
    mote_matrix grid[5];
    const size_t n_grids = mote_encoder_grids(e, grid, false);
    mote_coding best = { 0 };
    mote_status st = MOTE_OK;
    for (size_t i = 0; i < n_grids && st == MOTE_OK; i++) {
        mote_coding c = { .m = grid[i], .layout = MOTE_LAYOUT_DENSE };
        c.m.affine = &a;
        mote_split_codebook(&c.num, m->dtype, n, MOTE_BOOK_WRITTEN);
        st = mote_encoder_estimate(e, &best, &c);
        if (st == MOTE_OK) st = mote_encoder_estimate_sparse(e, &best, c);
    }
    if (st == MOTE_OK && (e->form.n_records == 0 || best.bits < 8.0 * (double)e->form.bytes))
        st = mote_encoder_consider(e, &best, mote_encoder_signal(e), 0);
    return st;
}
