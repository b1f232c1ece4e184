/* SPDX-License-Identifier: Apache-2.0
 * Singular value decomposition. Host only. */
#ifndef MOTE_ENC_SVD_H
#define MOTE_ENC_SVD_H

#include <stddef.h>

#include "mote/status.h"

/**
 * A = U diag(s) V with k = min(rows, cols) singular values in descending order.
 *
 * Shapes   a[rows][cols] (destroyed), u[rows][k], s[k], v[k][cols]; rows, cols >= 1
 * Rounding one thread; the same bits on the same machine, not on every machine
 * Errors   NOMEM; LIMIT: too large for LAPACK, or it did not converge
 */
mote_status mote_svd(float *a, size_t rows, size_t cols, float *u, float *s, float *v) MOTE_MUST_CHECK;

#endif
