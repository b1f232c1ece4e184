# SPDX-License-Identifier: Apache-2.0
"""Conventions of the wire (format.md 2): integers, varints, tagged fields, digests, texts."""

import hashlib

from .status import MoteError, check

MAX_TAG = 2**32 - 1


class Cursor:
    """Reads forward over bytes and never beyond them. Anything that has a length of its own is read with a Cursor of
    its own, so that a wrong inner length cannot reach what stands beside it."""

    def __init__(self, data, at=0, end=None):
        self.data, self.at, self.end = data, at, len(data) if end is None else end

    def left(self):
        return self.end - self.at

    def take(self, n):
        check(n <= self.end - self.at, "TRUNCATED", f"{n} bytes are wanted, {self.end - self.at} are left")
        self.at += n
        return bytes(self.data[self.at - n:self.at])

    def sub(self, n):
        """A Cursor over the next n bytes; this one moves past them."""
        check(n <= self.end - self.at, "TRUNCATED", f"{n} bytes are wanted, {self.end - self.at} are left")
        self.at += n
        return Cursor(self.data, self.at - n, self.at)

    def rest(self):
        return self.take(self.left())

    def fixed(self, n):
        return int.from_bytes(self.take(n), "little")

    def u8(self):
        return self.fixed(1)

    def i8(self):
        return (self.fixed(1) ^ 0x80) - 0x80

    def varint(self):
        """2.2: LEB128 in its shortest form, at most 2^63 - 1."""
        value = 0
        for i in range(9):
            byte = self.fixed(1)
            value |= (byte & 0x7F) << 7 * i
            if byte < 0x80:
                check(byte or not i, "VARINT", "not the shortest form")
                return value
        raise MoteError("VARINT", "more than nine bytes")

    def zigzag(self):
        """codecs.md 1: a signed number."""
        v = self.varint()
        return v >> 1 if v % 2 == 0 else -(v >> 1) - 1

    def done(self):
        check(self.at == self.end, "TRAILING", f"{self.end - self.at} bytes are left")


def fields(cursor, known):
    """2.3: yields (tag, Cursor of the value) for the tags of `known`; an unknown odd tag is skipped. The value must be
    used up before the next field is asked for."""
    last = 0
    while cursor.left():
        tag = cursor.varint()
        check(tag <= MAX_TAG, "LIMIT", "tag")
        check(tag > last, "ORDER", f"tag {tag} behind {last}")
        last = tag
        value = cursor.sub(cursor.varint())
        if tag in known:
            yield tag, value
            value.done()
        else:
            check(tag % 2, "CRITICAL", f"tag {tag}")


def text(data):
    """2.5: well-formed UTF-8 without control characters."""
    try:
        s = data.decode("utf-8")        # Python's strict decoder is table 3-7: no surrogate, nothing overlong
    except UnicodeDecodeError as e:
        raise MoteError("UTF8", str(e)) from None
    check(all(c >= 0x20 and c != 0x7F for c in data), "UTF8", "control character")
    return s


def digest(role, *parts):
    """2.4: SHA-256 over the role, padded to 16 bytes, and the parts."""
    h = hashlib.sha256(role.encode("ascii").ljust(16, b"\0"))
    for part in parts:
        h.update(part)
    return h.digest()
