# SPDX-License-Identifier: Apache-2.0
"""Pruned integers: what mote makes of them, beside what an ideal coder would and beside xz and zstd.

usage: sparse.py MOTE MODEL.safetensors FOLDER

A weight matrix of the model becomes 8-bit integers of which a share is zero, four ways:
    iid      normal numbers instead of the model's, one threshold
    global   one threshold and one scale for the matrix: rows are as dense as the model has them
    uneven   rows of log-normal density, one scale
    rows     the same with a scale for each row
Ideal: the entropy of the mask given the class of a row (half octaves of its density) plus that of the kept values given
theirs (half octaves of the mean magnitude), each with the entropy of the classes, or without classes where that is less.
That is below what any coder can reach which does not know the distributions: nothing is charged for tables. "Learnt" is
what they cost together with their tables if those are learnt on the way by the rule of Krichevsky and Trofimov (IEEE
Trans. Inf. Theory 27, 1981), which is within a constant of the best for the worst source, each of the values that occur
being a parameter; a coder whose tables have fewer parameters can be below it, so it is shown and limits nothing.
mote: planes, tables and class maps of the file; what the container adds is in the column beside. xz -9 and zstd -19 get
the integers row by row. Written as FOLDER/sparse.csv; fails if something is more than 2 % above ideal, or not below xz
and zstd."""
import math
import sys

import numpy as np

import models
from runs import Results, pack, run, scratch

MOTE, MODEL, FOLDER = sys.argv[1:4]
# of 1536 x 384 and 384 x 1536
TENSORS = ("encoder.layer.2.intermediate.dense.weight", "encoder.layer.2.output.dense.weight")
SHARES = (0.5, 0.7, 0.85, 0.9, 0.95, 0.99)
LIMIT = 0.02


def entropy(counts):
    c = np.asarray(counts, float)
    c = c[c > 0]
    return float((c * np.log2(c.sum() / c)).sum())


def learnt(counts):
    """Bits of these counts if their distribution is learnt on the way, which values there are being known."""
    c = [int(n) for n in counts if n]
    return (math.lgamma(sum(c) + len(c) / 2) - math.lgamma(len(c) / 2) -
            sum(math.lgamma(n + 0.5) - math.lgamma(0.5) for n in c)) / math.log(2) if c else 0.0


def classed(keys, counts, cost):
    """Bits of rows with these counts, of which those with equal keys share a distribution; or all of them do."""
    rows = {}
    for key, c in zip(keys, counts):
        rows.setdefault(key, []).append(c)
    split = sum(cost(np.sum(c, axis=0)) for c in rows.values()) + cost([len(c) for c in rows.values()])
    return min(split, cost(np.sum(counts, axis=0)))


def octaves(x):
    return -99 if x <= 0 else math.floor(2 * math.log2(x))


def bound(q, cost):
    """Bytes of the mask and of the kept values."""
    kept = (q != 0).sum(axis=1)
    n = q.shape[1]
    mask = classed([(2 * k > n, octaves(min(k, n - k) / n)) for k in kept], [(k, n - k) for k in kept], cost)
    counts = [np.bincount(row[row != 0].astype(int) + 128, minlength=256) for row in q]
    values = classed([octaves(np.abs(row.astype(int)).sum() / max(k, 1)) for row, k in zip(q, kept)], counts, cost)
    return (mask + values) / 8


def pruned(w, share, how, rng):
    """int8, that share of them 0"""
    if how == "iid":
        w = rng.standard_normal(w.shape)
    if how in ("iid", "global"):
        w = np.where(np.abs(w) < np.quantile(np.abs(w), share), 0, w)
    else:
        density = np.exp(0.8 * rng.standard_normal(w.shape[0]))
        for _ in range(8):
            density = np.minimum(density * (1 - share) / density.mean(), 1)
        out = np.zeros_like(w)
        for r, d in enumerate(density):
            k = round(d * w.shape[1])
            if k:
                at = np.argsort(-np.abs(w[r]), kind="stable")[:k]
                out[r, at] = w[r, at]
        w = out
    most = np.abs(w).max(axis=1, keepdims=True) if how == "rows" else np.abs(w).max()
    return np.clip(np.rint(w / np.maximum(most, 1e-9) * 127), -127, 127).astype(np.int8)


def measure(q, work):
    """The report on the tensor, bytes of the file, of xz and of zstd."""
    model, raw = work + "/q.safetensors", work + "/q"
    models.write(model, {"q": q})
    q.tofile(raw)
    report, _ = pack(MOTE, model, work + "/q.mote", "--profile", "host")
    xz, zstd = run("xz", "-9", "-c", raw), run("zstd", "-19", "-qc", raw)
    return report["entries"][0], report["file_bytes"], len(xz), len(zstd)


def main():
    results = Results(FOLDER, "sparse", ("how", "tensor", "zeros", "layout", "mote_bytes", "ideal_bytes", "learnt_bytes",
                                         "above_percent", "file_bytes", "xz9_bytes", "zstd19_bytes"))
    results.need(MODEL)
    model, rng, worst = models.tensors(MODEL), np.random.default_rng(1), {}
    print("%-7s %-9s %5s %-8s %8s %8s %8s %7s %8s %8s %8s" %
          ("pruned", "shape", "zeros", "layout", "ideal", "learnt", "mote", "above", "file", "xz -9", "zstd -19"))
    with scratch() as work:
        for how in ("iid", "global", "uneven", "rows"):
            for name in TENSORS:
                for share in SHARES:
                    q = pruned(model[name], share, how, rng)
                    entry, file_bytes, xz, zstd = measure(q, work)
                    best, own = bound(q, entropy), sum(entry["parts"].values())
                    learn = bound(q, learnt)
                    above, beside = own / best - 1, file_bytes / min(xz, zstd)
                    worst[share] = [max(a, b) for a, b in zip(worst.get(share, (-1, 0)), (above, beside))]
                    zeros = float((q == 0).mean())
                    print("%-7s %-9s %5.3f %-8s %8.0f %8.0f %8d %6.2f%% %8d %8d %8d" %
                          (how, "%dx%d" % q.shape, zeros, entry["layout"], best, learn, own, 100 * above, file_bytes,
                           xz, zstd), flush=True)
                    results.row(how, name, "%.4f" % zeros, entry["layout"], own, round(best), round(learn),
                                "%.3f" % (100 * above), file_bytes, xz, zstd)
    for share, (above, beside) in worst.items():
        results.most("%g %% zeros: above ideal, worst matrix, %%" % (100 * share), 100 * above, 100 * LIMIT, "%.2f")
        results.figure("  file / xz or zstd, worst matrix", "< 1", "%.4f" % beside, beside < 1)
    results.finish()


main()
