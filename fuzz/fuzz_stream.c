/* SPDX-License-Identifier: Apache-2.0
 * The loader: however a package is cut, whether its chunks are copied or stay, and whether it is pushed or pulled, the
 * events, the bytes and the status are the same; no call is without progress (the driver sees to that); what was found
 * by name is what the stream gave; memory beyond the workspace is not touched; after a reset at any event, and with any
 * token, what comes is of the whole. The last ten bytes are parameters. Before them stands a package as it is, for which
 * digests are all zero (pkg_stub_crypto()), or edits of a package that is then hashed and signed, by the stub or truly. */
#include "package_edits.h"
#include "resume_check.h"

enum { PARAMETERS = 10, WORK_MAX = 1 << 18, TENSOR_MAX_BYTES = 1 << 14 };

/* The same but for the end: what a stream finds to be too short cannot be read from a source. */
static void compare(const pkg_load *a, mote_status st_a, const pkg_load *b, mote_status st_b)
{
    if (st_a == st_b) {
        if (st_a == MOTE_ERR_TRAILING) return; /* the end may have been said before, or not */
        must(wr_same(&a->trace, &b->trace) && a->complete == b->complete && wr_same(&a->data, &b->data));
        return;
    }
    must(st_a == MOTE_ERR_TRUNCATED && st_b < MOTE_OK);
    /* signatures of others are not read from a source: it may get beyond where the stream ended */
    must(a->trace.n > 1 && a->trace.n <= b->trace.n && memcmp(a->trace.p, b->trace.p, a->trace.n - 2) == 0);
}

/* Each entry of an accepted package by its name; whole tensors. */
static void find_all(const pkg_load *whole)
{
    mote_wr found = { 0 };
    pkg_load targets = *whole;
    targets.trace = targets.data = (mote_wr){ 0 };
    targets.target = true;
    targets.first = targets.step = 0;
    must(pkg_push(&targets) == MOTE_OK);
    /* the names as the stream tells them: an entry can be found by what its own event said */
    mote_loader *ld = NULL;
    uint8_t *work = pkg_alloc(whole->needed);
    mote_loader_config config = whole->config;
    must(mote_loader_init(&ld, work, whole->needed, &config) == MOTE_OK);
    mote_in in = { whole->file, whole->n };
    mote_out out = { 0 };
    mote_event event;
    for (;;) {
        must(mote_loader_step(ld, &in, &out, &event) == MOTE_OK);
        if (event.type == MOTE_EVENT_MANIFEST) continue;
        if (event.type != MOTE_EVENT_ENTRY) break;
        uint8_t *name = pkg_exact(event.entry->name.p, event.entry->name.bytes);
        pkg_load one = {
            .file = whole->file, .n = whole->n, .config = whole->config, .target = true, .work = whole->needed
        };
        must(pkg_find_one(&one, event.entry->kind, (mote_text){ (const char *)name, event.entry->name.bytes }) ==
             MOTE_OK);
        mote_wr_bytes(&found, one.data.p, one.data.n);
        pkg_load_free(&one);
        free(name);
    }
    must(wr_same(&found, &targets.data));
    mote_wr_free(&found);
    pkg_load_free(&targets);
    free(work);
}

static void run(const uint8_t *file, size_t n, bool stub, const uint8_t *parameters)
{
    pkg_load whole = { .file = file, .n = n, .config = pkg_config(parameters[8] & 1), .work_max = WORK_MAX };
    if (stub) whole.config.crypto = *pkg_stub_crypto();
    whole.config.form = (mote_form)(parameters[8] >> 1 & 3);
    whole.config.native_lowrank = parameters[8] >> 3 & 1;
    whole.config.policy.tensor_max = TENSOR_MAX_BYTES;
    whole.config.policy.decoded_total = 4 * TENSOR_MAX_BYTES;
    if (parameters[8] & 16) whole.config.inflate = NULL;
    whole.target = parameters[8] >> 5 & 1;
    pkg_load cut = whole, skipped = whole;
    mote_status st = pkg_push(&whole);
    cut.work =
        whole.needed && whole.needed < WORK_MAX ? whole.needed : mote_loader_open_bytes(MOTE_MANIFEST_MAX, UINT16_MAX);
    skipped.work = cut.work;
    pkg_load pulled = cut, skipped_too;
    cut.step = (size_t)-1;
    memcpy(&cut.seed, parameters, 8);
    cut.config.steady = parameters[5] & 1;
    compare(&whole, st, &cut, pkg_push(&cut));
    /* two more ways a run: which ones is a parameter, too */
    const unsigned way = parameters[0] % 4;
    if (way != 3) compare(&whole, st, &pulled, pkg_pull(&pulled));
    if (way == 1 || way == 3) {
        skipped.skip = (uint64_t)parameters[9] * 0x0101010101010101u;
        skipped_too = skipped;
        mote_status st_skipped = pkg_push(&skipped), st_jumped = pkg_pull(&skipped_too);
        must(st != MOTE_OK || st_skipped == MOTE_OK); /* what need not be decoded is refused by no rule of decoding */
        must(st_skipped != MOTE_OK || (st_jumped == MOTE_OK && wr_same(&skipped.data, &skipped_too.data)));
        pkg_load_free(&skipped);
        pkg_load_free(&skipped_too);
    }
    if (way == 2 && st == MOTE_OK && whole.config.form == MOTE_FORM_DENSE && !whole.config.native_lowrank)
        find_all(&whole);
    if (way == 0 && st == MOTE_OK)
        resume_check(file, n, &whole.config, whole.needed, parameters[1], parameters[2] + 256u * parameters[3]);
    pkg_load_free(&whole);
    pkg_load_free(&cut);
    pkg_load_free(&pulled);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < PARAMETERS || size > 1 << 16) return 0;
    const uint8_t *parameters = data + size - PARAMETERS;
    size -= PARAMETERS;
    if (parameters[8] & 128) {
        pkg p;
        const bool stub = !(parameters[8] & 64);
        edits_apply(&p, data, size, stub);
        run(p.file.p, p.file.n, stub, parameters);
        pkg_free(&p);
    } else {
        run(data, size, true, parameters);
    }
    return 0;
}
