/* SPDX-License-Identifier: Apache-2.0
 * The only file that knows LAPACK. Host only. */
#include "enc/svd.h"

#include <cblas.h>
#include <lapacke.h>
#include <stdint.h>
#include <stdlib.h>

mote_status mote_svd(float *a, size_t rows, size_t cols, float *u, float *s, float *v)
{
    if (rows > INT32_MAX / 8 || cols > INT32_MAX / 8) return MOTE_ERR_LIMIT;
    /* What lies row by row is, column by column, the transposed: A^T = V^T diag(s) U^T, so LAPACK's left factor is our
     * V and its right one our U, both already in our order. */
    const lapack_int m = (lapack_int)cols, n = (lapack_int)rows, k = m < n ? m : n;
    openblas_set_num_threads(1);
    float ask = 0;
    lapack_int unused = 0;
    lapack_int info = LAPACKE_sgesdd_work(LAPACK_COL_MAJOR, 'S', m, n, a, m, s, v, m, u, k, &ask, -1, &unused);
    if (info != 0 || !(ask >= 1) || ask > 1e9f) return MOTE_ERR_LIMIT;
    const lapack_int room = (lapack_int)(ask * 1.0001f) + 64; /* a float cannot say every integer */
    float *work = malloc((size_t)room * sizeof *work);
    lapack_int *integers = malloc((size_t)k * 8 * sizeof *integers);
    if (work && integers)
        info = LAPACKE_sgesdd_work(LAPACK_COL_MAJOR, 'S', m, n, a, m, s, v, m, u, k, work, room, integers);
    mote_status st = !work || !integers ? MOTE_ERR_NOMEM : info != 0 ? MOTE_ERR_LIMIT : MOTE_OK;
    free(work);
    free(integers);
    return st;
}
