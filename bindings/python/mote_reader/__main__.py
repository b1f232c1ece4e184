# SPDX-License-Identifier: Apache-2.0
"""python3 -m mote_reader FILE [--pub KEYFILE]...: lists a package and verifies every byte of it.
Exit status: 0 done, 1 bad or untrusted file, 2 usage, 3 input."""

import argparse
import sys

from . import Index, MoteError, Package, read_public


def read(path):
    with open(path, "rb") as f:
        return f.read()


def arguments():
    parser = argparse.ArgumentParser(prog="mote_reader", description="Lists a mote package and verifies all of it.")
    parser.add_argument("file")
    parser.add_argument("--pub", action="append", default=[], metavar="KEYFILE", help="trust this key (repeatable)")
    parser.add_argument("--sig", metavar="FILE", help="the signatures are in FILE and not in the package")
    parser.add_argument("--threshold-keys", type=int, default=1, metavar="K", help="how many keys must have signed")
    parser.add_argument("--role", type=int, default=1, metavar="N", help="in which role: 1 release, 2 approval")
    parser.add_argument("--index", action="store_true", help="FILE is an index file")
    return parser.parse_args()


def show(package, trusted):
    m = package.manifest
    print(f"identity  {package.digest.hex()}")
    signed = f"{len(package.signers)} of {trusted} trusted keys have signed"
    print(f"trust     {signed if trusted else 'unverified: no key given'}")
    for label, value in (("name", m.name), ("version", m.version), ("sequence", m.sequence), ("tool", m.tool),
                         ("vendor", m.vendor and m.vendor.hex())):
        if value is not None:
            print(f"{label:9} {value}")
    print(f"chunks    {len(package.chunks)}, body of {m.body_len} bytes")
    if isinstance(package, Package):
        for t in package:
            shape = "x".join(map(str, t.shape)) or "scalar"
            coding = " + ".join(f"{x.layout} {x.name}" for x in t.head.terms) if t.head else "empty"
            print(f"{t.kind:7} {t.dtype:7} {shape:16} {coding:20} {t.entry.stored:10} bytes  {t.name}")


def main():
    args = arguments()
    try:
        keys = [read_public(read(path)) for path in args.pub]
        options = {"threshold": args.threshold_keys, "role": args.role,
                   "detached": read(args.sig) if args.sig else None}
        package = Index(read(args.file), keys, **options) if args.index else \
            Package(read(args.file), keys, verify=True, **options)
    except OSError as e:
        print(f"mote_reader: {e}", file=sys.stderr)
        return 3
    except MoteError as e:
        print(f"mote_reader: {args.file}: {e}", file=sys.stderr)
        return 1
    show(package, len(set(keys)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
