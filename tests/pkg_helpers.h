/* SPDX-License-Identifier: Apache-2.0
 * Packages for tests, taken apart into a structure that may be edited anywhere and put together again: hashed and
 * signed anew, so that exactly the intended fault remains. It shares no code with the writer but the byte string, and
 * its tree is the recursive definition of format.md 7, so that writing is checked against a second opinion.
 *
 * Helpers end the program when something fails that no test asks about (memory, keys). */
#ifndef MOTE_TESTS_PKG_HELPERS_H
#define MOTE_TESTS_PKG_HELPERS_H

#include "mote/loader.h"
#include "mote/write.h"
#include "write/wr.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

#define must(condition) \
    ((condition) ? (void)0 : pkg_give_up(__FILE__, __LINE__, #condition)) /* not assert(): tests run optimised, too */
_Noreturn void pkg_give_up(const char *file, int line, const char *what);

/** Heap memory, never NULL. */
void *pkg_alloc(size_t n);
/** A copy in a heap block of exactly its size: a sanitizer sees the first byte read beyond it. free() it. */
uint8_t *pkg_exact(const void *from, size_t n);
/** Small deterministic generator; *state is any number. */
uint32_t pkg_random(uint64_t *state);

/* ---- keys that nobody may trust ---- */

#define PKG_KEYS 18
/** Test key i: its seed is "mote test key, never trust it 00" with the number i. */
const mote_keypair *pkg_key(unsigned i);
/** The public halves of the first keys, as a loader wants them. */
const uint8_t *pkg_public_keys(void);

/** Digests that are all zero and signatures that are right if their first byte is 0: with it a package of zeros in place
 *  of digests is authentic, so that a fuzzer's edits reach what lies behind trust. */
const mote_crypto *pkg_stub_crypto(void);

/* ---- tagged fields ---- */

/** Value of a field, or NULL. */
const uint8_t *tlv_get(const mote_wr *fields, uint64_t tag, size_t *n);
/** Put a field at its place, or in the place of the one of that tag. */
void tlv_set(mote_wr *fields, uint64_t tag, const void *p, size_t n);
void tlv_set_varint(mote_wr *fields, uint64_t tag, uint64_t v);
void tlv_del(mote_wr *fields, uint64_t tag);

/** Insert and delete bytes of a byte string. */
void wr_insert(mote_wr *w, size_t at, const void *p, size_t n);
void wr_delete(mote_wr *w, size_t at, size_t n);
void wr_copy(mote_wr *to, const mote_wr *from);
bool wr_same(const mote_wr *a, const mote_wr *b);

/* ---- models of stored tensors ---- */

typedef struct pkg_model {
    mote_write_entry *e;
    size_t n;
    void **owned;
    size_t n_owned;
} pkg_model;

/** Add an entry whose elements are kept as they are, in segments of seg_elems (0: one for all). data may be NULL: bytes
 *  are then made up from the name. Everything is copied. */
void pkg_model_add(pkg_model *m, mote_kind kind, const char *name, mote_dtype dtype, unsigned rank,
                   const uint64_t *shape, const uint8_t *data, uint64_t seg_elems);
/** One-dimensional. */
void pkg_model_add1(pkg_model *m, mote_kind kind, const char *name, mote_dtype dtype, uint64_t n, uint64_t seg_elems);
void pkg_model_free(pkg_model *m);

/** Write a model: name "kws", sequence 7, vendor, class; signed with the first n_keys test keys. */
void pkg_model_write(const pkg_model *m, uint32_t chunk_max, unsigned n_keys, mote_wr *file);
/** Something of everything that stored tensors can show: several segments of both kinds, empties, a text, a blob, a
 *  directory longer than a chunk, two levels of pages. */
void pkg_rich_model(pkg_model *m);

/* ---- a package taken apart ---- */

typedef struct pkg_record {
    uint64_t type;
    bool fresh; /**< it begins a chunk */
    bool raw;   /**< v is the whole record, header included */
    mote_wr v;
} pkg_record;

typedef struct pkg_signature {
    uint8_t alg, role;
    unsigned key; /**< test key */
} pkg_signature;

enum {
    N_ENTRIES,
    CHUNK_MAX,
    ENTRY_MAX,
    HEAD_MAX,
    RESIDENT_MAX,
    SEG_ELEMS_MAX,
    SEG_RAW_MAX,
    TABLE_SLOTS_MAX,
    TENSOR_MAX,
    DECODED_TOTAL,
    N_FACTS
};

typedef struct pkg {
    pkg_record *rec;
    size_t n_rec;
    uint64_t fact[N_FACTS];
    mote_wr manifest; /**< tagged fields; pkg_seal() sets tree and facts */
    pkg_signature sig[PKG_KEYS];
    size_t n_sigs;
    const mote_crypto *crypto; /**< NULL: the host's; the stub also makes signatures of zeros */
    /** A lie in one page: the entry of node `index` of level `level` gets `delta` added to its length. */
    struct {
        bool on;
        unsigned level;
        uint32_t index;
        int64_t delta;
    } lie;
    /* what the stages make */
    enum { PKG_OPEN, PKG_SEALED, PKG_SIGNED, PKG_JOINED } stage;
    mote_wr body, signatures, file;
    uint32_t n_chunks;
    size_t body_at;   /**< in file */
    size_t *chunk_at; /**< in body; n_chunks + 1 of them */
} pkg;

/** Take a valid package apart. Signatures must be of test keys. */
void pkg_read(pkg *p, const uint8_t *file, size_t n);
void pkg_clone(pkg *to, const pkg *from);
void pkg_free(pkg *p);

/** Chunks, pages, and the fields tree and facts of the manifest. */
void pkg_seal(pkg *p);
/** The signature block, in order. */
void pkg_sign(pkg *p);
/** The file. */
void pkg_join(pkg *p);
/** All stages that are still to come. */
void pkg_finish(pkg *p);

/** Make places, stored sizes and the facts that depend on them true again after records have been edited. */
void pkg_settle(pkg *p);
/** Only the facts that are sizes of chunks and records; nothing is parsed. */
void pkg_sizes(pkg *p);
/** Index of the k-th record of a type. */
size_t pkg_find(const pkg *p, uint64_t type, size_t k);
void pkg_insert(pkg *p, size_t at, uint64_t type, const void *v, size_t n, bool fresh);
void pkg_remove(pkg *p, size_t at);
void pkg_swap(pkg *p, size_t a, size_t b);
/** Fields of the k-th entry. */
mote_wr *pkg_entry(pkg *p, size_t k);
/** Fields of the k-th head. */
mote_wr *pkg_head(pkg *p, size_t k);

/* ---- loading ---- */

typedef struct pkg_load {
    const uint8_t *file;
    size_t n;
    mote_loader_config config;
    size_t work;     /**< bytes of workspace; 0: exactly what the package needs */
    size_t work_max; /**< packages that need more get what opening takes; 0: 2^31 */
    size_t first;    /**< push: bytes of the first piece; 0: all at once */
    size_t step;     /**< push: bytes of the others; 0: the rest; (size_t)-1: random sizes from `seed` */
    uint64_t seed;
    uint64_t skip;  /**< bit i mod 64: skip tensor i */
    bool target;    /**< decode into memory for the whole tensor */
    unsigned io_at; /**< pull: the n-th read fails once, counted from 1 */
    /* results */
    mote_wr trace; /**< events, blocks and bytes in order */
    mote_wr data;  /**< dense elements only, in order */
    size_t needed, blocks, reads;
    bool complete, retried;
} pkg_load;

/** Config that trusts the first n test keys, with zstd. */
mote_loader_config pkg_config(unsigned n_keys);
/** Load by pushing; the status that the loader ends with, of mote_loader_end() if nothing was refused. */
mote_status pkg_push(pkg_load *l);
/** Load by pulling. */
mote_status pkg_pull(pkg_load *l);
/** Find one entry by name and load it. */
mote_status pkg_find_one(pkg_load *l, uint8_t kind, mote_text name);
void pkg_load_free(pkg_load *l);
/** Push all of it with a workspace that suffices; no trace is kept. */
mote_status pkg_status(const uint8_t *file, size_t n, unsigned n_keys);

#endif
