/* SPDX-License-Identifier: Apache-2.0
 * Output of tensors whose sizes are known before their data. Everything is laid out and the disk space reserved first;
 * then each tensor is a mapped piece of a file under a temporary name beside the final one, so that decoders write
 * straight into it, memory stays small, and neither a full disk nor an interruption leaves half an output. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "model/importer.h"
#include "model/npy.h"
#include "model/npz_write.h"
#include "model/safetensors.h"
#include "mote/package.h"

#define FILE_NAME_MAX 200u /* encoded tensor names up to here are file names as they are */

typedef enum state { WAITING, MAPPED, DONE } state;

typedef struct piece {
    mote_model_tensor t;
    char *name;          /* owned; t.name points here */
    uint64_t at;         /* offset of the elements in their file */
    mote_zip_member zip; /* npz */
    char *file;          /* DIR: name of its file, owned */
    state state;
    uint8_t *map; /* whole pages */
    size_t map_bytes;
} piece;

struct mote_export {
    mote_export_format format;
    char *path, *temp;
    int fd; /* of the file, or of the directory for DIR */
    bool made;
    piece *pieces;
    size_t n;
};

/* ---- files ---- */

static bool write_at(int fd, const uint8_t *p, size_t n, uint64_t at)
{
    while (n > 0) {
        const ssize_t done = pwrite(fd, p, n, (off_t)at);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        p += done;
        n -= (size_t)done;
        at += (uint64_t)done;
    }
    return true;
}

/* Blocks for the whole file now: a page of a mapped file without a block would be a SIGBUS later. */
static bool reserve(int fd, uint64_t bytes)
{
    int failed = bytes > (uint64_t)INT64_MAX || (uint64_t)(off_t)bytes != bytes ? EFBIG : EINTR;
    while (failed == EINTR) failed = posix_fallocate(fd, 0, (off_t)bytes);
    errno = failed;
    return failed == 0;
}

static bool is_empty_directory(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL) return false;
    bool empty = true;
    for (const struct dirent *d = readdir(dir); d != NULL && empty; d = readdir(dir))
        empty = strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0;
    (void)closedir(dir);
    if (!empty) errno = ENOTEMPTY;
    return empty;
}

/* Only a regular file or an empty directory may be replaced: renaming over a device or a socket would remove it. */
static bool may_replace(const char *path, bool directory)
{
    struct stat s;
    if (stat(path, &s) != 0) return errno == ENOENT;
    if (directory && S_ISDIR(s.st_mode)) return is_empty_directory(path);
    if (!directory && S_ISREG(s.st_mode)) return true;
    errno = directory ? ENOTDIR : S_ISDIR(s.st_mode) ? EISDIR : EEXIST;
    return false;
}

/* Makes e->temp, a name that nobody has, beside e->path. */
static mote_status make_temp(mote_export *e)
{
    const char *slash = strrchr(e->path, '/');
    const size_t folder = slash == NULL ? 0 : (size_t)(slash - e->path) + 1;
    static const char pattern[] = ".mote-0123456789abcdef.tmp";
    e->temp = malloc(folder + sizeof pattern);
    if (e->temp == NULL) return MOTE_ERR_NOMEM;
    memcpy(e->temp, e->path, folder);
    for (unsigned attempt = 0; attempt < 16 && !e->made; attempt++) {
        uint64_t r;
        if (getrandom(&r, sizeof r, 0) != (ssize_t)sizeof r) return MOTE_ERR_IO;
        (void)snprintf(e->temp + folder, sizeof pattern, ".mote-%016llx.tmp", (unsigned long long)r);
        if (e->format == MOTE_EXPORT_DIR) {
            e->made = mkdir(e->temp, 0777) == 0;
            if (e->made) e->fd = open(e->temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        } else {
            e->fd = open(e->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
            e->made = e->fd >= 0;
        }
        if (!e->made && errno != EEXIST) return MOTE_ERR_IO;
    }
    return e->fd >= 0 ? MOTE_OK : MOTE_ERR_IO;
}

/* ---- the three formats: lay out, write what is known ---- */

static mote_status no_type(const piece *p, mote_model_error *error)
{
    return mote_model_fail(error, MOTE_ERR_UNSUPPORTED, "npy has no type %s (tensor \"%s\")",
                           mote_dtype_name((unsigned)p->t.dtype), p->name);
}

static mote_status io_fault(const mote_export *e, mote_status st, mote_model_error *error)
{
    return mote_model_fail(error, st, st == MOTE_ERR_NOMEM ? "no memory to write \"%s\"" : "cannot write \"%s\"",
                           e->path);
}

static mote_status begin_safetensors(mote_export *e, const mote_model_tensor *tensors, const char *metadata,
                                     mote_model_error *error)
{
    uint8_t *head;
    size_t n;
    mote_status st = mote_safetensors_header(&head, &n, tensors, e->n, metadata, error);
    if (st != MOTE_OK) return st;
    uint64_t at = n;
    for (size_t i = 0; i < e->n; i++) {
        e->pieces[i].at = at;
        at += e->pieces[i].t.bytes; /* each sum without n was found to be less than 2^63 */
    }
    st = make_temp(e);
    if (st == MOTE_OK && (!reserve(e->fd, at) || !write_at(e->fd, head, n, 0))) st = MOTE_ERR_IO;
    free(head);
    return st == MOTE_OK ? st : io_fault(e, st, error);
}

/* Where the directory of the archive begins. */
static uint64_t npz_end(const mote_export *e)
{
    return e->n == 0 ? 0 : e->pieces[e->n - 1].at + e->pieces[e->n - 1].t.bytes;
}

static mote_status begin_npz(mote_export *e, mote_model_error *error)
{
    uint8_t head[MOTE_NPY_WRITE_MAX], record[MOTE_ZIP_RECORD_MAX];
    uint64_t at = 0, directory = 0;
    for (size_t i = 0; i < e->n; i++) {
        piece *p = &e->pieces[i];
        const size_t n = mote_npy_write(head, &p->t);
        if (n == 0) return no_type(p, error);
        p->zip = (mote_zip_member){ .name = p->name, .at = at, .size = n + p->t.bytes };
        p->zip.crc = (uint32_t)crc32_z(0, head, n);
        p->at = at + mote_zip_local(record, &p->zip) + n;
        directory += mote_zip_central(record, &p->zip);
        at = p->at + p->t.bytes;
        if (p->t.bytes > (uint64_t)INT64_MAX / 2 || at > (uint64_t)INT64_MAX / 2) {
            errno = EFBIG;
            return io_fault(e, MOTE_ERR_IO, error);
        }
    }
    const mote_status st = make_temp(e);
    if (st != MOTE_OK) return io_fault(e, st, error);
    const uint64_t total = at + directory + mote_zip_end(record, e->n, at, directory);
    if (!reserve(e->fd, total)) return io_fault(e, MOTE_ERR_IO, error);
    for (size_t i = 0; i < e->n; i++) {
        const piece *p = &e->pieces[i];
        const size_t n = mote_npy_write(head, &p->t);
        if (!write_at(e->fd, head, n, p->at - n)) return io_fault(e, MOTE_ERR_IO, error);
    }
    return MOTE_OK;
}

/* The checksums are known now: local records in front of the members, the directory behind them. */
static bool finish_npz(mote_export *e)
{
    uint8_t record[MOTE_ZIP_RECORD_MAX];
    const uint64_t directory = npz_end(e);
    uint64_t at = directory;
    for (size_t i = 0; i < e->n; i++) {
        const mote_zip_member *z = &e->pieces[i].zip;
        size_t n = mote_zip_local(record, z);
        if (!write_at(e->fd, record, n, z->at)) return false;
        n = mote_zip_central(record, z);
        if (!write_at(e->fd, record, n, at)) return false;
        at += n;
    }
    return write_at(e->fd, record, mote_zip_end(record, e->n, directory, at - directory), at);
}

/* NAME.npy, with every byte but letters, digits, - _ and inner dots written as %XX: no name can be a path, hidden or
 * special, and no two names meet. A longer name is cut and told apart by "%-" and its number, which no code has. */
static char *file_name(const char *name, size_t index)
{
    char out[FILE_NAME_MAX + 32];
    size_t n = 0;
    for (const char *p = name; *p != '\0'; p++) {
        const unsigned char c = (unsigned char)*p;
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '_' || (c == '.' && p != name);
        if (n + (plain ? 1 : 3) > FILE_NAME_MAX) {
            n += (size_t)snprintf(out + n, sizeof out - n, "%%-%zu", index);
            break;
        }
        n += (size_t)snprintf(out + n, sizeof out - n, plain ? "%c" : "%%%02X", c);
    }
    memcpy(out + n, ".npy", 5);
    return strdup(out);
}

static mote_status begin_dir(mote_export *e, mote_model_error *error)
{
    uint8_t head[MOTE_NPY_WRITE_MAX];
    for (size_t i = 0; i < e->n; i++) {
        piece *p = &e->pieces[i];
        p->file = file_name(p->name, i);
        if (p->file == NULL) return io_fault(e, MOTE_ERR_NOMEM, error);
        p->at = mote_npy_write(head, &p->t);
        if (p->at == 0) return no_type(p, error);
    }
    mote_status st = make_temp(e);
    for (size_t i = 0; i < e->n && st == MOTE_OK; i++) {
        const piece *p = &e->pieces[i];
        const size_t n = mote_npy_write(head, &p->t);
        const int fd = openat(e->fd, p->file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 || !reserve(fd, p->at + p->t.bytes) || !write_at(fd, head, n, 0)) st = MOTE_ERR_IO;
        const int saved = errno;
        if (fd >= 0 && close(fd) != 0 && st == MOTE_OK)
            st = MOTE_ERR_IO;
        else
            errno = saved;
    }
    return st == MOTE_OK ? st : io_fault(e, st, error);
}

/* ---- the interface ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static mote_status copy_tensors(mote_export *e, const mote_model_tensor *tensors, size_t n, mote_model_error *error)
{
    if (n == 0) return MOTE_OK;
    e->pieces = calloc(n, sizeof *e->pieces);
    const char **names = calloc(n, sizeof *names);
    mote_status st = e->pieces == NULL || names == NULL ? io_fault(e, MOTE_ERR_NOMEM, error) : MOTE_OK;
    for (size_t i = 0; i < n && st == MOTE_OK; i++) {
        piece *p = &e->pieces[e->n++];
        p->t = tensors[i];
        const char *name = tensors[i].name;
        if (name == NULL || !mote_text_valid((mote_text){ .p = name, .bytes = strlen(name) }, 1, MOTE_MODEL_NAME_MAX) ||
            !mote_model_measure(&p->t) || p->t.elements != tensors[i].elements || p->t.bytes != tensors[i].bytes) {
            st = mote_model_fail(error, MOTE_ERR_ARG, "tensor %zu: its name, type, shape or size is invalid", i);
            break;
        }
        p->name = strdup(name);
        if (p->name == NULL) st = io_fault(e, MOTE_ERR_NOMEM, error);
        p->t.name = names[i] = p->name;
        p->state = p->t.bytes == 0 ? DONE : WAITING;
    }
    if (st == MOTE_OK) qsort(names, n, sizeof *names, by_name);
    for (size_t i = 1; i < n && st == MOTE_OK; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            st = mote_model_fail(error, MOTE_ERR_ARG, "two tensors have the name \"%s\"", names[i]);
    free(names);
    return st;
}

mote_status mote_export_begin(mote_export **out, mote_export_format format, const char *path,
                              const mote_model_tensor *tensors, size_t n, const char *metadata, mote_model_error *error)
{
    if (out == NULL || path == NULL || path[0] == '\0' || (tensors == NULL && n > 0) ||
        (unsigned)format > MOTE_EXPORT_DIR)
        return mote_model_fail(error, MOTE_ERR_ARG, "no output was named");
    mote_export *e = calloc(1, sizeof *e);
    if (e == NULL) return mote_model_fail(error, MOTE_ERR_NOMEM, "no memory to write \"%s\"", path);
    e->format = format;
    e->fd = -1;
    e->path = strdup(path);
    mote_status st =
        e->path == NULL ? mote_model_fail(error, MOTE_ERR_NOMEM, "no memory to write \"%s\"", path) : MOTE_OK;
    /* "out/" names the directory out. */
    if (st == MOTE_OK && format == MOTE_EXPORT_DIR)
        for (size_t end = strlen(path); end > 1 && e->path[end - 1] == '/'; end--) e->path[end - 1] = '\0';
    if (st == MOTE_OK) st = copy_tensors(e, tensors, n, error);
    if (st == MOTE_OK && !may_replace(e->path, format == MOTE_EXPORT_DIR)) st = io_fault(e, MOTE_ERR_IO, error);
    if (st == MOTE_OK)
        st = format == MOTE_EXPORT_SAFETENSORS ? begin_safetensors(e, tensors, metadata, error)
             : format == MOTE_EXPORT_NPZ       ? begin_npz(e, error)
                                               : begin_dir(e, error);
    if (st != MOTE_OK) {
        mote_export_abort(e);
        return st;
    }
    *out = e;
    return MOTE_OK;
}

mote_status mote_export_map(mote_export *e, size_t i, uint8_t **data)
{
    static uint8_t nothing[1];
    if (e == NULL || data == NULL || i >= e->n) return MOTE_ERR_ARG;
    piece *p = &e->pieces[i];
    if (p->t.bytes == 0) {
        *data = nothing;
        return MOTE_OK;
    }
    if (p->state == DONE) return MOTE_ERR_STATE;
    const size_t shift = (size_t)(p->at % (uint64_t)sysconf(_SC_PAGESIZE));
    if (p->state == WAITING) {
        if (p->t.bytes > SIZE_MAX - shift) return MOTE_ERR_NOMEM;
        p->map_bytes = shift + (size_t)p->t.bytes;
        const int fd = e->format == MOTE_EXPORT_DIR ? openat(e->fd, p->file, O_RDWR | O_NOFOLLOW | O_CLOEXEC) : e->fd;
        if (fd < 0) return MOTE_ERR_IO;
        void *map = mmap(NULL, p->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)(p->at - shift));
        const int saved = errno;
        if (fd != e->fd) (void)close(fd); /* the mapping stays */
        errno = saved;
        if (map == MAP_FAILED) return errno == ENOMEM ? MOTE_ERR_NOMEM : MOTE_ERR_IO;
        p->map = map;
        p->state = MAPPED;
    }
    *data = p->map + shift;
    return MOTE_OK;
}

mote_status mote_export_done(mote_export *e, size_t i)
{
    if (e == NULL || i >= e->n) return MOTE_ERR_ARG;
    piece *p = &e->pieces[i];
    if (p->t.bytes == 0) return MOTE_OK;
    if (p->state != MAPPED) return MOTE_ERR_STATE;
    if (e->format == MOTE_EXPORT_NPZ)
        p->zip.crc = (uint32_t)crc32_z(p->zip.crc, p->map + (p->map_bytes - p->t.bytes), (size_t)p->t.bytes);
    /* Unmapped pages belong to the kernel, which writes them back when it likes. */
    if (munmap(p->map, p->map_bytes) != 0) return MOTE_ERR_IO;
    p->map = NULL;
    p->state = DONE;
    return MOTE_OK;
}

const char *mote_export_temp_path(const mote_export *e)
{
    return e->temp;
}

mote_status mote_export_commit(mote_export *e, mote_model_error *error)
{
    if (e == NULL) return mote_model_fail(error, MOTE_ERR_ARG, "no output was begun");
    mote_status st = MOTE_OK;
    for (size_t i = 0; i < e->n && st == MOTE_OK; i++)
        if (e->pieces[i].state != DONE)
            st = mote_model_fail(error, MOTE_ERR_STATE, "tensor \"%s\" was not finished", e->pieces[i].name);
    if (st == MOTE_OK && e->format == MOTE_EXPORT_NPZ && !finish_npz(e)) st = io_fault(e, MOTE_ERR_IO, error);
    if (st == MOTE_OK && e->format != MOTE_EXPORT_DIR) { /* some file systems report a failed write here */
        const int fd = e->fd;
        e->fd = -1;
        if (close(fd) != 0) st = io_fault(e, MOTE_ERR_IO, error);
    }
    if (st == MOTE_OK && rename(e->temp, e->path) != 0) st = io_fault(e, MOTE_ERR_IO, error);
    if (st == MOTE_OK) e->made = false;
    mote_export_abort(e);
    return st;
}

void mote_export_abort(mote_export *e)
{
    if (e == NULL) return;
    const int saved = errno;
    for (size_t i = 0; i < e->n; i++) {
        piece *p = &e->pieces[i];
        if (p->map != NULL) (void)munmap(p->map, p->map_bytes);
        if (e->made && p->file != NULL && e->fd >= 0) (void)unlinkat(e->fd, p->file, 0);
        free(p->name);
        free(p->file);
    }
    if (e->fd >= 0) (void)close(e->fd);
    if (e->made) (void)(e->format == MOTE_EXPORT_DIR ? rmdir(e->temp) : unlink(e->temp));
    free(e->pieces);
    free(e->path);
    free(e->temp);
    free(e);
    errno = saved;
}
