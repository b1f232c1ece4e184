/* SPDX-License-Identifier: Apache-2.0
 * The command line: getopt_long() with what it leaves open settled. Duplicates, abbreviations and unknown options are
 * refused, and every refusal is one line on stderr. */
#ifndef MOTE_CLI_OPT_H
#define MOTE_CLI_OPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cmd;

typedef struct opt_def {
    const char *name; /* without the dashes */
    char letter;      /* 0: long form only */
    bool many;        /* may be given several times */
    const char *arg;  /* NULL: a flag */
    const char *help;
} opt_def;

typedef struct opts {
    const struct cmd *command;
    struct opt_hit {
        int def;
        const char *value;
    } * hits;
    size_t n_hits;
    const char **args; /* what is no option */
    size_t n_args;
} opts;

/** Read argv[1..argc). Returns STATUS_DONE or STATUS_USAGE; *help is set if -h or --help was there. Free in any case. */
int opt_parse(opts *o, const struct cmd *command, int argc, char **argv, bool *help);
void opt_free(opts *o);

/* Options are named by their place in the command's table. */
bool opt_has(const opts *o, int def);
size_t opt_count(const opts *o, int def);
/** The value of the i-th one, or NULL. */
const char *opt_nth(const opts *o, int def, size_t i);
const char *opt_value(const opts *o, int def);

/* Values. Absent options leave *out as it is. False: the message has been printed. */
bool opt_u64(const opts *o, int def, uint64_t min, uint64_t max, uint64_t *out);
/** Bytes, with K (1024) or M behind the number. */
bool opt_bytes(const opts *o, int def, uint64_t min, uint64_t max, uint64_t *out);
/** A finite number above min (or equal to it if closed) and below max (or equal to it if closed). */
bool opt_real(const opts *o, int def, double min, double max, bool min_closed, bool max_closed, double *out);
/** 16 bytes as 32 digits. */
bool opt_hex16(const opts *o, const char *text, int def, uint8_t out[16]);
/** One of n words; *out is its place. */
bool opt_word(const opts *o, int def, const char *const *words, size_t n, unsigned *out);
/** At most one of the n options. */
bool opt_exclusive(const opts *o, const int *defs, size_t n);
/** The option must be there. */
bool opt_required(const opts *o, int def);
/** A decimal number without sign, blanks or anything behind it. */
bool opt_number(const char *text, uint64_t *out);

/** One line "mote COMMAND: ..." on stderr; returns STATUS_USAGE. */
int opt_error(const opts *o, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
