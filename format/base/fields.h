/* SPDX-License-Identifier: Apache-2.0
 * Structures of tagged fields (manifest, entry, head), parsed straight down: the fields are found first, then read one
 * after the other whether they are there or not, and judged all together at the end. Spec format.md 2.3. Device code. */
#ifndef MOTE_BASE_FIELDS_H
#define MOTE_BASE_FIELDS_H

#include "base/rd.h"
#include "mote/package.h"

/**
 * Find the fields of the structure that is all of r.
 *
 * field   field[tag / 2] reads the value of that tag; those that are not there are empty, with the status MISSING
 * known   bit t: tag t is known; no two known tags share their half, and n is more than the largest
 * Errors  those of the framing: ORDER, TRUNCATED, VARINT, LIMIT; CRITICAL
 */
mote_status mote_fields_find(mote_rd *field, unsigned n, uint32_t known, mote_rd *r) MOTE_MUST_CHECK;
/** Has every field been read well and to its end? required: bit tag / 2, the fields that must be there (MISSING). */
mote_status mote_fields_end(const mote_rd *field, unsigned n, uint32_t required) MOTE_MUST_CHECK;

/** A text that is all of r, 1..max bytes (LIMIT), valid (UTF8); borrows from r. Spec format.md 2.5 */
void mote_rd_text(mote_rd *r, mote_text *t, size_t max);

#endif
