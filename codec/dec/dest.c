/* SPDX-License-Identifier: Apache-2.0
 * Where dense elements of a segment go, and how much memory decoding takes. Device code. */
#include "dec/seg.h"

unsigned mote_form_bits(unsigned dtype, mote_form form)
{
    if (form == MOTE_FORM_DENSE) return mote_dtype_bits(dtype);
    if (dtype < MOTE_F16 || dtype > MOTE_F64) return 0;
    return form == MOTE_FORM_F32 ? 32 : form == MOTE_FORM_F16 ? 16 : 0;
}

mote_status mote_dest_init(mote_dest *d, const mote_head *h, size_t s, bool whole, mote_form form, void *base,
                           size_t bytes)
{
    const unsigned bits = mote_form_bits(h->dtype, form), size = bits / 8;
    mote_extent e = mote_head_extent(h, s);
    size_t at = 0;
    if (bits == 0) return MOTE_ERR_ARG;
    d->row = e.cols;
    d->elem = 1;
    if (whole) {
        d->row = h->axis ? 1 : h->cols;
        d->elem = h->axis ? h->rows : 1;
        at = e.row * d->row + e.col * d->elem;
        e.rows = h->rows;
        e.cols = h->cols;
    }
    if (mote_bytes_of(e.rows * e.cols, bits) > bytes) return MOTE_ERR_NOMEM;
    d->p = (uint8_t *)base + mote_bytes_of(at, bits); /* sub-byte segments begin at whole bytes */
    d->row *= size;
    d->elem *= size;
    d->form = form;
    return MOTE_OK;
}

size_t mote_seg_factors(const mote_head *h)
{
    if (h->trellis.n_pairs) {
        const size_t order = h->trellis.column_coder ? (h->cols + MOTE_COLUMN_CLASSES + 1) / 2 : 0; /* 16 bits each */
        return order + (mote_plane_adapts(h->term.num.v.coder) ? MOTE_ADAPT_FLOATS(h->trellis.n_pairs) : 0);
    }
    return h->term.rank * (h->cols + 1) + MOTE_ENTRIES(mote_head_booked(h));
}
