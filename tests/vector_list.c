/* SPDX-License-Identifier: Apache-2.0
 * See vector_list.h. */
#include "vector_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg_helpers.h"

vector_line *vectors;
size_t n_vectors;

static mote_status status_of(const char *name)
{
    char full[48];
    snprintf(full, sizeof full, strcmp(name, "OK") == 0 ? "%s" : "ERR_%s", name);
    for (int st = -100; st <= 2; st++)
        if (strcmp(mote_status_name((mote_status)st), full) == 0) return (mote_status)st;
    pkg_give_up(__FILE__, __LINE__, name);
}

void vector_read_list(void)
{
    FILE *f = fopen(MOTE_VECTORS "/manifest.txt", "r");
    must(f != NULL);
    char row[700];
    while (fgets(row, sizeof row, f)) {
        if (row[0] == '#') continue;
        vectors = realloc(vectors, (n_vectors + 1) * sizeof *vectors);
        must(vectors != NULL);
        vector_line *l = &vectors[n_vectors++];
        must(sscanf(row, "%127s %31s %31s %159s %79s %159[^\n]", l->file, l->status, l->trust, l->policy, l->sha,
                    l->text) == 6);
        l->st = status_of(l->status);
    }
    fclose(f);
    must(n_vectors > 200);
}

void vector_read(const char *name, mote_wr *out)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", MOTE_VECTORS, name);
    FILE *f = fopen(path, "rb");
    must(f != NULL);
    out->n = 0;
    for (int c; (c = getc(f)) != EOF;) mote_wr_u8(out, (uint8_t)c);
    fclose(f);
}

size_t vector_unhex(uint8_t *out, size_t room, const char *text)
{
    size_t n = 0;
    unsigned byte;
    for (; n < room && sscanf(text + 2 * n, "%2x", &byte) == 1; n++) out[n] = (uint8_t)byte;
    return n;
}

void vector_terms(const vector_line *l, const mote_wr *file, vector_reader *t)
{
    *t = (vector_reader){ .config = pkg_config(0) };
    mote_trust *trust = &t->config.trust;
    trust->keys = t->keys[0];
    for (const char *s = l->trust; *s && *s != '/' && *s != '-'; s++) {
        if (*s == ',') continue;
        char name[32];
        mote_wr pub = { 0 };
        snprintf(name, sizeof name, "test-%c.pub", *s);
        vector_read(name, &pub);
        mote_wr_u8(&pub, 0); /* scanning looks for the end of its text first */
        must(pub.n == 66 && vector_unhex(t->keys[trust->n_keys++], 32, (const char *)pub.p) == 32);
        mote_wr_free(&pub);
    }
    if (strchr(l->trust, '/')) trust->threshold = (unsigned)atoi(strchr(l->trust, '/') + 1);
    char list[160], *save = NULL;
    mote_policy *p = &t->config.policy;
    strcpy(list, l->policy);
    for (char *s = strtok_r(list, ",", &save); s; s = strtok_r(NULL, ",", &save)) {
        char *value = strchr(s, '=');
        if (!value) continue;
        *value++ = '\0';
        if (strcmp(s, "name") == 0) {
            strcpy(t->name, value);
            p->name = (mote_text){ t->name, strlen(t->name) };
        } else if (strcmp(s, "vendor") == 0) {
            must(vector_unhex(t->vendor, 16, value) == 16);
            p->vendor = t->vendor;
        } else if (strcmp(s, "class") == 0) {
            must(vector_unhex(t->class_id, 16, value) == 16);
            p->device_class = t->class_id;
        } else if (strcmp(s, "installed") == 0) {
            p->installed_sequence = (uint64_t)atoi(value);
            p->installed_digest = t->digest;
            if (strstr(value, ":self"))
                mote_manifest_digest(mote_crypto_host(), t->digest, file->p + 16, file->p[10] + 256u * file->p[11]);
        } else if (strcmp(s, "without") == 0) {
            unsigned id = (unsigned)atoi(value);
            p->has = mote_needs_of_build(true);
            p->has.bit[id / 32] &= ~((uint32_t)1 << id % 32);
        } else if (strcmp(s, "tensor_max") == 0) {
            p->tensor_max = (uint64_t)atoi(value);
        } else {
            pkg_give_up(l->file, 0, s);
        }
    }
}

mote_status vector_status_32(const vector_line *l)
{
    static const struct {
        const char *file;
        mote_status st;
    } others[] = {
        { "bad/5.2-n-entries-2-32.mote", MOTE_ERR_MEMORY },
    };
    for (size_t i = 0; i < N(others); i++)
        if (strcmp(l->file, others[i].file) == 0) return others[i].st;
    return l->st;
}
