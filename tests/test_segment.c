/* SPDX-License-Identifier: Apache-2.0
 * Decoding of segments: what an independent encoder wrote comes back exactly, in every form and into nothing but its
 * place, and damage is refused. What each rule refuses is in test_segment_rules.c. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "codec_helpers.h"
#include "segment_check.h"
#include "common/casts.h"

/* --- expectations --- */

/* binary32 of element i of packed elements of a float type */
static uint32_t element_f32(const uint8_t *p, unsigned dtype, size_t i)
{
    switch (dtype) {
    case MOTE_F16: return mote_f16_to_f32(mote_le16(p + 2 * i));
    case MOTE_BF16: return (uint32_t)mote_le16(p + 2 * i) << 16;
    case MOTE_F32: return mote_le32(p + 4 * i);
    default: return mote_f64_to_f32(mote_le64(p + 8 * i));
    }
}

static bool nan32(uint32_t x)
{
    return (x & 0x7FFFFFFF) > 0x7F800000;
}

/* Where element (r, c) of the coded matrix lies in the tensor. */
static size_t place(const mote_head *h, uint64_t r, uint64_t c)
{
    return (size_t)(h->axis ? c * h->rows + r : r * h->cols + c);
}

static uint8_t *segment_bytes(const tensor_cfg *t, uint64_t s, bool resident, size_t *n)
{
    planes p = { 0 };
    if (resident)
        tensor_resident(&p, t, (uint32_t)s);
    else
        tensor_segment(&p, t, s);
    bytes b = planes_join(&p);
    uint8_t *copy = exact_copy(b.p, b.n);
    *n = b.n;
    bytes_free(&b);
    planes_free(&p);
    return copy;
}

/* The whole tensor, one segment after the other; nothing but the segment's elements may change. */
static void check_dense(const tensor_cfg *t, decoder *d, const uint8_t *expected, size_t n_bytes)
{
    const mote_head *h = &d->head;
    const size_t bits = mote_dtype_bits(t->dtype), size = bits / 8;
    uint8_t *out = guarded(n_bytes), *before = allocate(n_bytes);
    for (uint64_t s = 0; s < h->n_segments; s++) {
        size_t n;
        uint8_t *rec = segment_bytes(t, s, false, &n);
        mote_dest dest;
        const mote_extent e = mote_head_extent(h, s);
        ck_assert_int_eq(mote_dest_tensor(&dest, h, s, MOTE_FORM_DENSE, out, n_bytes), MOTE_OK);
        memcpy(before, out, n_bytes);
        ck_assert_int_eq(mote_seg_dense(d->work, &d->env, s, rec, n, &dest), MOTE_OK);
        for (uint64_t r = e.row; r < e.row + e.rows && bits >= 8; r++)
            for (uint64_t c = e.col; c < e.col + e.cols; c++)
                memcpy(before + place(h, r, c) * size, out + place(h, r, c) * size, size);
        if (bits >= 8) ck_assert_mem_eq(before, out, n_bytes);

        /* the segment alone, and wiped if its record has a byte too many */
        const size_t own = (size_t)((e.rows * e.cols * bits + 7) / 8);
        uint8_t *alone = guarded(own);
        ck_assert_int_eq(mote_dest_segment(&dest, h, s, MOTE_FORM_DENSE, alone, own), MOTE_OK);
        ck_assert_int_eq(mote_seg_dense(d->work, &d->env, s, rec, n, &dest), MOTE_OK);
        if (bits >= 8) {
            bool same = true;
            for (uint64_t r = 0; r < e.rows; r++)
                for (uint64_t c = 0; c < e.cols; c++)
                    same = same && !memcmp(alone + (r * e.cols + c) * size,
                                           expected + place(h, e.row + r, e.col + c) * size, size);
            ck_assert(same);
        }
        uint8_t *longer = allocate(n + 1);
        memcpy(longer, rec, n);
        ck_assert_int_lt(mote_seg_dense(d->work, &d->env, s, longer, n + 1, &dest), 0);
        ck_assert(all_zero(alone, own));
        free(longer);
        unguard(alone, own, "segment");
        free(rec);
    }
    ck_assert_mem_eq(out, expected, n_bytes);
    unguard(out, n_bytes, "tensor");
    free(before);
}

static void check_form(const tensor_cfg *t, decoder *d, const uint8_t *expected, mote_form form)
{
    const mote_head *h = &d->head;
    const size_t n = (size_t)(h->rows * h->cols), size = mote_form_bits(t->dtype, form) / 8;
    uint8_t *out = guarded(n * size);
    for (uint64_t s = 0; s < h->n_segments; s++) {
        size_t len;
        uint8_t *rec = segment_bytes(t, s, false, &len);
        mote_dest dest;
        ck_assert_int_eq(mote_dest_tensor(&dest, h, s, form, out, n * size), MOTE_OK);
        ck_assert_int_eq(mote_seg_dense(d->work, &d->env, s, rec, len, &dest), MOTE_OK);
        free(rec);
    }
    for (size_t i = 0; i < n; i++) {
        uint32_t x = element_f32(expected, t->dtype, i), got = 0;
        uint16_t half = 0;
        if (form == MOTE_FORM_F32)
            memcpy(&got, out + 4 * i, 4);
        else
            memcpy(&half, out + 2 * i, 2);
        if (form == MOTE_FORM_F16) {
            x = t->dtype == MOTE_F16 ? mote_le16(expected + 2 * i) : mote_f32_to_f16(x);
            got = half;
            if ((x & 0x7FFF) > 0x7C00 && (got & 0x7FFF) > 0x7C00) continue;
        }
        if (nan32(x) && nan32(got)) continue; /* a NaN stays one; forms may make it quiet */
        if (x != got) ck_abort_msg("form %d element %zu: %08x, not %08x", (int)form, i, got, x);
    }
    unguard(out, n * size, "form");
}

/* Element (r, c) of a native block that begins with row `first` as bits in the held dtype (with scales: binary32); false: not kept. Asked for in order:
 * *next counts the kept ones. */
static bool native_element(const mote_native *v, uint64_t first, uint64_t r, uint64_t c, size_t *next, uint8_t bits[16])
{
    const size_t i = *next;
    if (c == 0 && v->row_ptr && v->row_ptr[r] != i) ck_abort_msg("row %zu begins at the wrong place", (size_t)r);
    if (v->mask && !(v->mask[r * ((v->cols + 7) / 8) + c / 8] >> c % 8 & 1)) return false;
    if (v->row_ptr && (i == v->row_ptr[r + 1] || v->col[i] != c)) return false;
    ++*next;
    if (i >= v->n_values) ck_abort_msg("more kept than counted");
    const unsigned size = mote_dtype_bits(v->value_dtype) / 8;
    const uint8_t *p = (const uint8_t *)v->values;
    if (!v->scales) { /* numbers are in the machine's byte order */
        const uint16_t one = 1;
        const unsigned number = v->value_dtype >= MOTE_C64 ? size / 2 : size;
        for (unsigned b = 0; b < size; b++) bits[*(const uint8_t *)&one ? b : b ^ (number - 1)] = p[i * size + b];
        return true;
    }
    const int16_t *wide = v->values;
    const uint16_t *uwide = v->values;
    const int8_t *narrow = v->values;
    int32_t q = v->value_dtype == MOTE_I8    ? narrow[i]
                : size == 1                  ? p[i] /* and of f8 */
                : v->value_dtype == MOTE_I16 ? wide[i]
                                             : uwide[i];
    size_t g = v->scales_per_row ? (size_t)r * v->scales_per_row + (v->group ? (size_t)c / v->group : 0) : 0;
    if (v->table && v->value_dtype != MOTE_U8) { /* f8, so that what the table is indexed by is E, S, M */
        const unsigned m = v->value_dtype == MOTE_F8_E4M3 ? 3 : 2;
        q = (p[i] >> m & (0xFF >> (m + 1))) << (m + 1) | p[i] >> 7 << m | (p[i] & ((1 << m) - 1));
    }
    const float *table = v->table; /* of the row: the first may be of fewer rows */
    if (table && v->table_rows)
        table += (((size_t)first + r) / v->table_rows - (size_t)first / v->table_rows) * v->entries;
    float x = (table ? table[q] : (float)(q - (v->zeros ? v->zeros[g] : 0))) * v->scales[g];
    uint32_t u;
    memcpy(&u, &x, 4);
    mote_put32(bits, u);
    return true;
}

static void check_native(const tensor_cfg *t, decoder *d, const uint8_t *expected)
{
    const mote_head *h = &d->head;
    const unsigned size = mote_dtype_bits(t->dtype) / 8;
    for (unsigned resident = 0; resident < 2; resident++) {
        const size_t room = (size_t)mote_seg_native_bytes(h, resident);
        const uint64_t records = resident ? h->n_residents : h->n_segments;
        for (uint64_t s = 0; s < records; s++) {
            size_t n;
            uint8_t *rec = segment_bytes(t, s, resident, &n), *buf = guarded(room);
            mote_native v;
            ck_assert_int_eq(mote_seg_native(d->work, &d->env, s, resident, rec, n, &v, buf, room), MOTE_OK);
            ck_assert_uint_eq(v.layout, h->term.layout);
            ck_assert_uint_eq(v.is_resident, resident);
            ck_assert_uint_eq(v.background, resident ? 0 : t->num.background);
            const mote_extent e = resident ? mote_head_resident(h, (uint32_t)s) : mote_head_extent(h, s);
            const bool factor = h->term.layout == MOTE_LAYOUT_LOWRANK;
            const num_cfg *num = resident ? &t->v : &t->num;
            size_t next = 0;
            bool same = true;
            ck_assert_uint_eq(v.rows, e.rows);
            ck_assert_uint_eq(v.cols, factor && !resident ? t->rank : e.cols);
            for (uint64_t r = 0; r < v.rows; r++) {
                for (uint64_t c = 0; c < v.cols && size; c++) {
                    uint8_t bits[16] = { 0 }, want[16] = { 0 };
                    bool kept = native_element(&v, e.row, r, c, &next, bits);
                    const size_t i = (size_t)((e.row + r) * num->cols + e.col + c);
                    if (factor && num->scale_dtype) continue; /* the dense form checks the products */
                    if (num->scale_dtype) {                   /* cast it as the dense form was */
                        uint32_t x = mote_le32(bits);
                        if (t->dtype == MOTE_F16) mote_put16(bits, mote_f32_to_f16(x));
                        if (t->dtype == MOTE_BF16) mote_put16(bits, mote_f32_to_bf16(x));
                        if (t->dtype == MOTE_F64) mote_put64(bits, mote_f32_to_f64(x));
                        memcpy(want, expected + place(h, e.row + r, e.col + c) * size, size);
                        if (!kept) memset(bits, 0, sizeof bits);
                        same = same && !memcmp(bits, want, size);
                    } else if (kept) {
                        const unsigned held = mote_dtype_bits(num->dtype) / 8;
                        same = same && !memcmp(bits, num->elem + i * held, held);
                    }
                    if (t->kept) same = same && kept == t->kept[i];
                }
            }
            ck_assert(same);
            if (size) ck_assert_uint_eq(next, v.n_values);
            if (!size && h->n_segments == 1)
                ck_assert_mem_eq(v.values, expected, (v.rows * v.cols * mote_dtype_bits(t->dtype) + 7) / 8);
            unguard(buf, room, "native");
            /* the last byte of the room may be padding of a query, never of a need that is checked */
            mote_native none;
            ck_assert_int_eq(mote_seg_native(d->work, &d->env, s, resident, rec, n, &none, buf = guarded(room), 0),
                             MOTE_ERR_NOMEM);
            unguard(buf, room, "refused native");
            free(rec);
        }
    }
}

static void check_residents(const tensor_cfg *t, decoder *d)
{
    for (uint32_t r = 0; r < d->head.n_residents; r++) {
        size_t n;
        uint8_t *rec = segment_bytes(t, r, true, &n);
        ck_assert_int_eq(mote_seg_resident(d->work, &d->env, r, rec, n), MOTE_OK);
        free(rec);
    }
}

static void check_tensor(const tensor_cfg *t)
{
    bytes head = tensor_head(t);
    size_t n_bytes;
    uint8_t *expected = tensor_elements(t, &n_bytes);
    for (size_t k = 0; test_kernel(k); k++) {
        decoder d;
        mote_status st = decoder_init(&d, &head, t->dtype, t->rows * t->cols, test_kernel(k));
        ck_assert_msg(st == MOTE_OK, "head: %d", (int)st);
        check_residents(t, &d);
        check_dense(t, &d, expected, n_bytes);
        if (!t->second) check_native(t, &d, expected);
        if (t->second) check_form(t, &d, expected, MOTE_FORM_F32);
        if (!t->second && t->dtype >= MOTE_F16 && t->dtype <= MOTE_F64) {
            check_form(t, &d, expected, MOTE_FORM_F32);
            check_form(t, &d, expected, MOTE_FORM_F16);
        }
        decoder_free(&d);
    }
    free(expected);
    bytes_free(&head);
}

/* --- round trips --- */

static const unsigned layouts[] = { MOTE_LAYOUT_DENSE, MOTE_LAYOUT_BITMASK, MOTE_LAYOUT_CSR, MOTE_LAYOUT_LOWRANK };
static const unsigned numerics[] = { MOTE_NUM_STORED, MOTE_NUM_FLOAT, MOTE_NUM_INT, MOTE_NUM_AFFINE,
                                     MOTE_NUM_CODEBOOK };

START_TEST(every_numeric_and_layout_of_every_dtype_comes_back) /* Spec codecs.md 5, 6 */
{
    const unsigned dtype = 1 + (unsigned)_i;
    unsigned done = 0;
    for (size_t l = 0; l < N(layouts); l++) {
        for (size_t n = 0; n < N(numerics); n++) {
            for (unsigned round = 0; round < 12; round++) {
                tensor_cfg t;
                rnd_seed(dtype * 10000 + l * 1000 + n * 100 + round);
                if (!tensor_random(&t, layouts[l], numerics[n], dtype, round % 4 ? 150 : 700)) continue;
                check_tensor(&t);
                tensor_free(&t);
                done++;
            }
        }
    }
    ck_assert_uint_ge(done, 12);
}
END_TEST

/* Rows of 1..70 values (dense) and of 0..70 (sparse) for each coder, precision, shift, kind of escapes and of classes. */
START_TEST(rows_of_every_length_come_back) /* Spec codecs.md 3 */
{
    static const unsigned coders[] = { MOTE_CODER_STORED, MOTE_CODER_RANS1, MOTE_CODER_RANS8, MOTE_CODER_RANS32 };
    const unsigned bits = _i % 2 ? 14 : 12, shift = (unsigned)_i / 2;
    if (bits + shift > 16) return;
    for (unsigned coder = 0; coder < N(coders); coder++) {
        for (unsigned escapes = 0; escapes < 3; escapes++) {
            for (unsigned classes = 0; classes < 3; classes++) {
                for (unsigned layout = 0; layout < 3; layout++) {
                    tensor_cfg t = { .dtype = MOTE_I16, .layout = layouts[layout], .rows = 71, .cols = 70 };
                    rnd_seed(coder * 27 + escapes * 9 + classes * 3 + layout);
                    if (layout == 0) t.rows = 4, t.cols = 1 + (coder + 4 * escapes + 12 * classes) * 2 % 70;
                    t.seg_elems = t.rows * t.cols;
                    t.num = (num_cfg){ .numeric = MOTE_NUM_INT, .dtype = MOTE_I16 };
                    num_random(&t.num, t.rows, t.cols, t.cols);
                    plane_cfg *v = &t.num.v;
                    *v = (plane_cfg){ .coder = coders[coder],
                                      .n_classes = classes ? 3 : 1,
                                      .escapes = escapes,
                                      .class_coder = classes == 1 ? MOTE_CODER_STORED
                                                     : classes    ? MOTE_CODER_RANS1
                                                                  : 0 };
                    plane_random_tables(v, 16, -100, 100);
                    for (unsigned i = 0; i < v->n_classes; i++) {
                        mote_table_spec *s = &v->table[i];
                        *s = (mote_table_spec){ .bits = (uint8_t)bits,
                                                .shift = (uint8_t)shift,
                                                .form = 1,
                                                .shape = (uint8_t)i,
                                                .lo = -(8 << shift),
                                                .inverse = 1000000u >> shift };
                    }
                    t.num.nb = t.num.fold = t.num.shifted = t.num.background = 0;
                    for (size_t i = 0; i < t.rows; i++) t.num.cls[i] = (uint8_t)rnd_below(v->n_classes);
                    for (size_t i = 0; i < t.rows * t.cols; i++) {
                        int32_t x = (int32_t)rnd_below(16u << shift) - (8 << shift);
                        if (escapes && rnd_below(10) == 0) x = (int32_t)rnd_below(65536) - 32768;
                        mote_put16(t.num.elem + 2 * i, (uint32_t)x);
                    }
                    if (layout) {
                        t.kept = allocate((size_t)(t.rows * t.cols));
                        t.mask_cls = allocate((size_t)t.rows);
                        t.gap_cls = allocate((size_t)t.rows);
                        for (size_t r = 0; r < 71; r++) /* row r keeps r elements */
                            for (size_t k = 0; k < r;) {
                                uint8_t *kept = &t.kept[r * 70 + rnd_below(70)];
                                k += !*kept;
                                *kept = 1;
                            }
                        t.mask = t.counts = t.gaps = (plane_cfg){ .coder = coders[coder], .n_classes = 1 };
                        plane_random_tables(&t.mask, 4, 0, 15);
                        plane_random_tables(&t.counts, 7, 0, 70);
                        plane_random_tables(&t.gaps, 7, 0, 69);
                    }
                    check_tensor(&t);
                    tensor_free(&t);
                }
            }
        }
    }
}
END_TEST

/* Small rows, exhaustively: every mask of up to 8 columns, as bitmask and as CSR. */
START_TEST(every_small_mask_comes_back) /* Spec codecs.md 6.2, 6.3 */
{
    const unsigned cols = 1 + (unsigned)_i;
    for (unsigned layout = MOTE_LAYOUT_BITMASK; layout <= MOTE_LAYOUT_CSR; layout++) {
        for (unsigned coder = MOTE_CODER_STORED; coder <= MOTE_CODER_RANS8; coder++) {
            if (coder == MOTE_CODER_CONSTANT) continue;
            tensor_cfg t = { .dtype = MOTE_U8, .layout = layout, .rows = 1u << cols, .cols = cols };
            t.seg_elems = t.rows * t.cols;
            t.num = (num_cfg){ .numeric = MOTE_NUM_STORED, .dtype = MOTE_U8 };
            rnd_seed(cols);
            num_random(&t.num, t.rows, t.cols, t.cols);
            t.mask = t.counts = t.gaps = (plane_cfg){ .coder = coder, .n_classes = 1 };
            plane_random_tables(&t.mask, 4, 0, 15);
            plane_random_tables(&t.counts, 4, 0, (int32_t)cols);
            plane_random_tables(&t.gaps, 3, 0, (int32_t)cols - 1);
            t.kept = allocate((size_t)(t.rows * t.cols));
            t.mask_cls = allocate((size_t)t.rows);
            t.gap_cls = allocate((size_t)t.rows);
            for (unsigned r = 0; r < t.rows; r++)
                for (unsigned c = 0; c < cols; c++) t.kept[r * cols + c] = r >> c & 1;
            check_tensor(&t);
            tensor_free(&t);
        }
    }
}
END_TEST

/* --- damage --- */

START_TEST(truncated_planes_and_records_are_refused)
{
    unsigned cut = 0;
    for (unsigned round = 0; round < 60; round++) {
        tensor_cfg t;
        rnd_seed(77000 + (unsigned)_i * 1000 + round);
        unsigned dtype = 1 + rnd_below(25);
        if (!tensor_random(&t, layouts[_i % 3], numerics[rnd_below(N(numerics))], dtype, 120)) continue;
        bytes head = tensor_head(&t);
        decoder d;
        ck_assert_int_eq(decoder_init(&d, &head, dtype, t.rows * t.cols, test_kernel(round % 2)), MOTE_OK);
        planes p = { 0 };
        tensor_segment(&p, &t, 0);
        for (size_t i = 0; i < p.n; i++) {
            const size_t full = p.part[i].n;
            for (p.part[i].n = 0; p.part[i].n < full; p.part[i].n++, cut++) {
                mote_status st = decode_planes(&d, 0, &p);
                ck_assert_msg(st == MOTE_ERR_STREAM || st == MOTE_ERR_ZSTD || st == MOTE_ERR_PADDING ||
                                  st == MOTE_ERR_VARINT,
                              "plane %zu cut to %zu of %zu: %d", i, p.part[i].n, full, (int)st);
            }
            put_u8(&p.part[i], 0);
            ck_assert_int_lt(decode_planes(&d, 0, &p), 0);
            p.part[i].n = full;
        }
        bytes rec = planes_join(&p);
        for (size_t n = 0; n < rec.n; n++) ck_assert_int_lt(decode_bytes(&d, 0, rec.p, n), 0);
        bytes_free(&rec);
        planes_free(&p);
        decoder_free(&d);
        bytes_free(&head);
        tensor_free(&t);
    }
    ck_assert_uint_gt(cut, 1000);
}
END_TEST

/* A flipped bit is refused or gives other values of the same kind; codes stay codes, columns stay in the row. */
START_TEST(flipped_bits_never_leave_the_range)
{
    for (unsigned round = 0; round < 12; round++) {
        tensor_cfg t;
        rnd_seed(99000 + (unsigned)_i * 1000 + round);
        const unsigned numeric = (unsigned[]){ MOTE_NUM_INT, MOTE_NUM_AFFINE, MOTE_NUM_CODEBOOK }[round % 3],
                       dtype = round % 3 ? MOTE_F32 : MOTE_I16;
        ck_assert(tensor_random(&t, layouts[_i], numeric, dtype, 90));
        bytes head = tensor_head(&t);
        decoder d;
        ck_assert_int_eq(decoder_init(&d, &head, dtype, t.rows * t.cols, test_kernel(round % 2)), MOTE_OK);
        planes p = { 0 };
        tensor_segment(&p, &t, 0);
        bytes rec = planes_join(&p);
        const size_t room = (size_t)mote_seg_native_bytes(&d.head, false);
        for (size_t bit = 0; bit < 8 * rec.n; bit++) {
            rec.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
            mote_status dense = decode_bytes(&d, 0, rec.p, rec.n);
            uint8_t *buf = guarded(room);
            mote_native v;
            mote_status st = mote_seg_native(d.work, &d.env, 0, false, rec.p, rec.n, &v, buf, room);
            bool inside = true;
            ck_assert_msg((st == MOTE_OK) == (dense == MOTE_OK), "bit %zu: dense %d, native %d", bit, (int)dense,
                          (int)st);
            for (uint64_t i = 0; st == MOTE_OK && i < v.n_values && numeric == MOTE_NUM_AFFINE; i++) {
                int32_t q = v.value_dtype == MOTE_I8    ? ((const int8_t *)v.values)[i]
                            : v.value_dtype == MOTE_I16 ? ((const int16_t *)v.values)[i]
                            : v.value_dtype == MOTE_U8  ? ((const uint8_t *)v.values)[i]
                                                        : ((const uint16_t *)v.values)[i];
                int32_t half = 1 << (v.bits - 1);
                if (v.zeros)
                    inside = inside && q >= 0 && q < 2 * half;
                else if (v.bits == 1)
                    inside = inside && (q == 1 || q == -1);
                else
                    inside = inside && q >= -half && q < half;
            }
            for (uint64_t i = 0; st == MOTE_OK && v.value_dtype == MOTE_U8 && v.entries && i < v.n_values; i++)
                inside = inside && ((const uint8_t *)v.values)[i] < v.entries;
            for (uint64_t i = 0; st == MOTE_OK && v.col && i < v.n_values; i++) inside = inside && v.col[i] < v.cols;
            ck_assert_msg(inside, "bit %zu", bit);
            unguard(buf, room, "flipped");
            rec.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        bytes_free(&rec);
        planes_free(&p);
        decoder_free(&d);
        bytes_free(&head);
        tensor_free(&t);
    }
}
END_TEST

/* Spec codecs.md 6.4: the order of operations, infinities and NaN */
START_TEST(lowrank_sums_in_order_and_settles_nan)
{
    static const struct {
        const char *name;
        float u[3], v[3], w;
        bool nan;
    } sums[] = {
        { "large ones cancel first", { 1, 1, 1 }, { 1e20f, -1e20f, 1 }, 1, false },
        { "the small one is lost", { 1, 1, 1 }, { 1e20f, 1, -1e20f }, 0, false },
        { "products are rounded", { 1 + 0x1p-12f, 1, 0 }, { 1 + 0x1p-12f, -1 - 0x1p-11f, 0 }, 0, false },
        { "minus zero is added to zero", { -1, 0, 0 }, { 0, 0, 0 }, 0, false },
        { "infinity less infinity", { 1, 1, 0 }, { (float)INFINITY, -(float)INFINITY, 0 }, 0, true },
    };
    for (size_t i = 0; i < N(sums); i++) {
        tensor_cfg t = {
            .dtype = MOTE_F32, .layout = MOTE_LAYOUT_LOWRANK, .rows = 3, .cols = 3, .seg_elems = 9, .rank = 3, .rpr = 2
        };
        t.v = (num_cfg){ .numeric = MOTE_NUM_FLOAT, .dtype = MOTE_F32 };
        t.num = t.v;
        num_random(&t.v, 3, 3, 3);
        num_random(&t.num, 3, 3, 3);
        for (unsigned k = 0; k < 9; k++) { /* U has equal rows, V equal columns */
            uint32_t u, v;
            memcpy(&u, &sums[i].u[k % 3], 4);
            memcpy(&v, &sums[i].v[k / 3], 4);
            mote_put32(t.num.elem + 4 * k, u);
            mote_put32(t.v.elem + 4 * k, v);
        }
        const plane_cfg stored = { .coder = MOTE_CODER_STORED, .n_classes = 1 };
        t.v.v = t.num.v = stored;
        for (unsigned j = 0; j < 3; j++) t.v.byte[j] = t.num.byte[j] = stored;
        bytes head = tensor_head(&t);
        decoder d;
        ck_assert_int_eq(decoder_init(&d, &head, MOTE_F32, 9, mote_kern_ref()), MOTE_OK);
        check_residents(&t, &d);
        size_t n;
        uint8_t *rec = segment_bytes(&t, 0, false, &n), out[36];
        mote_dest dest;
        ck_assert_int_eq(mote_dest_tensor(&dest, &d.head, 0, MOTE_FORM_DENSE, out, sizeof out), MOTE_OK);
        ck_assert_int_eq(mote_seg_dense(d.work, &d.env, 0, rec, n, &dest), MOTE_OK);
        uint32_t want;
        memcpy(&want, &sums[i].w, 4);
        if (sums[i].nan) want = 0x7FC00000;
        for (unsigned k = 0; k < 9; k++)
            ck_assert_msg(mote_le32(out + 4 * k) == want, "%s: %08x", sums[i].name, mote_le32(out + 4 * k));
        free(rec);
        decoder_free(&d);
        bytes_free(&head);
        tensor_free(&t);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("segment");
    TCase *tc = tcase_create("segment");
    tcase_add_loop_test(tc, every_numeric_and_layout_of_every_dtype_comes_back, 0, MOTE_C128);
    tcase_add_loop_test(tc, rows_of_every_length_come_back, 0, 10);
    tcase_add_loop_test(tc, every_small_mask_comes_back, 0, 8);
    tcase_add_loop_test(tc, truncated_planes_and_records_are_refused, 0, 6);
    tcase_add_loop_test(tc, flipped_bits_never_leave_the_range, 0, 3);
    tcase_add_test(tc, lowrank_sums_in_order_and_settles_nan);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
