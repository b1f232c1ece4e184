/* SPDX-License-Identifier: Apache-2.0
 * See inflate.h. A frame is decoded from the chunk into the caller's output: no window, no stream buffers. What frames may
 * not have and libzstd would take is refused here: dictionaries, windows beyond 2^27, sizes that are not stated, more than
 * one frame. */
#include "inflate.h"

#include <stdbool.h>
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

enum { CONTEXT = 30720, DICTIONARY_BITS = 3, WINDOW_MAX = 1 << 27 };

static uint64_t memory[CONTEXT / 8];

static bool may_be(const uint8_t *src, size_t src_bytes, size_t dst_bytes)
{
    ZSTD_frameHeader h;
    if (ZSTD_getFrameHeader(&h, src, src_bytes) != 0 || h.frameType != ZSTD_frame) return false;
    return (src[4] & DICTIONARY_BITS) == 0 && h.windowSize <= WINDOW_MAX && h.frameContentSize == dst_bytes &&
           ZSTD_findFrameCompressedSize(src, src_bytes) == src_bytes;
}

mote_status device_inflate(void *ctx, uint8_t *dst, size_t dst_bytes, const uint8_t *src, size_t src_bytes)
{
    (void)ctx;
    if (!may_be(src, src_bytes, dst_bytes)) return MOTE_ERR_ZSTD;
    ZSTD_DCtx *context = ZSTD_initStaticDCtx(memory, sizeof memory);
    if (!context) return MOTE_ERR_NOMEM;
    return ZSTD_decompressDCtx(context, dst, dst_bytes, src, src_bytes) == dst_bytes ? MOTE_OK : MOTE_ERR_ZSTD;
}

size_t device_inflate_ram(void)
{
    return sizeof memory;
}
