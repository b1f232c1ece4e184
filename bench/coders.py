# SPDX-License-Identifier: Apache-2.0
"""The coders that mote is compared with, in this process: NNCodec's DeepCABAC, ZipNN, zstd and xz.

install.sh puts NNCodec and ZipNN where the Python of the benchmarks finds them, without the deep-learning framework that
both ask for: neither of their coders needs it. nncodec and zipnn are None where they could not be installed."""
import contextlib
import ctypes
import ctypes.util
import io
import lzma
import math
import sys
import types

import numpy as np

try:
    from nncodec.extensions import deepCABAC as nncodec
except ImportError:
    nncodec = None

# --- NNCodec: ISO/IEC 15938-17 ----------------------------------------------------------------------------------------

UNARY = 10  # magnitudes that have a flag of their own
DENSITY = 2  # qp_density, as by default
PROFILE = 1  # general_profile_idc: with its second edition's tools, of which skipping rows of zeros pays
URQ, DQ8 = 0, 1  # dq_flag: uniform, dependent quantisation with 8 states


def nnc_step(qp):
    """The step of a quantisation parameter: four to an octave, linear between octaves."""
    return ((1 << DENSITY) + (qp & (1 << DENSITY) - 1)) * 2.0 ** ((qp >> DENSITY) - DENSITY)


def nnc_parameter(step):
    """That of the step of its grid that differs by the least factor."""
    near = math.floor(math.log2(step)) << DENSITY
    return min(range(near - 1, near + 6), key=lambda qp: abs(math.log(nnc_step(qp) / step)))


def nnc_quantise(x, qp, mode, rate):
    """Integers that times the step are near x, f32 in two dimensions; rate: lambda_scale."""
    q = np.zeros(x.shape, np.int32)
    coder = nncodec.Encoder()
    coder.initCtxModels(UNARY, 0)
    used = coder.quantLayer(x, q, mode, DENSITY, qp, rate, UNARY, 0, PROFILE)
    if used != qp:
        raise ValueError("NNCodec changed the step")
    return q


def _off():
    return nncodec.HdspMode.AlwaysOff, np.zeros(2, np.int8)


def nnc_encode(q, mode=URQ):
    """Bytes of an int32 matrix, parameters of its models chosen for it."""
    coder = nncodec.Encoder()
    coder.initCtxModels(UNARY, 1)
    coder.encodeLayer(q, mode, 0, PROFILE, 0, 1, (~q.any(axis=1)).astype(np.int32), *_off(), 0, 0)
    return coder.finish()


def nnc_decode(coded, shape, mode=URQ):
    q = np.zeros(shape, np.int32)
    coder = nncodec.Decoder()
    coder.setStream(coded)
    coder.initCtxModels(UNARY)
    coder.decodeLayer(q, mode, 0, PROFILE, 0, *_off(), 0, 0)
    return q


# --- ZipNN ------------------------------------------------------------------------------------------------------------


class _Absent(type):
    """What a module that is not there would have: classes with any attribute, decorators that change nothing."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Absent(name, (), {})

    def __call__(cls, *args, **_):
        return args[0] if args else cls


def _import_zipnn():
    """ZipNN names its framework's types when it is imported, and codes bytes without it."""
    made = []
    for name in ("torch", "safetensors", "safetensors.torch"):
        try:
            __import__(name)
        except ImportError:
            sys.modules[name] = types.ModuleType(name)
            sys.modules[name].__path__ = []
            sys.modules[name].__getattr__ = lambda key: _Absent.__getattr__(_Absent, key)
            made.append(name)
    try:
        import zipnn as module
    except ImportError:
        module = None
    for name in made:
        del sys.modules[name]
    return module


zipnn = _import_zipnn()
ZIPNN_TYPES = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}


class ZipNN:
    """One thread; compress() takes a bytearray, which it may change."""

    def __init__(self, dtype):
        self.z = zipnn.ZipNN(input_format="byte", bytearray_dtype=ZIPNN_TYPES[dtype], threads=1)

    def compress(self, data):
        with contextlib.redirect_stdout(io.StringIO()):
            return self.z.compress(data)

    def decompress(self, data):
        with contextlib.redirect_stdout(io.StringIO()):
            return self.z.decompress(data)


# --- general ----------------------------------------------------------------------------------------------------------


class Zstd:
    """libzstd, one thread, into memory that is new."""
    lib = None

    def __init__(self, level):
        self.level = level
        if not Zstd.lib:
            lib = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
            lib.ZSTD_compressBound.restype = lib.ZSTD_compress.restype = lib.ZSTD_decompress.restype = ctypes.c_size_t
            lib.ZSTD_getFrameContentSize.restype = ctypes.c_uint64
            Zstd.lib = lib  # of the class: objects go to other processes

    def _done(self, out, n):
        if self.lib.ZSTD_isError(ctypes.c_size_t(n)):
            raise ValueError("zstd failed")
        return memoryview(out)[:n]

    def compress(self, data):
        out = np.empty(self.lib.ZSTD_compressBound(ctypes.c_size_t(len(data))), np.uint8)
        return self._done(out, self.lib.ZSTD_compress(ctypes.c_void_p(out.ctypes.data), ctypes.c_size_t(out.size),
                                                      bytes(data), ctypes.c_size_t(len(data)), self.level))

    def decompress(self, data):
        data = bytes(data)
        out = np.empty(self.lib.ZSTD_getFrameContentSize(data, ctypes.c_size_t(len(data))), np.uint8)
        return self._done(out, self.lib.ZSTD_decompress(ctypes.c_void_p(out.ctypes.data), ctypes.c_size_t(out.size),
                                                        data, ctypes.c_size_t(len(data))))


class Xz:
    """liblzma, one thread."""

    def __init__(self, level):
        self.level = level

    def compress(self, data):
        return lzma.compress(data, preset=self.level)

    def decompress(self, data):
        return lzma.decompress(data)
