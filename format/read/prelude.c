/* SPDX-License-Identifier: Apache-2.0
 * The sixteen bytes that are read before anything is trusted. Spec format.md 3. Device code. */
#include <string.h>

#include "base/le.h"
#include "mote/package.h"
#include "mote/version.h"

static const uint8_t magic[8] = { 0x89, 'M', 'O', 'T', 'E', 0x0D, 0x0A, 0x0A };

mote_status mote_prelude_read(mote_prelude *out, const uint8_t bytes[MOTE_PRELUDE_BYTES])
{
    if (memcmp(bytes, magic, sizeof magic) != 0) return MOTE_ERR_MAGIC;
    if (bytes[8] != MOTE_FORMAT_VERSION) return MOTE_ERR_VERSION;
    if (bytes[9] != MOTE_FORMAT_SUITE) return MOTE_ERR_SUITE;
    uint16_t ml = mote_le16(bytes + 10);
    if (ml < 1 || ml > MOTE_MANIFEST_MAX) return MOTE_ERR_LIMIT;
    if (mote_le16(bytes + 14) != 0) return MOTE_ERR_RESERVED;
    out->manifest_bytes = ml;
    out->signature_bytes = mote_le16(bytes + 12);
    return MOTE_OK;
}
