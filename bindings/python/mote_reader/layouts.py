# SPDX-License-Identifier: Apache-2.0
"""The grid (codecs.md 1.1), terms (2.1), layouts (6) and sums (6.5)."""

from dataclasses import dataclass

import numpy as np

from . import floats, registry
from .numerics import Affine, Codebook, Float, Integer, Stored
from .planes import Plane, split
from .registry import DTYPE
from .status import check
from .trellis import Trellis

NUMERICS = {"stored": Stored, "float": Float, "integer": Integer, "affine": Affine, "codebook": Codebook}


@dataclass
class Grid:
    rows: int
    cols: int
    seg_elems: int

    @property
    def cut(self):
        """Rows are cut into segments."""
        return self.seg_elems < self.cols

    @property
    def piece(self):
        return min(self.cols, self.seg_elems)

    @property
    def n_segments(self):
        if self.cut:
            return self.rows * -(-self.cols // self.seg_elems)
        return -(-self.rows * self.cols // self.seg_elems)

    def segments(self):
        """(pieces, length of a piece) of each segment, and (first, last + 1) of its rows."""
        if self.cut:
            n = -(-self.cols // self.seg_elems)
            lengths = [self.seg_elems] * (n - 1) + [self.cols - (n - 1) * self.seg_elems]
            return [(1, x) for x in lengths] * self.rows, [(r, r + 1) for r in range(self.rows) for _ in lengths]
        step = self.seg_elems // self.cols
        bounds = [(r, min(r + step, self.rows)) for r in range(0, self.rows, step)]
        return [(b - a, self.cols) for a, b in bounds], bounds


class Kept:
    """Which elements of the segments there are: all, or those at `column` of their piece, rows[i] of each piece."""

    def __init__(self, segments, matrix_rows=None, rows=None, column=None):
        self.segments, self.matrix_rows, self._column = segments, matrix_rows, column
        self.rows = rows if rows is not None else [np.full(p, n, np.int64) for p, n in segments]

    def columns(self):
        if self._column is None:
            return np.concatenate([np.tile(np.arange(n), p) for p, n in self.segments])
        return self._column

    def positions(self):
        """Places of kept elements in the coded matrix, whose segments follow each other."""
        lengths = np.concatenate([np.full(p, n, np.int64) for p, n in self.segments])
        return np.repeat(np.cumsum(lengths) - lengths, np.concatenate(self.rows)) + self._column


class Bitmask:
    """6.2"""

    def __init__(self, c, used, grid):
        check(grid.piece <= 65535, "HEAD", "a sparse piece of more than 65,535 columns")
        self.planes = [Plane(4, 0, 15, "INDEX").read(c, used, ["stored", "rans"], escapes=0)]

    def keep(self, parts, segments, matrix_rows):
        quads = [np.full(p, -(-n // 4), np.int64) for p, n in segments]
        nibbles = self.planes[0].decode(parts[0], quads).astype(np.uint8)
        rows, columns, at = [], [], 0
        for p, n in segments:
            w = -(-n // 4)
            bits = np.unpackbits(nibbles[at:at + p * w, None], axis=1, count=4, bitorder="little").reshape(p, 4 * w)
            at += p * w
            check(not bits[:, n:].any(), "PADDING", "a mask bit beyond the piece")
            rows.append(bits.sum(axis=1, dtype=np.int64))
            columns.append(np.nonzero(bits)[1])
        return Kept(segments, matrix_rows, rows, np.concatenate(columns))


class Csr:
    """6.3"""

    def __init__(self, c, used, grid):
        n = grid.piece
        check(n <= 65535, "HEAD", "a sparse piece of more than 65,535 columns")
        coders = ["stored", "rans", "constant"]
        self.planes = [Plane(n.bit_length(), 0, n, "INDEX"), Plane(max(1, (n - 1).bit_length()), 0, n - 1, "INDEX")]
        self.planes[0].read(c, used, coders, classes=1)
        self.planes[1].read(c, used, coders)

    def keep(self, parts, segments, matrix_rows):
        counts = self.planes[0].decode(parts[0], [np.array([p]) for p, _ in segments])
        lengths = np.concatenate([np.full(p, n, np.int64) for p, n in segments])
        check(bool((counts <= lengths).all()), "INDEX", "more kept than there are columns")
        rows = np.split(counts, np.cumsum([p for p, _ in segments])[:-1])
        steps = np.cumsum(self.planes[1].decode(parts[1], rows) + 1)
        ends = np.cumsum(counts)
        before = np.concatenate(([0], steps))[ends - counts]            # what earlier pieces have added up to
        column = steps - np.repeat(before, counts) - 1
        check(bool((column < np.repeat(lengths, counts)).all()), "INDEX", "a column beyond the piece")
        return Kept(segments, matrix_rows, rows, column)


class Term:
    """2.1: a term of the head. decode() gives the flat coded matrix as bits of `target`."""

    n_residents = 0
    resident_bytes = 0

    def __init__(self, c, used, grid, target):
        self.grid, self.target = grid, target
        self.layout = registry.layout(c, used)
        if self.layout == "lowrank":
            self._read_lowrank(c, used)
            return
        self.sparse = {"bitmask": Bitmask, "csr": Csr}[self.layout](c, used, grid) if self.layout != "dense" else None
        name = registry.numeric(c, used)
        if name == "trellis":
            check(self.sparse is None, "HEAD", "a trellis in a sparse layout")
            self.numeric = Trellis(c, used, target, grid)
        else:
            self.numeric = NUMERICS[name](c, used, target, self.sparse is None)
        self.name, self.numerics = name, [self.numeric]
        self.layout_planes = self.sparse.planes if self.sparse else []
        self.resident_bytes = self.numeric.resident_bytes

    def _read_lowrank(self, c, used):
        """6.4"""
        grid = self.grid
        check(self.target.name in ("f16", "bf16", "f32"), "HEAD", f"lowrank of {self.target.name}")
        check(not grid.cut, "HEAD", "lowrank in segments of parts of rows")
        self.rank, self.rows_per_record = c.varint(), c.varint()
        check(1 <= self.rank <= min(grid.rows, grid.cols), "HEAD", f"rank {self.rank}")
        check(1 <= self.rows_per_record <= self.rank, "HEAD", "rows per record")
        self.name, self.numerics, self.layout_planes = "factors", [], []
        for _ in range(2):          # V, then U
            name = registry.numeric(c, used)
            check(name in ("float", "affine"), "HEAD", f"a factor by {name}")
            self.numerics.append(NUMERICS[name](c, used, DTYPE["f32"], True))
        self.n_residents = -(-self.rank // self.rows_per_record)
        self.resident_bytes = 4 * self.rank * (grid.cols + 1)

    def read_tables(self, c):
        for p in self.layout_planes:
            p.read_tables(c)
        for numeric in self.numerics:
            numeric.read_tables(c)

    @property
    def table_slots(self):
        return sum(p.n_tables for p in self.layout_planes) + sum(n.table_slots for n in self.numerics)

    def part_counts(self):
        """Byte strings of each plane in a segment. Of lowrank the last numeric, that of U, stands in segments."""
        return [p.n_parts for p in self.layout_planes] + self.numerics[-1].part_counts()

    def kept(self, parts, segments, matrix_rows):
        """The kept elements and what is left of the parts."""
        if self.sparse is None:
            return Kept(segments, matrix_rows), parts
        n = len(self.layout_planes)
        return self.sparse.keep(parts[:n], segments, matrix_rows), parts[n:]

    def decode(self, parts, residents):
        segments, matrix_rows = self.grid.segments()
        if self.layout == "lowrank":
            return floats.narrow32(self.product(parts, residents), self.target.name)
        kept, parts = self.kept(parts, segments, matrix_rows)
        values = self.numeric.decode(parts, kept)
        if self.sparse is None:
            return values
        out = np.zeros(self.grid.rows * self.grid.cols, values.dtype)
        if self.name == "integer" and self.numeric.background:
            out[:] = self.numeric.background
        out[kept.positions()] = values
        return out

    def product(self, parts, residents):
        """6.4: W = U V in binary32, summed in the order of k; flat."""
        v, u = self.numerics
        per = self.rows_per_record
        rows = [(min(per, self.rank - r), self.grid.cols) for r in range(0, self.rank, per)]
        cut = [split(r, v.part_counts()) for r in residents]
        v = v.decode(list(zip(*cut)), Kept(rows)).view(np.float32).reshape(self.rank, -1)
        u = u.decode(parts, Kept([(n, self.rank) for n, _ in self.grid.segments()[0]]))
        u = u.view(np.float32).reshape(-1, self.rank)
        w = np.zeros((self.grid.rows, self.grid.cols), np.float32)
        with np.errstate(all="ignore"):
            for k in range(self.rank):
                w += u[:, k, None] * v[k]
        return floats.canonical_nan(w.ravel())


def decode(terms, grid, segments, residents):
    """The flat coded matrix of one or two terms, as bits of the entry's dtype."""
    counts = [t.part_counts() for t in terms]
    own = sum(counts[0]) if len(terms) == 2 else 0          # 6.5: the first term's planes all have a length
    cut = [split(s, sum(counts, []), own) for s in segments]
    parts = [list(p) for p in zip(*cut)] if cut and cut[0] else []
    if len(terms) == 1:
        return terms[0].decode(parts, residents)
    n = len(counts[0])
    w = terms[0].product(parts[:n], residents)
    kept, rest = terms[1].kept(parts[n:], *grid.segments())
    x = terms[1].numeric.decode(rest, kept).view(np.float32)
    with np.errstate(all="ignore"):
        if terms[1].sparse is None:
            w += x
        else:
            w[kept.positions()] += x
    return floats.canonical_nan(w).view(np.uint32)
