/* SPDX-License-Identifier: Apache-2.0
 * Zip records (PKWARE APPNOTE 4.3.7, 4.3.12, 4.3.14-16, 4.5.3), in the order of their fields. */
#include "model/npz_write.h"

#include <stdbool.h>
#include <string.h>

#include "base/le.h"

#define WIDE 0xffffffffu /* stands for a number that is in the zip64 field */

static uint8_t *put16(uint8_t *p, uint32_t v)
{
    mote_put16(p, v);
    return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
    mote_put32(p, v);
    return p + 4;
}

static uint8_t *put64(uint8_t *p, uint64_t v)
{
    mote_put64(p, v);
    return p + 8;
}

/* Version needed, flags, method, date, checksum, sizes, name length: equal in both records of a member. */
static uint8_t *common(uint8_t *p, const mote_zip_member *m, bool zip64)
{
    bool ascii = true;
    for (const char *c = m->name; *c != '\0'; c++) ascii = ascii && (*c & 0x80) == 0;
    const uint32_t size = m->size >= WIDE ? WIDE : (uint32_t)m->size;
    p = put16(p, zip64 ? 45 : 20);
    p = put16(p, ascii ? 0 : 0x0800); /* the name is UTF-8 */
    p = put16(p, 0);                  /* stored */
    p = put16(p, 0);                  /* 00:00:00 */
    p = put16(p, 0x0021);             /* 1980-01-01 */
    p = put32(p, m->crc);
    p = put32(p, size);
    p = put32(p, size);
    return put16(p, (uint32_t)strlen(m->name) + 4);
}

static uint8_t *put_name(uint8_t *p, const char *name)
{
    const size_t n = strlen(name);
    memcpy(p, name, n);
    memcpy(p + n, ".npy", 4);
    return p + n + 4;
}

size_t mote_zip_local(uint8_t out[MOTE_ZIP_RECORD_MAX], const mote_zip_member *m)
{
    const bool big = m->size >= WIDE;
    uint8_t *p = put32(out, 0x04034b50);
    p = common(p, m, big);
    p = put16(p, big ? 20 : 0);
    p = put_name(p, m->name);
    if (big) p = put64(put64(put16(put16(p, 1), 16), m->size), m->size);
    return (size_t)(p - out);
}

size_t mote_zip_central(uint8_t out[MOTE_ZIP_RECORD_MAX], const mote_zip_member *m)
{
    const bool big = m->size >= WIDE, far = m->at >= WIDE;
    const uint32_t wide = (big ? 16u : 0u) + (far ? 8u : 0u);
    uint8_t *p = put32(out, 0x02014b50);
    p = put16(p, 3 << 8 | 20); /* made on Unix, to version 2.0 */
    p = common(p, m, big || far);
    p = put16(p, wide == 0 ? 0 : wide + 4);
    p = put16(p, 0);              /* no comment */
    p = put16(p, 0);              /* first disk */
    p = put16(p, 0);              /* binary */
    p = put32(p, 0100644u << 16); /* a regular file, rw-r--r-- */
    p = put32(p, far ? WIDE : (uint32_t)m->at);
    p = put_name(p, m->name);
    if (wide > 0) p = put16(put16(p, 1), wide);
    if (big) p = put64(put64(p, m->size), m->size);
    if (far) p = put64(p, m->at);
    return (size_t)(p - out);
}

size_t mote_zip_end(uint8_t out[MOTE_ZIP_RECORD_MAX], uint64_t n, uint64_t at, uint64_t bytes)
{
    uint8_t *p = out;
    const bool many = n >= 0xffff;
    if (many || at >= WIDE || bytes >= WIDE) {
        p = put64(put32(p, 0x06064b50), 44); /* bytes that follow in this record */
        p = put16(put16(p, 3 << 8 | 45), 45);
        p = put32(put32(p, 0), 0); /* disks */
        p = put64(put64(p, n), n);
        p = put64(put64(p, bytes), at);
        p = put32(put32(p, 0x07064b50), 0);
        p = put64(p, at + bytes); /* of the record above */
        p = put32(p, 1);          /* disks */
    }
    const uint32_t count = many ? 0xffff : (uint32_t)n;
    p = put32(p, 0x06054b50);
    p = put16(put16(p, 0), 0); /* disks */
    p = put16(put16(p, count), count);
    p = put32(p, bytes >= WIDE ? WIDE : (uint32_t)bytes);
    p = put32(p, at >= WIDE ? WIDE : (uint32_t)at);
    p = put16(p, 0); /* no comment */
    return (size_t)(p - out);
}
