/* SPDX-License-Identifier: Apache-2.0
 * The mote tool: the table of commands, help and version. */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "io.h"
#include "mote/version.h"
#include "report.h"

static const cmd *const cmds[] = { &cmd_pack, &cmd_unpack, &cmd_info, &cmd_verify, &cmd_sign, &cmd_keygen, &cmd_index };
static const size_t n_cmds = sizeof cmds / sizeof *cmds;

static const cmd *find(const char *name)
{
    for (size_t i = 0; i < n_cmds; i++)
        if (strcmp(cmds[i]->name, name) == 0) return cmds[i];
    return NULL;
}

static void overview(FILE *to)
{
    (void)fputs("mote " MOTE_VERSION ": small, signed packages for trained neural networks\n\n"
                "usage: mote COMMAND [ARGUMENT]...\n\n",
                to);
    for (size_t i = 0; i < n_cmds; i++) (void)fprintf(to, "  %-8s %s\n", cmds[i]->name, cmds[i]->summary);
    (void)fputs("\n\"mote help COMMAND\" says more. \"-\" is standard input or output.\n"
                "exit status: 0 done, 1 bad or untrusted file, 2 usage, 3 input, output or memory\n",
                to);
}

static void explain(const cmd *c)
{
    (void)printf("usage: mote %s %s\n\n%c%s.\n", c->name, c->args, c->summary[0] - 'a' + 'A', c->summary + 1);
    (void)putchar('\n');
    for (size_t i = 0; i < c->n_defs; i++) {
        const opt_def *d = &c->defs[i];
        char left[64], letter[6] = "    ";
        if (d->letter) (void)snprintf(letter, sizeof letter, "-%c, ", d->letter);
        (void)snprintf(left, sizeof left, "%s--%s%s%s", letter, d->name, d->arg ? " " : "", d->arg ? d->arg : "");
        (void)printf("  %-30s %s%s\n", left, d->help, d->many ? " (repeatable)" : "");
    }
    (void)printf("  %-30s %s\n", "-h, --help", "this text");
    if (c->notes) (void)printf("\n%s", c->notes);
}

static int help(int argc, char **argv)
{
    if (argc > 2) {
        (void)fputs("mote help: one command at a time\n", stderr);
        return STATUS_USAGE;
    }
    if (argc < 2) {
        overview(stdout);
        return STATUS_DONE;
    }
    const cmd *c = find(argv[1]);
    if (c) {
        explain(c);
        return STATUS_DONE;
    }
    char safe[256];
    (void)fprintf(stderr, "mote help: there is no command \"%s\"\n",
                  report_safe(safe, sizeof safe, argv[1], strlen(argv[1])));
    return STATUS_USAGE;
}

static int run(const cmd *c, int argc, char **argv)
{
    opts o;
    bool asked;
    int st = opt_parse(&o, c, argc, argv, &asked);
    if (st == STATUS_DONE && asked)
        explain(c);
    else if (st == STATUS_DONE)
        st = c->run(&o);
    opt_free(&o);
    return st;
}

int main(int argc, char **argv)
{
    int st = io_start();
    if (st != STATUS_DONE) return st;
    if (argc < 2) {
        overview(stderr);
        return STATUS_USAGE;
    }
    const char *name = argv[1];
    const cmd *c = find(name);
    if (c) {
        st = run(c, argc - 1, argv + 1);
    } else if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        st = help(argc - 1, argv + 1);
    } else if ((strcmp(name, "--version") == 0 || strcmp(name, "version") == 0) && argc == 2) {
        (void)puts("mote " MOTE_VERSION);
    } else {
        char safe[256];
        (void)fprintf(stderr, "mote: there is no command \"%s\" (see \"mote help\")\n",
                      report_safe(safe, sizeof safe, name, strlen(name)));
        st = STATUS_USAGE;
    }
    return report_end(st);
}
