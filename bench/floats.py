# SPDX-License-Identifier: Apache-2.0
"""Lossless floats: packages beside what ZipNN makes of the same tensors, as f32, bf16 and f16.

usage: floats.py MOTE FOLDER MODEL.safetensors...

ZipNN gets a model's tensors in one piece and one by one, the smaller counts. It is imported where it is installed
(python3 -m pip install zipnn; it brings a deep-learning framework along); else its columns stay empty. Written as
FOLDER/floats.csv."""
import contextlib
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import warnings

import numpy as np

from models import tensors

warnings.filterwarnings("ignore")
try:
    import zipnn
except ImportError:
    zipnn = None

MOTE, FOLDER, MODELS = sys.argv[1], sys.argv[2], sys.argv[3:]


def cast(x, kind):
    """Bytes of x as f32, f16, or bf16 rounded to nearest even."""
    if kind == "BF16":
        b = x.view(np.uint32).astype(np.uint64)
        return ((b + 0x7FFF + (b >> 16 & 1)) >> 16).astype("<u2").tobytes()
    return x.astype("<f4" if kind == "F32" else "<f2").tobytes()


def zipped(data, kind):
    with contextlib.redirect_stdout(io.StringIO()):
        z = zipnn.ZipNN(input_format="byte", bytearray_dtype=kind, threads=1)
        return min(len(z.compress(bytearray(data))), len(data))


def packed(parts, kind, work):
    head, at = {}, 0
    for name, (data, shape) in parts.items():
        head[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    with open(work + "/m.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for data, _ in parts.values():
            f.write(data)
    out = subprocess.run([MOTE, "pack", work + "/m.safetensors", "-o", work + "/m.mote", "--profile", "host", "--json"],
                         check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    return json.loads(out)["file_bytes"]


def main():
    os.makedirs(FOLDER, exist_ok=True)
    lines, ours, theirs = ["model,type,bytes,mote_bytes,zipnn_bytes"], {}, {}
    print("%-28s %-5s %10s %10s %10s %8s" % ("lossless", "type", "bytes", "mote", "zipnn", "ratio"))
    for path in MODELS:
        model, name = tensors(path), os.path.splitext(os.path.basename(path))[0]
        for kind, zip_kind in (("F32", "float32"), ("BF16", "bfloat16"), ("F16", "float16")):
            parts = {k: (cast(x, kind), x.shape) for k, x in model.items()}
            whole = b"".join(d for d, _ in parts.values())
            with tempfile.TemporaryDirectory(prefix="mote-bench-") as work:
                a = packed(parts, kind, work)
            b = min(zipped(whole, zip_kind), sum(zipped(d, zip_kind) for d, _ in parts.values())) if zipnn else 0
            ours[kind] = ours.get(kind, 0) + a
            theirs[kind] = theirs.get(kind, 0) + b
            print("%-28s %-5s %10d %10d %10s %8s" % (name, kind, len(whole), a, b or "", "%.4f" % (a / b) if b else ""), flush=True)
            lines.append("%s,%s,%d,%d,%s" % (name, kind, len(whole), a, b or ""))
    for kind in ours:
        ratio = "%.4f" % (ours[kind] / theirs[kind]) if zipnn else ""
        print("%-28s %-5s %10s %10d %10s %8s" % ("together", kind, "", ours[kind], theirs[kind] or "", ratio))
    with open(FOLDER + "/floats.csv", "w") as f:
        f.writelines(line + "\n" for line in lines)
    sys.exit(1 if zipnn and any(ours[k] > theirs[k] for k in ours) else 0)


main()
