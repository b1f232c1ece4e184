/* SPDX-License-Identifier: Apache-2.0
 * Where zstd is worth its slower decoding: hosts only, but for blobs, and only where a sample says that it clearly wins.
 * It finds what tables cannot see: repeated rows, few distinct values. Host only. */
#include <stdlib.h>

#include "enc/encoder.h"
#include "enc/zstd_plane.h"

#define SAMPLE ((size_t)1 << 15)
#define SAMPLE_LEVEL 6
#define WINS 0.97

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

mote_status mote_encoder_zstd_planes(mote_encoder *e, mote_coding *c)
{
    if (e->o->profile != MOTE_PROFILE_HOST || c->layout != MOTE_LAYOUT_DENSE || c->num.numeric == MOTE_NUM_STORED)
        return MOTE_OK;
    const mote_matrix *m = &c->m;
    size_t n = m->cols < SAMPLE ? (size_t)m->cols : SAMPLE, rows = SAMPLE / n;
    if (rows > m->rows) rows = (size_t)m->rows;
    mote_status st = mote_work_reserve(&e->work, rows * n);
    if (st != MOTE_OK) return st;
    const void *elements = mote_matrix_fetch(m, (m->rows - rows) / 2, 0, rows, n, &e->work.fetch);
    for (unsigned j = 0; j < c->num.n_bytes && st == MOTE_OK; j++) {
        mote_plane_plan *p = &c->plane[MOTE_PLANE_BYTE + j];
        if (p->d.coder == MOTE_CODER_CONSTANT) continue;
        double share;
        mote_split_byte(&c->num, elements, rows * n, j, e->work.kept);
        st = share_of(e->work.kept, rows * n, &share);
        double bits = share * 8 * (double)c->elements;
        if (st != MOTE_OK || bits >= WINS * p->bits) continue;
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
    const mote_matrix *m = &e->source;
    const unsigned bits = mote_dtype_bits(e->dtype);
    if (bits < 8) {
        size_t n = (size_t)((e->t->elements * bits + 7) / 8);
        return share_of(e->data, n < SAMPLE ? n : SAMPLE, share);
    }
    size_t n = SAMPLE * 8 / bits;
    if (n > m->cols) n = (size_t)m->cols;
    mote_status st = mote_work_reserve(&e->work, SAMPLE);
    if (st != MOTE_OK) return st;
    const void *p = mote_matrix_fetch(m, 0, (m->cols - n) / 2, 1, n, &e->work.fetch);
    return share_of(p, n * bits / 8, share);
}
