# SPDX-License-Identifier: Apache-2.0
"""Networks that were quantised to 8 bits elsewhere: what mote makes of their integers, beside xz and zstd.

usage: u8.py MOTE FOLDER

Fetches face-api (recognition, SSD) and the language detector of VS Code by `npm pack`, once, and takes their u8 weights
from TensorFlow.js files: a matrix whose rows are the last axis turned to the front, as it is convolved. xz -9 and
zstd -19 get the same integers in one piece, the better of both orders. Written as FOLDER/u8.csv; fails unless mote's
package is the smallest."""
import glob
import json
import os
import struct
import subprocess
import sys
import tarfile
import tempfile

import numpy as np

MOTE, FOLDER = sys.argv[1:3]
MODELS = {
    "face_recognition": ("@vladmandic/face-api@1.7.15", "model/face_recognition_model-weights_manifest.json"),
    "face_ssd": ("@vladmandic/face-api@1.7.15", "model/ssd_mobilenetv1_model-weights_manifest.json"),
    "language_detection": ("@vscode/vscode-languagedetection@1.0.23", "model/model.json"),
}


def fetched(package, inside, cache):
    """Path of a file of an npm package, all of which is unpacked below the cache."""
    folder = os.path.join(cache, package.lstrip("@").replace("/", "-"))
    if not os.path.exists(os.path.join(folder, "package", inside)):
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        (archive,) = glob.glob(os.path.join(folder, "*.tgz"))
        with tarfile.open(archive) as tar:
            for member in tar:
                if not member.isfile() or os.path.isabs(member.name) or ".." in member.name.split("/"):
                    continue
                path = os.path.join(folder, member.name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as f:
                    f.write(tar.extractfile(member).read())
    return os.path.join(folder, "package", inside)


def weights(path):
    """(name, array) of the u8 tensors of a TensorFlow.js manifest or model."""
    with open(path, encoding="utf-8") as f:
        manifest = json.load(f)
    sizes = {"float32": 4, "int32": 4, "uint8": 1, "bool": 1, "uint16": 2, "float16": 2}
    for group in manifest["weightsManifest"] if isinstance(manifest, dict) else manifest:
        data = b""
        for shard in group["paths"]:
            with open(os.path.join(os.path.dirname(path), shard), "rb") as f:
                data += f.read()
        at = 0
        for w in group["weights"]:
            if w["dtype"] == "string":  # each behind its length
                for _ in range(int(np.prod(w["shape"], dtype=np.int64))):
                    at += 4 + struct.unpack_from("<I", data, at)[0]
                continue
            kind = w.get("quantization", {}).get("dtype", w["dtype"])
            n = int(np.prod(w["shape"], dtype=np.int64)) * sizes[kind]
            if kind == "uint8":
                yield w["name"], np.frombuffer(data, np.uint8, n, at).reshape(w["shape"])
            at += n


def rows_first(x):
    return np.ascontiguousarray(np.moveaxis(x, -1, 0)) if x.ndim >= 2 else x


def run(*args):
    return subprocess.run(args, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def main():
    os.makedirs(FOLDER, exist_ok=True)
    missed, lines = 0, ["model,weights,mote_bytes,xz9_bytes,zstd19_bytes"]
    print("%-20s %9s %9s %9s %9s" % ("u8 network", "weights", "mote", "xz -9", "zstd -19"))
    for name, (package, inside) in MODELS.items():
        try:
            tensors = dict(weights(fetched(package, inside, os.path.join(FOLDER, "npm"))))
        except (OSError, subprocess.CalledProcessError) as e:
            print("%-20s skipped: %s" % (name, e))
            continue
        with tempfile.TemporaryDirectory(prefix="mote-bench-") as work:
            head, data, files = {}, b"", {"xz": [], "zstd": []}
            for k, x in tensors.items():
                x = rows_first(x)
                head[k] = {"dtype": "U8", "shape": list(x.shape), "data_offsets": [len(data), len(data) + x.size]}
                data += x.tobytes()
            text = json.dumps(head).encode()
            text += b" " * (-len(text) % 8)
            with open(work + "/m.safetensors", "wb") as f:
                f.write(struct.pack("<Q", len(text)) + text + data)
            for order in (data, b"".join(x.tobytes() for x in tensors.values())):
                with open(work + "/raw", "wb") as f:
                    f.write(order)
                files["xz"].append(len(run("xz", "-9", "-c", work + "/raw")))
                files["zstd"].append(len(run("zstd", "-19", "-qc", work + "/raw")))
            report = json.loads(run(MOTE, "pack", work + "/m.safetensors", "-o", work + "/m.mote", "--profile", "host", "--json"))
        ours, xz, zstd = report["file_bytes"], min(files["xz"]), min(files["zstd"])
        ok = ours < min(xz, zstd)
        missed += not ok
        print("%-20s %9d %9d %9d %9d%s" % (name, len(data), ours, xz, zstd, "" if ok else "  MISSED"), flush=True)
        lines.append("%s,%d,%d,%d,%d" % (name, len(data), ours, xz, zstd))
    with open(FOLDER + "/u8.csv", "w") as f:
        f.writelines(line + "\n" for line in lines)
    sys.exit(1 if missed else 0)


main()
