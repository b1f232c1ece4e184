# SPDX-License-Identifier: Apache-2.0
"""What the tests of the second reader share: model files, the built program, packages taken apart and put together."""

import hashlib
import json
import os
import struct
import subprocess
import sys

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VECTORS = os.path.join(ROOT, "spec", "vectors")
sys.path.insert(0, os.path.join(ROOT, "bindings", "python"))

from mote_reader import MoteError, Package, ed25519, keys, tree, wire  # noqa: E402

NAMES = {"bool": "BOOL", "u8": "U8", "i8": "I8", "u16": "U16", "i16": "I16", "u32": "U32", "i32": "I32", "u64": "U64",
         "i64": "I64", "f16": "F16", "bf16": "BF16", "f32": "F32", "f64": "F64", "f8_e4m3": "F8_E4M3",
         "f8_e5m2": "F8_E5M2"}


def read(path):
    with open(path, "rb") as f:
        return f.read()


def write(path, data):
    with open(path, "wb") as f:
        f.write(data)


def write_safetensors(path, tensors):
    """tensors: name -> (dtype of registry.md, array of its bits or values)."""
    header, body = {}, b""
    for name, (dtype, array) in tensors.items():
        data = np.ascontiguousarray(array).tobytes()
        place = [len(body), len(body) + len(data)]
        header[name] = {"dtype": NAMES[dtype], "shape": list(array.shape), "data_offsets": place}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    write(path, struct.pack("<Q", len(text)) + text + body)


def read_safetensors(path):
    """name -> (dtype name, shape, bytes)."""
    data = read(path)
    n = struct.unpack_from("<Q", data)[0]
    header = json.loads(data[8:8 + n])
    header.pop("__metadata__", None)
    return {name: (h["dtype"], tuple(h["shape"]), data[8 + n + h["data_offsets"][0]:8 + n + h["data_offsets"][1]])
            for name, h in header.items()}


def mote(program, *args):
    return subprocess.run([program, *args], capture_output=True, text=True, check=False)


def refusal(data, keys=(), **options):
    """The status of a package that is decoded in whole, OK if it is accepted."""
    try:
        Package(data, keys, verify=True, **options)
    except MoteError as e:
        return e.status
    return "OK"


def take_apart(data):
    """Manifest, its fields as (tag, value), and the chunks of a package whose pages are whole."""
    front = wire.Cursor(data, 16)
    ml, sl = struct.unpack_from("<HH", data, 10)
    raw = front.take(ml)
    front.take(sl)
    fields, c = [], wire.Cursor(raw)
    while c.left():
        tag = c.varint()
        fields.append((tag, c.take(c.varint())))
    package = Package(data)
    return fields, [data[front.at + k.offset:front.at + k.offset + k.length] for k in package.chunks]


def varint(v):
    out = b""
    while v > 127:
        out += bytes([v & 127 | 128])
        v >>= 7
    return out + bytes([v])


def put_together(fields, chunks):
    """An unsigned package of these fields, but for `tree`, and chunks: pages and digests are made for them."""
    nodes = [(len(c), wire.digest("mote1 chunk", c), c) for c in chunks]
    for level in range(1, tree.height(len(chunks)) + 1):
        above = []
        for i in range(0, len(nodes), 16):
            group = nodes[i:i + 16]
            page = b"".join(n.to_bytes(4 if level == 1 else 8, "little") + d for n, d, _ in group)
            body = page + b"".join(b for _, _, b in group)
            above.append((len(body), wire.digest("mote1 page", page), body))
        nodes = above
    length, root, body = nodes[0]
    raw = b""
    for tag, value in fields:
        if tag == 2:
            value = varint(len(chunks)) + varint(length) + root
        raw += varint(tag) + varint(len(value)) + value
    return bytes.fromhex("894d4f54450d0a0a0101") + struct.pack("<HHH", len(raw), 0, 0) + raw + body


def sign(package, seed, name=b"second", sequence=1):
    """The package with one release signature by the key of this seed (RFC 8032, 5.1.6)."""
    h = hashlib.sha512(seed).digest()
    a = int.from_bytes(h[:32], "little") & (1 << 254) - 8 | 1 << 254
    key = ed25519.encode(ed25519.multiply(a, ed25519.BASE))
    key_id = keys.key_id(key)
    ml = struct.unpack_from("<H", package, 10)[0]
    manifest_digest = wire.digest("mote1 manifest", package[16:16 + ml])
    message = b"mote signature\0\0" + bytes([1, 1, 1, 1, 0, 0, 0, 0]) + key_id + manifest_digest
    r = int.from_bytes(hashlib.sha512(h[32:] + message).digest(), "little") % ed25519.L
    point = ed25519.encode(ed25519.multiply(r, ed25519.BASE))
    k = int.from_bytes(hashlib.sha512(point + key + message).digest(), "little")
    signature = point + ((r + k * a) % ed25519.L).to_bytes(32, "little")
    block = bytes([1, 1]) + struct.pack("<H", 64) + key_id + signature
    return package[:12] + struct.pack("<H", len(block)) + package[14:16 + ml] + block + package[16 + ml:]
