# SPDX-License-Identifier: Apache-2.0
"""Every row of spec/vectors/manifest.txt, by the reader of bindings/python: the status, and the digest of all
elements. Each row is read twice: value by value, and with all streams of a tensor at once. Index files are read as what
they are."""

import hashlib
import os
import sys

from common import VECTORS, MoteError, Package, read
from mote_reader import Index, Policy, rans


def policy_of(text, data):
    policy = Policy()
    for item in [] if text == "-" else text.split(","):
        name, _, value = item.partition("=")
        if name == "name":
            policy.name = value
        elif name == "vendor":
            policy.vendor = bytes.fromhex(value)
        elif name == "class":
            policy.device_class = bytes.fromhex(value)
        elif name == "installed":
            sequence, _, same = value.partition(":")
            policy.installed = int(sequence), Package(data).digest if same else None
        elif name == "without":
            policy.has -= {int(value)}
        else:
            policy.limits[name] = int(value)
    return policy


def main():
    keys = [bytes.fromhex(read(os.path.join(VECTORS, f"test-{i}.pub")).decode().strip()) for i in range(3)]
    rows = [line.rstrip("\n").split(" ", 5) for line in open(os.path.join(VECTORS, "manifest.txt"), encoding="utf-8")
            if not line.startswith("#")]
    wrong = passed = 0
    for batch in 48, 1:
        rans.BATCH = batch
        for file, status, trust, expects, elements, _ in rows:
            data = read(os.path.join(VECTORS, file))
            who, _, threshold = trust.partition("/")
            who = [] if who == "-" else [keys[int(i)] for i in who.split(",")]
            got, decoded = "OK", None
            try:
                package = Package(data, who, int(threshold or 1), policy=policy_of(expects, data), verify=True)
                if elements != "-":
                    decoded = hashlib.sha256(b"".join(t.bytes() for t in package)).hexdigest()
            except MoteError as e:
                got = e.status
            if got != status or elements not in ("-", decoded):
                print(f"{file}: {status} is due, it is {got}; elements {decoded}")
                wrong += 1
            else:
                passed += 1
    for file in "bad/7.1-index.mote", "bad/7.1-index-of-one-page.mote":
        index = Index(read(os.path.join(VECTORS, file)), keys[:1])
        assert len(index.chunks) == index.manifest.n_chunks and index.signers == keys[:1]
    # Folders and list must say the same: a file that is not in the list was never read.
    listed = {row[0] for row in rows}
    found = {f"{folder}/{name}" for folder in ("ok", "bad") for name in os.listdir(os.path.join(VECTORS, folder))}
    assert listed == found, listed ^ found
    print(f"{passed} of {2 * len(rows)} rows as they must be")
    return 1 if wrong or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
