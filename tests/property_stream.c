/* SPDX-License-Identifier: Apache-2.0
 * What must hold for every package however it arrives: each way of cutting the stream gives the same events and bytes,
 * pulling and finding give what pushing gives, every truncation is refused, and nothing may stand before or behind. The
 * packages are the accepted files of spec/vectors. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "base/rd.h"
#include "pkg_helpers.h"

typedef struct package {
    char name[256];
    mote_wr file;
    pkg_load whole; /* pushed at once: dense, block by block */
} package;

static package *packages;
static size_t n_packages;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const package *)a)->name, ((const package *)b)->name);
}

static void setup(void)
{
    DIR *dir = opendir(MOTE_VECTORS "/ok");
    must(dir != NULL);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (e->d_name[0] == '.') continue;
        packages = realloc(packages, (n_packages + 1) * sizeof *packages);
        must(packages != NULL);
        package *p = &packages[n_packages++];
        *p = (package){ .file = { 0 } };
        snprintf(p->name, sizeof p->name, "%s", e->d_name);
        char path[1300];
        snprintf(path, sizeof path, "%s/ok/%s", MOTE_VECTORS, e->d_name);
        FILE *f = fopen(path, "rb");
        must(f != NULL);
        for (int c; (c = getc(f)) != EOF;) mote_wr_u8(&p->file, (uint8_t)c);
        fclose(f);
    }
    closedir(dir);
    must(n_packages > 20);
    qsort(packages, n_packages, sizeof *packages, by_name);
    for (size_t i = 0; i < n_packages; i++) {
        package *p = &packages[i];
        p->whole = (pkg_load){ .file = p->file.p, .n = p->file.n, .config = pkg_config(0) };
        must(pkg_push(&p->whole) == MOTE_OK);
    }
}

static void teardown(void)
{
    for (size_t i = 0; i < n_packages; i++) {
        mote_wr_free(&packages[i].file);
        pkg_load_free(&packages[i].whole);
    }
    free(packages);
}

static pkg_load load_of(const package *p)
{
    return (pkg_load){ .file = p->file.p, .n = p->file.n, .config = pkg_config(0), .work = p->whole.needed };
}

static void same(const package *p, pkg_load *l, mote_status st, const char *how, size_t k)
{
    ck_assert_msg(st == MOTE_OK && l->complete, "%s, %s %zu: %d", p->name, how, k, st);
    ck_assert_msg(wr_same(&l->trace, &p->whole.trace), "%s, %s %zu: other events or bytes", p->name, how, k);
    pkg_load_free(l);
}

START_TEST(every_split_into_two_is_as_one)
{
    for (size_t i = 0; i < n_packages; i++) {
        const package *p = &packages[i];
        size_t step = p->file.n > 4000 ? p->file.n / 500 : 1; /* all cuts of small ones, and near the ends of all */
        for (size_t cut = 1; cut < p->file.n; cut += cut < 400 || cut + 100 > p->file.n ? 1 : step) {
            pkg_load l = load_of(p);
            l.first = cut;
            same(p, &l, pkg_push(&l), "cut at", cut);
        }
    }
}
END_TEST

START_TEST(pieces_of_any_size_are_as_one)
{
    for (size_t i = 0; i < n_packages; i++) {
        const package *p = &packages[i];
        static const size_t steps[] = { 1, 2, 3, 7, 16, 64, 333 };
        for (size_t k = 0; k < N(steps); k++) {
            pkg_load l = load_of(p);
            l.step = steps[k];
            same(p, &l, pkg_push(&l), "pieces of", steps[k]);
        }
        for (size_t k = 0; k < 30; k++) { /* empty ones among them */
            pkg_load l = load_of(p);
            l.step = (size_t)-1;
            l.seed = 1000 * i + k + 1;
            same(p, &l, pkg_push(&l), "random pieces, seed", (size_t)l.seed);
        }
    }
}
END_TEST

/* Chunks that come in one piece are left where they are, and as they are. */
START_TEST(steady_input_is_as_copied)
{
    for (size_t i = 0; i < n_packages; i++) {
        const package *p = &packages[i];
        static const size_t steps[] = { 0, 333, (size_t)-1 };
        for (size_t k = 0; k < N(steps); k++) {
            uint8_t *const exact = pkg_exact(p->file.p, p->file.n);
            pkg_load l = load_of(p);
            l.file = exact;
            l.config.steady = true;
            l.step = steps[k];
            l.seed = i + 1;
            same(p, &l, pkg_push(&l), "steady pieces of", steps[k]);
            ck_assert_msg(memcmp(exact, p->file.p, p->file.n) == 0, "%s", p->name);
            exact[p->file.n / 2] ^= 1;
            pkg_load bad = load_of(p), copied = load_of(p);
            bad.file = copied.file = exact;
            bad.step = copied.step = steps[k];
            bad.seed = copied.seed = i + 1;
            bad.config.steady = true;
            ck_assert_int_eq(pkg_push(&bad), pkg_push(&copied));
            ck_assert_msg(wr_same(&bad.trace, &copied.trace), "%s, tampered with", p->name);
            pkg_load_free(&bad);
            pkg_load_free(&copied);
            free(exact);
        }
    }
}
END_TEST

START_TEST(pulling_is_as_pushing)
{
    for (size_t i = 0; i < n_packages; i++) {
        const package *p = &packages[i];
        pkg_load l = load_of(p);
        same(p, &l, pkg_pull(&l), "pulled", 0);
        for (int native = 0; native < 2; native++) { /* in native forms, too */
            pkg_load push = load_of(p), pull;
            push.work = 0;
            push.config.form = native ? MOTE_FORM_NATIVE : MOTE_FORM_F32;
            push.config.native_lowrank = (uint8_t)native;
            pull = push;
            ck_assert_int_eq(pkg_push(&push), MOTE_OK);
            ck_assert_int_eq(pkg_pull(&pull), MOTE_OK);
            ck_assert_msg(wr_same(&push.trace, &pull.trace), "%s, form %d", p->name, push.config.form);
            if (native) ck_assert_uint_le(push.needed, p->whole.needed);
            pkg_load_free(&push);
            pkg_load_free(&pull);
        }
    }
}
END_TEST

/* Blocks given one by one, whole tensors decoded in place, and tensors found by name: the same elements. */
START_TEST(finding_and_targets_are_as_pushing)
{
    for (size_t i = 0; i < n_packages; i++) {
        const package *p = &packages[i];
        if (strcmp(p->name, "unknown-signers.mote") == 0) continue; /* pkg_read() wants test keys */
        pkg_load targets = load_of(p);
        targets.target = true;
        ck_assert_int_eq(pkg_push(&targets), MOTE_OK);
        pkg q;
        pkg_read(&q, p->file.p, p->file.n);
        mote_wr found = { 0 };
        for (size_t k = 0; k < q.fact[N_ENTRIES]; k++) {
            mote_entry e;
            const mote_wr *fields = pkg_entry(&q, k);
            ck_assert_int_eq(mote_entry_read(&e, fields->p, fields->n), MOTE_OK);
            pkg_load l = load_of(p), t = load_of(p);
            t.target = true;
            ck_assert_int_eq(pkg_find_one(&l, e.kind, e.name), MOTE_OK);
            ck_assert_int_eq(pkg_find_one(&t, e.kind, e.name), MOTE_OK);
            ck_assert_uint_eq(t.data.n, e.bytes);
            mote_wr_bytes(&found, t.data.p, t.data.n);
            pkg_load_free(&l);
            pkg_load_free(&t);
        }
        ck_assert_msg(wr_same(&found, &targets.data), "%s", p->name);
        mote_wr_free(&found);
        pkg_free(&q);
        pkg_load_free(&targets);
    }
}
END_TEST

/* A12: at no length is a shorter file complete; the source of a puller fails. */
START_TEST(every_truncation_is_refused)
{
    for (size_t i = 0; i < n_packages; i++) {
        const package *p = &packages[i];
        size_t step = p->file.n > 4000 ? p->file.n / 500 : 1;
        for (size_t n = 0; n < p->file.n; n += n < 400 || n + 100 > p->file.n ? 1 : step) {
            pkg_load push = load_of(p), pull = load_of(p);
            push.n = pull.n = n;
            ck_assert_msg(pkg_push(&push) == MOTE_ERR_TRUNCATED && !push.complete, "%s cut to %zu", p->name, n);
            ck_assert_msg(pkg_pull(&pull) == MOTE_ERR_IO && !pull.complete, "%s cut to %zu", p->name, n);
            /* what was handed out until then is a beginning of what the whole gives */
            ck_assert(push.trace.n <= p->whole.trace.n + 1);
            ck_assert(push.trace.n < 2 || memcmp(push.trace.p, p->whole.trace.p, push.trace.n - 2) == 0);
            pkg_load_free(&push);
            pkg_load_free(&pull);
        }
    }
}
END_TEST

/* A11, D25: no byte before, none behind, whatever it is and however it comes. */
START_TEST(nothing_stands_before_or_behind)
{
    for (size_t i = 0; i < n_packages; i++) {
        const package *p = &packages[i];
        for (unsigned byte = 0; byte < 256; byte += 51) {
            for (size_t n = 1; n <= 64; n *= 4) {
                uint8_t filler[64];
                memset(filler, (int)byte, sizeof filler);
                mote_wr more = { 0 };
                wr_copy(&more, &p->file);
                mote_wr_bytes(&more, filler, n);
                for (size_t step = 0; step < 2; step++) {
                    pkg_load l = { .file = more.p, .n = more.n, .config = pkg_config(0), .step = step };
                    ck_assert_msg(pkg_push(&l) == MOTE_ERR_TRAILING, "%s", p->name);
                    pkg_load_free(&l);
                }
                pkg_load l = { .file = more.p, .n = more.n, .config = pkg_config(0) };
                ck_assert_int_eq(pkg_pull(&l), MOTE_ERR_TRAILING); /* by mote_loader_file_bytes() */
                pkg_load_free(&l);
                wr_delete(&more, p->file.n, n);
                wr_insert(&more, 0, filler, n);
                ck_assert_int_eq(pkg_status(more.p, more.n, 0), MOTE_ERR_MAGIC);
                mote_wr_free(&more);
            }
        }
        mote_wr twice = { 0 }; /* a package behind itself */
        wr_copy(&twice, &p->file);
        mote_wr_bytes(&twice, p->file.p, p->file.n);
        ck_assert_int_eq(pkg_status(twice.p, twice.n, 0), MOTE_ERR_TRAILING);
        mote_wr_free(&twice);
    }
}
END_TEST

/* Reading a package into its structure and writing it again gives its bytes. */
START_TEST(structures_have_one_encoding) /* Spec format.md 10 */
{
    size_t n = 0;
    for (size_t i = 0; i < n_packages; i++) {
        const package *p = &packages[i];
        if (strcmp(p->name, "unknown-signers.mote") == 0) continue; /* its signers cannot sign again */
        pkg q;
        pkg_read(&q, p->file.p, p->file.n);
        pkg_finish(&q);
        ck_assert_msg(wr_same(&q.file, &p->file), "%s", p->name);
        pkg_free(&q);
        n++;
    }
    ck_assert_uint_eq(n, n_packages - 1);
}
END_TEST

START_TEST(packages_are_the_same_whenever_they_are_made)
{
    mote_wr first = { 0 }, second = { 0 };
    for (int k = 0; k < 2; k++) {
        pkg_model m = { 0 };
        char *noise = pkg_alloc(1000 + 77 * (size_t)k); /* other addresses */
        pkg_rich_model(&m);
        pkg_model_write(&m, 128, 2, k ? &second : &first);
        pkg_model_free(&m);
        free(noise);
    }
    ck_assert(wr_same(&first, &second));
    mote_wr_free(&first);
    mote_wr_free(&second);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("stream");
    TCase *tc = tcase_create("stream");
    tcase_add_unchecked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 20);
    tcase_add_test(tc, every_split_into_two_is_as_one);
    tcase_add_test(tc, pieces_of_any_size_are_as_one);
    tcase_add_test(tc, steady_input_is_as_copied);
    tcase_add_test(tc, pulling_is_as_pushing);
    tcase_add_test(tc, finding_and_targets_are_as_pushing);
    tcase_add_test(tc, every_truncation_is_refused);
    tcase_add_test(tc, nothing_stands_before_or_behind);
    tcase_add_test(tc, structures_have_one_encoding);
    tcase_add_test(tc, packages_are_the_same_whenever_they_are_made);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    SRunner *sr = srunner_create(suite());
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
