/* SPDX-License-Identifier: Apache-2.0
 * Ceilings of the format, the facts of a package and the limits that a reader sets. Spec format.md 5.2, 12. */
#ifndef MOTE_LIMITS_H
#define MOTE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** 1 in builds of the nano profile (format.md 12): whole files are left out, and what they do is refused by needs. */
#ifndef MOTE_NANO
#define MOTE_NANO 0
#endif

/** 1 where there is an operating system or 64 bits, so that code may be larger to be faster. */
#if UINTPTR_MAX > 0xFFFFFFFF || defined(__unix__) || defined(_WIN32) || defined(__APPLE__)
#define MOTE_ROOMY 1
#else
#define MOTE_ROOMY 0
#endif

#define MOTE_PRELUDE_BYTES 16
#define MOTE_MANIFEST_MAX 4096
#define MOTE_SIGNATURES_MAX 16
#define MOTE_CHUNK_MAX (1u << 20)
#define MOTE_CHUNKS_MAX (1u << 28)
/*
 * Counts of elements and bytes within a package have the width of size_t: arithmetic of twice the width of a small
 * machine's registers would be a tenth of its loader. There a package whose body, facts or dimensions reach 2^31 is
 * refused (LIMIT, MEMORY), so that no sum of two counts wraps anywhere. Spec format.md 2.6
 */
#define MOTE_COUNT_MAX (SIZE_MAX / 2)
#if SIZE_MAX > 0xFFFFFFFF
#define MOTE_BODY_MAX ((size_t)1 << 48)     /* exclusive */
#define MOTE_DIM_MAX ((size_t)1 << 40)      /* exclusive */
#define MOTE_ELEMENTS_MAX ((size_t)1 << 48) /* exclusive, product of the dimensions that are not 0 */
#else
#define MOTE_BODY_MAX MOTE_COUNT_MAX
#define MOTE_DIM_MAX MOTE_COUNT_MAX
#define MOTE_ELEMENTS_MAX MOTE_COUNT_MAX
#endif
#define MOTE_RANK_MAX 8
#define MOTE_NAME_MAX 255

/** What the signed manifest says about the package: exact maxima and sums. Spec format.md 5.2 */
typedef struct mote_facts {
    size_t n_entries;
    size_t chunk_max;       /**< bytes of the longest chunk, 1..2^20 */
    size_t entry_max;       /**< bytes of the longest entry record, header included */
    size_t head_max;        /**< bytes of the longest head record, header included */
    size_t resident_max;    /**< decoded bytes of all residents of one tensor */
    size_t seg_elems_max;   /**< elements of the largest segment */
    size_t seg_raw_max;     /**< bytes of the largest segment's elements in their entry's dtype */
    size_t table_slots_max; /**< entropy tables of one head */
    size_t tensor_max;      /**< bytes of the largest entry in its dtype */
    size_t decoded_total;   /**< bytes of all entries in their dtypes */
} mote_facts;

/** Ids in `needs`: bit id of 128. */
typedef struct mote_needs {
    uint32_t bit[4];
} mote_needs;

static inline void mote_needs_add(mote_needs *n, unsigned id)
{
    if (id < 128) n->bit[id / 32] |= (uint32_t)1 << id % 32;
}

static inline int mote_needs_has(const mote_needs *n, unsigned id)
{
    return id < 128 && (n->bit[id / 32] >> id % 32 & 1);
}

#ifdef __cplusplus
}
#endif
#endif
