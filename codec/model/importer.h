/* SPDX-License-Identifier: Apache-2.0
 * What the importers of model files share: the model they fill, checks that hold for every format, and errors.
 * An importer only describes its tensors; sorting, names, sizes and ownership are checked once, in model.c. */
#ifndef MOTE_MODEL_IMPORTER_H
#define MOTE_MODEL_IMPORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mote/model.h"

#define MOTE_MODEL_NAME_MAX 255

typedef struct mote_importer mote_importer;

/** A tensor and where its importer finds it. */
typedef struct mote_model_item {
    mote_model_tensor t;
    char *name;      /* owned; t.name points here */
    uint64_t at;     /* offset of the elements: in the file, or in the archive member */
    uint64_t member; /* npz: index of the member */
    bool swap;       /* elements are big-endian */
    bool fortran;    /* the first index runs fastest */
    uint8_t *copy;   /* converted elements, owned until release */
} mote_model_item;

struct mote_model {
    const mote_importer *importer;
    const uint8_t *file;
    size_t size;
    mote_model_item *items; /* sorted by name once open */
    mote_model_tensor *tensors;
    size_t n, room;
    char *metadata;
    void *context; /* the importer's own */
};

struct mote_importer {
    const char *format;
    mote_status (*open)(mote_model *m, mote_model_error *error);
    /** Elements of an item with bytes > 0 and no copy: sets *view, or allocates item->copy. */
    mote_status (*data)(mote_model *m, mote_model_item *item, const uint8_t **view, mote_model_error *error);
    void (*close)(mote_model *m); /* may be NULL */
};

extern const mote_importer mote_importer_safetensors, mote_importer_npy, mote_importer_npz;

/** Fill *error (NULL is allowed) with one line; whatever is not printable ASCII is escaped. errno stays. */
void mote_model_describe(mote_model_error *error, mote_status st, const char *format, ...)
#if defined(__GNUC__) || defined(__clang__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;
/** The same, as an expression that yields st; a macro so that readers and analysers see that. */
#define mote_model_fail(error, st, ...) (mote_model_describe((error), (st), __VA_ARGS__), (st))

/** Append an item called name[0..len); *item is valid until the next call. Errors ERR_MODEL, ERR_NOMEM. */
mote_status mote_model_add(mote_model *m, const char *name, size_t len, mote_model_item **item,
                           mote_model_error *error) MOTE_MUST_CHECK;

/** elements and bytes from dtype, rank and shape; false if a product leaves 63 bits (zero dimensions left out of it). */
bool mote_model_measure(mote_model_tensor *t);

#endif
