/* SPDX-License-Identifier: Apache-2.0
 * The streaming loader: bytes in pieces of any size go in, verified tensors come out, in memory of the caller. Nothing
 * beyond the prelude, the manifest as bytes to hash and the signature entries is looked at before it is authenticated.
 * Device code: no allocation; one workspace whose size follows from the signed facts.
 *
 *   push   mote_loader_step() with whatever bytes have arrived
 *   pull   mote_loader_pull() over a source that can be read anywhere; mote_loader_find() for single tensors
 *
 * Order of events: MANIFEST, ENTRY x n, then for each entry with elements TENSOR, BLOCK.., TENSOR_END, last DONE. What
 * is handed out is authentic block by block; the package is complete only at DONE. */
#ifndef MOTE_LOADER_H
#define MOTE_LOADER_H

#include "mote/native.h"
#include "mote/package.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mote_loader mote_loader; /**< lies at the start of the workspace */

struct mote_kern;
/** The fastest inner loops of this machine; in the host library only. Results are the same with all of them. */
const struct mote_kern *mote_kern_best(void);

/* Not where every byte of code counts. */
#define MOTE_LOADER_DISPATCH MOTE_ROOMY

#if MOTE_LOADER_DISPATCH
struct mote_seg_env;
struct mote_dest;
/** Somebody who decodes segments of tensors that have a target while the loader goes on: mote_pool_create(). */
typedef struct mote_dispatch {
    /** Decode segment s of env->head from a copy of rec[0..n) to *dest, with scratch memory of one's own; env and *dest
     *  stay as they are, and what they point to, until wait(). Its own errors, or those of earlier segments. */
    mote_status (*segment)(void *ctx, const struct mote_seg_env *env, size_t s, const uint8_t *rec, size_t n,
                           const struct mote_dest *dest);
    /** Until all of them are done: the error of the first segment that had one, which the next tensor does not. */
    mote_status (*wait)(void *ctx);
    void *ctx;
} mote_dispatch;
#endif

typedef struct mote_loader_config {
    mote_crypto crypto;      /**< sha256 is required, ed25519 where keys are given */
    mote_trust trust;        /**< n_keys = 0: unverified, digests are still checked against the manifest */
    mote_policy policy;      /**< texts and keys are borrowed for the life of the loader */
    mote_form form;          /**< default form of tensors, DENSE for those that cannot have it; mote_loader_form()
                                  changes it for one. Nano builds round nothing: they have DENSE and F32 of tensors
                                  of f32, DENSE of what is lossless and no f64, and NATIVE instead of all else */
    uint8_t native_lowrank;  /**< 1: low-rank tensors are always native; no memory for residents is asked for. Nano
                                  builds: always */
    mote_inflate_fn inflate; /**< NULL: packages that need zstd are refused (NEEDS) */
    void *inflate_ctx;
    const struct mote_kern *kern; /**< NULL: the reference kernels */
#if MOTE_LOADER_DISPATCH
    mote_dispatch dispatch; /**< segment NULL: nobody; else BLOCK says that a block is on its way; all are there with
                                 TENSOR_END and after errors, but for IO: then, and when the loader is given up in
                                 the middle, wait() */
    bool steady;            /**< what mote_loader_step() is given stays where it is, unchanged, as long as the loader is
                                 used: chunks that come in one piece are verified and decoded there instead of in a
                                 copy. Not for memory that others can write to, such as a mapped file */
#endif
} mote_loader_config;

/** Bytes still to be read or written; the loader moves p and takes from left. */
typedef struct mote_in {
    const uint8_t *p;
    size_t left;
} mote_in;

typedef struct mote_out {
    uint8_t *p; /**< aligned to 8 bytes for native forms, else ARG, which is not permanent */
    size_t left;
} mote_out;

typedef enum mote_event_type {
    MOTE_EVENT_NONE = 0,
    MOTE_EVENT_MANIFEST,   /**< verified and within policy: manifest, digest */
    MOTE_EVENT_ENTRY,      /**< an entry of the directory: index, entry */
    MOTE_EVENT_TENSOR,     /**< a tensor begins: index, tensor; now is the time for mote_loader_form/_target/_skip */
    MOTE_EVENT_BLOCK,      /**< a block has been written: index, block */
    MOTE_EVENT_TENSOR_END, /**< index */
    MOTE_EVENT_DONE        /**< everything has been verified */
} mote_event_type;

/** What a tensor looks like before its blocks. */
typedef struct mote_tensor_info {
    uint8_t dtype, axis, layout, numeric;
    size_t elements, rows, cols; /**< rows x cols: the coded matrix; axis 1: the tensor's transposed */
    size_t seg_elems, n_segments;
    uint32_t rank;       /**< lowrank, else 0 */
    uint8_t coder;       /**< of V (codecs.md 1.3) or of stored elements; lowrank: of U's */
    uint8_t bits;        /**< affine: bits of a code, else 0 */
#if MOTE_LOADER_DISPATCH /* hosts show them */
    uint8_t n_pairs;     /**< trellis: of tables, as many as classes that rows and columns form together; else 0 */
    uint32_t step;       /**< trellis: bits of a binary32 */
    uint32_t states;     /**< trellis */
#endif
} mote_tensor_info;

typedef struct mote_event {
    mote_event_type type;
    uint32_t index;                 /**< of the entry, in order of the directory */
    const mote_manifest *manifest;  /**< valid until the next call */
    const uint8_t *manifest_digest; /**< valid with the loader */
    const mote_entry *entry;        /**< valid until the next call */
    mote_tensor_info tensor;
    struct {
        size_t row, col, rows, cols; /**< rectangle of the coded matrix; native V of lowrank: rows of V */
        const uint8_t *data;         /**< where it was written: in `out` or in the target */
        size_t bytes;
        const mote_native *native; /**< native form only; valid until the next call */
    } block;
    size_t need; /**< with NEED_OUTPUT: bytes of output that the next block takes */
} mote_event;

/** Bytes for opening: the loader itself, the manifest and one signature entry. Enough to reach the manifest. */
size_t mote_loader_open_bytes(uint32_t manifest_bytes, uint32_t signature_bytes);
/**
 * Exact bytes of workspace that a package takes, from its authenticated facts, needs and number of chunks; covers
 * mote_loader_open_bytes() too.
 *
 * Errors  MEMORY if it does not fit a size_t
 */
mote_status mote_loader_workspace(const mote_loader_config *config, const mote_manifest *m, uint32_t manifest_bytes,
                                  uint32_t signature_bytes, size_t *bytes) MOTE_MUST_CHECK;

/**
 * Begin a package.
 *
 * work    aligned to 8 bytes; the loader lives in it
 * Memory  *config is copied; what it points to is borrowed
 * Errors  ARG (no digest, misaligned), MEMORY (less than mote_loader_open_bytes(1, 0))
 */
mote_status mote_loader_init(mote_loader **out, void *work, size_t bytes,
                             const mote_loader_config *config) MOTE_MUST_CHECK;

/** Bytes of workspace that the package takes, also after it was refused with MEMORY (SIZE_MAX: it fits no memory); 0
 *  before its manifest is trusted. */
size_t mote_loader_needed(const mote_loader *ld);
/** Bytes of the whole package; 0 before MOTE_EVENT_MANIFEST. A source that is longer has trailing bytes. */
size_t mote_loader_file_bytes(const mote_loader *ld);

/**
 * Go on until there is an event or something is missing.
 *
 * Returns MOTE_OK with *event set (type NONE never), NEED_INPUT (all input is consumed), NEED_OUTPUT (event->need
 *         bytes are wanted in one piece; nothing is lost), or an error, which every later call repeats.
 * Input beyond the end gives TRAILING, instead of DONE if it is there already; with no input DONE comes again.
 */
mote_status mote_loader_step(mote_loader *ld, mote_in *in, mote_out *out, mote_event *event) MOTE_MUST_CHECK;
/** The stream has ended: MOTE_OK after DONE, else TRUNCATED or the error before. */
mote_status mote_loader_end(mote_loader *ld) MOTE_MUST_CHECK;

/** Choose for the tensor that has just begun (after MOTE_EVENT_TENSOR). ERR_STATE elsewhere, ERR_ARG if impossible. */
mote_status mote_loader_form(mote_loader *ld, mote_form form) MOTE_MUST_CHECK;
/** Write the whole tensor, dense, to `to`, which has room for all of it: blocks take no output, axis 1 is scattered. */
mote_status mote_loader_target(mote_loader *ld, uint8_t *to, size_t bytes) MOTE_MUST_CHECK;
/** Do not decode this tensor: it costs hashing only; the next event is its TENSOR_END. */
mote_status mote_loader_skip(mote_loader *ld) MOTE_MUST_CHECK;

/** Reads [offset, offset + bytes) of the file: 0, or anything else for a failure or the end of the file. */
typedef struct mote_source {
    int (*read)(void *ctx, uint64_t offset, uint8_t *to, size_t bytes);
    void *ctx;
} mote_source;

/**
 * As mote_loader_step(), with the input taken from a source. ERR_IO is not permanent: call again. Chunks of skipped
 * tensors are not read at all; then DONE says that all that was read is authentic, and mote_loader_complete() is false.
 * What a source holds behind the package is not looked at: compare its length with mote_loader_file_bytes().
 */
mote_status mote_loader_pull(mote_loader *ld, const mote_source *source, mote_out *out,
                             mote_event *event) MOTE_MUST_CHECK;
/** True if every byte of the package has been verified. */
bool mote_loader_complete(const mote_loader *ld);
/**
 * Find an entry by name and lead the loader to it: mote_loader_pull() then gives TENSOR, BLOCK.., TENSOR_END, and after
 * it ERR_STATE until the next find. Only after MOTE_EVENT_MANIFEST, and only over a source. Constant memory.
 *
 * entry   filled in; its name is valid until the next call
 * Errors  MISSING_TENSOR, IO, and those of decoding
 */
mote_status mote_loader_find(mote_loader *ld, const mote_source *source, uint8_t kind, mote_text name,
                             mote_entry *entry) MOTE_MUST_CHECK;

/* ---- after a reset: Spec format.md 7.2 ---- */

#define MOTE_RESUME_BYTES 40 /**< manifest digest, chunk, 0: bytes in an order that all machines share */

/**
 * Where to go on after a reset: the chunk that the loader is in, or the next one if that is used up. Blocks of that
 * chunk will come once more, so storing one twice must do no harm; save it after a block has been stored, not before.
 *
 * Errors  STATE before the directory is being read, and after a find
 */
mote_status mote_loader_save(const mote_loader *ld, uint8_t token[MOTE_RESUME_BYTES]) MOTE_MUST_CHECK;
/**
 * Go on from a token, right after MOTE_EVENT_MANIFEST: prelude, manifest, signatures and policy have been verified anew
 * by then, and all that is read from here on will be. mote_loader_pull() gives ENTRY x n, TENSOR of the tensor that was
 * not finished, and its blocks from that chunk on. mote_loader_complete() stays false, but for chunk 0. What
 * was stored before the reset is vouched for by nobody: mote_loader_reverify(), or mote_entry_verify() for each
 * tensor, before it is used.
 *
 * Errors  STATE (another package, no such chunk, not after MANIFEST): not permanent, pull from the beginning
 */
mote_status mote_loader_resume(mote_loader *ld, const uint8_t token[MOTE_RESUME_BYTES]) MOTE_MUST_CHECK;
/**
 * Verify every byte of the body in a source once more, without decoding: before what was stored is activated. After it,
 * mote_loader_find() may follow.
 *
 * Errors  DIGEST, TREE (permanent), IO (call again), STATE before MOTE_EVENT_MANIFEST and while pushing
 */
mote_status mote_loader_reverify(mote_loader *ld, const mote_source *source) MOTE_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
