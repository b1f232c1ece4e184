/* SPDX-License-Identifier: Apache-2.0
 * Packing a whole model: every tensor encoded, by as many threads as there are, and one package written. The bytes do
 * not depend on the number of threads. Host only. */
#ifndef MOTE_PACK_H
#define MOTE_PACK_H

#include "mote/encode.h"
#include "mote/package.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Named limits over the facts and needs of a package. Spec format.md 12 */
typedef struct mote_profile_row {
    const char *name;
    uint32_t chunk_default; /**< bytes of a chunk when nothing else is asked for */
    uint32_t chunk_max;     /**< bytes */
    uint32_t open_max;      /**< bytes of manifest and signatures together */
    mote_needs has;         /**< ids that a reader of this profile decodes */
} mote_profile_row;

/** The row of a profile, NULL for an unknown one. Profiles grow: what fits one fits the next. */
const mote_profile_row *mote_profile_get(mote_profile p);
/** The smallest profile that holds a package of this manifest, with manifest and signatures of open_bytes. */
mote_profile mote_profile_of(const mote_manifest *m, uint32_t open_bytes);

/** Opaque bytes that travel beside the tensors. */
typedef struct mote_pack_extra {
    mote_kind kind; /**< BLOB or TEXT */
    const char *name;
    const uint8_t *data;
    size_t bytes;
} mote_pack_extra;

typedef struct mote_pack_options {
    size_t struct_size;
    mote_encode_options encode; /**< of every entry; its profile and chunk_max hold for all */
    /** May change the options of one tensor; called from several threads at once. NULL: all alike. */
    void (*choose)(void *ctx, const mote_model_tensor *t, mote_encode_options *options);
    void *choose_ctx;
    /**
     * A goal for the tensors with METHOD_TRELLIS that have neither step nor snr_db: the file has at most file_bytes, and
     * the error is as small as it can be; or the error is at most max_error, and the file as small as it can be. Error =
     * sum(elements * noise / signal) / sum(elements) over these tensors. 0: no goal; not both.
     */
    uint64_t file_bytes;
    double max_error;
    const mote_pack_extra *extras;
    size_t n_extras;
    mote_write_info info;
    const mote_keypair *key; /**< NULL: unsigned; else info needs name and sequence */
    uint8_t role;            /**< of the signature; 0 = MOTE_ROLE_RELEASE_KEY */
    unsigned threads;        /**< 0 = one for each processor online */
    /** Source bytes encoded so far; called from any thread, by one at a time. May be NULL. */
    void (*progress)(void *ctx, uint64_t done, uint64_t total);
    void *progress_ctx;
} mote_pack_options;

#define MOTE_PACK_OPTIONS_INIT                                                       \
    {                                                                                \
        .struct_size = sizeof(mote_pack_options), .encode = MOTE_ENCODE_OPTIONS_INIT \
    }

/** What became of a tensor or an extra. */
typedef struct mote_pack_entry {
    const char *name; /**< borrowed from the model or the extras */
    mote_kind kind;
    size_t source; /**< its place among the model's tensors, or among the extras */
    mote_encode_report report;
} mote_pack_entry;

typedef struct mote_pack_result {
    mote_pack_entry *entries; /**< in order of the package; owned: mote_pack_result_free() */
    size_t n_entries;
    uint64_t file_bytes;
    mote_facts facts;
} mote_pack_result;

/**
 * Encode every tensor of the model and write the package.
 *
 * put     receives the file from its first byte to its last, once everything has been encoded
 * Memory  the coded records are held once, beside the tensors that are being encoded (none for a mapped safetensors
 *         file); *result is written on success only
 * Goal    met within 0.5 % if the tensors can be coded that finely; else what comes nearest and keeps to it; LIMIT if
 *         nothing does
 * Errors  those of mote_encode_tensor() and mote_model_data() of the first tensor that has one, whatever the number of
 *         threads; those of mote_writer_create(); LIMIT also for a package that its profile does not hold; ARG (no
 *         entries, key without name or sequence); IO (put); *error says more if its text is not empty
 */
mote_status mote_pack(const mote_pack_options *options, mote_model *model, mote_write_fn put, void *put_ctx,
                      mote_pack_result *result, mote_model_error *error) MOTE_MUST_CHECK;
void mote_pack_result_free(mote_pack_result *result);

#ifdef __cplusplus
}
#endif
#endif
