# SPDX-License-Identifier: Apache-2.0
"""Records (format.md 8) and entries (9)."""

from collections import namedtuple
from dataclasses import dataclass

from .registry import DTYPES, KINDS, Dtype
from .status import check
from .wire import Cursor, fields, text

ENTRY, HEAD, RESIDENT, SEGMENT = range(1, 5)

Record = namedtuple("Record", "type chunk offset size value first last")    # size: header included


def records(chunks):
    """8: the records of all chunks in order; chunks are bytes."""
    for i, chunk in enumerate(chunks):
        cursor = Cursor(chunk)
        while cursor.left():
            at = cursor.at
            kind = cursor.varint()
            check(ENTRY <= kind <= SEGMENT, "RECORD", f"type {kind}")
            value = cursor.take(cursor.varint())
            yield Record(kind, i, at, cursor.at - at, value, at == 0, cursor.left() == 0)


@dataclass
class Entry:
    kind: str = None
    name: str = None
    dtype: Dtype = None
    shape: tuple = None
    chunk: int = 0
    offset: int = 0
    stored: int = None
    digest: bytes = None
    order: tuple = None         # what entries ascend by

    @property
    def elements(self):
        n = 1
        for d in self.shape:
            n *= d
        return n

    @property
    def nbytes(self):
        return -(-self.elements * self.dtype.bits // 8)


def read_entry(data):
    """9"""
    e, values = Entry(), {}
    for tag, c in fields(Cursor(data), (2, 4, 6, 8, 10, 12, 15)):
        if tag == 2:
            kind = c.u8()
            check(kind in KINDS, "VALUE", f"kind {kind}")
            e.kind = KINDS[kind]
        elif tag == 4:
            check(1 <= c.left() <= 255, "LIMIT", "length of a name")
            name = c.rest()
            e.name = text(name)
        elif tag == 6:
            dtype = c.u8()
            check(dtype in DTYPES, "VALUE", f"dtype {dtype}")
            e.dtype = DTYPES[dtype]
        elif tag == 8:
            shape, product = [], 1
            while c.left():
                shape.append(c.varint())
                check(len(shape) <= 8, "LIMIT", "rank")
                check(shape[-1] < 2**40, "LIMIT", "dimension")
                product *= shape[-1] or 1
                check(product < 2**48, "LIMIT", "elements")
            e.shape = tuple(shape)
        elif tag == 10:
            e.chunk, e.offset = c.fixed(4), c.fixed(4)
        elif tag == 12:
            e.stored = c.varint()
        else:
            e.digest = c.take(32)
        values[tag] = True
    check({2, 4, 6, 8, 10, 12} <= values.keys(), "MISSING", "a field of an entry")
    check(e.kind == "tensor" or (e.dtype.name == "u8" and len(e.shape) == 1), "VALUE", f"a {e.kind} is u8 of rank 1")
    check((e.stored == 0) == (e.elements == 0), "VALUE", "stored")
    check(e.elements or (e.chunk, e.offset) == (0, 0), "VALUE", "place")
    e.order = (kind, name)
    return e
