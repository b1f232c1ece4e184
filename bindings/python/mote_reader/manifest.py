# SPDX-License-Identifier: Apache-2.0
"""The manifest (format.md 5) and the policy that is compared with it (11)."""

from collections import namedtuple
from dataclasses import dataclass, field

from . import tree
from .registry import IMPLEMENTED
from .status import check
from .wire import Cursor, fields, text

FACTS = ("n_entries", "chunk_max", "entry_max", "head_max", "resident_max", "seg_elems_max", "seg_raw_max",
         "table_slots_max", "tensor_max", "decoded_total")
Facts = namedtuple("Facts", FACTS)

MAX_CHUNKS, MAX_BODY, MAX_CHUNK, MIN_ENTRY = 2**28, 2**48, 2**20, 26


@dataclass
class Manifest:
    n_chunks: int = 0
    body_len: int = 0
    root: bytes = b""
    facts: Facts = None
    needs: frozenset = None
    name: str = None
    sequence: int = None
    vendor: bytes = None
    classes: tuple = ()
    version: str = None
    created: int = None
    not_after: int = None
    tool: str = None


def _tree(m, c):
    m.n_chunks, m.body_len, m.root = c.varint(), c.varint(), c.take(32)
    check(1 <= m.n_chunks <= MAX_CHUNKS, "LIMIT", "n_chunks")
    check(m.body_len < MAX_BODY, "LIMIT", "body_len")
    check(m.body_len >= tree.page_bytes(m.n_chunks) + 2 * m.n_chunks, "TREE", "body_len")


def _facts(m, c):
    m.facts = f = Facts(*(c.varint() for _ in FACTS))
    c.done()
    check(1 <= f.n_entries < 2**32, "LIMIT", "n_entries")
    check(1 <= f.chunk_max <= MAX_CHUNK, "LIMIT", "chunk_max")
    check(f.entry_max <= f.chunk_max, "LIMIT", "entry_max")
    check(f.head_max <= f.chunk_max, "LIMIT", "head_max")
    check(f.table_slots_max <= f.head_max // 5 + 64, "LIMIT", "table_slots_max")


def _needs(m, c):
    ids = []
    while c.left():
        ids.append(c.varint())
        check(ids[-1] <= 127, "LIMIT", "needs")
        check(ids[-1] > (ids[-2] if len(ids) > 1 else 0), "ORDER", "needs")
    m.needs = frozenset(ids)


def _classes(m, c):
    check(c.left() in range(16, 129, 16), "VALUE", "class")
    m.classes = tuple(c.take(16) for _ in range(c.left() // 16))
    check(all(a < b for a, b in zip(m.classes, m.classes[1:])), "ORDER", "class")


def _text(c, most):
    check(1 <= c.left() <= most, "LIMIT", "length of a text")
    return text(c.rest())


def _positive(c):
    v = c.varint()
    check(v > 0, "VALUE", "zero")
    return v


READERS = {
    2: _tree, 4: _facts, 6: _needs, 14: _classes,
    8: lambda m, c: setattr(m, "name", _text(c, 64)),
    10: lambda m, c: setattr(m, "sequence", _positive(c)),
    12: lambda m, c: setattr(m, "vendor", c.take(16)),
    17: lambda m, c: setattr(m, "version", _text(c, 63)),
    19: lambda m, c: setattr(m, "created", _positive(c)),
    21: lambda m, c: setattr(m, "not_after", _positive(c)),
    23: lambda m, c: setattr(m, "tool", _text(c, 63)),
}


def read(data):
    """5: the manifest. 16, 18 and 20 are reserved, which for a reader is the same as unknown: CRITICAL."""
    m, seen = Manifest(), set()
    for tag, value in fields(Cursor(data), READERS):
        READERS[tag](m, value)
        seen.add(tag)
    check({2, 4, 6} <= seen, "MISSING", "tree, facts or needs")
    check(m.facts.n_entries <= m.body_len // MIN_ENTRY, "LIMIT", "n_entries")
    return m


@dataclass
class Policy:
    """11: what the platform expects; None is not compared. `installed` is (sequence, manifest digest). `limits`: the most
    that facts may be. A few bytes can stand for any number of equal elements, so there is one from the beginning: entries
    of at most 1 GiB."""
    name: str = None
    vendor: bytes = None
    device_class: bytes = None
    installed: tuple = None
    has: frozenset = frozenset(IMPLEMENTED)
    limits: dict = field(default_factory=lambda: {"tensor_max": 2**30})

    def compare(self, m, manifest_digest):
        check(self.name is None or m.name == self.name, "NAME", f"{m.name}")
        check(self.vendor is None or m.vendor == self.vendor, "VENDOR")
        check(self.device_class is None or self.device_class in m.classes, "CLASS")
        if self.installed is not None:
            sequence, digest = self.installed
            own = m.sequence or 0
            check(own >= sequence, "ROLLBACK", f"{own} < {sequence}")
            if own == sequence:
                check(digest != manifest_digest, "INSTALLED")
                check(False, "SAME_SEQUENCE")
        check(m.needs <= self.has, "NEEDS", f"ids {sorted(m.needs - self.has)}")
        for fact, most in self.limits.items():
            check(getattr(m.facts, fact) <= most, "MEMORY", f"{fact} {getattr(m.facts, fact)}")
