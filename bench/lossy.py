# SPDX-License-Identifier: Apache-2.0
"""Speeds of lossy coding on one thread beside NNCodec's: trellis quantisation at about 3 bits a weight, int8 and int4.

usage: lossy.py BENCH_PACKAGE MOTE MODELS FOLDER

The development models' matrices, as one. mote: packages, profile host, through the loader, without digests and (in
brackets) verified; decoded to float32 and to what is coded: integers with scales. NNCodec's seconds end with integers;
those of 8 and 4 bits are coded by both as integers that are there already: rows scaled to their largest value, as
stored, the scales not counted. Million weights a second of processor time, the best of some rounds in which the coders
take turns. Written as FOLDER/lossy.csv."""
import math
import sys

import numpy as np

import coders
import models
from runs import Results, clocked, pack, run, scratch

PACKAGE, MOTE, MODELS, FOLDER = sys.argv[1:5]
ROUNDS = 2
DECIBELS, C = 18.5, 0.25  # where NNCodec with 8 states is at about the same error
results = Results(FOLDER, "lossy", ("what", "coder", "bits_per_weight", "encode_Mw_s", "encode_verified_Mw_s",
                                    "decode_f32_Mw_s", "decode_f32_verified_Mw_s", "decode_native_Mw_s",
                                    "decode_native_verified_Mw_s"))
# what is measured: options of `mote pack`, the same for bench_package, lambdas of NNCodec beside it, bits of integers
WAYS = {f"trellis, {s} states": (("--snr", DECIBELS, "--trellis", s), f"snr={DECIBELS},{s}", rates, 0)
        for s, rates in ((8, (0.0, 1.0)), (32, ()), (256, ()))}
WAYS.update({f"int{b}, a scale a row": (("--bits", b), f"bits={b}", (), 0) for b in (8, 4)})
WAYS.update({f"int{b}, integers alone": (("--lossless",), "lossless", (0.0,), b) for b in (8, 4)})


def best(old, new):
    return [min(a, b) for a, b in zip(old, new)] if old else list(new)


def mote_round(model, package, how):
    """Seconds without digests and with: encode, decode to f32, decode native."""
    out = []
    for args in (("encode", how, model), ("decode", "dense", package), ("decode", "native", package)):
        on, off = run(PACKAGE, *args, 1 if args[0] == "encode" else 3).decode().split(",")[2:4]
        out += [float(off), float(on)]
    return out


def code(levels, mode):
    """Bytes, seconds of encoding and of decoding."""
    coded, encode = clocked(lambda: [coders.nnc_encode(q, mode) for q in levels])
    back, decode = clocked(lambda: [coders.nnc_decode(c, q.shape, mode) for c, q in zip(coded, levels)])
    if not all(np.array_equal(a, b) for a, b in zip(back, levels)):
        raise ValueError("NNCodec does not give back what it was given")
    return sum(map(len, coded)), encode, decode


def integers(x, bits):
    most = np.abs(x).max(axis=1, keepdims=True).astype(float)
    return np.rint(x * (((1 << bits - 1) - 1) / np.where(most > 0, most, 1))).astype(np.int8)


def nncodec_round(tensors, rate, bits):
    """As code(), quantisation included if there is any."""
    if bits:
        return code(tensors, coders.URQ)
    steps = [coders.nnc_parameter(C * math.sqrt(np.mean(x.astype(float)**2))) for x in tensors]
    levels, quantise = clocked(lambda: [coders.nnc_quantise(x, qp, coders.DQ8, rate) for x, qp in zip(tensors, steps)])
    size, encode, decode = code(levels, coders.DQ8)
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
        model, package = work + "/m.safetensors", work + "/m.mote"
        for way, (options, how, rates, bits) in WAYS.items():
            source = {k: integers(x, bits) for k, x in tensors.items()} if bits else tensors
            models.write(model, source)
            size = pack(MOTE, model, package, "--profile", "host", "--quick", *options)[0]["file_bytes"]
            source = [x.astype(np.int32) if bits else x for x in source.values()]
            ours, theirs = None, {r: None for r in rates if coders.nncodec}
            for _ in range(ROUNDS):
                ours = best(ours, mote_round(model, package, how))
                for r in theirs:
                    theirs[r] = best(theirs[r], nncodec_round(source, r, bits))
            show(way, "mote", 8 * size / n, [n / t / 1e6 for t in ours])
            for r, (coded, encode, decode) in theirs.items():
                speed = n / encode / 1e6, None, None, None, n / decode / 1e6, None
                coder = "NNCodec" + ("" if bits else ", lambda %g" % r)
                show(way, coder, 8 * coded / n, speed)
                results.least(f"{way}: decode to integers / {coder}'s", decode / ours[4], 1, "%.1f")
    results.finish()


def show(way, coder, bits, speed):
    cell = lambda off, on: "-" if off is None else "%.4g" % off + ("" if on is None else " (%.4g)" % on)
    cells = [cell(*speed[i:i + 2]) for i in (0, 2, 4)]
    print("%-22s %-18s %7.3f %15s %15s %15s" % (way, coder, bits, *cells), flush=True)
    results.row(way, coder, "%.4f" % bits, *("" if s is None else "%.2f" % s for s in speed))


main()
