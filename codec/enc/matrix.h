/* SPDX-License-Identifier: Apache-2.0
 * The coded matrix as the encoder sees it: rectangles of a tensor, gathered (transposed if the axis is 1), pruned, cast
 * or quantised on the way, so that no second copy of a tensor ever exists. Host only. */
#ifndef MOTE_ENC_MATRIX_H
#define MOTE_ENC_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

#include "enc/quant.h"

/** Elements that are set to zero: |x| as bits < limit, or == limit from element `tie` of the tensor on. */
typedef struct mote_prune {
    uint64_t limit, tie;
    uint8_t *gone; /* not NULL: instead, bit i says that element i of the tensor is */
} mote_prune;

typedef struct mote_matrix {
    const uint8_t *data; /* the tensor */
    uint8_t dtype;       /* of data */
    uint8_t held;        /* of what is fetched: dtype, or a float type to cast to */
    uint8_t axis;        /* 1: row r, column c is element c * rows + r */
    bool drop;           /* affine: codes of zeros are fetched as MOTE_CODE_DROPPED */
    uint8_t background;  /* elements of 8 bits: what is dropped, else 0 */
    uint64_t rows, cols;
    const mote_prune *prune;   /* NULL: nothing */
    const mote_affine *affine; /* not NULL: codes less the least code are fetched, as u16 */
} mote_matrix;

/** Memory for fetched rectangles of up to `elements` elements of up to 8 bytes. */
typedef struct mote_fetch {
    uint8_t *raw, *out;
    size_t elements;
} mote_fetch;

/** Grow to that many elements. NOMEM. */
mote_status mote_fetch_reserve(mote_fetch *f, size_t elements) MOTE_MUST_CHECK;
void mote_fetch_free(mote_fetch *f);

/** Bytes of a fetched element: 1, 2, 4 or 8; sub-byte types are fetched as bytes. */
unsigned mote_matrix_elem_bytes(const mote_matrix *m);

/**
 * Rows [row, row + rows) x columns [col, col + n), row after row; rows * n <= f->elements.
 * The result points into the tensor or into *f and is valid until the next fetch.
 */
const void *mote_matrix_fetch(const mote_matrix *m, uint64_t row, uint64_t col, size_t rows, size_t n, mote_fetch *f);

/**
 * Squeeze n fetched elements down to those that are not dropped (not all bits zero; codes: not MOTE_CODE_DROPPED).
 * mask[i] gets the nibble of elements 4i..4i+3. Returns how many remain; to may be elements.
 */
size_t mote_matrix_squeeze(const mote_matrix *m, void *to, const void *elements, size_t n, uint16_t *mask);

/** Distances of the kept elements of a mask of n bits, each less one, from the start. Spec codecs.md 6.3 */
void mote_mask_gaps(const uint16_t *mask, size_t n, uint16_t *gap);

/** True if every element of a float tensor is one of type `held` widened (f16, bf16 or f32). */
bool mote_matrix_holds(const uint8_t *data, uint8_t dtype, uint64_t elements, uint8_t held);

/** Elements [at, at + n) of a float tensor (f16, bf16, f32, f64, f8_e4m3, f8_e5m2) as binary64. */
void mote_values(double *out, const uint8_t *data, uint8_t dtype, uint64_t at, size_t n);

/** The value that a decoder writes for x into an entry of that float dtype. */
double mote_matrix_written(float x, uint8_t entry);

/** Sum of the squares of the finite elements of a float tensor; binary64, 64 interleaved sums. */
double mote_signal(const uint8_t *data, uint8_t dtype, uint64_t elements);

/**
 * Sums of the squares of a tensor and of what coding it as `coded` loses. Non-finite elements count for nothing.
 *
 * coded   matrix over the same tensor (its dtype f16, bf16, f32 or f64), with its pruning, cast or quantisation
 * entry   dtype that a decoder writes
 * Rounding  binary64, row by row of the coded matrix, in eight interleaved sums a rectangle
 */
void mote_matrix_error(const mote_matrix *coded, uint8_t entry, mote_fetch *f, mote_fetch *g, double *signal,
                       double *noise);

#endif
