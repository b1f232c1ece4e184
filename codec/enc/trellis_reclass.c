/* SPDX-License-Identifier: Apache-2.0
 * Classes of rows and columns by what their levels cost in each. Scales are a good beginning, but what counts is bits,
 * those of the maps among them. Host only. */
#include <stdlib.h>

#include "enc/cost.h"
#include "enc/trellis_train.h"

#define NEAR 2 /* classes on either side that are tried */
#define TRIED (2 * NEAR + 1)

static void map_prices(double price[MOTE_COLUMN_CLASSES], const uint8_t *map, size_t n)
{
    double count[MOTE_COLUMN_CLASSES] = { 0 };
    for (size_t i = 0; i < n; i++) count[map[i]]++;
    for (unsigned z = 0; z < MOTE_COLUMN_CLASSES; z++) price[z] = mote_log2(((double)n + 4) / (count[z] + 0.25));
}

mote_status mote_reclass_init(mote_reclass *r, const mote_trellis_plan *p, const mote_level_prices *prices,
                              mote_classes *k, size_t rows, size_t cols, bool columns)
{
    *r = (mote_reclass){ .p = p, .prices = prices, .k = k, .cols = cols };
    map_prices(r->row_price, k->row, rows);
    if (!columns) return MOTE_OK;
    map_prices(r->col_price, k->col, cols);
    r->sum = calloc(cols * TRIED, sizeof *r->sum);
    return r->sum ? MOTE_OK : MOTE_ERR_NOMEM;
}

/* Prices of pair clamp(i) */
static const float *prices_of(const mote_reclass *r, int i)
{
    const int most = (int)r->p->n_pairs - 1;
    return r->prices[i < 0 ? 0 : i > most ? most : i].bits[0];
}

/* The least of the sums plus the map's prices; classes run from `first`, where z = `now` stays on a tie. */
static uint8_t cheapest(const float *sum, const double *map, unsigned now)
{
    unsigned best = now;
    double least = (double)sum[NEAR] + map[now];
    for (unsigned i = 0; i < TRIED; i++) {
        const int z = (int)now + (int)i - NEAR;
        if (z < 0 || z >= MOTE_COLUMN_CLASSES) continue;
        const double price = (double)sum[i] + map[z];
        if (price < least) {
            least = price;
            best = (unsigned)z;
        }
    }
    return (uint8_t)best;
}

void mote_reclass_row(mote_reclass *r, size_t row, const uint16_t *at)
{
    const uint8_t *col = r->k->col;
    const int now = r->k->row[row], base = (int)r->k->base;
    float sum[TRIED] = { 0 };
    const float *prices[MOTE_COLUMN_CLASSES][TRIED];
    for (int z = 0; z < MOTE_COLUMN_CLASSES; z++)
        for (int i = 0; i < TRIED; i++) prices[z][i] = prices_of(r, z + now + i - NEAR - base);
    for (size_t c = 0; c < r->cols; c++) {
        const float *const *p = prices[col[c]];
        for (unsigned i = 0; i < TRIED; i++) sum[i] += p[i][at[c]];
    }
    const int row_class = r->k->row[row] = cheapest(sum, r->row_price, (unsigned)now);
    if (!r->sum) return;
    for (int z = 0; z < MOTE_COLUMN_CLASSES; z++)
        for (int i = 0; i < TRIED; i++) prices[z][i] = prices_of(r, z + row_class + i - NEAR - base);
    for (size_t c = 0; c < r->cols; c++) {
        const float *const *p = prices[col[c]];
        for (unsigned i = 0; i < TRIED; i++) r->sum[c * TRIED + i] += p[i][at[c]];
    }
}

void mote_reclass_finish(mote_reclass *r, bool apply)
{
    for (size_t c = 0; r->sum && apply && c < r->cols; c++)
        r->k->col[c] = cheapest(r->sum + c * TRIED, r->col_price, r->k->col[c]);
    free(r->sum);
    r->sum = NULL;
}
