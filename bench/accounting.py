# SPDX-License-Identifier: Apache-2.0
"""Where the bits of packages go: symbols, the final states of their lanes, escapes, raw planes, layouts, scales, class
maps, heads (tables) and the container, beside what an ideal coder would spend on what is coded.

usage: accounting.py MOTE FOLDER MODEL... [-- OPTION...] -- options are those of `mote pack`; bits a weight

"ideal" is the entropy of the counts of each class, class map and scales as they are coded, and half a log2 n for each
parameter of a table; "over" is what planes and tables take above it. "lanes": 32 bits for each lane of the numbers'
plane and segment, some 8 of which say something about the numbers (codecs.md 3.2); lanes of maps and masks are counted
with these. "container" is all that is no tensor's: manifest, hash tree, directory, record headers. A row for each
tensor of a single model, for each model of several. All tensors are in FOLDER/accounting-OPTIONS.csv."""
import json
import os
import sys

from runs import Results, pack, run, scratch

PARTS = ("symbols", "lanes", "escapes", "raw", "layout", "scales", "classes", "head")
COLUMNS = PARTS + ("container", "all", "ideal")
LANES = {"rans-1": 1, "rans-8": 8, "rans-32": 32, "adaptive-1": 1}


def account(mote, model, options, work):
    """name -> weights and bits by column, of tensors; and of the whole model."""
    path = work + "/a.mote"
    report, _ = pack(mote, model, path, "--quick", *options)
    segments = {e["name"]: e["coding"]["segments"] for e in json.loads(run(mote, "info", "--json", path))["entries"]
                if e.get("coding")}
    out, whole = {}, [0] * (len(COLUMNS) + 1)
    for e in report["entries"]:
        if e["kind"] != "tensor" or not e["elements"]:
            continue
        lanes = 4 * LANES.get(e["coder"], 0) * segments[e["name"]]
        parts = {**e["parts"], "lanes": lanes, "symbols": e["parts"]["symbols"] - lanes}
        row = [e["elements"]] + [8 * parts[p] for p in PARTS] + [0, 8 * e["packed_bytes"], e["ideal_bits"]]
        out[e["name"]] = row
        whole = [a + b for a, b in zip(whole, row)]
    at = 1 + COLUMNS.index("container")
    whole[at] = 8 * report["file_bytes"] - whole[at + 1]
    whole[at + 1] = 8 * report["file_bytes"]
    return out, whole


def show(name, row):
    n, container, coded, ideal = row[0], row[-3], row[-2], row[-1]
    over = "%7.2f" % (100 * ((coded - container) / ideal - 1)) if ideal > 0 else "      -"
    print("%-34s %9d" % (name[-34:], n) + "".join(" %9.4f" % (x / n) for x in row[1:]) + " " + over, flush=True)


def main():
    args = sys.argv[1:]
    cut = args.index("--") if "--" in args else len(args)
    mote, folder, models, options = args[0], args[1], args[2:cut], args[cut + 1:]
    name = "accounting" + "".join(c if c.isalnum() else "-" for c in "".join(options))
    results = Results(folder, name, ("model", "tensor", "weights") + COLUMNS)
    print("bits a weight: %s" % " ".join(options or ["--lossless"]))
    print(("%-34s %9s" + " %9s" * len(COLUMNS) + " %7s") % ("", "weights", *COLUMNS, "over %"))
    total = [0] * (len(COLUMNS) + 1)
    with scratch() as work:
        for model in models:
            name = os.path.splitext(os.path.basename(model))[0]
            tensors, whole = account(mote, model, options, work)
            for k, row in tensors.items():
                results.row(name, k, row[0], *("%.5f" % (x / row[0]) for x in row[1:]))
                if len(models) == 1:
                    show(k, row)
            show(name, whole)
            total = [a + b for a, b in zip(total, whole)]
    if len(models) > 1:
        show("together", total)
    results.finish()


main()
