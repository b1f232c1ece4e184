/* SPDX-License-Identifier: Apache-2.0
 * Going on after a reset (format.md 7.2): whatever the moment, what was stored before and what comes after make up the
 * package; whatever the token, nothing is put where it does not belong and nothing is taken unverified (A15). */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "pkg_helpers.h"
#include "vector_list.h"

enum { WORK = 1 << 18, OUT = 1 << 14, BLOCKS_MAX = 4096 };

/* What a device has stored: blocks by their place. */
typedef struct block {
    uint32_t index;
    size_t row, col, bytes;
    uint8_t *data;
    bool resident, again; /* again: came twice */
} block;

typedef struct store {
    block b[BLOCKS_MAX];
    size_t n;
} store;

static block *find(store *s, const block *like)
{
    for (block *b = s->b; b < s->b + s->n; b++)
        if (b->index == like->index && b->resident == like->resident && b->row == like->row && b->col == like->col)
            return b;
    return NULL;
}

static void put(store *s, const mote_event *e)
{
    const block new = { .index = e->index,
                        .row = e->block.row,
                        .col = e->block.col,
                        .bytes = e->block.bytes,
                        .resident = e->block.native && e->block.native->is_resident };
    block *b = find(s, &new);
    if (b) {
        must(b->bytes == e->block.bytes);
        b->again = true;
    } else {
        must(s->n++ < BLOCKS_MAX);
        b = &s->b[s->n - 1];
        *b = new;
        b->data = pkg_alloc(new.bytes);
    }
    memcpy(b->data, e->block.data, e->block.bytes);
}

/* Whether all that `part` has is in `whole`, the same; and the other way round. */
static bool within(const store *part, store *all)
{
    for (size_t i = 0; i < part->n; i++) {
        const block *b = find(all, &part->b[i]);
        if (!b || b->bytes != part->b[i].bytes || memcmp(b->data, part->b[i].data, b->bytes) != 0) return false;
    }
    return true;
}

static void clear(store *s)
{
    for (size_t i = 0; i < s->n; i++) free(s->b[i].data);
    s->n = 0;
}

/* ---- a device ---- */

typedef struct device {
    const mote_wr *file;
    mote_loader_config config;
    void *work, *out;
    mote_loader *ld;
    size_t reads, fail_at; /* the read of this number fails, from 1 */
    uint32_t tensors;
    bool complete;
} device;

static int read_at(void *ctx, uint64_t at, uint8_t *to, size_t n)
{
    device *d = ctx;
    if (++d->reads == d->fail_at || at > d->file->n || n > d->file->n - at) return -1;
    memcpy(to, d->file->p + at, n);
    return 0;
}

static device start(const mote_wr *file)
{
    device d = { .file = file, .config = pkg_config(1), .work = pkg_alloc(WORK), .out = pkg_alloc(OUT) };
    return d;
}

static void stop(device *d)
{
    free(d->work);
    free(d->out);
}

static mote_status next(device *d, mote_event *e)
{
    const mote_source source = { read_at, d };
    mote_out out = { d->out, OUT };
    memset(d->out, 0, OUT); /* native blocks need not fill the bytes that they state */
    return mote_loader_pull(d->ld, &source, &out, e);
}

/* From reset: up to the manifest, the token if there is one, then `events` events more (0: to the end) into *s. */
static mote_status session(device *d, const uint8_t *token, size_t events, store *s)
{
    mote_event e;
    d->complete = false;
    d->tensors = 0;
    ck_assert_int_eq(mote_loader_init(&d->ld, d->work, WORK, &d->config), MOTE_OK);
    mote_status st = next(d, &e);
    if (st != MOTE_OK) return st;
    ck_assert_int_eq(e.type, MOTE_EVENT_MANIFEST);
    if (token) st = mote_loader_resume(d->ld, token);
    if (st != MOTE_OK) return st;
    for (size_t i = 0; events == 0 || i < events; i++) {
        st = next(d, &e);
        if (st != MOTE_OK) return st;
        if (e.type == MOTE_EVENT_TENSOR) d->tensors++;
        if (e.type == MOTE_EVENT_BLOCK) put(s, &e);
        if (e.type == MOTE_EVENT_DONE) {
            d->complete = mote_loader_complete(d->ld);
            return MOTE_OK;
        }
    }
    return MOTE_NEED_INPUT; /* cut short */
}

/* ---- the packages ---- */

static mote_wr files[6];
static const char *const names[] = { "ok/chunks-33.mote",
                                     "ok/nano-codec-dense-affine.mote",
                                     "ok/nano-codec-csr-float.mote",
                                     "ok/nano-codec-lowrank.mote",
                                     "ok/small.mote",
                                     "ok/axis.mote" };
_Static_assert(N(names) == N(files), "a name each");
static store whole[N(files)];
static size_t events_of[N(files)];

static void setup(void)
{
    for (size_t i = 0; i < N(files); i++) {
        vector_read(names[i], &files[i]);
        device d = start(&files[i]);
        must(session(&d, NULL, 0, &whole[i]) == MOTE_OK && d.complete);
        for (size_t n = 1; events_of[i] == 0; n++) {
            store s = { .n = 0 };
            if (session(&d, NULL, n, &s) == MOTE_OK) events_of[i] = n;
            clear(&s);
        }
        stop(&d);
    }
}

static void teardown(void)
{
    for (size_t i = 0; i < N(files); i++) {
        mote_wr_free(&files[i]);
        clear(&whole[i]);
    }
}

static void reset_at_every_event(size_t i, mote_form form)
{
    size_t passed_over = 0, again = 0;
    device d = start(&files[i]);
    static store all;
    d.config.form = form;
    ck_assert_int_eq(session(&d, NULL, 0, &all), MOTE_OK);
    for (size_t n = 1; n < events_of[i] + 20; n++) {
        static store s;
        uint8_t token[MOTE_RESUME_BYTES];
        mote_status st = session(&d, NULL, n, &s);
        if (st == MOTE_OK) {
            clear(&s);
            break;
        }
        ck_assert_int_eq(st, MOTE_NEED_INPUT);
        ck_assert_int_eq(mote_loader_save(d.ld, token), MOTE_OK);
        memset(d.work, 0xEE, WORK); /* the reset */
        memset(d.out, 0xEE, OUT);
        d.reads = 0;
        ck_assert_int_eq(session(&d, token, 0, &s), MOTE_OK);
        ck_assert_msg(s.n == all.n && within(&s, &all), "%s: reset after event %zu", names[i], n);
        passed_over += !d.complete;
        for (size_t k = 0; k < s.n; k++) again += s.b[k].again;
        clear(&s);
    }
    ck_assert_uint_gt(passed_over, 0);
    /* a chunk of few blocks comes twice, never more than that */
    ck_assert_uint_le(again, 60 * events_of[i]);
    clear(&all);
    stop(&d);
}

START_TEST(a_reset_at_any_event_loses_nothing)
{
    reset_at_every_event((size_t)_i, MOTE_FORM_DENSE);
    if ((size_t)_i < 4) reset_at_every_event((size_t)_i, MOTE_FORM_NATIVE);
}
END_TEST

/* Only what is needed is read: little of the chunks before. */
START_TEST(going_on_reads_little_of_what_was_stored)
{
    device d = start(&files[0]);
    store s = { .n = 0 };
    uint8_t token[MOTE_RESUME_BYTES];
    ck_assert_int_eq(session(&d, NULL, events_of[0] - 3, &s), MOTE_NEED_INPUT);
    const size_t before = d.reads;
    ck_assert_int_eq(mote_loader_save(d.ld, token), MOTE_OK);
    d.reads = 0;
    ck_assert_int_eq(session(&d, token, 0, &s), MOTE_OK);
    ck_assert_uint_lt(4 * d.reads, 3 * before);
    ck_assert_uint_le(d.tensors, 2);
    clear(&s);
    stop(&d);
}
END_TEST

/* Whatever chunk a token names: blocks stand where they belong or there are none, and complete is not said of less. */
START_TEST(no_token_puts_a_block_where_it_does_not_belong) /* A15 */
{
    const size_t i = (size_t)_i;
    device d = start(&files[i]);
    uint8_t token[MOTE_RESUME_BYTES];
    store s = { .n = 0 };
    (void)session(&d, NULL, 1, &s);
    ck_assert_int_eq(mote_loader_save(d.ld, token), MOTE_OK);
    size_t fewer = 0;
    for (uint32_t chunk = 0; chunk < 300; chunk++) {
        mote_put32(token + 32, chunk);
        mote_put32(token + 36, chunk * 77); /* no meaning is given to it */
        mote_status st = session(&d, token, 0, &s);
        ck_assert(st == MOTE_OK || st == MOTE_ERR_STATE);
        ck_assert(within(&s, &whole[i]));
        if (d.complete) ck_assert_uint_eq(d.reads > 0, 1);
        fewer += s.n < whole[i].n;
        if (chunk == 0) ck_assert_uint_eq(s.n, whole[i].n);
        clear(&s);
    }
    ck_assert_uint_gt(fewer, 0);
    stop(&d);
}
END_TEST

START_TEST(foreign_tokens_are_refused_and_do_no_harm) /* A15 */
{
    device d = start(&files[1]);
    uint8_t token[MOTE_RESUME_BYTES];
    store s = { .n = 0 };
    mote_event e;
    (void)session(&d, NULL, 20, &s);
    ck_assert_int_eq(mote_loader_save(d.ld, token), MOTE_OK);
    clear(&s);
    for (unsigned bit = 0; bit < 8 * MOTE_DIGEST_BYTES; bit++) {
        token[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(session(&d, token, 0, &s), MOTE_ERR_STATE);
        token[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (unsigned high = 0; high < 4; high++) { /* no such chunk */
        const uint8_t was = token[35];
        token[35] = (uint8_t)(0xFFu << high);
        ck_assert_int_eq(session(&d, token, 0, &s), MOTE_ERR_STATE);
        token[35] = was;
    }
    ck_assert_uint_eq(s.n, 0);
    /* it may still be pulled from the beginning */
    do {
        ck_assert_int_eq(next(&d, &e), MOTE_OK);
        if (e.type == MOTE_EVENT_BLOCK) put(&s, &e);
    } while (e.type != MOTE_EVENT_DONE);
    ck_assert(mote_loader_complete(d.ld) && s.n == whole[1].n && within(&s, &whole[1]));
    clear(&s);
    stop(&d);
}
END_TEST

START_TEST(tokens_have_their_time)
{
    device d = start(&files[1]);
    uint8_t token[MOTE_RESUME_BYTES];
    mote_event e;
    mote_in in = { 0 };
    mote_out out = { 0 };
    mote_entry entry;
    const mote_source source = { read_at, &d };
    ck_assert_int_eq(mote_loader_init(&d.ld, d.work, WORK, &d.config), MOTE_OK);
    ck_assert_int_eq(mote_loader_save(d.ld, token), MOTE_ERR_STATE);
    memset(token, 0, sizeof token);
    ck_assert_int_eq(mote_loader_resume(d.ld, token), MOTE_ERR_STATE);
    ck_assert_int_eq(mote_loader_reverify(d.ld, &source), MOTE_ERR_STATE);
    ck_assert_int_eq(next(&d, &e), MOTE_OK);
    ck_assert_int_eq(mote_loader_save(d.ld, token), MOTE_ERR_STATE); /* of the body nothing has been read */
    ck_assert_int_eq(next(&d, &e), MOTE_OK);
    ck_assert_int_eq(mote_loader_save(d.ld, token), MOTE_OK);
    ck_assert_int_eq(mote_loader_resume(d.ld, token), MOTE_ERR_STATE);
    const mote_text name = { "a stored", 8 };
    ck_assert_int_eq(mote_loader_find(d.ld, &source, MOTE_KIND_TENSOR, name, &entry), MOTE_OK);
    ck_assert_int_eq(mote_loader_save(d.ld, token), MOTE_ERR_STATE);
    /* one that goes on is one that pulls */
    store s = { .n = 0 };
    ck_assert_int_eq(session(&d, token, 1, &s), MOTE_NEED_INPUT);
    ck_assert_int_eq(mote_loader_step(d.ld, &in, &out, &e), MOTE_ERR_STATE);
    clear(&s);
    stop(&d);
}
END_TEST

/* Policy and signature stand before the token, on every start. */
START_TEST(trust_and_policy_are_asked_again)
{
    device d = start(&files[1]);
    uint8_t token[MOTE_RESUME_BYTES];
    store s = { .n = 0 };
    (void)session(&d, NULL, 20, &s);
    ck_assert_int_eq(mote_loader_save(d.ld, token), MOTE_OK);
    clear(&s);
    d.config.policy.installed_sequence = 1000;
    ck_assert_int_eq(session(&d, token, 0, &s), MOTE_ERR_ROLLBACK);
    d.config = pkg_config(1);
    d.config.trust.keys = pkg_key(3)->pub;
    ck_assert_int_eq(session(&d, token, 0, &s), MOTE_ERR_UNTRUSTED);
    ck_assert_uint_eq(s.n, 0);
    stop(&d);
}
END_TEST

/* What is read after the reset is verified as if there had been none. */
START_TEST(changed_bytes_on_the_way_are_refused)
{
    mote_wr copy = { 0 };
    wr_copy(&copy, &files[1]);
    device d = start(&copy);
    uint8_t token[MOTE_RESUME_BYTES];
    store s = { .n = 0 };
    (void)session(&d, NULL, 60, &s);
    ck_assert_int_eq(mote_loader_save(d.ld, token), MOTE_OK);
    clear(&s);
    size_t refused = 0, unread = 0;
    for (size_t at = 0; at < copy.n; at += 3) {
        copy.p[at] ^= 16;
        mote_status st = session(&d, token, 0, &s);
        refused += st != MOTE_OK;
        unread += st == MOTE_OK; /* in a chunk that was passed over */
        if (st == MOTE_OK) ck_assert(!d.complete && within(&s, &whole[1]));
        copy.p[at] ^= 16;
        clear(&s);
    }
    ck_assert(refused > unread && unread > 0);
    mote_wr_free(&copy);
    stop(&d);
}
END_TEST

/* ---- looking again ---- */

START_TEST(reverify_finds_every_changed_byte_of_the_body)
{
    mote_wr copy = { 0 };
    wr_copy(&copy, &files[(size_t)_i]);
    const size_t body = 16u + mote_le16(copy.p + 10) + mote_le16(copy.p + 12);
    device d = start(&copy);
    const mote_source source = { read_at, &d };
    mote_event e;
    for (size_t at = body; at <= copy.n; at += at < copy.n ? 1 + (copy.n - body) / 400 : 1) {
        if (at > copy.n - 1) at = copy.n;
        if (at < copy.n) copy.p[at] ^= 1;
        ck_assert_int_eq(mote_loader_init(&d.ld, d.work, WORK, &d.config), MOTE_OK);
        ck_assert_int_eq(next(&d, &e), MOTE_OK);
        const mote_status st = mote_loader_reverify(d.ld, &source);
        if (at < copy.n) {
            ck_assert_msg(st == MOTE_ERR_DIGEST, "byte %zu: %s", at, mote_status_name(st));
            ck_assert_int_eq(mote_loader_reverify(d.ld, &source), st);
            copy.p[at] ^= 1;
        } else {
            ck_assert_int_eq(st, MOTE_OK);
        }
    }
    mote_wr_free(&copy);
    stop(&d);
}
END_TEST

START_TEST(reverify_may_be_tried_again_and_leads_to_finds)
{
    device d = start(&files[1]);
    const mote_source source = { read_at, &d };
    store s = { .n = 0 };
    mote_event e;
    mote_entry entry;
    ck_assert_int_eq(session(&d, NULL, 30, &s), MOTE_NEED_INPUT); /* in the middle of things */
    for (size_t k = 1;; k += 3) {
        d.reads = 0;
        d.fail_at = k;
        const mote_status st = mote_loader_reverify(d.ld, &source);
        if (st == MOTE_OK) break;
        ck_assert_int_eq(st, MOTE_ERR_IO);
        d.fail_at = 0;
        ck_assert_int_eq(mote_loader_reverify(d.ld, &source), MOTE_OK);
    }
    d.fail_at = 0;
    ck_assert(!mote_loader_complete(d.ld));
    ck_assert_int_eq(next(&d, &e), MOTE_ERR_STATE);
    const mote_text name = { "b constant", 10 };
    ck_assert_int_eq(mote_loader_find(d.ld, &source, MOTE_KIND_TENSOR, name, &entry), MOTE_OK);
    clear(&s);
    do {
        ck_assert_int_eq(next(&d, &e), MOTE_OK);
        if (e.type == MOTE_EVENT_BLOCK) put(&s, &e);
    } while (e.type != MOTE_EVENT_TENSOR_END);
    ck_assert(s.n > 0 && within(&s, &whole[1]));
    clear(&s);
    stop(&d);
}
END_TEST

START_TEST(stored_elements_are_compared_with_their_entry)
{
    uint8_t elements[40];
    for (unsigned i = 0; i < sizeof elements; i++) elements[i] = (uint8_t)(3 * i);
    uint8_t digest[32];
    const mote_crypto *c = mote_crypto_host();
    const uint8_t *part[2] = { (const uint8_t *)"mote1 tensor\0\0\0\0", elements };
    const size_t bytes[2] = { 16, sizeof elements };
    c->sha256(c->ctx, digest, part, bytes, 2);
    mote_entry e = { .bytes = sizeof elements };
    ck_assert_int_eq(mote_entry_verify(c, &e, elements), MOTE_ERR_MISSING);
    e.digest = digest;
    ck_assert_int_eq(mote_entry_verify(c, &e, elements), MOTE_OK);
    for (unsigned bit = 0; bit < 8 * sizeof elements; bit++) {
        elements[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(mote_entry_verify(c, &e, elements), MOTE_ERR_DIGEST);
        elements[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("resume");
    TCase *tc = tcase_create("resume");
    tcase_add_unchecked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_reset_at_any_event_loses_nothing, 0, (int)N(files));
    tcase_add_test(tc, going_on_reads_little_of_what_was_stored);
    tcase_add_loop_test(tc, no_token_puts_a_block_where_it_does_not_belong, 0, (int)N(files));
    tcase_add_test(tc, foreign_tokens_are_refused_and_do_no_harm);
    tcase_add_test(tc, tokens_have_their_time);
    tcase_add_test(tc, trust_and_policy_are_asked_again);
    tcase_add_test(tc, changed_bytes_on_the_way_are_refused);
    tcase_add_loop_test(tc, reverify_finds_every_changed_byte_of_the_body, 0, (int)N(files));
    tcase_add_test(tc, reverify_may_be_tried_again_and_leads_to_finds);
    tcase_add_test(tc, stored_elements_are_compared_with_their_entry);
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
