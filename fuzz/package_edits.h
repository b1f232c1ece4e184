/* SPDX-License-Identifier: Apache-2.0
 * A fuzzer's bytes as edits of a valid package, which is then hashed and signed again: what is fuzzed lies behind trust.
 * The bytes choose a package and then, one edit after the other, what is changed in its fields, facts, records, cuts and
 * pages; and whether sizes and places are made true again. */
#ifndef MOTE_FUZZ_PACKAGE_EDITS_H
#define MOTE_FUZZ_PACKAGE_EDITS_H

#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "base/rd.h"
#include "pkg_helpers.h"

typedef struct edits {
    const uint8_t *p, *end;
} edits;

static inline unsigned edits_u8(edits *e)
{
    return e->p < e->end ? *e->p++ : 0;
}

/* A number below n; two bytes, so that a place in a long package can be chosen. */
static inline size_t edits_below(edits *e, size_t n)
{
    size_t x = edits_u8(e);
    x |= (size_t)edits_u8(e) << 8;
    return n ? x % n : 0;
}

/* Up to 31 bytes of the input itself. */
static inline size_t edits_bytes(edits *e, const uint8_t **p)
{
    size_t n = edits_u8(e) % 32, left = (size_t)(e->end - e->p);
    if (n > left) n = left;
    *p = e->p;
    e->p += n;
    return n;
}

/* The packages to begin with: made once. */
static inline const mote_wr *edits_bases(size_t *n)
{
    static mote_wr bases[3];
    *n = N(bases);
    if (bases[0].n) return bases;
    pkg_model m = { 0 };
    pkg_rich_model(&m);
    pkg_model_write(&m, 128, 1, &bases[0]);
    pkg_model_write(&m, 4096, 2, &bases[1]);
    pkg_model_free(&m);
    pkg_model_add1(&m, MOTE_KIND_TENSOR, "w", MOTE_F32, 10, 0);
    pkg_model_write(&m, 4096, 1, &bases[2]);
    pkg_model_free(&m);
    return bases;
}

/* As pkg_settle(), for records that need not make sense: every entry that can be read gets the place and the size of the
 * head that would be its own. */
static inline void edits_settle(pkg *p)
{
    size_t head = 0;
    for (size_t i = 0; i < p->n_rec; i++) {
        mote_entry e;
        mote_wr *fields = &p->rec[i].v;
        if (p->rec[i].type != MOTE_RECORD_ENTRY || p->rec[i].raw) continue;
        if (mote_entry_read(&e, fields->p, fields->n) != MOTE_OK || e.elements == 0) continue;
        while (head < p->n_rec && p->rec[head].type != MOTE_RECORD_HEAD) head++;
        if (head == p->n_rec) break;
        uint64_t stored = 0;
        size_t k = head;
        do stored += 1 + mote_varint_bytes(p->rec[k].v.n) + p->rec[k].v.n;
        while (++k < p->n_rec && p->rec[k].type > MOTE_RECORD_HEAD);
        tlv_set_varint(fields, 12, stored);
        head++;
    }
    uint32_t chunk = 0, offset = 0, begun = 0;
    for (size_t i = 0, entry = 0; i < p->n_rec; i++) {
        if (i && p->rec[i].fresh) chunk++, offset = 0;
        if (p->rec[i].type == MOTE_RECORD_HEAD) {
            uint8_t place[8];
            mote_put32(place, chunk);
            mote_put32(place + 4, offset);
            for (; entry < p->n_rec; entry++) {
                mote_entry e;
                mote_wr *fields = &p->rec[entry].v;
                if (p->rec[entry].type != MOTE_RECORD_ENTRY || p->rec[entry].raw) continue;
                if (mote_entry_read(&e, fields->p, fields->n) != MOTE_OK || e.elements == 0) continue;
                tlv_set(fields, 10, place, 8);
                entry++;
                break;
            }
            begun++;
        }
        offset += (uint32_t)(1 + mote_varint_bytes(p->rec[i].v.n) + p->rec[i].v.n);
    }
    if (begun) pkg_sizes(p);
}

/* A field of the manifest, of an entry or of a head; NULL if the record is not made of fields any more. */
static inline mote_wr *edits_fields(pkg *p, edits *e)
{
    unsigned which = edits_u8(e) % 4;
    if (which == 0) return &p->manifest;
    uint64_t type = which == 1 ? MOTE_RECORD_ENTRY : MOTE_RECORD_HEAD;
    size_t k = edits_below(e, p->n_rec);
    for (size_t i = 0; i < p->n_rec; i++, k = (k + 1) % p->n_rec) {
        const pkg_record *rec = &p->rec[k];
        if (rec->type != type || rec->raw) continue;
        mote_rd r = mote_rd_init(rec->v.p, rec->v.n);
        mote_tlv f = { 0 };
        while (mote_tlv_next(&r, &f)) continue;
        if (mote_rd_end(&r) == MOTE_OK) return &p->rec[k].v;
    }
    return NULL;
}

static inline void edit_field(pkg *p, edits *e, unsigned how)
{
    mote_wr *fields = edits_fields(p, e);
    unsigned tag = edits_u8(e) % 32;
    const uint8_t *v;
    size_t n = 0;
    if (!fields || tag == 0) return;
    if (how == 0) {
        tlv_del(fields, tag);
    } else if (how == 1) {
        n = edits_bytes(e, &v);
        tlv_set(fields, tag, v, n);
    } else {
        const uint8_t *old = tlv_get(fields, tag, &n);
        uint8_t mask = (uint8_t)edits_u8(e);
        if (old && n) fields->p[old - fields->p + (ptrdiff_t)edits_below(e, n)] ^= mask;
    }
}

static inline void edit_record(pkg *p, edits *e, unsigned how)
{
    size_t k = edits_below(e, p->n_rec), at = edits_below(e, p->rec[k].v.n + 1);
    mote_wr *v = &p->rec[k].v;
    const uint8_t *bytes;
    size_t n;
    switch (how) {
    case 0:
        if (at < v->n) v->p[at] ^= (uint8_t)edits_u8(e);
        break;
    case 1:
        n = edits_bytes(e, &bytes);
        if (v->n < 4000) wr_insert(v, at, bytes, n);
        break;
    case 2:
        n = edits_u8(e);
        wr_delete(v, at, n < v->n - at ? n : v->n - at);
        break;
    case 3: p->rec[k].type = edits_u8(e) % 7; break;
    case 4: p->rec[k].fresh = !p->rec[k].fresh; break;
    case 5: pkg_swap(p, k, edits_below(e, p->n_rec)); break;
    case 6:
        if (p->n_rec > 1) pkg_remove(p, k);
        break;
    case 7:
        if (p->n_rec < 100) pkg_insert(p, edits_below(e, p->n_rec + 1), p->rec[k].type, v->p, v->n, edits_u8(e) & 1);
        break;
    default: p->rec[k].raw = !p->rec[k].raw;
    }
}

/* A package with its edits, whole and signed. */
static inline void edits_apply(pkg *p, const uint8_t *data, size_t size, bool stub)
{
    edits e = { data, data + size };
    size_t n_bases;
    const mote_wr *base = edits_bases(&n_bases);
    base += edits_u8(&e) % n_bases;
    pkg_read(p, base->p, base->n);
    if (stub) p->crypto = pkg_stub_crypto();
    for (unsigned n = 0, settled = 0; n < 32 && e.p < e.end; n++) {
        unsigned op = edits_u8(&e) % 16;
        if (op < 9) {
            edit_record(p, &e, op);
        } else if (op < 12) {
            edit_field(p, &e, op - 9);
        } else if (op == 12) {
            p->fact[edits_u8(&e) % N_FACTS] += (uint64_t)((int64_t)(edits_u8(&e) ^ 0x80) - 0x80);
        } else if (op == 13) {
            if (settled++ < 3) edits_settle(p); /* it takes long */
        } else if (op == 14) {
            p->lie.on = true;
            p->lie.level = edits_u8(&e) % 3;
            p->lie.index = edits_u8(&e);
            p->lie.delta = (edits_u8(&e) ^ 0x80) - 0x80;
        } else {
            pkg_sizes(p);
        }
    }
    for (unsigned i = 0; i < N_FACTS; i++) p->fact[i] &= INT64_MAX; /* varints end there */
    p->rec[0].fresh = true;
    pkg_finish(p);
}

#endif
