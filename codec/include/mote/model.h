/* SPDX-License-Identifier: Apache-2.0
 * Model files other than mote's own: one interface for every importer and exporter.
 * Importers read from a mapped file and never trust a byte of it; names are data, never paths. */
#ifndef MOTE_MODEL_H
#define MOTE_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "mote/registry.h"
#include "mote/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MOTE_MODEL_RANK_MAX 8

/** One tensor of a model file, row-major, little-endian, sub-byte types packed least significant bits first. */
typedef struct mote_model_tensor {
    const char *name; /**< UTF-8 with a terminating zero, 1..255 bytes; owned by the model */
    mote_dtype dtype;
    unsigned rank; /**< 0 (a scalar) .. 8 */
    uint64_t shape[MOTE_MODEL_RANK_MAX];
    uint64_t elements; /**< product of the shape */
    uint64_t bytes;    /**< ceil(elements * bits / 8) */
} mote_model_tensor;

/** Where a malformed file was refused, for people. */
typedef struct mote_model_error {
    mote_status status;
    char text[200]; /**< one line: what, where, which tensor; control characters of the file are escaped */
} mote_model_error;

typedef struct mote_model mote_model;

/**
 * Open a model held in memory. The format is found from the bytes, never from a file name.
 *
 * Memory  borrows file[0..size) until mote_model_close()
 * Errors  ERR_MODEL (malformed or of an unknown format; *error says what), ERR_NOMEM
 */
mote_status mote_model_open(mote_model **out, const uint8_t *file, size_t size,
                            mote_model_error *error) MOTE_MUST_CHECK;
void mote_model_close(mote_model *m);

/** "safetensors", "npy" (its one tensor is called "arr_0", as numpy calls nameless arrays) or "npz". */
const char *mote_model_format(const mote_model *m);
/** Tensors in ascending byte order of their names, which are distinct. *n may be 0. */
const mote_model_tensor *mote_model_tensors(const mote_model *m, size_t *n);
/** The file's own metadata as one JSON object of strings (safetensors' __metadata__), or NULL. */
const char *mote_model_metadata(const mote_model *m);

/**
 * Elements of tensor i: a view into the file where its bytes are already as mote wants them, else a
 * converted copy (inflated, byte-swapped, Fortran order undone) that the model owns until release.
 * Different tensors may be asked for from different threads at the same time. *data is aligned to bytes only, and is
 * not NULL for a tensor without elements.
 *
 * Errors  ERR_MODEL (damaged member), ERR_NOMEM
 */
mote_status mote_model_data(mote_model *m, size_t i, const uint8_t **data, mote_model_error *error) MOTE_MUST_CHECK;
void mote_model_release(mote_model *m, size_t i);

/**
 * Kinds of output. MOTE_EXPORT_DIR makes a directory (an empty one is replaced) of one .npy a tensor, named by the
 * percent-encoded tensor name; names that take over 200 bytes are cut and told apart by "%-" and the tensor's number.
 */
typedef enum mote_export_format { MOTE_EXPORT_SAFETENSORS, MOTE_EXPORT_NPZ, MOTE_EXPORT_DIR } mote_export_format;

typedef struct mote_export mote_export;

/**
 * Begin an output of n tensors whose names, types and shapes are known and whose data follow.
 * Nothing exists under the name `path` before mote_export_commit() succeeds; a regular file of that name is replaced
 * then. Disk space is reserved here, so a full disk shows now. Tensors keep their order; equal input gives equal bytes.
 *
 * metadata  JSON object of strings or NULL; kept by safetensors only
 * Memory    tensors and names are copied
 * Errors    ERR_ARG (invalid or repeated names, sizes that do not follow from type and shape), ERR_IO (errno tells),
 *           ERR_NOMEM, ERR_UNSUPPORTED (a type that the format cannot hold, error->text names it;
 *           npy has no bf16 and fp8: written as raw "<V2" and "<V1", see model/npy.h; fp6 and 4 bits cannot)
 */
mote_status mote_export_begin(mote_export **out, mote_export_format format, const char *path,
                              const mote_model_tensor *tensors, size_t n, const char *metadata,
                              mote_model_error *error) MOTE_MUST_CHECK;
/**
 * Memory for the bytes of tensor i, mapped from the output and zero at first: the caller fills it in any order. It is
 * aligned to bytes only. map and done may be called for different tensors from different threads at the same time.
 *
 * Errors  ERR_STATE (done already), ERR_IO (errno tells), ERR_NOMEM
 */
mote_status mote_export_map(mote_export *e, size_t i, uint8_t **data) MOTE_MUST_CHECK;
/** The caller has finished tensor i, whose memory is given back. Every tensor with elements needs this before commit. */
mote_status mote_export_done(mote_export *e, size_t i) MOTE_MUST_CHECK;
/**
 * What exists on disk until commit or abort, for a handler of signals to unlink(). The directory of MOTE_EXPORT_DIR has
 * files in it: only mote_export_abort() removes that. Owned by e.
 */
const char *mote_export_temp_path(const mote_export *e);
/** Finish and rename into place (without fsync). On any error nothing is left behind. Frees e in every case. */
mote_status mote_export_commit(mote_export *e, mote_model_error *error) MOTE_MUST_CHECK;
/** Give up: removes what was written and frees e. NULL is allowed. */
void mote_export_abort(mote_export *e);

#ifdef __cplusplus
}
#endif
#endif
