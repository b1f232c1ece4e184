/* SPDX-License-Identifier: Apache-2.0
 * Decoding into nothing but the place for it, for the tests of segments. */
#include "segment_check.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define CANARY 0xC5
#define MARGIN 40

uint8_t *guarded(size_t n)
{
    uint8_t *p = allocate(n + 2 * MARGIN);
    memset(p, CANARY, n + 2 * MARGIN);
    return p + MARGIN;
}

void unguard(uint8_t *p, size_t n, const char *what)
{
    bool intact = true; /* each assertion of Check is a system call: none in long loops */
    for (size_t i = 0; i < MARGIN; i++) intact = intact && p[(int)i - MARGIN] == CANARY && p[n + i] == CANARY;
    ck_assert_msg(intact, "%s: written beyond the output", what);
    free(p - MARGIN);
}

bool all_zero(const uint8_t *p, size_t n)
{
    for (; n && *p == 0; p++) n--;
    return n == 0;
}

mote_status decode_bytes(decoder *d, uint64_t s, const uint8_t *p, size_t n)
{
    const mote_extent e = mote_head_extent(&d->head, s);
    const size_t own = (size_t)((e.rows * e.cols * mote_dtype_bits(d->head.dtype) + 7) / 8);
    uint8_t *out = guarded(own), *rec = exact_copy(p, n);
    mote_dest dest;
    ck_assert_int_eq(mote_dest_segment(&dest, &d->head, s, MOTE_FORM_DENSE, out, own), MOTE_OK);
    mote_status st = mote_seg_dense(d->work, &d->env, s, rec, n, &dest);
    ck_assert_msg(st == MOTE_OK || all_zero(out, own), "output left behind");
    unguard(out, own, "damaged");
    free(rec);
    return st;
}

mote_status decode_planes(decoder *d, uint64_t s, const planes *p)
{
    bytes b = planes_join(p);
    mote_status st = decode_bytes(d, s, b.p, b.n);
    bytes_free(&b);
    return st;
}
