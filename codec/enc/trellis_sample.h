/* SPDX-License-Identifier: Apache-2.0
 * What is looked at of a tensor before it is coded: a block of rows and columns for choices and training, and all of it,
 * if it is not large, for the passes that follow. Host only. */
#ifndef MOTE_ENC_TRELLIS_SAMPLE_H
#define MOTE_ENC_TRELLIS_SAMPLE_H

#include "enc/trellis.h"

/** Take the block of j->m: j->rows, cols, x, x_weight; j->by_row. NOMEM. */
mote_status mote_trellis_take_block(mote_trellis_job *j, size_t most) MOTE_MUST_CHECK;
/** Take all of j->m into j->all, unless it is large. NOMEM. */
mote_status mote_trellis_take_all(mote_trellis_job *j) MOTE_MUST_CHECK;
/** Where row r, column c of the block stand in the coded matrix. */
uint64_t mote_trellis_block_row(const mote_trellis_job *j, size_t r);
uint64_t mote_trellis_block_col(const mote_trellis_job *j, size_t c);

/** Fill in classes by scale: of the block, or with `all` of the whole matrix. NOMEM. */
mote_status mote_trellis_classify(mote_trellis_job *j, mote_trellis_trained *s, bool all) MOTE_MUST_CHECK;

#endif
