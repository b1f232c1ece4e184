/* SPDX-License-Identifier: Apache-2.0
 * Where dense elements of a segment go, and how much memory decoding takes. Device code. */
#include "dec/seg.h"

unsigned mote_form_bits(unsigned dtype, mote_form form)
{
    if (form == MOTE_FORM_DENSE) return mote_dtype_bits(dtype);
    if (dtype < MOTE_F16 || dtype > MOTE_F64) return 0;
    return form == MOTE_FORM_F32 ? 32 : form == MOTE_FORM_F16 ? 16 : 0;
}

/* The block of rows x cols that e is a part of, transposed or not */
static mote_status dest(mote_dest *d, const mote_head *h, const mote_extent *e, size_t rows, size_t cols, bool axis,
                        mote_form form, void *base, size_t bytes)
{
    const unsigned bits = mote_form_bits(h->dtype, form), size = bits / 8;
    const size_t row = axis ? 1 : cols, elem = axis ? rows : 1, at = e->row * row + e->col * elem;
    if (bits == 0) return MOTE_ERR_ARG;
    if (mote_bytes_of(rows * cols, bits) > bytes) return MOTE_ERR_NOMEM;
    d->p = (uint8_t *)base + mote_bytes_of(at, bits); /* sub-byte segments begin at whole bytes */
    d->row = row * size;
    d->elem = elem * size;
    d->form = form;
    return MOTE_OK;
}

mote_status mote_dest_tensor(mote_dest *d, const mote_head *h, size_t s, mote_form form, void *base, size_t bytes)
{
    const mote_extent e = mote_head_extent(h, s);
    return dest(d, h, &e, h->rows, h->cols, h->axis, form, base, bytes);
}

mote_status mote_dest_segment(mote_dest *d, const mote_head *h, size_t s, mote_form form, void *base, size_t bytes)
{
    const mote_extent e = mote_head_extent(h, s), alone = { .rows = e.rows, .cols = e.cols };
    return dest(d, h, &alone, e.rows, e.cols, false, form, base, bytes);
}

size_t mote_seg_factors(const mote_head *h)
{
    return h->term.rank * (h->cols + 1);
}
