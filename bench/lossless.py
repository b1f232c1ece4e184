# SPDX-License-Identifier: Apache-2.0
"""Lossless floats: sizes, and speeds of coding and decoding on one thread, beside ZipNN, zstd and xz, all in one run.

usage: lossless.py BENCH_PACKAGE MOTE MODELS FOLDER

The sentence encoder, and the development models as one, as f32, bf16 and f16; every coder gets the same bytes in memory
and decodes to memory that is new. mote: a whole package (profile host) with names, index and hash tree, through the
loader; "verified" with its digests computed and compared, else with none computed; "in place": none, and to memory
that the caller has had before, which the others do not offer. ZipNN, zstd and xz: all tensors in one piece, which gives
up single ones; ZipNN also tensor by tensor ("ZipNN each"), as it stores models, and for the size the smaller counts.
Megabytes of tensors a second of processor time, the best of some rounds in which the coders take turns; what encodes
slowly does so once, before that, in a process of its own. mote's rounds are processes of their own, in which it does
everything three times: the others' memory has been in use before, too. Written as FOLDER/lossless.csv."""
import multiprocessing
import sys

import coders
import models
from runs import Results, clocked, pack, run, scratch

PACKAGE, MOTE, MODELS, FOLDER = sys.argv[1:5]
ROUNDS = 4
TYPES = ("F32", "BF16", "F16")
SLOW = {"zstd -19": coders.Zstd(19), "xz -9": coders.Xz(9)}  # to encode
results = Results(FOLDER, "lossless", ("data", "type", "coder", "bytes", "ratio", "encode_MB_s", "decode_MB_s",
                                       "encode_verified_MB_s", "decode_verified_MB_s", "decode_in_place_MB_s"))


def data_sets():
    """name -> tensors"""
    there = models.present(MODELS)
    sets = {m: models.tensors(p) for m, p in models.present(MODELS, (models.ENCODER,)).items()}
    if len(there) == len(models.DEVELOPMENT):
        sets["development"] = {f"{m}/{k}": x for m, p in there.items() for k, x in models.tensors(p).items()}
    for name in (models.ENCODER, "development"):
        if name not in sets:
            results.skip("lossless: " + name, "not there")
    return sets


def best(seconds, key, value):
    seconds[key] = min(seconds.get(key, value), value)


def mote_round(seconds, model, package):
    for what, source, mode, runs in (("decode", package, "dense", 3), ("encode", model, "lossless", 3)):
        _, _, on, off, *kept = run(PACKAGE, what, mode, source, runs).decode().split(",")
        best(seconds, what, float(off))
        best(seconds, what + " verified", float(on))
        if kept:
            best(seconds, what + " in place", float(kept[0]))


def encode(coder, pieces):
    """What becomes of each, and seconds for all."""
    own = [bytearray(p) for p in pieces]  # ZipNN works in place
    packed, t = clocked(lambda: [coder.compress(p) for p in own])
    return [bytes(p) for p in packed], t


def decode_round(coder, seconds, name, pieces, packed):
    back, t = clocked(lambda: [coder.decompress(p) for p in packed])
    if any(bytes(b) != p for b, p in zip(back, pieces, strict=True)):
        raise ValueError(name + " does not give back what it was given")
    best(seconds, "decode", t)


def measure(tensors, kind, work):
    """coder -> bytes, seconds by what"""
    parts = {k: (kind, x.shape, models.cast(x, kind)) for k, x in tensors.items()}
    each = [d for _, _, d in parts.values()]
    whole = [b"".join(each)]
    model, package = work + "/m.safetensors", work + "/m.mote"
    models.write(model, parts)
    report, _ = pack(MOTE, model, package, "--profile", "host", "--quick")
    fast = {"zstd -3": (coders.Zstd(3), whole)}
    if coders.zipnn:
        fast = {"ZipNN": (coders.ZipNN(kind), whole), "ZipNN each": (coders.ZipNN(kind), each), **fast}
    every = {**fast, **{name: (coder, whole) for name, coder in SLOW.items()}}
    seconds, packed = {"mote": {}, **{name: {} for name in every}}, {}
    with multiprocessing.Pool(len(SLOW)) as pool:
        for name, (p, t) in zip(SLOW, pool.starmap(encode, [every[name] for name in SLOW], chunksize=1)):
            packed[name], seconds[name]["encode"] = p, t
    for i in range(ROUNDS):
        mote_round(seconds["mote"], model, package)
        for name, (coder, pieces) in fast.items():
            packed[name], t = encode(coder, pieces)
            best(seconds[name], "encode", t)
        for name, (coder, pieces) in every.items():
            if i == 0 or name != "xz -9":
                decode_round(coder, seconds[name], name, pieces, packed[name])
    sizes = {"mote": report["file_bytes"],
             **{name: sum(min(len(p), len(d)) for p, d in zip(packed[name], every[name][1])) for name in every}}
    return len(whole[0]), sizes, seconds


def table(name, kind, n, sizes, seconds):
    for coder, size in sizes.items():
        speed = [n / seconds[coder][k] / 1e6 if k in seconds[coder] else None
                 for k in ("encode", "decode", "encode verified", "decode verified", "decode in place")]
        cells = ["%.0f" % s if s else "" for s in speed]
        print("%-12s %-5s %-10s %10d %7.4f %9s %9s %9s %9s %9s" % (name, kind, coder, size, size / n, *cells), flush=True)
        results.row(name, kind, coder, size, "%.5f" % (size / n), *cells)


def asked(name, kind, n, sizes, seconds):
    if "ZipNN" not in sizes:
        results.skip(f"{name} {kind}, beside ZipNN", "not installed")
        return
    results.most(f"{name} {kind}: size / ZipNN's", sizes["mote"] / min(sizes["ZipNN"], sizes["ZipNN each"]), 1)
    for what in ("decode", "encode"):
        for other, how in (("ZipNN each", "tensor by tensor"), ("ZipNN", "in one piece")):
            ratio = seconds[other][what] / seconds["mote"][what]
            results.least(f"  {what}, no digests: speed / ZipNN's, {how}", ratio, 1, "%.3f")
    print("    verified: decode %.0f, encode %.0f MB/s" % tuple(n / seconds["mote"][w + " verified"] / 1e6
                                                              for w in ("decode", "encode")))


def main():
    print("%-12s %-5s %-10s %10s %7s %9s %9s %9s %9s %9s" % ("lossless", "type", "coder", "bytes", "ratio", "encode",
                                                           "decode", "verified", "verified", "in place"))
    found = []
    for name, tensors in data_sets().items():
        for kind in TYPES:
            with scratch() as work:
                found.append((name, kind, *measure(tensors, kind, work)))
            table(*found[-1])
    print("(MB of tensor bytes a second of processor time)")
    for one in found:
        asked(*one)
    results.finish()


main()
