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
    uint8_t *quantiser;
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
    double next;   /* step of the next pass, which has not been set */
    bool fresh;    /* the family is a guess */
    double bits;   /* levels, tables */
} mote_trellis_trained;

/** The code of that many states (1, 8, 16, 32, 256, 1024, 2048); false: none. */
bool mote_trellis_set_states(mote_trellis_plan *p, unsigned states);
/** The search's view of a plan. */
mote_trellis mote_trellis_of(const mote_trellis_plan *p, unsigned states);

/** Begin: tables guessed from classes and step. */
void mote_trellis_begin(mote_trellis_trained *s);
/** The same with what has been learned with other classes, another step or union, or with one state. */
void mote_trellis_begin_like(mote_trellis_trained *s, const mote_trellis_trained *other);
/** Passes over the sample. NOMEM; LIMIT. */
mote_status mote_trellis_train(mote_trellis_trained *s, const mote_trellis_sample *x, unsigned passes,
                               mote_trellis_work *w) MOTE_MUST_CHECK;
/** Another step: the family moves with it. */
void mote_trellis_set_step(mote_trellis_trained *s, double step);
/** Lambda and offsets for that step after a pass over n values. */
void mote_trellis_adapt(mote_trellis_trained *s, const mote_found_sums *t, double n, double step);

/** Bits of a map of classes, about, of which every times-th is given. */
double mote_trellis_map_bits(const uint8_t *map, size_t n, double times);

#endif
