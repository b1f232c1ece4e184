/* SPDX-License-Identifier: Apache-2.0
 * Selection by radix: without their signs, bit patterns of floats are ordered as magnitudes are. Host only. */
#include "enc/prune.h"

#include <stdlib.h>
#include <string.h>

#include "base/le.h"

#define DIGIT 16

static uint64_t magnitude(const uint8_t *data, unsigned bytes, uint64_t i)
{
    const uint8_t *p = data + i * bytes;
    return bytes == 2 ? mote_le16(p) & 0x7FFFu : bytes == 4 ? mote_le32(p) & 0x7FFFFFFFu : mote_le64(p) & INT64_MAX;
}

mote_status mote_prune_fraction(mote_prune *p, const uint8_t *data, uint8_t dtype, uint64_t elements, double fraction)
{
    const unsigned bytes = mote_dtype_bits(dtype) / 8;
    uint64_t rank = (uint64_t)(fraction * (double)elements), known = 0, mask = 0, equal = elements;
    *p = (mote_prune){ .limit = 0, .tie = UINT64_MAX };
    if (rank == 0) return MOTE_OK;
    if (rank > elements) rank = elements;
    uint64_t *count = malloc(((size_t)1 << DIGIT) * sizeof *count);
    if (!count) return MOTE_ERR_NOMEM;
    rank--; /* of the largest magnitude that goes, 0-based */
    for (unsigned shift = bytes * 8; shift > 0;) {
        shift -= DIGIT;
        memset(count, 0, ((size_t)1 << DIGIT) * sizeof *count);
        for (uint64_t i = 0; i < elements; i++) {
            uint64_t a = magnitude(data, bytes, i);
            if ((a & mask) == known) count[a >> shift & 0xFFFF]++;
        }
        uint64_t digit = 0;
        while (rank >= count[digit]) rank -= count[digit++];
        equal = count[digit];
        known |= digit << shift;
        mask |= (uint64_t)0xFFFF << shift;
    }
    free(count);
    p->limit = known;
    p->tie = 0;
    for (uint64_t stay = equal - rank - 1;; p->tie++) { /* the first so many equal to the limit stay */
        if (magnitude(data, bytes, p->tie) != known) continue;
        if (stay-- == 0) break;
    }
    return MOTE_OK;
}

mote_prune mote_prune_threshold(uint8_t dtype, double threshold)
{
    /* the least bit pattern whose magnitude is not below the threshold; infinity at most */
    const uint64_t infinity = dtype == MOTE_F64   ? (uint64_t)0x7FF << 52
                              : dtype == MOTE_F32 ? 0x7F800000
                              : dtype == MOTE_F16 ? 0x7C00
                                                  : 0x7F80;
    uint64_t lo = 0, hi = infinity;
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        uint8_t bytes[8];
        double x;
        mote_put64(bytes, mid);
        mote_values(&x, bytes, dtype, 0, 1);
        if (x < threshold)
            lo = mid + 1;
        else
            hi = mid;
    }
    return (mote_prune){ .limit = lo, .tie = UINT64_MAX };
}
