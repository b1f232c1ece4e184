/* SPDX-License-Identifier: Apache-2.0
 * Placement of the parts of a workspace: one function lays it out, the size query and the initialiser both call it,
 * so that the two cannot disagree. Device code. */
#ifndef MOTE_BASE_LAY_H
#define MOTE_BASE_LAY_H

#include <stdbool.h>
#include <stddef.h>

/** Place n bytes at the next multiple of align (a power of two); *at gets the offset. False on overflow. */
static inline bool mote_lay(size_t *at, size_t *total, size_t n, size_t align)
{
    size_t gap = (align - *total % align) % align;
    if (gap > (size_t)-1 - *total || n > (size_t)-1 - *total - gap) return false;
    *at = *total + gap;
    *total = *at + n;
    return true;
}

#endif
