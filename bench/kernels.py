# SPDX-License-Identifier: Apache-2.0
"""Decoding speed of the inner loops, side by side: AVX-512, AVX2, and plain C at the release's -O3 and at -O2.

usage: kernels.py BENCH_FOLDER FOLDER -- BENCH_FOLDER holds bench_decode and bench_decode_o2

Tensors of 1024 x 1024 made for the purpose, through planes and numbers to elements, one thread, no container. "ref" is
the device's loop, "host" plain C for big machines. Written as FOLDER/kernels.csv."""
import csv
import os
import sys

from runs import Results, run

BENCH, FOLDER = sys.argv[1:3]
COLUMNS = (("ref", "-O2"), ("host", "-O2"), ("ref", "-O3"), ("host", "-O3"), ("avx2", "-O3"),
           ("avx512", "-O3"))
results = Results(FOLDER, "kernels", ("tensor", "bits_per_weight", "form", "kernel", "compiled", "Mw_s"))


def measured():
    speed, bits = {}, {}
    for program, level in (("bench_decode", "-O3"), ("bench_decode_o2", "-O2")):
        for tensor, b, form, kernel, mw in csv.reader(run(os.path.join(BENCH, program)).decode().splitlines()):
            speed[tensor, form, kernel, level], bits[tensor] = float(mw), float(b)
            results.row(tensor, b, form, kernel, level, mw)
    return speed, bits


def main():
    speed, bits = measured()
    print("%-26s %6s %-7s" % ("million weights a second", "b/w", "to") +
          "".join(" %10s" % (k + " " + o) for k, o in COLUMNS))
    for tensor in bits:
        for form in ("f32", "native"):
            cells = ["%.0f" % speed[tensor, form, k, o] if (tensor, form, k, o) in speed else "-" for k, o in COLUMNS]
            print("%-26s %6.3f %-7s" % (tensor, bits[tensor], form) + "".join(" %10s" % c for c in cells))
    for tensor, form, kernel, level, least in (("trellis 16 symbols", "native", "avx2", "-O3", 800),
                                               ("trellis 16 symbols", "f32", "avx2", "-O3", 700),
                                               ("trellis 16 symbols", "native", "host", "-O2", 150),
                                               ("trellis 16 symbols", "f32", "host", "-O2", 150),
                                               ("int8 scale a row", "native", "avx2", "-O3", 800),
                                               ("int4 scale a row", "native", "avx2", "-O3", 800),
                                               ("trellis adaptive", "f32", "avx2", "-O3", 60),
                                               ("trellis adaptive", "f32", "host", "-O2", 40)):
        what = "%s, to %s, %s: Mw/s" % (tensor, form, "AVX2" if kernel == "avx2" else "plain C at " + level)
        if (tensor, form, kernel, level) in speed:
            results.least(what, speed[tensor, form, kernel, level], least)
        else:
            results.skip(what, "no AVX2")
    results.finish()


main()
