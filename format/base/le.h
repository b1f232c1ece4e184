/* SPDX-License-Identifier: Apache-2.0
 * Byte-wise little-endian loads and stores: any alignment, any byte order of the machine. Device code. */
#ifndef MOTE_BASE_LE_H
#define MOTE_BASE_LE_H

#include <stdint.h>

static inline uint16_t mote_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t mote_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t mote_le64(const uint8_t *p)
{
    return mote_le32(p) | (uint64_t)mote_le32(p + 4) << 32;
}

static inline void mote_put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static inline void mote_put32(uint8_t *p, uint32_t v)
{
    mote_put16(p, v);
    mote_put16(p + 2, v >> 16);
}

static inline void mote_put64(uint8_t *p, uint64_t v)
{
    mote_put32(p, (uint32_t)v);
    mote_put32(p + 4, (uint32_t)(v >> 32));
}

#endif
