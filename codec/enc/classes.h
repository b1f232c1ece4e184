/* SPDX-License-Identifier: Apache-2.0
 * Row classes: rows whose values spread alike share a table. Rows are binned by scale while their values are counted, those
 * of floats in eighths of an octave; then neighbouring bins are merged as long as that is cheaper, everything counted. Host
 * only. */
#ifndef MOTE_ENC_CLASSES_H
#define MOTE_ENC_CLASSES_H

#include "common/head.h"
#include "enc/table_fit.h"

#define MOTE_BINS_MAX 64
#define MOTE_KEYS 4096 /* scales are 0..MOTE_KEYS-1 */

/** Counts of the values of a plane, by bins of rows. */
typedef struct mote_bins {
    mote_cells cells;
    unsigned max, n;             /* bins allowed, in use */
    uint16_t key[MOTE_BINS_MAX]; /* scale of each bin */
    uint64_t rows[MOTE_BINS_MAX];
    uint64_t *count; /* [n][cells.n], complete after mote_bins_sum() */
    uint32_t *fast;  /* [n][ways][cells.n]: what has not been summed */
    size_t room;     /* cells of all bins that they hold */
    uint32_t pending[MOTE_BINS_MAX];
    unsigned ways;
    uint8_t of_key[MOTE_KEYS]; /* bin + 1 */
    int32_t least, most;       /* of the values seen, kept where cells are coarse */
} mote_bins;

/** max bins; counts of values 0..(cells.n << grain)-1 above vmin. NOMEM. Free with mote_bins_free(), also after an error. */
mote_status mote_bins_init(mote_bins *b, const mote_cells *cells, unsigned max) MOTE_MUST_CHECK;
void mote_bins_free(mote_bins *b);
/** The bin of one more row of scale key (clipped to MOTE_KEYS - 1). */
unsigned mote_bins_row(mote_bins *b, uint64_t key);
/** Count v[0..n), each a value less vmin. */
void mote_bins_add(mote_bins *b, unsigned bin, const uint16_t *v, size_t n);
/** Add k values (less vmin). */
void mote_bins_put(mote_bins *b, unsigned bin, uint16_t v, uint64_t k);
void mote_bins_sum(mote_bins *b);

/** What a plane may become and what surrounds it. */
typedef struct mote_plane_ask {
    uint8_t width;         /* bits of a value if stored */
    uint8_t coder;         /* rANS coder id for its symbols */
    uint8_t max_classes;   /* 1..16 */
    bool escapes;          /* may escape */
    bool no_rans;          /* stored or constant only */
    bool quick;            /* no search for parametric tables */
    double segments;       /* in which it is coded */
    double pieces_per_row; /* entries of the class map for each row */
    double times;          /* elements of the tensor for each that was counted: > 1 for samples */
    double margin;         /* share of the stored size that rANS must save */
} mote_plane_ask;

/** A plane as it will be coded. */
typedef struct mote_plane_plan {
    mote_plane d; /* `table` is not set */
    unsigned n_specs;
    mote_table_spec spec[MOTE_CLASSES_MAX + 2]; /* as written: class map's, classes', escapes' */
    uint8_t class_of[MOTE_BINS_MAX];            /* by bin */
    double bits;                                /* payload, tables and lane states of the whole tensor */
    double ideal;                               /* entropy of classes' values, class map, half a log2 n a parameter */
} mote_plane_plan;

/** NOMEM. */
mote_status mote_plane_plan_make(mote_plane_plan *p, const mote_bins *b, const mote_plane_ask *ask) MOTE_MUST_CHECK;

#endif
