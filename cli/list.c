/* SPDX-License-Identifier: Apache-2.0
 * The directory of a package in memory. See list.h. */
#include "list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

mote_status list_add(list *l, const mote_entry *e)
{
    if (l->n == l->room) {
        /* The directory has been read so far, so this grows no faster than the file. */
        const size_t room = l->room ? 2 * l->room : 64;
        row *more = realloc(l->rows, room * sizeof *more);
        if (!more) return MOTE_ERR_NOMEM;
        l->rows = more;
        l->room = room;
    }
    row r = { .name = malloc(e->name.bytes + 1), .kind = e->kind, .stored = e->stored };
    if (!r.name) return MOTE_ERR_NOMEM;
    memcpy(r.name, e->name.p, e->name.bytes); /* texts of the format hold no zero byte */
    r.name[e->name.bytes] = '\0';
    r.t = (mote_model_tensor){
        .name = r.name, .dtype = (mote_dtype)e->dtype, .rank = e->rank, .elements = e->elements, .bytes = e->bytes
    };
    r.has_digest = e->digest != NULL;
    if (e->digest) memcpy(r.digest, e->digest, sizeof r.digest);
    for (unsigned i = 0; i < e->rank; i++) r.t.shape[i] = e->shape[i]; /* of another width where size_t has 32 bits */
    l->rows[l->n++] = r;
    return MOTE_OK;
}

void list_free(list *l)
{
    for (size_t i = 0; i < l->n; i++) free(l->rows[i].name);
    free(l->rows);
    *l = (list){ 0 };
}

const char *list_kind(unsigned kind)
{
    return kind == MOTE_KIND_TENSOR ? "tensor" : kind == MOTE_KIND_BLOB ? "blob" : "text";
}

const char *list_shape(char out[176], const mote_model_tensor *t)
{
    size_t at = 0;
    (void)snprintf(out, 176, "scalar");
    for (unsigned i = 0; i < t->rank; i++)
        at += (size_t)snprintf(out + at, 176 - at, "%s%llu", i ? "x" : "", (unsigned long long)t->shape[i]);
    return out;
}
