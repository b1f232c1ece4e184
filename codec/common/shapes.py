#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes shapes.c beside itself and spec/vectors/shapes.txt: the cumulative distributions of codecs.md 2.3.

Source  M. G. Kendall, A. Stuart, The Advanced Theory of Statistics: the generalised normal distribution;
        P(|X| <= x) = P(1/b, (x/a)^b), P the regularised lower incomplete gamma function, a^2 = Gamma(1/b) / Gamma(3/b)
Double precision is enough: no value lies within 1e-6 of where rounding would go the other way, which is checked.
"""
import math
import os

EXPONENTS = [0.5, 0.6, 0.7, 0.85, 1, 1.2, 1.5, 2, 2.8, 4.5]
# Deviations at which the curve is told: quarters up to 2, halves up to 4, wholes up to 8.
POINTS = [j / 4 for j in range(8)] + [2 + j / 2 for j in range(4)] + [4 + j for j in range(5)]


def lower_gamma(s, z):
    """P(s, z) by its power series."""
    if z == 0:
        return 0.0
    if z > 300:  # less than 1e-120 is missing
        return 1.0
    term = total = 1.0
    n = 0
    while term > total * 1e-18:
        n += 1
        term *= z / (s + n)
        total += term
    return total * math.exp(s * math.log(z) - z - math.lgamma(s + 1))


def points(b):
    a = math.sqrt(math.gamma(1 / b) / math.gamma(3 / b))
    out = []
    for at in POINTS:
        x = 65535 * lower_gamma(1 / b, (at / a) ** b) + 0.5
        assert abs(x - round(x)) > 1e-6, (b, at)
        out.append(math.floor(x))
    return out


def rows(values, per_line, indent):
    return "\n".join(indent + ", ".join(f"{v:5d}" for v in values[i : i + per_line]) + ","
                     for i in range(0, len(values), per_line))


here = os.path.dirname(os.path.abspath(__file__))
tables = [points(b) for b in EXPONENTS]
with open(os.path.join(here, "shapes.c"), "w", encoding="ascii") as f:
    f.write("/* SPDX-License-Identifier: Apache-2.0\n"
            " * Cumulative distributions of the shapes of parametric tables, written by shapes.py. Spec codecs.md 2.3.\n"
            " * Device code. */\n"
            '#include "common/tables.h"\n\n'
            "/* clang-format off */\n"
            "const uint16_t mote_shape_cdf[MOTE_SHAPES][MOTE_SHAPE_POINTS] = {\n")
    for b, t in zip(EXPONENTS, tables):
        f.write(f"    /* exponent {b} */ {{\n{rows(t, 16, '        ')}\n    }},\n")
    f.write("};\n/* clang-format on */\n")
with open(os.path.join(here, "..", "..", "spec", "vectors", "shapes.txt"), "w", encoding="ascii") as f:
    f.write("# G[j] of the shapes of codecs.md 2.3: one shape a line, exponent: G[0] .. G[16]\n")
    for b, t in zip(EXPONENTS, tables):
        f.write(f"{b}: {' '.join(map(str, t))}\n")
