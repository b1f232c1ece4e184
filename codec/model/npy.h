/* SPDX-License-Identifier: Apache-2.0
 * The npy format, shared by single files, members of npz archives and the exporters.
 *
 * Types that npy has no name for: bf16 is written as "<V2" and every 8-bit float as "<V1", raw bytes as numpy itself
 * writes such arrays for Python's ml_dtypes; numpy loads them and .view(ml_dtypes.bfloat16) gives the values. The way
 * back is refused, because V2 does not say what it is. Types below 8 bits and integers of 4 bits cannot be written. */
#ifndef MOTE_MODEL_NPY_H
#define MOTE_MODEL_NPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mote/model.h"

#define MOTE_NPY_HEAD_MAX (12u + 65535u) /* longest head read; longer ones only describe records */
#define MOTE_NPY_WRITE_MAX 320u          /* longest head written */

typedef struct mote_npy {
    mote_model_tensor t; /* without a name */
    bool swap;           /* elements are big-endian */
    bool fortran;        /* the first index runs fastest, and that makes a difference */
    size_t head;         /* bytes before the elements */
} mote_npy;

/** Bytes of the head that begins with p[0..n), 0 if n is too short to say (12 suffice), SIZE_MAX if it is no npy. */
size_t mote_npy_head_length(const uint8_t *p, size_t n);

/**
 * Read the head of an npy file of `total` bytes, of which p[0..n) are there: all, or at least the head.
 *
 * Errors  ERR_MODEL; *error names the file by `who`
 */
mote_status mote_npy_read(mote_npy *out, const uint8_t *p, size_t n, uint64_t total, const char *who,
                          mote_model_error *error) MOTE_MUST_CHECK;

/** Row-major, little-endian elements of t out of src[t->bytes]; dst may not overlap src. */
void mote_npy_convert(uint8_t *dst, const uint8_t *src, const mote_model_tensor *t, bool swap, bool fortran);

/** Write the head (version 1.0, a multiple of 64 bytes) for t; its length, or 0 if npy cannot hold the type. */
size_t mote_npy_write(uint8_t head[MOTE_NPY_WRITE_MAX], const mote_model_tensor *t);

#endif
