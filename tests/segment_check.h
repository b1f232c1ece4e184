/* SPDX-License-Identifier: Apache-2.0
 * Decoding into nothing but the place for it, for the tests of segments. */
#ifndef MOTE_TESTS_SEGMENT_CHECK_H
#define MOTE_TESTS_SEGMENT_CHECK_H

#include "codec_helpers.h"

/** A buffer that tells who wrote beyond it. */
uint8_t *guarded(size_t n);
/** Fail, naming `what`, if somebody has; free it. */
void unguard(uint8_t *p, size_t n, const char *what);
bool all_zero(const uint8_t *p, size_t n);

/** Decode segment s densely from p[0..n), or from planes; what was not decoded must be zero. */
mote_status decode_bytes(decoder *d, uint64_t s, const uint8_t *p, size_t n);
mote_status decode_planes(decoder *d, uint64_t s, const planes *p);

#endif
