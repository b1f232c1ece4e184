/* SPDX-License-Identifier: Apache-2.0
 * The one interface over every model file that can be read: finding the format, what is checked whatever the format
 * is (names, sizes, order), and who owns converted elements. */
#include "model/importer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mote/package.h"

void mote_model_describe(mote_model_error *error, mote_status st, const char *format, ...)
{
    if (error == NULL) return;
    const int saved = errno; /* the caller may still want the reason */
    char text[1024];
    va_list args;
    va_start(args, format);
    if (vsnprintf(text, sizeof text, format, args) < 0) text[0] = '\0';
    va_end(args);

    /* Names come from strangers and go to terminals: nothing but printable ASCII passes. */
    size_t at = 0;
    for (const char *p = text; *p != '\0'; p++) {
        const unsigned char c = (unsigned char)*p;
        char piece[5] = { *p };
        if (c < 0x20 || c > 0x7e) (void)snprintf(piece, sizeof piece, "\\x%02x", c);
        const size_t len = strlen(piece);
        if (len >= sizeof error->text - at) break;
        memcpy(error->text + at, piece, len);
        at += len;
    }
    error->text[at] = '\0';
    error->status = st;
    errno = saved;
}

mote_status mote_model_add(mote_model *m, const char *name, size_t len, mote_model_item **item, mote_model_error *error)
{
    if (!mote_text_valid((mote_text){ .p = name, .bytes = len }, 1, MOTE_MODEL_NAME_MAX))
        return mote_model_fail(error, MOTE_ERR_MODEL,
                               "a tensor name is not 1 to %d bytes of UTF-8 without control characters: \"%.*s\"",
                               MOTE_MODEL_NAME_MAX, (int)(len < 300 ? len : 300), name);
    if (m->n == m->room) {
        /* No overflow: items are many times smaller than the headers that describe them. */
        const size_t room = m->room == 0 ? 16 : 2 * m->room;
        mote_model_item *more = realloc(m->items, room * sizeof *more);
        if (more == NULL) return mote_model_fail(error, MOTE_ERR_NOMEM, "no memory for the list of tensors");
        m->items = more;
        m->room = room;
    }
    mote_model_item *it = &m->items[m->n];
    memset(it, 0, sizeof *it);
    it->name = malloc(len + 1);
    if (it->name == NULL) return mote_model_fail(error, MOTE_ERR_NOMEM, "no memory for the name of a tensor");
    memcpy(it->name, name, len);
    it->name[len] = '\0';
    it->t.name = it->name;
    m->n++;
    *item = it;
    return MOTE_OK;
}

bool mote_model_measure(mote_model_tensor *t)
{
    const unsigned bits = mote_dtype_bits((unsigned)t->dtype);
    if (bits == 0 || t->rank > MOTE_MODEL_RANK_MAX) return false;
    uint64_t product = 1;
    bool empty = false;
    for (unsigned d = 0; d < t->rank; d++) {
        if (t->shape[d] == 0) {
            empty = true;
        } else if (t->shape[d] > (uint64_t)INT64_MAX / product) {
            return false;
        } else {
            product *= t->shape[d];
        }
    }
    if (product > (uint64_t)INT64_MAX / bits) return false;
    t->elements = empty ? 0 : product;
    t->bytes = t->elements * bits / 8 + (t->elements * bits % 8 != 0);
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const mote_model_item *)a)->name, ((const mote_model_item *)b)->name);
}

/* Sort, refuse names that occur twice, and lay out what the caller sees. */
static mote_status finish(mote_model *m, mote_model_error *error)
{
    if (m->n == 0) return MOTE_OK;
    qsort(m->items, m->n, sizeof *m->items, by_name);
    for (size_t i = 1; i < m->n; i++)
        if (strcmp(m->items[i - 1].name, m->items[i].name) == 0)
            return mote_model_fail(error, MOTE_ERR_MODEL, "two tensors have the name \"%s\"", m->items[i].name);
    m->tensors = calloc(m->n, sizeof *m->tensors);
    if (m->tensors == NULL) return mote_model_fail(error, MOTE_ERR_NOMEM, "no memory for the list of tensors");
    for (size_t i = 0; i < m->n; i++) m->tensors[i] = m->items[i].t;
    return MOTE_OK;
}

/* A safetensors file may begin with any eight bytes that make a small number, and one such number reads "PK\3\4":
 * the brace behind it decides. What cannot be any format is left to the safetensors reader only if it is close. */
static const mote_importer *sniff(const uint8_t *file, size_t size)
{
    static const uint8_t npy[6] = { 0x93, 'N', 'U', 'M', 'P', 'Y' };
    if (size >= sizeof npy && memcmp(file, npy, sizeof npy) == 0) return &mote_importer_npy;
    if (size >= 9 && file[8] == '{') return &mote_importer_safetensors;
    if (size >= 4 && (memcmp(file, "PK\3\4", 4) == 0 || memcmp(file, "PK\5\6", 4) == 0)) return &mote_importer_npz;
    if (size >= 8 && file[5] == 0 && file[6] == 0 && file[7] == 0) return &mote_importer_safetensors;
    return NULL;
}

mote_status mote_model_open(mote_model **out, const uint8_t *file, size_t size, mote_model_error *error)
{
    if (out == NULL || (file == NULL && size > 0)) return mote_model_fail(error, MOTE_ERR_ARG, "no file was given");
    const mote_importer *importer = sniff(file, size);
    if (importer == NULL)
        return mote_model_fail(error, MOTE_ERR_MODEL, "this is no safetensors, npy or npz file (%zu bytes)", size);
    mote_model *m = calloc(1, sizeof *m);
    if (m == NULL) return mote_model_fail(error, MOTE_ERR_NOMEM, "no memory to open the model");
    m->importer = importer;
    m->file = file;
    m->size = size;
    mote_status st = importer->open(m, error);
    if (st == MOTE_OK) st = finish(m, error);
    if (st != MOTE_OK) {
        mote_model_close(m);
        return st;
    }
    *out = m;
    return MOTE_OK;
}

void mote_model_close(mote_model *m)
{
    if (m == NULL) return;
    if (m->importer->close != NULL) m->importer->close(m);
    for (size_t i = 0; i < m->n; i++) {
        free(m->items[i].name);
        free(m->items[i].copy);
    }
    free(m->items);
    free(m->tensors);
    free(m->metadata);
    free(m);
}

const char *mote_model_format(const mote_model *m)
{
    return m->importer->format;
}

const mote_model_tensor *mote_model_tensors(const mote_model *m, size_t *n)
{
    *n = m->n;
    return m->tensors;
}

const char *mote_model_metadata(const mote_model *m)
{
    return m->metadata;
}

mote_status mote_model_data(mote_model *m, size_t i, const uint8_t **data, mote_model_error *error)
{
    static const uint8_t nothing[1] = { 0 };
    if (m == NULL || data == NULL || i >= m->n) return mote_model_fail(error, MOTE_ERR_ARG, "no such tensor");
    mote_model_item *item = &m->items[i];
    const uint8_t *view = nothing;
    if (item->t.bytes > 0 && item->copy == NULL) {
        const mote_status st = m->importer->data(m, item, &view, error);
        if (st != MOTE_OK) return st;
    }
    *data = item->copy != NULL ? item->copy : view;
    return MOTE_OK;
}

void mote_model_release(mote_model *m, size_t i)
{
    if (m == NULL || i >= m->n) return;
    free(m->items[i].copy);
    m->items[i].copy = NULL;
}
