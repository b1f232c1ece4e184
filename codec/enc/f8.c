/* SPDX-License-Identifier: Apache-2.0
 * Rounding to 8 bits. Host only. */
#include "enc/f8.h"

#include <math.h>
#include <string.h>

#include "mote/registry.h"

#define ROUND64 6755399441055744.0 /* 1.5 * 2^52: added and taken off again, it rounds to nearest even */

/* 2^e of a normal number */
static double power(int e)
{
    const uint64_t bits = (uint64_t)(e + 1023) << 52;
    double x;
    memcpy(&x, &bits, 8);
    return x;
}

uint8_t mote_f32_to_f8(uint32_t x, unsigned dtype)
{
    const int m = dtype == MOTE_F8_E4M3 ? 3 : 2, bias = m == 3 ? 7 : 15;
    const unsigned sign = x >> 24 & 0x80, largest = m == 3 ? 0x7E : 0x7B;
    const uint32_t magnitude = x & 0x7FFFFFFF;
    if (magnitude > 0x7F800000) return (uint8_t)(sign | 0x7F);
    float f;
    memcpy(&f, &magnitude, 4);
    int e = (int)(magnitude >> 23) - 127;
    if (e < 1 - bias) e = 1 - bias; /* subnormal */
    if (e > 30) return (uint8_t)(sign | (m == 3 ? 0x7F : 0x7C));
    /* in steps of the last place: 2^m .. 2^(m+1), which may carry into the exponent; below 2^m if subnormal */
    const unsigned q = (unsigned)(((double)f * power(m - e) + ROUND64) - ROUND64);
    const unsigned code = ((unsigned)(e + bias - 1) << m) + q;
    if (code <= largest) return (uint8_t)(sign | code);
    return (uint8_t)(sign | (m == 3 ? 0x7F : 0x7C));
}

double mote_f8_value(uint8_t x, unsigned dtype)
{
    const int m = dtype == MOTE_F8_E4M3 ? 3 : 2, bias = m == 3 ? 7 : 15;
    const int e = (x & 0x7F) >> m, f = x & ((1 << m) - 1);
    const double sign = x & 0x80 ? -1 : 1;
    if (m == 3 ? (x & 0x7F) == 0x7F : e == 31 && f) return (double)NAN;
    if (m == 2 && e == 31) return sign * (double)INFINITY;
    return sign * (e ? (double)((1 << m) + f) * power(e - bias - m) : f * power(1 - bias - m));
}
