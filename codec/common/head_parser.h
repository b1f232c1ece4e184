/* SPDX-License-Identifier: Apache-2.0
 * What the files that read heads share: codec-specific parameters are read by files of their own. Internal to common/.
 * Device code. */
#ifndef MOTE_CODEC_HEAD_PARSER_H
#define MOTE_CODEC_HEAD_PARSER_H

#include "common/head.h"

/* What a plane may be coded with, and whether its values have a sign. Spec codecs.md 2.2 */
enum {
    MAY_CONSTANT = 1,
    MAY_RANS = 2,
    MAY_ZSTD = 4,
    MAY_CLASSES = 8,
    MAY_ESCAPE = 16,
    IS_SIGNED = 32,
    IS_PAIRS = 64, /* the levels of a trellis: tables in pairs, nothing but rANS, which may adapt */
    ROLE_VALUES = MAY_CONSTANT | MAY_RANS | MAY_CLASSES | MAY_ESCAPE, /* V and gaps */
    ROLE_MASK = MAY_RANS | MAY_CLASSES,
    ROLE_COUNTS = MAY_CONSTANT | MAY_RANS | MAY_ESCAPE,
    ROLE_BYTE = MAY_CONSTANT | MAY_RANS | MAY_ZSTD,
    ROLE_ELEMENTS = MAY_ZSTD,
    ROLE_LEVELS = MAY_RANS | MAY_CLASSES | MAY_ESCAPE | IS_PAIRS
};

typedef struct mote_head_parser {
    mote_rd r; /* terms; first, so that its address is the parser's */
    mote_head *h;
    mote_rd tables; /* read in step with the planes that use them */
    mote_table *table;
    mote_table_spec *specs;
    size_t max_tables;
    void (*used)(void *ctx, unsigned id);
    void *ctx;
} mote_head_parser;

/** A number of 0..max, else HEAD. */
unsigned mote_head_number(mote_head_parser *q, unsigned max);
/** A number of 1..max, else st. */
size_t mote_head_positive_by(mote_rd *r, size_t max, unsigned below);
static inline size_t mote_head_positive(mote_rd *r, size_t max, mote_status st)
{
    return mote_head_positive_by(r, max, (unsigned)-(int)st);
}
/** A rule of the head has been broken. */
void mote_head_refuse(mote_head_parser *q);
/** A plane descriptor. span: largest value less smallest */
void mote_head_plane(mote_head_parser *q, mote_plane *p, unsigned role, int32_t span);
/** Scope, group, type of scales, scale of the tensor. Spec codecs.md 5.4 */
void mote_head_scales(mote_head_parser *q, mote_num *n, unsigned dtype);
/** Parameters and V of a codebook. Spec codecs.md 5.7 */
void mote_head_codebook(mote_head_parser *q, mote_num *n, unsigned dtype);

#endif
