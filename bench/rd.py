#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rate and distortion of trellis quantisation beside NNCodec's, on the development models and on normal numbers.

usage: rd.py MOTE MODELS FOLDER [STATES ...]

MODELS holds what fetch_models.py writes; a model that is missing is left out and said. Every model is packed with each
tensor at the same relative error and signed, profile host; what counts is the whole file, and the error of what `unpack`
gives back. NNCodec: nncodec.csv beside this file; of its points the lower hull is taken, interpolated at the error that
mote has reached. Written as FOLDER/rd.csv and, if matplotlib is there, FOLDER/rd.png; fails if a figure is missed."""
import csv
import json
import math
import os
import resource
import struct
import subprocess
import sys
import tempfile

import numpy as np

MOTE, MODELS, FOLDER = sys.argv[1:4]
STATES = [int(s) for s in sys.argv[4:]] or [8, 32, 256]
DECIBELS = (24.5, 18.5, 13.5)
SHARE = {32: (0.98, 0.965, 0.945), 256: (0.97, 0.95, 0.93)}  # of NNCodec's bytes, all models together
GAP = {32: 0.39, 256: 0.27}  # dB from the bound for normal numbers
SPEED = {8: 8.0, 32: 3.0, 256: 0.5}  # million weights a second
NORMAL = (11.65, 20.68)  # dB: about 2 and 3.5 bits a weight
LARGE = 8000  # rows of 1000 normal numbers, whose packing is timed
here = os.path.dirname(os.path.abspath(__file__))


def tensors(path):
    """name -> array of a safetensors file of f32"""
    with open(path, "rb") as f:
        data = f.read()
    n = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + n])
    head.pop("__metadata__", None)
    return {k: np.frombuffer(data[8 + n + t["data_offsets"][0]:8 + n + t["data_offsets"][1]], "<f4").astype(float)
            for k, t in head.items()}


def write(path, name, x):
    head = json.dumps({name: {"dtype": "F32", "shape": list(x.shape), "data_offsets": [0, x.nbytes]}}).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head + x.astype("<f4").tobytes())


def run(*args):
    """What a command prints, and the processor time that it takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run([str(a) for a in args], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return out, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(model, states, db, key, scratch):
    """Bytes of the signed file, nsnr of what comes back, weights, seconds of packing, the report."""
    package, back = os.path.join(scratch, "x.mote"), os.path.join(scratch, "y.safetensors")
    args = [MOTE, "pack", model, "-o", package, "--snr", db, "--trellis", states, "--profile", "host", "--threads", 1,
            "--name", "model", "--sequence", 1, "--key", key, "--json", "--quick"]
    out, seconds = run(*args)
    run(MOTE, "unpack", package, "-o", back)
    a, b = tensors(model), tensors(back)
    n = sum(x.size for x in a.values())
    loss = sum(x.size * np.sum((x - b[k])**2) / np.sum(x**2) for k, x in a.items())
    return os.path.getsize(package), -10 * math.log10(loss / n), n, seconds, json.loads(out)


def hulls():
    """model -> points (dB, bits a weight) of the lower hull"""
    points = {}
    with open(os.path.join(here, "nncodec.csv"), encoding="ascii") as f:
        for r in csv.DictReader(line for line in f if not line.startswith("#")):
            points.setdefault(r["model"], []).append((float(r["nsnr_db"]), float(r["bits_per_weight"])))
    out = {}
    for model, p in points.items():
        hull = []
        for x in sorted(p):
            while len(hull) > 1 and (hull[-1][1] - hull[-2][1]) * (x[0] - hull[-2][0]) >= \
                    (x[1] - hull[-2][1]) * (hull[-1][0] - hull[-2][0]):
                hull.pop()
            hull.append(x)
        out[model] = hull
    return out


def at(hull, db):
    return float(np.interp(db, [x for x, _ in hull], [y for _, y in hull]))


rows, missed = [], 0


def figure(what, value, limit, met):
    global missed
    missed += not met
    print(f"  {what:<52} {value:8.4f}  asked {limit:<6} {'' if met else 'MISSED'}")


def models(scratch, key):
    names = [m for m in HULLS if os.path.exists(os.path.join(MODELS, m + ".safetensors"))]
    for m in HULLS:
        if m not in names:
            print(f"rd: {m} is not there, left out", file=sys.stderr)
    print(f"{'model':<16} {'states':>6} {'dB':>7} {'bytes':>9} {'b/w':>7} {'NNCodec':>8} {'ratio':>7}   "
          f"{'symbols':>8} {'escapes':>8} {'maps':>7} {'heads':>7} {'rest':>7} {'Mw/s':>6}")
    for states in STATES:
        for i, db in enumerate(DECIBELS):
            ours = theirs = 0
            worst = 0
            for m in names:
                size, nsnr, n, seconds, report = measure(os.path.join(MODELS, m + ".safetensors"), states, db, key,
                                                         scratch)
                other = at(HULLS[m], nsnr) * n / 8
                ours, theirs, worst = ours + size, theirs + other, max(worst, size / other)
                part = {p: sum(e["parts"][p] for e in report["entries"]) for p in
                        ("symbols", "escapes", "classes", "head")}
                rest = size - sum(part.values())
                part = {k: 8 * v / n for k, v in part.items()}
                print(f"{m:<16} {states:6} {nsnr:7.3f} {size:9} {8 * size / n:7.4f} {8 * other / n:8.4f} "
                      f"{size / other:7.4f}   {part['symbols']:8.4f} {part['escapes']:8.4f} {part['classes']:7.4f} "
                      f"{part['head']:7.4f} {8 * rest / n:7.4f} {n / seconds / 1e6:6.2f}")
                rows.append((m, n, states, nsnr, size, 8 * size / n, 8 * other / n, n / seconds / 1e6))
            if len(names) == len(HULLS) and states in SHARE:
                figure(f"together, {states} states, {db} dB", ours / theirs, SHARE[states][i],
                       ours / theirs <= SHARE[states][i])
                figure(f"the worst model, {states} states, {db} dB", worst, 1, worst <= 1)


def normal(scratch, key):
    path = os.path.join(scratch, "normal.safetensors")
    write(path, "x", np.random.Generator(np.random.PCG64(1)).standard_normal((1000, 1000)).astype(np.float32))
    for states in STATES:
        for db in NORMAL:
            size, nsnr, n, seconds, _ = measure(path, states, db, key, scratch)
            bits = 8 * size / n
            gap = 20 * math.log10(2) * bits - nsnr
            rows.append(("normal", n, states, nsnr, size, bits, nsnr / (20 * math.log10(2)), n / seconds / 1e6))
            if states in GAP:
                figure(f"normal numbers, {states} states, {bits:.3f} b/w: dB from the bound", gap, GAP[states],
                       gap <= GAP[states])


def speed(scratch, key):
    path = os.path.join(scratch, "normal.safetensors")
    write(path, "x", np.random.Generator(np.random.PCG64(1)).standard_normal((LARGE, 1000)).astype(np.float32))
    for states in STATES:
        _, _, n, seconds, _ = measure(path, states, NORMAL[1], key, scratch)
        if states in SPEED:
            figure(f"{n} normal numbers, {states} states: Mw/s", n / seconds / 1e6, SPEED[states],
                   n / seconds / 1e6 >= SPEED[states])


def draw():
    try:
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        print("rd: no matplotlib, no picture", file=sys.stderr)
        return
    names = [m for m in HULLS if any(r[0] == m for r in rows)]
    if not names:
        return
    fig, axes = plt.subplots(1, len(names), figsize=(4 * len(names), 3.6), squeeze=False)
    for axis, m in zip(axes[0], names):
        low, high = DECIBELS[-1] - 2, DECIBELS[0] + 2
        grid = np.linspace(low, high, 100)
        axis.plot(grid, [at(HULLS[m], x) for x in grid], color="black", lw=1, label="NNCodec, hull")
        for states in STATES:
            p = sorted((r[3], r[5]) for r in rows if r[0] == m and r[2] == states)
            axis.plot([x for x, _ in p], [y for _, y in p], "o-", ms=3, lw=0.8, label=f"mote, {states} states")
        axis.set_title(m, fontsize=9)
        axis.set_xlabel("nSNR, dB")
        axis.grid(lw=0.3)
    axes[0][0].set_ylabel("bits a weight, whole file")
    axes[0][0].legend(fontsize=7)
    fig.tight_layout()
    fig.savefig(os.path.join(FOLDER, "rd.png"), dpi=120, metadata={"Software": None})


HULLS = hulls()
os.makedirs(FOLDER, exist_ok=True)
with tempfile.TemporaryDirectory() as scratch:
    key = os.path.join(scratch, "key")
    run(MOTE, "keygen", "-o", key, "--no-passphrase")
    key += ".key"
    models(scratch, key)
    normal(scratch, key)
    speed(scratch, key)
with open(os.path.join(FOLDER, "rd.csv"), "w", newline="", encoding="ascii") as f:
    w = csv.writer(f, lineterminator="\n")
    w.writerow(("model", "weights", "states", "nsnr_db", "bytes", "bits_per_weight", "nncodec_or_bound", "encode_Mw_s"))
    w.writerows((m, n, s, f"{x:.4f}", b, f"{r:.5f}", f"{o:.5f}", f"{v:.2f}") for m, n, s, x, b, r, o, v in rows)
draw()
sys.exit(1 if missed else 0)
