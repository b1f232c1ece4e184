/* SPDX-License-Identifier: Apache-2.0
 * Going on after a reset, for fuzzers: a package that was accepted is pulled up to some event, the token saved, all
 * memory lost, and the rest pulled; and once more with a token that names any chunk. Blocks that come are blocks of the
 * whole, in its order; after a true token none is missing. Spec format.md 7.2 */
#ifndef MOTE_FUZZ_RESUME_CHECK_H
#define MOTE_FUZZ_RESUME_CHECK_H

#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "pkg_helpers.h"

typedef struct resume_block {
    uint32_t index, hash;
    size_t row, col;
    bool resident;
} resume_block;

typedef struct resume_run {
    const uint8_t *file;
    size_t n;
    mote_loader_config config;
    void *work;
    size_t work_bytes;
    mote_wr blocks; /* resume_block, one after the other */
    uint8_t token[MOTE_RESUME_BYTES];
    size_t before_token; /* blocks */
    bool saved;
} resume_run;

static int resume_read(void *ctx, uint64_t at, uint8_t *to, size_t n)
{
    const resume_run *r = ctx;
    if (at > r->n || n > r->n - at) return -1;
    memcpy(to, r->file + at, n);
    return 0;
}

static void resume_note(resume_run *r, const mote_event *e)
{
    resume_block b;
    memset(&b, 0, sizeof b); /* compared with memcmp() */
    b.index = e->index;
    b.row = e->block.row;
    b.col = e->block.col;
    b.hash = 2166136261u;
    b.resident = e->block.native && e->block.native->is_resident;
    if (!e->block.native) /* of native blocks only the parts count, not the bytes between them */
        for (size_t i = 0; i < e->block.bytes; i++) b.hash = (b.hash ^ e->block.data[i]) * 16777619u;
    mote_wr_bytes(&r->blocks, (const uint8_t *)&b, sizeof b);
}

/* From the start, or from the token; `save_at`: the event after which the token is saved and the run ends. */
static mote_status resume_pull(resume_run *r, bool resume, size_t save_at)
{
    const mote_source source = { resume_read, r };
    mote_loader *ld = NULL;
    mote_event e;
    mote_out out = { 0 };
    uint8_t *block = NULL;
    memset(r->work, 0xEE, r->work_bytes);
    r->blocks.n = 0;
    mote_status st = mote_loader_init(&ld, r->work, r->work_bytes, &r->config);
    for (size_t events = 0; st == MOTE_OK;) {
        st = mote_loader_pull(ld, &source, &out, &e);
        if (st == MOTE_NEED_OUTPUT) {
            free(block);
            block = pkg_alloc(e.need);
            out = (mote_out){ block, e.need };
            st = MOTE_OK;
            continue;
        }
        if (st != MOTE_OK) break;
        events++;
        if (e.type == MOTE_EVENT_MANIFEST && resume) st = mote_loader_resume(ld, r->token);
        if (e.type == MOTE_EVENT_BLOCK) resume_note(r, &e);
        if (e.type == MOTE_EVENT_DONE) break;
        if (save_at && events > 1 && events >= save_at) {
            must(mote_loader_save(ld, r->token) == MOTE_OK);
            r->saved = true;
            r->before_token = r->blocks.n / sizeof(resume_block);
            break;
        }
    }
    free(block);
    return st;
}

/* The blocks of `part` stand in this order among those of `whole`; returns those of `whole` before the last gap. */
static size_t resume_within(const mote_wr *part, const mote_wr *whole)
{
    const size_t size = sizeof(resume_block), n = whole->n / size;
    size_t k = 0, begin = n;
    for (size_t i = 0; i < part->n; i += size, k++) {
        const size_t expected = k;
        while (k < n && memcmp(whole->p + k * size, part->p + i, size) != 0) k++;
        must(k < n);
        if (i == 0 || k != expected) begin = k;
    }
    must(part->n == 0 || k == n); /* to the end */
    return begin;
}

/** A package that a loader of this configuration accepts with `needed` bytes; `event`, `chunk`: anything. */
static void resume_check(const uint8_t *file, size_t n, const mote_loader_config *config, size_t needed, size_t event,
                         uint32_t chunk)
{
    resume_run whole = { .file = file, .n = n, .config = *config, .work = pkg_alloc(needed), .work_bytes = needed };
    must(resume_pull(&whole, false, 0) == MOTE_OK);
    resume_run r = whole;
    r.blocks = (mote_wr){ 0 };
    must(resume_pull(&r, false, 2 + event) == MOTE_OK);
    if (r.saved) { /* it was not over before */
        must(resume_pull(&r, true, 0) == MOTE_OK);
        must(resume_within(&r.blocks, &whole.blocks) <= r.before_token);
    }
    mote_put32(r.token + MOTE_DIGEST_BYTES, chunk);
    mote_status st = resume_pull(&r, true, 0);
    must(st == MOTE_OK || st == MOTE_ERR_STATE);
    if (st == MOTE_OK) (void)resume_within(&r.blocks, &whole.blocks);
    r.token[event % MOTE_DIGEST_BYTES] ^= (uint8_t)(1 + chunk % 255);
    must(resume_pull(&r, true, 0) == MOTE_ERR_STATE);
    mote_wr_free(&whole.blocks);
    mote_wr_free(&r.blocks);
    free(whole.work);
}

#endif
