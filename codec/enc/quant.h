/* SPDX-License-Identifier: Apache-2.0
 * Affine quantisation: scales that minimise the squared error, and codes. Spec codecs.md 5.4. Host only. */
#ifndef MOTE_ENC_QUANT_H
#define MOTE_ENC_QUANT_H

#include <stddef.h>
#include <stdint.h>

#include "mote/registry.h"
#include "mote/status.h"

#define MOTE_CODE_DROPPED 0xFFFF /* 16-bit codes leave their largest value unused */

/** Values of which the nearest is taken: of an affine numeric's codes instead. Spec codecs.md 5.7 */
typedef struct mote_book {
    uint8_t table;       /* a MOTE_BOOK_* */
    uint8_t entry_dtype; /* written: as which they are written */
    uint16_t entries;    /* 0: there is none */
    uint32_t rows;       /* that share one; 0 = all */
    float *value;        /* [books][entries] by V; owned by whoever fitted them */
    uint16_t *order;     /* [usable]: V from the least value up; NULL where they ascend */
    uint16_t usable;
} mote_book;

/** Parameters of an affine numeric, or of a codebook, with its scales. */
typedef struct mote_affine {
    uint8_t bits, zero, scope, scale_dtype;
    uint8_t ternary;      /* of 2 bits: the code -2 is not used */
    uint8_t dtype;        /* of the entry: codes stay where the result is finite in it */
    uint32_t group;       /* scope 2: columns */
    uint64_t per_row;     /* scales of a row; 0: one for all rows */
    float *scale;         /* owned by whoever fitted them */
    uint16_t *zero_point; /* NULL if symmetric */
    mote_book book;
} mote_affine;

/** Smallest and largest code. */
static inline int32_t mote_code_min(const mote_affine *a)
{
    return a->zero || a->book.entries ? 0 : -(1 << (a->bits - 1));
}

static inline int32_t mote_code_max(const mote_affine *a)
{
    int32_t most = a->zero ? (1 << a->bits) - 1 : (1 << (a->bits - 1)) - 1;
    return a->bits == 16 ? most - 1 : most;
}

/** Columns that share a scale in a row of that many. */
static inline uint64_t mote_affine_columns(const mote_affine *a, uint64_t cols)
{
    return a->scope == 2 && a->group < cols ? a->group : cols;
}

/**
 * Scale and zero-point of a run of values.
 *
 * x            n of the values, all of them or an even sample
 * least, most  of all the values
 * Computes  the scale, as rounded to scale_dtype, with the least squared error of those tried: the one that clips
 *           nothing and, up to 8 bits, smaller ones; 1 bit symmetric: the mean magnitude; 1 if all are zero
 * Rounding  binary32 products summed in eight interleaved sums of 512 values, then binary64
 */
void mote_affine_fit(const mote_affine *a, const float *x, size_t n, float least, float most, float *scale,
                     uint16_t *zero_point);

/**
 * Codes less mote_code_min(): round(x / scale) + zero_point, half to even, clipped.
 *
 * drop  nonzero: elements that decode to zero become MOTE_CODE_DROPPED (1 bit symmetric: those that are zero)
 */
void mote_affine_quantise(const mote_affine *a, const double *x, size_t n, float scale, uint16_t zero_point, int drop,
                          uint16_t *code);

/** The same for row `row` of a matrix with a codebook: places of the nearest entries, of two equally near the lower. */
void mote_book_quantise(const mote_affine *a, const double *x, size_t n, float scale, uint64_t row, int drop,
                        uint16_t *code);
/** The table of a row. */
static inline const float *mote_book_of(const mote_affine *a, uint64_t row)
{
    return a->book.value + (a->book.rows ? row / a->book.rows * a->book.entries : 0);
}

/** What a decoder makes of a code, before the cast to the entry's dtype. */
float mote_affine_value(const mote_affine *a, uint16_t code, float scale, uint16_t zero_point);

/** The largest finite value of f16 or bf16, else of binary32. */
double mote_finite_max(unsigned dtype);

/** Bits of a scale in its dtype, and the scale nearest to s that the dtype holds (finite, > 0). */
uint32_t mote_scale_bits(unsigned scale_dtype, float scale);
float mote_scale_round(unsigned scale_dtype, double s);

#endif
