/* SPDX-License-Identifier: Apache-2.0
 * Rules become command lines, so that they mean what options mean, also where they are wrong. See rules.h. */
#include "rules.h"

#include <errno.h>
#include <fnmatch.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "report.h"

static int no_memory(const rules *r)
{
    return report_error(r->path, MOTE_ERR_NOMEM, NULL);
}

int rules_error(const rules *r, const char *glob, const char *why)
{
    char text[512], safe[300];
    (void)snprintf(text, sizeof text, "rule \"%s\": %s", report_safe(safe, sizeof safe, glob, strlen(glob)), why);
    (void)report_error(r->path, MOTE_ERR_VALUE, text);
    return STATUS_USAGE;
}

/* --name or --name=value; NULL: no memory, or *why is wrong with it */
static char *argument(const char *name, const json_t *value, const char **why)
{
    char number[64], *text;
    const char *v = number;
    *why = NULL;
    if (json_is_true(value)) {
        v = NULL;
    } else if (json_is_string(value)) {
        v = json_string_value(value);
    } else if (json_is_integer(value)) {
        (void)snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value)) {
        (void)snprintf(number, sizeof number, "%.17g", json_real_value(value));
    } else {
        *why = "values of options are numbers, strings and true";
        return NULL;
    }
    return asprintf(&text, "--%s%s%s", name, v ? "=" : "", v ? v : "") < 0 ? NULL : text;
}

static int read_rule(const rules *r, rule *to, const struct cmd *command, const char *glob, json_t *options)
{
    const char *name, *why = NULL;
    json_t *value;
    bool help;
    if (!json_is_object(options)) return rules_error(r, glob, "its value is no object of options");
    to->glob = strdup(glob);
    to->argv = calloc(json_object_size(options) + 2, sizeof *to->argv);
    if (!to->glob || !to->argv || !(to->argv[to->argc++] = strdup(command->name))) return no_memory(r);
    json_object_foreach (options, name, value) {
        char *a = argument(name, value, &why);
        if (!a) return why ? rules_error(r, glob, why) : no_memory(r);
        to->argv[to->argc++] = a;
    }
    const int st = opt_parse(&to->o, command, to->argc, to->argv, &help);
    if (st != STATUS_DONE) return st == STATUS_USAGE ? rules_error(r, glob, "no such options") : st;
    return help || to->o.n_args ? rules_error(r, glob, "no such options") : STATUS_DONE;
}

static int read_rules(rules *r, const struct cmd *command, json_t *root)
{
    const char *glob;
    json_t *options;
    if (!json_is_object(root) || json_object_size(root) == 0 || json_object_size(root) > RULES_MAX) {
        (void)report_error(r->path, MOTE_ERR_VALUE, "rules are an object: {\"GLOB\": {\"OPTION\": VALUE}}");
        return STATUS_USAGE;
    }
    r->rule = calloc(json_object_size(root), sizeof *r->rule);
    if (!r->rule) return no_memory(r);
    json_object_foreach (root, glob, options) {
        const int st = read_rule(r, &r->rule[r->n++], command, glob, options);
        if (st != STATUS_DONE) return st;
    }
    return STATUS_DONE;
}

int rules_open(rules *r, const struct cmd *command, const char *path)
{
    json_error_t e;
    *r = (rules){ .path = path };
    FILE *f = fopen(path, "r");
    if (!f) return report_errno(path, "cannot read");
    json_t *root = json_loadf(f, JSON_REJECT_DUPLICATES, &e);
    const bool failed = ferror(f) != 0;
    const int cause = errno;
    (void)fclose(f);
    int st = STATUS_USAGE;
    if (root) {
        st = read_rules(r, command, root);
    } else if (failed) {
        errno = cause;
        st = report_errno(path, "cannot read");
    } else {
        char text[300];
        (void)snprintf(text, sizeof text, "line %d: %s", e.line, e.text);
        (void)report_error(path, MOTE_ERR_VALUE, text);
    }
    json_decref(root);
    return st;
}

void rules_free(rules *r)
{
    for (size_t i = 0; i < r->n; i++) {
        rule *x = &r->rule[i];
        opt_free(&x->o);
        for (int k = 0; k < x->argc; k++) free(x->argv[k]);
        free(x->argv);
        free(x->glob);
    }
    free(r->rule);
    *r = (rules){ 0 };
}

rule *rules_find(const rules *r, const char *name)
{
    for (size_t i = r->n; i-- > 0;)
        if (fnmatch(r->rule[i].glob, name, 0) == 0) return &r->rule[i];
    return NULL;
}
