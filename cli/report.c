/* SPDX-License-Identifier: Apache-2.0
 * Messages, sizes, JSON, progress. See report.h. */
#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"

/* ---- texts ---- */

/* Length of the well-formed UTF-8 sequence at s[0..n) that may be shown, or 0. */
static size_t shown(const unsigned char *s, size_t n)
{
    if (s[0] >= 0x20 && s[0] < 0x7F) return 1;
    const size_t len = s[0] >= 0xF0 ? 4 : s[0] >= 0xE0 ? 3 : 2;
    if (s[0] < 0xC2 || len > n || !mote_text_valid((mote_text){ (const char *)s, len }, len, len)) return 0;
    const uint32_t code = len == 2   ? (uint32_t)(s[0] & 0x1F) << 6 | (s[1] & 0x3F)
                          : len == 3 ? (uint32_t)(s[0] & 0x0F) << 12 | (uint32_t)(s[1] & 0x3F) << 6 | (s[2] & 0x3F)
                                     : 0x10000;
    if (code < 0xA0) return 0;                      /* C1: some terminals take them for escape sequences */
    if (code >= 0x200B && code <= 0x200F) return 0; /* without width, or direction marks */
    if (code >= 0x2028 && code <= 0x202E) return 0; /* line separators, changes of direction */
    if (code >= 0x2060 && code <= 0x206F) return 0;
    return code == 0xFEFF ? 0 : len;
}

const char *report_safe(char *out, size_t cap, const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s, *const end = p + n;
    size_t at = 0;
    while (p < end) {
        const size_t len = shown(p, (size_t)(end - p)), need = len ? len : 4;
        if (need >= cap - at) break;
        if (len)
            memcpy(out + at, p, len);
        else
            (void)snprintf(out + at, 5, "\\x%02x", *p);
        at += need;
        p += len ? len : 1;
    }
    out[at] = '\0';
    return out;
}

size_t report_width(const char *safe)
{
    size_t n = 0;
    for (; *safe; safe++) n += ((unsigned char)*safe & 0xC0) != 0x80;
    return n;
}

const char *report_size(char out[16], uint64_t bytes)
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
    double v = (double)bytes;
    size_t u = 0;
    for (; v >= 999.5 && u < 6; u++) v /= 1000;
    if (u == 0)
        (void)snprintf(out, 16, "%u B", (unsigned)bytes);
    else
        (void)snprintf(out, 16, "%.*f %s", v < 9.995 ? 2 : v < 99.95 ? 1 : 0, v, units[u]);
    return out;
}

const char *report_hex(char *out, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) (void)snprintf(out + 2 * i, 3, "%02x", p[i]);
    out[2 * n] = '\0';
    return out;
}

const char *report_time(char out[32], uint64_t seconds)
{
    struct tm tm;
    const time_t t = (time_t)seconds;
    if (t < 0 || (uint64_t)t != seconds || !gmtime_r(&t, &tm) || !strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
        (void)snprintf(out, 32, "%llu s", (unsigned long long)seconds);
    return out;
}

/* ---- messages ---- */

static void clear_bar(void);

int report_error(const char *file, mote_status st, const char *detail)
{
    char name[1024], text[2048];
    const char *what = detail && *detail ? detail : mote_status_text(st);
    clear_bar();
    (void)fprintf(stderr, "mote: %s: %s (%s)\n", report_safe(name, sizeof name, file, strlen(file)),
                  report_safe(text, sizeof text, what, strlen(what)), mote_status_name(st));
    return st == MOTE_ERR_IO || st == MOTE_ERR_NOMEM ? STATUS_SYSTEM : STATUS_BAD;
}

int report_errno(const char *file, const char *what)
{
    char text[512];
    const int cause = errno;
    (void)snprintf(text, sizeof text, "%s: %s", what, strerror(cause));
    return report_error(file, MOTE_ERR_IO, text);
}

void report_note(const char *format, ...)
{
    char text[2048], safe[4096];
    va_list args;
    va_start(args, format);
    if (vsnprintf(text, sizeof text, format, args) < 0) text[0] = '\0';
    va_end(args);
    clear_bar();
    (void)fprintf(stderr, "%s\n", report_safe(safe, sizeof safe, text, strlen(text)));
}

int report_end(int status)
{
    const bool bad = fflush(stdout) != 0 || ferror(stdout) != 0;
    if (bad) return report_errno("standard output", "cannot write");
    if (fclose(stdout) != 0 && errno != EBADF) return report_errno("standard output", "cannot write");
    return status;
}

/* ---- JSON ---- */

json_t *report_json_text(mote_text t)
{
    return t.bytes ? json_stringn(t.p, t.bytes) : json_null();
}

json_t *report_json_hex(const uint8_t *p, size_t n)
{
    char hex[65];
    return p ? json_string(report_hex(hex, p, n)) : json_null();
}

int report_json(json_t *root)
{
    if (!root) return report_error("JSON", MOTE_ERR_NOMEM, NULL);
    const int bad = json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    json_decref(root);
    if (bad) return report_errno("standard output", "cannot write");
    (void)putchar('\n');
    return STATUS_DONE;
}

/* ---- progress ---- */

/* One bar for the process: only one thread at a time reports, and never two pieces of work. */
static struct {
    const char *what;
    bool on, drawn;
    double begin, last;
} bar;

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void clear_bar(void)
{
    if (bar.drawn) (void)fputs("\r\033[K", stderr);
    bar.drawn = false;
}

void report_progress_begin(const char *what)
{
    bar.what = what;
    bar.on = isatty(STDERR_FILENO) == 1;
    bar.begin = now();
}

void report_progress(void *ctx, uint64_t done, uint64_t total)
{
    (void)ctx;
    if (!bar.on || total == 0) return;
    const double t = now();
    if (t - bar.begin < 0.5 || t - bar.last < 0.1) return; /* short work needs no bar, long work no flicker */
    bar.last = t;
    bar.drawn = true;
    const double share = (double)done / (double)total;
    const int full = (int)(share * 30);
    char d[16], n[16], left[32] = "";
    if (done > 0 && done < total && t - bar.begin > 2) {
        const double s = (t - bar.begin) * (1 - share) / share;
        if (s < 100)
            (void)snprintf(left, sizeof left, ", %.0f s left", s);
        else
            (void)snprintf(left, sizeof left, ", %.0f min left", s / 60);
    }
    (void)fprintf(stderr, "\r%s [%.*s%.*s] %3.0f %%  %s of %s%s\033[K", bar.what, full,
                  "##############################", 30 - full, "..............................", share * 100,
                  report_size(d, done), report_size(n, total), left);
    (void)fflush(stderr);
}

void report_progress_end(void)
{
    clear_bar();
    bar.on = false;
}
