/* SPDX-License-Identifier: Apache-2.0
 * Scales of a whole matrix. Host only. */
#ifndef MOTE_ENC_SCALES_H
#define MOTE_ENC_SCALES_H

#include "enc/matrix.h"

/**
 * Fit every scale of a matrix: one, one a row, or one a group of a->group columns.
 *
 * m       fetches floats (no affine); its rows and columns are those of the grid
 * Output  a->scale, a->zero_point, a->per_row; owned by the caller, free with mote_affine_free(), also after an error
 * Errors  NOMEM
 */
mote_status mote_affine_scales(mote_affine *a, const mote_matrix *m, mote_fetch *f) MOTE_MUST_CHECK;
void mote_affine_free(mote_affine *a);

/** True if all elements of a float tensor are finite. */
bool mote_all_finite(const uint8_t *data, uint8_t dtype, uint64_t elements);

#endif
