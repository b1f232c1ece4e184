/* SPDX-License-Identifier: Apache-2.0
 * Files and pipes, and what a signal must clean up. See io.h. */
#include "io.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "cmd.h"
#include "report.h"

/* ---- interruption ----
 * The handler only wakes a thread, so that cleaning up may use whatever it needs, directories included, and can wait
 * until the work is not between making a file and noting its name. A handler, because libraries have threads of their
 * own, which would let a signal that is merely blocked end the process. */

enum { TEMPS_MAX = 8 };

static struct {
    pthread_mutex_t lock;
    sem_t wake;
    volatile sig_atomic_t caught;
    struct {
        char *path;
        bool directory;
    } temp[TEMPS_MAX];
    int tty; /* whose echo is off, or -1 */
    struct termios tty_was;
} guard = { .tty = -1 };

void io_hold(void)
{
    (void)pthread_mutex_lock(&guard.lock);
}

void io_release(void)
{
    (void)pthread_mutex_unlock(&guard.lock);
}

void io_temp_add(const char *path, bool directory)
{
    io_hold();
    for (int i = 0; i < TEMPS_MAX; i++) {
        if (guard.temp[i].path) continue;
        guard.temp[i].path = strdup(path);
        guard.temp[i].directory = directory;
        break;
    }
    io_release();
}

void io_temp_drop(const char *path)
{
    io_hold();
    for (int i = 0; i < TEMPS_MAX; i++) {
        if (!guard.temp[i].path || strcmp(guard.temp[i].path, path) != 0) continue;
        free(guard.temp[i].path);
        guard.temp[i].path = NULL;
    }
    io_release();
}

bool io_echo_off(int fd)
{
    struct termios t;
    if (tcgetattr(fd, &t) != 0) return false;
    io_hold();
    guard.tty_was = t;
    t.c_lflag &= ~(tcflag_t)ECHO;
    const bool ok = tcsetattr(fd, TCSAFLUSH, &t) == 0;
    guard.tty = ok ? fd : -1;
    io_release();
    return ok;
}

void io_echo_on(void)
{
    io_hold();
    if (guard.tty >= 0) (void)tcsetattr(guard.tty, TCSAFLUSH, &guard.tty_was);
    guard.tty = -1;
    io_release();
}

/* Only files that this process made are in there. */
static void remove_directory(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) return;
    for (const struct dirent *d = readdir(dir); d; d = readdir(dir))
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0) (void)unlinkat(dirfd(dir), d->d_name, 0);
    (void)closedir(dir);
    (void)rmdir(path);
}

static void on_signal(int sig)
{
    guard.caught = sig;
    (void)sem_post(&guard.wake);
}

static void *wait_for_signal(void *arg)
{
    (void)arg;
    while (sem_wait(&guard.wake) != 0) continue;
    const int sig = guard.caught;
    io_hold(); /* and never let go: nobody makes another file */
    for (int i = 0; i < TEMPS_MAX; i++) {
        if (!guard.temp[i].path) continue;
        if (guard.temp[i].directory)
            remove_directory(guard.temp[i].path);
        else
            (void)unlink(guard.temp[i].path);
    }
    io_echo_on();
    (void)signal(sig, SIG_DFL);
    (void)raise(sig); /* the parent sees what ended us */
    _exit(128 + sig);
}

int io_start(void)
{
    /* A closed standard stream would be reopened as one of our files; in its place goes one that refuses. */
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd) return STATUS_SYSTEM;
    (void)signal(SIGPIPE, SIG_IGN); /* writing into a closed pipe or beyond a limit is an error like any other */
    (void)signal(SIGXFSZ, SIG_IGN);

    pthread_mutexattr_t attr;
    (void)pthread_mutexattr_init(&attr);
    (void)pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    (void)pthread_mutex_init(&guard.lock, &attr);
    (void)pthread_mutexattr_destroy(&attr);

    (void)sem_init(&guard.wake, 0, 0);
    pthread_t thread;
    const int failed = pthread_create(&thread, NULL, wait_for_signal, NULL);
    if (failed) {
        errno = failed;
        return report_errno("mote", "cannot start a thread");
    }
    (void)pthread_detach(thread);

    static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction act = { .sa_handler = on_signal, .sa_flags = SA_RESTART }, was;
        if (sigaction(signals[i], NULL, &was) == 0 && was.sa_handler == SIG_IGN) continue; /* nohup */
        (void)sigaction(signals[i], &act, NULL);
    }
    return STATUS_DONE;
}

/* ---- names for a while ---- */

/* A new file beside `beside` (or in it, if that ends in a slash), readable and writable. *temp is owned. */
static int make_temp(char **temp, const char *beside)
{
    static const char pattern[] = ".mote-0123456789abcdef.tmp";
    const char *slash = strrchr(beside, '/');
    const size_t folder = slash ? (size_t)(slash - beside) + 1 : 0;
    char *name = malloc(folder + sizeof pattern);
    if (!name) return -1;
    memcpy(name, beside, folder);
    int fd = -1;
    for (int attempt = 0; attempt < 16 && fd < 0; attempt++) {
        uint64_t r;
        if (getrandom(&r, sizeof r, 0) != (ssize_t)sizeof r) break;
        (void)snprintf(name + folder, sizeof pattern, ".mote-%016llx.tmp", (unsigned long long)r);
        fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST) break;
    }
    if (fd < 0) {
        const int cause = errno;
        free(name);
        errno = cause;
        return -1;
    }
    *temp = name;
    return fd;
}

/* A file without a name. */
static int make_spool(void)
{
    const char *folder = getenv("TMPDIR");
    char *temp, *beside = NULL;
    if (asprintf(&beside, "%s/", folder && *folder ? folder : "/tmp") < 0) return -1;
    io_hold();
    const int fd = make_temp(&temp, beside);
    const int cause = errno;
    if (fd >= 0) {
        (void)unlink(temp);
        free(temp);
    }
    io_release();
    free(beside);
    errno = cause;
    return fd;
}

static bool write_all(int fd, const uint8_t *p, size_t n)
{
    while (n) {
        const ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        p += done;
        n -= (size_t)done;
    }
    return true;
}

/* ---- input ---- */

bool io_in_read(io_in *in, uint8_t *to, size_t n, size_t *got)
{
    *got = 0;
    while (*got < n) {
        const ssize_t more = read(in->fd, to + *got, n - *got);
        if (more < 0 && errno == EINTR) continue;
        if (more < 0) return false;
        if (more == 0) break;
        *got += (size_t)more;
    }
    return true;
}

bool io_in_pread(const io_in *in, uint64_t at, uint8_t *to, size_t n)
{
    if (at > (uint64_t)INT64_MAX - in->base - n) {
        errno = 0;
        return false;
    }
    while (n) {
        const ssize_t more = pread(in->fd, to, n, (off_t)(in->base + at));
        if (more < 0 && errno == EINTR) continue;
        if (more == 0) errno = 0;
        if (more <= 0) return false;
        to += more;
        at += (uint64_t)more;
        n -= (size_t)more;
    }
    return true;
}

/* What is left of a pipe, into a file without a name that takes its place. */
static int spool(io_in *in)
{
    enum { PIECE = 1 << 16 };
    const int fd = make_spool();
    if (fd < 0) return report_errno("temporary file", "cannot make");
    uint8_t *piece = malloc(PIECE);
    int st = piece ? STATUS_DONE : report_error(in->name, MOTE_ERR_NOMEM, NULL);
    for (size_t got = PIECE; st == STATUS_DONE && got == PIECE;) {
        if (!io_in_read(in, piece, PIECE, &got))
            st = report_errno(in->name, "cannot read");
        else if (!write_all(fd, piece, got))
            st = report_errno("temporary file", "cannot write");
        else
            in->size += got;
    }
    free(piece);
    if (st == STATUS_DONE && lseek(fd, 0, SEEK_SET) != 0) st = report_errno("temporary file", "cannot read");
    if (in->owned) (void)close(in->fd);
    in->fd = fd;
    in->owned = true;
    in->seekable = true;
    return st;
}

int io_in_open(io_in *in, const char *path, bool seek)
{
    const bool standard = strcmp(path, "-") == 0;
    *in = (io_in){ .name = standard ? "standard input" : path, .fd = STDIN_FILENO, .owned = !standard };
    if (!standard) in->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat s;
    if (in->fd < 0 || fstat(in->fd, &s) != 0) {
        const int st = report_errno(in->name, "cannot open");
        io_in_close(in);
        return st;
    }
    if (S_ISDIR(s.st_mode)) {
        io_in_close(in);
        errno = EISDIR;
        return report_errno(in->name, "cannot read");
    }
    const off_t at = S_ISREG(s.st_mode) ? lseek(in->fd, 0, SEEK_CUR) : -1;
    if (at >= 0) {
        in->seekable = true;
        in->base = (uint64_t)at;
        in->size = s.st_size > at ? (uint64_t)(s.st_size - at) : 0;
    }
    if (in->seekable || !seek) return STATUS_DONE;
    const int st = spool(in);
    if (st != STATUS_DONE) io_in_close(in);
    return st;
}

void io_in_close(io_in *in)
{
    if (in->owned && in->fd >= 0) (void)close(in->fd);
    in->fd = -1;
    in->owned = false;
}

int io_map_open(io_map *m, const char *path)
{
    static const uint8_t nothing[1];
    io_in in;
    *m = (io_map){ .p = nothing };
    int st = io_in_open(&in, path, true);
    if (st != STATUS_DONE) return st;
    const uint64_t total = in.base + in.size; /* a mapping begins at a page, so from the beginning */
    if (in.size == 0) goto out;
    if (total > SIZE_MAX) {
        st = report_error(in.name, MOTE_ERR_NOMEM, NULL);
        goto out;
    }
    void *base = mmap(NULL, (size_t)total, PROT_READ, MAP_PRIVATE, in.fd, 0);
    if (base == MAP_FAILED)
        st = report_errno(in.name, "cannot map");
    else
        *m = (io_map){ (const uint8_t *)base + in.base, (size_t)in.size, base, (size_t)total };
out:
    io_in_close(&in);
    return st;
}

void io_map_close(io_map *m)
{
    if (m->base) (void)munmap(m->base, m->mapped);
    *m = (io_map){ 0 };
}

int io_load(const char *path, uint8_t *to, size_t cap, size_t *n)
{
    io_in in;
    int st = io_in_open(&in, path, false);
    if (st != STATUS_DONE) return st;
    uint8_t more;
    size_t beyond = 0;
    if (!io_in_read(&in, to, cap, n) || (*n == cap && !io_in_read(&in, &more, 1, &beyond)))
        st = report_errno(in.name, "cannot read");
    else if (beyond)
        st = report_error(in.name, MOTE_ERR_LIMIT, "the file is too long to be one of these");
    io_in_close(&in);
    return st;
}

/* ---- output ---- */

static int cannot_write(const io_out *out)
{
    return report_errno(out->name, "cannot write");
}

/* Where there is nothing to rename: standard output, devices, pipes. */
static int open_target(io_out *out, const char *path)
{
    out->target = path ? open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY) : STDOUT_FILENO;
    if (out->target < 0) return cannot_write(out);
    out->fd = make_spool();
    return out->fd < 0 ? report_errno("temporary file", "cannot make") : STATUS_DONE;
}

bool io_stdout_takes_data(void)
{
    const bool terminal = isatty(STDOUT_FILENO) == 1;
    if (terminal) report_note("mote: binary data is not written to a terminal; name a file or redirect");
    return !terminal;
}

int io_out_open(io_out *out, const char *path)
{
    const bool standard = strcmp(path, "-") == 0;
    *out = (io_out){ .name = standard ? "standard output" : path, .fd = -1, .target = -1 };
    if (standard) return io_stdout_takes_data() ? open_target(out, NULL) : STATUS_USAGE;
    struct stat s;
    out->replaces = stat(path, &s) == 0;
    if (out->replaces && S_ISDIR(s.st_mode)) {
        errno = EISDIR;
        return cannot_write(out);
    }
    if (out->replaces && !S_ISREG(s.st_mode)) return open_target(out, path);

    out->path = out->replaces ? realpath(path, NULL) : strdup(path); /* a link stays; what it leads to is replaced */
    if (!out->path) return cannot_write(out);
    io_hold();
    out->fd = make_temp(&out->temp, out->path);
    const int cause = errno;
    if (out->fd >= 0) io_temp_add(out->temp, false);
    io_release();
    errno = cause;
    if (out->fd < 0) {
        const int st = cannot_write(out);
        io_out_abort(out);
        return st;
    }
    if (out->replaces) (void)fchmod(out->fd, s.st_mode & 0777);
    return STATUS_DONE;
}

int io_out_write(void *ctx, const uint8_t *data, size_t bytes)
{
    const io_out *out = ctx;
    return write_all(out->fd, data, bytes) ? 0 : -1;
}

int io_out_input(const io_out *out, io_in *in)
{
    struct stat s;
    *in = (io_in){ .name = out->name, .fd = out->fd, .seekable = true };
    if (fstat(out->fd, &s) != 0 || lseek(out->fd, 0, SEEK_SET) != 0)
        return report_errno(out->name, "cannot read again");
    in->size = (uint64_t)s.st_size;
    return STATUS_DONE;
}

static int copy(io_in *in, int target, const char *name)
{
    enum { PIECE = 1 << 16 };
    int st = STATUS_DONE;
    uint8_t *piece = malloc(PIECE);
    if (!piece) return report_error(name, MOTE_ERR_NOMEM, NULL);
    for (size_t got = PIECE; st == STATUS_DONE && got == PIECE;) {
        if (!io_in_read(in, piece, PIECE, &got))
            st = report_errno(in->name, "cannot read");
        else if (!write_all(target, piece, got))
            st = report_errno(name, "cannot write");
    }
    free(piece);
    return st;
}

static int copy_out(io_out *out)
{
    io_in in;
    int st = io_out_input(out, &in);
    if (st == STATUS_DONE) st = copy(&in, out->target, out->name);
    if (out->target != STDOUT_FILENO) {
        if (close(out->target) != 0 && st == STATUS_DONE) st = cannot_write(out);
        out->target = -1;
    }
    return st;
}

/* A file that is replaced is given up only once its successor is on the disk. */
static int rename_out(io_out *out)
{
    if (out->replaces && fsync(out->fd) != 0) return cannot_write(out);
    const int fd = out->fd;
    out->fd = -1;
    if (close(fd) != 0) return cannot_write(out);
    io_hold();
    const bool done = rename(out->temp, out->path) == 0;
    const int cause = errno;
    if (done) {
        io_temp_drop(out->temp);
        free(out->temp);
        out->temp = NULL;
    }
    io_release();
    errno = cause;
    return done ? STATUS_DONE : cannot_write(out);
}

int io_out_commit(io_out *out)
{
    const int st = out->temp ? rename_out(out) : copy_out(out);
    io_out_abort(out);
    return st;
}

void io_out_abort(io_out *out)
{
    if (out->fd >= 0 && out->name) (void)close(out->fd);
    if (out->target >= 0 && out->target != STDOUT_FILENO && out->name) (void)close(out->target);
    if (out->temp) {
        (void)unlink(out->temp);
        io_temp_drop(out->temp);
    }
    free(out->temp);
    free(out->path);
    *out = (io_out){ .fd = -1, .target = -1 };
}

char *io_folder_make(void)
{
    const char *folder = getenv("TMPDIR");
    char *path = NULL;
    if (asprintf(&path, "%s/mote-XXXXXX", folder && *folder ? folder : "/tmp") < 0) return NULL;
    io_hold();
    const bool made = mkdtemp(path) != NULL;
    const int cause = errno;
    if (made) io_temp_add(path, true);
    io_release();
    if (made) return path;
    errno = cause;
    (void)report_errno("temporary folder", "cannot make");
    free(path);
    return NULL;
}

void io_folder_remove(char *path)
{
    if (!path) return;
    remove_directory(path);
    io_temp_drop(path);
    free(path);
}

int io_copy_to_stdout(const char *path)
{
    io_in in;
    int st = io_in_open(&in, path, false);
    if (st != STATUS_DONE) return st;
    st = copy(&in, STDOUT_FILENO, "standard output");
    io_in_close(&in);
    return st;
}
