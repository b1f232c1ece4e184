/* SPDX-License-Identifier: Apache-2.0
 * Drives the loader over one package and boils everything it said and wrote down to one number. The same file runs on
 * hosts, which write the expected numbers down, and on devices. */
#ifndef MOTE_TEST_DRIVE_H
#define MOTE_TEST_DRIVE_H

#include "mote/loader.h"

enum { DRIVE_PIECE_MAX = 1000, DRIVE_TENSORS = 32 };

typedef struct drive {
    mote_loader_config config;
    /** Byte `at` of the package onwards; 0, or -1 if there are not n. */
    int (*read)(void *ctx, uint32_t at, uint8_t *to, size_t n);
    void *ctx;
    uint32_t bytes; /**< of the package */
    uint8_t *work, *out;
    size_t work_bytes, out_bytes;
    uint32_t piece; /**< bytes that arrive at a time, 1..DRIVE_PIECE_MAX; 0: pull */
    bool target;    /**< whole tensors into `out` */
    bool only_open; /**< stop at the manifest */
    bool nano;      /**< forms as a nano build has them, whatever this one has */
    /* results */
    size_t needed;                    /**< workspace, once the manifest is trusted */
    size_t need;                      /**< with NEED_OUTPUT: what `out` is too small for */
    size_t used;                      /**< most of `out` that a call may have written: by what it says it wrote, and
                                       * when it fails by the facts of the package */
    uint32_t hash;                    /**< of events and what came with them */
    uint32_t blocks, tensors, events; /**< so far */
    uint32_t tensor[DRIVE_TENSORS];   /**< hashes of the elements of the first ones */
    size_t body;                      /**< where it begins, as the prelude has it */
    bool payload;                     /**< a byte behind the signatures was taken */
    bool complete;
} drive;

/** The status that the loader ends with; NEED_OUTPUT if a block or tensor is larger than `out`. */
mote_status drive_run(drive *d);
/** Find every entry with elements by the name that the directory gives it and compare it with d->tensor of a run that
 * pulled. False if one differs. */
bool drive_find_all(drive *d);

/** Pull some events, save the token, lose all memory, go on from the token: true if it ends well and the last tensor is
 * what d->tensor of a run that pulled says. Needs two tensors or more behind the event. */
bool drive_resume(drive *d, uint32_t events);

/** 32-bit FNV-1a, going on from `hash`. */
uint32_t drive_hash(uint32_t hash, const void *bytes, size_t n);
#define DRIVE_HASH_START 2166136261u

#endif
