# SPDX-License-Identifier: Apache-2.0
"""Reading the models that the other scripts measure."""
import json
import struct

import numpy as np


def tensors(path):
    """name -> array of the f32 tensors of a safetensors file"""
    with open(path, "rb") as f:
        data = f.read()
    n = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + n])
    head.pop("__metadata__", None)
    return {k: np.frombuffer(data[8 + n + t["data_offsets"][0]:8 + n + t["data_offsets"][1]], "<f4").reshape(t["shape"])
            for k, t in head.items() if t["dtype"] == "F32"}
