/* SPDX-License-Identifier: Apache-2.0
 * What a program on a big machine hands to the loader beside mote_kern_best(), keys and policy. Host only. */
#ifndef MOTE_HOST_H
#define MOTE_HOST_H

#include "mote/loader.h"

#ifdef __cplusplus
extern "C" {
#endif

/** zstd, for mote_loader_config.inflate; ctx is unused. A mote_inflate_fn. */
mote_status mote_zstd_inflate(void *ctx, uint8_t *dst, size_t dst_bytes, const uint8_t *src,
                              size_t src_bytes) MOTE_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
