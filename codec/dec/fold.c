/* SPDX-License-Identifier: Apache-2.0
 * Values without a zero, taken in turn from below and above it, and distances from a value that is not zero. A file of
 * its own, so that a build for tensors that are never pruned can leave it out. Device code. */
#include "dec/numbers.h"

void mote_unfold(const mote_num *num, uint16_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (num->fold) v[i] = (uint16_t)(v[i] & 1 ? (v[i] >> 1) + 1 : -(v[i] >> 1) - 1);
        v[i] = (uint16_t)(v[i] + num->background);
    }
}
