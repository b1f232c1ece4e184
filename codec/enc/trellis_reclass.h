/* SPDX-License-Identifier: Apache-2.0
 * Classes of rows and columns chosen anew by what their levels cost in each. Host only. */
#ifndef MOTE_ENC_TRELLIS_RECLASS_H
#define MOTE_ENC_TRELLIS_RECLASS_H

#include "enc/trellis_train.h"

typedef struct mote_reclass {
    const mote_trellis_plan *p;
    mote_classes *k;
    size_t rows, cols;
    double row_price[MOTE_COLUMN_CLASSES], col_price[MOTE_COLUMN_CLASSES]; /* of a class in the map */
    float *price;                                                          /* of each place in pairs side by side */
    float *sum; /* of each column in the classes from one below on; NULL: columns stay */
} mote_reclass;

/** p: the plan that prices are of. NOMEM. Free with mote_reclass_free(), also after an error. */
mote_status mote_reclass_init(mote_reclass *r, const mote_trellis_plan *p, mote_classes *k, size_t rows, size_t cols,
                              bool columns) MOTE_MUST_CHECK;
/** Begin a round at those prices. */
void mote_reclass_begin(mote_reclass *r, const mote_level_prices *prices);
/** The class of a row, by the places of its levels as mote_trellis_look() leaves them. */
void mote_reclass_row(mote_reclass *r, size_t row, const uint16_t *place);
/** The classes of columns. */
void mote_reclass_columns(mote_reclass *r);
void mote_reclass_free(mote_reclass *r);

#endif
