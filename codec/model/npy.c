/* SPDX-License-Identifier: Apache-2.0
 * npy: a magic, a version, a Python dictionary of three known keys, the elements. The dictionary is read by a strict
 * parser of exactly that grammar; everything else that Python would evaluate is refused. */
#include "model/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "model/importer.h"

/* clang-format off */
static const struct { const char *kind; mote_dtype dtype; } types[] = {
    { "b1", MOTE_BOOL }, { "u1", MOTE_U8 }, { "i1", MOTE_I8 }, { "u2", MOTE_U16 }, { "i2", MOTE_I16 },
    { "u4", MOTE_U32 }, { "i4", MOTE_I32 }, { "u8", MOTE_U64 }, { "i8", MOTE_I64 },
    { "f2", MOTE_F16 }, { "f4", MOTE_F32 }, { "f8", MOTE_F64 }, { "c8", MOTE_C64 }, { "c16", MOTE_C128 },
    /* what follows is only written */
    { "V2", MOTE_BF16 }, { "V1", MOTE_F8_E4M3 }, { "V1", MOTE_F8_E5M2 }, { "V1", MOTE_F8_E4M3FNUZ },
    { "V1", MOTE_F8_E5M2FNUZ }, { "V1", MOTE_F8_E8M0 },
};
/* clang-format on */
#define N_TYPES (sizeof types / sizeof types[0])
#define N_READ 14u

size_t mote_npy_head_length(const uint8_t *p, size_t n)
{
    static const uint8_t magic[6] = { 0x93, 'N', 'U', 'M', 'P', 'Y' };
    if (n < 8) return 0;
    if (memcmp(p, magic, sizeof magic) != 0 || p[6] < 1 || p[6] > 3 || p[7] != 0) return SIZE_MAX;
    if (n < 12) return 0;
    if (p[6] == 1) return 10 + (size_t)mote_le16(p + 8);
    const uint32_t length = mote_le32(p + 8);
    return length > 65535 ? SIZE_MAX : 12 + (size_t)length;
}

/* Position in the dictionary; a failed step leaves ok false for good. */
typedef struct text {
    const char *p, *end;
    bool ok;
} text;

static void spaces(text *x)
{
    while (x->p < x->end && *x->p == ' ') x->p++;
}

/* Skips spaces, then takes c if it is next. */
static bool accept(text *x, char c)
{
    spaces(x);
    if (!x->ok || x->p == x->end || *x->p != c) return false;
    x->p++;
    return true;
}

static void expect(text *x, char c)
{
    x->ok = accept(x, c) && x->ok;
}

static bool word(text *x, const char *w)
{
    const size_t n = strlen(w);
    spaces(x);
    if (!x->ok || (size_t)(x->end - x->p) < n || memcmp(x->p, w, n) != 0) return false;
    x->p += n;
    return true;
}

/* A string without escapes, at most 31 bytes, in single or double quotes. */
static void string(text *x, char out[32])
{
    const char quote = accept(x, '\'') ? '\'' : '"';
    if (quote == '"') expect(x, '"');
    size_t n = 0;
    while (x->ok && x->p < x->end && *x->p != quote) {
        if (n == 31 || *x->p == '\\' || *x->p < ' ' || *x->p > '~')
            x->ok = false;
        else
            out[n++] = *x->p++;
    }
    out[n] = '\0';
    if (x->ok) x->ok = x->p < x->end; /* the closing quote */
    if (x->ok) x->p++;
}

static uint64_t number(text *x)
{
    uint64_t v = 0;
    spaces(x);
    const char *first = x->p;
    while (x->p < x->end && *x->p >= '0' && *x->p <= '9') {
        const uint64_t digit = (uint64_t)(*x->p++ - '0');
        if (v > ((uint64_t)INT64_MAX - digit) / 10)
            x->ok = false;
        else
            v = 10 * v + digit;
    }
    if (x->p == first || (*first == '0' && x->p - first > 1)) x->ok = false;
    return v;
}

/* (), (3,), (3, 4) or (3, 4,). A rank above the limit is counted on, for the message. */
static void tuple(text *x, mote_model_tensor *t)
{
    unsigned rank = 0;
    bool comma = true;
    expect(x, '(');
    while (x->ok && !accept(x, ')')) {
        if (!comma) {
            x->ok = false;
            break;
        }
        const uint64_t v = number(x);
        if (rank < MOTE_MODEL_RANK_MAX) t->shape[rank] = v;
        rank++;
        comma = accept(x, ',');
    }
    if (rank == 1 && !comma) x->ok = false; /* (3) is a number */
    t->rank = rank;
}

typedef struct fields {
    char descr[32];
    bool structured, fortran, seen[3];
} fields;

static void dictionary(text *x, fields *f, mote_model_tensor *t)
{
    expect(x, '{');
    bool comma = true;
    while (x->ok && !f->structured && !accept(x, '}')) {
        char key[32];
        string(x, key);
        expect(x, ':');
        const int which = strcmp(key, "descr") == 0 ? 0 : strcmp(key, "fortran_order") == 0 ? 1 : 2;
        if (!comma || f->seen[which] || (which == 2 && strcmp(key, "shape") != 0)) x->ok = false;
        if (!x->ok) return;
        f->seen[which] = true;
        if (which == 0) {
            spaces(x);
            f->structured = x->p < x->end && (*x->p == '[' || *x->p == '(');
            if (!f->structured) string(x, f->descr);
        } else if (which == 1) {
            f->fortran = word(x, "True");
            if (!f->fortran && !word(x, "False")) x->ok = false;
        } else {
            tuple(x, t);
        }
        comma = accept(x, ',');
    }
    if (!f->structured && !(f->seen[0] && f->seen[1] && f->seen[2])) x->ok = false;
}

/* Type and byte order from a name such as "<f4"; false if there is no such type here. */
static bool find_type(const char *descr, mote_npy *out)
{
    if (descr[0] != '<' && descr[0] != '>' && descr[0] != '|') return false;
    for (size_t i = 0; i < N_READ; i++) {
        if (strcmp(types[i].kind, descr + 1) != 0) continue;
        out->t.dtype = types[i].dtype;
        const bool one_byte = mote_dtype_bits((unsigned)out->t.dtype) == 8;
        out->swap = descr[0] == '>' && !one_byte;
        return one_byte || descr[0] != '|'; /* "|f4" says nothing about the order */
    }
    return false;
}

static const char *why_not(const char *descr)
{
    switch (descr[0] == '\0' ? '\0' : descr[1]) {
    case 'V': return "raw bytes do not say what they are (bf16 and 8-bit floats are saved so: convert them first)";
    case 'S':
    case 'U':
    case 'a': return "text is no tensor";
    case 'M':
    case 'm': return "dates are no tensor";
    default: return descr[0] == '|' && descr[1] == 'O' ? "Python objects are never read" : "no such type here";
    }
}

mote_status mote_npy_read(mote_npy *out, const uint8_t *p, size_t n, uint64_t total, const char *who,
                          mote_model_error *error)
{
    const size_t head = mote_npy_head_length(p, n);
    if (head == 0 || (head != SIZE_MAX && head > n))
        return mote_model_fail(error, MOTE_ERR_MODEL, "%s: the npy header ends too early", who);
    if (head == SIZE_MAX)
        return mote_model_fail(error, MOTE_ERR_MODEL,
                               "%s: no npy header of version 1.0, 2.0 or 3.0 and at most 65535 bytes", who);

    mote_npy npy = { .head = head };
    fields f = { .descr = "" };
    text x = { .p = (const char *)p + (p[6] == 1 ? 10 : 12), .end = (const char *)p + head, .ok = true };
    dictionary(&x, &f, &npy.t);
    if (f.structured && x.ok) return mote_model_fail(error, MOTE_ERR_MODEL, "%s: records are no tensor", who);
    spaces(&x);
    if (!x.ok || x.end - x.p != 1 || *x.p != '\n')
        return mote_model_fail(error, MOTE_ERR_MODEL, "%s: malformed npy header", who);
    if (!find_type(f.descr, &npy))
        return mote_model_fail(error, MOTE_ERR_MODEL, "%s: npy type \"%s\": %s", who, f.descr, why_not(f.descr));
    if (npy.t.rank > MOTE_MODEL_RANK_MAX)
        return mote_model_fail(error, MOTE_ERR_MODEL, "%s: %u dimensions, at most %d are possible", who, npy.t.rank,
                               MOTE_MODEL_RANK_MAX);
    if (!mote_model_measure(&npy.t)) return mote_model_fail(error, MOTE_ERR_MODEL, "%s: the shape is too large", who);
    if (npy.t.bytes != total - head) /* head <= n <= total */
        return mote_model_fail(error, MOTE_ERR_MODEL, "%s: %llu bytes follow the npy header, the shape needs %llu", who,
                               (unsigned long long)(total - head), (unsigned long long)npy.t.bytes);
    unsigned wide = 0;
    for (unsigned d = 0; d < npy.t.rank; d++) wide += npy.t.shape[d] > 1;
    npy.fortran = f.fortran && wide > 1 && npy.t.elements > 0;
    *out = npy;
    return MOTE_OK;
}

/* One element of `width` bytes, reversed in parts of `part` bytes; part 1 leaves it as it is. */
static void copy_element(uint8_t *dst, const uint8_t *src, size_t width, size_t part)
{
    for (size_t at = 0; at < width; at += part)
        for (size_t i = 0; i < part; i++) dst[at + i] = src[at + part - 1 - i];
}

/* Row-major order out of column-major: dst runs straight through, src is found by an index that counts along. */
static void transpose(uint8_t *dst, const uint8_t *src, const mote_model_tensor *t, size_t width, size_t part)
{
    size_t stride[MOTE_MODEL_RANK_MAX] = { 0 }, index[MOTE_MODEL_RANK_MAX] = { 0 };
    size_t step = width;
    for (unsigned d = 0; d < t->rank; d++) {
        stride[d] = step;
        step *= (size_t)t->shape[d];
    }
    const unsigned last = t->rank - 1; /* rank >= 2: see mote_npy.fortran */
    size_t from = 0;
    for (uint64_t left = t->elements; left > 0; left -= t->shape[last]) {
        for (size_t i = 0, at = from; i < t->shape[last]; i++, at += stride[last], dst += width)
            copy_element(dst, src + at, width, part);
        for (unsigned d = last; d-- > 0;) { /* the next row */
            from += stride[d];
            if (++index[d] < t->shape[d]) break;
            from -= stride[d] * index[d];
            index[d] = 0;
        }
    }
}

void mote_npy_convert(uint8_t *dst, const uint8_t *src, const mote_model_tensor *t, bool swap, bool fortran)
{
    const size_t width = mote_dtype_bits((unsigned)t->dtype) / 8;
    size_t part = 1;
    if (swap) part = t->dtype == MOTE_C64 || t->dtype == MOTE_C128 ? width / 2 : width;
    if (fortran) {
        transpose(dst, src, t, width, part);
        return;
    }
    for (uint64_t at = 0; at < t->bytes; at += width) copy_element(dst + at, src + at, width, part);
}

size_t mote_npy_write(uint8_t head[MOTE_NPY_WRITE_MAX], const mote_model_tensor *t)
{
    size_t type = 0;
    while (type < N_TYPES && types[type].dtype != t->dtype) type++;
    if (type == N_TYPES) return 0;

    /* Numbers take at most 8 * 21 bytes, the rest less than 100. */
    char shape[8 * 21 + 1] = "";
    size_t len = 0;
    for (unsigned d = 0; d < t->rank; d++)
        len += (size_t)snprintf(shape + len, sizeof shape - len, d == 0 ? "%llu" : ", %llu",
                                (unsigned long long)t->shape[d]);
    char dict[MOTE_NPY_WRITE_MAX - 64];
    const char order = mote_dtype_bits((unsigned)t->dtype) == 8 && type < N_READ ? '|' : '<';
    len = (size_t)snprintf(dict, sizeof dict, "{'descr': '%c%s', 'fortran_order': False, 'shape': (%s%s), }", order,
                           types[type].kind, shape, t->rank == 1 ? "," : "");

    const size_t total = (10 + len + 1 + 63) / 64 * 64;
    static const uint8_t start[8] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0 };
    memcpy(head, start, sizeof start);
    mote_put16(head + 8, (uint32_t)(total - 10));
    memcpy(head + 10, dict, len);
    memset(head + 10 + len, ' ', total - 10 - len - 1);
    head[total - 1] = '\n';
    return total;
}

static mote_status npy_open(mote_model *m, mote_model_error *error)
{
    mote_npy npy;
    mote_model_item *item;
    mote_status st = mote_npy_read(&npy, m->file, m->size, m->size, "npy file", error);
    if (st == MOTE_OK) st = mote_model_add(m, "arr_0", 5, &item, error); /* numpy's own name for an array without one */
    if (st != MOTE_OK) return st;
    npy.t.name = item->name;
    item->t = npy.t;
    item->at = npy.head;
    item->swap = npy.swap;
    item->fortran = npy.fortran;
    return MOTE_OK;
}

static mote_status npy_data(mote_model *m, mote_model_item *item, const uint8_t **view, mote_model_error *error)
{
    const uint8_t *src = m->file + item->at;
    if (!item->swap && !item->fortran) {
        *view = src;
        return MOTE_OK;
    }
    item->copy = malloc((size_t)item->t.bytes); /* no more than the file has */
    if (item->copy == NULL)
        return mote_model_fail(error, MOTE_ERR_NOMEM, "no memory for tensor \"%s\" (%llu bytes)", item->name,
                               (unsigned long long)item->t.bytes);
    mote_npy_convert(item->copy, src, &item->t, item->swap, item->fortran);
    return MOTE_OK;
}

const mote_importer mote_importer_npy = { .format = "npy", .open = npy_open, .data = npy_data };
