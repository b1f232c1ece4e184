/* SPDX-License-Identifier: Apache-2.0
 * A whole model into one package. Tensors are independent, so threads take them from a list, the largest first, and put
 * the results where they belong; everything after that is the writer's and runs once. Host only. */
#include "mote/pack.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MAX 256

/* ---- profiles: Spec format.md 12 ---- */

/* Bits of the ids that a word of mote_needs holds: layouts 1-31, numerics 32-95, coders 96-127. */
#define BIT(id) ((uint32_t)1 << (id) % 32)
#define NANO_LAYOUTS (BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(6))
#define STD_LAYOUTS (NANO_LAYOUTS | BIT(5) | BIT(7))
#define NANO_NUMERICS (BIT(32) | BIT(33) | BIT(34) | BIT(35) | BIT(36))
#define NANO_CODERS (BIT(96) | BIT(97) | BIT(98))
#define STD_CODERS (NANO_CODERS | BIT(99) | BIT(100) | BIT(101) | BIT(102) | BIT(103) | BIT(104))
#define ALL 0xFFFFFFFFu

static const mote_profile_row profiles[] = {
    { "nano", 4096, 16384, 4096, { { NANO_LAYOUTS, NANO_NUMERICS, 0, NANO_CODERS } } },
    { "std", 16384, 65536, 69632, { { STD_LAYOUTS, ALL, ALL, STD_CODERS } } },
    { "host", 262144, MOTE_CHUNK_MAX, 69632, { { ALL, ALL, ALL, ALL } } },
};

const mote_profile_row *mote_profile_get(mote_profile p)
{
    return (unsigned)p < sizeof profiles / sizeof *profiles ? &profiles[p] : NULL;
}

static bool holds(const mote_profile_row *row, const mote_facts *f, const mote_needs *needs)
{
    for (int i = 0; i < 4; i++)
        if (needs->bit[i] & ~row->has.bit[i]) return false;
    return f->chunk_max <= row->chunk_max;
}

mote_profile mote_profile_of(const mote_manifest *m, uint32_t open_bytes)
{
    for (int p = MOTE_PROFILE_NANO; p < MOTE_PROFILE_HOST; p++)
        if (holds(&profiles[p], &m->facts, &m->needs) && open_bytes <= profiles[p].open_max) return (mote_profile)p;
    return MOTE_PROFILE_HOST;
}

/* ---- encoding ---- */

typedef struct job {
    uint64_t bytes; /* of the source */
    size_t i;       /* tensor of the model, or behind those an extra */
} job;

typedef struct work {
    const mote_pack_options *o;
    mote_model *model;
    const mote_model_tensor *tensors;
    size_t n_tensors, n;
    job *jobs;         /* the largest first */
    mote_coded *coded; /* by i */
    pthread_mutex_t lock;
    /* under the lock */
    size_t next, failed_at; /* places in jobs */
    mote_status st;         /* of the job failed_at */
    mote_model_error error;
    uint64_t done, total;
} work;

static mote_status describe(mote_model_error *error, mote_status st, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static mote_status describe(mote_model_error *error, mote_status st, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (vsnprintf(error->text, sizeof error->text, format, args) < 0) error->text[0] = '\0';
    va_end(args);
    error->status = st;
    return st;
}

static mote_status encode(work *w, size_t i, mote_model_error *error)
{
    const mote_pack_options *o = w->o;
    mote_encode_options options = o->encode;
    if (i >= w->n_tensors) {
        const mote_pack_extra *x = &o->extras[i - w->n_tensors];
        return mote_encode_blob(&w->coded[i], &options, x->kind, x->name, x->data, x->bytes);
    }
    const mote_model_tensor *t = &w->tensors[i];
    if (o->choose) o->choose(o->choose_ctx, t, &options);
    options.struct_size = o->encode.struct_size;
    options.profile = o->encode.profile;
    options.chunk_max = o->encode.chunk_max;
    const uint8_t *data;
    mote_status st = mote_model_data(w->model, i, &data, error);
    if (st != MOTE_OK) return st;
    st = mote_encode_tensor(&w->coded[i], &options, t, data, error);
    mote_model_release(w->model, i);
    return st;
}

/* Jobs are taken in order and each that was taken is finished, so the first one that fails is the same one however many
 * threads there are. */
static void *run(void *arg)
{
    work *w = arg;
    (void)pthread_mutex_lock(&w->lock);
    while (w->st == MOTE_OK && w->next < w->n) {
        const size_t at = w->next++;
        (void)pthread_mutex_unlock(&w->lock);
        mote_model_error error = { 0 };
        const mote_status st = encode(w, w->jobs[at].i, &error);
        (void)pthread_mutex_lock(&w->lock);
        if (st != MOTE_OK && at < w->failed_at) {
            w->failed_at = at;
            w->st = st;
            w->error = error;
        }
        w->done += w->jobs[at].bytes;
        if (st == MOTE_OK && w->o->progress) w->o->progress(w->o->progress_ctx, w->done, w->total);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

static void encode_all(work *w)
{
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    size_t threads = w->o->threads ? w->o->threads : online > 0 ? (size_t)online : 1;
    if (threads > THREADS_MAX) threads = THREADS_MAX;
    if (threads > w->n) threads = w->n;
    pthread_t thread[THREADS_MAX];
    size_t started = 0;
    while (started + 1 < threads && pthread_create(&thread[started], NULL, run, w) == 0) started++;
    (void)run(w); /* with fewer threads than hoped for it only takes longer */
    while (started) (void)pthread_join(thread[--started], NULL);
}

static int by_size(const void *a, const void *b)
{
    const job *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    return (x->i > y->i) - (x->i < y->i);
}

/* ---- the package ---- */

static mote_status write_package(work *w, mote_write_fn put, void *put_ctx, mote_pack_result *result)
{
    const mote_pack_options *o = w->o;
    const mote_profile_row *row = mote_profile_get(o->encode.profile);
    mote_write_entry *entries = malloc(w->n * sizeof *entries);
    mote_writer *writer = NULL;
    mote_needs needs = { { 0 } };
    mote_status st = MOTE_ERR_NOMEM;
    if (!entries) goto out;
    for (size_t i = 0; i < w->n; i++) {
        entries[i] = w->coded[i].entry;
        for (int k = 0; k < 4; k++) needs.bit[k] |= entries[i].needs.bit[k];
    }
    st = mote_writer_create(&writer, entries, w->n, o->encode.chunk_max, &o->info);
    if (st == MOTE_ERR_ORDER) describe(&w->error, st, "two entries have the same name");
    if (st == MOTE_ERR_LIMIT)
        describe(&w->error, st, "a record does not fit a chunk of %u bytes, or the manifest 4 KiB",
                 o->encode.chunk_max);
    if (st != MOTE_OK) goto out;
    if (!holds(row, mote_writer_facts(writer), &needs)) {
        st = describe(&w->error, MOTE_ERR_LIMIT, "the package does not keep within profile %s", row->name);
        goto out;
    }
    if (o->key) st = mote_writer_sign(writer, o->key, o->role ? o->role : MOTE_ROLE_RELEASE_KEY);
    if (st == MOTE_OK) st = mote_writer_write(writer, put, put_ctx);
    if (st != MOTE_OK) goto out;
    result->file_bytes = mote_writer_bytes(writer);
    result->facts = *mote_writer_facts(writer);
out:
    mote_writer_free(writer);
    free(entries);
    return st;
}

static int by_kind_and_name(const void *a, const void *b)
{
    const mote_pack_entry *x = a, *y = b;
    return mote_entry_compare((uint8_t)x->kind, (mote_text){ x->name, strlen(x->name) }, (uint8_t)y->kind,
                              (mote_text){ y->name, strlen(y->name) });
}

static mote_status fill_result(work *w, mote_pack_result *result)
{
    result->n_entries = w->n;
    result->entries = malloc(w->n * sizeof *result->entries);
    if (!result->entries) return MOTE_ERR_NOMEM;
    for (size_t i = 0; i < w->n; i++) {
        const mote_pack_extra *x = i < w->n_tensors ? NULL : &w->o->extras[i - w->n_tensors];
        result->entries[i] = (mote_pack_entry){ .name = x ? x->name : w->tensors[i].name,
                                                .kind = x ? x->kind : MOTE_KIND_TENSOR,
                                                .source = x ? i - w->n_tensors : i,
                                                .report = w->coded[i].report };
    }
    qsort(result->entries, w->n, sizeof *result->entries, by_kind_and_name);
    return MOTE_OK;
}

mote_status mote_pack(const mote_pack_options *options, mote_model *model, mote_write_fn put, void *put_ctx,
                      mote_pack_result *result, mote_model_error *error)
{
    mote_pack_options o = *options;
    *error = (mote_model_error){ 0 };
    const mote_profile_row *row = mote_profile_get(o.encode.profile);
    if (o.struct_size != sizeof o || !row) return MOTE_ERR_ARG;
    if (o.encode.chunk_max == 0) o.encode.chunk_max = row->chunk_default;
    if (o.encode.chunk_max > row->chunk_max)
        return describe(error, MOTE_ERR_LIMIT, "profile %s has chunks of up to %u bytes", row->name, row->chunk_max);
    if (o.key && (!o.info.name || !o.info.sequence))
        return describe(error, MOTE_ERR_ARG, "a package without name and sequence is not signed");

    work w = { .o = &o, .model = model, .failed_at = SIZE_MAX, .lock = PTHREAD_MUTEX_INITIALIZER };
    w.tensors = mote_model_tensors(model, &w.n_tensors);
    w.n = w.n_tensors + o.n_extras;
    if (w.n == 0) return describe(error, MOTE_ERR_ARG, "there is nothing to pack");
    w.jobs = calloc(w.n, sizeof *w.jobs);
    w.coded = calloc(w.n, sizeof *w.coded);
    mote_pack_result made = { 0 };
    w.st = w.jobs && w.coded ? MOTE_OK : MOTE_ERR_NOMEM;
    if (w.st != MOTE_OK) goto out;
    for (size_t i = 0; i < w.n; i++) {
        w.jobs[i] = (job){ i < w.n_tensors ? w.tensors[i].bytes : o.extras[i - w.n_tensors].bytes, i };
        w.total += w.jobs[i].bytes;
    }
    qsort(w.jobs, w.n, sizeof *w.jobs, by_size);
    encode_all(&w);
    if (w.st == MOTE_OK) w.st = fill_result(&w, &made);
    if (w.st == MOTE_OK) w.st = write_package(&w, put, put_ctx, &made);
out:
    if (w.st == MOTE_OK) {
        *result = made;
    } else {
        *error = w.error;
        mote_pack_result_free(&made);
    }
    if (w.coded)
        for (size_t i = 0; i < w.n; i++) mote_coded_free(&w.coded[i]);
    free(w.coded);
    free(w.jobs);
    (void)pthread_mutex_destroy(&w.lock);
    return w.st;
}

void mote_pack_result_free(mote_pack_result *result)
{
    free(result->entries);
    *result = (mote_pack_result){ 0 };
}
