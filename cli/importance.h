/* SPDX-License-Identifier: Apache-2.0
 * A file that says how much errors matter: safetensors (or npz), for tensors of a model by name an f32 tensor of weights
 * of their columns, such as mean squares of what goes into them. */
#ifndef MOTE_CLI_IMPORTANCE_H
#define MOTE_CLI_IMPORTANCE_H

#include "io.h"
#include "mote/encode.h"
#include "opt.h"

typedef struct importance {
    io_map in;
    mote_model *model;
    float **weight; /* by tensor of the file */
} importance;

/** Read a file for a model. Exit state; what is wrong has been said. Free in any case. */
int importance_open(importance *x, const opts *o, const char *path, mote_model *model);
void importance_free(importance *x);
/** Set the options' importance for a tensor of that name, if the file has it. */
void importance_set(const importance *x, const char *name, mote_encode_options *options);

#endif
