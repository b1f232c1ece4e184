/* SPDX-License-Identifier: Apache-2.0
 * One matrix on its way into segments: a layout over a numeric, with every plane's coder, tables and classes decided
 * from what the matrix holds. Tensors have one, low-rank tensors two. Host only. */
#ifndef MOTE_ENC_CODING_H
#define MOTE_ENC_CODING_H

#include "enc/classes.h"
#include "enc/matrix.h"
#include "enc/split.h"
#include "mote/encode.h"

/** Planes in the order in which a segment has them. Spec codecs.md 1.3 */
enum {
    MOTE_PLANE_MASK,
    MOTE_PLANE_COUNTS,
    MOTE_PLANE_GAPS,
    MOTE_PLANE_V, /* stored: the elements */
    MOTE_PLANE_BYTE,
    MOTE_PLANES = MOTE_PLANE_BYTE + MOTE_BYTE_PLANES_MAX
};

/** What an encoder may do. */
typedef struct mote_enc_limits {
    mote_profile profile;
    uint32_t chunk_max;
    unsigned max_classes; /* 1..16: less if heads must be short */
    bool plain_bytes;     /* byte planes are stored */
} mote_enc_limits;

/** Memory that is used again from tensor to tensor. Zero-initialise; free with mote_work_free(). */
typedef struct mote_work {
    mote_fetch fetch, other;
    uint16_t *v, *mask, *gap; /* values of a rectangle */
    uint8_t *kept;
    uint32_t *length; /* of rows */
    size_t room;
    mote_bins bins[MOTE_PLANE_V + 1]; /* mask, counts, gaps, V */
} mote_work;

mote_status mote_work_reserve(mote_work *w, size_t elements) MOTE_MUST_CHECK;
void mote_work_free(mote_work *w);

typedef struct mote_coding {
    mote_matrix m;
    uint8_t layout; /* dense, bitmask or csr */
    uint64_t piece; /* columns of a piece: all, or of a segment if rows are cut */
    mote_num num;   /* parameters; coders stand in the plans */
    mote_plane_plan plane[MOTE_PLANES];
    uint8_t *classes[MOTE_PLANE_V + 1]; /* mask, -, gaps, V: class of each row; NULL if there is one; owned */
    double bits; /* estimate: payload, tables, scales, lane states, framing; planning starts from an earlier one */
    uint64_t elements, kept;
    double zeros; /* share of the values whose V is that of zero (dense) */
} mote_coding;

/** A rectangle of a coding's matrix; zero-initialised before the first. Sparse layouts: n is a whole piece. */
typedef struct mote_rect {
    uint64_t row, col;
    size_t rows, n;
    uint64_t rows_max, n_max;
} mote_rect;

#define MOTE_RECT_ELEMENTS ((size_t)1 << 16) /* at most */

/** The next rectangle, row after row; false at the end. */
bool mote_coding_next(const mote_coding *c, mote_rect *r);

/** Which planes a coding has. */
bool mote_coding_has(const mote_coding *c, unsigned plane);

/**
 * Count what the matrix holds and decide every plane. m, layout, piece and num say what is to be coded.
 *
 * sample  true: look at about 64 Ki elements only and fill in nothing but bits, kept and the plan of V
 * Errors  NOMEM; what was allocated is in *c, to be freed by mote_coding_free()
 */
mote_status mote_coding_plan(mote_coding *c, const mote_enc_limits *limits, bool sample, mote_work *w) MOTE_MUST_CHECK;
void mote_coding_free(mote_coding *c);

/** Bytes that a record's value may have so that type, length and value fit a chunk. */
uint32_t mote_record_room(uint32_t chunk_max);
/** Coder of a rANS plane by how many values a full segment has. Hosts take more lanes for floats, also by the byte planes
 *  beside V: the lanes' states come to about a percent of what the smallest segment with that many takes. */
uint8_t mote_rans_coder(const mote_coding *c, unsigned plane, mote_profile profile, double values);

#endif
