/* SPDX-License-Identifier: Apache-2.0
 * The command line. See opt.h. */
#include "opt.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "report.h"

int opt_error(const opts *o, const char *format, ...)
{
    char text[1024], safe[4096];
    va_list args;
    va_start(args, format);
    if (vsnprintf(text, sizeof text, format, args) < 0) text[0] = '\0';
    va_end(args);
    (void)fprintf(stderr, "mote %s: %s (see \"mote help %s\")\n", o->command->name,
                  report_safe(safe, sizeof safe, text, strlen(text)), o->command->name);
    return STATUS_USAGE;
}

/* ---- parsing ---- */

static int add_hit(opts *o, int def, const char *value)
{
    const opt_def *d = &o->command->defs[def];
    if (!d->many && opt_has(o, def)) return opt_error(o, "--%s is given twice", d->name);
    o->hits[o->n_hits++] = (struct opt_hit){ def, value };
    return STATUS_DONE;
}

/* getopt_long() takes any unambiguous beginning of a name; a script that relies on one breaks with the next option. */
static bool in_full(const char *token, const char *name)
{
    return strncmp(token, "--", 2) != 0 ||
           (strncmp(token + 2, name, strlen(name)) == 0 && strchr("=", token[2 + strlen(name)]) != NULL);
}

static int parse(opts *o, struct option *table, char *letters, int argc, char **argv, bool *help)
{
    const opt_def *defs = o->command->defs;
    const int n = (int)o->command->n_defs;
    char *at = letters;
    *at++ = '-'; /* everything in the order given: so the word that an option came from is known */
    *at++ = ':';
    for (int i = 0; i < n; i++) {
        table[i] = (struct option){ defs[i].name, defs[i].arg ? required_argument : no_argument, NULL, 256 + i };
        if (!defs[i].letter) continue;
        *at++ = defs[i].letter;
        if (defs[i].arg) *at++ = ':';
    }
    table[n] = (struct option){ "help", no_argument, NULL, 'h' };
    memcpy(at, "h", 2);

    opterr = 0;
    optind = 1;
    for (;;) {
        const int before = optind;
        int c = getopt_long(argc, argv, letters, table, NULL);
        if (c == -1) break;
        const char *token = argv[before];
        if (c == 1) {
            o->args[o->n_args++] = optarg;
            continue;
        }
        if (c == '?') return opt_error(o, "unknown option or form of it: %s", token);
        if (c == ':') return opt_error(o, "%s needs a value", token);
        if (c == 'h') {
            *help = true;
            continue;
        }
        for (int i = 0; i < n && c < 256; i++)
            if (defs[i].letter == c) c = 256 + i;
        if (!in_full(token, defs[c - 256].name)) return opt_error(o, "unknown option: %s", token);
        const int st = add_hit(o, c - 256, optarg);
        if (st != STATUS_DONE) return st;
    }
    while (optind < argc) o->args[o->n_args++] = argv[optind++];
    return STATUS_DONE;
}

int opt_parse(opts *o, const cmd *command, int argc, char **argv, bool *help)
{
    *o = (opts){ .command = command };
    *help = false;
    o->hits = calloc((size_t)argc + 1, sizeof *o->hits);
    o->args = calloc((size_t)argc + 1, sizeof *o->args);
    struct option *table = calloc(command->n_defs + 2, sizeof *table);
    char *letters = malloc(2 * command->n_defs + 4);
    int st = STATUS_SYSTEM;
    if (o->hits && o->args && table && letters)
        st = parse(o, table, letters, argc, argv, help);
    else
        (void)fprintf(stderr, "mote: no memory\n");
    free(table);
    free(letters);
    return st;
}

void opt_free(opts *o)
{
    free(o->hits);
    free(o->args);
    *o = (opts){ 0 };
}

/* ---- what was found ---- */

size_t opt_count(const opts *o, int def)
{
    size_t n = 0;
    for (size_t i = 0; i < o->n_hits; i++) n += o->hits[i].def == def;
    return n;
}

bool opt_has(const opts *o, int def)
{
    return opt_count(o, def) != 0;
}

const char *opt_nth(const opts *o, int def, size_t i)
{
    for (size_t k = 0; k < o->n_hits; k++)
        if (o->hits[k].def == def && i-- == 0) return o->hits[k].value;
    return NULL;
}

const char *opt_value(const opts *o, int def)
{
    return opt_nth(o, def, 0);
}

bool opt_required(const opts *o, int def)
{
    if (opt_has(o, def)) return true;
    const opt_def *d = &o->command->defs[def];
    (void)opt_error(o, "--%s %s is missing", d->name, d->arg ? d->arg : "");
    return false;
}

bool opt_exclusive(const opts *o, const int *defs, size_t n)
{
    const char *first = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!opt_has(o, defs[i])) continue;
        const char *name = o->command->defs[defs[i]].name;
        if (first) {
            (void)opt_error(o, "--%s and --%s exclude each other", first, name);
            return false;
        }
        first = name;
    }
    return true;
}

/* ---- values ---- */

bool opt_number(const char *text, uint64_t *out)
{
    if (*text < '0' || *text > '9') return false; /* strtoull() would take signs and blanks */
    char *end;
    errno = 0;
    const unsigned long long v = strtoull(text, &end, 10);
    if (errno || *end) return false;
    *out = v;
    return true;
}

bool opt_u64(const opts *o, int def, uint64_t min, uint64_t max, uint64_t *out)
{
    const char *text = opt_value(o, def);
    uint64_t v;
    if (!text) return true;
    if (!opt_number(text, &v) || v < min || v > max) {
        (void)opt_error(o, "--%s takes a number from %llu to %llu, not \"%s\"", o->command->defs[def].name,
                        (unsigned long long)min, (unsigned long long)max, text);
        return false;
    }
    *out = v;
    return true;
}

bool opt_bytes(const opts *o, int def, uint64_t min, uint64_t max, uint64_t *out)
{
    const char *text = opt_value(o, def);
    if (!text) return true;
    char digits[24];
    const size_t n = strlen(text);
    const int last = n ? text[n - 1] : 0;
    const unsigned shift = last == 'K' ? 10 : last == 'M' ? 20 : last == 'G' ? 30 : 0;
    const size_t keep = shift ? n - 1 : n;
    uint64_t v = 0;
    bool ok = keep < sizeof digits;
    if (ok) {
        memcpy(digits, text, keep);
        digits[keep] = '\0';
        ok = opt_number(digits, &v) && v <= max >> shift && v << shift >= min;
    }
    if (!ok) {
        (void)opt_error(o, "--%s takes %llu to %llu bytes (K, M, G: times 1024), not \"%s\"",
                        o->command->defs[def].name, (unsigned long long)min, (unsigned long long)max, text);
        return false;
    }
    *out = v << shift;
    return true;
}

bool opt_real(const opts *o, int def, double min, double max, bool min_closed, bool max_closed, double *out)
{
    const char *text = opt_value(o, def);
    if (!text) return true;
    char *end;
    const double v = strtod(text, &end);
    const bool plain = strspn(text, "0123456789.eE+-") == strlen(text) && end != text && *end == '\0';
    if (!plain || !isfinite(v) || v < min || v > max || (v <= min && !min_closed) || (v >= max && !max_closed)) {
        char upper[48] = "";
        if (max < INFINITY) (void)snprintf(upper, sizeof upper, " and %s %g", max_closed ? "at most" : "below", max);
        (void)opt_error(o, "--%s takes a number %s %g%s, not \"%s\"", o->command->defs[def].name,
                        min_closed ? "of at least" : "above", min, upper, text);
        return false;
    }
    *out = v;
    return true;
}

bool opt_hex16(const opts *o, const char *text, int def, uint8_t out[16])
{
    bool ok = strlen(text) == 32 && strspn(text, "0123456789abcdefABCDEF") == 32;
    for (size_t i = 0; ok && i < 16; i++) {
        const char pair[3] = { text[2 * i], text[2 * i + 1], '\0' };
        out[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    if (!ok) (void)opt_error(o, "--%s takes 32 hexadecimal digits, not \"%s\"", o->command->defs[def].name, text);
    return ok;
}

bool opt_word(const opts *o, int def, const char *const *words, size_t n, unsigned *out)
{
    const char *text = opt_value(o, def);
    if (!text) return true;
    char all[128] = "";
    for (size_t i = 0; i < n; i++) {
        if (strcmp(text, words[i]) == 0) {
            *out = (unsigned)i;
            return true;
        }
        const size_t at = strlen(all);
        (void)snprintf(all + at, sizeof all - at, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", words[i]);
    }
    (void)opt_error(o, "--%s takes %s, not \"%s\"", o->command->defs[def].name, all, text);
    return false;
}
