/* SPDX-License-Identifier: Apache-2.0
 * The hash tree against its recursive definition: sizes, order in the body, positions, walking, seeking, refusal.
 * Spec format.md 7. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/le.h"
#include "pkg_helpers.h"
#include "write/layout.h"
#include "wide.h"

/* A body made by recursion, as the text of format.md says it. */
typedef struct node {
    unsigned level;
    uint32_t first; /* chunk */
    size_t at, own; /* own: bytes of the page or chunk itself */
} node;

typedef struct body {
    uint32_t n, *lengths;
    mote_wr bytes;
    node *nodes; /* in body order */
    size_t n_nodes, *of_chunk;
    uint8_t root[32], *digests;
} body;

static uint64_t put_node(body *b, unsigned level, uint32_t first, uint8_t digest[32])
{
    const mote_crypto *c = mote_crypto_host();
    size_t at = b->bytes.n;
    node *me = &b->nodes[b->n_nodes++];
    *me = (node){ level, first, at, 0 };
    if (level == 0) {
        me->own = b->lengths[first];
        b->of_chunk[first] = (size_t)(me - b->nodes);
        uint8_t *p = mote_wr_room(&b->bytes, me->own);
        must(p != NULL);
        for (size_t i = 0; i < me->own; i++) p[i] = (uint8_t)(first * 7 + i);
        mote_digest(c, digest, MOTE_ROLE_CHUNK, p, me->own);
        memcpy(b->digests + 32 * (size_t)first, digest, 32);
        return me->own;
    }
    uint32_t span = 1;
    for (unsigned k = 1; k < level; k++) span *= 16;
    size_t width = level == 1 ? 36 : 40;
    for (uint32_t i = first; i < b->n && i < first + 16 * span; i += span) me->own += width;
    must(mote_wr_room(&b->bytes, me->own) != NULL);
    size_t entry = at;
    for (uint32_t i = first; i < b->n && i < first + 16 * span; i += span, entry += width) {
        uint8_t child[32];
        uint64_t length = put_node(b, level - 1, i, child);
        if (level == 1)
            mote_put32(b->bytes.p + entry, (uint32_t)length);
        else
            mote_put64(b->bytes.p + entry, length);
        memcpy(b->bytes.p + entry + width - 32, child, 32);
    }
    mote_digest(c, digest, MOTE_ROLE_PAGE, b->bytes.p + at, me->own);
    return b->bytes.n - at;
}

static unsigned height_of(uint32_t n)
{
    unsigned h = 0;
    for (uint64_t reach = 1; reach < n; reach *= 16) h++;
    return h;
}

static void body_make(body *b, uint32_t n)
{
    *b = (body){ .n = n };
    uint64_t state = n;
    b->lengths = pkg_alloc(n * sizeof *b->lengths);
    b->nodes = pkg_alloc((2 * (size_t)n + 8) * sizeof *b->nodes);
    b->of_chunk = pkg_alloc(n * sizeof *b->of_chunk);
    b->digests = pkg_alloc(32 * (size_t)n);
    for (uint32_t i = 0; i < n; i++) b->lengths[i] = 1 + pkg_random(&state) % 9;
    must(put_node(b, height_of(n), 0, b->root) == b->bytes.n && b->bytes.st == MOTE_OK);
}

static void body_free(body *b)
{
    free(b->lengths);
    free(b->nodes);
    free(b->of_chunk);
    free(b->digests);
    mote_wr_free(&b->bytes);
}

static mote_manifest manifest_of(const body *b)
{
    mote_manifest m = { .n_chunks = b->n, .body_bytes = b->bytes.n, .facts = { .chunk_max = 9 } };
    memcpy(m.root, b->root, 32);
    return m;
}

/* Reads the node that comes next, which must be nodes[i]; from an exact copy, or in place for pages. */
static void read_node(mote_tree *t, const body *b, size_t i)
{
    const node *want = &b->nodes[i];
    uint32_t n = 0;
    ck_assert_int_eq(mote_tree_next(t, &n), MOTE_OK);
    ck_assert(t->level == want->level && n == want->own && mote_tree_position(t) == want->at);
    if (t->level && i % 2) {
        memcpy(mote_tree_page(t), b->bytes.p + want->at, n);
        ck_assert_int_eq(mote_tree_accept(t, mote_tree_page(t), n), MOTE_OK);
    } else {
        uint8_t *copy = pkg_exact(b->bytes.p + want->at, n);
        ck_assert_int_eq(mote_tree_accept(t, copy, n), MOTE_OK);
        free(copy);
    }
}

static void check_sizes(const body *b)
{
    unsigned h = mote_tree_height(b->n);
    uint64_t pages = 0;
    ck_assert_uint_eq(h, height_of(b->n));
    ck_assert_uint_eq(mote_tree_path_bytes(h), h ? 576 + 640 * (h - 1) : 0);
    for (size_t i = 0; i < b->n_nodes; i++) {
        const node *x = &b->nodes[i];
        if (x->level == 0) continue;
        ck_assert_uint_eq(mote_tree_page_bytes(b->n, x->level, x->first), x->own);
        pages += x->own;
    }
    ck_assert_uint_eq(mote_tree_pages_bytes(b->n), pages);
}

static void check_walk(const body *b)
{
    uint8_t *pages = pkg_alloc(mote_tree_path_bytes(mote_tree_height(b->n)));
    mote_manifest m = manifest_of(b);
    mote_tree t;
    mote_tree_init(&t, &m, mote_crypto_host(), pages);
    uint32_t chunk = 0;
    for (size_t i = 0; i < b->n_nodes; i++) {
        ck_assert_uint_eq(t.chunk, chunk);
        read_node(&t, b, i);
        if (b->nodes[i].level) continue;
        chunk++;
        ck_assert(mote_tree_advance(&t) == (chunk < b->n));
    }
    ck_assert_uint_eq(chunk, b->n);
    free(pages);
}

/* To a chunk: the nodes of its path that are not in memory, which are those below what both paths share. */
static void check_seek(mote_tree *t, const body *b, uint32_t from, uint32_t to)
{
    unsigned h = height_of(b->n), k = from == UINT32_MAX ? h + 1 : 0;
    if (k == 0)
        for (k = 1; k <= h && from >> 4 * k != to >> 4 * k; k++) continue;
    mote_tree_seek(t, to);
    for (unsigned level = k - 1;; level--) { /* levels k-1 .. 0 are read */
        uint32_t first = to >> 4 * level << 4 * level;
        size_t i = b->of_chunk[to];
        while (b->nodes[i].level != level || b->nodes[i].first != first) i--;
        read_node(t, b, i);
        if (level == 0) break;
    }
    ck_assert_uint_eq(t->chunk, to);
}

static void check_seeks(const body *b, unsigned tries)
{
    uint8_t *pages = pkg_alloc(mote_tree_path_bytes(mote_tree_height(b->n)));
    mote_manifest m = manifest_of(b);
    mote_tree t;
    for (uint32_t to = 0; to<b->n; to += b->n> 1000 ? b->n / 97 : 1) { /* from nothing, to each */
        mote_tree_init(&t, &m, mote_crypto_host(), pages);
        check_seek(&t, b, UINT32_MAX, to);
    }
    mote_tree_init(&t, &m, mote_crypto_host(), pages);
    uint64_t state = b->n;
    uint32_t at = pkg_random(&state) % b->n;
    check_seek(&t, b, UINT32_MAX, at);
    for (unsigned i = 0; i < tries; i++) {
        uint32_t to = i % 3 ? pkg_random(&state) % b->n : at + 1 < b->n ? at + 1 : 0;
        check_seek(&t, b, at, to);
        at = to;
    }
    free(pages);
}

/* The writer makes the same pages. */
static void check_writer(const body *b)
{
    mote_pages p;
    ck_assert_int_eq(mote_pages_make(&p, mote_crypto_host(), b->n, b->lengths, b->digests), MOTE_OK);
    ck_assert(p.body_bytes == b->bytes.n && memcmp(p.root, b->root, 32) == 0 && p.height == height_of(b->n));
    for (size_t i = 0; i < b->n_nodes; i++) {
        const node *x = &b->nodes[i];
        if (x->level == 0) continue;
        mote_piece page = mote_pages_page(&p, x->level, x->first);
        ck_assert(page.bytes == x->own && memcmp(page.data, b->bytes.p + x->at, x->own) == 0);
    }
    mote_pages_free(&p);
}

static void check_all(uint32_t n, unsigned seeks)
{
    body b;
    body_make(&b, n);
    check_sizes(&b);
    check_walk(&b);
    check_seeks(&b, seeks);
    check_writer(&b);
    body_free(&b);
}

START_TEST(tree_of_up_to_300_chunks_is_as_defined)
{
    for (uint32_t n = 1; n <= 300; n++) check_all(n, 100);
}
END_TEST

START_TEST(tree_of_many_chunks_is_as_defined)
{
    static const uint32_t counts[] = { 1025, 4095, 4096, 4097, 65536, 65537 };
    check_all(counts[_i], 3000);
}
END_TEST

/* Beyond what fits a test: sizes by arithmetic alone. */
START_TEST(sizes_hold_up_to_the_limit)
{
    ck_assert_uint_eq(mote_tree_height(MOTE_CHUNKS_MAX), 7);
    ck_assert_uint_eq(mote_tree_height(MOTE_CHUNKS_MAX / 16), 6);
    ck_assert_uint_eq(mote_tree_height(MOTE_CHUNKS_MAX / 16 + 1), 7);
    ck_assert_uint_eq(mote_tree_path_bytes(7), 576 + 640 * 6);
    for (uint32_t n = MOTE_CHUNKS_MAX; n > 300; n = n / 3 * 2 + 1) {
        uint64_t total = (uint64_t)n * 36, nodes = n;
        for (nodes = (nodes + 15) / 16; nodes > 1; nodes = (nodes + 15) / 16) total += nodes * 40;
        ck_assert_uint_eq(mote_tree_pages_bytes(n), total);
        uint32_t last = (n - 1) & ~15u;
        ck_assert_uint_eq(mote_tree_page_bytes(n, 1, last), (n - last) * 36);
        ck_assert_uint_eq(mote_tree_page_bytes(n, 1, 0), 576);
        unsigned h = mote_tree_height(n);
        uint32_t top = (uint32_t)(((uint64_t)n + ((uint64_t)1 << 4 * (h - 1)) - 1) >> 4 * (h - 1));
        ck_assert_uint_eq(mote_tree_page_bytes(n, h, 0), top * 40);
        if (n < 400) break;
    }
}
END_TEST

/* ---- refusal ---- */

/* Reads up to node i, whose bytes are then changed by one bit, or cut out of another node. */
START_TEST(every_flipped_bit_of_a_page_and_a_chunk_is_refused) /* A5, A13 */
{
    body b;
    body_make(&b, 35);
    uint8_t pages[2 * 640];
    mote_manifest m = manifest_of(&b);
    mote_tree t;
    mote_tree_init(&t, &m, mote_crypto_host(), pages);
    for (size_t i = 0; i < b.n_nodes; i++) {
        const node *x = &b.nodes[i];
        uint8_t *copy = pkg_exact(b.bytes.p + x->at, x->own);
        for (size_t bit = 0; bit < 8 * x->own; bit++) {
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
            ck_assert_int_eq(mote_tree_accept(&t, copy, x->own), MOTE_ERR_DIGEST);
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (size_t j = 0; j < b.n_nodes; j++) { /* nothing else fits there: order, level and role are bound */
            const node *y = &b.nodes[j];
            if (j != i && !(y->level == 0 && x->level == 0 && y->own == x->own &&
                            memcmp(b.bytes.p + y->at, b.bytes.p + x->at, x->own) == 0))
                ck_assert_int_eq(mote_tree_accept(&t, b.bytes.p + y->at, y->own), MOTE_ERR_DIGEST);
        }
        ck_assert_int_eq(mote_tree_accept(&t, copy, x->own), MOTE_OK);
        free(copy);
        if (x->level == 0) mote_tree_advance(&t);
    }
    body_free(&b);
}
END_TEST

/* A page that is authentic but lies about lengths. */
typedef struct lie_row {
    const char *name;
    uint32_t n; /* of chunks: one page (level 1), or the root page of level 2 */
    unsigned entry;
    uint64_t length; /* what the page says */
    int64_t body;    /* added to body_len */
    mote_status st;
} lie_row;

static const lie_row lies[] = {
    { "as it is", 3, 1, 5, 0, MOTE_OK },
    { "a chunk one longer", 3, 1, 6, 0, MOTE_ERR_TREE },
    { "a chunk one shorter", 3, 1, 4, 0, MOTE_ERR_TREE },
    { "an empty chunk", 3, 1, 0, 0, MOTE_ERR_TREE },
    { "an empty chunk that adds up", 3, 1, 0, -5, MOTE_ERR_TREE },
    { "chunk_max that adds up", 3, 1, 9, 4, MOTE_OK },
    { "above chunk_max, adding up", 3, 1, 10, 5, MOTE_ERR_TREE },
    { "2^32-1: sums that would wrap", 3, 1, UINT32_MAX, 0, MOTE_ERR_TREE },
    { "body one longer", 3, 1, 5, 1, MOTE_ERR_TREE },
    { "body one shorter", 3, 1, 5, -1, MOTE_ERR_TREE },
    { "body shorter than the page", 3, 1, 5, -1000, MOTE_ERR_TREE },
    { "level 2: as it is", 20, 1, 36 * 4 + 20, 0, MOTE_OK },
    { "level 2: a child one longer", 20, 1, 36 * 4 + 21, 0, MOTE_ERR_TREE },
    { "level 2: an empty child", 20, 1, 0, 0, MOTE_ERR_TREE },
    { "level 2: an empty child that adds up", 20, 1, 0, -(36 * 4 + 20), MOTE_ERR_TREE },
    { "level 2: 2^63", 20, 1, (uint64_t)1 << 63, 0, MOTE_ERR_TREE },
    { "level 2: 2^64-1, sums that would wrap", 20, 1, UINT64_MAX, 0, MOTE_ERR_TREE },
    { "level 2: sums that wrap to a body shorter than the page", 20, 1, (uint64_t)0 - 726, -890, MOTE_ERR_TREE },
    { "level 2: 2^32 more", 20, 1, 36 * 4 + 20 + ((uint64_t)1 << 32), 0, MOTE_ERR_TREE },
};

START_TEST(lengths_follow_table) /* A11, A19, D4 */
{
    const lie_row *row = &lies[_i];
    uint8_t page[640] = { 0 }, pages[2 * 640];
    unsigned level = row->n > 16 ? 2 : 1, width = level == 1 ? 36 : 40, m = level == 1 ? row->n : 2;
    uint64_t body_len = m * width;
    for (unsigned i = 0; i < m; i++) { /* chunks of 5 bytes; 20 chunks: pages of 16 and of 4 */
        uint64_t length = level == 1 ? 5 : i == 0 ? 36 * 16 + 80 : 36 * 4 + 20;
        body_len += length;
        if (i == row->entry) length = row->length;
        if (level == 1)
            mote_put32(page + i * width, (uint32_t)length);
        else
            mote_put64(page + i * width, length);
    }
    mote_manifest man = { .n_chunks = row->n,
                          .body_bytes = body_len + (uint64_t)row->body,
                          .facts = { .chunk_max = 9 } };
    mote_digest(mote_crypto_host(), man.root, MOTE_ROLE_PAGE, page, m * width);
    mote_tree t;
    uint32_t n;
    mote_tree_init(&t, &man, mote_crypto_host(), pages);
    ck_assert(mote_tree_next(&t, &n) == MOTE_OK && n == m * width);
    mote_status st = mote_tree_accept(&t, page, n);
    ck_assert_msg(st == row->st, "%s: %d", row->name, st);
    ck_assert(t.level == (st == MOTE_OK ? level - 1 : level));
}
END_TEST

START_TEST(a_single_chunk_keeps_to_chunk_max)
{
    mote_manifest m = { .n_chunks = 1, .facts = { .chunk_max = 9 } };
    static const struct {
        uint64_t body;
        mote_status st;
    } rows[] = { { 0, MOTE_ERR_TREE },
                 { 1, MOTE_OK },
                 { 9, MOTE_OK },
                 { 10, MOTE_ERR_TREE },
                 { WIDE(((uint64_t)1 << 32) + 5, MOTE_BODY_MAX - 1), MOTE_ERR_TREE },
                 { MOTE_BODY_MAX - 1, MOTE_ERR_TREE } };
    for (size_t i = 0; i < N(rows); i++) {
        mote_tree t;
        uint32_t n = 77;
        m.body_bytes = rows[i].body;
        mote_tree_init(&t, &m, mote_crypto_host(), NULL);
        ck_assert_int_eq(mote_tree_next(&t, &n), rows[i].st);
        ck_assert_uint_eq(n, rows[i].st == MOTE_OK ? rows[i].body : 77);
        ck_assert_uint_eq(mote_tree_position(&t), 0);
        ck_assert(!mote_tree_advance(&t));
    }
}
END_TEST

/* A page that was refused, or half read over an older one, is not used. */
START_TEST(a_refused_page_is_not_in_memory)
{
    body b;
    body_make(&b, 40);
    uint8_t pages[2 * 640];
    mote_manifest m = manifest_of(&b);
    mote_tree t;
    mote_tree_init(&t, &m, mote_crypto_host(), pages);
    check_seek(&t, &b, UINT32_MAX, 3);
    mote_tree_seek(&t, 20);
    ck_assert_uint_eq(t.level, 1);
    memset(mote_tree_page(&t), 0xEE, 300); /* a read that failed half-way */
    ck_assert_int_eq(mote_tree_accept(&t, mote_tree_page(&t), 576), MOTE_ERR_DIGEST);
    mote_tree_seek(&t, 4); /* the page of chunks 0..15 has been overwritten: it is asked for again */
    ck_assert_uint_eq(t.level, 1);
    uint32_t n;
    ck_assert(mote_tree_next(&t, &n) == MOTE_OK && n == 576 && mote_tree_position(&t) == 3 * 40);
    body_free(&b);
}
END_TEST

START_TEST(a_page_that_was_passed_by_is_not_that_of_its_neighbours)
{
    body b;
    body_make(&b, 300);
    uint8_t pages[3 * 640];
    mote_manifest m = manifest_of(&b);
    mote_tree t;
    static const uint32_t aside[][2] = { { 20, 21 }, { 40, 33 }, { 290, 291 }, { 257, 256 }, { 17, 299 } };
    for (size_t i = 0; i < N(aside); i++) {
        mote_tree_init(&t, &m, mote_crypto_host(), pages);
        check_seek(&t, &b, UINT32_MAX, 3);
        mote_tree_seek(&t, aside[i][0]); /* led there, nothing read */
        unsigned level = t.level;
        mote_tree_seek(&t, aside[i][1]);
        ck_assert(level >= 1 && t.level >= 1);
        check_seek(&t, &b, 3, aside[i][1]);
    }
    body_free(&b);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("tree");
    TCase *tc = tcase_create("shape");
    tcase_add_test(tc, tree_of_up_to_300_chunks_is_as_defined);
    tcase_add_loop_test(tc, tree_of_many_chunks_is_as_defined, 0, 6);
    tcase_add_test(tc, sizes_hold_up_to_the_limit);
    suite_add_tcase(s, tc);
    tc = tcase_create("refusal");
    tcase_add_test(tc, every_flipped_bit_of_a_page_and_a_chunk_is_refused);
    tcase_add_loop_test(tc, lengths_follow_table, 0, N(lies));
    tcase_add_test(tc, a_single_chunk_keeps_to_chunk_max);
    tcase_add_test(tc, a_refused_page_is_not_in_memory);
    tcase_add_test(tc, a_page_that_was_passed_by_is_not_that_of_its_neighbours);
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
