# SPDX-License-Identifier: Apache-2.0
"""The one verdict of Ed25519 (format.md 6.3), in whole numbers of any size: RFC 8032 5.1.7, the cofactorless equation.
Nothing here is secret, so nothing runs in constant time."""

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)          # a square root of -1
NEUTRAL = (0, 1, 1, 0)


def add(p, q):
    """Extended coordinates (X, Y, Z, T), RFC 8032 5.1.4; complete, so it doubles too."""
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(n, p):
    result = NEUTRAL
    while n:
        if n & 1:
            result = add(result, p)
        p = add(p, p)
        n >>= 1
    return result


def negate(p):
    return -p[0] % P, p[1], p[2], -p[3] % P


def is_neutral(p):
    return p[0] % P == 0 and (p[1] - p[2]) % P == 0


def encode(p):
    z = pow(p[2], P - 2, P)
    return (p[1] * z % P | (p[0] * z % P & 1) << 255).to_bytes(32, "little")


def decode(data):
    """The point of 32 bytes, None if there is none or if they are not its one encoding."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * ROOT % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_good_key(key):
    """What enrolment asks for: a canonical point of prime order."""
    a = decode(key)
    return a is not None and not is_neutral(a) and is_neutral(multiply(L, a))


def verify(key, message, signature):
    """True exactly if S < L, A and R are canonical and not of small order, and encode(S B - k A) equals R."""
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    a = decode(key)
    if len(signature) != 64 or s >= L or a is None or is_neutral(multiply(8, a)):
        return False
    k = int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % L
    point = add(multiply(s, BASE), multiply(k, negate(a)))
    # R needs no decoding: what encode() gives is canonical, and the point behind it is at hand.
    return encode(point) == r and not is_neutral(multiply(8, point))
