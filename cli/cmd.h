/* SPDX-License-Identifier: Apache-2.0
 * A command of the tool, and the exit states that all of them share. */
#ifndef MOTE_CLI_CMD_H
#define MOTE_CLI_CMD_H

#include "opt.h"

enum {
    STATUS_DONE = 0,
    STATUS_BAD = 1,    /* the file is bad, or not to be trusted */
    STATUS_USAGE = 2,  /* the command line makes no sense */
    STATUS_SYSTEM = 3, /* input, output, memory */
};

/* Beyond it there would be no room for updates, and JSON's numbers end there. */
#define SEQUENCE_MAX ((uint64_t)1 << 53)

typedef struct cmd {
    const char *name, *args, *summary;
    const char *notes; /* more for "help NAME", lines that end with a line feed; may be NULL */
    const opt_def *defs;
    size_t n_defs;
    int (*run)(const opts *o); /* returns an exit state and has said why */
} cmd;

extern const cmd cmd_keygen, cmd_pack, cmd_unpack, cmd_info, cmd_verify, cmd_sign, cmd_index;

#endif
