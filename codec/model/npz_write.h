/* SPDX-License-Identifier: Apache-2.0
 * Records of a zip archive whose members are stored: their lengths depend on sizes alone, so that the whole archive
 * can be laid out before a byte of data is there, and elements are decoded straight into their place. */
#ifndef MOTE_MODEL_NPZ_WRITE_H
#define MOTE_MODEL_NPZ_WRITE_H

#include <stddef.h>
#include <stdint.h>

#define MOTE_ZIP_RECORD_MAX 384u /* longest record: 46 bytes, a name of 259, 28 of zip64 */

/** A stored member NAME.npy, dated 1980-01-01 so that equal tensors make equal archives. */
typedef struct mote_zip_member {
    const char *name;  /* of the tensor, at most 255 bytes */
    uint64_t at, size; /* offset of its local record; bytes */
    uint32_t crc;
} mote_zip_member;

/** Each writes one record and returns its length, which does not depend on crc. */
size_t mote_zip_local(uint8_t out[MOTE_ZIP_RECORD_MAX], const mote_zip_member *m);
size_t mote_zip_central(uint8_t out[MOTE_ZIP_RECORD_MAX], const mote_zip_member *m);
/** End of an archive of n members with its directory at [at, at + bytes). */
size_t mote_zip_end(uint8_t out[MOTE_ZIP_RECORD_MAX], uint64_t n, uint64_t at, uint64_t bytes);

#endif
