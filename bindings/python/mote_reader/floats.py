# SPDX-License-Identifier: Apache-2.0
"""Floats as bits: the forms of codecs.md 5.2, exact widening, and the casts of 7.1. NumPy does not promise what becomes
of a NaN's bits, so nothing that may be one goes through its conversions."""

import numpy as np

# name: (bits of E, bits m of the mantissa)
FORMS = {"f64": (11, 52), "f32": (8, 23), "bf16": (8, 7), "f16": (5, 10), "f8_e4m3": (4, 3), "f8_e4m3fnuz": (4, 3),
         "f8_e5m2": (5, 2), "f8_e5m2fnuz": (5, 2)}
WIDENS = {("f16", "f32"), ("f16", "f64"), ("bf16", "f32"), ("bf16", "f64"), ("f32", "f64")}
UNSIGNED = {8: np.dtype("u1"), 16: np.dtype("u2"), 32: np.dtype("u4"), 64: np.dtype("u8")}
NAN32 = np.uint32(0x7FC00000)


def from_wire(data, dtype):
    """Little-endian bytes as numbers of this machine's order; what has no number type stays as it is."""
    return np.frombuffer(data, dtype.newbyteorder("<")).astype(dtype)


def widen(bits, source, target):
    """5.2: bits of one IEEE-like type as bits of a wider one; exact, NaN payloads too."""
    if source == target:
        return bits
    (es, ms), (et, mt) = FORMS[source], FORMS[target]
    x = bits.astype(np.uint64)
    sign, e, m = x >> np.uint64(es + ms), x >> np.uint64(ms) & np.uint64((1 << es) - 1), x & np.uint64((1 << ms) - 1)
    e = e.astype(np.int64)
    rebias = (1 << et - 1) - (1 << es - 1)
    exponent = np.where(e == (1 << es) - 1, (1 << et) - 1, e + rebias)
    mantissa = m << np.uint64(mt - ms)
    exponent = np.where((e == 0) & (m == 0), 0, exponent)
    if et > es:                     # subnormals become normal: shift the first one bit out of the mantissa
        for i in np.flatnonzero((e == 0) & (m != 0)):
            shift = ms + 1 - int(m[i]).bit_length()
            exponent[i] = rebias + 1 - shift
            mantissa[i] = (int(m[i]) << shift & (1 << ms) - 1) << mt - ms
    else:
        exponent = np.where(e == 0, 0, exponent)
    out = sign << np.uint64(et + mt) | exponent.astype(np.uint64) << np.uint64(mt) | mantissa
    return out.astype(UNSIGNED[1 + et + mt])


def narrow32(x, target):
    """7.1: float32 as bits of f16, bf16, f32 or f64, to nearest even."""
    bits = x.view(np.uint32)
    if target == "f32":
        return bits.astype(UNSIGNED[32])
    if target == "f64":
        return widen(bits, "f32", "f64")
    nan = np.isnan(x)
    if target == "bf16":
        out = bits + (np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1))) >> np.uint32(16)
        quiet = bits >> np.uint32(16) | np.uint32(0x40)
    else:
        with np.errstate(all="ignore"):
            out = x.astype(np.float16).view(np.uint16)
        quiet = bits >> np.uint32(16) & np.uint32(0x8000) | np.uint32(0x7E00) | bits >> np.uint32(13) & np.uint32(0x3FF)
    return np.where(nan, quiet, out).astype(UNSIGNED[16])


def as_float32(bits, name):
    """A form of at most 32 bits as float32."""
    return widen(bits, name, "f32").view(np.float32) if name in ("f32", "f16", "bf16") else small_values(name)[bits]


def canonical_nan(x):
    """Sums: every NaN is 0x7FC00000 (codecs.md 6.4, 6.5)."""
    x.view(np.uint32)[np.isnan(x)] = NAN32
    return x


def small_values(name):
    """The value of each byte of an 8-bit, 6-bit or 4-bit float as float32. OCP: f8_e4m3 has no infinities and NaN at
    S.1111.111, f8_e5m2 is IEEE-like; fnuz: bias one higher, the only NaN at 0x80; f6 and f4 have neither."""
    if name == "f8_e8m0":
        return np.array([2.0 ** (i - 127) for i in range(255)] + [np.nan], np.float32)
    e_bits, m_bits = {"f6_e2m3": (2, 3), "f6_e3m2": (3, 2), "f4": (2, 1)}.get(name) or FORMS[name]
    fnuz = name.endswith("fnuz")
    bias = (1 << e_bits - 1) - (0 if fnuz else 1)
    out = []
    for i in range(1 << 1 + e_bits + m_bits):
        sign, e, m = i >> e_bits + m_bits, i >> m_bits & (1 << e_bits) - 1, i & (1 << m_bits) - 1
        top = e == (1 << e_bits) - 1
        value = (m + (1 << m_bits if e else 0)) * 2.0 ** (max(e, 1) - bias - m_bits)
        if fnuz and i == 0x80 or name == "f8_e4m3" and top and m == 7 or name == "f8_e5m2" and top and m:
            out.append(NAN32)
            continue
        if name == "f8_e5m2" and top:
            value = np.inf
        out.append(np.float32(-value if sign else value).view(np.uint32))
    return np.array(out, np.uint32).view(np.float32)
