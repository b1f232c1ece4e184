#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rate and distortion of trellis quantisation beside NNCodec's, on the development models and on normal numbers.

usage: rd.py MOTE MODELS FOLDER [STATES ...]

MODELS holds what fetch_models.py writes; a model that is missing is left out and said. Every model is packed with each
tensor at the same relative error and signed, profile host; what counts is the whole file, and the error of what `unpack`
gives back. NNCodec, if it is installed, codes the same matrices in the same run: each as stored and transposed, the
smaller taken, its payload alone counted, with a step of its grid that is nearest to c times the root mean square. Of its
points the lower hull is taken, interpolated at the error that mote has reached. nncodec.csv beside this file has more
such points, measured elsewhere: they stand in where NNCodec is not installed, and otherwise show whether it still does
what it did. Written as FOLDER/rd.csv, FOLDER/nncodec.csv and, if matplotlib is there, FOLDER/rd.png; fails if a figure
is missed."""
import csv
import math
import multiprocessing
import os
import sys

import numpy as np

import coders
import models
from runs import Results, clocked, pack, run, scratch

MOTE, MODELS, FOLDER = sys.argv[1:4]
STATES = [int(s) for s in sys.argv[4:]] or [8, 32, 256]
DECIBELS = (24.5, 18.5, 13.5)
SHARE = {32: (0.98, 0.965, 0.945), 256: (0.97, 0.95, 0.93)}  # of NNCodec's bytes, all models together
GAP = {32: 0.39, 256: 0.27}  # dB from the bound for normal numbers
SPEED = {8: 8.0, 32: 3.0, 256: 0.5}  # million weights a second
NORMAL = (11.65, 20.68)  # dB: about 2 and 3.5 bits a weight
LARGE = 8000  # rows of 1000 normal numbers, whose packing is timed
# (lambda, c) with 8 states: those of nncodec.csv that are on a model's hull between 10 and 30 dB
POINTS = ((0.5, 0.06),) + tuple((rate, c) for c in (0.12, 0.25, 0.45, 0.7) for rate in (0.5, 1.0))
here = os.path.dirname(os.path.abspath(__file__))
results = Results(FOLDER, "rd", ("model", "weights", "states", "nsnr_db", "bytes", "bits_per_weight", "nncodec_or_bound",
                                 "encode_Mw_s"))

# --- NNCodec ----------------------------------------------------------------------------------------------------------


def nncodec_tensor(job):
    """One tensor at one point: bits, relative error, seconds of encoding and of decoding."""
    x, rate, c = job
    power, best = np.mean(x.astype(float)**2), None
    qp = coders.nnc_parameter(c * math.sqrt(power))
    for y in (x, np.ascontiguousarray(x.T)):
        q, quantise = clocked(coders.nnc_quantise, y, qp, coders.DQ8, rate)
        coded, encode = clocked(coders.nnc_encode, q, coders.DQ8)
        back, decode = clocked(coders.nnc_decode, coded, y.shape, coders.DQ8)
        if not np.array_equal(back, q):
            raise ValueError("NNCodec does not give back what it was given")
        error = np.mean((y - coders.nnc_step(qp) * q)**2) / power
        if best is None or len(coded) < best[0]:
            best = len(coded), error, quantise + encode, decode
    return x.size, 8 * best[0], best[1], best[2], best[3]


def nncodec_run(paths):
    """model -> rows as in nncodec.csv, measured now by as many processes as there are processors."""
    jobs = [(m, rate, c, x) for m, p in paths.items() for rate, c in POINTS for x in models.tensors(p).values()]
    with multiprocessing.Pool() as pool:
        coded = pool.map(nncodec_tensor, [(x, rate, c) for _, rate, c, x in jobs], chunksize=1)
    sums = {}
    for (m, rate, c, _), one in zip(jobs, coded):
        s = sums.setdefault((m, rate, c), np.zeros(6))
        s += (1, one[0], one[1], one[0] * one[2], one[3], one[4])
    return [{"model": m, "tensors": int(s[0]), "weights": int(s[1]), "mode": "DQ8", "lambda": "%g" % rate, "c": "%g" % c,
             "bits_per_weight": s[2] / s[1], "nsnr_db": -10 * math.log10(s[3] / s[1]), "enc_Mw_s": s[1] / s[4] / 1e6,
             "dec_Mw_s": s[1] / s[5] / 1e6} for (m, rate, c), s in sums.items()]


def nncodec_file():
    with open(os.path.join(here, "nncodec.csv"), encoding="ascii") as f:
        return [{k: float(v) if k in ("bits_per_weight", "nsnr_db", "enc_Mw_s", "dec_Mw_s") else v for k, v in r.items()}
                for r in csv.DictReader(line for line in f if not line.startswith("#"))]


def agreement(ran, kept):
    """How far what has been run lies from the same points of the file."""
    key = lambda r: (r["model"], r["mode"], float(r["lambda"]), float(r["c"]))
    kept = {key(r): r for r in kept}
    pairs = [(r, kept[key(r)]) for r in ran if key(r) in kept]
    rate = max(abs(a["bits_per_weight"] / b["bits_per_weight"] - 1) for a, b in pairs)
    error = max(abs(a["nsnr_db"] - b["nsnr_db"]) for a, b in pairs)
    results.figure("NNCodec here and in bench/nncodec.csv, %d points: bits, %%" % len(pairs), "<= 0.3",
                   "%.3f" % (100 * rate), rate <= 0.003)
    results.figure("  and dB", "<= 0.02", "%.4f" % error, error <= 0.02)


def nncodec_rows():
    kept, paths = nncodec_file(), models.present(MODELS)
    if not coders.nncodec or not paths:
        results.skip("NNCodec in the same run", "not there")
        return kept
    ran = nncodec_run(paths)
    agreement(ran, kept)
    table = Results(FOLDER, "nncodec", tuple(ran[0]))
    print(f"{'NNCodec':<16} {'lambda':>6} {'c':>6} {'b/w':>8} {'dB':>7} {'enc Mw/s':>9} {'dec Mw/s':>9}")
    for r in ran:
        table.row(*("%.4f" % v if isinstance(v, float) else v for v in r.values()))
        print(f"{r['model']:<16} {r['lambda']:>6} {r['c']:>6} {r['bits_per_weight']:8.4f} {r['nsnr_db']:7.3f} "
              f"{r['enc_Mw_s']:9.2f} {r['dec_Mw_s']:9.2f}")
    table.write()
    return ran


def hulls(rows):
    """model -> points (dB, bits a weight) of the lower hull."""
    points, out = {}, {}
    for r in rows:
        points.setdefault(r["model"], []).append((r["nsnr_db"], r["bits_per_weight"]))
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
    if not hull[0][0] <= db <= hull[-1][0]:
        raise ValueError(f"NNCodec has no points around {db:.2f} dB")
    return float(np.interp(db, [x for x, _ in hull], [y for _, y in hull]))


# --- mote -------------------------------------------------------------------------------------------------------------


def measure(model, states, db, key, work):
    """Bytes of the signed file, nsnr of what comes back, weights, seconds of packing, the report."""
    package, back = os.path.join(work, "x.mote"), os.path.join(work, "y.safetensors")
    report, seconds = pack(MOTE, model, package, "--snr", db, "--trellis", states, "--profile", "host", "--threads", 1,
                           "--name", "model", "--sequence", 1, "--key", key, "--quick")
    run(MOTE, "unpack", package, "-o", back)
    a, b = models.tensors(model), models.tensors(back)
    n = sum(x.size for x in a.values())
    loss = sum(x.size * np.sum((x.astype(float) - b[k])**2) / np.sum(x.astype(float)**2) for k, x in a.items())
    return os.path.getsize(package), -10 * math.log10(loss / n), n, seconds, report


def compare(hull, work, key):
    paths = models.present(MODELS)
    for m in hull:
        if m not in paths:
            results.skip("rate and distortion of " + m, "not there")
    print(f"{'model':<16} {'states':>6} {'dB':>7} {'bytes':>9} {'b/w':>7} {'NNCodec':>8} {'ratio':>7}   "
          f"{'symbols':>8} {'escapes':>8} {'maps':>7} {'heads':>7} {'rest':>7} {'Mw/s':>6}")
    for states in STATES:
        for i, db in enumerate(DECIBELS):
            ours = theirs = worst = 0
            for m, path in paths.items():
                size, nsnr, n, seconds, report = measure(path, states, db, key, work)
                other = at(hull[m], nsnr) * n / 8
                ours, theirs, worst = ours + size, theirs + other, max(worst, size / other)
                part = {p: sum(e["parts"][p] for e in report["entries"]) for p in
                        ("symbols", "escapes", "classes", "head")}
                rest = size - sum(part.values())
                part = {k: 8 * v / n for k, v in part.items()}
                print(f"{m:<16} {states:6} {nsnr:7.3f} {size:9} {8 * size / n:7.4f} {8 * other / n:8.4f} "
                      f"{size / other:7.4f}   {part['symbols']:8.4f} {part['escapes']:8.4f} {part['classes']:7.4f} "
                      f"{part['head']:7.4f} {8 * rest / n:7.4f} {n / seconds / 1e6:6.2f}", flush=True)
                results.row(m, n, states, "%.4f" % nsnr, size, "%.5f" % (8 * size / n), "%.5f" % (8 * other / n),
                            "%.2f" % (n / seconds / 1e6))
            if len(paths) == len(hull) and states in SHARE:
                results.most(f"size / NNCodec's, all models, {states} states, {db} dB", ours / theirs, SHARE[states][i])
                results.most("  the worst model", worst, 1)


def normal(work, key):
    path = os.path.join(work, "normal.safetensors")
    numbers = np.random.Generator(np.random.PCG64(1)).standard_normal((LARGE, 1000)).astype("<f4")
    models.write(path, {"x": numbers[:1000]})
    for states in STATES:
        for db in NORMAL:
            size, nsnr, n, seconds, _ = measure(path, states, db, key, work)
            bits = 8 * size / n
            results.row("normal", n, states, "%.4f" % nsnr, size, "%.5f" % bits,
                        "%.5f" % (nsnr / (20 * math.log10(2))), "%.2f" % (n / seconds / 1e6))
            if states in GAP:
                results.most(f"normal numbers, {states} states, {bits:.3f} b/w: dB from the bound",
                             20 * math.log10(2) * bits - nsnr, GAP[states])
    models.write(path, {"x": numbers})
    for states in STATES:
        _, _, n, seconds, _ = measure(path, states, NORMAL[1], key, work)
        if states in SPEED:
            speed = n / seconds / 1e6
            results.least(f"encode {n / 1e6:g} M normal numbers, {states} states: Mw/s", speed, SPEED[states], "%.1f")


def draw(hull):
    try:
        import matplotlib
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
    except ImportError:
        print("rd: no matplotlib, no picture", file=sys.stderr)
        return
    names = [m for m in hull if any(r[0] == m for r in results.rows)]
    if not names:
        return
    fig, axes = plt.subplots(1, len(names), figsize=(3.2 * len(names), 3.2), squeeze=False)
    for axis, m in zip(axes[0], names):
        grid = np.linspace(max(hull[m][0][0], DECIBELS[-1] - 2), DECIBELS[0] + 2, 100)
        axis.plot(grid, [at(hull[m], x) for x in grid], color="black", lw=1, label="NNCodec, hull")
        for states in STATES:
            p = sorted((float(r[3]), float(r[5])) for r in results.rows if r[0] == m and r[2] == states)
            axis.plot([x for x, _ in p], [y for _, y in p], "o-", ms=3, lw=0.8, label=f"mote, {states} states")
        axis.set_title(m, fontsize=9)
        axis.set_xlabel("nSNR, dB")
        axis.grid(lw=0.3)
    axes[0][0].set_ylabel("bits a weight, whole file")
    axes[0][0].legend(fontsize=7)
    fig.tight_layout()
    fig.savefig(os.path.join(FOLDER, "rd.png"), dpi=100, metadata={"Software": None})


def main():
    hull = hulls(nncodec_rows())
    with scratch() as work:
        key = os.path.join(work, "key")
        run(MOTE, "keygen", "-o", key, "--no-passphrase")
        compare(hull, work, key + ".key")
        normal(work, key + ".key")
    draw(hull)
    results.finish()


main()
