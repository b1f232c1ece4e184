# SPDX-License-Identifier: Apache-2.0
"""Speeds of lossy coding on one thread beside NNCodec's: trellis quantisation at about 3 bits a weight, int8 and int4.

usage: lossy.py BENCH_PACKAGE MOTE MODELS FOLDER

The development models' matrices, as one. mote: packages, profile host, through the loader, without digests and (in
brackets) verified; decoded to float32 and to what is coded: integers with scales. Integers have a scale for each row;
NNCodec codes the same integers, as stored, without the scales, and its seconds end with integers. Million weights a second of processor
time, the best of some rounds in which the coders take turns. Written as FOLDER/lossy.csv."""
import math
import sys

import numpy as np

import coders
import models
from runs import Results, clocked, pack, run, scratch

PACKAGE, MOTE, MODELS, FOLDER = sys.argv[1:5]
ROUNDS = 3
DECIBELS, C = 18.5, 0.25  # where NNCodec with 8 states is at about the same error
results = Results(FOLDER, "lossy", ("what", "coder", "bits_per_weight", "encode_Mw_s", "encode_verified_Mw_s",
                                    "decode_f32_Mw_s", "decode_f32_verified_Mw_s", "decode_native_Mw_s",
                                    "decode_native_verified_Mw_s"))
WAYS = [(f"trellis, {s} states", ("--snr", DECIBELS, "--trellis", s), f"snr={DECIBELS},{s}") for s in (8, 32, 256)] + \
       [(f"int{b}, a scale a row", ("--bits", b), f"bits={b}") for b in (8, 4)]
RATES = {WAYS[0][0]: (0.0, 1.0), WAYS[3][0]: (0.0,), WAYS[4][0]: (0.0,)}  # lambdas of NNCodec beside a way


def best(old, new):
    return [min(a, b) for a, b in zip(old, new)] if old else list(new)


def mote_round(model, package, how):
    """Seconds without digests and with: encode, decode to f32, decode native."""
    out = []
    for args in (("encode", how, model), ("decode", "dense", package), ("decode", "native", package)):
        on, off = run(PACKAGE, *args, 1 if args[0] == "encode" else 3).decode().split(",")[2:4]
        out += [float(off), float(on)]
    return out


def code(integers, mode):
    """Bytes, seconds of encoding and of decoding."""
    coded, encode = clocked(lambda: [coders.nnc_encode(q, mode) for q in integers])
    back, decode = clocked(lambda: [coders.nnc_decode(c, q.shape, mode) for c, q in zip(coded, integers)])
    if not all(np.array_equal(a, b) for a, b in zip(back, integers)):
        raise ValueError("NNCodec does not give back what it was given")
    return sum(map(len, coded)), encode, decode


def integers(x):
    """Those that mote has coded: the rows of what it gives back are multiples of their scales."""
    out = np.zeros(x.shape, np.int32)
    for row, q in zip(x.astype(float), out):
        least = np.abs(row[row != 0]).min(initial=np.inf)
        if np.isfinite(least):
            by = (k for k in range(1, 128) if np.abs(row / least * k - np.rint(row / least * k)).max() < 1e-3)
            q[:] = np.rint(row / least * next(by, 1))  # subnormal ones are not quite multiples
    return out


def nncodec_round(tensors, way, rate):
    """As code(), quantisation included; integers are there already."""
    if way.startswith("int"):
        return code(tensors, coders.URQ)
    steps = [coders.nnc_parameter(C * math.sqrt(np.mean(x.astype(float)**2))) for x in tensors]
    integers, quantise = clocked(lambda: [coders.nnc_quantise(x, qp, coders.DQ8, rate) for x, qp in zip(tensors, steps)])
    size, encode, decode = code(integers, coders.DQ8)
    return size, quantise + encode, decode


def main():
    there = models.present(MODELS)
    if not there or not coders.nncodec:
        results.skip("lossy speeds beside NNCodec's", "not there")
    if not there:
        results.finish()
    tensors = {f"{m}/{k}": x for m, p in there.items() for k, x in models.tensors(p).items()}
    n = sum(x.size for x in tensors.values())
    print("%-22s %-18s %7s %15s %15s %15s" % ("Mw/s (verified)", "coder", "b/w", "encode", "decode, f32", "as coded"))
    with scratch() as work:
        model, package, back = work + "/m.safetensors", work + "/m.mote", work + "/b.safetensors"
        models.write(model, tensors)
        for way, options, how in WAYS:
            size = pack(MOTE, model, package, "--profile", "host", "--quick", *options)[0]["file_bytes"]
            run(MOTE, "unpack", package, "-o", back)
            source = list((models.tensors(model) if "trellis" in way else
                           {k: integers(x) for k, x in models.tensors(back).items()}).values())
            rates = RATES.get(way, ()) if coders.nncodec else ()
            ours, theirs = None, {r: None for r in rates}
            for _ in range(ROUNDS):
                ours = best(ours, mote_round(model, package, how))
                for r in rates:
                    theirs[r] = best(theirs[r], nncodec_round(source, way, r))
            show(way, "mote", 8 * size / n, [n / t / 1e6 for t in ours])
            for r, (coded, encode, decode) in theirs.items():
                speed = n / encode / 1e6, None, None, None, n / decode / 1e6, None
                show(way, "NNCodec" + (", lambda %g" % r if "trellis" in way else ""), 8 * coded / n, speed)
                results.least(f"{way}: decode to integers / NNCodec's", decode / ours[4], 1, "%.1f")
    results.finish()


def show(way, coder, bits, speed):
    cell = lambda off, on: "-" if off is None else "%.4g" % off + ("" if on is None else " (%.4g)" % on)
    print("%-22s %-18s %7.3f %15s %15s %15s" % (way, coder, bits, *(cell(*speed[i:i + 2]) for i in (0, 2, 4))), flush=True)
    results.row(way, coder, "%.4f" % bits, *("" if s is None else "%.2f" % s for s in speed))


main()
