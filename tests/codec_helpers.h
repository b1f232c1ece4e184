/* SPDX-License-Identifier: Apache-2.0
 * A small encoder of its own for tests of decoding: it writes heads and segments as codecs.md says, from tables and
 * parameters that a test chooses freely, also ones that no sensible encoder would. */
#ifndef MOTE_TESTS_CODEC_HELPERS_H
#define MOTE_TESTS_CODEC_HELPERS_H

#include "common/rans.h"
#include "dec/seg.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* --- bytes --- */

typedef struct bytes {
    uint8_t *p;
    size_t n, room;
} bytes;

void put_bytes(bytes *b, const void *p, size_t n);
void put_u8(bytes *b, unsigned x);
void put_v(bytes *b, uint64_t x);
void put_zv(bytes *b, int64_t x);
void put_le(bytes *b, uint64_t x, unsigned n);
/** tag, length, the bytes of *value, which is emptied. */
void put_field(bytes *b, unsigned tag, bytes *value);
void bytes_free(bytes *b);

/** Planes of a segment; left out ones are not in it. */
typedef struct planes {
    bytes part[32];
    size_t n;
} planes;

/** The record: every plane but the last with its length. */
bytes planes_join(const planes *p);
void planes_free(planes *p);

/** Heap copy of exactly n bytes. */
uint8_t *exact_copy(const void *p, size_t n);
void *allocate(size_t n);

/* --- random numbers, the same on every machine --- */

void rnd_seed(uint64_t seed);
uint64_t rnd(void);
unsigned rnd_below(unsigned n);

/* --- a tensor and how it is coded --- */

typedef struct plane_cfg {
    unsigned coder, n_classes, class_coder, escapes;
    int32_t constant;
    mote_table_spec map, table[MOTE_CLASSES_MAX], esc;
} plane_cfg;

typedef struct num_cfg {
    unsigned numeric;
    unsigned dtype;                          /* float: held; else the entry's (factors: f32) */
    unsigned nb;                             /* byte planes */
    unsigned bits, zero, scope, scale_dtype; /* affine */
    unsigned shifted, background;            /* integer of 8 bits: V is the distance from the background */
    unsigned fold;                           /* affine, integer: V is folded, no element is 0 */
    uint32_t group;
    unsigned table, entries, entry_dtype; /* codebook */
    uint32_t book_rows;
    uint32_t *book; /* codebook, written: bits of entry i of table k: book[k * entries + i] */
    plane_cfg v, byte[MOTE_BYTE_PLANES_MAX];
    /* a matrix of rows x cols, coded order */
    uint64_t rows, cols, piece;
    uint8_t *elem;   /* held elements, little-endian, a whole number of bytes each */
    int32_t *q;      /* affine codes, places in a codebook */
    uint32_t *scale; /* affine: bits in scale_dtype; of piece i: scale[i * per_piece ..] */
    uint16_t *zp;
    uint8_t *cls; /* of piece i */
} num_cfg;

typedef struct tensor_cfg {
    unsigned dtype, layout, axis;
    uint64_t rows, cols, seg_elems;
    plane_cfg mask, counts, gaps;
    uint8_t *kept;               /* sparse: of each element */
    uint8_t *mask_cls, *gap_cls; /* of each piece */
    uint32_t rank, rpr;          /* lowrank: num is U, v is V */
    num_cfg num, v;
    struct tensor_cfg *second; /* lowrank of f32: what is added; owned, of the same rows, cols, seg_elems and axis */
} tensor_cfg;

/** Random tables (every symbol possible) for the coder and the rest of c, which are set; V of that width. */
void plane_random_tables(plane_cfg *c, unsigned width, int32_t vmin, int32_t vmax);
/** Random coder, classes, escapes, tables that can code everything in [vmin, vmax]. what: 'v'alues, 'm'ask, 'c'ounts, 'b'yte */
void plane_random(plane_cfg *c, char what, unsigned width, int32_t vmin, int32_t vmax);
/** Append the planes of rows of values: row i has len[i] values and class cls[i] (NULL: one class). */
void plane_encode(planes *out, const plane_cfg *c, unsigned width, int32_t vmin, int32_t vmax, const int32_t *v,
                  const size_t *len, const uint8_t *cls, size_t n_rows);

/** Entries of a table, and tables that are written. */
unsigned num_entries(const num_cfg *c);
size_t num_books(const num_cfg *c);
/** Width and range of V. */
void num_range(const num_cfg *c, unsigned *width, int32_t *vmin, int32_t *vmax);
/** A random matrix of a numeric whose parameters are set (or drawn, where 0 would be invalid), with random planes. */
void num_random(num_cfg *c, uint64_t rows, uint64_t cols, uint64_t piece);
void num_free(num_cfg *c);

/** A random tensor of that layout, numeric and dtype, about n elements. False: there is no such combination. */
bool tensor_random(tensor_cfg *t, unsigned layout, unsigned numeric, unsigned dtype, unsigned n);
void tensor_free(tensor_cfg *t);
bytes tensor_head(const tensor_cfg *t);
/** Planes of segment s. */
void tensor_segment(planes *out, const tensor_cfg *t, uint64_t s);
/** Planes of resident r. */
void tensor_resident(planes *out, const tensor_cfg *t, uint32_t r);
/** The elements of the whole tensor in its dtype, row-major, packed; owned by the caller. */
uint8_t *tensor_elements(const tensor_cfg *t, size_t *n_bytes);

/* --- decoding with everything that it takes --- */

typedef struct decoder {
    mote_head head;
    mote_table tables[256];
    mote_seg_env env;
    mote_seg *work;
} decoder;

/** Read the head and make everything ready; scratch memory for inflated planes included. */
mote_status decoder_init(decoder *d, const bytes *head, unsigned dtype, uint64_t elements, const mote_kern *kern);
void decoder_free(decoder *d);
/** What the zstd coder calls. */
mote_status test_inflate(void *ctx, uint8_t *dst, size_t dst_bytes, const uint8_t *src, size_t src_bytes);

/** The kernels that this machine can run, the reference first; NULL at the end. */
const mote_kern *test_kernel(size_t i);

#endif
