/* SPDX-License-Identifier: Apache-2.0
 * The hash tree: fan-out 16, pages before their children, all chunks at one depth, so that what comes next is a
 * function of the chunk number alone. Spec format.md 7. Device code. */
#include <string.h>

#include "base/apart.h"
#include "base/digest.h"
#include "base/le.h"
#include "mote/package.h"

unsigned mote_tree_height(uint32_t n_chunks)
{
    unsigned h = 0;
    for (; n_chunks > 1; n_chunks = (n_chunks - 1) / MOTE_FANOUT + 1) h++;
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

uint32_t mote_tree_page_bytes(uint32_t n_chunks, unsigned level, uint32_t first)
{
    uint32_t below = (n_chunks - first - 1) >> 4 * (level - 1); /* ceil((n - first) / 16^(k-1)) - 1 children */
    return (below >= MOTE_FANOUT ? MOTE_FANOUT : below + 1) * entry_bytes(level);
}

uint64_t mote_tree_pages_bytes(uint32_t n_chunks)
{
    uint64_t total = 0;
    for (unsigned k = 1; n_chunks > 1; k++) {
        total += (uint64_t)n_chunks * entry_bytes(k);
        n_chunks = (n_chunks - 1) / MOTE_FANOUT + 1;
    }
    return total;
}

/* First chunk of the node of level k on the way to chunk c. */
static uint32_t first_of(uint32_t c, unsigned level)
{
    return c >> 4 * level << 4 * level;
}

/* Bytes of the page of level k on the way to t->chunk. */
static uint32_t page_bytes(const mote_tree *t, unsigned level)
{
    return mote_tree_page_bytes(t->manifest->n_chunks, level, first_of(t->chunk, level));
}

/* The root's page comes first, so that only the last is shorter than the others. */
MOTE_APART static uint8_t *page_at(const mote_tree *t, unsigned level)
{
    return t->pages + (size_t)MOTE_PAGE_BYTES_ABOVE * (t->height - level);
}

uint8_t *mote_tree_page(const mote_tree *t)
{
    return page_at(t, t->level);
}

/* Length in an entry of a page of that level. What a size_t does not hold is more than any body has. */
static size_t length_of(const uint8_t *entry, unsigned level)
{
    const uint64_t high = level == 1 ? 0 : mote_le32(entry + 4), n = high << 32 | mote_le32(entry);
    return n > SIZE_MAX ? SIZE_MAX : (size_t)n;
}

/* Bytes of a page before the entry of the node of `level` on the way to t->chunk. */
static size_t before(const mote_tree *t, unsigned level)
{
    return (t->chunk >> 4 * level & (MOTE_FANOUT - 1)) * entry_bytes(level + 1);
}

/* What the parent of the node to read next says of it: its length, and where its digest is. */
static size_t stated(const mote_tree *t, const uint8_t **digest)
{
    *digest = t->manifest->root;
    if (t->level == t->height) return t->manifest->body_bytes;
    const uint8_t *entry = page_at(t, t->level + 1u) + before(t, t->level);
    *digest = entry + entry_bytes(t->level + 1u) - MOTE_DIGEST_BYTES;
    return length_of(entry, t->level + 1u);
}

void mote_tree_init(mote_tree *t, const mote_manifest *m, const mote_crypto *crypto, uint8_t *pages)
{
    t->crypto = crypto;
    t->manifest = m;
    t->pages = pages;
    t->chunk = 0;
    t->valid = 0;
    t->level = t->height = (uint8_t)mote_tree_height(m->n_chunks);
}

mote_status mote_tree_next(const mote_tree *t, uint32_t *bytes)
{
    const uint8_t *digest;
    const size_t n = t->level ? page_bytes(t, t->level) : stated(t, &digest);
    if (t->level == 0 && (n < 1 || n > t->manifest->facts.chunk_max)) return MOTE_ERR_TREE;
    *bytes = (uint32_t)n;
    return MOTE_OK;
}

const uint8_t *mote_tree_digest(const mote_tree *t)
{
    const uint8_t *digest;
    (void)stated(t, &digest);
    return digest;
}

mote_status mote_tree_accept(mote_tree *t, const uint8_t *bytes, size_t n)
{
    const unsigned k = t->level;
    const uint8_t *digest;
    size_t left = stated(t, &digest);
    if (!mote_digest_is(t->crypto, digest, k ? MOTE_ROLE_PAGE : MOTE_ROLE_CHUNK, bytes, n)) return MOTE_ERR_DIGEST;
    if (k == 0) return MOTE_OK;
    /* the lengths in a page and its own size must add up to what its parent says of it */
    if (n > left) return MOTE_ERR_TREE;
    left -= n;
    for (const uint8_t *e = bytes, *end = bytes + n; e < end; e += entry_bytes(k)) {
        const size_t len = length_of(e, k);
        if (len < 1 || len > left || (k == 1 && len > t->manifest->facts.chunk_max)) return MOTE_ERR_TREE;
        left -= len;
    }
    if (left) return MOTE_ERR_TREE;
    memmove(page_at(t, k), bytes, n); /* which is where it was read to, most often */
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
    if (t->chunk + 1 >= t->manifest->n_chunks) return false;
    lead_to(t, t->chunk + 1);
    return true;
}

void mote_tree_seek(mote_tree *t, uint32_t chunk)
{
    lead_to(t, chunk);
}

size_t mote_tree_position(const mote_tree *t)
{
    size_t at = 0;
    for (unsigned k = t->height; k > t->level; k--) {
        at += page_bytes(t, k);
        const uint8_t *page = page_at(t, k);
        for (size_t i = 0, end = before(t, k - 1); i < end; i += entry_bytes(k)) at += length_of(page + i, k);
    }
    return at;
}
