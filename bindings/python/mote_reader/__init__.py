# SPDX-License-Identifier: Apache-2.0
"""Reads mote packages: mote_reader.open(path, keys=[key]) gives one, iterating it its tensors. See ../README.md.

This is an implementation of spec/format.md and spec/codecs.md from their text; each module reads one part of them."""

import builtins

from .keys import read_public
from .manifest import Policy
from .package import Index, Package, Tensor
from .status import MoteError

__all__ = ["Index", "MoteError", "Package", "Policy", "Tensor", "open", "read_public"]


def open(path, keys=(), **options):
    """The package in a file. `keys`: trusted keys, 32 bytes each (read_public() reads key files); without any, digests
    are checked and nobody is trusted. `options`: threshold, role, policy, detached; see Package."""
    with builtins.open(path, "rb") as f:
        return Package(f.read(), keys, **options)
