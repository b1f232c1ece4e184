/* SPDX-License-Identifier: Apache-2.0
 * For functions that a compiler told to save bytes would merge into their only caller, or copy into several, at the price
 * of more bytes than it saves: the result is measured, and only measured, on a Cortex-M4. Device code. */
#ifndef MOTE_BASE_APART_H
#define MOTE_BASE_APART_H

#if defined(__GNUC__)
#define MOTE_APART __attribute__((noinline))
#define MOTE_INLINE \
    inline __attribute__((always_inline)) /**< the opposite: copies for constant arguments are the point */
#else
#define MOTE_APART
#define MOTE_INLINE inline
#endif

#endif
