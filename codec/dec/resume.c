/* SPDX-License-Identifier: Apache-2.0
 * Going on after a reset, and looking once more at what was stored before it. A token names a chunk of a package and is
 * worth nothing by itself: what it leads to is verified as always, and which segment stands there follows from the
 * directory and the head of the tensor, not from the token. Spec format.md 7.2. Device code. */
#include <string.h>

#include "base/le.h"
#include "dec/loader_state.h"

mote_status mote_loader_save(const mote_loader *ld, uint8_t token[MOTE_RESUME_BYTES])
{
    if (ld->st != MOTE_OK) return ld->st;
    if (ld->state <= ST_BODY || ld->finding) return MOTE_ERR_STATE;
    uint32_t chunk = ld->tree.chunk;
    /* used up: the next one */
    if (ld->chunk_bytes && ld->cursor == ld->chunk_bytes && chunk + 1 < ld->manifest.n_chunks) chunk++;
    memcpy(token, ld->digest, MOTE_DIGEST_BYTES);
    mote_put32(token + MOTE_DIGEST_BYTES, chunk);
    mote_put32(token + MOTE_DIGEST_BYTES + 4, 0);
    return MOTE_OK;
}

mote_status mote_loader_resume(mote_loader *ld, const uint8_t token[MOTE_RESUME_BYTES])
{
    const uint32_t chunk = mote_le32(token + MOTE_DIGEST_BYTES);
    if (ld->st != MOTE_OK) return ld->st;
    if (ld->state != ST_BODY || memcmp(token, ld->digest, MOTE_DIGEST_BYTES) != 0 || chunk >= ld->manifest.n_chunks)
        return MOTE_ERR_STATE;
    ld->resume = chunk;
    ld->pulling = 1;
    return MOTE_OK;
}

uint32_t mote_loader_resume_entry(mote_loader *ld)
{
    const mote_dirent *d = mote_loader_part(ld, DIRECTORY);
    uint32_t entry = 0;
    /* the last that begins before the chunk, or with it */
    for (uint32_t i = 0; i < ld->manifest.facts.n_entries; i++)
        if (d[i].elements && (d[i].chunk < ld->resume || (d[i].chunk == ld->resume && d[i].offset == 0))) entry = i;
    return entry;
}

mote_status mote_loader_resume_jump(mote_loader *ld)
{
    /* a chunk each, from segment 0 on: format.md 8 */
    const uint32_t chunk = ld->resume, segments = chunk - ld->tree.chunk;
    if (segments >= ld->head.n_segments) return MOTE_ERR_ORDER;
    ld->part = segments;
    ld->partial = 1;
    return mote_loader_go_to(ld, chunk, 0);
}

mote_status mote_loader_reverify(mote_loader *ld, const mote_source *source)
{
    if (ld->st != MOTE_OK) return ld->st;
    if (ld->state < ST_BODY || (ld->state > ST_BODY && !ld->pulling && ld->state != ST_DONE)) return MOTE_ERR_STATE;
    mote_status st = ld->state == ST_BODY ? mote_loader_begin_body(ld) : MOTE_OK;
    ld->pulling = ld->finding = 1;
    ld->choosing = 0;
    ld->chunk_bytes = ld->goal = 0; /* the chunk in memory will be another */
    ld->state = ST_FOUND;
    ld->tree.valid = 0;
    for (uint32_t i = 0; st == MOTE_OK && i < ld->manifest.n_chunks; i++) {
        mote_tree_seek(&ld->tree, i);
        for (unsigned level = 1; st == MOTE_OK && level > 0;) {
            level = ld->tree.level;
            st = mote_loader_want_node(ld);
            if (st == MOTE_OK) st = mote_loader_fetch(ld, source);
            if (st == MOTE_OK) st = mote_tree_accept(&ld->tree, ld->to, ld->want);
        }
    }
    ld->have = ld->want;
    ld->state = ST_FOUND;
    return st == MOTE_ERR_IO ? st : mote_loader_fail(ld, st);
}
