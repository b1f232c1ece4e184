/* SPDX-License-Identifier: Apache-2.0
 * For functions that a compiler told to save bytes would merge into their only caller, or copy into several, at the price
 * of more bytes than it saves: the result is measured, and only measured, on a Cortex-M4. Device code. */
#ifndef MOTE_BASE_APART_H
#define MOTE_BASE_APART_H

#if defined(__GNUC__)
#define MOTE_APART __attribute__((noinline))
#define MOTE_INLINE \
    inline __attribute__((always_inline)) /**< the opposite: copies for constant arguments are the point */
#define MOTE_RARE(condition) __builtin_expect(condition, 0) /**< in inner loops: registers are for the rest */
#define MOTE_IN_REGISTER(pointer) \
    __asm__("" : "+r"(pointer))         /**< what it points to is reached through it, not by its place on the stack */
#define MOTE_STAYS_BRANCH() __asm__("") /**< what begins with it is jumped over, not made conditional line by line */
#else
#define MOTE_APART
#define MOTE_INLINE inline
#define MOTE_RARE(condition) (condition)
#define MOTE_IN_REGISTER(pointer) (void)0
#define MOTE_STAYS_BRANCH() (void)0
#endif

/* Inner loops: registers of a loop go by how often it runs even where all else is to be small. */
#if defined(__OPTIMIZE_SIZE__) && defined(__GNUC__) && !defined(__clang__)
#define MOTE_HOT \
    __attribute__((optimize("O2", "no-tree-pre", "move-loop-invariants", "tree-loop-optimize", "schedule-insns2")))
#else
#define MOTE_HOT
#endif

#endif
