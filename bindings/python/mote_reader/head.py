# SPDX-License-Identifier: Apache-2.0
"""The head of a tensor (codecs.md 2) and what it says of facts (7.2) and needs (format.md 5.1)."""

from . import registry
from .layouts import Grid, Term
from .status import check
from .wire import Cursor, fields


class Used(set):
    """Ids of registry.md 3 that stand in a head or that it uses; one that is not stated is refused at once."""

    def __init__(self, stated):
        super().__init__()
        self.stated = stated

    def add(self, number):
        check(number in self.stated, "FACTS", f"id {number} is not stated in needs")
        super().add(number)


class Head:
    def __init__(self, data, entry, needs):
        self.used = Used(needs)
        self.axis, n_residents, tables, columns, grid, terms = 0, 0, None, None, None, None
        for tag, c in fields(Cursor(data), (2, 4, 6, 8, 10, 12)):
            if tag == 2:
                grid = Grid(c.varint(), c.varint(), c.varint())
            elif tag == 8:
                n_residents = c.varint()
                check(n_residents > 0, "HEAD", "no residents are written as absent")
            elif tag == 10:
                check(c.varint() == 1, "VALUE", "axis")
                self.axis = 1
            elif tag == 4:
                terms = c.rest()
            elif tag == 6:
                tables = c.rest()
            else:
                columns = c.rest()
        check(grid and terms is not None, "MISSING", "grid or terms")
        self.grid = grid
        self._check_grid(entry)
        self._read_terms(Cursor(terms), entry)
        check(n_residents == self.n_residents, "HEAD", f"{n_residents} residents, {self.n_residents} are due")
        self._check_packed(entry)
        self._read_tables(tables)
        self._read_columns(columns)
        self.n_segments = grid.n_segments

    def _check_grid(self, entry):
        """1.1"""
        g = self.grid
        check(g.rows * g.cols == entry.elements, "SHAPE", f"{g.rows} x {g.cols} of {entry.elements}")
        check(1 <= g.seg_elems <= g.rows * g.cols, "SHAPE", f"segments of {g.seg_elems}")
        check(g.cut or g.seg_elems % g.cols == 0, "SHAPE", "segments of no whole rows")

    def _read_terms(self, c, entry):
        """2, 6.5"""
        self.terms = [Term(c, self.used, self.grid, entry.dtype)]
        if c.left():
            self.used.add(registry.SUM_OF_TERMS)
            self.terms.append(Term(c, self.used, self.grid, entry.dtype))
            check(not c.left(), "LIMIT", "more than two terms")
            first, second = self.terms
            check(first.layout == "lowrank" and second.layout != "lowrank" and
                  second.name in ("float", "affine", "codebook") and entry.dtype.name == "f32", "HEAD", "sum of terms")
        self.n_residents = sum(t.n_residents for t in self.terms)
        self.resident_bytes = sum(t.resident_bytes for t in self.terms)

    def _check_packed(self, entry):
        """1.1: fewer than 8 bits."""
        bits, g = entry.dtype.bits, self.grid
        if bits >= 8:
            return
        self.used.add(registry.PACKED)
        check(self.axis == 0 and self.terms[0].layout == "dense", "HEAD", "packed elements")
        if g.n_segments > 1:
            check(g.seg_elems * bits % 8 == 0 and (not g.cut or g.cols * bits % 8 == 0), "HEAD", "packed elements")

    def _read_tables(self, data):
        c = Cursor(data or b"")
        if data is None:
            # Whatever reads a table finds no byte: MISSING then, and not TRUNCATED.
            c = _Nothing()
        else:
            check(len(data) > 0, "TRAILING", "tag 6 without a table")
        for t in self.terms:
            t.read_tables(c)
        c.done()
        self.table_slots = sum(t.table_slots for t in self.terms)

    def _read_columns(self, data):
        wanted = [t.numeric for t in self.terms if t.layout == "dense" and t.name == "trellis" and
                  t.numeric.has_columns]
        check(data is None or wanted, "TRAILING", "columns of no trellis")
        check(data is not None or not wanted, "MISSING", "columns")
        for numeric in wanted:
            numeric.read_columns(data)


class _Nothing(Cursor):
    def __init__(self):
        super().__init__(b"")

    def take(self, n):
        check(False, "MISSING", "tables")
