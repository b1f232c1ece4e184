/* SPDX-License-Identifier: Apache-2.0
 * Model files in memory, and what their readers must make of them. */
#include "model_check.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"

/* n more bytes, to be filled. */
uint8_t *grow(bytes *b, size_t n)
{
    b->p = realloc(b->p, b->n + n + 1);
    ck_assert_ptr_nonnull(b->p);
    b->n += n;
    return b->p + b->n - n;
}

void append(bytes *b, const void *p, size_t n)
{
    uint8_t *to = grow(b, n);
    if (n > 0) memcpy(to, p, n);
}

void append_number(bytes *b, uint64_t v, size_t width)
{
    uint8_t le[8];
    mote_put64(le, v);
    append(b, le, width);
}

/* Counts up, so that misplaced elements show. */
void append_data(bytes *b, size_t n)
{
    uint8_t *to = grow(b, n);
    for (size_t i = 0; i < n; i++) to[i] = (uint8_t)(i * 7 + 1);
}

bytes exact_copy(const void *p, size_t n) /* heap, exact size: reads beyond it trap */
{
    bytes b = { .p = malloc(n > 0 ? n : 1), .n = n };
    ck_assert_ptr_nonnull(b.p);
    if (n > 0) memcpy(b.p, p, n);
    return b;
}

static bool printable(const char *text)
{
    for (; *text != '\0'; text++)
        if (*text < 0x20 || *text > 0x7e) return false;
    return true;
}

/* The file must be refused with st, and the text must say why. */
void must_refuse(const char *name, const bytes *file, mote_status st, const char *says)
{
    const bytes in = exact_copy(file->p, file->n);
    mote_model *m = NULL;
    mote_model_error error = { .status = MOTE_OK };
    const mote_status got = mote_model_open(&m, in.p, in.n, &error);
    ck_assert_msg(got == st && error.status == st, "%s: status %d, not %d", name, got, st);
    ck_assert_msg(m == NULL, "%s: a model in spite of the error", name);
    ck_assert_msg(strstr(error.text, says) != NULL, "%s: \"%s\" does not say \"%s\"", name, error.text, says);
    ck_assert_msg(printable(error.text), "%s: raw characters in the text", name);
    ck_assert_msg(mote_model_open(&m, in.p, in.n, NULL) == st, "%s: without a place for the text", name);
    free(in.p);
}

mote_model *must_open(const char *name, const bytes *file)
{
    mote_model *m = NULL;
    mote_model_error error;
    const mote_status st = mote_model_open(&m, file->p, file->n, &error);
    ck_assert_msg(st == MOTE_OK, "%s: %s", name, st == MOTE_OK ? "" : error.text);
    size_t n;
    const mote_model_tensor *t = mote_model_tensors(m, &n);
    for (size_t i = 1; i < n; i++) ck_assert_msg(strcmp(t[i - 1].name, t[i].name) < 0, "%s: names not ascending", name);
    return m;
}

/* The data of the one tensor of a model must be these. */
void must_hold(const char *name, mote_model *m, size_t i, const void *data, size_t n)
{
    const uint8_t *p = NULL;
    size_t count;
    const mote_model_tensor *t = mote_model_tensors(m, &count);
    ck_assert_msg(i < count && t[i].bytes == n, "%s: another size", name);
    for (int again = 0; again < 2; again++) { /* the second time out of the copy, the third after its release */
        ck_assert_msg(mote_model_data(m, i, &p, NULL) == MOTE_OK && p != NULL, "%s: no data", name);
        ck_assert_msg(n == 0 || memcmp(p, data, n) == 0, "%s: other data", name);
        ck_assert_msg(mote_model_data(m, i, &p, NULL) == MOTE_OK, "%s: no data the second time", name);
        mote_model_release(m, i);
    }
}

bytes safetensors_file(const char *header, size_t data)
{
    bytes b = { 0 };
    append_number(&b, strlen(header), 8);
    append(&b, header, strlen(header));
    append_data(&b, data);
    return b;
}
