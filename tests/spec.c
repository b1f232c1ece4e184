/* SPDX-License-Identifier: Apache-2.0
 * The tables of spec/registry.md against those of the code, row by row and in both directions; and that every status
 * that the specification names exists. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "mote/package.h"
#include "mote/registry.h"
#include "mote/status.h"
#include "mote/version.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

typedef struct row {
    char cell[4][160];
    bool seen;
} row;

typedef struct table {
    row rows[128];
    size_t n;
} table;

static FILE *open_spec(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", MOTE_SPEC, name);
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s", path);
    return f;
}

/* Without blanks and backquotes around it. */
static void clean(char *cell)
{
    size_t n = strlen(cell);
    while (n && strchr(" `\n", cell[n - 1])) cell[--n] = '\0';
    size_t skip = strspn(cell, " `");
    memmove(cell, cell + skip, n - (skip < n ? skip : n) + 1);
}

/* The first table below the heading that begins so; k: the k-th table there. */
static void read_table(table *t, const char *heading, unsigned k)
{
    FILE *f = open_spec("registry.md");
    char line[700];
    bool here = false, inside = false;
    t->n = 0;
    while (fgets(line, sizeof line, f)) {
        if (line[0] == '#') {
            if (here) break;
            here = strncmp(line, heading, strlen(heading)) == 0;
        }
        if (!here) continue;
        if (line[0] != '|') {
            if (inside && k-- == 0) break;
            inside = false;
            continue;
        }
        if (!inside) { /* the header; then the rule below it */
            inside = true;
            ck_assert(fgets(line, sizeof line, f) && strncmp(line, "|---", 4) == 0);
            t->n = 0;
            continue;
        }
        row *r = &t->rows[t->n++];
        ck_assert(t->n < N(t->rows));
        memset(r, 0, sizeof *r);
        char *at = line + 1;
        for (unsigned c = 0; c < 4; c++) {
            char *end = strchr(at, '|');
            if (!end) break;
            snprintf(r->cell[c], sizeof r->cell[c], "%.*s", (int)(end - at), at);
            clean(r->cell[c]);
            at = end + 1;
        }
    }
    fclose(f);
    ck_assert_msg(t->n > 0, "no table below %s", heading);
}

/* The row that begins with these cells; each may be asked for once. */
static void find(table *t, const char *a, const char *b, const char *c)
{
    for (size_t i = 0; i < t->n; i++) {
        row *r = &t->rows[i];
        if (strcmp(r->cell[0], a) != 0) continue;
        ck_assert_msg(strcmp(r->cell[1], b) == 0 && (!c || strcmp(r->cell[2], c) == 0), "%s: %s %s, the code has %s %s",
                      a, r->cell[1], r->cell[2], b, c ? c : "");
        ck_assert_msg(!r->seen, "%s: twice", a);
        r->seen = true;
        return;
    }
    ck_abort_msg("no row %s %s", a, b);
}

static void all_found(const table *t, const char *what)
{
    for (size_t i = 0; i < t->n; i++)
        ck_assert_msg(t->rows[i].seen, "%s: the code has no %s %s", what, t->rows[i].cell[0], t->rows[i].cell[1]);
}

static const char *number(long v)
{
    static char text[4][24];
    static unsigned k;
    k = (k + 1) % 4;
    snprintf(text[k], sizeof text[k], "%ld", v);
    return text[k];
}

START_TEST(dtypes_are_those_of_the_registry)
{
    static const struct {
        unsigned id;
        const char *name;
        unsigned bits;
    } rows[] = {
#define MOTE_DTYPE(id, NAME, text, bits) { MOTE_##NAME, text, bits },
#include "base/registry.def"
    };
    static const unsigned ids[] = {
#define MOTE_DTYPE(id, NAME, text, bits) id,
#include "base/registry.def"
    };
    table t;
    read_table(&t, "## 1 Dtypes", 0);
    for (size_t i = 0; i < N(rows); i++) {
        ck_assert_uint_eq(ids[i], rows[i].id); /* the enum of registry.h */
        ck_assert_uint_eq(mote_dtype_bits(ids[i]), rows[i].bits);
        ck_assert_str_eq(mote_dtype_name(ids[i]), rows[i].name);
        find(&t, number((long)ids[i]), rows[i].name, number((long)rows[i].bits));
    }
    all_found(&t, "dtypes");
    ck_assert(mote_dtype_bits(0) == 0 && mote_dtype_bits(26) == 0 && mote_dtype_bits(256 + 12) == 0);
    ck_assert_str_eq(mote_dtype_name(26), "?");
}
END_TEST

START_TEST(ids_are_those_of_the_registry)
{
    static const struct {
        unsigned id;
        const char *name;
        int state;
    } rows[] = {
#define MOTE_ID(id, NAME, text, state) { id, text, state },
#include "base/registry.def"
    };
    table layouts, numerics, coders, features;
    read_table(&layouts, "### 3.1", 0);
    read_table(&numerics, "### 3.2", 0);
    read_table(&coders, "### 3.3", 0);
    read_table(&features, "### 3.4", 0);
    mote_needs built = mote_needs_of_build(true);
    for (size_t i = 0; i < N(rows); i++) {
        table *t = rows[i].id < 32 ? &layouts : rows[i].id < 96 ? &numerics : rows[i].id < 112 ? &coders : &features;
        find(t, number((long)rows[i].id), rows[i].name, rows[i].state ? "implemented" : "reserved");
        ck_assert_str_eq(mote_id_name(rows[i].id), rows[i].name);
        ck_assert_int_eq(mote_needs_has(&built, rows[i].id), rows[i].state);
    }
    all_found(&layouts, "layouts");
    all_found(&numerics, "numerics");
    all_found(&coders, "coders");
    all_found(&features, "features");
    ck_assert_str_eq(mote_id_name(0), "?");
    ck_assert_str_eq(mote_id_name(30), "?");
    ck_assert_str_eq(mote_id_name(128), "?");
    static const unsigned named[][2] = {
        { MOTE_LAYOUT_DENSE, 1 },     { MOTE_LAYOUT_BITMASK, 2 },   { MOTE_LAYOUT_CSR, 3 },
        { MOTE_LAYOUT_LOWRANK, 4 },   { MOTE_LAYOUT_SUM, 31 },      { MOTE_NUM_STORED, 32 },
        { MOTE_NUM_FLOAT, 33 },       { MOTE_NUM_INT, 34 },         { MOTE_NUM_AFFINE, 35 },
        { MOTE_NUM_TRELLIS, 36 },     { MOTE_NUM_CODEBOOK, 37 },    { MOTE_CODER_STORED, 96 },
        { MOTE_CODER_CONSTANT, 97 },  { MOTE_CODER_RANS1, 98 },     { MOTE_CODER_RANS8, 99 },
        { MOTE_CODER_RANS32, 100 },   { MOTE_CODER_ZSTD, 101 },     { MOTE_CODER_ADAPTIVE1, 102 },
        { MOTE_FEATURE_ZEROS, 112 },  { MOTE_FEATURE_GROUPS, 113 }, { MOTE_FEATURE_BITS_16, 114 },
        { MOTE_FEATURE_FOLDED, 115 }, { MOTE_FEATURE_PACKED, 116 }, { MOTE_FEATURE_STATES, 117 },
    };
    unsigned implemented = 0;
    for (size_t i = 0; i < N(rows); i++) implemented += rows[i].state != 0;
    ck_assert_uint_eq(implemented, N(named));
    for (size_t i = 0; i < N(named); i++) ck_assert_uint_eq(named[i][0], named[i][1]);
}
END_TEST

START_TEST(statuses_are_those_of_the_registry)
{
    static const struct {
        const char *name;
        int value;
        const char *text;
    } rows[] = {
#define ROW(name, value, text) { #name, value, text },
        MOTE_STATUS_TABLE(ROW)
#undef ROW
    };
    table t;
    read_table(&t, "## 7 Statuses", 0);
    for (size_t i = 0; i < N(rows); i++) {
        find(&t, number(rows[i].value), rows[i].name, rows[i].text);
        ck_assert_str_eq(mote_status_name((mote_status)rows[i].value), rows[i].name);
        ck_assert_str_eq(mote_status_text((mote_status)rows[i].value), rows[i].text);
        for (size_t j = 0; j < i; j++)
            ck_assert(rows[i].value != rows[j].value && strcmp(rows[i].name, rows[j].name) != 0);
    }
    all_found(&t, "statuses");
    ck_assert_str_eq(mote_status_name((mote_status)-99), "?");
    ck_assert_str_eq(mote_status_text((mote_status)3), "?");
}
END_TEST

START_TEST(small_tables_are_those_of_the_registry)
{
    table t;
    read_table(&t, "## 2 Kinds", 0);
    find(&t, number(MOTE_KIND_TENSOR), "tensor", NULL);
    find(&t, number(MOTE_KIND_BLOB), "blob", NULL);
    find(&t, number(MOTE_KIND_TEXT), "text", NULL);
    all_found(&t, "kinds");
    read_table(&t, "## 4 Record types", 0);
    find(&t, number(MOTE_RECORD_ENTRY), "entry", NULL);
    find(&t, number(MOTE_RECORD_HEAD), "head", NULL);
    find(&t, number(MOTE_RECORD_RESIDENT), "resident", NULL);
    find(&t, number(MOTE_RECORD_SEGMENT), "segment", NULL);
    all_found(&t, "record types");
    read_table(&t, "## 5 Signatures", 0);
    find(&t, number(MOTE_ALG_ED25519), "Ed25519", NULL);
    all_found(&t, "algorithms");
    read_table(&t, "## 5 Signatures", 1);
    find(&t, number(MOTE_ROLE_RELEASE_KEY), "release", "implemented");
    find(&t, number(MOTE_ROLE_APPROVAL_KEY), "approval", "implemented");
    find(&t, "3", "key list", "reserved");
    all_found(&t, "roles");
}
END_TEST

START_TEST(roles_of_digests_are_those_of_the_registry)
{
    static const struct {
        const char *role;
    } rows[] = {
        { MOTE_ROLE_MANIFEST }, { MOTE_ROLE_PAGE }, { MOTE_ROLE_CHUNK }, { MOTE_ROLE_KEY }, { MOTE_ROLE_TENSOR }
    };
    table t;
    read_table(&t, "## 6 Roles", 0);
    ck_assert_uint_eq(t.n, N(rows));
    for (size_t i = 0; i < N(rows); i++) {
        uint8_t padded[16] = { 0 };
        memcpy(padded, t.rows[i].cell[0], strlen(t.rows[i].cell[0]));
        ck_assert_mem_eq(padded, rows[i].role, 16);
    }
}
END_TEST

/* Words of capitals in backquotes are statuses: a misspelt one is found. */
START_TEST(statuses_named_by_the_specification_exist)
{
    static const char *const files[] = { "format.md", "codecs.md" };
    for (size_t i = 0; i < N(files); i++) {
        FILE *f = open_spec(files[i]);
        char line[1000];
        size_t found = 0;
        while (fgets(line, sizeof line, f)) {
            for (char *at = line; (at = strchr(at, '`')) != NULL;) {
                size_t n = strspn(++at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_8");
                if (n < 4 || at[n] != '`') {
                    at = strchr(at, '`');
                    if (!at) break;
                    at++;
                    continue;
                }
                char name[64];
                snprintf(name, sizeof name, "ERR_%.*s", (int)n, at);
                bool known = false;
#define ROW(status, value, text) known |= strcmp(name, #status) == 0;
                MOTE_STATUS_TABLE(ROW)
#undef ROW
                ck_assert_msg(known, "%s names %s", files[i], name + 4);
                found++;
                at += n + 1;
            }
        }
        fclose(f);
        ck_assert_uint_gt(found, 40);
    }
}
END_TEST

START_TEST(versions_are_those_of_the_format)
{
    ck_assert(MOTE_FORMAT_VERSION == 1 && MOTE_FORMAT_SUITE == 1);
    char text[32];
    snprintf(text, sizeof text, "%d.%d.%d", MOTE_VERSION_MAJOR, MOTE_VERSION_MINOR, MOTE_VERSION_PATCH);
    ck_assert_str_eq(text, MOTE_VERSION);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("spec");
    TCase *tc = tcase_create("registry");
    tcase_add_test(tc, dtypes_are_those_of_the_registry);
    tcase_add_test(tc, ids_are_those_of_the_registry);
    tcase_add_test(tc, statuses_are_those_of_the_registry);
    tcase_add_test(tc, small_tables_are_those_of_the_registry);
    tcase_add_test(tc, roles_of_digests_are_those_of_the_registry);
    tcase_add_test(tc, statuses_named_by_the_specification_exist);
    tcase_add_test(tc, versions_are_those_of_the_format);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    SRunner *sr = srunner_create(suite());
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
