/* SPDX-License-Identifier: Apache-2.0
 * Builds the hash tree bottom-up from the lengths and digests of the chunks. Spec format.md 7. Host only. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/le.h"
#include "write/layout.h"

static size_t page_stride(unsigned level)
{
    return level == 1 ? MOTE_PAGE_BYTES_LEVEL1 : MOTE_PAGE_BYTES_ABOVE;
}

mote_status mote_pages_make(mote_pages *p, const mote_crypto *c, uint32_t n_chunks, const uint32_t *lengths,
                            const uint8_t *digests)
{
    *p = (mote_pages){ .n_chunks = n_chunks, .height = mote_tree_height(n_chunks) };
    uint64_t *len = calloc(n_chunks, sizeof *len); /* of the nodes of the level below: subtree bytes */
    uint8_t *dig = malloc((size_t)n_chunks * MOTE_DIGEST_BYTES);
    mote_status st = MOTE_ERR_NOMEM;
    if (!len || !dig) goto out;
    for (uint32_t i = 0; i < n_chunks; i++) len[i] = lengths[i];
    memcpy(dig, digests, (size_t)n_chunks * MOTE_DIGEST_BYTES);
    uint32_t nodes = n_chunks;
    for (unsigned k = 1; k <= p->height; k++) {
        uint32_t pages = (nodes + MOTE_FANOUT - 1) / MOTE_FANOUT;
        uint8_t *at = p->level[k] = calloc(pages, page_stride(k));
        if (!at) goto out;
        for (uint32_t j = 0; j < pages; j++, at += page_stride(k)) {
            uint32_t first = j * MOTE_FANOUT, m = nodes - first < MOTE_FANOUT ? nodes - first : MOTE_FANOUT;
            size_t width = k == 1 ? 36 : 40, bytes = m * width;
            uint64_t total = bytes;
            for (uint32_t i = 0; i < m; i++) {
                uint8_t *e = at + i * width;
                if (k == 1)
                    mote_put32(e, (uint32_t)len[first + i]);
                else
                    mote_put64(e, len[first + i]);
                memcpy(e + width - MOTE_DIGEST_BYTES, dig + (size_t)(first + i) * MOTE_DIGEST_BYTES, MOTE_DIGEST_BYTES);
                total += len[first + i];
            }
            len[j] = total; /* j <= first: the entry has been used */
            mote_digest(c, dig + (size_t)j * MOTE_DIGEST_BYTES, MOTE_ROLE_PAGE, at, bytes);
        }
        nodes = pages;
    }
    p->body_bytes = len[0];
    memcpy(p->root, dig, MOTE_DIGEST_BYTES);
    st = p->body_bytes < MOTE_BODY_MAX ? MOTE_OK : MOTE_ERR_LIMIT;
out:
    free(len);
    free(dig);
    return st;
}

mote_piece mote_pages_page(const mote_pages *p, unsigned level, uint32_t first)
{
    return (mote_piece){ p->level[level] + (size_t)(first >> 4 * level) * page_stride(level),
                         mote_tree_page_bytes(p->n_chunks, level, first) };
}

void mote_pages_free(mote_pages *p)
{
    for (unsigned k = 0; k <= MOTE_LEVELS_MAX; k++) free(p->level[k]);
    *p = (mote_pages){ 0 };
}
