# SPDX-License-Identifier: Apache-2.0
"""Where the bits of a package go: for each tensor those of symbols, escapes, raw planes, layouts, scales, class maps and
head (tables), and of the container, beside what an ideal coder would spend on what is coded.

usage: accounting.py MOTE MODEL [OPTION...] -- options are those of `mote pack`; a table on stdout, bits a weight

"ideal" is the entropy of the counts of each class, class map and scales as they are coded, and half a log2 n for each
parameter of a table; "over" is what planes and tables take above it."""
import json
import os
import subprocess
import sys
import tempfile

PARTS = ("symbols", "escapes", "raw", "layout", "scales", "classes", "head")


def main():
    mote, model, options = sys.argv[1], sys.argv[2], sys.argv[3:]
    with tempfile.TemporaryDirectory() as work:
        text = subprocess.run([mote, "pack", model, "-o", os.path.join(work, "a.mote"), "--json", *options], check=True,
                              stdout=subprocess.PIPE).stdout
    report = json.loads(text)
    head = "%-40s %10s" + " %8s" * len(PARTS) + " %8s %8s %7s"
    print(head % (("tensor", "weights") + PARTS + ("all", "ideal", "over %")))
    sums = [0.0] * (len(PARTS) + 2)
    weights = 0
    for e in report["entries"]:
        if e["kind"] != "tensor" or not e["elements"]:
            continue
        n = e["elements"]
        parts = [8 * e["parts"][p] for p in PARTS] + [8 * e["packed_bytes"], e["ideal_bits"]]
        weights += n
        sums = [a + b for a, b in zip(sums, parts)]
        show(e["name"][-40:], n, parts)
    show("together", weights, sums)
    print("container: %.4f bits a weight, %.3f %% of %d bytes" % (
        8 * (report["file_bytes"] - sums[-2] / 8) / weights, 100 - 100 * sums[-2] / 8 / report["file_bytes"],
        report["file_bytes"]))


def show(name, n, parts):
    coded, ideal = parts[-2], parts[-1]
    over = "%7.2f" % (100 * (coded / ideal - 1)) if ideal > 0 else "      -"
    print("%-40s %10d" % (name, n) + "".join(" %8.4f" % (p / n) for p in parts) + " " + over)


main()
