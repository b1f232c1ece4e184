# SPDX-License-Identifier: Apache-2.0
"""Sizes, speeds and memory of the mote tool on a real model, beside the targets.

usage: figures.py MOTE MODEL.safetensors FOLDER

Speeds are the processor time of whole processes on one thread, the best of five runs, files in memory where /dev/shm
is there."""
import os
import struct
import subprocess
import sys

import models
from runs import Results, pack, run, scratch, timed

MOTE, MODEL, FOLDER = sys.argv[1:4]
RUNS = 5
HOST = ("--profile", "host", "--threads", "1")
results = Results(FOLDER, "figures")


def best(*args):
    """Seconds of the cheapest of RUNS runs: other load on the machine counts less."""
    return min(timed(*args)[1] for _ in range(RUNS))


def payload(report):
    """Bytes of planes and lane states: everything but pages, record headers, entries, heads and what is before them."""
    return sum(v for e in report["entries"] for k, v in e["parts"].items() if k != "head")


def lossless(work):
    size = os.path.getsize(MODEL)
    pkg, back = work + "/a.mote", work + "/back.safetensors"
    report, _ = pack(MOTE, MODEL, pkg, *HOST)
    run(MOTE, "unpack", pkg, "-o", back)
    same = models.read(MODEL) == models.read(back)
    results.most("lossless f32, package / safetensors", report["file_bytes"] / size, 0.84)
    results.figure("  every tensor bit-exact", "true", str(same).lower(), same)

    data = sum(len(t[2]) for t in models.read(MODEL).values()) / 1e6
    t = best(MOTE, "unpack", pkg, "-o", back, "--threads", 1)
    results.least("unpack, one thread, digests on, MB/s of tensor bytes", data / t, 300)
    t = best(MOTE, "pack", MODEL, "-o", pkg, *HOST)
    results.least("pack, one thread, digests on, read back, MB/s of tensor bytes", data / t, 200)

    def fits(mib):  # private memory that may be written: heap, stacks, .data of every library
        return subprocess.run(["prlimit", "--data=%d" % (mib << 20), MOTE, "unpack", pkg, "-o", back],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    results.most("unpack, own memory in MiB (RLIMIT_DATA that suffices)", next((m for m in range(1, 65) if fits(m)), 65),
                 16, "%d")

    for profile, chunk, limit in (("std", "16K", 0.35), ("host", "1M", 0.05)):
        report, _ = pack(MOTE, MODEL, pkg, "--profile", profile, "--chunk", chunk)
        results.most("container overhead at %s chunks, %% of the package" % chunk,
                     100 - 100 * payload(report) / report["file_bytes"], limit)


def casts(work):
    floats = sum(len(t[2]) // 2 if t[0] == "F32" else len(t[2]) for t in models.read(MODEL).values())
    for option, limit in (("--bf16", 0.67), ("--f16", 0.86)):
        report, _ = pack(MOTE, MODEL, work + "/c.mote", "--profile", "host", option)
        results.most("cast %s, package / cast tensors" % option[2:], report["file_bytes"] / floats, limit)


def integers(work):
    for bits in (8, 4):
        report, _ = pack(MOTE, MODEL, work + "/i.mote", "--profile", "host", "--bits", bits, "--per", "row")
        worst, name = max((8 * sum(e["parts"].values()) / e["ideal_bits"] - 1, e["name"]) for e in report["entries"]
                          if e["elements"] > 100000 and e["numeric"] == "affine")
        results.most("int%d per row, planes and tables above ideal, worst tensor, %%" % bits, 100 * worst, 1, "%.3f")
        print("    (%s; whole package %.3f bits a weight, SNR %.2f dB)" %
              (name, 8 * report["file_bytes"] / report["elements"], report["snr_db"]), flush=True)


def smallest(work):
    model = work + "/ten.safetensors"
    models.write(model, {"w": ("F32", [10], struct.pack("<10f", *(0.1 * i * i - 3 for i in range(10))))})
    run(MOTE, "keygen", "-o", work + "/key", "--no-passphrase")
    report, _ = pack(MOTE, model, work + "/ten.mote", "--key", work + "/key.key", "--name", "kws", "--sequence", 1000,
                     "--vendor", "ab" * 16, "--class", "cd" * 16, "--model-version", "1.0")
    results.most("smallest package: f32[10], identity, one signature, bytes", report["file_bytes"], 320, "%d")


def main():
    results.need(MODEL)
    with scratch() as work:
        for part in (lossless, casts, integers, smallest):
            part(work)
    results.finish()


main()
