# SPDX-License-Identifier: Apache-2.0
"""Ids of registry.md: dtypes, kinds, layouts, numerics, coders, features; and what this reader has of them."""

from collections import namedtuple

from .status import MoteError

Dtype = namedtuple("Dtype", "id name bits")

DTYPES = {i: Dtype(i, name, bits) for i, (name, bits) in enumerate((
    ("bool", 8), ("u8", 8), ("i8", 8), ("u16", 16), ("i16", 16), ("u32", 32), ("i32", 32), ("u64", 64), ("i64", 64),
    ("f16", 16), ("bf16", 16), ("f32", 32), ("f64", 64), ("f8_e4m3", 8), ("f8_e5m2", 8), ("f8_e4m3fnuz", 8),
    ("f8_e5m2fnuz", 8), ("f8_e8m0", 8), ("f6_e2m3", 6), ("f6_e3m2", 6), ("f4", 4), ("u4", 4), ("i4", 4), ("c64", 64),
    ("c128", 128)), 1)}
DTYPE = {d.name: d for d in DTYPES.values()}

KINDS = {1: "tensor", 2: "blob", 3: "text"}

LAYOUTS = {1: "dense", 2: "bitmask", 3: "csr", 4: "lowrank"}
NUMERICS = {32: "stored", 33: "float", 34: "integer", 35: "affine", 36: "trellis", 37: "codebook"}
CODERS = {96: "stored", 97: "constant", 98: "rans-1", 99: "rans-8", 100: "rans-32", 101: "zstd", 102: "adaptive-1"}
SUM_OF_TERMS = 31
ZERO_POINTS, GROUPS, CODES_16, FOLDED, PACKED, OWN_STATES = range(112, 118)

IMPLEMENTED = {*LAYOUTS, SUM_OF_TERMS, *NUMERICS, *CODERS, *range(112, 118)}

LANES = {"rans-1": 1, "rans-8": 8, "rans-32": 32, "adaptive-1": 1}


def pick(cursor, table, low, high, used):
    """codecs.md 2: the name of an id of `table`, whose range in registry.md 3 is low..high; adds the id to `used`."""
    number = cursor.varint()
    if number not in table:
        raise MoteError("UNSUPPORTED" if low <= number <= high else "HEAD", f"id {number}")
    used.add(number)
    return table[number]


def layout(cursor, used):
    return pick(cursor, LAYOUTS, 1, 31, used)


def numeric(cursor, used):
    return pick(cursor, NUMERICS, 32, 95, used)


def coder(cursor, used):
    return pick(cursor, CODERS, 96, 111, used)
