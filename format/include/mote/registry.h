/* SPDX-License-Identifier: Apache-2.0
 * Element types and the ids of layouts, numerics and coders (spec/registry.md). */
#ifndef MOTE_REGISTRY_H
#define MOTE_REGISTRY_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* clang-format off */
typedef enum mote_dtype {
    MOTE_BOOL = 1, MOTE_U8, MOTE_I8, MOTE_U16, MOTE_I16, MOTE_U32, MOTE_I32, MOTE_U64, MOTE_I64,
    MOTE_F16, MOTE_BF16, MOTE_F32, MOTE_F64,
    MOTE_F8_E4M3, MOTE_F8_E5M2, MOTE_F8_E4M3FNUZ, MOTE_F8_E5M2FNUZ, MOTE_F8_E8M0,
    MOTE_F6_E2M3, MOTE_F6_E3M2, MOTE_F4, MOTE_U4, MOTE_I4, MOTE_C64, MOTE_C128
} mote_dtype;
/* clang-format on */

typedef enum mote_kind { MOTE_KIND_TENSOR = 1, MOTE_KIND_BLOB = 2, MOTE_KIND_TEXT = 3 } mote_kind;

/** Bits of one element (4..128), 0 for an unknown id. */
unsigned mote_dtype_bits(unsigned dtype);
/** Bytes of n elements of that many bits, sub-byte elements packed; SIZE_MAX if a size_t cannot tell. n < 2^48 */
size_t mote_bytes_of(size_t n, unsigned bits);
/** "f32"; "?" for an unknown id. Host tools only; the device build leaves it out. */
const char *mote_dtype_name(unsigned dtype);
/** Name of a layout, numeric or coder id; "?" if unassigned. */
const char *mote_id_name(unsigned id);

/* clang-format off */
enum {
    MOTE_LAYOUT_DENSE = 1, MOTE_LAYOUT_BITMASK = 2, MOTE_LAYOUT_CSR = 3, MOTE_LAYOUT_LOWRANK = 4,
    MOTE_LAYOUT_SUM = 31,
    MOTE_NUM_STORED = 32, MOTE_NUM_FLOAT = 33, MOTE_NUM_INT = 34, MOTE_NUM_AFFINE = 35, MOTE_NUM_TRELLIS = 36,
    MOTE_NUM_CODEBOOK = 37,
    MOTE_CODER_STORED = 96, MOTE_CODER_CONSTANT = 97, MOTE_CODER_RANS1 = 98, MOTE_CODER_RANS8 = 99,
    MOTE_CODER_RANS32 = 100, MOTE_CODER_ZSTD = 101, MOTE_CODER_ADAPTIVE1 = 102,

    /* features, 112..127 */
    MOTE_FEATURE_ZEROS = 112, MOTE_FEATURE_GROUPS = 113, MOTE_FEATURE_BITS_16 = 114, MOTE_FEATURE_FOLDED = 115,
    MOTE_FEATURE_PACKED = 116, MOTE_FEATURE_STATES = 117
};
/* clang-format on */

#ifdef __cplusplus
}
#endif
#endif
