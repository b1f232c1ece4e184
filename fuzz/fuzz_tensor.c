/* SPDX-License-Identifier: Apache-2.0
 * Decoding one tensor from arbitrary heads and records. Input: dtype, v length and head, then for each record (residents,
 * then segments) v length and bytes; what is missing is empty.
 *
 * Asserts: only the promised elements are written and all of them are zero after a failure; every kernel gives the same
 * status and the same bytes; dense and native form agree on both; nothing exceeds what the queries say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "base/le.h"
#include "common/casts.h"
#include "dec/seg.h"

enum { TABLES = 200, ELEMENTS = 1 << 15, RECORDS = 12 };
static const size_t margin = 32;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)                                                    \
    do {                                                            \
        if (!(x)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); \
            abort();                                                \
        }                                                           \
    } while (0)

static mote_status inflate(void *ctx, uint8_t *dst, size_t dst_bytes, const uint8_t *src, size_t src_bytes)
{
    (void)ctx;
    if (ZSTD_getFrameContentSize(src, src_bytes) != dst_bytes) return MOTE_ERR_ZSTD;
    return ZSTD_decompress(dst, dst_bytes, src, src_bytes) == dst_bytes ? MOTE_OK : MOTE_ERR_ZSTD;
}

static void *allocate(size_t n)
{
    void *p = calloc(n + 1, 1);
    CHECK(p);
    return p;
}

/* A block with margins that must stay as they are. */
static uint8_t *guarded(size_t n)
{
    uint8_t *p = malloc(n + 2 * margin);
    CHECK(p);
    memset(p, 0xC5, n + 2 * margin);
    return p + margin;
}

static void unguard(uint8_t *p, size_t n)
{
    p -= margin;
    for (size_t i = 0; i < margin; i++) CHECK(p[i] == 0xC5 && p[margin + n + i] == 0xC5);
    free(p);
}

/* Forms decode in blocks of different sizes: of several faults each may meet another first. */
static int same(mote_status a, mote_status b)
{
    return (a == MOTE_OK) == (b == MOTE_OK);
}

/* One number of the machine, or a pair of them, as packages hold it. */
static void to_little_endian(uint8_t *to, const uint8_t *p, unsigned dtype)
{
    static const uint16_t one = 1;
    const size_t size = mote_dtype_bits(dtype) / 8, number = dtype >= MOTE_C64 ? size / 2 : size;
    const size_t flip = *(const uint8_t *)&one ? 0 : number - 1;
    for (size_t i = 0; i < size; i++) to[i] = p[i ^ flip];
}

/* The place in a codebook that a value stands for: itself, or E, S, M of an f8. */
static size_t place(const mote_native *v, unsigned x)
{
    const unsigned m = v->value_dtype == MOTE_F8_E4M3 ? 3 : 2;
    if (v->value_dtype == MOTE_U8) return x;
    return (x >> m & (0xFFu >> (m + 1))) << (m + 1) | x >> 7 << m | (x & ((1u << m) - 1));
}

/* Element i of a native block, in the dtype of its tensor. table: of its row */
static void native_element(const mote_head *h, const mote_native *v, size_t i, size_t group, const float *table,
                           uint8_t *to)
{
    const uint8_t *p = (const uint8_t *)v->values;
    uint32_t x;
    if (v->scales) {
        int32_t q = v->value_dtype == MOTE_I8 ? (int8_t)p[i] : p[i];
        int16_t wide;
        if (mote_dtype_bits(v->value_dtype) == 16) {
            memcpy(&wide, p + 2 * i, 2);
            q = v->value_dtype == MOTE_I16 ? wide : (uint16_t)wide;
        }
        if (v->value_dtype == MOTE_I32) memcpy(&q, p + 4 * i, 4);
        float f = (float)(q - (v->zeros ? v->zeros[group] : 0)) * v->scales[group];
        if (v->numeric == MOTE_NUM_TRELLIS) {
            CHECK(q >= -h->trellis.largest && q <= h->trellis.largest);
            if (q >= -3 && q <= 3)
                f = (float)(64 * q + (q < 0 ? -v->offset[-q] : v->offset[q])) / 64.0f * v->scales[group];
        }
        if (table) {
            CHECK(place(v, p[i]) < v->entries);
            f = table[place(v, p[i])] * v->scales[group];
        }
        memcpy(&x, &f, 4);
        if (h->dtype == MOTE_F16)
            mote_put16(to, mote_f32_to_f16(x));
        else if (h->dtype == MOTE_BF16)
            mote_put16(to, mote_f32_to_bf16(x));
        else if (h->dtype == MOTE_F32)
            mote_put32(to, x);
        else
            mote_put64(to, mote_f32_to_f64(x));
        return;
    }
    p += i * (mote_dtype_bits(v->value_dtype) / 8);
    if (v->value_dtype == h->dtype) {
        to_little_endian(to, p, h->dtype);
        return;
    }
    uint8_t held[8] = { 0 };
    to_little_endian(held, p, v->value_dtype);
    x = v->value_dtype == MOTE_F32   ? mote_le32(held)
        : v->value_dtype == MOTE_F16 ? mote_f16_to_f32(mote_le16(held))
                                     : (uint32_t)mote_le16(held) << 16;
    if (h->dtype == MOTE_F32)
        mote_put32(to, x);
    else
        mote_put64(to, mote_f32_to_f64(x));
}

/* The dense form that a native block stands for, rows of the coded matrix from row `first` on. */
static void native_to_dense(const mote_head *h, const mote_native *v, size_t first, uint8_t *out)
{
    const size_t size = mote_dtype_bits(h->dtype) / 8, rows = (size_t)v->rows, cols = (size_t)v->cols;
    size_t next = 0;
    if (size == 0) {
        memcpy(out, v->values, (rows * cols * mote_dtype_bits(h->dtype) + 7) / 8);
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        if (v->row_ptr) CHECK(v->row_ptr[r] == next && v->row_ptr[r + 1] >= next);
        for (size_t c = 0; c < cols; c++) {
            uint8_t *to = out + (r * cols + c) * size;
            if (size == 1) *to = v->background;
            if (v->mask && !(v->mask[r * ((cols + 7) / 8) + c / 8] >> c % 8 & 1)) continue;
            if (v->row_ptr && (next == v->row_ptr[r + 1] || v->col[next] != c)) continue;
            size_t group = v->scales_per_row ? r * v->scales_per_row + (v->group ? c / v->group : 0) : 0;
            const size_t k = v->table_rows ? (first + r) / v->table_rows - first / v->table_rows : 0;
            native_element(h, v, next++, group, v->table ? v->table + k * v->entries : NULL, to);
        }
        if (v->row_ptr) CHECK(v->row_ptr[r + 1] == next);
        if (v->mask && cols % 8) CHECK(v->mask[(r + 1) * ((cols + 7) / 8) - 1] >> cols % 8 == 0);
    }
    CHECK(next == v->n_values);
}

typedef struct record {
    const uint8_t *p;
    size_t n;
} record;

typedef struct decoder {
    mote_seg_env env[2]; /* the reference, another kernel */
    mote_seg *work;
} decoder;

static mote_status decode_segment(decoder *d, uint64_t s, record rec)
{
    const mote_head *h = d->env[0].head;
    const mote_extent e = mote_head_extent(h, s);
    const unsigned bits = mote_dtype_bits(h->dtype);
    const size_t n = (size_t)(e.rows * e.cols), bytes = (n * bits + 7) / 8;
    mote_status st = MOTE_OK;
    uint8_t *out[2];
    mote_dest dest;
    for (unsigned k = 0; k < 2; k++) {
        out[k] = guarded(bytes);
        CHECK(mote_dest_segment(&dest, h, s, MOTE_FORM_DENSE, out[k], bytes) == MOTE_OK);
        mote_status was = st;
        st = mote_seg_dense(d->work, &d->env[k], s, rec.p, rec.n, &dest);
        CHECK(k == 0 || st == was);
    }
    CHECK(memcmp(out[0], out[1], bytes) == 0);
    for (size_t i = 0; i < bytes && st != MOTE_OK; i++) CHECK(out[0][i] == 0);

    /* scattered over a larger block: nothing between may change */
    if (bits >= 8) {
        const size_t size = bits / 8, elem = size + 3, row = (size_t)e.cols * elem + 5;
        uint8_t *wide = guarded((size_t)e.rows * row);
        dest = (mote_dest){ .p = wide, .row = row, .elem = elem, .form = MOTE_FORM_DENSE };
        CHECK(same(mote_seg_dense(d->work, &d->env[0], s, rec.p, rec.n, &dest), st));
        for (size_t i = 0; i < n; i++) {
            uint8_t *at = wide + i / (size_t)e.cols * row + i % (size_t)e.cols * elem;
            CHECK(memcmp(at, out[0] + i * size, size) == 0);
            memset(at, 0xC5, size);
        }
        for (size_t i = 0; i < (size_t)e.rows * row; i++) CHECK(wide[i] == 0xC5);
        unguard(wide, (size_t)e.rows * row);
    }
    for (mote_form form = MOTE_FORM_F32; form <= MOTE_FORM_F16; form++) {
        const size_t size = mote_form_bits(h->dtype, form) / 8;
        if (size == 0 || (mote_head_is_sum(h) && form == MOTE_FORM_F16)) continue;
        uint8_t *cast = guarded(n * size);
        CHECK(mote_dest_segment(&dest, h, s, form, cast, n * size) == MOTE_OK);
        CHECK(same(mote_seg_dense(d->work, &d->env[0], s, rec.p, rec.n, &dest), st));
        for (size_t i = 0; i < n * size && st != MOTE_OK; i++) CHECK(cast[i] == 0);
        for (size_t i = 0; i < n && st == MOTE_OK && h->dtype == MOTE_F32 && form == MOTE_FORM_F32; i++) {
            uint32_t x;
            memcpy(&x, cast + 4 * i, 4);
            CHECK(x == mote_le32(out[0] + 4 * i));
        }
        unguard(cast, n * size);
    }

    if (mote_head_is_sum(h)) { /* has no other form */
        mote_native none;
        CHECK(mote_seg_native(d->work, &d->env[0], s, false, rec.p, rec.n, &none, NULL, 0) == MOTE_ERR_ARG);
        unguard(out[0], bytes);
        unguard(out[1], bytes);
        return st;
    }
    const size_t room = (size_t)mote_seg_native_bytes(h, false);
    uint8_t *block[2];
    mote_native v[2];
    for (unsigned k = 0; k < 2; k++) {
        block[k] = guarded(room);
        mote_status native = mote_seg_native(d->work, &d->env[k], s, false, rec.p, rec.n, &v[k], block[k], room);
        CHECK(same(native, st) || h->term.layout == MOTE_LAYOUT_LOWRANK);
        if (native == MOTE_OK && h->term.layout != MOTE_LAYOUT_LOWRANK) {
            uint8_t *dense = allocate(bytes);
            native_to_dense(h, &v[k], (size_t)e.row, dense);
            CHECK(memcmp(dense, out[0], bytes) == 0);
            free(dense);
        }
    }
    unguard(block[0], room);
    unguard(block[1], room);
    unguard(out[0], bytes);
    unguard(out[1], bytes);
    return st;
}

static mote_status decode_resident(decoder *d, uint32_t r, record rec, float *other)
{
    const mote_head *h = d->env[0].head;
    const mote_extent e = mote_head_resident(h, r);
    const size_t room = (size_t)mote_seg_native_bytes(h, true), floats = h->term.rank * h->cols;
    mote_status st = mote_seg_resident(d->work, &d->env[0], r, rec.p, rec.n);
    float *kept = d->env[1].factors;
    d->env[1].factors = other;
    CHECK(mote_seg_resident(d->work, &d->env[1], r, rec.p, rec.n) == st);
    d->env[1].factors = kept;
    CHECK(memcmp(other, kept, floats * sizeof(float)) == 0);
    for (size_t i = (size_t)(e.row * e.cols); i < (size_t)((e.row + e.rows) * e.cols) && st != MOTE_OK; i++)
        CHECK(kept[i] == 0);
    if (mote_head_is_sum(h)) return st;
    uint8_t *block = guarded(room);
    mote_native v;
    CHECK(same(mote_seg_native(d->work, &d->env[0], r, true, rec.p, rec.n, &v, block, room), st));
    unguard(block, room);
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mote_rd r = mote_rd_init(data, size);
    const unsigned dtype = mote_rd_u8(&r);
    mote_rd head = mote_rd_sub_varint(&r), scan = head;
    if (!mote_rd_ok(&r)) return 0;
    /* the entry has as many elements as the grid says */
    mote_tlv f = { 0 };
    uint64_t elements = 0;
    if (mote_tlv_next(&scan, &f) && f.tag == 2) {
        uint64_t rows = mote_rd_varint_max(&f.value, ELEMENTS, MOTE_ERR_LIMIT);
        elements = rows * mote_rd_varint_max(&f.value, ELEMENTS, MOTE_ERR_LIMIT);
    }
    if (elements == 0 || elements > ELEMENTS || mote_dtype_bits(dtype) == 0) return 0;

    mote_head h;
    mote_table *tables = allocate(TABLES * sizeof *tables);
    mote_status st = mote_head_read(&h, tables, NULL, TABLES, head, dtype, elements, NULL, NULL);
    if (st != MOTE_OK) {
        free(tables);
        return 0;
    }
    CHECK(h.rows * h.cols == elements && h.n_tables <= TABLES && h.n_segments <= elements);
    decoder d;
    const size_t scratch = ((size_t)mote_head_seg_max(&h) * mote_dtype_bits(dtype) + 7) / 8;
    const size_t factors = (size_t)mote_seg_factors(&h) * sizeof(float);
    float *other = allocate(factors);
    d.work = allocate(sizeof *d.work);
    memset(d.work, 0xA5, sizeof *d.work);
    bool ready = true;
    for (unsigned k = 0; k < 2; k++) {
        const mote_kern *const fast[] = { mote_kern_host(), mote_kern_avx2(), mote_kern_avx512() };
        const mote_kern *kern = k ? fast[h.n_tables % 3] : mote_kern_ref();
        if (!kern) kern = mote_kern_host();
        d.env[k] =
            (mote_seg_env){ .head = &h, .tables = tables, .kern = kern, .inflate = inflate, .scratch_bytes = scratch };
        d.env[k].scratch = guarded(scratch);
        d.env[k].prepared = guarded(h.n_tables * kern->table_bytes);
        d.env[k].factors = k ? d.env[0].factors : allocate(factors);
        ready = mote_seg_prepare(d.work, &d.env[k]) == MOTE_OK && ready;
    }
    for (unsigned i = 0; i < RECORDS && ready; i++) {
        mote_rd rd = mote_rd_left(&r) ? mote_rd_sub_varint(&r) : mote_rd_init(NULL, 0);
        if (!mote_rd_ok(&r)) break;
        const size_t n = mote_rd_left(&rd);
        uint8_t *copy = malloc(n ? n : 1); /* exact size: overreads trap */
        CHECK(copy);
        if (n) memcpy(copy, rd.p, n);
        const record rec = { copy, n };
        if (i < h.n_residents)
            (void)decode_resident(&d, i, rec, other);
        else if (i - h.n_residents < h.n_segments)
            (void)decode_segment(&d, i - h.n_residents, rec);
        free(copy);
    }
    for (unsigned k = 0; k < 2; k++) {
        unguard(d.env[k].scratch, scratch);
        unguard(d.env[k].prepared, h.n_tables * d.env[k].kern->table_bytes);
    }
    free(d.env[0].factors);
    free(d.work);
    free(other);
    free(tables);
    return 0;
}
