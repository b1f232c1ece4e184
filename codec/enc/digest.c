/* SPDX-License-Identifier: Apache-2.0
 * Decoding what was encoded, for the digest of a tensor's elements. Spec format.md 9. Host only. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "dec/seg.h"
#include "enc/encoder.h"
#include "mote/host.h"
#include "mote/sign.h"

static mote_status decode(const mote_records *f, mote_seg *seg, mote_seg_env *env, uint8_t *out, size_t bytes)
{
    const mote_head *h = env->head;
    mote_status st = mote_seg_prepare(seg, env);
    for (uint32_t i = 0; i < h->n_residents && st == MOTE_OK; i++)
        st = mote_seg_resident(seg, env, i, f->records[1 + i].data, f->records[1 + i].bytes);
    for (uint64_t s = 0; s < h->n_segments && st == MOTE_OK; s++) {
        mote_dest d;
        const mote_piece *p = &f->records[1 + h->n_residents + s];
        st = mote_dest_tensor(&d, h, s, MOTE_FORM_DENSE, out, bytes);
        if (st == MOTE_OK) st = mote_seg_dense(seg, env, s, p->data, p->bytes, &d);
    }
    return st;
}

mote_status mote_records_decode(const mote_records *f, uint8_t dtype, uint64_t elements, uint8_t *out, size_t bytes)
{
    mote_head h;
    mote_table *tables = malloc((f->table_slots + 1) * sizeof *tables);
    if (!tables) return MOTE_ERR_NOMEM;
    const mote_piece *head = &f->records[0];
    mote_status st = mote_head_read(&h, tables, NULL, (size_t)f->table_slots, mote_rd_init(head->data, head->bytes),
                                    dtype, elements, NULL, NULL);
    mote_seg_env env = { .head = &h, .tables = tables, .kern = mote_kern_best(), .inflate = mote_zstd_inflate };
    mote_seg *seg = malloc(sizeof *seg);
    if (st == MOTE_OK) {
        env.scratch_bytes = (size_t)(mote_head_seg_max(&h) * mote_dtype_bits(dtype) / 8 + 1);
        env.scratch = malloc(env.scratch_bytes);
        env.prepared = malloc(h.n_tables * env.kern->table_bytes + 1);
        env.factors = malloc((size_t)mote_seg_factors(&h) * sizeof *env.factors + 1);
        st = seg && env.scratch && env.prepared && env.factors ? decode(f, seg, &env, out, bytes) : MOTE_ERR_NOMEM;
    }
    free(seg);
    free(env.scratch);
    free(env.prepared);
    free(env.factors);
    free(tables);
    return st;
}

bool mote_tensor_digest_is(const uint8_t digest[MOTE_DIGEST_BYTES], const uint8_t *elements, size_t bytes)
{
    const mote_crypto *crypto = mote_crypto_host();
    uint8_t is[MOTE_DIGEST_BYTES];
    if (!crypto) return false;
    mote_digest(crypto, is, MOTE_ROLE_TENSOR, elements, bytes);
    return memcmp(is, digest, sizeof is) == 0;
}

mote_status mote_encoder_digest(mote_encoder *e, uint8_t digest[MOTE_DIGEST_BYTES])
{
    const mote_crypto *crypto = mote_crypto_host();
    const size_t bytes = (size_t)((e->t->elements * mote_dtype_bits(e->dtype) + 7) / 8);
    uint8_t *all = malloc(bytes);
    mote_status st =
        all && crypto ? mote_records_decode(&e->form, e->dtype, e->t->elements, all, bytes) : MOTE_ERR_NOMEM;
    if (st == MOTE_OK) mote_digest(crypto, digest, MOTE_ROLE_TENSOR, all, bytes);
    free(all);
    return st;
}
