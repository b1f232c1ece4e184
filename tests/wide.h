/* SPDX-License-Identifier: Apache-2.0
 * Rows whose values take more than 31 bits: readers with a size_t of 32 bits refuse them, which format.md 2.6 allows.
 * What they answer instead is held, too. */
#ifndef MOTE_TESTS_WIDE_H
#define MOTE_TESTS_WIDE_H

#include <stdint.h>

#if SIZE_MAX > 0xFFFFFFFF
#define WIDE_SIZE 1
#define WIDE(wide, narrow) (wide)
#else
#define WIDE_SIZE 0
#define WIDE(wide, narrow) (narrow)
#endif

#endif
