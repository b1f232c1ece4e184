/* SPDX-License-Identifier: Apache-2.0
 * Planes that are zstd frames. Spec codecs.md 4. Not in nano builds. Device code. */
#include "dec/planes.h"

void mote_plane_inflate(mote_seg *w, const mote_plane_dec *d, size_t n, uint8_t *to)
{
    const mote_seg_env *env = w->env;
    mote_rd *in = &w->s[d->at].in;
    if (d->p->coder != MOTE_CODER_ZSTD) return;
    n = mote_bytes_of(n, d->p->width);
    if (!to) {
        if (n > env->scratch_bytes - w->scratch_at)
            in->st = MOTE_ERR_NOMEM;
        else
            to = env->scratch + w->scratch_at;
        w->scratch_at += n;
    }
    if (!env->inflate) in->st = MOTE_ERR_UNSUPPORTED;
    if (in->st == MOTE_OK) in->st = env->inflate(env->inflate_ctx, to, n, in->p, mote_rd_left(in));
    if (in->st != MOTE_OK)
        mote_seg_fail(w, in->st);
    else
        *in = mote_rd_init(to, n);
}
