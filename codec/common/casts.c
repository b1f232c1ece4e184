/* SPDX-License-Identifier: Apache-2.0
 * The casts of casts.h. Device code. */
#include "common/casts.h"

/* m / 2^n, 1 <= n <= 31, rounded to nearest, ties to even */
static uint32_t shift_round(uint32_t m, unsigned n)
{
    uint32_t half = (uint32_t)1 << (n - 1), odd = m >> n & 1;
    return (m >> n) + ((m & (half + half - 1)) + odd > half);
}

uint16_t mote_f32_to_f16(uint32_t x)
{
    uint32_t sign = x >> 16 & 0x8000, a = x & 0x7FFFFFFF, e = a >> 23;
    if (a > 0x7F800000) return (uint16_t)(sign | 0x7E00 | (a >> 13 & 0x3FF));
    if (e >= 143)
        a = 0x7C00; /* 2^16 and more; what lies below and rounds up to it carries into the exponent */
    else if (e >= 113)
        a = shift_round(a - (112u << 23), 13);
    else if (e >= 102)
        a = shift_round((a & 0x7FFFFF) | 0x800000, 126 - e); /* multiples of 2^-24 */
    else
        a = 0; /* less than half of 2^-24 */
    return (uint16_t)(sign | a);
}

uint16_t mote_f32_to_bf16(uint32_t x)
{
    if ((x & 0x7FFFFFFF) > 0x7F800000) return (uint16_t)(x >> 16 | 0x40);
    return (uint16_t)((x >> 16) + ((x & 0xFFFF) + (x >> 16 & 1) > 0x8000));
}

uint32_t mote_f64_to_f32(uint64_t x)
{
    uint32_t sign = (uint32_t)(x >> 32) & 0x80000000, e = (uint32_t)(x >> 52) & 0x7FF;
    /* 23 bits of the mantissa, 3 more, and one for whatever else is set: 4 to be rounded off */
    uint32_t m = (uint32_t)(x >> 25 & 0x7FFFFFE) | ((x & 0x3FFFFFF) != 0);
    if (e == 0x7FF) return sign | 0x7F800000 | (m ? 0x400000 | m >> 4 : 0);
    if (e >= 1023 + 128) return sign | 0x7F800000;
    if (e < 1023 - 150) return sign;
    if (e > 1023 - 127) return sign + ((e - (1023 - 127)) << 23) + shift_round(m, 4);
    unsigned n = 1023 - 126 - e; /* subnormal, multiples of 2^-149; n = 1..24 */
    m |= 1u << 27;
    return sign + shift_round(m >> n | ((m & ((1u << n) - 1)) != 0), 4);
}

uint32_t mote_f16_to_f32(uint32_t h)
{
    uint32_t sign = (h & 0x8000) << 16, e = (h >> 10 & 31) + 112, m = (h & 0x3FF) << 13;
    if (e == 31 + 112) e = 255;
    if (e == 112) {
        if (m == 0) return sign;
        for (e++; m < 0x800000; e--) m <<= 1;
        m &= 0x7FFFFF;
    }
    return sign | e << 23 | m;
}

uint64_t mote_f32_to_f64(uint32_t x)
{
    uint32_t sign = x & 0x80000000, e = (x >> 23 & 255) + 896, m = x & 0x7FFFFF;
    if (e == 255 + 896) e = 2047;
    if (e == 896) {
        if (m == 0) return (uint64_t)sign << 32;
        for (e++; m < 0x800000; e--) m <<= 1;
        m &= 0x7FFFFF;
    }
    return (uint64_t)(sign | e << 20 | m >> 3) << 32 | m << 29;
}
