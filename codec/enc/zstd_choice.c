/* SPDX-License-Identifier: Apache-2.0
 * Where zstd is worth its slower decoding: hosts only, but for blobs, and only where a sample says that it clearly wins.
 * It finds what tables cannot see: repeated rows, few distinct values. Host only. */
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "enc/cost.h"
#include "enc/encoder.h"
#include "enc/zstd_plane.h"

#define SAMPLE ((size_t)1 << 14) /* elements */
#define BLOB_SAMPLE ((size_t)1 << 18)
#define PARTS 64u
#define SAMPLE_LEVEL 1
#define HASH_BITS 12
#define HASHES (1u << HASH_BITS)
#define WINS 0.005 /* of the whole tensor: rows of zeros in a plane of low bits are copied as fast as they are read */

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

/* Whether zstd might shorten n <= 2^16 bytes by as much as it would have to: bytes that are not all as frequent, or four
 * in a row that were there before. Where it cannot, trying it would be most of what a small tensor costs. */
static bool promising(const uint8_t *p, size_t n)
{
    uint64_t count[256] = { 0 };
    uint16_t last[HASHES] = { 0 };
    size_t again = 0;
    unsigned kinds = 0;
    for (size_t i = 0; i < n; i++) count[p[i]]++;
    for (unsigned i = 0; i < 256; i++) kinds += count[i] != 0;
    const double bits = mote_entropy_bits(count, 256) + 0.7213 * kinds; /* G. Miller, 1955: samples seem to have less */
    if (bits < (1 - WINS) * 8 * (double)n) return true;
    for (size_t i = 0; i + 4 <= n; i++) {
        const uint32_t x = mote_le32(p + i), h = x * 2654435761u >> (32 - HASH_BITS);
        again += mote_le32(p + last[h]) == x;
        last[h] = (uint16_t)i;
    }
    return (double)again > WINS * (double)n;
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

/* Let zstd have byte plane j if it leaves no more than that share of it; true if it does. */
static bool give(mote_coding *c, unsigned j, double share)
{
    mote_plane_plan *p = &c->plane[MOTE_PLANE_BYTE + j];
    const double bits = share * 8 * (double)c->elements;
    if (p->bits - bits < WINS * c->bits) return false;
    p->d = (mote_plane){ .coder = MOTE_CODER_ZSTD, .n_classes = 1, .width = 8, .vmax = 255 };
    c->bits += bits - p->bits;
    p->bits = p->ideal = bits;
    p->n_specs = 0;
    return true;
}

/* What zstd leaves of the whole of byte plane j, piece by piece. */
static mote_status whole_share(mote_encoder *e, const mote_coding *c, unsigned j, double *share)
{
    double bytes = 0;
    mote_status st = mote_work_reserve(&e->work, MOTE_RECT_ELEMENTS);
    for (mote_rect r = { 0 }; st == MOTE_OK && mote_coding_next(c, &r);) {
        const size_t n = r.rows * r.n;
        double part = 1;
        mote_split_byte(&c->num, mote_matrix_fetch(&c->m, r.row, r.col, r.rows, r.n, &e->work.fetch), n, j,
                        (uint8_t *)e->work.v);
        st = share_of((const uint8_t *)e->work.v, n, &part);
        bytes += part * (double)n;
    }
    *share = bytes / (double)c->elements;
    return st;
}

mote_status mote_encoder_zstd_planes(mote_encoder *e, mote_coding *c)
{
    if (e->o->profile != MOTE_PROFILE_HOST || c->layout != MOTE_LAYOUT_DENSE || c->num.n_bytes == 0) return MOTE_OK;
    mote_status st = mote_work_reserve(&e->work, sample_elements(e->t->elements));
    if (st != MOTE_OK) return st;
    const size_t n = sample(&c->m, &e->work);
    bool any = false;
    double share;
    for (unsigned j = 0; j < c->num.n_bytes && st == MOTE_OK; j++) {
        if (c->plane[MOTE_PLANE_BYTE + j].d.coder == MOTE_CODER_CONSTANT) continue;
        mote_split_byte(&c->num, e->work.kept, n, j, (uint8_t *)e->work.v);
        if (!promising((const uint8_t *)e->work.v, n)) continue;
        st = share_of((const uint8_t *)e->work.v, n, &share);
        any |= st == MOTE_OK && give(c, j, share);
    }
    /* where the lowest bits are not noise those above may be half so, in places that a sample mixes up */
    for (unsigned j = 0; any && j < c->num.n_bytes && st == MOTE_OK; j++) {
        const unsigned coder = c->plane[MOTE_PLANE_BYTE + j].d.coder;
        if (coder == MOTE_CODER_CONSTANT || coder == MOTE_CODER_ZSTD) continue;
        st = whole_share(e, c, j, &share);
        if (st == MOTE_OK) (void)give(c, j, share);
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
