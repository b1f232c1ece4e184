/* SPDX-License-Identifier: Apache-2.0
 * The kernel for big machines in plain C: the symbol of every slot is looked up, lanes are unrolled, and whether a lane
 * takes a word is arithmetic instead of a branch that cannot be predicted. Host only. */
#include "kern/kern.h"

#include <string.h>

#include "base/le.h"
#include "kern/walk.h"

#define LOW 65536u /* states below take a word */

/** A prepared table. */
typedef struct table {
    uint32_t lo, shift, bits;
    uint32_t freq_cum[MOTE_SYMBOLS]; /**< frequency << 16 | cumulative: both are at most 2^14 */
    uint8_t symbol[1 << 14];         /**< of a slot */
} table;

_Static_assert(sizeof(table) >= MOTE_PAIR_HOST_BYTES, "a pair has the memory of its tables");

static void prepare(void *prepared, const mote_table *t)
{
    table *h = prepared;
    h->lo = (uint32_t)t->lo;
    h->shift = t->shift;
    h->bits = t->bits;
    for (unsigned i = 0; i < MOTE_SYMBOLS; i++) {
        uint32_t freq = (uint32_t)t->cum[i + 1] - t->cum[i];
        h->freq_cum[i] = freq << 16 | t->cum[i];
        memset(h->symbol + t->cum[i], (int)i, freq);
    }
}

/* One token of the lane with state y; the word at p is taken if need be. */
#define TOKEN(h, y, v, p, bits, shift)                                                                 \
    do {                                                                                               \
        uint32_t slot_ = (y) & ((1u << (bits)) - 1), k_ = (h)->symbol[slot_], fc_ = (h)->freq_cum[k_]; \
        (y) = (fc_ >> 16) * ((y) >> (bits)) + slot_ - (fc_ & 0xFFFF);                                  \
        (v) = (uint16_t)((h)->lo + (k_ << (shift)) + ((y) & ((1u << (shift)) - 1)));                   \
        (y) >>= (shift);                                                                               \
        uint32_t take_ = (uint32_t) - ((y) < LOW);                                                     \
        (y) = (y) << (take_ & 16) | (mote_le16(p) & take_);                                            \
        (p) += take_ & 2;                                                                              \
    } while (0)

/* lanes, bits and whether there are low bits are constants where this is called */
static inline bool run(mote_words *in, uint32_t *x, unsigned lanes, const table *h, unsigned bits, unsigned shift,
                       uint16_t *v, size_t n)
{
    uint32_t y[32];
    const uint8_t *p = in->p, *const end = in->end;
    memcpy(y, x, lanes * sizeof *y);
    /* whole steps, as long as every lane could take a word */
    while (n >= lanes && (size_t)(end - p) >= 2 * (size_t)lanes) {
        for (unsigned l = 0; l < lanes; l++) TOKEN(h, y[l], v[l], p, bits, shift);
        v += lanes;
        n -= lanes;
    }
    for (unsigned l = 0; n > 0; n--) {
        static const uint8_t none[2];
        const uint8_t *at = end - p >= 2 ? p : none, *before = at;
        TOKEN(h, y[l], *v, at, bits, shift);
        if (at != before) {
            if (before == none) return false;
            p = at;
        }
        v++;
        if (++l == lanes) l = 0;
    }
    memcpy(x, y, lanes * sizeof *y);
    in->p = p;
    return true;
}

static bool decode(mote_words *in, uint32_t *x, unsigned lanes, const void *prepared, uint16_t *v, size_t n)
{
    const table *h = prepared;
#define RUN(l)                                                                                       \
    (h->bits == 12 ? h->shift ? run(in, x, l, h, 12, h->shift, v, n) : run(in, x, l, h, 12, 0, v, n) \
     : h->shift ? run(in, x, l, h, 14, h->shift, v, n)                                               \
                   : run(in, x, l, h, 14, 0, v, n))
    return lanes == 32 ? RUN(32) : lanes == 8 ? RUN(8) : RUN(1);
#undef RUN
}

const mote_kern *mote_kern_host(void)
{
    static const mote_kern host = {
        .name = "host",
        .table_bytes = sizeof(table),
        .prepare = prepare,
        .decode = decode,
#if MOTE_KERN_LOOPS
        .walk = mote_walk_host,
        .adapt = mote_adapt_host,
        .prepare_pair = mote_pair_prepare_host,
        .levels = mote_levels_host
#else
        .walk = mote_walk_ref,
        .adapt = mote_adapt_ref
#endif
    };
    return &host;
}
