/* SPDX-License-Identifier: Apache-2.0
 * Heads as bytes. Spec codecs.md 2. Host only. */
#ifndef MOTE_ENC_HEAD_WRITE_H
#define MOTE_ENC_HEAD_WRITE_H

#include "enc/segment.h"

/** A table as it stands in a head. Spec codecs.md 2.3 */
void mote_table_write(mote_wr *out, const mote_table_spec *s);

/**
 * The value of a head record.
 *
 * k                the matrix, or U of a low-rank tensor
 * v                V of a low-rank tensor, or NULL
 * second           what is added to it, or NULL
 * seg_elems        of the tensor
 * rows_per_record  of V
 */
void mote_head_write(mote_wr *out, const mote_cutter *k, const mote_cutter *v, const mote_cutter *second,
                     uint64_t seg_elems, uint32_t rows_per_record);

#endif
