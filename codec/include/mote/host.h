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

/** Whether the decoded elements of a tensor, as in format.md 9, have the digest that its entry states. */
bool mote_tensor_digest_is(const uint8_t digest[MOTE_DIGEST_BYTES], const uint8_t *elements, size_t bytes);

/** Threads that decode segments for one loader. */
typedef struct mote_pool mote_pool;

/**
 * Start up to `threads` threads, at most 64, and say in *dispatch how to employ them.
 *
 * Memory  2 records and a segment's worth of zstd output for each; free with mote_pool_free(), after the loader's last
 *         call. NULL: no memory, or not one thread could be started
 */
mote_pool *mote_pool_create(unsigned threads, mote_dispatch *dispatch);
void mote_pool_free(mote_pool *p);

#ifdef __cplusplus
}
#endif
#endif
