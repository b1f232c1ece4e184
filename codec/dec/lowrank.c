/* SPDX-License-Identifier: Apache-2.0
 * Low-rank factors multiplied. Spec codecs.md 6.4, 7.2. Not in nano builds, which hand the factors out. Device code. */
#include "dec/lowrank.h"

#include <string.h>

void mote_lowrank_multiply(mote_seg *w, const mote_sink *k)
{
    const size_t rank = w->cols, cols = w->env->head->cols;
    const float *v = w->env->factors, *u = v + rank * cols;
    float *sum = w->tmp.f32;
    for (size_t c = 0, m; c < cols; c += m) {
        m = cols - c < MOTE_BLOCK / 2 ? cols - c : MOTE_BLOCK / 2;
        memset(sum, 0, m * sizeof *sum);
        for (size_t r = 0; r < rank; r++) {
            const float f = u[r], *row = v + r * cols + c;
            for (size_t i = 0; i < m; i++) {
                const float product = f * row[i]; /* rounded, also where floats are computed more precisely */
                sum[i] = sum[i] + product;
            }
        }
        for (size_t i = 0; i < m; i++) {
            mote_f32 x = { .f = sum[i] };
            if ((x.bits & 0x7FFFFFFF) > 0x7F800000) x.bits = 0x7FC00000;
            mote_sink_put(k, k->p + (c + i) * k->elem, x.bits);
        }
    }
}

mote_status mote_seg_resident(mote_seg *w, const mote_seg_env *env, uint32_t r, const uint8_t *rec, size_t n)
{
    const mote_extent e = mote_head_resident(env->head, r);
    const size_t row = 4 * e.cols;
    const mote_dest d = { .p = (uint8_t *)env->factors + e.row * row, .row = row, .elem = 4, .form = MOTE_FORM_F32 };
    return mote_seg_elements(w, env, r, true, rec, n, &d);
}
