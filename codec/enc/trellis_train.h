/* SPDX-License-Identifier: Apache-2.0
 * Training on a sample of whole rows: search, count, fit, and again, until tables, classes, offsets and step suit each
 * other. Host only. */
#ifndef MOTE_ENC_TRELLIS_TRAIN_H
#define MOTE_ENC_TRELLIS_TRAIN_H

#include "enc/trellis_fit.h"
#include "enc/trellis_scale.h"

/** Memory of searches and fits, used again from pass to pass. Zero-initialise; free with mote_trellis_work_free(). */
typedef struct mote_trellis_work {
    void *memory, *search; /* search: within memory, aligned */
    unsigned states;       /* that search has room for */
    mote_level_prices *prices;
    mote_level_counts *counts;
    float *y, *weight;
    uint8_t *index;
    int32_t *level;
    uint16_t *at; /* quantiser and level as places in prices */
    size_t room;
} mote_trellis_work;

mote_status mote_trellis_work_reserve(mote_trellis_work *w, unsigned states, size_t elements) MOTE_MUST_CHECK;
void mote_trellis_work_free(mote_trellis_work *w);

/** Rows of the coded matrix, divided by the root mean square of the tensor. */
typedef struct mote_trellis_sample {
    size_t rows, cols;
    const float *x;
    const float *weight; /* of each element's error, about 1 in the mean; NULL: all 1 */
} mote_trellis_sample;

/** What is wanted and what has been reached. Steps and errors are relative to the root mean square. */
typedef struct mote_trellis_trained {
    mote_trellis_plan plan; /* of it: h0, h1, zero, offset, base, n_pairs, family, pair, escapes */
    mote_classes classes;   /* rows of the sample */
    unsigned states;
    bool native;   /* no offsets */
    double target; /* mean squared error; 0: the step stays */
    double least;  /* step */
    double step;
    double error;  /* mean squared, of the last pass */
    double lambda; /* squared steps a bit, for the next pass */
    double bits;   /* levels, tables, maps */
} mote_trellis_trained;

/** The code of that many states (1, 8, 16, 32, 256, 1024, 2048); false: none. */
bool mote_trellis_set_states(mote_trellis_plan *p, unsigned states);
/** The search's view of a plan. */
mote_trellis mote_trellis_of(const mote_trellis_plan *p, unsigned states);

/** Begin: tables guessed from classes and step. */
void mote_trellis_begin(mote_trellis_trained *s);
/**
 * Passes over the sample; classes of rows and (columns: also of) columns are chosen anew by price after the second and
 * later ones. NOMEM.
 */
mote_status mote_trellis_train(mote_trellis_trained *s, const mote_trellis_sample *x, unsigned passes, bool columns,
                               mote_trellis_work *w) MOTE_MUST_CHECK;
/** Another step: the family moves with it. */
void mote_trellis_set_step(mote_trellis_trained *s, double step);
/** Lambda and offsets after a pass: mean squared error in squared steps; sums and counts of errors by |value| 1..3. */
void mote_trellis_adapt(mote_trellis_trained *s, double error, const double sum[4], const double n[4]);

/** Bits of a map of classes, about. */
double mote_trellis_map_bits(const uint8_t *map, size_t n);

/** Classes chosen anew by price, row after row. */
typedef struct mote_reclass {
    const mote_trellis_plan *p;
    const mote_level_prices *prices;
    mote_classes *k;
    size_t cols;
    double row_price[MOTE_COLUMN_CLASSES], col_price[MOTE_COLUMN_CLASSES]; /* of a class in the map */
    float *sum; /* [cols][5] of classes two below to two above; NULL: columns stay */
} mote_reclass;

/** NOMEM. Free with mote_reclass_finish(). */
mote_status mote_reclass_init(mote_reclass *r, const mote_trellis_plan *p, const mote_level_prices *prices,
                              mote_classes *k, size_t rows, size_t cols, bool columns) MOTE_MUST_CHECK;
/** Row: quantiser and level of each column as q * MOTE_LEVELS + level + span, clipped. */
void mote_reclass_row(mote_reclass *r, size_t row, const uint16_t *at);
/** Columns, unless nothing was counted. */
void mote_reclass_finish(mote_reclass *r, bool apply);

#endif
