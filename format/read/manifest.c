/* SPDX-License-Identifier: Apache-2.0
 * The manifest: what a signature covers, and through the tree's root every byte of the package. Spec format.md 5.
 * Device code. */
#include <string.h>

#include "base/rd.h"
#include "mote/package.h"

static void read_tree(mote_manifest *m, mote_rd *r)
{
    m->n_chunks = (uint32_t)mote_rd_varint_max(r, MOTE_CHUNKS_MAX, MOTE_ERR_LIMIT);
    m->body_bytes = mote_rd_varint_max(r, MOTE_BODY_MAX - 1, MOTE_ERR_LIMIT);
    const uint8_t *root = mote_rd_take(r, MOTE_DIGEST_BYTES);
    if (!root) return;
    memcpy(m->root, root, MOTE_DIGEST_BYTES);
    if (m->n_chunks == 0) mote_rd_fail(r, MOTE_ERR_LIMIT);
    /* every chunk has at least a record of two bytes, every page its size */
    if (m->body_bytes < mote_tree_pages_bytes(m->n_chunks) + (uint64_t)m->n_chunks * 2) mote_rd_fail(r, MOTE_ERR_TREE);
}

static void read_facts(mote_facts *f, mote_rd *r)
{
    uint64_t *const field[] = {&f->n_entries,   &f->chunk_max,   &f->entry_max,       &f->head_max,   &f->resident_max,
                               &f->seg_elems_max, &f->seg_raw_max, &f->table_slots_max, &f->tensor_max, &f->decoded_total};
    for (size_t i = 0; i < sizeof field / sizeof *field; i++) *field[i] = mote_rd_varint(r);
    if (!mote_rd_ok(r)) return;
    if (f->n_entries < 1 || f->n_entries > UINT32_MAX || f->chunk_max < 1 || f->chunk_max > MOTE_CHUNK_MAX ||
        f->entry_max > f->chunk_max || f->head_max > f->chunk_max)
        mote_rd_fail(r, MOTE_ERR_LIMIT);
}

static void read_needs(mote_needs *needs, mote_rd *r)
{
    uint64_t last = 0;
    while (mote_rd_left(r)) {
        uint64_t id = mote_rd_varint_max(r, 127, MOTE_ERR_LIMIT);
        if (!mote_rd_ok(r)) return;
        if (id <= last) mote_rd_fail(r, MOTE_ERR_ORDER);
        mote_needs_add(needs, (unsigned)id);
        last = id;
    }
}

static void read_classes(mote_manifest *m, mote_rd *r)
{
    size_t n = mote_rd_left(r) / 16;
    if (mote_rd_left(r) % 16 || n < 1 || n > 8) {
        mote_rd_fail(r, MOTE_ERR_VALUE);
        return;
    }
    m->n_classes = (uint32_t)n;
    m->classes = mote_rd_take(r, n * 16);
    for (size_t i = 1; i < n; i++)
        if (memcmp(m->classes + 16 * (i - 1), m->classes + 16 * i, 16) >= 0) mote_rd_fail(r, MOTE_ERR_ORDER);
}

static mote_text read_text(mote_rd *r, size_t max)
{
    mote_text t = {.bytes = mote_rd_left(r)};
    t.p = (const char *)mote_rd_take(r, t.bytes);
    if (t.bytes < 1 || t.bytes > max)
        mote_rd_fail(r, MOTE_ERR_LIMIT);
    else if (!mote_text_valid(t, 1, max))
        mote_rd_fail(r, MOTE_ERR_UTF8);
    return t;
}

static uint64_t read_positive(mote_rd *r)
{
    uint64_t v = mote_rd_varint(r);
    if (mote_rd_ok(r) && v == 0) mote_rd_fail(r, MOTE_ERR_VALUE);
    return v;
}

mote_status mote_manifest_read(mote_manifest *out, const uint8_t *bytes, size_t n)
{
    mote_manifest m = {0};
    mote_rd r = mote_rd_init(bytes, n);
    mote_tlv f = {0};
    unsigned seen = 0;
    while (mote_tlv_next(&r, &f)) {
        mote_rd *v = &f.value;
        bool known = true;
        switch (f.tag) {
        case 2: read_tree(&m, v), seen |= 1; break;
        case 4: read_facts(&m.facts, v), seen |= 2; break;
        case 6: read_needs(&m.needs, v), seen |= 4; break;
        case 8: m.name = read_text(v, 64); break;
        case 10: m.sequence = read_positive(v); break;
        case 12:
            m.vendor = mote_rd_take(v, 16);
            break;
        case 14: read_classes(&m, v); break;
        case 17: m.version = read_text(v, 63); break;
        case 19: m.created = read_positive(v); break;
        case 21: m.not_after = read_positive(v); break;
        case 23: m.tool = read_text(v, 63); break;
        default: known = false; mote_tlv_unknown(&r, &f);
        }
        if (known) {
            mote_status st = mote_rd_end(v);
            if (st != MOTE_OK) mote_rd_fail(&r, st);
        }
    }
    if (r.st != MOTE_OK) return r.st;
    if (seen != 7) return MOTE_ERR_MISSING;
    /* no count of the manifest can ask for more memory than its package could fill: an entry record takes at least 26
     * bytes, a table 5 */
    if (m.facts.n_entries > m.body_bytes / 26 || m.facts.table_slots_max > m.facts.head_max / 5) return MOTE_ERR_LIMIT;
    *out = m;
    return MOTE_OK;
}
