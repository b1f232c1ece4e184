# SPDX-License-Identifier: Apache-2.0
"""Entropy tables (codecs.md 2.3) and the tables of pairs of a trellis (8.4). Everything is whole numbers."""

from .status import check

# vectors/shapes.txt: G[0..16] of the ten shapes.
SHAPES = (
    (0, 32283, 44455, 51116, 55219, 57922, 59786, 61113, 62083, 63355, 64106, 64571, 64869, 65199, 65355, 65434, 65477),
    (0, 28360, 41352, 48913, 53710, 56914, 59129, 60703, 61843, 63313, 64153, 64653, 64960, 65277, 65413, 65475, 65504),
    (0, 25329, 38778, 47049, 52443, 56092, 58625, 60419, 61709, 63341, 64243, 64757, 65058, 65348, 65458, 65502, 65520),
    (0, 21948, 35667, 44731, 50876, 55112, 58070, 60155, 61637, 63460, 64413, 64921, 65195, 65428, 65500, 65523, 65531),
    (0, 19517, 33222, 42845, 49602, 54347, 57679, 60019, 61662, 63625, 64593, 65071, 65306, 65479, 65521, 65532, 65534),
    (0, 17221, 30696, 40815, 48226, 53553, 57324, 59960, 61780, 63870, 64816, 65232, 65410, 65515, 65532, 65535, 65535),
    (0, 14994, 27968, 38493, 46631, 52675, 57009, 60018, 62047, 64230, 65085, 65391, 65492, 65532, 65535, 65535, 65535),
    (0, 12937, 25095, 35831, 44740, 51687, 56779, 60284, 62553, 64721, 65358, 65505, 65531, 65535, 65535, 65535, 65535),
    (0, 11422, 22650, 33283, 42799, 50707, 56711, 60812, 63294, 65204, 65510, 65534, 65535, 65535, 65535, 65535, 65535),
    (0, 10309, 20605, 30802, 40634, 49563, 56832, 61785, 64374, 65510, 65535, 65535, 65535, 65535, 65535, 65535, 65535),
)

MAX_MEAN, MAX_INVERSE, MAX_LO = 2**20, 2**26, 2**17


class Table:
    """Symbol i covers the levels lo + i 2^s .. lo + (i+1) 2^s - 1 and has frequency freq[i] of 2^precision."""

    def __init__(self, lo, shift, precision, freq):
        self.lo, self.shift, self.precision, self.freq = lo, shift, precision, freq
        self.cum = [0]
        for f in freq:
            self.cum.append(self.cum[-1] + f)


def cumulative(shape, inverse, e):
    """C(E) of 2.3, of 16 bits."""
    t = min(abs(e) * inverse >> 12, 32767)
    z = 10 if t < 8192 else 11 if t < 16384 else 12
    j, r = (t >> z) + 4 * (z - 10), t % (1 << z)
    g = SHAPES[shape]
    h = g[j] + ((g[j + 1] - g[j]) * r >> z)
    return 32768 + (h >> 1) if e >= 0 else 32768 - (h >> 1)


def settle(freq, total):
    """What is missing to the total, or above it, goes to the largest frequency, the lowest index on a tie."""
    freq[freq.index(max(freq))] += total - sum(freq)
    return freq


def parametric(shape, mean, inverse, lo, s, precision, vmin, vmax, escapes):
    """2.3: frequencies of a parametric table."""
    c = [cumulative(shape, inverse, 8 * (lo + (i << s)) - 4 - mean) >> 16 - precision for i in range(16)]
    if not escapes:
        c[0] = 0
    freq = [b - a for a, b in zip(c, c[1:])]
    freq.append((1 << precision) - (sum(freq) if escapes else c[15]))
    for i in range(16):
        first, last = lo + (i << s), lo + (i + 1 << s) - 1
        if (i < 15 or not escapes) and (last < vmin or first > vmax):
            freq[i] = 0
        elif freq[i] == 0:
            freq[i] = 1
    return settle(freq, 1 << precision)


def _shape_parameters(c):
    mean, inverse = c.zigzag(), c.varint()
    check(abs(mean) <= MAX_MEAN and 1 <= inverse <= MAX_INVERSE, "TABLE", "mean or inverse")
    return mean, inverse


def read_table(c, vmin, vmax, escapes=False, of_escapes=False):
    """2.3: a table in tag 6 of a head; `escapes`: its plane has escapes, `of_escapes`: it is the escape table."""
    form = c.u8()
    check(form >> 6 == 0 and form & 3 < 2, "RESERVED", "form of a table")
    precision, s = 14 if form & 4 else 12, form >> 3 & 7
    check(s <= 4 and precision + s <= 16, "TABLE", "shift")
    lo = c.zigzag()
    check(abs(lo) <= MAX_LO and not (of_escapes and lo), "TABLE", "lo")
    if form & 1:
        shape = c.u8()
        check(shape < len(SHAPES), "TABLE", "shape")
        mean, inverse = _shape_parameters(c)
        freq = parametric(shape, mean, inverse, lo, s, precision, vmin, vmax, escapes or of_escapes)
    else:
        freq = [c.varint() for _ in range(15)]
        check(sum(freq) <= 1 << precision, "TABLE", "frequencies")
        freq.append((1 << precision) - sum(freq))
    return Table(lo, s, precision, freq)


# 8.4

PAIR_PRECISION = 12


def weight(b):
    return b if b < 16 else 16 + b % 16 << b // 16 - 1


def from_weights(w):
    """8.4: frequencies of 12 bits."""
    total = sum(w)
    return settle([max(1, (x << PAIR_PRECISION) // total) if x else 0 for x in w], 1 << PAIR_PRECISION)


def family_weights(shape, inverse, mean, lo, s, symbols, escapes, q, has_zero, z):
    """8.4: the weights of one table of the family."""
    def edge(k):
        if q == 0:
            return 16 * k - 8
        if not has_zero or k < 0:
            return 16 * k
        return 8 * k - 4 if k < 2 else 16 * k - 16

    direct = symbols - 2 if escapes else symbols
    c = [cumulative(shape, inverse, edge(lo + (j << s)) - mean) for j in range(direct + 1)]
    w = [b - a for a, b in zip(c, c[1:])]
    if escapes:
        d = 65536 - sum(w)
        w += [d // 2, d - d // 2]
    for j in {-lo >> s, -1 - lo >> s} if q and not has_zero else {-lo >> s}:
        w[j] = w[j] * z >> 6
    return [x or 1 for x in w]


def read_pairs(c, n, n_tables, escapes, has_zero):
    """8.4: a list of n pairs, each of n_tables (1 with one state, else 2) Tables."""
    family = c.u8()
    shape, grows = family & 15, family >> 4 & 1
    check(family >> 5 == 0, "RESERVED", "family")
    check(shape < len(SHAPES) or family == 15, "TABLE", "shape")         # 31 is no family
    windows = [15] * n
    if shape != 15:
        mean, inverse = _shape_parameters(c)
        z = [c.u8() for _ in range(n_tables)]
        packed = c.take((n + 1) // 2)
        windows = [packed[i // 2] >> 4 * (i % 2) & 15 for i in range(n)]
        check(n % 2 == 0 or packed[-1] >> 4 == 0, "PADDING", "windows")
        check(all(w == 15 or w & 7 <= 4 for w in windows), "TABLE", "shift")
    pairs = []
    for i, window in enumerate(windows):
        if window == 15:
            window = c.u8()
            check(window >> 4 == 0, "RESERVED", "window")
            s, symbols = window & 7, 32 if window & 8 else 16
            check(s <= 4, "TABLE", "shift")
            lo = c.zigzag()
            check(abs(lo) <= 8192, "TABLE", "lo")
            weights = [[weight(b) for b in c.take(symbols)] for _ in range(n_tables)]
            check(all(map(any, weights)), "TABLE", "weights that are all 0")
        else:
            s, symbols = window & 7, 32 if window & 8 else 16
            lo = -(symbols // 2 - 1) << s
            r = 46341 if i % 2 else 65536
            own = max(1, (inverse * r >> 16) >> (i >> 1))
            mean_i = (abs(mean) << (i + 1 >> 1)) * r >> 16 if grows else abs(mean)
            mean_i = -mean_i if mean < 0 else mean_i
            weights = [family_weights(shape, own, mean_i, lo, s, symbols, escapes, q, has_zero, z[q])
                       for q in range(n_tables)]
        pairs.append([Table(lo, s, PAIR_PRECISION, from_weights(w)) for w in weights])
    return pairs
