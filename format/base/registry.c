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

size_t mote_bytes_of(size_t n, unsigned bits)
{
    uint64_t bytes = ((uint64_t)n * bits + 7) / 8;
    return bytes < SIZE_MAX ? (size_t)bytes : SIZE_MAX;
}
