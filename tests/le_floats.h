/* SPDX-License-Identifier: Apache-2.0
 * Numbers of this machine as models and packages hold them: little-endian, whatever the machine is. */
#ifndef MOTE_TESTS_LE_FLOATS_H
#define MOTE_TESTS_LE_FLOATS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"

/** n binary32 at `to`. Never passed by value: a NaN keeps its bits. */
static inline void le_floats(uint8_t *to, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        mote_put32(to + 4 * i, bits);
    }
}

/** The same in a heap block of exactly their size. free() it. */
static inline uint8_t *le_floats_copy(const float *x, size_t n)
{
    uint8_t *to = malloc(n ? 4 * n : 1);
    if (!to) abort();
    le_floats(to, x, n);
    return to;
}

#endif
