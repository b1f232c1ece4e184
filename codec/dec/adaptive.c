/* SPDX-License-Identifier: Apache-2.0
 * Levels of a trellis by tables that adapt: where these lie and when they begin. A file of its own, so that a build
 * without them can leave it out. Spec codecs.md 8.5. Device code. */
#include "dec/trellis.h"

bool mote_adaptive_walk(mote_seg *w, mote_stream *s, const mote_pair *pair, unsigned index, size_t n)
{
    const mote_seg_env *env = w->env;
    const mote_head *h = env->head;
    float *base = env->factors + mote_seg_factors(h) - MOTE_ADAPT_FLOATS(h->trellis.n_pairs);
    base += (32 - (uintptr_t)base % 32) % 32 / sizeof *base; /* floats lie at multiples of 4 */
    int16_t *cum = (int16_t *)(void *)base + index * MOTE_ADAPT_TABLES * MOTE_SYMBOLS;
    const unsigned bit = 1u << index;
    if (!(w->begun & bit)) mote_adapt_begin(cum, pair);
    w->begun = (uint16_t)(w->begun | bit);
    return env->kern->adapt(&s->in, s->x, w->state, cum, pair, w->val, n);
}
