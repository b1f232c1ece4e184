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

void mote_prune_neighbours(uint8_t *gone, const uint8_t *data, uint8_t dtype, uint64_t rows, uint64_t cols, unsigned n,
                           unsigned m)
{
    const unsigned bytes = mote_dtype_bits(dtype) / 8;
    for (uint64_t row = 0; row < rows; row++)
        for (uint64_t col = 0; col < cols; col += m) {
            const unsigned k = cols - col < m ? (unsigned)(cols - col) : m;
            const uint64_t first = row * cols + col;
            for (unsigned i = 0; i < k; i++) {
                const uint64_t own = magnitude(data, bytes, first + i);
                unsigned before = 0; /* of those that stay rather than this one */
                for (unsigned j = 0; j < k; j++) {
                    const uint64_t other = magnitude(data, bytes, first + j);
                    before += other > own || (other == own && j < i);
                }
                if (before >= n) gone[(first + i) / 8] |= (uint8_t)(1u << (first + i) % 8);
            }
        }
}

typedef struct norm {
    double square;
    uint64_t row;
} norm;

static int by_norm(const void *a, const void *b)
{
    const norm *x = a, *y = b;
    if (x->square != y->square) return x->square < y->square ? -1 : 1;
    return x->row > y->row ? -1 : x->row < y->row;
}

mote_status mote_prune_rows(uint8_t *gone, const uint8_t *data, uint8_t dtype, uint64_t rows, uint64_t cols,
                            double fraction)
{
    double x[256];
    norm *norms = malloc((size_t)rows * sizeof *norms);
    if (!norms) return MOTE_ERR_NOMEM;
    for (uint64_t row = 0; row < rows; row++) {
        norms[row] = (norm){ 0, row };
        for (uint64_t col = 0; col < cols; col += 256) {
            const size_t n = cols - col < 256 ? (size_t)(cols - col) : 256;
            mote_values(x, data, dtype, row * cols + col, n);
            for (size_t i = 0; i < n; i++) norms[row].square += x[i] * x[i];
        }
        if (!(norms[row].square < 1e300)) norms[row].square = 1e300; /* NaN is the largest */
    }
    qsort(norms, (size_t)rows, sizeof *norms, by_norm);
    const uint64_t less = (uint64_t)(fraction * (double)rows);
    for (uint64_t k = 0; k < less; k++)
        for (uint64_t i = norms[k].row * cols, end = i + cols; i < end; i++) gone[i / 8] |= (uint8_t)(1u << i % 8);
    free(norms);
    return MOTE_OK;
}
