/* SPDX-License-Identifier: Apache-2.0
 * The only file that knows libzstd: frames are made, and inflated for the loader. Host only. */
#include "enc/zstd_plane.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "mote/host.h"

#define WINDOW_MAX 27 /* log2 of what decoders must accept */

mote_status mote_zstd_frame(uint8_t **frame, size_t *bytes, const uint8_t *p, size_t n, unsigned level)
{
    mote_status st = MOTE_ERR_NOMEM;
    size_t room = ZSTD_compressBound(n), got = 0;
    uint8_t *to = malloc(room);
    ZSTD_CCtx *c = ZSTD_createCCtx();
    if (!to || !c) goto out;
    if (ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, (int)level)) ||
        ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(c, n)))
        goto out;
    if (n > (size_t)1 << WINDOW_MAX && ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, WINDOW_MAX))) goto out;
    got = ZSTD_compress2(c, to, room, p, n);
    if (ZSTD_isError(got)) goto out;
    *frame = to;
    *bytes = got;
    to = NULL;
    st = MOTE_OK;
out:
    ZSTD_freeCCtx(c);
    free(to);
    return st;
}

/* What libzstd does not check where it needs no window: that it is at most 2^27, and that no dictionary is named. */
static bool header_is_plain(const uint8_t *p, size_t n)
{
    static const uint8_t magic[4] = { 0x28, 0xB5, 0x2F, 0xFD };
    if (n < 6 || memcmp(p, magic, sizeof magic) != 0 || (p[4] & 3) != 0) return false;
    if (p[4] & 0x20) return ZSTD_getFrameContentSize(p, n) <= (uint64_t)1 << WINDOW_MAX; /* the content is the window */
    const uint64_t base = (uint64_t)1 << (10 + (p[5] >> 3));
    return base + (base >> 3) * (p[5] & 7) <= (uint64_t)1 << WINDOW_MAX;
}

mote_status mote_zstd_inflate(void *ctx, uint8_t *dst, size_t dst_bytes, const uint8_t *src, size_t src_bytes)
{
    (void)ctx;
    /* An unknown size and an error are the largest numbers, so neither equals the bytes wanted. */
    if (!header_is_plain(src, src_bytes) || ZSTD_getFrameContentSize(src, src_bytes) != dst_bytes ||
        ZSTD_findFrameCompressedSize(src, src_bytes) != src_bytes)
        return MOTE_ERR_ZSTD;
    const size_t got = ZSTD_decompress(dst, dst_bytes, src, src_bytes);
    if (ZSTD_isError(got) && ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation) return MOTE_ERR_NOMEM;
    return got == dst_bytes ? MOTE_OK : MOTE_ERR_ZSTD;
}
