/* SPDX-License-Identifier: Apache-2.0
 * Heads of tensors: every rule of codecs.md 2 and the parameters of 5 and 6 has a row that trips it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec_helpers.h"
#include "wide.h"

typedef struct field {
    uint8_t n; /* 0: absent; 255: present and empty */
    uint8_t p[64];
} field;

#define F(...)                                    \
    {                                             \
        sizeof((const uint8_t[]){ __VA_ARGS__ }), \
        {                                         \
            __VA_ARGS__                           \
        }                                         \
    }
#define NONE  \
    {         \
        0,    \
        {     \
            0 \
        }     \
    }
#define EMPTY \
    {         \
        255,  \
        {     \
            0 \
        }     \
    }

/* ids */
#define DENSE 1
#define BITMASK 2
#define CSR 3
#define LOWRANK 4
#define STORED_NUM 32
#define FLOAT 33
#define INT 34
#define AFFINE 35
#define BOOK 37
#define STORED 96
#define CONSTANT 97
#define RANS1 98
#define RANS8 99
#define RANS32 100
#define ZSTD 101
/* dtypes */
#define U8 MOTE_U8
#define F16 MOTE_F16
#define BF16 MOTE_BF16
#define F32 MOTE_F32
#define F64 MOTE_F64
/* a table, parametric, all defaults; one with lo = 1 */
#define T 1, 0, 7, 0, 1
#define T_LO1 1, 2, 7, 0, 1
#define GRID F(2, 6, 12)
/* scale 1 */
#define ONE32 0, 0, 128, 63
#define ONE16 0, 60

static const struct row {
    const char *name;
    mote_status st;
    unsigned dtype;
    uint64_t elements;
    field grid, terms, tables, resident, axis;
} rows[] = {
    { "stored", MOTE_OK, U8, 12, GRID, F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    { "no grid", MOTE_ERR_MISSING, U8, 12, NONE, F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    { "no terms", MOTE_ERR_MISSING, U8, 12, GRID, NONE, NONE, NONE, NONE },
    { "empty terms", MOTE_ERR_TRUNCATED, U8, 12, GRID, EMPTY, NONE, NONE, NONE },
    /* 1.1 grid */
    { "another product", MOTE_ERR_SHAPE, U8, 13, GRID, F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    { "0 rows", MOTE_ERR_SHAPE, U8, 12, F(0, 6, 6), F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    { "0 cols", MOTE_ERR_SHAPE, U8, 12, F(2, 0, 6), F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    { "0 x 0 of 0", MOTE_ERR_SHAPE, U8, 0, F(0, 0, 0), F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    { "seg_elems 0", MOTE_ERR_SHAPE, U8, 12, F(2, 6, 0), F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    { "seg_elems above all", MOTE_ERR_SHAPE, U8, 12, F(2, 6, 18), F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    { "seg_elems of one and a half rows", MOTE_ERR_SHAPE, U8, 12, F(2, 6, 9), F(DENSE, STORED_NUM, STORED), NONE, NONE,
      NONE },
    { "seg_elems of part of a row", MOTE_OK, U8, 12, F(2, 6, 4), F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    { "2^32 x 2^32 wraps to 0", MOTE_ERR_SHAPE, U8, 0, F(0x80, 0x80, 0x80, 0x80, 0x10, 0x80, 0x80, 0x80, 0x80, 0x10, 1),
      F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    { "wraps to 2^32", MOTE_ERR_SHAPE, U8, (uint64_t)1 << 32, /* (2^32 + 1) x 2^32 */
      F(0x81, 0x80, 0x80, 0x80, 0x10, 0x80, 0x80, 0x80, 0x80, 0x10, 1), F(DENSE, STORED_NUM, STORED), NONE, NONE,
      NONE },
    { "2^40 x 2^7", WIDE(MOTE_OK, MOTE_ERR_SHAPE), U8, (uint64_t)1 << 47,
      F(0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 0x80, 0x01, 1), F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    { "2^7 x 2^40", WIDE(MOTE_OK, MOTE_ERR_SHAPE), U8, (uint64_t)1 << 47,
      F(0x80, 0x01, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20, 1), F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    { "grid cut", MOTE_ERR_TRUNCATED, U8, 12, F(2, 6), F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    { "grid with more", MOTE_ERR_TRAILING, U8, 12, F(2, 6, 12, 0), F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    { "grid overlong", MOTE_ERR_VARINT, U8, 12, F(0x82, 0, 6, 12), F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    /* sub-byte */
    { "u4, one odd segment", MOTE_OK, MOTE_U4, 9, F(3, 3, 9), F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    { "u4, odd segments", MOTE_ERR_HEAD, MOTE_U4, 9, F(3, 3, 3), F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    { "u4, even segments", MOTE_OK, MOTE_U4, 12, F(6, 2, 4), F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    { "u4, even parts of odd rows", MOTE_ERR_HEAD, MOTE_U4, 10, F(2, 5, 2), F(DENSE, STORED_NUM, STORED), NONE, NONE,
      NONE },
    { "u4, even parts of even rows", MOTE_OK, MOTE_U4, 12, F(2, 6, 4), F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    { "u4, odd parts of even rows", MOTE_ERR_HEAD, MOTE_U4, 12, F(2, 6, 3), F(DENSE, STORED_NUM, STORED), NONE, NONE,
      NONE },
    { "f6, 4 a segment", MOTE_OK, MOTE_F6_E2M3, 8, F(2, 4, 4), F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    { "f6, 2 a segment", MOTE_ERR_HEAD, MOTE_F6_E2M3, 8, F(4, 2, 2), F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    { "u4, transposed", MOTE_ERR_HEAD, MOTE_U4, 12, GRID, F(DENSE, STORED_NUM, STORED), NONE, NONE, F(1) },
    { "u4, bitmask", MOTE_ERR_HEAD, MOTE_U4, 12, GRID, F(BITMASK, STORED, STORED_NUM, STORED), NONE, NONE, NONE },
    /* ids */
    { "layout 0", MOTE_ERR_HEAD, U8, 12, GRID, F(0, STORED_NUM, STORED), NONE, NONE, NONE },
    { "layout 5", MOTE_ERR_UNSUPPORTED, U8, 12, GRID, F(5, STORED_NUM, STORED), NONE, NONE, NONE },
    { "layout 31", MOTE_ERR_UNSUPPORTED, U8, 12, GRID, F(31, STORED_NUM, STORED), NONE, NONE, NONE },
    { "layout 32", MOTE_ERR_HEAD, U8, 12, GRID, F(32, STORED_NUM, STORED), NONE, NONE, NONE },
    { "numeric 4", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, 4, STORED), NONE, NONE, NONE },
    { "numeric 38", MOTE_ERR_UNSUPPORTED, U8, 12, GRID, F(DENSE, 38, STORED), NONE, NONE, NONE },
    { "numeric 95", MOTE_ERR_UNSUPPORTED, U8, 12, GRID, F(DENSE, 95, STORED), NONE, NONE, NONE },
    { "numeric 96", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, 96, STORED), NONE, NONE, NONE },
    { "coder 95", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, STORED_NUM, 95), NONE, NONE, NONE },
    { "coder 102", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, STORED_NUM, 102), NONE, NONE, NONE },
    { "coder 103", MOTE_ERR_UNSUPPORTED, U8, 12, GRID, F(DENSE, STORED_NUM, 103), NONE, NONE, NONE },
    { "coder 111", MOTE_ERR_UNSUPPORTED, U8, 12, GRID, F(DENSE, STORED_NUM, 111), NONE, NONE, NONE },
    { "coder 112, a feature", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, STORED_NUM, 112), NONE, NONE, NONE },
    { "coder 128", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, STORED_NUM, 0x80, 1), NONE, NONE, NONE },
    { "terms cut", MOTE_ERR_TRUNCATED, U8, 12, GRID, F(DENSE, STORED_NUM), NONE, NONE, NONE },
    { "two terms", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, STORED_NUM, STORED, DENSE, STORED_NUM, STORED), NONE, NONE,
      NONE },
    { "three terms", MOTE_ERR_LIMIT, U8, 12, GRID, F(DENSE, STORED_NUM, STORED, DENSE, STORED_NUM, STORED, DENSE), NONE,
      NONE, NONE },
    /* 6.5 sums */
    { "a sum", MOTE_OK, F32, 12, GRID,
      F(LOWRANK, 2, 2, FLOAT, F16, STORED, STORED, FLOAT, F16, STORED, STORED, BITMASK, STORED, AFFINE, 4, 0, 1, F32,
        STORED),
      NONE, F(1), NONE },
    { "a sum with a codebook", MOTE_OK, F32, 12, GRID,
      F(LOWRANK, 1, 1, FLOAT, F16, STORED, STORED, FLOAT, F16, STORED, STORED, DENSE, BOOK, 1, 1, F16, STORED), NONE,
      F(1), NONE },
    { "a sum in f16", MOTE_ERR_HEAD, F16, 12, GRID,
      F(LOWRANK, 2, 2, FLOAT, F16, STORED, STORED, FLOAT, F16, STORED, STORED, DENSE, AFFINE, 4, 0, 1, F32, STORED),
      NONE, F(1), NONE },
    { "low rank inside a sum", MOTE_ERR_HEAD, F32, 12, GRID,
      F(LOWRANK, 1, 1, FLOAT, F16, STORED, STORED, FLOAT, F16, STORED, STORED, LOWRANK, 1, 1, FLOAT, F16, STORED,
        STORED, FLOAT, F16, STORED, STORED),
      NONE, F(1), NONE },
    { "a sum that begins dense", MOTE_ERR_HEAD, F32, 12, GRID,
      F(DENSE, AFFINE, 4, 0, 1, F32, STORED, DENSE, AFFINE, 4, 0, 1, F32, STORED), NONE, NONE, NONE },
    { "a sum with stored elements", MOTE_ERR_HEAD, F32, 12, GRID,
      F(LOWRANK, 1, 1, FLOAT, F16, STORED, STORED, FLOAT, F16, STORED, STORED, DENSE, STORED_NUM, STORED), NONE, F(1),
      NONE },
    { "a sum of three", MOTE_ERR_LIMIT, F32, 12, GRID,
      F(LOWRANK, 1, 1, FLOAT, F16, STORED, STORED, FLOAT, F16, STORED, STORED, DENSE, AFFINE, 4, 0, 1, F32, STORED,
        DENSE),
      NONE, F(1), NONE },
    { "a sum with zstd", MOTE_ERR_HEAD, F32, 12, GRID,
      F(LOWRANK, 1, 1, FLOAT, F16, STORED, STORED, FLOAT, F16, STORED, STORED, DENSE, FLOAT, F16, STORED, ZSTD), NONE,
      F(1), NONE },
    /* 2.2 planes */
    { "elements zstd", MOTE_OK, U8, 12, GRID, F(DENSE, STORED_NUM, ZSTD), NONE, NONE, NONE },
    { "elements constant", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, STORED_NUM, CONSTANT, 0), NONE, NONE, NONE },
    { "elements rans", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, STORED_NUM, RANS1, 1, 0), F(T), NONE, NONE },
    { "elements zstd, sparse", MOTE_ERR_HEAD, U8, 12, GRID, F(BITMASK, STORED, STORED_NUM, ZSTD), NONE, NONE, NONE },
    { "V rans", MOTE_OK, U8, 12, GRID, F(DENSE, INT, 0, RANS1, 1, 0), F(T), NONE, NONE },
    { "V rans-8", MOTE_OK, U8, 12, GRID, F(DENSE, INT, 0, RANS8, 1, 0), F(T), NONE, NONE },
    { "V rans-32", MOTE_OK, U8, 12, GRID, F(DENSE, INT, 0, RANS32, 1, 0), F(T), NONE, NONE },
    { "V constant", MOTE_OK, U8, 12, GRID, F(DENSE, INT, 0, CONSTANT, 0xFE, 3), NONE, NONE, NONE },
    { "V zstd", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, INT, 0, ZSTD), NONE, NONE, NONE },
    { "V constant 256", MOTE_ERR_RANGE, U8, 12, GRID, F(DENSE, INT, 0, CONSTANT, 0x80, 4), NONE, NONE, NONE },
    { "V constant -1", MOTE_ERR_RANGE, U8, 12, GRID, F(DENSE, INT, 0, CONSTANT, 1), NONE, NONE, NONE },
    { "V constant -128", MOTE_OK, MOTE_I8, 12, GRID, F(DENSE, INT, 0, CONSTANT, 0xFF, 1), NONE, NONE, NONE },
    { "V constant -129", MOTE_ERR_RANGE, MOTE_I8, 12, GRID, F(DENSE, INT, 0, CONSTANT, 0x81, 2), NONE, NONE, NONE },
    { "V constant 128", MOTE_ERR_RANGE, MOTE_I8, 12, GRID, F(DENSE, INT, 0, CONSTANT, 0x80, 2), NONE, NONE, NONE },
    { "V constant 2^40", MOTE_ERR_RANGE, U8, 12, GRID, F(DENSE, INT, 0, CONSTANT, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40),
      NONE, NONE, NONE },
    { "V classes stored", MOTE_OK, U8, 12, GRID, F(DENSE, INT, 0, RANS1, 2, STORED, 0), F(T, T), NONE, NONE },
    { "V classes rans-1", MOTE_OK, U8, 12, GRID, F(DENSE, INT, 0, RANS1, 2, RANS1, 0), F(T, T, T), NONE, NONE },
    { "V classes rans-8", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, INT, 0, RANS1, 2, RANS8, 0), F(T, T, T), NONE, NONE },
    { "V classes constant", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, INT, 0, RANS1, 2, CONSTANT, 0), F(T, T), NONE, NONE },
    { "V classes 0", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, INT, 0, RANS1, 0, 0), NONE, NONE, NONE },
    { "V classes 16, tables cut", MOTE_ERR_TRUNCATED, U8, 12, GRID, F(DENSE, INT, 0, RANS1, 16, STORED, 0), F(T), NONE,
      NONE },
    { "V classes 17", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, INT, 0, RANS1, 17, STORED, 0), F(T, T), NONE, NONE },
    { "V escapes 1", MOTE_OK, U8, 12, GRID, F(DENSE, INT, 0, RANS1, 1, 1), F(T), NONE, NONE },
    { "V escapes 2", MOTE_OK, U8, 12, GRID, F(DENSE, INT, 0, RANS1, 1, 2), F(T, T), NONE, NONE },
    { "V escapes 3", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, INT, 0, RANS1, 1, 3), F(T, T), NONE, NONE },
    { "mask rans, classes", MOTE_OK, U8, 12, GRID, F(BITMASK, RANS8, 2, RANS1, 0, STORED_NUM, STORED), F(T, T, T), NONE,
      NONE },
    { "mask constant", MOTE_ERR_HEAD, U8, 12, GRID, F(BITMASK, CONSTANT, 30, STORED_NUM, STORED), NONE, NONE, NONE },
    { "mask zstd", MOTE_ERR_HEAD, U8, 12, GRID, F(BITMASK, ZSTD, STORED_NUM, STORED), NONE, NONE, NONE },
    { "mask escapes", MOTE_ERR_HEAD, U8, 12, GRID, F(BITMASK, RANS1, 1, 1, STORED_NUM, STORED), F(T), NONE, NONE },
    { "csr", MOTE_OK, U8, 12, GRID, F(CSR, STORED, STORED, STORED_NUM, STORED), NONE, NONE, NONE },
    { "counts escapes", MOTE_OK, U8, 12, GRID, F(CSR, RANS1, 1, 2, STORED, STORED_NUM, STORED), F(T, T), NONE, NONE },
    { "counts classes", MOTE_ERR_HEAD, U8, 12, GRID, F(CSR, RANS1, 2, STORED, 0, STORED, STORED_NUM, STORED), F(T, T),
      NONE, NONE },
    { "counts constant 6", MOTE_OK, U8, 12, GRID, F(CSR, CONSTANT, 12, STORED, STORED_NUM, STORED), NONE, NONE, NONE },
    { "counts constant 7", MOTE_ERR_RANGE, U8, 12, GRID, F(CSR, CONSTANT, 14, STORED, STORED_NUM, STORED), NONE, NONE,
      NONE },
    { "counts zstd", MOTE_ERR_HEAD, U8, 12, GRID, F(CSR, ZSTD, STORED, STORED_NUM, STORED), NONE, NONE, NONE },
    { "gaps classes, escapes", MOTE_OK, U8, 12, GRID, F(CSR, STORED, RANS1, 2, STORED, 1, STORED_NUM, STORED), F(T, T),
      NONE, NONE },
    { "gaps constant 5", MOTE_OK, U8, 12, GRID, F(CSR, STORED, CONSTANT, 10, STORED_NUM, STORED), NONE, NONE, NONE },
    { "gaps constant 6", MOTE_ERR_RANGE, U8, 12, GRID, F(CSR, STORED, CONSTANT, 12, STORED_NUM, STORED), NONE, NONE,
      NONE },
    { "gaps zstd", MOTE_ERR_HEAD, U8, 12, GRID, F(CSR, STORED, ZSTD, STORED_NUM, STORED), NONE, NONE, NONE },
    { "byte plane rans", MOTE_OK, MOTE_I16, 12, GRID, F(DENSE, INT, 1, STORED, RANS8, 1, 0), F(T), NONE, NONE },
    { "byte plane classes", MOTE_ERR_HEAD, MOTE_I16, 12, GRID, F(DENSE, INT, 1, STORED, RANS8, 2, STORED, 0), F(T, T),
      NONE, NONE },
    { "byte plane escapes", MOTE_ERR_HEAD, MOTE_I16, 12, GRID, F(DENSE, INT, 1, STORED, RANS8, 1, 1), F(T), NONE,
      NONE },
    { "byte plane constant 255", MOTE_OK, MOTE_I16, 12, GRID, F(DENSE, INT, 1, STORED, CONSTANT, 0xFE, 3), NONE, NONE,
      NONE },
    { "byte plane constant -1", MOTE_ERR_RANGE, MOTE_I16, 12, GRID, F(DENSE, INT, 1, STORED, CONSTANT, 1), NONE, NONE,
      NONE },
    { "byte plane zstd", MOTE_OK, MOTE_I16, 12, GRID, F(DENSE, INT, 1, STORED, ZSTD), NONE, NONE, NONE },
    { "byte plane zstd, sparse", MOTE_ERR_HEAD, MOTE_I16, 12, GRID, F(BITMASK, STORED, INT, 1, STORED, ZSTD), NONE,
      NONE, NONE },
    /* 2.3 tables */
    { "tables absent", MOTE_ERR_MISSING, U8, 12, GRID, F(DENSE, INT, 0, RANS1, 1, 0), NONE, NONE, NONE },
    { "tables empty", MOTE_ERR_TRUNCATED, U8, 12, GRID, F(DENSE, INT, 0, RANS1, 1, 0), EMPTY, NONE, NONE },
    { "a table too few", MOTE_ERR_TRUNCATED, U8, 12, GRID, F(DENSE, INT, 0, RANS1, 1, 2), F(T), NONE, NONE },
    { "a table too many", MOTE_ERR_TRAILING, U8, 12, GRID, F(DENSE, INT, 0, RANS1, 1, 0), F(T, T), NONE, NONE },
    { "a table for nothing", MOTE_ERR_TRAILING, U8, 12, GRID, F(DENSE, STORED_NUM, STORED), F(T), NONE, NONE },
    { "no table for nothing", MOTE_ERR_TRAILING, U8, 12, GRID, F(DENSE, STORED_NUM, STORED), EMPTY, NONE, NONE },
    { "table with lo", MOTE_OK, U8, 12, GRID, F(DENSE, INT, 0, RANS1, 1, 2), F(T_LO1, T), NONE, NONE },
    { "escape table with lo", MOTE_ERR_TABLE, U8, 12, GRID, F(DENSE, INT, 0, RANS1, 1, 2), F(T, T_LO1), NONE, NONE },
    { "bad table", MOTE_ERR_TABLE, U8, 12, GRID, F(DENSE, INT, 0, RANS1, 1, 0), F(1, 0, 10, 0, 1), NONE, NONE },
    { "reserved table", MOTE_ERR_RESERVED, U8, 12, GRID, F(DENSE, INT, 0, RANS1, 1, 0), F(2, 0, 7, 0, 1), NONE, NONE },
    { "more tables than allowed", MOTE_ERR_FACTS, U8, 12, GRID, F(DENSE, INT, 0, RANS1, 4, RANS1, 0), F(T, T, T, T, T),
      NONE, NONE },
    /* resident and axis */
    { "residents of nothing", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, STORED_NUM, STORED), NONE, F(1), NONE },
    { "residents 0", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, STORED_NUM, STORED), NONE, F(0), NONE },
    { "residents with more", MOTE_ERR_TRAILING, F32, 12, GRID,
      F(LOWRANK, 2, 1, FLOAT, F16, STORED, STORED, FLOAT, F16, STORED, STORED), NONE, F(2, 0), NONE },
    { "axis 1", MOTE_OK, U8, 12, GRID, F(DENSE, STORED_NUM, STORED), NONE, NONE, F(1) },
    { "axis 0", MOTE_ERR_VALUE, U8, 12, GRID, F(DENSE, STORED_NUM, STORED), NONE, NONE, F(0) },
    { "axis 2", MOTE_ERR_VALUE, U8, 12, GRID, F(DENSE, STORED_NUM, STORED), NONE, NONE, F(2) },
    { "axis with more", MOTE_ERR_TRAILING, U8, 12, GRID, F(DENSE, STORED_NUM, STORED), NONE, NONE, F(1, 0) },
    { "axis empty", MOTE_ERR_TRUNCATED, U8, 12, GRID, F(DENSE, STORED_NUM, STORED), NONE, NONE, EMPTY },
    /* 5.2 float */
    { "f32", MOTE_OK, F32, 12, GRID, F(DENSE, FLOAT, F32, STORED, STORED, STORED, STORED), NONE, NONE, NONE },
    { "f32, a byte plane too few", MOTE_ERR_TRUNCATED, F32, 12, GRID, F(DENSE, FLOAT, F32, STORED, STORED, STORED),
      NONE, NONE, NONE },
    { "f16 in f32", MOTE_OK, F32, 12, GRID, F(DENSE, FLOAT, F16, STORED, STORED), NONE, NONE, NONE },
    { "bf16 in f64", MOTE_OK, F64, 12, GRID, F(DENSE, FLOAT, BF16, STORED, STORED), NONE, NONE, NONE },
    { "f32 in f64", MOTE_OK, F64, 12, GRID, F(DENSE, FLOAT, F32, STORED, STORED, STORED, STORED), NONE, NONE, NONE },
    { "f64", MOTE_OK, F64, 12, GRID, F(DENSE, FLOAT, F64, STORED, STORED, STORED, STORED, STORED, STORED, STORED), NONE,
      NONE, NONE },
    { "f16 in bf16", MOTE_ERR_HEAD, BF16, 12, GRID, F(DENSE, FLOAT, F16, STORED, STORED), NONE, NONE, NONE },
    { "bf16 in f16", MOTE_ERR_HEAD, F16, 12, GRID, F(DENSE, FLOAT, BF16, STORED, STORED), NONE, NONE, NONE },
    { "f32 in f16", MOTE_ERR_HEAD, F16, 12, GRID, F(DENSE, FLOAT, F32, STORED, STORED, STORED, STORED), NONE, NONE,
      NONE },
    { "f64 in f32", MOTE_ERR_HEAD, F32, 12, GRID,
      F(DENSE, FLOAT, F64, STORED, STORED, STORED, STORED, STORED, STORED, STORED), NONE, NONE, NONE },
    { "f8 in f16", MOTE_ERR_HEAD, F16, 12, GRID, F(DENSE, FLOAT, MOTE_F8_E5M2, STORED), NONE, NONE, NONE },
    { "f8", MOTE_OK, MOTE_F8_E4M3FNUZ, 12, GRID, F(DENSE, FLOAT, MOTE_F8_E4M3FNUZ, STORED), NONE, NONE, NONE },
    { "f8 in another f8", MOTE_ERR_HEAD, MOTE_F8_E4M3, 12, GRID, F(DENSE, FLOAT, MOTE_F8_E4M3FNUZ, STORED), NONE, NONE,
      NONE },
    { "e8m0 as a float", MOTE_ERR_HEAD, MOTE_F8_E8M0, 12, GRID, F(DENSE, FLOAT, MOTE_F8_E8M0, STORED), NONE, NONE,
      NONE },
    { "u8 as a float", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, FLOAT, U8, STORED), NONE, NONE, NONE },
    { "dtype 26", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, FLOAT, 26, STORED), NONE, NONE, NONE },
    /* 5.3 integer */
    { "u32, 2 byte planes", MOTE_OK, MOTE_U32, 12, GRID, F(DENSE, INT, 2, STORED, STORED, STORED), NONE, NONE, NONE },
    { "u32, 3 byte planes", MOTE_OK, MOTE_U32, 12, GRID, F(DENSE, INT, 3, STORED, STORED, STORED, STORED), NONE, NONE,
      NONE },
    { "u32, 1 byte plane", MOTE_ERR_HEAD, MOTE_U32, 12, GRID, F(DENSE, INT, 1, STORED, STORED), NONE, NONE, NONE },
    { "u32, 4 byte planes", MOTE_ERR_HEAD, MOTE_U32, 12, GRID, F(DENSE, INT, 4, STORED, STORED, STORED, STORED, STORED),
      NONE, NONE, NONE },
    { "i64, 7 byte planes", MOTE_OK, MOTE_I64, 12, GRID,
      F(DENSE, INT, 7, STORED, STORED, STORED, STORED, STORED, STORED, STORED, STORED), NONE, NONE, NONE },
    { "i64, 9 byte planes", MOTE_ERR_HEAD, MOTE_I64, 12, GRID, F(DENSE, INT, 9, STORED), NONE, NONE, NONE },
    { "32 byte planes", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, INT, 32, STORED), NONE, NONE, NONE },
    /* 5.6 background */
    { "u8, background", MOTE_OK, U8, 12, GRID, F(DENSE, INT, 16, 0xFF, 1, CONSTANT, 0xFF, 1), NONE, NONE, NONE },
    { "u8, background, beyond", MOTE_ERR_RANGE, U8, 12, GRID, F(DENSE, INT, 16, 0, CONSTANT, 0x80, 2), NONE, NONE,
      NONE },
    { "u8, background, folded", MOTE_OK, U8, 12, GRID, F(BITMASK, STORED, INT, 24, 7, CONSTANT, 0xFC, 3), NONE, NONE,
      NONE },
    { "u8, background, folded, beyond", MOTE_ERR_RANGE, U8, 12, GRID, F(DENSE, INT, 24, 7, CONSTANT, 0xFE, 3), NONE,
      NONE, NONE },
    { "background 256", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, INT, 16, 0x80, 2, STORED), NONE, NONE, NONE },
    { "u16, background", MOTE_ERR_HEAD, MOTE_U16, 12, GRID, F(DENSE, INT, 16, 1, STORED), NONE, NONE, NONE },
    { "u16, a byte plane, background", MOTE_ERR_HEAD, MOTE_U16, 12, GRID, F(DENSE, INT, 17, 1, STORED, STORED), NONE,
      NONE, NONE },
    { "u4, background", MOTE_ERR_HEAD, MOTE_U4, 12, GRID, F(DENSE, INT, 16, 1, STORED), NONE, NONE, NONE },
    { "f8, background", MOTE_ERR_HEAD, MOTE_F8_E4M3, 12, GRID, F(DENSE, INT, 16, 1, STORED), NONE, NONE, NONE },
    /* 5.6 folding */
    { "i8, folded", MOTE_OK, MOTE_I8, 12, GRID, F(BITMASK, STORED, INT, 8, STORED), NONE, NONE, NONE },
    { "i16, folded", MOTE_OK, MOTE_I16, 12, GRID, F(DENSE, INT, 8, CONSTANT, 0xFC, 0xFF, 7), NONE, NONE, NONE },
    { "i16, folded, beyond", MOTE_ERR_RANGE, MOTE_I16, 12, GRID, F(DENSE, INT, 8, CONSTANT, 0xFE, 0xFF, 7), NONE, NONE,
      NONE },
    { "i4, folded, is unsigned", MOTE_ERR_RANGE, MOTE_I4, 12, GRID, F(DENSE, INT, 8, CONSTANT, 1), NONE, NONE, NONE },
    { "u8, folded", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, INT, 8, STORED), NONE, NONE, NONE },
    { "f4, folded", MOTE_ERR_HEAD, MOTE_F4, 12, GRID, F(DENSE, INT, 8, STORED), NONE, NONE, NONE },
    { "i32, folded", MOTE_ERR_HEAD, MOTE_I32, 12, GRID, F(DENSE, INT, 8, STORED), NONE, NONE, NONE },
    { "i64, folded", MOTE_ERR_HEAD, MOTE_I64, 12, GRID, F(DENSE, INT, 8, STORED), NONE, NONE, NONE },
    { "affine, folded", MOTE_OK, F32, 12, GRID, F(CSR, STORED, STORED, AFFINE, 2, 2, 0, F32, ONE32, CONSTANT, 4), NONE,
      NONE, NONE },
    { "affine, folded, beyond", MOTE_ERR_RANGE, F32, 12, GRID, F(DENSE, AFFINE, 2, 2, 0, F32, ONE32, CONSTANT, 6), NONE,
      NONE, NONE },
    /* 5.7 codebook */
    { "codebook", MOTE_OK, F32, 12, GRID, F(DENSE, BOOK, 0, 2, F16, 0, ONE16, 0, 188, 0, F32, ONE32, STORED), NONE,
      NONE, NONE },
    { "codebook of f64", MOTE_OK, F64, 12, GRID, F(DENSE, BOOK, 0, 2, BF16, 0, 0, 63, 0, 64, 1, F32, STORED), NONE,
      NONE, NONE },
    { "codebook of u8", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, BOOK, 1, 0, F32, ONE32, STORED), NONE, NONE, NONE },
    { "nf4", MOTE_OK, F32, 12, GRID, F(BITMASK, STORED, BOOK, 1, 2, 64, F16, CONSTANT, 30), NONE, NONE, NONE },
    { "nf4, beyond", MOTE_ERR_RANGE, F32, 12, GRID, F(DENSE, BOOK, 1, 2, 64, F16, CONSTANT, 32), NONE, NONE, NONE },
    { "e4m3", MOTE_OK, F16, 12, GRID, F(DENSE, BOOK, 2, 1, F16, CONSTANT, 0xFE, 3), NONE, NONE, NONE },
    { "e5m2", MOTE_OK, BF16, 12, GRID, F(DENSE, BOOK, 3, 0, F32, ONE32, STORED), NONE, NONE, NONE },
    { "no such table", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, BOOK, 4, 0, F32, ONE32, STORED), NONE, NONE, NONE },
    { "no entry", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, BOOK, 0, 0, F16, 1, 0, F32, ONE32, STORED), NONE, NONE, NONE },
    { "one entry", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, BOOK, 0, 1, F16, 0, ONE16, 0, F32, ONE32, STORED), NONE, NONE,
      NONE },
    { "256 entries", MOTE_OK, F32, 12, GRID, F(DENSE, BOOK, 0, 0x80, 2, F16, 1, 0, F32, ONE32, STORED), NONE, NONE,
      NONE },
    { "257 entries", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, BOOK, 0, 0x81, 2, F16, 1, 0, F32, ONE32, STORED), NONE,
      NONE, NONE },
    { "entries of f64", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, BOOK, 0, 2, F64, 1, 0, F32, ONE32, STORED), NONE, NONE,
      NONE },
    { "entries of i64", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, BOOK, 0, 2, MOTE_I64, 1, 0, F32, ONE32, STORED), NONE,
      NONE, NONE },
    { "entries missing", MOTE_ERR_TRUNCATED, F32, 12, GRID, F(DENSE, BOOK, 0, 3, F16, 0, ONE16, 0), NONE, NONE, NONE },
    { "infinite entry", MOTE_ERR_SCALE, F32, 12, GRID,
      F(DENSE, BOOK, 0, 2, F16, 0, ONE16, 0, 124, 0, F32, ONE32, STORED), NONE, NONE, NONE },
    { "entry that is no number", MOTE_ERR_SCALE, F32, 12, GRID,
      F(DENSE, BOOK, 0, 2, BF16, 0, 192, 255, 0, 0, 0, F32, ONE32, STORED), NONE, NONE, NONE },
    { "rows that share: 2^32", MOTE_ERR_HEAD, F32, 12, GRID,
      F(DENSE, BOOK, 0, 2, F16, 0x80, 0x80, 0x80, 0x80, 0x10, 0, F32, ONE32, STORED), NONE, NONE, NONE },
    { "codebook, scale 0", MOTE_ERR_SCALE, F32, 12, GRID, F(DENSE, BOOK, 1, 0, F32, 0, 0, 0, 0, STORED), NONE, NONE,
      NONE },
    { "codebook, group 0", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, BOOK, 1, 2, 0, F32, STORED), NONE, NONE, NONE },
    { "codebook of a factor", MOTE_ERR_HEAD, F32, 12, GRID,
      F(LOWRANK, 2, 2, BOOK, 1, 0, F32, ONE32, STORED, FLOAT, F16, STORED, STORED), NONE, F(1), NONE },
    { "affine of 1 bit, folded", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, AFFINE, 1, 2, 0, F32, ONE32, STORED), NONE,
      NONE, NONE },
    { "affine of 16 bits, folded", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, AFFINE, 16, 2, 0, F32, ONE32, STORED, STORED),
      NONE, NONE, NONE },
    { "i4", MOTE_OK, MOTE_I4, 12, GRID, F(DENSE, INT, 0, CONSTANT, 15), NONE, NONE, NONE },
    { "i4 beyond", MOTE_ERR_RANGE, MOTE_I4, 12, GRID, F(DENSE, INT, 0, CONSTANT, 16), NONE, NONE, NONE },
    { "f4 is unsigned", MOTE_ERR_RANGE, MOTE_F4, 12, GRID, F(DENSE, INT, 0, CONSTANT, 1), NONE, NONE, NONE },
    { "bool", MOTE_OK, MOTE_BOOL, 12, GRID, F(DENSE, INT, 0, STORED), NONE, NONE, NONE },
    { "f32 as an integer", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, INT, 2, STORED, STORED, STORED), NONE, NONE, NONE },
    { "f8 as an integer", MOTE_ERR_HEAD, MOTE_F8_E4M3, 12, GRID, F(DENSE, INT, 0, STORED), NONE, NONE, NONE },
    { "c64 as an integer", MOTE_ERR_HEAD, MOTE_C64, 12, GRID, F(DENSE, INT, 6, STORED), NONE, NONE, NONE },
    { "c128 stored", MOTE_OK, MOTE_C128, 12, GRID, F(DENSE, STORED_NUM, STORED), NONE, NONE, NONE },
    /* 5.4 affine */
    { "affine", MOTE_OK, F32, 12, GRID, F(DENSE, AFFINE, 4, 0, 0, F32, ONE32, STORED), NONE, NONE, NONE },
    { "affine f16", MOTE_OK, F16, 12, GRID, F(DENSE, AFFINE, 4, 1, 0, F16, ONE16, 15, STORED), NONE, NONE, NONE },
    { "affine f64", MOTE_OK, F64, 12, GRID, F(DENSE, AFFINE, 16, 0, 1, BF16, STORED, STORED), NONE, NONE, NONE },
    { "affine u8", MOTE_ERR_HEAD, U8, 12, GRID, F(DENSE, AFFINE, 4, 0, 1, F32, STORED), NONE, NONE, NONE },
    { "affine f8", MOTE_ERR_HEAD, MOTE_F8_E5M2, 12, GRID, F(DENSE, AFFINE, 4, 0, 1, F32, STORED), NONE, NONE, NONE },
    { "bits 0", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, AFFINE, 0, 0, 1, F32, STORED), NONE, NONE, NONE },
    { "bits 9", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, AFFINE, 9, 0, 1, F32, STORED), NONE, NONE, NONE },
    { "bits 15", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, AFFINE, 15, 0, 1, F32, STORED), NONE, NONE, NONE },
    { "bits 17", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, AFFINE, 17, 0, 1, F32, STORED), NONE, NONE, NONE },
    { "zero 3", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, AFFINE, 4, 3, 1, F32, STORED), NONE, NONE, NONE },
    { "scope 3", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, AFFINE, 4, 0, 3, F32, STORED), NONE, NONE, NONE },
    { "group 0", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, AFFINE, 4, 0, 2, 0, F32, STORED), NONE, NONE, NONE },
    { "group 2^31", MOTE_OK, F32, 12, GRID, F(DENSE, AFFINE, 4, 0, 2, 0x80, 0x80, 0x80, 0x80, 8, F32, STORED), NONE,
      NONE, NONE },
    { "group 2^31 + 1", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, AFFINE, 4, 0, 2, 0x81, 0x80, 0x80, 0x80, 8, F32, STORED),
      NONE, NONE, NONE },
    { "scale f64", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, AFFINE, 4, 0, 1, F64, STORED), NONE, NONE, NONE },
    { "scale i8", MOTE_ERR_HEAD, F32, 12, GRID, F(DENSE, AFFINE, 4, 0, 1, MOTE_I8, STORED), NONE, NONE, NONE },
    { "scale 0", MOTE_ERR_SCALE, F32, 12, GRID, F(DENSE, AFFINE, 4, 0, 0, F32, 0, 0, 0, 0, STORED), NONE, NONE, NONE },
    { "scale -1", MOTE_ERR_SCALE, F32, 12, GRID, F(DENSE, AFFINE, 4, 0, 0, F32, 0, 0, 128, 191, STORED), NONE, NONE,
      NONE },
    { "scale infinite", MOTE_ERR_SCALE, F32, 12, GRID, F(DENSE, AFFINE, 4, 0, 0, F32, 0, 0, 128, 127, STORED), NONE,
      NONE, NONE },
    { "scale NaN", MOTE_ERR_SCALE, F32, 12, GRID, F(DENSE, AFFINE, 4, 0, 0, F32, 0, 0, 192, 127, STORED), NONE, NONE,
      NONE },
    { "scale f16 infinite", MOTE_ERR_SCALE, F32, 12, GRID, F(DENSE, AFFINE, 4, 0, 0, F16, 0, 124, STORED), NONE, NONE,
      NONE },
    { "scale bf16 infinite", MOTE_ERR_SCALE, F32, 12, GRID, F(DENSE, AFFINE, 4, 0, 0, BF16, 128, 127, STORED), NONE,
      NONE, NONE },
    { "scale bf16 -0", MOTE_ERR_SCALE, F32, 12, GRID, F(DENSE, AFFINE, 4, 0, 0, BF16, 0, 128, STORED), NONE, NONE,
      NONE },
    { "zero-point 16 of 4 bits", MOTE_ERR_SCALE, F32, 12, GRID, F(DENSE, AFFINE, 4, 1, 0, F16, ONE16, 16, STORED), NONE,
      NONE, NONE },
    { "zero-point 65535 of 16 bits", MOTE_OK, F32, 12, GRID,
      F(DENSE, AFFINE, 16, 1, 0, F16, ONE16, 0xFF, 0xFF, 3, STORED, STORED), NONE, NONE, NONE },
    { "zero-point 65536 of 16 bits", MOTE_ERR_SCALE, F32, 12, GRID,
      F(DENSE, AFFINE, 16, 1, 0, F16, ONE16, 0x80, 0x80, 4, STORED, STORED), NONE, NONE, NONE },
    { "symmetric 3 bits, 3", MOTE_OK, F32, 12, GRID, F(DENSE, AFFINE, 3, 0, 1, F16, CONSTANT, 6), NONE, NONE, NONE },
    { "symmetric 3 bits, 4", MOTE_ERR_RANGE, F32, 12, GRID, F(DENSE, AFFINE, 3, 0, 1, F16, CONSTANT, 8), NONE, NONE,
      NONE },
    { "with zero-point 3 bits, 7", MOTE_OK, F32, 12, GRID, F(DENSE, AFFINE, 3, 1, 1, F16, CONSTANT, 14), NONE, NONE,
      NONE },
    /* 6 layouts */
    { "bitmask of 65535 columns", MOTE_OK, U8, 65535, F(1, 0xFF, 0xFF, 3, 0xFF, 0xFF, 3),
      F(BITMASK, STORED, STORED_NUM, STORED), NONE, NONE, NONE },
    { "bitmask of 65536 columns", MOTE_ERR_HEAD, U8, 65536, F(1, 0x80, 0x80, 4, 0x80, 0x80, 4),
      F(BITMASK, STORED, STORED_NUM, STORED), NONE, NONE, NONE },
    { "csr of 65536 columns", MOTE_ERR_HEAD, U8, 65536, F(1, 0x80, 0x80, 4, 0x80, 0x80, 4),
      F(CSR, STORED, STORED, STORED_NUM, STORED), NONE, NONE, NONE },
    { "csr of 65536 columns in two", MOTE_OK, U8, 65536, F(1, 0x80, 0x80, 4, 0x80, 0x80, 2),
      F(CSR, STORED, STORED, STORED_NUM, STORED), NONE, NONE, NONE },
#define FACTOR FLOAT, F16, STORED, STORED
    { "lowrank", MOTE_OK, F32, 12, GRID, F(LOWRANK, 2, 1, FACTOR, FACTOR), NONE, F(2), NONE },
    { "lowrank in one record", MOTE_OK, F16, 12, GRID, F(LOWRANK, 2, 2, FACTOR, AFFINE, 4, 0, 1, F16, STORED), NONE,
      F(1), NONE },
    { "lowrank, no residents", MOTE_ERR_HEAD, F32, 12, GRID, F(LOWRANK, 2, 1, FACTOR, FACTOR), NONE, NONE, NONE },
    { "lowrank, too few residents", MOTE_ERR_HEAD, F32, 12, GRID, F(LOWRANK, 2, 1, FACTOR, FACTOR), NONE, F(1), NONE },
    { "lowrank, too many residents", MOTE_ERR_HEAD, F32, 12, GRID, F(LOWRANK, 2, 1, FACTOR, FACTOR), NONE, F(3), NONE },
    { "rank 0", MOTE_ERR_HEAD, F32, 12, GRID, F(LOWRANK, 0, 1, FACTOR, FACTOR), NONE, F(1), NONE },
    { "rank above rows", MOTE_ERR_HEAD, F32, 12, GRID, F(LOWRANK, 3, 1, FACTOR, FACTOR), NONE, F(3), NONE },
    { "rank above cols", MOTE_ERR_HEAD, F32, 12, F(6, 2, 12), F(LOWRANK, 3, 1, FACTOR, FACTOR), NONE, F(3), NONE },
    { "rows_per_record 0", MOTE_ERR_HEAD, F32, 12, GRID, F(LOWRANK, 2, 0, FACTOR, FACTOR), NONE, F(2), NONE },
    { "rows_per_record above rank", MOTE_ERR_HEAD, F32, 12, GRID, F(LOWRANK, 2, 3, FACTOR, FACTOR), NONE, F(1), NONE },
    { "lowrank, rows cut", MOTE_ERR_HEAD, F32, 12, F(2, 6, 3), F(LOWRANK, 2, 1, FACTOR, FACTOR), NONE, F(2), NONE },
    { "lowrank of f64", MOTE_ERR_HEAD, F64, 12, GRID, F(LOWRANK, 2, 1, FACTOR, FACTOR), NONE, F(2), NONE },
    { "lowrank of u8", MOTE_ERR_HEAD, U8, 12, GRID, F(LOWRANK, 2, 1, FACTOR, FACTOR), NONE, F(2), NONE },
    { "V stored", MOTE_ERR_HEAD, F32, 12, GRID, F(LOWRANK, 2, 1, STORED_NUM, STORED, FACTOR), NONE, F(2), NONE },
    { "U integer", MOTE_ERR_HEAD, F32, 12, GRID, F(LOWRANK, 2, 1, FACTOR, INT, 0, STORED), NONE, F(2), NONE },
    { "V of f64", MOTE_ERR_HEAD, F32, 12, GRID,
      F(LOWRANK, 2, 1, FLOAT, F64, STORED, STORED, STORED, STORED, STORED, STORED, STORED, FACTOR), NONE, F(2), NONE },
    { "V of f8", MOTE_ERR_HEAD, F32, 12, GRID, F(LOWRANK, 2, 1, FLOAT, MOTE_F8_E5M2, STORED, FACTOR), NONE, F(2),
      NONE },
    { "U of f32 in an f16 tensor", MOTE_OK, F16, 12, GRID,
      F(LOWRANK, 2, 1, FACTOR, FLOAT, F32, STORED, STORED, STORED, STORED), NONE, F(2), NONE },
    { "lowrank inside of lowrank", MOTE_ERR_HEAD, F32, 12, GRID, F(LOWRANK, 2, 1, LOWRANK, 1, 1, FACTOR, FACTOR), NONE,
      F(2), NONE },
    { "zstd in a factor", MOTE_ERR_HEAD, F32, 12, GRID, F(LOWRANK, 2, 1, FLOAT, F16, STORED, ZSTD, FACTOR), NONE, F(2),
      NONE },
};

static bytes compose(const struct row *r)
{
    const field *f[] = { &r->grid, &r->terms, &r->tables, &r->resident, &r->axis };
    bytes b = { 0 };
    for (unsigned i = 0; i < N(f); i++) {
        bytes value = { 0 };
        if (f[i]->n == 0) continue;
        if (f[i]->n != 255) put_bytes(&value, f[i]->p, f[i]->n);
        put_field(&b, 2 * (i + 1), &value);
    }
    return b;
}

static mote_status read_head(mote_head *h, const uint8_t *p, size_t n, unsigned dtype, uint64_t elements)
{
    mote_table *tables = allocate(4 * sizeof *tables); /* exactly as many as are allowed */
    mote_table_spec *specs = allocate(4 * sizeof *specs);
    uint8_t *copy = exact_copy(p, n);
    mote_status st =
        mote_head_read(h, tables, rnd_below(2) ? specs : NULL, 4, mote_rd_init(copy, n), dtype, elements, NULL, NULL);
    free(copy);
    free(specs);
    free(tables);
    return st;
}

START_TEST(head_rules) /* Spec codecs.md 2 */
{
    const struct row *r = &rows[_i];
    bytes b = compose(r);
    mote_head h;
    mote_status st = read_head(&h, b.p, b.n, r->dtype, r->elements);
    ck_assert_msg(st == r->st, "%s: %d, not %d", r->name, (int)st, (int)r->st);
    if (st == MOTE_OK) { /* and every prefix that is not a head by itself */
        for (size_t n = 0; n < b.n; n++) {
            st = read_head(&h, b.p, n, r->dtype, r->elements);
            ck_assert_msg(st != MOTE_OK || r->axis.n, "%s: %zu bytes are enough", r->name, n);
        }
    }
    bytes_free(&b);
}
END_TEST

START_TEST(fields_of_a_head) /* Spec format.md 2.3 */
{
#define BASE 2, 3, 2, 6, 12, 4, 3, DENSE, STORED_NUM, STORED
    static const struct {
        const char *name;
        mote_status st;
        size_t n;
        uint8_t p[24];
    } heads[] = {
        { "plain", MOTE_OK, 10, { BASE } },
        { "odd tag after", MOTE_OK, 13, { BASE, 13, 1, 7 } },
        { "odd tag between", MOTE_OK, 13, { 2, 3, 2, 6, 12, 3, 1, 9, 4, 3, DENSE, STORED_NUM, STORED } },
        { "even tag", MOTE_ERR_CRITICAL, 13, { BASE, 14, 1, 7 } },
        { "even tag far away", MOTE_ERR_CRITICAL, 14, { BASE, 0x80, 1, 1, 7 } },
        { "tag 0", MOTE_ERR_ORDER, 12, { 0, 0, BASE } },
        { "twice", MOTE_ERR_ORDER, 15, { 2, 3, 2, 6, 12, 2, 3, 2, 6, 12, 4, 3, DENSE, STORED_NUM, STORED } },
        { "out of order", MOTE_ERR_ORDER, 10, { 4, 3, DENSE, STORED_NUM, STORED, 2, 3, 2, 6, 12 } },
        { "length beyond", MOTE_ERR_TRUNCATED, 12, { BASE, 13, 1 } },
        { "empty", MOTE_ERR_MISSING, 0, { 0 } },
    };
    for (size_t i = 0; i < N(heads); i++) {
        mote_head h;
        mote_status st = read_head(&h, heads[i].p, heads[i].n, MOTE_U8, 12);
        ck_assert_msg(st == heads[i].st, "%s: %d", heads[i].name, (int)st);
    }
}
END_TEST

static unsigned seen[128];

static void note(void *ctx, unsigned id)
{
    ck_assert_ptr_eq(ctx, seen);
    ck_assert_uint_lt(id, 128);
    seen[id]++;
}

START_TEST(ids_are_reported_as_they_stand)
{
    static const uint8_t head[] = { 2,     3, 2,   6, 12,     4,        12, CSR, CONSTANT, 2, RANS8, 2,
                                    RANS1, 0, INT, 1, STORED, CONSTANT, 0,  6,   15,       T, T,     T };
    mote_head h;
    mote_table tables[3];
    mote_table_spec specs[3];
    memset(seen, 0, sizeof seen);
    ck_assert_int_eq(mote_head_read(&h, tables, specs, 3, mote_rd_init(head, sizeof head), MOTE_I16, 12, note, seen),
                     MOTE_OK);
    for (unsigned i = 0; i < 128; i++) {
        unsigned want = i == CSR || i == RANS8 || i == RANS1 || i == INT || i == STORED ? 1 : i == CONSTANT ? 2 : 0;
        ck_assert_msg(seen[i] == want, "id %u: %u times", i, seen[i]);
    }
    ck_assert_uint_eq(h.n_tables, 3);
    for (unsigned i = 0; i < 3; i++) ck_assert(specs[i].form == 1 && specs[i].shape == 7 && specs[i].inverse == 1);
    ck_assert_uint_eq(h.term.gaps.n_classes, 2);
    ck_assert_int_eq(h.term.counts.constant, 1);
    ck_assert_uint_eq(h.term.num.n_bytes, 1);
    ck_assert_int_eq(h.term.num.v.vmin, -128);
}
END_TEST

/* The segments cover each element of the matrix once, in order; so do the residents of V. */
START_TEST(extents_cover_the_matrix)
{
    for (uint64_t rows_ = 1; rows_ < 8; rows_++) {
        for (uint64_t cols = 1; cols < 12; cols++) {
            for (uint64_t seg = 1; seg <= rows_ * cols; seg++) {
                bytes b = { 0 }, grid = { 0 }, terms = { 0 };
                put_v(&grid, rows_);
                put_v(&grid, cols);
                put_v(&grid, seg);
                put_field(&b, 2, &grid);
                put_bytes(&terms, (const uint8_t[]){ DENSE, STORED_NUM, STORED }, 3);
                put_field(&b, 4, &terms);
                mote_head h;
                mote_status st = read_head(&h, b.p, b.n, MOTE_U8, rows_ * cols);
                ck_assert_int_eq(st, seg > cols && seg % cols ? MOTE_ERR_SHAPE : MOTE_OK);
                bytes_free(&b);
                if (st != MOTE_OK) continue;
                uint64_t at = 0;
                bool ok = true;
                for (uint64_t s = 0; s < h.n_segments; s++) {
                    mote_extent e = mote_head_extent(&h, s);
                    ok = ok && e.row * cols + e.col == at && e.rows * e.cols <= mote_head_seg_max(&h);
                    ok = ok && (e.cols == cols || e.rows == 1) && e.rows * e.cols > 0;
                    at += e.rows * e.cols;
                }
                ck_assert(ok && at == rows_ * cols);
                ck_assert_uint_eq(mote_head_seg_max(&h), seg);
            }
        }
    }
    mote_head h = { .rows = 9, .cols = 9 };
    for (h.term.rank = 1; h.term.rank <= 9; h.term.rank++) {
        for (h.term.rows_per_record = 1; h.term.rows_per_record <= h.term.rank; h.term.rows_per_record++) {
            uint64_t at = 0;
            for (uint32_t r = 0; at < h.term.rank; r++) {
                mote_extent e = mote_head_resident(&h, r);
                ck_assert(e.row == at && e.rows > 0 && e.rows <= h.term.rows_per_record && e.cols == 9 && e.col == 0);
                at += e.rows;
            }
            ck_assert_uint_eq(at, h.term.rank);
        }
    }
}
END_TEST

/* Which float type holds which, by trying all values of the narrow ones. */
START_TEST(held_types)
{
    static const uint8_t holds[4][4] = { /* rows: held; columns: dtype; f16, bf16, f32, f64 */
                                         { 1, 0, 1, 1 },
                                         { 0, 1, 1, 1 },
                                         { 0, 0, 1, 1 },
                                         { 0, 0, 0, 1 }
    };
    for (unsigned i = 0; i < 4; i++)
        for (unsigned j = 0; j < 4; j++) ck_assert_int_eq(mote_float_holds(MOTE_F16 + i, MOTE_F16 + j), holds[i][j]);
    ck_assert(!mote_float_holds(MOTE_F8_E4M3, MOTE_F32));
    for (unsigned dtype = 0; dtype < 30; dtype++) {
        uint8_t k, nb, width;
        bool is_float = dtype >= MOTE_F16 && dtype <= MOTE_F8_E5M2FNUZ;
        ck_assert_int_eq(mote_float_split(dtype, &k, &nb, &width), is_float);
        if (is_float) ck_assert_uint_eq(width + 8u * nb, mote_dtype_bits(dtype));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("head");
    TCase *tc = tcase_create("head");
    tcase_add_loop_test(tc, head_rules, 0, (int)N(rows));
    tcase_add_test(tc, fields_of_a_head);
    tcase_add_test(tc, ids_are_reported_as_they_stand);
    tcase_add_test(tc, extents_cover_the_matrix);
    tcase_add_test(tc, held_types);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
