# SPDX-License-Identifier: Apache-2.0
"""Packages made by hand for what the example files of the specification do not show: corners that its text decides.
Each has one status that is due; the reader of bindings/python and `mote unpack` must give it, and the same elements.
usage: crafted.py MOTE FOLDER"""

import os
import struct
import sys

import numpy as np

from common import MoteError, Package, mote, put_together, read_safetensors, refusal, varint as v, wire, write
from mote_reader import directory, head, rans, registry, tables, trellis
from mote_reader.layouts import Grid
from mote_reader.planes import pack

DENSE, BITMASK, CSR, LOWRANK = map(v, range(1, 5))
STORED, FLOAT, INTEGER, AFFINE, TRELLIS, CODEBOOK = map(v, range(32, 38))
RAW, CONSTANT, RANS1, RANS8, RANS32, ZSTD, ADAPTIVE = map(v, range(96, 103))
F16, BF16, F32, E5M2 = map(v, (10, 11, 12, 15))


def zv(x):
    return v(2 * x if x >= 0 else -2 * x - 1)


def constant(x):
    return CONSTANT + zv(x)


def f32(*x):
    return np.array(x, np.float32).tobytes()


def fields(*pairs):
    return b"".join(v(tag) + v(len(value)) + value for tag, value in pairs)


class Everything:
    """As needs: every id is stated."""

    def __contains__(self, _):
        return True


class Tensor:
    """An entry with its records. `like`: the head that facts and needs are taken from if its own is refused."""

    def __init__(self, dtype, shape, head_fields, segments, residents=(), name=b"w", digest=None, kind=1, like=None):
        self.dtype, self.shape, self.segments, self.residents = registry.DTYPE[dtype], shape, segments, residents
        self.name, self.digest, self.kind, self.like = name, digest, kind, like
        self.n = int(np.prod(shape, dtype=np.int64))
        self.head = fields(*sorted(head_fields))

    def records(self):
        def record(kind, value):
            return v(kind) + v(len(value)) + value
        return [record(2, self.head)] + [record(3, r) for r in self.residents] + [record(4, s) for s in self.segments]

    def entry(self, place):
        pairs = [(2, bytes([self.kind])), (4, self.name), (6, bytes([self.dtype.id])),
                 (8, b"".join(map(v, self.shape))), (10, struct.pack("<II", *place)),
                 (12, v(sum(map(len, self.records()))))]
        value = fields(*pairs, *([(15, self.digest)] if self.digest else []))
        return v(1) + v(len(value)) + value


def package(t, more=()):
    """An unsigned package of one tensor that states the facts and needs that it has."""
    records, front = t.records(), len(t.entry((0, 0)))
    many, n_front = len(t.segments) > 1, 1 + len(t.residents)
    entry = t.entry((1, 0) if many else (0, front))
    first = b"".join(records[:n_front + 1])
    chunks = [entry, first] if many else [entry + first]
    chunks += records[n_front + 1:]
    needs, codec = registry.IMPLEMENTED, (0, t.n, -(-t.n * t.dtype.bits // 8), 0)
    try:
        h = head.Head(t.head, directory.Entry("tensor", "w", t.dtype, t.shape), Everything())
    except MoteError:
        h = t.like                          # the head is what is refused, whatever it uses
    if h:
        needs = h.used
        codec = h.resident_bytes, h.grid.seg_elems, -(-h.grid.seg_elems * t.dtype.bits // 8), h.table_slots
    size = -(-t.n * t.dtype.bits // 8)
    facts = (1, max(map(len, chunks)), len(entry), len(records[0]), *codec, size, size)
    manifest = [(2, b""), (4, b"".join(map(v, facts))), (6, b"".join(map(v, sorted(needs)))), *more]
    return put_together(sorted(manifest), chunks)


def tensor(dtype, shape, grid, terms, segments, residents=(), more=(), **options):
    head_fields = [(2, b"".join(map(v, grid))), (4, terms), *more]
    if residents:
        head_fields.append((8, v(len(residents))))
    return Tensor(dtype, shape, head_fields, segments, residents, **options)


def dense(terms, segment, dtype="f32", shape=(2, 3), **more):
    return tensor(dtype, shape, (*shape, shape[0] * shape[1]), DENSE + terms, [segment], **more)


def sparse(layout, terms, segment, dtype="f32", shape=(2, 4)):
    return tensor(dtype, shape, (*shape, shape[0] * shape[1]), layout + terms, [segment])


def plain():
    raw = f32(1, 2, 3, 4, 5, 6)
    yield "stored", "OK", dense(STORED + RAW, raw)
    yield "entry digest", "OK", dense(STORED + RAW, raw, digest=wire.digest("mote1 tensor", raw))
    identity = [(8, b"crafted"), (10, v(1))]
    yield "another entry digest", "DIGEST", package(dense(STORED + RAW, raw, digest=bytes(32)), identity)
    yield "rank 0", "OK", tensor("f32", (), (1, 1, 1), DENSE + STORED + RAW, [f32(1)])
    yield "another matrix than the shape", "OK", tensor("f32", (2, 3), (6, 1, 4), DENSE + STORED + RAW,
                                                        [raw[:16], raw[16:]])
    yield "rows cut to one element", "OK", tensor("f32", (2, 3), (3, 2, 1), DENSE + STORED + RAW,
                                                  [raw[i:i + 4] for i in range(0, 24, 4)])
    yield "transposed, in segments", "OK", tensor("u8", (6,), (2, 3, 3), DENSE + INTEGER + v(0) + RAW,
                                                  [bytes(range(3)), bytes(range(3, 6))], more=[(10, v(1))])
    yield "no text is checked", "OK", tensor("u8", (3,), (1, 3, 3), DENSE + STORED + RAW, [b"\xff\xfe\0"], kind=3)
    yield "tag 6 of no bytes", "TRAILING", dense(STORED + RAW, raw, more=[(6, b"")])
    yield "no terms", "TRUNCATED", tensor("f32", (2, 3), (2, 3, 6), b"", [raw])
    for number, status in (10, "UNSUPPORTED"), (31, "UNSUPPORTED"), (32, "HEAD"):
        yield f"layout {number}", status, tensor("f32", (2, 3), (2, 3, 6), v(number) + STORED + RAW, [raw])
    yield "numeric 95", "UNSUPPORTED", dense(v(95) + RAW, raw)
    yield "coder 111", "UNSUPPORTED", dense(STORED + v(111), raw)
    yield "coder 112", "HEAD", dense(STORED + v(112), raw)


def floats():
    halves = np.array([0x0001, 0x8001, 0x03FF, 0x7C01, 0xFE00, 0x7C00, 0x0400, 0x8000], np.uint16)
    brains = np.array([0x0001, 0x8001, 0x007F, 0x7F81, 0xFFC0, 0x7F80, 0x0080, 0x8000], np.uint16)
    for dtype in "f32", "f64":
        for held, bits, m, k in (F16, halves, 10, 3), (BF16, brains, 7, 0):
            r = (bits >> 15).astype(np.int64) << m | bits & (1 << m) - 1
            e = (bits & 0x7FFF).astype(np.int64) >> m
            top, low = (e << k | r >> 8).astype(np.uint8).tobytes(), (r & 255).astype(np.uint8).tobytes()
            yield f"subnormals and NaNs as {dtype}", "OK", dense(
                FLOAT + held + RAW * 2, v(8) + top + low, dtype, (1, 8))
    yield "f32 subnormals and NaNs as f64", "OK", dense(FLOAT + F32 + RAW * 4, planes(
        np.array([1, 0x80000001, 0x7FFFFF, 0x7F800001, 0xFFC00001, 0x7F800000], np.uint32).view(np.float32)), "f64")
    yield "no such dtype", "HEAD", dense(FLOAT + v(99) + RAW * 4, b"")


def planes(x, all_with_length=False):
    """f32 by float, coder stored."""
    b = np.asarray(x, np.float32).view(np.uint32)
    r = b >> 31 << 23 | b & 0x7FFFFF
    parts = [(y & 255).astype(np.uint8).tobytes() for y in (b >> 23, r >> 16, r >> 8, r)]
    return b"".join(v(len(p)) + p for p in parts[:3]) + (v(len(parts[3])) if all_with_length else b"") + parts[3]


def integers():
    yield "background without folding uses `folded`", "OK", dense(INTEGER + v(16) + v(250) + constant(7), b"", "u8")
    yield "background of bool, folded", "OK", dense(INTEGER + v(24) + v(1) + constant(7), b"", "bool")
    yield "background 256", "HEAD", dense(INTEGER + v(16) + v(256) + constant(7), b"", "u8")
    for flags in 9, 15, 17, 23, 25, 32:
        yield f"nb {flags}", "HEAD", dense(INTEGER + v(flags) + v(2) + constant(7), b"", "i8")
    yield "folded: the last value", "OK", dense(INTEGER + v(8) + constant(254), b"", "i8")
    yield "folded: one more", "RANGE", dense(INTEGER + v(8) + constant(255), b"", "i8")
    yield "folded i16", "OK", dense(INTEGER + v(8) + constant(30003), b"", "i16")
    for dtype, nb in ("i64", 6), ("i64", 7), ("u64", 7):
        yield f"{dtype} in {nb} byte planes", "OK", dense(
            INTEGER + v(nb) + constant(100) + constant(5) * nb, b"", dtype)


def scaled():
    numbers = bytes([0, 1, 2, 255, 254, 128, 127, 0])
    for dtype in "f16", "bf16", "f32", "f64":
        for scale in f32(3e38), np.uint32(3).tobytes(), f32(6.1e-5 / 3):
            yield f"affine to {dtype}", "OK", dense(
                AFFINE + v(8) + v(0) + v(0) + F32 + scale + RAW, numbers, dtype, (2, 4))
        for table in 2, 3:
            yield f"f8 times a scale to {dtype}", "OK", dense(
                CODEBOOK + v(table) + v(0) + F32 + f32(1e36) + RAW, bytes(range(256)), dtype, (16, 16))
    yield "affine: 1 bit with a zero-point", "OK", dense(
        AFFINE + v(1) + v(1) + v(0) + F32 + f32(2) + v(1) + RAW, b"\x55", shape=(2, 4))
    yield "affine: zero-points of 16 bits", "OK", dense(
        AFFINE + v(16) + v(1) + v(1) + F16 + constant(200) + constant(3),
        v(4) + np.float16([1, 2]).tobytes() + struct.pack("<HH", 65535, 7), shape=(2, 4))
    one = v(0) + F32 + f32(1)
    for n, w in (2, 1), (3, 2), (5, 3), (16, 4), (17, 5), (129, 8), (256, 8):
        yield f"codebook of {n}: V of {w} bits", "OK", dense(
            CODEBOOK + v(0) + v(n) + F32 + v(0) + f32(*range(1, n + 1)) + one + RAW, pack(np.arange(8) % n, w),
            shape=(2, 4))
    yield "NF4: V of 4 bits", "OK", dense(CODEBOOK + v(1) + one + RAW, bytes(range(128)), shape=(16, 16))
    book = CODEBOOK + v(0) + v(2) + F32
    yield "codebook for more rows than there are", "OK", dense(
        book + v(100) + one + RAW, v(8) + f32(1, 2) + b"\xa5", shape=(2, 4))
    yield "codebooks of segments that begin inside a group", "OK", tensor(
        "f32", (5, 4), (5, 4, 12), DENSE + book + v(2) + one + RAW,
        [v(16) + f32(1, 2, 3, 4) + b"\xa5\x0c", v(16) + f32(5, 6, 7, 8) + b"\x35"])
    yield "codebooks of cut rows", "OK", tensor(
        "f32", (4, 5), (4, 5, 3), DENSE + book + v(2) + one + RAW, [v(8) + f32(1 + i, 2 + i) + b"\2" for i in range(8)])
    yield "groups of cut rows", "OK", tensor(
        "f32", (2, 5), (2, 5, 3), DENSE + AFFINE + v(8) + v(0) + v(2) + v(2) + F32 + RAW,
        [v(8) + f32(1, 2) + bytes([1, 2, 3]), v(4) + f32(3) + bytes([4, 5])] * 2)
    yield "a group larger than the piece", "OK", dense(
        AFFINE + v(8) + v(0) + v(2) + v(2**31) + F32 + RAW, v(8) + f32(1, 2) + bytes(range(6)))


def layouts():
    yield "bitmask: +0 may be kept", "OK", sparse(BITMASK + RAW, STORED + RAW, v(1) + b"\x16" + f32(0, 2, 3))
    yield "bitmask: nothing kept", "OK", sparse(BITMASK + RAW, STORED + RAW, v(1) + b"\0")
    csr = CSR + RAW + RAW
    yield "csr: nothing kept", "OK", sparse(csr, STORED + RAW, v(1) + b"\0" + v(0))
    for label, status, gaps in ("gaps", "OK", b"\0"), ("a gap beyond", "INDEX", b"\2"):
        yield f"csr: {label} of one column", status, sparse(
            csr, STORED + RAW, v(1) + pack(np.array([1, 0, 1, 0]), 1) + v(1) + gaps + f32(1, 2), shape=(4, 1))
    yield "csr: all by constant", "OK", sparse(CSR + constant(2) + constant(0), INTEGER + v(0) + constant(9), b"", "u8")
    for label, status, count, gap in ("", "OK", 1, 1), (": a column", "INDEX", 1, 2), (": a count", "INDEX", 3, 0):
        yield f"csr: beyond a short last piece{label}", status, tensor(
            "u8", (2, 5), (2, 5, 3), csr + INTEGER + v(0) + constant(9),
            [v(1) + pack(np.array([2]), 2) + pack(np.array([0, 1]), 2),
             v(1) + pack(np.array([count]), 2) + pack(np.array([gap] * count), 2)] * 2)


def sums():
    factor, whole = AFFINE + v(8) + v(0) + v(0) + F32, FLOAT + F32 + RAW * 4
    c3, c5 = factor + f32(2) + constant(3), factor + f32(1) + constant(5)

    def low(v_numeric, u_numeric, resident, segment, second=b"", dtype="f32"):
        terms = LOWRANK + v(1) + v(1) + v_numeric + u_numeric + second
        return tensor(dtype, (2, 3), (2, 3, 6), terms, [segment], [resident])
    yield "lowrank: no plane at all", "OK", low(c3, c5, b"", b"")
    yield "lowrank: a byte too many", "TRAILING", low(c3, c5, b"", b"x")
    for dtype in "f32", "f16", "bf16":
        yield f"lowrank: infinities and NaNs to {dtype}", "OK", low(
            whole, whole, planes([1.5, 1e30, -np.nan]), planes([3, -np.inf]), dtype=dtype)
    yield "sum: planes of the first term alone, each with a length", "OK", low(
        whole, whole, planes([1.5, 2, 3]), planes([3, 4], True), DENSE + c5)
    yield "sum: planes of the second term alone", "OK", low(c3, c5, b"", bytes([1, 2, 3, 4, 255, 128]),
                                                            DENSE + factor + f32(2) + RAW)
    yield "sum: no plane at all", "OK", low(c3, c5, b"", b"", DENSE + c5)
    yield "sum: -0 stays where nothing is added", "OK", low(
        whole, whole, planes([-0.0, 2, -3]), planes([3, 0], True) + b"\x16", BITMASK + RAW + c5)
    yield "sum: f16 widened", "OK", low(c3, c5, b"", v(6) + bytes([120, 121, 122, 0, 255, 248]) + bytes(range(6)),
                                        DENSE + FLOAT + F16 + RAW * 2)
    yield "sum: stored", "HEAD", low(c3, c5, b"", bytes(24), DENSE + STORED + RAW)
    yield "sum: two lowrank terms", "HEAD", low(c3, c5, b"", b"", LOWRANK + v(1) + v(1) + c3 + c5)


def encode(codes, lanes):
    """codecs.md 3.4 for one row of (table, symbol, low bits)."""
    x, words = [1 << 16] * lanes, []
    for i in reversed(range(len(codes))):
        t, symbol, low = codes[i]
        lane, f = i % lanes, t.freq[symbol]
        y = x[lane]
        if y >= f << 32 - t.precision - t.shift:
            words.append(y & 0xFFFF)
            y >>= 16
        y = (y << t.shift) + low
        x[lane] = (y // f << t.precision) + t.cum[symbol] + y % f
    return struct.pack(f"<{lanes}I", *x) + struct.pack(f"<{len(words)}H", *reversed(words))


def levels(form, pairs, values, lanes=1, step=0x3F8000, offsets=b"", largest=100, columns=None, escapes=None, scale=b"",
           dtype="f32", shape=None):
    """A trellis of one pair. values: levels, or (symbol, low bits)."""
    h = trellis.CODES[form >> 4]
    path, two = trellis.Path(*h), 2 if form >> 4 else 1
    try:
        pair = tables.read_pairs(wire.Cursor(pairs), 1, two, escapes is not None, form & 1)[0]
    except MoteError:
        pair = tables.read_pairs(wire.Cursor(b"\x0f\0" + zv(-7) + bytes([1] * 32)), 1, two, False, False)[0]
    state, codes = [0] * lanes, []
    for i, k in enumerate(values):
        t = pair[state[i % lanes] & 1]
        symbol, low = k if isinstance(k, tuple) else (k - t.lo >> t.shift, k - t.lo & (1 << t.shift) - 1)
        codes.append((t, symbol, low))
        state[i % lanes] = path.next[2 * state[i % lanes] + (t.lo + (symbol << t.shift) + low & 1)]
    stream = encode(codes, lanes)
    terms = TRELLIS + bytes([form]) + struct.pack("<I", step)[:3] + offsets + v(largest) + v(1) + \
        (RAW if columns else b"") + (RANS1 if lanes == 1 else RANS8) + v(1) + v(escapes is not None)
    segment = stream if escapes is None else v(len(stream)) + stream + escapes
    return dense(terms, (v(len(scale)) + scale if scale else b"") + segment, dtype, shape or (1, len(values)),
                 more=[(6, pairs)] + ([(12, columns)] if columns else []))


def trellises():
    w = bytes([40] * 16)
    own = b"\x0f\0" + zv(-7) + w
    values = [0, 1, -3, 7, -7]
    yield "trellis: one state", "OK", levels(0x00, own, values)
    yield "trellis: family 31", "TABLE", levels(0x00, b"\x1f\0" + zv(-7) + w, values)
    small = [0, 1, -3, 2, -2]
    for family in 0, 5, 9, 16, 21, 25:
        for mean, inverse, z, window in (3, 20000, b"\x40\x40", 0), (-300, 20000, b"\0\xff", 1), \
                (0, 200000, b"\xff\xff", 0), (3, 20000, b"\x40\x40", 8), (2**20, 2**26, b"\x40\x40", 0), \
                (-2**20, 1, b"\x40\x40", 12):
            pairs = bytes([family]) + zv(mean) + v(inverse) + z + bytes([window])
            yield f"trellis: family {family}", "OK", levels(0x10, pairs, small)
            yield f"trellis: family {family}, zero", "OK", levels(0x11, pairs, small)
            yield f"trellis: family {family}, escapes", "OK", levels(
                0x11, pairs, [0, (30 if window & 8 else 14, 0), 1, (31 if window & 8 else 15, 0)], escapes=v(4) + v(7),
                largest=9999)
    yield "trellis: weights of the only pair of a family", "OK", levels(
        0x10, b"\4" + zv(0) + v(9) + b"\1\2\x0f\0" + zv(-7) + w * 2, small)
    yield "trellis: 32 symbols", "OK", levels(0x10, b"\x0f\x08" + zv(-15) + w * 4, small)
    yield "trellis: weights of 0, 15, 16, 17, 255", "OK", levels(
        0x10, b"\x0f\0" + zv(-7) + bytes([0] * 7 + [200, 1, 15, 16, 17, 255, 0, 0, 0]) + w, [0, 1, 0, 2, 2])
    yield "trellis: offsets", "OK", levels(0x02, own, [0, 1, -3, 8, -7, 2, -2, -1], offsets=bytes([31, 225, 5]))
    yield "trellis: 8 lanes", "OK", levels(
        0x10, own + w, [0, 1, -3, 7, 4, 5, 6, 7, 8, -7, -6, 0, 0, 1, 1, 1, 3], lanes=8)
    yield "trellis: the largest value", "OK", levels(0x00, own, [0, 1], largest=2)
    yield "trellis: above the largest value", "RANGE", levels(0x00, own, [0, 1], largest=1)
    for label, step, scale in ("that vanishes", 1, 1e-7), ("without end", 0x7F0000, 60000):
        yield f"trellis: a unit {label}", "SCALE", levels(
            0x04, own, values, step=step, scale=np.float16([scale]).tobytes())
    for dtype in "f16", "bf16", "f32", "f64":
        for step in 0x000123, 0x470123, 0x7F0000:
            yield f"trellis to {dtype}", "OK", levels(0x00, own, values, step=step, dtype=dtype)
    yield "trellis: classes of columns, two absent", "OK", levels(0x08, own, [0, 1, -3, 7], columns=b"\x10\x31")
    yield "trellis: a column map of one", "OK", levels(0x08, own, [0, 1, -3, 7], columns=b"\x0f", shape=(4, 1))
    yield "trellis: no escape, its plane is there", "OK", levels(0x00, own, [0, 1], escapes=b"")


def zstd():
    magic, data = b"\x28\xb5\x2f\xfd", bytes(i * i % 251 for i in range(100))

    def block(x, last=1):
        return (len(x) << 3 | last).to_bytes(3, "little") + x

    def blob(frame, n=100):
        return tensor("u8", (n,), (1, n, n), DENSE + STORED + ZSTD, [frame])
    size4 = struct.pack("<I", 100)
    yield "zstd: raw block", "OK", blob(magic + b"\x20\x64" + block(data))
    yield "zstd: two blocks", "OK", blob(magic + b"\x20\x64" + block(data[:50], 0) + block(data[50:]))
    yield "zstd: RLE", "OK", blob(magic + b"\x20\x64" + (100 << 3 | 3).to_bytes(3, "little") + b"x")
    yield "zstd: size in 4 bytes", "OK", blob(magic + b"\xa0" + size4 + block(data))
    yield "zstd: size in 8 bytes", "OK", blob(magic + b"\xe0" + struct.pack("<Q", 100) + block(data))
    yield "zstd: size 256 in 2 bytes", "OK", blob(magic + b"\x60\0\0" + block(bytes(256)), 256)
    yield "zstd: unused bit", "OK", blob(magic + b"\x30\x64" + block(data))
    yield "zstd: reserved bit", "ZSTD", blob(magic + b"\x28\x64" + block(data))
    yield "zstd: reserved block", "ZSTD", blob(magic + b"\x20\x64" + (100 << 3 | 7).to_bytes(3, "little") + data)
    yield "zstd: window 2^27", "OK", blob(magic + b"\x80\x88" + size4 + block(data))
    yield "zstd: window above 2^27", "ZSTD", blob(magic + b"\x80\x89" + size4 + block(data))
    yield "zstd: dictionary 0, written", "ZSTD", blob(magic + b"\x21\0\x64" + block(data))
    yield "zstd: skippable frame before", "ZSTD", blob(b"\x50\x2a\x4d\x18\0\0\0\0" + magic + b"\x20\x64" + block(data))
    yield "zstd: skippable frame behind", "ZSTD", blob(magic + b"\x20\x64" + block(data) + b"\x50\x2a\x4d\x18\0\0\0\0")
    yield "zstd: wrong checksum", "ZSTD", blob(magic + b"\x24\x64" + block(data) + bytes(4))


def manifests():
    t = dense(STORED + RAW, f32(1, 2, 3, 4, 5, 6))
    for label, status, field in (
            ("odd tags 1 and 2^32 - 1", "OK", [(1, b"x"), (2**32 - 1, b"")]), ("tag 22", "CRITICAL", [(22, b"")]),
            ("well-formed text", "OK", [(23, "é€😀\x80\uffff\ufeff".encode())]), ("created", "OK", [(19, v(5))]),
            ("not_after", "OK", [(21, v(5))]), ("sequence 2^63 - 1", "OK", [(10, v(2**63 - 1))])):
        yield f"manifest: {label}", status, package(t, field)


def status(run):
    return "OK" if run.returncode == 0 else run.stderr.rsplit("(ERR_", 1)[-1].split(")")[0]


def signed(program, folder, path):
    """What `mote sign` makes of a package, which it reads as `mote verify` does: elements and all."""
    key = os.path.join(folder, "crafted")
    for old in key + ".key", key + ".pub":
        if os.path.exists(old):
            os.remove(old)
    assert mote(program, "keygen", "-o", key, "--no-passphrase").returncode == 0
    return status(mote(program, "sign", "--key", key + ".key", path))


def main():
    program, folder = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    path, out = os.path.join(folder, "crafted.mote"), os.path.join(folder, "crafted.safetensors")
    wrong = count = 0
    # 2^40 elements in no byte. What readers allow is their own: `mote unpack` has --max-output.
    assert refusal(package(dense(INTEGER + v(0) + constant(7), b"", "u8", (2**20, 2**20)))) == "MEMORY"
    for make in plain, floats, integers, scaled, layouts, sums, trellises, zstd, manifests:
        for label, due, what in make():
            data = what if isinstance(what, bytes) else package(what)
            write(path, data)
            if os.path.exists(out):
                os.remove(out)
            run = mote(program, "unpack", path, "-o", out, "--threads", "1")
            theirs = status(run)
            if label == "another entry digest" and theirs == due:
                theirs = signed(program, folder, path)
            ours, same = refusal(data), True
            for rans.BATCH in (1, 48):      # one by one and all at once
                if ours == theirs == "OK":
                    unpacked = read_safetensors(out)
                    same &= all(unpacked[t.name][2] == t.bytes() for t in Package(data) if t.kind == "tensor")
            count += 1
            if (ours, theirs) != (due, due) or not same:
                write(os.path.join(folder, f"wrong-{count}.mote"), data)
                elements = "" if same else ", elements differ"
                print(f"{label}: {due} is due; here {ours}, mote {theirs}{elements}: {count}")
                wrong += 1
    print(f"{count} packages, {wrong} wrong")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main())
