/* SPDX-License-Identifier: Apache-2.0
 * A package that is being read. See package.h. */
#include "package.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "mote/host.h"
#include "mote/write.h"

enum { PIECE = 1 << 18 };

static uint64_t memory_max(const package *p)
{
    return p->options.memory_max ? p->options.memory_max : PACKAGE_MEMORY_MAX;
}

/* ---- detached signatures ---- */

static const uint8_t detached_magic[8] = { 0x89, 'M', 'O', 'S', 'G', 0x0D, 0x0A, 0x0A };

void package_detached_head(uint8_t out[DETACHED_HEAD_BYTES], const mote_prelude *prelude,
                           const uint8_t digest[MOTE_DIGEST_BYTES], size_t signature_bytes)
{
    mote_prelude_write(out, prelude->manifest_bytes, signature_bytes);
    memcpy(out, detached_magic, sizeof detached_magic);
    memcpy(out + MOTE_PRELUDE_BYTES, digest, MOTE_DIGEST_BYTES);
}

mote_status package_detached_read(const uint8_t *file, size_t n, const mote_prelude *prelude,
                                  const uint8_t digest[MOTE_DIGEST_BYTES], size_t *signature_bytes)
{
    uint8_t head[MOTE_PRELUDE_BYTES];
    mote_prelude own;
    if (n < MOTE_PRELUDE_BYTES) return MOTE_ERR_TRUNCATED;
    if (memcmp(file, detached_magic, sizeof detached_magic) != 0) return MOTE_ERR_MAGIC;
    mote_prelude_write(head, 0, 0); /* but for the magic the rules are those of a package */
    memcpy(head + sizeof detached_magic, file + sizeof detached_magic, MOTE_PRELUDE_BYTES - sizeof detached_magic);
    const mote_status st = mote_prelude_read(&own, head);
    if (st != MOTE_OK) return st;
    const size_t whole = DETACHED_HEAD_BYTES + (size_t)own.signature_bytes;
    if (n != whole) return n < whole ? MOTE_ERR_TRUNCATED : MOTE_ERR_TRAILING;
    if (own.manifest_bytes != prelude->manifest_bytes ||
        memcmp(file + MOTE_PRELUDE_BYTES, digest, MOTE_DIGEST_BYTES) != 0)
        return MOTE_ERR_DIGEST;
    *signature_bytes = own.signature_bytes;
    return MOTE_OK;
}

/* The signatures take the place that they have in a signed package, so the loader treats them like any others. */
static int attach(package *p)
{
    const char *path = p->options.detached;
    if (p->prelude.signature_bytes)
        return report_error(p->path, MOTE_ERR_STATE,
                            "the package has signatures of its own; detached ones are not used");
    uint8_t *file = malloc(DETACHED_MAX), digest[MOTE_DIGEST_BYTES];
    if (!file) return report_error(path, MOTE_ERR_NOMEM, NULL);
    size_t n = 0, signatures = 0;
    int done = io_load(path, file, DETACHED_MAX, &n);
    if (done == STATUS_DONE) {
        mote_manifest_digest(&p->config.crypto, digest, p->head + MOTE_PRELUDE_BYTES, p->prelude.manifest_bytes);
        const mote_status st = package_detached_read(file, n, &p->prelude, digest, &signatures);
        if (st == MOTE_ERR_MAGIC)
            done = report_error(path, st, "this is not a file of detached signatures");
        else if (st == MOTE_ERR_DIGEST)
            done = report_error(path, st, "the signatures are for another package");
        else if (st != MOTE_OK)
            done = report_error(path, st, NULL);
    }
    if (done == STATUS_DONE) {
        memcpy(p->head + p->head_bytes, file + DETACHED_HEAD_BYTES, signatures);
        p->head_bytes += signatures;
        p->prelude.signature_bytes = (uint16_t)signatures;
        mote_prelude_write(p->head, p->prelude.manifest_bytes, signatures);
    }
    free(file);
    return done;
}

/* ---- opening ---- */

int package_trust(package_options *options, keys *trusted, const opts *o, const package_defs *defs)
{
    uint64_t threshold = 0, role = 0;
    const int st = keys_load(trusted, o, defs->pub);
    if (st != STATUS_DONE) return st;
    if (!opt_u64(o, defs->threshold, 1, KEYS_MAX, &threshold) || !opt_u64(o, defs->role, 1, 255, &role) ||
        !opt_bytes(o, defs->memory, 1, UINT64_MAX, &options->memory_max))
        return STATUS_USAGE;
    if (threshold > trusted->n) return opt_error(o, "--threshold-keys asks for more keys than --pub gives");
    options->trusted = trusted;
    options->threshold = (unsigned)threshold;
    options->role = (uint8_t)role;
    return STATUS_DONE;
}

/* Prelude, manifest and signatures: at most 68 KiB, so reading them costs nothing even if they are a lie. */
static int read_head(package *p)
{
    p->head = malloc(MOTE_PRELUDE_BYTES + MOTE_MANIFEST_MAX + UINT16_MAX);
    if (!p->head) return package_error(p, MOTE_ERR_NOMEM);
    size_t want = MOTE_PRELUDE_BYTES, got;
    if (!io_in_read(&p->in, p->head, want, &got)) return report_errno(p->path, "cannot read");
    if (got < want) return package_error(p, MOTE_ERR_TRUNCATED);
    const mote_status st = mote_prelude_read(&p->prelude, p->head);
    if (st != MOTE_OK) return package_error(p, st);
    want = (size_t)p->prelude.manifest_bytes + p->prelude.signature_bytes;
    if (!io_in_read(&p->in, p->head + MOTE_PRELUDE_BYTES, want, &got)) return report_errno(p->path, "cannot read");
    if (got < want) return package_error(p, MOTE_ERR_TRUNCATED);
    p->head_bytes = MOTE_PRELUDE_BYTES + want;
    p->file_head = p->head_bytes;
    return p->options.detached ? attach(p) : STATUS_DONE;
}

static int read_source(void *ctx, uint64_t offset, uint8_t *to, size_t n)
{
    package *p = ctx;
    if (offset < p->head_bytes) {
        if (n > p->head_bytes - offset) return -1; /* nothing reaches over the end of a part */
        memcpy(to, p->head + offset, n);
        return 0;
    }
    if (io_in_pread(&p->in, offset - p->head_bytes + p->file_head, to, n)) {
        p->fed += n;
        return 0;
    }
    p->cause = errno;
    return -1;
}

static mote_status init_loader(package *p)
{
    p->feed = (mote_in){ p->head, p->head_bytes };
    p->fed = p->file_head;
    return mote_loader_init(&p->ld, p->work, p->work_bytes, &p->config);
}

static mote_status resize_work(package *p, size_t bytes)
{
    free(p->work);
    p->work = malloc(bytes);
    p->work_bytes = p->work ? bytes : 0;
    return p->work ? MOTE_OK : MOTE_ERR_NOMEM;
}

/* A little memory is enough to find out how much it takes; then the loader begins again with that. */
static mote_status find_manifest(package *p, mote_event *e)
{
    const uint64_t most = memory_max(p);
    mote_status st = resize_work(p, mote_loader_open_bytes(MOTE_MANIFEST_MAX, 1));
    if (st == MOTE_OK) st = init_loader(p);
    if (st == MOTE_OK) st = package_next(p, e);
    const size_t needed = st == MOTE_OK || st == MOTE_ERR_MEMORY ? mote_loader_needed(p->ld) : 0;
    p->wanted = needed;
    if (needed > most) return MOTE_ERR_MEMORY;
    if (needed == 0 || st == MOTE_OK) return st;
    st = resize_work(p, needed);
    if (st == MOTE_OK) st = init_loader(p);
    if (st == MOTE_OK) st = package_next(p, e);
    return st;
}

/* p->in is open. */
static int start(package *p)
{
    const package_options *options = &p->options;
    const mote_crypto *crypto = mote_crypto_host();
    if (!crypto) return report_error("libsodium", MOTE_ERR_STATE, "it cannot start");
    p->config = (mote_loader_config){ .crypto = *crypto,
                                      .kern = mote_kern_best(),
                                      .inflate = mote_zstd_inflate,
                                      .dispatch = options->dispatch,
                                      .policy = { .installed_sequence = options->sequence_above } };
    if (options->trusted && options->trusted->n)
        p->config.trust =
            (mote_trust){ options->trusted->key[0], options->trusted->n, options->threshold, options->role };
    if (options->name) p->config.policy.name = (mote_text){ options->name, strlen(options->name) };
    p->source = (mote_source){ read_source, p };
    p->buffer = malloc(PIECE);
    if (!p->buffer) return package_error(p, MOTE_ERR_NOMEM);
    const int done = read_head(p);
    if (done != STATUS_DONE) return done;

    mote_event e;
    mote_status st = find_manifest(p, &e);
    if (st == MOTE_OK) st = mote_manifest_read(&p->manifest, p->head + MOTE_PRELUDE_BYTES, p->prelude.manifest_bytes);
    if (st == MOTE_OK) {
        memcpy(p->digest, e.manifest_digest, sizeof p->digest);
        p->manifest_known = true;
        if (p->in.seekable && p->in.size != package_bytes(p))
            st = p->in.size < package_bytes(p) ? MOTE_ERR_TRUNCATED : MOTE_ERR_TRAILING;
    }
    return st == MOTE_OK ? STATUS_DONE : package_error(p, st);
}

int package_open(package *p, const char *path, const package_options *options)
{
    *p = (package){ .options = *options };
    const int done = io_in_open(&p->in, path, options->seek || options->pull);
    p->path = p->in.name;
    return done == STATUS_DONE ? start(p) : done;
}

int package_open_output(package *p, const io_out *out, const package_options *options)
{
    *p = (package){ .path = out->name, .options = *options };
    const int done = io_out_input(out, &p->in);
    return done == STATUS_DONE ? start(p) : done;
}

uint64_t package_bytes(const package *p)
{
    return p->file_head + (p->options.index ? mote_tree_pages_bytes(p->manifest.n_chunks) : p->manifest.body_bytes);
}

mote_status package_body(package *p, uint64_t at, uint8_t *to, size_t n)
{
    if (io_in_pread(&p->in, p->file_head + at, to, n)) return MOTE_OK;
    p->cause = errno;
    return p->cause ? MOTE_ERR_IO : MOTE_ERR_TRUNCATED;
}

void package_close(package *p)
{
    io_in_close(&p->in);
    free(p->head);
    free(p->work);
    free(p->buffer);
    free(p->scratch);
    *p = (package){ .in = { .fd = -1 } };
}

/* ---- going on ---- */

mote_status package_rewind(package *p)
{
    mote_event e;
    mote_status st = init_loader(p);
    if (st == MOTE_OK) st = package_next(p, &e);
    return st;
}

static mote_status grow_scratch(package *p, size_t need)
{
    p->wanted = need;
    if (need > memory_max(p)) return MOTE_ERR_MEMORY;
    free(p->scratch);
    p->scratch = malloc(need);
    p->scratch_bytes = p->scratch ? need : 0;
    return p->scratch ? MOTE_OK : MOTE_ERR_NOMEM;
}

/* NEED_INPUT as long as there is some. */
static mote_status refill(package *p)
{
    size_t got;
    if (!io_in_read(&p->in, p->buffer, PIECE, &got)) {
        p->cause = errno;
        return MOTE_ERR_IO;
    }
    p->feed = (mote_in){ p->buffer, got };
    p->fed += got;
    return got ? MOTE_NEED_INPUT : mote_loader_end(p->ld);
}

mote_status package_next(package *p, mote_event *e)
{
    for (;;) {
        mote_out out = { p->scratch, p->scratch_bytes };
        p->cause = 0;
        mote_status st =
            p->options.pull ? mote_loader_pull(p->ld, &p->source, &out, e) : mote_loader_step(p->ld, &p->feed, &out, e);
        if (st == MOTE_NEED_INPUT && (st = refill(p)) == MOTE_NEED_INPUT) continue;
        if (st == MOTE_NEED_OUTPUT && (st = grow_scratch(p, e->need)) == MOTE_OK) continue;
        if (st == MOTE_OK) return st;
        if (p->options.dispatch.wait) (void)p->options.dispatch.wait(p->options.dispatch.ctx); /* also after IO */
        return st == MOTE_ERR_IO && p->cause == 0 ? MOTE_ERR_TRUNCATED : st;
    }
}

mote_status package_end(package *p)
{
    if (!p->options.pull) {
        mote_event e;
        if (p->feed.left == 0) {
            const mote_status st = refill(p);
            if (st != MOTE_NEED_INPUT) return st;
        }
        return package_next(p, &e); /* refuses what follows */
    }
    return mote_loader_complete(p->ld) ? MOTE_OK : MOTE_ERR_STATE;
}

/* What entries state of their elements, where something does; and room for those of one that does. */
typedef struct walk {
    struct stated {
        size_t bytes;
        bool is;
        uint8_t digest[MOTE_DIGEST_BYTES];
    } * entry;
    size_t room;
    uint8_t *elements;
} walk;

static mote_status walk_entry(walk *w, const mote_event *e)
{
    static const uint8_t none[1];
    if (e->index >= w->room) {
        const size_t room = 2 * (size_t)e->index + 16;
        struct stated *more = realloc(w->entry, room * sizeof *more);
        if (!more) return MOTE_ERR_NOMEM;
        w->entry = more;
        w->room = room;
    }
    struct stated *x = &w->entry[e->index];
    *x = (struct stated){ .bytes = e->entry->bytes, .is = e->entry->digest != NULL };
    if (x->is) memcpy(x->digest, e->entry->digest, sizeof x->digest);
    /* of nothing there will be no other event */
    return x->is && x->bytes == 0 && !mote_tensor_digest_is(x->digest, none, 0) ? MOTE_ERR_DIGEST : MOTE_OK;
}

/* Elements with a digest are wanted whole. */
static mote_status walk_tensor(walk *w, package *p, const mote_event *e)
{
    const struct stated *x = &w->entry[e->index];
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): its entry came before */
    if (!x->is) return MOTE_OK;
    if (x->bytes > memory_max(p)) {
        p->wanted = x->bytes;
        return MOTE_ERR_MEMORY;
    }
    free(w->elements);
    w->elements = malloc(x->bytes);
    if (!w->elements) return MOTE_ERR_NOMEM;
    const mote_status st = mote_loader_form(p->ld, MOTE_FORM_DENSE);
    return st == MOTE_OK ? mote_loader_target(p->ld, w->elements, x->bytes) : st;
}

static mote_status walk_event(walk *w, package *p, const mote_event *e, bool decode)
{
    if (!decode) return e->type == MOTE_EVENT_TENSOR ? mote_loader_skip(p->ld) : MOTE_OK;
    if (e->type == MOTE_EVENT_ENTRY) return walk_entry(w, e);
    if (e->type == MOTE_EVENT_TENSOR) return walk_tensor(w, p, e);
    if (e->type != MOTE_EVENT_TENSOR_END) return MOTE_OK;
    const struct stated *x = &w->entry[e->index];
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): as above */
    return x->is && !mote_tensor_digest_is(x->digest, w->elements, x->bytes) ? MOTE_ERR_DIGEST : MOTE_OK;
}

mote_status package_walk(package *p, bool decode, const char *what)
{
    mote_event e;
    mote_status st;
    walk w = { 0 };
    report_progress_begin(what);
    while ((st = package_next(p, &e)) == MOTE_OK && e.type != MOTE_EVENT_DONE) {
        st = walk_event(&w, p, &e, decode);
        if (st != MOTE_OK) break;
        report_progress(NULL, p->fed, package_bytes(p));
    }
    report_progress_end();
    free(w.entry);
    free(w.elements);
    return st == MOTE_OK ? package_end(p) : st;
}

int package_error(package *p, mote_status st)
{
    char text[160];
    if (st == MOTE_ERR_IO) {
        errno = p->cause;
        return report_errno(p->path, "cannot read");
    }
    if (st == MOTE_ERR_MEMORY && p->wanted) {
        (void)snprintf(text, sizeof text, "the package needs %zu bytes of memory, more than --max-memory allows",
                       p->wanted);
        return report_error(p->path, st, text);
    }
    return report_error(p->path, st, NULL);
}

/* ---- who signed ---- */

size_t package_signers(const package *p, package_signer signer[MOTE_SIGNATURES_MAX])
{
    const uint8_t *block = p->head + MOTE_PRELUDE_BYTES + p->prelude.manifest_bytes;
    mote_signature_scan scan = { .left = p->prelude.signature_bytes };
    size_t n = 0;
    while (scan.left >= MOTE_SIGNATURE_HEAD_BYTES) {
        const uint8_t *at = block + (p->prelude.signature_bytes - scan.left);
        if (mote_signature_head_read(&scan, &signer[n].head, at) != MOTE_OK) break; /* the loader took it: cannot be */
        /* the loader refuses a package in which the signature of any trusted key does not verify */
        signer[n].key = mote_signature_key(&p->config.crypto, &p->config.trust, &signer[n].head);
        n++;
    }
    return n;
}

void package_note_trust(const package *p)
{
    package_signer s[MOTE_SIGNATURES_MAX];
    const size_t n = package_signers(p, s);
    if (!package_verified(p)) report_note("%s: unverified: no key given", p->path);
    for (size_t i = 0; i < n; i++) {
        char id[17], role[16];
        if (s[i].key >= 0)
            report_note("%s: signed by %s, %s (%s)", p->path, report_hex(id, s[i].head.key_id, 8),
                        keys_role(role, s[i].head.role), p->options.trusted->path[s[i].key]);
    }
}

void package_print_signers(const package *p, const char *label)
{
    package_signer s[MOTE_SIGNATURES_MAX];
    const size_t n = package_signers(p, s);
    for (size_t i = 0; i < n; i++) {
        char id[17], role[16], path[1024];
        const char *key = s[i].key >= 0 ? p->options.trusted->path[s[i].key] : NULL;
        (void)printf("%-12s%s, %s", label, report_hex(id, s[i].head.key_id, 8), keys_role(role, s[i].head.role));
        if (s[i].head.alg != MOTE_ALG_ED25519) (void)printf(", algorithm %u", s[i].head.alg);
        if (key)
            (void)printf(": verified with %s\n", report_safe(path, sizeof path, key, strlen(key)));
        else
            (void)printf(": not checked\n");
    }
}

json_t *package_json_signers(const package *p)
{
    package_signer s[MOTE_SIGNATURES_MAX];
    const size_t n = package_signers(p, s);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        if (json_array_append_new(list, json_pack("{s:o,s:i,s:i,s:b}", "key_id", report_json_hex(s[i].head.key_id, 8),
                                                  "algorithm", (int)s[i].head.alg, "role", (int)s[i].head.role,
                                                  "verified", s[i].key >= 0)) != 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}
