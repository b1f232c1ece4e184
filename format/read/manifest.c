/* SPDX-License-Identifier: Apache-2.0
 * The manifest: what a signature covers, and through the tree's root every byte of the package. Spec format.md 5.
 * Device code. */
#include <string.h>

#include "base/fields.h"

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
    for (size_t i = 0; i < sizeof *f; i += sizeof(size_t)) { /* size_t is all that they are */
        size_t v = mote_rd_varint_max(r, MOTE_COUNT_MAX, MOTE_ERR_MEMORY);
        memcpy((uint8_t *)f + i, &v, sizeof v);
    }
    if (f->n_entries < 1 || f->n_entries > UINT32_MAX || f->chunk_max < 1 || f->chunk_max > MOTE_CHUNK_MAX ||
        f->entry_max > f->chunk_max || f->head_max > f->chunk_max)
        mote_rd_fail(r, MOTE_ERR_LIMIT);
}

static void read_needs(mote_needs *needs, mote_rd *r)
{
    size_t last = 0;
    while (mote_rd_left(r)) {
        size_t id = mote_rd_varint_max(r, 127, MOTE_ERR_LIMIT);
        if (id <= last) mote_rd_fail(r, MOTE_ERR_ORDER);
        mote_needs_add(needs, (unsigned)id);
        last = id;
    }
}

static void read_classes(mote_manifest *m, mote_rd *r)
{
    size_t bytes = mote_rd_left(r);
    m->classes = mote_rd_take(r, bytes);
    m->n_classes = (uint32_t)(bytes / 16);
    if (bytes % 16 || bytes < 16 || bytes > 128) mote_rd_fail(r, MOTE_ERR_VALUE);
    for (size_t at = 16; at + 16 <= bytes; at += 16)
        if (memcmp(m->classes + at - 16, m->classes + at, 16) >= 0) mote_rd_fail(r, MOTE_ERR_ORDER);
}

static uint64_t read_positive(mote_rd *r)
{
    uint64_t v = mote_rd_varint(r);
    if (v == 0) mote_rd_fail(r, MOTE_ERR_VALUE);
    return v;
}

mote_status mote_manifest_read(mote_manifest *out, const uint8_t *bytes, size_t n)
{
    enum { TREE = 1, FACTS, NEEDS, NAME, SEQUENCE, VENDOR, CLASSES, VERSION, CREATED, NOT_AFTER, TOOL, FIELDS };
    const uint32_t known = 1 << 2 | 1 << 4 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 12 | 1 << 14 | 1 << 17 | 1 << 19 |
                           1 << 21 | 1 << 23,
                   required = 1 << TREE | 1 << FACTS | 1 << NEEDS;
    mote_rd f[FIELDS], r = mote_rd_init(bytes, n);
    mote_status st = mote_fields_find(f, FIELDS, known, &r);
    if (st != MOTE_OK) return st;
    mote_manifest m = { 0 };
    read_tree(&m, &f[TREE]);
    read_facts(&m.facts, &f[FACTS]);
    read_needs(&m.needs, &f[NEEDS]);
    mote_rd_text(&f[NAME], &m.name, 64);
    m.sequence = read_positive(&f[SEQUENCE]);
    m.vendor = mote_rd_take(&f[VENDOR], 16);
    read_classes(&m, &f[CLASSES]);
    mote_rd_text(&f[VERSION], &m.version, 63);
    m.created = read_positive(&f[CREATED]);
    m.not_after = read_positive(&f[NOT_AFTER]);
    mote_rd_text(&f[TOOL], &m.tool, 63);
    st = mote_fields_end(f, FIELDS, required);
    if (st != MOTE_OK) return st;
    /* no count of the manifest can ask for more memory than its package could fill: an entry record takes at least 26
     * bytes, a table 5 */
    if (m.facts.n_entries > m.body_bytes / 26 || m.facts.table_slots_max > m.facts.head_max / 5 + 64)
        return MOTE_ERR_LIMIT;
    *out = m;
    return MOTE_OK;
}
