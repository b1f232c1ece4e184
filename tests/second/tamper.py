# SPDX-License-Identifier: Apache-2.0
"""Damaged packages: the reader of bindings/python accepts none that `mote` refuses, nor the reverse.
- a signed package, cut at every byte and with a bit flipped in every byte: nobody accepts any of them;
- an unsigned one likewise, where digests alone decide;
- vectors in which a byte of a field or record has changed and everything around it was hashed again, so that it is the
  rules of the format that decide;
- single tensors of vectors with bytes of their head or segments changed, put in or taken out, fields added, grids
  changed, and facts, lengths and places made right again, so that it is the rules of the codecs that decide.
usage: tamper.py MOTE FOLDER [COUNT [SEED]]: so many of the last two kinds, 200 unless stated"""

import os
import random
import sys

import crafted
from common import VECTORS, Package, mote, put_together, read, read_safetensors, refusal, take_apart, write
from mote_reader import directory, wire


def signed():
    """Truncations, and flips of one bit of each byte, of all bits where a field is of a few bits."""
    key = bytes.fromhex(read(os.path.join(VECTORS, "test-0.pub")).decode().strip())
    data = read(os.path.join(VECTORS, "ok", "minimal.mote"))
    assert refusal(data, [key]) == "OK"
    tries = [data[:n] for n in range(len(data))] + [data + b"\0"]
    for at in range(len(data)):
        for bit in range(8) if at < 20 else [at % 8]:
            tries.append(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1:])
    accepted = sum(refusal(x, [key]) == "OK" for x in tries)
    print(f"signed: {len(tries)} damaged, {accepted} accepted")
    return accepted


class Both:
    """Asks both readers, without a key."""

    def __init__(self, program, folder):
        self.program = program
        self.package, self.out = os.path.join(folder, "damaged.mote"), os.path.join(folder, "damaged.safetensors")
        self.tried = self.accepted = self.differ = self.same_status = 0

    def ask(self, label, data):
        write(self.package, data)
        if os.path.exists(self.out):
            os.remove(self.out)
        run = mote(self.program, "unpack", self.package, "-o", self.out, "--threads", "1")
        theirs = "OK" if run.returncode == 0 else run.stderr.rsplit("(ERR_", 1)[-1].split(")")[0]
        assert run.returncode in (0, 1), run.stderr
        ours = refusal(data)
        differ = (theirs == "OK") != (ours == "OK")
        if theirs == ours == "OK":
            unpacked = read_safetensors(self.out)
            differ = any(t.kind == "tensor" and unpacked[t.name][2] != t.bytes() for t in Package(data))
        self.tried += 1
        self.accepted += ours == "OK"
        self.same_status += ours == theirs
        if differ:
            kept = f"{self.package}.{self.tried}"
            write(kept, data)
            print(f"{label}: mote {theirs}, here {ours}: {kept}")
            self.differ += 1

    def report(self, what):
        print(f"{what}: {self.tried} damaged, {self.accepted} accepted, {self.same_status} with the same status, "
              f"{self.differ} differ")
        return self.differ + (self.tried == 0)


def unsigned(program, folder):
    data, both = put_together(*take_apart(read(os.path.join(VECTORS, "ok", "chunks-3.mote")))), Both(program, folder)
    both.ask("whole", data)
    assert both.accepted == 1 and both.same_status == 1
    for n in range(0, len(data), 7):
        both.ask(f"cut to {n}", data[:n])
    for at in range(len(data)):
        both.ask(f"bit {at % 8} of byte {at}", data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1:])
    return both.report("unsigned")


def unpackable(package):
    """safetensors has a type for each of its tensors."""
    return all(t.dtype in ("bool", "f16", "bf16", "f32", "f64") or t.dtype[1:].isdigit() and int(t.dtype[1:]) >= 8 and
               t.dtype[0] in "iu" for t in package)


def vectors():
    """Those whose packages `mote unpack` can turn into safetensors."""
    for name in sorted(os.listdir(os.path.join(VECTORS, "ok"))):
        data = read(os.path.join(VECTORS, "ok", name))
        package = Package(data)
        if unpackable(package):
            yield name, data, package


def hashed_again(program, folder, count, rng):
    both = Both(program, folder)
    sources = [(name, *take_apart(data)) for name, data, _ in vectors() if len(data) < 14000]
    for _ in range(count):
        name, fields, chunks = rng.choice(sources)
        fields, chunks = list(fields), list(chunks)
        records = list(directory.records(chunks))
        draw = rng.random()
        if draw < 0.1:
            i = rng.randrange(1, len(fields))
            if fields[i][1]:
                fields[i] = fields[i][0], change(rng, fields[i][1], 0, len(fields[i][1]))
            where = f"field {fields[i][0]}"
        else:
            heads = [r for r in records if r.type == directory.HEAD]
            r = rng.choice(heads if draw < 0.6 and heads else records)
            first = r.offset + (0 if rng.random() < 0.1 else r.size - len(r.value))
            chunks[r.chunk] = change(rng, chunks[r.chunk], first, r.offset + r.size)
            where = f"record of type {r.type} in chunk {r.chunk} at {r.offset}"
        both.ask(f"{name}, {where}", put_together(fields, chunks))
    return both.report("hashed again")


def change(rng, data, first, end):
    """One byte of data[first:end], oftener near its begin, has another value."""
    if first == end:
        return data
    at = first + int(rng.random() ** 2 * (end - first))
    old = data[at]
    new = rng.choice([0, 1, 2, 255, old ^ 1 << rng.randrange(8), old + 1 & 255, old - 1 & 255, rng.randrange(256)])
    return data[:at] + bytes([new]) + data[at + 1:]


def edit(rng, data):
    """A byte changed, put in or taken out, or the end cut off."""
    at = int(rng.random() ** 2 * len(data))
    draw = rng.random()
    if draw < 0.6:
        return change(rng, data, 0, len(data))
    if draw < 0.75:
        return data[:at] + data[at + 1:]
    return data[:at] if draw < 0.85 else data[:at] + bytes([rng.choice([0, 1, 127, 128, 255])]) + data[at:]


def other_grid(rng, n):
    """A grid for n elements, which may break the rules."""
    rows = rng.choice([d for d in range(1, n + 1) if n % d == 0])
    cols = n // rows
    segment = rng.choice([n, cols, cols * rng.randint(1, rows), rng.randint(1, n), max(1, cols - 1)])
    return rows, cols, segment


def rewritten(program, folder, count, rng):
    both, sources = Both(program, folder), []
    for name, data, package in vectors():
        heads = iter([r for r in directory.records(take_apart(data)[1]) if r.type == directory.HEAD])
        for t in package:
            if t.head:
                fields, c = [], wire.Cursor(next(heads).value)
                while c.left():
                    tag = c.varint()
                    fields.append((tag, c.take(c.varint())))
                if sum(map(len, t.segments)) < 6000:
                    sources.append((name, t, fields))
    while both.tried < count:
        name, t, fields = rng.choice(sources)
        fields, segments, residents = dict(fields), list(t.segments), list(t.residents)
        draw = rng.random()
        if draw < 0.4:
            where = rng.choice(sorted(fields))
            fields[where] = edit(rng, fields[where])
        elif draw < 0.5:
            where, grid = "grid", other_grid(rng, t.entry.elements)
            fields[2] = b"".join(map(crafted.v, grid))
            n = crafted.Grid(*grid).n_segments
            if n > 40:
                continue
            segments = (segments * n)[:n]
        elif draw < 0.65:
            where = rng.choice([1, 3, 6, 8, 10, 11, 12, 13, 14])
            if fields.pop(where, None) is None or rng.random() < 0.5:
                fields[where] = rng.choice([b"", b"\0", b"\1", b"\1\2"])
        else:
            records = residents if residents and rng.random() < 0.3 else segments
            i, where = rng.randrange(len(records)), "records"
            records[i] = edit(rng, records[i])
        changed = crafted.Tensor(t.dtype, t.shape, fields.items(), segments, residents, like=t.head)
        both.ask(f"{name}, {t.name}, {where}", crafted.package(changed))
    return both.report("rewritten")


def main():
    program, folder = sys.argv[1:3]
    count = int(sys.argv[3]) if sys.argv[3:] else 200
    rng = random.Random(int(sys.argv[4]) if sys.argv[4:] else 12)
    os.makedirs(folder, exist_ok=True)
    wrong = signed() + unsigned(program, folder)
    wrong += hashed_again(program, folder, count, rng) + rewritten(program, folder, count, rng)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
