/* SPDX-License-Identifier: Apache-2.0
 * Writes spec/vectors: packages that every reader accepts, with the digest of their elements, and packages that every
 * reader refuses, one for each rule, with the status. usage: make_vectors FOLDER [CORPUS], with CORPUS
 * also the first inputs of the fuzz targets for packages, into folders that are there. Everything is a function of this file
 * and those beside it, so that a test can make them again and compare. */
#include "make_vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/le.h"
#include "base/rd.h"

static const char *folder, *corpus;
static FILE *list;
mote_wr vec_small, vec_rich;
const char *vec_trust;

static void write_file(const char *name, const void *data, size_t n)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    must(f != NULL);
    must(n == 0 || fwrite(data, 1, n, f) == n);
    must(fclose(f) == 0);
}

static void write_seed(const char *target, const char *name, const mote_wr *data)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s/%s", corpus, target, name);
    FILE *f = fopen(path, "wb");
    must(f != NULL && fwrite(data->p, 1, data->n, f) == data->n && fclose(f) == 0);
}

/* The package with zeros for digests, and ten parameters: fuzz_stream.c. */
void vec_seed(const char *name, const mote_wr *file)
{
    static uint8_t flags;
    pkg p;
    if (!corpus || file->n > 2500 || strcmp(name, "unknown-signers") == 0 || strcmp(name, "zstd") == 0) return;
    pkg_read(&p, file->p, file->n);
    p.crypto = pkg_stub_crypto();
    pkg_finish(&p);
    for (unsigned i = 0; i < 8; i++) mote_wr_u8(&p.file, (uint8_t)(flags * 3 + i));
    mote_wr_u8(&p.file, flags++ & 0x2F);
    mote_wr_u8(&p.file, 0);
    write_seed("stream", name, &p.file);
    pkg_free(&p);
}

void vec_tensor_seed(const char *name, const mote_write_entry *e)
{
    mote_wr seed = { 0 };
    if (!corpus) return;
    mote_wr_u8(&seed, (uint8_t)e->dtype);
    for (size_t i = 0; i < e->n_records; i++) {
        mote_wr_varint(&seed, e->records[i].bytes);
        mote_wr_bytes(&seed, e->records[i].data, e->records[i].bytes);
    }
    write_seed("tensor", name, &seed);
    mote_wr_free(&seed);
}

static void add_line(const char *name, mote_status st, const char *trust, const char *policy, const char *sha,
                     const char *text)
{
    const char *status = mote_status_name(st);
    if (strncmp(status, "ERR_", 4) == 0) status += 4;
    fprintf(list, "%s.mote %s %s %s %s %s\n", name, status, trust, policy, sha, text);
}

static void hex(char *out, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) snprintf(out + 2 * i, 3, "%02x", p[i]);
}

static void sha_of(const mote_wr *data, char out[65])
{
    const mote_crypto *c = mote_crypto_host();
    const uint8_t *part[1] = { data->p };
    uint8_t digest[32];
    c->sha256(c->ctx, digest, part, &data->n, data->n ? 1 : 0);
    hex(out, digest, 32);
}

void vec_ok(const char *name, const mote_wr *file, const mote_wr *elements, const char *text)
{
    char path[256], sha[65];
    snprintf(path, sizeof path, "ok/%s", name);
    sha_of(elements, sha);
    add_line(path, MOTE_OK, vec_trust, "-", sha, text);
    snprintf(path, sizeof path, "ok/%s.mote", name);
    write_file(path, file->p, file->n);
    vec_seed(name, file);
}

void vec_bad(const char *name, mote_status st, const char *trust, const mote_wr *file, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "bad/%s", name);
    add_line(path, st, trust, "-", "-", text);
    snprintf(path, sizeof path, "bad/%s.mote", name);
    write_file(path, file->p, file->n);
}

void vec_policy(const char *name, mote_status st, const char *trust, const char *policy, const char *text)
{
    add_line(name, st, trust, policy, "-", text);
}

static struct {
    const char *name, *text;
    mote_status st;
} current;

pkg *vec_begin(const char *name, mote_status st, const char *text, const mote_wr *base)
{
    static pkg p;
    pkg_read(&p, base->p, base->n);
    current.name = name;
    current.text = text;
    current.st = st;
    vec_trust = "0";
    return &p;
}

pkg *vec_end(pkg *p)
{
    pkg_finish(p);
    vec_bad(current.name, current.st, vec_trust, &p->file, current.text);
    pkg_free(p);
    vec_trust = "0";
    return NULL;
}

/* ---- packages ---- */

static int by_kind_and_name(const void *a, const void *b)
{
    const mote_write_entry *x = *(const mote_write_entry *const *)a, *y = *(const mote_write_entry *const *)b;
    return x->kind != y->kind ? (x->kind > y->kind) - (x->kind < y->kind) : strcmp(x->name, y->name);
}

void vec_elements(const pkg_model *m, mote_wr *elements)
{
    const mote_write_entry **sorted = pkg_alloc(m->n * sizeof *sorted);
    for (size_t i = 0; i < m->n; i++) sorted[i] = &m->e[i];
    qsort(sorted, m->n, sizeof *sorted, by_kind_and_name);
    elements->n = 0;
    for (size_t i = 0; i < m->n; i++)
        for (size_t k = 1; k < sorted[i]->n_records; k++)
            mote_wr_bytes(elements, sorted[i]->records[k].data, sorted[i]->records[k].bytes);
    free(sorted);
}

void vec_small_model(pkg_model *m)
{
    pkg_model_add1(m, MOTE_KIND_TENSOR, "a", MOTE_F32, 10, 0);
    pkg_model_add1(m, MOTE_KIND_TENSOR, "b", MOTE_U4, 3, 0);
    pkg_model_add1(m, MOTE_KIND_TENSOR, "e", MOTE_F32, 0, 0);
    pkg_model_add(m, MOTE_KIND_TENSOR, "m", MOTE_U8, 2, (uint64_t[]){ 3, 8 }, NULL, 8);
    pkg_model_add1(m, MOTE_KIND_TENSOR, "z", MOTE_F16, 4, 0);
    pkg_model_add1(m, MOTE_KIND_BLOB, "x", MOTE_U8, 5, 0);
    pkg_model_add(m, MOTE_KIND_TEXT, "t", MOTE_U8, 1, (uint64_t[]){ 6 }, (const uint8_t *)"gr\xC3\xBC\xC3\x9F", 0);
}

static void ok_model(const char *name, pkg_model *m, uint32_t chunk_max, unsigned n_keys, const char *text)
{
    mote_wr file = { 0 }, elements = { 0 };
    pkg_model_write(m, chunk_max, n_keys, &file);
    vec_elements(m, &elements);
    vec_ok(name, &file, &elements, text);
    mote_wr_free(&file);
    mote_wr_free(&elements);
    pkg_model_free(m);
}

static void many_chunks(unsigned n)
{
    pkg_model m = { 0 };
    char name[32], text[64];
    /* one entry and its head with the first segment, then a segment a chunk */
    pkg_model_add1(&m, MOTE_KIND_TENSOR, "w", MOTE_U8, 3 * (n - 1) - 1, 3);
    snprintf(name, sizeof name, "chunks-%u", n);
    snprintf(text, sizeof text, "%u chunks: pages of format.md 7", n);
    vec_trust = "0";
    ok_model(name, &m, 64, 1, text);
}

/* The small package with edits that keep it valid. */
static void ok_edits(void)
{
    pkg_model m = { 0 };
    mote_wr elements = { 0 };
    pkg p;
    vec_small_model(&m);
    vec_elements(&m, &elements);

    pkg_read(&p, vec_small.p, vec_small.n);
    tlv_set(&p.manifest, 1, "one", 3);
    tlv_set(&p.manifest, 9, NULL, 0);
    tlv_set(&p.manifest, 0xFFFFFFFF, "\xFF\x00\x80", 3);
    tlv_set(pkg_entry(&p, 0), 13, "from a later writer", 19);
    tlv_set(pkg_head(&p, 0), 9, "\x00", 1);
    pkg_settle(&p);
    pkg_finish(&p);
    vec_ok("odd-tags", &p.file, &elements, "unknown odd tags in manifest, entry and head are skipped");
    pkg_free(&p);

    pkg_read(&p, vec_small.p, vec_small.n);
    pkg_seal(&p);
    pkg_sign(&p);
    /* algorithm 2 with 5 bytes, algorithm 1 of a key that nobody knows */
    const uint8_t strange[17] = { 2, 1, 5, 0, 1, 2, 3, 4, 5, 6, 7, 8, 'a', 'b', 'c', 'd', 'e' };
    uint8_t unknown[76] = { 1, 1, 64, 0 };
    wr_insert(&p.signatures, 0, unknown, sizeof unknown);
    mote_wr_bytes(&p.signatures, strange, sizeof strange);
    pkg_join(&p);
    vec_ok("unknown-signers", &p.file, &elements, "entries of an unknown algorithm and of an unknown key are skipped");
    pkg_free(&p);

    pkg_read(&p, vec_small.p, vec_small.n);
    p.sig[0] = (pkg_signature){ 1, 1, 0 };
    p.sig[1] = (pkg_signature){ 1, 1, 1 };
    p.sig[2] = (pkg_signature){ 1, 2, 2 };
    p.n_sigs = 3;
    pkg_finish(&p);
    vec_trust = "0,1,2/2";
    vec_ok("two-of-three", &p.file, &elements, "two release signatures of three trusted keys, the third approves");
    pkg_free(&p);

    pkg_read(&p, vec_small.p, vec_small.n);
    p.n_sigs = 0;
    static const unsigned texts[] = { 8, 10, 12, 14, 17, 23 };
    for (size_t i = 0; i < N(texts); i++) tlv_del(&p.manifest, texts[i]);
    pkg_finish(&p);
    vec_trust = "-";
    vec_ok("unsigned", &p.file, &elements,
           "no signature and nothing but what is required; for readers that trust nobody");
    vec_trust = "0";
    pkg_free(&p);
    mote_wr_free(&elements);
    pkg_model_free(&m);
}

static void ok_shapes(void)
{
    static const struct {
        const char *name;
        mote_dtype dtype;
    } all[] = {
#define MOTE_DTYPE(id, NAME, text, bits) { text, (mote_dtype)(id) },
#include "base/registry.def"
    };
    pkg_model m = { 0 };
    for (size_t i = 0; i < N(all); i++)
        pkg_model_add(&m, MOTE_KIND_TENSOR, all[i].name, all[i].dtype, 2, (uint64_t[]){ 3, 3 }, NULL, 0);
    ok_model("dtypes", &m, 4096, 1, "every dtype, stored; sub-byte ones end inside a byte");
    pkg_model_add(&m, MOTE_KIND_TENSOR, "by elements", MOTE_I8, 2, (uint64_t[]){ 3, 7 }, NULL, 3);
    pkg_model_add(&m, MOTE_KIND_TENSOR, "by rows", MOTE_U16, 2, (uint64_t[]){ 5, 3 }, NULL, 6);
    pkg_model_add(&m, MOTE_KIND_TENSOR, "half bytes by elements", MOTE_U4, 2, (uint64_t[]){ 2, 6 }, NULL, 4);
    pkg_model_add(&m, MOTE_KIND_TENSOR, "half bytes by rows", MOTE_I4, 2, (uint64_t[]){ 5, 2 }, NULL, 4);
    pkg_model_add(&m, MOTE_KIND_TENSOR, "one each", MOTE_F64, 1, (uint64_t[]){ 3 }, NULL, 1);
    pkg_model_add(&m, MOTE_KIND_TENSOR, "rank 8", MOTE_F32, 8, (uint64_t[]){ 1, 2, 1, 2, 1, 2, 1, 2 }, NULL, 4);
    ok_model("grids", &m, 4096, 1, "segments of whole rows and of parts of rows, short last ones");
    pkg_model_add1(&m, MOTE_KIND_TENSOR, "nothing", MOTE_F32, 0, 0);
    pkg_model_add(&m, MOTE_KIND_TENSOR, "nothing of much", MOTE_F32, 3, (uint64_t[]){ 30000, 0, 30000 }, NULL, 0);
    pkg_model_add1(&m, MOTE_KIND_BLOB, "nothing", MOTE_U8, 0, 0);
    ok_model("empty", &m, 4096, 1, "no tensor data at all: still hashed and signed");
}

/* ---- the worked example ---- */

static FILE *example;

static void row(const mote_wr *file, size_t *at, size_t n, const char *text)
{
    fprintf(example, "%4zu  ", *at);
    for (size_t i = 0; i < n; i++) {
        if (i && i % 16 == 0) fprintf(example, "\n      ");
        fprintf(example, "%02x ", file->p[*at + i]);
    }
    for (size_t i = n > 16 ? (n - 1) % 16 + 1 : n; i < 16; i++) fprintf(example, "   ");
    fprintf(example, " %s\n", text);
    *at += n;
}

/* A field: tag, length, then its value. */
static void field(const mote_wr *file, size_t *at, const char *name, const char *value)
{
    char text[160];
    size_t n = file->p[*at + 1];
    must(n < 0x80);
    snprintf(text, sizeof text, "tag %u %s, %zu byte%s", file->p[*at], name, n, n == 1 ? "" : "s");
    row(file, at, 2, text);
    if (n) row(file, at, n, value);
}

static int put(void *ctx, const uint8_t *data, size_t n)
{
    mote_wr_bytes(ctx, data, n);
    return 0;
}

static void minimal(void)
{
    static const float values[10] = { 0.0f, 1.0f, -1.0f, 0.5f, -0.5f, 2.0f, -2.0f, 0.25f, -0.25f, 3.5f };
    uint8_t bytes[40];
    pkg_model m = { 0 };
    for (int i = 0; i < 10; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], 4);
        mote_put32(bytes + 4 * i, bits);
    }
    pkg_model_add(&m, MOTE_KIND_TENSOR, "w", MOTE_F32, 1, (uint64_t[]){ 10 }, bytes, 0);
    const mote_write_info info = { .name = "kws",
                                   .sequence = 1,
                                   .vendor = (const uint8_t *)"vendor of tests.",
                                   .device_class = (const uint8_t *)"class of tests 1",
                                   .n_classes = 1,
                                   .version = "1.0",
                                   .tool = "mote 0.1.0" };
    mote_writer *w = NULL;
    mote_wr file = { 0 }, elements = { 0 };
    must(mote_writer_create(&w, m.e, m.n, 4096, &info) == MOTE_OK);
    must(mote_writer_sign(w, pkg_key(0), MOTE_ROLE_RELEASE_KEY) == MOTE_OK);
    must(mote_writer_write(w, put, &file) == MOTE_OK && file.st == MOTE_OK);
    mote_writer_free(w);
    vec_elements(&m, &elements);
    vec_ok("minimal", &file, &elements, "one tensor and one signature: the worked example of format.md 14");

    char path[1024];
    snprintf(path, sizeof path, "%s/minimal.txt", folder);
    example = fopen(path, "w");
    must(example != NULL);
    size_t at = 0;
    fprintf(example, "ok/minimal.mote, byte by byte: %zu bytes. Signed by the key of test-0.pub.\n\n", file.n);
    fprintf(example, "prelude (format.md 3)\n");
    row(&file, &at, 8, "magic");
    row(&file, &at, 1, "version 1");
    row(&file, &at, 1, "suite 1: Ed25519 and SHA-256");
    row(&file, &at, 2, "ml: bytes of the manifest");
    row(&file, &at, 2, "sl: bytes of the signatures");
    row(&file, &at, 2, "reserved");
    fprintf(example, "\nmanifest (5)\n");
    row(&file, &at, 2, "tag 2 tree");
    row(&file, &at, 1, "n_chunks 1");
    row(&file, &at, 1, "body_len: of the one chunk");
    row(&file, &at, 32, "root: digest of the chunk, as there is no page");
    row(&file, &at, 2, "tag 4 facts");
    row(&file, &at, 1, "n_entries 1");
    row(&file, &at, 1, "chunk_max: the chunk");
    row(&file, &at, 1, "entry_max: its entry record");
    row(&file, &at, 1, "head_max: its head record");
    row(&file, &at, 1, "resident_max 0");
    row(&file, &at, 1, "seg_elems_max 10");
    row(&file, &at, 1, "seg_raw_max 40");
    row(&file, &at, 1, "table_slots_max 0");
    row(&file, &at, 1, "tensor_max 40");
    row(&file, &at, 1, "decoded_total 40");
    field(&file, &at, "needs", "dense, stored, stored: layout 1, numeric 32, coder 96");
    field(&file, &at, "name", "kws");
    field(&file, &at, "sequence", "1");
    field(&file, &at, "vendor", "vendor of tests.");
    field(&file, &at, "class", "class of tests 1");
    field(&file, &at, "version", "1.0");
    field(&file, &at, "tool", "mote 0.1.0");
    must(at == 16u + mote_le16(file.p + 10));
    fprintf(example, "\nsignatures (6)\n");
    row(&file, &at, 1, "alg 1: Ed25519");
    row(&file, &at, 1, "role 1: release");
    row(&file, &at, 2, "length 64");
    row(&file, &at, 8, "key_id of test-0.pub");
    row(&file, &at, 64, "signature of the signing block (6.2)");
    fprintf(example, "\nthe chunk (8): its records\n");
    row(&file, &at, 2, "record: entry (9)");
    field(&file, &at, "kind", "1: tensor");
    field(&file, &at, "name", "w");
    field(&file, &at, "dtype", "12: f32");
    field(&file, &at, "shape", "10");
    field(&file, &at, "place", "chunk 0, offset of the head record in it");
    field(&file, &at, "stored", "bytes of head and segment records");
    row(&file, &at, 2, "record: head (codecs.md 2)");
    field(&file, &at, "grid", "1 row, 10 columns, segments of 10 elements");
    field(&file, &at, "terms", "dense, stored, plane: stored");
    row(&file, &at, 2, "record: segment 0");
    row(&file, &at, 40, "0, 1, -1, 0.5, -0.5, 2, -2, 0.25, -0.25, 3.5");
    must(at == file.n && fclose(example) == 0);
    mote_wr_free(&file);
    mote_wr_free(&elements);
    pkg_model_free(&m);
}

static void policies(void)
{
    static const char *ok = "ok/minimal";
    vec_policy(ok, MOTE_OK, "0",
               "name=kws,vendor=76656e646f72206f662074657374732e,class=636c617373206f6620746573747320"
               "31",
               "the platform expects exactly this");
    vec_policy(ok, MOTE_ERR_NAME, "0", "name=kw", "11 another component");
    vec_policy(ok, MOTE_ERR_VENDOR, "0", "vendor=00000000000000000000000000000000", "11 another vendor");
    vec_policy(ok, MOTE_ERR_CLASS, "0", "class=00000000000000000000000000000000", "11 another class of device");
    vec_policy(ok, MOTE_ERR_ROLLBACK, "0", "installed=2", "11 the installed sequence is higher");
    vec_policy(ok, MOTE_ERR_INSTALLED, "0", "installed=1:self", "11 it is the installed one");
    vec_policy(ok, MOTE_ERR_SAME_SEQUENCE, "0", "installed=1", "11 another one with the installed sequence");
    vec_policy(ok, MOTE_ERR_NEEDS, "0", "without=96", "11 the reader lacks a coder");
    vec_policy(ok, MOTE_ERR_MEMORY, "0", "tensor_max=39", "11 a tensor is larger than the platform allows");
    vec_policy(ok, MOTE_ERR_UNTRUSTED, "1", "-", "6 signed by a key that is not trusted");
    vec_policy(ok, MOTE_ERR_UNTRUSTED, "0,1/2", "-", "6 two keys are asked for, one has signed");
    vec_policy(ok, MOTE_OK, "-", "-", "nobody is trusted: unverified, digests still hold");
}

/* One structure each, and the number that chooses it: fuzz_container.c; edits and others: fuzz_verify.c, fuzz_stream.c. */
static void other_seeds(void)
{
    static const char *names[] = { "manifest", "entry", "records", "prelude", "signatures", "pages" };
    static const uint8_t edits[][24] = { { 0, 12, 1, 1, 13, 0, 30, 0, 5, 0, 7 }, /* a fact, all true again, a bit */
                                         { 1, 5, 3, 0, 9, 0, 13, 4, 20, 0, 15, 14, 1, 1, 1 },
                                         { 2, 10, 1, 0, 0, 4, 3, 'a', 'b', 'c', 13, 7, 1, 0, 0, 0, 2, 0, 13 },
                                         { 0, 11, 0, 4, 1, 2, 0, 2, 20, 0, 3, 0, 1, 13 } };
    pkg p;
    pkg_read(&p, vec_rich.p, vec_rich.n);
    p.crypto = pkg_stub_crypto();
    pkg_finish(&p);
    for (uint8_t i = 0; i < N(names); i++) {
        mote_wr seed = { 0 };
        if (i == 0) wr_copy(&seed, &p.manifest);
        if (i == 1) wr_copy(&seed, pkg_entry(&p, 2));
        if (i == 2) mote_wr_bytes(&seed, p.body.p + p.chunk_at[0], p.chunk_at[1] - p.chunk_at[0]);
        if (i == 3) mote_wr_bytes(&seed, p.file.p, 16);
        if (i == 4) wr_copy(&seed, &p.signatures);
        if (i == 5) {
            mote_wr_u16(&seed, (uint16_t)(p.n_chunks - 1));
            mote_wr_u64(&seed, p.body.n);
            mote_wr_u16(&seed, (uint16_t)(p.fact[CHUNK_MAX] - 1));
            mote_wr_bytes(&seed, p.body.p, p.chunk_at[0]);
        }
        mote_wr_u8(&seed, i);
        write_seed("container", names[i], &seed);
        mote_wr_free(&seed);
    }
    for (uint8_t i = 0; i < N(edits); i++) {
        mote_wr seed = { 0 };
        char name[16];
        snprintf(name, sizeof name, "edits-%u", i);
        mote_wr_bytes(&seed, edits[i], sizeof edits[i]);
        for (unsigned k = 0; k < 8; k++) mote_wr_u8(&seed, (uint8_t)(i + k));
        mote_wr_u8(&seed, i % 2 ? 0x81 : 0xC1);
        mote_wr_u8(&seed, 0);
        write_seed("stream", name, &seed);
        seed.p[seed.n - 1] = 0;
        write_seed("verify", name, &seed);
        mote_wr_free(&seed);
    }
    mote_wr seed = { 0 };
    wr_copy(&seed, &vec_small);
    mote_wr_u8(&seed, 1);
    write_seed("verify", "file", &seed);
    wr_copy(&seed, &p.signatures);
    mote_wr_u8(&seed, 2);
    write_seed("verify", "block", &seed);
    wr_delete(&seed, 0, 12);
    seed.p[64] = 3;
    write_seed("verify", "signature", &seed);
    mote_wr_free(&seed);
    pkg_free(&p);
}

int main(int argc, char **argv)
{
    char path[1024];
    must(argc == 2 || argc == 3);
    folder = argv[1];
    corpus = argv[2];
    static const char *parts[] = { "", "/ok", "/bad" };
    for (size_t i = 0; i < N(parts); i++) {
        snprintf(path, sizeof path, "%s%s", folder, parts[i]);
        mkdir(path, 0777); /* may be there; a file that cannot be written is noticed */
    }
    snprintf(path, sizeof path, "%s/manifest.txt", folder);
    list = fopen(path, "w");
    must(list != NULL);
    fprintf(
        list,
        "# What a reader makes of each file. Columns: file; status; trusted test keys (test-N.pub), \"/k\": how many "
        "of\n"
        "# them must have signed, \"-\": nobody is trusted; what the platform expects (format.md 11), \"-\": nothing;\n"
        "# SHA-256 of the elements of all entries in order of the directory, each in its dtype, \"-\": refused; "
        "why.\n");
    for (unsigned k = 0; k < 3; k++) {
        char text[66];
        hex(text, pkg_key(k)->pub, 32);
        strcpy(text + 64, "\n");
        snprintf(path, sizeof path, "test-%u.pub", k);
        write_file(path, text, 65);
    }
    pkg_model m = { 0 };
    vec_small_model(&m);
    pkg_model_write(&m, 4096, 1, &vec_small);
    pkg_model_free(&m);
    pkg_rich_model(&m);
    pkg_model_write(&m, 128, 1, &vec_rich);
    pkg_model_free(&m);

    vec_trust = "0";
    minimal();
    policies();
    vec_small_model(&m);
    ok_model("small", &m, 4096, 1, "what the refused files were before their fault");
    pkg_rich_model(&m);
    ok_model("rich", &m, 128, 1, "two levels of pages, a directory of several chunks");
    ok_edits();
    ok_shapes();
    static const unsigned counts[] = { 3, 15, 16, 17, 33, 256, 257 };
    for (size_t i = 0; i < N(counts); i++) many_chunks(counts[i]);
    make_bad_vectors();
    make_codec_vectors();
    if (corpus) other_seeds();
    must(fclose(list) == 0);
    mote_wr_free(&vec_small);
    mote_wr_free(&vec_rich);
    return 0;
}
