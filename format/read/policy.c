/* SPDX-License-Identifier: Apache-2.0
 * What the platform expects, compared with the manifest before the first payload byte. Spec format.md 11. Device code. */
#include <string.h>

#include "mote/package.h"

mote_needs mote_needs_of_build(bool with_zstd)
{
    static const struct {
        uint8_t id, implemented;
    } ids[] = {
#define MOTE_ID(id, name, text, state) { (id), (state) },
#include "base/registry.def"
    };
    mote_needs n = { { 0 } };
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (ids[i].implemented && (ids[i].id != MOTE_CODER_ZSTD || with_zstd)) mote_needs_add(&n, ids[i].id);
    return n;
}

mote_status mote_policy_check(const mote_policy *policy, const mote_manifest *m,
                              const uint8_t manifest_digest[MOTE_DIGEST_BYTES])
{
    const mote_policy *p = policy;
    if (p->name.bytes && (p->name.bytes != m->name.bytes || memcmp(p->name.p, m->name.p, p->name.bytes) != 0))
        return MOTE_ERR_NAME;
    if (p->vendor && (!m->vendor || memcmp(p->vendor, m->vendor, 16) != 0)) return MOTE_ERR_VENDOR;
    if (p->device_class) {
        uint32_t i = 0;
        while (i < m->n_classes && memcmp(m->classes + 16 * i, p->device_class, 16) != 0) i++;
        if (i == m->n_classes) return MOTE_ERR_CLASS;
    }
    if (p->installed_sequence) {
        if (m->sequence < p->installed_sequence) return MOTE_ERR_ROLLBACK;
        if (m->sequence == p->installed_sequence)
            return p->installed_digest && memcmp(p->installed_digest, manifest_digest, MOTE_DIGEST_BYTES) == 0
                       ? MOTE_ERR_INSTALLED
                       : MOTE_ERR_SAME_SEQUENCE;
    }
    for (int i = 0; i < 4; i++)
        if (m->needs.bit[i] & ~p->has.bit[i]) return MOTE_ERR_NEEDS;
    if ((p->tensor_max && m->facts.tensor_max > p->tensor_max) ||
        (p->decoded_total && m->facts.decoded_total > p->decoded_total))
        return MOTE_ERR_MEMORY;
    return MOTE_OK;
}
