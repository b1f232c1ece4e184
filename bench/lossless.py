# SPDX-License-Identifier: Apache-2.0
"""Lossless floats: sizes, and speeds of coding and decoding on one thread, beside ZipNN, zstd and xz, all in one run.

usage: lossless.py BENCH_PACKAGE MOTE MODELS FOLDER

The sentence encoder, and the development models as one, as f32, bf16 and f16; every coder gets the same bytes in memory
and decodes to memory that is new. mote: a whole package (profile host) with names, index and hash tree, through the
loader; "verified" with its digests computed and compared, else with none computed; "in place": none, and to memory
that the caller has had before, which the others do not offer. ZipNN, zstd and xz: all tensors in
one piece; for the size ZipNN may have them one by one, the smaller counts. Megabytes of tensors a second of processor
time, the best of some rounds in which the coders take turns; what encodes slowly does so once, before that, in a
process of its own. mote's rounds are processes of their own, in which it does everything three times: the others' memory
has been in use before, too. Written as FOLDER/lossless.csv."""
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


def encode(coder, data):
    """Bytes and seconds."""
    packed, t = clocked(coder.compress, bytearray(data))  # ZipNN works in place
    return bytes(packed), t


def decode_round(coder, seconds, name, data, packed):
    back, t = clocked(coder.decompress, packed)
    if bytes(back) != data:
        raise ValueError(name + " does not give back what it was given")
    best(seconds, "decode", t)


def measure(tensors, kind, work):
    """coder -> bytes, seconds by what"""
    parts = {k: (kind, x.shape, models.cast(x, kind)) for k, x in tensors.items()}
    data = b"".join(d for _, _, d in parts.values())
    model, package = work + "/m.safetensors", work + "/m.mote"
    models.write(model, parts)
    report, _ = pack(MOTE, model, package, "--profile", "host", "--quick")
    fast = {"ZipNN": coders.ZipNN(kind)} if coders.zipnn else {}
    fast["zstd -3"] = coders.Zstd(3)
    seconds, packed = {"mote": {}, **{name: {} for name in {**fast, **SLOW}}}, {}
    with multiprocessing.Pool(len(SLOW)) as pool:
        for name, (p, t) in zip(SLOW, pool.starmap(encode, [(coder, data) for coder in SLOW.values()], chunksize=1)):
            packed[name], seconds[name]["encode"] = p, t
    for i in range(ROUNDS):
        mote_round(seconds["mote"], model, package)
        for name, coder in fast.items():
            packed[name], t = encode(coder, data)
            best(seconds[name], "encode", t)
        for name, coder in {**fast, **SLOW}.items():
            if i == 0 or name != "xz -9":
                decode_round(coder, seconds[name], name, data, packed[name])
    sizes = {"mote": report["file_bytes"], **{name: len(packed[name]) for name in {**fast, **SLOW}}}
    if coders.zipnn:
        z = coders.ZipNN(kind)
        one_by_one = sum(min(len(d), len(z.compress(bytearray(d)))) for _, _, d in parts.values())
        sizes["ZipNN"] = min(sizes["ZipNN"], one_by_one)
    return len(data), sizes, seconds


def table(name, kind, n, sizes, seconds):
    for coder, size in sizes.items():
        speed = [n / seconds[coder][k] / 1e6 if k in seconds[coder] else None
                 for k in ("encode", "decode", "encode verified", "decode verified", "decode in place")]
        cells = ["%.0f" % s if s else "" for s in speed]
        print("%-12s %-5s %-9s %10d %7.4f %9s %9s %9s %9s %9s" % (name, kind, coder, size, size / n, *cells), flush=True)
        results.row(name, kind, coder, size, "%.5f" % (size / n), *cells)


def asked(name, kind, n, sizes, seconds):
    if "ZipNN" not in sizes:
        results.skip(f"{name} {kind}, beside ZipNN", "not installed")
        return
    results.most(f"{name} {kind}: size / ZipNN's", sizes["mote"] / sizes["ZipNN"], 1)
    for what in ("decode", "encode"):
        ratio = seconds["ZipNN"][what] / seconds["mote"][what]
        results.least(f"  {what}, no digests: speed / ZipNN's", ratio, 1, "%.3f")
    print("    verified: decode %.0f, encode %.0f MB/s" % tuple(n / seconds["mote"][w + " verified"] / 1e6
                                                              for w in ("decode", "encode")))


def main():
    print("%-12s %-5s %-9s %10s %7s %9s %9s %9s %9s %9s" % ("lossless", "type", "coder", "bytes", "ratio", "encode",
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
