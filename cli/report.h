/* SPDX-License-Identifier: Apache-2.0
 * What people and programs get to see: messages, sizes, tables, JSON, progress. Names in files come from strangers and
 * terminals obey what they are sent, so everything that is shown passes through report_safe(). */
#ifndef MOTE_CLI_REPORT_H
#define MOTE_CLI_REPORT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "mote/package.h"

/** s[0..n) with control characters, changes of direction and broken UTF-8 as \xHH; returns out, zero-terminated. */
const char *report_safe(char *out, size_t cap, const char *s, size_t n);
/** Columns that a safe text takes on a terminal, near enough: its code points. */
size_t report_width(const char *safe);
/** "12 B", "1.50 kB", "73.9 MB" (powers of 1000). */
const char *report_size(char out[16], uint64_t bytes);
/** n bytes as hexadecimal digits; out has room for 2 n + 1. */
const char *report_hex(char *out, const uint8_t *p, size_t n);
/** Unix seconds as 2026-01-31T12:00:00Z. */
const char *report_time(char out[32], uint64_t seconds);
/** A mote_text as a JSON string; null if it is absent. */
json_t *report_json_text(mote_text t);
/** n bytes as a JSON string of hexadecimal digits, n <= 32; null if p is NULL. */
json_t *report_json_hex(const uint8_t *p, size_t n);

/** "mote: FILE: what (ERR_X)" on stderr. detail NULL: the status's own text. Returns the exit state for st. */
int report_error(const char *file, mote_status st, const char *detail);
/** "mote: FILE: what: strerror(errno) (ERR_IO)" on stderr. Returns STATUS_SYSTEM. */
int report_errno(const char *file, const char *what);
/** A line for people on stderr. */
void report_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** One JSON object on stdout; takes it, NULL means no memory. Returns an exit state. */
int report_json(json_t *root);
/** Flush stdout and look whether everything went out. Returns `status`, or STATUS_SYSTEM. */
int report_end(int status);

/** A bar on stderr if that is a terminal and the work takes long. report_progress() has the form of
 * mote_pack_options.progress; ctx is unused. */
void report_progress_begin(const char *what);
void report_progress(void *ctx, uint64_t done, uint64_t total);
void report_progress_end(void);

#endif
