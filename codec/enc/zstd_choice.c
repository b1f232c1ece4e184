/* SPDX-License-Identifier: Apache-2.0
 * Where zstd is worth its slower decoding: hosts only, but for blobs, and only where a sample says that it clearly wins.
 * It finds what tables cannot see: repeated rows, few distinct values. Host only. */
#include <stdlib.h>
#include <string.h>

#include "enc/encoder.h"
#include "enc/zstd_plane.h"

#define SAMPLE ((size_t)1 << 14) /* elements */
#define BLOB_SAMPLE ((size_t)1 << 18)
#define PARTS 64u
#define SAMPLE_LEVEL 1
#define WINS 0.02 /* of the whole tensor */

static mote_status share_of(const uint8_t *p, size_t n, double *share)
{
    uint8_t *frame;
    size_t bytes;
    *share = 1;
    if (n == 0) return MOTE_OK;
    mote_status st = mote_zstd_frame(&frame, &bytes, p, n, SAMPLE_LEVEL);
    if (st != MOTE_OK) return st;
    free(frame);
    *share = (double)bytes / (double)n;
    return MOTE_OK;
}

static size_t sample_elements(uint64_t all)
{
    return all < SAMPLE ? (size_t)all : SAMPLE;
}

/* Element where part i of PARTS of n elements begins, when `all` are spread over. */
static uint64_t part_at(uint64_t all, size_t n, unsigned i)
{
    return n < all ? (all - n) / (PARTS - 1) * i : 0;
}

/* Elements from evenly spread parts of the matrix, one after the other in w->kept; returns how many. */
static size_t sample(const mote_matrix *m, mote_work *w)
{
    const unsigned bytes = mote_matrix_elem_bytes(m);
    const uint64_t all = m->rows * m->cols;
    const unsigned parts = all > SAMPLE ? PARTS : 1;
    const size_t n = parts == 1 ? (size_t)all : SAMPLE / PARTS;
    uint8_t *to = w->kept;
    for (unsigned i = 0; i < parts; i++)
        for (uint64_t at = part_at(all, n, i), end = at + n, some; at < end; at += some) {
            uint64_t row = at / m->cols, col = at % m->cols;
            some = m->cols - col < end - at ? m->cols - col : end - at;
            const void *p = mote_matrix_fetch(m, row, col, 1, (size_t)some, &w->fetch);
            memcpy(to, p, (size_t)some * bytes);
            to += some * bytes;
        }
    return parts * n;
}

mote_status mote_encoder_zstd_planes(mote_encoder *e, mote_coding *c)
{
    if (e->o->profile != MOTE_PROFILE_HOST || c->layout != MOTE_LAYOUT_DENSE || c->num.n_bytes == 0) return MOTE_OK;
    mote_status st = mote_work_reserve(&e->work, sample_elements(e->t->elements));
    if (st != MOTE_OK) return st;
    const size_t n = sample(&c->m, &e->work);
    uint8_t *plane = (uint8_t *)e->work.v;
    for (unsigned j = 0; j < c->num.n_bytes && st == MOTE_OK; j++) {
        mote_plane_plan *p = &c->plane[MOTE_PLANE_BYTE + j];
        if (p->d.coder == MOTE_CODER_CONSTANT) continue;
        double share;
        mote_split_byte(&c->num, e->work.kept, n, j, plane);
        st = share_of(plane, n, &share);
        double bits = share * 8 * (double)c->elements;
        if (st != MOTE_OK || p->bits - bits < WINS * c->bits) continue;
        p->d = (mote_plane){ .coder = MOTE_CODER_ZSTD, .n_classes = 1, .width = 8, .vmax = 255 };
        c->bits += bits - p->bits;
        p->bits = p->ideal = bits;
        p->n_specs = 0;
    }
    return st;
}

mote_status mote_encoder_zstd_share(mote_encoder *e, double *share)
{
    *share = 1;
    if (e->o->profile == MOTE_PROFILE_NANO || (e->o->profile == MOTE_PROFILE_STD && !e->blob)) return MOTE_OK;
    const unsigned bits = mote_dtype_bits(e->dtype);
    if (bits < 8 || bits > 64 || e->blob) { /* as they lie there: in texts it is neighbours that are alike */
        const size_t n = (size_t)((e->t->elements * bits + 7) / 8), some = n < BLOB_SAMPLE ? n : BLOB_SAMPLE;
        return share_of(e->data + (n - some) / 2, some, share);
    }
    mote_status st = mote_work_reserve(&e->work, sample_elements(e->t->elements));
    if (st == MOTE_OK) st = share_of(e->work.kept, sample(&e->source, &e->work) * bits / 8, share);
    return st;
}
