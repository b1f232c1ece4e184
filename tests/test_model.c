/* SPDX-License-Identifier: Apache-2.0
 * Reading model files: every rule of safetensors, npy and npz has a row that breaks it alone. Rows of the list of
 * malformed inputs are named Dn. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zlib.h>

#include "base/le.h"
#include "model_check.h"
#include "wide.h"

/* ---- safetensors ---- */

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

    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
