/* SPDX-License-Identifier: Apache-2.0
 * Packages for tests: models of stored tensors, packages taken apart and put together, the bytes in between. */
#include "pkg_helpers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/le.h"
#include "base/rd.h"
#include "mote/sign.h"

void pkg_give_up(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

void *pkg_alloc(size_t n)
{
    void *p = malloc(n ? n : 1);
    must(p != NULL);
    return p;
}

static void *grow(void *p, size_t n)
{
    p = realloc(p, n ? n : 1);
    must(p != NULL);
    return p;
}

uint8_t *pkg_exact(const void *from, size_t n)
{
    uint8_t *p = pkg_alloc(n);
    if (n) memcpy(p, from, n);
    return p;
}

/* xorshift64* (Vigna 2016), upper half */
uint32_t pkg_random(uint64_t *state)
{
    uint64_t x = *state ? *state : 0x9E3779B97F4A7C15u;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return (uint32_t)((x * 0x2545F4914F6CDD1Du) >> 32);
}

/* ---- keys ---- */

static mote_keypair keys[PKG_KEYS];
static uint8_t public_keys[PKG_KEYS][MOTE_PUBLIC_KEY_BYTES];

static void make_keys(void)
{
    static bool made;
    if (made) return;
    for (unsigned i = 0; i < PKG_KEYS; i++) {
        char seed[33];
        snprintf(seed, sizeof seed, "mote test key, never trust it %02u", i);
        must(mote_keypair_from_seed(&keys[i], (const uint8_t *)seed) == MOTE_OK);
        memcpy(public_keys[i], keys[i].pub, MOTE_PUBLIC_KEY_BYTES);
    }
    made = true;
}

const mote_keypair *pkg_key(unsigned i)
{
    make_keys();
    must(i < PKG_KEYS);
    return &keys[i];
}

const uint8_t *pkg_public_keys(void)
{
    make_keys();
    return public_keys[0];
}

static void stub_sha256(void *ctx, uint8_t digest[32], const uint8_t *const part[], const size_t bytes[], size_t n)
{
    (void)ctx, (void)part, (void)bytes, (void)n;
    memset(digest, 0, 32);
}

static mote_status stub_ed25519(void *ctx, const uint8_t sig[64], const uint8_t *msg, size_t n, const uint8_t key[32])
{
    (void)ctx, (void)msg, (void)n, (void)key;
    return sig[0] == 0 ? MOTE_OK : MOTE_ERR_SIGNATURE;
}

const mote_crypto *pkg_stub_crypto(void)
{
    static const mote_crypto stub = { .sha256 = stub_sha256, .ed25519 = stub_ed25519 };
    return &stub;
}

/* ---- byte strings and tagged fields ---- */

void wr_insert(mote_wr *w, size_t at, const void *p, size_t n)
{
    must(at <= w->n && (mote_wr_room(w, n) || n == 0));
    if (n == 0) return;
    memmove(w->p + at + n, w->p + at, w->n - n - at);
    if (p)
        memcpy(w->p + at, p, n);
    else
        memset(w->p + at, 0, n);
}

void wr_delete(mote_wr *w, size_t at, size_t n)
{
    must(at <= w->n && n <= w->n - at);
    if (n) memmove(w->p + at, w->p + at + n, w->n - at - n);
    w->n -= n;
}

void wr_copy(mote_wr *to, const mote_wr *from)
{
    mote_wr_free(to);
    mote_wr_bytes(to, from->p, from->n);
    must(to->st == MOTE_OK);
}

bool wr_same(const mote_wr *a, const mote_wr *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->p, b->p, a->n) == 0);
}

/* The field of that tag, or where it would stand. */
static bool field_at(const mote_wr *fields, uint64_t tag, size_t *at, size_t *value, size_t *n)
{
    mote_rd r = mote_rd_init(fields->p, fields->n);
    *at = 0;
    while (mote_rd_left(&r)) {
        *at = (size_t)(r.p - fields->p);
        uint64_t t = mote_rd_varint(&r), length = mote_rd_varint(&r);
        *value = (size_t)(r.p - fields->p);
        *n = (size_t)length;
        mote_rd_sub(&r, length);
        must(mote_rd_ok(&r));
        if (t >= tag) return t == tag;
        *at = (size_t)(r.p - fields->p);
    }
    return false;
}

const uint8_t *tlv_get(const mote_wr *fields, uint64_t tag, size_t *n)
{
    size_t at, value = 0;
    return field_at(fields, tag, &at, &value, n) ? fields->p + value : NULL;
}

void tlv_del(mote_wr *fields, uint64_t tag)
{
    size_t at, value = 0, n = 0;
    if (field_at(fields, tag, &at, &value, &n)) wr_delete(fields, at, value + n - at);
}

void tlv_set(mote_wr *fields, uint64_t tag, const void *p, size_t n)
{
    size_t at, value = 0, old = 0;
    mote_wr field = { 0 };
    mote_wr_field_bytes(&field, tag, p, n);
    tlv_del(fields, tag);
    must(!field_at(fields, tag, &at, &value, &old));
    wr_insert(fields, at, field.p, field.n);
    mote_wr_free(&field);
}

void tlv_set_varint(mote_wr *fields, uint64_t tag, uint64_t v)
{
    mote_wr value = { 0 };
    mote_wr_varint(&value, v);
    tlv_set(fields, tag, value.p, value.n);
    mote_wr_free(&value);
}

/* ---- models ---- */

static void *own(pkg_model *m, void *p)
{
    m->owned = grow(m->owned, (m->n_owned + 1) * sizeof *m->owned);
    return m->owned[m->n_owned++] = p;
}

static void made_up(uint8_t *p, size_t n, const char *name)
{
    uint64_t state = 1;
    for (; *name; name++) state = state * 131 + (uint8_t)*name;
    for (size_t i = 0; i < n; i++) p[i] = (uint8_t)(pkg_random(&state) >> 24);
}

void pkg_model_add(pkg_model *m, mote_kind kind, const char *name, mote_dtype dtype, unsigned rank,
                   const uint64_t *shape, const uint8_t *data, uint64_t seg_elems)
{
    uint64_t elements = 1, bits = mote_dtype_bits(dtype);
    for (unsigned i = 0; i < rank; i++) elements *= shape[i];
    m->e = grow(m->e, (m->n + 1) * sizeof *m->e);
    mote_write_entry *e = &m->e[m->n++];
    *e = (mote_write_entry){ .kind = kind, .name = own(m, strdup(name)), .dtype = dtype, .rank = rank };
    must(e->name != NULL && rank <= MOTE_RANK_MAX);
    for (unsigned i = 0; i < rank; i++) e->shape[i] = shape[i];
    if (elements == 0) return;

    size_t bytes = (size_t)((elements * bits + 7) / 8);
    uint8_t *copy = own(m, pkg_alloc(bytes));
    if (data)
        memcpy(copy, data, bytes);
    else
        made_up(copy, bytes, name);
    if (elements * bits % 8) copy[bytes - 1] &= (uint8_t)((1u << elements * bits % 8) - 1);

    uint64_t cols = rank ? shape[rank - 1] : 1, rows = elements / cols;
    uint64_t seg = seg_elems ? seg_elems : elements;
    uint64_t n_segs = seg >= cols ? (elements + seg - 1) / seg : rows * ((cols + seg - 1) / seg);
    must(seg <= elements && (seg < cols || seg % cols == 0) && (n_segs == 1 || seg * bits % 8 == 0));
    mote_piece *rec = own(m, pkg_alloc((size_t)(n_segs + 1) * sizeof *rec));
    mote_wr head = { 0 }, v = { 0 };
    mote_wr_varint(&v, rows);
    mote_wr_varint(&v, cols);
    mote_wr_varint(&v, seg);
    mote_wr_field(&head, 2, &v);
    mote_wr_varint(&v, MOTE_LAYOUT_DENSE);
    mote_wr_varint(&v, MOTE_NUM_STORED);
    mote_wr_varint(&v, MOTE_CODER_STORED);
    mote_wr_field(&head, 4, &v);
    rec[0] = (mote_piece){ own(m, head.p), head.n };
    size_t at = 0;
    for (uint64_t s = 0; s < n_segs; s++) {
        uint64_t in_row = seg < cols ? s % ((cols + seg - 1) / seg) * seg : 0;
        uint64_t left = seg < cols ? cols - in_row : elements - s * seg;
        uint64_t n = left < seg ? left : seg;
        rec[s + 1] = (mote_piece){ copy + at, (size_t)((n * bits + 7) / 8) };
        at += rec[s + 1].bytes;
    }
    must(at == bytes);
    e->records = rec;
    e->n_records = (size_t)n_segs + 1;
    e->seg_elems = seg;
    mote_needs_add(&e->needs, MOTE_LAYOUT_DENSE);
    mote_needs_add(&e->needs, MOTE_NUM_STORED);
    mote_needs_add(&e->needs, MOTE_CODER_STORED);
    if (bits < 8) mote_needs_add(&e->needs, MOTE_FEATURE_PACKED);
}

void pkg_model_add1(pkg_model *m, mote_kind kind, const char *name, mote_dtype dtype, uint64_t n, uint64_t seg_elems)
{
    pkg_model_add(m, kind, name, dtype, 1, &n, NULL, seg_elems);
}

void pkg_model_free(pkg_model *m)
{
    for (size_t i = 0; i < m->n_owned; i++) free(m->owned[i]);
    free(m->owned);
    free(m->e);
    *m = (pkg_model){ 0 };
}

static int put(void *ctx, const uint8_t *data, size_t n)
{
    mote_wr_bytes(ctx, data, n);
    return 0;
}

void pkg_model_write(const pkg_model *m, uint32_t chunk_max, unsigned n_keys, mote_wr *file)
{
    static const uint8_t classes[2][16] = { "class of tests 2", "class of tests 1" };
    const mote_write_info info = { .name = "kws",
                                   .sequence = 7,
                                   .vendor = (const uint8_t *)"vendor of tests.",
                                   .device_class = classes[0],
                                   .n_classes = 2,
                                   .version = "1.0",
                                   .tool = "mote tests" };
    mote_writer *w = NULL;
    must(mote_writer_create(&w, m->e, m->n, chunk_max, &info) == MOTE_OK);
    for (unsigned i = 0; i < n_keys; i++) must(mote_writer_sign(w, pkg_key(i), MOTE_ROLE_RELEASE_KEY) == MOTE_OK);
    mote_wr_free(file);
    must(mote_writer_write(w, put, file) == MOTE_OK && file->st == MOTE_OK && file->n == mote_writer_bytes(w));
    mote_writer_free(w);
}

void pkg_rich_model(pkg_model *m)
{
    static const char text[] = "A text for people: \xC2\xB5 \xE2\x86\x92 \xF0\x9F\x8C\xB1";
    pkg_model_add(m, MOTE_KIND_TENSOR, "conv.weight", MOTE_F32, 4, (uint64_t[]){ 4, 3, 2, 5 }, NULL, 15);
    pkg_model_add(m, MOTE_KIND_TENSOR, "dense/weight", MOTE_I8, 2, (uint64_t[]){ 3, 50 }, NULL, 16);
    pkg_model_add(m, MOTE_KIND_TENSOR, "nibbles", MOTE_U4, 2, (uint64_t[]){ 3, 7 }, NULL, 0);
    pkg_model_add(m, MOTE_KIND_TENSOR, "nibbles, cut", MOTE_I4, 2, (uint64_t[]){ 6, 10 }, NULL, 20);
    pkg_model_add(m, MOTE_KIND_TENSOR, "scalar", MOTE_F64, 0, NULL, NULL, 0);
    pkg_model_add(m, MOTE_KIND_TENSOR, "empty", MOTE_F16, 3, (uint64_t[]){ 2, 0, 7 }, NULL, 0);
    pkg_model_add(m, MOTE_KIND_TENSOR, "complex", MOTE_C128, 1, (uint64_t[]){ 3 }, NULL, 0);
    pkg_model_add(m, MOTE_KIND_TENSOR, "halves", MOTE_F16, 2, (uint64_t[]){ 5, 8 }, NULL, 16);
    pkg_model_add(m, MOTE_KIND_TENSOR, "../../etc/passwd", MOTE_BOOL, 1, (uint64_t[]){ 1 }, NULL, 0);
    pkg_model_add(m, MOTE_KIND_BLOB, "labels", MOTE_U8, 1, (uint64_t[]){ 90 }, NULL, 30);
    pkg_model_add(m, MOTE_KIND_BLOB, "nothing", MOTE_U8, 1, (uint64_t[]){ 0 }, NULL, 0);
    pkg_model_add(m, MOTE_KIND_TEXT, "licence", MOTE_U8, 1, (uint64_t[]){ sizeof text - 1 }, (const uint8_t *)text, 0);
    pkg_model_add(m, MOTE_KIND_TENSOR, "zz last", MOTE_U16, 1, (uint64_t[]){ 64 }, NULL, 32);
}

/* ---- taking apart ---- */

static void add_record(pkg *p, size_t at, pkg_record rec)
{
    p->rec = grow(p->rec, (p->n_rec + 1) * sizeof *p->rec);
    memmove(p->rec + at + 1, p->rec + at, (p->n_rec - at) * sizeof *p->rec);
    p->rec[at] = rec;
    p->n_rec++;
}

void pkg_insert(pkg *p, size_t at, uint64_t type, const void *v, size_t n, bool fresh)
{
    pkg_record rec = { .type = type, .fresh = fresh };
    mote_wr_bytes(&rec.v, v, n);
    add_record(p, at, rec);
}

void pkg_remove(pkg *p, size_t at)
{
    if (p->rec[at].fresh && at + 1 < p->n_rec) p->rec[at + 1].fresh = true;
    mote_wr_free(&p->rec[at].v);
    memmove(p->rec + at, p->rec + at + 1, (p->n_rec - at - 1) * sizeof *p->rec);
    p->n_rec--;
}

/* The cuts stay where they are. */
void pkg_swap(pkg *p, size_t a, size_t b)
{
    pkg_record x = p->rec[a], y = p->rec[b];
    bool fresh_a = x.fresh, fresh_b = y.fresh;
    p->rec[a] = y;
    p->rec[b] = x;
    p->rec[a].fresh = fresh_a;
    p->rec[b].fresh = fresh_b;
}

static void read_facts(pkg *p)
{
    size_t n = 0;
    const uint8_t *v = tlv_get(&p->manifest, 4, &n);
    mote_rd r = mote_rd_init(v, n);
    for (unsigned i = 0; i < N_FACTS; i++) p->fact[i] = mote_rd_varint(&r);
    must(mote_rd_end(&r) == MOTE_OK);
}

static void read_chunk(pkg *p, const uint8_t *bytes, size_t n)
{
    mote_rd r = mote_rd_init(bytes, n);
    for (bool fresh = true; mote_rd_left(&r); fresh = false) {
        uint64_t type = mote_rd_varint(&r);
        mote_rd v = mote_rd_sub_varint(&r);
        must(mote_rd_ok(&r));
        pkg_insert(p, p->n_rec, type, v.p, mote_rd_left(&v), fresh);
    }
}

static void read_node(pkg *p, uint32_t n_chunks, unsigned level, uint32_t first, const uint8_t *bytes, size_t n)
{
    if (level == 0) {
        read_chunk(p, bytes, n);
        return;
    }
    uint32_t span = (uint32_t)1 << 4 * (level - 1), width = level == 1 ? 36 : 40;
    uint32_t m = (n_chunks - first + span - 1) / span;
    if (m > 16) m = 16;
    size_t at = m * width;
    for (uint32_t i = 0; i < m; i++) {
        const uint8_t *e = bytes + i * width;
        uint64_t length = level == 1 ? mote_le32(e) : mote_le64(e);
        must(length <= n - at);
        read_node(p, n_chunks, level - 1, first + i * span, bytes + at, (size_t)length);
        at += (size_t)length;
    }
    must(at == n);
}

static unsigned height_of(uint32_t n)
{
    unsigned h = 0;
    for (uint64_t reach = 1; reach < n; reach *= 16) h++;
    return h;
}

void pkg_read(pkg *p, const uint8_t *file, size_t n)
{
    *p = (pkg){ 0 };
    must(n >= 16);
    size_t ml = mote_le16(file + 10), sl = mote_le16(file + 12);
    must(n > 16 + ml + sl);
    mote_wr_bytes(&p->manifest, file + 16, ml);
    for (size_t at = 16 + ml; at < 16 + ml + sl; at += 76) {
        pkg_signature s = { .alg = file[at], .role = file[at + 1], .key = PKG_KEYS };
        for (unsigned k = 0; k < PKG_KEYS; k++) {
            uint8_t id[8];
            mote_key_id(mote_crypto_host(), id, s.alg, pkg_key(k)->pub, 32);
            if (memcmp(id, file + at + 4, 8) == 0) s.key = k;
        }
        must(s.key < PKG_KEYS && p->n_sigs < PKG_KEYS);
        p->sig[p->n_sigs++] = s;
    }
    read_facts(p);
    size_t length = 0;
    const uint8_t *tree = tlv_get(&p->manifest, 2, &length);
    mote_rd r = mote_rd_init(tree, length);
    uint32_t n_chunks = (uint32_t)mote_rd_varint(&r);
    read_node(p, n_chunks, height_of(n_chunks), 0, file + 16 + ml + sl, n - 16 - ml - sl);
}

void pkg_clone(pkg *to, const pkg *from)
{
    *to = (pkg){ .n_sigs = from->n_sigs, .crypto = from->crypto, .lie = from->lie };
    memcpy(to->fact, from->fact, sizeof to->fact);
    memcpy(to->sig, from->sig, sizeof to->sig);
    wr_copy(&to->manifest, &from->manifest);
    for (size_t i = 0; i < from->n_rec; i++) {
        const pkg_record *rec = &from->rec[i];
        pkg_insert(to, i, rec->type, rec->v.p, rec->v.n, rec->fresh);
        to->rec[i].raw = rec->raw;
    }
}

void pkg_free(pkg *p)
{
    for (size_t i = 0; i < p->n_rec; i++) mote_wr_free(&p->rec[i].v);
    free(p->rec);
    free(p->chunk_at);
    mote_wr_free(&p->manifest);
    mote_wr_free(&p->body);
    mote_wr_free(&p->signatures);
    mote_wr_free(&p->file);
    *p = (pkg){ 0 };
}

/* ---- putting together ---- */

static size_t record_bytes(const pkg_record *rec)
{
    return rec->v.n + (rec->raw ? 0 : mote_varint_bytes(rec->type) + mote_varint_bytes(rec->v.n));
}

static void put_chunk(pkg *p, const pkg_record *rec, const pkg_record *end)
{
    do {
        if (!rec->raw) {
            mote_wr_varint(&p->body, rec->type);
            mote_wr_varint(&p->body, rec->v.n);
        }
        mote_wr_bytes(&p->body, rec->v.p, rec->v.n);
    } while (++rec < end && !rec->fresh);
}

/* Appends the node and everything below it; its length and digest. The definition of format.md 7. */
static uint64_t put_node(pkg *p, const size_t *chunk_rec, unsigned level, uint32_t first, uint8_t digest[32])
{
    const mote_crypto *c = p->crypto ? p->crypto : mote_crypto_host();
    size_t begin = p->body.n;
    if (level == 0) {
        p->chunk_at[first] = begin;
        put_chunk(p, p->rec + chunk_rec[first], p->rec + p->n_rec);
        mote_digest(c, digest, MOTE_ROLE_CHUNK, p->body.p + begin, p->body.n - begin);
        return p->body.n - begin;
    }
    uint32_t span = (uint32_t)1 << 4 * (level - 1), width = level == 1 ? 36 : 40;
    uint32_t m = (p->n_chunks - first + span - 1) / span;
    if (m > 16) m = 16;
    must(mote_wr_room(&p->body, m * width) != NULL);
    for (uint32_t i = 0; i < m; i++) {
        uint8_t child[32];
        uint64_t length = put_node(p, chunk_rec, level - 1, first + i * span, child);
        if (p->lie.on && p->lie.level == level - 1 && p->lie.index == first / span + i)
            length += (uint64_t)p->lie.delta;
        uint8_t *e = p->body.p + begin + i * width;
        if (level == 1)
            mote_put32(e, (uint32_t)length);
        else
            mote_put64(e, length);
        memcpy(e + width - 32, child, 32);
    }
    mote_digest(c, digest, MOTE_ROLE_PAGE, p->body.p + begin, m * width);
    return p->body.n - begin;
}

void pkg_seal(pkg *p)
{
    must(p->stage == PKG_OPEN);
    size_t *chunk_rec = pkg_alloc((p->n_rec + 1) * sizeof *chunk_rec);
    p->n_chunks = 0;
    for (size_t i = 0; i < p->n_rec; i++)
        if (i == 0 || p->rec[i].fresh) chunk_rec[p->n_chunks++] = i;
    free(p->chunk_at);
    p->chunk_at = pkg_alloc((p->n_chunks + 1) * sizeof *p->chunk_at);
    p->body.n = 0;
    uint8_t root[32];
    unsigned h = height_of(p->n_chunks);
    uint64_t length = put_node(p, chunk_rec, h, 0, root);
    if (p->lie.on && p->lie.level == h && p->lie.index == 0) length += (uint64_t)p->lie.delta;
    must(p->body.st == MOTE_OK);
    p->chunk_at[p->n_chunks] = p->body.n;
    free(chunk_rec);

    mote_wr v = { 0 };
    mote_wr_varint(&v, p->n_chunks);
    mote_wr_varint(&v, length);
    mote_wr_bytes(&v, root, sizeof root);
    tlv_set(&p->manifest, 2, v.p, v.n);
    v.n = 0;
    for (unsigned i = 0; i < N_FACTS; i++) mote_wr_varint(&v, p->fact[i]);
    tlv_set(&p->manifest, 4, v.p, v.n);
    mote_wr_free(&v);
    p->stage = PKG_SEALED;
}

static int by_ten_bytes(const void *a, const void *b)
{
    const uint8_t *x = a, *y = b;
    int order = memcmp(x, y, 2);
    return order ? order : memcmp(x + 4, y + 4, 8);
}

void pkg_sign(pkg *p)
{
    must(p->stage == PKG_SEALED);
    const mote_crypto *c = p->crypto ? p->crypto : mote_crypto_host();
    uint8_t digest[32], entry[PKG_KEYS][76];
    mote_manifest_digest(c, digest, p->manifest.p, p->manifest.n);
    for (size_t i = 0; i < p->n_sigs; i++) {
        const pkg_signature *s = &p->sig[i];
        uint8_t *e = entry[i], block[64] = "mote signature";
        e[0] = s->alg;
        e[1] = s->role;
        mote_put16(e + 2, 64);
        mote_key_id(c, e + 4, s->alg, pkg_key(s->key)->pub, 32);
        block[16] = block[17] = 1;
        memcpy(block + 18, e, 2);
        memcpy(block + 24, e + 4, 8);
        memcpy(block + 32, digest, 32);
        if (p->crypto)
            memset(e + 12, 0, 64);
        else
            must(mote_keypair_sign(pkg_key(s->key), block, 64, e + 12) == MOTE_OK);
    }
    if (p->n_sigs) qsort(entry, p->n_sigs, 76, by_ten_bytes);
    p->signatures.n = 0;
    mote_wr_bytes(&p->signatures, entry, p->n_sigs * 76);
    p->stage = PKG_SIGNED;
}

void pkg_join(pkg *p)
{
    static const uint8_t start[10] = { 0x89, 'M', 'O', 'T', 'E', 0x0D, 0x0A, 0x0A, 1, 1 };
    must(p->stage == PKG_SIGNED);
    p->file.n = 0;
    mote_wr_bytes(&p->file, start, sizeof start);
    mote_wr_u16(&p->file, (uint16_t)p->manifest.n);
    mote_wr_u16(&p->file, (uint16_t)p->signatures.n);
    mote_wr_u16(&p->file, 0);
    mote_wr_bytes(&p->file, p->manifest.p, p->manifest.n);
    mote_wr_bytes(&p->file, p->signatures.p, p->signatures.n);
    p->body_at = p->file.n;
    mote_wr_bytes(&p->file, p->body.p, p->body.n);
    must(p->file.st == MOTE_OK);
    p->stage = PKG_JOINED;
}

void pkg_finish(pkg *p)
{
    if (p->stage == PKG_OPEN) pkg_seal(p);
    if (p->stage == PKG_SEALED) pkg_sign(p);
    if (p->stage == PKG_SIGNED) pkg_join(p);
}

/* ---- records ---- */

size_t pkg_find(const pkg *p, uint64_t type, size_t k)
{
    size_t i = 0;
    for (;; i++) {
        must(i < p->n_rec);
        if (p->rec[i].type == type && k-- == 0) return i;
    }
}

mote_wr *pkg_entry(pkg *p, size_t k)
{
    return &p->rec[pkg_find(p, MOTE_RECORD_ENTRY, k)].v;
}

mote_wr *pkg_head(pkg *p, size_t k)
{
    return &p->rec[pkg_find(p, MOTE_RECORD_HEAD, k)].v;
}

static void most(uint64_t *fact, uint64_t v)
{
    if (v > *fact) *fact = v;
}

void pkg_sizes(pkg *p)
{
    uint64_t chunk = 0;
    p->fact[CHUNK_MAX] = p->fact[ENTRY_MAX] = p->fact[HEAD_MAX] = 0;
    for (size_t i = 0; i < p->n_rec; i++) {
        size_t n = record_bytes(&p->rec[i]);
        chunk = p->rec[i].fresh ? n : chunk + n;
        most(&p->fact[CHUNK_MAX], chunk);
        if (p->rec[i].type == MOTE_RECORD_HEAD) most(&p->fact[HEAD_MAX], n);
        if (p->rec[i].type == MOTE_RECORD_ENTRY) most(&p->fact[ENTRY_MAX], n);
    }
}

void pkg_settle(pkg *p)
{
    /* stored is a varint: its own length may move what lies behind, so entries first, places last */
    for (unsigned turn = 0; turn < 2; turn++) {
        for (size_t i = 0, e = 0; i < p->n_rec; i++) {
            if (p->rec[i].type != MOTE_RECORD_HEAD) continue;
            mote_entry entry;
            do {
                const mote_wr *fields = pkg_entry(p, e);
                must(mote_entry_read(&entry, fields->p, fields->n) == MOTE_OK);
                e++;
            } while (entry.elements == 0);
            uint64_t stored = 0;
            size_t k = i;
            do stored += record_bytes(&p->rec[k]);
            while (++k < p->n_rec && p->rec[k].type > MOTE_RECORD_HEAD);
            tlv_set_varint(pkg_entry(p, e - 1), 12, stored);
            uint32_t chunk = 0, offset = 0;
            for (k = 0; k < i; k++) {
                offset += (uint32_t)record_bytes(&p->rec[k]);
                if (p->rec[k + 1].fresh) {
                    offset = 0;
                    chunk++;
                }
            }
            uint8_t place[8];
            mote_put32(place, chunk);
            mote_put32(place + 4, offset);
            tlv_set(pkg_entry(p, e - 1), 10, place, 8);
        }
    }
    pkg_sizes(p);
    p->fact[N_ENTRIES] = p->fact[TENSOR_MAX] = p->fact[DECODED_TOTAL] = 0;
    for (size_t i = 0; i < p->n_rec; i++) {
        if (p->rec[i].type != MOTE_RECORD_ENTRY) continue;
        mote_entry entry;
        must(mote_entry_read(&entry, p->rec[i].v.p, p->rec[i].v.n) == MOTE_OK);
        p->fact[N_ENTRIES]++;
        most(&p->fact[TENSOR_MAX], entry.bytes);
        p->fact[DECODED_TOTAL] += entry.bytes;
    }
}
