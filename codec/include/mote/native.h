/* SPDX-License-Identifier: Apache-2.0
 * Forms in which a block of a tensor is handed out. Device code. */
#ifndef MOTE_NATIVE_H
#define MOTE_NATIVE_H

#include <stddef.h>
#include <stdint.h>

#include "mote/registry.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Form of output that the caller wants. */
typedef enum mote_form {
    MOTE_FORM_DENSE = 0, /**< elements in the entry's dtype, row-major, little-endian */
    MOTE_FORM_F32 = 1,   /**< dense binary32 in the machine's byte order (float dtypes only) */
    MOTE_FORM_F16 = 2,   /**< dense binary16 in the machine's byte order (float dtypes only; cast per codecs.md 7.1) */
    MOTE_FORM_NATIVE = 3 /**< as coded: integers with scales, mask or CSR with values, factors */
} mote_form;

/**
 * A block in native form: rows [row, row + rows) and columns [col, col + cols) of the coded matrix. All pointers point
 * into the caller's output buffer; NULL where a part does not apply. Numbers are in the machine's byte order.
 */
typedef struct mote_native {
    uint8_t layout;  /**< MOTE_LAYOUT_* */
    uint8_t numeric; /**< MOTE_NUM_* */
    uint8_t
        value_dtype; /**< of `values`: I8, U8, I16, U16 for affine codes, I8, I16, I32 for trellis, U8 or F8 for codebooks,
                      * else the held dtype */
    uint8_t bits;    /**< affine: bits of a code */
    uint8_t background;  /**< sparse integers: value of the elements that are not kept */
    uint8_t is_resident; /**< lowrank: rows of V (rows of U otherwise) */
    int8_t offset[4];    /**< trellis: values of magnitude 1 to 3 lie offset[magnitude] / 64 further from 0; mostly 0 */
    size_t rows, cols;   /**< of this block; lowrank: cols is the rank for U, the tensor's columns for V */
    size_t n_values;     /**< rows * cols for dense layouts, else the kept elements */
    const void *values;
    const float *scales;            /**< affine, trellis, codebook: scales_per_row a row; 1 in all if that is 0 */
    const uint16_t *zeros;          /**< affine with zero-points: as many as scales */
    uint32_t scales_per_row, group; /**< group: columns that share a scale; 0 = the whole row */
    const float *table;           /**< codebook: entries values for each value of `values` (U8) or for its bits (F8) */
    uint32_t entries, table_rows; /**< codebook: of a table; rows of the matrix that share one, 0 = all */
    const uint8_t *mask;          /**< bitmask: ceil(cols / 8) bytes a row, least significant bit first */
    const uint32_t *row_ptr;      /**< csr: rows + 1 offsets into values and col */
    const uint16_t *col;          /**< csr: column of each value within the block */
} mote_native;

#ifdef __cplusplus
}
#endif
#endif
