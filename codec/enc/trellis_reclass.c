/* SPDX-License-Identifier: Apache-2.0
 * Classes of rows and columns by what their levels cost in each. Scales are a good beginning, but what counts is bits,
 * those of the maps among them. Host only. */
#include "enc/trellis_reclass.h"

#include <stdlib.h>
#include <string.h>

#include "enc/cost.h"

#define NEAR 2   /* classes on either side that are tried */
#define TRIED 8  /* and one more upwards, so that they fill a vector */
#define WIDTH 32 /* of the prices of a place: pairs from 2 NEAR below the first, those outside as the nearest */
#define PLACES (2 * MOTE_LEVELS)

static void map_prices(double price[MOTE_COLUMN_CLASSES], const uint8_t *map, size_t n)
{
    double count[MOTE_COLUMN_CLASSES] = { 0 };
    for (size_t i = 0; i < n; i++) count[map[i]]++;
    for (unsigned z = 0; z < MOTE_COLUMN_CLASSES; z++) price[z] = mote_log2(((double)n + 4) / (count[z] + 0.25));
}

mote_status mote_reclass_init(mote_reclass *r, const mote_trellis_plan *p, mote_classes *k, size_t rows, size_t cols,
                              bool columns)
{
    *r = (mote_reclass){ .p = p, .k = k, .rows = rows, .cols = cols };
    r->price = malloc(PLACES * WIDTH * sizeof *r->price);
    if (columns) r->sum = malloc(cols * TRIED * sizeof *r->sum);
    return r->price && (r->sum || !columns) ? MOTE_OK : MOTE_ERR_NOMEM;
}

void mote_reclass_begin(mote_reclass *r, const mote_level_prices *prices)
{
    const int n = (int)r->p->n_pairs;
    const float *from[WIDTH];
    for (int i = 0; i < WIDTH; i++) {
        const int pair = i - 2 * NEAR;
        from[i] = prices[pair < 0 ? 0 : pair < n ? pair : n - 1].bits[0];
    }
    for (size_t at = 0; at < PLACES; at++)
        for (size_t i = 0; i < (size_t)n + 3 * NEAR + TRIED; i++) r->price[at * WIDTH + i] = from[i][at];
    map_prices(r->row_price, r->k->row, r->rows);
    map_prices(r->col_price, r->k->col, r->cols);
    if (r->sum) memset(r->sum, 0, r->cols * TRIED * sizeof *r->sum);
}

/* For each column class, where the prices begin of a row that is NEAR classes below. */
static void set_places(const mote_reclass *r, unsigned row_class, const float *from[MOTE_COLUMN_CLASSES])
{
    const int most = (int)r->p->n_pairs - 1 + NEAR;
    for (int z = 0; z < MOTE_COLUMN_CLASSES; z++) {
        const int pair = z + (int)row_class - (int)r->k->base;
        from[z] = r->price + NEAR + (pair < -NEAR ? -NEAR : pair > most ? most : pair);
    }
}

static inline void add(float sum[TRIED], const float *price)
{
    for (unsigned i = 0; i < TRIED; i++) sum[i] += price[i];
}

/* The least of the sums plus the map's prices; z = `now` stays on a tie. */
static uint8_t cheapest(const float sum[TRIED], const double *map, unsigned now)
{
    unsigned best = now;
    double least = (double)sum[NEAR] + map[now];
    for (unsigned i = 0; i <= 2 * NEAR; i++) {
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

void mote_reclass_row(mote_reclass *r, size_t row, const uint16_t *place)
{
    const uint8_t *col = r->k->col;
    const float *from[MOTE_COLUMN_CLASSES];
    float sum[TRIED] = { 0 };
    set_places(r, r->k->row[row], from);
    for (size_t c = 0; c < r->cols; c++) add(sum, from[col[c]] + place[c] * (size_t)WIDTH);
    r->k->row[row] = cheapest(sum, r->row_price, r->k->row[row]);
    if (!r->sum) return;
    set_places(r, r->k->row[row], from);
    for (size_t c = 0; c < r->cols; c++) add(r->sum + c * TRIED, from[col[c]] + place[c] * (size_t)WIDTH);
}

void mote_reclass_columns(mote_reclass *r)
{
    for (size_t c = 0; r->sum && c < r->cols; c++)
        r->k->col[c] = cheapest(r->sum + c * TRIED, r->col_price, r->k->col[c]);
}

void mote_reclass_free(mote_reclass *r)
{
    free(r->price);
    free(r->sum);
    *r = (mote_reclass){ 0 };
}
