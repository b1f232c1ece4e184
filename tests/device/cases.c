/* SPDX-License-Identifier: Apache-2.0
 * Writes the cases of one kind of device: every line of spec/vectors/manifest.txt with the status that a reader that has
 * only this kind's ids gives, and what it says and writes, by the host's loader. That the host is right is for
 * vector.files to show; here it is only asked that what it refuses otherwise than the list says is refused by needs.
 *
 *   device_cases nano|std|zstd FILE      zstd: std with libzstd */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../pkg_helpers.h"
#include "../vector_list.h"
#include "case.h"
#include "drive.h"
#include "mote/encode.h"
#include "mote/host.h"
#include "mote/pack.h"

enum { WORK = 1 << 21, OUT = 1 << 20 };

typedef struct bytes_of {
    const uint8_t *p;
    size_t n;
} bytes_of;

static int read_bytes(void *ctx, uint32_t at, uint8_t *to, size_t n)
{
    const bytes_of *b = ctx;
    if (at > b->n || n > b->n - at) return -1;
    memcpy(to, b->p + at, n);
    return 0;
}

static uint8_t *work, *out;
static mote_inflate_fn inflate; /* NULL: this kind of device has none */

static mote_status run(device_case *c, const vector_reader *reader, const mote_wr *file, bool nano, unsigned way,
                       uint32_t *hash)
{
    static const mote_form forms[] = { MOTE_FORM_DENSE, MOTE_FORM_F32, MOTE_FORM_F16, MOTE_FORM_NATIVE,
                                       MOTE_FORM_DENSE };
    const bytes_of b = { file->p, file->n };
    drive d = { .config = reader->config,
                .read = read_bytes,
                .ctx = (void *)(uintptr_t)&b,
                .bytes = (uint32_t)file->n,
                .work = work,
                .work_bytes = WORK,
                .out = out,
                .out_bytes = OUT,
                .piece = 64,
                .nano = nano,
                .target = way == CASE_TARGET };
    d.config.form = forms[way];
    d.config.inflate = inflate;
    mote_status st = drive_run(&d);
    must(st != MOTE_NEED_OUTPUT);
    c->way_status[way] = st;
    *hash = d.hash;
    return st;
}

static void write_case(FILE *f, const vector_line *l, const mote_needs *ids, bool nano)
{
    static vector_reader t;
    mote_wr file = { 0 };
    device_case c = { .magic = CASE_MAGIC };
    vector_read(l->file, &file);
    vector_terms(l, &file, &t);
    mote_policy *p = &t.config.policy;
    bool limited = false;
    for (int i = 0; i < 4; i++) limited |= p->has.bit[i] != 0;
    for (int i = 0; i < 4; i++) {
        if (limited)
            p->has.bit[i] &= ids->bit[i];
        else
            p->has.bit[i] = ids->bit[i];
        c.has[i] = limited ? p->has.bit[i] : 0; /* 0: what the device's build says of itself */
    }
    t.config.native_lowrank = nano;
    memcpy(c.name, l->file, sizeof c.name - 1); /* cut if it is long; vectors.c of the device only prints it */
    c.status = run(&c, &t, &file, nano, CASE_DENSE, &c.way_hash[CASE_DENSE]);
    if (c.status != (int32_t)l->st) {
        must(c.status == MOTE_ERR_NEEDS);
        c.refused_by_needs = 1;
    }
    if (c.status == (int32_t)l->st) c.status = vector_status_32(l);
    for (unsigned way = CASE_F32; way < CASE_WAYS && c.status == MOTE_OK; way++)
        (void)run(&c, &t, &file, nano, way, &c.way_hash[way]);
    c.n_keys = (uint32_t)t.config.trust.n_keys;
    c.threshold = t.config.trust.threshold;
    memcpy(c.key, t.keys, sizeof c.key);
    c.name_bytes = (uint32_t)p->name.bytes;
    memcpy(c.policy_name, t.name, sizeof c.policy_name);
    c.has_vendor = p->vendor != NULL;
    memcpy(c.vendor, t.vendor, sizeof c.vendor);
    c.has_class = p->device_class != NULL;
    memcpy(c.class_id, t.class_id, sizeof c.class_id);
    c.has_digest = p->installed_digest != NULL;
    memcpy(c.digest, t.digest, sizeof c.digest);
    c.installed_sequence = (uint32_t)p->installed_sequence;
    c.tensor_max = (uint32_t)p->tensor_max;
    c.bytes = (uint32_t)file.n;
    must(fwrite(&c, sizeof c, 1, f) == 1 && fwrite(file.p, 1, file.n, f) == file.n);
    mote_wr_free(&file);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: device_cases nano|std|zstd FILE\n");
        return 2;
    }
    const bool nano = strcmp(argv[1], "nano") == 0;
    const bool zstd = strcmp(argv[1], "zstd") == 0;
    inflate = zstd ? mote_zstd_inflate : NULL;
    const mote_needs build = mote_needs_of_build(zstd);
    mote_needs ids = mote_profile_get(nano ? MOTE_PROFILE_NANO : MOTE_PROFILE_HOST)->has;
    for (int i = 0; i < 4; i++) ids.bit[i] &= build.bit[i];
    work = pkg_alloc(WORK);
    out = pkg_alloc(OUT);
    vector_read_list();
    FILE *f = fopen(argv[2], "wb");
    must(f != NULL);
    for (size_t i = 0; i < n_vectors; i++) write_case(f, &vectors[i], &ids, nano);
    must(fclose(f) == 0);
    return 0;
}
