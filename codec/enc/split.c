/* SPDX-License-Identifier: Apache-2.0
 * Splits elements into V and byte planes: plain loops that compilers vectorise. Host only. */
#include "enc/split.h"

#include <string.h>

#include "base/le.h"
#include "enc/wide.h"

static bool is_signed(uint8_t dtype)
{
    return dtype == MOTE_I8 || dtype == MOTE_I16 || dtype == MOTE_I32 || dtype == MOTE_I64 || dtype == MOTE_I4;
}

static void set_planes(mote_num *num, unsigned width, bool negative)
{
    num->v.width = (uint8_t)width;
    num->v.vmin = negative ? -(1 << (width - 1)) : 0;
    num->v.vmax = num->v.vmin + (1 << width) - 1;
    num->v.n_classes = 1;
    for (unsigned j = 0; j < num->n_bytes; j++)
        num->byte[j] = (mote_plane){ .coder = MOTE_CODER_STORED, .n_classes = 1, .width = 8, .vmax = 255 };
}

void mote_split_float(mote_num *num, uint8_t dtype)
{
    *num = (mote_num){ .numeric = MOTE_NUM_FLOAT, .dtype = dtype };
    uint8_t width = 8;
    if (mote_float_split(dtype, &num->k, &num->n_bytes, &width)) set_planes(num, width, false);
}

void mote_split_integer(mote_num *num, uint8_t dtype, unsigned n_bytes)
{
    *num = (mote_num){ .numeric = MOTE_NUM_INT, .dtype = dtype, .n_bytes = (uint8_t)n_bytes };
    set_planes(num, mote_dtype_bits(dtype) - 8 * n_bytes, is_signed(dtype));
}

void mote_split_shifted(mote_num *num, uint8_t dtype, uint8_t background)
{
    *num = (mote_num){ .numeric = MOTE_NUM_INT, .dtype = dtype, .shifted = 1, .background = background };
    set_planes(num, 8, true);
}

void mote_split_affine(mote_num *num, uint8_t dtype, unsigned bits, unsigned zero)
{
    *num = (mote_num){ .numeric = MOTE_NUM_AFFINE, .dtype = dtype, .bits = (uint8_t)bits, .zero = (uint8_t)zero };
    num->n_bytes = bits == 16;
    set_planes(num, bits == 16 ? 8 : bits, !zero);
}

void mote_split_codebook(mote_num *num, uint8_t dtype, unsigned entries, unsigned table)
{
    *num = (mote_num){ .numeric = MOTE_NUM_CODEBOOK, .dtype = dtype, .entries = (uint16_t)entries };
    unsigned width = 1;
    while ((entries - 1) >> width) width++;
    set_planes(num, width, false);
    num->v.vmax = (int32_t)entries - 1;
    if (table >= MOTE_BOOK_F8_E4M3) num->k = table == MOTE_BOOK_F8_E4M3 ? 4 : 3;
}

bool mote_split_fold(mote_num *num)
{
    if (num->numeric == MOTE_NUM_FLOAT || num->numeric == MOTE_NUM_CODEBOOK || num->n_bytes || num->v.vmin >= -1)
        return false;
    num->fold = 1;
    num->v.vmin = 0;
    num->v.vmax = (1 << num->v.width) - 2;
    return true;
}

/* v: values less the least of a signed V of that many bits */
static void fold(uint16_t *v, size_t n, unsigned bits)
{
    const int32_t least = 1 << (bits - 1);
    for (size_t i = 0; i < n; i++) {
        const int32_t x = v[i] - least;
        v[i] = (uint16_t)(x < 0 ? -2 * x - 2 : 2 * x - 1);
    }
}

MOTE_LOOP void float_v_loop(uint8_t dtype, const uint8_t *p, size_t n, uint16_t *v)
{
    switch (dtype) {
    case MOTE_F32:
        for (size_t i = 0; i < n; i++) v[i] = (uint16_t)(mote_le32(p + 4 * i) >> 23 & 0xFF);
        break;
    case MOTE_BF16:
        for (size_t i = 0; i < n; i++) v[i] = (uint16_t)(mote_le16(p + 2 * i) >> 7 & 0xFF);
        break;
    case MOTE_F16:
        for (size_t i = 0; i < n; i++) {
            unsigned x = mote_le16(p + 2 * i);
            v[i] = (uint16_t)((x >> 7 & 0xF8) | (x >> 13 & 4) | (x >> 8 & 3));
        }
        break;
    case MOTE_F64:
        for (size_t i = 0; i < n; i++) {
            uint32_t x = mote_le16(p + 8 * i + 6);
            v[i] = (uint16_t)((x << 1 & 0xFFE0) | (x >> 11 & 0x10) | (x & 0xF));
        }
        break;
    case MOTE_F8_E5M2:
    case MOTE_F8_E5M2FNUZ:
        for (size_t i = 0; i < n; i++) v[i] = (uint16_t)((p[i] << 1 & 0xF8) | (p[i] >> 5 & 4) | (p[i] & 3));
        break;
    default:
        for (size_t i = 0; i < n; i++) v[i] = (uint16_t)((p[i] << 1 & 0xF0) | (p[i] >> 4 & 8) | (p[i] & 7));
    }
}
MOTE_TWICE(float_v, (uint8_t dtype, const uint8_t *p, size_t n, uint16_t *v), float_v_loop, (dtype, p, n, v))

/* Little-endian integer of up to 8 bytes. */
static uint64_t load(const uint8_t *p, unsigned bytes)
{
    switch (bytes) {
    case 1: return p[0];
    case 2: return mote_le16(p);
    case 4: return mote_le32(p);
    default: return mote_le64(p);
    }
}

void mote_split_v(const mote_num *num, const void *elements, size_t n, uint16_t *v)
{
    const uint8_t *p = elements;
    if (num->numeric == MOTE_NUM_FLOAT) {
        float_v(num->dtype, p, n, v);
    } else if (num->numeric == MOTE_NUM_AFFINE || num->numeric == MOTE_NUM_CODEBOOK) {
        memcpy(v, p, n * sizeof *v); /* codes are in the machine's byte order */
        for (size_t i = 0; num->bits == 16 && i < n; i++) v[i] = (uint16_t)(v[i] >> 8);
    } else {
        const unsigned bits = mote_dtype_bits(num->dtype), bytes = bits < 8 ? 1 : bits / 8, low = 8u * num->n_bytes;
        const uint64_t flip = num->v.vmin < 0 || num->fold ? (uint64_t)1 << (bits - 1) : 0;
        if (num->shifted)
            for (size_t i = 0; i < n; i++) v[i] = (uint16_t)((p[i] - num->background + 128) & 0xFF);
        else
            for (size_t i = 0; i < n; i++) v[i] = (uint16_t)((load(p + i * bytes, bytes) ^ flip) >> low);
    }
    if (num->fold) fold(v, n, num->v.width);
}

/* Byte k from below of elements of that many bytes; sign: in a word of 32 or 16 bits, the sign above 7 bits of the mantissa */
MOTE_LOOP void byte_loop(const uint8_t *p, size_t n, unsigned bytes, unsigned k, bool sign, uint8_t *out)
{
    if (sign && bytes == 4) {
        for (size_t i = 0; i < n; i++) {
            const uint32_t x = mote_le32(p + 4 * i);
            out[i] = (uint8_t)((x >> 24 & 0x80) | (x >> 16 & 0x7F));
        }
    } else if (sign) {
        for (size_t i = 0; i < n; i++) {
            const unsigned x = mote_le16(p + 2 * i);
            out[i] = (uint8_t)((x >> 8 & 0x80) | (x & 0x7F));
        }
    } else if (bytes == 4) {
        for (size_t i = 0; i < n; i++) out[i] = (uint8_t)(mote_le32(p + 4 * i) >> 8 * k);
    } else if (bytes == 2) {
        for (size_t i = 0; i < n; i++) out[i] = (uint8_t)(mote_le16(p + 2 * i) >> 8 * k);
    } else {
        for (size_t i = 0; i < n; i++) out[i] = p[i * bytes + k];
    }
}
MOTE_TWICE(byte_of, (const uint8_t *p, size_t n, unsigned bytes, unsigned k, bool sign, uint8_t *out), byte_loop,
           (p, n, bytes, k, sign, out))

void mote_split_byte(const mote_num *num, const void *elements, size_t n, unsigned j, uint8_t *out)
{
    if (num->numeric == MOTE_NUM_AFFINE) { /* codes are in the machine's byte order */
        const uint16_t *code = elements;
        for (size_t i = 0; i < n; i++) out[i] = (uint8_t)code[i];
        return;
    }
    /* of a float without bits of the mantissa in V: the sign, seven bits of it */
    const bool sign = j == 0 && num->numeric == MOTE_NUM_FLOAT && (num->dtype == MOTE_F32 || num->dtype == MOTE_BF16);
    byte_of(elements, n, mote_dtype_bits(num->dtype) / 8, num->n_bytes - 1u - j, sign, out); /* byte j from above */
}
