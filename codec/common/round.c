/* SPDX-License-Identifier: Apache-2.0
 * The casts of casts.h that nano builds do without: from binary32 to other types, and those of f64. Device code. */
#include "common/casts.h"

#define TOP 27 /* bit of the leading 1 of what is narrowed; below it, at least three bits more than will be kept */

/* (m / 2^TOP) 2^(e - bias) in a type with `bits` mantissa bits and the largest exponent field `top`, without its sign */
static uint32_t narrow(int32_t e, uint32_t m, unsigned bits, int32_t top)
{
    const unsigned off = TOP - bits;
    uint32_t base = 0; /* the leading 1 of a normal number adds 1 to the exponent field */
    if (e >= top) return (uint32_t)top << bits;
    if (e < -TOP) return 0;
    if (e > 0)
        base = (uint32_t)(e - 1) << bits;
    else
        m = m >> (1 - e) | ((m & ((1u << (1 - e)) - 1)) != 0); /* subnormal: what is shifted out still counts */
    /* to nearest, ties to even; a carry goes up into the exponent, and so to infinity */
    return base + (m >> off) + ((m & ((1u << off) - 1)) + (m >> off & 1) > 1u << (off - 1));
}

uint16_t mote_f32_to_f16(uint32_t x)
{
    const uint32_t sign = x >> 16 & 0x8000, e = x >> 23 & 255, m = x & 0x7FFFFF;
    if (e == 255 && m) return (uint16_t)(sign | 0x7E00 | m >> 13);
    return (uint16_t)(sign | narrow((int32_t)e - 112, 0x8000000 | m << 4, 10, 31)); /* subnormals vanish */
}

uint16_t mote_f32_to_bf16(uint32_t x)
{
    if ((x & 0x7FFFFFFF) > 0x7F800000) return (uint16_t)(x >> 16 | 0x40);
    return (uint16_t)((x >> 16) + ((x & 0xFFFF) + (x >> 16 & 1) > 0x8000));
}

uint32_t mote_f64_to_f32(uint64_t x)
{
    const uint32_t sign = (uint32_t)(x >> 32) & 0x80000000, e = (uint32_t)(x >> 52) & 0x7FF;
    /* 26 bits of the mantissa, and one for whatever else is set */
    const uint32_t m = (uint32_t)(x >> 25 & 0x7FFFFFE) | ((x & 0x3FFFFFF) != 0);
    if (e == 0x7FF && m) return sign | 0x7FC00000 | m >> 4;
    return sign | narrow((int32_t)e - 896, 0x8000000 | m, 23, 255);
}

/* The leading 1 of a subnormal number moves to where it is implied. */
uint64_t mote_f32_to_f64(uint32_t x)
{
    const uint64_t sign = (uint64_t)(x & 0x80000000) << 32;
    uint32_t e = x >> 23 & 255, m = x & 0x7FFFFF;
    if (e == 0 && m) {
        for (e = 1; m < 0x800000; e--) m <<= 1;
        m &= 0x7FFFFF;
    } else if (e == 0) {
        return sign;
    }
    return sign | (uint64_t)(e == 255 ? 0x7FF : e + 896) << 52 | (uint64_t)m << 29;
}
