/* SPDX-License-Identifier: Apache-2.0
 * One refused package for each rule of spec/format.md, named after its section. Each is the small package with one
 * fault: what depends on the faulty bytes has been made true again, hashed and signed. */
#include "make_vectors.h"

#include <stdlib.h>
#include <string.h>

#include "base/le.h"

enum { HEAD_A, HEAD_B, HEAD_M, HEAD_Z, HEAD_X, HEAD_T }; /* of the small package */
enum { ENTRY_A, ENTRY_B, ENTRY_E, ENTRY_M, ENTRY_Z, ENTRY_X, ENTRY_T };

static void set(mote_wr *fields, unsigned tag, const char *value, size_t n)
{
    tlv_set(fields, tag, value, n);
}
#define SET(tag, value) set(&p->manifest, tag, value, sizeof(value) - 1)
#define ENTRY(k, tag, value) entry(p, k, tag, value, sizeof(value) - 1)

/* An entry that cannot be read comes before whatever its size moves; chunks keep to chunk_max all the same. */
static void entry(pkg *p, size_t k, unsigned tag, const char *value, size_t n)
{
    set(pkg_entry(p, k), tag, value, n);
    pkg_sizes(p);
}

/* Replaces the tree field after everything else has been made. */
static void tree(pkg *p, uint64_t n_chunks, uint64_t body)
{
    size_t n = 0;
    if (p->stage == PKG_OPEN) pkg_seal(p);
    const uint8_t *old = tlv_get(&p->manifest, 2, &n);
    mote_wr v = { 0 };
    mote_wr_varint(&v, n_chunks);
    mote_wr_varint(&v, body);
    mote_wr_bytes(&v, old + n - 32, 32);
    tlv_set(&p->manifest, 2, v.p, v.n);
    mote_wr_free(&v);
}

/* A field as raw bytes, in front of all others or behind. */
static void raw_field(pkg *p, bool front, const char *bytes, size_t n)
{
    pkg_seal(p);
    wr_insert(&p->manifest, front ? 0 : p->manifest.n, bytes, n);
}
#define RAW_FRONT(bytes) raw_field(p, true, bytes, sizeof(bytes) - 1)
#define RAW_BACK(bytes) raw_field(p, false, bytes, sizeof(bytes) - 1)

static void all_but_tree(pkg *p, unsigned tag)
{
    pkg_seal(p);
    tlv_del(&p->manifest, tag);
}

static void conventions(void)
{
    BAD("2.2-varint-overlong", VARINT, "2.2 sequence 7 as 87 00") SET(10, "\x87\x00");
    BAD("2.2-varint-overlong-zero", VARINT, "2.2 the length of a field as 80 00") RAW_BACK("\x63\x80\x00");
    BAD("2.2-varint-2-63", VARINT, "2.2 sequence 2^63") SET(10, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01");
    BAD("2.2-varint-in-entry", VARINT, "2.2 stored bytes of an entry in overlong form") ENTRY(ENTRY_E, 12, "\x80\x00");
    BAD("2.2-varint-record-type", VARINT, "2.2 a record type as 81 00")
    {
        pkg_record *rec = &p->rec[0];
        wr_insert(&rec->v, 0, "\x81\x00\x19", 3);
        rec->v.p[2] = (uint8_t)(rec->v.n - 3);
        rec->raw = true;
        p->fact[CHUNK_MAX] += 1;
    }
    BAD("2.3-tag-0", ORDER, "2.3 tag 0") RAW_FRONT("\x00\x00");
    BAD("2.3-tags-descend", ORDER, "2.3 tag 1 behind all others") RAW_BACK("\x01\x00");
    BAD("2.3-tag-twice", ORDER, "2.3 tag 23 twice") RAW_BACK("\x17\x01x");
    BAD("2.3-tag-2-32", LIMIT, "2.3 tag 2^32 + 1") RAW_BACK("\x81\x80\x80\x80\x10\x00");
    BAD("2.3-value-longer", TRUNCATED, "2.3 a field longer than the manifest") RAW_BACK("\x63\x02x");
    BAD("2.3-no-length", TRUNCATED, "2.3 a tag at the end without a length") RAW_BACK("\x63");
    BAD("2.3-value-leaves-bytes", TRAILING, "2.3 a byte behind the sequence in its field") SET(10, "\x07\x00");
    BAD("2.3-value-too-short", TRUNCATED, "2.3 a vendor of 15 bytes") SET(12, "vendor of tests");
    BAD("2.3-unknown-even", CRITICAL, "2.3 unknown even tag 98") SET(98, "x");
    BAD("2.3-unknown-even-in-entry", CRITICAL, "2.3 unknown even tag 14 in an entry") ENTRY(ENTRY_A, 14, "");
    BAD("2.3-unknown-even-in-head", CRITICAL, "2.3 unknown even tag 14 in a head")
    {
        set(pkg_head(p, HEAD_A), 14, "", 0);
        pkg_settle(p);
    }
    BAD("2.4-wrong-role", DIGEST, "2.4 the chunk's digest has the role of a page")
    {
        uint8_t page[32];
        pkg_seal(p);
        const mote_crypto *c = mote_crypto_host();
        const uint8_t *part[2] = { (const uint8_t *)"mote1 chunk\0\0\0\0", p->body.p };
        const size_t n[2] = { 16, 36 * 4 };
        c->sha256(c->ctx, page, part, n, 2);
        size_t at = 0;
        const uint8_t *v = tlv_get(&p->manifest, 2, &at);
        memcpy(p->manifest.p + (v - p->manifest.p) + at - 32, page, 32);
    }
    BAD("2.5-control", UTF8, "2.5 a line end in the name") SET(8, "k\nws");
    BAD("2.5-nul", UTF8, "2.5 a NUL in the name") SET(8, "kws\0");
    BAD("2.5-7f", UTF8, "2.5 7F in the version") SET(17, "1\x7F");
    BAD("2.5-overlong", UTF8, "2.5 C0 80") SET(8, "\xC0\x80");
    BAD("2.5-surrogate", UTF8, "2.5 a surrogate") SET(23, "\xED\xA0\x80");
    BAD("2.5-above-10ffff", UTF8, "2.5 F4 90 80 80") SET(23, "\xF4\x90\x80\x80");
    BAD("2.5-cut", UTF8, "2.5 a sequence without its last byte") SET(23, "\xE2\x82");
    BAD("2.5-entry-name", UTF8, "2.5 the name of an entry") ENTRY(ENTRY_A, 4, "\xFF");
}

static void byte_of_file(pkg *p, size_t at, uint8_t value)
{
    pkg_finish(p);
    p->file.p[at] = value;
}

static void cut_file(pkg *p, size_t n)
{
    pkg_finish(p);
    p->file.n = n;
}

static void prelude(void)
{
    BAD("3-magic", MAGIC, "3 another first byte") byte_of_file(p, 0, 0x88);
    BAD("3-magic-line-end", MAGIC, "3 0D 0A became 0A 0A") byte_of_file(p, 5, 0x0A);
    BAD("3-version-0", VERSION, "3 version 0") byte_of_file(p, 8, 0);
    BAD("3-version-2", VERSION, "3 version 2") byte_of_file(p, 8, 2);
    BAD("3-suite-0", SUITE, "3 suite 0") byte_of_file(p, 9, 0);
    BAD("3-suite-2", SUITE, "3 suite 2") byte_of_file(p, 9, 2);
    BAD("3-ml-0", LIMIT, "3 ml 0")
    {
        byte_of_file(p, 10, 0);
        p->file.p[11] = 0;
    }
    BAD("3-ml-4097", LIMIT, "3 a manifest of 4,097 bytes")
    {
        pkg_seal(p);
        uint8_t *filler = calloc(1, 4097);
        must(filler != NULL);
        tlv_set(&p->manifest, 99, filler, 4097 - p->manifest.n - 3);
        must(p->manifest.n == 4097);
        free(filler);
    }
    BAD("3-reserved", RESERVED, "3 the reserved bytes are 1") byte_of_file(p, 14, 1);
    BAD("3-reserved-high", RESERVED, "3 the highest reserved bit") byte_of_file(p, 15, 0x80);
    BAD("3-no-file", TRUNCATED, "3 no byte at all") cut_file(p, 0);
    BAD("3-ends-in-prelude", TRUNCATED, "3 15 bytes") cut_file(p, 15);
    BAD("3-ends-in-manifest", TRUNCATED, "3 the manifest's last byte is missing")
    cut_file(p, 15u + mote_le16((pkg_finish(p), p->file.p + 10)));
    BAD("3-ends-in-signatures", TRUNCATED, "3 the last signature's last byte is missing")
    cut_file(p, (pkg_finish(p), p->body_at - 1));
    BAD("3-ends-before-body", TRUNCATED, "3 no body") cut_file(p, (pkg_finish(p), p->body_at));
    BAD("3-ends-in-page", TRUNCATED, "3 inside the page") cut_file(p, (pkg_finish(p), p->body_at + 100));
    BAD("3-ends-in-chunk", TRUNCATED, "3 the last byte is missing") cut_file(p, (pkg_finish(p), p->file.n - 1));
    BAD("3-ends-between-chunks", TRUNCATED, "3 the last chunk is missing")
    cut_file(p, (pkg_finish(p), p->body_at + p->chunk_at[3]));
    BAD("3-trailing", TRAILING, "3 a byte behind the body")
    {
        pkg_finish(p);
        mote_wr_u8(&p->file, 0);
    }
    BAD("3-before", MAGIC, "3 a byte before the prelude")
    {
        pkg_finish(p);
        wr_insert(&p->file, 0, NULL, 1);
    }
}

static void manifest(void)
{
    BAD("5-no-tree", MISSING, "5 no tree") all_but_tree(p, 2);
    BAD("5-no-facts", MISSING, "5 no facts") all_but_tree(p, 4);
    BAD("5-no-needs", MISSING, "5 no needs") all_but_tree(p, 6);
    BAD("5-tree-no-chunk", LIMIT, "5 n_chunks 0") tree(p, 0, 700);
    BAD("5-tree-n-chunks", LIMIT, "5 n_chunks 2^28 + 1") tree(p, (1 << 28) + 1, ((uint64_t)1 << 48) - 1);
    BAD("5-tree-body-len", LIMIT, "5 body_len 2^48") tree(p, 4, (uint64_t)1 << 48);
    BAD("5-tree-body-too-small", TREE, "5 less than 36 bytes of page and 2 of chunk for each of 4 chunks")
    tree(p, 4, 4 * 38 - 1);
    BAD("5-needs-order", ORDER, "5 needs descend") SET(6, "\x20\x01\x60");
    BAD("5-needs-twice", ORDER, "5 a need twice") SET(6, "\x01\x20\x20\x60");
    BAD("5-needs-0", ORDER, "5 need 0") SET(6, "\x00\x01\x20\x60");
    BAD("5-needs-128", LIMIT, "5 need 128") SET(6, "\x01\x20\x60\x80\x01");
    BAD("5-name-empty", LIMIT, "5 an empty name") SET(8, "");
    BAD("5-name-65", LIMIT, "5 a name of 65 bytes")
    SET(8, "12345678901234567890123456789012345678901234567890123456789012345");
    BAD("5-sequence-0", VALUE, "5 sequence 0") SET(10, "\x00");
    BAD("5-vendor-17", TRAILING, "5 a vendor of 17 bytes") SET(12, "vendor of tests..");
    BAD("5-class-none", VALUE, "5 no class in the field") SET(14, "");
    BAD("5-class-24", VALUE, "5 a class and a half") SET(14, "class of tests 1class of");
    BAD("5-class-9", VALUE, "5 nine classes")
    {
        uint8_t nine[9 * 16] = { 0 };
        for (uint8_t i = 0; i < 9; i++) nine[16 * i] = i;
        tlv_set(&p->manifest, 14, nine, sizeof nine);
    }
    BAD("5-class-order", ORDER, "5 classes descend") SET(14, "class of tests 2class of tests 1");
    BAD("5-class-twice", ORDER, "5 a class twice") SET(14, "class of tests 1class of tests 1");
    BAD("5-cipher", CRITICAL, "5 cipher is reserved") SET(16, "");
    BAD("5-base", CRITICAL, "5 base is reserved") SET(18, "12345678901234567890123456789012");
    BAD("5-set", CRITICAL, "5 set is reserved") SET(20, "\x01");
    BAD("5-version-empty", LIMIT, "5 an empty version") SET(17, "");
    BAD("5-version-64", LIMIT, "5 a version of 64 bytes")
    SET(17, "1234567890123456789012345678901234567890123456789012345678901234");
    BAD("5-created-0", VALUE, "5 created 0") SET(19, "\x00");
    BAD("5-not-after-0", VALUE, "5 not_after 0") SET(21, "\x00");
    BAD("5-tool-64", LIMIT, "5 a tool of 64 bytes")
    SET(23, "1234567890123456789012345678901234567890123456789012345678901234");

    BAD("5.1-need-unused", FACTS, "5.1 coder 98 is stated and stands in no head") SET(6, "\x01\x20\x60\x62");
    BAD("5.1-need-not-stated", FACTS, "5.1 coder 96 stands in the heads and is not stated") SET(6, "\x01\x20\x61");
    BAD("5.1-need-nothing-stated", FACTS, "5.1 nothing is stated") SET(6, "");
    BAD("5.1-need-unassigned", NEEDS, "5.1 id 30 is nothing that a reader of this version has")
    SET(6, "\x01\x1E\x20\x60");
    BAD("5.1-need-reserved", NEEDS, "5.1 block-sparse is reserved") SET(6, "\x01\x08\x20\x60");
}

static void facts(void)
{
    BAD("5.2-n-entries-0", LIMIT, "5.2 n_entries 0") p->fact[N_ENTRIES] = 0;
    BAD("5.2-n-entries-2-32", LIMIT, "5.2 n_entries 2^32") p->fact[N_ENTRIES] = (uint64_t)1 << 32;
    BAD("5.2-n-entries-body", LIMIT, "5.2 more entries than the body has room for")
    {
        pkg_seal(p);
        p->fact[N_ENTRIES] = p->body.n / 26 + 1;
        p->stage = PKG_OPEN;
    }
    BAD("5.2-n-entries-low", ORDER, "5.2 an entry more than stated") p->fact[N_ENTRIES] -= 1;
    BAD("5.2-n-entries-high", ORDER, "5.2 an entry less than stated: a head comes") p->fact[N_ENTRIES] += 1;
    BAD("5.2-chunk-max-0", LIMIT, "5.2 chunk_max 0") p->fact[CHUNK_MAX] = 0;
    BAD("5.2-chunk-max-limit", LIMIT, "5.2 chunk_max 2^20 + 1") p->fact[CHUNK_MAX] = (1 << 20) + 1;
    BAD("5.2-chunk-max-low", TREE, "5.2 a chunk longer than stated") p->fact[CHUNK_MAX] -= 1;
    BAD("5.2-chunk-max-high", FACTS, "5.2 no chunk is that long") p->fact[CHUNK_MAX] += 1;
    BAD("5.2-entry-max-limit", LIMIT, "5.2 entry_max above chunk_max") p->fact[ENTRY_MAX] = p->fact[CHUNK_MAX] + 1;
    BAD("5.2-entry-max-low", FACTS, "5.2 an entry record longer than stated") p->fact[ENTRY_MAX] -= 1;
    BAD("5.2-entry-max-high", FACTS, "5.2 no entry record is that long") p->fact[ENTRY_MAX] += 1;
    BAD("5.2-head-max-limit", LIMIT, "5.2 head_max above chunk_max") p->fact[HEAD_MAX] = p->fact[CHUNK_MAX] + 1;
    BAD("5.2-head-max-low", FACTS, "5.2 a head record longer than stated") p->fact[HEAD_MAX] -= 1;
    BAD("5.2-head-max-high", FACTS, "5.2 no head record is that long") p->fact[HEAD_MAX] += 1;
    BAD("5.2-resident-max-high", FACTS, "5.2 no tensor has residents") p->fact[RESIDENT_MAX] = 4;
    BAD("5.2-seg-elems-max-low", FACTS, "5.2 a segment of more elements than stated") p->fact[SEG_ELEMS_MAX] -= 1;
    BAD("5.2-seg-elems-max-high", FACTS, "5.2 no segment has that many elements") p->fact[SEG_ELEMS_MAX] += 1;
    BAD("5.2-seg-raw-max-low", FACTS, "5.2 a segment of more bytes than stated") p->fact[SEG_RAW_MAX] -= 1;
    BAD("5.2-seg-raw-max-high", FACTS, "5.2 no segment has that many bytes") p->fact[SEG_RAW_MAX] += 1;
    BAD("5.2-table-slots-max-limit", LIMIT, "5.2 more tables than a head has room for")
    p->fact[TABLE_SLOTS_MAX] = p->fact[HEAD_MAX] / 5 + 65;
    BAD("5.2-table-slots-max-high", FACTS, "5.2 no head has a table") p->fact[TABLE_SLOTS_MAX] = 1;
    BAD("5.2-tensor-max-low", FACTS, "5.2 an entry of more bytes than stated") p->fact[TENSOR_MAX] -= 1;
    BAD("5.2-tensor-max-high", FACTS, "5.2 no entry has that many bytes") p->fact[TENSOR_MAX] += 1;
    BAD("5.2-decoded-total-low", FACTS, "5.2 the entries have more bytes than stated") p->fact[DECODED_TOTAL] -= 1;
    BAD("5.2-decoded-total-high", FACTS, "5.2 the entries have fewer bytes than stated") p->fact[DECODED_TOTAL] += 1;
    BAD("5.2-nine", TRUNCATED, "5.2 nine facts")
    {
        size_t n = 0;
        pkg_seal(p);
        const uint8_t *v = tlv_get(&p->manifest, 4, &n);
        uint8_t copy[100];
        memcpy(copy, v, n - 1); /* decoded_total has one byte */
        tlv_set(&p->manifest, 4, copy, n - 1);
    }
    BAD("5.2-eleven", TRAILING, "5.2 eleven facts")
    {
        size_t n = 0;
        pkg_seal(p);
        const uint8_t *v = tlv_get(&p->manifest, 4, &n);
        uint8_t copy[100];
        memcpy(copy, v, n);
        copy[n] = 1;
        tlv_set(&p->manifest, 4, copy, n + 1);
    }
}

/* Signed by k keys, which a reader trusts or not. */
static void signers(pkg *p, unsigned k)
{
    p->n_sigs = k;
    for (unsigned i = 0; i < k; i++) p->sig[i] = (pkg_signature){ 1, 1, i };
    pkg_seal(p);
    pkg_sign(p);
}

/* S + L: the same signature in the eyes of whoever does not check S < L. */
static void add_order(uint8_t s[32])
{
    static const uint8_t order[32] = { 0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58,       0xD6,
                                       0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE, 0x14, [31] = 0x10 };
    unsigned carry = 0;
    for (int i = 0; i < 32; i++) {
        carry += (unsigned)s[i] + order[i];
        s[i] = (uint8_t)carry;
        carry >>= 8;
    }
}

static void signatures(void)
{
    BAD("6-unsigned", UNSIGNED, "6 no signature and a trusted key") signers(p, 0);
    BAD("6-untrusted", UNTRUSTED, "6 signed by others only")
    {
        signers(p, 1);
        vec_trust = "1,2";
    }
    BAD("6-threshold", UNTRUSTED, "6 two of three keys are asked for, one has signed")
    {
        signers(p, 1);
        vec_trust = "0,1,2/2";
    }
    BAD("6-other-role", UNTRUSTED, "6 signed in role 2, role 1 is asked for")
    {
        p->sig[0].role = 2;
        vec_trust = "0";
    }
    BAD("6-one-key-two-roles", UNTRUSTED, "6 one key in two roles is one key")
    {
        p->sig[1] = (pkg_signature){ 1, 2, 0 };
        p->n_sigs = 2;
        vec_trust = "0,1/2";
    }
    BAD("6-signature", SIGNATURE, "6 a bit of the signature")
    {
        signers(p, 1);
        p->signatures.p[50] ^= 1;
    }
    BAD("6-signature-of-another", SIGNATURE, "6 one of two trusted keys has signed something else")
    {
        signers(p, 2);
        p->signatures.p[76 + 40] ^= 0x80;
        vec_trust = "0,1";
    }
    BAD("6-alg-0", VALUE, "6 alg 0")
    {
        signers(p, 2);
        p->signatures.p[0] = 0;
        vec_trust = "-";
    }
    BAD("6-role-0", VALUE, "6 role 0")
    {
        signers(p, 2);
        p->signatures.p[1] = 0;
        vec_trust = "-";
    }
    BAD("6-length-63", VALUE, "6 a signature of 63 bytes")
    {
        signers(p, 1);
        p->signatures.p[2] = 63;
        p->signatures.n -= 1;
        vec_trust = "-";
    }
    BAD("6-length-beyond", TRUNCATED, "6 a signature longer than the block")
    {
        signers(p, 1);
        p->signatures.p[0] = 2; /* Ed25519's has 64 bytes */
        p->signatures.p[3] = 1;
        vec_trust = "-";
    }
    BAD("6-bytes-left", TRUNCATED, "6 eleven bytes behind the last entry")
    {
        signers(p, 1);
        wr_insert(&p->signatures, 76, NULL, 11);
    }
    BAD("6-order", ORDER, "6 entries descend")
    {
        signers(p, 2);
        uint8_t first[76];
        memcpy(first, p->signatures.p, 76);
        memmove(p->signatures.p, p->signatures.p + 76, 76);
        memcpy(p->signatures.p + 76, first, 76);
        vec_trust = "0,1";
    }
    BAD("6-twice", ORDER, "6 an entry twice")
    {
        signers(p, 1);
        uint8_t first[76];
        memcpy(first, p->signatures.p, 76);
        mote_wr_bytes(&p->signatures, first, 76);
    }
    BAD("6-seventeen", LIMIT, "6 seventeen entries") signers(p, 17);
    BAD("6.1-key-id", UNTRUSTED, "6.1 another key id")
    {
        signers(p, 1);
        p->signatures.p[4] ^= 1;
    }
    BAD("6.2-other-manifest", SIGNATURE, "6.2 the signature of another manifest")
    {
        signers(p, 1);
        SET(23, "another");
        pkg_join((p->stage = PKG_SIGNED, p));
    }
    BAD("6.2-role-changed", SIGNATURE, "6.2 a signature in role 2 that says role 1")
    {
        p->sig[0].role = 2;
        pkg_seal(p);
        pkg_sign(p);
        p->signatures.p[1] = 1;
    }
    BAD("6.3-s-not-reduced", SIGNATURE, "6.3 S + L instead of S")
    {
        signers(p, 1);
        add_order(p->signatures.p + 12 + 32);
    }
    BAD("6.3-r-not-canonical", SIGNATURE, "6.3 R = p + 1 instead of 1, with S = 0")
    {
        signers(p, 1);
        memset(p->signatures.p + 12, 0xFF, 32);
        p->signatures.p[12] = 0xEE;
        p->signatures.p[12 + 31] = 0x7F;
        memset(p->signatures.p + 12 + 32, 0, 32);
    }
    BAD("6.3-r-small-order", SIGNATURE, "6.3 R is the neutral point, with S = 0")
    {
        signers(p, 1);
        memset(p->signatures.p + 12, 0, 64);
        p->signatures.p[12] = 1;
    }
}

static void flip(pkg *p, size_t at)
{
    pkg_finish(p);
    p->file.p[p->body_at + at] ^= 0x01;
}

static void lie(pkg *p, unsigned level, uint32_t index, int64_t delta)
{
    p->lie.on = true;
    p->lie.level = level;
    p->lie.index = index;
    p->lie.delta = delta;
}

static void swap_bytes(pkg *p, size_t a, size_t b, size_t n)
{
    pkg_finish(p);
    for (size_t i = 0; i < n; i++) {
        uint8_t *x = p->file.p + p->body_at + a + i, *y = p->file.p + p->body_at + b + i, t = *x;
        *x = *y;
        *y = t;
    }
}

static void hash_tree(void)
{
    BAD("7-page-digest", DIGEST, "7 a bit of the page") flip(p, 5);
    BAD("7-chunk-digest", DIGEST, "7 a bit of the first chunk") flip(p, 36 * 4 + 20);
    BAD("7-chunk-digest-last", DIGEST, "7 the last bit of the file") flip(p, (pkg_finish(p), p->body.n - 1));
    BAD("7-chunks-swapped", DIGEST, "7 the last bytes of chunk 1 and the first of chunk 2 in each other's place")
    {
        pkg_finish(p);
        swap_bytes(p, p->chunk_at[2] - 10, p->chunk_at[2], 10);
    }
    BAD_OF(&vec_rich, "7-page-of-level-2", DIGEST, "7 a bit of the root page") flip(p, 50);
    BAD_OF(&vec_rich, "7-page-of-level-1", DIGEST, "7 a bit of the second page of level 1")
    flip(p, (pkg_finish(p), p->chunk_at[16] - 576));
    BAD("7-chunk-longer", TREE, "7 the page says a byte more of a chunk") lie(p, 0, 1, 1);
    BAD("7-chunk-shorter", TREE, "7 the page says a byte less of a chunk") lie(p, 0, 1, -1);
    BAD("7-chunk-empty", TREE, "7 a chunk of no bytes, in a body of that length")
    {
        pkg_seal(p);
        size_t n = p->chunk_at[2] - p->chunk_at[1], body = p->body.n;
        p->stage = PKG_OPEN;
        lie(p, 0, 1, -(int64_t)n);
        tree(p, 4, body - n);
    }
    BAD("7-body-longer", TREE, "7 body_len is a byte more than the page says") lie(p, 1, 0, 1);
    BAD("7-body-shorter", TREE, "7 body_len is a byte less than the page says") lie(p, 1, 0, -1);
    BAD_OF(&vec_rich, "7-page-longer", TREE, "7 the root page says a byte more of a page") lie(p, 1, 1, 1);
    BAD_OF(&vec_rich, "7-page-wraps", TREE, "7 a length that makes the sum wrap at 2^64") lie(p, 1, 1, INT64_MIN);
    BAD_OF(&vec_rich, "7-page-empty", TREE, "7 a page of no bytes")
    {
        pkg_seal(p);
        int64_t n = (int64_t)(p->body.n - (p->chunk_at[32] - 36 * (p->n_chunks - 32)));
        p->stage = PKG_OPEN;
        lie(p, 1, 2, -n);
    }
    BAD_OF(&vec_rich, "7.1-index", DIGEST, "7.1 an index file read as a package")
    {
        pkg_finish(p);
        for (uint32_t i = p->n_chunks; i-- > 0;) { /* a chunk ends where the pages of the next begin */
            size_t end = p->chunk_at[i + 1], pages = 0;
            if (i + 1 < p->n_chunks && (i + 1) % 16 == 0) pages = mote_tree_page_bytes(p->n_chunks, 1, i + 1);
            wr_delete(&p->file, p->body_at + p->chunk_at[i], end - pages - p->chunk_at[i]);
        }
    }
    BAD("7.1-index-of-one-page", TRUNCATED, "7.1 an index file of one page")
    cut_file(p, (pkg_finish(p), p->body_at + 144));
}

static void records(void)
{
    BAD("8-record-type-0", RECORD, "8 a record of type 0") p->rec[pkg_find(p, MOTE_RECORD_SEGMENT, 0)].type = 0;
    BAD("8-record-type-5", RECORD, "8 a record of type 5") p->rec[pkg_find(p, MOTE_RECORD_SEGMENT, 0)].type = 5;
    BAD("8-record-longer", TRUNCATED, "8 the last record of a chunk is longer than it")
    {
        pkg_record *rec = &p->rec[p->n_rec - 1];
        wr_insert(&rec->v, 0, "\x04\x07", 2);
        rec->raw = true;
    }
    BAD("8-record-cut", TRUNCATED, "8 a chunk ends in the header of a record")
    {
        pkg_record *rec = &p->rec[p->n_rec - 1];
        rec->v.n = 0;
        mote_wr_u8(&rec->v, MOTE_RECORD_SEGMENT);
        rec->raw = true;
    }
    BAD("8-segment-missing", TRUNCATED, "8 the last segment of the last tensor is missing")
    {
        size_t head = pkg_find(p, MOTE_RECORD_HEAD, HEAD_T);
        pkg_remove(p, head + 1);
    }
    BAD("8-tensor-missing", TRUNCATED, "8 the last tensor is missing")
    {
        size_t head = pkg_find(p, MOTE_RECORD_HEAD, HEAD_T);
        pkg_remove(p, head);
        pkg_remove(p, head);
    }
    BAD("8-segment-missing-inside", ORDER, "8 a head where a segment is due")
    pkg_remove(p, pkg_find(p, MOTE_RECORD_HEAD, HEAD_A) + 1);
    BAD("8-segment-twice", ORDER, "8 a segment where a head is due")
    {
        size_t at = pkg_find(p, MOTE_RECORD_HEAD, HEAD_T) + 1;
        pkg_insert(p, at, MOTE_RECORD_SEGMENT, p->rec[at].v.p, p->rec[at].v.n, false);
    }
    BAD("8-head-missing", ORDER, "8 a segment without its head") pkg_remove(p, pkg_find(p, MOTE_RECORD_HEAD, HEAD_A));
    BAD("8-head-twice", ORDER, "8 a head twice")
    {
        size_t at = pkg_find(p, MOTE_RECORD_HEAD, HEAD_A);
        pkg_insert(p, at, MOTE_RECORD_HEAD, p->rec[at].v.p, p->rec[at].v.n, false);
        pkg_sizes(p);
    }
    BAD("8-resident", ORDER, "8 a resident where there is none")
    {
        size_t at = pkg_find(p, MOTE_RECORD_HEAD, HEAD_A) + 1;
        pkg_insert(p, at, MOTE_RECORD_RESIDENT, "x", 1, false);
        pkg_settle(p);
    }
    BAD("8-entry-late", ORDER, "8 an entry behind the first head")
    {
        size_t at = pkg_find(p, MOTE_RECORD_ENTRY, ENTRY_T);
        mote_wr v = { 0 };
        wr_copy(&v, &p->rec[at].v);
        pkg_insert(p, pkg_find(p, MOTE_RECORD_HEAD, HEAD_B), MOTE_RECORD_ENTRY, v.p, v.n, false);
        pkg_remove(p, at);
        mote_wr_free(&v);
    }
    BAD("8-behind-the-last", ORDER, "8 a record behind the last tensor")
    {
        pkg_insert(p, p->n_rec, MOTE_RECORD_SEGMENT, "x", 1, false);
        pkg_settle(p);
    }
    BAD("8-chunk-behind-the-last", ORDER, "8 a chunk behind the last tensor")
    pkg_insert(p, p->n_rec, MOTE_RECORD_SEGMENT, "x", 1, true);
    BAD("8-tensors-swapped", ORDER, "8 two tensors in each other's place, each where its entry says")
    {
        size_t a = pkg_find(p, MOTE_RECORD_HEAD, HEAD_A), b = pkg_find(p, MOTE_RECORD_HEAD, HEAD_B);
        mote_wr place = { 0 }, *ea = pkg_entry(p, ENTRY_A), *eb = pkg_entry(p, ENTRY_B);
        pkg_swap(p, a, b);
        pkg_swap(p, a + 1, b + 1);
        pkg_seal(p); /* b is now where a was, a behind it */
        size_t n = 0;
        mote_wr_bytes(&place, tlv_get(ea, 10, &n), 8);
        tlv_set(eb, 10, place.p, 8);
        mote_put32(place.p + 4, mote_le32(place.p + 4) + (uint32_t)(p->rec[a].v.n + p->rec[a + 1].v.n + 4));
        tlv_set(ea, 10, place.p, 8);
        mote_wr_free(&place);
        p->stage = PKG_OPEN;
    }
    BAD("8-head-not-first", ORDER, "8 the head of a tensor of three segments does not start its chunk")
    {
        p->rec[pkg_find(p, MOTE_RECORD_HEAD, HEAD_M)].fresh = false;
        pkg_settle(p);
    }
    BAD("8-segment-not-first", ORDER, "8 a segment does not start its chunk")
    {
        p->rec[pkg_find(p, MOTE_RECORD_HEAD, HEAD_M) + 3].fresh = false;
        pkg_settle(p);
    }
    BAD("8-segment-not-last", ORDER, "8 a segment that is not the last does not end its chunk")
    {
        p->rec[pkg_find(p, MOTE_RECORD_HEAD, HEAD_M) + 2].fresh = false;
        pkg_settle(p);
    }
}

static void place(pkg *p, size_t k, uint32_t chunk, int32_t offset)
{
    size_t n = 0;
    uint8_t v[8];
    memcpy(v, tlv_get(pkg_entry(p, k), 10, &n), 8);
    mote_put32(v, mote_le32(v) + chunk);
    mote_put32(v + 4, mote_le32(v + 4) + (uint32_t)offset);
    tlv_set(pkg_entry(p, k), 10, v, 8);
}

static void without(pkg *p, unsigned tag)
{
    tlv_del(pkg_entry(p, ENTRY_E), tag);
}

static void entries(void)
{
    BAD("9-order", ORDER, "9 names descend") pkg_swap(p, 0, 1);
    BAD("9-order-of-kinds", ORDER, "9 a blob before a tensor") pkg_swap(p, ENTRY_Z, ENTRY_X);
    BAD("9-twice", ORDER, "9 one name twice")
    {
        ENTRY(ENTRY_B, 4, "a");
        pkg_settle(p);
    }
    BAD("9-no-kind", MISSING, "9 no kind") without(p, 2);
    BAD("9-no-name", MISSING, "9 no name") without(p, 4);
    BAD("9-no-dtype", MISSING, "9 no dtype") without(p, 6);
    BAD("9-no-shape", MISSING, "9 no shape") without(p, 8);
    BAD("9-no-place", MISSING, "9 no place") without(p, 10);
    BAD("9-no-stored", MISSING, "9 no stored") without(p, 12);
    BAD("9-kind-0", VALUE, "9 kind 0") ENTRY(ENTRY_E, 2, "\x00");
    BAD("9-kind-4", VALUE, "9 kind 4") ENTRY(ENTRY_E, 2, "\x04");
    BAD("9-name-empty", LIMIT, "9 an empty name") ENTRY(ENTRY_E, 4, "");
    BAD("9-name-256", LIMIT, "9 a name of 256 bytes")
    {
        uint8_t name[256];
        memset(name, 'e', sizeof name);
        tlv_set(pkg_entry(p, ENTRY_E), 4, name, sizeof name);
        pkg_sizes(p);
    }
    BAD("9-dtype-0", VALUE, "9 dtype 0") ENTRY(ENTRY_E, 6, "\x00");
    BAD("9-dtype-26", VALUE, "9 dtype 26") ENTRY(ENTRY_E, 6, "\x1A");
    BAD("9-blob-of-f32", VALUE, "9 a blob of another dtype than u8") ENTRY(ENTRY_X, 6, "\x0C");
    BAD("9-blob-of-rank-2", VALUE, "9 a blob of rank 2") ENTRY(ENTRY_X, 8, "\x05\x01");
    BAD("9-text-of-rank-0", VALUE, "9 a text of rank 0") ENTRY(ENTRY_T, 8, "");
    BAD("9-rank-9", LIMIT, "9 rank 9") ENTRY(ENTRY_A, 8, "\x0A\x01\x01\x01\x01\x01\x01\x01\x01");
    BAD("9-dimension-2-40", LIMIT, "9 a dimension of 2^40") ENTRY(ENTRY_E, 8, "\x00\x80\x80\x80\x80\x80\x20");
    BAD("9-product-2-48", LIMIT, "9 a product of 2^48") ENTRY(ENTRY_A, 8, "\x80\x80\x80\x08\x80\x80\x80\x08");
    BAD("9-product-wraps", LIMIT, "9 2^32 x 2^32, which is 0 in 64 bits")
    ENTRY(ENTRY_A, 8, "\x80\x80\x80\x80\x10\x80\x80\x80\x80\x10");
    BAD("9-product-with-0", LIMIT, "9 a dimension of 0 hides a product of 2^48")
    ENTRY(ENTRY_E, 8, "\x00\x80\x80\x80\x08\x80\x80\x80\x08");
    BAD("9-place-chunk", ORDER, "9 the place is a chunk further") place(p, ENTRY_A, 1, 0);
    BAD("9-place-offset", ORDER, "9 the place is a byte further") place(p, ENTRY_A, 0, 1);
    BAD("9-place-before", ORDER, "9 the place is a byte before") place(p, ENTRY_B, 0, -1);
    BAD("9-place-of-nothing", VALUE, "9 a place although there are no elements") place(p, ENTRY_E, 0, 1);
    BAD("9-stored-of-nothing", VALUE, "9 stored bytes although there are no elements") ENTRY(ENTRY_E, 12, "\x01");
    BAD("9-stored-0", VALUE, "9 no stored bytes although there are elements") ENTRY(ENTRY_A, 12, "\x00");
    BAD("9-stored-more", ORDER, "9 a stored byte more than there are")
    {
        size_t n = 0;
        tlv_set_varint(pkg_entry(p, ENTRY_A), 12, tlv_get(pkg_entry(p, ENTRY_A), 12, &n)[0] + 1u);
    }
    BAD("9-stored-less", ORDER, "9 a stored byte less than there are")
    {
        size_t n = 0;
        tlv_set_varint(pkg_entry(p, ENTRY_M), 12, tlv_get(pkg_entry(p, ENTRY_M), 12, &n)[0] - 1u);
    }
    BAD("9-digest-31", TRUNCATED, "9 a digest of 31 bytes")
    {
        uint8_t digest[31] = { 0 };
        tlv_set(pkg_entry(p, ENTRY_E), 15, digest, 31);
        pkg_sizes(p);
    }
    BAD("10-pad-bits", PADDING, "10 bits behind the third half byte")
    {
        size_t at = pkg_find(p, MOTE_RECORD_HEAD, HEAD_B) + 1;
        p->rec[at].v.p[1] |= 0x10;
    }
}

void make_bad_vectors(void)
{
    conventions();
    prelude();
    manifest();
    facts();
    signatures();
    hash_tree();
    records();
    entries();
}
