/* SPDX-License-Identifier: Apache-2.0
 * mote pack: a trained model becomes a package. What has been written is read back, verified and decoded before it gets
 * its name; lossless tensors are compared with the model. */
#include <errno.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "importance.h"
#include "mote/pack.h"
#include "mote/version.h"
#include "package.h"
#include "rules.h"

/* clang-format off */
enum {
    OUT, LOSSLESS, BITS, BINARY, TERNARY, CODEBOOK, NF4, FP8, PER, BOOK_ROWS, ZERO_POINT, SCALES, SNR, STEP, TRELLIS,
    NATIVE, F16, BF16, PRUNE, THRESHOLD, PRUNE_ROWS, NM, RANK, ENERGY, RESIDUAL, SMALL, ONLY, RULES, SIZE, MAX_ERROR, IMPORTANCE,
    PROFILE, CHUNK, BLOB, DIGESTS, NAME, VERSION, SEQUENCE, VENDOR, CLASS, CREATED, NOT_AFTER,
    KEY, PASSPHRASE_FILE, THREADS, QUICK, JSON
};
/* clang-format on */

static const opt_def defs[] = {
    [OUT] = { "output", 'o', false, "OUT.mote", "the package" },
    [LOSSLESS] = { "lossless", 0, false, NULL, "every tensor bit for bit (default)" },
    [BITS] = { "bits", 0, false, "N", "integers of 1 to 8 or 16 bits with scales" },
    [BINARY] = { "binary", 0, false, NULL, "minus or plus a scale" },
    [TERNARY] = { "ternary", 0, false, NULL, "minus a scale, zero or plus a scale" },
    [CODEBOOK] = { "codebook", 0, false, "N", "the nearest of N values (2 to 256) fitted to the tensor" },
    [NF4] = { "nf4", 0, false, NULL, "the nearest of the 16 values of NF4, with scales" },
    [FP8] = { "fp8", 0, false, "e4m3|e5m2", "cast floats to 8 bits; with --per they keep their type and have scales" },
    [PER] = { "per", 0, false, "tensor|row|N", "a scale for each tensor, row (default) or N columns" },
    [BOOK_ROWS] = { "book-rows", 0, false, "N", "a codebook for every N rows instead of one for the tensor" },
    [ZERO_POINT] = { "zero-point", 0, false, NULL, "integers with a zero-point instead of symmetric ones" },
    [SCALES] = { "scales", 0, false, "f32|f16|bf16", "type of the scales (default f32)" },
    [SNR] = { "snr", 0, false, "DB", "trellis-coded integers, each tensor's error DB below its signal" },
    [STEP] = { "step", 0, false, "S", "trellis-coded integers of step S" },
    [TRELLIS] = { "trellis", 0, false, "STATES", "states of the trellis: 1, 8, 32 (default), 256, 1024 or 2048" },
    [NATIVE] = { "native", 0, false, "8|16", "trellis-coded values are such integers times one step" },
    [F16] = { "f16", 0, false, NULL, "cast floats to f16" },
    [BF16] = { "bf16", 0, false, NULL, "cast floats to bf16" },
    [PRUNE] = { "prune", 0, false, "FRACTION", "set this share of the smallest weights of each tensor to zero" },
    [THRESHOLD] = { "threshold", 0, false, "T", "set weights below T in magnitude to zero" },
    [PRUNE_ROWS] = { "prune-rows", 0, false, "FRACTION",
                     "set this share of the rows, those of the least norm, to zero" },
    [NM] = { "nm", 0, false, "N:M", "of each M neighbours in a row keep the N largest: 2:4" },
    [RANK] = { "rank", 0, false, "N", "factors of rank N" },
    [ENERGY] = { "energy", 0, false, "E", "factors of the least rank that keeps this share of the energy" },
    [RESIDUAL] = { "residual", 0, false, "N",
                   "add what factors leave, in integers of N bits; pruning is of that then" },
    [SMALL] = { "small", 0, false, "N", "tensors of fewer weights stay lossless (default 1024)" },
    [ONLY] = { "only", 0, true, "GLOB", "lossy options are for tensors of such names" },
    [RULES] = { "rules", 0, false, "FILE", "options by tensor name: JSON, {\"GLOB\": {\"OPTION\": VALUE}}" },
    [IMPORTANCE] = { "importance", 0, false, "FILE", "weigh errors by column: f32 tensors of the same names" },
    [SIZE] = { "size", 0, false, "BYTES", "the least error in a file of at most that size, K and M allowed" },
    [MAX_ERROR] = { "max-error", 0, false, "E", "the least size; mean over the weights of noise / signal at most E" },
    [PROFILE] = { "profile", 0, false, "nano|std|host", "what the readers are like (default std)" },
    [CHUNK] = { "chunk", 0, false, "BYTES", "longest chunk (default 4K, 16K or 512K by profile)" },
    [BLOB] = { "blob", 0, true, "NAME=FILE", "add the bytes of a file" },
    [DIGESTS] = { "tensor-digests", 0, false, NULL, "store a digest of each tensor's elements" },
    [NAME] = { "name", 0, false, "NAME", "which component it is: 1 to 64 bytes" },
    [VERSION] = { "model-version", 0, false, "TEXT", "version of the model, for people" },
    [SEQUENCE] = { "sequence", 0, false, "N", "rises with every release of the component" },
    [VENDOR] = { "vendor", 0, false, "HEX", "vendor id, 32 digits" },
    [CLASS] = { "class", 0, true, "HEX", "device class id, 32 digits" },
    [CREATED] = { "created", 0, false, "T", "Unix time (default SOURCE_DATE_EPOCH, else none)" },
    [NOT_AFTER] = { "not-after", 0, false, "T", "Unix time after which it should not be used" },
    [KEY] = { "key", 0, false, "FILE", "sign with this secret key; needs --name and --sequence" },
    [PASSPHRASE_FILE] = { "passphrase-file", 0, false, "FILE", "take its passphrase from the first line of FILE" },
    [THREADS] = { "threads", 0, false, "N", "encode with N threads (default: all processors)" },
    [QUICK] = { "quick", 0, false, NULL, "read back without decoding: digests and structure only" },
    [JSON] = { "json", 0, false, NULL, "the report as one JSON object on standard output" },
};

enum { CLASSES_MAX = 8 };

typedef struct packing {
    const opts *o;
    mote_pack_options options;
    mote_encode_options lossless; /* for tensors that --only leaves out */
    rules rules;
    mote_encode_options *ruled; /* of each rule; owned */
    uint8_t vendor[16], classes[CLASSES_MAX][16];
    mote_keypair kp;
    io_map in;
    mote_model *model;
    mote_pack_extra *extras; /* owned */
    io_map *maps;            /* of the blobs; owned */
    char **names;            /* of the blobs; owned */
    size_t n_blobs;
    importance importance;
    mote_pack_result result;
} packing;

/* ---- the command line ---- */

/* "2:4" */
static bool read_nm(const opts *o, mote_encode_options *e)
{
    char text[8], *colon;
    uint64_t n = 0, m = 0;
    const char *value = opt_value(o, NM);
    if (!value) return true;
    (void)snprintf(text, sizeof text, "%s", value);
    colon = strchr(text, ':');
    if (colon) *colon = '\0';
    if (!colon || strlen(value) >= sizeof text || !opt_number(text, &n) || !opt_number(colon + 1, &m) || n < 1 ||
        n >= m || m > 16) {
        (void)opt_error(o, "--nm takes N:M with 1 <= N < M <= 16, not \"%s\"", value);
        return false;
    }
    e->keep = (unsigned)n;
    e->of = (unsigned)m;
    return true;
}

static bool read_trellis(const opts *o, mote_encode_options *e)
{
    uint64_t states = e->states, native = 0;
    const bool steps = opt_has(o, SNR) || opt_has(o, STEP) || opt_has(o, SIZE) || opt_has(o, MAX_ERROR);
    const int need[] = { TRELLIS, NATIVE };
    for (size_t i = 0; i < 2 && !steps; i++)
        if (opt_has(o, need[i])) {
            (void)opt_error(o, "--%s goes with --snr, --step, --size or --max-error", defs[need[i]].name);
            return false;
        }
    if (!opt_exclusive(o, (const int[]){ SNR, STEP }, 2) || !opt_u64(o, TRELLIS, 1, 2048, &states) ||
        !opt_u64(o, NATIVE, 8, 16, &native) || !opt_real(o, SNR, 0, 120, false, true, &e->snr_db) ||
        !opt_real(o, STEP, 0, INFINITY, false, false, &e->step))
        return false;
    if (states != 1 && states != 8 && states != 32 && states != 256 && states != 1024 && states != 2048) {
        (void)opt_error(o, "--trellis takes 1, 8, 32, 256, 1024 or 2048");
        return false;
    }
    if (native != 0 && native != 8 && native != 16) {
        (void)opt_error(o, "--native takes 8 or 16");
        return false;
    }
    if (steps) e->method = MOTE_METHOD_TRELLIS;
    e->states = (unsigned)states;
    e->native = (unsigned)native;
    return true;
}

/* Trellis-coded integers go with nothing else that is lossy. */
static bool exclusive(const opts *o)
{
    static const int trellis[] = { SNR, STEP, SIZE, MAX_ERROR };
    static const int others[] = { PRUNE, THRESHOLD, PRUNE_ROWS, NM, RANK, ENERGY };
    static const int method[] = { LOSSLESS, BITS, BINARY, TERNARY, CODEBOOK, NF4,      FP8,
                                  F16,      BF16, SNR,    STEP,    SIZE,     MAX_ERROR };
    static const int pruned[] = { LOSSLESS, PRUNE, THRESHOLD, PRUNE_ROWS, NM }, factors[] = { LOSSLESS, RANK, ENERGY };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        for (size_t k = 0; k < sizeof trellis / sizeof *trellis; k++)
            if (!opt_exclusive(o, (const int[]){ others[i], trellis[k] }, 2)) return false;
    return opt_exclusive(o, method, sizeof method / sizeof *method) &&
           opt_exclusive(o, pruned, sizeof pruned / sizeof *pruned) && opt_exclusive(o, factors, 3);
}

static bool read_method(const opts *o, mote_encode_options *e)
{
    static const char *const scale_names[] = { "f32", "f16", "bf16" };
    static const mote_dtype scale_types[] = { MOTE_F32, MOTE_F16, MOTE_BF16 };
    static const char *const f8_names[] = { "e4m3", "e5m2" };
    uint64_t bits = 8, rank = 0, small = e->small, group = 0, entries = 0, book_rows = 0, residual = 0;
    unsigned scale = 0, f8 = 0;
    if (!exclusive(o)) return false;
    if (!opt_u64(o, CODEBOOK, 2, 256, &entries) || !opt_u64(o, BOOK_ROWS, 1, UINT32_MAX, &book_rows) ||
        !opt_u64(o, RESIDUAL, 1, 8, &residual) || !opt_word(o, FP8, f8_names, 2, &f8))
        return false;
    if (!opt_u64(o, BITS, 1, 16, &bits) || !opt_u64(o, RANK, 1, UINT32_MAX, &rank) ||
        !opt_u64(o, SMALL, 0, UINT64_MAX, &small) || !opt_word(o, SCALES, scale_names, 3, &scale) ||
        !opt_real(o, PRUNE, 0, 1, false, false, &e->prune_fraction) ||
        !opt_real(o, THRESHOLD, 0, INFINITY, false, false, &e->prune_threshold) ||
        !opt_real(o, PRUNE_ROWS, 0, 1, false, false, &e->prune_rows) || !read_nm(o, e) ||
        !opt_real(o, ENERGY, 0, 1, false, true, &e->energy))
        return false;
    if (bits > 8 && bits != 16) {
        (void)opt_error(o, "--bits takes 1 to 8, or 16");
        return false;
    }
    const bool scaled = opt_has(o, BITS) || opt_has(o, BINARY) || opt_has(o, TERNARY) || opt_has(o, CODEBOOK) ||
                        opt_has(o, NF4) || opt_has(o, FP8);
    const struct {
        int option;
        bool fits;
        const char *with;
    } needs[] = { { PER, scaled, "--bits, --binary, --ternary, --codebook, --nf4 or --fp8" },
                  { SCALES, scaled, "--bits, --binary, --ternary, --codebook, --nf4 or --fp8" },
                  { ZERO_POINT, opt_has(o, BITS), "--bits" },
                  { RESIDUAL, opt_has(o, RANK) || opt_has(o, ENERGY), "--rank or --energy" },
                  { BOOK_ROWS, opt_has(o, CODEBOOK), "--codebook" } };
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (opt_has(o, needs[i].option) && !needs[i].fits) {
            (void)opt_error(o, "--%s goes with %s", defs[needs[i].option].name, needs[i].with);
            return false;
        }
    const char *per = opt_value(o, PER);
    e->scope = MOTE_SCOPE_ROW;
    if (per && strcmp(per, "tensor") == 0) {
        e->scope = MOTE_SCOPE_TENSOR;
    } else if (per && strcmp(per, "row") != 0) {
        if (!opt_number(per, &group) || group < 1 || group > UINT32_MAX) {
            (void)opt_error(o, "--per takes tensor, row or a number of columns, not \"%s\"", per);
            return false;
        }
        e->scope = MOTE_SCOPE_GROUP;
    }
    if (!per && (opt_has(o, CODEBOOK) || opt_has(o, NF4))) { /* what is usual */
        e->scope = opt_has(o, NF4) ? MOTE_SCOPE_GROUP : MOTE_SCOPE_TENSOR;
        group = 64;
    }
    const bool f8_scaled = per || opt_has(o, SCALES);
    e->method = opt_has(o, BITS) || opt_has(o, BINARY) || opt_has(o, TERNARY) ? MOTE_METHOD_AFFINE
                : opt_has(o, CODEBOOK)                                        ? MOTE_METHOD_CODEBOOK
                : opt_has(o, NF4)                                             ? MOTE_METHOD_NF4
                : opt_has(o, FP8) && !f8_scaled ? (f8 ? MOTE_METHOD_F8_E5M2 : MOTE_METHOD_F8_E4M3)
                : opt_has(o, FP8)               ? (f8 ? MOTE_METHOD_SCALED_E5M2 : MOTE_METHOD_SCALED_E4M3)
                : opt_has(o, F16)               ? MOTE_METHOD_F16
                : opt_has(o, BF16)              ? MOTE_METHOD_BF16
                                                : MOTE_METHOD_LOSSLESS;
    if (!read_trellis(o, e)) return false;
    e->bits = opt_has(o, BINARY) ? 1 : opt_has(o, TERNARY) ? 2 : (unsigned)bits;
    e->ternary = opt_has(o, TERNARY);
    e->entries = (unsigned)entries;
    e->book_rows = (uint32_t)book_rows;
    e->group = (uint32_t)group;
    e->zero_point = opt_has(o, ZERO_POINT);
    e->scale_dtype = scale_types[scale];
    e->rank = (uint32_t)rank;
    e->residual = (unsigned)residual;
    e->small = small;
    const bool lossy = e->method != MOTE_METHOD_LOSSLESS || e->prune_fraction > 0 || e->prune_threshold > 0 ||
                       e->prune_rows > 0 || e->of > 0 || e->rank > 0 || e->energy > 0;
    if (opt_has(o, ONLY) && !lossy) {
        (void)opt_error(o, "--only goes with an option that is lossy");
        return false;
    }
    return true;
}

static bool read_container(const opts *o, mote_encode_options *e)
{
    static const char *const profiles[] = { "nano", "std", "host" };
    unsigned profile = MOTE_PROFILE_STD;
    if (!opt_word(o, PROFILE, profiles, 3, &profile)) return false;
    const mote_profile_row *row = mote_profile_get((mote_profile)profile);
    uint64_t chunk = row->chunk_default;
    if (!opt_bytes(o, CHUNK, 256, MOTE_CHUNK_MAX, &chunk)) return false;
    if (chunk > row->chunk_max) {
        (void)opt_error(o, "profile %s has chunks of up to %u bytes", row->name, row->chunk_max);
        return false;
    }
    e->profile = (mote_profile)profile;
    e->chunk_max = (uint32_t)chunk;
    e->tensor_digests = opt_has(o, DIGESTS);
    return true;
}

static bool text_fits(const opts *o, int def, size_t max)
{
    const char *s = opt_value(o, def);
    if (!s || mote_text_valid((mote_text){ s, strlen(s) }, 1, max)) return true;
    (void)opt_error(o, "--%s takes 1 to %zu bytes of UTF-8 without control characters", defs[def].name, max);
    return false;
}

static bool read_info(packing *w)
{
    const opts *o = w->o;
    mote_write_info *info = &w->options.info;
    if (!text_fits(o, NAME, 64) || !text_fits(o, VERSION, 63)) return false;
    info->name = opt_value(o, NAME);
    info->version = opt_value(o, VERSION);
    info->tool = "mote " MOTE_VERSION;
    if (!opt_u64(o, SEQUENCE, 1, SEQUENCE_MAX, &info->sequence) ||
        !opt_u64(o, NOT_AFTER, 1, INT64_MAX, &info->not_after))
        return false;
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    if (!opt_has(o, CREATED) && epoch && *epoch && (!opt_number(epoch, &info->created) || info->created > INT64_MAX)) {
        (void)opt_error(o, "SOURCE_DATE_EPOCH is no number of seconds: \"%s\"", epoch);
        return false;
    }
    if (!opt_u64(o, CREATED, 1, INT64_MAX, &info->created)) return false;
    if (opt_has(o, VENDOR)) {
        if (!opt_hex16(o, opt_value(o, VENDOR), VENDOR, w->vendor)) return false;
        info->vendor = w->vendor;
    }
    info->n_classes = opt_count(o, CLASS);
    info->device_class = w->classes[0];
    if (info->n_classes > CLASSES_MAX) {
        (void)opt_error(o, "at most %d classes", CLASSES_MAX);
        return false;
    }
    for (size_t i = 0; i < info->n_classes; i++) {
        if (!opt_hex16(o, opt_nth(o, CLASS, i), CLASS, w->classes[i])) return false;
        for (size_t k = 0; k < i; k++)
            if (memcmp(w->classes[i], w->classes[k], 16) == 0) {
                (void)opt_error(o, "--class names %s twice", opt_nth(o, CLASS, i));
                return false;
            }
    }
    if (opt_has(o, KEY) && (!info->name || !info->sequence)) {
        (void)opt_error(o, "--key needs --name and --sequence: a signature is for one release of one component");
        return false;
    }
    return true;
}

static bool read_options(packing *w)
{
    const opts *o = w->o;
    uint64_t threads = 0;
    w->options = (mote_pack_options)MOTE_PACK_OPTIONS_INIT;
    if (!opt_required(o, OUT)) return false;
    if (strcmp(opt_value(o, OUT), "-") == 0 && opt_has(o, JSON)) {
        (void)opt_error(o, "the package and --json cannot both go to standard output");
        return false;
    }
    if (!read_container(o, &w->options.encode)) return false;
    w->lossless = w->options.encode;
    if (!read_method(o, &w->options.encode) || !read_info(w) || !opt_u64(o, THREADS, 1, 256, &threads)) return false;
    if (!opt_bytes(o, SIZE, 1, INT64_MAX, &w->options.file_bytes) ||
        !opt_real(o, MAX_ERROR, 0, 1, false, false, &w->options.max_error))
        return false;
    w->options.threads = (unsigned)threads;
    return true;
}

/* ---- what goes in ---- */

/* Without --only every tensor is meant. */
static bool is_meant(const opts *o, const mote_model_tensor *t)
{
    const size_t n = opt_count(o, ONLY);
    for (size_t i = 0; i < n; i++)
        if (fnmatch(opt_nth(o, ONLY, i), t->name, 0) == 0) return true;
    return n == 0;
}

static void choose(void *ctx, const mote_model_tensor *t, mote_encode_options *options)
{
    const packing *w = ctx;
    const rule *r = rules_find(&w->rules, t->name);
    if (r)
        *options = w->ruled[r - w->rules.rule];
    else if (!is_meant(w->o, t))
        *options = w->lossless;
    importance_set(&w->importance, t->name, options);
}

/* What stands in a rule is read as if it stood on the command line. */
static int read_rules(packing *w)
{
    int done = rules_open(&w->rules, &cmd_pack, opt_value(w->o, RULES));
    if (done != STATUS_DONE) return done;
    w->ruled = calloc(w->rules.n, sizeof *w->ruled);
    if (!w->ruled) return report_error(w->rules.path, MOTE_ERR_NOMEM, NULL);
    for (size_t i = 0; i < w->rules.n; i++) {
        const opts *o = &w->rules.rule[i].o;
        const char *why = NULL;
        w->ruled[i] = w->lossless;
        for (size_t k = 0; k < o->n_hits; k++)
            if (o->hits[k].def == OUT || o->hits[k].def >= ONLY) why = "only options that say how a tensor is coded";
        if (!why && !read_method(o, &w->ruled[i])) why = "not like this";
        if (why) return rules_error(&w->rules, w->rules.rule[i].glob, why);
    }
    size_t n;
    const mote_model_tensor *t = mote_model_tensors(w->model, &n);
    for (size_t i = 0; i < n; i++) {
        rule *r = rules_find(&w->rules, t[i].name);
        if (r) r->used = true;
    }
    for (size_t i = 0; i < w->rules.n; i++)
        if (!w->rules.rule[i].used)
            return rules_error(&w->rules, w->rules.rule[i].glob, "no tensor of the model is left for it");
    return STATUS_DONE;
}

static bool any_is_meant(const packing *w)
{
    size_t n;
    const mote_model_tensor *t = mote_model_tensors(w->model, &n);
    for (size_t i = 0; i < n; i++)
        if (is_meant(w->o, &t[i])) return true;
    return false;
}

static int add_blob(packing *w, size_t i)
{
    const char *text = opt_nth(w->o, BLOB, i), *equal = strchr(text, '=');
    if (!equal || !mote_text_valid((mote_text){ text, (size_t)(equal - text) }, 1, MOTE_NAME_MAX) || !equal[1])
        return opt_error(w->o, "--blob takes NAME=FILE, not \"%s\"", text);
    char *name = w->names[i] = strndup(text, (size_t)(equal - text));
    if (!name) return report_error(text, MOTE_ERR_NOMEM, NULL);
    for (size_t k = 0; k < i; k++)
        if (w->names[k] && strcmp(w->names[k], name) == 0) return opt_error(w->o, "--blob names \"%s\" twice", name);
    const int done = io_map_open(&w->maps[i], equal + 1);
    w->extras[w->options.n_extras++] = (mote_pack_extra){ MOTE_KIND_BLOB, name, w->maps[i].p, w->maps[i].bytes };
    return done;
}

static int open_inputs(packing *w)
{
    const char *path = w->o->args[0];
    mote_model_error error = { 0 };
    int done = io_map_open(&w->in, path);
    if (done != STATUS_DONE) return done;
    const mote_status st = mote_model_open(&w->model, w->in.p, w->in.bytes, &error);
    if (st != MOTE_OK) return report_error(path, st, error.text);
    if (opt_has(w->o, RULES) && (done = read_rules(w)) != STATUS_DONE) return done;
    if (opt_has(w->o, ONLY) && !any_is_meant(w)) return opt_error(w->o, "--only matches no tensor of the model");

    w->n_blobs = opt_count(w->o, BLOB);
    w->extras = calloc(w->n_blobs + 1, sizeof *w->extras);
    w->maps = calloc(w->n_blobs + 1, sizeof *w->maps);
    w->names = calloc(w->n_blobs + 1, sizeof *w->names);
    if (!w->extras || !w->maps || !w->names) return report_error(path, MOTE_ERR_NOMEM, NULL);
    w->options.extras = w->extras;
    for (size_t i = 0; i < w->n_blobs && done == STATUS_DONE; i++) done = add_blob(w, i);
    const char *metadata = mote_model_metadata(w->model);
    if (metadata)
        w->extras[w->options.n_extras++] =
            (mote_pack_extra){ MOTE_KIND_TEXT, "safetensors.metadata", (const uint8_t *)metadata, strlen(metadata) };
    if (done == STATUS_DONE && opt_has(w->o, IMPORTANCE))
        done = importance_open(&w->importance, w->o, opt_value(w->o, IMPORTANCE), w->model);
    if (done == STATUS_DONE && opt_has(w->o, KEY)) {
        done = keys_secret(&w->kp, opt_value(w->o, KEY), w->o, PASSPHRASE_FILE);
        w->options.key = &w->kp;
    }
    return done;
}

/* ---- reading back ---- */

/* Block by block against the elements that the tensor had; a transposed one is put together first, which is the same as
 * what the loader's user does. */
static mote_status compare_blocks(package *p, const mote_tensor_info *t, const uint8_t *data, uint64_t bytes)
{
    mote_event e;
    mote_status st = MOTE_OK;
    uint8_t *whole = NULL;
    const unsigned bits = mote_dtype_bits(t->dtype);
    const bool in_blocks = t->axis == 0 && bits % 8 == 0;
    if (!in_blocks) {
        whole = malloc((size_t)bytes);
        st = whole ? mote_loader_target(p->ld, whole, (size_t)bytes) : MOTE_ERR_NOMEM;
    }
    while (st == MOTE_OK && (st = package_next(p, &e)) == MOTE_OK && e.type != MOTE_EVENT_TENSOR_END) {
        const uint64_t at = (e.block.row * t->cols + e.block.col) * (bits / 8);
        if (in_blocks && memcmp(data + at, e.block.data, e.block.bytes) != 0) st = MOTE_ERR_RANGE;
    }
    if (st == MOTE_OK && whole && memcmp(data, whole, (size_t)bytes) != 0) st = MOTE_ERR_RANGE;
    free(whole);
    return st;
}

/* Decode the tensor that has begun; if it is lossless it must be what it was. */
static mote_status compare(packing *w, package *p, const mote_tensor_info *t, const mote_pack_entry *entry)
{
    mote_model_error error;
    mote_event e;
    mote_status st = MOTE_OK;
    if (entry->kind != MOTE_KIND_TENSOR)
        return compare_blocks(p, t, w->extras[entry->source].data, w->extras[entry->source].bytes);
    size_t n;
    const mote_model_tensor *source = &mote_model_tensors(w->model, &n)[entry->source];
    if (entry->report.noise == 0 && entry->report.dtype == source->dtype) {
        const uint8_t *data;
        st = mote_model_data(w->model, entry->source, &data, &error);
        if (st == MOTE_OK) st = compare_blocks(p, t, data, source->bytes);
        mote_model_release(w->model, entry->source);
        return st;
    }
    while ((st = package_next(p, &e)) == MOTE_OK && e.type != MOTE_EVENT_TENSOR_END) continue;
    return st;
}

static mote_status compare_all(packing *w, package *p)
{
    mote_event e;
    mote_status st;
    report_progress_begin("check");
    while ((st = package_next(p, &e)) == MOTE_OK && e.type != MOTE_EVENT_DONE) {
        if (e.type == MOTE_EVENT_TENSOR) {
            const mote_tensor_info t = e.tensor;
            st = compare(w, p, &t, &w->result.entries[e.index]);
        }
        if (st != MOTE_OK) break;
        report_progress(NULL, p->fed, package_bytes(p));
    }
    report_progress_end();
    return st == MOTE_OK ? package_end(p) : st;
}

static int read_back(packing *w, const io_out *out, uint8_t digest[MOTE_DIGEST_BYTES])
{
    package p;
    keys own = { .n = 1, .path = { "its own key" } };
    package_options options = { .memory_max = UINT64_MAX };
    if (w->options.key) {
        memcpy(own.key[0], w->kp.pub, sizeof own.key[0]);
        options.trusted = &own;
    }
    int done = package_open_output(&p, out, &options);
    if (done == STATUS_DONE) {
        const mote_status st = opt_has(w->o, QUICK) ? package_walk(&p, false, "check") : compare_all(w, &p);
        if (st == MOTE_ERR_RANGE)
            done = report_error(out->name, st, "what was written does not give the model again; nothing is kept");
        else if (st != MOTE_OK)
            done = package_error(&p, st);
        memcpy(digest, p.digest, MOTE_DIGEST_BYTES);
    }
    package_close(&p);
    return done;
}

/* ---- the report ---- */

typedef struct totals {
    size_t tensors;
    uint64_t elements, original, packed;
    double signal, noise;
    const mote_pack_entry *worst; /* the least SNR of those that are not exact */
} totals;

static double snr(double signal, double noise)
{
    return 10 * log10(signal / noise);
}

static totals add_up(const mote_pack_result *result)
{
    totals t = { 0 };
    double least = 0;
    for (size_t i = 0; i < result->n_entries; i++) {
        const mote_pack_entry *e = &result->entries[i];
        if (e->kind != MOTE_KIND_TENSOR) continue;
        const mote_encode_report *r = &e->report;
        t.tensors++;
        t.elements += r->elements;
        t.original += r->original_bytes;
        t.packed += r->packed_bytes;
        t.signal += r->signal;
        t.noise += r->noise;
        if (r->noise > 0 && (!t.worst || snr(r->signal, r->noise) < least)) {
            t.worst = e;
            least = snr(r->signal, r->noise);
        }
    }
    return t;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

static void print(const packing *w, const char *path)
{
    const totals t = add_up(&w->result);
    char a[16], b[16], name[1024];
    (void)fprintf(stderr, "tensors   %zu, %llu weights\n", t.tensors, (unsigned long long)t.elements);
    (void)fprintf(stderr, "original  %llu bytes (%s)\n", (unsigned long long)t.original, report_size(a, t.original));
    (void)fprintf(stderr, "packed    %llu bytes (%s), ratio %.3f, %.3f bits per weight\n", (unsigned long long)t.packed,
                  report_size(b, t.packed), ratio((double)t.packed, (double)t.original),
                  ratio(8 * (double)t.packed, (double)t.elements));
    if (t.worst)
        (void)fprintf(stderr, "error     SNR %.2f dB, worst %.2f dB in %s\n", snr(t.signal, t.noise),
                      snr(t.worst->report.signal, t.worst->report.noise),
                      report_safe(name, sizeof name, t.worst->name, strlen(t.worst->name)));
    else
        (void)fprintf(stderr, "error     none, bit for bit\n");
    (void)fprintf(stderr, "file      %llu bytes (%s) %s%s\n", (unsigned long long)w->result.file_bytes,
                  report_size(a, w->result.file_bytes), report_safe(name, sizeof name, path, strlen(path)),
                  w->options.key ? ", signed" : ", not signed");
}

static json_t *json_snr(double signal, double noise)
{
    const double db = noise > 0 && signal > 0 ? snr(signal, noise) : NAN;
    return isfinite(db) ? json_real(db) : json_null();
}

static json_t *json_entry(const mote_pack_entry *e)
{
    static const char *const kinds[] = { "", "tensor", "blob", "text" };
    const mote_encode_report *r = &e->report;
    json_t *parts = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "head", (json_int_t)r->head_bytes, "classes",
                              (json_int_t)r->class_bytes, "scales", (json_int_t)r->scale_bytes, "symbols",
                              (json_int_t)r->symbol_bytes, "escapes", (json_int_t)r->escape_bytes, "raw",
                              (json_int_t)r->raw_bytes, "layout", (json_int_t)r->layout_bytes);
    const bool coded = r->elements != 0;
    return json_pack("{s:s,s:s,s:s,s:I,s:I,s:I,s:s?,s:s?,s:s?,s:i,s:i,s:i,s:i,s:I,s:b,s:o,s:f,s:o}", "name", e->name,
                     "kind", kinds[e->kind], "dtype", mote_dtype_name((unsigned)r->dtype), "elements",
                     (json_int_t)r->elements, "original_bytes", (json_int_t)r->original_bytes, "packed_bytes",
                     (json_int_t)r->packed_bytes, "layout", coded ? mote_id_name(r->layout) : NULL, "numeric",
                     coded ? mote_id_name(r->numeric) : NULL, "coder", coded ? mote_id_name(r->coder) : NULL, "bits",
                     (int)r->bits, "axis", (int)r->axis, "classes", (int)r->n_classes, "rank", (int)r->rank, "kept",
                     (json_int_t)r->kept, "exact", r->noise == 0, "snr_db", json_snr(r->signal, r->noise), "ideal_bits",
                     r->ideal_bits, "parts", parts);
}

static int print_json(const packing *w, const uint8_t digest[MOTE_DIGEST_BYTES])
{
    const totals t = add_up(&w->result);
    const mote_facts *f = &w->result.facts;
    json_t *entries = json_array();
    int bad = 0;
    for (size_t i = 0; i < w->result.n_entries; i++)
        bad |= json_array_append_new(entries, json_entry(&w->result.entries[i]));
    json_t *worst = t.worst ? json_pack("{s:s,s:o}", "name", t.worst->name, "snr_db",
                                        json_snr(t.worst->report.signal, t.worst->report.noise))
                            : json_null();
    json_t *root =
        json_pack("{s:o,s:b,s:I,s:I,s:I,s:I,s:f,s:f,s:b,s:o,s:o,s:I,s:I,s:o}", "digest",
                  report_json_hex(digest, MOTE_DIGEST_BYTES), "signed", w->options.key != NULL, "tensors",
                  (json_int_t)t.tensors, "elements", (json_int_t)t.elements, "original_bytes", (json_int_t)t.original,
                  "packed_bytes", (json_int_t)t.packed, "ratio", ratio((double)t.packed, (double)t.original),
                  "bits_per_weight", ratio(8 * (double)t.packed, (double)t.elements), "exact", t.noise == 0, "snr_db",
                  json_snr(t.signal, t.noise), "worst", worst, "file_bytes", (json_int_t)w->result.file_bytes,
                  "chunk_max", (json_int_t)f->chunk_max, "entries", entries);
    if (bad) {
        json_decref(root);
        root = NULL;
    }
    return report_json(root);
}

/* ---- the command ---- */

static int pack(packing *w, io_out *out)
{
    mote_model_error error = { 0 };
    uint8_t digest[MOTE_DIGEST_BYTES];
    w->options.choose = choose;
    w->options.choose_ctx = w;
    w->options.progress = report_progress;
    report_progress_begin("pack");
    const mote_status st = mote_pack(&w->options, w->model, io_out_write, out, &w->result, &error);
    report_progress_end();
    if (st == MOTE_ERR_IO) return report_errno(out->name, "cannot write");
    if (st != MOTE_OK) return report_error(w->o->args[0], st, error.text);
    int done = read_back(w, out, digest);
    if (done == STATUS_DONE) done = io_out_commit(out);
    if (done != STATUS_DONE) return done;
    if (opt_has(w->o, JSON)) return print_json(w, digest);
    print(w, opt_value(w->o, OUT));
    return STATUS_DONE;
}

static int run(const opts *o)
{
    packing w = { .o = o };
    io_out out = { .fd = -1, .target = -1 };
    if (o->n_args != 1) return opt_error(o, o->n_args ? "one model at a time" : "which model?");
    if (!read_options(&w)) return STATUS_USAGE;
    int done = open_inputs(&w);
    if (done == STATUS_DONE) done = io_out_open(&out, opt_value(o, OUT));
    if (done == STATUS_DONE) done = pack(&w, &out);
    if (out.name) io_out_abort(&out);
    mote_pack_result_free(&w.result);
    importance_free(&w.importance);
    mote_model_close(w.model);
    io_map_close(&w.in);
    for (size_t i = 0; i < w.n_blobs; i++) {
        if (w.maps) io_map_close(&w.maps[i]);
        if (w.names) free(w.names[i]);
    }
    free(w.maps);
    free(w.names);
    free(w.ruled);
    rules_free(&w.rules);
    free(w.extras);
    mote_keypair_wipe(&w.kp);
    return done;
}

const cmd cmd_pack = {
    "pack",
    "IN -o OUT.mote [OPTION]...",
    "turn a model (safetensors, npy, npz) into a package",
    "Small and one-dimensional tensors stay lossless, but for casts. The package is read back before\n"
    "it gets its name: all of it is verified and decoded, lossless tensors are compared.\n",
    defs,
    sizeof defs / sizeof *defs,
    run,
};
