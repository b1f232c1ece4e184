/* SPDX-License-Identifier: Apache-2.0
 * The directory of a package in memory, for commands that need all entries before they do something. */
#ifndef MOTE_CLI_LIST_H
#define MOTE_CLI_LIST_H

#include "mote/loader.h"
#include "mote/model.h"

typedef struct row {
    char *name; /* owned */
    uint8_t kind;
    uint64_t stored;
    bool has_digest; /* of its elements */
    uint8_t digest[MOTE_DIGEST_BYTES];
    mote_model_tensor t;     /* name borrows from above */
    mote_tensor_info tensor; /* once it has begun */
} row;

typedef struct list {
    row *rows; /* owned */
    size_t n, room;
} list;

/** Append a copy of an entry. NOMEM. */
mote_status list_add(list *l, const mote_entry *e) MOTE_MUST_CHECK;
void list_free(list *l);

/** "tensor", "blob" or "text". */
const char *list_kind(unsigned kind);
/** "384x1536", "scalar"; out has room for every shape. */
const char *list_shape(char out[176], const mote_model_tensor *t);

#endif
