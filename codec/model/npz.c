/* SPDX-License-Identifier: Apache-2.0
 * npz: a zip archive of npy files, stored or deflated. The only file that knows libzip. An archive handle may serve one
 * thread at a time, so the model keeps a few and opens another when all are in use. libzip is lenient where archives
 * are concerned that hold more than they seem to; what it reports is compared with the directory itself. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

#include "base/le.h"
#include "model/importer.h"
#include "model/npy.h"

#define IDLE_MAX 8u         /* handles kept for reuse; a handle takes about 200 bytes a member */
#define DEFLATE_RATIO 1032u /* no deflate stream yields more per byte: four times 258 bytes, in two bits each */
#define HEAD_GUESS 256u     /* enough for almost every npy header */

typedef struct archive {
    pthread_mutex_t lock;
    unsigned n_idle;
    zip_t *idle[IDLE_MAX];
} archive;

static mote_status zip_fault(mote_model_error *error, zip_error_t *fault, const char *what)
{
    const mote_status st = zip_error_code_zip(fault) == ZIP_ER_MEMORY ? MOTE_ERR_NOMEM : MOTE_ERR_MODEL;
    return mote_model_fail(error, st, "npz member \"%s\": %s", what, zip_error_strerror(fault));
}

static mote_status open_zip(const mote_model *m, zip_t **out, mote_model_error *error)
{
    zip_error_t fault;
    zip_error_init(&fault);
    zip_source_t *source = zip_source_buffer_create(m->file, m->size, 0, &fault);
    zip_t *zip = source == NULL ? NULL : zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &fault);
    mote_status st = MOTE_OK;
    if (zip == NULL) {
        st = zip_error_code_zip(&fault) == ZIP_ER_MEMORY ? MOTE_ERR_NOMEM : MOTE_ERR_MODEL;
        (void)mote_model_fail(error, st, "npz archive: %s", zip_error_strerror(&fault));
        zip_source_free(source);
    }
    zip_error_fini(&fault);
    *out = zip;
    return st;
}

/* The central directory, if the archive ends with it as numpy's archives do: no comment, nothing behind. */
static bool find_directory(const mote_model *m, const uint8_t **p, const uint8_t **end)
{
    if (m->size < 22) return false;
    uint64_t stop = m->size - 22;
    const uint8_t *e = m->file + stop;
    if (mote_le32(e) != 0x06054b50) return false; /* libzip compares the length of the comment */
    uint64_t bytes = mote_le32(e + 12), at = mote_le32(e + 16);
    if (mote_le16(e + 10) == 0xffff || bytes == 0xffffffff || at == 0xffffffff) { /* zip64 */
        if (stop < 20 + 56 || mote_le32(e - 20) != 0x07064b50) return false;
        stop = mote_le64(e - 12);
        if (stop != m->size - 22 - 20 - 56) return false;
        e = m->file + stop;
        if (mote_le32(e) != 0x06064b50) return false;
        bytes = mote_le64(e + 40);
        at = mote_le64(e + 48);
    }
    if (at > stop || bytes != stop - at) return false;
    *p = m->file + at;
    *end = m->file + stop;
    return true;
}

/* libzip turns a NUL in a name into a space, and chooses for itself among several directories: both show here. The
 * first member lies at the start of the file, so that nothing is in front. */
static mote_status check_directory(const mote_model *m, zip_t *zip, uint64_t n, mote_model_error *error)
{
    const uint8_t *p = m->file, *end = p;
    bool good = find_directory(m, &p, &end) && (n == 0 || (end - p >= 46 && mote_le32(p + 42) == 0));
    for (uint64_t i = 0; i < n && good; i++) {
        const char *name = zip_get_name(zip, i, ZIP_FL_ENC_RAW);
        good = false;
        if (name == NULL || end - p < 46 || mote_le32(p) != 0x02014b50) break;
        const size_t len = mote_le16(p + 28), more = (size_t)mote_le16(p + 30) + mote_le16(p + 32);
        if ((size_t)(end - p) - 46 < len + more || strlen(name) != len || memcmp(name, p + 46, len) != 0) break;
        p += 46 + len + more;
        good = true;
    }
    if (good && p == end) return MOTE_OK;
    return mote_model_fail(error, MOTE_ERR_MODEL, "npz archive: more than its members and a plain directory");
}

static mote_status read_fault(mote_model_error *error, zip_file_t *f, const char *name)
{
    zip_error_t *fault = zip_file_get_error(f);
    if (zip_error_code_zip(fault) != ZIP_ER_OK) return zip_fault(error, fault, name);
    return mote_model_fail(error, MOTE_ERR_MODEL, "npz member \"%s\": not as long as declared", name);
}

/* Inflate exactly n bytes; false if there are fewer or they are damaged. */
static bool read_all(zip_file_t *f, uint8_t *p, size_t n)
{
    while (n > 0) {
        const zip_int64_t got = zip_fread(f, p, n);
        if (got <= 0) return false;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

/* Read the npy head of a member into buffer[MOTE_NPY_HEAD_MAX]. */
static mote_status read_head(zip_t *zip, uint64_t member, uint64_t size, const char *name, uint8_t *buffer,
                             mote_npy *npy, mote_model_error *error)
{
    zip_file_t *f = zip_fopen_index(zip, member, 0);
    if (f == NULL) return zip_fault(error, zip_get_error(zip), name);
    size_t n = size < HEAD_GUESS ? (size_t)size : HEAD_GUESS;
    bool whole = read_all(f, buffer, n);
    const size_t head = whole ? mote_npy_head_length(buffer, n) : 0;
    if (head != SIZE_MAX && head > n && head <= size) {
        whole = read_all(f, buffer + n, head - n);
        n = head;
    }
    const mote_status st = whole ? mote_npy_read(npy, buffer, n, size, name, error) : read_fault(error, f, name);
    (void)zip_fclose(f);
    return st;
}

static mote_status add_member(mote_model *m, zip_t *zip, uint64_t member, uint64_t *packed, uint8_t *buffer,
                              mote_model_error *error)
{
    /* Names as Python reads them: UTF-8 if the archive says so, else code page 437. */
    zip_stat_t stat;
    const char *name = zip_get_name(zip, member, ZIP_FL_ENC_STRICT);
    if (name == NULL || zip_stat_index(zip, member, ZIP_FL_ENC_STRICT, &stat) != 0)
        return zip_fault(error, zip_get_error(zip), "?");
    const size_t len = strlen(name);
    if (len < 4 || strcmp(name + len - 4, ".npy") != 0)
        return mote_model_fail(error, MOTE_ERR_MODEL, "npz member \"%s\": its name does not end in .npy", name);

    const zip_uint64_t need = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    if ((stat.valid & need) != need)
        return mote_model_fail(error, MOTE_ERR_MODEL, "npz member \"%s\": its sizes are not stated", name);
    if (stat.encryption_method != ZIP_EM_NONE)
        return mote_model_fail(error, MOTE_ERR_MODEL, "npz member \"%s\": it is encrypted", name);
    if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE)
        return mote_model_fail(error, MOTE_ERR_MODEL, "npz member \"%s\": neither stored nor deflated", name);
    /* Members may not share their bytes, nor promise more than deflate can hold: memory follows the file's own size. */
    if (stat.comp_size > m->size - *packed)
        return mote_model_fail(error, MOTE_ERR_MODEL, "npz member \"%s\": larger than what the file has left", name);
    *packed += stat.comp_size;
    if (stat.comp_method == ZIP_CM_STORE ? stat.size != stat.comp_size : stat.size / DEFLATE_RATIO > stat.comp_size)
        return mote_model_fail(error, MOTE_ERR_MODEL, "npz member \"%s\": %llu bytes cannot come from %llu", name,
                               (unsigned long long)stat.size, (unsigned long long)stat.comp_size);

    mote_npy npy;
    mote_status st = read_head(zip, member, stat.size, name, buffer, &npy, error);
    mote_model_item *item;
    if (st == MOTE_OK) st = mote_model_add(m, name, len - 4, &item, error);
    if (st != MOTE_OK) return st;
    npy.t.name = item->name;
    item->t = npy.t;
    item->at = npy.head;
    item->member = member;
    item->swap = npy.swap;
    item->fortran = npy.fortran;
    return MOTE_OK;
}

static mote_status npz_open(mote_model *m, mote_model_error *error)
{
    archive *a = calloc(1, sizeof *a);
    uint8_t *buffer = malloc(MOTE_NPY_HEAD_MAX);
    if (a == NULL || buffer == NULL || pthread_mutex_init(&a->lock, NULL) != 0) {
        free(a);
        free(buffer);
        return mote_model_fail(error, MOTE_ERR_NOMEM, "no memory to open the archive");
    }
    m->context = a;
    mote_status st = open_zip(m, &a->idle[0], error);
    if (st == MOTE_OK) {
        a->n_idle = 1;
        const uint64_t n = (uint64_t)zip_get_num_entries(a->idle[0], 0);
        uint64_t packed = 0;
        st = check_directory(m, a->idle[0], n, error);
        for (uint64_t i = 0; i < n && st == MOTE_OK; i++) st = add_member(m, a->idle[0], i, &packed, buffer, error);
    }
    free(buffer);
    return st;
}

static mote_status take(mote_model *m, zip_t **zip, mote_model_error *error)
{
    archive *a = m->context;
    *zip = NULL;
    (void)pthread_mutex_lock(&a->lock);
    if (a->n_idle > 0) *zip = a->idle[--a->n_idle];
    (void)pthread_mutex_unlock(&a->lock);
    return *zip != NULL ? MOTE_OK : open_zip(m, zip, error);
}

static void give_back(mote_model *m, zip_t *zip)
{
    archive *a = m->context;
    (void)pthread_mutex_lock(&a->lock);
    const bool kept = a->n_idle < IDLE_MAX;
    if (kept) a->idle[a->n_idle++] = zip;
    (void)pthread_mutex_unlock(&a->lock);
    if (!kept) zip_discard(zip);
}

/* The member's elements into p[item->t.bytes], checksum included. */
static mote_status inflate_item(zip_t *zip, const mote_model_item *item, uint8_t *p, mote_model_error *error)
{
    zip_file_t *f = zip_fopen_index(zip, item->member, 0);
    if (f == NULL) return zip_fault(error, zip_get_error(zip), item->name);
    uint8_t skipped[1024];
    bool good = true;
    for (uint64_t left = item->at; left > 0 && good;) {
        const size_t n = left < sizeof skipped ? (size_t)left : sizeof skipped;
        good = read_all(f, skipped, n);
        left -= n;
    }
    good = good && read_all(f, p, (size_t)item->t.bytes);
    /* The checksum is compared when the end is reached; one more byte must not be there. */
    good = good && zip_fread(f, skipped, 1) == 0;
    const mote_status st = good ? MOTE_OK : read_fault(error, f, item->name);
    (void)zip_fclose(f);
    return st;
}

static mote_status npz_data(mote_model *m, mote_model_item *item, const uint8_t **view, mote_model_error *error)
{
    (void)view; /* there is always a copy: libzip does not say where a stored member lies */
    const bool convert = item->fortran || item->swap;
    const size_t bytes = (size_t)item->t.bytes;
    uint8_t *raw = bytes == item->t.bytes ? malloc(bytes) : NULL;
    uint8_t *ready = raw != NULL && convert ? malloc(bytes) : NULL;
    mote_status st;
    if (raw == NULL || (convert && ready == NULL)) {
        st = mote_model_fail(error, MOTE_ERR_NOMEM, "no memory for tensor \"%s\" (%llu bytes)", item->name,
                             (unsigned long long)item->t.bytes);
        goto out;
    }
    zip_t *zip;
    st = take(m, &zip, error);
    if (st != MOTE_OK) goto out;
    st = inflate_item(zip, item, raw, error);
    give_back(m, zip);
    if (st != MOTE_OK) goto out;
    if (convert) mote_npy_convert(ready, raw, &item->t, item->swap, item->fortran);
    item->copy = convert ? ready : raw;
    if (convert)
        ready = NULL;
    else
        raw = NULL;
out:
    free(raw);
    free(ready);
    return st;
}

static void npz_close(mote_model *m)
{
    archive *a = m->context;
    if (a == NULL) return;
    for (unsigned i = 0; i < a->n_idle; i++) zip_discard(a->idle[i]);
    (void)pthread_mutex_destroy(&a->lock);
    free(a);
}

const mote_importer mote_importer_npz = { .format = "npz", .open = npz_open, .data = npz_data, .close = npz_close };
