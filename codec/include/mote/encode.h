/* SPDX-License-Identifier: Apache-2.0
 * Encoding: what becomes of a tensor, and packing a whole model. Host only. */
#ifndef MOTE_ENCODE_H
#define MOTE_ENCODE_H

#include "mote/model.h"
#include "mote/write.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mote_method {
    MOTE_METHOD_LOSSLESS = 0, /**< bit-exact */
    MOTE_METHOD_AFFINE,       /**< integers of `bits` with scales; entry keeps its dtype */
    MOTE_METHOD_F16,          /**< cast to f16: the entry's dtype becomes f16 */
    MOTE_METHOD_BF16,         /**< cast to bf16 */
    MOTE_METHOD_F8_E4M3,      /**< cast to f8_e4m3 */
    MOTE_METHOD_F8_E5M2,      /**< cast to f8_e5m2 */
    MOTE_METHOD_TRELLIS,      /**< integers chosen by a trellis, entropy-coded; entry keeps its dtype */
    MOTE_METHOD_CODEBOOK,     /**< `entries` values fitted to the tensor, with scales unless of the tensor */
    MOTE_METHOD_NF4,          /**< 16 quantiles of the normal distribution with scales */
    MOTE_METHOD_SCALED_E4M3,  /**< f8_e4m3 with scales; entry keeps its dtype */
    MOTE_METHOD_SCALED_E5M2   /**< f8_e5m2 with scales */
} mote_method;

typedef enum mote_scope { MOTE_SCOPE_TENSOR = 0, MOTE_SCOPE_ROW = 1, MOTE_SCOPE_GROUP = 2 } mote_scope;
typedef enum mote_profile { MOTE_PROFILE_NANO, MOTE_PROFILE_STD, MOTE_PROFILE_HOST } mote_profile;

typedef struct mote_encode_options {
    size_t struct_size;
    mote_method method;
    unsigned bits;          /**< AFFINE: 1..8, 16 */
    int ternary;            /**< AFFINE of 2 bits: codes -1, 0 and 1 only */
    mote_scope scope;       /**< AFFINE, CODEBOOK, NF4, SCALED: what has a scale of its own */
    uint32_t group;         /**< SCOPE_GROUP: columns */
    int zero_point;         /**< AFFINE: 0 symmetric, 1 with zero-point */
    mote_dtype scale_dtype; /**< of scales: F32, F16 or BF16 */
    unsigned entries;       /**< CODEBOOK: 2..256 */
    uint32_t book_rows;     /**< CODEBOOK: rows that share a table, 0 = all */
    unsigned states;        /**< TRELLIS: 1, 8, 32, 256, 1024 or 2048 */
    double step;            /**< TRELLIS: > 0: between neighbouring values; or */
    double snr_db;   /**< TRELLIS: > 0, <= 120: how far below its signal a tensor's error lies. Met within 0.02 from
                             * 6 on, unless the tensor is small */
    unsigned native; /**< TRELLIS: 8 or 16: values are integers below 2^(native - 1) in magnitude times the step,
                             * which becomes larger if need be; 0: any, and small values may be moved */
    const float *importance;     /**< TRELLIS: weights of errors, >= 0, by column (elements / shape[0] of them) or by
                                  * shape[1]; NULL: all alike */
    uint64_t importance_columns; /**< how many there are */
    double prune_fraction;       /**< > 0: set this fraction of smallest magnitudes of each tensor to zero, < 1 */
    double prune_threshold;      /**< > 0: set |x| < threshold to zero */
    double prune_rows;           /**< > 0: set this fraction of the rows, those of the least norm, to zero, < 1 */
    unsigned keep, of;           /**< of > 0: of each `of` (2..16) neighbours in a row only the `keep` largest stay */
    uint32_t rank;               /**< > 0: low-rank factors of this rank */
    double energy;               /**< > 0: least rank that keeps this share of the squared singular values, <= 1 */
    /** > 0, with rank or energy, f32: what the factors leave is added, in integers of 1..8 bits with scales of rows;
     *  pruning is of that then */
    unsigned residual;
    uint64_t small;     /**< tensors with fewer elements, or one dimension, stay lossless (unless cast); default 1024 */
    uint32_t chunk_max; /**< bytes, 256..2^20; 0 = by profile (nano 4 KiB, std 16 KiB, host 512 KiB) */
    mote_profile profile;
    int only_stored;    /**< testing and comparison: every tensor as stored */
    int tensor_digests; /**< write the ancillary digest of each tensor's decoded elements */
} mote_encode_options;

#define MOTE_ENCODE_OPTIONS_INIT                                                                      \
    {                                                                                                 \
        .struct_size = sizeof(mote_encode_options), .bits = 8, .states = 32, .scope = MOTE_SCOPE_ROW, \
        .scale_dtype = MOTE_F32, .small = 1024, .profile = MOTE_PROFILE_STD                           \
    }

/** What encoding a tensor gave. Bits are of the whole tensor. */
typedef struct mote_encode_report {
    mote_dtype dtype;                                /**< of the entry: the source's unless cast */
    uint64_t elements, original_bytes, packed_bytes; /**< packed: head, residents and segments */
    uint64_t head_bytes, class_bytes, scale_bytes, symbol_bytes, escape_bytes, raw_bytes,
        layout_bytes;                /**< payload parts */
    double signal, noise;            /**< sums of squares of the source and of the error; noise 0 = exact. Options that
                                          leave every tensor exact leave the signal 0: summing it takes time */
    unsigned layout, numeric, coder; /**< ids: coder of V */
    unsigned axis, bits, n_classes;
    uint32_t rank;
    uint64_t kept;     /**< elements that a sparse layout keeps */
    double ideal_bits; /**< entropy of the counts of each class + class map + scales + half a log2 n a parameter;
                            trellis: entropy of the levels given pair and quantiser + maps + scales */
} mote_encode_report;

/** A coded tensor: everything that mote_write_entry needs. Owned by the caller; free with mote_coded_free(). */
typedef struct mote_coded {
    mote_write_entry entry; /**< records, facts and needs filled in; name, kind, shape copied from the source */
    mote_encode_report report;
    void *memory; /**< private */
} mote_coded;

/**
 * Encode one tensor. Reentrant: different tensors may be encoded by different threads.
 *
 * data    t->bytes of elements as in model.h
 * Memory  out->entry.name borrows t->name; the rest is owned by *out
 * Errors  ERR_ARG (options), ERR_NOMEM, ERR_VALUE (NaN or infinite elements in a method that cannot hold them, with the
 *         tensor named in *error), ERR_LIMIT (cannot be cut to fit chunk_max)
 */
mote_status mote_encode_tensor(mote_coded *out, const mote_encode_options *options, const mote_model_tensor *t,
                               const uint8_t *data, mote_model_error *error) MOTE_MUST_CHECK;
/** Encode opaque bytes (kind blob or text): zstd where the profile has it and it is smaller. */
mote_status mote_encode_blob(mote_coded *out, const mote_encode_options *options, mote_kind kind, const char *name,
                             const uint8_t *data, size_t bytes) MOTE_MUST_CHECK;
void mote_coded_free(mote_coded *c);

#ifdef __cplusplus
}
#endif
#endif
