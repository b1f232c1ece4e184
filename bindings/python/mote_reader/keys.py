# SPDX-License-Identifier: Apache-2.0
"""Keys: ids (format.md 6.1), enrolment (6.3) and public key files (15). A reader has no use for secret ones."""

import re

from . import ed25519
from .status import check
from .wire import digest

ED25519 = 1
FILE = re.compile(rb"mote-public-key-1\ned25519 ([0-9a-f]{64})\nid ([0-9a-f]{16})\n")

# vectors/test-N.pub: everybody can sign with these.
TEST_KEYS = {bytes.fromhex(k) for k in (
    "0f5a5680f9822240f44fdae0bd55135be2c756b5cba64ff56f2dfadfba393016",
    "3686d49d2977c113f12e536381d515377c69401481ba492f04001049183d638c",
    "38aa7f1833d8fa61e48fc8ae1e25a02f9b444d7682f7a7297b25eaabe84c943a")}


def key_id(key, alg=ED25519):
    """6.1"""
    return digest("mote1 key", bytes([alg]), key)[:8]


def enrol(key):
    """A trusted key as 32 bytes: refused unless it is a canonical point of prime order."""
    key = bytes(key)
    check(len(key) == 32 and ed25519.is_good_key(key), "KEY", "no canonical point of prime order")
    return key


def read_public(data):
    """15: the key that a public key file holds."""
    match = FILE.fullmatch(data)
    check(match, "KEY", "not a public key file")
    key = enrol(bytes.fromhex(match[1].decode()))
    check(key_id(key).hex().encode() == match[2], "KEY", "the id is not that of the key")
    check(key not in TEST_KEYS, "KEY", "a test key: everybody can sign with it")
    return key
