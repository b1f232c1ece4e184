/* SPDX-License-Identifier: Apache-2.0
 * Where dense elements of a segment go. Device code. */
#include "dec/seg.h"

unsigned mote_form_bits(unsigned dtype, mote_form form)
{
    if (form == MOTE_FORM_DENSE) return mote_dtype_bits(dtype);
    if (dtype < MOTE_F16 || dtype > MOTE_F64) return 0;
    return form == MOTE_FORM_F32 ? 32 : form == MOTE_FORM_F16 ? 16 : 0;
}

static mote_status dest(mote_dest *d, const mote_head *h, mote_extent *e, bool whole, mote_form form, void *base,
                        size_t bytes)
{
    unsigned bits = mote_form_bits(h->dtype, form);
    if (bits == 0) return MOTE_ERR_ARG;
    uint64_t n = whole ? h->rows * h->cols : e->rows * e->cols; /* < 2^48, bits <= 128 */
    if ((n * bits + 7) / 8 > bytes) return MOTE_ERR_NOMEM;
    uint64_t row = whole ? h->cols : e->cols, elem = 1, at = 0;
    if (whole && h->axis) {
        row = 1;
        elem = h->rows;
    }
    if (whole) at = e->row * row + e->col * elem;
    d->form = form;
    d->p = (uint8_t *)base + (size_t)(at * bits / 8);
    d->row = (size_t)(row * bits / 8);
    d->elem = (size_t)(elem * bits / 8);
    return MOTE_OK;
}

mote_status mote_dest_tensor(mote_dest *d, const mote_head *h, uint64_t s, mote_form form, void *base, size_t bytes)
{
    mote_extent e = mote_head_extent(h, s);
    return dest(d, h, &e, true, form, base, bytes);
}

mote_status mote_dest_segment(mote_dest *d, const mote_head *h, uint64_t s, mote_form form, void *base, size_t bytes)
{
    mote_extent e = mote_head_extent(h, s);
    return dest(d, h, &e, false, form, base, bytes);
}

uint64_t mote_seg_factors(const mote_head *h)
{
    return h->term.rank * (h->cols + 1);
}
