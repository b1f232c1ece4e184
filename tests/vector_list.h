/* SPDX-License-Identifier: Apache-2.0
 * The list of example files, spec/vectors/manifest.txt, and what its lines say of the reader. Of MOTE_VECTORS, a macro. */
#ifndef MOTE_TESTS_VECTOR_LIST_H
#define MOTE_TESTS_VECTOR_LIST_H

#include "mote/loader.h"
#include "write/wr.h"

typedef struct vector_line {
    char file[128], status[32], trust[32], policy[160], sha[80], text[160];
    mote_status st;
} vector_line;

/** All lines; grown by vector_read_list(). */
extern vector_line *vectors;
extern size_t n_vectors;
void vector_read_list(void);

/** A file of the folder. */
void vector_read(const char *name, mote_wr *out);

/** A loader's configuration, and what it points to. */
typedef struct vector_reader {
    uint8_t keys[3][32], vendor[16], class_id[16], digest[32];
    char name[64];
    mote_loader_config config;
} vector_reader;

/** What the line says of the reader of this file. The keys come from the .pub files, as they would for others. */
void vector_terms(const vector_line *l, const mote_wr *file, vector_reader *t);

/** The status of a reader whose size_t has 32 bits: numbers of 2^31 and more are refused as such. Spec format.md 2.6 */
mote_status vector_status_32(const vector_line *l);

/** Bytes of hexadecimal digits, at most `room` of them. */
size_t vector_unhex(uint8_t *out, size_t room, const char *text);

#endif
