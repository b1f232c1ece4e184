/* SPDX-License-Identifier: Apache-2.0
 * A file of rules: JSON, an object whose names are globs over tensor names and whose values are objects of options, named
 * and valued as on the command line: {"*": {"bits": 8}, "head.*": {"bits": 4, "per": 32}, "*.bias": {"lossless": true}}.
 * Of several globs that match, the last one counts, and it counts alone. */
#ifndef MOTE_CLI_RULES_H
#define MOTE_CLI_RULES_H

#include "opt.h"

enum { RULES_MAX = 4096 };

typedef struct rule {
    char *glob;
    opts o;
    char **argv; /* what o borrows from */
    int argc;
    bool used; /* by whoever looks */
} rule;

typedef struct rules {
    const char *path;
    rule *rule;
    size_t n;
} rules;

/** Read a file of rules. Free in any case. Exit state: STATUS_USAGE for what makes no sense, STATUS_SYSTEM; has said why.
 * Options that stand for a whole package and not for a tensor are the caller's to refuse. */
int rules_open(rules *r, const struct cmd *command, const char *path);
/** Say what is wrong with a rule. Returns STATUS_USAGE. */
int rules_error(const rules *r, const char *glob, const char *why);
void rules_free(rules *r);
/** The rule for a tensor, or NULL. */
rule *rules_find(const rules *r, const char *name);

#endif
