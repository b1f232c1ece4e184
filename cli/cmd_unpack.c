/* SPDX-License-Identifier: Apache-2.0
 * mote unpack: tensors back into a model file, decoded straight into the mapped output. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "cmd.h"
#include "list.h"
#include "mote/host.h"
#include "package.h"

enum { OUT, TENSOR, PUB, THRESHOLD, ROLE, BLOBS, MEMORY, OUTPUT, THREADS };

static const opt_def defs[] = {
    [OUT] = { "output", 'o', false, "OUT", ".safetensors or .npz file, DIR/ for one .npy a tensor, - for safetensors" },
    [TENSOR] = { "tensor", 0, true, "NAME", "only this tensor; nothing else is read" },
    [PUB] = { "pub", 0, true, "FILE", "trust this public key" },
    [THRESHOLD] = { "threshold-keys", 0, false, "K", "how many of the keys must have signed (default 1)" },
    [ROLE] = { "role", 0, false, "N", "in which role: 1 release (default), 2 approval" },
    [BLOBS] = { "blobs", 0, false, "DIR", "write the blobs and texts there, their names percent-encoded" },
    [MEMORY] = { "max-memory", 0, false, "BYTES", "refuse packages that need more (default 1G)" },
    [OUTPUT] = { "max-output", 0, false, "BYTES", "refuse packages that unpack to more" },
    [THREADS] = { "threads", 0, false, "N", "decode with N threads (default: all processors)" },
};

#define METADATA "safetensors.metadata"
#define METADATA_MAX ((uint64_t)100 << 20) /* longest header that a safetensors file may have */

typedef struct unpacking {
    package p;
    list l; /* entries in order of the package; with --tensor those that were asked for */
    mote_export *e;
    uint8_t *data; /* of the tensor that has begun */
    mote_export_format format;
    const char *name, *path; /* of the output: for messages, and where it is made */
    char *metadata;          /* owned */
    mote_pool *pool;         /* NULL: one thread does everything */
    char *folder, *inside;   /* for standard output: a folder of our own and the file in it; owned */
} unpacking;

/* ---- where to ---- */

static bool ends_in(const char *s, const char *end)
{
    const size_t n = strlen(s), m = strlen(end);
    return n > m && strcmp(s + n - m, end) == 0;
}

static bool find_format(const char *path, mote_export_format *format)
{
    struct stat s;
    if (ends_in(path, "/") || (stat(path, &s) == 0 && S_ISDIR(s.st_mode)))
        *format = MOTE_EXPORT_DIR;
    else if (strcmp(path, "-") == 0 || ends_in(path, ".safetensors"))
        *format = MOTE_EXPORT_SAFETENSORS;
    else if (ends_in(path, ".npz"))
        *format = MOTE_EXPORT_NPZ;
    else
        return false;
    return true;
}

/* An exporter needs a file that it can map and rename. */
static int use_stdout(unpacking *u)
{
    u->name = "standard output";
    if (!io_stdout_takes_data()) return STATUS_USAGE;
    u->folder = io_folder_make();
    if (!u->folder) return STATUS_SYSTEM;
    if (asprintf(&u->inside, "%s/model.safetensors", u->folder) < 0) u->inside = NULL;
    u->path = u->inside;
    return u->path ? STATUS_DONE : report_error(u->name, MOTE_ERR_NOMEM, NULL);
}

static int export_error(const unpacking *u, mote_status st, const mote_model_error *error)
{
    if (st == MOTE_ERR_IO) return report_errno(u->name, "cannot write");
    return report_error(u->name, st, error ? error->text : NULL);
}

/* Between the first file made and its name being noted no signal may come. */
static int begin(unpacking *u)
{
    size_t n = 0;
    mote_model_error error = { 0 };
    mote_model_tensor *tensors = calloc(u->l.n + 1, sizeof *tensors);
    if (!tensors) return report_error(u->name, MOTE_ERR_NOMEM, NULL);
    for (size_t i = 0; i < u->l.n; i++)
        if (u->l.rows[i].kind == MOTE_KIND_TENSOR) tensors[n++] = u->l.rows[i].t; /* tensors come first */
    io_hold();
    const mote_status st = mote_export_begin(&u->e, u->format, u->path, tensors, n, u->metadata, &error);
    const int cause = errno;
    if (st == MOTE_OK) io_temp_add(mote_export_temp_path(u->e), u->format == MOTE_EXPORT_DIR);
    io_release();
    errno = cause;
    free(tensors);
    return st == MOTE_OK ? STATUS_DONE : export_error(u, st, &error);
}

static int finish(unpacking *u)
{
    mote_model_error error = { 0 };
    char *temp = strdup(mote_export_temp_path(u->e));
    io_hold();
    const mote_status st = mote_export_commit(u->e, &error);
    const int cause = errno;
    u->e = NULL;
    if (temp) io_temp_drop(temp);
    io_release();
    errno = cause;
    free(temp);
    return st == MOTE_OK ? STATUS_DONE : export_error(u, st, &error);
}

/* ---- decoding ---- */

/* The tensor that has just begun goes to the output's own memory. */
static int aim(unpacking *u, size_t i)
{
    mote_status st = mote_export_map(u->e, i, &u->data);
    if (st != MOTE_OK) return export_error(u, st, NULL);
    st = mote_loader_target(u->p.ld, u->data, (size_t)u->l.rows[i].t.bytes);
    return st == MOTE_OK ? STATUS_DONE : package_error(&u->p, st);
}

/* The package is what was signed, but decoding it gives something else: this reader or its writer is wrong. */
static int wrong_digest(const unpacking *u, const row *r)
{
    char text[400], safe[300];
    (void)snprintf(text, sizeof text, "tensor \"%s\" does not have the digest that its entry states",
                   report_safe(safe, sizeof safe, r->name, strlen(r->name)));
    return report_error(u->p.path, MOTE_ERR_DIGEST, text);
}

/* One event of entry i. */
static int take(unpacking *u, const mote_event *e, size_t i)
{
    const bool tensor = i < u->l.n && u->l.rows[i].kind == MOTE_KIND_TENSOR;
    if (e->type == MOTE_EVENT_TENSOR && tensor) return aim(u, i);
    if (e->type == MOTE_EVENT_TENSOR_END && tensor) {
        const row *r = &u->l.rows[i];
        if (r->has_digest && !mote_tensor_digest_is(r->digest, u->data, (size_t)r->t.bytes)) return wrong_digest(u, r);
        const mote_status st = mote_export_done(u->e, i);
        if (st != MOTE_OK) return export_error(u, st, NULL);
    }
    return STATUS_DONE;
}

static int unpack_all(unpacking *u)
{
    mote_event e;
    mote_status st;
    int done = STATUS_DONE;
    report_progress_begin("unpack");
    while (done == STATUS_DONE && (st = package_next(&u->p, &e)) == MOTE_OK && e.type != MOTE_EVENT_DONE) {
        if (e.type == MOTE_EVENT_ENTRY) {
            st = list_add(&u->l, e.entry);
            if (st != MOTE_OK) break;
            if (u->l.n == u->p.manifest.facts.n_entries) done = begin(u);
        } else {
            done = take(u, &e, e.index);
        }
        report_progress(NULL, u->p.fed, package_bytes(&u->p));
    }
    report_progress_end();
    if (done != STATUS_DONE) return done;
    if (st == MOTE_OK) st = package_end(&u->p);
    return st == MOTE_OK ? STATUS_DONE : package_error(&u->p, st);
}

static mote_status find(package *p, uint8_t kind, const char *name, mote_entry *entry)
{
    p->cause = 0;
    const mote_status st = mote_loader_find(p->ld, &p->source, kind, (mote_text){ name, strlen(name) }, entry);
    return st == MOTE_ERR_IO && p->cause == 0 ? MOTE_ERR_TRUNCATED : st;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const row *)a)->name, ((const row *)b)->name);
}

static int find_error(package *p, mote_status st, const char *name)
{
    char text[512], safe[300];
    if (st != MOTE_ERR_MISSING_TENSOR) return package_error(p, st);
    (void)snprintf(text, sizeof text, "there is no tensor \"%s\"", report_safe(safe, sizeof safe, name, strlen(name)));
    return report_error(p->path, st, text);
}

/* Only what was asked for: twice through the directory, for the layout of the output and for the data. */
static int unpack_some(unpacking *u, const opts *o)
{
    mote_entry entry;
    mote_event e;
    for (size_t i = 0; i < opt_count(o, TENSOR); i++) {
        const char *name = opt_nth(o, TENSOR, i);
        mote_status st = find(&u->p, MOTE_KIND_TENSOR, name, &entry);
        if (st == MOTE_OK) st = list_add(&u->l, &entry);
        if (st != MOTE_OK) return find_error(&u->p, st, name);
    }
    qsort(u->l.rows, u->l.n, sizeof *u->l.rows, by_name);
    for (size_t i = 1; i < u->l.n; i++)
        if (by_name(&u->l.rows[i - 1], &u->l.rows[i]) == 0)
            return opt_error(o, "--tensor names \"%s\" twice", u->l.rows[i].name);
    int done = begin(u);
    for (size_t i = 0; i < u->l.n && done == STATUS_DONE; i++) {
        if (u->l.rows[i].t.elements == 0) continue;
        mote_status st = find(&u->p, MOTE_KIND_TENSOR, u->l.rows[i].name, &entry);
        for (e.type = MOTE_EVENT_NONE; st == MOTE_OK && done == STATUS_DONE && e.type != MOTE_EVENT_TENSOR_END;) {
            st = package_next(&u->p, &e);
            if (st == MOTE_OK) done = take(u, &e, i);
        }
        if (st != MOTE_OK) done = package_error(&u->p, st);
    }
    return done;
}

/* ---- what is no tensor ---- */

/* Decode one blob or text into memory for all of it. */
static mote_status read_entry(package *p, uint8_t kind, const char *name, uint8_t *to, uint64_t bytes)
{
    mote_entry entry;
    mote_event e;
    mote_status st = find(p, kind, name, &entry);
    if (st != MOTE_OK || entry.elements == 0) return st;
    do {
        st = package_next(p, &e);
        if (st == MOTE_OK && e.type == MOTE_EVENT_TENSOR) st = mote_loader_target(p->ld, to, (size_t)bytes);
    } while (st == MOTE_OK && e.type != MOTE_EVENT_TENSOR_END);
    return st;
}

/* The text that pack made of a safetensors file's own metadata; it has to be known before its tensors. */
static mote_status read_metadata(unpacking *u)
{
    mote_entry entry;
    mote_status st = find(&u->p, MOTE_KIND_TEXT, METADATA, &entry);
    if (st == MOTE_OK && entry.bytes > METADATA_MAX) st = MOTE_ERR_LIMIT;
    if (st == MOTE_OK) {
        u->metadata = calloc((size_t)entry.bytes + 1, 1);
        st = u->metadata ? read_entry(&u->p, MOTE_KIND_TEXT, METADATA, (uint8_t *)u->metadata, entry.bytes)
                         : MOTE_ERR_NOMEM;
        if (st == MOTE_OK && strlen(u->metadata) != entry.bytes) st = MOTE_ERR_UTF8;
    }
    if (st == MOTE_ERR_MISSING_TENSOR) st = MOTE_OK;
    return st == MOTE_OK ? package_rewind(&u->p) : st;
}

/* A file name out of any name, by the rule of MOTE_EXPORT_DIR: bytes but letters, digits, - _ and inner dots as %XX;
 * over 200 bytes the rest gives way to "%-" and the number of the entry. Texts end in "%.txt". No code looks like
 * either, so no two names meet. */
static char *file_name(const char *folder, const row *r, size_t number)
{
    enum { ENCODED_MAX = 200 };
    char encoded[ENCODED_MAX + 32], *path;
    size_t n = 0;
    for (const char *p = r->name; *p; p++) {
        const unsigned char c = (unsigned char)*p;
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '_' || (c == '.' && p != r->name);
        if (n + (plain ? 1 : 3) > ENCODED_MAX) {
            (void)snprintf(encoded + n, sizeof encoded - n, "%%-%zu", number);
            break;
        }
        n += (size_t)snprintf(encoded + n, sizeof encoded - n, plain ? "%c" : "%%%02X", c);
    }
    return asprintf(&path, "%s/%s%s", folder, encoded, r->kind == MOTE_KIND_TEXT ? "%.txt" : "") < 0 ? NULL : path;
}

static int write_blob(unpacking *u, size_t i, const char *folder)
{
    const row *r = &u->l.rows[i];
    char *path = file_name(folder, r, i);
    io_out out = { .fd = -1, .target = -1 };
    int done = path ? io_out_open(&out, path) : report_error(folder, MOTE_ERR_NOMEM, NULL);
    if (done != STATUS_DONE) goto out;
    if (r->t.bytes) {
        uint8_t *map = NULL;
        mote_status st = MOTE_OK;
        const int failed = posix_fallocate(out.fd, 0, (off_t)r->t.bytes);
        if (!failed) map = mmap(NULL, (size_t)r->t.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, out.fd, 0);
        if (failed || map == MAP_FAILED) {
            if (failed) errno = failed;
            done = report_errno(path, "cannot write");
        } else {
            st = read_entry(&u->p, r->kind, r->name, map, r->t.bytes);
            (void)munmap(map, (size_t)r->t.bytes);
            if (st != MOTE_OK) done = package_error(&u->p, st);
        }
    }
    if (done == STATUS_DONE)
        done = io_out_commit(&out);
    else
        io_out_abort(&out);
out:
    free(path);
    return done;
}

/* Only after the whole package has been checked. */
static int write_blobs(unpacking *u, const char *folder)
{
    struct stat s;
    if (mkdir(folder, 0777) != 0 && (errno != EEXIST || stat(folder, &s) != 0 || !S_ISDIR(s.st_mode)))
        return report_errno(folder, "cannot make the folder");
    const mote_status st = package_rewind(&u->p);
    int done = st == MOTE_OK ? STATUS_DONE : package_error(&u->p, st);
    for (size_t i = 0; i < u->l.n && done == STATUS_DONE; i++)
        if (u->l.rows[i].kind != MOTE_KIND_TENSOR) done = write_blob(u, i, folder);
    return done;
}

/* A stranger's package may not fill the disk: a hundred bytes can stand for terabytes. */
static int check_output(unpacking *u, uint64_t most)
{
    enum { EXPANSION_MAX = 100 };
    const uint64_t all = u->p.manifest.facts.decoded_total, file = package_bytes(&u->p);
    if (most == 0 && !package_verified(&u->p))
        most = file < UINT64_MAX / EXPANSION_MAX && file * EXPANSION_MAX > ((uint64_t)1 << 30) ? file * EXPANSION_MAX
                                                                                               : (uint64_t)1 << 30;
    if (most == 0 || all <= most) return STATUS_DONE;
    char text[160];
    (void)snprintf(text, sizeof text, "it unpacks to %llu bytes; --max-output allows %llu", (unsigned long long)all,
                   (unsigned long long)most);
    return report_error(u->p.path, MOTE_ERR_LIMIT, text);
}

static int unpack(unpacking *u, const opts *o)
{
    const char *blobs = opt_value(o, BLOBS);
    if (u->format == MOTE_EXPORT_SAFETENSORS) {
        const mote_status st = read_metadata(u);
        if (st != MOTE_OK) return package_error(&u->p, st);
    }
    int done = opt_has(o, TENSOR) ? unpack_some(u, o) : unpack_all(u);
    if (done == STATUS_DONE && blobs) done = write_blobs(u, blobs);
    if (done == STATUS_DONE) done = finish(u);
    if (done == STATUS_DONE && u->folder) done = io_copy_to_stdout(u->path);
    if (done == STATUS_DONE) package_note_trust(&u->p);
    return done;
}

static int run(const opts *o)
{
    static const package_defs trust = { PUB, THRESHOLD, ROLE, MEMORY };
    keys trusted;
    package_options options = { .pull = true };
    uint64_t output_max = 0, threads = 0;
    unpacking u = { .name = opt_value(o, OUT), .path = opt_value(o, OUT) };
    if (o->n_args != 1) return opt_error(o, o->n_args ? "one package at a time" : "which package?");
    if (!opt_required(o, OUT) || !opt_exclusive(o, (const int[]){ TENSOR, BLOBS }, 2)) return STATUS_USAGE;
    if (!find_format(u.path, &u.format))
        return opt_error(o, "--output ends in .safetensors, .npz or /: \"%s\" says nothing of the format", u.path);
    if (!opt_bytes(o, OUTPUT, 1, UINT64_MAX, &output_max) || !opt_u64(o, THREADS, 1, 64, &threads)) return STATUS_USAGE;
    int done = package_trust(&options, &trusted, o, &trust);
    if (done != STATUS_DONE) return done;

    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    if (threads == 0 && online > 0) threads = (uint64_t)online;
    if (threads > 1) u.pool = mote_pool_create((unsigned)threads, &options.dispatch); /* without it takes longer */
    if (strcmp(u.path, "-") == 0) done = use_stdout(&u);
    u.p.in.fd = -1;
    if (done == STATUS_DONE) done = package_open(&u.p, o->args[0], &options);
    if (done == STATUS_DONE) done = check_output(&u, output_max);
    if (done == STATUS_DONE) done = unpack(&u, o);
    if (u.e) {
        char *temp = strdup(mote_export_temp_path(u.e));
        mote_export_abort(u.e);
        if (temp) io_temp_drop(temp);
        free(temp);
    }
    io_folder_remove(u.folder);
    free(u.inside);
    free(u.metadata);
    list_free(&u.l);
    package_close(&u.p);
    mote_pool_free(u.pool);
    return done;
}

const cmd cmd_unpack = {
    "unpack",
    "IN.mote -o OUT [OPTION]...",
    "turn a package back into a model file",
    "Nothing appears under the name OUT before the whole package has been checked; with --tensor,\n"
    "before those parts have been. DIR/ must be new or empty. Without a key, packages that unpack to more\n"
    "than 1 GiB and 100 times their size are refused unless --max-output says otherwise.\n",
    defs,
    sizeof defs / sizeof *defs,
    run,
};
