/* SPDX-License-Identifier: Apache-2.0
 * Widths of the element types. Names are in registry_name.c, so that a linker can leave them out. Device code. */
#include "mote/registry.h"

unsigned mote_dtype_bits(unsigned dtype)
{
    static const uint8_t bits[] = {
#define MOTE_DTYPE(id, name, text, b) [id] = (b),
#include "base/registry.def"
    };
    return dtype < sizeof bits ? bits[dtype] : 0;
}
