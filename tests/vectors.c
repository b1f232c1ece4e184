/* SPDX-License-Identifier: Apache-2.0
 * Every file of spec/vectors through every way of loading: each gives the status of manifest.txt, and accepted ones
 * their elements. Also that the folder and the list agree, and that no status and no section is without a file. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mote/host.h"
#include "pkg_helpers.h"
#include "vector_list.h"

static void check_sha(const vector_line *l, const mote_wr *data)
{
    uint8_t want[32], got[32];
    const mote_crypto *c = mote_crypto_host();
    const uint8_t *part[1] = { data->p };
    if (strcmp(l->sha, "-") == 0) return;
    ck_assert_uint_eq(vector_unhex(want, 32, l->sha), 32);
    c->sha256(c->ctx, got, part, &data->n, data->n ? 1 : 0);
    ck_assert_msg(memcmp(got, want, 32) == 0, "%s: elements", l->file);
}

START_TEST(vectors_give_their_status)
{
    for (size_t i = 0; i < n_vectors; i++) {
        vector_line *l = &vectors[i];
        mote_wr file = { 0 };
        vector_reader t;
        if (sizeof(size_t) == 4) l->st = vector_status_32(l);
        vector_read(l->file, &file);
        vector_terms(l, &file, &t);
        pkg_load whole = { .file = file.p, .n = file.n, .config = t.config };
        pkg_load bytes = whole, blocks = whole, pulled = whole, shared = whole;
        whole.target = pulled.target = shared.target = true;
        bytes.step = 1;
        mote_status st = pkg_push(&whole);
        ck_assert_msg(st == l->st, "%s: %s, expected %s (%s)", l->file, mote_status_name(st), l->status, l->text);
        ck_assert_int_eq(pkg_push(&bytes), l->st);
        ck_assert_int_eq(pkg_push(&blocks), l->st);
        /* a byte behind the end may come after DONE or with it */
        ck_assert(l->st == MOTE_ERR_TRAILING || wr_same(&bytes.trace, &blocks.trace));
        mote_pool *pool = mote_pool_create(3, &shared.config.dispatch);
        ck_assert(pool != NULL);
        ck_assert_int_eq(pkg_push(&shared), l->st);
        mote_pool_free(pool);
        st = pkg_pull(&pulled);
        ck_assert_msg(st == l->st || (l->st == MOTE_ERR_TRUNCATED && st == MOTE_ERR_IO), "%s, pulled: %s", l->file,
                      mote_status_name(st));
        ck_assert(whole.complete == (l->st == MOTE_OK));
        /* what exceeds what was stated is refused at once, and not only found out at the end */
        if (strstr(l->file, "-low.mote") || strstr(l->file, "stated.mote"))
            ck_assert_msg(whole.blocks == 0 && whole.data.n == 0, "%s", l->file);
        if (l->st == MOTE_OK) {
            ck_assert(pulled.complete && wr_same(&pulled.data, &whole.data));
            ck_assert(shared.complete && wr_same(&shared.data, &whole.data));
            check_sha(l, &whole.data);
        }
        pkg_load_free(&whole);
        pkg_load_free(&bytes);
        pkg_load_free(&blocks);
        pkg_load_free(&pulled);
        pkg_load_free(&shared);
        mote_wr_free(&file);
    }
}
END_TEST

static size_t count_files(const char *folder)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", MOTE_VECTORS, folder);
    DIR *dir = opendir(path);
    ck_assert_msg(dir != NULL, "%s", path);
    size_t n = 0;
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (e->d_name[0] == '.') continue;
        n++;
        char name[300];
        bool listed = false;
        snprintf(name, sizeof name, "%s/%s", folder, e->d_name);
        for (size_t i = 0; i < n_vectors; i++) listed |= strcmp(vectors[i].file, name) == 0;
        ck_assert_msg(listed, "%s is not in manifest.txt", name);
    }
    closedir(dir);
    return n;
}

START_TEST(every_file_is_listed_once_and_every_line_has_its_file)
{
    size_t ok = 0, bad = 0;
    for (size_t i = 0; i < n_vectors; i++) {
        const vector_line *l = &vectors[i];
        if (strcmp(l->policy, "-") == 0 && strncmp(l->file, "bad/", 4) == 0) bad++;
        if (strcmp(l->sha, "-") != 0) ok++;
        ck_assert_msg(strncmp(l->file, "bad/", 4) != 0 || l->st != MOTE_OK, "%s", l->file);
        ck_assert_msg((strcmp(l->sha, "-") != 0) <= (l->st == MOTE_OK), "%s", l->file);
        for (size_t j = 0; j < i; j++)
            ck_assert_msg(strcmp(l->file, vectors[j].file) != 0 || strcmp(l->policy, vectors[j].policy) != 0 ||
                              strcmp(l->trust, vectors[j].trust) != 0,
                          "%s: twice", l->file);
    }
    ck_assert_uint_eq(count_files("ok"), ok);
    ck_assert_uint_eq(count_files("bad"), bad);
}
END_TEST

/* Statuses that a package cannot cause: of callers, of tools, of key and model files, or named here with the reason. */
static bool not_of_packages(mote_status st)
{
    switch (st) {
    case MOTE_ERR_MISSING_TENSOR:
    case MOTE_ERR_MODEL:
    case MOTE_ERR_KEY:
    case MOTE_ERR_PASSPHRASE: return true;
    default: return st > -10; /* callers, and those that ask for more */
    }
}

START_TEST(every_status_of_packages_has_a_vector){
#define ROW(name, value, text)                                                                \
    {                                                                                         \
        bool seen = not_of_packages((mote_status)(value));                                    \
        for (size_t i = 0; i < n_vectors; i++) seen |= vectors[i].st == (mote_status)(value); \
        ck_assert_msg(seen, "no vector gives %s", #name);                                     \
    }
    MOTE_STATUS_TABLE(ROW)
#undef ROW
} END_TEST

    /* A file is named after its section, of codecs.md with a "c" in front; each section that has rules has files. */
    START_TEST(every_section_with_rules_has_vectors)
{
    static const char *sections[] = { "2.2",  "2.3",  "2.4",  "2.5",  "3",    "5",    "5.1",  "5.2",  "6",
                                      "6.1",  "6.2",  "6.3",  "7",    "7.1",  "8",    "9",    "10",   "c1.1",
                                      "c1.2", "c2",   "c2.1", "c2.2", "c2.3", "c3.3", "c3.5", "c3.6", "c4",
                                      "c5.2", "c5.3", "c5.4", "c6",   "c6.2", "c6.3", "c6.4", "c7.2" };
    for (size_t s = 0; s < N(sections); s++) {
        char name[16], text[32];
        const char *section = sections[s];
        snprintf(name, sizeof name, "bad/%s-", section);
        snprintf(text, sizeof text, "%s%s ", *section == 'c' ? "codecs.md " : "", section + (*section == 'c'));
        size_t found = 0;
        for (size_t i = 0; i < n_vectors; i++) {
            if (strncmp(vectors[i].file, name, strlen(name)) != 0) continue;
            ck_assert_msg(strncmp(vectors[i].text, text, strlen(text)) == 0, "%s: %s", vectors[i].file,
                          vectors[i].text);
            found++;
        }
        ck_assert_msg(found > 0, "no vector of %s", text);
    }
}
END_TEST

START_TEST(the_smallest_package_is_small)
{
    mote_wr file = { 0 };
    vector_read("ok/minimal.mote", &file);
    ck_assert_uint_le(file.n, 320);
    mote_wr_free(&file);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("vectors");
    TCase *tc = tcase_create("vectors");
    tcase_add_unchecked_fixture(tc, vector_read_list, NULL);
    tcase_add_test(tc, vectors_give_their_status);
    tcase_add_test(tc, every_file_is_listed_once_and_every_line_has_its_file);
    tcase_add_test(tc, every_status_of_packages_has_a_vector);
    tcase_add_test(tc, every_section_with_rules_has_vectors);
    tcase_add_test(tc, the_smallest_package_is_small);
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
