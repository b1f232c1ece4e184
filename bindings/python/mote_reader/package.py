# SPDX-License-Identifier: Apache-2.0
"""Packages: the order of work of a reader (format.md 4), content (8), facts and needs (5.1, 5.2), elements."""

import numpy as np

from . import directory, floats, layouts, manifest, signatures, tree
from .head import Head
from .keys import enrol
from .planes import pack
from .status import MoteError, check
from .wire import Cursor, digest

NATIVE = {"bool": "?", "u8": "u1", "i8": "i1", "u16": "u2", "i16": "i2", "u32": "u4", "i32": "i4", "u64": "u8",
          "i64": "i8", "f16": "f2", "f32": "f4", "f64": "f8", "c64": "<c8", "c128": "<c16"}


class Tensor:
    """An entry with its records. Its head has been read; its elements are decoded when they are asked for."""

    def __init__(self, entry):
        self.entry, self.head, self.residents, self.segments = entry, None, [], []
        self.name, self.kind, self.dtype, self.shape = entry.name, entry.kind, entry.dtype.name, entry.shape

    def bits(self):
        """The elements, flat and row-major, as unsigned integers of 8, 16, 32 or 64 bits (c128: 16 opaque bytes); those
        of fewer than 8 bits one to a byte. Checked against the digest of the entry, if it has one."""
        width = self.entry.dtype.bits
        if self.head is None:
            out = np.zeros(0, floats.UNSIGNED.get(max(width, 8), "V16"))
        else:
            out = layouts.decode(self.head.terms, self.head.grid, self.segments, self.residents)
            if self.head.axis:
                out = np.ascontiguousarray(out.reshape(self.head.grid.rows, self.head.grid.cols).T).ravel()
        check(len(out) == self.entry.elements, "STREAM", "elements")
        if self.entry.digest:
            check(digest("mote1 tensor", self._packed(out)) == self.entry.digest, "DIGEST", self.name)
        return out

    def _packed(self, bits):
        width = self.entry.dtype.bits
        return pack(bits, width) if width < 8 else bits.astype(bits.dtype.newbyteorder("<")).tobytes()

    def bytes(self):
        """The elements as format.md 9 digests them: row-major, little-endian, packed from the least significant bit."""
        return self._packed(self.bits())

    def array(self):
        """A NumPy array of the entry's shape. bf16 and f8 are raw, as uint16 and uint8; types of fewer than 8 bits are
        codes, one to a byte (i4 as int8). See float32()."""
        bits = self.bits()
        if self.dtype == "i4":
            out = (bits.astype(np.int8) ^ 8) - np.int8(8)
        else:
            out = bits.view(NATIVE[self.dtype]) if self.dtype in NATIVE else bits
        return out.reshape(self.shape)

    def float32(self):
        """The values as float32: exact for every type of at most 16 bits; wider ones are rounded."""
        check(self.dtype not in ("c64", "c128"), "ARG", f"{self.dtype} as float32")
        if self.dtype in NATIVE or self.dtype in ("u4", "i4"):
            with np.errstate(over="ignore"):
                return self.array().astype(np.float32)
        return floats.as_float32(self.bits(), self.dtype).reshape(self.shape)


class _Reached:
    """5.2: what the package has come to, against what it states."""

    def __init__(self, stated):
        self.stated, self.most = stated, dict.fromkeys(stated._fields, 0)

    def reach(self, **values):
        for name, value in values.items():
            check(value <= getattr(self.stated, name), "FACTS", f"{name} is {value}")
            self.most[name] = max(self.most[name], value)

    def add(self, value):
        self.reach(decoded_total=self.most["decoded_total"] + value)

    def finish(self):
        for name in self.stated._fields:
            check(self.most[name] == getattr(self.stated, name), "FACTS", f"{name} was never reached")


class _Front:
    """Prelude, manifest and signatures: steps 1 to 5 of format.md 4, for packages and index files."""

    def __init__(self, data, keys, threshold, role, policy, detached):
        cursor = Cursor(data)
        self.prelude = signatures.read_prelude(cursor)
        raw = cursor.take(self.prelude.ml)
        block = cursor.take(self.prelude.sl)
        self.digest = digest("mote1 manifest", raw)         # the identity of the package
        if detached is not None:
            block = signatures.read_detached(detached, self.prelude, self.digest)
        trusted = [enrol(k) for k in keys]
        self.signers = signatures.verify_block(self.prelude, block, self.digest, trusted, threshold, role)
        self.manifest = manifest.read(raw)
        (policy or manifest.Policy()).compare(self.manifest, self.digest)
        self.cursor = cursor


class Package:
    """A package whose signatures, digests, records, heads, facts and needs are as they must be. Elements are decoded,
    and checked against the digests of their entries, when they are asked for; with `verify` all of them at once, in the
    order of format.md 4, and the package is complete only then.

    data: bytes. keys: trusted keys of 32 bytes, `threshold` of which must have signed in `role`. policy: a Policy.
    detached: the bytes of a file of detached signatures (6.4)."""

    def __init__(self, data, keys=(), threshold=1, role=signatures.RELEASE, policy=None, detached=None, verify=False):
        front = _Front(data, keys, threshold, role, policy, detached)
        self.manifest, self.digest, self.signers = front.manifest, front.digest, front.signers
        start = front.cursor.at
        self.chunks = tree.walk(front.cursor, self.manifest)
        body = [bytes(data[start + c.offset:start + c.offset + c.length]) for c in self.chunks]
        self.tensors = self._read_content(body, verify)
        self._by_name = {}
        for t in self.tensors:
            self._by_name.setdefault((t.kind, t.name), t)

    def _read_content(self, body, verify):
        """8: entries, then head, residents and segments of each that has elements."""
        facts, needs, used = _Reached(self.manifest.facts), self.manifest.needs, set()
        facts.reach(n_entries=self.manifest.facts.n_entries, chunk_max=max(map(len, body)))
        records = directory.records(body)

        def following(kind):
            record = next(records, None)
            check(record, "TRUNCATED", "records are missing")
            check(record.type == kind, "ORDER", f"a record of type {record.type} where {kind} is due")
            return record

        tensors, last = [], None
        for _ in range(self.manifest.facts.n_entries):
            record = following(directory.ENTRY)
            facts.reach(entry_max=record.size)
            entry = directory.read_entry(record.value)
            check(last is None or entry.order > last, "ORDER", f"entry {entry.name}")
            last = entry.order
            facts.reach(tensor_max=entry.nbytes)
            facts.add(entry.nbytes)
            tensors.append(Tensor(entry))
        for tensor in tensors:
            entry = tensor.entry
            if not entry.elements:
                continue
            record = following(directory.HEAD)
            check((record.chunk, record.offset) == (entry.chunk, entry.offset), "ORDER", f"place of {entry.name}")
            facts.reach(head_max=record.size)
            tensor.head = head = Head(record.value, entry, needs)
            used |= head.used
            facts.reach(resident_max=head.resident_bytes, seg_elems_max=head.grid.seg_elems,
                        seg_raw_max=-(-head.grid.seg_elems * entry.dtype.bits // 8), table_slots_max=head.table_slots)
            stored = record.size
            many = head.n_segments > 1
            check(record.first or not many, "ORDER", f"head of {entry.name} does not start its chunk")
            for _ in range(head.n_residents):
                record = following(directory.RESIDENT)
                stored += record.size
                tensor.residents.append(record.value)
            for s in range(head.n_segments):
                record = following(directory.SEGMENT)
                stored += record.size
                check(s == 0 or record.first, "ORDER", f"segment {s} of {entry.name} does not start its chunk")
                check(s == head.n_segments - 1 or record.last, "ORDER", f"segment {s} of {entry.name}: not the last")
                tensor.segments.append(record.value)
            check(stored == entry.stored, "ORDER", f"stored bytes of {entry.name}")
            if verify:
                tensor.bits()
        check(next(records, None) is None, "ORDER", "a record behind the last")
        facts.finish()
        check(used == needs, "FACTS", f"needs that no head uses: {sorted(needs - used)}")
        return tensors

    def __iter__(self):
        return iter(self.tensors)

    def __len__(self):
        return len(self.tensors)

    def __getitem__(self, name):
        """The tensor of that name; for blobs and texts ("blob", name)."""
        key = name if isinstance(name, tuple) else ("tensor", name)
        if key not in self._by_name:
            raise MoteError("MISSING_TENSOR", str(name))
        return self._by_name[key]

    def check_token(self, token):
        """format.md 7.2"""
        return tree.check_token(token, self.digest, len(self.chunks))


class Index:
    """format.md 7.1: an index file, that is a package without its chunks: `chunks` says where each is in the body."""

    def __init__(self, data, keys=(), threshold=1, role=signatures.RELEASE, policy=None, detached=None):
        front = _Front(data, keys, threshold, role, policy, detached)
        self.manifest, self.digest, self.signers = front.manifest, front.digest, front.signers
        self.body_at = front.cursor.at          # where the body begins, in the package as here
        self.chunks = tree.walk(front.cursor, self.manifest, with_chunks=False)

    def check_chunk(self, i, data):
        """DIGEST unless these bytes are chunk i."""
        chunk = self.chunks[i]
        check(len(data) == chunk.length and digest("mote1 chunk", data) == chunk.digest, "DIGEST", f"chunk {i}")
        return data
