/* SPDX-License-Identifier: Apache-2.0
 * From the integers of the planes to elements in memory. Internal to dec/. Device code. */
#ifndef MOTE_CODEC_NUMBERS_H
#define MOTE_CODEC_NUMBERS_H

#include "dec/seg.h"

/** 1 on machines that store the least significant byte last. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define MOTE_BIG_ENDIAN 1
#else
#define MOTE_BIG_ENDIAN 0
#endif

/** Scales of a piece of cols columns, 0 if there is one for all. Spec codecs.md 5.4 */
static inline size_t mote_scales_per_piece(const mote_num *num, size_t cols)
{
    return MOTE_GROUPED(num) ? (cols - 1) / num->group + 1 : num->scope;
}

/** Begin a piece: its class; its scales and zero-points, which are checked and in native form handed out. */
bool mote_numbers_piece(mote_seg *w);
/** Values that mote_numbers_put() takes at most; w->sink is set. listed: it will be given lists of columns. */
size_t mote_numbers_block(mote_seg *w, bool listed);
/** Decode the next n values of the piece into w->sink: columns cols[0..n), or col0 onwards if cols is NULL. */
bool mote_numbers_put(mote_seg *w, size_t n, const uint16_t *cols, size_t col0);

/** Folded values become signed ones, distances from the background values, mod 2^16. Spec codecs.md 5.6 */
void mote_unfold(const mote_num *num, uint16_t *v, size_t n);

/** Where the codebook lies, as binary32. */
static inline float *mote_seg_book(const mote_seg_env *env)
{
    const mote_head *h = env->head;
    return env->factors + h->term.rank * (h->cols + 1);
}
/** Fill in the table of the tensor. Spec codecs.md 5.7 */
void mote_codebook_prepare(const mote_seg_env *env);
/** The 16 or 256 values of a table that is built in. */
void mote_codebook_values(float *to, unsigned table);
/** Begin a piece: its table, where there are several. */
bool mote_codebook_piece(mote_seg *w);
/** What a native block of v->rows rows says of its tables; bytes for as many as that may take. */
size_t mote_codebook_view(const mote_num *num, mote_native *v);
/** V as it is handed out: the bytes of f8. */
void mote_codebook_native(const mote_num *num, uint16_t *v, size_t n);

/** Bits of x and the binary32 at p together, rounded. Spec codecs.md 6.5 */
uint32_t mote_sum_of(const mote_sink *k, const uint8_t *p, uint32_t x);
/** Write one computed binary32 at dst as what the sink wants. Not in nano builds, where sinks want nothing else. */
void mote_sink_put(const mote_sink *k, uint8_t *dst, uint32_t x);
/** The same, whatever the build. */
static inline void mote_put_f32(const mote_sink *k, uint8_t *dst, uint32_t x)
{
#if MOTE_NANO
    (void)k;
    for (unsigned i = 0; i < 4; i++) dst[MOTE_BIG_ENDIAN ? 3 - i : i] = (uint8_t)(x >> 8 * i);
#else
    mote_sink_put(k, dst, x);
#endif
}

#endif
