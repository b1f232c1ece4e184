/* SPDX-License-Identifier: Apache-2.0
 * Trust: no edit of a package that all its trusted keys have signed is accepted, and nothing at all is that no trusted key
 * has signed. The last byte chooses: edits of bytes of a signed file; the input as a file, or as a signature block, for a
 * reader whose trusted key has signed none of the seeds; or as the 64 bytes of one signature. */
#include "package_edits.h"

enum { STRANGER = 17 }; /* the test key that signs nothing */

static mote_status load(const uint8_t *file, size_t n, const mote_loader_config *config)
{
    pkg_load l = { .file = file, .n = n, .config = *config, .work_max = 1 << 20 };
    mote_status st = pkg_push(&l);
    must(st != MOTE_OK || l.complete);
    must(st == MOTE_OK || !l.complete);
    pkg_load_free(&l);
    return st;
}

/* Edits of bytes: anything but the file itself is refused. */
static void edit_file(const uint8_t *data, size_t size)
{
    edits e = { data, data + size };
    size_t n_bases;
    const mote_wr *base = edits_bases(&n_bases);
    size_t which = edits_u8(&e) % n_bases;
    mote_wr file = { 0 };
    wr_copy(&file, &base[which]);
    while (e.p < e.end && file.n) {
        size_t at = edits_below(&e, file.n), other = 0, n = 0;
        const uint8_t *bytes;
        switch (edits_u8(&e) % 6) {
        case 0: file.p[at] ^= (uint8_t)edits_u8(&e); break;
        case 1: file.p[at] = (uint8_t)edits_u8(&e); break;
        case 2:
            n = edits_bytes(&e, &bytes);
            wr_insert(&file, at, bytes, n);
            break;
        case 3:
            n = edits_u8(&e);
            wr_delete(&file, at, n < file.n - at ? n : file.n - at);
            break;
        case 4: /* a part of the file once more */
            other = edits_below(&e, file.n);
            n = edits_u8(&e);
            if (n > file.n - other) n = file.n - other;
            if (n > file.n - at) n = file.n - at;
            memmove(file.p + at, file.p + other, n);
            break;
        default: /* of another package of the same signers */
            other = edits_u8(&e) % n_bases;
            n = edits_u8(&e);
            if (at >= base[other].n) break;
            if (n > base[other].n - at) n = base[other].n - at;
            if (n > file.n - at) n = file.n - at;
            memcpy(file.p + at, base[other].p + at, n);
        }
    }
    mote_loader_config config = pkg_config(which == 1 ? 2 : 1);
    config.trust.threshold = (unsigned)config.trust.n_keys;
    bool genuine = false;
    for (size_t i = 0; i < n_bases; i++) genuine |= wr_same(&file, &base[i]);
    if (!genuine) must(load(file.p, file.n, &config) != MOTE_OK);
    mote_wr_free(&file);
}

static mote_loader_config stranger(void)
{
    mote_loader_config config = pkg_config(0);
    config.trust.keys = pkg_key(STRANGER)->pub;
    config.trust.n_keys = 1;
    return config;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t digest[32] = "whatever the manifest may be....";
    if (size < 1 || size > 1 << 16) return 0;
    const unsigned how = data[--size] % 4;
    mote_loader_config config = stranger();
    if (how == 0) {
        edit_file(data, size);
    } else if (how == 1) {
        must(load(data, size, &config) != MOTE_OK);
    } else if (how == 2) {
        must(mote_signatures_check(&config.crypto, &config.trust, data, size, digest) != MOTE_OK);
    } else { /* a well-formed entry of the stranger; none of these bytes is his signature */
        uint8_t entry[76] = { MOTE_ALG_ED25519, MOTE_ROLE_RELEASE_KEY, 64 };
        mote_key_id(&config.crypto, entry + 4, MOTE_ALG_ED25519, config.trust.keys, 32);
        memcpy(entry + 12, data, size < 64 ? size : 64);
        must(mote_signatures_check(&config.crypto, &config.trust, entry, sizeof entry, digest) == MOTE_ERR_SIGNATURE);
    }
    return 0;
}
