/* SPDX-License-Identifier: Apache-2.0
 * mote index: everything of a package but its chunks, from which a client learns what it lacks. Spec format.md 7.1 */
#include <errno.h>
#include <stdlib.h>

#include "cmd.h"
#include "package.h"

enum { OUT, CHECK, PUB, THRESHOLD, ROLE, MEMORY };

static const opt_def defs[] = {
    [OUT] = { "output", 'o', false, "FILE", "write the index there" },
    [CHECK] = { "check", 0, false, NULL, "the argument is an index file: check it instead of cutting one" },
    [PUB] = { "pub", 0, true, "FILE", "trust this public key" },
    [THRESHOLD] = { "threshold-keys", 0, false, "K", "how many of the keys must have signed (default 1)" },
    [ROLE] = { "role", 0, false, "N", "in which role: 1 release (default), 2 approval" },
    [MEMORY] = { "max-memory", 0, false, "BYTES", "refuse packages that need more (default 1G)" },
};

/* Read and check every page in the order of the body; in an index file they lie one after the other. */
static int walk_pages(package *p, io_out *out)
{
    const mote_manifest *m = &p->manifest;
    uint8_t pages[MOTE_PAGE_BYTES_LEVEL1 + MOTE_PAGE_BYTES_ABOVE * (MOTE_LEVELS_MAX - 1)];
    uint64_t next = 0;
    mote_tree t;
    mote_tree_init(&t, m, &p->config.crypto, pages);
    for (uint64_t i = 0; i < m->n_chunks; i += MOTE_FANOUT) {
        mote_tree_seek(&t, (uint32_t)i);
        while (t.level > 0) {
            uint8_t *page = mote_tree_page(&t);
            uint32_t n;
            mote_status st = mote_tree_next(&t, &n);
            if (st == MOTE_OK) st = package_body(p, p->options.index ? next : mote_tree_position(&t), page, n);
            if (st == MOTE_OK) st = mote_tree_accept(&t, page, n);
            if (st != MOTE_OK) return package_error(p, st);
            if (out && io_out_write(out, page, n) != 0) return report_errno(out->name, "cannot write");
            next += n;
        }
    }
    return STATUS_DONE;
}

static int cut(package *p, const char *path)
{
    io_out out;
    int done = io_out_open(&out, path);
    if (done != STATUS_DONE) return done;
    if (io_out_write(&out, p->head, p->head_bytes) != 0) done = report_errno(out.name, "cannot write");
    if (done == STATUS_DONE) done = walk_pages(p, &out);
    if (done == STATUS_DONE) return io_out_commit(&out);
    io_out_abort(&out);
    return done;
}

static int run(const opts *o)
{
    static const package_defs trust = { PUB, THRESHOLD, ROLE, MEMORY };
    keys trusted;
    package_options options = { .seek = true, .index = opt_has(o, CHECK) };
    if (o->n_args != 1) return opt_error(o, o->n_args ? "one file at a time" : "which file?");
    if (!options.index && !opt_required(o, OUT)) return STATUS_USAGE;
    if (!opt_exclusive(o, (const int[]){ OUT, CHECK }, 2)) return STATUS_USAGE;
    int done = package_trust(&options, &trusted, o, &trust);
    if (done != STATUS_DONE) return done;

    package p;
    done = package_open(&p, o->args[0], &options);
    if (done == STATUS_DONE) done = options.index ? walk_pages(&p, NULL) : cut(&p, opt_value(o, OUT));
    if (done == STATUS_DONE) package_note_trust(&p);
    package_close(&p);
    return done;
}

const cmd cmd_index = {
    "index",
    "IN.mote -o FILE | --check FILE [OPTION]...",
    "cut the index of a package: its head and hash tree without the chunks",
    "Only the tree is read, so chunks may be damaged: \"mote verify\" finds that.\n",
    defs,
    sizeof defs / sizeof *defs,
    run,
};
