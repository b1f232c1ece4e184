/* SPDX-License-Identifier: Apache-2.0
 * From entries to a file: layout, digests, manifest, signatures, bytes. Spec format.md 3-8. Host only. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/le.h"
#include "mote/version.h"
#include "write/layout.h"

struct mote_writer {
    mote_layout layout;
    mote_pages pages;
    mote_wr manifest;
    uint8_t signatures[MOTE_SIGNATURES_MAX * (MOTE_SIGNATURE_HEAD_BYTES + MOTE_SIGNATURE_BYTES)];
    size_t signature_bytes;
    uint8_t digest[MOTE_DIGEST_BYTES];
    uint8_t *chunk; /* room to assemble one */
    bool can_sign;
};

void mote_prelude_write(uint8_t out[MOTE_PRELUDE_BYTES], size_t manifest_bytes, size_t signature_bytes)
{
    static const uint8_t start[] = {
        0x89, 'M', 'O', 'T', 'E', 0x0D, 0x0A, 0x0A, MOTE_FORMAT_VERSION, MOTE_FORMAT_SUITE
    };
    memset(out, 0, MOTE_PRELUDE_BYTES);
    memcpy(out, start, sizeof start);
    mote_put16(out + 10, (uint32_t)manifest_bytes);
    mote_put16(out + 12, (uint32_t)signature_bytes);
}

static int by_class(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

static void text_field(mote_wr *w, uint64_t tag, const char *s)
{
    if (s) mote_wr_field_bytes(w, tag, s, strlen(s));
}

/* Spec format.md 5 */
static mote_status write_manifest(mote_writer *w, const mote_write_info *info)
{
    mote_wr *m = &w->manifest, v = { 0 };
    mote_wr_varint(&v, w->pages.n_chunks);
    mote_wr_varint(&v, w->pages.body_bytes);
    mote_wr_bytes(&v, w->pages.root, MOTE_DIGEST_BYTES);
    mote_wr_field(m, 2, &v);

    const mote_facts *f = &w->layout.facts;
    const uint64_t facts[] = { f->n_entries,     f->chunk_max,   f->entry_max,       f->head_max,   f->resident_max,
                               f->seg_elems_max, f->seg_raw_max, f->table_slots_max, f->tensor_max, f->decoded_total };
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) mote_wr_varint(&v, facts[i]);
    mote_wr_field(m, 4, &v);

    for (unsigned id = 1; id < 128; id++)
        if (mote_needs_has(&w->layout.needs, id)) mote_wr_varint(&v, id);
    mote_wr_field(m, 6, &v);

    text_field(m, 8, info->name);
    if (info->sequence) mote_wr_field_varint(m, 10, info->sequence);
    if (info->vendor) mote_wr_field_bytes(m, 12, info->vendor, 16);
    if (info->n_classes) {
        uint8_t sorted[8][16];
        if (info->n_classes > 8) return MOTE_ERR_LIMIT;
        memcpy(sorted, info->device_class, info->n_classes * 16);
        qsort(sorted, info->n_classes, 16, by_class);
        mote_wr_field_bytes(m, 14, sorted, info->n_classes * 16);
    }
    text_field(m, 17, info->version);
    if (info->created) mote_wr_field_varint(m, 19, info->created);
    if (info->not_after) mote_wr_field_varint(m, 21, info->not_after);
    text_field(m, 23, info->tool);
    if (m->st != MOTE_OK) return m->st;
    if (m->n > MOTE_MANIFEST_MAX) return MOTE_ERR_LIMIT;
    mote_manifest back; /* what a reader would refuse is not written */
    return mote_manifest_read(&back, m->p, m->n);
}

mote_status mote_writer_create(mote_writer **out, const mote_write_entry *entries, size_t n, uint32_t chunk_max,
                               const mote_write_info *info)
{
    const mote_crypto *c = mote_crypto_host();
    if (!c) return MOTE_ERR_STATE;
    mote_writer *w = calloc(1, sizeof *w);
    if (!w) return MOTE_ERR_NOMEM;
    uint32_t *lengths = NULL;
    uint8_t *digests = NULL;
    mote_status st = mote_layout_make(&w->layout, entries, n, chunk_max);
    if (st != MOTE_OK) goto out;
    size_t n_chunks = w->layout.n_chunks;
    st = MOTE_ERR_NOMEM;
    lengths = malloc(n_chunks * sizeof *lengths);
    digests = malloc(n_chunks * MOTE_DIGEST_BYTES);
    w->chunk = malloc(w->layout.facts.chunk_max);
    if (!lengths || !digests || !w->chunk) goto out;
    for (size_t i = 0; i < n_chunks; i++) {
        lengths[i] = w->layout.chunks[i].bytes;
        mote_layout_chunk(&w->layout, i, w->chunk);
        mote_digest(c, digests + i * MOTE_DIGEST_BYTES, MOTE_ROLE_CHUNK, w->chunk, lengths[i]);
    }
    st = mote_pages_make(&w->pages, c, (uint32_t)n_chunks, lengths, digests);
    if (st != MOTE_OK) goto out;
    st = write_manifest(w, info);
    if (st != MOTE_OK) goto out;
    mote_manifest_digest(c, w->digest, w->manifest.p, w->manifest.n);
    w->can_sign = info->name && info->sequence;
out:
    free(lengths);
    free(digests);
    if (st != MOTE_OK) {
        mote_writer_free(w);
        return st;
    }
    *out = w;
    return MOTE_OK;
}

mote_status mote_writer_sign(mote_writer *w, const mote_keypair *kp, uint8_t role)
{
    if (!w->can_sign || role == 0) return MOTE_ERR_ARG;
    mote_status st = mote_signature_add(w->signatures, &w->signature_bytes, sizeof w->signatures, kp, role, w->digest);
    return st == MOTE_ERR_ORDER ? MOTE_ERR_ARG : st;
}

mote_status mote_writer_write(mote_writer *w, mote_write_fn put, void *ctx)
{
    uint8_t prelude[MOTE_PRELUDE_BYTES];
    mote_prelude_write(prelude, w->manifest.n, w->signature_bytes);
    if (put(ctx, prelude, sizeof prelude) || put(ctx, w->manifest.p, w->manifest.n) ||
        (w->signature_bytes && put(ctx, w->signatures, w->signature_bytes)))
        return MOTE_ERR_IO;
    for (uint32_t i = 0; i < w->pages.n_chunks; i++) {
        for (unsigned k = w->pages.height; k >= 1; k--) {
            if (i & (((uint32_t)1 << 4 * k) - 1)) continue;
            mote_piece page = mote_pages_page(&w->pages, k, i);
            if (put(ctx, page.data, page.bytes)) return MOTE_ERR_IO;
        }
        mote_layout_chunk(&w->layout, i, w->chunk);
        if (put(ctx, w->chunk, w->layout.chunks[i].bytes)) return MOTE_ERR_IO;
    }
    return MOTE_OK;
}

uint64_t mote_writer_bytes(const mote_writer *w)
{
    return MOTE_PRELUDE_BYTES + w->manifest.n + w->signature_bytes + w->pages.body_bytes;
}

const mote_facts *mote_writer_facts(const mote_writer *w)
{
    return &w->layout.facts;
}

void mote_writer_free(mote_writer *w)
{
    if (!w) return;
    mote_layout_free(&w->layout);
    mote_pages_free(&w->pages);
    mote_wr_free(&w->manifest);
    free(w->chunk);
    free(w);
}
