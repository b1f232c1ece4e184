# SPDX-License-Identifier: Apache-2.0
"""The hash tree (format.md 7), index files (7.1) and resume tokens (7.2)."""

from collections import namedtuple

from .status import check
from .wire import digest

FAN = 16

Chunk = namedtuple("Chunk", "offset length digest")     # offset: in the body


def height(n_chunks):
    h = 0
    while FAN**h < n_chunks:
        h += 1
    return h


def page_bytes(n_chunks):
    """Bytes of all pages: a page has one entry for each child, so count the nodes below each level."""
    total, below = 0, n_chunks
    for level in range(1, height(n_chunks) + 1):
        total += below * (36 if level == 1 else 40)
        below = -(-below // FAN)
    return total


def walk(cursor, m, with_chunks=True):
    """Reads a body, or only its pages, in file order and checks every digest and length. Returns the place of each
    chunk in the body; with chunks, what it returns is proven to be what the manifest names."""
    h, chunks, at = height(m.n_chunks), [], 0
    slots = [None] * (h + 1)            # slots[k]: entries (length, digest) of the page of level k that is in force

    def entry(level, i):
        """What the parent says of the node of this level that covers chunk i."""
        return (m.body_len, m.root) if level == h else slots[level + 1][i // FAN**level % FAN]

    for i in range(m.n_chunks):
        for k in range(h, 0, -1):
            if i % FAN**k:
                continue
            width = 4 if k == 1 else 8
            n = min(FAN, -(-(m.n_chunks - i) // FAN**(k - 1)))
            page = cursor.take((width + 32) * n)
            length, expected = entry(k, i)
            check(digest("mote1 page", page) == expected, "DIGEST", f"page of level {k} at chunk {i}")
            slots[k] = [(int.from_bytes(page[j:j + width], "little"), page[j + width:j + width + 32])
                        for j in range(0, len(page), width + 32)]
            lengths = [x for x, _ in slots[k]]
            check(all(lengths) and sum(lengths) + len(page) == length, "TREE", f"page of level {k} at chunk {i}")
            check(k > 1 or max(lengths) <= m.facts.chunk_max, "TREE", "chunk_max")
            at += len(page)
        length, expected = entry(0, i)
        check(length <= m.facts.chunk_max, "TREE", "chunk_max")
        if with_chunks:
            check(digest("mote1 chunk", cursor.take(length)) == expected, "DIGEST", f"chunk {i}")
        chunks.append(Chunk(at, length, expected))
        at += length
    cursor.done()
    return chunks


def check_token(token, manifest_digest, n_chunks):
    """7.2: the chunk and the cursor of a resume token; STATE if it is of another package or of no chunk of this one."""
    check(len(token) == 40, "STATE", "a token of another length")
    check(token[:32] == manifest_digest, "STATE", "a token of another package")
    chunk, cursor = int.from_bytes(token[32:36], "little"), int.from_bytes(token[36:40], "little")
    check(chunk < n_chunks, "STATE", f"there is no chunk {chunk}")
    return chunk, cursor
