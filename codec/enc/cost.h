/* SPDX-License-Identifier: Apache-2.0
 * Prices in bits. Every decision of the encoder compares such prices, so they are computed with + - * / alone: the same
 * bits on every machine, and so the same packages. Host only. */
#ifndef MOTE_ENC_COST_H
#define MOTE_ENC_COST_H

#include <stddef.h>
#include <stdint.h>

/** Base-2 logarithm of a positive normal number, within 1e-9. */
double mote_log2(double x);

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

#endif
