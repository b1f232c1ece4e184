# SPDX-License-Identifier: Apache-2.0
"""Planes: descriptors (codecs.md 2.2), their tables (2.3), splitting a segment into them (1.2), escapes and class maps
(3.5, 3.6), and the coders stored, constant and zstd (4). A plane is decoded for all segments of a tensor at once."""

import numpy as np

from . import rans, registry
from .status import MoteError, check
from .tables import read_table
from .wire import Cursor

MAX_ESCAPE = 2**20
MAX_WINDOW, MAX_BLOCK = 2**27, 2**17
RANS = "rans-1", "rans-8", "rans-32"


def unpack(data, n, width):
    """4, stored: n fields of `width` bits, least significant bit first, as unsigned numbers."""
    check(len(data) == -(-n * width // 8), "STREAM", f"{len(data)} bytes for {n} values of {width} bits")
    if width == 8:
        return np.frombuffer(data, np.uint8).astype(np.int64)
    if width == 16:
        return np.frombuffer(data, "<u2").astype(np.int64)
    bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    check(not bits[n * width:].any(), "PADDING", "bits behind the last value")
    return bits[:n * width].reshape(n, width) @ (np.int64(1) << np.arange(width, dtype=np.int64))


def pack(values, width):
    """The reverse of unpack() for fewer than 8 bits."""
    bits = np.unpackbits(values.astype(np.uint8)[:, None], axis=1, count=width, bitorder="little")
    return np.packbits(bits, bitorder="little").tobytes()


def unzstd(data, size):
    """4, zstd: one frame (RFC 8878, 3.1.1) that states its content size, without a dictionary, and nothing behind it."""
    check(len(data) >= 6 and data[:4] == b"\x28\xb5\x2f\xfd", "ZSTD", "no frame")
    descriptor = data[4]
    single, dictionary = descriptor >> 5 & 1, descriptor & 3
    check(dictionary == 0 and descriptor & 8 == 0, "ZSTD", "a dictionary, or the reserved bit")
    at, window = 5, size
    if not single:
        exponent, mantissa = data[5] >> 3, data[5] & 7
        window, at = (1 << 10 + exponent) // 8 * (8 + mantissa), 6
    width = (1 if single else 0, 2, 4, 8)[descriptor >> 6]
    check(width and len(data) >= at + width, "ZSTD", "no content size")
    content = int.from_bytes(data[at:at + width], "little") + (256 if width == 2 else 0)
    check(content == size and window <= MAX_WINDOW, "ZSTD", f"{content} bytes of content, {size} are due")
    # Nothing may follow: the blocks tell where the frame ends (3.1.1.2), before anything is inflated.
    at += width
    last = 0
    while not last:
        check(len(data) >= at + 3, "ZSTD", "the frame is cut")
        header = int.from_bytes(data[at:at + 3], "little")
        last, kind, length = header & 1, header >> 1 & 3, header >> 3
        check(length <= min(window, MAX_BLOCK), "ZSTD", "a block above Block_Maximum_Size")      # 3.1.1.2.4
        at += 3 + (1 if kind == 1 else length)
    check(len(data) == at + (4 if descriptor & 4 else 0), "ZSTD", "the frame is cut, or something is behind it")
    try:
        import zstandard
    except ImportError:
        raise MoteError("UNSUPPORTED", "the Python module zstandard is not there") from None
    try:
        out = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompress(data, max_output_size=size)
    except zstandard.ZstdError as e:
        raise MoteError("ZSTD", str(e)) from None
    check(len(out) == size, "ZSTD", "content of another size")
    return out


class Plane:
    """A plane of `width` bits and the range vmin..vmax; values outside of it are refused with `error`."""

    def __init__(self, width, vmin, vmax, error="RANGE"):
        self.width, self.vmin, self.vmax, self.error = width, vmin, vmax, error
        self.coder = self.map_coder = self.map_bank = self.bank = self.escape_bank = None
        self.n_classes, self.escapes, self.n_tables = 1, 0, 0
        self.code = None            # what levels() found last: a trellis asks which of its tables a level was of

    def read(self, c, used, coders, classes=16, escapes=2):
        """2.2: the descriptor; `coders` are those that the plane may have."""
        self.coder = registry.coder(c, used)
        check(("rans" if self.coder in RANS else self.coder) in coders, "HEAD", f"coder {self.coder}")
        if self.coder in registry.LANES:
            self.lanes = registry.LANES[self.coder]
            self.n_classes = c.varint()
            check(1 <= self.n_classes <= classes, "HEAD", f"{self.n_classes} classes")
            if self.n_classes > 1:
                self.map_coder = read_map_coder(c, used)
            self.escapes = c.varint()
            check(self.escapes <= escapes, "HEAD", f"escapes {self.escapes}")
        elif self.coder == "constant":
            self.value = c.zigzag()
            check(self.vmin <= self.value <= self.vmax, "RANGE", f"constant {self.value}")
        return self

    def read_map_table(self, c):
        if self.map_coder == "rans-1":
            self.map_bank = rans.Bank([read_table(c, 0, self.n_classes - 1)])
            self.n_tables += 1

    def read_escape_table(self, c):
        if self.escapes == 2:
            self.escape_bank = rans.Bank([read_table(c, 0, MAX_ESCAPE - 1, of_escapes=True)])
            self.n_tables += 1

    def read_tables(self, c):
        """2.3: the tables of the plane in tag 6."""
        if self.coder in registry.LANES:
            self.read_map_table(c)
            self.bank = rans.Bank([read_table(c, self.vmin, self.vmax, self.escapes > 0)
                                   for _ in range(self.n_classes)])
            self.n_tables += self.n_classes
            self.read_escape_table(c)

    @property
    def n_parts(self):
        """1.3: the planes that it consists of in a segment."""
        if self.coder in registry.LANES:
            return 1 + (self.n_classes > 1) + self.escapes
        return 0 if self.coder == "constant" else 1

    def decode(self, parts, rows):
        """The values of all segments, one after the other. parts[i]: the n_parts byte strings of segment i; rows[i]: an
        array of the lengths of its rows."""
        if self.coder == "constant":
            return np.full(sum(int(r.sum()) for r in rows), self.value, np.int64)
        if self.coder in registry.LANES:
            values = self._rans(parts, rows)
        else:
            values = []
            for (data,), r in zip(parts, rows):
                n = int(r.sum())
                if self.coder == "zstd":
                    data = unzstd(data, -(-n * self.width // 8))
                values.append(unpack(data, n, self.width))
            values = np.concatenate(values)
            if self.vmin < 0:
                values = (values ^ 1 << self.width - 1) - (1 << self.width - 1)
        check(not len(values) or self.vmin <= values.min() and values.max() <= self.vmax, self.error,
              f"outside of {self.vmin}..{self.vmax}")
        return values

    def classes(self, parts, counts):
        """3.6: takes the class map off the parts; an array for each segment of counts[i] classes."""
        if self.n_classes == 1:
            return [np.zeros(n, np.int64) for n in counts]
        maps = read_maps(self.map_coder, self.map_bank, [p.pop(0) for p in parts], counts, self.n_classes)
        ends = np.cumsum(counts)
        return np.split(maps, ends[:-1])

    def _rans(self, parts, rows):
        parts = [list(p) for p in parts]
        picks = self.classes(parts, [len(r) for r in rows])
        return self.levels(parts, rows, picks, lambda bank, code, e: np.where(
            e % 2 == 0, 15 + e // 2, -1 - e // 2))

    def levels(self, parts, rows, picks, escaped):
        """The symbols, then the escapes. `escaped(bank, code, e)` gives t of 3.1 (8.2) for escape numbers e."""
        code, low = rans.decode(self.bank, self.lanes, [p.pop(0) for p in parts], rows, picks)
        self.code = code
        values = self.bank.levels(code, low)
        if self.escapes:
            direct = self.bank.n_symbols[code >> 5] - (2 if self.paired else 1)
            is_escape = code & 31 >= direct
            ends = np.cumsum([int(r.sum()) for r in rows])
            counts = [int(x.sum()) for x in np.split(is_escape, ends[:-1])]
            e = self._escapes(parts, counts)
            where = np.flatnonzero(is_escape)
            table = code[where] >> 5
            values[where] = self.bank.lo[table] + (escaped(self.bank, code[where], e) << self.bank.shift[table]) + \
                low[where]
        return values

    paired = False          # a trellis has two escape symbols, not one

    def _escapes(self, parts, counts):
        """3.5: the escape numbers of all segments."""
        if self.escapes == 2:
            one = [np.zeros(1, np.int64)] * len(parts)
            streams, rows = [p.pop(0) for p in parts], [np.array([n]) for n in counts]
            code, low = rans.decode(self.escape_bank, 1, streams, rows, one)
            symbol, shift = code & 31, int(self.escape_bank.shift[0])
            open_ended = symbol == 15
            ends = np.cumsum(counts)
            more = [int(x.sum()) for x in np.split(open_ended, ends[:-1])]
            t = symbol.copy()
            t[open_ended] += _numbers([p.pop(0) for p in parts], more)
            e = (t << shift) + low
        else:
            e = _numbers([p.pop(0) for p in parts], counts)
        check(not len(e) or e.max() < MAX_ESCAPE, "RANGE", "an escape number of 2^20 or more")
        return e


def _numbers(streams, counts):
    """Varints of escape numbers planes, counts[i] in streams[i]."""
    out = []
    for stream, n in zip(streams, counts):
        c = Cursor(stream)
        for _ in range(n):
            check(c.left(), "STREAM", "an escape number is missing")
            try:
                v = c.varint()
            except MoteError as e:
                raise MoteError("STREAM" if e.status == "TRUNCATED" else e.status, "escape number") from None
            check(v < MAX_ESCAPE, "RANGE", "an escape number of 2^20 or more")
            out.append(v)
        check(not c.left(), "STREAM", "bytes behind the escape numbers")
    return np.array(out, np.int64)


def read_map_coder(c, used):
    """2.2, 8.1: the coder of a map of classes."""
    coder = registry.coder(c, used)
    check(coder in ("stored", "rans-1"), "HEAD", f"a class map by {coder}")
    return coder


def read_maps(coder, bank, streams, counts, n_classes):
    """3.6: the classes of maps, counts[i] in streams[i], one after the other."""
    if coder == "rans-1":
        zero = [np.zeros(1, np.int64)] * len(streams)
        code, low = rans.decode(bank, 1, streams, [np.array([n]) for n in counts], zero)
        values = bank.levels(code, low)
    else:
        values = np.concatenate([unpack(s, n, 4) for s, n in zip(streams, counts)])
    check(not len(values) or 0 <= values.min() and values.max() < n_classes, "RANGE", "class")
    return values


def split(segment, counts, all_with_length=0):
    """1.2: cuts a segment or resident record into planes. counts: n_parts of each of them in order; of the first
    `all_with_length` planes even the last has a length (6.5). Returns a list of byte strings for each."""
    total = sum(counts)
    if total == 0:
        check(not segment, "TRAILING", "bytes in a segment without planes")
    c, found = Cursor(segment), []
    for i in range(total):
        last = i == total - 1 and i >= all_with_length
        found.append(c.rest() if last else c.take(c.varint()))
    c.done()
    out, at = [], 0
    for n in counts:
        out.append(found[at:at + n])
        at += n
    return out
