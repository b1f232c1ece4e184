/* SPDX-License-Identifier: Apache-2.0
 * What the platform expects, compared with the manifest before the first payload byte. Spec format.md 11. Device code. */
#include <string.h>

#include "mote/package.h"

/* Spec format.md 12: nano has dense, bitmask, csr, lowrank, kept-rows; stored .. trellis; stored, constant, rans-1 */
#define IN_NANO(id) ((id) <= 4 || (id) == 6 || ((id) >= 32 && (id) <= 36) || ((id) >= 96 && (id) <= 98))

mote_needs mote_needs_of_build(bool with_zstd)
{
    mote_needs n = { { 0 } };
#define MOTE_ID(id, name, text, state) \
    if ((state) && (!MOTE_NANO || IN_NANO(id))) mote_needs_add(&n, id);
#include "base/registry.def"
    if (!MOTE_NANO && !with_zstd) n.bit[MOTE_CODER_ZSTD / 32] &= ~((uint32_t)1 << MOTE_CODER_ZSTD % 32);
    return n;
}

/* Are n bytes there, and the same? */
static bool same(const void *a, const void *b, size_t n)
{
    return b && memcmp(a, b, n) == 0;
}

mote_status mote_policy_check(const mote_policy *policy, const mote_manifest *m,
                              const uint8_t manifest_digest[MOTE_DIGEST_BYTES])
{
    const mote_policy *p = policy;
    const mote_facts *f = &m->facts;
    if (p->name.bytes && (p->name.bytes != m->name.bytes || !same(p->name.p, m->name.p, p->name.bytes)))
        return MOTE_ERR_NAME;
    if (p->vendor && !same(p->vendor, m->vendor, 16)) return MOTE_ERR_VENDOR;
    if (p->device_class) {
        uint32_t i = 0;
        while (i < m->n_classes && !same(p->device_class, m->classes + 16 * i, 16)) i++;
        if (i == m->n_classes) return MOTE_ERR_CLASS;
    }
    if (p->installed_sequence) {
        if (m->sequence < p->installed_sequence) return MOTE_ERR_ROLLBACK;
        if (m->sequence == p->installed_sequence)
            return same(manifest_digest, p->installed_digest, MOTE_DIGEST_BYTES) ? MOTE_ERR_INSTALLED
                                                                                 : MOTE_ERR_SAME_SEQUENCE;
    }
    for (int i = 0; i < 4; i++)
        if (m->needs.bit[i] & ~p->has.bit[i]) return MOTE_ERR_NEEDS;
    if ((p->tensor_max && f->tensor_max > p->tensor_max) || (p->decoded_total && f->decoded_total > p->decoded_total))
        return MOTE_ERR_MEMORY;
    return MOTE_OK;
}
