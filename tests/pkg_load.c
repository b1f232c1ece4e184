/* SPDX-License-Identifier: Apache-2.0
 * Drives the loader over packages in every way there is and writes down what it did, so that two ways can be compared
 * byte by byte. All memory is of exact size with canaries around the workspace. */
#include "pkg_helpers.h"

#include <stdlib.h>
#include <string.h>

#include "mote/host.h"

enum { CANARY = 64, CANARY_BYTE = 0xC7, FRESH_BYTE = 0xA5 };

typedef struct arena {
    uint8_t *base, *work;
    size_t n;
} arena;

static arena arena_make(size_t n)
{
    arena a = { .base = pkg_alloc(n + 2 * CANARY), .n = n };
    a.work = a.base + CANARY; /* malloc's alignment is kept */
    memset(a.base, CANARY_BYTE, n + 2 * CANARY);
    memset(a.work, FRESH_BYTE, n);
    return a;
}

static void arena_end(arena *a)
{
    for (size_t i = 0; i < CANARY; i++) must(a->base[i] == CANARY_BYTE && a->work[a->n + i] == CANARY_BYTE);
    free(a->base);
}

mote_loader_config pkg_config(unsigned n_keys)
{
    return (mote_loader_config){ .crypto = *mote_crypto_host(),
                                 .trust = { .keys = pkg_public_keys(), .n_keys = n_keys },
                                 .inflate = mote_zstd_inflate };
}

/* What the package takes, if its manifest is trusted; else room to open it. */
static size_t work_bytes(pkg_load *l)
{
    size_t open = mote_loader_open_bytes(MOTE_MANIFEST_MAX, UINT16_MAX), needed;
    if (l->work) return l->work;
    void *work = pkg_alloc(open);
    mote_loader *ld = NULL;
    mote_event event;
    mote_in in = { l->file, l->n };
    mote_out out = { 0 };
    must(mote_loader_init(&ld, work, open, &l->config) == MOTE_OK);
    (void)!mote_loader_step(ld, &in, &out, &event);
    needed = mote_loader_needed(ld);
    free(work);
    return needed && needed < (l->work_max ? l->work_max : (size_t)1 << 31) ? needed : open;
}

/* ---- the trace ---- */

typedef struct driver {
    pkg_load *l;
    mote_loader *ld;
    uint8_t *out, *target; /* heap, exact */
    size_t out_bytes, target_bytes;
    uint64_t elements;
    bool done;
} driver;

static void note(mote_wr *w, uint64_t v)
{
    mote_wr_varint(w, v);
}

static void note_part(mote_wr *w, const void *p, size_t n)
{
    note(w, p ? n : 0);
    if (p) mote_wr_bytes(w, p, n);
}

static void note_native(mote_wr *w, const mote_native *n)
{
    size_t scales = (size_t)(n->scales_per_row ? n->rows * n->scales_per_row : 1);
    note(w, n->layout), note(w, n->numeric), note(w, n->value_dtype), note(w, n->bits), note(w, n->is_resident);
    note(w, n->rows), note(w, n->cols), note(w, n->n_values), note(w, n->scales_per_row), note(w, n->group);
    note_part(w, n->values, (size_t)((n->n_values * mote_dtype_bits(n->value_dtype) + 7) / 8));
    note_part(w, n->scales, scales * sizeof(float));
    note_part(w, n->zeros, scales * sizeof(uint16_t));
    note_part(w, n->mask, (size_t)(n->rows * ((n->cols + 7) / 8)));
    note_part(w, n->row_ptr, (size_t)(n->rows + 1) * sizeof(uint32_t));
    note_part(w, n->col, (size_t)n->n_values * sizeof(uint16_t));
}

static void note_event(driver *d, const mote_event *e)
{
    pkg_load *l = d->l;
    mote_wr *w = &l->trace;
    note(w, e->type);
    note(w, e->index);
    switch (e->type) {
    case MOTE_EVENT_MANIFEST:
        note(w, e->manifest->n_chunks);
        note(w, e->manifest->body_bytes);
        note(w, e->manifest->sequence);
        mote_wr_bytes(w, e->manifest->name.p, e->manifest->name.bytes);
        mote_wr_bytes(w, e->manifest_digest, MOTE_DIGEST_BYTES);
        break;
    case MOTE_EVENT_ENTRY:
        note(w, e->entry->kind), note(w, e->entry->dtype), note(w, e->entry->rank);
        for (unsigned i = 0; i < e->entry->rank; i++) note(w, e->entry->shape[i]);
        note(w, e->entry->elements), note(w, e->entry->bytes), note(w, e->entry->stored);
        note(w, e->entry->chunk), note(w, e->entry->offset);
        mote_wr_bytes(w, e->entry->name.p, e->entry->name.bytes);
        if (e->entry->digest) mote_wr_bytes(w, e->entry->digest, MOTE_DIGEST_BYTES);
        break;
    case MOTE_EVENT_TENSOR:
        note(w, e->tensor.dtype), note(w, e->tensor.axis), note(w, e->tensor.layout), note(w, e->tensor.numeric);
        note(w, e->tensor.elements), note(w, e->tensor.rows), note(w, e->tensor.cols), note(w, e->tensor.seg_elems);
        note(w, e->tensor.n_segments), note(w, e->tensor.rank);
        break;
    case MOTE_EVENT_BLOCK:
        note(w, e->block.row), note(w, e->block.col), note(w, e->block.rows), note(w, e->block.cols);
        note(w, e->block.bytes);
        if (e->block.native)
            note_native(w, e->block.native);
        else if (!d->target) {
            mote_wr_bytes(w, e->block.data, e->block.bytes);
            mote_wr_bytes(&l->data, e->block.data, e->block.bytes);
        }
        l->blocks++;
        break;
    default: break;
    }
    must(w->st == MOTE_OK);
}

/* Whatever happened, output is as it was, or wiped. */
static void check_wiped(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) must(p[i] == 0 || p[i] == FRESH_BYTE);
}

static void renew(uint8_t **p, size_t *bytes, size_t n)
{
    free(*p);
    *p = pkg_alloc(n);
    *bytes = n;
    memset(*p, FRESH_BYTE, n);
}

static void on_event(driver *d, const mote_event *e)
{
    pkg_load *l = d->l;
    note_event(d, e);
    if (e->type == MOTE_EVENT_TENSOR) {
        bool dense = l->config.form != MOTE_FORM_NATIVE &&
                     !(l->config.native_lowrank && e->tensor.layout == MOTE_LAYOUT_LOWRANK);
        if (l->skip >> e->index % 64 & 1) {
            must(mote_loader_skip(d->ld) == MOTE_OK);
        } else if (l->target && dense) {
            unsigned bits = mote_dtype_bits(e->tensor.dtype);
            if (e->tensor.dtype >= MOTE_F16 && e->tensor.dtype <= MOTE_F64)
                bits = l->config.form == MOTE_FORM_F32 ? 32 : l->config.form == MOTE_FORM_F16 ? 16 : bits;
            size_t n = (size_t)((e->tensor.elements * bits + 7) / 8);
            renew(&d->target, &d->target_bytes, n);
            must(mote_loader_target(d->ld, d->target, n - 1) == MOTE_ERR_NOMEM);
            must(mote_loader_target(d->ld, d->target, n) == MOTE_OK);
        }
    }
    if (e->type == MOTE_EVENT_TENSOR_END && d->target) {
        mote_wr_bytes(&l->data, d->target, d->target_bytes);
        free(d->target);
        d->target = NULL;
    }
    if (e->type == MOTE_EVENT_DONE) d->done = true;
}

/* A call that gave st; true to go on. Output is given when it is asked for, in exactly the size that is asked for. */
static bool after_call(driver *d, mote_status st, mote_out *out, const mote_event *e)
{
    if (st == MOTE_OK) {
        must(e->type != MOTE_EVENT_NONE);
        on_event(d, e);
    } else if (st == MOTE_NEED_OUTPUT) {
        must(e->need > out->left && out->left == 0);
        renew(&d->out, &d->out_bytes, e->need);
        *out = (mote_out){ d->out, e->need };
    } else if (st < MOTE_OK) {
        must(e->type == MOTE_EVENT_NONE);
        if (out->left) check_wiped(out->p, out->left);
    }
    return st >= MOTE_OK;
}

static void finish(driver *d, mote_status st)
{
    pkg_load *l = d->l;
    l->needed = mote_loader_needed(d->ld);
    l->complete = mote_loader_complete(d->ld);
    note(&l->trace, (uint64_t)(int64_t)st & 0xFF);
    free(d->out);
    free(d->target);
    d->out = d->target = NULL;
}

static size_t next_piece(pkg_load *l, size_t at)
{
    size_t left = l->n - at, n = left;
    if (at == 0 && l->first)
        n = l->first;
    else if (l->step == (size_t)-1)
        n = pkg_random(&l->seed) >> (pkg_random(&l->seed) % 32);
    else if (l->step)
        n = l->step;
    return n < left ? n : left;
}

mote_status pkg_push(pkg_load *l)
{
    driver d = { .l = l };
    arena a = arena_make(work_bytes(l));
    mote_status st = mote_loader_init(&d.ld, a.work, a.n, &l->config);
    if (st != MOTE_OK) {
        arena_end(&a);
        return st;
    }
    mote_out out = { 0 };
    for (size_t at = 0; at <= l->n;) {
        size_t n = next_piece(l, at);
        uint8_t *copy = l->config.steady ? NULL : pkg_exact(n ? l->file + at : NULL, n);
        const uint8_t *const piece = l->config.steady ? l->file + at : copy;
        mote_in in = { piece, n };
        bool idle = false;
        for (;;) {
            size_t left = in.left;
            mote_event e;
            st = mote_loader_step(d.ld, &in, &out, &e);
            must(in.left <= left && in.p == piece + (n - in.left));
            if (!after_call(&d, st, &out, &e)) break;
            must(st != MOTE_NEED_INPUT || in.left == 0);
            if (st == MOTE_NEED_INPUT || d.done) break;
            /* no call without progress: an event, or input taken, or at least what it asked for was not there */
            bool stuck = st == MOTE_NEED_OUTPUT && left == in.left;
            must(!(stuck && idle));
            idle = stuck;
        }
        at += n - in.left;
        must(st < MOTE_OK || d.done || in.left == 0);
        free(copy);
        if (st < MOTE_OK) break;
        if (d.done && at < l->n) { /* the end came with a cut: what is behind is refused at the next call */
            mote_event e;
            in = (mote_in){ l->file + at, 1 };
            st = mote_loader_step(d.ld, &in, &out, &e);
            must(st == MOTE_ERR_TRAILING);
            break;
        }
        if (at == l->n) break;
    }
    if (st >= MOTE_OK) st = mote_loader_end(d.ld);
    if (st != MOTE_OK) { /* once refused, always refused */
        mote_event e;
        mote_in in = { l->file, l->n };
        must(mote_loader_step(d.ld, &in, &out, &e) == st && mote_loader_end(d.ld) == st && in.left == l->n);
        must(!mote_loader_complete(d.ld));
    }
    finish(&d, st);
    arena_end(&a);
    return st;
}

/* ---- pulling ---- */

static int read_at(void *ctx, uint64_t offset, uint8_t *to, size_t n)
{
    pkg_load *l = ctx;
    if (++l->reads == l->io_at) {
        memset(to, 0xEE, n / 2); /* half a read */
        return -1;
    }
    if (offset > l->n || n > l->n - offset) return -1;
    memcpy(to, l->file + offset, n);
    return 0;
}

/* Pull until the end; ERR_IO is tried again once. */
static mote_status pull_on(driver *d, const mote_source *source)
{
    mote_out out = { 0 };
    for (;;) {
        mote_event e;
        mote_status st = mote_loader_pull(d->ld, source, &out, &e);
        must(st != MOTE_NEED_INPUT);
        if (st == MOTE_ERR_IO && d->l->io_at && !d->l->retried) {
            d->l->retried = true;
            continue;
        }
        if (!after_call(d, st, &out, &e)) return st;
        if (d->done) return MOTE_OK;
        if (st == MOTE_OK && e.type == MOTE_EVENT_TENSOR_END && d->l->first == 1) return MOTE_OK; /* find: one only */
    }
}

mote_status pkg_pull(pkg_load *l)
{
    driver d = { .l = l };
    arena a = arena_make(work_bytes(l));
    const mote_source source = { read_at, l };
    l->first = 0;
    mote_status st = mote_loader_init(&d.ld, a.work, a.n, &l->config);
    if (st == MOTE_OK) {
        st = pull_on(&d, &source);
        if (st == MOTE_OK && mote_loader_file_bytes(d.ld) < l->n) st = MOTE_ERR_TRAILING;
        finish(&d, st);
    }
    arena_end(&a);
    return st;
}

mote_status pkg_find_one(pkg_load *l, uint8_t kind, mote_text name)
{
    driver d = { .l = l };
    arena a = arena_make(work_bytes(l));
    const mote_source source = { read_at, l };
    mote_event e;
    mote_out out = { 0 };
    mote_entry entry;
    mote_status st = mote_loader_init(&d.ld, a.work, a.n, &l->config);
    if (st == MOTE_OK) st = mote_loader_pull(d.ld, &source, &out, &e);
    if (st == MOTE_OK) {
        must(e.type == MOTE_EVENT_MANIFEST);
        st = mote_loader_find(d.ld, &source, kind, name, &entry);
        if (st == MOTE_ERR_IO && l->io_at && !l->retried) {
            l->retried = true;
            st = mote_loader_find(d.ld, &source, kind, name, &entry);
        }
    }
    if (st == MOTE_OK && entry.elements) {
        l->first = 1;
        st = pull_on(&d, &source);
    }
    if (st == MOTE_OK) must(mote_loader_pull(d.ld, &source, &out, &e) == MOTE_ERR_STATE);
    finish(&d, st);
    arena_end(&a);
    return st;
}

void pkg_load_free(pkg_load *l)
{
    mote_wr_free(&l->trace);
    mote_wr_free(&l->data);
}

mote_status pkg_status(const uint8_t *file, size_t n, unsigned n_keys)
{
    pkg_load l = { .file = file, .n = n, .config = pkg_config(n_keys) };
    mote_status st = pkg_push(&l);
    pkg_load_free(&l);
    return st;
}
