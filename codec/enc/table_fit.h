/* SPDX-License-Identifier: Apache-2.0
 * From counts of values to an entropy table: which 15 or 16 symbols, how fine, and in which of the two forms it is
 * written. Host only. */
#ifndef MOTE_ENC_TABLE_FIT_H
#define MOTE_ENC_TABLE_FIT_H

#include <stdbool.h>

#include "common/tables.h"

#define MOTE_IMPOSSIBLE 1e300 /* bits of what cannot be coded */

/** How the values of a plane are counted: cell c is values vmin + (c << grain) onwards, 2^grain of them. */
typedef struct mote_cells {
    uint32_t n;
    uint8_t grain;
    int32_t vmin, vmax; /* range of the plane */
} mote_cells;

/** The values that a table gives symbols of their own. */
typedef struct mote_window {
    int32_t lo;
    uint8_t shift;
    double bits; /* of all values: symbols as by an ideal coder, low bits, a rough price of the escapes */
    uint64_t n, escaped;
} mote_window;

/** The cells of a histogram that are not empty, in order; wide planes have few. Room for all cells, sums for one more. */
typedef struct mote_spots {
    uint32_t *cell;
    uint64_t *before; /* [n + 1]: values in the cells before */
    uint64_t *below;  /* [cells + 1]: of all cells, values in those before */
    uint32_t n, cells;
} mote_spots;

/** Fill in s from count[0..cells). */
void mote_spots_find(mote_spots *s, const uint64_t *count, uint32_t cells);

/**
 * The window that costs least.
 *
 * escapes  true: 15 symbols, values outside escape; false: 16 symbols that hold everything, or bits = MOTE_IMPOSSIBLE
 */
void mote_window_fit(mote_window *w, const mote_spots *s, const mote_cells *cells, bool escapes);

/** The better one of two windows for the sum of what they were fitted to, about as good as one that is fitted anew. */
void mote_window_near(mote_window *w, const mote_spots *s, const mote_cells *cells, const mote_window *a,
                      const mote_window *b, bool escapes);

/** Counts of the 16 symbols of a table with lo and shift; with escapes, symbol 15 is what lies outside. */
void mote_window_count(uint64_t symbol[MOTE_SYMBOLS], const mote_spots *s, const mote_cells *cells, int32_t lo,
                       unsigned shift, bool escapes);

/** A table with its price. */
typedef struct mote_table_fit {
    mote_table_spec spec;
    double symbol_bits; /* of the counted symbols, without low bits */
    double table_bits;  /* of the table as written */
} mote_table_fit;

/**
 * The cheapest table for symbols of these counts; every symbol that was counted gets a frequency.
 *
 * cells  range of the plane for parametric tables; NULL: counts only
 */
void mote_table_fit_make(mote_table_fit *f, const uint64_t symbol[MOTE_SYMBOLS], int32_t lo, unsigned shift,
                         const mote_cells *cells, bool escapes);

/** An escape number and how often it occurs. */
typedef struct mote_escape_count {
    uint32_t number;
    uint64_t n;
} mote_escape_count;

/**
 * How escape numbers are best coded, and their bits: *escapes 1, plain varints, or 2, by the table *spec.
 *
 * times     escapes of the tensor for each that was counted
 * segments  in which they stand
 */
double mote_escapes_fit(uint8_t *escapes, mote_table_spec *spec, const mote_escape_count *e, size_t n, double times,
                        double segments);

/** Bytes of a table as written. Spec codecs.md 2.3 */
size_t mote_table_bytes(const mote_table_spec *s);

#endif
