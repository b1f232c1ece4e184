/* SPDX-License-Identifier: Apache-2.0
 * The head of a tensor in memory: grid, term, planes. Spec codecs.md 2. Device code. */
#ifndef MOTE_CODEC_HEAD_H
#define MOTE_CODEC_HEAD_H

#include "common/trellis.h"
#include "mote/limits.h"
#include "mote/registry.h"

#define MOTE_CLASSES_MAX 16
#define MOTE_BYTE_PLANES_MAX 7
#define MOTE_BYTES_FOLDED 8   /* instead of a number of byte planes: none, and V is folded */
#define MOTE_BYTES_SHIFTED 16 /* or: none, and V is the distance from a background; both may be added */
#ifndef MOTE_LANES_MAX
#define MOTE_LANES_MAX 32 /* 1, 8 or 32: coders with more lanes are UNSUPPORTED in this build */
#endif
#define MOTE_SUMS (!MOTE_NANO)      /* heads have room for sums of terms, and readers sum them */
#define MOTE_PIECE_SPARSE_MAX 65535 /* columns of a piece of a sparse layout */

/** A plane descriptor together with what its place implies. Spec codecs.md 2.2 */
typedef struct mote_plane {
    uint8_t coder;       /**< id */
    uint8_t n_classes;   /**< rANS: 1..16 */
    uint8_t class_coder; /**< rANS, n_classes > 1: CODER_STORED or CODER_RANS1 */
    uint8_t escapes;     /**< rANS: 0..2 */
    uint8_t width;       /**< bits of a value, 1..16 (elements planes: bits of the dtype, up to 128) */
    uint16_t table;      /**< first table: [class map's] classes (trellis: pairs) [escape's] */
    uint16_t escape;     /**< escapes 2: the escape table */
    int32_t vmin, vmax;  /**< range of a value */
    int32_t constant;    /**< CODER_CONSTANT */
} mote_plane;

/** How numbers are coded. Spec codecs.md 5 */
typedef struct mote_num {
    uint8_t numeric;                       /**< id */
    uint8_t dtype;                         /**< float: the held dtype; else the entry's */
    uint8_t n_bytes;                       /**< byte planes below V */
    uint8_t k;                             /**< float: bits of V below the exponent, sign first */
    uint8_t bits;                          /**< affine: 1..8, 16 */
    uint8_t zero;                          /**< affine: 1 with zero-point */
    uint8_t fold;                          /**< affine, integer: 1 if V is folded, as it has no zero */
    uint8_t shifted;                       /**< integer: 1 if V is the distance from the background */
    uint8_t background;                    /**< integer, shifted; else 0: what sparse layouts leave out */
    uint8_t scope;                         /**< affine, codebook: 0 tensor, 1 row, 2 group; trellis: 0 tensor, 1 row */
    uint8_t scale_dtype;                   /**< affine, codebook: F32, F16 or BF16; trellis: F16; else 0 */
    uint16_t zero_point;                   /**< affine, scope 0 */
    uint32_t group;                        /**< affine, scope 2 */
    uint32_t scale;                        /**< affine, scope 0: bits of the scale in scale_dtype */
    uint8_t table;                         /**< codebook: a MOTE_BOOK_* */
    uint8_t entry_dtype;                   /**< codebook, written: F16, BF16 or F32 */
    uint16_t entries;                      /**< codebook: 2..256 */
    uint32_t book_rows;                    /**< codebook, written: rows of the matrix that share one, 0 = all */
    const uint8_t *book;                   /**< codebook, written, book_rows 0: entries in the head record; else NULL */
    mote_plane v;                          /**< V; stored: the elements */
    mote_plane byte[MOTE_BYTE_PLANES_MAX]; /**< most significant first */
} mote_num;

typedef struct mote_term {
    uint8_t layout;    /**< id */
    mote_plane mask;   /**< bitmask */
    mote_plane counts; /**< csr */
    mote_plane gaps;   /**< csr */
    uint32_t rank;     /**< lowrank */
    uint32_t rows_per_record;
    mote_num num; /**< elements, kept elements, or U */
    mote_num v;   /**< lowrank: V */
} mote_term;

/** Sizes fit a size_t with room to spare: a reader with 32 bits refuses tensors of more than 2^27 elements. */
typedef struct mote_head {
    size_t rows, cols; /**< of the coded matrix */
    size_t seg_elems;
    size_t seg_rows; /**< rows of a full segment; 0 if rows are cut */
    size_t row_segs; /**< segments of a row if rows are cut, else 0 */
    size_t n_segments;
    uint32_t n_residents;
    uint16_t n_tables;
    uint8_t axis;  /**< 1: transposed */
    uint8_t dtype; /**< of the entry */
    mote_term term;
#if MOTE_SUMS
    mote_term second; /**< what is added to a lowrank term; layout 0: nothing */
#endif
    mote_trellis_head trellis; /**< if that is the numeric */
} mote_head;

/** The rectangle of the coded matrix that a segment holds. */
typedef struct mote_extent {
    size_t row, col;   /**< first row and column */
    size_t rows, cols; /**< rows: pieces; cols: elements of a piece */
} mote_extent;

/**
 * Read a head; build its tables into tables[0..max_tables).
 *
 * used     if not NULL: called for each layout, numeric and coder id that stands in the head (needs check)
 * specs    if not NULL: tables as written, max_tables of them (tools)
 * Errors   those of codecs.md 2; FACTS if there are more than max_tables tables; UNSUPPORTED for registered ids that
 *          this build lacks; MEMORY: more than SIZE_MAX / 32 elements
 */
mote_status mote_head_read(mote_head *h, mote_table *tables, mote_table_spec *specs, size_t max_tables, mote_rd r,
                           unsigned dtype, size_t elements, void (*used)(void *ctx, unsigned id),
                           void *ctx) MOTE_MUST_CHECK;

/** Tables of the numeric codebook. Spec codecs.md 5.7 */
enum { MOTE_BOOK_WRITTEN, MOTE_BOOK_NF4, MOTE_BOOK_F8_E4M3, MOTE_BOOK_F8_E5M2 };
#define MOTE_ENTRIES_MAX 256

/** Whether n entries of a table are finite (dtype f16, bf16 or f32, little-endian). */
bool mote_entries_ok(const uint8_t *p, unsigned dtype, size_t n);

/** Entries of a codebook; 0 where there is none. */
#define MOTE_ENTRIES(num) (MOTE_NANO ? 0 : (num)->entries)

/* What nano builds lack, as constants there; reading a head refuses it. Spec registry.md 3.4 */
#define MOTE_ZEROS(num) (MOTE_NANO ? 0 : (num)->zero)                    /**< zero-points */
#define MOTE_GROUPED(num) (!MOTE_NANO && (num)->scope == 2)              /**< scales of groups */
#define MOTE_BITS_16(num) (!MOTE_NANO && (num)->bits == 16)              /**< codes of 16 bits */
#define MOTE_UNFOLDS(num) (!MOTE_NANO && ((num)->fold | (num)->shifted)) /**< V without a zero */
#define MOTE_PACKED(bits) (!MOTE_NANO && (bits) < 8)                     /**< elements that share bytes */

/** Lanes of a rANS coder, static or adaptive. */
static inline unsigned mote_plane_lanes(unsigned coder)
{
    return MOTE_LANES_MAX == 1 ? 1 : coder == MOTE_CODER_RANS8 ? 8 : coder == MOTE_CODER_RANS32 ? 32 : 1;
}

/** Whether the tables of a coder adapt. Spec codecs.md 8.5 */
static inline bool mote_plane_adapts(unsigned coder)
{
    return !MOTE_NANO && coder == MOTE_CODER_ADAPTIVE1;
}

/** Finite and > 0, for the bits of a scale in its dtype (f16, bf16, f32). Spec codecs.md 5.4 */
bool mote_scale_ok(uint32_t scale, unsigned dtype);
/** Bits of sign and mantissa that V of a float numeric takes below the exponent (k of codecs.md 5.2), byte planes below
 * V, and bits of V. False: not a float type that has this numeric. */
bool mote_float_split(unsigned dtype, uint8_t *k, uint8_t *n_bytes, uint8_t *width);
/** Whether every value of `held` is one of `dtype` too (f16, bf16, f32 and f64 only), so that it may be held in it. */
bool mote_float_holds(unsigned held, unsigned dtype);

/** Whether a second term is added to the first. */
static inline bool mote_head_is_sum(const mote_head *h)
{
#if MOTE_SUMS
    return h->second.layout != 0;
#else
    (void)h;
    return false;
#endif
}
/** The numeric that may have a codebook: not that of a factor. */
static inline const mote_num *mote_head_booked(const mote_head *h)
{
#if MOTE_SUMS
    if (h->second.layout) return &h->second.num;
#endif
    return &h->term.num;
}
/** Extent of segment s < h->n_segments. Spec codecs.md 1.1 */
mote_extent mote_head_extent(const mote_head *h, size_t s);
/** Extent of V that resident record r < h->n_residents holds. Spec codecs.md 6.4 */
mote_extent mote_head_resident(const mote_head *h, uint32_t r);
/** Elements of the largest segment. */
size_t mote_head_seg_max(const mote_head *h);

#endif
