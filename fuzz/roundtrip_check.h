/* SPDX-License-Identifier: Apache-2.0
 * What must hold of any tensor that is encoded, whatever the options: used by the round trip target and by the tests of
 * the encoder. */
#ifndef MOTE_FUZZ_ROUNDTRIP_CHECK_H
#define MOTE_FUZZ_ROUNDTRIP_CHECK_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "common/casts.h"
#include "enc/f8.h"
#include "enc/records.h"

#define MUST(condition)                                                     \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                        \
        }                                                                   \
    } while (0)

static inline bool is_real_dtype(unsigned dtype)
{
    return dtype >= MOTE_F16 && dtype <= MOTE_F64;
}

static inline size_t dtype_bytes(unsigned dtype, uint64_t n)
{
    return (size_t)((n * mote_dtype_bits(dtype) + 7) / 8);
}

/* Element i of a float tensor. */
static inline double real_value(const uint8_t *p, unsigned dtype, uint64_t i)
{
    if (dtype == MOTE_F8_E4M3 || dtype == MOTE_F8_E5M2) return mote_f8_value(p[i], dtype);
    if (dtype == MOTE_F64) {
        uint64_t b = mote_le64(p + 8 * i);
        double x;
        memcpy(&x, &b, 8);
        return x;
    }
    uint32_t b = dtype == MOTE_F32   ? mote_le32(p + 4 * i)
                 : dtype == MOTE_F16 ? mote_f16_to_f32(mote_le16(p + 2 * i))
                                     : (uint32_t)mote_le16(p + 2 * i) << 16;
    float x;
    memcpy(&x, &b, 4);
    return x;
}

/* Element i of a float tensor cast to dtype `to`, little-endian in out; returns its bytes. */
static inline unsigned cast_element(uint8_t out[8], const uint8_t *p, unsigned dtype, unsigned to, uint64_t i)
{
    const unsigned bytes = mote_dtype_bits(to) / 8;
    if (dtype == to) {
        memcpy(out, p + i * bytes, bytes);
        return bytes;
    }
    uint32_t b = dtype == MOTE_F64   ? mote_f64_to_f32(mote_le64(p + 8 * i))
                 : dtype == MOTE_F32 ? mote_le32(p + 4 * i)
                 : dtype == MOTE_F16 ? mote_f16_to_f32(mote_le16(p + 2 * i))
                                     : (uint32_t)mote_le16(p + 2 * i) << 16;
    if (to == MOTE_F8_E4M3 || to == MOTE_F8_E5M2)
        out[0] = mote_f32_to_f8(b, to);
    else
        mote_put16(out, to == MOTE_F16 ? mote_f32_to_f16(b) : mote_f32_to_bf16(b));
    return bytes;
}

static inline bool all_zero_bytes(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i]) return false;
    return true;
}

/* The records of a coded tensor as they are decoded. */
static inline uint8_t *decode_coded(const mote_coded *c, uint64_t elements)
{
    const size_t bytes = dtype_bytes(c->entry.dtype, elements);
    mote_records f = { .n_records = c->entry.n_records,
                       .n_residents = c->entry.n_residents,
                       .table_slots = c->entry.table_slots };
    uint8_t *out = calloc(bytes + 1, 1);
    MUST(out);
    f.records = malloc(f.n_records * sizeof *f.records + 1);
    MUST(f.records);
    if (f.n_records) memcpy(f.records, c->entry.records, f.n_records * sizeof *f.records);
    if (elements) MUST(mote_records_decode(&f, (uint8_t)c->entry.dtype, elements, out, bytes) == MOTE_OK);
    free(f.records);
    return out;
}

/* Records fit their chunks, the report adds up. */
static inline void check_records(const mote_encode_options *o, const mote_coded *c)
{
    static const uint32_t usual[] = { 4096, 16384, 524288 };
    const uint32_t chunk = o->chunk_max ? o->chunk_max : usual[o->profile];
    const mote_encode_report *r = &c->report;
    uint64_t total = 0, values = 0;
    for (size_t i = 0; i < c->entry.n_records; i++) {
        size_t n = c->entry.records[i].bytes, all = 1 + mote_varint_bytes(n) + n;
        MUST(all <= chunk);
        total += all;
        values += n;
    }
    MUST(total == r->packed_bytes);
    const uint64_t parts = r->head_bytes + r->class_bytes + r->scale_bytes + r->symbol_bytes + r->escape_bytes +
                           r->raw_bytes + r->layout_bytes;
    MUST(parts <= values); /* the rest are lengths of planes */
    if (o->profile != MOTE_PROFILE_HOST && c->entry.kind == MOTE_KIND_TENSOR)
        MUST(!mote_needs_has(&c->entry.needs, MOTE_CODER_ZSTD));
    if (o->profile == MOTE_PROFILE_NANO)
        for (unsigned id = MOTE_CODER_RANS8; id < MOTE_FEATURE_ZEROS; id++) MUST(!mote_needs_has(&c->entry.needs, id));
}

/* What came back against what went in, as the report says. */
static inline void check_elements(const mote_encode_options *o, const mote_model_tensor *t, const uint8_t *data,
                                  const mote_coded *c, const uint8_t *out)
{
    const mote_encode_report *r = &c->report;
    const unsigned dtype = c->entry.dtype;
    const bool pruned = o->prune_fraction > 0 || o->prune_threshold > 0 || o->prune_rows > 0 || o->of > 0;
    if (!is_real_dtype(t->dtype)) {
        const size_t bytes = dtype_bytes(dtype, t->elements), odd = t->elements * mote_dtype_bits(dtype) % 8;
        MUST(r->noise == 0 && dtype == t->dtype);
        MUST(memcmp(out, data, bytes - (odd > 0)) == 0);
        if (odd) MUST(out[bytes - 1] == (data[bytes - 1] & ((1u << odd) - 1)));
        return;
    }
    const bool exact = r->numeric != MOTE_NUM_AFFINE && r->numeric != MOTE_NUM_CODEBOOK &&
                       r->numeric != MOTE_NUM_TRELLIS && r->layout != MOTE_LAYOUT_LOWRANK;
    double signal = 0, noise = 0;
    for (uint64_t i = 0; i < t->elements; i++) {
        uint8_t want[8];
        const unsigned bytes = cast_element(want, data, t->dtype, dtype, i);
        const uint8_t *got = out + i * bytes;
        if (exact && memcmp(want, got, bytes) != 0) MUST(pruned && all_zero_bytes(got, bytes));
        double x = real_value(data, t->dtype, i), y = real_value(out, dtype, i);
        if (!exact) MUST(isfinite(y));
        if (!isfinite(x)) continue;
        signal += x * x;
        noise += (x - y) * (x - y);
    }
    if (!isfinite(signal) || !isfinite(noise)) return;
    if (o->method == MOTE_METHOD_LOSSLESS && !pruned && !o->rank && !(o->energy > 0)) signal = 0; /* nobody asks */
    MUST(fabs(signal - r->signal) <= 1e-9 * signal);
    MUST(fabs(noise - r->noise) <= 1e-9 * (noise > 1e-9 * signal ? noise : signal));
    if (exact && !pruned && dtype == t->dtype) MUST(r->noise == 0);
}

/* Nothing grows beyond the stored form. */
static inline void check_growth(const mote_encode_options *o, const mote_model_tensor *t, const uint8_t *data,
                                const mote_coded *c)
{
    mote_encode_options stored = *o;
    mote_coded s;
    stored.only_stored = 1;
    MUST(mote_encode_tensor(&s, &stored, t, data, NULL) == MOTE_OK);
    MUST(c->report.packed_bytes <= s.report.packed_bytes);
    mote_coded_free(&s);
}

/* Encode, decode, compare. Returns the encoder's status: OK, or VALUE where the options cannot hold the tensor. */
static inline mote_status check_roundtrip(const mote_encode_options *o, const mote_model_tensor *t, const uint8_t *data)
{
    mote_coded c;
    mote_model_error error = { .status = MOTE_OK };
    mote_status st = mote_encode_tensor(&c, o, t, data, &error);
    if (st == MOTE_ERR_VALUE) {
        MUST(is_real_dtype(t->dtype) && error.status == st && strstr(error.text, t->name));
        MUST(o->method != MOTE_METHOD_LOSSLESS || o->rank || o->energy > 0);
        return st;
    }
    if (st != MOTE_OK) fprintf(stderr, "%s %s\n", mote_status_name(st), error.text);
    MUST(st == MOTE_OK);
    MUST((c.entry.n_records == 0) == (t->elements == 0));
    check_records(o, &c);
    uint8_t *out = decode_coded(&c, t->elements);
    check_elements(o, t, data, &c, out);
    check_growth(o, t, data, &c);
    free(out);
    mote_coded_free(&c);
    return MOTE_OK;
}

#endif
