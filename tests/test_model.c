/* SPDX-License-Identifier: Apache-2.0
 * Model files: every rule of safetensors, npy and npz has a row that breaks it alone, every type goes through every
 * exporter and back, and outputs appear whole or not at all. Rows of the list of malformed inputs are named Dn. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/le.h"
#include "model/npz_write.h"
#include "mote/model.h"
#include "wide.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* ---- helpers ---- */

/* Bytes that grow; n is what counts. */
typedef struct bytes {
    uint8_t *p;
    size_t n;
} bytes;

/* n more bytes, to be filled. */
static uint8_t *grow(bytes *b, size_t n)
{
    b->p = realloc(b->p, b->n + n + 1);
    ck_assert_ptr_nonnull(b->p);
    b->n += n;
    return b->p + b->n - n;
}

static void append(bytes *b, const void *p, size_t n)
{
    uint8_t *to = grow(b, n);
    if (n > 0) memcpy(to, p, n);
}

static void append_number(bytes *b, uint64_t v, size_t width)
{
    uint8_t le[8];
    mote_put64(le, v);
    append(b, le, width);
}

/* Counts up, so that misplaced elements show. */
static void append_data(bytes *b, size_t n)
{
    uint8_t *to = grow(b, n);
    for (size_t i = 0; i < n; i++) to[i] = (uint8_t)(i * 7 + 1);
}

static bytes exact_copy(const void *p, size_t n) /* heap, exact size: reads beyond it trap */
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
static void must_refuse(const char *name, const bytes *file, mote_status st, const char *says)
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

static mote_model *must_open(const char *name, const bytes *file)
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
static void must_hold(const char *name, mote_model *m, size_t i, const void *data, size_t n)
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

static bytes safetensors_file(const char *header, size_t data)
{
    bytes b = { 0 };
    append_number(&b, strlen(header), 8);
    append(&b, header, strlen(header));
    append_data(&b, data);
    return b;
}

/* ---- safetensors ---- */

#define T(name, dtype, shape, begin, end) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"
#define NAME_50 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
#define NAME_255 NAME_50 NAME_50 NAME_50 NAME_50 NAME_50 "12345"

/* clang-format off */
static const struct { const char *name, *header; size_t data; const char *says; } bad_safetensors[] = {
    { "header does not begin with a brace", " {}", 0, "not {...}" },
    { "header is a list", "[]", 0, "not {...}" },
    { "header ends in a line feed", "{}\n", 0, "not {...}" },
    { "header ends in a tab", "{}\t  ", 0, "not {...}" },
    { "header is empty", "", 8, "not {...}" },
    { "header is spaces only", "        ", 0, "not {...}" },
    { "something after the object", "{} {}", 0, "end of file expected" },
    { "object is not closed", "{\"a\":{}  ", 0, "'}' expected" },
    { "D17 duplicate name", "{" T("a", "U8", "[1]", 0, 1) "," T("a", "U8", "[1]", 0, 1) "}", 1, "duplicate" },
    { "D17 duplicate name by escapes", "{" T("a", "U8", "[1]", 0, 1) "," T("\\u0061", "U8", "[1]", 0, 1) "}", 1, "duplicate" },
    { "D17 duplicate field", "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "duplicate" },
    { "D17 duplicate metadata key", "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "duplicate" },
    { "D17 duplicate metadata", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "duplicate" },
    { "D17 name is not UTF-8", "{" T("\xff", "U8", "[1]", 0, 1) "}", 1, "unable to decode" },
    { "D17 overlong UTF-8", "{" T("\xc0\x80", "U8", "[1]", 0, 1) "}", 1, "unable to decode" },
    { "D17 surrogate", "{" T("\\ud800", "U8", "[1]", 0, 1) "}", 1, "Unicode" },
    { "D17 NUL in a name", "{" T("a\\u0000b", "U8", "[1]", 0, 1) "}", 1, "\\u0000" },
    { "NUL in metadata", "{\"__metadata__\":{\"a\":\"\\u0000\"}}", 0, "\\u0000" },
    { "control character in a name, escaped", "{" T("a\\u001b[31m", "U8", "[1]", 0, 1) "}", 1, "a\\x1b[31m" },
    { "control character in a name, raw", "{" T("a\nb", "U8", "[1]", 0, 1) "}", 1, "unexpected newline" },
    { "delete in a name", "{" T("a\x7f", "U8", "[1]", 0, 1) "}", 1, "a\\x7f" },
    { "D2 name without a byte", "{" T("", "U8", "[1]", 0, 1) "}", 1, "not 1 to 255 bytes" },
    { "D2 name of 256 bytes", "{" T(NAME_255 "6", "U8", "[1]", 0, 1) "}", 1, "not 1 to 255 bytes" },
    { "D21 metadata is a number", "{\"__metadata__\":1}", 0, "no object of strings" },
    { "D21 metadata is a text", "{\"__metadata__\":\"x\"}", 0, "no object of strings" },
    { "D21 metadata is a list", "{\"__metadata__\":[]}", 0, "bracket" },
    { "D21 metadata is null", "{\"__metadata__\":null}", 0, "no name, text or natural number" },
    { "D21 metadata value is a number", "{\"__metadata__\":{\"a\":1}}", 0, "no object of strings" },
    { "D21 metadata value is a list", "{\"__metadata__\":{\"a\":[]}}", 0, "no object of strings" },
    { "D21 metadata value is an object", "{\"__metadata__\":{\"a\":{}}}", 0, "bracket" },
    { "D21 tensor is a number", "{\"a\":1}", 0, "\"a\": not exactly" },
    { "D21 tensor is a text", "{\"a\":\"U8\"}", 0, "\"a\": not exactly" },
    { "D21 tensor is a list", "{\"a\":[]}", 0, "bracket" },
    { "tensor without fields", "{\"a\":{}}", 0, "not exactly" },
    { "no dtype", "{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "not exactly" },
    { "no shape", "{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, "not exactly" },
    { "no offsets", "{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, "not exactly" },
    { "unknown field", "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":\"\"}}", 1, "not exactly" },
    { "D21 dtype is a number", "{\"a\":{\"dtype\":8,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "not exactly" },
    { "D21 dtype is a list", "{\"a\":{\"dtype\":[8],\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "not exactly" },
    { "D21 shape is a number", "{\"a\":{\"dtype\":\"U8\",\"shape\":1,\"data_offsets\":[0,1]}}", 1, "not exactly" },
    { "D21 shape is an object", "{\"a\":{\"dtype\":\"U8\",\"shape\":{},\"data_offsets\":[0,1]}}", 1, "bracket" },
    { "D21 offsets are a text", "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":\"01\"}}", 1, "not exactly" },
    { "D21 dimension is a text", "{" T("a", "U8", "[\"1\"]", 0, 1) "}", 1, "no natural number" },
    { "D21 offset is a text", "{" T("a", "U8", "[1]", 0, "1") "}", 1, "data_offsets outside" },
    { "D21 dimension is a list", "{" T("a", "U8", "[[1]]", 0, 1) "}", 1, "bracket" },
    { "one offset", "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1]}}", 1, "not exactly" },
    { "three offsets", "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,1]}}", 1, "not exactly" },
    { "unknown dtype", "{" T("a", "F9", "[1]", 0, 1) "}", 1, "unknown dtype \"F9\"" },
    { "dtype in small letters", "{" T("a", "u8", "[1]", 0, 1) "}", 1, "unknown dtype" },
    { "negative dimension", "{" T("a", "U8", "[-1]", 0, 1) "}", 1, "natural number at byte" },
    { "minus zero", "{" T("a", "U8", "[-0]", 0, 0) "}", 0, "natural number at byte" },
    { "fraction", "{" T("a", "U8", "[1.0]", 0, 1) "}", 1, "natural number at byte" },
    { "exponent", "{" T("a", "U8", "[1e0]", 0, 1) "}", 1, "natural number at byte" },
    { "leading zero", "{" T("a", "U8", "[01]", 0, 1) "}", 1, "invalid token" },
    { "true for a dimension", "{" T("a", "U8", "[true]", 0, 1) "}", 1, "natural number at byte" },
    { "D1 dimension of 2^63", "{" T("a", "U8", "[9223372036854775808]", 0, 1) "}", 1, "too big integer" },
    { "D1 dimension of 2^63 - 1", "{" T("a", "U16", "[9223372036854775807]", 0, 1) "}", 1, "too large" },
    { "D1 offset of 2^64 - 1", "{" T("a", "U8", "[1]", 0, 18446744073709551615) "}", 1, "too big integer" },
    { "D3 product wraps to 0", "{" T("a", "U8", "[4294967296,4294967296]", 0, 0) "}", 0, "too large" },
    { "D3 product wraps to 1", "{" T("a", "U8", "[4294967295,4294967297,4294967295,4294967297]", 0, 1) "}", 1, "too large" },
    { "D3 bytes wrap", "{" T("a", "F64", "[2305843009213693953]", 0, 8) "}", 8, "too large" },
    { "D3 bits wrap", "{" T("a", "U8", "[4611686018427387905]", 0, 1) "}", 1, "too large" },
    { "D3 zero hides a product that wraps", "{" T("a", "U8", "[4294967296,4294967296,0]", 0, 0) "}", 0, "too large" },
    { "D3 a zero first hides it", "{" T("a", "U8", "[0,4294967296,4294967296]", 0, 0) "}", 0, "too large" },
    { "D4 two tensors near 2^63", "{" T("a", "U8", "[1]", 0, 1) "," T("b", "U8", "[1000000000000000000]", 1, 1000000000000000001) "}", 1, "outside the file" },
    { "D5 end is one too far", "{" T("a", "U8", "[5]", 0, 5) "}", 4, "outside the file" },
    { "D5 begin beyond the file", "{" T("a", "U8", "[1]", 9, 10) "}", 4, "outside the file" },
    { "D5 empty beyond the file", "{" T("a", "U8", "[0]", 5, 5) "}", 4, "outside the file" },
    { "D5 end before begin", "{" T("a", "U8", "[1]", 4, 3) "}", 4, "outside the file" },
    { "shape smaller than its bytes", "{" T("a", "F32", "[1]", 0, 5) "}", 5, "hold 5 bytes, the shape 4" },
    { "shape larger than its bytes", "{" T("a", "F32", "[2]", 0, 4) "}", 4, "hold 4 bytes, the shape 8" },
    { "F4 of half a byte", "{" T("a", "F4", "[3]", 0, 2) "}", 2, "no whole bytes" },
    { "F6_E2M3 of three quarters of a byte", "{" T("a", "F6_E2M3", "[1]", 0, 1) "}", 1, "no whole bytes" },
    { "F6_E3M2 of a byte and a half", "{" T("a", "F6_E3M2", "[2]", 0, 2) "}", 2, "no whole bytes" },
    { "D16 two tensors share their bytes", "{" T("a", "U8", "[4]", 0, 4) "," T("b", "I8", "[4]", 0, 4) "}", 4, "overlap" },
    { "D16 overlap by one byte", "{" T("a", "U8", "[3]", 0, 3) "," T("b", "U8", "[2]", 2, 4) "}", 4, "overlap" },
    { "D16 one inside another", "{" T("a", "U8", "[4]", 0, 4) "," T("b", "U8", "[1]", 1, 2) "}", 4, "overlap" },
    { "D16 gap at the start", "{" T("a", "U8", "[3]", 1, 4) "}", 4, "gap" },
    { "D16 gap between", "{" T("a", "U8", "[1]", 0, 1) "," T("b", "U8", "[2]", 2, 4) "}", 4, "gap" },
    { "D16 an overlap and a gap that even out", "{" T("a", "U8", "[4]", 0, 4) "," T("b", "U8", "[4]", 2, 6) "}", 8, "overlap" },
    { "D16 an empty tensor inside another", "{" T("a", "U8", "[4]", 0, 4) "," T("b", "U8", "[0]", 2, 2) "}", 4, "overlap" },
    { "D25 bytes after the last tensor", "{" T("a", "U8", "[3]", 0, 3) "}", 4, "1 bytes at the end" },
    { "D25 bytes and no tensor", "{}", 1, "1 bytes at the end" },
    { "rank 9", "{" T("a", "U8", "[1,1,1,1,1,1,1,1,1]", 0, 1) "}", 1, "9 dimensions" },
    { "D20 endless shape", "{" T("a", "U8", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", 0, 1) "}", 1, "too long" },
    { "D19 nested objects", "{\"a\":{\"b\":{\"c\":{}}}}", 0, "bracket" },
    { "brackets that cross", "{\"a\":{\"shape\":[1}]}", 0, "do not match" },
    { "closed twice", "{\"a\":1}}", 0, "do not match" },
    { "text without an end", "{\"a}", 0, "byte" },
    { "backslash at the end", "{\"a\\}", 0, "byte" },
    { "D27 nothing but a comma", "{,}", 0, "byte" },
};
/* clang-format on */

START_TEST(safetensors_refuses_table)
{
    bytes file = safetensors_file(bad_safetensors[_i].header, bad_safetensors[_i].data);
    must_refuse(bad_safetensors[_i].name, &file, MOTE_ERR_MODEL, bad_safetensors[_i].says);
    free(file.p);
}
END_TEST

/* clang-format off */
static const struct { const char *name; uint64_t length; size_t zeros; const char *says; } bad_lengths[] = {
    { "D1 header of 2^64 - 1 bytes", UINT64_MAX, 8, "no safetensors" },
    { "D1 header of 2^63 bytes", (uint64_t)1 << 63, 8, "no safetensors" },
    { "D1 header of 2^32 bytes", (uint64_t)1 << 32, 8, "at most 100000000" },
    { "D1 header of 100,000,001 bytes", 100000001, 8, "at most 100000000" },
    { "D5 header of 100,000,000 bytes, not there", 100000000, 8, "the file has only 16" },
    { "D2 header one byte longer than the file", 9, 8, "the file has only 16" },
    { "header of the whole file", 8, 8, "not {...}" },
    { "nothing after the length", 0, 0, "not {...}" },
};
/* clang-format on */

START_TEST(safetensors_refuses_lengths)
{
    bytes file = { 0 };
    append_number(&file, bad_lengths[_i].length, 8);
    for (size_t i = 0; i < bad_lengths[_i].zeros; i++) append_number(&file, 0, 1);
    must_refuse(bad_lengths[_i].name, &file, MOTE_ERR_MODEL, bad_lengths[_i].says);
    free(file.p);
}
END_TEST

/* What is expected of a tensor in a good file: where its data begin, counted from the end of the header. */
typedef struct expected {
    const char *name;
    mote_dtype dtype;
    unsigned rank;
    uint64_t shape[MOTE_MODEL_RANK_MAX], at, bytes;
} expected;

/* clang-format off */
static const struct { const char *name, *header; size_t data; const char *metadata; size_t n; expected t[3]; } good_safetensors[] = {
    { "nothing at all", "{}", 0, NULL, 0, { { 0 } } },
    { "padded", "{}        ", 0, NULL, 0, { { 0 } } },
    { "metadata only, sorted", "{\"__metadata__\":{\"b\":\"2\",\"a\":\"\\u00e9\"}}", 0, "{\"a\":\"\xc3\xa9\",\"b\":\"2\"}", 0, { { 0 } } },
    { "empty metadata", "{\"__metadata__\":{}}", 0, "{}", 0, { { 0 } } },
    { "scalar", "{" T("a", "F32", "[]", 0, 4) "}", 4, NULL, 1, { { "a", MOTE_F32, 0, { 0 }, 0, 4 } } },
    { "rank 8", "{" T("a", "U8", "[1,2,1,2,1,1,1,1]", 0, 4) "}", 4, NULL, 1, { { "a", MOTE_U8, 8, { 1, 2, 1, 2, 1, 1, 1, 1 }, 0, 4 } } },
    { "no elements", "{" T("a", "F64", "[3,0,2]", 0, 0) "}", 0, NULL, 1, { { "a", MOTE_F64, 3, { 3, 0, 2 }, 0, 0 } } },
    { "no elements at every seam", "{" T("c", "U8", "[0]", 1, 1) "," T("b", "U8", "[1]", 0, 1) "," T("a", "U8", "[0]", 0, 0) "}", 1, NULL, 3,
      { { "a", MOTE_U8, 1, { 0 }, 0, 0 }, { "b", MOTE_U8, 1, { 1 }, 0, 1 }, { "c", MOTE_U8, 1, { 0 }, 1, 0 } } },
    { "names and places in other orders", "{" T("b", "U8", "[2]", 4, 6) "," T("c", "U16", "[1]", 0, 2) "," T("a", "I8", "[2]", 2, 4) "}", 6, NULL, 3,
      { { "a", MOTE_I8, 1, { 2 }, 2, 2 }, { "b", MOTE_U8, 1, { 2 }, 4, 2 }, { "c", MOTE_U16, 1, { 1 }, 0, 2 } } },
    { "broken into lines", "{\n\t\"a\" : {\r\n\"shape\" : [ 1 ] ,\"data_offsets\":[0, 1],\"dtype\":\"U8\" } }", 1, NULL, 1, { { "a", MOTE_U8, 1, { 1 }, 0, 1 } } },
    { "name of 255 bytes", "{" T(NAME_255, "U8", "[1]", 0, 1) "}", 1, NULL, 1, { { NAME_255, MOTE_U8, 1, { 1 }, 0, 1 } } },
    { "D27 names are data", "{" T("../x", "U8", "[1]", 0, 1) "," T("/etc/passwd", "U8", "[1]", 1, 2) "}", 2, NULL, 2,
      { { "../x", MOTE_U8, 1, { 1 }, 0, 1 }, { "/etc/passwd", MOTE_U8, 1, { 1 }, 1, 1 } } },
    { "name with quotes and brackets", "{" T("\\\"]}[{\\\\", "U8", "[1]", 0, 1) "}", 1, NULL, 1, { { "\"]}[{\\", MOTE_U8, 1, { 1 }, 0, 1 } } },
    { "BOOL", "{" T("a", "BOOL", "[2]", 0, 2) "}", 2, NULL, 1, { { "a", MOTE_BOOL, 1, { 2 }, 0, 2 } } },
    { "U8", "{" T("a", "U8", "[2]", 0, 2) "}", 2, NULL, 1, { { "a", MOTE_U8, 1, { 2 }, 0, 2 } } },
    { "I8", "{" T("a", "I8", "[2]", 0, 2) "}", 2, NULL, 1, { { "a", MOTE_I8, 1, { 2 }, 0, 2 } } },
    { "U16", "{" T("a", "U16", "[2]", 0, 4) "}", 4, NULL, 1, { { "a", MOTE_U16, 1, { 2 }, 0, 4 } } },
    { "I16", "{" T("a", "I16", "[2]", 0, 4) "}", 4, NULL, 1, { { "a", MOTE_I16, 1, { 2 }, 0, 4 } } },
    { "U32", "{" T("a", "U32", "[2]", 0, 8) "}", 8, NULL, 1, { { "a", MOTE_U32, 1, { 2 }, 0, 8 } } },
    { "I32", "{" T("a", "I32", "[2]", 0, 8) "}", 8, NULL, 1, { { "a", MOTE_I32, 1, { 2 }, 0, 8 } } },
    { "U64", "{" T("a", "U64", "[2]", 0, 16) "}", 16, NULL, 1, { { "a", MOTE_U64, 1, { 2 }, 0, 16 } } },
    { "I64", "{" T("a", "I64", "[2]", 0, 16) "}", 16, NULL, 1, { { "a", MOTE_I64, 1, { 2 }, 0, 16 } } },
    { "F16", "{" T("a", "F16", "[2]", 0, 4) "}", 4, NULL, 1, { { "a", MOTE_F16, 1, { 2 }, 0, 4 } } },
    { "BF16", "{" T("a", "BF16", "[2]", 0, 4) "}", 4, NULL, 1, { { "a", MOTE_BF16, 1, { 2 }, 0, 4 } } },
    { "F32", "{" T("a", "F32", "[2]", 0, 8) "}", 8, NULL, 1, { { "a", MOTE_F32, 1, { 2 }, 0, 8 } } },
    { "F64", "{" T("a", "F64", "[2]", 0, 16) "}", 16, NULL, 1, { { "a", MOTE_F64, 1, { 2 }, 0, 16 } } },
    { "C64", "{" T("a", "C64", "[2]", 0, 16) "}", 16, NULL, 1, { { "a", MOTE_C64, 1, { 2 }, 0, 16 } } },
    { "F8_E4M3", "{" T("a", "F8_E4M3", "[2]", 0, 2) "}", 2, NULL, 1, { { "a", MOTE_F8_E4M3, 1, { 2 }, 0, 2 } } },
    { "F8_E5M2", "{" T("a", "F8_E5M2", "[2]", 0, 2) "}", 2, NULL, 1, { { "a", MOTE_F8_E5M2, 1, { 2 }, 0, 2 } } },
    { "F8_E8M0", "{" T("a", "F8_E8M0", "[2]", 0, 2) "}", 2, NULL, 1, { { "a", MOTE_F8_E8M0, 1, { 2 }, 0, 2 } } },
    { "F8_E4M3FNUZ", "{" T("a", "F8_E4M3FNUZ", "[2]", 0, 2) "}", 2, NULL, 1, { { "a", MOTE_F8_E4M3FNUZ, 1, { 2 }, 0, 2 } } },
    { "F8_E5M2FNUZ", "{" T("a", "F8_E5M2FNUZ", "[2]", 0, 2) "}", 2, NULL, 1, { { "a", MOTE_F8_E5M2FNUZ, 1, { 2 }, 0, 2 } } },
    { "F6_E2M3", "{" T("a", "F6_E2M3", "[4]", 0, 3) "}", 3, NULL, 1, { { "a", MOTE_F6_E2M3, 1, { 4 }, 0, 3 } } },
    { "F6_E3M2", "{" T("a", "F6_E3M2", "[2,2]", 0, 3) "}", 3, NULL, 1, { { "a", MOTE_F6_E3M2, 2, { 2, 2 }, 0, 3 } } },
    { "F4", "{" T("a", "F4", "[3,2]", 0, 3) "}", 3, NULL, 1, { { "a", MOTE_F4, 2, { 3, 2 }, 0, 3 } } },
};
/* clang-format on */

START_TEST(safetensors_reads_table)
{
    const char *name = good_safetensors[_i].name;
    bytes file = safetensors_file(good_safetensors[_i].header, good_safetensors[_i].data);
    const bytes in = exact_copy(file.p, file.n);
    mote_model *m = must_open(name, &in);
    ck_assert_str_eq(mote_model_format(m), "safetensors");
    const char *metadata = mote_model_metadata(m), *wanted = good_safetensors[_i].metadata;
    ck_assert_msg((metadata == NULL) == (wanted == NULL), "%s: metadata", name);
    if (metadata != NULL) ck_assert_str_eq(metadata, wanted);
    size_t n;
    const mote_model_tensor *t = mote_model_tensors(m, &n);
    ck_assert_msg(n == good_safetensors[_i].n, "%s: %zu tensors", name, n);
    for (size_t i = 0; i < n; i++) {
        const expected *x = &good_safetensors[_i].t[i];
        ck_assert_msg(strcmp(t[i].name, x->name) == 0 && t[i].dtype == x->dtype && t[i].rank == x->rank &&
                          memcmp(t[i].shape, x->shape, sizeof x->shape) == 0 && t[i].bytes == x->bytes,
                      "%s: tensor %zu is another", name, i);
        const uint8_t *data;
        ck_assert_int_eq(mote_model_data(m, i, &data, NULL), MOTE_OK);
        ck_assert_ptr_nonnull(data);
        const uint8_t *place = in.p + 8 + strlen(good_safetensors[_i].header) + x->at;
        if (x->bytes > 0) ck_assert_msg(data == place, "%s: tensor %zu is no view of its bytes", name, i);
    }
    const uint8_t *none;
    ck_assert_int_eq(mote_model_data(m, n, &none, NULL), MOTE_ERR_ARG);
    mote_model_close(m);

    for (size_t cut = 0; cut < file.n; cut++) { /* every truncation is refused */
        const bytes part = exact_copy(file.p, cut);
        ck_assert_msg(mote_model_open(&m, part.p, part.n, NULL) == MOTE_ERR_MODEL, "%s: cut to %zu", name, cut);
        free(part.p);
    }
    append_number(&file, ' ', 1); /* D25: and so is a byte more */
    must_refuse(name, &file, MOTE_ERR_MODEL, "1 bytes at the end");
    free(in.p);
    free(file.p);
}
END_TEST

#define BEYOND_4_GIB "{" T("a", "U8", "[4294967299]", 0, 4294967299) "," T("b", "U8", "[2]", 4294967299, 4294967301) "}"

#if WIDE_SIZE
/* D6, A19: places beyond 2^32 in a file that is an untouched mapping. */
START_TEST(safetensors_places_beyond_4_gib)
{
    static const char header[] = BEYOND_4_GIB;
    const size_t head = 8 + strlen(header), size = head + 4294967301u;
    uint8_t *file = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ck_assert_ptr_ne(file, MAP_FAILED);
    mote_put64(file, strlen(header));
    memcpy(file + 8, header, strlen(header));
    const bytes in = { .p = file, .n = size };
    mote_model *m = must_open("4 GiB", &in);
    size_t n;
    const mote_model_tensor *t = mote_model_tensors(m, &n);
    ck_assert(n == 2 && t[0].elements == 4294967299u && t[0].bytes == 4294967299u);
    const uint8_t *data;
    ck_assert_int_eq(mote_model_data(m, 1, &data, NULL), MOTE_OK);
    ck_assert(data == file + head + 4294967299u);
    mote_model_close(m);
    munmap(file, size);
}
END_TEST
#endif

/* D6, A19: what machines with 32 bits would find where these places are cut to theirs. */
START_TEST(safetensors_places_are_not_cut_to_32_bits)
{
    bytes file = safetensors_file(BEYOND_4_GIB, 4294967301u & 0xFFFFFFFF);
    must_refuse("places", &file, MOTE_ERR_MODEL, "outside the file");
    free(file.p);
    /* A dimension of 2^32 + 1 whose low half would fit. */
    file = safetensors_file("{" T("a", "U8", "[4294967297]", 0, 1) "}", 1);
    must_refuse("dimension", &file, MOTE_ERR_MODEL, "hold 1 bytes");
    free(file.p);
}
END_TEST

START_TEST(formats_are_told_by_their_bytes)
{
    static const struct {
        const char *name, *text;
        size_t n;
    } rows[] = {
        { "empty file", "", 0 },
        { "one byte", "{", 1 },
        { "seven bytes", "\x02\0\0\0\0\0\0", 7 },
        { "a picture", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16 },
        { "a program",
          "\x7f"
          "ELF\2\1\1\0\0\0\0\0\0\0\0\0",
          16 },
        { "JSON", "{\"a\": 1}   ", 11 },
    };
    for (size_t i = 0; i < N(rows); i++) {
        const bytes file = exact_copy(rows[i].text, rows[i].n);
        must_refuse(rows[i].name, &file, MOTE_ERR_MODEL, "");
        free(file.p);
    }
    mote_model *m;
    ck_assert_int_eq(mote_model_open(&m, NULL, 0, NULL), MOTE_ERR_MODEL);
    ck_assert_int_eq(mote_model_open(&m, NULL, 1, NULL), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_model_open(NULL, (const uint8_t *)"x", 1, NULL), MOTE_ERR_ARG);
    mote_model_close(NULL);

    /* A header length that reads "PK\3\4": the brace behind it decides. */
    bytes file = { 0 };
    append_number(&file, 0x04034b50, 8);
    append(&file, "{}", 2);
    file.p = realloc(file.p, 8 + 0x04034b50u);
    ck_assert_ptr_nonnull(file.p);
    memset(file.p + 10, ' ', 0x04034b50u - 2);
    file.n = 8 + 0x04034b50u;
    m = must_open("length that looks like a zip", &file);
    ck_assert_str_eq(mote_model_format(m), "safetensors");
    mote_model_close(m);
    free(file.p);
}
END_TEST

/* ---- npy ---- */

static bytes npy_file(unsigned version, const char *dict, size_t data)
{
    bytes b = { 0 };
    append(&b, "\x93NUMPY", 6);
    append_number(&b, version, 2);
    append_number(&b, strlen(dict), version == 1 ? 2 : 4);
    append(&b, dict, strlen(dict));
    append_data(&b, data);
    return b;
}

#define DICT(descr, fortran, shape) "{'descr': '" descr "', 'fortran_order': " fortran ", 'shape': " shape ", }     \n"

/* clang-format off */
static const struct { const char *name; unsigned version; const char *dict; size_t data; const char *says; } bad_npy[] = {
    { "version 0", 0x0000, DICT("<f4", "False", "(1,)"), 4, "no npy header" },
    { "version 4", 0x0004, DICT("<f4", "False", "(1,)"), 4, "no npy header" },
    { "version 1.1", 0x0101, DICT("<f4", "False", "(1,)"), 4, "no npy header" },
    { "D25 a byte too many", 1, DICT("<f4", "False", "(1,)"), 5, "5 bytes follow" },
    { "D5 a byte too few", 1, DICT("<f4", "False", "(1,)"), 3, "3 bytes follow" },
    { "no line feed", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }  ", 4, "malformed" },
    { "two line feeds", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n\n", 4, "malformed" },
    { "something after the dictionary", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } 0\n", 4, "malformed" },
    { "header is empty", 1, "", 0, "ends too early" },
    { "dictionary is empty", 1, "{}\n", 0, "malformed" },
    { "dictionary has no end", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), \n", 4, "malformed" },
    { "no shape", 1, "{'descr': '<f4', 'fortran_order': False}\n", 4, "malformed" },
    { "no order", 1, "{'descr': '<f4', 'shape': (1,)}\n", 4, "malformed" },
    { "no type", 1, "{'fortran_order': False, 'shape': (1,)}\n", 4, "malformed" },
    { "D17 repeated key", 1, "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}\n", 4, "malformed" },
    { "unknown key", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}\n", 4, "malformed" },
    { "no comma between", 1, "{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}\n", 4, "malformed" },
    { "two commas", 1, "{'descr': '<f4',, 'fortran_order': False, 'shape': (1,)}\n", 4, "malformed" },
    { "escape in a key", 1, "{'d\\x65scr': '<f4', 'fortran_order': False, 'shape': (1,)}\n", 4, "malformed" },
    { "quotes that differ", 1, "{'descr\": '<f4', 'fortran_order': False, 'shape': (1,)}\n", 4, "malformed" },
    { "key without an end", 1, "{'descr", 0, "malformed" },
    { "text longer than any type", 1, DICT("<f4aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "False", "(1,)"), 4, "malformed" },
    { "D21 type is a number", 1, "{'descr': 4, 'fortran_order': False, 'shape': (1,)}\n", 4, "malformed" },
    { "D21 order is a number", 1, DICT("<f4", "0", "(1,)"), 4, "malformed" },
    { "D21 order in small letters", 1, DICT("<f4", "false", "(1,)"), 4, "malformed" },
    { "D21 order runs on", 1, DICT("<f4", "Falsely", "(1,)"), 4, "malformed" },
    { "D21 shape is a number", 1, DICT("<f4", "False", "1"), 4, "malformed" },
    { "shape is a number in brackets", 1, DICT("<f4", "False", "(1)"), 4, "malformed" },
    { "D21 shape is a list", 1, DICT("<f4", "False", "[1]"), 4, "malformed" },
    { "negative dimension", 1, DICT("<f4", "False", "(-1,)"), 4, "malformed" },
    { "dimension with a leading zero", 1, DICT("<f4", "False", "(01,)"), 4, "malformed" },
    { "dimension with an underscore", 1, DICT("<f4", "False", "(1_0,)"), 40, "malformed" },
    { "long integer of Python 2", 1, DICT("<f4", "False", "(1L,)"), 4, "malformed" },
    { "fraction", 1, DICT("<f4", "False", "(1.0,)"), 4, "malformed" },
    { "shape of one comma", 1, DICT("<f4", "False", "(,)"), 4, "malformed" },
    { "shape without an end", 1, DICT("<f4", "False", "(1,"), 4, "malformed" },
    { "an expression", 1, DICT("<f4", "False", "(2*2,)"), 16, "malformed" },
    { "D1 dimension of 2^63", 1, DICT("|u1", "False", "(9223372036854775808,)"), 4, "malformed" },
    { "D1 dimension of 2^64 + 1", 1, DICT("|u1", "False", "(18446744073709551617,)"), 1, "malformed" },
    { "D1 dimension of 2^63 - 1", 1, DICT("<u2", "False", "(9223372036854775807,)"), 4, "too large" },
    { "D3 product wraps to 0", 1, DICT("|u1", "False", "(4294967296, 4294967296)"), 0, "too large" },
    { "D3 bytes wrap", 1, DICT("<c16", "False", "(1152921504606846977,)"), 16, "too large" },
    { "D3 zero hides a product that wraps", 1, DICT("|u1", "False", "(4294967296, 4294967296, 0)"), 0, "too large" },
    { "D6 low half would fit", 1, DICT("|u1", "False", "(4294967297,)"), 1, "needs 4294967297" },
    { "D20 1 KiB declared as 4 GiB", 1, DICT("<f4", "False", "(1073741824,)"), 1024, "needs 4294967296" },
    { "rank 9", 1, DICT("|u1", "False", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"), 1, "9 dimensions" },
    { "objects", 1, DICT("|O", "False", "(1,)"), 8, "objects" },
    { "records", 1, "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}\n", 4, "records" },
    { "nested type", 1, "{'descr': ('<f4', (2,)), 'fortran_order': False, 'shape': (1,)}\n", 8, "records" },
    { "bytes", 1, DICT("|S4", "False", "(1,)"), 4, "text" },
    { "text", 1, DICT("<U1", "False", "(1,)"), 4, "text" },
    { "raw bytes, as bf16 is saved", 1, DICT("|V2", "False", "(1,)"), 2, "convert them first" },
    { "raw bytes with an order", 1, DICT("<V2", "False", "(1,)"), 2, "convert them first" },
    { "dates", 1, DICT("<M8[s]", "False", "(1,)"), 8, "dates" },
    { "time spans", 1, DICT("<m8[s]", "False", "(1,)"), 8, "dates" },
    { "long double", 1, DICT("<f16", "False", "(1,)"), 16, "no such type" },
    { "complex long double", 1, DICT("<c32", "False", "(1,)"), 32, "no such type" },
    { "float of one byte", 1, DICT("<f1", "False", "(1,)"), 1, "no such type" },
    { "no byte order", 1, DICT("f4", "False", "(1,)"), 4, "no such type" },
    { "native byte order", 1, DICT("=f4", "False", "(1,)"), 4, "no such type" },
    { "byte order that does not matter", 1, DICT("|f4", "False", "(1,)"), 4, "no such type" },
    { "no type name", 1, DICT("", "False", "(1,)"), 4, "no such type" },
    { "type of one character", 1, DICT("<", "False", "(1,)"), 4, "no such type" },
    { "type with a tail", 1, DICT("<f4 ", "False", "(1,)"), 4, "no such type" },
    { "type with control characters", 1, DICT("<f4\x1b[1m", "False", "(1,)"), 4, "malformed" },
};
/* clang-format on */

START_TEST(npy_refuses_table)
{
    bytes file = npy_file(bad_npy[_i].version, bad_npy[_i].dict, bad_npy[_i].data);
    must_refuse(bad_npy[_i].name, &file, MOTE_ERR_MODEL, bad_npy[_i].says);
    free(file.p);
}
END_TEST

START_TEST(npy_refuses_long_headers)
{
    bytes file = { 0 };
    append(&file, "\x93NUMPY\2\0\0\0\1\0", 12); /* 65,536 bytes */
    memset(grow(&file, 65536), ' ', 65536);
    must_refuse("version 2, 65536 bytes", &file, MOTE_ERR_MODEL, "at most 65535");
    mote_put32(file.p + 8, UINT32_MAX);
    must_refuse("D1 version 2, 2^32 - 1 bytes", &file, MOTE_ERR_MODEL, "at most 65535");
    mote_put32(file.p + 8, 65535);
    file.n = 12 + 65534;
    must_refuse("D2 one byte longer than the file", &file, MOTE_ERR_MODEL, "ends too early");
    free(file.p);
}
END_TEST

/* Six elements of two dimensions (3, 2), numbered in the order they lie in the file. */
/* clang-format off */
static const struct { const char *name; unsigned version; const char *dict; mote_dtype dtype; unsigned rank; uint64_t shape[3]; size_t width; bool swap, view; uint8_t order[12]; } good_npy[] = {
    { "bool", 1, DICT("|b1", "False", "(3, 2)"), MOTE_BOOL, 2, { 3, 2 }, 1, false, true, { 0, 1, 2, 3, 4, 5 } },
    { "u1", 1, DICT("|u1", "False", "(3, 2)"), MOTE_U8, 2, { 3, 2 }, 1, false, true, { 0, 1, 2, 3, 4, 5 } },
    { "i1", 1, DICT("|i1", "False", "(3, 2)"), MOTE_I8, 2, { 3, 2 }, 1, false, true, { 0, 1, 2, 3, 4, 5 } },
    { "u1, order stated", 1, DICT(">u1", "False", "(3, 2)"), MOTE_U8, 2, { 3, 2 }, 1, false, true, { 0, 1, 2, 3, 4, 5 } },
    { "u2", 1, DICT("<u2", "False", "(3, 2)"), MOTE_U16, 2, { 3, 2 }, 2, false, true, { 0, 1, 2, 3, 4, 5 } },
    { "i2", 1, DICT("<i2", "False", "(3, 2)"), MOTE_I16, 2, { 3, 2 }, 2, false, true, { 0, 1, 2, 3, 4, 5 } },
    { "u4", 1, DICT("<u4", "False", "(3, 2)"), MOTE_U32, 2, { 3, 2 }, 4, false, true, { 0, 1, 2, 3, 4, 5 } },
    { "i4", 1, DICT("<i4", "False", "(3, 2)"), MOTE_I32, 2, { 3, 2 }, 4, false, true, { 0, 1, 2, 3, 4, 5 } },
    { "u8", 1, DICT("<u8", "False", "(3, 2)"), MOTE_U64, 2, { 3, 2 }, 8, false, true, { 0, 1, 2, 3, 4, 5 } },
    { "i8", 1, DICT("<i8", "False", "(3, 2)"), MOTE_I64, 2, { 3, 2 }, 8, false, true, { 0, 1, 2, 3, 4, 5 } },
    { "f2", 1, DICT("<f2", "False", "(3, 2)"), MOTE_F16, 2, { 3, 2 }, 2, false, true, { 0, 1, 2, 3, 4, 5 } },
    { "f4", 1, DICT("<f4", "False", "(3, 2)"), MOTE_F32, 2, { 3, 2 }, 4, false, true, { 0, 1, 2, 3, 4, 5 } },
    { "f8", 1, DICT("<f8", "False", "(3, 2)"), MOTE_F64, 2, { 3, 2 }, 8, false, true, { 0, 1, 2, 3, 4, 5 } },
    { "c8", 1, DICT("<c8", "False", "(3, 2)"), MOTE_C64, 2, { 3, 2 }, 8, false, true, { 0, 1, 2, 3, 4, 5 } },
    { "c16", 1, DICT("<c16", "False", "(3, 2)"), MOTE_C128, 2, { 3, 2 }, 16, false, true, { 0, 1, 2, 3, 4, 5 } },
    { "big-endian u2", 1, DICT(">u2", "False", "(3, 2)"), MOTE_U16, 2, { 3, 2 }, 2, true, false, { 0, 1, 2, 3, 4, 5 } },
    { "big-endian i4", 1, DICT(">i4", "False", "(3, 2)"), MOTE_I32, 2, { 3, 2 }, 4, true, false, { 0, 1, 2, 3, 4, 5 } },
    { "big-endian f8", 1, DICT(">f8", "False", "(3, 2)"), MOTE_F64, 2, { 3, 2 }, 8, true, false, { 0, 1, 2, 3, 4, 5 } },
    { "big-endian c8", 1, DICT(">c8", "False", "(3, 2)"), MOTE_C64, 2, { 3, 2 }, 8, true, false, { 0, 1, 2, 3, 4, 5 } },
    { "big-endian c16", 1, DICT(">c16", "False", "(3, 2)"), MOTE_C128, 2, { 3, 2 }, 16, true, false, { 0, 1, 2, 3, 4, 5 } },
    { "Fortran", 1, DICT("<f4", "True", "(3, 2)"), MOTE_F32, 2, { 3, 2 }, 4, false, false, { 0, 3, 1, 4, 2, 5 } },
    { "Fortran, big-endian", 1, DICT(">f4", "True", "(3, 2)"), MOTE_F32, 2, { 3, 2 }, 4, true, false, { 0, 3, 1, 4, 2, 5 } },
    { "Fortran, three dimensions", 1, DICT("<i2", "True", "(2, 3, 2)"), MOTE_I16, 3, { 2, 3, 2 }, 2, false, false, { 0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11 } },
    { "Fortran, one wide dimension", 1, DICT("<i2", "True", "(1, 6, 1)"), MOTE_I16, 3, { 1, 6, 1 }, 2, false, true, { 0, 1, 2, 3, 4, 5 } },
    { "Fortran, no elements", 1, DICT("<i2", "True", "(3, 0, 2)"), MOTE_I16, 3, { 3, 0, 2 }, 2, false, false, { 0 } },
    { "scalar", 1, DICT("<f4", "False", "()"), MOTE_F32, 0, { 0 }, 4, false, true, { 0 } },
    { "vector", 1, DICT("<f4", "False", "(6,)"), MOTE_F32, 1, { 6 }, 4, false, true, { 0, 1, 2, 3, 4, 5 } },
    { "version 2", 2, DICT("<f4", "False", "(6,)"), MOTE_F32, 1, { 6 }, 4, false, true, { 0, 1, 2, 3, 4, 5 } },
    { "version 3", 3, DICT("<f4", "False", "(6,)"), MOTE_F32, 1, { 6 }, 4, false, true, { 0, 1, 2, 3, 4, 5 } },
    { "other order, other quotes, no padding", 1, "{\"shape\":(3,2,),\"fortran_order\":False,'descr':\"<f4\"}\n", MOTE_F32, 2, { 3, 2 }, 4, false, true, { 0, 1, 2, 3, 4, 5 } },
    { "no comma after shape", 1, "{'shape': (3 , 2), 'descr' : '<f4' , 'fortran_order' : True }\n", MOTE_F32, 2, { 3, 2 }, 4, false, false, { 0, 3, 1, 4, 2, 5 } },
};
/* clang-format on */

START_TEST(npy_reads_table)
{
    const char *name = good_npy[_i].name;
    const size_t width = good_npy[_i].width;
    size_t n = 1;
    for (unsigned d = 0; d < good_npy[_i].rank; d++) n *= (size_t)good_npy[_i].shape[d];
    bytes file = npy_file(good_npy[_i].version, good_npy[_i].dict, n * width);
    const bytes in = exact_copy(file.p, file.n);
    mote_model *m = must_open(name, &in);
    ck_assert_str_eq(mote_model_format(m), "npy");
    ck_assert_ptr_null(mote_model_metadata(m));
    size_t count;
    const mote_model_tensor *t = mote_model_tensors(m, &count);
    ck_assert_msg(count == 1 && strcmp(t->name, "arr_0") == 0, "%s: another name", name);
    ck_assert_msg(t->dtype == good_npy[_i].dtype && t->rank == good_npy[_i].rank && t->elements == n &&
                      memcmp(t->shape, good_npy[_i].shape, good_npy[_i].rank * sizeof(uint64_t)) == 0,
                  "%s: another tensor", name);

    uint8_t wanted[12 * 16];
    const size_t part = t->dtype == MOTE_C64 || t->dtype == MOTE_C128 ? width / 2 : width;
    const uint8_t *elements = in.p + in.n - n * width;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < width; k++) {
            const size_t from = good_npy[_i].swap ? k / part * part + (part - 1 - k % part) : k;
            wanted[i * width + k] = elements[good_npy[_i].order[i] * width + from];
        }
    must_hold(name, m, 0, wanted, n * width);
    const uint8_t *data;
    ck_assert_int_eq(mote_model_data(m, 0, &data, NULL), MOTE_OK);
    ck_assert_msg((data == elements) == good_npy[_i].view, "%s: view or copy", name);
    mote_model_close(m); /* frees the copy that was not released */

    for (size_t cut = 0; cut < file.n; cut++) {
        const bytes short_one = exact_copy(file.p, cut);
        ck_assert_msg(mote_model_open(&m, short_one.p, cut, NULL) == MOTE_ERR_MODEL, "%s: cut to %zu", name, cut);
        free(short_one.p);
    }
    free(in.p);
    free(file.p);
}
END_TEST

/* ---- npz ---- */

/* A member as somebody with bad intentions would write it. */
typedef struct member {
    const char *name;
    size_t name_len; /* 0: strlen(name) */
    const char *dict;
    size_t data;
    unsigned method, flags;
    uint64_t claim; /* bytes of data that the archive states, 0: the true number */
    uint64_t claim_packed;
    uint32_t crc_xor;
    const char *central; /* another name in the directory */
    bool zip64, descriptor;
    bool shared; /* only in the directory, at the place of the member before */
    bool inside; /* its record and bytes are the data of the member before */
    unsigned central_method;
} member;

typedef struct trimmings {
    const char *before, *after, *comment;
} trimmings;

static void deflate_all(bytes *out, const bytes *in)
{
    z_stream z = { 0 };
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
    const size_t room = deflateBound(&z, in->n);
    out->p = malloc(room);
    ck_assert_ptr_nonnull(out->p);
    z.next_in = in->p;
    z.avail_in = (uInt)in->n;
    z.next_out = out->p;
    z.avail_out = (uInt)room;
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    out->n = z.total_out;
    deflateEnd(&z);
}

static void append_common(bytes *b, const member *m, unsigned method, uint32_t crc, uint64_t packed, uint64_t size,
                          size_t name_len)
{
    append_number(b, m->zip64 ? 45 : 20, 2);
    append_number(b, m->flags | (m->descriptor ? 8u : 0u), 2);
    append_number(b, method, 2);
    append_number(b, 0x00210000, 4);
    append_number(b, crc, 4);
    append_number(b, m->zip64 ? UINT32_MAX : packed, 4);
    append_number(b, m->zip64 ? UINT32_MAX : size, 4);
    append_number(b, name_len, 2);
    append_number(b, m->zip64 ? 20 : 0, 2);
}

/* Content, checksum and sizes of a member, and its local record with the content behind it. */
typedef struct packed {
    bytes local;
    uint32_t crc;
    uint64_t size, packed;
    size_t len;
} packed;

static packed pack_member(const member *m, const packed *inner)
{
    bytes content = npy_file(1, m->dict, m->data), body = { 0 };
    if (inner != NULL) append(&content, inner->local.p, inner->local.n);
    if (m->method == 8)
        deflate_all(&body, &content);
    else
        append(&body, content.p, content.n);
    packed p = { .crc = (uint32_t)crc32_z(0, content.p, content.n) ^ m->crc_xor,
                 .size = m->claim > 0 ? m->claim + 10 + strlen(m->dict) : content.n,
                 .packed = m->claim_packed > 0 ? m->claim_packed : body.n,
                 .len = m->name_len > 0 ? m->name_len : strlen(m->name) };
    append_number(&p.local, 0x04034b50, 4);
    if (m->descriptor)
        append_common(&p.local, m, m->method, 0, 0, 0, p.len);
    else
        append_common(&p.local, m, m->method, p.crc, p.packed, p.size, p.len);
    append(&p.local, m->name, p.len);
    if (m->zip64) {
        append_number(&p.local, 0x00100001, 4);
        append_number(&p.local, p.size, 8);
        append_number(&p.local, p.packed, 8);
    }
    append(&p.local, body.p, body.n);
    if (m->descriptor) {
        append_number(&p.local, 0x08074b50, 4);
        append_number(&p.local, p.crc, 4);
        append_number(&p.local, p.packed, 4);
        append_number(&p.local, p.size, 4);
    }
    free(content.p);
    free(body.p);
    return p;
}

static bytes zip_file(const member *members, size_t n, const trimmings *trim)
{
    bytes b = { 0 }, directory = { 0 };
    if (trim->before != NULL) append(&b, trim->before, strlen(trim->before));
    size_t at = b.n;
    for (size_t i = 0; i < n; i++) {
        const member *m = &members[i];
        const bool holds_next = i + 1 < n && m[1].inside;
        packed inner = { .crc = 0 };
        if (holds_next) inner = pack_member(m + 1, NULL);
        const packed p = pack_member(m, holds_next ? &inner : NULL);
        free(inner.local.p);
        if (m->inside) {
            at += 30 + strlen(m[-1].name) + 10 + strlen(m[-1].dict);
        } else if (!m->shared) {
            at = b.n;
            append(&b, p.local.p, p.local.n);
        }
        const char *central = m->central != NULL ? m->central : m->name;
        const size_t len = m->central != NULL ? strlen(central) : p.len;
        append_number(&directory, 0x02014b50, 4);
        append_number(&directory, 0x0314, 2);
        append_common(&directory, m, m->central_method > 0 ? m->central_method : m->method, p.crc, p.packed, p.size,
                      len);
        append_number(&directory, 0, 6);
        append_number(&directory, 0100644u << 16, 4);
        append_number(&directory, at, 4);
        append(&directory, central, len);
        if (m->zip64) {
            append_number(&directory, 0x00100001, 4);
            append_number(&directory, p.size, 8);
            append_number(&directory, p.packed, 8);
        }
        free(p.local.p);
    }
    const size_t start = b.n, comment = trim->comment == NULL ? 0 : strlen(trim->comment);
    append(&b, directory.p, directory.n);
    append_number(&b, 0x06054b50, 4);
    append_number(&b, 0, 4);
    append_number(&b, n, 2);
    append_number(&b, n, 2);
    append_number(&b, directory.n, 4);
    append_number(&b, start, 4);
    append_number(&b, comment, 2);
    if (comment > 0) append(&b, trim->comment, comment);
    if (trim->after != NULL) append(&b, trim->after, strlen(trim->after));
    free(directory.p);
    return b;
}

#define F4 DICT("<f4", "False", "(3, 2)")

/* clang-format off */
static const struct { const char *name; size_t n; member m[2]; trimmings trim; const char *says; } bad_npz[] = {
    { "member is no npy", 1, { { .name = "a.txt", .dict = F4, .data = 24 } }, { 0 }, "does not end in .npy" },
    { "member is a folder", 1, { { .name = "a/", .dict = F4, .data = 24 } }, { 0 }, "does not end in .npy" },
    { "suffix in capitals", 1, { { .name = "a.NPY", .dict = F4, .data = 24 } }, { 0 }, "does not end in .npy" },
    { "D2 name is the suffix alone", 1, { { .name = ".npy", .dict = F4, .data = 24 } }, { 0 }, "not 1 to 255 bytes" },
    { "D2 name of 256 bytes", 1, { { .name = NAME_255 "6.npy", .dict = F4, .data = 24 } }, { 0 }, "not 1 to 255 bytes" },
    { "D17 same name twice", 2, { { .name = "a.npy", .dict = F4, .data = 24 }, { .name = "a.npy", .dict = F4, .data = 24 } }, { 0 }, "already exists" },
    { "D17 same name in two encodings", 2, { { .name = "\x82.npy", .dict = F4, .data = 24 }, { .name = "\xc3\xa9.npy", .dict = F4, .data = 24, .flags = 0x800 } }, { 0 }, "already exists" },
    { "D17 NUL in a name", 1, { { .name = "a\0b.npy", .name_len = 7, .dict = F4, .data = 24 } }, { 0 }, "directory" },
    { "D17 NUL in a UTF-8 name", 1, { { .name = "a\0b.npy", .name_len = 7, .dict = F4, .data = 24, .flags = 0x800 } }, { 0 }, "directory" },
    { "D17 name is not UTF-8 but says so", 1, { { .name = "a\xff.npy", .dict = F4, .data = 24, .flags = 0x800 } }, { 0 }, "" },
    { "control character in a name", 1, { { .name = "a\x1b.npy", .dict = F4, .data = 24, .flags = 0x800 } }, { 0 }, "" },
    { "encrypted", 1, { { .name = "a.npy", .dict = F4, .data = 24, .flags = 1 } }, { 0 }, "encrypted" },
    { "bzip2", 1, { { .name = "a.npy", .dict = F4, .data = 24, .method = 12 } }, { 0 }, "neither stored nor deflated" },
    { "unknown method", 1, { { .name = "a.npy", .dict = F4, .data = 24, .method = 77 } }, { 0 }, "neither stored nor deflated" },
    { "directory says another method", 1, { { .name = "a.npy", .dict = F4, .data = 24, .central_method = 8 } }, { 0 }, "archive" },
    { "directory says another name", 1, { { .name = "a.npy", .central = "b.npy", .dict = F4, .data = 24 } }, { 0 }, "archive" },
    { "D20 1 KiB declared as 4 GiB", 1, { { .name = "a.npy", .dict = DICT("|u1", "False", "(4294967167,)"), .data = 1024, .method = 8, .claim = 4294966000 } }, { 0 }, "cannot come from" },
    { "D20 larger than declared", 1, { { .name = "a.npy", .dict = DICT("|u1", "False", "(2000,)"), .data = 2000, .method = 8, .claim = 930 } }, { 0 }, "bytes follow" },
    { "stored sizes that differ", 1, { { .name = "a.npy", .dict = F4, .data = 24, .claim = 100 } }, { 0 }, "cannot come from" },
    { "D5 packed size beyond the file", 1, { { .name = "a.npy", .dict = F4, .data = 24, .claim = 3900, .claim_packed = 4000 } }, { 0 }, "" },
    { "D16 two names for one member", 2, { { .name = "a.npy", .dict = F4, .data = 24 }, { .name = "a.npy", .central = "b.npy", .dict = F4, .data = 24, .shared = true } }, { 0 }, "archive" },
    { "D16 a member inside another", 2, { { .name = "a.npy", .dict = DICT("|u1", "False", "(4111,)") }, { .name = "b.npy", .dict = DICT("|u1", "False", "(4000,)"), .data = 4000, .inside = true } }, { 0 }, "left" },
    { "D25 bytes before", 1, { { .name = "a.npy", .dict = F4, .data = 24 } }, { .before = "PK\3\4 or so" }, "archive" },
    { "D25 bytes after", 1, { { .name = "a.npy", .dict = F4, .data = 24 } }, { .after = "x" }, "archive" },
    { "D25 comment", 1, { { .name = "a.npy", .dict = F4, .data = 24 } }, { .comment = "hidden" }, "directory" },
    { "npy with too few bytes", 1, { { .name = "a.npy", .dict = F4, .data = 23 } }, { 0 }, "a.npy: 23 bytes follow" },
    { "npy with too many bytes", 1, { { .name = "a.npy", .dict = F4, .data = 25, .method = 8 } }, { 0 }, "a.npy: 25 bytes follow" },
    { "npy of objects", 1, { { .name = "a.npy", .dict = DICT("|O", "False", "(1,)"), .data = 8 } }, { 0 }, "objects" },
    { "second member is bad", 2, { { .name = "a.npy", .dict = F4, .data = 24 }, { .name = "b.npy", .dict = "{}", .data = 24 } }, { 0 }, "b.npy: malformed" },
};
/* clang-format on */

START_TEST(npz_refuses_table)
{
    bytes file = zip_file(bad_npz[_i].m, bad_npz[_i].n, &bad_npz[_i].trim);
    must_refuse(bad_npz[_i].name, &file, MOTE_ERR_MODEL, bad_npz[_i].says);
    free(file.p);
}
END_TEST

/* Damage that shows only when the elements are read. */
/* clang-format off */
static const struct { const char *name; member m; size_t flip; const char *says; } damaged_npz[] = {
    { "stored, wrong checksum", { .name = "a.npy", .dict = F4, .data = 24, .crc_xor = 1 }, 0, "CRC" },
    { "deflated, wrong checksum", { .name = "a.npy", .dict = F4, .data = 24, .method = 8, .crc_xor = 1 }, 0, "CRC" },
    { "D20 larger than declared, by one array", { .name = "a.npy", .dict = DICT("|u1", "False", "(1000,)"), .data = 2000, .method = 8, .claim = 1000 }, 0, "" },
    { "stored, a byte of data changed", { .name = "a.npy", .dict = F4, .data = 24 }, 30 + 5 + 10 + 72, "CRC" },
};
/* clang-format on */

START_TEST(npz_refuses_damaged_members)
{
    const trimmings none = { 0 };
    const char *name = damaged_npz[_i].name;
    bytes file = zip_file(&damaged_npz[_i].m, 1, &none);
    if (damaged_npz[_i].flip > 0) file.p[damaged_npz[_i].flip] ^= 0x40;
    mote_model *m = must_open(name, &file);
    const uint8_t *data = NULL;
    mote_model_error error;
    for (int again = 0; again < 2; again++) {
        ck_assert_msg(mote_model_data(m, 0, &data, &error) == MOTE_ERR_MODEL, "%s: accepted", name);
        ck_assert_msg(data == NULL && strstr(error.text, damaged_npz[_i].says) != NULL, "%s: %s", name, error.text);
    }
    mote_model_close(m);
    free(file.p);
}
END_TEST

/* clang-format off */
static const struct { const char *name; member m; const char *tensor; bool fortran; } good_npz[] = {
    { "stored", { .name = "a.npy", .dict = F4, .data = 24 }, "a", false },
    { "deflated", { .name = "a.npy", .dict = F4, .data = 24, .method = 8 }, "a", false },
    { "sizes in a zip64 field", { .name = "a.npy", .dict = F4, .data = 24, .zip64 = true }, "a", false },
    { "sizes behind the data", { .name = "a.npy", .dict = F4, .data = 24, .method = 8, .descriptor = true }, "a", false },
    { "Fortran order", { .name = "a.npy", .dict = DICT("<f4", "True", "(3, 2)"), .data = 24, .method = 8 }, "a", true },
    { "D27 a path", { .name = "../../a.npy", .dict = F4, .data = 24 }, "../../a", false },
    { "suffix twice", { .name = "a.npy.npy", .dict = F4, .data = 24 }, "a.npy", false },
    { "a space", { .name = "a b.npy", .dict = F4, .data = 24 }, "a b", false },
    { "UTF-8", { .name = "\xc3\xa9.npy", .dict = F4, .data = 24, .flags = 0x800 }, "\xc3\xa9", false },
    { "code page 437, as Python reads it", { .name = "\x82.npy", .dict = F4, .data = 24 }, "\xc3\xa9", false },
    { "name of 255 bytes", { .name = NAME_255 ".npy", .dict = F4, .data = 24 }, NAME_255, false },
    { "padded head", { .name = "a.npy", .dict = "{'descr': '<f4',                                                                                                                                                                                                                                                                                                                                                             'fortran_order': False, 'shape': (3, 2)}\n", .data = 24, .method = 8 }, "a", false },
};
/* clang-format on */

START_TEST(npz_reads_table)
{
    const trimmings none = { 0 };
    const char *name = good_npz[_i].name;
    const bytes file = zip_file(&good_npz[_i].m, 1, &none);
    const bytes in = exact_copy(file.p, file.n);
    mote_model *m = must_open(name, &in);
    ck_assert_str_eq(mote_model_format(m), "npz");
    size_t n;
    const mote_model_tensor *t = mote_model_tensors(m, &n);
    ck_assert_msg(n == 1 && strcmp(t->name, good_npz[_i].tensor) == 0, "%s: name \"%s\"", name, t->name);
    bytes raw = { 0 }, wanted = { 0 };
    static const uint8_t order[6] = { 0, 3, 1, 4, 2, 5 };
    append_data(&raw, 24);
    for (size_t i = 0; i < 6; i++) append(&wanted, raw.p + 4 * (good_npz[_i].fortran ? order[i] : i), 4);
    must_hold(name, m, 0, wanted.p, wanted.n);
    mote_model_close(m);
    for (size_t cut = 0; cut < file.n; cut++) {
        const bytes part = exact_copy(file.p, cut);
        ck_assert_msg(mote_model_open(&m, part.p, cut, NULL) == MOTE_ERR_MODEL, "%s: cut to %zu", name, cut);
        free(part.p);
    }
    free(raw.p);
    free(wanted.p);
    free(in.p);
    free(file.p);
}
END_TEST

START_TEST(npz_may_be_empty)
{
    const trimmings none = { 0 };
    const bytes file = zip_file(NULL, 0, &none);
    mote_model *m = must_open("empty", &file);
    size_t n = 1;
    (void)mote_model_tensors(m, &n);
    ck_assert_uint_eq(n, 0);
    mote_model_close(m);
    free(file.p);
}
END_TEST

/* Different tensors from different threads: more threads than handles that are kept. */
enum { THREADS = 12, PER_THREAD = 8 };

typedef struct reader {
    mote_model *m;
    size_t first;
    bool good;
} reader;

static void *read_some(void *argument)
{
    reader *r = argument;
    r->good = true;
    size_t n;
    const mote_model_tensor *t = mote_model_tensors(r->m, &n);
    for (size_t i = r->first; i < n; i += THREADS) {
        const uint8_t *data;
        if (mote_model_data(r->m, i, &data, NULL) != MOTE_OK)
            r->good = false;
        else
            for (size_t k = 0; k < t[i].bytes; k++) r->good = r->good && data[k] == ((k * 7 + 1) & 0xff);
        mote_model_release(r->m, i);
    }
    return NULL;
}

START_TEST(npz_serves_threads)
{
    static char names[THREADS * PER_THREAD][16];
    static member members[THREADS * PER_THREAD];
    for (size_t i = 0; i < N(members); i++) {
        (void)snprintf(names[i], sizeof names[i], "t%03zu.npy", i);
        members[i] = (member){
            .name = names[i], .dict = DICT("|u1", "False", "(40000,)"), .data = 40000, .method = i % 2 ? 8 : 0
        };
    }
    const trimmings none = { 0 };
    const bytes file = zip_file(members, N(members), &none);
    mote_model *m = must_open("threads", &file);
    pthread_t threads[THREADS];
    reader readers[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        readers[i] = (reader){ .m = m, .first = i };
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_some, &readers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_msg(readers[i].good, "thread %zu read something else", i);
    }
    mote_model_close(m);
    free(file.p);
}
END_TEST

/* ---- exporters ---- */

static char scratch[64];

static void make_scratch(void)
{
    (void)snprintf(scratch, sizeof scratch, "mote_model_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(scratch));
}

static size_t count_entries(const char *path)
{
    DIR *dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    size_t n = 0;
    for (const struct dirent *d = readdir(dir); d != NULL; d = readdir(dir))
        n += strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
    (void)closedir(dir);
    return n;
}

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *walk)
{
    (void)s;
    (void)type;
    (void)walk;
    return remove(path);
}

static void remove_scratch(void)
{
    (void)nftw(scratch, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static bytes slurp(const char *path)
{
    bytes b = { 0 };
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s is not there", path);
    uint8_t buffer[65536];
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, f)) > 0;) append(&b, buffer, n);
    ck_assert_int_eq(fclose(f), 0);
    return b;
}

static mote_model_tensor tensor(const char *name, mote_dtype dtype, unsigned rank, uint64_t a, uint64_t b, uint64_t c)
{
    mote_model_tensor t = { .name = name, .dtype = dtype, .rank = rank, .shape = { a, b, c }, .elements = 1 };
    if (rank > 3)
        for (unsigned d = 3; d < rank; d++) t.shape[d] = 1;
    for (unsigned d = 0; d < rank; d++) t.elements *= t.shape[d];
    for (unsigned d = rank; d < 3; d++) t.shape[d] = 0;
    t.bytes = (t.elements * mote_dtype_bits((unsigned)dtype) + 7) / 8;
    return t;
}

static uint8_t pattern(size_t i, size_t k)
{
    return (uint8_t)(i * 31 + k * 13 + 5);
}

static mote_status write_all(mote_export_format format, const char *path, const mote_model_tensor *t, size_t n,
                             const char *metadata, mote_model_error *error)
{
    mote_export *e = NULL;
    mote_status st = mote_export_begin(&e, format, path, t, n, metadata, error);
    if (st != MOTE_OK) {
        ck_assert_ptr_null(e);
        return st;
    }
    for (size_t i = n; i-- > 0;) { /* in another order than the file's */
        uint8_t *data = NULL;
        ck_assert_int_eq(mote_export_map(e, i, &data), MOTE_OK);
        ck_assert_ptr_nonnull(data);
        for (size_t k = 0; k < t[i].bytes; k++) {
            ck_assert_uint_eq(data[k], 0);
            data[k] = pattern(i, k);
        }
        ck_assert_int_eq(mote_export_done(e, i), MOTE_OK);
    }
    return mote_export_commit(e, error);
}

/* t, in the order written, must be what the file holds. */
static void must_match(const char *name, mote_model *m, const mote_model_tensor *t, size_t n)
{
    size_t count;
    const mote_model_tensor *got = mote_model_tensors(m, &count);
    ck_assert_msg(count == n, "%s: %zu tensors", name, count);
    for (size_t i = 0; i < n; i++) {
        size_t j = 0;
        while (j < n && strcmp(got[j].name, t[i].name) != 0) j++;
        ck_assert_msg(j < n, "%s: no tensor \"%s\"", name, t[i].name);
        ck_assert_msg(got[j].dtype == t[i].dtype && got[j].rank == t[i].rank && got[j].bytes == t[i].bytes &&
                          memcmp(got[j].shape, t[i].shape, t[i].rank * sizeof(uint64_t)) == 0,
                      "%s: \"%s\" is another", name, t[i].name);
        const uint8_t *data;
        ck_assert_int_eq(mote_model_data(m, j, &data, NULL), MOTE_OK);
        for (size_t k = 0; k < t[i].bytes; k++)
            ck_assert_msg(data[k] == pattern(i, k), "%s: \"%s\" differs at byte %zu", name, t[i].name, k);
        mote_model_release(m, j);
    }
}

/* Every type: what becomes of it in npy. NULL: it cannot be written; V: it can, but not read back. */
/* clang-format off */
static const struct { mote_dtype dtype; bool safetensors; const char *descr; } every_type[] = {
    { MOTE_BOOL, true, "'|b1'" }, { MOTE_U8, true, "'|u1'" }, { MOTE_I8, true, "'|i1'" }, { MOTE_U16, true, "'<u2'" },
    { MOTE_I16, true, "'<i2'" }, { MOTE_U32, true, "'<u4'" }, { MOTE_I32, true, "'<i4'" }, { MOTE_U64, true, "'<u8'" },
    { MOTE_I64, true, "'<i8'" }, { MOTE_F16, true, "'<f2'" }, { MOTE_BF16, true, "'<V2'" }, { MOTE_F32, true, "'<f4'" },
    { MOTE_F64, true, "'<f8'" }, { MOTE_F8_E4M3, true, "'<V1'" }, { MOTE_F8_E5M2, true, "'<V1'" },
    { MOTE_F8_E4M3FNUZ, true, "'<V1'" }, { MOTE_F8_E5M2FNUZ, true, "'<V1'" }, { MOTE_F8_E8M0, true, "'<V1'" },
    { MOTE_F6_E2M3, true, NULL }, { MOTE_F6_E3M2, true, NULL }, { MOTE_F4, true, NULL }, { MOTE_U4, false, NULL },
    { MOTE_I4, false, NULL }, { MOTE_C64, true, "'<c8'" }, { MOTE_C128, false, "'<c16'" },
};
/* clang-format on */

static bool contains(const bytes *b, const char *text)
{
    return memmem(b->p, b->n, text, strlen(text)) != NULL;
}

START_TEST(every_type_goes_through_every_exporter)
{
    const mote_dtype dtype = every_type[_i].dtype;
    const char *name = mote_dtype_name((unsigned)dtype), *descr = every_type[_i].descr;
    ck_assert_uint_eq(N(every_type), MOTE_C128); /* a new type needs a row */
    const mote_model_tensor t[] = {
        tensor("w", dtype, 3, 4, 2, 5),
        tensor("eight", dtype, 8, 2, 1, 4),
        tensor("none", dtype, 2, 0, 7, 0),
        tensor("vector", dtype, 1, 8, 0, 0),
        tensor("a/../b.\xc3\xa9", dtype, 2, 4, 4, 0),
    };
    char path[128];
    mote_model_error error;
    make_scratch();

    (void)snprintf(path, sizeof path, "%s/out.safetensors", scratch);
    mote_status st = write_all(MOTE_EXPORT_SAFETENSORS, path, t, N(t), "{\"b\": \"1\", \"a\": \"x\"}", &error);
    if (every_type[_i].safetensors) {
        ck_assert_msg(st == MOTE_OK, "%s: %s", name, error.text);
        const bytes file = slurp(path);
        ck_assert_uint_eq(mote_le64(file.p) % 8, 0);
        mote_model *m = must_open(name, &file);
        must_match(name, m, t, N(t));
        ck_assert_str_eq(mote_model_metadata(m), "{\"a\":\"x\",\"b\":\"1\"}");
        mote_model_close(m);
        free(file.p);
    } else {
        ck_assert_msg(st == MOTE_ERR_UNSUPPORTED && strstr(error.text, name) != NULL, "%s in safetensors: %d", name,
                      st);
    }

    (void)snprintf(path, sizeof path, "%s/out.npz", scratch);
    st = write_all(MOTE_EXPORT_NPZ, path, t, N(t), NULL, &error);
    if (descr != NULL) {
        ck_assert_msg(st == MOTE_OK, "%s: %s", name, error.text);
        const bytes file = slurp(path);
        ck_assert_msg(contains(&file, descr), "%s: no %s in the npz", name, descr);
        if (descr[2] == 'V') {
            must_refuse(name, &file, MOTE_ERR_MODEL, "convert them first");
        } else {
            mote_model *m = must_open(name, &file);
            must_match(name, m, t, N(t));
            mote_model_close(m);
        }
        free(file.p);
    } else {
        ck_assert_msg(st == MOTE_ERR_UNSUPPORTED && strstr(error.text, name) != NULL, "%s in npz: %d", name, st);
    }

    (void)snprintf(path, sizeof path, "%s/out", scratch);
    st = write_all(MOTE_EXPORT_DIR, path, t, N(t), NULL, &error);
    if (descr != NULL) {
        ck_assert_msg(st == MOTE_OK, "%s: %s", name, error.text);
        ck_assert_uint_eq(count_entries(path), N(t));
        static const char *const files[] = { "w", "eight", "none", "vector", "a%2F..%2Fb.%C3%A9" };
        for (size_t i = 0; i < N(t); i++) {
            char inner[256];
            (void)snprintf(inner, sizeof inner, "%s/%s.npy", path, files[i]);
            const bytes file = slurp(inner);
            ck_assert_msg(contains(&file, descr), "%s: no %s in the npy", name, descr);
            ck_assert_uint_eq((file.n - t[i].bytes) % 64, 0);
            for (size_t k = 0; k < t[i].bytes; k++) ck_assert_uint_eq(file.p[file.n - t[i].bytes + k], pattern(i, k));
            if (descr[2] != 'V') {
                mote_model *m = must_open(name, &file);
                mote_model_close(m);
            }
            free(file.p);
        }
    } else {
        ck_assert_msg(st == MOTE_ERR_UNSUPPORTED && strstr(error.text, name) != NULL, "%s in a folder: %d", name, st);
    }
    const size_t outputs = (every_type[_i].safetensors ? 1u : 0u) + (descr != NULL ? 2u : 0u);
    ck_assert_msg(count_entries(scratch) == outputs, "%s: something was left behind", name);
    remove_scratch();
}
END_TEST

START_TEST(scalars_go_through_every_exporter)
{
    const mote_model_tensor t[] = { tensor("s", MOTE_F32, 0, 0, 0, 0), tensor("b", MOTE_BOOL, 0, 0, 0, 0) };
    char path[128];
    make_scratch();
    for (int format = MOTE_EXPORT_SAFETENSORS; format <= MOTE_EXPORT_NPZ; format++) {
        (void)snprintf(path, sizeof path, "%s/out%d", scratch, format);
        ck_assert_int_eq(write_all((mote_export_format)format, path, t, N(t), NULL, NULL), MOTE_OK);
        const bytes file = slurp(path);
        mote_model *m = must_open("scalars", &file);
        must_match("scalars", m, t, N(t));
        mote_model_close(m);
        free(file.p);
    }
    (void)snprintf(path, sizeof path, "%s/dir/", scratch); /* a slash at the end is fine */
    ck_assert_int_eq(write_all(MOTE_EXPORT_DIR, path, t, N(t), NULL, NULL), MOTE_OK);
    ck_assert_uint_eq(count_entries(path), 2);
    ck_assert_int_eq(write_all(MOTE_EXPORT_DIR, path, t, N(t), NULL, NULL), MOTE_ERR_IO); /* not empty now */
    ck_assert_int_eq(errno, ENOTEMPTY);
    (void)snprintf(path, sizeof path, "%s/empty", scratch);
    ck_assert_int_eq(mkdir(path, 0777), 0);
    ck_assert_int_eq(write_all(MOTE_EXPORT_DIR, path, t, 1, NULL, NULL), MOTE_OK); /* an empty one is replaced */
    ck_assert_uint_eq(count_entries(path), 1);
    ck_assert_uint_eq(count_entries(scratch), 4);
    remove_scratch();
}
END_TEST

START_TEST(outputs_without_tensors_are_whole)
{
    char path[128];
    make_scratch();
    for (int format = MOTE_EXPORT_SAFETENSORS; format <= MOTE_EXPORT_NPZ; format++) {
        (void)snprintf(path, sizeof path, "%s/out%d", scratch, format);
        ck_assert_int_eq(write_all((mote_export_format)format, path, NULL, 0, NULL, NULL), MOTE_OK);
        const bytes file = slurp(path);
        mote_model *m = must_open("empty", &file);
        must_match("empty", m, NULL, 0);
        mote_model_close(m);
        free(file.p);
    }
    (void)snprintf(path, sizeof path, "%s/dir", scratch);
    ck_assert_int_eq(write_all(MOTE_EXPORT_DIR, path, NULL, 0, NULL, NULL), MOTE_OK);
    ck_assert_uint_eq(count_entries(path), 0);
    remove_scratch();
}
END_TEST

/* D27: whatever a tensor is called, its file lies in the folder and no two share one. */
/* clang-format off */
static const struct { const char *name, *file; } file_names[] = {
    { "a", "a.npy" }, { "layer.0.weight", "layer.0.weight.npy" }, { "a-b_C9", "a-b_C9.npy" },
    { "../x", "%2E.%2Fx.npy" }, { "/etc/passwd", "%2Fetc%2Fpasswd.npy" }, { ".", "%2E.npy" }, { "..", "%2E..npy" },
    { ".hidden", "%2Ehidden.npy" }, { "a/b", "a%2Fb.npy" }, { "a%2Fb", "a%252Fb.npy" }, { "a\\b", "a%5Cb.npy" },
    { "a b", "a%20b.npy" }, { "~", "%7E.npy" }, { "a:b", "a%3Ab.npy" }, { "\xc3\xa9", "%C3%A9.npy" }, { "*?", "%2A%3F.npy" },
    { NAME_50 NAME_50 NAME_50 NAME_50, NAME_50 NAME_50 NAME_50 NAME_50 ".npy" },
    { NAME_50 NAME_50 NAME_50 NAME_50 "x", NAME_50 NAME_50 NAME_50 NAME_50 "%-17.npy" },
    { NAME_50 NAME_50 NAME_50 NAME_50 "y", NAME_50 NAME_50 NAME_50 NAME_50 "%-18.npy" },
    { NAME_50 NAME_50 NAME_50 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeee/f", NAME_50 NAME_50 NAME_50 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeee%-19.npy" },
    { NAME_255, NAME_50 NAME_50 NAME_50 NAME_50 "%-20.npy" },
};
/* clang-format on */

START_TEST(folder_names_are_never_paths)
{
    mote_model_tensor t[N(file_names)];
    for (size_t i = 0; i < N(t); i++) t[i] = tensor(file_names[i].name, MOTE_U16, 1, i, 0, 0);
    char path[128], inner[512];
    make_scratch();
    (void)snprintf(path, sizeof path, "%s/out", scratch);
    ck_assert_int_eq(write_all(MOTE_EXPORT_DIR, path, t, N(t), NULL, NULL), MOTE_OK);
    ck_assert_uint_eq(count_entries(scratch), 1);
    ck_assert_uint_eq(count_entries(path), N(t));
    for (size_t i = 0; i < N(t); i++) {
        (void)snprintf(inner, sizeof inner, "%s/%s", path, file_names[i].file);
        const bytes file = slurp(inner);
        mote_model *m = must_open(file_names[i].name, &file);
        size_t n;
        ck_assert_uint_eq(mote_model_tensors(m, &n)->elements, i);
        mote_model_close(m);
        free(file.p);
    }
    remove_scratch();
}
END_TEST

START_TEST(outputs_repeat_and_keep_the_umask)
{
    const mote_model_tensor t[] = { tensor("b", MOTE_F32, 2, 300, 17, 0), tensor("a", MOTE_U8, 1, 3, 0, 0),
                                    tensor("c", MOTE_F64, 1, 5, 0, 0) };
    char path[2][128];
    make_scratch();
    const mode_t mask = umask(027);
    for (int format = MOTE_EXPORT_SAFETENSORS; format <= MOTE_EXPORT_NPZ; format++) {
        bytes file[2];
        for (size_t k = 0; k < 2; k++) {
            (void)snprintf(path[k], sizeof path[k], "%s/out%d.%zu", scratch, format, k);
            ck_assert_int_eq(write_all((mote_export_format)format, path[k], t, N(t), NULL, NULL), MOTE_OK);
            struct stat s;
            ck_assert_int_eq(stat(path[k], &s), 0);
            ck_assert_uint_eq(s.st_mode & 0777, 0640);
            file[k] = slurp(path[k]);
        }
        ck_assert(file[0].n == file[1].n && memcmp(file[0].p, file[1].p, file[0].n) == 0);
        if (format == MOTE_EXPORT_SAFETENSORS) { /* the caller's order, not that of the names */
            const char *header = (const char *)file[0].p + 8;
            ck_assert_int_eq(
                strncmp(header, "{" T("b", "F32", "[300,17]", 0, 20400) "," T("a", "U8", "[3]", 20400, 20403) ",", 100),
                0);
        }
        free(file[0].p);
        free(file[1].p);
    }
    (void)umask(mask);
    remove_scratch();
}
END_TEST

/* clang-format off */
static const struct { const char *name; mote_export_format format; mote_dtype dtype; const char *tensor, *other; uint64_t dim; const char *metadata; mote_status st; const char *says; } bad_exports[] = {
    { "name without a byte", MOTE_EXPORT_NPZ, MOTE_U8, "", "x", 1, NULL, MOTE_ERR_ARG, "tensor 0" },
    { "name of 256 bytes", MOTE_EXPORT_DIR, MOTE_U8, NAME_255 "6", "x", 1, NULL, MOTE_ERR_ARG, "tensor 0" },
    { "control character", MOTE_EXPORT_NPZ, MOTE_U8, "a\n", "x", 1, NULL, MOTE_ERR_ARG, "tensor 0" },
    { "not UTF-8", MOTE_EXPORT_SAFETENSORS, MOTE_U8, "\x80", "x", 1, NULL, MOTE_ERR_ARG, "tensor 0" },
    { "no type", MOTE_EXPORT_SAFETENSORS, (mote_dtype)99, "a", "x", 1, NULL, MOTE_ERR_ARG, "tensor 0" },
    { "same name twice", MOTE_EXPORT_NPZ, MOTE_U8, "x", "x", 1, NULL, MOTE_ERR_ARG, "two tensors" },
    { "reserved name", MOTE_EXPORT_SAFETENSORS, MOTE_U8, "__metadata__", "x", 1, NULL, MOTE_ERR_UNSUPPORTED, "__metadata__" },
    { "half a byte", MOTE_EXPORT_SAFETENSORS, MOTE_F4, "a", "x", 3, NULL, MOTE_ERR_UNSUPPORTED, "3 elements of type F4" },
    { "metadata are no JSON", MOTE_EXPORT_SAFETENSORS, MOTE_U8, "a", "x", 1, "{", MOTE_ERR_ARG, "metadata" },
    { "metadata are a list", MOTE_EXPORT_SAFETENSORS, MOTE_U8, "a", "x", 1, "[]", MOTE_ERR_ARG, "metadata" },
    { "metadata with a number", MOTE_EXPORT_SAFETENSORS, MOTE_U8, "a", "x", 1, "{\"a\":1}", MOTE_ERR_ARG, "metadata" },
    { "metadata with a key twice", MOTE_EXPORT_SAFETENSORS, MOTE_U8, "a", "x", 1, "{\"a\":\"1\",\"a\":\"2\"}", MOTE_ERR_ARG, "metadata" },
    { "more than any disk, safetensors", MOTE_EXPORT_SAFETENSORS, MOTE_U8, "a", "x", (uint64_t)1 << 59, NULL, MOTE_ERR_IO, "cannot write" },
    { "more than any disk, npz", MOTE_EXPORT_NPZ, MOTE_U8, "a", "x", (uint64_t)1 << 59, NULL, MOTE_ERR_IO, "cannot write" },
    { "more than any disk, folder", MOTE_EXPORT_DIR, MOTE_U8, "a", "x", (uint64_t)1 << 59, NULL, MOTE_ERR_IO, "cannot write" },
};
/* clang-format on */

START_TEST(export_refuses_table)
{
    const char *name = bad_exports[_i].name;
    mote_model_tensor t[2] = { tensor(bad_exports[_i].tensor, bad_exports[_i].dtype, 1, bad_exports[_i].dim, 0, 0),
                               tensor(bad_exports[_i].other, bad_exports[_i].dtype, 1, bad_exports[_i].dim, 0, 0) };
    char path[128];
    mote_model_error error = { .text = "" };
    mote_export *e = NULL;
    make_scratch();
    (void)snprintf(path, sizeof path, "%s/out", scratch);
    const mote_status st = mote_export_begin(&e, bad_exports[_i].format, path, t, 2, bad_exports[_i].metadata, &error);
    ck_assert_msg(st == bad_exports[_i].st && e == NULL, "%s: status %d", name, st);
    ck_assert_msg(strstr(error.text, bad_exports[_i].says) != NULL, "%s: %s", name, error.text);
    ck_assert_msg(count_entries(scratch) == 0, "%s: something was left behind", name);
    remove_scratch();
}
END_TEST

/* D4: sizes that are possible one by one, but whose sum wraps. */
START_TEST(export_refuses_sums_that_wrap)
{
    static char names[40][4];
    mote_model_tensor t[40];
    for (size_t i = 0; i < N(t); i++) {
        (void)snprintf(names[i], sizeof names[i], "%zu", i);
        t[i] = tensor(names[i], MOTE_U8, 1, ((uint64_t)1 << 60) - 1, 0, 0);
    }
    char path[128];
    mote_export *e = NULL;
    mote_model_error error;
    make_scratch();
    (void)snprintf(path, sizeof path, "%s/out", scratch);
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_SAFETENSORS, path, t, N(t), NULL, &error), MOTE_ERR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.text, "2^63"));
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_NPZ, path, t, N(t), NULL, &error), MOTE_ERR_IO);
    ck_assert_int_eq(errno, EFBIG);
    ck_assert(e == NULL && count_entries(scratch) == 0);
    remove_scratch();
}
END_TEST

START_TEST(export_refuses_a_header_that_none_would_read)
{
    enum { LONG = 100000000 - 24 + 1 }; /* with {"__metadata__":{"a":""}} around it one byte too many */
    char *metadata = malloc(LONG + 16);
    ck_assert_ptr_nonnull(metadata);
    memset(metadata, 'x', LONG + 8);
    memcpy(metadata, "{\"a\":\"", 6);
    memcpy(metadata + 6 + LONG, "\"}", 3);
    mote_export *e = NULL;
    mote_model_error error;
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_SAFETENSORS, "never", NULL, 0, metadata, &error),
                     MOTE_ERR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.text, "100000008 bytes"));
    ck_assert_int_ne(access("never", F_OK), 0);
    free(metadata);
}
END_TEST

START_TEST(export_refuses_sizes_that_do_not_follow)
{
    mote_model_tensor t = tensor("a", MOTE_F32, 2, 3, 5, 0);
    mote_export *e;
    t.bytes--;
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_NPZ, "never", &t, 1, NULL, NULL), MOTE_ERR_ARG);
    t = tensor("a", MOTE_F32, 2, 3, 5, 0);
    t.elements = 14;
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_NPZ, "never", &t, 1, NULL, NULL), MOTE_ERR_ARG);
    t = tensor("a", MOTE_F32, 2, 3, 5, 0);
    t.rank = 9;
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_NPZ, "never", &t, 1, NULL, NULL), MOTE_ERR_ARG);
    t = tensor("a", MOTE_U8, 2, 0, 0, 0);
    t.shape[0] = t.shape[1] = (uint64_t)1 << 32; /* D3: the product wraps to the stated 0 */
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_NPZ, "never", &t, 1, NULL, NULL), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_export_begin(NULL, MOTE_EXPORT_NPZ, "never", NULL, 0, NULL, NULL), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_NPZ, "", NULL, 0, NULL, NULL), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_NPZ, NULL, NULL, 0, NULL, NULL), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_export_begin(&e, (mote_export_format)3, "never", NULL, 0, NULL, NULL), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_NPZ, "never", NULL, 1, NULL, NULL), MOTE_ERR_ARG);
    ck_assert_int_ne(access("never", F_OK), 0);
}
END_TEST

/* Places where an output cannot be: the errno tells why. */
START_TEST(export_refuses_places)
{
    const mote_model_tensor t = tensor("a", MOTE_F32, 2, 3, 5, 0);
    char path[160], file[128], folder[128];
    make_scratch();
    (void)snprintf(file, sizeof file, "%s/file", scratch);
    (void)snprintf(folder, sizeof folder, "%s/folder", scratch);
    const int fd = open(file, O_CREAT | O_WRONLY, 0600);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    const struct {
        const char *name, *path;
        mote_export_format format;
        int reason;
    } rows[] = {
        { "a device", "/dev/null", MOTE_EXPORT_SAFETENSORS, EEXIST },
        { "a full device", "/dev/full", MOTE_EXPORT_NPZ, EEXIST },
        { "a folder", folder, MOTE_EXPORT_SAFETENSORS, EISDIR },
        { "a folder, for npz", folder, MOTE_EXPORT_NPZ, EISDIR },
        { "a file, for a folder", file, MOTE_EXPORT_DIR, ENOTDIR },
        { "the root folder", "/", MOTE_EXPORT_DIR, ENOTEMPTY },
    };
    for (size_t i = 0; i < N(rows); i++) {
        mote_export *e = NULL;
        errno = 0;
        ck_assert_msg(mote_export_begin(&e, rows[i].format, rows[i].path, &t, 1, NULL, NULL) == MOTE_ERR_IO,
                      "%s: accepted", rows[i].name);
        ck_assert_msg(errno == rows[i].reason && e == NULL, "%s: errno %d", rows[i].name, errno);
    }
    for (int format = MOTE_EXPORT_SAFETENSORS; format <= MOTE_EXPORT_DIR; format++) {
        mote_export *e = NULL;
        (void)snprintf(path, sizeof path, "%s/nowhere/out", scratch);
        ck_assert_int_eq(mote_export_begin(&e, (mote_export_format)format, path, &t, 1, NULL, NULL), MOTE_ERR_IO);
        ck_assert_int_eq(errno, ENOENT);
        (void)snprintf(path, sizeof path, "%s/out", file);
        ck_assert_int_eq(mote_export_begin(&e, (mote_export_format)format, path, &t, 1, NULL, NULL), MOTE_ERR_IO);
        ck_assert_int_eq(errno, ENOTDIR);
        ck_assert_ptr_null(e);
    }
    ck_assert_uint_eq(count_entries(scratch), 2);
    ck_assert_uint_eq(count_entries(folder), 0);
    remove_scratch();
}
END_TEST

/* No room: found when the output begins, not as a SIGBUS later. The limit on files stands in for a full disk. */
START_TEST(export_finds_a_full_disk_first)
{
    const mote_model_tensor t[] = { tensor("a", MOTE_U8, 1, 100, 0, 0), tensor("b", MOTE_U8, 1, 100000, 0, 0) };
    char path[128];
    make_scratch();
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit, old;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = 65536;
    for (int format = MOTE_EXPORT_SAFETENSORS; format <= MOTE_EXPORT_DIR; format++) {
        (void)snprintf(path, sizeof path, "%s/out", scratch);
        mote_export *e = NULL;
        mote_model_error error = { .text = "" };
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        const mote_status st = mote_export_begin(&e, (mote_export_format)format, path, t, N(t), NULL, &error);
        const int reason = errno;
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
        ck_assert_msg(st == MOTE_ERR_IO && reason == EFBIG && e == NULL, "format %d: %d, errno %d", format, st, reason);
        ck_assert_ptr_nonnull(strstr(error.text, path));
        ck_assert_uint_eq(count_entries(scratch), 0);
    }
    remove_scratch();
}
END_TEST

START_TEST(unfinished_outputs_leave_nothing)
{
    const mote_model_tensor t[] = { tensor("a", MOTE_U8, 1, 100, 0, 0), tensor("b", MOTE_U8, 1, 5000, 0, 0),
                                    tensor("c", MOTE_U8, 1, 0, 0, 0) };
    char path[128];
    uint8_t *data, *again;
    make_scratch();
    (void)snprintf(path, sizeof path, "%s/out", scratch);
    for (int format = MOTE_EXPORT_SAFETENSORS; format <= MOTE_EXPORT_DIR; format++) {
        mote_export *e = NULL;
        mote_model_error error;
        for (int commit = 0; commit < 2; commit++) {
            ck_assert_int_eq(mote_export_begin(&e, (mote_export_format)format, path, t, N(t), NULL, NULL), MOTE_OK);
            ck_assert_int_ne(access(path, F_OK), 0); /* nothing under the name yet */
            ck_assert_int_eq(access(mote_export_temp_path(e), F_OK), 0);
            ck_assert_uint_eq(count_entries(scratch), 1);
            char written[256];
            struct stat s;
            (void)snprintf(written, sizeof written, "%s%s", mote_export_temp_path(e),
                           format == MOTE_EXPORT_DIR ? "/b.npy" : "");
            ck_assert_int_eq(stat(written, &s), 0);
            ck_assert_int_gt(s.st_size, 5000);
            ck_assert_int_ge(s.st_blocks * 512, s.st_size); /* no holes: the disk cannot fill up under the mapping */
            ck_assert_int_eq(mote_export_done(e, 0), MOTE_ERR_STATE);
            ck_assert_int_eq(mote_export_map(e, 0, &data), MOTE_OK);
            ck_assert_int_eq(mote_export_map(e, 0, &again), MOTE_OK);
            ck_assert_ptr_eq(data, again);
            ck_assert_int_eq(mote_export_done(e, 0), MOTE_OK);
            ck_assert_int_eq(mote_export_done(e, 0), MOTE_ERR_STATE);
            ck_assert_int_eq(mote_export_map(e, 0, &data), MOTE_ERR_STATE);
            ck_assert_int_eq(mote_export_map(e, 3, &data), MOTE_ERR_ARG);
            ck_assert_int_eq(mote_export_done(e, 3), MOTE_ERR_ARG);
            ck_assert_int_eq(mote_export_map(e, 1, &data), MOTE_OK); /* never finished */
            if (commit) {
                ck_assert_int_eq(mote_export_commit(e, &error), MOTE_ERR_STATE);
                ck_assert_ptr_nonnull(strstr(error.text, "\"b\""));
            } else {
                mote_export_abort(e);
            }
            ck_assert_uint_eq(count_entries(scratch), 0);
        }
        /* The name is taken by something else in the meantime. */
        ck_assert_int_eq(mote_export_begin(&e, (mote_export_format)format, path, t + 2, 1, NULL, NULL), MOTE_OK);
        char inner[160];
        (void)snprintf(inner, sizeof inner, "%s/x", path);
        ck_assert_int_eq(mkdir(path, 0777) | mkdir(inner, 0777), 0);
        ck_assert_int_eq(mote_export_commit(e, &error), MOTE_ERR_IO);
        ck_assert_uint_eq(count_entries(scratch), 1);
        ck_assert_int_eq(rmdir(inner) | rmdir(path), 0);
    }
    mote_export_abort(NULL);
    ck_assert_int_eq(mote_export_commit(NULL, NULL), MOTE_ERR_ARG);
    remove_scratch();
}
END_TEST

START_TEST(an_older_output_stays_until_commit)
{
    const mote_model_tensor t = tensor("a", MOTE_U8, 1, 100, 0, 0);
    char path[128];
    make_scratch();
    (void)snprintf(path, sizeof path, "%s/out", scratch);
    FILE *f = fopen(path, "w");
    ck_assert(f != NULL && fputs("old", f) >= 0 && fclose(f) == 0);
    mote_export *e;
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_NPZ, path, &t, 1, NULL, NULL), MOTE_OK);
    uint8_t *data;
    ck_assert_int_eq(mote_export_map(e, 0, &data), MOTE_OK);
    ck_assert_int_eq(mote_export_done(e, 0), MOTE_OK);
    bytes file = slurp(path);
    ck_assert(file.n == 3 && memcmp(file.p, "old", 3) == 0);
    free(file.p);
    ck_assert_int_eq(mote_export_commit(e, NULL), MOTE_OK);
    file = slurp(path);
    ck_assert_uint_gt(file.n, 100);
    free(file.p);
    ck_assert_uint_eq(count_entries(scratch), 1);
    remove_scratch();
}
END_TEST

typedef struct filler {
    mote_export *e;
    size_t first;
    mote_status st;
} filler;

static void *fill_some(void *argument)
{
    filler *f = argument;
    f->st = MOTE_OK;
    for (size_t i = f->first; i < (size_t)THREADS * PER_THREAD; i += THREADS) {
        uint8_t *data;
        if (f->st == MOTE_OK) f->st = mote_export_map(f->e, i, &data);
        if (f->st != MOTE_OK) break;
        for (size_t k = 0; k < 1000 + i; k++) data[k] = pattern(i, k);
        f->st = mote_export_done(f->e, i);
    }
    return NULL;
}

START_TEST(threads_fill_an_output)
{
    static char names[THREADS * PER_THREAD][8];
    mote_model_tensor t[THREADS * PER_THREAD];
    for (size_t i = 0; i < N(t); i++) {
        (void)snprintf(names[i], sizeof names[i], "t%zu", i);
        t[i] = tensor(names[i], MOTE_U8, 1, 1000 + i, 0, 0);
    }
    char path[128];
    make_scratch();
    for (int format = MOTE_EXPORT_SAFETENSORS; format <= MOTE_EXPORT_DIR; format++) {
        (void)snprintf(path, sizeof path, "%s/out%d", scratch, format);
        mote_export *e;
        ck_assert_int_eq(mote_export_begin(&e, (mote_export_format)format, path, t, N(t), NULL, NULL), MOTE_OK);
        pthread_t threads[THREADS];
        filler fillers[THREADS];
        for (size_t i = 0; i < THREADS; i++) {
            fillers[i] = (filler){ .e = e, .first = i };
            ck_assert_int_eq(pthread_create(&threads[i], NULL, fill_some, &fillers[i]), 0);
        }
        for (size_t i = 0; i < THREADS; i++) {
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
            ck_assert_int_eq(fillers[i].st, MOTE_OK);
        }
        ck_assert_int_eq(mote_export_commit(e, NULL), MOTE_OK);
        if (format == MOTE_EXPORT_DIR) {
            ck_assert_uint_eq(count_entries(path), N(t));
            break;
        }
        const bytes file = slurp(path);
        mote_model *m = must_open("threads", &file);
        must_match("threads", m, t, N(t));
        mote_model_close(m);
        free(file.p);
    }
    remove_scratch();
}
END_TEST

/* More members than the plain directory can count. */
START_TEST(npz_of_65536_members)
{
    enum { MANY = 65536 };
    mote_model_tensor *t = calloc(MANY, sizeof *t);
    char(*names)[8] = calloc(MANY, sizeof *names);
    ck_assert(t != NULL && names != NULL);
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(names[i], sizeof names[i], "%zu", i);
        t[i] = tensor(names[i], MOTE_U8, 1, i == 77, 0, 0);
    }
    char path[128];
    make_scratch();
    (void)snprintf(path, sizeof path, "%s/out.npz", scratch);
    ck_assert_int_eq(write_all(MOTE_EXPORT_NPZ, path, t, MANY, NULL, NULL), MOTE_OK);
    const bytes file = slurp(path);
    mote_model *m = must_open("many", &file);
    size_t n;
    (void)mote_model_tensors(m, &n);
    ck_assert_uint_eq(n, MANY);
    mote_model_close(m);
    free(file.p);
    free(t);
    free(names);
    remove_scratch();
}
END_TEST

/* APPNOTE 4.5.3: numbers from 2^32 - 1 on move to the zip64 field. */
START_TEST(zip_records_widen_at_4_gib)
{
    static const struct {
        const char *name;
        uint64_t at, size;
        size_t local, extra;
    } rows[] = {
        { "small", 0, 100, 30 + 5, 0 },
        { "largest plain size", 0, 0xfffffffe, 30 + 5, 0 },
        { "smallest wide size", 0, 0xffffffff, 30 + 5 + 20, 20 },
        { "largest plain place", 0xfffffffe, 1, 30 + 5, 0 },
        { "smallest wide place", 0xffffffff, 1, 30 + 5, 12 },
        { "both", (uint64_t)1 << 40, (uint64_t)1 << 41, 30 + 5 + 20, 28 },
    };
    for (size_t i = 0; i < N(rows); i++) {
        uint8_t r[MOTE_ZIP_RECORD_MAX];
        const mote_zip_member m = { .name = "a", .at = rows[i].at, .size = rows[i].size, .crc = 0x12345678 };
        ck_assert_msg(mote_zip_local(r, &m) == rows[i].local, "%s: local record", rows[i].name);
        const uint64_t local_size = rows[i].local > 40 ? mote_le64(r + 30 + 5 + 4) : mote_le32(r + 22);
        ck_assert_msg(local_size == rows[i].size && mote_le32(r + 14) == 0x12345678, "%s: local size", rows[i].name);
        ck_assert_msg(mote_zip_central(r, &m) == 46 + 5 + rows[i].extra, "%s: directory record", rows[i].name);
        ck_assert_msg(mote_le16(r + 30) == rows[i].extra, "%s: length of the field", rows[i].name);
        const uint8_t *wide = r + 46 + 5 + 4;
        const bool big = rows[i].size >= 0xffffffff, far = rows[i].at >= 0xffffffff;
        ck_assert_msg((big ? mote_le64(wide) : mote_le32(r + 24)) == rows[i].size, "%s: size", rows[i].name);
        ck_assert_msg((far ? mote_le64(wide + (big ? 16 : 0)) : mote_le32(r + 42)) == rows[i].at, "%s: place",
                      rows[i].name);
    }
    uint8_t r[MOTE_ZIP_RECORD_MAX];
    ck_assert_uint_eq(mote_zip_end(r, 65534, 0xfffffffe, 0xfffffffe), 22);
    ck_assert_uint_eq(mote_zip_end(r, 65535, 5, 6), 98);
    ck_assert_uint_eq(mote_zip_end(r, 1, 0xffffffff, 6), 98);
    ck_assert_uint_eq(mote_zip_end(r, 1, 5, 0xffffffff), 98);
    ck_assert(mote_le64(r + 40) == 0xffffffff && mote_le64(r + 48) == 5 && mote_le64(r + 64) == 5 + 0xffffffffull);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("model");
    TCase *tc = tcase_create("safetensors");
    tcase_add_loop_test(tc, safetensors_refuses_table, 0, N(bad_safetensors));
    tcase_add_loop_test(tc, safetensors_refuses_lengths, 0, N(bad_lengths));
    tcase_add_loop_test(tc, safetensors_reads_table, 0, N(good_safetensors));
#if WIDE_SIZE
    tcase_add_test(tc, safetensors_places_beyond_4_gib);
#endif
    tcase_add_test(tc, safetensors_places_are_not_cut_to_32_bits);
    tcase_add_test(tc, formats_are_told_by_their_bytes);
    suite_add_tcase(s, tc);
    tc = tcase_create("npy");
    tcase_add_loop_test(tc, npy_refuses_table, 0, N(bad_npy));
    tcase_add_test(tc, npy_refuses_long_headers);
    tcase_add_loop_test(tc, npy_reads_table, 0, N(good_npy));
    suite_add_tcase(s, tc);
    tc = tcase_create("npz");
    tcase_add_loop_test(tc, npz_refuses_table, 0, N(bad_npz));
    tcase_add_loop_test(tc, npz_refuses_damaged_members, 0, N(damaged_npz));
    tcase_add_loop_test(tc, npz_reads_table, 0, N(good_npz));
    tcase_add_test(tc, npz_may_be_empty);
    tcase_add_test(tc, npz_serves_threads);
    suite_add_tcase(s, tc);
    tc = tcase_create("export");
    tcase_add_loop_test(tc, every_type_goes_through_every_exporter, 0, N(every_type));
    tcase_add_test(tc, scalars_go_through_every_exporter);
    tcase_add_test(tc, outputs_without_tensors_are_whole);
    tcase_add_test(tc, folder_names_are_never_paths);
    tcase_add_test(tc, outputs_repeat_and_keep_the_umask);
    tcase_add_loop_test(tc, export_refuses_table, 0, N(bad_exports));
    tcase_add_test(tc, export_refuses_sums_that_wrap);
    tcase_add_test(tc, export_refuses_sizes_that_do_not_follow);
    tcase_add_test(tc, export_refuses_a_header_that_none_would_read);
    tcase_add_test(tc, export_refuses_places);
    tcase_add_test(tc, export_finds_a_full_disk_first);
    tcase_add_test(tc, unfinished_outputs_leave_nothing);
    tcase_add_test(tc, an_older_output_stays_until_commit);
    tcase_add_test(tc, threads_fill_an_output);
    tcase_add_test(tc, npz_of_65536_members);
    tcase_add_test(tc, zip_records_widen_at_4_gib);
    suite_add_tcase(s, tc);

    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
