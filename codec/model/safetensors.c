/* SPDX-License-Identifier: Apache-2.0
 * safetensors: a length, a JSON header, and the tensors' bytes without a gap. The only file that knows jansson.
 * Stricter than most readers where the specification is (padding, whole coverage, duplicate keys) and where an
 * unknown field could change what the bytes mean. */
#include "model/safetensors.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "model/importer.h"

#define HEADER_MAX 100000000u /* the reference implementation's limit, in bytes */
#define ARRAY_MAX 64u         /* elements of a JSON array; a shape has 8, but is to be refused by its own name */

/* clang-format off */
static const struct { const char *name; mote_dtype dtype; } types[] = {
    { "BOOL", MOTE_BOOL }, { "U8", MOTE_U8 }, { "I8", MOTE_I8 }, { "U16", MOTE_U16 }, { "I16", MOTE_I16 },
    { "U32", MOTE_U32 }, { "I32", MOTE_I32 }, { "U64", MOTE_U64 }, { "I64", MOTE_I64 },
    { "F16", MOTE_F16 }, { "BF16", MOTE_BF16 }, { "F32", MOTE_F32 }, { "F64", MOTE_F64 }, { "C64", MOTE_C64 },
    { "F8_E4M3", MOTE_F8_E4M3 }, { "F8_E5M2", MOTE_F8_E5M2 }, { "F8_E8M0", MOTE_F8_E8M0 },
    { "F8_E4M3FNUZ", MOTE_F8_E4M3FNUZ }, { "F8_E5M2FNUZ", MOTE_F8_E5M2FNUZ },
    { "F6_E2M3", MOTE_F6_E2M3 }, { "F6_E3M2", MOTE_F6_E3M2 }, { "F4", MOTE_F4 },
};
/* clang-format on */
#define N_TYPES (sizeof types / sizeof types[0])

/* A JSON tree takes a hundred times its text if the text is "[[],[],[]". A header has one shape only (objects in an
 * object, short arrays of natural numbers in those), so anything else is refused before a tree is built of it. What
 * remains is left to the parser. Also keeps out -0, 1.0, 1e3, true and null, which no header has. */
static mote_status check_outline(const char *text, size_t n, mote_model_error *error)
{
    const char *fault = NULL;
    char open[3];
    size_t depth = 0, commas = 0, i = 0;
    for (; i < n && fault == NULL; i++) {
        const char c = text[i];
        if (c == '"') {
            for (i++; i < n && text[i] != '"'; i++)
                if (text[i] == '\\') i++;
        } else if (c == '{' || c == '[') {
            if (c == '{' ? depth > 1 : depth != 2) {
                fault = "a bracket where a header has none";
                break;
            }
            open[depth++] = c;
            commas = 0;
        } else if (c == '}' || c == ']') {
            if (depth == 0 || open[depth - 1] != (c == '}' ? '{' : '[')) {
                fault = "brackets that do not match";
                break;
            }
            depth--;
        } else if (c == ',') {
            if (depth == 3 && ++commas >= ARRAY_MAX) fault = "a list that is too long";
        } else if (c == '\0' || strchr(" \t\r\n:0123456789", c) == NULL) {
            fault = "something that is no name, text or natural number";
        }
    }
    if (fault == NULL) return MOTE_OK;
    return mote_model_fail(error, MOTE_ERR_MODEL, "safetensors header: %s at byte %zu", fault, i);
}

static bool read_number(const json_t *value, uint64_t *out)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

/* One member of the header object: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}. */
static mote_status read_tensor(mote_model *m, const char *name, const json_t *value, uint64_t data_at,
                               mote_model_error *error)
{
    mote_model_item *item;
    mote_status st = mote_model_add(m, name, strlen(name), &item, error);
    if (st != MOTE_OK) return st;
    mote_model_tensor *t = &item->t;

    const json_t *dtype = json_object_get(value, "dtype"), *shape = json_object_get(value, "shape");
    const json_t *offsets = json_object_get(value, "data_offsets");
    if (!json_is_string(dtype) || !json_is_array(shape) || !json_is_array(offsets) || json_array_size(offsets) != 2 ||
        json_object_size(value) != 3)
        return mote_model_fail(error, MOTE_ERR_MODEL,
                               "tensor \"%s\": not exactly a dtype, a shape and two data_offsets", name);

    size_t type = 0;
    while (type < N_TYPES && strcmp(types[type].name, json_string_value(dtype)) != 0) type++;
    if (type == N_TYPES)
        return mote_model_fail(error, MOTE_ERR_MODEL, "tensor \"%s\": unknown dtype \"%.32s\"", name,
                               json_string_value(dtype));
    t->dtype = types[type].dtype;

    if (json_array_size(shape) > MOTE_MODEL_RANK_MAX)
        return mote_model_fail(error, MOTE_ERR_MODEL, "tensor \"%s\": %zu dimensions, at most %d are possible", name,
                               json_array_size(shape), MOTE_MODEL_RANK_MAX);
    t->rank = (unsigned)json_array_size(shape);
    for (unsigned d = 0; d < t->rank; d++)
        if (!read_number(json_array_get(shape, d), &t->shape[d]))
            return mote_model_fail(error, MOTE_ERR_MODEL, "tensor \"%s\": a dimension is no natural number", name);
    if (!mote_model_measure(t))
        return mote_model_fail(error, MOTE_ERR_MODEL, "tensor \"%s\": the shape is too large", name);
    if (t->elements % 8 * mote_dtype_bits((unsigned)t->dtype) % 8 != 0)
        return mote_model_fail(error, MOTE_ERR_MODEL, "tensor \"%s\": %llu elements of type %s are no whole bytes",
                               name, (unsigned long long)t->elements, types[type].name);

    uint64_t begin, end;
    if (!read_number(json_array_get(offsets, 0), &begin) || !read_number(json_array_get(offsets, 1), &end) ||
        begin > end || end > m->size - data_at)
        return mote_model_fail(error, MOTE_ERR_MODEL, "tensor \"%s\": data_offsets outside the file", name);
    if (end - begin != t->bytes)
        return mote_model_fail(error, MOTE_ERR_MODEL, "tensor \"%s\": data_offsets hold %llu bytes, the shape %llu",
                               name, (unsigned long long)(end - begin), (unsigned long long)t->bytes);
    item->at = data_at + begin;
    return MOTE_OK;
}

static bool all_strings(json_t *object)
{
    const char *key;
    json_t *value;
    if (!json_is_object(object)) return false;
    json_object_foreach (object, key, value)
        if (!json_is_string(value)) return false;
    return true;
}

static mote_status read_header(mote_model *m, json_t *header, uint64_t data_at, mote_model_error *error)
{
    const char *key;
    json_t *value;
    json_object_foreach (header, key, value) {
        if (strcmp(key, "__metadata__") != 0) {
            const mote_status st = read_tensor(m, key, value, data_at, error);
            if (st != MOTE_OK) return st;
            continue;
        }
        if (!all_strings(value))
            return mote_model_fail(error, MOTE_ERR_MODEL, "safetensors header: __metadata__ is no object of strings");
        const size_t n = json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_SORT_KEYS);
        m->metadata = n == 0 ? NULL : malloc(n + 1);
        if (m->metadata == NULL || json_dumpb(value, m->metadata, n, JSON_COMPACT | JSON_SORT_KEYS) != n)
            return mote_model_fail(error, MOTE_ERR_NOMEM, "no memory for the metadata");
        m->metadata[n] = '\0';
    }
    return MOTE_OK;
}

static int by_place(const void *a, const void *b)
{
    const mote_model_item *x = a, *y = b;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    return x->t.bytes < y->t.bytes ? -1 : x->t.bytes > y->t.bytes;
}

/* Every byte after the header belongs to exactly one tensor. Tensors without elements may lie at any seam. */
static mote_status check_coverage(mote_model *m, uint64_t data_at, mote_model_error *error)
{
    uint64_t at = data_at;
    if (m->n > 0) qsort(m->items, m->n, sizeof *m->items, by_place);
    for (size_t i = 0; i < m->n; i++) {
        const mote_model_item *item = &m->items[i];
        if (item->at != at)
            return mote_model_fail(error, MOTE_ERR_MODEL, "tensor \"%s\": its data %s", item->name,
                                   item->at < at ? "overlap those of another tensor" : "leave a gap before them");
        at += item->t.bytes; /* stays within the file: checked with the offsets */
    }
    if (at != m->size)
        return mote_model_fail(error, MOTE_ERR_MODEL, "%llu bytes at the end of the file belong to no tensor",
                               (unsigned long long)(m->size - at));
    return MOTE_OK;
}

/* jansson names every fault of the text, but stays silent when an allocation fails. */
static bool out_of_memory(const json_error_t *fault)
{
    return fault->text[0] == '\0' || json_error_code(fault) == json_error_out_of_memory;
}

static mote_status safetensors_open(mote_model *m, mote_model_error *error)
{
    const uint64_t length = mote_le64(m->file); /* the sniffer saw 8 bytes */
    if (length > HEADER_MAX)
        return mote_model_fail(error, MOTE_ERR_MODEL, "safetensors header: %llu bytes, at most %u are allowed",
                               (unsigned long long)length, HEADER_MAX);
    if (length > m->size - 8)
        return mote_model_fail(error, MOTE_ERR_MODEL, "safetensors header: %llu bytes, but the file has only %zu",
                               (unsigned long long)length, m->size);

    const char *text = (const char *)m->file + 8;
    size_t n = (size_t)length;
    while (n > 0 && text[n - 1] == ' ') n--;
    if (n == 0 || text[0] != '{' || text[n - 1] != '}')
        return mote_model_fail(error, MOTE_ERR_MODEL, "safetensors header: not {...} padded with spaces");
    mote_status st = check_outline(text, n, error);
    if (st != MOTE_OK) return st;

    json_error_t fault;
    json_t *header = json_loadb(text, n, JSON_REJECT_DUPLICATES, &fault);
    if (header == NULL) {
        if (out_of_memory(&fault)) return mote_model_fail(error, MOTE_ERR_NOMEM, "no memory for the header");
        return mote_model_fail(error, MOTE_ERR_MODEL, "safetensors header, byte %d: %s", fault.position, fault.text);
    }
    st = read_header(m, header, 8 + length, error);
    json_decref(header);
    return st != MOTE_OK ? st : check_coverage(m, 8 + length, error);
}

static mote_status safetensors_data(mote_model *m, mote_model_item *item, const uint8_t **view, mote_model_error *error)
{
    (void)error;
    *view = m->file + item->at;
    return MOTE_OK;
}

const mote_importer mote_importer_safetensors = { .format = "safetensors",
                                                  .open = safetensors_open,
                                                  .data = safetensors_data };

/* Appends one tensor to the header object. offset: where its data begin after the header. */
static mote_status describe(json_t *header, const mote_model_tensor *t, uint64_t offset, mote_model_error *error)
{
    size_t type = 0;
    while (type < N_TYPES && types[type].dtype != t->dtype) type++;
    if (type == N_TYPES)
        return mote_model_fail(error, MOTE_ERR_UNSUPPORTED, "safetensors has no type %s (tensor \"%s\")",
                               mote_dtype_name((unsigned)t->dtype), t->name);
    if (t->elements % 8 * mote_dtype_bits((unsigned)t->dtype) % 8 != 0)
        return mote_model_fail(error, MOTE_ERR_UNSUPPORTED,
                               "safetensors holds whole bytes only: tensor \"%s\" has %llu elements of type %s",
                               t->name, (unsigned long long)t->elements, types[type].name);
    if (strcmp(t->name, "__metadata__") == 0)
        return mote_model_fail(error, MOTE_ERR_UNSUPPORTED, "safetensors keeps the name __metadata__ for itself");
    if (t->bytes > (uint64_t)INT64_MAX - offset)
        return mote_model_fail(error, MOTE_ERR_UNSUPPORTED, "more than 2^63 bytes of tensors");

    json_t *shape = json_array();
    for (unsigned d = 0; d < t->rank; d++)
        if (json_array_append_new(shape, json_integer((json_int_t)t->shape[d])) != 0) {
            json_decref(shape);
            return mote_model_fail(error, MOTE_ERR_NOMEM, "no memory for the header");
        }
    const uint64_t end = offset + t->bytes;
    json_t *value = json_pack("{s:s, s:o, s:[I,I]}", "dtype", types[type].name, "shape", shape, "data_offsets",
                              (json_int_t)offset, (json_int_t)end);
    if (json_object_set_new(header, t->name, value) != 0)
        return mote_model_fail(error, MOTE_ERR_NOMEM, "no memory for the header");
    return MOTE_OK;
}

static mote_status render(uint8_t **bytes, size_t *n_bytes, const json_t *header, mote_model_error *error)
{
    const size_t n = json_dumpb(header, NULL, 0, JSON_COMPACT);
    const size_t padded = (n + 7) / 8 * 8;
    if (n == 0) return mote_model_fail(error, MOTE_ERR_NOMEM, "no memory for the header");
    if (padded > HEADER_MAX)
        return mote_model_fail(error, MOTE_ERR_UNSUPPORTED, "the header would take %zu bytes, at most %u are allowed",
                               padded, HEADER_MAX);
    uint8_t *out = malloc(8 + padded);
    if (out == NULL) return mote_model_fail(error, MOTE_ERR_NOMEM, "no memory for the header");
    mote_put64(out, padded);
    memset(out + 8, ' ', padded);
    if (json_dumpb(header, (char *)out + 8, padded, JSON_COMPACT) != n) {
        free(out);
        return mote_model_fail(error, MOTE_ERR_NOMEM, "no memory for the header");
    }
    *bytes = out;
    *n_bytes = 8 + padded;
    return MOTE_OK;
}

mote_status mote_safetensors_header(uint8_t **bytes, size_t *n_bytes, const mote_model_tensor *tensors, size_t n,
                                    const char *metadata, mote_model_error *error)
{
    json_t *header = json_object(); /* keeps the order of insertion */
    if (header == NULL) return mote_model_fail(error, MOTE_ERR_NOMEM, "no memory for the header");
    mote_status st = MOTE_OK;
    if (metadata != NULL) {
        json_error_t fault;
        json_t *object = json_loads(metadata, JSON_REJECT_DUPLICATES, &fault);
        if (object == NULL && out_of_memory(&fault)) {
            st = mote_model_fail(error, MOTE_ERR_NOMEM, "no memory for the metadata");
        } else if (!all_strings(object)) {
            json_decref(object);
            st = mote_model_fail(error, MOTE_ERR_ARG, "the metadata are no JSON object of strings");
        } else if (json_object_set_new(header, "__metadata__", object) != 0) {
            st = mote_model_fail(error, MOTE_ERR_NOMEM, "no memory for the header");
        }
    }
    uint64_t offset = 0;
    for (size_t i = 0; i < n && st == MOTE_OK; i++) {
        st = describe(header, &tensors[i], offset, error);
        offset += tensors[i].bytes;
    }
    if (st == MOTE_OK) st = render(bytes, n_bytes, header, error);
    json_decref(header);
    return st;
}
