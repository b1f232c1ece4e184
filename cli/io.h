/* SPDX-License-Identifier: Apache-2.0
 * Files, pipes and what must not be left behind. Input is a file or "-"; output is written under a temporary name and
 * renamed, or collected and copied where there is nothing to rename. SIGINT, SIGTERM and SIGHUP remove what is not
 * finished. All functions that return an exit state have printed the reason. */
#ifndef MOTE_CLI_IO_H
#define MOTE_CLI_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Once, before anything else: sane standard streams, signals. Returns an exit state. */
int io_start(void);

/* ---- input ---- */

typedef struct io_in {
    const char *name; /* for messages; borrowed */
    int fd;
    bool owned, seekable;
    uint64_t base, size; /* seekable: where it begins in the file, and its bytes */
} io_in;

/** Open a file, or standard input for "-". seek: a pipe is first collected in an unnamed file. Returns an exit state. */
int io_in_open(io_in *in, const char *path, bool seek);
/** Next bytes in sequence; fewer than n only at the end. False: errno tells. */
bool io_in_read(io_in *in, uint8_t *to, size_t n, size_t *got);
/** Bytes [at, at + n) of a seekable input. False: errno tells, 0 for the end of the file. */
bool io_in_pread(const io_in *in, uint64_t at, uint8_t *to, size_t n);
void io_in_close(io_in *in);

/** A whole input in memory, mapped. */
typedef struct io_map {
    const uint8_t *p;
    size_t bytes;
    void *base;
    size_t mapped;
} io_map;

int io_map_open(io_map *m, const char *path);
void io_map_close(io_map *m);

/** A small text or key file: at most cap bytes (else LIMIT), *n of them. Returns an exit state. */
int io_load(const char *path, uint8_t *to, size_t cap, size_t *n);

/* ---- output ---- */

typedef struct io_out {
    const char *name;  /* for messages; borrowed */
    char *path, *temp; /* temp NULL: copied to `target` at the end */
    int fd;            /* what has been written can be read here */
    int target;        /* descriptor to copy to, or -1 */
    bool replaces;
} io_out;

/** Begin a file, "-" for standard output. Nothing is seen at `path` before io_out_commit(). Returns an exit state. */
int io_out_open(io_out *out, const char *path);
/** In the form of mote_write_fn, ctx being an io_out: 0, or -1 with errno set. */
int io_out_write(void *ctx, const uint8_t *data, size_t bytes);
/** What has been written so far, as an input from its first byte; borrows the descriptor. Returns an exit state. */
int io_out_input(const io_out *out, io_in *in);
/** Finish. Frees everything, also after a failure. Returns an exit state. */
int io_out_commit(io_out *out);
/** Give up and leave nothing behind. A zeroed or finished io_out is allowed. */
void io_out_abort(io_out *out);

/** A folder of our own, for a file that only then goes to standard output; NULL: the reason has been printed. */
char *io_folder_make(void);
/** Remove it with what is in it and free the name. NULL is allowed. */
void io_folder_remove(char *path);
/** Copy a file to standard output. Returns an exit state. */
int io_copy_to_stdout(const char *path);
/** False, and said so, if standard output is a terminal. */
bool io_stdout_takes_data(void);

/* ---- interruption ---- */

/** Between these two the clean-up after a signal waits. They may be nested. */
void io_hold(void);
void io_release(void);
/** Something to remove if a signal ends the process; a directory with the files in it. Copies the path. */
void io_temp_add(const char *path, bool directory);
void io_temp_drop(const char *path);
/** Hide what is typed on a terminal until io_echo_on(); a signal brings it back as well. */
bool io_echo_off(int fd);
void io_echo_on(void);

#endif
