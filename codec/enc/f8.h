/* SPDX-License-Identifier: Apache-2.0
 * Floats of 8 bits: OCP 8-bit Floating Point Specification, revision 1.0. Host only. */
#ifndef MOTE_ENC_F8_H
#define MOTE_ENC_F8_H

#include <stdint.h>

/** Bits of a binary32 rounded to f8_e4m3 or f8_e5m2 (dtype), nearest even. What is too large becomes NaN in e4m3, which has
 *  no infinity, and infinity in e5m2. */
uint8_t mote_f32_to_f8(uint32_t x, unsigned dtype);
/** Value of f8_e4m3 or f8_e5m2. */
double mote_f8_value(uint8_t x, unsigned dtype);

#endif
