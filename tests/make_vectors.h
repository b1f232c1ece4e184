/* SPDX-License-Identifier: Apache-2.0
 * What the parts of the generator of spec/vectors share. */
#ifndef MOTE_TESTS_MAKE_VECTORS_H
#define MOTE_TESTS_MAKE_VECTORS_H

#include "pkg_helpers.h"

/**
 * One line of manifest.txt, and its file. name: without folder and suffix.
 *
 * trust   test keys that a reader trusts ("0", "0,1"), "/2" behind them: how many must have signed; "-": nobody
 * policy  what the platform expects ("name=x", "installed=8", joined by commas); "-": nothing
 */
void vec_ok(const char *name, const mote_wr *file, const mote_wr *elements, const char *text);
void vec_bad(const char *name, mote_status st, const char *trust, const mote_wr *file, const char *text);
/** A line about a file that is there already; ok/NAME. */
void vec_policy(const char *name, mote_status st, const char *trust, const char *policy, const char *text);

/** An input for fuzz_stream, where asked for. */
void vec_seed(const char *name, const mote_wr *file);

/** An input for fuzz_tensor, where asked for: dtype, head and segments of an entry. */
void vec_tensor_seed(const char *name, const mote_write_entry *e);

/** Elements of all entries of a model, in order of the directory. */
void vec_elements(const pkg_model *m, mote_wr *elements);

/** Something of everything in four chunks; what vec_bad() files begin as. */
void vec_small_model(pkg_model *m);

/* BAD(name, STATUS, text) { edits of *p }: a file that is like the small one but for the edits, hashed and signed by key
 * 0 as far as the edits have not done it. */
pkg *vec_begin(const char *name, mote_status st, const char *text, const mote_wr *base);
pkg *vec_end(pkg *p);
#define BAD_OF(base, name, status, text) \
    for (pkg *p = vec_begin(name, MOTE_ERR_##status, text, base); p; p = vec_end(p))
#define BAD(name, status, text) BAD_OF(&vec_small, name, status, text)
extern mote_wr vec_small, vec_rich;
/** Whom a reader of the file that is being made trusts; "0" before each. */
extern const char *vec_trust;

void make_bad_vectors(void);
void make_codec_vectors(void);
void make_bad_codec_vectors(void);
void make_trellis_vectors(void);

/** Packages of one tensor "w" (zstd: "a") of 20 elements or so. Their segments: floats: symbols, escape numbers, three
 *  byte planes; integer: class map, symbols, escape symbols, escape numbers; affine: scales, zero-points, V; mask: mask,
 *  V, a byte plane; csr: counts, gaps, V, a byte plane; lowrank: three residents and a segment;
 *  book: tables, scales, V. */
extern struct codec_base {
    mote_wr floats, integer, affine, mask, csr, lowrank, zstd, nibbles, stored, book;
} codec_base;
void codec_bases(void);
void codec_bases_free(void);

#endif
