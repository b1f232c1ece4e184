/* SPDX-License-Identifier: Apache-2.0
 * What the writer of trellis-coded tensors shares among its files. Host only. */
#ifndef MOTE_ENC_TRELLIS_WRITE_H
#define MOTE_ENC_TRELLIS_WRITE_H

#include "enc/trellis_plan.h"

/* A plan ready to be written. */
typedef struct mote_trellis_code {
    const mote_trellis_plan *p;
    mote_head head;
    mote_plane_code row, column; /* their class maps; row: escapes too */
    mote_table_spec row_map, column_map;
    mote_enc_table map_tables[MOTE_CLASSES_MAX + 2], column_tables[MOTE_COLUMN_CLASSES + 1];
    mote_enc_table pair[MOTE_PAIRS_MAX][2][2]; /* [pair][quantiser][upper half] */
    mote_table first[MOTE_PAIRS_MAX][2];       /* as built, of pairs that adapt */
    int16_t *adaptive;                         /* what becomes of them; NULL: they do not adapt */
    uint32_t *order, end[MOTE_COLUMN_CLASSES];
} mote_trellis_code;

/** Fewer elements, after a segment did not fit. LIMIT: that cannot be. */
mote_status mote_trellis_shrink(mote_trellis_plan *p) MOTE_MUST_CHECK;

#endif
