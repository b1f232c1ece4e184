#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the Ed25519 vectors beside this file, with an implementation of its own in plain integers.

generate.py                      writes edge.txt and keys.txt
generate.py wycheproof IN.json   writes wycheproof.txt from Wycheproof's testvectors_v1/ed25519_test.json
generate.py check                recomputes rfc8032.txt and prints what it is judged as

The script judges each signature by three rules and asserts, for each class that it builds, what they must say:
strict (the format's verdict), equation (encode(S*B - k*A) == R, no other condition) and cofactored
(8*S*B == 8*R + 8*k*A after lenient decoding, as RFC 8032 allows). README.md describes the files.
"""
import hashlib
import json
import os
import sys

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_MINUS_1 = pow(2, (P - 1) // 4, P)
HERE = os.path.dirname(os.path.abspath(__file__))


# The curve -x^2 + y^2 = 1 + d x^2 y^2, points as (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z; complete addition,
# RFC 8032, 5.1.4.
def add(p, q):
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def mul(n, p):
    q = ZERO
    while n:
        if n & 1:
            q = add(q, p)
        p = add(p, p)
        n >>= 1
    return q


def neg(p):
    return -p[0] % P, p[1], p[2], -p[3] % P


def equal(p, q):
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def point(x, y):
    return x, y, 1, x * y % P


def solve_x(y, sign):
    """x of that parity with (x, y) on the curve, or None. x = 0 has both signs here: "minus zero" is lenient."""
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x2 = u * pow(v, -1, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * SQRT_MINUS_1 % P
    if (x * x - x2) % P:
        return None
    return P - x if x and x & 1 != sign else x


def encode(p):
    z = pow(p[2], -1, P)
    x, y = p[0] * z % P, p[1] * z % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decode(b):
    """Lenient: y is reduced modulo p, minus zero is zero."""
    n = int.from_bytes(b, "little")
    y = (n & (1 << 255) - 1) % P
    x = solve_x(y, n >> 255)
    return None if x is None else point(x, y)


def canonical(b):
    return int.from_bytes(b, "little") & (1 << 255) - 1 < P


ZERO = (0, 1, 1, 0)
BASE = point(solve_x(4 * pow(5, -1, P) % P, 0), 4 * pow(5, -1, P) % P)
assert equal(mul(L, BASE), ZERO)


def find_torsion():
    """The eight points of E[8] as multiples of one of order 8."""
    y = 2
    while True:
        x = solve_x(y, 0)
        if x is not None:
            t = mul(L, point(x, y))
            if not equal(mul(4, t), ZERO):
                return [mul(i, t) for i in range(8)]
        y += 1


TORSION = find_torsion()
SMALL_Y = {int.from_bytes(encode(t), "little") & (1 << 255) - 1 for t in TORSION}
assert len(SMALL_Y) == 5


def order_of_torsion(i):
    return 8 // (i & -i) if i else 1


def challenge(r, a, m):
    return int.from_bytes(hashlib.sha512(r + a + m).digest(), "little") % L


def judge(key, msg, sig):
    """(strict, equation, cofactored); the last two None where they are not defined."""
    r, s = sig[:32], int.from_bytes(sig[32:], "little")
    k = challenge(r, key, msg)
    a, rp = decode(key), decode(r)
    equation = cofactored = None
    if s < L and a is not None and canonical(key):
        equation = encode(add(mul(s, BASE), neg(mul(k, a)))) == r
    if s < L and a is not None and rp is not None:
        cofactored = equal(mul(8 * s, BASE), add(mul(8, rp), mul(8 * k, a)))
    small = any(int.from_bytes(b, "little") & (1 << 255) - 1 in SMALL_Y for b in (key, r))
    strict = bool(equation) and canonical(r) and not small
    return strict, equation, cofactored


class Secret:
    def __init__(self, seed):
        self.seed = seed
        h = hashlib.sha512(seed).digest()
        self.a = int.from_bytes(h[:32], "little") & ((1 << 254) - 8) | 1 << 254
        self.prefix = h[32:]
        self.point = mul(self.a, BASE)
        self.pub = encode(self.point)

    def nonce(self, msg):
        return int.from_bytes(hashlib.sha512(self.prefix + msg).digest(), "little") % L

    def sign(self, msg):
        r = self.nonce(msg)
        return self.finish(encode(mul(r, BASE)), r, self.pub, msg)

    def finish(self, r_bytes, r, key, msg):
        """R as given, S = r + k a: the honest second half for any first one."""
        return r_bytes + ((r + challenge(r_bytes, key, msg) * self.a) % L).to_bytes(32, "little")


def mark(v):
    return "-" if v is None else str(int(v))


def row(key, msg, sig, comment):
    strict, equation, cofactored = judge(key, msg, sig)
    fields = ["ok" if strict else "refuse", mark(equation), mark(cofactored), key.hex(), msg.hex() or "-", sig.hex()]
    return " ".join(fields + [comment])


COLUMNS = "# verdict equation cofactored key message signature comment\n"


class Edge:
    def __init__(self):
        self.rows = []

    def put(self, want, key, msg, sig, comment):
        """want: the three judgements that the class is built for."""
        assert judge(key, msg, sig) == want, (comment, judge(key, msg, sig))
        self.rows.append(row(key, msg, sig, comment))

    def title(self, text):
        self.rows.append("\n# " + text)


def search(make, accept):
    """The first message of a counted series for which the candidate made from it is acceptable."""
    for i in range(10000):
        msg = b"mote edge case %d" % i
        c = make(msg)
        if accept(c, msg):
            return msg, c
    raise RuntimeError("no message found")


def edge_cases():
    e = Edge()
    me = Secret(hashlib.sha256(b"mote ed25519 vectors 1").digest())
    other = Secret(hashlib.sha256(b"mote ed25519 vectors 2").digest())
    msg = b"mote signature"
    sig = me.sign(msg)
    yes, no = (True, True, True), (False, False, False)

    e.title("honest signatures")
    for n in (0, 1, 2, 63, 64, 65, 127, 128, 129, 1000):
        m = bytes(i * 7 & 255 for i in range(n))
        e.put(yes, me.pub, m, me.sign(m), "message of %d bytes" % n)

    e.title("something else than what was signed")
    e.put(no, me.pub, msg + b"!", sig, "longer message")
    e.put(no, me.pub, b"", sig, "empty message")
    e.put(no, other.pub, msg, sig, "another key")
    for bit in (0, 1, 7, 8, 127, 250, 252):
        s = int.from_bytes(sig[32:], "little") ^ 1 << bit
        if s < L:
            e.put(no, me.pub, msg, sig[:32] + s.to_bytes(32, "little"), "bit %d of S flipped" % bit)
    for bit in range(0, 256, 15):
        r = (int.from_bytes(sig[:32], "little") ^ 1 << bit).to_bytes(32, "little")
        want = (False, False, None if decode(r) is None else False)
        e.put(want, me.pub, msg, r + sig[32:], "bit %d of R flipped" % bit)
        # S made for the changed R: only a verifier that does not compare all of R can accept it.
        e.put(want, me.pub, msg, me.finish(r, me.nonce(msg), me.pub, msg), "bit %d of R flipped, S to suit" % bit)
    for name, value in (("zero", bytes(64)), ("all ones", b"\xff" * 64), ("S zero", sig[:32] + bytes(32))):
        e.put(judge(me.pub, msg, value), me.pub, msg, value, "signature " + name)

    e.title("S is not below L: the same signature with a second spelling of S")
    s = int.from_bytes(sig[32:], "little")
    for n in range(1, 16):
        if s + n * L < 1 << 256:
            e.put((False, None, None), me.pub, msg, sig[:32] + (s + n * L).to_bytes(32, "little"), "S + %d L" % n)
    for name, value in (("L", L), ("L + 1", L + 1), ("2^252 * 2", 2**253), ("2^255", 2**255), ("2^256 - 1", 2**256 - 1)):
        e.put((False, None, None), me.pub, msg, sig[:32] + value.to_bytes(32, "little"), "S = " + name)
    e.put(no, me.pub, msg, sig[:32] + (L - 1).to_bytes(32, "little"), "S = L - 1 is allowed but wrong")

    e.title("A of prime order, R = r*B + T: the seven torsion points; only the cofactored rule accepts")
    for i in range(1, 8):
        r = encode(add(mul(me.nonce(msg), BASE), TORSION[i]))
        e.put((False, False, True), me.pub, msg, me.finish(r, me.nonce(msg), me.pub, msg),
              "T of order %d (multiple %d)" % (order_of_torsion(i), i))

    e.title("R of small order under a key of prime order, S = k*a")
    for i in range(8):
        r = encode(TORSION[i])
        e.put((False, i == 0, True), me.pub, msg, me.finish(r, 0, me.pub, msg), "R of order %d" % order_of_torsion(i))

    e.title("A of small order: anyone can sign; both equations hold")
    for i in range(8):
        key = encode(TORSION[i])
        r = me.nonce(msg)

        def small_a(m):
            return encode(mul(r, BASE)) + r.to_bytes(32, "little")
        m, c = search(small_a, lambda c, m: challenge(c[:32], key, m) * i % 8 == 0)
        e.put((False, True, True), key, m, c, "A of order %d, R of prime order" % order_of_torsion(i))
        for j in {0, i}:
            m, c = search(lambda m: encode(TORSION[j]) + bytes(32),
                          lambda c, m: (j + challenge(c[:32], key, m) * i) % 8 == 0)
            e.put((False, True, True), key, m, c,
                  "A of order %d, R of order %d, S = 0" % (order_of_torsion(i), order_of_torsion(j)))
        if i:
            rb = encode(add(mul(r, BASE), TORSION[1]))
            m, c = search(lambda m: rb + r.to_bytes(32, "little"), lambda c, m: judge(key, m, c)[1] is False)
            e.put((False, False, True), key, m, c, "A of order %d, R of mixed order" % order_of_torsion(i))

    e.title("A of mixed order, which no enrolled key is; where the equation holds the verdict is ok all the same")
    for i in range(1, 8):
        key, what = encode(add(me.point, TORSION[i])), "A with a part of order %d" % order_of_torsion(i)

        def honest(j):
            return lambda m: me.finish(encode(add(mul(me.nonce(m), BASE), TORSION[j])), me.nonce(m), key, m)

        def left(j):  # what remains of small order: R's part and k times A's
            return lambda c, m: (j + challenge(c[:32], key, m) * i) % 8
        m, c = search(honest(0), lambda c, m: left(0)(c, m) == 0)
        e.put(yes, key, m, c, what + ", k*A without it, R of prime order")
        m, c = search(honest(0), lambda c, m: left(0)(c, m) != 0)
        e.put((False, False, True), key, m, c, what + ", k*A with it, R of prime order")
        j = -i % 8
        m, c = search(honest(j), lambda c, m: left(j)(c, m) == 0)
        e.put(yes, key, m, c, what + ", R of mixed order, the parts cancel")
        m, c = search(honest(j), lambda c, m: left(j)(c, m) != 0)
        e.put((False, False, True), key, m, c, what + ", R of mixed order, the parts do not cancel")
        small = encode(TORSION[j])
        m, c = search(lambda m: me.finish(small, 0, key, m), lambda c, m: left(j)(c, m) == 0)
        e.put((False, True, True), key, m, c, what + ", R of small order, the parts cancel")
        # 8*(k*A) and (8*k mod L)*A differ here: verifiers that reduce 8*k first refuse what others accept.
        m, c = search(honest(0), lambda c, m: left(0)(c, m) != 0 and (8 * challenge(c[:32], key, m) % L) * i % 8 != 0)
        e.put((False, False, True), key, m, c, what + ", 8*k reduced first gives another result")

    e.title("encodings with y >= p or minus zero; the hash over the bytes as given and over the canonical ones")
    strange = [P + n | sign << 255 for n in range(19) for sign in (0, 1)] + [1 | 1 << 255, P - 1 | 1 << 255]
    strange = [b for b in (n.to_bytes(32, "little") for n in strange) if decode(b) is not None]
    for b in strange:
        proper = encode(decode(b))
        torsion = [i for i in range(8) if equal(TORSION[i], decode(b))]
        name = b.hex()[:4] + ".." + b.hex()[-2:]
        if torsion:
            j = torsion[0]
            c = me.finish(b, 0, me.pub, msg)
            e.put((False, False, True), me.pub, msg, c, "R = " + name)
            k = challenge(proper, me.pub, msg)
            c = b + (k * me.a % L).to_bytes(32, "little")
            e.put((False, False, False), me.pub, msg, c, "R = " + name + ", hashed in canonical form")
            for hashed in (b, proper):
                key = encode(me.point)
                m, c = search(lambda m: mul(1, BASE), lambda c, m: challenge(encode(c), hashed, m) * j % 8 == 0)
                c = encode(c) + (1).to_bytes(32, "little")
                want = judge(b, m, c)
                assert not want[0]
                e.put(want, b, m, c, "A = " + name + (", hashed in canonical form" if hashed == proper else ""))
        else:
            # The logarithm of such a point is unknown, so no equation can be made to hold; still refused as spelled.
            e.put(no, me.pub, msg, b + sig[32:], "R = " + name)
            e.put((False, None, False), b, msg, sig, "A = " + name)

    e.title("no points at all")
    for y in (2, 7, P - 2, P + 2, 2**255 - 1):
        b = y.to_bytes(32, "little")
        if decode(b) is None:
            e.put((False, False, None), me.pub, msg, b + sig[32:], "R is no point")
            e.put((False, None, None), b, msg, sig, "A is no point")
    return COLUMNS + "\n".join(e.rows) + "\n"


def key_cases():
    out = ["# verdict key comment; ok: a canonical point of prime order"]

    def put(b, comment):
        p = decode(b)
        ok = p is not None and b == encode(p) and equal(mul(L, p), ZERO) and not equal(p, ZERO)
        out.append("%s %s %s" % ("ok" if ok else "refuse", b.hex(), comment))
        return ok
    me = Secret(hashlib.sha256(b"mote ed25519 vectors 1").digest())
    assert put(encode(BASE), "the base point") and put(encode(neg(BASE)), "its negative") and put(me.pub, "a key")
    for i in range(8):
        assert not put(encode(TORSION[i]), "order %d" % order_of_torsion(i))
    for i in range(1, 8):
        assert not put(encode(add(me.point, TORSION[i])), "prime order plus a part of order %d" % order_of_torsion(i))
        assert not put(encode(add(BASE, TORSION[i])), "the base point plus a part of order %d" % order_of_torsion(i))
    for n in range(19):
        for sign in (0, 1):
            assert not put((P + n | sign << 255).to_bytes(32, "little"), "y = p + %d" % n)
    for y in (1, P - 1):
        assert not put((y | 1 << 255).to_bytes(32, "little"), "minus zero")
    for y in range(2, 40):
        b = y.to_bytes(32, "little")
        kind = "no point" if decode(b) is None else "a point"
        put(b, "y = %d: %s" % (y, kind))
    return "\n".join(out) + "\n"


def wycheproof(path):
    with open(path, encoding="utf-8") as f:
        data = json.load(f)
    rows, strange = [], 0
    for group in data["testGroups"]:
        key = bytes.fromhex(group["publicKey"]["pk"])
        for t in group["tests"]:
            sig, msg = bytes.fromhex(t["sig"]), bytes.fromhex(t["msg"])
            if len(sig) != 64:
                strange += 1  # the length is the container's business: an entry of another length is refused there
                continue
            strict = judge(key, msg, sig)[0]
            # "acceptable" leaves small and mixed orders to the verifier's policy: ours is the strict verdict.
            assert t["result"] == "acceptable" or strict == (t["result"] == "valid"), t
            comment = t["comment"] or t["flags"][0]
            rows.append(row(key, msg, sig, "%d %s: %s" % (t["tcId"], t["result"], comment)))
    head = ("# From Wycheproof (https://github.com/C2SP/wycheproof, testvectors_v1/ed25519_test.json), Apache License 2.0.\n"
            "# Changed: other file format, %d signatures of other lengths than 64 bytes left out, three judgements added.\n"
            % strange)
    return head + COLUMNS + "\n".join(rows) + "\n"


def check_rfc8032():
    with open(os.path.join(HERE, "rfc8032.txt"), encoding="ascii") as f:
        for line in f:
            if line.startswith("#") or not line.strip():
                continue
            seed, key, msg, sig, comment = line.rstrip("\n").split(" ", 4)
            secret = Secret(bytes.fromhex(seed))
            m = b"" if msg == "-" else bytes.fromhex(msg)
            assert secret.pub.hex() == key and secret.sign(m).hex() == sig, comment
            print(comment, *judge(secret.pub, m, bytes.fromhex(sig)))


def write(name, text):
    with open(os.path.join(HERE, name), "w", encoding="ascii", newline="\n") as f:
        f.write(text)


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "wycheproof":
        write("wycheproof.txt", wycheproof(sys.argv[2]))
    elif sys.argv[1:] == ["check"]:
        check_rfc8032()
    elif len(sys.argv) == 1:
        write("edge.txt", edge_cases())
        write("keys.txt", key_cases())
    else:
        sys.exit(__doc__)
