/* SPDX-License-Identifier: Apache-2.0
 * An index file (format.md 7.1) in the hands of a client that has an older package: the tree says which chunks are
 * new, only those are fetched, and the loader accepts what is put together, or refuses it if something is not right. */
#include <check.h>
#include <string.h>

#include "base/le.h"
#include "pkg_helpers.h"

enum { CHUNKS_MAX = 512 };

typedef struct chunk {
    uint8_t digest[MOTE_DIGEST_BYTES];
    size_t at, bytes; /* in the file */
} chunk;

/* Goes through a package or an index file whose manifest is known to be right: pages are taken from p, one behind the
 * other in an index, and end up in *pages; every chunk in *list. */
static size_t walk(const mote_wr *p, bool index, mote_wr *pages, chunk *list)
{
    uint8_t path[MOTE_PAGE_BYTES_LEVEL1 + MOTE_PAGE_BYTES_ABOVE * (MOTE_LEVELS_MAX - 1)];
    mote_manifest m;
    mote_tree t;
    const size_t ml = mote_le16(p->p + 10), body = 16 + ml + mote_le16(p->p + 12);
    size_t next = body;
    ck_assert_int_eq(mote_manifest_read(&m, p->p + 16, ml), MOTE_OK);
    ck_assert_uint_lt(m.n_chunks, CHUNKS_MAX);
    mote_tree_init(&t, &m, mote_crypto_host(), path);
    if (pages) mote_wr_bytes(pages, p->p, body);
    for (uint32_t i = 0; i < m.n_chunks; i++) {
        uint32_t n;
        mote_tree_seek(&t, i);
        for (; t.level > 0; next += n) {
            const size_t at = index ? next : body + mote_tree_position(&t);
            ck_assert_int_eq(mote_tree_next(&t, &n), MOTE_OK);
            must(at + n <= p->n);
            ck_assert_int_eq(mote_tree_accept(&t, p->p + at, n), MOTE_OK);
            if (pages) mote_wr_bytes(pages, p->p + at, n);
        }
        ck_assert_int_eq(mote_tree_next(&t, &n), MOTE_OK);
        list[i] = (chunk){ .at = body + mote_tree_position(&t), .bytes = n };
        memcpy(list[i].digest, mote_tree_digest(&t), MOTE_DIGEST_BYTES);
    }
    if (index) ck_assert_uint_eq(next, p->n);
    return m.n_chunks;
}

/* Two releases of a network: of five tensors the third is another. */
static void release(mote_wr *file, unsigned version)
{
    pkg_model m = { 0 };
    const uint64_t shape[2] = { 30, 40 };
    uint8_t data[1200];
    for (unsigned i = 0; i < 5; i++) {
        const char name[2] = { (char)('a' + i), '\0' };
        for (size_t k = 0; k < sizeof data; k++) data[k] = (uint8_t)(k * (i + 3) + (i == 2 ? version * (k / 7) : 0));
        pkg_model_add(&m, MOTE_KIND_TENSOR, name, MOTE_I8, 2, shape, data, 120);
    }
    pkg_model_write(&m, 256, 1, file);
    pkg_model_free(&m);
}

START_TEST(a_client_fetches_only_the_chunks_that_it_lacks)
{
    static chunk have[CHUNKS_MAX], want[CHUNKS_MAX], of_index[CHUNKS_MAX];
    mote_wr old = { 0 }, new = { 0 }, index = { 0 }, built = { 0 };
    release(&old, 1);
    release(&new, 2);
    const size_t n_old = walk(&old, false, NULL, have), n = walk(&new, false, &index, want);
    ck_assert_uint_gt(n, 40);
    ck_assert_int_eq(pkg_status(index.p, index.n, 1), MOTE_ERR_DIGEST); /* an index is no package */

    /* from here on the client has the index and the old package; of the new one, what it asks for */
    ck_assert_uint_eq(walk(&index, true, NULL, of_index), n);
    size_t fetched = 0;
    mote_wr_bytes(&built, new.p, new.n);
    const size_t body = 16u + mote_le16(index.p + 10) + mote_le16(index.p + 12);
    memset(built.p + body, 0, built.n - body); /* nothing is there yet */
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_eq(of_index[i].at, want[i].at);
        ck_assert_uint_eq(of_index[i].bytes, want[i].bytes);
        size_t k = 0;
        while (k < n_old && memcmp(have[k].digest, of_index[i].digest, MOTE_DIGEST_BYTES) != 0) k++;
        const uint8_t *from = k < n_old ? old.p + have[k].at : new.p + of_index[i].at;
        memcpy(built.p + of_index[i].at, from, of_index[i].bytes);
        if (k == n_old) fetched += of_index[i].bytes;
    }
    /* the pages lie between the chunks, in the order of the index */
    size_t at = body, page = body;
    for (size_t i = 0; i <= n; i++) {
        const size_t end = i < n ? of_index[i].at : new.n;
        memcpy(built.p + at, index.p + page, end - at);
        page += end - at;
        if (i < n) at = end + of_index[i].bytes;
    }
    ck_assert_uint_eq(page, index.n);
    ck_assert(wr_same(&built, &new));
    ck_assert_int_eq(pkg_status(built.p, built.n, 1), MOTE_OK);
    ck_assert_msg(fetched > 0 && 3 * fetched < new.n, "%zu of %zu", fetched, new.n);

    /* a chunk of the old package in the place of a new one is nothing that passes */
    for (size_t i = 0; i < n && i < n_old; i++) {
        if (memcmp(have[i].digest, want[i].digest, MOTE_DIGEST_BYTES) == 0 || have[i].bytes != want[i].bytes) continue;
        memcpy(built.p + want[i].at, old.p + have[i].at, want[i].bytes);
        ck_assert_int_eq(pkg_status(built.p, built.n, 1), MOTE_ERR_DIGEST);
        memcpy(built.p + want[i].at, new.p + want[i].at, want[i].bytes);
    }
    mote_wr_free(&old);
    mote_wr_free(&new);
    mote_wr_free(&index);
    mote_wr_free(&built);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("index");
    TCase *tc = tcase_create("index");
    tcase_add_test(tc, a_client_fetches_only_the_chunks_that_it_lacks);
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
