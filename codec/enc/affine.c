/* SPDX-License-Identifier: Apache-2.0
 * Affine integers or a codebook for a tensor: scales along either axis, and which of the two costs less. Host only. */
#include "enc/book.h"
#include "enc/cost.h"
#include "enc/encoder.h"
#include "enc/scales.h"

#define SAME_NOISE 1.0233 /* 0.1 dB */
#define SPARSE_ZEROS 0.1  /* share of zero codes from which on leaving them out is tried */

/* Groups that a cut row could not hold in one piece become shorter. */
mote_status mote_encoder_affine_set(const mote_encoder *e, mote_affine *a, uint64_t cols)
{
    const mote_encode_options *o = e->o;
    *a = (mote_affine){ .bits = (uint8_t)o->bits,
                        .zero = o->zero_point != 0,
                        .ternary = o->ternary != 0,
                        .scope = (uint8_t)o->scope,
                        .scale_dtype = (uint8_t)o->scale_dtype,
                        .dtype = e->dtype,
                        .group = o->group };
    if (o->method != MOTE_METHOD_AFFINE) {
        a->bits = 8;
        a->zero = 0;
        a->book = (mote_book){ .table = o->method == MOTE_METHOD_CODEBOOK      ? MOTE_BOOK_WRITTEN
                                        : o->method == MOTE_METHOD_NF4         ? MOTE_BOOK_NF4
                                        : o->method == MOTE_METHOD_SCALED_E4M3 ? MOTE_BOOK_F8_E4M3
                                                                               : MOTE_BOOK_F8_E5M2,
                               .entries = (uint16_t)o->entries,
                               .rows = o->method == MOTE_METHOD_CODEBOOK ? o->book_rows : 0 };
    }
    uint64_t room = (uint64_t)e->limits.chunk_max * 4 / a->bits;
    if (a->scope == MOTE_SCOPE_GROUP && cols > room && a->group > room) a->group = (uint32_t)room;
    return a->book.table == MOTE_BOOK_WRITTEN ? MOTE_OK : mote_book_builtin(&a->book);
}

/* Is (bits, noise) better than (best_bits, best_noise)? A bit for each element is worth 6.02 dB. */
static bool better(double n, double bits, double noise, double best_bits, double best_noise)
{
    double more = noise > best_noise ? noise : best_noise, less = noise > best_noise ? best_noise : noise;
    if (more <= less * SAME_NOISE || less == 0) return bits < best_bits;
    return bits / n + 0.5 * mote_log2(noise) < best_bits / n + 0.5 * mote_log2(best_noise);
}

mote_status mote_encoder_affine(mote_encoder *e)
{
    mote_status st = mote_encoder_need_finite(e, "quantisation");
    mote_matrix grid[5];
    const bool affine_codes = e->o->method == MOTE_METHOD_AFFINE,
               rows_matter =
                   e->o->scope != MOTE_SCOPE_TENSOR || (e->o->method == MOTE_METHOD_CODEBOOK && e->o->book_rows);
    const size_t n_grids = mote_encoder_grids(e, grid, rows_matter);
    mote_affine affine[2] = { { 0 } }; /* of the best grid and of the one tried */
    mote_coding best = { 0 };
    double noise = 0, signal = 0;
    /* 1 bit symmetric has no code for zero: what was pruned must be left out */
    const bool must_drop = e->source.prune && affine_codes && e->o->bits == 1 && !e->o->zero_point;
    if (st == MOTE_OK) st = mote_fetch_reserve(&e->work.other, 4096);
    for (size_t g = 0; g < n_grids && st == MOTE_OK; g++) {
        mote_affine *a = &affine[best.m.affine == &affine[0]];
        mote_coding c = { .m = grid[g], .layout = MOTE_LAYOUT_DENSE }, dense = { 0 };
        double here = noise;
        if (!rows_matter && best.m.affine) {
            c.m.affine = best.m.affine; /* the same whatever the grid */
        } else {
            st = mote_encoder_affine_set(e, a, c.m.cols);
            c.m.held = e->source.dtype; /* scales are fitted to the source */
            if (st == MOTE_OK) st = mote_affine_scales(a, &c.m, &e->work.fetch);
            c.m.held = e->dtype;
            c.m.affine = a;
            c.m.drop = must_drop;
            if (st == MOTE_OK) st = mote_fetch_reserve(&e->work.fetch, 4096);
            if (st == MOTE_OK) mote_matrix_error(&c.m, e->dtype, &e->work.fetch, &e->work.other, &signal, &here);
        }
        if (affine_codes)
            mote_split_affine(&c.num, e->dtype, e->o->bits, e->o->zero_point != 0);
        else
            mote_split_codebook(&c.num, e->dtype, c.m.affine->book.entries, c.m.affine->book.table);
        c.m.drop = false;
        if (st == MOTE_OK) st = mote_encoder_estimate(e, &dense, &c);
        if (must_drop)
            c.bits = 0; /* no candidate */
        else
            c = dense;
        if (st == MOTE_OK && (e->source.prune || (affine_codes && e->o->bits > 4 && dense.zeros > SPARSE_ZEROS)))
            st = mote_encoder_estimate_sparse(e, &c, dense);
        if (st == MOTE_OK && c.bits > 0 &&
            (best.bits == 0 || better((double)e->t->elements, mote_encoder_bits(&c, &best), here, best.bits, noise))) {
            best = c;
            noise = here;
        }
        if (best.m.affine != a) mote_affine_free(a);
    }
    if (st == MOTE_OK && best.bits > 0) st = mote_encoder_consider(e, &best, signal, noise);
    mote_affine_free(&affine[0]);
    mote_affine_free(&affine[1]);
    return st;
}
