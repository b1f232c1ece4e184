/* SPDX-License-Identifier: Apache-2.0
 * The loader as its callers see it: workspace, order of calls, forms, single tensors, sources that fail, and what is
 * looked at before it is trusted. What it refuses and why is tested with spec/vectors. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "le_floats.h"
#include "mote/host.h"
#include "pkg_helpers.h"
#include "wide.h"

static mote_wr rich; /* the rich model in chunks of 128 bytes, signed by keys 0 and 1 */

static void setup(void)
{
    pkg_model m = { 0 };
    pkg_rich_model(&m);
    pkg_model_write(&m, 128, 2, &rich);
    pkg_model_free(&m);
}

static void teardown(void)
{
    mote_wr_free(&rich);
}

static void *aligned(size_t n)
{
    return pkg_alloc(n + 8); /* malloc gives 16 */
}

/* ---- workspace ---- */

/* A size below the need is refused with MEMORY, before a byte of the body has been asked for. */
static void refuse(const uint8_t *file, size_t n, size_t body_at, const mote_loader_config *config, size_t bytes)
{
    uint8_t *work = pkg_alloc(bytes + 64);
    memset(work, 0xC7, bytes + 64);
    mote_loader *ld = NULL;
    mote_status st = mote_loader_init(&ld, work, bytes, config);
    if (st == MOTE_OK) {
        mote_in in = { file, n };
        mote_out out = { 0 };
        mote_event e;
        st = mote_loader_step(ld, &in, &out, &e);
        ck_assert_uint_ge(in.left, n - body_at);
        ck_assert(e.type == MOTE_EVENT_NONE && !mote_loader_complete(ld) && mote_loader_end(ld) == MOTE_ERR_MEMORY);
    }
    ck_assert_msg(st == MOTE_ERR_MEMORY, "%zu bytes: %d", bytes, st);
    for (size_t i = 0; i < 64; i++) ck_assert_uint_eq(work[bytes + i], 0xC7);
    free(work);
}

static void every_size(const mote_wr *file, const mote_loader_config *config)
{
    pkg_load l = { .file = file->p, .n = file->n, .config = *config };
    ck_assert_int_eq(pkg_push(&l), MOTE_OK); /* with exactly l.needed bytes, and canaries */
    size_t body_at = 16u + mote_le16(file->p + 10) + mote_le16(file->p + 12);
    for (size_t bytes = 0; bytes < l.needed; bytes++) refuse(file->p, file->n, body_at, config, bytes);
    pkg_load_free(&l);

    mote_manifest m;
    size_t stated = 0;
    ck_assert_int_eq(mote_manifest_read(&m, file->p + 16, mote_le16(file->p + 10)), MOTE_OK);
    ck_assert_int_eq(mote_loader_workspace(config, &m, mote_le16(file->p + 10), mote_le16(file->p + 12), &stated),
                     MOTE_OK);
    ck_assert_uint_eq(stated, l.needed);
}

START_TEST(every_workspace_below_the_need_is_refused_the_need_suffices)
{
    mote_loader_config config = pkg_config(0);
    every_size(&rich, &config);

    pkg_model m = { 0 };
    mote_wr file = { 0 };
    pkg_model_add1(&m, MOTE_KIND_TENSOR, "w", MOTE_F32, 10, 0);
    pkg_model_write(&m, 256, 16, &file);
    every_size(&file, &config);

    /* a manifest so long that opening takes more than the package */
    pkg p;
    pkg_read(&p, file.p, file.n);
    uint8_t filler[3000] = { 0 };
    tlv_set(&p.manifest, 99, filler, sizeof filler);
    pkg_finish(&p);
    every_size(&p.file, &config);
    pkg_free(&p);
    mote_wr_free(&file);
    pkg_model_free(&m);
}
END_TEST

START_TEST(workspace_with_trust_is_the_same)
{
    mote_loader_config config = pkg_config(2);
    pkg_load l = { .file = rich.p, .n = rich.n, .config = config };
    ck_assert_int_eq(pkg_push(&l), MOTE_OK);
    size_t body_at = 16u + mote_le16(rich.p + 10) + mote_le16(rich.p + 12);
    for (size_t back = 1; back < l.needed; back += 1 + back / 4)
        refuse(rich.p, rich.n, body_at, &config, l.needed - back);
    pkg_load_free(&l);
}
END_TEST

/* The need is known, and what it is made of, also where no memory could hold it. */
START_TEST(need_is_told_however_large)
{
    static const struct {
        unsigned fact;
        uint64_t value;
    } rows[] = { { RESIDENT_MAX, INT64_MAX }, { SEG_RAW_MAX, INT64_MAX }, { RESIDENT_MAX, (uint64_t)1 << 40 } };
    mote_loader_config config = pkg_config(1);
    for (size_t i = 0; i < N(rows); i++) {
        pkg p;
        pkg_read(&p, rich.p, rich.n);
        p.fact[rows[i].fact] = rows[i].value;
        tlv_set(&p.manifest, 6, "\x01\x04\x20\x60\x65", 5); /* lowrank and zstd, too */
        pkg_finish(&p);
        void *work = aligned(100000);
        mote_loader *ld;
        mote_in in = { p.file.p, p.file.n };
        mote_out out = { 0 };
        mote_event e;
        ck_assert_int_eq(mote_loader_init(&ld, work, 100000, &config), MOTE_OK);
        ck_assert_uint_eq(mote_loader_needed(ld), 0);
        ck_assert_int_eq(mote_loader_step(ld, &in, &out, &e), MOTE_ERR_MEMORY);
        if (WIDE_SIZE) ck_assert(mote_loader_needed(ld) > rows[i].value);
        if (!WIDE_SIZE) ck_assert_uint_eq(mote_loader_needed(ld), 0); /* the manifest itself is refused */
        ck_assert(in.left == p.file.n - p.body_at);
        free(work);
        pkg_free(&p);
    }
    mote_manifest m = { .n_chunks = 1, .facts = { .n_entries = SIZE_MAX / 2, .chunk_max = 10 } };
    size_t bytes = 77;
    ck_assert_int_eq(mote_loader_workspace(&config, &m, 100, 0, &bytes), MOTE_ERR_MEMORY);
    ck_assert_uint_eq(bytes, 77);
}
END_TEST

START_TEST(init_refuses_what_cannot_work)
{
    size_t n = mote_loader_open_bytes(MOTE_MANIFEST_MAX, UINT16_MAX);
    uint8_t *work = aligned(n + 8);
    mote_loader *ld;
    mote_loader_config config = pkg_config(1), bad = config;
    ck_assert_int_eq(mote_loader_init(&ld, NULL, n, &config), MOTE_ERR_ARG);
    for (unsigned i = 1; i < 8; i++) ck_assert_int_eq(mote_loader_init(&ld, work + i, n, &config), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_loader_init(&ld, work, n, &config), MOTE_OK);
    bad.crypto.sha256 = NULL;
    ck_assert_int_eq(mote_loader_init(&ld, work, n, &bad), MOTE_ERR_ARG);
    bad = config;
    bad.crypto.ed25519 = NULL;
    ck_assert_int_eq(mote_loader_init(&ld, work, n, &bad), MOTE_ERR_ARG);
    bad.trust.n_keys = 0;
    ck_assert_int_eq(mote_loader_init(&ld, work, n, &bad), MOTE_OK);
    bad = config;
    bad.trust.n_keys = MOTE_TRUSTED_MAX + 1;
    ck_assert_int_eq(mote_loader_init(&ld, work, n, &bad), MOTE_ERR_ARG);
    free(work);
}
END_TEST

/* ---- nothing is looked at before it is trusted ---- */

typedef struct watch {
    const uint8_t *file;
    size_t n;
    uint64_t last; /* end of the furthest read */
    unsigned reads;
} watch;

static int watched_read(void *ctx, uint64_t offset, uint8_t *to, size_t n)
{
    watch *w = ctx;
    w->reads++;
    if (offset + n > w->last) w->last = offset + n;
    if (offset > w->n || n > w->n - offset) return -1;
    memcpy(to, w->file + offset, n);
    return 0;
}

/* The manifest is nonsense: who has no right to be heard is refused for that, not for what he says. */
START_TEST(manifests_are_not_parsed_before_their_signature) /* A1, A2 */
{
    static const struct {
        const char *name;
        unsigned signs, trusted; /* test keys; trusted 0: unverified */
        bool damaged;
        mote_status st;
    } rows[] = {
        { "signed and trusted: it is read", 1, 1, false, MOTE_ERR_CRITICAL },
        { "nobody is trusted: it is read", 1, 0, false, MOTE_ERR_CRITICAL },
        { "unsigned", 0, 1, false, MOTE_ERR_UNSIGNED },
        { "signed badly", 1, 1, true, MOTE_ERR_SIGNATURE },
        { "signed badly by one of two", 2, 2, true, MOTE_ERR_SIGNATURE },
    };
    for (size_t i = 0; i < N(rows); i++) {
        pkg p;
        pkg_read(&p, rich.p, rich.n);
        p.n_sigs = rows[i].signs;
        for (unsigned k = 0; k < p.n_sigs; k++) p.sig[k].key = k;
        pkg_seal(&p);
        tlv_set(&p.manifest, 2, NULL, 0);
        wr_insert(&p.manifest, 0, "\x00\x00", 2); /* tag 0 */
        p.manifest.p[0] = 16;                     /* a critical tag before anything else */
        p.manifest.p[1] = 0;
        wr_delete(&p.manifest, 2, 2);
        pkg_sign(&p);
        if (rows[i].damaged) p.signatures.p[p.signatures.n - 1] ^= 1;
        pkg_join(&p);
        watch w = { .file = p.file.p, .n = p.file.n };
        const mote_source source = { watched_read, &w };
        mote_loader_config config = pkg_config(rows[i].trusted);
        size_t room = mote_loader_open_bytes(MOTE_MANIFEST_MAX, UINT16_MAX);
        void *work = aligned(room);
        mote_loader *ld;
        mote_out out = { 0 };
        mote_event e;
        ck_assert_int_eq(mote_loader_init(&ld, work, room, &config), MOTE_OK);
        mote_status st = mote_loader_pull(ld, &source, &out, &e);
        ck_assert_msg(st == rows[i].st, "%s: %d", rows[i].name, st);
        ck_assert_uint_le(w.last, p.body_at);
        ck_assert_uint_eq(mote_loader_needed(ld), 0);
        ck_assert_uint_eq(mote_loader_file_bytes(ld), 0);
        free(work);
        pkg_free(&p);
    }
}
END_TEST

START_TEST(policy_is_checked_before_the_body) /* A6, A8, A20 */
{
    static const uint8_t other[16] = "another vendor..";
    size_t body_at = 16u + mote_le16(rich.p + 10) + mote_le16(rich.p + 12);
    static const struct {
        mote_policy policy;
        mote_status st;
    } rows[] = {
        { { .name = { "kws", 3 } }, MOTE_OK },
        { { .name = { "other", 5 } }, MOTE_ERR_NAME },
        { { .vendor = other }, MOTE_ERR_VENDOR },
        { { .device_class = other }, MOTE_ERR_CLASS },
        { { .installed_sequence = 8 }, MOTE_ERR_ROLLBACK },
        { { .installed_sequence = 7 }, MOTE_ERR_SAME_SEQUENCE },
        { { .has = { { 2, 0, 0, 1 } } }, MOTE_ERR_NEEDS },
        { { .tensor_max = 479 }, MOTE_ERR_MEMORY },
        { { .tensor_max = 480 }, MOTE_OK },
        { { .decoded_total = 500 }, MOTE_ERR_MEMORY },
    };
    for (size_t i = 0; i < N(rows); i++) {
        pkg_load l = { .file = rich.p, .n = body_at, .config = pkg_config(1) };
        l.config.policy = rows[i].policy;
        mote_status st = pkg_push(&l);
        ck_assert_msg(st == (rows[i].st == MOTE_OK ? MOTE_ERR_TRUNCATED : rows[i].st), "row %zu: %d", i, st);
        pkg_load_free(&l);
    }
}
END_TEST

START_TEST(zstd_without_a_decompressor_is_refused_by_needs)
{
    pkg p;
    pkg_read(&p, rich.p, rich.n);
    tlv_set(&p.manifest, 6, "\x01\x20\x60\x65", 4);
    pkg_finish(&p);
    pkg_load l = { .file = p.file.p, .n = p.file.n, .config = pkg_config(1) };
    l.config.inflate = NULL;
    ck_assert_int_eq(pkg_push(&l), MOTE_ERR_NEEDS);
    l.config.policy.has = (mote_needs){ { ~0u, ~0u, ~0u, ~0u } }; /* whatever the caller believes */
    ck_assert_int_eq(pkg_push(&l), MOTE_ERR_NEEDS);
    l.config.inflate = mote_zstd_inflate;
    ck_assert_int_eq(pkg_push(&l), MOTE_ERR_FACTS); /* stated and not used */
    pkg_load_free(&l);
    pkg_free(&p);
}
END_TEST

/* ---- order of calls ---- */

typedef struct session {
    _Alignas(8) uint8_t out[4096];
    uint8_t *work;
    mote_loader *ld;
    mote_in in;
    mote_out o;
    mote_event e;
    watch w;
    mote_source source;
} session;

static void begin(session *s, const mote_wr *file, const mote_loader_config *config)
{
    *s = (session){ .work = aligned(100000), .in = { file->p, file->n }, .w = { .file = file->p, .n = file->n } };
    s->source = (mote_source){ watched_read, &s->w };
    s->o = (mote_out){ s->out, sizeof s->out };
    ck_assert_int_eq(mote_loader_init(&s->ld, s->work, 100000, config), MOTE_OK);
}

static mote_status step(session *s)
{
    return mote_loader_step(s->ld, &s->in, &s->o, &s->e);
}

static mote_status pull(session *s)
{
    return mote_loader_pull(s->ld, &s->source, &s->o, &s->e);
}

static void until(session *s, bool pulling, mote_event_type type, uint32_t index)
{
    do ck_assert_int_eq(pulling ? pull(s) : step(s), MOTE_OK);
    while (s->e.type != type || s->e.index != index);
}

static mote_text text(const char *s)
{
    return (mote_text){ s, strlen(s) };
}

START_TEST(choices_are_made_when_a_tensor_begins_and_only_then)
{
    mote_loader_config config = pkg_config(1);
    for (int pulling = 0; pulling < 2; pulling++) {
        session s;
        uint8_t room[480];
        begin(&s, &rich, &config);
        for (;;) {
            bool chance = s.e.type == MOTE_EVENT_TENSOR;
            ck_assert_int_eq(mote_loader_form(s.ld, MOTE_FORM_DENSE), chance ? MOTE_OK : MOTE_ERR_STATE);
            mote_status st = mote_loader_target(s.ld, room, sizeof room);
            ck_assert_int_eq(st, chance ? MOTE_OK : MOTE_ERR_STATE);
            if (s.e.type == MOTE_EVENT_DONE) break;
            ck_assert_int_eq(pulling ? pull(&s) : step(&s), MOTE_OK);
            if (s.e.type == MOTE_EVENT_BLOCK) ck_assert(s.e.block.data >= room && s.e.block.data < room + sizeof room);
        }
        ck_assert_int_eq(mote_loader_skip(s.ld), MOTE_ERR_STATE);
        ck_assert(mote_loader_complete(s.ld) && mote_loader_file_bytes(s.ld) == rich.n);
        ck_assert_int_eq(pulling ? pull(&s) : step(&s), MOTE_OK); /* again and again */
        ck_assert_int_eq(s.e.type, MOTE_EVENT_DONE);
        ck_assert_int_eq(mote_loader_end(s.ld), MOTE_OK);
        free(s.work);
    }
}
END_TEST

START_TEST(pushing_and_pulling_do_not_mix_backwards)
{
    mote_loader_config config = pkg_config(1);
    session s;
    mote_entry entry;
    begin(&s, &rich, &config);
    ck_assert_int_eq(mote_loader_find(s.ld, &s.source, 1, text("scalar"), &entry), MOTE_ERR_STATE); /* too early */
    until(&s, false, MOTE_EVENT_ENTRY, 3);
    ck_assert_int_eq(mote_loader_find(s.ld, &s.source, 1, text("scalar"), &entry), MOTE_ERR_STATE); /* a stream */
    until(&s, true, MOTE_EVENT_BLOCK, 2); /* a stream may go on by itself */
    ck_assert_int_eq(step(&s), MOTE_ERR_STATE);
    until(&s, true, MOTE_EVENT_DONE, 13);
    ck_assert(mote_loader_complete(s.ld) && mote_loader_end(s.ld) == MOTE_OK);
    free(s.work);
}
END_TEST

START_TEST(bytes_behind_the_end_are_trailing) /* A11, D25 */
{
    mote_loader_config config = pkg_config(1);
    mote_wr longer = { 0 };
    wr_copy(&longer, &rich);
    mote_wr_u8(&longer, 0);
    session s;
    begin(&s, &longer, &config);
    mote_status st;
    do {
        st = step(&s);
        ck_assert_int_ne(s.e.type, MOTE_EVENT_DONE);
    } while (st == MOTE_OK);
    ck_assert(st == MOTE_ERR_TRAILING && s.in.left == 1 && !mote_loader_complete(s.ld));
    ck_assert_int_eq(mote_loader_end(s.ld), MOTE_ERR_TRAILING);
    free(s.work);

    begin(&s, &rich, &config); /* they come later */
    until(&s, false, MOTE_EVENT_DONE, 13);
    s.in = (mote_in){ longer.p, 1 };
    ck_assert_int_eq(step(&s), MOTE_ERR_TRAILING);
    free(s.work);

    begin(&s, &longer, &config); /* a source has no end of its own */
    until(&s, true, MOTE_EVENT_DONE, 13);
    ck_assert(s.w.last == rich.n && mote_loader_file_bytes(s.ld) == rich.n);
    free(s.work);
    mote_wr_free(&longer);
}
END_TEST

/* ---- output ---- */

START_TEST(output_is_asked_for_and_nothing_is_lost)
{
    mote_loader_config config = pkg_config(1);
    session s;
    begin(&s, &rich, &config);
    until(&s, false, MOTE_EVENT_TENSOR, 2);
    ck_assert(s.e.tensor.dtype == MOTE_F32 && s.e.tensor.rows == 24 && s.e.tensor.cols == 5);
    ck_assert(s.e.tensor.seg_elems == 15 && s.e.tensor.n_segments == 8 && s.e.tensor.axis == 0);
    uint8_t out[61];
    for (unsigned room = 0; room < 60; room += 7) { /* 15 elements of 4 bytes */
        s.o = (mote_out){ out, room };
        ck_assert(step(&s) == MOTE_NEED_OUTPUT && s.e.need == 60 && s.o.left == room && s.e.type == MOTE_EVENT_NONE);
    }
    s.o = (mote_out){ out, sizeof out };
    ck_assert(step(&s) == MOTE_OK && s.e.type == MOTE_EVENT_BLOCK && s.o.left == 1 && s.o.p == out + 60);
    ck_assert(s.e.block.bytes == 60 && s.e.block.data == out && s.e.block.native == NULL);
    ck_assert(s.e.block.row == 0 && s.e.block.col == 0 && s.e.block.rows == 3 && s.e.block.cols == 5);
    free(s.work);
}
END_TEST

/* The elements of every tensor, in every form that is exact. */
static void check_form(mote_form form, bool target)
{
    pkg_model m = { 0 };
    static const float values[6] = { 1.0f, -2.5f, 0.0f, 65504.0f, 1e-3f, 1e30f };
    static const uint16_t halves[4] = { 0x3C00, 0xC100, 0x7BFF, 0x0001 }; /* 1, -2.5, 65504, 2^-24 */
    uint8_t held[24], held16[8];
    le_floats(held, values, N(values));
    for (size_t i = 0; i < N(halves); i++) mote_put16(held16 + 2 * i, halves[i]);
    pkg_model_add(&m, MOTE_KIND_TENSOR, "a f32", MOTE_F32, 2, (uint64_t[]){ 3, 2 }, held, 2);
    pkg_model_add(&m, MOTE_KIND_TENSOR, "b f16", MOTE_F16, 1, (uint64_t[]){ 4 }, held16, 0);
    pkg_model_add(&m, MOTE_KIND_TENSOR, "c i8", MOTE_I8, 1, (uint64_t[]){ 3 }, (const uint8_t *)"\x01\xFF\x80", 0);
    mote_wr file = { 0 };
    pkg_model_write(&m, 256, 1, &file);
    pkg_load l = { .file = file.p, .n = file.n, .config = pkg_config(1), .target = target };
    l.config.form = form;
    ck_assert_int_eq(pkg_push(&l), MOTE_OK);
    static const uint16_t narrow[6] = { 0x3C00, 0xC100, 0, 0x7BFF, 0x1419, 0x7C00 }; /* 1e30 becomes infinity */
    static const float wide[4] = { 1.0f, -2.5f, 65504.0f, 5.9604644775390625e-8f };
    mote_wr want = { 0 }; /* dense as they are held, other forms as the machine has them */
    switch (form) {
    case MOTE_FORM_F32:
        mote_wr_bytes(&want, values, sizeof values);
        mote_wr_bytes(&want, wide, sizeof wide);
        break;
    case MOTE_FORM_F16:
        mote_wr_bytes(&want, narrow, sizeof narrow);
        mote_wr_bytes(&want, halves, sizeof halves);
        break;
    default:
        mote_wr_bytes(&want, held, sizeof held);
        mote_wr_bytes(&want, held16, sizeof held16);
        break;
    }
    mote_wr_bytes(&want, "\x01\xFF\x80", 3); /* it has no such form: dense */
    ck_assert(wr_same(&l.data, &want));
    mote_wr_free(&want);
    pkg_load_free(&l);
    mote_wr_free(&file);
    pkg_model_free(&m);
}

START_TEST(forms_give_their_elements)
{
    for (int target = 0; target < 2; target++) {
        check_form(MOTE_FORM_DENSE, target);
        check_form(MOTE_FORM_F32, target);
        check_form(MOTE_FORM_F16, target);
    }
}
END_TEST

START_TEST(impossible_forms_are_refused_and_nothing_changes)
{
    mote_loader_config config = pkg_config(1);
    session s;
    uint8_t room[1000];
    begin(&s, &rich, &config);
    until(&s, false, MOTE_EVENT_TENSOR, 3); /* dense/weight, i8 */
    ck_assert_int_eq(mote_loader_form(s.ld, MOTE_FORM_F32), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_loader_form(s.ld, (mote_form)9), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_loader_target(s.ld, room, 149), MOTE_ERR_NOMEM);
    ck_assert_int_eq(mote_loader_form(s.ld, MOTE_FORM_NATIVE), MOTE_OK);
    ck_assert_int_eq(mote_loader_target(s.ld, room, 1000), MOTE_ERR_ARG); /* native forms have no whole */
    ck_assert_int_eq(mote_loader_form(s.ld, MOTE_FORM_DENSE), MOTE_OK);
    until(&s, false, MOTE_EVENT_BLOCK, 3);
    ck_assert(s.e.block.bytes == 16 && s.e.block.data >= s.out && s.e.block.data < s.out + sizeof s.out);
    free(s.work);
}
END_TEST

START_TEST(misplaced_native_output_can_be_mended)
{
    mote_loader_config config = pkg_config(1);
    config.form = MOTE_FORM_NATIVE;
    session s;
    begin(&s, &rich, &config);
    until(&s, false, MOTE_EVENT_TENSOR, 2);
    uint64_t out[16];
    for (unsigned at = 1; at < 8; at++) {
        s.o = (mote_out){ (uint8_t *)out + at, 100 };
        ck_assert_int_eq(step(&s), MOTE_ERR_ARG);
        ck_assert_uint_eq(s.o.left, 100);
    }
    s.o = (mote_out){ (uint8_t *)out, sizeof out };
    ck_assert(step(&s) == MOTE_OK && s.e.type == MOTE_EVENT_BLOCK && s.e.block.native != NULL);
    ck_assert((uintptr_t)s.o.p % 8 == 0 && s.e.block.bytes == 64); /* 60, so that the next block lies well */
    ck_assert(s.e.block.native->values == out && s.e.block.native->value_dtype == MOTE_F32);
    ck_assert(s.e.block.native->rows == 3 && s.e.block.native->cols == 5 && s.e.block.native->n_values == 15);
    free(s.work);
}
END_TEST

/* ---- leaving out ---- */

static const struct {
    const char *name;
    uint8_t kind;
} names[] = { /* in order of the directory */
              { "../../etc/passwd", 1 }, { "complex", 1 },      { "conv.weight", 1 },
              { "dense/weight", 1 },     { "empty", 1 },        { "halves", 1 },
              { "nibbles", 1 },          { "nibbles, cut", 1 }, { "scalar", 1 },
              { "zz last", 1 },          { "labels", 2 },       { "nothing", 2 },
              { "licence", 3 }
};

START_TEST(skipped_tensors_leave_no_trace_in_the_data)
{
    mote_wr each[N(names)] = { { 0 } };
    for (size_t i = 0; i < N(names); i++) {
        pkg_load one = { .file = rich.p, .n = rich.n, .config = pkg_config(0) };
        ck_assert_int_eq(pkg_find_one(&one, names[i].kind, text(names[i].name)), MOTE_OK);
        wr_copy(&each[i], &one.data);
        pkg_load_free(&one);
    }
    uint64_t state = 9;
    for (unsigned turn = 0; turn < 300; turn++) {
        uint64_t skip = turn < 14 ? (uint64_t)1 << turn : turn == 14 ? ~(uint64_t)0 : pkg_random(&state);
        pkg_load push = { .file = rich.p, .n = rich.n, .config = pkg_config(0), .skip = skip };
        pkg_load pull = push, target = push;
        target.target = true;
        ck_assert(pkg_push(&push) == MOTE_OK && push.complete);
        ck_assert_int_eq(pkg_pull(&pull), MOTE_OK);
        ck_assert_int_eq(pkg_pull(&target), MOTE_OK);
        mote_wr want = { 0 };
        for (size_t i = 0; i < N(names); i++)
            if (!(skip >> i & 1)) mote_wr_bytes(&want, each[i].p, each[i].n);
        ck_assert(wr_same(&push.data, &want));
        ck_assert(wr_same(&pull.data, &want));
        ck_assert(wr_same(&target.data, &want));
        ck_assert(wr_same(&push.trace, &pull.trace));
        if (turn == 14) ck_assert(push.data.n == 0 && push.blocks == 0 && !pull.complete && pull.reads < 30);
        mote_wr_free(&want);
        pkg_load_free(&push);
        pkg_load_free(&pull);
        pkg_load_free(&target);
    }
    for (size_t i = 0; i < N(names); i++) mote_wr_free(&each[i]);
}
END_TEST

START_TEST(skipping_in_one_chunk_still_reads_everything)
{
    pkg_model m = { 0 };
    mote_wr file = { 0 };
    pkg_model_add1(&m, MOTE_KIND_TENSOR, "a", MOTE_U8, 10, 0);
    pkg_model_add1(&m, MOTE_KIND_TENSOR, "b", MOTE_U8, 11, 0);
    pkg_model_add1(&m, MOTE_KIND_TENSOR, "c", MOTE_U8, 12, 0);
    pkg_model_write(&m, 4096, 1, &file);
    for (uint64_t skip = 0; skip < 8; skip++) {
        pkg_load l = { .file = file.p, .n = file.n, .config = pkg_config(1), .skip = skip };
        ck_assert(pkg_pull(&l) == MOTE_OK && l.complete && l.reads == 5);
        pkg_load_free(&l);
    }
    mote_wr_free(&file);
    pkg_model_free(&m);
}
END_TEST

/* If everything has been read all the same, facts and needs are judged. */
START_TEST(skipping_does_not_hide_false_facts)
{
    pkg_model m = { 0 };
    mote_wr file = { 0 };
    pkg_model_add1(&m, MOTE_KIND_TENSOR, "a", MOTE_U8, 10, 0);
    pkg_model_add1(&m, MOTE_KIND_TENSOR, "b", MOTE_U8, 11, 0);
    pkg_model_write(&m, 4096, 1, &file);
    for (uint64_t skip = 0; skip < 4; skip++) {
        for (int fault = 0; fault < 2; fault++) {
            pkg p;
            pkg_read(&p, file.p, file.n);
            if (fault == 0) tlv_set(&p.manifest, 6, "\x01\x20\x60\x62", 4);
            if (fault == 1) p.fact[SEG_RAW_MAX]++;
            pkg_finish(&p);
            pkg_load l = { .file = p.file.p, .n = p.file.n, .config = pkg_config(1), .skip = skip };
            ck_assert(pkg_pull(&l) == MOTE_ERR_FACTS && !l.complete);
            pkg_load_free(&l);
            pkg_free(&p);
        }
    }
    mote_wr_free(&file);
    pkg_model_free(&m);
}
END_TEST

/* ---- single tensors ---- */

START_TEST(found_tensors_are_those_of_the_stream)
{
    for (size_t i = 0; i < N(names); i++) {
        pkg_load one = { .file = rich.p, .n = rich.n, .config = pkg_config(0), .skip = ~((uint64_t)1 << i) };
        pkg_load found = { .file = rich.p, .n = rich.n, .config = pkg_config(0) };
        ck_assert_int_eq(pkg_push(&one), MOTE_OK);
        ck_assert_int_eq(pkg_find_one(&found, names[i].kind, text(names[i].name)), MOTE_OK);
        ck_assert_msg(wr_same(&one.data, &found.data), "%s", names[i].name);
        ck_assert(!found.complete && found.reads < 30);
        pkg_load_free(&one);
        pkg_load_free(&found);
    }
}
END_TEST

START_TEST(names_that_are_not_there_are_missing)
{
    static const struct {
        const char *name;
        uint8_t kind;
    } rows[] = { { "", 1 },       { "scala", 1 }, { "scalar ", 1 }, { "scalar", 2 },
                 { "labels", 1 }, { "zzz", 3 },   { "A", 0 },       { "zz last", 9 } };
    mote_loader_config config = pkg_config(1);
    session s;
    mote_entry entry = { .kind = 99 };
    begin(&s, &rich, &config);
    ck_assert_int_eq(pull(&s), MOTE_OK);
    for (size_t i = 0; i < N(rows); i++) {
        ck_assert_int_eq(mote_loader_find(s.ld, &s.source, rows[i].kind, text(rows[i].name), &entry),
                         MOTE_ERR_MISSING_TENSOR);
        ck_assert(entry.kind == 99 && pull(&s) == MOTE_ERR_STATE);
    }
    ck_assert_int_eq(mote_loader_find(s.ld, &s.source, 1, text("scalar"), &entry), MOTE_OK); /* not permanent */
    until(&s, true, MOTE_EVENT_TENSOR_END, 8);
    free(s.work);
}
END_TEST

/* Finds in any order, given up at any point, skipped or read to the end: always the same bytes. */
START_TEST(finds_may_follow_each_other_in_any_way)
{
    mote_loader_config config = pkg_config(1);
    mote_wr want[N(names)] = { { 0 } };
    for (size_t i = 0; i < N(names); i++) {
        pkg_load one = { .file = rich.p, .n = rich.n, .config = config };
        ck_assert_int_eq(pkg_find_one(&one, names[i].kind, text(names[i].name)), MOTE_OK);
        wr_copy(&want[i], &one.data);
        pkg_load_free(&one);
    }
    uint64_t state = 77;
    session s;
    begin(&s, &rich, &config);
    ck_assert_int_eq(pull(&s), MOTE_OK);
    for (unsigned turn = 0; turn < 3000; turn++) {
        size_t i = pkg_random(&state) % N(names);
        mote_entry entry;
        unsigned how = pkg_random(&state) % 6;
        ck_assert_int_eq(mote_loader_find(s.ld, &s.source, names[i].kind, text(names[i].name), &entry), MOTE_OK);
        ck_assert(entry.name.bytes == strlen(names[i].name) &&
                  memcmp(entry.name.p, names[i].name, entry.name.bytes) == 0);
        if (how == 0) continue; /* not even begun */
        if (entry.elements == 0) {
            ck_assert_int_eq(pull(&s), MOTE_ERR_STATE);
            continue;
        }
        ck_assert(pull(&s) == MOTE_OK && s.e.type == MOTE_EVENT_TENSOR && s.e.index == i);
        if (how == 1) continue;
        if (how == 2) {
            ck_assert_int_eq(mote_loader_skip(s.ld), MOTE_OK);
            ck_assert(pull(&s) == MOTE_OK && s.e.type == MOTE_EVENT_TENSOR_END && s.e.index == i);
            ck_assert_int_eq(pull(&s), MOTE_ERR_STATE);
            continue;
        }
        s.o = (mote_out){ s.out, sizeof s.out };
        for (;;) {
            ck_assert_int_eq(pull(&s), MOTE_OK);
            if (s.e.type == MOTE_EVENT_TENSOR_END || how == 3) break;
        }
        if (how == 3) continue; /* after a block */
        ck_assert(sizeof s.out - s.o.left == want[i].n && memcmp(s.out, want[i].p, want[i].n) == 0);
        ck_assert_int_eq(pull(&s), MOTE_ERR_STATE);
        ck_assert_int_eq(mote_loader_form(s.ld, MOTE_FORM_DENSE), MOTE_ERR_STATE);
    }
    for (size_t i = 0; i < N(names); i++) mote_wr_free(&want[i]);
    free(s.work);
}
END_TEST

START_TEST(a_find_ends_the_choices_of_the_tensor_before)
{
    mote_loader_config config = pkg_config(1);
    session s;
    mote_entry entry;
    begin(&s, &rich, &config);
    until(&s, true, MOTE_EVENT_TENSOR, 0);
    ck_assert_int_eq(mote_loader_find(s.ld, &s.source, 1, text("scalar"), &entry), MOTE_OK);
    ck_assert_int_eq(mote_loader_skip(s.ld), MOTE_ERR_STATE);
    ck_assert(pull(&s) == MOTE_OK && s.e.type == MOTE_EVENT_TENSOR && s.e.index == 8);
    free(s.work);
}
END_TEST

/* ---- hostile places (signed by a trusted key) ---- */

/* Changes the place of the k-th entry; the stream says ORDER, and so must every other way that follows it. */
static void with_place(size_t k, uint32_t chunk, uint32_t offset, mote_wr *file)
{
    pkg p;
    uint8_t place[8];
    mote_put32(place, chunk);
    mote_put32(place + 4, offset);
    pkg_read(&p, rich.p, rich.n);
    tlv_set(pkg_entry(&p, k), 10, place, 8);
    pkg_finish(&p);
    wr_copy(file, &p.file);
    pkg_free(&p);
}

START_TEST(places_that_are_not_true_are_refused_by_all)
{
    uint64_t state = 4;
    pkg p;
    pkg_read(&p, rich.p, rich.n);
    pkg_finish(&p);
    for (unsigned turn = 0; turn < 200; turn++) {
        size_t k = pkg_random(&state) % N(names);
        mote_entry entry;
        const mote_wr *fields = pkg_entry(&p, k);
        must(mote_entry_read(&entry, fields->p, fields->n) == MOTE_OK);
        if (entry.elements == 0) continue;
        uint32_t chunk = pkg_random(&state) % (p.n_chunks + 2), offset = pkg_random(&state) % 140;
        if (turn % 4 == 0) chunk = entry.chunk;
        if (turn % 4 == 1) offset = entry.offset;
        if (turn % 16 == 2) chunk = UINT32_MAX;
        if (turn % 16 == 3) offset = UINT32_MAX;
        if (chunk == entry.chunk && offset == entry.offset) continue;
        mote_wr file = { 0 };
        with_place(k, chunk, offset, &file);
        for (int skip = 0; skip < 2; skip++) {
            pkg_load push = { .file = file.p, .n = file.n, .config = pkg_config(1), .skip = skip ? ~(uint64_t)0 : 0 };
            pkg_load pull = push, found = push;
            found.skip = 0;
            ck_assert_int_eq(pkg_push(&push), MOTE_ERR_ORDER);
            mote_status st = pkg_pull(&pull);
            /* a seek believes a place that is the beginning of another head: then that tensor's own grid or size says it */
            ck_assert_msg(st == MOTE_ERR_ORDER || (skip && st < MOTE_OK), "entry %zu at %u, %u: %d", k, chunk, offset,
                          st);
            ck_assert_int_lt(pkg_find_one(&found, names[k].kind, text(names[k].name)), MOTE_OK);
            pkg_load_free(&push);
            pkg_load_free(&pull);
            pkg_load_free(&found);
        }
        mote_wr_free(&file);
    }
    pkg_free(&p);
}
END_TEST

/* Two finds in a row where the place of the first is in chunk 0: the chunk in memory is another's, and not taken for it. */
START_TEST(a_place_that_was_not_read_is_not_taken_for_read) /* A13 */
{
    mote_wr file = { 0 };
    with_place(9, 0, 0, &file); /* "zz last", whose entry is not in chunk 0 */
    mote_loader_config config = pkg_config(1);
    session s;
    mote_entry entry;
    begin(&s, &file, &config);
    ck_assert_int_eq(pull(&s), MOTE_OK);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(mote_loader_find(s.ld, &s.source, 1, text("zz last"), &entry), MOTE_OK);
        ck_assert_int_eq(mote_loader_find(s.ld, &s.source, 1, text("../../etc/passwd"), &entry), MOTE_OK);
        until(&s, true, MOTE_EVENT_TENSOR_END, 0);
    }
    free(s.work);
    mote_wr_free(&file);
}
END_TEST

/* Tensors of one shape: a head found at another's place would fit. */
static void alike(mote_wr *file)
{
    pkg_model m = { 0 };
    pkg_model_add1(&m, MOTE_KIND_TENSOR, "a", MOTE_U8, 10, 0);
    pkg_model_add1(&m, MOTE_KIND_TENSOR, "b", MOTE_U8, 10, 0);
    pkg_model_add1(&m, MOTE_KIND_TENSOR, "c", MOTE_U8, 10, 0);
    pkg_model_write(&m, 128, 1, file);
    pkg_model_free(&m);
}

START_TEST(a_skip_never_leads_backwards) /* D16: two entries, one place */
{
    mote_wr file = { 0 };
    alike(&file);
    for (size_t from = 1; from < 3; from++) {
        for (size_t to = 0; to < from; to++) {
            pkg p;
            size_t n = 0;
            pkg_read(&p, file.p, file.n);
            uint8_t place[8];
            memcpy(place, tlv_get(pkg_entry(&p, to), 10, &n), 8);
            tlv_set(pkg_entry(&p, from), 10, place, 8);
            pkg_finish(&p);
            for (uint64_t skip = 0; skip < 8; skip++) {
                pkg_load l = { .file = p.file.p, .n = p.file.n, .config = pkg_config(1), .skip = skip };
                ck_assert_int_eq(pkg_pull(&l), MOTE_ERR_ORDER);
                pkg_load_free(&l);
            }
            pkg_free(&p);
        }
    }
    mote_wr_free(&file);
}
END_TEST

/* The bytes of a tensor may look like records: a place there is none. */
START_TEST(a_place_inside_a_record_is_refused)
{
    static const uint8_t inner[] = { 2, 10, 2, 3, 1, 4, 4, 4, 3, 1, 32, 96, 4, 4, 'e', 'v', 'i', 'l' };
    pkg_model m = { 0 };
    mote_wr file = { 0 };
    pkg p;
    pkg_model_add(&m, MOTE_KIND_TENSOR, "a", MOTE_U8, 1, (uint64_t[]){ sizeof inner }, inner, 0);
    pkg_model_add1(&m, MOTE_KIND_TENSOR, "b", MOTE_U8, 4, 0);
    pkg_model_write(&m, 4096, 1, &file);
    pkg_read(&p, file.p, file.n);
    mote_entry e;
    const mote_wr *fields = pkg_entry(&p, 0);
    ck_assert_int_eq(mote_entry_read(&e, fields->p, fields->n), MOTE_OK);
    uint8_t place[8] = { 0 };
    mote_put32(place + 4, e.offset + (uint32_t)pkg_head(&p, 0)->n + 2 + 2);
    tlv_set(pkg_entry(&p, 1), 10, place, 8);
    pkg_finish(&p);
    pkg_load found = { .file = p.file.p, .n = p.file.n, .config = pkg_config(1) }, skipped = found;
    skipped.skip = 1;
    ck_assert_int_eq(pkg_find_one(&found, 1, text("b")), MOTE_ERR_ORDER);
    ck_assert_int_eq(pkg_pull(&skipped), MOTE_ERR_ORDER);
    ck_assert_uint_eq(found.data.n, 0);
    pkg_load_free(&found);
    pkg_load_free(&skipped);
    pkg_free(&p);
    mote_wr_free(&file);
    pkg_model_free(&m);
}
END_TEST

/* ---- sources that fail ---- */

START_TEST(a_failed_read_is_tried_again_and_nothing_is_lost)
{
    pkg_load good = { .file = rich.p, .n = rich.n, .config = pkg_config(2) };
    ck_assert_int_eq(pkg_pull(&good), MOTE_OK);
    for (unsigned n = 1; n <= good.reads; n++) {
        pkg_load l = { .file = rich.p, .n = rich.n, .config = pkg_config(2), .io_at = n };
        ck_assert(pkg_pull(&l) == MOTE_OK && l.retried && l.complete && l.reads == good.reads + 1);
        ck_assert(wr_same(&l.trace, &good.trace));
        pkg_load_free(&l);
    }
    pkg_load_free(&good);
    pkg_load found = { .file = rich.p, .n = rich.n, .config = pkg_config(0) };
    ck_assert_int_eq(pkg_find_one(&found, 1, text("nibbles, cut")), MOTE_OK);
    for (unsigned n = 5; n <= found.reads; n++) { /* after the manifest */
        pkg_load l = { .file = rich.p, .n = rich.n, .config = pkg_config(0), .io_at = n };
        ck_assert(pkg_find_one(&l, 1, text("nibbles, cut")) == MOTE_OK && l.retried);
        ck_assert(wr_same(&l.data, &found.data));
        pkg_load_free(&l);
    }
    pkg_load_free(&found);
}
END_TEST

START_TEST(a_source_that_ends_early_gives_io_and_never_done)
{
    for (size_t n = 0; n < rich.n; n += 1 + n / 40) {
        pkg_load l = { .file = rich.p, .n = n, .config = pkg_config(0) };
        ck_assert(pkg_pull(&l) == MOTE_ERR_IO && !l.complete);
        pkg_load_free(&l);
    }
}
END_TEST

/* A source that cannot be read at one place. */
typedef struct hole {
    watch w;
    uint64_t from, to;
} hole;

static int read_around(void *ctx, uint64_t offset, uint8_t *to, size_t n)
{
    hole *h = ctx;
    if (offset < h->to && offset + n > h->from) return -1;
    return watched_read(&h->w, offset, to, n);
}

START_TEST(what_was_given_up_is_not_asked_for_again)
{
    mote_loader_config config = pkg_config(1);
    mote_entry entry;
    session s;
    pkg p;
    pkg_read(&p, rich.p, rich.n);
    pkg_finish(&p);
    begin(&s, &rich, &config);
    ck_assert_int_eq(pull(&s), MOTE_OK);
    ck_assert_int_eq(mote_loader_find(s.ld, &s.source, 1, text("scalar"), &entry), MOTE_OK);
    hole h = { { .file = rich.p, .n = rich.n },
               p.body_at + p.chunk_at[entry.chunk],
               p.body_at + p.chunk_at[entry.chunk] + 1 };
    pkg_free(&p);
    s.source = (mote_source){ read_around, &h };
    for (unsigned i = 0; i < 3; i++) ck_assert_int_eq(pull(&s), MOTE_ERR_IO);
    ck_assert_int_eq(mote_loader_find(s.ld, &s.source, 1, text("../../etc/passwd"), &entry), MOTE_OK);
    until(&s, true, MOTE_EVENT_TENSOR_END, 0);
    ck_assert_int_eq(mote_loader_find(s.ld, &s.source, 1, text("scalar"), &entry), MOTE_OK);
    ck_assert_int_eq(pull(&s), MOTE_ERR_IO);
    h.to = 0;
    until(&s, true, MOTE_EVENT_TENSOR_END, 8);
    free(s.work);
}
END_TEST

/* What changes between two reads is checked at both. */
START_TEST(data_read_again_is_verified_again) /* A14 */
{
    mote_loader_config config = pkg_config(1);
    mote_wr file = { 0 };
    wr_copy(&file, &rich);
    session s;
    mote_entry entry;
    begin(&s, &file, &config);
    ck_assert_int_eq(pull(&s), MOTE_OK);
    ck_assert_int_eq(mote_loader_find(s.ld, &s.source, 1, text("scalar"), &entry), MOTE_OK);
    until(&s, true, MOTE_EVENT_TENSOR_END, 8);
    size_t body_at = 16u + mote_le16(rich.p + 10) + mote_le16(rich.p + 12);
    file.p[body_at + 3 * 40 + 16 * 36 + 2] ^= 1; /* in chunk 0 */
    ck_assert_int_eq(mote_loader_find(s.ld, &s.source, 1, text("scalar"), &entry), MOTE_ERR_DIGEST);
    file.p[body_at + 3 * 40 + 16 * 36 + 2] ^= 1;
    ck_assert_int_eq(mote_loader_find(s.ld, &s.source, 1, text("scalar"), &entry), MOTE_ERR_DIGEST); /* for good */
    ck_assert_int_eq(pull(&s), MOTE_ERR_DIGEST);
    ck_assert_int_eq(mote_loader_form(s.ld, MOTE_FORM_DENSE), MOTE_ERR_DIGEST);
    ck_assert_int_eq(mote_loader_end(s.ld), MOTE_ERR_DIGEST);
    free(s.work);
    mote_wr_free(&file);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("loader");
    TCase *tc = tcase_create("workspace");
    tcase_add_unchecked_fixture(tc, setup, teardown);
    tcase_add_test(tc, every_workspace_below_the_need_is_refused_the_need_suffices);
    tcase_add_test(tc, workspace_with_trust_is_the_same);
    tcase_add_test(tc, need_is_told_however_large);
    tcase_add_test(tc, init_refuses_what_cannot_work);
    suite_add_tcase(s, tc);
    tc = tcase_create("trust");
    tcase_add_unchecked_fixture(tc, setup, teardown);
    tcase_add_test(tc, manifests_are_not_parsed_before_their_signature);
    tcase_add_test(tc, policy_is_checked_before_the_body);
    tcase_add_test(tc, zstd_without_a_decompressor_is_refused_by_needs);
    suite_add_tcase(s, tc);
    tc = tcase_create("calls");
    tcase_add_unchecked_fixture(tc, setup, teardown);
    tcase_add_test(tc, choices_are_made_when_a_tensor_begins_and_only_then);
    tcase_add_test(tc, pushing_and_pulling_do_not_mix_backwards);
    tcase_add_test(tc, bytes_behind_the_end_are_trailing);
    tcase_add_test(tc, output_is_asked_for_and_nothing_is_lost);
    tcase_add_test(tc, forms_give_their_elements);
    tcase_add_test(tc, impossible_forms_are_refused_and_nothing_changes);
    tcase_add_test(tc, misplaced_native_output_can_be_mended);
    suite_add_tcase(s, tc);
    tc = tcase_create("parts");
    tcase_add_unchecked_fixture(tc, setup, teardown);
    tcase_add_test(tc, skipped_tensors_leave_no_trace_in_the_data);
    tcase_add_test(tc, skipping_in_one_chunk_still_reads_everything);
    tcase_add_test(tc, skipping_does_not_hide_false_facts);
    tcase_add_test(tc, found_tensors_are_those_of_the_stream);
    tcase_add_test(tc, names_that_are_not_there_are_missing);
    tcase_add_test(tc, finds_may_follow_each_other_in_any_way);
    tcase_add_test(tc, a_find_ends_the_choices_of_the_tensor_before);
    tcase_add_test(tc, places_that_are_not_true_are_refused_by_all);
    tcase_add_test(tc, a_place_that_was_not_read_is_not_taken_for_read);
    tcase_add_test(tc, a_skip_never_leads_backwards);
    tcase_add_test(tc, a_place_inside_a_record_is_refused);
    suite_add_tcase(s, tc);
    tc = tcase_create("sources");
    tcase_add_unchecked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_failed_read_is_tried_again_and_nothing_is_lost);
    tcase_add_test(tc, a_source_that_ends_early_gives_io_and_never_done);
    tcase_add_test(tc, what_was_given_up_is_not_asked_for_again);
    tcase_add_test(tc, data_read_again_is_verified_again);
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
