/* SPDX-License-Identifier: Apache-2.0
 * What must hold of any model file that opens, whatever its format: used by the targets that read them. */
#ifndef MOTE_FUZZ_MODEL_CHECK_H
#define MOTE_FUZZ_MODEL_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mote/model.h"

#define MUST(condition)                                                     \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                        \
        }                                                                   \
    } while (0)

enum { DATA_MAX = 1 << 20 }; /* larger tensors are left alone: deflate makes a MiB of a KiB */

/* A refusal has a status, and a text that a terminal can take. */
static inline mote_model *open_model(const uint8_t *file, size_t size, mote_status *st)
{
    mote_model *m = NULL;
    mote_model_error error = { .status = MOTE_OK };
    *st = mote_model_open(&m, file, size, &error);
    MUST((m != NULL) == (*st == MOTE_OK));
    if (m != NULL) return m;
    MUST(*st == MOTE_ERR_MODEL && error.status == *st && error.text[0] != '\0');
    for (const char *c = error.text; *c != '\0'; c++) MUST(*c >= 0x20 && *c <= 0x7e);
    return NULL;
}

/* Names ascend; sizes follow from the shapes, without wrapping. */
static inline void check_tensors(const mote_model *m)
{
    size_t n;
    const mote_model_tensor *t = mote_model_tensors(m, &n);
    for (size_t i = 0; i < n; i++) {
        const size_t len = strlen(t[i].name);
        MUST(len >= 1 && len <= 255 && t[i].rank <= MOTE_MODEL_RANK_MAX);
        for (size_t k = 0; k < len; k++) MUST((unsigned char)t[i].name[k] >= 0x20 && t[i].name[k] != 0x7f);
        MUST(i == 0 || strcmp(t[i - 1].name, t[i].name) < 0);
        uint64_t elements = 1;
        for (unsigned d = 0; d < t[i].rank; d++) MUST(!__builtin_mul_overflow(elements, t[i].shape[d], &elements));
        uint64_t bits;
        MUST(elements == t[i].elements && mote_dtype_bits((unsigned)t[i].dtype) > 0);
        MUST(!__builtin_mul_overflow(elements, mote_dtype_bits((unsigned)t[i].dtype), &bits));
        MUST(t[i].bytes == bits / 8 + (bits % 8 != 0));
    }
}

/* Equal tensors; their data too, where both can be read. */
static inline void check_equal(mote_model *a, mote_model *b)
{
    size_t n, m;
    const mote_model_tensor *x = mote_model_tensors(a, &n), *y = mote_model_tensors(b, &m);
    MUST(n == m);
    for (size_t i = 0; i < n; i++) {
        MUST(strcmp(x[i].name, y[i].name) == 0 && x[i].dtype == y[i].dtype && x[i].rank == y[i].rank);
        MUST(memcmp(x[i].shape, y[i].shape, x[i].rank * sizeof x[i].shape[0]) == 0 && x[i].bytes == y[i].bytes);
        if (x[i].bytes > DATA_MAX) continue;
        const uint8_t *p = NULL, *q = NULL;
        const mote_status st = mote_model_data(a, i, &p, NULL);
        MUST(st == mote_model_data(b, i, &q, NULL));
        MUST(st == MOTE_OK ? p != NULL && q != NULL && memcmp(p, q, (size_t)x[i].bytes) == 0 : st == MOTE_ERR_MODEL);
        mote_model_release(a, i);
        mote_model_release(b, i);
    }
}

/* Write m in a format and return the file, owned; NULL if the format cannot hold it or a member is damaged. */
static inline uint8_t *export_model(mote_model *m, mote_export_format format, size_t *size)
{
    char path[256];
    const char *folder = getenv("TMPDIR");
    MUST(snprintf(path, sizeof path, "%s/mote_fuzz_%ld", folder != NULL ? folder : P_tmpdir, (long)getpid()) < 256);
    size_t n;
    const mote_model_tensor *t = mote_model_tensors(m, &n);
    mote_export *e = NULL;
    mote_model_error error;
    for (size_t i = 0; i < n; i++)
        if (t[i].bytes > DATA_MAX || n > 64) return NULL;
    const mote_status st = mote_export_begin(&e, format, path, t, n, mote_model_metadata(m), &error);
    MUST(st == MOTE_OK || st == MOTE_ERR_UNSUPPORTED);
    if (st != MOTE_OK) return NULL;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *from;
        uint8_t *to;
        if (mote_model_data(m, i, &from, &error) != MOTE_OK) {
            mote_export_abort(e);
            MUST(access(path, F_OK) != 0);
            return NULL;
        }
        MUST(mote_export_map(e, i, &to) == MOTE_OK);
        if (t[i].bytes > 0) memcpy(to, from, (size_t)t[i].bytes);
        mote_model_release(m, i);
        MUST(mote_export_done(e, i) == MOTE_OK);
    }
    MUST(mote_export_commit(e, &error) == MOTE_OK);
    FILE *f = fopen(path, "rb");
    MUST(f != NULL && fseek(f, 0, SEEK_END) == 0);
    *size = (size_t)ftell(f);
    rewind(f);
    uint8_t *bytes = malloc(*size);
    MUST(bytes != NULL && fread(bytes, 1, *size, f) == *size);
    (void)fclose(f);
    MUST(unlink(path) == 0);
    return bytes;
}

/* What was written reads as the same model, and writes as the same bytes. */
static inline void check_round_trip(mote_model *m, mote_export_format format)
{
    size_t size, again_size;
    uint8_t *file = export_model(m, format, &size);
    if (file == NULL) return;
    mote_status st;
    mote_model *copy = open_model(file, size, &st);
    /* Raw bytes stand for types that npy lacks; they are not read back. */
    if (copy == NULL) MUST(format == MOTE_EXPORT_NPZ && memmem(file, size, "'<V", 3) != NULL);
    if (copy != NULL) {
        check_equal(m, copy);
        const char *before = mote_model_metadata(m), *after = mote_model_metadata(copy);
        if (format == MOTE_EXPORT_SAFETENSORS)
            MUST((before == NULL) == (after == NULL) && (before == NULL || strcmp(before, after) == 0));
        uint8_t *again = export_model(copy, format, &again_size);
        MUST(again != NULL);
        /* npz forgets metadata, so the bytes can be compared in both cases. */
        MUST(again_size == size && memcmp(again, file, size) == 0);
        free(again);
        mote_model_close(copy);
    }
    free(file);
}

#endif
