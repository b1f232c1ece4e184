/* SPDX-License-Identifier: Apache-2.0
 * Prices in bits. Every decision of the encoder compares such prices, so they are computed with + - * / alone: the same
 * bits on every machine, and so the same packages. Host only. */
#ifndef MOTE_ENC_COST_H
#define MOTE_ENC_COST_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct mote_log_part {
    double reciprocal, log;
} mote_log_part;
extern const mote_log_part mote_log_parts[64];

/**
 * Base-2 logarithm of a positive normal number, within 1e-9; of powers of two exact.
 *
 * x = m 2^e with m in [1, 2): log2 m is that of 1 / a nearby reciprocal, from a table, and log2 (1 + z), |z| <= 1/64, whose
 * series' first five terms leave less than 1e-11.
 */
static inline double mote_log2(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, 8);
    const int e = (int)(bits >> 52 & 0x7FF) - 1023;
    const mote_log_part *p = &mote_log_parts[bits >> 46 & 63];
    bits = (bits & 0xFFFFFFFFFFFFF) | (uint64_t)1023 << 52;
    double m;
    memcpy(&m, &bits, 8);
    const double z = m * p->reciprocal - 1, one_over_ln2 = 1.4426950408889634;
    const double series = z * (1 - z * (1.0 / 2 - z * (1.0 / 3 - z * (1.0 / 4 - z * (1.0 / 5)))));
    return (double)e + (p->log + one_over_ln2 * series);
}

/** 2^x for |x| <= 1000, within 1e-9 of it. */
double mote_exp2(double x);

#define MOTE_LOG2_A_DB 0.33219280948873623 /* log2 10 / 10 */
/** Decibels of a ratio of powers, and back. */
static inline double mote_to_db(double x)
{
    return mote_log2(x) / MOTE_LOG2_A_DB;
}
static inline double mote_from_db(double db)
{
    return mote_exp2(db * MOTE_LOG2_A_DB);
}

/** n log2 n; 0 for 0. */
static inline double mote_nlogn(uint64_t n)
{
    return n > 1 ? (double)n * mote_log2((double)n) : 0;
}

/** Bits that an ideal coder spends on n symbols of these counts. */
double mote_entropy_bits(const uint64_t *count, size_t n);

/** Place of x on a scale with two marks an octave: floor(2 log2 x), exactly; 0 for 0 and 1. */
unsigned mote_half_octave(uint64_t x);
/** The same with eight marks an octave: floor(8 log2 x), within 2^-30 of them. */
unsigned mote_octave_eighths(uint64_t x);

#endif
