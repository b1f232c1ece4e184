/* SPDX-License-Identifier: Apache-2.0
 * The writing half of safetensors: a header for tensors laid out one after another in the order given. */
#ifndef MOTE_MODEL_SAFETENSORS_H
#define MOTE_MODEL_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "mote/model.h"

/**
 * Length and JSON header, padded with spaces to a multiple of 8; the data of tensor 0 follow at once.
 * *bytes is returned owned (free()).
 *
 * Errors  ERR_UNSUPPORTED (a type, size or name that safetensors cannot hold), ERR_ARG (metadata is not an object of
 *         strings), ERR_NOMEM
 */
mote_status mote_safetensors_header(uint8_t **bytes, size_t *n_bytes, const mote_model_tensor *tensors, size_t n,
                                    const char *metadata, mote_model_error *error) MOTE_MUST_CHECK;

#endif
