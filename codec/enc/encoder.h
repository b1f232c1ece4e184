/* SPDX-License-Identifier: Apache-2.0
 * The state of encoding one tensor, shared by the files that try forms of it. Host only. */
#ifndef MOTE_ENC_ENCODER_H
#define MOTE_ENC_ENCODER_H

#include "enc/records.h"

typedef struct mote_encoder {
    const mote_encode_options *o;
    const mote_model_tensor *t;
    const uint8_t *data;
    mote_model_error *error;
    uint8_t dtype; /* of the entry */
    bool blob;     /* opaque bytes: any profile but nano may use zstd, and at its best */
    mote_enc_limits limits;
    uint64_t most;      /* elements of a segment */
    mote_matrix source; /* the tensor with its pruning and cast; axis 0, one row */
    mote_prune prune;
    mote_work work;
    mote_records form;         /* the smallest so far */
    mote_encode_report report; /* of form */
} mote_encoder;

/**
 * Plan c (unless its numeric is `stored`), cut and write it into *f.
 *
 * v       V of a low-rank tensor, whose U is c; else NULL
 * second  what is added to it; else NULL
 * Output  f: zero-initialised by the caller; r: what was chosen, but for the sums of squares
 * Errors  NOMEM; LIMIT: it cannot be cut to fit
 */
mote_status mote_encoder_make(mote_encoder *e, mote_coding *c, mote_coding *v, mote_coding *second, mote_records *f,
                              mote_encode_report *r) MOTE_MUST_CHECK;
/** Signal of the tensor as reports have it: 0 where the options leave everything exact. */
double mote_encoder_signal(const mote_encoder *e);
/** Make a form of c and keep it as e->form, with its sums of squares, if it is smaller. LIMIT is no error. */
mote_status mote_encoder_consider(mote_encoder *e, mote_coding *c, double signal, double noise) MOTE_MUST_CHECK;
/** Parameters of an affine numeric or a codebook from the options, for rows of that many columns. NOMEM. */
mote_status mote_encoder_affine_set(const mote_encoder *e, mote_affine *a, uint64_t cols) MOTE_MUST_CHECK;
/** Grids of a tensor, its own order first: at most 5, at least 1. rows_matter: only shape[0] rows and their transposed. */
size_t mote_encoder_grids(const mote_encoder *e, mote_matrix grid[5], bool rows_matter);
/** Bits of c to be compared with those of *best: a tensor is transposed only where that saves a percent. */
double mote_encoder_bits(const mote_coding *c, const mote_coding *best);
/** Replace *best by *c if that is cheaper, judged by samples; c has m, layout and num. NOMEM. */
mote_status mote_encoder_estimate(mote_encoder *e, mote_coding *best, mote_coding *c) MOTE_MUST_CHECK;
/** The same for both sparse layouts. */
mote_status mote_encoder_estimate_sparse(mote_encoder *e, mote_coding *best, mote_coding c) MOTE_MUST_CHECK;

/** Whether the method quantises with scales: affine integers, codebooks. */
bool mote_encoder_scaled(const mote_encode_options *o);
/** Consider affine integers or a codebook, along the axis that costs less. VALUE: elements that are not finite. */
mote_status mote_encoder_affine(mote_encoder *e) MOTE_MUST_CHECK;
/** Consider a codebook of the tensor's own values, if they are few. NOMEM. */
mote_status mote_encoder_palette(mote_encoder *e) MOTE_MUST_CHECK;
/** Consider trellis-coded integers. VALUE: elements that are not finite, or importance that does not fit. */
mote_status mote_encoder_trellis(mote_encoder *e) MOTE_MUST_CHECK;
/** Consider low-rank factors. VALUE as above. */
mote_status mote_encoder_lowrank(mote_encoder *e) MOTE_MUST_CHECK;
/**
 * What METHOD_TRELLIS would make of a tensor at n signal-to-noise ratios, judged by a sample: bytes of its records, sum of
 * squared errors. *signal = 0: it has no such form.
 */
mote_status mote_encode_rates(const mote_encode_options *options, const mote_model_tensor *t, const uint8_t *data,
                              const double *snr_db, size_t n, double *bytes, double *noise, double *signal,
                              mote_model_error *error) MOTE_MUST_CHECK;
/** What the options prune of data, which has the tensor's type and shape. NOMEM. p: zero-initialised; p->gone is owned. */
mote_status mote_encoder_prune(const mote_encoder *e, const uint8_t *data, mote_prune *p) MOTE_MUST_CHECK;
/** Refuse elements that are not finite, by name. */
mote_status mote_encoder_need_finite(mote_encoder *e, const char *method) MOTE_MUST_CHECK;

/** Digest of what a decoder makes of e->form. Spec format.md 9. NOMEM. */
mote_status mote_encoder_digest(mote_encoder *e, uint8_t digest[MOTE_DIGEST_BYTES]) MOTE_MUST_CHECK;

/** Where zstd does clearly better on a plane of a planned coding, let it. NOMEM. */
mote_status mote_encoder_zstd_planes(mote_encoder *e, mote_coding *c) MOTE_MUST_CHECK;
/** Share of its size that zstd leaves of the tensor as it is, from a sample; 1 where it is not allowed. NOMEM. */
mote_status mote_encoder_zstd_share(mote_encoder *e, double *share) MOTE_MUST_CHECK;

#endif
