/* SPDX-License-Identifier: Apache-2.0
 * Decoding one segment or resident record of a tensor. The record's bytes have been verified by the caller; what they
 * say has not. Memory does not grow with rows or columns: pieces are decoded in blocks. Spec codecs.md. Device code. */
#ifndef MOTE_CODEC_SEG_H
#define MOTE_CODEC_SEG_H

#include "common/head.h"
#include "kern/kern.h"
#include "mote/native.h"

/* Values of a block; a multiple of 4 * MOTE_LANES_MAX, the same in all files of a build. */
#ifndef MOTE_BLOCK
#if UINTPTR_MAX > 0xFFFFFFFF
#define MOTE_BLOCK 1024
#elif MOTE_LANES_MAX > 16
#define MOTE_BLOCK 128
#else
#define MOTE_BLOCK 96
#endif
#endif
_Static_assert(MOTE_BLOCK % (4 * MOTE_LANES_MAX) == 0, "a quarter of a block is a whole number of steps");

/**
 * Inflate one zstd frame with its content size: src[0..src_bytes) whole into exactly dst[0..dst_bytes).
 *
 * Spec    codecs.md 4
 * Errors  ZSTD, or NOMEM
 */
typedef mote_status (*mote_inflate_fn)(void *ctx, uint8_t *dst, size_t dst_bytes, const uint8_t *src, size_t src_bytes);

/** What decoding needs beside the record: one for all records of a tensor. Everything is borrowed. */
typedef struct mote_seg_env {
    const mote_head *head;
    const mote_table *tables;
    const mote_kern *kern;
    void *prepared; /**< head->n_tables * kern->table_bytes bytes, 8-aligned; NULL if table_bytes is 0 */
    float *factors; /**< mote_seg_factors() floats: of lowrank (not for native) V, then one row of U; a codebook */
    mote_inflate_fn inflate; /**< NULL: zstd planes are UNSUPPORTED */
    void *inflate_ctx;
    uint8_t *scratch; /**< for inflated planes: as many bytes as the segment's elements have in their dtype */
    size_t scratch_bytes;
} mote_seg_env;

/** Where the dense elements of a segment go. Sub-byte types are packed from bit 0 of p on, without strides. */
typedef struct mote_dest {
    uint8_t *p;       /**< element 0 of row 0 of the segment */
    size_t row, elem; /**< bytes from a row, and from an element of a row, of the coded matrix to the next */
    mote_form form;   /**< DENSE, F32 or F16 */
} mote_dest;

/** Working memory of one call; nothing is kept in it between calls, so one serves all tensors. */
typedef struct mote_seg mote_seg;

/**
 * Fill env->prepared from env->tables, and for a trellis the order of its columns from the head, whose bytes must still
 * be there, or its codebook. Once a tensor.
 *
 * Errors  STREAM, RANGE, PADDING: the column map
 */
mote_status mote_seg_prepare(mote_seg *w, const mote_seg_env *env) MOTE_MUST_CHECK;

/** Bits of an element of a tensor of that dtype in a dense form; 0 if there is no such form (F32, F16 of other than
 * f16, bf16, f32, f64; NATIVE). */
unsigned mote_form_bits(unsigned dtype, mote_form form);

/**
 * Where segment s goes.
 *
 * whole   base is memory for the whole tensor (transposed tensors are scattered), else for this segment alone, rows of
 *         the coded matrix one after the other
 * Errors  ARG (no such form), NOMEM (bytes too small)
 */
mote_status mote_dest_init(mote_dest *d, const mote_head *h, size_t s, bool whole, mote_form form, void *base,
                           size_t bytes) MOTE_MUST_CHECK;

static inline mote_status mote_dest_tensor(mote_dest *d, const mote_head *h, size_t s, mote_form form, void *base,
                                           size_t bytes)
{
    return mote_dest_init(d, h, s, true, form, base, bytes);
}

static inline mote_status mote_dest_segment(mote_dest *d, const mote_head *h, size_t s, mote_form form, void *base,
                                            size_t bytes)
{
    return mote_dest_init(d, h, s, false, form, base, bytes);
}

/** floats that env->factors needs: rank * (cols + 1) for lowrank; room for the order of columns; the entries of a
 * codebook; else 0. Spec codecs.md 7.2 */
size_t mote_seg_factors(const mote_head *h);
/** Bytes that suffice for any segment (resident: any resident record) of the tensor in native form. */
size_t mote_seg_native_bytes(const mote_head *h, bool resident);

/**
 * Decode segment s < head->n_segments from record rec[0..n) (its value, without type and length).
 *
 * Lowrank  all residents must have been decoded into env->factors by mote_seg_resident() before
 * Output   all elements of the segment, nothing else; on any error they are all zero (the callee wipes)
 * Errors   STREAM, RANGE, INDEX, SCALE, PADDING, ZSTD, TRUNCATED, VARINT, TRAILING (the record), UNSUPPORTED,
 *          ARG (the form), NOMEM (scratch). Of several faults, which one is met first depends on the form.
 */
mote_status mote_seg_dense(mote_seg *w, const mote_seg_env *env, size_t s, const uint8_t *rec, size_t n,
                           const mote_dest *d) MOTE_MUST_CHECK;

/** Decode resident record r < head->n_residents of a lowrank tensor into its rows of env->factors. Errors as above. */
mote_status mote_seg_resident(mote_seg *w, const mote_seg_env *env, uint32_t r, const uint8_t *rec,
                              size_t n) MOTE_MUST_CHECK;

/**
 * Decode segment (resident: resident record) s in native form into buf[0..bytes), 8-aligned; *out then points into it,
 * every part at a multiple of 8; after an error it is of no use.
 *
 * Output  at most mote_seg_native_bytes(); on any error all of buf[0..bytes) that may have been written is zero
 * Errors  as above; NOMEM: bytes < what this segment may need
 */
mote_status mote_seg_native(mote_seg *w, const mote_seg_env *env, size_t s, bool resident, const uint8_t *rec, size_t n,
                            mote_native *out, void *buf, size_t bytes) MOTE_MUST_CHECK;

/* --- private to dec/, here so that the size is known --- */

/* Most streams of a segment: counts 3, gaps 4, books, scales, zero-points, V 4, byte planes; and lanes of them all. */
#define MOTE_STREAMS (14 + MOTE_BYTE_PLANES_MAX)
#define MOTE_STATES ((3 + MOTE_BYTE_PLANES_MAX) * MOTE_LANES_MAX + 5)

#define MOTE_CLASSES_AHEAD 32 /* classes of pieces that are read at a time */

/** Bytes of a plane, or of a part of it, still to be read, and what has been read ahead. */
typedef struct mote_stream {
    mote_rd in;        /**< its own failures are told at the end */
    uint32_t *x;       /**< rANS: states */
    uint8_t lanes;     /**< rANS: 0 until the first value, as a plane without values has no bytes */
    uint8_t acc, bits; /**< stored: the upper `bits` bits of the byte before in.p, moved down */
} mote_stream;

/** A plane; the stream before s[at] holds the classes, those after it escape symbols and numbers. */
typedef struct mote_plane_dec {
    const mote_plane *p;
    uint16_t table; /**< of the current piece */
    uint8_t at;     /**< stream of its symbols or values */
#if MOTE_KERN_LOOPS
    uint8_t next, ahead; /**< of cls: the next piece's, and how many there are */
    uint16_t cls[MOTE_CLASSES_AHEAD];
#endif
} mote_plane_dec;

/** Where and how elements are written. */
typedef struct mote_sink {
    uint8_t *p;    /**< element 0 */
    size_t elem;   /**< bytes from one to the next */
    uint8_t dtype; /**< to be written */
    uint8_t entry; /**< dtype of the tensor: what is computed is rounded to it first */
    bool add;      /**< to the binary32 that is there, entry and dtype being it */
    bool machine;  /**< byte order of the machine, else little-endian */
} mote_sink;

/** A binary32 and its bits. No memcpy: without a hosted library that is a call. */
typedef union mote_f32 {
    float f;
    uint32_t bits;
} mote_f32;

struct mote_seg { /* small things first: they are reached by short instructions */
    const mote_seg_env *env;
    const mote_num *num;
    const mote_term *term;
    bool more;                 /**< planes of another term follow */
    uint8_t n_streams, scales; /**< scales: stream, behind that of the books and before that of the zero-points */
    uint8_t n_few, few_at;     /**< csr: counts decoded ahead */
    uint16_t begun;            /**< adaptive: a bit for each pair whose tables have begun */
    uint8_t pack, pack_bits;   /**< sub-byte output: bits that do not fill a byte yet */
    bool direct;               /**< elements are put together where they are wanted */
    mote_rd rd;                /**< the record; its status is that of the call */
    mote_sink sink;
    size_t rows, cols; /**< pieces and their length */
    size_t block;      /**< values to be decoded at a time */
    size_t kept;       /**< native sparse: elements so far */
    size_t scratch_at, n_states;
    const uint8_t *scale, *zero; /**< of the current piece */
    const mote_native *native;   /**< what is handed out, or NULL; its parts are ours to write */
    size_t row, first;           /**< the current piece; row of the matrix that the first one belongs to */
    mote_f32 unit;               /**< trellis: what a value of 1 is in it */
    mote_plane_dec v;
    mote_plane_dec lay[2]; /**< mask; or counts, gaps */
    mote_plane_dec byte[MOTE_BYTE_PLANES_MAX];
    mote_stream s[MOTE_STREAMS];
    union {
        uint8_t byte[2 * MOTE_BLOCK];
        float f32[MOTE_BLOCK / 2];
        uint64_t align;
    } tmp; /**< elements on their way to another dtype or place, little-endian; sums */
    uint32_t x[MOTE_STATES];
    uint16_t state[MOTE_LANES_MAX + 2]; /**< trellis: of each lane; adaptive: then its context */
    uint16_t val[MOTE_BLOCK + 2], aux[MOTE_BLOCK], col[MOTE_BLOCK], few[32]; /* val: one more, to end a loop */
};

#endif
