/* SPDX-License-Identifier: Apache-2.0
 * The hash tree: fan-out 16, pages before their children, all chunks at one depth, so that what comes next is a
 * function of the chunk number alone. Spec format.md 7. Device code. */
#include <string.h>

#include "base/digest.h"
#include "base/le.h"
#include "mote/package.h"

unsigned mote_tree_height(uint32_t n_chunks)
{
    unsigned h = 0;
    while (h < MOTE_LEVELS_MAX && n_chunks > (uint32_t)1 << 4 * h) h++;
    return h;
}

size_t mote_tree_path_bytes(unsigned height)
{
    return height ? MOTE_PAGE_BYTES_LEVEL1 + (size_t)MOTE_PAGE_BYTES_ABOVE * (height - 1) : 0;
}

static unsigned entry_bytes(unsigned level)
{
    return level == 1 ? 36 : 40;
}

/* Children of the page of level k >= 1 whose first chunk is `first` < n. */
static unsigned page_entries(uint32_t n, unsigned level, uint32_t first)
{
    unsigned shift = 4 * (level - 1);
    uint32_t below = (n - first - 1) >> shift; /* ceil((n - first) / 16^(k-1)) - 1 */
    return below >= MOTE_FANOUT ? MOTE_FANOUT : (unsigned)below + 1;
}

uint32_t mote_tree_page_bytes(uint32_t n_chunks, unsigned level, uint32_t first)
{
    return page_entries(n_chunks, level, first) * entry_bytes(level);
}

uint64_t mote_tree_pages_bytes(uint32_t n_chunks)
{
    uint64_t total = 0, nodes = n_chunks;
    for (unsigned k = 1, h = mote_tree_height(n_chunks); k <= h; k++) {
        total += nodes * entry_bytes(k);
        nodes = (nodes + MOTE_FANOUT - 1) / MOTE_FANOUT;
    }
    return total;
}

/* First chunk of the node of level k on the way to chunk c. */
static uint32_t first_of(uint32_t c, unsigned level)
{
    return c >> 4 * level << 4 * level;
}

static uint8_t *page_at(const mote_tree *t, unsigned level)
{
    return t->pages + (level == 1 ? 0 : MOTE_PAGE_BYTES_LEVEL1 + (size_t)MOTE_PAGE_BYTES_ABOVE * (level - 2));
}

uint8_t *mote_tree_page(const mote_tree *t)
{
    return page_at(t, t->level);
}

static uint64_t entry_length(const mote_tree *t, unsigned level, unsigned i)
{
    const uint8_t *p = page_at(t, level) + i * entry_bytes(level);
    return level == 1 ? mote_le32(p) : mote_le64(p);
}

/* Place of the node of `level` on the way to t->chunk within its parent page. */
static unsigned slot_of(const mote_tree *t, unsigned level)
{
    return t->chunk >> 4 * level & (MOTE_FANOUT - 1);
}

/* What the parent says of the node of `level` on the way to t->chunk. */
static uint64_t node_length(const mote_tree *t, unsigned level)
{
    return level == t->height ? t->body_bytes : entry_length(t, level + 1, slot_of(t, level));
}

static const uint8_t *node_digest(const mote_tree *t, unsigned level)
{
    if (level == t->height) return t->root;
    unsigned n = entry_bytes(level + 1);
    return page_at(t, level + 1) + (slot_of(t, level) + 1) * n - MOTE_DIGEST_BYTES;
}

void mote_tree_init(mote_tree *t, const mote_manifest *m, const mote_crypto *crypto, uint8_t *pages)
{
    *t = (mote_tree){.crypto = crypto,
                     .pages = pages,
                     .body_bytes = m->body_bytes,
                     .n_chunks = m->n_chunks,
                     .chunk_max = (uint32_t)m->facts.chunk_max,
                     .height = (uint8_t)mote_tree_height(m->n_chunks)};
    t->level = t->height;
    memcpy(t->root, m->root, MOTE_DIGEST_BYTES);
}

mote_status mote_tree_next(const mote_tree *t, uint32_t *bytes)
{
    uint64_t n = node_length(t, t->level);
    if (t->level == 0) {
        if (n < 1 || n > t->chunk_max) return MOTE_ERR_TREE;
        *bytes = (uint32_t)n;
    } else {
        *bytes = mote_tree_page_bytes(t->n_chunks, t->level, first_of(t->chunk, t->level));
    }
    return MOTE_OK;
}

/* The lengths in a page and its own size must add up to what its parent says of it. */
static bool page_adds_up(const mote_tree *t, unsigned level, const uint8_t *page, size_t n)
{
    uint64_t left = node_length(t, level);
    if (n > left) return false;
    left -= n;
    for (size_t at = 0; at < n; at += entry_bytes(level)) {
        uint64_t len = level == 1 ? mote_le32(page + at) : mote_le64(page + at);
        if (len < 1 || len > left || (level == 1 && len > t->chunk_max)) return false;
        left -= len;
    }
    return left == 0;
}

mote_status mote_tree_accept(mote_tree *t, const uint8_t *bytes, size_t n)
{
    unsigned k = t->level;
    if (!mote_digest_is(t->crypto, node_digest(t, k), k ? MOTE_ROLE_PAGE : MOTE_ROLE_CHUNK, bytes, n))
        return MOTE_ERR_DIGEST;
    if (k == 0) return MOTE_OK;
    if (!page_adds_up(t, k, bytes, n)) return MOTE_ERR_TREE;
    if (bytes != page_at(t, k)) memcpy(page_at(t, k), bytes, n);
    t->valid |= (uint8_t)(1u << (k - 1));
    t->level--;
    return MOTE_OK;
}

/* The pages in memory that are on the way to both chunks stay; reading goes on below them. */
static void lead_to(mote_tree *t, uint32_t chunk)
{
    unsigned k = t->height;
    while (k > 0 && (t->valid >> (k - 1) & 1) && first_of(chunk, k) == first_of(t->chunk, k)) k--;
    t->valid &= (uint8_t)(0xFFu << k);
    t->chunk = chunk;
    t->level = (uint8_t)k;
}

bool mote_tree_advance(mote_tree *t)
{
    if (t->chunk + 1 >= t->n_chunks) return false;
    lead_to(t, t->chunk + 1);
    return true;
}

void mote_tree_seek(mote_tree *t, uint32_t chunk)
{
    lead_to(t, chunk);
}

uint64_t mote_tree_position(const mote_tree *t)
{
    uint64_t at = 0;
    for (unsigned k = t->height; k > t->level; k--) {
        at += mote_tree_page_bytes(t->n_chunks, k, first_of(t->chunk, k));
        for (unsigned i = 0, me = slot_of(t, k - 1); i < me; i++) at += entry_length(t, k, i);
    }
    return at;
}
