/* SPDX-License-Identifier: Apache-2.0
 * Memory that runs out: whichever allocation of the encoder fails, it says so, leaves nothing behind and gives the same
 * bytes when asked again. Linked with -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=free. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "mote/encode.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void __wrap_free(void *p);

static long countdown = -1; /* the allocation that fails: 0 is the next one; negative: none */
static long calls, live;

static int refuse(void)
{
    calls++;
    return countdown >= 0 && countdown-- == 0;
}

void *__wrap_malloc(size_t n)
{
    void *p = refuse() ? NULL : __real_malloc(n);
    live += p != NULL;
    return p;
}

void *__wrap_calloc(size_t n, size_t size)
{
    void *p = refuse() ? NULL : __real_calloc(n, size);
    live += p != NULL;
    return p;
}

void *__wrap_realloc(void *p, size_t n)
{
    void *q = refuse() ? NULL : __real_realloc(p, n);
    live += q && !p;
    return q;
}

void __wrap_free(void *p)
{
    live -= p != NULL;
    __real_free(p);
}

static const mote_encode_options options[] = {
    { .method = MOTE_METHOD_LOSSLESS, .profile = MOTE_PROFILE_STD },
    { .method = MOTE_METHOD_LOSSLESS, .profile = MOTE_PROFILE_NANO, .chunk_max = 512, .prune_fraction = 0.6 },
    { .method = MOTE_METHOD_AFFINE,
      .bits = 4,
      .scope = MOTE_SCOPE_ROW,
      .scale_dtype = MOTE_F32,
      .profile = MOTE_PROFILE_STD },
    { .method = MOTE_METHOD_AFFINE,
      .bits = 8,
      .scope = MOTE_SCOPE_GROUP,
      .group = 8,
      .scale_dtype = MOTE_F16,
      .zero_point = 1,
      .prune_fraction = 0.8 },
    { .method = MOTE_METHOD_AFFINE,
      .bits = 5,
      .scope = MOTE_SCOPE_TENSOR,
      .scale_dtype = MOTE_F16,
      .tensor_digests = 1 },
    { .method = MOTE_METHOD_F16, .tensor_digests = 1 },
    { .method = MOTE_METHOD_LOSSLESS, .rank = 2 },
    { .method = MOTE_METHOD_AFFINE, .bits = 8, .scope = MOTE_SCOPE_ROW, .scale_dtype = MOTE_F32, .energy = 0.5 },
    { .method = MOTE_METHOD_LOSSLESS, .profile = MOTE_PROFILE_HOST },
    { .method = MOTE_METHOD_TRELLIS, .states = 8, .snr_db = 15, .profile = MOTE_PROFILE_STD },
    { .method = MOTE_METHOD_TRELLIS, .states = 32, .step = 0.02, .profile = MOTE_PROFILE_NANO, .chunk_max = 512 },
    { .only_stored = 1 },
};

static uint8_t weights[60 * 70 * 4]; /* binary32, little-endian */

static void fill(void)
{
    uint64_t state = 99;
    for (size_t i = 0; i < N(weights) / 4; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        mote_put32(weights + 4 * i, (uint32_t)(state >> 41) | (uint32_t)(118 + (state >> 33) % 5 + i / 700) << 23);
    }
}

static uint64_t hash(const mote_coded *c)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < c->entry.n_records; i++)
        for (size_t k = 0; k < c->entry.records[i].bytes; k++) h = (h ^ c->entry.records[i].data[k]) * 1099511628211u;
    return h;
}

START_TEST(each_failed_allocation_is_reported) /* _i: of options, beyond: a blob */
{
    const int blob = _i == (int)N(options);
    mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
    if (!blob) o = options[_i];
    o.struct_size = sizeof o;
    o.small = 1;
    const mote_model_tensor t = { .name = "w",
                                  .dtype = MOTE_F32,
                                  .rank = 2,
                                  .shape = { 60, 70 },
                                  .elements = N(weights) / 4,
                                  .bytes = sizeof weights };
    fill();
    mote_coded c;
    uint64_t want = 0;
    long total = 0;
    for (long fail = -1; fail < 100000; fail++) {
        const long before = live;
        calls = 0;
        countdown = fail;
        mote_status st = blob ? mote_encode_blob(&c, &o, MOTE_KIND_BLOB, "b", weights, sizeof weights)
                              : mote_encode_tensor(&c, &o, &t, weights, NULL);
        countdown = -1;
        const uint64_t got = st == MOTE_OK ? hash(&c) : 0;
        const long made = calls;
        if (st == MOTE_OK) mote_coded_free(&c);
        const long left = live - before; /* before Check itself allocates */
        ck_assert_msg(left == 0, "allocation %ld: %ld blocks left", fail, left);
        if (fail < 0) { /* how it goes when nothing fails */
            ck_assert_int_eq(st, MOTE_OK);
            want = got;
            total = made;
            ck_assert_msg(total > 5, "this test is linked without --wrap");
        } else if (fail >= total) {
            ck_assert(st == MOTE_OK && got == want);
        } else {
            ck_assert_msg(st == MOTE_ERR_NOMEM, "allocation %ld of %ld: %d", fail, total, st);
        }
        if (fail >= total) return;
    }
    ck_abort_msg("it never ends");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("property_encode_nomem");
    TCase *tc = tcase_create("encode");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, each_failed_allocation_is_reported, 0, (int)N(options) + 1);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
