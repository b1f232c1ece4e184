/* SPDX-License-Identifier: Apache-2.0
 * The logarithm behind every price. Host only. */
#include "enc/cost.h"

#include <string.h>

/* x = m 2^e with m in [sqrt(1/2), sqrt(2)); ln m = 2 artanh(z), z = (m - 1) / (m + 1), |z| < 0.172: the series' first
 * six terms leave less than 1e-10. */
double mote_log2(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, 8);
    int e = (int)(bits >> 52 & 0x7FF) - 1023;
    bits = (bits & 0xFFFFFFFFFFFFF) | (uint64_t)1023 << 52;
    double m;
    memcpy(&m, &bits, 8);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        e++;
    }
    const double two_over_ln2 = 2.8853900817779268;
    double z = (m - 1) / (m + 1), y = z * z;
    double series = 1 + y * (1.0 / 3 + y * (1.0 / 5 + y * (1.0 / 7 + y * (1.0 / 9 + y * (1.0 / 11)))));
    return (double)e + two_over_ln2 * z * series;
}

/* 2^x = 2^n e^y, |y| <= ln 2 / 2: the series' first twelve terms leave less than 1e-14. */
double mote_exp2(double x)
{
    const int n = (int)(x < 0 ? x - 0.5 : x + 0.5);
    const double y = (x - n) * 0.69314718055994531;
    double sum = 1, term = 1;
    for (int k = 1; k < 12; k++) {
        term *= y / k;
        sum += term;
    }
    const uint64_t bits = (uint64_t)(n + 1023) << 52;
    double scale;
    memcpy(&scale, &bits, 8);
    return sum * scale;
}

double mote_entropy_bits(const uint64_t *count, size_t n)
{
    uint64_t total = 0;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        total += count[i];
        sum += mote_nlogn(count[i]);
    }
    return mote_nlogn(total) - sum;
}

unsigned mote_half_octave(uint64_t x)
{
    unsigned e = 0;
    for (uint64_t y = x; y > 1; y >>= 1) e++;
    if (e == 0) return 0;
    /* x / 2^e >= sqrt 2 ? compare squares of the upper 32 bits */
    uint64_t m = e > 31 ? x >> (e - 31) : x << (31 - e);
    return 2 * e + (m * m >= (uint64_t)1 << 63);
}
