/* SPDX-License-Identifier: Apache-2.0
 * Model files in memory, and what their readers must make of them. */
#ifndef MOTE_TESTS_MODEL_CHECK_H
#define MOTE_TESTS_MODEL_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mote/model.h"

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* Entries of a safetensors header; long names; of tests with several threads. */
#define T(name, dtype, shape, begin, end) \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"
#define NAME_50 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
#define NAME_255 NAME_50 NAME_50 NAME_50 NAME_50 NAME_50 "12345"
enum { THREADS = 12, PER_THREAD = 8 };

/** Bytes that grow; n is what counts. */
typedef struct bytes {
    uint8_t *p;
    size_t n;
} bytes;

/** n more bytes, to be filled. */
uint8_t *grow(bytes *b, size_t n);
void append(bytes *b, const void *p, size_t n);
/** Little-endian. */
void append_number(bytes *b, uint64_t v, size_t width);
/** Counts up, so that misplaced elements show. */
void append_data(bytes *b, size_t n);
/** On the heap, of exact size: reads beyond it trap. */
bytes exact_copy(const void *p, size_t n);
bytes safetensors_file(const char *header, size_t data);

/** The file must be refused with st, and the text must say why. */
void must_refuse(const char *name, const bytes *file, mote_status st, const char *says);
mote_model *must_open(const char *name, const bytes *file);
/** The data of tensor i of a model must be these. */
void must_hold(const char *name, mote_model *m, size_t i, const void *data, size_t n);

#endif
