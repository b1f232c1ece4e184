/* SPDX-License-Identifier: Apache-2.0
 * mote info: what a package says of itself and what it is made of. Every digest is checked on the way, so what is shown
 * is what the manifest stands for; whether anybody stands for the manifest is said as well. */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "list.h"
#include "mote/pack.h"
#include "package.h"

enum { PUB, THRESHOLD, ROLE, MEMORY, JSON };
enum { CODING = 160 }; /* bytes of how a tensor is coded, in words */

static const opt_def defs[] = {
    [PUB] = { "pub", 0, true, "FILE", "trust this public key" },
    [THRESHOLD] = { "threshold-keys", 0, false, "K", "how many of the keys must have signed (default 1)" },
    [ROLE] = { "role", 0, false, "N", "in which role: 1 release (default), 2 approval" },
    [MEMORY] = { "max-memory", 0, false, "BYTES", "refuse packages that need more (default 1G)" },
    [JSON] = { "json", 0, false, NULL, "one JSON object on standard output" },
};

typedef struct sums {
    uint64_t file, pages, content;
    size_t loader; /* bytes of workspace that the reference loader takes, as built here */
    const char *profile;
} sums;

/* The one number space of registry.md. */
static const struct {
    const char *name;
    unsigned first, last;
} id_kinds[4] = { { "layouts", 1, 31 }, { "numerics", 32, 95 }, { "coders", 96, 111 }, { "features", 112, 127 } };

static mote_status collect(package *p, list *l)
{
    mote_event e;
    mote_status st;
    report_progress_begin("info");
    while ((st = package_next(p, &e)) == MOTE_OK && e.type != MOTE_EVENT_DONE) {
        if (e.type == MOTE_EVENT_ENTRY) st = list_add(l, e.entry);
        if (e.type == MOTE_EVENT_TENSOR && e.index < l->n) {
            l->rows[e.index].tensor = e.tensor;
            st = mote_loader_skip(p->ld);
        }
        if (st != MOTE_OK) break;
        report_progress(NULL, p->fed, package_bytes(p));
    }
    report_progress_end();
    return st == MOTE_OK ? package_end(p) : st;
}

static mote_status sum_up(const package *p, sums *s)
{
    const mote_manifest *m = &p->manifest;
    const mote_loader_config reference = { .crypto = p->config.crypto };
    s->file = package_bytes(p);
    s->pages = mote_tree_pages_bytes(m->n_chunks);
    s->content = m->body_bytes - s->pages;
    s->profile =
        mote_profile_get(mote_profile_of(m, (uint32_t)p->prelude.manifest_bytes + p->prelude.signature_bytes))->name;
    return mote_loader_workspace(&reference, m, p->prelude.manifest_bytes, p->prelude.signature_bytes, &s->loader);
}

static float step_of(const mote_tensor_info *t)
{
    float step;
    memcpy(&step, &t->step, sizeof step);
    return step;
}

/* "dense affine 8-bit rans-32"; nothing is said twice. */
static const char *coding(char out[CODING], const row *r)
{
    const mote_tensor_info *t = &r->tensor;
    char bits[64] = "", rank[24] = "";
    if (r->t.elements == 0) return "";
    if (t->states)
        (void)snprintf(bits, sizeof bits, " %u states %u classes step %.3g", t->states, t->n_pairs, (double)step_of(t));
    if (t->bits) (void)snprintf(bits, sizeof bits, " %u-bit", t->bits);
    if (t->rank) (void)snprintf(rank, sizeof rank, " %u", t->rank);
    const bool plain = t->numeric == MOTE_NUM_STORED && t->coder == MOTE_CODER_STORED;
    (void)snprintf(out, CODING, "%s%s %s%s%s%s%s", mote_id_name(t->layout), rank, mote_id_name(t->numeric), bits,
                   plain ? "" : " ", plain ? "" : mote_id_name(t->coder), t->axis ? " transposed" : "");
    return out;
}

static double bits_per_weight(const row *r)
{
    return r->t.elements ? (double)r->stored * 8 / (double)r->t.elements : 0;
}

/* ---- for people ---- */

static void print_text(const char *label, mote_text t)
{
    char safe[1024];
    if (t.bytes) (void)printf("%-12s%s\n", label, report_safe(safe, sizeof safe, t.p, t.bytes));
}

static void print_manifest(const package *p)
{
    const mote_manifest *m = &p->manifest;
    char hex[65], text[1024], time[32];
    (void)printf("%-12s%s\n", "package", report_safe(text, sizeof text, p->path, strlen(p->path)));
    (void)printf("%-12s%s\n", "identity", report_hex(hex, p->digest, sizeof p->digest));
    (void)printf("%-12s%s\n", "trust", package_verified(p) ? "verified" : "unverified: no key given");
    package_print_signers(p, "signature");
    if (p->prelude.signature_bytes == 0) (void)printf("%-12snone\n", "signature");
    print_text("name", m->name);
    print_text("version", m->version);
    if (m->sequence) (void)printf("%-12s%llu\n", "sequence", (unsigned long long)m->sequence);
    if (m->vendor) (void)printf("%-12s%s\n", "vendor", report_hex(hex, m->vendor, 16));
    for (uint32_t i = 0; i < m->n_classes; i++)
        (void)printf("%-12s%s\n", "class", report_hex(hex, m->classes + (size_t)16 * i, 16));
    if (m->created) (void)printf("%-12s%s\n", "created", report_time(time, m->created));
    if (m->not_after) (void)printf("%-12s%s\n", "not after", report_time(time, m->not_after));
    print_text("tool", m->tool);
}

static void print_sizes(const package *p, const sums *s)
{
    const mote_manifest *m = &p->manifest;
    const mote_facts *f = &m->facts;
    char size[16];
    (void)printf("%-12s%llu bytes (%s): manifest %u, signatures %u, pages %llu, content %llu\n", "size",
                 (unsigned long long)s->file, report_size(size, s->file), p->prelude.manifest_bytes,
                 p->prelude.signature_bytes, (unsigned long long)s->pages, (unsigned long long)s->content);
    (void)printf("%-12s%u, the longest of %llu bytes\n", "chunks", m->n_chunks, (unsigned long long)f->chunk_max);
    (void)printf("%-12s%s\n", "profile", s->profile);
    (void)printf("%-12sloader %zu bytes (reference kernels, %u-bit build), output up to %llu bytes a block\n", "memory",
                 s->loader, (unsigned)(8 * sizeof(void *)), (unsigned long long)f->seg_raw_max);
    (void)printf("%-12s", "needs");
    for (size_t k = 0; k < 4; k++) {
        if (k == 3 && m->needs.bit[3] >> 16 == 0) continue; /* most packages have none */
        (void)printf("%s%s", k ? "; " : "", id_kinds[k].name);
        for (unsigned id = id_kinds[k].first; id <= id_kinds[k].last; id++)
            if (mote_needs_has(&m->needs, id)) (void)printf(" %s", mote_id_name(id));
    }
    (void)printf("\n%-12sn_entries %llu, decoded_total %llu, tensor_max %llu, entry_max %llu, head_max %llu,\n"
                 "%-12sresident_max %llu, seg_elems_max %llu, seg_raw_max %llu, table_slots_max %llu\n",
                 "facts", (unsigned long long)f->n_entries, (unsigned long long)f->decoded_total,
                 (unsigned long long)f->tensor_max, (unsigned long long)f->entry_max, (unsigned long long)f->head_max,
                 "", (unsigned long long)f->resident_max, (unsigned long long)f->seg_elems_max,
                 (unsigned long long)f->seg_raw_max, (unsigned long long)f->table_slots_max);
}

static void pad(const char *text, size_t width)
{
    (void)printf("%s%*s", text, (int)(width - report_width(text)), "");
}

static size_t wider(size_t width, const char *text)
{
    const size_t n = report_width(text);
    return n > width ? n : width;
}

static void print_entries(const list *l, const sums *s)
{
    char name[1024], shape[176], code[CODING];
    size_t w[4] = { 4, 5, 5, 6 };
    for (size_t i = 0; i < l->n; i++) {
        const row *r = &l->rows[i];
        w[0] = wider(w[0], report_safe(name, sizeof name, r->name, strlen(r->name)));
        w[1] = wider(w[1], r->kind == MOTE_KIND_TENSOR ? mote_dtype_name((unsigned)r->t.dtype) : list_kind(r->kind));
        w[2] = wider(w[2], list_shape(shape, &r->t));
        w[3] = wider(w[3], coding(code, r));
    }
    (void)printf("\n%-*s  %-*s  %-*s  %-*s  %7s  %7s\n", (int)w[0], "name", (int)w[1], "dtype", (int)w[2], "shape",
                 (int)w[3], "coding", "b/w", "share");
    for (size_t i = 0; i < l->n; i++) {
        const row *r = &l->rows[i];
        pad(report_safe(name, sizeof name, r->name, strlen(r->name)), w[0] + 2);
        pad(r->kind == MOTE_KIND_TENSOR ? mote_dtype_name((unsigned)r->t.dtype) : list_kind(r->kind), w[1] + 2);
        pad(list_shape(shape, &r->t), w[2] + 2);
        pad(coding(code, r), w[3] + 2);
        (void)printf("%7.2f  %5.1f %%\n", bits_per_weight(r), 100 * (double)r->stored / (double)s->file);
    }
}

/* ---- for programs ---- */

static json_t *json_entry(const row *r, const sums *s)
{
    const mote_tensor_info *t = &r->tensor;
    json_t *shape = json_array();
    for (unsigned i = 0; i < r->t.rank; i++)
        if (json_array_append_new(shape, json_integer((json_int_t)r->t.shape[i])) != 0) break;
    json_t *o = json_pack("{s:s,s:s,s:s,s:o,s:I,s:I,s:I}", "name", r->name, "kind", list_kind(r->kind), "dtype",
                          mote_dtype_name((unsigned)r->t.dtype), "shape", shape, "elements", (json_int_t)r->t.elements,
                          "bytes", (json_int_t)r->t.bytes, "stored", (json_int_t)r->stored);
    json_t *code = json_null();
    if (r->t.elements)
        code = json_pack("{s:s,s:s,s:s,s:i,s:i,s:i,s:I}", "layout", mote_id_name(t->layout), "numeric",
                         mote_id_name(t->numeric), "coder", mote_id_name(t->coder), "bits", (int)t->bits, "rank",
                         (int)t->rank, "axis", (int)t->axis, "segments", (json_int_t)t->n_segments);
    if (r->t.elements && t->states) {
        json_t *trellis = json_pack("{s:I,s:i,s:f}", "states", (json_int_t)t->states, "classes", (int)t->n_pairs,
                                    "step", (double)step_of(t));
        (void)json_object_update_new(code, trellis); /* without memory the object is short, and is found to be so */
    }
    json_t *rest = json_pack("{s:o,s:f,s:f}", "coding", code, "bits_per_weight", bits_per_weight(r), "share",
                             (double)r->stored / (double)s->file);
    if (!o || !rest || json_object_update(o, rest) != 0) {
        json_decref(o);
        o = NULL;
    }
    json_decref(rest);
    return o;
}

static json_t *json_facts(const mote_facts *f)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "n_entries", (json_int_t)f->n_entries, "chunk_max",
                     (json_int_t)f->chunk_max, "entry_max", (json_int_t)f->entry_max, "head_max",
                     (json_int_t)f->head_max, "resident_max", (json_int_t)f->resident_max, "seg_elems_max",
                     (json_int_t)f->seg_elems_max, "seg_raw_max", (json_int_t)f->seg_raw_max, "table_slots_max",
                     (json_int_t)f->table_slots_max, "tensor_max", (json_int_t)f->tensor_max, "decoded_total",
                     (json_int_t)f->decoded_total);
}

static json_t *number_or_null(uint64_t v)
{
    return v ? json_integer((json_int_t)v) : json_null();
}

/* {"layouts": [...], "numerics": [...], "coders": [...], "features": [...]} */
static json_t *json_needs(const mote_needs *needs)
{
    json_t *o = json_object();
    int bad = 0;
    for (size_t k = 0; k < 4; k++) {
        json_t *ids = json_array();
        for (unsigned id = id_kinds[k].first; id <= id_kinds[k].last; id++)
            if (mote_needs_has(needs, id)) bad |= json_array_append_new(ids, json_string(mote_id_name(id)));
        bad |= json_object_set_new(o, id_kinds[k].name, ids);
    }
    if (!bad) return o;
    json_decref(o);
    return NULL;
}

static int print_json(const package *p, const list *l, const sums *s)
{
    const mote_manifest *m = &p->manifest;
    json_t *classes = json_array(), *entries = json_array();
    int bad = 0;
    for (uint32_t i = 0; i < m->n_classes; i++)
        bad |= json_array_append_new(classes, report_json_hex(m->classes + (size_t)16 * i, 16));
    for (size_t i = 0; i < l->n; i++) bad |= json_array_append_new(entries, json_entry(&l->rows[i], s));
    json_t *size = json_pack("{s:I,s:i,s:i,s:I,s:I}", "file", (json_int_t)s->file, "manifest",
                             (int)p->prelude.manifest_bytes, "signatures", (int)p->prelude.signature_bytes, "pages",
                             (json_int_t)s->pages, "content", (json_int_t)s->content);
    json_t *root = json_pack("{s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:I,s:s,s:I,s:I,s:o,s:o,s:o}",
                             "verified", package_verified(p), "digest", report_json_hex(p->digest, sizeof p->digest),
                             "name", report_json_text(m->name), "version", report_json_text(m->version), "sequence",
                             number_or_null(m->sequence), "vendor", report_json_hex(m->vendor, 16), "classes", classes,
                             "created", number_or_null(m->created), "not_after", number_or_null(m->not_after), "tool",
                             report_json_text(m->tool), "signatures", package_json_signers(p), "bytes", size, "chunks",
                             (json_int_t)m->n_chunks, "profile", s->profile, "loader_memory", (json_int_t)s->loader,
                             "block_max", (json_int_t)m->facts.seg_raw_max, "needs", json_needs(&m->needs), "facts",
                             json_facts(&m->facts), "entries", entries);
    if (bad) {
        json_decref(root);
        root = NULL;
    }
    return report_json(root);
}

static int run(const opts *o)
{
    static const package_defs trust = { PUB, THRESHOLD, ROLE, MEMORY };
    keys trusted;
    package_options options = { 0 };
    if (o->n_args != 1) return opt_error(o, o->n_args ? "one package at a time" : "which package?");
    int done = package_trust(&options, &trusted, o, &trust);
    if (done != STATUS_DONE) return done;

    package p;
    list l = { 0 };
    sums s = { 0 };
    done = package_open(&p, o->args[0], &options);
    if (done == STATUS_DONE) {
        mote_status st = collect(&p, &l);
        if (st == MOTE_OK) st = sum_up(&p, &s);
        if (st != MOTE_OK) done = package_error(&p, st);
    }
    if (done == STATUS_DONE && opt_has(o, JSON)) {
        done = print_json(&p, &l, &s);
    } else if (done == STATUS_DONE) {
        print_manifest(&p);
        print_sizes(&p, &s);
        print_entries(&l, &s);
    }
    list_free(&l);
    package_close(&p);
    return done;
}

const cmd cmd_info = {
    "info",
    "IN.mote [OPTION]...",
    "show what a package says of itself and what it is made of",
    "All digests are checked. Without --pub nobody vouches for any of it: \"unverified\".\n"
    "b/w: bits per weight, everything of the tensor counted; share: of the file.\n",
    defs,
    sizeof defs / sizeof *defs,
    run,
};
