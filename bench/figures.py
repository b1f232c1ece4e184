# SPDX-License-Identifier: Apache-2.0
"""Sizes, speeds and memory of the mote tool on a real model, beside zstd and beside the targets.

usage: figures.py MOTE MODEL.safetensors FOLDER

Speeds are the processor time of whole processes on one thread, the best of five runs, files in memory where /dev/shm
is there. Nothing but Python's standard library, the mote and zstd tools and prlimit is used."""
import json
import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile

MOTE, MODEL, FOLDER = sys.argv[1:4]
RUNS = 5
# OpenBLAS, which pack needs for low rank only, starts threads that spin while they have nothing to do and, under a limit,
# never give up asking for memory: no part of what one thread of mote takes.
os.environ["OPENBLAS_NUM_THREADS"] = "1"


def run(*args, **more):
    return subprocess.run([str(a) for a in args], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


def best(*args):
    """Seconds of processor time, user and system, of the cheapest of RUNS runs: other load on the machine counts less."""
    times = []
    for _ in range(RUNS):
        begin = resource.getrusage(resource.RUSAGE_CHILDREN)
        run(*args)
        end = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime)
    return min(times)


def pack(out, *options, model=None):
    """What `mote pack --json` says."""
    return json.loads(run(MOTE, "pack", model or MODEL, "-o", out, "--json", *options).stdout)


def payload(report):
    """Bytes of planes and lane states: everything but pages, record headers, entries, heads and what is before them."""
    return sum(v for e in report["entries"] for k, v in e["parts"].items() if k != "head")


def tensors(path):
    """name -> (dtype, shape, bytes) of a safetensors file."""
    with open(path, "rb") as f:
        data = f.read()
    n = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + n])
    head.pop("__metadata__", None)
    return {k: (t["dtype"], t["shape"], data[8 + n + t["data_offsets"][0]:8 + n + t["data_offsets"][1]])
            for k, t in head.items()}


rows = []


def figure(what, value, target, met):
    rows.append((what, value, target, "yes" if met else "NO"))
    print("%-66s %14s %12s  %s" % rows[-1], flush=True)


def lossless(work):
    size = os.path.getsize(MODEL)
    pkg, back = work + "/a.mote", work + "/back.safetensors"
    host = ("--profile", "host", "--threads", "1")
    report = pack(pkg, *host)
    run(MOTE, "unpack", pkg, "-o", back)
    same = tensors(MODEL) == tensors(back)
    figure("lossless f32, package / safetensors", "%.4f" % (report["file_bytes"] / size), "<= 0.84",
           report["file_bytes"] <= 0.84 * size)
    figure("  every tensor bit-exact", str(same).lower(), "true", same)
    for level in (3, 19):
        z = len(run("zstd", "-q", "-%d" % level, "-T0", "-c", MODEL).stdout)
        print("%-66s %14s" % ("  zstd -%d of the same file" % level, "%.4f" % (z / size)), flush=True)

    data = sum(len(t[2]) for t in tensors(MODEL).values())
    t = best(MOTE, "unpack", pkg, "-o", back, "--threads", "1")
    figure("unpack, one thread, digests on, MB/s of tensor bytes", "%.0f" % (data / t / 1e6), ">= 300", data / t >= 300e6)
    t = best(MOTE, "pack", MODEL, "-o", pkg, *host)
    figure("pack, one thread, digests on, MB/s of tensor bytes", "%.0f" % (data / t / 1e6), ">= 200", data / t >= 200e6)

    def fits(mib):  # private memory that may be written: heap, stacks, .data of every library
        return subprocess.run(["prlimit", "--data=%d" % (mib << 20), MOTE, "unpack", pkg, "-o", back],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    least = next((m for m in range(1, 65) if fits(m)), 65)
    figure("unpack, own memory in MiB (RLIMIT_DATA that suffices)", str(least), "<= 16", least <= 16)

    for profile, chunk, limit in (("std", "16K", 0.0035), ("host", "1M", 0.0005)):
        report = pack(pkg, "--profile", profile, "--chunk", chunk)
        part = 1 - payload(report) / report["file_bytes"]
        figure("container overhead at %s chunks, %% of the package" % chunk, "%.4f" % (100 * part),
               "<= %.2f" % (100 * limit), part <= limit)


def casts(work):
    floats = sum(len(t[2]) // 2 if t[0] == "F32" else len(t[2]) for t in tensors(MODEL).values())
    for option, limit in (("--bf16", 0.67), ("--f16", 0.86)):
        report = pack(work + "/c.mote", "--profile", "host", option)
        ratio = report["file_bytes"] / floats
        figure("cast %s, package / cast tensors" % option[2:], "%.4f" % ratio, "<= %.2f" % limit, ratio <= limit)


def integers(work):
    for bits in (8, 4):
        report = pack(work + "/i.mote", "--profile", "host", "--bits", bits, "--per", "row")
        worst, name = 0, ""
        for e in report["entries"]:
            if e["elements"] > 100000 and e["numeric"] == "affine":
                excess = 8 * sum(e["parts"].values()) / e["ideal_bits"] - 1
                if excess > worst:
                    worst, name = excess, e["name"]
        figure("int%d per row, planes and tables above ideal, worst tensor, %%" % bits, "%.3f" % (100 * worst), "<= 1",
               name != "" and worst <= 0.01)
        print("    (%s; whole package %.3f bits a weight, SNR %.2f dB)" %
              (name, 8 * report["file_bytes"] / report["elements"], report["snr_db"]), flush=True)


def smallest(work):
    header = json.dumps({"w": {"dtype": "F32", "shape": [10], "data_offsets": [0, 40]}}).encode()
    header += b" " * (-len(header) % 8)
    model = work + "/ten.safetensors"
    with open(model, "wb") as f:
        f.write(struct.pack("<Q", len(header)) + header + struct.pack("<10f", *(0.1 * i * i - 3 for i in range(10))))
    run(MOTE, "keygen", "-o", work + "/key", "--no-passphrase")
    report = pack(work + "/ten.mote", "--key", work + "/key.key", "--name", "kws", "--sequence", 1000, "--vendor", "ab" * 16,
                  "--class", "cd" * 16, "--model-version", "1.0", model=model)
    figure("smallest package: f32[10], identity, one signature, bytes", str(report["file_bytes"]), "<= 320",
           report["file_bytes"] <= 320)


def main():
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else FOLDER
    os.makedirs(FOLDER, exist_ok=True)
    work = tempfile.mkdtemp(prefix="mote-bench-", dir=base)
    print("%-66s %14s %12s  %s" % ("figure (" + os.path.basename(MODEL) + ")", "measured", "target", "met"))
    try:
        for part in (lossless, casts, integers, smallest):
            part(work)
    finally:
        shutil.rmtree(work)
    with open(FOLDER + "/figures.csv", "w") as f:
        f.writelines("%s,%s,%s,%s\n" % tuple(c.replace(",", ";") for c in r) for r in rows)
    sys.exit(0 if all(r[3] == "yes" for r in rows) else 1)


main()
