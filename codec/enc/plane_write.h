/* SPDX-License-Identifier: Apache-2.0
 * Planes as bytes: values to tokens by table look-up, tokens to words by rANS. Spec codecs.md 2.2, 3, 4. Host only. */
#ifndef MOTE_ENC_PLANE_WRITE_H
#define MOTE_ENC_PLANE_WRITE_H

#include "common/rans.h"
#include "enc/coding.h"
#include "write/wr.h"

/** A planned plane, ready to be written. */
typedef struct mote_plane_code {
    mote_plane d;
    uint32_t values;             /* of the range */
    const mote_table_spec *spec; /* as planned */
    mote_enc_table *table;       /* of the classes, of the class map, of the escapes */
    mote_token *token;           /* [n_classes][values] */
    uint16_t *price;             /* [n_classes][values], in 1/64 bit, escape included */
} mote_plane_code;

/** NOMEM; TABLE if a plan cannot be coded. Borrows the plan. Free with mote_plane_code_free(), also after an error. */
mote_status mote_plane_code_init(mote_plane_code *code, const mote_plane_plan *plan) MOTE_MUST_CHECK;
void mote_plane_code_free(mote_plane_code *code);

/** Planes that it takes in a segment: 0 for constants. */
unsigned mote_plane_count(const mote_plane *p);

/** Bytes by what they are for; summed over a tensor. */
typedef struct mote_parts {
    uint64_t classes, scales, symbols, escapes, raw, layout;
} mote_parts;

/** A segment being written. */
typedef struct mote_plane_writer {
    mote_wr *out;
    unsigned left;     /* planes still to come; the last has no length */
    bool more;         /* those of another term follow: all have lengths */
    mote_token *token; /* room for the values of a segment */
    uint8_t *words;    /* room for their words */
    size_t words_bytes;
    uint32_t *escape; /* room for their escape numbers */
    mote_parts parts;
} mote_plane_writer;

/** NOMEM. Free with mote_plane_writer_free(). */
mote_status mote_plane_writer_init(mote_plane_writer *w, mote_wr *out, size_t values) MOTE_MUST_CHECK;
void mote_plane_writer_free(mote_plane_writer *w);

/** The length of the next plane, where it has one. */
void mote_plane_begin(mote_plane_writer *w, size_t bytes);

/**
 * Write a plane.
 *
 * v       values less vmin, of one row of the plane after the other
 * length  values of each of the rows
 * row_class  class of each row; NULL: 0
 * layout  true: a mask, counts or gaps (accounting)
 */
void mote_plane_put(mote_plane_writer *w, const mote_plane_code *code, const uint16_t *v, const uint32_t *length,
                    size_t rows, const uint8_t *row_class, bool layout);
/** Write a class map; of code only d and the map's table (table[d.n_classes]) matter. Returns its bytes. */
size_t mote_plane_put_map(mote_plane_writer *w, const mote_plane_code *code, const uint8_t *row_class, size_t rows);
/** Write the escape numbers w->escape[0..n); of code only d and table[d.n_classes + 1] matter. Returns their bytes. */
size_t mote_plane_put_escapes(mote_plane_writer *w, const mote_plane_code *code, size_t n);
/** The same for n bytes in one class, whose rows are given by length. */
void mote_plane_put_bytes(mote_plane_writer *w, const mote_plane_code *code, const uint8_t *b, const uint32_t *length,
                          size_t rows);

#endif
