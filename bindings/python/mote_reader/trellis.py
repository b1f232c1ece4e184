# SPDX-License-Identifier: Apache-2.0
"""Trellis (codecs.md 8): two quantisers, the parities of a lane's levels choose between them."""

import numpy as np

from . import floats, rans, registry
from .numerics import SCALED, Numeric, check_scales, raw_floats
from .planes import Plane, read_map_coder, read_maps
from .registry import DTYPE
from .status import check
from .tables import read_pairs, read_table

CODES = {0: (0, 0), 1: (0o13, 0o4), 2: (0o45, 0o10), 3: (0o515, 0o362), 4: (0o2107, 0o1722), 5: (0o6215, 0o3722)}


class Path:
    """8.2: next[2 s + (k odd)] is the state behind state s and level k."""

    def __init__(self, h0, h1):
        self.n_states = 1 << max(h0.bit_length() - 1, 0)
        self.next = [(s >> 1) ^ (h0 >> 1 if s & 1 else 0) ^ (h1 >> 1 if odd else 0)
                     for s in range(self.n_states) for odd in (0, 1)]


class Levels(Plane):
    paired = True

    def __init__(self):
        super().__init__(16, 0, 0)

    def read_descriptor(self, c, used):
        self.coder = registry.coder(c, used)
        check(self.coder in registry.LANES, "HEAD", f"levels by {self.coder}")
        self.lanes = registry.LANES[self.coder]
        self.n_classes = c.varint()
        check(1 <= self.n_classes <= 16, "HEAD", "row classes")
        if self.n_classes > 1:
            self.map_coder = read_map_coder(c, used)
        self.escapes = c.varint()
        check(self.escapes <= 2, "HEAD", f"escapes {self.escapes}")


class Trellis(Numeric):
    def __init__(self, c, used, target, grid):
        check(target.name in SCALED, "HEAD", f"a trellis of {target.name}")
        self.target, self.grid = target, grid
        form = c.u8()
        self.has_zero, offsets, self.has_scales, self.has_columns = (form >> i & 1 for i in range(4))
        code = form >> 4
        check(code in CODES or code == 7, "RESERVED", f"code {code}")
        if code == 7:
            h0, h1 = c.varint(), c.varint()
            states = 1 << max(h0.bit_length() - 1, 0)
            check(h0 % 2 == 1 and 8 <= states and h0 < 2**16, "HEAD", f"h0 {h0}")
            check(h1 % 2 == 0 and 0 < h1 < states and (h0, h1) not in CODES.values(), "HEAD", f"h1 {h1}")
            used.add(registry.OWN_STATES)
        else:
            h0, h1 = CODES[code]
        check(code or not self.has_zero, "HEAD", "one state, and quantiser 1 has zero")
        self.path = Path(h0, h1)
        self.step = check_scales(np.array([c.fixed(3) << 8], np.uint32).view(np.float32))[0]
        self.offsets = [0, 0, 0, 0]
        if offsets:
            self.offsets[1:] = c.i8(), c.i8(), c.i8()
            check(any(self.offsets) and all(-31 <= o <= 31 for o in self.offsets), "HEAD", "offsets")
        self.largest, self.n_pairs = c.varint(), c.varint()
        check(1 <= self.largest < 2**21, "HEAD", f"largest {self.largest}")
        check(1 <= self.n_pairs <= 16, "HEAD", f"{self.n_pairs} pairs")
        self.base = c.varint() if self.n_pairs > 1 else 0
        check(self.base <= 30, "HEAD", f"base {self.base}")
        if self.has_columns:
            check(grid.seg_elems >= grid.cols and grid.cols <= 65535, "HEAD", "column classes")
            self.column_coder = read_map_coder(c, used)
        self.levels = Levels()
        self.levels.read_descriptor(c, used)
        self.raw = self.has_scales
        self.columns_bank, self._slots = None, 0

    @property
    def planes(self):
        return [self.levels]

    @property
    def table_slots(self):
        return self._slots

    @property
    def resident_bytes(self):
        return (4 * ((self.grid.cols + 17) // 2) if self.has_columns else 0) + \
            (1536 * self.n_pairs + 32 if self.levels.coder == "adaptive-1" else 0)

    def read_tables(self, c):
        """8.1: the column map's table, the class map's, those of pairs, the escape table."""
        if self.has_columns and self.column_coder == "rans-1":
            self.columns_bank = rans.Bank([read_table(c, 0, 15)])
            self._slots += 1
        self.levels.read_map_table(c)
        two = 2 if self.path.n_states > 1 else 1
        pairs = read_pairs(c, self.n_pairs, two, self.levels.escapes > 0, self.has_zero)
        tables = [t for pair in pairs for t in pair]
        adaptive = self.levels.coder == "adaptive-1"
        check(not adaptive or all(len(t.freq) == 16 for t in tables), "HEAD", "32 symbols and adaptive-1")
        self._slots += sum(len(t.freq) // 16 for t in tables)
        self.levels.bank = rans.Bank(tables, self.path, adaptive)
        self.levels.read_escape_table(c)
        self._slots += self.levels.n_tables

    def read_columns(self, data):
        """8.3: tag 12 of the head."""
        self.column_map = read_maps(self.column_coder, self.columns_bank, [data], [self.grid.cols], 16)

    def decode(self, parts, kept):
        parts = list(parts)
        unit = self.step
        if self.has_scales:
            data = [p for p, in parts.pop(0)]
            for d, (pieces, _) in zip(data, kept.segments):
                check(len(d) == 2 * pieces, "STREAM", "scales")
            scales = check_scales(raw_floats(b"".join(data), DTYPE["f16"]))
            with np.errstate(all="ignore"):
                unit = check_scales(self.step * scales)
            unit = np.repeat(unit, np.concatenate(kept.rows))
        v = self._values([list(p) for p in parts[0]], kept)
        a = np.abs(v)
        check(not len(v) or a.max() <= self.largest, "RANGE", f"above {self.largest}")
        m = 64 * a + np.array(self.offsets, np.int64)[np.where(a <= 3, a, 0)]
        x = (np.sign(v) * m).astype(np.float32) / np.float32(64)
        with np.errstate(all="ignore"):
            return floats.narrow32(x * unit, self.target.name)

    def _values(self, parts, kept):
        classes = self.levels.classes(parts, [n for n, _ in kept.segments])
        if self.has_columns:
            order = np.argsort(self.column_map, kind="stable")
            widths = np.bincount(self.column_map, minlength=16)
            rows = [np.tile(widths, n) for n, _ in kept.segments]
            picks = [(c[:, None] + np.arange(16) - self.base).clip(0, self.n_pairs - 1).ravel() for c in classes]
        else:
            rows = kept.rows
            picks = [(c - self.base).clip(0, self.n_pairs - 1) for c in classes]

        def escaped(bank, code, e):
            a = code & 31
            return np.where(e % 2 == 0, a + e, a - bank.n_symbols[code >> 5] + 1 - e)

        k, code = self.levels.levels(parts, rows, picks, escaped), self.levels.code
        v = 2 * k
        if self.path.n_states > 1:
            q = code >> 5 & 1
            v = v + q * (-np.sign(k) if self.has_zero else 1)
        if self.has_columns:
            out = np.empty_like(v).reshape(-1, self.grid.cols)
            out[:, order] = v.reshape(-1, self.grid.cols)
            v = out.ravel()
        return v
