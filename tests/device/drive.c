/* SPDX-License-Identifier: Apache-2.0
 * See drive.h. No allocation, no library but the four functions that the loader itself uses. */
#include "drive.h"

#include <string.h>

uint32_t drive_hash(uint32_t hash, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    while (n-- > 0) hash = (hash ^ *p++) * 16777619u;
    return hash;
}

static void note(drive *d, size_t number)
{
    uint8_t le[4];
    for (unsigned i = 0; i < 4; i++) le[i] = (uint8_t)(number >> 8 * i);
    d->hash = drive_hash(d->hash, le, 4);
}

static void note_block(drive *d, const mote_event *e)
{
    note(d, e->block.row);
    note(d, e->block.col);
    note(d, e->block.rows);
    note(d, e->block.cols);
    if (d->target) return; /* all of it, when it has ended */
    note(d, e->block.bytes);
    d->hash = drive_hash(d->hash, e->block.data, e->block.bytes);
    if (d->tensors <= DRIVE_TENSORS) {
        uint32_t *h = &d->tensor[d->tensors - 1];
        *h = drive_hash(*h, e->block.data, e->block.bytes);
    }
}

/* Nano builds round nothing to another type, and compute binary32 only: what they have no form for is native. */
static mote_form nano_form(mote_form wanted, const mote_tensor_info *t)
{
    const bool dense = t->dtype == MOTE_F32 || (t->dtype != MOTE_F64 && t->numeric < MOTE_NUM_AFFINE);
    if (wanted == MOTE_FORM_F32 && t->dtype == MOTE_F32) return MOTE_FORM_F32;
    return wanted != MOTE_FORM_NATIVE && dense ? MOTE_FORM_DENSE : MOTE_FORM_NATIVE;
}

static void note_used(drive *d, size_t bytes)
{
    if (bytes > d->used) d->used = bytes;
}

/* What happened; false: there is no room for a tensor. */
static bool on_event(drive *d, mote_loader *ld, const mote_event *e, size_t *tensor_bytes)
{
    d->events++;
    note(d, e->type);
    note(d, e->index);
    switch (e->type) {
    case MOTE_EVENT_MANIFEST: d->hash = drive_hash(d->hash, e->manifest_digest, MOTE_DIGEST_BYTES); break;
    case MOTE_EVENT_ENTRY:
        note(d, e->entry->dtype);
        note(d, e->entry->elements);
        d->hash = drive_hash(d->hash, e->entry->name.p, e->entry->name.bytes);
        break;
    case MOTE_EVENT_TENSOR:
        if (d->tensors++ < DRIVE_TENSORS) d->tensor[d->tensors - 1] = DRIVE_HASH_START;
        note(d, e->tensor.rows);
        note(d, e->tensor.cols);
        note(d, e->tensor.layout);
        note(d, e->tensor.numeric);
        if (d->nano && mote_loader_form(ld, nano_form(d->config.form, &e->tensor)) != MOTE_OK) return false;
        if (d->target) {
            *tensor_bytes = mote_bytes_of(e->tensor.elements, mote_dtype_bits(e->tensor.dtype));
            mote_status st = mote_loader_target(ld, d->out, d->out_bytes);
            d->need = *tensor_bytes;
            if (st == MOTE_ERR_NOMEM) return false;
            if (st == MOTE_OK) note_used(d, *tensor_bytes);
            if (st != MOTE_OK) *tensor_bytes = 0; /* natively, then, in blocks that this mode does not note */
        }
        break;
    case MOTE_EVENT_BLOCK:
        d->blocks++;
        note_block(d, e);
        break;
    case MOTE_EVENT_TENSOR_END:
        if (d->target) d->hash = drive_hash(d->hash, d->out, *tensor_bytes);
        break;
    default: break;
    }
    return true;
}

static int read_source(void *ctx, uint64_t at, uint8_t *to, size_t n)
{
    drive *d = ctx;
    if (at + n > d->body) d->payload = true;
    return at > UINT32_MAX ? -1 : d->read(d->ctx, (uint32_t)at, to, n);
}

/* Where the body begins, from a prelude that may be anything. */
static size_t body_of(drive *d)
{
    uint8_t p[MOTE_PRELUDE_BYTES];
    if (d->read(d->ctx, 0, p, sizeof p) != 0) return SIZE_MAX;
    return sizeof p + (p[10] | (size_t)p[11] << 8) + (p[12] | (size_t)p[13] << 8);
}

mote_status drive_run(drive *d)
{
    static uint8_t window[DRIVE_PIECE_MAX];
    const mote_source source = { read_source, d };
    mote_loader *ld;
    mote_in in = { window, 0 };
    mote_out out = { d->out, d->out_bytes };
    mote_event e;
    size_t tensor_bytes = 0, at = 0, block_max = 0;
    d->hash = DRIVE_HASH_START;
    d->needed = d->need = d->used = 0;
    d->blocks = d->tensors = d->events = 0;
    d->payload = d->complete = false;
    d->body = body_of(d);
    mote_status st = mote_loader_init(&ld, d->work, d->work_bytes, &d->config);
    if (st != MOTE_OK) return st;
    for (;;) {
        st = d->piece ? mote_loader_step(ld, &in, &out, &e) : mote_loader_pull(ld, &source, &out, &e);
        if (at - in.left > d->body) d->payload = true;
        d->needed = mote_loader_needed(ld);
        if (st == MOTE_NEED_INPUT) {
            const size_t left = d->bytes - at, n = left < d->piece ? left : d->piece;
            if (n == 0) {
                st = mote_loader_end(ld);
                break;
            }
            if (d->read(d->ctx, (uint32_t)at, window, n) != 0) return MOTE_ERR_IO;
            in = (mote_in){ window, n };
            at += n;
            continue;
        }
        d->need = e.need;
        if (st != MOTE_OK) {
            note_used(d, block_max); /* the block that was found bad */
            break;
        }
        note_used(d, d->out_bytes - out.left);
        if (e.type == MOTE_EVENT_MANIFEST)
            block_max = d->config.form == MOTE_FORM_DENSE ? (size_t)e.manifest->facts.seg_raw_max : d->out_bytes;
        if (e.type == MOTE_EVENT_BLOCK && !e.block.native && d->target)
            if (e.block.data < d->out || e.block.data >= d->out + d->out_bytes) return MOTE_ERR_ARG;
        if (!on_event(d, ld, &e, &tensor_bytes)) return MOTE_NEED_OUTPUT;
        out = (mote_out){ d->out, d->out_bytes };
        if (d->only_open && e.type == MOTE_EVENT_MANIFEST) break;
        if (e.type != MOTE_EVENT_DONE) continue;
        if (d->piece && at < d->bytes) { /* what is behind the end may come with the next piece only */
            in = (mote_in){ window, 1 };
            st = mote_loader_step(ld, &in, &out, &e);
        } else if (!d->piece && mote_loader_file_bytes(ld) < d->bytes) {
            st = MOTE_ERR_TRAILING;
        }
        break;
    }
    d->complete = mote_loader_complete(ld);
    return st;
}

bool drive_find_all(drive *d)
{
    const mote_source source = { read_source, d };
    const size_t limit = d->tensors < DRIVE_TENSORS ? d->tensors : DRIVE_TENSORS;
    mote_loader *ld;
    mote_out out;
    mote_event e;
    char name[MOTE_NAME_MAX];
    size_t tensor = 0;
    uint32_t n_entries = 1;
    for (uint32_t i = 0; i < n_entries && tensor < limit; i++) {
        mote_entry entry;
        uint8_t kind = 0;
        size_t bytes = 0, elements = 0;
        out = (mote_out){ d->out, d->out_bytes };
        if (mote_loader_init(&ld, d->work, d->work_bytes, &d->config) != MOTE_OK) return false;
        do { /* the name of entry i */
            if (mote_loader_pull(ld, &source, &out, &e) != MOTE_OK) return false;
            if (e.type == MOTE_EVENT_MANIFEST) n_entries = (uint32_t)e.manifest->facts.n_entries;
        } while (e.type != MOTE_EVENT_ENTRY || e.index != i);
        kind = e.entry->kind;
        bytes = e.entry->name.bytes;
        elements = e.entry->elements;
        memcpy(name, e.entry->name.p, bytes);
        if (elements == 0) continue;
        uint32_t hash = DRIVE_HASH_START;
        if (mote_loader_find(ld, &source, kind, (mote_text){ name, bytes }, &entry) != MOTE_OK) return false;
        do {
            out = (mote_out){ d->out, d->out_bytes };
            if (mote_loader_pull(ld, &source, &out, &e) != MOTE_OK) return false;
            if (e.type == MOTE_EVENT_BLOCK) hash = drive_hash(hash, e.block.data, e.block.bytes);
        } while (e.type != MOTE_EVENT_TENSOR_END);
        if (hash != d->tensor[tensor++]) return false;
    }
    return true;
}

bool drive_resume(drive *d, uint32_t events)
{
    const mote_source source = { read_source, d };
    const uint32_t last = d->tensors - 1;
    uint8_t token[MOTE_RESUME_BYTES];
    uint32_t hash = 0;
    mote_loader *ld;
    mote_event e;
    if (mote_loader_init(&ld, d->work, d->work_bytes, &d->config) != MOTE_OK) return false;
    while (events-- > 0) {
        mote_out out = { d->out, d->out_bytes };
        if (mote_loader_pull(ld, &source, &out, &e) != MOTE_OK) return false;
    }
    if (mote_loader_save(ld, token) != MOTE_OK) return false;
    memset(d->work, 0x5A, d->work_bytes);
    if (mote_loader_init(&ld, d->work, d->work_bytes, &d->config) != MOTE_OK) return false;
    do {
        mote_out out = { d->out, d->out_bytes };
        if (mote_loader_pull(ld, &source, &out, &e) != MOTE_OK) return false;
        if (e.type == MOTE_EVENT_MANIFEST && mote_loader_resume(ld, token) != MOTE_OK) return false;
        if (e.type == MOTE_EVENT_TENSOR) hash = DRIVE_HASH_START;
        if (e.type == MOTE_EVENT_BLOCK) hash = drive_hash(hash, e.block.data, e.block.bytes);
    } while (e.type != MOTE_EVENT_DONE);
    const bool all = !(token[32] | token[33] | token[34] | token[35]); /* from chunk 0: nothing was passed over */
    if (hash != d->tensor[last] || mote_loader_complete(ld) != all) return false;
    return mote_loader_reverify(ld, &source) == MOTE_OK;
}
