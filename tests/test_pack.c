/* SPDX-License-Identifier: Apache-2.0
 * Packing a whole model: same bytes and same error for any number of threads, order of the result, profiles. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "le_floats.h"
#include "mote/pack.h"

#define N(a) (sizeof(a) / sizeof *(a))

enum { TENSORS = 24, ROWS = 40, COLS = 48 };

/* ---- a model in memory ---- */

static uint8_t *file;
static size_t file_bytes, data_at;
static mote_model *model;

static void make_model(void)
{
    char *json;
    size_t json_bytes;
    FILE *f = open_memstream(&json, &json_bytes);
    (void)fputc('{', f);
    for (int i = 0; i < TENSORS; i++)
        (void)fprintf(f, "%s\"t%02d\":{\"dtype\":\"F32\",\"shape\":[%d,%d],\"data_offsets\":[%d,%d]}", i ? "," : "", i,
                      ROWS, COLS, i * ROWS * COLS * 4, (i + 1) * ROWS * COLS * 4);
    (void)fputc('}', f);
    while (ftell(f) % 8) (void)fputc(' ', f);
    ck_assert_int_eq(fclose(f), 0);
    data_at = 8 + json_bytes;
    file_bytes = data_at + (size_t)TENSORS * ROWS * COLS * 4;
    file = calloc(1, file_bytes);
    for (int i = 0; i < 8; i++) file[i] = (uint8_t)(json_bytes >> 8 * i);
    memcpy(file + 8, json, json_bytes);
    free(json);
    uint32_t state = 1;
    for (size_t at = data_at; at < file_bytes; at += 4) {
        state = state * 1664525 + 1013904223;
        const float x = (float)(int)(state >> 16) / 65536.0f - 0.5f;
        le_floats(file + at, &x, 1);
    }
    mote_model_error error;
    ck_assert_int_eq(mote_model_open(&model, file, file_bytes, &error), MOTE_OK);
}

static void drop_model(void)
{
    mote_model_close(model);
    free(file);
}

static void put_nan(size_t tensor)
{
    mote_put32(file + data_at + (tensor * ROWS * COLS + 7) * 4, 0x7FC00000);
}

/* ---- where packages go ---- */

typedef struct sink {
    uint8_t *p;
    size_t n, room; /* room: bytes after which writing fails */
} sink;

static int put(void *ctx, const uint8_t *data, size_t bytes)
{
    sink *s = ctx;
    if (bytes > s->room - s->n) {
        errno = ENOSPC;
        return -1;
    }
    s->p = realloc(s->p, s->n + bytes);
    memcpy(s->p + s->n, data, bytes);
    s->n += bytes;
    return 0;
}

static mote_status pack(const mote_pack_options *o, sink *s, mote_pack_result *result, mote_model_error *error)
{
    *s = (sink){ .room = SIZE_MAX };
    return mote_pack(o, model, put, s, result, error);
}

static mote_pack_options options(void)
{
    mote_pack_options o = MOTE_PACK_OPTIONS_INIT;
    o.info = (mote_write_info){ .name = "m", .sequence = 1 };
    return o;
}

/* ---- threads ---- */

START_TEST(bytes_do_not_depend_on_threads)
{
    sink first, s;
    mote_pack_result r;
    mote_model_error error;
    mote_pack_options o = options();
    o.encode.method = _i ? MOTE_METHOD_AFFINE : MOTE_METHOD_LOSSLESS;
    o.threads = 1;
    ck_assert_int_eq(pack(&o, &first, &r, &error), MOTE_OK);
    ck_assert_uint_eq(r.file_bytes, first.n);
    mote_pack_result_free(&r);
    for (o.threads = 0; o.threads <= 40; o.threads += 5) {
        ck_assert_int_eq(pack(&o, &s, &r, &error), MOTE_OK);
        ck_assert_uint_eq(s.n, first.n);
        ck_assert_int_eq(memcmp(s.p, first.p, s.n), 0);
        mote_pack_result_free(&r);
        free(s.p);
    }
    free(first.p);
}
END_TEST

START_TEST(the_first_error_does_not_depend_on_threads)
{
    sink s;
    mote_pack_result r;
    mote_model_error error;
    mote_pack_options o = options();
    o.encode.method = MOTE_METHOD_AFFINE;
    put_nan(21);
    put_nan(9);
    put_nan(10);
    for (o.threads = 1; o.threads <= 24; o.threads++) {
        ck_assert_int_eq(pack(&o, &s, &r, &error), MOTE_ERR_VALUE);
        ck_assert_msg(strstr(error.text, "\"t09\"") != NULL, "%u threads: %s", o.threads, error.text);
        ck_assert_uint_eq(s.n, 0);
    }
}
END_TEST

static void count(void *ctx, uint64_t done, uint64_t total)
{
    uint64_t *last = ctx;
    ck_assert(done > *last && done <= total);
    *last = done;
}

START_TEST(progress_rises_to_the_end)
{
    sink s;
    mote_pack_result r;
    mote_model_error error;
    uint64_t last = 0;
    mote_pack_options o = options();
    o.threads = 4;
    o.progress = count;
    o.progress_ctx = &last;
    ck_assert_int_eq(pack(&o, &s, &r, &error), MOTE_OK);
    ck_assert_uint_eq(last, (uint64_t)TENSORS * ROWS * COLS * 4);
    mote_pack_result_free(&r);
    free(s.p);
}
END_TEST

/* ---- what goes in and comes out ---- */

static const uint8_t some[3] = { 1, 2, 3 };

START_TEST(result_has_the_order_of_the_package)
{
    static const mote_pack_extra extras[] = { { MOTE_KIND_TEXT, "b", some, 3 },
                                              { MOTE_KIND_BLOB, "z", some, 3 },
                                              { MOTE_KIND_BLOB, "a", some, 0 },
                                              { MOTE_KIND_TEXT, "a", some, 3 } };
    static const size_t order[] = { 2, 1, 3, 0 };
    sink s;
    mote_pack_result r;
    mote_model_error error;
    mote_pack_options o = options();
    o.extras = extras;
    o.n_extras = N(extras);
    ck_assert_int_eq(pack(&o, &s, &r, &error), MOTE_OK);
    ck_assert_uint_eq(r.n_entries, TENSORS + N(extras));
    ck_assert_uint_eq(r.facts.n_entries, r.n_entries);
    for (size_t i = 0; i < TENSORS; i++) ck_assert_uint_eq(r.entries[i].source, i);
    for (size_t i = 0; i < N(order); i++) {
        const mote_pack_entry *e = &r.entries[TENSORS + i];
        ck_assert_uint_eq(e->source, order[i]);
        ck_assert_ptr_eq(e->name, extras[order[i]].name);
        ck_assert_int_eq(e->kind, extras[order[i]].kind);
    }
    mote_pack_result_free(&r);
    free(s.p);
}
END_TEST

static void only_t03(void *ctx, const mote_model_tensor *t, mote_encode_options *o)
{
    (void)ctx;
    if (strcmp(t->name, "t03") == 0) o->method = MOTE_METHOD_AFFINE;
    o->chunk_max = 1; /* not for one tensor to say */
    o->profile = MOTE_PROFILE_HOST;
}

START_TEST(options_can_be_chosen_for_each_tensor)
{
    sink s;
    mote_pack_result r;
    mote_model_error error;
    mote_pack_options o = options();
    o.choose = only_t03;
    o.encode.profile = MOTE_PROFILE_NANO;
    ck_assert_int_eq(pack(&o, &s, &r, &error), MOTE_OK);
    for (size_t i = 0; i < TENSORS; i++) ck_assert_int_eq(r.entries[i].report.noise > 0, i == 3);
    ck_assert_uint_le(r.facts.chunk_max, 4096);
    mote_pack_result_free(&r);
    free(s.p);
}
END_TEST

/* ---- refusals ---- */

START_TEST(a_failing_output_is_said)
{
    mote_pack_result r;
    mote_model_error error;
    const mote_pack_options o = options();
    sink s = { .room = 1000 };
    ck_assert_int_eq(mote_pack(&o, model, put, &s, &r, &error), MOTE_ERR_IO);
    ck_assert_int_eq(errno, ENOSPC);
    free(s.p);
}
END_TEST

static void wrong_size(mote_pack_options *o)
{
    o->struct_size--;
}

static void no_profile(mote_pack_options *o)
{
    o->encode.profile = (mote_profile)3;
}

static void chunk_beyond_profile(mote_pack_options *o)
{
    o->encode.profile = MOTE_PROFILE_NANO;
    o->encode.chunk_max = 16385;
}

static void same_name(mote_pack_options *o)
{
    static const mote_pack_extra twice[] = { { MOTE_KIND_BLOB, "a", some, 3 }, { MOTE_KIND_BLOB, "a", some, 2 } };
    o->extras = twice;
    o->n_extras = 2;
}

static void long_name(mote_pack_options *o)
{
    o->info.name = "12345678901234567890123456789012345678901234567890123456789012345";
}

static mote_keypair pair;

static void key_without_name(mote_pack_options *o)
{
    o->key = &pair;
    o->info.name = NULL;
}

static void key_without_sequence(mote_pack_options *o)
{
    o->key = &pair;
    o->info.sequence = 0;
}

static void no_room_for_an_entry(mote_pack_options *o)
{
    static char name[256];
    static const mote_pack_extra extra = { MOTE_KIND_BLOB, name, some, 3 };
    memset(name, 'n', 255);
    o->encode.chunk_max = 256;
    o->extras = &extra;
    o->n_extras = 1;
}

static const struct {
    const char *name;
    void (*spoil)(mote_pack_options *o);
    mote_status st;
} refusals[] = {
    { "another version of the options", wrong_size, MOTE_ERR_ARG },
    { "no such profile", no_profile, MOTE_ERR_ARG },
    { "a chunk beyond the profile", chunk_beyond_profile, MOTE_ERR_LIMIT },
    { "two entries of one name", same_name, MOTE_ERR_ORDER },
    { "a name of 65 bytes", long_name, MOTE_ERR_LIMIT },
    { "signed without a name", key_without_name, MOTE_ERR_ARG },
    { "signed without a sequence", key_without_sequence, MOTE_ERR_ARG },
    { "an entry longer than a chunk", no_room_for_an_entry, MOTE_ERR_LIMIT },
};

START_TEST(refused)
{
    sink s;
    mote_pack_result r;
    mote_model_error error;
    static const uint8_t seed[32] = { 1 };
    ck_assert_int_eq(mote_keypair_from_seed(&pair, seed), MOTE_OK);
    mote_pack_options o = options();
    refusals[_i].spoil(&o);
    const mote_status st = pack(&o, &s, &r, &error);
    ck_assert_msg(st == refusals[_i].st, "%s: %s", refusals[_i].name, mote_status_name(st));
    ck_assert_uint_eq(s.n, 0);
}
END_TEST

START_TEST(nothing_is_no_package)
{
    static const uint8_t empty[] = "\x02\0\0\0\0\0\0\0{}";
    mote_model *none;
    mote_model_error error;
    mote_pack_result r;
    sink s = { 0 };
    const mote_pack_options o = options();
    ck_assert_int_eq(mote_model_open(&none, empty, 10, &error), MOTE_OK);
    ck_assert_int_eq(mote_pack(&o, none, put, &s, &r, &error), MOTE_ERR_ARG);
    mote_model_close(none);
}
END_TEST

/* ---- profiles: Spec format.md 12 ---- */

static const struct {
    const char *name;
    uint64_t chunk_max;
    uint32_t open;
    unsigned id;
    mote_profile p;
} fits[] = {
    { "smallest", 1, 1, MOTE_LAYOUT_DENSE, MOTE_PROFILE_NANO },
    { "nano's chunk", 16384, 4096, MOTE_LAYOUT_LOWRANK, MOTE_PROFILE_NANO },
    { "beyond nano's chunk", 16385, 4096, MOTE_LAYOUT_DENSE, MOTE_PROFILE_STD },
    { "beyond nano's head", 16384, 4097, MOTE_LAYOUT_DENSE, MOTE_PROFILE_STD },
    { "std's chunk", 65536, 69632, MOTE_LAYOUT_DENSE, MOTE_PROFILE_STD },
    { "beyond std's chunk", 65537, 1, MOTE_LAYOUT_DENSE, MOTE_PROFILE_HOST },
    { "largest", MOTE_CHUNK_MAX, 69631, MOTE_LAYOUT_DENSE, MOTE_PROFILE_HOST },
    { "bitmask", 1, 1, MOTE_LAYOUT_BITMASK, MOTE_PROFILE_NANO },
    { "csr", 1, 1, MOTE_LAYOUT_CSR, MOTE_PROFILE_NANO },
    { "n:m", 1, 1, 5, MOTE_PROFILE_STD },
    { "kept-rows", 1, 1, 6, MOTE_PROFILE_NANO },
    { "kept-columns", 1, 1, 7, MOTE_PROFILE_STD },
    { "block-sparse", 1, 1, 8, MOTE_PROFILE_HOST },
    { "sum-of-terms", 1, 1, 31, MOTE_PROFILE_STD },
    { "affine", 1, 1, MOTE_NUM_AFFINE, MOTE_PROFILE_NANO },
    { "trellis", 1, 1, 36, MOTE_PROFILE_NANO },
    { "codebook", 1, 1, 37, MOTE_PROFILE_STD },
    { "constant", 1, 1, MOTE_CODER_CONSTANT, MOTE_PROFILE_NANO },
    { "rans-1", 1, 1, MOTE_CODER_RANS1, MOTE_PROFILE_NANO },
    { "rans-8", 1, 1, MOTE_CODER_RANS8, MOTE_PROFILE_STD },
    { "rans-32", 1, 1, MOTE_CODER_RANS32, MOTE_PROFILE_STD },
    { "zstd", 1, 1, MOTE_CODER_ZSTD, MOTE_PROFILE_STD },
    { "adaptive-32", 1, 1, 104, MOTE_PROFILE_STD },
    { "mixing", 1, 1, 105, MOTE_PROFILE_HOST },
};

START_TEST(smallest_profile_is_found)
{
    mote_manifest m = { .facts = { .chunk_max = fits[_i].chunk_max } };
    mote_needs_add(&m.needs, MOTE_NUM_STORED);
    mote_needs_add(&m.needs, fits[_i].id);
    ck_assert_msg(mote_profile_of(&m, fits[_i].open) == fits[_i].p, "%s", fits[_i].name);
}
END_TEST

START_TEST(profiles_have_names)
{
    ck_assert_str_eq(mote_profile_get(MOTE_PROFILE_NANO)->name, "nano");
    ck_assert_str_eq(mote_profile_get(MOTE_PROFILE_STD)->name, "std");
    ck_assert_str_eq(mote_profile_get(MOTE_PROFILE_HOST)->name, "host");
    ck_assert_ptr_null(mote_profile_get((mote_profile)3));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pack");
    TCase *tc = tcase_create("pack");
    tcase_add_checked_fixture(tc, make_model, drop_model);
    tcase_add_loop_test(tc, bytes_do_not_depend_on_threads, 0, 2);
    tcase_add_test(tc, the_first_error_does_not_depend_on_threads);
    tcase_add_test(tc, progress_rises_to_the_end);
    tcase_add_test(tc, result_has_the_order_of_the_package);
    tcase_add_test(tc, options_can_be_chosen_for_each_tensor);
    tcase_add_test(tc, a_failing_output_is_said);
    tcase_add_loop_test(tc, refused, 0, N(refusals));
    tcase_add_test(tc, nothing_is_no_package);
    suite_add_tcase(suite, tc);
    tc = tcase_create("profiles");
    tcase_add_loop_test(tc, smallest_profile_is_found, 0, N(fits));
    tcase_add_test(tc, profiles_have_names);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
