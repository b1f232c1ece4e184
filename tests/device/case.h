/* SPDX-License-Identifier: Apache-2.0
 * One package for a device and what is expected of it, as `device_cases` writes them one after the other into a file:
 * this struct in the layout that all little-endian machines share, then the package. */
#ifndef MOTE_TEST_CASE_H
#define MOTE_TEST_CASE_H

#include <stdint.h>

#define CASE_MAGIC 0x3143544Du /* "MTC1" */

/* Ways of loading beside pieces in dense form; bits of forms that are expected to work. */
enum { CASE_DENSE, CASE_F32, CASE_F16, CASE_NATIVE, CASE_TARGET, CASE_WAYS };

typedef struct device_case {
    uint32_t magic;
    char name[60];
    int32_t status; /**< pushed, and pulled unless it is TRUNCATED */
    uint32_t refused_by_needs;
    uint32_t n_keys, threshold;
    uint8_t key[3][32];
    /* policy; a length or flag of 0: nothing is asked for */
    uint32_t name_bytes, has_vendor, has_class, has_digest;
    char policy_name[64];
    uint8_t vendor[16], class_id[16], digest[32];
    uint32_t installed_sequence, tensor_max;
    uint32_t has[4];
    int32_t way_status[CASE_WAYS];
    uint32_t way_hash[CASE_WAYS]; /**< of drive_run() */
    uint32_t bytes;               /**< of the package behind this */
} device_case;

_Static_assert(sizeof(device_case) == 388, "no padding");

#endif
