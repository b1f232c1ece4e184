/* SPDX-License-Identifier: Apache-2.0
 * Between segments and the products of factors. Internal to dec/. Device code. */
#ifndef MOTE_CODEC_LOWRANK_H
#define MOTE_CODEC_LOWRANK_H

#include "dec/numbers.h"

/** The row of U that lies behind V in w->env->factors, times V, to k. Not in nano builds. */
void mote_lowrank_multiply(mote_seg *w, const mote_sink *k);
/** mote_seg_dense(), or with is_resident the same for a resident record. */
mote_status mote_seg_elements(mote_seg *w, const mote_seg_env *env, size_t s, bool is_resident, const uint8_t *rec,
                              size_t n, const mote_dest *d) MOTE_MUST_CHECK;

#endif
