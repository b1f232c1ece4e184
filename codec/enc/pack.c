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

#include "enc/plan.h"

#define THREADS_MAX 256
#define GOAL_TRIES 6
#define FILL_TRIES 40   /* of single tensors, to fill what is left of a size */
#define FILL_MOST 3.0   /* dB that one of them may gain by it */
#define FILL_DB 120.0   /* that can be asked for */
#define FILL_LEAST 0.02 /* dB that are worth a try */
#define GOAL_AIM 0.9985 /* of what was asked */
#define GOAL_NEAR 0.995 /* of it is near enough */

/* ---- profiles: Spec format.md 12 ---- */

/* Bits of the ids that a word of mote_needs holds: layouts 1-31, numerics 32-95, coders 96-111, features 112-127. */
#define BIT(id) ((uint32_t)1 << (id) % 32)
#define NANO_LAYOUTS (BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(6))
#define STD_LAYOUTS (NANO_LAYOUTS | BIT(5) | BIT(7) | BIT(31))
#define NANO_NUMERICS (BIT(32) | BIT(33) | BIT(34) | BIT(35) | BIT(36))
#define NANO_CODERS (BIT(96) | BIT(97) | BIT(98))
#define STD_CODERS (NANO_CODERS | BIT(99) | BIT(100) | BIT(101) | BIT(102) | BIT(103) | BIT(104))
#define FEATURES 0xFFFF0000u
#define ALL 0xFFFFFFFFu

static const mote_profile_row profiles[] = {
    { "nano", 4096, 16384, 4096, { { NANO_LAYOUTS, NANO_NUMERICS, 0, NANO_CODERS } } },
    { "std", 16384, 65536, 69632, { { STD_LAYOUTS, ALL, ALL, STD_CODERS | FEATURES } } },
    { "host", 524288, MOTE_CHUNK_MAX, 69632, { { ALL, ALL, ALL, ALL } } },
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
    mote_status (*task)(struct work *w, size_t i, mote_model_error *error);
    size_t *planned; /* tensors that the goal is about */
    size_t n_planned;
    mote_rates *rates; /* of the planned ones */
    double *snr;       /* by i; 0: as the options say. NULL: there is no goal */
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

/* What holds for tensor i. */
static mote_encode_options options_of(const work *w, size_t i)
{
    const mote_pack_options *o = w->o;
    mote_encode_options options = o->encode;
    if (o->choose) o->choose(o->choose_ctx, &w->tensors[i], &options);
    options.struct_size = o->encode.struct_size;
    options.profile = o->encode.profile;
    options.chunk_max = o->encode.chunk_max;
    return options;
}

static mote_status encode(work *w, size_t i, mote_model_error *error)
{
    const mote_pack_options *o = w->o;
    if (i >= w->n_tensors) {
        const mote_pack_extra *x = &o->extras[i - w->n_tensors];
        mote_encode_options plain = MOTE_ENCODE_OPTIONS_INIT;
        plain.profile = o->encode.profile;
        plain.chunk_max = o->encode.chunk_max;
        plain.only_stored = o->encode.only_stored;
        plain.tensor_digests = o->encode.tensor_digests;
        return mote_encode_blob(&w->coded[i], &plain, x->kind, x->name, x->data, x->bytes);
    }
    const mote_model_tensor *t = &w->tensors[i];
    mote_encode_options options = options_of(w, i);
    if (w->snr && w->snr[i] > 0) {
        options.snr_db = w->snr[i];
        if (w->snr[i] >= MOTE_PLAN_EXACT) options.method = MOTE_METHOD_LOSSLESS;
    }
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
        const mote_status st = w->task(w, w->jobs[at].i, &error);
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

/* Give every job to the task. */
static void run_all(work *w, mote_status (*task)(work *w, size_t i, mote_model_error *error))
{
    w->task = task;
    w->next = 0;
    w->done = 0;
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

/* ---- a goal ---- */

static bool is_planned(const work *w, size_t i)
{
    if (i >= w->n_tensors) return false;
    const mote_encode_options o = options_of(w, i);
    return o.method == MOTE_METHOD_TRELLIS && o.step == 0 && o.snr_db == 0;
}

/* A task: rates of what is planned; the rest is encoded for good. */
static mote_status measure(work *w, size_t i, mote_model_error *error)
{
    size_t k = 0;
    while (k < w->n_planned && w->planned[k] != i) k++;
    if (k == w->n_planned) return encode(w, i, error);
    const mote_encode_options options = options_of(w, i);
    const uint8_t *data;
    mote_status st = mote_model_data(w->model, i, &data, error);
    if (st != MOTE_OK) return st;
    st = mote_plan_rates(&w->rates[k], &options, &w->tensors[i], data, error);
    mote_model_release(w->model, i);
    return st;
}

/* A task: what is planned. */
static mote_status encode_planned(work *w, size_t i, mote_model_error *error)
{
    return w->snr[i] > 0 ? encode(w, i, error) : MOTE_OK;
}

/* What a try gave, or is promised: bytes of the planned tensors, or their error. */
static double outcome(const work *w)
{
    double bytes = 0, error = 0, elements = 0;
    for (size_t k = 0; k < w->n_planned; k++) {
        const mote_encode_report *r = &w->coded[w->planned[k]].report;
        bytes += (double)r->packed_bytes;
        if (r->signal > 0) error += (double)r->elements * r->noise / r->signal;
        elements += (double)r->elements;
    }
    return w->o->file_bytes ? bytes : elements > 0 ? error / elements : 0;
}

static void encode_plan(work *w, const double *snr)
{
    for (size_t k = 0; k < w->n_planned; k++) {
        w->snr[w->planned[k]] = snr[k];
        mote_coded_free(&w->coded[w->planned[k]]);
    }
    run_all(w, encode_planned);
}

static mote_status make_writer(work *w, mote_writer **writer, mote_write_entry **entries);

static mote_status measure_file(work *w, uint64_t *bytes)
{
    mote_writer *writer;
    mote_write_entry *entries;
    const mote_status st = make_writer(w, &writer, &entries);
    *bytes = st == MOTE_OK ? mote_writer_bytes(writer) : 0;
    mote_writer_free(writer);
    free(entries);
    return st;
}

/* Planned tensors, the largest first. */
static int by_elements(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    if (x[0] != y[0]) return x[0] > y[0] ? -1 : 1;
    return (x[1] > y[1]) - (x[1] < y[1]);
}

/* Encode one tensor anew. If the file is then too large everything is as it was, and `bytes` too. */
static mote_status try_tensor(work *w, size_t i, double snr, uint64_t *bytes)
{
    const mote_coded coded = w->coded[i];
    const double before = w->snr[i];
    uint64_t file = 0;
    w->coded[i] = (mote_coded){ .memory = NULL };
    w->snr[i] = snr;
    mote_status st = encode(w, i, &w->error);
    if (st == MOTE_OK) st = measure_file(w, &file);
    if (st == MOTE_OK && file <= w->o->file_bytes) {
        mote_coded old = coded;
        mote_coded_free(&old);
        *bytes = file;
        return MOTE_OK;
    }
    mote_coded_free(&w->coded[i]);
    w->coded[i] = coded;
    w->snr[i] = before;
    return st;
}

/*
 * What a plan leaves of a size is given to single tensors, the largest first, as sizes leap where another way to code a
 * tensor becomes the smaller one. Bytes of the file are known for each try, so it can only become better.
 */
static mote_status fill(work *w, uint64_t bytes)
{
    const double asked = (double)w->o->file_bytes;
    uint64_t(*order)[2] = malloc(w->n_planned * sizeof *order);
    mote_status st = order ? MOTE_OK : MOTE_ERR_NOMEM;
    for (size_t k = 0; k < w->n_planned && order; k++) {
        order[k][0] = w->tensors[w->planned[k]].elements;
        order[k][1] = w->planned[k];
    }
    if (order) qsort(order, w->n_planned, sizeof *order, by_elements);
    unsigned tries = 0;
    for (size_t k = 0; k < w->n_planned && st == MOTE_OK; k++) {
        const size_t i = (size_t)order[k][1];
        double part = 1; /* of what is left, for the next try */
        while (st == MOTE_OK && part > 0.1 && tries < FILL_TRIES && (double)bytes < GOAL_NEAR * asked) {
            const uint64_t before = bytes;
            const double left = GOAL_AIM * asked - (double)bytes;
            double gain = part * left * 8 * 6.02 / (double)order[k][0];
            if (gain > FILL_MOST) gain = FILL_MOST;
            if (gain < FILL_LEAST || !(w->snr[i] + gain <= FILL_DB)) break;
            st = try_tensor(w, i, w->snr[i] + gain, &bytes);
            tries++;
            if (bytes <= before) part *= 0.5;
        }
    }
    free(order);
    return st;
}

/*
 * Curves come from samples, so encoding gives up to a few percent more or less than they promise, and about the same for
 * neighbouring plans: each try asks for what the one before was off.
 */
static mote_status reach_goal(work *w, double *snr, double *best, double *least)
{
    const mote_pack_options *o = w->o;
    const bool size = o->file_bytes != 0;
    const double asked = size ? (double)o->file_bytes : o->max_error;
    double others = size ? 400 + 0.001 * asked : 0, off = 1, nearest = -1; /* at first the container is a guess */
    for (size_t i = 0; i < w->n && size; i++) others += (double)w->coded[i].report.packed_bytes;
    for (unsigned i = 0; i < GOAL_TRIES; i++) {
        *least = others + off * mote_plan_choose(w->rates, w->n_planned, -1000, snr);
        const double want = (asked * (GOAL_AIM - i * 0.0005) - others) / off;
        if (want <= 0 || !mote_plan_solve(w->rates, w->n_planned, size ? want : 0, want, snr)) break;
        const double promised =
            size ? mote_plan_bytes(w->rates, w->n_planned, snr) : mote_plan_error(w->rates, w->n_planned, snr);
        encode_plan(w, snr);
        if (w->st != MOTE_OK) return w->st;
        double got = outcome(w);
        off = promised > 0 ? got / promised : 1;
        if (size) {
            uint64_t file;
            const mote_status st = measure_file(w, &file);
            if (st != MOTE_OK) return st;
            others = (double)file - got;
            got = (double)file;
        }
        const bool exact = promised == 0 || (size && promised >= mote_plan_bytes(w->rates, w->n_planned, NULL));
        if (got <= asked && (got >= GOAL_NEAR * asked || exact)) return MOTE_OK;
        if (got > asked || got <= nearest) continue;
        nearest = got;
        memcpy(best, snr, w->n_planned * sizeof *best);
    }
    if (nearest < 0) return MOTE_ERR_LIMIT;
    encode_plan(w, best);
    return w->st == MOTE_OK && size ? fill(w, (uint64_t)nearest) : w->st;
}

static mote_status encode_for_goal(work *w)
{
    mote_status st = MOTE_ERR_NOMEM;
    double *snr = NULL, least = 0;
    w->planned = malloc((w->n_tensors + 1) * sizeof *w->planned);
    w->snr = calloc(w->n_tensors + 1, sizeof *w->snr);
    for (size_t i = 0; w->planned && i < w->n_tensors; i++)
        if (is_planned(w, i)) w->planned[w->n_planned++] = i;
    w->rates = calloc(w->n_planned + 1, sizeof *w->rates);
    snr = calloc(2 * w->n_planned + 1, sizeof *snr);
    if (w->planned && w->snr && w->rates && snr) {
        run_all(w, measure);
        st = w->st;
        if (st == MOTE_OK) st = reach_goal(w, snr, snr + w->n_planned, &least);
        if (st == MOTE_ERR_LIMIT && w->st == MOTE_OK)
            st = describe(&w->error, st, w->o->file_bytes ? "it takes about %.0f bytes at the least" : "no such error",
                          least);
    }
    free(snr);
    return st;
}

static int by_size(const void *a, const void *b)
{
    const job *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
    return (x->i > y->i) - (x->i < y->i);
}

/* ---- the package ---- */

/* Lay the package out and sign it; both are the caller's to free in any case. */
static mote_status make_writer(work *w, mote_writer **out, mote_write_entry **list)
{
    const mote_pack_options *o = w->o;
    const mote_profile_row *row = mote_profile_get(o->encode.profile);
    mote_write_entry *entries = *list = malloc(w->n * sizeof *entries);
    mote_needs needs = { { 0 } };
    *out = NULL;
    if (!entries) return MOTE_ERR_NOMEM;
    for (size_t i = 0; i < w->n; i++) {
        entries[i] = w->coded[i].entry;
        for (int k = 0; k < 4; k++) needs.bit[k] |= entries[i].needs.bit[k];
    }
    mote_status st = mote_writer_create(out, entries, w->n, o->encode.chunk_max, &o->info);
    if (st == MOTE_ERR_ORDER) describe(&w->error, st, "two entries have the same name");
    if (st == MOTE_ERR_LIMIT)
        describe(&w->error, st, "a record does not fit a chunk of %u bytes, or the manifest 4 KiB",
                 o->encode.chunk_max);
    if (st != MOTE_OK) return st;
    if (!holds(row, mote_writer_facts(*out), &needs))
        return describe(&w->error, MOTE_ERR_LIMIT, "the package does not keep within profile %s", row->name);
    return o->key ? mote_writer_sign(*out, o->key, o->role ? o->role : MOTE_ROLE_RELEASE_KEY) : MOTE_OK;
}

static mote_status write_package(work *w, mote_write_fn put, void *put_ctx, mote_pack_result *result)
{
    mote_write_entry *entries;
    mote_writer *writer;
    mote_status st = make_writer(w, &writer, &entries);
    if (st == MOTE_OK) st = mote_writer_write(writer, put, put_ctx);
    if (st == MOTE_OK) {
        result->file_bytes = mote_writer_bytes(writer);
        result->facts = *mote_writer_facts(writer);
    }
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
    if (!(o.max_error >= 0) || (o.file_bytes && o.max_error > 0)) return MOTE_ERR_ARG;
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
    if (o.file_bytes || o.max_error > 0)
        w.st = encode_for_goal(&w);
    else
        run_all(&w, encode);
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
    free(w.planned);
    free(w.rates);
    free(w.snr);
    (void)pthread_mutex_destroy(&w.lock);
    return w.st;
}

void mote_pack_result_free(mote_pack_result *result)
{
    free(result->entries);
    *result = (mote_pack_result){ 0 };
}
