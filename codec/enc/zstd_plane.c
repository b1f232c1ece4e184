/* SPDX-License-Identifier: Apache-2.0
 * The only file of the encoder that knows libzstd. Host only. */
#include "enc/zstd_plane.h"

#include <stdlib.h>
#include <zstd.h>

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
