/* SPDX-License-Identifier: Apache-2.0
 * Writing model files: every type goes through every exporter and back, and outputs appear whole or not at all. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/le.h"
#include "model/npz_write.h"
#include "model_check.h"

static char scratch[64];

static void make_scratch(void)
{
    (void)snprintf(scratch, sizeof scratch, "mote_model_XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(scratch));
}

static size_t count_entries(const char *path)
{
    DIR *dir = opendir(path);
    ck_assert_ptr_nonnull(dir);
    size_t n = 0;
    for (const struct dirent *d = readdir(dir); d != NULL; d = readdir(dir))
        n += strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
    (void)closedir(dir);
    return n;
}

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *walk)
{
    (void)s;
    (void)type;
    (void)walk;
    return remove(path);
}

static void remove_scratch(void)
{
    (void)nftw(scratch, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static bytes slurp(const char *path)
{
    bytes b = { 0 };
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s is not there", path);
    uint8_t buffer[65536];
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, f)) > 0;) append(&b, buffer, n);
    ck_assert_int_eq(fclose(f), 0);
    return b;
}

static mote_model_tensor tensor(const char *name, mote_dtype dtype, unsigned rank, uint64_t a, uint64_t b, uint64_t c)
{
    mote_model_tensor t = { .name = name, .dtype = dtype, .rank = rank, .shape = { a, b, c }, .elements = 1 };
    if (rank > 3)
        for (unsigned d = 3; d < rank; d++) t.shape[d] = 1;
    for (unsigned d = 0; d < rank; d++) t.elements *= t.shape[d];
    for (unsigned d = rank; d < 3; d++) t.shape[d] = 0;
    t.bytes = (t.elements * mote_dtype_bits((unsigned)dtype) + 7) / 8;
    return t;
}

static uint8_t pattern(size_t i, size_t k)
{
    return (uint8_t)(i * 31 + k * 13 + 5);
}

static mote_status write_all(mote_export_format format, const char *path, const mote_model_tensor *t, size_t n,
                             const char *metadata, mote_model_error *error)
{
    mote_export *e = NULL;
    mote_status st = mote_export_begin(&e, format, path, t, n, metadata, error);
    if (st != MOTE_OK) {
        ck_assert_ptr_null(e);
        return st;
    }
    for (size_t i = n; i-- > 0;) { /* in another order than the file's */
        uint8_t *data = NULL;
        ck_assert_int_eq(mote_export_map(e, i, &data), MOTE_OK);
        ck_assert_ptr_nonnull(data);
        for (size_t k = 0; k < t[i].bytes; k++) {
            ck_assert_uint_eq(data[k], 0);
            data[k] = pattern(i, k);
        }
        ck_assert_int_eq(mote_export_done(e, i), MOTE_OK);
    }
    return mote_export_commit(e, error);
}

/* t, in the order written, must be what the file holds. */
static void must_match(const char *name, mote_model *m, const mote_model_tensor *t, size_t n)
{
    size_t count;
    const mote_model_tensor *got = mote_model_tensors(m, &count);
    ck_assert_msg(count == n, "%s: %zu tensors", name, count);
    for (size_t i = 0; i < n; i++) {
        size_t j = 0;
        while (j < n && strcmp(got[j].name, t[i].name) != 0) j++;
        ck_assert_msg(j < n, "%s: no tensor \"%s\"", name, t[i].name);
        ck_assert_msg(got[j].dtype == t[i].dtype && got[j].rank == t[i].rank && got[j].bytes == t[i].bytes &&
                          memcmp(got[j].shape, t[i].shape, t[i].rank * sizeof(uint64_t)) == 0,
                      "%s: \"%s\" is another", name, t[i].name);
        const uint8_t *data;
        ck_assert_int_eq(mote_model_data(m, j, &data, NULL), MOTE_OK);
        for (size_t k = 0; k < t[i].bytes; k++)
            ck_assert_msg(data[k] == pattern(i, k), "%s: \"%s\" differs at byte %zu", name, t[i].name, k);
        mote_model_release(m, j);
    }
}

/* Every type: what becomes of it in npy. NULL: it cannot be written; V: it can, but not read back. */
/* clang-format off */
static const struct { mote_dtype dtype; bool safetensors; const char *descr; } every_type[] = {
    { MOTE_BOOL, true, "'|b1'" }, { MOTE_U8, true, "'|u1'" }, { MOTE_I8, true, "'|i1'" }, { MOTE_U16, true, "'<u2'" },
    { MOTE_I16, true, "'<i2'" }, { MOTE_U32, true, "'<u4'" }, { MOTE_I32, true, "'<i4'" }, { MOTE_U64, true, "'<u8'" },
    { MOTE_I64, true, "'<i8'" }, { MOTE_F16, true, "'<f2'" }, { MOTE_BF16, true, "'<V2'" }, { MOTE_F32, true, "'<f4'" },
    { MOTE_F64, true, "'<f8'" }, { MOTE_F8_E4M3, true, "'<V1'" }, { MOTE_F8_E5M2, true, "'<V1'" },
    { MOTE_F8_E4M3FNUZ, true, "'<V1'" }, { MOTE_F8_E5M2FNUZ, true, "'<V1'" }, { MOTE_F8_E8M0, true, "'<V1'" },
    { MOTE_F6_E2M3, true, NULL }, { MOTE_F6_E3M2, true, NULL }, { MOTE_F4, true, NULL }, { MOTE_U4, false, NULL },
    { MOTE_I4, false, NULL }, { MOTE_C64, true, "'<c8'" }, { MOTE_C128, false, "'<c16'" },
};
/* clang-format on */

static bool contains(const bytes *b, const char *text)
{
    return memmem(b->p, b->n, text, strlen(text)) != NULL;
}

START_TEST(every_type_goes_through_every_exporter)
{
    const mote_dtype dtype = every_type[_i].dtype;
    const char *name = mote_dtype_name((unsigned)dtype), *descr = every_type[_i].descr;
    ck_assert_uint_eq(N(every_type), MOTE_C128); /* a new type needs a row */
    const mote_model_tensor t[] = {
        tensor("w", dtype, 3, 4, 2, 5),
        tensor("eight", dtype, 8, 2, 1, 4),
        tensor("none", dtype, 2, 0, 7, 0),
        tensor("vector", dtype, 1, 8, 0, 0),
        tensor("a/../b.\xc3\xa9", dtype, 2, 4, 4, 0),
    };
    char path[128];
    mote_model_error error;
    make_scratch();

    (void)snprintf(path, sizeof path, "%s/out.safetensors", scratch);
    mote_status st = write_all(MOTE_EXPORT_SAFETENSORS, path, t, N(t), "{\"b\": \"1\", \"a\": \"x\"}", &error);
    if (every_type[_i].safetensors) {
        ck_assert_msg(st == MOTE_OK, "%s: %s", name, error.text);
        const bytes file = slurp(path);
        ck_assert_uint_eq(mote_le64(file.p) % 8, 0);
        mote_model *m = must_open(name, &file);
        must_match(name, m, t, N(t));
        ck_assert_str_eq(mote_model_metadata(m), "{\"a\":\"x\",\"b\":\"1\"}");
        mote_model_close(m);
        free(file.p);
    } else {
        ck_assert_msg(st == MOTE_ERR_UNSUPPORTED && strstr(error.text, name) != NULL, "%s in safetensors: %d", name,
                      st);
    }

    (void)snprintf(path, sizeof path, "%s/out.npz", scratch);
    st = write_all(MOTE_EXPORT_NPZ, path, t, N(t), NULL, &error);
    if (descr != NULL) {
        ck_assert_msg(st == MOTE_OK, "%s: %s", name, error.text);
        const bytes file = slurp(path);
        ck_assert_msg(contains(&file, descr), "%s: no %s in the npz", name, descr);
        if (descr[2] == 'V') {
            must_refuse(name, &file, MOTE_ERR_MODEL, "convert them first");
        } else {
            mote_model *m = must_open(name, &file);
            must_match(name, m, t, N(t));
            mote_model_close(m);
        }
        free(file.p);
    } else {
        ck_assert_msg(st == MOTE_ERR_UNSUPPORTED && strstr(error.text, name) != NULL, "%s in npz: %d", name, st);
    }

    (void)snprintf(path, sizeof path, "%s/out", scratch);
    st = write_all(MOTE_EXPORT_DIR, path, t, N(t), NULL, &error);
    if (descr != NULL) {
        ck_assert_msg(st == MOTE_OK, "%s: %s", name, error.text);
        ck_assert_uint_eq(count_entries(path), N(t));
        static const char *const files[] = { "w", "eight", "none", "vector", "a%2F..%2Fb.%C3%A9" };
        for (size_t i = 0; i < N(t); i++) {
            char inner[256];
            (void)snprintf(inner, sizeof inner, "%s/%s.npy", path, files[i]);
            const bytes file = slurp(inner);
            ck_assert_msg(contains(&file, descr), "%s: no %s in the npy", name, descr);
            ck_assert_uint_eq((file.n - t[i].bytes) % 64, 0);
            for (size_t k = 0; k < t[i].bytes; k++) ck_assert_uint_eq(file.p[file.n - t[i].bytes + k], pattern(i, k));
            if (descr[2] != 'V') {
                mote_model *m = must_open(name, &file);
                mote_model_close(m);
            }
            free(file.p);
        }
    } else {
        ck_assert_msg(st == MOTE_ERR_UNSUPPORTED && strstr(error.text, name) != NULL, "%s in a folder: %d", name, st);
    }
    const size_t outputs = (every_type[_i].safetensors ? 1u : 0u) + (descr != NULL ? 2u : 0u);
    ck_assert_msg(count_entries(scratch) == outputs, "%s: something was left behind", name);
    remove_scratch();
}
END_TEST

START_TEST(scalars_go_through_every_exporter)
{
    const mote_model_tensor t[] = { tensor("s", MOTE_F32, 0, 0, 0, 0), tensor("b", MOTE_BOOL, 0, 0, 0, 0) };
    char path[128];
    make_scratch();
    for (int format = MOTE_EXPORT_SAFETENSORS; format <= MOTE_EXPORT_NPZ; format++) {
        (void)snprintf(path, sizeof path, "%s/out%d", scratch, format);
        ck_assert_int_eq(write_all((mote_export_format)format, path, t, N(t), NULL, NULL), MOTE_OK);
        const bytes file = slurp(path);
        mote_model *m = must_open("scalars", &file);
        must_match("scalars", m, t, N(t));
        mote_model_close(m);
        free(file.p);
    }
    (void)snprintf(path, sizeof path, "%s/dir/", scratch); /* a slash at the end is fine */
    ck_assert_int_eq(write_all(MOTE_EXPORT_DIR, path, t, N(t), NULL, NULL), MOTE_OK);
    ck_assert_uint_eq(count_entries(path), 2);
    ck_assert_int_eq(write_all(MOTE_EXPORT_DIR, path, t, N(t), NULL, NULL), MOTE_ERR_IO); /* not empty now */
    ck_assert_int_eq(errno, ENOTEMPTY);
    (void)snprintf(path, sizeof path, "%s/empty", scratch);
    ck_assert_int_eq(mkdir(path, 0777), 0);
    ck_assert_int_eq(write_all(MOTE_EXPORT_DIR, path, t, 1, NULL, NULL), MOTE_OK); /* an empty one is replaced */
    ck_assert_uint_eq(count_entries(path), 1);
    ck_assert_uint_eq(count_entries(scratch), 4);
    remove_scratch();
}
END_TEST

START_TEST(outputs_without_tensors_are_whole)
{
    char path[128];
    make_scratch();
    for (int format = MOTE_EXPORT_SAFETENSORS; format <= MOTE_EXPORT_NPZ; format++) {
        (void)snprintf(path, sizeof path, "%s/out%d", scratch, format);
        ck_assert_int_eq(write_all((mote_export_format)format, path, NULL, 0, NULL, NULL), MOTE_OK);
        const bytes file = slurp(path);
        mote_model *m = must_open("empty", &file);
        must_match("empty", m, NULL, 0);
        mote_model_close(m);
        free(file.p);
    }
    (void)snprintf(path, sizeof path, "%s/dir", scratch);
    ck_assert_int_eq(write_all(MOTE_EXPORT_DIR, path, NULL, 0, NULL, NULL), MOTE_OK);
    ck_assert_uint_eq(count_entries(path), 0);
    remove_scratch();
}
END_TEST

/* D27: whatever a tensor is called, its file lies in the folder and no two share one. */
/* clang-format off */
static const struct { const char *name, *file; } file_names[] = {
    { "a", "a.npy" }, { "layer.0.weight", "layer.0.weight.npy" }, { "a-b_C9", "a-b_C9.npy" },
    { "../x", "%2E.%2Fx.npy" }, { "/etc/passwd", "%2Fetc%2Fpasswd.npy" }, { ".", "%2E.npy" }, { "..", "%2E..npy" },
    { ".hidden", "%2Ehidden.npy" }, { "a/b", "a%2Fb.npy" }, { "a%2Fb", "a%252Fb.npy" }, { "a\\b", "a%5Cb.npy" },
    { "a b", "a%20b.npy" }, { "~", "%7E.npy" }, { "a:b", "a%3Ab.npy" }, { "\xc3\xa9", "%C3%A9.npy" }, { "*?", "%2A%3F.npy" },
    { NAME_50 NAME_50 NAME_50 NAME_50, NAME_50 NAME_50 NAME_50 NAME_50 ".npy" },
    { NAME_50 NAME_50 NAME_50 NAME_50 "x", NAME_50 NAME_50 NAME_50 NAME_50 "%-17.npy" },
    { NAME_50 NAME_50 NAME_50 NAME_50 "y", NAME_50 NAME_50 NAME_50 NAME_50 "%-18.npy" },
    { NAME_50 NAME_50 NAME_50 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeee/f", NAME_50 NAME_50 NAME_50 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeee%-19.npy" },
    { NAME_255, NAME_50 NAME_50 NAME_50 NAME_50 "%-20.npy" },
};
/* clang-format on */

START_TEST(folder_names_are_never_paths)
{
    mote_model_tensor t[N(file_names)];
    for (size_t i = 0; i < N(t); i++) t[i] = tensor(file_names[i].name, MOTE_U16, 1, i, 0, 0);
    char path[128], inner[512];
    make_scratch();
    (void)snprintf(path, sizeof path, "%s/out", scratch);
    ck_assert_int_eq(write_all(MOTE_EXPORT_DIR, path, t, N(t), NULL, NULL), MOTE_OK);
    ck_assert_uint_eq(count_entries(scratch), 1);
    ck_assert_uint_eq(count_entries(path), N(t));
    for (size_t i = 0; i < N(t); i++) {
        (void)snprintf(inner, sizeof inner, "%s/%s", path, file_names[i].file);
        const bytes file = slurp(inner);
        mote_model *m = must_open(file_names[i].name, &file);
        size_t n;
        ck_assert_uint_eq(mote_model_tensors(m, &n)->elements, i);
        mote_model_close(m);
        free(file.p);
    }
    remove_scratch();
}
END_TEST

START_TEST(outputs_repeat_and_keep_the_umask)
{
    const mote_model_tensor t[] = { tensor("b", MOTE_F32, 2, 300, 17, 0), tensor("a", MOTE_U8, 1, 3, 0, 0),
                                    tensor("c", MOTE_F64, 1, 5, 0, 0) };
    char path[2][128];
    make_scratch();
    const mode_t mask = umask(027);
    for (int format = MOTE_EXPORT_SAFETENSORS; format <= MOTE_EXPORT_NPZ; format++) {
        bytes file[2];
        for (size_t k = 0; k < 2; k++) {
            (void)snprintf(path[k], sizeof path[k], "%s/out%d.%zu", scratch, format, k);
            ck_assert_int_eq(write_all((mote_export_format)format, path[k], t, N(t), NULL, NULL), MOTE_OK);
            struct stat s;
            ck_assert_int_eq(stat(path[k], &s), 0);
            ck_assert_uint_eq(s.st_mode & 0777, 0640);
            file[k] = slurp(path[k]);
        }
        ck_assert(file[0].n == file[1].n && memcmp(file[0].p, file[1].p, file[0].n) == 0);
        if (format == MOTE_EXPORT_SAFETENSORS) { /* the caller's order, not that of the names */
            const char *header = (const char *)file[0].p + 8;
            ck_assert_int_eq(
                strncmp(header, "{" T("b", "F32", "[300,17]", 0, 20400) "," T("a", "U8", "[3]", 20400, 20403) ",", 100),
                0);
        }
        free(file[0].p);
        free(file[1].p);
    }
    (void)umask(mask);
    remove_scratch();
}
END_TEST

/* clang-format off */
static const struct { const char *name; mote_export_format format; mote_dtype dtype; const char *tensor, *other; uint64_t dim; const char *metadata; mote_status st; const char *says; } bad_exports[] = {
    { "name without a byte", MOTE_EXPORT_NPZ, MOTE_U8, "", "x", 1, NULL, MOTE_ERR_ARG, "tensor 0" },
    { "name of 256 bytes", MOTE_EXPORT_DIR, MOTE_U8, NAME_255 "6", "x", 1, NULL, MOTE_ERR_ARG, "tensor 0" },
    { "control character", MOTE_EXPORT_NPZ, MOTE_U8, "a\n", "x", 1, NULL, MOTE_ERR_ARG, "tensor 0" },
    { "not UTF-8", MOTE_EXPORT_SAFETENSORS, MOTE_U8, "\x80", "x", 1, NULL, MOTE_ERR_ARG, "tensor 0" },
    { "no type", MOTE_EXPORT_SAFETENSORS, (mote_dtype)99, "a", "x", 1, NULL, MOTE_ERR_ARG, "tensor 0" },
    { "same name twice", MOTE_EXPORT_NPZ, MOTE_U8, "x", "x", 1, NULL, MOTE_ERR_ARG, "two tensors" },
    { "reserved name", MOTE_EXPORT_SAFETENSORS, MOTE_U8, "__metadata__", "x", 1, NULL, MOTE_ERR_UNSUPPORTED, "__metadata__" },
    { "half a byte", MOTE_EXPORT_SAFETENSORS, MOTE_F4, "a", "x", 3, NULL, MOTE_ERR_UNSUPPORTED, "3 elements of type F4" },
    { "metadata are no JSON", MOTE_EXPORT_SAFETENSORS, MOTE_U8, "a", "x", 1, "{", MOTE_ERR_ARG, "metadata" },
    { "metadata are a list", MOTE_EXPORT_SAFETENSORS, MOTE_U8, "a", "x", 1, "[]", MOTE_ERR_ARG, "metadata" },
    { "metadata with a number", MOTE_EXPORT_SAFETENSORS, MOTE_U8, "a", "x", 1, "{\"a\":1}", MOTE_ERR_ARG, "metadata" },
    { "metadata with a key twice", MOTE_EXPORT_SAFETENSORS, MOTE_U8, "a", "x", 1, "{\"a\":\"1\",\"a\":\"2\"}", MOTE_ERR_ARG, "metadata" },
    { "more than any disk, safetensors", MOTE_EXPORT_SAFETENSORS, MOTE_U8, "a", "x", (uint64_t)1 << 59, NULL, MOTE_ERR_IO, "cannot write" },
    { "more than any disk, npz", MOTE_EXPORT_NPZ, MOTE_U8, "a", "x", (uint64_t)1 << 59, NULL, MOTE_ERR_IO, "cannot write" },
    { "more than any disk, folder", MOTE_EXPORT_DIR, MOTE_U8, "a", "x", (uint64_t)1 << 59, NULL, MOTE_ERR_IO, "cannot write" },
};
/* clang-format on */

START_TEST(export_refuses_table)
{
    const char *name = bad_exports[_i].name;
    mote_model_tensor t[2] = { tensor(bad_exports[_i].tensor, bad_exports[_i].dtype, 1, bad_exports[_i].dim, 0, 0),
                               tensor(bad_exports[_i].other, bad_exports[_i].dtype, 1, bad_exports[_i].dim, 0, 0) };
    char path[128];
    mote_model_error error = { .text = "" };
    mote_export *e = NULL;
    make_scratch();
    (void)snprintf(path, sizeof path, "%s/out", scratch);
    const mote_status st = mote_export_begin(&e, bad_exports[_i].format, path, t, 2, bad_exports[_i].metadata, &error);
    ck_assert_msg(st == bad_exports[_i].st && e == NULL, "%s: status %d", name, st);
    ck_assert_msg(strstr(error.text, bad_exports[_i].says) != NULL, "%s: %s", name, error.text);
    ck_assert_msg(count_entries(scratch) == 0, "%s: something was left behind", name);
    remove_scratch();
}
END_TEST

/* D4: sizes that are possible one by one, but whose sum wraps. */
START_TEST(export_refuses_sums_that_wrap)
{
    static char names[40][4];
    mote_model_tensor t[40];
    for (size_t i = 0; i < N(t); i++) {
        (void)snprintf(names[i], sizeof names[i], "%zu", i);
        t[i] = tensor(names[i], MOTE_U8, 1, ((uint64_t)1 << 60) - 1, 0, 0);
    }
    char path[128];
    mote_export *e = NULL;
    mote_model_error error;
    make_scratch();
    (void)snprintf(path, sizeof path, "%s/out", scratch);
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_SAFETENSORS, path, t, N(t), NULL, &error), MOTE_ERR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.text, "2^63"));
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_NPZ, path, t, N(t), NULL, &error), MOTE_ERR_IO);
    ck_assert_int_eq(errno, EFBIG);
    ck_assert(e == NULL && count_entries(scratch) == 0);
    remove_scratch();
}
END_TEST

START_TEST(export_refuses_a_header_that_none_would_read)
{
    enum { LONG = 100000000 - 24 + 1 }; /* with {"__metadata__":{"a":""}} around it one byte too many */
    char *metadata = malloc(LONG + 16);
    ck_assert_ptr_nonnull(metadata);
    memset(metadata, 'x', LONG + 8);
    memcpy(metadata, "{\"a\":\"", 6);
    memcpy(metadata + 6 + LONG, "\"}", 3);
    mote_export *e = NULL;
    mote_model_error error;
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_SAFETENSORS, "never", NULL, 0, metadata, &error),
                     MOTE_ERR_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.text, "100000008 bytes"));
    ck_assert_int_ne(access("never", F_OK), 0);
    free(metadata);
}
END_TEST

START_TEST(export_refuses_sizes_that_do_not_follow)
{
    mote_model_tensor t = tensor("a", MOTE_F32, 2, 3, 5, 0);
    mote_export *e;
    t.bytes--;
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_NPZ, "never", &t, 1, NULL, NULL), MOTE_ERR_ARG);
    t = tensor("a", MOTE_F32, 2, 3, 5, 0);
    t.elements = 14;
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_NPZ, "never", &t, 1, NULL, NULL), MOTE_ERR_ARG);
    t = tensor("a", MOTE_F32, 2, 3, 5, 0);
    t.rank = 9;
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_NPZ, "never", &t, 1, NULL, NULL), MOTE_ERR_ARG);
    t = tensor("a", MOTE_U8, 2, 0, 0, 0);
    t.shape[0] = t.shape[1] = (uint64_t)1 << 32; /* D3: the product wraps to the stated 0 */
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_NPZ, "never", &t, 1, NULL, NULL), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_export_begin(NULL, MOTE_EXPORT_NPZ, "never", NULL, 0, NULL, NULL), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_NPZ, "", NULL, 0, NULL, NULL), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_NPZ, NULL, NULL, 0, NULL, NULL), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_export_begin(&e, (mote_export_format)3, "never", NULL, 0, NULL, NULL), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_NPZ, "never", NULL, 1, NULL, NULL), MOTE_ERR_ARG);
    ck_assert_int_ne(access("never", F_OK), 0);
}
END_TEST

/* Places where an output cannot be: the errno tells why. */
START_TEST(export_refuses_places)
{
    const mote_model_tensor t = tensor("a", MOTE_F32, 2, 3, 5, 0);
    char path[160], file[128], folder[128];
    make_scratch();
    (void)snprintf(file, sizeof file, "%s/file", scratch);
    (void)snprintf(folder, sizeof folder, "%s/folder", scratch);
    const int fd = open(file, O_CREAT | O_WRONLY, 0600);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    const struct {
        const char *name, *path;
        mote_export_format format;
        int reason;
    } rows[] = {
        { "a device", "/dev/null", MOTE_EXPORT_SAFETENSORS, EEXIST },
        { "a full device", "/dev/full", MOTE_EXPORT_NPZ, EEXIST },
        { "a folder", folder, MOTE_EXPORT_SAFETENSORS, EISDIR },
        { "a folder, for npz", folder, MOTE_EXPORT_NPZ, EISDIR },
        { "a file, for a folder", file, MOTE_EXPORT_DIR, ENOTDIR },
        { "the root folder", "/", MOTE_EXPORT_DIR, ENOTEMPTY },
    };
    for (size_t i = 0; i < N(rows); i++) {
        mote_export *e = NULL;
        errno = 0;
        ck_assert_msg(mote_export_begin(&e, rows[i].format, rows[i].path, &t, 1, NULL, NULL) == MOTE_ERR_IO,
                      "%s: accepted", rows[i].name);
        ck_assert_msg(errno == rows[i].reason && e == NULL, "%s: errno %d", rows[i].name, errno);
    }
    for (int format = MOTE_EXPORT_SAFETENSORS; format <= MOTE_EXPORT_DIR; format++) {
        mote_export *e = NULL;
        (void)snprintf(path, sizeof path, "%s/nowhere/out", scratch);
        ck_assert_int_eq(mote_export_begin(&e, (mote_export_format)format, path, &t, 1, NULL, NULL), MOTE_ERR_IO);
        ck_assert_int_eq(errno, ENOENT);
        (void)snprintf(path, sizeof path, "%s/out", file);
        ck_assert_int_eq(mote_export_begin(&e, (mote_export_format)format, path, &t, 1, NULL, NULL), MOTE_ERR_IO);
        ck_assert_int_eq(errno, ENOTDIR);
        ck_assert_ptr_null(e);
    }
    ck_assert_uint_eq(count_entries(scratch), 2);
    ck_assert_uint_eq(count_entries(folder), 0);
    remove_scratch();
}
END_TEST

/* No room: found when the output begins, not as a SIGBUS later. The limit on files stands in for a full disk. */
START_TEST(export_finds_a_full_disk_first)
{
    const mote_model_tensor t[] = { tensor("a", MOTE_U8, 1, 100, 0, 0), tensor("b", MOTE_U8, 1, 100000, 0, 0) };
    char path[128];
    make_scratch();
    (void)signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit, old;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit = old;
    limit.rlim_cur = 65536;
    for (int format = MOTE_EXPORT_SAFETENSORS; format <= MOTE_EXPORT_DIR; format++) {
        (void)snprintf(path, sizeof path, "%s/out", scratch);
        mote_export *e = NULL;
        mote_model_error error = { .text = "" };
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
        const mote_status st = mote_export_begin(&e, (mote_export_format)format, path, t, N(t), NULL, &error);
        const int reason = errno;
        ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
        ck_assert_msg(st == MOTE_ERR_IO && reason == EFBIG && e == NULL, "format %d: %d, errno %d", format, st, reason);
        ck_assert_ptr_nonnull(strstr(error.text, path));
        ck_assert_uint_eq(count_entries(scratch), 0);
    }
    remove_scratch();
}
END_TEST

START_TEST(unfinished_outputs_leave_nothing)
{
    const mote_model_tensor t[] = { tensor("a", MOTE_U8, 1, 100, 0, 0), tensor("b", MOTE_U8, 1, 5000, 0, 0),
                                    tensor("c", MOTE_U8, 1, 0, 0, 0) };
    char path[128];
    uint8_t *data, *again;
    make_scratch();
    (void)snprintf(path, sizeof path, "%s/out", scratch);
    for (int format = MOTE_EXPORT_SAFETENSORS; format <= MOTE_EXPORT_DIR; format++) {
        mote_export *e = NULL;
        mote_model_error error;
        for (int commit = 0; commit < 2; commit++) {
            ck_assert_int_eq(mote_export_begin(&e, (mote_export_format)format, path, t, N(t), NULL, NULL), MOTE_OK);
            ck_assert_int_ne(access(path, F_OK), 0); /* nothing under the name yet */
            ck_assert_int_eq(access(mote_export_temp_path(e), F_OK), 0);
            ck_assert_uint_eq(count_entries(scratch), 1);
            char written[256];
            struct stat s;
            (void)snprintf(written, sizeof written, "%s%s", mote_export_temp_path(e),
                           format == MOTE_EXPORT_DIR ? "/b.npy" : "");
            ck_assert_int_eq(stat(written, &s), 0);
            ck_assert_int_gt(s.st_size, 5000);
            ck_assert_int_ge(s.st_blocks * 512, s.st_size); /* no holes: the disk cannot fill up under the mapping */
            ck_assert_int_eq(mote_export_done(e, 0), MOTE_ERR_STATE);
            ck_assert_int_eq(mote_export_map(e, 0, &data), MOTE_OK);
            ck_assert_int_eq(mote_export_map(e, 0, &again), MOTE_OK);
            ck_assert_ptr_eq(data, again);
            ck_assert_int_eq(mote_export_done(e, 0), MOTE_OK);
            ck_assert_int_eq(mote_export_done(e, 0), MOTE_ERR_STATE);
            ck_assert_int_eq(mote_export_map(e, 0, &data), MOTE_ERR_STATE);
            ck_assert_int_eq(mote_export_map(e, 3, &data), MOTE_ERR_ARG);
            ck_assert_int_eq(mote_export_done(e, 3), MOTE_ERR_ARG);
            ck_assert_int_eq(mote_export_map(e, 1, &data), MOTE_OK); /* never finished */
            if (commit) {
                ck_assert_int_eq(mote_export_commit(e, &error), MOTE_ERR_STATE);
                ck_assert_ptr_nonnull(strstr(error.text, "\"b\""));
            } else {
                mote_export_abort(e);
            }
            ck_assert_uint_eq(count_entries(scratch), 0);
        }
        /* The name is taken by something else in the meantime. */
        ck_assert_int_eq(mote_export_begin(&e, (mote_export_format)format, path, t + 2, 1, NULL, NULL), MOTE_OK);
        char inner[160];
        (void)snprintf(inner, sizeof inner, "%s/x", path);
        ck_assert_int_eq(mkdir(path, 0777) | mkdir(inner, 0777), 0);
        ck_assert_int_eq(mote_export_commit(e, &error), MOTE_ERR_IO);
        ck_assert_uint_eq(count_entries(scratch), 1);
        ck_assert_int_eq(rmdir(inner) | rmdir(path), 0);
    }
    mote_export_abort(NULL);
    ck_assert_int_eq(mote_export_commit(NULL, NULL), MOTE_ERR_ARG);
    remove_scratch();
}
END_TEST

START_TEST(an_older_output_stays_until_commit)
{
    const mote_model_tensor t = tensor("a", MOTE_U8, 1, 100, 0, 0);
    char path[128];
    make_scratch();
    (void)snprintf(path, sizeof path, "%s/out", scratch);
    FILE *f = fopen(path, "w");
    ck_assert(f != NULL && fputs("old", f) >= 0 && fclose(f) == 0);
    mote_export *e;
    ck_assert_int_eq(mote_export_begin(&e, MOTE_EXPORT_NPZ, path, &t, 1, NULL, NULL), MOTE_OK);
    uint8_t *data;
    ck_assert_int_eq(mote_export_map(e, 0, &data), MOTE_OK);
    ck_assert_int_eq(mote_export_done(e, 0), MOTE_OK);
    bytes file = slurp(path);
    ck_assert(file.n == 3 && memcmp(file.p, "old", 3) == 0);
    free(file.p);
    ck_assert_int_eq(mote_export_commit(e, NULL), MOTE_OK);
    file = slurp(path);
    ck_assert_uint_gt(file.n, 100);
    free(file.p);
    ck_assert_uint_eq(count_entries(scratch), 1);
    remove_scratch();
}
END_TEST

typedef struct filler {
    mote_export *e;
    size_t first;
    mote_status st;
} filler;

static void *fill_some(void *argument)
{
    filler *f = argument;
    f->st = MOTE_OK;
    for (size_t i = f->first; i < (size_t)THREADS * PER_THREAD; i += THREADS) {
        uint8_t *data;
        if (f->st == MOTE_OK) f->st = mote_export_map(f->e, i, &data);
        if (f->st != MOTE_OK) break;
        for (size_t k = 0; k < 1000 + i; k++) data[k] = pattern(i, k);
        f->st = mote_export_done(f->e, i);
    }
    return NULL;
}

START_TEST(threads_fill_an_output)
{
    static char names[THREADS * PER_THREAD][8];
    mote_model_tensor t[THREADS * PER_THREAD];
    for (size_t i = 0; i < N(t); i++) {
        (void)snprintf(names[i], sizeof names[i], "t%zu", i);
        t[i] = tensor(names[i], MOTE_U8, 1, 1000 + i, 0, 0);
    }
    char path[128];
    make_scratch();
    for (int format = MOTE_EXPORT_SAFETENSORS; format <= MOTE_EXPORT_DIR; format++) {
        (void)snprintf(path, sizeof path, "%s/out%d", scratch, format);
        mote_export *e;
        ck_assert_int_eq(mote_export_begin(&e, (mote_export_format)format, path, t, N(t), NULL, NULL), MOTE_OK);
        pthread_t threads[THREADS];
        filler fillers[THREADS];
        for (size_t i = 0; i < THREADS; i++) {
            fillers[i] = (filler){ .e = e, .first = i };
            ck_assert_int_eq(pthread_create(&threads[i], NULL, fill_some, &fillers[i]), 0);
        }
        for (size_t i = 0; i < THREADS; i++) {
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
            ck_assert_int_eq(fillers[i].st, MOTE_OK);
        }
        ck_assert_int_eq(mote_export_commit(e, NULL), MOTE_OK);
        if (format == MOTE_EXPORT_DIR) {
            ck_assert_uint_eq(count_entries(path), N(t));
            break;
        }
        const bytes file = slurp(path);
        mote_model *m = must_open("threads", &file);
        must_match("threads", m, t, N(t));
        mote_model_close(m);
        free(file.p);
    }
    remove_scratch();
}
END_TEST

/* More members than the plain directory can count. */
START_TEST(npz_of_65536_members)
{
    enum { MANY = 65536 };
    mote_model_tensor *t = calloc(MANY, sizeof *t);
    char(*names)[8] = calloc(MANY, sizeof *names);
    ck_assert(t != NULL && names != NULL);
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(names[i], sizeof names[i], "%zu", i);
        t[i] = tensor(names[i], MOTE_U8, 1, i == 77, 0, 0);
    }
    char path[128];
    make_scratch();
    (void)snprintf(path, sizeof path, "%s/out.npz", scratch);
    ck_assert_int_eq(write_all(MOTE_EXPORT_NPZ, path, t, MANY, NULL, NULL), MOTE_OK);
    const bytes file = slurp(path);
    mote_model *m = must_open("many", &file);
    size_t n;
    (void)mote_model_tensors(m, &n);
    ck_assert_uint_eq(n, MANY);
    mote_model_close(m);
    free(file.p);
    free(t);
    free(names);
    remove_scratch();
}
END_TEST

/* APPNOTE 4.5.3: numbers from 2^32 - 1 on move to the zip64 field. */
START_TEST(zip_records_widen_at_4_gib)
{
    static const struct {
        const char *name;
        uint64_t at, size;
        size_t local, extra;
    } rows[] = {
        { "small", 0, 100, 30 + 5, 0 },
        { "largest plain size", 0, 0xfffffffe, 30 + 5, 0 },
        { "smallest wide size", 0, 0xffffffff, 30 + 5 + 20, 20 },
        { "largest plain place", 0xfffffffe, 1, 30 + 5, 0 },
        { "smallest wide place", 0xffffffff, 1, 30 + 5, 12 },
        { "both", (uint64_t)1 << 40, (uint64_t)1 << 41, 30 + 5 + 20, 28 },
    };
    for (size_t i = 0; i < N(rows); i++) {
        uint8_t r[MOTE_ZIP_RECORD_MAX];
        const mote_zip_member m = { .name = "a", .at = rows[i].at, .size = rows[i].size, .crc = 0x12345678 };
        ck_assert_msg(mote_zip_local(r, &m) == rows[i].local, "%s: local record", rows[i].name);
        const uint64_t local_size = rows[i].local > 40 ? mote_le64(r + 30 + 5 + 4) : mote_le32(r + 22);
        ck_assert_msg(local_size == rows[i].size && mote_le32(r + 14) == 0x12345678, "%s: local size", rows[i].name);
        ck_assert_msg(mote_zip_central(r, &m) == 46 + 5 + rows[i].extra, "%s: directory record", rows[i].name);
        ck_assert_msg(mote_le16(r + 30) == rows[i].extra, "%s: length of the field", rows[i].name);
        const uint8_t *wide = r + 46 + 5 + 4;
        const bool big = rows[i].size >= 0xffffffff, far = rows[i].at >= 0xffffffff;
        ck_assert_msg((big ? mote_le64(wide) : mote_le32(r + 24)) == rows[i].size, "%s: size", rows[i].name);
        ck_assert_msg((far ? mote_le64(wide + (big ? 16 : 0)) : mote_le32(r + 42)) == rows[i].at, "%s: place",
                      rows[i].name);
    }
    uint8_t r[MOTE_ZIP_RECORD_MAX];
    ck_assert_uint_eq(mote_zip_end(r, 65534, 0xfffffffe, 0xfffffffe), 22);
    ck_assert_uint_eq(mote_zip_end(r, 65535, 5, 6), 98);
    ck_assert_uint_eq(mote_zip_end(r, 1, 0xffffffff, 6), 98);
    ck_assert_uint_eq(mote_zip_end(r, 1, 5, 0xffffffff), 98);
    ck_assert(mote_le64(r + 40) == 0xffffffff && mote_le64(r + 48) == 5 && mote_le64(r + 64) == 5 + 0xffffffffull);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("export");
    TCase *tc = tcase_create("export");
    tcase_add_loop_test(tc, every_type_goes_through_every_exporter, 0, N(every_type));
    tcase_add_test(tc, scalars_go_through_every_exporter);
    tcase_add_test(tc, outputs_without_tensors_are_whole);
    tcase_add_test(tc, folder_names_are_never_paths);
    tcase_add_test(tc, outputs_repeat_and_keep_the_umask);
    tcase_add_loop_test(tc, export_refuses_table, 0, N(bad_exports));
    tcase_add_test(tc, export_refuses_sums_that_wrap);
    tcase_add_test(tc, export_refuses_sizes_that_do_not_follow);
    tcase_add_test(tc, export_refuses_a_header_that_none_would_read);
    tcase_add_test(tc, export_refuses_places);
    tcase_add_test(tc, export_finds_a_full_disk_first);
    tcase_add_test(tc, unfinished_outputs_leave_nothing);
    tcase_add_test(tc, an_older_output_stays_until_commit);
    tcase_add_test(tc, threads_fill_an_output);
    tcase_add_test(tc, npz_of_65536_members);
    tcase_add_test(tc, zip_records_widen_at_4_gib);
    suite_add_tcase(s, tc);

    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
