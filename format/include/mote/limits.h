/* SPDX-License-Identifier: Apache-2.0
 * Ceilings of the format, the facts of a package and the limits that a reader sets. Spec format.md 5.2, 12. */
#ifndef MOTE_LIMITS_H
#define MOTE_LIMITS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MOTE_PRELUDE_BYTES 16
#define MOTE_MANIFEST_MAX 4096
#define MOTE_SIGNATURES_MAX 16
#define MOTE_CHUNK_MAX (1u << 20)
#define MOTE_CHUNKS_MAX (1u << 28)
#define MOTE_BODY_MAX ((uint64_t)1 << 48) /* exclusive */
#define MOTE_DIM_MAX ((uint64_t)1 << 40)  /* exclusive */
#define MOTE_ELEMENTS_MAX ((uint64_t)1 << 48) /* exclusive, product of the dimensions that are not 0 */
#define MOTE_RANK_MAX 8
#define MOTE_NAME_MAX 255

/** What the signed manifest says about the package: exact maxima and sums. Spec format.md 5.2 */
typedef struct mote_facts {
    uint64_t n_entries;
    uint64_t chunk_max;       /**< bytes of the longest chunk, 1..2^20 */
    uint64_t entry_max;       /**< bytes of the longest entry record, header included */
    uint64_t head_max;        /**< bytes of the longest head record, header included */
    uint64_t resident_max;    /**< decoded bytes of all residents of one tensor */
    uint64_t seg_elems_max;   /**< elements of the largest segment */
    uint64_t seg_raw_max;     /**< bytes of the largest segment's elements in their entry's dtype */
    uint64_t table_slots_max; /**< entropy tables of one head */
    uint64_t tensor_max;      /**< bytes of the largest entry in its dtype */
    uint64_t decoded_total;   /**< bytes of all entries in their dtypes */
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
