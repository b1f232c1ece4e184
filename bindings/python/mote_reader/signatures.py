# SPDX-License-Identifier: Apache-2.0
"""Prelude (format.md 3), the signature block (6) and detached signatures (6.4)."""

from collections import namedtuple

from . import ed25519, keys
from .status import check
from .wire import Cursor, digest

MAGIC = bytes.fromhex("894d4f54450d0a0a")
MAGIC_DETACHED = bytes.fromhex("894d4f53470d0a0a")
MAX_MANIFEST = 4096
MAX_ENTRIES = 16
RELEASE = 1

Prelude = namedtuple("Prelude", "version suite ml sl")
Signature = namedtuple("Signature", "alg role key_id bytes")


def read_prelude(cursor, magic=MAGIC):
    """3: 16 bytes, checked in the order of the table."""
    check(cursor.take(8) == magic, "MAGIC")
    version, suite, ml, sl, reserved = cursor.u8(), cursor.u8(), cursor.fixed(2), cursor.fixed(2), cursor.fixed(2)
    check(version == 1, "VERSION", f"{version}")
    check(suite == 1, "SUITE", f"{suite}")
    check(1 <= ml <= MAX_MANIFEST, "LIMIT", f"a manifest of {ml} bytes")
    check(reserved == 0, "RESERVED", "prelude")
    return Prelude(version, suite, ml, sl)


def read_block(data):
    """6: the entries of a signature block, which may be of no bytes."""
    cursor, found, last = Cursor(data), [], b""
    while cursor.left():
        check(len(found) < MAX_ENTRIES, "LIMIT", "signatures")
        alg, role, length = cursor.u8(), cursor.u8(), cursor.fixed(2)
        key_id = cursor.take(8)
        signature = cursor.take(length)
        check(alg and role, "VALUE", "algorithm or role 0")
        check(alg != keys.ED25519 or length == 64, "VALUE", "length of a signature")
        order = bytes([alg, role]) + key_id
        check(order > last, "ORDER", "signatures")
        last = order
        found.append(Signature(alg, role, key_id, signature))
    return found


def signing_block(prelude, alg, role, key_id, manifest_digest):
    """6.2: the 64 bytes that are signed."""
    return b"mote signature\0\0" + bytes([prelude.version, prelude.suite, alg, role]) + bytes(4) + key_id + \
        manifest_digest


def verify_block(prelude, data, manifest_digest, trusted, threshold=1, role=RELEASE):
    """6: checks the block against trusted keys and the policy "threshold distinct keys in this role". Without a trusted
    key only the form is checked. Returns the keys that have signed in that role."""
    found = read_block(data)
    if not trusted:
        return []
    check(found, "UNSIGNED")
    by_id = {}
    for key in trusted:
        by_id.setdefault(keys.key_id(key), key)
    signers = set()
    for s in found:
        if s.alg != keys.ED25519 or s.key_id not in by_id:
            continue
        key = by_id[s.key_id]
        message = signing_block(prelude, s.alg, s.role, s.key_id, manifest_digest)
        check(ed25519.verify(key, message, s.bytes), "SIGNATURE", f"key {s.key_id.hex()} in role {s.role}")
        if s.role == role:
            signers.add(key)
    check(len(signers) >= threshold, "UNTRUSTED", f"{len(signers)} of {threshold} keys have signed")
    return sorted(signers)


def read_detached(data, prelude, manifest_digest):
    """6.4: the signature block of a detached file for the package with this prelude and manifest digest."""
    check(prelude.sl == 0, "STATE", "the package has signatures of its own")
    cursor = Cursor(data)
    own = read_prelude(cursor, MAGIC_DETACHED)
    check(cursor.take(32) == manifest_digest and own.ml == prelude.ml, "DIGEST", "signatures of another package")
    block = cursor.take(own.sl)
    cursor.done()
    return block
