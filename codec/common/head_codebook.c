/* SPDX-License-Identifier: Apache-2.0
 * Parameters of codebooks. A file of its own, so that a build without them can leave it out. Device code. */
#include "common/head_parser.h"

bool mote_entries_ok(const uint8_t *p, unsigned dtype, size_t n)
{
    const unsigned size = dtype == MOTE_F32 ? 4 : 2, infinite = dtype == MOTE_F16 ? 0x7C00 : 0x7F80;
    for (p += size - 2; n-- > 0; p += size) /* the exponent lies in the upper 16 bits */
        if ((((unsigned)p[1] << 8 | p[0]) & infinite) == infinite) return false;
    return true;
}

void mote_head_codebook(mote_head_parser *q, mote_num *n, unsigned dtype)
{
    const unsigned table = mote_head_number(q, MOTE_BOOK_F8_E5M2);
    n->table = (uint8_t)table;
    n->entries = table == MOTE_BOOK_NF4 ? 16 : 256;
    if (table == MOTE_BOOK_WRITTEN) {
        n->entries = (uint16_t)mote_head_positive(&q->r, MOTE_ENTRIES_MAX, MOTE_ERR_HEAD);
        n->entry_dtype = (uint8_t)mote_head_number(q, MOTE_F32);
        n->book_rows = (uint32_t)mote_rd_varint_max(&q->r, UINT32_MAX, MOTE_ERR_HEAD);
        if (n->entries < 2 || n->entry_dtype < MOTE_F16) mote_head_refuse(q);
        if (n->book_rows == 0) {
            n->book = mote_rd_take(&q->r, (size_t)n->entries * (n->entry_dtype == MOTE_F32 ? 4 : 2));
            if (n->book && !mote_entries_ok(n->book, n->entry_dtype, n->entries)) mote_rd_fail(&q->r, MOTE_ERR_SCALE);
        }
    }
    mote_head_scales(q, n, dtype);
    if (mote_rd_ok(&q->r)) mote_head_plane(q, &n->v, ROLE_VALUES, n->entries - 1);
}
