/* SPDX-License-Identifier: Apache-2.0
 * zstd on the device: libzstd's decoder in one go, with a context of fixed size, for profile std. */
#ifndef MOTE_TEST_INFLATE_H
#define MOTE_TEST_INFLATE_H

#include "mote/platform.h"

/** A mote_inflate_fn by the rules of codecs.md 4; ctx is unused, so that there can be one at a time. */
mote_status device_inflate(void *ctx, uint8_t *dst, size_t dst_bytes, const uint8_t *src, size_t src_bytes);
/** Bytes of RAM that it keeps. */
size_t device_inflate_ram(void);

#endif
