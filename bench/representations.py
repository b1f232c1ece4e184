# SPDX-License-Identifier: Apache-2.0
"""The example network in every representation: bytes of the package, bits a weight, error, accuracy.

usage: representations.py BUILD_FOLDER

Accuracy is that of fashion_check, in the C inference of examples/fashion with the tensors that `mote unpack` gives, over
the 10,000 test images of Debian's dataset-fashion-mnist if they are installed, else over the 2,000 in the repository.
Writes representations.csv below BUILD_FOLDER/bench, and the smallest package within half a point of the floats."""
import gzip
import os
import re
import struct
import subprocess
import sys

import models
from runs import Results, pack, run

BUILD = sys.argv[1]
HERE = os.path.dirname(os.path.abspath(__file__))
FASHION = os.path.join(HERE, "..", "examples", "fashion")
MODEL, IMAGES = FASHION + "/fashion.safetensors", FASHION + "/images.safetensors"
DATA = "/usr/share/datasets/fashion-mnist/t10k-"
MOTE, CHECK = BUILD + "/cli/mote", BUILD + "/examples/fashion_check"
OUT = BUILD + "/bench"
WAYS = ["", "--f16", "--bf16", "--fp8 e4m3", "--fp8 e5m2", "--fp8 e4m3 --per row", "--bits 8", "--bits 6", "--bits 5",
        "--bits 4", "--bits 4 --per 32", "--bits 3", "--bits 3 --per 32", "--bits 2 --per 16", "--nf4 --per 64",
        "--codebook 256", "--codebook 16", "--codebook 8", "--codebook 4", "--ternary", "--binary", "--prune 0.5",
        "--prune 0.7", "--prune 0.7 --bits 8", "--prune 0.7 --bits 4", "--rank 24 --bits 8", "--rank 16 --bits 8",
        "--snr 24", "--snr 20", "--snr 18", "--snr 16", "--snr 14", "--snr 12", "--snr 10", "--snr 8",
        "--snr 14 --trellis 256", "--snr 12 --trellis 256", "--snr 10 --trellis 256", "--size 20K", "--size 16K",
        "--size 14K", "--size 12K"]


def images():
    """What fashion_check gets after the model: files of images."""
    args = [IMAGES]
    if not os.path.exists(DATA + "images-idx3-ubyte.gz"):
        return args
    for part in ("images-idx3-ubyte", "labels-idx1-ubyte"):
        path = "%s/%s" % (OUT, part)
        with gzip.open(DATA + part + ".gz") as f, open(path, "wb") as to:
            to.write(f.read())
        args.append(path)
    return args


def f8(byte, exponent_bits):
    """OCP 8-bit floating point, finite values."""
    m = 7 - exponent_bits
    e, f = byte >> m & (1 << exponent_bits) - 1, byte & (1 << m) - 1
    bias = (1 << exponent_bits - 1) - 1
    x = (f / (1 << m) if e == 0 else 1 + f / (1 << m)) * 2.0 ** (max(e, 1) - bias)
    return -x if byte & 0x80 else x


def widen(path):
    """A safetensors file of narrow floats becomes one of F32, which is all that fashion_check takes."""
    parts = models.read(path)
    for name, (dtype, shape, raw) in parts.items():
        if dtype == "F16":
            raw = struct.pack("<%df" % (len(raw) // 2), *(x[0] for x in struct.iter_unpack("<e", raw)))
        elif dtype == "BF16":
            raw = b"".join(b"\0\0" + raw[i:i + 2] for i in range(0, len(raw), 2))
        elif dtype in ("F8_E4M3", "F8_E5M2"):
            raw = struct.pack("<%df" % len(raw), *(f8(b, int(dtype[4])) for b in raw))
        parts[name] = "F32", shape, raw
    models.write(path, parts)


def accuracy(model, what):
    # its exit state says whether the floats' accuracy was reached
    text = subprocess.run((CHECK, model) + tuple(what), stdout=subprocess.PIPE).stdout.decode()
    return max((int(n), float(a)) for n, a in re.findall(r"(\d+) images\s+accuracy (\S+)", text))


def main():
    results = Results(OUT, "representations", ("pack", "bytes", "bits_per_weight", "snr_db", "accuracy"))
    what = images()
    pkg, back = OUT + "/r.mote", OUT + "/r.safetensors"
    print("%-24s %9s %8s %8s %9s" % ("pack", "bytes", "b/w", "SNR dB", "accuracy"))
    for way in WAYS:
        report, _ = pack(MOTE, MODEL, pkg, "--profile", "nano" if not way else "std", *way.split())
        run(MOTE, "unpack", pkg, "-o", back)
        if way.startswith(("--f16", "--bf16", "--fp8")):
            widen(back)
        n, a = accuracy(back, what)
        size = report["file_bytes"]
        row = way or "--lossless", size, 8 * size / report["elements"], report["snr_db"], a
        results.row(*row)
        error = "exact" if report["exact"] else "%.2f" % report["snr_db"]
        print("%-24s %9d %8.3f %8s %9.4f" % (*row[:3], error, a), flush=True)
    floats = results.rows[0][4]
    best = min((r for r in results.rows if r[4] >= floats - 0.005), key=lambda r: r[1])
    print("floats %.4f on %d images; smallest within half a point: %s, %d bytes, %.4f" % (floats, n, best[0], best[1],
                                                                                          best[4]))
    results.finish()


main()
