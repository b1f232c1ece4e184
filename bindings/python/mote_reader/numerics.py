# SPDX-License-Identifier: Apache-2.0
"""Numerics (codecs.md 5): stored, float, integer, affine, codebook. Each reads its parameters of a head, says of which
planes it is, and decodes all segments of a tensor to bits of its `target` dtype: the entry's, or f32 for factors."""

import numpy as np

from . import floats, registry
from .planes import Plane, unpack, unzstd
from .registry import DTYPES
from .status import check

UNSIGNED_INTEGERS = {"bool", "u8", "u16", "u32", "u64", "f8_e8m0", "f6_e2m3", "f6_e3m2", "f4", "u4"}
SIGNED_INTEGERS = {"i8", "i16", "i32", "i64", "i4"}
SCALED = {"f16", "bf16", "f32", "f64"}          # what affine, codebook and trellis are cast to
SCALE_DTYPES = {"f32", "f16", "bf16"}

NF4 = np.array([-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
                -0.18477343022823334, -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725,
                0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
                0.7229568362236023, 1], np.float32)


class Numeric:
    """`raw` planes have no coder: counted here, cut off in decode(); `planes` are those of descriptors."""

    raw = 0
    planes = ()
    resident_bytes = 0

    def part_counts(self):
        return [1] * self.raw + [p.n_parts for p in self.planes]

    def read_tables(self, c):
        for p in self.planes:
            p.read_tables(c)

    @property
    def table_slots(self):
        return sum(p.n_tables for p in self.planes)


def byte_planes(c, used, n, dense):
    """Byte planes, the most significant first; zstd in layout dense only."""
    coders = ["stored", "rans", "constant"] + (["zstd"] if dense else [])
    return [Plane(8, 0, 255).read(c, used, coders, classes=1, escapes=0) for _ in range(n)]


def read_v(c, used, width, vmin, vmax):
    return Plane(width, vmin, vmax).read(c, used, ["stored", "rans", "constant"])


class Stored(Numeric):
    """5.1"""

    def __init__(self, c, used, target, dense):
        self.target = target
        plane = Plane(target.bits, 0, (1 << target.bits) - 1)
        self.planes = [plane.read(c, used, ["stored", "zstd"] if dense else ["stored"])]

    def decode(self, parts, kept):
        plane, out = self.planes[0], []
        if self.target.bits < 8:
            return plane.decode(parts[0], kept.rows).astype(np.uint8)
        size = self.target.bits // 8
        kind = floats.UNSIGNED.get(self.target.bits, np.dtype("V16"))
        for (data,), rows in zip(parts[0], kept.rows):
            n = int(rows.sum())
            if plane.coder == "zstd":
                data = unzstd(data, n * size)
            check(len(data) == n * size, "STREAM", f"{len(data)} bytes for {n} elements")
            out.append(floats.from_wire(data, kind))
        return np.concatenate(out)


class Float(Numeric):
    """5.2"""

    def __init__(self, c, used, target, dense):
        self.target = target
        held = c.varint()
        name = DTYPES[held].name if held in DTYPES else None
        check(name in floats.FORMS and (name == target.name or (name, target.name) in floats.WIDENS), "HEAD",
              f"float: {name} in {target.name}")
        self.held = DTYPES[held]
        self.e, self.m = floats.FORMS[name]
        self.nb, self.k = (self.m + 1) // 8, (self.m + 1) % 8
        w = self.e + self.k
        self.planes = [read_v(c, used, w, 0, (1 << w) - 1)] + byte_planes(c, used, self.nb, dense)

    def decode(self, parts, kept):
        v, *rest = (p.decode(x, kept.rows).astype(np.uint64) for p, x in zip(self.planes, parts))
        r = v & np.uint64((1 << self.k) - 1)
        for byte in rest:
            r = r << np.uint64(8) | byte
        sign, exponent = r >> np.uint64(self.m), v >> np.uint64(self.k)
        bits = sign << np.uint64(self.e + self.m) | exponent << np.uint64(self.m) | r & np.uint64((1 << self.m) - 1)
        return floats.widen(bits.astype(floats.UNSIGNED[self.held.bits]), self.held.name, self.target.name)


def unfold(v):
    """5.6: 0, 1, 2, 3, .. is -1, 1, -2, 2, .."""
    return np.where(v % 2 == 0, -(v // 2) - 1, v // 2 + 1)


class Integer(Numeric):
    """5.3, 5.6"""

    background = None

    def __init__(self, c, used, target, dense):
        self.target = target
        signed = target.name in SIGNED_INTEGERS
        check(signed or target.name in UNSIGNED_INTEGERS, "HEAD", f"integer of {target.name}")
        flags = c.varint()
        check(flags < 8 or flags in (8, 16, 24), "HEAD", f"{flags} byte planes")
        self.nb, self.folded = flags & 7, bool(flags & 8)
        if flags >= 8:
            used.add(registry.FOLDED)       # a background without folding uses that id too: registry.md 3.4
        if flags >= 16:
            check(target.bits == 8, "HEAD", f"a background of {target.name}")
            self.background = c.varint()
            check(self.background <= 255, "HEAD", "background")
            signed = True
        w = target.bits - 8 * self.nb
        check(1 <= w <= 16, "HEAD", f"V of {w} bits")
        if self.folded:
            check(signed and w >= 2, "HEAD", f"{target.name} folded")
        self.signed = signed
        self.planes = [read_signed(c, used, w, signed, self.folded)] + byte_planes(c, used, self.nb, dense)

    def decode(self, parts, kept):
        v, *rest = (p.decode(x, kept.rows) for p, x in zip(self.planes, parts))
        x = (unfold(v) if self.folded else v) + (self.background or 0)
        x = x.astype(np.uint64)
        for byte in rest:
            x = x << np.uint64(8) | byte.astype(np.uint64)
        bits = self.target.bits
        return (x & np.uint64((1 << bits) - 1)).astype(floats.UNSIGNED[max(bits, 8)])


def read_signed(c, used, w, signed, folded):
    if folded:
        return read_v(c, used, w, 0, (1 << w) - 2)
    return read_v(c, used, w, -(1 << w - 1), (1 << w - 1) - 1) if signed else read_v(c, used, w, 0, (1 << w) - 1)


def check_scales(x):
    check(bool((np.isfinite(x) & (x > 0)).all()), "SCALE", "a scale is not finite or not above 0")
    return x


def raw_floats(data, dtype):
    return floats.as_float32(floats.from_wire(data, floats.UNSIGNED[dtype.bits]), dtype.name)


class Scales:
    """5.4: scopes, scales and where they stand."""

    def __init__(self, c, used):
        self.scope = c.varint()
        check(self.scope <= 2, "HEAD", f"scope {self.scope}")
        self.group = None
        if self.scope == 2:
            self.group = c.varint()
            check(1 <= self.group <= 2**31, "HEAD", f"group {self.group}")
            used.add(registry.GROUPS)
        self.dtype = read_dtype(c, SCALE_DTYPES)
        if self.scope == 0:
            self.scale = check_scales(raw_floats(c.take(self.dtype.bits // 8), self.dtype))[0]

    def count(self, pieces, length):
        """Scales of a segment of so many pieces of that length."""
        return pieces * (1 if self.scope == 1 else -(-length // self.group))

    def read(self, data, kept):
        """The scales of all segments."""
        size = self.dtype.bits // 8
        for d, seg in zip(data, kept.segments):
            check(len(d) == self.count(*seg) * size, "STREAM", "scales")
        return check_scales(raw_floats(b"".join(data), self.dtype))

    def spread(self, values, kept):
        """From a value for each scale to one for each kept element."""
        if self.scope == 0:
            return values
        counts = np.concatenate(kept.rows)
        if self.scope == 1:
            return np.repeat(values, counts)
        groups = np.concatenate([np.full(p, -(-n // self.group)) for p, n in kept.segments])
        first = np.cumsum(groups) - groups
        return values[np.repeat(first, counts) + kept.columns() // self.group]


def read_dtype(c, names):
    number = c.varint()
    check(number in DTYPES and DTYPES[number].name in names, "HEAD", f"dtype {number}")
    return DTYPES[number]


class Affine(Numeric):
    """5.4"""

    def __init__(self, c, used, target, dense):
        check(target.name in SCALED, "HEAD", f"affine of {target.name}")
        self.target = target
        self.bits, self.zero = c.varint(), c.varint()
        check(1 <= self.bits <= 8 or self.bits == 16, "HEAD", f"{self.bits} bits")
        check(self.zero <= 2, "HEAD", f"zero {self.zero}")
        check(self.zero != 2 or 2 <= self.bits <= 8, "HEAD", "folded")
        self.scales = Scales(c, used)
        if self.scales.scope == 0 and self.zero == 1:
            self.zero_point = c.varint()
            check(self.zero_point < 1 << self.bits, "SCALE", f"zero-point {self.zero_point}")
        if self.zero:
            used.add(registry.ZERO_POINTS if self.zero == 1 else registry.FOLDED)
        if self.bits == 16:
            used.add(registry.CODES_16)
        w = min(self.bits, 8)
        self.planes = [read_signed(c, used, w, self.zero != 1, self.zero == 2)]
        if self.bits == 16:
            self.planes += byte_planes(c, used, 1, dense)
        self.raw = 0 if self.scales.scope == 0 else 2 if self.zero == 1 else 1

    def _zero_points(self, data, kept):
        width = 16 if self.bits == 16 else 8
        z = np.concatenate([unpack(d, self.scales.count(*seg), width) for d, seg in zip(data, kept.segments)])
        check(not len(z) or z.max() < 1 << self.bits, "SCALE", "a zero-point")
        return z

    def decode(self, parts, kept):
        scales = z = None
        if self.raw:
            scales = self.scales.read([p for p, in parts[0]], kept)
            if self.zero == 1:
                z = self.scales.spread(self._zero_points([p for p, in parts[1]], kept), kept)
            scales = self.scales.spread(scales, kept)
        else:
            scales, z = self.scales.scale, self.zero_point if self.zero == 1 else None
        q, *low = (p.decode(x, kept.rows) for p, x in zip(self.planes, parts[self.raw:]))
        if self.zero == 2:
            q = unfold(q)
        for byte in low:
            q = (q << 8) + byte
        if self.zero == 1:
            q = q - z
        elif self.bits == 1:
            q = 2 * q + 1
        with np.errstate(over="ignore"):
            return floats.narrow32(q.astype(np.float32) * scales, self.target.name)


class Codebook(Numeric):
    """5.7"""

    def __init__(self, c, used, target, dense):
        check(target.name in SCALED, "HEAD", f"a codebook of {target.name}")
        self.target, self.rows, self.table = target, 0, None
        kind = c.varint()
        check(kind <= 3, "HEAD", f"table {kind}")
        if kind == 0:
            self.entries = c.varint()
            check(2 <= self.entries <= 256, "HEAD", f"{self.entries} entries")
            self.entry_dtype = read_dtype(c, SCALE_DTYPES)
            self.rows = c.varint()
            check(self.rows < 2**32, "HEAD", "rows of a table")
            if not self.rows:
                self.table = self._finite(c.take(self.entries * self.entry_dtype.bits // 8))
        elif kind == 1:
            self.entries, self.table = 16, NF4
        else:
            self.entries = 256
            self.table = f8_by_v("f8_e4m3" if kind == 2 else "f8_e5m2")
        self.resident_bytes = 4 * self.entries
        self.scales = Scales(c, used)
        self.planes = [read_v(c, used, max(1, (self.entries - 1).bit_length()), 0, self.entries - 1)]
        self.raw = (self.rows > 0) + (self.scales.scope > 0)

    def _finite(self, data):
        t = raw_floats(data, self.entry_dtype)
        check(bool(np.isfinite(t).all()), "SCALE", "an entry of a table is not finite")
        return t

    def decode(self, parts, kept):
        parts = list(parts)
        tables = self._tables([p for p, in parts.pop(0)], kept) if self.rows else None
        if self.scales.scope == 0:
            scales = self.scales.scale
        else:
            scales = self.scales.spread(self.scales.read([p for p, in parts.pop(0)], kept), kept)
        v = self.planes[0].decode(parts[0], kept.rows)
        t = self.table[v] if tables is None else tables[np.repeat(self.which, np.concatenate(kept.rows)), v]
        with np.errstate(all="ignore"):
            x = t * scales
        return floats.narrow32(floats.canonical_nan(x), self.target.name)

    def _tables(self, data, kept):
        """Tables of all segments; self.which: for each piece the one that it uses."""
        self.which, n, size = [], 0, self.entries * self.entry_dtype.bits // 8
        for d, (first, last) in zip(data, kept.matrix_rows):       # rows of the coded matrix in this segment
            lowest = first // self.rows
            count = (last - 1) // self.rows - lowest + 1
            check(len(d) == count * size, "STREAM", "tables")
            self.which.append(n + np.arange(first, last) // self.rows - lowest)
            n += count
        self.which = np.concatenate(self.which)
        return self._finite(b"".join(data)).reshape(n, self.entries)


def f8_by_v(name):
    """5.7: the values of an f8, ordered by V of 5.2."""
    e_bits, m = floats.FORMS[name]
    k = (m + 1) % 8
    v = np.arange(256)
    r = v & (1 << k) - 1
    return floats.small_values(name)[(r >> m) << e_bits + m | v >> k << m | r & (1 << m) - 1]
