/* SPDX-License-Identifier: Apache-2.0
 * Decoding of segments: what an independent encoder wrote comes back exactly, in every form and into nothing but its
 * place; whatever is wrong with a segment is refused for the reason that the specification gives. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/le.h"
#include "codec_helpers.h"
#include "common/casts.h"
#include "wide.h"

#define CANARY 0xC5
#define MARGIN 40

/* --- a buffer that tells who wrote beyond it --- */

static uint8_t *guarded(size_t n)
{
    uint8_t *p = allocate(n + 2 * MARGIN);
    memset(p, CANARY, n + 2 * MARGIN);
    return p + MARGIN;
}

static void unguard(uint8_t *p, size_t n, const char *what)
{
    bool intact = true; /* each assertion of Check is a system call: none in long loops */
    for (size_t i = 0; i < MARGIN; i++) intact = intact && p[(int)i - MARGIN] == CANARY && p[n + i] == CANARY;
    ck_assert_msg(intact, "%s: written beyond the output", what);
    free(p - MARGIN);
}

static bool all_zero(const uint8_t *p, size_t n)
{
    for (; n && *p == 0; p++) n--;
    return n == 0;
}

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

/* Decode one segment densely; what was not decoded must be zero. */
static mote_status decode_bytes(decoder *d, uint64_t s, const uint8_t *p, size_t n)
{
    const mote_extent e = mote_head_extent(&d->head, s);
    const size_t own = (size_t)((e.rows * e.cols * mote_dtype_bits(d->head.dtype) + 7) / 8);
    uint8_t *out = guarded(own), *rec = exact_copy(p, n);
    mote_dest dest;
    ck_assert_int_eq(mote_dest_segment(&dest, &d->head, s, MOTE_FORM_DENSE, out, own), MOTE_OK);
    mote_status st = mote_seg_dense(d->work, &d->env, s, rec, n, &dest);
    ck_assert_msg(st == MOTE_OK || all_zero(out, own), "output left behind");
    unguard(out, own, "damaged");
    free(rec);
    return st;
}

static mote_status decode_planes(decoder *d, uint64_t s, const planes *p)
{
    bytes b = planes_join(p);
    mote_status st = decode_bytes(d, s, b.p, b.n);
    bytes_free(&b);
    return st;
}

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

/* --- rules, one by one --- */

/* Tables of two symbols of equal frequency: values lo and lo + 1. */
static mote_table_spec halves(int32_t lo)
{
    return (mote_table_spec){ .bits = 12, .lo = lo, .freq = { 2048, 2048 } };
}

/* All of one symbol: it costs nothing, the states stay at 2^16. */
static mote_table_spec certain(unsigned symbol, int32_t lo)
{
    mote_table_spec t = { .bits = 12, .lo = lo };
    t.freq[symbol] = 4096;
    return t;
}

static plane_cfg rans1(mote_table_spec t)
{
    return (plane_cfg){ .coder = MOTE_CODER_RANS1, .n_classes = 1, .table = { t } };
}

static const plane_cfg stored = { .coder = MOTE_CODER_STORED, .n_classes = 1 };

static void part(planes *p, const void *bytes_, size_t n)
{
    p->part[p->n] = (bytes){ 0 };
    put_bytes(&p->part[p->n++], bytes_, n);
}
#define PART(p, ...) part(p, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))
#define EMPTY(p) part(p, NULL, 0)
#define STATE 0, 0, 1, 0 /* 2^16 */

/* One segment of 2 rows of 6 u8, unless a case says otherwise. */
static void base(tensor_cfg *t, unsigned layout)
{
    memset(t, 0, sizeof *t);
    t->dtype = MOTE_U8;
    t->layout = layout;
    t->rows = 2;
    t->cols = 6;
    t->seg_elems = 12;
    t->num = (num_cfg){ .numeric = MOTE_NUM_INT, .dtype = MOTE_U8, .v = stored };
    t->mask = t->counts = t->gaps = stored;
}

static void affine(tensor_cfg *t, unsigned scale_dtype, unsigned scope, unsigned zero, unsigned bits)
{
    base(t, MOTE_LAYOUT_DENSE);
    t->dtype = MOTE_F32;
    t->num = (num_cfg){ .numeric = MOTE_NUM_AFFINE,
                        .dtype = MOTE_F32,
                        .bits = bits,
                        .zero = zero,
                        .scope = scope,
                        .group = scope == 2 ? 4 : 0,
                        .scale_dtype = scale_dtype,
                        .v = { .coder = MOTE_CODER_CONSTANT, .n_classes = 1 } };
}

typedef struct rule {
    const char *name;
    mote_status st;
    void (*make)(tensor_cfg *t, planes *p);
} rule;

#define RULE(id) static void id(tensor_cfg *t, planes *p)
#define DENSE6(...)                 \
    do {                            \
        base(t, MOTE_LAYOUT_DENSE); \
        __VA_ARGS__;                \
    } while (0)

RULE(stored_ok)
{
    DENSE6(PART(p, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
}
RULE(stored_short)
{
    DENSE6(PART(p, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
}
RULE(stored_long)
{
    DENSE6(PART(p, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0));
}
RULE(elements_long)
{
    DENSE6(t->num.numeric = MOTE_NUM_STORED; PART(p, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0));
}
RULE(elements_short)
{
    DENSE6(t->num.numeric = MOTE_NUM_STORED; PART(p, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
}
RULE(u4_padding)
{
    DENSE6(t->dtype = MOTE_U4; t->cols = 3; t->rows = 1; t->seg_elems = 3);
    t->num.dtype = MOTE_U4;
    PART(p, 0x21, 0x13);
}
RULE(u4_stored_padding)
{
    u4_padding(t, p);
    t->num.numeric = MOTE_NUM_STORED;
}
RULE(constant_ok)
{
    DENSE6((void)p; t->num.v = ((plane_cfg){ .coder = MOTE_CODER_CONSTANT, .constant = 7 }));
}
RULE(constant_trailing)
{
    constant_ok(t, p);
    PART(p, 0);
}
RULE(record_empty)
{
    DENSE6((void)p);
}

RULE(certain_ok)
{
    DENSE6(t->num.v = rans1(certain(3, 0)); PART(p, STATE));
}
RULE(state_low)
{
    DENSE6(t->num.v = rans1(certain(3, 0)); PART(p, 255, 255, 0, 0));
}
RULE(state_low_mended) /* would be right after one word, and the same values again */
{
    DENSE6(t->num.v = rans1(certain(3, 0)); PART(p, 1, 0, 0, 0, 0, 0));
}
RULE(state_end)
{
    DENSE6(t->num.v = rans1(certain(3, 0)); PART(p, 1, 0, 1, 0));
}
RULE(states_short)
{
    DENSE6(t->num.v = rans1(certain(3, 0)); PART(p, 0, 0, 1));
}
RULE(states_none)
{
    DENSE6(t->num.v = rans1(certain(3, 0)); EMPTY(p));
}
RULE(words_left)
{
    DENSE6(t->num.v = rans1(certain(3, 0)); PART(p, STATE, 0, 0));
}
RULE(byte_left)
{
    DENSE6(t->num.v = rans1(certain(3, 0)); PART(p, STATE, 0));
}
RULE(words_missing)
{
    DENSE6(t->num.v = rans1(halves(0)); PART(p, STATE));
}
RULE(lanes_unused)
{
    DENSE6(t->num.v = rans1(certain(3, 0)); t->num.v.coder = MOTE_CODER_RANS8);
    PART(p, STATE, STATE, STATE, STATE, STATE, STATE, STATE, STATE);
}
RULE(lanes_unused_state)
{
    DENSE6(t->num.v = rans1(certain(3, 0)); t->num.v.coder = MOTE_CODER_RANS8);
    PART(p, STATE, STATE, STATE, STATE, STATE, STATE, STATE, 0, 0, 2, 0);
}
RULE(value_high)
{
    DENSE6(t->num.v = rans1(certain(0, 256)); PART(p, STATE));
}
RULE(value_low)
{
    DENSE6(t->num.v = rans1(certain(0, -1)); PART(p, STATE));
}
RULE(value_aliased)
{
    DENSE6(t->num.v = rans1(certain(5, 65536)); PART(p, STATE));
}
RULE(value_aliased_low)
{
    DENSE6(t->num.v = rans1(certain(5, -65536)); PART(p, STATE));
}
RULE(value_last_ok)
{
    DENSE6(t->num.v = rans1(certain(15, 240)); PART(p, STATE));
}

static void classes(tensor_cfg *t, unsigned coder)
{
    base(t, MOTE_LAYOUT_DENSE);
    t->num.v = (plane_cfg){ .coder = MOTE_CODER_RANS1,
                            .n_classes = 3,
                            .class_coder = coder,
                            .table = { certain(1, 0), certain(2, 0), certain(3, 0) } };
    t->num.v.map = certain(2, 0);
}
RULE(class_stored_ok)
{
    classes(t, MOTE_CODER_STORED);
    PART(p, 0x21);
    PART(p, STATE);
}
RULE(class_stored_high)
{
    classes(t, MOTE_CODER_STORED);
    PART(p, 0x31);
    PART(p, STATE);
}
RULE(class_stored_long)
{
    classes(t, MOTE_CODER_STORED);
    PART(p, 0x21, 0);
    PART(p, STATE);
}
RULE(class_stored_short)
{
    classes(t, MOTE_CODER_STORED);
    EMPTY(p);
    PART(p, STATE);
}
RULE(class_stored_padding)
{
    classes(t, MOTE_CODER_STORED);
    t->rows = 1, t->seg_elems = 6;
    PART(p, 0x11);
    PART(p, STATE);
}
RULE(class_rans_ok)
{
    classes(t, MOTE_CODER_RANS1);
    PART(p, STATE);
    PART(p, STATE);
}
RULE(class_rans_high)
{
    classes(t, MOTE_CODER_RANS1);
    t->num.v.map = certain(3, 0);
    PART(p, STATE);
    PART(p, STATE);
}
RULE(class_rans_aliased)
{
    classes(t, MOTE_CODER_RANS1);
    t->num.v.map = certain(0, 65536);
    PART(p, STATE);
    PART(p, STATE);
}
RULE(class_rans_end)
{
    classes(t, MOTE_CODER_RANS1);
    PART(p, 9, 0, 1, 0);
    PART(p, STATE);
}
RULE(class_rans_left)
{
    classes(t, MOTE_CODER_RANS1);
    PART(p, STATE, 0, 0);
    PART(p, STATE);
}

/* one value, which is an escape */
static void escape(tensor_cfg *t, unsigned escapes, mote_table_spec second)
{
    base(t, MOTE_LAYOUT_DENSE);
    t->rows = 1, t->cols = 1, t->seg_elems = 1;
    t->num.v = rans1(certain(15, 10));
    t->num.v.escapes = escapes;
    t->num.v.esc = second;
}
RULE(escape_ok)
{
    escape(t, 1, halves(0));
    PART(p, STATE);
    PART(p, 0xAC, 2); /* 300: t = 165 */
}
RULE(escape_low_ok)
{
    escape(t, 1, halves(0));
    PART(p, STATE);
    PART(p, 19); /* t = -10 */
}
RULE(escape_beyond)
{
    escape(t, 1, halves(0));
    PART(p, STATE);
    PART(p, 0xE0, 3); /* t = 255: 265 */
}
RULE(escape_below)
{
    escape(t, 1, halves(0));
    PART(p, STATE);
    PART(p, 21); /* t = -11 */
}
RULE(escape_number)
{
    escape(t, 1, halves(0));
    PART(p, STATE);
    PART(p, 0x80, 0x80, 0x40);
}
RULE(escape_missing)
{
    escape(t, 1, halves(0));
    PART(p, STATE);
    EMPTY(p);
}
RULE(escape_cut)
{
    escape(t, 1, halves(0));
    PART(p, STATE);
    PART(p, 0xAC);
}
RULE(escape_overlong)
{
    escape(t, 1, halves(0));
    PART(p, STATE);
    PART(p, 0x80, 0);
}
RULE(escape_left)
{
    escape(t, 1, halves(0));
    PART(p, STATE);
    PART(p, 1, 1);
}
RULE(escape2_ok)
{
    escape(t, 2, certain(4, 0));
    PART(p, STATE);
    PART(p, STATE);
    EMPTY(p);
}
RULE(escape2_number)
{
    escape(t, 2, certain(15, 0));
    PART(p, STATE);
    PART(p, STATE);
    PART(p, 0x80, 0x80, 0x40);
}
RULE(escape2_sum)
{
    escape(t, 2, certain(15, 0));
    PART(p, STATE);
    PART(p, STATE);
    PART(p, 0xFF, 0xFF, 0x3F);
}
RULE(escape2_none)
{
    escape(t, 2, certain(4, 0));
    PART(p, STATE);
    EMPTY(p);
    EMPTY(p);
}
RULE(escape2_end)
{
    escape(t, 2, certain(4, 0));
    PART(p, STATE);
    PART(p, 0, 0, 2, 0);
    EMPTY(p);
}
RULE(escape2_left)
{
    escape(t, 2, certain(4, 0));
    PART(p, STATE);
    PART(p, STATE);
    PART(p, 0);
}
RULE(escape2_unused)
{
    escape(t, 2, certain(4, 0));
    t->num.v.table[0] = certain(3, 0);
    PART(p, STATE);
    PART(p, STATE);
    EMPTY(p);
}

RULE(mask_ok)
{
    base(t, MOTE_LAYOUT_BITMASK);
    PART(p, 0x02, 0x31);
    PART(p, 9, 8, 7, 6);
}
RULE(mask_beyond)
{
    base(t, MOTE_LAYOUT_BITMASK);
    PART(p, 0x42, 0x21);
    PART(p, 9, 8, 7, 6);
}
RULE(mask_short)
{
    base(t, MOTE_LAYOUT_BITMASK);
    PART(p, 0x02);
    PART(p, 9, 8, 7, 6);
}
RULE(mask_long)
{
    base(t, MOTE_LAYOUT_BITMASK);
    PART(p, 0x02, 0x31, 0);
    PART(p, 9, 8, 7, 6);
}
RULE(mask_values_left)
{
    base(t, MOTE_LAYOUT_BITMASK);
    PART(p, 0x02, 0x31);
    PART(p, 9, 8, 7, 6, 5);
}
RULE(mask_values_short)
{
    base(t, MOTE_LAYOUT_BITMASK);
    PART(p, 0x02, 0x31);
    PART(p, 9, 8, 7);
}
RULE(mask_nothing_kept)
{
    base(t, MOTE_LAYOUT_BITMASK);
    t->num.v = rans1(certain(3, 0));
    PART(p, 0, 0);
    EMPTY(p);
}
RULE(mask_nothing_kept_states)
{
    base(t, MOTE_LAYOUT_BITMASK);
    t->num.v = rans1(certain(3, 0));
    PART(p, 0, 0);
    PART(p, STATE);
}
RULE(mask_high)
{
    base(t, MOTE_LAYOUT_BITMASK);
    t->mask = rans1(certain(8, 8));
    PART(p, STATE);
    EMPTY(p);
}

/* counts of 3 bits: 2, 1; gaps of 3 bits: 0, 4, 5: columns 0, 5 and 5 */
RULE(csr_ok)
{
    base(t, MOTE_LAYOUT_CSR);
    PART(p, 0x0A);
    PART(p, 0x60, 0x01);
    PART(p, 9, 8, 7);
}
RULE(csr_count)
{
    base(t, MOTE_LAYOUT_CSR);
    PART(p, 0x0F);
    PART(p, 0x60, 0x01);
    PART(p, 9, 8, 7);
}
RULE(csr_count_rans)
{
    base(t, MOTE_LAYOUT_CSR);
    t->counts = rans1(certain(7, 0));
    PART(p, STATE);
    EMPTY(p);
    EMPTY(p);
}
RULE(csr_gap_sum)
{
    base(t, MOTE_LAYOUT_CSR);
    PART(p, 0x0A);
    PART(p, 0x69, 0x01);
    PART(p, 9, 8, 7); /* 1, 5 */
}
RULE(csr_gap_range)
{
    base(t, MOTE_LAYOUT_CSR);
    PART(p, 0x0A);
    PART(p, 0xA0, 0x01);
    PART(p, 9, 8, 7); /* 0, 4, 6 */
}
RULE(csr_gap_rans)
{
    base(t, MOTE_LAYOUT_CSR);
    t->gaps = rans1(certain(9, 0));
    PART(p, 0x0A);
    PART(p, STATE);
    PART(p, 9, 8, 7);
}
RULE(csr_count_padding)
{
    base(t, MOTE_LAYOUT_CSR);
    PART(p, 0x4A);
    PART(p, 0x60, 0x01);
    PART(p, 9, 8, 7);
}
RULE(csr_gap_padding)
{
    base(t, MOTE_LAYOUT_CSR);
    PART(p, 0x0A);
    PART(p, 0x60, 0x03);
    PART(p, 9, 8, 7);
}
RULE(csr_values_left)
{
    base(t, MOTE_LAYOUT_CSR);
    PART(p, 0x0A);
    PART(p, 0x60, 0x01);
    PART(p, 9, 8, 7, 6);
}
RULE(csr_gaps_left)
{
    base(t, MOTE_LAYOUT_CSR);
    PART(p, 0x0A);
    PART(p, 0x60, 0x01, 0);
    PART(p, 9, 8, 7);
}
RULE(csr_constant_count)
{
    base(t, MOTE_LAYOUT_CSR);
    t->counts = (plane_cfg){ .coder = MOTE_CODER_CONSTANT, .constant = 2 };
    PART(p, 0, 8);
    PART(p, 9, 8, 7, 6); /* 0 0, 0 4 */
}
RULE(csr_constant_gap)
{
    base(t, MOTE_LAYOUT_CSR);
    t->gaps = (plane_cfg){ .coder = MOTE_CODER_CONSTANT, .constant = 2 };
    PART(p, 0x0A);
    PART(p, 9, 8, 7);
}
RULE(csr_constant_gap_beyond)
{
    csr_constant_gap(t, p);
    t->gaps.constant = 3;
}

RULE(csr_escape_number)
{
    base(t, MOTE_LAYOUT_CSR);
    t->gaps = rans1(certain(15, 0));
    t->gaps.escapes = 1;
    PART(p, 0x01);
    PART(p, STATE);
    PART(p, 0x80, 0x80, 0x40);
    PART(p, 9);
}
RULE(csr_escape2_sum)
{
    csr_escape_number(t, p);
    t->gaps.escapes = 2;
    t->gaps.esc = certain(15, 0);
    planes_free(p);
    PART(p, 0x01);
    PART(p, STATE);
    PART(p, STATE);
    PART(p, 0xF1, 0xFF, 0x3F);
    PART(p, 9);
}
RULE(csr_escape2_range)
{
    csr_escape2_sum(t, p);
    bytes_free(&p->part[3]);
    put_v(&p->part[3], MOTE_ESCAPE_MAX - 15);
}
RULE(csr_count_of_short_piece) /* a segment of 4 columns, then one of 2 */
{
    base(t, MOTE_LAYOUT_CSR);
    t->rows = 1, t->seg_elems = 4;
    t->gaps = (plane_cfg){ .coder = MOTE_CODER_CONSTANT, .constant = 0 };
    PART(p, 3);
    PART(p, 9, 8, 7);
}
RULE(scale_zero)
{
    affine(t, MOTE_F32, 1, 0, 4);
    PART(p, 0, 0, 128, 63, 0, 0, 0, 0);
}
RULE(scale_ok)
{
    affine(t, MOTE_F32, 1, 0, 4);
    PART(p, 0, 0, 128, 63, 1, 0, 0, 0);
}
RULE(scale_negative)
{
    affine(t, MOTE_F32, 1, 0, 4);
    PART(p, 0, 0, 128, 63, 0, 0, 128, 191);
}
RULE(scale_infinite)
{
    affine(t, MOTE_F32, 1, 0, 4);
    PART(p, 0, 0, 128, 63, 0, 0, 128, 127);
}
RULE(scale_nan)
{
    affine(t, MOTE_F32, 1, 0, 4);
    PART(p, 0, 0, 128, 63, 1, 0, 128, 127);
}
RULE(scale_f16_infinite)
{
    affine(t, MOTE_F16, 1, 0, 4);
    PART(p, 0, 60, 0, 124);
}
RULE(scale_f16_negative)
{
    affine(t, MOTE_F16, 1, 0, 4);
    PART(p, 0, 60, 0, 188);
}
RULE(scale_bf16_infinite)
{
    affine(t, MOTE_BF16, 1, 0, 4);
    PART(p, 128, 63, 128, 127);
}
RULE(scale_bf16_ok)
{
    affine(t, MOTE_BF16, 1, 0, 4);
    PART(p, 128, 63, 127, 127);
}
RULE(scales_short)
{
    affine(t, MOTE_F16, 1, 0, 4);
    PART(p, 0, 60);
}
RULE(scales_long)
{
    affine(t, MOTE_F16, 1, 0, 4);
    PART(p, 0, 60, 0, 60, 0);
}
RULE(groups_ok)
{
    affine(t, MOTE_F16, 2, 0, 4);
    PART(p, 0, 60, 0, 60, 0, 60, 0, 60);
}
RULE(groups_short)
{
    affine(t, MOTE_F16, 2, 0, 4);
    PART(p, 0, 60, 0, 60, 0, 60);
}
RULE(zero_ok)
{
    affine(t, MOTE_F16, 1, 1, 4);
    PART(p, 0, 60, 0, 60);
    PART(p, 15, 0);
}
RULE(zero_high)
{
    affine(t, MOTE_F16, 1, 1, 4);
    PART(p, 0, 60, 0, 60);
    PART(p, 15, 16);
}
RULE(zeros_short)
{
    affine(t, MOTE_F16, 1, 1, 4);
    PART(p, 0, 60, 0, 60);
    PART(p, 15);
}
RULE(zeros_long)
{
    affine(t, MOTE_F16, 1, 1, 4);
    PART(p, 0, 60, 0, 60);
    PART(p, 15, 0, 0);
}
RULE(codes_padding)
{
    affine(t, MOTE_F16, 1, 0, 3);
    t->num.v = stored;
    t->rows = 1, t->cols = 5, t->seg_elems = 5;
    PART(p, 0, 60);
    PART(p, 0x88, 0x80);
}
static uint32_t ones[] = { 0x3C00, 0x4000, 0xBC00, 0x3C00, 0x4000, 0xBC00 };

/* Three entries of f16 for each row, one scale for all. */
static void books(tensor_cfg *t, unsigned rows)
{
    base(t, MOTE_LAYOUT_DENSE);
    t->dtype = t->num.dtype = MOTE_F32;
    t->num.numeric = MOTE_NUM_CODEBOOK;
    t->num.entries = 3;
    t->num.entry_dtype = MOTE_F16;
    t->num.book_rows = rows;
    t->num.book = ones;
    t->num.scale_dtype = MOTE_F32; /* segment_rules gives the scale: 1 */
    t->num.v = (plane_cfg){ .coder = MOTE_CODER_CONSTANT, .n_classes = 1 };
}
RULE(books_ok)
{
    books(t, 1);
    PART(p, 0, 60, 0, 64, 255, 123, 0, 60, 0, 64, 0, 188);
}
RULE(books_of_two_rows)
{
    books(t, 2);
    PART(p, 0, 60, 0, 64, 0, 188);
}
RULE(books_short)
{
    books(t, 1);
    PART(p, 0, 60, 0, 64, 0, 188, 0, 60, 0, 64);
}
RULE(books_long)
{
    books(t, 2);
    PART(p, 0, 60, 0, 64, 0, 188, 0);
}
RULE(books_infinite)
{
    books(t, 1);
    PART(p, 0, 60, 0, 64, 0, 188, 0, 60, 0, 64, 0, 252);
}
RULE(places_ok)
{
    books(t, 2);
    t->num.v = stored;
    PART(p, 0, 60, 0, 64, 0, 188);
    PART(p, 0x24, 0x49, 0x92);
}
RULE(place_beyond) /* the fourth of three */
{
    books(t, 2);
    t->num.v = stored;
    PART(p, 0, 60, 0, 64, 0, 188);
    PART(p, 0x24, 0x49, 0xD2);
}
RULE(folded_ok)
{
    affine(t, MOTE_F16, 1, 0, 3);
    t->num.v = stored;
    t->num.fold = 1;
    t->rows = 1, t->cols = 3, t->seg_elems = 3;
    PART(p, 0, 60);
    PART(p, 0x88, 1); /* 0, 1, 6 */
}
RULE(folded_beyond)
{
    folded_ok(t, p);
    bytes_free(&p->part[--p->n]);
    PART(p, 0xC8, 1); /* 0, 1, 7: the one value of 3 bits that is not */
}
RULE(scale_of_empty_group)
{
    affine(t, MOTE_F16, 2, 0, 4);
    t->layout = MOTE_LAYOUT_BITMASK;
    t->mask = stored;
    PART(p, 1, 0);
    PART(p, 0, 60, 0, 0, 0, 60, 0, 60);
}

RULE(byte_range)
{
    DENSE6(t->dtype = MOTE_I16;
           t->num = ((num_cfg){ .numeric = MOTE_NUM_INT, .dtype = MOTE_I16, .nb = 1, .v = stored }));
    t->num.byte[0] = rans1(certain(15, 250));
    PART(p, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    PART(p, STATE);
}
RULE(byte_short)
{
    byte_range(t, p);
    t->num.byte[0] = stored;
    bytes_free(&p->part[--p->n]);
    PART(p, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
}
RULE(byte_long)
{
    byte_range(t, p);
    t->num.byte[0] = stored;
    bytes_free(&p->part[--p->n]);
    PART(p, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
}
RULE(plane_length_beyond) /* the length of the first plane is larger than the record */
{
    byte_range(t, p);
    planes_free(p);
    PART(p, 200, 1, 3);
}
RULE(plane_length_overlong)
{
    byte_range(t, p);
    planes_free(p);
    PART(p, 0x80, 0, 3);
}
RULE(zstd_garbage)
{
    DENSE6(t->num.numeric = MOTE_NUM_STORED; t->num.v.coder = MOTE_CODER_ZSTD; PART(p, 1, 2, 3));
}

static const rule rules[] = {
#define ROW(id, status)        \
    {                          \
#id, MOTE_##status, id \
    }
    ROW(stored_ok, OK),
    ROW(stored_short, ERR_STREAM),
    ROW(stored_long, ERR_STREAM),
    ROW(elements_long, ERR_STREAM),
    ROW(elements_short, ERR_STREAM),
    ROW(u4_padding, ERR_PADDING),
    ROW(u4_stored_padding, ERR_PADDING),
    ROW(constant_ok, OK),
    ROW(constant_trailing, ERR_TRAILING),
    ROW(record_empty, ERR_STREAM),
    ROW(certain_ok, OK),
    ROW(state_low, ERR_STREAM),
    ROW(state_low_mended, ERR_STREAM),
    ROW(state_end, ERR_STREAM),
    ROW(states_short, ERR_STREAM),
    ROW(states_none, ERR_STREAM),
    ROW(words_left, ERR_STREAM),
    ROW(byte_left, ERR_STREAM),
    ROW(words_missing, ERR_STREAM),
    ROW(lanes_unused, OK),
    ROW(lanes_unused_state, ERR_STREAM),
    ROW(value_high, ERR_RANGE),
    ROW(value_low, ERR_RANGE),
    ROW(value_aliased, ERR_RANGE),
    ROW(value_aliased_low, ERR_RANGE),
    ROW(value_last_ok, OK),
    ROW(class_stored_ok, OK),
    ROW(class_stored_high, ERR_RANGE),
    ROW(class_stored_long, ERR_STREAM),
    ROW(class_stored_short, ERR_STREAM),
    ROW(class_stored_padding, ERR_PADDING),
    ROW(class_rans_ok, OK),
    ROW(class_rans_high, ERR_RANGE),
    ROW(class_rans_aliased, ERR_RANGE),
    ROW(class_rans_end, ERR_STREAM),
    ROW(class_rans_left, ERR_STREAM),
    ROW(escape_ok, OK),
    ROW(escape_low_ok, OK),
    ROW(escape_beyond, ERR_RANGE),
    ROW(escape_below, ERR_RANGE),
    ROW(escape_number, ERR_RANGE),
    ROW(escape_missing, ERR_STREAM),
    ROW(escape_cut, ERR_STREAM),
    ROW(escape_overlong, ERR_VARINT),
    ROW(escape_left, ERR_STREAM),
    ROW(escape2_ok, OK),
    ROW(escape2_number, ERR_RANGE),
    ROW(escape2_sum, ERR_RANGE),
    ROW(escape2_none, ERR_STREAM),
    ROW(escape2_end, ERR_STREAM),
    ROW(escape2_left, ERR_STREAM),
    ROW(escape2_unused, ERR_STREAM),
    ROW(mask_ok, OK),
    ROW(mask_beyond, ERR_PADDING),
    ROW(mask_short, ERR_STREAM),
    ROW(mask_long, ERR_STREAM),
    ROW(mask_values_left, ERR_STREAM),
    ROW(mask_values_short, ERR_STREAM),
    ROW(mask_nothing_kept, OK),
    ROW(mask_nothing_kept_states, ERR_STREAM),
    ROW(mask_high, ERR_INDEX),
    ROW(csr_ok, OK),
    ROW(csr_count, ERR_INDEX),
    ROW(csr_count_rans, ERR_INDEX),
    ROW(csr_gap_sum, ERR_INDEX),
    ROW(csr_gap_range, ERR_INDEX),
    ROW(csr_gap_rans, ERR_INDEX),
    ROW(csr_count_padding, ERR_PADDING),
    ROW(csr_gap_padding, ERR_PADDING),
    ROW(csr_values_left, ERR_STREAM),
    ROW(csr_gaps_left, ERR_STREAM),
    ROW(csr_constant_count, OK),
    ROW(csr_constant_gap, OK),
    ROW(csr_constant_gap_beyond, ERR_INDEX),
    ROW(csr_escape_number, ERR_RANGE),
    ROW(csr_escape2_sum, ERR_RANGE),
    ROW(csr_escape2_range, ERR_INDEX),
    ROW(csr_count_of_short_piece, OK),
    ROW(scale_zero, ERR_SCALE),
    ROW(scale_ok, OK),
    ROW(scale_negative, ERR_SCALE),
    ROW(scale_infinite, ERR_SCALE),
    ROW(scale_nan, ERR_SCALE),
    ROW(scale_f16_infinite, ERR_SCALE),
    ROW(scale_f16_negative, ERR_SCALE),
    ROW(scale_bf16_infinite, ERR_SCALE),
    ROW(scale_bf16_ok, OK),
    ROW(scales_short, ERR_STREAM),
    ROW(scales_long, ERR_STREAM),
    ROW(groups_ok, OK),
    ROW(groups_short, ERR_STREAM),
    ROW(zero_ok, OK),
    ROW(zero_high, ERR_SCALE),
    ROW(zeros_short, ERR_STREAM),
    ROW(zeros_long, ERR_STREAM),
    ROW(codes_padding, ERR_PADDING),
    ROW(books_ok, OK),
    ROW(books_of_two_rows, OK),
    ROW(books_short, ERR_STREAM),
    ROW(books_long, ERR_STREAM),
    ROW(books_infinite, ERR_SCALE),
    ROW(places_ok, OK),
    ROW(place_beyond, ERR_RANGE),
    ROW(folded_ok, OK),
    ROW(folded_beyond, ERR_RANGE),
    ROW(scale_of_empty_group, ERR_SCALE),
    ROW(byte_range, ERR_RANGE),
    ROW(byte_short, ERR_STREAM),
    ROW(byte_long, ERR_STREAM),
    ROW(plane_length_beyond, ERR_TRUNCATED),
    ROW(plane_length_overlong, ERR_VARINT),
    ROW(zstd_garbage, ERR_ZSTD),
#undef ROW
};

START_TEST(segment_rules)
{
    const rule *r = &rules[_i];
    tensor_cfg t;
    planes p = { 0 };
    r->make(&t, &p);
    uint16_t zp[8] = { 0 };
    uint32_t scale[8] = { 0x3F800000 };
    t.num.zp = zp;
    t.num.scale = scale;
    bytes head = tensor_head(&t);
    for (size_t k = 0; test_kernel(k); k++) {
        decoder d;
        mote_status st = decoder_init(&d, &head, t.dtype, t.rows * t.cols, test_kernel(k));
        ck_assert_msg(st == MOTE_OK, "%s: head %d", r->name, (int)st);
        st = decode_planes(&d, 0, &p);
        ck_assert_msg(st == r->st, "%s, kernel %s: status %d, not %d", r->name, d.env.kern->name, (int)st, (int)r->st);
        if (r->make == csr_count_of_short_piece) ck_assert_int_eq(decode_planes(&d, 1, &p), MOTE_ERR_INDEX);
        decoder_free(&d);
    }
    bytes_free(&head);
    planes_free(&p);
}
END_TEST

START_TEST(zstd_needs_its_function_and_its_memory) /* Spec codecs.md 4 */
{
    tensor_cfg t;
    planes p = { 0 };
    base(&t, MOTE_LAYOUT_DENSE);
    t.dtype = MOTE_I16;
    t.num = (num_cfg){ .numeric = MOTE_NUM_INT, .dtype = MOTE_I16 };
    rnd_seed(5);
    num_random(&t.num, 2, 6, 6);
    t.num.nb = 1;
    t.num.fold = t.num.shifted = t.num.background = 0;
    t.num.v = (plane_cfg){ .coder = MOTE_CODER_CONSTANT, .constant = 0 };
    t.num.byte[0] = (plane_cfg){ .coder = MOTE_CODER_ZSTD };
    bytes head = tensor_head(&t);
    tensor_segment(&p, &t, 0);
    decoder d;
    ck_assert_int_eq(decoder_init(&d, &head, MOTE_I16, 12, mote_kern_ref()), MOTE_OK);
    ck_assert_int_eq(decode_planes(&d, 0, &p), MOTE_OK);
    d.env.scratch_bytes = 12;
    ck_assert_int_eq(decode_planes(&d, 0, &p), MOTE_OK);
    d.env.scratch_bytes = 11;
    ck_assert_int_eq(decode_planes(&d, 0, &p), MOTE_ERR_NOMEM);
    d.env.scratch_bytes = 12;
    d.env.inflate = NULL;
    ck_assert_int_eq(decode_planes(&d, 0, &p), MOTE_ERR_UNSUPPORTED);
    decoder_free(&d);
    planes_free(&p);
    bytes_free(&head);
    tensor_free(&t);
}
END_TEST

START_TEST(forms_that_do_not_exist_are_refused)
{
    static const struct {
        unsigned dtype;
        mote_form form;
        unsigned bits;
    } forms[] = {
        { MOTE_F32, MOTE_FORM_F32, 32 },   { MOTE_F64, MOTE_FORM_F32, 32 },     { MOTE_BF16, MOTE_FORM_F16, 16 },
        { MOTE_F16, MOTE_FORM_DENSE, 16 }, { MOTE_C128, MOTE_FORM_DENSE, 128 }, { MOTE_F6_E2M3, MOTE_FORM_DENSE, 6 },
        { MOTE_I8, MOTE_FORM_F32, 0 },     { MOTE_F8_E4M3, MOTE_FORM_F16, 0 },  { MOTE_C64, MOTE_FORM_F32, 0 },
        { MOTE_F32, MOTE_FORM_NATIVE, 0 }, { 0, MOTE_FORM_DENSE, 0 },           { 26, MOTE_FORM_DENSE, 0 },
    };
    for (size_t i = 0; i < N(forms); i++)
        ck_assert_uint_eq(mote_form_bits(forms[i].dtype, forms[i].form), forms[i].bits);

    tensor_cfg t;
    planes p = { 0 };
    stored_ok(&t, &p);
    bytes head = tensor_head(&t), rec = planes_join(&p);
    decoder d;
    uint8_t out[12];
    mote_dest dest;
    ck_assert_int_eq(decoder_init(&d, &head, MOTE_U8, 12, mote_kern_ref()), MOTE_OK);
    ck_assert_int_eq(mote_dest_tensor(&dest, &d.head, 0, MOTE_FORM_F32, out, 100), MOTE_ERR_ARG);
    ck_assert_int_eq(mote_dest_tensor(&dest, &d.head, 0, MOTE_FORM_DENSE, out, 11), MOTE_ERR_NOMEM);
    ck_assert_int_eq(mote_dest_segment(&dest, &d.head, 0, MOTE_FORM_DENSE, out, 11), MOTE_ERR_NOMEM);
    ck_assert_int_eq(mote_dest_segment(&dest, &d.head, 0, MOTE_FORM_DENSE, out, 12), MOTE_OK);
    dest.form = MOTE_FORM_F16;
    ck_assert_int_eq(mote_seg_dense(d.work, &d.env, 0, rec.p, rec.n, &dest), MOTE_ERR_ARG);
    decoder_free(&d);
    planes_free(&p);
    bytes_free(&head);
    bytes_free(&rec);
}
END_TEST

/* D6: a segment whose size does not fit the address space, or a fraction of it, is refused before anything is touched. */
START_TEST(huge_segments_are_refused)
{
    tensor_cfg t;
    base(&t, MOTE_LAYOUT_DENSE);
    t.rows = (uint64_t)1 << WIDE(20, 10);
    t.cols = (uint64_t)1 << WIDE(27, 16); /* 2^26 is what readers with 32 bits take */
    t.seg_elems = t.rows * t.cols;
    t.num.v = (plane_cfg){ .coder = MOTE_CODER_CONSTANT };
    bytes head = tensor_head(&t);
    mote_head h;
    mote_table tables[1];
    mote_dest dest;
    uint8_t out[16];
    ck_assert_int_eq(
        mote_head_read(&h, tables, NULL, 1, mote_rd_init(head.p, head.n), MOTE_U8, t.rows * t.cols, NULL, NULL),
        MOTE_OK);
    ck_assert_int_eq(mote_dest_tensor(&dest, &h, 0, MOTE_FORM_DENSE, out, sizeof out), MOTE_ERR_NOMEM);
    ck_assert(mote_seg_native_bytes(&h, false) >= t.rows * t.cols);
    bytes_free(&head);
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

/* --- casts --- */

START_TEST(casts_read_table) /* Spec codecs.md 7.1 */
{
    static const struct {
        uint32_t x;
        uint16_t f16, bf16;
    } rows[] = {
        { 0x00000000, 0x0000, 0x0000 }, { 0x80000000, 0x8000, 0x8000 }, { 0x3F800000, 0x3C00, 0x3F80 },
        { 0x3F801000, 0x3C00, 0x3F80 }, /* tie to even, down */
        { 0x3F803000, 0x3C02, 0x3F80 }, /* tie to even, up */
        { 0x3F801001, 0x3C01, 0x3F80 }, { 0x3F808000, 0x3C04, 0x3F80 }, { 0x3F818000, 0x3C0C, 0x3F82 },
        { 0x477FEFFF, 0x7BFF, 0x4780 }, /* below the middle of the largest and infinity */
        { 0x477FF000, 0x7C00, 0x4780 }, { 0x47800000, 0x7C00, 0x4780 }, { 0x7F7FFFFF, 0x7C00, 0x7F80 },
        { 0x7F800000, 0x7C00, 0x7F80 }, { 0xFF800000, 0xFC00, 0xFF80 }, { 0x7F800001, 0x7E00, 0x7FC0 },
        { 0xFFABCDEF, 0xFF5E, 0xFFEB }, { 0x38800000, 0x0400, 0x3880 }, { 0x387FC000, 0x03FF, 0x3880 },
        { 0x387FE000, 0x0400, 0x3880 }, /* rounds up to the smallest normal */
        { 0x33800000, 0x0001, 0x3380 }, { 0x33000000, 0x0000, 0x3300 }, { 0x33000001, 0x0001, 0x3300 },
        { 0x33C00000, 0x0002, 0x33C0 }, { 0x32FFFFFF, 0x0000, 0x3300 }, { 0x00000001, 0x0000, 0x0000 },
        { 0x00008000, 0x0000, 0x0000 }, { 0x00018000, 0x0000, 0x0002 }, { 0x807FFFFF, 0x8000, 0x8080 },
    };
    for (size_t i = 0; i < N(rows); i++) {
        ck_assert_msg(mote_f32_to_f16(rows[i].x) == rows[i].f16, "%08x: f16 %04x", rows[i].x,
                      mote_f32_to_f16(rows[i].x));
        ck_assert_msg(mote_f32_to_bf16(rows[i].x) == rows[i].bf16, "%08x: bf16 %04x", rows[i].x,
                      mote_f32_to_bf16(rows[i].x));
    }
    static const struct {
        uint64_t x;
        uint32_t f32;
    } narrow[] = {
        { 0, 0 },
        { 0x8000000000000000, 0x80000000 },
        { 0x3FF0000000000000, 0x3F800000 },
        { 0x3FF0000010000000, 0x3F800000 },
        { 0x3FF0000030000000, 0x3F800002 },
        { 0x3FF0000010000001, 0x3F800001 },
        { 0x47EFFFFFE0000000, 0x7F7FFFFF },
        { 0x47EFFFFFEFFFFFFF, 0x7F7FFFFF },
        { 0x47EFFFFFF0000000, 0x7F800000 },
        { 0x7FEFFFFFFFFFFFFF, 0x7F800000 },
        { 0xFFF0000000000000, 0xFF800000 },
        { 0x7FF0000000000001, 0x7FC00000 },
        { 0xFFF4000020000000, 0xFFE00001 },
        { 0x3810000000000000, 0x00800000 },
        { 0x380FFFFFFFFFFFFF, 0x00800000 },
        { 0x36A0000000000000, 0x00000001 },
        { 0x3690000000000000, 0x00000000 },
        { 0x3690000000000001, 0x00000001 },
        { 0x36B8000000000000, 0x00000003 },
        { 0x0000000000000001, 0 },
    };
    for (size_t i = 0; i < N(narrow); i++)
        ck_assert_msg(mote_f64_to_f32(narrow[i].x) == narrow[i].f32, "row %zu: %08x", i, mote_f64_to_f32(narrow[i].x));
}
END_TEST

/* Against the machine's own casts, which are IEEE 754's on every host that this is built for. */
START_TEST(casts_agree_with_the_machine)
{
    rnd_seed(3);
    for (uint32_t i = 0; i < 65536; i++) {
        uint32_t x = mote_f16_to_f32(i);
        if (mote_f32_to_f16(x) != ((i & 0x7FFF) > 0x7C00 ? i | 0x200 : i)) ck_abort_msg("%04x", i);
        double want = (double)(i & 0x3FF) + ((i >> 10 & 31) ? 1024 : 0); /* by definition, in binary64 */
        for (unsigned e = (i >> 10 & 31) ? (i >> 10 & 31) : 1; e < 25; e++) want /= 2;
        for (unsigned e = i >> 10 & 31; e > 25; e--) want *= 2;
        float f;
        memcpy(&f, &x, 4);
        if ((i & 0x7C00) != 0x7C00 && f != (float)(i >> 15 ? -want : want)) ck_abort_msg("%04x", i);
    }
    for (unsigned i = 0; i < 3000000; i++) {
        uint64_t x = rnd();
        if (i % 2) x = (x & 0x800FFFFFFFFFFFFF) | (uint64_t)(1023 - 155 + rnd_below(290)) << 52;
        if (i % 3 == 0) x &= ~(uint64_t)0x1FFFFFFF;
        double g, back;
        float f;
        uint32_t bits;
        uint64_t wide;
        memcpy(&g, &x, 8);
        if (g != g) continue;
        f = (float)g;
        memcpy(&bits, &f, 4);
        if (mote_f64_to_f32(x) != bits)
            ck_abort_msg("%016llx: %08x, not %08x", (unsigned long long)x, mote_f64_to_f32(x), bits);
        back = f;
        memcpy(&wide, &back, 8);
        if (mote_f32_to_f64(bits) != wide) ck_abort_msg("%08x", bits);
    }
    ck_assert_uint_eq(mote_f32_to_f64(0x7F800001), 0x7FF0000020000000); /* payloads are kept */
    ck_assert_uint_eq(mote_f32_to_f64(0xFFC12345), 0xFFF82468A0000000);
    ck_assert_uint_eq(mote_f16_to_f32(0x7C01), 0x7F802000);
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
    tcase_add_loop_test(tc, segment_rules, 0, (int)N(rules));
    tcase_add_test(tc, zstd_needs_its_function_and_its_memory);
    tcase_add_test(tc, forms_that_do_not_exist_are_refused);
    tcase_add_test(tc, huge_segments_are_refused);
    tcase_add_test(tc, lowrank_sums_in_order_and_settles_nan);
    tcase_add_test(tc, casts_read_table);
    tcase_add_test(tc, casts_agree_with_the_machine);
    suite_add_tcase(s, tc);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
