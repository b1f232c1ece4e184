/* SPDX-License-Identifier: Apache-2.0
 * The digest of a tensor's elements, for those that store them and look again later. Spec format.md 9. Device code. */
#include "base/digest.h"
#include "mote/package.h"

mote_status mote_entry_verify(const mote_crypto *c, const mote_entry *e, const uint8_t *elements)
{
    if (!e->digest) return MOTE_ERR_MISSING;
    return mote_digest_is(c, e->digest, MOTE_ROLE_TENSOR, elements, e->bytes) ? MOTE_OK : MOTE_ERR_DIGEST;
}
