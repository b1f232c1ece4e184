/* SPDX-License-Identifier: Apache-2.0
 * The fields of fields.h. Device code. */
#include "base/fields.h"

mote_status mote_fields_find(mote_rd *field, unsigned n, uint32_t known, mote_rd *r)
{
    for (unsigned i = 0; i < n; i++) field[i] = (mote_rd){ .st = MOTE_ERR_MISSING };
    for (mote_tlv f = { 0 }; mote_tlv_next(r, &f);) {
        if (f.tag < 32 && known >> f.tag & 1)
            field[f.tag / 2] = f.value;
        else
            mote_tlv_unknown(r, &f);
    }
    return r->st;
}

mote_status mote_fields_end(const mote_rd *field, unsigned n, uint32_t required)
{
    mote_status st = MOTE_OK;
    for (unsigned i = 0; i < n && st == MOTE_OK; i++)
        if (field[i].st != MOTE_ERR_MISSING || required >> i & 1) st = mote_rd_end(&field[i]);
    return st;
}

void mote_rd_text(mote_rd *r, mote_text *t, size_t max)
{
    t->bytes = mote_rd_left(r);
    t->p = (const char *)mote_rd_take(r, t->bytes);
    if (t->bytes < 1 || t->bytes > max)
        mote_rd_fail(r, MOTE_ERR_LIMIT);
    else if (!mote_text_valid(*t, 1, max))
        mote_rd_fail(r, MOTE_ERR_UTF8);
}
