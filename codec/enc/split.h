/* SPDX-License-Identifier: Apache-2.0
 * Numbers into V and byte planes. Spec codecs.md 5. Host only. */
#ifndef MOTE_ENC_SPLIT_H
#define MOTE_ENC_SPLIT_H

#include <stddef.h>

#include "common/head.h"

/**
 * Numeric `float` over elements of dtype, `integer` with n_bytes byte planes, or `affine` codes of that many bits:
 * width and range of V and the number of byte planes. Coders and tables are left for later.
 */
void mote_split_float(mote_num *num, uint8_t dtype);
void mote_split_integer(mote_num *num, uint8_t dtype, unsigned n_bytes);
/** Integers of 8 bits as distances from a background. Spec codecs.md 5.6 */
void mote_split_shifted(mote_num *num, uint8_t dtype, uint8_t background);
void mote_split_affine(mote_num *num, uint8_t dtype, unsigned bits, unsigned zero);

/** Numeric `codebook`: V of that many entries; f8 (a MOTE_BOOK_F8_*): its lower bits are no exponent. */
void mote_split_codebook(mote_num *num, uint8_t dtype, unsigned entries, unsigned table);

/** Fold V: for elements that are never zero, where num has a signed V of two bits or more and no byte planes, else
 *  false. Spec codecs.md 5.6 */
bool mote_split_fold(mote_num *num);

/** V - vmin of n elements as fetched (codes: less the least code). */
void mote_split_v(const mote_num *num, const void *elements, size_t n, uint16_t *v);
/** Byte plane j (0: most significant) of n elements. */
void mote_split_byte(const mote_num *num, const void *elements, size_t n, unsigned j, uint8_t *out);

#endif
