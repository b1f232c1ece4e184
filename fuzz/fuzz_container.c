/* SPDX-License-Identifier: Apache-2.0
 * One structure of a package at a time, chosen by the last byte: every view lies inside the input, nothing is accepted
 * that would be written otherwise (rewriting an accepted structure gives its bytes), and sizes keep to their limits. */
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "base/rd.h"
#include "pkg_helpers.h"

static const uint8_t *in;
static size_t in_bytes;

static void inside(const void *p, size_t n)
{
    const uint8_t *at = p;
    must(at >= in && at <= in + in_bytes && n <= (size_t)(in + in_bytes - at));
}

static void inside_text(mote_text t)
{
    if (!t.bytes) return;
    inside(t.p, t.bytes);
    must(mote_text_valid(t, 1, 255));
}

/* Known fields from what the reader made of them, unknown odd ones as they stand. */
static void rewritten(const mote_wr *known)
{
    mote_wr all = { 0 };
    wr_copy(&all, known);
    mote_rd r = mote_rd_init(in, in_bytes);
    mote_tlv f = { 0 };
    size_t n;
    while (mote_tlv_next(&r, &f))
        if (!tlv_get(known, f.tag, &n)) {
            must(f.tag % 2 == 1);
            tlv_set(&all, f.tag, f.value.p, mote_rd_left(&f.value));
        }
    must(mote_rd_end(&r) == MOTE_OK);
    must(all.n == in_bytes && memcmp(all.p, in, all.n) == 0);
    mote_wr_free(&all);
}

static void put_text(mote_wr *w, unsigned tag, mote_text t)
{
    if (t.bytes) tlv_set(w, tag, t.p, t.bytes);
}

static void manifest(void)
{
    mote_manifest m;
    if (mote_manifest_read(&m, in, in_bytes) != MOTE_OK) return;
    inside_text(m.name);
    inside_text(m.version);
    inside_text(m.tool);
    if (m.vendor) inside(m.vendor, 16);
    if (m.classes) inside(m.classes, 16 * (size_t)m.n_classes);
    const mote_facts *f = &m.facts;
    must(m.n_chunks >= 1 && m.n_chunks <= MOTE_CHUNKS_MAX && m.body_bytes < MOTE_BODY_MAX && m.n_classes <= 8);
    must(f->chunk_max >= 1 && f->chunk_max <= MOTE_CHUNK_MAX && f->entry_max <= f->chunk_max);
    must(f->n_entries >= 1 && f->n_entries <= m.body_bytes / 26 && f->table_slots_max <= f->head_max / 5 + 64);

    mote_wr known = { 0 }, v = { 0 };
    mote_wr_varint(&v, m.n_chunks);
    mote_wr_varint(&v, m.body_bytes);
    mote_wr_bytes(&v, m.root, 32);
    tlv_set(&known, 2, v.p, v.n);
    v.n = 0;
    const uint64_t facts[N_FACTS] = { f->n_entries,    f->chunk_max,     f->entry_max,   f->head_max,
                                      f->resident_max, f->seg_elems_max, f->seg_raw_max, f->table_slots_max,
                                      f->tensor_max,   f->decoded_total };
    for (unsigned i = 0; i < N_FACTS; i++) mote_wr_varint(&v, facts[i]);
    tlv_set(&known, 4, v.p, v.n);
    v.n = 0;
    for (unsigned id = 0; id < 128; id++)
        if (mote_needs_has(&m.needs, id)) mote_wr_varint(&v, id);
    tlv_set(&known, 6, v.p, v.n);
    mote_wr_free(&v);
    put_text(&known, 8, m.name);
    if (m.sequence) tlv_set_varint(&known, 10, m.sequence);
    if (m.vendor) tlv_set(&known, 12, m.vendor, 16);
    if (m.classes) tlv_set(&known, 14, m.classes, 16 * (size_t)m.n_classes);
    put_text(&known, 17, m.version);
    if (m.created) tlv_set_varint(&known, 19, m.created);
    if (m.not_after) tlv_set_varint(&known, 21, m.not_after);
    put_text(&known, 23, m.tool);
    rewritten(&known);
    mote_wr_free(&known);

    /* memory is asked for in proportion to the package, but for what resident and raw sizes say themselves */
    mote_loader_config config = { .crypto = *pkg_stub_crypto() };
    size_t bytes = 0;
    if (mote_loader_workspace(&config, &m, (uint32_t)in_bytes, 0, &bytes) != MOTE_OK) return;
    must(bytes >= mote_loader_open_bytes((uint32_t)in_bytes, 0));
    if (f->resident_max < 1 << 20 && f->seg_raw_max < 1 << 20)
        must(bytes < (m.body_bytes + (1 << 20)) * 16 + (4 << 20));
}

static void entry(void)
{
    mote_entry e;
    if (mote_entry_read(&e, in, in_bytes) != MOTE_OK) return;
    must(e.kind >= 1 && e.kind <= 3 && e.rank <= MOTE_RANK_MAX && e.name.bytes >= 1 && e.name.bytes <= MOTE_NAME_MAX);
    inside_text(e.name);
    if (e.digest) inside(e.digest, 32);
    uint64_t elements = 1;
    for (unsigned i = 0; i < e.rank; i++) {
        must(e.shape[i] < MOTE_DIM_MAX && (e.shape[i] == 0 || elements <= MOTE_ELEMENTS_MAX / e.shape[i]));
        elements *= e.shape[i];
    }
    must(elements == e.elements && e.elements < MOTE_ELEMENTS_MAX);
    must(e.bytes == (e.elements * mote_dtype_bits(e.dtype) + 7) / 8);
    must((e.elements == 0) == (e.stored == 0));

    mote_wr known = { 0 }, shape = { 0 };
    uint8_t place[8];
    tlv_set(&known, 2, &e.kind, 1);
    tlv_set(&known, 4, e.name.p, e.name.bytes);
    tlv_set(&known, 6, &e.dtype, 1);
    for (unsigned i = 0; i < e.rank; i++) mote_wr_varint(&shape, e.shape[i]);
    tlv_set(&known, 8, shape.p, shape.n);
    mote_wr_free(&shape);
    mote_put32(place, e.chunk);
    mote_put32(place + 4, e.offset);
    tlv_set(&known, 10, place, 8);
    tlv_set_varint(&known, 12, e.stored);
    if (e.digest) tlv_set(&known, 15, e.digest, 32);
    rewritten(&known);
    mote_wr_free(&known);
}

static void records(void)
{
    mote_wr again = { 0 };
    size_t at = 0;
    mote_record rec;
    while (at < in_bytes && mote_record_read(&rec, in + at, in_bytes - at) == MOTE_OK) {
        inside(rec.value, rec.bytes);
        must(rec.type >= MOTE_RECORD_ENTRY && rec.type <= MOTE_RECORD_SEGMENT && rec.total > rec.bytes);
        mote_wr_varint(&again, rec.type);
        mote_wr_varint(&again, rec.bytes);
        mote_wr_bytes(&again, rec.value, rec.bytes);
        at += rec.total;
        must(again.n == at);
    }
    if (at) must(memcmp(again.p, in, at) == 0);
    mote_wr_free(&again);
}

static void prelude(void)
{
    mote_prelude p;
    uint8_t again[MOTE_PRELUDE_BYTES];
    if (in_bytes < sizeof again || mote_prelude_read(&p, in) != MOTE_OK) return;
    must(p.manifest_bytes >= 1 && p.manifest_bytes <= MOTE_MANIFEST_MAX);
    mote_prelude_write(again, p.manifest_bytes, p.signature_bytes);
    must(memcmp(again, in, sizeof again) == 0);
}

/* Entry by entry is as all at once; ascending, and a block that is accepted is filled exactly. */
static void signatures(void)
{
    static const uint8_t digest[32];
    const mote_trust nobody = { .n_keys = 0 }, stub = { .keys = pkg_public_keys(), .n_keys = 2 };
    mote_signature_scan scan = { .left = (uint32_t)in_bytes };
    mote_status st = MOTE_OK;
    uint8_t last[10] = { 0 };
    if (in_bytes > UINT16_MAX) return;
    while (scan.left && st == MOTE_OK) {
        mote_signature_head h;
        const uint8_t *at = in + in_bytes - scan.left;
        if (scan.left < MOTE_SIGNATURE_HEAD_BYTES) {
            st = MOTE_ERR_TRUNCATED;
            break;
        }
        st = mote_signature_head_read(&scan, &h, at);
        if (st != MOTE_OK) break;
        must(scan.entries <= MOTE_SIGNATURES_MAX && h.alg && h.role && (h.alg != 1 || h.bytes == 64));
        inside(at + MOTE_SIGNATURE_HEAD_BYTES, h.bytes);
        uint8_t order[10] = { h.alg, h.role };
        memcpy(order + 2, h.key_id, 8);
        must(scan.entries == 1 || memcmp(last, order, 10) < 0);
        memcpy(last, order, 10);
    }
    must(mote_signatures_check(pkg_stub_crypto(), &nobody, in, in_bytes, digest) == st);
    mote_status trusted = mote_signatures_check(pkg_stub_crypto(), &stub, in, in_bytes, digest);
    must(st == MOTE_OK || trusted != MOTE_OK);
    if (trusted == MOTE_OK) must(scan.entries > 0);
}

/* A page after its parent: accepted ones add up. The input is a page of level 1, or two pages one after the other. */
static void pages(void)
{
    uint8_t path[2 * 640];
    mote_rd r = mote_rd_init(in, in_bytes);
    const uint8_t *first = mote_rd_take(&r, 12);
    if (!first) return;
    mote_manifest m = { .n_chunks = 1 + mote_le16(first) % 256u,
                        .body_bytes = mote_le64(first + 2) % MOTE_BODY_MAX,
                        .facts = { .chunk_max = 1 + mote_le16(first + 10) } };
    mote_tree t;
    uint64_t at = 0;
    mote_tree_init(&t, &m, pkg_stub_crypto(), path);
    while (t.level) {
        uint32_t n;
        must(mote_tree_next(&t, &n) == MOTE_OK && n <= MOTE_PAGE_BYTES_ABOVE);
        must(mote_tree_position(&t) == at);
        const uint8_t *page = mote_rd_take(&r, n);
        if (!page) return;
        uint8_t *exact = pkg_exact(page, n);
        uint64_t sum = n, length = 0;
        for (uint32_t i = 0; i < n; i += t.level == 1 ? 36 : 40) {
            length = t.level == 1 ? mote_le32(page + i) : mote_le64(page + i);
            sum = length > MOTE_BODY_MAX || sum > MOTE_BODY_MAX ? UINT64_MAX / 2 : sum + length;
        }
        unsigned level = t.level;
        mote_status st = mote_tree_accept(&t, exact, n);
        free(exact);
        if (st != MOTE_OK) {
            must(st == MOTE_ERR_TREE || st == MOTE_ERR_DIGEST);
            return;
        }
        if (level == t.height) must(sum == m.body_bytes);
        at += n;
    }
    uint32_t n;
    if (mote_tree_next(&t, &n) == MOTE_OK) must(n >= 1 && n <= m.facts.chunk_max && at + n <= m.body_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const structure[])(void) = { manifest, entry, records, prelude, signatures, pages };
    if (size < 1) return 0;
    /* a block of its own: the byte that chooses is not readable behind the input */
    uint8_t *copy = pkg_exact(data, size - 1);
    in = copy;
    in_bytes = size - 1;
    structure[data[size - 1] % N(structure)]();
    free(copy);
    return 0;
}
